"""Proved bounds on what any plan can collect, for problems and for plain arrays."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from patrolmap.patrol.bounds.case import MOST_LEVELS, Case, Floats, Ints
from patrolmap.patrol.bounds.knapsack import case_knapsack, knapsack_bound
from patrolmap.patrol.bounds.reach import MOST_CLASSES
from patrolmap.patrol.bounds.relax import linear_bound
from patrolmap.patrol.candidates import Units, earning_units
from patrolmap.patrol.on_foot import on_foot_anywhere
from patrolmap.patrol.problem import Problem

Effort = Literal["fast", "tight"]

KNOWN = MOST_LEVELS + 2  # passes of one segment whose worth is kept
LEAST_SECONDS = 1e-4  # per segment: with less, a linear program is not begun


def bound_of(problem: Problem, *, seconds: float = np.inf, effort: Effort = "fast") -> float:
    """Return a prize that no plan of this problem can exceed; see `upper_bound`."""
    return upper_bound(problem, earning_units(problem), seconds=seconds, effort=effort)


def upper_bound(
    problem: Problem,
    units: Units,
    *,
    seconds: float = np.inf,
    effort: Effort = "fast",
    collected: float = 0.0,
) -> float:
    """Return a prize that no plan of this problem can exceed.

    The lesser of a fractional knapsack of passes and of a linear program in which walks hold
    together, meet every corner evenly, and stay within the reach and the metres of their crews
    (see `patrolmap.patrol.bounds`). Both relax every rule that could add prize: the order of
    passes and the clock, one-way streets, who of the crews walks (but for their metres), the
    share and waiting time of repeats, where the most generous rules of any crew count, and where
    and for how long cars stop: a crew that may get out does so anywhere.

    Parameters
    ----------
    units
        What can earn, as `earning_units` finds it.
    seconds
        About how long it may take, by the wall. Without a limit, equal problems get equal bounds.
    effort
        "fast" stops when more work helps little; "tight" goes on while it helps at all, and
        then branches.
    collected
        The prize of a plan of this problem, if one is known: it spares "tight" some work.
    """
    if problem.standing.excursions.kinds:
        problem = on_foot_anywhere(problem)
        units = earning_units(problem)
    quick = knapsack_bound(problem, units)
    if len(units.segment) == 0 or seconds < LEAST_SECONDS * len(problem.streets.length_mm):
        return quick
    case = _case(problem, units)
    return min(quick, linear_bound(case, seconds=seconds, effort=effort, collected=collected))


def arc_upper_bound(
    from_node: npt.ArrayLike,
    to_node: npt.ArrayLike,
    length_mm: npt.ArrayLike,
    prizes: npt.ArrayLike,
    *,
    starts: Sequence[int] | Ints,
    ends: Sequence[int] | Ints,
    limits_mm: Sequence[int] | Ints,
    repeat_share: float = 0.0,
    seconds: float = np.inf,
    effort: Effort = "fast",
    collected: float = 0.0,
) -> float:
    """Return a prize that no walks on a graph can exceed; one start, end and limit per crew.

    The k-th pass of a segment earns at most `prize * repeat_share ** (k - 1)`. Lengths and limits
    are whole millimetres, nodes are numbered from 0; prizes must be >= 0.

    Examples
    --------
    A street of three pieces, walked from its middle, with metres for one piece and back:

    >>> arc_upper_bound(
    ...     [0, 1, 2], [1, 2, 3], [100_000] * 3, [1.0, 2.0, 4.0],
    ...     starts=[1], ends=[1], limits_mm=[200_000],
    ... ).__round__(6)
    2.0
    """
    tail, head, length = (np.asarray(a, dtype=np.int64) for a in (from_node, to_node, length_mm))
    prize = np.asarray(prizes, dtype=np.float64)
    crews, count = _classes(np.column_stack([starts, ends, limits_mm]).astype(np.int64))
    room = float((crews[:, 2] * count).sum())
    most = np.full(len(prize), 1.0)
    if repeat_share > 0:
        most = np.maximum(1.0, room // np.maximum(length, 1))
    value = prize[:, None] * repeat_share ** np.arange(KNOWN)
    value[np.arange(KNOWN) >= most[:, None]] = 0.0
    case = Case(
        n_nodes=int(max(tail.max(initial=0), head.max(initial=0), crews[:, :2].max(initial=0))) + 1,
        tail=tail, head=head, length=length, value=value,
        passes=np.where(prize > 0, most, 0).astype(np.int64),
        start=crews[:, 0], end=crews[:, 1], limit=crews[:, 2], crews=count,
    )  # fmt: skip
    quick = case_knapsack(case)
    if seconds < LEAST_SECONDS * len(length):
        return quick
    return min(quick, linear_bound(case, seconds=seconds, effort=effort, collected=collected))


def _classes(crews: Ints) -> tuple[Ints, Ints]:
    """Return crews that differ, and how many there are of each."""
    found, count = np.unique(crews, axis=0, return_counts=True)
    return found, count.astype(np.int64)


def _case(problem: Problem, units: Units) -> Case:
    """Turn a problem into what the linear program knows of it."""
    usable = np.zeros(len(problem.streets.length_mm), dtype=bool)
    for group in problem.groups:
        usable[group.graph.segment] = True
    spot = problem.standing.spot  # a stay is a street from a corner to itself
    rows = np.flatnonzero(np.append(usable, np.ones(len(spot), dtype=bool)))
    tail, head = (np.append(ends, spot) for ends in problem.streets.ends)
    value, passes = _worth(problem, units)
    rooms = zip(problem.crews, problem.room, strict=True)
    crews, count = _classes(
        np.array([(c.start, c.end, room, c.group) for c, room in rooms], dtype=np.int64)
    )
    out, back = None, None
    if len(problem.groups) > 1 and len(crews) <= MOST_CLASSES:
        out, back = (
            np.array(ways)
            for ways in (
                [problem.groups[g].out(start) for start, _, _, g in crews.tolist()],
                [problem.groups[g].back(end) for _, end, _, g in crews.tolist()],
            )
        )
    return Case(
        n_nodes=len(problem.streets.nodes), tail=tail[rows], head=head[rows],
        length=problem.cost[rows], value=value[rows], passes=passes[rows],
        start=crews[:, 0], end=crews[:, 1], limit=crews[:, 2], crews=count, out=out, back=back,
    )  # fmt: skip


def _worth(problem: Problem, units: Units) -> tuple[Floats, Ints]:
    """Return the most that the first, second, ... pass of each segment earns, best first.

    Which pass falls into which time bin is left open: the best passes of all bins count.
    """
    share = max(crew.rules.repeat_share for crew in problem.crews)
    n = len(problem.cost)
    each = units.prize[:, None] * share ** np.arange(KNOWN)
    each[np.arange(KNOWN) >= units.passes[:, None]] = 0.0
    segment, worth = np.repeat(units.segment, KNOWN), each.ravel()
    order = np.lexsort((-worth, segment))
    segment, worth = segment[order], worth[order]
    rank = np.arange(len(segment)) - np.searchsorted(segment, segment)
    value = np.zeros((n, KNOWN))
    value[segment[rank < KNOWN], rank[rank < KNOWN]] = worth[rank < KNOWN]
    passes = np.zeros(n, dtype=np.int64)
    np.add.at(passes, units.segment, units.passes)
    return value, passes
