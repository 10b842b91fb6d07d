"""Lixels: segments cut into short equal pieces, at whose centres density along streets is told."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import OptionError
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SHORTEST = 0.1
"""Metres: the shortest lixels one may ask for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lixels:
    """All walkable segments in equal pieces, in the order of the segments and along them.

    A segment of length l is cut into ceil(l / lixel_length) pieces of the same length, so that
    there is no short one left over at its end.

    Attributes
    ----------
    streets : StreetNetwork
    lixel_length : float
        Metres: no lixel is longer.
    indptr : (n_segments + 1,) int64
        Lixels of the segment in row i of `streets.segments` are `indptr[i]:indptr[i + 1]`; none
        where one may not walk.

    Examples
    --------
    >>> import patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> lixels = Lixels.cut(streets, 20)
    >>> bool(lixels.length.max() <= 20)
    True
    >>> walked = streets.segments.loc[streets.segments["walk"], "length"].sum()
    >>> bool(abs(lixels.length.sum() - walked) < 1e-6)
    True
    """

    streets: StreetNetwork
    lixel_length: float
    indptr: Ints

    @classmethod
    def cut(cls, streets: StreetNetwork, lixel_length: float) -> Self:
        """Cut the walkable segments into lixels of at most so many metres."""
        require_type(streets, StreetNetwork, name="streets")
        number = isinstance(lixel_length, (int, float, np.integer, np.floating))
        if isinstance(lixel_length, bool) or not number or not SHORTEST <= lixel_length < math.inf:
            raise OptionError(
                f"lixel_length={lixel_length!r}; wanted metres, {SHORTEST} or more, such as 20."
            )
        pieces = np.ceil(streets.length_mm / (float(lixel_length) * 1000) - 1e-9)
        pieces[~streets.segments["walk"].to_numpy()] = 0
        indptr = np.concatenate([[0], np.cumsum(pieces.astype(np.int64))])
        return cls(streets=streets, lixel_length=float(lixel_length), indptr=indptr)

    def __len__(self) -> int:
        return int(self.indptr[-1])

    @cached_property
    def segment(self) -> Ints:
        """Row of each lixel's segment in `streets.segments`."""
        return np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))

    @cached_property
    def length(self) -> Floats:
        """Length of each lixel, in metres."""
        pieces = np.diff(self.indptr)
        whole = self.streets.length_mm / 1000
        return np.repeat(
            np.divide(whole, pieces, where=pieces > 0, out=np.zeros_like(whole)), pieces
        )

    @cached_property
    def start(self) -> Floats:
        """Metres from the segment's start to the lixel's."""
        rank = np.arange(len(self)) - self.indptr[self.segment]
        return rank * self.length

    @cached_property
    def geometry(self) -> npt.NDArray[np.object_]:
        """A line for each lixel, cut out of its segment's."""
        table = self.streets.segments
        rows = np.flatnonzero(np.diff(self.indptr))
        return _cut(table.geometry.to_numpy()[rows], np.diff(self.indptr)[rows])

    def at(self, segment: Ints, offset: Floats) -> Ints:
        """Return the lixel that holds each place: row of the segment, metres from its start."""
        pieces = np.diff(self.indptr)[segment]
        share = offset / (self.streets.length_mm[segment] / 1000)
        rank = np.clip((share * pieces).astype(np.int64), 0, pieces - 1)
        lixel: Ints = self.indptr[segment] + rank
        return lixel

    def table(self) -> gpd.GeoDataFrame:
        """Return lixels as a table: segment_id, start, end (m along the segment), geometry."""
        columns = {
            "segment_id": self.streets.segments.index.take(self.segment).array,
            "start": self.start,
            "end": self.start + self.length,
        }
        index = pd.RangeIndex(len(self), name="lixel_id")
        return gpd.GeoDataFrame(
            columns, geometry=self.geometry, index=index, crs=self.streets.crs, copy=False
        )


def _cut(lines: npt.NDArray[np.object_], pieces: Ints) -> npt.NDArray[np.object_]:
    """Cut each line into so many equal pieces, keeping its corners."""
    if len(lines) == 0:
        return np.empty(0, dtype=object)
    xy, of = shapely.get_coordinates(lines, return_index=True)
    step = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    step[np.flatnonzero(np.diff(of, prepend=-1))] = 0.0
    along = np.cumsum(step)
    first = np.searchsorted(of, np.arange(len(lines)))
    last = np.append(first[1:], len(of)) - 1
    along -= along[first][of]
    # Where each corner lies, in lixels from the line's start: whole numbers are cuts.
    place = along / along[last][of] * pieces[of]
    inner = np.ones(len(of), dtype=bool)
    inner[first] = inner[last] = False
    inner &= np.abs(place - np.rint(place)) > 1e-9
    indptr = np.concatenate([[0], np.cumsum(pieces)])
    lixel = indptr[of[inner]] + np.floor(place[inner]).astype(np.int64)
    corners = np.bincount(lixel, minlength=indptr[-1])
    begin = np.concatenate([[0], np.cumsum(corners + 2)])
    out = np.empty((begin[-1], 2))
    before = begin[:-1] - 2 * np.arange(indptr[-1])  # corners of the lixels before
    out[begin[lixel] + 1 + np.arange(len(lixel)) - before[lixel]] = xy[inner]
    cuts = _between(xy, place + indptr[of] + np.arange(len(lines))[of], indptr)
    line = np.repeat(np.arange(len(lines)), pieces)
    out[begin[:-1]] = cuts[np.arange(indptr[-1]) + line]
    out[begin[1:] - 1] = cuts[np.arange(indptr[-1]) + line + 1]
    made: npt.NDArray[np.object_] = shapely.linestrings(
        out, indices=np.repeat(np.arange(indptr[-1]), corners + 2)
    )
    return made


def _between(xy: Floats, place: Floats, indptr: Ints) -> Floats:
    """Return the ends of lixels: pieces + 1 a line; `place` counts one more at each line's end."""
    n_lines = len(indptr) - 1
    at = np.arange(indptr[-1] + n_lines, dtype=np.float64)
    return np.column_stack([np.interp(at, place, xy[:, 0]), np.interp(at, place, xy[:, 1])])
