"""Harm: events weighed in days of imprisonment, by the Criminal Code or by a table of your own."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError, SourceFormatError, SourceNotFoundError
from patrolmap.events._columns import listing
from patrolmap.events.rows.category import split_article
from patrolmap.events.rows.sieve import Floats
from patrolmap.schema import CATEGORIES, SEVERITIES

FOLDER = Path(__file__).with_name("harm_tables")
RULES = ("minimum", "midpoint")
OUTCOMES = ("injured", "killed", "killed_more", "unhurt")
KEYS = ("article", "category", "outcome")
TABLE = (*KEYS, "days", "severity", "rule")
EQUAL = "equal"


def harm_table(name: str | PathLike[str] = "kz", *, rule: str = "minimum") -> pd.DataFrame:
    """Return a table of harm: days by article, by category, and by outcome of an accident.

    "kz" stands for the Criminal Code of Kazakhstan of 2014. Following the Cambridge Crime Harm
    Index (Sherman, Neyroud & Neyroud 2016, doi 10.1093/police/paw003), an offence weighs what its
    first-time offender faces at least. Kazakhstan publishes no starting points, so `rule`
    "minimum" takes the least imprisonment that the article part states; where it states none, the
    least that the Code knows, six months (art. 46); where there is no imprisonment, the least
    fine, 25 units, at a day of arrest for four (art. 41), 6.25 days. "midpoint" takes the middle
    of that and the most. A category stands for one ordinary article part (column `rule`), and a
    road accident for art. 345: 1 day where nobody was hurt.

    Parameters
    ----------
    name
        "kz", or the path of a CSV with columns out of article, category, outcome (one of them
        filled in a row), severity, rule, and days, or minimum and midpoint.
    rule
        "minimum" or "midpoint".

    Returns
    -------
    DataFrame
        article, category, outcome, days, severity, rule; an article as in
        `patrolmap.schema.EVENTS`.

    Raises
    ------
    OptionError
        If there is no such table or rule.
    SourceNotFoundError, SourceFormatError, SchemaError
        If the file is not there, is no CSV, or breaks this form.

    Examples
    --------
    >>> table = harm_table().set_index("article")
    >>> table.loc[["99-1", "188-1", "187-1"], ["days", "rule"]]
                days        rule
    article
    99-1     2920.00      stated
    188-1     182.50  least term
    187-1       6.25  least fine
    """
    if rule not in RULES:
        raise OptionError(f"rule={rule!r}; wanted one of {list(RULES)}.")
    if not isinstance(name, str | PathLike):
        raise OptionError(f"the harm table is {type(name).__name__}; wanted a name or a path.")
    bundled = FOLDER / f"{name}.csv"
    path = bundled if bundled.parent == FOLDER and bundled.is_file() else Path(name)
    if path is not bundled and path.suffix.lower() != ".csv" and len(path.parts) == 1:
        names = [*(file.stem for file in sorted(FOLDER.glob("*.csv"))), EQUAL]
        near = get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise OptionError(
            f"harm={str(name)!r} is none.{hint} Wanted one of {listing(names)}, the path of a CSV, "
            "or a DataFrame as harm_table returns it."
        )
    if not path.is_file():
        raise SourceNotFoundError(f"{path} is not there; wanted a CSV of harm.")
    try:
        table = pd.read_csv(path, comment="#", dtype="str", encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise SourceFormatError(f"{path.name} is no CSV in UTF-8: {error}.") from error
    return _checked(table, path.name, rule)


def _checked(table: pd.DataFrame, name: str, rule: str) -> pd.DataFrame:
    """Check a table of harm and put it into the form of `harm_table`."""
    table = table.rename(columns={rule: "days"}) if "days" not in table else table
    if "days" not in table or not set(KEYS) & set(table.columns):
        raise SchemaError(
            f"{name} has the columns {listing(table.columns)}; wanted days (or {rule}) and one of "
            f"{', '.join(KEYS)}."
        )
    if rule != "minimum" and name != "the table" and "minimum" not in table:
        raise OptionError(f"{name} has one column of days; rule={rule!r} needs its own.")
    out = pd.DataFrame(index=pd.RangeIndex(len(table)))
    for column in TABLE:
        cells = table[column].array if column in table else [None] * len(table)
        out[column] = pd.Series(cells, dtype=None if column == "days" else "str")
        if column != "days":
            out[column] = out[column].str.strip().replace("", None)
    out["days"] = pd.to_numeric(out["days"], errors="coerce").astype("float64")
    keys = out[list(KEYS)].notna()
    _require(
        keys.sum(axis=1) == 1, out, name, "fills none or several of article, category, outcome"
    )
    with np.errstate(invalid="ignore"):
        good = np.isfinite(out["days"]) & (out["days"] >= 0)
    _require(good, out, name, "has no number of days, 0 or more")
    for column, words in (
        ("category", CATEGORIES),
        ("outcome", OUTCOMES),
        ("severity", SEVERITIES),
    ):
        fits = out[column].isna() | out[column].isin(words)
        _require(fits, out, name, f"has a {column} that is none of {listing(words)}")
    article = out["article"].isna() | out["article"].str.fullmatch(r"\d{2,3}(-\d{1,2}){0,2}")
    _require(article, out, name, "has an article that is not written as 188-3 or 345-1-2")
    _require(~out.duplicated(list(KEYS)), out, name, "stands twice")
    return out


def _require(good: Any, table: pd.DataFrame, name: str, what: str) -> None:
    bad = np.flatnonzero(~np.asarray(good, dtype=bool))
    if len(bad):
        cells = table.iloc[bad[0]].dropna()
        row = ", ".join(f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}"
                        for k, v in cells.items())  # fmt: skip
        raise SchemaError(f"{name}: row {bad[0] + 1} {what}: {row[:120] or 'an empty row'}.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Harm:
    """A table of harm made ready to look up.

    Attributes
    ----------
    name : str
    equal : bool
        Whether every event weighs 1.
    exact, least : mapping
        Article with its part -> days; (article, severity or None) -> the fewest days of its parts.
    category, outcome : mapping
    """

    name: str
    equal: bool
    exact: Mapping[str, float]
    least: Mapping[tuple[str, str | None], float]
    category: Mapping[str, float]
    outcome: Mapping[str, float]


def open_harm(harm: Any) -> Harm | None:
    """Take what a caller gives as `harm=`: a name, a path, a table, or None."""
    if harm is None:
        return None
    if isinstance(harm, str) and harm == EQUAL:
        return Harm(name=EQUAL, equal=True, exact={}, least={}, category={}, outcome={})
    if isinstance(harm, pd.DataFrame):
        table, name = _checked(harm, "the table", "minimum"), "the table given"
    else:
        table, name = harm_table(harm), f"the table {Path(harm).stem!r}"
    least: dict[tuple[str, str | None], float] = {}
    exact: dict[str, float] = {}
    named = table[table["article"].notna()]
    for whole, days, severity in zip(
        named["article"], named["days"], named["severity"], strict=True
    ):
        article, part = split_article(whole)
        exact[whole if part else article] = days
        for key in {(article, None), (article, severity if severity == severity else None)}:
            least[key] = min(days, least.get(key, np.inf))
    return Harm(
        name=name, equal=False, exact=exact, least=least,
        category=dict(table.dropna(subset=["category"])[["category", "days"]].to_numpy()),
        outcome=dict(table.dropna(subset=["outcome"])[["outcome", "days"]].to_numpy()),
    )  # fmt: skip


def weigh(
    harm: Harm, *, kind: str, category: pd.Series, article: pd.Series, severity: pd.Series,
    killed: Floats, injured: Floats,
) -> tuple[Floats, tuple[str, ...]]:  # fmt: skip
    """Return the days of each event, NaN where nothing tells them, and what to say about it.

    An accident weighs its dead and each of its injured; where these are not told, its severity,
    and one with a pedestrian one injured. An offence weighs its article part; where the part is
    not told, the least of the parts of its severity, else of all; without an article, its category.
    """
    size = len(category)
    if harm.equal:
        return np.ones(size), ("harm is 1 for every event",)
    days = np.full(size, np.nan)
    counts = {}
    if kind == "accident":
        days = _accidents(harm, category, severity, killed, injured)
        counts["the people hurt"] = int(np.isfinite(days).sum())
    exact, least = _by_article(harm, article, severity)
    by_category = category.map(dict(harm.category)).to_numpy(dtype=np.float64, na_value=np.nan)
    by_category = np.where(article.notna(), np.nan, by_category)
    for source, found in (("the article", exact), ("the least part of the article", least),
                          ("the category", by_category)):  # fmt: skip
        open_ = np.isnan(days) & np.isfinite(found)
        days = np.where(open_, found, days)
        counts[source] = int(open_.sum())
    said = ", ".join(f"{count:,} from {source}" for source, count in counts.items() if count)
    missing = int(np.isnan(days).sum())
    note = f"harm in days by {harm.name}: {said or 'none found'}"
    return days, (note, *((f"harm is missing for {missing:,} events",) if missing else ()))


def severity_of(article: pd.Series, severity: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    """Fill a severity that is not told from the article part, by art. 11 of the Criminal Code."""
    lost = severity.isna() & article.notna()
    if not lost.any():
        return severity, ()
    known = harm_table("kz")[["article", "severity"]].dropna().set_index("article")["severity"]
    which, names = pd.factorize(article)
    words = pd.Series([*known.reindex(names), None], dtype="str")
    found = severity.where(~lost, pd.Series(words.array.take(which)))
    told = int((found.notna() & lost).sum())
    return found, ((f"severity of {told:,} events from their article",) if told else ())


def _by_article(harm: Harm, article: pd.Series, severity: pd.Series) -> tuple[Floats, Floats]:
    """Return days by the very part, and by the least part where the part is not told."""
    which, names = pd.factorize(article)
    grave, severities = pd.factorize(severity)
    exact = np.full(len(names) + 1, np.nan)  # the last is for no article
    least = np.full((len(names) + 1, len(severities) + 1), np.nan)
    for number, whole in enumerate(names):
        name, part = split_article(whole)
        whole_article = harm.exact.get(name, np.nan)  # an article without parts
        exact[number] = harm.exact.get(whole, whole_article) if part else whole_article
        if part is None:
            of_all = harm.least.get((name, None), np.nan)
            least[number] = [
                *(harm.least.get((name, word), of_all) for word in severities), of_all
            ]  # fmt: skip
    return exact[which], least[which, grave]


def _accidents(
    harm: Harm, category: pd.Series, severity: pd.Series, killed: Floats, injured: Floats
) -> Floats:
    each = {outcome: harm.outcome.get(outcome, np.nan) for outcome in OUTCOMES}
    dead, hurt = np.nan_to_num(killed), np.nan_to_num(injured)
    deaths = np.select([dead >= 2, dead >= 1], [each["killed_more"], each["killed"]], 0.0)
    days = deaths + np.where(hurt > 0, hurt * each["injured"], 0.0)
    none = (dead == 0) & (hurt == 0)
    days = np.where(none, each["unhurt"], days)
    worst = {"fatal": each["killed"], "injury": each["injured"], "damage": each["unhurt"]}
    guess = severity.map(worst).to_numpy(dtype=np.float64, na_value=np.nan)
    on_foot = (category == "accident_pedestrian").to_numpy(dtype=bool) & np.isnan(guess)
    guess = np.where(on_foot, each["injured"], guess)
    # Nobody was hurt only where both say so: one zero alone leaves it open.
    return np.asarray(np.where(none & (np.isnan(killed) | np.isnan(injured)), guess, days))
