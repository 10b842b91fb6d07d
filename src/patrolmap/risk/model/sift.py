"""Which events an estimate is made of: what is left out, and what is said about it."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk.moments import Period, moments
from patrolmap.risk.options import count_events


def reported_events(
    events: gpd.GeoDataFrame, police_initiated: bool
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Leave out what police found by their own work, unless it is asked for."""
    found = events["police_initiated"].to_numpy(dtype=bool)
    if police_initiated or not found.any():
        return events, ()
    if found.all():
        raise SchemaError(
            f"all {len(events):,} events were found by police's own work, which says where "
            "they looked; pass police_initiated=True to count them all the same."
        )
    note = f"{count_events(int(found.sum()))} found by police's own work left out"
    return events[~found], (note,)


def observed_events(
    events: gpd.GeoDataFrame, covered: Mapping[str, Period]
) -> tuple[gpd.GeoDataFrame, int]:
    """Leave out events outside the period of their map; return how many."""
    middle = moments(events)
    used: np.ndarray[tuple[int], np.dtype[np.bool_]] = middle.isna().to_numpy(copy=True)
    for kind, (start, end) in covered.items():
        inside = (events["kind"] == kind) & (middle >= start) & (middle < end)
        used |= inside.to_numpy(dtype=bool)
    if not used.any():
        start, end = next(iter(covered.values()))
        raise SchemaError(
            f"none of the {len(events):,} events lies in the observed period "
            f"{start.isoformat()} to {end.isoformat()}; give observed= the period they cover."
        )
    return events[used], int((~used).sum())


def said_faded(decay: pd.Series, half_life: str | None) -> tuple[str, ...]:
    """Say how many events are so old that they weigh nothing; raise where all are."""
    faded = int((decay == 0).sum())
    if faded and faded == len(decay):
        raise OptionError(
            f"half_life={half_life!r} is so short that every event fades to nothing by the end of "
            "the period; wanted a longer one, such as '60D'."
        )
    return (f"{count_events(faded)} so old that half_life leaves nothing of them",) if faded else ()


def said_below(method: str) -> tuple[str, ...]:
    """Say what becomes of a kernel that falls below 0."""
    note = (
        "where the continuous kernel falls below 0, the risk is 0, and that of its map's other "
        "segments is scaled to keep the number of events"
    )
    return (note,) if method == "esc" else ()


def said_hours(vague: int, used: int) -> tuple[str, ...]:
    """Say of how many events the hour is not known."""
    if not vague:
        return ()
    how = "every hour counts alike for them"
    if vague < used:
        how = "they are shared out as others of their category are"
    return (f"the hour is unknown for {vague:,} of {used:,} events: {how}",)


def said_undated(events: gpd.GeoDataFrame, half_life: pd.Timedelta | None) -> tuple[str, ...]:
    """Say how many events have no age where ages count."""
    timeless = 0 if half_life is None else int(moments(events).isna().sum())
    note = f"{count_events(timeless)} without a date: counted with the mean weight"
    return (note,) if timeless else ()


def said_far(positions: pd.DataFrame, max_snap: float) -> tuple[str, ...]:
    """Say how many events are near no street."""
    far = int(positions["segment_id"].isna().sum())
    share, verbs = 100 * far / len(positions), ("lies", "is") if far == 1 else ("lie", "are")
    note = (
        f"{count_events(far)} ({share:.1f} %) {verbs[0]} farther than {max_snap:g} m from any "
        f"walkable street and {verbs[1]} left out"
    )
    return (note,) if far else ()


def said_outside(outside: int) -> tuple[str, ...]:
    """Say how many events lie outside the period."""
    return (f"{count_events(outside)} outside the observed period left out",) if outside else ()
