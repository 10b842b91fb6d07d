"""Shortest paths against scipy's, on random street graphs with parallel arcs and loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from patrolmap._kernels.paths import (
    UNREACHABLE,
    distance_table,
    distances_from,
    path_arcs,
    shortest_arcs,
)

NO_LIMIT = np.int64(1) << 60
Arcs = tuple[int, list[tuple[int, int, int]]]


@st.composite
def street_graphs(draw: st.DrawFn) -> Arcs:
    """Up to 8 nodes and 20 directed arcs; loops and parallel arcs come by themselves."""
    n = draw(st.integers(1, 8))
    node = st.integers(0, n - 1)
    return n, draw(st.lists(st.tuples(node, node, st.integers(1, 50)), max_size=20))


@st.composite
def street_graphs_in_mm(draw: st.DrawFn) -> Arcs:
    """As `street_graphs`, with arcs of 1 mm to 5,000 km."""
    n, arcs = draw(street_graphs())
    scale = st.sampled_from([1, 1000, 16_384, 100_000, 10**8])
    return n, [(a, b, mm * draw(scale)) for a, b, mm in arcs]


def as_csr(graph: Arcs) -> tuple[np.ndarray, ...]:
    """Return indptr, head, tail, length as the kernels take them."""
    n, arcs = graph
    table = np.array(sorted(arcs), dtype=np.int64).reshape(-1, 3)
    indptr = np.searchsorted(table[:, 0], np.arange(n + 1)).astype(np.int64)
    tail, head, length = (np.ascontiguousarray(table[:, k]) for k in range(3))
    return indptr, head, tail, length


def oracle(graph: Arcs, limit: float = np.inf) -> np.ndarray:
    """Return scipy's distances; a matrix adds parallel arcs up, so only the shortest goes in."""
    n, arcs = graph
    shortest: dict[tuple[int, int], int] = {}
    for a, b, metres in arcs:
        shortest[a, b] = min(metres, shortest.get((a, b), metres))
    rows, columns = [k[0] for k in shortest], [k[1] for k in shortest]
    matrix = coo_matrix((list(shortest.values()), (rows, columns)), shape=(n, n)).tocsr()
    return dijkstra(matrix, limit=limit)


def everything(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64)


@settings(deadline=None, max_examples=60)
@given(street_graphs(), st.integers(0, 120))
def test_distances_to_all_nodes_are_scipys_and_end_at_the_limit(graph: Arcs, limit: int) -> None:
    indptr, head, _, length = as_csr(graph)
    wanted = oracle(graph, limit)
    for source in range(graph[0]):
        got = distances_from(indptr, head, length, np.int64(source), np.int64(limit))
        np.testing.assert_array_equal(np.where(got < 0, np.inf, got), wanted[source])


@settings(deadline=None, max_examples=60)
@given(street_graphs(), st.integers(0, 120))
def test_the_table_between_nodes_is_scipys(graph: Arcs, limit: int) -> None:
    indptr, head, _, length = as_csr(graph)
    all_nodes = everything(graph[0])
    targets = all_nodes[::-1].copy()
    got = distance_table(indptr, head, length, all_nodes, targets, limit)
    wanted = oracle(graph, limit)[:, targets]
    np.testing.assert_array_equal(np.where(got == UNREACHABLE, np.inf, got), wanted)


@settings(deadline=None, max_examples=60)
@given(street_graphs_in_mm(), st.sampled_from([20_000, 4_000_000, 1 << 60]))
def test_the_table_is_scipys_from_doorsteps_to_countries(graph: Arcs, limit: int) -> None:
    indptr, head, _, length = as_csr(graph)
    nodes = everything(graph[0])
    got = distance_table(indptr, head, length, nodes, nodes, limit)
    wanted = oracle(graph, min(limit, UNREACHABLE - 1))
    np.testing.assert_array_equal(np.where(got == UNREACHABLE, np.inf, got), wanted)


def test_a_table_of_a_large_graph_is_the_same_by_the_heap_and_by_buckets() -> None:
    rng = np.random.default_rng(5)
    n = 4000  # long enough for the stack of waiting nodes to grow
    ends = rng.integers(0, n, (12_000, 2))
    graph = (n, [(int(a), int(b), int(rng.integers(1, 400_000))) for a, b in ends])
    indptr, head, _, length = as_csr(graph)
    table = distance_table(indptr, head, length, everything(n)[:9], everything(n), 1_500_000)
    for source in range(9):
        slow = distances_from(indptr, head, length, np.int64(source), np.int64(1_500_000))
        np.testing.assert_array_equal(np.where(slow < 0, UNREACHABLE, slow), table[source])


@settings(deadline=None, max_examples=60)
@given(street_graphs(), st.data())
def test_paths_of_many_pairs_are_those_of_each_alone(graph: Arcs, data: st.DataObject) -> None:
    indptr, head, tail, length = as_csr(graph)
    node = st.integers(0, graph[0] - 1)
    pairs = sorted(data.draw(st.lists(st.tuples(node, node), min_size=1, max_size=12)))
    sources, targets = (np.array(end, dtype=np.int64) for end in zip(*pairs, strict=True))
    arcs, starts, whole = path_arcs(indptr, head, tail, length, sources, targets)
    wanted = oracle(graph)[sources, targets]
    np.testing.assert_array_equal(np.where(whole < 0, np.inf, whole), wanted)
    for i in range(len(pairs)):
        one = slice(i, i + 1)
        alone, *_ = path_arcs(indptr, head, tail, length, sources[one], targets[one])
        np.testing.assert_array_equal(arcs[starts[i] : starts[i + 1]], alone)


@settings(deadline=None, max_examples=60)
@given(street_graphs())
def test_a_path_is_connected_and_as_long_as_the_distance(graph: Arcs) -> None:
    indptr, head, tail, length = as_csr(graph)
    wanted = oracle(graph)
    sources, targets = (k.astype(np.int64) for k in np.nonzero(np.isfinite(wanted)))
    arcs, starts = shortest_arcs(indptr, head, tail, length, sources, targets)
    assert starts[-1] == len(arcs)
    for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
        path = arcs[starts[i] : starts[i + 1]]
        assert length[path].sum() == wanted[source, target]
        nodes = [source, *head[path]]
        assert nodes[-1] == target
        assert [*tail[path]] == nodes[:-1]


def test_a_path_that_does_not_exist_is_an_error() -> None:
    indptr, head, tail, length = as_csr((2, [(0, 1, 5)]))
    there, back = np.array([0], dtype=np.int64), np.array([1], dtype=np.int64)
    shortest_arcs(indptr, head, tail, length, there, back)
    with pytest.raises(ValueError, match="no path"):
        shortest_arcs(indptr, head, tail, length, back, there)


def test_a_path_after_a_longer_one_is_not_misled_by_it() -> None:
    line = (5, [(i, i + 1, 10) for i in range(4)] + [(i + 1, i, 10) for i in range(4)])
    indptr, head, tail, length = as_csr(line)
    sources, targets = np.array([0, 4, 2, 2]), np.array([4, 3, 2, 0])
    arcs, starts = shortest_arcs(indptr, head, tail, length, sources, targets)
    assert np.diff(starts).tolist() == [4, 1, 0, 2]
    assert head[arcs].tolist() == [1, 2, 3, 4, 3, 1, 0]


def test_heaps_and_paths_grow_beyond_their_first_room() -> None:
    n = 3000  # a star of 3,000 arms, then a path longer than the 1,024 arcs first laid out
    star = (n, [(0, i, i) for i in range(1, n)])
    indptr, head, _, length = as_csr(star)
    got = distances_from(indptr, head, length, np.int64(0), NO_LIMIT)
    assert got.tolist() == list(range(n))
    indptr, head, tail, length = as_csr((n, [(i, i + 1, 2) for i in range(n - 1)]))
    ends = np.array([0], dtype=np.int64), np.array([n - 1], dtype=np.int64)
    arcs, _ = shortest_arcs(indptr, head, tail, length, *ends)
    assert head[arcs].tolist() == list(range(1, n))
