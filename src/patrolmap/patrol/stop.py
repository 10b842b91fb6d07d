"""When to stop a search: criteria that compose with `|`."""

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from patrolmap.errors import OptionError

Progress = Callable[[float, float, float], None]  # share done, best prize so far, bound


class Stop(Protocol):
    """Anything that can say how much of a search is done."""

    def done(self, *, iterations: int, seconds: float) -> float:
        """Return the share done: 0 at the start, 1 or more when it is time to stop."""
        ...


class _Composable:
    def __or__(self: Stop, other: Stop) -> "AnyOf":
        return AnyOf(self, other)


@dataclass(frozen=True)
class MaxRuntime(_Composable):
    """Stop after so many seconds of wall time, preparation included.

    Examples
    --------
    >>> MaxRuntime(30).done(iterations=0, seconds=15)
    0.5
    """

    seconds: float

    def __post_init__(self) -> None:
        if not (is_number(self.seconds) and 0 < self.seconds < float("inf")):
            raise OptionError(f"MaxRuntime({self.seconds!r}): wanted seconds > 0, e.g. 30.")

    def done(self, *, iterations: int, seconds: float) -> float:
        """Return the share of the time that has gone."""
        return seconds / self.seconds


@dataclass(frozen=True)
class MaxIterations(_Composable):
    """Stop after so many iterations of each search; the same seed then gives the same plan.

    Examples
    --------
    >>> stop = MaxIterations(1000) | MaxRuntime(30)
    >>> stop.done(iterations=500, seconds=3)
    0.5
    """

    iterations: int

    def __post_init__(self) -> None:
        if not (is_number(self.iterations) and self.iterations >= 1 and self.iterations % 1 == 0):
            raise OptionError(f"MaxIterations({self.iterations!r}): wanted a whole number >= 1.")

    def done(self, *, iterations: int, seconds: float) -> float:
        """Return the share of the iterations that are done."""
        return iterations / self.iterations


@dataclass(frozen=True)
class AnyOf(_Composable):
    """Stop as soon as either of two criteria says so; made by `a | b`."""

    first: Stop
    second: Stop

    def done(self, *, iterations: int, seconds: float) -> float:
        """Return the larger of the two shares."""
        return max(
            self.first.done(iterations=iterations, seconds=seconds),
            self.second.done(iterations=iterations, seconds=seconds),
        )


def time_for(stop: Stop, part: float, elapsed: float) -> float:
    """Return the seconds that a part of the stop's time leaves now, infinite where it has none."""
    require_stop(stop)
    rate = stop.done(iterations=0, seconds=1.0)
    return max(0.0, part / rate - elapsed) if rate > 0 else float("inf")


def parse_duration(given: str | pd.Timedelta, *, what: str) -> float:
    """Return seconds from "8h", "90min" or a Timedelta; `what` names it in the error.

    Less than a second is refused: it is a number without its unit, which pandas takes for
    nanoseconds.
    """
    try:
        seconds = float(pd.Timedelta(given).total_seconds())
    except (TypeError, ValueError) as error:
        raise OptionError(
            f'{what}={given!r}; wanted a duration such as "8h" or "90min".'
        ) from error
    if not seconds >= 1:  # NaT too
        raise OptionError(
            f"{what}={given!r} is less than a second; wanted a duration with its unit, "
            'such as "8h" or "90min".'
        )
    return seconds


def written(seconds: float) -> str:
    """Write a duration as it may be read again.

    Examples
    --------
    >>> written(5400), written(600), written(45), written(7200)
    ('1h 30min', '10min', '45s', '2h')
    """
    hours, rest = divmod(round(seconds), 3600)
    parts = ((hours, "h"), (rest // 60, "min"), (rest % 60, "s"))
    return " ".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


def is_number(value: object) -> bool:
    """Return whether a value is a real number, True and False left out."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def require_stop(stop: object) -> None:
    """Raise `OptionError` unless something tells when to stop."""
    if not callable(getattr(stop, "done", None)):
        raise OptionError(f"stop={stop!r}; wanted MaxRuntime(30), MaxIterations(1000) or a | b.")


def require_seed(seed: object) -> None:
    """Raise `OptionError` unless the seed is a whole number of at least 0."""
    if not (isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0):
        raise OptionError(f"seed={seed!r}; wanted a whole number >= 0.")
