"""Time behind the risk: clock slots of events and windows, forgetting, the observed period."""

from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ANY_HOUR = 24  # the slot of an event whose clock hour is unknown; slots 0-23 are clock hours
SLOTS = 25

_HOUR = pd.Timedelta(hours=1)
_DAY = pd.Timedelta(days=1)
_QUARTER_NS = 900 * 10**9
_HOUR_NS = 4 * _QUARTER_NS


def aware(value: Any, *, what: str) -> pd.Timestamp:
    """Return a moment as an aware Timestamp, or raise `OptionError` naming `what`."""
    try:
        moment = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"{what}={value!r} is not a time; wanted one like '2026-11-22 20:00+05:00'."
        ) from error
    if moment is pd.NaT:
        raise OptionError(f"{what} is missing; wanted a time like '2026-11-22 20:00+05:00'.")
    if moment.tzinfo is None:
        raise OptionError(
            f"{what}={value!r} has no time zone; write it with one, "
            "like '2026-11-22 20:00+05:00', or use .tz_localize('Asia/Almaty')."
        )
    return moment


def period(start: Any, end: Any, *, what: str = "") -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return an aware, non-empty half-open period, or raise `OptionError`."""
    first, last = aware(start, what=f"{what}start"), aware(end, what=f"{what}end")
    if last <= first:
        raise OptionError(
            f"{what}end {last.isoformat()} is not after {what}start {first.isoformat()}; "
            "give the earlier moment first."
        )
    return first, last


def slot_days(start: pd.Timestamp, end: pd.Timestamp, zone: tzinfo) -> Floats:
    """Measure how many days' worth of each clock slot lie in [start, end).

    A clock hour comes once a day, so each hour of it in the window is a day's worth; for an
    unknown hour a day's worth is 24 hours. Exact for time zones whose offset is a whole number of
    quarter hours (all since 1972), over changes of the clock too.

    Returns
    -------
    (25,) float64
        Slots 0-23 by local clock hour, then the slot of unknown hours.

    Examples
    --------
    >>> night = pd.to_datetime(["2026-11-22 20:00+05:00", "2026-11-23 02:30+05:00"])
    >>> slot_days(*night, night.tz)[[0, 2, 3, 20, 24]].tolist()
    [1.0, 0.5, 0.0, 1.0, 0.2708333333333333]
    """
    first, last = start.as_unit("ns").value, end.as_unit("ns").value
    inner = np.arange((first // _QUARTER_NS + 1) * _QUARTER_NS, last, _QUARTER_NS, dtype=np.int64)
    cuts = np.concatenate([[first], inner, [last]])
    hour = pd.DatetimeIndex(cuts[:-1].astype("M8[ns]")).tz_localize("UTC").tz_convert(zone).hour
    counted = np.bincount(hour, weights=np.diff(cuts) / _HOUR_NS, minlength=SLOTS)
    hours: Floats = counted.astype(np.float64)
    hours[ANY_HOUR] = (last - first) / (24 * _HOUR_NS)
    return hours


def slots(events: pd.DataFrame) -> Ints:
    """Return each event's clock slot: its local hour, or `ANY_HOUR` where that is not known.

    The hour is that of the middle of the interval the event happened in; one that may have
    happened at any time of more than an hour has none.
    """
    middle = moments(events)
    known = events["time_precision"].isin(["minute", "hour"]) & middle.notna()
    known &= ~(events["occurred_to"] - events["occurred_from"] > _HOUR)
    hour = middle.dt.hour.fillna(ANY_HOUR).to_numpy(dtype=np.int64)
    return np.where(known, hour, ANY_HOUR)


def moments(events: pd.DataFrame) -> pd.Series:
    """Return the middle of the interval each event happened in; NaT where nothing is known."""
    first = events["occurred_from"].fillna(events["occurred_to"])
    return first + (events["occurred_to"].fillna(first) - first) / 2


def own_period(events: pd.DataFrame) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the whole local days from the first event to the last.

    Whole days, because then every clock hour was watched equally long.
    """
    middle = moments(events)
    if middle.isna().all():
        raise OptionError(
            "no event has a time, so the period they cover is unknown; "
            "give it as observed=(start, end)."
        )
    vague = events["time_precision"] == "unknown"
    first = events["occurred_from"].mask(vague, middle).fillna(middle)
    last = events["occurred_to"].mask(vague, middle).fillna(middle)
    last = last.where(last > first, first + pd.Timedelta(minutes=1))  # half-open: holds the last
    zone = first.dt.tz
    return (
        _on_wall(first.min().tz_localize(None).floor("D"), zone),
        _on_wall(last.max().tz_localize(None).ceil("D"), zone),
    )


def _on_wall(midnight: pd.Timestamp, zone: tzinfo) -> pd.Timestamp:
    """Return a local midnight; where the clock jumps over it, the day starts at 01:00."""
    return midnight.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)


def forgetting(
    middle: pd.Series,
    observed: tuple[pd.Timestamp, pd.Timestamp],
    half_life: pd.Timedelta | None,
) -> tuple[Floats, float]:
    """Weigh events by age, and measure the observed period in the same weight.

    Returns
    -------
    decay : (n_events,) float64
        r = 2 ** (-(observed end - t) / half-life), 1 without one; for events without a time the
        mean over the period, W / days.
    exposure : float
        W, the integral of the same decay over the observed period, in days.
    """
    days = (observed[1] - observed[0]) / _DAY
    if half_life is None:
        return np.ones(len(middle)), days
    half = half_life / _DAY
    exposure = half / np.log(2) * -np.expm1(-np.log(2) * days / half)
    age = ((observed[1] - middle) / _DAY).to_numpy(dtype=np.float64, na_value=np.nan)
    decay = np.exp2(-age / half)
    return np.where(np.isnan(age), exposure / days, decay), float(exposure)
