"""The columns that serve a role of time: row by row the first that says something, in one zone."""

from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events._columns import Roles
from patrolmap.events._shown import shown
from patrolmap.events._text import as_text, empties
from patrolmap.events.times.moments import (
    MINUTE,
    NAIVE,
    UNKNOWN,
    Bools,
    Moments,
    days_if_all_midnight,
    read_moments,
)

MANY = 20  # rows at 00:00 from which it is said
SHARE = 0.05  # of the rows with an hour


@dataclass(frozen=True, kw_only=True, eq=False)
class Dates:
    """What the columns of one role tell.

    Attributes
    ----------
    moments : Moments
        On the wall clock of `tz`.
    blank : (n,) bool
        Rows in which none of the columns says anything.
    tz : tzinfo
    notes : tuple of str
    """

    moments: Moments
    blank: Bools
    tz: tzinfo
    notes: tuple[str, ...]

    @property
    def unreadable(self) -> Bools:
        """Rows that say something, but no moment."""
        return np.asarray((self.moments.level == UNKNOWN) & ~self.blank)


def read_dates(
    table: pd.DataFrame, roles: Roles, role: str, *, tz: tzinfo | None, time_format: str | None,
    name: str,
) -> Dates:  # fmt: skip
    """Read the best column of a role; a row that is empty there is read from the next one.

    Raises
    ------
    OptionError
        If moments state no zone and `tz` is missing.
    SchemaError
        If the day and the month cannot be told apart in the best column.
    """
    found: Moments | None = None
    blank = np.ones(len(table), dtype=bool)
    notes: tuple[str, ...] = ()
    columns = roles.all(role)
    for column in columns:
        values = table[column]
        form = time_format if found is None or values.dtype.kind not in "iuf" else None
        try:
            more, tz, said = _read(values, roles, role, tz=tz, time_format=form, name=name)
        except SchemaError:
            if found is None:
                raise
            notes += (f"{column!r} is left aside: its days and months cannot be told apart",)
            continue
        if found is None:
            found, notes = more, said
        elif (take := blank & (more.level != UNKNOWN)).any():
            found = _filled(found, more, take)
            notes += (f"dates of {take.sum():,} rows from {column!r}, as {columns[0]!r} is empty",
                      *said)  # fmt: skip
        blank &= found.level == UNKNOWN
        blank &= empties(values) if blank.any() else blank
        if not blank.any():
            break
    if found is None:
        raise SchemaError(f"{name} has no column of the role {role!r}; name one with columns=.")
    return Dates(moments=found, blank=blank, tz=tz or UTC, notes=notes)


def _read(
    values: pd.Series, roles: Roles, role: str, *, tz: tzinfo | None, time_format: str | None,
    name: str,
) -> tuple[Moments, tzinfo | None, tuple[str, ...]]:  # fmt: skip
    """Read one column on the wall clock of the zone."""
    column = str(values.name)
    epoch = roles.preset.local_epoch(column)
    found = read_moments(values, time_format=time_format, local_epoch=epoch)
    notes = found.notes
    if (found.level == UNKNOWN).all():
        return found, tz, notes
    tz = tz or own_zone(found, values, name)
    if (found.offset != NAIVE).any():
        written = found
        found = days_if_all_midnight(in_zone(found, tz))
        if role != "occurred_to" and (written.wall != found.wall).any():
            notes += suspects(written, column, " as written")
    if role != "occurred_to" and roles.preset.unknown_midnight(column):
        found = found.days_where(found.midnight() & (found.level == MINUTE))
    return found, tz, notes


def _filled(found: Moments, more: Moments, take: Bools) -> Moments:
    no = np.zeros(len(take), dtype=bool)
    late = [no if one.late is None else one.late for one in (found, more)]
    return replace(
        found,
        wall=np.where(take, more.wall, found.wall),
        offset=np.where(take, more.offset, found.offset),
        level=np.where(take, more.level, found.level),
        late=np.where(take, late[1], late[0]),
    )


def in_zone(found: Moments, tz: tzinfo | None) -> Moments:
    """Put moments that state their offset on the wall clock of a zone.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> found = read_moments(pd.Series(["2024-04-30T19:00:00Z"]), time_format=None,
    ...                      local_epoch=False)
    >>> in_zone(found, ZoneInfo("Asia/Almaty")).wall.tolist()
    [datetime.datetime(2024, 5, 1, 0, 0)]
    """
    stated = found.offset != NAIVE
    if not stated.any():
        return found
    utc = found.wall[stated] - found.offset[stated].astype("m8[s]")
    local = pd.DatetimeIndex(utc, tz=UTC).tz_convert(tz).tz_localize(None)
    wall, offset = found.wall.copy(), found.offset.copy()
    wall[stated] = local.to_numpy().astype("M8[s]")
    offset[stated] = (wall[stated] - utc).astype(np.int64)
    return replace(found, wall=wall, offset=offset)


def own_zone(found: Moments, values: pd.Series, name: str) -> tzinfo:
    """Return the zone that times state of themselves."""
    naive = (found.level != UNKNOWN) & (found.offset == NAIVE)
    if naive.any():
        raise OptionError(
            f"times of {name} (column {values.name!r}, e.g. {example(values[naive])!r}) state no "
            "zone; wanted tz=, e.g. tz='Asia/Almaty'."
        )
    zone_of: tzinfo | None = getattr(values.dtype, "tz", None)
    return zone_of or UTC


def suspects(began: Moments, column: str, how: str = "") -> tuple[str, ...]:
    """Say where many rows of a timed column stand at midnight sharp."""
    timed = began.level == MINUTE
    sharp = timed & began.midnight()
    if sharp.sum() < MANY or sharp.sum() < SHARE * timed.sum():
        return ()
    return (f"{int(sharp.sum()):,} rows of {column!r} stand at 00:00{how}: the hour may be "
            "unknown",)  # fmt: skip


def example(values: pd.Series) -> str:
    """Return the first cell that says something, as a message may show it."""
    text = as_text(values).drop_null()
    return shown(text[0].as_py()) if len(text) else ""
