"""The boundary of an area, from whatever the caller has, as one polygon in degrees."""

from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.events.sources.files import JSON, LAYERS, PARQUET, SHAPES, check_file
from patrolmap.events.sources.vector import read_parquet, read_vector

FILES = (*JSON, *LAYERS, *SHAPES, *PARQUET)


def read_boundary(boundary: Any) -> BaseGeometry | None:
    """Return the boundary as one prepared polygon in degrees, longitude first.

    Parameters
    ----------
    boundary
        Shapely polygon in degrees, GeoDataFrame or GeoSeries, or path of a polygon file.

    Raises
    ------
    CRSError
        If it has no CRS, or is not in degrees where it must be.
    SchemaError, OptionError
        If it holds no polygon, or is none of these.
    """
    if boundary is None:
        return None
    if isinstance(boundary, str | PathLike):
        path = Path(boundary)
        check_file(path, FILES)
        frame = read_parquet(path) if path.suffix.lower() in PARQUET else read_vector(path)[0]
        return _polygon(frame, f"the boundary {path.name}")
    if isinstance(boundary, gpd.GeoDataFrame | gpd.GeoSeries):
        return _polygon(boundary, "the boundary")
    if isinstance(boundary, BaseGeometry):
        return _polygon(gpd.GeoSeries([boundary], crs=4326), "the boundary")
    raise OptionError(
        f"boundary is {type(boundary).__name__}; wanted a shapely polygon in degrees, a "
        "GeoDataFrame, or the path of a polygon file."
    )


def _polygon(shapes: Any, what: str) -> BaseGeometry:
    if not hasattr(shapes, "geometry"):
        raise SchemaError(f"{what} has no geometry; wanted polygons.")
    if shapes.crs is None:
        raise CRSError(f"{what} has no CRS; state it with set_crs(...).")
    parts = np.asarray(shapes.geometry.to_crs(4326).array, dtype=object)
    parts = parts[np.isin(shapely.get_type_id(parts), (3, 6)) & ~shapely.is_empty(parts)]
    if len(parts) == 0:
        raise SchemaError(f"{what} holds no polygon; wanted the outline of the area.")
    area = shapely.union_all(shapely.make_valid(parts))
    west, south, east, north = area.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise CRSError(
            f"{what} reaches from {west:g}, {south:g} to {east:g}, {north:g}: no degrees. "
            "Pass it as a GeoDataFrame with its CRS."
        )
    shapely.prepare(area)
    return area
