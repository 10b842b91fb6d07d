"""Links that a short walk replaces, against a plain search on dictionaries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.streets.lines.detours import spare_links


@st.composite
def towns_with_links(draw):
    """Up to 7 places, streets between any two of them, and links with a length and a limit each."""
    n = draw(st.integers(2, 7))
    place = st.tuples(st.integers(0, 20), st.integers(0, 20))
    xy = np.array(draw(st.lists(place, min_size=n, max_size=n)), dtype=float)
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    streets = draw(st.lists(pair, max_size=12))
    links = draw(st.lists(pair.filter(lambda e: e[0] != e[1]), max_size=6))
    several = {"min_size": len(links), "max_size": len(links)}
    bends = draw(st.lists(st.integers(0, 30), **several))
    limits = draw(st.lists(st.integers(0, 60), **several))
    return xy, streets, links, bends, limits


def distance(n, edges, source, target):
    """Relax every edge n times (Bellman and Ford)."""
    reached = [float("inf")] * n
    reached[source] = 0.0
    for _ in range(n):
        for a, b, length in edges:
            reached[a] = min(reached[a], reached[b] + length)
            reached[b] = min(reached[b], reached[a] + length)
    return reached[target]


@settings(deadline=None, max_examples=150)
@given(town=towns_with_links())
def test_a_link_is_spared_where_streets_and_links_that_were_not_are_a_short_way(town):
    xy, streets, links, bends, limits = town
    straight = [float(np.hypot(*(xy[a] - xy[b]))) for a, b in links]
    lengths = [length + bend for length, bend in zip(straight, bends, strict=True)]
    expected = []
    open_edges = [(a, b, float(np.hypot(*(xy[a] - xy[b])))) for a, b in streets]
    for (a, b), length, limit in zip(links, lengths, limits, strict=True):
        expected.append(distance(len(xy), open_edges, a, b) <= limit + 1e-6)
        if not expected[-1]:
            open_edges.append((a, b, length))
    found = spare_links(
        np.array(streets, dtype=np.int64).reshape(-1, 2),
        xy[:, 0].copy(),
        xy[:, 1].copy(),
        np.array(links, dtype=np.int64).reshape(-1, 2),
        np.array(lengths),
        np.array(limits, dtype=float),
    )
    assert found.tolist() == expected
