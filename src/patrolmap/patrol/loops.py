"""The loop on foot round a parked car that collects most for its time, found by insertion."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.paths import UNREACHABLE, distance_table, path_arcs
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POWERS = (
    1.0,
    2.0,
)  # of a prize over the time that it costs: what is near first, or what is rich


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
    away = distance_table(
        graph.indptr, graph.head, graph.length, np.array([node], dtype=np.int64),
        np.arange(graph.n_nodes), radius,
    )[0].astype(np.int64)  # fmt: skip
    near = np.flatnonzero(away < UNREACHABLE)
    arcs = np.concatenate([np.arange(graph.indptr[i], graph.indptr[i + 1]) for i in near])
    arcs = arcs[graph.forward[arcs]]
    segment = graph.segment[arcs]
    tail, head = (end[segment] for end in ends)
    inside = away[tail] + away[head] + graph.length[arcs] <= 2 * radius
    segment, tail, head = segment[inside], tail[inside], head[inside]
    nodes = np.unique(np.concatenate([[node], tail, head]))
    return Ball(
        segment=segment,
        tail=np.searchsorted(nodes, tail),
        head=np.searchsorted(nodes, head),
        home=int(np.searchsorted(nodes, node)),
    )


def best_loops(ball: Ball, prize: Floats, ms: Ints, limits: tuple[int, ...]) -> Iterator[Loop]:
    """Yield, for each limit in ms, the least first, loops from the middle of a ball and back.

    Streets with a prize are put, one after another, where they cost the least time for it, as long
    as the loop keeps the limit (cheapest insertion, as for the orienteering problem: Tsiligirides
    1984, doi 10.1057/jors.1984.162); the next limit goes on from there. Ways between them are the
    shortest of the ball.

    Parameters
    ----------
    prize, ms : (m,)
        Of the ball's segments.
    """
    tasks = np.flatnonzero(prize > 0)
    if len(tasks) == 0:
        return
    graph, tail_of_arc = _both_ways(ball, ms)
    stops = np.unique(np.concatenate([[ball.home], ball.tail[tasks], ball.head[tasks]]))
    table = distance_table(
        graph.indptr, graph.head, graph.length, stops, stops, int(UNREACHABLE) - 1
    ).astype(np.int64)
    ends = (np.searchsorted(stops, ball.tail[tasks]), np.searchsorted(stops, ball.head[tasks]))
    home = int(np.searchsorted(stops, ball.home))
    for power in POWERS:
        for order in _inserted(table, ends, ms[tasks], prize[tasks] ** power, home, limits):
            yield _walk(ball, graph, tail_of_arc, [(int(tasks[i]), way) for i, way in order])


def _inserted(
    far: Ints, ends: tuple[Ints, Ints], ms: Ints, worth: Floats, home: int, limits: tuple[int, ...]
) -> Iterator[list[tuple[int, bool]]]:
    """Yield the order of tasks and directions at each limit."""
    first, last = ends
    order: list[tuple[int, bool]] = []
    left = np.ones(len(ms), dtype=bool)
    gaps: list[tuple[int, int]] = [(home, home)]

    def row(gap: tuple[int, int]) -> tuple[Ints, Bools]:
        a, b = gap
        along, against = far[a, first] + far[last, b], far[a, last] + far[first, b]
        return np.minimum(along, against) + ms - far[a, b], along <= against

    rows = [row(gaps[0])]
    used = 0
    for limit in limits:
        while left.any():
            cost = np.array([extra for extra, _ in rows])
            where = cost.argmin(axis=0)
            extra = cost[where, np.arange(len(ms))]
            fits = left & (used + extra <= limit)
            if not fits.any():
                break
            task = int(np.where(fits, worth / np.maximum(extra, 1), -1.0).argmax())
            gap, used = int(where[task]), used + int(extra[task])
            along = bool(rows[gap][1][task])
            enter, leave = (first, last) if along else (last, first)
            a, b = gaps[gap]
            gaps[gap : gap + 1] = [(a, int(enter[task])), (int(leave[task]), b)]
            rows[gap : gap + 1] = [row(gaps[gap]), row(gaps[gap + 1])]
            order.insert(gap, (task, along))
            left[task] = False
        if order:
            yield list(order)


def _both_ways(ball: Ball, ms: Ints) -> tuple[Graph, Ints]:
    """Return the ball's arcs, their lengths in ms, and where each begins."""
    m, n = len(ball.segment), ball.n_nodes
    tail, head = np.concatenate([ball.tail, ball.head]), np.concatenate([ball.head, ball.tail])
    order = np.argsort(tail, kind="stable")
    indptr = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail, minlength=n), out=indptr[1:])
    graph = Graph(
        indptr=indptr, head=head[order], segment=np.tile(np.arange(m), 2)[order],
        forward=np.repeat([True, False], m)[order], length=np.tile(ms, 2)[order],
    )  # fmt: skip
    return graph, tail[order]


def _walk(ball: Ball, graph: Graph, tail_of_arc: Ints, order: list[tuple[int, bool]]) -> Loop:
    """Join the streets of an order by shortest ways."""
    sources, targets = [ball.home], []
    for i, along in order:
        a, b = int(ball.tail[i]), int(ball.head[i])
        targets.append(a if along else b)
        sources.append(b if along else a)
    targets.append(ball.home)
    arcs, starts, _ = path_arcs(
        graph.indptr, graph.head, tail_of_arc, graph.length,
        np.array(sources, dtype=np.int64), np.array(targets, dtype=np.int64),
    )  # fmt: skip
    at = starts[1:-1]
    wanted = np.array([i for i, _ in order], dtype=np.int64)
    ways = np.array([way for _, way in order], dtype=np.bool_)
    segment = np.insert(graph.segment[arcs], at, wanted)
    return Loop(segment=ball.segment[segment], forward=np.insert(graph.forward[arcs], at, ways))
