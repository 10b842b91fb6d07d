"""Cuts found in fractional walks, against every set of nodes tried one by one."""

import itertools
from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels.cuts import loose_parts, odd_cuts

Edge = tuple[int, int, float]


def arcs(n: int, edges: list[Edge]) -> tuple[np.ndarray, ...]:
    """Return indptr, head, twin and the edge of each arc."""
    m = len(edges)
    tails = np.array([a for a, _, _ in edges] + [b for _, b, _ in edges])
    heads = np.array([b for _, b, _ in edges] + [a for a, _, _ in edges])
    order = np.argsort(tails, kind="stable")
    place = np.empty(2 * m, dtype=np.int64)
    place[order] = np.arange(2 * m)
    twin = place[np.append(np.arange(m, 2 * m), np.arange(m))[order]]
    indptr = np.append(0, np.cumsum(np.bincount(tails, minlength=n)))
    return indptr, heads[order], twin, order % m


def cut_of(edges: list[Edge], inside: set[int]) -> list[int]:
    return [i for i, (a, b, _) in enumerate(edges) if (a in inside) != (b in inside)]


def subsets(n: int) -> Iterator[set[int]]:
    for size in range(1, n):
        yield from map(set, itertools.combinations(range(n), size))


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    n = draw(st.integers(2, 6))
    node = st.integers(0, n - 1)
    weight = st.sampled_from([0.0, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0])
    return n, draw(st.lists(st.tuples(node, node, weight), min_size=1, max_size=10))


@settings(deadline=None, max_examples=150)
@given(graphs(), st.data())
def test_every_set_that_needs_more_than_its_cut_is_noticed(
    graph: tuple[int, list[Edge]], data: st.DataObject
) -> None:
    n, edges = graph
    indptr, head, twin, edge = arcs(n, edges)
    wanted = np.array(data.draw(st.lists(st.sampled_from([0.4, 1.0, 2.0]), min_size=n, max_size=n)))
    room = np.array([w for _, _, w in edges])[edge]
    sinks = np.zeros(n, dtype=bool)
    sinks[0] = True
    nodes = np.argsort(-wanted, kind="stable")
    sets, starts, of_node = loose_parts(indptr, head, twin, room, sinks, nodes, wanted, 1e-6)
    for i, node in enumerate(of_node):
        inside = set(sets[starts[i] : starts[i + 1]].tolist())
        assert node in inside
        assert 0 not in inside
        assert sum(edges[k][2] for k in cut_of(edges, inside)) < wanted[node]
    loose = any(
        0 not in inside
        and sum(edges[k][2] for k in cut_of(edges, inside)) < max(wanted[list(inside)]) - 1e-6
        for inside in subsets(n)
    )
    assert loose == (len(of_node) > 0)


def slack(p: np.ndarray, cut: list[int], is_odd: bool) -> float:
    """Return by how much the worst F of a cut keeps p(F) - p(C - F) <= |F| - 1."""
    return min(
        sum(1 - p[i] if i in chosen else p[i] for i in cut) - 1
        for size in range(len(cut) + 1)
        for chosen in map(set, itertools.combinations(cut, size))
        if (size + is_odd) % 2 == 1
    )


@settings(deadline=None, max_examples=150)
@given(graphs(), st.booleans())
def test_sets_with_an_odd_cut_break_a_parity_row_and_one_is_found_if_a_node_does(
    graph: tuple[int, list[Edge]], apart: bool
) -> None:
    n, edges = graph
    indptr, head, twin, edge = arcs(n, edges)
    p = np.array([w for _, _, w in edges])
    ends = np.zeros(n, dtype=bool)
    ends[[0, n - 1]] = apart  # a walk from the first node to the last
    many = [x for a, b, w in edges if w > 0.5 for x in (a, b)]
    odd = (np.bincount(many, minlength=n) % 2 == 1) ^ ends
    sets, starts = odd_cuts(indptr, head, twin, edge, p, odd, 1e-6)
    for begin, end in itertools.pairwise(starts):
        inside = set(sets[begin:end].tolist())
        cut = cut_of(edges, inside)
        if cut:
            assert slack(p, cut, bool(ends[list(inside)].sum() % 2)) < -1e-6
    broken = any(
        len(cut) > 0 and slack(p, cut, bool(ends[list(inside)].sum() % 2)) < -1e-6
        for inside in subsets(n)
        for cut in [cut_of(edges, inside)]
    )
    assert len(starts) > 1 or not broken
