"""Crews with time left walk streets that nobody passes yet, as far as their rules let them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crews import shift_at
from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import Haste
from patrolmap.patrol.problem import Problem, build_problem
from patrolmap.patrol.refill import refill
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.walks import walk_routes
from towns import CENTRE, grid_town, town

PLACE = grid_town(6, 6)


class Judge:
    """Lets walks be as long as budgets are, and only those streets be walked."""

    def __init__(self, problem: Problem, allowed: set[int]) -> None:
        self.problem, self.allowed, self.stepper = problem, allowed, Stepper(problem)
        self.settled: dict[int, Order] = {}
        self.asked: list[tuple[int, Order]] = []

    def fits(self, row: int, order: Order) -> bool:
        self.asked.append((row, order))
        used = self.stepper.steps(row, order).used
        return used <= self.problem.crews[row].budget and {i for i, _ in order} <= self.allowed

    def settle(self, row: int, order: Order) -> None:
        self.settled[row] = order


def problem_of(**options: Any) -> Problem:
    """Two crews of half an hour; a third of the streets is without risk."""
    values = np.random.default_rng(2).pareto(1.2, len(PLACE.segments))
    values[::3] = 0.0
    risk = pd.Series(values, index=PLACE.segments.index, name="risk")
    return build_problem(PLACE, risk, [shift_at(PLACE, minutes=30, crews=2, **options)], None)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return problem_of()


@pytest.fixture(scope="module")
def by_quarters() -> Problem:
    """The same crews, where other streets are risky every five minutes."""
    random, begin = np.random.default_rng(5), shift_at(PLACE).start
    columns = {
        begin + pd.Timedelta(minutes=5 * i): random.pareto(1.2, len(PLACE.segments))
        for i in range(6)
    }
    risk = pd.DataFrame(columns, index=PLACE.segments.index)
    return build_problem(PLACE, risk, [shift_at(PLACE, minutes=30, crews=2)], None)


def drawn(problem: Problem, seed: int, n: int) -> list[Order]:
    random = np.random.default_rng(seed)
    streets = len(problem.prize)
    return [[(int(random.integers(streets)), True) for _ in range(n)] for _ in range(2)]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 3), share=st.floats(0, 1))
def test_what_is_put_in_is_new_allowed_and_within_the_time(
    problem: Problem, seed: int, n: int, share: float
) -> None:
    random, before = np.random.default_rng(seed), drawn(problem, seed, n)
    allowed = set(np.flatnonzero(random.random(len(problem.prize)) < share).tolist())
    judge = Judge(problem, allowed | {entry for order in before for entry, _ in order})
    orders = refill(problem, before, judge, judge.stepper)
    known = {entry for order in before for entry, _ in order}
    for row, (order, old) in enumerate(zip(orders, before, strict=True)):
        assert judge.settled.get(row, old) == order
        kept = iter(order)
        assert all(entry in kept for entry in old)  # in their order
        new = [entry for entry, _ in order if (entry, True) not in old]
        assert not known & set(new) and (problem.prize[new] > 0).all()
        if judge.fits(row, old):
            assert judge.fits(row, order)


def test_an_idle_crew_walks_until_its_time_is_used(problem: Problem) -> None:
    judge = Judge(problem, set(range(len(problem.prize))))
    orders = refill(problem, [[], []], judge, judge.stepper)
    stepper = Stepper(problem)
    for row, order in enumerate(orders):
        assert stepper.steps(row, order).used > 0.9 * problem.crews[row].budget
    assert len({entry for order in orders for entry, _ in order}) == sum(map(len, orders))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 4), timed=st.booleans())
def test_walks_earn_no_less_than_before(
    problem: Problem, by_quarters: Problem, seed: int, n: int, timed: bool
) -> None:
    case = by_quarters if timed else problem_of(rules=PatrolRules(repeat_share=0.0))
    before = drawn(case, seed, n)
    judge = Judge(case, set(range(len(case.prize))))
    orders = refill(case, before, judge, judge.stepper)
    assert walk_routes(case, orders).total >= walk_routes(case, before).total - 1e-9


def test_no_walk_is_judged_twice(problem: Problem) -> None:
    judge = Judge(problem, set(range(0, len(problem.prize), 5)))
    refill(problem, [[], []], judge, judge.stepper)
    asked = [(row, tuple(order)) for row, order in judge.asked]
    assert len(asked) == len(set(asked)) > 20


def test_a_car_is_sent_along_one_way_streets_their_own_way() -> None:
    names = PLACE.segments.index
    one_way = town(
        {
            name: [(x - CENTRE[0], y - CENTRE[1]) for x, y in line.coords]
            for name, line in PLACE.segments.geometry.items()
        },
        drive_backward=dict.fromkeys([name for name in names if name.startswith("h-1")], False),
    )
    shift = shift_at(one_way, minutes=10, mode="drive", rules=PatrolRules(speed=5.0))
    risk = pd.Series(0.0, index=names, name="risk")
    risk[risk.index.str.startswith("h-1")] = 1.0
    case = build_problem(one_way, risk, [shift], None)
    judge = Judge(case, set(range(len(case.prize))))
    (order,) = refill(case, [[]], judge, judge.stepper)
    assert len(order) == 5 and all(along for _, along in order)


def test_who_is_late_gets_nothing(problem: Problem) -> None:
    judge = Judge(problem, set(range(len(problem.prize))))
    late = Haste(elapsed=lambda: 2.0, until=1.0)
    assert refill(problem, [[], []], judge, judge.stepper, haste=late) == [[], []]
