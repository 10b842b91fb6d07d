"""Rules of the ground in `PatrolRules`: what values they may have, and presets that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from patrolmap.errors import OptionError
from patrolmap.patrol.access import clock_time
from patrolmap.patrol.stop import is_number, parse_duration

if TYPE_CHECKING:
    from patrolmap.patrol.rules import PatrolRules

MOST_COST = 600.0  # s
MOST_METRES = 1000.0
AT_CAR = 60.0  # s of a stop at the car: it is locked, and started again

# Kazakhstan, MVD order No. 164 of 15.02.2023 (reg. 31917), on foot at night: a crew is at least
# two people (p. 2) who stay together at night and report by radio every hour (p. 28). That unlit
# streets are left to the day is not in the order: it is how the foot_night preset works, here with
# lighting judged by class. A crew by car goes at most 300 m from it on foot (p. 50): that binds
# nobody who walks.
GROUND_PRESETS: dict[str, dict[str, Any]] = {
    "kz_order_164": {
        "unlit": "avoid",
        "unknown_lit": "by_class",
        "pair_apart": 0.0,
        "report_every": "1h",
        "excursion": 300.0,
    },
}

_CHOICES = {
    "unlit": ("allow", "avoid", "slow", "forbid"),
    "unknown_lit": ("lit", "unlit", "by_class"),
}


def require_ground(rules: PatrolRules) -> None:
    """Raise `OptionError` unless each rule of the ground has a value it may have."""
    for name, words in _CHOICES.items():
        given = getattr(rules, name)
        if given not in words:
            listed = " or ".join(f'"{word}"' for word in words)
            raise OptionError(f"{name}={given!r}; wanted {listed}.")
    if not (is_number(rules.unlit_pace) and 0.1 <= rules.unlit_pace <= 1):
        raise OptionError(f"unlit_pace={rules.unlit_pace!r}; wanted a share from 0.1 to 1.")
    opens = clock_time(rules.parks_open, what="parks_open")
    closes = rules.no_parks_after
    if closes is not None and opens == clock_time(closes, what="no_parks_after"):
        raise OptionError(f"parks close and open at {closes!r}; wanted two clock times.")
    for name in ("turn_cost", "u_turn_cost"):
        given = getattr(rules, name)
        if not (is_number(given) and 0 <= given <= MOST_COST):
            raise OptionError(f"{name}={given!r}; wanted seconds, 0 to {MOST_COST:g}.")
    passes = rules.corner_passes
    if not (passes is None or (isinstance(passes, int) and is_number(passes) and passes >= 1)):
        raise OptionError(f"corner_passes={passes!r}; wanted a whole number >= 1, or None.")
    apart = rules.crew_distance
    if not (is_number(apart) and 0 <= apart <= MOST_METRES):
        raise OptionError(f"crew_distance={apart!r}; wanted metres, 0 to {MOST_METRES:g}.")
    if rules.beat is not None:
        parse_duration(rules.beat, what="beat")
    pair = rules.pair_apart
    if not (pair is None or (is_number(pair) and 0 <= pair <= MOST_METRES)):
        raise OptionError(f"pair_apart={pair!r}; wanted metres, 0 to {MOST_METRES:g}, or None.")


def require_excursion(rules: PatrolRules) -> None:
    """Raise `OptionError` unless the rules of stops by car have values they may have."""
    far, pair = rules.excursion, rules.car_stop
    if not (far is None or (is_number(far) and 0 < far <= MOST_METRES)):
        raise OptionError(f"excursion={far!r}; wanted metres, up to {MOST_METRES:g}, or None.")
    if not (is_number(rules.foot_speed) and 0.1 <= rules.foot_speed <= 5):
        raise OptionError(f"foot_speed={rules.foot_speed!r}; wanted metres per second, 0.1 to 5.")
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise OptionError(f'car_stop={pair!r}; wanted two durations, e.g. ("15min", "30min").')
    object.__setattr__(rules, "car_stop", tuple(pair))
    least, most = rules.stop_seconds
    if least > most or most <= AT_CAR:
        raise OptionError(
            f"car_stop={pair!r}; wanted the least time first, then the most, over a minute, e.g. "
            '("15min", "30min").'
        )
