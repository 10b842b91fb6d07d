"""Knox's count of pairs near in space and in time, and the same with the times permuted."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.chance import draw, stream
from patrolmap._kernels.compiling import inner, kernel

Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]

# Permutations counted side by side: from 64 on the compiler uses the wide registers, at a fifth of
# the time of 8.
LANES = 64


def count_pairs(
    minute: Ints,
    place_start: Ints,
    pairs: tuple[Ints, Int32s, npt.NDArray[np.int8]],
    edges: Ints,
    n_bands: int,
    n_permutations: int,
    seed: int,
) -> Ints:
    """Count pairs of events by band of distance and of time, as they are and permuted.

    Parameters
    ----------
    minute : (n_events,) int64
        Times in whole minutes, 31 bits' worth; events stand place by place.
    place_start : (n_places + 1,) int64
        Events at place p are `place_start[p]:place_start[p + 1]`.
    pairs : tuple
        `indptr`, `other`, `band`: CSR of the pairs of places, and the band each lies in, from 0.
    edges : (n_times,) int64
        Upper limits of the bands of time, in minutes, ascending; a pair lies in the first whose
        limit is above its time apart.
    n_bands, n_permutations, seed : int

    Returns
    -------
    (1 + n_permutations, 1 + n_bands, n_times) int64
        First the events as they are. Band 0 is one place, band b + 1 the b of the pairs.

    Notes
    -----
    O(pairs) a permutation; 64 are counted in one pass. The numbers of permutation k come from
    the seed and k alone, so threads change nothing.
    """
    blocks = -(-(1 + n_permutations) // LANES)
    counts = np.zeros((blocks, 1 + n_bands, len(edges), LANES), dtype=np.int64)
    limits, times = edges.astype(np.int32), minute.astype(np.int32)
    indptr, other, band = pairs

    def run(block: int) -> None:
        _count(
            times, place_start, indptr, other, band, limits, np.int64(block * LANES),
            np.uint64(seed), counts[block],
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(run, range(blocks)))
    side_by_side = counts.transpose(0, 3, 1, 2).reshape(-1, 1 + n_bands, len(edges))
    return np.diff(side_by_side[: 1 + n_permutations], axis=2, prepend=0)


@inner("void(int32[::1])")
def _sort(values):  # type: ignore[no-untyped-def]
    """Sort in place, by Shell's way: numpy's own takes the compiler two seconds."""
    gap = 1
    while gap < len(values) // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, len(values)):
            value, k = values[i], i
            while k >= gap and values[k - gap] > value:
                values[k] = values[k - gap]
                k -= gap
            values[k] = value
        gap //= 3


@inner("void(int32[:, ::1], int32[::1], int64[:, ::1])")
def _one_place(times, edges, counts):  # type: ignore[no-untyped-def]
    """Count the pairs of one place by sorting: piles hold thousands of events."""
    column = np.empty(len(times), np.int32)
    for lane in range(LANES):
        for i in range(len(times)):
            column[i] = times[i, lane]
        _sort(column)
        for e in range(len(edges)):
            low = 0
            for high in range(len(column)):
                while column[high] - column[low] >= edges[e]:
                    low += 1
                counts[e, lane] += high - low


@inner("void(int32[:, :, ::1], int64[:, :, ::1])")
def _empty_into(here, counts):  # type: ignore[no-untyped-def]
    for d in range(counts.shape[0]):
        for e in range(counts.shape[1]):
            for lane in range(LANES):
                counts[d, e, lane] += here[d, e, lane]
                here[d, e, lane] = 0


@kernel(
    "void(int32[::1], int64[::1], int64[::1], int32[::1], int8[::1], int32[::1], int64, uint64, "
    "int64[:, :, ::1])"
)
def _count(minute, place_start, indptr, other, band, edges, first, seed, counts):  # type: ignore[no-untyped-def]
    """Add up pairs below each limit for 64 permutations; number 0 is the times as they are."""
    n, n_times = len(minute), len(edges)
    times = np.empty((n, LANES), np.int32)
    column = np.empty(n, np.int32)
    for lane in range(LANES):
        for i in range(n):
            column[i] = minute[i]
        if first + lane > 0:
            state = stream(seed, np.uint64(first + lane))
            for i in range(n - 1, 0, -1):
                state, j = draw(state, np.uint64(i + 1))
                column[i], column[j] = column[j], column[i]
        for i in range(n):
            times[i, lane] = column[i]
    # 32 bits while they last: wide additions would halve the pace
    here = np.zeros((counts.shape[0], n_times, LANES), np.int32)
    apart = np.empty(LANES, np.int32)
    looked = 0
    for p in range(len(place_start) - 1):
        begin, end = place_start[p], place_start[p + 1]
        if end - begin > 32:
            _one_place(times[begin:end], edges, counts[0])
        else:
            for a in range(begin, end):
                for b in range(a + 1, end):
                    for lane in range(LANES):
                        apart[lane] = abs(times[a, lane] - times[b, lane])
                    for e in range(n_times):
                        for lane in range(LANES):
                            here[0, e, lane] += np.int32(apart[lane] < edges[e])
        for k in range(indptr[p], indptr[p + 1]):
            q, d = other[k], band[k] + 1
            looked += (end - begin) * (place_start[q + 1] - place_start[q])
            for a in range(begin, end):
                for b in range(place_start[q], place_start[q + 1]):
                    for lane in range(LANES):
                        apart[lane] = abs(times[a, lane] - times[b, lane])
                    for e in range(n_times):
                        for lane in range(LANES):
                            here[d, e, lane] += np.int32(apart[lane] < edges[e])
            if looked > 1_000_000_000:
                looked = 0
                _empty_into(here, counts)
    _empty_into(here, counts)
