"""What the events of the segments around give to the lixels of one: the simple network kernel.

A way from x on the target to y on another segment runs by either end of both, four in all, and the
shortest counts. Distances from the target's two ends to the other's two ends decide it.

Kernels are polynomials of the distance over the bandwidth (degree 4 at most), so sums over events
are moments times coefficients: along a segment, moments are summed up once, and any stretch of it
costs the same, however many events lie on it. Where all its lixels take the same events by the same
way, one polynomial of the place on the target is added to all of them at once. The Gaussian is no
polynomial: its events are met one by one, on every lixel.
"""

import numpy as np

from patrolmap._kernels.compiling import inlined, inner

_FEW = 12  # up to so many events of a segment are added one by one


@inlined
def _add(series, row, u, m0, m1, m2, m3, m4):  # type: ignore[no-untyped-def]
    """Add sum w (u + v)**p, p = 0 to 4, where m_p = sum w v**p."""
    series[row, 0] += m0
    series[row, 1] += m1 + u * m0
    series[row, 2] += m2 + u * (2.0 * m1 + u * m0)
    series[row, 3] += m3 + u * (3.0 * m2 + u * (3.0 * m1 + u * m0))
    series[row, 4] += m4 + u * (4.0 * m3 + u * (6.0 * m2 + u * (4.0 * m1 + u * m0)))


@inner(
    "float64(float64, float64[::1], float64, float64, float64, float64, float64)",
    error_model="numpy",
)
def _moved(x, c, m0, m1, m2, m3, m4):  # type: ignore[no-untyped-def]
    """Sum w k(x + y), m_p = sum w y**p: Taylor's series, here finite."""
    b3, b2 = c[3] * m0 + 4.0 * c[4] * m1, c[2] * m0 + 3.0 * c[3] * m1 + 6.0 * c[4] * m2
    b1 = c[1] * m0 + 2.0 * c[2] * m1 + 3.0 * c[3] * m2 + 4.0 * c[4] * m3
    b0 = c[0] * m0 + c[1] * m1 + c[2] * m2 + c[3] * m3 + c[4] * m4
    return b0 + x * (b1 + x * (b2 + x * (b3 + x * c[4] * m0)))


@inlined
def _shape(u, c, gaussian):  # type: ignore[no-untyped-def]
    """Return k(u), u at most 1."""
    if gaussian:
        return np.exp(-4.5 * u * u)
    return c[0] + u * (c[1] + u * (c[2] + u * (c[3] + u * c[4])))


@inner(
    "void(float64[::1], int64, int64, float64, float64, float64, float64, float64, float64, "
    "boolean, float64[::1], float64[::1], int64, int64, float64[::1], float64, boolean)",
    error_model="numpy",
)
def _point_by_point(  # type: ignore[no-untyped-def]
    density, lixel, n, whole, ap, aq, bp, bq, length, own, offset, weight, low, high, powers,
    bandwidth, gaussian,
):  # fmt: skip
    """Add each event of a segment to each of the target's `n` lixels, from row `lixel` on.

    ap, aq, bp, bq are the distances (m) from the target's start and end to the other's start and
    end, `whole` and `length` their lengths; `own` says that both are the same segment.
    """
    step = whole / n
    for j in range(low, high):
        s, w = offset[j], weight[j]
        start, end = min(ap + s, aq + length - s), min(bp + s, bq + length - s)
        if not own and start > bandwidth and end > bandwidth:
            continue
        for i in range(n):
            t = (i + 0.5) * step
            d = min(start + t, end + whole - t)
            if own:
                d = min(d, abs(t - s))
            if d <= bandwidth:
                density[lixel + i] += w * _shape(d / bandwidth, powers, gaussian)


@inlined
def _middles(metres, inverse, n):  # type: ignore[no-untyped-def]
    """Return how many of n lixels have their middle within so many metres of the first's end."""
    return min(max(int(metres * inverse + 0.5), 0), n)


@inlined
def _up_to(offset, row_of, low, high, length, per_metre, cut):  # type: ignore[no-untyped-def]
    """Return the row behind the events `low` to `high` that lie at `cut` or before.

    `per_metre` is how many events there are a metre; `row_of` comes from `sum_up`. Most often two
    looks are enough; they are taken without a branch, which would be guessed wrong. Rows are never
    negative, and the compiler told so leaves out asking.
    """
    part = min(int(max(cut, 0.0) * per_metre), high - low - 1)
    j = np.uint64(row_of[np.uint64(low + (high - low if cut >= length else part))])
    j += np.uint64(offset[j] <= cut)
    j += np.uint64(offset[j] <= cut)
    while offset[j] <= cut:
        j += np.uint64(1)
    return np.int64(j)


@inner(
    "void(float64[:, ::1], float64[:, ::1], int64, float64, float64, float64, float64, float64, "
    "float64, float64[::1], float64[::1], int64, int64, float64[::1], float64)",
    error_model="numpy",
)
def _event_by_event(  # type: ignore[no-untyped-def]
    from_start, from_end, n, whole, ap, aq, bp, bq, length, offset, weight, low, high, c, bandwidth
):
    """Add each event of another segment as a polynomial on the lixels nearer by either end."""
    inverse, scale = n / whole, 1.0 / bandwidth
    for j in range(low, high):
        s, w = offset[j], weight[j]
        start, end = min(ap + s, aq + length - s), min(bp + s, bq + length - s)
        turn = 0.5 * (end + whole - start)
        if start <= bandwidth:
            before = _middles(min(turn, bandwidth - start), inverse, n)
            _add(from_start, before, start * scale, w, 0.0, 0.0, 0.0, 0.0)
        if end <= bandwidth:
            after = max(_middles(turn, inverse, n), n - _middles(bandwidth - end, inverse, n))
            _add(from_end, after, end * scale, w, 0.0, 0.0, 0.0, 0.0)


@inner(
    "void(float64[:, ::1], int64, float64, float64, float64, int64, int64, int64, "
    "float64[:, ::1], float64[::1], float64)",
    error_model="numpy",
)
def _add_parts(series, row, p, q, length, low, middle, high, moments, c, scale):  # type: ignore[no-untyped-def]
    """Add events `low` to `middle` by their segment's start, the rest by its end, p and q away."""
    m, o = moments[middle], moments[low]
    if middle > low:
        _add(
            series, row, p * scale, m[0] - o[0], m[1] - o[1], m[2] - o[2], m[3] - o[3],
            m[4] - o[4],
        )  # fmt: skip
    if high > middle:
        o = moments[high]
        _add(
            series, row, (q + length) * scale, o[0] - m[0], m[1] - o[1], o[2] - m[2],
            m[3] - o[3], o[4] - m[4],
        )  # fmt: skip


@inner(
    "float64(float64, float64[:, ::1], int64, int64, float64, float64[::1])", error_model="numpy"
)
def _sum_of(u, moments, low, high, sign, c):  # type: ignore[no-untyped-def]
    """Sum w k(u + sign * v) over the events `low` to `high`."""
    lo, hi = np.uint64(low), np.uint64(high)
    f1 = c[1] + u * (2.0 * c[2] + u * (3.0 * c[3] + u * 4.0 * c[4]))
    f2 = c[2] + u * (3.0 * c[3] + u * 6.0 * c[4])
    f3 = c[3] + u * 4.0 * c[4]
    f0 = c[0] + u * (c[1] + u * (c[2] + u * (c[3] + u * c[4])))
    even = (moments[hi, 0] - moments[lo, 0]) * f0 + (moments[hi, 2] - moments[lo, 2]) * f2
    odd = (moments[hi, 1] - moments[lo, 1]) * f1 + (moments[hi, 3] - moments[lo, 3]) * f3
    return even + sign * odd + (moments[hi, 4] - moments[lo, 4]) * c[4]


@inlined
def _by_moments(  # type: ignore[no-untyped-def]
    density, lixel, from_start, from_end, n, whole, ap, aq, bp, bq, length, offset, row_of, moments,
    low, high, c, bandwidth,
):  # fmt: skip
    """Add the events of another segment to the target, all at once where all are in reach.

    Up to `first` lixels both ends of the other segment are nearer by the target's start, from
    `last` on by its end. There the events part at one place for all lixels.
    """
    inverse, scale, step = n / whole, 1.0 / bandwidth, whole / n
    per_metre = (high - low) / length
    turn_p, turn_q = 0.5 * (bp + whole - ap), 0.5 * (bq + whole - aq)
    first = _middles(min(turn_p, turn_q), inverse, n)
    last = _middles(max(turn_p, turn_q), inverse, n)
    if first > 0:
        turn = min(max(0.5 * (aq + length - ap), 0.0), length)
        first = min(_middles(bandwidth - min(ap + turn, aq + length), inverse, n), first)
        if first > 0:
            cut = _up_to(offset, row_of, low, high, length, per_metre, turn)
            _add_parts(
                from_start, first, ap, aq, length, low, cut, high, moments, c,
                scale,
            )  # fmt: skip
    if last < n:
        turn = min(max(0.5 * (bq + length - bp), 0.0), length)
        last = max(n - _middles(bandwidth - min(bp + turn, bq + length), inverse, n), last)
        if last < n:
            cut = _up_to(offset, row_of, low, high, length, per_metre, turn)
            _add_parts(
                from_end, last, bp, bq, length, low, cut, high, moments, c,
                scale,
            )  # fmt: skip
    if first >= last:
        return
    away = _middles(bandwidth - min(ap, aq), inverse, n)
    back = n - _middles(bandwidth - min(bp, bq), inverse, n)
    half = 0.5 * step
    if min(aq, bq) + half > bandwidth:  # only by the other's start: no event is nearer by its end
        for i in range(first, last):
            if away <= i < back:
                continue
            t = (i + 0.5) * step
            p = min(ap + t, bp + whole - t)
            before = _up_to(offset, row_of, low, high, length, per_metre, bandwidth - p)
            density[lixel + i] += _sum_of(p * scale, moments, low, before, 1.0, c)
        return
    if min(ap, bp) + half > bandwidth:  # only by its end
        for i in range(first, last):
            if away <= i < back:
                continue
            t = (i + 0.5) * step
            q = min(aq + t, bq + whole - t)
            cut = q + length - bandwidth
            after = _up_to(offset, row_of, low, high, length, per_metre, cut)
            while after > low and offset[after - 1] >= cut:
                after -= 1
            u = (q + length) * scale
            density[lixel + i] += _sum_of(u, moments, after, high, -1.0, c)
        return
    for i in range(first, last):
        if away <= i < back:
            continue
        t = (i + 0.5) * step
        p, q = min(ap + t, bp + whole - t), min(aq + t, bq + whole - t)
        turn = 0.5 * (q + length - p)
        before = low
        if p <= bandwidth:
            cut = min(turn, bandwidth - p)
            before = _up_to(offset, row_of, low, high, length, per_metre, cut)
            density[lixel + i] += _sum_of(p * scale, moments, low, before, 1.0, c)
        if q > bandwidth or turn >= length:
            continue
        after, cut = before, q + length - bandwidth  # from `cut` on within reach by the far end
        if max(turn, cut) > min(turn, bandwidth - p):
            after = _up_to(offset, row_of, low, high, length, per_metre, max(turn, cut))
            while cut > turn and after > before and offset[after - 1] >= cut:
                after -= 1
        if after < high:
            u = (q + length) * scale
            density[lixel + i] += _sum_of(u, moments, after, high, -1.0, c)


@inner(
    "void(float64[::1], int64, int64, int64, int32[::1], int64, int32[::1], int32[::1], "
    "int32[:, ::1], int32[::1], int64[::1], float64[::1], float64[::1], int32[::1], "
    "float64[:, ::1], float64[::1], float64, boolean, float64[:, :, ::1])",
    error_model="numpy",
)
def fill(  # type: ignore[no-untyped-def]
    density, lixel, n, target, around, n_around, from_start, from_end, ends, length_mm,
    event_indptr, offset, weight, row_of, moments, powers, bandwidth, gaussian, series,
):  # fmt: skip
    """Add all segments `around` to the target's lixels.

    `from_start`, `from_end` (n_nodes) hold distances (mm) from the target's ends, or FAR. `series`
    (2, n + 1, 5) holds polynomials of the metres from its start, row i for the lixels before i,
    and of those to its end, row i for the lixels from i on.
    """
    by_start, by_end = series[0], series[1]
    for i in range(n + 1):
        for p in range(5):
            by_start[i, p] = by_end[i, p] = 0.0
    whole = length_mm[target] * 0.001
    for k in range(n_around):
        other = np.int64(around[k])
        low, high = event_indptr[other], event_indptr[other + 1] - 1
        p, q, length = ends[other, 0], ends[other, 1], length_mm[other] * 0.001
        ap, aq = from_start[p] * 0.001, from_start[q] * 0.001
        bp, bq = from_end[p] * 0.001, from_end[q] * 0.001
        if gaussian or target == other:
            _point_by_point(
                density, lixel, n, whole, ap, aq, bp, bq, length, target == other, offset, weight,
                low, high, powers, bandwidth, gaussian,
            )  # fmt: skip
        elif high - low <= _FEW or length > 4.0 * bandwidth:  # there moments would lose digits
            _event_by_event(
                by_start, by_end, n, whole, ap, aq, bp, bq, length, offset, weight, low, high,
                powers, bandwidth,
            )  # fmt: skip
        else:
            _by_moments(
                density, lixel, by_start, by_end, n, whole, ap, aq, bp, bq, length, offset, row_of,
                moments, low, high, powers, bandwidth,
            )  # fmt: skip
    step = whole / (n * bandwidth)
    a0 = a1 = a2 = a3 = a4 = 0.0
    b0 = b1 = b2 = b3 = b4 = 0.0
    for i in range(n):
        j, x = n - 1 - i, (n - i - 0.5) * step
        a, b = by_start[j + 1], by_end[i]
        a0, a1, a2, a3, a4 = a0 + a[0], a1 + a[1], a2 + a[2], a3 + a[3], a4 + a[4]
        b0, b1, b2, b3, b4 = b0 + b[0], b1 + b[1], b2 + b[2], b3 + b[3], b4 + b[4]
        density[lixel + j] += _moved(x, powers, a0, a1, a2, a3, a4)
        density[lixel + i] += _moved(x, powers, b0, b1, b2, b3, b4)
