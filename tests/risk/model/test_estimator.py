"""NetworkKDE: what a reader of its numbers may rely on."""

import dataclasses
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk import NetworkKDE
from towns import grid_town, loop_town, row_town, star_town

DAY = ("2026-11-22 08:00+05:00", "2026-11-23 08:00+05:00")
NIGHT = ("2026-11-22 20:00+05:00", "2026-11-23 02:00+05:00")
NOON = ("2026-11-22 10:00+05:00", "2026-11-22 16:00+05:00")
TEN_DAYS = ("2026-11-12 00:00+05:00", "2026-11-22 00:00+05:00")


@pytest.fixture
def mixed(incidents):
    return incidents(
        [
            ("crime", (50, 3), "2026-11-20 21:30", "minute"),
            ("crime", (150, -2), "2026-11-18 13:00", "hour"),
            ("accident", (100, 250), "2026-11-15", "day"),
            ("juvenile", (310, 5), "2026-11-21 21:05", "minute"),
        ]
    )


def test_24_hours_expect_the_daily_number_of_events_whatever_hour_they_start(mixed):
    model = NetworkKDE().fit(mixed, grid_town(), observed=TEN_DAYS)
    assert model.predict(*DAY).sum() == pytest.approx(4 / 10)
    later = [pd.Timestamp(t) + pd.Timedelta(hours=5, minutes=13) for t in DAY]
    assert model.predict(*later).sum() == pytest.approx(4 / 10)


def test_a_night_sees_the_events_of_nights_and_its_share_of_those_without_hour(mixed):
    model = NetworkKDE().fit(mixed, grid_town(), observed=TEN_DAYS)
    night = model.predict_by_kind(*NIGHT).sum()
    assert night.to_dict() == pytest.approx({"crime": 0.1, "accident": 0.025, "juvenile": 0.1})
    noon = model.predict_by_kind(*NOON).sum()
    assert noon.to_dict() == pytest.approx({"crime": 0.1, "accident": 0.025, "juvenile": 0.0})


def test_the_window_may_be_given_in_another_time_zone(mixed):
    model = NetworkKDE().fit(mixed, grid_town(), observed=TEN_DAYS)
    utc = [pd.Timestamp(t).tz_convert("UTC") for t in NIGHT]
    np.testing.assert_array_equal(model.predict(*utc), model.predict(*NIGHT))


def test_kinds_add_up_to_the_risk_of_every_segment_in_the_order_of_the_streets(mixed):
    streets = grid_town()
    model = NetworkKDE(half_life="20D").fit(mixed, streets)
    risk, by_kind = model.predict(*NIGHT), model.predict_by_kind(*NIGHT)
    assert risk.name == "risk"
    assert risk.index.equals(streets.segments.index)
    assert by_kind.columns.tolist() == ["crime", "accident", "juvenile"]
    np.testing.assert_array_equal(by_kind.sum(axis=1), risk)
    assert (risk >= 0).all()


def test_risk_carries_what_a_plan_needs_to_know_as_plain_values(mixed):
    streets = grid_town()
    risk = NetworkKDE().fit(mixed, streets).predict(*NIGHT)
    streets.require_own(risk)
    assert json.loads(json.dumps(risk.attrs)) == {
        "unit": "count",
        "fingerprint": streets.fingerprint,
        "start": "2026-11-22T20:00:00+05:00",
        "end": "2026-11-23T02:00:00+05:00",
        "notes": [
            "the hour is unknown for 1 of 4 events: they are shared out as others of their "
            "category are",
            *(f"the {kind} map has {n} only: they are smoothed over 300 m, and tell nothing of the "
              "days of the week"
              for kind, n in (("crime", "2 events"), ("accident", "1 event"),
                              ("juvenile", "1 event"))),
        ],
    }  # fmt: skip
    weighted = NetworkKDE(weights={"crime": 2}).fit(mixed, streets).predict_by_kind(*NIGHT)
    assert weighted.attrs["unit"] == "weighted count"


def test_weights_multiply_their_kind_and_leave_the_others(mixed):
    streets = grid_town()
    plain = NetworkKDE().fit(mixed, streets).predict_by_kind(*DAY)
    weights = {"crime": 2.5, "juvenile": 0}
    weighted = NetworkKDE(weights=weights).fit(mixed, streets).predict_by_kind(*DAY)
    np.testing.assert_allclose(weighted["crime"], 2.5 * plain["crime"])
    np.testing.assert_allclose(weighted["accident"], plain["accident"])
    assert (weighted["juvenile"] == 0).all()


def test_a_short_half_life_favours_the_newest_events(incidents):
    streets = row_town(10, 100.0)
    events = incidents(
        [("crime", (50, 0), "2026-11-12 12:00", "minute"),
         ("crime", (950, 0), "2026-11-21 12:00", "minute")]
    )  # fmt: skip
    risk = NetworkKDE(bandwidth=40, half_life="3D").fit(events, streets).predict(*DAY)
    assert risk["s9"] / risk["s0"] == pytest.approx(2 ** (9 / 3))
    exposure = np.log(2) / 3 / (1 - 2 ** (-10 / 3))
    assert risk["s9"] == pytest.approx(2 ** (-0.5 / 3) * exposure)


def test_a_dateless_event_weighs_as_much_as_the_mean_and_the_notes_say_so(incidents):
    events = incidents(
        [("crime", (50, 0), "2026-11-20 12:00", "minute"), ("crime", (950, 0), None, "unknown")]
    )
    model = NetworkKDE(bandwidth=40, half_life="3D").fit(events, row_town(10), observed=TEN_DAYS)
    assert model.predict(*DAY)["s9"] == pytest.approx(1 / 10)
    assert "1 event without a date: counted with the mean weight" in model.notes_


def test_events_in_degrees_are_put_where_they_belong(mixed):
    streets = grid_town()
    there = NetworkKDE().fit(mixed, streets).predict(*DAY)
    degrees = NetworkKDE().fit(mixed.to_crs(4326), streets).predict(*DAY)
    np.testing.assert_allclose(degrees, there, atol=1e-5)


def test_far_events_and_those_outside_the_period_are_left_out_and_counted(incidents):
    events = incidents(
        [("crime", (50, 0), "2026-11-20", "day"),
         ("crime", (50, 400), "2026-11-20", "day"),
         ("crime", (50, 0), "2026-11-25", "day"),
         ("crime", (50, 0), "2026-11-11", "day")]
    )  # fmt: skip
    model = NetworkKDE().fit(events, row_town(), observed=TEN_DAYS)
    assert model.notes_[:3] == (
        "the hour is unknown for 1 of 1 events: every hour counts alike for them",
        "1 event (50.0 %) lies farther than 50 m from any walkable street and is left out",
        "2 events outside the observed period left out",
    )
    assert model.predict(*DAY).sum() == pytest.approx(0.1)


def test_a_kind_whose_events_are_all_left_out_keeps_its_column(incidents):
    events = incidents(
        [("crime", (50, 0), "2026-11-20", "day"), ("accident", (50, 400), "2026-11-20", "day")]
    )
    by_kind = NetworkKDE().fit(events, row_town()).predict_by_kind(*DAY)
    assert by_kind.sum().to_dict() == pytest.approx({"crime": 1.0, "accident": 0.0})


@pytest.mark.parametrize("place", [(0, 0), (0.7, 0.3), (-0.4, -0.6)])
def test_a_junction_event_counts_alike_for_all_its_streets_whichever_is_nearest(incidents, place):
    events = incidents([("crime", place, "2026-11-20", "day")])
    risk = NetworkKDE(bandwidth=150).fit(events, star_town(5)).predict(*DAY)
    assert risk.to_numpy() == pytest.approx([0.2] * 5)


def test_an_event_a_little_way_into_a_street_counts_most_there(incidents):
    events = incidents([("crime", (10, 0), "2026-11-20", "day")])
    risk = NetworkKDE(bandwidth=150).fit(events, star_town(5)).predict(*DAY)
    assert risk.idxmax() == "a0"
    assert risk["a0"] > 0.5


def test_fitting_changes_neither_events_nor_hyperparameters(mixed):
    before, model = mixed.copy(), NetworkKDE(bandwidth=200, weights={"crime": 3})
    options = dataclasses.asdict(model)
    assert model.fit(mixed, grid_town()) is model
    assert before.equals(mixed)
    assert dataclasses.asdict(model) == options
    assert model == NetworkKDE(bandwidth=200, weights={"crime": 3})


POINT = st.tuples(st.integers(-20, 420), st.integers(-20, 420))
WHEN = st.sampled_from(["2026-11-13 02:10", "2026-11-17 21:00", "2026-11-20 14:59"])
ROWS = st.lists(
    st.tuples(st.sampled_from(["crime", "accident"]), POINT, WHEN,
              st.sampled_from(["minute", "hour", "day"])),
    min_size=2, max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=15)
@given(ROWS, st.randoms(use_true_random=False), st.sampled_from([None, "5D"]))
def test_the_order_of_events_changes_no_bit_of_the_risk(incidents, rows, random, half_life):
    streets, events = grid_town(), incidents(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    model = NetworkKDE(half_life=half_life, max_snap=80)
    risk = model.fit(events, streets, observed=TEN_DAYS).predict(*NIGHT)
    shuffled = model.fit(events.iloc[order], streets, observed=TEN_DAYS).predict(*NIGHT)
    np.testing.assert_array_equal(risk, shuffled)


@settings(deadline=None, max_examples=15)
@given(ROWS, st.integers(1, 11))
def test_maps_read_apart_add_up_to_the_map_of_all(incidents, rows, cut):
    streets, events = grid_town(), incidents(rows)

    def risk(part: gpd.GeoDataFrame) -> pd.Series:
        model = NetworkKDE(half_life="5D", max_snap=80)
        return model.fit(part, streets, observed=TEN_DAYS).predict(*DAY)

    parts = [part for part in (events.iloc[:cut], events.iloc[cut:]) if len(part)]
    np.testing.assert_allclose(sum(risk(p) for p in parts), risk(events), atol=1e-6)  # waves


def test_no_event_is_lost_between_the_table_and_the_streets(incidents):
    rows = [("crime", (x, y), "2026-11-20 12:00", "minute")
            for x in range(0, 401, 40) for y in range(0, 401, 100)]  # fmt: skip
    risk = NetworkKDE(bandwidth=500).fit(incidents(rows), grid_town()).predict(*DAY)
    assert risk.sum() == pytest.approx(len(rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bandwidth": 0}, "bandwidth=0; wanted"),
        ({"bandwidth": -5.0}, "bandwidth"),
        ({"bandwidth": float("nan")}, "bandwidth"),
        ({"bandwidth": float("inf")}, "bandwidth"),
        ({"bandwidth": "300"}, "bandwidth"),
        ({"bandwidth": 10_001}, "bandwidth=10001 m; wanted 10000 m or less"),
        ({"bandwidth": 0.5, "method": "simple"}, "wanted 1 m or more with method='simple'"),
        ({"max_snap": -1}, "max_snap"),
        ({"half_life": "sixty days"}, "half_life='sixty days' is not a length of time"),
        ({"half_life": "60"}, "with its unit"),
        ({"half_life": "0D"}, "half_life"),
        ({"half_life": "-5D"}, "half_life"),
        ({"half_life": "NaT"}, "half_life"),
        ({"half_life": 60}, "half_life"),
        ({"weights": [1]}, r"weights=\[1\]; wanted a mapping of kinds"),
        ({"weights": {"crime": -1}}, r"weights\['crime'\]=-1"),
        ({"weights": {"crime": float("nan")}}, "weights"),
        ({"weights": {"murder": 1}}, "kind 'murder'; wanted kinds out of"),
    ],
)
def test_an_option_out_of_range_is_refused_when_given_and_when_set_later(mixed, options, message):
    with pytest.raises(OptionError, match=message):
        NetworkKDE(**options)
    later = NetworkKDE()
    for name, value in options.items():
        setattr(later, name, value)
    with pytest.raises(OptionError, match=message):
        later.fit(mixed, grid_town())


def test_predict_before_fit_says_to_fit_first():
    with pytest.raises(OptionError, match=r"call \.fit"):
        NetworkKDE().predict(*DAY)


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (("2026-11-22 20:00", "2026-11-23 02:00"), "no time zone"),
        (DAY[::-1], "is not after"),
        ((DAY[0], DAY[0]), "is not after"),
    ],
)
def test_a_window_or_period_that_makes_no_sense_is_refused(mixed, window, message):
    model = NetworkKDE().fit(mixed, grid_town())
    with pytest.raises(OptionError, match=message):
        model.predict(*window)
    with pytest.raises(OptionError, match=message):
        model.fit(mixed, grid_town(), observed=window)


def test_an_observed_period_of_one_moment_is_refused(mixed):
    with pytest.raises(OptionError, match="wanted two moments"):
        NetworkKDE().fit(mixed, grid_town(), observed=(DAY[0],))


def test_events_that_cannot_make_a_map_are_refused_with_the_mend(mixed, incidents):
    streets = grid_town()
    with pytest.raises(SchemaError, match="no events"):
        NetworkKDE().fit(mixed.iloc[:0], streets)
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame"):
        NetworkKDE().fit(pd.DataFrame(mixed), streets)
    with pytest.raises(SchemaError, match="kind"):
        NetworkKDE().fit(mixed.drop(columns="kind"), streets)
    with pytest.raises(CRSError, match="set_crs"):
        NetworkKDE().fit(gpd.GeoDataFrame(mixed).set_crs(None, allow_override=True), streets)
    with pytest.raises(SchemaError, match="none of the 4 events lies in the observed period"):
        NetworkKDE().fit(mixed, streets, observed=DAY)
    with pytest.raises(SchemaError, match="all 4 events lie farther than 50 m"):
        NetworkKDE().fit(mixed.set_geometry([Point(0, 0)] * 4, crs=mixed.crs), streets)
    dateless = incidents([("crime", (0, 0), None, "unknown")])
    with pytest.raises(OptionError, match="observed="):
        NetworkKDE().fit(dateless, streets)


def test_a_town_of_loops_and_parallel_streets_keeps_every_event(incidents):
    rows = [("crime", p, "2026-11-20 12:00", "minute")
            for p in [(0, 0), (50, 60), (-60, 0), (180, 0), (100, 0), (30, 2)]]  # fmt: skip
    risk = NetworkKDE().fit(incidents(rows), loop_town()).predict(*DAY)
    assert risk.sum() == pytest.approx(6)


def test_a_map_that_covers_less_time_than_the_others_is_named(incidents):
    days = pd.date_range("2026-01-05", "2026-10-30", freq="7D").strftime("%Y-%m-%d")
    crimes = [("crime", (50, 0), day, "day") for day in days]
    accidents = [("accident", (50, 0), day, "day") for day in days[-5:]]
    model = NetworkKDE().fit(incidents(crimes + accidents), row_town())
    assert [note for note in model.notes_ if "taken as the period" in note] == [
        "the accident map has events only from 28.09.2026 to 26.10.2026: that is taken as the "
        "period it covers"
    ]
    week = model.predict_by_kind("2026-11-02 00:00+05:00", "2026-11-09 00:00+05:00")
    assert week.sum().to_dict() == pytest.approx({"crime": 43 * 7 / 295, "accident": 5 * 7 / 29})


def test_what_police_found_themselves_is_left_out_unless_asked_for(mixed):
    found = mixed.assign(police_initiated=[True, False, False, False])
    model = NetworkKDE().fit(found, grid_town(), observed=TEN_DAYS)
    rest = NetworkKDE().fit(mixed.iloc[1:], grid_town(), observed=TEN_DAYS)
    np.testing.assert_array_equal(model.predict(*DAY), rest.predict(*DAY))
    assert model.notes_[0] == "1 event found by police's own work left out"
    every = NetworkKDE(police_initiated=True).fit(found, grid_town(), observed=TEN_DAYS)
    assert every.predict(*DAY).sum() == pytest.approx(4 / 10)
    assert not any("police" in note for note in every.notes_)


def test_a_map_of_what_police_found_alone_is_refused_with_the_mend(mixed):
    found = mixed.assign(police_initiated=True)
    with pytest.raises(SchemaError, match="pass police_initiated=True"):
        NetworkKDE().fit(found, grid_town())
    with pytest.raises(OptionError, match="police_initiated='yes'"):
        NetworkKDE(police_initiated="yes")


def test_events_of_a_year_cover_a_year_though_police_found_most_of_them(incidents):
    days = pd.date_range("2026-01-01 12:00", "2026-11-20", freq="D").strftime("%Y-%m-%d %H:%M")
    events = incidents([("crime", (50, 0), day, "minute") for day in days])
    events["police_initiated"] = [True] * (len(events) - 5) + [False] * 5
    model = NetworkKDE().fit(events, grid_town())
    assert model.predict("2026-11-09 00:00+05:00", "2026-11-16 00:00+05:00").sum() == pytest.approx(
        5 * 7 / len(events)
    )


def test_a_mapping_of_no_periods_leaves_them_all_to_the_events(mixed):
    risk = NetworkKDE().fit(mixed, grid_town(), observed={}).predict(*DAY)
    np.testing.assert_array_equal(risk, NetworkKDE().fit(mixed, grid_town()).predict(*DAY))


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-07 20:00-05:00", "2026-03-08 08:00-04:00", 11),
        ("2026-10-31 20:00-04:00", "2026-11-01 08:00-05:00", 13),
    ],
)
def test_a_shift_over_a_clock_change_may_be_given_with_both_offsets(incidents, start, end, hours):
    days = pd.date_range("2026-01-01 01:30", "2026-01-30", freq="7h").strftime("%Y-%m-%d %H:%M")
    rows = [("crime", (50, 0), day, "minute") for day in days]
    model = NetworkKDE(bandwidth=200).fit(incidents(rows, tz="America/New_York"), grid_town())
    by_hour = model.predict_by_hour(start, end)
    assert by_hour.shape[1] == hours
    assert [(at.minute, at.second) for at in by_hour] == [(0, 0)] * hours
    np.testing.assert_allclose(by_hour.sum(axis=1), model.predict(start, end), rtol=1e-12)
    noon = model.predict_by_kind_and_hour(start, end, edges=[pd.Timestamp(start).tz_convert("UTC")
                                                             + pd.Timedelta(hours=2)])  # fmt: skip
    assert [str(at.tz) for at in noon.columns.get_level_values("start")] == ["America/New_York"] * 2


def test_a_window_may_mix_the_offsets_of_two_zones(mixed):
    model = NetworkKDE().fit(mixed, grid_town())
    by_hour = model.predict_by_hour(NIGHT[0], "2026-11-22 21:00+00:00")
    assert [f"{at:%H:%M}" for at in by_hour][-1] == "01:00"
    np.testing.assert_allclose(by_hour.sum(axis=1), model.predict(*NIGHT), rtol=1e-12)


@pytest.mark.parametrize("shrink", [True, False])
def test_the_continuous_kernel_gives_no_risk_below_0_and_keeps_every_event(incidents, shrink):
    rows = [("crime", (x, 0), "2026-11-20 12:00", "minute") for x in (40, 130, 290)]
    model = NetworkKDE(method="esc", bandwidth=150, shrink=shrink).fit(incidents(rows), grid_town())
    risk = model.predict(*DAY)
    assert (risk >= 0).all()
    assert (risk == 0).any()
    assert risk.sum() == pytest.approx(3)
    assert any("continuous kernel falls below 0, the risk is 0" in note for note in model.notes_)


def test_hours_add_up_to_the_window_by_the_continuous_kernel_too(incidents):
    rows = [("crime", (x, 0), f"2026-11-20 {x // 20:02}:15", "minute") for x in range(10, 390, 35)]
    model = NetworkKDE(method="esc", bandwidth=150).fit(incidents(rows), grid_town())
    by_hour = model.predict_by_hour(*DAY)
    assert (by_hour >= 0).all(axis=None)
    np.testing.assert_allclose(by_hour.sum(axis=1), model.predict(*DAY), rtol=1e-12)


@pytest.mark.parametrize("bandwidth", [1, 3, 8])
def test_a_simple_kernel_narrower_than_a_piece_of_street_keeps_every_event(incidents, bandwidth):
    rows = [("crime", (x, 0), "2026-11-20 12:00", "minute") for x in (41.3, 139.7, 260.6)]
    model = NetworkKDE(method="simple", bandwidth=bandwidth).fit(incidents(rows), grid_town())
    assert model.predict(*DAY).sum() == pytest.approx(3)


@pytest.mark.parametrize("method", ["esd", "esc", "simple"])
def test_a_map_of_one_place_falls_back_to_300_m_and_says_so(incidents, method):
    rows = [("crime", (50, 0), "2026-11-20 12:00", "minute")] * 40
    events = incidents([*rows, *(("accident", (x, 0), "2026-11-20", "day") for x in range(31))])
    model = NetworkKDE(shrink=False, method=method).fit(events, grid_town())
    assert model.bandwidth_["crime"] == 300
    assert model.bandwidth_["accident"] != 300
    assert any("the crime map's events all lie at one place" in note for note in model.notes_)
    assert model.predict_by_kind(*DAY).sum()["crime"] == pytest.approx(40)


def test_a_half_life_that_leaves_nothing_is_said_or_refused(incidents):
    rows = [("crime", (50, 0), day, "minute") for day in ("2026-08-01 12:00", "2026-11-20 23:50")]
    model = NetworkKDE(half_life="1h").fit(incidents(rows), grid_town())
    assert "1 event so old that half_life leaves nothing of them" in model.notes_
    assert model.predict(*DAY).sum() > 0
    with pytest.raises(OptionError, match="half_life='1s' is so short that every event fades"):
        NetworkKDE(half_life="1s").fit(incidents(rows), grid_town(), observed=TEN_DAYS)


@pytest.mark.parametrize("method", ["esd", "simple"])
def test_events_all_but_forgotten_still_make_a_finite_risk(incidents, method):
    rows = [("crime", (x, 0), "2026-11-20 12:00", "minute") for x in range(0, 390, 10)]
    observed = (TEN_DAYS[0], "2026-11-22 00:00+05:00")
    model = NetworkKDE(half_life="3min", bandwidth=200, method=method)
    risk = model.fit(incidents(rows), grid_town(), observed=observed).predict(*DAY)
    assert np.isfinite(risk).all()
    assert risk.sum() > 0
