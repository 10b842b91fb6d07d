"""Files of events into one trusted table, and the report of what was dropped and why."""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from patrolmap._crs import lonlat_to, metric_crs
from patrolmap.errors import CRSError, OptionError, RejectedRowsWarning, SchemaError
from patrolmap.events._boundary import read_boundary
from patrolmap.events._category import categories
from patrolmap.events._columns import find_roles
from patrolmap.events._files import open_source
from patrolmap.events._place import Places, read_places, sift_area, sift_places
from patrolmap.events._sieve import Ints, Sieve
from patrolmap.events._source import Source
from patrolmap.events._text import shorts
from patrolmap.events._time import NAMES, Span, moment, read_span, zone
from patrolmap.events._twins import event_ids, sift_twins
from patrolmap.events.report import EventsReport, examples
from patrolmap.schema import EVENT_KINDS, EVENTS, validate

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Options:
    """Options of one reading, checked."""

    kind: str
    tz: tzinfo | None
    columns: Mapping[str, str | None] | None
    source_crs: Any
    crs: Any
    time_format: str | None
    layer: str | None
    area: Any
    now: pd.Timestamp


def read_events(
    source: Any,
    *,
    kind: str,
    tz: str | tzinfo | None = None,
    columns: Mapping[str, str | None] | None = None,
    source_crs: Any = None,
    crs: Any = None,
    time_format: str | None = None,
    layer: str | None = None,
    boundary: Any = None,
    now: Any = None,
    strict: bool = False,
) -> gpd.GeoDataFrame:
    """Read recorded events into one table, whatever the file calls its columns.

    Parameters
    ----------
    source
        Path of a CSV (any line ends, separator and usual encoding), GeoJSON, GeoPackage, Parquet
        or GeoParquet file, or a DataFrame or GeoDataFrame.
    kind
        Which map it is: "crime", "accident", "juvenile" or "call".
    tz
        Zone of clock times that state none, e.g. "Asia/Almaty"; the table comes in this zone.
    columns
        Role -> source column, for what detection cannot guess; None for a role that the source
        has not. Roles: event_id, category, occurred_from, occurred_to, date, time, and lon, lat
        or x, y.
    source_crs
        CRS of the coordinates, where the file does not state it or is wrong; degrees by default
        where the numbers look like degrees.
    crs
        Metric CRS of the result; default the UTM zone of the median point.
    time_format
        strptime format of the dates, where their order of day and month is not to be told.
    layer
        Layer of a GeoPackage with several.
    boundary
        Polygon (shapely in degrees, GeoDataFrame, or path): events outside are rejected. Without
        it, events farther from the median point than max(25 km, 5 x the 95th percentile of the
        distances) are.
    now
        Moment after which a date lies in the future; default the clock.
    strict
        Raise on any rejected row.

    Returns
    -------
    GeoDataFrame
        `patrolmap.schema.EVENTS`; in metres, times in one zone. An event known by its day
        spans local midnight to the next. Where the source has an end column,
        `time_precision` is the length of the interval.

    Raises
    ------
    SourceNotFoundError, SourceFormatError
        If there is no such file, or it is not what it should be.
    SchemaError
        If a column is missing or holds what it must not, no row is left, or `strict` and a
        row was rejected.
    CRSError
        If coordinates contradict their CRS, or the CRS is not known.
    OptionError
        If an option is out of its range, or `tz` is missing.

    Warns
    -----
    RejectedRowsWarning
        Once, with the reasons, if rows were rejected; `check_events` returns them.

    Examples
    --------
    >>> table = pd.DataFrame({"DAT_SOVER_STR": ["08.02.2020 20:30", "09.02.2020 00:00"],
    ...                       "STAT": ["ст.188 ч.3", "ст.191 ч.1"],
    ...                       "lon": [76.91, 76.92], "lat": [43.25, 43.26]})
    >>> events = read_events(table, kind="crime", tz="Asia/Almaty")
    >>> events[["category", "occurred_from", "time_precision"]]
             category             occurred_from time_precision
    event_id
    crime:row 1    theft 2020-02-08 20:30:00+06:00         minute
    crime:row 2  robbery 2020-02-09 00:00:00+06:00            day
    """
    report = check_events(
        source, kind=kind, tz=tz, columns=columns, source_crs=source_crs, crs=crs,
        time_format=time_format, layer=layer, boundary=boundary, now=now,
    )  # fmt: skip
    if report.dropped:
        gone = _gone(report.source, report.rows, report.dropped, report.rejects)
        if strict:
            raise SchemaError(f"{gone} Correct these rows, or read with strict=False.")
        warnings.warn(f"{gone} check_events returns them.", RejectedRowsWarning, stacklevel=2)
    return report.events


def check_events(
    source: Any,
    *,
    kind: str,
    tz: str | tzinfo | None = None,
    columns: Mapping[str, str | None] | None = None,
    source_crs: Any = None,
    crs: Any = None,
    time_format: str | None = None,
    layer: str | None = None,
    boundary: Any = None,
    now: Any = None,
    progress: Callable[[float, str], None] | None = None,
) -> EventsReport:
    """Read events and report what was kept, dropped and inferred; options as in `read_events`.

    `progress` is called with the share done (0 to 1) and the name of the step.

    Returns
    -------
    EventsReport
        With the events themselves, so that nothing is read twice.

    Raises
    ------
    SourceNotFoundError, SourceFormatError, SchemaError, CRSError, OptionError
        As `read_events` does.

    Examples
    --------
    >>> table = pd.DataFrame({"date": ["01.05.2024", "02.05.2024"], "type": ["Theft", "Robbery"],
    ...                       "lon": [76.91, 0], "lat": [43.25, 0]})
    >>> report = check_events(table, kind="crime", tz="Asia/Almaty")
    >>> report.kept, dict(report.dropped)
    (1, {'zero coordinates': 1})
    """
    if kind not in EVENT_KINDS:
        raise OptionError(f"kind={kind!r}; wanted one of {list(EVENT_KINDS)}.")
    home = zone(tz)
    options = _Options(
        kind=kind, tz=home, columns=columns, source_crs=source_crs, crs=crs,
        time_format=time_format, layer=layer, area=read_boundary(boundary), now=moment(now, home),
    )  # fmt: skip
    if crs is not None:
        metric_crs(crs, lon=0, lat=0)  # a wrong crs= is told before the file is read
    tell = progress or (lambda share, step: None)
    tell(0.0, "reading")
    opened = open_source(source, layer=layer)
    tell(0.5, "checking")
    report = _check(opened, options)
    tell(1.0, "done")
    return report


def _check(source: Source, options: _Options) -> EventsReport:
    """Give meaning to a source's columns, drop what cannot be trusted, build the table."""
    _require_cells(source)
    roles = find_roles(source.table, options.columns)
    places = read_places(source, roles, options.source_crs)
    span = read_span(
        source.table, roles, tz=options.tz, time_format=options.time_format, name=source.name
    )
    ids, owned, id_notes = event_ids(source, roles, options.kind)
    column = roles.get("category")
    values = None if column is None else source.table[column]
    category = categories(values, len(source.table), source.table.index)
    sieve = Sieve(len(source.table))
    sift_places(places, sieve, source, options.area)
    _sift_times(span, sieve, source, options.now)
    sift_area(places, sieve, options.area)
    sift_twins(sieve, source, ids, category, places, span, owned=owned)
    rejects = sieve.rejects(source.rows, ids, source.broken)
    dropped = {str(k): int(n) for k, n in rejects["reason"].value_counts().items()}
    at = np.flatnonzero(sieve.alive)
    if len(at) == 0:
        raise SchemaError(
            f"no row of {source.name} can be used. "
            f"{_gone(source.name, source.total, dropped, rejects)}"
        )
    crs = metric_crs(
        options.crs, lon=float(np.median(places.lon[at])), lat=float(np.median(places.lat[at]))
    )
    events = _build(at, options.kind, ids, category, span, places, crs)
    said = [f"category from {column!r}" if column else "category unknown: no column"]
    said += [f"date from {span.column!r}"] if span.column else []
    notes = (*source.notes, *id_notes, *said, *span.notes,
             places.note, f"result in {crs.to_string()}")  # fmt: skip
    log.info("%s: %d rows, %d kept", source.name, source.total, len(events))
    return EventsReport(
        source=source.name, kind=options.kind, rows=source.total, kept=len(events),
        dropped=dropped, rejects=rejects, notes=notes, events=events,
    )  # fmt: skip


def _require_cells(source: Source) -> None:
    if len(source.table) == 0:
        first = source.broken.iloc[0]
        raise SchemaError(
            f"every row of {source.name} is broken: row {first['row']} has {first['given']}, the "
            f"header has {first['wanted']}. Check the separator, or export it again."
        )


def _sift_times(span: Span, sieve: Sieve, source: Source, now: pd.Timestamp) -> None:
    if span.column is None:
        return
    values = source.table[span.column]

    def given(at: Ints) -> list[str]:
        return shorts(values, at)

    sieve.drop(span.unreadable, "unreadable date", given=given, wanted="a date")
    future = np.asarray(span.start > now)
    sieve.drop(
        future, "date in the future", given=given, wanted=f"not after {now:%Y-%m-%d %H:%M %Z}"
    )
    sieve.drop(span.backward, "ends before it starts", given=given, wanted="an end after the start")


def _build(
    at: Ints, kind: str, ids: pd.Series, category: pd.Series, span: Span, places: Places, crs: CRS
) -> gpd.GeoDataFrame:
    """Put the rows kept into the table of events, projected to metres."""
    if places.crs == crs:
        x, y = places.x[at], places.y[at]
    else:
        x, y = lonlat_to(crs, places.lon[at], places.lat[at])
    lost = ~(np.isfinite(x) & np.isfinite(y))
    if lost.any():
        row = int(np.flatnonzero(lost)[0])
        raise CRSError(
            f"{crs.to_string()} has no place for {int(lost.sum()):,} points, e.g. "
            f"{places.lon[at][row]:.5f}, {places.lat[at][row]:.5f}; pick a crs= that covers them."
        )
    names = np.array([NAMES[level] for level in sorted(NAMES)])
    events = gpd.GeoDataFrame(
        {
            "kind": pd.array([kind], dtype="str").take(np.zeros(len(at), dtype=np.int64)),
            "category": category.array.take(at),
            "occurred_from": span.start[at],
            "occurred_to": span.end[at],
            "time_precision": pd.array(names[span.precision[at]], dtype="str"),
        },
        geometry=gpd.points_from_xy(x, y, crs=crs),
        index=pd.Index(ids.array.take(at), name="event_id"),
    )
    validate(events, EVENTS)
    return events


def _gone(name: str, rows: int, dropped: Mapping[str, int], rejects: pd.DataFrame) -> str:
    """Say in one line how many rows fell and why."""
    reasons = "; ".join(
        f"{count:,} {reason}: {examples(rejects, reason, most=1)}"
        for reason, count in dropped.items()
    )
    return f"{name}: {sum(dropped.values()):,} of {rows:,} rows rejected ({reasons})."
