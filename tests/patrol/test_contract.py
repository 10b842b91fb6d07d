"""A contracted graph against the whole one: ways between the nodes that stay are as long."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.patrol.contract import CROWDED, contract, order_by_place
from patrolmap.streets.network import Graph

Arc = tuple[int, int, int]  # from, to, mm


def graph_of(n: int, arcs: list[Arc]) -> Graph:
    """Return a graph in which arc i runs along segment i."""
    order = sorted(range(len(arcs)), key=lambda i: arcs[i][0])
    tail = np.array([arcs[i][0] for i in order], dtype=np.int64)
    return Graph(
        indptr=np.append(0, np.cumsum(np.bincount(tail, minlength=n))).astype(np.int64),
        head=np.array([arcs[i][1] for i in order], dtype=np.int64),
        segment=np.array(order, dtype=np.int64),
        forward=np.ones(len(arcs), dtype=np.bool_),
        length=np.array([arcs[i][2] for i in order], dtype=np.int64),
    )


def all_ways(graph: Graph) -> np.ndarray:
    """Return all distances by Floyd and Warshall's three loops."""
    n = graph.n_nodes
    far = np.full((n, n), np.inf)
    np.fill_diagonal(far, 0)
    for a in range(n):
        for arc in range(graph.indptr[a], graph.indptr[a + 1]):
            far[a, graph.head[arc]] = min(far[a, graph.head[arc]], graph.length[arc])
    for b in range(n):
        far = np.minimum(far, far[:, [b]] + far[[b], :])
    return far


@st.composite
def towns(draw: st.DrawFn) -> tuple[int, list[Arc], list[int]]:
    n = draw(st.integers(1, 14))
    node = st.integers(0, n - 1)
    arcs = draw(st.lists(st.tuples(node, node, st.integers(1, 500)), max_size=40))
    both = draw(st.lists(st.tuples(node, node, st.integers(1, 500)), max_size=25))
    arcs += both + [(b, a, length) for a, b, length in both]
    return n, arcs, draw(st.lists(node, min_size=1, max_size=5, unique=True))


@settings(deadline=None, max_examples=200)
@given(towns())
def test_ways_between_the_nodes_that_stay_are_as_long_as_before(
    town: tuple[int, list[Arc], list[int]],
) -> None:
    n, arcs, keep = town
    whole = graph_of(n, arcs)
    small, rows = contract(whole, np.arange(max(1, len(arcs))), np.array(keep, dtype=np.int64))
    assert small.n_nodes <= n
    np.testing.assert_array_equal(
        all_ways(small)[np.ix_(rows, rows)], all_ways(whole)[np.ix_(keep, keep)]
    )


@settings(deadline=None, max_examples=100)
@given(towns())
def test_an_arc_keeps_its_label_only_where_it_is_that_one_arc(
    town: tuple[int, list[Arc], list[int]],
) -> None:
    n, arcs, keep = town
    small, rows = contract(
        graph_of(n, arcs), np.arange(max(1, len(arcs))), np.array(keep, dtype=np.int64)
    )
    old = dict(zip(rows.tolist(), keep, strict=True))
    for a, node in old.items():
        for arc in range(small.indptr[a], small.indptr[a + 1]):
            if small.segment[arc] >= 0 and int(small.head[arc]) in old:
                label = int(small.segment[arc])
                there = old[int(small.head[arc])]
                assert arcs[label] == (node, there, small.length[arc])


def test_a_street_of_many_pieces_becomes_one_arc_each_way() -> None:
    pieces = [(i, i + 1, 10) for i in range(50)]
    whole = graph_of(51, pieces + [(b, a, length) for a, b, length in pieces])
    small, rows = contract(whole, np.arange(100), np.array([0, 50]))
    assert (small.n_nodes, len(small.head)) == (2, 2)
    assert small.length.tolist() == [500, 500]
    assert small.segment.tolist() == [-1, -1]
    assert sorted(rows.tolist()) == [0, 1]


def test_a_square_with_very_many_streets_is_left_as_it_is() -> None:
    spokes = [(0, i, 10) for i in range(1, CROWDED + 5)]
    whole = graph_of(CROWDED + 5, spokes + [(b, a, length) for a, b, length in spokes])
    small, rows = contract(whole, np.arange(2 * len(spokes)), np.array([1, 2]))
    assert small.n_nodes == whole.n_nodes
    assert rows.tolist() == [1, 2]


def test_nodes_of_two_quarters_far_apart_are_not_mixed() -> None:
    pieces = [(i, i + 1, 10) for i in range(30)]
    street = graph_of(31, pieces + [(b, a, length) for a, b, length in pieces])
    nodes = np.array([30, 3, 29, 1, 28, 0, 2])
    order = nodes[order_by_place(street, nodes)]
    assert sorted(order.tolist()) == sorted(nodes.tolist())
    assert np.count_nonzero(np.diff(order > 15)) == 1
