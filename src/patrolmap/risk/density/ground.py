"""The walkable streets laid out for waves: arcs in an order that a processor's cache likes."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Method = Literal["esd", "esc"]
DeadEnd = Literal["reflect", "absorb"]


class Ground(NamedTuple):
    """Walkable arcs: neighbours near each other, nodes joined by short arcs side by side.

    Attributes
    ----------
    indptr, back, delay, part, crowds, alpha, beta
        As `patrolmap._kernels.waves.step` takes them.
    segment, forward : (n_arcs,) int64, bool
        Row of the segment each arc runs along, and whether along its geometry.
    arc_of : (n_segments, 2) int64
        The arc along each segment and the one against it; -1 where it is not walkable.
    ends : (n_segments, 2) int64
        Rows of the nodes where segments start and end, in this order.
    length : (n_segments,) float64
        Metres.
    """

    indptr: Int32s
    back: Int32s
    delay: Int32s
    part: Floats
    crowds: npt.NDArray[np.int64]
    alpha: Floats
    beta: Floats
    segment: Ints
    forward: npt.NDArray[np.bool_]
    arc_of: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    length: Floats


def lay_out(streets: StreetNetwork, step: float, method: Method, dead_end: DeadEnd) -> Ground:
    """Order the walkable arcs for waves that take steps of so many metres."""
    graph = streets.graph("walk")
    length = streets.length_mm / 1000
    bins = length[graph.segment] / step
    place, crowds = _order(streets, bins < 1)
    new = np.empty(len(place), dtype=np.int64)
    new[place] = np.arange(len(place))
    degree = np.diff(graph.indptr)[place]
    indptr = np.concatenate([[0], np.cumsum(degree)])
    was = np.repeat(graph.indptr[place] - indptr[:-1], degree) + np.arange(len(graph.head))
    segment, forward = graph.segment[was], graph.forward[was]
    arc_of = np.full((len(streets.segments), 2), -1, dtype=np.int64)
    arc_of[segment, np.where(forward, 0, 1)] = np.arange(len(segment))
    back = arc_of[segment, np.where(forward, 1, 0)]
    whole = np.floor(bins[was])  # the same both ways, so that of an arc is that of its way back
    alpha, beta = _scatter(degree, method, dead_end)
    return Ground(
        indptr=indptr.astype(np.int32),
        back=back.astype(np.int32),
        delay=(whole - 1).astype(np.int32),
        part=bins[was] - whole,
        crowds=crowds,
        alpha=alpha,
        beta=beta,
        segment=segment,
        forward=forward,
        arc_of=arc_of,
        ends=np.column_stack([new[end] for end in streets.ends]),
        length=length,
    )


def _scatter(degree: Ints, method: Method, dead_end: DeadEnd) -> tuple[Floats, Floats]:
    """Return alpha and beta: an arm gets alpha (all that comes) + beta (what it brought)."""
    n = np.maximum(degree, 2).astype(np.float64)
    if method == "esd":
        alpha, beta = 1 / (n - 1), -1 / (n - 1)
    else:
        alpha, beta = 2 / n, np.full(len(n), -1.0)
    alpha[degree < 2] = 0.0
    beta[degree < 2] = 1.0 if dead_end == "reflect" else 0.0
    return alpha, beta


def _order(streets: StreetNetwork, short: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Order nodes along a curve that fills the plane, those joined by short arcs side by side.

    Returns the nodes' rows in order, and the (n_crowds, 2) ranges of those joined by short arcs.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = streets.graph("walk")
    n = graph.n_nodes
    curve = np.argsort(_morton(shapely.get_coordinates(streets.nodes.geometry.to_numpy())))
    tail = np.repeat(np.arange(n), np.diff(graph.indptr))[short]
    links = coo_array((np.ones(len(tail)), (tail, graph.head[short])), shape=(n, n))
    _, crowd = connected_components(links, directed=False)
    first = np.empty(n, dtype=np.int64)
    first[crowd[curve[::-1]]] = np.arange(n)[::-1]  # the crowd's first place on the curve
    key = first[crowd[curve]]
    by_crowd = np.argsort(key, kind="stable")
    place, key = curve[by_crowd], key[by_crowd]
    begins = np.flatnonzero(np.append(True, key[1:] != key[:-1])[:n])
    joined = np.zeros(n, dtype=bool)
    joined[tail] = True
    ranges = np.column_stack([begins, np.append(begins, n)[1:]])
    return place, np.ascontiguousarray(ranges[joined[place[begins]]])


def _morton(xy: Floats) -> npt.NDArray[np.uint64]:
    """Interleave the bits of x and y, 16 of each: near places get near numbers."""
    low = xy.min(axis=0, initial=np.inf)
    size = max(float(np.ptp(xy, axis=0).max()), 1e-9) if len(xy) else 1.0
    bits = ((xy - low) / size * 65535).astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    code: npt.NDArray[np.uint64] = bits[:, 0] | (bits[:, 1] << np.uint64(1))
    return code
