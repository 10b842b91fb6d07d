"""The arrays a search works on, laid out from graphs, earning passes and crews."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from patrolmap._kernels import orienteering as kernel
from patrolmap._kernels.hops import hop_tables, nearest_tasks
from patrolmap._kernels.paths import UNREACHABLE, distance_table
from patrolmap.patrol.arcs import arrays, far_from, has_arc, reverse
from patrolmap.patrol.candidates import Units
from patrolmap.patrol.contract import contract, order_by_place
from patrolmap.patrol.duties import NO_DUTIES, Duties, extend, with_duties
from patrolmap.patrol.parks import park_windows
from patrolmap.patrol.problem import Problem
from patrolmap.patrol.room import Room
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]

NEAR = 14  # tasks nearby that a task knows
HOMES = 4  # classes of crews nearby that a task knows
ROUNDING = 1e-6  # s
SAMPLE = 8  # terminals from which it is seen how far so many nodes lie
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
    duties : Duties
        What must be done; none in the problems of other tools.
    again : float
        Seconds between two stays that both earn. Rows of segments from `n_streets` on are no
        segments but stand at a node.
    open_hours : two (m,) float64, optional
        Seconds from and up to which a pass of each segment may begin; without, at any time.
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
    duties: Duties = NO_DUTIES
    again: float = 0.0
    n_streets: int | None = None
    open_hours: tuple[Floats, Floats] | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Arrays of one problem, shared by its searches and never written to."""

    tasks: kernel.Tasks
    crews: kernel.Crews
    segment: Ints  # (n_tasks,) row of the segment of each task
    risk: float  # risk per unit of integer prize
    best_first: Ints  # (n_tasks,) tasks, those first that seemed best worth planning


def ground_of(problem: Problem) -> Ground:
    """Return the plain arrays of a problem."""
    graphs: list[Graph] = []
    for group in problem.groups:
        if not any(group.planned is graph for graph in graphs):
            graphs.append(group.planned)
    of_group = [
        next(i for i, graph in enumerate(graphs) if graph is group.planned)
        for group in problem.groups
    ]
    crews, (tail, head) = problem.crews, problem.streets.ends

    def ints(values: list[int]) -> Ints:
        return np.array(values, dtype=np.int64)

    def floats(values: list[float]) -> Floats:
        return np.array(values, dtype=np.float64)

    plain = Ground(
        graphs=tuple(graphs),
        graph_of_group=ints(of_group),
        earns=tuple(group.earns for group in problem.groups),
        tail=tail,
        head=head,
        length=np.maximum.reduce([group.planned_mm for group in problem.groups]),
        bins=problem.bins,
        start=ints([crew.start for crew in crews]),
        end=ints([crew.end for crew in crews]),
        group=ints([crew.group for crew in crews]),
        budget=ints([crew.budget for crew in crews]),
        begin=floats([crew.begin for crew in crews]),
        speed=floats([crew.speed for crew in crews]),
        share=floats([crew.rules.repeat_share for crew in crews]),
        after=floats([crew.rules.repeat_seconds for crew in crews]),
        open_hours=park_windows(problem),
    )
    return extend(plain, problem)


def lay_out(ground: Ground, units: Units, rows: Ints, passes: Ints, room: Room) -> Layout:
    """Turn chosen rows of `units`, with so many passes each, into tasks between terminals.

    Terminals and tasks are numbered by where they lie: a search looks at what is near, and near in
    the tables is fast.
    """
    segment, duty = units.segment[rows], ground.duties.row
    nodes = np.unique(
        np.concatenate([ground.tail[segment], ground.head[segment], ground.start, ground.end,
                        ground.tail[duty], ground.head[duty]])
    )  # fmt: skip
    ridden_by, label = _labels(segment, len(ground.length))
    graphs, places = zip(*(contract(graph, label, nodes) for graph in ground.graphs), strict=True)
    by_place = order_by_place(graphs[0], places[0])
    terminal = np.full(int(nodes[-1]) + 1, -1, dtype=np.int64)
    terminal[nodes[by_place]] = np.arange(len(nodes))
    stays = segment >= (len(ground.length) if ground.n_streets is None else ground.n_streets)
    by_first = np.lexsort((terminal[ground.tail[segment]], stays))
    rank = np.repeat(by_first, passes[by_first])
    rows, passes, segment = rows[by_first], passes[by_first], segment[by_first]
    unit = np.repeat(np.arange(len(rows)), passes)
    segment = segment[unit]
    n = len(segment)
    first, last = terminal[ground.tail[segment]], terminal[ground.head[segment]]
    start, end = terminal[ground.start], terminal[ground.end]
    ridden, riding = _riding(ridden_by, segment)
    far = terminal[np.concatenate([ground.tail[duty], ground.head[duty]])]
    distance, via, over = _tables(
        graphs, [place[by_place] for place in places], np.append(start, far), np.append(end, far),
        room.nodes,
    )  # fmt: skip
    both_ways = all(_go_both_ways(graph) for graph in ground.graphs)
    back = distance if both_ways else np.ascontiguousarray(distance.transpose(0, 2, 1))
    prize, risk = _integer_prizes(ground, units.prize[rows], passes)
    time_bin = units.bin[rows]
    opens, closes = np.append(-np.inf, ground.bins[1:]), np.append(ground.bins[1:], np.inf)
    opens, closes = opens[time_bin], closes[time_bin]
    if ground.open_hours is not None:
        hours = [moments[units.segment[rows]] for moments in ground.open_hours]
        opens, closes = np.maximum(opens, hours[0]), np.minimum(closes, hours[1])
    kind, kinds, opens, closes = _kinds(ground, opens, closes)
    near = np.full((n, NEAR), -1, dtype=np.int64)
    nearest_tasks(distance[0], first, last, unit, time_bin[unit], near)
    members_from, members = _classes(ground)
    who = members[members_from[:-1]]
    crews_of = np.column_stack(
        [ground.graph_of_group[ground.group[who]], start[who], end[who], kind[who]]
    )
    sides = np.stack([_sides(ground, i, segment) & ever[unit, None] for i, ever in kinds])
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
        opens=opens,
        closes=closes,
        copies=np.concatenate([[0], np.cumsum(passes)]).astype(np.int64),
        sides=sides,
        near=near,
        homes=_homes(distance, back, crews_of, sides, first, last),
    )
    crews = kernel.Crews(
        classes=members_from,
        members=members,
        start=start,
        end=end,
        limit=ground.budget,
        budget=ground.budget,
        kind=kind,
        graph=ground.graph_of_group[ground.group],
        begin=ground.begin,
        speed=ground.speed,
        share=ground.share,
        after=ground.after,
        price=np.ones(len(ground.start)),
    )
    if stays.any():
        tasks = tasks._replace(dwells=int((~stays).sum()), again=ground.again)
    if len(duty):
        ends = (terminal[ground.tail[duty]], terminal[ground.head[duty]])
        anywhere = replace(ground, earns=tuple(np.ones_like(earns) for earns in ground.earns))
        sides = np.stack([_sides(anywhere, i, duty) for i, _ in kinds])
        tasks = with_duties(tasks, ground.duties, ends, ground.length[duty], sides,
                            float(ground.budget.sum()) * (WEIGHT + 1))  # fmt: skip
    return Layout(
        tasks=tasks,
        crews=crews,
        segment=np.append(segment, duty),
        risk=risk,
        best_first=np.argsort(rank, kind="stable"),
    )


def _classes(ground: Ground) -> tuple[Ints, Ints]:
    """Return crews that are alike, class by class, and where those of each class begin."""
    alike = (ground.start, ground.end, ground.group, ground.budget, ground.begin, ground.speed,
             ground.share, ground.after)  # fmt: skip
    _, row = np.unique(np.column_stack(alike).astype(np.float64), axis=0, return_inverse=True)
    row = row.ravel()
    begins = np.concatenate([[0], np.cumsum(np.bincount(row))])
    return begins.astype(np.int64), np.argsort(row, kind="stable").astype(np.int64)


def _kinds(
    ground: Ground, opens: Floats, closes: Floats
) -> tuple[Ints, list[tuple[int, Bools]], Floats, Floats]:
    """Return crews by group and by which units are open in their time, kind by kind.

    With a kind come its group and, of all units, which are ever open to it. A unit that is open all
    the time of every crew that may come while it is open has no hours of its own any more: then the
    search need not look at the clock.
    """
    windows, window = np.unique(np.column_stack([opens, closes]), axis=0, return_inverse=True)
    window = window.ravel()
    until = (ground.begin + ground.budget / ground.speed)[:, None] - ROUNDING
    ever = (windows[:, 0] < until) & (ground.begin[:, None] < windows[:, 1])
    through = (windows[:, 0] <= ground.begin[:, None]) & (until <= windows[:, 1])
    always = np.asarray((~ever | through).all(axis=0))[window]
    rows, kind = np.unique(np.column_stack([ground.group, ever]), axis=0, return_inverse=True)
    return (
        kind.ravel().astype(np.int64),
        [(int(row[0]), row[1:].astype(np.bool_)[window]) for row in np.asarray(rows)],
        np.where(always, -np.inf, opens),
        np.where(always, np.inf, closes),
    )


def _homes(
    distance: Int32s, back: Int32s, crews: Ints, sides: Bools, first: Ints, last: Ints
) -> Ints:
    """Return the classes of crews (graph, start, end, kind) nearest to each task, of those for it.

    Where those are few, classes that it is not for follow.
    """
    away = np.empty((len(first), len(crews)), dtype=np.int64)
    for i, (graph, start, end, kind) in enumerate(crews.tolist()):
        out, home = distance[graph, start].astype(np.int64), back[graph, end].astype(np.int64)
        away[:, i] = np.minimum(out[first] + home[last], out[last] + home[first])
        away[~sides[kind].any(axis=1), i] = np.iinfo(np.int64).max
    return np.ascontiguousarray(np.argsort(away, axis=1, kind="stable")[:, :HOMES])


def _labels(segment: Ints, n_segments: int) -> tuple[Ints, Ints]:
    """Return the risky segments, and each segment's row there, -1 = none."""
    risky = np.unique(segment)
    label = np.full(n_segments, -1, dtype=np.int64)
    label[risky] = np.arange(len(risky))
    return risky, label


def _riding(risky: Ints, segment: Ints) -> tuple[Ints, Ints]:
    """Return the tasks of each risky segment, end to end, and where those of each begin."""
    row = np.searchsorted(risky, segment)
    ridden = np.zeros(len(risky) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(risky)), out=ridden[1:])
    return ridden, np.argsort(row, kind="stable").astype(np.int64)


def _tables(
    graphs: Sequence[Graph], places: Sequence[Ints], start: Ints, end: Ints, nodes: int
) -> tuple[Int32s, Int16s, Int16s]:
    """Return mm between terminals and the ways; legs are bounded, ways from and to depots not.

    `places` are the terminals' nodes in each graph; a leg reaches about so many `nodes`.
    """
    n = len(places[0])
    cells = len(graphs) * n**2
    distance = np.empty((len(graphs), n, n), dtype=np.int32)
    rides = cells <= HOP_CELLS and n < np.iinfo(np.int16).max
    shape = distance.shape if rides else (len(graphs), 0, 0)
    via, over = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.int16)
    for row, (graph, place) in enumerate(zip(graphs, places, strict=True)):
        limit = _longest_leg(graph, place, nodes // (len(graphs) * n))
        if rides:
            hop_tables(
                *arrays(graph), graph.segment, place, limit, distance[row], via[row], over[row]
            )
        else:
            distance[row] = distance_table(*arrays(graph), place, place, limit)
        if limit < int(UNREACHABLE) - 1:
            _open_depots(graph, place, (start, end), distance[row], via[row])
    return distance, via, over


def _longest_leg(graph: Graph, place: Ints, nodes: int) -> int:
    """Return millimetres within which about so many nodes lie from a terminal."""
    longest = int(UNREACHABLE) - 1
    if nodes >= graph.n_nodes:
        return longest
    radii = []
    for node in place[np.linspace(0, len(place) - 1, SAMPLE).astype(np.int64)]:
        far = far_from(graph, int(node))
        far = far[np.isfinite(far)]
        radii.append(int(np.partition(far, nodes)[nodes]) if len(far) > nodes else longest)
    return int(min(np.median(radii), longest))


def _open_depots(
    graph: Graph, place: Ints, depots: tuple[Ints, Ints], distance: Int32s, via: Int16s
) -> None:
    """Let ways from starts and to ends be as long as they are; what far ones pass is left out."""
    starts, ends = (np.unique(rows).tolist() for rows in depots)
    for rows, arcs, to in ((starts, graph, distance), (ends, reverse(graph), distance.T)):
        for i in rows:
            to[i] = _narrow(far_from(arcs, int(place[i]))[place])
    if via.shape[0] > 0:
        for i in starts:
            via[i, (via[i] < 0) & (distance[i] < UNREACHABLE)] = i
        for j in ends:
            cut = np.flatnonzero((via[:, j] < 0) & (distance[:, j] < UNREACHABLE))
            via[cut, j] = cut


def _go_both_ways(graph: Graph) -> bool:
    """Return whether each segment has arcs both ways: then a route may be turned round.

    By segments, not by ends: of a loop, or two parallel streets, each may be one-way.
    """
    along, back = (np.sort(graph.segment[graph.forward == way]) for way in (True, False))
    return np.array_equal(along, back)


def _narrow(distance: Floats) -> Int32s:
    return np.minimum(distance, UNREACHABLE).astype(np.int32)


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
    stands = np.arange(n) >= (n if ground.n_streets is None else ground.n_streets)
    return np.column_stack(
        [(has_arc(graph, way, n) | stands) & earns for way in (True, False)]
    )[segment]  # fmt: skip
