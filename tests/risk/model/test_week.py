"""Hours of windows, weekdays and months against slow, obvious counts."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.risk.model.week import hours_in, month_factors, week_factors, weigh_window

ZONES = [
    "Asia/Almaty",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
]


def at(text: str, zone: str = "Asia/Almaty") -> pd.Timestamp:
    return pd.Timestamp(text, tz=zone)


def by_minutes(start: pd.Timestamp, minutes: int, zone: str) -> np.ndarray:
    """The oracle: look at the wall clock every minute."""
    hours = np.zeros((12, 168))
    for k in range(minutes):
        local = (start + pd.Timedelta(minutes=k)).tz_convert(zone)
        hours[local.month - 1, local.day_of_week * 24 + local.hour] += 1 / 60
    return hours


@settings(deadline=None, max_examples=25)
@given(
    st.datetimes(pd.Timestamp("2026-03-27"), pd.Timestamp("2026-04-06")),
    st.integers(1, 900),
    st.sampled_from(ZONES),
)
def test_hours_equal_a_count_of_minutes_over_clock_changes_too(start, minutes, zone):
    first = pd.Timestamp(start).floor("min").tz_localize("UTC")
    last = first + pd.Timedelta(minutes=minutes)
    got = hours_in(first, last, ZoneInfo(zone))
    np.testing.assert_allclose(got, by_minutes(first, minutes, zone), atol=1e-9)


def test_the_hour_that_a_clock_change_skips_is_not_counted_and_the_doubled_one_twice():
    zone = ZoneInfo("Europe/Berlin")
    spring = hours_in(at("2026-03-29", "Europe/Berlin"), at("2026-03-30", "Europe/Berlin"), zone)
    autumn = hours_in(at("2026-10-25", "Europe/Berlin"), at("2026-10-26", "Europe/Berlin"), zone)
    assert spring[2, 146:148].tolist() == [0, 1]
    assert autumn[9, 146:148].tolist() == [2, 1]
    assert (spring.sum(), autumn.sum()) == (23, 25)


@pytest.mark.parametrize("start", ["2026-11-22 00:00", "2026-11-22 20:17:31.25"])
def test_any_seven_days_hold_each_clock_hour_seven_times_whatever_the_weekdays(start):
    week = np.random.default_rng(1).uniform(0.5, 1.5, (7, 24))
    week /= week.mean(axis=0)
    first = at(start)
    window = weigh_window(first, first + pd.Timedelta("7D"), first.tz, week, np.ones(12))
    assert window == pytest.approx([7.0] * 24, abs=1e-12)


EIGHT_WEEKS = at("2026-09-07"), at("2026-11-02")


def test_a_weekday_with_twice_the_events_weighs_nearly_twice():
    seen = np.full((7, 24), 100.0)
    seen[5] = 200.0
    week = week_factors(pd.Series(seen.ravel()), EIGHT_WEEKS)
    assert week.mean(axis=0) == pytest.approx([1.0] * 24)
    assert (week[5] / week[0]) == pytest.approx([2.0] * 24, rel=0.02)


def test_few_events_tell_next_to_nothing_of_the_weekdays():
    seen = np.zeros((7, 24))
    seen[4, 21] = 2.0
    assert week_factors(pd.Series(seen.ravel()), EIGHT_WEEKS) == pytest.approx(1.0, abs=0.2)


def test_a_day_that_the_period_holds_more_often_is_not_thought_busier():
    nine_mondays = at("2026-09-07"), at("2026-11-03")
    seen = np.full((7, 24), 80.0)
    seen[0] = 90.0
    assert week_factors(pd.Series(seen.ravel()), nine_mondays) == pytest.approx(1.0, abs=1e-9)


def test_months_are_compared_over_a_year_whose_mean_is_one():
    days = pd.date_range("2024-01-01", "2025-12-31", freq="6h", tz="Asia/Almaty").to_series()
    busy = pd.concat([days, days[days.dt.month == 7]])
    months = month_factors(busy, (at("2024-01-01"), at("2026-01-01")))
    lengths = pd.date_range("2025-01-01", periods=12, freq="MS").days_in_month
    assert np.average(months, weights=lengths) == pytest.approx(1, abs=1e-3)
    assert months[6] / months[0] == pytest.approx(2, rel=0.05)
