"""Fill routes: from nothing by the best prize per metre, or from a pool of tasks one by one."""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.draw import uniform
from patrolmap._kernels.orienteering.places import (
    NO_SLOT,
    board,
    cheapest_gap,
    find_anywhere,
    find_between_duties,
    find_slot,
    riders,
    riders_any_time,
)
from patrolmap._kernels.orienteering.routes import (
    gain_of,
    insert_task,
    keep_route,
    minds_the_clock,
    slack_of,
    walked_before,
)


@inner(error_model="numpy", borrows=True)
def _look(tasks, crews, routes, bench, i, wide):  # type: ignore[no-untyped-def]
    """Find the best place for entry i of the pool anew."""
    bench.stamp[0] += 1
    bench.earns[i] = -1.0
    task = bench.task[i]
    if len(tasks.strict) > 0 and find_between_duties(
        tasks, crews, routes, task, bench.slot, i, wide
    ):
        return
    find_anywhere(
        tasks, crews, routes, task, bench.slot, i, bench.seen, bench.stamp[0],
        wide or len(tasks.strict) > 0,
    )  # fmt: skip


@inner(error_model="numpy", borrows=True)
def _drop(bench, i, n):  # type: ignore[no-untyped-def]
    """Overwrite entry i of a pool with its last one; return how many are left."""
    n -= 1
    bench.task[i], bench.weight[i], bench.earns[i] = bench.task[n], bench.weight[n], bench.earns[n]
    for k in range(4):
        bench.slot[i, k] = bench.slot[n, k]
    return n


@inner(error_model="numpy", borrows=True)
def _earnings(tasks, crews, routes, task, slot, clocks):  # type: ignore[no-untyped-def]
    """Return what a task earns in its slot, with all that the new way there and on passes."""
    c, p, g = slot[1], slot[2], crews.graph[slot[1]]
    enter, leave = tasks.first[task], tasks.last[task]
    if slot[3] == 1:
        enter, leave = leave, enter
    before, after = np.int64(routes.leave[c, p]), np.int64(routes.enter[c, p])
    walked = walked_before(tasks, routes, c, p) if clocks else np.int64(0)
    there = walked + tasks.distance[g, before, enter]
    earns = gain_of(tasks, crews, routes, task, c, there)
    if slot[0] > 0 and not clocks:
        if tasks.via.shape[1] > 0:
            for x, y in ((before, enter), (leave, after)):
                earns += riders_any_time(
                    tasks.via[g], tasks.over[g], tasks.ridden, tasks.riding, routes.crew,
                    tasks.unit, tasks.prize, tasks.last, tasks.sides, crews.kind[c], x, y,
                )  # fmt: skip
    elif slot[0] > 0:
        earns += riders(tasks, crews, routes, c, before, enter, walked)
        earns += riders(tasks, crews, routes, c, leave, after, there + tasks.length[task])
    return earns


@inner(error_model="numpy", borrows=True)
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


@inner(error_model="numpy", borrows=True)
def _still_earns(tasks, crews, routes, task, slot, p, more):  # type: ignore[no-untyped-def]
    """Keep a task's slot in step with `more` tasks from gap p of its route on; may it stay there?

    Not in gap p itself, nor where its pass would earn nothing now.
    """
    if slot[2] == p:
        return False
    if slot[2] > p:
        slot[2] += more
    c = slot[1]
    enter = tasks.first[task] if slot[3] == 0 else tasks.last[task]
    walked = walked_before(tasks, routes, c, slot[2])
    walked += tasks.distance[crews.graph[c], routes.leave[c, slot[2]], enter]
    return gain_of(tasks, crews, routes, task, c, walked) > 0


@inner(error_model="numpy", borrows=True)
def _renew(tasks, crews, routes, bench, n, c, p, more, wide, clocks):  # type: ignore[no-untyped-def]
    """Bring the pool up to date: route c has `more` tasks more from gap p on; return its size."""
    slot, earns, task = bench.slot, bench.earns, bench.task
    far, back = tasks.distance[crews.graph[c]], tasks.back[crews.graph[c]]
    first, last, length, sides = tasks.first, tasks.last, tasks.length, tasks.sides
    leave, enter, gap, kind = routes.leave, routes.enter, routes.gap, crews.kind[c]
    room, strict = crews.budget[c] - routes.used[c], len(tasks.strict) > 0
    i = 0
    while i < n:
        other = task[i]
        if routes.crew[other] >= 0:
            n = _drop(bench, i, n)
            continue
        mine = slot[i, 1] == c
        minds = clocks and minds_the_clock(tasks, routes, other)
        if minds and not strict:
            cost, stale = slot[i, 0], False
            for q in range(p, p + more):  # has it become a repeat, or one more?
                stale |= tasks.unit[routes.order[c, q] >> 1] == tasks.unit[other]
            if not stale and mine and cost < NO_SLOT:
                stale = not _still_earns(tasks, crews, routes, other, slot[i], p, more)
            if stale:
                _look(tasks, crews, routes, bench, i, wide)
            else:
                find_slot(tasks, crews, routes, other, c, p, p + 1 + more, slot, i)
                if slot[i, 0] != cost or mine or routes.passes[tasks.unit[other]] > 0:
                    earns[i] = -1.0  # clocks moved on
            i += 1
            continue
        if (minds and (mine or slot[i, 0] == NO_SLOT)) or (
            mine and slot[i, 2] == p and slot[i, 0] < NO_SLOT
        ):
            _look(tasks, crews, routes, bench, i, wide)
            i += 1
            continue
        if mine and slot[i, 2] > p:
            slot[i, 2] += more
        if strict:
            cost = slot[i, 0]
            find_slot(tasks, crews, routes, other, c, p, p + 1 + more, slot, i)
            if slot[i, 0] != cost or routes.passes[tasks.unit[other]] > 0:  # a repeat earns less
                earns[i] = -1.0
            i += 1
            continue
        cost, where, side = cheapest_gap(
            far, back, leave, enter, gap, c, first[other], last[other], length[other],
            sides[kind, other, 0], sides[kind, other, 1],
            p, p + 1 + more, min(slot[i, 0], room + 1),
        )  # fmt: skip
        if where >= 0:
            slot[i, 0], slot[i, 1], slot[i, 2], slot[i, 3] = cost, c, where, side
            earns[i] = -1.0
        i += 1
    return n


@inner(error_model="numpy", borrows=True)
def refill(tasks, crews, routes, backup, bench, n, mild, wide, touched, clocks):  # type: ignore[no-untyped-def]
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
        room = slack_of(routes, c, p) if len(tasks.strict) > 0 else crews.budget[c] - routes.used[c]
        if cost > room:
            _look(tasks, crews, routes, bench, best, wide)
            continue
        if routes.size[c] == routes.order.shape[1]:
            bench.slot[best, 0] = NO_SLOT
            continue
        keep_route(routes, backup, touched, c)
        insert_task(tasks, crews, routes, task, c, p, side, clocks)
        total += tasks.prize[tasks.unit[task]]
        more = 1
        if cost > 0:
            count, prize = board(tasks, crews, routes, c, p + 1, clocks)
            more, total = more + count, total + prize
            count, prize = board(tasks, crews, routes, c, p, clocks)
            more, total = more + count, total + prize
        n = _renew(tasks, crews, routes, bench, _drop(bench, best, n), c, p, more, wide, clocks)


@kernel(error_model="numpy")
def fill(tasks, crews, routes, bench, pool, clocks):  # type: ignore[no-untyped-def]
    """Insert what fits of a pool of unplanned tasks, the best prize per metre first."""
    n = 0
    for task in pool:
        if routes.crew[task] < 0:
            bench.task[n], bench.weight[n] = task, 1.0
            n += 1
    touched = np.ones(len(crews.start), dtype=np.bool_)  # nothing is to be undone
    refill(tasks, crews, routes, routes, bench, n, 0, True, touched, clocks)


@kernel(error_model="numpy")
def sweep(tasks, crews, routes, noise, state):  # type: ignore[no-untyped-def]
    """Lay empty routes crew by crew, always on to the best noisy prize per metre.

    Of a route with duties, gap after gap is filled.
    """
    distance, length, sides, crew = tasks.distance, tasks.length, tasks.sides, routes.crew
    strict, free = len(tasks.strict) > 0, len(length) - tasks.duties
    weight = np.empty(len(length))
    for task in range(len(length)):
        weight[task] = 1.0 + noise * (uniform(state) - 0.5)
    for c in range(len(crews.start)):
        g, p = crews.graph[c], np.int64(0)
        while routes.size[c] < routes.order.shape[1]:
            here, there = np.int64(routes.leave[c, p]), np.int64(routes.enter[c, p])
            walked, room = walked_before(tasks, routes, c, p), crews.budget[c]
            if strict:
                room = slack_of(routes, c, p) + walked + routes.gap[c, p]
            best, best_score = np.int64(-1), 0.0
            for oriented in range(2 * free):
                task, side = oriented >> 1, oriented & 1
                if crew[task] >= 0 or not sides[crews.kind[c], task, side]:
                    continue
                enter, leave = tasks.first[task], tasks.last[task]
                if side == 1:
                    enter, leave = leave, enter
                way = np.int64(distance[g, here, enter])
                cost = way + length[task]
                score = weight[task] * tasks.prize[tasks.unit[task]] / (cost + 1000.0)
                if score > best_score and walked + cost + distance[g, leave, there] <= room:
                    gain = gain_of(tasks, crews, routes, task, c, walked + way)
                    score = weight[task] * gain / (cost + 1000.0)
                    if score > best_score:
                        best, best_score = np.int64(oriented), score
            if best >= 0:
                insert_task(tasks, crews, routes, best >> 1, c, p, best & 1, True)
            elif p == routes.size[c]:
                break
            p += 1
