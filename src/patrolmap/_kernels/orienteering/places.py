"""Where a task goes in at the least metres, and what the way there passes and takes on."""

import numpy as np

from patrolmap._kernels.compiling import inner
from patrolmap._kernels.orienteering.routes import (
    gain_of,
    insert_task,
    minds_the_clock,
    opening,
    slack_of,
    walked_before,
)

NO_SLOT = np.int64(1) << 60
SHORT = 3  # tasks: shorter routes are looked at for every task near their depot
FEW = 2  # crews, all of whose routes are looked at for every task


@inner(error_model="numpy", borrows=True)
def cheapest_gap(far, back, leave, enter, gap, c, a, b, length, along, against, low, high, limit):  # type: ignore[no-untyped-def]
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
            limit, where, side = cost, np.int64(p), np.int64(turned)
    return limit, where, side


@inner(error_model="numpy", borrows=True)
def _cheapest_in_time(tasks, crews, routes, task, c, low, high, limit):  # type: ignore[no-untyped-def]
    """Do the same for a task that only earns at some times, or in a route with duties.

    What a crew would wait at a duty counts as metres.
    """
    g, strict = crews.graph[c], len(tasks.strict) > 0
    duty = strict and task >= len(tasks.first) - tasks.duties
    a, b, length = tasks.first[task], tasks.last[task], tasks.length[task]
    where, side = np.int64(-1), np.int64(0)
    if duty and not tasks.homes[task, 0] <= c < tasks.homes[task, 1]:
        return limit, where, side
    far, back = tasks.distance[g], tasks.back[g]
    leave, enter, gap = routes.leave[c], routes.enter[c], routes.gap[c]
    along, against = tasks.sides[crews.kind[c], task, 0], tasks.sides[crews.kind[c], task, 1]
    for p in range(low, high):
        x, y = leave[p], enter[p]
        most = min(limit, slack_of(routes, c, p) + 1) if strict else limit
        for turned in range(2):
            if not (against if turned else along):
                continue
            way = np.int64(back[b if turned else a, x])
            cost = way + length + far[a if turned else b, y] - gap[p]
            if cost >= most:
                continue
            walked = walked_before(tasks, routes, c, p) + way
            if duty:
                cost += max(opening(tasks, crews, task, c) - walked, np.int64(0))
                if cost >= most:
                    continue
            if gain_of(tasks, crews, routes, task, c, walked) > 0:
                limit = most = cost
                where, side = np.int64(p), np.int64(turned)
    return limit, where, side


@inner(error_model="numpy", borrows=True)
def find_slot(tasks, crews, routes, task, c, low, high, slot, i):  # type: ignore[no-untyped-def]
    """Keep in `slot[i]` (cost, crew, gap, side) the cheapest of some gaps of a route for a task."""
    limit = min(slot[i, 0], crews.budget[c] - routes.used[c] + 1)
    if len(tasks.strict) > 0:
        limit = slot[i, 0]  # a wait may take up what is over the budget
    if len(tasks.strict) > 0 or minds_the_clock(tasks, routes, task):
        cost, p, side = _cheapest_in_time(tasks, crews, routes, task, c, low, high, limit)
    else:
        g, kind = crews.graph[c], crews.kind[c]
        cost, p, side = cheapest_gap(
            tasks.distance[g], tasks.back[g], routes.leave, routes.enter, routes.gap, c,
            tasks.first[task], tasks.last[task], tasks.length[task],
            tasks.sides[kind, task, 0], tasks.sides[kind, task, 1], low, high, limit,
        )  # fmt: skip
    if p >= 0:
        slot[i, 0], slot[i, 1], slot[i, 2], slot[i, 3] = cost, c, p, side


@inner(error_model="numpy", borrows=True)
def _beside_neighbours(  # type: ignore[no-untyped-def]
    distance, back, near, sides, crew, place, leave, enter, gap, used, budget, graph, kind,
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
        along, against = sides[kind[c], task, 0], sides[kind[c], task, 1]
        for p in range(place[other], place[other] + 2):
            x, y = leave[c, p], enter[c, p]
            cost = np.int64(back[g, a, x]) + distance[g, b, y] if along else NO_SLOT
            swapped = np.int64(back[g, b, x]) + distance[g, a, y] if against else NO_SLOT
            turned = swapped < cost
            cost = min(cost, swapped) + length - gap[c, p]
            if cost < limit:
                cheapest = limit = cost
                who, where, side = c, np.int64(p), np.int64(turned)
    return cheapest, who, where, side


@inner(error_model="numpy", borrows=True)
def find_between_duties(tasks, crews, routes, task, slot, i, wide):  # type: ignore[no-untyped-def]
    """Keep in `slot[i]` the cheapest place for a task, where routes have duties.

    A duty is looked for in the whole routes of its crews. Returns whether that was all.
    """
    slot[i, 0] = NO_SLOT
    if task >= len(tasks.first) - tasks.duties:
        for c in range(tasks.homes[task, 0], tasks.homes[task, 1]):
            find_slot(tasks, crews, routes, task, c, 0, routes.size[c] + 1, slot, i)
        return True
    if wide or minds_the_clock(tasks, routes, task):
        return False
    for other in tasks.near[task]:
        c = routes.crew[other] if other >= 0 else -1
        if c >= 0:
            p = routes.place[other]
            find_slot(tasks, crews, routes, task, c, p, p + 2, slot, i)
    return slot[i, 0] < NO_SLOT


@inner(error_model="numpy", borrows=True)
def find_anywhere(tasks, crews, routes, task, slot, i, seen, stamp, wide):  # type: ignore[no-untyped-def]
    """Keep in `slot[i]` the cheapest place for a task beside its neighbours, or in short routes.

    `wide` looks at the whole of the routes that come near. `seen[c]` is set to `stamp` for routes
    looked at from end to end.
    """
    slot[i, 0] = NO_SLOT
    crew, size, near = routes.crew, routes.size, tasks.near
    n_crews = len(size)
    if wide or minds_the_clock(tasks, routes, task):
        own = tasks.copies[tasks.unit[task]], tasks.copies[tasks.unit[task] + 1]
        for k in range(near.shape[1] + own[1] - own[0]):  # a street there and back at once, too
            other = near[task, k] if k < near.shape[1] else own[0] + k - near.shape[1]
            c = crew[other] if other >= 0 else -1
            if c >= 0 and seen[c] != stamp:
                low, high = routes.place[other], routes.place[other] + 2
                if wide:
                    seen[c], low, high = stamp, np.int64(0), size[c] + 1
                find_slot(tasks, crews, routes, task, c, low, high, slot, i)
    else:
        slot[i, 0], slot[i, 1], slot[i, 2], slot[i, 3] = _beside_neighbours(
            tasks.distance, tasks.back, near, tasks.sides, crew, routes.place,
            routes.leave, routes.enter, routes.gap, routes.used, crews.budget, crews.graph,
            crews.kind, task, tasks.first[task], tasks.last[task], tasks.length[task],
        )  # fmt: skip
    for home in tasks.homes[task]:
        idle = False
        for k in range(crews.classes[home], crews.classes[home + 1]):
            c = crews.members[k]
            looks = size[c] < SHORT or (n_crews <= FEW and slot[i, 0] == NO_SLOT)
            if looks and seen[c] != stamp and not (size[c] == 0 and idle):
                seen[c] = stamp
                idle |= size[c] == 0  # one empty route of a class is like another
                find_slot(tasks, crews, routes, task, c, 0, size[c] + 1, slot, i)


@inner(error_model="numpy", borrows=True)
def rider(tasks, crews, routes, c, a, b, walked):  # type: ignore[no-untyped-def]
    """Return the unplanned task that crew c would do on its way straight from a to b, and its gain.

    The task is -1 where that piece of way carries none.
    """
    segment = tasks.over[crews.graph[c], a, b]
    if segment >= 0:
        for i in range(tasks.ridden[segment], tasks.ridden[segment + 1]):
            task = tasks.riding[i]
            side = 0 if tasks.last[task] == b else 1
            if routes.crew[task] < 0 and tasks.sides[crews.kind[c], task, side]:
                gain = gain_of(tasks, crews, routes, task, c, walked)
                if gain > 0:
                    return task, gain
    return np.int64(-1), 0.0


@inner(error_model="numpy", borrows=True)
def riders(tasks, crews, routes, c, a, b, walked):  # type: ignore[no-untyped-def]
    """Return what crew c would earn on its way from terminal a to b, begun after `walked` mm."""
    via, far = tasks.via[crews.graph[c]], tasks.distance[crews.graph[c]]
    total = 0.0
    while via.shape[0] > 0 and a != b:
        before = np.int64(via[a, b])
        total += rider(tasks, crews, routes, c, before, b, walked + far[a, before])[1]
        b = before
    return total


@inner(error_model="numpy", borrows=True)
def riders_any_time(  # type: ignore[no-untyped-def]
    via, over, ridden, riding, crew, unit, prize, last, sides, kind, a, b
):
    """Return the prizes of unplanned tasks on the way from terminal a to b, for a kind of crew."""
    total = np.int64(0)
    while a != b:
        before = np.int64(via[a, b])
        segment = over[before, b]
        if segment >= 0:
            for i in range(ridden[segment], ridden[segment + 1]):
                task = riding[i]
                if crew[task] < 0 and sides[kind, task, 0 if last[task] == b else 1]:
                    total += prize[unit[task]]
                    break
        b = before
    return float(total)


@inner(error_model="numpy", borrows=True)
def board(tasks, crews, routes, c, p, clocks):  # type: ignore[no-untyped-def]
    """Plan every task that gap p of route c passes over; return how many, and their prizes."""
    via, far = tasks.via[crews.graph[c]], tasks.distance[crews.graph[c]]
    a, b = np.int64(routes.leave[c, p]), np.int64(routes.enter[c, p])
    walked = walked_before(tasks, routes, c, p) if clocks else np.int64(0)
    count, prize = 0, np.int64(0)
    while via.shape[0] > 0 and a != b:
        before = np.int64(via[a, b])
        task, _ = rider(tasks, crews, routes, c, before, b, walked + far[a, before])
        if task >= 0 and routes.size[c] < routes.order.shape[1]:
            side = 0 if tasks.last[task] == b else 1
            insert_task(tasks, crews, routes, task, c, p, side, clocks)
            prize += tasks.prize[tasks.unit[task]]
            count += 1
        b = before
    return count, prize
