"""The loop on foot round a parked car that collects most for its time, found by insertion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import UNREACHABLE, distance_table, distances_from
from patrolmap.patrol.arcs import both_ways, tails, walk_over
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_TASKS = 150  # streets tried in one loop, those with most prize for their time


@dataclass(frozen=True, kw_only=True)
class Ball:
    """The streets round one node of which no point is too far from it; m segments, n nodes.

    Attributes
    ----------
    segment : (m,) int64
        Rows of the segments.
    tail, head : (m,) int64
        Their ends, as nodes of the ball.
    home : int
        The node in the middle.
    """

    segment: Ints
    tail: Ints
    head: Ints
    home: int

    @property
    def n_nodes(self) -> int:
        """How many nodes there are."""
        return int(max(self.tail.max(initial=0), self.head.max(initial=0), self.home)) + 1


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A closed walk: rows of segments, and which way."""

    segment: Ints
    forward: Bools


def ball_around(graph: Graph, ends: tuple[Ints, Ints], node: int, radius: int) -> Ball:
    """Return the streets of a walk graph whose farthest point is within `radius` mm of a node.

    The farthest point of a street lies where the ways round by both its ends are equally long:
    half of both ends' distances and its own length away.
    """
    away = distances_from(graph.indptr, graph.head, graph.length, np.int64(node), np.int64(radius))
    near = np.flatnonzero(away >= 0)
    arcs = np.concatenate([np.arange(graph.indptr[i], graph.indptr[i + 1]) for i in near])
    arcs = arcs[graph.forward[arcs]]
    segment = graph.segment[arcs]
    tail, head = (end[segment] for end in ends)
    inside = (away[tail] >= 0) & (away[head] >= 0)
    inside &= away[tail] + away[head] + graph.length[arcs] <= 2 * radius
    segment, tail, head = segment[inside], tail[inside], head[inside]
    nodes = np.unique(np.concatenate([[node], tail, head]))
    return Ball(
        segment=segment,
        tail=np.searchsorted(nodes, tail),
        head=np.searchsorted(nodes, head),
        home=int(np.searchsorted(nodes, node)),
    )


def best_loops(ball: Ball, prize: Floats, ms: Ints, limits: tuple[int, ...]) -> Iterator[Loop]:
    """Yield, for each limit in ms, the least first, a loop from the middle of a ball and back.

    Streets with a prize are put, one after another, where they bring most for the time they cost,
    as long as the loop keeps the limit (cheapest insertion, as for the orienteering problem:
    Tsiligirides 1984, doi 10.1057/jors.1984.162); the next limit goes on from there. Ways between
    them are the shortest of the ball.

    Parameters
    ----------
    prize, ms : (m,)
        Of the ball's segments.
    """
    tasks = np.flatnonzero(prize > 0)
    if len(tasks) > MOST_TASKS:
        tasks = np.sort(tasks[np.argsort(-prize[tasks] / ms[tasks], kind="stable")[:MOST_TASKS]])
    if len(tasks) == 0:
        return
    graph = both_ways(ball.tail, ball.head, ms, ball.n_nodes)
    stops = np.unique(np.concatenate([[ball.home], ball.tail[tasks], ball.head[tasks]]))
    table = distance_table(
        graph.indptr, graph.head, graph.length, stops, stops, int(UNREACHABLE) - 1, threads=1
    ).astype(np.int64)  # fmt: skip
    ends = (np.searchsorted(stops, ball.tail[tasks]), np.searchsorted(stops, ball.head[tasks]))
    home = int(np.searchsorted(stops, ball.home))
    for order in _inserted(table, ends, ms[tasks], prize[tasks], home, limits):
        wanted = [(int(tasks[i]), way) for i, way in order]
        segment, forward = walk_over(
            graph, tails(graph), (ball.tail, ball.head), ball.home, ball.home, wanted
        )
        yield Loop(segment=ball.segment[segment], forward=forward)


def _inserted(
    far: Ints, ends: tuple[Ints, Ints], ms: Ints, prize: Floats, home: int, limits: tuple[int, ...]
) -> Iterator[list[tuple[int, bool]]]:
    """Yield the order of tasks and directions at each limit; `far` is in ms."""
    first, last = ends
    order: list[tuple[int, bool]] = []
    n, used = len(ms), 0
    worth = prize.copy()  # 0 once it is in
    gaps = [(home, home)]  # of the loop, in its order; row[i] is where gap i stands in `cost`
    row = [0]
    cost, every = np.empty((n + 1, n), dtype=np.int64), np.arange(n)

    def measure(at: int, a: int, b: int) -> None:
        way = np.minimum(far[a, first] + far[last, b], far[a, last] + far[first, b])
        cost[at] = way + (ms - far[a, b])

    measure(0, home, home)
    for limit in limits:
        while True:
            where = cost[: len(gaps)].argmin(axis=0)
            extra = cost[where, every]
            rate = np.where(used + extra <= limit, worth / np.maximum(extra, 1), 0.0)
            task = int(rate.argmax())
            if rate[task] <= 0:
                break
            gap, used = row.index(int(where[task])), used + int(extra[task])
            a, b = gaps[gap]
            one, other = int(first[task]), int(last[task])
            along = bool(far[a, one] + far[other, b] <= far[a, other] + far[one, b])
            enter, leave = (one, other) if along else (other, one)
            measure(row[gap], a, enter)
            measure(len(gaps), leave, b)
            gaps[gap : gap + 1] = [(a, enter), (leave, b)]
            row.insert(gap + 1, len(row))
            order.insert(gap, (task, along))
            worth[task] = 0.0
        if order:
            yield list(order)
