"""What was done: a category, one short stable word, and the article of the Criminal Code."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from patrolmap.events._columns import Roles, plain_name
from patrolmap.events._preset import Preset
from patrolmap.events._text import coded, fold, nothing, short
from patrolmap.events.rows.sieve import Ints
from patrolmap.schema import CATEGORIES

_RUSSIAN = re.compile(
    r"ст(?:\.|ать[яией]+)?\s*(\d{2,3})(?:\s*-\s*(\d{1,2}))?(?!\d)"
    r"(?:[\s,]*ч(?:\.|аст[ьи])?\s*(\d{1,2})(?!\d))?",
    re.IGNORECASE,
)
_KAZAKH = re.compile(r"(\d{2,3})(?:-(\d{1,2}))?-бап\w*(?:[\s,]*(\d{1,2})-б)?", re.IGNORECASE)
_BARE = re.compile(r"(\d{2,3})(?:\s*-\s*(\d{1,2}))?(?:[\s,]*ч(?:\.|аст[ьи])?\s*(\d{1,2}))?$")
_TIMES_TEN = re.compile(r"0?(\d{2,3})(\d)$")
_GENERAL_PART = 99  # articles below tell of no offence: attempt, complicity
_NOT_LETTERS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"\d{4,}|\d[./-]\d+[./-]\d")

FREE_TEXT = 20_000  # distinct texts beyond which a column tells stories, not kinds of offence
MOST = 300  # distinct unknown texts beyond which none of them is shown
REPEATED = 3  # rows in which a text must stand to be shown: what repeats itself is no name
SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Offences:
    """What was done in each row.

    Attributes
    ----------
    category : (n,) Series of str
    article : (n,) Series of str
        As in `patrolmap.schema.EVENTS`; missing where it is not told.
    notes : tuple of str
    """

    category: pd.Series
    article: pd.Series
    notes: tuple[str, ...]


def read_offences(table: pd.DataFrame, roles: Roles) -> Offences:
    """Read the category and the article of each row.

    A value is known by the codes of the preset, else as an article of the Criminal Code, else by
    the pieces of text that tell a category; what nothing tells is "other".

    Examples
    --------
    >>> from patrolmap.events._columns import find_roles
    >>> from patrolmap.events._preset import load_preset
    >>> table = pd.DataFrame(
    ...     {"type": ["ст.188 ч.3", "191-бап 2-бөлік", "Burglary: dwelling", "GRAFFITI ", None]})
    >>> found = read_offences(table, find_roles(table, None, load_preset("generic")))
    >>> found.category.tolist()
    ['theft', 'robbery', 'burglary', 'damage', 'unknown']
    >>> found.article.dropna().tolist()
    ['188-3', '191-2']
    """
    preset, column = roles.preset, roles.get("category")
    size = len(table)
    if column is None:
        word = preset.category or "unknown"
        category = np.full(size, CATEGORIES.index(word), dtype=np.int64)
        article = nothing(size)
        notes = [f"category {word}: no column"]
    else:
        codes, texts = coded(table[column])
        words, articles = _known(texts, "category", column, preset)
        coded_as = preset.codes_of("category", column)
        category = np.array([*words, CATEGORIES.index(preset.category or "unknown")])[codes]
        article = _taken(articles, codes)
        notes = [f"category from {column!r}", *_untold(codes, texts, words, articles, coded_as)]
    for other in roles.all("article"):
        if other != column:
            codes, texts = coded(table[other])
            words, articles = _known(texts, "article", other, preset)
            vague = np.isin(category, [CATEGORIES.index(w) for w in ("unknown", "other")])
            told = np.array([*(w != CATEGORIES.index("other") for w in words), False])[codes]
            category = np.where(vague & told, np.array([*words, 0])[codes], category)
            article = article.where(article.notna(), _taken(articles, codes))
    if article.notna().any():
        named = ", ".join(map(repr, dict.fromkeys(roles.all("article")[:2]))) or repr(column)
        notes += [f"article of {int(article.notna().sum()):,} rows from {named}"]
    words_of = pd.Series(CATEGORIES, dtype="str")
    return Offences(
        category=pd.Series(words_of.array.take(category)), article=article, notes=tuple(notes)
    )


def split_article(whole: str) -> tuple[str, int | None]:
    """Return the article and its part, None where that is not told.

    Examples
    --------
    >>> split_article("188-3"), split_article("345-1-2"), split_article("188-1-0")
    (('188', 3), ('345-1', 2), ('188-1', None))
    """
    number, *rest = whole.split("-")
    name = "-".join([number, *rest[:-1]])
    return name, (int(rest[-1]) or None) if rest else None


def _joined(number: str, minor: str | None, part: str | None) -> str:
    """Write an article; part 0 where a part would otherwise be taken for what it is not."""
    hyphen = minor not in (None, "", "0")
    pieces = [str(int(number)), *([str(minor)] if hyphen else [])]
    return "-".join([*pieces, *([part] if part else ["0"] if hyphen else [])])


def find_article(text: str, *, role: str, column: str, preset: Preset) -> str | None:
    """Read an article of the Criminal Code out of a text.

    Examples
    --------
    >>> from patrolmap.events._preset import load_preset
    >>> how = {"role": "category", "column": "stat", "preset": load_preset("generic")}
    >>> [find_article(text, **how) for text in ("ст. 345-1 ч.2", "ст.24 ч.3, ст.188 ч.2", "ст.99")]
    ['345-1-2', '188-2', '99']
    """
    plain = plain_name(column)
    if plain in preset.article_codes and (code := _TIMES_TEN.match(text)):
        return _joined(code[1], code[2], None)
    if role == "article":
        if plain == "article" and (ours := re.match(r"\d{2,3}(-\d{1,2}){0,2}$", text)):
            return str(ours[0])
        if bare := _BARE.match(text):
            return _joined(bare[1], bare[2], bare[3])
    for pattern in (_RUSSIAN, _KAZAKH):
        if pattern.match(text):
            named = list(pattern.finditer(text))
            best = next((m for m in named if int(m[1]) >= _GENERAL_PART), named[0])
            return _joined(best[1], best[2], best[3])
    return None


def tell_category(text: str, words: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """Return the category that the pieces of a text tell, the first that fits; else "other".

    Examples
    --------
    >>> tell_category("Theft from vehicle", [("vehicle", ("vehicle+theft+!theft from",)),
    ...                                      ("theft", ("theft",))])
    'theft'
    """
    padded = f" {_NOT_LETTERS.sub(' ', text.casefold().replace('ё', 'е')).strip()} "
    for word, pieces in words:
        for piece in pieces:
            if all(
                part[1:] not in padded if part.startswith("!") else part in padded
                for part in piece.split("+")
            ):
                return word
    return "other"


def _known(
    texts: list[str], role: str, column: str, preset: Preset
) -> tuple[list[int], list[str | None]]:
    """Return the number of the category and the article of each distinct text."""
    codes: Mapping[str, str] = preset.codes_of("category", column)
    wordy = len(texts) <= FREE_TEXT and role == "category"
    words, articles = [], []
    for text in texts:
        folded = fold(text)
        article = find_article(text, role=role, column=column, preset=preset)
        word = codes.get(folded) or (folded if folded in CATEGORIES else None)
        if word is None and article is not None:
            word = preset.articles.get(split_article(article)[0], "other")
        if word is None:
            word = tell_category(text, preset.words) if wordy else "other"
        words.append(CATEGORIES.index(word))
        articles.append(article)
    return words, articles


def _taken(articles: list[str | None], codes: Ints) -> pd.Series:
    values = pd.Series([*articles, None], dtype="str")
    return pd.Series(values.array.take(codes))


def _untold(
    codes: Ints,
    texts: list[str],
    words: list[int],
    articles: list[str | None],
    coded_as: Mapping[str, str],
) -> list[str]:
    """Say how many rows are "other", and their most common texts where these are no secrets."""
    if len(texts) > FREE_TEXT:
        return [f"{len(texts):,} different texts: free text, no kinds of offence"]
    other = CATEGORIES.index("other")
    at = [n for n, (w, text) in enumerate(zip(words, texts, strict=True))
          if w == other and fold(text) not in ("other", *coded_as)]  # fmt: skip
    if not at:
        return []
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    rows = int(counts[at].sum())
    said = f"{rows:,} rows told by no code, article or word are 'other'"
    common = sorted(at, key=lambda n: (-counts[n], texts[n]))
    safe = [
        (f"article {articles[n]}" if articles[n] else repr(short(fold(texts[n]), most=24)), n)
        for n in common
        if articles[n] or (counts[n] >= REPEATED and not _NUMBERED.search(texts[n]))
    ]
    if len(at) > MOST or not safe:
        return [said]
    named = ", ".join(f"{text} {int(counts[n]):,}" for text, n in safe[:SHOWN])
    rest = len(at) - min(len(safe), SHOWN)
    return [f"{said}: {named}" + (f" and {rest:,} more" if rest else "")]
