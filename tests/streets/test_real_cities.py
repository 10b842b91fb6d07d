"""What must hold on every real city."""

import networkx as nx
import numpy as np
import pytest
import shapely

from patrolmap.streets import StreetNetwork, read_places, read_streets
from shared import shared_file

pytestmark = pytest.mark.shared

CITIES = ["portland", "heidelberg", "helsinki", "pittsburgh", "alatau"]


@pytest.fixture(params=CITIES)
def city(request: pytest.FixtureRequest) -> StreetNetwork:
    return request.getfixturevalue(request.param)


def test_no_motorway_is_walked(city):
    walked = city.segments[city.segments["walk"]]
    assert len(walked) > 1000
    assert not walked["highway"].isin(["motorway", "motorway_link"]).any()


def test_every_walkable_segment_is_reached_on_foot(city):
    walked = city.segments[city.segments["walk"]]
    graph = nx.from_pandas_edgelist(walked, "from_node", "to_node", create_using=nx.MultiGraph)
    assert nx.is_connected(graph)


def test_no_segment_is_longer_than_asked_and_none_has_no_length(city):
    length = city.segments["length"]
    assert length.between(0.001, 200).all()
    assert np.allclose(length, city.segments.length, atol=0.0006)


def test_every_segment_runs_from_its_from_node_to_its_to_node(city):
    at = city.nodes.geometry
    for column, point in (("from_node", 0), ("to_node", -1)):
        ends = shapely.get_point(city.segments.geometry.to_numpy(), point)
        nodes = at.loc[city.segments[column]].to_numpy()
        assert shapely.distance(ends, nodes).max() < 1e-9


def test_most_walkable_length_is_connected(city):
    kept = city.report["walkable length kept (m)"]
    lost = city.report["walkable length dropped, not connected (m)"]
    assert kept == pytest.approx(city.segments.loc[city.segments["walk"], "length"].sum(), abs=0.01)
    assert lost < 0.06 * (kept + lost)


def test_reading_twice_gives_the_same_network(portland):
    again = read_streets(shared_file("portland/portland-central.osm.pbf"))
    assert again == portland
    assert again.segments.index.equals(portland.segments.index)


def test_a_district_keeps_its_streets_and_a_margin_around(alatau):
    assert alatau.segments["inside"].mean() > 0.5
    outside = alatau.segments[~alatau.segments["inside"]]
    assert len(outside) > 50
    assert alatau.report["length dropped, beyond 500 m of the boundary (m)"] > 1_000_000


def test_segments_of_a_district_have_the_ids_they_have_in_the_whole_city(alatau):
    city = read_streets(shared_file("almaty/almaty-2012.osm.pbf"))
    assert alatau.segments.index.isin(city.segments.index).mean() > 0.99


def test_a_saved_osmnx_network_is_read_whole(pittsburgh):
    assert pittsburgh.report["lines read"] == 29_834
    assert pittsburgh.segments["length"].sum() > 3_000_000
    one_way = pittsburgh.segments["drive_forward"] != pittsburgh.segments["drive_backward"]
    assert 0.05 < one_way.mean() < 0.3


def test_places_of_a_city_come_with_their_kinds():
    places = read_places(shared_file("almaty/almaty-2012.osm.pbf"))
    counts = places["kind"].value_counts()
    assert counts["police"] == 40  # 39 points and one building
    assert counts["school"] == 69
