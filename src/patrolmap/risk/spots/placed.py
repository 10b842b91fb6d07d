"""Events for counting: checked, in their period, each on its street."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.risk.moments import moments, own_period, period
from patrolmap.risk.options import check_events
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.snap import snap_events

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Period = tuple[pd.Timestamp, pd.Timestamp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """Events on the streets that count: walkable, and inside the boundary.

    Attributes
    ----------
    events : GeoDataFrame
        Those placed, in the order given.
    row : (n,) int64
        Row of each one's segment in `streets.segments`.
    offset : (n,) int64
        mm from the segment's start.
    streets : StreetNetwork
    counted : (n_segments,) bool
        Segments that count.
    observed : tuple of Timestamp or None
        The period asked for, else the whole days from the first event to the last; None where no
        event has a time.
    report : dict
        How many events were given, and what became of them.
    """

    events: gpd.GeoDataFrame
    row: Ints
    offset: Ints
    streets: StreetNetwork
    counted: Bools
    observed: Period | None
    report: dict[str, int]

    @property
    def counts(self) -> Ints:
        """Events by segment, in the order of the streets."""
        return np.bincount(self.row, minlength=len(self.counted)).astype(np.int64)

    @property
    def length(self) -> Floats:
        """Lengths of all segments, m."""
        length: Floats = self.streets.segments["length"].to_numpy(dtype=np.float64)
        return length


def select_events(
    events: gpd.GeoDataFrame, *, police_initiated: bool, observed: Any
) -> tuple[gpd.GeoDataFrame, Period | None, dict[str, int]]:
    """Leave out what police found by their own work, and what lies outside the period."""
    check_events(events)
    found = events["police_initiated"].to_numpy(dtype=bool)
    drop = found if not police_initiated else np.zeros(len(events), dtype=bool)
    kept = events[~drop]
    middle = moments(kept)
    if observed is not None:
        if not isinstance(observed, (tuple, list)) or len(observed) != 2:
            raise OptionError(f"observed={observed!r}; wanted two moments, (start, end).")
        span: Period | None = period(*observed, what="observed ")
    else:
        dated = moments(events).notna().any()  # what is left out was watched too
        span = own_period(events) if dated else None
    within = np.ones(len(kept), dtype=bool)
    if observed is not None and span is not None:
        within = (middle.isna() | ((middle >= span[0]) & (middle < span[1]))).to_numpy()
    report = {
        "events": len(events),
        "found by police's own work": int(drop.sum()),
        "outside the observed period": int((~within).sum()),
    }
    return kept[within], span, report


def place_events(
    events: gpd.GeoDataFrame,
    streets: StreetNetwork,
    *,
    max_snap: float,
    police_initiated: bool,
    observed: Any = None,
) -> Placed:
    """Put events on their segments, and say how many could not be.

    Raises
    ------
    SchemaError, CRSError
        If the table breaks its contract or has no CRS.
    OptionError
        If an option is out of its range.
    """
    kept, span, report = select_events(events, police_initiated=police_initiated, observed=observed)
    positions = snap_events(kept, streets, max_distance=max_snap)
    segments = streets.segments
    counted = (segments["walk"] & segments["inside"]).to_numpy()
    row = segments.index.get_indexer(positions["segment_id"]).astype(np.int64)
    snapped = row >= 0
    used = snapped & counted[row]
    offset = np.rint(positions["offset"].to_numpy()[used] * 1000).astype(np.int64)
    report |= {
        "far from any street": int((~snapped).sum()),
        "outside the boundary": int((snapped & ~used).sum()),
        "used": int(used.sum()),
    }
    return Placed(
        events=kept[used],
        row=row[used],
        offset=np.clip(offset, 0, streets.length_mm[row[used]]),
        streets=streets,
        counted=counted,
        observed=span,
        report=report,
    )


def check_number(
    name: str, value: Any, wanted: str, *, above: float | None = None, least: float | None = None,
    most: float = np.inf, whole: bool = False,
) -> None:  # fmt: skip
    """Raise `OptionError` unless an option is a finite number in its range."""
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    fits = isinstance(value, kinds) and not isinstance(value, (bool, np.bool_))
    fits = fits and bool(np.isfinite(value)) and value <= most
    fits = fits and (above is None or value > above) and (least is None or value >= least)
    if not fits:
        raise OptionError(f"{name}={value!r}; wanted {wanted}.")
