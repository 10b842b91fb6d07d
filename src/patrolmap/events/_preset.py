"""Presets: the shape of a source as data, one small TOML file each; no code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict

from patrolmap.errors import ConfigError, CRSError, OptionError, SourceNotFoundError
from patrolmap.events._columns import ROLES, listing, plain_name
from patrolmap.events._text import fold
from patrolmap.events._toml import find_toml, read_toml
from patrolmap.schema import CATEGORIES, EVENT_KINDS, SEVERITIES

FOLDER = Path(__file__).with_name("presets")
ROOT = "generic"  # what every preset stands on
YES_NO = ("yes", "no")

# Role -> the words that its codes may stand for; None where any text does.
CODED: dict[str, tuple[str, ...] | None] = {
    "category": CATEGORIES,
    "severity": SEVERITIES,
    "place": None,
    "pedestrian": YES_NO,
    "domestic": YES_NO,
    "police_initiated": YES_NO,
}


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The shape of one source, as its TOML file and those it is based on describe it.

    Attributes
    ----------
    name, title, source : str
        What it is called, what it reads, and where such data come from.
    kind, tz, source_crs, time_format
        As in `read_events`, None where it does not say. `source_crs` is of coordinates that are
        no degrees in sources that state none.
    category : str or None
        Category of all rows, where the source has no column of it.
    epoch : "utc", "local" or set of str
        Whether numbers of seconds hold the local wall clock stored as if it were UTC, or in which
        columns they do.
    midnight : "known", "unknown" or set of str
        Whether 00:00 means an unknown hour, or in which columns it does.
    place_digits : int
        Digits that a place code has: shorter numbers get zeros before them.
    header : tuple of str
        Names of the columns of exports without a header line; used where it has as many.
    columns : mapping of str to tuple of str
        Role -> names of its columns as `plain_name` writes them, the best first.
    own : set of str
        The column names that the preset itself brings, not what it is based on.
    codes : mapping of str to mapping
        Role or column -> value in the source -> our word for it.
    words : tuple of (category, tuple of str)
        Pieces of text that tell a category, looked for in this order.
    articles : mapping of str to str
        Article of the Criminal Code, without its part -> category.
    article_codes : set of str
        Columns that hold the number of an article times ten.
    keep, drop : mapping of str to set of str
        Column -> values of rows that alone are read, or are not; "" is an empty cell.
    required : set of str
        Columns of `keep` and `drop` that a file of the user's own names: a source must have them.
    police_categories, police_articles : set of str
        What police find by their own work.

    Examples
    --------
    >>> preset = load_preset("kz_crime")
    >>> preset.kind, preset.tz, preset.columns["severity"]
    ('crime', 'Asia/Almaty', ('transgression', 'hard_code'))
    """

    name: str
    title: str
    source: str
    kind: str | None
    tz: str | None
    source_crs: str | int | None
    time_format: str | None
    category: str | None
    epoch: str | frozenset[str]
    midnight: str | frozenset[str]
    place_digits: int
    header: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    own: frozenset[str]
    codes: Mapping[str, Mapping[str, str]]
    words: tuple[tuple[str, tuple[str, ...]], ...]
    articles: Mapping[str, str]
    article_codes: frozenset[str]
    keep: Mapping[str, frozenset[str]]
    drop: Mapping[str, frozenset[str]]
    required: frozenset[str]
    police_categories: frozenset[str]
    police_articles: frozenset[str] = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("columns", "codes", "articles", "keep", "drop"):
            given = getattr(self, name)
            table = {k: MappingProxyType(v) if isinstance(v, dict) else v for k, v in given.items()}
            object.__setattr__(self, name, MappingProxyType(table))  # presets are shared

    def local_epoch(self, column: str) -> bool:
        """Tell whether epoch numbers of a column hold the local wall clock."""
        return self.epoch == "local" or plain_name(column) in self.epoch

    def unknown_midnight(self, column: str) -> bool:
        """Tell whether 00:00 in a column means that the hour is not known."""
        return self.midnight == "unknown" or plain_name(column) in self.midnight

    def meanings(self) -> dict[str, tuple[str, ...]]:
        """Return each name of a column that it knows, and the roles and filters that it serves."""
        known: dict[str, tuple[str, ...]] = {}
        filters = {"keep": self.keep, "drop": self.drop}
        for use, names in (*self.columns.items(), *filters.items()):
            for name in names:
                known[name] = (*known.get(name, ()), use)
        return known

    def codes_of(self, role: str, column: str) -> Mapping[str, str]:
        """Return value -> word for a role served by a column."""
        return self.codes.get(role) or self.codes.get(plain_name(column)) or {}


def load_preset(name_or_path: "str | PathLike[str] | Preset") -> Preset:
    """Read a preset: one that comes with the package, by its name, or a TOML file of your own.

    Raises
    ------
    OptionError
        If there is no preset of that name; near names are listed.
    SourceNotFoundError
        If there is no such file.
    ConfigError
        If the file is not as a preset should be: names the key, what was given and wanted.

    Examples
    --------
    >>> load_preset("chicago").title
    'Crimes of the City of Chicago since 2001'
    >>> load_preset("chicgo")
    Traceback (most recent call last):
    patrolmap.errors.OptionError: preset='chicgo' is none. Did you mean 'chicago'? ...
    """
    if isinstance(name_or_path, Preset):
        return name_or_path
    path = find_toml(name_or_path, FOLDER, "preset")
    return _bundled(path.stem) if path.parent == FOLDER else _load(path, ())


class _Police(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    categories: list[str] = []
    articles: list[str] = []


class _File(BaseModel):
    """What a file of a preset may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    based_on: str | None = None
    title: str | None = None
    source: str | None = None
    kind: str | None = None
    tz: str | None = None
    source_crs: str | int | None = None
    time_format: str | None = None
    category: str | None = None
    epoch: str | list[str] | None = None
    midnight: str | list[str] | None = None
    place_digits: int | None = None
    header: list[str] | None = None
    columns: dict[str, str | list[str]] = {}
    codes: dict[str, dict[str, str]] = {}
    words: dict[str, list[str]] = {}
    articles: dict[str, list[str]] = {}
    article_codes: list[str] | None = None
    keep: dict[str, list[str]] = {}
    drop: dict[str, list[str]] = {}
    police_initiated: _Police | None = None


@cache
def _bundled(name: str) -> Preset:
    return _load(FOLDER / f"{name}.toml", ())


def _load(path: Path, seen: tuple[Path, ...]) -> Preset:
    if path in seen:
        raise ConfigError(f"{path.name}: based_on leads back to itself.")
    file: _File = read_toml(path, _File)
    if path == FOLDER / f"{ROOT}.toml":
        return _merge(_EMPTY, file, path)
    try:
        below = find_toml(_near(file.based_on or ROOT, path), FOLDER, "preset")
    except (OptionError, SourceNotFoundError) as error:
        raise ConfigError(f"{path.name}: based_on = {file.based_on!r}: {error}") from error
    return _merge(_load(below, (*seen, path)), file, path)


def _near(name: str, path: Path) -> str | Path:
    """Take a path that a file names as relative to that file."""
    return path.parent / name if name.endswith(".toml") else name


def _merge(below: Preset, file: _File, path: Path) -> Preset:
    """Put what a file says over what it is based on."""
    columns = {
        role: tuple(plain_name(n) for n in ([names] if isinstance(names, str) else names))
        for role, names in file.columns.items()
    }
    codes = {
        plain_name(key): {fold(value): word for value, word in table.items()}
        for key, table in file.codes.items()
    }
    police = file.police_initiated
    preset = Preset(
        name=path.stem if path.parent == FOLDER else path.name,
        title=file.title or below.title,
        source=file.source or below.source,
        kind=file.kind or below.kind,
        tz=file.tz or below.tz,
        source_crs=below.source_crs if file.source_crs is None else file.source_crs,
        time_format=file.time_format or below.time_format,
        category=file.category or below.category,
        epoch=_flag(file.epoch, below.epoch),
        midnight=_flag(file.midnight, below.midnight),
        place_digits=below.place_digits if file.place_digits is None else file.place_digits,
        header=below.header if file.header is None else tuple(file.header),
        columns={**below.columns, **columns},
        own=_own(below, columns, path),
        codes={**below.codes, **{k: {**below.codes.get(k, {}), **t} for k, t in codes.items()}},
        words=(*((word, tuple(t)) for word, t in file.words.items()), *below.words),
        articles={
            **below.articles, **{a: word for word, names in file.articles.items() for a in names}
        },
        article_codes=below.article_codes | {plain_name(n) for n in file.article_codes or ()},
        keep={**below.keep, **_filters(file.keep)},
        drop={**below.drop, **_filters(file.drop)},
        required=below.required if path.parent == FOLDER else (
            below.required | {*_filters(file.keep), *_filters(file.drop)}),
        police_categories=frozenset(police.categories) if police else below.police_categories,
        police_articles=frozenset(police.articles) if police else below.police_articles,
    )  # fmt: skip
    _check(preset, file, path.name)
    return preset


def _own(below: Preset, columns: Mapping[str, tuple[str, ...]], path: Path) -> frozenset[str]:
    if path == FOLDER / f"{ROOT}.toml":
        return frozenset()
    return below.own | {name for names in columns.values() for name in names}


def _flag(given: str | list[str] | None, below: str | frozenset[str]) -> str | frozenset[str]:
    if given is None or isinstance(given, str):
        return given or below
    return frozenset(plain_name(name) for name in given)


def _filters(given: Mapping[str, list[str]]) -> dict[str, frozenset[str]]:
    return {plain_name(c): frozenset(fold(value) for value in v) for c, v in given.items()}


def _check(preset: Preset, file: _File, name: str) -> None:
    """Check what a file says word by word."""

    def one_of(value: str, allowed: Any, key: str) -> None:
        if value not in allowed:
            near = get_close_matches(value, [str(a) for a in allowed], n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"wanted one of {listing(allowed)}"
            raise ConfigError(f"{name}: {key} = {value!r}; {hint}.")

    if file.kind is not None:
        one_of(file.kind, EVENT_KINDS, "kind")
    for key, allowed in (("epoch", ("local", "utc")), ("midnight", ("unknown", "known"))):
        if isinstance(given := getattr(file, key), str):
            one_of(given, allowed, key)
    words = [file.category] if file.category else []
    words += [*file.words, *file.articles]
    words += file.police_initiated.categories if file.police_initiated else []
    for word in words:
        one_of(word, CATEGORIES, "a category")
    named = [article for names in file.articles.values() for article in names]
    for article in named + (file.police_initiated.articles if file.police_initiated else []):
        if not re.fullmatch(r"\d{2,3}(-\d{1,2})?", article):
            raise ConfigError(
                f"{name}: article {article!r}; wanted its number without the part, e.g. '188', "
                "'345-1'."
            )
    if file.time_format is not None:
        try:
            check_form(file.time_format)
        except OptionError as error:
            raise ConfigError(f"{name}: {error}") from error
    _check_places_and_clock(file, name)
    for role in file.columns:
        one_of(role, ROLES, "[columns]: a role")
    roles = {column: role for role in CODED for column in preset.columns.get(role, ())}
    for key, table in file.codes.items():
        role = key if key in CODED else roles.get(plain_name(key), key)
        one_of(role, CODED, f"[codes.{key}]: a role, or a column of [columns] that serves one")
        for value, word in table.items() if CODED[role] else ():
            one_of(word, CODED[role], f"[codes.{key}] {value}")


def _check_places_and_clock(file: _File, name: str) -> None:
    from patrolmap.events.places.systems import known_crs
    from patrolmap.events.times.intervals import zone

    try:
        zone(file.tz)
        if file.source_crs is not None:
            known_crs(file.source_crs)
    except (OptionError, CRSError) as error:
        raise ConfigError(f"{name}: {error}") from error


def check_form(time_format: Any) -> None:
    """Raise unless a form of dates is one that strptime takes.

    Raises
    ------
    OptionError
        With the fault and an example.
    """
    wanted = "wanted a strptime format, e.g. '%d.%m.%Y %H:%M'"
    if not isinstance(time_format, str):
        raise OptionError(f"time_format={time_format!r}; {wanted}.")
    try:
        datetime.strptime("", time_format)
    except ValueError as error:
        if "does not match" not in str(error):
            raise OptionError(
                f"time_format={time_format!r} cannot be used: {error}; {wanted}."
            ) from error


_EMPTY = Preset(
    name="", title="", source="", kind=None, tz=None, source_crs=None, time_format=None,
    category=None, epoch="utc", midnight="known", place_digits=0, header=(), columns={},
    own=frozenset(), codes={}, words=(), articles={}, article_codes=frozenset(), keep={}, drop={},
    required=frozenset(), police_categories=frozenset(), police_articles=frozenset(),
)  # fmt: skip
