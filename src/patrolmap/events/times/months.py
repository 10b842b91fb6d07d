"""Dates that name their month, or are written without separators, put into plain digits."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from patrolmap.events._text import fold

# Month by month: words as they stand, and stems that an ending of Russian or Kazakh may follow.
_WORDS = (
    "january jan янв қаң кан", "february feb фев февр ақп акп", "march mar мар нау",
    "april apr апр сәу сау", "may май мая мае мам", "june jun июн мау", "july jul июл шіл шил",
    "august aug авг там", "september sept sep сен сент қыр кыр", "october oct окт қаз каз",
    "november nov ноя нояб қар кар", "december dec дек жел",
)  # fmt: skip
_STEMS = (
    "январ қаңтар кантар", "феврал ақпан акпан", "март наурыз", "апрел сәуір сауир", "мамыр",
    "июн маусым", "июл шілде шилде", "август тамыз", "сентябр қыркүйек кыркуйек",
    "октябр қазан казан", "ноябр қараша караша", "декабр желтоқсан желтоксан",
)  # fmt: skip
_ENDINGS = ("", "ь", "я", "е", "а", "да", "де", "та", "те", "дағы", "дегі", "тағы", "тегі",
            "ның", "нің", "дың", "дің", "тың", "тің")  # fmt: skip

_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th|-?го|-?е)?"
_MONTH = r"(?P<m>\p{L}{3,12})\.?"
_YEAR = r"(?P<y>\d{4})(?:\s*(?:года|год|г\.?|жылғы|жылы|жыл|ж\.?))?"
_WEEKDAY = r"^(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_REST = r"[\s,]*(?:в\s+|at\s+|сағат\s+|сағ\.?\s*)?(?P<rest>\d.*)?$"
FORMS = (
    _WEEKDAY + _DAY + r"[\s./-]+" + _MONTH + r"[\s,./-]+" + _YEAR + _REST,  # 1 мая 2024 г. 12:00
    r"^" + _DAY + r"-" + _MONTH + r"-(?P<y>\d\d)(?:\s+(?P<rest>\d.*))?$",  # 01-MAY-24
    _WEEKDAY + _MONTH + r"[\s-]+" + _DAY + r"(?:\s*,\s*|[\s-]+)" + _YEAR + _REST,  # May 1, 2024
    r"^" + _YEAR + r"[\s,.-]+" + _DAY + r"[\s.-]+" + _MONTH + _REST,  # 2024 ж. 1 мамыр
    r"^" + _YEAR + r"[\s./-]+" + _MONTH + r"[\s./-]+" + _DAY + _REST,  # 2024-May-01
    r"^" + _MONTH + r"[\s,]+" + _YEAR + r"$",
    r"^" + _YEAR + r"\s+" + _MONTH + r"$",
    r"^(?P<d>\d{1,2})\.(?P<n>\d{1,2})\." + _YEAR + _REST,  # 01.05.2024 г. в 12:00
    r"^(?P<y>\d{4})(?P<n>\d\d)(?P<d>\d\d)(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)$",
    r"^(?P<y>\d{4})(?P<n>\d\d)(?P<d>\d\d)T(?P<H>\d\d):?(?P<M>\d\d)(?::?(?P<S>\d\d))?"
    r"(?P<z>[Zz]|[+-]\d\d:?\d\d)?$",
)


@cache
def month_of(word: str) -> int | None:
    """Return the month that a word names in English, Russian or Kazakh.

    Examples
    --------
    >>> [month_of(word) for word in ("May", "мая", "МАМЫРДА", "Sept", "желтоқсан", "Марина")]
    [5, 5, 5, 9, 12, None]
    """
    folded = fold(word)
    for month, (words, stems) in enumerate(zip(_WORDS, _STEMS, strict=True), start=1):
        if folded in words.split():
            return month
        for stem in stems.split():
            if folded.startswith(stem) and folded[len(stem) :] in _ENDINGS:
                return month
    return None


def in_digits(text: Any) -> Any:
    """Write dates that name their month, or run together, as 2024-05-01 12:00.

    Parameters
    ----------
    text
        An Arrow array of text.

    Returns
    -------
    Arrow array
        Null where the text is no such date.

    Examples
    --------
    >>> in_digits(pa.array(["1 мая 2024 г. 12:00", "20240501120000", "soon"])).to_pylist()
    ['2024-05-1 12:00', '2024-05-01 12:00:00', None]
    """
    import pyarrow.compute as pc

    out = pa.nulls(len(text), type=text.type)
    for form in FORMS:
        if out.null_count == 0 and len(out):
            break
        found = pc.extract_regex(text, form)
        if found.null_count < len(found):
            parts = {
                field.name: pc.fill_null(pc.struct_field(found, field.name), "")
                for field in found.type
            }
            good = pc.and_(pc.is_valid(found), pc.is_null(out))
            out = pc.if_else(good, _joined(parts, text.type), out)
    return out


def _joined(parts: dict[str, Any], text: Any) -> Any:
    """Join the parts of dates, null where a word is no month."""
    import pyarrow.compute as pc

    def join(between: str, *pieces: Any) -> Any:
        return pc.binary_join_element_wise(*pieces, pa.scalar(between, type=text))

    month = parts["n"] if "n" in parts else _months(parts["m"], text)
    if "d" not in parts:
        return join("-", parts["y"], month)
    date = join("-", parts["y"], month, parts["d"])
    if "rest" in parts:  # two digits of a year are told from a day in 1.05.24
        short_year = pc.equal(pc.utf8_length(parts["y"]), 2)
        date = pc.if_else(short_year, join(".", parts["d"], month, parts["y"]), date)
        return pc.utf8_rtrim_whitespace(join(" ", date, parts["rest"]))
    second = pc.if_else(pc.equal(parts["S"], ""), pa.scalar("00", type=text), parts["S"])
    whole = join(" ", date, join(":", parts["H"], parts["M"], second))
    return join("", whole, parts["z"]) if "z" in parts else whole


def _months(words: Any, text: Any) -> Any:
    codes, distinct = pd.factorize(np.asarray(words.to_pandas()))
    numbers = [month_of(word) for word in distinct]
    table = pa.array([None if n is None else f"{n:02d}" for n in numbers], type=text)
    return table.take(pa.array(codes))
