"""Measure density, bandwidths, hotspots and the default risk, peers beside ours in the same run.

    python benchmarks/density.py planar --peers peers/bin/python
    python benchmarks/density.py all --peers peers/bin/python --write

`planar` needs a Python with libkdv, KDEpy, scikit-learn and scipy for the peers (`--peers`),
`hotspots` esda in ours.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import density_default
import density_hotspots
import density_network
import density_planar
import density_simple
import measure

HEADING = "## Density and hotspots"
LINES = ("work", "measured", "more")


def planar(given: argparse.Namespace) -> str:
    """Measure rasters."""
    return measure.table(density_planar.HEAD, density_planar.rows(given))


def network(given: argparse.Namespace) -> str:
    """Measure equal-split densities along streets."""
    return measure.table(LINES, density_network.rows())


def simple(given: argparse.Namespace) -> str:
    """Measure the simple density along streets, and choosing a bandwidth."""
    return measure.table(LINES, density_simple.rows())


def hotspots(given: argparse.Namespace) -> str:
    """Measure hotspots and their statistics."""
    return measure.table(density_hotspots.HEAD, density_hotspots.hotspot_rows(given.data))


def default(given: argparse.Namespace) -> str:
    """Score the default risk on later events, beside raw counts."""
    return density_default.table(density_default.default_rows(given.data))


MEASURED: dict[str, tuple[str, Callable[[argparse.Namespace], str]]] = {
    "planar": ("Rasters: 20 x 20 km, 1,000 x 1,000 cells, 500 m", planar),
    "network": ("Along streets, equal split: lixels of 20 m, 500 m", network),
    "simple": ("Along streets, shortest path; choosing a bandwidth", simple),
    "hotspots": ("Hotspots and statistics on Porto, 116,000 segments", hotspots),
    "default": ("What the default risk is worth: later events on the top 5 % of length", default),
}


def main() -> None:
    """Measure what is asked for and print it as Markdown tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="+", choices=[*MEASURED, "all"])
    parser.add_argument("--data", type=Path, default=measure.ROOT.parent / "shared" / "data")
    parser.add_argument("--peers", type=Path, help="a Python that has the planar peers; see above")
    parser.add_argument("--runs", type=int, default=5, help="how often a raster is measured")
    parser.add_argument("--slow", action="store_true", help="peers that take minutes too")
    parser.add_argument("--write", action="store_true", help=f"replace {HEADING} in the docs")
    given = parser.parse_args()
    parts = [f"Measured on {measure.machine()}."]
    print(parts[0], flush=True)
    for name in MEASURED if "all" in given.what else given.what:
        title, work = MEASURED[name]
        parts.append(f"### {title}\n\n{work(given)}")
        print(f"\n{parts[-1]}", flush=True)
    if given.write:
        command = "python benchmarks/density.py all --peers peers/bin/python"
        measure.write_section(HEADING, command, "\n\n".join(parts))


if __name__ == "__main__":
    main()
