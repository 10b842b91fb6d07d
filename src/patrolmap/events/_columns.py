"""Which column of a source serves which role, by the names that a preset knows."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from patrolmap.errors import OptionError, SchemaError

if TYPE_CHECKING:
    from patrolmap.events._preset import Preset

ROLES = ("event_id", "category", "article", "severity", "place", "occurred_from", "occurred_to",
         "date", "time", "period", "year", "month", "registered", "killed", "injured",
         "pedestrian", "domestic", "police_initiated", "harm", "lon", "lat", "x", "y")  # fmt: skip

# A source with these columns is a table of events that `read_events` wrote; those of its roles.
OWN = ("occurred_from", "occurred_to", "time_precision")
OWN_ROLES = ("event_id", "category", "article", "severity", "place", "occurred_from",
             "occurred_to", "police_initiated", "harm")  # fmt: skip
TIMES = frozenset(("occurred_from", "occurred_to", "date", "time", "period", "year", "month"))
BESIDE = ("registered", "lon", "lat", "x", "y")  # what may stand beside them, under any name


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Role -> source columns, the best first, which of them the caller named, and the preset.

    `own` maps the names of `patrolmap.schema.EVENTS` to the columns of a table of events read
    again; it is empty where the source is none.
    """

    found: Mapping[str, str]
    every: Mapping[str, tuple[str, ...]]
    named: frozenset[str]
    preset: "Preset"
    own: Mapping[str, str] = field(default_factory=dict)

    def get(self, role: str) -> str | None:
        """Return the column that serves a role best."""
        return self.found.get(role)

    def all(self, role: str) -> tuple[str, ...]:
        """Return every column that serves a role, the best first."""
        return self.every.get(role, ())

    def place(self) -> tuple[str, str] | None:
        """Return the two coordinate columns: what the caller named, else degrees before x, y."""
        return next(iter(self.places()), None)

    def places(self) -> list[tuple[str, str]]:
        """Return each pair of coordinate columns, the best first."""
        pairs = [pair for pair in (("lon", "lat"), ("x", "y")) if set(pair) <= set(self.found)]
        pairs.sort(key=lambda pair: not set(pair) & self.named)
        return [(self.found[one], self.found[other]) for one, other in pairs]

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
    own = by_name if set(OWN) <= set(by_name) and not TIMES & set(given) else {}
    if not given and not own:
        _require_own(preset, by_name)
    every: dict[str, tuple[str, ...]] = {}
    for role in ROLES:
        if role not in given:
            names = preset.columns.get(role, ())
            if own and role not in BESIDE:
                names = (role,) if role in OWN_ROLES else ()
            every[role] = tuple(by_name[name] for name in names if name in by_name)
        elif (column := given[role]) is not None:
            every[role] = (_named_column(role, column, table, by_name),)
    found = {role: hits[0] for role, hits in every.items() if hits}
    named = frozenset(role for role, column in given.items() if column is not None)
    _require_pairs(found, named, table)
    return Roles(found=found, every=every, named=named, preset=preset, own=own)


def whole_names(
    names: Iterable[str], preset: "Preset", columns: Mapping[str, str | None] | None
) -> dict[str, str]:
    """Return column -> its name before a shapefile cut it, where a preset knows that one name.

    Names of a shapefile have ten bytes: ten letters, but five Cyrillic ones in UTF-8. What the
    caller names himself stays as it is.
    """
    meanings = preset.meanings()
    cut: dict[str, set[str]] = {}
    for name in meanings:
        ends = {name[:10], name.encode()[:10].decode("utf-8", "ignore")} - {name}
        for end in {plain_name(end) for end in ends} - set(meanings):
            cut.setdefault(end, set()).add(name)
    named = {plain_name(name) for name in (columns or {}).values() if name is not None}
    taken = named | {plain_name(name) for name in names}
    found = {}
    for name in names:
        fits = sorted(cut.get(plain_name(name), ()))
        alike = len({meanings[fit] for fit in fits}) == 1
        if alike and plain_name(name) not in named and not taken & set(fits):
            found[name] = fits[0]
            taken.add(fits[0])
    return found


def _require_own(preset: "Preset", by_name: Mapping[str, str]) -> None:
    if preset.own and not preset.own & set(by_name):
        raise SchemaError(
            f"the source has none of the columns that the preset {preset.name!r} knows "
            f"({listing(sorted(preset.own), most=6)}); it has {headers(by_name.values())}. Is it "
            "the right preset? Name the columns with columns=, or leave preset= out."
        )


def _require_pairs(found: Mapping[str, str], named: frozenset[str], table: pd.DataFrame) -> None:
    for one, other in (("lon", "lat"), ("lat", "lon"), ("x", "y"), ("y", "x")):
        if one in named and other not in found:
            raise SchemaError(
                f"columns= names {one!r} but {other!r} was not found; name both columns. "
                f"The source has {headers(table.columns)}."
            )
    if "time" in named and "date" not in found and "occurred_from" not in found:
        raise SchemaError(
            "columns= names 'time' but no date column was found; name it too, as 'date'. "
            f"The source has {headers(table.columns)}."
        )


def listing(names: Iterable[object], most: int = 30) -> str:
    """List column names for a message, cut where there are very many."""
    shown = [repr(str(name))[:60] for name in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest if shown else "no columns"


def headers(names: Iterable[object]) -> str:
    """List the columns of a source for a message; cells of a file without a header are no names.

    Where no name is known to any preset, only plain ones (`col_1`) are shown.
    """
    every = [str(name) for name in names]
    if not every or _known_names() & set(map(plain_name, every)):
        return listing(every)
    plain = [name for name in every if re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)]
    hidden = len(every) - len(plain)
    if not hidden:
        return listing(every)
    many = "1 column of an unknown name" if hidden == 1 else f"{hidden} columns of unknown names"
    rest = f"{many} (not shown: the first row may hold cells, not a header)"
    return f"{listing(plain)} and {rest}" if plain else rest


@cache
def _known_names() -> frozenset[str]:
    """Return every name of a column that a bundled preset knows."""
    from patrolmap.events._preset import FOLDER, load_preset

    presets = [load_preset(path.stem) for path in FOLDER.glob("*.toml")]
    words = {name for preset in presets for names in preset.columns.values() for name in names}
    return frozenset({*words, *ROLES, *OWN})


def _named_column(role: str, column: str, table: pd.DataFrame, by_name: dict[str, str]) -> str:
    if column in table.columns:
        return column
    if plain_name(column) in by_name:
        return by_name[plain_name(column)]
    near = get_close_matches(plain_name(column), list(by_name), n=3)
    hint = f" Did you mean {listing(by_name[name] for name in near)}?" if near else ""
    raise SchemaError(
        f"columns= says that {role!r} is in the column {column!r}, which the source lacks.{hint} "
        f"It has {headers(table.columns)}."
    )
