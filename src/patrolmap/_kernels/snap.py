"""Nearest straight piece for many points, through a uniform grid."""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MOST_CELLS = 4_000_000
_CELL = 60.0  # m: about half a block, so that a query looks at few pieces
_MANY = 50_000  # points that are worth a thread


def nearest_pieces(xy: Floats, pieces: Floats, max_distance: float) -> tuple[Ints, Floats, Floats]:
    """Find the nearest piece within `max_distance` of each point.

    Parameters
    ----------
    xy : (n, 2) float64, C-contiguous
        Points, finite, in metres.
    pieces : (m, 4) float64, C-contiguous
        Ends x1, y1, x2, y2, in the same metres; m > 0.
    max_distance : float
        Metres.

    Returns
    -------
    piece : (n,) int64
        Row of the nearest piece, the lowest of those equally near; -1 where none is in reach.
    share : (n,) float64
        How far along the piece the nearest point lies, 0 to 1.
    distance : (n,) float64
        Metres; NaN where none is in reach.

    Notes
    -----
    Time is O(m + n log n + n * k), k the pieces in the cells around a point; memory O(m + n +
    cells). Points are taken cell by cell, so that what one needs still lies in the processor's
    cache for the next: a third of the time for a million of them. Many are shared among threads,
    one a core; no point's answer depends on another's.
    """
    west, south = pieces[:, 0::2].min(), pieces[:, 1::2].min()
    width, height = pieces[:, 0::2].max() - west, pieces[:, 1::2].max() - south
    cell = max(_CELL, math.sqrt(width * height / _MOST_CELLS), max(width, height) / _MOST_CELLS)
    columns, rows = int(width // cell) + 1, int(height // cell) + 1
    start, inside = _fill_grid(pieces, west, south, cell, columns, rows)
    column = np.clip((xy[:, 0] - west) / cell, 0, columns - 1).astype(np.int64)
    row = np.clip((xy[:, 1] - south) / cell, 0, rows - 1).astype(np.int64)
    order = np.argsort(row * columns + column)
    piece = np.full(len(xy), -1, dtype=np.int64)
    share, distance = np.full(len(xy), np.nan), np.full(len(xy), np.nan)

    def query(part: Ints) -> None:
        _query(
            xy, part, pieces, start, inside, west, south, cell, columns, rows, max_distance,
            piece, share, distance,
        )  # fmt: skip

    threads = min(os.cpu_count() or 1, 1 + len(xy) // _MANY)
    if threads == 1:
        query(order)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(query, np.array_split(order, threads)))
    return piece, share, distance


@njit(
    "Tuple((int64[::1], int64[::1]))(float64[:, ::1], float64, float64, float64, int64, int64)",
    cache=True,
)
def _fill_grid(pieces, west, south, cell, columns, rows):  # type: ignore[no-untyped-def]
    """List the pieces whose box meets each cell, ascending, as CSR arrays."""
    m = len(pieces)
    box = np.empty((m, 4), dtype=np.int64)
    start = np.zeros(columns * rows + 1, dtype=np.int64)
    for i in range(m):
        x1, y1, x2, y2 = pieces[i, 0], pieces[i, 1], pieces[i, 2], pieces[i, 3]
        box[i, 0] = min(int((min(x1, x2) - west) / cell), columns - 1)
        box[i, 1] = min(int((max(x1, x2) - west) / cell), columns - 1)
        box[i, 2] = min(int((min(y1, y2) - south) / cell), rows - 1)
        box[i, 3] = min(int((max(y1, y2) - south) / cell), rows - 1)
        for r in range(box[i, 2], box[i, 3] + 1):
            for c in range(box[i, 0], box[i, 1] + 1):
                start[r * columns + c + 1] += 1
    for k in range(columns * rows):
        start[k + 1] += start[k]
    free = start[:-1].copy()
    inside = np.empty(start[-1], dtype=np.int64)
    for i in range(m):
        for r in range(box[i, 2], box[i, 3] + 1):
            for c in range(box[i, 0], box[i, 1] + 1):
                k = r * columns + c
                inside[free[k]] = i
                free[k] += 1
    return start, inside


@njit("UniTuple(float64, 2)(float64, float64, float64[:, ::1], int64)", cache=True, inline="always")
def _square_distance(x, y, pieces, i):  # type: ignore[no-untyped-def]
    """Return the squared distance to a piece, and where on it the nearest point lies (0 to 1)."""
    x1, y1, x2, y2 = pieces[i, 0], pieces[i, 1], pieces[i, 2], pieces[i, 3]
    dx, dy = x2 - x1, y2 - y1
    square = dx * dx + dy * dy
    t = ((x - x1) * dx + (y - y1) * dy) / square if square > 0.0 else 0.0
    # An end is taken as it stands, so that pieces that share it tie exactly.
    if t <= 0.0:
        t, nx, ny = 0.0, x1, y1
    elif t >= 1.0:
        t, nx, ny = 1.0, x2, y2
    else:
        nx, ny = x1 + t * dx, y1 + t * dy
    return (x - nx) * (x - nx) + (y - ny) * (y - ny), t


@njit(
    "void(float64[:, ::1], int64[::1], float64[:, ::1], int64[::1], int64[::1], float64, float64, "
    "float64, int64, int64, float64, int64[::1], float64[::1], float64[::1])",
    cache=True,
    nogil=True,
)
def _query(  # type: ignore[no-untyped-def]
    xy, which, pieces, start, inside, west, south, cell, columns, rows, max_distance, piece, share,
    distance,
):  # fmt: skip
    """Search rings of cells around some of the points until no cell left can be nearer."""
    east, north = west + columns * cell, south + rows * cell
    for i in which:
        x, y = xy[i, 0], xy[i, 1]
        if not (
            west - max_distance <= x <= east + max_distance
            and south - max_distance <= y <= north + max_distance
        ):
            continue
        c0, r0 = math.floor((x - west) / cell), math.floor((y - south) / cell)
        left, down = x - west - c0 * cell, y - south - r0 * cell
        margin = min(left, cell - left, down, cell - down)
        best, best_square, best_t = -1, max_distance * max_distance * (1.0 + 1e-12), 0.0
        ring = max(0, -c0, c0 - columns + 1, -r0, r0 - rows + 1)
        # 1e-6 m: rounding of cell borders must not hide an equally near piece
        while (ring - 1) * cell + margin - 1e-6 <= math.sqrt(best_square):
            for r in range(max(r0 - ring, 0), min(r0 + ring, rows - 1) + 1):
                edge = r == r0 - ring or r == r0 + ring
                jump = 1 if edge or ring == 0 else 2 * ring
                for c in range(c0 - ring, c0 + ring + 1, jump):
                    if c < 0 or c >= columns:
                        continue
                    k = r * columns + c
                    for j in range(start[k], start[k + 1]):
                        square, t = _square_distance(x, y, pieces, inside[j])
                        if square < best_square or (square == best_square and inside[j] < best):
                            best, best_square, best_t = inside[j], square, t
            ring += 1
        if best >= 0 and math.sqrt(best_square) <= max_distance:
            piece[i], share[i], distance[i] = best, best_t, math.sqrt(best_square)
