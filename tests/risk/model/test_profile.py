"""RiskProfile: what a patrol is sent out for decides what an event weighs."""

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events.programmes import Programme, Rule
from patrolmap.risk import NetworkKDE, RiskProfile
from towns import row_town

WEEK = ("2026-11-16 00:00+05:00", "2026-11-23 00:00+05:00")
SEVEN_DAYS = ("2026-11-15 00:00+05:00", "2026-11-22 00:00+05:00")


@pytest.fixture
def events(incidents):
    table = incidents(
        [("crime", (50, 0), "2026-11-20 21:30", "minute"),
         ("crime", (450, 0), "2026-11-18 13:00", "minute"),
         ("accident", (850, 0), "2026-11-17 09:00", "minute")]
    )  # fmt: skip
    table["category"] = ["robbery", "theft", "accident_pedestrian"]
    table["harm"] = [200.0, 10.0, np.nan]
    return table


def week(profile, events):
    profile.fit(events, row_town(10), observed=SEVEN_DAYS)
    return profile.predict_by_kind(*WEEK).sum().to_dict()


def test_without_options_every_event_weighs_one_as_in_the_estimator(events):
    profile = RiskProfile(estimator=NetworkKDE(bandwidth=90))
    assert week(profile, events) == pytest.approx({"crime": 2, "accident": 1})
    model = NetworkKDE(bandwidth=90).fit(events, row_town(10), observed=SEVEN_DAYS)
    np.testing.assert_array_equal(profile.predict(*WEEK), model.predict(*WEEK))
    assert profile.predict(*WEEK).attrs["unit"] == "count"


def test_kinds_categories_and_harm_multiply(events):
    profile = RiskProfile(kinds={"crime": 2}, categories={"theft": 0.5}, harm=True)
    assert week(profile, events) == pytest.approx({"crime": 2 * (200 + 5), "accident": 105})
    risk = profile.predict(*WEEK)
    assert risk.attrs["unit"] == "weighted harm-days"
    assert "1 event without harm: counted with the median, 105 days" in risk.attrs["notes"]


def test_a_programme_leaves_out_what_it_is_not_for_and_keeps_every_maps_column(events):
    rules = (Rule(weight=3.0, category=("robbery",)),)
    only = Programme(name="robbery", title="", harm=False, police_initiated=False, rules=rules)
    profile = RiskProfile(programme=only)
    assert week(profile, events) == pytest.approx({"crime": 3, "accident": 0})
    assert profile.weights_.tolist() == [3.0, 0.0, 0.0]
    assert "2 events of no weight left out" in profile.predict(*WEEK).attrs["notes"]


def test_a_programme_that_weighs_by_harm_is_not_multiplied_by_it_twice(events):
    once = week(RiskProfile(programme="street_safety"), events)
    assert once == week(RiskProfile(programme="street_safety", harm=True), events)
    profile = RiskProfile(programme="street_safety").fit(events, row_town(10))
    assert profile.predict(*WEEK).attrs["unit"] == "weighted harm-days"  # its rules weigh, too


def test_the_programme_decides_what_becomes_of_what_police_found(events):
    found = events.assign(police_initiated=[True, False, False])
    assert (
        week(RiskProfile(programme="street_safety"), found)["crime"]
        < week(RiskProfile(programme="street_safety"), events)["crime"]
    )
    rules = (Rule(weight=1.0),)
    all_of_it = Programme(name="all", title="", harm=False, police_initiated=True, rules=rules)
    assert week(RiskProfile(programme=all_of_it), found) == {"crime": 2, "accident": 1} or (
        week(RiskProfile(programme=all_of_it), found) == pytest.approx({"crime": 2, "accident": 1})
    )
    assert week(RiskProfile(), found) == pytest.approx({"crime": 1, "accident": 1})


def test_the_unit_says_weighted_only_where_some_event_weighs_neither_one_nor_nothing(events):
    def unit(**options):
        return RiskProfile(**options).fit(events, row_town(10)).predict(*WEEK).attrs["unit"]

    def programme(weight, harm=False):
        rules = (Rule(weight=weight, category=("robbery",)),)
        return Programme(name="x", title="", harm=harm, police_initiated=False, rules=rules)

    assert unit(programme=programme(3.0)) == "weighted count"
    assert unit(programme=programme(1.0)) == "count"
    assert unit(programme=programme(1.0, harm=True)) == "harm-days"
    assert unit(programme=programme(2.0), harm=True) == "weighted harm-days"
    assert unit(categories={"theft": 0}) == "count"
    assert unit(kinds={"crime": 1.0}) == "count"


def test_a_map_covers_its_period_whatever_of_it_weighs_nothing(incidents):
    days = pd.date_range("2026-01-01 12:00", "2026-11-20", freq="D").strftime("%Y-%m-%d %H:%M")
    table = incidents([("crime", (50 + i, 0), day, "minute") for i, day in enumerate(days)])
    table["category"] = ["theft"] * (len(table) - 5) + ["robbery"] * 5

    def expected(theft):
        profile = RiskProfile(categories={"theft": theft}, estimator=NetworkKDE(bandwidth=90))
        return profile.fit(table, row_town(10)).predict(*WEEK).sum()

    assert expected(0) == pytest.approx(5 * 7 / len(table))
    assert expected(1e-9) == pytest.approx(5 * 7 / len(table), rel=1e-2)  # weekdays of all events


def test_the_period_of_a_kind_of_no_weight_may_be_given(events):
    profile = RiskProfile(kinds={"accident": 0})
    profile.fit(events, row_town(10), observed={"crime": SEVEN_DAYS, "accident": SEVEN_DAYS})
    assert profile.predict_by_kind(*WEEK).sum().to_dict() == pytest.approx(
        {"crime": 2, "accident": 0}
    )


def test_events_that_all_weigh_nothing_are_refused(events):
    with pytest.raises(SchemaError, match="none of the 3 events weighs anything"):
        RiskProfile(kinds={"crime": 0, "accident": 0}).fit(events, row_town(10))
    with pytest.raises(SchemaError, match="harm='kz'"):
        RiskProfile(harm=True).fit(events.assign(harm=np.nan), row_town(10))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"programme": "street_saftey"}, "street_safety"),
        ({"kinds": {"murder": 1}}, "kind 'murder'; wanted kinds out of"),
        ({"kinds": ["crime"]}, r"kinds=\['crime'\]; wanted a mapping of kinds"),
        ({"categories": "theft"}, "categories='theft'; wanted a mapping of categories"),
        ({"categories": {"theft": -1}}, r"categories\['theft'\]=-1"),
        ({"harm": "yes"}, "harm='yes'"),
        ({"estimator": "kde"}, "wanted a NetworkKDE"),
        ({"estimator": NetworkKDE(weights={"crime": 2})}, "give them as kinds="),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        RiskProfile(**options)
