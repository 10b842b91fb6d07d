"""Projection to metres."""

import pytest
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from patrolmap._crs import utm_crs
from patrolmap.errors import CRSError


@pytest.mark.parametrize(
    ("lon", "lat"), [(76.9, 43.25), (-122.6, 45.5), (-8.6, 41.1), (151.2, -33.9), (179.9, 5.0)]
)
def test_the_zone_is_the_one_that_proj_names(lon, lat):
    found = query_utm_crs_info("WGS 84", AreaOfInterest(lon, lat, lon, lat), contains=True)
    assert utm_crs(lon, lat).to_epsg() == int(found[0].code)


def test_the_date_line_lies_in_a_zone_from_either_side():
    assert utm_crs(180, 10).to_epsg() == 32660
    assert utm_crs(-180, 10).to_epsg() == 32601


@pytest.mark.parametrize(("lon", "lat"), [(656_000, 43), (76, 91), (76, 85), (76, -81)])
def test_a_point_outside_every_zone_is_refused(lon, lat):
    with pytest.raises(CRSError, match=r"wanted degrees|no UTM zone"):
        utm_crs(lon, lat)
