"""Which passes are worth planning: the best prize per metre that each depot can reach."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from patrolmap.patrol.problem import Floats, Ints, Problem

MAX_TASKS = 5000
MAX_PASSES = 4  # of one segment in one time bin; more in small towns, where tasks are few
MOST_PASSES = 32
NEAR = 40
ROOM = 2.5  # candidate length, in crew budgets: more than can be walked, so the search can choose


@dataclass(frozen=True, kw_only=True)
class Units:
    """What can earn: a segment in a time bin, with how often it may pay."""

    segment: Ints
    bin: Ints
    prize: Floats
    passes: Ints  # how many passes can earn


def earning_units(problem: Problem) -> Units:
    """Return every (segment, bin) with a prize that some crew's round trip can reach."""
    allowed = np.zeros(problem.prize.shape, dtype=bool)
    for crew, reach in zip(problem.crews, problem.reachable, strict=True):
        allowed[:, problem.bins_of(crew)] |= reach[:, None]
    segment, time_bin = np.nonzero((problem.prize > 0) & allowed)
    window = _bin_seconds(problem)[time_bin]
    wait = min(crew.rules.repeat_seconds for crew in problem.crews)
    repeats = 0 if max(crew.rules.repeat_share for crew in problem.crews) == 0 else window // wait
    return Units(
        segment=segment.astype(np.int64),
        bin=time_bin.astype(np.int64),
        prize=problem.prize[segment, time_bin],
        passes=1 + np.broadcast_to(repeats, window.shape).astype(np.int64),
    )


def choose(problem: Problem, units: Units, most: int = MAX_TASKS) -> tuple[Ints, Ints]:
    """Return rows of `units` worth planning, the best first, and how many passes of each.

    A pass is ranked by prize per metre, each repeat at its smaller share, less the share of the
    crew's budget that the way there and back costs; every depot fills `ROOM` times its budget.
    Where that is more than `most` passes, every depot gives up the same share of its own.
    """
    length = problem.streets.length_mm[units.segment].astype(np.float64)
    share = max(crew.rules.repeat_share for crew in problem.crews)
    copies = np.clip(most // max(1, len(length)), MAX_PASSES, MOST_PASSES)
    copy = np.arange(min(int(copies), int(units.passes.max(initial=1))))
    worth = (units.prize / length)[:, None] * share ** copy[None, :]
    worth[copy[None, :] >= units.passes[:, None]] = 0.0
    place = np.full(worth.size, np.inf)  # where in the best depot's own order, in budgets
    for crews in _same_start(problem):
        crew = problem.crews[crews[0]]
        near = _nearness(problem, crews[0], units)
        score = (worth * near[:, None]).ravel()
        order = np.argsort(-score, kind="stable")
        order = order[score[order] > 0]
        metres = np.cumsum(length[order // len(copy)])
        mine = np.append(0.0, metres[:-1])[: len(order)] / (crew.budget * len(crews))
        place[order] = np.minimum(place[order], mine)
    order = np.argsort(place, kind="stable")
    order = order[place[order] <= ROOM][:most] // len(copy)
    passes = np.bincount(order, minlength=len(units.segment))
    rows = order[np.sort(np.unique(order, return_index=True)[1])]
    return rows.astype(np.int64), passes[rows].astype(np.int64)


def _nearness(problem: Problem, i: int, units: Units) -> Floats:
    """Return from 1 (at a crew's depot) to almost 0 (its whole budget away); 0 = out of reach."""
    crew = problem.crews[i]
    mine = np.isin(units.bin, problem.bins_of(crew)) & problem.reachable[i][units.segment]
    trip = np.where(mine, problem.round_trips[i][units.segment], 0.0)
    return np.where(mine, 1.02 - trip / crew.budget, 0.0)


def neighbours(x: Floats, y: Floats, unit: Ints, time_bin: Ints) -> Ints:
    """Return for each task the tasks nearest to it, of other units in its time bin; -1 = none."""
    near = np.full((len(x), NEAR), -1, dtype=np.int64)
    for b in np.unique(time_bin):
        rows = np.flatnonzero(time_bin == b)
        points = np.column_stack([x[rows], y[rows]])
        wanted = min(len(rows), NEAR + MOST_PASSES)
        found = KDTree(points).query(points, k=np.arange(1, wanted + 1))[1]
        for row, others in zip(rows, rows[found], strict=True):
            keep = others[unit[others] != unit[row]][:NEAR]
            near[row, : len(keep)] = keep
    return near


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
    found: dict[tuple[int, int, int, float, int], list[int]] = {}
    for i, crew in enumerate(problem.crews):
        key = (crew.group, crew.start, crew.end, crew.begin, crew.budget)
        found.setdefault(key, []).append(i)
    return list(found.values())
