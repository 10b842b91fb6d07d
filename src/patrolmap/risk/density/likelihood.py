"""Densities at the places of events without what lies there: in the plane, and along streets."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.risk.density.kernels import GAUSSIAN_SIGMAS, Kernel
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RESOLUTION = 25.0
"""Metres to either side within which an address tells where an event was."""

_GRID_MM = 1000  # events of the same metre of a street are at one place; so in the plane
_AT_NODE_MM = 1000  # a place this near a node is on it: coordinates are no better than that
_CELLS = 1_000_000


class LeftOut(NamedTuple):
    """What all other places give to some of the places of events.

    Attributes
    ----------
    others : (n_scored, n_bandwidths) float64
        Sum of w K_B(d) over the events of all other places; K_B integrates to 1.
    place : (n_events,) int64
        Row in `others` of each event's place; -1 where the place is not scored.
    held : (n_scored,) float64
        Weight of all events of the place.
    extent : float
        Metres of walkable street, or square metres of the events' convex hull, 25 m wider.
    places : int
        How many places there are, scored or not.
    """

    others: Floats
    place: Ints
    held: Floats
    extent: float
    places: int


def planar_left_out(
    xy: Floats, weight: Floats, bandwidths: Floats, kernel: Kernel, most: int
) -> LeftOut:
    """Sum planar kernels (per square metre) of the events (metres) of other places."""
    from patrolmap._kernels.likelihood import planar_sums

    west, south = np.floor(xy.min(axis=0))
    at = np.rint(xy - [west, south])
    columns, rows, cell = _cells(at.max(axis=0), bandwidths[-1])
    number = (at[:, 1] // cell).astype(np.int64) * columns + (at[:, 0] // cell).astype(np.int64)
    rank, first, held = _group((number, at[:, 0], at[:, 1]), weight)
    at = np.ascontiguousarray(at[first])
    start = np.searchsorted(number[first], np.arange(columns * rows + 1))
    powers, step = polynomial(kernel)

    def run(part: Ints, sums: Floats) -> None:
        planar_sums(part, at, held, start, columns, rows, cell, bandwidths, powers, step, sums)

    chosen = _sample(len(at), most)
    sums = _threaded(run, chosen, len(bandwidths)) * (kernel.disc / bandwidths**2)
    hull = shapely.convex_hull(shapely.MultiPoint(at)).buffer(RESOLUTION)
    return LeftOut(sums, _rows(chosen, len(at))[rank], held[chosen], float(hull.area), len(at))


def network_left_out(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    weight: Floats,
    bandwidths: Floats,
    kernel: Kernel,
    method: str,
    most: int,
) -> LeftOut:
    """Sum network kernels (per metre) of the events of other places.

    The simple kernel, which does not integrate to 1 along streets that branch, is scaled so that
    those of all events together do.
    """
    from patrolmap._kernels.likelihood import shortest_sums, split_sums

    places, rank = _places(streets, segment, offset, weight)
    powers, step = polynomial(kernel)
    bucket_of = _buckets(bandwidths[-1])
    held = np.concatenate([places.weight, places.node_weight[places.nodes]])
    everywhere = np.concatenate([np.arange(len(places.weight)), -1 - places.nodes])
    graph = streets.graph("walk")
    arc_of = np.full((len(streets.segments), 2), -1, dtype=np.int64)
    arc_of[graph.segment, np.where(graph.forward, 0, 1)] = np.arange(len(graph.segment))
    common = (
        graph.indptr, graph.head, graph.segment, graph.forward, graph.length, arc_of,
        places.indptr, places.segment, places.offset, places.weight, places.node_weight,
        bandwidths, powers, step,
    )  # fmt: skip
    n = len(bandwidths)

    def run(part: Ints, sums: Floats) -> None:
        if method == "simple":
            here, mass = np.zeros((len(part), n)), np.zeros((len(part), n))
            shortest_sums(everywhere[part], *common, here, mass)
            sums[:, :n], sums[:, n:] = here, mass
        else:
            buckets = int(bucket_of[-1]) + 1
            split_sums(everywhere[part], *common, bucket_of, buckets, sums)

    chosen = _sample(len(everywhere), most)
    sums = _threaded(run, chosen, 2 * n if method == "simple" else n)
    if method == "simple":
        sums = sums[:, :n] / np.average(sums[:, n:], axis=0, weights=held[chosen])
    else:
        sums *= kernel.line / bandwidths
    walkable = streets.length_mm[streets.segments["walk"].to_numpy()].sum() / 1000
    place = _rows(chosen, len(everywhere))[rank]
    return LeftOut(sums, place, held[chosen], float(walkable), len(everywhere))


def polynomial(kernel: Kernel) -> tuple[Floats, int]:
    """Return coefficients c_p and a step s: k(u) = sum c_p u**(s p), the Gaussian's to 1e-8."""
    if not kernel.powers:
        from numpy.polynomial import Chebyshev, Polynomial

        def shape(v: Floats) -> Floats:
            out: Floats = np.exp(-(GAUSSIAN_SIGMAS**2) / 2 * v)
            return out

        fit = Chebyshev.interpolate(shape, 11, domain=[0, 1])
        return np.asarray(fit.convert(kind=Polynomial, domain=[-1, 1]).coef), 2
    powers = np.array(kernel.powers)
    return (powers, 1) if powers[1::2].any() else (powers[::2].copy(), 2)


class _Places(NamedTuple):
    """Places within segments (CSR by segment, by offset in m), and on nodes."""

    indptr: Ints
    segment: Ints
    offset: Floats
    weight: Floats
    nodes: Ints
    node_weight: Floats


def _places(
    streets: StreetNetwork, segment: Ints, offset: Floats, weight: Floats
) -> tuple[_Places, Ints]:
    """Group events by place; return the places, and each event's: those within segments first."""
    whole = streets.length_mm[segment]
    exact = np.clip(np.rint(offset * 1000).astype(np.int64), 0, whole)
    at = np.clip((exact + _GRID_MM // 2) // _GRID_MM * _GRID_MM, 1, whole - 1)
    tail, head = streets.ends
    on_node = np.minimum(exact, whole - exact) <= _AT_NODE_MM
    node = np.where(2 * exact < whole, tail[segment], head[segment])
    key = np.where(on_node, len(streets.segments) + node, segment)
    rank, first, held = _group((key, np.where(on_node, 0, at)), weight)
    within = ~on_node[first]
    nodes = node[first[~within]]
    node_weight = np.zeros(len(streets.nodes))
    node_weight[nodes] = held[~within]
    row = segment[first[within]]
    indptr = np.searchsorted(row, np.arange(len(streets.segments) + 1))
    offsets = at[first[within]] / 1000
    return _Places(indptr, row, offsets, held[within], nodes, node_weight), rank


def _group(keys: tuple[npt.NDArray[Any], ...], weight: Floats) -> tuple[Ints, Ints, Floats]:
    """Group rows of equal keys in their order, the first key's before all.

    Returns each row's group, one row of each group, and the groups' weight, whose sum does not
    depend on the order of rows.
    """
    order = np.lexsort((weight, *reversed(keys)))
    new = np.zeros(len(order), dtype=bool)
    new[0] = True
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    return rank, order[starts], np.add.reduceat(weight[order], starts)


def _cells(size: Floats, reach: float) -> tuple[int, int, float]:
    """Choose a grid of cells for a box in metres: columns, rows, side."""
    side = max(reach / 4, float(np.sqrt(size.prod() / _CELLS)), float(size.max()) / _CELLS)
    return int(size[0] // side) + 1, int(size[1] // side) + 1, side


def _buckets(reach: float) -> Ints:
    """Number the buckets of branches by their distance: 2 m wide at first, 4 % of it far away."""
    number: Ints = (25 * np.log1p(np.arange(int(reach) + 2) / 50)).astype(np.int64)
    return number


def _sample(n: int, most: int) -> Ints:
    """Return every so-many-th of n places, `most` of them."""
    return np.arange(n) if n <= most else (np.arange(most) * n) // most


def _rows(chosen: Ints, n: int) -> Ints:
    """Return for each of n places its row among the chosen, or -1."""
    rows = np.full(n, -1, dtype=np.int64)
    rows[chosen] = np.arange(len(chosen))
    return rows


def _threaded(run: Callable[[Ints, Floats], None], targets: Ints, columns: int) -> Floats:
    """Run a kernel on parts of the targets, on all cores; sums in the order of targets."""
    sums = np.zeros((len(targets), columns))
    threads = os.cpu_count() or 1
    cuts = np.linspace(0, len(targets), 8 * threads + 1).astype(np.int64).tolist()

    def part(i: int) -> None:
        run(targets[cuts[i] : cuts[i + 1]], sums[cuts[i] : cuts[i + 1]])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(8 * threads)))
    return sums
