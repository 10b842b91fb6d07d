"""The true best of one crew by car that may get out: every drive, stop and loop on foot."""

import heapq
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import Point

from patrolmap.patrol import PatrolRules, Shift
from patrolmap.streets import StreetNetwork

Passed = frozenset[str]
Arcs = dict[int, list[tuple[str, int, float]]]  # node -> segment, node it leads to, metres


def ways(place: StreetNetwork) -> tuple[Arcs, Arcs]:
    """Return what may be driven and what may be walked from each node."""
    driven: Arcs = {node: [] for node in place.nodes.index}
    walked: Arcs = {node: [] for node in place.nodes.index}
    for s in place.segments.itertuples():
        there, back = (s.Index, s.to_node, s.length), (s.Index, s.from_node, s.length)
        for open_to, node, arc in (
            (s.drive_forward, s.from_node, there), (s.drive_backward, s.to_node, back),
        ):  # fmt: skip
            if open_to:
                driven[node].append(arc)
        if s.walk:
            walked[s.from_node].append(there)
            walked[s.to_node].append(back)
    return driven, walked


def loops(
    place: StreetNetwork, walked: Arcs, car: int, rules: PatrolRules
) -> Iterable[tuple[Passed, float]]:
    """Yield what every closed walk round a car passes, and the least seconds the car stands."""
    far = dict.fromkeys(walked, np.inf) | {car: 0.0}
    for _ in walked:
        for node, arcs in walked.items():
            far[node] = min([far[node], *(m + far[other] for _, other, m in arcs)])
    ends = place.segments[["from_node", "to_node"]]
    near = {
        i for i, (a, b) in zip(ends.index, ends.to_numpy().tolist(), strict=True)
        if (far[a] + far[b] + place.segments.loc[i, "length"]) / 2 <= float(rules.excursion or 0)
    }  # fmt: skip
    least, most = rules.stop_seconds
    known = _least(walked, car, rules.foot_speed, most - 60, near)
    for (node, passed), seconds in known.items():
        if node == car and passed:
            yield passed, max(least, seconds + 60)


def _least(
    arcs: Arcs, start: int, speed: float, limit: float, near: set[str]
) -> dict[tuple[int, Passed], float]:
    """Return the least time to be at each node with each set of streets passed."""
    known: dict[tuple[int, Passed], float] = {}
    todo: list[tuple[float, int, int, Passed]] = [(0.0, 0, start, frozenset())]
    count = 0
    while todo:
        clock, _, node, passed = heapq.heappop(todo)
        if (node, passed) in known:
            continue
        known[node, passed] = clock
        for segment, other, metres in arcs[node]:
            then = clock + metres / speed
            if segment in near and then <= limit + 1e-9:
                count += 1
                heapq.heappush(todo, (then, count, other, passed | {segment}))
    return known


def best_by_car(place: StreetNetwork, risk: pd.Series, shift: Shift) -> float:
    """Return the most that one crew collects where a repeat pass earns nothing."""
    rules = shift.rules
    assert isinstance(rules, PatrolRules)
    assert rules.repeat_share == 0
    driven, walked = ways(place)
    here = place.nodes.index[[bool(driven[n]) for n in place.nodes.index]]
    door = gpd.GeoSeries([Point(shift.depot.lon, shift.depot.lat)], crs=4326).to_crs(place.crs)
    start = min(here, key=lambda node: place.nodes.geometry[node].distance(door.iloc[0]))
    stops = {
        car: list(loops(place, walked, car, rules)) if rules.excursion is not None else []
        for car in here
    }
    known: set[tuple[int, Passed]] = set()
    todo: list[tuple[float, int, int, Passed]] = [(0.0, 0, start, frozenset())]
    count, best = 0, 0.0
    while todo:
        clock, _, node, passed = heapq.heappop(todo)
        if (node, passed) in known:
            continue
        known.add((node, passed))
        if node == start:
            best = max(best, float(sum(risk[i] for i in passed)))
        more = [(other, {i}, metres / rules.speed) for i, other, metres in driven[node]]
        more += [(node, got, seconds) for got, seconds in stops.get(node, [])]
        for other, got, seconds in more:
            if clock + seconds <= shift.seconds + 1e-9:
                count += 1
                heapq.heappush(todo, (clock + seconds, count, other, passed | got))
    return best
