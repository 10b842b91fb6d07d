"""Which column of a source serves which role, by the names that a preset knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import pandas as pd

from patrolmap.errors import OptionError, SchemaError

if TYPE_CHECKING:
    from patrolmap.events._preset import Preset

ROLES = ("event_id", "category", "article", "severity", "place", "occurred_from", "occurred_to",
         "date", "time", "period", "year", "month", "registered", "killed", "injured",
         "pedestrian", "domestic", "police_initiated", "harm", "lon", "lat", "x", "y")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Role -> source columns, the best first, which of them the caller named, and the preset."""

    found: Mapping[str, str]
    every: Mapping[str, tuple[str, ...]]
    named: frozenset[str]
    preset: "Preset"

    def get(self, role: str) -> str | None:
        """Return the column that serves a role best."""
        return self.found.get(role)

    def all(self, role: str) -> tuple[str, ...]:
        """Return every column that serves a role, the best first."""
        return self.every.get(role, ())

    def place(self) -> tuple[str, str] | None:
        """Return the two coordinate columns: what the caller named, else degrees before x, y."""
        pairs = [pair for pair in (("lon", "lat"), ("x", "y")) if set(pair) <= set(self.found)]
        pairs.sort(key=lambda pair: not set(pair) & self.named)
        return (self.found[pairs[0][0]], self.found[pairs[0][1]]) if pairs else None

    def start(self) -> str | None:
        """Return the role that tells when events began: what the caller named comes first."""
        roles = [role for role in ("occurred_from", "date") if role in self.found]
        roles.sort(key=lambda role: role not in self.named)
        return roles[0] if roles else ("month" if "month" in self.found else None)


def plain_name(name: object) -> str:
    """Write a column name as presets do.

    Examples
    --------
    >>> plain_name("  Date-Time ")
    'date_time'
    """
    return "_".join(
        str(name).casefold().replace("-", " ").replace(".", " ").replace("_", " ").split()
    )


def find_roles(
    table: pd.DataFrame, columns: Mapping[str, str | None] | None, preset: "Preset"
) -> Roles:
    """Find the columns of each role: as the caller names it, else by the names of the preset.

    Raises
    ------
    OptionError
        If `columns` names a role that does not exist.
    SchemaError
        If it names a column that the source lacks, or one half of a pair of coordinates, or the
        source has none of the preset's columns.
    """
    given = dict(columns or {})
    unknown = [role for role in given if role not in ROLES]
    if unknown:
        raise OptionError(f"columns= names the role {unknown[0]!r}; wanted one of {list(ROLES)}.")
    by_name: dict[str, str] = {}
    for name in table.columns:
        by_name.setdefault(plain_name(name), name)
    if not given:
        _require_own(preset, by_name)
    every: dict[str, tuple[str, ...]] = {}
    for role in ROLES:
        if role not in given:
            names = preset.columns.get(role, ())
            every[role] = tuple(by_name[name] for name in names if name in by_name)
        elif (column := given[role]) is not None:
            every[role] = (_named_column(role, column, table, by_name),)
    found = {role: hits[0] for role, hits in every.items() if hits}
    named = frozenset(role for role, column in given.items() if column is not None)
    _require_pairs(found, named, table)
    return Roles(found=found, every=every, named=named, preset=preset)


def _require_own(preset: "Preset", by_name: Mapping[str, str]) -> None:
    if preset.own and not preset.own & set(by_name):
        raise SchemaError(
            f"the source has none of the columns that the preset {preset.name!r} knows "
            f"({listing(sorted(preset.own), most=6)}); it has {listing(by_name.values())}. Is it "
            "the right preset? Name the columns with columns=, or leave preset= out."
        )


def _require_pairs(found: Mapping[str, str], named: frozenset[str], table: pd.DataFrame) -> None:
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
