"""What the wave kernels promise each other; the whole is held against all paths in tests/risk."""

import numpy as np
import pytest

from patrolmap._kernels import waves


def settle(segment, offset, weight, *, at_node=1.0, share=1.0):
    """Sort events on three segments of 100 m in a row."""
    ends = np.array([[0, 1], [1, 2], [2, 3]])
    start = np.zeros((4, 1))
    found = waves.by_segment(
        np.array(segment), np.array(offset, dtype=float), np.zeros(len(segment), dtype=np.int64),
        np.array(weight, dtype=float), np.full(3, 100.0), ends, np.full(4, share), at_node, start,
    )  # fmt: skip
    return found, start[:, 0]


def test_events_are_sorted_by_segment_and_keep_their_order_there():
    (indptr, offset, _, weight), start = settle([2, 0, 2, 0], [40, 30, 20, 10], [1, 2, 3, 4])
    assert indptr.tolist() == [0, 2, 2, 4]
    assert offset.tolist() == [30, 10, 40, 20]
    assert weight.tolist() == [2, 4, 1, 3]
    assert not start.any()


def test_events_within_reach_of_a_node_set_out_from_it():
    (indptr, *_), start = settle([0, 1, 1, 2], [99.5, 0.0, 1.01, 100.0], [1, 2, 4, 8], share=0.5)
    assert indptr.tolist() == [0, 0, 1, 1]
    assert start.tolist() == [0, 1.5, 0, 4]


def test_no_event_sets_out_from_a_node_where_none_is_wanted():
    (indptr, *_), start = settle([0, 1], [100.0, 0.0], [1, 2], at_node=-1.0)
    assert indptr.tolist() == [0, 1, 2, 2]
    assert not start.any()


@pytest.mark.parametrize("offset", [0.0, 3.0, 12.5, 31.0, 50.0, 100.0])
def test_a_deposit_keeps_mass_and_the_moments_that_its_polynomial_keeps(offset):
    h, n_bins = 7.0, 20
    arc_of = np.array([[0, 1]])
    bins = np.zeros((waves.PAD + n_bins + 1, 2, 1))
    one = np.array([offset]), np.zeros(1, dtype=np.int64), np.ones(1)
    waves.deposit(0, 1, np.array([0, 1]), *one, arc_of, np.array([100.0]), h, bins)
    r = np.arange(n_bins) * h
    for arc, walked in ((0, offset), (1, 100.0 - offset)):
        row = bins[waves.PAD : waves.PAD + n_bins, arc, 0]
        moments = [(row * r**p).sum() for p in range(4 if walked >= h else 3)]
        assert moments == pytest.approx([walked**p for p in range(len(moments))], rel=1e-9)
    assert not bins[: waves.PAD].any()


def test_what_arrives_beyond_the_last_bin_is_dropped():
    bins = np.zeros((waves.PAD + 5 + 1, 2, 1))
    one = np.array([10.0]), np.zeros(1, dtype=np.int64), np.ones(1)
    waves.deposit(0, 1, np.array([0, 1]), *one, np.array([[0, 1]]), np.array([500.0]), 7.0, bins)
    assert bins[:, 1].sum() == 0
    assert bins[:, 0].sum() == pytest.approx(1)
