"""Moments and periods of events, and how fast they are forgotten."""

from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError

Floats = npt.NDArray[np.float64]

Period = tuple[pd.Timestamp, pd.Timestamp]

_DAY = pd.Timedelta(days=1)


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


def period(start: Any, end: Any, *, what: str = "") -> Period:
    """Return an aware, non-empty half-open period, or raise `OptionError`."""
    first, last = aware(start, what=f"{what}start"), aware(end, what=f"{what}end")
    if last <= first:
        raise OptionError(
            f"{what}end {last.isoformat()} is not after {what}start {first.isoformat()}; "
            "give the earlier moment first."
        )
    return first, last


def moments(events: pd.DataFrame) -> pd.Series:
    """Return the middle of the interval each event happened in; NaT where nothing is known."""
    first = events["occurred_from"].fillna(events["occurred_to"])
    return first + (events["occurred_to"].fillna(first) - first) / 2


def own_period(events: pd.DataFrame) -> Period:
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
    observed: Period,
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
