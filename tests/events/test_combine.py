"""Several maps in one table."""

import pandas as pd
import pytest

from patrolmap.errors import CRSError, SchemaError
from patrolmap.events import combine_events, read_events
from patrolmap.schema import EVENTS, validate


@pytest.fixture
def maps(crimes):
    """Return three maps of events of their own, a kilometre from those of the next map."""
    return [
        read_events(crimes(rows=5).assign(lat=43.25 + n / 100), kind=kind, tz="Asia/Almaty")
        for n, kind in enumerate(("crime", "accident", "juvenile"))
    ]


def test_three_maps_become_one_table_with_ids_by_kind(maps):
    events = combine_events(maps)
    validate(events, EVENTS)
    assert len(events) == 15
    assert events["kind"].value_counts().to_dict() == {"crime": 5, "accident": 5, "juvenile": 5}
    assert {"crime:100", "accident:100", "juvenile:100"} <= set(events.index)


def test_the_first_table_decides_crs_and_zone(maps, crimes):
    other = read_events(crimes(rows=5), kind="call", tz="UTC", crs=32642)
    events = combine_events([maps[0], other])
    assert events.crs == maps[0].crs
    assert str(events["occurred_from"].dt.tz) == "Asia/Almaty"
    one, same = events.loc["crime:100"], events.loc["call:100"]
    assert one.geometry.distance(same.geometry) < 0.01
    assert same["occurred_from"] - one["occurred_from"] == pd.Timedelta("5h")
    assert str(other["occurred_from"].dt.tz) == "UTC"  # the given tables stay as they were


def test_tables_without_any_time_combine(maps, crimes):
    timeless = read_events(crimes(rows=2).drop(columns="date"), kind="call")
    assert combine_events([maps[0], timeless])["occurred_from"].isna().sum() == 2


def test_one_table_alone_combines(maps):
    assert len(combine_events(maps[:1])) == 5


@pytest.mark.parametrize(
    ("tables", "error", "words"),
    [
        (lambda maps: [], SchemaError, "empty list"),
        (lambda maps: maps[0], SchemaError, "one table; wanted a list"),
        (lambda maps: [maps[0], maps[0]], SchemaError, r"tables 1 and 2 share 5 event ids"),
        (lambda maps: [maps[0], maps[1].drop(columns="category")], SchemaError,
         r"table 2 is no table of events.*no column 'category'"),
        (lambda maps: [pd.DataFrame({"a": [1]})], SchemaError, "table 1 is a DataFrame"),
        (lambda maps: [maps[0].to_crs(4326)], CRSError, "in degrees"),
        (lambda maps: [maps[0].reset_index()], SchemaError, "index"),
    ],
)  # fmt: skip
def test_what_cannot_be_combined_is_an_error(maps, tables, error, words):
    with pytest.raises(error, match=words):
        combine_events(tables(maps))


def test_a_map_that_comes_twice_under_other_ids_is_said(crimes, maps, caplog):
    again = read_events(crimes(rows=5).assign(id=range(5)), kind="crime", tz="UTC", crs=32642,
                        time_format=None)  # fmt: skip
    again = again.assign(occurred_from=maps[0]["occurred_from"].array.tz_convert("UTC"),
                         occurred_to=maps[0]["occurred_to"].array.tz_convert("UTC"))  # fmt: skip
    events = combine_events([*maps, again])
    assert len(events) == 20
    assert events.attrs["report"]["alike"] == {"crime": 5}
    assert "5 events of kind crime stand in two tables" in caplog.text
    assert combine_events(maps).attrs["report"]["alike"] == {}


def test_an_hour_known_on_one_day_at_one_place_is_not_alike_on_the_next(maps):
    later = maps[0].assign(
        occurred_from=maps[0]["occurred_from"] + pd.Timedelta("1D"),
        occurred_to=maps[0]["occurred_to"] + pd.Timedelta("1D"),
    )
    later.index = later.index.str.replace("crime:", "crime:9")
    assert combine_events([maps[0], later]).attrs["report"]["alike"] == {}


@pytest.mark.parametrize("tables", [None, 5, "crimes.csv"])
def test_what_is_no_list_of_tables_is_an_error(tables):
    with pytest.raises(SchemaError, match=r"combine_events got .*; wanted a list of tables"):
        combine_events(tables)
