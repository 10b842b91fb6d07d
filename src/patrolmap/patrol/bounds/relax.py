"""The bound by a linear program: rows are added until they no longer help, or time is up."""

import logging

import numpy as np

from patrolmap.patrol.bounds.branch import branch_and_bound
from patrolmap.patrol.bounds.case import Case
from patrolmap.patrol.bounds.columns import Columns, make_columns
from patrolmap.patrol.bounds.cuts import Cutter, Row, compile_kernels, make_cutter
from patrolmap.patrol.bounds.lp import Clock, GrowingProgram, stack_rows
from patrolmap.patrol.bounds.reach import KM, Reach, make_reach
from patrolmap.patrol.bounds.reduce import Small, reduce_case

log = logging.getLogger(__name__)

LOOK_BACK = 8  # rounds
LEAST_GAIN = {"fast": 0.002, "tight": 0.00002}  # of the bound, in so many rounds
WORK = {"fast": 200_000, "tight": 1_000_000_000}  # rounds times streets, so that cities end too
LEAST_ROUNDS = 6
IDLE = 8  # solves that a row may be useless in before it goes
REACH_EVERY = 4  # rounds: rows about reach are few and dear


def linear_bound(
    case: Case, *, seconds: float = np.inf, effort: str = "fast", collected: float = 0.0
) -> float:
    """Return a prize that no walks of a case can exceed.

    Parameters
    ----------
    seconds
        About how long it may take, by the wall; less is taken where more would not help. Without
        a limit, equal cases get equal bounds.
    effort
        "fast" stops when rows help little; "tight" goes on, and then branches.
    collected
        A prize that some walks are known to collect: branching need not look below it.
    """
    compile_kernels()
    clock = Clock(seconds)
    small = reduce_case(case)
    columns = make_columns(case, small)
    if len(columns.prize) == 0:
        return 0.0
    reach = make_reach(case, small)
    most = columns.most if reach is None else reach.within(columns)
    program = GrowingProgram(columns.prize, most, stack_rows(_base_rows(case, small, columns)))
    cutter = make_cutter(case, small, columns)
    best, done = _add_rows(program, columns, cutter, reach, clock, effort)
    if effort == "tight" and done and clock.left() > 0:
        best = min(best, branch_and_bound(program, columns, cutter, clock, collected))
    return best


def _base_rows(case: Case, small: Small, columns: Columns) -> list[Row]:
    """Return the budget, and for each earning street: it is walked one number of times."""
    everything = np.arange(len(columns.prize))
    metres = columns.times * small.length[columns.street] * KM
    rows: list[Row] = [(everything, metres, case.room * KM)]
    for street in np.flatnonzero(small.segment >= 0):
        mine = np.arange(columns.first[street], columns.first[street + 1])
        levels = mine[columns.level[mine]]
        rows.append((levels, np.ones(len(levels)), 1.0))
        if len(levels) < len(mine):  # only who has come so often may come oftener
            most = -columns.most[mine[-1]]
            rows.append((mine[-3:], np.array([most, most, 1.0]), 0.0))
    return rows


def _add_rows(
    program: GrowingProgram,
    columns: Columns,
    cutter: Cutter,
    reach: Reach | None,
    clock: Clock,
    effort: str,
) -> tuple[float, bool]:
    """Return the best bound, and whether no more rows were found that help."""
    least_gain, rounds = LEAST_GAIN[effort], WORK[effort] // (len(columns.first) - 1)
    best: float = np.inf
    history: list[float] = []
    while True:
        bound, solved = program.solve(clock.left())
        best = min(best, bound)
        history.append(best)
        if not solved or clock.left() <= 0:
            return best, False
        rows = cutter.broken(program.x)
        if reach is not None and (len(history) % REACH_EVERY == 1 or not rows):
            rows += reach.broken(columns, program.x)
        if not rows:
            log.debug("bound %.6g after %d rounds: no broken row", best, len(history))
            return best, True
        stalled = len(history) > LOOK_BACK and _gain(history) < least_gain
        if stalled or len(history) >= max(rounds, LEAST_ROUNDS):
            log.debug("bound %.6g after %d rounds: enough", best, len(history))
            return best, True
        if len(history) % LOOK_BACK == 0:
            program.drop_idle(IDLE)
        program.add(stack_rows(rows))


def _gain(history: list[float]) -> float:
    before = history[-1 - LOOK_BACK]
    return (before - history[-1]) / before if before > 0 else 0.0
