"""What lies near what, through a grid of square cells and arrays alone.

Folding and squares ask about some thousand places of a city: loading a compiled kernel for that
costs more, in time and memory, than all the questions.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def ranges(begin: Ints, size: Ints) -> Ints:
    """Return begin[0], begin[0] + 1, ..., then the next range, all in one array.

    Examples
    --------
    >>> ranges(np.array([5, 2]), np.array([2, 3])).tolist()
    [5, 6, 2, 3, 4]
    """
    done = np.cumsum(size) - size
    return np.repeat(begin - done, size) + np.arange(size.sum())


def cells_of_boxes(boxes: Floats, cell: float) -> tuple[Ints, Ints]:
    """Return which box (n, 4: west, south, east, north) reaches into which cell, box by box."""
    corner = np.floor(boxes / cell).astype(np.int64)
    wide, high = (corner[:, 2:] - corner[:, :2] + 1).T
    box = np.repeat(np.arange(len(corner)), wide * high)
    number = ranges(np.zeros(len(corner), dtype=np.int64), wide * high)
    column, row = number // high[box] + corner[box, 0], number % high[box] + corner[box, 1]
    return box, _key(column, row)


def cells_of_points(x: Floats, y: Floats, cell: float) -> Ints:
    """Return the cell each point stands in."""
    return _key(np.floor(x / cell).astype(np.int64), np.floor(y / cell).astype(np.int64))


def _key(column: Ints, row: Ints) -> Ints:
    return column << 32 | row & 0xFFFFFFFF


def nearest_pieces(xy: Floats, pieces: Floats, reach: float) -> tuple[Ints, Floats, Floats]:
    """Find the nearest straight piece within reach (m) of each point.

    Returns
    -------
    piece : (n,) int64
        Row of the nearest, the lowest of those equally near; -1 where none is in reach.
    share : (n,) float64
        How far along it the nearest point lies, 0 to 1; NaN where none is in reach.
    distance : (n,) float64
        Metres; NaN where none is in reach.

    Examples
    --------
    >>> street = np.array([[0.0, 0, 100, 0]])
    >>> piece, share, distance = nearest_pieces(np.array([[25.0, 3], [25, 30]]), street, 20.0)
    >>> piece.tolist(), share.tolist(), distance.tolist()
    ([0, -1], [0.25, nan], [3.0, nan])
    """
    cell = 2 * reach
    low, high = np.minimum(pieces[:, :2], pieces[:, 2:]), np.maximum(pieces[:, :2], pieces[:, 2:])
    which, key = cells_of_boxes(np.column_stack([low - reach, high + reach]), cell)
    order = np.argsort(key, kind="stable")
    key, which = key[order], which[order]
    place = cells_of_points(xy[:, 0], xy[:, 1], cell)
    first = np.searchsorted(key, place)
    count = np.searchsorted(key, place, side="right") - first
    point = np.repeat(np.arange(len(xy)), count)
    other = which[ranges(first, count)]
    share, distance = _project(xy[point], pieces[other])
    least = np.full(len(xy), np.inf)
    np.minimum.at(least, point, distance)
    best = np.flatnonzero((distance == least[point]) & (distance <= reach))[::-1]
    piece = np.full(len(xy), -1, dtype=np.int64)
    out = np.full((2, len(xy)), np.nan)
    piece[point[best]] = other[best]  # from the last to the first: the lowest row stays
    out[0, point[best]], out[1, point[best]] = share[best], distance[best]
    return piece, out[0], out[1]


def _project(xy: Floats, pieces: Floats) -> tuple[Floats, Floats]:
    """Return where on its piece each point's nearest place lies (0 to 1), and how far off (m)."""
    start = pieces[:, :2]
    along = pieces[:, 2:] - start
    square = (along * along).sum(axis=1)
    t = ((xy - start) * along).sum(axis=1) / np.where(square > 0, square, 1.0)
    t = np.clip(t, 0.0, 1.0)
    # An end is taken as it stands, so that pieces that share it tie exactly.
    at = np.where((t == 1.0)[:, None], pieces[:, 2:], start + t[:, None] * along)
    return t, np.hypot(*(xy - at).T)
