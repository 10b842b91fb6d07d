"""Rasters: what they say of themselves, contours, samples, GeoTIFF."""

import sys

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk import Raster
from patrolmap.schema import CONTOURS, validate

WEST, NORTH, CELL = 500_000.0, 4_800_000.0, 10.0


def raster(values, **attrs):
    return Raster(values=values, transform=(CELL, 0, WEST, 0, -CELL, NORTH), crs=32643, attrs=attrs)


def centres(found):
    rows, columns = found.values.shape
    x = WEST + (np.arange(columns) + 0.5) * CELL
    y = NORTH - (np.arange(rows) + 0.5) * CELL
    return np.meshgrid(x, y)


def test_a_raster_says_where_it_lies_and_what_it_holds():
    found = raster([[1.0, 2.0, np.nan]], unit="events per m²")
    assert found.bounds == (WEST, NORTH - 10, WEST + 30, NORTH)
    assert found.cell_size == 10
    assert found.total == 300
    assert repr(found) == "<Raster 1 x 3 cells of 10 m, events per m²>"


def test_the_values_cannot_be_changed_by_accident():
    given_values = np.ones((2, 2))
    found = raster(given_values)
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 5
    given_values[0, 0] = 1  # the caller's own stay theirs


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"values": np.ones(3)}, OptionError),
        ({"values": np.ones((0, 3))}, OptionError),
        ({"transform": (10, 0, 0, 0, -20, 0)}, OptionError),
        ({"transform": (10, 1, 0, 0, -10, 0)}, OptionError),
        ({"transform": (10, 0, 0, 0, -10)}, OptionError),
        ({"crs": 4326}, CRSError),
        ({"crs": None}, CRSError),
    ],
)
def test_a_raster_that_is_none_is_refused(change, error):
    fine = {"values": np.ones((2, 2)), "transform": (10, 0, 0, 0, -10, 0), "crs": 32643}
    with pytest.raises(error):
        Raster(**fine | change)


def test_a_point_gets_the_value_of_its_cell_whatever_its_crs():
    found = raster([[1.0, 2.0], [3.0, np.nan]])
    places = [(3, 3), (13, 3), (3, 13), (13, 13), (23, 3), (-1, 3), (3, -1), (3, 23)]
    points = gpd.GeoSeries(
        [shapely.Point(WEST + x, NORTH - y) for x, y in places] + [shapely.Point()],
        crs=32643, index=list("abcdefghi"),
    )  # fmt: skip
    wanted = [1, 2, 3, *[np.nan] * 6]
    for given_points in (points, points.to_frame("geometry"), points.iloc[:8].to_crs(4326)):
        got = found.sample(given_points)
        assert got.index.equals(given_points.index)
        assert got.name == "density"
        np.testing.assert_array_equal(got, wanted[: len(got)])


def test_samples_are_of_points_with_a_crs():
    found = raster([[1.0]])
    with pytest.raises(SchemaError, match="centroid"):
        found.sample(gpd.GeoSeries([shapely.box(0, 0, 1, 1)], crs=32643))
    with pytest.raises(CRSError, match="set_crs"):
        found.sample(gpd.GeoSeries([shapely.Point(0, 0)]))
    with pytest.raises(SchemaError, match="list"):
        found.sample([shapely.Point(0, 0)])


def test_contours_enclose_a_hole_where_there_is_one():
    values = np.pad([[2.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 2.0]], 1)
    (ring,) = raster(values).contours(1.0).geometry
    assert len(ring.geoms) == 1
    assert len(ring.geoms[0].interiors) == 1
    assert not ring.contains(shapely.Point(WEST + 25, NORTH - 25))


def test_contours_close_at_the_edge_of_the_raster_and_where_nothing_is_known():
    values = [[3.0, 3.0, np.nan], [3.0, 3.0, np.nan]]
    table = raster(values).contours([0.5])
    validate(table, CONTOURS)
    assert table["held"].tolist() == [1.0]  # all cells tie
    assert table.geometry.is_valid.all()
    assert table["area"].iloc[0] == pytest.approx(4 * CELL**2 - 4 * CELL**2 / 8)  # corners cut


VALUES = arrays(
    np.float64, (6, 7), elements=st.sampled_from([0.0, 0.0, 1.0, 1.5, 2.0, 7.0, np.nan])
)


@settings(deadline=None, max_examples=60)
@given(VALUES.filter(lambda v: np.nansum(v) > 0))
def test_contours_hold_what_they_say_and_lie_in_each_other(values):
    found = raster(values)
    table = found.contours([0.3, 0.6, 0.9, 1.0])
    assert table.geometry.is_valid.all()
    assert (table["held"] >= table["share"] - 1e-12).all()
    assert table["area"].is_monotonic_increasing
    known = np.nan_to_num(found.values)
    x, y = centres(found)
    for row in table.itertuples():
        inside = shapely.contains_xy(row.geometry, x, y)
        np.testing.assert_array_equal(inside, known > row.density)
        assert known[inside].sum() / known.sum() == pytest.approx(row.held)
        lowest = known[inside].min()
        without = known[known > lowest].sum() / known.sum()
        assert without < row.share  # no smaller set of the highest cells would do
    for inner, outer in zip(table.geometry, table.geometry[1:], strict=False):
        assert inner.difference(outer).area < 1e-6


@pytest.mark.parametrize("shares", [0, 1.2, [], [0.5, -1], "half", [np.nan], None])
def test_a_share_that_is_none_is_refused(shares):
    with pytest.raises(OptionError, match="shares"):
        raster([[1.0]]).contours(shares)


def test_a_raster_of_nothing_has_no_contours():
    with pytest.raises(SchemaError, match="holds nothing"):
        raster([[0.0, np.nan]]).contours()
    with pytest.raises(SchemaError, match="below 0"):
        raster([[1.0, -1.0]]).contours()


def test_a_geotiff_reads_back_the_same(tmp_path):
    rasterio = pytest.importorskip("rasterio")
    found = raster(
        [[1.0, np.nan], [3.0, 1e-300]], unit="events per m²", bandwidth=300.0, notes=("a", "b")
    )
    found.to_geotiff(tmp_path / "density.tif")
    with rasterio.open(tmp_path / "density.tif") as file:
        np.testing.assert_array_equal(file.read(1), found.values)
        assert tuple(file.transform)[:6] == found.transform
        assert file.crs.to_epsg() == 32643
        assert np.isnan(file.nodata)
        assert file.units == ("events per m²",)
        assert file.tags()["bandwidth"] == "300.0"
        assert file.tags()["notes"] == "a; b"


def test_without_rasterio_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(OptionError, match=r"pip install 'patrolmap\[raster\]'"):
        raster([[1.0]]).to_geotiff(tmp_path / "density.tif")
    assert not list(tmp_path.iterdir())
