"""Large neighbourhood search over oriented segments for the team orienteering arc problem.

A task is one pass of one risky segment; a route is an order of oriented tasks (`2 * task + side`,
side 1 = against the geometry) between two terminals. Each iteration removes strings of tasks that
lie near each other (slack induction by string removals: Christiaens & Vanden Berghe 2020,
doi 10.1287/trsc.2019.0914) and refills by noisy prize per metre; simulated annealing decides.
Prizes and lengths are integers, so that sums never depend on their order.

All of it stands in one file: the compiler's cache does not see a change in another.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NO_SLOT = np.int64(1) << 60
ANY = np.int64(-1)


class Tasks(NamedTuple):
    """The passes that may be made; n tasks, u units (a segment in a time bin), t terminals."""

    distance: Int32s  # (graphs, t, t) mm between terminals
    first: Ints  # (n,) terminal where the segment starts
    last: Ints  # (n,) terminal where it ends
    length: Ints  # (n,) mm
    unit: Ints  # (n,) what it earns from
    prize: Ints  # (u,) prize of a first pass
    opens: Floats  # (u,) s, on the plan's clock: the unit earns from here
    closes: Floats  # (u,) s, up to here
    copies: Ints  # (u + 1,) tasks of unit i are copies[i]:copies[i + 1]
    sides: Bools  # (groups, n, 2) may a crew of the group walk it along / against?
    near: Ints  # (n, k) tasks nearby, of other units


class Crews(NamedTuple):
    """Who walks; c crews."""

    start: Ints  # (c,) terminal
    end: Ints  # (c,) terminal
    budget: Ints  # (c,) mm
    group: Ints  # (c,) row of Tasks.sides
    graph: Ints  # (c,) row of Tasks.distance
    begin: Floats  # (c,) s, on the plan's clock
    speed: Floats  # (c,) mm/s
    share: Floats  # (c,) what a repeat pass earns of the pass before it
    after: Floats  # (c,) s between two passes that both earn


class Routes(NamedTuple):
    """A solution that the search works on; m is room for tasks in a route."""

    order: Ints  # (c, m) oriented tasks
    size: Ints  # (c,) tasks in each route
    used: Ints  # (c,) mm walked
    offset: Ints  # (c, m) mm walked when the task begins
    crew: Ints  # (n,) -1 = not planned
    place: Ints  # (n,) position in its route
    passes: Ints  # (u,) planned passes


def empty_routes(tasks: Tasks, crews: Crews) -> Routes:
    """Return routes that walk straight from start to end."""
    n, c, u = len(tasks.first), len(crews.start), len(tasks.prize)
    return Routes(
        order=np.zeros((c, n + 1), dtype=np.int64),
        size=np.zeros(c, dtype=np.int64),
        used=np.array(
            [tasks.distance[crews.graph[i], crews.start[i], crews.end[i]] for i in range(c)],
            dtype=np.int64,
        ),
        offset=np.zeros((c, n + 1), dtype=np.int64),
        crew=np.full(n, -1, dtype=np.int64),
        place=np.zeros(n, dtype=np.int64),
        passes=np.zeros(u, dtype=np.int64),
    )


def copy_routes(routes: Routes) -> Routes:
    """Return an independent copy."""
    return Routes(*(array.copy() for array in routes))


@njit(cache=True, inline="always")
def _random(state):  # type: ignore[no-untyped-def]
    """Draw from [0, 1): xorshift64*, its state our own, so that a seed fixes a search."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(cache=True, inline="always")
def _entry(tasks, oriented):  # type: ignore[no-untyped-def]
    return tasks.last[oriented >> 1] if oriented & 1 else tasks.first[oriented >> 1]


@njit(cache=True, inline="always")
def _exit(tasks, oriented):  # type: ignore[no-untyped-def]
    return tasks.first[oriented >> 1] if oriented & 1 else tasks.last[oriented >> 1]


@njit(cache=True)
def _refresh(tasks, crews, routes, c):  # type: ignore[no-untyped-def]
    """Recompute what a route walks, and where and when its tasks stand in it."""
    far = tasks.distance[crews.graph[c]]
    here = crews.start[c]
    walked = np.int64(0)
    for p in range(routes.size[c]):
        oriented = routes.order[c, p]
        task = oriented >> 1
        walked += far[here, _entry(tasks, oriented)]
        routes.offset[c, p] = walked
        routes.crew[task] = c
        routes.place[task] = p
        walked += tasks.length[task]
        here = _exit(tasks, oriented)
    routes.used[c] = walked + far[here, crews.end[c]]


@njit(cache=True, inline="always")
def _moment(crews, routes, task):  # type: ignore[no-untyped-def]
    """Return when, on the plan's clock, a planned task begins."""
    c = routes.crew[task]
    return crews.begin[c] + routes.offset[c, routes.place[task]] / crews.speed[c]


@njit(cache=True)
def _gain(tasks, crews, routes, task, c, p, enter):  # type: ignore[no-untyped-def]
    """Return what one more pass of the task's unit earns if crew c makes it at position p."""
    unit = tasks.unit[task]
    before = routes.passes[unit]
    if before == 0 and tasks.opens[unit] == -np.inf and tasks.closes[unit] == np.inf:
        return float(tasks.prize[unit])
    g = crews.graph[c]
    walked = np.int64(tasks.distance[g, crews.start[c], enter])
    if p > 0:
        oriented = routes.order[c, p - 1]
        walked = routes.offset[c, p - 1] + tasks.length[oriented >> 1]
        walked += tasks.distance[g, _exit(tasks, oriented), enter]
    moment = crews.begin[c] + walked / crews.speed[c]
    if not tasks.opens[unit] <= moment < tasks.closes[unit]:
        return 0.0
    for other in range(tasks.copies[unit], tasks.copies[unit + 1]):
        if routes.crew[other] < 0:
            continue
        if abs(_moment(crews, routes, other) - moment) < crews.after[c]:
            return 0.0
    return float(tasks.prize[unit]) * crews.share[c] ** before


@njit(cache=True)
def _minds_the_clock(tasks, routes, task):  # type: ignore[no-untyped-def]
    """Return whether what a pass of the task earns depends on when it is made."""
    unit = tasks.unit[task]
    always = tasks.opens[unit] == -np.inf and tasks.closes[unit] == np.inf
    return routes.passes[unit] > 0 or not always


@njit(cache=True)
def _find_slot(tasks, crews, routes, task, slot, only_crew, only_place):  # type: ignore[no-untyped-def]
    """Keep in `slot` (cost, crew, position, side) the cheapest place for a task.

    Looks beside its neighbours and at the ends of every route; or, where `only_crew` >= 0, at the
    two gaps around one position, and keeps what the slot held if that is cheaper.
    """
    # arrays as locals: taking them from the tuples inside the loop costs more than the loop
    distance, near, length, sides = tasks.distance, tasks.near, tasks.length, tasks.sides
    first, last = tasks.first, tasks.last
    order, count, used = routes.order, routes.size, routes.used
    place, crew = routes.place, routes.crew
    start, end, budget = crews.start, crews.end, crews.budget
    graph, group = crews.graph, crews.group
    n_near = 0 if only_crew >= 0 else near.shape[1]
    n_crews = 1 if only_crew >= 0 else len(count)
    if only_crew < 0:
        slot[0], slot[1] = NO_SLOT, ANY
    cheapest = slot[0]
    for i in range(n_near + n_crews):
        if i < n_near:
            other = near[task, i]
            c = crew[other] if other >= 0 else np.int64(-1)
            if c < 0:
                continue
            low = place[other]
            high = low + 1
        elif only_crew >= 0:
            c, low, high = only_crew, only_place, only_place + 1
        else:
            c = np.int64(i - n_near)
            low, high = np.int64(0), count[c]
        g, room = graph[c], budget[c] - used[c]
        for k in range(2):
            p = low if k == 0 else high
            before = start[c]
            if p > 0:
                o = order[c, p - 1]
                before = first[o >> 1] if o & 1 else last[o >> 1]
            after = end[c]
            if p < count[c]:
                o = order[c, p]
                after = last[o >> 1] if o & 1 else first[o >> 1]
            extra = length[task] - np.int64(distance[g, before, after])
            for side in range(2):
                enter, leave = first[task], last[task]
                if side == 1:
                    enter, leave = leave, enter
                cost = extra + distance[g, before, enter] + distance[g, leave, after]
                if (
                    cost < cheapest
                    and cost <= room
                    and sides[group[c], task, side]
                    and _gain(tasks, crews, routes, task, c, p, enter) > 0
                ):
                    cheapest = cost
                    slot[0], slot[1], slot[2], slot[3] = cost, c, p, side


@njit(cache=True)
def _insert(tasks, crews, routes, task, slot):  # type: ignore[no-untyped-def]
    c, p = slot[1], slot[2]
    for q in range(routes.size[c], p, -1):
        routes.order[c, q] = routes.order[c, q - 1]
    routes.order[c, p] = 2 * task + slot[3]
    routes.size[c] += 1
    routes.passes[tasks.unit[task]] += 1
    _refresh(tasks, crews, routes, c)


@njit(cache=True, nogil=True)
def sweep(tasks, crews, routes, noise, state):  # type: ignore[no-untyped-def]
    """Lay empty routes crew by crew, always on to the best noisy prize per metre.

    What the walk passes on its way stands nearest, so it is planned too: a start close to the walk
    that is really made, which insertion alone does not give.
    """
    distance, length, sides, crew = tasks.distance, tasks.length, tasks.sides, routes.crew
    weight = np.empty(len(length))
    for task in range(len(length)):
        weight[task] = 1.0 + noise * (_random(state) - 0.5)
    for c in range(len(crews.start)):
        g, here, walked = crews.graph[c], crews.start[c], np.int64(0)
        while True:
            best, best_score, best_cost = ANY, 0.0, np.int64(0)
            for oriented in range(2 * len(length)):
                task, side = oriented >> 1, oriented & 1
                if crew[task] >= 0 or not sides[crews.group[c], task, side]:
                    continue
                enter, leave = tasks.first[task], tasks.last[task]
                if side == 1:
                    enter, leave = leave, enter
                cost = np.int64(distance[g, here, enter]) + length[task]
                score = weight[task] * tasks.prize[tasks.unit[task]] / (cost + 1000.0)
                if (
                    score > best_score
                    and walked + cost + distance[g, leave, crews.end[c]] <= crews.budget[c]
                ):
                    gain = _gain(tasks, crews, routes, task, c, routes.size[c], enter)
                    score = weight[task] * gain / (cost + 1000.0)
                    if score > best_score:
                        best, best_score, best_cost = np.int64(oriented), score, cost
            if best < 0:
                break
            routes.order[c, routes.size[c]] = best
            routes.size[c] += 1
            routes.passes[tasks.unit[best >> 1]] += 1
            walked += best_cost
            here = _exit(tasks, best)
            _refresh(tasks, crews, routes, c)


@njit(cache=True, nogil=True)
def refill(tasks, crews, routes, pool, noise, state, touched):  # type: ignore[no-untyped-def]
    """Insert tasks of the pool one by one, the best noisy prize per metre first.

    `touched[c]` turns True for every route that changed.
    """
    n = len(pool)
    slots = np.empty((n, 4), dtype=np.int64)
    weight = np.empty(n)
    for i in range(n):
        weight[i] = 1.0 + noise * (_random(state) - 0.5)
        _find_slot(tasks, crews, routes, pool[i], slots[i], ANY, ANY)
    while True:
        best, best_score = -1, 0.0
        for i in range(n):
            if slots[i, 0] < NO_SLOT:
                unit = tasks.unit[pool[i]]
                prize = tasks.prize[unit] * crews.share[slots[i, 1]] ** routes.passes[unit]
                score = weight[i] * prize / (slots[i, 0] + 1000.0)
                if score > best_score:
                    best, best_score = i, score
        if best < 0:
            return
        task = pool[best]
        c, p = slots[best, 1], slots[best, 2]
        _insert(tasks, crews, routes, task, slots[best])
        touched[c] = True
        slots[best, 0] = NO_SLOT
        for i in range(n):
            other = pool[i]
            if routes.crew[other] >= 0:
                slots[i, 0] = NO_SLOT
                continue
            if slots[i, 1] == c and slots[i, 2] > p:
                slots[i, 2] += 1
            stale = slots[i, 1] == c and (
                slots[i, 2] == p or routes.used[c] + slots[i, 0] > crews.budget[c]
            )
            # a repeat, or a pass in a time bin, may fit now that clocks moved on
            retry = slots[i, 0] == NO_SLOT and _minds_the_clock(tasks, routes, other)
            anew = stale or retry or tasks.unit[other] == tasks.unit[task]
            _find_slot(tasks, crews, routes, other, slots[i], ANY if anew else c, p)


@njit(cache=True)
def _remove_string(tasks, crews, routes, c, p, length):  # type: ignore[no-untyped-def]
    """Take `length` tasks out of a route from position p on."""
    for q in range(p, p + length):
        task = routes.order[c, q] >> 1
        routes.crew[task] = -1
        routes.passes[tasks.unit[task]] -= 1
    for q in range(p, routes.size[c] - length):
        routes.order[c, q] = routes.order[c, q + length]
    routes.size[c] -= length
    _refresh(tasks, crews, routes, c)


@njit(cache=True)
def _ruin(tasks, crews, routes, centre, most, state, touched):  # type: ignore[no-untyped-def]
    """Remove strings of up to `most` tasks around one task, from up to three places.

    Returns the tasks removed.
    """
    removed = np.empty(3 * most, dtype=np.int64)
    size = 0
    left = 1 + int(_random(state) * 3)
    for i in range(-1, len(tasks.near[centre])):
        other = centre if i < 0 else tasks.near[centre, i]
        if left == 0 or other < 0:
            break
        c = routes.crew[other]
        if c < 0:
            continue
        length = min(1 + int(_random(state) * most), routes.size[c])
        p = routes.place[other] - int(_random(state) * length)
        p = max(np.int64(0), min(p, routes.size[c] - length))
        for q in range(p, p + length):
            removed[size] = routes.order[c, q] >> 1
            size += 1
        _remove_string(tasks, crews, routes, c, p, length)
        touched[c] = True
        left -= 1
    return removed[:size]


@njit(cache=True, nogil=True)
def value(tasks, crews, routes):  # type: ignore[no-untyped-def]
    """Return the prize less the millimetres walked; minus infinity where a crew comes late.

    Planned passes earn by the clock: one too soon after another, or out of its time bin, earns
    nothing. Prizes are scaled so that the metres only decide among near equals.
    """
    # arrays as locals: taking them from the tuples inside the loop costs more than the loop
    prize, opens, closes, copies = tasks.prize, tasks.opens, tasks.closes, tasks.copies
    passes, crew, offset, place = routes.passes, routes.crew, routes.offset, routes.place
    begin, speed, share, after = crews.begin, crews.speed, crews.share, crews.after
    most = 1
    for unit in range(len(passes)):
        most = max(most, passes[unit])
    when, who = np.empty(most), np.empty(most, dtype=np.int64)
    total = 0.0
    for unit in range(len(passes)):
        size = 0
        for task in range(copies[unit], copies[unit + 1] if passes[unit] > 0 else copies[unit]):
            c = crew[task]
            if c >= 0:  # sorted by insertion: a unit has few copies
                moment = begin[c] + offset[c, place[task]] / speed[c]
                i = size
                while i > 0 and when[i - 1] > moment:
                    when[i], who[i] = when[i - 1], who[i - 1]
                    i -= 1
                when[i], who[i] = moment, c
                size += 1
        worth, paid = float(prize[unit]), -np.inf
        for i in range(size):
            c = who[i]
            if opens[unit] <= when[i] < closes[unit] and when[i] - paid >= after[c]:
                total += worth
                worth *= share[c]
                paid = when[i]
    walked = np.int64(0)
    for c in range(len(routes.used)):
        if routes.used[c] > crews.budget[c]:
            return -np.inf
        walked += routes.used[c]
    return total - walked


@njit(cache=True)
def _copy_route(tasks, crews, source, target, c):  # type: ignore[no-untyped-def]
    """Make route c of `target` that of `source`; tasks it held before must be freed first."""
    target.size[c] = source.size[c]
    for p in range(source.size[c]):
        oriented = source.order[c, p]
        target.order[c, p] = oriented
        target.passes[tasks.unit[oriented >> 1]] += 1
    _refresh(tasks, crews, target, c)


@njit(cache=True)
def _free_route(tasks, routes, c):  # type: ignore[no-untyped-def]
    for p in range(routes.size[c]):
        task = routes.order[c, p] >> 1
        routes.crew[task] = -1
        routes.passes[tasks.unit[task]] -= 1
    routes.size[c] = 0


@njit(cache=True)
def _take_over(tasks, crews, source, target, touched):  # type: ignore[no-untyped-def]
    """Make the touched routes of `target` equal to those of `source`."""
    for c in range(len(touched)):
        if touched[c]:
            _free_route(tasks, target, c)
    for c in range(len(touched)):
        if touched[c]:
            _copy_route(tasks, crews, source, target, c)


@njit(cache=True)
def _pool(tasks, routes, centre, removed, marked):  # type: ignore[no-untyped-def]
    """Return the unplanned tasks around a centre, and those just removed, each once."""
    near = tasks.near[centre]
    pool = np.empty(len(removed) + len(near) + 1, dtype=np.int64)
    size = 0
    for i in range(-1, len(removed) + len(near)):
        task = centre if i < 0 else (removed[i] if i < len(removed) else near[i - len(removed)])
        if task >= 0 and routes.crew[task] < 0 and not marked[task]:
            marked[task] = True
            pool[size] = task
            size += 1
    for i in range(size):
        marked[pool[i]] = False
    return pool[:size]


@njit(cache=True, nogil=True)
def improve(  # type: ignore[no-untyped-def]
    tasks, crews, current, work, best, values, state, iterations, temperature, most
):
    """Run iterations of ruin and refill at one temperature (in units of value).

    `current` and `work` must be equal on entry, and are on return; `best` holds the best routes
    seen, `values` the values of current and best.
    """
    touched = np.zeros(len(crews.start), dtype=np.bool_)
    everything = np.ones(len(crews.start), dtype=np.bool_)
    marked = np.zeros(len(tasks.first), dtype=np.bool_)
    for _ in range(iterations):
        touched[:] = False
        centre = np.int64(_random(state) * len(tasks.first))
        removed = _ruin(tasks, crews, work, centre, most, state, touched)
        pool = _pool(tasks, work, centre, removed, marked)
        refill(tasks, crews, work, pool, 0.8, state, touched)
        now = value(tasks, crews, work)
        if now > values[0] + temperature * np.log(_random(state) + 1e-300):
            _take_over(tasks, crews, work, current, touched)
            values[0] = now
            if now > values[1]:
                _take_over(tasks, crews, work, best, everything)
                values[1] = now
        else:
            _take_over(tasks, crews, current, work, touched)
