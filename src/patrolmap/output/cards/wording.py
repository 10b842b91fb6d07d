"""What cards say, in the reader's language: texts, numbers, street names made short."""

import numpy as np
import pandas as pd

from patrolmap.output._legs import AT_CAR
from patrolmap.output._text import one_line
from patrolmap.output._words import words

TURNS = {"left": "←", "right": "→", "straight": "↑", "back": "↩", "start": "●"}
NAMELESS = "○"  # a way without a name, where a line has no room for its kind
_UNNAMED = "unnamed "
_SHORT = {  # words of street names that everyone reads when they are cut
    "street": "St", "avenue": "Ave", "road": "Rd", "boulevard": "Blvd", "lane": "Ln",
    "drive": "Dr", "улица": "ул.", "проспект": "пр.", "переулок": "пер.", "бульвар": "бул.",
    "шоссе": "ш.", "площадь": "пл.", "микрорайон": "мкр.", "набережная": "наб.", "көшесі": "к.",
    "даңғылы": "даң.", "бульвары": "бул.", "алаңы": "ал.", "ықшамауданы": "ы.а.", "тұйығы": "тұй.",
    "жағалауы": "жаға.",
}  # fmt: skip


class Words:
    """The texts of one language: those of cards, and those that cards and the map share."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._own, self._shared = words(lang, "cards"), words(lang, "map")

    def __call__(self, text: str, **holes: object) -> str:
        """Return a text in the language, its holes filled."""
        said = self._own.gettext(text)
        if said == text:
            said = self._shared.gettext(text)
        return said.format(**holes) if holes else said

    def count(self, one: str, many: str, n: int, **holes: object) -> str:
        """Return a text in the form that goes with a number."""
        said = self._own.ngettext(one, many, n)
        if said in (one, many):
            said = self._shared.ngettext(one, many, n)
        return said.format(n=self.number(n), **holes)

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number with the language's decimal sign; thousands stand apart by a space."""
        text = f"{value:,.{decimals}f}"
        if self.lang == "en":
            return text
        return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")

    def metres(self, length: float) -> str:
        """Write a length as a card shows it."""
        if length < 995:
            return f"{self.number(length)} {self('m')}"
        return f"{self.number(length / 1000, 1)} {self('km')}"

    def minutes(self, begin: pd.Timestamp, end: pd.Timestamp) -> str:
        """Write how long a crew stands, in begun minutes; nothing where that is none."""
        n = int(np.ceil((end - begin) / pd.Timedelta("1min")))
        return self("{n} min", n=n) if n else ""

    def share(self, part: float, decimals: int = 1) -> str:
        """Write a share in per cent, or a dash where there is none."""
        return "–" if not np.isfinite(part) else f"{self.number(100 * part, decimals)} %"

    def place(self, name: str) -> str:
        """Return the name of a street; ways without one are told by their kind."""
        told = is_nameless(name) or name in ("on the route", AT_CAR)
        return self(name) if told else name

    def short(self, name: str) -> str:
        """Return the name of a street as it stands on a line with others."""
        if is_nameless(name):
            return self(name.removeprefix(_UNNAMED))
        return shortened(self.place(name))

    def corner(self, name: str) -> str:
        """Return the name of a corner, which is called by its streets, with each made short."""
        return " / ".join(self.short(street) for street in name.split(" / "))

    def word(self, name: str) -> str:
        """Return a word of the tables, such as an activity, in the language."""
        return self(one_line(name).replace("_", " "))


def is_nameless(name: str) -> bool:
    """Say whether this is no name but tells what kind of way has none."""
    return name.startswith(_UNNAMED)


def shortened(name: str) -> str:
    """Cut the words of a street's name that say what kind of street it is.

    Examples
    --------
    >>> shortened("Бөгенбай батыр көшесі"), shortened("улица Набережная"), shortened("Avenue")
    ('Бөгенбай батыр к.', 'ул. Набережная', 'Avenue')
    """
    words = name.split()
    for at in (0, -1) if len(words) > 1 else ():
        cut = _SHORT.get(words[at].lower())
        if cut is not None:
            words[at] = cut
            break  # "улица Набережная" keeps its name
    return " ".join(words)
