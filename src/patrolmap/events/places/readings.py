"""In which systems of coordinates a table of numbers could be written, and where each puts them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pyproj import CRS

from patrolmap._crs import WGS84, to_lonlat
from patrolmap.events.places.home import Home
from patrolmap.events.rows.sieve import Floats

SAMPLE = 2_000  # rows that the numbers are judged by
MILLION = 1_000_000.0
MIDDLE = 500_000.0  # easting of a zone's middle
HALF = 400_000.0  # metres from it that a zone's prefix leaves no doubt about
NORTH = (2_500_000.0, 9_400_000.0)  # northings of inhabited land north of the tropic
WORLD = 20_037_509.0  # half the width of Mercator's world
RIVALS = 0.05  # share at home of a second reading beyond which neither is certain
SHOWN = 4
# EPSG codes of Gauss-Kruger, to which the zone's number is added: zones of 6 degrees, of 3, and
# of 6 in the system of 1995.
GAUSS_6, GAUSS_3, GAUSS_1995 = 28400, 2516, 20000
BARE = "Gauss-Kruger without the zone's number gives such numbers too: EPSG:2498 to EPSG:2505"
UTM_ZONES = range(38, 46)  # Kazakhstan, and what lies beside it


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way to read two columns of numbers.

    Attributes
    ----------
    code : int
        EPSG code.
    title : str
    turned : bool
        Whether the second column is the one to the east.
    telling : bool
        Whether the numbers themselves tell this system, so that landing at home settles it. Those
        of UTM do not: other systems give numbers alike, off by some kilometres.
    """

    code: int
    title: str
    turned: bool
    telling: bool

    def lonlat(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return numbers as degrees, each row in its own zone."""
        return degrees(CRS.from_epsg(self.code), *((y, x) if self.turned else (x, y)))[:2]


@dataclass(frozen=True, kw_only=True)
class Landing:
    """Where one reading puts the numbers: its share at home and the middle, in degrees."""

    reading: Reading
    share: float
    lon: float
    lat: float


def degrees(crs: CRS, east: Floats, north: Floats) -> tuple[Floats, Floats, int]:
    """Return numbers as degrees, and how many rows stand in another zone of Gauss-Kruger.

    The millions of an easting of Gauss-Kruger are its zone's number: each row has its own.
    """
    if crs == WGS84:
        return east, north, 0
    family = _gauss_family(crs)
    if family is None:
        return (*to_lonlat(crs, east, north), 0)
    with np.errstate(invalid="ignore"):
        zones = np.where(np.isfinite(east), east // MILLION, 0).astype(np.int64)
        clear = (np.abs(east % MILLION - MIDDLE) <= HALF) & (zones >= 4) & (zones <= 32)
    own = int(crs.to_authority()[1]) - family
    lon, lat = to_lonlat(crs, east, north)
    others = np.flatnonzero(clear & (zones != own))
    for zone in np.flatnonzero(np.bincount(zones[others])).tolist():
        at = others[zones[others] == zone]
        lon[at], lat[at] = to_lonlat(CRS.from_epsg(family + zone), east[at], north[at])
    return lon, lat, len(others)


def _gauss_family(crs: CRS) -> int | None:
    authority = crs.to_authority()
    if authority is None or authority[0] != "EPSG":
        return None
    code = int(authority[1])
    return next((f for f in (GAUSS_6, GAUSS_1995) if f + 4 <= code <= f + 32), None)


def sample(x: Floats, y: Floats, most: int = SAMPLE) -> tuple[Floats, Floats]:
    """Return evenly spread rows that have two numbers which are not both zero."""
    with np.errstate(invalid="ignore"):
        at = np.flatnonzero(
            np.isfinite(x) & np.isfinite(y) & ((np.abs(x) > 1e-6) | (np.abs(y) > 1e-6))
        )
    at = at[:: max(1, len(at) // most)][:most]
    return x[at], y[at]


def readings(x: Floats, y: Floats) -> Iterator[Reading]:
    """Yield the systems that numbers of this size could be written in, degrees left aside."""
    with np.errstate(over="ignore"):
        one, other = float(np.median(x)), float(np.median(y))
    if not (np.isfinite(one) and np.isfinite(other)):
        return
    yield from _one_way(one, other, False)
    yield from _one_way(other, one, True)


def _one_way(east: float, north: float, turned: bool) -> Iterator[Reading]:
    said = ", northing first" if turned else ""
    zone = int(east // MILLION)
    if 4 <= zone <= 64 and abs(east % MILLION - MIDDLE) <= HALF and NORTH[0] < north < NORTH[1]:
        if zone <= 32:
            name = f"Pulkovo 1942 / Gauss-Kruger zone {zone}{said}"
            yield Reading(code=GAUSS_6 + zone, title=name, turned=turned, telling=True)
        if zone >= 7:
            name = f"Pulkovo 1942 / 3-degree Gauss-Kruger zone {zone}{said}"
            yield Reading(code=GAUSS_3 + zone, title=name, turned=turned, telling=True)
    if not turned and MILLION < abs(east) < WORLD and abs(north) < WORLD:
        for code, name in ((3857, "Web Mercator"), (3395, "World Mercator, as Yandex has it")):
            yield Reading(code=code, title=name, turned=turned, telling=True)
    if -1_500_000 < east < 2_500_000 and 4_300_000 < north < 6_300_000:
        for zone in UTM_ZONES:
            name = f"UTM zone {zone}N{said}"
            yield Reading(code=32600 + zone, title=name, turned=turned, telling=False)
    if not turned and 7_000_000 < east < 8_300_000 and 300_000 < north < 1_200_000:
        yield Reading(code=2913, title="Oregon North, in feet", turned=turned, telling=False)


def land(x: Floats, y: Floats, home: Home) -> list[Landing]:
    """Return where each reading puts a sample, those with most of it at home first."""
    landings = []
    for reading in readings(x, y):
        lon, lat = reading.lonlat(x, y)
        fine = np.isfinite(lon) & np.isfinite(lat)
        if fine.any():
            middle = float(np.median(lon[fine])), float(np.median(lat[fine]))
            share = home.share(lon, lat)
            landings.append(Landing(reading=reading, share=share, lon=middle[0], lat=middle[1]))
    return sorted(landings, key=lambda one: -one.share)


def certain(landings: list[Landing], home: Home) -> Landing | None:
    """Return the only reading at home, where the numbers themselves tell it."""
    if home.area is None or not landings or landings[0].share < home.most:
        return None
    best, *rest = landings
    if not best.reading.telling or any(other.share > RIVALS for other in rest):
        return None
    # Where nobody says that the events lie here, only the usual zones of Kazakhstan are certain:
    # those of three degrees have the numbers of Siberia's, and Mercator's numbers are anyone's.
    usual = GAUSS_6 < best.reading.code <= GAUSS_6 + 32
    return best if usual or home.sure else None


def proposals(landings: list[Landing], home: Home) -> str:
    """Write what source_crs= could be, and where it would put the middle of the events."""
    best = [
        one for one in landings
        if one.share > RIVALS or (one.reading.telling and not home.sure)
    ] or [one for one in landings if one.reading.telling]  # fmt: skip
    if not best:
        return "e.g. source_crs='EPSG:32643' for UTM 43N in metres"
    shown = [
        f"source_crs='EPSG:{one.reading.code}' ({one.reading.title}: the middle at "
        f"{one.lon:.2f}, {one.lat:.2f}"
        + (f", {one.share:.0%} in {home.name}" if home.sure else "")
        + ")"
        for one in best[:SHOWN]
    ]
    rest = len(best) - SHOWN
    said = [" or ".join(shown) + (f" or {rest} more" if rest > 0 else "")]
    said += [BARE] if any(32600 < one.reading.code < 32661 for one in best) else []
    if any(one.reading.turned for one in best[:SHOWN]):
        said += ["Northing first: exchange the two with columns={'x': ..., 'y': ...}"]
    return ". ".join(said)
