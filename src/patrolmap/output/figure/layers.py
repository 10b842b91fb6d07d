"""The layers of a picture, each with its lines of the legend; colours are those of the map."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap._crs import lonlat_to, point_coordinates, to_lonlat
from patrolmap.output._cardmap import compound, rings_of
from patrolmap.output._events import placed_events
from patrolmap.output._style import (
    CARD,
    DENSITY_RAMP,
    INK,
    KIND_COLOURS,
    OTHER_PLACE,
    PARK_PATH,
    PLACE_COLOURS,
    ROADS,
    TUBE,
    road_class,
)  # fmt: skip
from patrolmap.output.figure.sheet import Sheet
from patrolmap.output.maps.density import density_shades
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.packing import Payload
from patrolmap.output.maps.public import cell_legend, public_cells
from patrolmap.output.maps.risk import risk_classes, risk_window, unit_words
from patrolmap.output.maps.spots import middle_of, require_spots_of
from patrolmap.output.maps.streets import places_shown
from patrolmap.patrol.styles import GROUND_COLOURS
from patrolmap.risk.options import segment_values
from patrolmap.schema import EVENT_KINDS
from patrolmap.streets.network import StreetNetwork

_RISK_WIDTH = (1.2, 1.5, 1.9, 2.4, 3.0, 3.6)
_MANY = 20_000  # so many lines or points are drawn as pixels, also in a PDF
_EVENT_MARKS = {"crime": "o", "accident": "X", "juvenile": "^", "call": "s"}
_MANY_OF = {"crime": "crimes", "accident": "accidents", "juvenile": "juvenile offences",
            "call": "calls"}  # fmt: skip
_SPOTS = 15  # at most so many hot spots have their number


def draw_grounds(sheet: Sheet, streets: StreetNetwork) -> None:
    """Draw parks and water, under everything else."""
    from matplotlib.patches import PathPatch

    for shape, kind in zip(streets.grounds.geometry, streets.grounds["kind"], strict=True):
        look = {"fc": GROUND_COLOURS[kind], "ec": "none", "zorder": 0.8}
        sheet.ax.add_artist(PathPatch(compound(rings_of(shape)), **look))


def draw_streets(sheet: Sheet, streets: StreetNetwork) -> None:
    """Draw the base map: streets by their class, the small ones first."""
    rows = _in_view(sheet, streets.segments)
    codes, kinds = pd.factorize(rows["highway"])
    of_kind = np.array([road_class(kind) for kind in kinds], dtype=np.int64)
    road = of_kind[codes] if len(rows) else of_kind
    last = len(ROADS) - 1
    in_park = ((rows["area"] == "park") & (road == last)).to_numpy()
    lines = rows.geometry.to_numpy()
    _lines(sheet, lines[in_park], PARK_PATH[0], PARK_PATH[1], zorder=1.0)
    for code in range(last, -1, -1):
        _, colour, width = ROADS[code]
        _lines(sheet, lines[(road == code) & ~in_park], colour, width, zorder=1.1)


def draw_risk(
    sheet: Sheet, streets: StreetNetwork, risk: pd.Series | pd.DataFrame, lang: str
) -> None:
    """Draw risk by segment, the highest class on top."""
    say = sheet.say
    code, legend = risk_classes(streets, segment_values(risk, streets))
    if not legend:
        return
    lines = streets.segments.geometry.to_numpy()
    unit = say("Expected {unit} per km", unit=say(unit_words(risk.attrs.get("unit", "count"))))
    note = [unit, risk_window(risk.attrs, lang)]
    sheet.heading(say("Risk by street"), ", ".join(filter(None, note)))
    for k, row in reversed(list(enumerate(legend))):
        width = _RISK_WIDTH[len(_RISK_WIDTH) - len(legend) + k]
        _lines(sheet, lines[code == k], row["colour"], width, zorder=1.6 + 0.01 * k)
        sheet.entry(_range(sheet, row), _line(row["colour"], max(1.5 * width, 2.2)))


def draw_hotspots(sheet: Sheet, streets: StreetNetwork, table: gpd.GeoDataFrame) -> None:
    """Draw hot spots as tubes under the risk."""
    require_spots_of(streets, table)
    if not len(table):
        return
    at = streets.segments.index.get_indexer([s for ids in table["segment_ids"] for s in ids])
    lines, say = streets.segments.geometry.to_numpy()[at], sheet.say
    _lines(sheet, lines, TUBE, 7.4, zorder=1.4)
    _lines(sheet, lines, CARD, 6.0, zorder=1.41)
    count = say.count("{n} hot spot", "{n} hot spots", len(table))
    sheet.heading(say("Hot spots"))
    length = say.metres(float(table["length"].sum()))
    sheet.entry(f"{count}, {length}", _line(TUBE, 6.5), _line(CARD, 5.0))


def number_hotspots(sheet: Sheet, table: gpd.GeoDataFrame) -> None:
    """Put their numbers beside the first hot spots, where there is room."""
    for number, shape in list(zip(table.index, table.geometry, strict=True))[:_SPOTS]:
        sheet.sketch.letter(sheet.say("H{n}", n=int(number)), *middle_of(shape))


def draw_density(sheet: Sheet, streets: StreetNetwork, density: object) -> None:
    """Draw a raster in the classes of its legend."""
    from matplotlib.colors import ListedColormap

    shaded, say = density_shades(density), sheet.say
    x0, y0, x1, y1 = sheet.sketch.view
    wide = 900
    tall = max(1, round(wide * (y1 - y0) / (x1 - x0)))
    x = x0 + (np.arange(wide) + 0.5) / wide * (x1 - x0)
    y = y1 - (np.arange(tall) + 0.5) / tall * (y1 - y0)
    at = np.tile(x, tall), np.repeat(y, wide)
    if shaded.raster.crs != streets.crs:
        at = lonlat_to(shaded.raster.crs, *to_lonlat(streets.crs, *at))
    shade = np.ma.masked_equal(shaded.at(*at).reshape(tall, wide), 0)
    sheet.ax.imshow(
        shade, extent=(x0, x1, y0, y1), cmap=ListedColormap(DENSITY_RAMP), vmin=0.5,
        vmax=len(DENSITY_RAMP) + 0.5, interpolation="nearest", alpha=0.7, zorder=1.2,
        aspect="equal",
    )  # fmt: skip
    sheet.heading(say("Density"), say(shaded.unit) if shaded.unit else "")
    for row in reversed(shaded.legend):
        sheet.entry(_range(sheet, row), _box(row["colour"], 0.7))


def draw_events(sheet: Sheet, events: Any, streets: StreetNetwork) -> None:
    """Draw single events by map, each with a colour and a shape of its own."""
    table = placed_events(events).to_crs(streets.crs)
    if not len(table):
        return
    say = sheet.say
    sheet.heading(say("Recorded events"))
    x, y = point_coordinates(table.geometry)
    size = 2.6 * sheet.grow
    for kind in EVENT_KINDS:
        mine = (table["kind"] == kind).to_numpy()
        if mine.any():
            look = {"marker": _EVENT_MARKS[kind], "color": KIND_COLOURS[kind], "mew": 0}
            sheet.ax.plot(
                x[mine], y[mine], linestyle="none", ms=size, alpha=0.65, zorder=2.4,
                rasterized=bool(mine.sum() > _MANY), scalex=False, scaley=False, **look,
            )  # fmt: skip
            words = say(_MANY_OF[kind])
            told = f"{words[:1].upper()}{words[1:]}, {say.number(int(mine.sum()))}"
            sheet.entry(told, _mark(ms=4.5, **look))


def draw_places(sheet: Sheet, places: gpd.GeoDataFrame, streets: StreetNetwork) -> None:
    """Draw places by kind as small squares."""
    table = places_shown(places).to_crs(streets.crs)
    if not len(table):
        return
    say = sheet.say
    sheet.heading(say("Places"))
    for kind, rows in table.groupby("kind", sort=True):
        look = {"marker": "s", "color": PLACE_COLOURS.get(str(kind), OTHER_PLACE), "mec": CARD}
        sheet.ax.plot(
            rows.geometry.x, rows.geometry.y, linestyle="none", ms=3.2 * sheet.grow, mew=0.4,
            zorder=2.2, scalex=False, scaley=False, **look,
        )  # fmt: skip
        words = say.word(str(kind))
        told = f"{words[:1].upper()}{words[1:]}, {say.number(len(rows))}"
        sheet.entry(told, _mark(ms=4.5, **look))


def draw_cells(sheet: Sheet, events: Any, streets: StreetNetwork, options: MapOptions) -> None:
    """Draw what anyone may see: counts of events in cells."""
    from matplotlib.collections import PolyCollection

    say, size = sheet.say, options.cell_size
    cells, legend = public_cells(events, streets, options), cell_legend(options)
    corner = np.array(cells.index.to_list(), dtype=np.float64).reshape(-1, 2)[:, ::-1] * size
    total = cells.sum(axis=1).to_numpy()
    steps = np.searchsorted([row["low"] for row in legend], total, side="right") - 1
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size
    shapes = corner[:, None] + square
    colours = [legend[step]["colour"] for step in steps]
    sheet.ax.add_collection(
        PolyCollection(list(shapes), facecolors=colours, edgecolors=CARD, linewidths=0.6,
                       alpha=0.72, zorder=1.8), autolim=False,
    )  # fmt: skip
    x0, y0, x1, y1 = sheet.sketch.view
    for (x, y), n, step in zip(corner + size / 2, total, steps, strict=True):
        if x0 < x < x1 and y0 < y < y1 and size / sheet.metres > 5:
            colour = "white" if step >= len(legend) - 2 else INK
            sheet.ax.text(x, y, say.number(int(n)), ha="center", va="center", fontsize=6,
                          color=colour, zorder=2.5, clip_on=True)  # fmt: skip
            sheet.sketch.is_free(np.array([(x, y)]), 2 * sheet.metres)  # no name on it
    note = say(
        "How many in cells of {size}; rounded to {rounding}, none under {minimum} shown. "
        "Offences of juveniles are left out.",
        size=say.metres(size), rounding=options.rounding, minimum=options.minimum,
    )  # fmt: skip
    sheet.heading(say("Recorded events"), note)
    counted = ", ".join(say(_MANY_OF[kind]) for kind in cells)
    if counted:
        sheet.note(counted[:1].upper() + counted[1:])
    for row in reversed(legend):
        sheet.entry(say("{low} or more", low=say.number(row["low"])), _box(row["colour"], 0.72))


def two_digits(value: float, sheet: Sheet) -> str:
    """Write a number by two digits that count, as the map does."""
    if value >= 1000:
        return sheet.say.number(value)
    text = f"{float(f'{value:.2g}'):f}".rstrip("0").rstrip(".") if value >= 1e-4 else f"{value:.2g}"
    return text if sheet.say.lang == "en" else text.replace(".", ",")


def _range(sheet: Sheet, row: Payload) -> str:
    low, high, say = row["low"], row["high"], sheet.say
    if high is None:
        return say("{low} or more", low=two_digits(low, sheet)) if low else say("above 0")
    if low == 0:
        return say("below {high}", high=two_digits(high, sheet))
    return f"{two_digits(low, sheet)} – {two_digits(high, sheet)}"


def _in_view(sheet: Sheet, rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return rows.iloc[np.sort(rows.sindex.query(shapely.box(*sheet.sketch.view)))]


def _lines(
    sheet: Sheet, lines: npt.NDArray[np.object_], colour: str, width: float, *, zorder: float
) -> None:
    from matplotlib.collections import LineCollection

    if not len(lines):
        return
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    parts = np.split(xy, np.flatnonzero(np.diff(owner)) + 1)
    sheet.ax.add_collection(
        LineCollection(parts, colors=colour, linewidths=0.75 * width * sheet.grow, zorder=zorder,
                       capstyle="round", rasterized=len(lines) > _MANY), autolim=False,
    )  # fmt: skip


def _line(colour: str, width: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], color=colour, linewidth=width, solid_capstyle="round")


def _box(colour: str, alpha: float) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, alpha=alpha)


def _mark(**look: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="none", **look)


def swatch_of(colours: Sequence[tuple[str, float]]) -> tuple[Any, ...]:
    """Return lines that lie on each other in the legend: (colour, width), the lowest first."""
    return tuple(_line(colour, width) for colour, width in colours)
