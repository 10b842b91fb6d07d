"""Small helpers on the arcs of a graph: made, turned round, distances from a node, walks."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import (
    FOR_EVER,
    UNREACHABLE,
    distance_table,
    distances_from,
    shortest_arcs,
)
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Order = Sequence[tuple[int, bool]]  # rows in order, True = along the geometry


def arrays(graph: Graph) -> tuple[Ints, Ints, Ints]:
    """Return the three arrays that the path kernels take."""
    return graph.indptr, graph.head, graph.length


def tails(graph: Graph) -> Ints:
    """Return the node each arc starts at."""
    return np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))


def both_ways(tail: Ints, head: Ints, length: Ints, n_nodes: int) -> Graph:
    """Return the graph in which every segment may be walked both ways."""
    m = len(tail)
    tails_of, heads = np.concatenate([tail, head]), np.concatenate([head, tail])
    order = np.argsort(tails_of, kind="stable")
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tails_of, minlength=n_nodes), out=indptr[1:])
    return Graph(
        indptr=indptr,
        head=heads[order],
        segment=np.tile(np.arange(m), 2)[order],
        forward=np.repeat([True, False], m)[order],
        length=np.tile(length, 2)[order],
    )


def only(graph: Graph, keep: Bools) -> Graph:
    """Return the arcs of those segments that are to be kept."""
    arcs = keep[graph.segment]
    indptr = np.concatenate([[0], np.cumsum(arcs)])[graph.indptr].astype(np.int64)
    return Graph(
        indptr=indptr,
        head=graph.head[arcs],
        segment=graph.segment[arcs],
        forward=graph.forward[arcs],
        length=graph.length[arcs],
    )


def reverse(graph: Graph) -> Graph:
    """Return the same arcs turned round."""
    order = np.argsort(graph.head, kind="stable")
    indptr = np.zeros_like(graph.indptr)
    np.cumsum(np.bincount(graph.head, minlength=graph.n_nodes), out=indptr[1:])
    return Graph(
        indptr=indptr,
        head=tails(graph)[order],
        segment=graph.segment[order],
        forward=~graph.forward[order],
        length=graph.length[order],
    )


def has_arc(graph: Graph, forward: bool, n_segments: int) -> Bools:
    """Return for each segment whether it has an arc along (or against) its geometry."""
    found = np.zeros(n_segments, dtype=bool)
    found[graph.segment[graph.forward == forward]] = True
    return found


def far_from(graph: Graph, node: int) -> Floats:
    """Return the millimetres from one node to every node, inf where there is no way."""
    source, nodes = np.array([node], dtype=np.int64), np.arange(graph.n_nodes)
    found = distance_table(*arrays(graph), source, nodes, int(UNREACHABLE) - 1)[0]
    return np.where(found == UNREACHABLE, np.inf, found.astype(np.float64))


def millimetres_from(graph: Graph, node: int) -> Ints:
    """Return the distance from one node to every node, -1 where there is no way."""
    found: Ints = distances_from(*arrays(graph), np.int64(node), FOR_EVER)
    return found


def entered_and_left(ends: tuple[Ints, Ints], order: Order) -> tuple[Ints, Bools, Ints, Ints]:
    """Return the rows of an order, their directions, and where each is entered and left."""
    tail, head = ends
    wanted = np.array([row for row, _ in order], dtype=np.int64)
    along = np.array([forward for _, forward in order], dtype=np.bool_)
    enter = np.where(along, tail[wanted], head[wanted])
    return wanted, along, enter, np.where(along, head[wanted], tail[wanted])


def walk_over(
    graph: Graph, tail_of_arc: Ints, ends: tuple[Ints, Ints], start: int, end: int, order: Order
) -> tuple[Ints, Bools]:
    """Return the segments of a walk from node to node over an order, and their directions.

    Raises
    ------
    ValueError
        If a segment cannot be reached from the one before it.
    """
    wanted, along, enter, leave = entered_and_left(ends, order)
    sources = np.concatenate([[start], leave]).astype(np.int64)
    targets = np.concatenate([enter, [end]]).astype(np.int64)
    arcs, starts = shortest_arcs(
        graph.indptr, graph.head, tail_of_arc, graph.length, sources, targets
    )
    at = starts[1:-1]
    return np.insert(graph.segment[arcs], at, wanted), np.insert(graph.forward[arcs], at, along)
