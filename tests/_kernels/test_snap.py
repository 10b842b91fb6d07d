"""The snapping kernel against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels.snap import nearest_pieces


def brute_force(xy, pieces, max_distance):
    """Look at every piece for every point; the first of the nearest wins."""
    x, y = xy[:, :1], xy[:, 1:]
    x1, y1, x2, y2 = pieces.T
    dx, dy = x2 - x1, y2 - y1
    square = dx * dx + dy * dy
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(square > 0, ((x - x1) * dx + (y - y1) * dy) / square, 0.0)
    nx = np.where(t <= 0, x1, np.where(t >= 1, x2, x1 + t * dx))
    ny = np.where(t <= 0, y1, np.where(t >= 1, y2, y1 + t * dy))
    distance = np.sqrt((x - nx) * (x - nx) + (y - ny) * (y - ny))
    best = distance.argmin(axis=1)
    rows = np.arange(len(xy))
    far = distance[rows, best] > max_distance
    piece = np.where(far, -1, best)
    share = np.where(far, np.nan, np.clip(t, 0, 1)[rows, best])
    return piece, share, np.where(far, np.nan, distance[rows, best])


def check(xy, pieces, max_distance):
    piece, share, distance = nearest_pieces(xy, pieces, max_distance)
    slow_piece, slow_share, slow_distance = brute_force(xy, pieces, max_distance)
    np.testing.assert_array_equal(distance, slow_distance)
    np.testing.assert_array_equal(piece, slow_piece)
    np.testing.assert_array_equal(share, slow_share)


# Whole metres make ties and shared ends common.
metres = st.integers(-400, 400).map(float)


@settings(deadline=None, max_examples=150)
@given(
    pieces=st.lists(st.tuples(metres, metres, metres, metres), min_size=1, max_size=30),
    xy=st.lists(st.tuples(metres, metres), min_size=1, max_size=20),
    max_distance=st.sampled_from([1.0, 30.0, 50.0, 200.0, 2000.0]),
)
def test_the_grid_finds_what_brute_force_finds(pieces, xy, max_distance):
    check(np.array(xy), np.array(pieces), max_distance)


@pytest.mark.parametrize("seed", range(3))
def test_the_grid_agrees_on_a_street_grid_at_real_coordinates(seed):
    rng = np.random.default_rng(seed)
    almaty = np.array([656_000.0, 4_790_000.0])
    start = rng.uniform(0, 3000, (400, 2)) + almaty
    end = start + rng.normal(0, 80, (400, 2))
    xy = rng.uniform(-200, 3200, (500, 2)) + almaty
    check(xy, np.hstack([start, end]), 50.0)


def test_equally_near_pieces_go_to_the_lowest_row():
    pieces = np.array([[0.0, 10, 100, 10], [0, -10, 100, -10], [0, 10, 100, 10]])
    piece, _, distance = nearest_pieces(np.array([[50.0, 0.0]]), pieces[::-1].copy(), 50.0)
    assert (piece[0], distance[0]) == (0, 10.0)


def test_a_piece_without_length_is_a_point():
    piece, share, distance = nearest_pieces(
        np.array([[3.0, 4.0]]), np.array([[0.0, 0.0, 0.0, 0.0]]), 5.0
    )
    assert (piece[0], share[0], distance[0]) == (0, 0.0, 5.0)


def test_points_far_from_everything_cost_nothing_and_find_nothing():
    xy = np.array([[1e12, -1e12], [-1e300, 0.0]])
    piece, _, distance = nearest_pieces(xy, np.array([[0.0, 0.0, 10.0, 0.0]]), 50.0)
    assert piece.tolist() == [-1, -1]
    assert np.isnan(distance).all()


def test_pieces_at_opposite_ends_of_a_country_fit_in_one_grid():
    pieces = np.array([[0.0, 0.0, 10.0, 0.0], [2e6, 3e6, 2e6, 3e6 + 10]])
    check(np.array([[5.0, 20.0], [2e6 - 30, 3e6]]), pieces, 50.0)
