"""Where a crew is while it walks, and when two of them are too near to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.patrol.arcs import Order
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.timeline import timeline

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem
    from patrolmap.patrol.rules import PatrolRules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EVERY = 10_000  # ms between two looks at where crews are


@dataclass(frozen=True, kw_only=True)
class Track:
    """Where a crew is each time one looks, while it walks; n looks.

    Attributes
    ----------
    look, step : (n,) int64
        Which look, counted from 1970; which of its steps the crew is at.
    xy : (n, 2) float64
    meets : (k, 2) float64
        Where its route begins and ends, and where its duties have it stand.
    """

    look: Ints
    step: Ints
    xy: Floats
    meets: Floats


def by_duty(rules: PatrolRules, activity: Any) -> Bools:
    """Return which steps stand where the rules say: breaks, and reports at report points."""
    duties = ("break", "report") if rules.report_at else ("break",)
    found: Bools = np.isin(np.asarray(activity, dtype=object), duties)
    return found


def track_of(lines: Any, forward: Any, arrive: Ints, depart: Ints, stands: Ints) -> Track:
    """Return where a crew is, of the lines it walks and the milliseconds since 1970 of each.

    It moves evenly along each line; between two lines it stands, and is not on the move. `stands`
    are the lines before which it stands by duty; their number, if it does at the very end.
    """
    look = np.arange(-(-arrive[0] // EVERY), depart[-1] // EVERY + 1)
    moment = look * EVERY
    step = np.minimum(np.searchsorted(depart, moment), len(depart) - 1)
    moving = moment >= arrive[step]
    look, step, moment = look[moving], step[moving], moment[moving]
    share = (moment - arrive[step]) / np.maximum(depart - arrive, 1)[step]
    share = np.where(forward[step], share, 1 - share)
    places = shapely.line_interpolate_point(lines[step], share, normalized=True)
    before = np.unique(np.concatenate([[0, len(depart)], stands])).astype(np.int64)
    line = np.minimum(before, len(depart) - 1)
    at_end = (before == len(depart)) == forward[line]
    tips = shapely.line_interpolate_point(lines[line], at_end.astype(float), normalized=True)
    return Track(
        look=look, step=step, xy=shapely.get_coordinates(places),
        meets=shapely.get_coordinates(tips),
    )  # fmt: skip


def too_near(one: Track, other: Track, metres: float) -> Ints:
    """Return rows of `one` at which two crews on the move are less than so many metres apart.

    As the crow flies, seen once every 10 seconds; who stands is not on the move. Not counted where
    either is less than that from a place where one of the two begins or ends its route, has its
    break, or a report point it reports at: crews that share such a place must meet.
    """
    _, a, b = np.intersect1d(one.look, other.look, assume_unique=True, return_indices=True)
    near = distance(one.xy[a], other.xy[b]) < metres
    a, b = a[near], b[near]
    asked = np.ones(len(a), dtype=bool)
    for place in np.concatenate([one.meets, other.meets]):
        for xy in (one.xy[a], other.xy[b]):
            asked &= distance(xy, place) >= metres
    rows: Ints = a[asked]
    return rows


def distance(one: Floats, other: Floats) -> Floats:
    """Return metres between points (..., 2) of two arrays."""
    difference = one - other
    out: Floats = np.hypot(difference[..., 0], difference[..., 1])
    return out


def clock_zero(problem: Problem) -> int:
    """Return the milliseconds since 1970 at which the clock of a plan is 0."""
    zero: int = round((problem.clock - pd.Timestamp(0, tz="UTC")).total_seconds() * 1000)
    return zero


def walked(stepper: Stepper, row: int, order: Order) -> tuple[Track | None, Ints]:
    """Return a crew's track, and for which entry of the order each of its moves is made."""
    problem = stepper.problem
    steps = stepper.steps(row, order)
    line = timeline(problem, row, steps)
    moved = line.source >= 0
    source = line.source[moved]
    if len(source) == 0:
        return None, steps.task[source]
    zero = clock_zero(problem)
    lines = stepper.lines[steps.segment[source]]
    clock = (zero + line.arrive[moved], zero + line.depart[moved])
    stands = np.cumsum(moved, dtype=np.int64)[by_duty(problem.crews[row].rules, line.activity)]
    return track_of(lines, steps.forward[source], *clock, stands), steps.task[source]
