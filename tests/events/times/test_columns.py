"""Columns of dates as real exports have them: in UTC, half empty, in words, with odd ends."""

import numpy as np
import pandas as pd
import pytest

from patrolmap.events import check_events
from patrolmap.events.times.clock import read_clock

ALMATY = "Asia/Almaty"


def read(tz=ALMATY, **columns):
    """Read dates at places of their own; return the report."""
    options = columns.pop("options", {})
    table = pd.DataFrame(columns)
    table["lon"] = 76.9 + np.arange(len(table)) / 10_000
    table["lat"] = 43.25
    return check_events(table, **({"kind": "crime", "tz": tz, "now": "2030-01-01"} | options))


def precision(report):
    return report.events["time_precision"].tolist()


def said(report, words):
    return any(words in note for note in report.notes)


DAYS = pd.date_range("2024-05-01", periods=30, tz=ALMATY)
UTC = DAYS.tz_convert("UTC")


@pytest.mark.parametrize(
    "written",
    [UTC, UTC.tz_localize(None).as_unit("ms").asi8, UTC.strftime("%Y-%m-%dT%H:%M:%SZ"),
     UTC.strftime("%Y-%m-%d %H:%M:%S+00:00"), DAYS, DAYS.strftime("%Y-%m-%d 00:00:00+05:00")],
)  # fmt: skip
def test_days_stored_in_utc_are_days(written):
    report = read(date=written)
    assert set(precision(report)) == {"day"}
    assert (report.events["occurred_from"] == DAYS).all()
    assert (report.events["occurred_to"] - report.events["occurred_from"] == "24h").all()


@pytest.mark.parametrize("how", ["epoch", "text", "local"])
def test_many_local_midnights_are_said_whatever_the_zone_they_are_written_in(how):
    moments = DAYS.append(DAYS + pd.Timedelta("12h30min"))
    written = {"epoch": moments.tz_convert("UTC").tz_localize(None).as_unit("ms").asi8,
               "text": moments.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ"),
               "local": moments}[how]  # fmt: skip
    report = read(date=written)
    assert set(precision(report)) == {"minute"}
    assert said(report, "30 rows of 'date' stand at 00:00: the hour may be unknown")


def test_many_midnights_of_utc_are_said_too():
    moments = pd.date_range("2024-05-01", periods=30, tz="UTC")
    report = read(date=moments.append(moments + pd.Timedelta("12h30min")))
    assert said(report, "30 rows of 'date' stand at 00:00 as written")


def test_the_third_of_a_day_is_that_of_the_local_day():
    moments = DAYS.append(DAYS[:2] + pd.Timedelta("20h30min")).tz_convert("UTC")
    report = read(date=moments, p=[2] * 30 + [3] * 2,
                  options={"columns": {"period": "p"}, "preset": None})  # fmt: skip
    assert set(precision(report)) == {"minute"}
    days = read(date=UTC, p=[2] * 30, options={"columns": {"period": "p"}})
    assert set(precision(days)) == {"period"}
    assert set(days.events["occurred_from"].dt.hour) == {8}


@pytest.fixture
def unknown(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('kind = "crime"\nmidnight = "unknown"\n')
    return str(path)


def test_an_unknown_midnight_is_one_in_a_clock_column_too(unknown):
    columns = {"date": ["2024-05-01"] * 4, "time": ["00:00", "20:30", "24:00", "00:00:00"]}
    assert precision(read(**columns, options={"preset": unknown})) == [
        "day", "minute", "minute", "day",
    ]  # fmt: skip
    assert precision(read(**columns)) == ["minute"] * 4


def test_midnights_of_a_clock_column_are_said_of_that_column():
    report = read(date=["2024-05-01"] * 60, time=["00:00"] * 30 + ["20:30"] * 30)
    assert said(report, "30 rows of 'time' stand at 00:00")
    assert not said(report, "rows of 'date' stand")


def test_the_accident_map_does_not_know_the_hour_of_midnight():
    columns = {"rta_date": [1714521600000] * 2, "fd1r05p1": ["00:00", "20:30"], "objectid": [1, 2]}
    report = read(**columns, options={"preset": "kz_accident", "kind": "accident"})
    assert precision(report) == ["day", "minute"]


def test_a_row_that_is_empty_in_the_best_column_is_read_from_the_next():
    text = ["08.02.2020 20:30", "", None, "-"]
    epoch = [1581193800000] * 3 + [None]
    report = read(dat_sover_str=text, dat_sover=epoch)
    assert report.kept == 4
    assert set(report.events["occurred_from"].dropna().dt.strftime("%d %H:%M")) == {"08 20:30"}
    assert precision(report) == ["minute"] * 3 + ["unknown"]
    assert said(report, "dates of 2 rows from 'dat_sover', as 'dat_sover_str' is empty")
    assert said(report, "1 rows have no date: their time is unknown")
    whole = read(dat_sover_str=["", ""], dat_sover=[1581193800000, 1581193860000])
    assert precision(whole) == ["minute"] * 2


def test_an_unreadable_date_is_not_made_up_from_another_column():
    report = read(dat_sover_str=["garbage", "08.02.2020 20:30"], dat_sover=[1581193800000] * 2)
    assert dict(report.dropped) == {"unreadable date": 1}


def test_a_second_column_whose_order_cannot_be_told_is_left_aside():
    report = read(datetime=["2024-05-01 10:00", None], timestamp=["03/04/2024", "05/06/2024"])
    assert precision(report) == ["minute", "unknown"]
    assert said(report, "'timestamp' is left aside")


def test_a_row_without_a_date_stays_as_in_a_file_without_dates():
    report = read(date=["2024-05-01 10:00", None, " ", "n/a"])
    assert dict(report.dropped) == {}
    assert precision(report) == ["minute", "unknown", "unknown", "unknown"]
    assert report.events["occurred_from"].isna().tolist() == [False, True, True, True]
    assert said(report, "3 rows have no date")


NOON = pd.Timestamp("2024-05-01 12:00", tz=ALMATY)


@pytest.mark.parametrize(
    "written",
    ["1 мая 2024 г. 12:00", "1 мая 2024 года в 12:00", "01-май-2024 12:00", "1 Мая 2024, 12:00:00",
     "2024 ж. 1 мамыр 12:00", "2024 жылғы 1 мамырда, 12:00", "May 1, 2024 12:00 PM",
     "1 May 2024 12:00", "1st May 2024, 12:00", "Wed, 01 May 2024 12:00:00 +0500",
     "2024-May-01 12:00", "01-MAY-24 12:00", "20240501120000", "20240501T120000",
     "20240501T070000Z", "01.05.2024 12.00", "01.05.2024 г. 12:00", 20240501120000],
)  # fmt: skip
def test_dates_in_words_and_without_separators_read(written):
    report = read(date=[written, written])
    assert report.events["occurred_from"].eq(NOON).all()
    assert set(precision(report)) == {"minute"}


@pytest.mark.parametrize(
    ("written", "fine"),
    [("1 мая 2024 г.", "day"), ("2024 ж. 1 мамыр", "day"), ("May 1, 2024", "day"),
     ("01-MAY-24", "day"), ("май 2024 г.", "month"), ("2024 мамыр", "month"), ("May 2024", "month"),
     ("31.05.2024г.", "day")],
)  # fmt: skip
def test_days_and_months_in_words_read(written, fine):
    assert precision(read(date=[written, "2024-05-02"])) == [fine, "day"]


@pytest.mark.parametrize("month", range(12))
@pytest.mark.parametrize("names", [
    "January February March April May June July August September October November December",
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "Қаңтар Ақпан Наурыз Сәуір Мамыр Маусым Шілде Тамыз Қыркүйек Қазан Қараша Желтоқсан",
])  # fmt: skip
def test_every_month_has_its_name(names, month):
    report = read(date=[f"7 {names.split()[month]} 2023 20:30"])
    assert report.events["occurred_from"].iloc[0] == pd.Timestamp(2023, month + 1, 7, 20, 30,
                                                                  tz=ALMATY)  # fmt: skip


@pytest.mark.parametrize("written", ["5 Иванов 2024", "Марина 5, 2024", "Мартынов 1, 2024",
                                     "31 ноября 2024", "may be 2024"])  # fmt: skip
def test_names_are_no_months(written):
    report = read(date=[written, "2024-05-01 10:00"])
    assert dict(report.dropped) == {"unreadable date": 1}


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [([0.5, 0.8541666666666666], [43200, 73800]), (["0.5", "0,75"], [43200, 64800]),
     ([0.0, 0.25], [0, 21600]), (["0.30", "1.15"], [1800, 4500]), ([0, 1], [-1, -1]),
     ([0.5, "20:30"], [43200, 73800]), ([12.5, 0.5], [-1, -1])],
)  # fmt: skip
def test_parts_of_a_day_as_excel_stores_them_are_clock_times(cells, seconds):
    assert read_clock(pd.Series(cells)).tolist() == seconds


def test_an_end_that_cannot_be_read_is_said_apart_from_one_that_is_missing():
    report = read(date_start=["2024-05-01 10:00"] * 4,
                  date_end=["2024-05-01 12:00", "garbage", None, ""])  # fmt: skip
    assert said(report, "2 rows have no end: their start stands for it")
    assert said(report, "ends of 1 rows cannot be read: their start stands for them")
    assert report.events["occurred_to"].isna().tolist() == [False, True, True, True]
