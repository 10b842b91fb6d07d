"""Demands that cannot be met are named; with relax=True the nearest plan leaves them out."""

from typing import Any

import pytest
from shapely.geometry import box

from crews import ONE_PASS, START, assert_good, depot_at, flat_risk, shift_at
from patrolmap.errors import DepotError, InfeasibleError
from patrolmap.patrol import MaxIterations, PatrolRules, Plan, Shift, plan_patrols, problem
from patrolmap.patrol.mend import mend_orders
from patrolmap.patrol.problem import build_problem
from patrolmap.patrol.steps import Order
from patrolmap.streets import StreetNetwork
from towns import lonlat, row_town, town

ROW = row_town(12)
STOP = MaxIterations(40)


def area(place: StreetNetwork, west: float, south: float, east: float, north: float) -> Any:
    return box(*lonlat(place, (west, south)), *lonlat(place, (east, north)))


def both(place: StreetNetwork, shift: Shift, wanted: type[Exception], match: str) -> Plan:
    """Return the relaxed plan of a shift that is refused without."""
    with pytest.raises(wanted, match=match):
        plan_patrols(place, flat_risk(place), [shift], stop=STOP)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=STOP, relax=True)
    assert_good(plan, place, flat_risk(place))
    return plan


def relaxed(plan: Plan) -> list[str]:
    """Return the rules that a plan says it left out."""
    return [note.split()[1] for note in plan.provenance.notes if note.startswith("relaxed ")]


# ---- streets that rules close


def dark_row(dark: tuple[str, ...], parks: tuple[str, ...] = ()) -> StreetNetwork:
    lines = {f"s{i}": [(i * 300.0, 0.0), ((i + 1) * 300.0, 0.0)] for i in range(4)}
    return town(lines, lit=dict.fromkeys(dark, "no"), area=dict.fromkeys(parks, "park"),
                highway=dict.fromkeys(parks, "footway"))  # fmt: skip


def test_a_depot_in_the_dark_lets_its_crew_cross_the_dark() -> None:
    place = dark_row(("s0", "s1"))
    shift = shift_at(place, minutes=60, rules=PatrolRules(unlit="forbid", repeat_share=0.0))
    plan = both(place, shift, DepotError, "where the rules close all streets")
    assert relaxed(plan) == ["unlit"]
    assert plan.provenance.rules["night"]["unlit"] == "avoid"
    assert plan.provenance.prize == 2.0  # the lit half; the dark one is crossed and earns nothing


def test_a_depot_in_a_no_go_area_gives_up_the_area_and_no_other_rule() -> None:
    place = dark_row(("s3",), parks=("s2",))
    closed = area(place, -30.0, -30.0, 500.0, 30.0)
    rules = PatrolRules(unlit="forbid", no_parks_after="19:00", repeat_share=0.0)
    shift = shift_at(place, minutes=60, rules=rules)
    risk = flat_risk(place)
    areas = PatrolRules(no_go=[closed])  # the plan's areas bind the shift too
    with pytest.raises((DepotError, InfeasibleError)):
        plan_patrols(place, risk, [shift], rules=areas, stop=STOP)
    plan = plan_patrols(place, risk, [shift], rules=areas, stop=STOP, relax=True)
    assert_good(plan, place, risk)
    assert relaxed(plan) == ["no_go"]
    assert plan.provenance.rules["night"]["unlit"] == "forbid"
    assert plan.provenance.prize == 2.0


def test_depots_that_only_a_closed_park_joins_open_it() -> None:
    place = dark_row((), parks=("s1",))
    end = depot_at(place, (1200.0, 0.0), name="end")
    rules = PatrolRules(no_parks_after="19:00", repeat_share=0.0)
    shift = shift_at(place, minutes=60, rules=rules, end_depot=end)
    plan = both(place, shift, InfeasibleError, "no way leads .*no_parks_after")
    assert relaxed(plan) == ["no_parks_after"]
    assert plan.provenance.prize == 4.0


def test_a_park_that_closes_on_the_way_home_is_opened_after_the_search() -> None:
    place = dark_row((), parks=("s1",))
    end = depot_at(place, (1200.0, 0.0), name="end")
    rules = PatrolRules(no_parks_after="20:02", repeat_share=0.0)
    shift = shift_at(place, minutes=60, rules=rules, end_depot=end)
    plan = both(place, shift, InfeasibleError, "cannot be reached but through one")
    assert relaxed(plan) == ["no_parks_after"]
    assert plan.provenance.upper_bound >= plan.provenance.prize == 4.0


def test_a_must_visit_in_a_no_go_area_is_left_out_and_the_area_kept() -> None:
    rules = PatrolRules(no_go=[area(ROW, 650.0, -30.0, 750.0, 30.0)])
    shift = shift_at(ROW, minutes=60, rules=rules, must_visit=("s6", "s2"))
    plan = both(ROW, shift, InfeasibleError, r"must_visit 's6' is out of reach: no way leads there")
    assert relaxed(plan) == ["must_visit"]
    assert plan.provenance.shifts["night"]["must_visit"] == ["s2"]
    assert "s2" in set(plan.visits["segment_id"])
    assert not {"s6", "s7"} & set(plan.visits["segment_id"])


def test_corners_passed_too_often_even_on_the_way_home_are_allowed_then() -> None:
    cafe = depot_at(ROW, (100.0, 0.0), name="cafe")
    late = depot_at(ROW, (400.0, 0.0), name="late")
    rules = PatrolRules(
        corner_passes=1, break_length="2min", break_window=(0.0, 1.0), break_at=cafe,
        report_every="20min", report_at=late, report_slack="2min",
    )  # fmt: skip
    shift = shift_at(ROW, minutes=50, rules=rules)
    plan = both(ROW, shift, InfeasibleError, "corner_passes")
    assert relaxed(plan)


def test_a_depot_in_a_lake_is_refused_even_so() -> None:
    lon, lat = lonlat(ROW, (-900.0, -900.0))
    away = Shift(depot=type(depot_at(ROW))("lake", lon=lon, lat=lat), start=START, duration="1h",
                 rules=PatrolRules(unlit="forbid"))  # fmt: skip
    with pytest.raises(DepotError, match="lake"):
        plan_patrols(ROW, flat_risk(ROW), [away], stop=STOP, relax=True)


def test_what_is_refused_in_several_shifts_is_left_out_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cafe = depot_at(ROW, (1200.0, 0.0), name="cafe")
    shifts = [
        shift_at(ROW, minutes=15, name=f"n{i}", must_visit=("s11",) if i % 2 else (cafe,), crews=2)
        for i in range(6)
    ]
    with pytest.raises(InfeasibleError, match="shift 'n0'") as told:
        build_problem(ROW, flat_risk(ROW), shifts, None)
    assert [one.shift for one in told.value.others] == [f"n{i}" for i in range(1, 6)]
    builds, build = [0], problem.build_problem

    def counted(*given: Any) -> Any:
        builds[0] += 1
        return build(*given)

    monkeypatch.setattr(problem, "build_problem", counted)
    plan = plan_patrols(ROW, flat_risk(ROW), shifts, stop=STOP, relax=True)
    assert_good(plan, ROW, flat_risk(ROW))
    assert relaxed(plan) == ["must_visit"] * 6
    assert builds[0] == 2


# ---- compact beats


@pytest.mark.parametrize(
    ("fields", "must", "said"),
    [
        ({"break_length": "2min", "break_at": True}, (), r"crew night-1: beat='5min' .* break of "),
        ({"report_every": "20min", "report_at": True, "report_slack": "5min"}, (),
         r"crew night-1: beat='5min' .* report at 20:20.* at cafe \(report_every\)"),
        ({}, ("s10",), r"shift 'night': beat='5min' .* must_visit 's10'"),
    ],
)  # fmt: skip
def test_a_beat_that_cannot_hold_a_duty_is_named_with_it(
    fields: dict[str, Any], must: tuple[str, ...], said: str
) -> None:
    cafe = depot_at(ROW, (900.0, 0.0), name="cafe")
    given = {name: cafe if value is True else value for name, value in fields.items()}
    rules = PatrolRules(beat="5min", **given)
    shift = shift_at(ROW, (300.0, 0.0), minutes=60, rules=rules, crews=2, must_visit=must)
    plan = both(ROW, shift, InfeasibleError, said + r".*a place nearer to the depot")
    assert set(relaxed(plan)) == {"must_visit" if must else next(iter(fields))}
    assert plan.provenance.rules["night"]["beat"] == "5min"


# ---- what one crew of a shift does


def test_what_a_shift_must_visit_is_kept_by_one_crew_only() -> None:
    rules = PatrolRules(
        break_length="2min", break_window=(0.0, 0.3), turn_cost=1.0, repeat_share=0.0
    )
    shift = shift_at(ROW, minutes=20, rules=rules, crews=2, must_visit=("s4",))
    case = build_problem(ROW, flat_risk(ROW), [shift], None)
    rows = {d.rule: row for row, i, _ in case.standing.rows(len(case.prize))
            for d in [case.standing.duties[i]] if d.crews[0] == 0}  # fmt: skip
    second = next(row for row, i, _ in case.standing.rows(len(case.prize))
                  if case.standing.duties[i].crews == (1, 2))  # fmt: skip
    street, rest = rows["must_visit"], rows["break_length"]
    too_late: Order = [(street, True), (rest, True)]  # its break would begin after its window
    in_time: Order = [(second, True), (street, True)]
    kept = [[row for row, _ in order] for order in mend_orders(case, [too_late, in_time])]
    assert rest in kept[0] and street not in kept[0]
    assert kept[1] == [second, street]
    with pytest.raises(InfeasibleError, match="break_length"):
        mend_orders(case, [too_late, [(second, True)]])


def test_two_crews_share_what_their_shift_must_visit() -> None:
    shift = shift_at(ROW, (600.0, 0.0), minutes=17, rules=ONE_PASS, crews=2,
                     must_visit=("s0", "s11"))  # fmt: skip
    plan = plan_patrols(ROW, flat_risk(ROW), [shift], stop=STOP)
    assert_good(plan, ROW, flat_risk(ROW))
    by_crew = plan.visits.groupby("route_id")["segment_id"].agg(set)
    assert sorted(len({"s0", "s11"} & mine) for mine in by_crew) == [1, 1]
