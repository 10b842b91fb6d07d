"""A boundary by the name or id of a district in the same extract, and the box around one."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_town import STREET, degrees, write_town
from patrolmap.errors import OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.streets import read_districts, read_streets
from patrolmap.streets.boundary import boundary_box, read_boundary
from shared import shared_file

ADMIN = {"type": "boundary", "boundary": "administrative"}
NODES = {
    1: (-50, -50), 2: (450, -50), 3: (450, 350), 4: (-50, 350), 5: (2050, -50), 6: (2050, 350),
    21: (0, 0), 22: (400, 0), 23: (1990, 0), 24: (400, 300),
}  # fmt: skip
WAYS = [
    (10, [1, 2, 3, 4, 1], {}),
    (11, [2, 5, 6, 3], {}),
    (12, [3, 2], {}),
    (15, [21, 22], {**STREET, "name": "west"}),
    (16, [22, 23], {**STREET, "name": "east"}),
    (17, [22, 24], {"highway": "footway"}),
]
ALATAU = {
    **ADMIN,
    "admin_level": "6",
    "name": "Алатау ауданы",
    "name:ru": "Алатауский район",
    "name:en": "Alatau District",
    "name:prefix": "район",
}
AUEZOV = {**ADMIN, "admin_level": "6", "name": "Әуезов ауданы", "name:ru": "Ауэзовский район"}
AREAS = [
    (3072216, [10], ALATAU),
    (50, [11, 12], AUEZOV),
    (51, [10], {**ADMIN, "admin_level": "8", "name": "Twin"}),
    (52, [11, 12], {**ADMIN, "name": "twin"}),
    (53, [10, 99], {**ADMIN, "admin_level": "4", "name": "Almaty"}),
]


@pytest.fixture
def town(tmp_path):
    return write_town(tmp_path / "almaty.osm.pbf", NODES, WAYS, areas=AREAS)


@pytest.mark.parametrize(
    "asked",
    ["Алатауский район", " алатауский  РАЙОН\n", "Алатау ауданы", "alatau district",
     "relation/3072216", " Relation/3072216 ", 3072216, np.int64(3072216)],
)  # fmt: skip
def test_a_district_is_found_by_any_of_its_names_or_its_id(town, asked):
    shape = read_boundary(asked, source=town)
    corners = [degrees(NODES[number]) for number in (1, 2, 3, 4)]
    assert shape.crs.to_epsg() == 4326
    assert shape.iloc[0].symmetric_difference(shapely.Polygon(corners)).area < 1e-8


def test_streets_of_a_district_are_those_of_its_polygon(town):
    polygon = read_districts(town).loc[["relation/3072216"]]
    one = read_streets(town, boundary=polygon)
    assert read_streets(town, boundary="Алатауский район") == one
    assert read_streets(str(town), boundary=3072216) == one
    assert set(one.segments.loc[one.segments["inside"], "name"].dropna()) == {"west"}


def test_a_name_of_several_districts_lists_them_with_ids_and_levels(town):
    with pytest.raises(OptionError) as caught:
        read_boundary("Twin", source=town)
    said = str(caught.value)
    assert "names 2 administrative boundaries" in said
    assert "twin (relation/52, no admin_level)" in said
    assert "Twin (relation/51, admin_level 8)" in said
    assert 'boundary="relation/51"' in said
    assert read_boundary("relation/51", source=town).iloc[0].area > 0


@pytest.mark.parametrize(
    ("asked", "near"),
    [("Алатауский раен", "Алатау ауданы"), ("ауэзов", "Әуезов ауданы"), ("Almatty", "Almaty")],
)
def test_a_name_that_is_not_there_tells_those_near_it_and_how_to_see_all(town, asked, near):
    with pytest.raises(OptionError, match=rf"near it are .*{near}.*read_districts\('.*pbf'\)"):
        read_boundary(asked, source=town)


@pytest.mark.parametrize("asked", ["район", "Berlin", 4, -4, "relation/4", "way/10", "relation/x"])
def test_what_no_district_is_called_is_not_found(town, asked):
    with pytest.raises(OptionError, match="holds no administrative boundary of that name or id"):
        read_boundary(asked, source=town)


def test_a_district_that_the_extract_cuts_is_said_to_be_there_only_in_part(town):
    with pytest.raises(OptionError, match=r"holds only a part of Almaty .*1 of its 2 ways"):
        read_boundary("Almaty", source=town)


def test_an_extract_without_boundaries_says_so(tmp_path):
    path = write_town(tmp_path / "town.osm.pbf", NODES, WAYS)
    with pytest.raises(OptionError, match="it holds none; pass a polygon"):
        read_boundary("Алатауский район", source=path)


@pytest.mark.parametrize("source", [None, gpd.GeoDataFrame(geometry=[], crs=32643), "streets.gpkg"])
def test_a_name_needs_an_osm_file_to_be_looked_up_in(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "streets.gpkg").write_bytes(b"SQLite format 3")
    with pytest.raises(OptionError, match=r"looked up in an OSM file, and .*Pass a polygon"):
        read_boundary("Алатауский район", source=source)


def test_a_name_is_looked_up_only_in_a_file_that_is_there_and_sound(tmp_path):
    with pytest.raises(SourceNotFoundError, match="name or id is looked up"):
        read_boundary("Alatau", source=tmp_path / "town.osm.pbf")
    (tmp_path / "town.osm").write_text("<osm><relation")
    with pytest.raises(SourceFormatError, match="cut short or damaged"):
        read_boundary("Alatau", source=tmp_path / "town.osm")


@pytest.mark.parametrize(
    "path", ["districts.geojson", "my/Alatau.gpkg", "Alatau.OSM.PBF", "~/nowhere/alatau.shp"]
)
def test_what_ends_like_a_file_is_a_path(town, path):
    with pytest.raises(SourceNotFoundError, match="a file with the boundary's polygon"):
        read_boundary(path, source=town)


def test_a_file_that_is_there_is_never_taken_for_a_name(town, monkeypatch):
    monkeypatch.chdir(town.parent)
    (town.parent / "Алатауский район").write_text("x")
    with pytest.raises(SourceFormatError, match="not read here"):
        read_boundary("Алатауский район", source=town)


@pytest.mark.parametrize("asked", ["", "  ", "\n"])
def test_a_blank_boundary_is_refused(town, asked):
    with pytest.raises(OptionError, match="is blank"):
        read_boundary(asked, source=town)


@pytest.mark.parametrize("asked", ["a" * 5000, "nul\0byte", "~nobody-has-this-name"])
def test_text_that_no_path_can_be_is_a_name(town, asked):
    with pytest.raises(OptionError, match="no administrative boundary of that name"):
        read_boundary(asked, source=town)


def test_true_is_no_relation(town):
    with pytest.raises(OptionError, match="boundary=bool; wanted"):
        read_boundary(True, source=town)


# The box ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    lon=st.floats(-179, 179),
    lat=st.floats(-80, 80),
    margin=st.floats(0, 20_000),
    bearing=st.floats(0, 360),
)
def test_all_within_the_margin_lies_in_the_box(lon, lat, margin, bearing):
    import pyproj

    point = shapely.Point(lon, lat).buffer(0.001)
    west, south, east, north = boundary_box(gpd.GeoSeries([point], crs=4326), margin)
    x, y, _ = pyproj.Geod(ellps="WGS84").fwd(lon, lat, bearing, margin)
    x = lon + (x - lon + 180) % 360 - 180  # not round the world
    assert west <= x <= east or (west, east) == (-180, 180)
    assert south <= y <= north
    assert (north - south) / 2 <= 0.00101 + margin / 110_000


def test_a_box_that_would_cross_the_180th_meridian_spans_the_world():
    chukotka = gpd.GeoSeries([shapely.box(179.99, 65, 180, 66)], crs=4326)
    assert boundary_box(chukotka, 5500)[::2] == (-180, 180)
    pole = gpd.GeoSeries([shapely.box(10, 89.5, 11, 89.9)], crs=4326)
    assert boundary_box(pole, 20_000)[::2] == (-180, 180)
    assert boundary_box(pole, 20_000)[3] == 90


def test_a_box_is_in_degrees_whatever_the_boundary_is_in():
    square = gpd.GeoSeries([shapely.box(76.7, 43.2, 76.8, 43.3)], crs=4326)
    one, other = boundary_box(square, 0), boundary_box(square.to_crs(32643), 0)
    assert other == pytest.approx(one, abs=1e-3)


@pytest.mark.shared
def test_a_settlement_of_a_real_extract_bounds_its_streets():
    streets = read_streets(shared_file("almaty/almaty-2012.osm.pbf"), boundary="мкн пятилетка")
    inside = streets.segments["inside"]
    assert 0 < inside.sum() < len(inside)
