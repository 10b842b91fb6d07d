"""Which system a source's coordinates are in: as stated where they bear it out, else recognised."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pyproj import CRS

from patrolmap._crs import WGS84, lonlat_to
from patrolmap.errors import CRSError
from patrolmap.events.places.home import ARCTIC, Home
from patrolmap.events.places.readings import (
    RIVALS,
    Landing,
    certain,
    degrees,
    land,
    proposals,
    sample,
)
from patrolmap.events.rows.sieve import Bools, Floats

POLE = 84.0  # degrees of latitude beyond which there is no zone of UTM
MANY = 10  # rows, and more than 5 % of all, that are no slips of the pen but another way to write
# Degrees around the area that a system is made for; one zone of UTM serves a whole country.
AROUND, WIDE = 8.0, 25.0
STRIP = 4.0  # degrees from the middle of a UTM zone that are still its own, or nearly so


@dataclass(frozen=True, kw_only=True)
class Stated:
    """A system of coordinates that somebody states, and who; a preset may be wrong about a file."""

    crs: CRS
    how: str
    weak: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class System:
    """The system that was settled on.

    Attributes
    ----------
    crs : CRS
    turned : bool, or (n,) bool
        Whether the two columns are exchanged, in all rows or row by row.
    how : str
    notes : tuple of str
    """

    crs: CRS
    turned: bool | Bools
    how: str
    notes: tuple[str, ...] = ()


def known_crs(given: Any) -> CRS:
    """Return the system that a caller or a preset names.

    Raises
    ------
    CRSError
        If there is none of that name.
    """
    try:
        return CRS.from_user_input(given)
    except Exception as error:  # pyproj raises its own family of errors
        raise CRSError(f"source_crs={given!r} is no system that PROJ knows: {error}") from error


def crs_name(crs: CRS) -> str:
    """Name a system in a few letters."""
    return str(crs.to_string())[:40] if crs.to_authority() else str(crs.name)[:40]


def settle_system(x: Floats, y: Floats, stated: Stated | None, home: Home, name: str) -> System:
    """Return the system of two columns, as it is stated if the numbers bear that out.

    Where none is stated, numbers that look like degrees are degrees. Others are read only where
    the numbers tell one system alone that puts them at home: Gauss-Kruger by the zone in front of
    the easting, Mercator by the boundary. Nothing tells the zones of UTM apart.

    Raises
    ------
    CRSError
        If the system is not told, or the numbers contradict it; with the systems that would fit.
    """
    xs, ys = sample(x, y)
    example = f", e.g. {xs[0]:.10g}, {ys[0]:.10g}," if len(xs) else ""
    what = f"coordinates of {name}{example}"
    like = float(((np.abs(xs) <= 180) & (np.abs(ys) <= 180)).mean()) if len(xs) else 0.5
    if (stated is None or stated.weak) and like >= 0.5:
        stated = Stated(crs=WGS84, how="they look like degrees")
    if stated is None:
        return _recognised(xs, ys, home, f"{what} are not degrees and their CRS is not stated")
    crs = stated.crs
    if crs.is_geographic and like < 0.5:
        raise CRSError(
            f"{what} cannot be degrees but {crs_name(crs)} is in degrees; state their real CRS, "
            f"{proposals(land(xs, ys, home), home)}."
        )
    if crs.is_projected and like > 0.5:
        raise CRSError(
            f"{what} look like degrees but {crs_name(crs)} is not in degrees; state their real "
            "CRS with source_crs='EPSG:4326'."
        )
    if len(xs) == 0:
        return System(crs=crs, turned=False, how=stated.how)
    if crs.is_geographic:
        return _turn_degrees(stated, x, y, home, what)
    return _bear_out(stated, xs, ys, home, what)


def _recognised(xs: Floats, ys: Floats, home: Home, fault: str) -> System:
    landings = land(xs, ys, home)
    best = certain(landings, home)
    if best is None:
        raise CRSError(f"{fault}; wanted {proposals(landings, home)}.")
    reading = best.reading
    return System(
        crs=CRS.from_epsg(reading.code),
        turned=reading.turned,
        how=f"the numbers tell {reading.title}, and lie in {home.name} only so",
    )


def _turn_degrees(stated: Stated, x: Floats, y: Floats, home: Home, what: str) -> System:
    """Exchange two columns of degrees where it is certain that latitude stands first.

    That is so in all rows, or in many: each of these lies at home, or on earth, only so. A few
    among others are left for `sift_places` to reject.

    Raises
    ------
    CRSError
        If most rows lie at a pole.
    """
    xs, ys = sample(x, y)
    right, wrong = _latitude_first(ys, xs, home), _latitude_first(xs, ys, home)
    impossible = float((np.abs(ys) > 90).mean())
    at_home = home.share(xs, ys), home.share(ys, xs)
    arctic = home.sure or float((ys > ARCTIC).mean()) >= 0.95
    only_so = at_home[0] <= RIVALS and at_home[1] >= max(home.most, 0.5) and arctic
    most = float(wrong.mean()) >= max(home.most, 0.5) or only_so or impossible >= 0.5
    rows = np.isfinite(x) & np.isfinite(y)
    if right.sum() <= RIVALS * len(xs) and most:
        turned = ~_latitude_first(y, x, home)
    elif wrong.sum() >= MANY and wrong.sum() > RIVALS * (wrong | right).sum():
        turned = _latitude_first(x, y, home)
    else:
        return System(crs=stated.crs, turned=False, how=stated.how, notes=_poles(xs, ys, what))
    count, every = int((turned & rows).sum()), int(rows.sum())
    where, there = ("in all rows", "") if count == every else (
        f"in {count:,} of {every:,} rows", " there")  # fmt: skip
    told = only_so or bool(home.only_exchanged(xs, ys).any())
    why = f"they lie in {home.name} only so" if told else "no latitude is beyond 90"
    said = f"latitude stands first {where}: the two are exchanged{there} ({why})"
    return System(crs=stated.crs, turned=turned, how=stated.how, notes=(said,))


def _poles(xs: Floats, ys: Floats, what: str) -> tuple[str, ...]:
    """Say where most points lie by a pole."""
    away = float(np.median(np.abs(ys)))
    if away <= ARCTIC or away > 90:
        return ()
    round_ = f"round {float(np.median(xs)):.2f}, {float(np.median(ys)):.2f}"
    mend = "if latitude stands first, exchange the two with columns={'lon': ..., 'lat': ...}"
    if away > POLE:
        raise CRSError(f"{what} would lie {round_}, at a pole; {mend}.")
    return (f"the points lie {round_}, near a pole: {mend}",)


def _latitude_first(x: Floats, y: Floats, home: Home) -> Bools:
    """Tell which points lie at home, or on earth at all, only once x and y are exchanged."""
    with np.errstate(invalid="ignore"):
        impossible = (np.abs(y) > 90) & (np.abs(y) <= 180) & (np.abs(x) <= 90)
    return np.asarray(impossible | home.only_exchanged(x, y))


def _bear_out(stated: Stated, xs: Floats, ys: Floats, home: Home, what: str) -> System:
    """Return a projected system as stated, unless the numbers cannot be in it."""
    crs, said = stated.crs, crs_name(stated.crs)
    lon, lat, _ = degrees(crs, xs, ys)
    turned_lon, turned_lat, _ = degrees(crs, ys, xs)
    fits, fits_turned = _in_use(crs, lon, lat).mean(), _in_use(crs, turned_lon, turned_lat).mean()
    at_home = home.share(lon, lat) if home.sure else float("nan")
    only_turned = at_home <= RIVALS and home.share(turned_lon, turned_lat) >= home.most
    if (fits <= RIVALS and fits_turned >= 0.95) or (only_turned and fits_turned >= 0.95):
        note = f"the northing stands first in all rows: the two are exchanged, for {said}"
        return System(crs=crs, turned=True, how=stated.how, notes=(note,))
    if fits < 0.5:
        fault = f"{what} cannot be in {said}: they would lie nowhere near where it is used"
        if stated.weak:
            return _recognised(xs, ys, home, fault)
        raise CRSError(f"{fault}; state their real CRS, {proposals(land(xs, ys, home), home)}.")
    others = _others(crs, xs, ys, home) if at_home < 0.005 else []
    if others and home.bounded:
        raise CRSError(
            f"{what} lie outside the boundary in {said} ({stated.how}); state their real CRS, "
            f"{proposals(others, home)}."
        )
    notes = _beyond(crs, lon, lat, others, at_home)
    if stated.weak and not home.bounded:
        notes += (f"only the preset says that the numbers are in {said}: give boundary= to check "
                  "it, or source_crs=",)  # fmt: skip
    return System(crs=crs, turned=False, how=stated.how, notes=notes)


def _others(crs: CRS, xs: Floats, ys: Floats, home: Home) -> list[Landing]:
    """Return the other systems that would put the numbers at home."""
    fit = [one for one in land(xs, ys, home) if one.share >= home.most]
    own = _epsg(crs)
    return sorted(
        (one for one in fit if one.reading.code != own), key=lambda one: abs(one.reading.code - own)
    )


def _utm_zone(crs: CRS) -> int:
    """Return the zone of UTM, 0 where it is none."""
    code = _epsg(crs)
    return code % 100 if 32600 < code <= 32660 or 32700 < code <= 32760 else 0


def _epsg(crs: CRS) -> int:
    authority = crs.to_authority()
    return int(authority[1]) if authority and authority[0] == "EPSG" else 0


def _in_use(crs: CRS, lon: Floats, lat: Floats) -> Bools:
    """Tell which points lie where a system is used, or some hundred kilometres around."""
    fine = np.isfinite(lon) & np.isfinite(lat)
    area = crs.area_of_use
    if area is None:
        return np.asarray(fine & (np.abs(lat) <= 90))
    width = (area.east - area.west) % 360 or 360.0
    wide = WIDE if _utm_zone(crs) else AROUND
    with np.errstate(invalid="ignore"):
        east = (lon - area.west + wide) % 360 <= width + 2 * wide
        north = (lat >= area.south - AROUND) & (lat <= area.north + AROUND)
    return np.asarray(fine & east & north)


def _beyond(
    crs: CRS, lon: Floats, lat: Floats, others: list[Landing], at_home: float
) -> tuple[str, ...]:
    """Say where the points lie far outside the strip that their zone of UTM is made for."""
    zone = _utm_zone(crs)
    if zone == 0:
        return ()
    away = abs((float(np.nanmedian(lon)) - (6 * zone - 183) + 180) % 360 - 180)
    if away <= STRIP:
        return ()
    where = f"{float(np.nanmedian(lon)):.2f}, {float(np.nanmedian(lat)):.2f}"
    note = f"the points lie round {where}, {away:.0f}° from the middle of UTM zone {zone}: "
    if at_home > RIVALS:
        return (f"{note}one zone serves a whole country there",)
    other = "".join(
        f"; {one.reading.title} would put them at {one.lon:.2f}, {one.lat:.2f}"
        for one in others[:2]
    )
    return (f"{note}is it the right one?{other}",)


def place_rows(system: System, x: Floats, y: Floats) -> tuple[Floats, Floats, Floats, Floats, int]:
    """Return x and y in the system, longitude and latitude, and how many stood in other zones."""
    east, north = np.where(system.turned, y, x), np.where(system.turned, x, y)
    lon, lat, moved = degrees(system.crs, east, north)
    if moved:
        east, north = lonlat_to(system.crs, lon, lat)
    return east, north, lon, lat, moved
