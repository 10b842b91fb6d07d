"""Crews that keep a least distance on the move do their duties, and walk nearly as much."""

import numpy as np
import pytest

from crews import assert_good, depot_at, flat_risk, shift_at
from patrolmap.errors import InfeasibleError
from patrolmap.patrol import MaxIterations, PatrolRules, Shift, plan_patrols
from towns import grid_town

PLACE = grid_town(6, 6)
CAFE = depot_at(PLACE, (400.0, 200.0), name="cafe")
TOGETHER = PatrolRules(
    repeat_share=0.0, break_length="5min", break_window=(0.4, 0.6), break_at=CAFE, crew_distance=60
)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_crews_whose_breaks_are_at_one_place_all_get_there(seed: int) -> None:
    shift = shift_at(PLACE, (200.0, 300.0), minutes=40, crews=4, rules=TOGETHER)
    plan = plan_patrols(PLACE, flat_risk(PLACE), [shift], stop=MaxIterations(60), seed=seed)
    assert_good(plan, PLACE, flat_risk(PLACE))
    breaks = plan.visits[plan.visits["activity"] == "break"]
    assert breaks["place"].tolist() == ["cafe"] * 4
    assert plan.provenance.prize > 40


def test_more_crews_than_streets_out_of_their_depot_cannot_leave_apart() -> None:
    # five crews, four streets, one moment
    shift = shift_at(PLACE, (200.0, 300.0), minutes=40, crews=5, rules=TOGETHER)
    with pytest.raises(InfeasibleError, match=r"crew 5: its way over its duties .* crew_distance"):
        plan_patrols(PLACE, flat_risk(PLACE), [shift], stop=MaxIterations(20))
    later = [
        Shift(depot=shift.depot, start=shift.start + np.timedelta64(300 * i, "s"), name=f"n{i}",
              duration="40min", rules=TOGETHER, crews=n)
        for i, n in enumerate((4, 1))
    ]  # fmt: skip
    plan = plan_patrols(PLACE, flat_risk(PLACE), later, stop=MaxIterations(20))
    assert_good(plan, PLACE, flat_risk(PLACE))


def test_crews_of_one_depot_lose_little_of_their_walks() -> None:
    place = grid_town(9, 9)
    risk = flat_risk(place)
    shift = shift_at(place, (400.0, 400.0), minutes=60, crews=4)
    prize = {}
    for metres in (0.0, 60.0):
        rules = PatrolRules(repeat_share=0.0, crew_distance=metres)
        plan = plan_patrols(place, risk, [shift], rules=rules, stop=MaxIterations(300))
        assert_good(plan, place, risk)
        prize[metres] = plan.provenance.prize
    assert prize[60.0] > 0.85 * prize[0.0], prize
