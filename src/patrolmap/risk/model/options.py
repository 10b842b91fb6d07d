"""Options of the estimators: checked when made, and again when fitted."""

import math
import re
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.risk.density.kernels import kernel_named
from patrolmap.risk.spots.placed import check_flag
from patrolmap.schema import EVENT_KINDS

METHODS = ("esd", "esc", "simple")


class Options(Protocol):
    """What `check_options` looks at: the fields of `NetworkKDE`."""

    bandwidth: Any
    kernel: str
    method: Any
    half_life: str | None
    weights: Mapping[str, float] | None
    shrink: bool
    season: bool
    max_snap: float
    police_initiated: bool


def check_options(given: Options) -> pd.Timedelta | None:
    """Raise `OptionError` for any option out of its range; return the half-life."""
    for name in ("police_initiated", "shrink", "season"):
        check_flag(name, getattr(given, name))
    kernel_named(given.kernel)
    if given.method not in METHODS:
        raise OptionError(f"method={given.method!r}; wanted one of {list(METHODS)}.")
    for name, or_auto in (("bandwidth", True), ("max_snap", False)):
        value = getattr(given, name)
        if or_auto and isinstance(value, str) and value == "auto":
            continue
        if not is_number(value) or not value > 0:
            auto = ', or "auto"' if or_auto else ""
            raise OptionError(f"{name}={value!r}; wanted a finite number of metres above 0{auto}.")
    check_weights("weights", given.weights, EVENT_KINDS, "kind")
    return check_half_life(given.half_life)


def check_weights(
    name: str, weights: Mapping[str, float] | None, words: tuple[str, ...], what: str
) -> None:
    """Raise unless weights are finite numbers, 0 or more, of known words."""
    for word, weight in (weights or {}).items():
        if word not in words:
            raise OptionError(
                f"{name} name the {what} {word!r}; wanted {what}s out of {list(words)}."
            )
        if not is_number(weight) or weight < 0:
            raise OptionError(f"{name}[{word!r}]={weight!r}; wanted a finite number, 0 or more.")


def check_half_life(text: Any) -> pd.Timedelta | None:
    """Return an age with its unit as a Timedelta, or raise `OptionError`."""
    if text is None:
        return None
    wanted = 'wanted an age above 0 with its unit, such as "60D"'
    if not isinstance(text, (str, pd.Timedelta)) or re.fullmatch(r"[\d.\s]*", str(text)):
        raise OptionError(f"half_life={text!r}; {wanted}.")  # pandas takes bare numbers as ns
    try:
        age = pd.Timedelta(text)
    except ValueError as error:
        raise OptionError(f"half_life={text!r} is not a length of time; {wanted}.") from error
    if age is pd.NaT or age <= pd.Timedelta(0):
        raise OptionError(f"half_life={text!r}; {wanted}.")
    return age


def is_number(value: object) -> bool:
    """Say whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return math.isfinite(value)


def count_events(n: int) -> str:
    """Write a number of events.

    Examples
    --------
    >>> count_events(1), count_events(2000)
    ('1 event', '2,000 events')
    """
    return "1 event" if n == 1 else f"{n:,} events"
