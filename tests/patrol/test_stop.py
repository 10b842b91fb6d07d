"""When a search stops, and how durations are read."""

import pandas as pd
import pytest

from patrolmap.errors import OptionError
from patrolmap.patrol import MaxIterations, MaxRuntime
from patrolmap.patrol.stop import parse_duration


def test_two_criteria_stop_at_whichever_comes_first() -> None:
    either = MaxIterations(100) | MaxRuntime(10)
    assert either.done(iterations=90, seconds=1) == 0.9
    assert either.done(iterations=10, seconds=11) > 1
    assert (either | MaxIterations(5)).done(iterations=5, seconds=0) == 1


@pytest.mark.parametrize("given", [0, -1, float("nan"), float("inf"), "30", None, True])
def test_a_runtime_that_is_no_number_of_seconds_is_refused(given: object) -> None:
    with pytest.raises(OptionError, match=r"MaxRuntime\(.*wanted seconds > 0, e.g. 30"):
        MaxRuntime(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [0, -5, 2.5, "100", None, float("nan")])
def test_iterations_that_are_no_whole_number_are_refused(given: object) -> None:
    with pytest.raises(OptionError, match=r"MaxIterations\(.*wanted a whole number >= 1"):
        MaxIterations(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("8h", 28800), ("90min", 5400), ("1h 30min", 5400), (pd.Timedelta("1s"), 1), ("1s", 1)],
)
def test_durations_are_read_as_people_write_them(given: str, seconds: float) -> None:
    assert parse_duration(given, what="duration") == seconds


@pytest.mark.parametrize("given", ["", "soon", "0h", "-1h", None, "NaT", [], 8, "8", "1ms"])
def test_a_duration_without_sense_or_unit_is_named(given: str) -> None:
    with pytest.raises(OptionError, match=r'repeat_after=.*such as "8h"'):
        parse_duration(given, what="repeat_after")
