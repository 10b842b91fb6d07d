"""The axes of a picture: one scale, what goes round the map, and a legend beside it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patrolmap.output._cardmap import Box, CardMap
from patrolmap.output._page import measure, printable, shorten, wrapped
from patrolmap.output._style import CARD, INK, MUTED, PAPER
from patrolmap.output.cards.wording import Words

_MM = 25.4
_MAP, _LEAST, _MOST = 150.0, 95.0, 190.0  # mm: width, least and greatest height
_LEGEND, _EDGE, _HEAD, _FOOT = 64.0, 3.0, 8.0, 6.0  # mm round the map
_TEXT = 44.0  # mm of words in a line of the legend


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the legend: a heading, a note, or words beside swatches, the later on top."""

    text: str
    swatch: tuple[Any, ...] = ()
    heading: bool = False


class Sheet:
    """Axes that show a piece of ground, and the legend that grows as layers are drawn."""

    def __init__(self, ax: Any, ground: Box, say: Words, *, official: bool) -> None:
        self.ax = ax
        self.say = say
        box = self.ax.get_window_extent()
        dots = self.ax.get_figure().get_dpi() / _MM
        self.sketch = CardMap(self.ax, (box.width / dots, box.height / dots), ground)
        self.ax.set_aspect("equal", adjustable="box")
        self.ax.set(xticks=[], yticks=[], xlabel="", ylabel="", facecolor=PAPER)
        for spine in self.ax.spines.values():
            spine.set(color=MUTED, linewidth=0.6)
        self._rows: list[Row] = []
        self._corners()
        if official:
            self._mark()

    @property
    def metres(self) -> float:
        """Metres of ground on a millimetre of paper."""
        return self.sketch.metres

    @property
    def grow(self) -> float:
        """How much wider than on a map of 12 m to a millimetre lines are drawn."""
        return float(min(max((12 / self.metres) ** 0.5, 0.45), 1.6))

    def _corners(self) -> None:
        """Keep room for the scale bar and north."""
        x0, y0, x1, _ = self.sketch.view
        along = np.arange(0.0, 26.0, 2.0) * self.metres
        self.sketch.taken += [(x0 + at, y0 + 3 * self.metres, 2 * self.metres) for at in along]
        self.sketch.taken.append((x1 - 4 * self.metres, y0 + 6 * self.metres, 4 * self.metres))

    def _mark(self) -> None:
        """Say at the top that this is for official use only, and keep the room."""
        text, size = printable(self.say("For official use only")), 7.5
        self.ax.text(
            0.5, 0.988, text, transform=self.ax.transAxes, ha="center", va="top", fontsize=size,
            fontweight="bold", color="white", zorder=9.5,
            bbox={"boxstyle": "square,pad=0.35", "fc": INK, "ec": "none"},
        )  # fmt: skip
        x0, _, x1, y1 = self.sketch.view
        half = measure(text, size, bold=True) / 2 + 2
        along = (x0 + x1) / 2 + np.arange(-half, half, 2.0) * self.metres
        self.sketch.taken += [(at, y1 - 3 * self.metres, 3 * self.metres) for at in along.tolist()]

    def heading(self, text: str, note: str = "") -> None:
        """Begin a group of the legend."""
        self._rows += [Row(text="")] if self._rows else []
        self._rows.append(Row(text=shorten(printable(text), _TEXT + 8, 7.5), heading=True))
        self.note(note)

    def note(self, text: str) -> None:
        """Add small words to the legend."""
        self._rows += [Row(text=line) for line in wrapped(text, _TEXT + 10, 6.5, 5)]

    def crew(self, number: int, shift: str, crew: int, length: float, *swatch: Any) -> None:
        """Add a route to the legend; where that is too long, its shift's name is cut."""
        say = self.say

        def told(name: str) -> str:
            who = say("{shift} · crew {n}", shift=name, n=crew)
            return f"{number}. {who}, {say.metres(length)}"

        name = printable(shift)
        over = measure(told(name), 7) - _TEXT
        if over > 0:
            name = shorten(name, max(measure(name, 7) - over, 4.0), 7)
        self.entry(told(name), *swatch)

    def entry(self, text: str, *swatch: Any) -> None:
        """Add a line to the legend; of several swatches the later lie on the earlier."""
        self._rows.append(Row(text=shorten(printable(text), _TEXT, 7), swatch=swatch))

    def finish(self, *, title: str, credit: str) -> Any:
        """Add the legend, the title, scale bar and north, the credit; return the axes."""
        say, ax = self.say, self.ax
        across = self.sketch.view[2] - self.sketch.view[0]
        ax.set_title(
            shorten(printable(title), across / self.metres, 9), loc="left", fontsize=9, color=INK,
        )  # fmt: skip
        if credit:
            ax.text(
                1.0, -0.008, shorten(printable(credit), across / self.metres, 6),
                transform=ax.transAxes, ha="right", va="top", fontsize=6, color=MUTED,
            )  # fmt: skip
        self.sketch.furniture((say("m"), say("km")), say("N"))
        if self._rows:
            self._legend()
        return ax

    def _legend(self) -> None:
        from matplotlib.lines import Line2D

        blank = Line2D([], [], linestyle="none")
        handles = [row.swatch or (blank,) for row in self._rows]
        legend = self.ax.legend(
            handles, [row.text for row in self._rows], loc="upper left", bbox_to_anchor=(1.0, 1.0),
            borderaxespad=0.6, fontsize=7, handlelength=1.9, handletextpad=0.6, labelspacing=0.42,
            frameon=False, facecolor=CARD,
        )  # fmt: skip
        for text, row in zip(legend.get_texts(), self._rows, strict=True):
            text.set(color=INK if row.swatch or row.heading else MUTED)
            if row.heading:
                text.set(fontweight="bold", fontsize=7.5)
            elif not row.swatch:
                text.set_fontsize(6.5)
            if not row.text:
                text.set_fontsize(2)
        for line, row in zip(_lines_of(legend), self._rows, strict=True):
            line.get_children()[0].set_visible(bool(row.swatch))  # else words begin at the left


def _lines_of(legend: Any) -> list[Any]:
    """Return the boxes of a legend that hold a swatch and its words."""
    from matplotlib.offsetbox import HPacker, TextArea

    boxes = [box.get_children() for box in legend.findobj(HPacker)]
    found = zip(legend.findobj(HPacker), boxes, strict=True)
    return [box for box, parts in found if len(parts) == 2 and isinstance(parts[1], TextArea)]


def new_axes(ground: Box) -> Any:
    """Make a figure with room for the map's shape, and for a legend at its right."""
    from matplotlib import pyplot as plt

    x0, y0, x1, y1 = ground
    across, up = max(x1 - x0, 1.0), max(y1 - y0, 1.0)
    high = min(max(_MAP * up / across, _LEAST), _MOST)
    wide = _MAP if high < _MOST else max(high * across / up, 0.6 * _MAP)
    width, height = wide + _LEGEND + 2 * _EDGE, high + _HEAD + _FOOT
    figure = plt.figure(figsize=(width / _MM, height / _MM), dpi=150)
    place = (_EDGE / width, _FOOT / height, wide / width, high / height)
    return figure.add_axes(place)
