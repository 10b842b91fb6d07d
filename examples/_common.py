"""What the three cities share: from maps and shifts to a plan, and one command for each."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

import patrolmap as pm


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(pm.NightlyResult):
    """A day's plan and all it was made from; `summary()` and `write(folder)` come with it.

    Attributes
    ----------
    events : GeoDataFrame
        The maps in one table.
    shifts : tuple of Shift
    risk_by_start : DataFrame
        Expected events per segment from each shift's start to the next: what the routes were
        planned on; `risk` is their sum.
    """

    events: gpd.GeoDataFrame
    shifts: tuple[pm.Shift, ...]
    risk_by_start: pd.DataFrame


Build = Callable[..., Result]


def plan_day(
    streets: pm.StreetNetwork,
    reports: Sequence[pm.EventsReport],
    shifts: Sequence[pm.Shift],
    *,
    observed: tuple[str, str] | None = None,
    stop: Any,
    seed: int,
) -> Result:
    """Estimate risk for each shift's own hours, then lay the routes.

    Parameters
    ----------
    observed
        The period the maps cover; default from the first event's day to the last one's.
    stop
        `pm.MaxRuntime(10)`, or `pm.MaxIterations(n)` for a plan that comes out equal again.
    """
    events = pm.combine_events([report.events for report in reports])
    model = pm.NetworkKDE().fit(events, streets, observed=observed)

    risk, risk_by_kind = pm.risk_of_shifts(model, shifts)
    total = risk_by_kind.sum(axis=1).rename("risk")
    total.attrs = risk_by_kind.attrs
    plan = pm.plan_patrols(streets, risk, shifts, risk_by_kind=risk_by_kind, stop=stop, seed=seed)
    return Result(
        night=min(shift.start for shift in shifts).date(),
        plan=plan,
        streets=streets,
        risk=total,
        risk_by_kind=risk_by_kind,
        hotspots=pm.hotspots(total, streets, coverage=0.05),
        reports=tuple(reports),
        events=events,
        shifts=tuple(shifts),
        risk_by_start=risk,
    )


def main(build: Build, *, city: str) -> None:
    """Run one city from the command line and say what came out and where it is."""
    parser = argparse.ArgumentParser(description=f"Plan a day's patrols in {city}.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="real cities")
    parser.add_argument("--out", type=Path, default=Path("out", city), help="new, or of a run")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for the routes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = build(given.data, stop=pm.MaxRuntime(given.seconds), seed=given.seed)
    written = result.write(given.out)
    print(result.summary(), end="\n\n")
    for what in ("map", "cards", "tracks", "plan", "summary"):
        print(f"{what + ':':9} {written[what]}")
