"""The simple network kernel against all distances by hand: every lixel, every event, four ways."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.risk.density.kernels import KERNELS, Kernel
from patrolmap.risk.density.simple import simple_density
from patrolmap.streets.network import StreetNetwork
from towns import grid_town, loop_town, row_town, star_town, town

PIECES = town(
    {"a": [(0, 0), (90, 0)], "b": [(900, 0), (990, 0)], "c": [(900, 0), (940, 40), (990, 0)]}
)
WALKED_IN_PART = town(
    {"m": [(0, 0), (100, 0)], "n": [(100, 0), (200, 0)], "o": [(0, 0), (100, 90), (200, 0)]},
    walk={"n": False},
)
TOWNS = {
    "loop, parallels, dead end": loop_town(),
    "blocks": grid_town(5, 6),
    "six arms": star_town(6),
    "row": row_town(),
    "lone ring": town({"ring": [(0, 0), (50, 0), (50, 50), (0, 0)]}),
    "in pieces": PIECES,
    "a street nobody walks": WALKED_IN_PART,
    "a long street": town({"long": [(0, 0), (3000, 0)], "side": [(3000, 0), (3000, 150)]}),
}


def cut(streets: StreetNetwork, lixel_length: float) -> np.ndarray:
    """Cut segments into equal lixels: where each segment's begin."""
    number = np.ceil(streets.length_mm / 1000 / lixel_length - 1e-9).astype(np.int64)
    return np.append(0, np.cumsum(np.where(streets.segments["walk"], number, 0)))


def scatter(streets: StreetNetwork, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put weighted events anywhere on the streets one may walk."""
    random = np.random.default_rng(seed)
    row = random.choice(np.flatnonzero(streets.segments["walk"]), n).astype(np.int64)
    return row, random.random(n) * streets.length_mm[row] / 1000, random.uniform(0.5, 2, n)


def between_nodes(streets: StreetNetwork) -> np.ndarray:
    """Walk between all nodes (Floyd and Warshall)."""
    tail, head = streets.ends
    far = np.full((len(streets.nodes), len(streets.nodes)), np.inf)
    for i in np.flatnonzero(streets.segments["walk"]):
        shorter = min(far[tail[i], head[i]], streets.length_mm[i] / 1000)
        far[tail[i], head[i]] = far[head[i], tail[i]] = shorter
    np.fill_diagonal(far, 0)
    for k in range(len(far)):
        far = np.minimum(far, far[:, [k]] + far[[k], :])
    return far


def by_distances(
    streets: StreetNetwork,
    row: np.ndarray,
    offset: np.ndarray,
    weight: np.ndarray,
    bandwidth: float,
    kernel: Kernel,
    indptr: np.ndarray,
) -> np.ndarray:
    """The oracle: the shortest of all ways from each lixel's middle to each event."""
    tail, head = streets.ends
    length, far = streets.length_mm / 1000, between_nodes(streets)
    out = np.zeros(indptr[-1])
    for x in range(len(length)):
        n = indptr[x + 1] - indptr[x]
        for i in range(n):
            t = (i + 0.5) * length[x] / n
            ways = [
                here + far[a, b] + there
                for a, here in ((tail[x], t), (head[x], length[x] - t))
                for b, there in ((tail[row], offset), (head[row], length[row] - offset))
            ]
            ways.append(np.where(row == x, abs(t - offset), np.inf))
            d = np.min(ways, axis=0) / bandwidth
            near = d <= 1
            u = d[near]
            shape = np.polynomial.Polynomial(kernel.powers)(u) if kernel.powers else None
            shape = np.exp(-((3 * u) ** 2) / 2) if shape is None else shape
            out[indptr[x] + i] = weight[near] @ shape * kernel.line / bandwidth
    return out


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
@pytest.mark.parametrize("name", TOWNS)
def test_every_lixel_has_the_sum_over_shortest_distances(name, kernel):
    streets = TOWNS[name]
    indptr = cut(streets, 20)
    for n, bandwidth in ((1, 137.0), (9, 15.0), (40, 400.0), (500, 137.0), (500, 5000.0)):
        events = scatter(streets, n, seed=n)
        density = simple_density(
            streets, *events, bandwidth=bandwidth, kernel=kernel, lixel_indptr=indptr
        )
        expected = by_distances(streets, *events, bandwidth, kernel, indptr)
        np.testing.assert_allclose(density, expected, rtol=0, atol=1e-12 * max(expected.max(), 1))


@settings(deadline=None, max_examples=25)
@given(
    name=st.sampled_from(list(TOWNS)),
    n=st.integers(1, 60),
    bandwidth=st.floats(5, 700),
    lixel_length=st.floats(7, 300),
    seed=st.integers(0, 10_000),
)
def test_any_town_bandwidth_and_lixel_length(name, n, bandwidth, lixel_length, seed):
    streets, kernel = TOWNS[name], KERNELS["quartic"]
    indptr, events = cut(streets, lixel_length), scatter(TOWNS[name], n, seed)
    density = simple_density(
        streets, *events, bandwidth=bandwidth, kernel=kernel, lixel_indptr=indptr
    )
    expected = by_distances(streets, *events, bandwidth, kernel, indptr)
    np.testing.assert_allclose(density, expected, rtol=0, atol=1e-12 * max(expected.max(), 1))


def quartic(streets, events, indptr, bandwidth=250.0):
    return simple_density(
        streets, *events, bandwidth=bandwidth, kernel=KERNELS["quartic"], lixel_indptr=indptr
    )


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 300))
def test_the_order_of_the_events_changes_no_bit(seed, n):
    streets = TOWNS["blocks"]
    row, offset, weight = scatter(streets, n, seed)
    offset = np.round(offset / 25) * 25  # piles
    indptr = cut(streets, 20)
    shuffled = np.random.default_rng(seed).permutation(n)
    mixed = quartic(streets, (row[shuffled], offset[shuffled], weight[shuffled]), indptr)
    assert (mixed == quartic(streets, (row, offset, weight), indptr)).all()


def test_turning_a_segment_round_turns_its_lixels_round():
    lines = {
        "main": [(0, 0), (100, 0)],
        "bow": [(0, 0), (50, 60), (100, 0)],
        "tail": [(100, 0), (180, 0)],
    }
    straight, turned = town(lines), town(lines | {"bow": lines["bow"][::-1]})
    indptr = cut(straight, 20)
    row, offset, weight = scatter(straight, 50, seed=3)
    bow = list(lines).index("bow")
    back = np.where(row == bow, straight.length_mm[bow] / 1000 - offset, offset)
    density, other = (
        quartic(straight, (row, offset, weight), indptr),
        quartic(turned, (row, back, weight), indptr),
    )
    mine = slice(indptr[bow], indptr[bow + 1])
    other[mine] = other[mine][::-1].copy()
    np.testing.assert_allclose(other, density, rtol=1e-12, atol=1e-15)


def test_turning_the_map_changes_nothing():
    streets = TOWNS["blocks"]
    segments, nodes = streets.segments.copy(), streets.nodes.copy()
    about = (656_000, 4_790_000)
    segments.geometry = segments.geometry.rotate(37, origin=about)
    nodes.geometry = nodes.geometry.rotate(37, origin=about)
    turned = dataclasses.replace(streets, segments=segments, nodes=nodes)
    events, indptr = scatter(streets, 80, seed=4), cut(streets, 20)
    np.testing.assert_allclose(
        quartic(turned, events, indptr), quartic(streets, events, indptr), rtol=1e-12
    )


def test_splitting_a_street_where_its_lixels_meet_changes_nothing():
    whole, split = row_town(2, 200.0), row_town(4, 100.0)
    row, offset, weight = scatter(whole, 60, seed=5)
    halves = row * 2 + (offset > 100)
    density = quartic(whole, (row, offset, weight), cut(whole, 20))
    again = quartic(split, (halves, offset - 100 * (offset > 100), weight), cut(split, 20))
    np.testing.assert_allclose(again, density, rtol=1e-12)


def test_an_event_on_a_street_without_junctions_integrates_to_its_weight():
    streets = row_town(10, 100.0)
    density = quartic(streets, (np.array([5]), np.array([40.0]), np.array([3.0])), cut(streets, 1))
    assert density.sum() == pytest.approx(3, abs=1e-4)


def test_an_equally_long_way_round_counts_once():
    ring = town({"a": [(0, 0), (100, 0)], "b": [(0, 0), (0, 100), (100, 100), (100, 0)]})
    indptr = cut(ring, 100)  # the middle of b, 150 m from either end, is opposite to a's middle
    density = quartic(ring, (np.array([0]), np.array([50.0]), np.array([1.0])), indptr)
    u = 200 / 250
    assert density[2] == pytest.approx(15 / 16 * (1 - u**2) ** 2 / 250, rel=1e-12)


def test_a_piece_without_events_stays_empty():
    indptr = cut(PIECES, 20)
    density = quartic(PIECES, (np.array([0]), np.array([10.0]), np.array([1.0])), indptr, 2000.0)
    assert (density[: indptr[1]] > 0).all()
    assert (density[indptr[1] :] == 0).all()


def test_no_events_give_no_density():
    nothing = (np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    assert (quartic(TOWNS["row"], nothing, cut(TOWNS["row"], 20)) == 0).all()


def test_chunks_and_threads_change_no_bit(monkeypatch):
    streets = grid_town(12, 12)
    events, indptr = scatter(streets, 700, seed=6), cut(streets, 20)
    at_once = quartic(streets, events, indptr)
    monkeypatch.setattr("patrolmap.risk.density.simple._CHUNK", 5)
    assert (quartic(streets, events, indptr) == at_once).all()
