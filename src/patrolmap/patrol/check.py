"""Verify a plan from its own tables, without the solver and without trusting it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from patrolmap.errors import NetworkMismatchError
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.rules import PatrolRules
from patrolmap.streets.network import StreetNetwork

CLOCK = 0.002  # s: the tables keep whole milliseconds
METRES = 0.0015  # m: the tables keep whole millimetres

Breach = tuple[str, int | None, str, str]


def check_plan(plan: Plan, streets: StreetNetwork | None = None) -> pd.DataFrame:
    """List every way in which a plan breaks its own rules; an empty table is a good plan.

    Checked: each route is a connected walk over segments its mode allows, starts and ends at its
    depots' nodes, keeps its clock and its shift's duration; lengths, passes and prizes are
    recomputed; the bound is not below the prize.

    Parameters
    ----------
    plan
        Any plan, also one that was read from a file or drawn by hand.
    streets
        Where given, the plan's segments are compared with these streets too.

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
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="1h")
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(50))
    >>> len(pm.check_plan(plan, streets))
    0
    """
    breaches: list[Breach] = []
    if streets is not None:
        breaches += _against_streets(plan, streets)
    for route_id, route in plan.routes.iterrows():
        if route_id in plan.visits.index.get_level_values("route_id"):
            visits = plan.visits.loc[route_id]
        else:
            visits = plan.visits.iloc[:0].droplevel("route_id")
        breaches += _route(plan, str(route_id), route, visits)
    stray = plan.visits.index.get_level_values("route_id").difference(plan.routes.index)
    breaches += [(str(i), None, "tables", "visits of a route that is not in routes") for i in stray]
    breaches += _prizes(plan)
    return pd.DataFrame(breaches, columns=["route_id", "step", "rule", "what"])


def _against_streets(plan: Plan, streets: StreetNetwork) -> Iterator[Breach]:
    if plan.provenance.fingerprint != streets.fingerprint:
        raise NetworkMismatchError(
            f"this plan was made on streets {plan.provenance.fingerprint}, given "
            f"{streets.fingerprint}; check it against its own network, or with streets=None."
        )
    fields = ["from_node", "to_node", "length", "walk", "drive_forward", "drive_backward", "inside"]
    theirs = streets.segments.reindex(plan.segments.index)
    for name in fields:
        for segment_id in plan.segments.index[(plan.segments[name] != theirs[name]).to_numpy()]:
            yield ("", None, "streets", f"segment {segment_id}: {name} differs from the streets")


def _route(plan: Plan, route_id: str, route: pd.Series, visits: pd.DataFrame) -> Iterator[Breach]:
    """Check one route: a connected walk, from depot to depot, by the clock."""
    start, end = _node(plan, route["depot"]), _node(plan, route["end_depot"])
    allowed = _duration(plan, str(route["shift"]))
    speed = _rules(plan, str(route["shift"])).speed
    here, clock, walked = start, route["start"], 0.0
    for step, visit in visits.iterrows():
        yield from _step(plan, route_id, int(step), visit, str(route["mode"]))
        if visit["from_node"] not in here:
            yield (route_id, step, "connected", f"starts at {visit['from_node']}, wanted {here}")
        if abs((visit["arrive"] - clock).total_seconds()) > CLOCK:
            yield (route_id, step, "clock", f"begins at {visit['arrive']}, wanted {clock}")
        spent = (visit["depart"] - visit["arrive"]).total_seconds()
        if visit["length"] / speed > spent + CLOCK:
            yield (route_id, step, "speed", f"{visit['length']:g} m in {spent:g} s; {speed:g} m/s")
        here, clock = {visit["to_node"]}, visit["depart"]
        walked += visit["length"]
    if not here & end:
        yield (route_id, None, "depot", f"ends at node {here}, wanted {end}")
    if abs((route["end"] - clock).total_seconds()) > CLOCK:
        yield (route_id, None, "clock", f"ends at {clock}, the routes table says {route['end']}")
    if abs(walked - route["length"]) > METRES * max(1, len(visits)):
        yield (route_id, None, "length", f"walks {walked:.3f} m, table says {route['length']:.3f}")
    taken = (clock - route["start"]).total_seconds()
    if abs(taken - route["duration"]) > CLOCK:
        yield (route_id, None, "duration", f"takes {taken:g} s, table says {route['duration']:g}")
    if taken > allowed + CLOCK:
        yield (route_id, None, "duration", f"takes {taken:g} s of {allowed:g} s")
    if abs(route.geometry.length - walked) > 0.01 * walked + 0.01:
        yield (route_id, None, "geometry", f"line is {route.geometry.length:.1f} m long")


def _step(plan: Plan, route_id: str, step: int, visit: pd.Series, mode: str) -> Iterator[Breach]:
    """Check that one step runs along one segment, whole, where its mode may go."""
    if visit["segment_id"] not in plan.segments.index:
        yield (route_id, step, "segment", f"{visit['segment_id']} is not in the plan's segments")
        return
    segment = plan.segments.loc[visit["segment_id"]]
    ends = (segment["from_node"], segment["to_node"])
    if (visit["from_node"], visit["to_node"]) != (ends if visit["forward"] else ends[::-1]):
        yield (route_id, step, "segment", f"nodes of the step are not those of {segment.name}")
    if abs(visit["length"] - segment["length"]) > METRES:
        yield (route_id, step, "length", f"{visit['length']:g} m, wanted {segment['length']:g} m")
    way = "walk" if mode == "walk" else ("drive_forward" if visit["forward"] else "drive_backward")
    if visit["activity"] != mode:
        yield (route_id, step, "activity", f"{visit['activity']}, the route's mode is {mode}")
    if not segment[way]:
        yield (route_id, step, "access", f"{segment.name} must not be entered ({way})")


def _prizes(plan: Plan) -> Iterator[Breach]:
    """Walk through all passes in clock order and recompute their numbers and prizes."""
    visits = plan.visits.reset_index()
    rank = {route_id: i for i, route_id in enumerate(plan.routes.index)}
    visits["rank"] = visits["route_id"].map(rank).fillna(len(rank))
    visits = visits.sort_values(["arrive", "rank", "step"], kind="stable")
    starts = [pd.Timestamp(start) for start in plan.provenance.bins]
    columns = ["risk"] if len(starts) == 1 else [f"risk_bin_{b}" for b in range(len(starts))]
    risk = plan.segments[columns].to_numpy()
    row_of = {segment_id: i for i, segment_id in enumerate(plan.segments.index)}
    unlit = (plan.segments["lit"] == "no").to_numpy()
    shift_of = plan.routes["shift"].to_dict()
    times: dict[tuple[int, int], int] = {}
    paid: dict[tuple[int, int], tuple[int, pd.Timestamp]] = {}
    for visit in visits.itertuples():
        row = row_of.get(visit.segment_id)
        if row is None or visit.route_id not in shift_of:
            continue
        at = max(0, sum(start <= visit.arrive for start in starts) - 1)
        key = (row, at)
        times[key] = times.get(key, 0) + 1
        if visit.pass_number != times[key]:
            yield (visit.route_id, visit.step, "pass", f"{visit.pass_number}, wanted {times[key]}")
        rules = _rules(plan, str(shift_of[visit.route_id]))
        count, last = paid.get(key, (0, visit.arrive))
        share = rules.share_of_pass(count, (visit.arrive - last).total_seconds() + CLOCK)
        if rules.unlit == "avoid" and unlit[row]:
            share = 0.0
        if share > 0:
            paid[key] = (count + 1, visit.arrive)
        wanted = share * risk[row, at]
        if not np.isclose(visit.prize, wanted, rtol=1e-9, atol=1e-12):
            yield (visit.route_id, visit.step, "prize", f"{visit.prize:g}, wanted {wanted:g}")
    yield from _totals(plan)


def _totals(plan: Plan) -> Iterator[Breach]:
    by_route = plan.visits.groupby(level="route_id")["prize"].sum()
    by_route = by_route.reindex(plan.routes.index, fill_value=0.0)
    for route_id in plan.routes.index[~np.isclose(by_route, plan.routes["prize"])]:
        yield (str(route_id), None, "prize", f"the visits add up to {by_route[route_id]:g}")
    total, stated = float(plan.routes["prize"].sum()), plan.provenance
    if not np.isclose(total, stated.prize):
        yield ("", None, "prize", f"routes add up to {total:g}, provenance says {stated.prize:g}")
    if stated.upper_bound < total * (1 - 1e-9):
        yield ("", None, "bound", f"upper bound {stated.upper_bound:g} is below prize {total:g}")


def _node(plan: Plan, name: str) -> set[int]:
    """Return the nodes that a depot stands at: one for each set of rules that moves it."""
    return set(plan.stops.loc[plan.stops["name"] == name, "node_id"])


def _rules(plan: Plan, shift: str) -> PatrolRules:
    return PatrolRules(**plan.provenance.rules[shift])


def _duration(plan: Plan, shift: str) -> float:
    return plan.provenance.durations[shift]
