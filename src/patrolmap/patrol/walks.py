"""From an order of segments to the walk really made: every step, its clock, what it collects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap.patrol.arcs import Order
from patrolmap.patrol.problem import Bools, Floats, Ints, Problem
from patrolmap.patrol.steps import Stepper, row_ends
from patrolmap.patrol.timeline import timeline


@dataclass(frozen=True, kw_only=True)
class Walks:
    """One row a step of every crew, crews after each other, steps in order.

    Attributes
    ----------
    crew, segment, from_node, to_node : (n,) int64
        Row numbers.
    forward : (n,) bool
    arrive, depart : (n,) int64
        Milliseconds on the plan's clock, as the tables keep them.
    pass_number : (n,) int64
        Which pass of the segment in its time bin, by any crew, in clock order.
    prize : (n,) float64
        What the pass collects.
    wanted : (n,) bool
        True where the search sent the crew here, False where it only passes by.
    activity, place : (n,) str
        As in the visits table; the place is empty while moving. A step that stands has segment -1,
        and one node.
    spot : (n,) int64
        Where a stay earns (row of the problem's spots), -1 elsewhere.
    """

    crew: Ints
    segment: Ints
    forward: Bools
    from_node: Ints
    to_node: Ints
    arrive: Ints
    depart: Ints
    pass_number: Ints
    prize: Floats
    wanted: Bools
    activity: npt.NDArray[np.object_]
    place: npt.NDArray[np.object_]
    spot: Ints

    @property
    def moving(self) -> Bools:
        """Where a step walks a segment."""
        return self.segment >= 0

    def millimetres(self, problem: Problem) -> Ints:
        """Return the length of each step, 0 while standing."""
        length: Ints = np.where(self.moving, problem.streets.length_mm[self.segment], 0)
        return length

    @property
    def total(self) -> float:
        """Prize of all passes."""
        return float(self.prize.sum())


def walk_routes(problem: Problem, orders: Sequence[Order], *, stand: bool = True) -> Walks:
    """Join each crew's segments by shortest paths and score the passes that really happen.

    `stand` False leaves out all standing: a line that was drawn says nothing of it.
    """
    stepper = Stepper(problem)
    tail, head = row_ends(problem)
    steps = [stepper.steps(row, order) for row, order in enumerate(orders)]
    lines = [timeline(problem, i, walked, stand=stand) for i, walked in enumerate(steps)]
    crew = np.repeat(np.arange(len(lines)), [len(line.source) for line in lines])

    def column(name: str, standing: int) -> Ints:
        """Return a column of the joined walks, and another value where the crew stands."""
        columns = [
            np.where(line.source >= 0, np.append(getattr(walked, name), 0)[line.source], standing)
            for line, walked in zip(lines, steps, strict=True)
        ]
        return np.concatenate(columns).astype(np.int64)

    foot = np.concatenate([line.foot for line in lines])
    along = np.concatenate([line.along for line in lines])
    segment = np.where(foot >= 0, foot, column("segment", -1))
    forward = np.where(foot >= 0, along, column("forward", 1).astype(np.bool_))
    node = np.concatenate([line.node for line in lines])
    arrive = np.concatenate([line.arrive for line in lines])
    spot = np.concatenate([line.spot for line in lines])
    pass_number, prize = score_passes(problem, crew, segment, arrive, on_foot=foot >= 0)
    return Walks(
        crew=crew,
        segment=segment,
        forward=forward,
        from_node=np.where(segment >= 0, np.where(forward, tail[segment], head[segment]), node),
        to_node=np.where(segment >= 0, np.where(forward, head[segment], tail[segment]), node),
        arrive=arrive,
        depart=np.concatenate([line.depart for line in lines]),
        pass_number=pass_number,
        prize=prize + score_stays(problem, crew, spot, arrive),
        wanted=column("wanted", 1).astype(np.bool_) & (foot < 0),
        activity=np.array([a for line in lines for a in line.activity], dtype=object),
        place=np.array([a for line in lines for a in line.place], dtype=object),
        spot=spot,
    )


def score_stays(problem: Problem, crew: Ints, spot: Ints, arrive: Ints) -> Floats:
    """Return what each stay collects, by `PatrolRules.share_of_dwell`; 0 for all other steps."""
    standing, prize = problem.standing, np.zeros(len(crew))
    earned: dict[tuple[int, int], tuple[int, int]] = {}
    metres = problem.streets.length_mm / 1000
    stays = np.flatnonzero(spot >= 0)
    for i in stays[np.lexsort((stays, arrive[stays]))].tolist():
        who, at = problem.crews[crew[i]], int(spot[i])
        key = (at, int(problem.bin_at(arrive[i] / 1000)))
        times, last = earned.get(key, (0, 0))
        earns = problem.groups[who.group].seen
        since = int(arrive[i] - last) / 1000
        prize[i] = sum(
            who.rules.share_of_dwell(times, since, float(metres[s])) * problem.prize[s, key[1]]
            for s in standing.ends[standing.of[at] : standing.of[at + 1]].tolist()
            if earns[s]
        )
        if prize[i] > 0:
            earned[key] = (times + 1, int(arrive[i]))
    return prize


def score_passes(
    problem: Problem, crew: Ints, segment: Ints, arrive: Ints, *, on_foot: Bools | None = None
) -> tuple[Ints, Floats]:
    """Number the passes of each segment in clock order and say what each collects.

    `arrive` counts milliseconds; equal clock times are decided by the crews' order. A pass earns
    in the time bin it begins in; see `PatrolRules.share_of_pass`. `on_foot` are passes of crews who
    left their car.
    """
    excursions = problem.standing.excursions
    time_bin = problem.bin_at(arrive / 1000)
    pass_number = np.zeros(len(crew), dtype=np.int64)
    prize = np.zeros(len(crew))
    seen: dict[tuple[int, int], int] = {}
    earned: dict[tuple[int, int], tuple[int, int]] = {}
    for i in np.lexsort((np.arange(len(crew)), arrive)).tolist():
        key = (int(segment[i]), int(time_bin[i]))
        if key[0] < 0:
            continue
        pass_number[i] = seen[key] = seen.get(key, 0) + 1
        who = problem.crews[crew[i]]
        earns = problem.groups[who.group].earns
        if on_foot is not None and on_foot[i]:
            earns = excursions.kinds[excursions.kind_of[crew[i]]].earns
        if not earns[key[0]]:
            continue
        times, last = earned.get(key, (0, 0))
        share = who.rules.share_of_pass(times, int(arrive[i] - last) / 1000)
        if share > 0:
            prize[i] = share * problem.prize[key]
            earned[key] = (times + 1, int(arrive[i]))
    return pass_number, prize
