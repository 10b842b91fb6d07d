"""What goes into the map, without a browser: checks, classes, packing, one whole file."""

import base64
import io
import re
from dataclasses import replace

import folium
import numpy as np
import pandas as pd
import pytest
import shapely
from folium.plugins import MarkerCluster
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import patrolmap as pm
from happenings import make_events, make_places
from pages import decode, ints, page_of, payload_of, points, values_of
from patrolmap._crs import lonlat_to, to_lonlat
from patrolmap.errors import NetworkMismatchError, OptionError, SchemaError
from patrolmap.output._style import DENSITY_RAMP, crew_colours, lanes
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.packing import pack_lines
from patrolmap.output.maps.payload import Shown, official_payload
from patrolmap.output.maps.risk import classes
from patrolmap.patrol.styles import CREW_COLOURS, RISK_RAMP
from plans import make_plan, node_path
from towns import CRS, grid_town, lonlat, loop_town, star_town, town


def build_payload(town, risk, hotspots, plan, **more):
    return official_payload(town, Shown(risk=risk, hotspots=hotspots, plan=plan, **more))


# ---- the file ----


def test_a_new_map_is_a_folium_map_and_equal_input_makes_an_equal_file(case):
    first = pm.explore(case.town, risk=case.risk, plan=case.plan)
    again = pm.explore(case.town, risk=case.risk, plan=case.plan)
    assert isinstance(first, folium.Map)
    assert page_of(first) == page_of(again) == page_of(first)


def test_the_page_refers_to_nothing_outside_itself(case):
    page = page_of(pm.explore(case.town, risk=case.risk, plan=case.plan))
    assert not re.search(r"<(script|img|iframe)[^>]+src=", page)
    assert re.findall(r"<link[^>]*>", page) == ['<link rel="icon" href="data:,">']
    assert "url(images" not in page
    assert "sourceMappingURL" not in page
    assert len(page) < 300_000  # Leaflet and the town, no other library
    policy = re.search(r'Security-Policy" content="([^"]+)"', page)[1]
    assert "default-src 'none'" in policy
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    scripts = re.findall(r"<script([^>]*)>", page)
    assert len(scripts) >= 5
    assert all(f'nonce="{nonce}"' in attributes for attributes in scripts)


def test_saving_replaces_the_file_in_one_step_and_leaves_nothing_beside_it(case, tmp_path):
    file = tmp_path / "new" / "map.html"
    m = pm.explore(case.town)
    m.save(file)
    assert file.read_text("utf-8") == page_of(m)
    folium.plugins.MarkerCluster().add_to(m)
    with pytest.raises(OptionError):
        m.save(str(file))
    assert file.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert [f.name for f in file.parent.iterdir()] == ["map.html"]


def test_a_map_can_be_written_to_an_open_file(case):
    out = io.BytesIO()
    m = pm.explore(case.town)
    m.save(out, close_file=False)
    assert out.getvalue().decode() == page_of(m)


def test_saving_to_a_folder_is_refused(case, tmp_path):
    with pytest.raises(OptionError, match="is a folder"):
        pm.explore(case.town).save(tmp_path)


def test_a_notebook_shows_the_same_whole_page(case):
    m = pm.explore(case.town)
    html = m._repr_html_()
    assert html.count("<iframe") == 1
    assert "Content-Security-Policy" in html
    assert "cdn." not in html


def test_a_layer_that_would_load_a_script_from_elsewhere_is_named(case):
    m = pm.explore(case.town)
    MarkerCluster().add_to(m)
    with pytest.raises(OptionError, match=r"markercluster.*folium\.Map\(\)"):
        page_of(m)


def test_a_map_of_your_own_is_drawn_on_and_returned(case):
    mine = folium.Map(location=[43.25, 76.93], tiles=None)
    assert pm.explore(case.town, risk=case.risk, m=mine) is mine
    page = mine.get_root().render()
    assert "patrolmap.show(" in page
    assert "cdn.jsdelivr.net/npm/leaflet" in page  # its own way of loading stays
    assert not isinstance(mine, type(pm.explore(case.town)))


def test_something_that_is_no_map_is_refused(case):
    with pytest.raises(OptionError, match="m is a str; wanted a folium"):
        pm.explore(case.town, m="map.html")


def test_text_of_records_cannot_leave_its_place_in_the_page():
    bad = "</script><script>alert(1)</script>{{ 7 * 7 }}\u2028{% for x in y %}"
    town = star_town()
    town = type(town)(segments=town.segments.assign(name=bad), nodes=town.nodes)
    for m in (pm.explore(town), pm.explore(town, m=folium.Map(tiles=None))):
        page = page_of(m)
        assert "alert(1)</script>" not in page
        assert "49" not in payload_of(m)["names"][0]
        assert payload_of(m)["names"][0].startswith("</script><script>alert(1)</script>{{ 7 * 7 }}")


# ---- packing ----


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.lists(
            st.tuples(st.floats(-40_000, 40_000), st.floats(-40_000, 40_000)),
            min_size=2,
            max_size=6,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_packed_lines_come_back_to_the_tenth_of_a_metre(lines):
    shapes = np.array(
        [shapely.LineString([(656_000 + x, 4_790_000 + y) for x, y in line]) for line in lines]
    )
    back = decode(pack_lines(shapes, CRS))
    assert len(back) == len(shapes)
    for line, shape in zip(back, shapes, strict=True):
        xy = shapely.get_coordinates(shape)
        lon, lat = to_lonlat(CRS, xy[:, 0], xy[:, 1])
        assert np.abs(line - np.column_stack([lat, lon])).max() <= 0.51e-6


def test_streets_travel_with_name_class_length_and_lighting():
    town = loop_town()
    town = type(town)(
        segments=town.segments.assign(lit=["yes", "no", "unknown", "no"]), nodes=town.nodes
    )
    data = build_payload(town, None, None, None)
    streets = data["streets"]
    assert [data["names"][i - 1] for i in ints(streets["name"])] == town.segments["name"].tolist()
    assert streets["lit"] == "ynun"
    assert ints(streets["length"]) == [1000, 1562, 800, 2242]
    assert data["risk"] is None
    assert data["plan"] is None


# ---- risk ----


def test_a_nameless_carriageway_is_shown_by_the_name_of_its_street():
    streets = {"south": [(0, 0), (100, 0)], "north": [(0, 20), (100, 20)]}
    avenue = town(streets, name={"south": "Abay", "north": None}, street_id="south")
    data = build_payload(avenue, None, None, None)
    assert [data["names"][i - 1] for i in ints(data["streets"]["name"])] == ["Abay", "Abay"]


def test_risk_classes_part_where_the_riskiest_shares_of_the_length_begin():
    per_km = np.arange(1.0, 101.0)
    code, legend = classes(per_km, np.ones(100), np.ones(100, dtype=bool), RISK_RAMP)
    assert [row["share"] for row in legend] == [0.5, 0.25, 0.15, 0.05, 0.04, 0.01]
    assert [row["colour"] for row in legend] == list(RISK_RAMP)
    for k, row in enumerate(legend):
        mine = per_km[code == k]
        assert mine.min() >= row["low"]
        assert row["high"] is None or mine.max() < row["high"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_every_counted_street_is_drawn_in_the_class_that_the_legend_says(values):
    per_km = np.array(values)
    counted = per_km > 0
    code, legend = classes(per_km, np.ones(len(values)), counted, RISK_RAMP)
    assert ((code >= 0) == counted).all()
    assert len(legend) <= 6
    for value, k in zip(per_km[counted], code[counted], strict=True):
        row = legend[k]
        assert row["low"] <= value
        assert row["high"] is None or value < row["high"]
    if counted.any():
        assert sum(row["share"] for row in legend) == pytest.approx(1, abs=1e-3)


def test_equal_risk_everywhere_makes_one_class():
    _, legend = classes(np.full(5, 2.0), np.ones(5), np.ones(5, dtype=bool), RISK_RAMP)
    assert len(legend) == 1
    assert legend[0]["high"] is None


def test_streets_outside_the_boundary_carry_no_risk_class(case):
    inside = pd.Series(True, index=case.town.segments.index)
    inside.iloc[:10] = False
    town = type(case.town)(segments=case.town.segments.assign(inside=inside), nodes=case.town.nodes)
    risk = case.risk.rename(None)
    risk.attrs = {}
    data = build_payload(town, risk, None, None)["risk"]
    assert set(data["class"][:10]) == {"9"}
    assert "9" not in data["class"][10:]


def test_a_table_by_time_bins_is_drawn_as_its_sum(case):
    halves = pd.DataFrame({"early": case.risk / 2, "late": case.risk / 2})
    halves.attrs = case.risk.attrs
    whole = build_payload(case.town, case.risk, None, None)["risk"]
    assert build_payload(case.town, halves, None, None)["risk"] == whole


def test_the_legend_names_unit_and_window(case):
    data = build_payload(case.town, case.risk, None, None)["risk"]
    assert data["unit"] == "events"
    assert data["window"] == "Sun 22 Nov 2026, 20:00–02:00"
    harm = case.risk.copy()
    harm.attrs = {"unit": "harm-days"}
    assert build_payload(case.town, harm, None, None)["risk"]["unit"] == "harm-days"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda r: r.where(r.index != r.index[3]), SchemaError, "negative, missing or infinite"),
        (lambda r: -r, SchemaError, "negative, missing or infinite on 60 segments"),
        (lambda r: r.astype(str), SchemaError, "wanted numbers"),
        (lambda r: pd.concat([r, r.iloc[:1]]), SchemaError, "more than once"),
        (lambda r: r.to_numpy(), SchemaError, "wanted a Series by segment_id"),
        (lambda r: r.rename({r.index[0]: "elsewhere"}), NetworkMismatchError, "elsewhere"),
    ],
)
def test_risk_that_cannot_be_drawn_is_refused_and_named(case, change, error, words):
    bad = change(case.risk.copy())
    with pytest.raises(error, match=words):
        pm.explore(case.town, risk=bad)


@pytest.mark.parametrize(
    "hours",
    [
        {"start": "soon", "end": "later"},
        {"start": pd.NaT, "end": pd.NaT},
        {"start": "2026-11-22 20:00", "end": "2026-11-23 02:00+05:00"},
        {"windows": [1]},
        {"windows": 7},
    ],
)
def test_hours_of_risk_that_are_none_are_refused_and_named(case, hours):
    bad = case.risk.copy()
    bad.attrs = hours
    for draw in (pm.explore, pm.plot):
        with pytest.raises(OptionError, match="wanted pairs of moments in time"):
            draw(case.town, risk=bad)


def test_risk_of_another_network_is_refused(case):
    with pytest.raises(NetworkMismatchError, match="another street network"):
        pm.explore(grid_town(5, 5), risk=case.risk)


# ---- hot spots and plans ----


def test_hotspots_travel_with_their_figures_and_a_label_on_their_streets(case):
    spots = pm.hotspots(case.risk, case.town, coverage=0.1)
    data = build_payload(case.town, None, spots, None)["hotspots"]
    assert [spot["number"] for spot in data] == spots.index.tolist()
    for spot, row in zip(data, spots.itertuples(), strict=True):
        assert spot["riskShare"] == pytest.approx(row.risk_share, abs=1e-4)
        ids = case.town.segments.index[spot["segments"]]
        assert ids.tolist() == list(row.segment_ids)
        lon, lat = spot["at"][::-1]
        x, y = project(lon, lat)
        assert row.geometry.distance(shapely.Point(x, y)) < 0.2


def test_what_events_tell_of_a_hotspot_travels_with_it(case):
    spots = pm.hotspots(case.risk, case.town, coverage=0.1)
    plain = build_payload(case.town, None, spots, None)["hotspots"][0]
    assert "events" not in plain
    told = {
        "n_events": 7, "n_crime": 5, "n_accident": 0, "n_juvenile": 0, "n_call": 2,
        "peak_hours": "22:00-02:00", "peak_share": 0.5, "trend": 1.2345, "trend_p": 0.0421,
        "p_value": 0.005,
    }  # fmt: skip
    whole = {name: "Int64" for name in told if name.startswith("n_")}
    spots = spots.assign(**told).astype(whole)
    full = build_payload(case.town, None, spots, None)["hotspots"][0]
    assert {k: v for k, v in full.items() if k not in plain} == {
        "events": 7, "kinds": {"crime": 5, "call": 2}, "peak": "22:00-02:00", "peakShare": 0.5,
        "trend": 1.23, "trendChance": 0.042, "chance": 0.005,
    }  # fmt: skip


def project(lon, lat):
    (x,), (y,) = lonlat_to(CRS, [lon], [lat])
    return x, y


def test_hotspots_of_another_network_are_refused(case):
    other = grid_town(3, 3, block=50.0)
    spots = pm.hotspots(pd.Series(1.0, index=other.segments.index), other)
    with pytest.raises(NetworkMismatchError, match="find them on these streets"):
        pm.explore(case.town, hotspots=spots)


def test_a_plan_of_another_network_is_refused(case):
    with pytest.raises(NetworkMismatchError, match="on the streets it was planned on"):
        pm.explore(grid_town(6, 6, block=90.0), plan=case.plan)


def test_routes_travel_with_steps_times_and_legs(case):
    data = build_payload(case.town, None, None, case.plan)
    route = data["plan"]["routes"][0]
    steps = case.plan.visits.loc["night 1"].query("activity == 'walk'")
    ids = case.town.segments.index[route["segments"]]
    assert ids.tolist() == steps["segment_id"].tolist()
    assert route["forward"] == "".join("+" if f else "-" for f in steps["forward"])
    assert route["times"][0] == 20 * 60
    assert route["legs"]["activity"].count("dwell") == 1
    assert route["legs"]["major"][0] == 1
    assert data["plan"]["window"].startswith("Sun 22 Nov 2026, 20:00")


def test_clocks_are_those_of_the_plan_and_wrap_at_midnight():
    town = star_town()
    late = pd.Timestamp("2026-11-22 23:59+05:00")
    plan = make_plan(town, {"r": node_path(town, [(0, 0), (200, 0), (0, 0)])}, start=late)
    route = build_payload(town, None, None, plan)["plan"]["routes"][0]
    assert route["times"] == [23 * 60 + 59, 1]


def test_the_input_is_left_as_it_was(case):
    before = case.risk.copy(), case.town.segments.copy(), case.plan.visits.copy()
    pm.explore(case.town, risk=case.risk, plan=case.plan)
    pd.testing.assert_series_equal(case.risk, before[0])
    pd.testing.assert_frame_equal(case.town.segments, before[1])
    pd.testing.assert_frame_equal(case.plan.visits, before[2])


def test_crews_that_share_a_street_are_drawn_beside_each_other():
    shared = {"a": {"s", "t"}, "b": {"t", "u"}, "c": {"u"}, "d": {"x"}}
    found = lanes(shared)
    for one, mine in shared.items():
        for other, theirs in shared.items():
            assert one == other or not (mine & theirs) or found[one] != found[other]
    assert found["d"] == 0


def test_the_ninth_crew_has_the_first_colour_as_a_double_line():
    colours = crew_colours(pd.Index([f"r{i}" for i in range(9)]))
    assert colours["r8"] == (CREW_COLOURS[0], True)
    assert len(set(colours.values())) == 9


# ---- events, places, density ----


def test_events_travel_with_place_traits_and_clock(case):
    corners = [(50, 403), (0, 0), (499, 250)]
    events = make_events(corners, ["crime", "accident", "juvenile"], time_precision="hour")
    data = build_payload(case.town, None, None, None, events=events)["events"]
    found = points(data["points"])
    kinds = [data["types"][k][0] for k in ints(data["type"])]
    for corner, kind, minute in zip(corners, events["kind"], (1325, 1326, 1327), strict=True):
        at = kinds.index(kind)
        lon, lat = lonlat(case.town, corner)
        assert found[at] == pytest.approx((lat, lon), abs=2e-6)
        assert ints(data["clock"])[at] == minute + 1
    assert data["base"] == "2026-03-01"
    assert data["types"][ints(data["type"])[0]][1:] == ["theft", "188-3", "grave", "hour"]


def test_events_without_time_or_place_do_not_stop_the_map(case):
    events = make_events([(50, 403), (0, 0)], ["crime", "crime"])
    events.loc["e-0", ["occurred_from", "occurred_to"]] = pd.NaT
    events.loc["e-1", "geometry"] = shapely.Point()
    data = build_payload(case.town, None, None, None, events=events)["events"]
    assert ints(data["clock"]) == [0]
    assert data["period"] == ""
    nothing = build_payload(case.town, None, None, None, events=events.iloc[:0])["events"]
    assert nothing["points"] == nothing["type"] == ""


def test_what_is_recorded_on_a_street_is_what_lies_within_50_m_of_it(case):
    corners = [(50, 403), (60, 395), (50, 2000)]
    events = make_events(corners, ["crime", "crime", "accident"])
    data = build_payload(case.town, None, None, None, events=events)["events"]["recorded"]
    rows = np.cumsum(ints(data["crime"]["steps"])).tolist()
    assert case.town.segments.index[rows].tolist() == ["h-4-0"]
    assert ints(data["crime"]["counts"]) == [2]
    assert "accident" not in data


def test_a_table_that_is_no_events_is_refused(case):
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame as read_events"):
        pm.explore(case.town, events=[1, 2])
    with pytest.raises(SchemaError):
        pm.explore(case.town, events=case.town.segments)


def test_risk_by_map_tells_each_maps_share(case):
    table = pd.DataFrame({"crime": case.risk * 0.6, "accident": case.risk * 0.4})
    data = build_payload(case.town, table, None, None)["risk"]
    assert set(data["kinds"]) == {"crime", "accident"}
    assert values_of(data["kinds"]["crime"], "u1") == pytest.approx(153, abs=1)
    assert values_of(data["value"], "<f4") == pytest.approx(case.risk.to_numpy(), rel=1e-6)
    alone = build_payload(case.town, case.risk, None, None)["risk"]
    assert alone["kinds"] == {}


def test_a_plan_that_knows_risk_by_map_lends_it_to_the_map(case):
    segments = case.plan.segments
    more = {"risk_crime": segments["risk"] * 0.25, "risk_accident": segments["risk"] * 0.75}
    plan = replace(case.plan, segments=segments.assign(**more))
    data = build_payload(case.town, case.risk, None, plan)["risk"]
    assert values_of(data["kinds"]["accident"], "u1") == pytest.approx(191, abs=1)


def test_places_travel_with_their_kind_and_name_in_the_readers_language(case):
    places = make_places([(0, 0), (100, 0)], ["school", "police"], ["Gymnasium 25", None])
    places.loc["node/0", "name_kk"] = "25 гимназия"
    told = {}
    for lang in ("en", "kk"):
        payload = official_payload(case.town, Shown(places=places), lang)
        data = payload["places"]
        told[lang] = [payload["names"][i - 1] if i else None for i in ints(data["name"])]
    assert told == {"en": ["Gymnasium 25", None], "kk": ["25 гимназия", None]}
    assert [data["kinds"][k] for k in ints(data["kind"])] == ["school", "police"]


def test_a_density_lies_where_its_raster_lies(case):
    values = np.zeros((20, 30))
    values[4, 7] = 3.0
    west, north = 656_000.0, 4_790_400.0
    raster = pm.Raster(values=values, transform=(20, 0, west, 0, -20, north), crs=case.town.crs,
                       attrs={"unit": "events per m²"})  # fmt: skip
    data = build_payload(case.town, None, None, None, density=raster)["density"]
    head, _, body = data["image"].partition(",")
    assert head == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(body))).convert("RGBA")
    pixels = np.asarray(picture)[:, :, 3] > 0
    rows, columns = np.nonzero(pixels)
    (south, left), (top, right) = data["corners"]
    lon = left + (columns.mean() + 0.5) / picture.width * (right - left)
    lat = top - (rows.mean() + 0.5) / picture.height * (top - south)
    x, y = project(lon, lat)
    assert (x - west, north - y) == pytest.approx((150, 90), abs=15)
    assert data["unit"] == "events per km²"
    assert data["legend"][-1]["colour"] == DENSITY_RAMP[-1]
    with pytest.raises(OptionError, match="wanted a Raster"):
        pm.explore(case.town, density=values)


def test_an_address_of_the_web_is_in_the_file_only_where_tiles_are_asked_for(case):
    assert (
        "https:" not in re.search(r'Policy" content="([^"]+)"', page_of(pm.explore(case.town)))[1]
    )
    options = MapOptions(tiles="https://tiles.example.org/{z}/{x}/{y}.png")
    page = page_of(pm.explore(case.town, options=options))
    policy = re.search(r'Security-Policy" content="([^"]+)"', page)[1]
    assert "img-src data: blob: https://tiles.example.org;" in policy
    for bad in ("http://a/{z}{x}{y}", "https://a b/{z}/{x}/{y}", "https://a;script-src *//{z}{x}",
                "https://tiles.example.org/pic.png", "file:///{z}/{x}/{y}"):  # fmt: skip
        with pytest.raises(OptionError, match="wanted an address"):
            MapOptions(tiles=bad)


# ---- the slider ----


def test_steps_follow_each_other_in_time_from_start_to_end(case):
    plan = build_payload(case.town, None, None, case.plan)["plan"]
    assert plan["clock"] == {"day": "2026-11-22", "seconds": 1120, "changes": [[0, 72000]]}
    for route in plan["routes"]:
        moves = route["moves"]
        assert moves["from"][0] == 0
        assert moves["from"][1:] == moves["to"][:-1]
        walks = [k for k in moves["walk"] if k >= 0]
        assert walks == list(range(len(route["segments"])))
    assert "dwell" in plan["routes"][0]["moves"]["activity"]


def test_the_clock_of_a_night_in_which_clocks_change_knows_both_times():
    town = star_town()
    late = pd.Timestamp("2026-10-25 00:50", tz="UTC").tz_convert("Europe/Berlin")
    path = node_path(town, [(0, 0), (200, 0), (0, 0)])
    plan = make_plan(town, {"r": path}, start=late, dwell={"r": {1: 1800.0}})
    clock = build_payload(town, None, None, plan)["plan"]["clock"]
    assert clock["changes"][0] == [0, (2 * 60 + 50) * 60]
    run, wall = clock["changes"][1]
    assert wall - run == (2 * 60 + 50) * 60 - 3600


def test_legs_name_streets_in_the_readers_language(case):
    rows = case.plan.segments
    plan = replace(case.plan, segments=rows.assign(name_kk="Абай " + rows["name"].str[:5]))
    payload = official_payload(case.town, Shown(plan=plan), "kk")
    places = payload["plan"]["routes"][0]["legs"]["place"]
    assert payload["names"][places[0] - 1] == "Абай h-2-2"
