"""How near two crews on the move come to each other, and routes that keep their distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.patrol.steps import Order, Stepper

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TRIES = 30  # entries left out that are tried again
EVERY = 10_000  # ms between two looks at where crews are


@dataclass(frozen=True, kw_only=True)
class Track:
    """Where a crew is each time one looks, while it walks; n looks.

    Attributes
    ----------
    look, step : (n,) int64
        Which look, counted from 1970; which of its steps the crew is at.
    xy : (n, 2) float64
    ends : (2, 2) float64
        Where its route begins and ends.
    """

    look: Ints
    step: Ints
    xy: Floats
    ends: Floats


def track_of(lines: Any, forward: Any, arrive: Ints, depart: Ints) -> Track:
    """Return where a crew is, of the lines it walks and the milliseconds since 1970 of each.

    It moves evenly along each line; between two lines it stands, and is not on the move.
    """
    look = np.arange(-(-arrive[0] // EVERY), depart[-1] // EVERY + 1)
    moment = look * EVERY
    step = np.minimum(np.searchsorted(depart, moment), len(depart) - 1)
    moving = moment >= arrive[step]
    look, step, moment = look[moving], step[moving], moment[moving]
    share = (moment - arrive[step]) / np.maximum(depart - arrive, 1)[step]
    share = np.where(forward[step], share, 1 - share)
    places = shapely.line_interpolate_point(lines[step], share, normalized=True)
    tips = [shapely.line_interpolate_point(lines[i], float(forward[i] == at_end), normalized=True)
            for i, at_end in ((0, False), (-1, True))]  # fmt: skip
    return Track(
        look=look, step=step, xy=shapely.get_coordinates(places), ends=shapely.get_coordinates(tips)
    )


def too_near(one: Track, other: Track, metres: float) -> Ints:
    """Return rows of `one` at which two crews on the move are less than so many metres apart.

    As the crow flies, seen once every 10 seconds. Not counted where either is less than that from
    a place where one of the two begins or ends its route: crews that share a depot must meet.
    """
    _, a, b = np.intersect1d(one.look, other.look, assume_unique=True, return_indices=True)
    near = _distance(one.xy[a], other.xy[b]) < metres
    for place in np.concatenate([one.ends, other.ends]):
        for xy in (one.xy[a], other.xy[b]):
            near &= _distance(xy, place) >= metres
    rows: Ints = a[near]
    return rows


def _distance(one: Floats, other: Floats) -> Floats:
    difference = one - other
    out: Floats = np.hypot(difference[..., 0], difference[..., 1])
    return out


def keep_apart(
    problem: Problem, orders: Sequence[Order], fits: Callable[[int, Order], bool]
) -> list[Order]:
    """Return orders whose walks keep `crew_distance`, crew after crew.

    Each crew yields to those before it: it walks its order the other way round where that meets
    them less often, then leaves out what it is about when it comes too near, until it does not
    (and `fits` says that it keeps its other rules).
    """
    asked = [crew.rules.crew_distance for crew in problem.crews]
    if max(asked) == 0:
        return list(orders)
    stepper = Stepper(problem)
    worth = problem.prize.max(axis=1, initial=0.0)
    kept: list[Order] = []
    tracks: list[Track | None] = []

    def met(row: int, order: Order) -> tuple[Track | None, list[int]]:
        track, task = _walked(stepper, row, order)
        if track is None:
            return None, []
        steps = [
            track.step[too_near(track, other, max(asked[row], asked[i]))]
            for i, other in enumerate(tracks)
            if other is not None
        ]
        found = np.sort(np.concatenate(steps)) if steps else np.zeros(0, dtype=np.int64)
        return track, task[found].tolist()

    for row, given in enumerate(orders):
        order: Order = list(given)
        track, busy = met(row, order)
        if busy and (turned := _turned(stepper, row, order)) is not None:
            other, less = met(row, turned)
            if len(less) < len(busy) and fits(row, turned):
                order, track, busy = turned, other, less
        whole, left = order, list(range(len(order)))
        while left and (busy or not fits(row, [whole[i] for i in left])):
            del left[min(busy[0] if busy else len(left), len(left) - 1)]
            track, busy = met(row, [whole[i] for i in left])
        gone = sorted(set(range(len(whole))) - set(left), key=lambda i: -worth[whole[i][0]])
        for entry in gone[:TRIES]:
            wider = sorted([*left, entry])
            some = [whole[i] for i in wider]
            again, busy = met(row, some)
            if not busy and fits(row, some):
                left, track = wider, again
        order = [whole[i] for i in left]
        kept.append(order)
        tracks.append(track)
    return kept


def _walked(stepper: Stepper, row: int, order: Order) -> tuple[Track | None, Ints]:
    """Return a crew's track, and for which entry of the order each of its steps is made."""
    problem, crew = stepper.problem, stepper.problem.crews[row]
    steps = stepper.steps(row, order)
    if len(steps.segment) == 0:
        return None, steps.task
    zero = round((problem.clock - pd.Timestamp(0, tz="UTC")).total_seconds() * 1000)
    used = np.concatenate([[0], np.cumsum(steps.mm)])
    clock = zero + round(crew.begin * 1000) + np.floor(used * 1000 / crew.speed).astype(np.int64)
    lines = problem.streets.segments.geometry.array[steps.segment]
    return track_of(np.asarray(lines), steps.forward, clock[:-1], clock[1:]), steps.task


def _turned(stepper: Stepper, row: int, order: Order) -> Order | None:
    """Return the order walked the other way round, if that keeps every other rule."""
    crew = stepper.problem.crews[row]
    if crew.start != crew.end or crew.shift.mode != "walk":
        return None
    turned = [(segment, not forward) for segment, forward in reversed(order)]
    steps = stepper.steps(row, turned)
    return None if steps.shut_out or steps.used > crew.budget else turned
