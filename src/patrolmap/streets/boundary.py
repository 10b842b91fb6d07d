"""The boundary of a reading: any polygon, in metres, and which segments lie in it."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from patrolmap._crs import WGS84
from patrolmap.errors import CRSError, OptionError, SourceFormatError
from patrolmap.streets.sources import check_form, find_file
from patrolmap.streets.table import read_table

MARGIN = 500.0  # m around the boundary kept for walking through and for density

Boundary = Any  # shapely (Multi)Polygon in degrees, GeoDataFrame, GeoSeries, or a path


def read_boundary(boundary: Boundary) -> gpd.GeoSeries:
    """Return the boundary as one polygon in degrees.

    Raises
    ------
    SourceNotFoundError, SourceFormatError, CRSError, OptionError
        If it is a file that cannot be read, lies outside the world, or is no polygon.
    """
    if isinstance(boundary, str | Path):
        path = find_file(boundary, what="a file with the boundary's polygon")
        check_form(path, allowed=("table",))
        boundary = read_table(path)
    if isinstance(boundary, shapely.Geometry):
        shape = gpd.GeoSeries([boundary], crs=WGS84)
    elif isinstance(boundary, gpd.GeoDataFrame | gpd.GeoSeries):
        shape = boundary.geometry
    else:
        raise OptionError(
            f"boundary={type(boundary).__name__}; wanted a shapely polygon in degrees, a "
            "GeoDataFrame or GeoSeries of polygons, or the path of a polygon file."
        )
    if shape.crs is None:
        raise CRSError("boundary has no CRS; state it with set_crs(...), e.g. set_crs(4326).")
    shape = shape[~(shape.isna() | shape.is_empty)]
    kinds = set(shape.geom_type)
    if not kinds or not kinds <= {"Polygon", "MultiPolygon"}:
        raise SourceFormatError(f"boundary holds {sorted(kinds) or 'nothing'}; wanted polygons.")
    shape = shape.make_valid()
    if shape.crs.is_geographic:
        shape = shape.segmentize(0.01)  # a long edge in degrees is a bow in metres
    shape = gpd.GeoSeries([shape.to_crs(WGS84).union_all()], crs=WGS84)
    west, south, east, north = shape.total_bounds
    if west < -180 or south < -90 or east > 180 or north > 90:
        raise CRSError(
            f"boundary reaches outside the world: {say_extent(shape)}; wanted degrees, longitude "
            "first, or a GeoSeries with its own CRS."
        )
    return shape


def place_segments(
    segments: gpd.GeoDataFrame, boundary: gpd.GeoSeries, *, crs: CRS
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say which segments lie within the margin, and which have their middle inside.

    Raises
    ------
    OptionError
        If no segment lies inside, giving both extents.
    """
    polygon = boundary.to_crs(crs).iloc[0]
    shapely.prepare(polygon)
    lines = segments.geometry.to_numpy()
    near = shapely.dwithin(polygon, lines, MARGIN)
    inside = near.copy()
    middle = shapely.line_interpolate_point(lines[near], 0.5, normalized=True)
    inside[near] = shapely.intersects(polygon, middle)
    if not inside.any():
        raise OptionError(
            f"no street lies inside the boundary: it spans {say_extent(boundary)}, the streets "
            f"{say_extent(segments.geometry)}. Pass the boundary of a place in this extract, or an "
            "extract that holds it (longitude comes first)."
        )
    return near, inside


def say_extent(shape: gpd.GeoSeries) -> str:
    """Write an extent in degrees: `lon 76.7420..77.1668, lat 43.0328..43.4038`."""
    west, south, east, north = shape.total_bounds
    if not shape.crs.is_geographic:
        box = gpd.GeoSeries([shapely.box(west, south, east, north)], crs=shape.crs)
        west, south, east, north = box.to_crs(WGS84).total_bounds
    return f"lon {west:.4f}..{east:.4f}, lat {south:.4f}..{north:.4f}"
