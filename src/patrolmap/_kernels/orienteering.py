"""Large neighbourhood search over oriented segments for the team orienteering arc problem.

A task is one pass of one risky segment; a route is an order of oriented tasks (`2 * task + side`,
side 1 = against the geometry) between two terminals. Each iteration removes strings of tasks near
one place (slack induction by string removals: Christiaens & Vanden Berghe 2020,
doi 10.1287/trsc.2019.0914), often the poorest of a few strings elsewhere too, and refills around
both that place and another by noisy prize per metre: so metres move from where they earn little to
where they earn more, however far apart. A way between two tasks takes on every task that it passes,
and a place in a route is judged by all that the new way collects. Simulated annealing decides.
Prizes and lengths are integers, so that sums never depend on their order.

All of it stands in one file: the compiler's cache does not see a change in another.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NO_SLOT = np.int64(1) << 60
FEW = 2  # crews, all of whose routes are looked at for every task
STRINGS = 40  # of which the poorest goes, where a route is too long
MOVES = 0.15  # share of iterations that move a string
LONGEST = 60  # most tasks in it
EXCURSIONS = 20  # of which the one worth least goes
POOREST_OF = 6  # strings, of which the one with the least prize per metre goes


class Tasks(NamedTuple):
    """The passes that may be made; n tasks, u units (a segment in a time bin), t terminals."""

    distance: Int32s  # (graphs, t, t) mm between terminals
    back: Int32s  # (graphs, t, t) its transpose; the same array where all ways go both ways
    via: Int16s  # (graphs, t, t) last terminal on the way before the one it leads to, -1 = none
    over: Int16s  # (graphs, t, t) risky segment walked from there (row of `ridden`), -1 = none
    ridden: Ints  # (s + 1,) tasks of risky segment i are riding[ridden[i]:ridden[i + 1]]
    riding: Ints  # (n,)
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
    limit: Ints  # (c,) mm that a route may have at last
    budget: Ints  # (c,) mm that it may have meanwhile
    group: Ints  # (c,) row of Tasks.sides
    graph: Ints  # (c,) row of Tasks.distance
    begin: Floats  # (c,) s, on the plan's clock
    speed: Floats  # (c,) mm/s
    share: Floats  # (c,) what a repeat pass earns of the pass before it
    after: Floats  # (c,) s between two passes that both earn
    price: Floats  # (c,) prize that a millimetre must bring


class Routes(NamedTuple):
    """A solution; m is room for tasks in a route. Gap p lies before task p, the last at the end."""

    order: Int32s  # (c, m) oriented tasks
    leave: Int32s  # (c, m + 1) terminal at which a gap begins
    enter: Int32s  # (c, m + 1) terminal at which it ends
    gap: Int32s  # (c, m + 1) mm from one to the other
    offset: Ints  # (c, m) mm walked when the task begins; kept only where clocks matter
    size: Ints  # (c,) tasks in each route
    used: Ints  # (c,) mm walked
    crew: Ints  # (n,) -1 = not planned
    place: Ints  # (n,) position in its route
    passes: Ints  # (u,) planned passes


def empty_routes(tasks: Tasks, crews: Crews) -> Routes:
    """Return routes that walk straight from start to end."""
    n, c, u = len(tasks.first), len(crews.start), len(tasks.prize)
    way = int(crews.budget.max(initial=0))
    m = 1 + int(np.searchsorted(np.cumsum(np.sort(tasks.length)), way, side="right"))
    straight = tasks.distance[crews.graph, crews.start, crews.end]
    routes = Routes(
        order=np.zeros((c, m), dtype=np.int32),
        leave=np.zeros((c, m + 1), dtype=np.int32),
        enter=np.zeros((c, m + 1), dtype=np.int32),
        gap=np.zeros((c, m + 1), dtype=np.int32),
        offset=np.zeros((c, m), dtype=np.int64),
        size=np.zeros(c, dtype=np.int64),
        used=straight.astype(np.int64),
        crew=np.full(n, -1, dtype=np.int64),
        place=np.zeros(n, dtype=np.int64),
        passes=np.zeros(u, dtype=np.int64),
    )
    routes.leave[:, 0], routes.enter[:, 0], routes.gap[:, 0] = crews.start, crews.end, straight
    return routes


def copy_routes(routes: Routes) -> Routes:
    """Return an independent copy."""
    return routes._make(array.copy() for array in routes)


def timed(tasks: Tasks) -> bool:
    """Return whether what any task earns depends on when it is done."""
    always = (tasks.opens == -np.inf) & (tasks.closes == np.inf) & (np.diff(tasks.copies) == 1)
    return not bool(always.all())


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
def _set_offsets(tasks, routes, c, p):  # type: ignore[no-untyped-def]
    """Recompute how far a crew has walked when it begins each task from position p on."""
    walked = np.int64(0)
    if p > 0:
        walked = routes.offset[c, p - 1] + tasks.length[routes.order[c, p - 1] >> 1]
    for q in range(p, routes.size[c]):
        walked += routes.gap[c, q]
        routes.offset[c, q] = walked
        walked += tasks.length[routes.order[c, q] >> 1]


@njit(cache=True, inline="always")
def _moment(crews, routes, task):  # type: ignore[no-untyped-def]
    """Return when, on the plan's clock, a planned task begins."""
    c = routes.crew[task]
    return crews.begin[c] + routes.offset[c, routes.place[task]] / crews.speed[c]


@njit(cache=True, inline="always")
def _walked(tasks, routes, c, p):  # type: ignore[no-untyped-def]
    """Return how far crew c has walked where gap p begins."""
    if p == 0:
        return np.int64(0)
    return routes.offset[c, p - 1] + tasks.length[routes.order[c, p - 1] >> 1]


@njit(cache=True)
def _gain(tasks, crews, routes, task, c, walked):  # type: ignore[no-untyped-def]
    """Return what one more pass of the task's unit earns if crew c begins it after `walked` mm."""
    unit = tasks.unit[task]
    before = routes.passes[unit]
    always = tasks.opens[unit] == -np.inf and tasks.closes[unit] == np.inf
    if before == 0 and always:
        return float(tasks.prize[unit])
    moment = crews.begin[c] + walked / crews.speed[c]
    if not tasks.opens[unit] <= moment < tasks.closes[unit]:
        return 0.0
    for other in range(tasks.copies[unit], tasks.copies[unit + 1]):
        if routes.crew[other] >= 0 and (
            abs(_moment(crews, routes, other) - moment) < crews.after[c]
        ):
            return 0.0
    return float(tasks.prize[unit]) * crews.share[c] ** before


@njit(cache=True)
def _minds_the_clock(tasks, routes, task):  # type: ignore[no-untyped-def]
    """Return whether what a pass of the task earns depends on when it is made."""
    unit = tasks.unit[task]
    always = tasks.opens[unit] == -np.inf and tasks.closes[unit] == np.inf
    return routes.passes[unit] > 0 or not always


@njit(cache=True)
def _cheapest(far, back, leave, enter, gap, c, a, b, length, along, against, low, high, limit):  # type: ignore[no-untyped-def]
    """Return the least mm (below `limit`) that a segment from a to b adds in some gaps of route c.

    With it come the gap, -1 = none, and the side. Few arrays, because a call hands each over.
    """
    where, side = np.int64(-1), np.int64(0)
    for p in range(low, high):
        x, y = leave[c, p], enter[c, p]
        cost = np.int64(back[a, x]) + far[b, y] if along else NO_SLOT
        other = np.int64(back[b, x]) + far[a, y] if against else NO_SLOT
        turned = other < cost
        cost = min(cost, other) + length - gap[c, p]
        if cost < limit:
            limit, where, side = cost, p, np.int64(turned)
    return limit, where, side


@njit(cache=True)
def _cheapest_in_time(tasks, crews, routes, task, c, low, high, limit):  # type: ignore[no-untyped-def]
    """Do the same for a task that only earns at some times."""
    g = crews.graph[c]
    a, b, length = tasks.first[task], tasks.last[task], tasks.length[task]
    where, side = np.int64(-1), np.int64(0)
    for p in range(low, high):
        x, y = routes.leave[c, p], routes.enter[c, p]
        for turned in range(2):
            if turned == 1:
                a, b = b, a
            way = np.int64(tasks.distance[g, x, a])
            cost = way + length + tasks.distance[g, b, y] - routes.gap[c, p]
            if cost < limit and tasks.sides[crews.group[c], task, turned]:
                walked = _walked(tasks, routes, c, p) + way
                if _gain(tasks, crews, routes, task, c, walked) > 0:
                    limit, where, side = cost, p, np.int64(turned)
        a, b = b, a
    return limit, where, side


@njit(cache=True)
def _find_slot(tasks, crews, routes, task, c, low, high, slot, i):  # type: ignore[no-untyped-def]
    """Keep in `slot[i]` (cost, crew, gap, side) the cheapest of some gaps of a route for a task."""
    limit = min(slot[i, 0], crews.budget[c] - routes.used[c] + 1)
    if _minds_the_clock(tasks, routes, task):
        cost, p, side = _cheapest_in_time(tasks, crews, routes, task, c, low, high, limit)
    else:
        g, group = crews.graph[c], crews.group[c]
        cost, p, side = _cheapest(
            tasks.distance[g], tasks.back[g], routes.leave, routes.enter, routes.gap, c,
            tasks.first[task], tasks.last[task], tasks.length[task],
            tasks.sides[group, task, 0], tasks.sides[group, task, 1], low, high, limit,
        )  # fmt: skip
    if p >= 0:
        slot[i, 0], slot[i, 1], slot[i, 2], slot[i, 3] = cost, c, p, side


@njit(cache=True)
def _beside_neighbours(  # type: ignore[no-untyped-def]
    distance, back, near, sides, crew, place, leave, enter, gap, used, budget, graph, group,
    task, a, b, length,
):  # fmt: skip
    """Return the cheapest place (mm, crew, gap, side) for a task beside those near it."""
    cheapest, who, where, side = NO_SLOT, np.int64(-1), np.int64(-1), np.int64(0)
    for k in range(near.shape[1]):
        other = near[task, k]
        if other < 0:
            break
        c = crew[other]
        if c < 0:
            continue
        g, limit = graph[c], min(cheapest, budget[c] - used[c] + 1)
        along, against = sides[group[c], task, 0], sides[group[c], task, 1]
        for p in range(place[other], place[other] + 2):
            x, y = leave[c, p], enter[c, p]
            cost = np.int64(back[g, a, x]) + distance[g, b, y] if along else NO_SLOT
            swapped = np.int64(back[g, b, x]) + distance[g, a, y] if against else NO_SLOT
            turned = swapped < cost
            cost = min(cost, swapped) + length - gap[c, p]
            if cost < limit:
                cheapest = limit = cost
                who, where, side = c, p, np.int64(turned)
    return cheapest, who, where, side


@njit(cache=True)
def _find_anywhere(tasks, crews, routes, task, slot, i, seen, stamp, wide):  # type: ignore[no-untyped-def]
    """Keep in `slot[i]` the cheapest place for a task beside its neighbours, or in empty routes.

    `wide` looks at the whole of the routes that come near. `seen[c]` is set to `stamp` for the
    routes looked at.
    """
    slot[i, 0] = NO_SLOT
    crew, size, near = routes.crew, routes.size, tasks.near
    n_crews = len(size)
    if wide or _minds_the_clock(tasks, routes, task):
        for k in range(near.shape[1]):
            if near[task, k] < 0:
                break
            c = crew[near[task, k]]
            if c >= 0 and seen[c] != stamp:
                seen[c] = stamp
                _find_slot(tasks, crews, routes, task, c, 0, size[c] + 1, slot, i)
    else:
        slot[i, 0], slot[i, 1], slot[i, 2], slot[i, 3] = _beside_neighbours(
            tasks.distance, tasks.back, near, tasks.sides, crew, routes.place,
            routes.leave, routes.enter, routes.gap, routes.used, crews.budget, crews.graph,
            crews.group, task, tasks.first[task], tasks.last[task], tasks.length[task],
        )  # fmt: skip
    for c in range(n_crews):
        if (size[c] < 3 or (n_crews <= FEW and slot[i, 0] == NO_SLOT)) and seen[c] != stamp:
            seen[c] = stamp
            _find_slot(tasks, crews, routes, task, c, 0, size[c] + 1, slot, i)


@njit(cache=True)
def _insert(tasks, crews, routes, task, c, p, side, clocks):  # type: ignore[no-untyped-def]
    """Put a task into gap p of route c."""
    order, place = routes.order[c], routes.place
    leave, enter, gap = routes.leave[c], routes.enter[c], routes.gap[c]
    n = routes.size[c]
    for q in range(n, p, -1):
        order[q] = order[q - 1]
        place[order[q] >> 1] = q
    for q in range(n + 1, p, -1):
        leave[q], enter[q], gap[q] = leave[q - 1], enter[q - 1], gap[q - 1]
    far = tasks.distance[crews.graph[c]]
    a, b = tasks.first[task], tasks.last[task]
    if side == 1:
        a, b = b, a
    old = np.int64(gap[p])
    enter[p], gap[p] = a, far[leave[p], a]
    leave[p + 1], gap[p + 1] = b, far[b, enter[p + 1]]
    order[p] = 2 * task + side
    routes.used[c] += tasks.length[task] + gap[p] + gap[p + 1] - old
    routes.crew[task], place[task] = c, p
    routes.passes[tasks.unit[task]] += 1
    routes.size[c] = n + 1
    if clocks:
        _set_offsets(tasks, routes, c, p)


@njit(cache=True)
def _remove_string(tasks, crews, routes, c, p, length, clocks):  # type: ignore[no-untyped-def]
    """Take `length` tasks out of a route from position p on; return what their units lose."""
    order, place = routes.order[c], routes.place
    leave, enter, gap = routes.leave[c], routes.enter[c], routes.gap[c]
    n, lost, saved = routes.size[c], np.int64(0), np.int64(gap[p])
    for q in range(p, p + length):
        task = order[q] >> 1
        routes.crew[task] = -1
        routes.passes[tasks.unit[task]] -= 1
        lost += tasks.prize[tasks.unit[task]]
        saved += tasks.length[task] + gap[q + 1]
    enter[p] = enter[p + length]
    gap[p] = tasks.distance[crews.graph[c], leave[p], enter[p]]
    for q in range(p, n - length):
        order[q] = order[q + length]
        place[order[q] >> 1] = q
    for q in range(p + 1, n - length + 1):
        leave[q], enter[q], gap[q] = leave[q + length], enter[q + length], gap[q + length]
    routes.size[c] = n - length
    routes.used[c] -= saved - gap[p]
    if clocks:
        _set_offsets(tasks, routes, c, p)
    return lost


@njit(cache=True)
def _rider(tasks, crews, routes, c, a, b, walked):  # type: ignore[no-untyped-def]
    """Return the unplanned task that crew c would do on its way straight from a to b, and its gain.

    The task is -1 where that piece of way carries none.
    """
    segment = tasks.over[crews.graph[c], a, b]
    if segment >= 0:
        for i in range(tasks.ridden[segment], tasks.ridden[segment + 1]):
            task = tasks.riding[i]
            side = 0 if tasks.last[task] == b else 1
            if routes.crew[task] < 0 and tasks.sides[crews.group[c], task, side]:
                gain = _gain(tasks, crews, routes, task, c, walked)
                if gain > 0:
                    return task, gain
    return np.int64(-1), 0.0


@njit(cache=True)
def _riders(tasks, crews, routes, c, a, b, walked):  # type: ignore[no-untyped-def]
    """Return what crew c would earn on its way from terminal a to b, begun after `walked` mm."""
    via, far = tasks.via[crews.graph[c]], tasks.distance[crews.graph[c]]
    total = 0.0
    while via.shape[0] > 0 and a != b:
        before = np.int64(via[a, b])
        total += _rider(tasks, crews, routes, c, before, b, walked + far[a, before])[1]
        b = before
    return total


@njit(cache=True)
def _riders_any_time(via, over, ridden, riding, crew, unit, prize, a, b):  # type: ignore[no-untyped-def]
    """Return the prizes of unplanned tasks on the way from terminal a to b; one task a segment."""
    total = np.int64(0)
    while a != b:
        before = np.int64(via[a, b])
        segment = over[before, b]
        if segment >= 0:
            task = riding[ridden[segment]]
            if crew[task] < 0:
                total += prize[unit[task]]
        b = before
    return float(total)


@njit(cache=True)
def _board(tasks, crews, routes, c, p, clocks):  # type: ignore[no-untyped-def]
    """Plan every task that gap p of route c passes over; return how many, and their prizes."""
    via, far = tasks.via[crews.graph[c]], tasks.distance[crews.graph[c]]
    a, b = np.int64(routes.leave[c, p]), np.int64(routes.enter[c, p])
    walked = _walked(tasks, routes, c, p) if clocks else np.int64(0)
    count, prize = 0, np.int64(0)
    while via.shape[0] > 0 and a != b:
        before = np.int64(via[a, b])
        task, _ = _rider(tasks, crews, routes, c, before, b, walked + far[a, before])
        if task >= 0 and routes.size[c] < routes.order.shape[1]:
            side = 0 if tasks.last[task] == b else 1
            _insert(tasks, crews, routes, task, c, p, side, clocks)
            prize += tasks.prize[tasks.unit[task]]
            count += 1
        b = before
    return count, prize


@njit(cache=True, nogil=True)
def sweep(tasks, crews, routes, noise, state):  # type: ignore[no-untyped-def]
    """Lay empty routes crew by crew, always on to the best noisy prize per metre."""
    distance, length, sides, crew = tasks.distance, tasks.length, tasks.sides, routes.crew
    weight = np.empty(len(length))
    for task in range(len(length)):
        weight[task] = 1.0 + noise * (_random(state) - 0.5)
    for c in range(len(crews.start)):
        g, here, walked = crews.graph[c], crews.start[c], np.int64(0)
        while routes.size[c] < routes.order.shape[1]:
            best, best_score, best_cost = np.int64(-1), 0.0, np.int64(0)
            for oriented in range(2 * len(length)):
                task, side = oriented >> 1, oriented & 1
                if crew[task] >= 0 or not sides[crews.group[c], task, side]:
                    continue
                enter, leave = tasks.first[task], tasks.last[task]
                if side == 1:
                    enter, leave = leave, enter
                way = np.int64(distance[g, here, enter])
                cost = way + length[task]
                score = weight[task] * tasks.prize[tasks.unit[task]] / (cost + 1000.0)
                if (
                    score > best_score
                    and walked + cost + distance[g, leave, crews.end[c]] <= crews.budget[c]
                ):
                    gain = _gain(tasks, crews, routes, task, c, walked + way)
                    score = weight[task] * gain / (cost + 1000.0)
                    if score > best_score:
                        best, best_score, best_cost = np.int64(oriented), score, cost
            if best < 0:
                break
            _insert(tasks, crews, routes, best >> 1, c, routes.size[c], best & 1, True)
            walked += best_cost
            here = np.int64(routes.leave[c, routes.size[c]])


class Bench(NamedTuple):
    """What one refill works with; room for k tasks."""

    task: Ints  # (k,)
    slot: Ints  # (k, 4)
    weight: Floats  # (k,)
    earns: Floats  # (k,) prize of the slot, riders included; -1 = not reckoned yet
    seen: Ints  # (c,) stamps of routes looked at
    marked: Ints  # (n,) stamps of tasks in the pool
    stamp: Ints  # (2,) last stamps given out: of routes, of tasks


def empty_bench(tasks: Tasks, crews: Crews, room: int) -> Bench:
    """Return working memory for pools of at most `room` tasks."""
    return Bench(
        task=np.zeros(room, dtype=np.int64),
        slot=np.zeros((room, 4), dtype=np.int64),
        weight=np.zeros(room),
        earns=np.zeros(room),
        seen=np.zeros(len(crews.start), dtype=np.int64),
        marked=np.zeros(len(tasks.first), dtype=np.int64),
        stamp=np.zeros(2, dtype=np.int64),
    )


@njit(cache=True)
def _look(tasks, crews, routes, bench, i, wide):  # type: ignore[no-untyped-def]
    """Find the best place for entry i of the pool anew."""
    bench.stamp[0] += 1
    _find_anywhere(
        tasks, crews, routes, bench.task[i], bench.slot, i, bench.seen, bench.stamp[0], wide
    )
    bench.earns[i] = -1.0


@njit(cache=True)
def _drop(bench, i, n):  # type: ignore[no-untyped-def]
    """Overwrite entry i of a pool with its last one; return how many are left."""
    n -= 1
    bench.task[i], bench.weight[i], bench.earns[i] = bench.task[n], bench.weight[n], bench.earns[n]
    for k in range(4):
        bench.slot[i, k] = bench.slot[n, k]
    return n


@njit(cache=True)
def _earnings(tasks, crews, routes, task, slot, clocks):  # type: ignore[no-untyped-def]
    """Return what a task earns in its slot, with all that the new way there and on passes."""
    c, p, g = slot[1], slot[2], crews.graph[slot[1]]
    enter, leave = tasks.first[task], tasks.last[task]
    if slot[3] == 1:
        enter, leave = leave, enter
    before, after = np.int64(routes.leave[c, p]), np.int64(routes.enter[c, p])
    walked = _walked(tasks, routes, c, p) if clocks else np.int64(0)
    there = walked + tasks.distance[g, before, enter]
    earns = _gain(tasks, crews, routes, task, c, there)
    if slot[0] > 0 and not clocks:
        if tasks.via.shape[1] > 0:
            via, over = tasks.via[g], tasks.over[g]
            ridden, riding, crew = tasks.ridden, tasks.riding, routes.crew
            unit, prize = tasks.unit, tasks.prize
            earns += _riders_any_time(via, over, ridden, riding, crew, unit, prize, before, enter)
            earns += _riders_any_time(via, over, ridden, riding, crew, unit, prize, leave, after)
    elif slot[0] > 0:
        earns += _riders(tasks, crews, routes, c, before, enter, walked)
        earns += _riders(tasks, crews, routes, c, leave, after, there + tasks.length[task])
    return earns


@njit(cache=True)
def _best_entry(tasks, crews, routes, bench, n, mild, clocks):  # type: ignore[no-untyped-def]
    """Return the entry of the pool with the best noisy prize per metre, -1 where none fits.

    `mild` 0 divides by metres, 1 by their square root, 2 not at all.
    """
    best, best_score = -1, 0.0
    slot, earns, weight = bench.slot, bench.earns, bench.weight
    for i in range(n):
        cost = slot[i, 0]
        if cost == NO_SLOT:
            continue
        if earns[i] < 0:
            earns[i] = _earnings(tasks, crews, routes, bench.task[i], slot[i], clocks)
        score = weight[i] * earns[i]
        if score < crews.price[slot[i, 1]] * cost:
            continue
        if mild == 0:
            score /= cost + 1000.0
        elif mild == 1:
            score /= np.sqrt(cost + 1000.0)
        if score > best_score:
            best, best_score = i, score
    return best


@njit(cache=True)
def _renew(tasks, crews, routes, bench, n, c, p, more, wide, clocks):  # type: ignore[no-untyped-def]
    """Bring the pool up to date: route c has `more` tasks more from gap p on; return its size."""
    slot, earns, task = bench.slot, bench.earns, bench.task
    far, back = tasks.distance[crews.graph[c]], tasks.back[crews.graph[c]]
    first, last, length, sides = tasks.first, tasks.last, tasks.length, tasks.sides
    leave, enter, gap, group = routes.leave, routes.enter, routes.gap, crews.group[c]
    room = crews.budget[c] - routes.used[c]
    i = 0
    while i < n:
        other = task[i]
        if routes.crew[other] >= 0:
            n = _drop(bench, i, n)
            continue
        mine = slot[i, 1] == c
        minds = clocks and _minds_the_clock(tasks, routes, other)
        # a repeat, or a pass in a time bin, may fit now that clocks moved on
        if (minds and (mine or slot[i, 0] == NO_SLOT)) or (
            mine and slot[i, 2] == p and slot[i, 0] < NO_SLOT
        ):
            _look(tasks, crews, routes, bench, i, wide)
            i += 1
            continue
        if mine and slot[i, 2] > p:
            slot[i, 2] += more
        if minds:
            cost = slot[i, 0]
            _find_slot(tasks, crews, routes, other, c, p, p + 1 + more, slot, i)
            if slot[i, 0] != cost:
                earns[i] = -1.0
            i += 1
            continue
        cost, where, side = _cheapest(
            far, back, leave, enter, gap, c, first[other], last[other], length[other],
            sides[group, other, 0], sides[group, other, 1],
            p, p + 1 + more, min(slot[i, 0], room + 1),
        )  # fmt: skip
        if where >= 0:
            slot[i, 0], slot[i, 1], slot[i, 2], slot[i, 3] = cost, c, where, side
            earns[i] = -1.0
        i += 1
    return n


@njit(cache=True)
def _refill(tasks, crews, routes, backup, bench, n, mild, wide, touched, clocks):  # type: ignore[no-untyped-def]
    """Insert the n tasks of the pool one by one, the best first; return the prizes inserted."""
    for i in range(n):
        _look(tasks, crews, routes, bench, i, wide)
    total = np.int64(0)
    while True:
        best = _best_entry(tasks, crews, routes, bench, n, mild, clocks)
        if best < 0:
            return total
        task, cost = bench.task[best], bench.slot[best, 0]
        c, p, side = bench.slot[best, 1], bench.slot[best, 2], bench.slot[best, 3]
        if routes.used[c] + cost > crews.budget[c]:
            _look(tasks, crews, routes, bench, best, wide)
            continue
        if routes.size[c] == routes.order.shape[1]:
            bench.slot[best, 0] = NO_SLOT
            continue
        _keep(routes, backup, touched, c)
        _insert(tasks, crews, routes, task, c, p, side, clocks)
        total += tasks.prize[tasks.unit[task]]
        more = 1
        if cost > 0:
            count, prize = _board(tasks, crews, routes, c, p + 1, clocks)
            more, total = more + count, total + prize
            count, prize = _board(tasks, crews, routes, c, p, clocks)
            more, total = more + count, total + prize
        n = _renew(tasks, crews, routes, bench, _drop(bench, best, n), c, p, more, wide, clocks)


@njit(cache=True, nogil=True)
def fill(tasks, crews, routes, bench, pool, clocks):  # type: ignore[no-untyped-def]
    """Insert what fits of a pool of unplanned tasks, the best prize per metre first."""
    n = 0
    for task in pool:
        if routes.crew[task] < 0:
            bench.task[n], bench.weight[n] = task, 1.0
            n += 1
    touched = np.ones(len(crews.start), dtype=np.bool_)  # nothing is to be undone
    _refill(tasks, crews, routes, routes, bench, n, 0, True, touched, clocks)


@njit(cache=True)
def _copy_route(source, target, c):  # type: ignore[no-untyped-def]
    """Copy what a route holds, but not where its tasks are told to be."""
    n = source.size[c]
    for p in range(n):
        target.order[c, p], target.offset[c, p] = source.order[c, p], source.offset[c, p]
    for p in range(n + 1):
        target.leave[c, p], target.enter[c, p] = source.leave[c, p], source.enter[c, p]
        target.gap[c, p] = source.gap[c, p]
    target.size[c], target.used[c] = n, source.used[c]


@njit(cache=True, inline="always")
def _keep(routes, backup, touched, c):  # type: ignore[no-untyped-def]
    """Copy a route before its first change."""
    if not touched[c]:
        touched[c] = True
        _copy_route(routes, backup, c)


@njit(cache=True)
def _free_route(tasks, routes, c):  # type: ignore[no-untyped-def]
    for p in range(routes.size[c]):
        task = routes.order[c, p] >> 1
        routes.crew[task] = -1
        routes.passes[tasks.unit[task]] -= 1


@njit(cache=True, nogil=True)
def restore(tasks, routes, source, which):  # type: ignore[no-untyped-def]
    """Make some routes equal to those of `source`."""
    for c in range(len(which)):
        if which[c]:
            _free_route(tasks, routes, c)
    for c in range(len(which)):
        if which[c]:
            _copy_route(source, routes, c)
            for p in range(routes.size[c]):
                task = routes.order[c, p] >> 1
                routes.crew[task], routes.place[task] = c, p
                routes.passes[tasks.unit[task]] += 1


@njit(cache=True)
def _take(tasks, crews, routes, backup, bench, n, c, p, length, touched, clocks):  # type: ignore[no-untyped-def]
    """Move a string of a route into the pool; return the pool's size and the prizes lost."""
    _keep(routes, backup, touched, c)
    for q in range(p, p + length):
        task = routes.order[c, q] >> 1
        bench.task[n], bench.marked[task] = task, bench.stamp[1]
        n += 1
    return n, _remove_string(tasks, crews, routes, c, p, length, clocks)


@njit(cache=True)
def _ruin(tasks, crews, routes, backup, bench, centre, most, state, touched, clocks):  # type: ignore[no-untyped-def]
    """Remove strings of up to `most` tasks around one task, from up to three places.

    Returns how many tasks are in the pool now, and the prizes removed.
    """
    n, lost = 0, np.int64(0)
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
        n, loss = _take(tasks, crews, routes, backup, bench, n, c, p, length, touched, clocks)
        lost += loss
        left -= 1
    return n, lost


@njit(cache=True)
def _ruin_poorest(tasks, crews, routes, backup, bench, n, most, tries, state, touched, clocks):  # type: ignore[no-untyped-def]
    """Of a few strings anywhere, remove the one with the least prize per metre it costs."""
    poorest, where, start, size = np.inf, -1, 0, 0
    for _ in range(tries):
        c = int(_random(state) * len(routes.size))
        if routes.size[c] == 0:
            continue
        length = min(int(np.exp(_random(state) * np.log(most + 1.0))), routes.size[c])
        p = int(_random(state) * (routes.size[c] - length + 1))
        prize, metres = _worth(tasks, crews, routes, c, p, length)
        worth = prize - crews.price[c] * metres if crews.price[c] > 1 else prize / (metres + 1.0)
        if worth < poorest:
            poorest, where, start, size = worth, c, p, length
    if where < 0:
        return n, np.int64(0)
    return _take(tasks, crews, routes, backup, bench, n, where, start, size, touched, clocks)


@njit(cache=True, nogil=True)
def shrink(tasks, crews, routes, bench, most, state, clocks):  # type: ignore[no-untyped-def]
    """Bring every route within its budget by removing its poorest strings."""
    for c in range(len(routes.size)):
        while routes.used[c] > crews.budget[c] and routes.size[c] > 0:
            poorest, start, size = np.inf, 0, 1
            for _ in range(STRINGS):
                length = min(1 + int(_random(state) * most), routes.size[c])
                p = int(_random(state) * (routes.size[c] - length + 1))
                prize, metres = _worth(tasks, crews, routes, c, p, length)
                if metres > 0 and prize / metres < poorest:
                    poorest, start, size = prize / metres, p, length
            _remove_string(tasks, crews, routes, c, start, size, clocks)


@njit(cache=True)
def _worth(tasks, crews, routes, c, p, length):  # type: ignore[no-untyped-def]
    """Return the prizes of a string and the metres that it costs."""
    prize, metres = 0.0, np.int64(routes.gap[c, p])
    for q in range(p, p + length):
        task = routes.order[c, q] >> 1
        unit = tasks.unit[task]
        prize += tasks.prize[unit] * crews.share[c] ** (routes.passes[unit] - 1)
        metres += tasks.length[task] + routes.gap[c, q + 1]
    metres -= tasks.distance[crews.graph[c], routes.leave[c, p], routes.enter[c, p + length]]
    return prize, metres


@njit(cache=True)
def _turn(tasks, crews, routes, c, i, state, clocks):  # type: ignore[no-untyped-def]
    """Walk the tasks between gap i and the best other gap the other way round, if no longer.

    For crews whose ways go both ways (2-opt: Croes 1958, doi 10.1287/opre.6.6.791).
    """
    far, order = tasks.distance[crews.graph[c]], routes.order[c]
    leave, enter, gap = routes.leave[c], routes.enter[c], routes.gap[c]
    a, b, best, j = leave[i], enter[i], np.int64(0), -1
    n = routes.size[c] + 1
    p = int(_random(state) * n)
    for _ in range(n):
        change = np.int64(far[a, leave[p]]) + far[b, enter[p]] - gap[i] - gap[p]
        if (change < best or (change == 0 and j < 0)) and p != i:
            best, j = change, p
        p = p + 1 if p + 1 < n else 0
    if j < 0:
        return
    low, high = min(i, j), max(i, j)
    p, q = low, high - 1
    while p <= q:
        order[p], order[q] = order[q] ^ 1, order[p] ^ 1
        p, q = p + 1, q - 1
    for p in range(low, high):
        routes.place[order[p] >> 1] = p
    first, last = enter[low], leave[high]
    p, q = low + 1, high - 1
    while p <= q:
        leave[p], enter[p], leave[q], enter[q] = enter[q], leave[q], enter[p], leave[p]
        gap[p], gap[q] = gap[q], gap[p]
        p, q = p + 1, q - 1
    enter[low], gap[low] = last, far[leave[low], last]
    leave[high], gap[high] = first, far[first, enter[high]]
    routes.used[c] += best
    if clocks:
        _set_offsets(tasks, routes, c, low)


@njit(cache=True)
def _gather(tasks, routes, bench, n, centre):  # type: ignore[no-untyped-def]
    """Add the unplanned tasks around a centre to the pool; return its size."""
    near = tasks.near[centre]
    for i in range(-1, len(near)):
        task = centre if i < 0 else near[i]
        if task < 0:
            break
        if routes.crew[task] < 0 and bench.marked[task] != bench.stamp[1]:
            bench.marked[task] = bench.stamp[1]
            bench.task[n] = task
            n += 1
    return n


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
    for c in range(len(routes.used)):
        if routes.used[c] > crews.budget[c]:
            return -np.inf
        total -= crews.price[c] * routes.used[c]
    return total


@njit(cache=True)
def _place_for_string(tasks, crews, routes, own, a, b, inner, group, turns):  # type: ignore[no-untyped-def]
    """Return the crew, gap and side where a string from a to b, `inner` mm long, costs least.

    Gap `own[1]` of route `own[0]`, where it was, is left out; the crew is -1 where none has room.
    """
    cheapest, who, where, side = np.inf, np.int64(-1), np.int64(-1), np.int64(0)
    for c in range(len(routes.size)):
        if crews.group[c] != group:
            continue
        far, price = tasks.distance[crews.graph[c]], crews.price[c]
        room = crews.budget[c] - routes.used[c] - inner
        for p in range(routes.size[c] + 1):
            if c == own[0] and p == own[1]:
                continue
            x, y = routes.leave[c, p], routes.enter[c, p]
            cost = np.int64(far[x, a]) + far[b, y]
            turned = np.int64(far[x, b]) + far[a, y] if turns > 0 else NO_SLOT
            extra = min(cost, turned) - routes.gap[c, p]
            if extra <= room and price * (extra + inner) < cheapest:
                cheapest, who, where, side = price * (extra + inner), c, p, np.int64(turned < cost)
    return who, where, side


@njit(cache=True)
def _move_string(tasks, crews, routes, backup, bench, most, state, turns, touched, clocks):  # type: ignore[no-untyped-def]
    """Move a string of up to `most` tasks, as it is or turned round, to where it costs least.

    Returns the pool's size and the prizes lost: where it fits nowhere, it is in the pool.
    """
    c = int(_random(state) * len(routes.size))
    if routes.size[c] == 0:
        return 0, np.int64(0)
    length = min(int(np.exp(_random(state) * np.log(most + 1.0))), routes.size[c])
    p = int(_random(state) * (routes.size[c] - length + 1))
    if length > len(bench.task):
        return 0, np.int64(0)
    a, b, inner = routes.enter[c, p], routes.leave[c, p + length], np.int64(0)
    for q in range(p, p + length):
        bench.slot[q - p, 0] = routes.order[c, q]
        inner += tasks.length[routes.order[c, q] >> 1] + (routes.gap[c, q] if q > p else 0)
    n, lost = _take(tasks, crews, routes, backup, bench, 0, c, p, length, touched, clocks)
    who, where, side = _place_for_string(
        tasks, crews, routes, (c, p), a, b, inner, crews.group[c], turns
    )
    if who < 0 or routes.size[who] + n > routes.order.shape[1]:
        return n, lost
    _keep(routes, backup, touched, who)
    for i in range(n):
        oriented = bench.slot[n - 1 - i if side == 1 else i, 0] ^ side
        _insert(tasks, crews, routes, oriented >> 1, who, where + i, oriented & 1, clocks)
    return 0, np.int64(0)


@njit(cache=True)
def _all_ruin(tasks, crews, routes, backup, bench, most, excursion, state, touched, clocks):  # type: ignore[no-untyped-def]
    """Remove what this iteration removes and gather its pool; return its size, the prizes lost."""
    if excursion > 0 and _random(state) < 0.25:
        return _ruin_poorest(
            tasks, crews, routes, backup, bench, 0, excursion, EXCURSIONS, state, touched, clocks
        )
    centre = int(_random(state) * len(tasks.first))
    string = most if _random(state) < 0.8 else 3 * most
    n, lost = _ruin(tasks, crews, routes, backup, bench, centre, string, state, touched, clocks)
    if _random(state) < 0.6:
        n, loss = _ruin_poorest(
            tasks, crews, routes, backup, bench, n, string, POOREST_OF, state, touched, clocks
        )
        lost += loss
    n = _gather(tasks, routes, bench, n, centre)
    if _random(state) < 0.5:
        n = _gather(tasks, routes, bench, n, int(_random(state) * len(tasks.first)))
    return n, lost


@njit(cache=True)
def _keep_best(crews, routes, best, dirty, prize, values):  # type: ignore[no-untyped-def]
    """Copy the routes to `best` if they keep every limit and are worth more."""
    for c in range(len(dirty)):
        prize -= routes.used[c]
        if routes.used[c] > crews.limit[c]:
            return
    if prize > values[1]:
        values[1] = prize
        for c in range(len(dirty)):
            if dirty[c]:
                _copy_route(routes, best, c)
                dirty[c] = False


@njit(cache=True)
def _cost(crews, routes):  # type: ignore[no-untyped-def]
    """Return the metres of all crews at their prices."""
    total = 0.0
    for c in range(len(routes.used)):
        total += crews.price[c] * routes.used[c]
    return total


@njit(cache=True, nogil=True)
def improve(  # type: ignore[no-untyped-def]
    tasks, crews, routes, backup, best, dirty, bench, values, state, iterations, heat, most,
    excursion, turns, clocks,
):  # fmt: skip
    """Run iterations of ruin and refill at one temperature (in units of value).

    `values` holds the value of `routes` and, of the `best` within their limits (their books of
    tasks are not kept), the prize less the metres; `dirty` says which routes have changed since.
    A string holds as a rule at most `most` tasks, an excursion dropped as a whole `excursion`, 0
    to drop none. `turns` is how often a stretch is turned round where that is shorter.
    """
    touched = np.zeros(len(crews.start), dtype=np.bool_)
    for _ in range(iterations):
        touched[:] = False
        bench.stamp[1] += 1
        before = _cost(crews, routes)
        if _random(state) < MOVES:
            n, lost = _move_string(
                tasks, crews, routes, backup, bench, LONGEST, state, turns, touched, clocks
            )
        else:
            n, lost = _all_ruin(
                tasks, crews, routes, backup, bench, most, excursion, state, touched, clocks
            )
        for c in range(len(touched)):
            for _turns in range(turns if touched[c] else 0):
                i = int(_random(state) * (routes.size[c] + 1))
                _turn(tasks, crews, routes, c, i, state, clocks)
        for i in range(n):
            bench.weight[i] = 0.6 + 0.8 * _random(state)
        draw = _random(state)
        mild = 1 if draw < 0.3 else (2 if draw < 0.6 else 0)
        wide = _random(state) < 0.1
        won = _refill(tasks, crews, routes, backup, bench, n, mild, wide, touched, clocks)
        cost = _cost(crews, routes)
        now = value(tasks, crews, routes) if clocks else values[0] + (won - lost) + before - cost
        if now > values[0] + heat * np.log(_random(state) + 1e-300):
            values[0] = now
            for c in range(len(touched)):
                dirty[c] |= touched[c]
            _keep_best(crews, routes, best, dirty, now + cost, values)
        else:
            restore(tasks, routes, backup, touched)
