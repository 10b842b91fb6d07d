"""RUN one night: a config file in, tables in memory out; only `write` touches the disk."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

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
    risk, by_kind = risk_of_shifts(model, shifts)
    total = by_kind.sum(axis=1).rename("risk")
    total.attrs = by_kind.attrs
    tell(0.2, "hotspots")
    spots = hotspots(total, streets, coverage=config.risk.coverage)
    plan = plan_patrols(
        streets,
        risk,
        shifts,
        risk_by_kind=by_kind,
        stop=config.solve.stop,
        seed=config.solve.seed,
        progress=lambda share, _prize: tell(0.2 + 0.8 * share, "routes"),
    )
    tell(1.0, "done")
    return NightlyResult(
        night=night,
        plan=plan,
        streets=streets,
        risk=total,
        risk_by_kind=by_kind,
        hotspots=spots,
        reports=reports,
    )


def risk_of_shifts(model: NetworkKDE, shifts: Sequence[Shift]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predict risk for the hours of some shifts.

    Parameters
    ----------
    model
        A fitted estimator.
    shifts
        Each start of a shift begins a time bin, which ends with the next start or when everybody
        is home, whichever comes first.

    Returns
    -------
    risk : DataFrame
        One column per time bin, named by its start, as `plan_patrols` takes it.
    by_kind : DataFrame
        All bins together, one column per map.

    Examples
    --------
    >>> import patrolmap as pm
    >>> district = pm.datasets.sample()
    >>> crimes = pm.check_events(district.crimes, kind="crime", tz="Asia/Almaty").events
    >>> model = pm.NetworkKDE().fit(crimes, pm.read_streets(district.streets))
    >>> post = pm.Depot("post", lon=76.8537, lat=43.2275)
    >>> day = pm.Shift(depot=post, start="2026-11-22 09:00+05:00", duration="6h")
    >>> night = pm.Shift(depot=post, start="2026-11-22 20:00+05:00", duration="6h")
    >>> risk, by_kind = risk_of_shifts(model, [day, night])
    >>> [f"{start:%H:%M}" for start in risk], list(by_kind)
    (['09:00', '20:00'], ['crime'])
    """
    starts = sorted({shift.start for shift in shifts})
    ends = [max(shift.end for shift in shifts if shift.start <= start) for start in starts]
    ends = [min(end, after) for end, after in zip(ends, [*starts[1:], max(ends)], strict=True)]
    tables = [model.predict_by_kind(*window) for window in zip(starts, ends, strict=True)]
    risk = pd.DataFrame({start: t.sum(axis=1) for start, t in zip(starts, tables, strict=True)})
    by_kind = sum(tables[1:], start=tables[0])
    said = {name: tables[0].attrs[name] for name in ("unit", "fingerprint", "notes")}
    windows = [[t.attrs["start"], t.attrs["end"]] for t in tables]
    risk.attrs, by_kind.attrs = dict(said), said | {"windows": windows}
    return risk, by_kind


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
