"""From lines to the two tables of a network: segments, where they lie, what hangs together."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patrolmap.errors import SourceFormatError
from patrolmap.schema import SEGMENTS
from patrolmap.streets.boundary import place_segments
from patrolmap.streets.topology import Lines, build_segments

Bools = npt.NDArray[np.bool_]


def assemble(
    lines: Lines, *, crs: CRS, boundary: gpd.GeoSeries | None, max_segment_length: float
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[str, float]]:
    """Build the tables of segments and nodes, and report what was repaired, kept and dropped.

    Raises
    ------
    SourceFormatError
        If no street has any length.
    OptionError
        If the boundary misses the streets.
    """
    segments, nodes, report = build_segments(lines, crs=crs, max_segment_length=max_segment_length)
    if segments.empty:
        raise SourceFormatError(
            "no street of any length: none of the usable ways has two nodes apart."
        )
    if boundary is None:
        segments["inside"] = True
    else:
        near, inside = place_segments(segments, boundary, crs=crs)
        report["length dropped, beyond 500 m of the boundary (m)"] = _metres(segments, ~near)
        segments = segments.assign(inside=inside)[near]
    segments = _keep_connected(segments, report)
    report["length outside the boundary, kept to walk through (m)"] = _metres(
        segments, ~segments["inside"].to_numpy()
    )
    segments["area"] = pd.array([None] * len(segments), dtype="str")
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
