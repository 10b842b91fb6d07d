"""Route cards in one file: a page a crew and a summary, as PDF to print or as HTML."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd

from patrolmap._files import replacing
from patrolmap.errors import OptionError
from patrolmap.output._page import book as pdf_book
from patrolmap.output._text import named_file
from patrolmap.output._words import check_language
from patrolmap.output.cards.content import told_in
from patrolmap.output.cards.sheet import card_pages
from patrolmap.output.cards.summary import summary_pages
from patrolmap.output.cards.webpage import book_page
from patrolmap.output.cards.wording import Words
from patrolmap.patrol.plan import Plan
from patrolmap.schema import require_type


def write_cards(
    plan: Plan,
    path: str | Path,
    *,
    lang: str = "en",
    events: gpd.GeoDataFrame | None = None,
    emergency: Sequence[str] | None = None,
) -> Path:
    """Write the shift book: a summary page, then a route card for each crew, one page a card.

    A card is an A4 page across that folds to A5 and again to A6, for a shirt pocket, and needs no
    colour. One half tells crew, shift, depot and length, shows the route on a map of its own (the
    streets to watch as a grey band with a letter, parks stippled and water ruled), with `events`
    what to look for there and at up to eight corners where the crew dwells near any of them, and
    what to do in need; the other half tells the route leg by leg: clock, turn, street, distance,
    and each stand (dwell, break, report, handover and so on) on a line of its own. There and back
    along a street is one line; where a page has no room for every leg, the shortest neighbours
    share a line, which keeps their streets and turns (a way without a name may become a ring), and
    the card says how many legs stand in how many lines. Only a shift too long for that goes on
    overleaf. The summary lists crews, times, kilometres and shares of risk, what nobody passes, and
    shows all routes. Every page says that it is for official use only. Equal plans make equal
    files.

    Parameters
    ----------
    plan
        Any plan. Where it knows risk by map, cards tell which map the risk of a street comes from.
    path
        The file to write, .pdf or .html. It is replaced in one step; missing folders are made.
    lang
        "en", "kk" or "ru": the language of the cards and, where they are tagged, of street names.
    events
        Past events, as `read_events` returns them. Cards then tell what happened on the riskiest
        streets and round the places where a crew dwells, how often and in which three hours most;
        nothing of single events or persons.
    emergency
        Lines for emergencies, such as the telephone of the duty desk. By default: 112, report
        every hour, stay together at night. Where a crew's rules say how far apart its members may
        be (`pair_apart`), its card says so in any case.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SchemaError
        If the plan's tables do not belong together, or `events` is no event table.
    OptionError
        If `path` is a folder or ends in anything but .pdf, .html or .htm, or there are no words
        in `lang`.

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
    >>> page = write_cards(plan, f"{folder.name}/cards.html", lang="kk").read_text("utf-8")
    >>> "Қызмет бабында пайдалану үшін" in page
    True
    >>> folder.cleanup()
    """
    require_type(plan, Plan, name="plan")
    say = Words(check_language(lang))
    if isinstance(emergency, str):
        raise OptionError(f"emergency={emergency!r}; wanted a list of lines.")
    target = named_file(path)
    kind = target.suffix.lower()
    if kind not in (".pdf", ".html", ".htm"):
        raise OptionError(f"{target.name}: cards are written as PDF or HTML; wanted NAME.pdf.")
    book = told_in(plan, say, events=events, emergency=emergency)
    if kind != ".pdf":
        with replacing(target) as draft:
            draft.write_text(book_page(book, say), encoding="utf-8")
        return target
    with pdf_book(target, say("Route cards"), say("For official use only")) as pdf:
        for page in summary_pages(book, say):
            pdf.savefig(page.finish())
        for card in book.cards:
            for page in card_pages(book, card, say):
                pdf.savefig(page.finish())
    return target
