"""The rules a patrol walks by, as numbers; one documented formula for what a visit earns."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from patrolmap.errors import OptionError
from patrolmap.patrol.access import as_areas
from patrolmap.patrol.rule_times import Place, check_durations, check_window, places_of
from patrolmap.patrol.rules_ground import AT_CAR, GROUND_PRESETS, require_excursion, require_ground
from patrolmap.patrol.stop import is_number, parse_duration


@dataclass(frozen=True, kw_only=True)
class PatrolRules:
    """What a crew may do and what its passes earn.

    Attributes
    ----------
    speed : float
        Metres per second while patrolling; 1.25 (4.5 km/h) is a walk with open eyes.
    repeat_share : float
        What a repeat pass earns of the pass before it, 0 to 1. See `share_of_pass`.
    repeat_after : str
        Least time between two passes that both earn. Two hours is the revisit interval of the
        Koper curve (Koper 1995, doi 10.1080/07418829500096231).
    unlit : "allow", "avoid", "slow" or "forbid"
        What holds for dark streets, all shift long. "avoid": they earn nothing, so nobody is sent
        there; a crew may still cross one on its way. "slow": they are walked at `unlit_pace`.
        "forbid": nobody sets foot there.
    unlit_pace : float
        Share of `speed` on dark streets where `unlit="slow"`, 0.1 to 1. No source: set your own.
    unknown_lit : "lit", "unlit" or "by_class"
        What a street without a lighting tag counts as; "by_class": as streets of its highway class
        mostly are (`patrolmap.patrol.access.DARK_CLASSES` are dark). Streets tagged `lit=no` are
        dark, those tagged otherwise lit.
    no_parks_after, parks_open : str
        Clock times, e.g. "22:00" and "06:00", between which no crew is in a park; the first one
        None: always open. Streets through a park stay open.
    no_go : polygons in degrees
        Areas that no crew enters: a segment is closed if any part of it lies in one. Kept as WKT.
        Those in the plan's own rules bind every shift, also one that has rules of its own.
    turn_cost, u_turn_cost : float
        Seconds lost by a turn off the street one walks on (`street_id` changes), and by a U-turn
        (back along the segment just walked). See `patrolmap.patrol.turns`.
    corner_passes : int, optional
        The most often that a crew may come by one corner (node) in its shift; None: no limit.
    crew_distance : float
        Least metres between two crews on the move, as the crow flies; the larger of both crews'
        counts. See `patrolmap.patrol.tracks.too_near` for where it is not asked.
    beat : str, optional
        Compact beat: from any point of its route a crew on foot reaches any other in so long, e.g.
        "5min". See `patrolmap.patrol.beat.beat_metres`.
    pair_apart : float, optional
        Metres that the members of a crew may be apart: 0, they stay together (MVD order No. 164 of
        2023, p. 28, at night); None: not ruled. A crew is one line on the map: plans state this
        rule and cannot check it.
    briefing, handover : str, optional
        How long a crew stands at its depot before it leaves, e.g. "15min", and at its end depot
        just before the shift ends (who is back early waits).
    break_length : str, optional
        How long a break each crew takes.
    break_window : (str, str) or (float, float)
        When the whole break lies: clock times, e.g. ("22:00", "23:30"), or shares of the shift.
    break_at : places
        Where: a `Depot`, or several; default the shift's depot and its end depot.
    report_every : str, optional
        A crew reports at every full such time of its shift, while it is out: "1h" is MVD order
        164 (Kazakhstan, 2023), p. 28.
    report_length : str
        How long it stands for it.
    report_at : places
        Report points, one of which it then comes to. Without any it reports by radio, at the
        corner where it is nearest the moment.
    report_slack : str
        How far from the full time it may begin to report at a report point.
    dwell : str, optional
        How long a crew stays at a risky corner, so that staying earns: 10 to 15 minutes are best
        (Koper 1995). See `share_of_dwell`.
    dwell_share, dwell_after, dwell_reach : float, str, float
        What a stay earns, the least time between two that both earn, and the metres of each
        street from the corner that it counts for (sight and earshot: 100 m in order 164, p. 28).
    excursion : float, optional
        How far, in metres along the streets, a crew by car goes from its car on foot: it parks,
        walks a loop and drives on; None: it stays in the car. Crews on foot do not ask.
        300 m is order 164, p. 50.
    car_stop : (str, str)
        The least and the most that such a stop takes, and that a crew by car which may get out
        stays at a risky corner: 15 to 30 minutes are order 164, p. 50. See `seconds_of_stop`.
    foot_speed : float
        Metres per second on foot on an excursion, as `speed` of crews on foot.

    Examples
    --------
    >>> PatrolRules.preset("foot_night").unlit
    'avoid'
    """

    speed: float = 1.25
    repeat_share: float = 0.5
    repeat_after: str = "2h"
    unlit: Literal["allow", "avoid", "slow", "forbid"] = "allow"
    unlit_pace: float = 0.5
    unknown_lit: Literal["lit", "unlit", "by_class"] = "lit"
    no_parks_after: str | None = None
    parks_open: str = "06:00"
    no_go: Any = ()
    turn_cost: float = 0.0
    u_turn_cost: float = 0.0
    corner_passes: int | None = None
    crew_distance: float = 0.0
    beat: str | None = None
    pair_apart: float | None = None
    briefing: str | None = None
    handover: str | None = None
    break_length: str | None = None
    break_window: tuple[str, str] | tuple[float, float] = (0.3, 0.7)
    break_at: tuple[Place, ...] = ()
    report_every: str | None = None
    report_length: str = "2min"
    report_at: tuple[Place, ...] = ()
    report_slack: str = "15min"
    dwell: str | None = None
    dwell_share: float = 0.73
    dwell_after: str = "2h"
    dwell_reach: float = 100.0
    excursion: float | None = None
    car_stop: tuple[str, str] = ("15min", "30min")
    foot_speed: float = 1.25

    def __post_init__(self) -> None:
        if not (is_number(self.speed) and 0.1 <= self.speed <= 40):
            raise OptionError(f"speed={self.speed!r}; wanted metres per second, 0.1 to 40.")
        if not (is_number(self.repeat_share) and 0 <= self.repeat_share <= 1):
            raise OptionError(f"repeat_share={self.repeat_share!r}; wanted a share from 0 to 1.")
        require_ground(self)
        require_excursion(self)
        object.__setattr__(self, "no_go", as_areas(self.no_go))
        if not (is_number(self.dwell_share) and 0 <= self.dwell_share <= 1):
            raise OptionError(f"dwell_share={self.dwell_share!r}; wanted a share from 0 to 1.")
        if not (is_number(self.dwell_reach) and 0 < self.dwell_reach <= 1000):
            raise OptionError(f"dwell_reach={self.dwell_reach!r}; wanted metres, up to 1000.")
        check_durations(self)
        object.__setattr__(self, "break_window", check_window(self.break_window))
        for name in ("break_at", "report_at"):
            object.__setattr__(self, name, places_of(getattr(self, name), what=name))

    @property
    def repeat_seconds(self) -> float:
        """`repeat_after` in seconds."""
        return parse_duration(self.repeat_after, what="repeat_after")

    def seconds_of(self, name: str) -> float:
        """Return a rule that is a duration in seconds; 0 where it is off."""
        given = getattr(self, name)
        return 0.0 if given is None else parse_duration(given, what=name)

    def share_of_pass(self, earned_before: int, seconds_since: float) -> float:
        """Return the share of a segment's risk that a pass earns.

        The first pass earns 1. A later one, by any crew, earns `repeat_share ** earned_before` if
        at least `repeat_after` has gone since the last pass that earned, else 0.

        Parameters
        ----------
        earned_before
            How many passes of this segment have earned already, in clock order, in this time bin.
        seconds_since
            Seconds since the last of them began.

        Examples
        --------
        >>> rules = PatrolRules(repeat_share=0.5, repeat_after="2h")
        >>> rules.share_of_pass(0, 0), rules.share_of_pass(1, 7200), rules.share_of_pass(1, 60)
        (1.0, 0.5, 0.0)
        """
        if earned_before == 0:
            return 1.0
        return self.repeat_share**earned_before if seconds_since >= self.repeat_seconds else 0.0

    def share_of_dwell(self, earned_before: int, seconds_since: float, metres: float) -> float:
        """Return the share of the risk of a street that a stay at one of its ends earns.

        The first stay at a corner earns `dwell_share * min(1, dwell_reach / metres)` of each
        street that meets there, beside what the passes earn: a pass is the drive-by of Koper
        (1995), after which disorder came within the next half hour in 15 % of cases; after stays
        of 10 to 16 minutes it came in 4 %, and 1 - 4 / 15 = 0.73. A later stay there, by any crew,
        earns `repeat_share ** earned_before` of that if at least `dwell_after` has gone since the
        last one that earned began, else 0.

        Parameters
        ----------
        earned_before
            How many stays at this corner have earned already, in clock order, in this time bin.
        seconds_since
            Seconds since the last of them began.
        metres
            Length of the street.

        Examples
        --------
        >>> rules = PatrolRules(dwell="10min", dwell_share=0.5)
        >>> rules.share_of_dwell(0, 0, 80), rules.share_of_dwell(0, 0, 200)
        (0.5, 0.25)
        >>> rules.share_of_dwell(1, 7200, 80), rules.share_of_dwell(1, 60, 80)
        (0.25, 0.0)
        """
        if self.dwell is None or (
            earned_before > 0 and seconds_since < self.seconds_of("dwell_after")
        ):
            return 0.0
        near = min(1.0, self.dwell_reach / metres) if metres > 0 else 1.0
        return self.dwell_share * near * self.repeat_share**earned_before

    @property
    def stop_seconds(self) -> tuple[float, float]:
        """`car_stop` in seconds."""
        least, most = (parse_duration(given, what="car_stop") for given in self.car_stop)
        return least, most

    def seconds_of_stop(self, walked: float) -> float:
        """Return how long a car stands whose crew is on foot for so many seconds.

        `max(car_stop[0], walked + 60)`: at least a minute passes at the car, where what is left of
        the least stop is spent too. More than `car_stop[1]` is not allowed.

        Examples
        --------
        >>> rules = PatrolRules(excursion=300)
        >>> rules.seconds_of_stop(200), rules.seconds_of_stop(1000)
        (900.0, 1060.0)
        """
        return max(self.stop_seconds[0], walked + AT_CAR)

    def reports_due(self, seconds: float) -> int:
        """Return how often a crew reports that is out for so many seconds.

        It reports at every full `report_every` before it is back.
        """
        every = self.seconds_of("report_every")
        return max(0, math.ceil(seconds / every) - 1) if every > 0 else 0

    def seconds_between(self, seconds: float) -> float:
        """Return the most seconds a crew can do other things than report in so many seconds.

        Who is back at a full `report_every` reports once less.
        """
        n, length = self.reports_due(seconds), self.seconds_of("report_length")
        earlier = n * self.seconds_of("report_every") - (n - 1) * length if n > 0 else 0.0
        return max(seconds - n * length, earlier)

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return the rules of a named preset: foot_day, foot_night, car, kz_order_164."""
        if name not in PRESETS:
            raise OptionError(f"rules={name!r}; wanted one of {sorted(PRESETS)} or a PatrolRules.")
        return cls(**PRESETS[name])

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as plain values."""
        plain = {}
        for name, value in (asdict(self) | {"no_go": self.no_go}).items():
            plain[name] = [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(
                value, tuple
            ) else value  # fmt: skip
        return plain


PRESETS: dict[str, dict[str, Any]] = {
    "foot_day": {},
    "foot_night": {"unlit": "avoid"},
    "car": {"speed": 5.5, "excursion": 300.0},
    **GROUND_PRESETS,
}
