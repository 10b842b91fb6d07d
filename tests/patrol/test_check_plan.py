"""The checker passes a good plan and names every way in which a broken one is broken."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import LineString, box

from crews import ONE_PASS, START, assert_good, flat_risk, shift_at
from patrolmap.errors import NetworkMismatchError, SchemaError
from patrolmap.patrol import (
    MaxIterations,
    PatrolRules,
    Plan,
    check,
    check_plan,
    check_risk,
    check_stated,
    plan_patrols,
)
from patrolmap.streets import StreetNetwork
from plans import make_plan
from towns import grid_town, row_town

MINUTE = pd.Timedelta(minutes=1)
Break = Callable[[Plan], Plan]


def rules_broken(plan: Plan, streets: StreetNetwork | None = None) -> set[str]:
    return set(check_plan(plan, streets)["rule"])


def with_visits(plan: Plan, **columns: Any) -> Plan:
    """Change columns of the visits: a value per row, a function of the column, or row -> value."""
    visits = plan.visits.copy()
    for name, change in columns.items():
        column = visits[name].copy()
        if isinstance(change, dict):
            for row, value in change.items():
                column.iloc[row] = value
        else:
            column = change(column)
        visits[name] = column
    return replace(plan, visits=visits)


def with_routes(plan: Plan, **columns: Any) -> Plan:
    return replace(plan, routes=plan.routes.assign(**columns))


def with_segments(plan: Plan, **columns: Any) -> Plan:
    return replace(plan, segments=plan.segments.assign(**columns))


def stating(plan: Plan, **fields: Any) -> Plan:
    return replace(plan, provenance=replace(plan.provenance, **fields))


def asking(plan: Plan, shift: str = "night", **fields: Any) -> Plan:
    """Change what the provenance says of one shift."""
    shifts = plan.provenance.shifts
    return stating(plan, shifts=shifts | {shift: shifts[shift] | fields})


def test_a_good_plan_has_no_breach(
    night_plan: Plan, grid: StreetNetwork, grid_risk: pd.Series
) -> None:
    breaches = check_plan(night_plan, grid, risk=grid_risk)
    assert breaches.empty
    assert breaches.columns.tolist() == ["route_id", "step", "rule", "what"]


def drop_a_step(plan: Plan) -> Plan:
    visits = plan.visits.drop(index=plan.visits.index[5])
    return replace(plan, visits=visits)


def first_walked(plan: Plan) -> str:
    return str(plan.visits["segment_id"].iloc[0])


def change_of(plan: Plan, column: str, value: Any) -> dict[str, Any]:
    """Return a segments column in which the first segment walked has another value."""
    return {column: plan.segments[column].where(plan.segments.index != first_walked(plan), value)}


def elsewhere(line: LineString) -> LineString:
    return translate(line, 40.0, 0.0)


def move_a_street(plan: Plan) -> Plan:
    lines = plan.segments.geometry
    moved = lines.where(lines.index != first_walked(plan), lines.apply(elsewhere))
    return replace(plan, segments=plan.segments.set_geometry(moved))


BREAKS: dict[str, tuple[Break, str]] = {
    "a step is missing": (drop_a_step, "connected"),
    "steps are swapped": (
        lambda p: replace(p, visits=p.visits.iloc[[1, 0, *range(2, len(p.visits))]]),
        "tables",
    ),
    "a step starts elsewhere": (
        lambda p: with_visits(p, from_node={3: p.visits["from_node"].iloc[9]}),
        "segment",
    ),
    "a step runs the other way": (
        lambda p: with_visits(p, forward={2: not p.visits["forward"].iloc[2]}),
        "segment",
    ),
    "a segment is not in the table": (
        lambda p: with_visits(p, segment_id={2: "h-9-9"}),
        "segment",
    ),
    "a walked step has no segment": (lambda p: with_visits(p, segment_id={2: None}), "segment"),
    "a step has another length": (lambda p: with_visits(p, length={2: 99.0}), "length"),
    "a route has another length": (lambda p: with_routes(p, length=p.routes.length + 1), "length"),
    "a segment's line has another length": (
        lambda p: with_segments(p, **change_of(p, "length", 80.0)),
        "length",
    ),
    "a step is walked too fast": (
        lambda p: with_visits(p, depart=lambda c: c - MINUTE, arrive=lambda c: c),
        "speed",
    ),
    "the clock jumps": (lambda p: with_visits(p, arrive={4: p.visits["arrive"].iloc[3]}), "clock"),
    "the route starts later than its first step": (
        lambda p: with_routes(p, start=p.routes["start"] + MINUTE),
        "clock",
    ),
    "the route ends before its last step": (
        lambda p: with_routes(p, end=p.routes["end"] - MINUTE),
        "clock",
    ),
    "the duration is another": (
        lambda p: with_routes(p, duration=p.routes["duration"] - 60),
        "duration",
    ),
    "the shift was shorter": (lambda p: stating(p, durations={"night": 600.0}), "duration"),
    "the shift started at another time": (
        lambda p: asking(p, start="2026-11-22T19:00:00+05:00"),
        "shift",
    ),
    "the shift was for another service": (lambda p: asking(p, service="rescue"), "shift"),
    "the shift was for a car": (lambda p: asking(p, mode="drive"), "shift"),
    "the shift was for another depot": (lambda p: asking(p, depot="gate"), "shift"),
    "the depot stands elsewhere": (lambda p: asking(p, from_node=1), "depot"),
    "the end depot stands elsewhere": (lambda p: asking(p, to_node=1), "depot"),
    "the depot is not among the stops": (
        lambda p: replace(p, stops=p.stops.assign(name="gate")),
        "depot",
    ),
    "the depot's node is another": (
        lambda p: replace(p, stops=p.stops.assign(node_id=1)),
        "depot",
    ),
    "the depot is across town": (
        lambda p: replace(p, stops=p.stops.set_geometry(p.stops.translate(900, 900))),
        "geometry",
    ),
    "a crew has no route": (lambda p: asking(p, crews=2), "crews"),
    "a crew has two numbers": (lambda p: with_routes(p, crew=2), "crews"),
    "a street must not be walked": (
        lambda p: with_segments(p, **change_of(p, "walk", False)),
        "access",
    ),
    "a car is on foot": (lambda p: with_routes(p, mode="drive"), "activity"),
    "a street lies outside the sector": (
        lambda p: asking(p, sector=box(76.0, 43.0, 76.01, 43.01).wkt),
        "sector",
    ),
    "a pass earns too much": (
        lambda p: with_visits(p, prize={0: p.visits["prize"].iloc[0] + 1}),
        "prize",
    ),
    "a pass has another number": (lambda p: with_visits(p, pass_number={0: 2}), "pass"),
    "a repeat is paid": (
        lambda p: with_visits(p, prize=lambda c: c.where(c > 0, 0.5)),
        "prize",
    ),
    "a segment earns where it may not": (
        lambda p: stating(
            with_segments(p, lit="no"), rules={"night": PatrolRules(unlit="avoid").to_dict()}
        ),
        "prize",
    ),
    "repeats were worth something sooner": (
        lambda p: stating(p, rules={"night": {"repeat_share": 0.9, "repeat_after": "1min"}}),
        "prize",
    ),
    "the risk was altered": (
        lambda p: with_segments(p, risk=p.segments["risk"] * 1.1),
        "prize",
    ),
    "a route's prize is another": (
        lambda p: with_routes(p, prize=p.routes["prize"] * 1.001),
        "prize",
    ),
    "the plan's prize is another": (
        lambda p: stating(p, prize=p.provenance.prize * 1.001),
        "prize",
    ),
    "the bound is below the prize": (
        lambda p: stating(p, upper_bound=p.provenance.prize * 0.99),
        "bound",
    ),
    "the bound is no number": (lambda p: stating(p, upper_bound=float("nan")), "bound"),
    "the gap is another": (lambda p: stating(p, gap=p.provenance.gap / 2), "gap"),
    "the total risk is another": (
        lambda p: stating(p, total_risk=p.provenance.total_risk * 2),
        "unserved",
    ),
    "an unserved street is forgotten": (
        lambda p: replace(p, unserved=p.unserved.iloc[1:]),
        "unserved",
    ),
    "an unserved street is passed": (
        lambda p: with_visits(p, segment_id={2: p.unserved.index[0]}),
        "unserved",
    ),
    "an unserved street has another risk": (
        lambda p: replace(p, unserved=p.unserved.assign(risk=p.unserved["risk"] * 2)),
        "unserved",
    ),
    "a street outside the boundary has risk": (
        lambda p: with_segments(p, inside=False),
        "risk",
    ),
    "the line is drawn elsewhere": (
        lambda p: replace(p, routes=p.routes.set_geometry(p.routes.geometry.apply(elsewhere))),
        "geometry",
    ),
    "the line is cut short": (
        lambda p: replace(
            p,
            routes=p.routes.set_geometry(
                [LineString(line.coords[:3]) for line in p.routes.geometry], crs=p.routes.crs
            ),
        ),
        "geometry",
    ),
    "the line is missing": (
        lambda p: replace(p, routes=p.routes.set_geometry([LineString()], crs=p.routes.crs)),
        "geometry",
    ),
    "streets do not meet": (
        lambda p: replace(
            p,
            segments=p.segments.set_geometry(
                [
                    elsewhere(g) if i == first_walked(p) else g
                    for i, g in p.segments.geometry.items()
                ],
                crs=p.segments.crs,
            ),
        ),
        "geometry",
    ),
    "visits belong to no route": (
        lambda p: replace(p, visits=pd.concat([p.visits, p.visits.rename({"night-1": "x"})])),
        "tables",
    ),
    "the clock is of another zone": (lambda p: stating(p, timezone="Asia/Almaty"), "timezone"),
    "a shift is not described": (lambda p: stating(p, shifts={}), "provenance"),
    "rules are missing": (lambda p: stating(p, rules={}), "provenance"),
    "rules are nonsense": (
        lambda p: stating(p, rules={"night": {"speed": -1}}),
        "provenance",
    ),
    "rules are of an unknown kind": (
        lambda p: stating(p, rules={"night": {"shoes": "old"}}),
        "provenance",
    ),
    "shifts are no mapping": (lambda p: stating(p, shifts=None), "provenance"),
    "the sector is no polygon": (lambda p: asking(p, sector="POLYGON ((oops"), "provenance"),
    "the start is no time": (lambda p: asking(p, start="tonight"), "provenance"),
    "the bins are no times": (lambda p: stating(p, bins=("then",)), "provenance"),
    "the bins are empty": (lambda p: stating(p, bins=()), "provenance"),
    "bins have no risk": (
        lambda p: stating(p, bins=(START, "2026-11-22T20:10:00+05:00")),
        "risk",
    ),
    "the prize is a word": (lambda p: stating(p, prize="much"), "prize"),
    "the total is missing": (lambda p: stating(p, total_risk=None), "unserved"),
}


@pytest.fixture(scope="module")
def town() -> StreetNetwork:
    return grid_town(4, 4)


@pytest.fixture(scope="module")
def good(town: StreetNetwork) -> Plan:
    """One crew of 25 minutes: not everything is passed, some of it twice."""
    risk = pd.Series(np.arange(1.0, len(town.segments) + 1), index=town.segments.index)
    shift = shift_at(town, (100.0, 100.0), minutes=25)
    return plan_patrols(town, risk, [shift], stop=MaxIterations(100))


def test_the_plan_that_is_broken_below_is_good(good: Plan, town: StreetNetwork) -> None:
    assert_good(good, town)
    assert len(good.unserved) > 1
    assert (good.visits["prize"] == 0).any()


@pytest.mark.parametrize("breach", BREAKS)
def test_a_breach_is_named(good: Plan, breach: str) -> None:
    break_it, rule = BREAKS[breach]
    assert rule in rules_broken(break_it(good)), breach


@pytest.mark.parametrize(
    ("field", "value"), [("lit", "no"), ("length", 99.5), ("name", "Abay"), ("highway", "path")]
)
def test_a_segment_unlike_the_streets_is_named(
    good: Plan, town: StreetNetwork, field: str, value: Any
) -> None:
    forged = with_segments(good, **change_of(good, field, value))
    breaches = check_plan(forged, town)
    said = breaches.loc[breaches["rule"] == "streets", "what"].tolist()
    assert said == [f"segment {first_walked(good)}: {field} differs from the streets"]


def test_a_segment_that_the_streets_lack_is_named(good: Plan, town: StreetNetwork) -> None:
    forged = replace(good, segments=good.segments.rename(index={"h-0-0": "h-9-9"}))
    assert "segment h-9-9 is not in the streets" in set(check_plan(forged, town)["what"])


def test_a_depot_away_from_its_node_is_named(good: Plan, town: StreetNetwork) -> None:
    moved = replace(good, stops=good.stops.set_geometry(good.stops.translate(900, 0)))
    assert "depot post is far from its node" in set(check_plan(moved, town)["what"])
    unknown = replace(good, stops=good.stops.assign(node_id=99))
    assert "streets" in rules_broken(unknown, town)


def test_a_plan_of_other_streets_is_refused(good: Plan) -> None:
    with pytest.raises(NetworkMismatchError, match="check it against its own network"):
        check_plan(good, grid_town(3, 4))


def test_risk_forged_with_all_its_prizes_is_caught_by_the_risk_it_was_made_from(
    town: StreetNetwork,
) -> None:
    risk = flat_risk(town)
    forged = plan_patrols(town, risk * 2, [shift_at(town, minutes=20)], stop=MaxIterations(20))
    assert check_plan(forged, town).empty  # it agrees with itself
    assert set(check_plan(forged, town, risk=risk)["rule"]) == {"risk"}


def test_bins_forged_against_each_other_are_caught(town: StreetNetwork) -> None:
    starts = pd.to_datetime([START, "2026-11-22 20:10+05:00"])
    risk = pd.DataFrame(1.0, index=town.segments.index, columns=starts)
    plan = plan_patrols(town, risk, [shift_at(town, minutes=20)], stop=MaxIterations(20))
    assert_good(plan, town, risk)
    swapped = with_segments(plan, risk_bin_0=2.0, risk_bin_1=0.0)
    assert "prize" in rules_broken(swapped)
    assert "risk" in set(check_plan(swapped, risk=risk)["rule"])
    assert "risk" in rules_broken(with_segments(plan, risk_bin_0=2.0))


def test_a_negative_or_missing_length_is_refused_before_it_can_be_checked(good: Plan) -> None:
    for value in (-1.0, float("nan")):
        with pytest.raises(SchemaError, match="length"):
            with_visits(good, length={0: value})


def test_two_routes_with_the_same_walk_share_its_prize(town: StreetNetwork, good: Plan) -> None:
    names = {"night-1": "night-2"}
    twice = replace(
        asking(good, crews=2),
        routes=pd.concat([good.routes, good.routes.rename(names).assign(crew=2)]),
        visits=pd.concat([good.visits, good.visits.rename(names)]),
    )
    assert {"prize", "pass"} <= rules_broken(twice, town)


def test_standing_earns_nothing_and_goes_nowhere() -> None:
    place = row_town(3)
    stands = make_plan(place, {"night-1": [1, 2, 1]}, dwell={"night-1": {1: 600.0}})
    shift = {
        "start": stands.routes["start"].iloc[0].isoformat(),
        "mode": "walk",
        "crews": 1,
        "service": "police",
        "depot": "Depot",
        "end_depot": "Depot",
        "from_node": 1,
        "to_node": 1,
        "sector": None,
    }
    stands = stating(
        stands,
        shifts={"night": shift},
        timezone="UTC+05:00",
        upper_bound=3.0,
        gap=(3.0 - stands.provenance.prize) / 3.0,
    )
    assert check_plan(stands, place).empty
    at = stands.visits["activity"].tolist().index("dwell")
    assert "prize" in rules_broken(with_visits(stands, prize={at: 1.0}))
    assert "segment" in rules_broken(with_visits(stands, to_node={at: 3}))
    assert "segment" in rules_broken(with_visits(stands, activity={at: "walk"}))


def test_the_checker_uses_nothing_of_the_solver() -> None:
    solver = ("problem", "candidates", "search", "walks", "bound", "tables", "solve", "arcs")
    for module in (check, check_stated, check_risk):
        imports = [line for line in inspect.getsource(module).splitlines() if "import" in line]
        assert not [line for line in imports for name in solver if f"patrol.{name} " in line]
        assert not [line for line in imports if "_kernels" in line]


NUMBERS = st.sampled_from([0.0, -1.0, 1e300, float("inf")])


@pytest.fixture(scope="module")
def small() -> Plan:
    place = row_town(2)
    shift = shift_at(place, rules=ONE_PASS)
    return plan_patrols(place, flat_risk(place), [shift], stop=MaxIterations(2))


@settings(deadline=None, max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(st.data())
def test_the_checker_never_crashes_on_a_scrambled_plan(small: Plan, data: st.DataObject) -> None:
    tables = {}
    for name in ("routes", "visits", "segments", "unserved", "stops"):
        table = getattr(small, name)
        if data.draw(st.booleans()) and len(table):
            rows = data.draw(st.lists(st.integers(0, len(table) - 1), max_size=4, unique=True))
            table = table.iloc[rows]
        for column in table.select_dtypes("number"):
            if data.draw(st.integers(0, 5)) == 0:
                value = data.draw(NUMBERS)
                whole = pd.api.types.is_integer_dtype(table[column].dtype)
                table = table.assign(**{column: 7 if whole else value})
        tables[name] = table
    try:
        broken = replace(small, **tables)
    except SchemaError:
        return
    breaches = check_plan(broken)
    assert breaches.columns.tolist() == ["route_id", "step", "rule", "what"]
