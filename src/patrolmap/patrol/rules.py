"""The rules a patrol walks by, as numbers; one documented formula for what a pass earns."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from patrolmap.errors import OptionError
from patrolmap.patrol.access import as_areas
from patrolmap.patrol.rules_ground import GROUND_PRESETS, require_ground
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
        counts. See `patrolmap.patrol.apart.too_near` for where it is not asked.
    beat : str, optional
        Compact beat: from any point of its route a crew on foot reaches any other in so long, e.g.
        "5min". See `patrolmap.patrol.beat.beat_metres`.
    pair_apart : float, optional
        Metres that the members of a crew may be apart: 0, they stay together (MVD order No. 164 of
        2023, p. 28, at night); None: not ruled. A crew is one line on the map: plans state this
        rule and cannot check it.

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

    def __post_init__(self) -> None:
        if not (is_number(self.speed) and 0.1 <= self.speed <= 40):
            raise OptionError(f"speed={self.speed!r}; wanted metres per second, 0.1 to 40.")
        if not (is_number(self.repeat_share) and 0 <= self.repeat_share <= 1):
            raise OptionError(f"repeat_share={self.repeat_share!r}; wanted a share from 0 to 1.")
        require_ground(self)
        object.__setattr__(self, "no_go", as_areas(self.no_go))
        parse_duration(self.repeat_after, what="repeat_after")

    @property
    def repeat_seconds(self) -> float:
        """`repeat_after` in seconds."""
        return parse_duration(self.repeat_after, what="repeat_after")

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

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return the rules of a named preset: foot_day, foot_night, car, kz_order_164."""
        if name not in PRESETS:
            raise OptionError(f"rules={name!r}; wanted one of {sorted(PRESETS)} or a PatrolRules.")
        return cls(**PRESETS[name])

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as plain values."""
        return asdict(self) | {"no_go": list(self.no_go)}


PRESETS: dict[str, dict[str, Any]] = {
    "foot_day": {},
    "foot_night": {"unlit": "avoid"},
    "car": {"speed": 5.5},
    **GROUND_PRESETS,
}
