"""Where crews stand: duties that must be done, and corners where a stay earns.

A standing task is a row beyond those of the segments: first the spots, then the stops for
excursions, then each place of each duty. In the search it is a street from a corner to itself, as
long as its crew walks in the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap.errors import DepotError, InfeasibleError, OptionError
from patrolmap.patrol.on_foot import NONE, Excursions
from patrolmap.patrol.refusals import Refusals
from patrolmap.patrol.rule_times import Place, window_seconds
from patrolmap.patrol.shifts import Depot, Shift
from patrolmap.patrol.stop import written

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Group
    from patrolmap.streets.network import StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_PLACES = 8  # of one duty for one crew, the nearest


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Something that one crew, or any crew of a shift, must do.

    Attributes
    ----------
    rule, activity : str
        The rule it comes from, and what the visits table calls it; a must-visit is no standing.
    crews : (int, int)
        Rows of the crews that may do it, from and before.
    seconds, opens, closes : float
        How long, and when it may begin, on the plan's clock.
    places : tuple of (name, node, segment)
        Where: a node's row, and -1; or -1, and a segment's row, which is walked.
    """

    rule: str
    activity: str
    crews: tuple[int, int]
    seconds: float
    opens: float
    closes: float
    places: tuple[tuple[str, int, int], ...]
    said: str

    @property
    def stands(self) -> bool:
        """Whether it takes time and stands in the tables; a must-visit needs neither."""
        return self.rule != "must_visit"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The rows beyond the segments.

    Attributes
    ----------
    spot : (s,) int64
        Node of each spot; no street meets two of them, so nothing is earned twice.
    ends : (e,) int64
        Segments that meet at spots, spot by spot; those of spot i are ends[of[i]:of[i + 1]].
    worth : (s, n_bins) float64
        The most that a first stay earns.
    duties : tuple of Duty
    excursions : Excursions
    """

    spot: Ints
    of: Ints
    ends: Ints
    worth: Floats
    duties: tuple[Duty, ...] = ()
    excursions: Excursions = NONE

    @property
    def n_earning(self) -> int:
        """How many rows there are before those of the duties: spots and excursions."""
        return len(self.spot) + len(self.excursions.trips)

    def place(self, number: int) -> tuple[int, int]:
        """Return the duty that a row beyond those belongs to, and which of its places it is."""
        return self._places[number]

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        return [
            (i, j)
            for i, duty in enumerate(self.duties)
            for j, (_, node, _) in enumerate(duty.places)
            if node >= 0
        ]

    def rows(self, first: int) -> Iterator[tuple[int, int, int]]:
        """Yield (row, duty, place) of every place of a duty; spots begin at row `first`."""
        row = first + self.n_earning
        for i, duty in enumerate(self.duties):
            for j, (_, node, segment) in enumerate(duty.places):
                yield (row if node >= 0 else segment), i, j
                row += node >= 0


def spots_of(
    streets: StreetNetwork, prize: Floats, groups: Sequence[Group], crews: Sequence[Crew]
) -> tuple[Ints, Ints, Ints, Floats]:
    """Choose the corners where staying earns, the riskiest first, no street at two of them."""
    nothing = np.zeros(0, dtype=np.int64)
    staying = [crew for crew in crews if crew.rules.dwell is not None]
    if not staying:
        return nothing, np.zeros(1, dtype=np.int64), nothing, np.zeros((0, prize.shape[1]))
    tail, head = streets.ends
    metres = streets.length_mm / 1000
    share = np.zeros(len(metres))
    for row, rules in {(crew.group, crew.rules) for crew in staying}:
        near = np.minimum(1.0, rules.dwell_reach / np.maximum(metres, 1e-3))
        share = np.maximum(share, np.where(groups[row].earns, rules.dwell_share * near, 0.0))
    worth = prize * share[:, None]
    seen = np.flatnonzero(worth.sum(axis=1) > 0)
    at = np.concatenate([tail[seen], head[seen][tail[seen] != head[seen]]])
    rows = np.concatenate([seen, seen[tail[seen] != head[seen]]])
    total = np.bincount(at, worth.sum(axis=1)[rows], minlength=len(streets.nodes))
    by_node = np.argsort(at, kind="stable")
    first = np.searchsorted(at[by_node], np.arange(len(total) + 1))
    taken = np.zeros(len(metres), dtype=bool)
    spot, ends, of = [], [], [0]
    for node in np.argsort(-total, kind="stable").tolist():
        if total[node] <= 0:
            break
        mine = rows[by_node[first[node] : first[node + 1]]]
        if not taken[mine].any():
            taken[mine] = True
            spot.append(node)
            ends += mine.tolist()
            of.append(len(ends))
    index = np.array(ends, dtype=np.int64)
    sums = np.add.reduceat(worth[index], of[:-1], axis=0) if spot else np.zeros((0, prize.shape[1]))
    return np.array(spot, dtype=np.int64), np.array(of, dtype=np.int64), index, sums


def duties_of(
    streets: StreetNetwork, groups: Sequence[Group], crews: Sequence[Crew]
) -> tuple[Duty, ...]:
    """Return every duty of every crew.

    Raises
    ------
    InfeasibleError
        Naming the rule, the crew and the mend, where a duty is out of reach.
    """
    found: list[Duty] = []
    refusals = Refusals()
    for i, crew in enumerate(crews):
        group = groups[crew.group]
        with refusals:
            found += _breaks(streets, group, crew, i)
            found += _reports(streets, group, crew, i)
            if crew.number == 1:
                found += _visits(streets, group, crew, i)
    refusals.settle()
    for i, crew in enumerate(crews):
        mine = sum(d.seconds for d in found if d.crews == (i, i + 1))
        if mine * crew.speed > crew.budget:
            raise InfeasibleError(
                f"crew {crew.route_id}: its breaks and reports take {mine / 60:,.0f} min of "
                f"{crew.budget / crew.speed / 60:,.0f} min; shorten break_length or "
                "report_length, or give the shift more time.",
                shift=str(crew.shift.name), demand="break_length",
            )  # fmt: skip
    return tuple(found)


def _breaks(streets: StreetNetwork, group: Group, crew: Crew, row: int) -> Iterator[Duty]:
    rules, shift = crew.rules, crew.shift
    if rules.break_length is None:
        return
    seconds = rules.seconds_of("break_length")
    opens, closes = window_seconds(rules.break_window, shift.start, shift.seconds)
    given = rules.break_at or tuple(
        dict.fromkeys((d.name, d.lon, d.lat) for d in (shift.depot, shift.end_depot or shift.depot))
    )
    said = f"break of {written(seconds)} within {_clock(shift, opens)} to {_clock(shift, closes)}"
    yield _duty(
        streets, group, crew, row, given, rule="break_length", activity="break", seconds=seconds,
        opens=opens, closes=closes - seconds, said=said,
    )  # fmt: skip


def _reports(streets: StreetNetwork, group: Group, crew: Crew, row: int) -> Iterator[Duty]:
    rules, shift = crew.rules, crew.shift
    if not rules.report_at:
        return
    slack = rules.seconds_of("report_slack")
    for number in range(rules.reports_due(shift.seconds - rules.seconds_of("handover"))):
        due = (number + 1) * rules.seconds_of("report_every")
        yield _duty(
            streets, group, crew, row, rules.report_at, rule="report_every", activity="report",
            seconds=rules.seconds_of("report_length"), opens=due - slack, closes=due + slack,
            said=f"report at {_clock(shift, due)}, {written(slack)} more or less",
        )  # fmt: skip


def _clock(shift: Shift, seconds: float) -> str:
    return f"{shift.start + np.timedelta64(round(seconds), 's'):%H:%M}"


def _duty(
    streets: StreetNetwork,
    group: Group,
    crew: Crew,
    row: int,
    given: Sequence[Place],
    *,
    rule: str,
    activity: str,
    seconds: float,
    opens: float,
    closes: float,
    said: str,
) -> Duty:
    """Return a duty at those of its places that the crew can come to in time, the nearest."""
    # reports by radio may shift the clock by one of them
    margin = crew.rules.seconds_of("report_length") if crew.reports_by_radio else 0.0
    begin, rules = crew.begin, crew.rules
    latest = crew.shift.seconds - rules.seconds_of("handover") - seconds
    places: list[tuple[float, str, int]] = []
    for name, lon, lat in given:
        node = place_node(streets, group, Depot(name, lon=lon, lat=lat), crew, rule)
        there = group.out(crew.start)[node] / crew.speed + rules.seconds_of("briefing")
        home = group.back(crew.end)[node] / crew.speed
        if there <= closes - margin and max(there, opens) <= latest - home:
            places.append((there + home, name, node))
    if not places:
        names = ", ".join(name for name, *_ in given)
        raise InfeasibleError(
            f"crew {crew.route_id}: {said} at {names} cannot be met ({rule}): no such place can be "
            "reached then, and the end depot from there in time. Widen its window, name a nearer "
            "place, or give the shift more time.",
            shift=str(crew.shift.name), demand=rule,
        )  # fmt: skip
    places.sort()
    return Duty(
        rule=rule, activity=activity, crews=(row, row + 1), seconds=seconds, said=said,
        opens=begin + opens, closes=begin + closes - margin,
        places=tuple((name, node, -1) for _, name, node in places[:MOST_PLACES]),
    )  # fmt: skip


def place_node(
    streets: StreetNetwork, group: Group, place: Depot, crew: Crew, rule: str
) -> int:  # fmt: skip
    """Return the row of the node where a place stands; as for depots, within 250 m."""
    from patrolmap.patrol.problem import depot_node

    try:
        if place not in group.places:
            group.places[place] = depot_node(streets, group.graph, place, crew.shift)
        return group.places[place]
    except DepotError as error:
        raise DepotError(
            f"{rule}: {error}", shift=str(crew.shift.name), demand=rule, place=place.name
        ) from error


def _visits(streets: StreetNetwork, group: Group, crew: Crew, row: int) -> Iterator[Duty]:
    """Return what some crew of a shift must visit."""
    shift = crew.shift
    crews = (row, row + shift.crews)
    for one in shift.must_visit:
        if isinstance(one, Depot):
            node = place_node(streets, group, one, crew, "must_visit")
            trip = group.out(crew.start)[node] + group.back(crew.end)[node]
            place = (one.name, node, -1)
        else:
            if one not in streets.segments.index:
                raise OptionError(
                    f"shift {shift.name!r}: must_visit names segment {one!r}, which is not in the "
                    "streets; give ids of streets.segments, or a Depot."
                )
            segment = int(streets.segments.index.get_loc(one))
            trip = crew_trip(streets, group, crew)[segment]
            place = (str(one), -1, segment)
        if not trip <= crew.budget:
            far = "no way leads there" if trip == np.inf else f"{trip / 1000:,.0f} m there and back"
            raise InfeasibleError(
                f"shift {shift.name!r}: must_visit {place[0]!r} is out of reach: {far}, and a crew "
                f"has {crew.budget / 1000:,.0f} m; give it to a nearer shift, or more time.",
                shift=str(shift.name), demand="must_visit", place=place[0],
            )  # fmt: skip
        yield Duty(
            rule="must_visit", activity=shift.mode, crews=crews, seconds=0.0, opens=-np.inf,
            closes=np.inf, places=(place,), said=f"must_visit {place[0]!r}",
        )  # fmt: skip


def crew_trip(streets: StreetNetwork, group: Group, crew: Crew) -> Floats:
    """Return the least millimetres to walk each segment and be at the end depot."""
    from patrolmap.patrol.arcs import has_arc

    tail, head = streets.ends
    out, back = group.out(crew.start), group.back(crew.end)
    along, against = (has_arc(group.graph, way, len(tail)) for way in (True, False))
    there = np.where(along, out[tail] + back[head], np.inf)
    other_way = np.where(against, out[head] + back[tail], np.inf)
    trip: Floats = np.minimum(there, other_way) + group.mm
    return trip
