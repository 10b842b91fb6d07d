"""Density at the middle of every lixel by shortest walking distance: the simple network kernel.

For every node one search finds the nodes within the bandwidth. A target segment takes the lists of
its two ends, and meets each segment with events near them once (`_kernels.simple_pairs`).

Targets are taken in chunks of nodes that lie together; nothing is kept of a chunk but the densities
of its lixels, so memory does not grow with events times lixels. No target depends on another, so
threads never change a result.
"""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.simple_pairs import fill

FAR = 1_000_000_000  # mm: beyond every bandwidth
_BUCKET = 14  # buckets of 2 ** 14 mm


@inner("int32[:, ::1](int32[:, ::1])")
def _twice(rows):  # type: ignore[no-untyped-def]
    """Return a copy with room for twice as many rows."""
    more = np.empty((2 * rows.shape[0], rows.shape[1]), np.int32)
    for i in range(rows.shape[0]):  # a slice's assignment takes the compiler two seconds
        for j in range(rows.shape[1]):
            more[i, j] = rows[i, j]
    return more


@inner(
    "Tuple((int64, int32[:, ::1]))(int64, int64[::1], int32[:, ::1], int64, int32[::1], "
    "int32[::1], int32[::1], int32[:, ::1])",
    error_model="numpy",
)
def _search(source, indptr, arcs, limit, distance, top, touched, waiting):  # type: ignore[no-untyped-def]
    """Find the nodes within `limit` mm of one; return how many there are.

    `distance` must be FAR everywhere; it is left filled at the nodes `touched`. A bucket is a stack
    threaded through `waiting` (node, its distance, what lies below); a node that was reached by a
    shorter way meanwhile is passed over (`_kernels.paths`).
    """
    ring = top.size - 1
    distance[source] = 0
    touched[0] = source
    waiting[0, 0], waiting[0, 1], waiting[0, 2] = source, 0, -1
    n_touched, used, left, bucket = 1, 1, 1, 0
    top[0] = 0
    while left > 0:
        entry = top[bucket & ring]
        if entry < 0:
            bucket += 1
            continue
        top[bucket & ring] = waiting[entry, 2]
        left -= 1
        node, reached = waiting[entry, 0], np.int64(waiting[entry, 1])
        if reached > distance[node]:
            continue
        for arc in range(indptr[node], indptr[node + 1]):
            other, there = arcs[arc, 0], reached + arcs[arc, 1]
            if there > limit or there >= distance[other]:
                continue
            if distance[other] == FAR:
                touched[n_touched] = other
                n_touched += 1
            distance[other] = there
            if used == len(waiting):
                waiting = _twice(waiting)
            where = (there >> _BUCKET) & ring
            waiting[used, 0], waiting[used, 1], waiting[used, 2] = other, there, top[where]
            top[where] = used
            used += 1
            left += 1
    return n_touched, waiting


@kernel(
    "void(int64[::1], int64[::1], int32[:, ::1], int32[::1], boolean[::1], int32[:, ::1], "
    "int32[::1], int64[::1], int64[::1], float64[::1], float64[::1], int32[::1], "
    "float64[:, ::1], int64[::1], int32[::1], float64[::1], float64, boolean, int64, int64, "
    "int64, float64[::1])",
    error_model="numpy",
)
def densities(  # type: ignore[no-untyped-def]
    order,
    indptr,
    arcs,
    arc_segment,
    arc_forward,
    ends,
    length_mm,
    lixel_indptr,
    event_indptr,
    offset,
    weight,
    row_of,
    moments,
    near_indptr,
    near_segment,
    powers,
    bandwidth,
    gaussian,
    chunk,
    first_chunk,
    stride,
    density,
):
    """Write the densities of the lixels of every `stride`-th chunk of nodes.

    Parameters
    ----------
    order : (n_nodes,) int64
        Nodes so that those that follow each other lie together.
    indptr, arcs : (n_nodes + 1,) int64, (n_arcs, 2) int32
        CSR: the node each arc leads to, and mm; both ways along each segment.
    arc_segment, arc_forward : (n_arcs,) int32, bool
        Segment, and whether from its start.
    ends, length_mm : (n_segments, 2), (n_segments,) int32
        Start and end nodes; mm.
    lixel_indptr : (n_segments + 1,) int64
        A segment's lixels: equal pieces, from its start.
    event_indptr, offset, weight : (n_segments + 1,) int64, (n_rows,) float64
        Events by segment, by offset (m).
    row_of, moments
        From `sum_up`.
    near_indptr, near_segment : (n_nodes + 1,) int64, int32
        CSR: segments with events that meet in each node; a loop is there once.
    powers : (5,) float64
        k(u) = sum powers[p] u**p for 0 <= u <= 1.
    bandwidth : float64
    gaussian : bool
        Rather exp(-4.5 u**2).
    chunk, first_chunk, stride : int64
    density : (n_lixels,) float64
        Zeros; written.
    """
    n_nodes = len(indptr) - 1
    limit = np.int64(min(bandwidth * 1000.0, FAR - 1.0))
    position = np.empty(n_nodes, np.int64)
    for i in range(n_nodes):
        position[order[i]] = i
    longest = np.int64(0)
    for arc in range(len(arcs)):
        if arcs[arc, 1] > longest:
            longest = arcs[arc, 1]
    ring = 2
    while ring < (min(longest, limit) >> _BUCKET) + 2:
        ring *= 2
    top = np.full(ring, -1, np.int32)
    waiting = np.empty((1024, 3), np.int32)
    from_u, from_v = np.full(n_nodes, FAR, np.int32), np.full(n_nodes, FAR, np.int32)
    touched = np.empty(n_nodes, np.int32)
    list_of = np.full(n_nodes, -1, np.int64)  # where a node's list begins and ends, this chunk
    end_of = np.empty(n_nodes, np.int64)
    listed = np.empty(n_nodes, np.int64)
    lists = np.empty((4096, 2), np.int32)  # node, mm
    seen_u = np.full(len(ends), -1, np.int32)
    seen_v = np.full(len(ends), -1, np.int32)
    around = np.empty(len(ends), np.int32)
    most = 0
    for i in range(len(ends)):
        if lixel_indptr[i + 1] - lixel_indptr[i] > most:
            most = lixel_indptr[i + 1] - lixel_indptr[i]
    series = np.zeros((2, most + 1, 5))
    for begin in range(first_chunk * chunk, n_nodes, stride * chunk):
        n_listed, used = 0, 0
        for i in range(begin, min(begin + chunk, n_nodes)):
            u = order[i]
            for arc in range(indptr[u] - 1, indptr[u + 1]):
                v = u if arc < indptr[u] else np.int64(arcs[arc, 0])
                if list_of[v] >= 0 or position[v] < i or indptr[u] == indptr[u + 1]:
                    continue
                n, waiting = _search(v, indptr, arcs, limit, from_u, top, touched, waiting)
                while used + n > len(lists):
                    lists = _twice(lists)
                list_of[v] = used
                listed[n_listed] = v
                n_listed += 1
                for k in range(n):
                    if near_indptr[touched[k]] < near_indptr[touched[k] + 1]:
                        lists[used, 0], lists[used, 1] = touched[k], from_u[touched[k]]
                        used += 1
                    from_u[touched[k]] = FAR
                end_of[v] = used
        for i in range(begin, min(begin + chunk, n_nodes)):
            u = order[i]
            n_around = 0
            if indptr[u] < indptr[u + 1]:
                for k in range(list_of[u], end_of[u]):
                    node = lists[k, 0]
                    from_u[node] = lists[k, 1]
                    for j in range(near_indptr[node], near_indptr[node + 1]):
                        if seen_u[near_segment[j]] != u:
                            seen_u[near_segment[j]] = u
                            around[n_around] = near_segment[j]
                            n_around += 1
            for arc in range(indptr[u], indptr[u + 1]):
                v, target = np.int64(arcs[arc, 0]), np.int64(arc_segment[arc])
                if position[v] < i or (v == u and not arc_forward[arc]):
                    continue
                for k in range(list_of[v], end_of[v]):
                    from_v[lists[k, 0]] = lists[k, 1]
                begins, finishes = (from_u, from_v) if arc_forward[arc] else (from_v, from_u)
                n_all = n_around
                for k in range(list_of[v], end_of[v]):
                    node = lists[k, 0]
                    for j in range(near_indptr[node], near_indptr[node + 1]):
                        other = near_segment[j]
                        if seen_u[other] != u and seen_v[other] != target:
                            seen_v[other] = target
                            around[n_all] = other
                            n_all += 1
                lixel = lixel_indptr[target]
                fill(
                    density, lixel, lixel_indptr[target + 1] - lixel, target, around, n_all,
                    begins, finishes, ends, length_mm, event_indptr, offset, weight, row_of,
                    moments, powers, bandwidth, gaussian, series,
                )  # fmt: skip
                for k in range(list_of[v], end_of[v]):
                    from_v[lists[k, 0]] = FAR
            if indptr[u] < indptr[u + 1]:
                for k in range(list_of[u], end_of[u]):
                    from_u[lists[k, 0]] = FAR
        for k in range(n_listed):
            list_of[listed[k]] = -1
