"""Pairs of places near one another: in the plane by a grid, along the streets by bounded searches.

Distances are whole millimetres, so that what lies at a limit does not depend on rounding.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.paths import _settle

Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Pairs = tuple[Ints, Int32s, Int32s]


def near_in_plane(xy: Ints, limit: int, most: int) -> tuple[Ints, Pairs]:
    """List the pairs of places less than `limit` apart in the plane.

    Parameters
    ----------
    xy : (n, 2) int64
        Distinct places, mm.
    limit, most : int
        mm, above 0; and how many pairs to list before giving up.

    Returns
    -------
    order : (n,) int64
        Places sorted by cells of a grid, whose neighbours are then near in memory too.
    pairs : tuple
        `indptr` (n + 1,), `other` and `distance` (mm, int32): place `order[i]` has the later
        places `order[other[k]]` for k in `indptr[i]:indptr[i + 1]`. `indptr` ends with -1 where
        there were more than `most`.

    Notes
    -----
    Time is O(n log n + pairs in neighbouring cells). Cells are `limit` wide; in their row-wise
    order the cells a place must look at are two runs, found by bisection.
    """
    cell = (xy - xy.min(axis=0)) // limit + 1
    wide = int(cell[:, 0].max()) + 2
    key = cell[:, 1] * wide + cell[:, 0]
    order = np.lexsort((xy[:, 1], xy[:, 0], key))
    key = key[order]
    spans = np.column_stack(
        [
            np.searchsorted(key, key + 1, side="right"),  # to the end of the cell to the right
            np.searchsorted(key, key + wide - 1, side="left"),  # the three of the next row
            np.searchsorted(key, key + wide + 1, side="right"),
        ]
    )
    places = np.ascontiguousarray(xy[order])
    size = np.zeros(len(xy) + 1, dtype=np.int64)
    nothing = np.empty(0, dtype=np.int32)
    parts = np.array_split(np.arange(len(xy)), os.cpu_count() or 1)

    def fill(part: Ints, other: Int32s, distance: Int32s) -> None:
        _plane(places, spans, np.int64(limit), part, size, other, distance)

    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(lambda part: fill(part, nothing, nothing), parts))
        indptr = np.cumsum(size)
        if indptr[-1] > most:
            indptr[-1] = -1
            return order, (indptr, nothing, nothing)
        other, distance = (np.empty(indptr[-1], dtype=np.int32) for _ in range(2))
        size[:] = indptr
        list(pool.map(lambda part: fill(part, other, distance), parts))
    return order, (indptr, other, distance)


@kernel("void(int64[:, ::1], int64[:, ::1], int64, int64[::1], int64[::1], int32[::1], int32[::1])")
def _plane(places, spans, limit, part, size, other, distance):  # type: ignore[no-untyped-def]
    """Count the pairs of each place (`size[i + 1]`), or with room for them write them down."""
    for i in part:
        at, x, y = size[i], places[i, 0], places[i, 1]
        found = 0
        for run in range(2):
            first, last = (i + 1, spans[i, 0]) if run == 0 else (spans[i, 1], spans[i, 2])
            for j in range(first, last):
                dx, dy = places[j, 0] - x, places[j, 1] - y
                square = dx * dx + dy * dy
                if square < limit * limit:
                    if len(other):
                        other[at + found] = j
                        distance[at + found] = np.int64(np.sqrt(np.float64(square)))
                    found += 1
        if not len(other):
            size[i + 1] = found


@inner("int32[::1](int32[::1], int64)")
def _roomier(values, size):  # type: ignore[no-untyped-def]
    if size < len(values):
        return values
    more = np.empty(2 * len(values), dtype=np.int32)
    for i in range(size):  # a slice's assignment takes the compiler two seconds
        more[i] = values[i]
    return more


@kernel(
    "Tuple((int64[::1], int32[::1], int32[::1]))(int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64[:, ::1], int64[::1], int64[::1], int64[::1], int64, int64)"
)
def near_on_streets(  # type: ignore[no-untyped-def]
    indptr, head, arc_segment, arc_length, ends, length, place_start, offset, limit, most
):
    """List the pairs of places less than `limit` (mm) apart along the streets.

    Parameters
    ----------
    indptr, head, arc_segment, arc_length
        Arcs, both ways along each segment.
    ends : (n_segments, 2) int64
        Nodes where each segment starts and ends.
    length : (n_segments,) int64
        mm.
    place_start : (n_segments + 1,) int64
        Places on segment s are `place_start[s]:place_start[s + 1]`.
    offset : (n_places,) int64
        mm from the segment's start.
    limit, most : int64
        mm; and how many pairs to list before giving up.

    Returns
    -------
    start, other, distance
        CSR by place, only pairs whose second place stands later; `start` ends with -1 where there
        were more than `most`.

    Notes
    -----
    One bounded search from each end of each segment that holds places; every segment reached
    is entered from the nearer side, and two places of one segment may be nearer round the block.
    """
    n_nodes, n_places = len(indptr) - 1, len(offset)
    at_start, at_end = np.full(n_nodes, -1, np.int64), np.full(n_nodes, -1, np.int64)
    by = np.empty(n_nodes, np.int64)
    nothing = np.empty(0, np.bool_)
    seen = np.full(len(length), -1, np.int64)
    near = np.empty(len(length), np.int64)
    start = np.zeros(n_places + 1, np.int64)
    other, distance = np.empty(1024, np.int32), np.empty(1024, np.int32)
    size = 0
    for s in range(len(length)):
        if place_start[s] == place_start[s + 1]:
            continue
        one, n_one = _settle(indptr, head, arc_length, ends[s, 0], limit, nothing, 0, at_start, by)
        two, n_two = _settle(indptr, head, arc_length, ends[s, 1], limit, nothing, 0, at_end, by)
        near[0], seen[s], n_near = s, s, 1
        for k in range(n_one + n_two):
            node = one[k] if k < n_one else two[k - n_one]
            for arc in range(indptr[node], indptr[node + 1]):
                t = arc_segment[arc]
                if t > s and seen[t] != s and place_start[t] < place_start[t + 1]:
                    seen[t] = s
                    near[n_near] = t
                    n_near += 1
        for p in range(place_start[s], place_start[s + 1]):
            a, rest = offset[p], length[s] - offset[p]
            for k in range(n_near):
                t = near[k]
                # from the place to either end of the other segment
                to_start, to_end = limit, limit
                if at_start[ends[t, 0]] >= 0:
                    to_start = min(to_start, a + at_start[ends[t, 0]])
                if at_end[ends[t, 0]] >= 0:
                    to_start = min(to_start, rest + at_end[ends[t, 0]])
                if at_start[ends[t, 1]] >= 0:
                    to_end = min(to_end, a + at_start[ends[t, 1]])
                if at_end[ends[t, 1]] >= 0:
                    to_end = min(to_end, rest + at_end[ends[t, 1]])
                for q in range(max(place_start[t], p + 1), place_start[t + 1]):
                    apart = min(to_start + offset[q], to_end + length[t] - offset[q])
                    if t == s:
                        apart = min(apart, abs(offset[q] - a))
                    if apart < limit:
                        if size == most:
                            start[n_places] = -1
                            return start, other[:0], distance[:0]
                        other, distance = _roomier(other, size), _roomier(distance, size)
                        other[size], distance[size] = q, apart
                        size += 1
            start[p + 1] = size
        for k in range(n_one):
            at_start[one[k]] = -1
        for k in range(n_two):
            at_end[two[k]] = -1
    return start, other[:size], distance[:size]


@kernel(
    "Tuple((int64[::1], int32[::1], int32[::1]))(int64[::1], int64[::1], int64[::1], int64[::1], "
    "int64)"
)
def balls(indptr, head, length, sources, limit):  # type: ignore[no-untyped-def]
    """List the nodes at most `limit` (mm) from each source, itself too: start, node, distance."""
    distance = np.full(len(indptr) - 1, -1, np.int64)
    by = np.empty(len(indptr) - 1, np.int64)
    nothing = np.empty(0, np.bool_)
    start = np.zeros(len(sources) + 1, np.int64)
    node, apart = np.empty(1024, np.int32), np.empty(1024, np.int32)
    size = 0
    for i in range(len(sources)):
        found, n_found = _settle(indptr, head, length, sources[i], limit, nothing, 0, distance, by)
        for k in range(n_found):
            node, apart = _roomier(node, size), _roomier(apart, size)
            node[size], apart[size] = found[k], distance[found[k]]
            distance[found[k]] = -1
            size += 1
        start[i + 1] = size
    return start, node[:size], apart[:size]
