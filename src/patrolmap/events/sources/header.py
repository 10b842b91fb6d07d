"""Where a table's header stands, whether there is one, and which language it is in."""

import re
from collections.abc import Iterable, Sequence

LOOK = 40  # rows among which the header is looked for
FILLED = 0.6  # share of the widest row's cells that a header fills

_DATA = re.compile(
    r"^([+-]?[\d \u00a0]*[.,]?\d+|null|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}([ T].*)?|\d{1,2}:\d\d.*)$",
    re.IGNORECASE,
)
_ENGLISH = frozenset(
    ("date", "time", "type", "category", "crime", "offense", "offence", "lon", "lat",
     "longitude", "latitude", "address", "occurred", "status", "kind", "street",
     "description", "number", "location", "start", "end", "year", "month", "day", "code"),
)  # fmt: skip
_KAZAKH_WORDS = frozenset(("санат", "бойлық", "ендік", "уақыты", "түрі", "күні"))


def find_header(rows: Sequence[Sequence[str]]) -> int | None:
    """Return which row holds the names of columns: titles above it fill few cells.

    Examples
    --------
    >>> find_header([["Report for May", "", ""], [], ["date", "lon", "lat"], ["1", "2", "3"]])
    2
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows[:LOOK]]
    widest = max(filled, default=0)
    if widest == 0:
        return None
    least = max(FILLED * widest, min(2, widest))
    return next(at for at, count in enumerate(filled) if count >= least)


def is_data(cells: Sequence[str]) -> bool:
    """Tell a row of values from a row of names.

    Examples
    --------
    >>> is_data(["1", "188", "28.01.2016 00:00", "ст.188 ч.1", "220375.6"])
    True
    >>> is_data(["id", "lon", "lat", "2024"])
    False
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    hits = sum(_DATA.match(cell) is not None for cell in filled)
    return len(filled) >= 2 and 2 * hits >= len(filled)


def is_numbering(cells: Sequence[str]) -> bool:
    """Tell the row `1, 2, 3, ...` that official forms have below their header.

    Examples
    --------
    >>> is_numbering(["1", "2", "3", "4"]), is_numbering(["1", "76.9", "43.2", "4"])
    (True, False)
    """
    filled = [cell.strip() for cell in cells]
    return len(filled) >= 4 and filled == [str(number + 1) for number in range(len(filled))]


def name_columns(cells: Sequence[str], header: Sequence[str] | None) -> tuple[list[str], bool]:
    """Return the names of columns and whether `cells` are names.

    Where they are values, `header` lends its names if it has as many, else columns are called by
    their place.

    Examples
    --------
    >>> name_columns(["Date ", "lon", "lon"], None)
    (['Date', 'lon', 'lon (2)'], True)
    >>> name_columns(["28.01.2016", "76.9", "43.2"], None)
    (['column 1', 'column 2', 'column 3'], False)
    """
    if not is_data(cells):
        return unique([" ".join(cell.split()) for cell in cells]), True
    if header and len(header) == len(cells):
        return unique(header), False
    return [f"column {number}" for number in range(1, len(cells) + 1)], False


def no_header_note(names: Sequence[str], header: Sequence[str] | None) -> str:
    """Say what stands for the header that is missing."""
    if header and list(names) == unique(header):
        return f"no header line: its {len(names)} columns are named as the preset lists them"
    return (
        f"no header line: columns are called 'column 1' to 'column {len(names)}'; say what they "
        "hold with columns={'date': 'column 1', ...}"
    )


def unique(names: Iterable[str]) -> list[str]:
    """Number the names that stand twice, so that each is a column of its own."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out if len(set(out)) == len(out) else [f"{n} #{i}" for i, n in enumerate(out, 1)]


def language(names: Iterable[object]) -> str | None:
    """Tell the language of column names: Kazakh, Russian or English, None where they are codes.

    Examples
    --------
    >>> [language(names) for names in (["Күні", "бойлық"], ["Дата", "lon"], ["Date"], ["F1"])]
    ['Kazakh', 'Russian', 'English', None]
    """
    words = re.findall(r"[^\W\d_]+", " ".join(str(name) for name in names).casefold())
    if any(re.search("[әғқңөұүһі]", word) or word in _KAZAKH_WORDS for word in words):
        return "Kazakh"
    if any(re.search("[а-яё]", word) for word in words):
        return "Russian"
    return "English" if _ENGLISH.intersection(words) else None
