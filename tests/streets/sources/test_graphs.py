"""Networks as networkx graphs: osmnx uses them, and any such graph becomes a network again."""

import io
import math
from dataclasses import replace

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_town import STREET, degrees, write_town
from patrolmap.errors import CRSError, OptionError, SchemaError, SourceFormatError
from patrolmap.streets import StreetNetwork, read_streets
from patrolmap.streets.sources.graph_rows import read_graphml
from towns import CENTRE, CRS, grid_town, loop_town, row_town, star_town, town

back = StreetNetwork.from_networkx


def check_same(one, other):
    """Check that two networks are equal in all that they hold."""
    assert one == other
    assert one.crs == other.crs
    assert one.attribution == other.attribution
    assert dict(one.report) == dict(other.report)
    for name in ("segments", "nodes"):
        left, right = (pd.DataFrame(getattr(network, name)) for network in (one, other))
        pd.testing.assert_frame_equal(left, right)


def through_file(graph, path):
    ox.save_graphml(graph, path)
    return ox.load_graphml(path)


def osm_town(path):
    """A town with names, bridges, a one-way street, a motorway, a ring and a dead piece."""
    nodes = {
        1: (0, 0), 2: (450, 0), 3: (450, 300), 4: (0, 300), 5: (200, 0), 6: (900, 80),
        7: (900, 300), 8: (5000, 0), 9: (5100, 0),
    }  # fmt: skip
    ways = [
        (10, [1, 5, 2], {**STREET, "name": "Абай & <Abai>", "name:kk": "Абай", "lit": "yes"}),
        (11, [2, 3, 4, 1], {**STREET, "oneway": "yes", "surface": "asphalt", "sidewalk": "left"}),
        (12, [3, 7], {"highway": "motorway"}),
        (13, [3, 6, 2, 3], {"highway": "path", "bridge": "yes", "name": "[1, 2]"}),
        (14, [8, 9], STREET),
    ]  # fmt: skip
    return read_streets(write_town(path, nodes, ways, node_tags={5: {"highway": "crossing"}}))


@pytest.fixture
def mixed(tmp_path):
    return osm_town(tmp_path / "town.osm.pbf")


# What osmnx does with a network ----------------------------------------------------------------


def test_osmnx_counts_streets_as_the_network_does(mixed):
    graph = mixed.to_networkx()
    stats = ox.basic_stats(graph)
    assert stats["street_length_total"] == pytest.approx(mixed.segments["length"].sum())
    assert stats["street_segment_count"] == len(mixed.segments)
    assert stats["n"] == len(mixed.nodes)


@pytest.mark.parametrize("make", [grid_town, loop_town, star_town])
def test_nodes_know_how_many_streets_meet_there(make):
    graph = make().to_networkx()
    counted = ox.stats.count_streets_per_node(graph)
    assert nx.get_node_attributes(graph, "street_count") == counted


def test_osmnx_finds_the_nearest_node_and_the_shortest_way():
    streets = grid_town(4, 4)
    graph = streets.to_networkx()
    x, y = CENTRE
    start, end = ox.distance.nearest_nodes(graph, [x - 5, x + 303], [y + 4, y + 299])
    way = ox.routing.shortest_path(graph, start, end, weight="length")
    lengths = ox.routing.route_to_gdf(graph, way)["length"]
    assert lengths.sum() == 600
    assert streets.nodes.geometry[start].coords[0] == (x, y)


def test_osmnx_draws_projects_and_tabulates_the_graph(mixed):
    import matplotlib as mpl

    mpl.use("agg")
    graph = mixed.to_networkx()
    figure, _ = ox.plot_graph(graph, show=False, close=True)
    figure.savefig(io.BytesIO(), format="png")
    nodes, edges = ox.convert.graph_to_gdfs(graph)
    assert nodes.crs == edges.crs == mixed.crs
    assert set(mixed.segments.index) == set(edges["segment_id"])
    assert ox.project_graph(graph, to_latlong=True).graph["crs"] == pyproj.CRS("epsg:4326")


def test_edges_say_who_may_use_them_in_their_direction(mixed):
    graph = mixed.to_networkx()
    for u, v, edge in graph.edges(data=True):
        segment = mixed.segments.loc[edge["segment_id"]]
        ends = (segment["from_node"], segment["to_node"])
        assert (u, v) == (ends[::-1] if edge["reversed"] else ends)
        assert edge["drive"] == segment["drive_backward" if edge["reversed"] else "drive_forward"]
        assert edge["walk"] == segment["walk"]
        assert edge["walk"] or edge["drive"]
        for node, corner in ((u, edge["geometry"].coords[0]), (v, edge["geometry"].coords[-1])):
            assert (graph.nodes[node]["x"], graph.nodes[node]["y"]) == corner


def test_empty_cells_are_left_out_and_numbers_are_plain():
    edge = next(iter(row_town(1).to_networkx().edges(data=True)))[2]
    assert "surface" not in edge
    assert {type(edge[name]) for name in ("length", "osmid", "walk")} == {float, int, bool}


# Back again ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [grid_town, row_town, star_town, loop_town])
def test_towns_come_back_as_they_were(make, tmp_path):
    streets = make()
    check_same(back(streets.to_networkx()), streets)
    check_same(back(through_file(streets.to_networkx(), tmp_path / "t.graphml")), streets)


def test_every_column_comes_back_from_memory_and_from_files(mixed, tmp_path):
    graph = mixed.to_networkx()
    check_same(back(graph), mixed)
    ox.save_graphml(graph, tmp_path / "t.graphml")
    check_same(back(read_graphml(tmp_path / "t.graphml")), mixed)
    check_same(read_streets(tmp_path / "t.graphml"), mixed)


def test_a_segment_nobody_may_use_and_a_lonely_node_come_back():
    streets = town(
        {"a": [(0, 0), (90, 0)], "b": [(90, 0), (90, 50)]},
        walk={"b": False}, drive_forward={"b": False}, drive_backward={"b": False},
    )  # fmt: skip
    check_same(back(streets.to_networkx()), streets)


def test_a_network_read_with_whole_streets_comes_back_whole(tmp_path):
    source = write_town(tmp_path / "t.osm.pbf", {1: (0, 0), 2: (900, 0)}, [(5, [1, 2], STREET)])
    streets = read_streets(source, max_segment_length=math.inf)
    check_same(back(streets.to_networkx()), streets)
    assert len(back(streets.to_networkx(), max_segment_length=100).segments) == 10


def test_an_undirected_copy_comes_back_as_well(mixed):
    assert back(ox.convert.to_undirected(mixed.to_networkx())) == mixed


def test_options_have_a_graph_of_ours_read_anew(mixed):
    again = back(mixed.to_networkx(), crs=mixed.crs)
    loose = ["crossings", "name", "geometry"]  # it has no crossings, and takes "[1, 2]" for a list
    left, right = (network.segments.drop(columns=loose) for network in (again, mixed))
    pd.testing.assert_frame_equal(pd.DataFrame(left), pd.DataFrame(right))
    box = shapely.box(*degrees((-10, -10)), *degrees((210, 310)))
    assert not back(mixed.to_networkx(), boundary=box).segments["inside"].all()


def test_a_graph_cut_down_since_is_read_as_it_stands(mixed):
    graph = mixed.to_networkx()
    motorway = [(u, v) for u, v, edge in graph.edges(data=True) if edge["highway"] == "motorway"]
    graph.remove_edges_from(motorway)
    left = back(graph)
    assert "motorway" not in set(left.segments["highway"])
    assert left.segments["length"].sum() == pytest.approx(
        mixed.segments.loc[mixed.segments["highway"] != "motorway", "length"].sum(), abs=0.01
    )


def test_a_graph_moved_to_degrees_is_projected_back(mixed):
    moved = back(ox.project_graph(mixed.to_networkx(), to_latlong=True))
    assert moved.crs == mixed.crs
    assert moved.segments.index.tolist() == mixed.segments.index.tolist()
    assert np.allclose(moved.segments["length"], mixed.segments["length"], atol=0.002)


def test_a_changed_name_is_taken_over_and_a_broken_value_is_refused_or_read_anew():
    graph = row_town(2).to_networkx()
    for *_, edge in graph.edges(data=True):
        edge["name"] = "Abai"
    assert set(back(graph).segments["name"]) == {"Abai"}
    for *_, edge in graph.edges(data=True):
        edge["lit"] = "perhaps"
    assert set(back(graph).segments["lit"]) == {"unknown"}


@st.composite
def random_towns(draw):
    """Nodes on a coarse grid, ways through any of them, tags of every kind that decides."""
    spot = st.tuples(st.integers(0, 6), st.integers(0, 6))
    corners = draw(st.lists(spot, min_size=3, max_size=9, unique=True))
    nodes = {i: (x * 70.0, y * 70.0) for i, (x, y) in enumerate(corners, start=1)}
    way = st.lists(st.sampled_from(sorted(nodes)), min_size=2, max_size=6)
    tags = st.fixed_dictionaries(
        {"highway": st.sampled_from(["residential", "footway", "primary", "steps", "motorway"])},
        optional={
            "oneway": st.sampled_from(["yes", "-1", "no"]),
            "name": st.sampled_from(["Abai", "Толе би", "1 \"x\" 'y'"]),
            "lit": st.sampled_from(["yes", "no"]),
            "foot": st.sampled_from(["yes", "no"]),
            "tunnel": st.just("yes"),
        },
    )
    drawn = draw(st.lists(st.tuples(way, tags), min_size=1, max_size=6))
    return nodes, [(i, refs, told) for i, (refs, told) in enumerate(drawn, start=1)]


@settings(max_examples=15, deadline=None)
@given(random_towns())
def test_any_town_comes_back(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("town")
    nodes, ways = drawn
    try:
        streets = read_streets(write_town(folder / "t.osm.pbf", nodes, ways))
    except SourceFormatError:  # nothing in it may be used
        return
    graph = streets.to_networkx()
    check_same(back(graph), streets)
    check_same(back(through_file(graph, folder / "t.graphml")), streets)
    assert back(graph, crs=streets.crs).segments["length"].sum() == pytest.approx(
        streets.segments["length"].sum(), abs=0.01
    )


@pytest.mark.shared
def test_a_real_city_comes_back(portland, tmp_path):
    graph = portland.to_networkx()
    check_same(back(graph), portland)
    again = back(graph, crs=portland.crs)
    assert again.segments.index.tolist() == portland.segments.index.tolist()


# Graphs of others ------------------------------------------------------------------------------


def osmnx_graph(crs=CRS, kind=nx.MultiDiGraph, place=lambda x, y: (x + CENTRE[0], y + CENTRE[1])):
    """Two streets meeting, both ways, and a one-way bow: unsimplified, without lines."""
    graph = kind(crs=crs, created_with="OSMnx 2.1.1")
    for node, corner in {1: (0, 0), 2: (60, 0), 3: (120, 0), 4: (120, 90), 5: (60, 60)}.items():
        x, y = place(*corner)
        graph.add_node(node, x=x, y=y)
    graph.nodes[2]["highway"] = "crossing"
    steps = [(1, 2, 10), (2, 3, 10), (3, 4, 11)]
    for u, v, way in [*steps, *((v, u, way) for u, v, way in steps)]:
        graph.add_edge(u, v, osmid=way, highway="residential", oneway=False, reversed=u > v)
    for u, v in [(3, 5), (5, 1)]:
        graph.add_edge(u, v, osmid=12, highway="tertiary", oneway=True, reversed=False)
    return graph


def test_links_between_neighbouring_nodes_become_streets():
    streets = back(osmnx_graph())
    assert streets.segments.index.tolist() == ["1-3", "1-3:2", "3-4"]
    assert streets.segments["length"].tolist() == pytest.approx([120, 169.706, 90], abs=0.01)
    assert streets.segments["drive_forward"].tolist() == [True, False, True]
    assert streets.segments["drive_backward"].tolist() == [True, True, True]
    assert streets.segments["crossings"].tolist() == [1, 0, 0]
    assert streets.attribution == "© OpenStreetMap contributors (ODbL)"


def test_simplified_graphs_and_graphs_in_degrees_give_the_same_streets():
    raw = back(osmnx_graph())
    in_degrees = osmnx_graph("epsg:4326", place=lambda x, y: degrees((x, y)))
    simple = back(ox.simplify_graph(osmnx_graph()))
    columns = ["from_node", "to_node", "walk", "drive_forward", "drive_backward", "highway"]
    for other in (back(in_degrees), simple):
        assert other.segments[columns].equals(raw.segments[columns])
        assert np.allclose(other.segments["length"], raw.segments["length"], atol=0.002)


def test_lists_and_numbers_saved_as_text_are_read(tmp_path):
    graph = ox.simplify_graph(osmnx_graph())
    for *_, edge in graph.edges(data=True):
        edge["name"], edge["lanes"] = ["Abai", "Толе би"], float("nan")
    ox.save_graphml(graph, tmp_path / "t.graphml")
    check_same(read_streets(tmp_path / "t.graphml"), back(graph))
    assert set(back(graph).segments["name"]) == {"Abai / Толе би"}


def test_ways_tagged_against_their_drawing_run_as_the_edge_does():
    graph = nx.MultiDiGraph(crs=CRS)
    for node in (1, 2):
        graph.add_node(node, x=CENTRE[0] + 90 * node, y=CENTRE[1])
    graph.add_edge(2, 1, osmid=5, highway="residential", oneway="-1")
    segments = back(graph).segments
    assert segments[["drive_forward", "drive_backward"]].to_numpy().tolist() == [[False, True]]


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph])
def test_every_kind_of_graph_is_read(kind):
    segments = back(osmnx_graph(kind=kind)).segments
    assert segments["walk"].all()
    assert segments["length"].sum() == pytest.approx(379.706, abs=0.01)


def test_an_undirected_graph_of_osmnx_keeps_its_one_way_streets():
    assert back(ox.convert.to_undirected(osmnx_graph())) == back(osmnx_graph())


def test_a_line_drawn_from_the_other_end_turns_its_edge_in_an_undirected_graph():
    graph = nx.MultiGraph(crs=CRS)
    corners = {1: CENTRE, 2: (CENTRE[0] + 90, CENTRE[1])}
    for node, (x, y) in corners.items():
        graph.add_node(node, x=x, y=y)
    line = shapely.LineString([corners[2], corners[1]])
    graph.add_edge(1, 2, osmid=5, highway="residential", oneway=True, geometry=line)
    segments = back(graph).segments
    assert segments[["drive_forward", "drive_backward"]].to_numpy().tolist() == [[False, True]]


def test_a_graph_without_kinds_holds_streets_and_closed_ones_are_out():
    graph = osmnx_graph()
    for *_, edge in graph.edges(data=True):
        del edge["highway"]
    assert back(graph).segments["walk"].all()
    for *_, edge in graph.edges(data=True):
        edge["access"] = "private"
    with pytest.raises(SourceFormatError, match="none of its 8 lines may be walked or driven"):
        back(graph)


def test_drawn_sidewalks_are_folded_unless_they_are_to_be_kept():
    graph = nx.MultiDiGraph(crs=CRS)
    for node, (x, y) in {1: (0, 0), 2: (150, 0), 3: (0, 6), 4: (150, 6)}.items():
        graph.add_node(node, x=CENTRE[0] + x, y=CENTRE[1] + y)
    graph.add_edge(1, 2, osmid=1, highway="residential")
    for u, v in [(1, 3), (3, 4), (4, 2)]:
        graph.add_edge(u, v, osmid=2, highway="footway", footway="sidewalk")
    assert len(back(graph).segments) == 1
    assert len(back(graph, sidewalks="keep").segments) == 2


def test_the_given_graph_is_not_changed():
    graph = osmnx_graph()
    before = graph.copy()
    back(graph)
    assert nx.utils.graphs_equal(graph, before)
    assert graph.graph == before.graph


# Graphs that are none --------------------------------------------------------------------------


def bad_node(**tags):
    graph = osmnx_graph()
    for name in ("x", "y"):
        del graph.nodes[3][name]
    graph.nodes[3].update(tags)
    return graph


def bad_edge(geometry):
    graph = osmnx_graph()
    graph.edges[3, 5, 0]["geometry"] = geometry
    return graph


@pytest.mark.parametrize(
    ("graph", "error", "told"),
    [
        ("town.graphml", OptionError, "graph is a str; .*read_streets"),
        (nx.MultiDiGraph(crs=CRS), SourceFormatError, "0 nodes and no edges"),
        (osmnx_graph(crs=None), CRSError, "has no CRS"),
        (osmnx_graph(crs="EPSG:0"), CRSError, "no coordinate system"),
        (osmnx_graph(crs="EPSG:4326"), CRSError, "outside the world"),
        (bad_node(), SchemaError, "node 3 has x=None, y=None .1 of 5"),
        (bad_node(x="east", y=1), SchemaError, "node 3 has x='east'"),
        (bad_edge("LINESTRING (0 0"), SchemaError, "geometry 'LINESTRING"),
        (bad_edge(7), SchemaError, "geometry 7"),
        (bad_edge(shapely.LineString([(6e5, 4.8e6), CENTRE])), SchemaError, "m apart"),
        (nx.relabel_nodes(osmnx_graph(), {3: "c"}), SchemaError, "node 'c' is not named by"),
        (nx.relabel_nodes(osmnx_graph(), {3: 2.5}), SchemaError, "node 2.5 is not named by"),
        (nx.relabel_nodes(osmnx_graph(), {3: 1 << 70}), SchemaError, "is not named by"),
        (nx.relabel_nodes(osmnx_graph(), {3: "1"}), SchemaError, "two nodes are both number 1"),
    ],
)
def test_a_graph_that_cannot_be_a_network_is_refused_with_the_reason(graph, error, told):
    with pytest.raises(error, match=told):
        back(graph)


@pytest.mark.parametrize(
    "options",
    [
        {"sidewalks": "fold"},
        {"sidewalks": None},
        {"max_segment_length": 0},
        {"max_segment_length": "200"},
        {"max_segment_length": True},
        {"crs": 4326},
        {"boundary": (76, 43, 77, 44)},
    ],
)
def test_an_option_out_of_range_is_refused(options):
    with pytest.raises((OptionError, CRSError)):
        back(loop_town().to_networkx(), **options)


# GraphML files ---------------------------------------------------------------------------------


def test_a_file_that_is_no_graphml_is_told_apart(tmp_path):
    path = tmp_path / "town.graphml"
    for text, told in [
        ("<osm version='0.6'></osm>", r"holds XML; give it a name that ends in \.osm"),
        ("<!DOCTYPE html><html></html>", "error page"),
        ("<?xml version='1.0'?><graphml", "cannot be read to its end"),
        ('<!DOCTYPE g [<!ENTITY a "aa">]><graphml></graphml>', "declares a document type"),
        ("<graphml></graphml>", "cannot be read to its end|no edges"),
    ]:
        path.write_text(text)
        with pytest.raises(SourceFormatError, match=told):
            read_streets(path)


def test_a_graph_cut_short_is_refused(tmp_path):
    path = tmp_path / "town.graphml"
    ox.save_graphml(loop_town().to_networkx(), path)
    whole = path.read_bytes()
    for share in (0.4, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(SourceFormatError, match="cannot be read to its end"):
            read_streets(path)


def test_values_in_a_file_are_never_evaluated(tmp_path):
    graph = osmnx_graph()
    evil = "__import__('os').system('touch " + str(tmp_path / "evil") + "')"
    for *_, edge in graph.edges(data=True):
        edge["name"], edge["osmid"] = evil, evil
    ox.save_graphml(graph, tmp_path / "t.graphml")
    assert set(read_streets(tmp_path / "t.graphml").segments["name"]) == {evil}
    assert not (tmp_path / "evil").exists()


def test_a_graph_leaves_parks_and_water_behind():
    place = grid_town(2, 2)
    park = shapely.box(*place.segments.total_bounds)
    kinds = pd.array(["park"], dtype="str")
    grounds = gpd.GeoDataFrame({"kind": kinds}, geometry=[park], crs=place.crs)
    again = back(replace(place, grounds=grounds).to_networkx())
    check_same(again, place)
    assert again.grounds.empty
