"""Write docs/real_events.md: every real file of events in ../shared/data, as it is read.

python tools/make_events_table.py            # needs ../shared
python tools/make_events_table.py --print    # the table alone, to the terminal
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import patrolmap as pm

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "real_events.md"
OWN = ROOT / "examples" / "presets"
ELL = " +ellps=WGS84 +units=us-ft"
CHICAGO = f"+proj=tmerc +lat_0=41.787 +lon_0=-87.602{ELL}"

TEXT = """# Real events

How patrolmap reads the real files that it is tested on, as `check_events` reports it. Written by
`python tools/make_events_table.py` from files that are no part of the project; their sources are
named below the table. Read as: the preset, or a file of one's own
([examples/presets](../examples/presets)), and what else was said.

{table}

- *period*: some hours of a day. Place: degrees of longitude and latitude.
- Dropped rows stay in the report, each with its reason. None of these files needs any row mended
  before it is read.
- Seconds are of one call in a process that has read another file before, on {machine}.

## Where they come from

{sources}
"""


@dataclass(frozen=True, kw_only=True)
class RealFile:
    """One real file and how it is read."""

    path: str
    source: str
    said: str
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the file without its folder."""
        return Path(self.path).name


def preset(name: str) -> dict[str, Any]:
    """Return how a file is read with a preset alone."""
    own = OWN / f"{name}.toml"
    return {"said": f"`{name}`", "options": {"preset": own if own.exists() else name}}


NIJ = "National Institute of Justice, crime forecasting challenge"
KZ = "Kel0/saqtan_scripts: one record of the old crime service"
FILES = (
    RealFile(path="kz/crime_feature_old_service.json", source=KZ, **preset("kz_crime")),
    RealFile(path="kz/features_row.csv", source=f"{KZ}, without a header", **preset("kz_crime")),
    RealFile(
        path="san_francisco/sfpd_incidents_2003_2015.parquet", source="DataSF",
        **preset("san_francisco"),
    ),
    RealFile(
        path="nyc/nyc_vehicle_thefts.parquet", source="mpjashby/crimedata", **preset("nyc")
    ),
    RealFile(
        path="madison/madison_dane_crashes.parquet", source="public crash data", **preset("madison")
    ),
    RealFile(
        path="pittsburgh/CrimeLatLonXY.csv",
        source="bkyappworks/Pittsburgh-Crime-with-2D-Tree; lines end in CR alone",
        **preset("pittsburgh"),
    ),
    RealFile(
        path="portland/nij_calls_2016-08_2016-09.parquet", source=NIJ, **preset("portland_nij")
    ),
    RealFile(
        path="portland/nij_burglary_2012-03_2016-02.csv", source=NIJ,
        **preset("portland_burglary"),
    ),
    RealFile(
        path="portland/nij_vehicle_theft_2012-03_2016-02.csv", source=NIJ,
        **preset("portland_vehicle_theft"),
    ),
    RealFile(
        path="chicago_uni/chicago_points.csv",
        source="spatstat.data; feet from a corner of the map, so the origin is our guess",
        said="`generic`, crime, category from `marks`, `source_crs` local feet",
        options={"kind": "crime", "source_crs": CHICAGO, "columns": {"category": "marks"}},
    ),
    RealFile(
        path="montreal/vignette_nkde_events_aggregated5m_267.csv",
        source="JeremyGelb/spNetwork; bicycle accidents put together within 5 m",
        said="`generic`, accident, `source_crs` EPSG:3797",
        options={"kind": "accident", "source_crs": "EPSG:3797"},
    ),
    RealFile(
        path="montreal/spNetwork.gpkg", source="JeremyGelb/spNetwork; bicycle accidents",
        said="`generic`, accident, layer `bike_accidents`",
        options={"kind": "accident", "layer": "bike_accidents", "tz": "America/Toronto"},
    ),
)  # fmt: skip
HEAD = ("file", "read as", "rows", "kept", "dropped", "first and last", "time known to the",
        "place", "seconds")  # fmt: skip


def row(real: RealFile) -> tuple[str, ...]:
    """Read a file; return its cells, the seconds last."""
    began = time.perf_counter()
    report = pm.check_events(DATA / real.path, **real.options)
    seconds = time.perf_counter() - began
    told = report.to_dict()
    when, place = told["time"], told["place"]
    dropped = [f"{one['rows']:,} {one['reason']}" for one in told["dropped"]]
    total = sum(when["precision"].values())
    known = [f"{word} {percent(n / total)}" for word, n in when["precision"].items()]
    return (
        f"{Path(real.path).parent.name}/{real.name}",
        real.said,
        f"{told['rows']:,}",
        f"{told['kept']:,}",
        ", ".join(dropped) or "none",
        f"{when['first'][:10]} to {when['last'][:10]}" if when["first"] else "unknown",
        ", ".join(known),
        f"{place['west']:.2f}..{place['east']:.2f}, {place['south']:.2f}..{place['north']:.2f}",
        f"{seconds:.2f}",
    )


def percent(share: float) -> str:
    """Write a share so that all of them may be added up by eye."""
    return f"{share:.0%}" if share in (0, 1) else f"{share:.1%}"


def table(files: tuple[RealFile, ...] = FILES) -> list[str]:
    """Return the lines of the table."""
    rows = [HEAD, tuple("---" for _ in HEAD), *(row(real) for real in files)]
    return [f"| {' | '.join(cells)} |" for cells in rows]


def page() -> str:
    """Return the page as it should be."""
    row(FILES[0])  # imports are no part of reading
    sources = "\n".join(
        f"- {Path(real.path).parent.name}/{real.name}: {real.source}." for real in FILES
    )
    return TEXT.format(table="\n".join(table()), sources=sources, machine=machine())


def machine() -> str:
    """Name the machine as the benchmarks do."""
    import sys

    sys.path.insert(0, str(ROOT / "benchmarks"))
    import measure

    return measure.machine()


def main() -> None:
    """Write the page, or print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    if parser.parse_args().print:
        print("\n".join(table()))
        return
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
