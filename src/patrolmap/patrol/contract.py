"""A street graph with fewer nodes in which the ways between some nodes are as long as before."""

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.contract import eliminate
from patrolmap._kernels.paths import UNREACHABLE
from patrolmap.patrol.arcs import millimetres_from
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]

ROOM = 4  # neighbours more than at first that a node may get
CROWDED = 60  # neighbours of one node; with more, a graph is left as it is
LANDMARKS = 3
BITS = 10  # of each landmark's distance, in a place's number


def contract(graph: Graph, label: Ints, keep: Ints) -> tuple[Graph, Ints]:
    """Return a graph without most nodes beside `keep`, and the rows of those in it.

    Ways between nodes of `keep` are as long, and pass the same nodes of `keep`. Its `segment` is
    the label of an arc, -1 where an arc stands for several. A node goes when its neighbours can
    be joined by hardly more arcs than it had, as in contraction hierarchies (Geisberger, Sanders,
    Schultes & Delling 2008, doi 10.1007/978-3-540-68552-4_24).
    """
    stays = np.zeros(graph.n_nodes, dtype=np.bool_)
    stays[keep] = True
    labels = label[graph.segment]
    ends = np.bincount(graph.head, minlength=graph.n_nodes) + np.diff(graph.indptr)
    most = int(ends.max(initial=0))
    if most > 2 * CROWDED:
        return _graph(graph.indptr, graph.head, graph.length, labels), keep
    indptr, head, length, labels, row = eliminate(
        graph.indptr, graph.head, graph.length, labels, stays, np.int64(most + ROOM)
    )
    return _graph(indptr, head, length, labels), row[keep]


def order_by_place(graph: Graph, nodes: Ints) -> Ints:
    """Return an order of some nodes in which those near each other come near each other.

    Places are told by the distances from a few nodes far apart, mixed bit by bit (Morton 1966).
    """
    far = np.zeros(graph.n_nodes, dtype=np.int64)
    code, nearest = np.zeros(len(nodes), dtype=np.int64), np.full(graph.n_nodes, UNREACHABLE)
    source = int(nodes[0]) if len(nodes) else 0
    for mark in range(LANDMARKS if len(nodes) else 0):
        far = millimetres_from(graph, source)
        far = np.where(far < 0, far.max() + 1, far)
        if mark == 0:  # from an edge of the graph, not from where it happens to begin
            source = int(nodes[np.argmax(far[nodes])])
            far = millimetres_from(graph, source)
            far = np.where(far < 0, far.max() + 1, far)
        nearest = np.minimum(nearest, far)
        source = int(nodes[np.argmax(nearest[nodes])])
        part = far[nodes] * ((1 << BITS) - 1) // max(1, int(far.max()))
        for bit in range(BITS):
            code |= ((part >> bit) & 1) << (LANDMARKS * bit + mark)
    return np.argsort(code, kind="stable").astype(np.int64)


def _graph(indptr: Ints, head: Ints, length: Ints, label: Ints) -> Graph:
    return Graph(
        indptr=indptr,
        head=head,
        segment=label,
        forward=np.ones(len(head), dtype=np.bool_),
        length=length,
    )
