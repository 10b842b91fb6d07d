"""Coordinates and their projection to metres: readers project once, stages only compare."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import ProjError

from patrolmap.errors import CRSError

WGS84 = CRS.from_epsg(4326)

Floats = npt.NDArray[np.float64]


def utm_crs(lon: float, lat: float) -> CRS:
    """Return the WGS 84 / UTM zone that holds a point given in degrees.

    Raises
    ------
    CRSError
        If the point is not on earth, or outside the UTM zones (beyond 84° N or 80° S).

    Examples
    --------
    >>> utm_crs(76.9, 43.25).to_epsg()
    32643
    """
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise CRSError(
            f"lon={lon:g}, lat={lat:g} is not a place on earth; wanted degrees, longitude first. "
            "If the coordinates are metres, state their CRS with crs=."
        )
    if not -80 <= lat <= 84:
        raise CRSError(
            f"lon={lon:g}, lat={lat:g} lies in no UTM zone; state a metric CRS with crs=."
        )
    zone = min(int((lon + 180) // 6) + 1, 60)  # reckoned: asking PROJ's database takes 70 ms
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def metric_crs(crs: Any, *, lon: float, lat: float) -> CRS:
    """Return `crs` checked to be in metres, or the local UTM zone where `crs` is None."""
    if crs is None:
        return utm_crs(lon, lat)
    try:
        wanted = CRS.from_user_input(crs)
    except Exception as error:  # pyproj raises its own family of errors
        raise CRSError(
            f"crs={crs!r} is not a coordinate system that PROJ knows: {error}"
        ) from error
    require_metres(wanted, what=f"crs={crs!r}")
    return wanted


def require_true_lengths(crs: CRS, *, lon: float, lat: float) -> None:
    """Raise `CRSError` where a metre of `crs` is off by more than 2 % at a place in degrees.

    Examples
    --------
    >>> require_true_lengths(CRS.from_epsg(3857), lon=76.9, lat=43.25)
    Traceback (most recent call last):
    ...
    patrolmap.errors.CRSError: a metre of WGS 84 / Pseudo-Mercator measures 0.73 m at ...
    """
    factors = Proj(crs).get_factors(lon, lat)
    scales = [factors.meridional_scale, factors.parallel_scale]
    worst = max(scales, key=lambda scale: abs(scale - 1))
    if not abs(worst - 1) <= 0.02:
        real = f"{1 / worst:.2f} m" if np.isfinite(worst) else "nothing"
        raise CRSError(
            f"a metre of {crs.name} measures {real} at lon={lon:.2f}, lat={lat:.2f}; wanted a CRS "
            f"made for that place, for example crs={utm_crs(lon, lat).to_epsg()} (the default)."
        )


def require_metres(crs: CRS | None, *, what: str) -> None:
    """Raise `CRSError` unless `crs` is projected with metres on both axes."""
    if crs is None:
        raise CRSError(f"{what} has no CRS; state it with set_crs(...) before this call.")
    if crs.is_geographic:
        raise CRSError(
            f"{what} is in degrees ({crs.name}); wanted a projected CRS in metres, "
            "for example to_crs(gdf.estimate_utm_crs())."
        )
    if any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info[:2]):
        raise CRSError(f"{what} is not in metres ({crs.name}); wanted a projected CRS in metres.")


def point_coordinates(points: gpd.GeoSeries) -> tuple[Floats, Floats]:
    """Return x and y of points; NaN for what is empty, missing or no point.

    Examples
    --------
    >>> x, y = point_coordinates(gpd.GeoSeries.from_wkt(["POINT (1 2)", "POINT EMPTY", None]))
    >>> x.tolist()
    [1.0, nan, nan]
    """
    shapes = np.asarray(points.array)
    try:
        return shapely.get_x(shapes), shapely.get_y(shapes)
    except shapely.errors.GEOSException:  # one is empty: to look for it takes as long again
        shapes = shapes.copy()
        shapes[shapely.is_empty(shapes)] = None
        return shapely.get_x(shapes), shapely.get_y(shapes)


def lonlat_to(crs: CRS, lon: Any, lat: Any) -> tuple[Floats, Floats]:
    """Project degrees to `crs`, both as arrays."""
    x, y = _between(WGS84, crs).transform(lon, lat)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def to_lonlat(crs: CRS, x: Any, y: Any) -> tuple[Floats, Floats]:
    """Turn projected coordinates back into degrees, both as arrays."""
    lon, lat = _between(crs, WGS84).transform(x, y)
    return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def _between(source: CRS, target: CRS) -> Transformer:
    try:
        return Transformer.from_crs(source, target, always_xy=True)
    except ProjError as error:  # a system of another planet, or one that leads nowhere
        raise CRSError(
            f"coordinates cannot be brought from {source.name} to {target.name}: "
            f"{' '.join(str(error).split())[:120]}. State their real CRS."
        ) from error
