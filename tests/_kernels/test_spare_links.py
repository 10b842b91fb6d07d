"""Links that a short walk replaces, against a plain search on dictionaries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels.paths import spare_links

Edge = tuple[int, int, int]


@st.composite
def towns_with_links(draw: st.DrawFn) -> tuple[int, list[Edge], list[Edge], list[int]]:
    """Up to 7 nodes, streets between any two of them, and links with a limit each."""
    n = draw(st.integers(2, 7))
    edge = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.integers(0, 50))
    streets = draw(st.lists(edge, max_size=12))
    links = draw(st.lists(edge.filter(lambda e: e[0] != e[1]), max_size=6))
    limits = draw(st.lists(st.integers(0, 120), min_size=len(links), max_size=len(links)))
    return n, streets, links, limits


def distance(n: int, edges: list[Edge], source: int, target: int) -> float:
    """Relax every edge n times (Bellman and Ford)."""
    reached = [float("inf")] * n
    reached[source] = 0
    for _ in range(n):
        for a, b, length in edges:
            reached[a] = min(reached[a], reached[b] + length)
            reached[b] = min(reached[b], reached[a] + length)
    return reached[target]


@settings(deadline=None, max_examples=100)
@given(town=towns_with_links())
def test_a_link_is_spared_where_streets_and_links_that_were_not_are_a_short_way(town):
    n, streets, links, limits = town
    expected, open_edges = [], list(streets)
    for link, limit in zip(links, limits, strict=True):
        expected.append(distance(n, open_edges, link[0], link[1]) <= limit)
        if not expected[-1]:
            open_edges.append(link)

    edges = np.array([*streets, *links], dtype=np.int64).reshape(-1, 3)
    tail, head = edges[:, [0, 1]].T.ravel(), edges[:, [1, 0]].T.ravel()
    order = np.argsort(tail, kind="stable")
    place = np.argsort(order).reshape(2, -1)
    indptr = np.searchsorted(tail[order], np.arange(n + 1))
    found = spare_links(
        indptr,
        head[order],
        np.tile(edges[:, 2], 2)[order],
        np.ascontiguousarray(place[:, len(streets) :].T),
        np.array(limits, dtype=np.int64),
    )
    assert found.tolist() == expected
