"""What each mode can reach where a boundary cuts through its streets."""

import geopandas as gpd
import networkx as nx
import pytest
import shapely

from osm_town import STREET, write_town
from patrolmap.streets import read_streets
from shared import shared_file
from towns import CENTRE, CRS


def square(size):
    box = shapely.box(-size, -size, size, size)
    return gpd.GeoSeries([shapely.affinity.translate(box, *CENTRE)], crs=CRS)


def hangs_together(streets):
    walked = streets.segments[streets.segments["walk"]]
    graph = nx.from_pandas_edgelist(walked, "from_node", "to_node", create_using=nx.MultiGraph)
    return nx.is_connected(graph)


def test_a_street_whose_only_way_out_leads_far_around_stays_with_the_shortest_such_way(tmp_path):
    nodes = {1: (-200, 0), 2: (200, 0), 3: (-200, 100), 4: (200, 100)}
    nodes |= {5: (1500, 0), 6: (1500, 100), 7: (1900, 0), 8: (1900, 100)}
    ways = [
        (1, [1, 2], STREET),
        (2, [3, 4], STREET),
        (3, [2, 5], STREET),
        (4, [4, 6], STREET),
        (5, [5, 6], STREET),
        (6, [5, 7, 8, 6], STREET),  # a longer way around
    ]
    path = write_town(tmp_path / "town.osm", nodes, ways)
    streets = read_streets(path, boundary=square(300))
    assert hangs_together(streets)
    inside = streets.segments[streets.segments["inside"]]
    assert inside["length"].sum() == pytest.approx(1000, abs=250)
    assert set(inside.geometry.centroid.y.round(-1) - CENTRE[1]) == {0, 100}
    assert not streets.segments.geometry.bounds["maxx"].gt(CENTRE[0] + 1600).any()
    kept = "length kept beyond it, to join what lies inside (m)"
    assert 1000 < streets.report[kept] < 2100


def test_a_street_that_no_way_joins_is_dropped_and_reported(tmp_path):
    nodes = {1: (-200, 0), 2: (200, 0), 3: (-100, 100), 4: (100, 100)}
    path = write_town(tmp_path / "town.osm", nodes, [(1, [1, 2], STREET), (2, [3, 4], STREET)])
    streets = read_streets(path, boundary=square(300))
    assert streets.segments["length"].sum() == pytest.approx(400, abs=1)
    lost = streets.report["walkable length dropped, not connected (m)"]
    assert lost == pytest.approx(200, abs=1)


@pytest.mark.shared
def test_a_district_of_a_city_has_all_the_streets_it_has_in_the_whole_city():
    path = shared_file("almaty/almaty-2012.osm.pbf")
    districts = gpd.read_file(shared_file("almaty/districts.geojson"))
    medeu = districts[districts["name"] == "Medeu"]
    city, district = read_streets(path), read_streets(path, boundary=medeu)
    polygon = medeu.to_crs(city.crs).geometry.iloc[0]
    walked = city.segments[city.segments["walk"]]
    middle = shapely.line_interpolate_point(walked.geometry.to_numpy(), 0.5, normalized=True)
    wanted = walked.index[shapely.intersects(polygon, middle)]
    there = district.segments[district.segments["walk"] & district.segments["inside"]]
    assert set(there.index) == set(wanted)
    assert hangs_together(district)
