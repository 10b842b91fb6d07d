"""Hours of the week in which events happened: exact, by the share of an interval, or by habit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events.times.week import HOUR, HOURS, Bools, Ints, WeekClock, week_clock

Floats = npt.NDArray[np.float64]

SHORT = pd.Timedelta("24h")  # the longest interval that still tells a category's habit
PRIOR = 168.0  # events' worth of the wider group in a profile: one for each hour of the week
CHUNK = 1 << 15  # rows at a time: keeps the working memory near 200 MB

_NAT = np.iinfo(np.int64).min
_NEEDED = ("occurred_from", "occurred_to", "time_precision")

# What an event's time tells.
EXACT, SPREAD, DAYS, CAPPED, NOTHING = range(5)


def hour_weights(
    events: pd.DataFrame, *, longest: Any = "30D", by: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Share out each event over the 168 hours of the week.

    An event known to its hour has 1 there. One known by an interval is spread over the hours
    that the interval covers, in seconds, half-open and over changes of the clock (aoristic
    weights; an interval of a week or more wraps round). One whose hour is not known has the
    profile of its category on the days it may have happened, or over the whole week. Intervals
    above `longest` tell nothing of the hour and count as unknown. An event whose source states
    no end stands in the hour of its start, as in Ratcliffe's own programs.

    Parameters
    ----------
    events
        As `read_events` returns them. Hours are those of the zone of `occurred_from`.
    longest
        Interval in hours or days above which the hour is unknown.
    by
        Columns whose values share a profile, the widest first; default kind and category.

    Returns
    -------
    DataFrame
        float32, one row an event, columns 0 (Monday 00-01) to 167 (Sunday 23-24); each row adds
        up to 1. It takes 672 bytes an event, 0.67 GB a million: `hour_profile` adds up without
        it. `attrs["report"]` counts the events by what their time tells: exact, aoristic, days
        (hour unknown), capped, unknown; and without_end (among the exact), longest_interval,
        longest (both in days).

    Raises
    ------
    SchemaError
        If a column is missing, times have no zone, or an event ends before it starts.
    OptionError
        If `longest` is no positive duration.

    Notes
    -----
    The profile of a group is p = (sum w + K q) / (n + K), over its n events known exactly or to
    intervals of at most 24 h, with w their weights, K = 168 and q the profile of the wider group:
    category within kind within all events within the flat week. Days that are known take the
    part of p on their hours.

    References
    ----------
    Ratcliffe, J. H. (2000). Aoristic analysis: the spatial interpretation of unspecific temporal
    events. International Journal of Geographical Information Science 14(7), 669-679.
    doi:10.1080/136588100424963
    Ratcliffe, J. H. (2002). Aoristic signatures and the spatio-temporal analysis of high volume
    crime patterns. Journal of Quantitative Criminology 18(1), 23-43. doi:10.1023/A:1013240828824

    Examples
    --------
    >>> monday = pd.Timestamp("2024-05-06", tz="Asia/Almaty")
    >>> events = pd.DataFrame({"kind": "crime", "category": "theft",
    ...     "occurred_from": monday + pd.to_timedelta([20.5, 1.5], unit="h"),
    ...     "occurred_to": monday + pd.to_timedelta([20.5, 4], unit="h"),
    ...     "time_precision": ["minute", "period"]})
    >>> hour_weights(events)[[1, 2, 3, 20]].round(2).values.tolist()
    [[0.0, 0.0, 0.0, 1.0], [0.2..., 0.4..., 0.4..., 0.0]]
    """
    times = _read_times(events, _duration(longest))
    groups = _groups(events, _columns(events, by))
    out = np.zeros((len(events), HOURS), dtype=np.float32)
    for at, weights in _weights(times, groups):
        out[at] = weights
    table = pd.DataFrame(out, index=events.index, columns=range(HOURS), copy=False)
    table.attrs["report"] = times.report()
    return table


def clock_weights(events: pd.DataFrame) -> npt.NDArray[np.float32]:
    """Share out each event over the 24 hours of the day, (n, 24): a seventh of the memory.

    Examples
    --------
    >>> night = pd.Timestamp("2024-05-06 23:30", tz="Asia/Almaty")
    >>> events = pd.DataFrame({"kind": ["crime"], "category": "theft", "occurred_from": night,
    ...     "occurred_to": night + pd.Timedelta("1h"), "time_precision": "hour"})
    >>> clock_weights(events)[0, [22, 23, 0]].tolist()
    [0.0, 0.5, 0.5]
    """
    times = _read_times(events, _duration("30D"))
    out = np.zeros((len(events), 24), dtype=np.float32)
    for at, weights in _weights(times, _groups(events, _columns(events, None))):
        out[at] = weights.reshape(-1, 7, 24).sum(axis=1)
    return out


def hour_profile(
    events: pd.DataFrame, *, by: str | Sequence[str] | None = None, longest: Any = "30D"
) -> pd.DataFrame:
    """Count events by hour of the week: the sum of `hour_weights`, without its memory.

    Parameters
    ----------
    events
        As `read_events` returns them.
    by
        Columns to count apart; default all events together.
    longest
        As in `hour_weights`; profiles of unknown hours are by kind and category.

    Returns
    -------
    DataFrame
        float64, 168 rows (0 is Monday 00-01), a column a group; each column adds up to the
        number of its events. `attrs["report"]` as in `hour_weights`.

    Raises
    ------
    SchemaError, OptionError
        As `hour_weights` does.

    Examples
    --------
    >>> sunday = pd.Timestamp("2024-05-05", tz="Asia/Almaty")
    >>> events = pd.DataFrame({"kind": "crime", "category": ["theft", "robbery"],
    ...     "occurred_from": sunday + pd.to_timedelta([20, 22], unit="h"),
    ...     "occurred_to": sunday + pd.to_timedelta([24, 22], unit="h"),
    ...     "time_precision": ["period", "minute"]})
    >>> hour_profile(events, by="category").loc[[163, 164, 166]]
          robbery  theft
    hour
    163       0.0   0.00
    164       0.0   0.25
    166       1.0   0.25
    """
    from scipy.sparse import csr_array

    times = _read_times(events, _duration(longest))
    codes, names = np.zeros(len(events), dtype=np.int64), pd.Index(["all"])
    if by is not None:
        asked = list(_columns(events, by))
        parts = pd.DataFrame(events[asked]).groupby(
            asked if len(asked) > 1 else asked[0], dropna=False, observed=True
        )
        codes, names = parts.ngroup().to_numpy(), parts.size().index
    total = np.zeros((len(names), HOURS))
    for at, weights in _weights(times, _groups(events, _columns(events, None))):
        rows = np.arange(len(at) + 1)
        pick = csr_array((np.ones(len(at)), codes[at], rows), shape=(len(at), len(names)))
        total += pick.T @ weights
    table = pd.DataFrame(total.T, index=pd.RangeIndex(HOURS, name="hour"), columns=names)
    table.columns.names = [None] * names.nlevels
    table.attrs["report"] = times.report()
    return table


@dataclass(frozen=True, kw_only=True, eq=False)
class _Times:
    """When events happened, as numbers.

    Attributes
    ----------
    start, end : (n,) int64
        Microseconds of UTC; `end` is `start` where there is no interval.
    tells : (n,) int8
        EXACT, SPREAD, DAYS, CAPPED or NOTHING.
    open_end : (n,) bool
        Where the start is known but no end.
    limit : float
        Days above which an interval tells nothing.
    clock : WeekClock
    """

    start: Ints
    end: Ints
    tells: npt.NDArray[np.int8]
    open_end: Bools
    limit: float
    clock: WeekClock

    def report(self) -> dict[str, float]:
        """Count the events by what their time tells."""
        count = np.bincount(self.tells, minlength=5).tolist()
        spans = (self.end - self.start)[self.tells != NOTHING]
        longest = float(spans.max() / (24 * HOUR)) if len(spans) else 0.0
        return {
            "exact": count[EXACT], "aoristic": count[SPREAD], "days": count[DAYS],
            "capped": count[CAPPED], "unknown": count[NOTHING],
            "without_end": int(self.open_end.sum()), "longest_interval": longest,
            "longest": self.limit,
        }  # fmt: skip


def _read_times(events: pd.DataFrame, limit: pd.Timedelta) -> _Times:
    """Check the columns of time, and tell what each event's time tells."""
    _require_times(events)
    first, last = (_microseconds(events[name]) for name in ("occurred_from", "occurred_to"))
    known = first != _NAT
    open_end = known & (last == _NAT)
    fine = events["time_precision"].isin(["minute", "hour"]).to_numpy(dtype=bool)
    spans = known & ~open_end
    if (spans & (last < first)).any():
        row = int(np.flatnonzero(spans & (last < first))[0])
        one, other = events["occurred_from"].iloc[row], events["occurred_to"].iloc[row]
        raise SchemaError(
            f"event {events.index[row]!r} ends before it starts: from {one} to {other}; exchange "
            "the two, or leave it out."
        )
    some = first[known] if known.any() else np.zeros(1, dtype=np.int64)
    top = last[spans].max() if spans.any() else 0
    zone = events["occurred_from"].dt.tz
    clock = week_clock(zone, int(some.min()), max(int(some.max()), int(top)))
    start = np.where(known, first, 0)
    end = np.where(spans, last, start)
    length = end - start
    last_moment = np.maximum(end - 1, start)
    one_hour = (length <= HOUR) & (clock.hour(start) == clock.hour(last_moment))
    whole_days = (length > 0) & clock.starts_day(start) & clock.starts_day(end)
    long = length > limit // pd.Timedelta("1us")
    month = events["time_precision"].eq("month").to_numpy(dtype=bool)  # 31 days are not too long
    tells = np.select(
        [~known | (open_end & ~fine), one_hour, whole_days & (month | ~long), long],
        [NOTHING, EXACT, DAYS, CAPPED], SPREAD,
    ).astype(np.int8)  # fmt: skip
    return _Times(
        start=start, end=end, tells=tells, open_end=open_end, limit=limit / pd.Timedelta("1D"),
        clock=clock,
    )  # fmt: skip


def _require_times(events: pd.DataFrame) -> None:
    if not isinstance(events, pd.DataFrame):
        raise SchemaError(f"events is a {type(events).__name__}; wanted a table from read_events.")
    lost = [name for name in _NEEDED if name not in events]
    if lost:
        raise SchemaError(
            f"the table of events has no column {lost[0]!r}; wanted one from read_events."
        )
    for name in _NEEDED[:2]:
        if not isinstance(events[name].dtype, pd.DatetimeTZDtype):
            raise SchemaError(
                f"column {name!r} is {events[name].dtype}; wanted times with a zone, as "
                "read_events gives them, or .dt.tz_localize('Asia/Almaty')."
            )


def _microseconds(times: pd.Series) -> Ints:
    utc = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    return np.asarray(utc.astype("M8[us]").astype(np.int64))


def _duration(longest: Any) -> pd.Timedelta:
    try:
        limit = pd.Timedelta(longest)
    except (ValueError, TypeError) as error:
        raise OptionError(f"longest={longest!r} is no duration; wanted e.g. '30D'.") from error
    if limit is pd.NaT or limit <= pd.Timedelta(0):
        raise OptionError(f"longest={longest!r} is no positive duration; wanted e.g. '30D'.")
    return limit


def _columns(events: pd.DataFrame, by: str | Sequence[str] | None) -> tuple[str, ...]:
    if by is not None and not isinstance(by, Iterable):
        raise OptionError(f"by={by!r}; wanted the name of a column, or several.")
    names = ("kind", "category") if by is None else (by,) if isinstance(by, str) else tuple(by)
    lost = [name for name in names if name not in events]
    if lost:
        raise SchemaError(
            f"the table of events has no column {lost[0]!r}; it has {[str(c) for c in events]}."
        )
    return names


def _groups(events: pd.DataFrame, names: tuple[str, ...]) -> list[Ints]:
    """Return codes of nested groups: all events, then by the first column, by the first two ..."""
    levels = [np.zeros(len(events), dtype=np.int64)]
    for name in names:
        codes, values = pd.factorize(events[name], use_na_sentinel=False)
        pairs = levels[-1] * max(len(values), 1) + codes
        levels.append(pd.factorize(pairs)[0].astype(np.int64))
    return levels


def _weights(times: _Times, groups: list[Ints]) -> Iterator[tuple[Ints, Any]]:
    """Yield rows and their weights (m, 168), every row once, a chunk at a time."""
    start, end, finest = times.start, times.end, groups[-1]
    short = end - start <= SHORT // pd.Timedelta("1us")
    size = int(finest.max()) + 1 if len(finest) else 0
    total, count = np.zeros((size, HOURS)), np.zeros(size)
    hour = times.clock.hour(start)
    at = np.flatnonzero(times.tells == EXACT)
    np.add.at(total, (finest[at], hour[at]), 1.0)
    count += np.bincount(finest[at], minlength=size)
    for rows in _chunks(at):
        weights = np.zeros((len(rows), HOURS), dtype=np.float32)
        weights[np.arange(len(rows)), hour[rows]] = 1
        yield rows, weights
    for rows in _chunks(np.flatnonzero(times.tells == SPREAD)):
        shares = times.clock.covered(start[rows], end[rows]) / (end - start)[rows, None]
        tell = short[rows]
        np.add.at(total, finest[rows[tell]], shares[tell])
        count += np.bincount(finest[rows[tell]], minlength=size)
        yield rows, shares
    profile = _profiles(total, count, groups)
    for rows in _chunks(np.flatnonzero(np.isin(times.tells, (CAPPED, NOTHING)))):
        yield rows, profile[finest[rows]]
    yield from _on_days(times, profile, finest)


def _on_days(times: _Times, profile: Floats, finest: Ints) -> Iterator[tuple[Ints, Floats]]:
    """Yield the profiles of events whose days are known, on those days."""
    at = np.flatnonzero(times.tells == DAYS)
    spans = pd.MultiIndex.from_arrays([times.start[at], times.end[at]])
    code, days = spans.factorize()  # many events share a day
    first, last = (days.get_level_values(k).to_numpy(dtype=np.int64) for k in (0, 1))
    order = np.argsort(code, kind="stable")
    for piece in _chunks(order):
        here, inverse = np.unique(code[piece], return_inverse=True)
        hours = times.clock.covered(first[here], last[here]) / HOUR
        weights = profile[finest[at[piece]]] * hours[inverse]
        yield at[piece], weights / weights.sum(axis=1, keepdims=True)


def _profiles(total: Floats, count: Floats, groups: list[Ints]) -> Floats:
    """Shrink the profile of each finest group towards that of the wider ones."""
    profile = np.full(total.shape, 1 / HOURS)
    for codes in groups:
        wide = np.zeros(len(count), dtype=np.int64)
        wide[groups[-1]] = codes
        summed, n = np.zeros_like(total), np.zeros_like(count)
        np.add.at(summed, wide, total)
        np.add.at(n, wide, count)
        profile = (summed[wide] + PRIOR * profile) / (n[wide] + PRIOR)[:, None]
    return profile


def _chunks(rows: Ints) -> Iterator[Ints]:
    return (rows[k : k + CHUNK] for k in range(0, len(rows), CHUNK))
