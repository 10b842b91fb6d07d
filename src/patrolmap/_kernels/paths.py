"""Shortest paths on CSR arcs with integer lengths: bounded many-to-many, and the arcs walked.

Paths come from a 4-ary heap with lazy deletion. Distances alone come from a ring of buckets, each
as wide as a short step, in which nodes may be looked at twice (Denardo & Fox 1979, doi
10.1287/opre.27.1.161): a quarter of the heap's time. Every source is independent, so threads never
change a result.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]

UNREACHABLE = np.int32(2_000_000_000)
FOR_EVER = np.int64(1) << 60  # mm: a limit that no path comes near
_BUCKET = 14  # a bucket is 2 ** 14 mm wide: from 4 to 64 m all are alike, beyond is slower


@njit(cache=True, inline="always")
def _push(keys, items, size, key, item):  # type: ignore[no-untyped-def]
    at = size
    while at > 0:
        above = (at - 1) >> 2
        if keys[above] <= key:
            break
        keys[at] = keys[above]
        items[at] = items[above]
        at = above
    keys[at] = key
    items[at] = item
    return size + 1


@njit(cache=True, inline="always")
def _drop_top(keys, items, size):  # type: ignore[no-untyped-def]
    size -= 1
    key = keys[size]
    item = items[size]
    at = 0
    while True:
        child = (at << 2) + 1
        if child >= size:
            break
        best = child
        for other in range(child + 1, min(child + 4, size)):
            if keys[other] < keys[best]:
                best = other
        if keys[best] >= key:
            break
        keys[at] = keys[best]
        items[at] = items[best]
        at = best
    keys[at] = key
    items[at] = item
    return size


@njit(cache=True)
def _with_room(values, size):  # type: ignore[no-untyped-def]
    """Return the array, or a copy twice as long where `size` entries fill it."""
    if size < len(values):
        return values
    more = np.empty(2 * len(values), dtype=np.int64)
    for i in range(size):
        more[i] = values[i]
    return more


@njit(cache=True, nogil=True)
def _settle(indptr, head, length, source, limit, wanted, left, distance, arrived_by):  # type: ignore[no-untyped-def]
    """Run Dijkstra from `source` to `limit`, stopping once `left` nodes of `wanted` are settled.

    A `left` of 0 never stops early. Writes `distance` (must hold -1 everywhere) and the arc each
    node was reached by; returns the nodes touched and how many, for cheap cleaning.
    """
    keys = np.empty(256, dtype=np.int64)
    items = np.empty(256, dtype=np.int64)
    touched = np.empty(256, dtype=np.int64)
    n_touched = 1
    touched[0] = source
    distance[source] = 0
    arrived_by[source] = -1
    size = _push(keys, items, 0, np.int64(0), source)
    while size > 0:
        reached, node = keys[0], items[0]
        size = _drop_top(keys, items, size)
        if reached > distance[node]:
            continue
        if left > 0 and wanted[node]:  # comes by only once: what was pushed before is stale
            left -= 1
            if left == 0:
                break
        for arc in range(indptr[node], indptr[node + 1]):
            there = reached + length[arc]
            other = head[arc]
            if there > limit:
                continue
            if distance[other] < 0:
                touched = _with_room(touched, n_touched)
                touched[n_touched] = other
                n_touched += 1
            elif distance[other] <= there:
                continue
            distance[other] = there
            arrived_by[other] = arc
            keys, items = _with_room(keys, size), _with_room(items, size)
            size = _push(keys, items, size, there, other)
    return touched, n_touched


@njit(cache=True, nogil=True)
def distances_from(indptr, head, length, source, limit):  # type: ignore[no-untyped-def]
    """Return the distance from one node to all, -1 where farther than `limit` (mm, int64)."""
    distance = np.full(len(indptr) - 1, -1, dtype=np.int64)
    arrived_by = np.empty(len(indptr) - 1, dtype=np.int64)
    nothing = np.empty(0, dtype=np.bool_)
    _settle(indptr, head, length, source, limit, nothing, 0, distance, arrived_by)
    return distance


def distance_table(
    indptr: Ints, head: Ints, length: Ints, sources: Ints, targets: Ints, limit: int,
    *, threads: int | None = None,
) -> Int32s:  # fmt: skip
    """Return distances (n_sources, n_targets) in mm as int32; UNREACHABLE beyond `limit`.

    `targets` must not repeat a node. What is not below UNREACHABLE (2,000 km) is never reached.
    Threads (by default one a core) take every so-many-th source; a table of one street's
    neighbours is done sooner than a thread begins: 1.
    """
    limit = min(limit, int(UNREACHABLE) - 1)
    table = np.full((len(sources), len(targets)), UNREACHABLE, dtype=np.int32)
    column = np.full(len(indptr) - 1, -1, dtype=np.int64)
    column[targets] = np.arange(len(targets))
    arcs = np.column_stack([head, np.minimum(length, UNREACHABLE)]).astype(np.int32)
    # Of two nodes waiting, one is at most an arc farther than the other: a ring holds them all.
    longest = int(arcs[:, 1].max(initial=0)) >> _BUCKET
    ring = 1 << (longest + 2).bit_length()
    threads = threads or os.cpu_count() or 1

    def fill(first: int) -> None:
        _fill_rows(
            indptr, arcs, sources, column, np.int64(limit), np.int64(first), np.int64(threads),
            np.int64(ring), table,
        )  # fmt: skip

    if threads == 1:
        fill(0)
        return table
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(threads)))
    return table


@njit(cache=True, nogil=True)
def _fill_rows(indptr, arcs, sources, column, limit, first, stride, ring, table):  # type: ignore[no-untyped-def]
    """Write the rows `first`, `first + stride`, ... of a distance table.

    A bucket is a stack threaded through `waiting` (node, its distance, what lies below); a node
    that was reached by a shorter way meanwhile is passed over.
    """
    distance = np.full(len(indptr) - 1, UNREACHABLE, dtype=np.int32)
    touched = np.empty(len(indptr) - 1, dtype=np.int32)
    waiting = np.empty((1024, 3), dtype=np.int32)
    top = np.full(ring, -1, dtype=np.int32)
    for i in range(first, len(sources), stride):
        touched[0] = sources[i]
        distance[sources[i]] = 0
        waiting[0, 0], waiting[0, 1], waiting[0, 2] = sources[i], 0, -1
        n_touched, used, left, bucket = 1, 1, 1, 0
        top[0] = 0
        while left > 0:
            entry = top[bucket & (ring - 1)]
            if entry < 0:
                bucket += 1
                continue
            top[bucket & (ring - 1)] = waiting[entry, 2]
            left -= 1
            node, reached = waiting[entry, 0], np.int64(waiting[entry, 1])
            if reached > distance[node]:
                continue
            for arc in range(indptr[node], indptr[node + 1]):
                other = arcs[arc, 0]
                there = reached + arcs[arc, 1]
                if there > limit or there >= distance[other]:
                    continue
                if distance[other] == UNREACHABLE:
                    touched[n_touched] = other
                    n_touched += 1
                distance[other] = there
                if used == len(waiting):
                    more = np.empty((2 * used, 3), dtype=np.int32)
                    more[:used] = waiting
                    waiting = more
                where = (there >> _BUCKET) & (ring - 1)
                waiting[used, 0], waiting[used, 1], waiting[used, 2] = other, there, top[where]
                top[where] = used
                used += 1
                left += 1
        for k in range(n_touched):
            node = touched[k]
            if column[node] >= 0:
                table[i, column[node]] = distance[node]
            distance[node] = UNREACHABLE


def shortest_arcs(
    indptr: Ints, head: Ints, tail: Ints, length: Ints, sources: Ints, targets: Ints
) -> tuple[Ints, Ints]:
    """Return the arcs of the shortest path of each pair, laid end to end, and where each starts.

    Raises
    ------
    ValueError
        If a target cannot be reached from its source.
    """
    arcs, starts, distance = path_arcs(indptr, head, tail, length, sources, targets)
    if (distance < 0).any():
        raise ValueError("no path between two nodes of a route")
    return arcs, starts


@njit(cache=True, nogil=True)
def path_arcs(indptr, head, tail, length, sources, targets):  # type: ignore[no-untyped-def]
    """Return the arcs of the shortest path of each pair, where each starts, and its length.

    Arcs are laid end to end, (n_pairs + 1) starts; where no path leads to a target, it has no arcs
    and length -1. Pairs of one source that stand together share one search.
    """
    n_nodes, n_pairs = len(indptr) - 1, len(sources)
    distance = np.full(n_nodes, -1, dtype=np.int64)
    arrived_by = np.empty(n_nodes, dtype=np.int64)
    wanted = np.zeros(n_nodes, dtype=np.bool_)
    starts = np.zeros(n_pairs + 1, dtype=np.int64)
    whole = np.empty(n_pairs, dtype=np.int64)
    arcs = np.empty(1024, dtype=np.int64)
    size, begin = 0, 0
    while begin < n_pairs:
        source, end, left = sources[begin], begin, 0
        while end < n_pairs and sources[end] == source:
            left += not wanted[targets[end]]
            wanted[targets[end]] = True
            end += 1
        touched, n_touched = _settle(
            indptr, head, length, source, FOR_EVER, wanted, left, distance, arrived_by
        )
        for i in range(begin, end):
            whole[i] = distance[targets[i]]
            wanted[targets[i]] = False
            node, low = targets[i], size
            while whole[i] >= 0 and node != source:
                arcs = _with_room(arcs, size)
                arcs[size] = arrived_by[node]
                node = tail[arrived_by[node]]
                size += 1
            starts[i + 1], high = size, size - 1
            while low < high:  # found backwards, laid forwards
                arcs[low], arcs[high] = arcs[high], arcs[low]
                low, high = low + 1, high - 1
        for k in range(n_touched):
            distance[touched[k]] = -1
        begin = end
    return arcs[:size], starts, whole
