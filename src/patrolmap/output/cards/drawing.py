"""The map of a card: the route in black on grey streets, numbers of its rows, letters to watch."""

from typing import Any

import numpy as np

from patrolmap.output._cardmap import HATCHED, CardMap, ground_of
from patrolmap.output._legs import path
from patrolmap.output._streetnames import write_names
from patrolmap.output._style import crew_colours, lanes
from patrolmap.output.cards.content import Book, Card
from patrolmap.output.cards.wording import Words

_LANES = 3  # as on the map: farther from its street no walk is drawn
_NAMED, _QUIET = 14, "#555555"  # names of streets on a map, and their grey
_NUMBERS = 45  # at most so many rows under way have theirs on the map


def route_map(ax: Any, size: tuple[float, float], book: Book, card: Card, say: Words) -> set[int]:
    """Draw one crew's route; return which row numbers the map shows."""
    sketch = CardMap(ax, size, ground_of([card.line]))
    signs = _grounds(sketch, book, say)
    sketch.furniture((say("m"), say("km")), say("N"), signs)
    sketch.streets(book.plan.segments)
    sketch.hot([line for look in card.looks for line in look.lines])
    sketch.walk(card.line)
    sketch.depot(card.depot, *card.line[0])
    for look in card.looks:
        sketch.letter(look.letter, *look.point)
    rows = card.layout.numbered
    step = next(k for k in (1, 2, 5, 10, 20, 50, len(rows)) if len(rows) / k <= _NUMBERS)
    # Stands first: what a crew has to find on the map.
    wanted = [n for n, row in rows if not row.moving]
    wanted += [n for n, row in rows if row.moving and n % step == 0]
    shown = {n for n in wanted if _number(sketch, n, card)}
    # Streets walked are named in the rows; here stand those that tell a crew where it is.
    sketch.keep_free(card.line)
    write_names(sketch, book.plan.segments, most=_NAMED, ink=_QUIET, halo="white")
    return shown


def _grounds(sketch: CardMap, book: Book, say: Words) -> dict[str, str]:
    """Draw parks and water; return which there are, with their words."""
    seen = sketch.grounds(book.plan.grounds)
    return {kind: say(kind) for kind in HATCHED if kind in seen}


def _number(sketch: CardMap, number: int, card: Card) -> bool:
    row = card.layout.rows[number - 1]
    return sketch.number(number, *row.point, black=not row.moving)


def overview(ax: Any, size: tuple[float, float], book: Book, say: Words) -> None:
    """Draw all routes on one map, in the colours of the table."""
    lines = {route_id: path(steps)[0] for route_id, steps in book.walks.items() if steps}
    sketch = CardMap(ax, size, ground_of(list(lines.values())))
    signs = _grounds(sketch, book, say)
    sketch.furniture((say("m"), say("km")), say("N"), signs)
    sketch.streets(book.plan.segments)
    colours = crew_colours(book.plan.routes.index)
    walked = {r: {s.segment_id for s in walk if s.segment_id} for r, walk in book.walks.items()}
    lane = lanes(walked)
    for route_id, line in lines.items():
        colour, double = colours[route_id]
        beside = lane[route_id] % _LANES
        sketch.walk(line, colour=colour, width=0.9, heads=False, double=double, lane=beside)
    for stop in book.plan.stops.itertuples():
        sketch.depot(stop.name, stop.geometry.x, stop.geometry.y)
    # Each crew's number where its route is farthest from the depot: colours alone do not print.
    for number, route_id in enumerate(book.plan.routes.index, start=1):
        if route_id in lines:
            line = lines[route_id]
            far = line[int(np.argmax(np.hypot(*(line - line[0]).T)))]
            sketch.number(number, *far)
