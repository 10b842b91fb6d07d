"""Avenues: one id for one street, both carriageways included, and a name for all of it."""

from itertools import combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_town import STREET, write_town
from patrolmap.streets import read_streets
from patrolmap.streets.lines.avenues import join_streets, street_key, street_names
from shared import shared_file
from towns import town

LONG = [(0, 0), (100, 0), (200, 0)]
THERE, BACK = {"drive_backward": False}, {"drive_forward": False}


def joined(streets, **columns) -> pd.Series:
    return join_streets(town(streets, **columns).segments)


def count(streets, **columns) -> int:
    """Return how many streets a town has."""
    return len(set(joined(streets, **columns)))


def avenue(width=20.0, *, name=(None, "Abay"), length=200.0, **columns) -> pd.Series:
    """Join two one-way carriageways, drawn and driven in opposite directions."""
    south = [(0, 0), (200, 0)]
    north = [(length, width), (0, width)]
    names = dict(zip(("south", "north"), name, strict=True))
    options = {"drive_backward": False, "highway": "primary"} | columns
    return joined({"south": south, "north": north}, name=names, **options)


def test_pieces_of_one_name_that_meet_are_one_street():
    ids = joined(
        {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 50)], "c": [(100, 0), (100, 90)]},
        name={"a": "Abay", "b": "Abay", "c": "Dostyk"},
    )
    assert ids.to_dict() == {"a": "a", "b": "a", "c": "c"}
    assert (ids.name, ids.index.name, ids.dtype.name) == ("street_id", "segment_id", "str")


def test_carriageways_and_streets_that_a_junction_interrupts_are_one_street():
    pair = {"south": [(0, 0), (200, 0)], "north": [(30, 45), (170, 45)]}
    assert count(pair, name="Abay") == 1
    broken = {"west": [(0, 0), (100, 0)], "east": [(155, 0), (300, 0)]}
    assert count(broken, name="Abay") == 1


def test_streets_of_one_name_in_different_parts_of_town_stay_two():
    apart = {"west": [(0, 0), (100, 0)], "east": [(170, 0), (300, 0)]}
    assert count(apart, name="Abay") == 2
    chained = apart | {"between": [(110, 30), (160, 30)]}
    assert count(chained, name="Abay") == 1


def test_two_names_are_two_streets_even_where_they_meet():
    ids = joined({"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)]})
    assert ids.to_dict() == {"a": "a", "b": "b"}


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ул. Королёва", "ул.королева"), ("Abay  avenue", " ABAY avenue"), ("Абая", "АБАЯ")],
)
def test_a_name_spelled_another_way_is_the_same_street(one, other):
    assert street_key(one) == street_key(other)
    pair = {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)]}
    assert count(pair, name={"a": one, "b": other}) == 1


def test_a_name_in_one_language_only_names_the_street_too():
    pair = {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)]}
    assert count(pair, name={"a": "Абая", "b": None}, name_ru={"b": "Абая"}) == 1
    assert count(pair, name=None, name_kk={"a": "Абай"}, name_en={"b": "Абай"}) == 1
    assert count(pair, name={"a": " ", "b": "."}) == 2  # nothing to read


def test_a_nameless_carriageway_joins_the_avenue_it_runs_along():
    assert avenue().unique().tolist() == ["south"]
    assert avenue(name=(None, None)).unique().tolist() == ["south"]
    assert avenue(length=110.0).unique().tolist() == ["south"]  # along just over half


@pytest.mark.parametrize(
    "why",
    [
        {"width": 40.0},  # too far apart
        {"length": 60.0},  # along less than half of the nameless one
        {"drive_backward": {"north": True}},  # one of them two-way
        {"drive_backward": {"south": True}},
        {"drive_forward": {"north": False}, "drive_backward": {"north": True}},  # same direction
        {"highway": {"south": "secondary", "north": "primary"}},
        {"highway": "primary_link"},
        {"highway": "motorway"},
        {"highway": "service"},
        {"name": ("Dostyk", "Abay")},  # both named
    ],
    ids=str,
)
def test_other_ways_side_by_side_stay_two_streets(why):
    assert avenue(**why).tolist() == ["south", "north"]


def test_a_nameless_carriageway_never_ties_two_names_together():
    streets = {
        "nameless": [(0, 0), (200, 0)],
        "abay": [(90, 15), (0, 15)],
        "dostyk": [(200, 15), (80, 15)],
    }
    names = {"nameless": None, "abay": "Abay", "dostyk": "Dostyk"}
    ids = joined(streets, name=names, drive_backward=False)
    assert ids["abay"] != ids["dostyk"] == ids["nameless"]


def test_of_two_avenues_beside_it_a_nameless_carriageway_joins_the_longer():
    streets = {
        "nameless": [(0, 0), (200, 0)],
        "abay": [(130, 20), (0, 20)],
        "dostyk": [(200, -20), (0, -20)],
    }
    names = {"nameless": None, "abay": "Abay", "dostyk": "Dostyk"}
    ids = joined(streets, name=names, drive_backward=False)
    assert ids["abay"] != ids["dostyk"] == ids["nameless"]


def test_a_short_nameless_way_across_an_avenue_is_no_part_of_it():
    streets = {"abay": [(0, 0), (200, 0)], "across": [(100, 0), (100, 20)]}
    assert count(streets, name={"abay": "Abay", "across": None}, drive_backward=False) == 2


def test_a_nameless_carriageway_that_doubles_back_is_not_its_own_other_side():
    streets = {
        "inner": [(0, 0), (200, 0), (200, 20), (0, 20)],
        "outer": [(60, 35), (215, 35), (215, -15), (60, -15)],
    }
    assert count(streets, name={"inner": None}, drive_backward=False) == 1


def test_pieces_of_a_cut_street_share_its_id(tmp_path):
    nodes = {1: (0, 0), 2: (900, 0), 3: (900, 100), 4: (0, 100)}
    ways = [(1, [1, 2], STREET | {"name": "Abay"}), (2, [2, 3], STREET), (3, [3, 4, 1], STREET)]
    segments = read_streets(write_town(tmp_path / "town.osm", nodes, ways)).segments
    assert segments["street_id"].value_counts().to_dict() == {"1-2": 5, "1-2:2": 6}


def test_a_street_goes_by_its_stretch_of_the_oldest_nodes(tmp_path):
    nodes = {10: (0, 0), 9: (100, 0), 200: (200, 0), 1: (200, 100), 30: (100, 60)}
    abay = STREET | {"name": "Abay"}
    ways = [(1, [10, 9, 200], abay), (2, [9, 30, 200], abay), (3, [200, 1], STREET)]
    segments = read_streets(write_town(tmp_path / "town.osm", nodes, ways)).segments
    assert segments["street_id"].to_dict() == {
        "1-200": "1-200", "9-10": "9-10", "9-200": "9-10", "9-200:2": "9-10",
    }  # fmt: skip


def test_a_boundary_does_not_change_the_id_of_a_street(tmp_path):
    nodes = {i: (i * 400.0, 0.0) for i in range(1, 7)}
    sides = {100 + i: (i * 400.0, 90.0) for i in range(1, 7)}
    ways = [(1, list(nodes), STREET | {"name": "Abay"})]
    ways += [(i, [i, 100 + i], STREET) for i in range(1, 7)]
    file = write_town(tmp_path / "town.osm", nodes | sides, ways)
    whole = read_streets(file).segments
    end = whole.geometry[whole["to_node"] == 106].to_crs(4326).iloc[0].buffer(0.0005)
    part = read_streets(file, boundary=end, crs=whole.crs).segments
    assert 0 < len(part) < len(whole)
    assert (part["street_id"] == whole.loc[part.index, "street_id"]).all()


def test_a_table_without_rows_has_no_streets():
    segments = town({"a": [(0, 0), (1, 0)]}).segments.iloc[:0]
    assert join_streets(segments).empty
    assert street_names(segments).empty


@st.composite
def towns(draw):
    """Draw a dozen streets on a grid of 23 m, so that no two lie just at a limit apart."""
    corner = st.tuples(st.integers(0, 9), st.integers(0, 9))
    pairs = draw(st.lists(st.tuples(corner, corner), min_size=2, max_size=12))
    streets = {
        f"s{i}": [(a[0] * 23.0, a[1] * 23.0), (b[0] * 23.0, b[1] * 23.0)]
        for i, (a, b) in enumerate(pairs)
        if a != b
    } or {"s": [(0.0, 0.0), (23.0, 0.0)]}

    def of_each(*choices):
        values = st.lists(st.sampled_from(choices), min_size=len(streets), max_size=len(streets))
        return dict(zip(streets, draw(values), strict=True))

    return town(
        streets,
        name=of_each("Abay", "abay", "Dostyk", None, None, None),
        highway=of_each("primary", "primary", "primary_link"),
        drive_forward=of_each(True, True, False),
        drive_backward=of_each(False, False, True),
    ).segments


@settings(deadline=None, max_examples=40)
@given(towns(), st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_the_place_on_the_map_matters(segments, rng):
    ids = join_streets(segments)
    order = list(range(len(segments)))
    rng.shuffle(order)
    assert join_streets(segments.iloc[order]).equals(ids.iloc[order])
    moved = segments.set_geometry(segments.translate(-51_234.0, 7_777.0))
    assert join_streets(moved).equals(ids)


@settings(deadline=None, max_examples=40)
@given(towns())
def test_streets_are_those_that_comparing_all_pairs_finds(segments):
    fast, slow = join_streets(segments), slow_streets(segments)
    assert fast.to_dict() == slow
    names = segments["name"].dropna().map(street_key).groupby(fast).nunique()
    assert (names == 1).all()


def slow_streets(segments: gpd.GeoDataFrame) -> dict[str, str]:
    """Join streets by the letter of the rule: every pair of segments looked at."""
    rows = {row.Index: row for row in segments.rename(columns={"name": "title"}).itertuples()}
    order = sorted(rows, key=lambda i: (rows[i].from_node, rows[i].to_node, len(i), i))
    group = {i: i for i in order}

    def unite(a, b):
        first, last = sorted((group[a], group[b]), key=order.index)
        for i in group:
            if group[i] == last:
                group[i] = first

    named = [i for i in order if isinstance(rows[i].title, str)]
    for a, b in combinations(named, 2):
        same = street_key(rows[a].title) == street_key(rows[b].title)
        if same and rows[a].geometry.distance(rows[b].geometry) <= 60:
            unite(a, b)
    found = dict(group)
    carriageways = [
        i for i in order
        if rows[i].drive_forward != rows[i].drive_backward and rows[i].highway == "primary"
    ]  # fmt: skip
    for a in carriageways:
        if a in named:
            continue
        places = travel(rows[a])
        votes: dict[str, int] = {}
        for xy, way in places:
            met = {
                found[b]
                for b in carriageways
                if b != a
                for there, other in travel(rows[b])
                if np.hypot(*(there - xy)) <= 30 and way @ other <= -0.85
            }
            for street in met:
                votes[street] = votes.get(street, 0) + 1
        best = sorted(votes, key=lambda street: (-votes[street], order.index(street)))
        if best and votes[best[0]] > 0.5 * len(places):
            unite(a, best[0])
    return group


def travel(row) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the middles of equal parts of a straight street, with the direction of travel."""
    start, end = np.array(row.geometry.coords)
    count = int(np.ceil(np.hypot(*(end - start)) / 20))
    way = (end - start) / np.hypot(*(end - start)) * (1 if row.drive_forward else -1)
    return [(start + (k + 0.5) / count * (end - start), way) for k in range(count)]


def test_a_street_is_named_as_tagged_and_nameless_parts_as_most_of_it_is():
    place = town(
        {"a": [(0, 0), (100, 0)], "b": [(0, 9), (30, 9)], "c": [(0, 20), (90, 20)], "d": LONG[:2]},
        name={"a": "Abay", "b": "Abay Ave.", "c": None, "d": None},
        street_id={"a": "a", "b": "a", "c": "a"},
    )
    names = street_names(place.segments)
    assert names.drop("d").to_dict() == {"a": "Abay", "b": "Abay Ave.", "c": "Abay"}
    assert pd.isna(names["d"])
    assert (names.name, names.dtype.name) == ("name", "str")


def test_a_street_named_in_one_language_only_is_called_by_it():
    place = town({"a": LONG}, name=None, name_kk="Абай", name_en="Abay")
    assert street_names(place.segments).tolist() == ["Абай"]


@pytest.mark.shared
def test_the_avenues_of_almaty_are_one_street_each():
    segments = read_streets(shared_file("almaty/almaty-2012.osm.pbf")).segments
    for name in ("Абая прс.", "пр. Райымбека", "Аль-Фараби прс."):
        rows = segments[segments["name"] == name]
        by_street = rows.groupby("street_id")["length"].sum()
        assert by_street.max() > 0.99 * by_street.sum()
        whole = segments[segments["street_id"] == by_street.idxmax()]
        driven = whole["drive_forward"] != whole["drive_backward"]
        assert driven.sum() > 50
        assert street_names(segments).loc[whole.index].eq(name).all()
    # Raiymbek and Al-Farabi have parts whose other carriageway carries no name.
    assert segments.loc[whole.index, "name"].isna().any()
