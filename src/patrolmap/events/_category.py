"""Kind of offence as one short stable word: from the Criminal Code article where it is known."""

import re

import pandas as pd

from patrolmap.events._columns import plain_name
from patrolmap.events._text import UNSEEN, as_text

# Articles of the Criminal Code of Kazakhstan (2014) -> word. Titles: the table of penalties.
ARTICLES = {
    "99": "violence",  # murder
    "106": "violence", "107": "violence", "108": "violence",  # grave, medium, slight harm
    "109": "violence", "110": "violence", "115": "violence",  # battery, torment, threat
    "120": "sexual", "121": "sexual",
    "125": "violence",  # kidnapping
    "187": "theft", "188": "theft", "188-1": "theft",  # petty theft, theft, livestock theft
    "190": "fraud",
    "191": "robbery", "192": "robbery",
    "194": "extortion",
    "200": "vehicle",  # taking a vehicle without theft
    "202": "damage", "294": "damage",  # damage to property, vandalism
    "293": "disorder",  # hooliganism
    "296": "drugs", "297": "drugs",
    "345": "traffic", "345-1": "traffic", "346": "traffic", "347": "traffic",
}  # fmt: skip

# Column -> its codes.
CODES = {
    "rta_type": {"0": "accident_vehicle", "1": "accident_pedestrian", "2": "accident_other"},
}

_ARTICLE = re.compile(r"^ст(?:\.|атья)?\s*(\d{2,3})(?:\s*-\s*(\d))?(?!\d)", re.IGNORECASE)
_CODE = re.compile(r"^0?(\d{2,3})(\d)$")
_NUMBERED = re.compile(r"\d{4,}|\d[./-]\d+[./-]\d")
LONGEST = 40
MOST = 300  # distinct texts beyond which a column holds free text, not kinds of offence


def categories(values: pd.Series | None, size: int, index: pd.Index) -> pd.Series:
    """Return a category a row: the article's word, else the source's own text in lower case.

    Texts with a date or a long number in them, and columns of free text, become "other".

    Examples
    --------
    >>> given = pd.Series(["ст.188 ч.3", "ст.191 ч.2", "ст.217 ч.1", "GRAFFITI ", None])
    >>> categories(given, 5, given.index).tolist()
    ['theft', 'robbery', 'article 217', 'graffiti', 'unknown']
    """
    if values is None:
        return pd.Series(["unknown"] * size, index=index, dtype="str")
    text = pd.Series(as_text(values).to_pandas(), index=index).astype("str")
    codes, distinct = pd.factorize(text)
    column = plain_name(values.name)
    found = [_word(value, column) for value in distinct]
    if len(set(found)) > MOST:
        found = ["other"] * len(found)
    words = pd.Series([*found, "unknown"], dtype="str")
    return pd.Series(words.array.take(codes), index=index, dtype="str")


def _word(value: str, column: str) -> str:
    if column in CODES and value in CODES[column]:
        return CODES[column][value]
    article = _ARTICLE.match(value) or (_CODE.match(value) if column == "crime_code" else None)
    if article:
        number, part = article.groups()
        name = str(int(number)) + (f"-{part}" if part not in (None, "0") else "")
        return ARTICLES.get(name, f"article {name}")
    if _NUMBERED.search(value):
        return "other"  # a date, a number of a case or a document: not a kind of offence
    return " ".join(UNSEEN.sub(" ", value).lower().split())[:LONGEST].strip() or "unknown"
