"""From lines to the two tables of a network: segments, where they lie, what hangs together."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patrolmap.errors import OptionError, SourceFormatError
from patrolmap.schema import SEGMENTS
from patrolmap.streets.areas import Areas, place_in_areas
from patrolmap.streets.avenues import join_streets
from patrolmap.streets.boundary import place_segments
from patrolmap.streets.sidewalks import fold_sidewalks
from patrolmap.streets.squares import cross_squares
from patrolmap.streets.topology import Lines, build_segments

Bools = npt.NDArray[np.bool_]

SIDEWALK_WAYS = ("merge", "keep")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every source of streets takes, checked.

    Attributes
    ----------
    boundary : GeoSeries, optional
        One polygon in degrees.
    sidewalks : "merge" or "keep"
    max_segment_length : float
        Metres.

    Raises
    ------
    OptionError
        If one is out of its range.
    """

    boundary: gpd.GeoSeries | None
    sidewalks: str
    max_segment_length: float

    def __post_init__(self) -> None:
        if self.sidewalks not in SIDEWALK_WAYS:
            raise OptionError(f"sidewalks={self.sidewalks!r}; wanted one of {list(SIDEWALK_WAYS)}.")
        longest = self.max_segment_length
        number = isinstance(longest, int | float | np.number) and not isinstance(longest, bool)
        if not number or not longest > 0:
            raise OptionError(
                f"max_segment_length={longest!r}; wanted metres above 0 (math.inf leaves streets "
                "whole)."
            )


def assemble(
    lines: Lines, options: Options, *, crs: CRS, areas: Areas | None = None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[str, float]]:
    """Build the tables of segments and nodes, and report what was repaired, kept and dropped.

    Squares of `areas` are crossed before sidewalks are folded away: a sidewalk is often what leads
    to a square.

    Raises
    ------
    SourceFormatError
        If no street has any length.
    OptionError
        If the boundary misses the streets.
    """
    done: dict[str, float] = {}
    if areas is not None:
        lines, crossed = cross_squares(lines, areas.squares, crs=crs)
        done |= crossed | {"areas left out, not whole in the file": float(areas.left_out)}
    if options.sidewalks == "merge":
        lines, folded = fold_sidewalks(lines)
        done |= folded
    longest = options.max_segment_length
    segments, nodes, report = build_segments(lines, crs=crs, max_segment_length=longest)
    report = done | report
    if segments.empty:
        raise SourceFormatError(
            "no street of any length: none of the usable ways has two nodes apart."
        )
    # Before the boundary cuts streets short, so that an id does not depend on it.
    segments["street_id"] = join_streets(segments)
    if options.boundary is None:
        segments["inside"] = True
    else:
        near, inside = place_segments(segments, options.boundary, crs=crs)
        report["length dropped, beyond 500 m of the boundary (m)"] = _metres(segments, ~near)
        segments = segments.assign(inside=inside)[near]
    segments = _keep_connected(segments, report)
    report["length outside the boundary, kept to walk through (m)"] = _metres(
        segments, ~segments["inside"].to_numpy()
    )
    within = [None] * len(segments) if areas is None else place_in_areas(segments, areas)
    segments["area"] = pd.array(within, dtype="str")
    used = nodes.index.isin(np.unique(segments[["from_node", "to_node"]].to_numpy()))
    return segments[SEGMENTS.names], nodes[used], report


def _keep_connected(segments: gpd.GeoDataFrame, report: dict[str, float]) -> gpd.GeoDataFrame:
    """Leave each mode its largest connected part; drop what no mode uses."""
    walk = segments["walk"].to_numpy()
    forward, backward = (segments[f"drive_{way}"].to_numpy() for way in ("forward", "backward"))
    drive = forward | backward
    walked, driven = _largest_part(segments, walk), _largest_part(segments, drive)
    report["walkable length kept (m)"] = _metres(segments, walked)
    report["walkable length dropped, not connected (m)"] = _metres(segments, walk & ~walked)
    report["drivable length kept (m)"] = _metres(segments, driven)
    report["drivable length dropped, not connected (m)"] = _metres(segments, drive & ~driven)
    return segments.assign(
        walk=walked, drive_forward=forward & driven, drive_backward=backward & driven
    )[walked | driven]


def _largest_part(segments: gpd.GeoDataFrame, usable: Bools) -> Bools:
    """Say which usable segments lie in the connected part with the greatest length."""
    if not usable.any():
        return usable
    ends = segments.loc[usable, ["from_node", "to_node"]].to_numpy()
    nodes, row = np.unique(ends, return_inverse=True)
    tail, head = row.reshape(ends.shape).T
    graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(len(nodes), len(nodes)))
    label = connected_components(graph, directed=False)[1][tail]
    millimetres = np.rint(segments.loc[usable, "length"].to_numpy() * 1000)
    out = usable.copy()
    out[usable] = label == np.argmax(np.bincount(label, weights=millimetres))
    return out


def _metres(segments: pd.DataFrame, which: Bools) -> float:
    return round(float(segments["length"].to_numpy()[which].sum()), 3)
