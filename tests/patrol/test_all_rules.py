"""Rules of time and rules of the ground together: plans keep both, or the refusal names one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from crews import assert_good, depot_at, flat_risk, shift_at
from patrolmap.errors import InfeasibleError
from patrolmap.patrol import MaxIterations, PatrolRules, Plan, check_plan, plan_patrols
from patrolmap.streets import StreetNetwork
from towns import grid_town, lonlat, row_town, town

BASE = grid_town(6, 5)
PARK = ("h-1-1", "h-1-2", "v-1-1", "v-1-2")
DARK = ("h-3-0", "h-3-1", "h-3-2", "v-2-4", "v-2-0")


def night_town() -> StreetNetwork:
    """Build a grid with a park, dark streets, and streets that go on over crossings."""
    nodes = BASE.nodes.geometry
    origin = (nodes.x.min(), nodes.y.min())
    lines = {
        segment_id: [(round(x - origin[0], 3), round(y - origin[1], 3)) for x, y in line.coords]
        for segment_id, line in BASE.segments.geometry.items()
    }
    return town(
        lines,
        street_id={i: i[:3] if i[0] == "h" else f"v{i[-1]}" for i in lines},
        lit=dict.fromkeys(DARK, "no"),
        area=dict.fromkeys(PARK, "park"),
        highway=dict.fromkeys(PARK, "footway"),
    )


TOWN = night_town()
SQUARE = depot_at(TOWN, (300.0, 200.0), name="square")


def area(x: float, y: float, half: float = 20.0) -> Any:
    west, south = lonlat(TOWN, (x - half, y - half))
    east, north = lonlat(TOWN, (x + half, y + half))
    return box(west, south, east, north)


def risk_of(place: StreetNetwork, seed: int) -> pd.Series:
    values = np.random.default_rng(seed).pareto(1.5, len(place.segments))
    return pd.Series(values, index=place.segments.index)


def stood(plan: Plan) -> set[str]:
    return set(plan.visits["activity"])


EVERYTHING = PatrolRules(
    briefing="5min", handover="5min", break_length="10min", break_window=(0.3, 0.7),
    break_at=SQUARE, report_every="1h", dwell="5min", unlit="slow", no_parks_after="21:00",
    no_go=area(450.0, 400.0), turn_cost=5, u_turn_cost=15, corner_passes=40,
)  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
def test_a_night_with_all_rules_keeps_them(seed: int) -> None:
    shift = shift_at(TOWN, minutes=150, crews=2, rules=EVERYTHING, must_visit=("h-1-1",))
    risk = risk_of(TOWN, seed)
    plan = plan_patrols(TOWN, risk, [shift], stop=MaxIterations(100), seed=seed)
    assert_good(plan, TOWN, risk)
    assert {"briefing", "handover", "break", "report", "dwell", "walk"} <= stood(plan)


def test_a_turn_is_counted_across_a_stand() -> None:
    place = row_town(3)
    cafe = depot_at(place, (300.0, 0.0), name="cafe")
    rules = PatrolRules(
        repeat_share=0.0, break_length="2min", break_window=(0.0, 1.0), break_at=cafe,
        u_turn_cost=60,
    )  # fmt: skip
    shift = shift_at(place, minutes=14, rules=rules)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=MaxIterations(50))
    assert_good(plan, place, flat_risk(place))
    steps = plan.visits.reset_index()
    after = steps.index[steps["activity"] == "break"][0] + 1
    taken = (steps["depart"] - steps["arrive"]).dt.total_seconds()[after]
    assert taken == pytest.approx(100 / 1.25 + 60, abs=0.01)
    quick = plan.visits.copy()
    quick.loc[quick.index[after], "depart"] -= pd.Timedelta(seconds=60)
    breaches = check_plan(Plan(**{**vars(plan), "visits": quick}))
    assert "turn" in set(breaches["rule"])


def test_duties_stay_where_turns_take_the_time() -> None:
    place = row_town(6)
    cafe = depot_at(place, (300.0, 0.0), name="cafe")
    rules = PatrolRules(break_length="2min", break_window=(0.2, 0.5), break_at=cafe, turn_cost=45)
    shift = shift_at(place, minutes=25, rules=rules)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=MaxIterations(100))
    assert_good(plan, place, flat_risk(place))
    tight = shift_at(place, minutes=13, rules=rules)
    with pytest.raises(InfeasibleError, match=r"break_length|turn_cost") as told:
        plan_patrols(place, flat_risk(place), [tight], stop=MaxIterations(100))
    assert told.value.demand in ("break_length", "turn_cost")
    left = plan_patrols(place, flat_risk(place), [tight], stop=MaxIterations(100), relax=True)
    assert_good(left, place, flat_risk(place))
    assert any("relaxed break_length" in note for note in left.provenance.notes)


def test_a_park_that_is_closed_after_a_wait_is_gone_round() -> None:
    late = depot_at(TOWN, (0.0, 100.0), name="late")
    rules = PatrolRules(
        report_every="30min", report_at=late, report_slack="1min", no_parks_after="20:40"
    )
    shift = shift_at(TOWN, minutes=75, rules=rules)
    risk = flat_risk(TOWN) + pd.Series(dict.fromkeys(PARK, 5.0)).reindex(
        TOWN.segments.index, fill_value=0
    )
    plan = plan_patrols(TOWN, risk, [shift], stop=MaxIterations(100))
    assert_good(plan, TOWN, risk)


def test_a_beat_holds_the_places_of_its_crews_duties() -> None:
    place = row_town(12)
    cafe = depot_at(place, (500.0, 0.0), name="cafe")
    rules = PatrolRules(break_length="2min", break_at=cafe, beat="5min", dwell="2min")
    shift = shift_at(place, (300.0, 0.0), minutes=30, rules=rules, must_visit=("s4",))
    risk = pd.Series(range(12, 0, -1), index=place.segments.index, dtype=float)
    plan = plan_patrols(place, risk, [shift], stop=MaxIterations(100))
    assert_good(plan, place, risk)
    assert "break" in stood(plan)


@st.composite
def any_rules(draw: st.DrawFn) -> PatrolRules:
    def one(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    return PatrolRules(
        briefing=one(None, "3min"),
        handover=one(None, "2min"),
        break_length=one(None, "4min"),
        break_window=one((0.2, 0.6), ("20:10", "20:25")),
        break_at=one((), SQUARE),
        report_every=one(None, "10min", "15min"),
        report_length="1min",
        report_at=one((), (), (SQUARE,)),
        report_slack="3min",
        dwell=one(None, "3min"),
        dwell_after="5min",
        repeat_after="10min",
        unlit=one("allow", "avoid", "slow", "forbid"),
        no_parks_after=one(None, "20:15"),
        parks_open=one("06:00", "20:25"),
        no_go=one((), area(450.0, 400.0)),
        turn_cost=one(0, 10),
        u_turn_cost=one(0, 30),
        corner_passes=one(None, None, 6),
        crew_distance=one(0, 0, 60),
        beat=one(None, None, "8min"),
    )


@settings(deadline=None, max_examples=20)
@given(st.lists(any_rules(), min_size=1, max_size=2), st.sampled_from([25, 40]),
       st.integers(1, 2), st.sampled_from([(), ("v-1-3", "h-1-1")]), st.booleans())  # fmt: skip
def test_every_plan_keeps_all_rules_or_the_refusal_names_one(
    rules: list[PatrolRules], minutes: float, crews: int, must: tuple[str, ...], relax: bool
) -> None:
    shifts = [
        shift_at(TOWN, minutes=minutes, rules=r, crews=crews, name=f"n{i}", must_visit=must)
        for i, r in enumerate(rules)
    ]
    risk = risk_of(TOWN, seed=int(minutes))
    try:
        plan = plan_patrols(TOWN, risk, shifts, stop=MaxIterations(20), relax=relax)
    except InfeasibleError as error:
        assert error.demand is not None
        assert error.demand in str(error)
        return
    assert_good(plan, TOWN, risk)
