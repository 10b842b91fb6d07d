"""What a user gets from `plan_patrols` on small towns."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from shapely.geometry import box

from crews import ONE_PASS, START, assert_good, depot_at, flat_risk, shift_at, steps
from patrolmap.patrol import (
    MaxIterations,
    MaxRuntime,
    PatrolRules,
    Plan,
    Shift,
    plan_patrols,
)
from patrolmap.streets import StreetNetwork
from towns import grid_town, lonlat, loop_town, row_town, star_town, town

STOP = MaxIterations(60)
TABLES = ("routes", "visits", "segments", "stops", "unserved")


def test_each_crew_walks_from_its_depot_and_is_back_in_time(
    grid: StreetNetwork, grid_risk: pd.Series, night_plan: Plan
) -> None:
    assert_good(night_plan, grid, grid_risk)
    routes = night_plan.routes
    assert routes.index.tolist() == ["night-1", "night-2", "across-1"]
    assert routes["duration"].tolist() <= [2400.0, 2400.0, 1800.0]
    for route_id, route in routes.iterrows():
        visits = night_plan.visits.loc[route_id]
        nodes = [visits["from_node"].iloc[0], *visits["to_node"]]
        assert visits["from_node"].tolist() == nodes[:-1]
        first = night_plan.stops.set_index("name")["node_id"]
        assert (nodes[0], nodes[-1]) == (first[route["depot"]], first[route["end_depot"]])
    assert routes.loc["across-1", ["end_depot", "service"]].tolist() == ["gate", "national_guard"]
    assert night_plan.provenance.prize > 0.3 * night_plan.provenance.total_risk


def same_plan(a: Plan, b: Plan) -> bool:
    try:
        for name in TABLES:
            assert_frame_equal(getattr(a, name), getattr(b, name))
    except AssertionError:
        return False
    first, second = vars(a.provenance).copy(), vars(b.provenance).copy()
    del first["runtime"], second["runtime"]
    return first == second


def test_the_same_seed_and_iterations_give_the_same_plan_in_every_table(
    grid: StreetNetwork, grid_risk: pd.Series
) -> None:
    shift = shift_at(grid, (200.0, 200.0), minutes=50, crews=2)

    def plan(seed: int) -> Plan:
        return plan_patrols(grid, grid_risk, [shift], stop=MaxIterations(150), seed=seed)

    once = plan(1)
    np.empty(100_000).fill(7.0)  # other memory in between must change nothing
    assert same_plan(once, plan(1))
    assert any(not same_plan(once, plan(seed)) for seed in range(2, 6))


def test_inputs_are_left_as_they_were(grid: StreetNetwork, grid_risk: pd.Series) -> None:
    streets, risk = grid.segments.copy(), grid_risk.copy()
    plan_patrols(grid, grid_risk, [shift_at(grid)], stop=STOP)
    assert_frame_equal(grid.segments, streets)
    pd.testing.assert_series_equal(grid_risk, risk)


def test_a_pass_earns_from_the_time_bin_it_begins_in() -> None:
    place = grid_town(3, 3)
    day, night = pd.to_datetime([START, "2026-11-22 20:06+05:00"])
    risk = pd.DataFrame({day: flat_risk(place), night: flat_risk(place, 0.0)})
    risk.loc["h-0-0", night] = 10.0
    shift = shift_at(place, minutes=12, rules=ONE_PASS)
    plan = plan_patrols(place, risk, [shift], stop=STOP)
    assert_good(plan, place, risk)
    (late,) = plan.visits[plan.visits["prize"] == 10].itertuples()
    assert (late.segment_id, late.pass_number) == ("h-0-0", 1)
    assert late.arrive >= night
    assert plan.visits.loc[plan.visits["arrive"] < night, "prize"].max() == 1
    assert plan.segments.loc["h-0-0", ["risk", "risk_bin_0", "risk_bin_1"]].tolist() == [11, 1, 10]


def test_a_bin_before_the_shift_is_over_when_the_crew_leaves() -> None:
    place = row_town(1)
    before, during = pd.to_datetime(["2026-11-22 08:00+05:00", START])
    risk = pd.DataFrame({before: [100.0], during: [1.0]}, index=place.segments.index)
    plan = plan_patrols(place, risk, [shift_at(place, rules=ONE_PASS)], stop=STOP)
    assert_good(plan, place, risk)
    assert plan.provenance.prize == 1.0
    assert plan.provenance.upper_bound == pytest.approx(1.0)


def test_nobody_is_sent_down_an_unlit_street_at_night() -> None:
    place = star_town(4, 200.0)
    dark = town_with(place, lit={"a0": "no", "a1": "yes"})
    rules = PatrolRules.preset("foot_night")
    plan = plan_patrols(dark, flat_risk(dark), [shift_at(dark, rules=rules)], stop=STOP)
    assert_good(plan, dark)
    assert set(steps(plan)) == {"a1", "a2", "a3"}
    assert plan.unserved["why"].to_dict() == {"a0": "unlit"}
    assert "no lighting tag" in plan.provenance.notes[0]


def test_an_unlit_street_may_be_crossed_and_earns_nothing() -> None:
    place = town_with(row_town(3), lit={"s1": "no"})
    rules = PatrolRules(unlit="avoid")
    plan = plan_patrols(place, flat_risk(place), [shift_at(place, rules=rules)], stop=STOP)
    assert_good(plan, place)
    assert set(steps(plan)) == {"s0", "s1", "s2"}
    assert plan.visits.loc[plan.visits["segment_id"] == "s1", "prize"].eq(0).all()
    assert plan.provenance.prize == 2.0


def town_with(place: StreetNetwork, **columns: dict[str, Any]) -> StreetNetwork:
    """Return a town with some values of some columns changed."""
    segments = place.segments.copy()
    for name, values in columns.items():
        segments[name] = [values.get(i, old) for i, old in segments[name].items()]
    return StreetNetwork(segments=segments, nodes=place.nodes)


def test_a_crew_stays_in_its_sector() -> None:
    place = grid_town(5, 2)
    west, south = lonlat(place, (-20.0, -20.0))
    east, north = lonlat(place, (220.0, 120.0))
    shift = shift_at(place, minutes=60, sector=box(west, south, east, north))
    plan = plan_patrols(place, flat_risk(place), [shift], stop=STOP)
    assert_good(plan, place)
    assert set(steps(plan)) == {"h-0-0", "h-0-1", "h-1-0", "h-1-1", "v-0-0", "v-0-1", "v-0-2"}
    assert set(plan.unserved["why"]) == {"out of reach"}


def test_crews_with_sectors_of_their_own_share_the_town() -> None:
    place = grid_town(5, 2)
    edge = lonlat(place, (0.0, -20.0))[1], lonlat(place, (0.0, 120.0))[1]
    halves = [(-20.0, 220.0), (180.0, 420.0)]
    shifts = [
        shift_at(
            place,
            (200.0, 0.0),
            minutes=40,
            name=f"half {i}",
            rules=ONE_PASS,
            sector=box(lonlat(place, (w, 0))[0], edge[0], lonlat(place, (e, 0))[0], edge[1]),
        )
        for i, (w, e) in enumerate(halves)
    ]
    plan = plan_patrols(place, flat_risk(place), shifts, stop=STOP)
    assert_good(plan, place)
    assert plan.unserved.empty
    assert set(steps(plan, 0)) & set(steps(plan, 1)) <= {"v-0-2"}


def test_a_car_keeps_to_one_way_streets() -> None:
    ring = {"a": [(0, 0), (300, 0)], "b": [(300, 0), (150, 200)], "c": [(150, 200), (0, 0)]}
    one_way = town(ring, drive_backward=False)
    shift = shift_at(one_way, minutes=5, mode="drive")
    plan = plan_patrols(one_way, flat_risk(one_way), [shift], stop=STOP)
    assert_good(plan, one_way)
    visits = plan.visits
    assert visits["forward"].all()
    assert set(visits["activity"]) == {"drive"}
    assert plan.provenance.rules["night"]["speed"] == PatrolRules.preset("car").speed
    back = town(ring, drive_forward=False)
    plan = plan_patrols(back, flat_risk(back), [shift], stop=STOP)
    assert_good(plan, back)
    assert not plan.visits["forward"].any()


def test_a_car_goes_round_a_one_way_loop_the_right_way() -> None:
    loop = town({"ring": [(0, 0), (15, 10), (-9, 20), (0, 0)], "road": [(0, 0), (0, 110)]},
                drive_backward={"ring": False})  # fmt: skip
    rules = PatrolRules(speed=2.0, repeat_after="1min")
    shift = shift_at(loop, minutes=20, mode="drive", rules=rules)
    for seed in range(3):
        assert_good(plan_patrols(loop, flat_risk(loop), [shift], stop=STOP, seed=seed), loop)


def test_walkers_and_a_car_are_planned_together_each_on_its_own_streets() -> None:
    place = town_with(grid_town(4, 4), walk={"h-0-1": False}, drive_forward={"v-0-0": False})
    place = town_with(place, drive_backward={"v-0-0": False}, highway={"h-0-1": "motorway"})
    foot = shift_at(place, minutes=40)
    car = shift_at(place, minutes=10, name="car", mode="drive")
    plan = plan_patrols(place, flat_risk(place), [foot, car], stop=STOP)
    assert_good(plan, place)
    assert "h-0-1" not in steps(plan, 0)
    assert "v-0-0" not in steps(plan, 1)


def test_streets_outside_the_boundary_are_walked_and_carry_no_prize() -> None:
    place = town_with(row_town(3), inside={"s1": False})
    plan = plan_patrols(place, flat_risk(place), [shift_at(place)], stop=STOP)
    assert_good(plan, place, flat_risk(place))
    assert set(steps(plan)) == {"s0", "s1", "s2"}
    assert plan.segments.loc["s1", "risk"] == 0
    assert plan.provenance.total_risk == 2.0
    assert plan.unserved.empty


def test_a_nameless_part_of_a_street_goes_by_the_streets_name() -> None:
    streets = town(
        {"a": [(0, 0), (100, 0)], "b": [(100, 0), (200, 0)], "far": [(200, 0), (3000, 0)]},
        name={"a": "Abay", "b": None, "far": None},
        street_id=dict.fromkeys(("a", "b", "far"), "a"),
    )
    shift = shift_at(streets, (0.0, 0.0), minutes=10)
    plan = plan_patrols(streets, flat_risk(streets), [shift], stop=STOP)
    assert set(plan.visits["segment_id"]) == {"a", "b"}
    assert set(plan.visits["place"]) == {"Abay"}
    assert plan.unserved["name"].to_dict() == {"far": "Abay"}
    assert plan.segments["name"].isna().to_dict() == {"a": False, "b": True, "far": True}


def test_unserved_streets_say_why() -> None:
    place = town(
        {
            "near": [(0, 0), (100, 0)],
            "also near": [(0, 0), (0, 100)],
            "long": [(100, 0), (4000, 0)],
            "island": [(50, 50), (90, 60)],
        }
    )
    plan = plan_patrols(
        place, flat_risk(place), [shift_at(place, minutes=3, rules=ONE_PASS)], stop=STOP
    )
    assert_good(plan, place)
    (left,) = set(plan.unserved.index) - {"long", "island"}
    assert plan.unserved["why"].to_dict() == {
        left: "no time left",
        "long": "out of reach",
        "island": "out of reach",
    }


def test_zero_risk_everywhere_is_a_quiet_night_at_the_depot() -> None:
    place = grid_town(3, 3)
    started = time.monotonic()
    plan = plan_patrols(place, flat_risk(place, 0.0), [shift_at(place)], stop=MaxRuntime(60))
    assert time.monotonic() - started < 30
    assert_good(plan, place)
    assert plan.visits.empty
    assert plan.routes[["length", "duration", "prize"]].to_numpy().sum() == 0
    assert (plan.provenance.upper_bound, plan.provenance.gap) == (0, 0)
    assert "past 0%" in plan.summary()


def test_a_town_of_one_street() -> None:
    place = row_town(1)
    plan = plan_patrols(place, flat_risk(place), [shift_at(place, rules=ONE_PASS)], stop=STOP)
    assert_good(plan, place)
    assert steps(plan) == ["s0", "s0"]
    assert plan.visits["prize"].tolist() == [1.0, 0.0]
    assert plan.visits["pass_number"].tolist() == [1, 2]


def test_a_depot_at_a_dead_end() -> None:
    place = loop_town()
    plan = plan_patrols(place, flat_risk(place), [shift_at(place, (180.0, 0.0))], stop=STOP)
    assert_good(plan, place)
    assert steps(plan)[0] == steps(plan)[-1] == "tail"
    assert set(steps(plan)) == set(place.segments.index)


def test_a_crew_whose_depots_are_as_far_apart_as_it_can_walk_goes_straight() -> None:
    place = grid_town(4, 4)
    end = depot_at(place, (300.0, 300.0), name="end")
    shift = shift_at(place, minutes=8, end_depot=end)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=STOP)
    assert_good(plan, place)
    assert plan.routes["length"].tolist() == [600.0]
    assert plan.provenance.prize == 6.0


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1.0, 1e12, 1e90])
def test_the_unit_of_risk_changes_no_route(scale: float) -> None:
    place = grid_town(4, 4)
    risk = flat_risk(place) * np.arange(1, len(place.segments) + 1)
    shift = shift_at(place, minutes=15)
    usual = plan_patrols(place, risk, [shift], stop=STOP)
    scaled = plan_patrols(place, risk * scale, [shift], stop=STOP)
    assert_good(scaled, place, risk * scale)
    assert steps(scaled) == steps(usual)
    assert scaled.provenance.prize == pytest.approx(usual.provenance.prize * scale, rel=1e-9)


def test_one_huge_prize_among_tiny_ones_is_fetched() -> None:
    place = grid_town(4, 4)
    risk = flat_risk(place, 1e-9)
    risk["v-2-3"] = 1e12
    plan = plan_patrols(place, risk, [shift_at(place, minutes=20)], stop=STOP)
    assert_good(plan, place, risk)
    assert "v-2-3" in steps(plan)


def test_a_thousand_crews_get_a_route_each() -> None:
    place = grid_town(4, 4)
    plan = plan_patrols(
        place, flat_risk(place), [shift_at(place, minutes=6, crews=1000)], stop=MaxIterations(2)
    )
    assert_good(plan, place)
    assert len(plan.routes) == 1000


def test_the_runtime_is_kept_and_progress_told(grid: StreetNetwork, grid_risk: pd.Series) -> None:
    told: list[tuple[float, float, float]] = []
    started = time.monotonic()
    plan = plan_patrols(
        grid,
        grid_risk,
        [shift_at(grid, minutes=60)],
        stop=MaxRuntime(0.7),
        progress=lambda *news: told.append(news),
    )
    assert 0.6 < plan.provenance.runtime < 2.0
    assert time.monotonic() - started < 5
    shares = [share for share, _, _ in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] <= 1
    prizes = [prize for _, prize, _ in told]
    assert {bound for _, _, bound in told} == {plan.provenance.upper_bound}
    assert prizes == sorted(prizes)
    assert prizes[-1] == pytest.approx(plan.provenance.prize, rel=0.2)


@pytest.mark.parametrize(("seconds", "crews"), [(0.5, 1), (1.0, 40)])
def test_a_short_time_is_kept_in_a_large_town(
    monkeypatch: pytest.MonkeyPatch, seconds: float, crews: int
) -> None:
    place = grid_town(45, 45)
    risk = pd.Series(np.random.default_rng(1).pareto(1.5, len(place.segments)) + 0.01)
    risk.index = place.segments.index
    depots = [depot_at(place, (100.0 * i, 1200.0), name=f"depot {i}") for i in range(4)]
    shifts = [
        Shift(depot=d, start=START, duration="4h", crews=-(-crews // 4), name=d.name)
        for d in depots[: min(crews, 4)]
    ]
    plan_patrols(place, risk, shifts, stop=MaxIterations(1))  # loads what is loaded once
    # CPU seconds of all threads: what others do on this machine meanwhile does not count
    monkeypatch.setattr("patrolmap.patrol.solve.time.monotonic", time.process_time)
    started = time.process_time()
    plan = plan_patrols(place, risk, shifts, stop=MaxRuntime(seconds))
    assert time.process_time() - started <= seconds + 0.5
    assert_good(plan, place, risk)
    assert plan.provenance.prize > 0.05 * plan.provenance.total_risk


def interrupt_after(calls: int) -> Callable[[float, float, float], None]:
    count = iter(range(calls))

    def progress(share: float, prize: float, bound: float) -> None:
        if next(count, None) is None:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("calls", [0, 3])
def test_ctrl_c_returns_the_best_plan_so_far(
    grid: StreetNetwork, grid_risk: pd.Series, calls: int
) -> None:
    plan = plan_patrols(
        grid,
        grid_risk,
        [shift_at(grid, minutes=60)],
        stop=MaxIterations(1_000_000),
        progress=interrupt_after(calls),
    )
    assert_good(plan, grid, grid_risk)
    assert plan.provenance.prize > 0
    assert plan.provenance.iterations < 10_000


def test_one_shift_may_stand_without_a_list(grid: StreetNetwork, grid_risk: pd.Series) -> None:
    plan = plan_patrols(grid, grid_risk, shift_at(grid), stop=STOP)  # type: ignore[arg-type]
    assert plan.routes.index.tolist() == ["night-1"]


def test_the_maps_behind_a_risk_are_named_as_reasons() -> None:
    place = row_town(2)
    kinds = pd.DataFrame({"crime": [3.0, 0.0], "juvenile": [1.0, 0.0]}, index=place.segments.index)
    plan = plan_patrols(place, kinds.sum(axis=1), [shift_at(place)], risk_by_kind=kinds, stop=STOP)
    assert plan.visits["reason"].iloc[0] == "risk 4 (crime 75%, juvenile 25%)"
    assert plan.segments.loc["s0", ["risk_crime", "risk_juvenile"]].tolist() == [3.0, 1.0]


def test_crews_of_staggered_shifts_wait_for_their_turn_to_repeat() -> None:
    place = row_town(1)
    early = shift_at(place, minutes=3, name="early")
    late = shift_at(place, minutes=3, name="late", start="2026-11-22 22:30+05:00")
    soon = shift_at(place, minutes=3, name="soon", start="2026-11-22 20:45+05:00")
    plan = plan_patrols(place, flat_risk(place), [late, soon, early], stop=STOP)
    assert_good(plan, place)
    assert plan.routes["prize"].to_dict() == {"late-1": 0.5, "soon-1": 0.0, "early-1": 1.0}


def test_times_are_on_the_clock_of_the_earliest_shift() -> None:
    place = row_town(2)
    utc = Shift(depot=depot_at(place), start="2026-11-22 14:00+00:00", duration="30min", name="a")
    here = shift_at(place, start=pd.Timestamp("2026-11-22 20:00", tz="Asia/Almaty"))
    plan = plan_patrols(place, flat_risk(place), [here, utc], stop=STOP)
    assert_good(plan, place)
    assert plan.provenance.timezone == "UTC"
    assert plan.routes["start"].dt.strftime("%H:%M").to_dict() == {
        "night-1": "15:00",
        "a-1": "14:00",
    }
