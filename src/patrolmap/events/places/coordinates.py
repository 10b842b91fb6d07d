"""Where events happened: coordinates found, their CRS settled, nonsense told from sense."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap._crs import lonlat_to
from patrolmap.errors import SchemaError
from patrolmap.events._columns import Roles, headers
from patrolmap.events._shown import shown, shown_cells
from patrolmap.events._text import as_numbers, empties
from patrolmap.events.places.distance import apart
from patrolmap.events.places.home import Home, find_home, within
from patrolmap.events.places.second import second_opinion
from patrolmap.events.places.systems import (
    Stated,
    crs_name,
    known_crs,
    place_rows,
    settle_system,
)
from patrolmap.events.rows.sieve import Bools, Floats, Ints, Sieve
from patrolmap.events.sources.source import Source

POINT, MULTIPOINT = 0, 4
NEAR = 25_000.0  # metres: nothing nearer than this to the middle is called far away
FAR = 5.0  # times the 95th percentile of distances
BEYOND = 1e10  # a number so large is no coordinate, and may be a person's
METRES = 1_000.0  # both coordinates beyond this are no degrees, however wrong


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Coordinates of a source.

    Attributes
    ----------
    x, y : (n,) float64
        As they stand in the source, east first, NaN where there are none.
    lon, lat : (n,) float64
        The same in degrees.
    crs : CRS
    home : Home
        Where they were expected.
    missing, unreadable, shape : (n,) bool
        Rows without coordinates, with text for coordinates, with a geometry that is no point.
    columns : tuple of str
        Source columns, empty where it has geometry.
    notes : tuple of str
    """

    x: Floats
    y: Floats
    lon: Floats
    lat: Floats
    crs: CRS
    home: Home
    missing: Bools
    unreadable: Bools
    shape: Bools
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def read_places(
    source: Source, roles: Roles, source_crs: Any, *, area: Any, tz: tzinfo | None
) -> Places:
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
    said: tuple[str, ...] = ()
    stated = None if source_crs is None else Stated(
        crs=known_crs(source_crs), how="as source_crs= says")  # fmt: skip
    missing = np.ones(size, dtype=bool)
    if source.geometry is not None and not {"lon", "lat", "x", "y"} & roles.named:
        x, y, missing, shape = _from_geometry(source.geometry)
        said = _heights(source.geometry)
    if missing.all() and (source.geometry is None or roles.place() is not None):
        columns = _pair(source, roles, stated)
        x, y = (as_numbers(source.table[column]) for column in columns)
        missing = empties(source.table[columns[0]]) | empties(source.table[columns[1]])
        unreadable = ~missing & (np.isnan(x) | np.isnan(y))
    if stated is None:
        stated = _stated(source, roles, geometry=not columns)
    home = find_home(area, tz)
    system = settle_system(x, y, stated, home, source.name)
    x, y, lon, lat, moved = place_rows(system, x, y)
    what = " and ".join(map(repr, columns)) or "geometry"
    said += system.notes
    said += (f"{moved:,} rows stand in the zones that their eastings begin with",) if moved else ()
    second = second_opinion(
        source.table, roles, columns, lon, lat, x=x, y=y, missing=missing, name=source.name,
        what=what,
    )  # fmt: skip
    if (at := np.flatnonzero(second.filled)).size:
        x, y = x.copy(), y.copy()
        x[at], y[at] = lonlat_to(system.crs, second.lon[at], second.lat[at])
    said += second.notes
    return Places(
        x=x, y=y, lon=second.lon, lat=second.lat, crs=system.crs, home=home,
        missing=missing & ~second.filled, unreadable=unreadable, shape=shape, columns=columns,
        notes=(f"place from {what}, in {crs_name(system.crs)} ({system.how})", *said),
    )  # fmt: skip


def _stated(source: Source, roles: Roles, *, geometry: bool) -> Stated | None:
    """Return the system that the source states of its geometry, else its preset."""
    preset = roles.preset
    if geometry and source.crs is not None:
        return Stated(crs=CRS.from_user_input(source.crs), how="as it states")
    if preset.source_crs is None:
        return None
    how = f"as the preset {preset.name!r} says"
    return Stated(crs=known_crs(preset.source_crs), how=how, weak=True)


def _pair(source: Source, roles: Roles, stated: Stated | None) -> tuple[str, str]:
    """Return the two columns of coordinates; x and y where a system in metres is stated."""
    pair = roles.place()
    if pair is None:
        raise SchemaError(
            f"{source.name} has neither geometry nor columns known to hold coordinates; it has "
            f"{headers(source.table.columns)}. Name two with columns={{'lon': ..., 'lat': ...}}."
        )
    plain = stated is not None and stated.crs.is_projected and not {"lon", "lat"} & roles.named
    if plain and {"x", "y"} <= set(roles.found):
        return roles.found["x"], roles.found["y"]
    others = [] if {"lon", "lat", "x", "y"} & roles.named else roles.places()[1:]
    if others and not _filled(source.table, pair) and _filled(source.table, others[0]):
        return others[0]
    return pair


def _filled(table: pd.DataFrame, pair: tuple[str, str]) -> bool:
    return all(bool(np.isfinite(as_numbers(table[column])).any()) for column in pair)


def _heights(geometry: npt.NDArray[np.object_]) -> tuple[str, ...]:
    high = int(shapely.has_z(geometry).sum())
    return (f"heights of {high:,} points are left aside",) if high else ()


def sift_places(places: Places, sieve: Sieve, source: Source) -> None:
    """Drop rows that lie nowhere on earth, and those whose two coordinates are exchanged."""
    lon, lat, x, y = places.lon, places.lat, places.x, places.y
    point = _point_of(x, y)
    some = "coordinates"
    sieve.drop(places.shape, "geometry is not a point", given=_types(source), wanted="a point")
    sieve.drop(places.missing, "no geometry", given=lambda at: ["nothing"] * len(at), wanted=some)
    sieve.drop(places.unreadable, "unreadable coordinates", given=_cells(places, source),
               wanted="two numbers")  # fmt: skip
    sieve.drop(_zero(x, y, sieve.alive), "zero coordinates", given=point, wanted=some)
    with np.errstate(invalid="ignore"):
        small = (np.abs(x) <= 180) & (np.abs(y) <= 180)
        large = (np.abs(x) > METRES) & (np.abs(y) > METRES) & np.isfinite(x) & np.isfinite(y)
        outside = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if places.crs.is_projected:
        sieve.drop(small, "degrees among metres", given=point, wanted=crs_name(places.crs))
        turned = _exchanged_metres(x, y, sieve.alive)
        sieve.drop(turned, "easting and northing swapped", given=point, wanted="easting, northing")
    else:
        sieve.drop(large, "metres among degrees", given=point, wanted="longitude, latitude")
        turned = _swapped(lon, lat, sieve.alive, places.home)
        sieve.drop(
            turned, "latitude and longitude swapped", given=point, wanted="longitude, latitude"
        )
    sieve.drop(outside, "coordinates outside the world", given=point, wanted="a place on earth")


def _zero(x: Floats, y: Floats, alive: Bools) -> Bools:
    """Tell rows whose coordinates are zero: both, or one where all others are far from it."""
    zero_x, zero_y = np.abs(x) < 1e-6, np.abs(y) < 1e-6
    out = zero_x & zero_y
    rest = alive & np.isfinite(x) & np.isfinite(y) & ~out
    for zero, values in ((zero_x, x), (zero_y, y)):
        # The meridian of Greenwich runs through London.
        if (zero & rest).any() and abs(float(np.median(values[rest]))) > 2:
            out = out | (zero & rest)
    return np.asarray(out)


def sift_area(places: Places, sieve: Sieve, area: Any) -> None:
    """Drop rows outside the boundary, or far away from all others where there is none."""
    if not sieve.alive.any():
        return
    lon, lat = places.lon, places.lat
    degrees = _point_of(lon, lat)
    if area is not None:
        outside = np.ones(len(lon), dtype=bool)
        outside[sieve.alive] = ~within(area, lon[sieve.alive], lat[sieve.alive])
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


def _swapped(lon: Floats, lat: Floats, alive: Bools, home: Home) -> Bools:
    """Tell rows that lie at home, or amid the others, only once their coordinates are exchanged."""
    out = np.zeros(len(lon), dtype=bool)
    if home.sure:
        out[alive] = home.only_exchanged(lon[alive], lat[alive])
        if home.bounded:
            return out
        alive = alive & ~out
    with np.errstate(invalid="ignore"):
        fine = alive & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        turned = alive & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
    if not fine.any():
        return out
    centre, given = _from_middle(lon, lat, fine)
    mended = apart((lat, lon), centre)
    given = np.where(fine, given, np.inf)
    mended = np.where(turned, mended, np.inf)
    best = np.minimum(given, mended)[fine | turned]
    limit = max(NEAR, FAR * float(np.percentile(best, 95)))
    return out | ((given > limit) & (mended <= limit))


def _exchanged_metres(x: Floats, y: Floats, alive: Bools) -> Bools:
    """Tell rows that lie amid the others only once easting and northing are exchanged."""
    fine = alive & np.isfinite(x) & np.isfinite(y)
    out = np.zeros(len(x), dtype=bool)
    if not fine.any():
        return out
    east, north = float(np.median(x[fine])), float(np.median(y[fine]))
    given = np.hypot(x[fine] - east, y[fine] - north)
    turned = np.hypot(y[fine] - east, x[fine] - north)
    limit = max(NEAR, FAR * float(np.percentile(np.minimum(given, turned), 95)))
    out[fine] = (given > 10 * limit) & (turned <= limit)
    return out


def _from_middle(lon: Floats, lat: Floats, of: Bools) -> tuple[tuple[float, float], Floats]:
    centre = float(np.median(lon[of])), float(np.median(lat[of]))
    return centre, apart((lon, lat), centre)


def _point_of(x: Floats, y: Floats) -> Any:
    return lambda at: [
        f"{_written(a)}, {_written(b)}" for a, b in zip(x[at].tolist(), y[at].tolist(), strict=True)
    ]


def _written(number: float) -> str:
    return f"{number:.10g}" if abs(number) < BEYOND else shown(number)


def _cells(places: Places, source: Source) -> Any:
    def said(at: Ints) -> list[str]:
        one, other = (shown_cells(source.table[column], at) for column in places.columns)
        return [f"{a[:24]}, {b[:24]}" for a, b in zip(one, other, strict=True)]

    return said


def _types(source: Source) -> Any:
    return lambda at: [g.geom_type for g in source.geometry[at]]  # type: ignore[index]
