"""Rosters from spreadsheets into shifts, and the report of what was dropped and why."""

import warnings
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.errors import RejectedRowsWarning, SchemaError
from patrolmap.events._columns import headers
from patrolmap.events._text import short
from patrolmap.events.sources.files import open_source
from patrolmap.events.sources.source import Source
from patrolmap.events.times.intervals import zone
from patrolmap.patrol.roster.cells import said
from patrolmap.patrol.roster.report import ShiftsReport
from patrolmap.patrol.roster.rows import Depots, Row, RowError, read_row, to_shifts
from patrolmap.patrol.roster.stations import stations
from patrolmap.patrol.roster.times import read_days
from patrolmap.patrol.roster.words import find_columns
from patrolmap.patrol.shifts import Shift

_Fallen = tuple[int, str, str, str]  # row, column, given, wanted


def read_shifts(
    source: Any,
    *,
    places: gpd.GeoDataFrame | None = None,
    tz: str | tzinfo | None = None,
    date: Any = None,
    columns: Mapping[str, str | None] | None = None,
    layer: str | None = None,
    strict: bool = False,
) -> list[Shift]:
    """Read a roster into shifts: who is out when, from which depot.

    Parameters
    ----------
    source
        Path of an Excel file or of a CSV (any separator and usual encoding), or a DataFrame. Column
        names may be Kazakh, Russian or English; titles above the header are skipped.
    places
        What `read_places` returned: a depot may then be the name of one of them, in any of its
        languages; of several with one name, a police station counts. Coordinates farther than
        100 km from all of them are rejected.
    tz
        Zone of the clock times, e.g. "Asia/Almaty"; not needed where all of them state theirs.
    date
        Day of the clock times that stand without one, e.g. "2026-11-22": the day a shift begins.
    columns
        Role -> column, for what detection cannot guess; None for a role that the roster has not.
        Roles: name (of the shift), crew (its label), crews (how many; default 1), service, mode
        (walk, drive; default walk), date, start, end, time ("20:00-02:00"), duration, depot ("lat,
        lon", perhaps after a name, or the name of a place), lat, lon, end_depot (the place of
        handover), rules (a preset).
    layer
        Sheet of an Excel file that has tables in several.
    strict
        Raise on any rejected row.

    Returns
    -------
    list of Shift
        In the order of the rows, with unique names, as `plan_patrols` takes them. An end that is
        not after its start is the next day's. Like rows without a name or crew become one shift of
        several crews.

    Raises
    ------
    SourceNotFoundError, SourceFormatError
        If there is no such file, or it is no table.
    SchemaError
        If a column is missing, no row can be used, or `strict` and a row was rejected.
    OptionError
        If an option is out of its range, or `tz` or `date` is missing.

    Warns
    -----
    RejectedRowsWarning
        Once, with the rows and what they held, if rows were rejected; `check_shifts` returns them.

    Examples
    --------
    >>> roster = pd.DataFrame({"Наряд": ["1-2", "1-3"], "Время": ["20:00-02:00", "22:00-06:00"],
    ...                        "Вид": ["пеший", "авто"], "Пост": "Алатау (43.27, 76.85)"})
    >>> shifts = read_shifts(roster, tz="Asia/Almaty", date="2026-11-22")
    >>> [(shift.name, shift.mode, shift.depot.name, f"{shift.end:%d.%m %H:%M}") for shift in shifts]
    [('1-2', 'walk', 'Алатау', '23.11 02:00'), ('1-3', 'drive', 'Алатау', '23.11 06:00')]
    """
    report = check_shifts(source, places=places, tz=tz, date=date, columns=columns, layer=layer)
    if len(report.rejects):
        more = len(report.rejects) - len(report.said())
        gone = f"{report.source}: {len(report.rejects)} of {report.rows} rows were dropped: "
        gone += "; ".join(report.said()) + (f"; and {more} more." if more > 0 else ".")
        if strict:
            raise SchemaError(f"{gone} Correct these rows, or read with strict=False.")
        warnings.warn(f"{gone} check_shifts returns them.", RejectedRowsWarning, stacklevel=2)
    return report.shifts


def check_shifts(
    source: Any,
    *,
    places: gpd.GeoDataFrame | None = None,
    tz: str | tzinfo | None = None,
    date: Any = None,
    columns: Mapping[str, str | None] | None = None,
    layer: str | None = None,
) -> ShiftsReport:
    """Read a roster and report what was kept and dropped; options as in `read_shifts`.

    Raises
    ------
    SourceNotFoundError, SourceFormatError, SchemaError, OptionError
        As `read_shifts` does.

    Examples
    --------
    >>> roster = pd.DataFrame({"post": "43.27, 76.85", "start": ["20:00", "25:00"],
    ...                        "duration": "6h", "crews": [4, 1]})
    >>> report = check_shifts(roster, tz="Asia/Almaty", date="2026-11-22")
    >>> report.said()
    ['row 2: start is 25:00; wanted a clock time, e.g. 20:00, or a date with one']
    """
    home = zone(tz)
    opened = open_source(source, layer=layer)
    found = find_columns(list(opened.table.columns), columns)
    _require(found, opened)
    days = read_days(opened.table, found, tz=home, date=date)
    depots = Depots(stations(places))
    for at in range(len(opened.table)):
        depots.learn(*_place(opened.table, at, found))
    rows: list[Row] = []
    fallen: list[_Fallen] = []
    for at, number in enumerate(opened.rows.tolist()):
        try:
            rows.append(read_row(opened.table, at, number, found, days, depots))
        except RowError as error:
            fallen.append((number, error.column, error.given, error.wanted))
    shifts, again = to_shifts(rows)
    column = found.get("crew", "crew")
    fallen += [(number, column, given, wanted) for number, given, wanted in again]
    rejects = _rejects(opened, fallen)
    report = ShiftsReport(
        source=opened.name, rows=opened.total, shifts=shifts, rejects=rejects,
        notes=(*opened.notes, *_notes(found, opened)),
    )  # fmt: skip
    if not shifts:
        raise SchemaError(f"no row of {opened.name} can be used: {'; '.join(report.said())}.")
    return report


def _place(table: pd.DataFrame, at: int, found: Mapping[str, str]) -> list[Any]:
    return [said(table[found[role]].iloc[at]) if role in found else None
            for role in ("depot", "lat", "lon")]  # fmt: skip


def _require(found: Mapping[str, str], source: Source) -> None:
    """Raise unless there are columns for where and when."""
    has = f"the roster has {headers(source.table.columns)}"
    if "depot" not in found and not {"lat", "lon"} <= set(found):
        raise SchemaError(
            f"{source.name}: no column says where crews start; {has}. Name it with "
            "columns={'depot': ...}, or lat and lon."
        )
    if "start" not in found and "time" not in found:
        raise SchemaError(
            f"{source.name}: no column says when shifts start; {has}. Name it with "
            "columns={'start': ...}, or 'time' for cells like 20:00-02:00."
        )


def _rejects(source: Source, fallen: list[_Fallen]) -> pd.DataFrame:
    """Return the fallen rows by their number, those cut at reading included."""
    cut = [
        (int(row), "the line", str(given), str(wanted))
        for row, given, wanted in source.broken[["row", "given", "wanted"]].itertuples(index=False)
    ]
    table = pd.DataFrame([*cut, *fallen], columns=["row", "column", "given", "wanted"])
    table = table.astype({"row": "int64", "column": "str", "given": "str", "wanted": "str"})
    return table.sort_values("row", kind="stable", ignore_index=True)


def _notes(found: Mapping[str, str], source: Source) -> list[str]:
    """Say which column serves which role, and which none."""
    used = ", ".join(f"{role} from {short(column)!r}" for role, column in found.items())
    rest = [name for name in source.table.columns if name not in found.values()]
    return [used, *([f"not used: {headers(rest)}"] if rest else [])]
