"""The simple network kernel: density by shortest walking distance, at the middle of lixels."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.risk.density.kernels import Kernel
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]

_CHUNK = 512  # nodes whose surroundings are held at a time


def simple_density(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    weight: Floats,
    *,
    bandwidth: float,
    kernel: Kernel,
    lixel_indptr: Ints,
) -> Floats:
    """Sum w K(d / B) over events at the middle of every lixel, d the shortest walking distance.

    Parameters
    ----------
    streets
        Network the events were snapped to, for walking.
    segment, offset, weight : (n_events,) int64, float64, float64
        Row of the segment in `streets.segments`, metres from its start, and what it counts for.
    bandwidth
        B in metres along the streets.
    kernel
        Scaled by `kernel.line / bandwidth`, so that on a street without junctions an event
        integrates to its weight. Where streets branch it gives more: every branch gets it whole.
    lixel_indptr : (n_segments + 1,) int64
        Lixels of segment i are `lixel_indptr[i]:lixel_indptr[i + 1]`, equal pieces from its start.

    Returns
    -------
    (n_lixels,) float64
        Weighted events per metre; 0 on segments that may not be walked. The order of the events
        changes no bit of it.

    Notes
    -----
    Time is O(nodes * nodes in reach + segments * segments with events in reach * lixels of a
    segment), whatever the number of events; memory O(streets + events + lixels).
    """
    from patrolmap._kernels.simple import densities
    from patrolmap._kernels.simple_rows import group, join, sort, sum_up

    density = np.zeros(int(lixel_indptr[-1]))
    if len(segment) == 0 or len(density) == 0:
        return density
    bandwidth, graph = float(bandwidth), streets.graph("walk")
    length_mm = streets.length_mm.astype(np.int32)
    arcs = np.column_stack([graph.head, graph.length]).astype(np.int32)
    offset = np.clip(offset, 0.0, streets.length_mm[segment] / 1000)
    ends = np.column_stack(streets.ends).astype(np.int32)
    order = _near_each_other(streets)
    powers = np.zeros(5)
    powers[: len(kernel.powers)] = kernel.powers
    threads = min(os.cpu_count() or 1, 1 + graph.n_nodes // _CHUNK)
    start, *grouped = group(segment, offset, weight, len(length_mm))
    near_indptr, near = _near(ends, np.flatnonzero(np.diff(start)), graph.n_nodes)
    cuts = np.searchsorted(start, np.linspace(0, len(segment), threads + 1)[1:-1])
    cuts = np.concatenate([[0], cuts, [len(length_mm)]])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda i: sort(start, *grouped, cuts[i], cuts[i + 1]), range(threads)))
        rows = join(start, *grouped)
        row_of, moments = np.empty(len(rows[1]), dtype=np.int32), np.empty((len(rows[1]), 5))

        def prepare(i: int) -> None:
            sum_up(*rows, length_mm, bandwidth, cuts[i], cuts[i + 1], row_of, moments)

        def run(first: int) -> None:
            densities(
                order, graph.indptr, arcs, graph.segment.astype(np.int32), graph.forward, ends,
                length_mm, lixel_indptr, *rows, row_of, moments, near_indptr, near,
                powers, bandwidth, not kernel.powers, _CHUNK, first, threads, density,
            )  # fmt: skip

        list(pool.map(prepare, range(threads)))
        list(pool.map(run, range(threads)))
    density *= kernel.line / bandwidth
    return density


def _near(ends: Int32s, busy: Ints, n_nodes: int) -> tuple[Ints, Int32s]:
    """List the segments with events that meet in each node, as CSR arrays."""
    tail, head = ends[busy, 0], ends[busy, 1]
    other = tail != head
    node = np.concatenate([tail, head[other]])
    of = np.concatenate([busy, busy[other]]).astype(np.int32)
    indptr = np.zeros(n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(node, minlength=n_nodes), out=indptr[1:])
    return indptr, of[np.argsort(node, kind="stable")]


def _near_each_other(streets: StreetNetwork) -> Ints:
    """Order nodes along a Z-curve, so that those that follow each other lie together."""
    points = streets.nodes.geometry.to_numpy()
    xy = np.column_stack([shapely.get_x(points), shapely.get_y(points)])
    xy -= xy.min(axis=0)
    cell = (xy * (65_535 / max(float(xy.max()), 1.0))).astype(np.uint32)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cell = (cell | (cell << np.uint32(shift))) & np.uint32(mask)
    order: Ints = np.argsort(cell[:, 0] | (cell[:, 1] << np.uint32(1)), kind="stable")
    return order
