"""Crews with time left walk streets that nobody passes yet, as far as their rules let them."""

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
from patrolmap.patrol.steps import Stepper
from towns import grid_town

PLACE = grid_town(6, 6)


class Judge:
    """Lets walks be as long as budgets are, and only those streets be walked."""

    def __init__(self, problem: Problem, allowed: set[int]) -> None:
        self.problem, self.allowed, self.stepper = problem, allowed, Stepper(problem)
        self.settled: dict[int, Order] = {}

    def fits(self, row: int, order: Order) -> bool:
        used = self.stepper.steps(row, order).used
        return used <= self.problem.crews[row].budget and {i for i, _ in order} <= self.allowed

    def settle(self, row: int, order: Order) -> None:
        self.settled[row] = order


@pytest.fixture(scope="module")
def problem() -> Problem:
    values = np.random.default_rng(2).pareto(1.2, len(PLACE.segments))
    values[::3] = 0.0
    risk = pd.Series(values, index=PLACE.segments.index, name="risk")
    return build_problem(PLACE, risk, [shift_at(PLACE, minutes=30, crews=2)], None)


def passed(problem: Problem, orders: list[Order]) -> list[int]:
    stepper = Stepper(problem)
    return [s for row, order in enumerate(orders) for s in stepper.steps(row, order).segment]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 3), share=st.floats(0, 1))
def test_what_is_put_in_is_new_allowed_and_within_the_time(
    problem: Problem, seed: int, n: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    streets = len(problem.prize)
    before = [[(int(random.integers(streets)), True) for _ in range(n)] for _ in range(2)]
    allowed = set(np.flatnonzero(random.random(streets) < share).tolist())
    judge = Judge(problem, allowed | {entry for order in before for entry, _ in order})
    orders = refill(problem, before, judge)
    known = set(passed(problem, before))
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
    orders = refill(problem, [[], []], judge)
    stepper = Stepper(problem)
    for row, order in enumerate(orders):
        assert stepper.steps(row, order).used > 0.9 * problem.crews[row].budget
    assert len({entry for order in orders for entry, _ in order}) == sum(map(len, orders))


def test_who_is_late_gets_nothing(problem: Problem) -> None:
    judge = Judge(problem, set(range(len(problem.prize))))
    late = Haste(elapsed=lambda: 2.0, until=1.0)
    assert refill(problem, [[], []], judge, haste=late) == [[], []]
