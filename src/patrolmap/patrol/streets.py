"""Team orienteering on the arcs of a graph, on plain arrays: for other tools and for benchmarks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol.arcs import both_ways, far_from, tails, walk_over
from patrolmap.patrol.stop import MaxRuntime, Progress, Stop, is_number, require_seed, time_for
from patrolmap.streets.network import Graph

if TYPE_CHECKING:
    from patrolmap.patrol.layout import Layout

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FINE = 1e8  # the longest limit, in the whole units the search counts in, is at most this
BOUND_PART = 0.2  # of the time that the bound may take
MOST_PRIZE = 1e100


@dataclass(frozen=True, kw_only=True)
class ArcRoutes:
    """Routes on a graph, one per crew, and what they collect.

    Attributes
    ----------
    routes : tuple of (n_nodes,) arrays
        The nodes each crew walks, first its start, last its end.
    segments : tuple of (n_nodes - 1,) int64
        Rows of the segments walked between them, for streets that share both ends.
    prize : float
        Collected by all, each pass as it earns.
    upper_bound : float
        Proved: no routes within the limits collect more.
    iterations : int
        Of each search.
    """

    routes: tuple[Ints, ...]
    segments: tuple[Ints, ...]
    prize: float
    upper_bound: float
    iterations: int

    @property
    def gap(self) -> float:
        """(bound - prize) / bound."""
        bound = self.upper_bound
        return max(0.0, (bound - self.prize) / bound) if bound > 0 else 0.0


def solve_arc_orienteering(
    from_node: npt.ArrayLike,
    to_node: npt.ArrayLike,
    length: npt.ArrayLike,
    prizes: npt.ArrayLike,
    *,
    starts: npt.ArrayLike,
    ends: npt.ArrayLike,
    limits: npt.ArrayLike,
    repeat_share: float = 0.0,
    stop: Stop | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ArcRoutes:
    """Lay walks on a street graph that collect as much prize as their lengths allow.

    The team orienteering arc routing problem (Archetti, Speranza, Corberán, Sanchis & Plana 2014,
    doi 10.1287/trsc.2013.0477) without a clock: every segment may be walked both ways; walked
    whole, it collects its prize once, whoever walks it; its k-th pass collects
    `prize * repeat_share ** (k - 1)`.

    Parameters
    ----------
    from_node, to_node : (m,) integers
        The ends of each segment; any numbers.
    length : (m,) numbers > 0
        In any unit; `limits` are in the same.
    prizes : (m,) numbers >= 0
    starts, ends : (c,) integers
        The nodes where each crew's walk starts and ends.
    limits : (c,) numbers > 0
        The longest that each walk may be.
    repeat_share
        From 0 to 1.
    stop
        When to stop, the bound included: `MaxRuntime(30)` (default), `MaxIterations(n)`, or both
        with `|`. Compiling the kernels on a machine's first run is not counted.
    seed
        The same seed and iteration limit give the same routes.
    progress
        Called between rounds with the share done (0 to 1), the best prize so far and the bound.

    Raises
    ------
    OptionError, InfeasibleError
        Naming what was given, what was wanted and the mend.

    Examples
    --------
    A street of three pieces, walked from its middle, with metres for one piece and back:

    >>> from patrolmap.patrol import MaxIterations
    >>> found = solve_arc_orienteering(
    ...     [0, 1, 2], [1, 2, 3], [100.0] * 3, [1.0, 2.0, 4.0],
    ...     starts=[1], ends=[1], limits=[200.0], stop=MaxIterations(50),
    ... )
    >>> found.prize, round(found.upper_bound, 6), found.routes[0].tolist()
    (2.0, 2.0, [1, 2, 1])
    """
    from patrolmap._kernels.compiling import compile_clock
    from patrolmap.patrol.bound import arc_upper_bound
    from patrolmap.patrol.search import LAYOUT_PART, search

    stop = stop or MaxRuntime(30)
    with compile_clock() as compiling:
        began = time.monotonic()
        case = _check(from_node, to_node, length, prizes, starts, ends, limits, repeat_share, seed)

        def elapsed() -> float:
            return time.monotonic() - began - compiling()

        bound = arc_upper_bound(
            case.tail, case.head, case.length, case.prize, starts=case.start, ends=case.end,
            limits_mm=case.limit, repeat_share=repeat_share,
            seconds=time_for(stop, BOUND_PART, elapsed()),
        )  # fmt: skip
        found = search(
            _layout(case, repeat_share, time_for(stop, LAYOUT_PART, elapsed())),
            stop=stop,
            seed=seed,
            elapsed=elapsed,
            progress=progress,
            bound=bound,
        )
    walks = [_walk(case, orders) for orders in found.orders]
    scores = [_score(case, walk, repeat_share) for walk in walks]
    best = int(np.argmax(scores))
    return ArcRoutes(
        routes=tuple(case.node[nodes] for _, nodes in walks[best]),
        segments=tuple(segment for segment, _ in walks[best]),
        prize=scores[best],
        upper_bound=max(bound, scores[best]) if bound < scores[best] * (1 + 1e-9) else bound,
        iterations=found.iterations,
    )


@dataclass(frozen=True, kw_only=True)
class _Case:
    """Checked arrays; nodes are rows of `node`, lengths whole units."""

    node: Ints
    graph: Graph
    tail: Ints
    head: Ints
    length: Ints
    prize: Floats
    start: Ints
    end: Ints
    limit: Ints


def _check(
    from_node: npt.ArrayLike,
    to_node: npt.ArrayLike,
    length: npt.ArrayLike,
    prizes: npt.ArrayLike,
    starts: npt.ArrayLike,
    ends: npt.ArrayLike,
    limits: npt.ArrayLike,
    repeat_share: float,
    seed: int,
) -> _Case:
    """Refuse what cannot be meant; number nodes from 0, measure in whole units."""
    require_seed(seed)
    if not (is_number(repeat_share) and 0 <= repeat_share <= 1):
        raise OptionError(f"repeat_share={repeat_share!r}; wanted a share from 0 to 1.")
    tails = _nodes("from_node", from_node)
    heads = _nodes("to_node", to_node, len(tails))
    metres = _numbers("length", length, len(tails), above=0.0)
    prize = _numbers("prizes", prizes, len(tails), least=0.0)
    first = _nodes("starts", starts)
    last = _nodes("ends", ends, len(first))
    limit = _numbers("limits", limits, len(first), above=0.0)
    if len(tails) == 0 or len(first) == 0:
        raise OptionError("there are no segments, or no crews; wanted at least one of each.")
    if not prize.sum() <= MOST_PRIZE:
        raise OptionError(f"prizes add up to {prize.sum():.3g}; wanted at most {MOST_PRIZE:g}.")
    node, index = np.unique(np.concatenate([tails, heads]), return_inverse=True)
    tail, head = np.split(index.astype(np.int64), 2)
    crews = []
    for name, given in (("starts", first), ("ends", last)):
        at = np.minimum(np.searchsorted(node, given), len(node) - 1)
        if (node[at] != given).any():
            missing = given[node[at] != given][:3].tolist()
            raise OptionError(f"{name} holds {missing}; wanted nodes of from_node and to_node.")
        crews.append(at.astype(np.int64))
    scale = 10.0 ** np.floor(np.log10(FINE / limit.max()))
    long = np.ceil(np.minimum(metres * scale, 2 * FINE) * (1 - 1e-12) - 1e-6)  # up: never over
    whole = np.maximum(long, 1).astype(np.int64)
    room = np.floor(limit * scale * (1 + 1e-12) + 1e-6).astype(np.int64)
    case = _Case(
        node=node,
        graph=both_ways(tail, head, whole, len(node)),
        tail=tail,
        head=head,
        length=whole,
        prize=prize,
        start=crews[0],
        end=crews[1],
        limit=room,
    )
    for start in np.unique(case.start):
        far = far_from(case.graph, int(start))
        mine = np.flatnonzero(case.start == start)
        way = far[case.end[mine]]
        bad = mine[way > room[mine]]
        if len(bad):
            raise InfeasibleError(
                f"crew {bad[0]}: no way within its limit of {limit[bad[0]]:g} leads from node "
                f"{first[bad[0]]} to node {last[bad[0]]}; give it a longer one, or another end."
            )
    return case


def _nodes(name: str, given: npt.ArrayLike, count: int | None = None) -> Ints:
    values = np.asarray(given)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise OptionError(f"{name} is {values.dtype} {values.shape}; wanted a row of node numbers.")
    _require_count(name, len(values), count)
    return values.astype(np.int64)


def _numbers(
    name: str, given: npt.ArrayLike, count: int, *, least: float = -np.inf, above: float = -np.inf
) -> Floats:
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name} is not made of numbers ({error}).") from error
    if values.ndim != 1:
        raise OptionError(f"{name} has the shape {values.shape}; wanted a row of numbers.")
    _require_count(name, len(values), count)
    wrong = ~(np.isfinite(values) & (values >= least) & (values > above))
    if wrong.any():
        raise OptionError(
            f"{name}[{np.flatnonzero(wrong)[0]}] is {values[wrong][0]}; wanted finite numbers "
            f"{'> 0' if above == 0 else '>= 0'}."
        )
    return values


def _require_count(name: str, found: int, wanted: int | None) -> None:
    if wanted is not None and found != wanted:
        raise OptionError(f"{name} has {found} entries; wanted {wanted}, as its neighbours have.")


def _layout(case: _Case, share: float, seconds: float) -> Layout:
    """Return what the search works on, made in about so many seconds."""
    from patrolmap.patrol.candidates import Reach, Units, choose
    from patrolmap.patrol.layout import Ground, lay_out
    from patrolmap.patrol.room import room_for

    c, m = len(case.start), len(case.length)
    ground = Ground(
        graphs=(case.graph,),
        graph_of_group=np.zeros(1, dtype=np.int64),
        earns=(np.ones(m, dtype=bool),),
        tail=case.tail,
        head=case.head,
        length=case.length,
        bins=np.zeros(1),
        start=case.start,
        end=case.end,
        group=np.zeros(c, dtype=np.int64),
        budget=case.limit,
        begin=np.zeros(c),
        speed=np.full(c, 1000.0),
        share=np.full(c, float(share)),
        after=np.zeros(c),
    )
    crews, count = np.unique(
        np.column_stack([case.start, case.end, case.limit]), axis=0, return_counts=True
    )
    trips = [_round_trip(case, int(start), int(end)) for start, end, _ in crews]
    reached = np.zeros(m, dtype=bool)
    for trip, (_, _, limit) in zip(trips, crews, strict=True):
        reached |= trip <= limit
    rows = np.flatnonzero(reached & (case.prize > 0))
    metres = int(case.limit.sum())
    units = Units(
        segment=rows,
        bin=np.zeros(len(rows), dtype=np.int64),
        prize=case.prize[rows],
        passes=1 + (metres // case.length[rows] if share > 0 else np.zeros(len(rows), np.int64)),
    )
    reaches = [
        Reach(trip=np.where(trip <= limit, trip, np.inf)[rows], budget=float(limit), crews=int(n))
        for trip, (_, _, limit), n in zip(trips, crews, count, strict=True)
    ]
    room = room_for(ground, seconds)
    chosen = choose(units, case.length[rows], reaches, share=share, most=room.tasks)
    return lay_out(ground, units, *chosen, room)


def _round_trip(case: _Case, start: int, end: int) -> Floats:
    """Return the least length of a walk from start over each segment to end."""
    out = far_from(case.graph, start)
    back = out if end == start else far_from(case.graph, end)
    along = out[case.tail] + back[case.head]
    trip: Floats = np.minimum(along, out[case.head] + back[case.tail]) + case.length
    return trip


def _walk(case: _Case, orders: Sequence[Sequence[tuple[int, bool]]]) -> list[tuple[Ints, Ints]]:
    """Return the segments and the nodes that each crew walks."""
    out, tail = [], tails(case.graph)
    for start, end, order in zip(case.start, case.end, orders, strict=True):
        segment, forward = walk_over(
            case.graph, tail, (case.tail, case.head), int(start), int(end), order
        )
        to = np.where(forward, case.head[segment], case.tail[segment])
        out.append((segment, np.concatenate([[start], to]).astype(np.int64)))
    return out


def _score(case: _Case, walks: list[tuple[Ints, Ints]], share: float) -> float:
    """Return what walks collect."""
    passes = np.bincount(
        np.concatenate([segment for segment, _ in walks]), minlength=len(case.length)
    )
    if share == 1:
        return float((case.prize * passes).sum())
    return float((case.prize * (1 - share**passes) / (1 - share)).sum())
