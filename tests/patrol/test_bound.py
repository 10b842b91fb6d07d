"""No plan beats the bound: against enumeration with every rule on, and as tight as promised."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from crews import ONE_PASS, START, depot_at, flat_risk, shift_at
from exact import best_prize
from patrolmap.errors import InfeasibleError
from patrolmap.patrol import PatrolRules, Shift
from patrolmap.patrol.bound import Effort, arc_upper_bound, bound_of, upper_bound
from patrolmap.patrol.bounds import lp
from patrolmap.patrol.bounds.knapsack import knapsack_bound
from patrolmap.patrol.candidates import Units, earning_units
from patrolmap.patrol.problem import Problem, build_problem
from patrolmap.streets import StreetNetwork
from towns import CENTRE, grid_town, lonlat, row_town, town

TOWN = grid_town(3, 3)


def a_problem(share: float = 0.5, minutes: float = 30.0, after: str = "2h") -> Problem:
    rules = PatrolRules(repeat_share=share, repeat_after=after)
    return build_problem(
        TOWN, flat_risk(TOWN), [shift_at(TOWN, minutes=minutes, rules=rules)], None
    )


def knapsack(problem: Problem, units: Units, share: float) -> float:
    """Fill the crews' metres with the dearest passes, one by one, the last one in part."""
    passes = [
        (prize * share**k / mm, prize * share**k, mm)
        for prize, mm, n in zip(
            units.prize, problem.streets.length_mm[units.segment], units.passes, strict=True
        )
        for k in range(n)
    ]
    room, total = sum(crew.budget for crew in problem.crews), 0.0
    for _, worth, mm in sorted(passes, reverse=True):
        part = min(1.0, room / mm)
        total, room = total + part * worth, room - part * mm
        if room <= 0:
            break
    return total


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from([1e-9, 0.2, 1.0, 3.0, 1e12]), st.integers(1, 6)),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from([3.0, 8.0, 60.0]),
)
def test_the_quick_bound_is_the_plain_knapsack_and_the_program_never_exceeds_it(
    prizes_and_passes: list[tuple[float, int]], share: float, minutes: float
) -> None:
    problem = a_problem(share, minutes)
    n = len(prizes_and_passes)
    units = Units(
        segment=np.arange(n),
        bin=np.zeros(n, dtype=np.int64),
        prize=np.array([prize for prize, _ in prizes_and_passes]),
        passes=np.array([passes for _, passes in prizes_and_passes]),
    )
    quick = knapsack_bound(problem, units)
    assert quick == pytest.approx(knapsack(problem, units, share), rel=1e-9)
    assert upper_bound(problem, units) <= quick


def test_a_repeat_every_second_for_a_week_costs_no_memory() -> None:
    problem = a_problem(share=0.999, minutes=7 * 24 * 60, after="1s")
    units = earning_units(problem)
    assert units.passes.max() == 604_801
    # a geometric series of every segment, cut where the metres end
    assert 0 < upper_bound(problem, units) <= 1000 * len(TOWN.segments)


def test_a_bin_that_opens_when_the_shift_is_over_counts_for_nothing() -> None:
    shift = shift_at(TOWN, minutes=30)
    bins = {shift.start: flat_risk(TOWN), shift.end: flat_risk(TOWN, 9.0)}
    problem = build_problem(TOWN, pd.DataFrame(bins), [shift], None)
    units = earning_units(problem)
    assert set(units.bin) == {0}
    assert upper_bound(problem, units) == pytest.approx(len(TOWN.segments))


def test_nothing_to_earn_is_a_bound_of_nothing() -> None:
    quiet = build_problem(TOWN, flat_risk(TOWN, 0.0), [shift_at(TOWN)], None)
    assert upper_bound(quiet, earning_units(quiet)) == 0


# ---- never below what can be done


@st.composite
def tiny_streets(draw: st.DrawFn) -> StreetNetwork:
    """Up to 7 segments between up to 6 corners; loops, parallel streets, islands, dead ends."""
    corner = st.tuples(st.sampled_from([0.0, 70.0, 110.0]), st.sampled_from([0.0, 90.0]))
    lines = draw(st.lists(st.tuples(corner, corner, st.integers(0, 2)), min_size=1, max_size=7))
    streets = {}
    for i, (a, b, bend) in enumerate(lines):
        middle = ((a[0] + b[0]) / 2 + 15.0 * (bend + i + 1), (a[1] + b[1]) / 2 + 10.0 * (i + 1))
        streets[f"s{i}"] = [a, middle, b]
        if a == b:  # a loop: out, across, back
            streets[f"s{i}"] = [a, middle, (a[0] - 12.0, a[1] + 20.0 + i), b]
    return town(streets, lit=dict.fromkeys(["s1", "s4"], "no"))


def corners_of(place: StreetNetwork) -> list[tuple[float, float]]:
    return [(node.x - CENTRE[0], node.y - CENTRE[1]) for node in place.nodes.geometry]


def problem_or_skip(place: StreetNetwork, risk: Any, shifts: list[Shift]) -> Problem:
    try:
        return build_problem(place, risk, shifts, None)
    except InfeasibleError:
        assume(False)
        raise


PRIZES = st.sampled_from([0.0, 0.5, 1.0, 7.0])


@settings(deadline=None, max_examples=60)
@given(st.data(), tiny_streets(), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([4, 6, 8]))
def test_no_walk_with_repeats_bins_and_dark_streets_beats_the_bound(
    data: st.DataObject, place: StreetNetwork, share: float, minutes: int
) -> None:
    moments = pd.to_datetime([START, "2026-11-22 20:02+05:00"])[: data.draw(st.integers(1, 2))]
    n = len(place.segments)
    values = {m: data.draw(st.lists(PRIZES, min_size=n, max_size=n)) for m in moments}
    risk = pd.DataFrame(values, index=place.segments.index)
    corners = corners_of(place)
    end = depot_at(place, data.draw(st.sampled_from(corners)), name="end")
    rules = PatrolRules(
        repeat_share=share,
        repeat_after=data.draw(st.sampled_from(["1min", "3min"])),
        unlit=data.draw(st.sampled_from(["allow", "avoid"])),
    )
    shift = shift_at(place, corners[0], minutes=minutes, rules=rules, end_depot=end)
    problem = problem_or_skip(place, risk, [shift])
    best = best_prize(place, risk, shift)
    for effort in ("fast", "tight"):
        assert bound_of(problem, effort=effort) >= best * (1 - 1e-12)
    assert bound_of(problem, effort="tight", seconds=0.01) >= best * (1 - 1e-12)


def sets_passed(problem: Problem, row: int) -> set[frozenset[int]]:
    """Return every set of segments that one walk of a crew can earn on, walk by walk."""
    crew = problem.crews[row]
    group = problem.groups[crew.group]
    graph, seen, todo = group.graph, set(), [(crew.start, 0, frozenset[int]())]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        node, walked, passed = state
        for arc in range(graph.indptr[node], graph.indptr[node + 1]):
            there = walked + int(graph.length[arc])
            if there <= crew.budget:
                segment = int(graph.segment[arc])
                more = passed | {segment} if group.earns[segment] else passed
                todo.append((int(graph.head[arc]), there, more))
    return {passed for node, _, passed in seen if node == crew.end}


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.filter_too_much]
)  # many a random town has no way for one of them
@given(st.data(), tiny_streets())
def test_no_two_crews_on_foot_in_a_sector_or_by_car_beat_the_bound(
    data: st.DataObject, place: StreetNetwork
) -> None:
    n = len(place.segments)
    ways = place.segments.assign(
        drive_backward=data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    )
    place = StreetNetwork(segments=ways, nodes=place.nodes)
    risk = pd.Series(data.draw(st.lists(PRIZES, min_size=n, max_size=n)), index=ways.index)
    corners = st.sampled_from(corners_of(place))
    (west, south), (east, north) = lonlat(place, (-40.0, -40.0)), lonlat(place, (120.0, 220.0))
    sector = data.draw(st.sampled_from([None, box(west, south, east, north)]))
    mode = data.draw(st.sampled_from(["walk", "drive"]))
    depots = [depot_at(place, data.draw(corners), name=name) for name in "abc"]
    shifts = [
        Shift(depot=depots[0], start=START, duration=f"{data.draw(st.integers(2, 4))}min",
              rules=ONE_PASS, sector=sector, name="first"),
        Shift(depot=depots[1], end_depot=depots[2], start=START, duration="3min",
              rules=ONE_PASS, mode=mode, name="second"),
    ]  # fmt: skip
    problem = problem_or_skip(place, risk, shifts)
    prizes = problem.prize[:, 0]
    best = max(
        float(prizes[list(a | b)].sum())
        for a in sets_passed(problem, 0)
        for b in sets_passed(problem, 1)
    )
    for effort in ("fast", "tight"):
        assert bound_of(problem, effort=effort) >= best * (1 - 1e-12)


# ---- and near it


def test_a_dead_end_costs_the_way_back() -> None:
    place = row_town(6)
    shift = shift_at(place, (300.0, 0.0), minutes=8, rules=ONE_PASS)
    problem = build_problem(place, flat_risk(place), [shift], None)
    assert bound_of(problem) == pytest.approx(3.0)  # 600 m: three pieces out and back
    assert knapsack_bound(problem, earning_units(problem)) == pytest.approx(6.0)


@pytest.mark.parametrize("minutes", [6, 9, 12])
def test_branching_proves_the_best_walk_of_a_small_town(minutes: float) -> None:
    risk = pd.Series(np.random.default_rng(5).pareto(1.5, len(TOWN.segments)) + 0.1,
                     index=TOWN.segments.index)  # fmt: skip
    shift = shift_at(TOWN, minutes=minutes, rules=ONE_PASS)
    best = best_prize(TOWN, risk, shift)
    problem = build_problem(TOWN, risk, [shift], None)
    assert bound_of(problem, effort="tight") == pytest.approx(best, rel=1e-5)
    given = upper_bound(problem, earning_units(problem), effort="tight", collected=best)
    assert given == pytest.approx(best, rel=1e-5)


def test_a_crew_cannot_spend_the_metres_of_another_town() -> None:
    west = {f"w{i}": [(i * 100.0, 0.0), (i * 100.0 + 100.0, 0.0)] for i in range(8)}
    east = {f"e{i}": [(i * 100.0, 900.0), (i * 100.0 + 100.0, 900.0)] for i in range(8)}
    link = {"long": [(0.0, 0.0), (-3000.0, 450.0), (0.0, 900.0)]}
    place = town(west | east | link)
    risk = pd.Series([1.0] * 8 + [0.01] * 8 + [0.0], index=place.segments.index)
    shifts = [
        Shift(depot=depot_at(place, (0.0, y), name=name), start=START, duration="8min",
              name=name, rules=ONE_PASS)
        for name, y in (("west", 0.0), ("east", 900.0))
    ]  # fmt: skip
    problem = build_problem(place, risk, shifts, None)
    assert bound_of(problem) == pytest.approx(3.03)  # 300 m out and back on each side


@pytest.mark.parametrize("effort", ["fast", "tight"])
def test_without_a_warm_solver_the_bound_is_the_same(
    effort: Effort, monkeypatch: pytest.MonkeyPatch
) -> None:
    risk = pd.Series(np.random.default_rng(2).pareto(1.5, len(TOWN.segments)),
                     index=TOWN.segments.index)  # fmt: skip
    problem = build_problem(TOWN, risk, [shift_at(TOWN, minutes=9, rules=ONE_PASS)], None)
    warm = bound_of(problem, effort=effort)
    monkeypatch.setattr(lp, "_warm_solver", lambda *_: None)
    assert bound_of(problem, effort=effort) == pytest.approx(warm, rel=1e-4)


def test_a_solver_that_gives_up_leaves_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = a_problem(share=0.0)
    nothing = np.empty(0)
    monkeypatch.setattr(lp._WarmSolver, "solve", lambda *_: (False, nothing, nothing))
    assert bound_of(problem) == pytest.approx(len(TOWN.segments))


def test_equal_problems_get_equal_bounds() -> None:
    risk = pd.Series(np.random.default_rng(7).pareto(1.5, len(TOWN.segments)),
                     index=TOWN.segments.index)  # fmt: skip
    bounds = {
        bound_of(build_problem(TOWN, risk, [shift_at(TOWN, minutes=11)], None)) for _ in range(3)
    }
    assert len(bounds) == 1


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_the_unit_of_prizes_does_not_matter(scale: float) -> None:
    args: Any = ([0, 1, 2, 3], [1, 2, 3, 0], [100_000] * 4)
    walks = {"starts": [0], "ends": [0], "limits_mm": [350_000]}
    prizes = np.array([1.0, 2.0, 4.0, 1.5])
    plain = arc_upper_bound(*args, prizes, **walks, effort="tight")
    assert plain == pytest.approx(1.5)  # too short for the ring, and for two sides
    scaled = arc_upper_bound(*args, prizes * scale, **walks, effort="tight")
    assert scaled == pytest.approx(plain * scale)


def test_repeats_on_plain_arrays_earn_their_share() -> None:
    found = arc_upper_bound([0], [1], [100_000], [8.0], starts=[0], ends=[0],
                            limits_mm=[400_000], repeat_share=0.5)  # fmt: skip
    assert found == pytest.approx(8 + 4 + 2 + 1)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from([0.2, 1.0, 3.0]), st.integers(1, 900)), min_size=1,
             max_size=8),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([500, 5_000, 200_000]),
)  # fmt: skip
def test_without_time_plain_arrays_get_the_knapsack(
    pieces: list[tuple[float, int]], share: float, limit: int
) -> None:
    n = len(pieces)
    prizes = np.array([prize for prize, _ in pieces])
    lengths = np.array([length for _, length in pieces])
    args: Any = (np.zeros(n), np.zeros(n), lengths, prizes)
    walks: Any = {"starts": [0], "ends": [0], "limits_mm": [limit], "repeat_share": share}
    quick = arc_upper_bound(*args, **walks, seconds=0.0)
    passes = sorted(
        ((prize * share**k / mm, prize * share**k, mm)
         for prize, mm in pieces
         for k in range(max(1, limit // mm) if share else 1)),
        reverse=True,
    )  # fmt: skip
    room, plain = float(limit), 0.0
    for _, worth, mm in passes:
        plain, room = plain + worth * min(1.0, room / mm), max(0.0, room - mm)
    assert quick >= plain * (1 - 1e-9)
    if share in (0.0, 1.0):
        assert quick == pytest.approx(plain, rel=1e-9)
    assert arc_upper_bound(*args, **walks) <= quick


BLOCKS = grid_town(4, 3, block=90.0)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.0, 1.0, 3.0]), min_size=17, max_size=17),
    st.sampled_from([(0.0, 0.0), (90.0, 90.0), (180.0, 90.0)]),
    st.sampled_from([6, 8, 10]),
)
def test_a_graph_made_small_keeps_the_best_walk_and_its_worth(
    prizes: list[float], corner: tuple[float, float], minutes: int
) -> None:
    risk = pd.Series(prizes, index=BLOCKS.segments.index)
    end = depot_at(BLOCKS, (270.0, 180.0), name="end") if prizes[0] else None
    shift = shift_at(BLOCKS, corner, minutes=minutes, rules=ONE_PASS, end_depot=end)
    problem = problem_or_skip(BLOCKS, risk, [shift])
    best = best_prize(BLOCKS, risk, shift)
    bound = bound_of(problem, effort="tight")
    assert best * (1 - 1e-9) <= bound <= best * (1 + 1e-4) + 1e-9  # the solver's own tolerance
