"""Routes kept and changed: tasks in and out, stretches turned round, clocks, their value."""

import numpy as np

from patrolmap._kernels.compiling import inlined, inner, kernel
from patrolmap._kernels.draw import uniform


@inner(error_model="numpy", borrows=True)
def set_offsets(tasks, crews, routes, c, p):  # type: ignore[no-untyped-def]
    """Recompute how far a crew has walked when it begins each task from position p on."""
    if len(tasks.strict) > 0:
        set_slack(tasks, crews, routes, c)
        return
    walked = np.int64(0)
    if p > 0:
        walked = routes.offset[c, p - 1] + tasks.length[routes.order[c, p - 1] >> 1]
    for q in range(p, routes.size[c]):
        walked += routes.gap[c, q]
        routes.offset[c, q] = walked
        walked += tasks.length[routes.order[c, q] >> 1]


@inner(error_model="numpy", borrows=True)
def set_slack(tasks, crews, routes, c):  # type: ignore[no-untyped-def]
    """Recompute the clock of a route with duties: waits, and what each gap may still take on.

    A wait counts as walking; it takes up what is put in before it (forward slack: Savelsbergh
    1992, doi 10.1287/ijoc.4.2.146).
    """
    order, offset, gap = routes.order[c], routes.offset[c], routes.gap[c]
    slack = offset[len(order) :]
    free, n = len(tasks.first) - tasks.duties, routes.size[c]
    walked = np.int64(0)
    for q in range(n):
        walked += gap[q]
        task = order[q] >> 1
        if task >= free:
            walked = max(walked, opening(tasks, crews, task, c))
        offset[q] = walked
        walked += tasks.length[task]
    routes.used[c] = walked + gap[n]
    late = crews.budget[c] - routes.used[c]
    slack[n] = late
    for q in range(n - 1, -1, -1):
        task = order[q] >> 1
        if task >= free:
            closes = tasks.closes[tasks.unit[task]]
            if closes < np.inf:
                last = np.int64((closes - crews.begin[c]) * crews.speed[c])
                late = min(late, last - offset[q])
            before = np.int64(0) if q == 0 else (
                offset[q - 1] + tasks.length[order[q - 1] >> 1]
            )  # fmt: skip
            late += offset[q] - before - gap[q]
        slack[q] = late


@inlined
def slack_of(routes, c, p):  # type: ignore[no-untyped-def]
    """Return how many mm gap p of a route with duties may take on; below 0 where one is late."""
    return routes.offset[c, routes.order.shape[1] + p]


@inlined
def opening(tasks, crews, task, c):  # type: ignore[no-untyped-def]
    """Return how far crew c could have walked when a duty opens; 0 where it always is open."""
    opens = tasks.opens[tasks.unit[task]]
    if opens == -np.inf:
        return np.int64(0)
    return np.int64((opens - crews.begin[c]) * crews.speed[c]) + 1


@kernel(error_model="numpy", borrows=True)
def retime(tasks, crews, routes):  # type: ignore[no-untyped-def]
    """Recompute the clocks of all routes, where budgets have changed."""
    for c in range(len(routes.size)):
        set_offsets(tasks, crews, routes, c, 0)


@inlined
def _moment(crews, routes, task):  # type: ignore[no-untyped-def]
    """Return when, on the plan's clock, a planned task begins."""
    c = routes.crew[task]
    return crews.begin[c] + routes.offset[c, routes.place[task]] / crews.speed[c]


@inlined
def walked_before(tasks, routes, c, p):  # type: ignore[no-untyped-def]
    """Return how far crew c has walked where gap p begins."""
    if p == 0:
        return np.int64(0)
    return routes.offset[c, p - 1] + tasks.length[routes.order[c, p - 1] >> 1]


@inner(error_model="numpy", borrows=True)
def gain_of(tasks, crews, routes, task, c, walked):  # type: ignore[no-untyped-def]
    """Return what one more pass of the task's unit earns if crew c begins it after `walked` mm."""
    unit = tasks.unit[task]
    before = routes.passes[unit]
    always = tasks.opens[unit] == -np.inf and tasks.closes[unit] == np.inf
    if before == 0 and always:
        return float(tasks.prize[unit])
    moment = crews.begin[c] + walked / crews.speed[c]
    if (
        len(tasks.strict) > 0 and task >= len(tasks.first) - tasks.duties
    ):  # once, and who is early waits
        return float(tasks.prize[unit]) if before == 0 and moment < tasks.closes[unit] else 0.0
    if not tasks.opens[unit] <= moment < tasks.closes[unit]:
        return 0.0
    after = crews.after[c] if unit < tasks.dwells else tasks.again
    for other in range(tasks.copies[unit], tasks.copies[unit + 1]):
        if routes.crew[other] >= 0 and abs(_moment(crews, routes, other) - moment) < after:
            return 0.0
    return float(tasks.prize[unit]) * crews.share[c] ** before


@inner(error_model="numpy", borrows=True)
def minds_the_clock(tasks, routes, task):  # type: ignore[no-untyped-def]
    """Return whether what a pass of the task earns depends on when it is made."""
    unit = tasks.unit[task]
    always = tasks.opens[unit] == -np.inf and tasks.closes[unit] == np.inf
    return routes.passes[unit] > 0 or not always


@inner(error_model="numpy", borrows=True)
def insert_task(tasks, crews, routes, task, c, p, side, clocks):  # type: ignore[no-untyped-def]
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
        set_offsets(tasks, crews, routes, c, p)


@inner(error_model="numpy", borrows=True)
def remove_string(tasks, crews, routes, c, p, length, clocks):  # type: ignore[no-untyped-def]
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
        set_offsets(tasks, crews, routes, c, p)
    return lost


@inner(error_model="numpy", borrows=True)
def copy_route(source, target, c):  # type: ignore[no-untyped-def]
    """Copy what a route holds, but not where its tasks are told to be."""
    n = source.size[c]
    for p in range(n):
        target.order[c, p], target.offset[c, p] = source.order[c, p], source.offset[c, p]
    for p in range(n + 1):
        target.leave[c, p], target.enter[c, p] = source.leave[c, p], source.enter[c, p]
        target.gap[c, p] = source.gap[c, p]
    m = source.order.shape[1]
    if source.offset.shape[1] > m:
        for p in range(m, m + n + 1):
            target.offset[c, p] = source.offset[c, p]
    target.size[c], target.used[c] = n, source.used[c]


@inlined
def keep_route(routes, backup, touched, c):  # type: ignore[no-untyped-def]
    """Copy a route before its first change."""
    if not touched[c]:
        touched[c] = True
        copy_route(routes, backup, c)


@inner(error_model="numpy", borrows=True)
def _free_route(tasks, routes, c):  # type: ignore[no-untyped-def]
    for p in range(routes.size[c]):
        task = routes.order[c, p] >> 1
        routes.crew[task] = -1
        routes.passes[tasks.unit[task]] -= 1


@kernel(error_model="numpy", borrows=True)
def restore(tasks, routes, source, which):  # type: ignore[no-untyped-def]
    """Make some routes equal to those of `source`."""
    for c in range(len(which)):
        if which[c]:
            _free_route(tasks, routes, c)
    for c in range(len(which)):
        if which[c]:
            copy_route(source, routes, c)
            for p in range(routes.size[c]):
                task = routes.order[c, p] >> 1
                routes.crew[task], routes.place[task] = c, p
                routes.passes[tasks.unit[task]] += 1


@inner(error_model="numpy", borrows=True)
def worth_of(tasks, crews, routes, c, p, length):  # type: ignore[no-untyped-def]
    """Return the prizes of a string and the metres that it costs."""
    prize, metres = 0.0, np.int64(routes.gap[c, p])
    for q in range(p, p + length):
        task = routes.order[c, q] >> 1
        unit = tasks.unit[task]
        prize += tasks.prize[unit] * crews.share[c] ** (routes.passes[unit] - 1)
        metres += tasks.length[task] + routes.gap[c, q + 1]
    metres -= tasks.distance[crews.graph[c], routes.leave[c, p], routes.enter[c, p + length]]
    return prize, metres


@kernel(error_model="numpy")
def value(tasks, crews, routes):  # type: ignore[no-untyped-def]
    """Return the prize less the millimetres walked; minus infinity where a crew comes late.

    A duty that is not done costs its prize.

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
    total, dwells, again = -tasks.owed, tasks.dwells, tasks.again
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
            wait = after[c] if unit < dwells else again
            if opens[unit] <= when[i] < closes[unit] and when[i] - paid >= wait:
                total += worth
                worth *= share[c]
                paid = when[i]
    for c in range(len(routes.used)):
        if routes.used[c] > crews.budget[c]:
            return -np.inf
        total -= crews.price[c] * routes.used[c]
    return total


@inner(error_model="numpy", borrows=True)
def turn_stretch(tasks, crews, routes, c, i, state, clocks):  # type: ignore[no-untyped-def]
    """Walk the tasks between gap i and the best other gap the other way round, if no longer.

    For crews whose ways go both ways (2-opt: Croes 1958, doi 10.1287/opre.6.6.791).
    """
    far, order = tasks.distance[crews.graph[c]], routes.order[c]
    leave, enter, gap = routes.leave[c], routes.enter[c], routes.gap[c]
    a, b, best, j = leave[i], enter[i], np.int64(0), -1
    n = routes.size[c] + 1
    p = int(uniform(state) * n)
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
        set_offsets(tasks, crews, routes, c, low)
