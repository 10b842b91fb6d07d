"""The contract of estimators: every one of them, on the same towns."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from patrolmap.errors import NetworkMismatchError, OptionError, SchemaError
from patrolmap.risk import NetworkKDE, RiskProfile, hotspots
from towns import grid_town

ESTIMATORS: dict[str, Callable[[], Any]] = {
    "kde": NetworkKDE,
    "plain kde": lambda: NetworkKDE(bandwidth=200, shrink=False),
    "esc": lambda: NetworkKDE(bandwidth=200, method="esc"),
    "simple": lambda: NetworkKDE(bandwidth=200, method="simple", half_life="30D"),
    "gaussian": lambda: NetworkKDE(kernel="gaussian", weights={"accident": 0.5}),
    "profile": RiskProfile,
    "profile of harm": lambda: RiskProfile(
        harm=True, categories={"other": 2.0}, estimator=NetworkKDE(half_life="30D")
    ),
}
NIGHT = ("2026-11-20 20:30+05:00", "2026-11-21 02:00+05:00")
WEEK = ("2026-11-16 00:00+05:00", "2026-11-23 00:00+05:00")
STREETS = grid_town(6, 6)


@pytest.fixture(params=ESTIMATORS)
def make(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return ESTIMATORS[request.param]


@pytest.fixture(scope="module")
def events(incidents):
    rng = np.random.default_rng(7)
    days = pd.date_range("2026-09-01", "2026-10-31", freq="9h").strftime("%Y-%m-%d %H:%M")
    rows = [
        (kind, (float(rng.integers(0, 6) * 100 + rng.choice([0, 0, 30])),
                float(rng.integers(0, 500))), day, precision)
        for day, kind, precision in zip(
            days, np.resize(["crime", "crime", "accident"], len(days)),
            np.resize(["minute", "hour", "day"], len(days)), strict=True,
        )
    ]  # fmt: skip
    return incidents(rows).assign(harm=rng.choice([1.0, 30.0, np.nan], len(rows)))


def test_risk_is_a_number_for_every_segment_and_says_what_it_is(make, events):
    model = make()
    assert model.fit(events, STREETS) is model
    risk = model.predict(*NIGHT)
    assert risk.name == "risk"
    assert risk.index.equals(STREETS.segments.index)
    assert np.isfinite(risk).all()
    assert (risk >= 0).all()
    told = json.loads(json.dumps(risk.attrs))
    assert set(told) == {"unit", "fingerprint", "start", "end", "notes"}
    assert told["fingerprint"] == STREETS.fingerprint
    with pytest.raises(NetworkMismatchError):
        grid_town(5, 5).require_own(risk)
    assert hotspots(risk, STREETS, coverage=0.1)["risk"].sum() > 0


def test_kinds_and_hours_add_up_to_the_risk(make, events):
    model = make().fit(events, STREETS)
    risk = model.predict(*NIGHT)
    by_kind = model.predict_by_kind(*NIGHT)
    assert by_kind.columns.tolist() == ["crime", "accident"]
    np.testing.assert_allclose(by_kind.sum(axis=1), risk, rtol=1e-12)
    by_hour = model.predict_by_hour(*NIGHT)
    assert [f"{start:%H:%M}" for start in by_hour] == [
        "20:30", "21:00", "22:00", "23:00", "00:00", "01:00",
    ]  # fmt: skip
    np.testing.assert_allclose(by_hour.sum(axis=1), risk, rtol=1e-12)
    assert (by_hour >= 0).all(axis=None)
    both = model.predict_by_kind_and_hour(*NIGHT, edges=["2026-11-21 00:00+05:00"])
    assert both.columns.names == ["kind", "start"]
    assert both.shape[1] == 4
    np.testing.assert_allclose(both.sum(axis=1), risk, rtol=1e-12)


def test_a_week_expects_a_weeks_worth_of_what_was_seen(make, events):
    model = make().fit(events, STREETS)
    fitted = getattr(model, "model_", model)
    worth = (fitted.events_["weight"] * fitted.events_["decay"]).groupby(fitted.events_["kind"])
    wanted = worth.sum() * 7 / pd.Series(fitted.exposure_)
    got = model.predict_by_kind(*WEEK).sum()
    assert got.to_dict() == pytest.approx(wanted.to_dict(), rel=1e-6)


def test_the_order_of_events_changes_no_bit(make, events):
    first = make().fit(events, STREETS).predict_by_kind(*NIGHT)
    shuffled = events.sample(frac=1, random_state=3)
    assert_frame_equal(make().fit(shuffled, STREETS).predict_by_kind(*NIGHT), first)


def test_fitting_changes_neither_events_nor_options_and_forgets_the_last_time(make, events):
    before, model = events.copy(), make()
    options = dataclasses.asdict(model)
    model.fit(events.iloc[:60], STREETS)
    model.fit(events, STREETS)
    assert before.equals(events)
    assert dataclasses.asdict(model) == options
    assert model == make()
    assert_frame_equal(model.predict_by_kind(*NIGHT),
                       make().fit(events, STREETS).predict_by_kind(*NIGHT))  # fmt: skip


def test_predicting_before_fitting_and_empty_tables_are_refused_with_the_mend(make, events):
    with pytest.raises(OptionError, match=r"call \.fit"):
        make().predict(*NIGHT)
    with pytest.raises(SchemaError, match="no events"):
        make().fit(events.iloc[:0], STREETS)
    with pytest.raises(OptionError, match="no time zone"):
        make().fit(events, STREETS).predict("2026-11-20 20:00", "2026-11-21 02:00")


def test_edges_outside_the_window_are_refused(make, events):
    with pytest.raises(OptionError, match="not within"):
        make().fit(events, STREETS).predict_by_hour(*NIGHT, edges=["2026-11-22 00:00+05:00"])


def test_edges_that_are_no_list_are_refused_as_they_were_given(make, events):
    model = make().fit(events, STREETS)
    for edges in ("2026-11-21 00:00+05:00", 5):
        with pytest.raises(OptionError, match=f"edges={edges!r}".replace("+", r"\+")):
            model.predict_by_hour(*NIGHT, edges=edges)
