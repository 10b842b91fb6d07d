"""Latitude and longitude swapped in some rows or in all: mended where it is certain, never lost."""

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from patrolmap.errors import CRSError
from patrolmap.events import check_events
from patrolmap.events.places.home import find_home
from patrolmap.events.times.intervals import zone

ALMATY = "Asia/Almaty"
CITY = box(76.7, 43.0, 77.2, 43.5)


def check(table, **options):
    return check_events(table, **({"kind": "crime", "tz": ALMATY} | options))


def swapped(table, rows):
    """Exchange the coordinates of the first rows."""
    out = table.copy()
    out.loc[: rows - 1, ["lon", "lat"]] = table.loc[: rows - 1, ["lat", "lon"]].to_numpy()
    return out


def moved(table, lon, lat):
    """Move the table's middle elsewhere."""
    away = lon - table["lon"].mean(), lat - table["lat"].mean()
    return table.assign(lon=table["lon"] + away[0], lat=table["lat"] + away[1])


def off(report, table):
    """Return metres between the events and where they were."""
    there = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    return report.events.geometry.distance(there.to_crs(report.events.crs), align=False).max()


def said(report, words):
    return [note for note in report.notes if words in note]


@pytest.mark.parametrize("options", [{}, {"boundary": CITY}])
@pytest.mark.parametrize("rows", [12, 30, 36, 48, 56])
def test_many_swapped_rows_are_exchanged_and_counted_and_the_right_ones_stay(crimes, rows, options):
    table = crimes(rows=60)
    report = check(swapped(table, rows), **options)
    assert report.kept == 60
    assert off(report, table) < 0.01
    (note,) = said(report, "latitude stands first")
    home = "the boundary" if options else "Kazakhstan"
    assert f"in {rows} of 60 rows: the two are exchanged there (they lie in {home} only so" in note


@pytest.mark.parametrize("rows", [1, 3])
def test_a_few_swapped_rows_are_rejected_with_what_they_held(crimes, rows):
    report = check(swapped(crimes(rows=60), rows))
    assert dict(report.dropped) == {"latitude and longitude swapped": rows}
    assert report.rejects["row"].tolist() == list(range(1, rows + 1))


def test_in_a_small_table_the_wrong_rows_fall_even_where_they_are_most(crimes):
    table = crimes(rows=12)
    report = check(swapped(table, 8))
    assert dict(report.dropped) == {"latitude and longitude swapped": 8}
    assert off(report, table.iloc[8:]) < 0.01


CITIES = [
    ("America/New_York", -74.0, 40.7),
    ("America/Chicago", -87.6, 41.8),
    ("America/Los_Angeles", -118.2, 34.1),
    ("Asia/Kolkata", 77.2, 28.6),
]


@pytest.mark.parametrize(("tz", "lon", "lat"), CITIES)
@pytest.mark.parametrize("rows", [60, 30])
def test_the_clock_tells_a_swapped_city_anywhere(crimes, tz, lon, lat, rows):
    table = moved(crimes(rows=60), lon, lat)
    report = check(swapped(table, rows), tz=tz)
    assert report.kept == 60
    assert off(report, table) < 0.01
    where = "all rows" if rows == 60 else "30 of 60 rows"
    assert said(report, f"latitude stands first in {where}: the two are exchanged")


@pytest.mark.parametrize(("tz", "lon", "lat"), [*CITIES, ("Pacific/Auckland", 174.8, -36.8),
                         ("America/Anchorage", -149.9, 61.2), ("Europe/Oslo", 18.9, 69.6),
                         ("Pacific/Apia", -171.8, -13.8), ("Asia/Urumqi", 87.6, 43.8)])  # fmt: skip
def test_a_city_that_is_written_rightly_stays_as_it_is(crimes, tz, lon, lat):
    table = moved(crimes(rows=60), lon, lat)
    report = check(table, tz=tz)
    assert report.kept == 60 and not said(report, "exchanged")
    assert off(report, table) < 0.01


def test_rows_that_lie_in_the_reach_of_the_clock_both_ways_are_not_touched(crimes):
    report = check(moved(crimes(rows=60), 3.3, 43.25), tz="Europe/Paris")
    assert report.kept == 60 and not said(report, "exchanged")


def test_the_reach_of_a_clock_turns_round_the_date_line():
    home = find_home(None, zone("Pacific/Auckland"))
    inside = home.only_exchanged(np.array([-36.8, 10.0]), np.array([-176.5, 10.0]))
    assert inside.tolist() == [True, False]


@pytest.mark.parametrize("tz", ["UTC", ALMATY])
def test_places_near_a_pole_are_said_and_at_a_pole_an_error_where_no_clock_tells(crimes, tz):
    new_york = moved(crimes(rows=60), 40.7, -74.0)
    assert said(check(new_york, tz=tz), "near a pole: if latitude stands first, exchange the two")
    with pytest.raises(CRSError, match=r"round 41\.80, -87\.60, at a pole; if latitude stands"):
        check(moved(crimes(rows=60), 41.8, -87.6), tz=tz)
