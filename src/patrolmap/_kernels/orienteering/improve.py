"""Large neighbourhood search over oriented segments for the team orienteering arc problem.

Each iteration removes strings of tasks near one place (slack induction by string removals:
Christiaens & Vanden Berghe 2020, doi 10.1287/trsc.2019.0914), often the poorest of a few strings
elsewhere too, and refills around both that place and another by noisy prize per metre: so metres
move from where they earn little to where they earn more, however far apart. A way between two tasks
takes on every task that it passes, and a place in a route is judged by all that the new way
collects. Simulated annealing decides.
"""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.draw import uniform
from patrolmap._kernels.orienteering.places import NO_SLOT
from patrolmap._kernels.orienteering.refill import refill
from patrolmap._kernels.orienteering.routes import (
    copy_route,
    insert_task,
    keep_route,
    remove_string,
    restore,
    slack_of,
    turn_stretch,
    value,
    worth_of,
)

TRIES = 8  # draws of a task until one is planned
STRINGS = 40  # of which the poorest goes, where a route is too long
MOVES = 0.15  # share of iterations that move a string
LONGEST = 60  # most tasks in it
SOME = 8  # crews, all of whose gaps are looked at for a string that moves
EXCURSIONS = 20  # of which the one worth least goes
POOREST_OF = 6  # strings, of which the one with the least prize per metre goes


@inner(error_model="numpy", borrows=True)
def _some_string(routes, window, most, state):  # type: ignore[no-untyped-def]
    """Return route, position and length of a string around a task of the window, crew -1 = none."""
    for _ in range(TRIES):
        task = window[0] + int(uniform(state) * (window[1] - window[0]))
        c = routes.crew[task]
        if c >= 0:
            length = min(int(np.exp(uniform(state) * np.log(most + 1.0))), routes.size[c])
            p = routes.place[task] - int(uniform(state) * length)
            return c, max(np.int64(0), min(p, routes.size[c] - length)), np.int64(length)
    return np.int64(-1), np.int64(0), np.int64(0)


@inner(error_model="numpy", borrows=True)
def _take(tasks, crews, routes, backup, bench, n, c, p, length, touched, clocks):  # type: ignore[no-untyped-def]
    """Move a string of a route into the pool; return the pool's size and the prizes lost."""
    keep_route(routes, backup, touched, c)
    for q in range(p, p + length):
        task = routes.order[c, q] >> 1
        bench.task[n], bench.marked[task] = task, bench.stamp[1]
        n += 1
    return n, remove_string(tasks, crews, routes, c, p, length, clocks)


@inner(error_model="numpy", borrows=True)
def _ruin(tasks, crews, routes, backup, bench, centre, most, state, touched, clocks):  # type: ignore[no-untyped-def]
    """Remove strings of up to `most` tasks around one task, from up to three places.

    Returns how many tasks are in the pool now, and the prizes removed.
    """
    n, lost = 0, np.int64(0)
    left = 1 + int(uniform(state) * 3)
    for i in range(-1, len(tasks.near[centre])):
        other = centre if i < 0 else tasks.near[centre, i]
        if left == 0 or other < 0:
            break
        c = routes.crew[other]
        if c < 0:
            continue
        length = 1 + int(uniform(state) * min(most, routes.size[c]))
        p = routes.place[other] - int(uniform(state) * length)
        p = max(np.int64(0), min(p, routes.size[c] - length))
        n, loss = _take(tasks, crews, routes, backup, bench, n, c, p, length, touched, clocks)
        lost += loss
        left -= 1
    return n, lost


@inner(error_model="numpy", borrows=True)
def _ruin_poorest(  # type: ignore[no-untyped-def]
    tasks, crews, routes, backup, bench, n, window, most, tries, state, touched, clocks
):  # fmt: skip
    #
    """Of a few strings of the window, remove the one with the least prize per metre it costs."""
    poorest, where, start, size = np.inf, np.int64(-1), np.int64(0), np.int64(0)
    for _ in range(tries):
        c, p, length = _some_string(routes, window, most, state)
        if c < 0:
            continue
        prize, metres = worth_of(tasks, crews, routes, c, p, length)
        worth = prize - crews.price[c] * metres if crews.price[c] > 1 else prize / (metres + 1.0)
        if worth < poorest:
            poorest, where, start, size = worth, c, p, length
    if where < 0:
        return n, np.int64(0)
    return _take(tasks, crews, routes, backup, bench, n, where, start, size, touched, clocks)


@kernel(error_model="numpy", borrows=True)
def shrink(tasks, crews, routes, bench, most, state, clocks):  # type: ignore[no-untyped-def]
    """Bring every route within its budget by removing its poorest strings."""
    for c in range(len(routes.size)):
        while routes.used[c] > crews.budget[c] and routes.size[c] > 0:
            poorest, start, size = np.inf, 0, 1
            for _ in range(STRINGS):
                length = min(1 + int(uniform(state) * most), routes.size[c])
                p = int(uniform(state) * (routes.size[c] - length + 1))
                prize, metres = worth_of(tasks, crews, routes, c, p, length)
                if metres > 0 and prize / metres < poorest:
                    poorest, start, size = prize / metres, p, length
            remove_string(tasks, crews, routes, c, start, size, clocks)


@inner(error_model="numpy", borrows=True)
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


@inner(error_model="numpy", borrows=True)
def _offer(tasks, crews, routes, own, c, low, high, ends, inner, turns, found):  # type: ignore[no-untyped-def]
    """Keep in `found` (price, crew, gap, side) the best of some gaps of route c for a string."""
    far, price = tasks.distance[crews.graph[c]], crews.price[c]
    a, b = ends
    room = crews.budget[c] - routes.used[c] - inner
    if len(tasks.strict) > 0:
        room = NO_SLOT  # each gap has its own
    for p in range(low, high):
        if c == own[0] and p == own[1]:
            continue
        x, y = routes.leave[c, p], routes.enter[c, p]
        cost = np.int64(far[x, a]) + far[b, y]
        turned = np.int64(far[x, b]) + far[a, y] if turns > 0 else NO_SLOT
        extra = min(cost, turned) - routes.gap[c, p]
        if extra <= room and price * (extra + inner) < found[0]:
            if room == NO_SLOT and extra + inner > slack_of(routes, c, p):
                continue
            found[0], found[1], found[2], found[3] = price * (extra + inner), c, p, turned < cost


@inner(error_model="numpy", borrows=True)
def _may_take(tasks, crews, bench, n, own, c, turns):  # type: ignore[no-untyped-def]
    """Return whether crew c may walk the n oriented tasks of a crew's string, turned round too."""
    if crews.kind[c] == crews.kind[own]:
        return True
    if crews.graph[c] != crews.graph[own]:
        return False
    for i in range(n):
        task, side = bench.slot[i, 0] >> 1, bench.slot[i, 0] & 1
        sides = tasks.sides[crews.kind[c], task]
        if not sides[side] or (turns > 0 and not sides[1 - side]):
            return False
    return True


@inner(error_model="numpy", borrows=True)
def _place_for_string(  # type: ignore[no-untyped-def]
    tasks, crews, routes, bench, n, own, ends, tips, inner, turns, stays
):  # fmt: skip
    """Keep in `bench.found` the crew, gap and side where a string costs least; crew -1 if nowhere.

    Its n tasks are in `bench.slot`. It leads from terminal `ends[0]` to `ends[1]`, its first and
    last tasks are `tips`. Gap `own[1]` of route `own[0]`, where it was, is left out. Of many crews,
    only gaps beside tasks near its tips are looked at, and empty routes. A string that `stays`
    stays in its route.
    """
    found, size, home = bench.found, routes.size, own[0]
    found[0], found[1] = np.inf, -1
    if stays:
        _offer(tasks, crews, routes, own, home, 0, size[home] + 1, ends, inner, turns, found)
        return
    many = len(size) > SOME
    for c in range(len(size)):
        if (size[c] == 0 or not many) and _may_take(tasks, crews, bench, n, home, c, turns):
            _offer(tasks, crews, routes, own, c, 0, size[c] + 1, ends, inner, turns, found)
    for i in range(len(tips) if many else 0):
        for other in tasks.near[tips[i]]:
            c = routes.crew[other] if other >= 0 else -1
            if c >= 0 and _may_take(tasks, crews, bench, n, home, c, turns):
                p = routes.place[other]
                _offer(tasks, crews, routes, own, c, p, p + 2, ends, inner, turns, found)


@inner(error_model="numpy", borrows=True)
def _move_string(  # type: ignore[no-untyped-def]
    tasks, crews, routes, backup, bench, window, most, state, turns, touched, clocks
):  # fmt: skip
    """Move a string of up to `most` tasks, as it is or turned round, to where it costs least.

    Returns the pool's size and the prizes lost: where it fits nowhere, it is in the pool.
    """
    c, p, length = _some_string(routes, window, most, state)
    if c < 0 or length > len(bench.task):
        return 0, np.int64(0)
    ends, inner = (np.int64(routes.enter[c, p]), np.int64(routes.leave[c, p + length])), np.int64(0)
    tips = (np.int64(routes.order[c, p]) >> 1, np.int64(routes.order[c, p + length - 1]) >> 1)
    stays, free = False, len(tasks.first) - tasks.duties
    for q in range(p, p + length):
        stays |= routes.order[c, q] >> 1 >= free
        bench.slot[q - p, 0] = routes.order[c, q]
        inner += tasks.length[routes.order[c, q] >> 1] + (routes.gap[c, q] if q > p else 0)
    n, lost = _take(tasks, crews, routes, backup, bench, 0, c, p, length, touched, clocks)
    _place_for_string(
        tasks, crews, routes, bench, n, (c, p), ends, tips, inner, turns, stays
    )  # fmt: skip
    found = bench.found
    who, where, side = np.int64(found[1]), np.int64(found[2]), np.int64(found[3])
    if who < 0 or routes.size[who] + n > routes.order.shape[1]:
        return n, lost
    keep_route(routes, backup, touched, who)
    for i in range(n):
        oriented = bench.slot[n - 1 - i if side == 1 else i, 0] ^ side
        insert_task(tasks, crews, routes, oriented >> 1, who, where + i, oriented & 1, clocks)
    return 0, np.int64(0)


@inner(error_model="numpy", borrows=True)
def _all_ruin(  # type: ignore[no-untyped-def]
    tasks, crews, routes, backup, bench, window, most, excursion, state, touched, clocks
):  # fmt: skip
    """Remove what this iteration removes and gather its pool; return its size, the prizes lost."""
    if excursion > 0 and uniform(state) < 0.25:
        return _ruin_poorest(
            tasks,
            crews,
            routes,
            backup,
            bench,
            0,
            window,
            excursion,
            EXCURSIONS,
            state,
            touched,
            clocks,
        )
    width = window[1] - window[0]
    centre = window[0] + int(uniform(state) * width)
    string = most if uniform(state) < 0.8 else 3 * most
    n, lost = _ruin(tasks, crews, routes, backup, bench, centre, string, state, touched, clocks)
    if uniform(state) < 0.6:
        n, loss = _ruin_poorest(
            tasks,
            crews,
            routes,
            backup,
            bench,
            n,
            window,
            string,
            POOREST_OF,
            state,
            touched,
            clocks,
        )
        lost += loss
    n = _gather(tasks, routes, bench, n, centre)
    if uniform(state) < 0.5:
        n = _gather(tasks, routes, bench, n, window[0] + int(uniform(state) * width))
    return n, lost


@inner(error_model="numpy", borrows=True)
def _gather_owed(tasks, routes, bench, n):  # type: ignore[no-untyped-def]
    """Add every place of the duties that nobody does to the pool; return its size."""
    for task in range(len(tasks.first) - tasks.duties, len(tasks.first)):
        if routes.passes[tasks.unit[task]] == 0 and bench.marked[task] != bench.stamp[1]:
            if n == len(bench.task):
                break
            bench.marked[task] = bench.stamp[1]
            bench.task[n] = task
            n += 1
    return n


@inner(error_model="numpy", borrows=True)
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
                copy_route(routes, best, c)
                dirty[c] = False


@inner(error_model="numpy", borrows=True)
def _cost(crews, routes):  # type: ignore[no-untyped-def]
    """Return the metres of all crews at their prices."""
    total = 0.0
    for c in range(len(routes.used)):
        total += crews.price[c] * routes.used[c]
    return total


@kernel(error_model="numpy", borrows=True)
def improve(  # type: ignore[no-untyped-def]
    tasks, crews, routes, backup, best, dirty, bench, values, state, window, iterations, heat,
    most, excursion, turns, clocks,
):  # fmt: skip
    """Run iterations of ruin and refill at one temperature (in units of value).

    Only tasks from `window[0]` up to before `window[1]` are centres of what is removed and filled.
    `values` holds the value of `routes` and, of the `best` within their limits (their books of
    tasks are not kept), the prize less the metres; `dirty` says which routes have changed since.
    A string holds as a rule at most `most` tasks, an excursion dropped as a whole `excursion`, 0
    to drop none. `turns` is how often a stretch is turned round where that is shorter.
    """
    touched = bench.touched
    for _ in range(iterations):
        touched[:] = False
        bench.stamp[1] += 1
        before = _cost(crews, routes)
        if uniform(state) < MOVES:
            n, lost = _move_string(
                tasks, crews, routes, backup, bench, window, LONGEST, state, turns, touched, clocks
            )
        else:
            n, lost = _all_ruin(
                tasks, crews, routes, backup, bench, window, most, excursion, state, touched, clocks
            )
        if len(tasks.strict) > 0:
            n = _gather_owed(tasks, routes, bench, n)
        for c in range(len(touched)):
            for _turns in range(turns if touched[c] else 0):
                i = int(uniform(state) * (routes.size[c] + 1))
                turn_stretch(tasks, crews, routes, c, i, state, clocks)
        for i in range(n):
            bench.weight[i] = 0.6 + 0.8 * uniform(state)
        draw = uniform(state)
        mild = 1 if draw < 0.3 else (2 if draw < 0.6 else 0)
        wide = uniform(state) < 0.1
        won = refill(tasks, crews, routes, backup, bench, n, mild, wide, touched, clocks)
        cost = _cost(crews, routes)
        now = value(tasks, crews, routes) if clocks else values[0] + (won - lost) + before - cost
        if now > values[0] + heat * np.log(uniform(state) + 1e-300):
            values[0] = now
            for c in range(len(touched)):
                dirty[c] |= touched[c]
            _keep_best(crews, routes, best, dirty, now + cost, values)
        else:
            restore(tasks, routes, backup, touched)
