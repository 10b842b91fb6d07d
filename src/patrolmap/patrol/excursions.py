"""Which stops by car are worth planning: loops on foot, no street that earns in two of them.

A loop is planned for the streets with risk that no car of the plan drives on: squares, parks, ways
for people. What else it passes earns by the clock, as any pass does, and is not reckoned with.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array

from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.patrol.arcs import arrays
from patrolmap.patrol.loops import ball_around, best_loops
from patrolmap.patrol.on_foot import Excursion, Excursions
from patrolmap.patrol.rules_ground import AT_CAR
from patrolmap.patrol.standing import crew_trip

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_TRIPS = 120
ROOM = 2  # trips, in stops that all crews have time for
MOST_PARKED = 2000  # corners looked at for one kind of crews
CELL = 150.0  # m: of more corners, those are looked at that have most risk in the cells around
TRIED = 4  # corners, those with most risk around, whose loops are compared for each trip
LEAST = 0.02  # of the best trip's rate: what brings less is not worth a stop
PART = 100  # corners measured at once


def with_trips(problem: Problem) -> Problem:
    """Return the problem with the excursions that are worth planning."""
    standing = problem.standing
    if not standing.excursions.kinds:
        return problem
    found = _chosen(problem)
    return replace(problem, standing=replace(standing, excursions=found))


def _chosen(problem: Problem) -> Excursions:
    """Choose trips one by one, each the best for its time at one of the richest corners."""
    excursions = problem.standing.excursions
    taken = np.zeros(len(problem.prize), dtype=bool)
    within = taken.copy()
    prize = _for_excursions(problem)
    fields = [_Field(problem, kind, prize) for kind in range(len(excursions.kinds))]
    for field in fields:
        within |= field.within
    trips: list[Excursion] = []
    best, room = 0.0, [ROOM * field.stops + 4 for field in fields]
    while len(trips) < MOST_TRIPS:
        offers = [
            offer for field, more in zip(fields, room, strict=True)
            if more > 0 and (offer := field.best(taken)) is not None
        ]  # fmt: skip
        if not offers:
            break
        trip, streets, rate = max(offers, key=lambda offer: (offer[2], room[offer[0].kind]))
        room[trip.kind] -= 1
        best = max(best, rate)
        if rate < LEAST * best:
            break
        taken[streets] = True
        trips.append(trip)
    return replace(excursions, trips=tuple(trips), within=within)


_Offer = tuple[Excursion, Ints, float]  # the trip, the streets it earns on, prize a second


class _Field:
    """Corners where crews of one kind may park, and the loops round them."""

    def __init__(self, problem: Problem, kind: int, prize: Floats) -> None:
        excursions = problem.standing.excursions
        self.problem, self.kind, self.foot = problem, kind, excursions.kinds[kind]
        crews = [c for c, k in zip(problem.crews, excursions.kind_of, strict=True) if k == kind]
        rules = self.foot.rules
        least, longest = rules.stop_seconds
        self.stops = sum(int(c.budget / (c.speed * least)) for c in crews)
        self.radius = int(float(rules.excursion or 0) * 1000)
        rests = (least, longest)
        self.limits = tuple(sorted({int((t - AT_CAR) * 1000) for t in rests if t > AT_CAR}))
        bins = np.unique(np.concatenate([problem.bins_of(crew) for crew in crews]))
        self.worth = np.where(self.foot.earns[:, None], prize, 0.0)  # by time bin
        self.prize = self.worth[:, bins].sum(axis=1)
        self.corners = self._corners(_nearest(problem, kind, least))
        self.around = self._around()
        self.within = np.zeros(len(self.prize), dtype=bool)
        self.within[self.around.indices] = True
        self.left = self.around @ self.prize
        self.columns = csc_array(self.around)
        self.known: dict[int, _Offer | None] = {}
        self.seen = np.zeros(len(self.prize), dtype=bool)

    def _corners(self, open_to: Bools) -> Ints:
        """Return where cars may park: corners at which a way begins that is only walked."""
        tail, head = self.problem.streets.ends
        on_foot = np.zeros(len(tail), dtype=bool)
        on_foot[self.foot.graph.segment] = True
        for group in self.problem.groups:
            if group.mode == "drive":
                on_foot[group.graph.segment] = False
        at = np.zeros(len(self.problem.streets.nodes), dtype=bool)
        at[tail[on_foot]] = at[head[on_foot]] = True
        corners = np.flatnonzero(at & open_to)
        if len(corners) <= MOST_PARKED or not self.prize.any():
            return corners if self.prize.any() else corners[:0]
        return np.sort(corners[np.argsort(-self._crowd(corners), kind="stable")[:MOST_PARKED]])

    def _crowd(self, corners: Ints) -> Floats:
        """Return the risk in the nine cells around each corner."""
        nodes = self.problem.streets.nodes.geometry
        xy = np.column_stack([nodes.x.to_numpy(), nodes.y.to_numpy()])
        cell = np.floor((xy - xy.min(axis=0)) / CELL).astype(np.int64) + 1
        wide = int(cell[:, 1].max()) + 2
        risk = np.zeros((int(cell[:, 0].max()) + 2) * wide)
        tail, head = self.problem.streets.ends
        place = cell[:, 0] * wide + cell[:, 1]
        for end in (tail, head):
            np.add.at(risk, place[end], self.prize / 2)
        steps = [i * wide + j for i in (-1, 0, 1) for j in (-1, 0, 1)]
        found: Floats = np.sum([risk[place[corners] + step] for step in steps], axis=0)
        return found

    def _around(self) -> csr_array:
        """Return which streets with a prize lie within reach of each corner, (corners, n)."""
        tail, head = self.problem.streets.ends
        rich = np.flatnonzero(self.prize > 0)
        mm = self.problem.streets.length_mm[rich]
        stops, ends = np.unique(np.concatenate([tail[rich], head[rich]]), return_inverse=True)
        a, b = np.split(ends, 2)
        rows, columns = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for first in range(0, len(self.corners) if len(rich) else 0, PART):
            part = self.corners[first : first + PART]
            far = distance_table(*arrays(self.foot.graph), part, stops, self.radius)
            far = np.where(far == UNREACHABLE, 10**9, far).astype(np.int64)
            i, j = np.nonzero(far[:, a] + far[:, b] + mm <= 2 * self.radius)
            rows.append(first + i)
            columns.append(rich[j])
        i, j = np.concatenate(rows), np.concatenate(columns)
        return csr_array(
            (np.ones(len(i)), (i, j)), shape=(len(self.corners), len(self.prize))
        )  # fmt: skip

    def best(self, taken: Bools) -> _Offer | None:
        """Return the best trip among the richest corners, without what is taken."""
        new = np.flatnonzero(taken & ~self.seen)
        self.seen[new] = True
        if len(new) and len(self.corners):
            self.left = self.left - self.columns[:, new] @ self.prize[new]
        for corner, offer in list(self.known.items()):
            if offer is not None and taken[offer[1]].any():
                del self.known[corner]
        least, offers = 1e-9 * self.left.max(initial=0.0), list[_Offer]()
        while not offers and (self.left > least).any():
            rich = np.argsort(-self.left, kind="stable")[:TRIED]
            for corner in rich[self.left[rich] > least].tolist():
                if corner not in self.known:
                    self.known[corner] = self._loop(int(self.corners[corner]), taken)
                offer = self.known[corner]
                if offer is None:
                    self.left[corner] = 0.0
                else:
                    offers.append(offer)
        return max(offers, key=lambda offer: offer[2], default=None)

    def _loop(self, node: int, taken: Bools) -> _Offer | None:
        """Return the loop round a corner that brings most a second of its stop."""
        streets, foot = self.problem.streets, self.foot
        ball = ball_around(foot.graph, streets.ends, node, self.radius)
        prize = np.where(taken, 0.0, self.prize)
        best: _Offer | None = None
        for loop in best_loops(ball, prize[ball.segment], foot.ms[ball.segment], self.limits):
            ms = foot.ms[loop.segment]
            seconds = np.ceil(foot.rules.seconds_of_stop(float(ms.sum()) / 1000))
            if seconds > foot.rules.stop_seconds[1]:
                continue
            earned = np.unique(loop.segment)
            earned = earned[prize[earned] > 0]
            rate = float(prize[earned].sum()) / seconds
            if best is None or rate > best[2]:
                trip = Excursion(
                    kind=self.kind, node=node, segment=loop.segment, forward=loop.forward, ms=ms,
                    stop=round(seconds * 1000), worth=self.worth[earned].sum(axis=0),
                )  # fmt: skip
                best = (trip, earned, rate)
        return best


def _for_excursions(problem: Problem) -> Floats:
    """Return what of each street's prize, by time bin, is left to those who get out of a car."""
    cars = [crew for crew in problem.crews if crew.shift.mode == "drive"]
    driven = np.logical_or.reduce([problem.groups[crew.group].earns for crew in cars])
    left: Floats = problem.prize * np.where(driven, 0.0, _left_by_walkers(problem))[:, None]
    return left


def _left_by_walkers(problem: Problem) -> Floats:
    """Return the share of each street's prize that crews on foot are likely to leave to others.

    Of the metres with risk within their reach, those for which they have no time.
    """
    streets = problem.streets
    reached, metres = np.zeros(len(problem.prize), dtype=bool), 0.0
    for crew in problem.crews:
        if crew.shift.mode == "walk":
            group = problem.groups[crew.group]
            reached |= group.earns & (crew_trip(streets, group, crew) <= crew.budget)
            metres += crew.budget
    risky = float(streets.length_mm[reached & (problem.prize > 0).any(axis=1)].sum())
    return np.where(reached, max(0.0, 1.0 - metres / max(risky, 1.0)), 1.0)


def _nearest(problem: Problem, kind: int, least: float) -> Bools:
    """Return the corners that some crew of a kind can drive to, stop at, and be back in time."""
    found = np.zeros(len(problem.streets.nodes), dtype=bool)
    for crew, mine in zip(problem.crews, problem.standing.excursions.kind_of, strict=True):
        if mine == kind:
            group = problem.groups[crew.group]
            way = group.out(crew.start) + group.back(crew.end)
            found |= way + least * crew.speed <= crew.budget
    return found
