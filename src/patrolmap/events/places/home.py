"""Where events are to be expected: the boundary, else the country that the clock tells of."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from patrolmap.events.rows.sieve import Bools, Floats

BOUNDARY = "the boundary"
# Zones of Kazakhstan, all alike since 2024-03-01 but for their past.
CLOCKS = frozenset(
    f"Asia/{city}"
    for city in ("Almaty", "Aqtau", "Aqtobe", "Atyrau", "Oral", "Qostanay", "Qyzylorda")
)
# Outline of Kazakhstan to about 30 km, in degrees.
OUTLINE = (
    (87.4, 49.2), (86.6, 48.5), (85.8, 48.5), (85.7, 47.5), (85.2, 47.0), (83.2, 47.3),
    (82.5, 45.5), (80.0, 44.9), (80.9, 43.2), (80.2, 42.9), (80.3, 42.3), (79.6, 42.5),
    (79.1, 42.9), (76.0, 43.0), (74.2, 43.3), (73.6, 43.1), (73.5, 42.5), (71.2, 42.7),
    (70.4, 42.1), (69.1, 41.4), (68.6, 40.7), (68.0, 41.1), (66.7, 41.2), (66.0, 42.0),
    (66.1, 43.0), (64.9, 43.7), (62.0, 43.5), (61.1, 44.4), (58.5, 45.6), (55.9, 45.0),
    (56.0, 41.3), (55.5, 41.3), (54.8, 42.0), (54.1, 42.3), (52.5, 41.8), (52.5, 42.8),
    (51.3, 43.1), (50.9, 44.0), (50.3, 44.3), (51.3, 44.5), (51.3, 45.2), (53.0, 45.3),
    (53.0, 46.9), (51.2, 47.0), (49.1, 46.4), (48.6, 46.6), (48.7, 47.1), (48.1, 47.7),
    (47.3, 47.7), (46.5, 48.4), (47.0, 49.2), (46.8, 49.4), (47.5, 50.5), (48.6, 49.9),
    (48.7, 50.6), (50.8, 51.7), (52.3, 51.7), (54.5, 51.0), (55.7, 50.6), (58.4, 51.1),
    (59.6, 50.5), (61.3, 50.8), (61.6, 51.3), (60.0, 52.0), (60.9, 52.4), (61.7, 53.0),
    (61.0, 53.7), (61.4, 54.0), (65.2, 54.4), (69.1, 55.4), (70.9, 55.2), (71.2, 54.1),
    (73.5, 54.0), (73.4, 53.5), (76.9, 54.5), (77.8, 53.4), (80.0, 50.9), (80.6, 51.4),
    (83.4, 51.1), (84.4, 50.3), (85.5, 49.7), (86.8, 49.8),
)  # fmt: skip
MARGIN = 0.4  # degrees around the outline
ARCTIC = 73.0  # degrees of latitude beyond which nothing is recorded
REACH = 60.0  # degrees from a clock's own meridian within which it is used: four hours


@dataclass(frozen=True, kw_only=True, eq=False)
class Home:
    """Where events should lie.

    Attributes
    ----------
    area : polygon in degrees, or None where nothing is known
    name : str
    sure : bool
        Whether the caller says so, by a boundary or by a clock of Kazakhstan.
    most : float
        Share of the events that lie there, if their coordinates are read rightly.
    frame : polygon in degrees, or None
        What tells latitude from longitude: a point that lies in it only once its two coordinates
        are exchanged is written latitude first.
    """

    area: BaseGeometry | None
    name: str
    sure: bool
    most: float
    frame: BaseGeometry | None = None

    @property
    def bounded(self) -> bool:
        """Tell whether the caller draws the boundary."""
        return self.name == BOUNDARY

    def share(self, lon: Floats, lat: Floats) -> float:
        """Return which share of some points lies at home, 0 where there is none."""
        if self.area is None or len(lon) == 0:
            return 0.0
        return float(within(self.area, lon, lat).mean())

    def only_exchanged(self, lon: Floats, lat: Floats) -> Bools:
        """Tell which points lie in the frame only once their coordinates are exchanged."""
        if self.frame is None:
            return np.zeros(len(lon), dtype=bool)
        with np.errstate(invalid="ignore"):
            out = within(self.frame, lat, lon)
            out[out] = ~within(self.frame, lon[out], lat[out])
        return out


def find_home(area: BaseGeometry | None, tz: tzinfo | None) -> Home:
    """Return where events are to be expected."""
    if area is not None:
        return Home(area=area, name=BOUNDARY, sure=True, most=0.5, frame=area)
    key = str(getattr(tz, "key", ""))
    if key in CLOCKS:
        land = kazakhstan()
        return Home(area=land, name="Kazakhstan", sure=True, most=0.95, frame=land)
    if tz is None or key in ("UTC", "Etc/UTC", ""):
        return Home(area=kazakhstan(), name="Kazakhstan", sure=False, most=0.95)
    return Home(area=None, name=f"the reach of the clock {key}", sure=False, most=0.95,
                frame=_reach(tz))  # fmt: skip


def _reach(tz: tzinfo) -> BaseGeometry | None:
    """Return the belt of land in which a clock may be in use, None where it tells no offset."""
    ahead = tz.utcoffset(datetime(2024, 1, 1))
    if ahead is None:
        return None
    middle = ahead.total_seconds() / 3600 * 15
    belts = [box(middle + turn - REACH, -ARCTIC, middle + turn + REACH, ARCTIC)
             for turn in (-360.0, 0.0, 360.0)]  # fmt: skip
    area: BaseGeometry = shapely.union_all(belts).intersection(box(-180, -90, 180, 90))
    shapely.prepare(area)
    return area


@cache
def kazakhstan() -> BaseGeometry:
    """Return the outline of Kazakhstan with its margin, in degrees."""
    area: BaseGeometry = Polygon(OUTLINE).buffer(MARGIN)
    shapely.prepare(area)
    return area


def within(area: Any, lon: Floats, lat: Floats) -> Bools:
    """Tell which points lie in a prepared polygon, all in degrees."""
    west, south, east, north = area.bounds
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    inside[inside] = shapely.intersects_xy(area, lon[inside], lat[inside])
    return np.asarray(inside, dtype=bool)
