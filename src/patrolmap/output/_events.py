"""Events that maps and cards show."""

from typing import Any

import geopandas as gpd
import numpy as np

from patrolmap._crs import point_coordinates
from patrolmap.risk.options import check_events


def placed_events(events: Any) -> gpd.GeoDataFrame:
    """Return the events that have a place.

    Raises
    ------
    SchemaError, CRSError
        If they are no table as read_events makes it, or have no CRS.
    """
    check_events(events)
    x, y = point_coordinates(events.geometry)
    return events[np.isfinite(x) & np.isfinite(y)]
