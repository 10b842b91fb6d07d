"""How far apart places in degrees lie: enough to tell near from far."""

from typing import Any

import numpy as np

from patrolmap.events.rows.sieve import Floats

EARTH_DEGREE = 111_320.0  # metres of one degree of latitude


def apart(places: tuple[Floats, Floats], others: tuple[Any, Any]) -> Floats:
    """Return metres between places in degrees, or from one, on a plane; infinite where one is none.

    Examples
    --------
    >>> apart((np.array([76.9, 77.9, np.nan]), np.array([43.2, 43.2, 43.2])), (76.9, 43.2)).round()
    array([    0., 81149.,    inf])
    """
    with np.errstate(invalid="ignore", over="ignore"):
        east = (places[0] - others[0] + 180) % 360 - 180
        out = np.hypot(east * np.cos(np.radians(others[1])), places[1] - others[1]) * EARTH_DEGREE
    return np.asarray(np.where(np.isnan(out), np.inf, out))
