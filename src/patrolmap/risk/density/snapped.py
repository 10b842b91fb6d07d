"""Events for densities along streets: where each lies, and what it counts."""

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import NetworkMismatchError, SchemaError
from patrolmap.risk.density.points import event_weights
from patrolmap.risk.moments import aware, forgetting, moments
from patrolmap.risk.options import count_events, duration, metres
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.snap import snap_events

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Snapped(NamedTuple):
    """Snapped events: row of the segment (-1 where none is near), metres from its start, weight."""

    segment: Ints
    offset: Floats
    weight: Floats


def weigh(
    events: pd.DataFrame, weights: Any, at: Any, half_life: Any
) -> tuple[Floats, npt.NDArray[np.bool_], list[str]]:
    """Return what each event counts, which of them lie in the time asked for, and what to say."""
    if not isinstance(events, pd.DataFrame):
        raise SchemaError(
            f"events are a {type(events).__name__}; wanted a GeoDataFrame as read_events makes it, "
            "or the table of snap_events."
        )
    if len(events) == 0:
        raise SchemaError("there are no events; check the report of read_events for what it left.")
    given = event_weights(weights, events)
    weight = np.broadcast_to(given, len(events)).astype(np.float64)
    age = None if half_life is None else duration(half_life, name="half_life")
    if at is None and age is None:
        return weight, np.ones(len(events), dtype=bool), []
    middle = _times(events)
    end = middle.max() if at is None else aware(at, what="at")
    kept = (middle < end).to_numpy() if at is not None else middle.notna().to_numpy()
    if not kept.any():
        raise SchemaError(
            f"none of the {len(events):,} events happened before {end}; give a later at=."
        )
    notes = []
    if unknown := int(middle.isna().sum()):
        notes.append(f"{count_events(unknown)} without a date left out")
    if later := int((~kept).sum()) - unknown:
        notes.append(f"{count_events(later)} at or after {end.isoformat()} left out")
    decay, _ = forgetting(middle, (middle.min(), end), age)
    return weight * decay, kept, notes


def _times(events: pd.DataFrame) -> pd.Series:
    for column in ("occurred_from", "occurred_to"):
        if column not in events or not isinstance(events[column].dtype, pd.DatetimeTZDtype):
            raise SchemaError(
                f"at= and half_life= need a column {column!r} of times with a time zone; wanted a "
                "table as read_events makes it."
            )
    return moments(events)


def place(events: pd.DataFrame, streets: StreetNetwork, max_snap: float) -> Snapped:
    """Return where events lie on the streets; weights are left at 0."""
    if not {"segment_id", "offset"} <= set(events.columns):
        if not isinstance(events, gpd.GeoDataFrame):
            raise SchemaError(
                "events have neither geometry nor the columns segment_id and offset; wanted a "
                "GeoDataFrame as read_events makes it, or the table of snap_events."
            )
        events = snap_events(events, streets, max_distance=metres(max_snap, name="max_snap"))
    ids = events["segment_id"]
    segment = streets.segments.index.get_indexer(ids).astype(np.int64)
    offset = events["offset"].to_numpy(dtype=np.float64)
    strange = (segment < 0) & ids.notna().to_numpy()
    if strange.any():
        first = ids[strange].iloc[0]
        raise NetworkMismatchError(
            f"{count_events(int(strange.sum()))} were snapped to segments that these streets lack, "
            f"such as {first!r}; snap them to these streets."
        )
    there = segment >= 0
    whole = streets.length_mm[segment] / 1000
    wrong = there & ~((offset >= 0) & (offset <= whole + 0.01))
    wrong |= there & ~streets.segments["walk"].to_numpy()[segment]
    if wrong.any():
        at = int(np.argmax(wrong))
        raise NetworkMismatchError(
            f"{count_events(int(wrong.sum()))} lie beyond their segment's end, or where one may "
            f"not walk, such as {ids.iloc[at]!r} at {offset[at]:g} m; snap them to these streets "
            'with mode="walk".'
        )
    return Snapped(segment, np.where(there, np.minimum(offset, whole), 0.0), np.zeros(len(segment)))
