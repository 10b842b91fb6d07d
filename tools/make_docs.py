"""Write docs/tables.md and the rules in docs/streets.md from the code: `make docs`."""

from pathlib import Path

from patrolmap.schema import TABLES, to_markdown
from patrolmap.streets.rules import DRIVE_RULES, WALK_RULES, Rule

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, STREETS = DOCS / "tables.md", DOCS / "streets.md"
RULES = {"walk": WALK_RULES, "drive": DRIVE_RULES}

HEAD = """# Tables

Every table that patrolmap takes or gives, as `patrolmap.schema` declares it and checks it.
Written by `make docs`; change the contract, not this page.

Index columns are **bold**. Lengths are metres, geometry is in a projected CRS in metres, times have
a time zone, and intervals hold their start but not their end. Risk is expected weighted events in
the window asked for.
"""

ABOUT = {
    "events": "What `read_events` and `combine_events` return.",
    "segments": "`StreetNetwork.segments`: one row a street piece between junctions.",
    "nodes": "`StreetNetwork.nodes`: one row a junction or end of a street.",
    "places": "What `read_places` returns: points of interest.",
    "districts": "What `read_districts` returns: administrative boundaries.",
    "routes": "`Plan.routes`: one row a crew.",
    "visits": "`Plan.visits`: one row a step, in the order walked.",
    "plan segments": "`Plan.segments`: what the routes use and what lies around, with its risk.",
    "stops": "`Plan.stops`: the depots.",
    "unserved": "`Plan.unserved`: risky segments that nobody passes.",
    "plan grounds": "`Plan.grounds`: parks and water for the cards' maps; None without any.",
    "hotspots": "What `hotspots` returns.",
    "local statistics": "What `local_statistics` returns: a row for each street that counts.",
    "segment trends": "What `segment_trends` returns: a row for each street that counts.",
    "near repeat": "What `near_repeat` returns.",
    "contours": "What `Raster.contours` returns: a row a share.",
    "lixels": "What `network_kde` returns: a row a lixel.",
}


def page() -> str:
    """Return the page as it should be."""
    parts = [f"## {t.name}\n\n{ABOUT[t.name]}\n\n{to_markdown(t)}\n" for t in TABLES]
    return "\n".join([HEAD, *parts])


def rules_table(rules: tuple[Rule, ...]) -> str:
    """Write rules as a Markdown table, in the order in which they are asked."""
    rows = [
        "| rule | a way is | where any of | is any of | of the kinds |",
        "|---|---|---|---|---|",
    ]
    for rule in rules:
        keys, values = (", ".join(sorted(words)) for words in (rule.keys, rule.values))
        kinds = ", ".join(sorted(rule.kinds or [])) or "all"
        rows.append(
            f"| {rule.name} | {'in' if rule.admits else 'out'} | {keys} | {values} | {kinds} |"
        )
    return "\n".join(rows)


def streets_page(text: str) -> str:
    """Return the page on streets with the rules as they stand between its marks."""
    for mode, rules in RULES.items():
        begin, end = f"<!-- {mode} -->", f"<!-- /{mode} -->"
        before, rest = text.split(begin)
        text = f"{before}{begin}\n{rules_table(rules)}\n{end}{rest.split(end)[1]}"
    return text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    STREETS.write_text(streets_page(STREETS.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE, STREETS)
