"""Hotspots: connected, disjoint, named, and no more street than asked for."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import NetworkMismatchError, OptionError, SchemaError
from patrolmap.risk import hotspots
from patrolmap.schema import HOTSPOTS, validate
from patrolmap.streets.network import StreetNetwork
from towns import grid_town, row_town, town

GRID = grid_town(5, 4)


def risk_on(streets: StreetNetwork, values: object = 0.0, **attrs: object) -> pd.Series:
    risk = pd.Series(values, index=streets.segments.index, name="risk", dtype=float)
    risk.attrs = {"fingerprint": streets.fingerprint, "unit": "count", **attrs}
    return risk


def members(found: pd.DataFrame) -> list[str]:
    return [segment_id for ids in found["segment_ids"] for segment_id in ids]


def random_risk(numbers: list[int]) -> pd.Series:
    return risk_on(GRID, np.resize(numbers, len(GRID.segments)))


NUMBERS = st.lists(st.integers(0, 5), min_size=7, max_size=31).filter(any)
COVERAGE = st.floats(0.001, 1)


def test_the_riskiest_streets_per_metre_come_first():
    streets = town({"long": [(0, 0), (400, 0)], "short": [(400, 0), (500, 0)]})
    found = hotspots(risk_on(streets, [4.0, 2.0]), streets, coverage=0.2)
    assert found.loc[1, "segment_ids"] == ["short"]
    assert found.loc[1, "density"] == pytest.approx(20)
    assert found.loc[1, ["risk_share", "length_share"]].tolist() == pytest.approx([1 / 3, 0.2])


def test_segments_that_touch_make_one_hotspot_and_others_their_own():
    streets = row_town(6)
    found = hotspots(risk_on(streets, [3, 3, 0, 0, 5, 0]), streets, coverage=1)
    assert found.index.tolist() == [1, 2]
    assert found.columns.tolist() == HOTSPOTS.names
    assert found["segment_ids"].tolist() == [["s0", "s1"], ["s4"]]
    assert found["risk"].tolist() == [6, 5]
    assert found["n_segments"].tolist() == [2, 1]
    assert found.geom_type.tolist() == ["MultiLineString"] * 2
    assert found.crs == streets.crs
    assert found.geometry.length.tolist() == pytest.approx(found["length"].tolist())


@pytest.mark.parametrize("coverage, said", [(1e-6, True), (0.5, False)])
def test_a_first_street_longer_than_the_coverage_is_taken_and_that_is_said(coverage, said):
    streets = row_town(4)
    found = hotspots(risk_on(streets, [1, 2, 3, 4]), streets, coverage=coverage)
    assert ("s3" in members(found), len(found)) == (True, 1)
    about = "the strongest street alone, 100 m, takes more than coverage allows (0.0004 m)"
    assert (about in found.attrs["notes"]) is said


def test_equal_streets_are_taken_in_the_order_of_their_ids():
    streets = row_town(4)
    assert hotspots(risk_on(streets, 1.0), streets, coverage=0.5)["segment_ids"][1] == ["s0", "s1"]
    backwards = StreetNetwork(segments=streets.segments.iloc[::-1], nodes=streets.nodes)
    found = hotspots(risk_on(backwards, 1.0), backwards, coverage=0.5)
    assert sorted(found["segment_ids"][1]) == ["s0", "s1"]


def test_only_walkable_streets_inside_the_boundary_count():
    streets = row_town(4).segments.assign(walk=[True, False, True, True])
    streets["inside"] = [True, True, False, True]
    network = StreetNetwork(segments=streets, nodes=row_town(4).nodes)
    found = hotspots(risk_on(network, [1, 9, 9, 2]), network, coverage=1)
    assert sorted(members(found)) == ["s0", "s3"]
    assert found["risk_share"].sum() == pytest.approx(1)
    assert found["length_share"].sum() == pytest.approx(1)


def test_a_hotspot_is_named_after_its_one_or_two_riskiest_streets():
    streets = row_town(4).segments.assign(
        name=pd.array(["Abay avenue", "Dostyk street", "Dostyk street", None], dtype="str")
    )
    network = StreetNetwork(segments=streets, nodes=row_town(4).nodes)

    def name(values: list[float]) -> str:
        return hotspots(risk_on(network, values), network, coverage=1).loc[1, "name"]

    assert name([3, 2, 2, 0]) == "Dostyk street / Abay avenue"
    assert name([1, 2, 2, 0]) == "Dostyk street"
    assert name([1, 0, 0, 0]) == "Abay avenue"
    assert name([0, 0, 0, 1]) == "unnamed street"
    assert name([0, 0, 1, 9]) == "Dostyk street"


def test_a_name_of_several_lines_is_put_on_one():
    lines = {"a": [(0, 0), (90, 0)], "b": [(90, 0), (180, 0)], "c": [(900, 0), (990, 0)]}
    streets = town(lines, name=["Abay\n avenue", "Dostyk\u2028", " \t"])
    found = hotspots(risk_on(streets, [3.0, 2.0, 1.0]), streets, coverage=1)
    assert found["name"].tolist() == ["Abay avenue / Dostyk", "unnamed street"]


def avenue(width: float, **columns: object) -> StreetNetwork:
    """Build two carriageways of one street with a cross link at their east end."""
    return town(
        {
            "south-0": [(0, 0), (100, 0)],
            "south-1": [(100, 0), (200, 0)],
            "north-0": [(0, width), (100, width)],
            "north-1": [(100, width), (200, width)],
            "link": [(200, 0), (200, width)],
        },
        name={"south-0": "Abay", "south-1": "Abay", "north-0": "Abay", "north-1": None},
        street_id=dict.fromkeys(("south-0", "south-1", "north-0", "north-1"), "abay"),
        **columns,
    )


def test_two_carriageways_side_by_side_are_one_hotspot_without_a_link_between_them():
    streets = avenue(30.0)
    found = hotspots(risk_on(streets, [2, 0, 3, 0, 0]), streets, coverage=1)
    assert found["segment_ids"].tolist() == [["south-0", "north-0"]]
    assert found.loc[1, ["risk", "n_segments", "risk_share"]].tolist() == [5, 2, 1]
    ahead = hotspots(risk_on(streets, [2, 0, 0, 3, 0]), streets, coverage=1)
    assert ahead["segment_ids"].tolist() == [["north-1"], ["south-0"]]  # not beside, but beyond


def test_streets_side_by_side_that_are_not_one_or_not_near_are_two_hotspots():
    wide, two = avenue(45.0), avenue(30.0)
    two = StreetNetwork(segments=two.segments.assign(street_id=two.segments.index), nodes=two.nodes)
    for streets in (wide, two):
        found = hotspots(risk_on(streets, [2, 0, 3, 0, 0]), streets, coverage=1)
        assert found["segment_ids"].tolist() == [["north-0"], ["south-0"]]


def test_an_avenue_counts_once_in_a_name_with_both_carriageways():
    streets = avenue(30.0)
    risk = risk_on(streets, [0, 2, 0, 2, 3])  # the link alone carries more than either side

    assert hotspots(risk, streets, coverage=1).loc[1, "name"] == "Abay / link street"
    names = streets.segments["name"].replace({"Abay": "Abay Ave"})
    names["south-1"] = "Abay"
    spelled = StreetNetwork(segments=streets.segments.assign(name=names), nodes=streets.nodes)
    assert hotspots(risk, spelled, coverage=1).loc[1, "name"] == "Abay / link street"


def test_a_nameless_carriageway_goes_by_the_name_of_its_street():
    streets = avenue(30.0)
    found = hotspots(risk_on(streets, [0, 0, 0, 1, 0]), streets, coverage=0.2)
    assert found["name"].tolist() == ["Abay"]


def test_two_streets_of_one_name_in_a_hotspot_are_named_once():
    streets = town(
        {"a": [(0, 0), (99, 0)], "b": [(99, 0), (198, 0)], "c": [(198, 0), (297, 0)]},
        name={"a": "Abay", "b": None, "c": "Abay"},
    )
    found = hotspots(risk_on(streets, [3, 1, 2]), streets, coverage=1)
    assert found["name"].tolist() == ["Abay"]


def test_ids_joined_to_text_break_the_contract_of_hotspots():
    found = hotspots(risk_on(GRID, 1.0), GRID, coverage=0.25)
    joined = found.assign(segment_ids=found["segment_ids"].str.join(" "))
    with pytest.raises(SchemaError, match=r"segment_ids.*wanted list"):
        validate(joined, HOTSPOTS)


def test_what_a_map_needs_to_know_is_said():
    found = hotspots(risk_on(GRID, 1.0, unit="weighted count"), GRID, coverage=0.25)
    (note,) = found.attrs.pop("notes")
    assert note.startswith("scored on the data they were drawn from")
    assert found.attrs == {
        "coverage": 0.25, "method": "top", "unit": "weighted count",
        "fingerprint": GRID.fingerprint,
    }  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(NUMBERS)
def test_at_full_coverage_every_street_with_risk_is_hot(numbers):
    risk = random_risk(numbers)
    found = hotspots(risk, GRID, coverage=1)
    assert found["risk_share"].sum() == pytest.approx(1)
    assert sorted(members(found)) == sorted(risk.index[risk > 0])
    everywhere = hotspots(risk + 1, GRID, coverage=1)
    assert everywhere["length_share"].tolist() == pytest.approx([1])


@settings(deadline=None, max_examples=40)
@given(NUMBERS, COVERAGE)
def test_hotspots_are_disjoint_connected_and_within_the_coverage(numbers, coverage):
    found = hotspots(random_risk(numbers), GRID, coverage=coverage)
    ids = members(found)
    assert len(ids) == len(set(ids)) == found["n_segments"].sum()
    assert found["length_share"].sum() <= coverage + 1e-9 or len(ids) == 1
    assert found["risk"].is_monotonic_decreasing
    for group in found["segment_ids"]:
        ends = GRID.segments.loc[group, ["from_node", "to_node"]].apply(set, axis=1).tolist()
        reached, waiting = ends[0], ends[1:]
        while near := [pair for pair in waiting if pair & reached]:
            reached = reached.union(*near)
            waiting = [pair for pair in waiting if not pair <= reached]
        assert not waiting
    apart = [set(GRID.segments.loc[m, ["from_node", "to_node"]].to_numpy().ravel())
             for m in found["segment_ids"]]  # fmt: skip
    assert sum(map(len, apart)) == len(set().union(*apart))


@settings(deadline=None, max_examples=25)
@given(NUMBERS, COVERAGE)
def test_no_other_choice_of_streets_of_that_length_holds_more_risk(numbers, coverage):
    risk = random_risk(numbers)
    found = hotspots(risk, GRID, coverage=coverage)
    chosen = members(found)
    best = risk.sort_values(ascending=False).head(len(chosen))  # all blocks of a grid are equal
    assert risk[chosen].sum() == pytest.approx(best.sum())


@pytest.mark.parametrize("coverage", [0, -0.1, 1.01, float("nan"), "5 %"])
def test_a_coverage_that_is_no_share_is_refused(coverage):
    with pytest.raises(OptionError, match="above 0 and at most 1"):
        hotspots(risk_on(GRID, 1.0), GRID, coverage=coverage)


def test_risk_without_hot_places_or_with_nonsense_is_refused():
    with pytest.raises(SchemaError, match="risk is 0 on every walkable segment"):
        hotspots(risk_on(GRID), GRID)
    for bad in (-1.0, np.nan, np.inf):
        risk = risk_on(GRID, 1.0)
        risk.iloc[3] = bad
        with pytest.raises(SchemaError, match=r"on 1 segments, e\.g\."):
            hotspots(risk, GRID)
    with pytest.raises(SchemaError, match=r"risk\.sum\(axis=1\)"):
        hotspots(risk_on(GRID, 1.0).to_frame(), GRID)
    with pytest.raises(SchemaError, match="wanted numbers"):
        hotspots(risk_on(GRID, 1.0).astype(str), GRID)
    with pytest.raises(SchemaError, match="more than once"):
        hotspots(pd.concat([risk_on(GRID, 1.0)] * 2), GRID)


def test_risk_of_another_network_is_refused():
    with pytest.raises(NetworkMismatchError):
        hotspots(risk_on(row_town(4), 1.0), GRID)
