"""Cells of a source as messages and reports may show them: numbers and dates, never a name."""

import re
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.events._text import UNSEEN, short
from patrolmap.events.times.months import month_of

# Words of dates and coordinates; months are known by themselves.
_WORDS = frozenset(
    ("t", "z", "utc", "gmt", "am", "pm", "a", "p", "m", "e", "n", "s", "w", "с", "ю", "в", "з",
     "ш", "д", "сш", "юш", "вд", "зд", "г", "год", "года", "ж", "жыл", "жылы", "жылғы", "ч",
     "мин", "сағ", "st", "nd", "rd", "th", "nan", "nat", "inf", "null", "none", "na"),
)  # fmt: skip
_LONG = 11  # digits in a row from which a number may be a person's: telephone, IIN, case


def shown(value: Any, most: int = 40) -> str:
    """Write a cell in one short line if it holds a number or a date, else say only what it is.

    A row whose cells have shifted holds a name where its date should be.

    Examples
    --------
    >>> shown("32.13.2024 20:30"), shown("31 мая"), shown("76°56'E"), shown(None)
    ('32.13.2024 20:30', '31 мая', "76°56'E", 'nothing')
    >>> shown("Иванов Иван 85011"), shown("850115300123"), shown("+7 (701) 123-45-67")
    ('text of 17 letters', 'number of 12 digits', 'number of 11 digits')
    """
    text = short(value, most=max(most, 400))
    if text == "nothing":
        return text
    words = re.findall(r"[^\W\d_]+", text)
    if not all(word.casefold() in _WORDS or month_of(word) for word in words):
        length = len(UNSEEN.sub(" ", str(value)).strip())
        return f"text of {length} letter{'s' if length > 1 else ''}"
    closed = re.sub(r"(?<=\d)[\s()_-]+(?=[\d(])|[()]", "", text)
    if long := re.search(rf"(?<![\d.,])\d{{{_LONG},}}", closed):
        return f"number of {len(long[0])} digits"
    return short(text, most=most)


def shown_cells(values: pd.Series, at: np.ndarray[Any, Any]) -> list[str]:
    """Write the cells at these positions, each in one short line."""
    return [shown(value) for value in values.iloc[at].tolist()]
