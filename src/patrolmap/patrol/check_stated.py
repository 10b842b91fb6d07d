"""What a plan says was asked for, read with distrust: part of `check_plan`."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from patrolmap._crs import WGS84
from patrolmap.errors import OptionError
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.rules import PatrolRules

Breach = tuple[str, Any, str, str]  # route_id, step, rule, what

BEYOND_SECTOR = 2.0  # m that a street may lie outside its sector: drawn edges are not that exact


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One shift as the plan's provenance describes it."""

    rules: PatrolRules
    seconds: float
    start: pd.Timestamp
    mode: str
    crews: int
    service: str
    depot: str
    end_depot: str
    from_node: int
    to_node: int
    sector: Any  # polygon in the plan's CRS, or None
    must_visit: tuple[Any, ...] = ()  # segment ids, or places as (name, lon, lat)
    relaxed: tuple[tuple[int, str], ...] = ()  # (crew, rule), or (0, place), that was left out


def close(given: Any, wanted: Any) -> Any:
    """Return where two numbers are equal but for rounding; a missing number equals nothing."""
    return np.isclose(given, wanted, rtol=1e-9, atol=0.0)


def number(value: Any) -> float:
    """Return a stated number; NaN, which no check passes, where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def asked_shifts(plan: Plan) -> tuple[dict[str, Asked], list[Breach]]:
    """Return the shifts of a plan by name, and what is wrong with their description."""
    found: dict[str, Asked] = {}
    breaches: list[Breach] = []
    stated = plan.provenance
    try:
        names = sorted({*stated.shifts, *stated.rules, *stated.durations, *plan.routes["shift"]})
    except TypeError:
        return found, [("", None, "provenance", "its shifts, rules or durations are no mappings")]
    for name in names:
        try:
            found[name] = _asked(plan, name)
        except (AttributeError, KeyError, OptionError, TypeError, ValueError) as error:
            what = (
                f"shift {name!r} is not described as it should be: {type(error).__name__} {error}"
            )
            breaches.append(("", None, "provenance", what))
        except shapely.errors.ShapelyError as error:
            breaches.append(("", None, "provenance", f"shift {name!r}: its sector: {error}"))
    return found, breaches


def _asked(plan: Plan, name: str) -> Asked:
    stated = plan.provenance
    shift = stated.shifts[name]
    start = pd.Timestamp(shift["start"])
    seconds = float(stated.durations[name])
    if start is pd.NaT or start.tz is None or not 0 < seconds < float("inf"):
        raise ValueError(f"start {shift['start']!r}, {seconds:g} s")
    sector = None
    if shift["sector"] is not None:
        polygon = shapely.from_wkt(shift["sector"])
        sector = gpd.GeoSeries([polygon], crs=WGS84).to_crs(plan.segments.crs).iloc[0]
    return Asked(
        rules=PatrolRules(**stated.rules[name]),
        seconds=seconds,
        start=start,
        mode=str(shift["mode"]),
        crews=int(shift["crews"]),
        service=str(shift["service"]),
        depot=str(shift["depot"]),
        end_depot=str(shift["end_depot"]),
        from_node=int(shift["from_node"]),
        to_node=int(shift["to_node"]),
        sector=sector,
        must_visit=tuple(
            one if isinstance(one, str) else (str(one[0]), float(one[1]), float(one[2]))
            for one in shift.get("must_visit", ())
        ),
        relaxed=tuple((int(crew), str(rule)) for crew, rule in shift.get("relaxed", ())),
    )


def bin_starts(plan: Plan) -> tuple[list[pd.Timestamp], list[Breach]]:
    """Return the start of each time bin, in order; where they cannot be read, one without end."""
    try:
        starts = [pd.Timestamp(start) for start in plan.provenance.bins]
        good = bool(starts) and all(a < b for a, b in itertools.pairwise(starts))
        good = good and all(start is not pd.NaT and start.tz is not None for start in starts)
    except (TypeError, ValueError):
        good = False
    if good:
        return starts, []
    what = f"bins {plan.provenance.bins!r} are no aware times in order"
    return [pd.Timestamp.min.tz_localize("UTC")], [("", None, "provenance", what)]


def check_numbers(plan: Plan) -> Iterator[Breach]:
    """Check prize, bound, gap and clock of the provenance against the tables."""
    stated = plan.provenance
    total = float(plan.routes["prize"].sum())
    prize, bound, gap = number(stated.prize), number(stated.upper_bound), number(stated.gap)
    if not close(total, prize):
        yield ("", None, "prize", f"routes add up to {total:g}, provenance says {prize:g}")
    if not bound >= total * (1 - 1e-9):
        yield ("", None, "bound", f"upper bound {bound:g} is below prize {total:g}")
    wanted = max(0.0, (bound - prize) / bound) if bound > 0 else 0.0
    if not abs(gap - wanted) <= 1e-9:
        yield ("", None, "gap", f"gap is {gap:g}, wanted {wanted:g} from prize and bound")
    times = [plan.routes["start"], plan.routes["end"], plan.visits["arrive"], plan.visits["depart"]]
    zones = {str(column.dt.tz) for column in times}
    if zones != {stated.timezone}:
        what = f"tables are in {sorted(zones)}, provenance says {stated.timezone!r}"
        yield ("", None, "timezone", what)
