"""Square cells over a piece of the plane, and how much of each an area covers."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.errors import OptionError

Floats = npt.NDArray[np.float64]
Bounds = tuple[float, float, float, float]

MOST_CELLS = 250_000_000
"""A raster of more cells is refused: 2 GB for the result alone."""
_LITTLE = 1e-9  # of a cell, that coordinates may be off when cells are counted


class Window(NamedTuple):
    """Rows of cells, the northernmost first; west and north in metres of the CRS."""

    west: float
    north: float
    rows: int
    columns: int
    cell: float

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine (a, b, c, d, e, f): x = a column + b row + c, y = d column + e row + f."""
        return (self.cell, 0.0, self.west, 0.0, -self.cell, self.north)

    def grown(self, cells: int) -> "Window":
        """Return the window with so many cells more on each side."""
        far, more = cells * self.cell, 2 * cells
        return Window(
            self.west - far, self.north + far, self.rows + more, self.columns + more, self.cell
        )


def window_over(bounds: Bounds, cell: float) -> Window:
    """Cover bounds with cells whose corners are whole multiples of their side.

    So rasters of the same cells lie on each other, whatever events made them.
    """
    west, south, east, north = (side / cell for side in bounds)
    first, top = math.floor(west + _LITTLE), math.ceil(north - _LITTLE)
    columns = max(math.ceil(east - _LITTLE) - first, 1)
    rows = max(top - math.floor(south + _LITTLE), 1)
    return _fitting(Window(first * cell, top * cell, rows, columns, cell))


def window_within(extent: Any, cell: float) -> Window:
    """Cover an extent given by the user, from its north-west corner.

    Raises
    ------
    OptionError
        If it is not four finite numbers (west, south, east, north) in that order.
    """
    try:
        west, south, east, north = (float(side) for side in extent)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"extent={extent!r}; wanted four numbers in metres: (west, south, east, north)."
        ) from error
    if not (all(map(math.isfinite, (west, south, east, north))) and west < east and south < north):
        raise OptionError(
            f"extent={extent!r}; wanted (west, south, east, north) in metres, west below east and "
            "south below north."
        )
    columns = max(math.ceil((east - west) / cell - _LITTLE), 1)
    rows = max(math.ceil((north - south) / cell - _LITTLE), 1)
    return _fitting(Window(west, north, rows, columns, cell))


def _fitting(window: Window) -> Window:
    cells = window.rows * window.columns
    if cells > MOST_CELLS:
        wanted = window.cell * math.sqrt(cells / MOST_CELLS)
        wanted = math.ceil(wanted * 100) / 100
        raise OptionError(
            f"cell_size={window.cell:g} makes a raster of {window.rows:,} rows and "
            f"{window.columns:,} columns, {cells * 8 / 1e9:,.1f} GB; wanted at most "
            f"{MOST_CELLS * 8 / 1e9:g} GB: give cell_size={wanted:g} or more, or a smaller extent."
        )
    return window


def covered(area: shapely.Geometry, window: Window) -> Floats:
    """Measure which share of each cell lies in a polygon, along the cell's middle line.

    Returns
    -------
    (rows, columns) float64
        0 to 1; exact where the border is a straight line across the cell's left and right.

    Notes
    -----
    O(crossings of borders with middle lines + cells): from every border to the right the count of
    borders changes by one; between an odd and an even one lies the area.
    """
    parts = shapely.get_parts(area)
    rings = shapely.get_rings(parts)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    across = (xy[:, 0] - window.west) / window.cell
    down = (window.north - xy[:, 1]) / window.cell - 0.5  # whole numbers are middle lines
    same = np.flatnonzero(ring[1:] == ring[:-1])
    r0, r1, c0, c1 = down[same], down[same + 1], across[same], across[same + 1]
    first = np.clip(np.ceil(np.minimum(r0, r1)), 0, window.rows).astype(np.int64)
    end = np.clip(np.ceil(np.maximum(r0, r1)), 0, window.rows).astype(np.int64)
    counts = end - first
    edge = np.repeat(np.arange(len(same)), counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    along = (row - r0[edge]) / (r1[edge] - r0[edge])
    place = np.clip(c0[edge] + along * (c1[edge] - c0[edge]), 0.0, window.columns)
    order = np.lexsort((place, row))
    row, place = row[order], place[order]
    sign = np.where(np.arange(len(row)) % 2 == 0, 1.0, -1.0)  # rows hold an even number each
    # What lies right of a border: all of the cells beyond, and a part of the cell it crosses.
    column = np.floor(place).astype(np.int64)
    part = place - column
    width = window.columns + 2
    steps = np.bincount(
        row * width + column, weights=sign * (1.0 - part), minlength=window.rows * width
    ) + np.bincount(row * width + column + 1, weights=sign * part, minlength=window.rows * width)
    share = np.cumsum(steps.reshape(window.rows, width), axis=1)[:, : window.columns]
    out: Floats = np.clip(share, 0.0, 1.0)
    return out
