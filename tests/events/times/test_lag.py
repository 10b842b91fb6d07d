"""The lag between an event and its registration: measured, and until when events are complete."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import SchemaError
from patrolmap.events import check_events
from patrolmap.events.times.lag import measure

ALMATY = "Asia/Almaty"


def read(dates, registered, column="registered", **options):
    """Read events at places of their own with a day of registration; return the report."""
    table = pd.DataFrame({"date": dates, column: registered})
    table["lon"] = 76.9 + np.arange(len(table)) / 10_000
    table["lat"] = 43.25
    return check_events(table, kind="crime", tz=ALMATY, now="2030-01-01", **options)


def test_the_lag_is_counted_in_days_of_the_calendar():
    dates = ["2024-05-01 23:50"] * 10
    days = ["02.05.2024", "01.05.2024", "03.05.2024", "09.05.2024", "10.05.2024", "02.06.2024",
            "01.05.2024", "02.05.2024", "02.05.2024", None]  # fmt: skip
    report = read(dates, days)
    lag = report.lag
    assert (lag.counted, lag.negative, lag.median, lag.ninetieth) == (9, 0, 1, 32)
    assert (lag.after_week, lag.after_month) == pytest.approx((3 / 9, 1 / 9))
    assert lag.latest == pd.Timestamp("2024-06-02", tz=ALMATY)
    assert lag.complete_until is None
    assert any("1 events have no day of registration" in note for note in report.notes)
    assert "  lag       median 1 days, 90 % within 32; 33.3 % later than 7 days" in report.summary()


def test_a_registration_before_the_event_is_counted_apart():
    lag = read(["2024-05-02", "2024-05-02", "2024-05-02"],
               ["2024-05-01", "2024-05-03", "2024-05-02"]).lag  # fmt: skip
    assert (lag.counted, lag.negative, lag.median) == (2, 1, 0.5)
    assert "1 before they happened" in lag.text()


def test_the_service_writes_both_moments_as_local_clocks():
    table = pd.DataFrame(
        {"DAT_SOVER": [1581193800000, 1581193800000], "DAT_VOZB": [1581165528000, 1581290000000],
         "lon": [76.9, 76.91], "lat": 43.25}
    )  # fmt: skip
    report = check_events(table, kind="crime", tz=ALMATY)
    assert (report.lag.median, report.lag.negative, report.lag.counted) == (0.5, 0, 2)
    assert report.events["occurred_from"].iloc[0] == pd.Timestamp("2020-02-08 20:30", tz=ALMATY)


def test_an_interval_counts_from_its_middle_and_a_month_not_at_all():
    table = pd.DataFrame(
        {"date_start": ["2024-05-01 10:00", "2024-05-01 10:00"],
         "date_end": ["2024-05-02 08:00", "2024-05-21 10:00"], "report_date": "2024-05-04",
         "lon": [76.9, 76.91], "lat": 43.25}
    )  # fmt: skip
    lag = check_events(table, kind="crime", tz=ALMATY).lag
    assert (lag.counted, lag.median, lag.column) == (1, 3, "report_date")


def test_a_source_without_registrations_has_no_lag():
    report = read(["2024-05-02"], ["2024-05-02"], column="other")
    assert report.lag is None
    assert "lag" not in report.summary()


def test_registrations_that_cannot_be_read_are_said_or_an_error_if_named():
    for days, why in ((["03/04/2024"], "day and month cannot be told apart"),
                      (["soon"], "holds no dates")):  # fmt: skip
        report = read(["2024-03-02"], days)
        assert report.lag is None and report.kept == 1
        assert any(why in note for note in report.notes)
        with pytest.raises(SchemaError, match=r"day first or month first|has no dates"):
            read(["2024-03-02"], days, columns={"registered": "registered"})


def test_registrations_in_the_future_are_left_out_and_said():
    report = read(["2024-05-02"] * 2, ["2024-05-03", "2124-05-03"])
    assert report.lag.counted == 1
    assert any("1 were registered in the future" in note for note in report.notes)


def test_the_newest_weeks_are_told_incomplete():
    random = np.random.default_rng(3)
    happened = random.integers(0, 365, 20_000)
    registered = happened + random.exponential(10, 20_000).astype(int)
    seen = registered <= 364
    lag = measure(happened[seen], registered[seen], column="r", zone=ALMATY)
    until = (lag.complete_until - pd.Timestamp("1970-01-01", tz=ALMATY)).days
    assert seen[happened == until - 1].mean() > 0.85
    assert seen[happened < until][happened[happened < until] > until - 10].mean() > 0.94
    assert seen[(happened > until + 5)].mean() < 0.9


def test_a_slip_of_the_year_does_not_move_the_newest_weeks():
    happened = np.arange(0, 3650) // 10
    registered = happened + np.arange(3650) % 5
    clean = measure(happened, registered, column="r", zone=ALMATY)
    registered[7] += 366
    slipped = measure(happened, registered, column="r", zone=ALMATY)
    assert abs(slipped.complete_until - clean.complete_until) <= pd.Timedelta("1D")


def test_lags_as_long_as_the_data_promise_nothing():
    happened = np.arange(100)
    lag = measure(happened, happened + np.where(happened % 3, 120, 0), column="r", zone=ALMATY)
    assert lag.complete_until is None
    assert "too long lags" in lag.text()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2000), st.integers(-5, 400)), max_size=60),
    st.integers(-3000, 3000),
)
def test_moving_all_dates_moves_only_dates(pairs, shift):
    happened = np.array([day for day, _ in pairs], dtype=np.int64)
    registered = happened + np.array([lag for _, lag in pairs], dtype=np.int64)
    one = measure(happened, registered, column="r", zone="UTC")
    other = measure(happened + shift, registered + shift, column="r", zone="UTC")
    assert one.counted + one.negative == len(pairs)
    np.testing.assert_equal(
        [one.median, one.ninetieth, one.after_week, one.after_month],
        [other.median, other.ninetieth, other.after_week, other.after_month],
    )
    if one.complete_until is not None:
        assert other.complete_until - one.complete_until == pd.Timedelta(days=shift)
        assert one.complete_until <= one.latest + pd.Timedelta("1D")
    assert one.text()


def test_a_lag_of_events_all_registered_too_early_says_so():
    lag = read(["2024-05-02"] * 3, ["2024-05-01"] * 3).lag
    assert lag.text() == "3 events were registered before they happened, none after"
    assert (
        read(
            ["2024-05-02"],
            [
                None,
            ],
        ).lag
        is None
    )
