"""Bad input to `plan_patrols` gets a named error that says what to do."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from crews import START, depot_at, flat_risk, shift_at
from patrolmap.errors import (
    DepotError,
    InfeasibleError,
    NetworkMismatchError,
    OptionError,
)
from patrolmap.patrol import Depot, MaxIterations, Plan, Shift, plan_patrols
from patrolmap.streets import StreetNetwork
from towns import grid_town, lonlat, row_town, town

PLACE = grid_town(3, 3)
RISK = flat_risk(PLACE)


def plan(
    place: StreetNetwork = PLACE, risk: Any = RISK, shifts: Any = None, **options: Any
) -> Plan:
    given = {"stop": MaxIterations(5)} | options
    return plan_patrols(place, risk, [shift_at(place)] if shifts is None else shifts, **given)


def test_risk_of_another_network_is_refused_and_joined_on_request() -> None:
    other = grid_town(4, 3)
    foreign = flat_risk(other)
    foreign.attrs["fingerprint"] = other.fingerprint
    with pytest.raises(NetworkMismatchError, match=r"another street network.*streets.align"):
        plan(risk=foreign)
    assert plan(risk=PLACE.align(foreign)).provenance.total_risk == len(PLACE.segments)


def test_ids_that_the_streets_lack_are_named() -> None:
    unknown = pd.Series(1.0, index=[*PLACE.segments.index[:3], "h-9-9"])
    with pytest.raises(NetworkMismatchError, match=r"1 segment ids.*h-9-9"):
        plan(risk=unknown)


def test_streets_that_a_risk_leaves_out_have_none() -> None:
    assert plan(risk=RISK.iloc[:2]).provenance.total_risk == 2.0


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1])
def test_risk_that_is_no_amount_is_refused_with_the_segment(value: float) -> None:
    bad = RISK.copy()
    bad["v-1-1"] = value
    with pytest.raises(OptionError, match=r"negative or not a number on 1 segments.*v-1-1"):
        plan(risk=bad)


def test_risk_beyond_all_measure_is_refused() -> None:
    with pytest.raises(OptionError, match=r"risk adds up to .*; wanted at most 1e"):
        plan(risk=RISK * 1e300)


@pytest.mark.parametrize("twice", ["risk", "risk_by_kind"])
def test_a_segment_named_twice_is_refused(twice: str) -> None:
    double = pd.concat([RISK, RISK.iloc[:1]])
    given = {"risk": double} if twice == "risk" else {"risk_by_kind": double.to_frame("crime")}
    with pytest.raises(OptionError, match=rf"{twice} names segments more than once.*h-0-0"):
        plan(**given)


@pytest.mark.parametrize(
    ("risk", "message"),
    [
        ({"h-0-0": 1.0}, "risk is a dict; wanted a Series"),
        (RISK.astype(str) + "!", "risk is not made of numbers"),
        (RISK.to_frame("risk"), "one column per time bin, named by the aware Timestamp"),
        (pd.DataFrame(index=RISK.index), "one column per time bin"),
        (pd.DataFrame({pd.Timestamp("2026-11-22 20:00"): RISK}), "aware Timestamp"),
    ],
)
def test_risk_of_another_shape_is_refused(risk: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        plan(risk=risk)


@pytest.mark.parametrize("order", [[1, 0], [0, 0]])
def test_time_bins_out_of_order_or_twice_are_refused(order: list[int]) -> None:
    starts = pd.to_datetime([START, "2026-11-23 00:00+05:00"])[order]
    bins = pd.DataFrame(np.ones((len(RISK), 2)), index=RISK.index, columns=starts)
    with pytest.raises(OptionError, match="in order"):
        plan(risk=bins)


def test_a_shift_shorter_than_the_walk_out_of_the_depot_is_infeasible() -> None:
    with pytest.raises(
        InfeasibleError,
        match=r"shift 'night': in 2min at 1.25 m/s a crew covers 150 m, and the way to the first "
        r"corner and back is 200 m; give it more time",
    ):
        plan(shifts=[shift_at(PLACE, duration="2min")])


def test_a_shift_of_a_second_is_infeasible() -> None:
    with pytest.raises(InfeasibleError, match="a crew covers 1 m"):
        plan(shifts=[shift_at(PLACE, duration="1s")])


def test_an_end_depot_too_far_is_infeasible() -> None:
    end = depot_at(PLACE, (200.0, 200.0), name="end")
    with pytest.raises(InfeasibleError, match="the way to the end depot is 400 m"):
        plan(shifts=[shift_at(PLACE, duration="5min", end_depot=end)])


def test_an_end_depot_on_an_island_is_infeasible() -> None:
    place = town({"here": [(0, 0), (100, 0)], "island": [(500, 0), (600, 0)]})
    end = depot_at(place, (500.0, 0.0), name="end")
    with pytest.raises(InfeasibleError, match="no way leads from its depot to its end depot"):
        plan(place, flat_risk(place), [shift_at(place, end_depot=end)])


def test_a_one_way_street_out_of_town_is_no_round_trip() -> None:
    place = town({"out": [(0, 0), (100, 0)]}, drive_backward=False)
    with pytest.raises(InfeasibleError, match="no way leads"):
        plan(place, flat_risk(place), [shift_at(place, mode="drive")])


def test_a_short_way_round_by_one_way_streets_is_not_called_infeasible() -> None:
    # out 198 m, back 20 m, 225 m to walk: twice the way out would be too long
    place = town({"out": [(0, 0), (50, 90), (20, 0)], "back": [(20, 0), (0, 0)]},
                 drive_backward=False)  # fmt: skip
    rules = {"rules": "foot_day", "mode": "drive", "minutes": 3}
    good = plan(place, flat_risk(place), [shift_at(place, **rules)])
    assert good.provenance.prize == 2.0


def test_a_depot_in_a_lake_is_named_with_its_distance() -> None:
    lon, lat = lonlat(PLACE, (-900.0, -900.0))
    lake = Shift(depot=Depot("lake", lon=lon, lat=lat), start=START, duration="1h", name="night")
    with pytest.raises(DepotError, match=r"depot 'lake' .* is 1,27\d m from the nearest street"):
        plan(shifts=[lake])


def test_swapped_coordinates_are_asked_about() -> None:
    lon, lat = lonlat(PLACE, (0.0, 0.0))
    swapped = Shift(depot=Depot("post", lon=lat, lat=lon), start=START, duration="1h")
    with pytest.raises(DepotError, match="longitude and latitude swapped"):
        plan(shifts=[swapped])


def test_a_sector_without_streets_is_infeasible() -> None:
    nowhere = shift_at(PLACE, sector=box(10, 10, 11, 11))
    with pytest.raises(InfeasibleError, match="shift 'night': no street in its sector"):
        plan(shifts=[nowhere])


def test_a_depot_outside_its_sector_is_refused() -> None:
    place = row_town(8, 100.0)
    west, south = lonlat(place, (480.0, -20.0))
    east, north = lonlat(place, (820.0, 20.0))
    away = shift_at(place, sector=box(west, south, east, north))
    with pytest.raises(DepotError, match="or the sector"):
        plan(place, flat_risk(place), [away])


def test_a_network_without_driving_has_no_car_shift() -> None:
    place = town({"path": [(0, 0), (100, 0)]}, drive_forward=False, drive_backward=False)
    with pytest.raises(InfeasibleError, match="no street in these streets allows mode 'drive'"):
        plan(place, flat_risk(place), [shift_at(place, mode="drive")])


@pytest.mark.parametrize(
    ("shifts", "message"),
    [
        ([], "shifts is empty"),
        ([shift_at(PLACE), shift_at(PLACE)], r"two shifts have one name: \['night', 'night'\]"),
        (["night"], "wanted Shift objects"),
        (
            [
                shift_at(PLACE, name="a"),
                Shift(depot=depot_at(PLACE, (100.0, 0.0)), start=START, duration="1h", name="b"),
            ],
            "two depots at different places have one name",
        ),
    ],
)
def test_shifts_that_cannot_be_told_apart_are_refused(shifts: list[Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        plan(shifts=shifts)


def test_a_route_longer_than_a_country_is_refused() -> None:
    with pytest.raises(OptionError, match=r"4320h at 1.25 m/s is 19,440,000 m; wanted at most"):
        plan(shifts=[shift_at(PLACE, duration="4320h")])


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("seed", -1, "seed=-1; wanted a whole number >= 0"),
        ("seed", 1.5, "seed=1.5; wanted a whole number >= 0"),
        ("seed", None, "seed=None; wanted a whole number >= 0"),
        ("stop", 30, r"stop=30; wanted MaxRuntime\(30\)"),
        ("rules", "foot_night", "rules='foot_night'; wanted a PatrolRules"),
        ("risk_by_kind", RISK, "risk_by_kind is a Series; wanted a DataFrame"),
    ],
)
def test_an_option_of_another_kind_is_named(option: str, given: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        plan(**{option: given})
