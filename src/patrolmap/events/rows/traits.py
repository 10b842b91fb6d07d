"""What else a row tells: how grave, where at, who was hurt, whether police found it themselves."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.events._columns import Roles
from patrolmap.events._text import UNSEEN, as_numbers, coded, fold, nothing
from patrolmap.events.rows.category import _NUMBERED, Offences, split_article
from patrolmap.events.rows.sieve import Bools, Floats
from patrolmap.schema import SEVERITIES

YES = frozenset(("yes", "y", "true", "t", "да", "иә", "ия"))
NO = frozenset(("no", "n", "false", "f", "нет", "жоқ"))
# A code of a place: groups of up to three digits, with up to three letters before and one behind.
_CODE = re.compile(r"(?=.{1,12}$)[^\W\d_]{0,3}(?:[-./]?\d{1,3}){1,3}[^\W\d_]?$")


@dataclass(frozen=True, kw_only=True, eq=False)
class Traits:
    """What else is known of each row.

    Attributes
    ----------
    category, severity, place : (n,) Series of str
        Missing where not told, the category apart.
    police_initiated : (n,) bool
    killed, injured : (n,) float64
        People, NaN where not told.
    harm : (n,) float64
        As the source itself states it, else NaN.
    notes : tuple of str
    """

    category: pd.Series
    severity: pd.Series
    place: pd.Series
    police_initiated: Bools
    killed: Floats
    injured: Floats
    harm: Floats
    notes: tuple[str, ...]


def read_traits(table: pd.DataFrame, roles: Roles, offences: Offences, kind: str) -> Traits:
    """Read what a source tells beside place, time and offence.

    A traffic accident's severity is its worst outcome; one with a pedestrian is
    "accident_pedestrian"; violence marked as domestic is "domestic".
    """
    killed, injured = _people(table, roles, "killed"), _people(table, roles, "injured")
    harm = _people(table, roles, "harm")
    severity = _severity(table, roles)
    if kind == "accident":
        worst = np.select([killed > 0, injured > 0, (killed == 0) & (injured == 0)], [2, 1, 0], -1)
        outcomes = pd.array(["damage", "injury", "fatal", None], dtype="str").take(worst)
        severity = severity.where(severity.notna(), pd.Series(outcomes))
    category, said = _category(table, roles, offences.category, kind)
    place, gone = _place(table, roles)
    return Traits(
        category=category, severity=severity, place=place,
        police_initiated=_police(table, roles, category, offences.article),
        killed=killed, injured=injured, harm=harm, notes=(*said, *gone),
    )  # fmt: skip


def _people(table: pd.DataFrame, roles: Roles, role: str) -> Floats:
    """Read a column of amounts; what is negative or no number is not known."""
    column = roles.get(role)
    if column is None:
        return np.full(len(table), np.nan)
    numbers = as_numbers(table[column])
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(numbers) & (numbers >= 0), numbers, np.nan)


def _severity(table: pd.DataFrame, roles: Roles) -> pd.Series:
    """Read how grave a row is from each column that may tell it, the best first."""
    found = nothing(len(table))
    for column in roles.all("severity"):
        codes, texts = coded(table[column])
        known = roles.preset.codes_of("severity", column)
        words = [known.get(fold(t)) or (fold(t) if fold(t) in SEVERITIES else None) for t in texts]
        values = pd.Series([*words, None], dtype="str")
        found = found.where(found.notna(), pd.Series(values.array.take(codes)))
    return found


def _category(
    table: pd.DataFrame, roles: Roles, category: pd.Series, kind: str
) -> tuple[pd.Series, list[str]]:
    """Let the marks of pedestrians and of domestic violence decide."""
    said = []
    if kind == "accident" and (column := roles.get("pedestrian")) is not None:
        on_foot = _yes_no(table, roles, "pedestrian")
        vague = category.isin(["unknown", "other"])
        driven = category.isin(["accident_vehicle", "accident_other"])
        category = category.mask(vague & (on_foot == 0), "accident_vehicle")
        category = category.mask((vague | driven) & (on_foot == 1), "accident_pedestrian")
        said = [f"pedestrians from {column!r}"]
    if roles.get("domestic") is not None:
        at_home = (_yes_no(table, roles, "domestic") == 1) & (category == "violence")
        category = category.mask(at_home, "domestic")
        said += [f"{int(at_home.sum()):,} rows of violence are marked as domestic"]
    return category, said


def _yes_no(table: pd.DataFrame, roles: Roles, role: str) -> npt.NDArray[np.int8]:
    """Return 1 for yes, 0 for no, -1 where it is not told."""
    out = np.full(len(table), -1, dtype=np.int8)
    for column in roles.all(role):
        known = roles.preset.codes_of(role, column)
        codes, texts = coded(table[column])
        marks = [_mark(known.get(fold(text)) or fold(text)) for text in texts]
        out = np.where(out < 0, np.array([*marks, -1], dtype=np.int8)[codes], out)
    return out


def _mark(text: str) -> int:
    if text.isdecimal():
        return int(int(text[:9]) > 0)
    return 1 if text in YES else 0 if text in NO else -1


def _police(table: pd.DataFrame, roles: Roles, category: pd.Series, article: pd.Series) -> Bools:
    """Tell what police found by their own work: as the source says, else by what was done."""
    preset = roles.preset
    found = category.isin(preset.police_categories).to_numpy(dtype=bool)
    codes, distinct = pd.factorize(article)
    by_article = [split_article(whole)[0] in preset.police_articles for whole in distinct]
    found = found | np.array([*by_article, False])[codes]
    said = _yes_no(table, roles, "police_initiated")
    return np.asarray(np.where(said < 0, found, said == 1), dtype=bool)


def _place(table: pd.DataFrame, roles: Roles) -> tuple[pd.Series, list[str]]:
    """Read the code of the kind of place; what could be an address or a name is left out."""
    column = roles.get("place")
    if column is None:
        return nothing(len(table)), []
    codes, texts = coded(table[column])
    if roles.own:
        return pd.Series(pd.array([*texts, None], dtype="str").take(codes)), []
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    known = roles.preset.codes_of("place", column)
    kept: list[str | None] = []
    for text in texts:
        clean = " ".join(UNSEEN.sub(" ", text).split())
        if clean.isdecimal():
            clean = clean.zfill(roles.preset.place_digits)
        safe = _CODE.match(clean) is not None and not _NUMBERED.search(clean)
        kept.append(known.get(fold(text)) or (clean if safe else None))
    values = pd.Series([*kept, None], dtype="str")
    lost = int(counts[[n for n, text in enumerate(kept) if text is None]].sum())
    said = [f"kind of place from {column!r}"]
    if lost:
        said += [f"{lost:,} cells of {column!r} are no codes and are left out; a preset may list "
                 "their words under [codes.place]"]  # fmt: skip
    return pd.Series(values.array.take(codes)), said
