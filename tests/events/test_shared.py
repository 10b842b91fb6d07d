"""Real maps: what is in them is read, and what is wrong with them is counted."""

from pathlib import Path

import pandas as pd
import pytest

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


@pytest.mark.parametrize(
    ("name", "options", "rows", "dropped"),
    [
        ("portland/nij_calls_2016-08_2016-09.parquet", {"preset": "portland_nij"}, 37_818,
         {"duplicate": 516}),
        ("portland/nij_burglary_2012-03_2016-02.csv", {"preset": "portland_nij"}, 4_149,
         {"duplicate": 8}),
        ("portland/nij_vehicle_theft_2012-03_2016-02.csv", {"preset": "portland_nij"}, 6_450,
         {"duplicate": 27}),
        ("san_francisco/sfpd_incidents_2003_2015.parquet", {"preset": "san_francisco"}, 878_049,
         {"duplicate": 2_323, "far away": 67}),
        ("nyc/nyc_vehicle_thefts.parquet", {"preset": "nyc"}, 35_746, {}),
        ("madison/madison_dane_crashes.parquet", {"preset": "madison"}, 73_691,
         {"no geometry": 1_239}),
        ("pittsburgh/CrimeLatLonXY.csv", {"preset": "pittsburgh"}, 27_218, {"duplicate": 281}),
        ("kz/crime_feature_old_service.json", {"preset": "kz_crime"}, 1, {}),
        ("chicago_uni/chicago_points.csv",
         {"preset": "generic", "kind": "crime", "columns": {"category": "marks"},
          "source_crs": 3435, "crs": 26916}, 116, {}),
        ("montreal/vignette_nkde_events_aggregated5m_267.csv",
         {"preset": "generic", "kind": "accident", "source_crs": 3797, "crs": 32188}, 267, {}),
    ],
)  # fmt: skip
def test_every_real_map_reads_with_its_preset(name, options, rows, dropped):
    report = check_events(SHARED / name, harm="kz", **options)
    assert (report.rows, dict(report.dropped)) == (rows, dropped)
    assert not any("told by no code" in note for note in report.notes)


def test_the_categories_of_san_francisco_are_its_own_counts():
    path = SHARED / "san_francisco" / "sfpd_incidents_2003_2015.parquet"
    raw = pd.read_parquet(path, columns=["Category"])["Category"].value_counts()
    report = check_events(path, preset="san_francisco", now="2016-01-01")
    kept = report.events["category"].value_counts()
    for ours, theirs in {"theft": "LARCENY/THEFT", "drugs": "DRUG/NARCOTIC", "arson": "ARSON",
                         "vehicle": "VEHICLE THEFT", "robbery": "ROBBERY"}.items():  # fmt: skip
        assert 0.99 * raw[theirs] < kept[ours] <= raw[theirs]
    found = report.events["police_initiated"]
    assert found[report.events["category"] == "drugs"].all()
    assert not found[report.events["category"] == "theft"].any()


def test_madison_tells_who_was_hurt():
    path = SHARED / "madison" / "madison_dane_crashes.parquet"
    raw = pd.read_parquet(path).dropna(subset=["latitude", "longitude"])
    events = check_events(path, preset="madison", harm="kz").events
    assert events["severity"].value_counts().to_dict() == {
        "damage": (raw["severity"] == "3").sum(), "injury": (raw["severity"] == "2").sum(),
        "fatal": (raw["severity"] == "1").sum(),
    }  # fmt: skip
    assert (events["category"] == "accident_pedestrian").sum() == raw["ped_involved"].sum()
    hurt = 6.25 * raw["num_injuries"].sum() + 182.5 * (raw["num_fatalities"] == 1).sum()
    nobody = ((raw["num_injuries"] == 0) & (raw["num_fatalities"] == 0)).sum()
    assert events["harm"].sum() == hurt + 1825 * (raw["num_fatalities"] > 1).sum() + nobody


def test_the_record_of_the_crime_service_tells_all_it_holds():
    event = check_events(SHARED / "kz" / "crime_feature_old_service.json", preset="kz_crime",
                         harm="kz").events.iloc[0]  # fmt: skip
    assert (event["category"], event["article"], event["severity"]) == ("theft", "188-3", "grave")
    assert (event["harm"], event["place"]) == (730, "039")
    assert event["occurred_from"] == pd.Timestamp("2020-02-08 20:30", tz="Asia/Almaty")
