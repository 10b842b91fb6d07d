"""Depots and shifts are checked when they are made."""

from datetime import timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from shapely.geometry import Point, box

from patrolmap.errors import OptionError
from patrolmap.patrol import Depot, PatrolRules, Shift

HERE = Depot("Alatau", lon=76.85, lat=43.27)
GOOD: dict[str, Any] = {"depot": HERE, "start": "2026-11-22 20:00+05:00", "duration": "6h"}


def test_a_shift_is_named_after_its_depot_and_hour() -> None:
    assert Shift(**GOOD).name == "Alatau 20:00"
    assert Shift(**GOOD, name="night").name == "night"


def test_rules_may_be_given_by_name() -> None:
    assert Shift(**GOOD, rules="foot_night").rules == PatrolRules(unlit="avoid")


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("depot", "Alatau", "depot='Alatau'; wanted a Depot"),
        ("end_depot", (76.85, 43.27), "end_depot=.*; wanted a Depot"),
        ("start", "2026-11-22 20:00", "has no time zone; wanted an aware time"),
        ("start", "tonight-ish", "is not a time; wanted e.g."),
        ("start", None, "no time zone|is not a time"),
        ("duration", "8", "duration='8' is less than a second"),
        ("duration", "-6h", "wanted a duration"),
        ("mode", "bike", r"mode='bike'; wanted one of \['walk', 'drive'\]"),
        ("crews", 0, "crews=0; wanted a whole number >= 1"),
        ("crews", 2.0, "crews=2.0; wanted a whole number >= 1"),
        ("sector", Point(76.85, 43.27), "sector must be a shapely polygon"),
        ("sector", "north", "sector must be a shapely polygon"),
        ("rules", "foot", "rules='foot'; wanted one of"),
        ("rules", {"speed": 1}, "wanted a PatrolRules or a preset's name"),
    ],
)
def test_a_wrong_option_is_named_with_its_mend(option: str, given: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Shift(**GOOD | {option: given})


@pytest.mark.parametrize(
    ("lon", "lat"), [(43.27, 176.85), (float("nan"), 43.27), (1e9, 0), ("x", 1), (None, 1)]
)
def test_a_depot_off_the_earth_is_refused(lon: Any, lat: Any) -> None:
    with pytest.raises(OptionError, match=r"depot 'post'.*wanted"):
        Depot("post", lon=lon, lat=lat)


def test_a_duration_of_a_second_is_a_shift() -> None:
    assert Shift(**GOOD | {"duration": "1s"}).seconds == 1


def test_a_sector_is_kept() -> None:
    sector = box(76.8, 43.2, 76.9, 43.3)
    assert Shift(**GOOD, sector=sector).sector is sector


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-22 20:00:00.0004+05:00",
        pd.Timestamp("2026-11-22 20:00", tz="Asia/Almaty"),
        pd.Timestamp("2026-11-22 20:00", tz=timezone(timedelta(hours=5))),
        pd.Timestamp("2026-11-22 15:00", tz="UTC"),
    ],
)
def test_a_start_keeps_its_clock_to_the_millisecond(start: Any) -> None:
    shift = Shift(**GOOD | {"start": start})
    assert shift.start == pd.Timestamp("2026-11-22 20:00+05:00")
    assert shift.start.strftime("%H:%M") == pd.Timestamp(start).strftime("%H:%M")
    assert shift.end - shift.start == pd.Timedelta("6h")
