"""How near two crews on the move come to each other, and routes that keep their distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import InfeasibleError
from patrolmap.patrol.steps import Order, Stepper
from patrolmap.patrol.timeline import timeline

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TRIES = 30  # entries left out that are tried again
STARTS = 8  # parts of a route that are tried where its duties are in the way of another crew
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
    problem: Problem,
    orders: Sequence[Order],
    fits: Callable[[int, Order], bool],
    owed: Callable[[int, Order], Bools],
    *,
    relax: bool = False,
) -> list[Order]:
    """Return orders whose walks keep `crew_distance`, crew after crew.

    Each crew yields to those before it: it walks its order the other way round where that meets
    them less often, then leaves out what it is about when it comes too near, until it does not
    (and `fits` says that it keeps its other rules). What is `owed` stays, but with `relax`.

    Raises
    ------
    InfeasibleError
        Where only duties are left of a route, and it still comes too near.
    """
    asked = [crew.rules.crew_distance for crew in problem.crews]
    if max(asked) == 0:
        return list(orders)
    stepper = Stepper(problem)
    worth = problem.worth.max(axis=1, initial=0.0)
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
        whole, fixed = order, owed(row, order)

        def thinned(
            left: list[int], *, drop_duties: bool, row: int = row, whole: Order = whole,
            fixed: Bools = fixed,
        ) -> list[int] | None:  # fmt: skip
            """Leave out entries until the walk is apart from others; None if it never is."""
            busy = met(row, [whole[i] for i in left])[1]
            while busy or (left and not fits(row, [whole[i] for i in left])):
                near = busy[0] if busy else len(left)
                open_to = [n for n, i in enumerate(left) if drop_duties or not fixed[i]]
                if not open_to:
                    return None
                del left[min(open_to, key=lambda n: (bool(fixed[left[n]]), abs(n - near)))]
                busy = met(row, [whole[i] for i in left])[1]
            return left

        found = thinned(list(range(len(whole))), drop_duties=False)
        spread = np.random.default_rng(row)
        for attempt in range(STARTS if fixed.any() else 0):  # duties at other moments
            if found is not None:
                break
            share = 1 - (attempt + 1) / (STARTS + 1)
            part = np.flatnonzero(fixed | (spread.random(len(whole)) < share))
            found = thinned(part.tolist(), drop_duties=False)
        if found is None and relax:
            found = thinned(list(range(len(whole))), drop_duties=True)
        if found is None:
            raise _refusal(problem.crews[row], max(asked), duties=bool(fixed.any()))
        left = found
        track = met(row, [whole[i] for i in left])[0]
        gone = sorted(
            set(range(len(whole))) - set(left),
            key=lambda i: -np.inf if fixed[i] else -worth[whole[i][0]],
        )
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


def _refusal(crew: Crew, metres: float, *, duties: bool) -> InfeasibleError:
    over = " over its duties" if duties else ""
    return InfeasibleError(
        f"shift {crew.shift.name!r}, crew {crew.number}: its way{over} comes nearer to another "
        f"crew than crew_distance={metres:g} m allows; ask for less, or give it other hours, "
        f"places or another depot{', or plan with relax=True' if duties else ''}.",
        shift=str(crew.shift.name), demand="crew_distance",
    )  # fmt: skip


def _walked(stepper: Stepper, row: int, order: Order) -> tuple[Track | None, Ints]:
    """Return a crew's track, and for which entry of the order each of its moves is made."""
    problem = stepper.problem
    steps = stepper.steps(row, order)
    line = timeline(problem, row, steps)
    moved = line.source >= 0
    source = line.source[moved]
    if len(source) == 0:
        return None, steps.task[source]
    zero = round((problem.clock - pd.Timestamp(0, tz="UTC")).total_seconds() * 1000)
    lines = problem.streets.segments.geometry.array[steps.segment[source]]
    clock = (zero + line.arrive[moved], zero + line.depart[moved])
    return track_of(np.asarray(lines), steps.forward[source], *clock), steps.task[source]


def _turned(stepper: Stepper, row: int, order: Order) -> Order | None:
    """Return the order walked the other way round, if that keeps every other rule."""
    crew = stepper.problem.crews[row]
    if crew.start != crew.end or crew.shift.mode != "walk":
        return None
    turned = [(segment, not forward) for segment, forward in reversed(order)]
    steps = stepper.steps(row, turned)
    return None if steps.shut_out or steps.used > crew.budget else turned
