"""Distances between many terminals, and the ways between them as hops from terminal to terminal."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from numba import njit

from patrolmap._kernels.paths import _BUCKET, UNREACHABLE

Ints = npt.NDArray[np.int64]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]


def hop_tables(
    indptr: Ints,
    head: Ints,
    length: Ints,
    label: Ints,
    terminal: Ints,
    limit: int,
    distance: Int32s,
    via: Int16s,
    over: Int16s,
) -> None:
    """Write distances (mm), the last terminal on each way, and the label of the arc from it.

    All are (n, n) for n terminals (fewer than 32,768). The way from i to j comes last from terminal
    `via[i, j]`, -1 where there is none; `over[i, j]` is the label of the arc walked from there to
    j, -1 where that is more than one arc. Distances beyond `limit` are UNREACHABLE.
    """
    limit = min(limit, int(UNREACHABLE) - 1)
    column = np.full(len(indptr) - 1, -1, dtype=np.int64)
    column[terminal] = np.arange(len(terminal))
    arcs = np.column_stack([head, np.minimum(length, UNREACHABLE), label]).astype(np.int32)
    longest = int(arcs[:, 1].max(initial=0)) >> _BUCKET
    ring = 1 << (longest + 2).bit_length()
    threads = os.cpu_count() or 1

    def rows(first: int) -> None:
        _hop_rows(
            indptr, arcs, terminal, column, np.int64(limit), np.int64(first), np.int64(threads),
            np.int64(ring), distance, via, over,
        )  # fmt: skip

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(rows, range(threads)))


@njit(cache=True, nogil=True)
def _hop_rows(  # type: ignore[no-untyped-def]
    indptr, arcs, terminal, column, limit, first, stride, ring, distance, via, over
):
    """Write the rows `first`, `first + stride`, ... of the tables; see `paths._fill_rows`."""
    n_nodes = len(indptr) - 1
    reached = np.full(n_nodes, UNREACHABLE, dtype=np.int32)
    arrived = np.empty((n_nodes, 2), dtype=np.int32)  # node before, arc from it
    last = np.full(n_nodes, -2, dtype=np.int32)  # last terminal on the way before a node
    touched = np.empty(n_nodes, dtype=np.int32)
    chain = np.empty(n_nodes, dtype=np.int32)
    waiting = np.empty((1024, 3), dtype=np.int32)
    top = np.full(ring, -1, dtype=np.int32)
    for i in range(first, len(terminal), stride):
        distance[i], via[i], over[i] = UNREACHABLE, -1, -1
        source = terminal[i]
        touched[0], reached[source] = source, 0
        waiting[0, 0], waiting[0, 1], waiting[0, 2] = source, 0, -1
        n_touched, used, left, bucket = 1, 1, 1, 0
        top[0] = 0
        while left > 0:
            entry = top[bucket & (ring - 1)]
            if entry < 0:
                bucket += 1
                continue
            top[bucket & (ring - 1)] = waiting[entry, 2]
            left -= 1
            node, so_far = waiting[entry, 0], np.int64(waiting[entry, 1])
            if so_far > reached[node]:
                continue
            for arc in range(indptr[node], indptr[node + 1]):
                other = arcs[arc, 0]
                there = so_far + arcs[arc, 1]
                if there > limit or there >= reached[other]:
                    continue
                if reached[other] == UNREACHABLE:
                    touched[n_touched] = other
                    n_touched += 1
                reached[other] = there
                arrived[other, 0], arrived[other, 1] = node, arc
                if used == len(waiting):
                    more = np.empty((2 * used, 3), dtype=np.int32)
                    more[:used] = waiting
                    waiting = more
                where = (there >> _BUCKET) & (ring - 1)
                waiting[used, 0], waiting[used, 1], waiting[used, 2] = other, there, top[where]
                top[where] = used
                used += 1
                left += 1
        last[source] = -1
        for k in range(n_touched):
            size, node = 0, touched[k]
            while last[node] == -2:  # up to a node whose last terminal is known, and down again
                chain[size] = node
                size += 1
                node = arrived[node, 0]
            while size > 0:
                size -= 1
                above = arrived[chain[size], 0]
                last[chain[size]] = column[above] if column[above] >= 0 else last[above]
        for k in range(n_touched):
            node = touched[k]
            j = column[node]
            if j >= 0:
                distance[i, j] = reached[node]
                via[i, j] = last[node]
                if j != i and column[arrived[node, 0]] >= 0:
                    over[i, j] = arcs[arrived[node, 1], 2]
        for k in range(n_touched):
            reached[touched[k]], last[touched[k]] = UNREACHABLE, -2


@njit(cache=True, nogil=True)
def nearest_tasks(distance, first, last, unit, time_bin, near):  # type: ignore[no-untyped-def]
    """Fill `near` (n, k) with the tasks nearest to each by the streets, of other units in its bin.

    How far is the shortest way between any of their ends, or its reverse; -1 = no more.
    """
    n, k = near.shape
    far = np.empty(k, dtype=np.int64)
    for i in range(n):
        size = 0
        a, b = distance[first[i]], distance[last[i]]
        for j in range(n):
            if unit[j] == unit[i] or time_bin[j] != time_bin[i]:
                continue
            way = np.int64(min(a[first[j]], a[last[j]], b[first[j]], b[last[j]]))
            if way >= UNREACHABLE or (size == k and way >= far[k - 1]):
                continue
            at = min(size, k - 1)
            while at > 0 and far[at - 1] > way:
                far[at], near[i, at] = far[at - 1], near[i, at - 1]
                at -= 1
            far[at], near[i, at] = way, j
            size = min(size + 1, k)
        for at in range(size, k):
            near[i, at] = -1
