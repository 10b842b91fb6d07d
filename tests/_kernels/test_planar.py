"""Kernel sums on a raster against adding up every event at every cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap._kernels import planar

PROFILES = {
    0: np.ones_like,
    1: lambda u: 1 - u**2,
    2: lambda u: (1 - u**2) ** 2,
    "triangular": lambda u: 1 - u,
    "gaussian": lambda u: np.exp(-4.5 * u**2),
}
SHAPES = pytest.mark.parametrize("shape", PROFILES)


def added_up(x, y, reach, weight, *, shape, rows, columns, cell):
    """Return the same as `kernel_sums`, the slow way."""
    across, down = (np.arange(columns) + 0.5) * cell, (np.arange(rows) + 0.5) * cell
    out = np.zeros((rows, columns))
    for xi, yi, b, w in np.broadcast(x, y, reach, weight):
        square = (across - xi)[None, :] ** 2 + (down - yi)[:, None] ** 2
        near = square <= b * b
        out[near] += w * PROFILES[shape](np.sqrt(square[near]) / b)
    return out


def scattered(n, *, seed=0, side=1_000.0):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-100, side + 100, size=(2, n))
    return x, y, rng.uniform(0, 3, n)


def off(found, wanted):
    return np.abs(found - wanted).max() / wanted.max()


@SHAPES
@pytest.mark.parametrize("reach", [5.0, 50.0, 330.0, 3_000.0])
def test_every_cell_holds_the_sum_over_all_events(shape, reach):
    x, y, weight = scattered(400)
    raster = {"shape": shape, "rows": 41, "columns": 101, "cell": 10.0}
    found = planar.kernel_sums(x, y, np.array([reach]), weight, **raster)
    assert off(found, added_up(x, y, reach, weight, **raster)) < 1e-12


@SHAPES
def test_each_event_may_have_a_reach_of_its_own(shape):
    x, y, weight = scattered(400)
    reach = np.random.default_rng(1).uniform(15, 400, 400)
    raster = {"shape": shape, "rows": 101, "columns": 41, "cell": 10.0}
    found = planar.kernel_sums(x, y, reach, weight, **raster)
    assert off(found, added_up(x, y, reach, weight, **raster)) < 1e-12


@SHAPES
def test_threads_and_blocks_of_columns_add_up_to_the_same(shape, monkeypatch):
    x, y, weight = scattered(3_000)
    raster = {"shape": shape, "rows": 50, "columns": 60, "cell": 20.0}
    reach = np.array([170.0])
    alone = planar.kernel_sums(x, y, reach, weight, **raster)
    monkeypatch.setattr(planar, "_MANY", 500)
    many = planar.kernel_sums(x, y, reach, weight, **raster)
    assert off(many, alone) < 1e-11
    monkeypatch.setattr(planar.os, "cpu_count", lambda: 1)
    np.testing.assert_array_equal(planar.kernel_sums(x, y, reach, weight, **raster), many)


@pytest.mark.parametrize("power", [0, 1, 2])
def test_nothing_cancels_on_a_wide_raster_with_a_heavy_pile(power):
    """A pile at one end must not leave dirt at the other, 400 bandwidths away."""
    rng = np.random.default_rng(2)
    x, y = np.append(rng.uniform(0, 20_000, 300), 60.0), np.append(rng.uniform(0, 200, 300), 90.0)
    weight = np.append(rng.uniform(0, 1, 300), 1e6 / 3)
    raster = {"shape": power, "rows": 10, "columns": 1_000, "cell": 20.0}
    found = planar.kernel_sums(x, y, np.array([50.0]), weight, **raster)
    wanted = added_up(x, y, 50.0, weight, **raster)
    assert off(found, wanted) < 1e-13
    reached = added_up(x, y, 50.0, weight, **raster | {"shape": 0})
    np.testing.assert_array_equal(found[reached == 0], 0)
    assert np.abs(found - wanted)[:, 500:].max() < 1e-12  # not only next to a million


def test_a_centre_at_the_bandwidth_exactly_counts_as_within():
    # 3-4-5: centres 300 and 400 m off lie at 500 m, of cells that 1/30 does not divide
    x, y = np.array([615.0]), np.array([615.0])
    raster = {"shape": 0, "rows": 41, "columns": 41, "cell": 30.0}
    found = planar.kernel_sums(x, y, np.array([150.0]), np.ones(1), **raster)
    np.testing.assert_array_equal(found, added_up(x, y, 150.0, 1.0, **raster))
    assert found[20, 25] == found[23, 24] == found[16, 17] == 1.0


PLACES = st.lists(st.tuples(st.integers(-60, 460), st.integers(-60, 460)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=40)
@given(PLACES, st.sampled_from([7.0, 25.0, 60.0, 5_000.0]), st.sampled_from(list(PROFILES)))
def test_events_on_corners_middles_and_outside_all_count(places, reach, shape):
    x, y = np.array(places, dtype=np.float64).T.copy()
    raster = {"shape": shape, "rows": 20, "columns": 20, "cell": 20.0}
    weight = np.arange(1.0, len(x) + 1)
    found = planar.kernel_sums(x, y, np.array([reach]), weight, **raster)
    wanted = added_up(x, y, reach, weight, **raster)
    assert np.abs(found - wanted).max() <= 1e-12 * weight.sum()
    assert (found >= 0).all()


def test_linear_bins_keep_weight_and_place():
    x, y = np.random.default_rng(3).uniform(20, 180, size=(2, 50))
    weight = np.random.default_rng(4).uniform(0, 2, 50)
    bins = planar.linear_bins(x, y, weight, rows=10, columns=10, cell=20.0)
    centres = (np.arange(10) + 0.5) * 20
    assert bins.sum() == pytest.approx(weight.sum())
    assert bins.sum(axis=0) @ centres == pytest.approx(weight @ x)
    assert bins.sum(axis=1) @ centres == pytest.approx(weight @ y)
    lost = planar.linear_bins(x - 1e3, y, weight, rows=10, columns=10, cell=20.0)
    assert not lost.any()
