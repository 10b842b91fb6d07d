"""Durations, windows and places of rules: checked, and read against a shift's clock."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.patrol.stop import is_number, parse_duration

if TYPE_CHECKING:
    from patrolmap.patrol.rules import PatrolRules

Place = tuple[str, float, float]  # name, lon, lat (degrees)

OPTIONAL = ("briefing", "handover", "break_length", "report_every", "dwell")
ALWAYS = ("repeat_after", "report_length", "report_slack", "dwell_after")
CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)$")


def check_durations(rules: "PatrolRules") -> None:
    """Refuse what is no duration, and reports longer than the time between them."""
    for name in (*OPTIONAL, *ALWAYS):
        given = getattr(rules, name)
        if given is not None or name in ALWAYS:
            parse_duration(given, what=name)
    if rules.report_every is not None:
        every, length = rules.seconds_of("report_every"), rules.seconds_of("report_length")
        if length >= every:
            raise OptionError(
                f"report_length={rules.report_length!r} is not shorter than "
                f"report_every={rules.report_every!r}; wanted a shorter report."
            )
        if rules.report_at and 2 * rules.seconds_of("report_slack") >= every:
            raise OptionError(
                f"report_slack={rules.report_slack!r} is half of report_every="
                f"{rules.report_every!r} or more; wanted less, so that reports stay apart."
            )


def check_window(given: Any) -> Any:
    """Return a window as a pair: two clock times, or two shares of a shift."""
    pair = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else ()
    if len(pair) == 2:
        if all(isinstance(v, str) and CLOCK.match(v) for v in pair) and pair[0] != pair[1]:
            return pair
        if all(is_number(v) for v in pair) and 0 <= pair[0] < pair[1] <= 1:
            return (float(pair[0]), float(pair[1]))
    raise OptionError(
        f'break_window={given!r}; wanted two clock times such as ("22:00", "23:30"), or two '
        "shares of the shift such as (0.3, 0.7)."
    )


def places_of(given: Any, *, what: str) -> tuple[Place, ...]:
    """Return places as (name, lon, lat), from a `Depot`, several, or such triples."""
    one = hasattr(given, "lon") or (isinstance(given, tuple) and given[:1] and (
        isinstance(given[0], str)))  # fmt: skip
    try:
        found = []
        for place in [given] if one else list(given):
            name, lon, lat = (place.name, place.lon, place.lat) if hasattr(place, "lon") else place
            found.append((str(name), float(lon), float(lat)))
            if not (-180 <= found[-1][1] <= 180 and -90 <= found[-1][2] <= 90):
                raise ValueError("no place on earth")
    except (TypeError, ValueError) as error:
        raise OptionError(
            f'{what}={given!r}; wanted a Depot("name", lon=..., lat=...), or several.'
        ) from error
    if len({name for name, *_ in found}) < len(found):
        raise OptionError(f"{what}={given!r}: two places have one name; give each its own.")
    return tuple(found)


def window_seconds(
    window: Any, start: pd.Timestamp, seconds: float
) -> tuple[float, float]:  # fmt: skip
    """Return when a window opens and closes, in seconds from a shift's start.

    A clock time is the next such time from the start on; one that closes no later than it opens
    closes on the next day.

    Examples
    --------
    >>> window_seconds(("23:30", "00:30"), pd.Timestamp("2026-11-22 20:00+05:00"), 28800)
    (12600.0, 16200.0)
    >>> window_seconds((0.25, 0.5), pd.Timestamp("2026-11-22 20:00+05:00"), 28800)
    (7200.0, 14400.0)
    """
    if not isinstance(window[0], str):
        return window[0] * seconds, window[1] * seconds
    midnight = start.normalize()
    opens, closes = (
        (midnight + pd.Timedelta(hours=int(h), minutes=int(m)) - start).total_seconds()
        for h, m in (text.split(":") for text in window)
    )
    day = 86_400.0
    if closes <= opens:
        closes += day
    if closes <= 0:
        opens, closes = opens + day, closes + day
    return opens, closes
