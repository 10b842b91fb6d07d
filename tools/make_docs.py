"""Write docs/tables.md from the column contracts: `make docs`."""

from pathlib import Path

from patrolmap.schema import TABLES, to_markdown

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tables.md"

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
    "hotspots": "What `hotspots` returns.",
}


def page() -> str:
    """Return the page as it should be."""
    parts = [f"## {t.name}\n\n{ABOUT[t.name]}\n\n{to_markdown(t)}\n" for t in TABLES]
    return "\n".join([HEAD, *parts])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
