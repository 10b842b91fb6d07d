"""What a map tells of itself."""

import numpy as np
import pytest

from patrolmap.risk.model import learn
from towns import grid_town


@pytest.mark.parametrize("most", [30, 59])
def test_the_curve_is_per_event_that_chose(monkeypatch, most):
    """Every second or third of 60 alike events says the same of each."""
    monkeypatch.setattr(learn, "MOST_PLACES", most)
    monkeypatch.setattr(learn, "BANDWIDTHS", (100.0, 400.0))
    seen = []

    def fit_prior(counts, *_):
        seen.append(counts.sum())
        return learn.Prior(strength=1.0, background=0.1, log_likelihood=-len(seen) * counts.sum())

    monkeypatch.setattr(learn, "fit_prior", fit_prior)
    segment = np.repeat(np.arange(20), 3)
    found = learn.learn(
        grid_town(), "crime", segment, np.full(60, 30.0),
        bandwidth=None, kernel="quartic", method="esd", shrink=True,
    )  # fmt: skip
    assert seen[:2] == [30, 30]
    assert found.curve.to_dict() == {100.0: 0.0, 400.0: -1.0}


def test_counts_are_worth_the_same_whether_the_bandwidth_was_chosen_or_given(monkeypatch):
    monkeypatch.setattr(learn, "MOST_PLACES", 100)
    rng = np.random.default_rng(1)
    uneven = rng.dirichlet(np.ones(24))
    segment, offset = rng.choice(24, 400, p=uneven), rng.uniform(0, 100, 400)
    options = {"kernel": "quartic", "method": "esd", "shrink": True}
    chosen = learn.learn(grid_town(), "crime", segment, offset, bandwidth=None, **options)
    given = learn.learn(
        grid_town(), "crime", segment, offset, bandwidth=chosen.bandwidth, **options
    )
    assert given.strength == chosen.strength < 1000
