"""A compact beat: from any point of its route a crew reaches any other in a few minutes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crews import ONE_PASS, assert_good, depot_at, flat_risk, shift_at, steps
from exact_rules import best_ruled, farthest, ruled_towns
from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol import MaxIterations, PatrolRules, Plan, check_plan, plan_patrols
from patrolmap.patrol.beat import beat_metres, near_depots
from patrolmap.patrol.bound import bound_of
from patrolmap.patrol.check_beat import _apart
from patrolmap.patrol.problem import build_problem
from patrolmap.streets import StreetNetwork
from towns import grid_town, loop_town, row_town

STOP = MaxIterations(100)


def beaten(place: StreetNetwork, beat: str, minutes: float = 60, **options: Any) -> Plan:
    rules = replace(ONE_PASS, beat=beat)
    shift = shift_at(place, options.pop("corner", (0.0, 0.0)), minutes=minutes, **options)
    plan = plan_patrols(place, flat_risk(place), [shift], rules=rules, stop=STOP)
    assert_good(plan, place, flat_risk(place))
    return plan


def test_five_minutes_at_five_kilometres_an_hour_are_about_400_metres() -> None:
    assert beat_metres(PatrolRules(beat="5min")) == pytest.approx(416.67, abs=0.01)
    assert beat_metres(PatrolRules()) == np.inf


def test_a_beat_keeps_a_crew_on_the_near_part_of_a_long_street() -> None:
    place = row_town(12)
    plan = beaten(place, "5min", corner=(600.0, 0.0))
    assert len(set(steps(plan))) == 4
    assert plan.provenance.upper_bound >= plan.provenance.prize


def test_crews_of_one_depot_take_beats_of_their_own() -> None:
    place = row_town(12)
    plan = beaten(place, "5min", corner=(600.0, 0.0), crews=2)
    first, second = (set(steps(plan, i)) for i in (0, 1))
    assert first != second
    assert plan.provenance.prize > 4


def test_the_checker_finds_a_route_too_long_for_its_beat() -> None:
    place = row_town(12)
    plan = plan_patrols(
        place, flat_risk(place), [shift_at(place, minutes=60, rules=ONE_PASS)], stop=STOP
    )
    stated = plan.provenance
    rules = {"night": stated.rules["night"] | {"beat": "5min"}}
    asked = replace(plan, provenance=replace(stated, rules=rules))
    assert set(check_plan(asked)["rule"]) == {"beat"}


@pytest.mark.parametrize("place", [loop_town(), grid_town(3, 3), row_town(4)])
def test_the_farthest_points_of_two_streets_are_found_exactly(place: StreetNetwork) -> None:
    segments = place.segments
    found = _apart(segments, np.arange(len(segments)))
    assert found == pytest.approx(farthest(segments), abs=2.0)


def test_depots_farther_apart_than_a_beat_are_refused_by_name() -> None:
    place = row_town(8)
    gate = depot_at(place, (800.0, 0.0), name="gate")
    with pytest.raises(InfeasibleError, match=r"shift 'night', crew 1: its depots are 800 m apart"):
        beaten(place, "5min", end_depot=gate)
    with pytest.raises(InfeasibleError, match="no street at its depot is so short"):
        beaten(row_town(3), "30s")


@pytest.mark.parametrize("relax", [False, True])
def test_depots_as_far_apart_as_a_beat_allows_leave_the_way_between_them(relax: bool) -> None:
    place = row_town(8)
    shift = shift_at(
        place, minutes=30, rules=PatrolRules(beat="6min", repeat_share=0.0),
        end_depot=depot_at(place, (500.0, 0.0), name="gate"),
    )  # fmt: skip
    plan = plan_patrols(place, flat_risk(place), [shift], stop=MaxIterations(20), relax=relax)
    assert_good(plan, place, flat_risk(place))
    assert plan.provenance.prize == 5  # 500 m; no corner is within 250 m of both


def test_a_beat_by_car_is_refused() -> None:
    place = row_town(3)
    with pytest.raises(OptionError, match=r"beat='5min' is a rule for crews on foot"):
        beaten(place, "5min", mode="drive")


@pytest.mark.parametrize("given", ["soon", "", 5])
def test_a_beat_that_is_no_duration_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match=r"beat=.*wanted a duration"):
        PatrolRules(beat=given)


@settings(deadline=None, max_examples=10)
@given(ruled_towns(), st.sampled_from(["1min", "2min"]))
def test_the_bound_holds_for_beats_of_any_shape(
    place_and_risk: tuple[StreetNetwork, pd.Series], beat: str
) -> None:
    place, risk = place_and_risk
    first = place.nodes.geometry.iloc[0]
    corner = (first.x - 656_000.0, first.y - 4_790_000.0)
    shift = shift_at(place, corner, minutes=5, rules=replace(ONE_PASS, beat=beat))
    try:
        problem = near_depots(build_problem(place, risk, [shift], None))
        plan = plan_patrols(place, risk, [shift], stop=MaxIterations(40))
    except InfeasibleError:
        assume(False)
    best = best_ruled(place, risk, shift)
    assert bound_of(problem) >= best * (1 - 1e-9)
    assert plan.provenance.upper_bound >= best * (1 - 1e-9)
    assert plan.provenance.prize <= best * (1 + 1e-9)
    assert_good(plan, place, risk)
