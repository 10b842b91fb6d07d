"""Passes, prizes and the unserved, recomputed from a plan's tables: part of `check_plan`."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.patrol.access import unlit_segments
from patrolmap.patrol.check_stated import Asked, Breach, close, number
from patrolmap.patrol.check_time import check_stays
from patrolmap.patrol.plan import Plan


def check_passes(
    plan: Plan, shifts: Mapping[str, Asked], starts: list[pd.Timestamp]
) -> Iterator[Breach]:
    """Walk through all passes in clock order and recompute their numbers and prizes."""
    risk = _risk(plan, len(starts))
    if risk is None:
        yield ("", None, "risk", f"segments lack risk_bin_0 to risk_bin_{len(starts) - 1}")
        return
    row_of = {segment_id: i for i, segment_id in enumerate(plan.segments.index)}
    unlit = {name: unlit_segments(plan.segments, asked.rules) for name, asked in shifts.items()}
    shift_of = plan.routes["shift"].to_dict()
    times: dict[tuple[int, int], int] = {}
    paid: dict[tuple[int, int], tuple[int, pd.Timestamp]] = {}
    for visit in _in_clock_order(plan).itertuples():
        if not isinstance(visit.segment_id, str):
            continue
        row, asked = row_of.get(visit.segment_id), shifts.get(shift_of.get(visit.route_id, ""))
        if row is None or asked is None:
            continue  # named elsewhere
        key = (row, max(0, sum(start <= visit.arrive for start in starts) - 1))
        times[key] = times.get(key, 0) + 1
        if visit.pass_number != times[key]:
            what = f"pass {visit.pass_number} of {visit.segment_id}, wanted {times[key]}"
            yield (visit.route_id, visit.step, "pass", what)
        count, last = paid.get(key, (0, visit.arrive))
        share = asked.rules.share_of_pass(count, (visit.arrive - last).total_seconds())
        if asked.rules.unlit == "avoid" and unlit[shift_of[visit.route_id]][row]:
            share = 0.0
        if share > 0:
            paid[key] = (count + 1, visit.arrive)
        wanted = share * risk[key]
        if not close(visit.prize, wanted):
            yield (visit.route_id, visit.step, "prize", f"{visit.prize:g}, wanted {wanted:g}")
    yield from check_stays(plan, shifts, starts, risk)


def _in_clock_order(plan: Plan) -> pd.DataFrame:
    """Return the visits by clock; equal moments in the order of the routes table."""
    visits = plan.visits.reset_index()
    rank = {route_id: i for i, route_id in enumerate(plan.routes.index)}
    visits["rank"] = visits["route_id"].map(rank).fillna(len(rank))
    return visits.sort_values(["arrive", "rank"], kind="stable")


def _risk(plan: Plan, n_bins: int) -> npt.NDArray[np.float64] | None:
    columns = ["risk"] if n_bins == 1 else [f"risk_bin_{b}" for b in range(n_bins)]
    if not set(columns) <= set(plan.segments.columns):
        return None
    risk: npt.NDArray[np.float64] = plan.segments[columns].to_numpy(dtype=np.float64)
    return risk


def check_totals(plan: Plan) -> Iterator[Breach]:
    """Check that each route's prize is that of its visits."""
    by_route = plan.visits.groupby(level="route_id")["prize"].sum()
    by_route = by_route.reindex(plan.routes.index, fill_value=0.0)
    for route_id in plan.routes.index[~close(by_route, plan.routes["prize"])]:
        yield (str(route_id), None, "prize", f"the visits add up to {by_route[route_id]:g}")


def check_unserved(plan: Plan) -> Iterator[Breach]:
    """Check that every risky segment is either passed or unserved, and none is both."""
    risk, passed = plan.segments["risk"], plan.visits["segment_id"].dropna().unique()
    for segment_id in plan.unserved.index.intersection(passed):
        yield ("", None, "unserved", f"{segment_id} is unserved, yet a route passes it")
    missing = risk.index[risk > 0].difference(plan.unserved.index).difference(passed)
    for segment_id in missing:
        yield ("", None, "unserved", f"{segment_id} has risk, and is neither passed nor unserved")
    both = plan.unserved.index.intersection(risk.index)
    differs = ~close(plan.unserved.loc[both, "risk"], risk[both])
    for segment_id in both[differs]:
        yield ("", None, "unserved", f"{segment_id}: its risk is not that of the segments table")
    total = float(risk.reindex(passed).sum() + plan.unserved["risk"].sum())
    stated = number(plan.provenance.total_risk)
    if not close(total, stated):
        what = f"passed and unserved are {total:g}, total_risk is {stated:g}"
        yield ("", None, "unserved", what)


def check_segments(plan: Plan, n_bins: int) -> Iterator[Breach]:
    """Check the plan's own street table: lengths of lines, bins, nothing earned outside."""
    segments, risk = plan.segments, _risk(plan, n_bins)
    line = segments.geometry.length
    long_or_short = ~((line - segments["length"]).abs() <= 0.01 * line + 0.05)
    for segment_id in segments.index[long_or_short]:
        stated = segments["length"][segment_id]
        what = f"{segment_id}: length {stated:g} m, its line is {line[segment_id]:g} m"
        yield ("", None, "length", what)
    outside = ~segments["inside"] & (segments["risk"] > 0)
    for segment_id in segments.index[outside]:
        yield ("", None, "risk", f"{segment_id} lies outside the boundary, and yet has risk")
    if risk is not None:
        wrong = (risk < 0).any(axis=1) | ~close(risk.sum(axis=1), segments["risk"])
        for segment_id in segments.index[wrong]:
            yield ("", None, "risk", f"{segment_id}: its time bins do not add up to its risk")


def check_given_risk(plan: Plan, risk: pd.Series | pd.DataFrame) -> Iterator[Breach]:
    """Check the risk that a plan carries against the risk that it was made from."""
    whole = risk if isinstance(risk, pd.Series) else risk.sum(axis=1)
    theirs = whole.reindex(plan.segments.index, fill_value=0.0) * plan.segments["inside"]
    for segment_id in plan.segments.index[~close(theirs, plan.segments["risk"])]:
        what = f"{segment_id}: {plan.segments['risk'][segment_id]:g}, given {theirs[segment_id]:g}"
        yield ("", None, "risk", what)
    columns = [f"risk_bin_{b}" for b in range(risk.shape[1])] if risk.ndim == 2 else []
    for name, column in zip(columns, risk.columns if risk.ndim == 2 else [], strict=True):
        if name not in plan.segments:
            continue  # one bin only, or named by check_passes
        one = risk[column].reindex(plan.segments.index, fill_value=0.0) * plan.segments["inside"]
        for segment_id in plan.segments.index[~close(one, plan.segments[name])]:
            yield ("", None, "risk", f"{segment_id}: {name} differs from the risk given")
    unserved = whole.reindex(plan.unserved.index, fill_value=0.0)
    for segment_id in unserved.index[~close(unserved, plan.unserved["risk"])]:
        yield ("", None, "risk", f"{segment_id}: unserved risk differs from the risk given")
