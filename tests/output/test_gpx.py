"""Tracks: every vertex with its time, waypoints at depot and legs, names that are safe."""

import re
import xml.etree.ElementTree as ET

import gpxpy
import numpy as np
import pandas as pd
import pytest

import patrolmap as pm
from patrolmap._crs import lonlat_to
from patrolmap.errors import OptionError
from plans import START, make_plan, node_path
from towns import CENTRE, grid_town, star_town, town


def read(file):
    return gpxpy.parse(file.read_text("utf-8"))


def test_each_route_is_a_file_named_after_it(case, tmp_path):
    files = pm.write_gpx(case.plan, tmp_path / "tracks")
    assert [f.name for f in files] == ["night-1.gpx", "night-2.gpx", "night-3.gpx"]
    assert sorted(f.name for f in (tmp_path / "tracks").iterdir()) == [f.name for f in files]


def test_a_track_follows_every_vertex_of_the_route_in_time(case, tmp_path):
    for file, (route_id, row) in zip(
        pm.write_gpx(case.plan, tmp_path), case.plan.routes.iterrows(), strict=True
    ):
        points = read(file).tracks[0].segments[0].points
        xy = np.column_stack(
            lonlat_to(case.town.crs, [p.longitude for p in points], [p.latitude for p in points])
        )
        walked = np.hypot(*np.diff(xy, axis=0).T).sum()
        assert walked == pytest.approx(row["length"], rel=1e-3), route_id
        times = [pd.Timestamp(p.time) for p in points]
        assert times == sorted(times)
        assert times[0] == row["start"]
        assert times[-1] == row["end"]


def test_a_bent_street_gets_times_by_distance(tmp_path):
    bent = town({"bow": [(0, 0), (25, 0), (100, 0)]})
    plan = make_plan(bent, {"r": node_path(bent, [(0, 0), (100, 0)])})
    points = read(pm.write_gpx(plan, tmp_path)[0]).tracks[0].segments[0].points
    seconds = [(pd.Timestamp(p.time) - START).total_seconds() for p in points]
    assert seconds == [0, 20, 80]


def test_waypoints_stand_at_the_depot_and_where_legs_start(case, tmp_path):
    document = read(pm.write_gpx(case.plan, tmp_path)[0])
    depot, *legs = document.waypoints
    assert (depot.name, depot.type) == ("Central", "depot")
    assert legs[0].name == "01 20:00 h-2-2 street"
    assert any(leg.description == "dwell" for leg in legs)
    assert [leg.name[:2] for leg in legs] == [f"{i:02d}" for i in range(1, len(legs) + 1)]
    (x,), (y,) = lonlat_to(case.town.crs, [depot.longitude], [depot.latitude])
    assert (x - CENTRE[0], y - CENTRE[1]) == pytest.approx((200, 200), abs=0.2)


def test_the_file_says_that_it_is_for_official_use_only(case, tmp_path):
    document = read(pm.write_gpx(case.plan, tmp_path)[0])
    assert "FOR OFFICIAL USE ONLY" in document.description
    assert document.keywords == "for official use only"
    assert document.creator == "patrolmap"


def test_equal_plans_make_equal_files(case, tmp_path):
    one = [f.read_bytes() for f in pm.write_gpx(case.plan, tmp_path / "a")]
    assert [f.read_bytes() for f in pm.write_gpx(case.plan, tmp_path / "b")] == one


def test_elements_stand_in_the_order_that_gpx_1_1_demands(case, tmp_path):
    root = ET.fromstring(pm.write_gpx(case.plan, tmp_path)[0].read_text("utf-8"))
    space = "{http://www.topografix.com/GPX/1/1}"
    assert root.get("version") == "1.1"
    order = [child.tag.removeprefix(space) for child in root]
    assert order == sorted(order, key=["metadata", "wpt", "rte", "trk"].index)
    for when in root.iter(f"{space}time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", when.text)
    wanted = ["time", "name", "cmt", "desc", "sym", "type"]
    for point in root.iter(f"{space}wpt"):
        tags = [child.tag.removeprefix(space) for child in point]
        assert tags == sorted(tags, key=wanted.index)


def test_hostile_names_stay_text_and_stay_in_the_folder(tmp_path):
    bad = "../../etc/<passwd>&\x00\x0b\ufffe]]>"
    place = star_town()
    place = type(place)(segments=place.segments.assign(name=bad), nodes=place.nodes)
    way = node_path(place, [(0, 0), (200, 0)])
    routes = dict.fromkeys((bad, "../../etc/<PASSWD>", "..", "CON"), way)
    plan = make_plan(place, routes, shift=bad, depot=bad)
    files = pm.write_gpx(plan, tmp_path)
    assert {f.parent for f in files} == {tmp_path}
    names = [f.name for f in files]
    assert names == ["etc-passwd.gpx", "etc-PASSWD-2.gpx", "route.gpx", "CON-route.gpx"]
    document = read(files[0])
    assert document.tracks[0].name == "../../etc/<passwd>& ]]> · crew 1"


def test_a_file_in_place_of_the_folder_is_refused(case, tmp_path):
    (tmp_path / "tracks").write_text("")
    with pytest.raises(OptionError, match="is a file; wanted a folder"):
        pm.write_gpx(case.plan, tmp_path / "tracks")


def test_a_crew_that_stays_in_its_depot_has_an_empty_track(tmp_path):
    place = grid_town(2, 2)
    plan = make_plan(place, {"r": [1, 2]})
    still = type(plan)(
        routes=plan.routes,
        visits=plan.visits.iloc[:0],
        segments=plan.segments,
        stops=plan.stops,
        unserved=plan.unserved,
        provenance=plan.provenance,
    )
    document = read(pm.write_gpx(still, tmp_path)[0])
    assert document.get_points_data() == []
    assert [w.name for w in document.waypoints] == ["Depot"]
