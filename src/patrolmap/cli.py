"""The command line: demo, plan, check.

Exit codes: 0 done, 2 bad input, 3 no feasible plan, or rows dropped (`check --strict`).
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patrolmap.errors import InfeasibleError, PatrolmapError

if TYPE_CHECKING:
    from patrolmap.config import NightlyConfig
    from patrolmap.events import EventsReport
    from patrolmap.nightly import NightlyResult

BAD_INPUT, INFEASIBLE, DROPPED = 2, 3, 3
HOME = "Asia/Almaty"
DEMO_NIGHT = dt.date(2026, 11, 6)  # a Friday after the sample's last event

CHECK_EXAMPLES = """
Examples:

  patrolmap check crimes.xlsx --kind crime

  patrolmap check page-1.json page-2.json --preset kz_crime --out checked

  patrolmap check calls.csv --kind call --columns occurred_from="Принят" --strict

  patrolmap check https://gis.example.kz/arcgis/rest/services/KPSSU/crime/FeatureServer/1
  --preset kz_crime --where "city_code='1975'" --start 2024-01-01 --format json
"""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Foot and night patrol routes from crime, accident and juvenile-offence maps, offline.",
)

Out = Annotated[Path, typer.Option(help="Folder for the results: new, empty or of a run before.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print the summary even where nobody watches.")
]


@app.command()
def demo(out: Out = Path("demo")) -> None:
    """Plan one night of the bundled sample district."""
    from patrolmap import datasets
    from patrolmap.config import NightlyConfig

    with _exit_codes():
        config = NightlyConfig.from_file(datasets.sample().config)
        _run(config, DEMO_NIGHT, out, say=True)


@app.command()
def plan(
    config: Annotated[Path, typer.Argument(help="TOML file: streets, events, depots, shifts.")],
    out: Out,
    night: Annotated[
        str | None, typer.Option(help="Date the shifts start on, e.g. 2026-11-22; default today.")
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Plan the patrols of one night from a config file.

    Prints nothing where nobody watches (cron) unless something is wrong; the summary also
    stands in the results as summary.txt.
    """
    from patrolmap.config import NightlyConfig

    with _exit_codes():
        date = None if night is None else _date(night)
        _run(NightlyConfig.from_file(config), date, out, say=verbose or sys.stdout.isatty())


class Form(StrEnum):
    """How `check` prints its report."""

    TEXT = "text"
    HTML = "html"
    JSON = "json"


SHAPES = "If columns or dates are not found"
ONLINE = "Map services and databases"


@app.command(epilog=CHECK_EXAMPLES)
def check(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|ADDRESS...",
            help="File, or address of a layer of a map service or of a database. Several files "
            "are pages of one map, or parts of one table.",
        ),
    ],
    kind: Annotated[
        str | None,
        typer.Option(help="crime, accident, juvenile or call; default the preset's, else crime."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Shape of the source, e.g. kz_crime, kz_accident, kz_juvenile, kz_calls, or the "
            "path of a TOML file of your own."
        ),
    ] = None,
    tz: Annotated[
        str | None,
        typer.Option(help=f"Zone of clock times; default the preset's, else {HOME}."),
    ] = None,
    boundary: Annotated[
        str | None, typer.Option(help="File with a polygon: events outside it are dropped.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="What is printed.")] = Form.TEXT,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report (text, HTML, JSON) and the dropped rows (CSV)."),
    ] = None,
    rejects: Annotated[Path | None, typer.Option(help="CSV for the dropped rows alone.")] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help=f"Exit code {DROPPED} if any row was dropped.")
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            "--column",
            metavar="ROLE=COLUMN",
            rich_help_panel=SHAPES,
            help="Column that is not found by itself, e.g. occurred_from=When; may stand often.",
        ),
    ] = None,
    time_format: Annotated[
        str | None, typer.Option(help="Form of dates, e.g. %m/%d/%Y.", rich_help_panel=SHAPES)
    ] = None,
    source_crs: Annotated[
        str | None,
        typer.Option(help="CRS of the coordinates, e.g. EPSG:32643.", rich_help_panel=SHAPES),
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option(
            help="Metric CRS of the result; default the UTM zone.", rich_help_panel=SHAPES
        ),
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(
            help="Moment of the export: later dates lie in the future.", rich_help_panel=SHAPES
        ),
    ] = None,
    harm: Annotated[
        str | None,
        typer.Option(help="Days of harm: kz, equal, or a CSV.", rich_help_panel=SHAPES),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="Layer of a GeoPackage, sheet of an Excel file.", rich_help_panel=SHAPES),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(help="Service: its filter, e.g. city_code='1975'.", rich_help_panel=ONLINE),
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Service: events from this date on.", rich_help_panel=ONLINE)
    ] = None,
    end: Annotated[
        str | None, typer.Option(help="Service: events before this date.", rich_help_panel=ONLINE)
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Database: one SELECT.", rich_help_panel=ONLINE)
    ] = None,
) -> None:
    """Say what would be kept of a map of events, what dropped, and why.

    Nothing is changed, and nothing goes online unless an address is given.

    Passwords and tokens stand in the environment: PGPASSWORD, PATROLMAP_ARCGIS_TOKEN.

    Where an error says name=, the option is --name.

    Exit code 0: read; 2: cannot be read; 3: rows were dropped, and --strict asked to tell.
    """
    from patrolmap.events import check_events, load_preset
    from patrolmap.events.report import require_report, require_target

    with _exit_codes():
        if out is not None:
            require_report(out.resolve())  # a wrong folder is found before minutes of work
        if rejects is not None:
            require_target(rejects)
        shape = load_preset(preset or "generic")
        with _bar() as progress:
            report = check_events(
                source[0] if len(source) == 1 else source,
                kind=kind or shape.kind or "crime",
                preset=shape,
                tz=tz or shape.tz or HOME,
                columns=_columns(columns or []),
                source_crs=source_crs,
                crs=crs,
                now=now,
                harm=harm,
                time_format=time_format,
                layer=layer,
                boundary=boundary,
                where=where,
                start=start,
                end=end,
                query=query,
                progress=progress,
            )
        if rejects is not None:
            report.write_rejects(rejects)
        _print(report, form)
        if tz is None and shape.tz is None:
            typer.echo(f"clock times are those of {HOME}, if --tz says no other", err=True)
        if out is not None:
            typer.echo(f"saved in {report.save(out)}", err=form is not Form.TEXT)
        if strict and report.fallen:
            raise typer.Exit(DROPPED)


def main() -> None:
    """Run the command line."""
    app()


def _print(report: EventsReport, form: Form) -> None:
    if form is Form.TEXT:
        typer.echo(report.summary())
    else:
        typer.echo(
            report.to_html() if form is Form.HTML else report.to_json(), nl=form is Form.JSON
        )


def _run(config: NightlyConfig, night: dt.date | None, out: Path, *, say: bool) -> None:
    """Run one night with a bar where somebody watches, and write the results."""
    from patrolmap.nightly import require_ours, run_nightly

    require_ours(out.resolve())  # a wrong folder is found before minutes of work, not after
    with _bar() as progress:
        result = run_nightly(config, night=night, progress=lambda s, step: progress(0.8 * s, step))
        written = result.write(out, progress=lambda s, step: progress(0.8 + 0.2 * s, step))
    if say:
        _tell(result, written)


def _tell(result: NightlyResult, written: dict[str, Path]) -> None:
    typer.echo(result.summary())
    typer.echo("")
    labels = {"map": "map", "cards": "route cards", "tracks": "GPX tracks", "plan": "plan tables"}
    for what, label in labels.items():
        typer.echo(f"{label + ':':13} {written[what]}")


@contextmanager
def _bar() -> Iterator[Any]:
    """Yield a progress callback: a bar on a terminal after two seconds, nothing elsewhere."""
    from tqdm.auto import tqdm

    with tqdm(
        total=100,
        delay=2,
        disable=not sys.stderr.isatty(),
        leave=False,
        bar_format="{desc:10} {bar} {percentage:3.0f} %",
    ) as bar:

        def progress(share: float, step: str) -> None:
            bar.set_description_str(step, refresh=False)
            bar.update(int(100 * share) - bar.n)

        yield progress


@contextmanager
def _exit_codes() -> Iterator[None]:
    """Turn errors into one clear message and an exit code."""
    try:
        yield
    except InfeasibleError as error:
        typer.echo(f"no feasible plan: {error}", err=True)
        raise typer.Exit(INFEASIBLE) from error
    except (PatrolmapError, OSError) as error:  # a full disk, a folder that may not be written
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error


def _date(given: str) -> dt.date:
    from patrolmap.errors import OptionError

    try:
        return dt.date.fromisoformat(given)
    except ValueError as error:
        raise OptionError(f"--night {given!r}; wanted a date such as 2026-11-22.") from error


def _columns(pairs: list[str]) -> dict[str, str] | None:
    from patrolmap.errors import OptionError

    for pair in pairs:
        if "=" not in pair:
            raise OptionError(f"--columns {pair!r}; wanted ROLE=COLUMN, e.g. occurred_from=When.")
    return dict(pair.split("=", 1) for pair in pairs) or None
