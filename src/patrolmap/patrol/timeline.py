"""The clock of one crew's walk: when it stands, waits, reports and goes on."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from patrolmap.patrol.on_foot import Excursion
    from patrolmap.patrol.problem import Crew, Problem
    from patrolmap.patrol.steps import Steps

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FAR = 10**15  # ms, before any clock


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The steps of one crew in order; times are milliseconds on the plan's clock.

    Attributes
    ----------
    source : (n,) int64
        Row of the joined walk that a step comes from, -1 where it is standing.
    activity, place : sequences of str
        What the tables call it, and where; empty while moving.
    node : (n,) int64
        Where the crew stands, -1 while moving.
    spot : (n,) int64
        At which spot it stays, -1 else.
    foot, along : (n,)
        The segment that a crew by car walks on an excursion, -1 else, and which way.
    arrive, depart : (n,) int64
    begun : (m,) int64
        When each step of the joined walk begins, also those where the crew stands.
    """

    source: Ints
    activity: Sequence[str]
    place: Sequence[str]
    node: Ints
    spot: Ints
    foot: Ints
    along: Bools
    arrive: Ints
    depart: Ints
    begun: Ints


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Standing before the clock is known: ms, and when it may begin and should have at the latest.

    `duty` is the row of the duty that it does, -1 where it is none; `trip` is what its crew walks
    meanwhile, before it waits at its car for the rest of the time.
    """

    activity: str
    place: str
    node: int
    ms: int
    opens: int = -FAR
    closes: int = FAR
    spot: int = -1
    duty: int = -1
    trip: Excursion | None = None

    def mm(self, speed: float) -> int:
        """Return the millimetres that a crew would move meanwhile, at so many a second."""
        return round(self.ms * speed / 1000) if self.trip is None else self.trip.mm(speed)


class Stands:
    """What each row beyond the segments is for one crew; made when it is asked for."""

    def __init__(self, problem: Problem, crew: Crew) -> None:
        self._problem, self._crew = problem, crew
        self._known: dict[int, Stand] = {}

    def get(self, row: int) -> Stand | None:
        """Return where the crew stands in a row, None where it walks a segment."""
        return None if row < len(self._problem.prize) else self[row]

    def __getitem__(self, row: int) -> Stand:
        if row not in self._known:
            self._known[row] = self._made(row - len(self._problem.prize))
        return self._known[row]

    def _made(self, at: int) -> Stand:
        standing, rules = self._problem.standing, self._crew.rules
        if at < len(standing.spot):
            ms = round(rules.seconds_of("dwell") * 1000)
            return Stand(activity="dwell", place="", node=int(standing.spot[at]), spot=at, ms=ms)
        if at < standing.n_earning:
            trip = standing.excursions.trips[at - len(standing.spot)]
            return Stand(activity="wait", place="", node=trip.node, ms=trip.stop, trip=trip)
        i, j = standing.place(at - standing.n_earning)
        duty = standing.duties[i]
        name, node, _ = duty.places[j]
        radio = rules.seconds_of("report_length") if self._crew.reports_by_radio else 0.0
        return Stand(
            activity=duty.activity if duty.stands else "",
            place=name,
            node=node,
            duty=i,
            ms=round(duty.seconds * 1000),
            opens=-FAR if duty.opens == -np.inf else int(np.ceil(duty.opens * 1000)),
            closes=FAR if duty.closes == np.inf else int(np.floor((duty.closes + radio) * 1000)),
        )


def timeline(problem: Problem, row: int, steps: Steps, *, stand: bool = True) -> Timeline:
    """Put the clock to a crew's steps; rows beyond the segments are where it stands.

    With `stand` False the crew walks on without any standing.
    """
    crew = problem.crews[row]
    moving = steps.segment < len(problem.prize)
    if not stand or not (_has_standing(crew) or not moving.all()):
        begin = round(crew.begin * 1000)
        mm = np.where(moving, steps.mm, 0)
        # down, not to the nearest: a step that begins before a bin ends must not leave it
        walked = np.floor(np.concatenate([[0], np.cumsum(mm)]) * 1000 / crew.speed).astype(np.int64)
        n = len(steps.segment)
        nothing = np.full(n, -1, dtype=np.int64)
        return Timeline(
            source=np.arange(n), activity=[crew.shift.mode] * n, place=[""] * n, node=nothing,
            spot=nothing, foot=nothing, along=nothing == 0,
            arrive=begin + walked[:-1], depart=begin + walked[1:],
            begun=begin + walked[:-1],
        )  # fmt: skip
    clock = Clock(problem, crew)
    clock.advance(steps.segment, steps.node, steps.mm)
    return clock.done()


def _has_standing(crew: Crew) -> bool:
    rules = crew.rules
    return any(given is not None for given in (rules.briefing, rules.handover, rules.report_every))


class Clock:
    """Goes through a walk step by step."""

    def __init__(
        self, problem: Problem, crew: Crew, stands: Stands | None = None
    ) -> None:  # fmt: skip
        self.crew, self.begin = crew, round(crew.begin * 1000)
        self.now, self.stood, self.used, self.count = self.begin, 0, 0, 0
        self.node, self.reports = crew.start, 0
        self.rows: list[tuple[Any, ...]] = []
        self.begun: list[int] = []
        rules, shift = crew.rules, crew.shift
        self.every = round(rules.seconds_of("report_every") * 1000) if crew.reports_by_radio else 0
        self.report = round(rules.seconds_of("report_length") * 1000)
        self.stands = stands or Stands(problem, crew)
        if rules.briefing is not None:
            self._stand(Stand(activity="briefing", place=shift.depot.name, node=crew.start,
                              ms=round(rules.seconds_of("briefing") * 1000)))  # fmt: skip

    def fork(self) -> Self:
        """Return a clock that goes on from here, with no rows before it."""
        other = copy.copy(self)
        other.rows, other.begun = [], []
        return other

    def join(self, other: Self) -> None:
        """Go on where a fork of this clock has come to."""
        rows, begun = [*self.rows, *other.rows], [*self.begun, *other.begun]
        self.__dict__.update(other.__dict__)
        self.rows, self.begun = rows, begun

    def advance(self, segment: Ints, node: Ints, mm: Ints) -> None:
        """Make more steps; `node` is where each of them ends, `mm` what it takes while moving."""
        for row, to, more in zip(segment.tolist(), node.tolist(), mm.tolist(), strict=True):
            stand, i = self.stands.get(row), self.count
            self.count += 1
            if stand is None:
                ends = int((self.used + more) * 1000 / self.crew.speed)
                walked = int(self.used * 1000 / self.crew.speed)
                self._report(self.node, ends - walked)
                self.used += more
                now = self.begin + self.stood + walked
                self.begun.append(now)
                self._add(i, self.crew.shift.mode, "", -1, -1, -1, False, now,
                          self.begin + self.stood + ends)  # fmt: skip
            elif stand.activity == "":  # a place that is only passed
                self.begun.append(self.now)
            else:
                self._report_while_waiting(stand)
                self._report(stand.node, max(0, stand.opens - self.now) + stand.ms)
                self._wait(stand, max(0, stand.opens - self.now))
                self.begun.append(self.now)
                self._stand(stand)
            self.node = to

    def _report(self, node: int, ahead: int, *, last: bool = False) -> None:
        """Report here, if this corner is nearest the moment; the next one is `ahead` ms away."""
        while self.every > 0:
            due = self.begin + (self.reports + 1) * self.every
            if last and self.now <= due:
                return
            if not last and due - self.now > self.now + ahead - due:
                return
            if self.reports + 1 > self._most():
                return
            self.reports += 1
            self._stand(Stand(activity="report", place="", node=node, ms=self.report))

    def _report_while_waiting(self, stand: Stand) -> None:
        """Report at the full time, or just before the crew stops waiting if that is nearer."""
        last = stand.opens - self.report
        while self.every > 0 and self.now <= last and self.reports < self._most():
            due = self.begin + (self.reports + 1) * self.every
            at = min(max(due, self.now), last)
            if due - at > stand.opens + stand.ms - due:
                return
            self._wait(stand, at - self.now)
            self.reports += 1
            self._stand(Stand(activity="report", place="", node=stand.node, ms=self.report))

    def _wait(self, stand: Stand, ms: int) -> None:
        if ms > 0:
            self._stand(Stand(activity="wait", place=stand.place, node=stand.node, ms=ms))

    def _most(self) -> int:
        rules = self.crew.rules
        return rules.reports_due(self.crew.shift.seconds - rules.seconds_of("handover"))

    def _stand(self, stand: Stand) -> None:
        ends, trip = self.now + stand.ms, stand.trip
        if trip is not None:
            for row, ahead, ms in zip(
                trip.segment.tolist(), trip.forward.tolist(), trip.ms.tolist(), strict=True
            ):
                self._add(-1, "walk", "", -1, -1, row, ahead, self.now, self.now + ms)
        self._add(-1, stand.activity, stand.place, stand.node, stand.spot, -1, False, self.now,
                  ends)  # fmt: skip
        self.stood += stand.ms

    def _add(self, *row: Any) -> None:
        self.rows.append(row)
        self.now = int(row[-1])

    def done(self) -> Timeline:
        """Be back: report, wait and hand over; return all rows."""
        rules, shift = self.crew.rules, self.crew.shift
        self._report(self.node, 0, last=True)
        if rules.handover is not None:
            ms = round(rules.seconds_of("handover") * 1000)
            place = (shift.end_depot or shift.depot).name
            wait = self.begin + round(shift.seconds * 1000) - ms - self.now
            for activity, length in (("wait", wait), ("handover", ms)):
                if length > 0:
                    self._stand(Stand(activity=activity, place=place, node=self.crew.end,
                                      ms=length))  # fmt: skip
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * 9

        def ints(i: int) -> Ints:
            return np.array(columns[i], dtype=np.int64)

        return Timeline(
            source=ints(0), activity=list(columns[1]), place=list(columns[2]), node=ints(3),
            spot=ints(4), foot=ints(5), along=np.array(columns[6], dtype=np.bool_),
            arrive=ints(7), depart=ints(8),
            begun=np.array(self.begun, dtype=np.int64),
        )  # fmt: skip
