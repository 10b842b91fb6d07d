"""A plan's bound can be made tighter afterwards, and only for what it was made from."""

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

import patrolmap as pm
from crews import assert_good, depot_at, flat_risk, shift_at
from exact import best_prize
from patrolmap.errors import OptionError
from towns import grid_town, lonlat, row_town

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


def test_a_beat_is_known_to_the_tighter_bound():
    place = row_town(12)
    rules = pm.PatrolRules(repeat_share=0.0, beat="5min")
    shift = shift_at(place, (600.0, 0.0), minutes=60, rules=rules)
    risk = flat_risk(place)
    plan = pm.plan_patrols(place, risk, [shift], stop=pm.MaxIterations(50))
    loose = plan.provenance.upper_bound * 2
    wide = pm.patrol.Plan(
        **{**vars(plan), "provenance": plan.provenance.__class__(
            **{**vars(plan.provenance), "upper_bound": loose, "gap": 1 - 4 / loose})}
    )  # fmt: skip
    tight = pm.tighten_bound(wide, place, risk, [shift], seconds=5)
    assert 4.0 <= tight.provenance.upper_bound <= 8.0 + 1e-6  # 417 m to both sides of its depot


@pytest.mark.parametrize("what", ["must-visit in an area", "break in a beat", "corners"])
def test_a_relaxed_plan_is_tightened_as_it_was_relaxed(what):
    place = row_town(12)
    risk = flat_risk(place)
    far = depot_at(place, (900.0, 0.0), name="far")
    corners = [*lonlat(place, (650.0, -30.0)), *lonlat(place, (750.0, 30.0))]
    fields, options = {
        "must-visit in an area": ({"no_go": [box(*corners)]}, {"must_visit": ("s6",)}),
        "break in a beat": ({"break_length": "5min", "break_at": far, "beat": "5min"}, {}),
        "corners": ({"corner_passes": 1}, {"must_visit": ("s0", "s4")}),
    }[what]
    rules = pm.PatrolRules(repeat_share=0.0, **fields)
    shift = shift_at(place, (300.0, 0.0), minutes=60, rules=rules, **options)
    plan = pm.plan_patrols(place, risk, [shift], stop=pm.MaxIterations(50), relax=True)
    assert_good(plan, place, risk)
    assert any(note.startswith("relaxed") for note in plan.provenance.notes)
    tight = pm.tighten_bound(plan, place, risk, [shift], seconds=5)
    assert plan.provenance.prize <= tight.provenance.upper_bound <= plan.provenance.upper_bound
    other = shift_at(place, (300.0, 0.0), minutes=61, rules=rules, **options)
    with pytest.raises(OptionError, match="durations"):
        pm.tighten_bound(plan, place, risk, [other], seconds=5)


@pytest.mark.parametrize("fields", [{"no_parks_after": "19:00"}, {"crew_distance": 100.0}])
def test_a_rule_that_the_plan_did_not_keep_nor_relax_is_an_error(fields):
    place, risk = row_town(12), flat_risk(row_town(12))
    shift = shift_at(place, (300.0, 0.0), minutes=20)
    plan = pm.plan_patrols(place, risk, [shift], stop=pm.MaxIterations(50))
    stricter = shift_at(place, (300.0, 0.0), minutes=20, rules=pm.PatrolRules(**fields))
    with pytest.raises(OptionError, match="rules"):
        pm.tighten_bound(plan, place, risk, [stricter], seconds=5)


def test_a_distance_between_crews_of_two_shifts_is_relaxed_for_both():
    place, risk = row_town(12), flat_risk(row_town(12))
    end = depot_at(place, (1200.0, 0.0), name="end")
    rules = pm.PatrolRules(crew_distance=100.0)
    shifts = [shift_at(place, minutes=25, name=name, rules=rules, end_depot=end) for name in "ab"]
    plan = pm.plan_patrols(place, risk, shifts, stop=pm.MaxIterations(50), relax=True)
    assert [note.split(":")[0] for note in plan.provenance.notes] == [
        "relaxed crew_distance of shift 'b'"
    ]
    tight = pm.tighten_bound(plan, place, risk, shifts, seconds=5)
    assert plan.provenance.prize <= tight.provenance.upper_bound <= plan.provenance.upper_bound
