"""Run the search: two independent searches, and the better true walk wins."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from patrolmap._kernels import orienteering as kernel
from patrolmap.patrol.layout import NEAR, Ints, Layout
from patrolmap.patrol.stop import Progress, Stop, time_for

log = logging.getLogger(__name__)

Orders = list[list[tuple[int, bool]]]  # of each crew: segment rows in order, True = along

LAYOUT_PART = 0.4  # of the time, gone when the search begins
SEARCHES = 2  # one a core on the smallest office machine; fixed, so that a seed means one plan
NOISE = 0.6  # of prizes in the second start, so that two searches differ
BATCH = 300  # tasks offered at once while the first routes are filled
WINDOW = 800  # tasks around which one chunk of iterations works
CHUNK = 100  # iterations between two looks at the clock, or fewer:
LOOK, SOONEST = 0.01, 0.05  # as many as take this share of the time, or so many seconds
FIRST = 10  # before it is known how long one takes
STEP = 0.02  # at most this share of an anneal's iterations
HOT, WARM, COLD = 0.6, 0.05, 0.01  # temperatures, in prizes of an average task
ANNEALS, FEW = 10, 3000  # as many, over so few tasks in all: one anneal may end in a poor place
PRICED = 0.9  # share of the search in which metres have a price, and budgets some play
ROOMY = 1.1  # times the metres that crews have, in that part
PACE = 0.2  # of a price, between two looks, at least
SWING = 60.0  # of it in one anneal, however few looks: 0.95 ** 60 is 1 in 20
LOW = 0.6  # price at first, in the prize per metre of the first routes
TURNS = 4  # stretches tried the other way round, in each route that an iteration changes
STRING = 6  # most tasks a string may hold, as a rule
OWED = 100  # places of duties not done, offered in one iteration
EXCURSION, BRIEF = 120, 30  # most tasks dropped at once while metres have a price: one crew, many


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best routes of each search, and how long it took."""

    orders: Sequence[Orders]
    iterations: int
    seconds: float


def search(
    layout: Layout,
    *,
    stop: Stop,
    seed: int,
    elapsed: Callable[[], float],
    progress: Progress | None = None,
    bound: float = np.inf,
) -> Found:
    """Search until `stop` says so; Ctrl-C returns the best routes so far.

    `elapsed` says how many of the stop's seconds have gone; `bound` is passed on to `progress`.
    """
    iterations, look = 0, max(SOONEST, LOOK * time_for(stop, 1.0, 0.0))
    most = CHUNK if look == np.inf else FIRST  # without a clock its pace must not matter
    with ThreadPoolExecutor(SEARCHES) as pool:
        runs = list(pool.map(lambda n: _Run(layout, seed=seed, number=n), range(SEARCHES)))
        try:
            while (share := stop.done(iterations=iterations, seconds=elapsed())) < 1:
                if len(layout.segment) == 0:
                    break  # nothing to search for
                began = elapsed()
                chunk = _chunk(stop, iterations, began, STEP / runs[0].anneals, most)
                list(pool.map(_Run.advance, runs, [chunk] * SEARCHES, [share] * SEARCHES))
                iterations += chunk
                took = max(elapsed() - began, 1e-9)
                most = max(1, int(min(CHUNK, chunk * look / took)))
                if progress is not None:
                    prize = max(run.prize for run in runs)  # as the search reckons it
                    progress(min(share, 1.0), min(prize, bound), bound)
        except KeyboardInterrupt:
            log.warning("interrupted: the best routes so far are returned")
    return Found(orders=[run.orders() for run in runs], iterations=iterations, seconds=elapsed())


def _chunk(stop: Stop, iterations: int, seconds: float, step: float, most: int) -> int:
    """Return how many iterations, at most so many or this share, to run before the next look."""
    chunk, now = most, stop.done(iterations=iterations, seconds=seconds)
    while chunk > 1 and (
        stop.done(iterations=iterations + chunk, seconds=seconds) > min(1.0, now + step)
    ):
        chunk //= 2
    return chunk


class _Run:
    """One search: first metres have a price, and budgets some play; then only the budgets count.

    While metres have a price, whole excursions come and go: what is saved in one part of town pays
    for another part later (Lagrangian relaxation of the budgets). The price of each crew rises
    while it uses more than its metres, and falls while it uses less.
    """

    def __init__(self, layout: Layout, *, seed: int, number: int) -> None:
        self._layout = layout
        tasks, own = layout.tasks, layout.crews
        spread = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
        self._random = np.maximum(spread, np.uint64(1))
        self._places = np.random.default_rng([seed, number])
        self._clocks = kernel.timed(tasks)
        self._excursion = max(BRIEF, int(EXCURSION / len(own.start) ** 0.5))
        self._turns = TURNS if tasks.back is tasks.distance else 0
        room = max(12 * STRING + 2 * NEAR + 2, 2 * BATCH, EXCURSION + 2) + min(tasks.duties, OWED)
        self._bench = kernel.empty_bench(tasks, own, room)
        roomy = own._replace(budget=(own.budget * ROOMY).astype(np.int64))
        self._routes = kernel.empty_routes(tasks, roomy)
        self._crews = own
        for batch in self._duties():
            kernel.fill(tasks, own, self._routes, self._bench, batch, self._clocks)
        kernel.sweep(tasks, own, self._routes, NOISE * number, self._random)
        self._fill()
        self._backup = kernel.copy_routes(self._routes)
        self._best = kernel.copy_routes(self._routes)
        self._dirty = np.zeros(len(own.start), dtype=np.bool_)
        start = kernel.value(tasks, own, self._routes)
        self._values = np.array([start, start])
        self.anneals, self._anneal = min(ANNEALS, max(1, FEW // max(1, len(tasks.first)))), 0
        average = max(start, 1.0) / max(1, int(self._routes.used.sum()))
        price = np.full(len(own.start), max(1.0, LOW * average))
        self._roomy = roomy._replace(price=price)
        self._hand_out(self._roomy)
        self._priced, self._looked = True, 0.0

    def _hand_out(self, crews: kernel.Crews) -> None:
        """Give the crews other budgets; what duties leave room for depends on them."""
        self._crews = crews
        if self._layout.tasks.duties:
            kernel.retime(self._layout.tasks, crews, self._routes)

    def _duties(self) -> list[Ints]:
        """Return the places of duties, those of the same crews together."""
        tasks = self._layout.tasks
        last = np.arange(len(tasks.first) - tasks.duties, len(tasks.first))
        crews = tasks.homes[last, 0]
        return [last[crews == crew] for crew in np.unique(crews)]

    def _fill(self) -> None:
        """Insert what still fits, the best-ranked tasks first."""
        tasks = self._layout.tasks
        ranked = self._layout.best_first
        for batch in np.array_split(ranked, max(1, -(-len(ranked) // BATCH))):
            kernel.fill(tasks, self._crews, self._routes, self._bench, batch, self._clocks)

    def _tighten(self) -> None:
        """From now on, metres are free and limited."""
        tasks, self._priced = self._layout.tasks, False
        self._hand_out(self._layout.crews)
        kernel.shrink(
            tasks, self._crews, self._routes, self._bench, STRING, self._random, self._clocks
        )
        self._fill()
        self._values[0] = kernel.value(tasks, self._crews, self._routes)
        if self._values[0] > self._values[1]:
            self._values[1] = self._values[0]
            self._best = kernel.copy_routes(self._routes)
            self._dirty[:] = False
        elif self._anneal + 1 < self.anneals:
            self._dirty[:] = True
        else:  # where prices never came to fit, the best so far is the better start
            kernel.restore(tasks, self._routes, self._best, np.ones_like(self._dirty))
            self._hand_out(self._layout.crews)
            self._values[0] = kernel.value(tasks, self._crews, self._routes)
            self._dirty[:] = False

    def _reprice(self, step: float) -> None:
        """Move each crew's price to where it uses its own metres; `step` of the anneal has gone."""
        over = np.clip(self._routes.used / self._layout.crews.limit, 0.95, 1.05)
        pace = max(PACE, SWING * step)
        self._crews = self._crews._replace(price=np.maximum(self._crews.price * over**pace, 1.0))
        self._values[0] = kernel.value(self._layout.tasks, self._crews, self._routes)

    @property
    def prize(self) -> float:
        """Prize of the best routes, as the search reckons it."""
        return float(max(self._values[1], 0.0) * self._layout.risk)

    def advance(self, iterations: int, share: float) -> None:
        """Run some iterations at the temperature that belongs to this share of the search."""
        tasks, share = self._layout.tasks, share * self.anneals
        if int(share) > self._anneal:
            if self._priced:
                self._tighten()
            self._anneal, self._priced, self._looked = int(share), True, 0.0
            self._hand_out(self._roomy)
        share -= self._anneal
        if self._priced and share >= PRICED:
            self._tighten()
        if self._priced:
            self._reprice(max(0.0, share - self._looked))
            heat = HOT * (WARM / HOT) ** (share / PRICED)
        else:
            heat = WARM * (COLD / WARM) ** ((share - PRICED) / (1 - PRICED))
        self._looked = share
        task = max(self._values[1], 1.0) / max(1, int(self._best.size.sum()))
        kernel.improve(
            tasks, self._crews, self._routes, self._backup, self._best, self._dirty, self._bench,
            self._values, self._random, self._window(), iterations, heat * task, STRING,
            self._excursion if self._priced else 0, self._turns, self._clocks,
        )  # fmt: skip

    def _window(self) -> tuple[int, int]:
        """Return the tasks to work around now: of many, some that lie near each other.

        What is near stays in the processor's memory, and far apart little is to be exchanged.
        """
        n = len(self._layout.segment)
        if n <= WINDOW:
            return 0, n
        first = int(self._places.integers(-WINDOW // 2, n - WINDOW // 2))
        return max(first, 0), min(first + WINDOW, n)

    def orders(self) -> Orders:
        """Return the best routes as segment rows and directions."""
        if self._priced:
            self._tighten()
        best, segment = self._best, self._layout.segment
        return [
            [(int(segment[o >> 1]), not o & 1) for o in best.order[c, : best.size[c]].tolist()]
            for c in range(len(best.size))
        ]
