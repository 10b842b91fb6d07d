"""What is done on the raster by Fourier transform: binned density, shares inside an area."""

import math

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.risk.density.kernels import Kernel
from patrolmap.risk.density.window import Window, covered

Floats = npt.NDArray[np.float64]

_STEP = 1.15  # between the bandwidths for which shares are measured where bandwidths vary
LEAST_SHARE = 0.05
"""No event counts more than twenty times for the part of its kernel outside the area."""


def binned_sums(
    x: Floats, y: Floats, weight: Floats, bandwidth: float, kernel: Kernel, window: Window
) -> Floats:
    """Sum w k(d / b) by linear binning and a convolution, each event's cells adding up to w.

    That is, to w times the integral of k(d / b) over the plane, whichever way its rim falls on
    the centres of cells.

    Parameters
    ----------
    x, y : (n,) float64
        Coordinates in the CRS of the window.
    weight : (n,) or (1,) float64

    Notes
    -----
    O(n + cells log cells).
    """
    from patrolmap._kernels.planar import linear_bins

    reach = math.ceil(bandwidth / window.cell) + 1
    wide = window.grown(reach)
    bins = linear_bins(
        x - wide.west, wide.north - y, weight,
        rows=wide.rows, columns=wide.columns, cell=wide.cell,
    )  # fmt: skip
    table = _table(kernel, bandwidth, window.cell)
    table *= bandwidth**2 / (kernel.disc * window.cell**2 * table.sum())
    # What wraps around falls on the margin, which is cut off again.
    found = _convolved(bins, table)[reach : reach + window.rows, reach : reach + window.columns]
    return np.maximum(found, 0.0)  # rounding: far from all events it is not quite nothing


def shares_inside(
    x: Floats, y: Floats, reach: Floats, kernel: Kernel, area: shapely.Geometry, window: Window
) -> Floats:
    """Measure which share of each event's kernel lies inside an area.

    Parameters
    ----------
    x, y : (n,) float64
        Events not farther from the window than their reach.
    reach : (n,) or (1,) float64
        Their bandwidths.

    Returns
    -------
    (n,) float64
        `LEAST_SHARE` to 1.

    Notes
    -----
    The share of each cell that the area covers is convolved with the kernel at the cells' size,
    then interpolated: bilinearly between centres, and linearly between bandwidths a ratio of
    1.15 apart.
    """
    levels = _levels(reach)
    at = np.log(reach / levels[0]) / math.log(_STEP) if len(levels) > 1 else np.zeros(len(reach))
    at = np.broadcast_to(at, len(x))
    widest = math.ceil(levels[-1] / window.cell) + 1
    wide = window.grown(2 * widest)  # events up to a reach outside, and their reach
    inside = covered(area, wide)
    share = np.zeros(len(x))
    for k, level in enumerate(levels):
        near = np.flatnonzero(np.abs(at - k) < 1.0)
        if len(near):
            table = _table(kernel, level, window.cell)
            grid = _convolved(inside, table / table.sum())
            share[near] += (1.0 - np.abs(at[near] - k)) * between(grid, wide, x[near], y[near])
    return np.clip(share, LEAST_SHARE, 1.0)


def between(grid: Floats, window: Window, x: Floats, y: Floats) -> Floats:
    """Interpolate bilinearly between the centres of cells; the outermost ones hold on outside."""
    from scipy.ndimage import map_coordinates

    row, column = (window.north - y) / window.cell - 0.5, (x - window.west) / window.cell - 0.5
    out: Floats = map_coordinates(grid, [row, column], order=1, mode="nearest", prefilter=False)
    return out


def _levels(reach: Floats) -> list[float]:
    least, most = float(reach.min()), float(reach.max())
    steps = math.ceil(math.log(most / least) / math.log(_STEP) - 1e-9)
    return [least * _STEP**k for k in range(steps + 1)]


def _table(kernel: Kernel, bandwidth: float, cell: float) -> Floats:
    """Return k(u) / c at the centres of the cells around one."""
    reach = math.ceil(bandwidth / cell)
    offset = np.arange(-reach, reach + 1) * (cell / bandwidth)
    u = np.hypot(offset[:, None], offset[None, :])
    return np.where(u <= 1, kernel.at(np.minimum(u, 1.0)), 0.0)


def _convolved(grid: Floats, table: Floats) -> Floats:
    """Convolve with a table centred on its middle; what leaves one side enters the other."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    side = len(table)
    shape = tuple(next_fast_len(max(n, side), real=True) for n in grid.shape)
    around = np.zeros(shape)
    around[:side, :side] = table
    around = np.roll(around, (-(side // 2), -(side // 2)), axis=(0, 1))
    product = rfft2(grid, shape, workers=-1)
    product *= rfft2(around, workers=-1)
    out: Floats = irfft2(product, shape, workers=-1, overwrite_x=True)
    return out[: grid.shape[0], : grid.shape[1]]
