"""A plan's bound can be made tighter afterwards, and only for what it was made from."""

import numpy as np
import pandas as pd
import pytest

import patrolmap as pm
from crews import flat_risk, shift_at
from exact import best_prize
from patrolmap.errors import OptionError
from towns import grid_town

TOWN = grid_town(4, 3, block=90.0)
ONE_PASS = pm.PatrolRules(repeat_share=0.0)


def made(minutes=8.0, **options):
    rng = np.random.default_rng(3)
    risk = pd.Series(rng.integers(0, 4, len(TOWN.segments)).astype(float), TOWN.segments.index)
    shift = shift_at(TOWN, minutes=minutes, rules=ONE_PASS)
    plan = pm.plan_patrols(TOWN, risk, [shift], stop=pm.MaxIterations(300), **options)
    return plan, risk, shift


def test_a_small_plan_is_proved_the_best():
    plan, risk, shift = made()
    tight = pm.tighten_bound(plan, TOWN, risk, [shift], seconds=20)
    best = best_prize(TOWN, risk, shift)
    assert tight.provenance.prize == plan.provenance.prize == pytest.approx(best)
    assert best * (1 - 1e-9) <= tight.provenance.upper_bound <= best * (1 + 1e-4)
    assert tight.provenance.upper_bound <= plan.provenance.upper_bound
    assert tight.routes is plan.routes


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "60", True])
def test_a_time_that_is_none_is_an_error(seconds):
    plan, risk, shift = made()
    with pytest.raises(OptionError, match="seconds="):
        pm.tighten_bound(plan, TOWN, risk, [shift], seconds=seconds)


def test_another_risk_or_shift_than_the_plan_s_is_an_error():
    plan, risk, shift = made()
    with pytest.raises(OptionError, match="other total_risk"):
        pm.tighten_bound(plan, TOWN, flat_risk(TOWN, 9.0), [shift])
    later = shift_at(TOWN, minutes=9.0, rules=ONE_PASS)
    with pytest.raises(OptionError, match="durations"):
        pm.tighten_bound(plan, TOWN, risk, [later])
