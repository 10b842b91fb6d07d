"""A bound in a blink: the best fractional choice of passes within all crews' metres."""

import numpy as np

from patrolmap.patrol.bounds.case import Case
from patrolmap.patrol.candidates import Units
from patrolmap.patrol.problem import Floats, Problem

HALVINGS = 100  # of the interval of prices per millimetre; doubles have nothing left to halve


def knapsack_bound(problem: Problem, units: Units) -> float:
    """Return a prize that no plan of this problem can exceed.

    Every pass costs the segment's length, whoever walks it, and the k-th earning pass of a
    segment in a time bin earns at most `prize * share ** (k - 1)`; so no plan beats the best
    fractional choice of passes within all crews' metres together (Dantzig's bound for the
    knapsack problem, doi 10.1287/opre.5.2.266). It drops connectivity, depots, clocks and
    sectors, and takes the most generous rules of any crew, so it only ever errs upward.

    The bound is found through its dual: for any price of a millimetre, the metres at that price
    plus what every pass earns beyond its own is a bound, and the best price gives the least.
    """
    share = max(crew.rules.repeat_share for crew in problem.crews)
    room = float(sum(crew.budget for crew in problem.crews))
    length = problem.least_mm[units.segment].astype(np.float64)
    low, high = 0.0, float((units.prize / length).max(initial=0.0))
    for _ in range(HALVINGS):
        price = (low + high) / 2
        walked = float((_passes_worth(units, length, share, price) * length).sum())
        low, high = (low, price) if walked <= room else (price, high)
    return min(_dual(units, length, share, room, price) for price in (0.0, low, high))


def _passes_worth(units: Units, length: Floats, share: float, price: float) -> Floats:
    """Return how many passes of each unit earn more than their length costs."""
    worth = units.prize > price * length
    if price == 0 or share == 1:
        return np.where(worth, units.passes, 0).astype(np.float64)
    if share == 0:
        return worth.astype(np.float64)
    # prize * share ** (k - 1) > price * length
    ratio = np.where(worth, price * length / units.prize, 1.0)
    return np.where(worth, np.minimum(units.passes, np.ceil(np.log(ratio) / np.log(share))), 0.0)


def _dual(units: Units, length: Floats, share: float, room: float, price: float) -> float:
    """Return the bound that one price of a millimetre proves."""
    passes = _passes_worth(units, length, share, price)
    series = passes if share == 1 else (1 - share**passes) / (1 - share)
    return price * room + float((units.prize * series - price * length * passes).sum())


def case_knapsack(case: Case) -> float:
    """Return the same bound for plain arrays: the dearest passes per millimetre, one by one.

    Passes beyond those whose worth is known count as the last known one.
    """
    value, passes = case.value, np.ones_like(case.value)
    passes[:, -1] += np.maximum(case.passes - value.shape[1], 0)
    metres = case.length[:, None] * passes
    rate = (value / np.maximum(case.length, 1)[:, None]).ravel()
    order = np.argsort(-rate, kind="stable")
    metres, worth = metres.ravel()[order], (value * passes).ravel()[order]
    left = case.room - np.append(0.0, np.cumsum(metres)[:-1])
    part = np.clip(left / np.maximum(metres, 1.0), 0.0, 1.0)
    return float((part * worth).sum() * (1 + 1e-12))
