"""Who earns what when several crews pass one segment: two crews, step by step."""

import numpy as np
import pandas as pd
import pytest

from crews import START, depot_at, shift_at
from patrolmap.patrol import PatrolRules, Shift
from patrolmap.patrol.problem import Problem, build_problem
from patrolmap.patrol.walks import score_passes, walk_routes
from patrolmap.streets import StreetNetwork
from towns import row_town

ROW = row_town(3)  # s0, s1, s2: 100 m each, 80 s to walk


def problem(
    *shifts: Shift, risk: pd.Series | pd.DataFrame | None = None, town: StreetNetwork = ROW
) -> Problem:
    given = pd.Series([8.0, 4.0, 2.0], index=town.segments.index) if risk is None else risk
    return build_problem(town, given, shifts, None)


def test_a_later_crew_earns_the_smaller_share_and_one_too_soon_nothing() -> None:
    rules = PatrolRules(repeat_share=0.5, repeat_after="5min")
    west = shift_at(ROW, name="west", rules=rules)
    east = Shift(
        depot=depot_at(ROW, (300.0, 0.0), name="east"),
        start="2026-11-22 20:01+05:00",
        duration="30min",
        name="east",
        rules=rules,
    )
    # west goes s0 s1 s2 and back; east, a minute later, s2 s1 s0 and back
    walks = walk_routes(problem(west, east), [[(2, True)], [(0, False)]])
    table = pd.DataFrame(
        {
            "crew": walks.crew,
            "segment": walks.segment,
            "arrive": walks.arrive / 1000,
            "pass": walks.pass_number,
            "prize": walks.prize,
        }
    )
    assert table.to_numpy().tolist() == [
        # west: out
        [0, 0, 0, 1, 8],
        [0, 1, 80, 1, 4],
        [0, 2, 160, 2, 0],  # east was here 100 s ago
        # west: back
        [0, 2, 240, 3, 0],
        [0, 1, 320, 3, 0],  # 240 s since the last pass that earned
        [0, 0, 400, 4, 0],  # east came 20 s ago, and earned
        # east: out
        [1, 2, 60, 1, 2],
        [1, 1, 140, 2, 0],
        [1, 0, 220, 2, 0],  # 220 s since west
        # east: back
        [1, 0, 300, 3, 4],  # 300 s since west: half
        [1, 1, 380, 4, 2],  # 300 s since west, too
        [1, 2, 460, 4, 1],  # 400 s since its own first pass
    ]


def test_at_equal_clock_times_the_first_crew_in_the_list_earns() -> None:
    crews = shift_at(ROW, crews=2, rules=PatrolRules(repeat_share=1.0))
    walks = walk_routes(problem(crews), [[(0, True)], [(0, True)]])
    assert walks.prize[walks.crew == 0].tolist() == [8, 0]
    assert walks.prize[walks.crew == 1].tolist() == [0, 0]
    assert walks.pass_number[walks.arrive == 0].tolist() == [1, 2]


def test_the_third_pass_earns_the_share_twice() -> None:
    one = problem(shift_at(ROW, rules=PatrolRules(repeat_share=0.5, repeat_after="10s")))
    segment = np.zeros(4, dtype=np.int64)
    arrive = np.array([20_000, 0, 9_999, 10_000], dtype=np.int64)
    number, prize = score_passes(one, segment, segment, arrive)
    assert number.tolist() == [4, 1, 2, 3]
    assert prize.tolist() == [2, 8, 0, 4]


def test_each_crew_repeats_by_its_own_rules() -> None:
    eager = shift_at(ROW, name="eager", rules=PatrolRules(repeat_share=0.9, repeat_after="1s"))
    calm = shift_at(ROW, name="calm", rules=PatrolRules(repeat_share=0.0))
    both = problem(eager, calm)
    crew, segment = np.array([0, 1, 0]), np.zeros(3, dtype=np.int64)
    _, prize = score_passes(both, crew, segment, np.array([0, 60_000, 120_000]))
    assert prize.tolist() == pytest.approx([8, 0, 7.2])


def test_a_pass_belongs_to_the_bin_it_begins_in_to_the_millisecond() -> None:
    later = pd.Timestamp(START) + pd.Timedelta(minutes=2)
    risk = pd.DataFrame({pd.Timestamp(START): 1.0, later: 10.0}, index=ROW.segments.index)
    two = problem(shift_at(ROW, rules=PatrolRules(repeat_share=0.0)), risk=risk)
    zeros = np.zeros(2, dtype=np.int64)
    number, prize = score_passes(two, zeros, zeros, np.array([119_999, 120_000]))
    assert number.tolist() == [1, 1]
    assert prize.tolist() == [1, 10]


def test_clocks_are_whole_milliseconds_and_steps_follow_each_other() -> None:
    odd = problem(shift_at(ROW, rules=PatrolRules(speed=1.1)))
    walks = walk_routes(odd, [[(2, True)]])
    assert walks.arrive.dtype == walks.depart.dtype == np.int64
    assert walks.arrive[1:].tolist() == walks.depart[:-1].tolist()
    assert walks.depart[-1] == 545_454  # 600 m / 1.1 m/s = 545,454.5 ms: down, never beyond


def test_an_empty_order_goes_straight_to_the_end_depot() -> None:
    end = depot_at(ROW, (300.0, 0.0), name="end")
    walks = walk_routes(problem(shift_at(ROW, end_depot=end)), [[]])
    assert walks.segment.tolist() == [0, 1, 2]
    assert not walks.wanted.any()
    assert walks.total == 14.0
