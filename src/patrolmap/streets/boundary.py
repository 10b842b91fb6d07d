"""The boundary of a reading: any polygon, file or district, and which segments lie in it."""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from patrolmap._crs import WGS84, metric_crs, require_true_lengths
from patrolmap.errors import CRSError, OptionError, SourceFormatError
from patrolmap.streets.districts import read_district
from patrolmap.streets.sources.formats import SUFFIXES, check_form, find_file
from patrolmap.streets.sources.table import read_table

MARGIN = 500.0  # m around the boundary kept for walking through and for density

Boundary = Any  # shapely (Multi)Polygon in degrees, GeoDataFrame, GeoSeries, path, name or id

_DEGREE = 110_400.0  # m, no degree of latitude or, by its cosine, of longitude is shorter


def read_boundary(boundary: Boundary, *, source: Any = None) -> gpd.GeoSeries:
    """Return the boundary as one polygon in degrees.

    Parameters
    ----------
    boundary
        A shapely polygon in degrees, a GeoDataFrame or GeoSeries of polygons in any CRS, or the
        path of a polygon file. Of an administrative boundary inside `source` also its name in any
        language ("Алатауский район"), its OSM relation id (3072216), or an id as `read_districts`
        gives it ("relation/3072216"). Text is a path where there is such a file or where it ends as
        a file read here does, and else a name.
    source
        OSM file that a name or id is looked up in.

    Raises
    ------
    SourceNotFoundError, SourceFormatError, CRSError
        If it is a file that cannot be read, lies outside the world, or is no polygon.
    OptionError
        If it is none of these; or if it is a name that no boundary has (lists those near), that
        several have (lists them), whose boundary the extract cuts, or `source` is no OSM file.

    Examples
    --------
    >>> read_boundary(shapely.box(76.7, 43.2, 76.8, 43.3)).geom_type.tolist()
    ['Polygon']
    """
    asked = _district_asked(boundary)
    if asked is not None:
        boundary = _in_extract(asked, source)
    elif isinstance(boundary, str | Path):
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
            "GeoDataFrame or GeoSeries of polygons, the path of a polygon file, or the name or "
            "relation id of an administrative boundary of the same OSM extract."
        )
    if shape.crs is None:
        raise CRSError("boundary has no CRS; state it with set_crs(...), e.g. set_crs(4326).")
    shape = shape[~(shape.isna() | shape.is_empty)]
    kinds = set(shape.geom_type)
    if not kinds or not kinds <= {"Polygon", "MultiPolygon"}:
        raise SourceFormatError(f"boundary holds {sorted(kinds) or 'nothing'}; wanted polygons.")
    if not np.isfinite(shapely.get_coordinates(shape.to_numpy())).all():
        raise CRSError("boundary has corners that are no numbers (NaN or infinite); wanted places.")
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


def is_district(boundary: Boundary) -> bool:
    """Say whether a boundary is the name or id of one inside the extract, not a polygon.

    Examples
    --------
    >>> is_district("Алатау ауданы"), is_district("district.gpkg")
    (True, False)
    """
    return _district_asked(boundary) is not None


def _district_asked(boundary: Boundary) -> int | str | None:
    """Return the id or name that is to be looked up in the extract, None where it is none."""
    if isinstance(boundary, int | np.integer) and not isinstance(boundary, bool):
        return int(boundary)
    if not isinstance(boundary, str) or _is_file(boundary):
        return None
    if boundary.strip().lower().endswith((*SUFFIXES["table"], *SUFFIXES["osm"])):
        return None  # a mistyped path
    if not boundary.strip():
        raise OptionError(f"boundary={boundary!r} is blank; wanted a name or a path.")
    return boundary


def _is_file(text: str) -> bool:
    try:
        return Path(text).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):  # too long, or with signs no path has
        return False


def _in_extract(asked: int | str, source: Any) -> gpd.GeoSeries:
    """Look up an administrative boundary, and say why where there is nowhere to look."""
    what = "an OSM extract, among whose administrative boundaries the name or id is looked up"
    if not isinstance(source, str | Path):
        given = "no file" if source is None else f"a {type(source).__name__}"
        raise OptionError(
            f"boundary={asked!r} is no file, so it is taken for the name or id of an "
            f"administrative boundary; those are looked up in an OSM file, and the source is "
            f"{given}. Pass a polygon, or the path of a polygon file."
        )
    path = find_file(source, what=what)
    if not path.name.lower().endswith(tuple(SUFFIXES["osm"])):
        raise OptionError(
            f"boundary={asked!r} is no file, so it is taken for the name or id of an "
            f"administrative boundary; those are looked up in an OSM file, and {path} is a table. "
            "Pass a polygon, or the path of a polygon file."
        )
    check_form(path, allowed=("osm",))
    return read_district(path, asked)


def boundary_box(shape: gpd.GeoSeries, margin_m: float) -> tuple[float, float, float, float]:
    """Return west, south, east, north in degrees of a boundary and a margin (m) around it.

    Everything within the margin lies in the box; the box may reach a little farther. One that
    would cross the 180th meridian, or come near a pole, spans all longitudes.

    Examples
    --------
    >>> square = gpd.GeoSeries([shapely.box(76.7, 43.2, 76.8, 43.3)], crs=4326)
    >>> [round(degrees, 3) for degrees in boundary_box(square, 5500)]
    [76.631, 43.15, 76.869, 43.35]
    """
    west, south, east, north = shape.to_crs(WGS84).total_bounds.tolist()
    high = margin_m / _DEGREE
    south, north = max(south - high, -90.0), min(north + high, 90.0)
    narrowest = math.cos(math.radians(max(abs(south), abs(north))))
    wide = high / narrowest if narrowest > 0.01 else 360.0
    if west - wide < -180 or east + wide > 180:
        return -180.0, south, 180.0, north
    return west - wide, south, east + wide, north


def choose_crs(crs: Any, boundary: gpd.GeoSeries | None, *, lon: float, lat: float) -> CRS:
    """Return the metric CRS asked for, or the UTM zone of the boundary's middle, else of a place.

    Raises
    ------
    CRSError
        If the CRS asked for has no metres, or wrong ones there.
    """
    if boundary is not None:
        middle = boundary.iloc[0].representative_point()
        lon, lat = middle.x, middle.y
    chosen = metric_crs(crs, lon=lon, lat=lat)
    if crs is not None:
        require_true_lengths(chosen, lon=lon, lat=lat)
    return chosen


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
        raise missed(boundary, segments.geometry)
    return near, inside


def missed(boundary: gpd.GeoSeries, streets: gpd.GeoSeries) -> OptionError:
    """Return the error of a boundary that no street lies in, with both extents."""
    return OptionError(
        f"no street lies inside the boundary: it spans {say_extent(boundary)}, the streets "
        f"{say_extent(streets)}. Pass the boundary of a place in this extract, or an extract that "
        "holds it (longitude comes first)."
    )


def say_extent(shape: gpd.GeoSeries) -> str:
    """Write an extent in degrees: `lon 76.7420..77.1668, lat 43.0328..43.4038`."""
    west, south, east, north = shape.total_bounds
    if not shape.crs.is_geographic:
        box = gpd.GeoSeries([shapely.box(west, south, east, north)], crs=shape.crs)
        west, south, east, north = box.to_crs(WGS84).total_bounds
    return f"lon {west:.4f}..{east:.4f}, lat {south:.4f}..{north:.4f}"
