"""Events for those who may see them one by one, and what is recorded on each street."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._crs import point_coordinates
from patrolmap.output._events import placed_events
from patrolmap.output._style import KIND_COLOURS
from patrolmap.output._text import day, one_line
from patrolmap.output.maps.packing import Payload, pack_ints, pack_points
from patrolmap.schema import EVENT_KINDS
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.snap import snap_events

Ints = npt.NDArray[np.int64]
_TRAITS = ("kind", "category", "article", "severity", "time_precision")
_CELL = 0.002  # degrees; events of a cell travel together, so that the way between them is short


def event_payload(events: Any, streets: StreetNetwork, lang: str) -> Payload:
    """Return single events with their traits and times, and the counts on each segment."""
    table = placed_events(events)
    found = snap_events(table, streets)
    table = table.to_crs(streets.crs)
    x, y = point_coordinates(table.geometry)
    order = _along_rows(x, y, streets)
    table, x, y = table.iloc[order], x[order], y[order]
    codes, traits = _traits(table)
    clock, lasting, base = _clocks(table)
    return {
        "points": pack_points(x, y, streets.crs, what="events"),
        "type": pack_ints(codes),
        "types": traits,
        "clock": pack_ints(clock),
        "lasting": pack_ints(lasting),
        "base": base,
        "colours": {kind: KIND_COLOURS[kind] for kind in EVENT_KINDS},
        "recorded": _recorded(events.loc[found.index, "kind"], found["segment_id"], streets),
        "period": _period(table, lang),
    }


def _along_rows(x: Any, y: Any, streets: StreetNetwork) -> Ints:
    """Order events by cells of a coarse grid, row by row."""
    cell = _CELL * 111_000
    column, row = np.floor(x / cell).astype(np.int64), np.floor(y / cell).astype(np.int64)
    return np.lexsort((y, x, column, row))


def _traits(table: gpd.GeoDataFrame) -> tuple[Ints, list[list[str]]]:
    """Return each event's row in the list of all combinations of traits there are."""
    key = table[list(_TRAITS)].astype("str").fillna("")
    codes = key.groupby(list(_TRAITS), sort=True).ngroup().to_numpy()
    first = np.unique(codes, return_index=True)[1]
    return codes, [[one_line(v) for v in row] for row in key.iloc[first].to_numpy().tolist()]


def _clocks(table: gpd.GeoDataFrame) -> tuple[Ints, Ints, str]:
    """Return minutes on the wall's clock since a first midnight, plus 1; 0 is not known."""
    start = table["occurred_from"].dt.tz_localize(None)
    end = table["occurred_to"].dt.tz_localize(None)
    base = start.min().normalize() if start.notna().any() else pd.Timestamp("2000-01-01")
    minute = pd.Timedelta("1min")
    clock = np.floor((start - base) / minute).fillna(-1).to_numpy() + 1
    lasting = np.clip(((end - start) / minute).fillna(0).to_numpy(), 0, None)
    return clock.astype(np.int64), lasting.astype(np.int64), f"{base:%Y-%m-%d}"


def _recorded(kinds: pd.Series, segment: pd.Series, streets: StreetNetwork) -> Payload:
    """Return kind -> which segments have events, as steps between row numbers, and how many."""
    at = streets.segments.index.get_indexer(segment)
    out = {}
    for kind in EVENT_KINDS:
        rows = at[(kinds == kind).to_numpy() & (at >= 0)]
        if len(rows):
            counts = np.bincount(rows, minlength=len(streets.segments))
            (hit,) = np.nonzero(counts)
            steps = np.diff(hit, prepend=0)
            out[kind] = {"steps": pack_ints(steps), "counts": pack_ints(counts[hit])}
    return out


def _period(table: gpd.GeoDataFrame, lang: str) -> str:
    known = table["occurred_from"].dropna()
    if not len(known):
        return ""
    return f"{day(known.min(), lang)} – {day(known.max(), lang)}"
