"""A table of events read again, and again, is the same table."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import SchemaError
from patrolmap.events import check_events, combine_events, read_events
from patrolmap.schema import EVENTS

ALMATY = "Asia/Almaty"
TIMES = ("occurred_from", "occurred_to")


def events(dates, kind="crime", **more):
    table = pd.DataFrame({"date": dates, "category": "Theft", **more})
    table["lon"] = 76.85 + np.arange(len(table)) / 1000
    table["lat"] = 43.2 + (kind == "juvenile") / 500
    return read_events(table, kind=kind, tz=ALMATY)


def through(way, table, folder, number):
    """Return a table as it comes back from a file, or as it is."""
    if way == "frame":
        return table
    path = folder / f"{number}.{way}"
    table.to_file(path) if way == "gpkg" else table.to_parquet(path)
    return path


def same(one, other):
    """Compare two tables of events, to the second and the millimetre."""
    assert list(one.index) == list(other.index)
    for name in TIMES:
        assert one[name].dt.as_unit("s").equals(other[name].dt.as_unit("s")), name
    for name in set(EVENTS.names) - {*TIMES, "geometry"}:
        assert one[name].equals(other[name]), name
    assert one.geometry.distance(other.geometry).max() < 1e-3


@pytest.mark.parametrize("way", ["frame", "gpkg", "parquet"])
@pytest.mark.parametrize(
    "dates",
    [
        ["2024-02-28", "2024-02-29", "2024-05-01"],  # days over Almaty's change of its clock
        ["2024-02", "2024-03", "2024-05"],
        [None, None, None],
        ["2024-05-01 00:00", "2024-05-01 12:30", None],
        ["2024-05-01", "2024-05-02", None],
    ],
)
def test_a_table_of_events_read_twice_over_is_the_same(tmp_path, way, dates):
    first = events(dates, article=["ст.188 ч.3", "191-1", None], severity=["grave", None, None],
                   harm=[730, 5.5, None], place=["021", None, "7"])  # fmt: skip
    again = first
    for number in range(2):
        again = read_events(through(way, again, tmp_path, number), kind="crime", tz=ALMATY)
        same(first, again)


@pytest.mark.parametrize("way", ["frame", "gpkg", "parquet"])
def test_each_kind_of_a_combined_table_reads_again(tmp_path, way):
    days = [f"2024-05-{day:02d}" for day in range(1, 21)]
    whole = combine_events([events(days), events([f"{day} 12:30" for day in days], "juvenile"),
                            events([None] * 20, "accident")])  # fmt: skip
    again = whole
    for number in range(2):
        parts = [
            read_events(
                through(way, again[again["kind"] == kind], tmp_path, f"{number}{kind}"),
                kind=kind, tz=ALMATY,
            )
            for kind in ("crime", "juvenile", "accident")
        ]  # fmt: skip
        again = combine_events(parts)
        same(whole, again)
    assert len(again) == 60


@pytest.mark.parametrize("way", ["frame", "gpkg", "parquet"])
def test_a_combined_table_never_becomes_one_kind(tmp_path, way):
    whole = combine_events([events(["2024-05-01"] * 3), events(["2024-05-02"] * 2, "juvenile")])
    with pytest.raises(SchemaError, match=r"2 of its 5 rows are no kind='crime'.*'juvenile'"):
        read_events(through(way, whole, tmp_path, 0), kind="crime", tz=ALMATY)


def test_intervals_and_rows_without_an_end_stand_as_they_are():
    table = pd.DataFrame({
        "date_start": ["2024-05-01 10:00"] * 3,
        "date_end": ["2024-05-01 10:40", "2031-01-01", None],
        "lon": [76.9, 76.91, 76.92], "lat": 43.2,
    })  # fmt: skip
    first = read_events(table, kind="crime", tz=ALMATY)
    assert first["time_precision"].tolist() == ["hour", "unknown", "minute"]
    same(first, read_events(first, kind="crime", tz=ALMATY))


def test_other_columns_beside_a_table_of_events_change_nothing():
    first = events(["2024-05-01"] * 3)
    beside = first.assign(time="20:30", stat="ст.99", killed=1, period=3, date="2020-01-01")
    same(first, read_events(beside, kind="crime", tz=ALMATY))


def test_words_of_places_that_a_preset_listed_stay():
    first = events(["2024-05-01"] * 2).assign(place=["street", "021"])
    assert read_events(first, kind="crime", tz=ALMATY)["place"].tolist() == ["street", "021"]


def test_a_table_that_only_looks_like_one_of_events_is_told():
    table = pd.DataFrame({"occurred_from": ["2024-05-01"], "occurred_to": [None],
                          "time_precision": ["Иванов Иван"], "lon": 76.9, "lat": 43.2})  # fmt: skip
    with pytest.raises(SchemaError, match=r"'time_precision'.*text of 11 letters.*rename") as error:
        read_events(table, kind="crime", tz=ALMATY)
    assert "Иванов" not in str(error.value)


def test_an_unreadable_time_in_a_table_of_events_is_rejected_and_an_empty_one_is_unknown():
    text = pd.DataFrame(events(["2024-05-01"] * 3).drop(columns="geometry")).astype("str")
    text["occurred_from"] = ["2024-05-01 00:00:00+05:00", "soon", None]
    text["lon"], text["lat"] = [76.9, 76.91, 76.92], 43.2
    report = check_events(text, kind="crime", tz=ALMATY)
    assert dict(report.dropped) == {"unreadable date": 1}
    assert report.events["time_precision"].tolist() == ["day", "unknown"]


def test_a_table_of_events_named_otherwise_by_the_caller_is_read_as_told():
    first = pd.DataFrame(events(["2024-05-01"] * 3).drop(columns="geometry"))
    first["lon"], first["lat"], first["when"] = [76.9, 76.91, 76.92], 43.2, "2023-01-01 10:00"
    read = read_events(first, kind="crime", tz=ALMATY,
                       columns={"occurred_from": "when", "occurred_to": None})  # fmt: skip
    assert isinstance(read, gpd.GeoDataFrame)
    assert read["occurred_from"].dt.year.tolist() == [2023] * 3
