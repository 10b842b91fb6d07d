"""Routes met on the way, kept, and packed anew into a plan."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.points.state import PRIZE, Int32s, Ints, Points, settle


class Pool(NamedTuple):
    """Routes met, kept by a hash of whom they visit; r places."""

    prize: Ints  # (r,) 0 = free
    plan: Ints  # (r,) prize of the best plan of which it was new
    kind: Ints  # (r,) of crew
    order: Int32s  # (r, m) points in order
    size: Ints  # (r,)
    kinds: Ints  # (c,) crews of one kind may swap routes
    key: npt.NDArray[np.uint64]  # (n,) random


def new_pool(points: Points, kinds: Ints, places: int, longest: int) -> Pool:
    """Return a pool without routes; of two that meet in a place, one stays.

    It is the one of the better plan: a plan needs its poor routes as well as its rich ones.
    """
    n = len(points.prize)
    rng = np.random.default_rng(1)
    return Pool(
        prize=np.zeros(places, dtype=np.int64),
        plan=np.zeros(places, dtype=np.int64),
        kind=np.zeros(places, dtype=np.int64),
        order=np.zeros((places, longest), dtype=np.int32),
        size=np.zeros(places, dtype=np.int64),
        kinds=kinds,
        key=rng.integers(0, 2**63, n).astype(np.uint64),
    )


@inner(error_model="numpy", borrows=True)
def keep(points, state, c, pool):  # type: ignore[no-untyped-def]
    """Remember route c."""
    n = len(points.prize)
    places = len(pool.prize)
    if places == 0 or state.size[c] > pool.order.shape[1]:
        return
    at, end = n + 2 * c, n + 2 * c + 1
    sign = np.uint64(pool.kinds[c]) * np.uint64(0x9E3779B97F4A7C15)
    prize = np.int64(0)
    at = state.next[at]
    while at != end:
        sign ^= pool.key[at]
        prize += points.prize[at]
        at = state.next[at]
    if prize == 0:
        return
    place = np.int64(sign % np.uint64(places))
    plan = state.total[PRIZE]
    if plan < pool.plan[place] or (plan == pool.plan[place] and prize <= pool.prize[place]):
        return
    at, k = state.next[n + 2 * c], 0
    while at != end:
        pool.order[place, k] = at
        k += 1
        at = state.next[at]
    pool.prize[place], pool.plan[place] = prize, plan
    pool.kind[place], pool.size[place] = pool.kinds[c], k


@kernel(error_model="numpy", borrows=True)
def lay(points, state, pool, chosen):  # type: ignore[no-untyped-def]
    """Put routes of the pool in the place of the state's; -1 = straight from start to end."""
    n = len(points.prize)
    state.route[:n] = -1
    for c in range(len(chosen)):
        at, row = n + 2 * c, chosen[c]
        for k in range(pool.size[row] if row >= 0 else 0):
            v = pool.order[row, k]
            state.next[at], state.prev[v], state.route[v] = v, at, c
            at = v
        state.next[at], state.prev[n + 2 * c + 1] = n + 2 * c + 1, at
    settle(points, state)
