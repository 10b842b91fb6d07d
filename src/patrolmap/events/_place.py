"""Where events happened: coordinates found, their CRS settled, nonsense told from sense."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap._crs import WGS84, to_lonlat
from patrolmap.errors import CRSError, SchemaError
from patrolmap.events._columns import Roles, listing
from patrolmap.events._sieve import Bools, Floats, Ints, Sieve
from patrolmap.events._source import Source
from patrolmap.events._text import as_numbers, as_text, shorts

POINT, MULTIPOINT = 0, 4
EARTH_DEGREE = 111_320.0  # metres of one degree of latitude
NEAR = 25_000.0  # metres: nothing nearer than this to the middle is called far away
FAR = 5.0  # times the 95th percentile of distances


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Coordinates of a source.

    Attributes
    ----------
    x, y : (n,) float64
        As they stand in the source, NaN where there are none.
    lon, lat : (n,) float64
        The same in degrees.
    crs : CRS
    missing, unreadable, shape : (n,) bool
        Rows without coordinates, with text for coordinates, with a geometry that is no point.
    columns : tuple of str
        Source columns, empty where it has geometry.
    note : str
    """

    x: Floats
    y: Floats
    lon: Floats
    lat: Floats
    crs: CRS
    missing: Bools
    unreadable: Bools
    shape: Bools
    columns: tuple[str, ...]
    note: str


def read_places(source: Source, roles: Roles, source_crs: Any) -> Places:
    """Read the coordinates of each row and settle their CRS.

    Raises
    ------
    SchemaError
        If the source has neither geometry nor two coordinate columns.
    CRSError
        If its CRS is not stated and cannot be told, or its coordinates contradict it.
    """
    size = len(source.table)
    unreadable = shape = np.zeros(size, dtype=bool)
    columns: tuple[str, ...] = ()
    if source.geometry is not None and not {"lon", "lat", "x", "y"} & roles.named:
        x, y, missing, shape = _from_geometry(source.geometry)
    else:
        columns = _pair(source, roles)
        x, y = (as_numbers(source.table[column]) for column in columns)
        missing = _empty(source.table[columns[0]]) | _empty(source.table[columns[1]])
        unreadable = ~missing & (np.isnan(x) | np.isnan(y))
    crs, how = _settle_crs(None if columns else source, source_crs, x, y, source.name)
    lon, lat = (x, y) if crs == WGS84 else to_lonlat(crs, x, y)
    what = " and ".join(map(repr, columns)) or "geometry"
    return Places(
        x=x, y=y, lon=lon, lat=lat, crs=crs, missing=missing, unreadable=unreadable, shape=shape,
        columns=columns, note=f"place from {what}, in {_crs_name(crs)} ({how})",
    )  # fmt: skip


def _pair(source: Source, roles: Roles) -> tuple[str, str]:
    pair = roles.place()
    if pair is None:
        raise SchemaError(
            f"{source.name} has neither geometry nor columns known to hold coordinates; it has "
            f"{listing(source.table.columns)}. Name two with columns={{'lon': ..., 'lat': ...}}."
        )
    return pair


def sift_places(places: Places, sieve: Sieve, source: Source, area: Any) -> None:
    """Drop rows that lie nowhere on earth, and those whose two coordinates are exchanged."""
    lon, lat = places.lon, places.lat
    point = _point_of(places.x, places.y)
    some = "coordinates"
    sieve.drop(places.shape, "geometry is not a point", given=_types(source), wanted="a point")
    sieve.drop(places.missing, "no geometry", given=lambda at: ["nothing"] * len(at), wanted=some)
    sieve.drop(places.unreadable, "unreadable coordinates", given=_cells(places, source),
               wanted="two numbers")  # fmt: skip
    sieve.drop((np.abs(places.x) < 1e-6) & (np.abs(places.y) < 1e-6), "zero coordinates",
               given=point, wanted=some)  # fmt: skip
    swapped = _swapped(lon, lat, sieve.alive, area) if places.crs.is_geographic else None
    if swapped is not None:
        sieve.drop(
            swapped, "latitude and longitude swapped", given=point, wanted="longitude, latitude"
        )
    with np.errstate(invalid="ignore"):
        outside = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    sieve.drop(outside, "coordinates outside the world", given=point, wanted="a place on earth")


def sift_area(places: Places, sieve: Sieve, area: Any) -> None:
    """Drop rows outside the boundary, or far away from all others where there is none."""
    if not sieve.alive.any():
        return
    lon, lat = places.lon, places.lat
    degrees = _point_of(lon, lat)
    if area is not None:
        outside = np.ones(len(lon), dtype=bool)
        outside[sieve.alive] = ~_within(area, lon[sieve.alive], lat[sieve.alive])
        sieve.drop(
            outside, "outside the boundary", given=degrees, wanted="a place inside the boundary"
        )
        return
    centre, distance = _from_middle(lon, lat, sieve.alive)
    limit = max(NEAR, FAR * float(np.percentile(distance[sieve.alive], 95)))
    middle = f"{centre[0]:.4f}, {centre[1]:.4f}"
    wanted = f"within {limit / 1000:,.0f} km of the middle of all ({middle})"
    sieve.drop(distance > limit, "far away", given=degrees, wanted=wanted)


def _from_geometry(geometry: npt.NDArray[np.object_]) -> tuple[Floats, Floats, Bools, Bools]:
    """Return coordinates, and which rows have no geometry or no point."""
    kind = shapely.get_type_id(geometry)
    single = (kind == MULTIPOINT) & (shapely.get_num_geometries(geometry) == 1)
    if single.any():
        geometry = geometry.copy()
        geometry[single] = shapely.get_geometry(geometry[single], 0)
        kind = shapely.get_type_id(geometry)
    missing = (kind == -1) | shapely.is_empty(geometry)
    point = (kind == POINT) & ~missing
    x, y = np.full((2, len(geometry)), np.nan)
    x[point], y[point] = shapely.get_x(geometry[point]), shapely.get_y(geometry[point])
    return x, y, missing | (point & (np.isnan(x) | np.isnan(y))), ~point & ~missing


def _settle_crs(
    source: Source | None, source_crs: Any, x: Floats, y: Floats, name: str
) -> tuple[CRS, str]:
    """Return the CRS that the caller or the source states, or degrees where they look like it."""
    with np.errstate(invalid="ignore"):
        some = np.isfinite(x) & np.isfinite(y) & ((np.abs(x) > 1e-6) | (np.abs(y) > 1e-6))
        like = some & (np.abs(x) <= 180) & (np.abs(y) <= 180)
    first = np.flatnonzero(some)[:1]
    example = "".join(f"{x[at]:.10g}, {y[at]:.10g}" for at in first)
    what = f"coordinates of {name}, e.g. {example},"
    share = float(like.sum() / some.sum()) if some.any() else 0.5
    if source_crs is not None:
        crs, how = _known_crs(source_crs), "as source_crs= says"
    elif source is not None and source.crs is not None:
        crs, how = CRS.from_user_input(source.crs), "as it states"
    elif share >= 0.5:
        return WGS84, "they look like degrees"
    else:
        raise CRSError(
            f"{what} are not degrees and their CRS is not stated; wanted source_crs=, e.g. "
            "source_crs='EPSG:32643' for UTM 43N in metres."
        )
    if crs.is_geographic and share < 0.5:
        raise CRSError(
            f"{what} cannot be degrees but {_crs_name(crs)} is in degrees; state their real CRS "
            "with source_crs=, e.g. source_crs='EPSG:32643' for UTM 43N in metres."
        )
    if crs.is_projected and share > 0.5:
        raise CRSError(
            f"{what} look like degrees but {_crs_name(crs)} is not in degrees; state their real "
            "CRS with source_crs='EPSG:4326'."
        )
    return crs, how


def _known_crs(given: Any) -> CRS:
    try:
        return CRS.from_user_input(given)
    except Exception as error:  # pyproj raises its own family of errors
        raise CRSError(f"source_crs={given!r} is no system that PROJ knows: {error}") from error


def _crs_name(crs: CRS) -> str:
    return str(crs.to_string())[:40] if crs.to_authority() else str(crs.name)[:40]


def _swapped(lon: Floats, lat: Floats, alive: Bools, area: Any) -> Bools:
    """Tell rows that lie amid the others only once their coordinates are exchanged."""
    with np.errstate(invalid="ignore"):
        fine = alive & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        turned = alive & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    out = np.zeros(len(lon), dtype=bool)
    if area is not None:
        inside, inside_turned = out.copy(), out.copy()
        inside[fine] = _within(area, lon[fine], lat[fine])
        turned &= ~inside
        inside_turned[turned] = _within(area, lat[turned], lon[turned])
        return inside_turned
    if not fine.any():
        return out
    centre, given = _from_middle(lon, lat, fine)
    mended = _distance(lat, lon, centre)
    given = np.where(fine, given, np.inf)
    mended = np.where(turned, mended, np.inf)
    best = np.minimum(given, mended)[fine | turned]
    limit = max(NEAR, FAR * float(np.percentile(best, 95)))
    return (given > limit) & (mended <= limit)


def _from_middle(lon: Floats, lat: Floats, of: Bools) -> tuple[tuple[float, float], Floats]:
    centre = float(np.median(lon[of])), float(np.median(lat[of]))
    return centre, _distance(lon, lat, centre)


def _distance(lon: Floats, lat: Floats, centre: tuple[float, float]) -> Floats:
    """Return metres from the centre, on a plane: enough to tell near from far."""
    with np.errstate(invalid="ignore"):
        east = (lon - centre[0] + 180) % 360 - 180
        out = np.hypot(east * np.cos(np.radians(centre[1])), lat - centre[1]) * EARTH_DEGREE
    return np.asarray(np.where(np.isnan(out), np.inf, out))


def _within(area: Any, lon: Floats, lat: Floats) -> Bools:
    west, south, east, north = area.bounds
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    inside[inside] = shapely.intersects_xy(area, lon[inside], lat[inside])
    return np.asarray(inside, dtype=bool)


def _empty(values: pd.Series) -> Bools:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return np.asarray(values.isna(), dtype=bool)
    return np.asarray(as_text(values).is_null())


def _point_of(x: Floats, y: Floats) -> Any:
    return lambda at: [
        f"{a:.10g}, {b:.10g}" for a, b in zip(x[at].tolist(), y[at].tolist(), strict=True)
    ]


def _cells(places: Places, source: Source) -> Any:
    def said(at: Ints) -> list[str]:
        one, other = (shorts(source.table[column], at) for column in places.columns)
        return [f"{a[:20]}, {b[:20]}" for a, b in zip(one, other, strict=True)]

    return said


def _types(source: Source) -> Any:
    return lambda at: [g.geom_type for g in source.geometry[at]]  # type: ignore[index]
