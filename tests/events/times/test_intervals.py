"""Dates of every usual form, and the traps of clocks."""

import datetime as dt
import io
import struct
import zoneinfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events import check_events
from patrolmap.events.times.clock import read_clock
from patrolmap.events.times.moments import read_moments

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
    events["occurred_to"] = events["occurred_to"].fillna(events["occurred_from"])
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
     ("20.30", 73800), ("24:00", 86400), ("24:01", -1), ("12:60", -1), ("13:00 pm", -1),
     ("0:30 am", -1), ("x", -1), (None, -1)],
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
    assert [p for *_, p in spans(values)] == [
        "minute",
        "hour",
        "period",
        "month",
        "unknown",
        "minute",
    ]
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


@pytest.mark.parametrize(
    ("written", "utc"),
    [("2024-05-31 24:00", "2024-05-31T19:00:00"), ("31.05.2024 24:00:00", "2024-05-31T19:00:00"),
     ("2024-12-31 24:00", "2024-12-31T19:00:00")],
)  # fmt: skip
def test_twenty_four_hours_are_the_end_of_the_day(written, utc):
    assert spans([written, "2024-06-01 10:00"])[0] == (utc, utc, "minute")


@pytest.mark.parametrize("written", ["24.02.2024 23:60", "24.02.2024 24:01", "24.02.2024 25:00",
                                     "30.02.2024 10:00", "24.02.2024 10:00:61",
                                     "24.02.2024 12:00 24:00", "00.02.2024"])  # fmt: skip
def test_moments_that_no_clock_shows_are_rejected(written):
    report = read([written, "2024-06-01 10:00"])
    assert dict(report.dropped) == {"unreadable date": 1}
    assert report.rejects["given"].tolist() == [written]


def test_twenty_four_hours_in_a_clock_column_are_the_end_of_the_day():
    values = {"date": ["2024-05-31", "2024-05-31"], "time": ["24:00", "0:30"]}
    assert [start for start, *_ in spans(values)] == ["2024-05-31T19:00:00", "2024-05-30T19:30:00"]


@pytest.mark.parametrize("number", [45443, "45443", 45443.0])
def test_a_whole_serial_day_of_excel_is_a_day(number):
    report = read([number, number])
    assert report.events["occurred_from"].iloc[0] == pd.Timestamp("2024-05-31", tz=ALMATY)
    assert set(report.events["time_precision"]) == {"day"}
    assert any("read as Excel's serial days" in note for note in report.notes)


@pytest.mark.parametrize("values", [[45443.854166666664, 45444.5], ["45443.854167", "45444,5"]])
def test_a_serial_day_of_excel_with_a_fraction_has_an_hour(values):
    assert spans(values) == [("2024-05-31T15:30:00", "2024-05-31T15:30:00", "minute"),
                             ("2024-06-01T07:00:00", "2024-06-01T07:00:00", "minute")]  # fmt: skip


@pytest.mark.parametrize("values", [[202405, 202406], ["202405", "202406"],
                                    ["2024-05", "2024-06"]])  # fmt: skip
def test_months_read_as_months(values):
    assert spans(values)[0] == ("2024-04-30T19:00:00", "2024-05-31T19:00:00", "month")


def test_six_digits_that_are_no_months_are_rejected():
    with pytest.raises(SchemaError, match="2 unreadable date"):
        read(["311224", "150524"])


def test_a_year_and_a_month_column_are_months_where_there_is_no_date():
    values = {"YR": [2024, 2024, 2024], "PERIOD": [5, 6, 13]}
    report = read(values)
    assert dict(report.dropped) == {"unreadable date": 1}
    assert spans({"YR": [2024], "PERIOD": [5]}) == [
        ("2024-04-30T19:00:00", "2024-05-31T19:00:00", "month")
    ]
    assert "months from 'PERIOD' and 'YR'" in report.notes
    assert spans({"Month": ["2024-05"]})[0][2] == "month"
    with_date = read({"YR": [2024], "PERIOD": [5], "date": ["2024-05-07"]})
    assert with_date.events["time_precision"].tolist() == ["day"]


@pytest.mark.parametrize("values", [{"month": [5, 6]}, {"period": ["night", "day"]}])
def test_a_month_column_without_months_leaves_the_time_unknown(values):
    assert read(values).events["time_precision"].unique().tolist() == ["unknown"]


def test_a_full_thirty_two_bit_number_is_no_moment():
    table = {"DAT_SOVER": [2147483647, 1454025600, 1454025660], "STAT": "x"}
    report = read(table)
    assert dict(report.dropped) == {"unreadable date": 1}
    assert any("1 rows of 'DAT_SOVER' hold 2147483647" in note for note in report.notes)


@pytest.mark.parametrize(
    "value",
    [[1581193800000], pd.to_datetime(["2020-02-08 20:30"]).tz_localize("UTC"),
     ["2020-02-08T20:30:00Z"], ["2020-02-08T20:30:00+00:00"], ["08.02.2020 20:30"],
     pd.to_datetime(["2020-02-08 20:30"])],
)  # fmt: skip
def test_a_local_clock_stored_as_utc_is_read_back_in_any_form(value):
    assert spans({"DAT_SOVER": value}) == [("2020-02-08T14:30:00",) * 2 + ("minute",)]


def thirds(clock, period, **options):
    options = {"columns": {"period": "TIME_PERIOD"}} | options
    values = {"dat_sover_str": [f"08.02.2020 {c}" for c in clock], "TIME_PERIOD": period}
    return read(values, **options)


def test_a_third_of_the_day_narrows_a_day_whose_hour_is_unknown():
    report = thirds(["00:00"] * 4 + ["20:30"], [1, 2, 3, None, 3])
    events = report.events
    hours = [(a.hour, (b - a) / pd.Timedelta("1h")) for a, b in
             zip(events["occurred_from"], events["occurred_to"], strict=True)]  # fmt: skip
    assert hours == [(0, 8), (8, 8), (16, 8), (0, 24), (20, 0)]
    assert events["time_precision"].tolist() == ["period"] * 3 + ["day", "minute"]
    assert any("hours of 3 days from 'TIME_PERIOD'" in n and "inferred, no legend was found" in n
               for n in report.notes)  # fmt: skip
    assert "to some hours of a day 3" in report.summary()


def test_the_third_of_a_night_when_the_clock_turned_has_nine_hours():
    values = {"date": ["2024-02-29", "2024-02-28"], "p": [3, 2]}
    events = read(values, columns={"period": "p"}).events
    assert (events["occurred_to"] - events["occurred_from"]).iloc[0] == pd.Timedelta("9h")


def test_thirds_are_not_guessed():
    assert set(thirds(["00:00"] * 3, [1, 2, 3], columns=None).events["time_precision"]) == {"day"}


def test_first_thirds_that_only_repeat_midnight_are_left_aside():
    report = thirds(["00:00"] * 30 + ["20:30"], [1] * 30 + [3])
    assert report.events["time_precision"].tolist() == ["day"] * 30 + ["minute"]
    assert any("30 ones beside 00:00 only repeat it" in note for note in report.notes)


def test_thirds_that_contradict_the_known_hours_are_left_aside():
    report = thirds(["00:00", "20:30", "09:00", "03:00"], [2, 1, 1, 2])
    assert report.events["time_precision"].tolist()[0] == "day"
    assert any("is no third of the day: 0 of 3 known hours" in note for note in report.notes)


def test_a_column_named_for_thirds_that_holds_none_is_an_error():
    with pytest.raises(SchemaError, match=r"named for 'period'.*text of 4 letters.*wanted 1"):
        thirds(["00:00"], ["ночь"])


def test_the_length_of_an_interval_is_its_precision():
    lengths = ["0min", "1h", "61min", "8h", "23h30min", "24h", "25h", "26h", "31D", "32D"]
    start = pd.Timestamp("2024-05-01 10:00")
    values = {"date_start": [str(start)] * len(lengths),
              "date_end": [str(start + pd.Timedelta(length)) for length in lengths]}  # fmt: skip
    assert [p for *_, p in spans(values)] == [
        "minute", "hour", "period", "period", "period", "day", "day", "month", "month", "unknown",
    ]  # fmt: skip


def test_a_day_of_twenty_three_hours_is_a_day():
    values = {"date_start": ["2024-03-10 00:00"] * 2,
              "date_end": ["2024-03-11 00:00", "2024-03-10 05:00"]}  # fmt: skip
    assert [p for *_, p in spans(values, tz="America/New_York")] == ["day", "period"]


def test_an_interval_without_an_end_keeps_its_start_alone():
    values = {"date_start": ["2024-05-01 10:00"] * 2 + ["2024-05-01"],
              "date_end": ["2024-05-01 12:00", None, None]}  # fmt: skip
    events = read(values).events
    assert events["occurred_to"].isna().tolist() == [False, True, False]
    assert events["time_precision"].tolist() == ["period", "minute", "day"]


def test_a_column_of_ends_that_holds_none_is_left_aside():
    report = read({"date_start": ["2024-05-01 10:00"] * 2, "date_end": [None, "?"]})
    assert report.events["occurred_to"].equals(report.events["occurred_from"])
    assert "'date_end' holds no ends: left aside" in report.notes


def old_rules(name, hours):
    """Return a zone by that name that never changes, as an old database would have it."""
    head = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    return zoneinfo.ZoneInfo.from_file(
        io.BytesIO(head + struct.pack(">lbb", hours * 3600, 0, 0) + b"+06\0"), key=name
    )


def test_a_time_zone_database_older_than_almatys_change_is_an_error_where_it_matters():
    old = old_rules(ALMATY, 6)
    with pytest.raises(OptionError, match=r"too old: it has Asia/Almaty at UTC\+6.*UTC\+5.*2024a"):
        read(["2024-02-28 10:00", "2024-03-01 00:00", "2024-03-01 10:00"], tz=old)
    assert read(["2024-02-28 10:00"], tz=old).kept == 1


def test_this_machine_knows_the_hour_that_almaty_lived_twice():
    report = read(["2024-02-29 22:59", "2024-02-29 23:30", "2024-03-01 00:00", "2024-03-01 00:01"])
    start = report.events["occurred_from"]
    assert [t.utcoffset() / pd.Timedelta("1h") for t in start] == [6, 6, 5, 5]
    assert start.diff().dropna().dt.total_seconds().tolist() == [31 * 60, 90 * 60, 60]
    assert "1 times stand in an hour that the clock skips or repeats" in report.notes


FORMS = ["%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %I:%M %p"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2026, 12, 31)), min_size=2,
             max_size=9, unique_by=lambda d: d.replace(second=0, microsecond=0)),
    st.sampled_from(FORMS),
)  # fmt: skip
def test_what_is_written_is_what_is_read(moments, form):
    moments = [moment.replace(second=0, microsecond=0) for moment in moments]
    found = read_moments(
        pd.Series([moment.strftime(form) for moment in moments]), time_format=None,
        local_epoch=False,
    )  # fmt: skip
    assert found.wall.astype("M8[s]").tolist() == moments
    excel = [(moment - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1) for moment in moments]
    if sorted(excel)[len(excel) // 2] > 18_300 and sorted(excel)[(len(excel) - 1) // 2] > 18_300:
        read = read_moments(pd.Series(excel), time_format=None, local_epoch=False)
        known = np.array(excel) >= 18_264
        assert read.wall[known].tolist() == [m for m, k in zip(moments, known, strict=True) if k]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dates(dt.date(2001, 1, 1), dt.date(2025, 12, 31)), min_size=2, max_size=30))
def test_an_order_of_day_and_month_is_never_guessed_wrong(days):
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        try:
            found = read_moments(
                pd.Series([day.strftime(form) for day in days]), time_format=None,
                local_epoch=False,
            )  # fmt: skip
        except SchemaError:
            assert all(day.day <= 12 for day in days)
        else:
            assert found.wall.astype("M8[D]").tolist() == days
