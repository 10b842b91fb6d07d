"""When events happened: the roles of time columns put together, in one zone, as intervals."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events._columns import Roles
from patrolmap.events._text import as_text, empties
from patrolmap.events.times.clock import read_clock
from patrolmap.events.times.columns import Dates, example, own_zone, read_dates, suspects
from patrolmap.events.times.moments import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    NAIVE,
    PERIOD,
    UNKNOWN,
    Bools,
    Moments,
)
from patrolmap.events.times.periods import THIRD, length_level, narrow, read_months

LATE = 24 * 3600  # of a clock column: the end of the day, never an unknown hour
NAMES = {UNKNOWN: "unknown", MONTH: "month", DAY: "day", PERIOD: "period", HOUR: "hour",
         MINUTE: "minute"}  # fmt: skip

# Zones whose clock changed for good not long ago: when, and seconds ahead of UTC since. A time
# zone database older than that is silently an hour off.
CHANGED = {
    "Asia/Almaty": ("2024-02-29T18:00", 5 * 3600),
    "Asia/Qostanay": ("2024-02-29T18:00", 5 * 3600),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """When each event happened.

    Attributes
    ----------
    start, end : DatetimeIndex
        In one zone; equal where known to the minute; NaT where nothing is known. The end alone
        is NaT where the source has a column of ends and states none in this row.
    precision : (n,) int8
        UNKNOWN ... MINUTE.
    unreadable, backward : (n,) bool
        Rows whose date cannot be read; rows that end before they start.
    column : str or None
        Source column of the date.
    notes : tuple of str
    """

    start: pd.DatetimeIndex
    end: pd.DatetimeIndex
    precision: np.ndarray[Any, Any]
    unreadable: Bools
    backward: Bools
    column: str | None
    notes: tuple[str, ...]


def zone(tz: str | tzinfo | None) -> tzinfo | None:
    """Return the zone of a name.

    Raises
    ------
    OptionError
        If there is no such zone; near names are listed.
    """
    if tz is None or isinstance(tz, tzinfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, TypeError, OSError) as error:
        names = {name.casefold(): name for name in available_timezones()}
        near = get_close_matches(str(tz).casefold().replace(" ", "_"), list(names), n=3)
        hint = f" Did you mean {', '.join(names[name] for name in near)}?" if near else ""
        raise OptionError(
            f"tz={tz!r} is no time zone.{hint} Wanted a name such as 'Asia/Almaty'."
        ) from error


def moment(now: Any, tz: tzinfo | None) -> pd.Timestamp:
    """Return the moment after which a date lies in the future; default the clock."""
    if now is None:
        return pd.Timestamp(datetime.now(UTC))
    try:
        stamp = pd.Timestamp(now)
    except (ValueError, TypeError, OverflowError) as error:
        raise OptionError(f"now={now!r} is no moment; wanted e.g. '2026-01-31 12:00'.") from error
    if stamp is pd.NaT:
        raise OptionError(f"now={now!r} is no moment; wanted e.g. '2026-01-31 12:00'.")
    if stamp.tzinfo is None:
        return stamp.tz_localize(tz or UTC, ambiguous=True, nonexistent="shift_forward")
    return stamp


def read_span(
    table: pd.DataFrame, roles: Roles, *, tz: tzinfo | None, time_format: str | None, name: str
) -> Span:
    """Read when each row happened from the columns that serve the roles of time.

    Raises
    ------
    OptionError
        If clock times are naive and `tz` is missing, `time_format` has nothing to do, or the
        zone's rules on this machine are older than the events.
    SchemaError
        If the day and the month cannot be told apart, or a named time column holds no times.
    """
    role = roles.start()
    read = None if role is None else _read_start(table, roles, role, tz, time_format, name)
    if role is None or read is None:
        return _nothing_known(len(table), tz, time_format, name)
    began, tz, notes = read.moments, read.tz, read.notes
    start, odd = instants(began.wall, began.offset, tz)
    require_current(tz, start)
    end, precision = _end(began, start, tz), began.level
    last = roles.get("occurred_to")
    if last is not None and (role == "occurred_from" or "occurred_to" in roles.named):
        until = read_dates(table, roles, "occurred_to", tz=tz, time_format=time_format, name=name)
        if (until.moments.level != UNKNOWN).any():
            end, precision, lost = _interval(began, start, end, until.moments, tz)
            notes += (f"end from {last!r}", *until.notes, *_lost_ends(lost, until.unreadable))
        else:
            notes += (f"{last!r} holds no ends: left aside",)
    if none := int(read.blank.sum()):
        notes += (f"{none:,} rows have no date: their time is unknown",)
    if odd:
        notes = (*notes, f"{odd:,} times stand in an hour that the clock skips or repeats")
    unreadable = read.unreadable
    return Span(
        start=pd.DatetimeIndex(start, tz=UTC).tz_convert(tz),
        end=pd.DatetimeIndex(end, tz=UTC).tz_convert(tz),
        precision=precision,
        unreadable=unreadable,
        backward=np.asarray(end < start),
        column=roles.found[role],
        notes=notes,
    )


def _nothing_known(size: int, tz: tzinfo | None, time_format: str | None, name: str) -> Span:
    if time_format is not None:
        raise SchemaError(
            f"time_format={time_format!r} was given but {name} has no column known to hold dates; "
            "name it with columns={'date': ...}."
        )
    nat = pd.DatetimeIndex(np.full(size, np.datetime64("NaT", "us")), tz=UTC).tz_convert(tz or UTC)
    no = np.zeros(size, dtype=bool)
    return Span(
        start=nat, end=nat, precision=np.full(size, UNKNOWN, dtype=np.int8), unreadable=no,
        backward=no, column=None,
        notes=("no column of dates was found: every time is unknown; "
               "name it with columns={'date': ...} if there is one",),
    )  # fmt: skip


def _read_start(
    table: pd.DataFrame, roles: Roles, role: str, tz: tzinfo | None, time_format: str | None,
    name: str,
) -> Dates | None:  # fmt: skip
    column = roles.found[role]
    if role == "month" and time_format is None:
        return _read_months(table, roles, tz, name)
    read = read_dates(table, roles, role, tz=tz, time_format=time_format, name=name)
    began, notes = read.moments, read.notes
    clock = roles.get("time")
    if clock is not None and clock != column and (role == "date" or "time" in roles.named):
        joined, said = _join_clock(began, table[clock], named="time" in roles.named)
        if joined is not began:
            if roles.preset.unknown_midnight(clock):
                joined = joined.days_where(joined.midnight() & (joined.level == MINUTE))
            began, column = joined, clock
        notes = (*notes, said)
    third = roles.get("period")
    if third is not None:
        began, said = narrow(began, table[third], named="period" in roles.named)
        notes = (*notes, said)
    return replace(read, moments=began, notes=(*notes, *suspects(began, column)))


def _read_months(table: pd.DataFrame, roles: Roles, tz: tzinfo | None, name: str) -> Dates | None:
    values, year = table[roles.found["month"]], roles.get("year")
    months = read_months(values, None if year is None else table[year])
    if months is None:
        return None
    said = "" if year is None else f" and {year!r}"
    return Dates(
        moments=months, blank=(months.level == UNKNOWN) & empties(values),
        tz=tz or own_zone(months, values, name), notes=(f"months from {values.name!r}{said}",),
    )  # fmt: skip


def _join_clock(began: Moments, values: pd.Series, *, named: bool) -> tuple[Moments, str]:
    """Set the hour of each day from a clock column; where that says nothing the day stays."""
    seconds = read_clock(values)
    good = (seconds >= 0) & (began.level >= DAY)
    filled = len(values) - as_text(values).null_count
    if int((seconds >= 0).sum()) * 2 < filled or filled == 0:
        if named:
            raise SchemaError(
                f"the column {values.name!r} was named for 'time' but holds no clock times "
                f"(e.g. {example(values)!r}); wanted 20:30 or 8:30 pm."
            )
        return began, f"{values.name!r} holds no clock times (20:30): left aside"
    day = began.wall.astype("M8[D]").astype("M8[s]")
    joined = replace(
        began,
        wall=np.where(good, day + np.maximum(seconds, 0).astype("m8[s]"), began.wall),
        offset=np.where(good, NAIVE, began.offset),
        level=np.where(good, np.int8(MINUTE), began.level),
        late=np.where(good, seconds == LATE, False if began.late is None else began.late),
    )
    return joined, f"hour from {values.name!r}"


def instants(wall: Any, offset: Any, tz: tzinfo) -> tuple[Any, int]:
    """Return moments in UTC, and how many naive ones the clock skips or repeats."""
    out = wall.astype("M8[us]")
    stated = offset != NAIVE
    out[stated] -= offset[stated].astype("m8[s]")
    naive = ~stated & ~np.isnat(wall)
    local = pd.DatetimeIndex(out[naive])
    sure = local.tz_localize(tz, ambiguous="NaT", nonexistent="NaT")
    odd = np.asarray(sure.isna())
    utc = sure.tz_convert(UTC).tz_localize(None).to_numpy().astype("M8[us]")
    if odd.any():
        # A repeated hour is taken the first time round, a skipped one at its end.
        first = np.ones(int(odd.sum()), dtype=bool)
        taken = local[odd].tz_localize(tz, ambiguous=first, nonexistent="shift_forward")
        utc[odd] = taken.tz_convert(UTC).tz_localize(None).to_numpy().astype("M8[us]")
    out[naive] = utc
    return out, int(odd.sum())


def _end(found: Moments, start: Any, tz: tzinfo) -> Any:
    """Return the end of what each moment covers, in UTC: itself, its hour, third, day, month."""
    end = np.where(found.level == HOUR, start + np.timedelta64(3600, "s"), start)
    third = found.level == PERIOD
    if third.any():
        after = found.wall[third] + np.timedelta64(THIRD, "s")
        end[third] = instants(after, np.full(len(after), NAIVE), tz)[0]
    for level, unit in ((DAY, "D"), (MONTH, "M")):
        at = found.level == level
        if at.any():
            after = (found.wall[at].astype(f"M8[{unit}]") + 1).astype("M8[s]")
            end[at] = instants(after, np.full(len(after), NAIVE), tz)[0]
    return end


def _interval(
    began: Moments, start: Any, end: Any, until: Moments, tz: tzinfo
) -> tuple[Any, Any, Bools]:
    """Let a second column say where the interval ends; its length is the precision.

    Returns
    -------
    end, precision, and which rows have a start but no end
    """
    last, _ = instants(until.wall, until.offset, tz)
    last = _end(until, last, tz)
    known = (until.level != UNKNOWN) & ~np.isnat(start)
    length = (last - start).astype("m8[s]").astype(np.int64)
    midnight = began.wall == began.wall.astype("M8[D]").astype("M8[s]")
    spanned = length_level(length, midnight)
    lost = ~known & ~np.isnat(start)
    end = np.where(lost & (began.level == MINUTE), np.datetime64("NaT", "us"), end)
    return (
        np.where(known, last, end),
        np.where(known, spanned, began.level).astype(np.int8),
        lost,
    )


def _lost_ends(lost: Bools, unreadable: Bools) -> tuple[str, ...]:
    """Say how many rows have no end, and apart from them how many have one that tells nothing."""
    garbled = int((lost & unreadable).sum())
    none = int(lost.sum()) - garbled
    said = [f"{none:,} rows have no end: their start stands for it"] if none else []
    if garbled:
        said += [f"ends of {garbled:,} rows cannot be read: their start stands for them"]
    return tuple(said)


def require_current(tz: tzinfo, start: Any) -> None:
    """Raise where this machine's time zone rules are older than a change the events cross."""
    key = str(getattr(tz, "key", ""))
    if key not in CHANGED:
        return
    when, ahead = CHANGED[key]
    after = pd.Timestamp(when, tz=UTC) + pd.Timedelta("1D")
    held = after.tz_convert(tz).utcoffset()
    if held is None or held.total_seconds() == ahead or not (start >= np.datetime64(when)).any():
        return
    raise OptionError(
        f"the time zone database of this machine is too old: it has {key} at UTC"
        f"{held.total_seconds() / 3600:+g} after {when[:10]}, where it is UTC{ahead / 3600:+g}, "
        "so these events would stand an hour off. Bring the system's tzdata to 2024a or later; "
        "or install the Python package tzdata and run with PYTHONTZPATH= (empty)."
    )
