"""The same streets in another order, so that crews meet less: loops walked the other way round.

A walk comes back to many corners. What lies between two visits to one corner can be walked the
other way round: just as long, and the crew is elsewhere at each moment of it. Simulated annealing
over such turns looks for routes that meet seldom (Kirkpatrick, Gelatt & Vecchi 1983, doi
10.1126/science.220.4598.671).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.timeline import timeline
from patrolmap.patrol.tracks import EVERY, clock_zero, walked
from patrolmap.patrol.whereabouts import Whereabouts

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TURNS, MOST = 1500, 20_000  # tried for each crew; for all
HOT = 12.0  # looks at which two crews are too near
LOOK = 100  # turns between two looks at the clock
Fits = Callable[[int, Order], bool]


def untangled(
    problem: Problem, orders: Sequence[Order], stepper: Stepper, fits: Fits, *,
    haste: Haste = AT_LEISURE,
) -> list[Order]:  # fmt: skip
    """Return orders of the same entries whose walks meet less; `crew_distance` says how near.

    `fits` says whether the walk of a crew, by its row, keeps the crew's other rules.
    """
    given: list[Order] = [list(order) for order in orders]
    if haste.late():
        return given
    tangle = _Tangle(problem, given, stepper)
    random, before = np.random.default_rng(0), int(tangle.meets.sum())
    n = min(TURNS * int((tangle.meets > 0).sum()), MOST) if len(tangle.movable) else 0
    for turn in range(n):
        if turn % LOOK == 0 and (haste.late() or tangle.least == 0):
            break
        tangle.turn(random, HOT * (1 - turn / n))
    if tangle.least == before:
        return given
    turned: list[Order] = [
        new if new == old or fits(row, new) else old
        for row, (new, old) in enumerate(zip(tangle.orders(), given, strict=True))
    ]  # ways between entries may be shorter now, and crews earlier
    return turned if _meetings(problem, turned, stepper) < before else given


def _meetings(problem: Problem, orders: Sequence[Order], stepper: Stepper) -> int:
    """Return how often crews are too near to others, each pair counted twice."""
    where = _put(problem, orders, stepper)
    return sum(int(where.times_near(row, where.looks(row)).sum()) for row in range(len(orders)))


def _put(problem: Problem, orders: Sequence[Order], stepper: Stepper) -> Whereabouts:
    where = Whereabouts(problem)
    for row, order in enumerate(orders):
        where.put(row, walked(stepper, row, order)[0])
    return where


@dataclass
class _Walk:
    """One crew's walk of k streets, over v corners of their lines; times are ms since 1970.

    Attributes
    ----------
    segment, forward, wanted : (k,)
        Row, way, and whether the order asked for it.
    block : (k,) int64
        Streets of one number are walked without a stop.
    node : (k + 1,) int64
        Where each begins, and the last one ends.
    first : (k + 1,) int64
        The first corner of each; v at last.
    xy, at : (v, 2) float64, (v,) float64
        Where the corners are, and when the crew is there.
    """

    segment: Ints
    forward: Bools
    wanted: Bools
    block: Ints
    node: Ints
    first: Ints
    xy: Floats
    at: Floats

    def loop(self, random: np.random.Generator) -> tuple[int, int] | None:
        """Draw streets from one visit to a corner up to another, None where there is no other."""
        i = int(random.integers(len(self.node)))
        others = np.flatnonzero(self.node == self.node[i])
        j = int(others[random.integers(len(others))])
        a, b = min(i, j), max(i, j)
        return (a, b) if b - a > 1 and self.block[a] == self.block[b - 1] else None

    def turned(self, a: int, b: int) -> tuple[Floats, Floats]:
        """Return where the corners of some streets are, and when, the other way round."""
        part = slice(self.first[a], self.first[b])
        at = self.at[part]
        return self.xy[part][::-1], at[0] + at[-1] - at[::-1]

    def turn(self, a: int, b: int) -> None:
        """Walk some streets the other way round."""
        part, streets = slice(self.first[a], self.first[b]), slice(a, b)
        self.xy[part], self.at[part] = self.turned(a, b)
        corners = np.diff(self.first[a : b + 1])[::-1]
        self.first[a + 1 : b + 1] = self.first[a] + np.cumsum(corners)
        self.segment[streets] = self.segment[streets][::-1].copy()
        self.forward[streets] = ~self.forward[streets][::-1]
        self.wanted[streets] = self.wanted[streets][::-1].copy()
        self.node[a + 1 : b] = self.node[a + 1 : b][::-1].copy()


class _Tangle:
    """The walks of all crews, and where they are at each look.

    `meets` says how often each crew is too near to others, `least` how often all were at best;
    `movable` are the crews whose walks can be turned.
    """

    def __init__(self, problem: Problem, orders: Sequence[Order], stepper: Stepper) -> None:
        rows = range(len(orders))
        self._walks = [_walk_of(problem, row, orders[row], stepper) for row in rows]
        self._where = _put(problem, orders, stepper)
        self.meets = np.array(
            [self._where.times_near(row, self._where.looks(row)).sum() for row in rows]
        )
        ways = [problem.groups[crew.group].both_ways for crew in problem.crews]
        self.movable = np.flatnonzero(ways)
        self._best, self.least = [self._entries(row) for row in rows], int(self.meets.sum())
        self._moved: set[int] = set()  # since the best

    def turn(self, random: np.random.Generator, heat: float) -> None:
        """Turn a loop of a crew, if crews then meet less, or not much more."""
        share = np.cumsum(self.meets[self.movable] + 1.0)
        row = int(self.movable[np.searchsorted(share, random.random() * share[-1], "right")])
        walk = self._walks[row]
        if (loop := walk.loop(random)) is None:
            return
        corners, at = walk.turned(*loop)
        look = self._where.looks(row, at[0], at[-1])
        xy = np.column_stack([np.interp(look * EVERY, at, corners[:, i]) for i in range(2)])
        more = self._where.times_near(row, look, xy) - self._where.times_near(row, look)
        if more.sum() > 0 and random.random() >= np.exp(-more.sum() / heat):
            return
        walk.turn(*loop)
        self._where.move(row, look, xy)
        self.meets += more
        self.meets[row] += more.sum()
        self._moved.add(row)
        if self.meets.sum() < self.least:
            self.least = int(self.meets.sum())
            for moved in self._moved:
                self._best[moved] = self._entries(moved)
            self._moved.clear()

    def orders(self) -> list[Order]:
        """Return the orders of the walks that met least."""
        return [
            list(zip(segment.tolist(), forward.tolist(), strict=True))
            for segment, forward in self._best
        ]

    def _entries(self, row: int) -> tuple[Ints, Bools]:
        walk = self._walks[row]
        return walk.segment[walk.wanted], walk.forward[walk.wanted]


def _walk_of(problem: Problem, row: int, order: Order, stepper: Stepper) -> _Walk:
    steps = stepper.steps(row, order)
    line = timeline(problem, row, steps)
    moved, n = line.source >= 0, len(steps.segment)
    arrive, depart = np.full((2, n), -1, dtype=np.int64)
    arrive[line.source[moved]] = clock_zero(problem) + line.arrive[moved]
    depart[line.source[moved]] = clock_zero(problem) + line.depart[moved]
    stops = np.append(True, arrive[1:] != depart[:-1]) | (arrive < 0)
    street, xy, at = _corners(stepper.lines, steps.segment, steps.forward, arrive, depart)
    return _Walk(
        segment=steps.segment.copy(),
        forward=steps.forward.copy(),
        wanted=steps.wanted.copy(),
        block=np.cumsum(stops | np.append(False, arrive[:-1] < 0)),
        node=np.append(problem.crews[row].start, steps.node),
        first=np.searchsorted(street, np.arange(n + 1)),
        xy=xy,
        at=at,
    )


def _corners(
    lines: npt.NDArray[np.object_], segment: Ints, forward: Bools, arrive: Ints, depart: Ints
) -> tuple[Ints, Floats, Floats]:
    """Return the corners of the lines that are walked: of which step, where, and when."""
    moved = np.flatnonzero(arrive >= 0)
    xy, step = shapely.get_coordinates(lines[segment[moved]], return_index=True)
    metres = np.append(0.0, np.cumsum(np.hypot(*np.diff(xy, axis=0).T)))
    begins, ends = np.searchsorted(step, [np.arange(len(moved)), np.arange(len(moved)) + 1])
    whole = np.maximum(metres[ends - 1] - metres[begins], 1e-9)
    share = (metres - metres[begins][step]) / whole[step]
    step = moved[step]
    share = np.where(forward[step], share, 1 - share)
    by_time = np.lexsort((share, step))
    step, share = step[by_time], share[by_time]
    return step, xy[by_time], arrive[step] + share * (depart - arrive)[step]
