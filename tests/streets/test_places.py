"""Places from OSM files."""

import pytest
import shapely

from osm_town import STREET, write_town
from patrolmap.errors import CRSError, OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.schema import PLACE_KINDS, PLACES, to_markdown, validate
from patrolmap.streets import read_places
from patrolmap.streets.places import PLACE_TAGS
from shared import shared_file
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
    validate(places, PLACES)
    assert places.attrs["incomplete"] == []


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"amenity": "police"}, "police"),
        ({"police": "checkpoint"}, "police"),
        ({"amenity": "kindergarten"}, "kindergarten"),
        ({"amenity": "nightclub"}, "bar"),
        ({"amenity": "biergarten"}, "bar"),
        ({"shop": "wine"}, "alcohol"),
        ({"shop": "beverages"}, "alcohol"),
        ({"highway": "crossing", "crossing": "zebra"}, "crossing"),
        ({"highway": "street_lamp"}, "street_lamp"),
        ({"man_made": "surveillance", "surveillance:type": "camera"}, "camera"),
        ({"highway": "speed_camera"}, None),
        ({"police": "car_pound"}, None),
        ({"shop": "convenience"}, None),
        ({"amenity": ""}, None),
    ],
)
def test_a_kind_is_told_by_its_tags(tmp_path, tags, kind):
    path = write_town(tmp_path / "town.osm.pbf", NODES, WAYS[1:], node_tags={14: tags})
    assert read_places(path)["kind"].tolist() == ([kind] if kind else [])


def test_a_thing_of_several_kinds_counts_once_as_the_first_asked_for(tmp_path):
    tags = {14: {"man_made": "surveillance", "highway": "street_lamp", "amenity": "police"}}
    path = write_town(tmp_path / "town.osm.pbf", NODES, WAYS[1:], node_tags=tags)
    assert read_places(path)["kind"].tolist() == ["police"]
    assert read_places(path, ["camera", "street_lamp"])["kind"].tolist() == ["street_lamp"]
    assert read_places(path, ["camera"])["kind"].tolist() == ["camera"]


def test_the_contract_and_the_tags_tell_of_the_same_kinds():
    assert tuple(PLACE_TAGS) == PLACE_KINDS
    assert "street_lamp, camera" in to_markdown(PLACES)
    assert all(kind in read_places.__doc__ for kind in PLACE_KINDS)


def test_names_come_in_every_language_tagged(tmp_path):
    names = {"name": "Post", "name:kk": "Бекет", "name:ru": "Пост", "name:en": "Police post"}
    tags = {14: {"amenity": "police", **names}}
    path = write_town(tmp_path / "town.osm.pbf", NODES, WAYS[1:], node_tags=tags)
    row = read_places(path).loc["node/14", ["name", "name_kk", "name_ru", "name_en"]]
    assert row.tolist() == list(names.values())


def test_a_crossing_drawn_as_a_line_is_no_place(tmp_path):
    ways = [(20, [1, 2], {"highway": "crossing"}), (21, [1, 10], STREET)]
    path = write_town(tmp_path / "town.osm.pbf", NODES, ways)
    assert len(read_places(path)) == 0


def test_an_area_told_to_be_a_line_is_none(tmp_path):
    ways = [(20, [1, 2, 3, 4, 1], {"leisure": "park", "area": "no"})]
    assert len(read_places(write_town(tmp_path / "town.osm.pbf", NODES, ways))) == 0


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
    places = read_places(path)
    assert "way/20" not in places.index
    assert places.attrs["incomplete"] == ["way/20"]


def test_a_park_whose_ways_do_not_close_is_left_out(tmp_path):
    ways = [(20, [1, 2, 3], {}), (21, [3, 4, 1], {})]
    areas = [(30, [20], {"leisure": "park"}), (31, [20, 21], {"leisure": "park"})]
    places = read_places(write_town(tmp_path / "town.osm.pbf", NODES, ways, areas=areas))
    assert places.index.tolist() == ["relation/31"]
    assert places.attrs["incomplete"] == ["relation/30"]


def test_an_area_that_crosses_itself_does_not_stop_the_reading(tmp_path):
    ways = [*WAYS, (22, [1, 3, 2, 4, 1], {"leisure": "park"})]
    places = read_places(write_town(tmp_path / "town.osm.pbf", NODES, ways, node_tags=TAGS))
    assert len(places) == 5
    assert places.attrs["incomplete"] == ["way/22"]


def test_a_place_outside_the_world_is_named(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(
        '<osm version="0.6"><node id="7" lon="76.9" lat="95">'
        '<tag k="amenity" v="bar"/></node></osm>'
    )
    with pytest.raises(CRSError, match=r"node 7 stands at lon=76\.9, lat=95"):
        read_places(path)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("city", "counts"),
    [
        ("helsinki/helsinki", {"crossing": 621, "street_lamp": 586, "camera": 220, "bar": 81}),
        ("heidelberg/heidelberg", {"crossing": 560, "bus_stop": 492, "park": 86}),
        ("porto/porto", {"crossing": 2454, "bus_stop": 76}),
    ],
)
def test_crossings_lamps_and_cameras_of_real_cities_are_read(city, counts):
    places = read_places(shared_file(f"{city}.osm.pbf"))
    found = places["kind"].value_counts()
    assert {kind: int(found[kind]) for kind in counts} == counts


@pytest.mark.parametrize("kinds", [["bars"], ["police", "casino"], [], 7])
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
