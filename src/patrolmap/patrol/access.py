"""Where rules let crews go: dark streets, parks by the clock, no-go areas; one formula each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap._crs import WGS84
from patrolmap.errors import OptionError

if TYPE_CHECKING:
    from patrolmap.patrol.rules import PatrolRules
    from patrolmap.patrol.shifts import Shift
    from patrolmap.streets.network import StreetNetwork

Bools = npt.NDArray[np.bool_]
SECTOR_SLACK = 1.0  # m: a street along the sector's edge belongs to it
Hours = list[tuple[pd.Timestamp, pd.Timestamp]]

# Classes that have no lamps unless a tag says so. In the extracts of Helsinki and Heidelberg at
# most 7 % of the length of tracks, paths, trails and bridleways is tagged lit, and 0 % of
# motorways; of all other classes 74-100 % of what is tagged at all is lit.
DARK_CLASSES = frozenset(
    ("track", "path", "trail", "bridleway", "unsurfaced", "motorway", "motorway_link")
)
# What is closed with a park: its own ways. A street that runs through a park stays open.
PARK_WAYS = frozenset(
    ("pedestrian", "footway", "path", "trail", "steps", "track", "bridleway", "cycleway",
     "service", "crossing", "access_ramp")
)  # fmt: skip


def unlit_segments(segments: pd.DataFrame, rules: PatrolRules) -> Bools:
    """Return which segments count as dark: tagged `lit=no`, or untagged where the rules say so.

    Without a tag a street is lit (`unknown_lit="lit"`), dark (`"unlit"`), or dark if its highway
    class is one of `DARK_CLASSES` (`"by_class"`).

    Examples
    --------
    >>> from patrolmap.patrol import PatrolRules
    >>> streets = pd.DataFrame({"lit": ["no", "unknown", "unknown"],
    ...                         "highway": ["residential", "residential", "track"]})
    >>> unlit_segments(streets, PatrolRules(unknown_lit="by_class")).tolist()
    [True, False, True]
    """
    lit = segments["lit"].to_numpy()
    dark: Bools = np.asarray(lit == "no", dtype=bool)
    if rules.unknown_lit == "unlit":
        dark |= lit == "unknown"
    elif rules.unknown_lit == "by_class":
        dark |= (lit == "unknown") & segments["highway"].isin(DARK_CLASSES).to_numpy()
    return dark


def park_segments(segments: pd.DataFrame) -> Bools:
    """Return which segments are ways of a park: their middle lies in one, and no cars pass there.

    Examples
    --------
    >>> ways = pd.DataFrame({"area": ["park", "park", None],
    ...                      "highway": ["footway", "residential", "footway"]})
    >>> park_segments(ways).tolist()
    [True, False, False]
    """
    inside = segments["area"].eq("park").fillna(False).to_numpy(dtype=bool)
    ways: Bools = inside & segments["highway"].isin(PARK_WAYS).to_numpy()
    return ways


def park_hours(rules: PatrolRules, start: pd.Timestamp, end: pd.Timestamp) -> Hours:
    """Return when parks are closed between two moments, by the clock of the first one's zone.

    Examples
    --------
    >>> from patrolmap.patrol import PatrolRules
    >>> rules = PatrolRules(no_parks_after="22:00", parks_open="06:00")
    >>> evening = pd.Timestamp("2026-11-22 20:00+05:00")
    >>> [(a.hour, b.hour) for a, b in park_hours(rules, evening, evening + pd.Timedelta("5h"))]
    [(22, 6)]
    """
    if rules.no_parks_after is None:
        return []
    closes, opens = (
        clock_time(text, what="parks") for text in (rules.no_parks_after, rules.parks_open)
    )
    out: Hours = []
    day = start.tz_localize(None).normalize() - pd.Timedelta("1D")
    while day <= end.tz_convert(start.tz).tz_localize(None):
        shut, again = day + closes, day + opens + pd.Timedelta("1D" if opens <= closes else "0D")
        a, b = (
            moment.tz_localize(start.tz, ambiguous=True, nonexistent="shift_forward")
            for moment in (shut, again)
        )
        if a < end and b > start:
            out.append((a, b))
        day += pd.Timedelta("1D")
    return out


def clock_time(text: Any, *, what: str) -> pd.Timedelta:
    """Return how long after midnight a clock time such as "22:00" is."""
    try:
        moment = pd.to_datetime(text, format="%H:%M")
        return pd.Timedelta(hours=moment.hour, minutes=moment.minute)
    except (TypeError, ValueError, AttributeError) as error:
        raise OptionError(f'{what}={text!r}; wanted a clock time such as "22:00".') from error


def as_areas(given: Any) -> tuple[str, ...]:
    """Return polygons in degrees as texts (WKT) that give them back exactly.

    Takes one polygon or many, as shapely objects, as WKT, or as a GeoSeries or GeoDataFrame.
    """
    if isinstance(given, gpd.GeoDataFrame | gpd.GeoSeries):
        shapes = given.geometry if given.crs is None else given.geometry.to_crs(WGS84)
        given = list(shapes)
    elif given is None:
        given = ()
    elif isinstance(given, str | shapely.Geometry):
        given = (given,)
    if not isinstance(given, Iterable):
        raise OptionError(f"no_go={given!r}; {_AREAS}.")
    return tuple(_area(shape) for shape in given)


_AREAS = "wanted polygons in degrees (WGS 84), as shapely objects or WKT"


def _area(shape: Any) -> str:
    try:
        polygon = shapely.from_wkt(shape) if isinstance(shape, str) else shape
    except shapely.errors.ShapelyError as error:
        raise OptionError(f"no_go holds {shape[:60]!r} ({error}); {_AREAS}.") from error
    if not (isinstance(polygon, shapely.Geometry) and polygon.area > 0 and polygon.is_valid):
        raise OptionError(f"no_go holds {str(shape)[:60]!r}; {_AREAS}.")
    west, south, east, north = polygon.bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise OptionError(f"no_go holds a polygon from {polygon.bounds[:2]}; {_AREAS}.")
    return str(shapely.to_wkt(polygon, rounding_precision=17, trim=True))


def no_go_segments(segments: gpd.GeoDataFrame, rules: PatrolRules) -> Bools:
    """Return which segments a no-go area holds any part of, its edge counted."""
    inside = np.zeros(len(segments), dtype=bool)
    if rules.no_go:
        shapes = shapely.from_wkt(list(rules.no_go))
        for area in gpd.GeoSeries(shapes, crs=WGS84).to_crs(segments.crs):
            inside[segments.sindex.query(area, predicate="intersects")] = True
    return inside


def closed_segments(
    segments: gpd.GeoDataFrame, rules: PatrolRules, start: pd.Timestamp, end: pd.Timestamp
) -> Bools:
    """Return which segments a crew may not enter at any moment of its shift."""
    closed = no_go_segments(segments, rules)
    if rules.unlit == "forbid":
        closed |= unlit_segments(segments, rules)
    if any(a <= start and b >= end for a, b in park_hours(rules, start, end)):
        closed |= park_segments(segments)
    return closed


def usable_segments(
    streets: StreetNetwork, shift: Shift, rules: PatrolRules, clock: pd.Timestamp
) -> Bools:
    """Return which segments a shift may enter at some time, however it moves.

    Those of its sector that its rules do not close all the time; parks close by the plan's clock.
    """
    segments = streets.segments
    start = shift.start.tz_convert(clock.tz)
    open_to = ~closed_segments(segments, rules, start, shift.end)
    if shift.sector is None:
        return open_to
    sector = gpd.GeoSeries([shift.sector], crs=WGS84).to_crs(streets.crs).iloc[0]
    inside: Bools = segments.within(sector.buffer(SECTOR_SLACK)).to_numpy()
    return open_to & inside


def paces(segments: pd.DataFrame, rules: PatrolRules) -> npt.NDArray[np.float64]:
    """Return the share of its usual speed at which a crew walks each segment."""
    pace = np.ones(len(segments))
    if rules.unlit == "slow":
        pace[unlit_segments(segments, rules)] = rules.unlit_pace
    return pace
