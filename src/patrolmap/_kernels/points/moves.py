"""Points taken out of routes and put in."""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.draw import uniform
from patrolmap._kernels.points.state import (
    DIRTY,
    NEVER,
    OUTSIDE,
    PRIZE,
    TIME,
    leave,
    scan,
    tell_time,
)


@inner(error_model="numpy", borrows=True)
def insert(points, state, v, c):  # type: ignore[no-untyped-def]
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
        tell_time(points, state, c)
        for k in range(count):
            scan(points, state, outside[k], c)
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


@inner(error_model="numpy", borrows=True)
def unlink(points, state, v):  # type: ignore[no-untyped-def]
    """Take point v out; where there are windows, `mend` must follow."""
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
    leave(state, v)
    for other in range(len(points.limit)):
        cost[v, other], pos[v, other] = -NEVER, DIRTY


@inner(error_model="numpy", borrows=True)
def mend(points, state):  # type: ignore[no-untyped-def]
    """Tell the time anew, and find the cheapest gaps where they are gone."""
    if not points.timed:
        return
    crews = len(points.limit)
    for c in range(crews):
        tell_time(points, state, c)
    for k in range(state.total[OUTSIDE]):
        for c in range(crews):
            if state.pos[state.outside[k], c] == DIRTY:
                scan(points, state, state.outside[k], c)


@inner(error_model="numpy", borrows=True)
def repair(points, state, weight, most):  # type: ignore[no-untyped-def]
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
                    scan(points, state, v, c)
                    add = cost[v, c]
                    if add > room or weight[v] <= best * max(add, 1):
                        continue
                best, point, crew = weight[v] / max(add, 1), v, c
        if point < 0:
            return
        insert(points, state, point, crew)


@inner(error_model="numpy", borrows=True)
def _drop_string(points, state, v, length, rng):  # type: ignore[no-untyped-def]
    """Take out a string of a route that holds point v."""
    n = len(points.prize)
    back = np.int64(uniform(rng) * length)
    at = v
    while back > 0 and state.prev[at] < n:
        at, back = state.prev[at], back - 1
    for _ in range(length):
        if at >= n:
            return
        to = state.next[at]
        unlink(points, state, at)
        at = to


@inner(error_model="numpy")
def destroy(points, state, most, rng):  # type: ignore[no-untyped-def]
    """Take points out of the routes."""
    n, crews = len(points.prize), len(points.limit)
    inside = np.int64(0)
    for c in range(crews):
        inside += state.size[c]
    if inside == 0:
        return
    count = 1 + np.int64(uniform(rng) * min(most, max(0.4 * inside, min(inside, 5))))
    kind = uniform(rng)
    if kind < 0.45:  # strings near one place
        seed = min(np.int64(uniform(rng) * n), n - 1)
        strings = 1 + np.int64(uniform(rng) * min(crews, 4))
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
        seed = min(np.int64(uniform(rng) * n), n - 1)
        keep = 0.5 * uniform(rng)
        for k in range(-1, points.near.shape[1]):
            v = seed if k < 0 else points.near[seed, k]
            if state.route[v] >= 0 and uniform(rng) >= keep:
                unlink(points, state, v)
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
                score[size] = poor * (1 + noise * uniform(rng)) if noise < 1 else uniform(rng)
                some[size] = v
                size += 1
        for _ in range(min(count, inside)):
            least = np.argmin(score)
            score[least] = np.inf
            unlink(points, state, some[least])
    mend(points, state)


@inner(error_model="numpy", borrows=True)
def weigh(points, state, weight, rng):  # type: ignore[no-untyped-def]
    """Draw the weights of one repair, of the points outside."""
    power = 0.7 + 0.8 * uniform(rng)
    noise = 0.6 * uniform(rng) if uniform(rng) < 0.8 else 0.0
    blink = 0.05 if uniform(rng) < 0.5 else 0.0
    if uniform(rng) < (0.2 if points.timed else 0.02):  # whatever the prizes
        power, noise = 0.0, 1.0
    for k in range(state.total[OUTSIDE]):
        v = state.outside[k]
        weight[v] = points.prize[v] ** power * (1 - noise * uniform(rng))
        if uniform(rng) < blink:
            weight[v] = 0.0


@kernel(error_model="numpy")
def fill(points, state, rng, most):  # type: ignore[no-untyped-def]
    """Insert what fits, at most so many points; return whether that was all."""
    weight = np.ones(len(points.prize))
    before = state.total[OUTSIDE]
    weigh(points, state, weight, rng)
    repair(points, state, weight, most)
    return before - state.total[OUTSIDE] < most


@kernel(error_model="numpy", borrows=True)
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
            unlink(points, state, worst)
    mend(points, state)
