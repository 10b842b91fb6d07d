"""What to do about demands that cannot be met: name them, or leave them out."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from patrolmap.errors import DepotError, InfeasibleError, _DemandError
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.services import Rules, rules_of
from patrolmap.patrol.shifts import Depot, Shift
from patrolmap.patrol.standing import Duty

if TYPE_CHECKING:
    from patrolmap.patrol.arcs import Order
    from patrolmap.patrol.problem import Problem
    from patrolmap.patrol.walks import Walks
    from patrolmap.streets.network import StreetNetwork


_QUOTED = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_INSTEAD: dict[str, dict[str, Any]] = {
    "unlit": {"unlit": "avoid"},
    "no_go": {"no_go": ()},
    "turn_cost": {"turn_cost": 0.0, "u_turn_cost": 0.0},
    "crew_distance": {"crew_distance": 0.0},
}
# Rules that only walks break, not the search.
AFTERWARDS = ("no_parks_after", "corner_passes", "turn_cost", "crew_distance")
OF_ALL = "crew_distance"  # two crews keep their distance or do not: given up, it is so by everyone


@dataclass(frozen=True, kw_only=True)
class Relaxed:
    """A problem that can be met at first sight, and what was left out for it."""

    problem: Problem
    notes: tuple[str, ...]


def build_relaxed(
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame,
    shifts: Sequence[Shift],
    rules: Rules,
    *,
    relax: bool,
) -> Relaxed:
    """Build a problem; with `relax`, without the demands that are in the way."""
    from patrolmap.patrol.beat import near_depots
    from patrolmap.patrol.problem import build_problem

    def build(some: Sequence[Shift], rules: Rules) -> Problem:
        return near_depots(build_problem(streets, risk, some, rules))

    shifts, notes = list(shifts), list[str]()
    while True:
        try:
            return Relaxed(problem=build(shifts, rules), notes=tuple(notes))
        except (DepotError, InfeasibleError) as error:
            if not relax or error.shift is None:
                raise
            # each with rules of its own: what the plan's rules close is then left out for one
            shifts = [replace(shift, rules=rules_of(shift, rules)) for shift in shifts]
            rules, known = None, set[object]()
            for one in (error, *error.others):
                if (asked := (one.shift, one.demand, one.place)) in known:
                    continue  # of another crew
                known.add(asked)
                row = [str(shift.name) for shift in shifts].index(str(one.shift))
                demands, shifts[row] = _relaxed(shifts[row], one, lambda left: build([left], None))
                why = reason_of(one)
                for demand in demands:
                    notes.append(f"relaxed {demand} of shift {one.shift!r}: {why}")


def reason_of(error: Exception) -> str:
    """Return what an error says, without whom it concerns and the mend.

    Examples
    --------
    >>> reason_of(ValueError("shift 'night', crew 1: it rains; wait. Or take an umbrella."))
    'it rains'
    >>> reason_of(ValueError("shift 'night': depot 'St. Mary' is 9 m away. Move it."))
    "depot 'St. Mary' is 9 m away"
    """
    said = re.sub(rf"^(shift {_QUOTED}(, crew \d+)?|crew [^:]*): ", "", str(error))
    # up to the first end of a clause that is not in a name
    whole = re.match(rf"(?:(?<!\w){_QUOTED}|(?!; |\. [A-Z]).)*", said)
    return (whole[0] if whole else said).rstrip(".")


def _relaxed(
    shift: Shift, error: _DemandError, build: Callable[[Shift], Problem]
) -> tuple[list[str], Shift]:
    """Return the demands in the way of a shift, and the shift without them.

    Where streets that rules close are in the way of its depots, those are as few of the rules as
    will do: parks are given up first, then light, then areas, then the sector.
    """
    if error.demand not in (None, "sector"):
        return [str(error.demand)], _without(shift, str(error.demand), error.place)

    def works(without: list[str]) -> bool:
        left = functools.reduce(_without, without, shift)
        try:
            build(left)
        except (DepotError, InfeasibleError) as other:
            return other.demand not in (None, "sector")
        return True

    closing = _closing(shift)
    tried = [closing[: n + 1] for n in range(len(closing))]
    dropped = next((some for some in tried if works(some)), None)
    if dropped is None:
        raise error
    for name in dropped[:-1]:
        if works(fewer := [one for one in dropped if one != name]):
            dropped = fewer
    return dropped, functools.reduce(_without, dropped, shift)


def _closing(shift: Shift) -> list[str]:
    """Return the rules of a shift that close streets, the one that is given up first at first."""
    rules = shift.rules
    if not isinstance(rules, PatrolRules):
        return []
    on = {
        "no_parks_after": rules.no_parks_after is not None,
        "unlit": rules.unlit == "forbid",
        "no_go": bool(rules.no_go),
        "sector": shift.sector is not None,
    }
    return [name for name, closes in on.items() if closes]


def _without(shift: Shift, demand: str, place: str | None = None) -> Shift:
    """Return a shift without a demand; dark streets are then avoided, but may be crossed."""
    if demand == "sector":
        return replace(shift, sector=None)
    if demand == "must_visit":
        left = tuple(
            one for one in shift.must_visit
            if (one.name if isinstance(one, Depot) else one) != place
        )  # fmt: skip
        return replace(shift, must_visit=left)
    return replace(shift, rules=_softened(rules_of(shift, None), demand))


def _softened(rules: PatrolRules, demand: str) -> PatrolRules:
    """Return rules without one of them, or with what comes nearest to it."""
    off: dict[str, Any] = {demand: None, **_INSTEAD.get(demand, {})}
    return replace(rules, **off)


def eased(shift: Shift, rules: Rules, notes: Sequence[str]) -> Shift:
    """Return a shift without the rules that a plan's notes say were relaxed after its search."""
    own = known = rules_of(shift, rules)
    for demand in AFTERWARDS:
        whose = "" if demand == OF_ALL else f"{str(shift.name)!r}: "
        if any(note.startswith(f"relaxed {demand} of shift {whose}") for note in notes):
            own = _softened(own, demand)
    return shift if own is known else replace(shift, rules=own)


def as_relaxed(problem: Problem, shifts: Mapping[str, Mapping[str, Any]]) -> Problem:
    """Return a problem without the duties that a plan of it left out after its search.

    `shifts` are those of the plan's provenance, by name.
    """

    def gone(duty: Duty) -> bool:
        crew = problem.crews[duty.crews[0]]
        left = [list(one) for one in shifts.get(str(crew.shift.name), {}).get("relaxed", ())]
        if duty.rule == "must_visit":
            return [0, duty.places[0][0]] in left
        return [crew.number, duty.rule] in left

    undone = [duty for duty in problem.standing.duties if gone(duty)]
    return without_duties(problem, undone)


def missed(problem: Problem, orders: Sequence[Order], walks: Walks) -> list[Duty]:
    """Return the duties that walks leave undone, or do at the wrong time."""
    standing = problem.standing
    done: set[int] = set()
    rows = [{row for row, _ in order} for order in orders]
    for row, i, j in standing.rows(len(problem.prize)):
        duty = standing.duties[i]
        name, node, _ = duty.places[j]
        crews = range(*duty.crews)
        if not duty.stands:
            mine = (walks.crew >= duty.crews[0]) & (walks.crew < duty.crews[1])
            seen = walks.segment[mine] == row
            if node >= 0:
                seen = (walks.from_node[mine] == node) | (walks.to_node[mine] == node)
            if seen.any() or any(row in rows[c] for c in crews):
                done.add(i)
            continue
        stood = (walks.crew == duty.crews[0]) & (walks.activity == duty.activity)
        stood &= (walks.from_node == node) & (walks.place == name)
        margin = problem.crews[duty.crews[0]]
        late = duty.closes + (
            margin.rules.seconds_of("report_length") if margin.reports_by_radio else 0.0
        )
        begun = walks.arrive[stood] / 1000
        if ((begun >= duty.opens - 1e-3) & (begun <= late + 1e-3)).any():
            done.add(i)
    return [duty for i, duty in enumerate(standing.duties) if i not in done]


def late_crews(problem: Problem, walks: Walks) -> list[int]:
    """Return the crews that are not back in time."""
    out = []
    for i, crew in enumerate(problem.crews):
        ends = walks.depart[walks.crew == i]
        if len(ends) and ends.max() > round((crew.begin + crew.shift.seconds) * 1000):
            out.append(i)
    return out


def without_duties(problem: Problem, duties: Sequence[Duty]) -> Problem:
    """Return a problem that does not ask for some duties, for its bound."""
    left = tuple(duty for duty in problem.standing.duties if duty not in duties)
    return replace(problem, standing=replace(problem.standing, duties=left))


def relaxed_walks(
    asked: Relaxed, problem: Problem, orders: Sequence[Sequence[Order]], *, relax: bool,
    haste: Haste,
) -> tuple[Relaxed, Walks, list[Duty]]:  # fmt: skip
    """Return the best walks, what they miss, and what else was left out so that there are any.

    `problem` is what the search had: that of `asked`, or one in which crews keep to their beats.
    """
    notes = list(asked.notes)
    while True:
        try:
            walks, undone = best_walks(problem, orders, relax=relax, haste=haste)
            return Relaxed(problem=problem, notes=tuple(notes)), walks, undone
        except InfeasibleError as error:
            if not relax or error.demand not in AFTERWARDS:
                raise
            softer = _without_rule(problem, error)
            if [crew.rules for crew in softer.crews] == [crew.rules for crew in problem.crews]:
                raise
            problem = softer
            notes.append(f"relaxed {error.demand} of shift {error.shift!r}: {reason_of(error)}")


def _without_rule(problem: Problem, error: InfeasibleError) -> Problem:
    """Return a problem without the rule of a shift that cannot be kept."""
    demand = str(error.demand)
    crews = []
    for crew in problem.crews:
        if demand == OF_ALL or crew.shift.name == error.shift:
            rules = _softened(crew.rules, demand)
            crew = replace(crew, rules=rules, shift=replace(crew.shift, rules=rules))
        crews.append(crew)
    return replace(problem, crews=tuple(crews))


def best_walks(
    problem: Problem,
    orders: Sequence[Sequence[Order]],
    *,
    relax: bool,
    haste: Haste = AT_LEISURE,
) -> tuple[Walks, list[Duty]]:
    """Return the true walk that misses the fewest duties, the richest of those, and what it misses.

    In haste, the orders that promise the most are mended first, others only while there is time.

    Raises
    ------
    InfeasibleError
        Naming the rule and the crew, where a duty is missed and `relax` is False.
    """
    from patrolmap.patrol.mend import mend_orders, mending_seconds
    from patrolmap.patrol.walks import walk_routes

    found: list[tuple[int, float, int, list[Duty], Walks]] = []
    refused: list[InfeasibleError] = []
    first, took = list(range(len(orders))), 0.0
    if haste.until < float("inf") and mending_seconds(problem) > 0:
        first.sort(key=lambda number: -_promise(problem, orders[number]))
    for number in first:
        left, good = haste.left, any(wrong == 0 for wrong, *_ in found)
        if good and left < took:
            break
        try:
            order = mend_orders(problem, orders[number], relax=relax, haste=haste)
        except InfeasibleError as error:
            refused.append(error)
            continue
        walks = walk_routes(problem, order)
        undone = missed(problem, order, walks)
        wrong = len(undone) + len(late_crews(problem, walks))
        found.append((wrong, -walks.total, number, undone, walks))
        took = left - haste.left if left < float("inf") else 0.0
    if not found:
        raise refused[0]
    _, _, _, undone, walks = min(found, key=lambda one: one[:3])
    late = late_crews(problem, walks)
    if (undone and not relax) or late:
        crew = problem.crews[undone[0].crews[0] if undone else late[0]]
        said = undone[0].said if undone else "being back in time"
        rule = undone[0].rule if undone else "duration"
        who = f"shift {crew.shift.name!r}" if rule == "must_visit" else f"crew {crew.route_id}"
        more = f" (and {len(undone) - 1} more demands)" if len(undone) > 1 else ""
        raise InfeasibleError(
            f"{who}: {said} ({rule}) could not be met together with the other demands{more}. "
            "Widen its window, name nearer places, give the shift more time, or plan with "
            "relax=True, which leaves out what cannot be met.",
            shift=str(crew.shift.name), demand=rule,
        )  # fmt: skip
    return walks, undone


def _promise(problem: Problem, orders: Sequence[Order]) -> float:
    """Return about what orders earn: each of their entries once."""
    best = problem.worth.max(axis=1, initial=0.0)
    rows = {row for order in orders for row, _ in order if row < len(best)}
    return float(best[list(rows)].sum())


def left_out(problem: Problem, duties: Sequence[Duty]) -> dict[str, list[list[object]]]:
    """Return what is left out, as (crew, rule) by shift, for the plan's provenance."""
    out: dict[str, list[list[object]]] = {}
    for duty in duties:
        crew = problem.crews[duty.crews[0]]
        what: list[object] = [crew.number, duty.rule]
        if duty.rule == "must_visit":
            what = [0, duty.places[0][0]]
        mine = out.setdefault(str(crew.shift.name), [])
        if what not in mine:
            mine.append(what)
    return out


def notes_on(problem: Problem, duties: Sequence[Duty]) -> list[str]:
    """Say what was left out."""
    return [
        f"relaxed {duty.rule} of crew {problem.crews[duty.crews[0]].route_id}: {duty.said} could "
        "not be met together with the other demands"
        for duty in duties
    ]
