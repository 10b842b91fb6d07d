"""Large neighbourhood search for team orienteering on points with a matrix of durations.

Routes are linked lists over n points and two terminals a crew (n + 2c the start, n + 2c + 1 the
end). Every point outside keeps the cheapest gap of every route, mended as gaps come and go, so an
insertion costs a look at each point and not at each gap. Destroy: random, strings (Christiaens &
Vanden Berghe 2020, doi 10.1287/trsc.2019.0914), related points (Shaw 1998), poor earners; repair:
prize to a random power over added time, with noise. Simulated annealing decides. Durations and
prizes are integers, so that sums never depend on their order.

All of it stands in one file: the compiler's cache does not see a change in another.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

NEVER = np.int64(1) << 60
EMPTY, DIRTY = -2, -1  # in State.pos: no gap fits; the gap kept is gone
PRIZE, TIME = 0, 1  # of State.total


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
    cost: Ints  # (n, c) time added in the cheapest gap
    pos: Int32s  # (n, c) what comes before that gap
    total: Ints  # (2,) prize, sum of ways


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
        total=np.zeros(2, dtype=np.int64),
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


@njit(cache=True, inline="always")
def _random(state):  # type: ignore[no-untyped-def]
    """Draw from [0, 1): xorshift64*, its state our own, so that a seed fixes a search."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
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
            for c in range(crews):
                _scan(points, state, v, c)


@njit(cache=True)
def _insert(points, state, v, c):  # type: ignore[no-untyped-def]
    """Put point v into the gap of route c kept for it."""
    n = len(points.prize)
    way, back, cost, pos = points.way, points.back, state.cost, state.pos
    i = state.pos[v, c]
    j = state.next[i]
    state.next[i] = state.prev[j] = v
    state.prev[v], state.next[v], state.route[v] = i, j, c
    state.used[c] += cost[v, c]
    state.total[TIME] += cost[v, c]
    state.total[PRIZE] += points.prize[v]
    state.size[c] += 1
    if points.timed:
        _clock(points, state, c)
        for u in range(n):
            if state.route[u] < 0:
                _scan(points, state, u, c)
        return
    first, second = np.int64(way[i, v]), np.int64(way[v, j])
    for u in range(n):
        if state.route[u] >= 0:
            continue
        if pos[u, c] == i:
            _scan(points, state, u, c)
            continue
        one = way[i, u] + back[v, u] - first
        two = way[v, u] + back[j, u] - second
        if one < cost[u, c]:
            cost[u, c], pos[u, c] = one, i
        if two < cost[u, c]:
            cost[u, c], pos[u, c] = two, v


@njit(cache=True)
def _unlink(points, state, v):  # type: ignore[no-untyped-def]
    """Take point v out; `_mend` must follow."""
    n = len(points.prize)
    way, back, cost, pos = points.way, points.back, state.cost, state.pos
    c, i, j = state.route[v], state.prev[v], state.next[v]
    state.next[i], state.prev[j] = j, i
    direct = np.int64(way[i, j])
    saved = np.int64(way[i, v]) + way[v, j] - direct
    state.used[c] -= saved
    state.total[TIME] -= saved
    state.total[PRIZE] -= points.prize[v]
    state.size[c] -= 1
    if points.timed:
        for u in range(n):
            pos[u, c] = DIRTY
    else:
        for u in range(n):
            if state.route[u] >= 0:
                continue
            if pos[u, c] == i or pos[u, c] == v:
                pos[u, c] = DIRTY
            elif pos[u, c] != DIRTY:
                one = way[i, u] + back[j, u] - direct
                if one < cost[u, c]:
                    cost[u, c], pos[u, c] = one, i
    state.route[v] = -1
    for other in range(len(points.limit)):
        pos[v, other] = DIRTY


@njit(cache=True)
def _mend(points, state):  # type: ignore[no-untyped-def]
    """Find the cheapest gaps anew where they are gone."""
    n, crews = len(points.prize), len(points.limit)
    if points.timed:
        for c in range(crews):
            _clock(points, state, c)
    for v in range(n):
        if state.route[v] < 0:
            for c in range(crews):
                if state.pos[v, c] == DIRTY:
                    _scan(points, state, v, c)


@njit(cache=True)
def _repair(points, state, weight):  # type: ignore[no-untyped-def]
    """Insert by weight over added time until nothing fits; weight 0 = leave out."""
    n, crews = len(points.prize), len(points.limit)
    cost, pos = state.cost, state.pos
    while True:
        best, point, crew = 0.0, -1, -1
        for v in range(n):
            if state.route[v] >= 0 or weight[v] <= 0:
                continue
            for c in range(crews):
                add = cost[v, c]
                if pos[v, c] >= 0 and (points.timed or state.used[c] + add <= points.limit[c]):
                    score = weight[v] / max(add, 1)
                    if score > best:
                        best, point, crew = score, v, c
        if point < 0:
            return
        _insert(points, state, point, crew)


@njit(cache=True)
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


@njit(cache=True)
def _destroy(points, state, most, rng):  # type: ignore[no-untyped-def]
    """Take points out of the routes."""
    n, crews = len(points.prize), len(points.limit)
    inside = np.int64(0)
    for c in range(crews):
        inside += state.size[c]
    if inside == 0:
        return
    count = 1 + np.int64(_random(rng) * min(most, 0.4 * inside))
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
        score = np.full(n, np.inf)
        for v in range(n):
            if state.route[v] >= 0:
                i, j = state.prev[v], state.next[v]
                saved = np.int64(points.way[i, v]) + points.way[v, j] - points.way[i, j]
                poor = np.float64(points.prize[v]) / max(saved, 1)
                score[v] = poor * (1 + noise * _random(rng)) if noise < 1 else _random(rng)
        order = np.argsort(score)
        for k in range(min(count, inside)):
            _unlink(points, state, order[k])
    _mend(points, state)


@njit(cache=True)
def _weigh(points, weight, rng):  # type: ignore[no-untyped-def]
    """Draw the weights of one repair."""
    power = 0.7 + 0.8 * _random(rng)
    noise = 0.6 * _random(rng) if _random(rng) < 0.8 else 0.0
    blink = 0.05 if _random(rng) < 0.5 else 0.0
    if _random(rng) < (0.2 if points.timed else 0.02):  # whatever the prizes
        power, noise = 0.0, 1.0
    for v in range(len(weight)):
        weight[v] = points.prize[v] ** power * (1 - noise * _random(rng))
        if _random(rng) < blink:
            weight[v] = 0.0


@njit(cache=True)
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
    for v in range(n):
        if state.route[v] < 0:
            _scan(points, state, v, c)
    return True


@njit(cache=True)
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
    to.total[:] = source.total


@njit(cache=True)
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
        _weigh(points, weight, rng)
        _repair(points, state, weight)
        threshold = value + heat * np.log(1.0 - _random(rng))
        now = state.total[PRIZE] - rate * state.total[TIME]
        if not points.timed and now > threshold - 3 * heat:
            shorter = False
            for c in range(crews):
                if _differs(state, backup, n, c):
                    shorter |= _shorten(points, state, c, order, ahead, behind)
            if shorter:
                _weigh(points, weight, rng)
                _repair(points, state, weight)
                now = state.total[PRIZE] - rate * state.total[TIME]
        if now > threshold:
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
def fill(points, state, rng):  # type: ignore[no-untyped-def]
    """Insert what fits."""
    weight = np.ones(len(points.prize))
    _weigh(points, weight, rng)
    _repair(points, state, weight)


@njit(cache=True)
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
