"""Walks on plain arrays: the best ones of tiny graphs, odd input, and a time that is kept."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import InfeasibleError, OptionError
from patrolmap.patrol import MaxIterations, MaxRuntime, room, solve_arc_orienteering

STOP = MaxIterations(150)
SQUARE: dict[str, Any] = {  # a loop at 0, two streets side by side, a dead end
    "from_node": [0, 0, 1, 1, 2, 0],
    "to_node": [1, 1, 2, 3, 0, 0],
    "length": [100.0, 130.0, 100.0, 70.0, 100.0, 40.0],
    "prizes": [1.0, 5.0, 2.0, 8.0, 1.0, 3.0],
}


def best_prize(streets: dict[str, Any], start: int, end: int, limit: float, share: float) -> float:
    """Return the most that one walk collects, by trying every one."""
    table = list(zip(*(streets[key] for key in streets), strict=True))
    best = -1.0

    def walk(node: int, left: float, passes: tuple[int, ...], prize: float) -> None:
        nonlocal best
        best = max(best, prize) if node == end else best
        for row, (a, b, metres, worth) in enumerate(table):
            if node in (a, b) and metres <= left + 1e-9:
                more = (*passes[:row], passes[row] + 1, *passes[row + 1 :])
                earned = worth * share ** passes[row]
                walk(a + b - node, left - metres, more, prize + earned)

    walk(start, limit, (0,) * len(table), 0.0)
    return best


def assert_good(streets: dict[str, Any], found: Any, limits: list[float], share: float) -> None:
    """Check that walks hold together, keep their limits, and collect what is stated."""
    tail, head, length, prize = (np.asarray(streets[key]) for key in streets)
    for nodes, walked, limit in zip(found.routes, found.segments, limits, strict=True):
        steps = np.sort(np.column_stack([nodes[:-1], nodes[1:]]), axis=1)
        assert np.array_equal(steps, np.sort(np.column_stack([tail[walked], head[walked]]), axis=1))
        assert length[walked].sum() <= limit * (1 + 1e-9)
    passes = np.bincount(np.concatenate(found.segments), minlength=len(tail))
    earned = sum(prize[i] * share**k for i, n in enumerate(passes) for k in range(n))
    assert found.prize == pytest.approx(earned)
    assert found.upper_bound >= found.prize * (1 - 1e-9)


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("limit", [100.0, 260.0, 345.0, 480.0])
@pytest.mark.parametrize("end", [0, 2])
def test_one_crew_walks_the_best_walk_of_a_tiny_graph(end: int, limit: float, share: float) -> None:
    found = solve_arc_orienteering(
        **SQUARE, starts=[0], ends=[end], limits=[limit], repeat_share=share,
        stop=STOP if share == 0 else MaxIterations(3000),
    )  # fmt: skip
    assert_good(SQUARE, found, [limit], share)
    best = best_prize(SQUARE, 0, end, limit, share)
    assert found.upper_bound >= best * (1 - 1e-9)
    assert found.prize == pytest.approx(best)


@pytest.mark.parametrize("iterations", [150, 2000])
def test_two_loops_far_apart_are_walked_as_often_as_each_pays(iterations: int) -> None:
    towns = {
        "from_node": [0, 0, 1, 1], "to_node": [1, 0, 1, 1], "length": [100.0, 50.0, 50.0, 150.0],
        "prizes": [0.0, 7.0, 4.0, 1.0],
    }  # fmt: skip
    for seed in range(4):
        found = solve_arc_orienteering(
            **towns, starts=[0], ends=[0], limits=[350.0], repeat_share=0.5, seed=seed,
            stop=MaxIterations(iterations),
        )  # fmt: skip
        assert found.prize == best_prize(towns, 0, 0, 350.0, 0.5) == 14.5


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([0.0, 0.4]))
def test_walks_on_any_graph_are_what_they_say(seed: int, crews: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 12))
    streets = {
        "from_node": rng.integers(0, 6, m),
        "to_node": rng.integers(0, 6, m),
        "length": rng.uniform(1, 100, m),
        "prizes": rng.choice([0.0, 1.0, 1e-9, 1e12], m),
    }
    depots = [int(streets["from_node"][0])] * crews
    limits = [float(x) for x in rng.uniform(1, 400, crews)]
    found = solve_arc_orienteering(
        **streets, starts=depots, ends=depots, limits=limits, repeat_share=share,
        stop=MaxIterations(40),
    )  # fmt: skip
    assert_good(streets, found, limits, share)


def test_where_long_ways_are_cut_short_depots_are_still_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "REACHED", 200)  # some ten nodes from each
    row = np.arange(60)
    prizes = np.where(row % 20 == 19, 1.0, 0.0)
    streets = {"from_node": row, "to_node": row + 1, "length": [10.0] * 60, "prizes": prizes}
    found = solve_arc_orienteering(**streets, starts=[0], ends=[0], limits=[1200.0], stop=STOP)
    assert_good(streets, found, [1200.0], 0.0)
    assert found.prize == 3.0


def test_equal_seeds_and_iterations_give_equal_walks() -> None:
    once, again = (
        solve_arc_orienteering(**SQUARE, starts=[0, 2], ends=[0, 2], limits=[300, 300], stop=STOP)
        for _ in range(2)
    )
    assert [r.tolist() for r in once.routes] == [r.tolist() for r in again.routes]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"prizes": [1.0, np.nan, 0, 0, 0, 0]}, OptionError, r"prizes\[1\] is nan"),
        ({"prizes": [1.0, -1.0, 0, 0, 0, 0]}, OptionError, r"prizes\[1\] is -1"),
        ({"prizes": [1e200] * 6}, OptionError, "add up to"),
        ({"length": [0.0] * 6}, OptionError, r"length\[0\] is 0"),
        ({"starts": [9]}, OptionError, "starts holds"),
        ({"limits": [50.0], "ends": [3]}, InfeasibleError, "crew 0"),
        ({"repeat_share": 2.0}, OptionError, "repeat_share=2"),
        ({"seed": -1}, OptionError, "seed=-1"),
    ],
)
def test_odd_input_is_an_error_that_names_it(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    asked = {**SQUARE, "starts": [0], "ends": [0], "limits": [300.0], "stop": STOP, **change}
    with pytest.raises(error, match=words):
        solve_arc_orienteering(**asked)


def test_prizes_of_nothing_and_a_limit_too_short_for_any_street_collect_nothing() -> None:
    nothing = {**SQUARE, "prizes": [0.0] * 6}
    for streets, limit in ((nothing, 300.0), (SQUARE, 1.0)):
        found = solve_arc_orienteering(**streets, starts=[0], ends=[0], limits=[limit], stop=STOP)
        assert found.prize == 0.0 == found.upper_bound


def test_a_thousand_crews_walk_a_tiny_graph() -> None:
    depots, limits = [0] * 1000, [345.0] * 1000
    found = solve_arc_orienteering(
        **SQUARE, starts=depots, ends=depots, limits=limits, stop=MaxIterations(20)
    )
    assert_good(SQUARE, found, limits, 0.0)
    assert found.prize == 20.0


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_a_time_limit_is_kept(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    solve_arc_orienteering(**SQUARE, starts=[0], ends=[0], limits=[300.0], stop=STOP)  # compiles
    ticks = iter(np.arange(0.0, 1e6, 0.05).tolist())  # a clock that other programs cannot slow
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    asked: list[float] = []
    solve_arc_orienteering(
        **SQUARE, starts=[0], ends=[0], limits=[300.0], stop=MaxRuntime(seconds),
        progress=lambda share, prize, bound: asked.append(share),
    )  # fmt: skip
    assert next(ticks) <= seconds + max(0.05 * seconds, 0.5)
    assert asked == sorted(asked)
