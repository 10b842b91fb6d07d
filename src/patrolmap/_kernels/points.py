"""Large neighbourhood search for team orienteering on points with a matrix of durations.

Routes are linked lists over n points and two terminals a crew (n + 2c the start, n + 2c + 1 the
end). Every point outside keeps the cheapest gap of every route, or what it costs at least: gaps are
looked at again only for a point that might be the next, so an insertion costs a look at each point
outside and not at each gap. Destroy: random, strings (Christiaens &
Vanden Berghe 2020, doi 10.1287/trsc.2019.0914), related points (Shaw 1998), poor earners; repair:
prize to a random power over added time, with noise. Simulated annealing decides. Durations and
prizes are integers, so that sums never depend on their order.

All of it stands in one file: the compiler's cache does not see a change in another.
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


@inlined
def _random(state):  # type: ignore[no-untyped-def]
    """Draw from [0, 1): xorshift64*, its state our own, so that a seed fixes a search."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@inner(error_model="numpy")
def _clock(points, state, c):  # type: ignore[no-untyped-def]
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


@inner(error_model="numpy")
def _scan(points, state, v, c):  # type: ignore[no-untyped-def]
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


@kernel(error_model="numpy")
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
            _clock(points, state, c)
    for v in range(n):
        if state.route[v] < 0:
            _leave(state, v)
            for c in range(crews):
                _scan(points, state, v, c)


@inlined
def _leave(state, v):  # type: ignore[no-untyped-def]
    """Add point v to those outside."""
    at = state.total[OUTSIDE]
    state.outside[at], state.place[v] = v, at
    state.total[OUTSIDE] = at + 1


@inner(error_model="numpy")
def _insert(points, state, v, c):  # type: ignore[no-untyped-def]
    """Put point v into the gap of route c kept for it."""
    way, back, cost, pos, outside = points.way, points.back, state.cost, state.pos, state.outside
    i = state.pos[v, c]
    j = state.next[i]
    state.next[i] = state.prev[j] = v
    state.prev[v], state.next[v], state.route[v] = i, j, c
    state.used[c] += cost[v, c]
    state.total[TIME] += cost[v, c]
    state.total[PRIZE] += points.prize[v]
    state.size[c] += 1
    state.total[OUTSIDE] -= 1
    count, at = state.total[OUTSIDE], state.place[v]
    outside[at] = outside[count]
    state.place[outside[at]] = at
    if points.timed:
        _clock(points, state, c)
        for k in range(count):
            _scan(points, state, outside[k], c)
        return
    first, second = np.int64(way[i, v]), np.int64(way[v, j])
    from_i, from_v, to_v, to_j = way[i], way[v], back[v], back[j]
    for k in range(count):
        u = outside[k]
        one = from_i[u] + to_v[u] - first
        two = from_v[u] + to_j[u] - second
        if one <= cost[u, c]:
            cost[u, c], pos[u, c] = one, i
        elif pos[u, c] == i:
            pos[u, c] = DIRTY
        if two <= cost[u, c]:
            cost[u, c], pos[u, c] = two, v


@inner(error_model="numpy")
def _unlink(points, state, v):  # type: ignore[no-untyped-def]
    """Take point v out; where there are windows, `_mend` must follow."""
    way, back, cost, pos = points.way, points.back, state.cost, state.pos
    c, i, j = state.route[v], state.prev[v], state.next[v]
    state.next[i], state.prev[j] = j, i
    direct = np.int64(way[i, j])
    saved = np.int64(way[i, v]) + way[v, j] - direct
    state.used[c] -= saved
    state.total[TIME] -= saved
    state.total[PRIZE] -= points.prize[v]
    state.size[c] -= 1
    from_i, to_j = way[i], back[j]
    for k in range(state.total[OUTSIDE]):
        u = state.outside[k]
        if points.timed or pos[u, c] == i or pos[u, c] == v:
            pos[u, c] = DIRTY
        one = from_i[u] + to_j[u] - direct
        if one <= cost[u, c]:
            cost[u, c] = one
            if not points.timed:
                pos[u, c] = i
    state.route[v] = -1
    _leave(state, v)
    for other in range(len(points.limit)):
        cost[v, other], pos[v, other] = -NEVER, DIRTY


@inner(error_model="numpy")
def _mend(points, state):  # type: ignore[no-untyped-def]
    """Tell the time anew, and find the cheapest gaps where they are gone."""
    if not points.timed:
        return
    crews = len(points.limit)
    for c in range(crews):
        _clock(points, state, c)
    for k in range(state.total[OUTSIDE]):
        for c in range(crews):
            if state.pos[state.outside[k], c] == DIRTY:
                _scan(points, state, state.outside[k], c)


@inner(error_model="numpy")
def _repair(points, state, weight, most):  # type: ignore[no-untyped-def]
    """Insert by weight over added time until nothing fits, or `most`; weight 0 = leave out."""
    crews = len(points.limit)
    cost, pos, outside = state.cost, state.pos, state.outside
    for _ in range(most):
        best, point, crew = 0.0, -1, -1
        for c in range(crews):
            room = NEVER - 1 if points.timed else points.limit[c] - state.used[c]
            for k in range(state.total[OUTSIDE]):
                v = outside[k]
                add = cost[v, c]
                if add > room or weight[v] <= best * max(add, 1):
                    continue
                if pos[v, c] == DIRTY:
                    _scan(points, state, v, c)
                    add = cost[v, c]
                    if add > room or weight[v] <= best * max(add, 1):
                        continue
                best, point, crew = weight[v] / max(add, 1), v, c
        if point < 0:
            return
        _insert(points, state, point, crew)


@inner(error_model="numpy")
def _drop_string(points, state, v, length, rng):  # type: ignore[no-untyped-def]
    """Take out a string of a route that holds point v."""
    n = len(points.prize)
    back = np.int64(_random(rng) * length)
    at = v
    while back > 0 and state.prev[at] < n:
        at, back = state.prev[at], back - 1
    for _ in range(length):
        if at >= n:
            return
        to = state.next[at]
        _unlink(points, state, at)
        at = to


@inner(error_model="numpy")
def _destroy(points, state, most, rng):  # type: ignore[no-untyped-def]
    """Take points out of the routes."""
    n, crews = len(points.prize), len(points.limit)
    inside = np.int64(0)
    for c in range(crews):
        inside += state.size[c]
    if inside == 0:
        return
    count = 1 + np.int64(_random(rng) * min(most, max(0.4 * inside, min(inside, 5))))
    kind = _random(rng)
    if kind < 0.45:  # strings near one place
        seed = min(np.int64(_random(rng) * n), n - 1)
        strings = 1 + np.int64(_random(rng) * min(crews, 4))
        length = max(1, count // strings)
        touched = np.zeros(crews, dtype=np.bool_)
        for k in range(-1, points.near.shape[1]):
            v = seed if k < 0 else points.near[seed, k]
            if state.route[v] >= 0 and not touched[state.route[v]]:
                touched[state.route[v]] = True
                _drop_string(points, state, v, length, rng)
                strings -= 1
                if strings == 0:
                    break
    elif kind < 0.75:  # related
        seed = min(np.int64(_random(rng) * n), n - 1)
        keep = 0.5 * _random(rng)
        for k in range(-1, points.near.shape[1]):
            v = seed if k < 0 else points.near[seed, k]
            if state.route[v] >= 0 and _random(rng) >= keep:
                _unlink(points, state, v)
                count -= 1
                if count == 0:
                    break
    else:  # poor earners, or anyone
        noise = 0.6 if kind < 0.9 else 1e9
        score, some, size = np.empty(inside), np.empty(inside, dtype=np.int64), 0
        for v in range(n):
            if state.route[v] >= 0:
                i, j = state.prev[v], state.next[v]
                saved = np.int64(points.way[i, v]) + points.way[v, j] - points.way[i, j]
                poor = np.float64(points.prize[v]) / max(saved, 1)
                score[size] = poor * (1 + noise * _random(rng)) if noise < 1 else _random(rng)
                some[size] = v
                size += 1
        for _ in range(min(count, inside)):
            least = np.argmin(score)
            score[least] = np.inf
            _unlink(points, state, some[least])
    _mend(points, state)


@inner(error_model="numpy")
def _weigh(points, state, weight, rng):  # type: ignore[no-untyped-def]
    """Draw the weights of one repair, of the points outside."""
    power = 0.7 + 0.8 * _random(rng)
    noise = 0.6 * _random(rng) if _random(rng) < 0.8 else 0.0
    blink = 0.05 if _random(rng) < 0.5 else 0.0
    if _random(rng) < (0.2 if points.timed else 0.02):  # whatever the prizes
        power, noise = 0.0, 1.0
    for k in range(state.total[OUTSIDE]):
        v = state.outside[k]
        weight[v] = points.prize[v] ** power * (1 - noise * _random(rng))
        if _random(rng) < blink:
            weight[v] = 0.0


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


@inner(error_model="numpy")
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
        _destroy(points, state, most, rng)
        _weigh(points, state, weight, rng)
        _repair(points, state, weight, n)
        threshold = value + heat * np.log(1.0 - _random(rng))
        now = state.total[PRIZE] - rate * state.total[TIME]
        if not points.timed and now > threshold - 3 * heat:
            shorter = False
            for c in range(crews):
                if _differs(state, backup, n, c):
                    shorter |= _shorten(points, state, c, order, ahead, behind)
            if shorter:
                _weigh(points, state, weight, rng)
                _repair(points, state, weight, n)
                now = state.total[PRIZE] - rate * state.total[TIME]
        if now > threshold and _in_time(points, state):
            if state.total[PRIZE] >= 0.97 * best.total[PRIZE]:
                for c in range(crews):
                    if _differs(state, backup, n, c):
                        _keep(points, state, c, pool)
            _copy(backup, state)
            value = now
            better = state.total[PRIZE] - best.total[PRIZE]
            if better > 0 or (better == 0 and state.total[TIME] < best.total[TIME]):
                _copy(best, state)
        else:
            _copy(state, backup)


@kernel(error_model="numpy")
def shrink(points, state):  # type: ignore[no-untyped-def]
    """Take out poor earners until every route keeps its limit; not for windows."""
    n = len(points.prize)
    for c in range(len(points.limit)):
        while state.used[c] > points.limit[c] and state.size[c] > 0:
            worst, least = -1, np.inf
            at = state.next[n + 2 * c]
            while at < n:
                i, j = state.prev[at], state.next[at]
                saved = np.int64(points.way[i, at]) + points.way[at, j] - points.way[i, j]
                earns = points.prize[at] / max(saved, 1)
                if earns < least:
                    worst, least = at, earns
                at = j
            _unlink(points, state, worst)
    _mend(points, state)


@inner(error_model="numpy")
def _differs(state, backup, n, c):  # type: ignore[no-untyped-def]
    """Return whether route c is another than in the backup."""
    at, end = n + 2 * c, n + 2 * c + 1
    while at != end:
        if state.next[at] != backup.next[at]:
            return True
        at = state.next[at]
    return False


class Pool(NamedTuple):
    """Routes met, kept by a hash of whom they visit; r places, w words of 64 points."""

    words: npt.NDArray[np.uint64]  # (r, w) points visited
    prize: Ints  # (r,) 0 = free
    used: Ints  # (r,) sum of ways
    kind: Ints  # (r,) of crew
    order: Int32s  # (r, m) points in order
    size: Ints  # (r,)
    kinds: Ints  # (c,) crews of one kind may swap routes
    key: npt.NDArray[np.uint64]  # (n,) random


def new_pool(points: Points, kinds: Ints, places: int, longest: int) -> Pool:
    """Return a pool without routes; of two that meet in a place, the richer stays."""
    n = len(points.prize)
    rng = np.random.default_rng(1)
    return Pool(
        words=np.zeros((places, -(-n // 64)), dtype=np.uint64),
        prize=np.zeros(places, dtype=np.int64),
        used=np.zeros(places, dtype=np.int64),
        kind=np.zeros(places, dtype=np.int64),
        order=np.zeros((places, longest), dtype=np.int32),
        size=np.zeros(places, dtype=np.int64),
        kinds=kinds,
        key=rng.integers(0, 2**63, n).astype(np.uint64),
    )


@inner(error_model="numpy")
def _keep(points, state, c, pool):  # type: ignore[no-untyped-def]
    """Remember route c."""
    n = len(points.prize)
    places = len(pool.prize)
    if places == 0 or state.size[c] > pool.order.shape[1]:
        return
    at, end = n + 2 * c, n + 2 * c + 1
    sign = np.uint64(pool.kinds[c]) * np.uint64(0x9E3779B97F4A7C15)
    prize = np.int64(0)
    at = state.next[at]
    while at != end:
        sign ^= pool.key[at]
        prize += points.prize[at]
        at = state.next[at]
    place = np.int64(sign % np.uint64(places))
    if prize < pool.prize[place] or (
        prize == pool.prize[place] and state.used[c] >= pool.used[place]
    ):
        return
    pool.words[place] = 0
    at, k = state.next[n + 2 * c], 0
    while at != end:
        pool.words[place, at >> 6] |= np.uint64(1) << np.uint64(at & 63)
        pool.order[place, k] = at
        k += 1
        at = state.next[at]
    pool.prize[place], pool.used[place] = prize, state.used[c]
    pool.kind[place], pool.size[place] = pool.kinds[c], k


@kernel(error_model="numpy")
def pack(pool, rows, crews, least, nodes):  # type: ignore[no-untyped-def]
    """Choose disjoint routes of the pool, one a crew, worth more than `least`; best first.

    `rows` sorts the pool's routes by prize, falling. A crew of the same kind as the one before
    takes a later row. Gives up after `nodes` looks; returns rows of the pool, -1 = none found.
    """
    words = pool.words.shape[1]
    best = least
    chosen, at = np.full(crews, -1, dtype=np.int64), np.zeros(crews, dtype=np.int64)
    top = np.zeros(crews + 1, dtype=np.int64)  # most that crews from c on can collect
    for c in range(crews - 1, -1, -1):
        for row in rows:
            if pool.kind[row] == pool.kinds[c]:
                top[c] = top[c + 1] + pool.prize[row]
                break
    taken = np.zeros((crews + 1, words), dtype=np.uint64)
    prize = np.zeros(crews + 1, dtype=np.int64)
    c = 0
    while c >= 0 and nodes > 0:
        nodes -= 1
        if at[c] >= len(rows):
            c -= 1
            continue
        row = rows[at[c]]
        at[c] += 1
        worth = pool.prize[row]
        alike = np.int64(1)  # crews from c on, of one kind, none of which takes a richer row
        while c + alike < crews and pool.kinds[c + alike] == pool.kinds[c]:
            alike += 1
        if prize[c] + worth * alike + top[c + alike] <= best:
            c -= 1
            continue
        if pool.kind[row] != pool.kinds[c]:
            continue
        clash = False
        for w in range(words):
            if pool.words[row, w] & taken[c, w]:
                clash = True
                break
        if clash:
            continue
        prize[c + 1] = prize[c] + worth
        if c == crews - 1:
            best = prize[crews]
            for k in range(crews):
                chosen[k] = rows[at[k] - 1]
            c -= 1
            continue
        for w in range(words):
            taken[c + 1, w] = taken[c, w] | pool.words[row, w]
        same = pool.kinds[c + 1] == pool.kinds[c]
        at[c + 1] = at[c] if same else 0
        c += 1
    return chosen


@kernel(error_model="numpy")
def lay(points, state, pool, chosen):  # type: ignore[no-untyped-def]
    """Put routes of the pool in the place of the state's."""
    n = len(points.prize)
    state.route[:n] = -1
    for c in range(len(chosen)):
        at, row = n + 2 * c, chosen[c]
        for k in range(pool.size[row]):
            v = pool.order[row, k]
            state.next[at], state.prev[v], state.route[v] = v, at, c
            at = v
        state.next[at], state.prev[n + 2 * c + 1] = n + 2 * c + 1, at
    settle(points, state)


@kernel(error_model="numpy")
def fill(points, state, rng, most):  # type: ignore[no-untyped-def]
    """Insert what fits, at most so many points; return whether that was all."""
    weight = np.ones(len(points.prize))
    before = state.total[OUTSIDE]
    _weigh(points, state, weight, rng)
    _repair(points, state, weight, most)
    return before - state.total[OUTSIDE] < most


@kernel(error_model="numpy")
def shortest(way, start):  # type: ignore[no-untyped-def]
    """Return the shortest durations from a point over any others: Dijkstra on a full matrix."""
    n = len(way)
    far = np.full(n, np.inf)
    done = np.zeros(n, dtype=np.bool_)
    far[start] = 0.0
    for _ in range(n):
        at = -1
        for v in range(n):
            if not done[v] and (at < 0 or far[v] < far[at]):
                at = v
        done[at] = True
        for v in range(n):
            far[v] = min(far[v], far[at] + way[at, v])
    return far


@kernel(error_model="numpy")
def reach_sets(way, opens, closes, start, end, latest, rows):  # type: ignore[no-untyped-def]
    """Tell for every set of points when a route of one crew may leave it: Held & Karp 1962.

    `early[s, k]` is the earliest service at the last of the points `rows`, k, after all others of
    the set s (a bit each), inf = never; `fits[s]` is whether the crew is at its end in time.
    """
    m = len(rows)
    slack = 1 + 1e-12
    early = np.full((1 << m, m), np.inf)
    fits = np.zeros(1 << m, dtype=np.bool_)
    fits[0] = True
    for s in range(1, 1 << m):
        for k in range(m):
            v = rows[k]
            if not (s >> k) & 1 or v in (start, end):
                continue
            rest = s & ~(1 << k)
            least = opens[start] + way[start, v] if rest == 0 else np.inf
            for j in range(m):
                if (rest >> j) & 1:
                    least = min(least, early[rest, j] + way[rows[j], v])
            least = max(least, opens[v])
            if least <= closes[v] * slack:
                early[s, k] = least
                if least + way[v, end] <= latest * slack:
                    fits[s] = True
    return early, fits


@kernel(error_model="numpy")
def share_sets(within):  # type: ignore[no-untyped-def]
    """Tell for every set of points which part each crew takes, so that together they take it all.

    `within[c, s]` is whether crew c has a route over s and perhaps more. Returns (c, 2^m) parts of
    the sets that the crews up to c can take together, -1 = they cannot.
    """
    crews, sets = within.shape
    part = np.full((crews, sets), -1, dtype=np.int64)
    for s in range(sets):
        part[0, s] = s if within[0, s] else -1
    for c in range(1, crews):
        for s in range(sets):
            t = s
            while True:  # every part of s, itself first
                if within[c, t] and part[c - 1, s & ~t] >= 0:
                    part[c, s] = t
                    break
                if t == 0:
                    break
                t = (t - 1) & s
    return part
