"""Street names along their streets, as many as find room."""

import math

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.output._named import names_in
from patrolmap.output._page import measure, printable
from patrolmap.output._style import CARD, INK, ROADS, road_class
from patrolmap.output.cards.wording import shortened
from patrolmap.output.figure.sheet import Sheet
from patrolmap.streets.network import StreetNetwork

_MOST, _TRIED, _SIZE = 24, 90, 5.6  # names written, streets tried; points
_BENT = 0.985  # a stretch this much shorter as the crow flies is too bent to write on


def write_names(sheet: Sheet, streets: StreetNetwork, lang: str) -> None:
    """Write the names of the great and the long streets first, where nothing else stands."""
    rows = streets.segments.assign(name=names_in(streets.segments, lang)).dropna(subset="name")
    rows = rows.iloc[np.sort(rows.sindex.query(shapely.box(*sheet.sketch.view)))]
    rank = rows["highway"].map({kind: road_class(kind) for kind in rows["highway"].unique()})
    rows = rows.assign(rank=rank)[rank < len(ROADS) - 1]
    by_name = rows.groupby("name", sort=True).agg(rank=("rank", "min"), length=("length", "sum"))
    order = by_name.sort_values(["rank", "length"], ascending=[True, False], kind="stable")
    written = 0
    for name in order.index[:_TRIED]:
        text = printable(shortened(name))
        lines = rows.geometry[rows["name"] == name].to_numpy()
        written += _write(sheet, text, _longest(lines))
        if written == _MOST:
            return


def _longest(lines: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Join the parts of a street; return its longest line."""
    parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    return np.asarray(shapely.get_coordinates(parts[int(np.argmax(shapely.length(parts)))]))


def _write(sheet: Sheet, text: str, line: npt.NDArray[np.float64]) -> bool:
    """Write a name on the first straight and free stretch, from the middle outwards."""
    need = (measure(text, _SIZE) + 2.0) * sheet.metres
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts = np.arange(0.0, along[-1] - need, max(need / 3, 1.0))
    for start in sorted(starts, key=lambda at: abs(at + need / 2 - along[-1] / 2)):
        ends = [(np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1]))
                for at in (start, start + need)]  # fmt: skip
        (x0, y0), (x1, y1) = ends
        if math.hypot(x1 - x0, y1 - y0) < _BENT * need:
            continue
        steps = np.linspace(0, 1, max(3, round(need / sheet.metres / 2)))
        spots = np.column_stack([x0 + steps * (x1 - x0), y0 + steps * (y1 - y0)])
        if sheet.sketch.is_free(spots, 1.2 * sheet.metres):
            _letters(sheet, text, ends)
            return True
    return False


def _letters(sheet: Sheet, text: str, ends: list[tuple[float, float]]) -> None:
    from matplotlib.patheffects import withStroke

    (x0, y0), (x1, y1) = sorted(ends)  # from left to right
    sheet.ax.text(
        (x0 + x1) / 2, (y0 + y1) / 2, text, fontsize=_SIZE, color=INK, zorder=5.5, ha="center",
        va="center", rotation=math.degrees(math.atan2(y1 - y0, x1 - x0)), rotation_mode="anchor",
        clip_on=True, path_effects=[withStroke(linewidth=1.6, foreground=CARD)],
    )  # fmt: skip
