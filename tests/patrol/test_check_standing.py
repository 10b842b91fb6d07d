"""The checker names every way in which a crew stands otherwise than its rules say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from crews import assert_good, depot_at, flat_risk, shift_at
from patrolmap.patrol import MaxIterations, PatrolRules, Plan, check_plan, plan_patrols
from patrolmap.streets import StreetNetwork
from towns import grid_town

MINUTE = pd.Timedelta(minutes=1)
Break = Callable[[Plan], Plan]


@pytest.fixture(scope="module")
def place() -> StreetNetwork:
    return grid_town(6, 6)


@pytest.fixture(scope="module")
def radio_plan(place: StreetNetwork) -> Plan:
    """A crew that is briefed, stays, takes a break, reports by radio and hands over."""
    rules = PatrolRules(
        briefing="5min", handover="3min", dwell="4min", dwell_share=0.9, break_length="6min",
        break_window=(0.3, 0.7), report_every="20min", report_length="1min", repeat_share=0.0,
    )  # fmt: skip
    shift = shift_at(place, (200.0, 200.0), minutes=70, rules=rules, must_visit=("h-5-4",))
    plan = plan_patrols(place, flat_risk(place), [shift], stop=MaxIterations(100))
    assert_good(plan, place)
    return plan


@pytest.fixture(scope="module")
def points_plan(place: StreetNetwork) -> Plan:
    """A crew that reports at a point, has its break at a post and visits a place."""
    rules = PatrolRules(
        break_length="6min", break_at=depot_at(place, (300.0, 300.0), name="cafe"),
        report_every="20min", report_slack="4min", repeat_share=0.0,
        report_at=depot_at(place, (100.0, 300.0), name="point"),
    )  # fmt: skip
    corner = depot_at(place, (500.0, 0.0), name="corner")
    shift = shift_at(place, (200.0, 200.0), minutes=70, rules=rules, must_visit=(corner,))
    plan = plan_patrols(place, flat_risk(place), [shift], stop=MaxIterations(100))
    assert_good(plan, place)
    return plan


def of(plan: Plan, activity: str, number: int = 0) -> int:
    """Return the row of a step that stands."""
    rows = (plan.visits["activity"] == activity).to_numpy().nonzero()[0]
    return int(rows[number])


def without(plan: Plan, activity: str, number: int = 0) -> Plan:
    return replace(plan, visits=plan.visits.drop(plan.visits.index[of(plan, activity, number)]))


def with_step(plan: Plan, which: str, number: int = 0, **changes: Any) -> Plan:
    visits = plan.visits.copy()
    row = of(plan, which, number)
    for name, change in changes.items():
        column = visits[name].copy()
        column.iloc[row] = change(column.iloc[row]) if callable(change) else change
        visits[name] = column
    return replace(plan, visits=visits)


def moved(plan: Plan, activity: str, minutes: float) -> Plan:
    def later(time: pd.Timestamp) -> pd.Timestamp:
        return time + minutes * MINUTE

    return with_step(plan, activity, arrive=later, depart=later)


def longer(plan: Plan, activity: str) -> Plan:
    return with_step(plan, activity, depart=lambda time: time + MINUTE)


def elsewhere(plan: Plan, activity: str) -> Plan:
    return with_step(plan, activity, from_node=36, to_node=36)


def ruling(plan: Plan, **fields: Any) -> Plan:
    told = plan.provenance
    rules = {name: values | fields for name, values in told.rules.items()}
    return replace(plan, provenance=replace(told, rules=rules))


def asking(plan: Plan, **fields: Any) -> Plan:
    told = plan.provenance
    shifts = {name: values | fields for name, values in told.shifts.items()}
    return replace(plan, provenance=replace(told, shifts=shifts))


def drawn_without(plan: Plan, segment_id: str) -> Plan:
    ids = plan.visits["segment_id"]
    return replace(plan, visits=plan.visits.assign(segment_id=ids.where(ids != segment_id, None)))


RADIO: dict[str, tuple[Break, str]] = {
    "nobody is briefed": (lambda p: without(p, "briefing"), "briefing"),
    "the briefing is too long": (lambda p: longer(p, "briefing"), "briefing"),
    "the briefing is elsewhere": (lambda p: elsewhere(p, "briefing"), "briefing"),
    "nobody hands over": (lambda p: without(p, "handover"), "handover"),
    "the handover is early": (lambda p: moved(p, "handover", -1), "handover"),
    "the handover is too short": (lambda p: ruling(p, handover="4min"), "handover"),
    "the handover is elsewhere": (lambda p: elsewhere(p, "handover"), "handover"),
    "there is no break": (lambda p: without(p, "break"), "break_length"),
    "the break is too long": (lambda p: longer(p, "break"), "break_length"),
    "the break is too early": (lambda p: moved(p, "break", -30), "break_window"),
    "the break is too late": (lambda p: moved(p, "break", 40), "break_window"),
    "the break is elsewhere": (lambda p: elsewhere(p, "break"), "break_at"),
    "a report is missing": (lambda p: without(p, "report", 1), "report_every"),
    "a report is too long": (lambda p: longer(p, "report"), "report_length"),
    "a report is far from the full time": (lambda p: moved(p, "report", 8), "report_every"),
    "a stay is too long": (lambda p: longer(p, "dwell"), "dwell"),
    "a stay earns too much": (
        lambda p: with_step(p, "dwell", prize=lambda prize: prize * 2), "prize",
    ),
    "a break earns": (lambda p: with_step(p, "break", prize=1.0), "prize"),
    "a street must be visited, and is not": (lambda p: drawn_without(p, "h-5-4"), "must_visit"),
    "a street must be visited that nobody knows": (
        lambda p: asking(p, must_visit=["nowhere"]), "must_visit",
    ),
}  # fmt: skip

POINTS: dict[str, tuple[Break, str]] = {
    "the break is at no post": (lambda p: elsewhere(p, "break"), "break_at"),
    "the post is another of that name": (
        lambda p: ruling(p, break_at=[["cafe", 76.0, 43.0]]), "break_at",
    ),
    "a report is at no report point": (lambda p: elsewhere(p, "report"), "report_at"),
    "a report is too early": (lambda p: moved(p, "report", -9), "report_every"),
    "a report is missing": (lambda p: without(p, "report", 2), "report_every"),
    "a place must be visited, and is not": (
        lambda p: asking(p, must_visit=[["elsewhere", 76.9, 43.2]]), "must_visit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RADIO)
def test_a_breach_of_standing_is_named(name: str, radio_plan: Plan) -> None:
    broken, rule = RADIO[name]
    assert rule in set(check_plan(broken(radio_plan))["rule"])


@pytest.mark.parametrize("name", POINTS)
def test_a_breach_at_a_place_is_named(name: str, points_plan: Plan) -> None:
    broken, rule = POINTS[name]
    assert rule in set(check_plan(broken(points_plan))["rule"])


def test_a_street_that_earns_at_two_corners_is_named(radio_plan: Plan) -> None:
    stays = radio_plan.visits[radio_plan.visits["activity"] == "dwell"]
    row = int(stays["from_node"].iloc[0])
    ends = radio_plan.segments[["from_node", "to_node"]]
    beside = ends[ends["from_node"] == row]["to_node"].tolist()
    beside += ends[ends["to_node"] == row]["from_node"].tolist()
    # the same crew stays next door as well
    second = with_step(
        radio_plan, "break", activity="dwell", from_node=beside[0], to_node=beside[0]
    )
    assert any("earns at two corners" in what for what in check_plan(second)["what"])


def test_a_relaxed_demand_is_not_asked_for(radio_plan: Plan) -> None:
    plan = asking(without(radio_plan, "break"), relaxed=[[1, "break_length"]])
    assert "break_length" not in set(check_plan(plan)["rule"])


def test_a_plan_with_standing_comes_back_from_its_file(points_plan: Plan, tmp_path: Any) -> None:
    again = Plan.read(points_plan.to_file(tmp_path / "plan.gpkg"))
    assert check_plan(again).empty
    pd.testing.assert_frame_equal(again.visits, points_plan.visits)
