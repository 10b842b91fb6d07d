"""Sums of kernels over the cells of a raster: exact by a sweep along rows, or cell by cell."""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.compiling import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# How far from the middle of a block of columns an event may lie, in bandwidths. The sums hold
# powers up to twice the kernel's, so that rounding grows with this distance to the 4th for the
# quartic: these keep it to some 1e-12 of the highest cell, and sort up to a quarter of the events
# into two blocks.
_HALF_BLOCK = {0: math.inf, 1: 16.0, 2: 4.0}
_CLASS = 1.25  # reaches within this ratio are swept together: a row looks at all within the longest
_MANY = 20_000  # events that are worth a second block, and threads
_STRIPS = 16
_CHUNK = 512


class _Block(NamedTuple):
    """Columns [first, last) of the raster, and the events that reach them, row by row."""

    first: int
    last: int
    events: tuple[Floats, Floats, Floats, Floats, Ints]
    bins: int  # rows above and below in which an event may lie that reaches a row


def kernel_sums(
    x: Floats,
    y: Floats,
    reach: Floats,
    weight: Floats,
    *,
    shape: str | int,
    rows: int,
    columns: int,
    cell: float,
) -> Floats:
    """Sum w k(d / b) of all events at the centre of every cell.

    Parameters
    ----------
    x, y : (n,) float64
        Metres to the right of the raster's left edge, and below its upper edge.
    reach, weight : (n,) or (1,) float64
        b > 0 in metres, and w >= 0; one for all, or one for each.
    shape
        0, 1, 2 for k(u) = (1 - u**2)**shape (uniform, Epanechnikov, quartic), "triangular" for
        1 - u, "gaussian" for exp(-4.5 u**2); 0 beyond u = 1.
    rows, columns, cell
        Cells of the raster, and their side in metres.

    Returns
    -------
    (rows, columns) float64
        The order of threads changes no bit of it.

    Notes
    -----
    Polynomials in u**2 take O(n b / cell + rows * columns): along a row of cells (1 - u**2)**p is
    a polynomial of x, so that an event adds its coefficients where its support begins and takes
    them away where it ends; running sums along the row then give every cell. Coordinates are
    reckoned from the middle of a block of columns, in bandwidths, against cancellation. The other
    two take O(n (b / cell)**2).
    """
    out = np.zeros((rows, columns))
    for part in _classes(reach):
        chosen = [a if part is None or len(a) == 1 else a[part] for a in (x, y, reach, weight)]
        if isinstance(shape, int):
            _sweep_all(out, *chosen, power=shape, cell=cell)
        else:
            _direct_all(out, *chosen, gaussian=shape == "gaussian", cell=cell)
    return out


def linear_bins(
    x: Floats, y: Floats, weight: Floats, *, rows: int, columns: int, cell: float
) -> Floats:
    """Share each event's weight among the four cells around it; none beyond the raster."""
    out: Floats = _linear_bins(x, y, weight, rows, columns, float(cell))
    return out


def _classes(reach: Floats) -> Iterator[Ints | None]:
    """Yield the events of similar reach; None for all of them."""
    if len(reach) == 1 or reach.max() <= _CLASS * reach.min():
        yield None
        return
    number = np.floor(np.log(reach / reach.min()) / math.log(_CLASS)).astype(np.int64)
    for k in range(int(number.max()) + 1):
        part = np.flatnonzero(number == k)
        if len(part):
            yield part


def _sweep_all(
    out: Floats, x: Floats, y: Floats, reach: Floats, weight: Floats, *, power: int, cell: float
) -> None:
    rows, columns = out.shape
    scale = float(reach.min())
    most = 2 * _HALF_BLOCK[power] * scale / cell
    n_blocks = max(math.ceil(columns / most) if most > 1 else columns, 1 + (len(x) > _MANY))
    edges = np.linspace(0, columns, min(n_blocks, columns) + 1).astype(np.int64)
    # w (1 - d^2 / b^2)^p = w (scale / b)^2p ((b / scale)^2 - (d / scale)^2)^p
    weight = weight * (scale / reach) ** (2 * power)

    def sweep(block: _Block, top: int, bottom: int) -> None:
        west = (block.first - block.last + 1) * cell / 2
        _sweep(
            *block.events, power, top, bottom, block.bins, cell, west, 1 / scale, out,
            block.first, block.last,
        )  # fmt: skip

    _over_blocks(sweep, edges, (x, y, reach, weight), rows, cell)


def _direct_all(
    out: Floats, x: Floats, y: Floats, reach: Floats, weight: Floats, *, gaussian: bool, cell: float
) -> None:
    rows, columns = out.shape
    edges = np.linspace(0, columns, min(columns, 1 + (len(x) > _MANY)) + 1).astype(np.int64)

    def direct(block: _Block, top: int, bottom: int) -> None:
        west = (block.first - block.last + 1) * cell / 2
        _direct(
            *block.events, gaussian, top, bottom, block.bins, cell, west, out, block.first,
            block.last,
        )  # fmt: skip

    _over_blocks(direct, edges, (x, y, reach, weight), rows, cell)


def _over_blocks(
    work: Callable[[_Block, int, int], None],
    edges: Ints,
    events: tuple[Floats, Floats, Floats, Floats],
    rows: int,
    cell: float,
) -> None:
    """Sort the events into each block of columns, then work on strips of its rows."""
    bins = int(float(events[2].max()) / cell + 0.5 + 1e-9)

    def fill(ends: tuple[int, int]) -> _Block:
        sides = ends[0] * cell, ends[1] * cell
        return _Block(*ends, _by_row(*events, *sides, float(cell), rows, bins), bins)

    strips = np.linspace(0, rows, min(rows, _STRIPS) + 1).astype(np.int64).tolist()
    ends = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    threads = min(os.cpu_count() or 1, 1 + len(events[0]) // _MANY)
    # A block's events are dropped before the next few are sorted, so that memory stays small.
    with _mapper(threads) as spread:
        for k in range(0, len(ends), threads):
            blocks = list(spread(fill, ends[k : k + threads]))
            tasks = [(b, *rs) for b in blocks for rs in pairwise(strips)]
            list(spread(lambda task: work(*task), tasks))


@contextmanager
def _mapper(threads: int) -> Iterator[Callable[..., Any]]:
    """Yield `map`, over threads if more than one is worth while."""
    if threads == 1:
        yield map
    else:
        with ThreadPoolExecutor(threads) as pool:
            yield pool.map


@kernel(
    "Tuple((float64[::1], float64[::1], float64[::1], float64[::1], int64[::1]))(float64[::1], "
    "float64[::1], float64[::1], float64[::1], float64, float64, float64, int64, int64)"
)
def _by_row(x, y, reach, weight, west, east, cell, rows, bins):  # type: ignore[no-untyped-def]
    """Sort the events that reach columns between two sides by the row they lie in.

    Returned: x from the middle of the block, y, b**2, w, and where each row's events start, from
    `bins` rows above the raster to `bins` below it.
    """
    n = len(x)
    each_reach, each_weight = int(len(reach) > 1), int(len(weight) > 1)
    row = np.empty(n, dtype=np.int32)
    start = np.zeros(rows + 2 * bins + 2, dtype=np.int64)
    for i in range(n):
        b = reach[i * each_reach]
        r = math.floor(y[i] / cell) + bins
        inside = (x[i] + b >= west) & (x[i] - b <= east) & (r >= 0) & (r < rows + 2 * bins)
        k = int(r) if inside else rows + 2 * bins
        row[i] = k
        start[k + 1] += 1
    for k in range(rows + 2 * bins + 1):
        start[k + 1] += start[k]
    m = start[rows + 2 * bins]
    free = start.copy()
    xs, ys, bs, ws = np.empty(m), np.empty(m), np.empty(m), np.empty(m)
    middle = (west + east) / 2
    for i in range(n):
        k = row[i]
        if k < rows + 2 * bins:
            j = free[k]
            free[k] += 1
            b = reach[i * each_reach]
            xs[j], ys[j] = x[i] - middle, y[i]
            bs[j], ws[j] = b * b, weight[i * each_weight]
    return xs, ys, bs, ws, start


@kernel(
    "void(float64[::1], float64[::1], float64[::1], float64[::1], int64[::1], int64, int64, int64, "
    "int64, float64, float64, float64, float64[:, ::1], int64, int64)"
)
def _sweep(  # type: ignore[no-untyped-def]
    x,
    y,
    square,
    weight,
    start,
    power,
    top,
    bottom,
    bins,
    cell,
    west,
    scale,
    out,
    column,
    end_column,
):
    """Add the events' kernels to the cells of some rows; `west` is the first centre's x.

    With t and v the x of cell and event in bandwidths and c = (b^2 - dy^2) / scale^2 - v^2, an
    event's kernel is w (c + 2 v t - t^2)^p. Events lie in `start` by row. Beside the coefficients
    the events are counted, so that where there are none there is nothing, not even rounding.
    """
    columns = end_column - column
    last = float(columns)
    n_steps = 2 * power + 1
    steps = np.zeros((columns + 1, n_steps + 1))
    left, right = np.empty(_CHUNK, dtype=np.int32), np.empty(_CHUNK, dtype=np.int32)
    level = np.empty(_CHUNK)
    for r in range(top, bottom):
        middle = (r + 0.5) * cell
        first, end = start[r], start[r + 2 * bins + 1]
        for base in range(first, end, _CHUNK):
            n = min(_CHUNK, end - base)
            xs, ys = x[base : base + n], y[base : base + n]
            bs, ws = square[base : base + n], weight[base : base + n]
            for i in range(n):  # no branches: eight at a time
                dy = ys[i] - middle
                rest = bs[i] - dy * dy
                h2 = rest if rest > 0.0 else 0.0
                h = math.sqrt(h2)
                # metres until here: whole metres meet their cells exactly
                a = np.ceil((xs[i] - h - west) / cell)
                z = np.floor((xs[i] + h - west) / cell) + 1.0
                a = a if a > 0.0 else 0.0
                a = a if a < last else last
                z = z if z > 0.0 else 0.0
                z = z if z < last else last
                z = z if rest >= 0.0 else a
                left[i], right[i] = np.int32(a), np.int32(z)
                level[i] = (h2 - xs[i] * xs[i]) * scale * scale
            if power == 0:
                for i in range(n):
                    a, z, w = left[i], right[i], ws[i]
                    steps[a, 0] += w
                    steps[a, 1] += 1.0
                    steps[z, 0] -= w
                    steps[z, 1] -= 1.0
            elif power == 1:
                for i in range(n):
                    a, z, w = left[i], right[i], ws[i]
                    s0, s1 = w * level[i], 2.0 * w * (xs[i] * scale)
                    steps[a, 0] += s0
                    steps[a, 1] += s1
                    steps[a, 2] += w
                    steps[a, 3] += 1.0
                    steps[z, 0] -= s0
                    steps[z, 1] -= s1
                    steps[z, 2] -= w
                    steps[z, 3] -= 1.0
            else:
                for i in range(n):
                    a, z, w, c, v = left[i], right[i], ws[i], level[i], xs[i] * scale
                    s0, s1 = w * c * c, 4.0 * w * c * v
                    s2, s3 = w * (4.0 * v * v - 2.0 * c), 4.0 * w * v
                    steps[a, 0] += s0
                    steps[a, 1] += s1
                    steps[a, 2] += s2
                    steps[a, 3] += s3
                    steps[a, 4] += w
                    steps[a, 5] += 1.0
                    steps[z, 0] -= s0
                    steps[z, 1] -= s1
                    steps[z, 2] -= s2
                    steps[z, 3] -= s3
                    steps[z, 4] -= w
                    steps[z, 5] -= 1.0
        line = out[r, column:end_column]
        s0 = s1 = s2 = s3 = s4 = count = 0.0
        for k in range(columns):
            count += steps[k, n_steps]
            if count == 0.0:
                s0 = s1 = s2 = s3 = s4 = 0.0
                continue
            t = (west + k * cell) * scale
            s0 += steps[k, 0]
            value = s0
            if power == 1:
                s1 += steps[k, 1]
                s2 += steps[k, 2]
                value += t * (s1 - t * s2)
            elif power == 2:
                s1 += steps[k, 1]
                s2 += steps[k, 2]
                s3 += steps[k, 3]
                s4 += steps[k, 4]
                value += t * (s1 + t * (s2 - t * (s3 - t * s4)))
            if value > 0.0:
                line[k] += value
        steps[:] = 0.0


@kernel(
    "void(float64[::1], float64[::1], float64[::1], float64[::1], int64[::1], boolean, int64, "
    "int64, int64, float64, float64, float64[:, ::1], int64, int64)"
)
def _direct(  # type: ignore[no-untyped-def]
    x, y, square, weight, start, gaussian, top, bottom, bins, cell, west, out, column, end_column
):
    """Add each event's kernel to every cell it reaches in some rows."""
    columns = end_column - column
    along = np.empty(columns)
    for i in range(start[top], start[bottom + 2 * bins]):
        b = math.sqrt(square[i])
        first = max(top, math.ceil((y[i] - b) / cell - 0.5))
        last = min(bottom, math.floor((y[i] + b) / cell - 0.5) + 1)
        west_end = max(0, math.ceil((x[i] - b - west) / cell))
        east_end = min(columns, math.floor((x[i] + b - west) / cell) + 1)
        if first >= last or west_end >= east_end:
            continue
        for k in range(west_end, east_end):
            dx = west + k * cell - x[i]
            along[k] = math.exp(-4.5 * dx * dx / square[i]) if gaussian else dx * dx
        for r in range(first, last):
            dy = (r + 0.5) * cell - y[i]
            h2 = square[i] - dy * dy
            if h2 < 0.0:
                continue
            h = math.sqrt(h2)
            a = max(west_end, math.ceil((x[i] - h - west) / cell))
            z = min(east_end, math.floor((x[i] + h - west) / cell) + 1)
            if a >= z:
                continue
            line, of_x = out[r, column + a : column + z], along[a:z]
            if gaussian:
                high = weight[i] * math.exp(-4.5 * dy * dy / square[i])
                for k in range(z - a):
                    line[k] += high * of_x[k]
            else:
                d2, most, slope = dy * dy, weight[i], weight[i] / b
                for k in range(z - a):
                    line[k] += most - slope * math.sqrt(d2 + of_x[k])


@kernel("float64[:, ::1](float64[::1], float64[::1], float64[::1], int64, int64, float64)")
def _linear_bins(x, y, weight, rows, columns, cell):  # type: ignore[no-untyped-def]
    out = np.zeros((rows, columns))
    each_weight = int(len(weight) > 1)
    for i in range(len(x)):
        across, down = x[i] / cell - 0.5, y[i] / cell - 0.5
        c, r = math.floor(across), math.floor(down)
        w = weight[i * each_weight]
        for dr in range(2):
            for dc in range(2):
                row, column = int(r) + dr, int(c) + dc
                if 0 <= row < rows and 0 <= column < columns:
                    share = (down - r if dr else 1.0 - down + r) * (
                        across - c if dc else 1.0 - across + c
                    )
                    out[row, column] += w * share
    return out
