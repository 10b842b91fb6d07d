"""The search over points: its books agree with themselves and with a plain twin."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from patrolmap._kernels import points as kernel


def world(seed: int, *, count: int = 14, crews: int = 3, timed: bool = False) -> kernel.Points:
    rng = np.random.default_rng(seed)
    size = count + 2 * crews
    way = rng.integers(5, 100, (size, size)).astype(np.int32)
    np.fill_diagonal(way, 0)
    opens = rng.integers(0, 150, size) * timed
    opens[count:] = 0
    closes = opens + rng.integers(20, 200, size)
    closes[count:] = 400
    if not timed:
        closes[:] = 400
    near = np.argsort(way[:count, :count], axis=1)[:, 1:].astype(np.int32)
    return kernel.Points(
        way=way,
        back=np.ascontiguousarray(way.T),
        prize=rng.integers(1, 30, count),
        opens=opens,
        closes=closes,
        near=np.ascontiguousarray(near),
        limit=np.full(crews, 400, dtype=np.int64),
        timed=timed,
    )


@settings(max_examples=20, deadline=None)
@example(2304, True)
@example(28, True)  # without a point in between, the way is longer and the next one's window missed
@given(st.integers(0, 10_000), st.booleans())
def test_what_is_kept_up_equals_what_is_reckoned_anew(seed: int, timed: bool) -> None:
    points = world(seed, timed=timed)
    state, rng = kernel.new_state(points), np.array([seed + 1], dtype=np.uint64)
    pool = kernel.new_pool(points, np.zeros(3, dtype=np.int64), 64, 20)
    kernel.fill(points, state, rng, 99)
    backup, best = kernel.copy_state(state), kernel.copy_state(state)
    kernel.improve(points, state, backup, best, pool, rng, 40, np.array([9.0, 3.0]), 0.01, 6)
    for kept in (state, best):
        anew = kernel.copy_state(kept)
        kernel.settle(points, anew)
        outside = kept.route[: len(points.prize)] < 0
        np.testing.assert_array_equal(kept.total, anew.total)
        np.testing.assert_array_equal(kept.used, anew.used)
        np.testing.assert_array_equal(kept.size, anew.size)
        known = outside[:, None] & (kept.pos != kernel.DIRTY)
        np.testing.assert_array_equal(kept.cost[known], anew.cost[known])
        assert (kept.cost[outside] <= anew.cost[outside]).all()
        listed = kept.outside[: kept.total[kernel.OUTSIDE]]
        assert sorted(listed.tolist()) == np.flatnonzero(outside).tolist()
        np.testing.assert_array_equal(listed[kept.place[listed]], listed)
        assert (kept.used <= points.limit).all()
        assert timed or kept.total[1] == kept.used.sum()
        if timed:
            assert (kept.early <= kept.late).all() or not (kept.route >= 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_shortest_ways_equal_those_of_plain_relaxation(seed: int) -> None:
    way = np.random.default_rng(seed).uniform(1, 100, (12, 12))
    way[3] = np.inf
    plain = way.copy()
    np.fill_diagonal(plain, 0)
    for k in range(12):
        plain = np.minimum(plain, plain[:, [k]] + plain[[k]])
    np.testing.assert_allclose(kernel.shortest(way, 0), plain[0])
