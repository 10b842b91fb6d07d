"""Options of the estimators: checked when made, and again when fitted."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.risk.density.kernels import kernel_named
from patrolmap.risk.density.waves import FARTHEST
from patrolmap.risk.options import check_flag, duration, is_number
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
    if is_number(given.bandwidth) and given.bandwidth > FARTHEST:
        raise OptionError(f"bandwidth={given.bandwidth:g} m; wanted {FARTHEST:g} m or less.")
    if given.method == "simple" and is_number(given.bandwidth) and given.bandwidth < 1:
        raise OptionError(
            f"bandwidth={given.bandwidth:g} m; wanted 1 m or more with method='simple', which "
            "looks at pieces of a fifth of it."
        )
    check_weights("weights", given.weights, EVENT_KINDS, "kind")
    return None if given.half_life is None else duration(given.half_life, name="half_life")


def check_weights(
    name: str, weights: Mapping[str, float] | None, words: tuple[str, ...], what: str
) -> None:
    """Raise unless weights map known words to finite numbers, 0 or more."""
    if weights is None:
        return
    many = "categories" if what == "category" else f"{what}s"
    if not isinstance(weights, Mapping):
        raise OptionError(
            f"{name}={weights!r}; wanted a mapping of {many} to weights, such as "
            f"{{{words[0]!r}: 2.0}}."
        )
    for word, weight in weights.items():
        if word not in words:
            raise OptionError(
                f"{name} name the {what} {word!r}; wanted {many} out of {list(words)}."
            )
        if not is_number(weight) or weight < 0:
            raise OptionError(f"{name}[{word!r}]={weight!r}; wanted a finite number, 0 or more.")
