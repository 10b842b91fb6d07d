"""Run the search: tasks from candidates, two independent searches, the better true walk wins."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._kernels import orienteering as kernel
from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.errors import OptionError
from patrolmap.patrol.arcs import arrays, has_arc, millimetres_from, reverse
from patrolmap.patrol.candidates import MAX_TASKS, Units, choose, neighbours
from patrolmap.patrol.problem import Bools, Floats, Ints, Problem
from patrolmap.patrol.stop import Progress, Stop
from patrolmap.patrol.walks import Walks, walk_routes
from patrolmap.streets.network import Graph

log = logging.getLogger(__name__)

Int32s = npt.NDArray[np.int32]

SEARCHES = 2  # one a core on the smallest office machine; fixed, so that a seed means one plan
NOISE = 0.6  # of prizes in the second start, so that two searches differ
BATCH = 300  # tasks offered at once while the first routes are filled
CHUNK = 200  # iterations between two looks at the clock
HOT, COLD = 0.5, 0.005  # temperatures, in prizes of an average task; from trials on real streets
STRING = 12  # most tasks a string may hold
LEG_SECONDS = 3200.0  # longest way between two tasks in a row; depots are reached from anywhere
CHEAP_TABLE = 20_000_000  # terminals x nodes up to which no way need be cut short
MAX_CELLS = 250_000_000  # distances kept, all graphs together: 1 GB
WEIGHT = 1e3  # integer prize of everything, in millimetres of all budgets


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
    elapsed: Callable[[], float],
    progress: Progress | None = None,
) -> Found:
    """Search until `stop` says so; Ctrl-C returns the best walks so far.

    `elapsed` says how many of the stop's seconds have gone.
    """
    if not callable(getattr(stop, "done", None)):
        raise OptionError(f"stop={stop!r}; wanted MaxRuntime(30), MaxIterations(1000) or a | b.")
    prepared = _prepare(problem, units)
    iterations = 0
    with ThreadPoolExecutor(SEARCHES) as pool:
        runs = list(pool.map(lambda n: _Run(prepared, seed=seed, number=n), range(SEARCHES)))
        try:
            while (share := stop.done(iterations=iterations, seconds=elapsed())) < 1:
                if len(prepared.segment) == 0:
                    break  # nothing to search for
                chunk = _chunk(stop, iterations, elapsed())
                list(pool.map(_Run.advance, runs, [chunk] * SEARCHES, [share] * SEARCHES))
                iterations += chunk
                if progress is not None:
                    progress(min(share, 1.0), max(run.prize for run in runs))
        except KeyboardInterrupt:
            log.warning("interrupted: the best routes so far are returned")
    walks = [walk_routes(problem, run.orders()) for run in runs]
    best = max(range(SEARCHES), key=lambda i: (walks[i].total, -i))
    return Found(walks=walks[best], iterations=iterations, seconds=elapsed())


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
    segment: Ints  # (n_tasks,) row of the segment of each task
    risk: float  # risk per unit of integer prize


class _Run:
    """One search: its routes, its random state, its best."""

    def __init__(self, prepared: _Prepared, *, seed: int, number: int) -> None:
        self._prepared = prepared
        tasks, crews = prepared.tasks, prepared.crews
        spread = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
        self._random = np.maximum(spread, np.uint64(1))
        self._current = kernel.empty_routes(tasks, crews)
        self._fill(noise=NOISE * number)
        self._work = kernel.copy_routes(self._current)
        self._best = kernel.copy_routes(self._current)
        start = kernel.value(tasks, crews, self._current)
        self._values = np.array([start, start])

    def _fill(self, *, noise: float) -> None:
        """Start from a greedy sweep, then insert what still fits, the best-ranked tasks first."""
        tasks, crews = self._prepared.tasks, self._prepared.crews
        kernel.sweep(tasks, crews, self._current, noise, self._random)
        touched = np.zeros(len(crews.start), dtype=np.bool_)
        everything = np.arange(len(tasks.first))
        for batch in np.array_split(everything, max(1, len(everything) // BATCH)):
            kernel.refill(tasks, crews, self._current, batch, 0.1, self._random, touched)

    @property
    def prize(self) -> float:
        """Prize of the best routes, as the search reckons it."""
        return float(max(self._values[1], 0.0) * self._prepared.risk)

    def advance(self, iterations: int, share: float) -> None:
        """Run some iterations at the temperature that belongs to this share of the search."""
        tasks, crews = self._prepared.tasks, self._prepared.crews
        task = max(self._values[1], 1.0) / max(1, int(self._best.size.sum()))
        heat = task * HOT * (COLD / HOT) ** share
        routes = self._current, self._work, self._best
        kernel.improve(tasks, crews, *routes, self._values, self._random, iterations, heat, STRING)

    def orders(self) -> list[list[tuple[int, bool]]]:
        """Return the best routes as segment rows and directions."""
        best, segment = self._best, self._prepared.segment
        return [
            [(int(segment[o >> 1]), not o & 1) for o in best.order[c, : best.size[c]].tolist()]
            for c in range(len(best.size))
        ]


def _prepare(problem: Problem, units: Units) -> _Prepared:
    """Turn candidates into tasks, terminals and the distances between them."""
    graphs, graph_of_group = _distinct_graphs(problem)
    most = min(MAX_TASKS, int((MAX_CELLS / len(graphs)) ** 0.5 / 2))  # two terminals a task
    rows, passes = choose(problem, units, most)
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
    prize, risk = _integer_prizes(problem, units.prize[rows], passes)
    opens, closes = np.append(-np.inf, problem.bins[1:]), np.append(problem.bins[1:], np.inf)
    time_bin = units.bin[rows]
    distance = np.empty((len(graphs), len(terminal), len(terminal)), dtype=np.int32)
    leg = int(LEG_SECONDS * max(crew.speed for crew in problem.crews))
    for row, graph in enumerate(graphs):
        distance[row] = _distances(graph, terminal, starts, ends, leg)
    tasks = kernel.Tasks(
        distance=distance,
        first=first,
        last=last,
        length=problem.streets.length_mm[segment],
        unit=unit_of_task.astype(np.int64),
        prize=prize,
        opens=opens[time_bin],
        closes=closes[time_bin],
        copies=np.concatenate([[0], np.cumsum(passes)]).astype(np.int64),
        sides=np.stack([_sides(problem, row, segment) for row in range(len(problem.groups))]),
        near=neighbours(*_middles(problem, segment), unit_of_task, time_bin[unit_of_task]),
    )
    crews = _crews(problem, start, end, graph_of_group)
    return _Prepared(tasks=tasks, crews=crews, segment=segment, risk=risk)


def _integer_prizes(problem: Problem, prize: Floats, passes: Ints) -> tuple[Ints, float]:
    """Return prizes as whole numbers beside millimetres, and what one of them is in risk."""
    largest = float(prize.max(initial=0.0))
    if largest == 0:
        return np.zeros(len(prize), dtype=np.int64), 0.0
    part = prize / largest  # first, so that no prize is too large or too small to scale
    scale = WEIGHT * sum(crew.budget for crew in problem.crews) / float((part * passes).sum())
    return np.rint(part * scale).astype(np.int64), largest / scale


def _middles(problem: Problem, segment: Ints) -> tuple[Floats, Floats]:
    middle = problem.streets.segments.geometry.iloc[segment].interpolate(0.5, normalized=True)
    return middle.x.to_numpy(), middle.y.to_numpy()


def _crews(problem: Problem, start: Ints, end: Ints, graph_of_group: Ints) -> kernel.Crews:
    crews = problem.crews
    group = np.array([crew.group for crew in crews], dtype=np.int64)
    return kernel.Crews(
        start=start,
        end=end,
        budget=np.array([crew.budget for crew in crews], dtype=np.int64),
        group=group,
        graph=graph_of_group[group],
        begin=np.array([crew.begin for crew in crews], dtype=np.float64),
        speed=np.array([crew.speed for crew in crews], dtype=np.float64),
        share=np.array([crew.rules.repeat_share for crew in crews], dtype=np.float64),
        after=np.array([crew.rules.repeat_seconds for crew in crews], dtype=np.float64),
    )


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


def _distances(graph: Graph, terminal: Ints, starts: Ints, ends: Ints, leg: int) -> Int32s:
    """Return mm between terminals; legs are bounded, ways out of and into depots are not."""
    unbounded = int(UNREACHABLE) - 1
    limit = unbounded if len(terminal) * graph.n_nodes <= CHEAP_TABLE else min(leg, unbounded)
    table = distance_table(*arrays(graph), terminal, terminal, limit)
    back = reverse(graph)
    for node in np.unique(starts):
        table[np.searchsorted(terminal, node)] = _narrow(millimetres_from(graph, node)[terminal])
    for node in np.unique(ends):
        column = _narrow(millimetres_from(back, node)[terminal])
        table[:, np.searchsorted(terminal, node)] = column
    return table


def _narrow(distance: Ints) -> Int32s:
    far = (distance < 0) | (distance >= UNREACHABLE)
    return np.where(far, UNREACHABLE, distance).astype(np.int32)
