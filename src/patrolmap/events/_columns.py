"""Which column of a source serves which role: known names as data, and the search for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from patrolmap.errors import OptionError, SchemaError

ROLES = ("event_id", "category", "occurred_from", "occurred_to", "date", "time",
         "lon", "lat", "x", "y")  # fmt: skip

# Role -> names as `plain_name` writes them, the best first. The national services stand before
# the usual English, Russian and Kazakh names.
KNOWN: dict[str, tuple[str, ...]] = {
    "event_id": (
        "event_id", "objectid", "globalid", "id", "uid", "crash_id", "incident_id", "offense_id",
    ),
    "category": (
        "stat", "crime_code", "rta_type", "category", "offense", "offence", "offense_type",
        "offence_type", "crime_type", "primary_type", "crime", "type_dtp", "type",
        "категория", "статья", "вид_преступления", "преступление", "вид", "тип", "санат", "түрі",
    ),
    "occurred_from": (
        "occurred_from", "dat_sover_str", "dat_sover", "date_start", "start_date", "date_from",
        "datetime", "date_time", "occurred", "occurred_at", "timestamp", "dates",
        "дата_время", "дата_и_время", "дата_совершения",
    ),
    "occurred_to": ("occurred_to", "date_end", "end_date", "date_to"),
    "date": (
        "date", "occ_date", "rta_date", "occurred_on", "crash_date", "incident_date",
        "offense_date", "date_occurred", "дата", "күні",
    ),
    "time": (
        "time", "fd1r05p1", "occ_time", "crash_time", "incident_time", "time_occurred",
        "время", "уақыты",
    ),
    "lon": ("lon", "lng", "long", "longitude", "долгота", "бойлық"),
    "lat": ("lat", "latitude", "широта", "ендік"),
    "x": ("x", "x_coordinate", "xcoord", "coord_x", "point_x", "easting"),
    "y": ("y", "y_coordinate", "ycoord", "coord_y", "point_y", "northing"),
}  # fmt: skip

# The national services store the local wall clock in epoch milliseconds as if it were UTC,
# and write 00:00 where the hour is not known.
EPOCH_IS_LOCAL = frozenset({"dat_sover", "dat_sover_str", "rta_date"})
MIDNIGHT_IS_UNKNOWN = frozenset({"dat_sover", "dat_sover_str"})


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Role -> source column, and which of them the caller named."""

    found: Mapping[str, str]
    named: frozenset[str]

    def get(self, role: str) -> str | None:
        """Return the column that serves a role."""
        return self.found.get(role)

    def place(self) -> tuple[str, str] | None:
        """Return the two coordinate columns: what the caller named, else degrees before x, y."""
        pairs = [pair for pair in (("lon", "lat"), ("x", "y")) if set(pair) <= set(self.found)]
        pairs.sort(key=lambda pair: not set(pair) & self.named)
        return (self.found[pairs[0][0]], self.found[pairs[0][1]]) if pairs else None

    def start(self) -> str | None:
        """Return the role that tells when events began: what the caller named comes first."""
        roles = [role for role in ("occurred_from", "date") if role in self.found]
        roles.sort(key=lambda role: role not in self.named)
        return roles[0] if roles else None


def plain_name(name: object) -> str:
    """Write a column name as `KNOWN` does.

    Examples
    --------
    >>> plain_name("  Date-Time ")
    'date_time'
    """
    return "_".join(
        str(name).casefold().replace("-", " ").replace(".", " ").replace("_", " ").split()
    )


def find_roles(table: pd.DataFrame, columns: Mapping[str, str | None] | None) -> Roles:
    """Find the column of each role: as the caller names it, else by its known name.

    Raises
    ------
    OptionError
        If `columns` names a role that does not exist.
    SchemaError
        If it names a column that the source lacks, or one half of a pair of coordinates.
    """
    given = dict(columns or {})
    unknown = [role for role in given if role not in ROLES]
    if unknown:
        raise OptionError(f"columns= names the role {unknown[0]!r}; wanted one of {list(ROLES)}.")
    by_name: dict[str, str] = {}
    for name in table.columns:
        by_name.setdefault(plain_name(name), name)
    found: dict[str, str] = {}
    for role, names in KNOWN.items():
        if role not in given:
            hits = [by_name[name] for name in names if name in by_name]
            found |= {role: hits[0]} if hits else {}
        elif (column := given[role]) is not None:
            found[role] = _named_column(role, column, table, by_name)
    named = frozenset(role for role, column in given.items() if column is not None)
    for one, other in (("lon", "lat"), ("lat", "lon"), ("x", "y"), ("y", "x")):
        if one in named and other not in found:
            raise SchemaError(
                f"columns= names {one!r} but {other!r} was not found; name both columns. "
                f"The source has {listing(table.columns)}."
            )
    if "time" in named and "date" not in found and "occurred_from" not in found:
        raise SchemaError(
            "columns= names 'time' but no date column was found; name it too, as 'date'. "
            f"The source has {listing(table.columns)}."
        )
    return Roles(found=found, named=named)


def listing(names: Iterable[object], most: int = 30) -> str:
    """List column names for a message, cut where there are very many."""
    shown = [repr(str(name))[:60] for name in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest if shown else "no columns"


def _named_column(role: str, column: str, table: pd.DataFrame, by_name: dict[str, str]) -> str:
    if column in table.columns:
        return column
    if plain_name(column) in by_name:
        return by_name[plain_name(column)]
    near = get_close_matches(plain_name(column), list(by_name), n=3)
    hint = f" Did you mean {listing(by_name[name] for name in near)}?" if near else ""
    raise SchemaError(
        f"columns= says that {role!r} is in the column {column!r}, which the source lacks.{hint} "
        f"It has {listing(table.columns)}."
    )
