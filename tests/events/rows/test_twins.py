"""An event that is told twice counts once: on one map by its rows, on several by what they tell."""

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from patrolmap.events import check_events, combine_events, read_events
from patrolmap.schema import EVENTS, validate

ALMATY = "Asia/Almaty"
FEW = settings(max_examples=30, deadline=None,
               suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
CATEGORY = {"188": "theft", "191": "robbery", "345": "traffic", "293": "disorder"}
LENGTH = {"minute": 0, "hour": 60, "day": 1440, "month": 43_200}


def events_of(kind, *rows, crs=32643, tz=ALMATY):
    """Build a map from (id, metres east, north, clock, article or category, precision) rows."""
    rows = [(*row, "minute") if len(row) == 5 else row for row in rows]
    told = [row[4] for row in rows]
    articles = [text if text and text[0].isdecimal() else None for text in told]
    clock = pd.to_datetime([row[3] for row in rows], format="ISO8601")
    start = pd.Series(clock).astype("datetime64[us]")
    wide = pd.to_timedelta([LENGTH[row[5]] for row in rows], unit="m").as_unit("us")
    nothing = pd.array([None] * len(rows), dtype="str")
    frame = gpd.GeoDataFrame(
        {
            "kind": kind,
            "category": [CATEGORY[a.split("-")[0]] if a else t
                         for a, t in zip(articles, told, strict=True)],
            "article": pd.array(articles, dtype="str"),
            "severity": nothing,
            "harm": np.nan,
            "occurred_from": start.dt.tz_localize(tz).array,
            "occurred_to": (start + wide).dt.tz_localize(tz).array,
            "time_precision": [row[5] for row in rows],
            "place": nothing,
            "police_initiated": False,
        },
        geometry=[Point(650_000 + row[1], 4_790_000 + row[2]) for row in rows],
        index=pd.Index([f"{kind}:{row[0]}" for row in rows], name="event_id", dtype="str"),
        crs=crs,
    )  # fmt: skip
    validate(frame, EVENTS)
    return frame


def once(*tables):
    events = combine_events(tables)
    validate(events, EVENTS)
    return events


NIGHT = "2024-05-01 20:30"


# Several maps


def test_an_offence_of_a_juvenile_counts_once_and_the_number_is_said(caplog):
    crimes = events_of("crime", (1, 0, 0, NIGHT, "188-3"), (2, 500, 0, NIGHT, "188-3"))
    juveniles = events_of("juvenile", (9, 5, 5, NIGHT, "188-3"))
    with caplog.at_level(logging.INFO, logger="patrolmap"):
        events = once(crimes, juveniles)
    assert events.index.tolist() == ["crime:2", "juvenile:9"]
    assert events.attrs["report"] == {
        "rows": 3, "kept": 2, "counted_once": {"juvenile, not crime": 1}, "alike": {}
    }  # fmt: skip
    assert "1 events stand on two maps and count once: as juvenile, not crime" in caplog.text


def test_an_accident_on_the_crime_map_counts_once_though_it_has_an_article_there():
    crimes = events_of("crime", (1, 0, 0, NIGHT, "345-1"), (2, 0, 0, NIGHT, "188-1"))
    accidents = events_of("accident", (7, 10, 0, NIGHT, "accident_pedestrian"))
    events = once(crimes, accidents)
    assert events.index.tolist() == ["crime:2", "accident:7"]
    assert events.loc["accident:7", "category"] == "accident_pedestrian"
    assert events.loc["accident:7", "article"] == "345-1"


def test_one_event_on_all_four_maps_counts_once():
    tables = [events_of(kind, (1, 0, 0, NIGHT, "345-1"))
              for kind in ("call", "crime", "juvenile", "accident")]  # fmt: skip
    events = once(*tables)
    assert events.index.tolist() == ["accident:1"]
    assert set(events.attrs["report"]["counted_once"]) == {
        "accident, not juvenile", "accident, not crime", "accident, not call",
    }  # fmt: skip


def test_a_call_gives_way_to_the_crime_it_told_of():
    calls = events_of("call", (1, 8, 0, NIGHT, "theft"), (2, 8, 0, "2024-05-01 20:31", "theft"))
    crimes = events_of("crime", (1, 0, 0, NIGHT, "188-1"))
    assert once(calls, crimes).index.tolist() == ["call:2", "crime:1"]


@pytest.mark.parametrize(
    "other",
    [
        (1, 26, 0, NIGHT, "188-3"),
        (1, 0, 0, "2024-05-01 20:31", "188-3"),
        (1, 0, 0, "2024-05-02 20:30", "188-3"),
        (1, 0, 0, NIGHT, "188-2"),
        (1, 0, 0, NIGHT, "191-1"),
        (1, 0, 0, NIGHT, "other"),
        (1, 0, 0, NIGHT, "unknown"),
        (1, 0, 0, "2024-05-01", "188-3", "month"),
        (1, 0, 0, "2024-05-01", "theft", "day"),
        (1, 0, 0, "2024-05-02", "188-3", "day"),
        (1, 0, 0, None, "188-3"),
    ],
    ids=["far", "minute", "day", "part", "article", "vague", "unknown", "month", "day only",
         "other day", "timeless"],
)  # fmt: skip
def test_what_differs_in_place_time_or_offence_stays_two_events(other):
    juveniles = events_of("juvenile", (1, 0, 0, NIGHT, "188-3"))
    assert len(once(events_of("crime", other), juveniles)) == 2


@pytest.mark.parametrize(
    "other",
    [
        (1, 24, 0, NIGHT, "188-3"),
        (1, -17, -17, NIGHT, "188-3"),
        (1, 0, 0, NIGHT, "188"),
        (1, 0, 0, NIGHT, "theft"),
        (1, 3, 0, "2024-05-01", "188-3", "day"),
    ],
    ids=["24 m", "diagonal", "no part", "no article", "day"],
)
def test_what_agrees_as_far_as_it_is_told_is_one_event(other):
    juveniles = events_of("juvenile", (1, 0, 0, NIGHT, "188-3"))
    assert once(events_of("crime", other), juveniles).index.tolist() == ["juvenile:1"]


def test_of_two_thefts_on_the_crime_map_one_stands_for_one_of_a_juvenile_the_nearer():
    crimes = events_of("crime", (1, 20, 0, NIGHT, "188-3"), (2, 4, 0, NIGHT, "188-3"),
                       (3, 0, 0, "2024-05-01", "188-3", "day"))  # fmt: skip
    juveniles = events_of("juvenile", (1, 0, 0, NIGHT, "188-3"))
    assert once(crimes, juveniles).index.tolist() == ["crime:1", "crime:3", "juvenile:1"]


def test_days_known_only_as_days_are_matched_one_by_one():
    day = "2024-05-01"
    crimes = events_of("crime", *((n, 0, 0, day, "188-1", "day") for n in range(5)))
    juveniles = events_of("juvenile", *((n, 0, 0, day, "188-1", "day") for n in range(3)))
    events = once(crimes, juveniles)
    assert events["kind"].value_counts().to_dict() == {"juvenile": 3, "crime": 2}


def test_what_the_kept_row_lacks_comes_from_the_other():
    crimes = events_of("crime", (1, 0, 0, NIGHT, "188-3"))
    crimes["severity"], crimes["harm"], crimes["place"] = "grave", 365.0, "001"
    juveniles = events_of("juvenile", (1, 3, 0, "2024-05-01", "188-3", "day"))
    juveniles["place"] = "039"
    event = once(crimes, juveniles).loc["juvenile:1"]
    assert (event["severity"], event["harm"], event["place"]) == ("grave", 365.0, "039")
    assert event["time_precision"] == "minute"
    assert event["occurred_to"] == pd.Timestamp(NIGHT, tz=ALMATY)
    assert event.geometry.x == 650_003
    assert crimes.index.tolist() == ["crime:1"] and pd.isna(juveniles["harm"].iloc[0])


def test_an_exact_time_is_not_given_up_for_a_day():
    crimes = events_of("crime", (1, 0, 0, "2024-05-01", "188-3", "day"))
    juveniles = events_of("juvenile", (1, 3, 0, NIGHT, "188-3"))
    assert once(crimes, juveniles)["time_precision"].tolist() == ["minute"]


def test_maps_in_other_zones_and_systems_are_compared_by_moment_and_place():
    crimes = events_of("crime", (1, 0, 0, NIGHT, "188-3"))
    juveniles = events_of("juvenile", (1, 0, 0, "2024-05-01 15:30", "188-3"), tz="UTC")
    assert len(once(crimes.to_crs(32642), juveniles)) == 1


def test_a_table_combined_before_is_not_combined_within_itself_again():
    crimes = events_of("crime", (1, 0, 0, NIGHT, "188-3"), (2, 0, 0, NIGHT, "188-3"))
    juveniles = events_of("juvenile", (1, 0, 0, NIGHT, "188-3"))
    before = once(crimes, juveniles)
    assert len(before) == 2
    assert len(once(before)) == 2
    calls = events_of("call", (1, 0, 0, NIGHT, "theft"), (2, 900, 0, NIGHT, "theft"))
    assert sorted(once(before, calls).index) == ["call:2", *sorted(before.index)]


def test_thousands_on_one_point_and_day_are_matched_like_any_others():
    many = [(n, 0, 0, "2024-01-01", "188-1", "day") for n in range(4000)]
    events = once(events_of("crime", *many), events_of("juvenile", *many[:3000]))
    assert events["kind"].value_counts().to_dict() == {"juvenile": 3000, "crime": 1000}


rows = st.tuples(
    st.integers(-60, 60), st.integers(-60, 60),
    st.sampled_from([NIGHT, "2024-05-01 20:31", "2024-05-01", None]),
    st.sampled_from(["188-1", "188", "191-2", "345-1", "theft", "accident_vehicle", "other"]),
    st.sampled_from(["minute", "day", "hour"]),
)  # fmt: skip
maps = st.fixed_dictionaries(
    {kind: st.lists(rows, min_size=1, max_size=7)
     for kind in ("crime", "juvenile", "accident", "call")}
)  # fmt: skip


@FEW
@given(maps, st.permutations(range(4)))
def test_survivors_are_all_rows_but_the_matched_whatever_the_order_of_the_tables(cells, order):
    tables = [events_of(kind, *((n, *row) for n, row in enumerate(cells[kind]))) for kind in cells]
    events, other = once(*tables), once(*(tables[n] for n in order))
    assert sorted(events.index) == sorted(other.index)
    report = events.attrs["report"]
    assert report == other.attrs["report"]
    assert len(events) == report["kept"] == report["rows"] - sum(report["counted_once"].values())
    for table in tables:
        assert len(once(table)) == len(table)
    least = max(len(table) for table in tables)
    assert len(events) >= least
    assert (events["kind"] == "accident").sum() == len(cells["accident"])


@FEW
@given(st.lists(rows, min_size=1, max_size=9), st.lists(rows, min_size=1, max_size=9))
def test_pairs_are_those_of_a_plain_search(crime, juvenile):
    """Take the nearest pair that tells of one event, again and again."""
    crimes = events_of("crime", *((n, *row) for n, row in enumerate(crime)))
    juveniles = events_of("juvenile", *((n, *row) for n, row in enumerate(juvenile)))
    pairs = [
        (not same_place_time_offence(j, c), not same_time(j, c), j.geometry.distance(c.geometry),
         c.name, j.name)
        for _, j in juveniles.iterrows() for _, c in crimes.iterrows() if one_event(j, c)
    ]  # fmt: skip
    gone, used = set(), set()
    for *_, c, j in sorted(pairs):
        if c not in gone and j not in used:
            gone.add(c)
            used.add(j)
    assert set(crimes.index) - set(once(crimes, juveniles).index) == gone


def one_event(one, other):
    if pd.isna(one["occurred_from"]) or pd.isna(other["occurred_from"]):
        return False
    both = pd.notna(one["article"]) and pd.notna(other["article"])
    wide = {"accident_vehicle": "traffic"}
    first, second = (wide.get(row["category"], row["category"]) for row in (one, other))
    article = both and (
        one["article"] == other["article"] or {one["article"], other["article"]} == {"188", "188-1"}
    )
    alike = article if both else first == second != "other"
    road = first == second == "traffic"
    holds = any(
        a["time_precision"] == "day" and a["occurred_from"] <= b["occurred_from"]
        and b["occurred_to"] <= a["occurred_to"] for a, b in ((one, other), (other, one))
    ) and one["occurred_from"].date() == other["occurred_from"].date()  # fmt: skip
    return (
        one.geometry.distance(other.geometry) <= 25
        and alike
        and (same_time(one, other) or (holds and (article or road)))
    )


def same_time(one, other):
    names = ["occurred_from", "occurred_to"]
    return bool((one[names] == other[names]).all())


def same_place_time_offence(one, other):
    names = ["occurred_from", "occurred_to", "category", "geometry"]
    articles = [row["article"] if pd.notna(row["article"]) else "" for row in (one, other)]
    return bool((one[names] == other[names]).all()) and articles[0] == articles[1]


# One map


def service_rows(rows=30):
    """Return rows as the crime service has them."""
    n = np.arange(rows)
    return pd.DataFrame(
        {
            "OBJECTID": n + 100,
            "STAT": np.resize(["ст.188 ч.3", "ст.191 ч.1"], rows),
            "DAT_SOVER_STR": (pd.Timestamp("2024-05-01 12:30") + pd.to_timedelta(n * 37, unit="h"))
            .strftime("%d.%m.%Y %H:%M"),
            "DAT_VOZB_STR": (pd.Timestamp("2024-05-09") + pd.to_timedelta(n, unit="D"))
            .strftime("%d.%m.%Y"),
            "UD": (n + 10**14).astype(str),
            "FZ1R18P5": np.resize(["АБАЯ", "ДОСТЫК", "САТПАЕВА"], rows),
            "FZ1R18P6": n.astype(str),
            "lon": 76.90 + n % 5 / 500,
            "lat": 43.25 + n // 5 / 500,
        }
    )  # fmt: skip


def check(table, **options):
    return check_events(table, **({"kind": "crime", "tz": ALMATY} | options))


def test_rows_of_two_exports_under_new_ids_are_copies():
    table = service_rows()
    again = table.iloc[20:].assign(OBJECTID=np.arange(10) + 900)
    report = check(pd.concat([table, again]))
    assert dict(report.dropped) == {"duplicate": 10}
    assert report.rejects["row"].tolist() == list(range(31, 41))


def test_two_cases_of_one_minute_place_and_article_both_stay_and_are_said():
    table = service_rows()
    twin = table.iloc[[4]].assign(OBJECTID=900, UD="7")
    report = check(pd.concat([table, twin]))
    assert report.kept == 31
    assert any("1 rows share minute, place and offence with one before, but have ids" in note
               for note in report.notes)  # fmt: skip


def test_two_cars_of_one_yard_are_two_thefts_where_no_case_number_tells():
    table = service_rows().drop(columns="UD")
    twin = table.iloc[[4]].assign(OBJECTID=900)
    assert check(pd.concat([table.assign(FZ1R18P6="1"), twin.assign(FZ1R18P6="1")])).kept == 31


def test_days_without_an_hour_are_no_copies_however_alike():
    table = service_rows()
    table["DAT_SOVER_STR"] = "01.05.2024 00:00"
    twin = table.iloc[[4]].assign(OBJECTID=900)
    report = check(pd.concat([table, twin]))
    assert report.kept == 31
    assert not any("share minute" in note for note in report.notes)


def test_a_table_too_narrow_to_tell_copies_keeps_other_ids(crimes):
    table = crimes()
    report = check(pd.concat([table, table.iloc[[4]].assign(id=999)]))
    assert report.kept == 26
    assert any("1 rows share minute" in note for note in report.notes)


def test_without_ids_rows_that_differ_in_any_column_stay_and_are_said(crimes):
    table = crimes().drop(columns="id").assign(street="Abay")
    twin = table.iloc[[4]].assign(street="Dostyk")
    report = check(pd.concat([table, twin, table.iloc[[5]]]))
    assert dict(report.dropped) == {"duplicate": 1}
    assert any("1 rows share minute, place and offence with one before, but differ" in note
               for note in report.notes)  # fmt: skip


def test_an_offence_on_two_maps_read_from_files_counts_once():
    table = service_rows()
    crimes = read_events(table, kind="crime", tz=ALMATY)
    minors = table.iloc[::10].assign(OBJECTID=[1, 2, 3], lon=table["lon"] + 1e-4)
    juveniles = read_events(minors, kind="juvenile", tz=ALMATY)
    events = once(crimes, juveniles)
    assert events["kind"].value_counts().to_dict() == {"crime": 27, "juvenile": 3}


@pytest.mark.parametrize("article", ["345-1", None])
@pytest.mark.parametrize("category", ["unknown", "other", "accident_vehicle"])
def test_an_accident_of_any_type_counts_once_with_the_crime_map(category, article):
    accidents = events_of("accident", *((n, 90 * n, 0, NIGHT, category) for n in range(40)))
    crimes = events_of("crime", *((n, 90 * n + 5, 0, NIGHT, article or "traffic")
                                  for n in range(40)))  # fmt: skip
    days = events_of("crime", *((n, 90 * n + 5, 0, "2024-05-01", "345-1", "day")
                                for n in range(40)))  # fmt: skip
    for other in (crimes, days):
        for tables in ((accidents, other), (other, accidents)):
            events = once(*tables)
            assert set(events["kind"]) == {"accident"} and len(events) == 40


def test_an_accident_of_unknown_type_is_no_theft():
    accident = events_of("accident", (1, 0, 0, NIGHT, "unknown"))
    assert len(once(accident, events_of("crime", (1, 5, 0, NIGHT, "188-1")))) == 2
