"""The book of cards as one HTML file: no script, nothing from elsewhere, prints as the PDF does."""

import base64
import io
import re
from collections.abc import Callable
from typing import Any

from patrolmap.output._page import printing
from patrolmap.output._style import crew_colours
from patrolmap.output._text import clock, escape_html, one_line
from patrolmap.output.cards.content import Book, Card
from patrolmap.output.cards.drawing import overview, route_map
from patrolmap.output.cards.layout import INNER, Setting
from patrolmap.output.cards.rows import Row
from patrolmap.output.cards.sheet import signs_of, times_of
from patrolmap.output.cards.summary import crew_heads, crew_rows, gaps, notes_of, totals, window
from patrolmap.output.cards.wording import TURNS, Words

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
@page { size: A4 landscape; margin: 0 }
* { box-sizing: border-box; print-color-adjust: exact; -webkit-print-color-adjust: exact }
body { margin: 0; background: #ddd; color: #000;
  font: 2.6mm/1.35 "DejaVu Sans", Verdana, sans-serif }
section { width: 297mm; height: 209.5mm; margin: 4mm auto; background: #fff; overflow: hidden;
  display: grid; grid-template: 7mm 1fr 6mm / 1fr 1fr; break-after: page; position: relative }
section.long { height: auto; min-height: 209.5mm }
header { grid-column: 1 / 3; background: #000; color: #fff; font-weight: bold; text-align: center;
  line-height: 7mm; text-transform: uppercase }
footer { grid-column: 1 / 3; display: flex; justify-content: space-between; padding: 0 9mm;
  font-size: 1.9mm; color: #555 }
.half { padding: 3mm 9mm 0; min-width: 0; min-height: 0; display: flex; flex-direction: column }
h1 { font-size: 5mm; margin: 0 0 1mm } h2 { font-size: 3mm; margin: 1.5mm 0 1mm }
p { margin: 0 0 .8mm } b { font-weight: bold }
.map { flex: 1 1 0; min-height: 60mm; border: .3mm solid #000; background-position: center;
  background-size: contain; background-repeat: no-repeat }
.map img { width: 100%; height: 100%; object-fit: contain; display: block }
.look { display: flex; gap: 1.5mm; margin: 0 0 .6mm }
.look i { flex: none; width: 3.6mm; height: 3.6mm; background: #000; color: #fff;
  font: bold 2.4mm/3.6mm "DejaVu Sans", sans-serif; text-align: center }
.look span { float: right } .look div { flex: 1 }
.need { border: solid #000; border-width: .4mm 0; padding: 1mm 0; margin-top: 1mm }
.need p { font-weight: bold } .need div { display: flex; gap: 6mm; color: #555 }
.need span { flex: 1; border-bottom: .1mm solid #888 }
.rows { columns: var(--columns); column-gap: 4mm; font-size: var(--size) }
.row { display: grid; grid-template-columns: var(--parts) 1fr auto; height: var(--pitch);
  align-items: center; border-bottom: .1mm solid #bbb; break-inside: avoid; white-space: nowrap }
.row > :first-child { text-align: right; padding-right: .3em }
.row > :nth-child(4) { overflow: hidden; text-overflow: ellipsis }
.stand { background: #e4e4e4; font-weight: bold } .small { color: #555; font-size: 2mm }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .6mm 1mm;
  border-bottom: .1mm solid #bbb } td:nth-child(n+5), th:nth-child(n+5) { text-align: right }
.mark { display: inline-block; width: 3mm; height: 2mm; background: var(--colour);
  vertical-align: middle } .double { border: solid var(--colour); border-width: .7mm 0;
  background: #fff }
td:first-child { white-space: nowrap }
@media print { body { background: #fff } section { margin: 0 } }
"""


def book_page(book: Book, say: Words) -> str:
    """Return the page; every text in it is escaped."""
    parts = [_summary(book, say), *(_card(book, card, say) for card in book.cards)]
    title = escape_html(f"{say('Route cards')} · {say('For official use only')}")
    return (
        f'<!DOCTYPE html>\n<html lang="{say.lang}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _sheet(left: str, right: str, name: str, book: Book, say: Words, kind: str = "") -> str:
    owed = escape_html(one_line(book.plan.provenance.attribution))
    return (
        f'<section class="{kind}"><header>{escape_html(say("For official use only"))}</header>\n'
        f'<div class="half">{left}</div>\n<div class="half">{right}</div>\n'
        f"<footer><span>{owed}</span><span>{escape_html(name)}</span></footer></section>"
    )


def _card(book: Book, card: Card, say: Words) -> str:
    shown: set[int] = set()
    picture = ""
    if len(card.line):
        height = 118.0 if card.looks else 140.0

        def draw(ax: Any) -> None:
            shown.update(route_map(ax, (INNER, height), book, card, say))

        picture = _picture(draw, height, say("Map of the route"))
    facts = "".join(
        f"<p>{escape_html(head)}: <b>{escape_html(v)}</b></p>" for head, v in card.facts[:2]
    )
    rest = " · ".join(f"{head}: {value}" for head, value in card.facts[2:])
    need = "".join(f"<p>{escape_html(note)}</p>" for note in card.emergency)
    blanks = (say("Duty desk"), say("Senior of the crew"))
    need += f"<div>{''.join(f'{escape_html(head)} <span></span>' for head in blanks)}</div>"
    left = (
        f"<h1>{escape_html(card.name)}</h1>{facts}<p>{escape_html(rest)}</p>{picture}"
        f'{_looks(card, say)}<div class="need">{need}</div>'
    )
    setting = card.layout.setting
    k = setting.scale
    size = (
        f"--columns: {setting.columns}; --size: {setting.size * 0.3528:.2f}mm; "
        f"--pitch: {setting.pitch}mm; --parts: {5.6 * k:.2f}mm {8.6 * k:.2f}mm {3.6 * k:.2f}mm"
    )

    def listed(head: str, part: list[tuple[int, Row]]) -> str:
        rows = "".join(_row(n, row, n in shown, setting, say) for n, row in part)
        return f'<h2>{escape_html(head)}</h2><div class="rows" style="{size}">{rows}</div>'

    signs = "<br>".join(escape_html(line) for line in signs_of(card, say))
    right = (
        listed(f"{say('Route')} · {card.told}", card.layout.front) + f'<p class="small">{signs}</p>'
    )
    page = _sheet(left, right, card.name, book, say)
    more = [listed(f"{card.name} ({say('continued')})", part) for part in card.layout.overleaf]
    if not more:
        return page
    left, right = (*more, "")[:2]
    return page + _sheet(left, right, card.name, book, say)


def _looks(card: Card, say: Words) -> str:
    if not card.looks:
        return ""
    told = "".join(
        f'<div class="look"><i>{look.letter}</i><div><span>{times_of(look)}</span>'
        f"<b>{escape_html(look.place)}</b><br>{escape_html(look.what)}</div></div>"
        for look in card.looks
    )
    return f"<h2>{escape_html(say('What to look for'))}</h2>{told}"


def _row(number: int, row: Row, bold: bool, setting: Setting, say: Words) -> str:
    amount = say.metres(row.length) if row.moving else say.minutes(row.arrive, row.depart)
    text = setting.text_of(row, say)
    em = setting.size_of(text, bold=not row.moving) / setting.size
    shown = f"<b>{number}</b>" if bold else str(number)
    turn = TURNS[row.turn] if row.moving else "■"
    return (
        f'<div class="row{"" if row.moving else " stand"}"><span>{shown}</span>'
        f"<span>{clock(row.arrive)}</span><span>{turn}</span>"
        f'<span style="font-size: {em:.2f}em">{escape_html(text)}</span><span>'
        f"{escape_html(amount)}</span></div>"
    )


def _summary(book: Book, say: Words) -> str:
    colours = crew_colours(book.plan.routes.index).values()
    marks = [(colour, "mark double" if double else "mark") for colour, double in colours]
    heads = "".join(f"<th>{escape_html(head)}</th>" for head in ("", *crew_heads(say)))
    rows = "".join(
        f'<tr><td>{n} <i class="{kind}" style="--colour: {colour}"></i></td>'
        + "".join(f"<td>{escape_html(cell)}</td>" for cell in row)
        + "</tr>"
        for n, (row, (colour, kind)) in enumerate(zip(crew_rows(book, say), marks, strict=True), 1)
    )
    left = "".join(f"<p>{escape_html(text)}</p>" for text in gaps(book, say))
    notes = "".join(f'<p class="small">{escape_html(note)}</p>' for note in notes_of(book, say))
    head = f"<h2>{escape_html(say('Risk that nobody passes'))}</h2>" if left else ""
    told = (
        f"<h1>{escape_html(say('Patrol plan'))}</h1><p><b>{escape_html(window(book, say))}</b></p>"
        f"<p>{escape_html(' · '.join(totals(book, say)))}</p>"
        f"<table><tr>{heads}</tr>{rows}</table>{head}{left}{notes}"
    )
    picture = ""
    if any(book.walks.values()):
        picture = _picture(
            lambda ax: overview(ax, (INNER, 186.0), book, say), 186.0, say("Map of all routes")
        )
    long = "long" if len(book.cards) > 25 else ""
    return _sheet(told, picture, say("Summary"), book, say, long)


def _picture(draw: Callable[[Any], Any], height: float, what: str) -> str:
    """Return a drawing as an image within the page; in an image no script runs."""
    from matplotlib.figure import Figure

    with printing():
        figure = Figure(figsize=(INNER / 25.4, height / 25.4))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xticks=[], yticks=[])
        for side in ax.spines.values():
            side.set_visible(False)
        draw(ax)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    drawn = re.sub("<!--.*?-->", "", out.getvalue(), flags=re.DOTALL)  # texts again, as comments
    # Half the page would be the sixth decimals of points.
    drawn = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), drawn)
    text = base64.b64encode(drawn.encode()).decode()
    source = f"data:image/svg+xml;base64,{text}"
    return f'<div class="map"><img alt="{escape_html(what)}" src="{source}"></div>'
