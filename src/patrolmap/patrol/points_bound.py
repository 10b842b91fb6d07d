"""A cheap proved bound on what routes over points can collect."""

import numpy as np

from patrolmap._kernels import points as kernel
from patrolmap.patrol.points import Bools, Floats, PointCase

ROUNDING = 1e-9


def reached_points(case: PointCase) -> Bools:
    """Return the points that some crew can visit on its way.

    Reckoned with shortest ways over any points, whatever their windows, but for the point's own.
    """
    far_from, far_to = {}, {}
    back = np.ascontiguousarray(case.way.T)
    for start in np.unique(case.start).tolist():
        far_from[start] = kernel.shortest(case.way, start)
    for end in np.unique(case.end).tolist():
        far_to[end] = kernel.shortest(back, end)
    reached = np.zeros(len(case.prize), dtype=bool)
    slack = 1 + ROUNDING
    for start, end, limit in zip(case.start.tolist(), case.end.tolist(), case.limit, strict=True):
        arrive = np.maximum(case.opens[start] + far_from[start], case.opens)
        latest = min(limit, case.closes[end])
        reached |= (arrive <= case.closes * slack) & (arrive + far_to[end] <= latest * slack)
    return reached


def point_upper_bound(case: PointCase, reached: Bools) -> float:
    """Return a prize that no routes within the limits exceed.

    Points not `reached` count for nothing; of the others, a fractional knapsack: a point costs half
    its cheapest way in and half its cheapest way out, and all crews share their limits.
    """
    home = np.zeros(len(case.prize), dtype=bool)
    home[case.start] = home[case.end] = True
    cheapest_in, cheapest_out = _cheapest(case.way)
    latest = np.minimum(case.limit, case.closes[case.end])
    ends = 0.5 * (cheapest_out[case.start] + cheapest_in[case.end])  # half the first way and last
    room = float(np.maximum(0.0, latest - case.opens[case.start] - ends).sum())
    sure = float(case.prize[home].sum())
    rows = np.flatnonzero(reached & ~home & (case.prize > 0))
    cost = 0.5 * (cheapest_in[rows] + cheapest_out[rows])
    return sure + _knapsack(case.prize[rows], cost, room * (1 + ROUNDING))


def _cheapest(way: Floats) -> tuple[Floats, Floats]:
    """Return the least way into each point and out of it, from another."""
    other = way + np.diag(np.full(len(way), np.inf))
    return other.min(axis=0, initial=np.inf), other.min(axis=1, initial=np.inf)


def _knapsack(prize: Floats, cost: Floats, room: float) -> float:
    """Return the most prize of points, whole or in part, that cost no more than `room`."""
    if cost.sum() <= room:
        return float(prize.sum())
    order = np.argsort(-prize / np.maximum(cost, 1e-300), kind="stable")
    spent = np.cumsum(cost[order])
    whole = int(np.searchsorted(spent, room, side="right"))
    total = float(prize[order[:whole]].sum())
    left = room - (spent[whole - 1] if whole else 0.0)
    part = left / cost[order[whole]]
    return float((total + prize[order[whole]] * part) * (1 + 1e-12))
