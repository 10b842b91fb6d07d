"""The command line: demo, plan, check. Exit codes: 0 done, 2 bad input, 3 no feasible plan."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patrolmap.errors import InfeasibleError, PatrolmapError

if TYPE_CHECKING:
    from patrolmap.config import NightlyConfig
    from patrolmap.nightly import NightlyResult

BAD_INPUT, INFEASIBLE = 2, 3
DEMO_NIGHT = dt.date(2026, 11, 6)  # a Friday after the sample's last event

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


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="CSV, GeoJSON, GeoPackage or Parquet of events.")],
    kind: Annotated[str, typer.Option(help="crime, accident, juvenile or call.")] = "crime",
    tz: Annotated[str, typer.Option(help="Zone of times that state none.")] = "Asia/Almaty",
    column: Annotated[
        list[str] | None,
        typer.Option(help="role=name for a column that is not found, e.g. occurred_from=When."),
    ] = None,
    source_crs: Annotated[str | None, typer.Option(help="CRS of the coordinates.")] = None,
    time_format: Annotated[str | None, typer.Option(help="Form of dates, e.g. %m/%d/%y.")] = None,
    layer: Annotated[str | None, typer.Option(help="Layer of a GeoPackage.")] = None,
    boundary: Annotated[Path | None, typer.Option(help="Polygon; drops what is outside.")] = None,
    rejects: Annotated[Path | None, typer.Option(help="CSV to write the dropped rows to.")] = None,
) -> None:
    """Say what would be kept of a file of events, what dropped, and why."""
    from patrolmap.events import check_events

    with _exit_codes():
        with _bar() as progress:
            report = check_events(
                file,
                kind=kind,
                tz=tz,
                columns=_columns(column or []),
                source_crs=source_crs,
                time_format=time_format,
                layer=layer,
                boundary=boundary,
                progress=progress,
            )
        if rejects is not None:
            report.write_rejects(rejects)
        typer.echo(report.summary())


def main() -> None:
    """Run the command line."""
    app()


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
            raise OptionError(f"--column {pair!r}; wanted role=name, e.g. occurred_from=When.")
    return dict(pair.split("=", 1) for pair in pairs) or None
