"""Hours of the week: every event shared out whole, and where its hour is not known, by habit."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events import check_events, hour_profile, hour_weights
from patrolmap.events.hours import clock_weights
from shared import shared_file

ALMATY = "Asia/Almaty"
NEW_YORK = "America/New_York"  # its clock turns twice a year
MONDAY = pd.Timestamp("2024-05-06")
FEW = settings(max_examples=30, deadline=None)


def table(rows, tz=ALMATY):
    """Make events of (from, to, precision[, category]) on the wall clock; None for unknown."""
    frame = pd.DataFrame([(*row, "theft")[:4] for row in rows],
                         columns=["from", "to", "time_precision", "category"])  # fmt: skip
    ends = {
        f"occurred_{end}": pd.DatetimeIndex(pd.to_datetime(frame[end], format="mixed"))
        .as_unit("us").tz_localize(tz, ambiguous=True, nonexistent="shift_forward")
        for end in ("from", "to")
    }  # fmt: skip
    index = pd.Index([f"crime:{k}" for k in range(len(frame))], name="event_id")
    return pd.DataFrame({"kind": "crime", "category": frame["category"].to_numpy(),
                         "time_precision": frame["time_precision"].to_numpy(), **ends},
                        index=index)  # fmt: skip


def instants(pairs, tz=NEW_YORK):
    """Make events of (seconds since 1970, seconds long)."""
    start = pd.DatetimeIndex(np.array([s for s, _ in pairs], dtype="M8[s]"), tz="UTC")
    end = start + pd.to_timedelta([length for _, length in pairs], unit="s")
    return pd.DataFrame({"kind": "crime", "category": "theft", "time_precision": "period",
                         "occurred_from": start.tz_convert(tz),
                         "occurred_to": end.tz_convert(tz)})  # fmt: skip


def by_minutes(start, end):
    """Enumerate every minute of [start, end) and count the hours of the week: the oracle."""
    minutes = pd.date_range(start, end, freq="min", inclusive="left")
    hours = minutes.day_of_week * 24 + minutes.hour
    return np.bincount(hours, minlength=168) / len(minutes)


def hours_of(*rows, **options):
    weights = hour_weights(table(rows), **options)
    return [row[row > 0].to_dict() for _, row in weights.iterrows()]


def test_an_event_known_to_the_minute_stands_in_its_local_hour():
    assert hours_of(("2024-05-06 00:00", "2024-05-06 00:00", "minute"),
                    ("2024-05-12 23:59", "2024-05-12 23:59", "minute"),
                    ("2024-05-08 11:00", "2024-05-08 11:00", "minute")) == [
        {0: 1}, {167: 1}, {59: 1}
    ]  # fmt: skip


def test_an_interval_is_half_open():
    assert hours_of(("2024-05-06 10:00", "2024-05-06 11:00", "hour"),
                    ("2024-05-06 10:00", "2024-05-06 12:00", "period")) == [
        {10: 1}, {10: 0.5, 11: 0.5}
    ]  # fmt: skip


def test_an_interval_is_shared_out_by_its_seconds():
    (weights,) = hours_of(("2024-05-12 23:59:30", "2024-05-13 00:00:10", "hour"))
    assert weights == pytest.approx({167: 0.75, 0: 0.25})


def test_a_repeated_hour_counts_twice_on_the_night_almaty_changed_its_clock():
    events = table([("2024-02-29 22:00", "2024-03-01 01:00", "period")])
    assert (events["occurred_to"] - events["occurred_from"]).iloc[0] == pd.Timedelta("4h")
    weights = hour_weights(events).iloc[0]
    assert weights[weights > 0].to_dict() == {94: 0.25, 95: 0.5, 96: 0.25}


def test_a_skipped_hour_counts_for_nothing():
    events = table([("2024-03-10 00:30", "2024-03-10 04:30", "period")], NEW_YORK)
    weights = hour_weights(events).iloc[0]
    expected = {144: 1 / 6, 145: 1 / 3, 147: 1 / 3, 148: 1 / 6}
    assert weights[weights > 0].to_dict() == pytest.approx(expected)


@pytest.mark.parametrize("tz", [ALMATY, NEW_YORK, "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])
def test_intervals_agree_with_every_minute_counted(tz):
    random = np.random.default_rng(5)
    start = random.integers(28_400_000, 28_900_000, 40).astype("M8[m]")
    start[:8] = np.array(["2024-02-29T13:10", "2024-03-10T05:20", "2024-11-03T03:30",
                          "2024-04-06T13:40"] * 2, dtype="M8[m]")  # fmt: skip
    start = pd.DatetimeIndex(start, tz="UTC")
    length = np.concatenate([random.integers(400, 600, 4), random.integers(2, 1500, 21),
                             random.integers(1500, 43_000, 15)])  # fmt: skip
    events = pd.DataFrame({"kind": "crime", "category": "theft", "time_precision": "period",
                           "occurred_from": start.tz_convert(tz)})  # fmt: skip
    events["occurred_to"] = events["occurred_from"] + pd.to_timedelta(length, unit="min")
    crossed = events["occurred_from"].map(lambda t: t.utcoffset()) != events["occurred_to"].map(
        lambda t: t.utcoffset()
    )
    assert crossed.any() == (tz not in ("Asia/Kathmandu", "UTC"))
    expected = [by_minutes(*ends) for ends in zip(events["occurred_from"], events["occurred_to"],
                                                  strict=True)]  # fmt: skip
    np.testing.assert_allclose(hour_weights(events).to_numpy(), expected, atol=1e-6)


moments = st.integers(1_500_000_000, 1_750_000_000)
lengths = st.one_of(st.just(0), st.integers(1, 3600), st.integers(1, 29 * 86_400),
                    st.integers(1, 3 * 10**8))  # fmt: skip


@FEW
@given(st.lists(st.tuples(moments, lengths), min_size=1, max_size=12))
def test_every_event_is_shared_out_whole_whatever_its_order(pairs):
    events = instants(pairs)
    weights = hour_weights(events)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert (weights >= 0).all(axis=None)
    turned = hour_weights(events.iloc[::-1]).iloc[::-1]
    np.testing.assert_allclose(weights, turned, atol=1e-6)
    assert hour_profile(events)["all"].sum() == pytest.approx(len(events))


@FEW
@given(st.lists(st.tuples(moments, lengths), min_size=1, max_size=8), st.integers(-90, 90))
def test_a_whole_number_of_weeks_later_the_hours_are_the_same(pairs, weeks):
    later = [(start + weeks * 7 * 86_400, length) for start, length in pairs]
    one, other = (hour_weights(instants(p, "Asia/Tashkent")) for p in (pairs, later))
    np.testing.assert_allclose(one, other, atol=1e-6)


@FEW
@given(moments.map(lambda s: s // 60 * 60 + 7), st.integers(1, 12 * 86_400),
       st.integers(1, 12 * 86_400))  # fmt: skip
def test_an_interval_is_the_mean_of_its_parts_by_their_length(start, one, two):
    parts = hour_weights(instants([(start, one), (start + one, two)])).to_numpy(dtype=float)
    whole = hour_weights(instants([(start, one + two)])).to_numpy(dtype=float)[0]
    np.testing.assert_allclose(whole, np.average(parts, axis=0, weights=[one, two]), atol=1e-6)


def test_an_interval_of_two_weeks_wraps_round_evenly():
    (weights,) = hours_of(("2024-05-01 10:30", "2024-05-15 10:30", "month"))
    assert list(weights.values()) == pytest.approx([1 / 168] * 168)


def habit(count=2000, hour=21, category="theft"):
    """Make events of one category that always happen at the same hour, on all days alike."""
    days = [MONDAY + pd.Timedelta(days=k % 7 + 7 * (k // 7 % 8), hours=hour) for k in range(count)]
    return [(day, day, "minute", category) for day in days]


def test_a_day_without_an_hour_takes_the_habit_of_its_category_on_that_day():
    rows = [*habit(), *habit(hour=3, category="damage"),
            ("2024-05-08", "2024-05-09", "day", "theft"),
            ("2024-05-08", "2024-05-09", "day", "damage")]  # fmt: skip
    theft, damage = hour_weights(table(rows)).iloc[-2:].to_numpy()
    wednesday = slice(48, 72)
    assert theft[wednesday].sum() == pytest.approx(1) == damage[wednesday].sum()
    assert theft[48 + 21] > 0.8 and damage[48 + 3] > 0.8
    assert damage[48 + 21] < 0.1


def test_a_profile_shrinks_towards_the_wider_one_by_168_events():
    rows = [("2024-05-06 21:00", "2024-05-06 21:00", "minute", "theft"), (None, None, "unknown")]
    known = hour_weights(table(rows), by=()).iloc[1]
    flat = 1 / 168
    assert known[21] == pytest.approx((1 + 168 * flat) / 169, rel=1e-5)
    assert known[0] == pytest.approx(168 * flat / 169, rel=1e-5)
    twice = hour_weights(table(rows), by="category").iloc[1]
    assert twice[21] == pytest.approx((1 + 168 * (1 + 168 * flat) / 169) / 169, rel=1e-5)


def test_a_category_without_known_hours_takes_the_habit_of_all():
    rows = [*habit(), ("2024-05-08", "2024-05-09", "day", "fraud")]
    weights = hour_weights(table(rows)).iloc[-1]
    assert weights.idxmax() == 69 and weights[69] > 0.8


def test_without_any_known_hour_a_day_is_flat():
    (weights,) = hours_of(("2024-05-08", "2024-05-09", "day"))
    assert weights == pytest.approx(dict.fromkeys(range(48, 72), 1 / 24))


def test_a_day_of_twenty_five_hours_leans_to_the_repeated_one():
    (weights,) = hours_of(("2024-02-29", "2024-03-01", "day"))
    assert weights[95] == pytest.approx(2 / 25) and weights[94] == pytest.approx(1 / 25)


def test_a_day_whose_midnight_the_clock_skips_is_a_day_all_the_same():
    weights = hour_weights(table([("2018-11-04", "2018-11-05", "day")], "America/Sao_Paulo"))
    assert weights.attrs["report"]["days"] == 1
    row = weights.iloc[0]
    assert row[row > 0].to_dict() == pytest.approx(dict.fromkeys(range(145, 168), 1 / 23))


def test_months_and_unknown_times_take_the_habit_of_the_week():
    rows = [*habit(), ("2024-05-01", "2024-06-01", "month"), (None, None, "unknown")]
    month, unknown = hour_weights(table(rows)).iloc[-2:].to_numpy()
    assert unknown[21::24] == pytest.approx(np.full(7, unknown[21]), rel=0.02)
    assert unknown[21::24].sum() > 0.8 and month[21::24].sum() > 0.8
    assert month[24 * 2 + 21] > month[24 * 5 + 21]  # May 2024 had five Wednesdays, four Saturdays


def test_an_interval_above_the_longest_counts_as_unknown_and_is_said():
    rows = [*habit(), ("2024-05-01 10:00", "2024-06-15 10:00", "unknown"),
            (None, None, "unknown")]  # fmt: skip
    weights = hour_weights(table(rows))
    np.testing.assert_array_equal(weights.iloc[-2], weights.iloc[-1])
    report = weights.attrs["report"]
    assert (report["capped"], report["unknown"], report["longest"]) == (1, 1, 30)
    assert report["longest_interval"] == 45
    kept = hour_weights(table(rows), longest="60D")
    assert kept.attrs["report"]["capped"] == 0
    assert kept.iloc[-2].max() < 0.01


def test_intervals_above_a_day_do_not_make_the_habit():
    rows = [*habit(200), *[("2024-05-06 10:30", "2024-05-09 10:30", "month")] * 500]
    with_long, without = (hour_weights(table([*r, (None, None, "unknown")])).iloc[-1]
                          for r in (rows, habit(200)))  # fmt: skip
    np.testing.assert_array_equal(with_long, without)


def test_an_event_without_an_end_stands_at_its_start_and_is_counted():
    weights = hour_weights(table([("2024-05-06 20:30", None, "minute"),
                                  ("2024-05-06 20:30", "2024-05-06 20:30", "minute"),
                                  ("2024-05-06", None, "day")]))  # fmt: skip
    assert weights[20].iloc[:2].tolist() == [1, 1]
    report = weights.attrs["report"]
    assert (report["exact"], report["unknown"], report["without_end"]) == (2, 1, 2)


def test_profiles_are_the_sums_of_the_weights_by_any_column():
    rows = [*habit(30), *habit(20, 3, "damage"), ("2024-05-08", "2024-05-09", "day", "damage"),
            ("2024-05-01 10:30", "2024-05-03 11:00", "month", "theft"),
            (None, None, "unknown")]  # fmt: skip
    events = table(rows)
    weights = hour_weights(events)
    by_category = hour_profile(events, by="category")
    assert by_category.shape == (168, 2) and list(by_category) == ["damage", "theft"]
    assert by_category.sum().to_dict() == pytest.approx({"damage": 21, "theft": 32})
    expected = weights.groupby(events["category"]).sum().T
    np.testing.assert_allclose(by_category, expected, atol=1e-4)
    both = hour_profile(events, by=["kind", "category"])
    np.testing.assert_array_equal(both[("crime", "theft")], by_category["theft"])
    np.testing.assert_allclose(hour_profile(events)["all"], by_category.sum(axis=1), atol=1e-9)
    day = weights.to_numpy().reshape(-1, 7, 24).sum(axis=1)
    np.testing.assert_allclose(clock_weights(events), day, atol=1e-6)


def test_many_rows_are_done_in_pieces(monkeypatch):
    rows = [*habit(30), ("2024-05-08", "2024-05-09", "day"), (None, None, "unknown"),
            *[("2024-05-01 10:30", f"2024-05-03 {h}:00", "month")
              for h in range(10, 24)]]  # fmt: skip
    whole = hour_weights(table(rows))
    monkeypatch.setattr("patrolmap.events.hours.CHUNK", 3)
    np.testing.assert_allclose(hour_weights(table(rows)), whole, atol=1e-6)


def test_the_events_given_stay_as_they_are():
    events = table([*habit(5), (None, None, "unknown")])
    before = events.copy()
    hour_weights(events)
    pd.testing.assert_frame_equal(events, before)


def test_no_events_give_no_rows():
    empty = table(habit(1)).iloc[:0]
    assert hour_weights(empty).shape == (0, 168)
    assert hour_profile(empty).sum().sum() == 0


def test_what_is_no_table_of_events_is_an_error():
    events = table([("2024-05-06 20:30", "2024-05-06 10:30", "minute")])
    with pytest.raises(SchemaError, match=r"'crime:0' ends before it starts.*exchange the two"):
        hour_weights(events)
    good = table(habit(2))
    with pytest.raises(SchemaError, match="no column 'time_precision'"):
        hour_weights(good.drop(columns="time_precision"))
    with pytest.raises(SchemaError, match="no column 'district'"):
        hour_weights(good, by="district")
    with pytest.raises(OptionError, match="by=5; wanted the name of a column"):
        hour_weights(good, by=5)
    with pytest.raises(SchemaError, match="wanted times with a zone"):
        hour_weights(good.assign(occurred_from=good["occurred_from"].dt.tz_localize(None)))
    with pytest.raises(SchemaError, match="wanted a table from read_events"):
        hour_weights([1, 2])


@pytest.mark.parametrize("longest", ["soon", 0, "-1D", None, "NaT"])
def test_a_longest_that_is_no_duration_is_an_error(longest):
    with pytest.raises(OptionError, match="longest="):
        hour_weights(table(habit(2)), longest=longest)


@pytest.mark.shared
def test_new_york_thefts_are_shared_out_with_their_longest_and_open_ends_said():
    report = check_events(shared_file("nyc/nyc_vehicle_thefts.parquet"), kind="crime", tz=NEW_YORK)
    events = report.events
    weights = hour_weights(events)
    said = weights.attrs["report"]
    assert said["without_end"] == 2_852
    assert 2_557 < said["longest_interval"] < 2_558
    assert said["capped"] == 1_370
    counted = ("exact", "aoristic", "days", "capped", "unknown")
    assert sum(said[name] for name in counted) == len(events) == 35_746
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    profile = hour_profile(events)["all"]
    np.testing.assert_allclose(profile, weights.to_numpy(dtype=float).sum(axis=0), rtol=1e-4)
    some = events.index[events["occurred_to"].notna()][::1500]
    for event in some:
        start, end = events.loc[event, ["occurred_from", "occurred_to"]]
        if pd.Timedelta("1h") < end - start < pd.Timedelta("30D"):
            np.testing.assert_allclose(weights.loc[event], by_minutes(start, end), atol=1e-6)
