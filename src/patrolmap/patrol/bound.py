"""A proved bound on what any plan can collect: the fractional knapsack of passes."""

import numpy as np

from patrolmap.patrol.candidates import Units
from patrolmap.patrol.problem import Problem


def upper_bound(problem: Problem, units: Units) -> float:
    """Return a prize that no plan of this problem can exceed.

    Every pass costs the segment's length, whoever walks it, and the k-th earning pass of a
    segment in a time bin earns at most `prize * share ** (k - 1)`; so no plan beats the best
    fractional choice of passes within all crews' metres together (Dantzig's bound for the
    knapsack problem, doi 10.1287/opre.5.2.266). It drops connectivity, depots, clocks and
    sectors, and takes the most generous rules of any crew, so it only ever errs upward.
    """
    share = max(crew.rules.repeat_share for crew in problem.crews)
    metres = float(sum(crew.budget for crew in problem.crews))
    most = int(units.passes.max(initial=1))
    length = np.tile(problem.streets.length_mm[units.segment].astype(np.float64), most)
    worth = np.concatenate(
        [np.where(units.passes > k, units.prize * share**k, 0.0) for k in range(most)]
    )
    order = np.argsort(-worth / length, kind="stable")
    room = np.clip(metres - (np.cumsum(length[order]) - length[order]), 0.0, length[order])
    return float((worth[order] * room / length[order]).sum())
