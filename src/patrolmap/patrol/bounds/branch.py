"""Branch and bound on a program whose rows no longer help: tighter, where time allows."""

import heapq
import logging

import numpy as np

from patrolmap.patrol.bounds.case import Floats, Ints
from patrolmap.patrol.bounds.columns import Columns
from patrolmap.patrol.bounds.cuts import Cutter, Row
from patrolmap.patrol.bounds.lp import Clock, GrowingProgram, stack_rows

log = logging.getLogger(__name__)

WHOLE = 1e-4  # x as near as this to a whole number counts as one
TRIALS = 6  # questions whose two answers are both tried before one is asked
STEPS = 60  # of the solver in a trial
ROUNDS = 8  # of new rows at a node
DEAR = 1000.0  # of all prizes together
CLOSE = 1e-6  # of the bound: near enough
DROP_EVERY = 50  # nodes
IDLE = 3  # solves that a row may have been useless in, to be taken along

# A question is a group of unknowns of one street; the answer: none of them is used, or one.
Answers = dict[int, bool]


def branch_and_bound(
    program: GrowingProgram, columns: Columns, cutter: Cutter, clock: Clock, collected: float
) -> float:
    """Return the least bound proved until time is up.

    Best first: the open node with the highest bound is split, so its bound is that of all.
    Asked is whether a street is walked at all, or an odd number of times: the question, of a few,
    whose two answers cost most (strong branching). Rows found at one node hold at all of them.

    `collected` is a prize known to be possible: no node that promises less is looked at.
    """
    tree = _Tree(program, columns, cutter, clock)
    bound, x = tree.look({}, np.inf)
    floor, count = collected, 0
    tree.fix(bound, floor)
    nodes: list[tuple[float, int, Answers, Floats]] = [(-bound, 0, {}, x)]
    while nodes and clock.left() > 0:
        bound, _, answers, x = nodes[0]
        bound = -bound
        if bound <= floor * (1 + CLOSE):
            break
        heapq.heappop(nodes)
        question = tree.question(answers, x)
        if question is None:  # all whole: a walk of the relaxed problem
            floor = max(floor, bound)
            continue
        for answer in (True, False):
            asked = answers | {question: answer}
            bound_here, x = tree.look(asked, bound)
            count += 1
            if bound_here > floor:
                heapq.heappush(nodes, (-bound_here, count, asked, x))
        log.debug("%d nodes, bound %.6g", count, bound)
    return max(floor, -nodes[0][0]) if nodes else floor


class _Tree:
    """Solves nodes; question q < e: is street q walked? question e + q: an odd number of times?

    One more unknown, dear enough never to be wanted, stands in for what an answer asks and no
    walk can do; so every node has a bound, the impossible ones a very low one.
    """

    def __init__(
        self, program: GrowingProgram, columns: Columns, cutter: Cutter, clock: Clock
    ) -> None:
        self.columns, self.cutter, self.clock = columns, cutter, clock
        self.n, self.n_streets = len(columns.prize), len(columns.first) - 1
        self.low, self.high = program.low.copy(), program.high.copy()
        self.looks = 0
        dear = -DEAR * float((program.prize * program.high).sum())
        rows: list[Row] = []
        for street in range(self.n_streets):  # says, if its limit is -1: it is walked
            levels = np.append(self._unknowns(street), self.n)
            rows.append((levels, -np.ones(len(levels)), 0.0))
        for street in range(self.n_streets):  # one number of times, where nothing is earned too
            levels = self._unknowns(street)
            rows.append((levels, np.ones(len(levels)), 1.0))
        prize, high = np.append(program.prize, dear), np.append(program.high, 1.0)
        self.program = GrowingProgram(prize, high, stack_rows(rows))
        self.program.add(program.rows(IDLE))
        self.program.n_lasting += program.n_lasting

    def _unknowns(self, question: int) -> Ints:
        street = question % self.n_streets
        mine = np.arange(self.columns.first[street], self.columns.first[street + 1])
        wanted = self.columns.level if question < self.n_streets else self.columns.odd
        return mine[wanted[mine]]

    def _answer(self, answers: Answers) -> None:
        low, high = np.append(self.low, 0.0), np.append(self.high, 1.0)
        limit = np.zeros(self.n_streets)
        for question, yes in answers.items():
            street, unknowns = question % self.n_streets, self._unknowns(question)
            if not yes:
                high[unknowns] = 0.0
                continue
            limit[street] = -1.0
            if question >= self.n_streets:  # odd: neither an even number nor none
                high[np.setdiff1d(self._unknowns(street), unknowns)] = 0.0
        self.program.set_bounds(np.minimum(low, high), high)
        self.program.set_limits(0, limit)

    def fix(self, bound: float, floor: float) -> None:
        """Fix unknowns that no walk worth more than `floor` can have otherwise.

        Call it right after a look at the root: it reads off what leaving an unknown's bound costs.
        """
        rest = self.program.rest[: self.n]
        self.high = np.where(bound + rest < floor, self.low, self.high)
        self.low = np.where(self.columns.level & (bound - rest < floor), self.high, self.low)

    def look(self, answers: Answers, parent: float) -> tuple[float, Floats]:
        """Return a node's bound and answer after some rounds of new rows."""
        self._answer(answers)
        best, x = parent, np.empty(0)
        for _ in range(ROUNDS):
            bound, solved = self.program.solve(self.clock.left())
            best = min(best, bound)
            if not solved:
                break
            x = self.program.x[: self.n]
            rows = self.cutter.broken(x)
            if not rows:
                break
            self.program.add(stack_rows(rows))
        self.looks += 1
        if self.looks % DROP_EVERY == 0:
            self.program.drop_idle(DROP_EVERY)
        return best, x

    def question(self, answers: Answers, x: Floats) -> int | None:
        """Return the question whose answers cost most, or None where all unknowns are whole."""
        if len(x) == 0:  # time was up
            self._answer(answers)
            self.program.solve(self.clock.left())
            x = self.program.x[: self.n]
        served = self.columns.total(self.columns.of_level, x)
        odd = self.columns.total(self.columns.odd.astype(np.float64), x)
        value = np.concatenate([served, odd])
        part = np.minimum(value, 1 - value)
        part[list(answers)] = 0.0
        worth = self.columns.total(self.columns.prize * (x > 0), x)
        scale = np.concatenate([1 + worth / max(worth.max(), 1e-300)] * 2)
        score = np.where(part > WHOLE, part * scale, 0.0)
        order = np.argsort(-score, kind="stable")[:TRIALS]
        order = order[score[order] > 0]
        if len(order) == 0:
            return None
        best, chosen = -np.inf, int(order[0])
        for question in order.tolist():
            if self.clock.left() <= 0:
                break
            costs = []
            for answer in (True, False):
                self._answer(answers | {question: answer})
                costs.append(self.program.solve(self.clock.left(), STEPS)[0])
            # the better answer matters most, then the other
            cost = -(max(costs) + 0.1 * min(costs))
            if cost > best:
                best, chosen = cost, question
        return chosen
