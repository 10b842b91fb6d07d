"""When events happened: the roles of time columns put together, in one zone, as intervals."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events._columns import EPOCH_IS_LOCAL, MIDNIGHT_IS_UNKNOWN, Roles, plain_name
from patrolmap.events._moments import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    NAIVE,
    UNKNOWN,
    Bools,
    Moments,
    read_clock,
    read_moments,
)
from patrolmap.events._text import as_text, short

NAMES = {UNKNOWN: "unknown", MONTH: "month", DAY: "day", HOUR: "hour", MINUTE: "minute"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """When each event happened.

    Attributes
    ----------
    start, end : DatetimeIndex
        In one zone; equal where known to the minute; NaT where nothing is known.
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
        If clock times are naive and `tz` is missing, or `time_format` has nothing to do.
    SchemaError
        If the day and the month cannot be told apart, or a named time column holds no times.
    """
    role = roles.start()
    if role is None:
        return _nothing_known(len(table), tz, time_format, name)
    column = roles.found[role]
    began, notes = _read_start(table, roles, role, time_format)
    tz = tz or _own_zone(began, table[column], name)
    start, odd = _instants(began.wall, began.offset, tz)
    end, precision = _end(began, start, tz), began.level
    last = roles.get("occurred_to")
    if last is not None and (role == "occurred_from" or "occurred_to" in roles.named):
        until = read_moments(table[last], time_format=time_format, local_epoch=_local(last))
        end, precision, lost = _interval(start, end, precision, until, tz)
        notes += (f"end from {last!r}", *until.notes)
        notes += (f"{lost:,} rows have no end: their start stands for it",) if lost else ()
    if odd:
        notes = (*notes, f"{odd:,} times stand in an hour that the clock skips or repeats")
    unreadable = began.level == UNKNOWN
    return Span(
        start=pd.DatetimeIndex(start, tz=UTC).tz_convert(tz),
        end=pd.DatetimeIndex(end, tz=UTC).tz_convert(tz),
        precision=precision,
        unreadable=unreadable,
        backward=~unreadable & (end < start),
        column=column,
        notes=notes,
    )


def _local(column: str) -> bool:
    return plain_name(column) in EPOCH_IS_LOCAL


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
    table: pd.DataFrame, roles: Roles, role: str, time_format: str | None
) -> tuple[Moments, tuple[str, ...]]:
    column = roles.found[role]
    values = table[column]
    began = read_moments(values, time_format=time_format, local_epoch=_local(column))
    notes = began.notes
    if plain_name(column) in MIDNIGHT_IS_UNKNOWN:
        midnight = began.wall == began.wall.astype("M8[D]").astype("M8[s]")
        began = began.days_where(midnight & (began.level == MINUTE))
    clock = roles.get("time")
    if clock is not None and clock != column and (role == "date" or "time" in roles.named):
        began, said = _join_clock(began, table[clock], named="time" in roles.named)
        notes = (*notes, said)
    return began, (*notes, *_suspects(began, column))


def _join_clock(began: Moments, values: pd.Series, *, named: bool) -> tuple[Moments, str]:
    """Set the hour of each day from a clock column; where that says nothing the day stays."""
    seconds = read_clock(values)
    good = (seconds >= 0) & (began.level >= DAY)
    filled = len(values) - as_text(values).null_count
    if int((seconds >= 0).sum()) * 2 < filled or filled == 0:
        if named:
            raise SchemaError(
                f"the column {values.name!r} was named for 'time' but holds no clock times "
                f"(e.g. {_example(values)!r}); wanted 20:30 or 8:30 pm."
            )
        return began, f"{values.name!r} holds no clock times (20:30): left aside"
    day = began.wall.astype("M8[D]").astype("M8[s]")
    joined = replace(
        began,
        wall=np.where(good, day + np.maximum(seconds, 0).astype("m8[s]"), began.wall),
        offset=np.where(good, NAIVE, began.offset),
        level=np.where(good, np.int8(MINUTE), began.level),
    )
    return joined, f"hour from {values.name!r}"


def _suspects(began: Moments, column: str) -> tuple[str, ...]:
    """Say where many rows of a timed column stand at midnight sharp."""
    timed = began.level == MINUTE
    sharp = timed & (began.wall == began.wall.astype("M8[D]").astype("M8[s]"))
    if sharp.sum() < 20 or sharp.sum() < 0.05 * timed.sum():
        return ()
    return (f"{int(sharp.sum()):,} rows of {column!r} stand at 00:00: the hour may be unknown",)


def _own_zone(found: Moments, values: pd.Series, name: str) -> tzinfo:
    """Return the zone that times state of themselves."""
    if ((found.level != UNKNOWN) & (found.offset == NAIVE)).any():
        raise OptionError(
            f"times of {name} (column {values.name!r}, e.g. {_example(values)!r}) state no zone; "
            "wanted tz=, e.g. tz='Asia/Almaty'."
        )
    zone_of: tzinfo | None = getattr(values.dtype, "tz", None)
    return zone_of or UTC


def _example(values: pd.Series) -> str:
    text = as_text(values).drop_null()
    return short(text[0].as_py()) if len(text) else ""


def _instants(wall: Any, offset: Any, tz: tzinfo) -> tuple[Any, int]:
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
    """Return the end of what each moment covers, in UTC: itself, its hour, day or month."""
    end = np.where(found.level == HOUR, start + np.timedelta64(3600, "s"), start)
    for level, unit in ((DAY, "D"), (MONTH, "M")):
        at = found.level == level
        if at.any():
            after = (found.wall[at].astype(f"M8[{unit}]") + 1).astype("M8[s]")
            end[at] = _instants(after, np.full(len(after), NAIVE), tz)[0]
    return end


def _interval(
    start: Any, end: Any, precision: Any, until: Moments, tz: tzinfo
) -> tuple[Any, Any, int]:
    """Let a second column say where the interval ends; its length is the precision."""
    last, _ = _instants(until.wall, until.offset, tz)
    last = _end(until, last, tz)
    known = (until.level != UNKNOWN) & ~np.isnat(start)
    length = (last - start).astype("m8[s]").astype(np.int64)
    hour = 3600
    steps = [length <= 0, length <= hour, length <= 25 * hour, length <= (31 * 24 + 1) * hour]
    spanned = np.select(steps, [MINUTE, HOUR, DAY, MONTH], UNKNOWN)
    lost = int((~known & ~np.isnat(start)).sum())
    return (
        np.where(known, last, end),
        np.where(known, spanned, precision).astype(np.int8),
        lost,
    )
