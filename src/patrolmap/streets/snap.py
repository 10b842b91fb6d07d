"""Snapping events to the nearest segment that a mode can use."""

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.schema import MODES
from patrolmap.streets.network import Mode, StreetNetwork

_log = logging.getLogger(__name__)
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def snap_events(
    events: gpd.GeoDataFrame,
    streets: StreetNetwork,
    *,
    max_distance: float = 50.0,
    mode: Mode = "walk",
) -> pd.DataFrame:
    """Find the nearest point of the street network for each event.

    Parameters
    ----------
    events
        Points in any CRS; they are compared in the CRS of the streets.
    streets
        Only segments that `mode` can use take events.
    max_distance
        Metres; an event farther than this from every such segment stays unsnapped.
    mode
        "walk" or "drive".

    Returns
    -------
    DataFrame
        On the index of `events`: segment_id (missing where unsnapped), offset (m along the
        segment's geometry from `from_node`) and distance (m), both NaN where unsnapped. Of several
        segments at the same distance, the first in the order of `streets.segments`.

    Raises
    ------
    CRSError
        If `events` has no CRS.
    SchemaError
        If a geometry is not a point.
    OptionError
        If an option is out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString, Point
    >>> from patrolmap.streets import read_streets
    >>> lines = gpd.GeoSeries([LineString([(500_000, 4_790_000), (500_100, 4_790_000)])], crs=32643)
    >>> streets = read_streets(lines.to_frame("geometry"))
    >>> events = gpd.GeoSeries([Point(500_030, 4_790_004), Point(500_030, 4_790_400)], crs=32643)
    >>> snap_events(events.to_frame("geometry"), streets)[["offset", "distance"]]
       offset  distance
    0    30.0       4.0
    1     NaN       NaN
    """
    _check(events, max_distance, mode)
    xy = _coordinates(events.geometry.to_crs(streets.crs))
    pieces, segment, offset, length = _pieces(streets, mode)
    there = np.isfinite(xy).all(axis=1)
    piece = np.full(len(xy), -1, dtype=np.int64)
    share, distance = np.full(len(xy), np.nan), np.full(len(xy), np.nan)
    if len(pieces) and there.any():
        from patrolmap._kernels.snap import nearest_pieces

        piece[there], share[there], distance[there] = nearest_pieces(
            np.ascontiguousarray(xy[there]), pieces, float(max_distance)
        )
    hit = piece >= 0
    row = np.where(hit, segment[piece], -1) if len(pieces) else piece
    ids = streets.segments.index.array.take(row, allow_fill=True)
    along = np.full(len(xy), np.nan)
    along[hit] = offset[piece[hit]] + share[hit] * length[piece[hit]]
    whole = streets.segments["length"].to_numpy()[row[hit]]
    along[hit] = np.minimum(along[hit], whole)
    if len(xy) and not hit.any():
        _log.warning("none of %d events lies within %g m of a street", len(xy), max_distance)
    return pd.DataFrame(
        {"segment_id": ids, "offset": along, "distance": distance},
        index=events.index,
    )


def _check(events: Any, max_distance: Any, mode: Any) -> None:
    if mode not in MODES:
        raise OptionError(f"mode={mode!r}; wanted one of {list(MODES)}.")
    number = isinstance(max_distance, int | float | np.number)
    if not number or not 0 < max_distance < np.inf:
        raise OptionError(f"max_distance={max_distance!r}; wanted metres above 0, e.g. 50.")
    if not isinstance(events, gpd.GeoDataFrame):
        raise SchemaError(f"events is a {type(events).__name__}; wanted a GeoDataFrame of points.")
    if events.crs is None:
        raise CRSError("events has no CRS; state it with set_crs(...), e.g. set_crs(4326).")
    shape = events.geometry
    wrong = ~(shape.isna() | shape.is_empty | (shape.geom_type == "Point"))
    if wrong.any():
        raise SchemaError(
            f"event {wrong.idxmax()!r} is a {shape[wrong].geom_type.iloc[0]}; wanted points."
        )


def _coordinates(points: gpd.GeoSeries) -> Floats:
    """Return (n, 2) metres; NaN where an event has no place."""
    shapes = points.to_numpy()
    return np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])


def _pieces(streets: StreetNetwork, mode: Mode) -> tuple[Floats, Ints, Floats, Floats]:
    """Take apart the usable segments into straight pieces, in the order of the segments.

    Returns (n, 4) float64 ends x1, y1, x2, y2; the segment's row; the piece's offset; its length.
    """
    table = streets.segments
    usable = table["walk"] if mode == "walk" else table["drive_forward"] | table["drive_backward"]
    row = np.flatnonzero(usable.to_numpy())
    xy, of = shapely.get_coordinates(table.geometry.to_numpy()[row], return_index=True)
    joined = np.flatnonzero(of[1:] == of[:-1])
    ends = np.ascontiguousarray(np.hstack([xy[joined], xy[joined + 1]]), dtype=np.float64)
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    at = of[joined]
    before = np.cumsum(length) - length
    first = np.searchsorted(at, np.arange(len(row)))
    return ends, row[at], before - before[first][at], length
