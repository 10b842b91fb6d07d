"""Crews that stand: briefings, breaks, reports, stays and must-visits are met, and well."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crews import START, assert_good, depot_at, flat_risk, shift_at
from exact import best_prize
from exact_times import best_of
from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol import MaxIterations, PatrolRules, Plan, plan_patrols
from patrolmap.streets import StreetNetwork
from towns import grid_town, loop_town, row_town, star_town

STOP = MaxIterations(200)
TOWNS = {
    "loop": loop_town(),
    "row": row_town(4),
    "star": star_town(4, 120.0),
    "block": grid_town(2, 2),
    "two blocks": grid_town(3, 2),
}
RULES = {
    "stay": PatrolRules(repeat_share=0.0, dwell="3min"),
    "stays again": PatrolRules(
        repeat_share=0.5, repeat_after="6min", dwell="2min", dwell_after="4min"
    ),
    "break": PatrolRules(repeat_share=0.0, break_length="2min", break_window=(0.4, 0.8)),
    "late break": PatrolRules(repeat_share=0.0, break_length="1min", break_window=(0.9, 1.0)),
    "all": PatrolRules(
        repeat_share=0.5, repeat_after="5min", briefing="1min", handover="30s", dwell="2min",
        break_length="90s", break_window=(0.3, 0.7),
    ),
}  # fmt: skip


def seeded_risk(place: StreetNetwork, seed: int) -> pd.Series:
    values = np.random.default_rng(seed).pareto(1.5, len(place.segments))
    return pd.Series(values, index=place.segments.index)


def stands(plan: Plan, activity: str) -> pd.DataFrame:
    return plan.visits[plan.visits["activity"] == activity].reset_index()


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("name", TOWNS)
def test_one_crew_stands_and_walks_nearly_as_well_as_can_be(name: str, rules: str) -> None:
    place = TOWNS[name]
    risk = seeded_risk(place, seed=len(name) + len(rules))
    shift = shift_at(place, minutes=10, rules=RULES[rules])
    optimum = best_of(place, risk, shift)
    plan = plan_patrols(place, risk, [shift], stop=STOP)
    assert_good(plan, place, risk)
    assert plan.provenance.upper_bound >= optimum * (1 - 1e-9)
    assert 0.93 * optimum <= plan.provenance.prize <= optimum * (1 + 1e-9)


def test_what_must_be_visited_is_visited_on_the_best_walk_that_does() -> None:
    place = grid_town(3, 2)
    risk = seeded_risk(place, seed=4)
    poor = str(risk.idxmin())
    rules = PatrolRules(repeat_share=0.0)
    shift = shift_at(place, minutes=9, rules=rules, must_visit=(poor,))
    optimum = best_of(place, risk, shift, must=(poor,))
    plan = plan_patrols(place, risk, [shift], stop=STOP)
    assert_good(plan, place, risk)
    assert poor in set(plan.visits["segment_id"])
    assert 0.97 * optimum <= plan.provenance.prize <= optimum * (1 + 1e-9)


def test_reports_by_radio_only_take_their_time() -> None:
    place = grid_town(3, 2)
    risk = seeded_risk(place, seed=4)
    rules = PatrolRules(repeat_share=0.0, report_every="4min", report_length="30s")
    shift = shift_at(place, minutes=10, rules=rules)
    plan = plan_patrols(place, risk, [shift], stop=STOP)
    assert_good(plan, place, risk)
    optimum = best_prize(place, risk, shift_at(place, minutes=9, rules=rules))
    assert 0.97 * optimum <= plan.provenance.prize <= optimum * (1 + 1e-9)
    assert plan.provenance.upper_bound >= optimum * (1 - 1e-9)
    assert len(stands(plan, "report")) == 2


def test_reports_at_points_come_near_the_full_hour_at_one_of_them() -> None:
    place = grid_town(6, 6)
    points = [
        depot_at(place, (100.0, 100.0), name="p1"),
        depot_at(place, (400.0, 400.0), name="p2"),
    ]
    rules = PatrolRules(
        report_every="20min", report_at=points, report_slack="5min", dwell="5min",
        dwell_after="30min", break_length="10min", break_window=("20:20", "20:45"),
    )  # fmt: skip
    shift = shift_at(place, (200.0, 200.0), minutes=70, crews=2, rules=rules)
    risk = seeded_risk(place, seed=1)
    plan = plan_patrols(place, risk, [shift], stop=STOP)
    assert_good(plan, place, risk)
    reports = stands(plan, "report")
    assert set(reports["place"]) <= {"p1", "p2"}
    assert reports.groupby("route_id").size().tolist() == [3, 3]
    assert len(stands(plan, "break")) == 2
    assert {"depot", "post"} == set(plan.stops["kind"])


def test_a_stay_earns_the_risk_of_the_hour_it_begins_in() -> None:
    place = grid_town(4, 4)
    starts = pd.to_datetime([START, "2026-11-22 20:30+05:00"])
    risk = pd.DataFrame({starts[0]: flat_risk(place, 1.0), starts[1]: flat_risk(place, 9.0)})
    rules = PatrolRules(dwell="5min", repeat_share=0.0)
    plan = plan_patrols(place, risk, [shift_at(place, minutes=60, rules=rules)], stop=STOP)
    assert_good(plan, place, risk)
    assert_good(plan, place)
    stays = stands(plan, "dwell")
    late = stays[stays["arrive"] >= starts[1]]
    assert len(late)
    streets = late["prize"] / (9.0 * 0.73)
    assert streets.tolist() == pytest.approx(streets.round().tolist())


def test_rules_for_standing_cost_no_prize_where_they_are_off() -> None:
    place = grid_town(4, 4)
    risk = seeded_risk(place, seed=2)
    plan = plan_patrols(place, risk, [shift_at(place, minutes=20)], stop=STOP)
    assert set(plan.visits["activity"]) == {"walk"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"break_window": ("22:00", "22:10"), "break_length": "5min"}, "crew night-1: break"),
        ({"break_length": "25min"}, "crew night-1: break"),
        ({"briefing": "20min", "handover": "15min"}, "shift 'night': .* briefing"),
        ({"briefing": "29min"}, "shift 'night': in the 1 min"),
        ({"report_every": "10min", "report_slack": "1min", "report_length": "30s"},
         "crew night-1: report at 20:10"),
    ],
)  # fmt: skip
def test_a_demand_that_cannot_be_met_is_named_or_relaxed(
    options: dict[str, str], said: str
) -> None:
    place = row_town(9, 100.0)
    risk = flat_risk(place)
    if "report_every" in options:
        options = options | {"report_at": depot_at(place, (900.0, 0.0), name="far")}
    shift = shift_at(place, minutes=30, rules=PatrolRules(**options))
    with pytest.raises(InfeasibleError, match=said):
        plan_patrols(place, risk, [shift], stop=STOP)
    plan = plan_patrols(place, risk, [shift], stop=STOP, relax=True)
    assert_good(plan, place, risk)
    assert any(note.startswith("relaxed ") for note in plan.provenance.notes)
    assert len(plan.visits)


def test_demands_that_shut_each_other_out_are_named_or_left_out() -> None:
    place = row_town(9, 100.0)
    far = depot_at(place, (900.0, 0.0), name="far")
    rules = PatrolRules(break_length="10min", break_window=(0.45, 0.85))
    shift = shift_at(place, minutes=25, rules=rules, must_visit=(far,))
    with pytest.raises(InfeasibleError, match="could not be met together"):
        plan_patrols(place, flat_risk(place), [shift], stop=STOP)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=STOP, relax=True)
    assert_good(plan, place, flat_risk(place))
    assert sum(note.startswith("relaxed ") for note in plan.provenance.notes) == 1


def test_a_must_visit_out_of_reach_is_named_or_relaxed() -> None:
    place = row_town(9, 100.0)
    shift = shift_at(place, minutes=10, must_visit=("s0", "s8"))
    with pytest.raises(InfeasibleError, match="must_visit 's8' is out of reach: 1,800 m"):
        plan_patrols(place, flat_risk(place), [shift], stop=STOP)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=STOP, relax=True)
    assert_good(plan, place, flat_risk(place))
    with pytest.raises(OptionError, match="'nowhere', which is not in the streets"):
        plan_patrols(place, flat_risk(place), [shift_at(place, must_visit=("nowhere",))], stop=STOP)


@st.composite
def rules_of_a_shift(draw: st.DrawFn) -> PatrolRules:
    def maybe(*values: str) -> str | None:
        return draw(st.sampled_from([None, *values]))

    place = draw(st.sampled_from([(), (depot_at(GRID, (200.0, 100.0), name="x"),)]))
    return PatrolRules(
        speed=draw(st.sampled_from([1.0, 1.25, 5.0])),
        repeat_share=draw(st.sampled_from([0.0, 0.5, 1.0])),
        repeat_after=draw(st.sampled_from(["5min", "2h"])),
        briefing=maybe("3min"),
        handover=maybe("2min"),
        break_length=maybe("4min", "12min"),
        break_window=draw(st.sampled_from([(0.2, 0.6), (0.0, 1.0), ("20:10", "20:25")])),
        break_at=draw(st.sampled_from([(), place])),
        report_every=maybe("7min", "10min", "15min"),
        report_length=draw(st.sampled_from(["30s", "2min"])),
        report_at=place,
        report_slack="3min",
        dwell=maybe("2min", "10min"),
        dwell_after=draw(st.sampled_from(["5min", "2h"])),
    )


GRID = grid_town(4, 3)


@settings(deadline=None, max_examples=40)
@given(st.lists(rules_of_a_shift(), min_size=1, max_size=2), st.sampled_from([12, 31, 45]),
       st.integers(1, 2), st.sampled_from([(), ("v-1-3",)]), st.booleans())  # fmt: skip
def test_every_plan_keeps_its_rules_or_the_refusal_names_one(
    rules: list[PatrolRules], minutes: float, crews: int, must: tuple[str, ...], relax: bool
) -> None:
    shifts = [
        shift_at(GRID, minutes=minutes, rules=r, crews=crews, name=f"n{i}", must_visit=must)
        for i, r in enumerate(rules)
    ]
    risk = seeded_risk(GRID, seed=int(minutes))
    try:
        plan = plan_patrols(GRID, risk, shifts, stop=MaxIterations(30), relax=relax)
    except InfeasibleError as error:
        assert not relax, error
        assert error.demand is not None
        assert error.demand in str(error)
        return
    assert_good(plan, GRID, risk)
