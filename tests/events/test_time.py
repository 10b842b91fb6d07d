"""Dates of every usual form, and the traps of clocks."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events import check_events
from patrolmap.events._moments import read_clock

ALMATY = "Asia/Almaty"


def read(values, tz=ALMATY, **options):
    """Read dates at places of their own; return the report."""
    columns = values if isinstance(values, dict) else {"date": values}
    table = pd.DataFrame(columns)
    table["lon"] = 76.9 + np.arange(len(table)) / 1000
    table["lat"] = 43.25
    return check_events(table, kind="crime", tz=tz, now="2030-01-01", **options)


def spans(values, tz=ALMATY, **options):
    """Return (start, end, precision) as text in UTC."""
    events = read(values, tz, **options).events
    ends = [events[name].dt.tz_convert("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S").tolist()
            for name in ("occurred_from", "occurred_to")]  # fmt: skip
    return list(zip(*ends, events["time_precision"], strict=True))


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-31 20:30", "2024-05-31T20:30:00", "2024/05/31 20:30:00.000", "31.05.2024 20:30",
        "31.5.24 20:30", "05/31/2024 8:30 PM", "5/31/24 08:30:00 p.m.", "31-05-2024, 20:30",
        "2024-05-31T15:30:00Z", "2024-05-31 15:30:00+00:00", "2024-05-31T18:30+0300",
        "2024-05-31 10:30:00.123456-05", "1717169400", "1717169400000",
    ],
)  # fmt: skip
def test_usual_forms_of_one_moment_read_alike(written):
    moment = "2024-05-31T15:30:00"
    assert spans([written]) == [(moment, moment, "minute")]


@pytest.mark.parametrize(
    "written", ["2024-05-31", "31.05.2024", "31/05/2024", "5/31/2024", "2024/5/31", "20240531",
                "2024-05-31T00:00:00", "2024-05-31 00:00:00Z", " 31.05.2024 "],
)  # fmt: skip
def test_a_date_without_an_hour_spans_its_local_day(written):
    assert spans([written]) == [("2024-05-30T19:00:00", "2024-05-31T19:00:00", "day")]


def test_an_hour_or_a_month_alone_spans_itself():
    assert spans(["2024-05-31 20"]) == [("2024-05-31T15:00:00", "2024-05-31T16:00:00", "hour")]
    assert spans(["2024-05"]) == [("2024-04-30T19:00:00", "2024-05-31T19:00:00", "month")]


@pytest.mark.parametrize(
    "values",
    [
        pd.to_datetime(["2024-05-31 20:30"]),
        pd.to_datetime(["2024-05-31 15:30"]).tz_localize("UTC"),
        [dt.datetime(2024, 5, 31, 20, 30)],
        pd.Series([dt.datetime(2024, 5, 31, 20, 30)], dtype=object),
        pd.Series(["2024-05-31 20:30"], dtype="category"),
        [1717169400],
        [1717169400000.0],
    ],
)
def test_columns_of_any_type_read_alike(values):
    assert spans(values) == [("2024-05-31T15:30:00", "2024-05-31T15:30:00", "minute")]


def test_date_objects_are_days():
    assert spans([dt.date(2024, 5, 31)]) == [("2024-05-30T19:00:00", "2024-05-31T19:00:00", "day")]


def test_naive_times_without_a_zone_are_an_error():
    with pytest.raises(OptionError, match=r"'2024-05-31 20:30'.*state no zone; wanted tz="):
        read(["2024-05-31 20:30"], tz=None)


def test_times_that_state_their_offset_need_no_zone():
    report = read(["2024-05-31T20:30+05:00", "2024-05-31T20:31+06:00"], tz=None)
    assert str(report.events["occurred_from"].dt.tz) == "UTC"
    own = read(pd.to_datetime(["2024-05-31 15:30"]).tz_localize(ALMATY), tz=None)
    assert str(own.events["occurred_from"].dt.tz) == ALMATY


def test_offsets_and_naive_times_mix():
    starts = [start for start, _, _ in spans(["2024-05-31T20:30+03:00", "2024-05-31T20:30"])]
    assert starts == ["2024-05-31T17:30:00", "2024-05-31T15:30:00"]


@pytest.mark.parametrize("tz", ["Asia/Almati", "Mars/Olympus", "../etc/passwd", ""])
def test_an_unknown_zone_is_an_error(tz):
    with pytest.raises(OptionError, match="no time zone"):
        read(["2024-05-31"], tz=tz)


def test_a_near_zone_is_suggested():
    with pytest.raises(OptionError, match="Did you mean Asia/Almaty"):
        read(["2024-05-31"], tz="asia/almati")


@pytest.mark.parametrize(
    ("tz", "written", "utc"),
    [
        ("America/New_York", "2024-03-10 02:30", "2024-03-10T07:00:00"),  # skipped: its end
        ("America/New_York", "2024-11-03 01:30", "2024-11-03T05:30:00"),  # repeated: the first
        (ALMATY, "2024-02-29 23:30", "2024-02-29T17:30:00"),  # Almaty's change to UTC+5
        (ALMATY, "2024-03-01 00:30", "2024-02-29T19:30:00"),
    ],
)
def test_hours_that_a_clock_skips_or_repeats_are_placed(tz, written, utc):
    report = read([written, "2024-06-01 12:00"], tz=tz)
    start = report.events["occurred_from"].iloc[0].tz_convert("UTC")
    assert start.strftime("%Y-%m-%dT%H:%M:%S") == utc
    odd = any("skips or repeats" in note for note in report.notes)
    assert odd == (written != "2024-03-01 00:30")


def test_the_day_almaty_changed_its_clock_has_twenty_five_hours():
    events = read(["2024-02-29"]).events
    assert (events["occurred_to"] - events["occurred_from"]).iloc[0] == pd.Timedelta("25h")


def test_a_day_whose_midnight_is_skipped_starts_an_hour_later():
    events = read(["2018-11-04"], tz="America/Sao_Paulo").events
    assert events["occurred_from"].iloc[0].strftime("%H:%M") == "01:00"
    assert (events["occurred_to"] - events["occurred_from"]).iloc[0] == pd.Timedelta("23h")


def test_the_whole_column_tells_day_first_from_month_first():
    assert spans(["03/04/2020", "13/04/2020"])[0][1] == "2020-04-03T18:00:00"
    assert spans(["03/04/2020", "04/13/2020"])[0][1] == "2020-03-04T18:00:00"


def test_dots_are_day_first_always():
    assert spans(["03.04.2020"])[0][1] == "2020-04-03T18:00:00"


@pytest.mark.parametrize("values", [["03/04/2020"], ["03-04-20", "05-06-20"],
                                    ["13/04/2020", "04/13/2020"]])  # fmt: skip
def test_an_order_that_nothing_decides_is_an_error(values):
    with pytest.raises(SchemaError, match=r"day first or month first.*time_format="):
        read(values)


def test_a_rare_slip_does_not_overturn_the_order():
    values = [f"04/{day}/2020" for day in range(13, 31)] * 20 + ["25/04/2020"]
    report = read(values)
    assert dict(report.dropped) == {"unreadable date": 1}
    assert report.rejects["given"].tolist() == ["25/04/2020"]


def test_day_and_month_alike_need_no_order():
    assert spans(["05/05/2020"])[0][1] == "2020-05-05T18:00:00"


@pytest.mark.parametrize(("year", "full"), [("69", 1969), ("99", 1999), ("00", 2000), ("24", 2024)])
def test_two_digit_years_turn_at_sixty_nine(year, full):
    report = read([f"12/31/{year}"])
    assert report.events["occurred_from"].iloc[0].year == full
    assert any("two-digit years" in note for note in report.notes)


def test_a_time_format_decides():
    assert spans(["03/04/2020"], time_format="%m/%d/%Y")[0][2] == "day"
    assert spans(["03/04/2020"], time_format="%m/%d/%Y")[0][1] == "2020-03-04T18:00:00"
    assert spans(["May 5, 2020 8PM"], time_format="%b %d, %Y %I%p")[0][2] == "hour"
    assert spans(["5 2020"], time_format="%m %Y")[0][2] == "month"
    assert spans(["2020-05-05 20:30+0300"], time_format="%Y-%m-%d %H:%M%z")[0][0].endswith(
        "17:30:00"
    )


def test_a_time_format_that_does_not_fit_rejects_and_one_that_is_none_is_an_error():
    report = read(["03/04/2020", "2020-04-03"], time_format="%m/%d/%Y")
    assert dict(report.dropped) == {"unreadable date": 1}
    with pytest.raises(OptionError, match=r"time_format='%Q'.*strptime"):
        read(["03/04/2020"], time_format="%Q")


def test_a_time_format_without_dates_is_an_error():
    with pytest.raises(SchemaError, match="no column known to hold dates"):
        read({"when": ["2020-01-01"]}, time_format="%Y-%m-%d")


def test_midnight_in_the_crime_service_means_that_the_hour_is_unknown():
    values = {"dat_sover_str": ["08.02.2020 00:00", "08.02.2020 20:30"]}
    assert [precision for *_, precision in spans(values)] == ["day", "minute"]


def test_midnight_elsewhere_is_an_hour_unless_all_say_so():
    assert [p for *_, p in spans(["2020-02-08 00:00", "2020-02-08 20:30"])] == ["minute"] * 2
    assert [p for *_, p in spans(["2020-02-08 00:00", "2020-02-09 00:00"])] == ["day"] * 2


def test_many_events_at_midnight_sharp_are_said():
    values = ["2020-02-08 00:00"] * 30 + ["2020-02-08 20:30"] * 70
    assert any("30 rows of 'date' stand at 00:00" in note for note in read(values).notes)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("20:30", 73800), ("7:05", 25500), ("20:30:15.5", 73815), ("12:00 am", 0), ("12:30 PM", 45000),
     ("20.30", 73800), ("24:00", -1), ("12:60", -1), ("13:00 pm", -1), ("0:30 am", -1), ("x", -1),
     (None, -1)],
)  # fmt: skip
def test_clock_times_read(written, seconds):
    assert read_clock(pd.Series([written], dtype="str")).tolist() == [seconds]


def test_time_objects_are_clock_times():
    assert read_clock(pd.Series([dt.time(9, 40)])).tolist() == [34800]


def test_a_date_and_a_clock_column_join():
    values = {"date": ["2024-05-31", "2024-05-31"], "time": ["20:30", None]}
    assert spans(values) == [
        ("2024-05-31T15:30:00", "2024-05-31T15:30:00", "minute"),
        ("2024-05-30T19:00:00", "2024-05-31T19:00:00", "day"),
    ]


def test_a_clock_column_that_holds_none_is_left_aside_or_an_error_if_named():
    values = {"date": ["2024-05-31"], "time": ["32874"]}
    report = read(values)
    assert report.events["time_precision"].tolist() == ["day"]
    assert any("'time' holds no clock times" in note for note in report.notes)
    with pytest.raises(SchemaError, match=r"named for 'time'.*'32874'"):
        read(values, columns={"time": "time"})


def test_an_interval_keeps_both_ends_and_its_length_is_the_precision():
    values = {
        "date_start": ["2024-05-01 10:00"] * 6,
        "date_end": ["2024-05-01 10:00", "2024-05-01 10:40", "2024-05-02 07:00", "2024-05-20 07:00",
                     "2024-09-01 07:00", None],
    }  # fmt: skip
    report = read(values)
    assert [p for *_, p in spans(values)] == ["minute", "hour", "day", "month", "unknown", "minute"]
    assert spans(values)[2][:2] == ("2024-05-01T05:00:00", "2024-05-02T02:00:00")
    assert any("1 rows have no end" in note for note in report.notes)


def test_an_interval_that_ends_before_it_starts_is_rejected():
    values = {"date_start": ["2024-05-01 10:00", "2024-05-01 10:00"],
              "date_end": ["2024-04-30 10:00", "2024-05-01 11:00"]}  # fmt: skip
    assert dict(read(values).dropped) == {"ends before it starts": 1}


def test_now_decides_what_lies_in_the_future():
    table = pd.DataFrame(
        {"date": ["2024-05-01 10:00", "2024-05-01 12:00"], "lon": 76.9, "lat": 43.2}
    )
    report = check_events(table, kind="crime", tz=ALMATY, now="2024-05-01 11:00")
    assert dict(report.dropped) == {"date in the future": 1}
    for now in ("soon", pd.NaT, [1]):
        with pytest.raises(OptionError, match="now="):
            check_events(table, kind="crime", tz=ALMATY, now=now)
