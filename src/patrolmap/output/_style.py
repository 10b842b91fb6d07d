"""Colours that map, cards and legend share.

The ramp is ColorBrewer's YlOrBr on warm paper; crew colours were chosen against it so that any two
stay apart (CIE76 difference of 24 or more) in normal vision, protanopia and deuteranopia.
"""

from collections.abc import Mapping

import pandas as pd

from patrolmap.patrol.styles import CREW_COLOURS

DENSITY_RAMP = ("#fdd9d4", "#fbb4b9", "#f768a1", "#dd3497", "#ae017e", "#5b0169")  # RdPu
KIND_COLOURS = {"crime": "#c2185b", "accident": "#3f51b5", "juvenile": "#00897b", "call": "#8d6e63"}
COUNT_RAMP = ("#e4eef5", "#c0d9e8", "#90bcd8", "#5a98c0", "#2e6f9e", "#124669")
PAPER, INK, CARD, MUTED, TUBE = "#f6f3ec", "#26221c", "#fffdf8", "#7a7264", "#3d2a1a"
ROADS = (  # of the map: what it holds, colour, width
    ({"motorway", "trunk", "primary"}, "#b9b2a6", 2.6),
    ({"secondary", "tertiary"}, "#c3bdb2", 1.9),
    ({"residential", "unclassified", "living_street", "road", "busway"}, "#cfc9be", 1.2),
    (None, "#dbd6cc", 0.8),
)
PARK_PATH = ("#a9c59a", 1.2)
PLACE_COLOURS = {
    "police": "#1d3557", "school": "#b8860b", "kindergarten": "#d4a017", "bus_stop": "#6c757d",
    "bar": "#8e24aa", "alcohol": "#ad1457", "marketplace": "#6d4c41", "park": "#4f8a3c",
    "crossing": "#90a4ae", "street_lamp": "#f9a825", "camera": "#455a64",
}  # fmt: skip
OTHER_PLACE = "#607d8b"


def crew_colours(route_ids: pd.Index) -> dict[str, tuple[str, bool]]:
    """Give each route its colour, and whether it is drawn as a double line (every second eight).

    Examples
    --------
    >>> crew_colours(pd.Index(["night 1", "night 2"]))
    {'night 1': ('#0072b2', False), 'night 2': ('#1b1b1b', False)}
    """
    n = len(CREW_COLOURS)
    return {route: (CREW_COLOURS[i % n], i // n % 2 == 1) for i, route in enumerate(route_ids)}


def lanes(segments_of: Mapping[str, set[str]]) -> dict[str, int]:
    """Give routes that share a street different lanes, so that none hides another.

    Greedy colouring in the given order; routes that share nothing all run in lane 0.

    Examples
    --------
    >>> lanes({"a": {"s1"}, "b": {"s1", "s2"}, "c": {"s3"}})
    {'a': 0, 'b': 1, 'c': 0}
    """
    out: dict[str, int] = {}
    for route, mine in segments_of.items():
        taken = {lane for other, lane in out.items() if mine & segments_of[other]}
        out[route] = next(lane for lane in range(len(out) + 1) if lane not in taken)
    return out


def quiet_grey(highway: str) -> tuple[str, float]:
    """Return the grey and the relative width of a street class on printed maps."""
    for names, grey, width in _GREYS:
        if highway.removesuffix("_link") in names:
            return grey, width
    return "#d9d9d9", 0.45


def road_class(highway: str) -> int:
    """Return which of `ROADS` a street is.

    Examples
    --------
    >>> road_class("primary_link"), road_class("steps")
    (0, 3)
    """
    plain = highway.removesuffix("_link")
    return next(i for i, (names, _, _) in enumerate(ROADS) if names is None or plain in names)


_GREYS = (
    ({"motorway", "trunk", "primary"}, "#b4b4b4", 1.5),
    ({"secondary", "tertiary"}, "#c2c2c2", 1.2),
    ({"residential", "unclassified", "living_street", "road", "busway"}, "#cfcfcf", 0.8),
)
