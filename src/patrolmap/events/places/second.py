"""A second pair of coordinates in the same rows: does it tell of the same places?"""

import numpy as np
import pandas as pd
from pyproj import CRS

from patrolmap.errors import CRSError
from patrolmap.events._columns import Roles
from patrolmap.events._text import as_numbers
from patrolmap.events.places.home import Home
from patrolmap.events.places.readings import degrees, land
from patrolmap.events.places.systems import known_crs
from patrolmap.events.rows.sieve import Floats

ROWS = 5_000  # rows compared
SAME = 50.0  # metres within which two places are one
APART = 1_000.0  # metres beyond which one of the pairs is in another system
EARTH_DEGREE = 111_320.0  # metres of one degree of latitude
NOBODY = Home(area=None, name="nowhere known", sure=False, most=1.0)
Pair = tuple[Floats, Floats]


def second_opinion(
    table: pd.DataFrame, roles: Roles, columns: tuple[str, ...], lon: Floats, lat: Floats, *,
    x: Floats, y: Floats, name: str, what: str,
) -> tuple[str, ...]:  # fmt: skip
    """Compare the places with those that other columns of the same rows tell.

    Raises
    ------
    CRSError
        If they lie apart, and another system would bring them together.
    """
    notes = []
    for pair in (("lon", "lat"), ("x", "y")):
        others = tuple(roles.found.get(role, "") for role in pair)
        if "" in others or others == columns or not np.isfinite(lon).any():
            continue
        at = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        at = at[:: max(1, len(at) // ROWS)][:ROWS]
        two = [as_numbers(table[column].iloc[at]) for column in others]
        with np.errstate(invalid="ignore"):
            fine = np.isfinite(two[0]) & np.isfinite(two[1])
            fine &= (np.abs(two[0]) > 1e-6) & (np.abs(two[1]) > 1e-6)
            fine &= (np.abs(lon[at]) > 1e-6) & (np.abs(lat[at]) <= 90)
        if not fine.any():
            continue
        said = " and ".join(map(repr, others))
        at, one, other = at[fine], two[0][fine], two[1][fine]
        notes.append(_compared(
            (lon[at], lat[at]), (one, other), (x[at], y[at]), roles, said=said, what=what, name=name
        ))  # fmt: skip
    return tuple(notes)


def _compared(
    here: Pair, there: Pair, raw: Pair, roles: Roles, *, said: str, what: str, name: str
) -> str:
    """Say how far apart two pairs of coordinates of the same rows lie."""
    small = (np.abs(there[0]) <= 180) & (np.abs(there[1]) <= 180)
    if small.mean() < 0.5:
        found = _system_of(there, here, roles)
        if found is None:
            return f"{said} are in no system that agrees with {what}: left aside"
        title, away = found
        return _agreement(away, f"{said}, in {title},", what)
    away, turned = _apart(here, there), _apart(here, (there[1], there[0]))
    if float(np.median(away)) <= SAME:
        return _agreement(away, said, what)
    if float(np.median(turned)) <= SAME:
        return _agreement(turned, f"{said}, latitude first,", what)
    middle = float(np.median(away))
    if middle > APART and (found := _system_of(raw, there, roles)) is not None:
        raise CRSError(
            f"{what} of {name} lie {_long(middle)} from {said} of the same rows; in {found[0]} "
            "they agree. State it with source_crs=, or leave source_crs= out."
        )
    return f"{said} lie {_long(middle)} away (median) from {what}, which are used"


def _system_of(numbers: Pair, places: Pair, roles: Roles) -> tuple[str, Floats] | None:
    """Return the system in which numbers tell these places, and how far off each is then."""
    stated = roles.preset.source_crs
    systems = [] if stated is None else [(known_crs(stated), str(stated), False)]
    for one in land(*numbers, NOBODY):
        title = f"EPSG:{one.reading.code} ({one.reading.title})"
        systems.append((CRS.from_epsg(one.reading.code), title, one.reading.turned))
    for crs, title, turned in systems:
        lon, lat, _ = degrees(crs, *(reversed(numbers) if turned else numbers))
        away = _apart(places, (lon, lat))
        if float(np.median(away)) <= SAME:
            return title, away
    return None


def _apart(one: Pair, other: Pair) -> Floats:
    """Return metres between places in degrees, on a plane; infinite where one is none."""
    with np.errstate(invalid="ignore", over="ignore"):
        east = (one[0] - other[0] + 180) % 360 - 180
        out = np.hypot(east * np.cos(np.radians(one[1])), one[1] - other[1]) * EARTH_DEGREE
    return np.asarray(np.where(np.isnan(out), np.inf, out))


def _agreement(away: Floats, said: str, what: str) -> str:
    off = int((away > SAME).sum())
    near = f"{said} tell the same places as {what}"
    return near + (f", but for {off:,} of {len(away):,} rows compared" if off else "")


def _long(metres: float) -> str:
    if not np.isfinite(metres):
        return "a world"
    return f"{metres / 1000:,.0f} km" if metres >= 2_000 else f"{metres:,.0f} m"
