"""Shortest paths on CSR arcs with integer lengths: bounded many-to-many, and the arcs walked.

A 4-ary heap with lazy deletion; every source is independent, so threads never change a result.
"""

import numpy as np
from numba import njit, prange

UNREACHABLE = np.int32(2_000_000_000)


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
def _grow(keys, items, size):  # type: ignore[no-untyped-def]
    """Return heap arrays with room for one more entry."""
    if size < len(keys):
        return keys, items
    more_keys = np.empty(2 * len(keys), dtype=keys.dtype)
    more_items = np.empty(2 * len(items), dtype=items.dtype)
    more_keys[:size] = keys[:size]
    more_items[:size] = items[:size]
    return more_keys, more_items


@njit(cache=True)
def _settle(indptr, head, length, source, limit, target, distance, arrived_by):  # type: ignore[no-untyped-def]
    """Run Dijkstra from `source` to `limit`, stopping early once `target` (>= 0) is settled.

    Writes `distance` (must hold -1 everywhere) and the arc each node was reached by; returns the
    nodes touched, for cheap cleaning.
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
                if n_touched == len(touched):
                    more = np.empty(2 * n_touched, dtype=np.int64)
                    more[:n_touched] = touched
                    touched = more
                touched[n_touched] = other
                n_touched += 1
            elif distance[other] <= there:
                continue
            distance[other] = there
            arrived_by[other] = arc
            keys, items = _grow(keys, items, size)
            size = _push(keys, items, size, there, other)
    return touched[:n_touched]


@njit(cache=True, nogil=True)
def distances_from(indptr, head, length, source, limit):  # type: ignore[no-untyped-def]
    """Return the distance from one node to all, -1 where farther than `limit` (mm, int64)."""
    distance = np.full(len(indptr) - 1, -1, dtype=np.int64)
    arrived_by = np.empty(len(indptr) - 1, dtype=np.int64)
    _settle(indptr, head, length, source, limit, -1, distance, arrived_by)
    return distance


@njit(cache=True, nogil=True, parallel=True)
def distance_table(indptr, head, length, sources, targets, limit):  # type: ignore[no-untyped-def]
    """Return distances (n_sources, n_targets) in mm as int32; UNREACHABLE beyond `limit`."""
    n_nodes = len(indptr) - 1
    table = np.full((len(sources), len(targets)), UNREACHABLE, dtype=np.int32)
    column = np.full(n_nodes, -1, dtype=np.int64)
    for i in range(len(targets)):
        column[targets[i]] = i
    n_blocks = min(len(sources), 64)
    for block in prange(n_blocks):
        distance = np.full(n_nodes, -1, dtype=np.int64)
        arrived_by = np.empty(n_nodes, dtype=np.int64)
        for i in range(block, len(sources), n_blocks):
            touched = _settle(indptr, head, length, sources[i], limit, -1, distance, arrived_by)
            for node in touched:
                if column[node] >= 0:
                    table[i, column[node]] = distance[node]
                distance[node] = -1
    return table


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
        touched = _settle(
            indptr, head, length, sources[i], np.int64(1) << 60, targets[i], distance, arrived_by
        )
        if distance[targets[i]] < 0:
            raise ValueError("no path between two nodes of a route")
        first = size
        node = targets[i]
        while node != sources[i]:
            if size == len(arcs):
                more = np.empty(2 * size, dtype=np.int64)
                more[:size] = arcs
                arcs = more
            arcs[size] = arrived_by[node]
            node = tail[arrived_by[node]]
            size += 1
        arcs[first:size] = arcs[first:size][::-1].copy()
        starts[i + 1] = size
        for node in touched:
            distance[node] = -1
    return arcs[:size], starts
