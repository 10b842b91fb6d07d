"""RUN one night: a config file in, tables in memory out; only `write` touches the disk."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from patrolmap._files import replacing_folder
from patrolmap.config import EventsPart, NightlyConfig
from patrolmap.errors import OptionError
from patrolmap.events import EventsReport, check_events, combine_events
from patrolmap.output import explore, write_cards, write_gpx
from patrolmap.patrol import Plan, Shift, plan_patrols
from patrolmap.risk import NetworkKDE, hotspots
from patrolmap.streets import StreetNetwork, read_streets

Progress = Callable[[float, str], None]

MANIFEST = "manifest.json"
MADE_BY = "patrolmap nightly run"


@dataclass(frozen=True, kw_only=True, eq=False)
class NightlyResult:
    """What one night's run found, in memory.

    Attributes
    ----------
    night : date
    plan : Plan
    streets : StreetNetwork
    risk : Series
        Expected events per segment over all shifts together.
    risk_by_kind : DataFrame
        The same, one column per map.
    hotspots : GeoDataFrame
    reports : tuple of EventsReport
        What was kept and dropped of each map.
    """

    night: dt.date
    plan: Plan
    streets: StreetNetwork
    risk: pd.Series
    risk_by_kind: pd.DataFrame
    hotspots: gpd.GeoDataFrame
    reports: tuple[EventsReport, ...]

    def summary(self) -> str:
        """Say what was read, what was dropped, and what is planned."""
        lines = [f"Patrols for {self.night:%d.%m.%Y}", "", "Events"]
        for report in self.reports:
            reasons = ", ".join(f"{n:,} {why}" for why, n in report.dropped.items())
            lines.append(
                f"  {report.kind}: {report.kept:,} of {report.rows:,} rows of {report.source} kept"
                + (f"; dropped {reasons}" if reasons else "")
            )
        lines += ["", "Plan", *(f"  {line}" for line in self.plan.summary().splitlines())]
        return "\n".join(lines)

    def write(self, out: str | Path) -> dict[str, Path]:
        """Write everything into one folder, which appears whole or not at all.

        Parameters
        ----------
        out
            A new or empty folder, or one that an earlier run wrote, which is then replaced.

        Returns
        -------
        dict
            What -> where: map, cards, tracks, plan, risk, summary, rejects.

        Raises
        ------
        OptionError
            If `out` holds anything that is not an earlier run's.
        """
        target = Path(out).resolve()
        require_ours(target)
        with replacing_folder(target) as draft:
            explore(self.streets, risk=self.risk, hotspots=self.hotspots, plan=self.plan).save(
                str(draft / "map.html")
            )
            write_cards(self.plan, draft / "cards.pdf")
            write_gpx(self.plan, draft / "tracks")
            self.plan.to_file(draft / "plan.gpkg")
            self._write_risk(draft / "risk.gpkg")
            (draft / "summary.txt").write_text(self.summary() + "\n", encoding="utf-8")
            (draft / "rejects").mkdir()
            for number, report in enumerate(self.reports, start=1):
                report.write_rejects(draft / "rejects" / f"{number}-{report.kind}.csv")
            (draft / MANIFEST).write_text(
                json.dumps({"made_by": MADE_BY, "night": self.night.isoformat()}), encoding="utf-8"
            )
        names = {
            "map": "map.html",
            "cards": "cards.pdf",
            "tracks": "tracks",
            "plan": "plan.gpkg",
            "risk": "risk.gpkg",
            "summary": "summary.txt",
            "rejects": "rejects",
        }
        return {what: target / name for what, name in names.items()}

    def _write_risk(self, path: Path) -> None:
        """Write risk by segment and hotspots as two layers."""
        segments = self.streets.segments[["name", "length", "inside", "geometry"]].copy()
        segments.insert(0, "risk", self.risk)
        for kind in self.risk_by_kind.columns:
            segments.insert(1, f"risk_{kind}", self.risk_by_kind[kind])
        pyogrio.write_dataframe(segments.reset_index(), path, layer="segments", driver="GPKG")
        spots = self.hotspots.reset_index()
        spots["segment_ids"] = [" ".join(ids) for ids in spots["segment_ids"]]
        pyogrio.write_dataframe(spots, path, layer="hotspots", driver="GPKG", append=True)


def run_nightly(
    config: NightlyConfig, *, night: dt.date | None = None, progress: Progress | None = None
) -> NightlyResult:
    """Run the whole chain for one night: events, streets, risk, hotspots, plan.

    Parameters
    ----------
    config
        Usually `NightlyConfig.from_file(path)`.
    night
        The date the shifts start on; default today in the config's zone. Events of that date's
        first shift and later are not used, so that a past night can be planned as it would have
        been.
    progress
        Called with the share done (0 to 1) and the name of the step.

    Raises
    ------
    PatrolmapError
        Naming the file, the shift or the option in the way; nothing is written.

    Examples
    --------
    >>> import datetime, patrolmap as pm
    >>> config = pm.NightlyConfig.from_file(pm.datasets.sample().config)
    >>> quick = config.model_copy(update={"solve": type(config.solve)(max_iterations=20)})
    >>> result = pm.run_nightly(quick, night=datetime.date(2026, 11, 6))
    >>> len(result.plan.routes), len(pm.check_plan(result.plan))
    (5, 0)
    """
    tell = progress or (lambda share, step: None)
    night = night or pd.Timestamp.now(config.tz).date()
    shifts = config.shifts_of(night)
    first = min(shift.start for shift in shifts)
    tell(0.0, "streets")
    streets = read_streets(
        config.streets.source,
        boundary=config.streets.boundary,
        max_segment_length=config.streets.max_segment_length,
    )
    tell(0.05, "events")
    reports = tuple(_check(part, config.tz, first) for part in config.events)
    events = combine_events([report.events for report in reports])
    tell(0.15, "risk")
    model = NetworkKDE(
        bandwidth=config.risk.bandwidth,
        half_life=config.risk.half_life,
        weights=config.risk.weights,
    ).fit(events, streets, observed=_observed(events, first))
    windows = shift_windows(shifts)
    by_kind = [model.predict_by_kind(start, end) for start, end in windows]
    total = sum_windows(by_kind)
    risk = _risk_of_windows(windows, by_kind)
    tell(0.2, "hotspots")
    spots = hotspots(total.sum(axis=1).rename("risk"), streets, coverage=config.risk.coverage)
    plan = plan_patrols(
        streets,
        risk,
        shifts,
        risk_by_kind=total,
        stop=config.solve.stop,
        seed=config.solve.seed,
        progress=lambda share, _prize: tell(0.2 + 0.8 * share, "routes"),
    )
    tell(1.0, "done")
    return NightlyResult(
        night=night,
        plan=plan,
        streets=streets,
        risk=_with_attrs(total.sum(axis=1).rename("risk"), total.attrs),
        risk_by_kind=total,
        hotspots=spots,
        reports=reports,
    )


def shift_windows(shifts: Sequence[Shift]) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the time bins of some shifts: each starts with a shift and ends with the next.

    Examples
    --------
    >>> import patrolmap as pm
    >>> post = pm.Depot("post", lon=76.9, lat=43.2)
    >>> def shift(name, start):
    ...     return pm.Shift(depot=post, start=start, duration="6h", name=name)
    >>> day, eve = shift("a", "2026-11-22 09:00+05:00"), shift("b", "2026-11-22 12:00+05:00")
    >>> [(f"{start:%H}", f"{end:%H}") for start, end in shift_windows([day, eve])]
    [('09', '12'), ('12', '18')]
    """
    starts = sorted({shift.start for shift in shifts})
    following = [*starts[1:], None]
    windows = []
    for start, after in zip(starts, following, strict=True):
        end = max(shift.end for shift in shifts if shift.start <= start)
        windows.append((start, end if after is None else min(end, after)))
    return windows


def sum_windows(by_kind: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add up the risk of several windows; they state one period if they leave no gap."""
    total = by_kind[0].copy()
    for table in by_kind[1:]:
        total = total + table
    attrs = [table.attrs for table in by_kind]
    total.attrs = dict(attrs[0]) | {"end": attrs[-1]["end"]}
    if any(now["end"] != after["start"] for now, after in pairwise(attrs)):
        del total.attrs["start"], total.attrs["end"]
    return total


def _risk_of_windows(
    windows: Sequence[tuple[pd.Timestamp, pd.Timestamp]], by_kind: Sequence[pd.DataFrame]
) -> pd.Series | pd.DataFrame:
    """Return risk as `plan_patrols` takes it: a Series, or a column per time bin."""
    columns = {start: table.sum(axis=1) for (start, _), table in zip(windows, by_kind, strict=True)}
    if len(columns) == 1:
        return _with_attrs(next(iter(columns.values())).rename("risk"), by_kind[0].attrs)
    return _with_attrs(pd.DataFrame(columns), by_kind[0].attrs)


def _with_attrs(table: Any, attrs: Mapping[Any, Any]) -> Any:
    table.attrs = dict(attrs)
    return table


def _check(part: EventsPart, tz: str, first: pd.Timestamp) -> EventsReport:
    """Read one map; what lies after the shift's start or the clock is a date in the future."""
    return check_events(
        part.source,
        kind=part.kind,
        tz=part.tz or tz,
        columns=part.columns,
        source_crs=part.source_crs,
        time_format=part.time_format,
        layer=part.layer,
        now=max(first, pd.Timestamp.now(first.tz)),
    )


def _observed(
    events: gpd.GeoDataFrame, first: pd.Timestamp
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Return the period up to the night, where the events reach beyond it; else their own."""
    last = events["occurred_to"].max()
    if pd.isna(last) or last <= first:
        return None
    zone = events["occurred_from"].dt.tz
    start = events["occurred_from"].min().normalize()
    end = first.tz_convert(zone).normalize()
    return (start, end) if start < end else None


def require_ours(folder: Path) -> None:
    """Raise unless a folder is new, empty, or an earlier run's: nobody's files are overwritten."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OptionError(f"{folder} is a file; wanted a folder for the results.")
    manifest = folder / MANIFEST
    try:
        ours = json.loads(manifest.read_text(encoding="utf-8"))["made_by"] == MADE_BY
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours and any(folder.iterdir()):
        raise OptionError(
            f"{folder} holds files that no patrolmap run wrote; choose a new or empty folder, "
            "so that nothing of yours is lost."
        )
