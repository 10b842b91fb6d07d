"""Large neighbourhood search for team orienteering on points with a matrix of durations.

Routes are linked lists over n points and two terminals a crew (n + 2c the start, n + 2c + 1 the
end). Every point outside keeps the cheapest gap of every route, or what it costs at least: gaps are
looked at again only for a point that might be the next, so an insertion costs a look at each point
outside and not at each gap. Destroy: random, strings (Christiaens &
Vanden Berghe 2020, doi 10.1287/trsc.2019.0914), related points (Shaw 1998), poor earners; repair:
prize to a random power over added time, with noise. Simulated annealing decides. Durations and
prizes are integers, so that sums never depend on their order.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.compiling import inlined, inner, kernel

Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

NEVER = np.int64(1) << 60
EMPTY, DIRTY = -2, -1  # in State.pos: no gap fits; the gap is to be looked for, costs no less
PRIZE, TIME, OUTSIDE = 0, 1, 2  # of State.total


class Points(NamedTuple):
    """What there is to visit; n points, c crews, N = n + 2c."""

    way: Int32s  # (N, N) service at the first and the way to the second
    back: Int32s  # (N, N) its transpose
    prize: Ints  # (n,) > 0
    opens: Ints  # (N,) service begins not before
    closes: Ints  # (N,) nor after; at an end the crew's limit, less the service there
    near: Int32s  # (n, k) other points, the nearest first
    limit: Ints  # (c,) longest sum of ways; without windows all there is to heed
    timed: bool  # are there windows?


class State(NamedTuple):
    """Routes, and for each point outside the cheapest gap of each route."""

    next: Int32s  # (N,)
    prev: Int32s  # (N,)
    route: Int32s  # (N,) -1 = outside
    used: Ints  # (c,) sum of ways
    size: Ints  # (c,) points
    early: Ints  # (N,) when service begins; kept only where timed
    late: Ints  # (N,) latest that it may
    cost: Ints  # (n, c) time added in the cheapest gap, or no more than that
    pos: Int32s  # (n, c) what comes before that gap, if known
    outside: Int32s  # (n,) the points outside, as many as there are
    place: Int32s  # (n,) of a point outside among them
    total: Ints  # (3,) prize, sum of ways, how many are outside


def new_state(points: Points) -> State:
    """Return routes that lead straight from start to end."""
    n, size, crews = len(points.prize), len(points.opens), len(points.limit)
    state = State(
        next=np.full(size, -1, dtype=np.int32),
        prev=np.full(size, -1, dtype=np.int32),
        route=np.full(size, -1, dtype=np.int32),
        used=np.zeros(crews, dtype=np.int64),
        size=np.zeros(crews, dtype=np.int64),
        early=np.zeros(size, dtype=np.int64),
        late=np.zeros(size, dtype=np.int64),
        cost=np.zeros((n, crews), dtype=np.int64),
        pos=np.full((n, crews), EMPTY, dtype=np.int32),
        outside=np.zeros(n, dtype=np.int32),
        place=np.zeros(n, dtype=np.int32),
        total=np.zeros(3, dtype=np.int64),
    )
    for c in range(crews):
        start, end = n + 2 * c, n + 2 * c + 1
        state.next[start], state.prev[end] = end, start
        state.route[start] = state.route[end] = c
    settle(points, state)
    return state


def copy_state(state: State) -> State:
    """Return an independent copy."""
    arrays: list[Any] = list(state)
    return State(*[array.copy() for array in arrays])


@inner(error_model="numpy", borrows=True)
def tell_time(points, state, c):  # type: ignore[no-untyped-def]
    """Recompute when crew c serves each point at the earliest and may at the latest."""
    n = len(points.prize)
    start, end = n + 2 * c, n + 2 * c + 1
    at = start
    state.early[at] = points.opens[at]
    while at != end:
        to = state.next[at]
        state.early[to] = max(points.opens[to], state.early[at] + points.way[at, to])
        at = to
    state.late[at] = points.closes[at]
    while at != start:
        before = state.prev[at]
        state.late[before] = min(points.closes[before], state.late[at] - points.way[before, at])
        at = before


@inner(error_model="numpy", borrows=True)
def scan(points, state, v, c):  # type: ignore[no-untyped-def]
    """Find the cheapest gap of route c for point v outside."""
    n = len(points.prize)
    way, following = points.way, state.next
    out, into = points.way[v], points.back[v]
    best, where = NEVER, np.int64(EMPTY)
    at, end = n + 2 * c, n + 2 * c + 1
    while at != end:
        to = following[at]
        cost = np.int64(into[at]) + out[to] - way[at, to]
        if cost < best:
            fits = True
            if points.timed:
                begin = max(points.opens[v], state.early[at] + into[at])
                fits = begin <= points.closes[v] and begin + out[to] <= state.late[to]
            if fits:
                best, where = cost, at
        at = to
    state.cost[v, c], state.pos[v, c] = best, where


@kernel(error_model="numpy", borrows=True)
def settle(points, state):  # type: ignore[no-untyped-def]
    """Recompute all but the links and who visits what."""
    n, crews = len(points.prize), len(points.limit)
    state.total[:] = 0
    for c in range(crews):
        at, end = n + 2 * c, n + 2 * c + 1
        state.used[c] = state.size[c] = 0
        while at != end:
            to = state.next[at]
            state.used[c] += points.way[at, to]
            if to < n:
                state.size[c] += 1
                state.total[PRIZE] += points.prize[to]
            at = to
        state.total[TIME] += state.used[c]
        if points.timed:
            tell_time(points, state, c)
    for v in range(n):
        if state.route[v] < 0:
            leave(state, v)
            for c in range(crews):
                scan(points, state, v, c)


@inlined
def leave(state, v):  # type: ignore[no-untyped-def]
    """Add point v to those outside."""
    at = state.total[OUTSIDE]
    state.outside[at], state.place[v] = v, at
    state.total[OUTSIDE] = at + 1
