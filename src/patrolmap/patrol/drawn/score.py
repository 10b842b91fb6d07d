"""Score routes that exist: drawn lines, matched to the streets, as a plan like any other."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.patrol.drawn.assign import assign
from patrolmap.patrol.drawn.lines import Drawn, read_lines
from patrolmap.patrol.drawn.match import Match, match_lines
from patrolmap.patrol.drawn.samples import turn_to
from patrolmap.patrol.plan import Plan, Provenance
from patrolmap.patrol.problem import Problem, build_problem
from patrolmap.patrol.provenance import provenance_of
from patrolmap.patrol.services import Rules, opened, require_rules, rules_of
from patrolmap.patrol.shifts import Shift, route_id
from patrolmap.patrol.stop import is_number
from patrolmap.patrol.tables import plan_tables
from patrolmap.patrol.walks import Walks, walk_routes
from patrolmap.schema import require_type
from patrolmap.streets.network import Mode, StreetNetwork

FAR = 1.0  # m: less of a line off the streets is not worth a word
BOUND_SECONDS = 6.0  # that the bound may take: what `plan_patrols` gives it by default
AWAY = 20.0  # m from the depot at which a line may begin without a word


@dataclass(frozen=True, kw_only=True)
class _Route:
    """One crew's lines and what became of them."""

    shift: Shift
    number: int
    lines: list[Drawn]
    match: Match | None
    notes: tuple[str, ...]

    @property
    def order(self) -> list[tuple[int, bool]]:
        return self.match.order if self.match is not None else []


def score_routes(
    lines: Any,
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    shifts: Shift | Sequence[Shift],
    *,
    rules: Rules = None,
    risk_by_kind: pd.DataFrame | None = None,
    layer: str | None = None,
    reach: float = 50.0,
) -> Plan:
    """Turn drawn routes into a plan, to be compared with one that `plan_patrols` makes.

    Lines are matched to the streets as a hidden Markov model (Newson & Krumm 2009, doi
    10.1145/1653771.1653818), which follows a drawing that is 20 to 30 m off, along the right one of
    parallel streets, through loops, out and back. Every segment that is walked counts whole, as in
    any plan; at the ends of a line, one that it follows for at least half. The crew walks the
    shortest way from its depot to where its line begins, and to the end depot from where it ends,
    without a pause, at the rules' speed; passes earn by the same rules as in `plan_patrols`.

    Parameters
    ----------
    lines
        Path of a GPX file (tracks and routes), GeoJSON, GeoPackage (also one that `Plan.to_file`
        wrote) or Shapefile, a list of paths, or a GeoDataFrame of lines. A crew's line may come in
        several pieces, walked in their order. Whose they are, a column says (route_id, route, crew
        or name) or the track's or file's name: "night-2" is the second crew of the shift "night".
        Where no name fits any crew, the crews take one line each, in their order.
    streets, risk, shifts, rules, risk_by_kind
        As `plan_patrols` takes them.
    layer
        Layer of a GeoPackage with lines in several.
    reach
        Metres from a line within which its streets are looked for.

    Returns
    -------
    Plan
        Its notes say what was not drawn on streets, what was bridged by shortest ways, how far the
        depots are, and by how much a route overruns its shift. `check_plan` finds nothing in it,
        but for breaches of the routes themselves (overrun, outside a sector). The bound is of any
        plan with as much time, the overrun included.

    Raises
    ------
    SourceNotFoundError, SourceFormatError, CRSError
        If there is no such file, it holds no lines, or a table has no CRS.
    SchemaError
        If a geometry is no line, or a crew's lines lie nowhere near a street.
    OptionError, NetworkMismatchError, DepotError, InfeasibleError
        As in `plan_patrols`; also if lines and crews cannot be told which belongs to which.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LineString
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> depot = pm.Depot("square", lon=76.8605, lat=43.2305)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="1h")
    >>> drawn = LineString([(76.8605, 43.2305), (76.8655, 43.2306), (76.8656, 43.2340)])
    >>> risk = pd.Series(1.0, index=streets.segments.index)
    >>> plan = score_routes(gpd.GeoSeries([drawn], crs=4326), streets, risk, [shift])
    >>> pm.check_plan(plan, streets, risk=risk).empty, plan.provenance.prize > 3
    (True, True)
    """
    began = time.monotonic()
    require_type(streets, StreetNetwork, name="streets")
    shifts = [shifts] if isinstance(shifts, Shift) else list(shifts or ())
    if not (is_number(reach) and 0 < reach <= 500):
        raise OptionError(f"reach={reach!r}; wanted metres, above 0 and at most 500.")
    require_rules(rules, [shift for shift in shifts if isinstance(shift, Shift)])
    asked = build_problem(streets, risk, [_unbounded(s, rules) for s in shifts], None)
    by_crew, notes = assign(read_lines(lines, streets.crs, layer=layer), shifts)
    crews = [(shift, number) for shift in shifts for number in range(1, shift.crews + 1)]
    routes = [
        _match(streets, asked, i, shift, number, by_crew[i], reach)
        for i, (shift, number) in enumerate(crews)
    ]
    problem, walks = _walked(streets, risk, asked, shifts, rules, [route.order for route in routes])
    for i, route in enumerate(routes):
        notes += [*route.notes, *_overrun(asked, walks, i)]
    tables = plan_tables(problem, walks, risk_by_kind)
    return Plan(
        routes=tables.routes,
        visits=tables.visits,
        segments=tables.segments,
        stops=tables.stops,
        unserved=tables.unserved,
        grounds=tables.grounds,
        provenance=_provenance(
            problem, shifts, rules, walks, risk, [*risk.attrs.get("notes", ()), *notes], began
        ),
    )


def _unbounded(shift: Shift, rules: Rules) -> Shift:
    """Return a shift that may go anywhere: lines that may not are scored, and told by the checker.

    What is no shift is left as it is, for `build_problem` to refuse.
    """
    return opened(shift, rules) if isinstance(shift, Shift) else shift


def _match(
    streets: StreetNetwork,
    asked: Problem,
    row: int,
    shift: Shift,
    number: int,
    lines: list[Drawn],
    reach: float,
) -> _Route:
    """Match one crew's lines; a closed one that passes the depot begins there."""
    me, crew = route_id(shift, number), asked.crews[row]
    if not lines:
        return _Route(shift=shift, number=number, lines=[], match=None, notes=())
    notes = []
    if len(lines) == 1 and crew.start == crew.end:
        door = streets.nodes.geometry.iloc[crew.start]
        here = np.array([door.x, door.y])
        turned = turn_to(lines[0], here)
        if turned is not None and np.hypot(*(turned.xy[0] - here)) <= reach:
            lines = [turned]
            notes.append(f"{me}: the drawn loop begins where it passes the depot")
    mode: Mode = "walk" if shift.mode == "walk" else "drive"
    match = match_lines(streets, lines, mode=mode, reach=reach)
    if match is None:
        raise SchemaError(
            f"{me}: no part of its line ({lines[0].where}) lies within {reach:g} m of a street "
            f"that mode {shift.mode!r} may use; is its CRS right, and these the right streets?"
        )
    return _Route(
        shift=shift, number=number, lines=lines, match=match,
        notes=(*notes, *_matched(me, match, shift, reach)),
    )  # fmt: skip


def _matched(me: str, match: Match, shift: Shift, reach: float) -> list[str]:
    """Say what of a drawing could not be matched, and how far off it is drawn."""
    notes = []
    if match.far > FAR:
        notes.append(
            f"{me}: {match.far / match.drawn:.1%} of the drawn {match.drawn / 1000:,.1f} km "
            f"({match.far:,.0f} m) is farther than {reach:g} m from any street that mode "
            f"{shift.mode!r} may use"
        )
    if match.gaps:
        many = "a gap in the drawing is" if len(match.gaps) == 1 else (
            f"{len(match.gaps)} gaps in the drawing are"
        )  # fmt: skip
        notes.append(f"{me}: {many} bridged by the shortest way, {sum(match.gaps):,.0f} m in all")
    if match.error > AWAY:
        notes.append(f"{me}: drawn some {match.error:.0f} m off the streets: look at the match")
    if not match.order:
        notes.append(f"{me}: no segment is followed for half its length; nothing is walked")
    return notes


def _walked(
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    asked: Problem,
    shifts: Sequence[Shift],
    rules: Rules,
    orders: list[list[tuple[int, bool]]],
) -> tuple[Problem, Walks]:
    """Walk the orders; a shift that a crew overruns becomes as long in the problem returned.

    Its bound is then one of plans with as much time, and holds for these routes too.
    """
    walks = walk_routes(asked, orders, stand=False)
    late = {
        str(crew.shift.name): max(_late(asked, walks, i) for i, other in enumerate(asked.crews)
                                  if other.shift.name == crew.shift.name)
        for crew in asked.crews
    }  # fmt: skip
    if not any(seconds > 0 for seconds in late.values()):
        return asked, walks
    longer = [
        replace(
            opened(shift, rules),
            duration=f"{shift.seconds + math.ceil(max(0.0, late[str(shift.name)])):.0f}s",
        )
        for shift in shifts
    ]
    return build_problem(streets, risk, longer, None), walks


def _late(problem: Problem, walks: Walks, row: int) -> float:
    """Return by how many seconds a crew overruns its shift; below 0 where it does not."""
    crew = problem.crews[row]
    mine = walks.crew == row
    end = float(walks.depart[mine].max()) / 1000 if mine.any() else crew.begin
    return end - crew.begin - crew.shift.seconds


def _overrun(problem: Problem, walks: Walks, row: int) -> list[str]:
    """Say how far the line is from the depots, and by how much a route overruns its shift."""
    crew = problem.crews[row]
    mine = walks.crew == row
    metres = problem.streets.length_mm[walks.segment[mine]] / 1000
    drawn = np.flatnonzero(walks.wanted[mine])
    notes = []
    if len(drawn):
        there, back = metres[: drawn[0]].sum(), metres[drawn[-1] + 1 :].sum()
        if max(there, back) > AWAY:
            notes.append(
                f"{crew.route_id}: the way from the depot to the line ({there:,.0f} m) and from it "
                f"to the end depot ({back:,.0f} m) is added"
            )
    late = _late(problem, walks, row)
    if late > 0:
        notes.append(
            f"{crew.route_id}: overruns its shift by {_span(late)}: {metres.sum() / 1000:,.1f} km "
            f"at {crew.rules.speed:g} m/s take {_span(late + crew.shift.seconds)} of "
            f"{_span(crew.shift.seconds)}"
        )
    return notes


def _span(seconds: float) -> str:
    """Write a duration.

    Examples
    --------
    >>> _span(15_125), _span(40)
    ('4 h 12 min', '40 s')
    """
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes else [])])


def _provenance(
    problem: Problem,
    shifts: Sequence[Shift],
    rules: Rules,
    walks: Walks,
    risk: pd.Series | pd.DataFrame,
    notes: Sequence[str],
    began: float,
) -> Provenance:
    """Say how the plan came to be; shifts are those asked for, with their sectors."""
    from patrolmap.patrol.bound import upper_bound
    from patrolmap.patrol.candidates import earning_units

    by_name = {shift.name: shift for shift in shifts}
    crews = tuple(
        replace(crew, shift=shift, rules=rules_of(shift, rules))
        for crew in problem.crews
        for shift in [by_name[crew.shift.name]]
    )
    stated = replace(problem, crews=crews)
    bound = upper_bound(problem, earning_units(problem), seconds=BOUND_SECONDS)
    return provenance_of(
        stated,
        walks.total,
        bound=max(bound, 0.0),
        attrs=risk.attrs,
        notes=("scored from drawn lines, not planned", *notes),
        runtime=time.monotonic() - began,
    )
