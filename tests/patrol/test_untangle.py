"""Crews that walk the same ground meet less, and their walks stay as long."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crews import flat_risk, shift_at
from patrolmap.patrol import PatrolRules
from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import Haste
from patrolmap.patrol.problem import Problem, build_problem
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.tracks import too_near, walked
from patrolmap.patrol.untangle import untangled
from towns import grid_town

PLACE = grid_town(7, 7)
METRES = 60.0
RULES = PatrolRules(crew_distance=METRES, break_length="5min")


@pytest.fixture(scope="module")
def problem() -> Problem:
    shift = shift_at(PLACE, (300.0, 300.0), minutes=60, crews=3, rules=RULES)
    return build_problem(PLACE, flat_risk(PLACE), [shift], None)


def always(row: int, order: Order) -> bool:
    """Every walk keeps the rules."""
    return True


def meetings(problem: Problem, orders: list[Order]) -> int:
    """Count the moments at which two crews are too near, pair by pair."""
    tracks = [walked(Stepper(problem), row, order)[0] for row, order in enumerate(orders)]
    known = [track for track in tracks if track is not None]
    return sum(
        len(too_near(one, other, METRES)) for i, one in enumerate(known) for other in known[:i]
    )


def drawn(problem: Problem, seed: int, n: int) -> list[Order]:
    """Draw orders of streets, each with a break in it."""
    random = np.random.default_rng(seed)
    first = len(problem.prize) + problem.standing.n_earning
    orders = []
    for row in range(len(problem.crews)):
        streets = random.choice(len(problem.prize), n, replace=False).tolist()
        order = [(street, bool(random.random() < 0.5)) for street in streets]
        order.insert(n // 2, (first + row, True))
        orders.append(order)
    return orders


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 7))
def test_the_same_streets_in_walks_as_long_that_meet_no_more(
    problem: Problem, seed: int, n: int
) -> None:
    given_orders = drawn(problem, seed, n)
    orders = untangled(problem, given_orders, Stepper(problem), always)
    assert meetings(problem, orders) <= meetings(problem, given_orders)
    for row, (order, before) in enumerate(zip(orders, given_orders, strict=True)):
        assert sorted(entry for entry, _ in order) == sorted(entry for entry, _ in before)
        steps = Stepper(problem)
        assert steps.steps(row, order).used <= steps.steps(row, before).used


def test_crews_who_walk_hand_in_hand_part(problem: Problem) -> None:
    same = drawn(problem, 7, 12)[0]
    streets = [entry for entry in same if entry[0] < len(problem.prize)]
    orders: list[Order] = [streets] * 3
    before = meetings(problem, orders)
    assert before > 300
    assert meetings(problem, untangled(problem, orders, Stepper(problem), always)) < before / 3


def test_a_crew_whose_rules_forbid_it_stays_with_its_walk(problem: Problem) -> None:
    streets = [entry for entry in drawn(problem, 7, 12)[0] if entry[0] < len(problem.prize)]
    orders: list[Order] = [streets] * 3
    found = untangled(problem, orders, Stepper(problem), lambda row, order: row != 1)
    assert found[1] == streets != found[0]
    assert meetings(problem, found) < meetings(problem, orders)


def test_who_is_late_leaves_walks_as_they_are(problem: Problem) -> None:
    orders = drawn(problem, 3, 8)
    late = Haste(elapsed=lambda: 2.0, until=1.0)
    assert untangled(problem, orders, Stepper(problem), always, haste=late) == orders
