"""Run the search: tasks from candidates, two independent searches, the better true walk wins."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._kernels import orienteering as kernel
from patrolmap._kernels.paths import UNREACHABLE, distance_table, distances_from
from patrolmap.patrol.candidates import Units, arrays, choose, has_arc, neighbours, reverse
from patrolmap.patrol.problem import Bools, Ints, Problem
from patrolmap.patrol.stop import Stop
from patrolmap.patrol.walks import Walks, walk_routes
from patrolmap.streets.network import Graph

log = logging.getLogger(__name__)

Int32s = npt.NDArray[np.int32]
Progress = Callable[[float, float], None]

SEARCHES = 2  # one a core on the smallest office machine; fixed, so that a seed means one plan
BATCH = 300  # tasks offered at once while the first routes are filled
CHUNK = 200  # iterations between two looks at the clock
HOT, COLD = 0.5, 0.005  # temperatures, in prizes of an average task; from trials on real streets
STRING = 12  # most tasks a string may hold
LEG_LIMIT = np.int64(4_000_000)  # mm between two tasks in a row; depots are reached from anywhere


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best walks, and how long it took."""

    walks: Walks
    iterations: int
    seconds: float


def search(
    problem: Problem,
    units: Units,
    *,
    stop: Stop,
    seed: int,
    started: float,
    progress: Progress | None = None,
) -> Found:
    """Search until `stop` says so; Ctrl-C returns the best walks so far.

    `started` is the `time.monotonic()` that the stop's seconds count from.
    """
    prepared = _prepare(problem, units)
    runs = [_Run(prepared, seed=seed, number=number) for number in range(SEARCHES)]
    iterations = 0
    with ThreadPoolExecutor(SEARCHES) as pool:
        try:
            while (share := stop.done(iterations=iterations, seconds=_since(started))) < 1:
                chunk = _chunk(stop, iterations, _since(started))
                list(pool.map(_Run.advance, runs, [chunk] * SEARCHES, [share] * SEARCHES))
                iterations += chunk
                if progress is not None:
                    progress(min(share, 1.0), max(run.prize for run in runs))
        except KeyboardInterrupt:
            log.warning("interrupted: the best routes so far are returned")
    walks = [walk_routes(problem, run.orders()) for run in runs]
    best = max(range(SEARCHES), key=lambda i: (walks[i].total, -i))
    return Found(walks=walks[best], iterations=iterations, seconds=_since(started))


def _since(started: float) -> float:
    return time.monotonic() - started


def _chunk(stop: Stop, iterations: int, seconds: float) -> int:
    """Return how many iterations to run before the next look at the clock."""
    chunk = CHUNK
    while chunk > 1 and stop.done(iterations=iterations + chunk, seconds=seconds) > 1:
        chunk //= 2
    return chunk


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """Arrays of one problem, shared by its searches and never written to."""

    tasks: kernel.Tasks
    crews: kernel.Crews
    repeat: kernel.Repeat
    segment: Ints  # (n_tasks,) row of the segment of each task
    scale: float  # integer prize per unit of risk


class _Run:
    """One search: its routes, its random state, its best."""

    def __init__(self, prepared: _Prepared, *, seed: int, number: int) -> None:
        self._prepared = prepared
        tasks, crews = prepared.tasks, prepared.crews
        self._current = kernel.empty_routes(tasks, crews)
        spread = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
        self._random = np.maximum(spread, np.uint64(1))
        self._fill()
        self._work = kernel.copy_routes(self._current)
        self._best = kernel.copy_routes(self._current)
        start = kernel.value(tasks, crews, self._current, prepared.repeat)
        self._values = np.array([start, start])

    def _fill(self) -> None:
        """Start from greedy insertion, the best-ranked tasks first."""
        tasks, crews, repeat, _ = self._arrays
        touched = np.zeros(len(crews.start), dtype=np.bool_)
        everything = np.arange(len(tasks.first))
        for batch in np.array_split(everything, max(1, len(everything) // BATCH)):
            kernel.refill(tasks, crews, self._current, repeat, batch, 0.1, self._random, touched)

    @property
    def _arrays(self) -> tuple[kernel.Tasks, kernel.Crews, kernel.Repeat, float]:
        p = self._prepared
        return p.tasks, p.crews, p.repeat, p.scale

    @property
    def prize(self) -> float:
        """Prize of the best routes, as the search reckons it."""
        return float(max(self._values[1], 0.0) / self._prepared.scale)

    def advance(self, iterations: int, share: float) -> None:
        """Run some iterations at the temperature that belongs to this share of the search."""
        tasks, crews, repeat, _ = self._arrays
        if len(tasks.first) == 0:
            return
        task = max(self._values[1], 1.0) / max(1, int(self._best.count.sum()))
        heat = task * HOT * (COLD / HOT) ** share
        kernel.improve(
            tasks, crews, repeat, self._current, self._work, self._best, self._values,
            self._random, iterations, heat, heat, STRING,
        )

    def orders(self) -> list[list[tuple[int, bool]]]:
        """Return the best routes as segment rows and directions."""
        best, segment = self._best, self._prepared.segment
        return [
            [(int(segment[o >> 1]), not o & 1) for o in best.order[c, : best.count[c]].tolist()]
            for c in range(len(best.count))
        ]


def _prepare(problem: Problem, units: Units) -> _Prepared:
    """Turn candidates into tasks, terminals and the distances between them."""
    rows, passes = choose(problem, units)
    unit_of_task = np.repeat(np.arange(len(rows)), passes)
    segment = units.segment[rows][unit_of_task]
    tail, head = problem.streets.ends
    starts = np.array([crew.start for crew in problem.crews], dtype=np.int64)
    ends = np.array([crew.end for crew in problem.crews], dtype=np.int64)
    terminal, index = np.unique(
        np.concatenate([tail[segment], head[segment], starts, ends]), return_inverse=True
    )
    first, last, start, end = np.split(
        index.astype(np.int64), np.cumsum([len(segment), len(segment), len(starts)])
    )
    graphs, graph_of_group = _distinct_graphs(problem)
    budget = np.array([crew.budget for crew in problem.crews], dtype=np.int64)
    total = float((units.prize[rows] * passes).sum())
    scale = 1e3 * float(budget.sum()) / total if total > 0 else 1.0
    closes = np.append(problem.bins[1:], np.inf)
    opens = np.append(-np.inf, problem.bins[1:])
    group = np.array([crew.group for crew in problem.crews], dtype=np.int64)
    middle = problem.streets.segments.geometry.iloc[segment].interpolate(0.5, normalized=True)
    tasks = kernel.Tasks(
        distance=np.stack([_distances(g, terminal, starts, ends) for g in graphs]),
        first=first,
        last=last,
        length=problem.streets.length_mm[segment],
        unit=unit_of_task.astype(np.int64),
        prize=np.rint(units.prize[rows] * scale).astype(np.int64),
        opens=opens[units.bin[rows]],
        closes=closes[units.bin[rows]],
        copies=np.concatenate([[0], np.cumsum(passes)]).astype(np.int64),
        sides=np.stack([_sides(problem, row, segment) for row in range(len(problem.groups))]),
        near=neighbours(
            middle.x.to_numpy(), middle.y.to_numpy(), unit_of_task, units.bin[rows][unit_of_task]
        ),
    )
    crews = kernel.Crews(
        start=start,
        end=end,
        budget=budget,
        group=group,
        graph=graph_of_group[group],
        begin=np.array([crew.begin for crew in problem.crews]),
        speed=np.array([crew.speed for crew in problem.crews]),
    )
    repeat = kernel.Repeat(
        share=max(crew.rules.repeat_share for crew in problem.crews),
        after=max(crew.rules.repeat_seconds for crew in problem.crews),
    )
    return _Prepared(tasks=tasks, crews=crews, repeat=repeat, segment=segment, scale=scale)


def _distinct_graphs(problem: Problem) -> tuple[list[Graph], Ints]:
    """Return the graphs that differ, and which of them each group uses."""
    graphs: list[Graph] = []
    for group in problem.groups:
        if not any(group.graph is graph for graph in graphs):
            graphs.append(group.graph)
    of_group = [
        next(i for i, graph in enumerate(graphs) if graph is group.graph)
        for group in problem.groups
    ]
    return graphs, np.array(of_group, dtype=np.int64)


def _sides(problem: Problem, group: int, segment: Ints) -> Bools:
    """Return (n_tasks, 2): may the group's crews walk the segment along, against its geometry."""
    graph, earns = problem.groups[group].graph, problem.groups[group].earns
    n = len(problem.streets.segments)
    return np.column_stack([has_arc(graph, way, n) & earns for way in (True, False)])[segment]


def _distances(graph: Graph, terminal: Ints, starts: Ints, ends: Ints) -> Int32s:
    """Return mm between terminals; legs are bounded, ways out of and into depots are not."""
    table: Int32s = distance_table(*arrays(graph), terminal, terminal, LEG_LIMIT)
    unbounded = np.int64(UNREACHABLE) - 1
    for node in np.unique(starts):
        out = distances_from(*arrays(graph), node, unbounded)[terminal]
        table[np.searchsorted(terminal, node)] = np.where(out < 0, UNREACHABLE, out)
    for node in np.unique(ends):
        back = distances_from(*arrays(reverse(graph)), node, unbounded)[terminal]
        table[:, np.searchsorted(terminal, node)] = np.where(back < 0, UNREACHABLE, back)
    return table
