"""Fill the time that crews have left: streets nearby that nobody passes yet.

Mending drops what breaks a rule, and with it more time than it had to: the next walk along another
street may be well within the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.patrol.arcs import Order, arrays, entered_and_left, has_arc, reverse
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper, row_ends
from patrolmap.streets.network import Graph

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TRIES = 300  # streets tried for one crew
AT_ONCE = 100  # of one ranking: what is put in changes where the next fits best


class Judge(Protocol):
    """Knows all rules of the crews."""

    def fits(self, row: int, order: Order) -> bool:
        """Return whether a walk keeps the rules of its crew."""
        ...

    def settle(self, row: int, order: Order) -> None:
        """Keep the order of a crew."""
        ...


def refill(
    problem: Problem, orders: Sequence[Order], judge: Judge, *, haste: Haste = AT_LEISURE
) -> list[Order]:
    """Return orders with more streets in them, each where the way to it and on costs least.

    The crew with the most time left comes first; for each, the streets of most prize per metre of
    the detour, as long as the `judge` says that the walk keeps its rules.
    """
    filler = _Filler(problem, orders, judge)
    rows = np.argsort(-filler.spare, kind="stable")
    for row, part in zip(rows.tolist(), haste.parted(len(rows)), strict=True):
        filler.fill(row, part)
    return filler.orders


class _Filler:
    """Puts streets into the orders of crew after crew; `spare` is what they have left, in mm."""

    def __init__(self, problem: Problem, orders: Sequence[Order], judge: Judge) -> None:
        self.problem, self.judge, self._stepper = problem, judge, Stepper(problem)
        self.orders: list[Order] = [list(order) for order in orders]
        self._ends = row_ends(problem)
        self._sides = [
            [has_arc(group.planned, way, len(problem.prize)) for way in (True, False)]
            for group in problem.groups
        ]
        self._backward = cache(lambda group: reverse(problem.groups[group].planned))
        self._passed = np.zeros(len(problem.prize), dtype=np.bool_)
        self.spare = np.array([self._settle(row) for row in range(len(self.orders))])

    def _settle(self, row: int) -> int:
        """Note what a crew passes; return the millimetres that it has left."""
        steps = self._stepper.steps(row, self.orders[row])
        self._passed[steps.segment[steps.segment < len(self._passed)]] = True
        return self.problem.crews[row].budget - steps.used

    def fill(self, row: int, haste: Haste) -> None:
        """Put streets into one crew's order until none fits, or too many were tried."""
        tries = TRIES
        while tries > 0 and not haste.late():
            gone: list[int] = []  # gaps that got a street: others move on by one for each
            for street, gap, along in self._ranked(row)[:tries]:
                if haste.late():
                    return
                if self._passed[street] or gap in gone:
                    continue
                tries -= 1
                at = gap + sum(other < gap for other in gone)
                order = list(self.orders[row])
                order.insert(at, (street, along))
                if self.judge.fits(row, order):
                    self.orders[row] = order
                    self.judge.settle(row, order)
                    self.spare[row] = self._settle(row)
                    gone.append(gap)
            if not gone:
                return

    def _ranked(self, row: int) -> list[tuple[int, int, bool]]:
        """Return streets nobody passes, best first: row, gap of the order, way round."""
        problem, spare = self.problem, int(self.spare[row])
        crew = problem.crews[row]
        group = problem.groups[crew.group]
        n = len(problem.prize)
        best = problem.prize[:, problem.bins_of(crew)].max(axis=1)
        worth = np.where(problem.reachable[row][:n], best, 0.0)
        streets = np.flatnonzero((worth > 0) & ~self._passed & (group.planned_mm <= spare))
        if len(streets) == 0:
            return []
        _, _, enter, leave = entered_and_left(self._ends, self.orders[row])
        before, after = np.append(crew.start, leave), np.append(enter, crew.end)
        tail, head = (ends[streets] for ends in self._ends)
        past = self._stepper.legs(crew, self.orders[row])[:, None]
        reach, cost = spare + int(past.max()), np.empty((2, len(before), len(streets)))
        for side, (first, last) in enumerate(((tail, head), (head, tail))):
            there = _table(group.planned, before, first, reach)
            back = _table(self._backward(crew.group), after, last, reach)
            cost[side] = there + back - past + group.planned_mm[streets]
            cost[side, :, ~self._sides[crew.group][side][streets]] = np.inf
        along, cost = cost.argmin(axis=0) == 0, cost.min(axis=0)
        gap = np.append(cost.argmin(axis=0), np.full(len(streets), len(before) - 1))
        which = np.tile(np.arange(len(streets)), 2)  # each where it costs least, and at the end
        rate = worth[streets[which]] / np.maximum(cost[gap, which], 1)
        rate[cost[gap, which] > spare] = 0.0
        best = np.argsort(-rate, kind="stable")[:AT_ONCE]
        return [
            (int(streets[which[i]]), int(gap[i]), bool(along[gap[i], which[i]]))
            for i in best[rate[best] > 0].tolist()
        ]


def _table(graph: Graph, sources: Ints, targets: Ints, limit: int) -> Floats:
    """Return the millimetres from nodes to nodes, inf beyond a limit; both may repeat."""
    sources, row = np.unique(sources, return_inverse=True)
    targets, column = np.unique(targets, return_inverse=True)
    found = distance_table(*arrays(graph), sources, targets, limit).astype(np.float64)
    found[found >= UNREACHABLE] = np.inf
    return found[row[:, None], column]
