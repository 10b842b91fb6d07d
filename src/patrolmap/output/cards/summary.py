"""The first page of the book: crews, times, kilometres, shares of risk, and what is left."""

from patrolmap.output._notes import told_note
from patrolmap.output._page import GREY, MARGIN, Page, wrapped
from patrolmap.output._style import crew_colours
from patrolmap.output._text import clock, one_line, span
from patrolmap.output.cards.content import Book, crew_name
from patrolmap.output.cards.drawing import overview
from patrolmap.output.cards.layout import HALF, INNER
from patrolmap.output.cards.sheet import new_page
from patrolmap.output.cards.wording import Words

_PER_PAGE = 28
_GAPS = 6  # streets nobody passes


def summary_pages(book: Book, say: Words) -> list[Page]:
    """Lay out the table of crews, the gaps and a map of all routes."""
    routes, pages = book.plan.routes, []
    for first in range(0, max(len(routes), 1), _PER_PAGE):
        page = new_page(say, say("Summary"), book)
        page.text(MARGIN, 14.5, say("Patrol plan"), 14, bold=True)
        page.text(MARGIN, 21, window(book, say), 9, width=INNER)
        page.text(MARGIN, 26, " · ".join(totals(book, say)), 7.5, colour=GREY, width=INNER)
        end = _table(page, book, first, say)
        pages.append(page)
    if end > 150:
        pages.append(new_page(say, say("Summary"), book))
        end = 12.0
    _gaps(pages[-1], book, end, say)
    if any(book.walks.values()):
        ax = pages[0].axes(HALF + MARGIN, 12, INNER, 186)
        overview(ax, (INNER, 186.0), book, say)
    return pages


def window(book: Book, say: Words) -> str:
    """Say from when to when the plan's crews are out."""
    routes = book.plan.routes
    if not len(routes):
        return say("no routes")
    return span(routes["start"].min(), routes["end"].max(), say.lang)


def totals(book: Book, say: Words) -> list[str]:
    """Say how many crews and kilometres there are, and how much risk they pass."""
    plan = book.plan
    told = [
        say.count("{n} crew", "{n} crews", len(plan.routes)),
        say.metres(float(plan.routes["length"].sum())),
    ]
    if plan.provenance.total_risk > 0:
        told.append(say("past {share} of the risk", share=say.share(plan.share_passed().sum())))
    return told


def crew_rows(book: Book, say: Words) -> list[tuple[str, ...]]:
    """Return the table of crews: name, depot, time, length, legs, share of risk."""
    passed = book.plan.share_passed()
    return [
        (crew_name(row, say), one_line(row["depot"]), f"{clock(row['start'])}–{clock(row['end'])}",
         say.metres(row["length"]), say.number(book.legs[str(route_id)]),
         say.share(passed[route_id]))
        for route_id, row in book.plan.routes.iterrows()
    ]  # fmt: skip


def crew_heads(say: Words) -> tuple[str, ...]:
    """Return the heads of that table."""
    return (say("Crew"), say("Depot"), say("Time"), say("Length"), say("Legs"), say("Risk"))


def gaps(book: Book, say: Words) -> list[str]:
    """Say what risk is left and why, and on which streets the most."""
    plan = book.plan
    total, left = plan.provenance.total_risk, plan.unserved
    if total <= 0:
        return []
    out = []
    for why, rows in left.groupby("why"):
        streets = say.count("{n} segment", "{n} segments", len(rows))
        share = say.share(rows["risk"].sum() / total)
        out.append(say("{why}: {segments}, {share} of the risk", why=say.word(str(why)),
                       segments=streets, share=share))  # fmt: skip
    named = left.assign(name=plan.segments["name"].reindex(left.index)).dropna(subset="name")
    most = named.groupby("name")["risk"].sum().sort_values(ascending=False, kind="stable")
    if len(most):
        told = [f"{one_line(n)} {say.share(r / total)}" for n, r in most.iloc[:_GAPS].items()]
        out.append(say("Most of it on: {streets}", streets=", ".join(told)))
    if plan.provenance.upper_bound > 0:
        out.append(say("A proved bound leaves at most {share} to gain.",
                       share=say.share(plan.provenance.gap, 0)))  # fmt: skip
    return out


def notes_of(book: Book, say: Words) -> list[str]:
    """Return what a reader of the plan must know."""
    word, notes = say("Note"), book.plan.provenance.notes
    return [f"{word}: {told_note(note, say.lang)}" for note in notes]


def _table(page: Page, book: Book, first: int, say: Words) -> float:
    """Write the rows from `first` on; return where they end (mm)."""
    left = (MARGIN + 9, MARGIN + 48, MARGIN + 74, MARGIN + 104, MARGIN + 118.5, MARGIN + INNER)
    wide = (38, 25, 18, 14, 13.5, 11)
    aligns = (0, 0, 0, 1, 1, 1)
    y = 34.0
    for x, head, align, width in zip(left, crew_heads(say), aligns, wide, strict=True):
        page.text(x, y, head, 6.5, colour=GREY, align=align, width=width)
    page.rule(y + 2.6, MARGIN, MARGIN + INNER)
    colours = crew_colours(book.plan.routes.index)
    rows = crew_rows(book, say)[first : first + _PER_PAGE]
    for number, (row, route_id) in enumerate(
        zip(rows, book.plan.routes.index[first:], strict=False), start=first + 1
    ):
        y += 5
        colour, double = colours[str(route_id)]
        page.text(MARGIN + 3.5, y, number, 7, align=1, bold=True)
        page.box(MARGIN + 4.5, y - 1.2, 3, 2.4, colour)
        if double:
            page.box(MARGIN + 4.5, y - 0.35, 3, 0.7, "white")
        for x, cell, align, width in zip(left, row, aligns, wide, strict=True):
            page.text(x, y, cell, 7.2, bold=x == left[0], align=align, width=width)
    page.rule(y + 3.2, MARGIN, MARGIN + INNER)
    return y + 3.2


def _gaps(page: Page, book: Book, y: float, say: Words) -> None:
    told = gaps(book, say)
    y += 6
    if told:
        page.text(MARGIN, y, say("Risk that nobody passes"), 8.5, bold=True)
        for text in told:
            for line in wrapped(text, INNER, 7, 3):
                y += 4.2
                page.text(MARGIN, y, line, 7)
        y += 5
    for note in notes_of(book, say)[:6]:
        for line in wrapped(note, INNER, 6.5, 2):
            page.text(MARGIN, y, line, 6.5, colour=GREY)
            y += 3.8
