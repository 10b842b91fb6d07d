"""Standing on a shift, verified from a plan's tables: part of `check_plan`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap._crs import lonlat_to
from patrolmap.patrol.access import closed_segments, unlit_segments
from patrolmap.patrol.check_excursions import numbered_stops
from patrolmap.patrol.check_stated import Asked, Breach, close
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.rule_times import Place, window_seconds
from patrolmap.schema import MODES

Ints = npt.NDArray[np.int64]

CLOCK = 0.002  # s: the tables keep whole milliseconds
NEAR = 1.0  # m from a stop to where the rules say that it is
IN_SECTOR = 1.0  # m that a street may lie outside its sector and still earn


def check_times(plan: Plan, shifts: Mapping[str, Asked]) -> Iterator[Breach]:
    """Check what each crew does while it stands against the rules of its shift."""
    visits = plan.visits.reset_index()
    visits["spent"] = (visits["depart"] - visits["arrive"]).dt.total_seconds()
    routes = dict(iter(visits.groupby("route_id", sort=False)))
    for route_id, route in plan.routes.iterrows():
        asked = shifts.get(route["shift"])
        if asked is None:
            continue
        steps = routes.get(route_id, visits.iloc[:0])
        yield from _stays(route_id, steps, asked)
        yield from _at_the_ends(route_id, steps, asked)
        left_out = {rule for crew, rule in asked.relaxed if crew == route["crew"]}
        if asked.rules.break_length is not None and "break_length" not in left_out:
            yield from _break(plan, route_id, steps, asked)
        if asked.rules.report_every is not None and "report_every" not in left_out:
            yield from _reports(plan, route_id, route, steps, asked)
    for name, asked in shifts.items():
        yield from _must_visit(plan, name, asked, visits)


def _stays(route_id: Any, steps: pd.DataFrame, asked: Asked) -> Iterator[Breach]:
    """Check that stays are as long as asked."""
    if asked.rules.dwell is None:
        return
    wanted = asked.rules.seconds_of("dwell")
    for stay in steps[steps["activity"] == "dwell"].itertuples():
        if not abs(stay.spent - wanted) <= CLOCK:
            yield (route_id, stay.step, "dwell", f"stays {stay.spent:g} s, wanted {wanted:g}")


def _at_the_ends(route_id: Any, steps: pd.DataFrame, asked: Asked) -> Iterator[Breach]:
    """Check briefing and handover: first and last, at the depots, as long as asked."""
    for rule, at, node in (("briefing", 0, asked.from_node), ("handover", -1, asked.to_node)):
        if getattr(asked.rules, rule) is None:
            continue
        wanted = asked.rules.seconds_of(rule)
        if steps.empty or steps["activity"].iloc[at] != rule:
            yield (route_id, None, rule, f"no {rule} at the {'end' if at else 'start'}")
            continue
        step = steps.iloc[at]
        if not abs(step["spent"] - wanted) <= CLOCK:
            yield (route_id, step["step"], rule, f"takes {step['spent']:g} s, wanted {wanted:g}")
        if step["from_node"] != node:
            yield (route_id, step["step"], rule, f"at node {step['from_node']}, wanted {node}")
        late = (step["depart"] - asked.start).total_seconds() - asked.seconds
        if rule == "handover" and not abs(late) <= CLOCK:
            yield (route_id, step["step"], rule, f"ends at {step['depart']}, not with the shift")
        if (steps["activity"] == rule).sum() > 1:
            yield (route_id, None, rule, f"more than one {rule}")


def _break(plan: Plan, route_id: Any, steps: pd.DataFrame, asked: Asked) -> Iterator[Breach]:
    rules = asked.rules
    mine = steps[steps["activity"] == "break"]
    if len(mine) != 1:
        yield (route_id, None, "break_length", f"{len(mine)} breaks, wanted one")
        return
    step = mine.iloc[0]
    wanted = rules.seconds_of("break_length")
    if not abs(step["spent"] - wanted) <= CLOCK:
        what = f"takes {step['spent']:g} s, wanted {wanted:g}"
        yield (route_id, step["step"], "break_length", what)
    opens, closes = window_seconds(rules.break_window, asked.start, asked.seconds)
    begin, end = ((step[column] - asked.start).total_seconds() for column in ("arrive", "depart"))
    if not (begin >= opens - CLOCK and end <= closes + CLOCK):
        what = f"{step['arrive']:%H:%M} to {step['depart']:%H:%M}, outside {rules.break_window}"
        yield (route_id, step["step"], "break_window", what)
    allowed = _nodes(plan, rules.break_at) if rules.break_at else {asked.from_node, asked.to_node}
    if step["from_node"] not in allowed:
        what = f"at node {step['from_node']}, none of its places {sorted(allowed)}"
        yield (route_id, step["step"], "break_at", what)


def _nodes(plan: Plan, places: Sequence[Place]) -> set[int]:
    """Return the nodes of the stops that are those places, by name and by where they are."""
    found = set()
    for name, lon, lat in places:
        (x,), (y,) = lonlat_to(plan.segments.crs, [lon], [lat])
        for stop in plan.stops[plan.stops["name"] == name].itertuples():
            if stop.geometry.distance(shapely.Point(x, y)) <= NEAR:
                found.add(int(stop.node_id))
    return found


def _reports(
    plan: Plan, route_id: Any, route: pd.Series, steps: pd.DataFrame, asked: Asked
) -> Iterator[Breach]:
    """Check that each full time has its report, near enough, as long as asked."""
    rules = asked.rules
    mine = steps[steps["activity"] == "report"]
    length, every = rules.seconds_of("report_length"), rules.seconds_of("report_every")
    for step in mine.itertuples():
        if not abs(step.spent - length) <= CLOCK:
            what = f"takes {step.spent:g} s, wanted {length:g}"
            yield (route_id, step.step, "report_length", what)
    begun = (mine["arrive"] - asked.start).dt.total_seconds().to_numpy()
    if rules.report_at:
        out = asked.seconds - rules.seconds_of("handover")
        allowed = _nodes(plan, rules.report_at)
        for step in mine[~mine["from_node"].isin(list(allowed))].itertuples():
            yield (route_id, step.step, "report_at", f"at node {step.from_node}, no report point")
    else:
        out = _back(route, steps)
    due = every * np.arange(1, rules.reports_due(out - CLOCK) + 1)
    if len(due) != len(mine):
        what = f"{len(mine)} reports, wanted {len(due)}, one every {rules.report_every}"
        yield (route_id, None, "report_every", what)
        return
    for begin, moment, row in zip(begun, due, range(len(mine)), strict=True):
        slack = rules.seconds_of("report_slack") if rules.report_at else (
            _half_a_step(steps, mine.index[row], _stops(route, steps)) + length)  # fmt: skip
        if not abs(begin - moment) <= slack + CLOCK:
            what = f"{abs(begin - moment):,.0f} s from the full {rules.report_every}"
            yield (route_id, mine["step"].iloc[row], "report_every", what)


def _back(route: pd.Series, steps: pd.DataFrame) -> float:
    """Return for how many seconds a crew is out: until it only waits and hands over."""
    done, stop = len(steps), _stops(route, steps)
    while done > 0 and steps["activity"].iloc[done - 1] in ("handover", "wait"):
        if stop[done - 1] >= 0:
            break  # at its car, on an excursion
        done -= 1
    if done == 0:
        return 0.0
    return float((steps["depart"].iloc[done - 1] - route["start"]).total_seconds())


def _stops(route: pd.Series, steps: pd.DataFrame) -> Ints:
    """Return the excursion of each step of a crew by car, -1 for none."""
    if route["mode"] != "drive":
        return np.full(len(steps), -1, dtype=np.int64)
    return numbered_stops(steps["activity"].to_numpy())


def _half_a_step(steps: pd.DataFrame, at: Any, stop: Ints) -> float:
    """Return half the time between the corners before and after a report, whichever is more.

    An excursion is one step: who reports by radio does so before or after it.
    """
    place = steps.index.get_loc(at)
    longest = 0.0
    for way in (-1, 1):
        i, spent = place + way, 0.0
        while (
            0 <= i < len(steps)
            and stop[i] < 0
            and (steps["activity"].iloc[i] in ("report", "wait"))
        ):
            spent += steps["spent"].iloc[i] * (steps["activity"].iloc[i] == "wait")
            i += way
        if 0 <= i < len(steps):
            same = stop == stop[i] if stop[i] >= 0 else np.arange(len(steps)) == i
            spent += float(steps["spent"].to_numpy()[same].sum())
        longest = max(longest, spent)
    return longest / 2


def _must_visit(plan: Plan, name: str, asked: Asked, visits: pd.DataFrame) -> Iterator[Breach]:
    """Check that what a shift must visit is visited by one of its crews."""
    mine = visits[visits["route_id"].isin(plan.routes.index[plan.routes["shift"] == name])]
    for one in asked.must_visit:
        if (0, one if isinstance(one, str) else one[0]) in asked.relaxed:
            continue
        if isinstance(one, str):
            good = (mine["segment_id"] == one).any()
        else:
            nodes = list(_nodes(plan, [one]))
            good = mine["from_node"].isin(nodes).any() or mine["to_node"].isin(nodes).any()
        if not good:
            named = one if isinstance(one, str) else one[0]
            what = f"shift {name!r}: none of its crews visits {named!r}"
            yield ("", None, "must_visit", what)


def check_stays(
    plan: Plan, shifts: Mapping[str, Asked], starts: list[pd.Timestamp], risk: Any
) -> Iterator[Breach]:
    """Recompute what each stay collects, in clock order; no street earns at two corners."""
    segments = plan.segments
    ends = (segments["from_node"].to_numpy(), segments["to_node"].to_numpy())
    metres = segments["length"].to_numpy()
    earns = {name: _earning(plan, asked) for name, asked in shifts.items()}
    paid: dict[tuple[int, int], tuple[int, pd.Timestamp]] = {}
    spot_of: dict[int, int] = {}
    visits = plan.visits.reset_index()
    visits["rank"] = visits["route_id"].map({r: i for i, r in enumerate(plan.routes.index)})
    stays = visits[visits["activity"] == "dwell"].sort_values(["arrive", "rank"], kind="stable")
    shift_of = plan.routes["shift"].to_dict()
    for visit in stays.itertuples():
        shift = shift_of.get(visit.route_id, "")
        if shift not in shifts:
            continue  # named elsewhere
        rules, node = shifts[shift].rules, int(visit.from_node)
        time_bin = max(0, sum(start <= visit.arrive for start in starts) - 1)
        count, last = paid.get((node, time_bin), (0, visit.arrive))
        since = (visit.arrive - last).total_seconds()
        mine = np.flatnonzero((ends[0] == node) | (ends[1] == node))
        mine = mine[earns[shift][mine] & (risk[mine].sum(axis=1) > 0)]
        wanted = sum(rules.share_of_dwell(count, since, metres[s]) * risk[s, time_bin]
                     for s in mine.tolist())  # fmt: skip
        if wanted > 0:
            paid[node, time_bin] = (count + 1, visit.arrive)
        if not close(visit.prize, wanted):
            what = f"{visit.prize:g} for a stay, wanted {wanted:g}"
            yield (visit.route_id, visit.step, "prize", what)
        for s in mine.tolist():
            if spot_of.setdefault(s, node) != node:
                what = f"{segments.index[s]} earns at two corners, {spot_of[s]} and {node}"
                yield (visit.route_id, visit.step, "dwell", what)


def _earning(plan: Plan, asked: Asked) -> Any:
    """Return on which segments a shift earns."""
    segments = plan.segments
    driven = segments["drive_forward"] | segments["drive_backward"]
    earns = (segments["walk"] if asked.mode == MODES[0] else driven).to_numpy(dtype=bool)
    if asked.rules.unlit == "avoid":
        earns = earns & ~unlit_segments(segments, asked.rules)
    start = asked.start.tz_convert(plan.routes["start"].dt.tz)
    end = asked.start + pd.Timedelta(seconds=asked.seconds)
    earns = earns & ~closed_segments(segments, asked.rules, start, end)
    if asked.sector is not None:
        earns = earns & segments.within(asked.sector.buffer(IN_SECTOR)).to_numpy()
    return earns
