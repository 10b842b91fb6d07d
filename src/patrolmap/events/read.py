"""Files of events into one trusted table, and the report of what was dropped and why."""

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import tzinfo
from os import PathLike
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap._crs import metric_crs
from patrolmap._database import is_database
from patrolmap.errors import OptionError, RejectedRowsWarning, SchemaError
from patrolmap.events._columns import find_roles, whole_names
from patrolmap.events._options import Options, settle
from patrolmap.events._preset import Preset
from patrolmap.events._shown import shown_cells
from patrolmap.events.harm import severity_of, weigh
from patrolmap.events.places.coordinates import read_places, sift_area, sift_places
from patrolmap.events.places.piles import pile_notes
from patrolmap.events.report import EventsReport, examples
from patrolmap.events.rows.category import Offences, read_offences
from patrolmap.events.rows.sieve import NOT_ASKED, Floats, Ints, Sieve
from patrolmap.events.rows.table import build
from patrolmap.events.rows.traits import Traits, read_traits
from patrolmap.events.rows.twins import event_ids, sift_twins
from patrolmap.events.rows.wanted import sift_wanted
from patrolmap.events.service.client import is_url, read_service
from patrolmap.events.sources.files import open_source
from patrolmap.events.sources.postgis import read_database
from patrolmap.events.sources.source import Source
from patrolmap.events.times.again import read_again, require_kind
from patrolmap.events.times.intervals import Span, read_span
from patrolmap.events.times.lag import read_lag

log = logging.getLogger(__name__)


def read_events(
    source: Any,
    *,
    kind: str | None = None,
    preset: str | PathLike[str] | Preset | None = None,
    tz: str | tzinfo | None = None,
    columns: Mapping[str, str | None] | None = None,
    source_crs: Any = None,
    crs: Any = None,
    time_format: str | None = None,
    layer: str | None = None,
    query: str | None = None,
    boundary: Any = None,
    where: str | None = None,
    start: Any = None,
    end: Any = None,
    harm: Any = None,
    now: Any = None,
    strict: bool = False,
) -> gpd.GeoDataFrame:
    """Read recorded events into one table, whatever the file calls its columns.

    Parameters
    ----------
    source
        Path of a CSV (any line ends, separator and usual encoding; also .csv.gz), Excel, GeoJSON,
        Esri JSON, GeoPackage, Shapefile, Parquet or GeoParquet file, or a zip with one of them; a
        list of paths, pages of one layer or files of one table; a DataFrame or GeoDataFrame. Or
        the address of a database, postgresql://user@host/name, with `query=`. Or the address
        of a layer of an ArcGIS map service, https://host/arcgis/rest/services/.../FeatureServer/1:
        the only source that goes online. It is asked for the fields that serve a role and the rows
        in the box of the boundary; the environment variable PATROLMAP_ARCGIS_TOKEN may hold a
        token.
    kind
        Which map it is: "crime", "accident", "juvenile" or "call"; may be left out where the
        preset states it.
    preset
        Shape of the source, by name: kz_crime, kz_accident, kz_juvenile, kz_calls, chicago,
        uk_police, portland_nij, san_francisco, nyc, madison, pittsburgh, generic (the default);
        or the path of a TOML file of your own (docs/presets.md). What the other options say goes
        before what the preset says.
    tz
        Zone of clock times that state none, e.g. "Asia/Almaty"; the table comes in this zone.
    columns
        Role -> source column, for what detection cannot guess; None for a role that the source
        has not. Roles: event_id, category, article, severity, place, occurred_from, occurred_to,
        date, time, period (third of the day: 1, 2, 3), year, month, registered, killed, injured,
        pedestrian, domestic, police_initiated, harm, and lon, lat or x, y.
    source_crs
        CRS of the coordinates, where the file does not state it or is wrong; degrees by default
        where the numbers look like degrees.
    crs
        Metric CRS of the result; default the UTM zone of the median point.
    time_format
        strptime format of the dates, where their order of day and month is not to be told.
    layer
        Layer of a GeoPackage with several, or sheet of an Excel file.
    query
        Only of a database: one SELECT, run in a transaction that only reads. The password stands
        in PGPASSWORD, in ~/.pgpass or in the address; no message shows it.
    boundary
        Polygon (shapely in degrees, GeoDataFrame, or path): events outside are rejected. Without
        it, events farther from the median point than max(25 km, 5 x the 95th percentile of the
        distances) are.
    where
        Only of a map service: a condition in its SQL, e.g. "city_code='1975'".
    start, end
        Only of a map service: half-open range of the date, naive ones in `tz`.
    harm
        Fill the column `harm`, in days: "kz" (the Criminal Code of Kazakhstan, see `harm_table`),
        "equal" (1 each), the path of a CSV or a DataFrame of your own. Without it, only what a
        column `harm` of the source states.
    now
        Moment after which a date lies in the future; default the clock.
    strict
        Raise on any rejected row.

    Returns
    -------
    GeoDataFrame
        `patrolmap.schema.EVENTS`; in metres, times in one zone. An event known by its day
        spans local midnight to the next; a row without a date is kept, its time unknown.
        Where the source has an end column, `time_precision` is the length of the interval, and
        `occurred_to` is NaT where the row states no end.

    Raises
    ------
    SourceNotFoundError, SourceFormatError
        If there is no such file, or it is not what it should be.
    SchemaError
        If a column is missing or holds what it must not, no row is left, or `strict` and a
        row was rejected.
    CRSError
        If coordinates contradict their CRS, or the CRS is not known.
    ServiceError
        If a service cannot be reached, refuses, or does not send every row it lists.
    OptionError
        If an option is out of its range, or `tz` or `kind` is missing, or `kind` is not that of
        the preset.
    ConfigError
        If the file of a preset is not as it should be.

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
        source, kind=kind, preset=preset, tz=tz, columns=columns, source_crs=source_crs, crs=crs,
        time_format=time_format, layer=layer, query=query, boundary=boundary, where=where,
        start=start, end=end, harm=harm, now=now,
    )  # fmt: skip
    if report.fallen:
        gone = _gone(report.source, report.rows, report.fallen, report.rejects)
        if strict:
            raise SchemaError(f"{gone} Correct these rows, or read with strict=False.")
        warnings.warn(f"{gone} check_events returns them.", RejectedRowsWarning, stacklevel=2)
    return report.events


def check_events(
    source: Any,
    *,
    kind: str | None = None,
    preset: str | PathLike[str] | Preset | None = None,
    tz: str | tzinfo | None = None,
    columns: Mapping[str, str | None] | None = None,
    source_crs: Any = None,
    crs: Any = None,
    time_format: str | None = None,
    layer: str | None = None,
    query: str | None = None,
    boundary: Any = None,
    where: str | None = None,
    start: Any = None,
    end: Any = None,
    harm: Any = None,
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
    SourceNotFoundError, SourceFormatError, SchemaError, CRSError, OptionError, ServiceError,
    ConfigError
        As `read_events` does.

    Examples
    --------
    >>> table = pd.DataFrame({"date": ["01.05.2024", "02.05.2024"], "type": ["Theft", "Robbery"],
    ...                       "lon": [76.91, 0], "lat": [43.25, 0]})
    >>> report = check_events(table, kind="crime", tz="Asia/Almaty")
    >>> report.kept, dict(report.dropped)
    (1, {'zero coordinates': 1})
    """
    options = settle(
        kind=kind, preset=preset, tz=tz, now=now, boundary=boundary, harm=harm, columns=columns,
        source_crs=source_crs, crs=crs, time_format=time_format, layer=layer,
    )  # fmt: skip
    if crs is not None:
        metric_crs(crs, lon=0, lat=0)  # a wrong crs= is told before the file is read
    tell = progress or (lambda share, step: None)
    tell(0.0, "reading")
    if is_url(source):
        _require_no_question("the address of a database", query=query)
        _require_no_question("a file of layers", layer=layer)
        opened = read_service(
            source, columns=columns, preset=options.preset, where=where, start=start, end=end,
            tz=options.tz, area=options.area, progress=lambda share, step: tell(0.5 * share, step),
        )  # fmt: skip
    elif is_database(source):
        _require_no_question(where=where, start=start, end=end)
        _require_no_question("a file of layers", layer=layer)
        opened = read_database(source, query)
    else:
        _require_no_question(where=where, start=start, end=end)
        _require_no_question("the address of a database", query=query)
        opened = open_source(source, layer=layer, header=options.preset.header)
    tell(0.5, "checking")
    report = _check(opened, options)
    tell(1.0, "done")
    return report


def _require_no_question(owner: str = "the address of a map service", **given: Any) -> None:
    name = next((name for name, value in given.items() if value is not None), None)
    if name is not None:
        raise OptionError(f"{name}={given[name]!r} goes with {owner}; the source is none.")


def _check(source: Source, options: Options) -> EventsReport:
    """Give meaning to a source's columns, drop what cannot be trusted, build the table."""
    _require_cells(source)
    source = _whole_names(source, options)
    roles = find_roles(source.table, options.columns, options.preset)
    require_kind(source.table, roles, options.kind, source.name)
    places = read_places(source, roles, options.source_crs, area=options.area, tz=options.tz)
    span = (read_again if roles.own else read_span)(
        source.table,
        roles,
        tz=options.tz,
        time_format=options.form_of(source.table, roles),
        name=source.name,
    )
    ids, owned, id_notes = event_ids(source, roles, options.kind)
    offences = read_offences(source.table, roles)
    traits = read_traits(source.table, roles, offences, options.kind)
    sieve = Sieve(len(source.table))
    filter_notes = sift_wanted(sieve, source, options.preset)
    sift_places(places, sieve, source)
    _sift_times(span, sieve, source, options.now)
    sift_area(places, sieve, options.area)
    twin_notes = sift_twins(
        sieve, source, roles, ids, offences, traits.category, places, span, owned=owned
    )
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
    severity, harm, weight_notes = _weighed(at, offences, traits, options)
    events = build(
        at, kind=options.kind, ids=ids, offences=offences, traits=traits, severity=severity,
        harm=harm, span=span, places=places, crs=crs,
    )  # fmt: skip
    lag, lag_notes = read_lag(source.table, roles, span, at, now=options.now)
    if lag is not None and lag.complete_until is not None:
        events.attrs["complete_until"] = {options.kind: lag.complete_until.isoformat()}
    said = [f"date from {span.column!r}"] if span.column else []
    notes = (*options.notes, *source.notes, *filter_notes, *id_notes, *offences.notes,
             *traits.notes, *weight_notes, *said, *span.notes, *lag_notes,
             *places.notes, *pile_notes(places, at), *twin_notes,
             f"result in {crs.to_string()}")  # fmt: skip
    log.info("%s: %d rows, %d kept", source.name, source.total, len(events))
    return EventsReport(
        source=source.name, kind=options.kind, rows=source.total, kept=len(events),
        dropped=dropped, rejects=rejects, notes=notes, events=events, lag=lag,
    )  # fmt: skip


def _whole_names(source: Source, options: Options) -> Source:
    """Give columns of a shapefile the names that it cut."""
    whole = whole_names(source.table.columns, options.preset, options.columns)
    if not whole:
        return source
    said = ", ".join(f"{name!r} as {full!r}" for name, full in whole.items())
    notes = (*source.notes, f"names of columns are cut short: {said}")
    return replace(source, table=source.table.rename(columns=whole), notes=notes)


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
        return shown_cells(values, at)

    sieve.drop(span.unreadable, "unreadable date", given=given, wanted="a date")
    future = np.asarray(span.start > now)
    sieve.drop(
        future, "date in the future", given=given, wanted=f"not after {now:%Y-%m-%d %H:%M %Z}"
    )
    sieve.drop(span.backward, "ends before it starts", given=given, wanted="an end after the start")
    low, high = source.between
    other = np.zeros(len(values), dtype=bool)
    other |= False if low is None else np.asarray(span.start < low)
    other |= False if high is None else np.asarray(span.start >= high)
    wanted = f"from {low or 'the first'} and before {high or 'the end'}"
    sieve.drop(other, NOT_ASKED, given=given, wanted=wanted)


def _weighed(
    at: Ints, offences: Offences, traits: Traits, options: Options
) -> tuple[pd.Series, Floats, tuple[str, ...]]:
    """Return how grave each row kept is, its harm, and what to say about them."""
    article = offences.article.iloc[at].reset_index(drop=True)
    category, told = (
        values.iloc[at].reset_index(drop=True) for values in (traits.category, traits.severity)
    )
    severity, said = severity_of(article, told)
    if options.harm is None:
        return severity, traits.harm[at], said
    harm, notes = weigh(
        options.harm, kind=options.kind, category=category, article=article, severity=severity,
        killed=traits.killed[at], injured=traits.injured[at],
    )  # fmt: skip
    return severity, harm, (*said, *notes)


def _gone(name: str, rows: int, dropped: Mapping[str, int], rejects: pd.DataFrame) -> str:
    """Say in one line how many rows fell and why."""
    reasons = "; ".join(
        f"{count:,} {reason}: {examples(rejects, reason, most=1)}"
        for reason, count in dropped.items()
    )
    return f"{name}: {sum(dropped.values()):,} of {rows:,} rows rejected ({reasons})."
