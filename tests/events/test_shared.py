"""Real maps: what is in them is read, and what is wrong with them is counted."""

from pathlib import Path

import pandas as pd
import pytest

from patrolmap.errors import SourceFormatError
from patrolmap.events import check_events

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"real cities are absent: {SHARED}"),
]


@pytest.mark.parametrize(
    "options", [{}, {"columns": {"date": "Date", "category": "Offense"}, "time_format": "%m/%d/%y"}]
)
def test_pittsburgh_reads_with_its_281_duplicates_told(options):
    path = SHARED / "pittsburgh" / "CrimeLatLonXY.csv"
    report = check_events(path, kind="crime", tz="America/New_York", **options)
    assert (report.rows, report.kept, report.dropped) == (27_218, 26_937, {"duplicate": 281})
    years = report.events["occurred_from"].dt.year
    assert years.min() == 1990 and (years <= 2000).sum() > 26_900
    assert (report.events["time_precision"] == "day").all()
    assert report.events["category"].value_counts().index[0] == "robbery"
    assert report.events.crs.to_epsg() == 32617


def test_portland_calls_read_by_their_day():
    path = SHARED / "portland" / "nij_calls_2016-08_2016-09.parquet"
    report = check_events(path, kind="call", tz="America/Los_Angeles")
    assert (report.rows, report.dropped) == (37_818, {"duplicate": 516})
    assert (report.events["time_precision"] == "day").all()
    assert report.events["occurred_from"].min() == pd.Timestamp(
        "2016-08-01", tz="America/Los_Angeles"
    )


def test_portland_feet_and_degrees_agree():
    calls = pd.read_parquet(SHARED / "portland" / "nij_calls_2016-08_2016-09.parquet").head(200)
    degrees = check_events(calls, kind="call", tz="America/Los_Angeles")
    feet = check_events(calls.drop(columns=["lon", "lat"]), kind="call", tz="America/Los_Angeles",
                        source_crs=2913)  # fmt: skip
    assert feet.events.geometry.distance(degrees.events.geometry).max() < 1


def test_new_york_thefts_keep_their_intervals():
    report = check_events(SHARED / "nyc" / "nyc_vehicle_thefts.parquet", kind="crime",
                          tz="America/New_York")  # fmt: skip
    assert report.kept == 35_746
    assert any("2,852 rows have no end" in note for note in report.notes)
    length = report.events["occurred_to"] - report.events["occurred_from"]
    assert 2_556 <= length.max() / pd.Timedelta("1D") <= 2_558


def test_madison_crashes_read_to_the_minute():
    report = check_events(SHARED / "madison" / "madison_dane_crashes.parquet", kind="accident",
                          tz="America/Chicago")  # fmt: skip
    assert (report.rows, report.dropped) == (73_691, {"no geometry": 1_239})
    precise = report.events["time_precision"].value_counts()
    assert precise["minute"] > 70_000 and precise["day"] > 1_000


def test_an_esri_json_page_says_that_it_is_not_read_yet():
    with pytest.raises(SourceFormatError, match="Esri JSON"):
        check_events(SHARED / "kz" / "crime_feature_old_service.json", kind="crime")
