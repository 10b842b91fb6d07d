"""Fill the time that crews have left: streets nearby that nobody passes yet.

Mending drops what breaks a rule, and with it more time than it had to: the next walk along another
street may be well within the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.patrol.arcs import Order, arrays, entered_and_left, has_arc, reverse
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper, row_ends
from patrolmap.patrol.timeline import timeline
from patrolmap.patrol.walks import walk_routes
from patrolmap.streets.network import Graph

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TRIES = 300  # streets tried for one crew
AT_ONCE = 100  # of one ranking: what is put in changes where the next fits best
GAPS = 16  # of an order, looked at together: tables of a large town are large
Candidate = tuple[int, int, bool]  # row of the street, gap of the order, whether along it


class _Gaps(NamedTuple):
    """Between the entries of an order: a node before, a node after, and mm between them."""

    before: Ints
    after: Ints
    past: Ints

    def some(self, first: int) -> _Gaps:
        """Return so many gaps, of all, as are looked at together."""
        return _Gaps(*(part[first : first + GAPS] for part in self))


class Judge(Protocol):
    """Knows all rules of the crews."""

    def fits(self, row: int, order: Order) -> bool:
        """Return whether a walk keeps the rules of its crew."""
        ...

    def settle(self, row: int, order: Order) -> None:
        """Keep the order of a crew."""
        ...


def refill(
    problem: Problem,
    orders: Sequence[Order],
    judge: Judge,
    stepper: Stepper,
    *,
    rows: Sequence[int] | None = None,
    haste: Haste = AT_LEISURE,
) -> list[Order]:
    """Return orders of crews (`rows`, default all) with more streets in them.

    The crew with the most time left comes first; for each, the streets of most prize per metre of
    the detour, each where it costs least or at the end. One stays where the crew's walk then earns
    more, delays counted, and the `judge` says that it keeps its rules.
    """
    filler = _Filler(problem, orders, judge, stepper)
    spare = filler.spare
    rows = sorted(range(len(spare)) if rows is None else rows, key=lambda row: -spare[row])
    for row, part in zip(rows, haste.parted(len(rows)), strict=True):
        filler.fill(row, part)
    if len(problem.bins) > 1 and _total(problem, filler.orders) < _total(problem, orders):
        return [list(order) for order in orders]  # whom a crew now comes after earns in other bins
    return filler.orders


def _total(problem: Problem, orders: Sequence[Order]) -> float:
    """Return what all walks earn."""
    return walk_routes(problem, orders).total


class _Filler:
    """Puts streets into the orders of crew after crew; `spare` is what they have left, in mm."""

    def __init__(
        self, problem: Problem, orders: Sequence[Order], judge: Judge, stepper: Stepper
    ) -> None:
        self._problem, self._judge, self._stepper = problem, judge, stepper
        self.orders: list[Order] = [list(order) for order in orders]
        self._ends = row_ends(problem)
        self._xy = shapely.get_coordinates(problem.streets.nodes.geometry.array)
        self._sides = cache(self._allowed)
        self._backward = cache(lambda group: reverse(problem.groups[group].planned))
        self._passes = np.zeros(len(problem.worth), dtype=np.int64)  # how many crews pass each row
        self._mine: list[Ints] = [np.zeros(0, dtype=np.int64)] * len(orders)
        self.spare = [0] * len(orders)
        for row in range(len(orders)):
            self._settle(row)

    def _settle(self, row: int) -> None:
        """Note what a crew passes, and the millimetres that it has left."""
        steps = self._stepper.steps(row, self.orders[row])
        self._passes[self._mine[row]] -= 1
        self._mine[row] = np.unique(self._passed(steps.segment))
        self._passes[self._mine[row]] += 1
        self.spare[row] = self._problem.crews[row].budget - steps.used

    def _passed(self, rows: Ints) -> Ints:
        """Return what earns of the rows of steps, streets of excursions too."""
        standing, n = self._problem.standing, len(self._problem.prize)
        first = n + len(standing.spot)
        trips = rows[(rows >= first) & (rows < n + standing.n_earning)] - first
        walked = [standing.excursions.trips[i].segment for i in trips.tolist()]
        return np.concatenate([rows[rows < n + standing.n_earning], *walked])

    def _earned(self, row: int, order: Order) -> float:
        """Return what a crew's walk earns, first passes only, where no other crew comes."""
        problem = self._problem
        steps = self._stepper.steps(row, order)
        others = self._passes.copy()
        others[self._mine[row]] -= 1
        rows = steps.segment
        earns = (rows < len(others)) & (others[np.minimum(rows, len(others) - 1)] == 0)
        if len(problem.bins) > 1:
            bins = problem.bin_at(timeline(problem, row, steps).begun[earns] / 1000)
        else:
            bins = np.zeros(int(earns.sum()), dtype=np.int64)
        rows, first = np.unique(rows[earns], return_index=True)
        worth = problem.worth[rows, bins[first]]
        street = rows < len(problem.prize)
        worth[street] *= problem.groups[problem.crews[row].group].earns[rows[street]]
        return float(worth.sum())

    def _allowed(self, group: int) -> tuple[Bools, Bools]:
        graph, n = self._problem.groups[group].planned, len(self._problem.prize)
        return has_arc(graph, True, n), has_arc(graph, False, n)

    def fill(self, row: int, haste: Haste) -> None:
        """Put streets into one crew's order until none fits, or too many were tried."""
        tries, earned = TRIES, self._earned(row, self.orders[row])
        asked: set[tuple[tuple[int, bool], ...]] = set()
        while tries > 0:
            gone: list[int] = []  # gaps that got a street: others move on by one for each
            for street, gap, along in self._ranked(row, haste)[:tries]:
                if haste.late():
                    return
                if self._passes[street] or gap in gone:
                    continue
                order = list(self.orders[row])
                order.insert(gap + sum(other < gap for other in gone), (street, along))
                if tuple(order) in asked:
                    continue
                tries -= 1
                asked.add(tuple(order))
                if (more := self._earned(row, order)) > earned and self._judge.fits(row, order):
                    self.orders[row], earned = order, more
                    self._judge.settle(row, order)
                    self._settle(row)
                    gone.append(gap)
            if not gone:
                return

    def _ranked(self, row: int, haste: Haste) -> list[Candidate]:
        """Return streets nobody passes that a crew has time for, the most prize per mm first."""
        problem, crew = self._problem, self._problem.crews[row]
        group, n = problem.groups[crew.group], len(problem.prize)
        _, _, enter, leave = entered_and_left(self._ends, self.orders[row])
        past = self._stepper.legs(crew, self.orders[row])
        gaps = _Gaps(np.append(crew.start, leave), np.append(enter, crew.end), past)
        worth = problem.prize[:, problem.bins_of(crew)].max(axis=1)
        free = problem.reachable[row][:n] & (worth > 0) & (self._passes[:n] == 0)
        streets = np.flatnonzero(free & (group.planned_mm <= self.spare[row]))
        streets = streets[self._near(row, streets, gaps)]
        best, gap, along, at_end = self._cheapest(row, streets, gaps, haste)
        last = gap < len(past) - 1  # or the end is the best gap already
        street = np.append(streets, streets[last])
        cost = np.append(best, at_end[0][last])
        rate = np.where(cost <= self.spare[row], worth[street] / np.maximum(cost, 1), 0.0)
        where = np.append(gap, np.full(int(last.sum()), len(past) - 1))
        ways = np.append(along, at_end[1][last])
        order = np.argsort(-rate, kind="stable")[:AT_ONCE]
        return [
            (int(street[i]), int(where[i]), bool(ways[i])) for i in order[rate[order] > 0].tolist()
        ]

    def _near(self, row: int, streets: Ints, gaps: _Gaps) -> Bools:
        """Return which streets the time left, and that of the way past, may reach at all."""
        route = cKDTree(self._xy[np.unique(np.concatenate([gaps.before, gaps.after]))])
        metres = (self.spare[row] + int(gaps.past.max())) / 2000 + 1  # there, and back
        away, _ = route.query(self._xy[self._ends[0][streets]], distance_upper_bound=metres)
        near: Bools = np.isfinite(away)
        return near

    def _cheapest(
        self, row: int, streets: Ints, gaps: _Gaps, haste: Haste
    ) -> tuple[Floats, Ints, Bools, tuple[Floats, Bools]]:
        """Return the mm of the least detour to each street, at which gap, which way; at the end."""
        n = len(streets)
        best, gap, along = np.full(n, np.inf), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)
        end = (best.copy(), along.copy())
        reach = self.spare[row] + int(gaps.past.max())
        for first in range(0, len(gaps.past), GAPS):
            if n == 0 or haste.late():
                break
            cost = self._detours(row, streets, gaps.some(first), reach)
            flat = cost.reshape(-1, n)
            least = flat.argmin(axis=0)
            better = flat[least, np.arange(n)] < best
            best = np.where(better, flat[least, np.arange(n)], best)
            gap = np.where(better, first + least % cost.shape[1], gap)
            along = np.where(better, least < cost.shape[1], along)
            end = (cost[:, -1].min(axis=0), cost[:, -1].argmin(axis=0) == 0)
        return best, gap, along, end

    def _detours(self, row: int, streets: Ints, gaps: _Gaps, reach: int) -> Floats:
        """Return what each street takes at each gap, along it and against: (2, gaps, streets)."""
        number = self._problem.crews[row].group
        group, sides = self._problem.groups[number], np.stack(self._sides(number))[:, streets]
        ends = np.concatenate([self._ends[0][streets], self._ends[1][streets]])
        there = _table(group.planned, gaps.before, ends, reach).reshape(-1, 2, len(streets))
        back = _table(self._backward(number), gaps.after, ends, reach).reshape(-1, 2, len(streets))
        ways = np.stack([there[:, 0] + back[:, 1], there[:, 1] + back[:, 0]])
        cost = ways - gaps.past[:, None] + group.planned_mm[streets]
        return np.where(sides[:, None], cost, np.inf)


def _table(graph: Graph, sources: Ints, targets: Ints, limit: int) -> Floats:
    """Return the millimetres from nodes to nodes, inf beyond a limit; both may repeat."""
    sources, row = np.unique(sources, return_inverse=True)
    targets, column = np.unique(targets, return_inverse=True)
    found = distance_table(*arrays(graph), sources, targets, limit).astype(np.float64)
    found[found >= UNREACHABLE] = np.inf
    return found[row[:, None], column]
