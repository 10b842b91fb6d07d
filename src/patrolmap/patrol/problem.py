"""What a search works on: graphs, prizes and crews as arrays, made from streets, risk, shifts."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._crs import WGS84
from patrolmap.errors import DepotError, InfeasibleError, OptionError
from patrolmap.patrol.access import closed_segments, paces, unlit_segments
from patrolmap.patrol.arcs import far_from, has_arc, reverse
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.services import (
    Rules,
    limits,
    require_in_sector,
    require_rules,
    rules_of,
    where_left,
)
from patrolmap.patrol.shifts import Depot, Shift
from patrolmap.patrol.turns import planning_lengths, turns_cost, with_lengths
from patrolmap.streets.network import Graph, Mode, StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DEPOT_REACH = 250.0  # m
SECTOR_SLACK = 1.0  # m: a street along the sector's edge belongs to it
MOST_RISK = 1e100
LONGEST_ROUTE = 1_900_000.0  # m: the search keeps distances as millimetres in 32 bits


@dataclass(frozen=True, kw_only=True)
class Group:
    """Crews that may use the same arcs, as fast, and earn on the same segments."""

    graph: Graph  # lengths are millimetres of a crew's budget
    earns: Bools  # (n_segments,)
    mode: Mode
    mm: Ints  # (n_segments,) millimetres of a crew's budget, turns not counted
    planned: Graph  # the same arcs, with what turns cost on average; else `graph` itself
    planned_mm: Ints
    _far: dict[tuple[bool, int], Floats] = field(default_factory=dict, repr=False, compare=False)

    def out(self, node: int) -> Floats:
        """Return the millimetres from a node to every node, inf where there is no way."""
        return self._known(False, node)

    def back(self, node: int) -> Floats:
        """Return the millimetres from every node to one."""
        return self._known(not self._both_ways, node)

    def _known(self, turned: bool, node: int) -> Floats:
        """Search the streets from each node only once: a city has many depots, and is large."""
        if (turned, node) not in self._far:
            self._far[turned, node] = far_from(self.backward if turned else self.graph, node)
        return self._far[turned, node]

    @cached_property
    def _both_ways(self) -> bool:
        n = len(self.earns)
        return np.array_equal(has_arc(self.graph, True, n), has_arc(self.graph, False, n))

    @cached_property
    def backward(self) -> Graph:
        """The arcs turned round: distances from a node in it are distances to that node."""
        return reverse(self.graph)


@dataclass(frozen=True, kw_only=True)
class Crew:
    """One crew: nodes are row numbers, seconds count from the plan's first start."""

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
        return f"{self.shift.name}-{self.number}"

    @property
    def speed(self) -> float:
        """Millimetres per second."""
        return self.rules.speed * 1000


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
        """For each crew, the least millimetres to walk each segment and be at the end depot."""
        known: dict[tuple[int, int, int], Floats] = {}
        for crew in self.crews:
            key = (crew.group, crew.start, crew.end)
            if key not in known:
                known[key] = self._round_trip(crew)
        return tuple(known[crew.group, crew.start, crew.end] for crew in self.crews)

    def _round_trip(self, crew: Crew) -> Floats:
        group, (tail, head) = self.groups[crew.group], self.streets.ends
        out, back = group.out(crew.start), group.back(crew.end)
        along, against = (has_arc(group.graph, way, len(tail)) for way in (True, False))
        there = np.where(along, out[tail] + back[head], np.inf)
        other_way = np.where(against, out[head] + back[tail], np.inf)
        trip: Floats = np.minimum(there, other_way) + group.mm
        return trip

    @cached_property
    def least_mm(self) -> Ints:
        """For each segment, the least that a pass takes of any crew's budget."""
        least: Ints = np.minimum.reduce([group.mm for group in self.groups])
        return least

    @cached_property
    def reachable(self) -> tuple[Bools, ...]:
        """For each crew, which segments it can earn on and be back in time."""
        return tuple(
            self.groups[crew.group].earns & (trip <= crew.budget)
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
    starts, prize = _prizes(streets, risk, clock)
    groups: list[Group] = []
    crews: list[Crew] = []
    for shift in shifts:
        shift_rules = rules_of(shift, rules)
        group = _group_of(streets, shift, shift_rules, clock, groups)
        crews += _crews_of(streets, shift, shift_rules, groups[group], group, clock)
    return Problem(
        streets=streets,
        prize=prize,
        bins=np.array([(start - clock).total_seconds() for start in starts]),
        bin_starts=starts,
        groups=tuple(groups),
        crews=tuple(crews),
        clock=clock,
    )


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


def _prizes(
    streets: StreetNetwork, risk: pd.Series | pd.DataFrame, clock: pd.Timestamp
) -> tuple[tuple[pd.Timestamp, ...], Floats]:
    """Return the time bins and the prize of every segment in each, 0 outside the boundary."""
    if not isinstance(risk, pd.Series | pd.DataFrame):
        raise OptionError(
            f"risk is a {type(risk).__name__}; wanted a Series indexed by segment_id, or a "
            "DataFrame with one column per time bin."
        )
    if not risk.index.is_unique:
        twice = risk.index[risk.index.duplicated()][:3].tolist()
        raise OptionError(f"risk names segments more than once, e.g. {twice}; wanted one row each.")
    streets.require_own(risk)
    if isinstance(risk, pd.Series):
        starts: tuple[pd.Timestamp, ...] = (clock,)
        table = risk.to_frame()
    else:
        starts, table = _bin_starts(risk), risk
    return starts, _values(streets, table) * streets.segments["inside"].to_numpy()[:, None]


def _bin_starts(risk: pd.DataFrame) -> tuple[pd.Timestamp, ...]:
    starts = tuple(risk.columns)
    aware = all(isinstance(start, pd.Timestamp) and start.tz is not None for start in starts)
    if not (starts and aware and all(a < b for a, b in itertools.pairwise(starts))):
        raise OptionError(
            "risk as a DataFrame needs one column per time bin, named by the aware Timestamp "
            f"it starts at, in order; given {list(risk.columns)[:3]}."
        )
    return starts


def _values(streets: StreetNetwork, table: pd.DataFrame) -> Floats:
    """Return risk as numbers in the streets' order; what the table lacks is 0."""
    try:
        values = table.reindex(streets.segments.index, fill_value=0.0).to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"risk is not made of numbers ({error}); wanted numbers >= 0.") from error
    wrong = ~(np.isfinite(values) & (values >= 0)).all(axis=1)
    if wrong.any():
        bad = streets.segments.index[wrong]
        raise OptionError(
            f"risk is negative or not a number on {len(bad)} segments, e.g. {bad[:3].tolist()}; "
            "wanted numbers >= 0 (fill gaps with 0)."
        )
    if not values.sum() <= MOST_RISK:
        raise OptionError(
            f"risk adds up to {values.sum():.3g}; wanted at most {MOST_RISK:g}, in any unit."
        )
    out: Floats = values
    return out


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
    start = shift.start.tz_convert(clock.tz)  # parks close by the plan's clock
    usable = _in_sector(streets, shift) & ~closed_segments(segments, rules, start, shift.end)
    graph = streets.graph(mode, usable=None if usable.all() else usable)
    if len(graph.head) == 0:
        other = ", or other rules" if limits(rules) else ""
        raise InfeasibleError(
            f"shift {shift.name!r}: no street {where_left(shift, rules)} allows mode {mode!r}; "
            f"give it another sector, mode or extract{other}."
        )
    earns = np.ones(len(segments), dtype=bool)
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
        Group(graph=graph, earns=earns, mode=mode, mm=mm, planned=planned, planned_mm=planned_mm)
    )
    return len(groups) - 1


def _same(one: Graph, other: Graph) -> bool:
    return np.array_equal(one.segment, other.segment) and np.array_equal(one.length, other.length)


def _in_sector(streets: StreetNetwork, shift: Shift) -> Bools:
    if shift.sector is None:
        return np.ones(len(streets.segments), dtype=bool)
    sector = gpd.GeoSeries([shift.sector], crs=WGS84).to_crs(streets.crs).iloc[0]
    inside: Bools = streets.segments.within(sector.buffer(SECTOR_SLACK)).to_numpy()
    return inside


def _crews_of(
    streets: StreetNetwork,
    shift: Shift,
    rules: PatrolRules,
    group: Group,
    row: int,
    clock: pd.Timestamp,
) -> list[Crew]:
    start = depot_node(streets, group.graph, shift.depot, shift)
    end = (
        start
        if shift.end_depot is None
        else depot_node(streets, group.graph, shift.end_depot, shift)
    )
    metres = shift.seconds * rules.speed
    if metres > LONGEST_ROUTE:
        raise OptionError(
            f"shift {shift.name!r}: {shift.duration} at {rules.speed:g} m/s is {metres:,.0f} m; "
            f"wanted at most {LONGEST_ROUTE:,.0f} m a crew. Cut it into several shifts."
        )
    _require_way(shift, rules, group, start, end)
    begin = (shift.start - clock).total_seconds()
    budget = int(metres * 1000)
    return [
        Crew(
            shift=shift,
            number=number,
            rules=rules,
            group=row,
            start=start,
            end=end,
            begin=begin,
            budget=budget,
        )
        for number in range(1, shift.crews + 1)
    ]


def _require_way(shift: Shift, rules: PatrolRules, group: Group, start: int, end: int) -> None:
    """Raise unless a crew can walk at least one segment and be at its end depot in time."""
    graph = group.graph
    back = group.back(end)
    arcs = slice(graph.indptr[start], graph.indptr[start + 1])
    shortest = (graph.length[arcs] + back[graph.head[arcs]]).min() if start == end else back[start]
    metres = shift.seconds * rules.speed
    if shortest == np.inf:
        raise InfeasibleError(
            f"shift {shift.name!r}: no way leads from its depot to its end depot in mode "
            f"{group.mode!r}; give it another end depot, mode or sector."
        )
    if shortest > metres * 1000:
        need = "the end depot" if start != end else "the first corner and back"
        raise InfeasibleError(
            f"shift {shift.name!r}: in {shift.duration} at {rules.speed:g} m/s a crew covers "
            f"{metres:,.0f} m, and the way to {need} is {shortest / 1000:,.0f} m; "
            "give it more time, or another depot."
        )


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
            "outside the extract or the sector, or where the rules close all streets?"
        )
    return int(streets.nodes.index.get_loc(node_id))
