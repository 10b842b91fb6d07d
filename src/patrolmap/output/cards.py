"""Route cards: a summary and a card per crew as one PDF that prints in black and white."""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap.output._cardmap import CardMap, ground_of
from patrolmap.output._legs import MOVING, Step, Walks, legs, path, steps_by_route
from patrolmap.output._page import GREY, HEIGHT, INK, MARGIN, WIDTH, Page, book
from patrolmap.output._style import crew_colours
from patrolmap.output._text import clock, km, share, span
from patrolmap.patrol.plan import Plan

_INNER = WIDTH - 2 * MARGIN
_ROW, _COLUMN_GAP = 4.1, 5.0  # mm
_NOTES = 3  # blank lines at the foot of every page
_NOTES_TOP = HEIGHT - 12 - 7 * _NOTES
_TURNS = {"left": "←", "right": "→", "straight": "↑", "back": "↩", "start": "●"}
_MAP_HEIGHT, _MAP_LEAST = 86.0, 70.0
_NUMBERS = 32  # at most so many on a map


def write_cards(plan: Plan, path: str | Path) -> Path:
    """Write route cards as one PDF: a summary page, then a card for each crew.

    A card (A5) names crew, shift, depot, times and length, shows the route on a map of its own
    (black on grey, arrows, numbers of the legs) and tells it leg by leg: clock, turn, street,
    distance. Legs that do not fit follow on further pages; each page has lines for notes and says
    that it is for official use only. Equal plans make equal files.

    Parameters
    ----------
    plan
        Any plan; nothing else is needed.
    path
        The PDF to write. It is replaced in one step; missing folders are made.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SchemaError
        If the plan's tables do not belong together.
    OptionError
        If `path` is a folder.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LinearRing
    >>> block = LinearRing([(656000, 4790000), (656200, 4790000), (656200, 4790200)])
    >>> streets = pm.read_streets(gpd.GeoDataFrame({"name": ["Abay"]}, geometry=[block], crs=32643))
    >>> depot = pm.Depot("Abay", lon=76.9217, lat=43.2466)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="1h", name="night")
    >>> risk = pd.Series(1.0, index=streets.segments.index)
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(5))
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_cards(plan, f"{folder.name}/cards.pdf").name
    'cards.pdf'
    >>> folder.cleanup()
    """
    walks = steps_by_route(plan)
    told = legs(plan, walks)
    with book(path, title="Route cards") as pdf:
        for page in _summary(plan, told, walks):
            _credit(page, plan)
            pdf.savefig(page.finish())
        for route_id, row in plan.routes.iterrows():
            mine = told[told.index.get_level_values("route_id") == route_id]
            for page in _card(plan, row, mine, walks[str(route_id)]):
                _credit(page, plan)
                pdf.savefig(page.finish())
    return Path(path)


def _credit(page: Page, plan: Plan) -> None:
    """Say at the foot of a page whom the streets are owed to."""
    page.text(WIDTH / 2, HEIGHT - 5, plan.provenance.attribution, 5, colour=GREY, align=0.5)


def _new_page(number: str) -> Page:
    page = Page()
    page.box(0, 0, WIDTH, 8, INK)
    page.text(WIDTH / 2, 4.1, "FOR OFFICIAL USE ONLY", 8, colour="white", bold=True, align=0.5)
    page.text(WIDTH - MARGIN, HEIGHT - 5, number, 6, colour=GREY, align=1)
    return page


# ---- the first page ----


def _summary(plan: Plan, told: gpd.GeoDataFrame, walks: Walks) -> list[Page]:
    """Lay out the table of crews; more crews than fit go on to further pages."""
    per_page = 30
    routes = plan.routes
    pages = []
    for first in range(0, max(len(routes), 1), per_page):
        page = _new_page("Summary")
        page.text(MARGIN, 16, "Patrol plan", 15, bold=True)
        window = span(routes["start"].min(), routes["end"].max()) if len(routes) else "no routes"
        page.text(MARGIN, 23, window, 9, width=_INNER)
        page.text(MARGIN, 28.5, _totals(plan), 7.5, colour=GREY, width=_INNER)
        end = _crew_table(page, plan, told, routes.iloc[first : first + per_page])
        pages.append(page)
    end = _plan_notes(pages[-1], plan, end)
    if len(routes) and HEIGHT - 12 - end > 60:
        _overview(pages[-1], plan, walks, end + 3)
    return pages


def _totals(plan: Plan) -> str:
    crews = len(plan.routes)
    words = [f"{crews} crew{'' if crews == 1 else 's'}", km(float(plan.routes["length"].sum()))]
    if plan.provenance.total_risk > 0:
        words.append(f"past {share(plan.share_passed().sum(), 1.0)} of the risk")
    return " · ".join(words)


def _crew_table(page: Page, plan: Plan, told: gpd.GeoDataFrame, routes: gpd.GeoDataFrame) -> float:
    """Write the rows; return where they end (mm)."""
    heads = ("", "Crew", "Depot", "Time", "Length", "Legs", "Risk")
    left = (MARGIN, MARGIN + 5, 55, 88, 119, 128, WIDTH - MARGIN)
    aligns = (0, 0, 0, 0, 1, 1, 1)
    y = 36.0
    for x, head, align in zip(left, heads, aligns, strict=True):
        page.text(x, y, head, 6.5, colour=GREY, align=align)
    page.rule(y + 2.6)
    colours, passed = crew_colours(plan.routes.index), plan.share_passed()
    count = told.groupby(level="route_id").size() if len(told) else pd.Series(dtype=int)
    for route_id, row in routes.iterrows():
        y += 5
        colour, double = colours[str(route_id)]
        page.box(left[0], y - 1.2, 3, 2.4, colour)
        if double:
            page.box(left[0], y - 0.35, 3, 0.7, "white")
        page.text(left[1], y, f"{row['shift']} · crew {row['crew']}", width=39, bold=True)
        page.text(left[2], y, row["depot"], width=31)
        page.text(left[3], y, f"{clock(row['start'])}–{clock(row['end'])}")
        page.text(left[4], y, km(row["length"]), align=1)
        page.text(left[5], y, int(count.get(route_id, 0)), align=1)
        page.text(left[6], y, share(passed[route_id], 1.0), align=1)
    page.rule(y + 3.2)
    return y + 3.2


def _plan_notes(page: Page, plan: Plan, y: float) -> float:
    for note in plan.provenance.notes[:6]:
        y += 4.2
        page.text(MARGIN, y, f"Note: {note}", 6.5, width=_INNER)
    return y


def _overview(page: Page, plan: Plan, walks: Walks, top: float) -> None:
    """Draw all routes on one map, in the colours of the table."""
    lines = {route_id: path(steps)[0] for route_id, steps in walks.items() if steps}
    if not lines:
        return
    x0, y0, x1, y1 = ground = ground_of(list(lines.values()))
    height = min(HEIGHT - 12 - top, max(50.0, _INNER * (y1 - y0) / max(x1 - x0, 1.0) + 12))
    ax = page.axes(MARGIN, top, _INNER, height)
    sketch = CardMap(ax, (_INNER, height), ground)
    sketch.streets(plan.segments)
    colours = crew_colours(plan.routes.index)
    for route_id, line in lines.items():
        colour, double = colours[route_id]
        sketch.walk(line, colour=colour, width=0.9, heads=False, double=double)
    for stop in plan.stops.itertuples():
        sketch.depot(stop.name, stop.geometry.x, stop.geometry.y)
    sketch.furniture()


# ---- a crew's card ----


def _card(plan: Plan, row: pd.Series, mine: gpd.GeoDataFrame, steps: list[Step]) -> list[Page]:
    """Lay out one crew's pages: heading, map and as many legs as fit, then the other legs."""
    name = f"{row['shift']} · crew {row['crew']}"
    page = _new_page(name)
    _heading(page, plan, row, name)
    top = 42.0
    # The map gives way a little where that brings all legs onto its own page.
    wanted = _NOTES_TOP - 11 - top - _ROW * math.ceil(len(mine) / 2)
    height = wanted if _MAP_LEAST <= wanted < _MAP_HEIGHT else _MAP_HEIGHT
    if steps:
        _route_map(page, plan, mine, steps, row["depot"], (top, height))
    pages, rest, y = [page], list(enumerate(mine.itertuples(), start=1)), top + height + 5
    while True:
        rest = _leg_table(pages[-1], rest, y, _on_map(len(mine)))
        _notes(pages[-1])
        if not rest:
            break
        pages.append(_new_page(name))
        pages[-1].text(MARGIN, 14, f"{name} (continued)", 10, bold=True, width=_INNER)
        y = 21.0
    for number, each in enumerate(pages, start=1):
        if len(pages) > 1:
            each.text(MARGIN, HEIGHT - 5, f"page {number} of {len(pages)}", 6, colour=GREY)
    return pages


def _heading(page: Page, plan: Plan, row: pd.Series, name: str) -> None:
    page.box(MARGIN, 12, 2.2, 27, crew_colours(plan.routes.index)[str(row.name)][0])
    page.text(MARGIN + 5, 15.5, name, 14, bold=True, width=_INNER - 5)
    ends = row["depot"] if row["depot"] == row["end_depot"] else (
        f"{row['depot']}, ends at {row['end_depot']}"
    )  # fmt: skip
    way = "by car" if row["mode"] == "drive" else "on foot"
    part = share(plan.share_passed()[row.name], 1.0)
    facts = (
        (0, 0, "Depot", ends), (0, 1, "Time", span(row["start"], row["end"])),
        (0, 2, "Service", str(row["service"]).replace("_", " ")),
        (1, 1, "Length", f"{km(row['length'])} {way}"), (1, 2, "Share of risk", part),
    )  # fmt: skip
    for column, line, head, value in facts:
        x, y = MARGIN + 5 + 76 * column, 23 + 5.6 * line
        wide = 105 if line == 0 else (58 if column == 0 else 30)
        page.text(x, y, head, 6.5, colour=GREY)
        page.text(x + (14 if column == 0 else 19), y, value, 8, width=wide)


def _route_map(
    page: Page, plan: Plan, mine: gpd.GeoDataFrame, steps: list[Step], depot: str,
    place: tuple[float, float],
) -> None:  # fmt: skip
    (top, height), (line, _) = place, path(steps)
    ax = page.axes(MARGIN, top, _INNER, height)
    sketch = CardMap(ax, (_INNER, height), ground_of([line]))
    sketch.streets(plan.segments)
    sketch.walk(line)
    sketch.depot(depot, *steps[0].line[0])
    for number in range(1, len(mine) + 1):
        if number in _on_map(len(mine)):
            sketch.number(number, *mine.geometry.iloc[number - 1].coords[0][:2])
    sketch.furniture()


def _on_map(legs: int) -> range:
    """Return the numbers that the map shows: all, or so many in even steps that it stays clear."""
    step = next(k for k in (1, 2, 5, 10, 20, 50, 100, legs) if legs / k <= _NUMBERS)
    return range(step, legs + 1, step)


def _leg_table(
    page: Page, rest: list[tuple[int, Any]], top: float, shown: range
) -> list[tuple[int, Any]]:
    """Write legs in two columns down to the notes; return those that did not fit."""
    rows = int((_NOTES_TOP - 6 - top) / _ROW)
    width = (_INNER - _COLUMN_GAP) / 2
    for column in (0, 1):
        x, y = MARGIN + column * (width + _COLUMN_GAP), top
        here, rest = rest[:rows], rest[rows:]
        for number, leg in here:
            _leg_row(page, number, leg, (x, y, width), bold=number in shown)
            y += _ROW
    key = "↑ straight · ← left · → right · ↩ back · ● start or stand"
    if shown.step > 1:
        key += " · bold: numbers on the map"
    page.text(MARGIN, _NOTES_TOP - 4.5, key, 5.5, colour=GREY)
    return rest


def _leg_row(
    page: Page, number: int, leg: Any, place: tuple[float, float, float], *, bold: bool
) -> None:
    x, y, width = place
    moving = leg.activity in MOVING
    page.text(x + 4.6, y, number, 6.8, bold=bold, align=1)
    page.text(x + 6.2, y, clock(leg.arrive), 6.8)
    page.text(x + 16.2, y, _TURNS[leg.turn] if moving else "●", 7, align=0.5)
    if moving:
        words, amount = leg.place, km(leg.length)
    else:
        minutes = (leg.depart - leg.arrive) / pd.Timedelta("1min")
        words, amount = f"{leg.activity}: {leg.place}", f"{np.ceil(minutes):.0f} min"
    page.text(x + 19, y, words, 6.5, width=width - 30)
    page.text(x + width, y, amount, 6.8, align=1)
    page.rule(y + _ROW / 2, x, x + width, lw=0.2, color="#cccccc")


def _notes(page: Page) -> None:
    page.text(MARGIN, _NOTES_TOP + 1, "Notes", 6.5, colour=GREY)
    for i in range(_NOTES):
        page.rule(_NOTES_TOP + 7 * (i + 1), lw=0.35, color=GREY)
