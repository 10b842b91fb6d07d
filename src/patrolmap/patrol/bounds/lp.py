"""A linear program that grows row by row, and the bound that its multipliers prove."""

import importlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from patrolmap.patrol.bounds.case import Bools, Floats, Ints

MANY = 2_000_000_000
SAFETY = 1e-9  # of the sum of what is added up: rounding of doubles, and far more


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows `value[starts[i]:starts[i + 1]] . x[column[...]] <= limit[i]`."""

    starts: Ints
    column: Ints
    value: Floats
    limit: Floats

    def __len__(self) -> int:
        return len(self.limit)


def stack_rows(rows: list[tuple[Ints, Floats, float]]) -> Rows:
    """Make rows from a list of (columns, values, limit)."""
    starts = np.concatenate([[0], np.cumsum([len(column) for column, _, _ in rows])])
    return Rows(
        starts=starts.astype(np.int64),
        column=np.concatenate([column for column, _, _ in rows]).astype(np.int64),
        value=np.concatenate([value for _, value, _ in rows]).astype(np.float64),
        limit=np.array([limit for _, _, limit in rows], dtype=np.float64),
    )


class GrowingProgram:
    """Maximise prize . x over rows . x <= limit and low <= x <= high.

    `solve` returns a bound that holds whatever the solver did: for any multipliers m >= 0,
    `m . limit + sum(max over x of (prize - m . rows) * x)` is one (weak duality; Neumaier &
    Shcherbina 2004, doi 10.1007/s10107-003-0433-3). The solver only has to find good multipliers,
    so neither its tolerances nor a time limit can make the bound wrong.
    """

    def __init__(self, prize: Floats, high: Floats, lasting: Rows) -> None:
        self.prize, self.high, self.low = prize, high.copy(), np.zeros_like(high)
        self.scale = float(prize.max(initial=0.0)) or 1.0
        self.matrix = csr_array((0, len(prize)))
        self.limit = np.empty(0)
        self.idle = np.empty(0, dtype=np.int64)  # solves in a row that a row did not matter in
        self.x = np.zeros(len(prize))
        self.multipliers = np.empty(0)
        self._solver = _warm_solver(prize / self.scale, high)
        self.n_lasting = len(lasting)  # rows that stay, matter or not
        self.add(lasting)

    def add(self, rows: Rows) -> None:
        """Add rows; the next solve starts from the last one's answer."""
        more = csr_array((rows.value, rows.column, rows.starts), (len(rows), len(self.prize)))
        self.matrix = csr_array(_stacked(self.matrix, more))
        self.limit = np.append(self.limit, rows.limit)
        self.idle = np.append(self.idle, np.zeros(len(rows), dtype=np.int64))
        self.multipliers = np.append(self.multipliers, np.zeros(len(rows)))
        if self._solver is not None:
            self._solver.add(rows)

    def drop_idle(self, solves: int) -> None:
        """Drop rows that did not matter in so many solves: what is left gives a bound still."""
        rows = self._idle(solves)
        self.matrix, self.limit = self.matrix[~rows], self.limit[~rows]
        self.idle, self.multipliers = self.idle[~rows], self.multipliers[~rows]
        if self._solver is not None and rows.any():
            self._solver.drop(np.flatnonzero(rows))

    def rows(self, solves: int) -> Rows:
        """Return the rows that `drop_idle` would leave."""
        part = csr_array(self.matrix[~self._idle(solves)])
        return Rows(
            starts=part.indptr.astype(np.int64),
            column=part.indices.astype(np.int64),
            value=part.data,
            limit=self.limit[~self._idle(solves)],
        )

    def _idle(self, solves: int) -> Bools:
        found: Bools = self.idle >= solves
        found[: self.n_lasting] = False
        return found

    def set_bounds(self, low: Floats, high: Floats) -> None:
        """Change the bounds of x."""
        self.low, self.high = low, high
        if self._solver is not None:
            self._solver.set_bounds(low, high)

    def set_limits(self, first: int, limit: Floats) -> None:
        """Change the limits of rows from the `first` on."""
        changed = np.flatnonzero(self.limit[first : first + len(limit)] != limit)
        self.limit[first : first + len(limit)] = limit
        if self._solver is not None:
            self._solver.set_limits(first + changed, limit[changed])

    def solve(self, seconds: float, steps: int = MANY) -> tuple[float, bool]:
        """Return a bound, and whether the program was solved; sets `x` and `multipliers`.

        Not solved within `seconds`, or (where the solver can count them) so many steps, the bound
        is worse, but one.
        """
        if self._solver is not None:
            solved, x, multipliers = self._solver.solve(seconds, steps)
        else:
            solved, x, multipliers = self._solve_cold(seconds)
        if len(multipliers) != len(self.limit):
            solved, multipliers = False, np.zeros(len(self.limit))
        self.multipliers = np.maximum(np.nan_to_num(multipliers), 0.0) * self.scale
        self.x = np.clip(x, self.low, self.high) if solved else self.low.copy()
        self.idle = np.where(self.multipliers > 0, 0, self.idle + 1)
        return self._proved(), solved

    @property
    def rest(self) -> Floats:
        """What a unit of each unknown earns beyond what it costs at the multipliers."""
        out: Floats = self.prize - self.matrix.T @ self.multipliers
        return out

    def _proved(self) -> float:
        rest = self.rest
        parts = np.where(rest > 0, rest * self.high, rest * self.low)
        paid = self.multipliers * self.limit
        weight = np.abs(paid).sum() + np.abs(parts).sum()
        return float(paid.sum() + parts.sum() + SAFETY * weight)

    def _solve_cold(self, seconds: float) -> tuple[bool, Floats, Floats]:
        found = linprog(
            -self.prize / self.scale,
            A_ub=self.matrix if len(self.limit) else None,
            b_ub=self.limit if len(self.limit) else None,
            bounds=np.column_stack([self.low, self.high]),
            method="highs-ds",
            options={"time_limit": max(seconds, 0.01)},
        )
        if found.status != 0:
            return False, np.zeros(0), np.zeros(0)
        return True, found.x, -np.asarray(found.ineqlin.marginals)


def _stacked(above: csr_array, below: csr_array) -> csr_array:
    return csr_array(
        (
            np.concatenate([above.data, below.data]),
            np.concatenate([above.indices, below.indices]),
            np.concatenate([above.indptr, below.indptr[1:] + above.indptr[-1]]),
        ),
        (above.shape[0] + below.shape[0], below.shape[1]),
    )


def _warm_solver(prize: Floats, high: Floats) -> "_WarmSolver | None":
    """Return a solver that starts from its last answer, where this scipy has one.

    scipy's `linprog` starts anew each time. The bindings beneath it do not, but are not promised
    to stay; without them all is the same, only slower.
    """
    try:
        core = importlib.import_module("scipy.optimize._highspy._core")
        return _WarmSolver(core, prize, high)
    except (ImportError, AttributeError, TypeError):
        return None


class _WarmSolver:
    """HiGHS' dual simplex (Huangfu & Hall 2018, doi 10.1007/s12532-017-0130-5), by its bindings."""

    def __init__(self, core: Any, prize: Floats, high: Floats) -> None:
        self.highs = core._Highs()
        options = {"output_flag": False, "threads": 1, "presolve": "off", "solver": "simplex"}
        for name, value in options.items():
            self.highs.setOptionValue(name, value)
        self.columns = np.arange(len(prize), dtype=np.int32)
        self.highs.addVars(len(prize), np.zeros(len(prize)), high)
        self.highs.changeColsCost(len(prize), self.columns, -prize)
        self.optimal = core.HighsModelStatus.kOptimal

    def add(self, rows: Rows) -> None:
        self.highs.addRows(
            len(rows), np.full(len(rows), -np.inf), rows.limit, len(rows.column),
            rows.starts[:-1].astype(np.int32), rows.column.astype(np.int32), rows.value,
        )  # fmt: skip

    def drop(self, rows: Ints) -> None:
        self.highs.deleteRows(len(rows), rows.astype(np.int32))

    def set_bounds(self, low: Floats, high: Floats) -> None:
        self.highs.changeColsBounds(len(self.columns), self.columns, low, high)

    def set_limits(self, rows: Ints, limit: Floats) -> None:
        for row, value in zip(rows.tolist(), limit.tolist(), strict=True):
            self.highs.changeRowBounds(row, -np.inf, value)

    def solve(self, seconds: float, steps: int) -> tuple[bool, Floats, Floats]:
        self.highs.setOptionValue("simplex_iteration_limit", steps)
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + max(seconds, 0.01))
        self.highs.run()
        found = self.highs.getSolution()
        solved = self.highs.getModelStatus() == self.optimal
        return solved, np.array(found.col_value), -np.array(found.row_dual)


class Clock:
    """How long there is left, by the wall."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left; below zero when it is over."""
        return self.ends - time.monotonic()
