"""`read_streets` at its border: files that are not what they should be, boundaries, options."""

import math

import geopandas as gpd
import networkx as nx
import pytest
import shapely

from osm_town import STREET, degrees, write_town
from patrolmap.errors import (
    CRSError,
    OptionError,
    SourceFormatError,
    SourceNotFoundError,
)
from patrolmap.streets import read_streets

NODES = {1: (0, 0), 2: (400, 0), 3: (1990, 0), 4: (400, 300)}
WAYS = [
    (10, [1, 2], {**STREET, "name": "west"}),
    (11, [2, 3], {**STREET, "name": "east"}),
    (12, [2, 4], {"highway": "footway"}),
]


@pytest.fixture
def town(tmp_path):
    return write_town(tmp_path / "almaty.osm.pbf", NODES, WAYS)


def square(west, south, east, north):
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.Polygon([degrees(corner) for corner in corners])


# Sources ---------------------------------------------------------------------------------------


def test_a_mistyped_path_is_told_what_lies_near(town):
    with pytest.raises(SourceNotFoundError, match=r"Did you mean almaty\.osm\.pbf"):
        read_streets(town.with_name("almatty.osm.pbf"))


def test_a_place_name_is_not_looked_up_on_the_web(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFoundError, match="nothing is fetched from the web"):
        read_streets("Almaty, Kazakhstan")


def test_a_path_in_a_folder_that_is_not_there_names_the_nearest(town):
    (town.parent / "data").mkdir()
    with pytest.raises(SourceNotFoundError, match=r"holds \['data'\]"):
        read_streets(town.parent / "dta" / "almaty.osm.pbf")


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(SourceFormatError, match="is a folder"):
        read_streets(tmp_path)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    path = tmp_path / "town.osm.pbf"
    path.touch()
    with pytest.raises(SourceFormatError, match="is empty"):
        read_streets(path)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.98])
def test_a_truncated_pbf_is_refused(town, kept):
    whole = town.read_bytes()
    town.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(SourceFormatError, match="cut short or damaged"):
        read_streets(town)


def test_a_truncated_xml_is_refused(tmp_path):
    path = write_town(tmp_path / "town.osm", NODES, WAYS)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SourceFormatError, match="cut short or damaged"):
        read_streets(path)


@pytest.mark.parametrize("name", ["town.osm", "town.osm.pbf", "town.gpkg", "town.geojson"])
def test_a_web_page_saved_in_place_of_the_file_is_recognised(tmp_path, name):
    path = tmp_path / name
    path.write_text("\n<!DOCTYPE html><html><body>404</body></html>")
    with pytest.raises(SourceFormatError, match="error page"):
        read_streets(path)


def test_a_pbf_named_osm_is_to_be_renamed(town):
    path = town.rename(town.with_name("town.osm"))
    with pytest.raises(
        SourceFormatError, match=r"holds OSM PBF; give it a name that ends in \.pbf"
    ):
        read_streets(path)


@pytest.mark.parametrize("name", ["streets.csv", "streets", "streets.zip", "streets.gml"])
def test_a_file_of_an_unknown_kind_lists_those_that_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SourceFormatError, match=r"wanted one of .*\.pbf, .*\.gpkg"):
        read_streets(path)


def test_a_source_that_is_neither_path_nor_table_is_refused():
    with pytest.raises(OptionError, match="source is a dict"):
        read_streets({"highway": "residential"})


def test_a_graph_is_told_where_it_belongs():
    with pytest.raises(OptionError, match=r"StreetNetwork\.from_networkx"):
        read_streets(nx.MultiDiGraph())


def test_text_that_no_path_can_be_is_not_there():
    with pytest.raises(SourceNotFoundError, match="no path of a file: File name too long"):
        read_streets("streets" * 1000 + ".osm")


# Options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, -5, math.nan, "200", None, True])
def test_the_longest_segment_must_be_a_positive_length(town, length):
    with pytest.raises(OptionError, match="max_segment_length"):
        read_streets(town, max_segment_length=length)


def test_streets_may_stay_whole(town):
    assert read_streets(town, max_segment_length=math.inf).segments["length"].max() > 1500


def test_the_result_stands_in_the_local_utm_zone_or_the_crs_asked_for(town):
    assert read_streets(town).crs.to_epsg() == 32643
    assert read_streets(town, crs=32642).crs.to_epsg() == 32642


@pytest.mark.parametrize("crs", [4326, "EPSG:2913", "nonsense", 3857, 32601])
def test_a_crs_that_is_not_metric_is_refused(town, crs):
    with pytest.raises(CRSError):
        read_streets(town, crs=crs)


# Boundary --------------------------------------------------------------------------------------


def test_streets_in_the_boundary_are_inside_and_those_near_it_are_kept(town):
    streets = read_streets(town, boundary=square(-50, -50, 450, 350))
    inside = streets.segments["inside"]
    assert inside[inside].index.tolist() == ["1-2/1", "1-2/2", "2-4/1", "2-4/2"]
    assert inside[~inside].index.tolist() == ["2-3/1", "2-3/2", "2-3/3"]
    dropped = streets.report["length dropped, beyond 500 m of the boundary (m)"]
    assert dropped == pytest.approx(5 * 198.75, abs=0.2)


def test_the_boundary_does_not_change_ids_or_lengths(town):
    whole = read_streets(town).segments
    part = read_streets(town, boundary=square(-50, -50, 450, 350)).segments
    columns = ["from_node", "to_node", "length"]
    assert part[columns].equals(whole.loc[part.index, columns])


def test_of_two_parts_not_connected_the_one_inside_the_boundary_stays(tmp_path):
    nodes = {**NODES, 5: (0, 700), 6: (100, 700)}  # a village, and a longer street 400 m off
    town = write_town(tmp_path / "town.osm.pbf", nodes, [*WAYS, (13, [5, 6], STREET)])
    assert not read_streets(town).segments.index.str.startswith("5-6").any()
    streets = read_streets(town, boundary=square(-50, 650, 150, 750))
    assert streets.segments.index.tolist() == ["5-6"]
    assert streets.segments[["inside", "walk", "drive_forward"]].all(axis=None)


def test_a_boundary_may_be_a_table_in_any_crs_or_a_file(town, tmp_path):
    shape = square(-50, -50, 450, 350)
    table = gpd.GeoDataFrame({"name": ["Alatau"]}, geometry=[shape], crs=4326)
    table.to_file(tmp_path / "district.gpkg")
    one = read_streets(town, boundary=shape)
    assert read_streets(town, boundary=table.to_crs(3857)) == one
    assert read_streets(town, boundary=table.geometry) == one
    assert read_streets(town, boundary=tmp_path / "district.gpkg") == one


def test_a_boundary_that_misses_the_streets_names_both_extents(town):
    berlin = shapely.box(13.3, 52.4, 13.5, 52.6)
    with pytest.raises(OptionError, match=r"lon 13\.3000\.\.13\.5000, lat 52.*the streets lon 76"):
        read_streets(town, boundary=berlin)


@pytest.mark.parametrize(
    ("boundary", "error"),
    [
        (shapely.Point(76.9, 43.2), SourceFormatError),
        (shapely.Polygon(), SourceFormatError),
        (shapely.box(-math.inf, 43, math.inf, 44), CRSError),
        (shapely.box(656_000, 4_790_000, 657_000, 4_791_000), CRSError),
        (gpd.GeoSeries([shapely.box(76, 43, 77, 44)]), CRSError),
        ((76, 43, 77, 44), OptionError),
        ("district.gpkg", SourceNotFoundError),
    ],
)
def test_a_boundary_that_is_none_is_refused(town, boundary, error):
    with pytest.raises(error, match=r"boundary"):
        read_streets(town, boundary=boundary)


def test_a_boundary_that_crosses_itself_is_mended(town):
    (west, south), (east, north) = degrees((-50, -50)), degrees((2050, 350))
    bow = shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])
    assert read_streets(town, boundary=bow).segments["inside"].any()
