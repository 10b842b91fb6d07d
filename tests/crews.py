"""Shifts for the towns, and what every plan of every test must pass."""

from typing import Any

import pandas as pd

from patrolmap.patrol import Depot, PatrolRules, Plan, Shift, check_plan
from patrolmap.streets import StreetNetwork
from towns import Corner, lonlat

START = "2026-11-22 20:00+05:00"
ONE_PASS = PatrolRules(repeat_share=0.0)


def depot_at(town: StreetNetwork, corner: Corner = (0.0, 0.0), *, name: str = "post") -> Depot:
    """Put a depot at a corner given in metres from the town's centre."""
    lon, lat = lonlat(town, corner)
    return Depot(name, lon=lon, lat=lat)


def shift_at(
    town: StreetNetwork, corner: Corner = (0.0, 0.0), *, minutes: float = 30.0, **options: Any
) -> Shift:
    """Make a shift from a corner; 30 minutes are 2,250 m at the usual 1.25 m/s."""
    given = {"start": START, "duration": f"{minutes}min", "name": "night"} | options
    return Shift(depot=depot_at(town, corner), **given)


def flat_risk(town: StreetNetwork, value: float = 1.0) -> pd.Series:
    """Give every segment the same risk."""
    return pd.Series(value, index=town.segments.index, name="risk")


def assert_good(plan: Plan, town: StreetNetwork, risk: Any = None) -> None:
    """Fail with the whole list of breaches unless `check_plan` finds none."""
    breaches = check_plan(plan, town, risk=risk)
    assert breaches.empty, breaches.to_string()


def steps(plan: Plan, route: int = 0) -> list[str]:
    """Return the segments that one route walks, in order."""
    route_id = plan.routes.index[route]
    if route_id not in plan.visits.index.get_level_values("route_id"):
        return []
    return plan.visits.loc[route_id, "segment_id"].tolist()
