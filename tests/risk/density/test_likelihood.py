"""What all other places give to a place, against slow sums: pairs, distances, paths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.risk.density.kernels import KERNELS, Kernel
from patrolmap.risk.density.likelihood import network_left_out, planar_left_out, polynomial
from patrolmap.streets.network import StreetNetwork
from towns import grid_town, loop_town, row_town, star_town, town

GRID = np.array([40.0, 130.0, 290.0])
TOWNS = {
    "loop": loop_town(),
    "blocks": grid_town(4, 4),
    "six arms": star_town(6),
    "row": row_town(),
    "long": town({"long": [(0, 0), (900, 0)], "side": [(900, 0), (900, 120)]}),
}
Place = tuple[int, float]


def profile(kernel: Kernel, u: np.ndarray) -> np.ndarray:
    shape = np.polynomial.Polynomial(kernel.powers)(u) if kernel.powers else np.exp(-4.5 * u * u)
    return np.where(u <= 1, shape, 0.0)


def places(streets: StreetNetwork, n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put weighted events at whole metres, some on each other, none near a node."""
    random = np.random.default_rng(seed)
    row = random.integers(0, len(streets.segments), n).astype(np.int64)
    inside = random.random(n) * (streets.length_mm[row] / 1000 - 8)
    return row, np.round(inside / 3) * 3 + 4, random.uniform(0.5, 2, n)


def distances(
    streets: StreetNetwork,
    row: np.ndarray,
    offset: np.ndarray,
    to_row: np.ndarray,
    to_offset: np.ndarray,
) -> np.ndarray:
    """Walk from each event to each of the other places."""
    tail, head = streets.ends
    length = streets.length_mm / 1000
    far = np.full((len(streets.nodes), len(streets.nodes)), np.inf)
    for i in range(len(length)):
        shorter = min(far[tail[i], head[i]], length[i])
        far[tail[i], head[i]] = far[head[i], tail[i]] = shorter
    np.fill_diagonal(far, 0)
    for k in range(len(far)):
        far = np.minimum(far, far[:, [k]] + far[[k], :])
    ways = [
        a[:, None] + far[np.ix_(i, j)] + b[None, :]
        for i, a in ((tail[row], offset), (head[row], length[row] - offset))
        for j, b in ((tail[to_row], to_offset), (head[to_row], length[to_row] - to_offset))
    ]
    same = row[:, None] == to_row[None, :]
    ways.append(np.where(same, abs(offset[:, None] - to_offset[None, :]), np.inf))
    return np.min(ways, axis=0)


def shares(streets: StreetNetwork, start: Place, ends: list[Place], reach: float) -> list[list]:
    """Walk every path from one place: for each of the others the (distance, share) that arrive."""
    tail, head = streets.ends
    length = streets.length_mm / 1000
    arms: dict[int, list[tuple[int, int]]] = {}
    for i in range(len(length)):
        arms.setdefault(int(tail[i]), []).append((i, 0))
        arms.setdefault(int(head[i]), []).append((i, 1))
    met: list[list] = [[] for _ in ends]

    def enter(i: int, side: int, at: float, share: float) -> None:
        for k, (j, offset) in enumerate(ends):
            d = at + (offset if side == 0 else length[i] - offset)
            if j == i and d > 0 and d <= reach and ends[k] != start:
                met[k].append((d, share))
        leaving = at + length[i]
        if leaving >= reach:
            return
        node = int(head[i] if side == 0 else tail[i])
        onward = [arm for arm in arms[node] if arm != (i, 1 - side)] or [(i, 1 - side)]
        for j, other in onward:
            enter(j, other, leaving, share / len(onward))

    row, offset = start
    enter(row, 0, -offset, 1.0)
    enter(row, 1, offset - length[row], 1.0)
    return met


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
def test_in_the_plane_all_pairs_of_places_are_met(kernel):
    random = np.random.default_rng(1)
    xy = random.integers(0, 400, (150, 2)) + np.array([656_000.0, 4_790_000.0])
    xy[:20] = xy[20:40]  # piles
    weight = random.uniform(0.5, 2, 150)
    left = planar_left_out(xy, weight, GRID, kernel, 10_000)
    d = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    for k, bandwidth in enumerate(GRID):
        near = np.where(d > 0, profile(kernel, d / bandwidth), 0.0)
        expected = near @ weight * kernel.disc / bandwidth**2
        np.testing.assert_allclose(left.others[left.place, k], expected, rtol=1e-6, atol=1e-15)
    np.testing.assert_allclose(left.held[left.place], (d == 0) @ weight)
    assert left.places == len(np.unique(xy, axis=0))


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
@pytest.mark.parametrize("name", TOWNS)
def test_along_streets_the_simple_kernel_meets_all_pairs_and_integrates_to_1_in_all(name, kernel):
    streets = TOWNS[name]
    row, offset, weight = places(streets, 40, seed=2)
    left = network_left_out(streets, row, offset, weight, GRID, kernel, "simple", 10_000)
    d = distances(streets, row, offset, row, offset)
    length = streets.length_mm / 1000
    step = 0.5
    fine = [(i, t) for i in range(len(length)) for t in np.arange(step / 2, length[i], step)]
    everywhere = distances(streets, row, offset, *map(np.array, zip(*fine, strict=True)))
    for k, bandwidth in enumerate(GRID):
        mass = weight @ profile(kernel, everywhere / bandwidth).sum(axis=1) * step / weight.sum()
        expected = np.where(d > 0, profile(kernel, d / bandwidth), 0.0) @ weight / mass
        np.testing.assert_allclose(left.others[left.place, k], expected, rtol=0.02, atol=1e-9)


@pytest.mark.parametrize("name", TOWNS)
def test_along_streets_the_equal_split_kernel_sums_over_all_paths(name):
    streets, kernel = TOWNS[name], KERNELS["quartic"]
    row, offset, weight = places(streets, 12, seed=3)
    left = network_left_out(streets, row, offset, weight, GRID, kernel, "esd", 10_000)
    spots = list(zip(row.tolist(), offset.tolist(), strict=True))
    for i, spot in enumerate(spots):
        met = shares(streets, spot, spots, GRID[-1])
        for k, bandwidth in enumerate(GRID):
            expected = sum(
                weight[j]
                * share
                * profile(kernel, np.array(d / bandwidth))
                * kernel.line
                / bandwidth
                for j, ways in enumerate(met)
                for d, share in ways
            )
            peak = kernel.line / bandwidth
            assert left.others[left.place[i], k] == pytest.approx(
                expected, rel=5e-3, abs=1e-4 * peak
            )


def test_an_event_on_a_node_is_met_from_every_arm_alike():
    streets, kernel = star_town(4), KERNELS["quartic"]
    row, offset = np.array([0, 1, 2]), np.array([0.0, 60.0, 60.0])
    left = network_left_out(streets, row, offset, np.ones(3), GRID, kernel, "esd", 10)
    on_node, one, other = left.others[left.place]
    k = kernel.line / GRID * profile(kernel, 60 / GRID)
    np.testing.assert_allclose(on_node, 2 * k * 2 / 4, rtol=1e-9)  # each arrives at 2 / 4
    np.testing.assert_allclose(one, other, rtol=1e-9)
    np.testing.assert_allclose(
        one, k * 2 / 4 + kernel.line / GRID * profile(kernel, 120 / GRID) / 3, rtol=1e-3
    )


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), method=st.sampled_from(["esd", "simple"]))
def test_the_order_of_the_events_changes_no_bit(seed, method):
    streets, kernel = TOWNS["blocks"], KERNELS["quartic"]
    row, offset, weight = places(streets, 60, seed)
    mixed = np.random.default_rng(seed).permutation(60)
    one = network_left_out(streets, row, offset, weight, GRID, kernel, method, 1000)
    two = network_left_out(
        streets, row[mixed], offset[mixed], weight[mixed], GRID, kernel, method, 1000
    )
    assert (one.others == two.others).all()
    assert (one.held == two.held).all()
    assert (one.place[mixed] == two.place).all()


def test_of_many_places_a_part_is_scored_and_all_speak():
    random = np.random.default_rng(4)
    xy = random.integers(0, 2000, (500, 2)).astype(float)
    whole = planar_left_out(xy, np.ones(500), GRID, KERNELS["quartic"], 10_000)
    part = planar_left_out(xy, np.ones(500), GRID, KERNELS["quartic"], 50)
    assert len(part.others) == 50
    some = np.flatnonzero(part.place >= 0)
    assert (part.others[part.place[some]] == whole.others[whole.place[some]]).all()


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
def test_every_kernel_is_a_polynomial_as_far_as_a_likelihood_can_tell(kernel):
    u = np.linspace(0, 1, 101)
    coefficients, step = polynomial(kernel)
    np.testing.assert_allclose(
        np.polynomial.Polynomial(coefficients)(u**step), profile(kernel, u), atol=1e-8
    )
