"""Small helpers on the arcs of a graph: turned round, as arrays, distances from and to a node."""

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import FOR_EVER, UNREACHABLE, distance_table, distances_from
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def arrays(graph: Graph) -> tuple[Ints, Ints, Ints]:
    """Return the three arrays that the path kernels take."""
    return graph.indptr, graph.head, graph.length


def tails(graph: Graph) -> Ints:
    """Return the node each arc starts at."""
    return np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))


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
