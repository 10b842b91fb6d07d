"""Bandwidths chosen by data: what is scored, what piles do, what is refused."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Point, box

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.events import check_events
from patrolmap.risk import select_bandwidth
from patrolmap.risk.density.waves import spread_waves
from patrolmap.streets import read_streets, snap_events
from towns import CENTRE, CRS, grid_town, row_town


def points(xy, crs=CRS) -> gpd.GeoDataFrame:
    xy = np.asarray(xy, dtype=float) + CENTRE
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(*xy.T), crs=crs)


def clouds(spread: float, n: int = 300, seed: int = 1) -> gpd.GeoDataFrame:
    """Scatter events about six centres."""
    random = np.random.default_rng(seed)
    centres = random.uniform(0, 4000, (6, 2))
    return points(centres[random.integers(0, 6, n)] + random.normal(0, spread, (n, 2)))


def test_tighter_clouds_of_events_want_a_smaller_bandwidth():
    best = [select_bandwidth(clouds(spread)).best for spread in (30, 100, 300)]
    assert best[0] < best[1] < best[2]


def test_the_choice_expects_new_events_of_the_same_source_about_best():
    xy = clouds(80, 600, seed=2).get_coordinates().to_numpy() - CENTRE
    old, new = xy[:400], xy[400:]
    d = np.hypot(*(new[:, None] - old[None]).transpose(2, 0, 1))
    choice = select_bandwidth(points(old))
    steps = list(choice.curve.index)
    scores = []
    for b in steps:
        kernel = np.where(d < b, (1 - (d / b) ** 2) ** 2, 0.0) * 3 / np.pi / b**2
        scores.append(np.log(kernel.sum(axis=1) + 1e-7).mean())
    assert abs(int(np.argmax(scores)) - steps.index(choice.best)) <= 1


def test_the_score_is_the_mean_log_density_of_the_others_and_of_one_event_anywhere():
    xy = np.array([(0, 0), (30, 0), (30, 0), (0, 40), (200, 200)])
    bandwidth = 100.0
    curve = select_bandwidth(points(xy), bandwidths=[bandwidth]).curve
    hull = points(xy).geometry.union_all().convex_hull.buffer(25).area
    share = 1 - (1 - (25 / bandwidth) ** 2) ** 3  # of the quartic's mass within 25 m

    def near(d):
        return 3 / np.pi / bandwidth**2 * (1 - (d / bandwidth) ** 2) ** 2

    given = [
        2 * near(30) + near(40),
        near(30) + near(50) + share / (np.pi * 25**2),
        near(30) + near(50) + share / (np.pi * 25**2),
        near(40) + 2 * near(50),
        0.0,
    ]
    expected = np.mean(np.log((np.array(given) + 1 / hull) / 5))
    assert curve.loc[bandwidth, "score"] == pytest.approx(expected, rel=1e-9)
    assert curve.loc[bandwidth, "alone"] == pytest.approx(0.2)


def test_events_that_all_come_in_piles_do_not_run_to_the_smallest_bandwidth():
    single = clouds(100, 150)
    piled = gpd.GeoDataFrame(geometry=np.repeat(single.geometry.to_numpy(), 4), crs=CRS)
    choice = select_bandwidth(piled, bandwidths=[1, 5, 10, 20, 50, 100, 200, 400])
    assert choice.best >= 10


def test_with_places_left_out_piles_change_nothing():
    single = clouds(100, 150)
    piled = gpd.GeoDataFrame(geometry=np.repeat(single.geometry.to_numpy(), 4), crs=CRS)
    one = select_bandwidth(single, leave_out="place").curve["score"]
    four = select_bandwidth(piled, leave_out="place").curve["score"]
    assert four.corr(one) > 0.99
    assert select_bandwidth(piled, leave_out="place").best == select_bandwidth(single).best


@pytest.mark.parametrize("method", ["esd", "esc", "simple"])
def test_along_streets_a_bandwidth_is_chosen_too(method):
    streets = grid_town(12, 12)
    random = np.random.default_rng(5)
    row = 100.0 * random.choice([3, 8], 200)  # two busy streets
    events = points(np.column_stack([random.uniform(0, 1100, 200), row]))
    choice = select_bandwidth(events, streets, method=method)
    assert choice.best in choice.curve.index
    assert choice.curve["score"].idxmax() == choice.best
    assert choice.curve["alone"].is_monotonic_decreasing
    assert ("esc" in " ".join(choice.notes)) == (method == "esc")


def test_events_spread_evenly_over_a_street_want_the_widest_kernel():
    streets = row_town(40, 100.0)
    random = np.random.default_rng(6)
    events = points(np.column_stack([random.uniform(0, 4000, 150), np.zeros(150)]))
    choice = select_bandwidth(events, streets)
    assert choice.best >= 650


def test_weights_of_2_are_two_events_each_with_places_left_out():
    single = clouds(100, 100)
    twice = gpd.GeoDataFrame(geometry=np.repeat(single.geometry.to_numpy(), 2), crs=CRS)
    by_weight = select_bandwidth(single, weights=np.full(100, 2.0), leave_out="place")
    by_count = select_bandwidth(twice, leave_out="place")
    assert by_weight.best == by_count.best


def test_events_that_weigh_nothing_do_not_count():
    events, rest = clouds(100, 100), clouds(500, 50, seed=9)
    both = pd.concat([events, rest], ignore_index=True)
    weights = np.append(np.ones(100), np.zeros(50))
    assert select_bandwidth(both, weights=weights).curve.equals(select_bandwidth(events).curve)


def test_the_order_of_the_events_changes_no_bit():
    events = clouds(100, 300)
    weights = np.random.default_rng(7).uniform(0.5, 2, 300)
    mixed = np.random.default_rng(8).permutation(300)
    one = select_bandwidth(events, weights=weights).curve
    two = select_bandwidth(events.iloc[mixed], weights=weights[mixed]).curve
    assert (one["score"] == two["score"]).all()


def test_the_choice_shows_its_curve_and_says_when_the_end_of_the_grid_is_best():
    choice = select_bandwidth(clouds(400), bandwidths=[50, 100])
    assert choice.best == 100
    text = repr(choice)
    assert "100 m" in text
    assert "best is the largest bandwidth tried" in text


def test_events_off_the_streets_are_left_out_and_said():
    streets = row_town(4)
    events = points([(10, 0), (60, 3), (150, -2), (300, 5), (200, 900)])
    assert (
        "1 events farther than 50 m from any street left out"
        in select_bandwidth(events, streets).notes[-1]
    )
    with pytest.raises(SchemaError, match="farther than 5 m"):
        select_bandwidth(points([(0, 90), (50, 90)]), streets, max_snap=5)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"bandwidths": []}, "finite metres above 0"),
        ({"bandwidths": [0, 100]}, "finite metres above 0"),
        ({"bandwidths": [-5]}, "finite metres above 0"),
        ({"bandwidths": [float("nan")]}, "finite metres above 0"),
        ({"bandwidths": "wide"}, "list of metres"),
        ({"kernel": "round"}, "kernel='round'"),
        ({"method": "esp"}, "method='esp'"),
        ({"leave_out": "none"}, "leave_out='none'"),
    ],
)
def test_options_out_of_range_are_refused(options, wanted):
    with pytest.raises(OptionError, match=wanted):
        select_bandwidth(clouds(100), **options)


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_weights_that_are_no_amounts_are_refused(bad):
    with pytest.raises(SchemaError, match="event 3"):
        select_bandwidth(clouds(100, 5), weights=[1, 1, 1, bad, 1])


def test_as_many_weights_as_events_are_wanted():
    with pytest.raises(SchemaError, match="one for each of 5"):
        select_bandwidth(clouds(100, 5), weights=[1, 2])
    with pytest.raises(SchemaError, match="not all numbers"):
        select_bandwidth(clouds(100, 2), weights=["a", "b"])


@pytest.mark.parametrize("streets", [None, row_town(4)])
def test_events_at_one_place_tell_nothing(streets):
    with pytest.raises(SchemaError, match="fewer than two places"):
        select_bandwidth(points([(50, 0)] * 5), streets)
    with pytest.raises(SchemaError, match="fewer than two places"):
        select_bandwidth(points(np.zeros((0, 2))), streets)


def test_degrees_without_streets_are_refused():
    with pytest.raises(CRSError, match="degrees"):
        select_bandwidth(points([(0, 0), (9, 9)]).to_crs(4326))


def test_what_is_no_table_of_points_is_refused():
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame"):
        select_bandwidth(pd.DataFrame({"x": [1.0]}))
    line = gpd.GeoDataFrame(geometry=[LineString([CENTRE, (0, 0)]), Point(*CENTRE)], crs=CRS)
    with pytest.raises(SchemaError, match="not points with a place"):
        select_bandwidth(line)


PORTLAND = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "portland"


@pytest.mark.shared
@pytest.mark.skipif(not PORTLAND.exists(), reason="needs ../shared/data/portland")
def test_what_portlands_august_chooses_expects_septembers_calls_about_best():
    area = box(-122.70, 45.50, -122.65, 45.53)
    streets = read_streets(PORTLAND / "portland-central.osm.pbf", boundary=area)
    calls = pd.read_parquet(PORTLAND / "nij_calls_2016-08_2016-09.parquet")
    calls = calls[calls["CALL_GROUP"] != "NON CRIMINAL/ADMIN"]
    events = check_events(calls, kind="call", tz="America/Los_Angeles", boundary=area).events
    september = events["occurred_from"] >= pd.Timestamp("2016-09-01", tz="America/Los_Angeles")
    bandwidths = [50, 150, 300, 600]
    choice = select_bandwidth(events[~september], streets, bandwidths=bandwidths)
    at = {
        month: snap_events(events[rows], streets).dropna()
        for month, rows in (("august", ~september), ("september", september))
    }
    row = {m: streets.segments.index.get_indexer(p["segment_id"]) for m, p in at.items()}
    n, length = len(row["august"]), streets.length_mm / 1000
    scores = []
    for bandwidth in bandwidths:
        mass = spread_waves(
            streets, row["august"], at["august"]["offset"].to_numpy(), np.zeros(n, np.int64),
            np.ones(n), n_columns=1, bandwidth=float(bandwidth),
        )[:, 0]  # fmt: skip
        density = (mass / length + 1 / length.sum()) / (n + 1)
        scores.append(float(np.log(density[row["september"]]).mean()))
    chosen = scores[bandwidths.index(int(choice.best))]
    assert chosen >= max(scores) - 0.02
    assert max(scores) - min(scores) > 0.2  # the choice mattered
