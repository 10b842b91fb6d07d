"""A printed page in millimetres from its top left corner, in letters that keep Kazakh."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patrolmap._files import replacing
from patrolmap.output._text import named_file, one_line

WIDTH, HEIGHT, MARGIN = 297.0, 210.0, 9.0  # A4 across, folded in the middle
INK, GREY = "#000000", "#666666"
_FONT = "DejaVu Sans"
_POINTS = 72 / 25.4  # in a millimetre
_CAPITALS = 0.73  # height of a capital, em
_STYLE = {
    "font.family": _FONT,
    "pdf.fonttype": 42,  # letters stay letters: searchable, and small
    "text.parse_math": False,  # a dollar in a street's name is a dollar
    "text.usetex": False,
    "axes.unicode_minus": False,
    "svg.fonttype": "path",  # a page shows Kazakh whatever letters the reader's machine has
    "svg.hashsalt": "patrolmap",  # equal maps, equal files
}


@dataclass(frozen=True, kw_only=True)
class Word:
    """One line of text on a page: where its baseline starts (mm), and how it looks."""

    x: float
    y: float
    text: str
    size: float
    bold: bool
    colour: str


class Page:
    """One sheet; every position and size is in millimetres, from the top left corner."""

    def __init__(self) -> None:
        from matplotlib.figure import Figure

        self.figure = Figure(figsize=(WIDTH / 25.4, HEIGHT / 25.4))
        self._words: list[Word] = []

    def text(
        self, x: float, y: float, text: object, size: float = 7.5, *, bold: bool = False,
        colour: str = INK, align: float = 0.0, width: float | None = None,
    ) -> None:  # fmt: skip
        """Write one line whose capitals stand around `y`.

        `align` is 0 where the text starts at `x`, 0.5 where its middle is there, 1 where it ends;
        `width` (mm) shortens it to fit.
        """
        words = printable(text)
        if width is not None:
            words = shorten(words, width, size, bold=bold)
        start = x - align * measure(words, size, bold=bold) if align else x
        base = y + 0.5 * _CAPITALS * size / _POINTS
        self._words.append(Word(x=start, y=base, text=words, size=size, bold=bold, colour=colour))

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle."""
        from matplotlib.patches import Rectangle

        corner = (x / WIDTH, 1 - (y + height) / HEIGHT)
        size = (width / WIDTH, height / HEIGHT)
        shape = Rectangle(corner, *size, color=colour, lw=0, transform=self.figure.transFigure)
        self.figure.add_artist(shape)

    def rule(self, y: float, x: float = MARGIN, end: float = WIDTH - MARGIN, **style: Any) -> None:
        """Draw a horizontal line."""
        from matplotlib.lines import Line2D

        style = {"color": INK, "lw": 0.4, **style}
        xs, ys = [x / WIDTH, end / WIDTH], [1 - y / HEIGHT] * 2
        self.figure.add_artist(Line2D(xs, ys, transform=self.figure.transFigure, **style))

    def axes(self, x: float, y: float, width: float, height: float) -> Any:
        """Return axes for a map that fill the rectangle."""
        place = (x / WIDTH, 1 - (y + height) / HEIGHT, width / WIDTH, height / HEIGHT)
        ax = self.figure.add_axes(place)
        ax.set(xticks=[], yticks=[])
        return ax

    def finish(self) -> Any:
        """Return the figure with its words on it."""
        self.figure.add_artist(_words_artist(tuple(self._words), self.figure))
        return self.figure


def _words_artist(words: tuple[Word, ...], figure: Any) -> Any:
    """Return an artist that writes many words: matplotlib's own lays each out twice, slowly."""
    from matplotlib.artist import Artist

    class Words(Artist):
        def draw(self, renderer: Any) -> None:
            to_pixels = figure.transFigure
            for word in words:
                x, y = to_pixels.transform((word.x / WIDTH, 1 - word.y / HEIGHT))
                gc = renderer.new_gc()
                gc.set_foreground(word.colour)
                if renderer.flipy():
                    y = renderer.height - y
                renderer.draw_text(gc, x, y, word.text, _font(word.size, word.bold), 0)
                gc.restore()

    artist = Words()
    artist.set_zorder(10)
    return artist


@contextmanager
def printing() -> Iterator[None]:
    """Set how matplotlib writes, for as long as pages are drawn."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


@contextmanager
def book(path: str | Path, title: str, subject: str) -> Iterator[Any]:
    """Open a PDF to which pages are added; it takes its place when all are in.

    The file carries no time of writing, so that equal plans make equal files.
    """
    from matplotlib.backends.backend_pdf import PdfPages

    about: dict[str, str | None] = {
        "Title": title,
        "Creator": "patrolmap",
        "Subject": subject,
    }
    about |= {"CreationDate": None, "ModDate": None}
    with (
        printing(),
        replacing(named_file(path)) as draft,
        PdfPages(draft, metadata=about) as pdf,
    ):
        yield pdf


def printable(text: object) -> str:
    """Return text on one line; signs that the font lacks become a box with a question mark."""
    known = _letters()
    return "".join(c if ord(c) in known else "\N{REPLACEMENT CHARACTER}" for c in one_line(text))


def wrapped(text: str, width: float, size: float, most: int, *, bold: bool = False) -> list[str]:
    """Break text between words into at most so many lines; the last is cut with dots.

    Examples
    --------
    >>> wrapped("one two three", 14.0, 8, 2), wrapped("one two three", 9.0, 8, 2)
    (['one two', 'three'], ['one', 'two…'])
    """
    lines: list[str] = []
    words = printable(text).split()
    while words and len(lines) < most - 1:
        n = 1
        while n < len(words) and measure(" ".join(words[: n + 1]), size, bold=bold) <= width:
            n += 1
        lines.append(shorten(" ".join(words[:n]), width, size, bold=bold))
        words = words[n:]
    return [*lines, shorten(" ".join(words), width, size, bold=bold)] if words else lines


def shorten(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Cut text with dots so that it fits a width in millimetres at a size in points."""
    if measure(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle] + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def measure(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text prints (mm), pairs of letters not drawn together."""
    widths = _widths(bold)
    return sum(widths.get(c, 0.6) for c in text) * size / _POINTS


@functools.cache
def _font(size: float, bold: bool) -> Any:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=_FONT, size=size, weight="bold" if bold else "normal")


@functools.cache
def _widths(bold: bool) -> dict[str, float]:
    """Return how far each letter of the font moves the next one (em)."""
    from matplotlib.font_manager import findfont, get_font
    from matplotlib.ft2font import LoadFlags

    font = get_font(findfont(_font(10, bold)))
    font.set_size(100, 72)
    out = {}
    for code in font.get_charmap():
        if code < 0x3000:
            glyph = font.load_char(code, flags=LoadFlags.NO_HINTING)
            out[chr(code)] = glyph.linearHoriAdvance / 65536 / 100
    return out


@functools.cache
def _letters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(_font(10, False))).get_charmap())
