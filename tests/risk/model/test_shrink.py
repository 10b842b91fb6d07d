"""Counts beside the density: the likelihood against a brute-force one, and known limits."""

import numpy as np
import pytest
from scipy.stats import nbinom

from patrolmap.risk.model.shrink import STRENGTHS, _log_likelihood, blend, fit_prior

LENGTH = np.full(4000, 70.0)


def town(strength: float, *, seed: int = 1, mean: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    """Draw counts about a density as the model says; return both."""
    rng = np.random.default_rng(seed)
    density = mean * rng.gamma(2.0, 0.5, len(LENGTH))
    rate = rng.gamma(strength * density, 1 / strength)
    return rng.poisson(rate).astype(float), density


def test_a_blend_without_prior_is_the_counts_and_with_all_prior_the_density():
    counts, density = np.array([4.0, 0.0, 1.0]), np.array([1.0, 3.0, 1.0])
    np.testing.assert_array_equal(blend(counts, density, 0.0), counts)
    np.testing.assert_array_equal(blend(counts, density, np.inf), density)
    np.testing.assert_allclose(blend(counts, density, 1e9), density, rtol=1e-8)


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0, np.inf])
def test_a_blend_keeps_all_events(strength):
    counts, density = town(0.5)
    density *= counts.sum() / density.sum()
    assert blend(counts, density, strength).sum() == pytest.approx(counts.sum())


def test_the_likelihood_is_the_negative_binomial_one_but_for_what_no_choice_changes():
    counts, density = town(0.5)
    density *= counts.sum() / density.sum()
    here, total = counts > 0, counts.sum()

    def ours(k: float) -> float:
        return _log_likelihood(counts[here], k * density[here], k, total)

    def brute(k: float) -> float:
        return nbinom.logpmf(counts, k * density, k / (1 + k)).sum()

    assert ours(0.3) - ours(2.0) == pytest.approx(brute(0.3) - brute(2.0), rel=1e-9)


@pytest.mark.parametrize("strength", [0.2, 1.0, 4.0])
def test_the_strength_that_made_the_counts_is_found_again(strength):
    counts, density = town(strength)
    found = fit_prior(counts, density, LENGTH)
    assert found.strength == pytest.approx(strength, rel=0.2)
    assert found.background < 0.1


def test_no_other_strength_on_a_grid_fits_better():
    counts, density = town(0.7, seed=3)
    density *= counts.sum() / density.sum()
    found = fit_prior(counts, density, LENGTH)
    grid = np.exp(np.linspace(-3, 3, 200))
    scores = [nbinom.logpmf(counts, k * density, k / (1 + k)).sum() for k in grid]
    assert found.strength == pytest.approx(grid[np.argmax(scores)], rel=0.06)


def test_counts_that_follow_the_density_alone_leave_no_weight_to_the_counts():
    rng = np.random.default_rng(5)
    density = 3 * rng.gamma(2.0, 0.5, len(LENGTH))
    found = fit_prior(rng.poisson(density).astype(float), density, LENGTH)
    assert found.strength > 15


def test_counts_that_have_nothing_to_do_with_the_density_are_known_by_their_background():
    rng = np.random.default_rng(6)
    density = rng.permutation(np.repeat([0.0, 4.0], len(LENGTH) // 2))
    found = fit_prior(rng.poisson(2.0, len(LENGTH)).astype(float), density, LENGTH)
    assert found.background > 0.9


def test_a_density_of_nothing_is_judged_by_its_background_alone():
    found = fit_prior(np.ones(len(LENGTH)), np.zeros(len(LENGTH)), LENGTH)
    assert STRENGTHS[0] <= found.strength <= STRENGTHS[1]
    assert np.isfinite(found.log_likelihood)
