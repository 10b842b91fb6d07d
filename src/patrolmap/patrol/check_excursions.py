"""Stops by car and loops on foot, verified from a plan's tables: part of `check_plan`."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from patrolmap.patrol.check_stated import Asked, Breach
from patrolmap.patrol.plan import Plan

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CLOCK = 0.002  # s: the tables keep whole milliseconds
SLACK = 0.01  # m


def gets_out(mode: str, asked: Asked | None) -> bool:
    """Return whether the crews of a route may leave their car."""
    return mode == "drive" and asked is not None and asked.rules.excursion is not None


def numbered_stops(activity: Any) -> Ints:
    """Return which excursion each step of a route by car belongs to, -1 for none.

    An excursion is a run of steps on foot and the one wait after it, at the car.
    """
    out, number = np.full(len(activity), -1, dtype=np.int64), -1
    for i, what in enumerate(activity):
        before = activity[i - 1] if i else ""
        if what == "walk":
            number += before != "walk"
            out[i] = number
        elif what == "wait" and before == "walk":
            out[i] = number
    return out


def check_excursions(
    plan: Plan, steps: pd.DataFrame, shifts: Mapping[str, Asked]
) -> Iterator[Breach]:
    """Check each excursion: how far from the car, back to it, and how long the car stands.

    `steps` are the visits in order, with columns row (of the plan's segments, -1 = none), shift,
    on_foot and spent (s). Ways are those along the walkable streets of the plan's own table.
    """
    ground: tuple[Ints, csr_array] | None = None
    for route_id, route in steps.groupby("route_id", sort=False):
        asked = shifts.get(str(route["shift"].iloc[0]))
        if asked is None or not gets_out(str(route["mode"].iloc[0]), asked):
            continue
        yield from _stays(route, asked)
        if not route["on_foot"].any():
            continue
        stop = numbered_stops(route["activity"].to_numpy())
        ground = ground or _walkable(plan)
        for number in range(int(stop.max(initial=-1)) + 1):
            one = route[stop == number]
            if not one["on_foot"].any():
                continue  # walked on no street: named as standing
            yield from _stop(route_id, one, asked)
            yield from _distance(plan, route_id, one, asked, ground)


def _stays(route: pd.DataFrame, asked: Asked) -> Iterator[Breach]:
    """Check that a car stands at a risky corner for as long as its stops may take."""
    least, most = asked.rules.stop_seconds
    for stay in route[(route["activity"] == "dwell").to_numpy()].itertuples():
        if not least - CLOCK <= stay.spent <= most + CLOCK:
            what = f"stays {stay.spent:g} s, a stop by car takes {least:g} to {most:g}"
            yield (stay.route_id, stay.step, "car_stop", what)


def _stop(route_id: Any, one: pd.DataFrame, asked: Asked) -> Iterator[Breach]:
    """Check that the crew comes back to where it left the car, and how long that stood."""
    first, last = one["from_node"].iloc[0], one["to_node"].iloc[-1]
    if first != last or one["to_node"][one["on_foot"].to_numpy()].iloc[-1] != first:
        what = f"leaves its car at node {first}, and comes back at {last}"
        yield (route_id, one["step"].iloc[0], "excursion", what)
    least, most = asked.rules.stop_seconds
    spent = float((one["depart"].iloc[-1] - one["arrive"].iloc[0]).total_seconds())
    if not least - CLOCK <= spent <= most + CLOCK:
        what = f"the car stands {spent:g} s, wanted {least:g} to {most:g}"
        yield (route_id, one["step"].iloc[0], "car_stop", what)
    on_foot = float(one["spent"][one["on_foot"].to_numpy()].sum())
    if not spent >= asked.rules.seconds_of_stop(on_foot) - CLOCK:
        what = f"on foot for {on_foot:g} s of {spent:g} s: no minute is left at the car"
        yield (route_id, one["step"].iloc[0], "car_stop", what)


def _distance(
    plan: Plan, route_id: Any, one: pd.DataFrame, asked: Asked, ground: tuple[Ints, csr_array]
) -> Iterator[Breach]:
    """Check that no point of the walk is too far from the car: half of both ends' and its own."""
    most, (nodes, table) = float(asked.rules.excursion or 0.0), ground
    car = np.searchsorted(nodes, int(one["from_node"].iloc[0]))
    on_foot = one[one["on_foot"].to_numpy() & (one["row"] >= 0).to_numpy()]
    if car == len(nodes) or nodes[car] != int(one["from_node"].iloc[0]):
        return  # named elsewhere: no street of the plan begins there
    away = dijkstra(table, indices=car)
    ends = plan.segments.iloc[on_foot["row"].to_numpy()]
    far = sum(
        away[np.searchsorted(nodes, ends[name].to_numpy())] for name in ("from_node", "to_node")
    )
    far = (far + ends["length"].to_numpy()) / 2
    for step, metres in zip(on_foot.itertuples(), far.tolist(), strict=True):
        if not metres <= most + SLACK:
            what = f"{step.segment_id} is up to {metres:.0f} m from the car, {most:g} m allowed"
            yield (route_id, step.step, "excursion", what)


def _walkable(plan: Plan) -> tuple[Ints, csr_array]:
    """Return the nodes of the plan's streets, and the metres on foot from node to node."""
    segments = plan.segments
    nodes, ends = np.unique(segments[["from_node", "to_node"]].to_numpy(), return_inverse=True)
    walk = segments["walk"].to_numpy(dtype=bool)
    tail, head = ends.reshape(-1, 2)[walk].T
    metres = np.tile(segments["length"].to_numpy()[walk], 2)
    tail, head = np.concatenate([tail, head]), np.concatenate([head, tail])
    order = np.lexsort((metres, head, tail))
    tail, head, metres = tail[order], head[order], metres[order]
    first = np.append(True, (np.diff(tail) != 0) | (np.diff(head) != 0))[: len(tail)]
    first &= tail != head  # of parallel streets the shortest
    table = csr_array((metres[first], (tail[first], head[first])), shape=(len(nodes), len(nodes)))
    return nodes, table
