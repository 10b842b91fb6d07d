"""Hours of the week and months of the year: how much of each event lies in a window."""

from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.risk.moments import Period

Floats = npt.NDArray[np.float64]

EVENTS_WORTH = 20.0
"""Events' worth of "no difference" in the factor of a weekday, an hour of one, or a month."""

_QUARTER_NS = 900 * 10**9
_HOUR_NS = 4 * _QUARTER_NS
_YEAR = np.array([31, 28.2425, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def hours_in(start: pd.Timestamp, end: pd.Timestamp, zone: tzinfo) -> Floats:
    """Measure the hours of [start, end) by local month and hour of the week.

    Exact for time zones whose offset is a whole number of quarter hours (all since 1972), over
    changes of the clock too.

    Returns
    -------
    (12, 168) float64
        Hour 0 is Monday 00-01.

    Examples
    --------
    >>> night = pd.to_datetime(["2026-11-22 20:00+05:00", "2026-11-23 02:30+05:00"])
    >>> hours = hours_in(*night, night.tz)
    >>> hours[10, [0, 2, 3, 164, 167]].tolist(), float(hours.sum())
    ([1.0, 0.5, 0.0, 1.0, 1.0], 6.5)
    """
    first, last = start.as_unit("ns").value, end.as_unit("ns").value
    inner = np.arange((first // _QUARTER_NS + 1) * _QUARTER_NS, last, _QUARTER_NS, dtype=np.int64)
    cuts = np.concatenate([[first], inner, [last]])
    local = pd.DatetimeIndex(cuts[:-1].astype("M8[ns]")).tz_localize("UTC").tz_convert(zone)
    slot = (local.month - 1) * 168 + local.day_of_week * 24 + local.hour
    counted = np.bincount(slot, weights=np.diff(cuts) / _HOUR_NS, minlength=12 * 168)
    hours: Floats = counted.astype(np.float64).reshape(12, 168)
    return hours


def week_factors(profile: pd.Series, covered: Period) -> Floats:
    """Compare each hour of the week with the same clock hour on all days, for one map.

    Parameters
    ----------
    profile
        Its events by hour of the week (`hour_profile`).
    covered
        The period they come from.

    Returns
    -------
    (7, 24) float64
        By weekday (Monday first) and clock hour; the mean over the days is 1 for each hour.

    Notes
    -----
    (o + A f) / (e + A) with the events o of the hour, those e that it would have
    if all days were alike, A = 20, and f the like of the whole day against 1.
    """
    watched = hours_in(*covered, covered[0].tz).sum(axis=0).reshape(7, 24)
    seen = profile.to_numpy(dtype=np.float64).reshape(7, 24)
    alike = seen.sum(axis=0) * watched / np.maximum(watched.sum(axis=0), 1e-9)
    day = _shrunk(seen.sum(axis=1), alike.sum(axis=1), np.ones(7))
    factor = _shrunk(seen, alike, np.repeat(day[:, None], 24, axis=1))
    out: Floats = factor / factor.mean(axis=0)
    return out


def month_factors(middle: pd.Series, covered: Period) -> Floats:
    """Compare the months of the year, for one map: (12,), 1 in the mean over a year."""
    watched = hours_in(*covered, covered[0].tz).sum(axis=1)
    seen = np.bincount(middle.dropna().dt.month - 1, minlength=12).astype(np.float64)
    factor = _shrunk(seen, seen.sum() * watched / watched.sum(), np.ones(12))
    out: Floats = factor / np.average(factor, weights=_YEAR)
    return out


def _shrunk(seen: Floats, alike: Floats, towards: Floats) -> Floats:
    out: Floats = (seen + EVENTS_WORTH * towards) / (alike + EVENTS_WORTH)
    return out


def in_window(clock: npt.NDArray[np.float32], window: Floats) -> Floats:
    """Return how often a window (24 weights of clock hours) holds each event.

    Summed row by row, so that an event's share does not depend on which others stand beside it.
    """
    whole = clock.astype(np.float64)
    out: Floats = (whole * window).sum(axis=1) / whole.sum(axis=1)
    return out


def weigh_window(
    start: pd.Timestamp, end: pd.Timestamp, zone: Any, week: Floats, months: Floats
) -> Floats:
    """Weigh the clock hours of [start, end): hours, times the factors of weekday and month.

    Returns
    -------
    (24,) float64
        A week without season holds each clock hour 7 times.
    """
    hours = months @ hours_in(start, end, zone)
    out: Floats = (hours.reshape(7, 24) * week).sum(axis=0)
    return out
