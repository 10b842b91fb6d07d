"""Where all crews are, look by look, and which of them are too near to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap.patrol.tracks import EVERY, Track, clock_zero, distance

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Whereabouts:
    """Where crews are while they walk; nobody is near to a crew that does not.

    Attributes
    ----------
    xy : (c, n, 2) float64
        By crew and look, not a number where a crew does not walk.
    """

    def __init__(self, problem: Problem) -> None:
        zero, crews = clock_zero(problem), problem.crews
        ends = max(crew.begin + crew.shift.seconds for crew in crews)
        self._first = int(zero + 1000 * min(crew.begin for crew in crews)) // EVERY
        looks = int(zero + 1000 * ends) // EVERY + 1 - self._first
        self.xy = np.full((len(crews), looks, 2), np.nan)
        self._meets = np.full((len(crews), 0, 2), np.inf)
        asked = np.array([crew.rules.crew_distance for crew in crews])
        self._asked = np.maximum(asked[:, None], asked)

    def looks(self, begin: float, end: float) -> slice:
        """Return the looks from one moment (ms since 1970) to another, until all shifts end."""
        first = -int(-begin // EVERY) - self._first
        return slice(first, min(int(end // EVERY) + 1 - self._first, self.xy.shape[1]))

    def moments(self, looks: slice) -> Ints:
        """Return the ms since 1970 of some looks."""
        return (np.arange(looks.start, looks.stop) + self._first) * EVERY

    def put(self, row: int, track: Track | None) -> None:
        """Note where a crew is, and where it may meet others."""
        self.xy[row], self._meets[row] = np.nan, np.inf
        if track is None:
            return
        looks, kept = self._within(track)
        self.xy[row, looks] = track.xy[kept]
        more = max(0, len(track.meets) - self._meets.shape[1])
        self._meets = np.pad(self._meets, ((0, 0), (0, more), (0, 0)), constant_values=np.inf)
        self._meets[row, : len(track.meets)] = track.meets

    def steps_near(self, row: int, track: Track) -> Ints:
        """Return at which steps of its track a crew is too near to another, in order."""
        looks, kept = self._within(track)
        _, at = self._near(row, looks, track.xy[kept], track.meets)
        return np.sort(track.step[kept][at])

    def times_near(self, row: int, looks: slice, xy: Floats) -> Ints:
        """Return how often a crew is too near to each other, if it is there at some looks."""
        other, _ = self._near(row, looks, xy, self._meets[row])
        return np.bincount(other, minlength=len(self.xy)).astype(np.int64)

    def _within(self, track: Track) -> tuple[Ints, Bools]:
        """Return the looks of a track before all shifts end, and which of the track's they are."""
        looks = track.look - self._first
        kept = looks < self.xy.shape[1]
        return looks[kept], kept

    def _near(self, row: int, looks: Ints | slice, xy: Floats, meets: Floats) -> tuple[Ints, Ints]:
        """Return which crews a crew is too near to, and at which row of `xy`.

        What `patrolmap.patrol.tracks.too_near` says of two crews, of one and all others at once.
        """
        there = self.xy[:, looks]
        near = distance(there, xy) < self._asked[row][:, None]
        near[row] = False
        other, at = np.nonzero(near)
        mine, theirs, asked = xy[at], there[other, at], self._asked[row][other]
        counts = np.ones(len(other), dtype=np.bool_)
        for places in (meets[None], self._meets[other]):
            for place in (mine, theirs):
                counts &= (distance(places, place[:, None]) >= asked[:, None]).all(axis=1)
        return other[counts], at[counts]
