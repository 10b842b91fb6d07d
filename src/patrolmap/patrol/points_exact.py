"""Solve a handful of points to the optimum: every set of points, and how crews share it."""

import numpy as np

from patrolmap._kernels import points as kernel
from patrolmap.patrol.points import Bools, Floats, Ints, PointCase

FEW_POINTS = 12  # time and memory grow as 3 and 2 to this power
FEW_CREWS = 16


def exact_point_routes(case: PointCase, reached: Bools) -> list[Ints] | None:
    """Return routes that collect the most, or None where there are too many points or crews.

    `reached` are the points that a crew may visit. Points without a prize are among them: a way
    over one may be shorter than the way past it. Where it is, two routes may share a point.
    """
    home = (case.start[:, None] == np.arange(len(reached))) | (
        case.end[:, None] == np.arange(len(reached))
    )
    rows = np.flatnonzero(reached & ~home.all(axis=0))
    if len(rows) > FEW_POINTS or len(case.limit) > FEW_CREWS:
        return None
    earlies, fits = [], []
    for start, end, limit in zip(case.start, case.end, case.limit, strict=True):
        latest = min(limit, case.closes[end])
        early, fit = kernel.reach_sets(case.way, case.opens, case.closes, start, end, latest, rows)
        earlies.append(early)
        fits.append(fit)
    part = kernel.share_sets(np.array([_and_less(fit) for fit in fits]))
    worth = case.prize[rows]
    worth[home.any(axis=0)[rows]] = 0.0  # collected anyhow
    sets = np.arange(1 << len(rows))
    value = ((sets[:, None] >> np.arange(len(rows))) & 1) @ worth
    left = int(np.argmax(np.where(part[-1] >= 0, value, -1.0)))
    routes = []
    for c in range(len(fits) - 1, -1, -1):
        taken = int(part[c, left])
        left &= ~taken
        whole = _least_that_holds(taken, fits[c])
        routes.append(_route(case, c, earlies[c], rows, whole))
    return routes[::-1]


def _and_less(fits: Bools) -> Bools:
    """Add to the sets all that others of them hold."""
    within = fits.copy()
    for k in range(len(fits).bit_length() - 1):
        sets = within.reshape(-1, 2, 1 << k)
        sets[:, 0] |= sets[:, 1]
    return within


def _least_that_holds(taken: int, fits: Bools) -> int:
    """Return the smallest set with a route that holds the set `taken`."""
    sets = np.flatnonzero(fits)
    sets = sets[(sets & taken) == taken]
    return int(sets[np.argmin(np.bitwise_count(sets))])


def _route(case: PointCase, crew: int, early: Floats, rows: Ints, points: int) -> Ints:
    """Return a route over a set of points, read from its end."""
    start, end = int(case.start[crew]), int(case.end[crew])
    route, to = [end], end
    while points:
        inside = [k for k in range(len(rows)) if points >> k & 1]
        last = min(inside, key=lambda k: float(early[points, k] + case.way[rows[k], to]))
        points &= ~(1 << last)
        to = int(rows[last])
        route.append(to)
    return np.array([start, *route[:0:-1], end], dtype=np.int64)
