"""Two crews on the move are too near or not: who stands, or must meet, does not count."""

import numpy as np
from shapely.geometry import LineString

from crews import depot_at
from patrolmap.patrol import PatrolRules
from patrolmap.patrol.tracks import Track, by_duty, too_near, track_of
from towns import grid_town

CAFE = depot_at(grid_town(6, 6), (400.0, 200.0), name="cafe")


def walk_along(
    y: float, *spans: tuple[float, float, float, float], stands: tuple[int, ...]
) -> Track:
    """Walk along a street to the east: from x to x between two moments (s), span by span."""
    lines = np.array([LineString([(a, y), (b, y)]) for a, b, _, _ in spans], dtype=object)
    clock = np.array([(c, d) for _, _, c, d in spans], dtype=np.int64) * 1000
    ahead = np.ones(len(spans), dtype=bool)
    return track_of(lines, ahead, clock[:, 0], clock[:, 1], np.array(stands, dtype=np.int64))


def test_only_moments_at_which_both_move_are_too_near() -> None:
    passing = walk_along(0.0, (-500, 500, 0, 1000), stands=())
    beside = walk_along(20.0, (-500, 500, 0, 1000), stands=())
    assert len(too_near(passing, beside, 50)) > 50
    waiting = walk_along(20.0, (-200, 0, 0, 200), (0, 200, 900, 1100), stands=())
    assert len(too_near(passing, waiting, 50)) == 0  # it stands at x = 0 while the other passes


def test_crews_may_meet_where_one_has_its_break_and_nowhere_else() -> None:
    one = walk_along(0.0, (-400, 0, 0, 400), (0, 400, 400, 800), stands=())
    same = ((-400, 0, 0, 400), (0, 400, 400, 800))
    whole = too_near(one, walk_along(20.0, *same, stands=()), 50)
    with_break = too_near(one, walk_along(20.0, *same, stands=(1,)), 50)
    free = set(whole.tolist()) - set(with_break.tolist())
    assert {round(one.xy[row, 0]) for row in free} <= set(range(-50, 51))
    assert len(free) >= 8
    assert walk_along(0.0, *same, stands=(2,)).meets.tolist() == [[-400, 0], [400, 0]]


def test_reports_by_radio_are_no_reason_to_meet() -> None:
    done = ["walk", "break", "report", "dwell"]
    by_radio = PatrolRules(report_every="1h")
    at_point = PatrolRules(report_every="1h", report_at=CAFE)
    assert by_duty(by_radio, done).tolist() == [False, True, False, False]
    assert by_duty(at_point, done).tolist() == [False, True, True, False]
