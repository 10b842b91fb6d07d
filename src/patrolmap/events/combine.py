"""Event tables of several maps into one."""

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd

from patrolmap._crs import require_metres
from patrolmap.errors import SchemaError
from patrolmap.schema import EVENTS, validate


def combine_events(tables: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Put several event tables into one, in the CRS and the zone of the first.

    Parameters
    ----------
    tables
        As `read_events` returns them. Ids stay as they are: the map's kind stands before them.
        Columns beyond `patrolmap.schema.EVENTS` are left out.

    Raises
    ------
    SchemaError
        If there is no table, one breaks the contract, or ids stand in two of them.
    CRSError
        If a table is not in metres.

    Examples
    --------
    >>> from patrolmap.events import read_events
    >>> rows = pd.DataFrame({"id": [1, 2], "date": ["2024-05-01", "2024-05-02"],
    ...                      "lon": [76.91, 76.92], "lat": [43.25, 43.26]})
    >>> crimes = read_events(rows, kind="crime", tz="Asia/Almaty")
    >>> accidents = read_events(rows, kind="accident", tz="Asia/Almaty")
    >>> combine_events([crimes, accidents]).index.tolist()
    ['crime:1', 'crime:2', 'accident:1', 'accident:2']
    """
    if isinstance(tables, pd.DataFrame):
        raise SchemaError("combine_events got one table; wanted a list of tables.")
    tables = list(tables)
    if not tables:
        raise SchemaError("combine_events got an empty list; wanted at least one table of events.")
    for number, table in enumerate(tables, start=1):
        _check(table, number)
    first = tables[0]
    zone = first["occurred_from"].dt.tz
    parts = []
    for table in tables:
        part = table[EVENTS.names].to_crs(first.crs)
        for name in ("occurred_from", "occurred_to"):
            part[name] = part[name].dt.tz_convert(zone).dt.as_unit("us")
        parts.append(gpd.GeoDataFrame(part))
    _require_own_ids(parts)
    events = gpd.GeoDataFrame(pd.concat(parts), crs=first.crs)
    validate(events, EVENTS)
    return events


def _check(table: gpd.GeoDataFrame, number: int) -> None:
    if not isinstance(table, gpd.GeoDataFrame):
        raise SchemaError(
            f"table {number} is a {type(table).__name__}; wanted a GeoDataFrame from read_events."
        )
    try:
        validate(table, EVENTS)
    except SchemaError as error:
        raise SchemaError(f"table {number} is no table of events: {error}") from error
    require_metres(table.crs, what=f"table {number}")


def _require_own_ids(parts: list[gpd.GeoDataFrame]) -> None:
    seen: dict[str, int] = {}
    for number, part in enumerate(parts, start=1):
        shared = part.index[part.index.isin(list(seen))]
        if len(shared):
            raise SchemaError(
                f"tables {seen[shared[0]]} and {number} share {len(shared):,} event ids, e.g. "
                f"{shared[0]!r}: the same table twice, or two sources of one map whose ids clash. "
                "Leave one out, or give its rows ids of their own before reading."
            )
        seen |= dict.fromkeys(part.index, number)
