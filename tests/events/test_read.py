"""What a user gets from a table of events, and which rows fall."""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import MultiPoint, Point, Polygon, box

from patrolmap.errors import (
    CRSError,
    OptionError,
    RejectedRowsWarning,
    SchemaError,
    SourceNotFoundError,
)
from patrolmap.events import check_events, read_events
from patrolmap.schema import EVENTS, validate

ALMATY = "Asia/Almaty"


def check(table, **options):
    return check_events(table, **({"kind": "crime", "tz": ALMATY} | options))


def test_good_rows_become_events_in_metres_and_one_zone(crimes):
    events = read_events(crimes(), kind="crime", tz=ALMATY)
    validate(events, EVENTS)
    assert len(events) == 25
    assert events.crs.to_epsg() == 32643
    assert str(events["occurred_from"].dt.tz) == ALMATY
    assert events.index[0] == "crime:100"
    assert events["occurred_from"].iloc[0] == pd.Timestamp("2024-05-01 12:30", tz=ALMATY)
    assert (events["occurred_to"] == events["occurred_from"]).all()
    assert events.geometry.iloc[0].distance(events.geometry.iloc[1]) == pytest.approx(162, abs=2)


def test_reading_does_not_change_the_given_table(crimes):
    table = crimes(lat={2: None})
    before = table.copy(deep=True)
    check(table)
    pd.testing.assert_frame_equal(table, before)


def test_columns_beyond_the_contract_do_not_survive(crimes):
    table = crimes(date={4: "???"}).assign(name="Ivan Petrov", ud="123", birth="1990-01-01")
    report = check(table)
    assert list(report.events.columns) == EVENTS.names
    assert list(report.rejects.columns) == ["row", "reason", "given", "wanted", "event_id"]
    seen = report.events.to_csv() + report.rejects.to_csv() + report.summary()
    assert "Petrov" not in seen and "1990-01-01" not in seen


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lon": {3: None}}, "no geometry"),
        ({"lat": {3: np.nan}}, "no geometry"),
        ({"lon": {3: 0.0}, "lat": {3: 0.0}}, "zero coordinates"),
        ({"lon": {3: 43.25}, "lat": {3: 76.90}}, "latitude and longitude swapped"),
        ({"lon": {3: 76.9}, "lat": {3: 143.25}}, "coordinates outside the world"),
        ({"lon": {3: float("inf")}}, "coordinates outside the world"),
        ({"lon": {3: "by the shop"}}, "unreadable coordinates"),
        ({"date": {3: "yesterday"}}, "unreadable date"),
        ({"date": {3: "2024-02-30 12:00"}}, "unreadable date"),
        ({"date": {3: "2024-05-01 25:00"}}, "unreadable date"),
        ({"date": {3: "1066-10-14 12:00"}}, "unreadable date"),
        ({"date": {3: "2107-05-01 12:00"}}, "date in the future"),
        ({"lon": {3: 77.5}}, "far away"),
    ],
)
def test_a_bad_row_is_rejected_and_counted_with_its_number(crimes, changes, reason):
    report = check(crimes(**changes))
    assert dict(report.dropped) == {reason: 1}
    assert (report.rows, report.kept, len(report.events)) == (25, 24, 24)
    assert report.rejects["row"].tolist() == [4]
    assert report.rejects["event_id"].tolist() == ["crime:103"]
    assert "crime:103" not in report.events.index
    assert f"{reason}: row 4" in report.summary()


def test_swapped_rows_are_told_even_where_latitude_would_pass_ninety_degrees(crimes):
    table = crimes(lon={3: 43.13}, lat={3: 131.9})
    table["lon"] = table["lon"].where(table.index == 3, table["lon"] + 55)
    table["lat"] = table["lat"].where(table.index == 3, table["lat"] - 0.1)
    assert dict(check(table).dropped) == {"latitude and longitude swapped": 1}


def test_many_swapped_rows_do_not_hide_each_other(crimes):
    table = crimes(rows=100)
    table.loc[:19, ["lon", "lat"]] = table.loc[:19, ["lat", "lon"]].to_numpy(copy=True)
    # Where no clock and no boundary tells that they lie in Almaty only so.
    assert dict(check(table, tz="UTC").dropped) == {"latitude and longitude swapped": 20}


def test_a_repeated_row_is_a_duplicate(crimes):
    table = crimes()
    report = check(pd.concat([table, table.iloc[[7]]]))
    assert dict(report.dropped) == {"duplicate": 1}
    assert report.rejects["row"].tolist() == [26]


def test_an_id_used_twice_keeps_the_first_row(crimes):
    report = check(crimes(id={9: 105}))
    assert dict(report.dropped) == {"event id used twice": 1}
    assert report.rejects["row"].tolist() == [10]
    assert report.events.loc["crime:105", "category"] == "disorder"


def test_a_bad_row_does_not_take_the_id_of_a_good_one(crimes):
    report = check(crimes(id={9: 105}, lon={5: None}))
    assert dict(report.dropped) == {"no geometry": 1}
    assert "crime:105" in report.events.index


def test_without_ids_events_at_one_point_and_day_are_kept_unless_all_columns_agree(crimes):
    one = pd.DataFrame(
        {
            "date": "2024-05-01",
            "category": "theft",
            "lon": 76.9,
            "lat": 43.2,
            "street": list("abca"),
        }
    )
    report = check(one)
    assert dict(report.dropped) == {"duplicate": 1}
    assert report.rejects["row"].tolist() == [4]
    assert report.events.index.tolist() == ["crime:row 1", "crime:row 2", "crime:row 3"]


def test_two_events_of_other_ids_at_one_place_and_time_both_stay(crimes):
    table = crimes()
    twin = table.iloc[[4]].assign(id=999)
    assert check(pd.concat([table, twin])).kept == 26


def test_a_guessed_id_column_that_repeats_itself_is_left_aside(crimes):
    report = check(crimes().assign(id=0))
    assert report.kept == 25
    assert any("'id' repeats itself" in note for note in report.notes)


def test_rows_without_an_id_are_numbered_by_their_row(crimes):
    report = check(crimes(id={3: None}))
    assert report.events.index[3] == "crime:row 4"
    assert report.events.index[4] == "crime:104"  # not "104.0", though a gap makes floats of ints


def test_rejections_warn_once_with_the_reasons(crimes):
    with pytest.warns(
        RejectedRowsWarning, match=r"2 of 25 rows rejected.*no geometry: row 4"
    ) as seen:
        read_events(crimes(lon={3: None}, date={8: "?"}), kind="crime", tz=ALMATY)
    assert len(seen) == 1
    assert seen[0].filename == __file__


def test_checking_does_not_warn(crimes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check(crimes(lon={3: None})).kept == 24


def test_strict_raises_on_any_rejected_row(crimes):
    with pytest.raises(SchemaError, match=r"1 of 25 rows.*far away: row 4"):
        read_events(crimes(lon={3: 77.5}), kind="crime", tz=ALMATY, strict=True)
    assert len(read_events(crimes(), kind="crime", tz=ALMATY, strict=True)) == 25


def test_only_bad_rows_is_an_error_naming_the_reasons(crimes):
    table = crimes(rows=3, lon={0: None, 1: None}, date={2: "never"})
    with pytest.raises(SchemaError, match=r"no row .*2 no geometry.*1 unreadable date.*text of 5"):
        check(table)


def test_an_unknown_kind_names_those_there_are(crimes):
    with pytest.raises(OptionError, match=r"kind='crimes'.*'juvenile'"):
        check(crimes(), kind="crimes")


def test_a_wrong_column_names_near_ones(crimes):
    with pytest.raises(SchemaError, match=r"'categori'.*Did you mean 'category'"):
        check(crimes(), columns={"category": "categori"})


def test_an_unknown_role_names_the_roles(crimes):
    with pytest.raises(OptionError, match=r"'kategory'; wanted one of \['event_id'"):
        check(crimes(), columns={"kategory": "category"})


def test_one_coordinate_without_the_other_is_an_error(crimes):
    table = crimes().rename(columns={"lon": "east", "lat": "north"})
    with pytest.raises(SchemaError, match=r"'lon' but 'lat' was not found"):
        check(table, columns={"lon": "east"})


def test_a_clock_without_a_date_is_an_error(crimes):
    table = crimes().drop(columns="date").assign(at="20:30")
    with pytest.raises(SchemaError, match="no date column"):
        check(table, columns={"time": "at"})


def test_no_coordinates_lists_what_the_table_has(crimes):
    table = crimes().rename(columns={"lon": "where_from", "lat": "where_to"})
    with pytest.raises(SchemaError, match=r"'where_from', 'where_to'.*columns=\{'lon'"):
        check(table)
    assert check(table, columns={"lon": "where_from", "lat": "where_to"}).kept == 25


def test_a_role_can_be_said_to_have_no_column(crimes):
    report = check(crimes(), columns={"event_id": None, "date": None})
    assert report.events.index[0] == "crime:row 1"
    assert (report.events["time_precision"] == "unknown").all()


def test_without_a_date_column_every_time_is_unknown_and_the_report_says_so(crimes):
    report = check(crimes().drop(columns="date"), tz=None)
    assert report.events["occurred_from"].isna().all()
    assert (report.events["time_precision"] == "unknown").all()
    assert any("every time is unknown" in note for note in report.notes)
    validate(report.events, EVENTS)


def test_an_empty_table_is_an_error(crimes):
    with pytest.raises(SchemaError, match="no rows"):
        check(crimes().iloc[:0])


def test_a_source_of_another_type_is_an_error():
    with pytest.raises(OptionError, match="source is int; wanted a path"):
        check([1, 2])


def test_columns_named_alike_are_an_error(crimes):
    table = crimes()
    table.columns = ["id", "date", "date", "lon", "lat"]
    with pytest.raises(SchemaError, match="named alike"):
        check(table)


@pytest.mark.parametrize("names", [["\ud800", "\udfff"], [1, "1"]])
def test_columns_that_become_one_name_as_text_are_an_error(names):
    table = pd.DataFrame([["76.9", "43.2"]], columns=pd.Index(names, dtype=object))
    with pytest.raises(SchemaError, match="named alike"):
        read_events(table, kind="crime")


def test_half_a_letter_in_a_column_name_is_read_as_a_question_mark():
    names = pd.Index(["lon", "lat", "date", "\ud800"], dtype=object)
    table = pd.DataFrame([["76.9", "43.2", "2024-05-01 12:30", "x"]], columns=names)
    assert len(read_events(table, kind="crime", tz="Asia/Almaty")) == 1


def test_an_events_table_read_again_stays_the_same(crimes):
    once = read_events(crimes(), kind="crime", tz=ALMATY)
    twice = read_events(once, kind="crime", tz=ALMATY)
    pd.testing.assert_frame_equal(pd.DataFrame(once), pd.DataFrame(twice), check_dtype=False)


def test_events_outside_the_boundary_are_rejected_and_no_other_is_far_away(crimes):
    table = crimes(lon={3: 77.5})
    small = box(76.899, 43.249, 76.9031, 43.3)
    report = check(table, boundary=small)
    assert set(report.dropped) == {"outside the boundary"}
    assert report.kept == 10  # columns 0 and 1 of five rows
    assert check(table, boundary=box(76, 43, 78, 44)).kept == 25


@pytest.mark.parametrize("form", ["frame", "series", "file", "utm"])
def test_a_boundary_comes_in_any_usual_form(crimes, tmp_path, form):
    frame = gpd.GeoDataFrame(geometry=[box(76.89, 43.24, 76.9031, 43.3)], crs=4326)
    if form == "file":
        frame.to_file(tmp_path / "area.geojson")
    given = {
        "frame": frame,
        "series": frame.geometry,
        "file": tmp_path / "area.geojson",
        "utm": frame.to_crs(32643),
    }[form]
    assert check(crimes(), boundary=given).kept == 10


@pytest.mark.parametrize(
    ("boundary", "error", "words"),
    [
        (Point(76, 43), SchemaError, "holds no polygon"),
        (Polygon(), SchemaError, "holds no polygon"),
        (box(600000, 4700000, 700000, 4800000), CRSError, "no degrees"),
        (gpd.GeoDataFrame(geometry=[box(76, 43, 77, 44)]), CRSError, "has no CRS"),
        (42, OptionError, "boundary is int"),
        ("plain.parquet", SchemaError, "has no geometry"),
        ("absent.geojson", SourceNotFoundError, "is not there"),
    ],
)
def test_a_boundary_that_is_none_is_an_error(crimes, tmp_path, monkeypatch, boundary, error, words):
    monkeypatch.chdir(tmp_path)
    crimes().to_parquet("plain.parquet")
    with pytest.raises(error, match=words):
        check(crimes(), boundary=boundary)


def test_swapped_rows_are_told_by_the_boundary_too(crimes):
    table = crimes(lon={3: 43.25}, lat={3: 76.90})
    report = check(table, boundary=box(76.8, 43.2, 77, 43.3))
    assert dict(report.dropped) == {"latitude and longitude swapped": 1}


def test_metres_given_as_degrees_are_a_crs_error(crimes):
    table = crimes()
    table[["lon", "lat"]] = [656000.0, 4790000.0]
    with pytest.raises(CRSError, match=r"656000, 4790000.*source_crs="):
        check(table)
    with pytest.raises(CRSError, match=r"cannot be degrees"):
        check(table, source_crs=4326)
    assert check(table, source_crs=32643).kept == 25


def test_degrees_given_as_metres_are_a_crs_error(crimes):
    with pytest.raises(CRSError, match=r"look like degrees but EPSG:32643"):
        check(crimes(), source_crs=32643)


def test_a_source_in_feet_lands_where_it_is(crimes):
    table = pd.DataFrame({"date": "2016-08-10", "x": [7660085.0], "y": [672910.0]})
    report = check(table, source_crs=2913, tz="America/Los_Angeles")
    place = report.events.to_crs(4326).geometry.iloc[0]
    assert (place.x, place.y) == pytest.approx((-122.613925, 45.492962), abs=1e-5)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:2913", "nonsense"])
def test_a_result_crs_that_is_not_metric_is_an_error(crimes, crs):
    with pytest.raises(CRSError, match="crs="):
        check(crimes(), crs=crs)


def test_the_result_stands_in_the_crs_asked_for(crimes):
    assert check(crimes(), crs=32642).events.crs.to_epsg() == 32642


def test_geometry_of_a_table_comes_first_and_its_crs_is_used(crimes):
    table = crimes()
    shapes = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
    frame = gpd.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=shapes)
    expected = check(table).events.geometry
    for given in (frame, frame.to_crs(32642), frame.set_crs(None, allow_override=True)):
        assert check(given).events.geometry.distance(expected).max() < 0.001


def test_geometry_that_is_no_point_is_rejected_and_a_single_multipoint_is_taken(crimes):
    table = crimes()
    shapes = list(gpd.points_from_xy(table["lon"], table["lat"]))
    shapes[3], shapes[4], shapes[5] = box(76, 43, 77, 44), MultiPoint([shapes[4]]), None
    shapes[6] = Point()
    bare = table.drop(columns=["lon", "lat"])
    report = check(gpd.GeoDataFrame(bare, geometry=shapes, crs=4326))
    assert dict(report.dropped) == {"geometry is not a point": 1, "no geometry": 2}
    assert report.rejects["given"].tolist() == ["Polygon", "nothing", "nothing"]


def test_a_row_of_the_old_crime_service_reads_as_it_is():
    row = {
        "OBJECTID": [8900933], "ID": [0], "CRIME_CODE": ["1880"], "UD": ["000000000000000"],
        "DAT_SOVER": [1581193800000], "STAT": ["ст.188 ч.3"], "DAT_SOVER_STR": ["08.02.2020 20:30"],
        "x": [687592.9564], "y": [4743963.6819],
    }  # fmt: skip
    both = check(pd.DataFrame(row), source_crs=32642)
    epoch = check(pd.DataFrame(row).drop(columns="DAT_SOVER_STR"), source_crs=32642)
    for report in (both, epoch):
        event = report.events.iloc[0]
        assert report.events.index[0] == "crime:8900933"
        assert event["category"] == "theft"
        assert event["occurred_from"] == pd.Timestamp("2020-02-08 20:30", tz=ALMATY)
        assert event["time_precision"] == "minute"
    place = both.events.to_crs(4326).geometry.iloc[0]
    assert (place.x, place.y) == pytest.approx((71.3, 42.83), abs=0.05)  # Taraz
    assert any("local wall clock stored as UTC" in note for note in epoch.notes)


def test_an_accident_takes_its_hour_from_the_clock_column():
    rows = pd.DataFrame(
        {
            "objectid": [1, 2, 3], "rta_date": [1581120000000, 1581120000000, 1581206400000],
            "fd1r05p1": ["07:05", "", "23:59"], "rta_type": [1, 0, 2],
            "lon": [76.9, 76.91, 76.92], "lat": 43.25,
        }
    )  # fmt: skip
    events = check(rows, kind="accident").events
    assert events["occurred_from"].dt.strftime("%Y-%m-%d %H:%M").tolist() == [
        "2020-02-08 07:05", "2020-02-08 00:00", "2020-02-09 23:59",
    ]  # fmt: skip
    assert events["time_precision"].tolist() == ["minute", "day", "minute"]
    assert events["category"].tolist() == [
        "accident_pedestrian", "accident_vehicle", "accident_other",
    ]  # fmt: skip


def test_russian_column_names_are_known():
    rows = pd.DataFrame({"Дата": ["31.12.2023"], "Время": ["23:15"], "Широта": [43.25],
                         "Долгота": [76.9], "Статья": ["ст.191 ч.1"]})  # fmt: skip
    event = check(rows).events.iloc[0]
    assert event["category"] == "robbery"
    assert event["occurred_from"] == pd.Timestamp("2023-12-31 23:15", tz=ALMATY)


def test_ids_that_could_hold_a_name_or_a_case_number_are_kept_as_hashes():
    table = pd.DataFrame(
        {
            "incident_id": ["UD-2024/77 Ivanov", "8901123", "UD-2024/78 Ivanov"],
            "date": ["2024-05-01 20:30"] * 3,
            "lon": [76.9, 76.91, 76.92],
            "lat": [43.2] * 3,
        }
    )
    report = check_events(table, kind="juvenile", tz="Asia/Almaty")
    assert not report.events.index.str.contains("Ivanov|UD").any()
    assert report.events.index[1] == "juvenile:8901123"
    assert report.events.index.is_unique
    assert any("kept as hashes" in note for note in report.notes)
    again = check_events(report.events.reset_index(), kind="juvenile")
    assert list(again.events.index) == list(report.events.index)
