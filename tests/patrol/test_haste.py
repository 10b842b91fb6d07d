"""What comes after a search gets its part of the time, and does with less of it."""

from typing import Any

import pytest

from crews import assert_good, flat_risk, shift_at
from patrolmap.patrol import (
    MaxIterations,
    MaxRuntime,
    PatrolRules,
    Plan,
    mend,
    plan_patrols,
    relax,
    solve,
)
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper
from towns import grid_town

PLACE = grid_town(8, 8)
RISK = flat_risk(PLACE)
STRICT = PatrolRules(
    corner_passes=2, crew_distance=60, turn_cost=5, u_turn_cost=30, report_every="30min",
    break_length="10min",
)  # fmt: skip
LATE = Haste(elapsed=lambda: 9.0, until=1.0)


class Patient:
    """Stops by iterations, after 1,000 seconds; keeps what it was told of the time."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def done(self, *, iterations: int, seconds: float) -> float:
        self.seen.append(seconds)
        return max(iterations / 40, seconds / 1000)


def looked(monkeypatch: pytest.MonkeyPatch, haste: Haste, **options: Any) -> tuple[Plan, int]:
    """Return a plan mended in such haste, and how many walks were looked at for it."""
    best, steps, count = relax.best_walks, Stepper.steps, [0]

    def counted(self: Stepper, *given: Any) -> Any:
        count[0] += 1
        return steps(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Stepper, "steps", counted)
        patch.setattr(relax, "best_walks", lambda *a, **o: best(*a, **{**o, "haste": haste}))
        shift = shift_at(PLACE, (300.0, 300.0), minutes=170, crews=4, rules=STRICT)
        plan = plan_patrols(PLACE, RISK, [shift], stop=MaxIterations(100), **options)
    return plan, count[0]


def test_work_that_follows_gets_what_work_before_it_leaves() -> None:
    now = [0.0]
    haste = Haste(elapsed=lambda: now[0], until=8.0)
    assert [part.until for part in haste.parted(2)] == [4.0, 8.0]
    now[0] = 6.0
    assert (haste.left, haste.late()) == (2.0, False)
    now[0] = 8.0
    assert (haste.left, haste.late()) == (0.0, True)
    assert not any(part.late() for part in AT_LEISURE.parted(3))


def test_who_is_late_looks_at_few_walks_and_still_keeps_every_rule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calm, many = looked(monkeypatch, AT_LEISURE)
    hasty, few = looked(monkeypatch, LATE)
    for plan in (calm, hasty):
        assert_good(plan, PLACE, RISK)
        assert {"break", "report"} <= set(plan.visits["activity"])
    assert few < many / 2, (few, many)
    assert hasty.provenance.prize > 0.3 * calm.provenance.prize


@pytest.mark.parametrize(("rules", "kept"), [(STRICT, 300.0), (PatrolRules(), 0.0)])
def test_a_search_stops_in_time_for_what_follows_it(
    monkeypatch: pytest.MonkeyPatch, rules: PatrolRules, kept: float
) -> None:
    slow = mend.mending_seconds
    monkeypatch.setattr(mend, "mending_seconds", lambda problem: 5000 * slow(problem))
    stop, until, best = Patient(), list[float](), relax.best_walks

    def told(*given: Any, haste: Haste, **options: Any) -> Any:
        until.append(haste.until)
        return best(*given, haste=haste, **options)

    monkeypatch.setattr(relax, "best_walks", told)
    shift = shift_at(PLACE, (300.0, 300.0), minutes=60, crews=2, rules=rules)
    plan_patrols(PLACE, RISK, [shift], stop=stop)
    assert max(stop.seen) >= kept  # the share of the time that mending may take counts as gone
    assert (max(stop.seen) < 100) == (kept == 0)
    assert 990 < until[0] <= 1000
    assert solve.MEND_PART * 1000 == 300.0


def test_a_time_limit_holds_with_rules_that_are_mended_after_the_search() -> None:
    shift = shift_at(PLACE, (300.0, 300.0), minutes=100, crews=6, rules=STRICT)
    plan = plan_patrols(PLACE, RISK, [shift], stop=MaxRuntime(1.0), relax=True)
    assert_good(plan, PLACE, RISK)
    assert plan.provenance.runtime < 3.0  # generous: a machine may be busy
