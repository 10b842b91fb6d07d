"""Small towns written as OSM files: what becomes of their streets."""

import itertools
import math
import random
from collections import defaultdict

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osm_town import STREET, write_town
from patrolmap import datasets
from patrolmap.errors import CRSError, SourceFormatError
from patrolmap.streets import read_streets

CROSS = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 100), 5: (100, -100)}


def read(tmp_path, nodes, ways, **options):
    return read_streets(write_town(tmp_path / "town.osm.pbf", nodes, ways), **options)


def lengths(streets):
    return streets.segments["length"].round().astype(int).to_dict()


def test_ways_are_split_where_they_cross_at_a_node(tmp_path):
    streets = read(tmp_path, CROSS, [(10, [1, 2, 3], STREET), (11, [4, 2, 5], STREET)])
    assert lengths(streets) == {"1-2": 100, "2-3": 100, "2-4": 100, "2-5": 100}


def test_ways_that_cross_without_a_node_are_a_bridge(tmp_path):
    nodes = {1: (0, 0), 3: (200, 0), 4: (100, 100), 5: (100, -100)}
    ways = [(10, [1, 3], STREET), (11, [4, 5], STREET), (12, [3, 5], STREET)]
    streets = read(tmp_path, nodes, ways, max_segment_length=math.inf)
    assert list(streets.segments.index) == ["1-4"]


def test_ways_that_meet_end_to_end_are_one_street_when_their_tags_agree(tmp_path):
    named = {**STREET, "name": "Abai"}
    streets = read(tmp_path, CROSS, [(10, [3, 2], named), (11, [1, 2], named)])
    assert lengths(streets) == {"1-3": 200}
    assert streets.segments["name"].tolist() == ["Abai"]


@pytest.mark.parametrize(
    "change",
    [{"lit": "yes"}, {"name": "Satpaev"}, {"name:kk": "Сәтбаев"}, {"name:ru": "Сатпаева"},
     {"highway": "service"}, {"oneway": "yes"}, {"motor_vehicle": "no"}],
)  # fmt: skip
def test_a_street_is_split_where_a_kept_tag_changes(tmp_path, change):
    streets = read(tmp_path, CROSS, [(10, [1, 2], STREET), (11, [2, 3], {**STREET, **change})])
    assert list(streets.segments.index) == ["1-2", "2-3"]


def test_a_tag_that_is_not_kept_splits_nothing(tmp_path):
    streets = read(tmp_path, CROSS, [(10, [1, 2], STREET), (11, [2, 3], {**STREET, "lanes": "2"})])
    assert list(streets.segments.index) == ["1-3"]


def test_one_way_streets_drawn_towards_each_other_stay_apart(tmp_path):
    one_way = {**STREET, "oneway": "yes"}
    streets = read(tmp_path, CROSS, [(10, [1, 2], one_way), (11, [3, 2], one_way)])
    flags = streets.segments[["drive_forward", "drive_backward"]]
    assert flags.loc["1-2"].tolist() == [True, False]
    assert flags.loc["2-3"].tolist() == [False, True]


def test_one_way_streets_drawn_one_after_another_join(tmp_path):
    ways = [(10, [3, 2], {**STREET, "oneway": "yes"}), (11, [1, 2], {**STREET, "oneway": "-1"})]
    streets = read(tmp_path, CROSS, ways)
    row = streets.segments.loc["1-3"]
    assert (row["drive_forward"], row["drive_backward"], row["walk"]) == (False, True, True)


def test_a_roundabout_is_driven_one_way_and_split_at_its_arms(tmp_path):
    nodes = {1: (10, 0), 2: (0, 10), 3: (-10, 0), 4: (0, -10), 5: (100, 0), 6: (-100, 0)}
    ways = [
        (10, [1, 2, 3, 4, 1], {**STREET, "junction": "roundabout"}),
        (11, [5, 1], STREET),
        (12, [3, 6], STREET),
    ]
    streets = read(tmp_path, nodes, ways)
    assert list(streets.segments.index) == ["1-3", "1-3:2", "1-5", "3-6"]
    ring = streets.segments.loc[["1-3", "1-3:2"]]
    assert ring["drive_forward"].tolist() == [True, False]
    assert ring["drive_backward"].tolist() == [False, True]
    assert ring["walk"].all()


def test_two_carriageways_between_the_same_junctions_stay_two_segments(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 3: (50, 10), 4: (50, -10), 5: (-50, 0), 6: (150, 0)}
    ways = [
        (20, [1, 3, 2], {**STREET, "oneway": "yes"}),
        (19, [2, 4, 1], {**STREET, "oneway": "yes"}),
        (11, [5, 1], STREET),
        (12, [2, 6], STREET),
    ]
    streets = read(tmp_path, nodes, ways)
    assert list(streets.segments.index) == ["1-2", "1-2:2", "1-5", "2-6"]
    assert shapely.get_coordinates(streets.segments.geometry.loc["1-2"])[1, 1] == pytest.approx(
        4_789_990, abs=0.1
    )  # the older way, 19, keeps the plain id


def test_a_newer_parallel_street_does_not_rename_the_old_one(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 3: (50, 10), 5: (-50, 0), 6: (150, 0)}
    arms = [(11, [5, 1], {"highway": "steps"}), (12, [2, 6], {"highway": "steps"})]
    before = read(tmp_path, nodes, [*arms, (20, [1, 2], STREET)])
    after = read(tmp_path, nodes, [*arms, (21, [1, 3, 2], STREET), (20, [1, 2], STREET)])
    assert lengths(before) == {"1-2": 100, "1-5": 50, "2-6": 50}
    assert lengths(after) == {"1-2": 100, "1-2:2": 102, "1-5": 50, "2-6": 50}


def test_a_loop_starts_and_ends_at_its_junction(tmp_path):
    nodes = {1: (0, 0), 2: (50, 50), 3: (0, 100), 4: (-50, 50), 5: (0, -80)}
    ways = [(10, [3, 4, 1, 2, 3], STREET), (11, [5, 1], STREET)]
    streets = read(tmp_path, nodes, ways, max_segment_length=math.inf)
    loop = streets.segments.loc["1-1"]
    assert (loop["from_node"], loop["to_node"]) == (1, 1)
    assert loop["length"] == pytest.approx(4 * 50 * math.sqrt(2), abs=0.1)
    second = shapely.get_coordinates(loop.geometry)[1]
    assert second[0] == pytest.approx(656_050, abs=0.1)  # towards node 2, the smaller neighbour


def test_a_ring_without_a_junction_starts_at_its_smallest_node(tmp_path):
    nodes = {7: (0, 0), 3: (100, 0), 5: (50, 80)}
    streets = read(tmp_path, nodes, [(10, [7, 5, 3, 7], STREET)], max_segment_length=math.inf)
    assert list(streets.segments.index) == ["3-3"]


def test_a_way_that_touches_itself_is_split_there(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 3: (150, 50), 4: (100, 100), 5: (100, -60)}
    streets = read(tmp_path, nodes, [(10, [1, 2, 3, 4, 2, 5], STREET)])
    assert list(streets.segments.index) == ["1-2", "2-2/1", "2-2/2", "2-5"]


def test_a_way_that_turns_back_on_itself_counts_once(tmp_path):
    streets = read(tmp_path, CROSS, [(10, [1, 2, 3, 2], STREET)])
    assert lengths(streets) == {"1-3": 200}
    assert streets.report["duplicate length dropped (m)"] == pytest.approx(100, abs=0.1)


def test_a_street_drawn_twice_is_one_and_named_by_the_older_way(tmp_path):
    ways = [(12, [1, 2], {**STREET, "name": "new"}), (11, [2, 1], {**STREET, "name": "old"})]
    streets = read(tmp_path, CROSS, ways)
    assert streets.segments["name"].tolist() == ["old"]


def test_a_clipped_way_runs_up_to_the_edge_and_on_behind_it(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 4: (100, 100), 5: (200, 0)}
    ways = [(10, [1, 2, 99, 5, 4], STREET), (11, [1, 5], STREET)]
    streets = read(tmp_path, nodes, ways)
    assert streets.report["ways cut where the file lacks their nodes"] == 1
    assert streets.segments["length"].sum() == pytest.approx(100 + 200 + 141.42, abs=0.1)


def test_walkers_do_not_use_the_motorway_but_cars_do(tmp_path):
    ways = [
        (10, [1, 2], STREET),
        (11, [2, 3], {"highway": "motorway"}),
        (12, [2, 4], {"highway": "steps"}),
    ]
    streets = read(tmp_path, CROSS, ways)
    assert streets.segments["walk"].to_dict() == {"1-2": True, "2-3": False, "2-4": True}
    drive = streets.segments["drive_forward"] | streets.segments["drive_backward"]
    assert drive.to_dict() == {"1-2": True, "2-3": True, "2-4": False}


def test_a_private_yard_is_out_and_an_open_one_is_in(tmp_path):
    ways = [
        (10, [1, 2], STREET),
        (11, [2, 4], {"highway": "service", "access": "private"}),
        (12, [2, 5], {"highway": "service", "service": "driveway"}),
    ]
    streets = read(tmp_path, CROSS, ways)
    assert list(streets.segments.index) == ["1-2", "2-5"]
    assert streets.report["ways left out by the walk and drive rules"] == 1


def test_streets_keep_their_kazakh_and_russian_names(tmp_path):
    tags = {**STREET, "name": "Abai", "name:kk": "Абай даңғылы", "name:ru": "проспект Абая"}
    row = read(tmp_path, CROSS, [(10, [1, 2], tags)]).segments.iloc[0]
    assert (row["name"], row["name_kk"], row["name_ru"]) == (
        "Abai",
        "Абай даңғылы",
        "проспект Абая",
    )


def test_only_the_largest_connected_part_is_walked_and_the_rest_is_reported(tmp_path):
    nodes = {**CROSS, 8: (5000, 0), 9: (5060, 0)}
    streets = read(tmp_path, nodes, [(10, [1, 2, 3], STREET), (11, [8, 9], STREET)])
    assert list(streets.segments.index) == ["1-3"]
    assert streets.report["walkable length dropped, not connected (m)"] == pytest.approx(
        60, abs=0.1
    )


def test_a_long_street_is_cut_into_equal_pieces_counted_from_its_smaller_end(tmp_path):
    nodes = {1: (0, 0), 2: (330, 0), 3: (500, 0)}
    streets = read(tmp_path, nodes, [(10, [3, 2, 1], STREET)])
    table = streets.segments
    assert list(table.index) == ["1-3/1", "1-3/2", "1-3/3"]
    assert table["length"].tolist() == pytest.approx([166.667] * 3, abs=0.01)
    assert table["from_node"].iloc[0] == 1
    assert table["to_node"].iloc[2] == 3
    assert table["to_node"].tolist()[:-1] == table["from_node"].tolist()[1:]
    assert (table["to_node"].iloc[:-1] < 0).all()


def test_cut_pieces_have_the_same_new_nodes_on_every_reading(tmp_path):
    nodes = {1: (0, 0), 3: (500, 0), 7: (0, 90)}
    one = read(tmp_path, nodes, [(10, [1, 3], STREET)])
    side = (9, [1, 7], {"highway": "steps"})
    more = read(tmp_path, nodes, [side, (10, [1, 3], STREET)], max_segment_length=180)
    assert set(more.nodes.index) >= {n for n in one.nodes.index if n < 0}


def test_a_street_of_exactly_the_longest_length_stays_whole(tmp_path):
    streets = read(tmp_path, CROSS, [(10, [1, 2], STREET)])
    exact = float(streets.segments["length"].iloc[0])
    again = read(tmp_path, CROSS, [(10, [1, 2], STREET)], max_segment_length=exact)
    assert len(again.segments) == 1


def test_two_nodes_on_one_spot_joined_by_a_way_are_one_junction(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 3: (100, 0), 4: (200, 50), 5: (200, -50)}
    ways = [(10, [1, 2], STREET), (11, [2, 3], STREET), (12, [3, 4], STREET), (13, [3, 5], STREET)]
    streets = read(tmp_path, nodes, ways)
    assert list(streets.segments.index) == ["1-2", "2-4", "2-5"]
    assert streets.report["zero-length pieces dropped"] == 1


def test_negative_node_ids_of_a_draft_are_read(tmp_path):
    nodes = {-1: (0, 0), -2: (100, 0), 3: (100, 50)}
    streets = read(tmp_path, nodes, [(10, [-1, -2, 3], STREET)])
    assert lengths(streets) == {"-1-3": 150}


@pytest.mark.parametrize("ending", ["osm", "osm.gz", "osm.bz2", "osm.pbf", "OSM.PBF"])
def test_every_osm_form_gives_the_same_network(tmp_path, ending):
    ways = [(10, [1, 2, 3], STREET), (11, [4, 2, 5], STREET)]
    other = read(tmp_path, CROSS, ways)
    written = write_town(tmp_path / f"other.{ending.lower()}", CROSS, ways)
    path = written.rename(tmp_path / f"other.{ending}")
    assert read_streets(path) == other


def test_ways_may_stand_before_their_nodes(tmp_path):
    path = tmp_path / "overpass.osm"
    path.write_text(
        '<osm version="0.6"><way id="1"><nd ref="1"/><nd ref="2"/>'
        '<tag k="highway" v="path"/></way>'
        '<node id="1" lat="43.25" lon="76.9"/><node id="2" lat="43.251" lon="76.9"/></osm>'
    )
    assert read_streets(path).segments["length"].iloc[0] == pytest.approx(111, abs=1)


def test_a_node_outside_the_world_is_named(tmp_path):
    path = tmp_path / "town.osm"
    path.write_text(
        '<osm version="0.6"><node id="1" lat="43.25" lon="76.9"/><node id="2" lat="95" lon="76.9"/>'
        '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way></osm>'
    )
    with pytest.raises(CRSError, match=r"node 2 stands at lon=76\.9, lat=95"):
        read_streets(path)


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ([(10, [1, 2], {"building": "yes"})], "no way with a highway tag"),
        ([(10, [1, 2], {"highway": "proposed"})], "none of its 1 highway ways"),
        ([(10, [97, 98], STREET)], "none of their nodes"),
        ([(10, [1, 98], STREET)], "no street of any length"),
    ],
)
def test_a_file_without_usable_streets_says_so(tmp_path, ways, said):
    with pytest.raises(SourceFormatError, match=said):
        read(tmp_path, CROSS, ways)


# Random towns ----------------------------------------------------------------------------------

KINDS = [STREET, {**STREET, "lit": "yes"}, {**STREET, "oneway": "yes"}, {"highway": "footway"}]


@st.composite
def random_towns(draw):
    places = draw(
        st.lists(
            st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=14, unique=True
        )
    )
    nodes = {
        number: (100.0 * x + 7 * y, 100.0 * y) for number, (x, y) in enumerate(places, start=1)
    }
    pick = st.sampled_from(sorted(nodes))
    ways = draw(
        st.lists(
            st.tuples(st.lists(pick, min_size=2, max_size=7), st.sampled_from(KINDS)),
            min_size=1,
            max_size=8,
        )
    )
    return nodes, [(100 + i, refs, tags) for i, (refs, tags) in enumerate(ways)]


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(town=random_towns(), seed=st.integers(0, 999))
def test_random_towns_keep_their_length_their_ends_and_their_ids(tmp_path, town, seed):
    nodes, ways = town
    links = {frozenset(p) for _, refs, _ in ways for p in itertools.pairwise(refs)}
    links = {link for link in links if len(link) == 2}
    if not links:
        return
    streets = read(tmp_path, nodes, ways)
    drawn = sum(math.dist(*(nodes[n] for n in link)) for link in links)
    walked = streets.report["walkable length kept (m)"]
    lost = streets.report["walkable length dropped, not connected (m)"]
    assert walked + lost == pytest.approx(drawn, abs=0.03 * len(links))
    assert streets.segments["length"].between(0.001, 200).all()

    at = streets.nodes.geometry
    for column, which in (("from_node", 0), ("to_node", -1)):
        ends = gpd.GeoSeries(
            shapely.get_point(streets.segments.geometry.to_numpy(), which), crs=streets.crs
        )
        assert ends.distance(at.loc[streets.segments[column]].reset_index(drop=True)).max() < 1e-6
    used = set(streets.segments[["from_node", "to_node"]].to_numpy().ravel())
    assert used == set(streets.nodes.index)

    # Where a street that hangs together with no other has lost its cars, it may look needless.
    if lost == 0 and streets.report["drivable length dropped, not connected (m)"] == 0:
        check_no_needless_node(streets.segments)

    shuffled = random.Random(seed).sample(ways, len(ways))
    again = read(tmp_path, nodes, shuffled)
    assert again == streets
    assert again.segments.drop(columns="geometry").equals(streets.segments.drop(columns="geometry"))


def check_no_needless_node(segments):
    """Look at every node where just two ends of segments meet: something must change there."""
    meeting = defaultdict(list)
    for row in segments.itertuples():
        texts = (row.name, row.highway, row.lit, row.walk)
        meeting[row.from_node].append(
            (row.Index, str(texts), row.drive_forward, row.drive_backward)
        )
        meeting[row.to_node].append((row.Index, str(texts), row.drive_backward, row.drive_forward))
    for node, ends in meeting.items():
        if node > 0 and len(ends) == 2 and ends[0][0] != ends[1][0]:
            (_, texts, leave, arrive), (_, other_texts, other_leave, other_arrive) = ends
            same = texts == other_texts and (leave, arrive) == (other_arrive, other_leave)
            ring = ends[0][0].split("/")[0] == ends[1][0].split("/")[0]
            assert ring or not same, f"node {node} parts {ends}"


def test_openstreetmap_is_credited_and_the_synthetic_sample_is_not(tmp_path):
    written = write_town(tmp_path / "town.osm.pbf", CROSS, [(10, [1, 2], STREET)])
    assert "OpenStreetMap" in read_streets(written).attribution
    assert read_streets(datasets.sample().streets).attribution == ""
