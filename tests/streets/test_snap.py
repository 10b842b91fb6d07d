"""Snapping events to segments."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import LineString, Point

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.streets import snap_events
from shared import shared_file
from towns import CENTRE, CRS, grid_town, loop_town, row_town


def events(*corners, crs=CRS, ids=None):
    points = [None if c is None else Point(c[0] + CENTRE[0], c[1] + CENTRE[1]) for c in corners]
    return gpd.GeoDataFrame(geometry=points, crs=crs, index=ids)


def test_an_event_finds_its_segment_how_far_along_and_how_far_off():
    snapped = snap_events(events((130, 7), (399, -3), ids=["a", "b"]), row_town())
    assert snapped["segment_id"].to_dict() == {"a": "s1", "b": "s3"}
    assert snapped["offset"].tolist() == pytest.approx([30, 99])
    assert snapped["distance"].tolist() == pytest.approx([7, 3])


def test_offsets_follow_the_bends_of_a_segment():
    snapped = snap_events(events((75, 40)), loop_town())
    assert snapped["segment_id"].item() == "bow"
    along = math.hypot(50, 60)
    assert along < snapped["offset"].item() < 2 * along
    line = loop_town().segments.geometry["bow"]
    assert snapped["offset"].item() == pytest.approx(
        line.project(Point(75 + CENTRE[0], 40 + CENTRE[1]))
    )


def test_an_event_too_far_away_stays_unsnapped():
    snapped = snap_events(events((50, 50.5), (50, 49.5), (9e6, 0)), row_town())
    assert snapped["segment_id"].isna().tolist() == [True, False, True]
    assert snapped["offset"].isna().tolist() == [True, False, True]
    assert snapped["distance"].isna().tolist() == [True, False, True]


def test_the_farthest_distance_is_within_reach():
    assert snap_events(events((50, 50)), row_town(), max_distance=50)["distance"].item() == 50


def test_an_event_at_a_junction_goes_to_the_first_segment():
    town = row_town()
    assert snap_events(events((100, 0)), town)["segment_id"].item() == "s0"
    turned = town.segments.iloc[::-1]
    other = type(town)(segments=turned, nodes=town.nodes)
    assert snap_events(events((100, 0)), other)["segment_id"].item() == "s1"


def test_only_segments_that_the_mode_can_use_take_events():
    town = grid_town(3, 3)
    closed = town.segments.assign(walk=town.segments.index != "h-0-0")
    town = type(town)(segments=closed, nodes=town.nodes)
    event = events((50, 1))
    assert snap_events(event, town, mode="drive")["segment_id"].item() == "h-0-0"
    assert snap_events(event, town, max_distance=60)["segment_id"].item() == "v-0-0"
    none = type(town)(segments=town.segments.assign(walk=False), nodes=town.nodes)
    assert snap_events(event, none)["segment_id"].isna().all()


def test_events_in_degrees_are_brought_to_the_streets():
    metres = events((130, 7), (20, -4))
    one = snap_events(metres, row_town())
    other = snap_events(metres.to_crs(4326), row_town())
    assert one["segment_id"].equals(other["segment_id"])
    assert np.allclose(one[["offset", "distance"]], other[["offset", "distance"]], atol=1e-4)


def test_events_without_a_place_stay_unsnapped_and_keep_their_row():
    snapped = snap_events(events(None, (130, 7), ids=["a", "b"]), row_town())
    assert snapped["segment_id"].isna().tolist() == [True, False]
    assert snapped.index.tolist() == ["a", "b"]


def test_the_report_counts_what_was_snapped_and_where_events_pile_up():
    station, square = [(30, 4)] * 12, [(70, -5)] * 10
    few, far = [(90, 1)] * 9, [(50, 400)] * 11
    given = events(*station, *few, None, *square, *far, None)
    assert snap_events(given, row_town()).attrs["report"] == {
        "events": 44,
        "snapped": 31,
        "unsnapped": 11,
        "without place": 2,
        "piles": 3,
        "events in piles": 33,
        "largest pile": 12,
    }
    nothing = snap_events(events(None), row_town()).attrs["report"]
    assert nothing == dict.fromkeys(nothing, 0) | {"events": 1, "without place": 1}


def test_places_a_millimetre_apart_are_no_pile():
    corners = [(x / 1000, y / 1000) for x in range(40) for y in range(40)]
    report = snap_events(events(*corners), row_town()).attrs["report"]
    assert (report["snapped"], report["piles"], report["largest pile"]) == (1600, 0, 0)


def test_a_crowd_is_snapped_as_each_of_it_alone():
    rng = np.random.default_rng(4)
    corners = rng.uniform(-60, 460, (120_000, 2)) + CENTRE  # enough for several threads
    crowd = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*corners.T), crs=CRS)
    town = grid_town()
    together = snap_events(crowd, town)
    for part in (slice(0, 50), slice(70_000, 70_050)):
        pd.testing.assert_frame_equal(together.iloc[part], snap_events(crowd.iloc[part], town))


def test_no_events_give_an_empty_table():
    snapped = snap_events(events(), row_town())
    assert list(snapped.columns) == ["segment_id", "offset", "distance"]
    assert len(snapped) == 0
    assert pd.api.types.is_string_dtype(snapped["segment_id"])


def test_events_without_crs_are_refused():
    with pytest.raises(CRSError, match="has no CRS"):
        snap_events(events((0, 0), crs=None), row_town())


def test_events_that_are_no_points_are_refused():
    lines = gpd.GeoDataFrame(geometry=[LineString([(0, 0), (1, 1)])], crs=CRS)
    with pytest.raises(SchemaError, match="event 0 is a LineString"):
        snap_events(lines, row_town())
    with pytest.raises(SchemaError, match="events is a DataFrame"):
        snap_events(pd.DataFrame({"x": [1]}), row_town())


@pytest.mark.parametrize(
    "options",
    [{"max_distance": 0}, {"max_distance": math.nan}, {"max_distance": math.inf}, {"mode": "bike"}],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match="wanted"):
        snap_events(events((0, 0)), row_town(), **options)


@pytest.mark.shared
def test_ten_thousand_events_find_the_segment_that_geos_finds_nearest(heidelberg):
    walked = heidelberg.segments.geometry[heidelberg.segments["walk"]]
    rng = np.random.default_rng(6)
    corners = shapely.get_coordinates(walked.to_numpy())
    place = corners[rng.integers(0, len(corners), 10_000)] + rng.normal(0, 25, (10_000, 2))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*place.T), crs=heidelberg.crs)
    snapped = snap_events(points, heidelberg)
    _, nearest = walked.sindex.nearest(points.geometry, return_all=False, return_distance=True)
    within = nearest <= 50
    assert np.allclose(nearest[within], snapped["distance"][within], atol=1e-6)
    assert snapped["segment_id"].isna().eq(~within).all()
    own = walked.loc[snapped["segment_id"][within]].to_numpy()
    assert np.allclose(shapely.distance(points.geometry[within], own), nearest[within], atol=1e-6)


@pytest.mark.shared
def test_calls_of_a_city_snap_to_the_segment_that_geos_finds_nearest(portland):
    calls = pd.read_parquet(shared_file("portland/nij_calls_2016-08_2016-09.parquet"))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(calls["lon"], calls["lat"]), crs=4326)
    snapped = snap_events(points, portland)
    some = snapped.dropna().sample(500, random_state=1)
    walked = portland.segments[portland.segments["walk"]].geometry
    there = points.geometry.to_crs(portland.crs).loc[some.index]
    nearest = walked.sindex.nearest(there, return_all=False, return_distance=True)[1]
    assert np.allclose(nearest, some["distance"], atol=1e-9)
    along = portland.segments.geometry.loc[some["segment_id"]].project(
        gpd.GeoSeries(there.to_numpy(), index=some["segment_id"], crs=portland.crs), align=False
    )
    assert np.allclose(along, some["offset"], atol=1e-3)
