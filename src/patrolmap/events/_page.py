"""A report as one page that opens offline: no script, nothing loaded, every text escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from patrolmap.events._facts import shares

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }}
h1 {{ font-size: 1.4rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid #8886; overflow-wrap: anywhere; }}
.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.big {{ font-size: 1.2rem; }}
small {{ opacity: .75; }}
</style>
</head>
<body>
"""
_TAIL = "</body>\n</html>\n"


def page(told: Mapping[str, Any]) -> str:
    """Write what `facts` tells as an HTML page."""
    rows, kept = told["rows"], told["kept"]
    parts = [
        _HEAD.format(title=escape(f"What was read of {told['source']}")),
        f"<h1>{escape(told['source'])}</h1>\n",
        f'<p class="big">{rows:,} rows: <b>{kept:,} kept</b>, <b>{rows - kept:,} dropped</b></p>\n',
        _dropped(told["dropped"]),
        "<h2>Kept</h2>\n",
        _pairs(_kept(told)),
        *(
            f"<h2>{title}</h2>\n{_shares(told[key])}"
            for key, title in (("category", "Categories"), ("severity", "How grave"))
        ),
        f"<h2>How well the time is known</h2>\n{_shares(told['time']['precision'])}",
        "<h2>Read as</h2>\n<ul>\n",
        *(f"<li>{escape(note)}</li>\n" for note in told["notes"]),
        "</ul>\n",
        _TAIL,
    ]
    return "".join(parts)


def _dropped(dropped: Sequence[Mapping[str, Any]]) -> str:
    if not dropped:
        return "<h2>Dropped</h2>\n<p>Nothing.</p>\n"
    rows = [
        f'<tr><td class="n">{one["rows"]:,}</td>'
        f"<td><b>{escape(one['reason'])}</b><br><small>{escape(one['mend'])}</small></td>"
        f"<td>{'<br>'.join(_example(case) for case in one['examples'])}</td></tr>\n"
        for one in dropped
    ]
    head = '<tr><th class="n">Rows</th><th>Why, and the mend</th><th>For example</th></tr>\n'
    return f"<h2>Dropped</h2>\n<table>\n{head}{''.join(rows)}</table>\n"


def _example(case: Mapping[str, Any]) -> str:
    wanted = escape(case["wanted"])
    return f"row {case['row']:,}: {escape(case['given'])} <small>(wanted {wanted})</small>"


def _kept(told: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    time, place, harm = told["time"], told["place"], told["harm"]
    yield "map", told["kind"]
    if time["first"]:
        yield "from", time["first"].replace("T", " ")
        yield "to", f"{time['last'].replace('T', ' ')} ({time['tz']})"
    if told["lag"]:
        yield "days to registration", told["lag"]["text"]
    lon = f"{place['west']:.3f}..{place['east']:.3f} E"
    lat = f"{place['south']:.3f}..{place['north']:.3f} N"
    yield "place", f"{lon}, {lat}, in {place['crs']}"
    if harm["known"]:
        yield "harm", said_harm(harm)
    if told["police_initiated"]:
        yield "found by police themselves", f"{told['police_initiated']:,}"


def said_harm(harm: Mapping[str, Any]) -> str:
    """Write how much harm is known.

    Examples
    --------
    >>> said_harm({"known": 9, "unknown": 1, "days": 1234.5})
    '1,234 days in all; not known of 1 event'
    """
    gaps = harm["unknown"]
    lacking = f"; not known of {gaps:,} event{'s' * (gaps > 1)}" if gaps else ""
    days = "too many to add up" if harm["days"] is None else f"{harm['days']:,.0f} days in all"
    return f"{days}{lacking}"


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    rows = (f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>\n" for a, b in pairs)
    return f"<table>\n{''.join(rows)}</table>\n"


def _shares(counts: Mapping[str, int]) -> str:
    rows = (
        f'<tr><td>{escape(word)}</td><td class="n">{count:,}</td><td class="n">{share}</td></tr>\n'
        for word, count, share in shares(counts)
    )
    return f"<table>\n{''.join(rows)}</table>\n"
