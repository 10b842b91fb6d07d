"""All crews at once are too near where each pair of them is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crews import flat_risk, shift_at
from patrolmap.patrol import PatrolRules
from patrolmap.patrol.problem import Problem, build_problem
from patrolmap.patrol.tracks import EVERY, Track, clock_zero, too_near
from patrolmap.patrol.whereabouts import Whereabouts
from towns import grid_town

PLACE = grid_town(3, 3)
LOOKS = 61  # of ten minutes


@pytest.fixture(scope="module")
def problem() -> Problem:
    shifts = [
        shift_at(PLACE, minutes=10, crews=3, name=f"{metres:g}",
                 rules=PatrolRules(crew_distance=metres))
        for metres in (0.0, 90.0)
    ]  # fmt: skip
    return build_problem(PLACE, flat_risk(PLACE), shifts, None)


def drawn(problem: Problem, random: np.random.Generator, n: int) -> Track:
    """Draw where a crew is at some moments of the shift, or just after it, and who it may meet."""
    look = np.sort(random.choice(LOOKS + 6, n, replace=False)) + clock_zero(problem) // EVERY
    return Track(
        look=look.astype(np.int64),
        step=np.sort(random.integers(0, 9, n)),
        xy=random.uniform(0, 400, (n, 2)),
        meets=random.uniform(0, 400, (int(random.integers(1, 4)), 2)),
    )


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), lengths=st.lists(st.integers(1, LOOKS), min_size=6, max_size=6)
)
def test_who_is_too_near_to_anyone_is_so_to_one_of_them(
    problem: Problem, seed: int, lengths: list[int]
) -> None:
    random = np.random.default_rng(seed)
    tracks = [drawn(problem, random, n) for n in lengths]
    where = Whereabouts(problem)
    for row, track in enumerate(tracks):
        where.put(row, track)
    asked = [crew.rules.crew_distance for crew in problem.crews]
    ends = clock_zero(problem) // EVERY + LOOKS
    for row, track in enumerate(tracks):
        seen = [
            too_near(track, other, max(asked[row], asked[i]))
            for i, other in enumerate(tracks) if i != row
        ]  # fmt: skip
        rows = np.concatenate(seen)
        wanted = np.sort(track.step[rows[track.look[rows] < ends]])
        assert where.steps_near(row, track).tolist() == wanted.tolist()


def test_nobody_is_near_to_a_crew_that_does_not_walk(problem: Problem) -> None:
    random = np.random.default_rng(1)
    where = Whereabouts(problem)
    track = drawn(problem, random, LOOKS)
    assert where.steps_near(5, track).tolist() == []
    where.put(4, track)
    assert len(where.steps_near(5, track)) > 0
    where.put(4, None)
    assert where.steps_near(5, track).tolist() == []


def test_a_week_of_shifts_takes_no_more_looks_than_an_evening() -> None:
    rules = PatrolRules(crew_distance=90.0)
    shifts = [
        shift_at(PLACE, start=f"2026-11-{day} 20:00+05:00", minutes=10, name=f"{day}", rules=rules)
        for day in range(22, 29)
    ]
    week = build_problem(PLACE, flat_risk(PLACE), shifts, None)
    where = Whereabouts(week)
    begin = clock_zero(week) // EVERY
    for row in range(len(shifts)):
        looks = where.looks(row)
        assert len(looks) == LOOKS
        assert looks[0] == begin + row * 24 * 360
    track = drawn(week, np.random.default_rng(2), LOOKS)
    where.put(0, track)
    assert where.steps_near(1, track).tolist() == []  # a day later, at the same places
