"""Events by segment, sorted and summed up along each: what the simple network kernel works on."""

import numpy as np

from patrolmap._kernels.compiling import kernel


@kernel(
    "Tuple((int64[::1], float64[::1], float64[::1]))(int64[::1], float64[::1], float64[::1], "
    "int64)",
    error_model="numpy",
)
def group(segment, offset, weight, n_segments):  # type: ignore[no-untyped-def]
    """Put events of one segment together.

    Returns
    -------
    start, offset, weight : (n_segments + 1,) int64, (n_events,) float64
        CSR.
    """
    start = np.zeros(n_segments + 1, np.int64)
    for i in range(len(segment)):
        start[segment[i] + 1] += 1
    for j in range(n_segments):
        start[j + 1] += start[j]
    free = start[:-1].copy()
    s, w = np.empty(len(offset)), np.empty(len(offset))
    for i in range(len(segment)):
        s[free[segment[i]]], w[free[segment[i]]] = offset[i], weight[i]
        free[segment[i]] += 1
    return start, s, w


@kernel("void(int64[::1], float64[::1], float64[::1], int64, int64)", error_model="numpy")
def sort(start, s, w, begin, end):  # type: ignore[no-untyped-def]
    """Sort the events of each of the segments `begin` to `end` by offset, in place.

    Equal offsets go by weight, so that their sum does not depend on the order given.
    """
    for j in range(begin, end):
        low, high = start[j], start[j + 1]
        gap = 1
        while gap < (high - low) // 3:
            gap = 3 * gap + 1
        while gap > 0:  # Shell's sort; by insertion where there are few
            for i in range(low + gap, high):
                a, b, k = s[i], w[i], i
                while k >= low + gap and (s[k - gap] > a or (s[k - gap] == a and w[k - gap] > b)):
                    s[k], w[k] = s[k - gap], w[k - gap]
                    k -= gap
                s[k], w[k] = a, b
            gap //= 3


@kernel(
    "Tuple((int64[::1], float64[::1], float64[::1]))(int64[::1], float64[::1], float64[::1])",
    error_model="numpy",
)
def join(start, s, w):  # type: ignore[no-untyped-def]
    """Join sorted events of one place, and end each segment with a row of none.

    Returns
    -------
    indptr, offset, weight : (n_segments + 1,) int64, (n_rows,) float64
        CSR. The last row of each segment, also of one without events, is none but their end: its
        offset is infinite, its weight 0.
    """
    n_segments = len(start) - 1
    place, held = np.empty(len(s) + n_segments), np.empty(len(s) + n_segments)
    indptr = np.zeros(n_segments + 1, np.int64)
    size = 0
    for j in range(n_segments):
        for i in range(start[j], start[j + 1]):
            if size > indptr[j] and place[size - 1] == s[i]:
                held[size - 1] += w[i]
            else:
                place[size], held[size] = s[i], w[i]
                size += 1
        place[size], held[size] = np.inf, 0.0
        size += 1
        indptr[j + 1] = size
    return indptr, place[:size], held[:size]


@kernel(
    "void(int64[::1], float64[::1], float64[::1], int32[::1], float64, int64, int64, int32[::1], "
    "float64[:, ::1])",
    error_model="numpy",
)
def sum_up(event_indptr, offset, weight, length_mm, bandwidth, begin, end, row_of, moments):  # type: ignore[no-untyped-def]
    """Sum w (s / B)**p up along the segments `begin` to `end`, p = 0 to 4, and number events.

    Parameters
    ----------
    row_of : (n_rows,) int32
        Written: of the n equal parts of a segment with n events, the row of the first event in each
        or later; then the row behind them.
    moments : (n_rows, 5) float64
        Written: the sums over the events of the same segment in the rows before.
    """
    for segment in range(begin, end):
        low, high = event_indptr[segment], event_indptr[segment + 1] - 1
        for p in range(5):
            moments[low, p] = 0.0
        per_metre, part = (high - low) / (length_mm[segment] * 0.001), low
        for j in range(low, high):
            v, m = offset[j] / bandwidth, weight[j]
            for p in range(5):
                moments[j + 1, p] = moments[j, p] + m
                m *= v
            here = low + min(int(offset[j] * per_metre), high - low - 1)
            while part <= here:
                row_of[part] = j
                part += 1
        while part <= high:
            row_of[part] = high
            part += 1
