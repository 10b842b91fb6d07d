"""Ids of events, and rows that tell of the same event twice."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa

from patrolmap.events._columns import Roles
from patrolmap.events._text import as_text, shorts
from patrolmap.events.places.coordinates import Places
from patrolmap.events.rows.category import Offences
from patrolmap.events.rows.keys import keys_of
from patrolmap.events.rows.sieve import Ints, Sieve
from patrolmap.events.sources.source import Source
from patrolmap.events.times.intervals import Span
from patrolmap.events.times.moments import MINUTE

OWN = 0.98  # share of distinct values in a column that numbers cases
TRIED = 5_000  # rows in which such a column is looked for first
TOLD = ("occurred_from", "date", "time", "period", "year", "month", "registered", "category",
        "article")  # fmt: skip

_PLAIN_ID = (
    r"^\s*[0-9]{{1,10}}(\.0+)?\s*$"
    r"|^\{{?[0-9a-fA-F]{{8}}-([0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}\}}?$"
    r"|^{kind}:(row )?[0-9]{{1,10}}$|^{kind}:#[0-9a-f]{{16}}$"
)


def event_ids(source: Source, roles: Roles, kind: str) -> tuple[pd.Series, bool, tuple[str, ...]]:
    """Return an id a row with the map's kind before it, whether the source has ids, and notes.

    A column that was only guessed to hold ids, and repeats itself in most rows, holds none.
    """
    import pyarrow.compute as pc

    text = pa.large_string()
    blank = pa.scalar("", text)
    numbers = pc.cast(pa.array(source.rows), text)
    ids = pc.binary_join_element_wise(pa.scalar("row ", text), numbers, blank)
    notes: tuple[str, ...] = ("no column of ids: events are numbered by their row",)
    owned = False
    column = roles.get("event_id")
    if column is not None:
        given = as_text(source.table[column])
        filled = len(given) - given.null_count
        owned = "event_id" in roles.named or 0 < filled <= 2 * len(pc.unique(given.drop_null()))
        notes = (f"{column!r} repeats itself and is no id: events are numbered by their row",)
        if owned:
            given, hidden = _hide_names(given, kind)
            ids = pc.coalesce(given, ids)
            lost = len(given) - filled
            notes = (f"id from {column!r}",)
            notes += (f"{lost:,} rows without an id are numbered by their row",) if lost else ()
            if hidden:
                notes += (f"{hidden:,} ids are no short plain numbers and are kept as hashes",)
    prefixed = pc.binary_join_element_wise(pa.scalar(f"{kind}:", text), ids, blank)
    # An events table read again keeps the ids that it has.
    ids = pc.if_else(pc.starts_with(ids, f"{kind}:"), ids, prefixed)
    return pd.Series(ids.to_pandas(), name="event_id", dtype="str"), owned, notes


def _hide_names(given: pa.Array, kind: str) -> tuple[pa.Array, int]:
    """Replace ids that could hold a name or a case number by hashes, and count them.

    Numbers of up to ten digits, as a layer's own are, GUIDs, and the ids of an events table read
    again stay as they are: from eleven digits on it may be a telephone, an IIN or a case. The hash
    has no salt, so that an id is the same on every reading: who knows a number can look for it.
    """
    import pyarrow.compute as pc

    plain = pc.match_substring_regex(given, _PLAIN_ID.format(kind=kind))
    hidden = pc.sum(pc.invert(plain)).as_py() or 0
    if not hidden:
        return given, 0
    distinct = pc.unique(given.filter(pc.invert(plain)).drop_null())
    hashes = {
        text: "#" + hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        for text in distinct.to_pylist()
    }
    text = pd.Series(given.to_pandas(), dtype=object)
    return pa.array(text.map(lambda value: hashes.get(value, value)), type=given.type), int(hidden)


def sift_twins(
    sieve: Sieve, source: Source, roles: Roles, ids: pd.Series, offences: Offences,
    category: pd.Series, places: Places, span: Span, *, owned: bool,
) -> tuple[str, ...]:  # fmt: skip
    """Drop copies of a row, and later rows with an id that is already taken; say what stays.

    With ids, rows of one id, place, time and category are copies; so are rows under other ids that
    are alike in all else, their case number included. Without ids, only rows alike in every column
    are: offences of one day are often published at one masked point.
    """
    at = np.flatnonzero(sieve.alive)
    content = pd.DataFrame(
        {"x": places.x[at], "y": places.y[at], "start": span.start.asi8[at]},
        index=at,
    )
    if owned:
        named = ids.iloc[at]
        content = content[named.duplicated(keep=False).to_numpy()]
        rest = {"end": span.end.asi8, "category": category, "id": ids}
        content = content.assign(**{name: v[content.index] for name, v in rest.items()})
    else:
        content = content[content.duplicated(keep=False)]
        cells = _hashable(source.table.iloc[content.index])
        content = pd.concat([content[["x", "y"]], cells], axis=1)
    mask = np.zeros(len(sieve.alive), dtype=bool)
    mask[content.index[content.duplicated()]] = True
    what = "one row an event"
    sieve.drop(mask, "duplicate", given=lambda hit: shorts(ids, hit), wanted=what)
    if owned:
        at = np.flatnonzero(sieve.alive)
        mask[:] = False
        mask[at] = ids.iloc[at].duplicated().to_numpy()
        sieve.drop(mask, "event id used twice", given=lambda hit: shorts(ids, hit), wanted=what)
    twins = _same_minute(sieve, offences.article, category, places, span)
    if owned and len(twins):
        mask[:] = False
        mask[_renumbered(source, roles, twins)] = True
        sieve.drop(mask, "duplicate", given=lambda hit: shorts(ids, hit), wanted=what)
        twins = twins[sieve.alive[twins.index]]
    again = int(twins.duplicated().sum())
    apart = "have ids of their own" if owned else "differ in other columns"
    return (
        (f"{again:,} rows share minute, place and offence with one before, but {apart}: kept",)
        if again
        else ()
    )


def _same_minute(
    sieve: Sieve, article: pd.Series, category: pd.Series, places: Places, span: Span
) -> pd.Series:
    """Return, by position, a number that rows of one minute, place (to 1 m) and offence share.

    Only of rows that share it with another. An offence is its article, else its category; a day
    without an hour tells too little.
    """
    told = article.notna() | ~category.isin(["other", "unknown"])
    at = np.flatnonzero(sieve.alive & (span.precision == MINUTE) & told.to_numpy())
    if len(at) == 0:
        return pd.Series(dtype=np.uint64)
    offence = pd.factorize(article.iloc[at].fillna(category.iloc[at]))[0]
    minute = span.start.asi8[at] // (
        60 * 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[span.start.unit]
    )
    parts = (np.rint(places.lon[at] * 1e5), np.rint(places.lat[at] * 1e5), minute, offence)
    key = keys_of(*parts)
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    same = ranked[1:] == ranked[:-1]
    shared = (np.append(same, False) | np.append(False, same))[: len(order)]  # of none: none
    found = np.sort(order[shared])
    return pd.Series(key[found], index=at[found])


def _renumbered(source: Source, roles: Roles, twins: pd.Series) -> Ints:
    """Return the positions of rows alike in all but their ids, where a case number says so too.

    Exports of one layer number its rows anew. But two cars of one yard are two thefts: only a
    column of its own number in nearly every row, such as a case has, tells a copy from them.
    """
    table = source.table.drop(columns=list(set(roles.all("event_id"))))
    cells = _hashable(table.iloc[twins.index])
    alike = pd.concat([twins.rename(0), cells], axis=1).duplicated()
    at = np.asarray(alike.index[alike], dtype=np.int64)
    if len(at) == 0:
        return at
    taken = {column for role in (*TOLD, "lon", "lat", "x", "y") for column in roles.all(role)}
    beside = [name for name in table.columns if name not in taken and table[name].dtype.kind != "f"]
    rest = table[beside].drop(index=at)
    some = _hashable(rest.iloc[:: max(1, len(rest) // TRIED)])
    beside = [name for name in beside if _distinct(some[name]) >= OWN]
    return at if any(_distinct(_hashable(rest[[name]])[name]) >= OWN for name in beside) else at[:0]


def _distinct(values: pd.Series) -> float:
    """Return the share of distinct values, all rows counted."""
    return len(pd.factorize(values)[1]) / max(1, len(values))


def _hashable(cells: pd.DataFrame) -> pd.DataFrame:
    """Write lists and the like as text, so that rows can be compared."""
    odd = [name for name in cells.columns if pd.api.types.is_object_dtype(cells[name].dtype)]
    return cells.assign(**{name: cells[name].map(repr) for name in odd})
