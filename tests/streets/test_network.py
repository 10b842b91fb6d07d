"""The street network as others use it: arcs, graphs, osmnx."""

import pickle

import numpy as np
import osmnx as ox
import pytest

from osm_town import STREET, write_town
from patrolmap.errors import NetworkMismatchError, OptionError, SchemaError
from patrolmap.streets import StreetNetwork, read_streets
from towns import CENTRE, grid_town, loop_town


def test_osmnx_takes_the_graph_as_its_own():
    town = loop_town()
    graph = town.to_networkx()
    nodes, edges = ox.graph_to_gdfs(graph)
    assert len(nodes) == len(town.nodes)
    assert edges["length"].sum() == pytest.approx(2 * town.segments["length"].sum())
    u, v, key = ox.distance.nearest_edges(graph, CENTRE[0] + 50, CENTRE[1] + 58)
    assert graph.edges[u, v, key]["segment_id"] == "bow"


def test_one_way_streets_have_one_driven_edge(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 3: (100, 100)}
    ways = [(10, [1, 2], {"highway": "motorway"}), (11, [2, 3], {**STREET, "oneway": "yes"})]
    town = read_streets(write_town(tmp_path / "t.osm.pbf", nodes, ways))
    graph = town.to_networkx()
    assert not graph.has_edge(2, 1)
    assert {e["drive"] for e in graph.get_edge_data(2, 3).values()} == {True}
    assert {e["drive"] for e in graph.get_edge_data(3, 2).values()} == {False}
    assert np.diff(town.graph("drive").indptr).tolist() == [1, 1, 0]
    assert np.diff(town.graph("walk").indptr).tolist() == [0, 1, 1]


def test_a_network_survives_pickling_to_another_process():
    town = grid_town()
    again = pickle.loads(pickle.dumps(town))
    assert again == town


def test_arcs_leave_out_what_is_not_usable():
    town = grid_town(2, 2)
    usable = np.array([True, True, True, False])
    assert len(town.graph("walk", usable=usable).head) == 6
    with pytest.raises(OptionError, match="one bool for each of the 4 segments"):
        town.graph("walk", usable=np.ones(3, dtype=bool))
    with pytest.raises(OptionError, match="wanted one of"):
        town.graph("fly")


def test_a_loop_has_an_arc_each_way_around():
    town = loop_town()
    graph = town.graph("walk")
    ring = town.segments.index.get_loc("ring")
    assert sorted(graph.forward[graph.segment == ring].tolist()) == [False, True]


def test_a_segment_that_ends_nowhere_is_refused():
    town = grid_town(2, 2)
    with pytest.raises(SchemaError, match="end at nodes that the nodes table lacks"):
        StreetNetwork(segments=town.segments, nodes=town.nodes.iloc[1:])


def test_risk_of_another_network_is_refused_and_joined_only_on_request():
    town, other = grid_town(3, 3), grid_town(2, 2)
    risk = other.segments["length"].rename("risk")
    risk.attrs["fingerprint"] = other.fingerprint
    with pytest.raises(NetworkMismatchError, match="align"):
        town.require_own(risk)
    joined = town.align(risk)
    town.require_own(joined)
    assert joined.sum() == risk.sum()


def test_the_summary_names_what_was_dropped(tmp_path):
    nodes = {1: (0, 0), 2: (100, 0), 8: (900, 0), 9: (960, 0)}
    ways = [(10, [1, 2], STREET), (11, [8, 9], STREET)]
    text = read_streets(write_town(tmp_path / "t.osm.pbf", nodes, ways)).summary()
    assert "walkable length dropped, not connected (m): 60" in text
