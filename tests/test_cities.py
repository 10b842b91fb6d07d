"""The three real cities, planned by the examples: what must hold on any of them."""

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pandas as pd
import pytest
import shapely
from pandas.testing import assert_frame_equal

import patrolmap as pm
from baselines import greedy_one_pass
from shared import DATA, shared_file

pytestmark = pytest.mark.shared

CITIES = {
    "portland": "portland/portland-central.osm.pbf",
    "pittsburgh": "pittsburgh/pittsburgh_osm_edges.parquet",
    "almaty": "almaty/almaty-2012.osm.pbf",
}


@cache
def build(city: str) -> Any:
    """Plan a city's day with as many iterations as a test has time for."""
    shared_file(CITIES[city])
    return importlib.import_module(city).build(DATA, stop=pm.MaxIterations(3000), seed=1)


@pytest.fixture(scope="module", params=CITIES)
def city(request: pytest.FixtureRequest) -> Any:
    return build(request.param)


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return request.node.callspec.params["city"]


def steps(plan: pm.Plan) -> Iterator[tuple[pd.Series, pd.DataFrame]]:
    """Yield each route with its steps in order."""
    for route_id, route in plan.routes.iterrows():
        yield route, plan.visits.loc[route_id].sort_index()


def test_the_checker_finds_nothing(city):
    assert pm.check_plan(city.plan, city.streets).empty


def test_every_crew_has_a_route(city):
    assert len(city.plan.routes) == sum(shift.crews for shift in city.shifts)
    assert (city.plan.routes["length"] > 1000).all()


def test_every_step_starts_where_the_last_one_ended(city):
    segments = city.streets.segments
    for _, walk in steps(city.plan):
        assert (walk["from_node"].to_numpy()[1:] == walk["to_node"].to_numpy()[:-1]).all()
        ends = segments.loc[walk["segment_id"], ["from_node", "to_node"]].to_numpy()
        made = walk[["from_node", "to_node"]].to_numpy()
        assert (np.sort(ends) == np.sort(made)).all()


def test_every_route_leaves_its_depot_and_is_back_in_time(city):
    shifts = {shift.name: shift for shift in city.shifts}
    for route, walk in steps(city.plan):
        shift = shifts[route["shift"]]
        door, metres = city.streets.nearest_node(shift.depot.lon, shift.depot.lat)
        assert metres < 250
        assert walk["from_node"].iloc[0] == walk["to_node"].iloc[-1] == door
        speed = 1.25  # m/s, of foot_day and foot_night alike
        walked = city.streets.segments.loc[walk["segment_id"], "length"].sum()
        assert route["start"] == shift.start
        assert walked / speed <= shift.seconds + 0.01
        assert route["end"] <= shift.end


def test_nobody_walks_along_a_motorway_or_a_trunk_road_without_a_sidewalk(city, name):
    closed = closed_roads(shared_file(CITIES[name])).to_crs(city.streets.crs)
    assert len(closed) > 5
    walked = city.streets.segments.loc[city.plan.visits["segment_id"].unique()]
    assert not walked["highway"].isin(["motorway", "motorway_link"]).any()
    band = closed.buffer(0.5).union_all()
    shapely.prepare(band)
    along = walked[walked.intersects(band)]
    shared = along.intersection(band).length  # a bridge over one shares a metre or two
    assert (shared < np.maximum(5.0, 0.5 * along["length"])).all()


def closed_roads(path: Path) -> gpd.GeoSeries:
    """Read from the raw file the ways that nobody may walk on, by their tags alone."""
    motorways, trunks = ("motorway", "motorway_link"), ("trunk", "trunk_link")
    if path.suffix == ".parquet":  # osmnx kept no tags of sidewalks
        edges = gpd.read_parquet(path)
        return edges.geometry[edges["highway"].isin([*motorways, *trunks])]
    lines = []
    ways = (
        osmium.FileProcessor(path).with_locations().with_filter(osmium.filter.KeyFilter("highway"))
    )
    for way in ways:
        if not way.is_way():
            continue
        tags = {tag.k: tag.v for tag in way.tags}
        sidewalk = any(key.startswith("sidewalk") and value != "no" for key, value in tags.items())
        open_ = sidewalk or "foot" in tags
        if tags["highway"] in motorways or (tags["highway"] in trunks and not open_):
            corners = [(node.lon, node.lat) for node in way.nodes if node.location.valid()]
            if len(corners) > 1:
                lines.append(shapely.LineString(corners))
    return gpd.GeoSeries(lines, crs=4326)


def test_a_plan_collects_more_than_greedy_crews_do(city):
    greedy = greedy_one_pass(city.streets, city.risk_by_start, city.shifts)
    assert city.plan.provenance.prize > 1.02 * greedy.prize
    assert city.plan.provenance.prize <= city.plan.provenance.upper_bound


def test_greedy_crews_keep_the_rules_that_they_are_compared_under(city):
    greedy = greedy_one_pass(city.streets, city.risk_by_start, city.shifts)
    crews = [shift for shift in city.shifts for _ in range(shift.crews)]
    for number, walk in greedy.walks.groupby("crew"):
        shift = crews[number]
        door, _ = city.streets.nearest_node(shift.depot.lon, shift.depot.lat)
        assert (walk["from_node"].to_numpy()[1:] == walk["to_node"].to_numpy()[:-1]).all()
        assert walk["from_node"].iloc[0] == walk["to_node"].iloc[-1] == door
        assert walk["depart"].iloc[-1] - walk["arrive"].iloc[0] <= shift.seconds + 0.01
    assert city.streets.segments.loc[greedy.walks["segment_id"], "walk"].all()
    assert 0 < greedy.prize < city.plan.provenance.upper_bound


def test_risk_adds_up_to_the_events_that_such_hours_have(city, name):
    assert city.risk_by_kind.sum().sum() == pytest.approx(city.risk.sum())
    assert city.risk_by_start.sum().sum() == pytest.approx(city.risk.sum())
    days = {"portland": 61, "pittsburgh": 4018, "almaty": 366}[name]
    out = {(shift.start, shift.end) for shift in city.shifts}
    hours = sum((end - start) / pd.Timedelta("1h") for start, end in out)
    used = city.events[~city.events["police_initiated"]]
    mean = len(used) / days * hours / 24
    if name == "almaty":  # hours known: the crews are out in the busier ones
        assert mean < city.risk.sum() < 1.5 * mean
    else:  # a Saturday, which has more than its seventh; less what no street is near of
        day = used["occurred_from"].dt.normalize()
        saturdays = day[day.dt.day_of_week == 5].value_counts()
        assert city.risk.sum() == pytest.approx(saturdays.mean() * hours / 24, rel=0.06)
        assert city.risk.sum() == pytest.approx(mean, rel=0.2)


def test_hotspots_hold_many_times_their_share(city):
    spots = city.hotspots
    assert spots["length_share"].sum() <= 0.05
    assert spots["risk_share"].sum() > 0.15


def test_portlands_summary_says_that_hours_are_unknown():
    portland = build("portland")
    used = portland.plan.summary()
    assert "the hour is unknown for" in used
    assert "every hour counts alike" in used
    assert (portland.events["time_precision"] == "day").all()
    assert portland.summary().count("outside the boundary") == 3


def test_the_command_writes_everything_and_says_where(tmp_path, monkeypatch, capsys):
    import _common

    out = tmp_path / "almaty"
    monkeypatch.setattr("sys.argv", ["almaty.py", "--data", str(DATA), "--out", str(out)])
    _common.main(lambda data, stop, seed: build("almaty"), city="almaty")
    said = capsys.readouterr().out
    for name in ("map.html", "cards.pdf", "tracks", "plan.gpkg", "summary.txt"):
        assert (out / name).exists()
        assert str(out / name) in said
    assert "invented events" in said
    assert len(list((out / "tracks").glob("*.gpx"))) == 12
    assert pm.check_plan(pm.Plan.read(out / "plan.gpkg")).empty


def test_the_same_city_seed_and_iterations_give_the_same_plan_again():
    first, again = build("almaty"), build.__wrapped__("almaty")
    assert first.streets == again.streets
    assert_frame_equal(first.events, again.events)
    assert_frame_equal(first.risk_by_start, again.risk_by_start)
    for table in ("routes", "visits", "segments", "stops", "unserved"):
        assert_frame_equal(getattr(first.plan, table), getattr(again.plan, table))
