"""The search over oriented segments: its books agree with themselves and with a plain twin."""

import sys
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels import orienteering as kernel


class World(NamedTuple):
    """Arrays of one made-up problem."""

    tasks: kernel.Tasks
    crews: kernel.Crews

    @property
    def both_ways(self) -> bool:
        """Whether every task may be walked either way."""
        return bool(self.tasks.sides.all())


def world(
    seed: int,
    *,
    units: int = 12,
    crews: int = 2,
    copies: int = 2,
    budget: int = 900_000,
    share: float = 0.5,
    after: float = 300.0,
    bins: bool = False,
) -> World:
    """Scatter segments over one square kilometre; crews walk straight, 1.25 m a second."""
    rng = np.random.default_rng(seed)
    depots = rng.uniform(0, 1000, (2 * crews, 2))
    ends = rng.uniform(0, 1000, (units, 2))
    points = np.vstack([depots, ends, ends + rng.uniform(20, 80, (units, 2))])
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    unit = np.repeat(np.arange(units), copies)
    first = 2 * crews + unit
    near = np.array([[j for j in range(len(unit)) if unit[j] != u] for u in unit])
    late = rng.random(units) < 0.5 if bins else np.zeros(units, dtype=bool)
    far = np.rint(apart * 1000).astype(np.int32)[None]
    nowhere = np.zeros((1, 0, 0), dtype=np.int16)
    tasks = kernel.Tasks(
        distance=far,
        back=far,
        via=nowhere,
        over=nowhere,
        ridden=np.zeros(1, dtype=np.int64),
        riding=np.zeros(0, dtype=np.int64),
        first=first,
        last=first + units,
        length=np.rint(apart[first, first + units] * 1000).astype(np.int64),
        unit=unit,
        prize=rng.integers(1, 100, units) * 10_000,
        opens=np.where(late, 360.0, -np.inf),
        closes=np.where(late, np.inf, 360.0 if bins else np.inf),
        copies=np.arange(0, len(unit) + 1, copies),
        sides=rng.random((1, len(unit), 2)) < 0.9,
        near=np.ascontiguousarray(near[:, :20]),
        homes=np.tile(np.arange(crews), (len(unit), 1)),
    )
    return World(tasks, _crews(crews, budget=budget, share=share, after=after))


def _crews(n: int, *, budget: int, share: float, after: float) -> kernel.Crews:
    return kernel.Crews(
        start=np.arange(n),
        end=np.arange(n, 2 * n),
        limit=np.full(n, budget),
        budget=np.full(n, budget),
        kind=np.zeros(n, dtype=np.int64),
        graph=np.zeros(n, dtype=np.int64),
        begin=np.arange(n) * 60.0,
        speed=np.full(n, 1250.0),
        share=np.full(n, share),
        after=np.full(n, after),
        price=np.ones(n),
        classes=np.arange(n + 1),
        members=np.arange(n),
    )


class Search:
    """The arrays that `improve` works on, as `patrol.search` sets them up."""

    def __init__(self, place: World, seed: int = 1) -> None:
        self.place = place
        self.state = np.array([seed], dtype=np.uint64)
        self.clocks = kernel.timed(place.tasks)
        n = len(place.tasks.first)
        self.bench = kernel.empty_bench(*place, 2 * n + 64)
        self.current = kernel.empty_routes(*place)
        kernel.fill(*place, self.current, self.bench, np.arange(n), self.clocks)
        self.backup, self.best = (kernel.copy_routes(self.current) for _ in range(2))
        self.dirty = np.zeros(len(place.crews.start), dtype=np.bool_)
        start = kernel.value(*place, self.current)
        self.values = np.array([start, start])

    def improve(self, iterations: int, heat: float = 1e5, *, excursion: int = 0) -> None:
        kernel.improve(
            *self.place, self.current, self.backup, self.best, self.dirty, self.bench, self.values,
            self.state, (0, len(self.place.tasks.first)), iterations, heat, 4, excursion,
            2 if self.place.both_ways else 0, self.clocks,
        )  # fmt: skip

    def whole_best(self) -> kernel.Routes:
        """Return the best routes with the books of their tasks."""
        whole = kernel.copy_routes(self.current)
        everyone = np.ones(len(self.dirty), dtype=np.bool_)
        kernel.restore(self.place.tasks, whole, self.best, everyone)
        return whole


def walked(place: World, routes: kernel.Routes, c: int) -> tuple[list[int], int]:
    """Return where each task of a route begins (mm), and the whole way, step by step."""
    tasks, crews = place
    here, way, begins = crews.start[c], 0, []
    for oriented in routes.order[c, : routes.size[c]]:
        task, against = divmod(int(oriented), 2)
        enter, leave = tasks.first[task], tasks.last[task]
        if against:
            enter, leave = leave, enter
        assert tasks.sides[0, task, against], "a task is walked the way it must not be"
        way += int(tasks.distance[0, here, enter])
        begins.append(way)
        way += int(tasks.length[task])
        here = leave
    return begins, way + int(tasks.distance[0, here, crews.end[c]])


def assert_books_agree(place: World, routes: kernel.Routes) -> None:
    planned: dict[int, tuple[int, int]] = {}
    for c in range(len(routes.size)):
        begins, way = walked(place, routes, c)
        assert routes.used[c] == way <= place.crews.budget[c]
        if kernel.timed(place.tasks):
            assert routes.offset[c, : routes.size[c]].tolist() == begins
        assert_gaps_agree(place, routes, c)
        for p, oriented in enumerate(routes.order[c, : routes.size[c]].tolist()):
            assert oriented >> 1 not in planned
            planned[oriented >> 1] = (c, p)
    everyone = range(len(place.tasks.first))
    assert routes.crew.tolist() == [planned.get(t, (-1, 0))[0] for t in everyone]
    assert all(routes.place[t] == p for t, (_, p) in planned.items())
    units = place.tasks.unit[list(planned)] if planned else np.array([], dtype=np.int64)
    assert routes.passes.tolist() == np.bincount(units, minlength=len(routes.passes)).tolist()


def assert_gaps_agree(place: World, routes: kernel.Routes, c: int) -> None:
    """Check that each gap leads from where the task before it ends to where the next begins."""
    tasks, crews = place
    order = routes.order[c, : routes.size[c]].tolist()
    ends = [(tasks.first[o >> 1], tasks.last[o >> 1])[:: -1 if o & 1 else 1] for o in order]
    leave = [crews.start[c], *(b for _, b in ends)]
    enter = [*(a for a, _ in ends), crews.end[c]]
    assert routes.leave[c, : len(leave)].tolist() == leave
    assert routes.enter[c, : len(enter)].tolist() == enter
    far = [tasks.distance[0, a, b] for a, b in zip(leave, enter, strict=True)]
    assert routes.gap[c, : len(far)].tolist() == far


def twin_value(place: World, routes: kernel.Routes) -> float:
    """Score routes the plain way: all passes sorted by clock, each paid or not."""
    tasks, crews = place
    passes, way = [], 0
    for c in range(len(routes.size)):
        begins, used = walked(place, routes, c)
        way += used
        for offset, oriented in zip(begins, routes.order[c], strict=False):
            moment = crews.begin[c] + offset / crews.speed[c]
            passes.append((moment, int(oriented) >> 1, c))
    paid: dict[int, list[float]] = {}
    total = 0.0
    for moment, task, c in sorted(passes):
        unit = int(tasks.unit[task])
        before = paid.setdefault(unit, [])
        if not tasks.opens[unit] <= moment < tasks.closes[unit]:
            continue
        if before and moment - before[-1] < crews.after[c]:
            continue
        total += tasks.prize[unit] * crews.share[c] ** len(before)
        before.append(moment)
    return total - way


def same(a: kernel.Routes, b: kernel.Routes) -> bool:
    """Compare what two solutions say, not what lies unused in their arrays."""
    planned = a.crew >= 0
    return (
        all(np.array_equal(getattr(a, k), getattr(b, k)) for k in ("size", "used", "crew"))
        and np.array_equal(a.passes, b.passes)
        and np.array_equal(a.place[planned], b.place[planned])
        and all(np.array_equal(a.order[c, :n], b.order[c, :n]) for c, n in enumerate(a.size))
    )


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 10_000),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.booleans(),
    st.integers(1_000_000, 3_000_000),
)
def test_books_agree_and_no_budget_is_broken(
    seed: int, crews: int, share: float, bins: bool, budget: int
) -> None:
    place = world(seed, crews=crews, share=share, bins=bins, budget=budget)
    if any(walked(place, kernel.empty_routes(*place), c)[1] > budget for c in range(crews)):
        return  # such crews never reach the kernel: InfeasibleError
    search = Search(place, seed=seed + 1)
    search.improve(40)
    best = search.whole_best()
    for routes in (search.current, best):
        assert_books_agree(place, routes)
    assert search.values[0] == kernel.value(*place, search.current)
    assert search.values[1] == kernel.value(*place, best)
    assert search.values[1] >= search.values[0]


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.3, 1.0]), st.booleans())
def test_the_value_is_that_of_an_obvious_twin(seed: int, share: float, bins: bool) -> None:
    place = world(seed, share=share, bins=bins, after=120.0, copies=3, budget=3_000_000)
    search = Search(place, seed=seed + 1)
    search.improve(20)
    got = kernel.value(*place, search.current)
    assert got == pytest.approx(twin_value(place, search.current), rel=1e-12)


def test_a_crew_that_comes_late_makes_a_solution_worthless() -> None:
    search = Search(world(3))
    late = search.place._replace(crews=search.place.crews._replace(budget=search.current.used - 1))
    assert kernel.value(*late, search.current) == -np.inf


@pytest.mark.parametrize("chunks", [[60], [30, 30], [1] * 60, [7, 13, 40]])
def test_the_same_seed_finds_the_same_routes_in_whatever_chunks_it_runs(chunks: list[int]) -> None:
    whole, parts = Search(world(5, crews=3), seed=9), Search(world(5, crews=3), seed=9)
    whole.improve(60)
    for chunk in chunks:
        parts.improve(chunk)
    assert same(whole.current, parts.current)
    assert same(whole.whole_best(), parts.whole_best())
    assert whole.state == parts.state
    assert whole.values.tolist() == parts.values.tolist()


def test_a_search_never_loses_its_best_and_improves_a_greedy_start() -> None:
    better = 0
    for seed in range(5):
        search = Search(world(seed, units=40, copies=1, budget=2_000_000), seed=seed + 1)
        start = search.values[1]
        seen = [start]
        for _ in range(5):
            search.improve(60)
            seen.append(search.values[1])
        assert seen == sorted(seen)
        better += seen[-1] > start
    assert better == 5


def test_arrays_that_a_search_borrows_are_given_back() -> None:
    search = Search(world(1))
    arrays = [*search.place.tasks[:3], *search.current[:3], *search.bench[:3]]
    search.improve(1)
    before = [sys.getrefcount(array) for array in arrays]
    search.improve(200)
    search.whole_best()
    assert [sys.getrefcount(array) for array in arrays] == before


def test_a_repeat_waits_its_time_and_one_too_soon_is_not_planned() -> None:
    soon = Search(world(2, units=2, crews=1, copies=2, after=10_000.0, budget=3_000_000))
    soon.improve(50)
    assert soon.whole_best().passes.max() == 1
    patient = Search(world(2, units=2, crews=1, copies=2, after=60.0, budget=3_000_000))
    patient.improve(50)
    assert patient.whole_best().passes.max() == 2


def test_no_tasks_are_no_trouble() -> None:
    place = world(1, units=1)
    none = {name: getattr(place.tasks, name)[:0] for name in ("first", "last", "length", "unit")}
    empty = place.tasks._replace(
        **none,
        prize=place.tasks.prize[:0],
        copies=np.zeros(1, dtype=np.int64),
        sides=place.tasks.sides[:, :0].copy(),
        near=place.tasks.near[:0],
        homes=place.tasks.homes[:0],
    )
    assert not kernel.timed(empty)
    routes = kernel.empty_routes(empty, place.crews)
    assert kernel.value(empty, place.crews, routes) == -routes.used.sum()


def twin_sweep(place: World) -> list[list[int]]:
    """Walk each crew on to the best prize per metre, the plain way; one pass of each unit."""
    tasks, crews = place
    seen: set[int] = set()
    orders = []
    for c in range(len(crews.start)):
        here, way, order = crews.start[c], 0, []
        while True:
            options = []
            for task in (t for t in range(len(tasks.first)) if t not in seen):
                for against in range(2):
                    enter, leave = tasks.first[task], tasks.last[task]
                    if against:
                        enter, leave = leave, enter
                    cost = int(tasks.distance[0, here, enter]) + int(tasks.length[task])
                    home = int(tasks.distance[0, leave, crews.end[c]])
                    if tasks.sides[0, task, against] and way + cost + home <= crews.budget[c]:
                        score = tasks.prize[tasks.unit[task]] / (cost + 1000)
                        options.append((score, -2 * task - against, cost, leave))
            if not options:
                break
            _, minus, cost, here = max(options)
            order.append(-minus)
            seen.add(-minus >> 1)
            way += cost
        orders.append(order)
    return orders


@pytest.mark.parametrize("seed", range(6))
def test_a_sweep_goes_on_to_the_best_prize_per_metre(seed: int) -> None:
    place = world(seed, crews=2, copies=1, budget=2_000_000)
    routes = kernel.empty_routes(*place)
    kernel.sweep(*place, routes, 0.0, np.array([1], dtype=np.uint64))
    assert_books_agree(place, routes)
    got = [routes.order[c, :n].tolist() for c, n in enumerate(routes.size)]
    assert got == twin_sweep(place)
    assert sum(map(len, got)) > 0


def test_a_noisy_sweep_is_another_start_that_keeps_the_rules() -> None:
    place = world(5, crews=2, copies=3, budget=2_000_000)
    starts = []
    for noise in (0.0, 0.8):
        routes = kernel.empty_routes(*place)
        kernel.sweep(*place, routes, noise, np.array([7], dtype=np.uint64))
        assert_books_agree(place, routes)
        starts.append(routes)
    assert not same(*starts)
