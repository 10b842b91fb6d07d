"""Compact beats: from any point of its route a crew reaches any other in a few minutes.

A crew keeps to a ball: the streets all of whose points lie within half the allowed distance of a
centre that its depots are as near to. Then any two points of its route are near enough by way of
the centre. Routes of another shape may keep the rule too; they are not looked for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol.arcs import arrays, far_from, only, tails, walk_over
from patrolmap.patrol.stop import parse_duration
from patrolmap.patrol.turns import with_lengths
from patrolmap.streets.network import Graph

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Group, Problem
    from patrolmap.patrol.rules import PatrolRules
    from patrolmap.patrol.standing import Duty

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TO_A_CALL = 5 / 3.6  # m/s: 5 km/h
MOST_CENTRES = 400  # places tried for the centre of a crew's beat
TAKEN = 0.3  # of a street's risk, what is left of it for the beat of a further crew


def beat_metres(rules: PatrolRules) -> float:
    """Return how far two points of one route may be apart along the streets, inf without a beat.

    `beat` at 5 km/h: 5 minutes are 417 m. MVD order No. 475 of 05.07.2002 (repealed) asked a
    patrol to reach any point of its route within 5 minutes of a call.

    Examples
    --------
    >>> from patrolmap.patrol import PatrolRules
    >>> round(beat_metres(PatrolRules(beat="5min")))
    417
    """
    return np.inf if rules.beat is None else parse_duration(rules.beat, what="beat") * TO_A_CALL


def near_depots(problem: Problem) -> Problem:
    """Return the problem without streets that no beat with its crew's depots in it can hold.

    Every point of a route is within the allowed distance of the depots, as they are points of it:
    a bound of this problem holds for beats of any shape.
    """
    return _regrouped(problem, _around_depots)


def confine(problem: Problem, *, relax: bool = False) -> Problem:
    """Return the problem in which each crew with a beat keeps to one ball, worth the most.

    The ball holds a place of each of its duties, and what must be visited, where it can.

    Raises
    ------
    InfeasibleError
        Without `relax`, where it cannot; names the beat, the duty and the crew.
    """
    left = problem.prize.sum(axis=1)
    duties = problem.standing.duties
    to_do = set(range(len(duties)))

    def ball(problem: Problem, crew: Crew, mm: int) -> Bools:
        row = problem.crews.index(crew)
        mine = [
            i for i in sorted(to_do)
            if duties[i].crews[0] <= row < duties[i].crews[1]
        ]  # fmt: skip
        places = [_held_by(problem, duties[i]) for i in mine]
        keep = _best_ball(problem, crew, mm, left, places)
        left[keep] *= TAKEN
        to_do.difference_update(i for i, held in zip(mine, places, strict=True) if keep[held].any())
        return keep

    confined = _regrouped(problem, ball)
    for i in () if relax else sorted(to_do):
        row, last = duties[i].crews
        if all(crew.rules.beat is not None for crew in problem.crews[row:last]):
            raise _too_far(problem, problem.crews[row], duties[i])
    return confined


def _too_far(problem: Problem, crew: Crew, duty: Duty) -> InfeasibleError:
    """Name the duty that no beat of its crew holds."""
    metres = beat_metres(crew.rules)
    who = f"shift {crew.shift.name!r}" if duty.rule == "must_visit" else f"crew {crew.route_id}"
    at = "" if duty.rule == "must_visit" else f" at {', '.join(name for name, *_ in duty.places)}"
    return InfeasibleError(
        f"{who}: beat={crew.rules.beat!r} keeps any two points of a route within {metres:,.0f} m, "
        f"and no beat around a centre near its depots also holds its {duty.said}{at} "
        f"({duty.rule}). "
        "Name a place nearer to the depot, give a longer beat, or none, or plan with relax=True, "
        "which leaves out what does not fit.",
        shift=str(crew.shift.name), demand="beat",
    )  # fmt: skip


def _held_by(problem: Problem, duty: Duty) -> Ints:
    """Return the segments one of which a ball must hold, so that a crew in it can do a duty."""
    nodes = [node for _, node, _ in duty.places if node >= 0]
    tail, head = problem.streets.ends
    meets = np.flatnonzero(np.isin(tail, nodes) | np.isin(head, nodes))
    found = np.append(meets, [segment for *_, segment in duty.places if segment >= 0])
    return found.astype(np.int64)


def _regrouped(problem: Problem, keep_for: object) -> Problem:
    """Return the problem with a group for each set of streets that a beat leaves its crews."""
    if all(crew.rules.beat is None for crew in problem.crews):
        return problem
    groups: list[Group] = []
    crews = []
    known: dict[tuple[int, bytes], int] = {}
    for crew in problem.crews:
        keep = np.ones(len(problem.prize), dtype=bool)
        if crew.rules.beat is not None:
            if crew.shift.mode != "walk":
                raise OptionError(
                    f"shift {crew.shift.name!r}: beat={crew.rules.beat!r} is a rule for crews on "
                    f"foot, and its mode is {crew.shift.mode!r}; leave it out of its rules."
                )
            keep = keep_for(problem, crew, int(beat_metres(crew.rules) * 1000))  # type: ignore[operator]
        key = (crew.group, np.packbits(keep).tobytes())
        if key not in known:
            known[key] = len(groups)
            groups.append(_within(problem.groups[crew.group], keep))
        crews.append(replace(crew, group=known[key]))
    return replace(problem, groups=tuple(groups), crews=tuple(crews))


def _within(group: Group, keep: Bools) -> Group:
    if keep.all():
        return group
    graph = only(group.graph, keep)
    planned = graph if group.planned is group.graph else only(group.planned, keep)
    return replace(group, graph=graph, planned=planned, earns=group.earns & keep, _far={})


def _farthest(problem: Problem, graph: Graph, away: Floats) -> Floats:
    """Return how far the farthest point of each segment is, where its ends are `away`."""
    tail, head = problem.streets.ends
    far = (away[tail] + away[head] + problem.streets.length_mm) / 2
    usable = np.zeros(len(far), dtype=bool)
    usable[graph.segment] = True
    return np.where(usable, far, np.inf)


def _around_depots(problem: Problem, crew: Crew, mm: int) -> Bools:
    graph = with_lengths(problem.groups[crew.group].graph, problem.streets.length_mm)
    from_start, from_end = (far_from(graph, node) for node in (crew.start, crew.end))
    if from_start[crew.end] > mm:
        raise InfeasibleError(
            f"shift {crew.shift.name!r}, crew {crew.number}: its depots are "
            f"{from_start[crew.end] / 1000:,.0f} m apart, and beat={crew.rules.beat!r} allows "
            f"{mm / 1000:,.0f} m between any two points of a route; give it one depot, or no beat.",
            shift=str(crew.shift.name), demand="beat",
        )  # fmt: skip
    far = np.maximum(*(_farthest(problem, graph, away) for away in (from_start, from_end)))
    keep: Bools = far <= mm
    if not keep.any():
        raise InfeasibleError(
            f"shift {crew.shift.name!r}, crew {crew.number}: beat={crew.rules.beat!r} allows "
            f"{mm / 1000:,.0f} m between any two points of a route, and no street at its depot is "
            "so short; give it a longer one, or none.",
            shift=str(crew.shift.name), demand="beat",
        )  # fmt: skip
    return keep


def _best_ball(problem: Problem, crew: Crew, mm: int, worth: Floats, places: list[Ints]) -> Bools:
    """Return the streets of the ball around the best centre for a crew; none where none fits.

    The best holds the most `places` (any segment of each counts), and of those is worth the most.
    Where no centre is near enough to both of two depots, there is the way between them.
    """
    group = problem.groups[crew.group]
    graph = with_lengths(group.graph, problem.streets.length_mm)
    radius = mm // 2
    near = np.maximum(far_from(graph, crew.start), far_from(graph, crew.end)) <= radius
    centres = np.flatnonzero(near & (np.diff(graph.indptr) > 0))
    if len(centres) > MOST_CENTRES:
        centres = centres[np.linspace(0, len(centres) - 1, MOST_CENTRES).astype(np.int64)]
    nodes = np.arange(graph.n_nodes)
    best, most = np.zeros(len(worth), dtype=bool), (-1, -1.0)
    for part in np.array_split(centres, -(-len(centres) // 50)) if len(centres) else []:
        table = distance_table(*arrays(graph), part, nodes, radius)
        for row in table:
            away = np.where(row == UNREACHABLE, np.inf, row.astype(np.float64))
            ball = _farthest(problem, graph, away) <= radius
            held = sum(bool(ball[some].any()) for some in places)
            value = (held, float(worth[ball & group.earns].sum()))
            if value > most and ball.any():
                best, most = ball, value
    if not best.any() and crew.start != crew.end:
        way, _ = walk_over(graph, tails(graph), problem.streets.ends, crew.start, crew.end, [])
        best[way] = True
    return best
