"""Verify a plan from its own tables, without the solver and without trusting it."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import NetworkMismatchError
from patrolmap.patrol import check_risk
from patrolmap.patrol.check_beat import check_beats
from patrolmap.patrol.check_excursions import check_excursions, gets_out
from patrolmap.patrol.check_ground import check_distances, check_ground
from patrolmap.patrol.check_stated import (
    BEYOND_SECTOR,
    Asked,
    Breach,
    asked_shifts,
    bin_starts,
    check_numbers,
)
from patrolmap.patrol.check_time import check_times
from patrolmap.patrol.plan import Plan
from patrolmap.schema import MODES
from patrolmap.streets.network import StreetNetwork

CLOCK = 0.002  # s: the tables keep whole milliseconds
METRES = 0.0015  # m: the tables keep whole millimetres
MEETS = 1.0  # m between the lines of two segments at their common node
DEPOT_REACH = 250.0  # m from a depot to the node that its crews leave from

_FIELDS = (
    *("from_node", "to_node", "length", "walk", "drive_forward", "drive_backward", "inside"),
    *("lit", "highway", "name", "area", "street_id"),
)
_VERIFIED = ("mode", "service", "depot", "end_depot")


def check_plan(
    plan: Plan,
    streets: StreetNetwork | None = None,
    *,
    risk: pd.Series | pd.DataFrame | None = None,
) -> pd.DataFrame:
    """List every way in which a plan breaks its own rules; an empty table is a good plan.

    Checked: each crew asked for has one route, a connected walk over segments its mode allows and
    its sector holds, from depot to depot, by the clock, within its shift; lengths, lines, passes
    and prizes are recomputed; every risky segment is passed or unserved; the bound is not below
    the prize; each crew is briefed, hands over, takes its break and reports when, where and for
    as long as its rules say; what must be visited is; stays are as long as asked, and no street
    earns at two corners; a crew by car walks only on excursions, near enough to its car, back to
    it, and in the time of a stop; every other rule of its crews is kept. Nothing of the solver is
    used but the formulas of `PatrolRules`, of `patrolmap.patrol.access`, of
    `patrolmap.patrol.turns.turn_seconds` and of `patrolmap.patrol.tracks.too_near`.

    Parameters
    ----------
    plan
        Any plan, also one that was read from a file or drawn by hand.
    streets
        Where given, the plan's segments and depots are compared with these streets too.
    risk
        Where given, the plan's risk is compared with this one, as given to `plan_patrols`.

    Returns
    -------
    DataFrame
        One row a breach: route_id, step (or missing), rule, what (was found and wanted).

    Raises
    ------
    NetworkMismatchError
        If `streets` is not the network the plan was made on.

    Examples
    --------
    >>> import pandas as pd, patrolmap as pm
    >>> district = pm.datasets.sample()
    >>> streets = pm.read_streets(district.streets)
    >>> risk = pd.Series(1.0, index=streets.segments.index)
    >>> depot = pm.Depot("square", lon=76.8605, lat=43.2305)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="20min")
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(50))
    >>> len(pm.check_plan(plan, streets, risk=risk))
    0
    """
    with np.errstate(all="ignore"):  # infinite lengths and prizes are breaches, not warnings
        breaches = list(_breaches(plan, streets, risk))
    return pd.DataFrame(breaches, columns=["route_id", "step", "rule", "what"])


def _breaches(
    plan: Plan, streets: StreetNetwork | None, risk: pd.Series | pd.DataFrame | None
) -> Iterator[Breach]:
    shifts, undescribed = asked_shifts(plan)
    yield from undescribed
    starts, unreadable = bin_starts(plan)
    yield from unreadable
    if streets is not None:
        yield from _against_streets(plan, streets)
    if risk is not None:
        yield from check_risk.check_given_risk(plan, risk)
    yield from check_risk.check_segments(plan, len(starts))
    steps = _steps(plan, shifts)
    yield from _stray(plan)
    yield from _crews(plan, shifts)
    yield from _each_step(plan, steps, shifts)
    yield from _sequence(steps)
    yield from check_excursions(plan, steps, shifts)
    yield from check_ground(plan, steps, shifts)
    yield from check_beats(plan, steps, shifts)
    yield from check_distances(plan, steps, shifts)
    for route_id, route in plan.routes.iterrows():
        mine = steps[(steps["route_id"] == route_id).to_numpy()]
        yield from _route(plan, route_id, route, mine, shifts.get(route["shift"]))
    yield from check_times(plan, shifts)
    yield from check_risk.check_passes(plan, shifts, starts)
    yield from check_risk.check_totals(plan)
    yield from check_risk.check_unserved(plan)
    yield from check_numbers(plan)


def _against_streets(plan: Plan, streets: StreetNetwork) -> Iterator[Breach]:
    if plan.provenance.fingerprint != streets.fingerprint:
        raise NetworkMismatchError(
            f"this plan was made on streets {plan.provenance.fingerprint}, given "
            f"{streets.fingerprint}; check it against its own network, or with streets=None."
        )
    known = plan.segments.index.isin(streets.segments.index)
    for segment_id in plan.segments.index[~known].union(
        plan.unserved.index.difference(streets.segments.index)
    ):
        yield ("", None, "streets", f"segment {segment_id} is not in the streets")
    ours = plan.segments[known]
    theirs = streets.segments.loc[ours.index]
    for name in _FIELDS:
        same = (ours[name] == theirs[name]) | (ours[name].isna() & theirs[name].isna())
        for segment_id in ours.index[~same.to_numpy(dtype=bool)]:
            yield ("", None, "streets", f"segment {segment_id}: {name} differs from the streets")
    moved = ~shapely.equals_exact(ours.geometry.array, theirs.geometry.array, tolerance=METRES)
    for segment_id in ours.index[moved]:
        yield ("", None, "streets", f"segment {segment_id}: its line differs from the streets")
    for stop in plan.stops.itertuples():
        if stop.node_id not in streets.nodes.index:
            yield ("", None, "streets", f"{stop.kind} {stop.name} stands at no node of the streets")
        elif not stop.geometry.distance(streets.nodes.geometry[stop.node_id]) <= DEPOT_REACH:
            yield ("", None, "streets", f"{stop.kind} {stop.name} is far from its node")


def _steps(plan: Plan, shifts: Mapping[str, Asked]) -> pd.DataFrame:
    """Return the visits in table order, each beside its segment, its route and what was before."""
    steps = plan.visits.reset_index()
    steps["row"] = plan.segments.index.get_indexer(steps["segment_id"])
    steps["walking"] = steps["segment_id"].notna()
    route = plan.routes.reindex(steps["route_id"])
    steps["mode"] = route["mode"].to_numpy()
    steps["shift"] = route["shift"].to_numpy()
    may_walk = [name for name, asked in shifts.items() if gets_out(asked.mode, asked)]
    steps["on_foot"] = (
        steps["walking"] & (steps["activity"] == "walk") & (steps["mode"] == "drive")
        & steps["shift"].isin(may_walk)
    )  # fmt: skip
    steps["going"] = steps["mode"].where(~steps["on_foot"], "walk")
    speeds, on_foot = (
        steps["shift"].map({name: getattr(a.rules, rule) for name, a in shifts.items()})
        for rule in ("speed", "foot_speed")
    )
    speeds = speeds.where(~steps["on_foot"], on_foot)
    steps["speed"] = speeds.astype("float64").fillna(np.inf)
    steps["spent"] = (steps["depart"] - steps["arrive"]).dt.total_seconds()
    by_route = steps.groupby("route_id", sort=False)
    steps["number"] = by_route.cumcount()
    steps["node_before"] = by_route["to_node"].shift()
    steps["clock_before"] = by_route["depart"].shift()
    return steps


def _stray(plan: Plan) -> Iterator[Breach]:
    ids = plan.visits.index.get_level_values("route_id").unique()
    for route_id in ids.difference(plan.routes.index):
        yield (str(route_id), None, "tables", "visits of a route that is not in routes")


def _crews(plan: Plan, shifts: Mapping[str, Asked]) -> Iterator[Breach]:
    """Check that every crew asked for has one route."""
    for name, asked in shifts.items():
        given = sorted(plan.routes.loc[plan.routes["shift"] == name, "crew"].tolist())
        if given != list(range(1, asked.crews + 1)):
            yield ("", None, "crews", f"shift {name!r}: crews {given}, wanted 1 to {asked.crews}")


def _flag(
    steps: pd.DataFrame, wrong: Any, rule: str, say: Callable[[Any], str]
) -> Iterator[Breach]:
    """Yield a breach for every step where `wrong` is True."""
    for step in steps[np.asarray(wrong, dtype=bool)].itertuples():
        yield (step.route_id, step.step, rule, say(step))


def _each_step(plan: Plan, steps: pd.DataFrame, shifts: Mapping[str, Asked]) -> Iterator[Breach]:
    """Check each step by itself: along one segment, whole, where its mode may go."""
    unknown = steps["walking"] & (steps["row"] < 0)
    yield from _flag(steps, unknown, "segment", lambda s: f"{s.segment_id} is not in segments")
    yield from _standing(steps[~steps["walking"]])
    walked = steps[steps["row"] >= 0]
    segment = plan.segments.iloc[walked["row"]].reset_index(drop=True)
    walked = walked.reset_index(drop=True)
    ahead = walked["forward"].to_numpy()
    ends = (segment["from_node"].to_numpy(), segment["to_node"].to_numpy())
    first, last = np.where(ahead, ends[0], ends[1]), np.where(ahead, ends[1], ends[0])
    wrong = (walked["from_node"] != first) | (walked["to_node"] != last)
    yield from _flag(walked, wrong, "segment", lambda s: f"its nodes are not {s.segment_id}'s")
    wrong = ~((walked["length"] - segment["length"]).abs() <= METRES)
    yield from _flag(walked, wrong, "length", lambda s: f"{s.length:g} m is not {s.segment_id}'s")
    wrong = walked["activity"] != walked["going"]
    yield from _flag(walked, wrong, "activity", lambda s: f"{s.activity}, the mode is {s.mode}")
    driven = np.where(ahead, segment["drive_forward"], segment["drive_backward"])
    allowed = np.where(walked["going"] == "walk", segment["walk"], driven).astype(bool)
    say = "{0.segment_id} must not be entered this way (mode {0.going})".format
    yield from _flag(walked, ~allowed, "access", say)
    wrong = ~(walked["length"] / walked["speed"] <= walked["spent"] + CLOCK)
    say = "{0.length:g} m in {0.spent:g} s, the rules say {0.speed:g} m/s".format
    yield from _flag(walked, wrong, "speed", say)
    for name, asked in shifts.items():
        if asked.sector is not None:
            inside = segment.within(asked.sector.buffer(BEYOND_SECTOR)).to_numpy()
            wrong = (walked["shift"] == name) & ~inside
            yield from _flag(walked, wrong, "sector", lambda s: f"{s.segment_id} is outside")


def _standing(steps: pd.DataFrame) -> Iterator[Breach]:
    """Check that a step without a segment goes nowhere, and that only a stay earns."""
    moves = steps["activity"].isin(MODES) | (steps["from_node"] != steps["to_node"])
    moves |= (steps["length"] != 0) | (steps["pass_number"] != 0) | ~(steps["spent"] >= 0)
    yield from _flag(steps, moves, "segment", lambda s: f"{s.activity} without a segment moves")
    paid = (steps["prize"] != 0) & (steps["activity"] != "dwell")
    yield from _flag(steps, paid, "prize", lambda s: f"{s.prize:g} while standing")


def _sequence(steps: pd.DataFrame) -> Iterator[Breach]:
    """Check that every step begins where and when the one before it ended."""
    wrong = steps["step"] != steps["number"]
    yield from _flag(steps, wrong, "tables", lambda s: f"stands at place {s.number} of its route")
    later = steps[steps["number"] > 0]
    wrong = later["from_node"] != later["node_before"]
    say = "starts at node {0.from_node}, the step before ends at {0.node_before:.0f}".format
    yield from _flag(later, wrong, "connected", say)
    wrong = ~((later["arrive"] - later["clock_before"]).dt.total_seconds().abs() <= CLOCK)
    say = "begins at {0.arrive}, the step before ends at {0.clock_before}".format
    yield from _flag(later, wrong, "clock", say)


def _route(
    plan: Plan, route_id: Any, route: pd.Series, steps: pd.DataFrame, asked: Asked | None
) -> Iterator[Breach]:
    """Check one route against its steps and against the shift it belongs to."""
    start, end, walked = route["start"], route["end"], float(steps["length"].sum())
    first, last = (steps["arrive"].min(), steps["depart"].max()) if len(steps) else (start, start)
    if not abs((first - start).total_seconds()) <= CLOCK:
        yield (route_id, None, "clock", f"its first step begins at {first}, the route at {start}")
    if not abs((last - end).total_seconds()) <= CLOCK:
        yield (route_id, None, "clock", f"its last step ends at {last}, the route at {end}")
    taken = (end - start).total_seconds()
    if not abs(taken - route["duration"]) <= CLOCK:
        yield (route_id, None, "duration", f"takes {taken:g} s, table says {route['duration']:g}")
    if not abs(walked - route["length"]) <= METRES * max(1, len(steps)):
        yield (route_id, None, "length", f"walks {walked:.3f} m, table says {route['length']:.3f}")
    yield from _line(plan, route_id, route, steps)
    if asked is not None:
        yield from _shift(plan, route_id, route, steps, asked)


def _shift(
    plan: Plan, route_id: Any, route: pd.Series, steps: pd.DataFrame, asked: Asked
) -> Iterator[Breach]:
    """Check one route against what its shift asked for."""
    for name in _VERIFIED:
        if route[name] != getattr(asked, name):
            what = f"{name} is {route[name]!r}, the shift's is {getattr(asked, name)!r}"
            yield (route_id, None, "shift", what)
    if route["start"] != asked.start:
        yield (route_id, None, "shift", f"starts at {route['start']}, the shift at {asked.start}")
    taken = (route["end"] - route["start"]).total_seconds()
    if not taken <= asked.seconds + CLOCK:
        yield (route_id, None, "duration", f"takes {taken:g} s of {asked.seconds:g} s")
    nodes = (asked.from_node, asked.from_node)
    if len(steps):
        nodes = (steps["from_node"].iloc[0], steps["to_node"].iloc[-1])
    for way, node, wanted, depot in (
        ("starts", nodes[0], asked.from_node, asked.depot),
        ("ends", nodes[1], asked.to_node, asked.end_depot),
    ):
        if node != wanted:
            yield (route_id, None, "depot", f"{way} at node {node}, {depot} stands at {wanted}")
        stops = plan.stops[(plan.stops["name"] == depot) & (plan.stops["node_id"] == wanted)]
        if stops.empty:
            yield (route_id, None, "depot", f"{depot} at node {wanted} is not among the stops")


def _line(plan: Plan, route_id: Any, route: pd.Series, steps: pd.DataFrame) -> Iterator[Breach]:
    """Check that a route's line is that of its segments, end to end, from depot to depot."""
    drawn = _corners(route.geometry)
    parts = []
    for row, forward in zip(steps["row"], steps["forward"], strict=True):
        if row >= 0:
            corners = shapely.get_coordinates(plan.segments.geometry.iloc[row])
            parts.append(corners if forward else corners[::-1])
    for before, after in itertools.pairwise(parts):
        if not (len(before) and len(after) and _apart(before[-1], after[0]) <= MEETS):
            yield (route_id, None, "geometry", "the lines of its segments do not meet")
            return
    walked = _without_twins(np.concatenate([part[bool(i):] for i, part in enumerate(parts)])
                            if parts else drawn[:1])  # fmt: skip
    if drawn.shape != walked.shape or not (np.abs(drawn - walked) <= MEETS).all():
        yield (route_id, None, "geometry", "its line is not that of the segments it walks")
    for name, corner in ((route["depot"], drawn[:1]), (route["end_depot"], drawn[-1:])):
        places = shapely.get_coordinates(plan.stops.geometry[plan.stops["name"] == name])
        near = len(corner) and any(_apart(corner[0], place) <= DEPOT_REACH for place in places)
        if not near:
            yield (route_id, None, "geometry", f"its line does not begin and end near {name}")


def _corners(line: Any) -> npt.NDArray[np.float64]:
    return _without_twins(shapely.get_coordinates(line))


def _without_twins(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Drop corners equal to the one before them: an idle route is one point drawn twice."""
    keep = np.ones(len(corners), dtype=bool)
    keep[1:] = (np.diff(corners, axis=0) != 0).any(axis=1)
    return corners[keep]


def _apart(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float(np.hypot(*(a - b)))
