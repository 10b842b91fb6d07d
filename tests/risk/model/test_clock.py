"""The periods that maps cover."""

import pandas as pd
import pytest

from patrolmap.errors import OptionError
from patrolmap.risk.model.clock import periods


def at(text: str, zone: str = "Asia/Almaty") -> pd.Timestamp:
    return pd.Timestamp(text, tz=zone)


def map_of(incidents, kind, first, last, every="7D"):
    days = pd.date_range(first, last, freq=every).strftime("%Y-%m-%d")
    return incidents([(kind, (0, 0), day, "day") for day in days])


def maps(incidents, *tables):
    events = pd.concat(tables)
    events.index = pd.Index([f"e{i}" for i in range(len(events))], name="event_id")
    return events


def test_a_map_that_covers_clearly_less_than_the_others_has_its_own_period(incidents):
    crimes = map_of(incidents, "crime", "2026-01-05", "2026-10-30", "2D")
    accidents = map_of(incidents, "accident", "2026-08-31", "2026-10-30", "3D")
    found, notes = periods(maps(incidents, crimes, accidents))
    assert found["crime"] == (at("2026-01-05"), at("2026-10-31"))
    assert found["accident"] == (at("2026-08-31"), at("2026-10-31"))
    assert notes == (
        "the accident map has events only from 31.08.2026 to 30.10.2026: that is taken as the "
        "period it covers",
    )


def test_a_map_of_few_events_is_not_taken_to_cover_only_the_days_between_them(incidents):
    crimes = map_of(incidents, "crime", "2026-01-05", "2026-10-30")
    rare = incidents([("accident", (0, 0), day, "day") for day in ("2026-05-05", "2026-07-07")])
    found, notes = periods(maps(incidents, crimes, rare))
    assert found["accident"] == found["crime"]
    assert notes == ()


def test_the_period_ends_where_registration_lags_behind(incidents):
    crimes = map_of(incidents, "crime", "2026-01-01", "2026-06-30", "1D")
    crimes.attrs["complete_until"] = {"crime": "2026-06-20T00:00:00+05:00"}
    found, notes = periods(crimes)
    assert found["crime"] == (at("2026-01-01"), at("2026-06-20"))
    assert notes[0].startswith("the crime map is taken to end on 20.06.2026")
    stated = (at("2026-01-01"), at("2026-07-01"))
    assert periods(crimes, stated) == ({"crime": stated}, ())


def test_periods_stated_by_kind_are_taken_as_given(incidents):
    crimes = map_of(incidents, "crime", "2026-01-05", "2026-10-30")
    accidents = map_of(incidents, "accident", "2026-08-31", "2026-10-30")
    stated = (at("2026-01-01"), at("2026-11-01"))
    found, notes = periods(maps(incidents, crimes, accidents), {"accident": stated})
    assert found["accident"] == stated
    assert found["crime"] == (at("2026-01-05"), at("2026-10-27"))
    assert notes == ()
    with pytest.raises(OptionError, match="observed names the kind 'juvenile'"):
        periods(crimes, {"juvenile": stated})
