"""Street names along their streets, as many as find room."""

import math

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.output._cardmap import CardMap
from patrolmap.output._page import measure, printable
from patrolmap.output._style import ROADS, road_class
from patrolmap.output.cards.wording import shortened

_TRIED, _SIZE = 90, 5.6  # streets tried; points
Ends = tuple[tuple[float, float], tuple[float, float]]
_BENT = 0.985  # a stretch this much shorter as the crow flies is too bent to write on


def write_names(
    sketch: CardMap, segments: gpd.GeoDataFrame, *, most: int, ink: str, halo: str
) -> None:
    """Write at most so many names, of the great and the long streets first.

    A name stands where nothing else does; `segments` are named in the reader's language.
    """
    rows = segments.dropna(subset="name")
    rows = rows.iloc[np.sort(rows.sindex.query(shapely.box(*sketch.view)))]
    rank = rows["highway"].map({kind: road_class(kind) for kind in rows["highway"].unique()})
    rows = rows.assign(rank=rank)[rank < len(ROADS) - 1]
    by_name = rows.groupby("name", sort=True).agg(rank=("rank", "min"), length=("length", "sum"))
    order = by_name.sort_values(["rank", "length"], ascending=[True, False], kind="stable")
    written = 0
    for name in order.index[:_TRIED]:
        text = printable(shortened(name))
        lines = rows.geometry[rows["name"] == name].to_numpy()
        ends = _room(sketch, text, _longest(lines))
        if ends:
            _letters(sketch, text, ends, ink=ink, halo=halo)
            written += 1
        if written == most:
            return


def _longest(lines: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Join the parts of a street; return its longest line."""
    parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    return np.asarray(shapely.get_coordinates(parts[int(np.argmax(shapely.length(parts)))]))


def _room(sketch: CardMap, text: str, line: npt.NDArray[np.float64]) -> Ends | None:
    """Find and take the first straight and free stretch for a name, from the middle outwards."""
    need = (measure(text, _SIZE) + 2.0) * sketch.metres
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts = np.arange(0.0, along[-1] - need, max(need / 3, 1.0))
    for start in sorted(starts, key=lambda at: abs(at + need / 2 - along[-1] / 2)):
        at = [start, start + need]
        x, y = np.interp(at, along, line[:, 0]), np.interp(at, along, line[:, 1])
        if math.hypot(x[1] - x[0], y[1] - y[0]) < _BENT * need:
            continue
        steps = np.linspace(0, 1, max(3, round(need / sketch.metres / 2)))
        spots = np.column_stack([x[0] + steps * (x[1] - x[0]), y[0] + steps * (y[1] - y[0])])
        if sketch.is_free(spots, 1.2 * sketch.metres):
            return (float(x[0]), float(y[0])), (float(x[1]), float(y[1]))
    return None


def _letters(sketch: CardMap, text: str, ends: Ends, *, ink: str, halo: str) -> None:
    from matplotlib.patheffects import withStroke

    (x0, y0), (x1, y1) = sorted(ends)  # from left to right
    sketch.ax.text(
        (x0 + x1) / 2, (y0 + y1) / 2, text, fontsize=_SIZE, color=ink, zorder=5.5, ha="center",
        va="center", rotation=math.degrees(math.atan2(y1 - y0, x1 - x0)), rotation_mode="anchor",
        clip_on=True, path_effects=[withStroke(linewidth=1.6, foreground=halo)],
    )  # fmt: skip
