"""Streets from tables of lines: files and GeoDataFrames, with and without node ids."""

import math

import geopandas as gpd
import networkx as nx
import numpy as np
import osmnx as ox
import pandas as pd
import pytest
import shapely
from shapely import LineString, MultiLineString

from patrolmap.errors import CRSError, SchemaError, SourceFormatError
from patrolmap.streets import read_streets
from towns import CENTRE, CRS


def line(*corners):
    return LineString([(x + CENTRE[0], y + CENTRE[1]) for x, y in corners])


def table(*shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


CROSS = [line((0, 0), (100, 0)), line((100, 0), (190, 0)), line((100, 0), (100, 80))]


def test_lines_meet_where_their_ends_agree_to_a_decimetre():
    streets = read_streets(table(CROSS[0], line((100.02, 0.01), (190, 0)), CROSS[2]))
    assert len(streets.nodes) == 4
    assert sorted(streets.segments["length"].round().tolist()) == [80, 90, 100]


def test_lines_that_only_cross_do_not_meet():
    streets = read_streets(table(line((0, 0), (100, 0)), line((50, -40), (50, 40))))
    assert streets.segments["length"].tolist() == [100.0]
    assert streets.report["walkable length dropped, not connected (m)"] == pytest.approx(
        80, abs=0.1
    )


def test_ids_come_from_coordinates_whatever_the_order_and_direction_of_rows():
    one = read_streets(table(*CROSS))
    turned = [shapely.reverse(shape) for shape in CROSS[::-1]]
    assert read_streets(table(*turned)) == one


@pytest.mark.parametrize("name", ["s.gpkg", "s.parquet", "s.geojson", "s.shp"])
def test_every_form_of_table_gives_the_same_streets(tmp_path, name):
    source = table(*CROSS, name=["Abai", "Abai", "Satpaev"])
    path = tmp_path / name
    if name.endswith("parquet"):
        source.to_parquet(path)
    elif name.endswith("geojson"):
        source.to_crs(4326).to_file(path)
    else:
        source.to_file(path)
    streets = read_streets(path)
    assert sorted(streets.segments["name"]) == ["Abai", "Abai", "Satpaev"]
    assert sorted(streets.segments["length"].round()) == [80, 90, 100]


def test_a_shapefile_keeps_what_its_short_column_names_say(tmp_path):
    source = table(*CROSS, drive_forw=[True, True, False], drive_back=[False] * 3)
    source.to_file(tmp_path / "s.shp")
    segments = read_streets(tmp_path / "s.shp", max_segment_length=math.inf).segments
    assert sorted(segments["drive_forward"]) == [False, True, True]
    assert not segments["drive_backward"].any()


@pytest.mark.parametrize(("value", "bridge"), [("F", False), (0, False), ("yes", True), (1, True)])
def test_a_bridge_is_what_a_table_says_is_one(value, bridge):
    segments = read_streets(table(*CROSS, bridge=[value] * 3)).segments
    assert segments["bridge"].eq(bridge).all()


def test_multi_part_lines_are_taken_apart():
    parts = MultiLineString([line((0, 0), (100, 0)), line((100, 0), (100, 80))])
    streets = read_streets(table(parts, line((100, 0), (190, 0))))
    assert len(streets.segments) == 3


def test_a_table_without_kinds_is_all_walked_and_driven():
    streets = read_streets(table(*CROSS))
    assert streets.segments[["walk", "drive_forward", "drive_backward"]].all(axis=None)
    assert set(streets.segments["highway"]) == {"unclassified"}


def test_kinds_bring_the_rules_and_own_columns_overrule_them():
    kinds = ["motorway", "residential", "residential"]
    by_rules = read_streets(table(*CROSS, highway=kinds)).segments
    assert by_rules.set_index("highway")["walk"].to_dict() == {
        "motorway": False,
        "residential": True,
    }
    own = read_streets(table(*CROSS, highway=kinds, walk=[True, True, True])).segments
    assert own["walk"].all()


def test_a_one_way_street_follows_its_drawing():
    streets = read_streets(table(*CROSS, oneway=[False, True, "-1"])).segments
    by_length = streets.set_index(streets["length"].round())
    flags = by_length[["drive_forward", "drive_backward"]]
    assert flags.loc[100].all()
    assert flags.loc[90].tolist() == [True, False]
    assert flags.loc[80].tolist() == [False, True]


def edges():
    """Two streets as osmnx saves them, an edge each way, and a one-way bow beside one."""
    bow = line((0, 0), (60, 40), (120, 0))
    rows = [
        (1, 2, 0, [7, 5], "residential", "Abai", False, line((0, 0), (120, 0))),
        (2, 1, 0, [5, 7], "residential", "Abai", False, line((120, 0), (0, 0))),
        (2, 1, 1, 9, ["trunk", "primary"], ["Tole bi", "Abai"], True, shapely.reverse(bow)),
        (2, 3, 0, 6, "residential", np.nan, False, line((120, 0), (120, 90))),
        (3, 2, 0, 6, "residential", np.nan, False, line((120, 90), (120, 0))),
    ]
    names = ["u", "v", "key", "osmid", "highway", "name", "oneway", "geometry"]
    return gpd.GeoDataFrame(rows, columns=names, crs=CRS).set_index(["u", "v", "key"])


def test_edges_of_one_street_in_both_directions_become_one_segment():
    streets = read_streets(edges()).segments
    assert streets.index.tolist() == ["1-2", "1-2:2", "2-3"]
    assert streets["drive_forward"].tolist() == [True, False, True]
    assert streets["drive_backward"].tolist() == [True, True, True]
    assert streets["highway"].tolist() == ["residential", "trunk", "residential"]
    assert streets["walk"].tolist() == [True, False, True]
    assert streets["name"].tolist()[:2] == ["Abai", "Tole bi / Abai"]
    assert streets["name"].isna().tolist() == [False, False, True]


def test_lists_saved_as_text_are_read_like_lists():
    saved = edges().reset_index()
    for column in ("osmid", "highway", "name"):
        saved[column] = saved[column].map(lambda v: str(v) if isinstance(v, list) else v)
    assert read_streets(saved) == read_streets(edges())


def test_edges_of_an_osmnx_graph_are_read_as_they_come():
    graph = nx.MultiDiGraph(crs=CRS)
    for node, (x, y) in {1: (0, 0), 2: (120, 0), 3: (120, 90)}.items():
        graph.add_node(node, x=CENTRE[0] + x, y=CENTRE[1] + y)
    for u, v in [(1, 2), (2, 1), (2, 3), (3, 2)]:
        graph.add_edge(u, v, osmid=u + v, highway="residential", oneway=False, length=1.0)
    streets = read_streets(ox.graph_to_gdfs(graph, nodes=False))
    assert streets.segments.index.tolist() == ["1-3/1", "1-3/2"]
    assert streets.segments["length"].sum() == pytest.approx(210, abs=0.01)


def test_named_node_columns_are_ends():
    source = table(*CROSS, from_node=[1, 2, 2], to_node=[2, 3, 4])
    assert read_streets(source).segments.index.tolist() == ["1-2", "2-3", "2-4"]


# Bad tables ------------------------------------------------------------------------------------


def test_lines_that_do_not_meet_where_their_ids_say_are_refused():
    source = table(*CROSS, u=[1, 2, 3], v=[2, 3, 4])
    with pytest.raises(SchemaError, match=r"node 3 .* m apart"):
        read_streets(source)


def test_node_ids_must_be_whole_numbers():
    with pytest.raises(SchemaError, match="'u' holds 'a' in row 0"):
        read_streets(table(*CROSS, u=["a", 2, 2], v=[2, 3, 4]))


def test_a_line_in_parts_cannot_have_node_ids():
    parts = MultiLineString([line((0, 0), (10, 0)), line((50, 0), (100, 0))])
    with pytest.raises(SchemaError, match="row 0 is a line in several parts"):
        read_streets(table(parts, u=[1], v=[2]))


@pytest.mark.parametrize("shape", [shapely.Point(76, 43), shapely.box(76, 43, 76.1, 43.1)])
def test_points_and_polygons_are_not_streets(shape):
    source = gpd.GeoDataFrame(geometry=[shape], crs=4326)
    with pytest.raises(SourceFormatError, match=f"row 0 is a {shape.geom_type}"):
        read_streets(source)


def test_a_table_without_crs_is_refused():
    with pytest.raises(CRSError, match="has no CRS"):
        read_streets(gpd.GeoDataFrame(geometry=[LineString([(0, 0), (1, 1)])]))


def test_metres_said_to_be_degrees_are_refused():
    source = gpd.GeoDataFrame(geometry=CROSS, crs=4326)
    with pytest.raises(CRSError, match="outside the world"):
        read_streets(source)


def test_a_table_without_geometry_is_refused():
    with pytest.raises(SchemaError, match="no geometry column"):
        read_streets(gpd.GeoDataFrame({"u": [1], "v": [2]}))


def test_a_table_of_nothing_is_refused():
    with pytest.raises(SourceFormatError, match="no geometry at all"):
        read_streets(gpd.GeoDataFrame({"a": [1]}, geometry=[None], crs=CRS))


def test_rows_without_geometry_are_left_out_and_counted():
    streets = read_streets(table(*CROSS, None))
    assert streets.report["rows without geometry"] == 1
    assert len(streets.segments) == 3


def test_a_file_with_two_tables_of_lines_asks_which(tmp_path):
    path = tmp_path / "s.gpkg"
    table(*CROSS).to_file(path, layer="streets")
    table(*CROSS).to_file(path, layer="rails")
    with pytest.raises(SourceFormatError, match=r"\['streets', 'rails'\]"):
        read_streets(path)


def test_the_given_table_is_not_changed():
    source = edges()
    before = source.copy()
    read_streets(source)
    pd.testing.assert_frame_equal(source, before)


def test_street_tables_of_geofabrik_are_read_with_their_kinds_and_directions():
    rows = table(
        line((0, 0), (100, 0)),
        line((100, 0), (200, 0)),
        line((200, 0), (300, 0)),
        line((300, 0), (300, 90)),
        fclass=["primary", "residential", "unknown", "motorway"],
        oneway=["F", "T", "B", "F"],
        bridge=["F", "T", "F", "F"],
    )
    segments = read_streets(rows).segments.set_index("highway")
    drive = segments[["drive_forward", "drive_backward"]]
    turned = segments["from_node"] > segments["to_node"]
    assert not turned.any()
    assert drive.loc["primary"].tolist() == [True, False]
    assert drive.loc["residential"].tolist() == [False, True]
    assert segments.loc["residential", "bridge"]
    assert not segments.loc["motorway", "walk"]


def test_a_saved_table_keeps_the_park_or_square_of_each_segment():
    shapes = line((0, 0), (100, 0)), line((100, 0), (200, 0))
    rows = table(*shapes, area=["park", "yes"], name=["a", "b"])
    assert read_streets(rows).segments.set_index("name")["area"].to_dict()["a"] == "park"
    assert read_streets(rows).segments["area"].isna().sum() == 1
