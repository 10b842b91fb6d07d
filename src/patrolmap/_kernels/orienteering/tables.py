"""What the search over segments works on: tasks, crews, routes, working memory.

A task is one pass of one risky segment; a route is an order of oriented tasks (`2 * task + side`,
side 1 = against the geometry) between two terminals. Prizes and lengths are integers, so that sums
never depend on their order.

Standing is a task from a terminal to itself, as long as its crew would walk in the time. A duty is
a unit that must be done: its tasks, the last of all, are the places where it may be; before it
opens, a crew waits there.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 1 << 60


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
    sides: Bools  # (kinds, n, 2) may a crew of the kind walk it along / against, and in its time?
    near: Ints  # (n, k) tasks nearby, of other units
    homes: Ints  # (n, h) classes of crews that it is open to, the shortest way there and home first
    strict: tuple[int, ...] = ()  # (1,) with duties; its length is compiled in, so costs nothing
    duties: int = 0  # so many of the last tasks; their crews are homes[i, 0] to before homes[i, 1]
    owed: float = 0.0  # prizes of all duties, which are only there to have them done
    dwells: int = NEVER  # units from this one on, up to the duties, are stays
    again: float = 0.0  # s between two stays that both earn


class Crews(NamedTuple):
    """Who walks; c crews."""

    start: Ints  # (c,) terminal
    end: Ints  # (c,) terminal
    limit: Ints  # (c,) mm that a route may have at last
    budget: Ints  # (c,) mm that it may have meanwhile
    kind: Ints  # (c,) row of Tasks.sides
    graph: Ints  # (c,) row of Tasks.distance
    begin: Floats  # (c,) s, on the plan's clock
    speed: Floats  # (c,) mm/s
    share: Floats  # (c,) what a repeat pass earns of the pass before it
    after: Floats  # (c,) s between two passes that both earn
    price: Floats  # (c,) prize that a millimetre must bring
    classes: Ints  # (k + 1,) class i, alike but for their routes, is members[classes[i]:...]
    members: Ints  # (c,)


class Routes(NamedTuple):
    """A solution; m is room for tasks in a route. Gap p lies before task p, the last at the end."""

    order: Int32s  # (c, m) oriented tasks
    leave: Int32s  # (c, m + 1) terminal at which a gap begins
    enter: Int32s  # (c, m + 1) terminal at which it ends
    gap: Int32s  # (c, m + 1) mm from one to the other
    offset: Ints  # (c, m) mm walked when the task begins; kept only where clocks matter. With
    # duties (c, 2 m + 1), from m on the mm that each gap may take on and no duty is late
    size: Ints  # (c,) tasks in each route
    used: Ints  # (c,) mm walked, or that could be while the crew waits
    crew: Ints  # (n,) -1 = not planned
    place: Ints  # (n,) position in its route
    passes: Ints  # (u,) planned passes


class Bench(NamedTuple):
    """What one refill works with; room for k tasks."""

    task: Ints  # (k,)
    slot: Ints  # (k, 4)
    weight: Floats  # (k,)
    earns: Floats  # (k,) prize of the slot, riders included; -1 = not reckoned yet
    seen: Ints  # (c,) stamps of routes looked at
    marked: Ints  # (n,) stamps of tasks in the pool
    stamp: Ints  # (2,) last stamps given out: of routes, of tasks
    touched: Bools  # (c,) routes changed in an iteration
    found: Floats  # (4,) where a string costs least: price, crew, gap, side


def empty_routes(tasks: Tasks, crews: Crews) -> Routes:
    """Return routes that walk straight from start to end."""
    n, c, u = len(tasks.first), len(crews.start), len(tasks.prize)
    way = int(crews.budget.max(initial=0))
    length = np.sort(tasks.length[: len(tasks.length) - tasks.duties])  # duties may have none
    m = 1 + tasks.duties + int(np.searchsorted(np.cumsum(length), way, side="right"))
    straight = tasks.distance[crews.graph, crews.start, crews.end]
    routes = Routes(
        order=np.zeros((c, m), dtype=np.int32),
        leave=np.zeros((c, m + 1), dtype=np.int32),
        enter=np.zeros((c, m + 1), dtype=np.int32),
        gap=np.zeros((c, m + 1), dtype=np.int32),
        offset=np.zeros((c, 2 * m + 1 if tasks.duties else m), dtype=np.int64),
        size=np.zeros(c, dtype=np.int64),
        used=straight.astype(np.int64),
        crew=np.full(n, -1, dtype=np.int64),
        place=np.zeros(n, dtype=np.int64),
        passes=np.zeros(u, dtype=np.int64),
    )
    routes.leave[:, 0], routes.enter[:, 0], routes.gap[:, 0] = crews.start, crews.end, straight
    if tasks.duties:
        routes.offset[:, m] = crews.budget - straight
    return routes


def copy_routes(routes: Routes) -> Routes:
    """Return an independent copy."""
    return routes._replace(**{name: a.copy() for name, a in routes._asdict().items()})


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
        touched=np.zeros(len(crews.start), dtype=np.bool_),
        found=np.zeros(4),
    )


def timed(tasks: Tasks) -> bool:
    """Return whether what any task earns, or may be done at all, depends on when it is done."""
    if tasks.duties:
        return True
    always = (tasks.opens == -np.inf) & (tasks.closes == np.inf) & (np.diff(tasks.copies) == 1)
    return not bool(always.all())
