"""The question put to a layer: exactly the rows asked for, whatever its dates hold."""

import datetime as dt

import pandas as pd
import pytest

from arcgis_server import NEW, FakeLayer, crimes, serve
from patrolmap.errors import OptionError
from patrolmap.events import check_events

ALMATY = "Asia/Almaty"


def check(url, **options):
    return check_events(url, **({"kind": "crime", "tz": ALMATY} | options))


def accidents():
    """One accident at 23:30 and one at 1:15 of each day of a week; the date holds the day alone."""
    rows = []
    for number in range(14):
        day = dt.datetime(2024, 5, 1, tzinfo=dt.UTC) + dt.timedelta(days=number // 2)
        rows.append({
            "objectid": number + 1, "rta_date": int(day.timestamp() * 1000),
            "fd1r05p1": "01:15" if number % 2 == 0 else "23:30", "rta_type": "0",
            "lon": 76.9 + number / 1000, "lat": 43.25,
        })  # fmt: skip
    return rows


def moments(report):
    return report.events["occurred_from"].dt.strftime("%d %H:%M").tolist()


def test_hours_of_a_range_hold_where_the_hour_stands_in_a_column_of_its_own():
    with serve(FakeLayer(accidents())) as server:
        report = check(server.url(), kind="accident", preset="kz_accident",
                       start="2024-05-03 22:00", end="2024-05-04 02:00")  # fmt: skip
        clause = server.queries()[0]["where"]
    assert "'2024-05-03 00:00:00'" in clause and "'2024-05-05 00:00:00'" in clause
    assert moments(report) == ["03 23:30", "04 01:15"]
    assert dict(report.dropped) == {"outside start= and end=": 2} and report.fallen == {}
    assert any("asked for whole days, as the hours are in 'fd1r05p1'" in n for n in report.notes)


def test_whole_days_are_asked_for_as_they_are():
    with serve(FakeLayer(accidents())) as server:
        report = check(server.url(), kind="accident", preset="kz_accident",
                       start="2024-05-03", end="2024-05-04")  # fmt: skip
    assert moments(report) == ["03 01:15", "03 23:30"]
    assert report.rows == 2 and not any("whole days" in note for note in report.notes)


def test_days_more_than_asked_for_are_left_out_again():
    rows = [{k.replace("dat_sover", "date_start"): v for k, v in r.items()} for r in crimes(300)]
    layer = FakeLayer(rows, about={"dateFieldsTimeReference": {"timeZone": "Nowhere"}})
    layer.kinds["date_start"] = "esriFieldTypeDate"
    with serve(layer) as server:
        report = check(server.url(), start="2024-01-03", end="2024-01-04")
    began = report.events["occurred_from"]
    assert began.min() >= pd.Timestamp("2024-01-03", tz=ALMATY)
    assert began.max() < pd.Timestamp("2024-01-04", tz=ALMATY)
    assert report.dropped["outside start= and end="] > 60


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("1=1) OR (1=1", "brackets that do not match"),
        ("(city_code='1975'", "brackets that do not match"),
        ("city_code='1975", "a quote that is left open"),
        ("1=1 -- all", "a comment"),
        ("1=1 /* all", "a comment"),
        ("1=1; select 1", "a semicolon"),
    ],
)
def test_a_condition_that_would_undo_what_stands_beside_it_is_refused(where, said):
    with serve(FakeLayer(crimes(30))) as server, pytest.raises(OptionError, match=f"has {said}"):
        check(server.url(), where=where, start="2024-01-01")


def test_a_condition_may_hold_such_signs_in_quotes():
    where = "(stat <> 'a) -- b; c') AND (stat <> 'O''Brien (')"
    with serve(FakeLayer(crimes(30))) as server:
        assert check(server.url(), where=where, start="2024-01-01").kept == 30


@pytest.mark.parametrize("option", [{"query": "select 1"}, {"layer": "crimes"}])
def test_options_of_files_and_databases_are_refused_for_a_service(option):
    name = next(iter(option))
    with pytest.raises(OptionError, match=rf"{name}=.* the source is none"):
        check("https://host" + NEW, **option)
