"""A card on paper: one A4 page across, whose two halves fold to A5 and again to A6."""

from collections.abc import Sequence

from patrolmap.output._page import GREY, HEIGHT, INK, MARGIN, WIDTH, Page, wrapped
from patrolmap.output._text import clock
from patrolmap.output.cards.content import Book, Card
from patrolmap.output.cards.drawing import route_map
from patrolmap.output.cards.layout import (
    CLOCK,
    FOOT,
    GAP,
    HALF,
    INNER,
    NUMBER,
    TEXT,
    TOP,
    TURN,
    Setting,
)
from patrolmap.output.cards.looks import Look
from patrolmap.output.cards.rows import Row
from patrolmap.output.cards.wording import NAMELESS, TURNS, Words

_LEFT, _RIGHT = MARGIN, HALF + MARGIN
_SMALL = 6.6
_LOOK = 3.3  # mm a line
_NOTE_LINE = 7.0
_MOST_NOTES = 7  # at the foot: six of one's own, and what pairs must do


def new_page(say: Words, name: str, book: Book) -> Page:
    """Return a page with its band, its folds, its name and whom the streets are owed to."""
    page = Page()
    page.box(0, 0, WIDTH, 7, INK)
    for middle in (HALF / 2, HALF + HALF / 2):
        page.text(
            middle, 3.6, say("For official use only").upper(), 8, colour="white", bold=True,
            align=0.5,
        )  # fmt: skip
    for y in (7, HEIGHT - 4):
        page.box(HALF - 0.1, y, 0.2, 4, GREY)
    page.text(_LEFT, HEIGHT - 5, book.plan.provenance.attribution, 5, colour=GREY, width=INNER)
    page.text(WIDTH - MARGIN, HEIGHT - 5, name, 6, colour=GREY, align=1, width=INNER)
    return page


def card_pages(book: Book, card: Card, say: Words) -> list[Page]:
    """Lay out one crew's card: a page, and its back where the legs go on there."""
    page, setting = new_page(say, card.name, book), card.layout.setting
    top = _heading(page, card, say)
    low = _foot(page, card, say)
    low = _looks(page, card.looks, low, say)
    shown: set[int] = set()
    if len(card.line):
        height = low - 3 - top
        ax = page.axes(_LEFT, top, INNER, height)
        shown = route_map(ax, (INNER, height), book, card, say)
    end = _half(page, card.layout.front, _RIGHT, setting, shown, say)
    _legend(page, card, say)
    _notes(page, end, say)
    if not card.layout.overleaf:
        return [page]
    back = new_page(say, card.name, book)
    for x, part in zip((_LEFT, _RIGHT), card.layout.overleaf, strict=False):
        back.text(x, 11.5, f"{card.name} ({say('continued')})", 9, bold=True, width=INNER)
        _half(back, part, x, setting, shown, say)
    return [page, back]


def _heading(page: Page, card: Card, say: Words) -> float:
    """Write who and when; return where the map begins (mm)."""
    facts = card.facts
    page.box(_LEFT, 11, 2.2, 23, card.colour)
    page.text(_LEFT + 5, 14.5, card.name, 14, bold=True, width=INNER - 5)
    y = 21.0
    for head, value in facts[:2]:
        page.text(_LEFT + 5, y, head, _SMALL, colour=GREY, width=24)
        page.text(_LEFT + 31, y, value, 8.5, bold=True, width=INNER - 32)
        y += 4.8
    said = " · ".join(f"{head}: {value}" for head, value in facts[2:])
    lines = wrapped(said, INNER - 6, 7, 2)
    for line in lines:
        page.text(_LEFT + 5, y, line, 7)
        y += 3.8
    return max(y, 34.0) + 1.0


def _foot(page: Page, card: Card, say: Words) -> float:
    """Write what to do in need, at the foot of the left half; return where that begins."""
    lines = [
        line
        for note in card.emergency[:_MOST_NOTES]
        for line in wrapped(note, INNER - 4, 7.2, 2, bold=True)
    ]
    height = 3.7 * len(lines) + 7.0
    top = 201.0 - height
    for edge in (top, top + height):
        page.rule(edge, _LEFT, _LEFT + INNER, lw=0.9)
    y = top + 3.0
    for line in lines:
        page.text(_LEFT + 2, y, line, 7.2, bold=True)
        y += 3.7
    heads = (say("Duty desk"), say("Senior of the crew"))
    for x, head in zip((_LEFT + 2, _LEFT + 2 + INNER / 2), heads, strict=True):
        page.text(x, y + 1, head, _SMALL, colour=GREY)
        page.rule(y + 2.2, x + 30, x + INNER / 2 - 6, lw=0.3, color=GREY)
    return top


def _looks(page: Page, looks: Sequence[Look], low: float, say: Words) -> float:
    """Write what to look for, above `low`; return where that begins."""
    if not looks:
        return low
    blocks = [(look, wrapped(look.what, INNER - 7, _SMALL, 1)) for look in looks]
    height = 5.5 + sum(_LOOK * (1 + len(lines)) + 0.9 for _, lines in blocks)
    y = low - 1.5 - height
    top = y
    page.text(_LEFT, y + 2, say("What to look for"), 8, bold=True)
    y += 6.4
    for look, lines in blocks:
        page.box(_LEFT, y - 1.6, 3.4, 3.4, INK)
        page.text(_LEFT + 1.7, y + 0.1, look.letter, 6.6, colour="white", bold=True, align=0.5)
        page.text(_LEFT + 5, y, look.place, 7, bold=True, width=INNER - 50)
        page.text(_LEFT + INNER, y, times_of(look), _SMALL, align=1)
        for line in lines:
            y += _LOOK
            page.text(_LEFT + 5, y, line, _SMALL)
        y += _LOOK + 0.9
    return top


def times_of(look: Look) -> str:
    """Write when the crew comes by, the first five times."""
    return ", ".join(look.times[:5]) + (" …" if len(look.times) > 5 else "")


def _half(
    page: Page, rows: Sequence[tuple[int, Row]], left: float, setting: Setting, shown: set[int],
    say: Words,
) -> float:  # fmt: skip
    """Write rows in columns of even height; return where the longest ends (mm)."""
    each = min(-(-len(rows) // setting.columns), setting.per_half // setting.columns)
    for column in range(setting.columns):
        x = left + column * (setting.width + GAP)
        here, rows = rows[:each], rows[each:]
        for line, (number, row) in enumerate(here):
            y = TOP + setting.pitch * (line + 0.5)
            _row(page, number, row, (x, y), setting, number in shown, say)
    return TOP + setting.pitch * each


def _row(
    page: Page, number: int, row: Row, place: tuple[float, float], setting: Setting, bold: bool,
    say: Words,
) -> None:  # fmt: skip
    (x, y), size, k = place, setting.size, setting.scale
    if not row.moving:
        page.box(x, y - setting.pitch / 2, setting.width, setting.pitch, "#e4e4e4")
    page.text(x + NUMBER * k, y, number, size, bold=bold, align=1)
    page.text(x + CLOCK * k, y, clock(row.arrive), size)
    turn, large = (TURNS[row.turn], 1.15) if row.moving else ("■", 0.85)
    page.text(x + TURN * k, y, turn, large * size, bold=row.moving, align=0.5)
    text, stand = setting.text_of(row, say), not row.moving
    fit = setting.size_of(text, bold=stand)
    page.text(x + TEXT * k, y, text, fit, bold=stand, width=setting.room)
    amount = say.metres(row.length) if row.moving else say.minutes(row.arrive, row.depart)
    page.text(x + setting.width, y, amount, size, align=1)
    page.rule(y + setting.pitch / 2, x, x + setting.width, lw=0.2, color="#bbbbbb")


def _legend(page: Page, card: Card, say: Words) -> None:
    """Say over the rows how many legs they tell, under them what the signs mean."""
    page.text(_RIGHT, 12.5, say("Route"), 9, bold=True)
    page.text(_RIGHT + INNER, 12.5, card.told, 7, colour=GREY, align=1)
    for y, line in zip((196.5, 199.6), signs_of(card, say), strict=False):
        page.text(_RIGHT, y, line, 6, colour=GREY, width=INNER)


def signs_of(card: Card, say: Words) -> list[str]:
    """Return what the signs in a card's rows mean, as one line or two."""
    signs = [
        f"{TURNS[turn]} {say(turn)}" for turn in ("start", "straight", "left", "right", "back")
    ]
    signs += [f"■ {say('stand')}", say("bold number: on the map")]
    more = []
    if any(row.legs > 1 for row in card.layout.rows):
        more.append(say("An arrow within a line is the turn into the next street."))
    if card.layout.rings(say):
        more.append(f"{NAMELESS} {say('way without a name')}")
    return [" · ".join(signs), *([" · ".join(more)] if more else [])]


def _notes(page: Page, end: float, say: Words) -> None:
    if FOOT - end < 3 * _NOTE_LINE:
        return
    page.text(_RIGHT, end + 5, say("Notes"), _SMALL, colour=GREY)
    y = end + 5 + _NOTE_LINE
    while y < FOOT:
        page.rule(y, _RIGHT, _RIGHT + INNER, lw=0.35, color=GREY)
        y += _NOTE_LINE
