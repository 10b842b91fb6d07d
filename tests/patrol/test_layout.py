"""What a search gets to work on."""

import numpy as np
import pandas as pd
import pytest

from crews import ONE_PASS, START, shift_at
from patrolmap._kernels import orienteering as kernel
from patrolmap.patrol import PatrolRules
from patrolmap.patrol.candidates import choose, earning_units, reaches_of
from patrolmap.patrol.layout import Layout, ground_of, lay_out
from patrolmap.patrol.problem import build_problem
from patrolmap.patrol.room import room_for
from towns import grid_town

TOWN = grid_town(3, 3)
NOON = pd.Timestamp(START)


def laid_out(*shifts, hours: tuple[int, ...]) -> Layout:
    """Lay a problem out whose risk has bins that begin so many hours after the first start."""
    risk = pd.DataFrame(
        {NOON + pd.Timedelta(hours=hour): 1.0 + hour for hour in hours}, index=TOWN.segments.index
    )
    problem = build_problem(TOWN, risk, shifts, None)
    units, ground = earning_units(problem), ground_of(problem)
    room = room_for(ground)
    chosen = choose(units, ground.length[units.segment], reaches_of(problem, units), share=0.0,
                    most=room.tasks)  # fmt: skip
    return lay_out(ground, units, *chosen, room)


def shift(name: str, hour: float, *, crews: int = 1):
    start = NOON + pd.Timedelta(hours=hour)
    return shift_at(TOWN, name=name, start=start.isoformat(), crews=crews, rules=ONE_PASS)


def open_to_crews(layout: Layout) -> np.ndarray:
    """Return (crews, tasks): may the crew ever earn there?"""
    return layout.tasks.sides.any(axis=2)[layout.crews.kind]


def test_bins_that_hold_whole_shifts_need_no_clock():
    layout = laid_out(shift("day", 0), shift("night", 9, crews=2), hours=(0, 8))
    assert not kernel.timed(layout.tasks)
    night = layout.tasks.prize[layout.tasks.unit] == layout.tasks.prize.max()  # 9 for 1
    assert 0 < night.sum() < len(night)
    assert (open_to_crews(layout) == np.array([~night, night, night])).all()


def test_a_bin_that_ends_within_a_shift_needs_the_clock_and_is_open_to_both():
    layout = laid_out(shift("one", 0), shift("two", 0.25), hours=(0, 0.25, 2))
    tasks, can = layout.tasks, open_to_crews(layout)
    assert kernel.timed(tasks)
    opens, closes = tasks.opens[tasks.unit], tasks.closes[tasks.unit]
    first = closes == 900.0  # within the first shift; the second begins when it ends
    assert first.any()
    assert can[0, first].all()
    assert not can[1, first].any()
    assert can[:, opens == 900.0].all()


def test_a_shift_that_ends_with_its_bin_needs_no_clock_whatever_the_rounding():
    for speed in (1.1, 1.2345, 0.7 / 0.3):
        rules = PatrolRules(repeat_share=0.0, speed=speed, report_every="10min")
        until = shift_at(TOWN, minutes=30, rules=rules)
        assert (laid_out(until, hours=(0, 0.5)).tasks.closes == np.inf).all()


def test_among_many_shifts_of_one_depot_a_pass_knows_those_out_in_its_hours():
    shifts = [shift(f"at {hour}", hour) for hour in range(8)]
    layout = laid_out(*shifts, hours=tuple(range(8)))
    first = layout.crews.members[layout.crews.classes[layout.tasks.homes[:, 0]]]
    assert open_to_crews(layout)[first, np.arange(len(first))].all()


@pytest.mark.parametrize("hours", [(0,), (0, 8)])
def test_risk_without_hours_inside_a_shift_is_laid_out_alike(hours):
    layout = laid_out(shift("night", 0), hours=hours)
    assert np.isinf(layout.tasks.opens).all()
    assert np.isinf(layout.tasks.closes).all()
