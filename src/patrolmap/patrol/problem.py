"""What a search works on: graphs, prizes and crews as arrays, made from streets, risk, shifts."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._crs import WGS84
from patrolmap._kernels.paths import distances_from
from patrolmap.errors import DepotError, InfeasibleError, NetworkMismatchError, OptionError
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.shifts import Depot, Shift
from patrolmap.streets.network import Graph, StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DEPOT_REACH = 250.0  # m


@dataclass(frozen=True, kw_only=True)
class Group:
    """Crews that may use the same arcs and earn on the same segments."""

    graph: Graph
    earns: Bools  # (n_segments,)
    mode: str


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


def build_problem(
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    shifts: Sequence[Shift],
    rules: PatrolRules | None,
) -> Problem:
    """Check streets, risk and shifts against each other and turn them into arrays.

    Raises
    ------
    OptionError, NetworkMismatchError, DepotError, InfeasibleError
        Naming the shift, what was given and the mend.
    """
    if not shifts:
        raise OptionError("shifts is empty; wanted at least one Shift.")
    names = [shift.name for shift in shifts]
    if len(set(names)) < len(names):
        raise OptionError(f"two shifts have one name: {sorted(names)}; give each a name of its own.")
    clock = min(shift.start for shift in shifts)
    starts, prize = _prizes(streets, risk, clock)
    groups: list[Group] = []
    crews: list[Crew] = []
    for shift in shifts:
        shift_rules = _rules_of(shift, rules)
        group = _group_of(streets, shift, shift_rules, groups)
        crews += _crews_of(streets, shift, shift_rules, groups[group].graph, group, clock)
    return Problem(
        streets=streets,
        prize=prize,
        bins=np.array([(start - clock).total_seconds() for start in starts]),
        bin_starts=starts,
        groups=tuple(groups),
        crews=tuple(crews),
        clock=clock,
    )


def _prizes(
    streets: StreetNetwork, risk: pd.Series | pd.DataFrame, clock: pd.Timestamp
) -> tuple[tuple[pd.Timestamp, ...], Floats]:
    """Return the time bins and the prize of every segment in each, 0 outside the boundary."""
    streets.require_own(risk)
    if isinstance(risk, pd.Series):
        starts: tuple[pd.Timestamp, ...] = (clock,)
        table = risk.to_frame()
    else:
        starts = tuple(risk.columns)
        table = risk
        aware = all(isinstance(s, pd.Timestamp) and s.tz is not None for s in starts)
        if not aware or list(starts) != sorted(starts) or not starts:
            raise OptionError(
                "risk as a DataFrame needs one column per time bin, named by the aware Timestamp "
                f"it starts at, in order; given {list(risk.columns)[:3]}."
            )
    if not table.index.is_unique:
        raise NetworkMismatchError("risk names a segment more than once; wanted one row each.")
    values = table.reindex(streets.segments.index, fill_value=0.0).to_numpy(dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        bad = streets.segments.index[~(np.isfinite(values) & (values >= 0)).all(axis=1)]
        raise OptionError(
            f"risk is negative or not a number on {len(bad)} segments, e.g. {bad[:3].tolist()}; "
            "wanted numbers >= 0 (fill gaps with 0)."
        )
    return starts, values * streets.segments["inside"].to_numpy()[:, None]


def _rules_of(shift: Shift, rules: PatrolRules | None) -> PatrolRules:
    own = shift.rules
    if isinstance(own, PatrolRules):
        return own
    if rules is not None:
        return rules
    return PatrolRules.preset("foot_day" if shift.mode == "walk" else "car")


def _group_of(
    streets: StreetNetwork, shift: Shift, rules: PatrolRules, groups: list[Group]
) -> int:
    """Return the row of the group this shift belongs to, adding it where it is new."""
    segments = streets.segments
    usable = np.ones(len(segments), dtype=bool)
    if shift.sector is not None:
        sector = gpd.GeoSeries([shift.sector], crs=WGS84).to_crs(streets.crs).iloc[0]
        usable = segments.within(sector.buffer(1.0)).to_numpy()
    earns = usable & segments["walk" if shift.mode == "walk" else "drive_forward"].to_numpy()
    if shift.mode == "drive":
        earns |= usable & segments["drive_backward"].to_numpy()
    if rules.unlit == "avoid":
        earns &= (segments["lit"] != "no").to_numpy()
    mode = "walk" if shift.mode == "walk" else "drive"
    graph = streets.graph(mode, usable=None if usable.all() else usable)
    for row, group in enumerate(groups):
        same = group.mode == mode and np.array_equal(group.earns, earns)
        if same and np.array_equal(group.graph.segment, graph.segment):
            return row
    for group in groups:  # equal arcs share one graph, and so one table of distances
        if group.mode == mode and np.array_equal(group.graph.segment, graph.segment):
            graph = group.graph
    groups.append(Group(graph=graph, earns=earns, mode=mode))
    return len(groups) - 1


def _crews_of(
    streets: StreetNetwork, shift: Shift, rules: PatrolRules, graph: Graph, group: int,
    clock: pd.Timestamp,
) -> list[Crew]:
    start = depot_node(streets, graph, shift.depot, shift)
    end = depot_node(streets, graph, shift.end_depot or shift.depot, shift)
    budget = int(shift.seconds * rules.speed * 1000)
    reach = distances_from(graph.indptr, graph.head, graph.length, start, np.int64(budget))
    arcs = slice(graph.indptr[start], graph.indptr[start + 1])
    once_around = np.where(graph.head[arcs] == start, 1, 2) * graph.length[arcs]
    if reach[end] < 0 or (start == end and once_around.min() > budget):
        need = "the end depot" if start != end else "the first corner and back"
        raise InfeasibleError(
            f"shift {shift.name!r}: in {shift.duration} at {rules.speed:g} m/s a crew covers "
            f"{budget / 1000:,.0f} m, and that is less than the way to {need}; "
            "give it more time, or another depot."
        )
    begin = (shift.start - clock).total_seconds()
    return [
        Crew(
            shift=shift, number=number, rules=rules, group=group, start=start, end=end,
            begin=begin, budget=budget,
        )
        for number in range(1, shift.crews + 1)
    ]


def depot_node(streets: StreetNetwork, graph: Graph, depot: Depot, shift: Shift) -> int:
    """Return the row of the nearest node that has arcs in `graph`.

    Raises
    ------
    DepotError
        If none lies within 250 m.
    """
    node_id, distance = streets.nearest_node(depot.lon, depot.lat, graph=graph)
    if distance > DEPOT_REACH:
        raise DepotError(
            f"depot {depot.name!r} (lon={depot.lon:g}, lat={depot.lat:g}) is {distance:,.0f} m "
            f"from the nearest street of shift {shift.name!r} (mode {shift.mode}); wanted at "
            f"most {DEPOT_REACH:.0f} m. Are longitude and latitude swapped, or does it lie "
            "outside the extract or the sector?"
        )
    return int(streets.nodes.index.get_loc(node_id))
