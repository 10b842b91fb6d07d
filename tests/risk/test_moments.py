"""Moments, periods and forgetting against slow, obvious counts."""

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import OptionError
from patrolmap.risk.moments import aware, forgetting, moments, own_period


def at(text: str, zone: str = "Asia/Almaty") -> pd.Timestamp:
    return pd.Timestamp(text, tz=zone)


def test_the_own_period_is_the_whole_local_days_from_first_to_last(incidents):
    minute = incidents([("crime", (0, 0), "2026-11-21 23:40", "minute")])
    assert own_period(minute) == (at("2026-11-21"), at("2026-11-22"))
    midnight = incidents([("crime", (0, 0), "2026-11-22 00:00", "minute")])
    assert own_period(midnight) == (at("2026-11-22"), at("2026-11-23"))
    days = incidents([("crime", (0, 0), d, "day") for d in ("2026-11-03", "2026-11-21")])
    assert own_period(days) == (at("2026-11-03"), at("2026-11-22"))


def test_the_own_period_ends_at_midnight_on_the_day_the_clock_jumps_forward(incidents):
    rows = [("crime", (0, 0), "2026-03-29 12:00", "minute")]
    start, end = own_period(incidents(rows, tz="Europe/Berlin"))
    assert (start, end) == (at("2026-03-29", "Europe/Berlin"), at("2026-03-30", "Europe/Berlin"))


def test_an_event_with_one_known_end_is_taken_to_happen_then(incidents):
    events = incidents([("crime", (0, 0), "2026-11-21 10:00", "minute")] * 2)
    events.iloc[0, events.columns.get_loc("occurred_to")] = pd.NaT
    events.iloc[1, events.columns.get_loc("occurred_from")] = pd.NaT
    assert moments(events).tolist() == [at("2026-11-21 10:00")] * 2


def test_an_event_one_half_life_old_counts_half_and_a_dateless_one_the_mean():
    end = at("2026-11-22")
    observed = (end - pd.Timedelta(days=30), end)
    middle = pd.Series([end - pd.Timedelta(days=10), pd.NaT], dtype="datetime64[us, Asia/Almaty]")
    decay, exposure = forgetting(middle, observed, pd.Timedelta(days=10))
    age = np.linspace(0, 30, 200_001)
    assert exposure == pytest.approx(np.trapezoid(2 ** (-age / 10), age), rel=1e-8)
    assert decay == pytest.approx([0.5, exposure / 30])


@pytest.mark.parametrize("value", ["2026-11-22 20:00", "tomorrow night", None, pd.NaT])
def test_a_moment_without_time_zone_or_sense_is_refused_with_the_mend(value):
    with pytest.raises(OptionError, match=r"start.*2026-11-22 20:00\+05:00"):
        aware(value, what="start")
