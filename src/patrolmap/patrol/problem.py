"""What a search works on: graphs, prizes and crews as arrays, made from streets, risk, shifts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import DepotError, InfeasibleError, OptionError
from patrolmap.patrol.access import paces, unlit_segments, usable_segments
from patrolmap.patrol.arcs import far_from, has_arc, reverse
from patrolmap.patrol.on_foot import excursions_of, trip_ways
from patrolmap.patrol.prizes import prizes_of
from patrolmap.patrol.refusals import Refusals
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.services import (
    Rules,
    or_others,
    require_in_sector,
    require_rules,
    rules_of,
    where_left,
)
from patrolmap.patrol.shifts import Depot, Shift, route_id
from patrolmap.patrol.standing import Standing, crew_trip, duties_of, spots_of
from patrolmap.patrol.time_out import said_time, seconds_out, time_taker
from patrolmap.patrol.turns import planning_lengths, turns_cost, with_lengths
from patrolmap.streets.network import Graph, Mode, StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DEPOT_REACH = 250.0  # m
LONGEST_ROUTE = 1_900_000.0  # m: the search keeps distances as millimetres in 32 bits


@dataclass(frozen=True, kw_only=True)
class Group:
    """Crews that may use the same arcs, as fast, and earn on the same segments.

    `places` keeps where named places stand.
    """

    graph: Graph  # lengths are millimetres of a crew's budget
    earns: Bools  # (n_segments,)
    seen: Bools  # (n_segments,) where a stay at an end earns: also just beyond a beat
    mode: Mode
    mm: Ints  # (n_segments,) millimetres of a crew's budget, turns not counted
    planned: Graph  # the same arcs, with what turns cost on average; else `graph` itself
    planned_mm: Ints
    places: dict[Depot, int] = field(default_factory=dict, repr=False, compare=False)
    _far: dict[tuple[bool, int], Floats] = field(default_factory=dict, repr=False, compare=False)

    def out(self, node: int) -> Floats:
        """Return the millimetres from a node to every node, inf where there is no way."""
        return self._known(False, node)

    def back(self, node: int) -> Floats:
        """Return the millimetres from every node to one."""
        return self._known(not self.both_ways, node)

    def _known(self, turned: bool, node: int) -> Floats:
        """Search the streets from each node only once: a city has many depots, and is large."""
        if (turned, node) not in self._far:
            self._far[turned, node] = far_from(self.backward if turned else self.graph, node)
        return self._far[turned, node]

    @cached_property
    def both_ways(self) -> bool:
        """Whether its crews may go either way on each segment that they may use."""
        n = len(self.earns)
        return np.array_equal(has_arc(self.graph, True, n), has_arc(self.graph, False, n))

    @cached_property
    def backward(self) -> Graph:
        """The arcs turned round: distances from a node in it are distances to that node."""
        return reverse(self.graph)


@dataclass(frozen=True, kw_only=True)
class Crew:
    """One crew: nodes are row numbers, seconds count from the plan's first start.

    `budget` leaves out what is said at the depots and by radio, but no other standing.
    """

    shift: Shift
    number: int
    rules: PatrolRules
    group: int
    start: int
    end: int
    begin: float
    budget: int  # mm

    @property
    def route_id(self) -> str:
        """Shift name and number."""
        return route_id(self.shift, self.number)

    @property
    def speed(self) -> float:
        """Millimetres per second."""
        return self.rules.speed * 1000

    @property
    def leaves(self) -> float:
        """When it leaves its depot, on the plan's clock."""
        return self.begin + self.rules.seconds_of("briefing")

    @property
    def reports_by_radio(self) -> bool:
        """Whether it reports, and wherever it is then."""
        return self.rules.report_every is not None and not self.rules.report_at


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Prizes per segment and time bin, and the crews that may collect them.

    Lengths that count against budgets are those of `Group.mm`.

    Attributes
    ----------
    prize : (n_segments, n_bins) float64
        Risk, 0 outside the boundary.
    bins : (n_bins,) float64
        Seconds, on the plan's clock, when each bin starts; the first reaches back without end.
    clock : Timestamp
        Moment 0 of the plan's clock.
    """

    streets: StreetNetwork
    prize: Floats
    bins: Floats
    bin_starts: tuple[pd.Timestamp, ...]
    groups: tuple[Group, ...]
    crews: tuple[Crew, ...]
    clock: pd.Timestamp
    standing: Standing

    @cached_property
    def worth(self) -> Floats:
        """What a first pass of each segment earns, then a stay at each spot, then an excursion."""
        trips = [trip.worth[None, :] for trip in self.standing.excursions.trips]
        return np.concatenate([self.prize, self.standing.worth, *trips])

    @cached_property
    def cost(self) -> Ints:
        """The least millimetres of a pass of each segment, and of a stay at each spot."""
        stays = [_stay(crew) for crew in self.crews if crew.rules.dwell is not None]
        spots = np.full(len(self.standing.spot), min(stays, default=0), dtype=np.int64)
        trips = np.zeros(len(self.standing.excursions.trips), dtype=np.int64)  # bounds know none
        return np.concatenate([self.least_mm, spots, trips])

    def duty_mm(self, row: int) -> float:
        """Return the millimetres that a crew does not walk because of its duties."""
        mine = (d.seconds for d in self.standing.duties if d.crews == (row, row + 1))
        return sum(mine) * self.crews[row].speed

    @cached_property
    def room(self) -> tuple[int, ...]:
        """For each crew, the most millimetres it can walk, or stay to earn."""
        return tuple(
            int(max(0.0, crew.budget - self.duty_mm(i))) + 1 if self.standing.duties
            else crew.budget
            for i, crew in enumerate(self.crews)
        )  # fmt: skip

    def bin_at(self, seconds: Floats | float) -> Ints:
        """Return the time bin of moments on the plan's clock."""
        found = np.searchsorted(self.bins, seconds, side="right") - 1
        return np.maximum(found, 0).astype(np.int64)

    def bins_of(self, crew: Crew) -> Ints:
        """Return the time bins in which a pass of the crew can begin."""
        last = np.searchsorted(self.bins, crew.begin + crew.shift.seconds, side="left") - 1
        return np.arange(int(self.bin_at(crew.begin)), max(int(last), 0) + 1)

    @cached_property
    def round_trips(self) -> tuple[Floats, ...]:
        """For each crew, the least millimetres to walk each segment and be at the end depot.

        Then those to stay at each spot and to make each excursion, infinite for crews that do not.
        """
        known: dict[tuple[int, int, int, float, int], Floats] = {}
        kinds = self.standing.excursions.kind_of or (-1,) * len(self.crews)
        keys = [
            (crew.group, crew.start, crew.end, _stay(crew), kind)
            for crew, kind in zip(self.crews, kinds, strict=True)
        ]
        for key, crew in zip(keys, self.crews, strict=True):
            if key not in known:
                group, spot = self.groups[crew.group], self.standing.spot
                walk = crew_trip(self.streets, group, crew)
                way = group.out(crew.start)[spot] + group.back(crew.end)[spot]
                stays = crew.rules.dwell is not None
                trips = trip_ways(self.standing.excursions, group, crew, key[-1])
                stay = _stay(crew) if stays else np.inf
                known[key] = np.concatenate([walk, way + stay, trips])
        return tuple(known[key] for key in keys)

    @cached_property
    def least_mm(self) -> Ints:
        """For each segment, the least that a pass takes of any crew's budget."""
        least: Ints = np.minimum.reduce([group.mm for group in self.groups])
        return least

    @cached_property
    def reachable(self) -> tuple[Bools, ...]:
        """For each crew, which segments, spots and excursions it can earn on and be back."""
        spots = np.ones(self.standing.n_earning, dtype=bool)
        return tuple(
            np.append(self.groups[crew.group].earns, spots) & (trip <= crew.budget)
            for crew, trip in zip(self.crews, self.round_trips, strict=True)
        )


def build_problem(
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    shifts: Sequence[Shift],
    rules: Rules,
) -> Problem:
    """Check streets, risk and shifts against each other and turn them into arrays.

    Raises
    ------
    OptionError, NetworkMismatchError, DepotError, InfeasibleError
        Naming the shift, what was given and the mend.
    """
    _check_shifts(shifts, rules)
    clock = min(shift.start for shift in shifts)
    starts, prize = prizes_of(streets, risk, clock)
    groups: list[Group] = []
    crews: list[Crew] = []
    refusals = Refusals()
    for shift in shifts:
        with refusals:
            shift_rules = rules_of(shift, rules)
            group = _group_of(streets, shift, shift_rules, clock, groups)
            crews += _crews_of(streets, shift, shift_rules, groups[group], group, clock)
    refusals.settle()
    spot, of, ends, worth = spots_of(streets, prize, groups, crews)
    duties = duties_of(streets, groups, crews)
    excursions = excursions_of(streets, groups, crews, clock)
    return Problem(
        streets=streets,
        standing=Standing(
            spot=spot, of=of, ends=ends, worth=worth, duties=duties, excursions=excursions
        ),
        prize=prize,
        bins=np.array([(start - clock).total_seconds() for start in starts]),
        bin_starts=starts,
        groups=tuple(groups),
        crews=tuple(crews),
        clock=clock,
    )


def _stay(crew: Crew) -> int:
    """Return the millimetres that a crew walks in the time of one stay."""
    return max(1, round(crew.rules.seconds_of("dwell") * crew.speed))


def _check_shifts(shifts: Sequence[Shift], rules: Rules) -> None:
    if not shifts:
        raise OptionError("shifts is empty; wanted at least one Shift.")
    for shift in shifts:
        if not isinstance(shift, Shift):
            raise OptionError(f"shifts holds {shift!r}; wanted Shift objects, each with a depot.")
    names = [str(shift.name) for shift in shifts]
    if len(set(names)) < len(names):
        raise OptionError(
            f"two shifts have one name: {sorted(names)}; give each a name of its own."
        )
    depots = {d for s in shifts for d in (s.depot, s.end_depot) if d is not None}
    places = [depot.name for depot in depots]
    if len(set(places)) < len(places):
        raise OptionError(
            f"two depots at different places have one name: {sorted(places)}; give each its own."
        )
    require_rules(rules, shifts)


def _group_of(
    streets: StreetNetwork,
    shift: Shift,
    rules: PatrolRules,
    clock: pd.Timestamp,
    groups: list[Group],
) -> int:
    """Return the row of the group this shift belongs to, adding it where it is new."""
    segments = streets.segments
    mode: Mode = "walk" if shift.mode == "walk" else "drive"
    usable = usable_segments(streets, shift, rules, clock)
    graph = streets.graph(mode, usable=None if usable.all() else usable)
    if len(graph.head) == 0:
        raise InfeasibleError(
            f"shift {shift.name!r}: no street {where_left(shift, rules)} allows mode {mode!r}; "
            f"give it another sector, mode or extract{or_others(rules)}.",
            shift=str(shift.name), demand=None if shift.sector is None else "sector",
        )  # fmt: skip
    earns = np.zeros(len(segments), dtype=bool)
    earns[graph.segment] = True
    if rules.unlit == "avoid":
        earns &= ~unlit_segments(segments, rules)
    mm = np.ceil(streets.length_mm / paces(segments, rules)).astype(np.int64)
    graph = with_lengths(graph, mm)
    planned_mm = planning_lengths(streets, graph, rules, mm) if turns_cost(rules) else mm
    planned = with_lengths(graph, planned_mm)
    for row, group in enumerate(groups):
        if group.mode == mode and _same(group.graph, graph) and _same(group.planned, planned):
            graph, planned = group.graph, group.planned  # shared, and so one table of distances
            if np.array_equal(group.earns, earns):
                return row
    groups.append(
        Group(graph=graph, earns=earns, seen=earns, mode=mode, mm=mm, planned=planned,
              planned_mm=planned_mm)
    )  # fmt: skip
    return len(groups) - 1


def _same(one: Graph, other: Graph) -> bool:
    return np.array_equal(one.segment, other.segment) and np.array_equal(one.length, other.length)


def _crews_of(
    streets: StreetNetwork,
    shift: Shift,
    rules: PatrolRules,
    group: Group,
    row: int,
    clock: pd.Timestamp,
) -> list[Crew]:
    start = depot_node(streets, group.graph, shift.depot, shift)
    end = depot_node(streets, group.graph, shift.end_depot or shift.depot, shift)
    metres = shift.seconds * rules.speed
    if metres > LONGEST_ROUTE:
        raise OptionError(
            f"shift {shift.name!r}: {shift.duration} at {rules.speed:g} m/s is {metres:,.0f} m; "
            f"wanted at most {LONGEST_ROUTE:,.0f} m a crew. Cut it into several shifts."
        )
    seconds = seconds_out(shift, rules)
    _require_way(shift, rules, group, start, end, seconds)
    begin = (shift.start - clock).total_seconds()
    budget = int(seconds * rules.speed * 1000)
    return [
        Crew(shift=shift, number=number, rules=rules, group=row, start=start, end=end,
             begin=begin, budget=budget)
        for number in range(1, shift.crews + 1)
    ]  # fmt: skip


def _require_way(
    shift: Shift, rules: PatrolRules, group: Group, start: int, end: int, seconds: float
) -> None:
    """Raise unless a crew can walk at least one segment and be at its end depot in time."""
    graph = group.graph
    back = group.back(end)
    arcs = slice(graph.indptr[start], graph.indptr[start + 1])
    shortest = (graph.length[arcs] + back[graph.head[arcs]]).min() if start == end else back[start]
    metres = seconds * rules.speed
    if shortest == np.inf:
        raise InfeasibleError(
            f"shift {shift.name!r}: no way leads from its depot to its end depot in mode "
            f"{group.mode!r}; give it another end depot, mode or sector{or_others(rules)}.",
            shift=str(shift.name), demand=None if shift.sector is None else "sector",
        )  # fmt: skip
    if shortest > metres * 1000:
        need = "the end depot" if start != end else "the first corner and back"
        raise InfeasibleError(
            f"shift {shift.name!r}: in {said_time(shift, seconds)} at {rules.speed:g} m/s a crew "
            f"covers {metres:,.0f} m, and the way to {need} is {shortest / 1000:,.0f} m; "
            "give it more time, or another depot.",
            shift=str(shift.name), demand=time_taker(shift, rules, seconds),
        )  # fmt: skip


def depot_node(streets: StreetNetwork, graph: Graph, depot: Depot, shift: Shift) -> int:
    """Return the row of the nearest node that has arcs in `graph`.

    Raises
    ------
    DepotError
        If none lies within 250 m.
    """
    node_id, distance = streets.nearest_node(depot.lon, depot.lat, graph=graph)
    if distance > DEPOT_REACH:
        require_in_sector(shift, depot, distance)
        raise DepotError(
            f"depot {depot.name!r} (lon={depot.lon:g}, lat={depot.lat:g}) is {distance:,.0f} m "
            f"from the nearest street of shift {shift.name!r} (mode {shift.mode}); wanted at "
            f"most {DEPOT_REACH:.0f} m. Are longitude and latitude swapped, or does it lie "
            "outside the extract or the sector, or where the rules close all streets?",
            shift=str(shift.name), demand=None if shift.sector is None else "sector",
        )  # fmt: skip
    return int(streets.nodes.index.get_loc(node_id))
