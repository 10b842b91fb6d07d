"""When each shift of a roster begins and how long it lasts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events.times.moments import DAY, HOUR, NAIVE, Moments, parse_moments
from patrolmap.patrol.roster.cells import LONGEST, BadCellError, clock, halves, said, seconds

_DAY = np.timedelta64(86_400, "s")


@dataclass(frozen=True, kw_only=True)
class Days:
    """The dates and moments of a roster's columns, and what holds where a cell states none."""

    tz: tzinfo | None
    date: np.datetime64 | None
    moments: Mapping[str, Moments]  # column -> its moments


@dataclass(frozen=True, kw_only=True)
class _When:
    """A moment as a cell states it; `dated` is False where only the clock is."""

    wall: np.datetime64
    offset: int
    dated: bool


def read_days(
    table: pd.DataFrame, found: Mapping[str, str], *, tz: tzinfo | None, date: Any
) -> Days:
    """Read the columns of dates and times, each as a whole: its order of day and month is one.

    Raises
    ------
    OptionError
        If `date` is no day.
    SchemaError
        If a column's order of day and month cannot be told.
    """
    moments = {}
    for role in ("date", "start", "end"):
        if role not in found:
            continue
        try:
            moments[found[role]] = parse_moments(
                table[found[role]], time_format=None, local_epoch=False
            )
        except SchemaError as error:
            told = str(error).split(" Say which")[0]
            raise SchemaError(f"{told} Write dates as 2026-11-22 or 22.11.2026.") from error
    return Days(tz=tz, date=_day(date), moments=moments)


def _day(date: Any) -> np.datetime64 | None:
    if date is None:
        return None
    try:
        day = pd.Timestamp(date)
    except (TypeError, ValueError) as error:
        raise OptionError(f"date={date!r} is no day; wanted e.g. '2026-11-22'.") from error
    if day is pd.NaT:
        raise OptionError(f"date={date!r} is no day; wanted e.g. '2026-11-22'.")
    return np.datetime64(day.date().isoformat(), "s")


def start_of(
    table: pd.DataFrame, at: int, found: Mapping[str, str], days: Days
) -> tuple[pd.Timestamp, int]:
    """Return when a row's shift starts, and how many seconds it lasts.

    Raises
    ------
    TimeCellError
        Naming the column at fault.
    OptionError
        If a clock time needs `tz` or `date`, which the call did not state.
    """
    cells = {role: said(table[found[role]].iloc[at]) for role in _ROLES if role in found}
    role = next((role for role in ("start", "time") if cells.get(role) is not None), None)
    if role is None:
        named = next((found[r] for r in ("start", "time") if r in found), "start")
        raise TimeCellError(named, None, "when the shift starts, e.g. 20:00 or 20:00-02:00")
    both = halves(cells[role])
    first = both[0] if both else cells[role]
    start = _moment(first, None if both else at, found[role], days)
    start = start if start.dated else _on_day(start, at, found, days, cells)
    moment = _aware(start, found[role], days, first)
    ends: list[tuple[str, int]] = []
    if both:
        ends.append((found[role], _until(start, moment, both[1], None, found[role], days)))
    if cells.get("end") is not None:
        ends.append((found["end"], _until(start, moment, cells["end"], at, found["end"], days)))
    if cells.get("duration") is not None:
        ends.append((found["duration"], _lasts(cells["duration"], found["duration"])))
    if not ends:
        raise TimeCellError(found[role], first, "an end beside it, or a duration")
    if max(lasts for _, lasts in ends) - min(lasts for _, lasts in ends) > 60:
        told = ", ".join(f"{column} says {lasts / 3600:g} h" for column, lasts in ends)
        raise TimeCellError(ends[-1][0], cells.get("duration"), f"the same as elsewhere: {told}")
    return moment, ends[0][1]


_ROLES = ("date", "start", "time", "end", "duration")


class TimeCellError(BadCellError):
    """A cell of time that cannot be used, and its column."""

    def __init__(self, column: str, given: object, wanted: str) -> None:
        super().__init__(given, wanted)
        self.column = column


def _lasts(cell: Any, column: str) -> int:
    try:
        return seconds(cell)
    except BadCellError as error:
        raise TimeCellError(column, cell, error.wanted) from error


def _moment(cell: Any, at: int | None, column: str, days: Days) -> _When:
    """Read a clock time, or a date with one; `at` is the row where the cell is a whole one."""
    wanted = "a clock time, e.g. 20:00, or a date with one"
    sharp = clock(cell)
    if sharp is not None:
        return _When(wall=np.datetime64(sharp, "s"), offset=NAIVE, dated=False)
    if at is None or column not in days.moments:
        try:
            moments = parse_moments(pd.Series([cell]), time_format=None, local_epoch=False)
        except SchemaError as error:
            raise TimeCellError(column, cell, "dates as 2026-11-22 or 22.11.2026") from error
        at = 0
    else:
        moments = days.moments[column]
    if moments.level[at] < HOUR or np.isnat(moments.wall[at]):
        raise TimeCellError(column, cell, wanted)
    return _When(wall=moments.wall[at], offset=int(moments.offset[at]), dated=True)


def _on_day(
    when: _When, at: int, found: Mapping[str, str], days: Days, cells: Mapping[str, Any]
) -> _When:
    """Put a clock time on the row's date, else on the date asked for."""
    written, cell = cells.get("date"), cells.get("start", cells.get("time"))
    day = days.date
    if "date" in found:
        moments = days.moments[found["date"]]
        if moments.level[at] >= DAY and not np.isnat(moments.wall[at]):
            day = moments.wall[at].astype("M8[D]").astype("M8[s]")
        elif written is not None:
            raise TimeCellError(found["date"], written, "a date, e.g. 2026-11-22")
    if day is None:
        raise OptionError(
            f"the roster has the clock time {str(cell)[:40]!r} without a date; say its day with "
            "date=, e.g. date='2026-11-22'."
        )
    return _When(wall=day + (when.wall - np.datetime64(0, "s")), offset=NAIVE, dated=True)


def _aware(when: _When, column: str, days: Days, cell: Any) -> pd.Timestamp:
    wall = pd.Timestamp(when.wall)
    if when.offset != NAIVE:
        utc = (wall - pd.Timedelta(seconds=when.offset)).tz_localize(UTC)
        return utc.tz_convert(days.tz or UTC)
    if days.tz is None:
        raise OptionError(
            f"the clock time {str(cell)[:40]!r} states no zone; say it with tz=, e.g. "
            "tz='Asia/Almaty'."
        )
    moment = wall.tz_localize(days.tz, ambiguous=True, nonexistent="NaT")
    if moment is pd.NaT:
        raise TimeCellError(column, cell, f"a time that is: the clock of {days.tz} skips it")
    return moment


def _until(
    start: _When, moment: pd.Timestamp, cell: Any, at: int | None, column: str, days: Days
) -> int:
    """Return the seconds from a start to an end; a clock time not after it is the next day's."""
    end = _moment(cell, at, column, days)
    if not end.dated:
        midnight = start.wall.astype("M8[D]").astype("M8[s]")
        wall = midnight + (end.wall - np.datetime64(0, "s"))
        wall = wall + _DAY if wall <= start.wall else wall
        offset = start.offset
        end = _When(wall=wall, offset=offset, dated=True)
    lasts = (_aware(end, column, days, cell) - moment).total_seconds()
    if not 0 < lasts <= LONGEST + 3600:  # the clock may be put back in a shift of a whole day
        raise TimeCellError(
            column, cell, f"an end up to 24 hours after the start, {moment:%d.%m %H:%M}"
        )
    return round(float(lasts))
