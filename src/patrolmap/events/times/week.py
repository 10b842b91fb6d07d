"""The wall clock as hours of the week, 0 (Monday 00-01) to 167, over changes of the clock."""

from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HOURS = 168
HOUR = 3_600 * 10**6  # microseconds, in which all is counted
_WEEK = HOURS * HOUR
_MONDAY = 4 * 24 * HOUR  # the first Monday of 1970 came four days after its start


@dataclass(frozen=True, kw_only=True, eq=False)
class WeekClock:
    """The wall clock of one zone over the time of the events, and its hours of the week.

    Attributes
    ----------
    changes : (k,) int64
        Microseconds of UTC at which the offset changes.
    offset : (k + 1,) int64
        Microseconds ahead of UTC before the first change, between, and after the last.
    jump : (k + 1, 168) int64
        What to add to `_before(wall)` so that time in each hour of the week adds up over changes.
    """

    changes: Ints
    offset: Ints
    jump: Ints

    def wall(self, moment: Ints) -> tuple[Ints, Ints]:
        """Return the wall clock in microseconds since a Monday, and the stretch it lies in."""
        stretch = np.searchsorted(self.changes, moment, side="right")
        return moment + self.offset[stretch] - _MONDAY, stretch

    def hour(self, moment: Ints) -> Ints:
        """Return the hour of the week."""
        return (self.wall(moment)[0] // HOUR) % HOURS

    def starts_day(self, moment: Ints) -> Bools:
        """Tell the first moments of local days, where the clock skips midnight too."""
        before, day = (self.wall(at)[0] // (24 * HOUR) for at in (moment - 1, moment))
        return np.asarray(before < day)

    def covered(self, start: Ints, end: Ints) -> Ints:
        """Return the microseconds of [start, end) in each hour of the week, (n, 168)."""
        first, one = self.wall(start)
        last, two = self.wall(end)
        out = _before(last) - _before(first)
        crossed = one != two
        if crossed.any():
            out[crossed] += self.jump[two[crossed]] - self.jump[one[crossed]]
        return out


def _before(wall: Ints) -> Ints:
    """Return the microseconds of each hour of the week before a moment on an even clock."""
    weeks, rest = np.divmod(wall, _WEEK)
    hours = np.arange(HOURS, dtype=np.int64) * HOUR
    return weeks[:, None] * HOUR + np.clip(rest[:, None] - hours, 0, HOUR)


def week_clock(zone: Any, first: int, last: int) -> WeekClock:
    """Find the changes of a zone's offset between two moments, to the second."""
    step = 12 * HOUR
    at = np.arange(first // step - 2, last // step + 3, dtype=np.int64) * step
    offset = _offsets(at, zone)
    turn = np.flatnonzero(np.diff(offset))
    low, high, old = at[turn], at[turn + 1], offset[turn]
    while len(turn) and (high - low).max() > 10**6:
        middle = (low + high) // 2 // 10**6 * 10**6
        same = _offsets(middle, zone) == old
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    offsets = np.concatenate([offset[:1], offset[turn + 1]])
    jump = np.zeros((len(turn) + 1, HOURS), dtype=np.int64)
    for k, change in enumerate(high):
        edges = change + offsets[k : k + 2] - _MONDAY
        before, after = _before(edges)
        jump[k + 1] = jump[k] + before - after
    return WeekClock(changes=high, offset=offsets, jump=jump)


def _offsets(moment: Ints, zone: Any) -> Ints:
    utc = pd.DatetimeIndex(moment.astype("M8[us]"), tz=UTC)
    wall = utc.tz_convert(zone).tz_localize(None)
    return np.asarray(wall.to_numpy().astype("M8[us]").astype(np.int64) - moment)
