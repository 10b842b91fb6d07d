"""Depots by the names of places, as rosters write them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import geopandas as gpd
import numpy as np

from patrolmap._crs import WGS84
from patrolmap.errors import SchemaError
from patrolmap.events._columns import listing
from patrolmap.events._text import fold, short
from patrolmap.patrol.roster.cells import DEGREE, BadCellError

SAME = 150.0  # m: a node and an area of one name so near each other are one place
AWAY = 100_000.0  # m from all places: no depot of this city
_NAMES = ("name", "name_kk", "name_ru", "name_en")


@dataclass(frozen=True, kw_only=True)
class Stations:
    """Places by their plain names, with degrees."""

    known: Mapping[str, tuple[int, ...]]  # plain name -> rows
    shown: Mapping[str, str]  # plain name -> as it is written
    ids: tuple[str, ...]
    kinds: tuple[str, ...]
    lon: Any
    lat: Any
    xy: Any  # (n, 2) m

    def find(self, given: str) -> tuple[float, float]:
        """Return longitude and latitude of the place of a name.

        Raises
        ------
        BadCellError
            If there is none, naming those spelt most like it, or if there are several apart.
        """
        name = plain(given)
        rows = self.known.get(name, ())
        if not rows:
            raise BadCellError(given, f"a place of places= or 'lat, lon'{self._near(name)}")
        police = [row for row in rows if self.kinds[row] == "police"]
        rows = tuple(police) or rows
        away = np.hypot(*(self.xy[list(rows)] - self.xy[rows[0]]).T)
        if away.max() > SAME:
            ids = ", ".join(self.ids[row] for row in rows[:4])
            raise BadCellError(
                given, f"one place; {len(rows)} have this name ({ids}): give 'lat, lon'"
            )
        return float(self.lon[rows[0]]), float(self.lat[rows[0]])

    def require_near(self, lon: float, lat: float, given: object) -> None:
        """Raise `BadCellError` where degrees lie far from every place, and say if swapped."""
        if len(self.lon) == 0 or self._metres(lon, lat) <= AWAY:
            return
        swapped = self._metres(lat, lon) <= AWAY
        hint = "; these look like longitude, latitude" if swapped else ""
        raise BadCellError(given, f"latitude, longitude near the places{hint}")

    def _metres(self, lon: float, lat: float) -> float:
        """Return roughly how far the nearest place is."""
        north = (self.lat - lat) * DEGREE
        east = (self.lon - lon) * DEGREE * np.cos(np.radians(lat))
        return float(np.hypot(north, east).min())

    def _near(self, name: str) -> str:
        close = get_close_matches(name, list(self.known), n=4, cutoff=0.5)
        words = [word for word in name.split() if len(word) >= 4]
        close += [other for other in self.known if any(word in other for word in words)]
        near = list(dict.fromkeys(close))[:4]
        return f"; near names: {listing(self.shown[one] for one in near)}" if near else ""


def plain(name: str) -> str:
    """Write a place's name so that small differences of spelling do not matter.

    Examples
    --------
    >>> plain("Опорный пункт полиции № 5 «Самал»") == plain("опорный пункт полиции №5 самал")
    True
    """
    bare = fold(name).replace("ё", "е")
    spaced = re.sub(r"(?<=\D)(?=\d)|(?<=\d)(?=\D)", " ", bare)
    return " ".join(re.sub(r"[^\w]+", " ", spaced).split())


def stations(places: gpd.GeoDataFrame | None) -> Stations | None:
    """Index places by name.

    Raises
    ------
    SchemaError
        If it is no table of places.
    """
    if places is None:
        return None
    if not isinstance(places, gpd.GeoDataFrame) or places.crs is None or "name" not in places:
        raise SchemaError(
            f"places is a {type(places).__name__} without names or CRS; wanted what read_places "
            "returns."
        )
    known: dict[str, list[int]] = {}
    shown: dict[str, str] = {}
    for column in _NAMES:
        if column not in places:
            continue
        for row, name in enumerate(places[column].tolist()):
            if isinstance(name, str) and (key := plain(name)):
                rows = known.setdefault(key, [])
                shown.setdefault(key, short(name))
                if row not in rows:
                    rows.append(row)
    metres = (
        places.geometry if places.crs.is_projected else places.to_crs(places.estimate_utm_crs())
    )
    degrees = places.geometry.to_crs(WGS84)
    kinds = places["kind"].tolist() if "kind" in places else [""] * len(places)
    return Stations(
        known={name: tuple(rows) for name, rows in known.items()},
        shown=shown,
        ids=tuple(str(i) for i in places.index),
        kinds=tuple(str(kind) for kind in kinds),
        lon=degrees.x.to_numpy(),
        lat=degrees.y.to_numpy(),
        xy=np.column_stack([metres.x.to_numpy(), metres.y.to_numpy()]),
    )
