"""The clock of one crew's walk: when it stands, waits, reports and goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap.patrol.problem import Crew, Ints, Problem

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
    arrive, depart : (n,) int64
    """

    source: Ints
    activity: Sequence[str]
    place: Sequence[str]
    node: Ints
    spot: Ints
    arrive: Ints
    depart: Ints


@dataclass(frozen=True, kw_only=True)
class _Stand:
    """Standing before the clock is known: ms, and when it may begin."""

    activity: str
    place: str
    node: int
    ms: int
    opens: int = -FAR
    spot: int = -1


def timeline(problem: Problem, row: int, segment: Ints, nodes: Ints, *, stand: bool) -> Timeline:
    """Put the clock to a joined walk; rows beyond the segments are where it stands.

    `nodes` has one entry more than `segment`: where each step begins, and the last one ends. With
    `stand` False the crew walks on without any standing.
    """
    crew = problem.crews[row]
    moving = segment < len(problem.prize)
    mm = np.where(moving, problem.streets.length_mm[np.where(moving, segment, 0)], 0)
    begin = round(crew.begin * 1000)
    # down, not to the nearest: a step that begins before a bin ends must not leave it
    walked = np.floor(np.concatenate([[0], np.cumsum(mm)]) * 1000 / crew.speed).astype(np.int64)
    if not stand or not (_has_standing(crew) or not moving.all()):
        n = len(segment)
        nothing = np.full(n, -1, dtype=np.int64)
        return Timeline(
            source=np.arange(n), activity=[crew.shift.mode] * n, place=[""] * n, node=nothing,
            spot=nothing, arrive=begin + walked[:-1], depart=begin + walked[1:],
        )  # fmt: skip
    return _Clock(problem, crew, begin).run(segment, nodes, moving, walked)


def _has_standing(crew: Crew) -> bool:
    rules = crew.rules
    return any(given is not None for given in (rules.briefing, rules.handover, rules.report_every))


class _Clock:
    """Goes through a walk step by step."""

    def __init__(self, problem: Problem, crew: Crew, begin: int) -> None:
        self.problem, self.crew, self.begin = problem, crew, begin
        self.now, self.stood, self.rows = begin, 0, []  # type: ignore[var-annotated]
        self.reports = 0
        rules = crew.rules
        self.every = round(rules.seconds_of("report_every") * 1000) if crew.reports_by_radio else 0
        self.report = round(rules.seconds_of("report_length") * 1000)

    def _stand_at(self, row: int) -> _Stand:
        """Return what a row beyond the segments is for this crew."""
        standing = self.problem.standing
        at = row - len(self.problem.prize)
        if at < len(standing.spot):
            ms = round(self.crew.rules.seconds_of("dwell") * 1000)
            return _Stand(activity="dwell", place="", node=int(standing.spot[at]), spot=at, ms=ms)
        duty, j = standing.place(at - len(standing.spot))
        name, node, _ = duty.places[j]
        return _Stand(
            activity=duty.activity if duty.stands else "",
            place=name,
            node=node,
            ms=round(duty.seconds * 1000),
            opens=-FAR if duty.opens == -np.inf else int(np.ceil(duty.opens * 1000)),
        )

    def run(self, segment: Ints, nodes: Ints, moving: Bools, walked: Ints) -> Timeline:
        rules, shift = self.crew.rules, self.crew.shift
        if rules.briefing is not None:
            self._stand(_Stand(activity="briefing", place=shift.depot.name, node=self.crew.start,
                               ms=round(rules.seconds_of("briefing") * 1000)))  # fmt: skip
        for i, row in enumerate(segment.tolist()):
            if moving[i]:
                self._report(int(nodes[i]), int(walked[i + 1] - walked[i]))
                now = self.begin + self.stood + int(walked[i])
                ends = self.begin + self.stood + int(walked[i + 1])
                self._add(i, shift.mode, "", -1, -1, now, ends)
                continue
            stand = self._stand_at(row)
            if stand.activity == "":
                continue  # a place that is only passed
            self._report_while_waiting(stand)
            self._report(stand.node, max(0, stand.opens - self.now) + stand.ms)
            wait = max(0, stand.opens - self.now)
            self._wait(stand, wait)
            self._stand(stand)
        self._report(int(nodes[-1]), 0, last=True)
        if rules.handover is not None:
            ms = round(rules.seconds_of("handover") * 1000)
            place = (shift.end_depot or shift.depot).name
            wait = self.begin + round(shift.seconds * 1000) - ms - self.now
            for activity, length in (("wait", wait), ("handover", ms)):
                if length > 0:
                    self._stand(_Stand(activity=activity, place=place, node=self.crew.end,
                                       ms=length))  # fmt: skip
        return self._done()

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
            self._stand(_Stand(activity="report", place="", node=node, ms=self.report))

    def _report_while_waiting(self, stand: _Stand) -> None:
        """Report at the full time, or just before the crew stops waiting if that is nearer."""
        last = stand.opens - self.report
        while self.every > 0 and self.now <= last and self.reports < self._most():
            due = self.begin + (self.reports + 1) * self.every
            at = min(max(due, self.now), last)
            if due - at > stand.opens + stand.ms - due:
                return
            self._wait(stand, at - self.now)
            self.reports += 1
            self._stand(_Stand(activity="report", place="", node=stand.node, ms=self.report))

    def _wait(self, stand: _Stand, ms: int) -> None:
        if ms > 0:
            self._stand(_Stand(activity="wait", place=stand.place, node=stand.node, ms=ms))

    def _most(self) -> int:
        rules = self.crew.rules
        return rules.reports_due(self.crew.shift.seconds - rules.seconds_of("handover"))

    def _stand(self, stand: _Stand) -> None:
        self._add(-1, stand.activity, stand.place, stand.node, stand.spot, self.now,
                  self.now + stand.ms)  # fmt: skip
        self.stood += stand.ms

    def _add(self, *row: object) -> None:
        self.rows.append(row)
        self.now = int(row[-1])  # type: ignore[call-overload]

    def _done(self) -> Timeline:
        columns = list(zip(*self.rows, strict=True)) if self.rows else [()] * 7

        def ints(i: int) -> Ints:
            return np.array(columns[i], dtype=np.int64)

        return Timeline(
            source=ints(0), activity=list(columns[1]), place=list(columns[2]), node=ints(3),
            spot=ints(4), arrive=ints(5), depart=ints(6),
        )  # fmt: skip
