"""Hidden-Markov map matching of drawn lines to directed segments (Newson & Krumm 2009)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap.patrol.arcs import has_arc
from patrolmap.patrol.drawn.lines import Drawn
from patrolmap.patrol.drawn.samples import SNAPPED, STEP, Near, find_near, sample, thin
from patrolmap.streets.network import Mode, StreetNetwork
from patrolmap.streets.paths import distance_matrix

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DETOUR = 500.0  # m that the way between two points may take at least
STRAY = 4.0  # times their distance that it may take
LEAST = 2.0  # m: the least difference between way and line that costs 1
TURN = 2.0  # cost of turning round in a loose drawing
BLOCK = 200  # points whose distances are asked for at once
HALF = 0.5  # of a segment that a line must follow at its ends for the segment to count


@dataclass(frozen=True, kw_only=True, eq=False)
class Match:
    """The walk along whole segments that a crew's lines mean.

    Attributes
    ----------
    order : list of (int, bool)
        Segment rows in order, True = along the geometry; what lies between two of them is the
        shortest way.
    drawn : float
        Metres of the lines.
    far : float
        Metres of them farther from every usable street than the reach.
    gaps : list of float
        Metres of the shortest ways that bridge what is not drawn, or drawn off the streets.
    error : float
        How far off the streets the lines are drawn (m, a standard deviation).
    """

    order: list[tuple[int, bool]]
    drawn: float
    far: float
    gaps: list[float]
    error: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _States:
    """Directed segments near each point: (n, m) arrays, one row a point."""

    segment: Ints
    forward: Bools
    done: Floats  # m of the segment behind the point
    left: Floats  # m before it
    enter: Ints  # row of the node at which the segment begins, in this direction
    leave: Ints
    cost: Floats  # inf: no such state

    @property
    def size(self) -> int:
        return len(self.segment)


def match_lines(
    streets: StreetNetwork, lines: Sequence[Drawn], *, mode: Mode, reach: float
) -> Match | None:
    """Find the walk over whole segments that explains lines best; None where none is in reach.

    A state is a segment near a point, in one direction. It costs the more the farther the point
    lies (a heavier tail than the normal one: parts of a drawing are worse than the rest), and a
    step from state to state the more its way differs from the straight distance, so that a line is
    followed through corners, loops and back, on the right one of parallel streets. States are
    directed, hence turning round happens at nodes only, and the best sequence (Viterbi) is a walk.

    References
    ----------
    Newson, P. & Krumm, J. (2009). Hidden Markov map matching through noise and sparseness. ACM
    SIGSPATIAL GIS 2009, 336-343. doi 10.1145/1653771.1653818.
    """
    graph = streets.graph(mode)
    n = len(streets.segments)
    ways = np.column_stack([has_arc(graph, way, n) for way in (True, False)])
    usable = ways[:, 0] | ways[:, 1]
    near = find_near(streets, usable, *sample(lines), reach=reach)
    if not near.matched.any():
        return None
    error = near.error
    kept = near.take(thin(near, error))
    states = _states(streets, ways, kept, error)
    best, stayed = _viterbi(streets, states, kept, mode=mode, error=error)
    order, gaps = _walk(streets, states, kept, best, stayed, mode=mode, error=error)
    return Match(
        order=order,
        drawn=float(near.metres.sum()),
        far=float(near.metres[~near.matched].sum()),
        gaps=gaps,
        error=error,
    )


def _states(streets: StreetNetwork, ways: Bools, near: Near, error: float) -> _States:
    """Double every near segment by direction; what may not be entered so costs infinity."""
    segment = np.hstack([near.segment, near.segment])
    forward = np.zeros(segment.shape, dtype=bool)
    forward[:, : near.segment.shape[1]] = True
    whole = streets.length_mm[segment] / 1000
    offset = np.hstack([near.offset, near.offset])
    done = np.where(forward, offset, whole - offset)
    tail, head = streets.ends
    distance = np.hstack([near.distance, near.distance])
    # a pseudo-Huber cost per step: normal near the street, only linear far from it
    metres = np.minimum(near.metres, 2 * max(STEP, 2 * error))  # a gap says nothing of its ends
    cost = (np.sqrt(1 + (distance / error) ** 2) - 1) * (metres / STEP)[:, None]
    allowed = (segment >= 0) & np.where(forward, ways[segment, 0], ways[segment, 1])
    return _States(
        segment=segment,
        forward=forward,
        done=done,
        left=whole - done,
        enter=np.where(forward, tail[segment], head[segment]),
        leave=np.where(forward, head[segment], tail[segment]),
        cost=np.where(allowed, cost, np.inf),
    )


def _viterbi(
    streets: StreetNetwork, states: _States, near: Near, *, mode: Mode, error: float
) -> tuple[Ints, Bools]:
    """Return the best state of each point, and whether it is reached along its own segment.

    Where no way leads on, the chain begins anew: `stayed` is False and `_walk` bridges.
    """
    n, m = states.segment.shape
    came = np.full((n, m), -1, dtype=np.int64)  # -1: a chain begins here
    stay = np.zeros((n, m), dtype=bool)
    score = states.cost[0].copy()
    breaks = []
    ends = []
    steps = _steps(near)
    for first in range(0, n - 1, BLOCK):
        last = min(first + BLOCK, n - 1)
        ways = _Ways(streets, states, first, last, steps, mode)
        for t in range(first, last):
            cost, along = _transition(states, ways, t, steps[t], error)
            total = score[:, None] + cost
            came[t + 1] = np.argmin(total, axis=0)
            reached = total[came[t + 1], np.arange(m)] + states.cost[t + 1]
            if not np.isfinite(reached).any():
                ends.append(int(np.argmin(score)))
                breaks.append(t + 1)
                came[t + 1] = -1
                score = states.cost[t + 1].copy()
                continue
            stay[t + 1] = along[came[t + 1], np.arange(m)]
            score = reached
    ends.append(int(np.argmin(score)))
    best = np.empty(n, dtype=np.int64)
    stayed = np.zeros(n, dtype=bool)
    bounds = [*breaks, n]
    for begin, end, state in zip([0, *breaks], bounds, ends, strict=True):
        for t in range(end - 1, begin - 1, -1):
            best[t], stayed[t] = state, stay[t, state]
            state = int(came[t, state])
    return best, stayed


def _steps(near: Near) -> Floats:
    """Return the straight distance from each point to the next."""
    found: Floats = np.hypot(*np.diff(near.xy, axis=0).T)
    return found


class _Ways:
    """Shortest ways between the nodes of some points in a row."""

    def __init__(
        self, streets: StreetNetwork, states: _States, first: int, last: int, steps: Floats,
        mode: Mode,
    ) -> None:  # fmt: skip
        part = slice(first, last + 1)
        there = np.isfinite(states.cost[part])
        self._nodes = np.unique(np.append(states.leave[part][there], states.enter[part][there]))
        ids = streets.nodes.index
        limit = max(DETOUR, STRAY * float(steps[first:last].max()))
        self._metres = distance_matrix(
            streets, ids[self._nodes], ids[self._nodes], limit=limit, mode=mode
        ).to_numpy()

    def between(self, leave: Ints, enter: Ints) -> Floats:
        """Return metres from each node to each other; nodes of no state may have any."""
        one, two = (
            np.minimum(np.searchsorted(self._nodes, nodes), len(self._nodes) - 1)
            for nodes in (leave, enter)
        )
        found: Floats = self._metres[np.ix_(one, two)]
        return found


def _transition(
    states: _States, ways: _Ways, t: int, straight: float, error: float
) -> tuple[Floats, Bools]:
    """Return what it costs to come from each state of a point to each of the next, and how.

    The second answer tells the pairs that go on along one segment.
    """
    between = ways.between(states.leave[t], states.enter[t + 1])
    route = states.left[t][:, None] + between + states.done[t + 1][None, :]
    cost = _unlike(route, straight, error)
    same = states.segment[t][:, None] == states.segment[t + 1][None, :]
    ahead = states.forward[t][:, None] == states.forward[t + 1][None, :]
    if error > SNAPPED:
        cost += TURN * (_turns(states, ways, t, between) | (same & ~ahead))
    further = states.done[t + 1][None, :] - states.done[t][:, None]
    # a hand that trembles goes back a little
    along = same & ahead & (further >= -(3 * error + STEP / 4))
    straight_on = _unlike(np.maximum(further, 0.0), straight, error)
    better = along & (straight_on <= cost)
    return np.where(better, straight_on, cost), better


def _unlike(route: Floats, straight: float, error: float) -> Floats:
    """Return the cost of ways by how much their length differs from the straight distance."""
    found: Floats = np.abs(route - straight) / max(LEAST, error)
    return found


def _turns(states: _States, ways: _Ways, t: int, between: Floats) -> Bools:
    """Tell the ways that go back over the segment they leave, or over the one they come to."""
    own = (states.done[t] + states.left[t])[:, None]
    back = ways.between(states.enter[t], states.enter[t + 1]) + own <= between + 1e-3
    own = (states.done[t + 1] + states.left[t + 1])[None, :]
    over = ways.between(states.leave[t], states.leave[t + 1]) + own <= between + 1e-3
    found: Bools = back | over
    return found


def _walk(
    streets: StreetNetwork, states: _States, near: Near, best: Ints, stayed: Bools, *, mode: Mode,
    error: float,
) -> tuple[list[tuple[int, bool]], list[float]]:  # fmt: skip
    """Return the segments walked whole, and the metres of the bridges between drawn parts."""
    at = np.arange(states.size)
    segment, forward = states.segment[at, best], states.forward[at, best]
    done, left = states.done[at, best], states.left[at, best]
    begins = np.flatnonzero(~stayed)
    ends = np.append(begins[1:], len(best)) - 1
    whole = done + left
    share = np.ones(len(begins))
    share[0] = (whole[ends[0]] - done[begins[0]]) / whole[begins[0]]
    share[-1] -= left[ends[-1]] / whole[ends[-1]]
    order = [(int(segment[t]), bool(forward[t])) for t in begins[share >= HALF].tolist()]
    steps = _steps(near)
    wide = 2 * max(STEP, 2 * error)
    gaps = []
    for t in begins[1:].tolist():
        if steps[t - 1] > wide:
            nodes = [int(streets.nodes.index[states.leave[t - 1, best[t - 1]]]),
                     int(streets.nodes.index[states.enter[t, best[t]]])]  # fmt: skip
            between = distance_matrix(streets, nodes[0], nodes[1], limit=np.inf, mode=mode)
            gaps.append(float(left[t - 1] + between.to_numpy()[0, 0] + done[t]))
    return order, gaps
