"""Where crews may go: dark streets, parks by the clock, no-go areas, sectors; turns and corners."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from crews import ONE_PASS, START, assert_good, depot_at, flat_risk, shift_at, steps
from exact_rules import best_ruled, ruled_towns
from patrolmap.errors import DepotError, InfeasibleError, OptionError
from patrolmap.patrol import (
    MaxIterations,
    PatrolRules,
    Plan,
    Shift,
    check_plan,
    plan_patrols,
    score_routes,
)
from patrolmap.patrol.access import unlit_segments
from patrolmap.patrol.bound import bound_of
from patrolmap.patrol.problem import build_problem
from patrolmap.streets import StreetNetwork
from towns import grid_town, lonlat, row_town, town

STOP = MaxIterations(100)


def ruled(**fields: Any) -> PatrolRules:
    return replace(ONE_PASS, **fields)


def planned(place: StreetNetwork, rules: PatrolRules, minutes: float = 30, **options: Any) -> Plan:
    shift = shift_at(place, options.pop("corner", (0.0, 0.0)), minutes=minutes, **options)
    plan = plan_patrols(place, flat_risk(place), [shift], rules=rules, stop=STOP)
    assert_good(plan, place, flat_risk(place))
    return plan


def broken(plan: Plan) -> set[str]:
    return set(check_plan(plan)["rule"])


def under(plan: Plan, **fields: Any) -> Plan:
    """Return the same routes, as if other rules had been asked for."""
    stated = plan.provenance
    rules = {name: given | fields for name, given in stated.rules.items()}
    return replace(plan, provenance=replace(stated, rules=rules))


def area_around(place: StreetNetwork, x: float, y: float, half: float) -> Any:
    west, south = lonlat(place, (x - half, y - half))
    east, north = lonlat(place, (x + half, y + half))
    return box(west, south, east, north)


# ---- light

LANES = town(
    {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)], "c": [(200, 0), (300, 0)]},
    lit={"a": "yes", "b": "no"}, highway={"c": "track"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("unknown", "dark"),
    [
        ("lit", [False, True, False]),
        ("unlit", [False, True, True]),
        ("by_class", [False, True, True]),
    ],
)
def test_a_street_without_a_tag_counts_as_the_rules_say(unknown: Any, dark: list[int]) -> None:
    found = unlit_segments(LANES.segments, PatrolRules(unknown_lit=unknown))
    assert found.tolist() == dark


def test_an_untagged_residential_street_is_lit_by_its_class() -> None:
    place = row_town(1)
    assert not unlit_segments(place.segments, PatrolRules(unknown_lit="by_class")).any()


def test_a_dark_street_is_crossed_slowly_or_not_at_all() -> None:
    free = planned(LANES, ruled())
    slow = planned(LANES, ruled(unlit="slow", unlit_pace=0.5))
    avoided = planned(LANES, ruled(unlit="avoid"))
    forbidden = planned(LANES, ruled(unlit="forbid"))
    assert free.routes["duration"].tolist() == [480.0]
    assert slow.routes["duration"].tolist() == [640.0]  # b twice, at half the pace
    assert slow.routes["length"].tolist() == [600.0]
    assert avoided.provenance.prize == 2.0
    assert set(steps(forbidden)) == {"a"}
    assert forbidden.unserved["why"].to_dict() == {"b": "unlit", "c": "out of reach"}


def test_a_plan_says_how_streets_without_a_tag_were_taken() -> None:
    plan = planned(LANES, ruled(unlit="forbid", unknown_lit="by_class"))
    assert any("33% of the segments have no lighting tag" in n for n in plan.provenance.notes)


def test_the_checker_finds_who_walks_in_the_dark() -> None:
    free = planned(LANES, ruled())
    assert broken(under(free, unlit="forbid")) == {"unlit"}
    assert broken(under(free, unlit="slow")) == {"unlit"}
    assert "prize" in broken(under(free, unlit="avoid"))


def test_a_town_in_the_dark_has_nowhere_to_go() -> None:
    place = row_town(3)
    with pytest.raises(InfeasibleError, match=r"shift 'night': no street .* unlit='forbid' leaves"):
        planned(place, ruled(unlit="forbid", unknown_lit="unlit"))


# ---- parks

# a street round a park, and a path through its middle: 200 m through, 400 m round
PARK = town(
    {
        "west": [(0, 0), (100, 0)],
        "path": [(100, 0), (200, 0)],
        "east": [(200, 0), (300, 0)],
        "round": [(100, 0), (100, 100), (200, 100), (200, 0)],
        "road": [(300, 0), (400, 0)],
    },
    area={"path": "park", "road": "park"}, highway={"path": "footway"},
)  # fmt: skip


def through(plan: Plan) -> list[str]:
    """Return the clock times at which the path is entered."""
    visits = plan.visits
    return visits.loc[visits["segment_id"] == "path", "arrive"].dt.strftime("%H:%M").tolist()


def test_a_closed_park_is_walked_round_and_the_road_through_it_is_not_closed() -> None:
    plan = planned(PARK, ruled(no_parks_after="19:00"))
    assert not through(plan)
    assert {"round", "road"} <= set(steps(plan))
    assert plan.unserved["why"].to_dict() == {"path": "park closed"}


def test_a_park_is_walked_before_it_closes() -> None:
    plan = planned(PARK, ruled(no_parks_after="20:05"), minutes=40)
    assert all(clock < "20:05" for clock in through(plan))
    assert set(PARK.segments.index) == set(steps(plan))


def test_a_park_that_opens_in_the_morning_is_walked_then() -> None:
    morning = {"start": "2026-11-23 05:40+05:00", "minutes": 40}
    plan = planned(PARK, ruled(no_parks_after="22:00"), **morning)
    assert all(clock >= "06:00" for clock in through(plan))
    assert_good(plan, PARK)


def test_the_checker_finds_who_is_in_a_closed_park() -> None:
    plan = planned(PARK, ruled(), minutes=40)
    assert "parks" in broken(under(plan, no_parks_after="20:00"))
    assert "parks" not in broken(under(plan, no_parks_after="23:00"))


def test_a_depot_inside_a_park_that_closes_on_the_crew_is_refused_by_name() -> None:
    place = town(
        {"in": [(0, 0), (100, 0)], "out": [(100, 0), (200, 0)]},
        area={"in": "park"}, highway={"in": "footway"},
    )  # fmt: skip
    gate = depot_at(place, (200.0, 0.0), name="gate")
    with pytest.raises(InfeasibleError, match=r"'night', crew 1: parks are closed from 20:01"):
        planned(place, ruled(no_parks_after="20:01"), end_depot=gate)


# ---- areas and sectors


def test_nobody_enters_a_no_go_area_and_the_plan_says_why() -> None:
    place = grid_town(3, 3)
    rules = ruled(no_go=[area_around(place, 100.0, 100.0, 30.0)])
    plan = planned(place, rules)
    closed = {"h-1-0", "h-1-1", "v-0-1", "v-1-1"}
    assert not closed & set(steps(plan))
    assert set(plan.unserved.index[plan.unserved["why"] == "no-go area"]) == closed
    assert "1 no-go area left out" in plan.provenance.notes
    assert broken(under(planned(place, ruled()), no_go=rules.no_go)) == {"no_go"}


def test_an_area_of_the_plan_binds_a_shift_with_rules_of_its_own() -> None:
    place = grid_town(3, 3)
    area = area_around(place, 100.0, 100.0, 30.0)
    own = shift_at(place, rules=ruled(speed=1.0))
    plan = plan_patrols(place, flat_risk(place), [own], rules=ruled(no_go=area), stop=STOP)
    assert "v-0-1" not in steps(plan)
    assert plan.provenance.rules["night"]["speed"] == 1.0
    assert len(plan.provenance.rules["night"]["no_go"]) == 1


@pytest.mark.parametrize("given", [Point(76, 43), "POLYGON EMPTY", "a circle", 5,
                                   box(656_000, 4_790_000, 656_100, 4_790_100)])  # fmt: skip
def test_an_area_that_is_no_polygon_in_degrees_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match=r"no_go.*wanted polygons in degrees"):
        PatrolRules(no_go=given)


def test_areas_are_kept_as_plain_values_and_come_back() -> None:
    rules = PatrolRules(no_go=[box(76.1, 43.1, 76.2, 43.2)])
    assert PatrolRules(**rules.to_dict()) == rules
    assert hash(rules) == hash(PatrolRules(**rules.to_dict()))


def test_a_depot_outside_its_sector_is_named_with_its_sector() -> None:
    place = row_town(9)
    sector = area_around(place, 700.0, 0.0, 210.0)
    with pytest.raises(InfeasibleError, match=r"'post' .* outside the sector of shift 'night'"):
        planned(place, ruled(), sector=sector)
    with pytest.raises(DepotError, match="crews must stay in their sector"):
        planned(place, ruled(), sector=sector)


# ---- services


def test_each_service_walks_by_its_own_rules() -> None:
    place = LANES
    police = shift_at(place, name="police")
    guard = shift_at(place, name="guard", service="national_guard")
    rules = {"police": ruled(unlit="forbid"), "national_guard": "foot_day"}
    plan = plan_patrols(place, flat_risk(place), [police, guard], rules=rules, stop=STOP)
    assert_good(plan, place)
    assert plan.provenance.rules["police"]["unlit"] == "forbid"
    assert plan.provenance.rules["guard"]["unlit"] == "allow"
    assert set(steps(plan, 0)) <= {"a"}
    assert {"b", "c"} <= set(steps(plan, 1))


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"polise": "foot_day"}, r"rules name the services \['polise'\]; .* are \['police'\]"),
        ({}, "no entry for service 'police' of shift 'night'"),
        ({"police": 3}, "rules of service 'police' are 3"),
        ({"police": "boat"}, "rules='boat'"),
    ],
)
def test_rules_by_service_must_fit_the_shifts(rules: Any, message: str) -> None:
    place = row_town(2)
    with pytest.raises(OptionError, match=message):
        plan_patrols(place, flat_risk(place), [shift_at(place)], rules=rules, stop=STOP)


def test_the_order_in_force_keeps_pairs_together_and_the_plan_says_so() -> None:
    plan = planned(LANES, PatrolRules.preset("kz_order_164"))
    assert plan.provenance.rules["night"]["pair_apart"] == 0.0
    assert any("stay together" in note and "cannot show" in note for note in plan.provenance.notes)


# ---- turns and corners


def test_turns_take_their_time_by_the_clock() -> None:
    place = row_town(2)  # two streets in a row: out, turn, back
    plan = planned(place, ruled(turn_cost=7.0, u_turn_cost=20.0))
    spent = (plan.visits["depart"] - plan.visits["arrive"]).dt.total_seconds().tolist()
    assert spent == [80.0, 87.0, 100.0, 87.0]
    assert plan.routes["duration"].tolist() == [354.0]


def test_a_walk_with_dear_turns_is_still_home_in_time() -> None:
    place = grid_town(5, 5)
    dear = planned(place, ruled(turn_cost=60.0, u_turn_cost=120.0), minutes=40)
    assert dear.routes["duration"].max() <= 2400
    assert 0 < dear.provenance.prize < planned(place, ruled(), minutes=40).provenance.prize


def test_the_checker_finds_turns_without_their_time() -> None:
    plan = planned(grid_town(3, 3), ruled())
    assert broken(under(plan, turn_cost=5.0)) == {"turn"}
    assert broken(under(planned(row_town(2), ruled()), u_turn_cost=5.0)) == {"turn"}


def test_nobody_comes_by_a_corner_too_often() -> None:
    place = grid_town(4, 4)
    plan = planned(place, ruled(corner_passes=1), minutes=60)
    assert plan.visits["to_node"].value_counts().max() == 1
    assert plan.provenance.prize >= 4
    assert "corner" in broken(under(planned(place, ruled(), minutes=60), corner_passes=1))


def test_a_way_home_that_must_pass_the_depot_again_is_refused_by_name() -> None:
    place = row_town(3)
    gate = depot_at(place, (300.0, 0.0), name="gate")
    with pytest.raises(InfeasibleError, match=r"crew 1: with turn_cost=90 .* of 5min; give"):
        planned(place, ruled(turn_cost=90.0), minutes=5, end_depot=gate)


# ---- crews on the move


def test_crews_on_the_move_keep_their_distance() -> None:
    place = grid_town(6, 6)
    shift = shift_at(place, (200.0, 200.0), minutes=30, crews=3)
    free = plan_patrols(place, flat_risk(place), [shift], rules=ONE_PASS, stop=STOP)
    apart = plan_patrols(
        place, flat_risk(place), [shift], rules=ruled(crew_distance=90.0), stop=STOP
    )
    assert_good(apart, place)
    assert apart.provenance.prize > 0.5 * free.provenance.prize
    assert broken(under(free, crew_distance=90.0)) == {"distance"}


def test_two_crews_of_one_dead_end_street_do_not_meet_on_it() -> None:
    place = row_town(8)
    near, far = (
        Shift(depot=depot_at(place, (x, 0.0), name=name), start=START, duration="30min", name=name)
        for x, name in ((0.0, "near"), (800.0, "far"))
    )
    plan = plan_patrols(
        place, flat_risk(place), [near, far], rules=ruled(crew_distance=50.0), stop=STOP
    )
    assert_good(plan, place)
    assert plan.provenance.prize >= 7


# ---- routes that exist


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"unlit": "forbid", "unknown_lit": "unlit"}, {"unlit"}),
        ({"no_parks_after": "19:00"}, {"parks"}),
        ({"corner_passes": 1}, {"corner"}),
        ({"beat": "1min"}, {"beat"}),
        ({"turn_cost": 5.0, "unlit": "slow"}, set()),
    ],
)
def test_a_drawn_route_is_scored_and_the_checker_tells_which_rule_it_breaks(
    fields: dict[str, Any], rule: set[str]
) -> None:
    free = planned(PARK, ruled())
    lines = free.routes.to_crs(4326).reset_index()[["route_id", "geometry"]]
    plan = score_routes(lines, PARK, flat_risk(PARK), [shift_at(PARK)], rules=ruled(**fields))
    assert broken(plan) == rule
    assert plan.provenance.prize == free.provenance.prize
    assert plan.provenance.rules["night"]["corner_passes"] == fields.get("corner_passes")


# ---- never above the best that can be done, and never a breach


RULES = st.fixed_dictionaries(
    {
        "unlit": st.sampled_from(["allow", "avoid", "slow", "forbid"]),
        "unknown_lit": st.sampled_from(["lit", "unlit", "by_class"]),
        "unlit_pace": st.sampled_from([0.5, 0.8]),
        "no_parks_after": st.sampled_from([None, "20:02", "20:04"]),
        "turn_cost": st.sampled_from([0.0, 9.0]),
        "u_turn_cost": st.sampled_from([0.0, 20.0]),
        "corner_passes": st.sampled_from([None, 1, 2]),
        "crew_distance": st.sampled_from([0.0, 30.0]),
    }
)


@settings(deadline=None, max_examples=30)
@given(ruled_towns(), RULES, st.sampled_from([4, 5]), st.booleans())
def test_the_bound_holds_and_every_plan_keeps_its_rules(
    place_and_risk: tuple[StreetNetwork, pd.Series], given: dict[str, Any], minutes: int, area: bool
) -> None:
    place, risk = place_and_risk
    first = place.nodes.geometry.iloc[0]
    corner = (first.x - 656_000.0, first.y - 4_790_000.0)
    no_go = [area_around(place, 130.0, 60.0, 12.0)] if area else []
    shift = shift_at(place, corner, minutes=minutes, rules=ruled(**given, no_go=no_go))
    best = best_ruled(place, risk, shift)
    try:
        problem = build_problem(place, risk, [shift], None)
        plan = plan_patrols(place, risk, [shift], stop=MaxIterations(40))
    except (InfeasibleError, DepotError):
        assume(False)
    assert bound_of(problem) >= best * (1 - 1e-9)
    assert plan.provenance.upper_bound >= best * (1 - 1e-9)
    assert plan.provenance.prize <= best * (1 + 1e-9)
    assert_good(plan, place, risk)


@pytest.mark.parametrize("fields", [{"unlit": "slow"}, {"turn_cost": 10.0, "u_turn_cost": 20.0},
                                    {"no_parks_after": "20:04"}, {"corner_passes": 2}])  # fmt: skip
def test_a_tiny_town_is_walked_nearly_as_well_as_the_rule_allows(fields: dict[str, Any]) -> None:
    place = grid_town(3, 2)
    changed = place.segments.copy()
    changed.loc[["h-0-0", "v-0-1"], "lit"] = "no"
    changed.loc[["h-1-0"], ["area", "highway"]] = ["park", "footway"]
    place = replace(place, segments=changed)
    risk = pd.Series(np.random.default_rng(2).pareto(1.5, len(changed)), index=changed.index)
    shift = shift_at(place, minutes=8, rules=ruled(**fields))
    plan = plan_patrols(place, risk, [shift], stop=MaxIterations(300))
    assert_good(plan, place, risk)
    assert plan.provenance.prize >= 0.8 * best_ruled(place, risk, shift)


@settings(deadline=None, max_examples=10)
@given(ruled_towns(), RULES, RULES)
def test_crews_under_different_rules_never_break_one(
    place_and_risk: tuple[StreetNetwork, pd.Series], one: dict[str, Any], other: dict[str, Any]
) -> None:
    place, risk = place_and_risk
    first = place.nodes.geometry.iloc[0]
    corner = (first.x - 656_000.0, first.y - 4_790_000.0)
    shifts = [
        shift_at(place, corner, minutes=9, name=name, crews=2,
                 rules=PatrolRules(repeat_share=0.5, repeat_after="3min", **rules))
        for name, rules in (("one", one), ("other", other))
    ]  # fmt: skip
    try:
        plan = plan_patrols(place, risk, shifts, stop=MaxIterations(30))
    except (InfeasibleError, DepotError):
        assume(False)
    assert_good(plan, place, risk)


def test_crews_of_two_paces_share_a_town() -> None:
    place = replace(grid_town(4, 4))
    slow = shift_at(place, name="slow", rules=ruled(unlit="slow", unknown_lit="unlit"))
    quick = Shift(depot=slow.depot, start=START, duration="30min", name="quick", rules=ONE_PASS)
    plan = plan_patrols(place, flat_risk(place), [slow, quick], stop=STOP)
    assert_good(plan, place)
    assert plan.routes["duration"].max() <= 1800
    assert plan.routes["length"].iloc[0] <= 1125.0
