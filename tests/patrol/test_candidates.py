"""Which passes a search may plan: the richest of every depot, and enough for every crew."""

import numpy as np
import pytest

from patrolmap.patrol import candidates
from patrolmap.patrol.candidates import Reach, Units, choose

BUDGET = 10_000_000  # mm of one crew
STREET = 100_000  # mm of each street
COUNT = 10_000  # streets: more than may all be planned


def units_of(prize: np.ndarray, passes: int = 1) -> Units:
    rows = np.arange(len(prize))
    return Units(
        segment=rows, bin=np.zeros_like(rows), prize=prize, passes=np.full_like(rows, passes)
    )


def metres_of(chosen: tuple[np.ndarray, np.ndarray]) -> float:
    return float(chosen[1].sum()) * STREET


@pytest.fixture
def prize() -> np.ndarray:
    return np.random.default_rng(7).exponential(size=COUNT)


@pytest.mark.parametrize("crews", [1, 3, 12])
def test_depots_side_by_side_have_more_to_choose_from_than_all_their_crews_can_walk(crews, prize):
    length = np.full(COUNT, STREET)
    here = Reach(trip=np.full(COUNT, BUDGET / 10), budget=BUDGET, crews=1)
    chosen = choose(units_of(prize), length, [here] * crews, share=0.5, most=8000)
    assert metres_of(chosen) >= 0.99 * candidates.ROOM * crews * BUDGET
    assert set(chosen[0].tolist()) == set(np.argsort(-prize)[: len(chosen[0])].tolist())


def test_what_one_depot_lacks_nearby_the_others_choose_more_of(prize):
    few = np.where(np.arange(COUNT) < 20, BUDGET / 10, np.inf)  # an island of 20 streets
    everywhere = np.where(np.arange(COUNT) >= 20, BUDGET / 10, np.inf)
    reaches = [Reach(trip=trip, budget=BUDGET, crews=1) for trip in (few, everywhere)]
    rows, passes = choose(units_of(prize), np.full(COUNT, STREET), reaches, share=0.5, most=8000)
    assert set(range(20)) <= set(rows.tolist())
    assert metres_of((rows, passes)) == pytest.approx(2 * candidates.ROOM * BUDGET, abs=STREET)


def test_repeats_are_chosen_when_they_are_worth_more_than_first_passes_elsewhere():
    prize = np.r_[np.full(10, 8.0), np.full(COUNT - 10, 1.0)]
    here = Reach(trip=np.full(COUNT, BUDGET / 10), budget=BUDGET, crews=1)
    rows, passes = choose(
        units_of(prize, passes=3), np.full(COUNT, STREET), [here], share=0.5, most=8000
    )
    of_row = dict(zip(rows.tolist(), passes.tolist(), strict=True))
    assert {of_row[row] for row in range(10)} == {3}
    assert {of_row[row] for row in rows.tolist() if row >= 10} == {1}


def test_few_passes_are_all_chosen_and_never_more_than_there_is_room_for(prize):
    length = np.full(COUNT, STREET)
    here = Reach(trip=np.full(COUNT, BUDGET / 10), budget=BUDGET, crews=1)
    small = Reach(trip=here.trip[:500], budget=BUDGET, crews=1)
    assert len(choose(units_of(prize[:500]), length[:500], [small], share=0.5, most=8000)[0]) == 500
    assert choose(units_of(prize), length, [here], share=0.5, most=50)[1].sum() == 50
    hurried = choose(units_of(prize), length, [here], share=0.5, most=3000)
    assert metres_of(hurried) <= candidates.ROOM * BUDGET + STREET
