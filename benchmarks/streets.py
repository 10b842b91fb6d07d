"""Measure streets: reading beside peers, length, cache, snapping, distances, a country, a million.

    python benchmarks/streets.py heidelberg porto --peers peers/bin/python
    python benchmarks/streets.py length cached snapping distances
    python benchmarks/streets.py country million      # these first write a large extract, minutes
    python benchmarks/streets.py all --write          # the tables go into docs/measured.md

Every figure is of a process of its own that has read the bundled sample first (ours and pyrosm's),
so that all is imported; kernels were compiled in an earlier run. Seconds are of the call alone,
and peak memory is the process's greatest resident size, imports included. Ours is the median of
`--runs` (3), a peer's a single run. Reading ends with a graph to walk on, ours and theirs; peers
leave sidewalks as lines, so it is `sidewalks="keep"` that does the same work.

pyrosm (not among our requirements: its wheels want other versions) runs in a Python that has it:

    python -m venv peers && peers/bin/pip install pyrosm igraph

Wanted, on 2 cores: reading 20 times faster than osmnx and 4 times faster than pyrosm, in less
memory; a walkable length within 2 % of osmnx's filter; a million events snapped in 3 s; Porto from
the cache in 0.3 s; 2,000 x 2,000 distances up to 4 km in 0.5 s, 3 times faster than scipy; one
district of a country's 100 MB in 60 s and 2 GB; a million segments in 6 GB, plans without a copy.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure

HERE = Path(__file__)
HEADING = "## Streets"
CITIES = ("heidelberg", "porto")
WHAT = (*CITIES, "length", "cached", "snapping", "distances", "country", "million")
Row = tuple[str, ...]


def main() -> None:
    """Measure what is asked for and print it as Markdown tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", choices=[*WHAT, "all"])
    parser.add_argument("--data", type=Path, default=measure.ROOT.parent / "shared" / "data")
    parser.add_argument("--peers", type=Path, help="a Python that has pyrosm and igraph; see above")
    parser.add_argument("--runs", type=int, default=3, help="how often ours is measured")
    parser.add_argument("--work", type=Path, help="where large extracts are written, and kept")
    parser.add_argument(
        "--write", action="store_true", help=f"replace {HEADING} in {measure.DOCS.name}"
    )
    given = parser.parse_args()
    given.data = given.data.resolve()
    what = WHAT if "all" in given.what else given.what
    with tempfile.TemporaryDirectory() as temporary:
        given.work = given.work or Path(temporary)
        given.work.mkdir(parents=True, exist_ok=True)
        parts = [f"Measured on {measure.machine()}."]
        print(parts[0], flush=True)
        for name in what:
            part = reading(name, given) if name in CITIES else MEASURED[name](given)
            parts.append(part)
            print(f"\n{part}", flush=True)
    if given.write:
        command = "python benchmarks/streets.py all --peers peers/bin/python"
        measure.write_section(HEADING, command, "\n\n".join(parts))


def child(name: str, *arguments: object, python: Path | str = sys.executable) -> dict[str, Any]:
    """Run one of the functions of `streets_runs.py` in a process of its own."""
    command = [python, HERE.with_name("streets_runs.py"), name, *map(str, arguments)]
    told: dict[str, Any] = measure.run(command).told
    return told


def median(given: argparse.Namespace, name: str, *arguments: object) -> dict[str, Any]:
    """Run once to compile, then measure: the run with the median seconds, and the most memory."""
    child(name, *arguments)
    told = sorted((child(name, *arguments) for _ in range(given.runs)), key=lambda t: t["seconds"])
    return told[len(told) // 2] | {"memory": max(t["memory"] for t in told)}


def table(title: str, head: Row, *rows: Row) -> str:
    """Write a Markdown table under a heading."""
    return f"### {title}\n\n{measure.table(head, rows)}"


def source(given: argparse.Namespace, city: str) -> Path:
    """Return a city's extract."""
    path: Path = given.data / city / f"{city}.osm.pbf"
    return path


def reading(city: str, given: argparse.Namespace) -> str:
    """Read a city with each library."""
    path = source(given, city)
    ours = median(given, "read", path, "keep")
    merged = median(given, "read", path, "merge")
    xml = given.work / f"{city}.osm"
    child("as_xml", path, xml)
    theirs = {"osmnx `graph_from_xml`": child("read_osmnx", xml)}
    if given.peers is not None:
        theirs["pyrosm, walking, to igraph"] = child("read_pyrosm", path, python=given.peers)
    name = 'patrolmap, `sidewalks="keep"`, as theirs'
    rows: list[Row] = [(name, f"{ours['seconds']:.2f} s", "", mb(ours), ours["what"])]
    times = f"{merged['seconds'] / ours['seconds']:.1f}"
    rows.append(("patrolmap", f"{merged['seconds']:.2f} s", times, mb(merged), merged["what"]))
    for name, told in theirs.items():
        times = f"{told['seconds'] / ours['seconds']:.1f}"
        rows.append((name, f"{told['seconds']:.2f} s", times, mb(told), told["what"]))
    if given.peers is None:
        rows.append(("pyrosm", "not measured: give --peers", "", "", ""))
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    head = ("", "seconds", "times as long", "peak memory", "what")
    return table(f"{city.title()} ({size}), from file to graph", head, *rows)


def mb(told: dict[str, Any]) -> str:
    """Write a peak."""
    return f"{told['memory']:,.0f} MB"


def length(given: argparse.Namespace) -> str:
    """Hold our walk filter, sidewalks kept, against osmnx's on the same ways."""
    rows: list[Row] = []
    for city in CITIES:
        told = child("compare_lengths", source(given, city))
        share = told["ours"] / told["theirs"] - 1
        rows.append((f"**{city.title()}**: osmnx's filter", f"{told['theirs']:.1f}", ""))
        for name, km in told["differences"]:
            rows.append((name, f"{km:+.1f}", f"{km / told['theirs']:+.2%}"))
        rows.append(("our filter", f"{told['ours']:.1f}", f"{share:+.2%}"))
        for name, km in told["network"]:
            rows.append((name, f"{km:.1f}", f"{km / told['theirs'] - 1:+.2%}"))
    return table("Walkable length and the rules by which it differs", ("", "km", "share"), *rows)


def cached(given: argparse.Namespace) -> str:
    """Read Porto from the cache."""
    folder = given.work / "cache"
    told = median(given, "read_cached", source(given, "porto"), folder)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    row = (f"{told['seconds']:.2f} s", "0.3 s", mb(told), f"{size:.0f} MB", told["what"])
    head = ("measured", "wanted", "peak memory", "file", "what")
    return table("Porto from the cache", head, row)


def snapping(given: argparse.Namespace) -> str:
    """Snap a million events to Porto."""
    told = median(given, "snap", source(given, "porto"), 1_000_000)
    row = (
        f"{told['seconds']:.2f} s",
        "3 s",
        f"{told['differ']} of {told['checked']:,}",
        mb(told),
        told["what"],
    )
    head = ("measured", "wanted", "not the nearest segment that GEOS finds", "peak memory", "what")
    return table("A million events in degrees, snapped", head, row)


def distances(given: argparse.Namespace) -> str:
    """Measure 2,000 x 2,000 distances beside scipy."""
    told = median(given, "distances", source(given, "porto"), 2000, 4000)
    rows = [
        ("`distance_matrix`", f"{told['seconds']:.2f} s", "0.5 s"),
        ("scipy `dijkstra(limit=)`, one thread", f"{told['scipy']:.2f} s", ""),
        ("times as long", f"{told['scipy'] / told['seconds']:.1f}", "3"),
        ("distances that differ", f"{told['differ']}", "0"),
    ]
    title = "2,000 x 2,000 walking distances up to 4 km on Porto"
    return table(title, ("", "measured", "wanted"), *rows)


def country(given: argparse.Namespace) -> str:
    """Read one district of an extract the size of a country."""
    path, tiles = tiled(given, 100e6)
    told = median(given, "read", path, "merge", f"District {tiles // 2}")
    size = f"{path.stat().st_size / 1e6:.0f} MB, {tiles} cities"
    row = (size, f"{told['seconds']:.1f} s", "60 s", mb(told), "2,000 MB", told["what"])
    head = ("extract", "measured", "wanted", "peak memory", "wanted", "what")
    return table("One district of a country", head, row)


def million(given: argparse.Namespace) -> str:
    """Read a million segments and plan on them."""
    path, _ = tiled(given, 10 * source(given, "porto").stat().st_size)
    told = child("plan", path)
    rows = [
        ("reading", f"{told['seconds']:.1f} s", f"{told['memory']:.0f} MB peak", "6,000 MB"),
        ("network in memory", "", f"{told['held']:.0f} MB", ""),
        (
            "`plan_patrols`, 4 crews",
            f"{told['plan_seconds']:.1f} s",
            f"{told['plan_memory']:+.0f} MB",
            f"below {told['held']:.0f} MB",
        ),
    ]
    return table(told["what"], ("", "seconds", "memory", "wanted"), *rows)


def tiled(given: argparse.Namespace, size: float) -> tuple[Path, int]:
    """Return an extract of at least `size` bytes made of shifted Portos, and how many."""
    city = source(given, "porto")
    tiles = -int(-size // city.stat().st_size)
    while True:
        path: Path = given.work / f"porto-{tiles}.osm.pbf"
        if not path.exists():
            child("tile", city, path, tiles)
        if path.stat().st_size >= size:
            return path, tiles
        tiles += 2


MEASURED: dict[str, Callable[[argparse.Namespace], str]] = {
    "length": length,
    "cached": cached,
    "snapping": snapping,
    "distances": distances,
    "country": country,
    "million": million,
}


if __name__ == "__main__":
    main()
