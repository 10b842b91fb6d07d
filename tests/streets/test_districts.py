"""Administrative boundaries of OSM files, as one table."""

import logging

import osmium
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osmium.osm import mutable

from osm_town import STREET, write_town
from patrolmap.errors import CRSError, OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.schema import DISTRICTS, validate
from patrolmap.streets import read_districts
from shared import shared_file
from towns import CENTRE

ADMIN = {"type": "boundary", "boundary": "administrative"}
# Two districts side by side, which share the way 22, and a small one inside the western.
NODES = {
    1: (0, 0), 2: (1000, 0), 3: (2000, 0), 4: (2000, 800), 5: (1000, 800), 6: (0, 800),
    11: (200, 200), 12: (400, 200), 13: (400, 400), 14: (200, 400),
}  # fmt: skip
LINE = {"boundary": "administrative", "admin_level": "6"}
WAYS = [
    (20, [5, 6, 1, 2], LINE),
    (21, [2, 3, 4, 5], LINE),
    (22, [2, 5], {"highway": "residential"}),
    (23, [11, 12, 13, 14, 11], {}),
]
WEST = {**ADMIN, "admin_level": "6", "name": "Batys", "name:kk": "Батыс", "name:ru": "Западный"}
EAST = {**ADMIN, "admin_level": "6", "name": "Shygys", "name:en": "East"}
YARD = {**ADMIN, "admin_level": "8", "name": "Aul"}
AREAS = [(30, [20, 22], WEST), (31, [21, 22], EAST), (32, [23], YARD)]


def write(tmp_path, *, nodes=NODES, ways=WAYS, areas=AREAS, name="town.osm.pbf"):
    return write_town(tmp_path / name, nodes, ways, areas=areas)


@pytest.fixture
def town(tmp_path):
    return write(tmp_path)


def test_all_boundaries_come_in_one_table_in_metres(town):
    table = read_districts(town)
    validate(table, DISTRICTS)
    assert table.index.tolist() == ["relation/30", "relation/31", "relation/32"]
    assert table["name"].tolist() == ["Batys", "Shygys", "Aul"]
    assert table.loc["relation/30", ["name_kk", "name_ru"]].tolist() == ["Батыс", "Западный"]
    assert table.loc["relation/31", "name_en"] == "East"
    assert table["admin_level"].tolist() == [6, 6, 8]
    assert table.crs.to_epsg() == 32643
    assert table.attrs["incomplete"] == []
    west = shapely.box(CENTRE[0], CENTRE[1], CENTRE[0] + 1000, CENTRE[1] + 800)
    assert table.geometry.loc["relation/30"].symmetric_difference(west).area < 100
    assert table.area.loc["relation/32"] == pytest.approx(200 * 200, rel=0.001)


@pytest.mark.parametrize(
    ("level", "names"),
    [(6, ["Batys", "Shygys"]), ([8], ["Aul"]), ({6, 8}, ["Batys", "Shygys", "Aul"])],
)
def test_only_the_levels_asked_for_are_read(town, level, names):
    assert read_districts(town, admin_level=level)["name"].tolist() == names


def test_a_level_that_the_file_lacks_gives_an_empty_table_and_says_which_there_are(town, caplog):
    with caplog.at_level(logging.WARNING):
        table = read_districts(town, admin_level=4)
    assert len(table) == 0
    validate(table, DISTRICTS)
    assert table.crs.to_epsg() == 32643
    assert "it has 2 of admin_level 6, 1 of admin_level 8" in caplog.text


def test_a_file_without_any_boundary_gives_an_empty_table(tmp_path, caplog):
    path = write(tmp_path, ways=[(20, [1, 2], STREET)], areas=[])
    assert len(read_districts(path)) == 0
    assert "it holds none at all" in caplog.text


@pytest.mark.parametrize("level", ["6", True, 0, -1, [], [6, "8"], 6.0, object()])
def test_a_level_that_is_none_is_refused(town, level):
    with pytest.raises(OptionError, match="admin_level="):
        read_districts(town, admin_level=level)


def test_a_boundary_whose_ways_the_extract_lacks_is_left_out_and_named(tmp_path, caplog):
    path = write(tmp_path, ways=[way for way in WAYS if way[0] != 21])
    table = read_districts(path)
    assert table["name"].tolist() == ["Batys", "Aul"]
    said = "Shygys (relation/31, admin_level 6): 1 of its 2 ways are in the file"
    assert table.attrs["incomplete"] == [said]
    assert f"left out 1 of 3 administrative boundaries, of which it does not hold all: {said}" in (
        caplog.text
    )


def test_a_boundary_whose_nodes_the_extract_lacks_is_left_out_and_named(tmp_path):
    nodes = {number: corner for number, corner in NODES.items() if number not in (3, 4)}
    table = read_districts(write(tmp_path, nodes=nodes))
    assert table["name"].tolist() == ["Batys", "Aul"]
    (said,) = table.attrs["incomplete"]
    assert said.endswith("2 of its 4 nodes are in the file")


def test_a_boundary_that_does_not_close_is_left_out_and_named(tmp_path):
    areas = [*AREAS, (33, [20], {**ADMIN, "name": "open"}), (34, [], {**ADMIN, "name": "no way"})]
    table = read_districts(write(tmp_path, areas=areas))
    assert len(table) == 3
    assert table.attrs["incomplete"] == [
        "open (relation/33, no admin_level): its outline does not close or crosses itself",
        "no way (relation/34, no admin_level): 0 of its 0 ways are in the file",
    ]


def test_incomplete_boundaries_of_other_levels_are_not_told(tmp_path, caplog):
    path = write(tmp_path, ways=[way for way in WAYS if way[0] != 21])
    assert read_districts(path, admin_level=8).attrs["incomplete"] == []
    assert caplog.text == ""


def test_an_exclave_and_a_hole_belong_to_their_district(tmp_path):
    nodes = {**NODES, 15: (3000, 0), 16: (3100, 0), 17: (3100, 100)}
    ways = [*WAYS, (24, [15, 16, 17, 15], {})]
    table = read_districts(
        write(tmp_path, nodes=nodes, ways=ways, areas=[(30, [20, 22, 23, 24], WEST)])
    )
    shape = table.geometry.iloc[0]
    assert len(shape.geoms) == 2
    assert shape.area == pytest.approx(1000 * 800 - 200 * 200 + 5000, rel=0.001)


def test_a_closed_way_is_a_district_unless_it_only_draws_one(tmp_path):
    closed = [
        (23, [11, 12, 13, 14, 11], {**LINE, "admin_level": "8"}),  # draws Aul
        (24, [11, 12, 13, 11], {**LINE, "name": "Small"}),
        (25, [11, 12, 14, 11], LINE),
    ]
    table = read_districts(write(tmp_path, ways=[*WAYS[:3], *closed]))
    assert table.index.tolist() == [
        "way/24", "way/25", "relation/30", "relation/31", "relation/32"
    ]  # fmt: skip


def test_a_named_way_that_is_part_of_a_larger_boundary_is_a_district_too(tmp_path):
    closed = (23, [11, 12, 13, 14, 11], {**LINE, "name": "Own name"})
    assert "way/23" in read_districts(write(tmp_path, ways=[*WAYS[:3], closed])).index
    closed = (23, [11, 12, 13, 14, 11], {**LINE, "name": "AUL "})
    assert "way/23" not in read_districts(write(tmp_path, ways=[*WAYS[:3], closed])).index


@pytest.mark.parametrize(
    ("tagged", "level"),
    [("8", 8), (" 6;8", 6), ("ward", None), ("0", None), ("²", None), ("", None)],
)
def test_a_level_is_read_as_tagged_or_left_open(tmp_path, tagged, level):
    table = read_districts(write(tmp_path, areas=[(30, [20, 22], {**WEST, "admin_level": tagged})]))
    assert [None if table["admin_level"].isna().any() else int(table["admin_level"].iloc[0])] == [
        level
    ]


def test_other_boundaries_are_no_districts(tmp_path):
    areas = [
        (30, [20, 22], {**WEST, "boundary": "postal_code"}),
        (31, [21, 22], {**EAST, "type": "collection"}),
    ]
    assert len(read_districts(write(tmp_path, areas=areas))) == 0


@pytest.mark.parametrize("name", ["town.osm", "town.osm.gz", "town.osm.bz2"])
def test_every_osm_form_gives_the_same_table(tmp_path, town, name):
    other = read_districts(write(tmp_path, name=name))
    assert other.drop(columns="geometry").equals(read_districts(town).drop(columns="geometry"))
    assert other.geometry.geom_equals(read_districts(town).geometry).all()


def test_negative_and_huge_ids_of_a_draft_are_read(tmp_path):
    big = 2**53 - 1
    nodes = {-1: (0, 0), -2: (500, 0), big: (500, 500), 4: (0, 500)}
    ways = [(-20, [-1, -2, big], {}), (big, [big, 4, -1], {})]
    table = read_districts(write(tmp_path, nodes=nodes, ways=ways, areas=[(-7, [-20, big], WEST)]))
    assert table.index.tolist() == ["relation/-7"]
    assert table.area.iloc[0] == pytest.approx(250_000, rel=0.001)


def test_a_boundary_outside_the_world_is_named(tmp_path):
    path = tmp_path / "town.osm"
    write_town(path, NODES, WAYS, areas=AREAS)
    text = path.read_text()
    start = text.index('<node id="3"')
    end = text.index("/>", start)
    path.write_text(text[:start] + '<node id="3" lat="95" lon="76.9"' + text[end:])
    with pytest.raises(CRSError, match=r"node 3 stands at lon=76\.9, lat=95"):
        read_districts(path)


def test_a_file_that_is_no_osm_file_is_refused(tmp_path):
    with pytest.raises(SourceNotFoundError, match="wanted an OSM extract"):
        read_districts(tmp_path / "town.osm.pbf")
    (tmp_path / "town.geojson").write_text("{}")
    with pytest.raises(SourceFormatError, match="not read here"):
        read_districts(tmp_path / "town.geojson")


def write_shuffled(path, order):
    """Write the town with its ways and relations in another order, each way twice."""
    writer = osmium.SimpleWriter(str(path), overwrite=True)
    try:
        for number, (x, y) in sorted(NODES.items()):
            place = (76.9 + x / 81_000, 43.25 + y / 111_000)
            writer.add_node(mutable.Node(id=number, location=place))
        for i in order:
            number, nodes, tags = WAYS[i % len(WAYS)]
            writer.add_way(mutable.Way(id=number, nodes=nodes, tags=tags))
        for number, ways, tags in sorted(AREAS, key=lambda area: order.index(area[0] - 30)):
            members = [("w", way, "outer") for way in ways]
            writer.add_relation(mutable.Relation(id=number, members=members, tags=tags))
    finally:
        writer.close()
    return path


@settings(
    deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(2 * len(WAYS))))
def test_neither_the_order_in_the_file_nor_repeated_ways_change_the_table(tmp_path, order):
    one = read_districts(write_shuffled(tmp_path / "one.osm.pbf", list(range(len(WAYS)))))
    other = read_districts(write_shuffled(tmp_path / "other.osm.pbf", order))
    assert other.drop(columns="geometry").equals(one.drop(columns="geometry"))
    assert other.geometry.geom_equals(one.geometry).all()


@pytest.mark.shared
def test_a_city_extract_cuts_its_districts_and_says_which():
    table = read_districts(shared_file("helsinki/helsinki.osm.pbf"))
    assert len(table) == 0
    assert len(table.attrs["incomplete"]) == 14
    assert (
        "Kluuvi (relation/184713, admin_level 10): 5 of its 6 ways are in the file"
        in (table.attrs["incomplete"])
    )


@pytest.mark.shared
def test_settlements_drawn_as_closed_ways_are_read():
    table = read_districts(shared_file("almaty/almaty-2012.osm.pbf"))
    assert len(table) == 11
    assert table["name"].dropna().tolist() == ["мкн Пятилетка", "пос. Жамбыл", "Елтай"]
    assert table.area.between(0.5e6, 4e6).all()
    assert len(table.attrs["incomplete"]) == 1
