"""How long after they happened events were registered: it starves the newest weeks."""

from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import SchemaError
from patrolmap.events._columns import Roles
from patrolmap.events.times.columns import in_zone
from patrolmap.events.times.intervals import Span
from patrolmap.events.times.moments import DAY, UNKNOWN, Moments, read_moments

Days = npt.NDArray[np.int64]

ENOUGH = 20  # events from which shares are told
COMPLETE = 0.95
SLIPS = 0.001  # share of the first and last registrations that may be slips of the year


@dataclass(frozen=True, kw_only=True)
class Lag:
    """The days between an event and its registration, by the local calendar.

    Attributes
    ----------
    column : str
        Source column of the registration.
    counted : int
        Events known to their day or better that were registered that day or later.
    negative : int
        Events registered before they happened: one of the two dates is wrong.
    median, ninetieth : float
        Days within which half and nine tenths of `counted` were registered; NaN where none is.
    after_week, after_month : float
        Share of `counted` registered more than 7 and 30 days later.
    latest : Timestamp or None
        Local day of the latest registration.
    complete_until : Timestamp or None
        Start of the first local day of whose events fewer than 95 % can be expected to be
        registered yet: risk should not read a fall in crime from there on. None where the
        events are too few, or the lags too long for the time they cover.

    Notes
    -----
    Of the newest events only the quickly registered are seen, so the 95 % are taken from the
    events of the older half of the time that registrations cover (0.1 % at either end left out,
    for slips of the year), which had at least the other half to be registered.
    """

    column: str
    counted: int
    negative: int
    median: float
    ninetieth: float
    after_week: float
    after_month: float
    latest: pd.Timestamp | None
    complete_until: pd.Timestamp | None

    def text(self) -> str:
        """Write the lag as one line.

        Examples
        --------
        >>> Lag(column="DAT_VOZB", counted=900, negative=3, median=0, ninetieth=6,
        ...     after_week=0.042, after_month=0.01, latest=pd.Timestamp("2024-05-31"),
        ...     complete_until=pd.Timestamp("2024-05-21")).text()
        'median 0 days, 90 % within 6; 4.2 % later than 7 days, 1.0 % later than 30;
         3 before they happened; 95 % complete before 2024-05-21'
        """
        parts = ["no event has both dates"]
        if self.negative:
            parts = [f"{self.negative:,} events were registered before they happened, none after"]
        if self.counted:
            parts = [
                f"median {self.median:g} days, 90 % within {self.ninetieth:g}",
                f"{self.after_week:.1%} later than 7 days, {self.after_month:.1%} later than 30",
            ]
            if self.negative:
                parts.append(f"{self.negative:,} before they happened")
        if self.complete_until is not None:
            parts.append(f"95 % complete before {self.complete_until:%Y-%m-%d}")
        elif self.counted:
            parts.append("too few events or too long lags to say until when they are complete")
        return "; ".join(parts).replace("%", " %").replace("  %", " %")


def read_lag(
    table: pd.DataFrame, roles: Roles, span: Span, at: Days, *, now: pd.Timestamp
) -> tuple[Lag | None, tuple[str, ...]]:
    """Measure the lag of the rows `at`, and say what was inferred; None without a column of it.

    Raises
    ------
    SchemaError
        If the column was named by the caller and holds no dates.
    """
    column = roles.get("registered")
    if column is None or span.column is None:
        return None, ()
    try:
        found = _read(table[column], local_epoch=roles.preset.local_epoch(column))
    except SchemaError:
        if "registered" in roles.named:
            raise
        return None, (f"{column!r}: day and month cannot be told apart, so the lag is not known",)
    if not (found.level >= DAY).any():
        if "registered" in roles.named:
            raise SchemaError(f"the column {column!r} was named for 'registered': it has no dates.")
        return None, (f"{column!r} holds no dates: the lag of registration is not known",)
    zone = span.start.tz
    day = _local_days(found, zone)[at]
    happened = _days(_middle(span, at).tz_localize(None))
    today = int(_days(pd.DatetimeIndex([now]).tz_convert(zone).tz_localize(None))[0])
    both = (found.level[at] >= DAY) & (span.precision[at] >= DAY)
    future = both & (day > today)
    lag = measure(happened[both & ~future], day[both & ~future], column=column, zone=zone)
    notes = [f"registered from {column!r}", *found.notes]
    lost = int((found.level[at] == UNKNOWN).sum())
    notes += [f"{lost:,} events have no day of registration"] if lost else []
    notes += [f"{int(future.sum()):,} were registered in the future"] if future.any() else []
    return lag, tuple(notes)


def _read(values: pd.Series, *, local_epoch: bool) -> Moments:
    """Read moments, each text of a column of days only once."""
    if not isinstance(values.dtype, pd.StringDtype):
        return read_moments(values, time_format=None, local_epoch=local_epoch)
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    once = pd.Series(distinct, name=values.name, dtype=values.dtype)
    found = read_moments(once, time_format=None, local_epoch=local_epoch)
    return replace(
        found, wall=found.wall[codes], offset=found.offset[codes], level=found.level[codes],
        late=None,
    )  # fmt: skip


def _middle(span: Span, at: Days) -> pd.DatetimeIndex:
    start, end = span.start[at].asi8, span.end[at].asi8
    middle = np.where(end == pd.NaT.value, start, start + (end - start) // 2)
    utc = pd.DatetimeIndex(middle.view(f"M8[{span.start.unit}]"), tz=UTC)
    return utc.tz_convert(span.start.tz)


def measure(happened: Days, registered: Days, *, column: str, zone: Any) -> Lag:
    """Measure the lag between two columns of days since 1970.

    Examples
    --------
    >>> days = np.arange(200)
    >>> lag = measure(days, days + 3, column="registered", zone="Asia/Almaty")
    >>> lag.median, f"{lag.latest:%Y-%m-%d}", f"{lag.complete_until:%Y-%m-%d}"
    (3.0, '1970-07-22', '1970-07-19')
    """
    lag = registered - happened
    good = lag >= 0
    late = lag[good]
    until = None if len(late) < ENOUGH else _complete_until(happened[good], registered[good])
    return Lag(
        column=column,
        counted=len(late),
        negative=int((~good).sum()),
        median=float(np.median(late)) if len(late) else float("nan"),
        ninetieth=float(np.quantile(late, 0.9, method="higher")) if len(late) else float("nan"),
        after_week=float((late > 7).mean()) if len(late) else float("nan"),
        after_month=float((late > 30).mean()) if len(late) else float("nan"),
        latest=_stamp(int(registered.max()), zone) if len(registered) else None,
        complete_until=None if until is None else _stamp(until, zone),
    )


def _complete_until(happened: Days, registered: Days) -> int | None:
    first = int(np.quantile(registered, SLIPS, method="higher"))
    last = int(np.quantile(registered, 1 - SLIPS, method="lower"))
    half = (last - first) // 2
    older = (happened >= first) & (happened <= last - half)
    if older.sum() < ENOUGH:
        return None
    needed = int(np.quantile((registered - happened)[older], COMPLETE, method="higher"))
    return last - needed + 1 if needed <= half else None


def _local_days(found: Moments, zone: tzinfo | None) -> Days:
    """Return the local day of each moment, whatever where nothing is known."""
    wall = in_zone(found, zone or UTC).wall
    return np.asarray(wall.astype("M8[D]").astype(np.int64))


def _days(wall: pd.DatetimeIndex) -> Days:
    return np.asarray(wall.to_numpy().astype("M8[D]").astype(np.int64))


def _stamp(day: int, zone: Any) -> pd.Timestamp:
    midnight = pd.Timestamp(np.datetime64(day, "D"))
    return midnight.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
