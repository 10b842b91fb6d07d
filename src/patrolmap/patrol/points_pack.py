"""Choose the best routes together of all that a search has met: set packing."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array, vstack

from patrolmap._kernels import points as kernel
from patrolmap.patrol.bounds.lp import Clock
from patrolmap.patrol.points import Ints

COLUMNS = 8  # of so many routes met, the most promising one is a choice
FEW = 100  # choices, at least


def pack_routes(pool: kernel.Pool, least: int, seconds: float = np.inf) -> Ints | None:
    """Return rows of a pool, one a crew, that share no point and are worth more than `least`.

    Maximise the prize of the routes chosen; every point at most once; as many routes of each kind
    as it has crews. The linear program prices the points; of the routes, those are offered to
    branch and bound that lose least at these prices, and none that loses more than there is to
    gain (reduced costs; as in Boussier, Feillet & Gendreau 2007, doi 10.1007/s10288-006-0009-1).

    Parameters
    ----------
    pool
        Routes met, with whole prizes.
    least
        What is known to be possible.
    seconds
        At most about so many; without a limit, equal pools give equal choices.

    Returns
    -------
    (c,) int64, or None where nothing better was found.
    """
    rows = np.flatnonzero((pool.prize > 0) & np.isin(pool.kind, pool.kinds))
    if len(rows) == 0 or seconds <= 0:
        return None
    clock = Clock(seconds)
    prize = pool.prize[rows].astype(np.float64)
    scale = max(float(least), 1.0)
    kinds, crews = np.unique(pool.kinds, return_counts=True)
    of_kind = csc_array((kinds[:, None] == pool.kind[rows]).astype(np.float64))
    matrix = csc_array(vstack([_visits(pool, rows), of_kind]))
    limit = np.concatenate([np.ones(matrix.shape[0] - len(kinds)), crews])
    relaxed = linprog(
        -prize / scale, A_ub=matrix, b_ub=limit, method="highs-ds", options=_within(clock)
    )
    if relaxed.status != 0:
        return None
    lost = matrix.T @ -relaxed.ineqlin.marginals * scale - prize
    room = -relaxed.fun * scale - (least + 1)  # whole prizes: better is better by one
    if room < -1e-6 * scale:
        return None
    few = np.argsort(lost, kind="stable")[: max(FEW, len(rows) // COLUMNS)]
    few = few[lost[few] <= room + 1e-6 * scale]
    found = milp(
        -prize[few] / scale,
        integrality=np.ones(len(few)),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix[:, few], ub=limit),
        options=_within(clock),
    )
    if found.x is None:
        return None
    chosen = rows[few[found.x > 0.5]]
    if pool.prize[chosen].sum() <= least:
        return None
    return _one_a_crew(pool, chosen)


def _within(clock: Clock) -> dict[str, float]:
    left = clock.left()
    return {"time_limit": max(left, 0.01)} if left < np.inf else {}


def _visits(pool: kernel.Pool, rows: Ints) -> csc_array:
    """Return which point each route visits: a column of ones and zeros a route."""
    size, order = pool.size[rows], pool.order[rows]
    point = order[np.arange(order.shape[1]) < size[:, None]]
    starts = np.concatenate([[0], np.cumsum(size)])
    return csc_array((np.ones(len(point)), point, starts), shape=(len(pool.key), len(rows)))


def _one_a_crew(pool: kernel.Pool, chosen: Ints) -> Ints:
    """Return a route for every crew, -1 = stays at home."""
    out = np.full(len(pool.kinds), -1, dtype=np.int64)
    for kind in np.unique(pool.kinds):
        mine = chosen[pool.kind[chosen] == kind]
        out[np.flatnonzero(pool.kinds == kind)[: len(mine)]] = mine
    return out
