"""Shortest paths: lengths as scipy finds them, and lines that lead from node to node."""

import math

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from patrolmap.errors import OptionError
from patrolmap.streets import StreetNetwork, distance_matrix, shortest_paths
from towns import CENTRE, grid_town, loop_town, row_town


def oracle(streets: StreetNetwork, mode: str, limit: float = np.inf) -> pd.DataFrame:
    """Return scipy's distances between all nodes in millimetres, from the tables alone."""
    table = streets.segments
    along, against = ("walk", "walk") if mode == "walk" else ("drive_forward", "drive_backward")
    there = table.loc[table[along], ["from_node", "to_node", "length"]].to_numpy()
    back = table.loc[table[against], ["to_node", "from_node", "length"]].to_numpy()
    arcs = pd.DataFrame(np.vstack([there, back]), columns=["a", "b", "mm"])
    arcs["mm"] = (arcs["mm"] * 1000).round()
    arcs = arcs.groupby(["a", "b"], as_index=False)["mm"].min()  # of parallels the shortest
    ids = streets.nodes.index
    ends = ids.get_indexer(arcs["a"]), ids.get_indexer(arcs["b"])
    matrix = coo_array((arcs["mm"], ends), shape=(len(ids), len(ids))).tocsr()
    return pd.DataFrame(dijkstra(matrix, limit=limit * 1000) / 1000, index=ids, columns=ids)


def with_flags(streets: StreetNetwork, **flags: object) -> StreetNetwork:
    return StreetNetwork(segments=streets.segments.assign(**flags), nodes=streets.nodes)


@st.composite
def one_way_towns(draw: st.DrawFn) -> StreetNetwork:
    town = loop_town() if draw(st.booleans()) else grid_town(3, 4)
    n = len(town.segments)
    flags = ("walk", "drive_forward", "drive_backward")
    return with_flags(
        town, **{name: draw(st.lists(st.booleans(), min_size=n, max_size=n)) for name in flags}
    )


@settings(deadline=None, max_examples=25)
@given(one_way_towns(), st.sampled_from(["walk", "drive"]), st.sampled_from([150.0, 4000.0]))
def test_distances_are_scipys_one_way_streets_included(town, mode, limit) -> None:
    nodes = town.nodes.index
    got = distance_matrix(town, nodes[::-1], nodes, mode=mode, limit=limit)
    assert (got.index.name, got.columns.name) == ("from_node", "to_node")
    wanted = oracle(town, mode, limit).loc[nodes[::-1]]
    np.testing.assert_array_equal(got.to_numpy(), wanted.to_numpy())


@settings(deadline=None, max_examples=25)
@given(one_way_towns(), st.sampled_from(["walk", "drive"]))
def test_paths_are_connected_lines_as_long_as_scipy_says(town, mode) -> None:
    nodes = town.nodes.index.to_numpy()
    pairs = [(a, b) for a in nodes for b in nodes]
    wanted = oracle(town, mode)
    for row in shortest_paths(town, *zip(*pairs, strict=True), mode=mode).itertuples():
        length = wanted.loc[row.from_node, row.to_node]
        if length == np.inf:
            assert (math.isnan(row.length), row.segment_ids, row.geometry) == (True, [], None)
            continue
        assert row.length == length
        steps = town.segments.loc[row.segment_ids]
        assert steps["length"].sum() == pytest.approx(length, abs=1e-9)
        assert row.geometry.length == pytest.approx(length, abs=0.01)
        ends = [shapely.get_point(row.geometry, k) for k in (0, -1)]
        assert ends == [*town.nodes.geometry.loc[[row.from_node, row.to_node]]]
        at = row.from_node
        for step in steps.itertuples():
            forward = at == step.from_node and (mode == "walk" or step.drive_forward)
            backward = at == step.to_node and (mode == "walk" or step.drive_backward)
            assert forward or backward
            assert mode == "drive" or step.walk
            at = step.to_node if forward else step.from_node
        assert at == row.to_node


def test_a_path_is_drawn_along_the_bends_with_no_corner_twice() -> None:
    town = loop_town()
    ids = town.segments
    west, east = ids.loc["tail", "to_node"], ids.loc["main", "from_node"]
    (way,) = shortest_paths(town, west, east).itertuples()
    assert way.segment_ids == ["tail", "main"]
    x = [round(c[0] - CENTRE[0]) for c in way.geometry.coords]
    assert x == [180, 100, 0]


def test_from_a_node_to_itself_nobody_walks() -> None:
    town = row_town()
    (way,) = shortest_paths(town, 2, 2).itertuples()
    assert (way.length, way.segment_ids, way.geometry.length) == (0.0, [], 0.0)
    assert way.geometry.coords[0] == town.nodes.geometry[2].coords[0]
    assert distance_matrix(town, 2, 2).loc[2, 2] == 0.0


def test_one_node_goes_with_all_of_the_others_in_their_order() -> None:
    town = row_town(4)
    ways = shortest_paths(town, 1, [5, 1, 3, 3])
    assert ways["to_node"].tolist() == [5, 1, 3, 3]
    assert ways["length"].tolist() == [400.0, 0.0, 200.0, 200.0]
    assert ways["segment_ids"].map(len).tolist() == [4, 0, 2, 2]
    assert shortest_paths(town, [5, 1], 1)["length"].tolist() == [400.0, 0.0]


def test_many_pairs_in_any_order_are_those_of_each_alone() -> None:
    town = grid_town(6, 6)
    rng = np.random.default_rng(3)
    a, b = rng.choice(town.nodes.index, (2, 60))
    together = shortest_paths(town, a, b)
    for i in range(0, 60, 7):
        alone = shortest_paths(town, a[i], b[i]).iloc[0]
        assert together.iloc[i]["segment_ids"] == alone["segment_ids"]
        assert together.iloc[i]["geometry"] == alone["geometry"]


def test_no_nodes_give_empty_tables() -> None:
    town = row_town()
    ways = shortest_paths(town, [], [])
    assert (len(ways), ways.crs) == (0, town.crs)
    assert list(ways.columns) == ["from_node", "to_node", "length", "segment_ids", "geometry"]
    assert distance_matrix(town, [], [1, 2]).shape == (0, 2)
    assert distance_matrix(town, [1, 2], []).shape == (2, 0)


def test_nodes_may_be_asked_for_twice() -> None:
    found = distance_matrix(row_town(), [1, 3, 1], pd.Series([2, 2, 1]))
    assert found.to_numpy().tolist() == [[100, 100, 0], [100, 100, 200], [100, 100, 0]]


def test_what_lies_just_at_the_limit_is_within_it() -> None:
    town = row_town(4)
    assert distance_matrix(town, 1, [3, 4], limit=200).to_numpy().tolist() == [[200, np.inf]]
    assert distance_matrix(town, 1, 5, limit=math.inf).loc[1, 5] == 400


@pytest.mark.parametrize("function", [distance_matrix, shortest_paths])
@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([1, 99], r"1 of 2 ids are no nodes of these streets, e.g. \[99\]; wanted ids of"),
        ([1.5], "from_nodes holds 1.5; wanted whole numbers"),
        ("abc", "from_nodes holds 'a'; wanted whole numbers"),
        (None, "from_nodes holds None; wanted whole numbers"),
    ],
)
def test_what_is_no_node_is_named(function, nodes, message) -> None:
    with pytest.raises(OptionError, match=message):
        function(row_town(), nodes, 1)


def test_options_out_of_range_are_refused() -> None:
    town = row_town()
    with pytest.raises(OptionError, match="limit=0; wanted metres above 0"):
        distance_matrix(town, 1, 2, limit=0)
    with pytest.raises(OptionError, match="mode='bike'"):
        distance_matrix(town, 1, 2, mode="bike")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="from_nodes holds 2 nodes and to_nodes 3"):
        shortest_paths(town, [1, 2], [1, 2, 3])
    with pytest.raises(OptionError, match="streets is a GeoDataFrame"):
        shortest_paths(town.segments, 1, 2)  # type: ignore[arg-type]


@pytest.mark.shared
@pytest.mark.parametrize("mode", ["walk", "drive"])
def test_distances_in_a_city_are_scipys(heidelberg: StreetNetwork, mode) -> None:
    graph = heidelberg.graph(mode)
    usable = np.flatnonzero(np.diff(graph.indptr))
    rng = np.random.default_rng(1)
    a, b = rng.choice(heidelberg.nodes.index[usable], (2, 40))
    tail = np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))
    arcs = pd.DataFrame({"a": tail, "b": graph.head, "mm": graph.length})
    arcs = arcs.groupby(["a", "b"], as_index=False)["mm"].min()
    shape = (graph.n_nodes, graph.n_nodes)
    matrix = coo_array((arcs["mm"], (arcs["a"], arcs["b"])), shape=shape).tocsr()
    rows, columns = (heidelberg.nodes.index.get_indexer(k) for k in (a, b))
    wanted = dijkstra(matrix, indices=rows)[:, columns] / 1000
    within = np.where(wanted <= 4000, wanted, np.inf)
    np.testing.assert_array_equal(distance_matrix(heidelberg, a, b, mode=mode), within)
    ways = shortest_paths(heidelberg, a, b, mode=mode)
    np.testing.assert_array_equal(ways["length"].fillna(np.inf), np.diagonal(wanted))
    assert np.allclose(ways.geometry.length, ways["length"], rtol=1e-4, equal_nan=True)
