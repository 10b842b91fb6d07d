"""RUN one night: a config file in, tables in memory out; only `write` touches the disk."""

from __future__ import annotations

import datetime as dt
import json
import os
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
from patrolmap.risk import NetworkKDE, RiskProfile, hotspots
from patrolmap.streets import StreetNetwork, read_places, read_streets
from patrolmap.streets.sources.formats import check_form

Progress = Callable[[float, str], None]

MANIFEST = "manifest.json"
MADE_BY = "patrolmap nightly run"
PLACES = ("police", "school")  # on the map


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
    events : GeoDataFrame
        Of all maps, from before the night.
    places : GeoDataFrame or None
        Police and schools, where the streets come from an OSM file.
    reports : tuple of EventsReport
        What was kept and dropped of each map.
    lang : str
        The language of the map, the cards and the tracks.
    """

    night: dt.date
    plan: Plan
    streets: StreetNetwork
    risk: pd.Series
    risk_by_kind: pd.DataFrame
    hotspots: gpd.GeoDataFrame
    events: gpd.GeoDataFrame
    places: gpd.GeoDataFrame | None = None
    reports: tuple[EventsReport, ...]
    lang: str = "en"

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

    def write(self, out: str | Path, *, progress: Progress | None = None) -> dict[str, Path]:
        """Write everything into one folder, which appears whole or not at all.

        Parameters
        ----------
        out
            A new or empty folder, or one that an earlier run wrote, which is then replaced.
        progress
            Called with the share done (0 to 1) and the name of the step.

        Returns
        -------
        dict
            What -> where: map, cards, tracks, plan, risk, summary, rejects.

        Raises
        ------
        OptionError
            If `out` holds anything that is not an earlier run's, or may not be written.
        """
        tell = progress or (lambda share, step: None)
        target = Path(out).resolve()
        require_ours(target)
        with replacing_folder(target) as draft:
            tell(0.0, "map")
            explore(
                self.streets,
                risk=self.risk_by_kind,
                hotspots=self.hotspots,
                events=self.events,
                places=self.places,
                plan=self.plan,
                lang=self.lang,
            ).save(str(draft / "map.html"))
            tell(0.2, "cards")
            write_cards(self.plan, draft / "cards.pdf", lang=self.lang, events=self.events)
            tell(0.8, "tables")
            write_gpx(self.plan, draft / "tracks", lang=self.lang)
            self.plan.to_file(draft / "plan.gpkg")
            self._write_risk(draft / "risk.gpkg")
            (draft / "summary.txt").write_text(self.summary() + "\n", encoding="utf-8")
            (draft / "rejects").mkdir()
            for number, report in enumerate(self.reports, start=1):
                report.write_rejects(draft / "rejects" / f"{number}-{report.kind}.csv")
            about = {"made_by": MADE_BY, "night": self.night.isoformat(), "files": _files_in(draft)}
            (draft / MANIFEST).write_text(json.dumps(about, indent=1), encoding="utf-8")
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
        The date the shifts start on; default today in the config's zone. Events of that date
        and later are not used, so that a past night is planned as it would have been.
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
    if not (night is None or isinstance(night, dt.date)):
        raise OptionError(f"night={night!r}; wanted a datetime.date.")
    night = night or pd.Timestamp.now(config.tz).date()
    shifts = config.shifts_of(night)
    first = min(shift.start for shift in shifts)
    tell(0.0, "streets")
    streets = read_streets(**dict(config.streets))
    tell(0.05, "events")
    reports = tuple(_check(part, config.tz) for part in config.events)
    events = combine_events([report.events for report in reports])
    tell(0.15, "risk")
    observed = _observed(events, first)
    model = config.risk.model.fit(events, streets, observed=observed)
    risk, by_kind = risk_of_shifts(model, shifts)
    total = by_kind.sum(axis=1).rename("risk")
    total.attrs = by_kind.attrs
    tell(0.2, "hotspots")
    spots = hotspots(
        total, streets, events=events, coverage=config.risk.coverage, observed=observed
    )
    plan = plan_patrols(
        streets,
        risk,
        shifts,
        risk_by_kind=by_kind,
        stop=config.solve.stop,
        seed=config.solve.seed,
        progress=lambda share, _prize, _bound: tell(0.2 + 0.8 * share, "routes"),
    )
    tell(1.0, "done")
    return NightlyResult(
        night=night,
        plan=plan,
        streets=streets,
        risk=total,
        risk_by_kind=by_kind,
        hotspots=spots,
        events=events if observed is None else events[~(events["occurred_from"] >= observed[1])],
        places=_places(config.streets.source, streets),
        reports=reports,
        lang=config.lang,
    )


def risk_of_shifts(
    model: NetworkKDE | RiskProfile, shifts: Sequence[Shift]
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
    tables = _by_start(model, starts, ends)
    risk = pd.DataFrame({start: tables[start].sum(axis=1) for start in starts})
    by_kind = sum((tables[start] for start in starts[1:]), start=tables[starts[0]])
    said = {name: tables[starts[0]].attrs[name] for name in ("unit", "fingerprint", "notes")}
    windows = [[a.isoformat(), b.isoformat()] for a, b in zip(starts, ends, strict=True)]
    risk.attrs, by_kind.attrs = dict(said), said | {"windows": windows}
    return risk, by_kind


def _by_start(
    model: NetworkKDE | RiskProfile, starts: list[pd.Timestamp], ends: list[pd.Timestamp]
) -> dict[pd.Timestamp, pd.DataFrame]:
    """Predict by kind for each time bin, those that follow each other in one go."""
    tables: dict[pd.Timestamp, pd.DataFrame] = {}
    first = 0
    for number, end in enumerate(ends):
        if number + 1 < len(starts) and starts[number + 1] == end:
            continue
        bins = starts[first : number + 1]
        table = model.predict_by_kind_and_hour(bins[0], end, edges=bins[1:])
        for start in bins:
            part = table.xs(start, axis=1, level="start")
            part.attrs = table.attrs
            tables[start] = part
        first = number + 1
    return tables


def _places(source: Path, streets: StreetNetwork) -> gpd.GeoDataFrame | None:
    """Read what a patrol should know where it is, around the streets."""
    if check_form(source) != "osm":
        return None
    west, south, east, north = streets.segments.total_bounds
    return read_places(source, PLACES).to_crs(streets.crs).cx[west:east, south:north]


def _check(part: EventsPart, tz: str) -> EventsReport:
    options = dict(part)
    source = options.pop("source")
    return check_events(source, **options | {"tz": part.tz or part.shape.tz or tz})


def _observed(
    events: gpd.GeoDataFrame, first: pd.Timestamp
) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """Return the period up to the night's date, where the events reach beyond it; else None."""
    known = events["occurred_from"].dropna()
    if known.empty:
        return None
    start = known.min().normalize()
    end = first.tz_convert(known.dt.tz).normalize()
    if start >= end:
        raise OptionError(
            f"no event happened before {end:%d.%m.%Y}: the first is of {start:%d.%m.%Y}; "
            "choose a later night."
        )
    return None if events["occurred_to"].max() <= end else (start, end)


def require_ours(folder: Path) -> None:
    """Raise unless results can go there and nothing of anybody else would be lost.

    A folder must be new, empty, or hold an earlier run's files and no others.
    """
    above = next(place for place in (folder, *folder.parents) if place.exists())
    if not above.is_dir():
        raise OptionError(f"{above} is a file; wanted a folder for the results.")
    if not os.access(above if above != folder else folder.parent, os.W_OK):
        raise OptionError(f"{above} may not be written to; choose another folder.")
    if above != folder:
        return
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        ours = set(manifest["files"]) if manifest["made_by"] == MADE_BY else set()
    except (OSError, ValueError, KeyError, TypeError):
        ours = set()
    others = sorted(set(_files_in(folder)) - ours - {MANIFEST})
    if others:
        raise OptionError(
            f"{folder} holds files that no patrolmap run wrote, e.g. {others[0]}; choose a new or "
            "empty folder, so that nothing of yours is lost."
        )


def _files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())
