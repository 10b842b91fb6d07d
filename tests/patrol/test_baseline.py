"""A search has to beat what a careful person would draw by hand."""

import numpy as np
import pandas as pd
import pytest

from baselines import greedy_one_pass
from crews import ONE_PASS, assert_good, shift_at
from patrolmap.patrol import MaxIterations, PatrolRules, plan_patrols
from towns import grid_town


@pytest.mark.parametrize("rules", [ONE_PASS, PatrolRules()], ids=["one pass", "repeats"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_plan_collects_more_than_greedy_walks(seed: int, rules: PatrolRules) -> None:
    town = grid_town(12, 12)
    values = np.random.default_rng(seed).pareto(1.2, len(town.segments))
    risk = pd.Series(values, index=town.segments.index)
    shifts = [shift_at(town, (500.0, 500.0), minutes=70, crews=2, rules=rules)]
    plan = plan_patrols(town, risk, shifts, stop=MaxIterations(400), seed=seed)
    assert_good(plan, town, risk)
    assert plan.provenance.prize > greedy_one_pass(town, risk, shifts).prize
