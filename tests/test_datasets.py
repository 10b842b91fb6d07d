"""The sample district is found, whole, and in range of what it promises."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely

from patrolmap import datasets
from patrolmap.errors import SourceNotFoundError
from patrolmap.streets import StreetNetwork, read_streets

NAMES = ["crimes", "accidents", "juveniles"]


@pytest.fixture(scope="module")
def district() -> datasets.SampleDistrict:
    return datasets.sample()


@pytest.fixture(scope="module")
def streets(district: datasets.SampleDistrict) -> StreetNetwork:
    return read_streets(district.streets)


@pytest.fixture(scope="module")
def planted(district: datasets.SampleDistrict) -> dict:
    return json.loads(district.planted.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tables(district: datasets.SampleDistrict) -> dict[str, gpd.GeoDataFrame]:
    """Every row of the three files as written, bad ones too, with its place in degrees."""
    crimes = pd.read_csv(district.crimes, dtype={"fe1r29p1_id": "str", "crime_code": "str"})
    places = [
        None if np.isnan(lon) else shapely.Point(lon, lat)
        for lon, lat in zip(crimes["longitude"], crimes["latitude"], strict=True)
    ]
    return {
        "crimes": gpd.GeoDataFrame(crimes, geometry=places, crs=4326),
        "accidents": gpd.read_file(district.accidents),
        "juveniles": gpd.read_file(district.juveniles, layer="juveniles"),
    }


def test_every_file_of_the_sample_is_there(district):
    paths = [getattr(district, field.name) for field in fields(district)]
    assert len(paths) == 8
    assert all(path.is_file() for path in paths)
    assert len({path.parent for path in paths}) == 1


def test_the_sample_is_small_enough_for_a_wheel(district):
    size = sum(path.stat().st_size for path in district.streets.parent.iterdir())
    assert size < 2_500_000


def test_paths_of_the_sample_cannot_be_changed(district):
    with pytest.raises(FrozenInstanceError):
        district.streets = Path("elsewhere")  # type: ignore[misc]


def test_the_installed_package_is_looked_in_before_the_checkout(district, tmp_path):
    for path in district.streets.parent.iterdir():
        (tmp_path / path.name).write_bytes(b"")
    found = datasets._find([tmp_path, district.streets.parent])
    assert found.streets.parent == tmp_path


def test_a_missing_sample_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"one.* and .*two.*make_sample\.py"):
        datasets._find([tmp_path / "one", tmp_path / "two"])


def test_a_sample_that_lacks_a_file_names_it(tmp_path):
    (tmp_path / "crimes.csv").write_text("objectid\n")
    with pytest.raises(SourceNotFoundError, match=r"lacks district\.osm\.pbf, boundary\.geojson"):
        datasets._find([tmp_path])


def test_asking_for_the_sample_loads_no_geospatial_library():
    code = (
        "import sys; from patrolmap import datasets; datasets.sample(); "
        "print([m for m in ('geopandas', 'pandas', 'shapely', 'osmium') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_district_has_the_promised_number_of_segments(streets):
    assert 1500 <= len(streets.segments) <= 2500
    assert streets.crs.to_epsg() == 32643
    west, south, east, north = streets.segments.total_bounds
    assert 2900 < east - west < 3500
    assert 2900 < north - south < 3500


def test_some_streets_lie_outside_the_boundary(district):
    inside = read_streets(district.streets, boundary=district.boundary).segments["inside"]
    assert 0.7 < inside.mean() < 0.95


def test_walkers_cannot_use_motorway_or_trunk(streets):
    segments = streets.segments
    barred = segments["highway"].isin(["motorway", "motorway_link", "trunk"])
    assert (segments["highway"] == "motorway").sum() > 5
    assert (segments["highway"] == "trunk").sum() > 10
    assert not segments.loc[barred, "walk"].any()
    assert segments.loc[barred, "drive_forward"].any()


def test_walkers_get_to_the_other_side_of_the_motorway(streets):
    segments = streets.segments
    motorway = segments.loc[segments["highway"] == "motorway", "geometry"].union_all()
    west, _, _, north = segments.total_bounds
    corner = shapely.Point(west, north)
    walk = segments[segments["walk"]]
    middles = walk.geometry.interpolate(0.5, normalized=True).to_numpy()
    sight = shapely.linestrings([[point.coords[0], corner.coords[0]] for point in middles])
    beyond = ~shapely.intersects(sight, motorway) & (shapely.distance(middles, corner) < 900)
    assert beyond.sum() > 30


def test_gated_yards_are_neither_walked_nor_driven(district, streets):
    ways = osmium.FileProcessor(district.streets, osmium.osm.WAY)
    private = sum(way.tags.get("access") == "private" for way in ways)
    assert private >= 3
    assert streets.report["ways left out by the walk and drive rules"] == private


def test_the_district_has_every_kind_of_street_and_light(streets):
    segments = streets.segments
    kinds = set(segments.loc[segments["walk"], "highway"])
    assert kinds >= {"primary", "secondary", "tertiary", "residential", "living_street", "service",
                     "footway", "pedestrian", "steps"}  # fmt: skip
    assert set(segments["lit"]) == {"yes", "no", "unknown"}
    assert (segments["lit"].value_counts(normalize=True) > 0.1).all()
    assert (segments["drive_forward"] != segments["drive_backward"]).sum() > 50
    abai = segments[segments["name_ru"] == "проспект Абая"]
    assert set(abai["name_kk"]) == {"Абай даңғылы"}


def test_depots_stand_inside_the_boundary_and_near_a_walkable_node(district, streets):
    depots = pd.read_csv(district.depots)
    limit = gpd.read_file(district.boundary).geometry.iloc[0]
    assert len(depots) == 3
    for depot in depots.itertuples():
        assert limit.contains(shapely.Point(depot.lon, depot.lat))
        assert streets.nearest_node(depot.lon, depot.lat)[1] < 250


def test_the_boundary_is_one_named_polygon(district):
    boundary = gpd.read_file(district.boundary)
    assert boundary.geom_type.tolist() == ["Polygon"]
    assert boundary.crs.to_epsg() == 4326
    assert boundary.loc[0, "name:kk"] == "Үлгі ауданы"
    assert boundary.loc[0, "name:ru"] == "Район «Улги»"


def test_every_planted_line_runs_along_walkable_streets(planted, streets):
    spots = planted["hot_spots"]
    assert Counter(spot["kind"] for spot in spots) == {"crime": 10, "accident": 5, "juvenile": 4}
    lines = gpd.GeoSeries([shapely.LineString(s["line"]) for s in spots], crs=4326)
    walk = streets.segments.loc[streets.segments["walk"], "geometry"]
    for spot, line in zip(spots, lines.to_crs(streets.crs), strict=True):
        near = walk.iloc[walk.sindex.query(line, predicate="dwithin", distance=1.0)]
        assert near.buffer(0.2).union_all().contains(line), spot["name"]
        assert line.length == pytest.approx(spot["length_m"], rel=0.002), spot["name"]
        assert len(spot["osm_nodes"]) == len(spot["line"])


def test_planted_ends_are_nodes_of_the_network(planted, streets):
    ends = {spot["osm_nodes"][k] for spot in planted["hot_spots"] for k in (0, -1)}
    assert ends <= set(streets.nodes.index)


def test_planted_events_stand_at_their_hot_spots(planted, tables, streets):
    for spot in planted["hot_spots"]:
        name = {"crime": "crimes", "accident": "accidents", "juvenile": "juveniles"}[spot["kind"]]
        table = tables[name].dropna(subset="geometry")
        line = gpd.GeoSeries([shapely.LineString(spot["line"])], crs=4326).to_crs(streets.crs)[0]
        world = (table.geometry.x > 60) & (table.geometry.x < 90)
        near = table[world].to_crs(streets.crs).distance(line) < 12.5
        assert near.sum() >= spot["events"] * 0.9, spot["name"]


@pytest.mark.parametrize("name", NAMES)
def test_good_and_bad_rows_add_up(name, planted, tables, district):
    about = planted["files"][getattr(district, name).name]
    good = {"crimes": 5000, "accidents": 800, "juveniles": 300}[name]
    assert about["good"] == good
    assert about["rows"] == len(tables[name]) == good + sum(about["bad"].values())
    assert Counter(bad["reason"] for bad in about["bad_rows"]) == about["bad"]
    assert all(2 <= count <= 4 for count in about["bad"].values())


@pytest.mark.parametrize("name", NAMES)
def test_each_bad_row_is_bad_in_its_own_way(name, planted, tables, district):
    table = tables[name]
    is_bad = {
        "no geometry": table.geometry.isna(),
        "latitude and longitude swapped": (table.geometry.y > 70) & (table.geometry.x < 50),
        "date in the future": _year(table) > 2026,
        "far away": _metres_from_centre(table).between(35_000, 45_000),
        "duplicate": pd.DataFrame(table).assign(geometry=table.geometry.to_wkt()).duplicated(),
    }
    about = planted["files"][getattr(district, name).name]
    for reason, mask in is_bad.items():
        rows = {bad["row"] for bad in about["bad_rows"] if bad["reason"] == reason}
        assert set((np.flatnonzero(mask) + 1).tolist()) == rows, reason
    for bad in about["bad_rows"]:
        assert table["objectid"].iloc[bad["row"] - 1] == bad["objectid"]


def test_crimes_look_like_the_national_service(tables):
    crimes = tables["crimes"]
    assert list(crimes.columns[:-1]) == [
        "objectid", "crime_code", "stat", "hard_code", "dat_sover_str", "dat_sover",
        "dat_vozb_str", "reg_code", "city_code", "fe1r29p1_id", "fz1r18p5", "fz1r18p6", "ud",
        "longitude", "latitude",
    ]  # fmt: skip
    said = pd.to_datetime(crimes["dat_sover_str"], format="%d.%m.%Y %H:%M")
    assert said.equals(pd.to_datetime(crimes["dat_sover"], unit="ms").astype(said.dtype))
    article = crimes["stat"].str.extract(r"ст\.(\d+) ч\.\d")[0]
    assert (article + "0" == crimes["crime_code"]).all()
    unknown = crimes["dat_sover_str"].str.endswith("00:00").mean()
    assert 0.10 < unknown < 0.14


def test_articles_keep_their_own_hours(tables):
    crimes = tables["crimes"]
    hour = pd.to_datetime(crimes["dat_sover"], unit="ms").dt.hour
    known = ~crimes["dat_sover_str"].str.endswith("00:00")
    dark = (hour >= 20) | (hour < 5)
    share = dark[known].groupby(crimes.loc[known, "crime_code"]).mean()
    assert share["2930"] > share["1880"] + 0.2
    assert share["1060"] > share["1900"] + 0.2


def _year(table: pd.DataFrame) -> pd.Series:
    column = "dat_sover" if "dat_sover" in table else "rta_date"
    moments = table[column]
    if pd.api.types.is_numeric_dtype(moments):
        moments = pd.to_datetime(moments, unit="ms")
    return moments.dt.year


def _metres_from_centre(table: gpd.GeoDataFrame) -> pd.Series:
    x, y = table.geometry.x, table.geometry.y
    return np.hypot((x - 76.86) * 81_200, (y - 43.23) * 111_100)
