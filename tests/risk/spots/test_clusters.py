"""Clusters along the streets: scikit-learn's, on distances nobody walks through walls for."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from sklearn.cluster import DBSCAN, HDBSCAN

from patrolmap.errors import OptionError
from patrolmap.risk.spots import clusters
from patrolmap.risk.spots.clusters import cluster_segments
from patrolmap.risk.spots.placed import place_events
from patrolmap.streets.network import StreetNetwork
from scattered import START, scatter, table
from towns import grid_town, row_town, town

GRID = grid_town(7, 7)
PLANTED = {"h-1-1": 20, "h-1-2": 15, "v-4-5": 25}


def place(events, streets):
    return place_events(events, streets, max_snap=50, police_initiated=False)


def cluster(events, streets, *, algorithm="dbscan", distance=60.0, min_events=8):
    rows, label, _ = cluster_segments(
        place(events, streets), algorithm=algorithm, distance=distance, min_events=min_events,
        alpha=0.05,
    )  # fmt: skip
    ids = streets.segments.index
    return {frozenset(ids[rows[label == k]]) for k in np.unique(label)}


def measured(placed) -> np.ndarray:
    """Measure all pairs of events along the streets, by networkx."""
    graph = nx.MultiGraph()
    streets = placed.streets
    for row, (a, b) in enumerate(zip(*streets.ends, strict=True)):
        here = sorted((int(placed.offset[k]), int(k)) for k in np.flatnonzero(placed.row == row))
        stops = [(0, ("node", a)), *((at, ("event", k)) for at, k in here)]
        stops.append((int(streets.length_mm[row]), ("node", b)))
        for (low, one), (high, two) in pairwise(stops):
            graph.add_edge(one, two, weight=high - low)
    n = len(placed.row)
    ways = {i: nx.single_source_dijkstra_path_length(graph, ("event", i)) for i in range(n)}
    return np.array([[ways[i].get(("event", j), 1e12) for j in range(n)] for i in range(n)]) / 1000


def segments_of(placed, labels):
    ids = placed.streets.segments.index
    return {frozenset(ids[placed.row[labels == k]]) for k in np.unique(labels[labels >= 0])}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_dbscan_finds_what_it_finds_in_all_distances_measured(seed):
    events = scatter(GRID, 60, planted=PLANTED, seed=seed)
    placed = place(events, GRID)
    model = DBSCAN(eps=60.0, min_samples=8, metric="precomputed").fit(measured(placed))
    wanted = segments_of(placed, model.labels_)
    assert len(wanted) >= 2
    found = cluster(events, GRID)
    assert len(found) == len(wanted)
    for group in found:  # with the segments in between
        assert any(own <= group for own in wanted)


def test_hdbscan_finds_what_it_finds_in_all_distances_measured():
    events = scatter(GRID, 30, planted=PLANTED, seed=1)
    placed = place(events, GRID)
    distance = np.maximum(measured(placed), 1e-4)
    np.fill_diagonal(distance, 0)
    wide = 5000.0  # all within reach of all: nothing is cut off
    model = HDBSCAN(
        min_cluster_size=8, min_samples=8, metric="precomputed", allow_single_cluster=True,
        copy=True,
    ).fit(distance)  # fmt: skip
    wanted = segments_of(placed, model.labels_)
    found = cluster(events, GRID, algorithm="hdbscan", distance=wide)
    assert len(found) == len(wanted) >= 2
    for group in found:
        assert any(len(own & group) >= 0.7 * len(own) for own in wanted)


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
def test_a_wall_between_two_streets_parts_their_events(algorithm):
    """Two streets 20 m apart, joined only 400 m away."""
    streets = town(
        {
            "one": [(0, 0), (200, 0)], "two": [(0, 20), (200, 20)],
            "round": [(200, 0), (400, 0), (400, 20), (200, 20)],
        }
    )  # fmt: skip
    spots = [(20 + 2 * (k % 10), 20 * (k % 2)) for k in range(40)]
    base = streets.segments.geometry.iloc[0].coords[0]
    points = [shapely.Point(base[0] + x, base[1] + y) for x, y in spots]
    events = table(points, [START] * 40, streets)
    found = cluster(events, streets, algorithm=algorithm)
    assert found == {frozenset({"one"}), frozenset({"two"})}


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
def test_piles_at_one_address_are_clusters(algorithm):
    spot = GRID.segments.geometry["h-2-2"].interpolate(40)
    events = table([spot] * 30, [START] * 30, GRID)
    assert cluster(events, GRID, algorithm=algorithm) == {frozenset({"h-2-2"})}


def test_a_high_pile_of_events_takes_no_more_memory_than_a_low_one(monkeypatch):
    spot = GRID.segments.geometry["h-2-2"].interpolate(40)
    beside = [GRID.segments.geometry["v-4-5"].interpolate(x) for x in range(10, 90, 4)]
    taken, each = [], clusters._each_event
    monkeypatch.setattr(
        clusters, "_each_event", lambda *given: taken.append(each(*given)) or taken[-1]
    )
    for high in (1_000, 6_000):
        events = table([spot] * high + beside, [START] * (high + len(beside)), GRID)
        found = cluster(events, GRID, algorithm="hdbscan")
        assert found == {frozenset({"h-2-2"}), frozenset({"v-4-5"})}
    assert max(matrix.nnz for _, matrix in taken) <= 2_000_000
    assert max(len(who) for who, _ in taken) > 1_000


def test_cutting_piles_down_changes_no_cluster(monkeypatch):
    spots = [GRID.segments.geometry["h-2-2"].interpolate(x) for x in (20, 45)]
    events = scatter(GRID, 60, planted=PLANTED)
    piles = table([spots[0]] * 60 + [spots[1]] * 30, [START] * 90, GRID)
    events = pd.concat([events, piles])
    events.index = pd.Index([f"e{i}" for i in range(len(events))], name="event_id", dtype="str")
    whole = cluster(events, GRID, algorithm="hdbscan")
    assert len(whole) >= 3
    monkeypatch.setattr(clusters, "_MOST_COPIES", 1)
    assert cluster(events, GRID, algorithm="hdbscan") == whole


def test_too_many_pairs_for_hdbscan_are_refused_with_the_mend(monkeypatch):
    spot = GRID.segments.geometry["h-2-2"].interpolate(40)
    monkeypatch.setattr(clusters, "_MOST_COPIES", 10)
    monkeypatch.setattr(clusters, "_MOST_PAIRS", 50)
    with pytest.raises(OptionError, match=r"64 pairs .* shorter distance, or algorithm='dbscan'"):
        cluster(table([spot] * 30, [START] * 30, GRID), GRID, algorithm="hdbscan")


def test_segments_between_the_events_of_a_cluster_belong_to_it():
    streets = row_town(5, 30.0)
    west = [streets.segments.geometry["s0"].interpolate(x) for x in (20, 25, 28)]
    east = [streets.segments.geometry["s2"].interpolate(x) for x in (2, 5, 8)]
    events = table([*west, *east], [START] * 6, streets)
    assert cluster(events, streets, min_events=3) == {frozenset({"s0", "s1", "s2"})}


@pytest.mark.parametrize("algorithm", ["dbscan", "hdbscan"])
def test_clusters_are_disjoint_and_hang_together(algorithm):
    for seed in range(4):
        events = scatter(GRID, 250, planted=PLANTED, seed=seed)
        found = cluster(events, GRID, algorithm=algorithm, distance=80, min_events=12)
        members = [i for group in found for i in group]
        assert len(members) == len(set(members))
        for group in found:
            ends = GRID.segments.loc[sorted(group), ["from_node", "to_node"]]
            graph = nx.Graph(ends.to_numpy().tolist())
            assert nx.is_connected(graph)


def test_the_fewest_events_of_a_cluster_are_more_than_chance_brings_together():
    least = []
    for n in (100, 400, 1600):
        found = cluster_segments(
            place(scatter(GRID, n), GRID), algorithm="dbscan", distance=100.0, min_events=None,
            alpha=0.05,
        )  # fmt: skip
        assert len(found[0]) == 0
        least.append(found[2])
    assert least == sorted(set(least))
    # 100 m from a junction of the grid: 4 streets of 100 m, of 84 of them
    ball = np.random.default_rng(0).binomial(400, 4 / 84, 200_000)
    assert (ball >= least[1]).mean() <= 0.05 / 400 < (ball >= least[1] - 4).mean()


def test_no_events_make_no_clusters():
    rows, label, _ = cluster_segments(
        place(scatter(GRID, 3).iloc[:0], GRID), algorithm="dbscan", distance=100.0,
        min_events=None, alpha=0.05,
    )  # fmt: skip
    assert (len(rows), len(label)) == (0, 0)


def test_the_order_of_streets_changes_no_cluster():
    events = scatter(GRID, 100, planted=PLANTED)
    turned = StreetNetwork(segments=GRID.segments.iloc[::-1], nodes=GRID.nodes)
    for algorithm in ("dbscan", "hdbscan"):
        assert cluster(events, GRID, algorithm=algorithm) == cluster(
            events, turned, algorithm=algorithm
        )
