"""Run the search over points: annealing in cycles, with a pool of routes to choose from.

Each cycle begins with more time than the crews have and takes it away step by step, so that routes
let go of the places they stick to; then it anneals within the limits.
"""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from patrolmap._kernels import points as kernel
from patrolmap.patrol.points import FINE, WHOLE, Floats, Ints, PointCase
from patrolmap.patrol.points_pack import pack_routes
from patrolmap.patrol.stop import Progress, Stop, time_for

log = logging.getLogger(__name__)

CHUNK = 50  # iterations between two looks at the clock, fewer where points and crews are many
MANY = 3_000  # points times crews
FILLED = 400_000  # points laid at first between two looks at the clock, times points and crews
HOTS, COLD = (0.01, 0.02, 0.04), 0.002  # of a cycle, in shares of the prize; one drawn each cycle
HOT_AT_LEAST = 1.0  # in mean prizes of a point: few points are all dear
RATE = 0.2  # what a unit of time is worth in the search, in the prize earned in one
FROM_BEST = 0.5  # of cycles begin at the best routes, the others go on from where the last ended
CYCLE = 5  # iterations from hot to cold, times the points
FEW = 50  # points, at least
STRETCHES = (0.5, 1.0)  # more time than the crews have, at first in a cycle, drawn too
TIGHT_AT = 0.4  # of a cycle, from when on the limits are the crews' own
STEPS = 10  # from the one to the other
MOSTS = (15, 30)  # points taken out at once, drawn anew each cycle
NEAR = 100  # points known as near to each
POOL = 20_000  # routes kept
PACK_AT = (0.3, 0.6, 0.85)  # shares of the search: then the pool is looked through for a better set
PACK_PART = 0.1  # of the time, at most, each
PACK_CREWS = 6  # more are too many to choose for


def search_points(
    case: PointCase,
    *,
    stop: Stop,
    seed: int,
    elapsed: Callable[[], float],
    progress: Progress | None,
    bound: float,
) -> tuple[list[Ints], int]:
    """Search until `stop` says so, or all is collected; Ctrl-C returns the best routes so far."""
    run = _Run(case, seed=seed, seconds=time_for(stop, 1.0, 0.0))
    iterations = 0
    size = max(1, len(case.prize) * len(case.limit))
    try:
        while not run.fill(1 + FILLED // size) and stop.done(iterations=0, seconds=elapsed()) < 1:
            pass
        while (share := stop.done(iterations=iterations, seconds=elapsed())) < 1:
            if run.finished:
                break
            chunk = max(1, min(CHUNK, CHUNK * MANY // size))
            while chunk > 1 and stop.done(iterations=iterations + chunk, seconds=elapsed()) > 1:
                chunk //= 2
            run.advance(chunk, share)
            iterations += chunk
            if progress is not None:
                progress(min(share, 1.0), run.prize, bound)
    except KeyboardInterrupt:
        log.warning("interrupted: the best routes so far are returned")
    return run.routes(), iterations


class _Run:
    """One search: its routes, its random state, its best."""

    def __init__(self, case: PointCase, *, seed: int, seconds: float) -> None:
        self._case = case
        self._row, self._points = _lay_out(case)
        self._limit = self._points.limit.copy()  # the search's own are stretched now and then
        self._random = np.maximum(
            np.random.SeedSequence([seed]).generate_state(1, np.uint64), np.uint64(1)
        )
        crews = np.column_stack([case.start, case.end, case.limit])
        kinds = np.unique(crews, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
        n = len(self._row)
        packing = 1 < len(kinds) <= PACK_CREWS
        self._pool = kernel.new_pool(self._points, kinds, POOL if packing else 0, min(n, 400))
        self._no_pool = kernel.new_pool(self._points, kinds, 0, 0)
        self._packs, self._seconds = 0, seconds
        self._state = kernel.new_state(self._points)
        self._backup = kernel.copy_state(self._state)
        self._lately = kernel.copy_state(self._state)  # the best within the limits of the moment
        self._best = kernel.copy_state(self._state)
        self._cycle = CYCLE * max(n, FEW)
        self._draw = np.random.default_rng([seed, 1])  # how each cycle is run
        self._most, self._hot = MOSTS[0], HOTS[1]
        self._mean = float(self._points.prize.mean()) if n else 1.0
        self._done = 0
        self._cycles = self._within = self._step = 0
        self._stretch = 0.0

    @property
    def finished(self) -> bool:
        """Is everything within reach collected?"""
        return bool(self._best.total[0] >= self._points.prize.sum())

    @property
    def prize(self) -> float:
        """What the best routes collect."""
        return float(self._case.prize[np.unique(np.concatenate(self.routes()))].sum())

    def fill(self, most: int) -> bool:
        """Lay first routes, at most so many points more; return whether they are full."""
        full = bool(kernel.fill(self._points, self._state, self._random, most))
        for other in (self._backup, self._lately, self._best):
            _overwrite(other, self._state)
        return full

    def advance(self, iterations: int, share: float) -> None:
        """Run some iterations, with the limits and the temperature of this moment of a cycle."""
        if self._within >= self._cycle:
            self._begin_cycle(share)
        phase = self._within / self._cycle
        if self._cycles == 0:
            phase = max(phase, min(share, 1.0))  # the first may be the only one
        self._tighten(phase)
        due = self._packs < len(PACK_AT) and share > PACK_AT[self._packs]
        if len(self._pool.prize) and self._step == 0 and due:
            self._packs = int(np.searchsorted(PACK_AT, share))
            self._pack(self._seconds * min(PACK_PART, 1 - share))
        lately = self._lately
        total = float(max(lately.total[0], 1))
        hot = max(self._hot * total, HOT_AT_LEAST * self._mean)
        heat = hot * (COLD * total / hot) ** phase
        rate = RATE * total / float(max(lately.total[1], 1))
        pool = self._pool if self._step == 0 else self._no_pool
        kernel.improve(
            self._points, self._state, self._backup, lately, pool, self._random, iterations,
            np.array([heat, heat]), rate, self._most,
        )  # fmt: skip
        self._within += iterations
        if self._step == 0 and lately.total[0] > self._best.total[0]:
            _overwrite(self._best, lately)

    def _begin_cycle(self, share: float) -> None:
        """Begin to heat and cool again: half of the time, and near the end, from the best routes.

        Near the end limits are not stretched.
        """
        self._done += self._within
        self._within = 0
        self._cycles += 1
        self._most = int(self._draw.choice(MOSTS))
        self._hot = float(self._draw.choice(HOTS))
        stretch = float(self._draw.choice(STRETCHES))
        last = share > 0 and self._done * (1 - share) / share < 2 * self._cycle
        self._stretch = 0.0 if last else stretch
        if last or self._draw.random() < FROM_BEST:
            _overwrite(self._backup, self._best)

    def _tighten(self, phase: float) -> None:
        """Give the crews the limits of this phase of a cycle: first too much, then less."""
        stretch = 0.0 if self._points.timed else self._stretch
        step = max(0, int(np.ceil(STEPS * (1 - phase / TIGHT_AT)))) if stretch else 0
        if step == self._step and self._within:
            return
        self._step = step
        more = (self._limit * (stretch * step / STEPS)).astype(np.int64)
        self._points.limit[:] = self._limit + more
        _overwrite(self._state, self._backup)
        if not self._points.timed:
            kernel.shrink(self._points, self._state)
        _overwrite(self._backup, self._state)
        _overwrite(self._lately, self._state)

    def _pack(self, seconds: float) -> None:
        """Go on from the best routes that the pool holds together, if better than the best."""
        chosen = pack_routes(self._pool, int(self._best.total[0]), seconds)
        if chosen is not None:
            kernel.lay(self._points, self._state, self._pool, chosen)
            for other in (self._backup, self._lately, self._best):
                _overwrite(other, self._state)

    def routes(self) -> list[Ints]:
        """Return the best routes as points of the case."""
        n, out = len(self._row), []
        following = self._best.next
        for c, (start, end) in enumerate(zip(self._case.start, self._case.end, strict=True)):
            route, at = [int(start)], int(following[n + 2 * c])
            while at < n:
                route.append(int(self._row[at]))
                at = int(following[at])
            out.append(np.array([*route, int(end)], dtype=np.int64))
        return out


def _overwrite(state: kernel.State, source: kernel.State) -> None:
    arrays: list[Any] = list(state)
    others: list[Any] = list(source)
    for array, other in zip(arrays, others, strict=True):
        array[...] = other


def _lay_out(case: PointCase) -> tuple[Ints, kernel.Points]:
    """Return the points worth a visit, and the search's arrays in whole units."""
    begin = case.opens[case.start]
    latest = np.minimum(case.limit, case.closes[case.end])
    unit = FINE / max(float(latest.max()), 1e-300)  # of time
    unit = 10.0 ** np.floor(np.log10(unit))
    home = np.concatenate([case.start, case.end])
    worth = case.prize > 0
    worth[home] = False
    arrive = np.maximum(begin[:, None] + case.way[case.start], case.opens)
    fits = (arrive <= case.closes) & (
        arrive + case.way[:, case.end].T <= latest[:, None] * (1 + 1e-12)
    )
    rows = np.flatnonzero(worth & fits.any(axis=0))
    terminals = np.column_stack([case.start, case.end]).ravel()
    index = np.concatenate([rows, terminals])
    way = _up(case.way[np.ix_(index, index)] * unit).astype(np.int32)
    closes = _down(case.closes[index] * unit)
    limit = _down(case.limit * unit)
    ends = len(rows) + 1 + 2 * np.arange(len(case.limit))
    closes[ends] = np.minimum(closes[ends], limit)
    apart = np.minimum(way, way.T)[: len(rows), : len(rows)].astype(np.int64)
    np.fill_diagonal(apart, 1 << 40)
    few = max(0, min(NEAR, len(rows) - 1))
    near = np.argpartition(apart, few, axis=1)[:, :few] if few else np.zeros((len(rows), 0), int)
    order = np.argsort(np.take_along_axis(apart, near, axis=1), axis=1, kind="stable")
    near = np.take_along_axis(near, order, axis=1)
    return rows, kernel.Points(
        way=way,
        back=np.ascontiguousarray(way.T),
        prize=_whole(case.prize[rows]),
        opens=_up(case.opens[index] * unit),
        closes=closes,
        near=np.ascontiguousarray(near.astype(np.int32)),
        limit=limit,
        timed=case.timed,
    )


def _up(value: Floats) -> Ints:
    """Return whole units, never fewer, but for rounding errors; more than any limit is alike."""
    return np.ceil(np.minimum(value, 4 * FINE) * (1 - 1e-12) - 1e-6).astype(np.int64)


def _down(value: Floats) -> Ints:
    return np.floor(np.minimum(value, 4 * FINE) * (1 + 1e-12) + 1e-6).astype(np.int64)


def _whole(prize: Floats) -> Ints:
    """Return whole prizes: as given, or scaled where they are fractions or huge."""
    total = float(prize.sum())
    if total <= WHOLE and (prize == np.rint(prize)).all():
        return prize.astype(np.int64)
    return np.maximum(1, np.rint(prize / total * WHOLE)).astype(np.int64)
