"""Sidewalks drawn as lines of their own: folded into their street, with nothing cut off."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from osm_town import STREET, write_town
from patrolmap.streets import read_streets, rules
from patrolmap.streets.lines.sidewalks import fold_sidewalks
from patrolmap.streets.lines.table import TAGS, Lines

SIDEWALK = {"highway": "footway", "footway": "sidewalk"}
CROSSING = {"highway": "footway", "footway": "crossing"}
PATH = {"highway": "footway"}
BRIDGE = {"bridge": "yes", "layer": "1"}


def draw(nodes, ways):
    """Draw lines as the reader of OSM files does: nodes by id, ways as id, nodes, tags."""
    rows = [{**rules.judge(tags)._asdict(), "name": tags.get("name")} for _, _, tags in ways]
    tags = pd.DataFrame(rows, columns=TAGS)
    ids = np.array(sorted(nodes))
    refs = [ref for _, refs, _ in ways for ref in refs]
    x, y = np.array([nodes[i] for i in ids.tolist()], dtype=float).T
    return Lines(
        way=np.array([way for way, _, _ in ways]),
        start=np.cumsum([0, *(len(refs) for _, refs, _ in ways)]),
        vertex=np.searchsorted(ids, refs),
        node_id=ids,
        x=x,
        y=y,
        crossing=np.zeros(len(ids), dtype=bool),
        tags=tags,
    )


def fold(nodes, ways):
    return fold_sidewalks(draw(nodes, ways))


def drawn(lines):
    """Return the lines as (way, ids of its nodes)."""
    ids = np.split(lines.node_id[lines.vertex], lines.start[1:-1])
    return [(way, line.tolist()) for way, line in zip(lines.way.tolist(), ids, strict=True)]


def place(lines, node_id):
    row = np.searchsorted(lines.node_id, node_id)
    return pytest.approx((lines.x[row], lines.y[row]))


def marked(lines):
    used = np.unique(lines.vertex)
    return lines.node_id[used[lines.crossing[used]]].tolist()


# A street from 1 to 3, with a crossing at 2 that joins the sidewalks 11-13 and 21-23.
NODES = {
    **{1: (0, 0), 2: (100, 0), 3: (200, 0)},
    **{11: (0, 8), 12: (100, 8), 13: (200, 8)},
    **{21: (0, -8), 22: (100, -8), 23: (200, -8)},
}
WAYS = [
    (1, [1, 2, 3], STREET),
    (2, [11, 12, 13], SIDEWALK),
    (3, [21, 22, 23], SIDEWALK),
    (4, [12, 2, 22], CROSSING),
]


def test_a_street_with_sidewalks_and_a_crossing_is_one_line_with_the_crossing_marked():
    lines, report = fold(NODES, WAYS)
    assert drawn(lines) == [(1, [1, 2, 3])]
    assert marked(lines) == [2]
    assert report == {
        "sidewalk length folded into streets (m)": 400.0,
        "sidewalk length kept, no street alongside (m)": 0.0,
        "sidewalk length kept, no other way near (m)": 0.0,
        "crossing length folded (m)": 16.0,
        "crossing length kept (m)": 0.0,
        "length of footpaths that only joined these folded (m)": 0.0,
        "junctions moved from sidewalks onto streets": 0.0,
    }


def test_a_town_without_sidewalks_is_left_as_it_is():
    lines = draw(NODES, WAYS[:1])
    folded, report = fold_sidewalks(lines)
    assert folded is lines
    assert set(report.values()) == {0.0}


def test_the_lines_given_are_not_changed():
    nodes = {**NODES, 30: (40, 60), 31: (40, 8)}
    ways = [WAYS[0], (2, [11, 31, 12, 13], SIDEWALK), (5, [30, 31], PATH)]
    lines, before = draw(nodes, ways), draw(nodes, ways)
    fold_sidewalks(lines)
    for name in ("way", "start", "vertex", "node_id", "x", "y", "crossing"):
        assert (getattr(lines, name) == getattr(before, name)).all()
    assert lines.tags.equals(before.tags)


def test_a_path_off_a_sidewalk_is_drawn_on_to_the_street_and_splits_it_there():
    nodes = {**NODES, 30: (40, 60), 31: (40, 8)}
    ways = [WAYS[0], (2, [11, 31, 12, 13], SIDEWALK), (5, [30, 31], PATH)]
    lines, report = fold(nodes, ways)
    assert drawn(lines) == [(1, [1, 31, 2, 3]), (5, [30, 31])]
    assert place(lines, 31) == (40, 0)
    assert report["junctions moved from sidewalks onto streets"] == 1


def test_paths_off_a_sidewalk_meet_the_street_in_order_whichever_way_it_was_drawn():
    nodes = {**NODES, 30: (40, 60), 31: (40, 8), 32: (70, 60), 33: (70, 8)}
    ways = [
        (1, [3, 2, 1], STREET),
        (2, [11, 31, 33, 12, 13], SIDEWALK),
        (5, [30, 31], PATH),
        (6, [32, 33], PATH),
    ]
    assert drawn(fold(nodes, ways)[0])[0] == (1, [3, 2, 33, 31, 1])


def test_a_path_that_would_meet_the_street_half_a_metre_from_a_node_meets_it_there():
    nodes = {**NODES, 30: (99.7, 60), 31: (99.7, 8)}
    ways = [WAYS[0], (2, [11, 31, 13], SIDEWALK), (5, [30, 31], PATH)]
    assert drawn(fold(nodes, ways)[0]) == [(1, [1, 2, 3]), (5, [30, 2])]


def test_paths_that_would_meet_the_street_half_a_metre_apart_meet_it_at_one_node():
    nodes = {**NODES, 30: (40, 60), 31: (40, 8), 32: (40.4, 60), 33: (40.4, 8)}
    ways = [WAYS[0], (2, [11, 31, 33, 13], SIDEWALK), (5, [30, 31], PATH), (6, [32, 33], PATH)]
    lines, _ = fold(nodes, ways)
    assert drawn(lines) == [(1, [1, 31, 2, 3]), (5, [30, 31]), (6, [32, 31])]


def test_a_path_that_goes_on_from_the_sidewalk_to_the_street_stays_as_drawn():
    nodes = {**NODES, 30: (40, 60), 31: (40, 8), 32: (42, 0)}
    ways = [(1, [1, 32, 2, 3], STREET), (2, [11, 31, 13], SIDEWALK), (5, [30, 31, 32], PATH)]
    lines, report = fold(nodes, ways)
    assert drawn(lines) == [(1, [1, 32, 2, 3]), (5, [30, 31, 32])]
    assert place(lines, 31) == (40, 8)
    assert report["junctions moved from sidewalks onto streets"] == 0


def test_a_path_that_met_a_crossing_at_the_kerb_keeps_its_half_of_it():
    nodes = {**NODES, 30: (120, 60)}
    lines, report = fold(nodes, [*WAYS, (5, [30, 12], PATH)])
    assert drawn(lines) == [(1, [1, 2, 3]), (4, [12, 2]), (5, [30, 12])]
    assert report["crossing length kept (m)"] == 8.0
    assert marked(lines) == [2]


def test_a_footpath_that_led_only_from_sidewalk_to_street_leaves_no_stub():
    ways = [*WAYS[:3], (4, [12, 2, 22], PATH)]
    lines, report = fold(NODES, ways)
    assert drawn(lines) == [(1, [1, 2, 3])]
    assert report["length of footpaths that only joined these folded (m)"] == 16.0
    assert marked(lines) == []


def test_a_footpath_over_the_kerb_between_crossing_and_sidewalk_goes_with_them():
    nodes = {**NODES, 14: (100, 6)}
    ways = [*WAYS[:3], (4, [14, 2, 22], CROSSING), (5, [12, 14], PATH)]
    lines, report = fold(nodes, ways)
    assert drawn(lines) == [(1, [1, 2, 3])]
    assert report["length of footpaths that only joined these folded (m)"] == 2.0


def test_a_sidewalk_along_no_street_stays():
    nodes = {**NODES, 11: (0, 30), 12: (100, 30), 13: (200, 30)}
    lines, report = fold(nodes, [WAYS[0], WAYS[1], (4, [12, 2], CROSSING)])
    assert drawn(lines) == [(1, [1, 2, 3]), (2, [11, 12, 13]), (4, [12, 2])]
    assert report["sidewalk length kept, no street alongside (m)"] == 200.0


def test_a_sidewalk_across_the_aisles_of_a_car_park_is_not_folded_into_them():
    aisles = {i: (x, y) for i, (x, y) in enumerate(itertools.product(range(0, 200, 30), (0, 80)))}
    ways = [(i, [2 * i, 2 * i + 1], {"highway": "service"}) for i in range(7)]
    nodes = {**aisles, 90: (-5, 40), 91: (185, 40)}
    lines, report = fold(nodes, [*ways, (50, [90, 91], SIDEWALK)])
    assert (50, [90, 91]) in drawn(lines)
    assert report["sidewalk length kept, no street alongside (m)"] == 190.0


@pytest.mark.parametrize(
    ("above", "way"),
    [(BRIDGE, "the bridge is tagged with its layer"), ({"bridge": "yes"}, "it has no layer")],
)
def test_a_sidewalk_on_a_bridge_is_not_folded_into_the_street_below(above, way):
    bridge = [(2, [11, 12, 13], {**SIDEWALK, **above})]
    assert drawn(fold(NODES, [WAYS[0], *bridge])[0]) == [(1, [1, 2, 3]), (2, [11, 12, 13])], way


def test_a_sidewalk_on_a_bridge_is_folded_into_the_street_on_that_bridge():
    ways = [
        (1, [1, 2], STREET),
        (5, [2, 3], {**STREET, **BRIDGE}),
        (2, [11, 12], SIDEWALK),
        (3, [12, 13], {**SIDEWALK, "bridge": "yes"} | {"layer": "1"}),
    ]
    assert drawn(fold(NODES, ways)[0]) == [(1, [1, 2]), (5, [2, 3])]


def test_a_sidewalk_under_a_railway_between_two_dead_ends_stays():
    nodes = {1: (0, 0), 2: (95, 0), 3: (105, 0), 4: (200, 0), 5: (0, 300), 6: (200, 300)}
    nodes |= {11: (0, 6), 12: (95, 6), 13: (105, 6), 14: (200, 6), 15: (95, 0.1), 16: (105, 0.1)}
    ways = [
        (1, [1, 2], STREET),
        (2, [3, 4], STREET),
        (3, [1, 5, 6, 4], STREET),
        (4, [11, 12], SIDEWALK),
        (5, [12, 13], SIDEWALK),
        (6, [13, 14], SIDEWALK),
        (7, [12, 15], SIDEWALK),
        (8, [13, 16], SIDEWALK),
    ]
    lines, report = fold(nodes, ways)
    assert drawn(lines) == [(1, [1, 2]), (2, [3, 4]), (3, [1, 5, 6, 4]), (5, [2, 3])]
    assert report["sidewalk length kept, no other way near (m)"] == 10.0


def test_of_two_crossings_close_by_between_two_halves_of_a_town_the_shorter_stays():
    nodes = {1: (0, 0), 2: (80, 0), 3: (100, 0), 4: (0, 15), 5: (75, 15), 6: (100, 15)}
    ways = [
        (1, [1, 2, 3], STREET),
        (2, [4, 5, 6], STREET),
        (3, [2, 5], CROSSING),
        (4, [3, 6], CROSSING),
    ]
    assert drawn(fold(nodes, ways)[0]) == [(1, [1, 2, 3]), (2, [4, 5, 6]), (4, [3, 6])]


def test_a_sidewalk_around_a_corner_is_folded_into_both_streets():
    nodes = {1: (0, 0), 2: (100, 0), 3: (100, 100), 11: (0, 8), 12: (92, 8), 13: (92, 100)}
    ways = [(1, [1, 2, 3], STREET), (2, [11, 12, 13], SIDEWALK)]
    assert drawn(fold(nodes, ways)[0]) == [(1, [1, 2, 3])]


def carriageways(far_end):
    """Draw two carriageways that meet `far_end` metres away, crossed at 2 and 5 over a refuge."""
    nodes = {1: (0, 0), 2: (100, 0), 3: (far_end, 0), 4: (0, 12), 5: (100, 12), 6: (far_end, 12)}
    nodes |= {11: (0, -8), 12: (100, -8), 21: (0, 20), 22: (100, 20), 30: (100, 6)}
    ways = [
        (1, [1, 2, 3], {**STREET, "oneway": "yes"}),
        (2, [6, 5, 4], {**STREET, "oneway": "yes"}),
        (3, [3, 6], STREET),
        (4, [11, 12], SIDEWALK),
        (5, [21, 22], SIDEWALK),
        (6, [12, 2, 30, 5, 22], CROSSING),
    ]
    return nodes, ways


def test_a_refuge_between_carriageways_stays_where_it_is_the_way_across():
    lines, _ = fold(*carriageways(400))
    assert [line for line in drawn(lines) if line[0] > 3] == [(6, [2, 30, 5])]
    assert marked(lines) == [2, 5]


def test_a_refuge_between_carriageways_goes_where_they_meet_close_by():
    lines, _ = fold(*carriageways(130))
    assert [line for line in drawn(lines) if line[0] > 3] == []
    assert marked(lines) == [2, 5]


def test_a_sidewalk_that_alone_leads_from_a_square_to_a_street_stays():
    nodes = {1: (0, 0), 2: (200, 0), 3: (80, 12), 4: (120, 12), 5: (120, 40), 6: (80, 40)}
    nodes |= {11: (0, 8), 12: (100, 10.5), 13: (200, 8)}
    ways = [
        (1, [1, 2], STREET),
        (2, [3, 4, 5, 6, 3], {"highway": "pedestrian", "area": "yes"}),
        (3, [11, 12, 13, 2], SIDEWALK),
        (4, [12, 4], PATH),
    ]
    lines, _ = fold(nodes, ways)
    links, where = walk_links(lines)
    assert len(set(components(links, where).values())) == 1


def test_a_car_road_that_may_not_be_walked_keeps_its_shape_and_takes_no_sidewalk_in():
    nodes = {**NODES, 30: (100, 100), 31: (100, -100)}
    closed = {"highway": "tertiary", "foot": "no"}
    ways = [WAYS[0], WAYS[1], (7, [30, 12, 31], closed)]
    lines, _ = fold(nodes, ways)
    assert drawn(lines) == [(1, [1, 2, 3]), (7, [30, 12, 31])]
    assert place(lines, 12) == (100, 8)


def test_a_line_that_comes_to_lie_on_the_street_goes():
    nodes = {**NODES, 31: (40, 8), 32: (70, 8)}
    ways = [
        WAYS[0],
        (2, [11, 31], SIDEWALK),
        (3, [32, 13], SIDEWALK),
        (5, [31, 32], PATH),
    ]
    assert drawn(fold(nodes, ways)[0]) == [(1, [1, 31, 32, 2, 3])]


def test_a_town_read_from_a_file_and_folded_has_segments_split_where_paths_arrive(tmp_path):
    nodes = {**NODES, 30: (40, 60), 31: (40, 8)}
    ways = [WAYS[0], (2, [11, 31, 12, 13], SIDEWALK), *WAYS[2:], (5, [30, 31], PATH)]
    path = write_town(tmp_path / "town.osm.pbf", nodes, ways)
    segments = read_streets(path, max_segment_length=math.inf).segments
    lengths = segments["length"].round().astype(int).to_dict()
    assert lengths == {"1-31": 40, "3-31": 160, "30-31": 60}
    assert segments["crossings"].to_dict() == {"1-31": 0, "3-31": 1, "30-31": 0}


# What holds in any town, however wildly drawn.


def walk_links(lines):
    """Return the walkable links as pairs of node ids, and the place of each node."""
    links = []
    for i, (_, ids) in enumerate(drawn(lines)):
        if lines.tags["walk"].iloc[i]:
            links += [pair for pair in itertools.pairwise(ids) if pair[0] != pair[1]]
    where = dict(zip(lines.node_id.tolist(), zip(lines.x, lines.y, strict=True), strict=True))
    return links, where


def components(links, where):
    """Return the connected part that each node on a link is in."""
    ids = sorted({i for pair in links for i in pair})
    if not ids:
        return {}
    a, b = np.searchsorted(ids, np.array(links).T)
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(ids), len(ids)))
    return dict(zip(ids, connected_components(graph, directed=False)[1].tolist(), strict=True))


def length_of(links, where):
    return sum(math.dist(where[a], where[b]) for a, b in links)


KINDS = [
    STREET,
    STREET,
    {"highway": "service"},
    {"highway": "residential", "foot": "no"},
    {"highway": "track", "motorcar": "yes"},
    {**STREET, **BRIDGE},
    PATH,
    PATH,
    {"highway": "steps"},
    *[SIDEWALK] * 4,
    *[CROSSING] * 3,
    {**SIDEWALK, **BRIDGE},
]


@st.composite
def wild_towns(draw):
    """Up to 14 nodes on a lattice of 9 m and 12 ways through any of them."""
    corners = st.tuples(st.integers(0, 9), st.integers(0, 5))
    spots = draw(st.lists(corners, min_size=2, max_size=14, unique=True))
    nodes = {i + 1: (9.0 * x, 9.0 * y) for i, (x, y) in enumerate(spots)}
    refs = st.lists(st.sampled_from(sorted(nodes)), min_size=2, max_size=5)
    ways = st.lists(st.tuples(refs, st.sampled_from(KINDS)), min_size=1, max_size=12)
    return nodes, [(i + 1, refs, tags) for i, (refs, tags) in enumerate(draw(ways))]


@st.composite
def block_towns(draw):
    """Draw a crossroads, sidewalks in all four corners and some crossings and paths off them."""
    off = draw(st.sampled_from([5.0, 7.5, 12.0]))
    nodes = {1: (0, 0), 2: (-90, 0), 3: (90, 0), 4: (0, -90), 5: (0, 90)}
    ways = [(1, [2, 1, 3], STREET), (2, [4, 1, 5], STREET)]
    for k, (sx, sy) in enumerate(itertools.product((-1, 1), repeat=2)):
        a, b, c, d = range(10 * k + 11, 10 * k + 15)
        nodes |= {a: (90 * sx, off * sy), b: (off * sx, off * sy), c: (off * sx, 90 * sy)}
        nodes[d] = (draw(st.integers(20, 70)) * sx, 60 * sy)
        if draw(st.booleans()):
            ways.append((a, [a, b, c], SIDEWALK))
        if draw(st.booleans()):
            ways.append((d, [d, draw(st.sampled_from([a, b, c]))], PATH))
    for i, (a, b) in enumerate([(12, 22), (12, 32), (22, 42), (32, 42)]):
        if draw(st.booleans()):
            ways.append((90 + i, [a, b], CROSSING))
    return nodes, ways


@settings(deadline=None, max_examples=150)
@given(town=st.one_of(wild_towns(), block_towns()))
def test_nobody_is_cut_off_and_nothing_grows(town):
    lines = draw(*town)
    folded, report = fold_sidewalks(lines)
    (links, where), (links_after, where_after) = walk_links(lines), walk_links(folded)
    part, part_after = components(links, where), components(links_after, where_after)
    both = sorted(part.keys() & part_after.keys())
    for a, b in itertools.pairwise(sorted(both, key=lambda i: part[i])):
        assert part[a] != part[b] or part_after[a] == part_after[b]
    assert len(set(part_after.values())) <= len(set(part.values()))

    moved = report["junctions moved from sidewalks onto streets"]
    gone = sum(v for k, v in report.items() if "folded" in k)
    most = 20.5 * moved * len(links)
    assert length_of(links_after, where_after) <= length_of(links, where) - gone + most + 1e-3


@settings(deadline=None, max_examples=100)
@given(town=st.one_of(wild_towns(), block_towns()))
def test_folding_leaves_no_new_dead_end_but_those_of_streets(town):
    lines = draw(*town)
    drawn_once = [frozenset(pair) for pair in walk_links(lines)[0]]
    assume(len(set(drawn_once)) == len(drawn_once))
    folded, _ = fold_sidewalks(lines)
    foot = {i for i, t in enumerate(lines.tags["highway"]) if t not in ("residential", "service")}
    roads = {n for i, (_, ids) in enumerate(drawn(lines)) if i not in foot for n in ids}
    cars = lines.tags["drive_forward"].to_numpy() | lines.tags["drive_backward"].to_numpy()
    roads |= {n for i, (_, ids) in enumerate(drawn(lines)) if cars[i] for n in ids}

    def dead_ends(some):
        links = {frozenset(pair) for pair in walk_links(some)[0]}
        ends = [node for link in links for node in link]
        return {node for node in ends if ends.count(node) == 1}

    assert dead_ends(folded) - dead_ends(lines) <= roads


@settings(deadline=None, max_examples=60)
@given(town=st.one_of(wild_towns(), block_towns()))
def test_cars_drive_as_far_as_before(town):
    lines = draw(*town)
    folded, _ = fold_sidewalks(lines)

    def driven(some):
        walk = replace(some, tags=some.tags.assign(walk=some.tags["drive_forward"]))
        return length_of(*walk_links(walk))

    assert driven(folded) == pytest.approx(driven(lines), abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(town=st.one_of(wild_towns(), block_towns()), data=st.data())
def test_the_order_of_lines_changes_nothing(town, data):
    nodes, ways = town
    order = data.draw(st.permutations(ways))
    turned = [(way, refs[::-1] if way % 2 else refs, tags) for way, refs, tags in order]
    (lines, report), (other, other_report) = fold(nodes, ways), fold(nodes, turned)

    def told(some):
        return {(way, frozenset(p)) for way, ids in drawn(some) for p in itertools.pairwise(ids)}

    assert told(lines) == told(other)
    assert report == pytest.approx(other_report, abs=1e-2)
    assert np.abs(lines.x - other.x).max() < 1e-6
    assert np.abs(lines.y - other.y).max() < 1e-6
    assert (lines.crossing == other.crossing).all()


@settings(deadline=None, max_examples=60)
@given(town=block_towns())
def test_folding_twice_is_folding_once(town):
    once, _ = fold(*town)
    twice, report = fold_sidewalks(once)
    assert drawn(twice) == drawn(once)
    assert {v for k, v in report.items() if "kept" not in k} == {0.0}
