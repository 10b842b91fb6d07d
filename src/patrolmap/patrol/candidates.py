"""Which passes are worth planning: the best prize per metre that each depot can reach."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from patrolmap._kernels.paths import distances_from
from patrolmap.patrol.problem import Bools, Floats, Ints, Problem
from patrolmap.streets.network import Graph

MAX_TASKS = 5000
MAX_PASSES = 4
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
    reach = reachable(problem)
    allowed = np.zeros(problem.prize.shape, dtype=bool)
    for i in range(len(problem.crews)):
        allowed[:, _bins_of(problem, i)] |= reach[i][:, None]
    segment, time_bin = np.nonzero((problem.prize > 0) & allowed)
    window = _bin_seconds(problem)[time_bin]
    wait = min(crew.rules.repeat_seconds for crew in problem.crews)
    return Units(
        segment=segment.astype(np.int64),
        bin=time_bin.astype(np.int64),
        prize=problem.prize[segment, time_bin],
        passes=1 + (window // wait).astype(np.int64),
    )


def reachable(problem: Problem) -> list[Bools]:
    """For each crew, which segments it can walk and be back in time."""
    return [
        problem.groups[crew.group].earns & (trip <= crew.budget)
        for crew, trip in zip(problem.crews, round_trips(problem), strict=True)
    ]


def round_trips(problem: Problem) -> list[Floats]:
    """For each crew, the least millimetres to walk each segment and be at the end depot."""
    known: dict[tuple[int, int, int], Floats] = {}
    tail, head = problem.streets.ends
    length = problem.streets.length_mm
    trips = []
    for crew in problem.crews:
        key = (crew.group, crew.start, crew.end)
        if key not in known:
            group = problem.groups[crew.group]
            limit = np.int64(1) << 60
            out = _or_inf(distances_from(*arrays(group.graph), crew.start, limit))
            back = _or_inf(distances_from(*arrays(reverse(group.graph)), crew.end, limit))
            along = np.where(has_arc(group.graph, True, len(length)), out[tail] + back[head], np.inf)
            against = np.where(
                has_arc(group.graph, False, len(length)), out[head] + back[tail], np.inf
            )
            known[key] = np.minimum(along, against) + length
        trips.append(known[key])
    return trips


def choose(problem: Problem, units: Units) -> tuple[Ints, Ints]:
    """Return rows of `units` worth planning, the best first, and how many passes of each.

    A pass is ranked by prize per metre, each repeat at its smaller share, less the share of the
    crew's budget that the way there and back costs; every depot fills `ROOM` times its budget.
    """
    trips = round_trips(problem)
    length = problem.streets.length_mm[units.segment].astype(np.float64)
    share = max(crew.rules.repeat_share for crew in problem.crews)
    copy = np.arange(MAX_PASSES)
    worth = (units.prize / length)[:, None] * share ** copy[None, :]
    worth[copy[None, :] >= units.passes[:, None]] = 0.0
    chosen = np.zeros(worth.shape, dtype=bool)
    rank = np.zeros(worth.shape)
    for crews in _same_start(problem):
        crew = problem.crews[crews[0]]
        trip = trips[crews[0]][units.segment]
        mine = np.isin(units.bin, _bins_of(problem, crews[0]))
        near = np.where(mine, np.clip(1.0 - trip / crew.budget, 0.0, 1.0), 0.0)
        score = worth * near[:, None]
        order = np.argsort(-score, axis=None, kind="stable")
        order = order[score.ravel()[order] > 0]
        metres = np.cumsum(length[order // MAX_PASSES])
        take = order[: 1 + np.searchsorted(metres, ROOM * crew.budget * len(crews))]
        chosen.ravel()[take] = True
        rank = np.maximum(rank, score)
    order = np.argsort(-np.where(chosen, rank, -1.0), axis=None, kind="stable")[:MAX_TASKS]
    order = order[chosen.ravel()[order]] // MAX_PASSES
    passes = np.bincount(order, minlength=len(units.segment))
    rows = order[np.sort(np.unique(order, return_index=True)[1])]
    return rows.astype(np.int64), passes[rows].astype(np.int64)


def neighbours(x: Floats, y: Floats, unit: Ints, time_bin: Ints) -> Ints:
    """Return for each task the tasks nearest to it, of other units in its time bin; -1 = none."""
    near = np.full((len(x), NEAR), -1, dtype=np.int64)
    for b in np.unique(time_bin):
        rows = np.flatnonzero(time_bin == b)
        points = np.column_stack([x[rows], y[rows]])
        wanted = min(len(rows), NEAR + MAX_PASSES)
        found = KDTree(points).query(points, k=np.arange(1, wanted + 1))[1]
        for row, others in zip(rows, rows[found], strict=True):
            keep = others[unit[others] != unit[row]][:NEAR]
            near[row, : len(keep)] = keep
    return near


def arrays(graph: Graph) -> tuple[Ints, Ints, Ints]:
    """Return the three arrays that the path kernels take."""
    return graph.indptr, graph.head, graph.length


def tails(graph: Graph) -> Ints:
    """Return the node each arc starts at."""
    return np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))


def reverse(graph: Graph) -> Graph:
    """Return the same arcs turned round."""
    order = np.argsort(graph.head, kind="stable")
    indptr = np.zeros_like(graph.indptr)
    np.cumsum(np.bincount(graph.head, minlength=graph.n_nodes), out=indptr[1:])
    return Graph(
        indptr=indptr,
        head=tails(graph)[order],
        segment=graph.segment[order],
        forward=~graph.forward[order],
        length=graph.length[order],
    )


def has_arc(graph: Graph, forward: bool, n_segments: int) -> Bools:
    """Return for each segment whether it has an arc along (or against) its geometry."""
    found = np.zeros(n_segments, dtype=bool)
    found[graph.segment[graph.forward == forward]] = True
    return found


def _or_inf(distance: Ints) -> Floats:
    return np.where(distance < 0, np.inf, distance.astype(np.float64))


def _bins_of(problem: Problem, i: int) -> Ints:
    """Return the time bins that a crew's shift touches."""
    crew = problem.crews[i]
    first, last = problem.bin_at(np.array([crew.begin, crew.begin + crew.shift.seconds - 1e-3]))
    return np.arange(first, last + 1)


def _bin_seconds(problem: Problem) -> npt.NDArray[np.float64]:
    """Return how long crews are out in each bin, from the first start to the last end."""
    first = min(crew.begin for crew in problem.crews)
    last = max(crew.begin + crew.shift.seconds for crew in problem.crews)
    edges = np.append(problem.bins, np.inf)
    edges[0] = -np.inf
    return np.clip(np.minimum(edges[1:], last) - np.maximum(edges[:-1], first), 0.0, None)


def _same_start(problem: Problem) -> list[list[int]]:
    """Return the rows of crews that share depot, group, time and budget."""
    found: dict[tuple[int, int, int, float, int], list[int]] = {}
    for i, crew in enumerate(problem.crews):
        key = (crew.group, crew.start, crew.end, crew.begin, crew.budget)
        found.setdefault(key, []).append(i)
    return list(found.values())
