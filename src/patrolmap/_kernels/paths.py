"""Shortest paths on CSR arcs with integer lengths: bounded many-to-many, and the arcs walked.

A 4-ary heap with lazy deletion; every source is independent, so threads never change a result.
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
NO_TARGET = np.int64(-1)


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
def _settle(indptr, head, length, source, limit, target, distance, arrived_by):  # type: ignore[no-untyped-def]
    """Run Dijkstra from `source` to `limit`, stopping early once `target` (>= 0) is settled.

    Writes `distance` (must hold -1 everywhere) and the arc each node was reached by; returns the
    nodes touched and how many, for cheap cleaning.
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
        if node == target:
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
    _settle(indptr, head, length, source, limit, NO_TARGET, distance, arrived_by)
    return distance


def distance_table(
    indptr: Ints, head: Ints, length: Ints, sources: Ints, targets: Ints, limit: int
) -> Int32s:
    """Return distances (n_sources, n_targets) in mm as int32; UNREACHABLE beyond `limit`.

    `targets` must not repeat a node. Threads (one a core) take every so-many-th source.
    """
    table = np.full((len(sources), len(targets)), UNREACHABLE, dtype=np.int32)
    column = np.full(len(indptr) - 1, -1, dtype=np.int64)
    column[targets] = np.arange(len(targets))
    threads = os.cpu_count() or 1

    def fill(first: int) -> None:
        _fill_rows(
            indptr, head, length, sources, column, np.int64(limit), np.int64(first),
            np.int64(threads), table,
        )  # fmt: skip

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(threads)))
    return table


@njit(cache=True, nogil=True)
def _fill_rows(indptr, head, length, sources, column, limit, first, stride, table):  # type: ignore[no-untyped-def]
    """Write the rows `first`, `first + stride`, ... of a distance table."""
    n_nodes = len(indptr) - 1
    distance = np.full(n_nodes, -1, dtype=np.int64)
    arrived_by = np.empty(n_nodes, dtype=np.int64)
    for i in range(first, len(sources), stride):
        touched, n_touched = _settle(
            indptr, head, length, sources[i], limit, NO_TARGET, distance, arrived_by
        )
        for k in range(n_touched):
            node = touched[k]
            if column[node] >= 0:
                table[i, column[node]] = distance[node]
            distance[node] = -1


@njit(cache=True, nogil=True)
def shortest_arcs(indptr, head, tail, length, sources, targets):  # type: ignore[no-untyped-def]
    """Return the arcs of the shortest path of each pair, laid end to end, and where each starts.

    Raises
    ------
    ValueError
        If a target cannot be reached from its source.
    """
    n_nodes = len(indptr) - 1
    distance = np.full(n_nodes, -1, dtype=np.int64)
    arrived_by = np.empty(n_nodes, dtype=np.int64)
    starts = np.zeros(len(sources) + 1, dtype=np.int64)
    arcs = np.empty(1024, dtype=np.int64)
    size = 0
    for i in range(len(sources)):
        touched, n_touched = _settle(
            indptr, head, length, sources[i], FOR_EVER, targets[i], distance, arrived_by
        )
        if distance[targets[i]] < 0:
            raise ValueError("no path between two nodes of a route")
        first = size
        node = targets[i]
        while node != sources[i]:
            arcs = _with_room(arcs, size)
            arcs[size] = arrived_by[node]
            node = tail[arrived_by[node]]
            size += 1
        low, high = first, size - 1
        while low < high:  # found backwards, laid forwards
            arcs[low], arcs[high] = arcs[high], arcs[low]
            low, high = low + 1, high - 1
        starts[i + 1] = size
        for k in range(n_touched):
            distance[touched[k]] = -1
    return arcs[:size], starts
