"""Clock slots, forgetting and the observed period against slow, obvious counts."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import OptionError
from patrolmap.risk._clock import ANY_HOUR, aware, forgetting, moments, own_period, slot_days, slots

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
    hours = np.zeros(25)
    for k in range(minutes):
        hours[(start + pd.Timedelta(minutes=k)).tz_convert(zone).hour] += 1 / 60
    hours[ANY_HOUR] = minutes / 1440
    return hours


@settings(deadline=None, max_examples=25)
@given(
    st.datetimes(pd.Timestamp("2026-03-27"), pd.Timestamp("2026-04-06")),
    st.integers(1, 900),
    st.sampled_from(ZONES),
)
def test_slot_days_equal_a_count_of_minutes_over_clock_changes_too(start, minutes, zone):
    first = pd.Timestamp(start).floor("min").tz_localize("UTC")
    last = first + pd.Timedelta(minutes=minutes)
    got = slot_days(first, last, ZoneInfo(zone))
    np.testing.assert_allclose(got, by_minutes(first, minutes, zone), atol=1e-9)


@pytest.mark.parametrize("start", ["2026-11-22 00:00", "2026-11-22 20:17:31.25"])
def test_any_24_hours_hold_each_clock_hour_once(start):
    days = slot_days(at(start), at(start) + pd.Timedelta(hours=24), ZoneInfo("Asia/Almaty"))
    assert days == pytest.approx([1.0] * 25, abs=1e-12)


def test_the_hour_that_a_clock_change_skips_is_not_counted_and_the_doubled_one_twice():
    zone = ZoneInfo("Europe/Berlin")
    spring = slot_days(at("2026-03-29", "Europe/Berlin"), at("2026-03-30", "Europe/Berlin"), zone)
    autumn = slot_days(at("2026-10-25", "Europe/Berlin"), at("2026-10-26", "Europe/Berlin"), zone)
    assert (spring[2], spring[3], spring[ANY_HOUR]) == (0, 1, 23 / 24)
    assert (autumn[2], autumn[3], autumn[ANY_HOUR]) == (2, 1, 25 / 24)


def test_only_events_known_to_the_hour_have_a_slot(incidents):
    events = incidents(
        [
            ("crime", (0, 0), "2026-11-21 23:40", "minute"),
            ("crime", (0, 0), "2026-11-21 05:00", "hour"),
            ("crime", (0, 0), "2026-11-21", "day"),
            ("crime", (0, 0), "2026-11-01", "month"),
            ("crime", (0, 0), None, "unknown"),
            ("crime", (0, 0), "2026-11-21 12:00", "minute"),
        ]
    )
    events.loc["crime:5", "occurred_to"] += pd.Timedelta(hours=9)  # some time that afternoon
    assert slots(events).tolist() == [23, 5, 24, 24, 24, 24]


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
