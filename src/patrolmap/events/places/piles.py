"""Many events on exactly one point: a building, a city's centre, what a geocoder falls back on."""

import numpy as np

from patrolmap.events.places.coordinates import Places
from patrolmap.events.rows.keys import keys_of
from patrolmap.events.rows.sieve import Floats, Ints

LEAST = 20  # events
SHARE = 0.01  # of all events
SHOWN = 3


def pile_notes(places: Places, at: Ints) -> tuple[str, ...]:
    """Name the largest piles among the rows at these positions; none of them is dropped."""
    piles = find_piles(places.lon[at], places.lat[at])
    if not piles:
        return ()
    said = ", ".join(
        f"{count:,} ({count / len(at):.0%}) at {lon:.3f}, {lat:.3f}"
        for lon, lat, count in piles[:SHOWN]
    )
    rest = len(piles) - SHOWN
    more = f" and {rest} more points" if rest > 0 else ""
    return (
        f"events piled on one point: {said}{more}; a building, or where a geocoder puts what it "
        "does not find",
    )


def find_piles(lon: Floats, lat: Floats) -> list[tuple[float, float, int]]:
    """Return the points that hold at least 20 events and 1 % of all, the largest first.

    Examples
    --------
    >>> find_piles(np.array([76.9] * 30 + [76.8]), np.array([43.2] * 30 + [43.3]))
    [(76.9, 43.2, 30)]
    """
    least = max(LEAST, SHARE * len(lon))
    if len(lon) < least:
        return []
    bits = keys_of(np.rint(lon * 1e9), np.rint(lat * 1e9))  # sorting one array is quick
    ranked = np.sort(bits)
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    counts = np.diff(np.append(starts, len(ranked)))
    heavy = np.flatnonzero(counts >= least)
    piles = []
    for start, count in zip(starts[heavy].tolist(), counts[heavy].tolist(), strict=True):
        first = int(np.argmax(bits == ranked[start]))
        piles.append((float(lon[first]), float(lat[first]), int(count)))
    return sorted(piles, key=lambda pile: (-pile[2], pile[0], pile[1]))
