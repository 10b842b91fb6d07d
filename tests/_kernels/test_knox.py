"""Knox's counts: by brute force as they are, and as chance has it when dealt anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels.knox import count_pairs

EDGES = np.array([3, 10, 50], dtype=np.int64)


def layout(sizes, links):
    """Lay out places of some sizes, linked in some bands."""
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    links = sorted({(min(a, b), max(a, b)): d for a, b, d in links if a != b}.items())
    indptr = np.zeros(len(sizes) + 1, dtype=np.int64)
    for (a, _), _ in links:
        indptr[a + 1] += 1
    other = np.array([b for (_, b), _ in links], dtype=np.int32)
    band = np.array([d for _, d in links], dtype=np.int8)
    return start, (np.cumsum(indptr), other, band), dict(links)


def brute(minute, start, links, n_bands):
    place = np.repeat(np.arange(len(start) - 1), np.diff(start))
    out = np.zeros((1 + n_bands, len(EDGES)), dtype=np.int64)
    for i in range(len(minute)):
        for j in range(i + 1, len(minute)):
            a, b = int(place[i]), int(place[j])
            band = 0 if a == b else links.get((a, b), -2) + 1
            apart = abs(int(minute[i]) - int(minute[j]))
            if band >= 0 and apart < EDGES[-1]:
                out[band, int(np.searchsorted(EDGES, apart, side="right"))] += 1
    return out


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 1)), max_size=8),
    st.integers(0, 2**32),
)
def test_pairs_as_they_are_equal_brute_force(sizes, links, seed):
    links = [(a, b, d) for a, b, d in links if max(a, b) < len(sizes)]
    start, pairs, linked = layout(sizes, links)
    minute = np.random.default_rng(seed).integers(0, 90, start[-1])
    counts = count_pairs(minute, start, pairs, EDGES, 2, 1, seed)
    assert counts[0].tolist() == brute(minute, start, linked, 2).tolist()


def test_dealt_times_average_to_the_product_of_the_margins():
    start, pairs, links = layout([3, 1, 40, 2], [(0, 1, 0), (0, 2, 1), (1, 3, 1)])
    rng = np.random.default_rng(1)
    minute = rng.integers(0, 90, start[-1])
    counts = count_pairs(minute, start, pairs, EDGES, 2, 4000, 7)
    n = len(minute)
    apart = np.abs(minute[:, None] - minute[None, :])[np.triu_indices(n, 1)]
    in_time = np.histogram(apart, bins=[0, *EDGES])[0] - [0, 0, (apart == EDGES[-1]).sum()]
    in_space = brute(np.zeros(n, int), start, links, 2).sum(axis=1)
    expected = np.outer(in_space, in_time) / (n * (n - 1) / 2)
    spread = counts[1:].std(axis=0) / np.sqrt(4000)
    assert (np.abs(counts[1:].mean(axis=0) - expected) <= 4.5 * spread + 1e-9).all()


def test_a_deal_depends_on_its_number_and_the_seed_only():
    start, pairs, _ = layout([2, 2, 35], [(0, 1, 0), (1, 2, 1)])
    minute = np.random.default_rng(0).integers(0, 90, start[-1])
    few = count_pairs(minute, start, pairs, EDGES, 2, 30, 5)
    many = count_pairs(minute, start, pairs, EDGES, 2, 200, 5)
    assert few.tolist() == many[:31].tolist()
    assert many[1:].tolist() != count_pairs(minute, start, pairs, EDGES, 2, 200, 6)[1:].tolist()
    assert len({counts.tobytes() for counts in many}) > 20


def test_every_order_of_three_times_comes_as_often():
    start, pairs, _ = layout([1, 1, 1], [(0, 1, 0), (1, 2, 1)])
    minute = np.array([0, 1, 40])  # only the first two are near in time
    counts = count_pairs(minute, start, pairs, EDGES, 2, 6000, 3)[1:, :, 0]
    for band in (1, 2):
        assert counts[:, band].mean() == pytest.approx(1 / 3, abs=0.025)
