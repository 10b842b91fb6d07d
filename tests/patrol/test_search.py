"""How a search keeps its time."""

from types import SimpleNamespace
from typing import Any

import pytest

from patrolmap.patrol import MaxIterations, MaxRuntime, search
from patrolmap.patrol.stop import Stop


class SlowRun:
    """A search whose every iteration takes some seconds of a clock that others can read."""

    now = 0.0
    pace = 0.01
    anneals = 1
    prize = 1.0

    def __init__(self, *_: Any, number: int, **__: Any) -> None:
        self.first = number == 0

    def advance(self, iterations: int, share: float) -> None:
        if self.first:  # both run at once
            SlowRun.now += SlowRun.pace * iterations

    def orders(self) -> list[Any]:
        return []


def found(stop: Stop, pace: float, monkeypatch: pytest.MonkeyPatch) -> search.Found:
    """Return what a search of that pace finds."""
    monkeypatch.setattr(search, "_Run", SlowRun)
    SlowRun.now, SlowRun.pace = 0.0, pace
    layout: Any = SimpleNamespace(segment=[0])
    return search.search(layout, stop=stop, seed=0, elapsed=lambda: SlowRun.now)


@pytest.mark.parametrize("pace", [1e-5, 1e-3, 0.01, 0.05])
@pytest.mark.parametrize("limit", [1.0, 10.0, 60.0])
def test_slow_iterations_do_not_overrun_the_limit(
    limit: float, pace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = found(MaxRuntime(limit), pace, monkeypatch).seconds
    assert limit <= seconds <= limit + max(0.02 * limit, 2 * pace, 0.1)


def test_iterations_alone_are_run_as_many_as_said_whatever_their_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for pace in (1e-5, 0.5):
        assert found(MaxIterations(1000), pace, monkeypatch).iterations == 1000
