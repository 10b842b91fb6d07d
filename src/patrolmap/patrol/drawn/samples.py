"""Drawn lines as points close enough together to be matched, and what streets lie near them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.patrol.drawn.lines import Drawn
from patrolmap.streets.network import StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STEP = 20.0  # m between two points of a line
MOST_NEAR = 16  # segments that a point may belong to
SHARP = 1.0  # m: the least error of a drawing; coordinates are rounded, streets are lines
LOOSE = 25.0  # m: the largest error taken as one; what is farther off is drawn elsewhere
SNAPPED = 1.5  # m: a drawing with a smaller error follows the streets, and every point counts
_MAD = 1.4826  # of a normal error: standard deviation / median of its size


@dataclass(frozen=True, kw_only=True, eq=False)
class Near:
    """The points of one crew's lines and the segments near each.

    Attributes
    ----------
    xy : (n, 2) float64
    piece : (n,) int64
        Which of the crew's lines a point belongs to.
    metres : (n,) float64
        How much of the drawn length a point stands for.
    segment, distance, offset : (n, k)
        Row of each segment near, nearest first (-1: none), metres to it, and how far along it (m).
    """

    xy: Floats
    piece: Ints
    metres: Floats
    segment: Ints
    distance: Floats
    offset: Floats

    @property
    def matched(self) -> Bools:
        """Which points have a street in reach."""
        found: Bools = self.segment[:, 0] >= 0
        return found

    @property
    def error(self) -> float:
        """How far off the streets the lines are drawn, as a standard deviation (m).

        From the median distance to the nearest street, as Newson & Krumm (2009) do.
        """
        if not self.matched.any():
            return LOOSE
        off = float(np.median(self.distance[self.matched, 0]))
        return float(np.clip(_MAD * off, SHARP, LOOSE))

    def take(self, rows: Ints) -> "Near":
        """Return some of the points; each stands for what lies between the kept ones."""
        bounds = np.append(rows[1:], len(self.xy))
        total = np.concatenate([[0.0], np.cumsum(self.metres)])
        metres = total[bounds] - total[rows]
        metres[0] += total[rows[0]]
        return Near(
            xy=self.xy[rows], piece=self.piece[rows], metres=metres, segment=self.segment[rows],
            distance=self.distance[rows], offset=self.offset[rows],
        )  # fmt: skip


def sample(lines: Sequence[Drawn]) -> tuple[Floats, Ints, Floats]:
    """Return points along lines, all corners among them, their line, and the metres they stand for.

    Examples
    --------
    >>> line = Drawn(xy=np.array([[0.0, 0.0], [0.0, 50.0], [10.0, 50.0]]), labels=(), where="")
    >>> xy, _, metres = sample([line])
    >>> xy[:, 1].round().tolist(), metres.sum().item()
    ([0.0, 17.0, 33.0, 50.0, 50.0], 60.0)
    """
    points, pieces, metres = [], [], []
    for number, line in enumerate(lines):
        xy = line.xy[np.append(True, (np.diff(line.xy, axis=0) != 0).any(axis=1))]
        gap = np.hypot(*np.diff(xy, axis=0).T)
        parts = np.maximum(1, np.ceil(gap / STEP)).astype(np.int64)
        first = np.repeat(np.arange(len(gap)), parts)
        share = (np.arange(len(first)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[first]
        between = xy[first] + share[:, None] * (xy[first + 1] - xy[first])
        whole = np.concatenate([between, xy[-1:]])
        step = np.hypot(*np.diff(whole, axis=0).T)
        points.append(whole)
        pieces.append(np.full(len(whole), number, dtype=np.int64))
        metres.append((np.append(0.0, step) + np.append(step, 0.0)) / 2)
    return np.concatenate(points), np.concatenate(pieces), np.concatenate(metres)


def turn_to(line: Drawn, xy: Floats) -> Drawn | None:
    """Return a closed line begun at its point nearest to a place; None where it is open or is."""
    if np.hypot(*(line.xy[0] - line.xy[-1])) > SHARP:
        return None
    points, _, _ = sample([line])
    nearest = int(np.argmin(np.hypot(*(points - xy).T)))
    if nearest in (0, len(points) - 1):
        return None
    turned = np.concatenate([points[nearest:], points[1 : nearest + 1]])
    return Drawn(xy=turned, labels=line.labels, where=line.where)


def find_near(
    streets: StreetNetwork,
    usable: Bools,
    xy: Floats,
    piece: Ints,
    metres: Floats,
    *,
    reach: float,
) -> Near:
    """Find the usable segments within reach of every point."""
    points = shapely.points(xy)
    index = streets.segments.sindex
    at, row = index.query(points, predicate="dwithin", distance=reach)
    kept = usable[row]
    at, row = at[kept], row[kept]
    shapes = streets.segments.geometry.to_numpy()
    away = shapely.distance(shapes[row], points[at])
    order = np.lexsort((row, away, at))
    at, row, away = at[order], row[order], away[order]
    rank = np.arange(len(at)) - np.searchsorted(at, at)
    close = rank < MOST_NEAR
    at, row, away, rank = at[close], row[close], away[close], rank[close]
    shape = (len(xy), max(1, int(rank.max(initial=0)) + 1))
    segment = np.full(shape, -1, dtype=np.int64)
    distance, offset = np.full(shape, np.inf), np.zeros(shape)
    segment[at, rank], distance[at, rank] = row, away
    line = shapes[row]
    along = shapely.line_locate_point(line, points[at], normalized=True)
    offset[at, rank] = along * (streets.length_mm[row] / 1000)
    return Near(
        xy=xy, piece=piece, metres=metres, segment=segment, distance=distance, offset=offset
    )


def thin(near: Near, error: float) -> Ints:
    """Return which points to match: those with a street in reach, and no two within the error.

    Points of a loose drawing that stand nearer together than its error say more about the hand than
    about the way (compare Newson & Krumm 2009); ends of lines are kept.
    """
    rows = np.flatnonzero(near.matched)
    if error <= SNAPPED or len(rows) == 0:
        return rows.astype(np.int64)
    kept = [int(rows[0])]
    for row in rows[1:].tolist():
        last = kept[-1]
        apart = np.hypot(*(near.xy[row] - near.xy[last]))
        if near.piece[row] != near.piece[last] or apart >= error:
            kept.append(row)
    ends = np.flatnonzero(np.append(np.diff(near.piece[rows]) != 0, True))
    return np.union1d(kept, rows[ends]).astype(np.int64)
