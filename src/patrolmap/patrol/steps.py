"""From one crew's order of segments to its steps and what each takes: turns, slow streets, parks.

A crew's time is counted in millimetres at its speed, as its budget is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import path_arcs
from patrolmap.patrol.access import park_segments
from patrolmap.patrol.arcs import Order, entered_and_left, only, tails
from patrolmap.patrol.parks import shut_hours
from patrolmap.patrol.timeline import Clock, Stands
from patrolmap.patrol.turns import turn_seconds, turns_cost
from patrolmap.streets.network import Graph

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def row_ends(problem: Problem) -> tuple[Ints, Ints]:
    """Return the ends of segments, then those of the rows where crews stand."""
    standing = problem.standing
    places = [
        standing.duties[i].places[j][1] for _, i, j in standing.rows(0)
        if standing.duties[i].places[j][1] >= 0
    ]  # fmt: skip
    parked = [trip.node for trip in standing.excursions.trips]
    nodes = np.concatenate([standing.spot, parked, places]).astype(np.int64)
    tail, head = problem.streets.ends
    return np.append(tail, nodes), np.append(head, nodes)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What one crew walks; n steps.

    Attributes
    ----------
    segment, forward, wanted : (n,)
        Row, way, and whether the order asked for it; rows beyond the segments stand.
    node : (n,) int64
        Where each step ends.
    task : (n,) int64
        For which entry of the order a step is made; the last leg has the number of entries.
    mm : (n,) int64
        What each takes of the crew's budget, the turn before it counted; standing, what the crew
        would walk meanwhile, waits not counted.
    shut_out : tuple of int
        Entries of the order that cannot be done, as parks are closed then.
    """

    segment: Ints
    forward: Bools
    wanted: Bools
    node: Ints
    task: Ints
    mm: Ints
    shut_out: tuple[int, ...] = ()

    @property
    def used(self) -> int:
        """Millimetres of the budget."""
        return int(self.mm.sum())


@dataclass(frozen=True, kw_only=True)
class _Legs:
    """The ways to each entry of an order, the entry walked with them, and to the end depot.

    Leg i is the steps `starts[i]` to `starts[i + 1]`; `found` says whether there is such a way.
    """

    segment: Ints
    forward: Bools
    starts: Ints
    found: Bools

    def part(self, first: int, last: int) -> tuple[Ints, Bools]:
        """Return the segments and directions of some legs."""
        steps = slice(self.starts[first], self.starts[last])
        return self.segment[steps], self.forward[steps]


class _Ways:
    """Shortest ways in one graph; each is looked for once."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self._tail = graph, tails(graph)
        self._known: dict[tuple[int, int], tuple[Ints, int]] = {}

    def between(self, sources: Ints, targets: Ints) -> list[tuple[Ints, int]]:
        """Return the arcs of each way, and its millimetres, -1 where there is none."""
        pairs = list(zip(sources.tolist(), targets.tolist(), strict=True))
        new = sorted({pair for pair in pairs if pair not in self._known})
        if new:
            graph, ends = self.graph, np.array(new, dtype=np.int64)
            arcs, starts, far = path_arcs(
                graph.indptr, graph.head, self._tail, graph.length,
                np.ascontiguousarray(ends[:, 0]), np.ascontiguousarray(ends[:, 1]),
            )  # fmt: skip
            for i, pair in enumerate(new):
                self._known[pair] = (arcs[starts[i] : starts[i + 1]], int(far[i]))
        return [self._known[pair] for pair in pairs]


class Stepper:
    """Makes the steps of the crews of one problem; knows their streets by day and by night."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._street = problem.streets.segments["street_id"].to_numpy()
        self._ends = row_ends(problem)
        self._stands = cache(lambda row: Stands(problem, problem.crews[row]))
        self._hours = cache(lambda row: shut_hours(problem, problem.crews[row]))
        self._ways = cache(lambda group: _Ways(problem.groups[group].planned))
        self._closed = cache(self._without_parks)

    def steps(self, row: int, order: Order) -> Steps:
        """Return the steps of a crew that walks an order of segments."""
        crew = self.problem.crews[row]
        usual = self._legs(crew, order, self._ways(crew.group))
        hours = self._hours(row)
        if not hours or not self._in_park[usual.segment].any():
            return self._costed(row, usual)
        return self._by_the_clock(row, order, usual, hours)

    def stands(self, row: int) -> Stands:
        """Return what each row beyond the segments is for a crew."""
        return self._stands(row)

    @cached_property
    def park(self) -> Bools:
        """Which segments are ways of a park."""
        return park_segments(self.problem.streets.segments)

    @cached_property
    def _in_park(self) -> Bools:
        """Which rows are ways of a park, or excursions that take one."""
        out = np.zeros(len(self._ends[0]), dtype=np.bool_)
        first = len(self.park) + len(self.problem.standing.spot)
        out[: len(self.park)] = self.park
        for i, trip in enumerate(self.problem.standing.excursions.trips):
            out[first + i] = self.park[trip.segment].any()
        return out

    @cached_property
    def lines(self) -> npt.NDArray[np.object_]:
        """The geometries of the segments."""
        return np.asarray(self.problem.streets.segments.geometry.array)

    def _without_parks(self, group: int) -> _Ways:
        return _Ways(only(self.problem.groups[group].planned, ~self.park))

    def _legs(self, crew: Crew, order: Order, ways: _Ways) -> _Legs:
        """Return the shortest way to each entry and to the end."""
        wanted, along, enter, leave = entered_and_left(self._ends, order)
        found = ways.between(np.append(crew.start, leave), np.append(enter, crew.end))
        arcs = np.concatenate([arcs for arcs, _ in found])
        starts = np.cumsum([0, *(len(arcs) for arcs, _ in found)])
        at, n = starts[1:-1], len(order)
        return _Legs(
            segment=np.insert(ways.graph.segment[arcs], at, wanted),
            forward=np.insert(ways.graph.forward[arcs], at, along),
            starts=starts + np.append(np.arange(n + 1), n),
            found=np.array([mm >= 0 for _, mm in found], dtype=np.bool_),
        )

    def legs(self, crew: Crew, order: Order) -> Ints:
        """Return the millimetres of the way to each entry, and of that to the end."""
        _, _, enter, leave = entered_and_left(self._ends, order)
        return self._mm(crew, np.append(crew.start, leave), np.append(enter, crew.end))

    def legs_past(self, crew: Crew, order: Order) -> Ints:
        """Return, for each entry, the millimetres of the way past it; -1 = there is none."""
        _, _, enter, leave = entered_and_left(self._ends, order)
        return self._mm(crew, np.append(crew.start, leave[:-1]), np.append(enter[1:], crew.end))

    def _mm(self, crew: Crew, sources: Ints, targets: Ints) -> Ints:
        found = self._ways(crew.group).between(sources, targets)
        return np.array([mm for _, mm in found], dtype=np.int64)

    def _costed(self, row: int, legs: _Legs, shut_out: tuple[int, ...] = ()) -> Steps:
        if not legs.found.all():
            raise ValueError("no path between two nodes of a route")
        n = len(legs.starts) - 1
        wanted = np.zeros(len(legs.segment), dtype=np.bool_)
        wanted[legs.starts[1:n] - 1] = True  # the last of each leg but the one to the end
        return Steps(
            segment=legs.segment,
            forward=legs.forward,
            wanted=wanted,
            node=self._reached(legs.segment, legs.forward),
            task=np.repeat(np.arange(n), np.diff(legs.starts)),
            mm=self.cost(row, legs.segment, legs.forward),
            shut_out=shut_out,
        )

    def _reached(self, segment: Ints, forward: Bools) -> Ints:
        tail, head = self._ends
        return np.where(forward, head[segment], tail[segment])

    def cost(self, row: int, segment: Ints, forward: Bools) -> Ints:
        """Return the millimetres of its budget that each step takes, turns counted.

        A turn lies between two steps on the move, also where the crew stands between them.
        """
        crew = self.problem.crews[row]
        known = self.problem.groups[crew.group].mm
        moving = segment < len(known)
        if moving.all():
            return self._walked(crew, known, segment, forward)
        mm = np.zeros(len(segment), dtype=np.int64)
        mm[moving] = self._walked(crew, known, segment[moving], forward[moving])
        stands = self._stands(row)
        mm[~moving] = [stands[s].mm(crew.speed) for s in segment[~moving].tolist()]
        return mm

    def _walked(self, crew: Crew, mm: Ints, segment: Ints, forward: Bools) -> Ints:
        mm = mm[segment]
        if not turns_cost(crew.rules):
            return mm
        seconds = turn_seconds(crew.rules, self._street[segment], segment, forward)
        return mm + np.ceil(seconds * crew.speed).astype(np.int64)

    def _by_the_clock(
        self, row: int, order: Order, usual: _Legs, hours: list[tuple[int, int]]
    ) -> Steps:
        """Take each leg round the parks that are closed when it would be walked through them.

        What cannot be done so is walked all the same, and `shut_out` tells which entries to drop.
        """
        crew, n = self.problem.crews[row], len(order) + 1
        around = self._legs(crew, order, self._closed(crew.group))
        parts: list[tuple[Ints, Bools]] = []
        starts = [0]
        shut_out: list[int] = []
        before: tuple[Ints, Bools] = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))
        clock = Clock(self.problem, crew, self._stands(row))
        first, ahead = 0, 8
        while first < n:
            last = min(first + ahead, n)
            leg = usual.part(first, last)
            then, step = self._tried(row, clock, before, leg, hours)
            if step >= 0 and last > first + 1:  # take what comes before that leg, or it alone
                at = np.searchsorted(usual.starts, usual.starts[first] + step, side="right") - 1
                ahead = max(1, int(at) - first)
                continue
            alone = step >= 0
            if alone and around.found[first]:
                leg = around.part(first, last)
                then, step = self._tried(row, clock, before, leg, hours)
            if step >= 0:
                own = first < len(order) and bool(self._in_park[order[first][0]])
                shut_out.append(first if own or first == 0 else first - 1)
            begin = starts[-1] - usual.starts[first]
            ends = (
                [starts[-1] + len(leg[0])] if alone else usual.starts[first + 1 : last + 1] + begin
            )
            starts.extend(ends)
            parts.append(leg)
            clock.join(then)
            moved = np.flatnonzero(leg[0] < len(self.park))[-1:]
            if len(moved):
                before = (leg[0][moved], leg[1][moved])
            first, ahead = last, min(2 * ahead, n)
        taken = _Legs(
            segment=np.concatenate([segment for segment, _ in parts]),
            forward=np.concatenate([forward for _, forward in parts]),
            starts=np.array(starts, dtype=np.int64),
            found=usual.found,
        )
        return self._costed(row, taken, tuple(shut_out))

    def _cost_after(self, row: int, before: tuple[Ints, Bools], leg: tuple[Ints, Bools]) -> Ints:
        """Return what steps take, the turn from the step before them counted."""
        segment, forward = (np.append(a, b) for a, b in zip(before, leg, strict=True))
        return self.cost(row, segment, forward)[len(before[0]) :]

    def _tried(
        self, row: int, clock: Clock, before: tuple[Ints, Bools], leg: tuple[Ints, Bools],
        hours: list[tuple[int, int]],
    ) -> tuple[Clock, int]:  # fmt: skip
        """Return the clock after some steps, and the first of them in a closed park, -1 = none."""
        then = clock.fork()
        then.advance(leg[0], self._reached(*leg), self._cost_after(row, before, leg))
        walked = {source: (arrive, depart) for source, *_, arrive, depart in then.rows}
        for step in np.flatnonzero(self._in_park[leg[0]]).tolist():
            segment, source = int(leg[0][step]), clock.count + step
            on_trip = segment >= len(self.park)
            times = self._in_parks(segment, then.begun[step]) if on_trip else [walked[source]]
            if any(arrive < b and depart > a for arrive, depart in times for a, b in hours):
                return then, step
        return then, -1

    def _in_parks(self, row: int, begins: int) -> list[tuple[int, int]]:
        """Return from when to when an excursion that begins then is in a park."""
        standing = self.problem.standing
        trip = standing.excursions.trips[row - len(self.park) - len(standing.spot)]
        inside, ends = self.park[trip.segment], begins + np.cumsum(trip.ms)
        return list(zip((ends - trip.ms)[inside].tolist(), ends[inside].tolist(), strict=True))
