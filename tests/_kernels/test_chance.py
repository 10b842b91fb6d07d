"""What chance makes: numbers without favourites, permutations, events thrown on streets."""

from itertools import permutations

import numpy as np
import pytest

from patrolmap._kernels.chance import draw, excesses, lag_tails, stream, strongest_by_chance


def test_numbers_below_a_bound_come_alike_often():
    state = stream(np.uint64(3), np.uint64(1))
    seen = np.zeros(7)
    for _ in range(7000):
        state, number = draw(state, np.uint64(7))
        state = np.uint64(state)  # Python hands it back as an int
        seen[number] += 1
    assert (abs(seen - 1000) < 5 * np.sqrt(1000)).all()


def test_permuted_neighbours_have_the_p_of_all_orders():
    value = np.array([2.0, 1.0, 3.0, 0.5, -1.0, 0.0])
    indptr, other = np.array([0, 2, 2, 2, 2, 2, 2]), np.array([1, 2])
    weight = np.array([0.3, 0.7])
    lags = [0.3 * a + 0.7 * b for a, b in permutations(value[1:], 2)]
    exact = np.mean([lag >= 0.3 * 1.0 + 0.7 * 3.0 - 1e-12 for lag in lags])
    (p,) = lag_tails(value, (indptr, other, weight), np.array([0]), 40_000, 40_001, 1)
    assert p == pytest.approx(exact, abs=0.006)
    (early,) = lag_tails(value, (indptr, other, weight), np.array([0]), 40_000, 20, 1)
    assert early == pytest.approx(exact, abs=0.05)


def test_a_row_without_neighbours_has_p_1():
    value = np.array([2.0, 1.0, 3.0])
    none = (np.zeros(4, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    assert lag_tails(value, none, np.array([0, 2]), 99, 20, 0).tolist() == [1, 1]


def slow_strongest(length, ends, beside, n_events, budget, n, rng):
    """Throw events by numpy and join by repeated search."""
    best = []
    for _ in range(n):
        count = np.bincount(
            rng.choice(len(length), n_events, p=length / length.sum()), minlength=len(length)
        )
        order = np.argsort(-count / length, kind="stable")
        order = order[count[order] > 0]
        taken = order[: max(1, (np.cumsum(length[order]) <= budget).sum())].tolist()
        strongest = 0.0
        while taken:
            piece, grown = {taken[0]}, True
            while grown:
                more = {
                    i
                    for i in taken
                    if any(set(ends[i]) & set(ends[j]) for j in piece)
                    or any({i} <= set(pair) and piece & set(pair) for pair in beside.tolist())
                }
                grown = bool(more - piece)
                piece |= more
            taken = [i for i in taken if i not in piece]
            c, mu = sum(count[i] for i in piece), n_events * sum(length[list(piece)]) / length.sum()
            if c > mu:
                rest = (
                    (n_events - c) * np.log((n_events - c) / (n_events - mu)) if c < n_events else 0
                )
                strongest = max(strongest, c * np.log(c / mu) + rest)
        best.append(strongest)
    return np.array(best)


def test_thrown_events_make_hotspots_as_strong_as_a_slow_throw_does():
    rng = np.random.default_rng(5)
    length = rng.integers(20, 200, 24).astype(float)
    ends = np.array([(i, i + 1) if i % 6 else (i, 40 + i) for i in range(24)])
    ends = np.unique(ends, return_inverse=True)[1].reshape(-1, 2)
    beside = np.array([[0, 12], [3, 20]])
    fast = strongest_by_chance(length, ends, beside, 60, 0.3 * length.sum(), 3000, 2)
    slow = slow_strongest(length, ends, beside, 60, 0.3 * length.sum(), 1200, rng)
    for share in (0.25, 0.5, 0.75, 0.95):
        low, high = np.quantile(slow, [max(share - 0.05, 0), min(share + 0.05, 1)])
        assert low <= np.quantile(fast, share) <= high
    again = strongest_by_chance(length, ends, beside, 60, 0.3 * length.sum(), 10, 2)
    assert again.tolist() == fast[:10].tolist()


def test_strength_is_kulldorffs_likelihood_ratio():
    found = excesses(np.array([10.0, 2.0, 20.0]), np.array([5.0, 5.0, 5.0]), 20.0)
    assert found[0] == pytest.approx(10 * np.log(2) + 10 * np.log(10 / 15))
    assert found[1] == 0
    assert found[2] == pytest.approx(20 * np.log(4))
