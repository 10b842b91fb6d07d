"""Event tables of several maps into one, each event counted once."""

import logging
from collections.abc import Iterable, Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap._crs import require_metres
from patrolmap.errors import SchemaError
from patrolmap.events.rows.keys import keys_of
from patrolmap.events.rows.once import VAGUE, find_pairs
from patrolmap.schema import EVENTS, validate

log = logging.getLogger(__name__)

FILLED = ("article", "severity", "harm", "place")  # taken from the other row where one lacks them
TIMES = ("occurred_from", "occurred_to", "time_precision")


def combine_events(tables: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Put several event tables into one, in the CRS and the zone of the first.

    An event that stands on several maps counts once, under its more specific kind: accident
    before juvenile before crime before call. Two rows of different kinds and tables are one event
    if they lie within 25 m, their article is the same (their category where one of them has none;
    an accident and a traffic offence are one) and so is their time: the same minute, interval or
    day. A day on one map and an hour of it on the other are the same if the articles agree, or
    both are of the road. "other" and "unknown" without an article tell too little, and so do
    months. A row stands for at most one row of each other kind, the nearest; no row is left out
    for one of its own map. What the row kept lacks (article, severity, harm, place, a better time)
    comes from the row that is left out.

    Parameters
    ----------
    tables
        As `read_events` returns them, in any order. Ids stay as they are: the map's kind stands
        before them. Columns beyond `patrolmap.schema.EVENTS` are left out.

    Returns
    -------
    GeoDataFrame
        `patrolmap.schema.EVENTS`; `attrs["report"]` says how many rows there were, how many are
        kept, how many are left out, by kinds, and how many are kept though an earlier table of
        their own kind has one alike in place, time and offence: it may be the same map twice,
        under other ids; `attrs["complete_until"]`, where a source tells
        of registration, from which day on fewer than 95 % of a kind are registered yet.

    Raises
    ------
    SchemaError
        If there is no table, one breaks the contract, or ids stand in two of them.
    CRSError
        If a table is not in metres.

    Examples
    --------
    >>> from patrolmap.events import read_events
    >>> rows = pd.DataFrame({"id": [1, 2], "date": ["2024-05-01 20:30", "2024-05-02 21:00"],
    ...                      "stat": ["ст.188 ч.1", "ст.191 ч.1"],
    ...                      "lon": [76.91, 76.92], "lat": [43.25, 43.26]})
    >>> crimes = read_events(rows, kind="crime", tz="Asia/Almaty")
    >>> juveniles = read_events(rows[:1], kind="juvenile", tz="Asia/Almaty")
    >>> events = combine_events([crimes, juveniles])
    >>> events.index.tolist()
    ['crime:2', 'juvenile:1']
    >>> events.attrs["report"]
    {'rows': 3, 'kept': 2, 'counted_once': {'juvenile, not crime': 1}, 'alike': {}}
    """
    if isinstance(tables, pd.DataFrame | str) or not isinstance(tables, Iterable):
        what = "one table" if isinstance(tables, pd.DataFrame) else type(tables).__name__
        raise SchemaError(f"combine_events got {what}; wanted a list of tables.")
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
    events = gpd.GeoDataFrame(pd.concat(parts), crs=first.crs)
    if not events.index.is_unique:
        _blame_ids(parts)
    events.attrs = {}
    number_of = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    alike = _alike(events, number_of)
    events, once = _counted_once(events, find_pairs(events, number_of))
    validate(events, EVENTS)
    if until := _complete_until(tables):
        events.attrs["complete_until"] = until
    events.attrs["report"] = {"rows": len(number_of), "kept": len(events), "counted_once": once,
                              "alike": alike}  # fmt: skip
    for kinds, count in once.items():
        log.info("%s events stand on two maps and count once: as %s", f"{count:,}", kinds)
    for kind, count in alike.items():
        log.warning("%s events of kind %s stand in two tables under other ids: it may be the same "
                    "map twice", f"{count:,}", kind)  # fmt: skip
    return events


def _alike(events: gpd.GeoDataFrame, table: npt.NDArray[np.int64]) -> dict[str, int]:
    """Count by kind the rows alike, to a metre and a minute, with one of an earlier table."""
    points = np.asarray(events["geometry"].array)
    offence = events["article"].fillna(events["category"])
    minute = events["occurred_from"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
    key = keys_of(
        pd.factorize(events["kind"])[0], pd.factorize(offence)[0], minute.astype("M8[m]"),
        np.rint(shapely.get_x(points)), np.rint(shapely.get_y(points)),
    )  # fmt: skip
    told = events["occurred_from"].notna().to_numpy()
    first = pd.Series(table).groupby(key).transform("min").to_numpy()
    counts = events["kind"][told & (first < table)].value_counts().sort_index()
    return {str(kind): int(count) for kind, count in counts.items()}


def _complete_until(tables: Sequence[gpd.GeoDataFrame]) -> dict[str, str]:
    """Return by kind the earliest day from which on a table is not complete yet."""
    until: dict[str, str] = {}
    for table in tables:
        for kind, day in table.attrs.get("complete_until", {}).items():
            until[kind] = min(until.get(kind, day), day, key=pd.Timestamp)
    return until


def _counted_once(
    events: gpd.GeoDataFrame, pairs: npt.NDArray[np.int64]
) -> tuple[gpd.GeoDataFrame, dict[str, int]]:
    """Leave out the second row of each pair; its first takes over what it lacks itself."""
    if len(pairs) == 0:
        return events, {}
    kind = events["kind"].to_numpy(dtype=object)
    said = pd.Series(kind[pairs[:, 0]] + ", not " + kind[pairs[:, 1]])
    events = events.copy()
    for _, part in said.groupby(kind[pairs[:, 1]], sort=False):  # a row stands in each only once
        kept, gone = pairs[part.index].T
        lacks = {name: events[name].iloc[kept].isna().to_numpy() for name in FILLED}
        lacks["category"] = events["category"].iloc[kept].isin(VAGUE).to_numpy()
        length = (events["occurred_to"] - events["occurred_from"]).to_numpy()
        lacks |= dict.fromkeys(TIMES, length[gone] < length[kept])
        for name, mask in lacks.items():
            better = mask & events[name].iloc[gone].notna().to_numpy()
            if better.any():
                values = events[name].array.copy()
                values[kept[better]] = values[gone[better]]
                events[name] = values
    left = np.ones(len(events), dtype=bool)
    left[pairs[:, 1]] = False
    counts = said.value_counts().sort_index()
    return events[left], {str(name): int(count) for name, count in counts.items()}


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


def _blame_ids(parts: list[gpd.GeoDataFrame]) -> None:
    for number, part in enumerate(parts, start=1):
        for before, other in enumerate(parts[: number - 1], start=1):
            shared = part.index[part.index.isin(other.index)]
            if len(shared):
                raise SchemaError(
                    f"tables {before} and {number} share {len(shared):,} event ids, e.g. "
                    f"{shared[0]!r}: the same table twice, or two sources of one map whose ids "
                    "clash. Leave one out, or give its rows ids of their own before reading."
                )
