"""Crews by car get out for 15 to 30 minutes, walk a loop near the car, and drive on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

import patrolmap as pm
from crews import START, assert_good, depot_at, flat_risk, shift_at
from exact_excursions import best_by_car
from patrolmap.errors import DepotError, InfeasibleError, OptionError
from patrolmap.patrol import (
    MaxIterations,
    MaxRuntime,
    PatrolRules,
    Plan,
    Shift,
    check_plan,
    plan_patrols,
)
from patrolmap.patrol.bound import bound_of
from patrolmap.patrol.excursions import with_trips
from patrolmap.patrol.mend import mend_orders
from patrolmap.patrol.problem import build_problem
from patrolmap.streets import StreetNetwork, read_streets
from shared import shared_file
from towns import Corner, grid_town, lonlat, town

STOP = MaxIterations(40)
CAR = PatrolRules.preset("car")
ONCE = replace(CAR, repeat_share=0.0)
MINUTE = pd.Timedelta(minutes=1)


def with_paths(
    driven: dict[str, list[Corner]], walked: dict[str, list[Corner]], **columns: Any
) -> StreetNetwork:
    """Build a town of streets for cars and ways that are only walked."""
    foot = dict.fromkeys(walked, False)
    return town(
        driven | walked, drive_forward=foot, drive_backward=foot,
        highway=dict.fromkeys(walked, "footway"), **columns,
    )  # fmt: skip


PARK = with_paths(
    {"r0": [(0, 0), (300, 0)], "r1": [(300, 0), (600, 0)], "r2": [(600, 0), (900, 0)]},
    {
        "p0": [(300, 0), (300, 100)], "p1": [(300, 100), (400, 150)], "p2": [(400, 150), (300, 0)],
        "p3": [(300, 100), (300, 260)], "p4": [(300, 260), (300, 400)],
    },
    area=dict.fromkeys(("p0", "p1", "p2", "p3", "p4"), "park"),
)  # fmt: skip
TOWNS = {
    "park": PARK,
    "two squares": with_paths(
        {"a": [(0, 0), (200, 0)], "b": [(200, 0), (500, 50)], "c": [(500, 50), (200, 0.001)]},
        {
            "s0": [(200, 0), (250, 90)], "s1": [(250, 90), (180, 120)],
            "s2": [(180, 120), (200, 0)],
            "q0": [(500, 50), (590, 90)], "q1": [(590, 90), (590, 90.5), (500, 50)],
        },
    ),
    "yard": with_paths(
        {"main": [(0, 0), (150, 0)], "on": [(150, 0), (320, 0)]},
        {
            "cut": [(0, 0), (90, 140)], "way": [(90, 140), (150, 0)],
            "deep": [(90, 140), (90, 240)], "far": [(320, 0), (320, 330)],
        },
    ),
}  # fmt: skip


def seeded_risk(place: StreetNetwork, seed: int) -> pd.Series:
    values = np.random.default_rng(seed).pareto(1.5, len(place.segments)) + 0.05
    return pd.Series(values, index=place.segments.index)


def by_car(place: StreetNetwork, minutes: float, **options: Any) -> Shift:
    return shift_at(place, **({"minutes": minutes, "mode": "drive"} | options))


def on_foot(plan: Plan) -> set[str]:
    return set(plan.visits["segment_id"][plan.visits["activity"] == "walk"])


def park_plan(minutes: float = 25, **rules: Any) -> Plan:
    shift = by_car(PARK, minutes, rules=replace(CAR, **rules))
    plan = plan_patrols(PARK, flat_risk(PARK), [shift], stop=STOP)
    assert_good(plan, PARK, flat_risk(PARK))
    return plan


# ---- what crews do


def test_a_crew_parks_walks_through_the_park_waits_at_its_car_and_drives_on() -> None:
    plan = park_plan()
    visits = plan.visits.reset_index()
    told = visits["activity"].to_list()
    first, last = told.index("walk"), len(told) - 1 - told[::-1].index("walk")
    assert set(told[first : last + 1]) == {"walk"}
    assert told[last + 1] == "wait"
    assert visits["from_node"][first] == visits["to_node"][last] == visits["to_node"][last + 1]
    assert {told[0], told[-1]} == {"drive"}
    stop = visits["depart"][last + 1] - visits["arrive"][first]
    assert stop == 15 * MINUTE
    assert on_foot(plan) == {"p0", "p1", "p2", "p3"}
    assert plan.provenance.prize == 7.0 == plan.provenance.upper_bound
    assert plan.unserved["why"].to_dict() == {"p4": "out of reach"}  # 400 m from any street


def test_a_loop_of_over_a_quarter_of_an_hour_takes_its_time_and_at_most_half_an_hour() -> None:
    spokes = {f"p{i}": [(0.0, 0.0), (280 * np.cos(i), 280 * np.sin(i))] for i in range(4)}
    place = with_paths({"r0": [(0.0, 0.0), (-200.0, 0.0)]}, spokes)
    risk = flat_risk(place)
    rules = replace(ONCE, car_stop=("16min", "30min"))
    plan = plan_patrols(place, risk, [by_car(place, 35, rules=rules)], stop=STOP)
    assert_good(plan, place, risk)
    assert len(on_foot(plan)) == 3  # 1,680 m; a fourth spoke would be 2,240 m, half an hour
    walked = plan.visits[plan.visits["activity"] == "walk"]
    assert walked["depart"].max() - walked["arrive"].min() == pd.Timedelta(seconds=6 * 280 / 1.25)
    rest = plan.visits[plan.visits["activity"] == "wait"]
    assert (rest["depart"] - rest["arrive"]).item() == MINUTE


def test_who_may_not_get_out_or_has_no_time_to_stays_in_the_car() -> None:
    assert on_foot(park_plan(excursion=None)) == set()
    assert on_foot(park_plan(minutes=15)) == set()
    assert on_foot(park_plan(excursion=99.0)) == set()
    assert on_foot(park_plan(excursion=155.0)) == {"p0"}
    assert on_foot(park_plan(excursion=195.0)) == {"p0", "p2"}  # 196 m to the middle of p1
    assert on_foot(park_plan(excursion=197.0)) == {"p0", "p1", "p2"}


@pytest.mark.parametrize("preset", ["foot_day", "foot_night", "kz_order_164"])
def test_crews_on_foot_walk_as_they_did(preset: str) -> None:
    rules = PatrolRules.preset(preset)
    risk = seeded_risk(PARK, 3)
    plans = [
        plan_patrols(PARK, risk, [shift_at(PARK, minutes=40, rules=r)], stop=STOP)
        for r in (rules, replace(rules, excursion=None), replace(rules, excursion=50.0))
    ]
    for other in plans[1:]:
        pd.testing.assert_frame_equal(plans[0].visits, other.visits)
        assert other.provenance.upper_bound == plans[0].provenance.upper_bound


def test_presets_follow_the_order() -> None:
    for name in ("car", "kz_order_164"):
        rules = PatrolRules.preset(name)
        assert (rules.excursion, rules.stop_seconds) == (300.0, (900.0, 1800.0))
    assert CAR.foot_speed == PatrolRules.preset("foot_day").speed
    assert PatrolRules.preset("foot_day").excursion is None
    assert PatrolRules(**CAR.to_dict()) == CAR


def test_what_a_crew_on_foot_has_passed_is_not_paid_twice() -> None:
    foot = Shift(depot=depot_at(PARK, (300.0, 0.0), name="gate"), start=START, duration="60min",
                 name="foot", rules=PatrolRules(repeat_share=0.0))  # fmt: skip
    car = by_car(PARK, 40, name="car", rules=ONCE)
    plan = plan_patrols(PARK, flat_risk(PARK), [foot, car], stop=STOP)
    assert_good(plan, PARK, flat_risk(PARK))
    assert plan.provenance.prize == 8.0  # every street once: p4 is for the crew on foot


def test_cars_leave_to_crews_on_foot_what_those_have_time_for() -> None:
    risk = flat_risk(PARK)
    risk["r2"] = 2.0
    foot = shift_at(PARK, (300, 0), minutes=60, name="foot", rules=PatrolRules(repeat_share=0.0))
    prizes = []
    for rules in (ONCE, replace(ONCE, excursion=None)):
        car = shift_at(PARK, (300, 0), minutes=20, mode="drive", name="car", rules=rules)
        shifts = [foot, car]
        plan = plan_patrols(PARK, risk, shifts, stop=STOP)
        assert_good(plan, PARK, risk)
        prizes.append(plan.provenance.prize)
    assert prizes[0] == prizes[1]


def test_services_whose_rules_differ_elsewhere_share_the_stops() -> None:
    place, risk = TOWNS["two squares"], flat_risk(TOWNS["two squares"])
    prizes = []
    for lengths in (("2min", "2min"), ("2min", "3min")):
        cars = [
            by_car(place, 20, name=f"car {n}", rules=replace(ONCE, report_length=length))
            for n, length in enumerate(lengths)
        ]
        prizes.append(plan_patrols(place, risk, cars, stop=STOP).provenance.prize)
    assert prizes[0] == prizes[1] == 8.0


def test_what_no_stop_has_time_for_does_not_hide_what_others_do() -> None:
    place = with_paths(
        {"r0": [(0, 0), (300, 0)], "r1": [(300, 0), (310, 0)], "r2": [(310, 0), (320, 0)],
         "r3": [(320, 0), (330, 0)], "r4": [(330, 0), (340, 0)], "r5": [(340, 0), (350, 0)]},
        {"near": [(0, 0), (0, 40)], "far": [(320, 285), (320, 290)],
         **{f"w{n}": [(300 + 10 * n, 0), (320, 285)] for n in range(5)}},
    )  # fmt: skip
    risk = flat_risk(place, 0.0)
    risk["near"], risk["far"] = 1.0, 10.0
    rules = replace(ONCE, car_stop=("2min", "5min"))
    plan = plan_patrols(place, risk, [by_car(place, 20, rules=rules)], stop=STOP)
    assert on_foot(plan) == {"near"}


def test_an_excursion_earns_the_risk_of_the_hour_it_is_walked_in() -> None:
    starts = pd.to_datetime([START, "2026-11-22 20:30+05:00"])
    risk = pd.DataFrame({starts[0]: flat_risk(PARK, 0.0), starts[1]: flat_risk(PARK, 1.0)})
    risk.loc[["r0", "r1", "r2"], starts[0]] = 3.0
    plan = plan_patrols(PARK, risk, [by_car(PARK, 120, rules=ONCE)], stop=MaxIterations(300))
    assert_good(plan, PARK, risk)
    paid = plan.visits[(plan.visits["activity"] == "walk") & (plan.visits["prize"] > 0)]
    assert (paid["arrive"] >= starts[1]).all()


def test_a_stop_is_also_a_stay_of_a_quarter_of_an_hour() -> None:
    plan = park_plan(minutes=60, dwell="20min")
    assert {"dwell", "walk", "drive"} <= set(plan.visits["activity"])
    with pytest.raises(OptionError, match=r"dwell='10min'.* car_stop=\('15min', '30min'\)"):
        park_plan(dwell="10min")


def test_of_many_corners_those_in_the_midst_of_the_risk_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    squares = {f"q{i}": [(i * 400.0, 0.0), (i * 400.0 + 50, 80.0), (i * 400.0 - 50, 80.0),
                         (i * 400.0, 0.0)] for i in range(5)}  # fmt: skip
    road = {f"r{i}": [(i * 400.0, 0.0), (i * 400.0 + 400, 0.0)] for i in range(5)}
    place = with_paths(road, squares)
    risk = flat_risk(place) + pd.Series({"q3": 9.0}).reindex(place.segments.index, fill_value=0.0)
    monkeypatch.setattr("patrolmap.patrol.excursions.MOST_PARKED", 1)
    plan = plan_patrols(place, risk, [by_car(place, 60, rules=ONCE)], stop=STOP)
    assert_good(plan, place, risk)
    assert on_foot(plan) == {"q3"}


def test_an_excursion_stays_in_its_sector_and_out_of_closed_places() -> None:
    west, south = lonlat(PARK, (-50.0, -50.0))
    east, north = lonlat(PARK, (950.0, 205.0))
    shift = by_car(PARK, 40, rules=CAR, sector=box(west, south, east, north))
    plan = plan_patrols(PARK, flat_risk(PARK), [shift], stop=STOP)
    assert_good(plan, PARK)
    assert on_foot(plan) == {"p0", "p1", "p2"}
    area = box(*lonlat(PARK, (340.0, 110.0)), *lonlat(PARK, (420.0, 160.0)))
    assert on_foot(park_plan(no_go=area)) == {"p0", "p3"}
    assert on_foot(park_plan(no_parks_after="19:00")) == set()
    assert on_foot(park_plan(minutes=60, no_parks_after="20:25")) == {"p0", "p1", "p2", "p3"}


@pytest.mark.parametrize(("closes", "kept"), [("20:03", 0), ("20:25", 1)])
def test_an_excursion_is_dropped_where_the_park_would_close_on_it(closes: str, kept: int) -> None:
    shift = by_car(PARK, 40, rules=replace(CAR, no_parks_after=closes))
    problem = with_trips(build_problem(PARK, flat_risk(PARK), [shift], None))
    first = len(PARK.segments) + len(problem.standing.spot)
    order = [(first, True)]  # no way of the drive is in a park
    (mended,) = mend_orders(problem, [order])
    assert [entry for entry in mended if entry[0] >= first] == order[:kept]


def test_two_crews_meet_on_foot_at_one_square_and_keep_their_distance_by_car() -> None:
    rules = replace(ONCE, crew_distance=150.0)
    shift = by_car(PARK, 40, rules=rules, crews=2)
    foot = Shift(depot=depot_at(PARK, (300.0, 0.0), name="gate"), start=START, duration="60min",
                 name="foot", rules=PatrolRules(repeat_share=0.0, crew_distance=150.0))  # fmt: skip
    plan = plan_patrols(PARK, flat_risk(PARK), [shift, foot], stop=STOP)
    assert_good(plan, PARK, flat_risk(PARK))


def test_relaxing_a_demand_leaves_the_excursions_as_they_are() -> None:
    point = depot_at(PARK, (300.0, 400.0), name="deep in the park")
    rules = replace(CAR, break_length="5min", break_at=point)
    shift = by_car(PARK, 40, rules=rules)
    with pytest.raises(DepotError, match=r"break_length: .* 400 m from the nearest street"):
        plan_patrols(PARK, flat_risk(PARK), [shift], stop=STOP)
    plan = plan_patrols(PARK, flat_risk(PARK), [shift], stop=STOP, relax=True)
    assert_good(plan, PARK, flat_risk(PARK))
    assert any("relaxed break" in note for note in plan.provenance.notes)
    assert on_foot(plan) == {"p0", "p1", "p2", "p3"}
    tight = pm.tighten_bound(plan, PARK, flat_risk(PARK), [shift], seconds=1)
    assert plan.provenance.prize <= tight.provenance.upper_bound <= plan.provenance.upper_bound


# ---- never more than the bound, nearly the best


@pytest.mark.parametrize("minutes", [17, 24, 37])
@pytest.mark.parametrize("name", TOWNS)
def test_a_crew_with_excursions_does_nearly_as_well_as_can_be(name: str, minutes: int) -> None:
    place = TOWNS[name]
    risk = seeded_risk(place, seed=minutes)
    shift = by_car(place, minutes, rules=ONCE)
    optimum = best_by_car(place, risk, shift)
    plan = plan_patrols(place, risk, [shift], stop=STOP)
    assert_good(plan, place, risk)
    assert plan.provenance.upper_bound >= optimum * (1 - 1e-9)
    assert 0.9 * optimum <= plan.provenance.prize <= optimum * (1 + 1e-9)


@st.composite
def mixed_towns(draw: st.DrawFn) -> tuple[StreetNetwork, pd.Series]:
    """A few streets between some corners, some of them one-way, some only walked."""
    corner = st.tuples(st.sampled_from([0.0, 90.0, 170.0]), st.sampled_from([0.0, 110.0]))
    lines = draw(st.lists(st.tuples(corner, corner), min_size=2, max_size=6))
    streets = {}
    for i, (a, b) in enumerate(lines):
        middle = ((a[0] + b[0]) / 2 + 15.0 * (i + 1), (a[1] + b[1]) / 2 + 10.0 * (i + 1))
        streets[f"s{i}"] = [a, middle, b] if a != b else [a, middle, (a[0] - 9.0, a[1] + 20 + i), b]
    kinds = {i: draw(st.sampled_from(["both", "one-way", "foot", "foot", "car"])) for i in streets}
    place = town(
        streets,
        walk={i: kind != "car" for i, kind in kinds.items()},
        drive_forward={i: kind != "foot" for i, kind in kinds.items()},
        drive_backward={i: kind in ("both", "car") for i, kind in kinds.items()},
        highway={i: "footway" if kind == "foot" else "residential" for i, kind in kinds.items()},
        lit={i: draw(st.sampled_from(["yes", "no"])) for i in kinds},
        area={i: draw(st.sampled_from([None, "park"])) for i in kinds},
    )
    return place, pd.Series({i: draw(st.sampled_from([0.0, 1.0, 7.0])) for i in kinds})


@settings(deadline=None, max_examples=10)
@given(mixed_towns(), st.sampled_from([3, 6]), st.sampled_from([60.0, 120.0, 300.0]),
       st.sampled_from([1.5, 5.5]))  # fmt: skip
def test_no_crew_with_excursions_beats_the_bound(
    drawn: tuple[StreetNetwork, pd.Series], minutes: int, metres: float, speed: float
) -> None:
    place, risk = drawn
    rules = replace(ONCE, speed=speed, excursion=metres, car_stop=("2min", "5min"))
    shift = by_car(place, minutes, rules=rules)
    try:
        problem = build_problem(place, risk, [shift], None)
    except (InfeasibleError, DepotError):
        return
    best = best_by_car(place, risk, shift)
    for effort in ("fast", "tight"):
        assert bound_of(problem, effort=effort) >= best * (1 - 1e-12)


@st.composite
def car_rules(draw: st.DrawFn) -> PatrolRules:
    def one(*values: Any) -> Any:
        return draw(st.sampled_from(values))

    return PatrolRules(
        speed=one(2.0, 5.5),
        excursion=one(80.0, 200.0, 300.0),
        car_stop=one(("3min", "6min"), ("5min", "10min")),
        foot_speed=one(1.0, 1.25),
        repeat_share=one(0.0, 0.5),
        repeat_after="5min",
        briefing=one(None, "2min"),
        handover=one(None, "2min"),
        break_length=one(None, "3min"),
        break_window=(0.2, 0.7),
        report_every=one(None, "7min", "10min"),
        report_length="1min",
        dwell=one(None, "5min"),
        dwell_after="5min",
        unlit=one("allow", "avoid", "slow", "forbid"),
        no_parks_after=one(None, "20:15"),
        parks_open=one("06:00", "20:25"),
        turn_cost=one(0, 10),
        u_turn_cost=one(0, 30),
        corner_passes=one(None, None, 6),
        crew_distance=one(0, 0, 60),
    )


@settings(deadline=None, max_examples=10)
@given(mixed_towns(), st.lists(car_rules(), min_size=1, max_size=2), st.sampled_from([12, 33]),
       st.integers(1, 2), st.booleans())  # fmt: skip
def test_every_plan_with_excursions_keeps_its_rules_or_the_refusal_names_one(
    drawn: tuple[StreetNetwork, pd.Series], rules: list[PatrolRules], minutes: int, crews: int,
    walkers: bool,
) -> None:  # fmt: skip
    place, risk = drawn
    shifts = [by_car(place, minutes, rules=r, crews=crews, name=f"car{i}")
              for i, r in enumerate(rules)]  # fmt: skip
    if walkers:
        shifts.append(shift_at(place, minutes=minutes, name="foot"))
    try:
        plan = plan_patrols(place, risk, shifts, stop=MaxIterations(15))
    except (InfeasibleError, DepotError):
        return
    assert_good(plan, place, risk)


# ---- what the checker finds


@pytest.fixture(scope="module")
def plan() -> Plan:
    return park_plan(minutes=40, handover="2min", dwell="15min")


def stop_rows(plan: Plan) -> tuple[int, int]:
    """Return the rows of the first step on foot and of the wait at the car."""
    told = plan.visits["activity"].tolist()
    first = told.index("walk")
    return first, told.index("wait", first)


def edited(plan: Plan, row: int, **changes: Any) -> Plan:
    visits = plan.visits.copy()
    for name, change in changes.items():
        column = visits[name].copy()
        column.iloc[row] = change(column.iloc[row]) if callable(change) else change
        visits[name] = column
    return replace(plan, visits=visits)


def longer(plan: Plan, minutes: float) -> Plan:
    """Move all that comes after the wait at the car, and let that take more or less time."""
    row, more = stop_rows(plan)[1], minutes * MINUTE
    visits = plan.visits.copy()
    for name, first in (("depart", row), ("arrive", row + 1)):
        column = visits[name].copy()
        column.iloc[first:] = column.iloc[first:] + more
        visits[name] = column
    return replace(plan, visits=visits)


def ruling(plan: Plan, **fields: Any) -> Plan:
    told = plan.provenance
    rules = {name: values | fields for name, values in told.rules.items()}
    return replace(plan, provenance=replace(told, rules=rules))


def without(plan: Plan, row: int) -> Plan:
    return replace(plan, visits=plan.visits.drop(plan.visits.index[row]))


def barred(plan: Plan, segment_id: str) -> Plan:
    segments = plan.segments.copy()
    segments.loc[segment_id, "walk"] = False
    return replace(plan, segments=segments)


BREACHES: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "its rules keep it in the car": (lambda p: ruling(p, excursion=None), "activity"),
    "it goes too far from the car": (lambda p: ruling(p, excursion=200.0), "excursion"),
    "it comes back elsewhere": (lambda p: without(p, stop_rows(p)[1] - 1), "excursion"),
    "it leaves from elsewhere": (lambda p: without(p, stop_rows(p)[0]), "excursion"),
    "it leaves where the car is not": (
        lambda p: edited(p, stop_rows(p)[0], from_node=8), "connected",
    ),
    "it waits where the car is not": (
        lambda p: edited(p, stop_rows(p)[1], from_node=8, to_node=8), "excursion",
    ),
    "the car stands too short": (lambda p: longer(p, -1), "car_stop"),
    "the car stands too long": (lambda p: longer(p, 16), "car_stop"),
    "nobody comes to the car": (lambda p: without(p, stop_rows(p)[1]), "car_stop"),
    "no minute is left at the car": (
        lambda p: ruling(longer(p, -5.3), car_stop=["5min", "30min"]), "car_stop",
    ),
    "it walks too fast": (lambda p: ruling(p, foot_speed=1.0), "speed"),
    "it walks where nobody may": (lambda p: barred(p, "p1"), "access"),
    "it drives where only people walk": (
        lambda p: edited(p, stop_rows(p)[0], activity="drive"), "access",
    ),
    "a pass on foot earns too much": (
        lambda p: edited(p, stop_rows(p)[0], prize=lambda prize: prize + 1), "prize",
    ),
    "a stay by car is too short": (lambda p: ruling(p, car_stop=["16min", "30min"]), "car_stop"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_of_an_excursion_is_named(name: str, plan: Plan) -> None:
    broken, rule = BREACHES[name]
    assert rule in set(check_plan(broken(plan))["rule"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"excursion": 0}, "excursion=0; wanted metres, up to 1000, or None"),
        ({"excursion": 5000.0}, "excursion=5000.0; wanted metres"),
        ({"excursion": "far"}, "excursion='far'"),
        ({"foot_speed": 9}, "foot_speed=9; wanted metres per second"),
        ({"car_stop": "15min"}, "car_stop='15min'; wanted two durations"),
        ({"car_stop": ("30min", "15min")}, "car_stop=.*wanted the least time first"),
        ({"car_stop": ("10s", "30s")}, "car_stop=.*over a minute"),
        ({"car_stop": (900, 1800)}, "car_stop=900"),
    ],
)
def test_a_stop_that_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        PatrolRules(**options)


# ---- what is shown and kept


def test_a_walk_on_no_street_is_a_breach(plan: Plan) -> None:
    last = len(plan.visits) - 1
    wrong = edited(plan, last, activity="walk", segment_id=pd.NA)
    assert not check_plan(wrong).empty


def test_a_plan_with_excursions_comes_back_from_its_file(plan: Plan, tmp_path: Path) -> None:
    again = Plan.read(plan.to_file(tmp_path / "plan.gpkg"))
    assert check_plan(again).empty
    assert again.provenance.rules == plan.provenance.rules
    pd.testing.assert_frame_equal(again.visits, plan.visits)


def test_cards_tracks_and_map_say_where_to_park_and_walk(plan: Plan, tmp_path: Path) -> None:
    pm.write_cards(plan, tmp_path / "cards.html")
    html = (tmp_path / "cards.html").read_text("utf-8")
    assert "Park. On foot: " in html
    assert "wait: at the car" in html
    pm.write_cards(plan, tmp_path / "ru.html", lang="ru")
    assert "Парковка. Пешком: " in (tmp_path / "ru.html").read_text("utf-8")
    (track,) = pm.write_gpx(plan, tmp_path / "gpx", lang="kk")
    assert "Тұрақ. Жаяу: " in track.read_text("utf-8")
    page = tmp_path / "map.html"
    pm.explore(PARK, plan=plan).save(page)
    assert "Park. On foot: " in page.read_text("utf-8")


def test_a_tightened_bound_still_holds_for_excursions(plan: Plan) -> None:
    shift = by_car(PARK, 40, rules=replace(CAR, handover="2min", dwell="15min"))
    tight = pm.tighten_bound(plan, PARK, flat_risk(PARK), [shift], seconds=2)
    assert plan.provenance.prize <= tight.provenance.upper_bound <= plan.provenance.upper_bound


def test_today_s_drives_are_scored_without_excursions(tmp_path: Path) -> None:
    shift = by_car(PARK, 30, rules=replace(CAR, excursion=None))
    drawn = plan_patrols(PARK, flat_risk(PARK), [shift], stop=STOP)
    tracks = pm.write_gpx(drawn, tmp_path)
    scored = pm.score_routes(tracks, PARK, flat_risk(PARK), [by_car(PARK, 30, rules=CAR)])
    assert check_plan(scored, PARK, risk=flat_risk(PARK)).empty
    assert scored.provenance.upper_bound >= 7.0  # what a plan with an excursion collects


@pytest.mark.shared
def test_helsinki_s_parks_are_worth_getting_out_for() -> None:
    streets = read_streets(shared_file("helsinki/helsinki.osm.pbf"))
    rng = np.random.default_rng(1)
    metres = streets.segments["length"].to_numpy()
    risk = pd.Series(rng.gamma(0.3, metres), index=streets.segments.index)
    depot = pm.Depot("post", lon=24.945, lat=60.171)
    shift = Shift(depot=depot, start="2026-11-22 20:00+02:00", duration="1h", mode="drive", crews=2)
    found = [
        plan_patrols(streets, risk, [shift], rules=rules, stop=MaxIterations(20) | MaxRuntime(4))
        for rules in (CAR, replace(CAR, excursion=None))
    ]
    assert check_plan(found[0], streets, risk=risk).empty
    assert found[0].provenance.prize >= 1.1 * found[1].provenance.prize
    assert len(on_foot(found[0])) > 50


def test_a_grid_of_streets_for_cars_is_driven_as_it_was() -> None:
    place = grid_town(5, 5)
    risk = seeded_risk(place, 1)
    shifts = [by_car(place, 60, rules=r) for r in (CAR, replace(CAR, excursion=None))]
    one, other = (plan_patrols(place, risk, [shift], stop=STOP) for shift in shifts)
    pd.testing.assert_frame_equal(one.visits, other.visits)
