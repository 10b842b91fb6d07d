"""The map on a printed card: streets grey, the route black, arrows and numbers of its legs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.output._page import INK, measure, printable
from patrolmap.output._style import quiet_grey

Line = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

_ARROW_EVERY, _ARROW = 11.0, 0.95  # mm
_POINTS = 72 / 25.4  # in a millimetre
HATCHED: dict[str, dict[str, Any]] = {  # what a printer without colours tells apart
    "park": {"hatch": "...", "fc": "none", "ec": "#a9a9a9", "lw": 0.5},
    "water": {"hatch": "------", "fc": "white", "ec": "#c9c9c9", "lw": 0.5},
}
_ROUND = 1.7  # radius of a number, mm


class CardMap:
    """Axes of a given size (mm) that show a piece of ground at one scale."""

    def __init__(self, ax: Any, size: tuple[float, float], ground: Box) -> None:
        self.ax = ax
        x0, y0, x1, y1 = ground
        # Room at the edges for numbers; never closer than 300 m across.
        self.metres = max((x1 - x0) / (size[0] - 12), (y1 - y0) / (size[1] - 12), 300 / size[0])
        centre = ((x0 + x1) / 2, (y0 + y1) / 2)
        half = (size[0] * self.metres / 2, size[1] * self.metres / 2)
        self.view = (
            centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1],
        )  # fmt: skip
        ax.set_xlim(self.view[0], self.view[2])
        ax.set_ylim(self.view[1], self.view[3])
        self.taken: list[tuple[float, float, float]] = []

    def grounds(self, grounds: gpd.GeoDataFrame | None) -> set[str]:
        """Draw parks stippled and water ruled, under the streets; return what is in view."""
        from matplotlib.patches import PathPatch

        if grounds is None:
            return set()
        seen = grounds.iloc[grounds.sindex.query(_rectangle(self.view))].sort_values("kind")
        for shape, kind in zip(seen.geometry, seen["kind"], strict=True):  # ponds upon their parks
            self.ax.add_artist(PathPatch(compound(rings_of(shape)), zorder=0.8, **HATCHED[kind]))
        return set(seen["kind"])

    def streets(self, segments: gpd.GeoDataFrame) -> None:
        """Draw the streets in view, the small ones first."""
        from matplotlib.patches import PathPatch

        seen = segments.iloc[segments.sindex.query(_rectangle(self.view))]
        groups: dict[tuple[float, str], list[Line]] = {}
        for line, highway in zip(seen.geometry, seen["highway"], strict=True):
            grey, width = quiet_grey(highway)
            groups.setdefault((width, grey), []).append(np.asarray(line.coords)[:, :2])
        for (width, grey), lines in sorted(groups.items(), key=lambda item: item[0]):
            self.ax.add_artist(
                PathPatch(compound(lines), fill=False, ec=grey, lw=width, capstyle="round")
            )

    def walk(
        self,
        line: Line,
        *,
        colour: str = INK,
        width: float = 1.4,
        heads: bool = True,
        double: bool = False,
        lane: int = 0,
        most: int | None = None,
    ) -> None:
        """Draw a walk to the right of its streets, with arrow heads along it.

        Walks in the next `lane` run beside it, farther from the street; `most` is how many arrow
        heads there are at most.
        """
        from matplotlib.patches import PathPatch

        if len(line) < 2:
            return
        moved = beside(line, (0.45 + lane * (width + 0.5) / _POINTS) * self.metres)
        if len(moved) < 2:
            return
        style = {"solid_capstyle": "round", "solid_joinstyle": "round"}
        self.ax.plot(*moved.T, color="white", lw=width + 1.4, zorder=3, **style)
        self.ax.plot(*moved.T, color=colour, lw=width, zorder=4, **style)
        if double:
            self.ax.plot(*moved.T, color="white", lw=width * 0.35, zorder=4, **style)
        every = _ARROW_EVERY * self.metres
        if most is not None:
            every = max(every, float(np.hypot(*np.diff(moved, axis=0).T).sum()) / most)
        tips = arrows(moved, every=every, size=_ARROW * self.metres)
        if heads and tips:
            look = {"fc": colour, "ec": "white", "lw": 0.35, "zorder": 5}
            self.ax.add_artist(PathPatch(compound(tips, closed=True), **look))

    def hot(self, lines: Sequence[Line]) -> None:
        """Underlay streets to watch with a broad grey band."""
        for line in lines:
            moved = beside(line, 0.45 * self.metres)
            if len(moved) > 1:
                self.ax.plot(*moved.T, color="#a8a8a8", lw=6.5, zorder=2.5, solid_capstyle="round")

    def number(self, text: object, x: float, y: float, *, black: bool = False) -> bool:
        """Put a number in a circle at a place, or beside it with a line; say whether it had room.

        `black` marks a stand: white on black.
        """
        from matplotlib.patches import Circle

        radius = _ROUND * self.metres
        spot = self._free(x, y, radius)
        if spot is None:
            return False
        self._leader((x, y), spot)
        ink, paper = ("white", INK) if black else (INK, "white")
        self.ax.add_artist(Circle(spot, radius, fc=paper, ec=INK, lw=0.6, zorder=7))
        words = printable(text)
        size = 5.4 if len(words) < 3 else 4.4
        self.ax.text(
            *spot, words, size=size, weight="bold", color=ink, ha="center", va="center_baseline",
            zorder=7.5, clip_on=True,
        )  # fmt: skip
        return True

    def letter(self, text: str, x: float, y: float) -> bool:
        """Put a letter in a box near a place; say whether there was room."""
        spot = self._free(x, y, 2.1 * self.metres)
        if spot is None:
            return False
        self._leader((x, y), spot)
        box = {"boxstyle": "square,pad=0.22", "fc": INK, "ec": "white", "lw": 0.7}
        self.ax.text(
            *spot, text, size=6.6, weight="bold", color="white", ha="center",
            va="center_baseline", zorder=7.6, bbox=box, clip_on=True,
        )  # fmt: skip
        return True

    def _free(self, x: float, y: float, radius: float) -> tuple[float, float] | None:
        """Find room for a mark at a place or near it, in view, and take it."""
        x0, y0, x1, y1 = self.view
        for away in (0.0, 1.0, 1.9):
            for turn in range(8 if away else 1):
                step = (radius + 2 * self.metres) * away
                at = (
                    x + step * math.cos(turn * math.pi / 4),
                    y + step * math.sin(turn * math.pi / 4),
                )
                inside = x0 + radius < at[0] < x1 - radius and y0 + radius < at[1] < y1 - radius
                apart = all(math.hypot(at[0] - a, at[1] - b) > radius + r for a, b, r in self.taken)
                if inside and apart:
                    self.taken.append((*at, radius * 1.05))
                    return at
        return None

    def is_free(self, spots: Line, radius: float) -> bool:
        """Say whether a chain of spots is in view and free, and take them if so."""
        x0, y0, x1, y1 = self.view
        inside = (spots > (x0 + radius, y0 + radius)) & (spots < (x1 - radius, y1 - radius))
        if not inside.all():
            return False
        if self.taken:
            marks = np.array(self.taken)
            away = np.hypot(spots[:, :1] - marks[:, 0], spots[:, 1:] - marks[:, 1])
            if (away < radius + marks[:, 2]).any():
                return False
        self.taken += [(float(x), float(y), radius) for x, y in spots]
        return True

    def keep_free(self, line: Line) -> None:
        """Let no name stand on a line, nor right of it where its walk is drawn."""
        points = line[:1]  # all there is of a crew that only stands
        if np.ptp(line, axis=0).any():
            whole = shapely.segmentize(shapely.LineString(line), 2 * self.metres)
            points = shapely.get_coordinates(whole)
        for x, y in points:
            self.taken.append((float(x), float(y), 0.9 * self.metres))

    def _leader(self, place: tuple[float, float], spot: tuple[float, float]) -> None:
        if place != spot:
            ends = list(zip(place, spot, strict=True))
            self.ax.plot(*ends, color="white", lw=1.5, zorder=6)
            self.ax.plot(*ends, color=INK, lw=0.5, zorder=6.1)

    def depot(self, name: str, x: float, y: float) -> None:
        """Mark a depot with a square and its name."""
        self.ax.plot(x, y, "s", ms=6.5, mfc=INK, mec="white", mew=1.0, zorder=8)
        self.taken.append((x, y, 1.6 * self.metres))
        words = {"size": 6, "weight": "bold", "va": "bottom", "zorder": 8, "clip_on": True}
        halo = {"boxstyle": "square,pad=0.12", "fc": "white", "ec": "none", "alpha": 0.85}
        right = x > (self.view[0] + self.view[2]) / 2
        shift = (-1.8 if right else 1.8) * self.metres
        long = measure(printable(name), 6, bold=True) * self.metres
        for along in np.arange(0.0, long, 2 * self.metres):  # no number on the name
            at = x + shift + (-along if right else along)
            self.taken.append((at, y + 2.6 * self.metres, 1.3 * self.metres))
        self.ax.text(
            x + shift, y + 1.6 * self.metres, printable(name), ha="right" if right else "left",
            bbox=halo, **words,
        )  # fmt: skip

    def furniture(
        self,
        units: tuple[str, str] = ("m", "km"),
        north: str = "N",
        signs: Mapping[str, str] | None = None,
    ) -> None:
        """Add the scale bar and the north arrow, in the map's lower corners.

        `signs` are the kinds of ground on the map, with their words: they are told by the bar.
        """
        length = nice(22 * self.metres)
        x, y = self.view[0] + 3 * self.metres, self.view[1] + 3 * self.metres
        back = {"boxstyle": "square,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85}
        self.ax.plot([x, x + length], [y, y], color="white", lw=4, zorder=8)
        self.ax.plot([x, x + length], [y, y], color=INK, lw=1.6, zorder=9, solid_capstyle="butt")
        label = f"{length:.0f} {units[0]}" if length < 1000 else f"{length / 1000:g} {units[1]}"
        self.ax.text(x, y + 1.1 * self.metres, label, size=5.5, va="bottom", zorder=9, bbox=back)
        end = self._signs(x + length + 4 * self.metres, y, signs or {}, back)
        for spot in np.arange(x, end, 2 * self.metres):  # no number on them
            self.taken.append((spot, y + self.metres, 1.5 * self.metres))
        at = (self.view[2] - 4 * self.metres, self.view[1] + 2.5 * self.metres)
        self.ax.annotate(
            north, xy=(at[0], at[1] + 7 * self.metres), xytext=at, size=6.5, weight="bold",
            ha="center", va="bottom", zorder=9, bbox=back,
            arrowprops={"arrowstyle": "-|>", "lw": 1.0, "color": INK, "mutation_scale": 7},
        )  # fmt: skip

    def _signs(self, x: float, y: float, signs: Mapping[str, str], back: Any) -> float:
        """Tell what the hatches mean; return where that ends."""
        from matplotlib.patches import Rectangle

        wide, high = 5 * self.metres, 2.6 * self.metres
        for kind, word in signs.items():
            look = HATCHED[kind] | {"fc": "white", "zorder": 9}
            self.ax.add_artist(Rectangle((x, y - 0.8 * self.metres), wide, high, **look))
            place = (x + wide + 1.2 * self.metres, y + 0.4 * self.metres)
            self.ax.text(*place, word, size=5.5, va="center_baseline", zorder=9, bbox=back)
            x = place[0] + measure(printable(word), 5.5) * self.metres + 4 * self.metres
        return x


def ground_of(lines: Sequence[Line]) -> Box:
    """Return the box around some lines."""
    points = np.concatenate(lines)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def rings_of(shape: Any) -> list[Line]:
    """Return the rings of polygons; holes run the other way, so that they stay empty."""
    return [
        np.asarray(ring.coords)[:, :2]
        for whole in shapely.get_parts(shapely.orient_polygons(shape))
        for ring in (whole.exterior, *whole.interiors)
    ]


def beside(line: Line, away: float) -> Line:
    """Move a line to the right of its direction, so that both ways along a street show.

    Corners are mitred; where the line turns sharply, its two sides are joined straight.
    """
    kept: Line = line[np.concatenate([[True], np.hypot(*np.diff(line, axis=0).T) > 1e-6])]
    if len(kept) < 2:
        return kept
    way = np.diff(kept, axis=0)
    normal = np.column_stack([way[:, 1], -way[:, 0]]) / np.hypot(*way.T)[:, None] * away
    out = [kept[0] + normal[0]]
    for point, a, b in zip(kept[1:-1], normal[:-1], normal[1:], strict=True):
        along = float(a @ b) / away**2
        out += [point + (a + b) / (1 + along)] if along > -0.2 else [point + a, point + b]
    return np.array([*out, kept[-1] + normal[-1]])


def arrows(line: Line, *, every: float, size: float) -> list[Line]:
    """Return arrow heads along a line, one each `every` metres from the half of that on."""
    pieces = np.diff(line, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*pieces.T))])
    out = []
    for at in np.arange(every / 2, along[-1], every):
        k = min(int(np.searchsorted(along, at, side="right")) - 1, len(pieces) - 1)
        way = pieces[k] / (along[k + 1] - along[k])
        tip = line[k] + way * (at - along[k] + size)
        side = np.array([-way[1], way[0]]) * size
        out.append(np.array([tip, tip - way * 2 * size + side, tip - way * 2 * size - side]))
    return out


def nice(metres: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is no longer.

    Examples
    --------
    >>> nice(730), nice(249)
    (500.0, 200.0)
    """
    power = 10.0 ** math.floor(math.log10(metres))
    return next(k * power for k in (5, 2, 1) if k * power <= metres)


def compound(lines: Sequence[Line], *, closed: bool = False) -> Any:
    """Join lines into one path, which prints much faster than each by itself."""
    from matplotlib.path import Path

    whole = [np.vstack([line, line[:1]]) for line in lines] if closed else lines
    codes = []
    for line in whole:
        codes += [Path.MOVETO, *[Path.LINETO] * (len(line) - 1)]
        if closed:
            codes[-1] = Path.CLOSEPOLY
    return Path(np.concatenate(whole), codes)


def _rectangle(box: Box) -> Any:
    return shapely.box(*box)
