"""From one crew's order of segments to its steps and what each takes: turns, slow streets, parks.

A crew's time is counted in millimetres at its speed, as its budget is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import path_arcs
from patrolmap.patrol.access import park_segments
from patrolmap.patrol.arcs import tails
from patrolmap.patrol.parks import shut_hours
from patrolmap.patrol.timeline import Clock, Stands
from patrolmap.patrol.turns import turn_seconds, turns_cost
from patrolmap.streets.network import Graph

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Order = Sequence[tuple[int, bool]]  # rows in order, True = along the geometry


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


class Stepper:
    """Makes the steps of the crews of one problem; knows their streets by day and by night."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._street = problem.streets.segments["street_id"].to_numpy()
        self._ends = row_ends(problem)
        self._stands = cache(lambda row: Stands(problem, problem.crews[row]))
        self._ways = cache(self._tailed)
        self._closed = cache(self._without_parks)
        self._park: Bools | None = None

    def steps(self, row: int, order: Order) -> Steps:
        """Return the steps of a crew that walks an order of segments."""
        crew = self.problem.crews[row]
        hours = shut_hours(self.problem, crew)
        if not hours:
            return self._costed(row, *self._legs(crew, order, self._ways(crew.group)))
        return self._by_the_clock(row, order, hours)

    def stands(self, row: int) -> Stands:
        """Return what each row beyond the segments is for a crew."""
        return self._stands(row)

    @property
    def park(self) -> Bools:
        """Which segments are ways of a park."""
        if self._park is None:
            self._park = park_segments(self.problem.streets.segments)
        return self._park

    def _tailed(self, group: int) -> tuple[Graph, Ints]:
        graph = self.problem.groups[group].planned
        return graph, tails(graph)

    def _without_parks(self, group: int) -> tuple[Graph, Ints]:
        graph, tail = self._ways(group)
        keep = ~self.park[graph.segment]
        indptr = np.zeros_like(graph.indptr)
        np.cumsum(np.bincount(tail[keep], minlength=graph.n_nodes), out=indptr[1:])
        left = Graph(
            indptr=indptr,
            head=graph.head[keep],
            segment=graph.segment[keep],
            forward=graph.forward[keep],
            length=graph.length[keep],
        )
        return left, tails(left)

    def _legs(
        self, crew: Crew, order: Order, ways: tuple[Graph, Ints]
    ) -> tuple[list[Ints], list[Bools], list[bool]]:
        """Return the shortest way to each entry and to the end: segments, directions, found."""
        graph, tail_of_arc = ways
        tail, head = self._ends
        wanted = np.array([row for row, _ in order], dtype=np.int64)
        along = np.array([forward for _, forward in order], dtype=np.bool_)
        enter = np.where(along, tail[wanted], head[wanted])
        leave = np.where(along, head[wanted], tail[wanted])
        arcs, starts, far = path_arcs(
            graph.indptr, graph.head, tail_of_arc, graph.length,
            np.concatenate([[crew.start], leave]).astype(np.int64),
            np.concatenate([enter, [crew.end]]).astype(np.int64),
        )  # fmt: skip
        segment = np.split(graph.segment[arcs], starts[1:-1])
        forward = np.split(graph.forward[arcs], starts[1:-1])
        for i, (row, ahead) in enumerate(order):
            segment[i] = np.append(segment[i], row)
            forward[i] = np.append(forward[i], ahead)
        return segment, forward, (far >= 0).tolist()

    def legs_past(self, crew: Crew, order: Order) -> Ints:
        """Return, for each entry, the millimetres of the way past it; -1 = there is none."""
        graph, tail_of_arc = self._ways(crew.group)
        tail, head = self._ends
        rows = np.array([row for row, _ in order], dtype=np.int64)
        along = np.array([forward for _, forward in order], dtype=np.bool_)
        enter = np.where(along, tail[rows], head[rows])
        leave = np.where(along, head[rows], tail[rows])
        sources = np.concatenate([[crew.start], leave[:-1]]).astype(np.int64)
        targets = np.concatenate([enter[1:], [crew.end]]).astype(np.int64)
        found: Ints = path_arcs(
            graph.indptr, graph.head, tail_of_arc, graph.length, sources, targets
        )[2]
        return found

    def _costed(
        self,
        row: int,
        segments: list[Ints],
        forwards: list[Bools],
        found: list[bool],
        shut_out: tuple[int, ...] = (),
    ) -> Steps:
        if not all(found):
            raise ValueError("no path between two nodes of a route")
        segment, forward = np.concatenate(segments), np.concatenate(forwards)
        task = np.repeat(np.arange(len(segments)), [len(s) for s in segments])
        wanted = np.append(task[1:] != task[:-1], False)[: len(task)] if len(task) else task > 0
        if len(task):
            wanted[-1] = task[-1] < len(segments) - 1
        return Steps(
            segment=segment,
            forward=forward,
            wanted=wanted.astype(np.bool_),
            node=self._reached(segment, forward),
            task=task,
            mm=self.cost(row, segment, forward),
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

    def _by_the_clock(self, row: int, order: Order, hours: list[tuple[int, int]]) -> Steps:
        """Take each leg round the parks that are closed when it would be walked through them.

        What cannot be done so is walked all the same, and `shut_out` tells which entries to drop.
        """
        crew = self.problem.crews[row]
        usual = self._legs(crew, order, self._ways(crew.group))
        around = self._legs(crew, order, self._closed(crew.group))
        segments: list[Ints] = []
        forwards: list[Bools] = []
        shut_out: list[int] = []
        before: tuple[Ints, Bools] = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))
        clock = Clock(self.problem, crew, self._stands(row))
        for i in range(len(order) + 1):
            for way in (usual, around) if around[2][i] else (usual,):
                leg = (way[0][i], way[1][i])
                mm = self._cost_after(row, before, leg)
                then = clock.fork()
                then.advance(leg[0], self._reached(*leg), mm)
                trespass = self._trespass(leg[0], then, clock.count, hours)
                if not trespass:
                    break
            if trespass:
                own = i < len(order) and self._in_park(order[i][0])
                shut_out.append(i if own or i == 0 else i - 1)
            segments.append(leg[0])
            forwards.append(leg[1])
            clock.join(then)
            moved = np.flatnonzero(leg[0] < len(self.park))[-1:]
            if len(moved):
                before = (leg[0][moved], leg[1][moved])
        return self._costed(row, segments, forwards, usual[2], tuple(shut_out))

    def _in_park(self, row: int) -> bool:
        at = row - len(self.park) - len(self.problem.standing.spot)
        trips = self.problem.standing.excursions.trips
        if 0 <= at < len(trips):
            return bool(self.park[trips[at].segment].any())
        return row < len(self.park) and bool(self.park[row])

    def _cost_after(self, row: int, before: tuple[Ints, Bools], leg: tuple[Ints, Bools]) -> Ints:
        """Return what steps take, the turn from the step before them counted."""
        segment, forward = (np.append(a, b) for a, b in zip(before, leg, strict=True))
        return self.cost(row, segment, forward)[len(before[0]) :]

    def _trespass(
        self, segment: Ints, then: Clock, first: int, hours: list[tuple[int, int]]
    ) -> bool:
        """Return whether any of the steps just made is in a park while parks are closed."""
        return any(
            arrive < b and depart > a
            for source, *_, foot, _, arrive, depart in then.rows
            if (source >= 0 and self._in_park(int(segment[source - first])))
            or (foot >= 0 and self._in_park(foot))
            for a, b in hours
        )
