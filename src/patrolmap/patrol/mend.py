"""Make walks keep the rules that a search does not know: what is too much is dropped.

A search knows turns on average and parks by the hour of a pass; the walk made from its order counts
every turn and goes round closed parks. Entries of the order that only earn are dropped, those of
the least prize first, until the walk keeps its shift, its duties, its parks and its corners.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap.errors import InfeasibleError
from patrolmap.patrol.apart import keep_apart
from patrolmap.patrol.arcs import Order
from patrolmap.patrol.haste import AT_LEISURE, Haste
from patrolmap.patrol.refill import refill
from patrolmap.patrol.search import SEARCHES
from patrolmap.patrol.steps import Stepper, Steps
from patrolmap.patrol.stop import written
from patrolmap.patrol.timeline import timeline
from patrolmap.patrol.turns import turns_cost
from patrolmap.patrol.untangle import untangled

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TRIES = 40  # entries dropped that are tried again
LOOKS, APART_LOOKS = 100, 500  # walks made and looked at to mend one; for its distance
LOOK, LOOK_METRE = 5e-4, 3e-8  # s that each takes, and more per metre that the crew may walk


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """A rule that a walk breaks, and which entries of its order to drop for it, if any may be."""

    rule: str
    said: str
    drop: list[int]
    owed: list[int]  # entries that are duties, one of which must go if nothing else may


def mend_orders(
    problem: Problem, orders: Sequence[Order], *, relax: bool = False, haste: Haste = AT_LEISURE
) -> list[Order]:
    """Return orders whose walks keep every rule of their crews.

    Duties are kept; only with `relax` they are dropped too, where nothing else is left to drop.
    Each crew gets its part of the time that `haste` knows; late ones drop what they must at once.

    Raises
    ------
    InfeasibleError
        If even the shortest way from a depot over its duties to the end depot breaks a rule; names
        rule and crew.
    """
    mender = _Mender(problem, orders, relax=relax)
    apart, unsure = _apart(problem), [_unsure(crew) for crew in problem.crews]
    parts = haste.parted(8)  # for their distance, half of the time for dropping
    first, turn, then, last = (parts[i] for i in (1, 2, 6, 7)) if apart else [haste] * 4
    for row, part in enumerate(first.parted(len(orders))):
        if unsure[row]:
            mender.settle(row, mender.mended(row, mender.orders[row], part.late))
    if not apart:
        rows = np.flatnonzero(unsure).tolist()
        haste = haste.parted(2)[0]  # half of what is left: other orders are to be mended too
        return refill(problem, mender.orders, mender, mender.stepper, rows=rows, haste=haste)
    mender.orders = untangled(problem, mender.orders, mender.stepper, mender.fits, haste=turn)
    spacer = keep_apart(problem, mender.orders, mender, mender.stepper, relax=relax, haste=then)
    return refill(problem, spacer.kept, spacer, mender.stepper, haste=last)


def mending_seconds(problem: Problem) -> float:
    """Return about how long it takes to mend the orders of a search, on an office machine."""
    times = LOOKS * np.array([_unsure(crew) for crew in problem.crews])
    times += APART_LOOKS if _apart(problem) else 0
    look = [LOOK + LOOK_METRE * crew.budget / 1000 for crew in problem.crews]
    return float(SEARCHES * (times * look).sum())


def _apart(problem: Problem) -> bool:
    """Return whether crews have to keep a distance."""
    return any(crew.rules.crew_distance > 0 for crew in problem.crews)


def _unsure(crew: Crew) -> bool:
    """Return whether a crew has rules that the search may break."""
    rules = crew.rules
    by_the_clock = rules.no_parks_after is not None
    return turns_cost(rules) or by_the_clock or rules.corner_passes is not None


def duty_rows(problem: Problem, row: int) -> dict[int, int]:
    """Return the rows of orders that are places of duties of a crew, and which duties."""
    duties = problem.standing.duties
    return {
        place: i
        for place, i, _ in problem.standing.rows(len(problem.prize))
        if duties[i].crews[0] <= row < duties[i].crews[1]
    }


class _Mender:
    """Mends crew after crew; `orders` are the mended ones, and as given of those to come."""

    def __init__(self, problem: Problem, orders: Sequence[Order], *, relax: bool) -> None:
        self.problem, self.relax, self.stepper = problem, relax, Stepper(problem)
        self.orders: list[Order] = [list(order) for order in orders]
        self._duties = [duty_rows(problem, row) for row in range(len(problem.crews))]

    def settle(self, row: int, order: Order) -> None:
        """Keep the order of a crew; those after it may rely on it."""
        self.orders[row] = order

    def owed(self, row: int, order: Order) -> Bools:
        """Return which entries of an order are duties that no other crew has in its order.

        What a shift must visit is visited by one of its crews: where two have it, one may drop it.
        """
        mine = {entry for entry, _ in order} & self._duties[row].keys()
        if not mine:
            return np.zeros(len(order), dtype=np.bool_)
        others = {
            entry for i, other in enumerate(self.orders) if i != row for entry, _ in other
            if entry in mine and self._duties[i].get(entry) == self._duties[row][entry]
        }  # fmt: skip
        return np.array([entry in mine - others for entry, _ in order], dtype=np.bool_)

    def mended(self, row: int, order: Order, late: Callable[[], bool]) -> Order:
        """Drop entries until the walk keeps its rules, then take back those that fit after all."""
        worth = self._worth(row, order)
        kept, cut = np.arange(len(order)), False
        while (fault := self._fault(row, order, kept, worth)) is not None:
            drop = fault.drop or (fault.owed[:1] if self.relax else [])
            if not drop:
                raise _refusal(self.problem.crews[row], fault, bare=not fault.owed)
            if late() and not cut:
                kept, cut = self._cut(row, order, kept, worth), True
            else:
                kept = np.delete(kept, drop)
        dropped = np.setdiff1d(np.arange(len(order)), kept)
        for entry in dropped[np.argsort(-worth[dropped], kind="stable")][:TRIES].tolist():
            if late():
                break
            wider = np.sort(np.append(kept, entry))
            if self._fault(row, order, wider, worth) is None:
                kept = wider
        return [order[i] for i in kept.tolist()]

    def _cut(self, row: int, order: Order, kept: Ints, worth: Floats) -> Ints:
        """Drop about as few entries as will do, those first that are worth least for their time."""
        some = [order[i] for i in kept.tolist()]
        saved = self._saved(row, some, self.stepper.steps(row, some))
        rate = worth[kept] / np.maximum(saved, 1)
        free = np.argsort(rate, kind="stable")[: int(np.isfinite(rate).sum())]
        few, many = 0, len(free)
        while few < many:
            half = (few + many) // 2
            if self._fault(row, order, np.delete(kept, free[:half]), worth) is None:
                many = half
            else:
                few = half + 1
        return np.delete(kept, free[:many])

    def fits(self, row: int, order: Order) -> bool:
        """Return whether a walk keeps the rules of its crew."""
        return self._fault(row, order, np.arange(len(order)), self._worth(row, order)) is None

    def _worth(self, row: int, order: Order) -> Floats:
        """Return the most that each entry earns; duties are worth more than all."""
        problem, rows = self.problem, np.array([entry for entry, _ in order], dtype=np.int64)
        earns = problem.groups[problem.crews[row].group].earns
        earns = np.append(earns, np.ones(problem.standing.n_earning, dtype=bool))
        known = rows < len(earns)
        best = np.full(len(rows), np.inf)
        best[known] = problem.worth[rows[known]].max(axis=1, initial=0.0) * earns[rows[known]]
        best[self.owed(row, order)] = np.inf
        return best

    def _fault(self, row: int, order: Order, kept: Ints, worth: Floats) -> _Fault | None:
        """Return what a walk breaks first; None if it keeps all rules."""
        crew, worth = self.problem.crews[row], worth[kept]
        some = [order[i] for i in kept.tolist()]
        steps = self.stepper.steps(row, some)
        free = np.isfinite(worth)
        if steps.shut_out:
            owed = np.flatnonzero(~free).tolist()
            return _Fault(
                rule="no_parks_after", said="", drop=_nearest(steps.shut_out, free), owed=owed
            )
        late, at, said = self._late(row, some, steps)
        if late > 0:
            drop = self._too_late(row, some, steps, worth, late, at)
            owed = sorted(
                np.flatnonzero(~free).tolist(),
                key=lambda i: (i != at, -self._stand_ms(row, some[i][0])),
            )
            return _Fault(rule="turn_cost", said=said, drop=drop, owed=owed)
        return self._crowded(crew, some, steps, worth)

    def _stand_ms(self, row: int, entry: int) -> int:
        stand = self.stepper.stands(row).get(entry)
        return 0 if stand is None else stand.ms

    def _late(self, row: int, order: Order, steps: Steps) -> tuple[int, int, str]:
        """Return by how many millimetres a walk is too long, up to which entry, and for what."""
        crew, stands = self.problem.crews[row], self.stepper.stands(row)
        line = timeline(self.problem, row, steps)
        standing = np.flatnonzero(steps.segment >= len(self.problem.prize))
        for i in standing.tolist():
            stand = stands[int(steps.segment[i])]
            if (late := int(line.begun[i]) - stand.closes) > 0:
                duty = self.problem.standing.duties[stand.duty]
                said = f"too long for its {duty.said} ({duty.rule})"
                return int(np.ceil(late * crew.speed / 1000)), int(steps.task[i]), said
        end = round((crew.begin + crew.shift.seconds) * 1000)
        late = int(line.depart[-1]) - end if len(line.depart) else 0
        over = max(int(np.ceil(late * crew.speed / 1000)), steps.used - crew.budget)
        said = f"{steps.used / crew.speed:,.0f} s of {written(crew.shift.seconds)}"
        return over, len(order), said

    def _too_late(
        self, row: int, order: Order, steps: Steps, worth: Floats, over: int, at: int
    ) -> list[int]:
        """Return entries up to one that save as much time as is over, and lose little."""
        free = np.flatnonzero(np.isfinite(worth[:at]))
        if len(free) == 0:
            return []
        saved = self._saved(row, order, steps)
        rate = np.where(saved > 0, worth / np.maximum(saved, 1), np.inf)
        if not (saved[free] > 0).any():
            return [int(free[np.argmin(worth[free])])]
        drop: list[int] = []
        for i in free[np.argsort(rate[free], kind="stable")].tolist():
            if saved[i] <= 0 or i - 1 in drop or i + 1 in drop:
                continue  # what a neighbour saves changes with it
            drop.append(i)
            over -= int(saved[i])
            if over <= 0:
                break
        return drop

    def _saved(self, row: int, order: Order, steps: Steps) -> Ints:
        """Return about how many mm each entry costs: its leg and the next, less a leg past."""
        n = len(order)
        block = np.bincount(steps.task, steps.mm, n + 1).astype(np.int64)
        own = np.zeros(n + 1, dtype=np.int64)
        own[steps.task[steps.wanted]] = steps.mm[steps.wanted]
        legs = block - own
        past = self.stepper.legs_past(self.problem.crews[row], order)
        saved: Ints = np.where(past >= 0, block[:-1] + legs[1:] - past, 0)
        return saved

    def _crowded(self, crew: Crew, order: Order, steps: Steps, worth: Floats) -> _Fault | None:
        """Return the entry to drop where the crew comes by one corner too often."""
        most = crew.rules.corner_passes
        moving = steps.segment < len(self.problem.prize)
        node = steps.node[moving]
        if most is None or not len(node):
            return None
        crowded = np.bincount(node, minlength=1)[node] > most
        if not crowded.any():
            return None
        task = np.minimum(steps.task[moving][crowded], max(len(order) - 1, 0))
        times = np.bincount(task, minlength=len(order))[: len(order)]
        free = np.isfinite(worth)
        drop: list[int] = []
        if free.any():
            among = free & (times > 0) if (free & (times > 0)).any() else free
            rate = np.where(among, worth / np.maximum(times, 1), np.inf)
            drop = [int(np.argmin(rate))]
        owed = sorted(np.flatnonzero(~free).tolist(), key=lambda i: -times[i])
        return _Fault(rule="corner_passes", said="", drop=drop, owed=owed)


def _nearest(shut_out: Sequence[int], free: Bools) -> list[int]:
    """Return the entries that cannot be done, or those nearest to them that may be dropped."""
    some = np.flatnonzero(free)
    if len(some) == 0:
        return []
    return sorted({int(some[np.argmin(np.abs(some - i))]) for i in shut_out})


def _refusal(crew: Crew, fault: _Fault, *, bare: bool) -> InfeasibleError:
    """Say which rule of a crew cannot be kept, even by a walk over nothing but its duties."""
    shift, rules = crew.shift, crew.rules
    me = f"shift {shift.name!r}, crew {crew.number}"
    duties = "" if bare else ", over its duties"
    more = "" if bare else " Or plan with relax=True, which leaves out duties."
    if fault.rule == "no_parks_after":
        said = (
            f"{me}: parks are closed from {rules.no_parks_after} to {rules.parks_open} "
            "(no_parks_after), and its depots"
            f"{'' if bare else ' and duties'} cannot be reached but through one; give it another "
            "depot, or other hours."
        )
    elif fault.rule == "corner_passes":
        said = (
            f"{me}: the way to its end depot{duties} passes a corner more than corner_passes="
            f"{rules.corner_passes} times; allow more."
        )
    else:
        costs = f"turn_cost={rules.turn_cost:g} and u_turn_cost={rules.u_turn_cost:g}"
        said = (
            f"{me}: with {costs} the way to its end depot{duties} takes {fault.said}; "
            "give it more time, or lower costs."
        )
    return InfeasibleError(said + more, shift=str(shift.name), demand=fault.rule)
