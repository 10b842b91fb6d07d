"""What people do today: tours through the centres of clusters of events, and walks at random."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt

import patrolmap as pm
from patrolmap.streets.network import Graph

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Walked = list[str]  # segment ids

HOURS = 4
SPEED = 1.25  # m/s
BUDGET = HOURS * 3600 * SPEED  # m of a crew


@dataclass(frozen=True, kw_only=True)
class Centres:
    """Places to walk to, and how many events stand behind each."""

    xy: Floats
    events: Floats


def kmeans(events: gpd.GeoDataFrame, k: int) -> Centres:
    """Return the centres of k clusters of events."""
    from sklearn.cluster import KMeans

    xy = np.column_stack([events.geometry.x, events.geometry.y])
    found = KMeans(k, n_init=3, random_state=0).fit(xy)
    return Centres(xy=found.cluster_centers_, events=np.bincount(found.labels_).astype(float))


def dbscan(events: gpd.GeoDataFrame, reach: float, least: int) -> Centres:
    """Return the middles of the dense clusters of events."""
    from sklearn.cluster import DBSCAN

    xy = np.column_stack([events.geometry.x, events.geometry.y])
    label = DBSCAN(eps=reach, min_samples=least).fit(xy).labels_
    own = [xy[label == k] for k in range(label.max() + 1)]
    return Centres(
        xy=np.array([part.mean(axis=0) for part in own]).reshape(-1, 2),
        events=np.array([len(part) for part in own], dtype=float),
    )


def tour(
    streets: pm.StreetNetwork, shifts: Sequence[pm.Shift], centres: Centres, *, choose: bool = False
) -> Walked:
    """Walk a tour of centres with every crew: nearest neighbours, 2-opt, as much as fits."""
    usable = np.flatnonzero(np.diff(streets.graph("walk").indptr) > 0)
    door = [streets.nearest_node(s.depot.lon, s.depot.lat)[0] for s in shifts]
    if len(centres.xy) == 0:
        return []
    places = streets.nodes.geometry.iloc[usable]
    there = gpd.GeoSeries(gpd.points_from_xy(*centres.xy.T), crs=streets.crs)
    near = places.sindex.nearest(there, return_all=False)[1]
    nodes = places.index[near].to_numpy()
    stand = [*door, *nodes]
    way = pm.distance_matrix(streets, stand, stand, limit=np.inf).to_numpy()
    home = np.argmin(way[: len(door), len(door) :], axis=0)
    walked: Walked = []
    for depot in range(len(door)):
        own = np.flatnonzero(home == depot)
        corner = places.loc[door[depot]]
        for part in shared_out(centres.xy[own] - [corner.x, corner.y], shifts[depot].crews):
            stops = [depot, *(len(door) + own[part]).tolist()]
            weight = np.append(np.zeros(len(door)), centres.events)
            order = fitting(way, two_opt(way, nearest_first(way, stops)), weight, choose=choose)
            ids = [stand[i] for i in [*order, depot]]
            if len(ids) > 2:
                legs = pm.shortest_paths(streets, ids[:-1], ids[1:])
                walked += list(itertools.chain.from_iterable(legs["segment_ids"]))
    return walked


def shared_out(xy: Floats, crews: int) -> list[Ints]:
    """Share centres among the crews of a depot by their direction from it."""
    order = np.argsort(np.arctan2(xy[:, 1], xy[:, 0]), kind="stable")
    return [part.astype(np.int64) for part in np.array_split(order, crews)]


def nearest_first(way: Floats, stops: list[int]) -> list[int]:
    """Go on to the nearest stop not yet seen."""
    order, left = stops[:1], stops[1:]
    while left:
        best = min(left, key=lambda stop: way[order[-1], stop])
        left.remove(best)
        order.append(best)
    return order


def two_opt(way: Floats, order: list[int]) -> list[int]:
    """Turn parts of a closed tour round while that makes it shorter."""
    better = True
    while better:
        better = False
        for i in range(1, len(order) - 1):
            ends, nexts = np.array(order[i:]), np.array([*order[i + 1 :], order[0]])
            a, b = order[i - 1], order[i]
            gain = way[a, b] + way[ends, nexts] - way[a, ends] - way[b, nexts]
            j = int(np.argmax(gain))
            if gain[j] > 1e-6:
                order[i : i + j + 1] = order[i : i + j + 1][::-1]
                better = True
    return order


def fitting(way: Floats, order: list[int], events: Floats, *, choose: bool) -> list[int]:
    """Leave out stops until the closed tour fits the shift.

    The last ones, as someone does who turns home in time; or with `choose` those with the fewest
    events per metre saved, which is already a plan.
    """
    order = list(order)

    def length() -> float:
        return float(sum(way[a, b] for a, b in itertools.pairwise([*order, order[0]])))

    while len(order) > 1 and length() > BUDGET:
        order.pop(_least(way, order, events) if choose else len(order) - 1)
    return two_opt(way, order)


def _least(way: Floats, order: list[int], events: Floats) -> int:
    """Return which stop of a tour is worth least per metre that it costs."""
    before, at = np.array(order), np.array([*order[1:], order[0]])
    after = np.append(at[1:], at[0])
    saved = way[before, at] + way[at, after] - way[before, after]
    worth = events[at[:-1]] / np.maximum(saved[:-1], 1e-6)
    return 1 + int(np.argmin(worth))


def random_walks(streets: pm.StreetNetwork, shifts: Sequence[pm.Shift], seed: int) -> Walked:
    """Walk on at random, not back where there is another way, and be home in time."""
    random = np.random.default_rng(seed)
    graph = streets.graph("walk")
    walked: Walked = []
    for shift in shifts:
        door = streets.nearest_node(shift.depot.lon, shift.depot.lat)[0]
        start = int(streets.nodes.index.get_loc(door))
        ids = streets.nodes.index
        home = pm.distance_matrix(streets, door, ids, limit=np.inf).to_numpy()[0]
        for _ in range(shift.crews):
            rows, here = stroll(graph, random, start, home)
            back = pm.shortest_paths(streets, int(ids[here]), door).iloc[0]["segment_ids"]
            walked += [*streets.segments.index[rows], *back]
    return walked


def stroll(
    graph: Graph, random: np.random.Generator, start: int, home: Floats
) -> tuple[list[int], int]:
    """Return the rows of segments walked until the way home takes what is left, and the node."""
    rows: list[int] = []
    here, left = start, BUDGET
    while True:
        arcs = np.arange(graph.indptr[here], graph.indptr[here + 1])
        onward = arcs[graph.segment[arcs] != rows[-1]] if rows else arcs
        arc = int(random.choice(onward if len(onward) else arcs))
        there, metres = int(graph.head[arc]), graph.length[arc] / 1000
        if metres + home[there] > left:
            return rows, here
        rows.append(int(graph.segment[arc]))
        here, left = there, left - metres
