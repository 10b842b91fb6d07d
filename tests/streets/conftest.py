"""Real cities, each read once a session."""

import geopandas as gpd
import pytest

from patrolmap.streets import StreetNetwork, read_streets
from shared import shared_file


@pytest.fixture(scope="session")
def portland() -> StreetNetwork:
    return read_streets(shared_file("portland/portland-central.osm.pbf"))


@pytest.fixture(scope="session")
def heidelberg() -> StreetNetwork:
    return read_streets(shared_file("heidelberg/heidelberg.osm.pbf"))


@pytest.fixture(scope="session")
def helsinki() -> StreetNetwork:
    return read_streets(shared_file("helsinki/helsinki.osm.pbf"))


@pytest.fixture(scope="session")
def pittsburgh() -> StreetNetwork:
    return read_streets(shared_file("pittsburgh/pittsburgh_osm_edges.parquet"))


@pytest.fixture(scope="session")
def alatau() -> StreetNetwork:
    districts = gpd.read_file(shared_file("almaty/districts.geojson"))
    return read_streets(
        shared_file("almaty/almaty-2012.osm.pbf"),
        boundary=districts[districts["osm_id"] == 3072216],
    )
