"""Near pairs: the same as measuring every pair."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels.near import balls, near_in_plane, near_on_streets
from patrolmap.streets.network import StreetNetwork
from towns import grid_town, loop_town, star_town

MOST = 1_000_000
CELL = st.integers(-40_000, 40_000)


def listed(indptr, other, distance):
    first = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    return {(int(i), int(j)): int(d) for i, j, d in zip(first, other, distance, strict=True)}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(CELL, CELL), min_size=1, max_size=40, unique=True),
    st.integers(1, 30_000),
)
def test_pairs_in_the_plane_are_those_of_every_pair_measured(points, limit):
    xy = np.array(points, dtype=np.int64)
    order, pairs = near_in_plane(xy, limit, MOST)
    found = {
        tuple(sorted((order[i], order[j]))): d for (i, j), d in listed(*pairs).items()
    }  # fmt: skip
    wanted = {}
    for i in range(len(xy)):
        for j in range(i + 1, len(xy)):
            dx, dy = (int(v) for v in xy[i] - xy[j])
            if dx * dx + dy * dy < limit * limit:
                wanted[(i, j)] = int((dx * dx + dy * dy) ** 0.5)
    assert found == wanted


def measured(streets: StreetNetwork, rows: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Measure all pairs of places on a graph that has a node at each place."""
    graph = nx.MultiGraph()
    for row, (a, b) in enumerate(zip(*streets.ends, strict=True)):
        here = sorted((int(offset[k]), k) for k in np.flatnonzero(rows == row))
        stops = [(0, ("node", a)), *((at, ("place", k)) for at, k in here)]
        stops.append((int(streets.length_mm[row]), ("node", b)))
        for (low, one), (high, two) in pairwise(stops):
            graph.add_edge(one, two, weight=high - low)
    out = np.full((len(rows), len(rows)), np.inf)
    for i in range(len(rows)):
        lengths = nx.single_source_dijkstra_path_length(graph, ("place", i))
        for j in range(len(rows)):
            out[i, j] = lengths.get(("place", j), np.inf)
    return out


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([grid_town(3, 3), loop_town(), star_town(5, 90.0)]),
    st.lists(st.tuples(st.integers(0, 99), st.floats(0, 1)), min_size=1, max_size=14),
    st.integers(1, 250_000),
)
def test_pairs_along_streets_are_those_of_shortest_ways(streets, spots, limit):
    rows = np.array([r % len(streets.segments) for r, _ in spots])
    offset = np.rint([s * streets.length_mm[r] for (_, s), r in zip(spots, rows, strict=True)])
    offset = offset.astype(np.int64)
    order = np.lexsort((offset, rows))
    rows, offset = rows[order], offset[order]
    start = np.searchsorted(rows, np.arange(len(streets.segments) + 1)).astype(np.int64)
    graph = streets.graph("walk")
    pairs = near_on_streets(
        graph.indptr, graph.head, graph.segment, graph.length, np.column_stack(streets.ends),
        streets.length_mm, start, offset, limit, MOST,
    )  # fmt: skip
    wanted = measured(streets, rows, offset)
    close = {
        (i, j): int(wanted[i, j])
        for i in range(len(rows)) for j in range(i + 1, len(rows)) if wanted[i, j] < limit
    }  # fmt: skip
    assert listed(*pairs) == close


def test_too_many_pairs_are_said_and_not_listed():
    order, pairs = near_in_plane(np.arange(10).reshape(-1, 1) * [1, 0], 100, 5)
    assert pairs[0][-1] == -1
    assert len(order) == 10


def test_balls_hold_the_nodes_within_reach():
    streets = grid_town(4, 4)
    graph = streets.graph("walk")
    start, node, distance = balls(
        graph.indptr, graph.head, graph.length, np.arange(16, dtype=np.int64), 200_000
    )
    xy = np.array([(p.x, p.y) for p in streets.nodes.geometry])
    for source in range(16):
        mine = slice(start[source], start[source + 1])
        apart = np.abs(xy - xy[source]).sum(axis=1)
        assert sorted(node[mine]) == np.flatnonzero(apart < 200.5).tolist()
        assert distance[mine] / 1000 == pytest.approx(apart[node[mine]])
