"""Areas of OSM files: squares, parks, and which segments lie in them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, box

from osm_town import STREET, degrees, write_town
from patrolmap._crs import WGS84, lonlat_to
from patrolmap.errors import CRSError, SourceFormatError
from patrolmap.streets import read_streets
from patrolmap.streets.lines.table import TAGS
from patrolmap.streets.sources.areas import Areas, place_in_areas, read_areas
from patrolmap.streets.sources.osm import AREA_TAGS, Nodes, osm_errors
from patrolmap.streets.sources.things import find_things
from patrolmap.streets.sources.ways import read_ways
from towns import CENTRE, CRS

NODES = {
    1: (0, 0), 2: (100, 0), 3: (100, 60), 4: (0, 60),
    5: (40, 20), 6: (60, 20), 7: (60, 40), 8: (40, 40),
}  # fmt: skip
PLAZA = {"highway": "pedestrian", "area": "yes"}
BLOCK = [1, 2, 3, 4, 1]


def read(tmp_path, ways, *, nodes=NODES, areas=(), **options):
    return areas_of(write_town(tmp_path / "town.osm.pbf", nodes, ways, areas=areas), **options)


def areas_of(path, **options):
    with osm_errors(path):
        things = find_things(path, *AREA_TAGS)
    return read_areas(path, things, nodes=Nodes(path), **options)


def rings(squares):
    return [squares.ref[a:b].tolist() for a, b in zip(squares.start, squares.start[1:])]  # noqa: B905


def test_a_pedestrian_area_is_a_square_with_its_nodes_places_and_tags(tmp_path):
    tags = {**PLAZA, "name": "Astana", "name:kk": "Астана алаңы", "lit": "yes", "surface": "sett"}
    areas = read(tmp_path, [(20, BLOCK, tags)])
    squares = areas.squares
    assert (squares.osm_id.tolist(), squares.from_way.tolist()) == ([20], [True])
    assert rings(squares) == [[1, 2, 3, 4]]
    assert np.column_stack([squares.lon, squares.lat]) == pytest.approx(
        np.array([degrees(NODES[n]) for n in (1, 2, 3, 4)]), abs=1e-7
    )
    assert list(squares.tags.columns) == TAGS
    row = squares.tags.iloc[0]
    assert (row["name"], row["name_kk"], row["lit"], row["surface"], row["highway"]) == (
        "Astana", "Астана алаңы", "yes", "sett", "pedestrian",
    )  # fmt: skip
    assert (row["walk"], row["drive_forward"], row["drive_backward"]) == (True, False, False)
    assert areas.kinds.tolist() == ["square"]


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "pedestrian"},  # a ring street, not an area
        {**PLAZA, "foot": "no"},
        {**PLAZA, "access": "private"},
        {"highway": "platform", "area": "yes"},
        {"area": "yes", "landuse": "grass"},
        {"leisure": "park", "area": "no"},
    ],
)
def test_what_is_no_open_area_is_no_square_and_no_park(tmp_path, tags):
    areas = read(tmp_path, [(20, BLOCK, tags)])
    assert (len(areas.squares.osm_id), len(areas.grounds), areas.left_out) == (0, 0, 0)


def test_a_yard_for_cars_is_walked_across_but_no_square_to_be_in(tmp_path):
    areas = read(tmp_path, [(20, BLOCK, {"highway": "service", "area": "yes"})])
    assert areas.squares.osm_id.tolist() == [20]
    assert len(areas.grounds) == 0


def test_a_multipolygon_is_a_square_with_its_hole(tmp_path):
    ways = [(20, [1, 2, 3], {}), (21, [3, 4, 1], {}), (22, [5, 6, 7, 8, 5], {})]
    areas = read(tmp_path, ways, areas=[(30, [20, 21, 22], {"highway": "pedestrian"})])
    squares = areas.squares
    assert (squares.osm_id.tolist(), squares.from_way.tolist()) == ([30], [False])
    assert [sorted(ring) for ring in rings(squares)] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert squares.polygon.tolist() == [0, 0]
    shape = gpd.GeoSeries(areas.grounds, crs=WGS84).to_crs(CRS)
    assert shape.area.iloc[0] == pytest.approx(100 * 60 - 20 * 20, rel=1e-3)


def test_a_multipolygon_of_two_parts_is_one_square_of_two_polygons(tmp_path):
    nodes = {**NODES, 11: (200, 0), 12: (300, 0), 13: (300, 60)}
    ways = [(20, BLOCK, {}), (21, [11, 12, 13, 11], {})]
    areas = read(tmp_path, ways, nodes=nodes, areas=[(30, [20, 21], {"highway": "footway"})])
    assert areas.squares.square.tolist() == [0, 0]
    assert areas.squares.polygon.tolist() == [0, 1]
    assert len(areas.grounds) == 1


def test_parks_and_places_called_squares_are_grounds(tmp_path):
    nodes = {**NODES, 11: (200, 0), 12: (300, 0), 13: (300, 60)}
    ways = [(20, BLOCK, {"leisure": "park"}), (21, [11, 12, 13, 11], {"place": "square"})]
    areas = read(tmp_path, ways, nodes=nodes)
    assert areas.kinds.tolist() == ["park", "square"]
    assert len(areas.squares.osm_id) == 0


@pytest.mark.parametrize("tags", [PLAZA, {"leisure": "park"}])
def test_an_area_cut_by_the_edge_of_the_extract_is_left_out_and_counted(tmp_path, tags):
    areas = read(tmp_path, [(20, [1, 2, 99, 4, 1], tags)])
    assert (len(areas.squares.osm_id), len(areas.grounds), areas.left_out) == (0, 0, 1)


def test_a_multipolygon_that_lacks_a_way_is_left_out_and_counted(tmp_path):
    ways = [(20, [1, 2, 3], {}), (22, BLOCK, {})]
    relations = [(30, [20, 21], {"highway": "pedestrian"}), (31, [22], {"leisure": "park"})]
    areas = read(tmp_path, ways, areas=relations)
    assert areas.kinds.tolist() == ["park"]
    assert areas.left_out == 1


def test_an_outline_that_crosses_itself_is_no_square_but_still_a_park(tmp_path):
    bow = [1, 3, 2, 4, 1]
    areas = read(tmp_path, [(20, bow, PLAZA), (21, bow, {"leisure": "park"})])
    assert len(areas.squares.osm_id) == 0
    assert areas.left_out == 1
    assert shapely.is_valid(areas.grounds).all()


def test_only_areas_that_reach_into_the_box_are_kept(tmp_path):
    nodes = {**NODES, 11: (2000, 0), 12: (2100, 0), 13: (2100, 60)}
    ways = [(20, BLOCK, PLAZA), (21, [11, 12, 13, 11], PLAZA)]
    corner = (*degrees((50, -100)), *degrees((500, 30)))
    areas = read(tmp_path, ways, nodes=nodes, box=corner)
    assert areas.squares.osm_id.tolist() == [20]
    assert len(areas.grounds) == 1


def test_a_reading_of_streets_comes_by_all_areas_on_its_way(tmp_path):
    nodes = {**NODES, 11: (200, 0), 12: (300, 0), 13: (300, 60)}
    ways = [
        (19, [1, 3], {"highway": "residential"}), (20, BLOCK, {**PLAZA, "name": "A, b = %2c%"}),
        (21, [11, 12, 13, 11], {"leisure": "park"}), (22, [5, 6, 7], {}), (23, [7, 8, 5], {}),
        (24, [1, 2, 3], {"place": "square"}), (25, BLOCK, {"place": "square", "area": "no"}),
    ]  # fmt: skip
    relations = [(30, [22, 23], {"leisure": "park"}), (31, [22, 23], {"landuse": "grass"})]
    path = write_town(tmp_path / "town.osm.pbf", nodes, ways, areas=relations)
    places = Nodes(path)
    met = [*read_ways(path, nodes=places).closed, *places.relations]
    areas = read_areas(path, met, nodes=places)
    found = areas_of(path)
    assert areas.squares.tags["name"].tolist() == ["A, b = %2c%"]
    assert areas.kinds.tolist() == found.kinds.tolist() == ["square", "park", "park"]
    assert [shape.wkb for shape in areas.grounds] == [shape.wkb for shape in found.grounds]
    assert areas.squares.tags.equals(found.squares.tags)


def test_areas_do_not_depend_on_the_order_of_the_file_and_drafts_are_read(tmp_path):
    nodes = {**NODES, -1: (200, 0), -2: (300, 0), -3: (300, 60)}
    ways = [(21, BLOCK, PLAZA), (-4, [-1, -2, -3, -1], PLAZA), (20, [5, 6, 7, 8, 5], PLAZA)]
    one, other = read(tmp_path, ways, nodes=nodes), read(tmp_path, ways[::-1], nodes=nodes)
    assert one.squares.osm_id.tolist() == other.squares.osm_id.tolist() == [-4, 20, 21]
    assert rings(one.squares) == rings(other.squares)


def test_of_an_area_that_stands_twice_the_newest_version_counts(tmp_path):
    path = tmp_path / "town.osm"
    way = '<way id="9" version="{}"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>{}</way>'
    plaza = '<tag k="highway" v="pedestrian"/><tag k="area" v="yes"/><tag k="name" v="{}"/>'
    path.write_text(
        '<osm version="0.6"><node id="1" lon="76.95" lat="43.24"/>'
        '<node id="2" lon="76.951" lat="43.24"/><node id="3" lon="76.95" lat="43.241"/>'
        + way.format(3, plaza.format("new"))
        + way.format(2, plaza.format("old"))
        + "</osm>"
    )
    assert areas_of(path).squares.tags["name"].tolist() == ["new"]


def test_an_area_outside_the_world_is_named(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(
        '<osm version="0.6"><node id="1" lon="76.95" lat="43.24"/>'
        '<node id="2" lon="76.951" lat="95"/><node id="3" lon="76.95" lat="43.241"/>'
        '<way id="9"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>'
        '<tag k="leisure" v="park"/></way></osm>'
    )
    with pytest.raises(CRSError, match="node 2"):
        areas_of(path)


def test_a_file_cut_short_is_no_file_of_areas(tmp_path):
    whole = write_town(tmp_path / "town.osm.pbf", NODES, [(20, BLOCK, PLAZA)])
    part = tmp_path / "part.osm.pbf"
    part.write_bytes(whole.read_bytes()[:-20])
    with pytest.raises(SourceFormatError, match="cannot be read to its end"):
        areas_of(part)


# Which segments lie in an area ------------------------------------------------------------------


def ground(*shapes):
    """Make areas of (kind, shapely polygon in metres from the town's centre)."""
    there = [shapely.transform(shape, lambda xy: xy + CENTRE) for _, shape in shapes]
    drawn = gpd.GeoSeries(there, crs=CRS).to_crs(WGS84).to_numpy()
    return Areas(
        squares=None, grounds=drawn, kinds=np.array([k for k, _ in shapes], object), left_out=0
    )


def segments(*lines, drive=False):
    there = [shapely.transform(LineString(line), lambda xy: xy + CENTRE) for line in lines]
    return gpd.GeoDataFrame(
        {"drive_forward": [drive] * len(there), "drive_backward": [False] * len(there)},
        geometry=there,
        crs=CRS,
    )


def test_a_park_path_is_in_the_park_and_the_street_beside_is_not():
    path, street = [(10, 30), (90, 30)], [(10, -5), (90, -5)]
    park = ground(("park", box(0, 0, 100, 60)))
    assert place_in_areas(segments(path, street), park).tolist() == ["park", None]


def test_the_middle_of_a_segment_decides():
    park = ground(("park", box(0, 0, 100, 60)))
    enters, leaves = [(-90, 30), (100, 30)], [(-110, 30), (100, 30)]
    assert place_in_areas(segments(enters, leaves), park).tolist() == ["park", None]


def test_on_the_border_a_footway_is_in_the_park_and_a_street_for_cars_beside_it():
    park, border = ground(("park", box(0, 0, 100, 60))), [(0, 0), (100, 0)]
    assert place_in_areas(segments(border), park).tolist() == ["park"]
    assert place_in_areas(segments(border, drive=True), park).tolist() == [None]
    across = segments([(50, -10), (50, 70)], drive=True)
    assert place_in_areas(across, park).tolist() == ["park"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_square_wins_over_the_park_it_lies_in(order):
    shapes = [("park", box(0, 0, 100, 60)), ("square", box(40, 20, 60, 40))][::order]
    lines = segments([(45, 30), (55, 30)], [(10, 30), (30, 30)])
    assert place_in_areas(lines, ground(*shapes)).tolist() == ["square", "park"]


def test_a_sidewalk_drawn_as_an_area_is_no_square():
    strip = ground(("square", box(0, 0, 100, 4)))
    assert place_in_areas(segments([(0, 2), (100, 2)]), strip).tolist() == [None]


def test_without_areas_nothing_lies_in_one():
    assert place_in_areas(segments([(0, 0), (1, 1)]), ground()).tolist() == [None]


def test_a_town_read_from_a_file_has_its_square_where_it_stands(tmp_path):
    areas = read(tmp_path, [(20, BLOCK, PLAZA), (21, [1, 5], STREET)])
    x, y = lonlat_to(gpd.GeoSeries([], crs=CRS).crs, areas.squares.lon, areas.squares.lat)
    assert np.column_stack([x, y]) - CENTRE == pytest.approx(
        np.array([NODES[n] for n in (1, 2, 3, 4)]), abs=0.02
    )
    inside = segments([(45, 50), (55, 50)])
    assert place_in_areas(inside, areas).tolist() == ["square"]


def test_a_street_by_a_park_is_beside_it_also_where_no_car_can_come_from_elsewhere(tmp_path):
    nodes = {**NODES, 9: (300, 0), 10: (900, 0)}
    ways = [
        (20, BLOCK, {"leisure": "park"}),
        (21, [1, 2], STREET),
        (22, [2, 9], {"highway": "footway"}),
        (23, [9, 10], STREET),
    ]
    town = write_town(tmp_path / "town.osm.pbf", nodes, ways)
    street = read_streets(town).segments.loc["1-2"]
    assert not street["drive_forward"]
    assert pd.isna(street["area"])


WATER = {"natural": "water"}


def test_parks_and_water_come_with_the_streets_for_the_map(tmp_path):
    ways = [(20, BLOCK, {"leisure": "park"}), (21, [5, 6, 7, 8, 5], WATER), (10, [1, 2], STREET)]
    streets = read_streets(write_town(tmp_path / "town.osm.pbf", NODES, ways))
    grounds = streets.grounds.set_index("kind").area
    assert grounds.index.tolist() == ["park", "water"]
    assert grounds.to_numpy() == pytest.approx([6000, 400], rel=0.01)
    assert streets.grounds.crs == streets.crs
    assert read_streets(streets.segments[["name", "geometry"]]).grounds.empty


def test_no_street_lies_in_water_and_an_open_lake_is_not_reported(tmp_path):
    ways = [(20, BLOCK, WATER), (21, [5, 6, 7, 99, 5], WATER), (10, [5, 6], STREET)]
    streets = read_streets(write_town(tmp_path / "town.osm.pbf", NODES, ways))
    assert streets.segments["area"].isna().all()
    assert streets.report["areas left out, not whole in the file"] == 0
    assert streets.grounds["kind"].tolist() == ["water"]


def test_a_great_lake_is_cut_where_the_streets_end(tmp_path):
    far = {**NODES, 30: (0, 0), 31: (20_000, 0), 32: (20_000, 20_000), 33: (0, 20_000)}
    ways = [(20, [30, 31, 32, 33, 30], WATER), (10, [1, 2], STREET)]
    streets = read_streets(write_town(tmp_path / "town.osm.pbf", far, ways))
    assert streets.grounds.area.sum() == pytest.approx(600 * 500, rel=0.01)
