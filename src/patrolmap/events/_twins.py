"""Ids of events, and rows that tell of the same event twice."""

import hashlib

import numpy as np
import pandas as pd
import pyarrow as pa

from patrolmap.events._columns import Roles
from patrolmap.events._place import Places
from patrolmap.events._sieve import Sieve
from patrolmap.events._source import Source
from patrolmap.events._text import as_text, shorts
from patrolmap.events._time import Span

_PLAIN_ID = (
    r"^\s*[0-9]+(\.0+)?\s*$"
    r"|^\{{?[0-9a-fA-F]{{8}}-([0-9a-fA-F]{{4}}-){{3}}[0-9a-fA-F]{{12}}\}}?$"
    r"|^{kind}:(row )?[0-9]+$|^{kind}:#[0-9a-f]{{16}}$"
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
            notes += (
                (f"{hidden:,} ids are no plain numbers and are kept as hashes",) if hidden else ()
            )
    prefixed = pc.binary_join_element_wise(pa.scalar(f"{kind}:", text), ids, blank)
    # An events table read again keeps the ids that it has.
    ids = pc.if_else(pc.starts_with(ids, f"{kind}:"), ids, prefixed)
    return pd.Series(ids.to_pandas(), name="event_id", dtype="str"), owned, notes


def _hide_names(given: pa.Array, kind: str) -> tuple[pa.Array, int]:
    """Replace ids that could hold a name or a case number by hashes, and count them.

    Plain numbers, GUIDs and the ids of an events table read again stay as they are.
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
    sieve: Sieve, source: Source, ids: pd.Series, category: pd.Series, places: Places, span: Span,
    *, owned: bool,
) -> None:  # fmt: skip
    """Drop copies of a row, and later rows with an id that is already taken.

    With ids, rows of one id, place, time and category are copies. Without, only rows alike in
    every column are: offences of one day are often published at one masked point.
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
    at = np.flatnonzero(sieve.alive)
    mask[:] = False
    mask[at] = ids.iloc[at].duplicated().to_numpy()
    sieve.drop(mask, "event id used twice", given=lambda hit: shorts(ids, hit), wanted=what)


def _hashable(cells: pd.DataFrame) -> pd.DataFrame:
    """Write lists and the like as text, so that rows can be compared."""
    odd = [name for name in cells.columns if pd.api.types.is_object_dtype(cells[name].dtype)]
    return cells.assign(**{name: cells[name].astype("str") for name in odd})
