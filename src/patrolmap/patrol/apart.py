"""Routes of crews that keep their distance on the move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from patrolmap.errors import InfeasibleError
from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.steps import Stepper
from patrolmap.patrol.tracks import Track, walked
from patrolmap.patrol.whereabouts import Whereabouts

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Bools = npt.NDArray[np.bool_]

TRIES = 30  # entries left out that are tried again
STARTS = 8  # parts of a route that are tried where its duties are in the way of another crew
DETOURS, FEWER = 200, 20  # ways there by other streets that are tried then; in haste
DETOURED = 0.6  # of the duties, that have a street drawn before them


def keep_apart(
    problem: Problem,
    orders: Sequence[Order],
    keeper: Keeper,
    stepper: Stepper,
    *,
    relax: bool = False,
    haste: Haste = AT_LEISURE,
) -> Spacer:
    """Return the spacer that has the orders, made crew after crew, of walks that keep apart.

    Each crew yields to those before it: it leaves out what it is about when it comes nearer than
    `crew_distance`, until it does not, or goes to its duties by other streets; the `keeper` says
    whether it keeps its other rules. What it owes stays, but with `relax`. Who is late, as `haste`
    says, leaves out what it must at once.

    Raises
    ------
    InfeasibleError
        Where only duties are left of a route, and it still comes too near.
    """
    spacer = Spacer(problem, keeper, stepper, relax=relax)
    parts = haste.parted(len(orders))
    for row, (order, part) in enumerate(zip(orders, parts, strict=True)):
        spacer.add(row, list(order), part.late)
    return spacer


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


class Spacer:
    """Takes the crews one after the other, each apart from those before it; `kept` are theirs."""

    def __init__(self, problem: Problem, keeper: Keeper, stepper: Stepper, *, relax: bool) -> None:
        self.problem, self.relax, self._keeper, self._stepper = problem, relax, keeper, stepper
        self._worths = problem.worth.max(axis=1, initial=0.0)
        self.kept: list[Order] = []
        self._where = Whereabouts(problem)

    def _worth(self, row: int) -> float:
        """Return what a row earns at most; a duty's place, which another crew sees to, nothing."""
        return float(self._worths[row]) if row < len(self._worths) else 0.0

    def add(self, row: int, order: Order, late: Callable[[], bool]) -> None:
        """Make a crew's order keep its distance, and keep it."""
        crew = self.problem.crews[row]
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
            metres = max(crew.rules.crew_distance for crew in self.problem.crews)
            raise _refusal(crew, metres, duties=duties)
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
            if not busy and self._keeper.fits(row, some):
                left, track = wider, again
        self.kept.append([order[i] for i in left])
        self._keeper.settle(row, self.kept[-1])
        self._where.put(row, track)

    def fits(self, row: int, order: Order) -> bool:
        """Return whether a walk keeps the rules of its crew, and its distance from all others."""
        return not self._met(row, order)[1] and (not order or self._keeper.fits(row, order))

    def settle(self, row: int, order: Order) -> None:
        """Keep another order of a crew."""
        self.kept[row] = order
        self._where.put(row, walked(self._stepper, row, order)[0])
        self._keeper.settle(row, order)

    def _met(self, row: int, order: Order) -> tuple[Track | None, list[int]]:
        """Return a crew's track, and the entries about which it is too near to others."""
        track, task = walked(self._stepper, row, order)
        if track is None:
            return None, []
        return track, task[self._where.steps_near(row, track)].tolist()

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
        return (wider, left) if self.fits(row, [wider[i] for i in left]) else (order, None)

    def _without_duties(self, row: int, order: Order, fixed: Bools) -> list[int] | None:
        """Leave out duties too."""
        left = np.flatnonzero(fixed).tolist()
        while left and not self.fits(row, [order[i] for i in left]):
            busy = self._met(row, [order[i] for i in left])[1]
            del left[min(range(len(left)), key=lambda n: abs(n - (busy[0] if busy else n)))]
        return left if self.fits(row, [order[i] for i in left]) else None

    def _without_free(
        self, row: int, order: Order, left: list[int], fixed: Bools, late: Callable[[], bool]
    ) -> list[int] | None:
        """Leave out entries that are no duties, until a walk is apart; None if it never is."""
        while True:
            some = [order[i] for i in left]
            busy = self._met(row, some)[1]
            if not busy and (not left or self._keeper.fits(row, some)):
                return left
            open_to = [n for n, i in enumerate(left) if not fixed[i]]
            if not open_to:
                return None
            if late():
                left = self._cut(row, order, left, fixed)
                return left if self.fits(row, [order[i] for i in left]) else None
            near = busy[0] if busy else len(left)
            del left[min(open_to, key=lambda n: abs(n - near))]

    def _cut(self, row: int, order: Order, left: list[int], fixed: Bools) -> list[int]:
        """Leave out about as few entries as will do, those first that are worth least."""
        free = sorted((i for i in left if not fixed[i]), key=lambda i: self._worth(order[i][0]))
        few, many = 0, len(free)
        while few < many:
            half = (few + many) // 2
            out = set(free[:half])
            if self.fits(row, [order[i] for i in left if i not in out]):
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
