"""A second pair of coordinates in the same rows: does it tell of the same places?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyproj import CRS

from patrolmap.errors import CRSError
from patrolmap.events._columns import Roles
from patrolmap.events._text import as_numbers
from patrolmap.events.places.distance import apart
from patrolmap.events.places.home import Home
from patrolmap.events.places.readings import degrees, land
from patrolmap.events.places.systems import known_crs
from patrolmap.events.rows.sieve import Bools, Floats, Ints

ROWS = 5_000  # rows compared
SAME = 50.0  # metres within which two places are one
APART = 1_000.0  # metres beyond which one of the pairs is in another system
NOBODY = Home(area=None, name="nowhere known", sure=False, most=1.0)
Pair = tuple[Floats, Floats]
Turn = Callable[[Pair], Pair]  # numbers of the second pair -> degrees


@dataclass(frozen=True, kw_only=True, eq=False)
class Opinion:
    """What the second pair tells.

    Attributes
    ----------
    lon, lat : (n,) float64
        Degrees of all rows, those that only the second pair tells filled in.
    filled : (n,) bool
        Which rows these are.
    notes : tuple of str
    """

    lon: Floats
    lat: Floats
    filled: Bools
    notes: tuple[str, ...]


def second_opinion(
    table: pd.DataFrame, roles: Roles, columns: tuple[str, ...], lon: Floats, lat: Floats, *,
    x: Floats, y: Floats, missing: Bools, name: str, what: str,
) -> Opinion:  # fmt: skip
    """Compare the places with those that other columns of the same rows tell, and fill gaps.

    A row whose own cells are empty stands where the second pair puts it, if the two agree.

    Raises
    ------
    CRSError
        If they lie apart, and another system would bring them together.
    """
    notes: tuple[str, ...] = ()
    lon, lat, filled = lon.copy(), lat.copy(), np.zeros(len(lon), dtype=bool)
    known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    known = known[:: max(1, len(known) // ROWS)][:ROWS]
    for pair in (("lon", "lat"), ("x", "y")):
        others = tuple(roles.found.get(role, "") for role in pair)
        if "" in others or others == columns or len(known) == 0:
            continue
        two = _two(table, others, known)
        with np.errstate(invalid="ignore"):
            fine = _numbers(two) & (np.abs(lon[known]) > 1e-6) & (np.abs(lat[known]) <= 90)
        said = " and ".join(map(repr, others))
        turn: Turn | None = _as_they_stand if pair == ("lon", "lat") else None
        if fine.any():
            at = known[fine]
            note, turn = _compared(
                (lon[at], lat[at]), (two[0][fine], two[1][fine]), (x[at], y[at]), roles,
                said=said, what=what, name=name,
            )  # fmt: skip
            notes += (note,)
        gaps = np.flatnonzero(missing & ~filled)
        if turn is None or len(gaps) == 0:
            continue
        two = _two(table, others, gaps)
        good = _numbers(two)
        lon[gaps[good]], lat[gaps[good]] = turn((two[0][good], two[1][good]))
        filled[gaps[good]] = True
        if good.any():
            notes += (f"{good.sum():,} rows without {what} stand where {said} put them",)
    return Opinion(lon=lon, lat=lat, filled=filled, notes=notes)


def _two(table: pd.DataFrame, columns: tuple[str, ...], at: Ints) -> Pair:
    one, other = (as_numbers(table[column].iloc[at]) for column in columns)
    return one, other


def _numbers(two: Pair) -> Bools:
    """Tell the rows of two numbers that are not zero."""
    with np.errstate(invalid="ignore"):
        fine = np.isfinite(two[0]) & np.isfinite(two[1])
        return np.asarray(fine & (np.abs(two[0]) > 1e-6) & (np.abs(two[1]) > 1e-6))


def _as_they_stand(pair: Pair) -> Pair:
    return pair


def _turned(pair: Pair) -> Pair:
    return pair[1], pair[0]


def _compared(
    here: Pair, there: Pair, raw: Pair, roles: Roles, *, said: str, what: str, name: str
) -> tuple[str, Turn | None]:
    """Say how far apart two pairs of the same rows lie; how to read the second if they agree."""
    small = (np.abs(there[0]) <= 180) & (np.abs(there[1]) <= 180)
    if small.mean() < 0.5:
        found = _system_of(there, here, roles)
        if found is None:
            return f"{said} are in no system that agrees with {what}: left aside", None
        title, away, turn = found
        return _agreement(away, f"{said}, in {title},", what), turn
    away, turned = apart(here, there), apart(here, _turned(there))
    if float(np.median(away)) <= SAME:
        return _agreement(away, said, what), _as_they_stand
    if float(np.median(turned)) <= SAME:
        return _agreement(turned, f"{said}, latitude first,", what), _turned
    middle = float(np.median(away))
    if middle > APART and (found := _system_of(raw, there, roles)) is not None:
        raise CRSError(
            f"{what} of {name} lie {_long(middle)} from {said} of the same rows; in {found[0]} "
            "they agree. State it with source_crs=, or leave source_crs= out."
        )
    return f"{said} lie {_long(middle)} away (median) from {what}, which are used", None


def _system_of(numbers: Pair, places: Pair, roles: Roles) -> tuple[str, Floats, Turn] | None:
    """Return the system in which numbers tell these places, how far off each is, and its turn."""
    stated = roles.preset.source_crs
    systems = [] if stated is None else [(known_crs(stated), str(stated), False)]
    for one in land(*numbers, NOBODY):
        title = f"EPSG:{one.reading.code} ({one.reading.title})"
        systems.append((CRS.from_epsg(one.reading.code), title, one.reading.turned))
    for crs, title, turned in systems:

        def turn(pair: Pair, crs: CRS = crs, turned: bool = turned) -> Pair:
            return degrees(crs, *(_turned(pair) if turned else pair))[:2]

        away = apart(places, turn(numbers))
        if float(np.median(away)) <= SAME:
            return title, away, turn
    return None


def _agreement(away: Floats, said: str, what: str) -> str:
    off = int((away > SAME).sum())
    near = f"{said} tell the same places as {what}"
    return near + (f", but for {off:,} of {len(away):,} rows compared" if off else "")


def _long(metres: float) -> str:
    if not np.isfinite(metres):
        return "a world"
    return f"{metres / 1000:,.0f} km" if metres >= 2_000 else f"{metres:,.0f} m"
