"""Where events happened: found whatever the numbers are written in, or said that they are not."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import Point, box

from patrolmap.errors import CRSError, SchemaError
from patrolmap.events import check_events
from patrolmap.events.places.home import kazakhstan

ALMATY = "Asia/Almaty"
CITY = box(76.7, 43.0, 77.2, 43.5)
FEW = settings(max_examples=40, deadline=None,
               suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


def check(table, **options):
    return check_events(table, **({"kind": "crime", "tz": ALMATY} | options))


def written(table, code, *, turned=False, names=("x", "y")):
    """Write the coordinates of a table in another system, as columns x and y."""
    turn = Transformer.from_crs(4326, code, always_xy=True)
    two = turn.transform(table["lon"], table["lat"])
    two = two[::-1] if turned else two
    return table.drop(columns=["lon", "lat"]).assign(**dict(zip(names, two, strict=True)))


def off(report, table):
    """Return metres between the events and where they were."""
    there = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    return report.events.geometry.distance(there.to_crs(report.events.crs), align=False).max()


def said(report, words):
    return [note for note in report.notes if words in note]


# Systems that are told by the numbers


@pytest.mark.parametrize("turned", [False, True])
def test_gauss_kruger_with_its_zone_in_front_is_read_and_named(crimes, turned):
    table = crimes()
    report = check(written(table, 28413, turned=turned))
    assert off(report, table) < 0.01
    assert said(report, "EPSG:28413 (the numbers tell Pulkovo 1942 / Gauss-Kruger zone 13")
    assert bool(said(report, "northing first")) == turned


def test_zones_of_three_degrees_are_told_from_those_of_six(crimes):
    table = crimes()
    report = check(written(table, 2542))  # zone 26, round 78 degrees east
    assert off(report, table) < 0.01
    assert said(report, "3-degree Gauss-Kruger zone 26")


def test_rows_in_two_zones_of_gauss_kruger_are_each_read_in_their_own(crimes):
    table = crimes()
    table["lon"] += np.where(table.index % 3 == 0, -6.0, 0.0)
    west = table.index % 3 == 0
    both = pd.concat([written(table[west], 28412), written(table[~west], 28413)]).sort_index()
    for options in ({}, {"source_crs": 28413}):
        report = check(both, **options)
        assert report.kept == 25
        assert off(report, table) < 0.01
        assert said(report, "9 rows stand in the zones that their eastings begin with")


def test_gauss_kruger_outside_kazakhstan_is_an_error_that_names_it(crimes):
    table = crimes()
    table[["lon", "lat"]] += [27.0, 0.0]
    for tz in ("UTC", "Asia/Irkutsk"):  # zone 18 of three degrees lies in Kazakhstan
        with pytest.raises(CRSError, match=r"'EPSG:28418' \(Pulkovo 1942 / Gauss-Kruger zone 18"):
            check(written(table, 28418), tz=tz)
    report = check(written(table, 28418), boundary=box(103, 43, 105, 44))
    assert off(report, table) < 0.01


def test_web_mercator_is_read_where_the_boundary_settles_it_and_proposed_elsewhere(crimes):
    table = crimes()
    for code in (3857, 3395):  # 30 km apart: only a boundary tells which
        mercator = written(table, code)
        assert off(check(mercator, boundary=box(76.8, 43.2, 77, 43.3)), table) < 0.01
        with pytest.raises(CRSError, match=r"EPSG:3857.*Web Mercator.*76\.\d+, 43\.\d+.*EPSG:3395"):
            check(mercator)


def test_zones_of_utm_are_never_guessed_but_proposed_with_where_they_would_lie(crimes):
    table = crimes()
    for options in ({}, {"boundary": CITY}):
        with pytest.raises(CRSError, match=r"not stated; wanted source_crs='EPSG:.*32643") as error:
            check(written(table, 32643), **options)
        assert "the middle at 76.90, 43.25" in str(error.value)
        assert "Gauss-Kruger without the zone's number" in str(error.value)


def test_feet_of_oregon_are_proposed(crimes):
    table = pd.DataFrame({"date": "2016-08-10", "x": [7660085.0], "y": [672910.0]})
    with pytest.raises(CRSError, match=r"EPSG:2913.*in feet"):
        check(table, tz="America/Los_Angeles", boundary=box(-123, 45, -122, 46))


def test_columns_of_degrees_called_x_and_y_are_degrees(crimes):
    table = crimes()
    renamed = table.rename(columns={"lon": "x", "lat": "y"})
    for preset in (None, "kz_crime"):
        columns = {"date": "date", "category": "category"} if preset else None
        report = check(renamed, preset=preset, columns=columns)
        assert off(report, table) < 0.01
        assert said(report, "they look like degrees")


# Systems that are stated


def test_one_zone_for_the_whole_country_comes_out_right_and_is_said(crimes):
    table = crimes()
    far_east = table.assign(lon=table["lon"] + 8, lat=table["lat"] + 5)
    for rows in (table, far_east):
        report = check(written(rows, 32642), source_crs=32642)
        assert off(report, rows) < 0.01
        assert said(report, "from the middle of UTM zone 42: one zone serves a whole country there")


def test_the_systems_of_a_preset_are_only_believed_where_the_numbers_bear_them_out(crimes):
    table = crimes().rename(columns={"category": "STAT", "date": "DAT_SOVER_STR"})
    one_zone = check(written(table, 32642), preset="kz_crime")
    assert off(one_zone, table) < 0.01
    gauss = check(written(table, 28413), preset="kz_crime")
    assert off(gauss, table) < 0.01


@pytest.mark.parametrize(("written_in", "stated"), [(32642, 32643), (32643, 32642)])
def test_a_wrong_zone_is_an_error_where_the_boundary_tells(crimes, written_in, stated):
    with pytest.raises(CRSError, match=rf"outside the boundary in EPSG:{stated}.*{written_in}"):
        check(written(crimes(), written_in), source_crs=stated, boundary=CITY)


def test_a_wrong_zone_is_said_where_the_points_lie_far_beyond_it(crimes):
    report = check(written(crimes(), 32642), source_crs=32643)
    (note,) = said(report, "from the middle of UTM zone 43: is it the right one?")
    assert "UTM zone 42N would put them at 76.90, 43.25" in note


def test_a_system_that_only_a_preset_states_is_said_where_no_boundary_checks_it(crimes):
    table = crimes().rename(columns={"category": "STAT", "date": "DAT_SOVER_STR"})
    words = "only the preset says that the numbers are in EPSG:32642: give boundary= to check it"
    assert said(check(written(table, 32643), preset="kz_crime"), words)  # 6 degrees too far west
    assert not said(check(written(table, 32642), preset="kz_crime", boundary=CITY), words)
    assert not said(check(written(table, 32642), source_crs=32642), words)


@pytest.mark.parametrize("stated", [32643, 32642, 3857])
def test_gauss_kruger_stated_as_something_else_is_an_error_that_names_it(crimes, stated):
    gauss = written(crimes(), 28413)
    with pytest.raises(CRSError, match=r"EPSG:28413"):
        check(gauss, source_crs=stated, boundary=CITY)


def test_metres_stated_as_feet_elsewhere_are_an_error(crimes):
    with pytest.raises(CRSError, match="cannot be in EPSG:2913"):
        check(written(crimes(), 28413), source_crs=2913)


# Two pairs of coordinates in one table


def test_two_pairs_of_coordinates_are_compared_and_their_agreement_is_said(crimes):
    table = crimes()
    for code in (32642, 32643, 28413, 3857):
        both = written(table, code).assign(lon=table["lon"], lat=table["lat"])
        report = check(both)
        assert off(report, table) < 0.01
        assert said(report, f"'x' and 'y', in EPSG:{code} ")
        assert said(report, "tell the same places as 'lon' and 'lat'")


def test_rows_in_which_two_pairs_disagree_are_counted(crimes):
    table = crimes()
    both = written(table, 32643).assign(lon=table["lon"], lat=table["lat"])
    both.loc[:2, "x"] += 300
    assert said(check(both), "but for 3 of 25 rows compared")


def test_a_stated_system_in_metres_is_that_of_x_and_y_and_is_tried_on_the_degrees(crimes):
    table = crimes()
    both = written(table, 32642).assign(lon=table["lon"], lat=table["lat"])
    report = check(both, source_crs=32642)
    assert said(report, "place from 'x' and 'y', in EPSG:32642")
    assert said(report, "'lon' and 'lat' tell the same places as 'x' and 'y'")
    with pytest.raises(CRSError, match=r"lie 4\d\d km from 'lon' and 'lat'.*EPSG:32642"):
        check(both, source_crs=32643)


def test_geometry_in_a_wrong_zone_is_told_by_columns_of_degrees(crimes):
    table = crimes()
    both = written(table, 32642)
    frame = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(both["x"], both["y"], crs=32643))
    with pytest.raises(CRSError, match=r"geometry of the table .*EPSG:32642"):
        check(frame)
    assert off(check(frame, source_crs=32642), table) < 0.01


def test_a_second_pair_in_a_system_of_its_own_is_left_aside(crimes):
    table = crimes()
    report = check(table.assign(x=np.arange(25) + 1000.0, y=np.arange(25) + 2000.0))
    assert said(report, "'x' and 'y' are in no system that agrees with 'lon' and 'lat': left aside")


# Exchanged, zero, mixed


@pytest.mark.parametrize("options", [{}, {"boundary": CITY}])
def test_a_table_with_all_its_coordinates_exchanged_is_mended_and_said(crimes, options):
    table = crimes()
    exchanged = table.rename(columns={"lon": "lat", "lat": "lon"})
    report = check(exchanged, **options)
    assert report.kept == 25
    assert off(report, table) < 0.01
    assert said(report, "latitude stands first in all rows: the two are exchanged")


def test_an_exchanged_table_is_mended_without_any_help_where_no_latitude_is_so_large(crimes):
    table = crimes()
    table["lon"] -= 199.5  # 122.6 degrees west
    exchanged = table.rename(columns={"lon": "lat", "lat": "lon"})
    report = check(exchanged, tz="America/Los_Angeles")
    assert off(report, table) < 0.01


def test_an_exchanged_table_that_may_be_right_stays_as_it_is(crimes):
    table = crimes()
    table["lon"] -= 73.6  # 3.3 E, 43.25 N in France, or 43.25 E, 3.3 N in Somalia
    exchanged = table.rename(columns={"lon": "lat", "lat": "lon"})
    report = check(exchanged, tz="Europe/Paris")
    assert not said(report, "exchanged")


def test_geojson_points_written_latitude_first_are_mended(crimes):
    table = crimes()
    points = [Point(lat, lon) for lon, lat in zip(table["lon"], table["lat"], strict=True)]
    frame = gpd.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=points, crs=4326)
    assert off(check(frame), table) < 0.01


def test_rows_the_right_way_round_in_an_exchanged_table_stay_as_they_are(crimes):
    table = crimes(rows=60)
    exchanged = table.rename(columns={"lon": "lat", "lat": "lon"})
    exchanged.loc[7, ["lon", "lat"]] = table.loc[7, ["lon", "lat"]]
    report = check(exchanged)
    assert report.kept == 60 and off(report, table) < 0.01
    assert said(report, "latitude stands first in 59 of 60 rows: the two are exchanged there")


def test_a_table_of_metres_with_the_northing_first_is_mended_and_said(crimes):
    table = crimes()
    for code in (32642, 32643, 28413):
        report = check(written(table, code, turned=True), source_crs=code)
        assert off(report, table) < 0.01
        assert said(report, "the northing stands first in all rows")


def test_single_rows_exchanged_in_metres_are_rejected(crimes):
    metres = written(crimes(), 32643)
    metres.loc[3, ["x", "y"]] = metres.loc[3, ["y", "x"]].to_numpy()
    report = check(metres, source_crs=32643)
    assert dict(report.dropped) == {"easting and northing swapped": 1}


@pytest.mark.parametrize(
    ("lon", "lat"), [(0.0, 0.0), (0.0, 43.25), (76.9, 0.0)], ids=["both", "lon", "lat"]
)
def test_zero_in_place_of_a_coordinate_is_told(crimes, lon, lat):
    report = check(crimes(lon={3: lon}, lat={3: lat}))
    assert dict(report.dropped) == {"zero coordinates": 1}


def test_the_meridian_of_greenwich_is_no_missing_coordinate(crimes):
    table = crimes(lon={3: 0.0})
    table["lon"] = np.where(table.index == 3, 0.0, table["lon"] - 76.9)
    table["lat"] += 8.2
    assert check(table, tz="Europe/London").kept == 25


def test_degrees_among_metres_and_metres_among_degrees_are_rejected_by_name(crimes):
    metres = written(crimes(), 32643)
    metres.loc[3, ["x", "y"]] = [76.9, 43.25]
    report = check(metres, source_crs=32643)
    assert dict(report.dropped) == {"degrees among metres": 1}
    report = check(crimes(lon={3: 656000.0}, lat={3: 4790000.0}))
    assert dict(report.dropped) == {"metres among degrees": 1}
    assert "metres among degrees: row 4 (656000, 4790000)" in report.summary()


def test_heights_are_left_aside_and_said(crimes):
    table = crimes()
    points = gpd.points_from_xy(table["lon"], table["lat"], z=np.full(25, 800.0), crs=4326)
    report = check(gpd.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=points))
    assert said(report, "heights of 25 points are left aside")
    assert not report.events.geometry.has_z.any()


# Whatever the numbers are written in


WAYS = {"degrees": 4326, "utm 42": 32642, "utm 43": 32643, "utm 44": 32644, "mercator": 3857,
        "gauss": None}  # fmt: skip
places = st.tuples(st.floats(46.5, 87.3), st.floats(40.6, 55.4))


@FEW
@given(place=places, way=st.sampled_from(sorted(WAYS)), turned=st.booleans(),
       help=st.sampled_from(["nothing", "clock", "boundary", "stated", "degrees"]),
       spread=st.floats(0.001, 0.5))  # fmt: skip
def test_a_place_in_kazakhstan_comes_back_whatever_it_is_written_in(
    crimes, place, way, turned, help, spread
):
    """It comes back to the metre, or there is an error with a name: never silently elsewhere."""
    lon, lat = place
    assume(kazakhstan().contains(Point(lon, lat)))
    steps = np.arange(12)
    table = crimes(rows=12).assign(
        lon=lon + spread * np.cos(steps) * 0.1, lat=lat + spread * np.sin(steps * 1.7) * 0.1
    )
    code = WAYS[way] or 28400 + int(lon // 6) + 1
    rows = written(table, code, turned=turned)
    options = {"tz": None if help == "nothing" else ALMATY}
    rows["date"] = pd.to_datetime(rows["date"]).dt.tz_localize(ALMATY)
    if help == "boundary":
        options["boundary"] = box(lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1)
    if help == "stated":
        options["source_crs"] = code
    if help == "degrees":
        rows[["lon", "lat"]] = table[["lon", "lat"]]
    if turned and help != "degrees":  # both ways round there may be land, of Kazakhstan even
        assume(
            way != "degrees" or (help != "nothing" and not kazakhstan().contains(Point(lat, lon)))
        )
        assume(way != "mercator" or help != "stated")
    try:
        report = check(rows, **options)
    except (CRSError, SchemaError) as error:
        assert "source_crs=" in str(error) or "swapped" in str(error)
        far = way.startswith("utm") and abs(lon - (6 * (code % 100) - 183)) > 25
        assert help != "degrees" or far
        assert help != "stated" or turned or far
        return
    metres = 5.0 if way == "gauss" else 1.0  # PROJ changes its shift of datum from place to place
    kept = table.loc[report.events.index.str.extract(r"(\d+)$")[0].astype(int).to_numpy() - 100]
    assert off(report, kept) < metres
    assert report.kept >= 6


@pytest.mark.parametrize("code", [4326, 32643, 28413, 3857])
def test_a_row_without_coordinates_stands_where_its_second_pair_puts_it(crimes, code):
    table = crimes()
    both = written(table, code).assign(lon=table["lon"], lat=table["lat"])
    both.loc[[3, 7], ["lon", "lat"]] = np.nan
    both.loc[9, "lon"] = np.nan
    report = check(both)
    assert report.kept == 25 and off(report, table) < 0.5
    assert said(report, "3 rows without 'lon' and 'lat' stand where 'x' and 'y' put them")


def test_a_pair_of_columns_that_is_empty_throughout_gives_way_to_the_other(crimes):
    table = crimes()
    both = written(table, 28413).assign(lon=None, lat=None)
    assert off(check(both), table) < 0.5


def test_geometry_that_is_missing_comes_from_columns_of_degrees(crimes):
    table = crimes()
    shapes = list(gpd.points_from_xy(table["lon"], table["lat"]))
    shapes[3] = None
    assert off(check(gpd.GeoDataFrame(table, geometry=shapes, crs=4326)), table) < 0.5
    assert off(check(gpd.GeoDataFrame(table, geometry=[None] * 25, crs=4326)), table) < 0.5


def test_a_second_pair_that_tells_of_other_places_fills_nothing(crimes):
    both = crimes().assign(x=71.4, y=51.1)
    both.loc[3, ["lon", "lat"]] = np.nan
    assert dict(check(both).dropped) == {"no geometry": 1}
