"""Events as points in the plane: coordinates, weights, the weight of their age."""

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._crs import point_coordinates, require_metres, require_true_lengths, to_lonlat
from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk.density.kernels import Kernel
from patrolmap.risk.moments import aware, moments
from patrolmap.risk.options import duration

Floats = npt.NDArray[np.float64]

_DAY = pd.Timedelta(days=1)


class Points(NamedTuple):
    """Coordinates in metres, and weights: one for all, or one for each."""

    x: Floats
    y: Floats
    weight: Floats
    notes: tuple[str, ...] = ()

    def only(self, chosen: npt.NDArray[np.bool_], note: str) -> "Points":
        """Return some of the points, and note why the others are left out."""
        weight = self.weight if len(self.weight) == 1 else self.weight[chosen]
        return Points(self.x[chosen], self.y[chosen], weight, (*self.notes, note))


def read_points(events: gpd.GeoDataFrame, weights: Any) -> Points:
    """Take coordinates and weights from a table of points.

    Raises
    ------
    SchemaError
        If there are no events, one of them is not a point with a place, or the weights do not fit.
    CRSError
        If the CRS is missing, in degrees, or not true to length where the events lie.
    """
    if not isinstance(events, gpd.GeoDataFrame):
        raise SchemaError(
            f"events are a {type(events).__name__}; wanted a GeoDataFrame as read_events makes it."
        )
    if len(events) == 0:
        raise SchemaError("there are no events; check the report of read_events for what it left.")
    if events.active_geometry_name is None:
        raise SchemaError("the events have no geometry; name its column with set_geometry(...).")
    require_metres(events.crs, what="the table of events")
    x, y = point_coordinates(events.geometry)
    if not (np.isfinite(x.sum()) and np.isfinite(y.sum())):
        require_places(events, np.isfinite(x) & np.isfinite(y))
    _require_true_lengths(events.crs, x, y)
    return Points(x, y, event_weights(weights, events))


def require_places(events: gpd.GeoDataFrame, fine: npt.NDArray[np.bool_]) -> None:
    """Raise `SchemaError` unless all events are fine."""
    if not fine.all():
        bad = events.index[~fine]
        kinds = sorted({str(kind) for kind in events.geometry[~fine].geom_type})
        raise SchemaError(
            f"{len(bad):,} of {len(events):,} events are not points with a place ({kinds}), for "
            f"example {bad[:3].tolist()}; leave them out, or take .centroid."
        )


def _require_true_lengths(crs: Any, x: Floats, y: Floats) -> None:
    lon, lat = to_lonlat(crs, np.array([x.mean()]), np.array([y.mean()]))
    if not (np.isfinite(lon[0]) and np.isfinite(lat[0])):
        raise CRSError(
            f"the events lie at x={x.mean():g}, y={y.mean():g} on average, which is no place in "
            f"{crs.name}; state their real CRS."
        )
    require_true_lengths(crs, lon=float(lon[0]), lat=float(lat[0]))


def event_weights(weights: Any, events: pd.DataFrame) -> Floats:
    """Return one weight for all, or one for each event, checked."""
    if weights is None:
        return np.ones(1)
    if isinstance(weights, str):
        if weights not in events:
            raise SchemaError(f"weights={weights!r} is no column of the events.")
        weights = events[weights]
    values = weights
    if isinstance(weights, pd.Series) and weights.index is not events.index:
        if not weights.index.is_unique or not events.index.is_unique:
            if not weights.index.equals(events.index):
                raise SchemaError(
                    "weights cannot be matched with the events: ids stand more than once; give an "
                    "array in the order of the events."
                )
        else:
            missing = events.index.difference(weights.index)
            if len(missing):
                raise SchemaError(
                    f"weights lack {len(missing):,} of {len(events):,} events, for example "
                    f"{missing[:3].tolist()}."
                )
            values = weights.reindex(events.index)
    try:
        found: Floats = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            "weights are not all numbers; wanted one of 0 or more an event."
        ) from error
    if found.shape != (len(events),):
        raise SchemaError(
            f"weights have shape {found.shape}; wanted one for each of {len(events):,} events."
        )
    bad = ~(np.isfinite(found) & (found >= 0))
    if bad.any():
        first = int(np.argmax(bad))
        raise SchemaError(
            f"{int(bad.sum()):,} of {len(events):,} weights are missing, infinite or below 0, "
            f"first that of event {events.index[first]!r}: {found[first]:g}; wanted numbers of 0 "
            "or more."
        )
    if not found.any():
        raise SchemaError("all weights are 0; there is nothing to spread.")
    return found


def aged(points: Points, events: gpd.GeoDataFrame, at: Any, span: Any, kernel: Kernel) -> Points:
    """Keep the events of the time before a moment, weighted by a kernel of their age, per day.

    The kernel is twice that of a line, since only the past counts: over all moments from an event
    on, its weight adds up to 1.

    Raises
    ------
    OptionError
        If only one of `at` and `span` is given, or one of them is no time.
    SchemaError
        If the events have no times, or none of them lies in the time before.
    """
    if at is None or span is None:
        raise OptionError(
            "at= and time_bandwidth= belong together: the moment for which the density is wanted, "
            'and how long before it events count, such as "30D".'
        )
    moment, reach = aware(at, what="at"), duration(span, name="time_bandwidth")
    for column in ("occurred_from", "occurred_to"):
        if column not in events or not isinstance(events[column].dtype, pd.DatetimeTZDtype):
            raise SchemaError(
                f"at= needs a column {column!r} of times with a time zone; wanted a table as "
                "read_events makes it."
            )
    age = (moment - moments(events)) / reach
    share = age.to_numpy(dtype=np.float64)
    inside = (share > 0) & (share <= 1)
    if not inside.any():
        raise SchemaError(
            f"none of the {len(events):,} events happened in the {reach} before "
            f"{moment.isoformat()}; give another at=, or a longer time_bandwidth=."
        )
    note = f"{int((~inside).sum()):,} of {len(events):,} events outside the time left out"
    if unknown := int(np.isnan(share).sum()):
        note += f", {unknown:,} of them without a date"
    weight = np.zeros(len(events))
    weight[inside] = 2 * kernel.line * kernel.at(share[inside]) / (reach / _DAY)
    aged = Points(points.x, points.y, points.weight * weight, points.notes)
    if not aged.weight.any():
        raise SchemaError("all events in the time before at= weigh 0; there is nothing to spread.")
    return aged.only(inside, note)
