"""A table of events read again: its times and their precision as they stand."""

from datetime import UTC, tzinfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import SchemaError
from patrolmap.events._columns import Roles
from patrolmap.events._shown import shown
from patrolmap.events._text import coded, empties, fold
from patrolmap.events.times.columns import own_zone
from patrolmap.events.times.intervals import NAMES, Span, instants, require_current
from patrolmap.events.times.moments import UNKNOWN, parse_moments
from patrolmap.schema import EVENT_KINDS


def require_kind(table: pd.DataFrame, roles: Roles, kind: str, name: str) -> None:
    """Raise if a table of events read again holds events of another kind than asked for.

    Raises
    ------
    SchemaError
        Naming the kinds and the mend.
    """
    column = roles.own.get("kind")
    if column is None:
        return
    codes, texts = coded(table[column])
    others = [at for at, text in enumerate(texts) if fold(text) != kind]
    if not others:
        return
    rows = int(np.isin(codes, others).sum())
    held = ", ".join(repr(text if text in EVENT_KINDS else shown(text)) for text in texts[:5])
    raise SchemaError(
        f"{name} is a table of events, and {rows:,} of its {len(table):,} rows are no "
        f"kind={kind!r} (column {column!r}: {held}). It need not be read again: give it to the "
        "next step as it is; or read the rows of each kind apart."
    )


def read_again(
    table: pd.DataFrame, roles: Roles, *, tz: tzinfo | None, time_format: str | None, name: str
) -> Span:
    """Read when each row happened from a table that `read_events` wrote.

    Raises
    ------
    OptionError
        If its times state no zone and `tz` is missing.
    SchemaError
        If its precision holds other words than `read_events` writes.
    """
    precision = _precision(table[roles.own["time_precision"]], name)
    ends = []
    for role in ("occurred_from", "occurred_to"):
        values = table[roles.found[role]]
        found = parse_moments(values, time_format=time_format, local_epoch=False)
        if (found.level != UNKNOWN).any():
            tz = tz or own_zone(found, values, name)
        ends.append(found)
    tz = tz or UTC
    start, end = (instants(found.wall, found.offset, tz)[0] for found in ends)
    require_current(tz, start)
    column = roles.found["occurred_from"]
    blank = empties(table[column])
    return Span(
        start=pd.DatetimeIndex(start, tz=UTC).tz_convert(tz),
        end=pd.DatetimeIndex(end, tz=UTC).tz_convert(tz),
        precision=np.where(blank, UNKNOWN, precision).astype(np.int8),
        unreadable=np.asarray((ends[0].level == UNKNOWN) & ~blank),
        backward=np.asarray(end < start),
        column=column,
        notes=(f"a table of events: times to {roles.found['occurred_to']!r} and their precision "
               "as they stand",),
    )  # fmt: skip


def _precision(values: pd.Series, name: str) -> npt.NDArray[np.int8]:
    codes, texts = coded(values)
    levels = {word: level for level, word in NAMES.items()}
    strange = [text for text in texts if fold(text) not in levels]
    if strange:
        raise SchemaError(
            f"the column {values.name!r} of {name} holds {shown(strange[0])!r}; in a table of "
            f"events it is one of {list(levels)}. If this is none, rename the column."
        )
    known = np.array([*(levels[fold(text)] for text in texts), UNKNOWN], dtype=np.int8)
    return np.asarray(known[codes])
