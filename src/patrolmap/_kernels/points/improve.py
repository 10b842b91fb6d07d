"""Large neighbourhood search over points."""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.draw import uniform
from patrolmap._kernels.points.moves import destroy, repair, weigh
from patrolmap._kernels.points.pool import keep
from patrolmap._kernels.points.state import DIRTY, NEVER, OUTSIDE, PRIZE, TIME


@inner(error_model="numpy")
def _shorten(points, state, c, order, ahead, behind):  # type: ignore[no-untyped-def]
    """Shorten a route by 2-opt and or-opt until neither helps; return whether it did.

    `ahead[k]` and `behind[k]` are the ways along the route up to place k, and against it.
    """
    n = len(points.prize)
    way = points.way
    end = n + 2 * c + 1
    size, at = 0, n + 2 * c
    order[0] = at
    while at != end:
        at = state.next[at]
        size += 1
        order[size] = at
    before = state.used[c]
    improved = size > 2
    while improved:
        improved = False
        ahead[0] = behind[0] = 0
        for k in range(1, size + 1):
            ahead[k] = ahead[k - 1] + way[order[k - 1], order[k]]
            behind[k] = behind[k - 1] + way[order[k], order[k - 1]]
        best, a, b, kind, to = np.int64(0), 0, 0, 0, 0
        for i in range(1, size - 1):
            p, v = order[i - 1], order[i]
            for j in range(i + 1, size):
                gain = (
                    way[p, v] + way[order[j], order[j + 1]] + ahead[j] - ahead[i]
                    - way[p, order[j]] - way[v, order[j + 1]] - behind[j] + behind[i]
                )  # fmt: skip
                if gain > best:
                    best, a, b, kind = gain, i, j, 1
        for i in range(1, size):
            p, v = order[i - 1], order[i]
            for j in range(i, min(i + 3, size)):
                w, q = order[j], order[j + 1]
                out = np.int64(way[p, v]) + way[w, q] - way[p, q]
                turned = behind[j] - behind[i] - ahead[j] + ahead[i]
                for k in range(size):
                    if i - 1 <= k <= j:
                        continue
                    x, y = order[k], order[k + 1]
                    gone = out + way[x, y]
                    gain = gone - way[x, v] - way[w, y]
                    if gain > best:
                        best, a, b, kind, to = gain, i, j, 2, k
                    gain = gone - way[x, w] - way[v, y] - turned
                    if gain > best:
                        best, a, b, kind, to = gain, i, j, 3, k
        if best > 0:
            improved = True
            state.used[c] -= best
            if kind == 1:
                order[a : b + 1] = order[a : b + 1][::-1].copy()
            else:
                moved = order[a : b + 1].copy()
                if kind == 3:
                    moved = moved[::-1].copy()
                length = b - a + 1
                if to > b:
                    order[a : to - length + 1] = order[b + 1 : to + 1].copy()
                    order[to - length + 1 : to + 1] = moved
                else:
                    order[to + 1 + length : b + 1] = order[to + 1 : a].copy()
                    order[to + 1 : to + 1 + length] = moved
    saved = before - state.used[c]
    if saved == 0:
        return False
    state.total[TIME] -= saved
    for k in range(size):
        state.next[order[k]] = order[k + 1]
        state.prev[order[k + 1]] = order[k]
    for k in range(state.total[OUTSIDE]):
        state.cost[state.outside[k], c], state.pos[state.outside[k], c] = -NEVER, DIRTY
    return True


@inner(error_model="numpy", borrows=True)
def _in_time(points, state):  # type: ignore[no-untyped-def]
    """Return whether every crew keeps its limit and windows.

    Taking a point out makes a route longer where the way past it is not the shortest.
    """
    n = len(points.prize)
    for c in range(len(points.limit)):
        if not points.timed and state.used[c] > points.limit[c]:
            return False
        at, end = n + 2 * c, n + 2 * c + 1
        while points.timed and at != end:
            at = state.next[at]
            if state.early[at] > points.closes[at]:
                return False
    return True


@inner(error_model="numpy")
def _copy(to, source):  # type: ignore[no-untyped-def]
    to.next[:] = source.next
    to.prev[:] = source.prev
    to.route[:] = source.route
    to.used[:] = source.used
    to.size[:] = source.size
    to.early[:] = source.early
    to.late[:] = source.late
    to.cost[:] = source.cost
    to.pos[:] = source.pos
    to.outside[:] = source.outside
    to.place[:] = source.place
    to.total[:] = source.total


@inner(error_model="numpy", borrows=True)
def differs(state, backup, n, c):  # type: ignore[no-untyped-def]
    """Return whether route c is another than in the backup."""
    at, end = n + 2 * c, n + 2 * c + 1
    while at != end:
        if state.next[at] != backup.next[at]:
            return True
        at = state.next[at]
    return False


@kernel(error_model="numpy")
def improve(points, state, backup, best, pool, rng, iterations, heats, rate, most):  # type: ignore[no-untyped-def]
    """Run some iterations, `heats` the temperatures at their start and end, in prizes.

    `rate` is what a unit of time is worth among routes of one prize. `state` and `backup` must be
    equal.
    """
    n, crews = len(points.prize), len(points.limit)
    weight = np.ones(n)
    order = np.zeros(n + 3, dtype=np.int64)
    ahead, behind = np.zeros(n + 3, dtype=np.int64), np.zeros(n + 3, dtype=np.int64)
    value = backup.total[PRIZE] - rate * backup.total[TIME]
    for k in range(iterations):
        heat = heats[0] * (heats[1] / heats[0]) ** (k / iterations)
        destroy(points, state, most, rng)
        weigh(points, state, weight, rng)
        repair(points, state, weight, n)
        threshold = value + heat * np.log(1.0 - uniform(rng))
        now = state.total[PRIZE] - rate * state.total[TIME]
        if not points.timed and now > threshold - 3 * heat:
            shorter = False
            for c in range(crews):
                if differs(state, backup, n, c):
                    shorter |= _shorten(points, state, c, order, ahead, behind)
            if shorter:
                weigh(points, state, weight, rng)
                repair(points, state, weight, n)
                now = state.total[PRIZE] - rate * state.total[TIME]
        if now > threshold and _in_time(points, state):
            if state.total[PRIZE] >= 0.97 * best.total[PRIZE]:
                for c in range(crews):
                    if differs(state, backup, n, c):
                        keep(points, state, c, pool)
            _copy(backup, state)
            value = now
            better = state.total[PRIZE] - best.total[PRIZE]
            if better > 0 or (better == 0 and state.total[TIME] < best.total[TIME]):
                _copy(best, state)
        else:
            _copy(state, backup)
