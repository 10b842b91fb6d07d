"""Measure reading events: a million rows of CSV in each encoding, and San Francisco.

    python benchmarks/events.py                    # all
    python benchmarks/events.py csv                # or san_francisco
    python benchmarks/events.py all --write        # the table goes into docs/measured.md

A million rows are drawn by a seeded script, shaped as an export of the crime map of Kazakhstan.
`check_events` reads, checks, projects and reports them; beside it stands pandas, told the encoding
and the separator, which only cuts them into cells. San Francisco needs ../shared.

Every figure is of a process of its own that has imported what it needs; seconds are those of the
call alone, the median of `--runs` (3), and peak memory is the process's greatest resident size,
imports included.

Wanted, on 2 cores: a million rows of CSV in 6 s and 1.5 GB; San Francisco's 878,049 rows in 6 s,
its 67 rows at latitude 90 and its 2,323 duplicates told.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import measure

HERE = Path(__file__)
HEADING = "## Events"
ABOUT = """\
Files into checked, projected tables with their reports (`check_events`). pandas alone is told the
encoding and only cuts a file into cells.
"""
ROWS = 1_000_000
ENCODINGS = {"utf-8": "UTF-8", "cp1251": "Windows-1251", "utf-16": "UTF-16"}
SECONDS, MB = 6.0, 1500.0
Told = dict[str, Any]


def main() -> None:
    """Measure what is asked for and print it as a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", choices=["csv", "san_francisco", "all"], default="all")
    parser.add_argument("--data", type=Path, default=measure.ROOT.parent / "shared" / "data")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--work", type=Path, help="where the CSV files are written, and kept")
    parser.add_argument(
        "--write", action="store_true", help=f"replace {HEADING} in {measure.DOCS.name}"
    )
    parser.add_argument("--child", nargs=2, metavar=("CALL", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        call, file = given.child
        print(json.dumps(CALLS[call](Path(file))))
        return
    what = ("csv", "san_francisco") if "all" in given.what else tuple(given.what)
    lines = [
        f"Measured on {measure.machine()}; {given.rows:,} rows of CSV.",
        "",
        "| | seconds | wanted | pandas alone | peak memory | wanted | pandas | rows, kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        for name in what:
            for line in MEASURED[name](given, work):
                lines.append(line)
                print(line, flush=True)
    if given.write:
        measure.write_section(
            HEADING, "python benchmarks/events.py all", "\n".join([ABOUT, *lines])
        )


def median(call: str, path: Path, runs: int) -> Told:
    """Run a call in processes of its own; return the run with the median seconds."""
    command: list[str | Path] = [sys.executable, HERE, "--child", call, path]
    told: list[Told] = [measure.run(command).told for _ in range(runs)]
    told.sort(key=lambda one: float(one["seconds"]))
    return told[len(told) // 2] | {"memory": max(t["memory"] for t in told)}


def line(title: str, ours: Told, theirs: Told) -> str:
    """Write one line of the table."""
    cells = (
        title, f"{ours['seconds']:.2f} s", f"{SECONDS:g} s", f"{theirs['seconds']:.2f} s",
        f"{ours['memory']:,.0f} MB", f"{MB:,.0f} MB", f"{theirs['memory']:,.0f} MB", ours["what"],
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def measure_csv(given: argparse.Namespace, work: Path) -> list[str]:
    """Measure CSV in each encoding."""
    lines = []
    for codec, title in ENCODINGS.items():
        path = work / f"events-{given.rows}-{codec}.csv"
        if not path.exists():
            write_csv(path, codec, given.rows)
        ours = median("read_csv", path, given.runs)
        theirs = median(f"pandas_{codec}", path, given.runs)
        lines.append(line(f"CSV in {title}, {path.stat().st_size / 1e6:,.0f} MB", ours, theirs))
    return lines


def measure_san_francisco(given: argparse.Namespace, work: Path) -> list[str]:
    """Measure San Francisco."""
    path = given.data.resolve() / "san_francisco" / "sfpd_incidents_2003_2015.parquet"
    ours = median("read_san_francisco", path, given.runs)
    return [line("San Francisco, Parquet", ours, median("pandas_parquet", path, given.runs))]


def write_csv(path: Path, codec: str, rows: int) -> None:
    """Draw an export of the crime map: dates, articles and organs in Russian, degrees."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(5)
    began = np.datetime64("2020-01-01T00:00") + rng.integers(0, 4 * 525_600, rows).astype("m8[m]")
    articles = [
        f"ст.{a} ч.{p}" for a in (106, 107, 188, 190, 191, 192, 293, 296) for p in (1, 2, 3)
    ]
    organs = [f"Управление полиции {name} района" for name in (
        "Алмалинского", "Ауэзовского", "Бостандыкского", "Жетысуского", "Медеуского")]  # fmt: skip
    when = pd.DatetimeIndex(began)
    table = pd.DataFrame(
        {
            "OBJECTID": np.arange(1, rows + 1),
            "STAT": rng.choice(articles, rows),
            "HARD_CODE": rng.integers(1, 5, rows),
            "TRANSGRESSION": rng.integers(5, 7, rows),
            "ORGAN": rng.choice(organs, rows),
            "DAT_SOVER_STR": when.strftime("%d.%m.%Y %H:%M"),
            "DAT_VOZB_STR": (when + pd.to_timedelta(rng.integers(0, 9, rows), unit="D")).strftime(
                "%d.%m.%Y"
            ),
            "FE1R29P1_ID": rng.integers(1, 104, rows),
            "lon": rng.normal(76.92, 0.05, rows).round(6),
            "lat": rng.normal(43.25, 0.03, rows).round(6),
        }
    )
    table.to_csv(path, index=False, encoding=codec, sep=";")


def ready() -> Any:
    """Import patrolmap and all that its calls import when first used."""
    import pandera.pandas  # noqa: F401
    import pyarrow.compute
    import pyarrow.csv  # noqa: F401
    from pyarrow import parquet  # noqa: F401

    import patrolmap as pm
    import patrolmap.events.read

    return pm


def read_csv(path: Path) -> Told:
    """Read an export with patrolmap."""
    return timed(lambda: ready().check_events(path, preset="kz_crime", source_crs=4326))


def read_san_francisco(path: Path) -> Told:
    """Read San Francisco with patrolmap."""
    return timed(lambda: ready().check_events(path, preset="san_francisco"))


def timed(read: Any) -> Told:
    """Time a call of `check_events`."""
    ready()
    began = time.perf_counter()
    report = read()
    seconds = time.perf_counter() - began
    dropped = [f"{n:,} {reason}" for reason, n in report.dropped.items()]
    what = "; ".join([f"{report.rows:,}, {report.kept:,}", *dropped])
    return {"seconds": seconds, "memory": measure.peak_mb(), "what": what}


def pandas_alone(function: str, path: Path, **options: Any) -> Told:
    """Time pandas."""
    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    began = time.perf_counter()
    frame = getattr(pd, function)(path, **options)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "memory": measure.peak_mb(), "what": f"{len(frame):,}"}


CALLS: dict[str, Any] = {
    "read_csv": read_csv,
    "read_san_francisco": read_san_francisco,
    "pandas_parquet": lambda path: pandas_alone("read_parquet", path),
    **{
        f"pandas_{codec}": lambda path, codec=codec: pandas_alone(
            "read_csv", path, sep=";", encoding=codec
        )
        for codec in ENCODINGS
    },
}
MEASURED = {"csv": measure_csv, "san_francisco": measure_san_francisco}


if __name__ == "__main__":
    main()
