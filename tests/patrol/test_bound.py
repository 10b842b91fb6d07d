"""The bound is the fractional knapsack of passes, however many there can be."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crews import flat_risk, shift_at
from patrolmap.patrol import PatrolRules
from patrolmap.patrol.bound import upper_bound
from patrolmap.patrol.candidates import Units, earning_units
from patrolmap.patrol.problem import Problem, build_problem
from towns import grid_town

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
def test_the_bound_is_the_plain_knapsack(
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
    assert upper_bound(problem, units) == pytest.approx(knapsack(problem, units, share), rel=1e-9)


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
