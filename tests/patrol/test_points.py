"""Routes over points: right, within their limits, and never above the bound."""

from collections.abc import Sequence
from itertools import permutations, product
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol import MaxIterations, MaxRuntime, PointRoutes, solve_orienteering

Floats = npt.NDArray[np.float64]


class World(NamedTuple):
    """A made-up problem."""

    durations: Floats
    prizes: Floats
    starts: list[int]
    ends: list[int]
    limits: list[float]
    service_times: Floats
    time_windows: Floats | None

    def solve(self, **options: Any) -> PointRoutes:
        given = self._asdict() | {"stop": MaxIterations(400)} | options
        return solve_orienteering(given.pop("durations"), given.pop("prizes"), **given)


def world(
    seed: int, *, points: int = 6, crews: int = 2, windows: bool = False, shortest: bool = False
) -> World:
    """Scatter points; ways differ by direction, some shorter over a third, unless `shortest`."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 100, (points, 2))
    way = np.hypot(*(place[:, None] - place).transpose(2, 0, 1)) * rng.uniform(1, 1.4, (points, 1))
    for over in range(points if shortest else 0):
        way = np.minimum(way, way[:, [over]] + way[[over]])
    starts, ends = rng.integers(0, points, (2, crews)).tolist()
    opens = rng.uniform(0, 120, points)
    opens[starts + ends] = 0
    closes = opens + rng.uniform(20, 200, points)
    closes[starts + ends] = np.inf
    service = rng.uniform(0, 10, points)
    direct = [way[s, e] + service[s] + service[e] for s, e in zip(starts, ends, strict=True)]
    return World(
        durations=way,
        prizes=rng.integers(0, 9, points) / 4,
        starts=starts,
        ends=ends,
        limits=(np.array(direct) + rng.uniform(1, 200, crews)).tolist(),
        service_times=service,
        time_windows=np.column_stack([opens, closes]) if windows else None,
    )


def takes(case: World, crew: int, route: Sequence[int]) -> float:
    """Return how long a route takes; inf where it misses a window."""
    clock = 0.0
    for k, point in enumerate(route):
        clock += case.durations[route[k - 1], point] if k and route[k - 1] != point else 0.0
        if case.time_windows is not None:
            clock = max(clock, case.time_windows[point, 0])
            if clock > case.time_windows[point, 1] + 1e-9:
                return float("inf")
        clock += case.service_times[point]
    return clock


def optimum(case: World) -> float:
    """Try every route of every crew and every choice of one a crew."""
    kept = []
    for crew, (start, end) in enumerate(zip(case.starts, case.ends, strict=True)):
        sets = set()
        others = [p for p in range(len(case.prizes)) if p not in (start, end)]
        for size in range(len(others) + 1):
            for middle in permutations(others, size):
                if takes(case, crew, [start, *middle, end]) <= case.limits[crew] + 1e-9:
                    sets.add(frozenset((start, *middle, end)))
        kept.append(sets)
    return max(float(case.prizes[list(frozenset().union(*some))].sum()) for some in product(*kept))


def check(case: World, found: PointRoutes, *, apart: bool = True) -> None:
    """Recompute all that a result says; with `apart`, no two routes visit one point."""
    visited: set[int] = set()
    for crew, route in enumerate(found.routes):
        assert route[0] == case.starts[crew]
        assert route[-1] == case.ends[crew]
        assert takes(case, crew, route.tolist()) <= case.limits[crew] * (1 + 1e-9)
        middle = route[1:-1].tolist()
        assert len(set(middle) - (visited if apart else set())) == len(middle)
        visited |= set(middle)
    everyone = sorted(visited | set(case.starts) | set(case.ends))
    assert found.prize == pytest.approx(case.prizes[everyone].sum())
    assert found.upper_bound >= found.prize


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 2))
@example(171, False, 1)  # two points must go for a third to come
@example(199, False, 1)  # the way over a point without a prize is the shorter
@example(0, False, 2)  # crews must swap their points
def test_small_problems_are_solved_to_the_optimum_and_proved(
    seed: int, windows: bool, crews: int
) -> None:
    case = world(seed, windows=windows, crews=crews)
    found = case.solve()
    check(case, found, apart=False)
    assert found.prize == found.upper_bound == pytest.approx(optimum(case))


def test_two_crews_may_pass_a_point_that_shortens_the_ways_of_both() -> None:
    far = np.full((4, 4), 10.0)
    far[0, 1] = far[1, 2] = far[2, 0] = far[1, 3] = far[3, 0] = 1
    found = solve_orienteering(far, [0, 0, 5, 5], starts=[0, 0], ends=[0, 0], limits=[3.0, 3.0])
    assert sorted(route.tolist() for route in found.routes) == [[0, 1, 2, 0], [0, 1, 3, 0]]
    assert found.prize == found.upper_bound == 10


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("crews", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_search_finds_the_optimum_where_it_can_be_proved(
    seed: int, crews: int, windows: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = world(seed, points=11, crews=crews, windows=windows, shortest=True)
    proved = case.solve()
    monkeypatch.setattr("patrolmap.patrol.points_exact.FEW_POINTS", -1)
    found = case.solve(stop=MaxIterations(5000))
    check(case, found)
    assert proved.iterations == 0
    assert found.prize == proved.prize
    assert found.upper_bound >= proved.prize


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 8))
def test_larger_problems_keep_every_promise(seed: int, windows: bool, crews: int) -> None:
    case = world(seed, points=60, windows=windows, crews=crews)
    check(case, case.solve(stop=MaxIterations(60)))


def test_the_same_seed_and_iteration_limit_give_the_same_routes() -> None:
    case = world(7, points=50, crews=3)
    first, second = (case.solve(seed=3, stop=MaxIterations(400)) for _ in range(2))
    assert [r.tolist() for r in first.routes] == [r.tolist() for r in second.routes]


def test_more_time_collects_more() -> None:
    case = world(11, points=80, crews=2)
    short, long = (case.solve(stop=MaxIterations(n)) for n in (1, 3000))
    assert long.prize > short.prize


def test_a_runtime_is_kept() -> None:
    import time

    case = world(5, points=80)
    case.solve()
    began = time.monotonic()
    case.solve(stop=MaxRuntime(0.3))
    assert time.monotonic() - began < 0.8


def test_all_collected_ends_the_search_at_once() -> None:
    found = solve_orienteering(
        np.ones((4, 4)), [1, 2, 3, 4], starts=[0], ends=[0], limits=[4.0], stop=MaxRuntime(60)
    )
    assert found.prize == found.upper_bound == 10
    assert found.gap == 0
    assert found.iterations < 1000


def test_a_limit_met_to_the_second_is_met() -> None:
    side = np.array([[0, 0.1, 0.3], [0.1, 0, 0.2], [0.3, 0.2, 0]])
    found = solve_orienteering(
        side, [0, 1, 0], starts=[0], ends=[2], limits=[0.3], stop=MaxIterations(5)
    )
    assert found.routes[0].tolist() == [0, 1, 2]


def test_a_crew_waits_for_a_window_to_open() -> None:
    options: dict[str, Any] = {"starts": [0], "ends": [0], "stop": MaxIterations(20)}
    windows = [[0, np.inf], [50, 60]]
    way = [[0, 10], [10, 0]]
    late = solve_orienteering(way, [0, 1], limits=[60], time_windows=windows, **options)
    early = solve_orienteering(way, [0, 1], limits=[59], time_windows=windows, **options)
    assert (late.prize, early.prize, early.upper_bound) == (1, 0, 0)


def test_a_point_without_a_way_is_left_out() -> None:
    way = np.array([[0, 1, np.inf], [1, 0, np.inf], [np.inf, np.inf, 0]])
    found = solve_orienteering(
        way, [0, 1, 9], starts=[0], ends=[0], limits=[100], stop=MaxIterations(9)
    )
    assert found.prize == found.upper_bound == 1


@pytest.mark.parametrize("windows", [False, True])
def test_points_on_an_island_are_left_out_of_a_search(windows: bool) -> None:
    case = world(2, points=50, crews=2, windows=windows)
    island = np.setdiff1d(np.arange(50), case.starts + case.ends)[:20]
    way = case.durations.copy()
    way[island] = np.inf  # they can be reached, but not left
    case = case._replace(durations=way)
    found = case.solve(stop=MaxIterations(300))
    check(case, found)
    assert found.iterations > 0
    assert not set(island.tolist()) & set(np.concatenate(found.routes).tolist())
    assert found.upper_bound <= np.delete(case.prizes, island).sum()


@pytest.mark.parametrize("scale", [1e-300, 1e-6, 1e90])
def test_prizes_of_any_size_lead_to_the_same_routes(scale: float) -> None:
    case = world(3, points=30, crews=2)
    plain = case.solve()
    scaled = case._replace(prizes=case.prizes * scale).solve()
    assert scaled.prize / scale == pytest.approx(plain.prize, rel=0.05)


def test_no_prizes_at_all_give_straight_routes() -> None:
    case = world(3, points=10)
    found = case._replace(prizes=np.zeros(10)).solve()
    assert found.prize == found.upper_bound == 0
    assert all(len(route) == 2 for route in found.routes)


def test_a_thousand_crews_are_no_trouble() -> None:
    crews = 1000
    way = np.full((50, 50), 10.0)
    found = solve_orienteering(
        way, np.ones(50), starts=[0] * crews, ends=[0] * crews, limits=[25.0] * crews,
        stop=MaxIterations(2),
    )  # fmt: skip
    assert found.prize == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prizes": [0, -1, 1]}, r"prizes\[1\] is -1.0; wanted finite numbers >= 0"),
        ({"prizes": [0, np.nan, 1]}, r"prizes\[1\] is nan"),
        ({"prizes": [[0, 1, 1]]}, r"prizes has the shape \(1, 3\); wanted a row"),
        ({"prizes": [1e308, 1e308, 1]}, "prizes add up to inf; wanted at most 1e\\+100"),
        ({"durations": np.ones((2, 3))}, r"durations has the shape \(2, 3\); wanted \(3, 3\)"),
        ({"durations": -np.ones((3, 3))}, r"durations\[0, 0\] is -1.0; wanted numbers >= 0"),
        ({"durations": "far"}, "durations is not made of numbers"),
        ({"starts": [3]}, r"starts\[0\] is 3; wanted a point from 0 to 2"),
        ({"starts": [0.5]}, "starts is float64"),
        ({"starts": [], "ends": [], "limits": []}, "wanted the start of at least one crew"),
        ({"ends": [0, 0]}, "ends has 2 entries; wanted 1, one a crew"),
        ({"limits": [0.0]}, r"limits\[0\] is 0.0; wanted finite numbers > 0"),
        ({"limits": [np.inf]}, r"limits\[0\] is inf"),
        ({"service_times": [0, -1, 0]}, r"service_times\[1\] is -1.0"),
        ({"time_windows": [[0, 1], [5, 2], [0, 1]]}, r"time_windows\[1\].*closes after it opens"),
        ({"seed": -1}, "seed=-1; wanted a whole number"),
        ({"stop": 30}, "stop=30; wanted MaxRuntime"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], message: str) -> None:
    fine: dict[str, Any] = {
        "durations": np.ones((3, 3)),
        "prizes": [0, 1, 1],
        "starts": [0],
        "ends": [0],
        "limits": [3.0],
    }
    with pytest.raises(OptionError, match=message):
        solve_orienteering(**(fine | change))


@pytest.mark.parametrize(
    "change",
    [{"limits": [0.5]}, {"time_windows": [[0, 9], [0, 0.5]]}, {"service_times": [1.5, 0.6]}],
)
def test_a_crew_that_cannot_reach_its_end_is_named(change: dict[str, Any]) -> None:
    fine: dict[str, Any] = {"starts": [0], "ends": [1], "limits": [2.0]}
    with pytest.raises(InfeasibleError, match="crew 0 cannot be at its end, point 1, in time"):
        solve_orienteering([[0, 1], [1, 0]], [1, 1], **(fine | change))
