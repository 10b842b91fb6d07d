"""Which passes are worth planning: the best prize per metre that each depot can reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patrolmap.patrol.problem import Floats, Ints, Problem
from patrolmap.patrol.rules import PatrolRules

MAX_PASSES = 4  # of one segment in one time bin; more in small towns, where tasks are few
MOST_PASSES = 32
FEW = 4000  # passes, all of which may be planned
ROOM = 2.5  # candidate length, in crew budgets: more than can be walked, so the search can choose


@dataclass(frozen=True, kw_only=True)
class Units:
    """What can earn: a segment in a time bin, with how often it may pay.

    Rows beyond those of the segments are the spots and the excursions of `Standing`.
    """

    segment: Ints
    bin: Ints
    prize: Floats
    passes: Ints  # how many passes can earn


def earning_units(problem: Problem) -> Units:
    """Return every (segment, bin) with a prize that some crew's round trip can reach."""
    worth, n_segments = problem.worth, len(problem.prize)
    allowed = np.zeros(worth.shape, dtype=bool)
    for crew, reach in zip(problem.crews, problem.reachable, strict=True):
        allowed[:, problem.bins_of(crew)] |= reach[:, None]
    segment, time_bin = np.nonzero((worth > 0) & allowed)
    window = _bin_seconds(problem)[time_bin]
    passing = min(crew.rules.repeat_seconds for crew in problem.crews)
    staying = min(crew.rules.seconds_of("dwell_after") for crew in problem.crews)
    wait = np.where(segment < n_segments, passing, staying)
    repeats = 0 if max(crew.rules.repeat_share for crew in problem.crews) == 0 else window // wait
    repeats = np.where(segment < n_segments + len(problem.standing.spot), repeats, 0)
    return Units(
        segment=segment.astype(np.int64),
        bin=time_bin.astype(np.int64),
        prize=worth[segment, time_bin],
        passes=1 + np.broadcast_to(repeats, window.shape).astype(np.int64),
    )


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far units lie from crews that share start, end, time and budget."""

    trip: Floats  # (n_units,) mm from the start over the unit to the end, inf = out of reach
    budget: float  # mm of one crew
    crews: int


def reaches_of(problem: Problem, units: Units) -> list[Reach]:
    """Return the reach of every kind of crew."""
    found = []
    for crews in _same_start(problem):
        i, crew = crews[0], problem.crews[crews[0]]
        mine = np.isin(units.bin, problem.bins_of(crew)) & problem.reachable[i][units.segment]
        trip = np.where(mine, problem.round_trips[i][units.segment], np.inf)
        found.append(Reach(trip=trip, budget=float(crew.budget), crews=len(crews)))
    return found


def choose(
    units: Units, length: Ints, reaches: Sequence[Reach], *, share: float, most: int
) -> tuple[Ints, Ints]:
    """Return rows of `units` worth planning, the best first, and how many passes of each.

    A pass is ranked by prize per metre, each repeat at its smaller share, less the share of the
    crew's budget that the way there and back costs. It belongs to the depot where it ranks first,
    and every depot chooses of its own: together `ROOM` times all budgets, those with little of
    their own less and the others more. Where that is more than `most` passes, all give up alike.
    """
    metres = length.astype(np.float64)
    copies = np.clip(most // max(1, len(length)), MAX_PASSES, MOST_PASSES)
    copy = np.arange(min(int(copies), int(units.passes.max(initial=1))))
    worth = (units.prize / metres)[:, None] * share ** copy[None, :]
    worth[copy[None, :] >= units.passes[:, None]] = 0.0
    metres = np.repeat(metres, len(copy))
    place = np.full(worth.size, np.inf)  # where in the best depot's own order, in budgets
    owner = np.full(worth.size, -1, dtype=np.int64)
    for row, reach in enumerate(reaches):
        near = np.where(np.isfinite(reach.trip), 1.02 - reach.trip / reach.budget, 0.0)
        score = (worth * near[:, None]).ravel()
        order = np.argsort(-score, kind="stable")
        order = order[score[order] > 0]
        before = (np.cumsum(metres[order]) - metres[order]) / (reach.budget * reach.crews)
        better = before < place[order]
        place[order[better]], owner[order[better]] = before[better], row
    for row, reach in enumerate(reaches):
        mine = np.flatnonzero(owner == row)
        mine = mine[np.argsort(place[mine], kind="stable")]
        place[mine] = (np.cumsum(metres[mine]) - metres[mine]) / (reach.budget * reach.crews)
    order = np.argsort(place, kind="stable")[: int((owner >= 0).sum())]
    if len(order) > FEW:
        room = ROOM * sum(reach.budget * reach.crews for reach in reaches)
        order = order[np.cumsum(metres[order]) - metres[order] <= room]
    order = order[:most] // len(copy)
    passes = np.bincount(order, minlength=len(units.segment))
    rows = order[np.sort(np.unique(order, return_index=True)[1])]
    return rows.astype(np.int64), passes[rows].astype(np.int64)


def _bin_seconds(problem: Problem) -> Floats:
    """Return how long crews are out in each bin, from the first start to the last end."""
    first = min(crew.begin for crew in problem.crews)
    last = max(crew.begin + crew.shift.seconds for crew in problem.crews)
    edges = np.append(problem.bins, np.inf)
    edges[0] = -np.inf
    out: Floats = np.minimum(edges[1:], last) - np.maximum(edges[:-1], first)
    return np.maximum(out, 0.0)


def _same_start(problem: Problem) -> list[list[int]]:
    """Return the rows of crews that share depot, group, time and budget."""
    found: dict[tuple[int, int, int, float, int, PatrolRules], list[int]] = {}
    for i, crew in enumerate(problem.crews):
        key = (crew.group, crew.start, crew.end, crew.begin, crew.budget, crew.rules)
        found.setdefault(key, []).append(i)
    return list(found.values())
