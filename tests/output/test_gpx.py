"""Tracks: every vertex with its time, waypoints at depot and legs, names that are safe."""

import re
import xml.etree.ElementTree as ET

import geopandas as gpd
import gpxpy
import numpy as np
import pandas as pd
import pytest

import patrolmap as pm
from hostile import HOSTILE, SHOWN, hostile_plan, hostile_town
from patrolmap._crs import lonlat_to
from patrolmap.errors import OptionError
from patrolmap.output.cards.content import told_in
from patrolmap.output.cards.wording import Words
from plans import START, make_plan, node_path
from towns import CENTRE, grid_town, star_town, town

WALK = [(0, 0), (100, 0), (100, 100), (200, 100), (200, 0), (100, 0)]


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
    assert [(leg.name[9:14], leg.description) for leg in legs if leg.type == "dwell"] == [
        ("dwell", "12 min")
    ]
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


# What GPX 1.1 lets stand in an element, in this order; * marks what may stand more than once. The
# published gpx.xsd states no licence, so it is not kept here: this is its table in our own words.
GPX_1_1 = {
    "gpx": "metadata wpt* rte* trk* extensions",
    "metadata": "name desc author copyright link* time keywords bounds extensions",
    "wpt": "ele time magvar geoidheight name cmt desc src link* sym type fix sat hdop vdop pdop "
    "ageofdgpsdata dgpsid extensions",
    "trk": "name cmt desc src link* number type extensions trkseg*",
    "trkseg": "trkpt* extensions",
}
GPX_1_1["trkpt"] = GPX_1_1["wpt"]
ATTRIBUTES = {"gpx": {"version", "creator"}, "wpt": {"lat", "lon"}, "trkpt": {"lat", "lon"}}
SPACE = "{http://www.topografix.com/GPX/1/1}"


def faults(element):
    """Say where an element breaks GPX 1.1: the rules of its schema, in our own words."""
    name = element.tag.removeprefix(SPACE)
    if not element.tag.startswith(SPACE):
        return [f"{element.tag} is of another namespace"]
    given = {key for key in element.attrib if not key.startswith("{")}
    out = [] if given == ATTRIBUTES.get(name, set()) else [f"{name} has attributes {given}"]
    if name in ("wpt", "trkpt"):
        lat, lon = element.get("lat"), element.get("lon")
        out += [f"{text} in {name}" for text in (lat, lon) if not re.fullmatch(r"-?[\d.]+", text)]
        lat, lon = float(lat), float(lon)
        out += [] if -90 <= lat <= 90 and -180 <= lon < 180 else [f"{name} at {lat}, {lon}"]
    allowed = GPX_1_1.get(name, "").split()
    order = [word.rstrip("*") for word in allowed]
    tags = [child.tag.removeprefix(SPACE) for child in element]
    out += [f"{tag} in {name}" for tag in tags if tag not in order]
    known = [tag for tag in tags if tag in order]
    out += [] if known == sorted(known, key=order.index) else [f"{name} holds {tags}"]
    once = {word for word in allowed if not word.endswith("*")}
    out += [f"{tag} twice in {name}" for tag in once if tags.count(tag) > 1]
    if name == "time" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", element.text):
        out.append(f"time {element.text}")
    if allowed and (element.text or "").strip():
        out.append(f"text in {name}")
    return out + [fault for child in element for fault in faults(child)]


@pytest.mark.parametrize("lang", ["en", "kk", "ru"])
def test_the_file_is_gpx_1_1_element_by_element(case, tmp_path, lang):
    for file in pm.write_gpx(case.plan, tmp_path, lang=lang):
        root = ET.fromstring(file.read_text("utf-8"))
        assert root.tag == f"{SPACE}gpx"
        assert root.get("version") == "1.1"
        assert faults(root) == []
    root[1].append(root[1][0])
    root[-1].set("lat", "1")
    assert len(faults(root)) >= 2


def test_gdal_and_so_qgis_reads_tracks_and_waypoints(case, tmp_path):
    (file, *_) = pm.write_gpx(case.plan, tmp_path, lang="kk")
    tracks = gpd.read_file(file, layer="tracks")
    points = gpd.read_file(file, layer="track_points")
    assert tracks["name"].tolist() == ["night · 1-наряд"]
    assert points["time"].is_monotonic_increasing
    assert points["time"].iloc[0] == START
    walked = tracks.to_crs(case.town.crs).length.sum()
    assert walked == pytest.approx(case.plan.routes["length"].iloc[0], rel=1e-3)
    assert len(gpd.read_file(file, layer="waypoints")) == len(read(file).waypoints)


def test_waypoints_number_and_speak_as_the_card_does(tmp_path):
    place = grid_town(6, 6)
    plan = make_plan(place, {"r": node_path(place, [*WALK, *WALK[2:] * 30])}, dwell={"r": {3: 60}})
    for lang in ("en", "ru"):
        (card,) = told_in(plan, Words(lang)).cards
        _, *lines = read(pm.write_gpx(plan, tmp_path, lang=lang)[0]).waypoints
        assert [w.name.split()[1] for w in lines] == [f"{r.arrive:%H:%M}" for r in card.layout.rows]
    assert sum("стоянка" in w.name for w in lines) == 1
    with pytest.raises(OptionError, match="lang='xx'"):
        pm.write_gpx(plan, tmp_path, lang="xx")


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


def test_hostile_text_in_every_column_is_text_of_the_track(tmp_path):
    town = hostile_town(grid_town(2, 2))
    plan = hostile_plan(town, [(0, 0), (100, 0), (100, 100)], dwell={HOSTILE: {1: 600.0}})
    (file,) = pm.write_gpx(plan, tmp_path)
    document = read(file)
    assert document.name == f"{SHOWN} · crew 1"
    assert SHOWN in document.description
    assert [SHOWN in point.name for point in document.waypoints] == [True] * 4
    assert "\u202e" not in file.read_text("utf-8")


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
