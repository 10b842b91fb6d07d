"""Squares are walked across, from entrance to entrance, and not round their outline."""

import itertools
import math
import random
from collections.abc import Mapping, Sequence

import networkx as nx
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_town import write_town
from patrolmap._crs import lonlat_to, to_lonlat
from patrolmap.streets import rules
from patrolmap.streets.lines.squares import DETOUR, TRIFLE, cross_squares
from patrolmap.streets.lines.table import TAGS, Lines
from patrolmap.streets.lines.topology import build_segments
from patrolmap.streets.sources.areas import Squares, read_areas
from patrolmap.streets.sources.osm import Nodes
from patrolmap.streets.sources.ways import read_ways
from towns import CENTRE, CRS

UTM = pyproj.CRS.from_user_input(CRS)
PLAZA = {"highway": "pedestrian", "area": "yes"}
PATH = {"highway": "footway"}
NAMES = {"name": None, "name_kk": None, "name_ru": None, "name_en": None}

# A square of 100 m by 100 m: corners 1-4, middles of its sides 5-8, far ends of streets 11-18.
PLACES = {
    1: (0, 0), 2: (100, 0), 3: (100, 100), 4: (0, 100),
    5: (50, 0), 6: (100, 50), 7: (50, 100), 8: (0, 50),
    11: (-50, -50), 12: (150, -50), 13: (150, 150), 14: (-50, 150),
    15: (50, -50), 16: (150, 50), 17: (50, 150), 18: (-50, 50),
    21: (40, 40), 22: (60, 40), 23: (60, 60), 24: (40, 60),
}  # fmt: skip
OUTLINE = [1, 5, 2, 6, 3, 7, 4, 8]
FOUNTAIN = [21, 22, 23, 24]


def degrees(places: Mapping[int, tuple[float, float]]):
    """Give places in degrees to the seventh decimal, as OSM keeps them."""
    x, y = (np.array(axis) + c for axis, c in zip(zip(*places.values()), CENTRE, strict=True))  # noqa: B905
    return (np.round(axis, 7) for axis in to_lonlat(UTM, x, y))


def table(tags: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    out = pd.DataFrame([{**rules.judge(t)._asdict(), **NAMES, **t} for t in tags]).reindex(
        columns=TAGS
    )
    return out.astype(dict.fromkeys(["name", "name_kk", "name_ru", "name_en"], "str"))


def draw(places, streets) -> Lines:
    """Lay streets (refs, or refs and tags) as ways 1, 2, ...; only the nodes they use are known."""
    rows = [(s, PATH) if isinstance(s[0], int) else s for s in streets]
    known = sorted({n for refs, _ in rows for n in refs})
    lon, lat = degrees({n: places[n] for n in known})
    x, y = lonlat_to(UTM, lon, lat)
    return Lines(
        way=np.arange(1, len(rows) + 1),
        start=np.cumsum([0, *(len(refs) for refs, _ in rows)]),
        vertex=np.searchsorted(known, [n for refs, _ in rows for n in refs]),
        node_id=np.array(known),
        x=x,
        y=y,
        crossing=np.zeros(len(known), dtype=bool),
        tags=table([tags for _, tags in rows]),
    )


def plazas(places, *areas, tags=PLAZA, from_way=True) -> Squares:
    """Lay areas, each a list of rings, as ways or relations 100, 101, ..."""
    lon, lat = degrees(places)
    stands = dict(zip(places, zip(lon.tolist(), lat.tolist(), strict=True), strict=True))
    rings = [(number, ring) for number, area in enumerate(areas) for ring in area]
    refs = [ref for _, ring in rings for ref in ring]
    at = np.array([number for number, _ in rings], dtype=np.int64)
    return Squares(
        osm_id=100 + np.arange(len(areas)),
        from_way=np.full(len(areas), from_way),
        tags=table([tags] * len(areas)),
        square=at,
        polygon=at,
        start=np.cumsum([0, *(len(ring) for _, ring in rings)]),
        ref=np.array(refs, dtype=np.int64),
        lon=np.array([stands[ref][0] for ref in refs]),
        lat=np.array([stands[ref][1] for ref in refs]),
    )


def cross(streets, *areas, places=PLACES, **options):
    return cross_squares(draw(places, streets), plazas(places, *areas, **options), crs=UTM)


def walks(lines: Lines, *, only: int = 0) -> nx.Graph:
    """Return all walkable steps, or those of ways from `only` on, as a graph of OSM ids."""
    graph = nx.Graph()
    for way, a, b in zip(lines.way, lines.start, lines.start[1:]):  # noqa: B905
        if way >= only:
            for one, other in itertools.pairwise(lines.vertex[a:b].tolist()):
                length = math.dist(*((lines.x[n], lines.y[n]) for n in (one, other)))
                graph.add_edge(*lines.node_id[[one, other]].tolist(), length=length)
    return graph


def new(lines: Lines) -> set[tuple[int, int]]:
    return {(min(step), max(step)) for step in walks(lines, only=100).edges}


def shortest(lines: Lines, one: int, other: int) -> float:
    return nx.shortest_path_length(walks(lines), one, other, weight="length")


def test_streets_at_the_corners_are_joined_across_both_diagonals():
    lines, report = cross([[11, 1], [12, 2], [13, 3], [14, 4]], [OUTLINE])
    assert {(1, 3), (2, 4)} <= new(lines)
    assert report == {"squares crossed": 1, "squares kept as outlines": 0}


def test_nobody_walks_the_outline_from_the_middle_of_one_side_to_the_next():
    lines, _ = cross([[15, 5], [16, 6], [17, 7], [18, 8]], [OUTLINE])
    assert new(lines) == {(5, 6), (6, 7), (7, 8), (5, 8), (5, 7), (6, 8)}
    assert shortest(lines, 15, 17) == pytest.approx(200, abs=0.1)


def test_two_entrances_are_joined_by_one_line_that_carries_the_tags_of_the_square():
    tags = {**PLAZA, "name": "Astana", "lit": "yes", "surface": "sett"}
    lines, _ = cross([[15, 5], [17, 7]], [OUTLINE], tags=tags)
    assert new(lines) == {(5, 7)}
    row = lines.tags.iloc[-1]
    assert (lines.way[-1], row["name"], row["lit"], row["surface"]) == (
        100,
        "Astana",
        "yes",
        "sett",
    )
    assert (row["walk"], row["drive_forward"], row["drive_backward"]) == (True, False, False)


def test_segments_across_a_square_are_named_by_its_entrances():
    lines, _ = cross([([15, 5], {"highway": "residential"}), [17, 7]], [OUTLINE])
    segments, _, _ = build_segments(lines, crs=UTM, max_segment_length=math.inf)
    assert {"5-15", "5-7"} <= set(segments.index)


def test_the_outline_drawn_as_a_line_by_the_own_way_of_the_square_goes():
    streets = draw(PLACES, [[15, 5], [17, 7], ([*OUTLINE, 1], PLAZA)])
    squares = plazas(PLACES, [OUTLINE])
    ways = np.array([1, 2, 100])
    lines, _ = cross_squares(Lines(**{**vars(streets), "way": ways}), squares, crs=UTM)
    assert set(walks(lines).edges) == {(15, 5), (17, 7), (5, 7)}
    relation = Squares(**{**vars(squares), "from_way": np.array([False])})
    lines, _ = cross_squares(Lines(**{**vars(streets), "way": ways}), relation, crs=UTM)
    assert {(1, 5), (2, 5)} <= {tuple(sorted(step)) for step in walks(lines).edges}


def test_an_l_shaped_square_is_walked_round_its_inner_corner():
    places = {**PLACES, 30: (100, 30), 31: (30, 30), 32: (30, 100)}
    shape = [1, 2, 30, 31, 32, 4]
    lines, _ = cross([[16, 30], [17, 32]], [shape], places=places)
    assert new(lines) == {(30, 31), (31, 32)}
    lines, _ = cross([[12, 2], [14, 4]], [shape], places=places)
    assert new(lines) == {(2, 31), (4, 31)}
    assert shortest(lines, 2, 4) == pytest.approx(2 * math.hypot(70, 30), abs=0.1)


def test_a_fountain_is_walked_around():
    lines, _ = cross([[18, 8], [16, 6]], [OUTLINE, FOUNTAIN])
    there = nx.shortest_path(walks(lines), 18, 16, weight="length")
    assert there in ([18, 8, 21, 22, 6, 16], [18, 8, 24, 23, 6, 16])
    assert len(new(lines)) == 3
    assert shortest(lines, 8, 6) == pytest.approx(20 + 2 * math.hypot(40, 10), abs=0.1)


@pytest.mark.parametrize("streets", [[[15, 5]], [[15, 16]]])
def test_a_square_with_fewer_than_two_entrances_keeps_its_outline(streets):
    lines, report = cross(streets, [OUTLINE, FOUNTAIN])
    ring = {(min(s), max(s)) for s in itertools.pairwise([*OUTLINE, OUTLINE[0]])}
    assert new(lines) == ring
    assert report == {"squares crossed": 0, "squares kept as outlines": 1}


def test_streets_for_cars_only_do_not_enter_a_square():
    motorway = ([17, 7], {"highway": "motorway"})
    _, report = cross([[15, 5], motorway], [OUTLINE])
    assert report["squares crossed"] == 0


def test_a_path_across_that_is_there_already_is_not_drawn_again():
    streets = [[15, 5, 21, 7, 17]]  # a bend, but no detour
    lines, _ = cross(streets, [OUTLINE])
    assert new(lines) == set()


def test_a_street_along_the_outline_is_joined_where_it_comes_and_goes_only():
    streets = [[11, 1, 5, 2, 12], [17, 7]]
    lines, _ = cross(streets, [OUTLINE])
    assert new(lines) == {(1, 7), (2, 7)}


def test_a_path_inside_that_meets_the_outline_only_from_within_stays_connected():
    loop = [8, 21, 24, 8]
    lines, _ = cross([[16, 6], [17, 7], loop], [OUTLINE])
    assert nx.is_connected(walks(lines))


def test_squares_that_touch_are_joined_at_the_ends_of_the_border_they_share():
    places = {**PLACES, 41: (200, 0), 42: (200, 100), 43: (250, 50), 44: (200, 50)}
    right = [2, 41, 44, 42, 3, 6]
    lines, report = cross([[18, 8], [43, 44]], [OUTLINE], [right], places=places)
    assert report["squares crossed"] == 2
    assert set(nx.shortest_path(walks(lines), 18, 43)) & {2, 3}
    assert not {(6, 8), (6, 44)} & new(lines)


def test_an_island_that_fills_the_hole_of_a_square_can_be_reached():
    lines, _ = cross([[15, 5], [21, 22]], [OUTLINE, FOUNTAIN], [FOUNTAIN])
    assert nx.has_path(walks(lines), 15, 21)


def test_of_a_square_drawn_as_a_way_and_as_a_relation_the_relation_counts():
    squares = plazas(PLACES, [OUTLINE], [OUTLINE[::-1], FOUNTAIN])
    squares = Squares(**{**vars(squares), "from_way": np.array([True, False])})
    lines, report = cross_squares(draw(PLACES, [[18, 8], [16, 6]]), squares, crs=UTM)
    assert report["squares crossed"] == 1
    assert (6, 8) not in new(lines)


def test_a_small_square_gets_no_tangle():
    small = {n: (x / 10, y / 10) for n, (x, y) in PLACES.items()}
    lines, _ = cross([[11, 1], [12, 2], [13, 3], [14, 4]], [OUTLINE], places=small)
    assert not {(1, 3), (2, 4)} & new(lines)
    assert nx.is_connected(walks(lines))


def test_many_entrances_on_two_sides_do_not_make_a_diagonal_each():
    places = {n: (10.0 * n, 0) for n in range(20)} | {100 + n: (10.0 * n, 90) for n in range(20)}
    places |= {200 + n: (10.0 * n, -50) for n in range(20)}
    places |= {300 + n: (10.0 * n, 140) for n in range(20)}
    outline = [*range(20), *range(119, 99, -1)]
    streets = [[n, 200 + n] for n in range(20)] + [[100 + n, 300 + n] for n in range(20)]
    lines, _ = cross(streets, [outline], places=places)
    across = [step for step in new(lines) if step[0] < 20 <= step[1]]
    assert 2 <= len(across) <= 30  # of 400 pairs


def test_a_square_with_hundreds_of_corners_keeps_its_outline_and_is_crossed_straight():
    teeth = range(450)
    places = {n: (2.0 * n, 20 if n % 2 else 30) for n in teeth}  # a saw
    places |= {501: (0, -40), 502: (898, -40), 511: (0, -90), 512: (898, -90), 513: (210, 90)}
    shape = [*teeth, 502, 501]
    lines, report = cross([[511, 501], [512, 502], [513, 104]], [shape], places=places)
    assert report["squares crossed"] == 1
    assert (501, 502) in new(lines)
    assert (104, 105) in new(lines)
    assert nx.is_connected(walks(lines))


def test_an_outline_that_crosses_itself_stays_a_line():
    lines, report = cross([[11, 1], [13, 3]], [[1, 3, 2, 4]])
    assert report["squares crossed"] == 0
    assert new(lines) == {(1, 3), (2, 3), (2, 4), (1, 4)}


def test_nodes_that_only_the_square_has_are_added_in_order_with_their_places():
    lines, _ = cross([[18, 8], [16, 6]], [OUTLINE, FOUNTAIN])
    assert (np.diff(lines.node_id) > 0).all()
    row = np.searchsorted(lines.node_id, 21)
    assert (lines.x[row] - CENTRE[0], lines.y[row] - CENTRE[1]) == pytest.approx((40, 40), abs=0.02)
    assert len(lines.x) == len(lines.y) == len(lines.crossing) == len(lines.node_id)


def test_without_squares_nothing_changes():
    streets = draw(PLACES, [[15, 5], [5, 7]])
    lines, report = cross_squares(streets, plazas(PLACES), crs=UTM)
    assert walks(lines).edges == walks(streets).edges
    assert set(report.values()) == {0}


def test_without_walkable_lines_squares_keep_their_outlines():
    lines, report = cross([([15, 16], {"highway": "motorway"})], [OUTLINE])
    assert len(new(lines)) == 8
    assert report["squares kept as outlines"] == 1


def test_the_lines_across_do_not_depend_on_how_the_file_is_ordered():
    streets = [[11, 1], [16, 6], [17, 7], [18, 8, 21], [14, 4]]
    one, _ = cross(streets, [OUTLINE, FOUNTAIN])
    turned = [OUTLINE[3::-1] + OUTLINE[:3:-1], FOUNTAIN[::-1]]
    other, _ = cross([s[::-1] for s in streets[::-1]], turned)
    assert new(one) == new(other)


def test_a_multipolygon_square_of_a_file_is_crossed(tmp_path):
    ways = [
        (1, [15, 5], PATH),
        (2, [17, 7], PATH),
        (3, OUTLINE[:5], {}),
        (4, [*OUTLINE[4:], 1], {}),
    ]
    path = write_town(
        tmp_path / "town.osm.pbf", PLACES, ways, areas=[(30, [3, 4], {"highway": "pedestrian"})]
    )
    nodes = Nodes(path)
    ways = read_ways(path, nodes=nodes)
    squares = read_areas(path, [*ways.closed, *nodes.relations], nodes=nodes).squares
    lines, _ = ways.project(UTM)
    crossed, report = cross_squares(lines, squares, crs=UTM)
    assert report["squares crossed"] == 1
    assert set(walks(crossed).edges) == {(15, 5), (17, 7), (5, 7)}


# Random squares ---------------------------------------------------------------------------------


@st.composite
def stars(draw):
    """A star-shaped square, often with a hole, and streets that leave some of its corners."""
    seed = random.Random(draw(st.integers(0, 10**6)))
    corners = draw(st.integers(4, 14))
    angles = sorted(seed.sample(range(0, 360, 5), corners))
    radii = [seed.uniform(30, 150) for _ in angles]
    places = {
        number: (r * math.cos(math.radians(a)), r * math.sin(math.radians(a)))
        for number, (a, r) in enumerate(zip(angles, radii, strict=True), start=1)
    }
    hole = {50 + n: (10 * math.cos(n), 10 * math.sin(n)) for n in range(6)}
    gates = sorted(seed.sample(sorted(places), draw(st.integers(2, min(6, corners)))))
    away = {100 + n: (2 * places[n][0] + 300, 2 * places[n][1] + 300) for n in gates}
    rings = [list(places)] + [list(hole)] * draw(st.booleans())
    return places | hole | away, rings, gates


def geodesics(lines: Lines, shape, nodes: list[int]) -> nx.Graph:
    """The plain way: every two nodes that see each other."""
    row = {n: int(np.searchsorted(lines.node_id, n)) for n in nodes}
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    for one, other in itertools.combinations(nodes, 2):
        line = shapely.LineString([(lines.x[row[n]], lines.y[row[n]]) for n in (one, other)])
        if shape.buffer(1e-6).covers(line):
            graph.add_edge(one, other, length=line.length)
    return graph


@settings(deadline=None, max_examples=40)
@given(star=stars())
def test_all_ways_across_lie_in_the_square_and_none_is_a_detour(star):
    places, rings, gates = star
    squares = plazas(places, rings)
    lines, report = cross_squares(draw(places, [[n, 100 + n] for n in gates]), squares, crs=UTM)
    at = np.searchsorted(lines.node_id, squares.ref)
    drawn = [
        list(zip(lines.x[at[a:b]], lines.y[at[a:b]], strict=True))
        for a, b in itertools.pairwise(squares.start)
    ]
    shape = shapely.Polygon(drawn[0], drawn[1:])
    if not shape.is_valid:  # the hole reaches over the outline
        assert report["squares crossed"] == 0
        return
    across = walks(lines, only=100)
    row = {n: int(np.searchsorted(lines.node_id, n)) for n in across}
    for one, other in across.edges:
        line = shapely.LineString([(lines.x[row[n]], lines.y[row[n]]) for n in (one, other)])
        assert shape.buffer(1e-6).covers(line)
    best = geodesics(lines, shape, squares.ref.tolist())
    for one, other in itertools.combinations(gates, 2):
        least = nx.shortest_path_length(best, one, other, weight="length")
        walked = nx.shortest_path_length(across, one, other, weight="length")
        assert least - 1e-3 <= walked <= max(DETOUR * least, least + TRIFLE) * 1.01
