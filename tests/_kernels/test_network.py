"""The equal-split kernel against a slow twin that walks every path and integrates numerically."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels.network import spread
from patrolmap.risk.model.spread import integral_of, spread_events
from patrolmap.streets.network import StreetNetwork
from towns import grid_town, loop_town, row_town, star_town, town

POINTS, GAUSS = np.polynomial.legendre.leggauss(8)


def run(
    streets: StreetNetwork,
    places: list[tuple[str, float]],
    *,
    bandwidth: float = 300.0,
    tolerance: float = 0.0,
    weights: list[float] | None = None,
    columns: list[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Call the kernel with one pile for each (segment id, offset)."""
    graph = streets.graph("walk")
    arc_of = np.full((len(streets.segments), 2), -1, dtype=np.int64)
    arc_of[graph.segment, np.where(graph.forward, 0, 1)] = np.arange(len(graph.segment))
    n = len(places)
    column = np.array(columns or [0] * n, dtype=np.int64)
    home = streets.segments.index.get_indexer([i for i, _ in places]).astype(np.int64)
    mass, _, early = spread(
        graph.indptr, graph.head, graph.segment, graph.forward, graph.length, arc_of,
        home, np.array([offset for _, offset in places], dtype=np.float64),
        np.arange(n + 1), column, np.array(weights or [1.0] * n), home,
        int(column.max()) + 1, np.array([float(bandwidth)]), *integral_of("quartic"), tolerance,
    )  # fmt: skip
    return mass[0], early


def by_paths(
    streets: StreetNetwork, segment_id: str, offset: float, bandwidth: float
) -> np.ndarray:
    """The oracle: recursive enumeration of paths, k(d) integrated over each piece they cross."""
    walkable = streets.segments[streets.segments["walk"]]
    ends = {i: (row.from_node, row.to_node) for i, row in walkable.iterrows()}
    length = {i: round(metres, 3) for i, metres in walkable["length"].items()}
    arms: dict[int, list[tuple[str, int]]] = {}
    for i, pair in ends.items():
        for side in (0, 1):
            arms.setdefault(pair[side], []).append((i, side))
    mass = dict.fromkeys(streets.segments.index, 0.0)

    def integral(near: float, far: float) -> float:
        middle, half = (near + far) / 2, (far - near) / 2
        u = (middle + half * POINTS) / bandwidth
        return float(half * GAUSS @ (15 / 16 * (1 - u**2) ** 2 / bandwidth))

    def enter(i: str, side: int, at: float, run: float, share: float) -> None:
        far = min(at + run, bandwidth)
        mass[i] += share * integral(at, far)
        if at + run >= bandwidth:
            return
        came_by = (i, 1 - side)
        node = ends[i][1 - side]
        others = [arm for arm in arms[node] if arm != came_by] or [came_by]
        for j, other in others:
            enter(j, other, at + run, length[j], share / len(others))

    at_end = 0 if offset <= 0 else 1 if offset >= length[segment_id] else None
    if at_end is None:
        enter(segment_id, 0, 0.0, length[segment_id] - offset, 1.0)
        enter(segment_id, 1, 0.0, offset, 1.0)
    else:
        node = ends[segment_id][at_end]
        for j, side in arms[node]:
            enter(j, side, 0.0, length[j], 2 / len(arms[node]))
    return np.array(list(mass.values()))


TOWNS = {
    "loop": (loop_town(), "bow"),
    "ring itself": (loop_town(), "ring"),
    "star": (star_town(6), "a0"),
    "grid": (grid_town(4, 4), "h-1-1"),
    "row": (row_town(), "s1"),
    "stub": (row_town(1, 17.0), "s0"),
    "lone ring": (town({"ring": [(0, 0), (50, 0), (50, 50), (0, 0)]}), "ring"),
    "pair": (town({"one": [(0, 0), (90, 0)], "two": [(0, 0), (40, 40), (90, 0)]}), "two"),
}


@pytest.mark.parametrize("bandwidth", [30.0, 137.0, 260.0])
@pytest.mark.parametrize("where", [0.0, 0.11, 0.5, 0.93, 1.0])
@pytest.mark.parametrize("name", TOWNS)
def test_mass_on_each_segment_equals_the_sum_over_all_paths(name, where, bandwidth):
    streets, segment_id = TOWNS[name]
    offset = where * round(streets.segments.at[segment_id, "length"], 3)
    mass, early = run(streets, [(segment_id, offset)], bandwidth=bandwidth)
    expected = by_paths(streets, segment_id, offset, bandwidth)
    np.testing.assert_allclose(mass[:, 0], expected, rtol=0, atol=1e-12)
    assert early[0] == 0


def test_an_event_in_the_middle_of_a_long_street_stays_on_it():
    mass, _ = run(row_town(1, 1000.0), [("s0", 500.0)], bandwidth=300)
    assert mass[0, 0] == pytest.approx(1, abs=1e-15)


def test_a_junction_splits_the_mass_equally_over_the_streets_ahead():
    mass, _ = run(star_town(4), [("a0", 150.0)], bandwidth=200)
    ahead = mass[1:, 0]
    assert ahead == pytest.approx([ahead[0]] * 3, abs=1e-15)
    u = 150 / 200  # the way to the square; what lies beyond it splits over three arms
    beyond = 0.5 - 15 / 16 * (u - 2 * u**3 / 3 + u**5 / 5)
    assert ahead.sum() == pytest.approx(beyond, abs=1e-12)


def test_an_event_on_a_junction_counts_alike_for_its_arms_whichever_it_is_snapped_to():
    streets = star_town(5)
    by_arm = [run(streets, [(f"a{i}", 0.0)], bandwidth=150)[0][:, 0] for i in range(5)]
    for mass in by_arm:
        assert mass == pytest.approx([0.2] * 5, abs=1e-15)


def test_parallel_streets_between_the_same_nodes_get_their_own_shares():
    streets = loop_town()
    mass, _ = run(streets, [("tail", 10.0)], bandwidth=60)
    at = dict(zip(streets.segments.index, mass[:, 0], strict=True))
    assert at["main"] == pytest.approx(at["bow"], abs=1e-15)
    assert at["main"] > 0.1


def test_walkers_and_risk_stay_off_a_segment_that_may_not_be_walked():
    streets = grid_town(3, 3)
    closed = town(
        {i: [(p[0] - 656_000, p[1] - 4_790_000) for p in g.coords]
         for i, g in streets.segments.geometry.items()},
        walk={"h-1-0": False},
    )  # fmt: skip
    mass, _ = run(closed, [("h-0-0", 50.0)], bandwidth=300)
    assert mass[closed.segments.index.get_loc("h-1-0"), 0] == 0
    assert mass.sum() == pytest.approx(1, abs=1e-12)


def test_a_cut_branch_is_kept_near_by_and_the_stated_error_bound_holds():
    streets = grid_town(8, 8, 40.0)
    exact, _ = run(streets, [("h-3-3", 13.0)], bandwidth=400)
    rough, early = run(streets, [("h-3-3", 13.0)], bandwidth=400, tolerance=1e-2)
    assert rough.sum() == pytest.approx(1, abs=1e-12)
    off = np.abs(rough - exact).sum() / 2
    assert 0 < off <= early[0]


def test_a_square_of_many_arms_does_not_overrun_the_stack():
    mass, _ = run(star_town(700), [("a0", 0.0), ("a0", 5.0)], bandwidth=100, columns=[0, 1])
    assert mass.sum(axis=0) == pytest.approx([1, 1], abs=1e-9)


def places(streets: StreetNetwork) -> st.SearchStrategy[list[tuple[str, float]]]:
    one = st.sampled_from(list(streets.segments.index)).flatmap(
        lambda i: st.tuples(
            st.just(i),
            st.integers(0, 50).map(lambda k: k / 50 * round(streets.segments.at[i, "length"], 3)),
        )
    )
    return st.lists(one, min_size=1, max_size=6)


@settings(deadline=None, max_examples=40)
@given(places(loop_town()), st.floats(5, 400), st.sampled_from([0.0, 1e-4, 0.1]))
def test_every_event_keeps_all_its_mass_on_the_streets(where, bandwidth, tolerance):
    weights = [float(i + 1) for i in range(len(where))]
    mass, _ = run(
        loop_town(), where, bandwidth=bandwidth, tolerance=max(tolerance, 1e-5),
        weights=weights, columns=list(range(len(where))),
    )  # fmt: skip
    np.testing.assert_allclose(mass.sum(axis=0), weights, rtol=1e-11)
    assert mass.min() >= 0


@settings(deadline=None, max_examples=25)
@given(places(loop_town()), st.floats(5, 250))
def test_events_together_make_the_sum_of_each_alone(where, bandwidth):
    streets = loop_town()
    together, _ = run(streets, where, bandwidth=bandwidth, tolerance=1e-4)
    alone = [run(streets, [place], bandwidth=bandwidth, tolerance=1e-4)[0] for place in where]
    np.testing.assert_allclose(together, np.sum(alone, axis=0), atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(places(loop_town()), st.floats(5, 250), st.sets(st.sampled_from(["main", "bow", "ring"])))
def test_turning_the_direction_of_a_segment_changes_nothing(where, bandwidth, turned):
    lines = {
        i: [(x - 656_000, y - 4_790_000) for x, y in g.coords]
        for i, g in loop_town().segments.geometry.items()
    }
    there = loop_town()
    back = town({i: line[::-1] if i in turned else line for i, line in lines.items()})
    length = there.segments["length"].round(3)
    mirrored = [(i, length[i] - at if i in turned else at) for i, at in where]
    one, _ = run(there, where, bandwidth=bandwidth, tolerance=1e-5)
    other, _ = run(back, mirrored, bandwidth=bandwidth, tolerance=1e-5)
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_several_bandwidths_in_one_walk_are_those_of_one_walk_each():
    streets = grid_town(6, 6, 60.0)
    home = streets.segments.index.get_indexer(["h-2-2", "v-1-3"]).astype(np.int64)
    events = home, np.array([20.0, 44.0]), np.zeros(2, np.int64), np.ones(2)
    wide = (70.0, 150.0, 310.0)
    together = spread_events(streets, *events, n_columns=1, bandwidths=wide, tolerance=0.0)
    for b, bandwidth in enumerate(wide):
        alone = spread_events(streets, *events, n_columns=1, bandwidths=[bandwidth], tolerance=0.0)
        np.testing.assert_allclose(together.mass[b], alone.mass[0], atol=1e-14)
        np.testing.assert_allclose(together.own[b], alone.own[0], atol=1e-14)


@pytest.mark.parametrize("kernel", ["epanechnikov", "triangular", "uniform", "gaussian"])
def test_every_kernel_keeps_all_mass_and_the_uniform_one_is_even(kernel):
    streets = row_town(1, 1000.0)
    events = np.zeros(1, np.int64), np.array([500.0]), np.zeros(1, np.int64), np.ones(1)
    spread = spread_events(streets, *events, n_columns=1, bandwidths=[300.0], kernel=kernel)
    assert spread.mass.sum() == pytest.approx(1, abs=1e-9)
    split = row_town(10)
    middle = np.array([5]), np.array([0.0]), np.zeros(1, np.int64), np.ones(1)
    mass = spread_events(split, *middle, n_columns=1, bandwidths=[300.0], kernel="uniform").mass
    assert mass[0, 2:8, 0] == pytest.approx([1 / 6] * 6)


def test_a_segments_own_part_is_what_it_loses_without_its_own_events():
    streets = grid_town(5, 5, 60.0)
    rng = np.random.default_rng(2)
    segment = rng.integers(0, len(streets.segments), 40).astype(np.int64)
    offset = rng.choice([0.0, 0.4, 13.0, 30.0, 59.7, 60.0], 40)
    weight, column = rng.uniform(1, 2, 40), np.zeros(40, np.int64)

    def mass(of: np.ndarray) -> np.ndarray:
        parts = segment[of], offset[of], column[of], weight[of]
        return spread_events(streets, *parts, n_columns=1, bandwidths=[150.0], tolerance=0.0)

    whole = mass(np.ones(40, bool))
    assert whole.counts[:, 0] == pytest.approx(np.bincount(segment, weight, len(streets.segments)))
    for row in np.unique(segment):
        others = mass(segment != row)
        left = whole.mass[0, row, 0] - whole.own[0, row, 0]
        assert others.mass[0, row, 0] == pytest.approx(left, abs=1e-12)
