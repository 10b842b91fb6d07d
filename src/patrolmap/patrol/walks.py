"""From an order of segments to the walk really made: every step, its clock, what it collects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import shortest_arcs
from patrolmap.patrol.problem import Bools, Floats, Ints, Problem
from patrolmap.patrol.steps import Order, Stepper
from patrolmap.streets.network import Graph


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

    @property
    def total(self) -> float:
        """Prize of all passes."""
        return float(self.prize.sum())


def walk_routes(problem: Problem, orders: Sequence[Order]) -> Walks:
    """Join each crew's segments by shortest paths and score the passes that really happen."""
    stepper = Stepper(problem)
    steps = [stepper.steps(row, order) for row, order in enumerate(orders)]
    crew = np.repeat(np.arange(len(steps)), [len(s.segment) for s in steps])
    segment = np.concatenate([s.segment for s in steps])
    forward = np.concatenate([s.forward for s in steps])
    wanted = np.concatenate([s.wanted for s in steps])
    tail, head = problem.streets.ends
    arrive = np.empty(len(segment), dtype=np.int64)
    depart = np.empty(len(segment), dtype=np.int64)
    for i, who in enumerate(problem.crews):
        mine = crew == i
        walked = np.concatenate([[0], np.cumsum(steps[i].mm)])
        # down, not to the nearest: a step that begins before a bin ends must not leave it
        clock = round(who.begin * 1000) + np.floor(walked * 1000 / who.speed).astype(np.int64)
        arrive[mine], depart[mine] = clock[:-1], clock[1:]
    pass_number, prize = score_passes(problem, crew, segment, arrive)
    return Walks(
        crew=crew,
        segment=segment,
        forward=forward,
        from_node=np.where(forward, tail[segment], head[segment]),
        to_node=np.where(forward, head[segment], tail[segment]),
        arrive=arrive,
        depart=depart,
        pass_number=pass_number,
        prize=prize,
        wanted=wanted,
    )


def score_passes(problem: Problem, crew: Ints, segment: Ints, arrive: Ints) -> tuple[Ints, Floats]:
    """Number the passes of each segment in clock order and say what each collects.

    `arrive` counts milliseconds; equal clock times are decided by the crews' order. A pass earns
    in the time bin it begins in; see `PatrolRules.share_of_pass`.
    """
    time_bin = problem.bin_at(arrive / 1000)
    pass_number = np.zeros(len(crew), dtype=np.int64)
    prize = np.zeros(len(crew))
    seen: dict[tuple[int, int], int] = {}
    earned: dict[tuple[int, int], tuple[int, int]] = {}
    for i in np.lexsort((np.arange(len(crew)), arrive)).tolist():
        key = (int(segment[i]), int(time_bin[i]))
        pass_number[i] = seen[key] = seen.get(key, 0) + 1
        who = problem.crews[crew[i]]
        if not problem.groups[who.group].earns[key[0]]:
            continue
        times, last = earned.get(key, (0, 0))
        share = who.rules.share_of_pass(times, int(arrive[i] - last) / 1000)
        if share > 0:
            prize[i] = share * problem.prize[key]
            earned[key] = (times + 1, int(arrive[i]))
    return pass_number, prize


def join(
    graph: Graph,
    tail_of_arc: Ints,
    ends: tuple[Ints, Ints],
    start: int,
    end: int,
    order: Order,
) -> tuple[Ints, Bools, Bools]:
    """Return the segments walked, their direction, and which of them the order asked for."""
    tail, head = ends
    wanted = np.array([row for row, _ in order], dtype=np.int64)
    along = np.array([forward for _, forward in order], dtype=np.bool_)
    enter = np.where(along, tail[wanted], head[wanted])
    leave = np.where(along, head[wanted], tail[wanted])
    sources = np.concatenate([[start], leave]).astype(np.int64)
    targets = np.concatenate([enter, [end]]).astype(np.int64)
    arcs, starts = shortest_arcs(
        graph.indptr, graph.head, tail_of_arc, graph.length, sources, targets
    )
    return _interleave(graph.segment[arcs], graph.forward[arcs], starts, wanted, along)


def _interleave(
    segment: Ints, forward: Bools, starts: Ints, wanted: Ints, along: Bools
) -> tuple[Ints, Bools, Bools]:
    """Put each wanted segment after the path that leads to it."""
    at = starts[1:-1]
    flags: npt.NDArray[np.bool_] = np.insert(np.zeros(len(segment), dtype=np.bool_), at, True)
    return np.insert(segment, at, wanted), np.insert(forward, at, along), flags
