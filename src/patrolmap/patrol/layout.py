"""The arrays a search works on, laid out from graphs, earning passes and crews."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap._kernels import orienteering as kernel
from patrolmap._kernels.hops import hop_tables, nearest_tasks
from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.patrol.arcs import arrays, has_arc, millimetres_from, reverse, tails
from patrolmap.patrol.candidates import Units
from patrolmap.patrol.problem import Problem
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]

NEAR = 14  # tasks nearby that a task knows
REACHED = 45_000_000  # terminals x nodes up to which no way between two tasks is cut short
SAMPLE = 8  # terminals from which it is seen how far so many nodes lie
MAX_CELLS = 280_000_000  # distances kept, all graphs together: 1.1 GB
HOP_CELLS = 130_000_000  # up to here ways are kept too, at 4 more bytes a cell
WEIGHT = 1e3  # integer prize of everything, in millimetres of all budgets


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Streets and crews as plain arrays, whoever asks: m segments, c crews.

    Attributes
    ----------
    graphs : tuple of Graph
        The graphs that differ; `graph_of_group` says which of them each group of crews uses.
    earns : tuple of (m,) bool
        On which segments the crews of each group earn.
    tail, head, length : (m,) int64
        Nodes and millimetres.
    bins : (k,) float64
        Seconds when each time bin starts; the first reaches back without end.
    start, end, group, budget : (c,) int64
        Nodes, row of a group, millimetres.
    begin, speed, share, after : (c,) float64
        Seconds, millimetres a second, what a repeat earns, and seconds before it does.
    """

    graphs: tuple[Graph, ...]
    graph_of_group: Ints
    earns: tuple[Bools, ...]
    tail: Ints
    head: Ints
    length: Ints
    bins: Floats
    start: Ints
    end: Ints
    group: Ints
    budget: Ints
    begin: Floats
    speed: Floats
    share: Floats
    after: Floats

    @property
    def most_tasks(self) -> int:
        """How many tasks, two terminals each, the tables of distances have room for."""
        return int((MAX_CELLS / len(self.graphs)) ** 0.5 / 2)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Arrays of one problem, shared by its searches and never written to."""

    tasks: kernel.Tasks
    crews: kernel.Crews
    segment: Ints  # (n_tasks,) row of the segment of each task
    risk: float  # risk per unit of integer prize


def ground_of(problem: Problem) -> Ground:
    """Return the plain arrays of a problem."""
    graphs: list[Graph] = []
    for group in problem.groups:
        if not any(group.graph is graph for graph in graphs):
            graphs.append(group.graph)
    of_group = [
        next(i for i, graph in enumerate(graphs) if graph is group.graph)
        for group in problem.groups
    ]
    crews, (tail, head) = problem.crews, problem.streets.ends

    def ints(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)

    def floats(values: list[float]) -> Floats:
        return np.array(values, dtype=np.float64)

    return Ground(
        graphs=tuple(graphs),
        graph_of_group=ints(of_group),
        earns=tuple(group.earns for group in problem.groups),
        tail=tail,
        head=head,
        length=problem.streets.length_mm,
        bins=problem.bins,
        start=ints([crew.start for crew in crews]),
        end=ints([crew.end for crew in crews]),
        group=ints([crew.group for crew in crews]),
        budget=ints([crew.budget for crew in crews]),
        begin=floats([crew.begin for crew in crews]),
        speed=floats([crew.speed for crew in crews]),
        share=floats([crew.rules.repeat_share for crew in crews]),
        after=floats([crew.rules.repeat_seconds for crew in crews]),
    )


def lay_out(ground: Ground, units: Units, rows: Ints, passes: Ints) -> Layout:
    """Turn chosen rows of `units`, with so many passes each, into tasks between terminals."""
    unit = np.repeat(np.arange(len(rows)), passes)
    segment = units.segment[rows][unit]
    terminal, index = np.unique(
        np.concatenate([ground.tail[segment], ground.head[segment], ground.start, ground.end]),
        return_inverse=True,
    )
    n = len(segment)
    first, last, start, end = np.split(index.astype(np.int64), np.cumsum([n, n, len(ground.start)]))
    ridden, riding, label = _riding(segment, len(ground.length))
    distance, via, over = _tables(ground, terminal, label)
    both_ways = all(_go_both_ways(graph) for graph in ground.graphs)
    back = distance if both_ways else np.ascontiguousarray(distance.transpose(0, 2, 1))
    prize, risk = _integer_prizes(ground, units.prize[rows], passes)
    time_bin = units.bin[rows]
    near = np.full((n, NEAR), -1, dtype=np.int64)
    nearest_tasks(distance[0], first, last, unit, time_bin[unit], near)
    tasks = kernel.Tasks(
        distance=distance,
        back=back,
        via=via,
        over=over,
        ridden=ridden,
        riding=riding,
        first=first,
        last=last,
        length=ground.length[segment],
        unit=unit.astype(np.int64),
        prize=prize,
        opens=np.append(-np.inf, ground.bins[1:])[time_bin],
        closes=np.append(ground.bins[1:], np.inf)[time_bin],
        copies=np.concatenate([[0], np.cumsum(passes)]).astype(np.int64),
        sides=np.stack([_sides(ground, i, segment) for i in range(len(ground.earns))]),
        near=near,
    )
    crews = kernel.Crews(
        start=start,
        end=end,
        limit=ground.budget,
        budget=ground.budget,
        group=ground.group,
        graph=ground.graph_of_group[ground.group],
        begin=ground.begin,
        speed=ground.speed,
        share=ground.share,
        after=ground.after,
        price=np.ones(len(ground.start)),
    )
    return Layout(tasks=tasks, crews=crews, segment=segment, risk=risk)


def _riding(segment: Ints, n_segments: int) -> tuple[Ints, Ints, Ints]:
    """Return the tasks of each risky segment, end to end, and each segment's row there, -1 = none.

    Of segments that may share their two ends, each has a row of its own.
    """
    risky, row = np.unique(segment, return_inverse=True)
    ridden = np.zeros(len(risky) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(risky)), out=ridden[1:])
    label = np.full(n_segments, -1, dtype=np.int64)
    label[risky] = np.arange(len(risky))
    return ridden, np.argsort(row, kind="stable").astype(np.int64), label


def _tables(ground: Ground, terminal: Ints, label: Ints) -> tuple[Int32s, Int16s, Int16s]:
    """Return mm between terminals and the ways; legs are bounded, ways from and to depots not."""
    cells = len(ground.graphs) * len(terminal) ** 2
    n = len(terminal)
    distance = np.empty((len(ground.graphs), n, n), dtype=np.int32)
    rides = cells <= HOP_CELLS and n < np.iinfo(np.int16).max
    shape = distance.shape if rides else (len(ground.graphs), 0, 0)
    via, over = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.int16)
    for row, graph in enumerate(ground.graphs):
        limit = _longest_leg(graph, terminal, REACHED // (len(ground.graphs) * n))
        if rides:
            distance[row], via[row], over[row] = hop_tables(
                *arrays(graph), label[graph.segment], terminal, limit
            )
        else:
            distance[row] = distance_table(*arrays(graph), terminal, terminal, limit)
        if limit < int(UNREACHABLE) - 1:
            _open_depots(ground, graph, terminal, distance[row], via[row])
    return distance, via, over


def _longest_leg(graph: Graph, terminal: Ints, nodes: int) -> int:
    """Return millimetres within which about so many nodes lie from a terminal."""
    longest = int(UNREACHABLE) - 1
    if nodes >= graph.n_nodes:
        return longest
    radii = []
    for node in terminal[np.linspace(0, len(terminal) - 1, SAMPLE).astype(np.int64)]:
        far = millimetres_from(graph, int(node))
        far = far[far >= 0]
        radii.append(int(np.partition(far, nodes)[nodes]) if len(far) > nodes else longest)
    return int(min(np.median(radii), longest))


def _open_depots(
    ground: Ground, graph: Graph, terminal: Ints, distance: Int32s, via: Int16s
) -> None:
    """Let ways from starts and to ends be as long as they are; what far ones pass is left out."""
    back = reverse(graph)
    for depots, arcs, to in ((ground.start, graph, distance), (ground.end, back, distance.T)):
        for node in np.unique(depots):
            to[np.searchsorted(terminal, node)] = _narrow(millimetres_from(arcs, node)[terminal])
    if via.shape[0] > 0:
        for i in np.searchsorted(terminal, np.unique(ground.start)).tolist():
            via[i, (via[i] < 0) & (distance[i] < UNREACHABLE)] = i
        for j in np.searchsorted(terminal, np.unique(ground.end)).tolist():
            cut = np.flatnonzero((via[:, j] < 0) & (distance[:, j] < UNREACHABLE))
            via[cut, j] = cut


def _go_both_ways(graph: Graph) -> bool:
    """Return whether each arc has one back, as long: then all distances are symmetric."""
    ends = (tails(graph), graph.head)
    along, back = (np.lexsort((graph.length, b, a)) for a, b in (ends, ends[::-1]))
    return all(
        np.array_equal(one[along], other[back])
        for one, other in (ends, ends[::-1], (graph.length, graph.length))
    )


def _narrow(distance: Ints) -> Int32s:
    far = (distance < 0) | (distance >= UNREACHABLE)
    return np.where(far, UNREACHABLE, distance).astype(np.int32)


def _integer_prizes(ground: Ground, prize: Floats, passes: Ints) -> tuple[Ints, float]:
    """Return prizes as whole numbers beside millimetres, and what one of them is in risk."""
    largest = float(prize.max(initial=0.0))
    if largest == 0:
        return np.zeros(len(prize), dtype=np.int64), 0.0
    part = prize / largest  # first, so that no prize is too large or too small to scale
    scale = WEIGHT * float(ground.budget.sum()) / float((part * passes).sum())
    return np.rint(part * scale).astype(np.int64), largest / scale


def _sides(ground: Ground, group: int, segment: Ints) -> Bools:
    """Return (n_tasks, 2): may the group's crews walk the segment along, against its geometry."""
    graph, earns = ground.graphs[ground.graph_of_group[group]], ground.earns[group]
    n = len(ground.length)
    return np.column_stack([has_arc(graph, way, n) & earns for way in (True, False)])[segment]
