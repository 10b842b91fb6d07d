"""The same streets in another order, so that crews meet less: loops walked the other way round.

A walk comes back to many corners. What lies between two visits to one corner can be walked the
other way round: just as long, and the crew is elsewhere at each moment of it. Simulated annealing
over such turns looks for routes that meet seldom (Kirkpatrick, Gelatt & Vecchi 1983, doi
10.1126/science.220.4598.671).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.timeline import timeline
from patrolmap.patrol.tracks import clock_zero, walked
from patrolmap.patrol.whereabouts import Whereabouts

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TURNS = 1500  # tried for each crew
HOT = 12.0  # looks at which two crews are too near
LOOK = 100  # turns between two looks at the clock


def untangled(
    problem: Problem, orders: Sequence[Order], stepper: Stepper, *, haste: Haste = AT_LEISURE
) -> list[Order]:
    """Return orders of the same entries whose walks meet less; `crew_distance` says how near.

    What each rule makes of the new moments is not looked at.
    """
    tangle = _Tangle(problem, orders, stepper)
    random = np.random.default_rng(0)
    before, n = tangle.near.sum(), TURNS * len(tangle.movable)
    for turn in range(n):
        if turn % LOOK == 0 and (haste.late() or not tangle.near.any()):
            break
        tangle.turn(random, HOT * (1 - turn / n))
    turned = tangle.orders()  # ways between entries may be shorter now, and crews earlier
    after = _Tangle(problem, turned, stepper).near.sum()
    return turned if after < before else [list(order) for order in orders]


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
    """The walks of all crews, where they are at each look, and how often two are too near.

    `near` is the number of looks for each pair; `movable` are the crews whose walks can be turned.
    """

    def __init__(self, problem: Problem, orders: Sequence[Order], stepper: Stepper) -> None:
        self._given, self._stepper, self._problem = orders, stepper, problem
        c = len(orders)
        self._walks = [self._walk(row) for row in range(c)]
        tracks = [walked(stepper, row, order)[0] for row, order in enumerate(orders)]
        self._where = Whereabouts(problem)
        for row, track in enumerate(tracks):
            self._where.put(row, track)
        self.movable = [
            row for row, crew in enumerate(problem.crews)
            if tracks[row] is not None and problem.groups[crew.group].both_ways
        ]  # fmt: skip
        looks = slice(0, self._where.xy.shape[1])
        self.near = np.stack(
            [self._where.times_near(row, looks, self._where.xy[row]) for row in range(c)]
        )
        self._best, self._least = self._ways(), int(self.near.sum())

    def turn(self, random: np.random.Generator, heat: float) -> None:
        """Turn a loop of a crew, if crews then meet less, or not much more."""
        meets = self.near[self.movable].sum(axis=1) + 1
        row = self.movable[int(np.searchsorted(np.cumsum(meets), random.random() * meets.sum()))]
        walk = self._walks[row]
        if (loop := walk.loop(random)) is None:
            return
        corners, at = walk.turned(*loop)
        looks = self._where.looks(at[0], at[-1])
        moments = self._where.moments(looks)
        xy = np.column_stack([np.interp(moments, at, corners[:, i]) for i in range(2)])
        before = self._where.times_near(row, looks, self._where.xy[row, looks])
        more = self._where.times_near(row, looks, xy) - before
        if more.sum() > 0 and random.random() >= np.exp(-more.sum() / heat):
            return
        walk.turn(*loop)
        self._where.xy[row, looks] = xy
        self.near[row] += more
        self.near[:, row] += more
        if self.near.sum() < self._least:
            self._best, self._least = self._ways(), int(self.near.sum())

    def orders(self) -> list[Order]:
        """Return the orders of the walks that met least."""
        return [
            list(zip(segment.tolist(), forward.tolist(), strict=True))
            if row in self.movable else list(self._given[row])
            for row, (segment, forward) in enumerate(self._best)
        ]  # fmt: skip

    def _ways(self) -> list[tuple[Ints, Bools]]:
        return [(walk.segment[walk.wanted], walk.forward[walk.wanted]) for walk in self._walks]

    def _walk(self, row: int) -> _Walk:
        problem, order = self._problem, self._given[row]
        steps = self._stepper.steps(row, order)
        line = timeline(problem, row, steps)
        moved, n = line.source >= 0, len(steps.segment)
        arrive, depart = np.full((2, n), -1, dtype=np.int64)
        arrive[line.source[moved]] = clock_zero(problem) + line.arrive[moved]
        depart[line.source[moved]] = clock_zero(problem) + line.depart[moved]
        stops = np.append(True, arrive[1:] != depart[:-1]) | (arrive < 0)
        street, xy, at = _corners(self._stepper.lines, steps.segment, steps.forward, arrive, depart)
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
    share = (metres - metres[begins][step]) / (metres[ends - 1] - metres[begins])[step]
    step = moved[step]
    share = np.where(forward[step], share, 1 - share)
    by_time = np.lexsort((share, step))
    step, share = step[by_time], share[by_time]
    return step, xy[by_time], arrive[step] + share * (depart - arrive)[step]
