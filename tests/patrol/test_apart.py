"""A least distance between crews on the move: who stands, or must meet, does not count."""

import numpy as np
import pytest
from shapely.geometry import LineString

from crews import assert_good, depot_at, flat_risk, shift_at
from patrolmap.errors import InfeasibleError
from patrolmap.patrol import MaxIterations, PatrolRules, Shift, plan_patrols
from patrolmap.patrol.apart import Track, by_duty, too_near, track_of
from towns import grid_town

PLACE = grid_town(6, 6)
CAFE = depot_at(PLACE, (400.0, 200.0), name="cafe")
TOGETHER = PatrolRules(
    repeat_share=0.0, break_length="5min", break_window=(0.4, 0.6), break_at=CAFE, crew_distance=60
)


def walked(y: float, *spans: tuple[float, float, float, float], stands: tuple[int, ...]) -> Track:
    """Walk along a street to the east: from x to x between two moments (s), span by span."""
    lines = np.array([LineString([(a, y), (b, y)]) for a, b, _, _ in spans], dtype=object)
    clock = np.array([(c, d) for _, _, c, d in spans], dtype=np.int64) * 1000
    ahead = np.ones(len(spans), dtype=bool)
    return track_of(lines, ahead, clock[:, 0], clock[:, 1], np.array(stands, dtype=np.int64))


def test_only_moments_at_which_both_move_are_too_near() -> None:
    passing = walked(0.0, (-500, 500, 0, 1000), stands=())
    beside = walked(20.0, (-500, 500, 0, 1000), stands=())
    assert len(too_near(passing, beside, 50)) > 50
    waiting = walked(20.0, (-200, 0, 0, 200), (0, 200, 900, 1100), stands=())
    assert len(too_near(passing, waiting, 50)) == 0  # it stands at x = 0 while the other passes


def test_crews_may_meet_where_one_has_its_break_and_nowhere_else() -> None:
    one = walked(0.0, (-400, 0, 0, 400), (0, 400, 400, 800), stands=())
    same = ((-400, 0, 0, 400), (0, 400, 400, 800))
    whole = too_near(one, walked(20.0, *same, stands=()), 50)
    with_break = too_near(one, walked(20.0, *same, stands=(1,)), 50)
    free = set(whole.tolist()) - set(with_break.tolist())
    assert {round(one.xy[row, 0]) for row in free} <= set(range(-50, 51))
    assert len(free) >= 8
    assert walked(0.0, *same, stands=(2,)).meets.tolist() == [[-400, 0], [400, 0]]


def test_reports_by_radio_are_no_reason_to_meet() -> None:
    done = ["walk", "break", "report", "dwell"]
    by_radio = PatrolRules(report_every="1h")
    at_point = PatrolRules(report_every="1h", report_at=CAFE)
    assert by_duty(by_radio, done).tolist() == [False, True, False, False]
    assert by_duty(at_point, done).tolist() == [False, True, True, False]


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
