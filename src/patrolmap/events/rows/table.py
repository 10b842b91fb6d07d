"""The rows kept, put into the table of events."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from patrolmap._crs import lonlat_to
from patrolmap.errors import CRSError
from patrolmap.events.places.coordinates import Places
from patrolmap.events.rows.category import Offences
from patrolmap.events.rows.sieve import Floats, Ints
from patrolmap.events.rows.traits import Traits
from patrolmap.events.times.intervals import NAMES, Span
from patrolmap.schema import EVENTS, validate


def build(
    at: Ints,
    *,
    kind: str,
    ids: pd.Series,
    offences: Offences,
    traits: Traits,
    severity: pd.Series,
    harm: Floats,
    span: Span,
    places: Places,
    crs: CRS,
) -> gpd.GeoDataFrame:
    """Put the rows at these positions into the table of events, projected to metres.

    `severity` and `harm` are of these rows only, all else is of the whole source.

    Raises
    ------
    CRSError
        If the CRS has no place for one of them.
    """
    names = np.array([NAMES[level] for level in sorted(NAMES)])

    def kept(values: pd.Series) -> Any:
        return values.array.take(at)

    events = gpd.GeoDataFrame(
        {
            "kind": pd.array([kind], dtype="str").take(np.zeros(len(at), dtype=np.int64)),
            "category": kept(traits.category),
            "article": kept(offences.article),
            "severity": severity.array,
            "harm": harm,
            "occurred_from": span.start[at],
            "occurred_to": span.end[at],
            "time_precision": pd.array(names, dtype="str").take(span.precision[at]),
            "place": kept(traits.place),
            "police_initiated": traits.police_initiated[at],
        },
        geometry=gpd.points_from_xy(*_metres(at, places, crs), crs=crs),
        index=pd.Index(kept(ids), name="event_id"),
    )
    validate(events, EVENTS)
    return events


def _metres(at: Ints, places: Places, crs: CRS) -> tuple[Floats, Floats]:
    if places.crs == crs:
        x, y = places.x[at], places.y[at]
    else:
        x, y = lonlat_to(crs, places.lon[at], places.lat[at])
    lost = ~(np.isfinite(x) & np.isfinite(y))
    if lost.any():
        row = int(np.flatnonzero(lost)[0])
        raise CRSError(
            f"{crs.to_string()} has no place for {int(lost.sum()):,} points, e.g. "
            f"{places.lon[at][row]:.5f}, {places.lat[at][row]:.5f}; pick a crs= that covers them."
        )
    return x, y
