"""Density at the centres of lixels, from what `_kernels.waves` let run along the arcs."""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.waves import PAD

_TILE = 64  # arcs turned at a time from bins x arcs to arcs x bins
_SUM = "float64(float64[::1], float64[::1], int64, float64, float64[::1])"
_FAST = {"reassoc", "contract"}  # sums in lanes; which ones does not depend on the data


@inner(_SUM, fastmath=_FAST)
def _polynomial(values, places, n, centre, powers):  # type: ignore[no-untyped-def]
    """Sum values[j] * k(|places[j] - centre|) over the first n; k is 0 beyond 1."""
    p0, p1, p2, p3, p4 = powers[0], powers[1], powers[2], powers[3], powers[4]
    total = 0.0
    for j in range(n):
        x = abs(places[j] - centre)
        k = p0 + x * (p1 + x * (p2 + x * (p3 + x * p4)))
        total += values[j] * (k if x <= 1.0 else 0.0)
    return total


@inner(_SUM, fastmath=_FAST)
def _gaussian(values, places, n, centre, powers):  # type: ignore[no-untyped-def]
    """Sum values[j] * powers[0] exp(powers[5] x**2), x = |places[j] - centre|; 0 beyond 1."""
    total = 0.0
    for j in range(n):
        x = abs(places[j] - centre)
        total += values[j] * (np.exp(powers[5] * x * x) if x <= 1.0 else 0.0)
    return total * powers[0]


@kernel(
    "void(int64, int64, int64[::1], boolean[::1], float64[::1], int64[::1], float64[:, ::1], "
    "float64, float64, float64[::1], float64[:, ::1])"
)
def along_arcs(first, last, segment, forward, length, lixels, bins, h, bandwidth, powers, density):  # type: ignore[no-untyped-def]
    """Add the kernel over what runs along some arcs, at the centres of their segments' lixels.

    Parameters
    ----------
    first, last : int64
        Arcs, half-open.
    segment, forward : (n_arcs,) int64, bool
        The segment each arc runs along, and whether along its geometry.
    length : (n_segments,) float64
    lixels : (n_segments + 1,) int64
        CSR: lixels by segment.
    bins : (PAD + n_bins + 1, n_arcs) float64
        From `step`.
    h, bandwidth : float64
    powers : (6,) float64
        The kernel as a polynomial of u = r / bandwidth, and 0; or (c, 0, 0, 0, 0, a) for
        c exp(a u**2).
    density : (2, n_lixels) float64
        Row 0 takes the arcs against the geometry, row 1 those along it.
    """
    n_bins = bins.shape[0] - PAD - 1
    step_u = h / bandwidth
    walked = np.arange(n_bins) * step_u
    turned = np.empty((_TILE, n_bins))
    for tile in range(first, last, _TILE):
        wide = min(_TILE, last - tile)
        for j in range(n_bins):
            for b in range(wide):
                turned[b, j] = bins[PAD + j, tile + b]
        for b in range(wide):
            arc = tile + b
            start, end = lixels[segment[arc]], lixels[segment[arc] + 1]
            size = length[segment[arc]] / (end - start) / bandwidth
            for i in range(end - start):
                u = (i + 0.5) * size
                if u >= 1.0:
                    break
                reach = min(n_bins, 1 + int((1.0 - u) / step_u))
                if powers[5] == 0.0:
                    value = _polynomial(turned[b], walked, reach, -u, powers)
                else:
                    value = _gaussian(turned[b], walked, reach, -u, powers)
                density[int(forward[arc]), start + i if forward[arc] else end - 1 - i] += value


@kernel(
    "void(int64, int64, int64[::1], float64[::1], float64[::1], float64[::1], int64[::1], "
    "float64, float64[::1], float64[:, ::1])"
)
def at_home(first, last, indptr, offset, weight, length, lixels, bandwidth, powers, density):  # type: ignore[no-untyped-def]
    """Add the kernel of events on their own segment, before they leave it, at its lixels.

    Events are from `by_segment`; segments `first` to `last`, half-open.
    """
    for i in range(first, last):
        n = indptr[i + 1] - indptr[i]
        if n == 0:
            continue
        where = offset[indptr[i] : indptr[i + 1]] / bandwidth
        what = weight[indptr[i] : indptr[i + 1]]
        size = length[i] / (lixels[i + 1] - lixels[i]) / bandwidth
        for lixel in range(lixels[i + 1] - lixels[i]):
            centre = (lixel + 0.5) * size
            if powers[5] == 0.0:
                value = _polynomial(what, where, n, centre, powers)
            else:
                value = _gaussian(what, where, n, centre, powers)
            density[0, lixels[i] + lixel] += value
