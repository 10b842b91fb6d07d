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

    A table of crews by the looks of their own shifts, so that those of a week need no more room
    than as many of one evening. Looks are counted from 1970.
    """

    def __init__(self, problem: Problem) -> None:
        zero, crews = clock_zero(problem), problem.crews
        begins = np.array([zero + 1000 * crew.begin for crew in crews])
        ends = begins + 1000 * np.array([crew.shift.seconds for crew in crews])
        self._first = (begins // EVERY).astype(np.int64)
        self._last = (ends // EVERY).astype(np.int64)
        n = int((self._last - self._first).max(initial=0)) + 1
        self._xy = np.full((len(crews), n + 1, 2), np.nan)  # the last column: not on duty
        self._box = np.full((len(crews), 4), np.nan)
        self._meets = np.full((len(crews), 1, 2), np.inf)
        asked = np.array([crew.rules.crew_distance for crew in crews])
        self._asked = np.maximum(asked[:, None], asked)

    def put(self, row: int, track: Track | None) -> None:
        """Note where a crew is, and where it may meet others."""
        self._xy[row], self._box[row], self._meets[row] = np.nan, np.nan, np.inf
        if track is None:
            return
        kept = self._on_duty(row, track.look)
        self.move(row, track.look[kept], track.xy[kept])
        if kept.any():
            self._box[row] = *track.xy[kept].min(axis=0), *track.xy[kept].max(axis=0)
        more = len(track.meets) - self._meets.shape[1]
        if more > 0:
            room = ((0, 0), (0, more), (0, 0))
            self._meets = np.pad(self._meets, room, constant_values=np.inf)
        self._meets[row, : len(track.meets)] = track.meets

    def move(self, row: int, look: Ints, xy: Floats) -> None:
        """Note that a crew is elsewhere at some looks of its shift, on the same ground."""
        self._xy[row, look - self._first[row]] = xy

    def steps_near(self, row: int, track: Track) -> Ints:
        """Return at which steps of its track a crew is too near to another, in order."""
        kept = self._on_duty(row, track.look)
        _, at = self._near(row, track.look[kept], track.xy[kept], track.meets)
        return np.sort(track.step[kept][at])

    def times_near(self, row: int, look: Ints, xy: Floats | None = None) -> Ints:
        """Return how often a crew is too near to each other, at some looks of its shift.

        Where it is as put, or at `xy`.
        """
        if xy is None:
            xy = self._xy[row, look - self._first[row]]
        other, _ = self._near(row, look, xy, self._meets[row])
        return np.bincount(other, minlength=len(self._xy)).astype(np.int64)

    def looks(self, row: int, begin: float = 0.0, end: float = 1e15) -> Ints:
        """Return the looks of a crew's shift from one moment (ms since 1970) to another."""
        first = max(-int(-begin // EVERY), int(self._first[row]))
        return np.arange(first, min(int(end // EVERY), int(self._last[row])) + 1, dtype=np.int64)

    def _on_duty(self, row: int, look: Ints) -> Bools:
        on_duty: Bools = (look >= self._first[row]) & (look <= self._last[row])
        return on_duty

    def _near(self, row: int, look: Ints, xy: Floats, meets: Floats) -> tuple[Ints, Ints]:
        """Return which crews a crew is too near to, and at which row of `xy`.

        What `patrolmap.patrol.tracks.too_near` says of two crews, of one and all others at once.
        """
        rivals = self._rivals(row, look, xy)
        column = look - self._first[rivals, None]
        away = (column < 0) | (column >= self._xy.shape[1])
        there = self._xy[rivals[:, None], np.where(away, -1, column)]
        at_once = distance(there, xy) < self._asked[row, rivals][:, None]
        other, at = np.nonzero(at_once)
        mine, theirs, other = xy[at], there[other, at], rivals[other]
        asked = self._asked[row, other]
        counts = np.ones(len(other), dtype=np.bool_)
        for places in (meets[None], self._meets[other]):
            for place in (mine, theirs):
                counts &= (distance(places, place[:, None]) >= asked[:, None]).all(axis=1)
        return other[counts], at[counts]

    def _rivals(self, row: int, look: Ints, xy: Floats) -> Ints:
        """Return the crews that may be too near to one at some looks."""
        if len(look) == 0 or np.isnan(xy).all():
            return np.zeros(0, dtype=np.int64)
        asked, box = self._asked[row], self._box
        west, south = np.nanmin(xy, axis=0)
        east, north = np.nanmax(xy, axis=0)
        near = (box[:, 0] < east + asked) & (box[:, 2] > west - asked)
        near &= (box[:, 1] < north + asked) & (box[:, 3] > south - asked)
        near &= (self._first <= look[-1]) & (self._last >= look[0]) & (asked > 0)
        near[row] = False
        return np.flatnonzero(near)
