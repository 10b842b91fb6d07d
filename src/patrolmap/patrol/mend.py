"""Make walks keep the rules that a search does not know: what is too much is dropped.

A search knows turns on average and parks by the hour of a pass; the walk made from its order counts
every turn and goes round closed parks. Entries of the order are dropped, those of the least prize
first, until the walk keeps its shift, its parks and its corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from patrolmap.errors import InfeasibleError
from patrolmap.patrol.apart import keep_apart
from patrolmap.patrol.steps import Order, Stepper, Steps
from patrolmap.patrol.turns import turns_cost

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TRIES = 40  # entries dropped that are tried again


def mend_orders(problem: Problem, orders: Sequence[Order]) -> list[Order]:
    """Return orders whose walks keep every rule of their crews.

    Raises
    ------
    InfeasibleError
        If even the shortest way from a depot to the end depot breaks a rule; names rule and crew.
    """
    stepper = Stepper(problem)
    kept = [
        _mended(stepper, row, order) if _unsure(crew) else order
        for row, (crew, order) in enumerate(zip(problem.crews, orders, strict=True))
    ]
    return _apart(problem, stepper, kept)


def _apart(problem: Problem, stepper: Stepper, orders: list[Order]) -> list[Order]:
    """Keep crews apart; a crew whose other rules break so stays where it is."""
    if all(crew.rules.crew_distance == 0 for crew in problem.crews):
        return orders

    def fits(row: int, order: Order) -> bool:
        if not order:
            return True
        if not _unsure(problem.crews[row]):
            return stepper.steps(row, order).used <= problem.crews[row].budget
        everything = np.arange(len(order))
        worth = _worth(problem, problem.crews[row], order)
        return len(_broken_by(stepper, row, order, everything, worth)) == 0

    return keep_apart(problem, orders, fits)


def _unsure(crew: Crew) -> bool:
    """Return whether a crew has rules that the search may break."""
    rules = crew.rules
    by_the_clock = rules.no_parks_after is not None
    return turns_cost(rules) or by_the_clock or rules.corner_passes is not None


def _mended(stepper: Stepper, row: int, order: Order) -> Order:
    """Drop entries until the walk keeps its rules, then take back those that fit after all."""
    crew = stepper.problem.crews[row]
    worth = _worth(stepper.problem, crew, order)
    kept = np.arange(len(order))
    while len(drop := _broken_by(stepper, row, order, kept, worth)):
        kept = np.delete(kept, drop)
    dropped = np.setdiff1d(np.arange(len(order)), kept)
    for entry in dropped[np.argsort(-worth[dropped], kind="stable")][:TRIES].tolist():
        wider = np.sort(np.append(kept, entry))
        if len(_broken_by(stepper, row, order, wider, worth)) == 0:
            kept = wider
    return [order[i] for i in kept.tolist()]


def _broken_by(stepper: Stepper, row: int, order: Order, kept: Ints, worth: Floats) -> list[int]:
    """Return which of the kept entries to drop; none if their walk keeps all rules."""
    crew = stepper.problem.crews[row]
    some = [order[i] for i in kept.tolist()]
    steps = stepper.steps(row, some)
    drop = _too_much(stepper, crew, some, steps, worth[kept])
    if drop and not some:
        raise InfeasibleError(_refusal(crew, steps))
    return drop


def _too_much(stepper: Stepper, crew: Crew, order: Order, steps: Steps, worth: Floats) -> list[int]:
    """Return entries to drop now; [0] for an empty order that breaks a rule, [] if all is well."""
    if steps.shut_out:
        return sorted(set(steps.shut_out))
    over = steps.used - crew.budget
    if over > 0:
        return _late(stepper, crew, order, steps, worth, over) if order else [0]
    return _crowded(stepper.problem, crew, order, steps, worth)


def _worth(problem: Problem, crew: Crew, order: Order) -> Floats:
    rows = np.array([row for row, _ in order], dtype=np.int64)
    earns = problem.groups[crew.group].earns[rows]
    best: Floats = problem.prize[rows].max(axis=1, initial=0.0) * earns
    return best


def _late(
    stepper: Stepper, crew: Crew, order: Order, steps: Steps, worth: Floats, over: int
) -> list[int]:
    """Return entries that save as much time as the walk is too long, and lose little."""
    saved = _saved(stepper, crew, order, steps)
    rate = np.where(saved > 0, worth / np.maximum(saved, 1), np.inf)
    if not (saved > 0).any():
        return [int(np.argmin(worth))]
    drop: list[int] = []
    for i in np.argsort(rate, kind="stable").tolist():
        if saved[i] <= 0 or i - 1 in drop or i + 1 in drop:
            continue  # what a neighbour saves changes with it
        drop.append(i)
        over -= int(saved[i])
        if over <= 0:
            break
    return drop


def _saved(stepper: Stepper, crew: Crew, order: Order, steps: Steps) -> Ints:
    """Return about how many millimetres each entry costs: its leg and the next, less a leg past."""
    n = len(order)
    block = np.bincount(steps.task, steps.mm, n + 1).astype(np.int64)
    own = np.zeros(n + 1, dtype=np.int64)
    own[steps.task[steps.wanted]] = steps.mm[steps.wanted]
    legs = block - own
    past = stepper.legs_past(crew, order)
    saved: Ints = np.where(past >= 0, block[:-1] + legs[1:] - past, 0)
    return saved


def _crowded(problem: Problem, crew: Crew, order: Order, steps: Steps, worth: Floats) -> list[int]:
    """Return the entry to drop where the crew comes by one corner too often."""
    most = crew.rules.corner_passes
    if most is None:
        return []
    tail, head = problem.streets.ends
    node = np.where(steps.forward, head[steps.segment], tail[steps.segment])
    crowded = np.bincount(node, minlength=1)[node] > most
    if not crowded.any():
        return []
    if len(order) == 0:
        return [0]
    task = np.minimum(steps.task[crowded], len(order) - 1)  # the way home is the last entry's
    times = np.bincount(task, minlength=len(order))
    return [int(np.argmin(np.where(times > 0, worth / np.maximum(times, 1), np.inf)))]


def _refusal(crew: Crew, steps: Steps) -> str:
    shift, rules = crew.shift, crew.rules
    me = f"shift {shift.name!r}, crew {crew.number}"
    if steps.shut_out:
        return (
            f"{me}: parks are closed from {rules.no_parks_after} to {rules.parks_open} "
            "(no_parks_after), and its depots cannot be reached but through one; give it another "
            "depot, or other hours."
        )
    if steps.used > crew.budget:
        return (
            f"{me}: with turn_cost={rules.turn_cost:g} and u_turn_cost={rules.u_turn_cost:g} the "
            f"way to its end depot takes {steps.used / crew.speed:,.0f} s of {shift.duration}; "
            "give it more time, or lower costs."
        )
    return (
        f"{me}: the way to its end depot passes a corner more than corner_passes="
        f"{rules.corner_passes} times; allow more."
    )
