"""How a card's rows are set: one A4 page that folds to A5 and to A6, for a shirt pocket.

The left half holds crew, map and what to look for, the right half the legs. The letters are as
large as the legs allow; where even the smallest have no room for each, short neighbours share a
line. Only a shift whose rows cannot be brought onto the page goes on overleaf.
"""

import functools
from dataclasses import dataclass

from patrolmap.output._page import MARGIN, WIDTH, measure, printable
from patrolmap.output.cards.rows import Row, fitted, squeezed, text_of
from patrolmap.output.cards.wording import NAMELESS, Words

HALF = WIDTH / 2
INNER = HALF - 2 * MARGIN
TOP, FOOT = 17.0, 193.0  # mm; where rows begin and end
GAP = 4.0  # between columns
_SMALLER = 0.88
NUMBER, CLOCK, TURN, TEXT, AMOUNT = 4.6, 6.0, 15.6, 18.0, 10.0  # mm at size 7


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Size of letters (points), height of a row (mm) and columns of each half page."""

    size: float
    pitch: float
    columns: int

    @property
    def per_half(self) -> int:
        """Rows that one half page takes."""
        return self.columns * int((FOOT - TOP) / self.pitch + 1e-9)

    @property
    def width(self) -> float:
        """Width of a column (mm)."""
        return (INNER - GAP * (self.columns - 1)) / self.columns

    @property
    def scale(self) -> float:
        """How much wider than at size 7 the parts of a row are."""
        return self.size / 7.0

    @property
    def room(self) -> float:
        """Width for the text of a row (mm)."""
        return self.width - (TEXT + AMOUNT) * self.scale

    def text_of(self, row: Row, say: Words) -> str:
        """Write a row, its street names cut short where that is needed."""
        text, bold = text_of(row, say), not row.moving
        if row.legs == 1 and measure(printable(text), self.size, bold=bold) <= self.room:
            return text
        text = text_of(row, say, short=True)
        if measure(printable(text), _SMALLER * self.size, bold=bold) <= self.room:
            return text
        return text_of(row, say, terse=True)

    def size_of(self, text: str, *, bold: bool = False) -> float:
        """Return the size of a row's letters: a little smaller where the text is a little long."""
        wide = measure(printable(text), self.size, bold=bold)
        return self.size * max(_SMALLER, min(1.0, (self.room - 0.01) / wide if wide else 1.0))


SETTINGS = (
    Setting(size=8.6, pitch=5.6, columns=1),
    Setting(size=7.6, pitch=5.0, columns=2),
    Setting(size=6.9, pitch=4.2, columns=2),
    Setting(size=6.4, pitch=3.5, columns=2),
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The rows of a card as they are printed."""

    rows: tuple[Row, ...]
    setting: Setting

    @property
    def numbered(self) -> list[tuple[int, Row]]:
        """The rows with their numbers."""
        return list(enumerate(self.rows, start=1))

    @property
    def front(self) -> list[tuple[int, Row]]:
        """Those on the first page, with their numbers."""
        return self.numbered[: self.setting.per_half]

    @property
    def overleaf(self) -> list[list[tuple[int, Row]]]:
        """Those overleaf by half page, as many halves as are needed; none where all have room."""
        rest, half = self.numbered[self.setting.per_half :], self.setting.per_half
        return [rest[i : i + half] for i in range(0, len(rest), half)]

    def rings(self, say: Words) -> bool:
        """Say whether some way without a name is written as a ring."""
        return any(NAMELESS in self.setting.text_of(row, say).split() for row in self.rows)


def laid_out(rows: list[Row], say: Words) -> Layout:
    """Choose the largest letters that let all rows stand on one page, or else put rows together."""
    for setting in SETTINGS:
        if len(rows) <= setting.per_half:
            return Layout(rows=tuple(rows), setting=setting)
    wide = functools.partial(_measured, size=_SMALLER * setting.size)
    room = setting.room - 0.02
    for terse in (False, True):
        one = fitted(rows, setting.per_half, room, wide, say, terse=terse)
        if len(one) <= setting.per_half:
            return Layout(rows=tuple(one), setting=setting)
    both = 3 * setting.per_half
    if len(rows) > both:
        rows = squeezed(fitted(rows, both, room, wide, say, terse=True), both)
    return Layout(rows=tuple(rows), setting=setting)


def _measured(text: str, *, size: float) -> float:
    return measure(printable(text), size)
