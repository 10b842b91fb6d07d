"""How near two crews on the move come to each other, and routes that keep their distance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap.errors import InfeasibleError
from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.timeline import timeline

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem
    from patrolmap.patrol.rules import PatrolRules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TRIES = 30  # entries left out that are tried again
STARTS = 8  # parts of a route that are tried where its duties are in the way of another crew
DETOURS, FEWER = 200, 20  # ways there by other streets that are tried then; in haste
DETOURED = 0.6  # of the duties, that have a street drawn before them
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
    near = _distance(one.xy[a], other.xy[b]) < metres
    a, b = a[near], b[near]
    asked = np.ones(len(a), dtype=bool)
    for place in np.concatenate([one.meets, other.meets]):
        for xy in (one.xy[a], other.xy[b]):
            asked &= _distance(xy, place) >= metres
    rows: Ints = a[asked]
    return rows


def _distance(one: Floats, other: Floats) -> Floats:
    difference = one - other
    out: Floats = np.hypot(difference[..., 0], difference[..., 1])
    return out


def keep_apart(
    problem: Problem,
    orders: Sequence[Order],
    keeper: Keeper,
    *,
    relax: bool = False,
    haste: Haste = AT_LEISURE,
) -> list[Order]:
    """Return orders whose walks keep `crew_distance`, crew after crew.

    Each crew yields to those before it: it walks its order the other way round where that meets
    them less often, then leaves out what it is about when it comes too near, until it does not, or
    goes to its duties by other streets; the `keeper` says whether it keeps its other rules. What it
    owes stays, but with `relax`. Who is late, as `haste` says, leaves out what it must at once.

    Raises
    ------
    InfeasibleError
        Where only duties are left of a route, and it still comes too near.
    """
    if all(crew.rules.crew_distance == 0 for crew in problem.crews):
        return list(orders)
    spacer = _Spacer(problem, keeper, relax=relax)
    parts = haste.parted(len(orders))
    for row, (order, part) in enumerate(zip(orders, parts, strict=True)):
        spacer.add(row, list(order), part.late)
    return spacer.kept


class Keeper(Protocol):
    """Knows all other rules of the crews."""

    def fits(self, row: int, order: Order) -> bool:
        """Return whether a walk keeps the rules of its crew."""
        ...

    def owed(self, row: int, order: Order) -> Bools:
        """Return which entries of an order are duties that no other crew has."""
        ...

    def settle(self, row: int, order: Order) -> None:
        """Keep the order of a crew."""
        ...


class _Spacer:
    """Takes the crews one after the other, each apart from those before it."""

    def __init__(self, problem: Problem, keeper: Keeper, *, relax: bool) -> None:
        self.problem, self.relax, self._keeper, self._fits = problem, relax, keeper, keeper.fits
        self._stepper = Stepper(problem)
        self._asked = [crew.rules.crew_distance for crew in problem.crews]
        self._worths = problem.worth.max(axis=1, initial=0.0)
        self.kept: list[Order] = []
        self._tracks: list[Track | None] = []

    def _worth(self, row: int) -> float:
        """Return what a row earns at most; a duty's place, which another crew sees to, nothing."""
        return float(self._worths[row]) if row < len(self._worths) else 0.0

    def add(self, row: int, order: Order, late: Callable[[], bool]) -> None:
        """Make a crew's order keep its distance, and keep it."""
        crew = self.problem.crews[row]
        _, busy = self._met(row, order)
        if busy and (turned := _turned(self._stepper, row, order)) is not None:
            less = self._met(row, turned)[1]
            if len(less) < len(busy) and self._fits(row, turned):
                order = turned
        fixed = self._keeper.owed(row, order)
        left = self._thinned(row, order, fixed, late)
        for number in range(DETOURS if crew.shift.mode == "walk" else 0):
            if left is not None or (number >= FEWER and late()):
                break
            order, left = self._detoured(row, order, fixed, number)
            fixed = self._keeper.owed(row, order)
        if left is None and self.relax:
            left = self._without_duties(row, order, fixed)
        if left is None:
            duties = bool(fixed.any()) and not self.relax
            raise _refusal(crew, max(self._asked), duties=duties)
        track, _ = self._met(row, [order[i] for i in left])
        without = sorted(
            set(range(len(order))) - set(left),
            key=lambda i: -np.inf if fixed[i] else -self._worth(order[i][0]),
        )
        for entry in without[:TRIES]:
            if late():
                break
            wider = sorted([*left, entry])
            some = [order[i] for i in wider]
            again, busy = self._met(row, some)
            if not busy and self._fits(row, some):
                left, track = wider, again
        self.kept.append([order[i] for i in left])
        self._keeper.settle(row, self.kept[-1])
        self._tracks.append(track)

    def _met(self, row: int, order: Order) -> tuple[Track | None, list[int]]:
        """Return a crew's track, and the entries about which it is too near to others."""
        track, task = _walked(self._stepper, row, order)
        if track is None:
            return None, []
        steps = [
            track.step[too_near(track, other, max(self._asked[row], self._asked[i]))]
            for i, other in enumerate(self._tracks)
            if other is not None
        ]
        found = np.sort(np.concatenate(steps)) if steps else np.zeros(0, dtype=np.int64)
        return track, task[found].tolist()

    def _good(self, row: int, order: Order) -> bool:
        return not self._met(row, order)[1] and (not order or self._fits(row, order))

    def _thinned(
        self, row: int, order: Order, fixed: Bools, late: Callable[[], bool]
    ) -> list[int] | None:  # fmt: skip
        """Return the entries that are left of an order that is apart from others, if any are."""
        spread = np.random.default_rng(row)
        for attempt in range(1 + (STARTS if fixed.any() else 0)):  # duties at other moments
            share = 1 - attempt / (STARTS + 1)
            some = np.flatnonzero(fixed | (spread.random(len(order)) < share))
            found = self._without_free(row, order, some.tolist(), fixed, late)
            if found is not None:
                return found
        return None

    def _detoured(
        self, row: int, order: Order, fixed: Bools, number: int
    ) -> tuple[Order, list[int] | None]:
        """Go to the duties by way of streets drawn at random; None where others are met so too.

        Returns the order with those streets in it, and what is left of it.
        """
        random = np.random.default_rng([row, number])
        crew, trips = self.problem.crews[row], self.problem.round_trips[row]
        n = len(self.problem.prize)
        near = crew.budget * random.uniform(0.1, 1.0)
        streets = np.flatnonzero(self.problem.reachable[row][:n] & (trips[:n] <= near))
        wider: list[tuple[int, bool]] = []
        left = []
        for at in range(len(order) + 1):
            last = at == len(order)
            if (last or fixed[at]) and len(streets) and random.random() < DETOURED:
                left.append(len(wider))
                wider.append((int(random.choice(streets)), bool(random.random() < 0.5)))
            if not last:
                if fixed[at]:
                    left.append(len(wider))
                wider.append(order[at])
        return (wider, left) if self._good(row, [wider[i] for i in left]) else (order, None)

    def _without_duties(self, row: int, order: Order, fixed: Bools) -> list[int] | None:
        """Leave out duties too."""
        left = np.flatnonzero(fixed).tolist()
        while left and not self._good(row, [order[i] for i in left]):
            busy = self._met(row, [order[i] for i in left])[1]
            del left[min(range(len(left)), key=lambda n: abs(n - (busy[0] if busy else n)))]
        return left if self._good(row, [order[i] for i in left]) else None

    def _without_free(
        self, row: int, order: Order, left: list[int], fixed: Bools, late: Callable[[], bool]
    ) -> list[int] | None:
        """Leave out entries that are no duties, until a walk is apart; None if it never is."""
        while True:
            some = [order[i] for i in left]
            busy = self._met(row, some)[1]
            if not busy and (not left or self._fits(row, some)):
                return left
            open_to = [n for n, i in enumerate(left) if not fixed[i]]
            if not open_to:
                return None
            if late():
                left = self._cut(row, order, left, fixed)
                return left if self._good(row, [order[i] for i in left]) else None
            near = busy[0] if busy else len(left)
            del left[min(open_to, key=lambda n: abs(n - near))]

    def _cut(self, row: int, order: Order, left: list[int], fixed: Bools) -> list[int]:
        """Leave out about as few entries as will do, those first that are worth least."""
        free = sorted((i for i in left if not fixed[i]), key=lambda i: self._worth(order[i][0]))
        few, many = 0, len(free)
        while few < many:
            half = (few + many) // 2
            out = set(free[:half])
            if self._good(row, [order[i] for i in left if i not in out]):
                many = half
            else:
                few = half + 1
        out = set(free[:many])
        return [i for i in left if i not in out]


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
    lines = stepper.lines[steps.segment[source]]
    clock = (zero + line.arrive[moved], zero + line.depart[moved])
    stands = np.cumsum(moved, dtype=np.int64)[by_duty(problem.crews[row].rules, line.activity)]
    return track_of(lines, steps.forward[source], *clock, stands), steps.task[source]


def _turned(stepper: Stepper, row: int, order: Order) -> Order | None:
    """Return the order walked the other way round, if that keeps every other rule."""
    crew = stepper.problem.crews[row]
    if crew.start != crew.end or crew.shift.mode != "walk":
        return None
    turned = [(segment, not forward) for segment, forward in reversed(order)]
    steps = stepper.steps(row, turned)
    return None if steps.shut_out or steps.used > crew.budget else turned
