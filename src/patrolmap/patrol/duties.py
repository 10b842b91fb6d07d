"""Duties and stays as the search knows them: tasks from a corner to itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap._kernels import orienteering as kernel

if TYPE_CHECKING:
    from patrolmap.patrol.layout import Ground
    from patrolmap.patrol.problem import Crew, Problem
    from patrolmap.patrol.standing import Duty

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Duties:
    """Places of duties, duty by duty: the tasks that the search adds for them.

    Attributes
    ----------
    row, duty : (p,) int64
        Row of a segment or standing task, and which duty the place is one of.
    crews : (d, 2) int64
        Crews of each duty, from and before.
    opens, closes : (d,) float64
        Seconds on the plan's clock when it may begin.
    """

    row: Ints
    duty: Ints
    crews: Ints
    opens: Floats
    closes: Floats


NO_DUTIES = Duties(
    row=np.zeros(0, dtype=np.int64),
    duty=np.zeros(0, dtype=np.int64),
    crews=np.zeros((0, 2), dtype=np.int64),
    opens=np.zeros(0),
    closes=np.zeros(0),
)


def extend(ground: Ground, problem: Problem) -> Ground:
    """Add to streets and crews where crews stand, and when they leave their depots.

    Reports by radio are spread evenly over the shift: a crew is a little slower by the clock.
    """
    crews, standing = problem.crews, problem.standing
    seconds = np.array([_seconds(crew) for crew in crews])
    budget = np.array([crew.budget - _spare(problem, i) for i, crew in enumerate(crews)])
    radio = np.array([crew.reports_by_radio for crew in crews])
    ground = replace(
        ground,
        begin=np.array([crew.leaves for crew in crews]),
        speed=np.where(radio, budget / seconds, ground.speed),
        budget=np.maximum(budget, 0).astype(np.int64),
    )
    places = list(standing.rows(len(problem.prize)))
    if standing.n_earning == 0 and not places:
        return ground
    return _with_rows(_with_stays(ground, problem), problem, places)


def _seconds(crew: Crew) -> float:
    return float(
        crew.shift.seconds - crew.rules.seconds_of("briefing") - crew.rules.seconds_of("handover")
    )


def _spare(problem: Problem, row: int) -> int:
    """Return millimetres kept back: a report by radio may fall to after a wait, not before it."""
    crew = problem.crews[row]
    waits = any(d.crews == (row, row + 1) for d in problem.standing.duties)
    if not (waits and crew.reports_by_radio):
        return 0
    return int(crew.rules.seconds_of("report_length") * crew.speed)


def _with_stays(ground: Ground, problem: Problem) -> Ground:
    """Add the spots, each with the stay of those crews that come to it most easily, and the trips.

    An excursion is only made by the crews of its kind.
    """
    crews, spot, n_earning = problem.crews, problem.standing.spot, problem.standing.n_earning
    excursions = problem.standing.excursions
    trips = excursions.trips
    stay = np.array([round(c.rules.seconds_of("dwell") * c.speed) for c in crews], dtype=np.int64)
    n = len(problem.prize)
    known = zip(crews, problem.round_trips, strict=True)
    ways = np.array([trip[n:] / max(crew.budget, 1) for crew, trip in known])
    ways = ways.reshape(len(crews), n_earning)[:, : len(spot)]
    nearest = ways.argmin(axis=0) if len(spot) else np.zeros(0, dtype=np.int64)
    length = np.maximum(stay[nearest], 1)
    on_foot = np.array(excursions.kind_of or (-1,) * len(crews), dtype=np.int64)
    kinds, group = np.unique(
        np.column_stack([ground.group, stay, on_foot]), axis=0, return_inverse=True
    )
    of_kind = np.array([trip.kind for trip in trips], dtype=np.int64)
    stops = [trip.mm(crews[int(np.flatnonzero(on_foot == trip.kind)[0])].speed) for trip in trips]
    parked = np.array([trip.node for trip in trips], dtype=np.int64)
    opens, closes = _trip_hours(ground, problem)
    hours = ground.open_hours
    anytime = np.full(len(spot), np.inf)
    after = [crew.rules.seconds_of("dwell_after") for crew in crews if crew.rules.dwell is not None]
    return replace(
        ground,
        graph_of_group=ground.graph_of_group[kinds[:, 0]],
        earns=tuple(
            np.concatenate([ground.earns[g], length == mm, (of_kind == kind) & (kind >= 0)])
            for g, mm, kind in kinds.tolist()
        ),
        group=group.ravel().astype(np.int64),
        tail=np.concatenate([ground.tail, spot, parked]),
        head=np.concatenate([ground.head, spot, parked]),
        length=np.concatenate([ground.length, length, np.array(stops, dtype=np.int64)]),
        again=max(after, default=0.0),  # never too little: what is planned earns
        n_streets=n,
        open_hours=None if hours is None else (
            np.concatenate([hours[0], -anytime, opens]),
            np.concatenate([hours[1], anytime, closes]),
        ),
    )  # fmt: skip


def _trip_hours(ground: Ground, problem: Problem) -> tuple[Floats, Floats]:
    """Return from and up to when a search begins each excursion: while all its ways are open."""
    trips = problem.standing.excursions.trips
    opens, closes = np.full(len(trips), -np.inf), np.full(len(trips), np.inf)
    if ground.open_hours is not None:
        for i, trip in enumerate(trips):
            opens[i] = ground.open_hours[0][trip.segment].max()
            last = ground.open_hours[1][trip.segment].min() - trip.stop / 1000
            closes[i] = max(last, opens[i])
    return opens, closes


def _with_rows(ground: Ground, problem: Problem, places: list[tuple[int, int, int]]) -> Ground:
    """Add the places of the duties."""
    duties = problem.standing.duties
    if not places:
        return ground
    nodes, lengths = [], []
    for _, i, j in places:
        duty = duties[i]
        if duty.places[j][1] >= 0:
            nodes.append(duty.places[j][1])
            lengths.append(round(duty.seconds * problem.crews[duty.crews[0]].speed))
    more = np.ones(len(nodes), dtype=bool)
    return replace(
        ground,
        earns=tuple(np.append(earns, more) for earns in ground.earns),
        tail=np.append(ground.tail, nodes).astype(np.int64),
        head=np.append(ground.head, nodes).astype(np.int64),
        length=np.append(ground.length, lengths).astype(np.int64),
        duties=Duties(
            row=np.array([row for row, _, _ in places], dtype=np.int64),
            duty=np.array([i for _, i, _ in places], dtype=np.int64),
            crews=np.array([duty.crews for duty in duties], dtype=np.int64).reshape(-1, 2),
            # by half a millimetre: whole ones on the edge are in time
            opens=np.array([_opens(ground, duty) - 0.5 / _pace(problem, duty) for duty in duties]),
            closes=np.array(
                [_closes(ground, duty) + 0.5 / _pace(problem, duty) for duty in duties]
            ),
        ),
    )


def _opens(ground: Ground, duty: Duty) -> float:
    """Return from when a duty may begin: a way of a park, when parks open."""
    segment = duty.places[0][2]
    if ground.open_hours is None or segment < 0:
        return duty.opens
    return max(duty.opens, float(ground.open_hours[0][segment]))


def _closes(ground: Ground, duty: Duty) -> float:
    segment = duty.places[0][2]
    if ground.open_hours is None or segment < 0:
        return duty.closes
    return min(duty.closes, float(ground.open_hours[1][segment]))


def _pace(problem: Problem, duty: Duty) -> float:
    return problem.crews[duty.crews[0]].speed


def with_duties(
    tasks: kernel.Tasks, duties: Duties, ends: tuple[Ints, Ints], length: Ints, sides: Bools,
    prize: float,
) -> kernel.Tasks:  # fmt: skip
    """Append duties to the tasks, each worth more than all that could be had without it."""
    n, u, d = len(duties.row), len(tasks.prize), len(duties.opens)
    sides = np.ones_like(sides) if len(sides) == 0 else sides
    near = np.full((n, tasks.near.shape[1]), -1, dtype=np.int64)
    homes = np.zeros((n, max(2, tasks.homes.shape[1])), dtype=np.int64)
    homes[:, :2] = duties.crews[duties.duty]
    wide = homes.shape[1] - tasks.homes.shape[1]
    copies = np.cumsum(np.bincount(duties.duty, minlength=d))
    return tasks._replace(
        first=np.append(tasks.first, ends[0]),
        last=np.append(tasks.last, ends[1]),
        length=np.append(tasks.length, length),
        unit=np.append(tasks.unit, u + duties.duty),
        prize=np.append(tasks.prize, np.full(d, round(prize), dtype=np.int64)),
        opens=np.append(tasks.opens, duties.opens),
        closes=np.append(tasks.closes, duties.closes),
        copies=np.append(tasks.copies, tasks.copies[-1] + copies).astype(np.int64),
        sides=np.ascontiguousarray(np.concatenate([tasks.sides, sides], axis=1)),
        near=np.ascontiguousarray(np.concatenate([tasks.near, near])),
        homes=np.ascontiguousarray(
            np.concatenate([np.pad(tasks.homes, ((0, 0), (0, wide)), mode="edge"), homes])
        ),
        strict=(1,),
        duties=n,
        owed=float(d * round(prize)),
    )
