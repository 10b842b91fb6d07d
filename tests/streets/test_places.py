"""Places from OSM files."""

import pytest
import shapely

from osm_town import STREET, write_town
from patrolmap.errors import OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.streets import read_places
from towns import CENTRE

NODES = {
    1: (0, 0), 2: (100, 0), 3: (100, 60), 4: (0, 60),
    10: (500, 0), 11: (510, 0), 12: (520, 0), 13: (530, 0), 14: (540, 0),
}  # fmt: skip
TAGS = {
    10: {"amenity": "police", "name": "Post 7"},
    11: {"amenity": "pub"},
    12: {"shop": "alcohol", "name": "<script>"},
    13: {"highway": "bus_stop"},
    14: {"amenity": "bench"},
}
WAYS = [(20, [1, 2, 3, 4, 1], {"amenity": "school"}), (21, [1, 10], STREET)]


@pytest.fixture
def town(tmp_path):
    return write_town(tmp_path / "town.osm.pbf", NODES, WAYS, node_tags=TAGS)


def test_all_kinds_come_in_one_table(town):
    places = read_places(town)
    assert places["kind"].to_dict() == {
        "node/10": "police",
        "node/11": "bar",
        "node/12": "alcohol",
        "node/13": "bus_stop",
        "way/20": "school",
    }
    assert places["name"].dropna().to_dict() == {"node/10": "Post 7", "node/12": "<script>"}
    assert (places.geom_type == "Point").all()
    assert places.crs.to_epsg() == 32643


def test_an_area_stands_as_a_point_inside_it(town):
    point = read_places(town, ["school"]).geometry.iloc[0]
    block = shapely.box(CENTRE[0], CENTRE[1], CENTRE[0] + 100, CENTRE[1] + 60)
    assert block.contains(point)


def test_a_park_of_several_ways_is_one_place(tmp_path):
    ways = [(20, [1, 2, 3], {}), (21, [3, 4, 1], {})]
    path = write_town(
        tmp_path / "town.osm.pbf", NODES, ways, areas=[(30, [20, 21], {"leisure": "park"})]
    )
    places = read_places(path)
    assert places["kind"].to_dict() == {"relation/30": "park"}


def test_a_file_whose_ids_stand_in_no_order_is_read_all_the_same(tmp_path):
    new, old = (-21, [1, 10], STREET), (7, [1, 2], STREET)
    ways = [(20, [1, 2, 3, 4, 1], {"amenity": "school"}), new, old]
    path = write_town(tmp_path / "town.osm.pbf", NODES, ways, node_tags=TAGS)
    path = path.rename(tmp_path / "TOWN.OSM.PBF")
    assert read_places(path, ["school", "police"]).index.tolist() == ["node/10", "way/20"]
    assert [file.name for file in tmp_path.iterdir()] == ["TOWN.OSM.PBF"]


def test_only_the_kinds_asked_for_are_read(town):
    assert set(read_places(town, ["bar", "police"])["kind"]) == {"bar", "police"}
    assert set(read_places(town, "bar")["kind"]) == {"bar"}


def test_a_town_without_such_places_gives_an_empty_table_in_metres(town):
    places = read_places(town, ["marketplace"])
    assert len(places) == 0
    assert places.index.name == "place_id"
    assert places.crs.to_epsg() == 32643


def test_an_area_cut_by_the_edge_of_the_extract_is_left_out(tmp_path):
    ways = [(20, [1, 2, 99, 4, 1], {"leisure": "park"}), (21, [1, 10], STREET)]
    path = write_town(tmp_path / "town.osm.pbf", NODES, ways, node_tags=TAGS)
    assert "way/20" not in read_places(path).index


@pytest.mark.parametrize("kinds", [["bars"], ["police", "casino"], []])
def test_an_unknown_kind_lists_those_that_are_known(town, kinds):
    with pytest.raises(OptionError, match="'police', 'school', 'kindergarten'"):
        read_places(town, kinds)


def test_a_file_that_is_no_osm_file_is_refused(tmp_path):
    with pytest.raises(SourceNotFoundError, match="wanted an OSM extract"):
        read_places(tmp_path / "town.osm.pbf")
    (tmp_path / "town.gpkg").write_text("x")
    with pytest.raises(SourceFormatError, match="not read here"):
        read_places(tmp_path / "town.gpkg")
    (tmp_path / "town.osm").write_text("<osm>")
    with pytest.raises(SourceFormatError, match="cut short or damaged"):
        read_places(tmp_path / "town.osm")
