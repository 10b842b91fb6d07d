"""The map in a real browser without internet: it draws, answers clicks, and runs no text."""

from dataclasses import replace

import folium
import numpy as np
import pandas as pd
import pytest

import patrolmap as pm
from happenings import make_events, make_places
from hostile import HOSTILE, SHOWN, filled, hostile_plan, hostile_town
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.page import asset
from patrolmap.schema import EVENTS, HOTSPOTS, PLACES
from plans import make_plan, node_path
from towns import grid_town, lonlat, row_town

pytestmark = pytest.mark.browser


def at(case, corner):
    lon, lat = lonlat(case.town, corner)
    return lat, lon


def popup(opened):
    box = opened.page.locator(".leaflet-popup-content").last  # the one before fades out
    box.wait_for()
    return box.inner_text()


@pytest.fixture
def full(case, open_map):
    spots = pm.hotspots(case.risk, case.town, coverage=0.1)
    return open_map(pm.explore(case.town, risk=case.risk, hotspots=spots, plan=case.plan))


def test_the_file_asks_for_nothing_but_itself_and_logs_no_error(full):
    full.page.wait_for_timeout(300)
    assert [url.split("/")[-1] for url in full.requests] == ["map.html"]
    assert full.errors == []


def test_an_official_map_says_so_and_a_public_one_does_not(full, case, open_map):
    assert "official use only" in full.page.locator(".pm-official").inner_text().lower()
    for_all = open_map(pm.explore(case.town, audience="public", plan=case.plan))
    assert for_all.page.locator(".pm-official").count() == 0
    assert for_all.page.locator(".pm-open, .pm-slider").count() == 0


def test_clicking_a_route_opens_its_card(full, case):
    full.click_at(*at(case, (150, 100)))
    text = popup(full)
    for word in ("night · crew 2", "Central", "20:00–20:05", "400 m on foot", "Share of risk"):
        assert word in text, text


def test_clicking_a_street_tells_its_risk_rank_and_that_no_crew_passes(full, case):
    full.click_at(*at(case, (50, 400)))
    text = popup(full)
    value = case.risk["h-4-0"]
    rank = int((case.risk > value).sum()) + 1
    assert "h-4-0 street" in text
    assert f"{rank} of 60" in text
    assert f"{float(f'{value:.2g}'):g} expected events" in text
    assert "No crew passes here" in text


def test_a_street_that_several_crews_walk_tells_who_comes_when(full, case):
    full.click_at(*at(case, (250, 200)))
    text = popup(full)
    assert "night · crew 1" in text
    assert "night · crew 3" in text
    assert "20:00, 20:04" in text  # out and back
    assert "20:00: on the way" in text
    full.page.locator(".pm-pass").nth(1).click()
    assert "600 m" not in popup(full)
    assert "400 m on foot" in popup(full)


def test_switching_a_route_off_takes_its_line_and_numbers_away(full, case):
    layers = "let n = 0; map.eachLayer(() => n++); return n;"
    full.map_("map.setZoom(17, {animate: false});")
    before, stops = full.map_(layers), full.page.locator(".pm-stop").count()
    routes = full.page.locator("fieldset", has_text="night · crew 1")
    routes.get_by_role("checkbox", name="night · crew 2").uncheck()
    assert full.map_(layers) < before
    assert full.page.locator(".pm-stop").count() < stops
    routes.get_by_role("checkbox", name="night · crew 2").check()
    assert full.map_(layers) == before


def test_a_groups_heading_switches_all_its_layers(full):
    group = full.page.locator("fieldset", has_text="Risk by street")
    boxes = group.locator("input")
    boxes.nth(0).uncheck()
    assert not any(boxes.nth(i).is_checked() for i in range(boxes.count()))
    boxes.nth(2).check()
    assert boxes.nth(0).evaluate("box => box.indeterminate")


def test_the_panels_card_button_shows_the_legs_with_their_clock(full):
    full.page.get_by_label("Card of night · crew 1").click()
    lines = full.page.locator(".pm-legs li").all_inner_texts()
    assert lines[0].split("\n") == ["20:00h-2-2 street", "100 m"]
    assert any("dwell" in line for line in lines)


def test_while_a_card_is_open_only_its_route_shows_numbers(full):
    full.map_("map.setZoom(17, {animate: false});")
    full.page.get_by_label("Card of night · crew 2").click()
    colours = "() => [...document.querySelectorAll('.pm-stop')].map(e => e.style.cssText)"
    assert len(set(full.page.evaluate(colours))) == 1
    full.page.keyboard.press("Escape")
    full.page.locator(".leaflet-popup").wait_for(state="detached")
    full.map_("map.setZoom(17, {animate: false});")
    assert len(set(full.page.evaluate(colours))) > 1


def test_hovering_a_street_names_it_and_hovering_the_panel_does_not(full, case):
    lat, lon = at(case, (50, 300))
    full.map_(f"map.setView([{lat}, {lon}], 18, {{animate: false}});")
    full.page.mouse.move(600, 400)
    full.page.mouse.move(601, 400)
    tip = full.page.locator(".pm-tip")
    tip.wait_for()
    assert tip.inner_text() == "h-3-0 street"
    full.page.locator(".pm-title").hover()
    tip.wait_for(state="detached")


def test_clicking_a_hot_spot_tells_how_much_risk_it_holds(full):
    full.page.locator(".pm-spot").first.click()
    text = popup(full)
    assert "Hot spot 1" in text
    assert "times its share of length" in text


def test_hostile_text_in_every_column_never_runs_and_shows_as_text(open_map):
    town = hostile_town(grid_town(3, 3))
    risk = pd.Series(1.0, index=town.segments.index)
    risk.attrs = {"unit": HOSTILE}
    plan = hostile_plan(town, [(100, 100), (200, 100), (100, 100)], dwell={HOSTILE: {1: 60.0}})
    spots = filled(pm.hotspots(risk, town, coverage=0.3), HOTSPOTS)
    spots = spots.assign(n_events=3, n_crime=3, n_accident=0, n_juvenile=0, n_call=0)
    spots = spots.assign(peak_share=0.5)
    events = filled(make_events([(30, 100)], ["crime"]), EVENTS)
    places = filled(make_places([(60, 0)], ["bar"], ["a bar"]), PLACES)
    density = pm.planar_kde(events, bandwidth=100)
    density = replace(density, attrs={"unit": HOSTILE})
    options = MapOptions(tiles="https://a.example/{z}/{x}/{y}.png?'\"<b>${x}", tiles_credit=HOSTILE)
    opened = open_map(pm.explore(town, risk=risk, hotspots=spots, plan=plan, events=events,
                                 places=places, density=density, options=options))  # fmt: skip
    shown = opened.page.locator("body").inner_text()
    assert shown.count(SHOWN) >= 4  # shift, units, credit
    said = []
    lon, lat = lonlat(town, (150, 100))
    opened.click_at(lat, lon)
    said.append(popup(opened))
    for box in opened.page.locator(".pm-heading input").all():
        box.set_checked(True)
    for corner in ((30, 100), (60, 0)):
        lon, lat = lonlat(town, corner)
        opened.click_at(lat, lon)
        said.append(popup(opened))
    opened.page.locator(".pm-open").first.click()
    said.append(popup(opened))
    opened.map_("map.closePopup(); map.setZoom(18, {animate: false});")
    for mark in (".pm-depot", ".pm-stop", ".pm-spot"):
        opened.page.locator(mark).first.dispatch_event("click")
        said.append(popup(opened))
    opened.page.get_by_label("Find a street").fill("script")
    said.append(opened.page.locator(".pm-found").inner_text())
    opened.page.mouse.move(500, 400)
    opened.page.wait_for_timeout(200)
    assert [SHOWN in text for text in said] == [True] * len(said)
    assert opened.page.evaluate("window.hacked") is None
    assert opened.errors == []


@pytest.fixture
def crowded(case, open_map):
    draw = np.random.default_rng(3)
    around = [tuple(corner) for corner in draw.uniform(0, 500, (200, 2))]
    kinds = ["crime"] * 150 + ["accident"] * 40 + ["juvenile"] * 10
    events = make_events([*around, (50, 403)], [*kinds, "crime"])
    places = make_places([(250, 250), (250, 350)], ["school", "police"], ["Gymnasium 25", "Post 3"])
    lit = ["no"] * 20 + ["yes"] * 40
    town = type(case.town)(segments=case.town.segments.assign(lit=lit), nodes=case.town.nodes)
    risk = pd.DataFrame({"crime": case.risk * 0.75, "accident": case.risk * 0.25})
    density = pm.planar_kde(events, bandwidth=150)
    return open_map(pm.explore(town, risk=risk, events=events, places=places, density=density))


def test_each_layer_is_seen_when_it_is_switched_on_and_gone_when_off(crowded):
    crowded.map_("map.setZoom(17, {animate: false});")
    group = crowded.page.locator("fieldset")
    heading = ".pm-heading input"
    for name, colour in (
        ("Risk by street", "#7a2406"), ("Recorded events", "#c2185b"), ("Places", "#1d3557"),
        ("Base map", "#cfc9be"),
    ):  # fmt: skip
        box = group.filter(has_text=name).locator(heading)
        box.set_checked(True)
        crowded.page.locator(".pm-head").click()  # fold the panel, which has the colours too
        with_it = crowded.colours()[colour]
        crowded.page.locator(".pm-head").click()
        box.set_checked(False)
        crowded.page.locator(".pm-head").click()
        without = crowded.colours()[colour]
        crowded.page.locator(".pm-head").click()
        assert (with_it > 20, without) == (True, 0), (name, with_it, without)
    crowded.page.get_by_role("checkbox", name="Unlit streets").check()
    assert crowded.colours()["#57534e"] > 20
    crowded.page.get_by_role("checkbox", name="Unlit streets").uncheck()
    density = group.filter(has_text="Density of events")
    before = crowded.colours()
    density.locator(heading).set_checked(True)
    assert crowded.page.locator(".leaflet-image-layer").count() == 1
    assert crowded.colours() != before


def test_events_are_counted_from_far_and_told_one_by_one_from_close_by(crowded, case):
    crowded.page.locator("fieldset", has_text="Recorded events").locator("input").first.check()
    count = "const p = [...document.querySelectorAll('.pm-row')].map(e => e.textContent); return p;"
    rows = crowded.map_(count)
    assert {"Crimes151", "Accidents40", "Juvenile offences10"} <= set(rows)
    crowded.click_at(*at(case, (50, 403)), zoom=18)
    assert "Crime · theft · art. 188-3 · grave" in popup(crowded)
    assert "2026, 01:25" in popup(crowded)  # the 200th minute after 22:05
    assert crowded.errors == []


def test_a_street_tells_its_forecast_by_map_and_what_is_recorded(crowded, case):
    crowded.click_at(*at(case, (20, 500)))
    text = popup(crowded)
    assert "By map\ncrimes 75 %, accidents 25 %" in text
    assert "Recorded\n" in text


def test_searching_finds_streets_and_places_and_goes_there(crowded, case):
    box = crowded.page.get_by_label("Find a street")
    box.fill("h-4")
    found = crowded.page.locator(".pm-found button")
    assert found.first.inner_text().startswith("h-4-")
    assert found.count() == 5
    box.fill("gymna")
    found.first.click()
    assert "School" in popup(crowded)
    lat, lon = crowded.map_("const c = map.getCenter(); return [c.lat, c.lng];")
    assert (lat, lon) == pytest.approx(at(case, (250, 250)), abs=2e-3)
    box.fill("nowhere")
    assert "Nothing of that name" in crowded.page.locator(".pm-found").inner_text()


def test_the_printed_page_has_the_map_and_its_legend_but_no_controls(full):
    seen = "window.seen = document.querySelector('.folium-map').className"
    full.page.evaluate(
        f"() => {{ window.print = () => {{ {seen}; dispatchEvent(new Event('afterprint')); }}; }}"
    )
    full.page.get_by_role("button", name="Print").click()
    full.page.wait_for_timeout(600)
    assert "pm-printing" in full.page.evaluate("window.seen")
    assert full.page.locator(".pm-printing").count() == 0
    full.page.emulate_media(media="print")
    for gone in (".pm-search", ".pm-slider", ".pm-open", ".leaflet-control-zoom"):
        assert not full.page.locator(gone).first.is_visible(), gone
    for there in (".pm-panel", ".pm-official", ".leaflet-control-scale"):
        assert full.page.locator(there).first.is_visible(), there
    full.page.emulate_media(media="screen")


@pytest.mark.parametrize(("lang", "unit"), [("en", "m"), ("ru", "м"), ("kk", "м")])
def test_the_scale_bar_tells_its_units_in_the_readers_language(case, open_map, lang, unit):
    opened = open_map(pm.explore(case.town, lang=lang))
    bar = opened.page.locator(".leaflet-control-scale-line")
    near = bar.inner_text()
    opened.map_("map.setZoom(11, {animate: false});")
    assert (near.split()[1], bar.inner_text().split()[1]) == (unit, f"k{unit}".replace("kм", "км"))


def test_the_slider_walks_the_crews_and_the_clock(full, case):
    slider = full.page.get_by_label("Time of the shift")
    crews, clock = full.page.locator(".pm-crew"), full.page.locator(".pm-slider output")
    assert clock.inner_text() == "Sun 22 Nov, 20:00"
    assert crews.count() == 3
    where = (
        "() => [...document.querySelectorAll('.pm-crew')].map(e => e.parentElement.style.transform)"
    )
    before = full.page.evaluate(where)
    go = "(range, t) => { range.value = t; range.dispatchEvent(new Event('input')); }"
    slider.evaluate(go, 120)
    assert clock.inner_text() == "Sun 22 Nov, 20:02"
    assert before != full.page.evaluate(where)
    slider.evaluate(go, 600)  # by now all are back but the crew that dwells
    assert crews.count() == 1
    assert full.page.locator(".pm-crew.pm-standing").count() == 1
    full.page.get_by_label("Play").click()
    full.page.wait_for_timeout(300)
    assert clock.inner_text() != "Sun 22 Nov, 20:10"
    assert full.errors == []


def test_stops_are_named_and_switched_by_what_is_done_there(full):
    group = full.page.locator("fieldset", has_text="Depots and stops")
    assert group.inner_text().split("\n")[1:] == ["Depots", "1", "Dwell", "1"]
    full.map_("map.setZoom(17, {animate: false});")
    stands = full.page.locator(".pm-stand")
    assert stands.count() == 1
    assert "dwell 12 min" in stands.locator("xpath=..").get_attribute("title")
    group.get_by_role("checkbox", name="Dwell").uncheck()
    assert stands.count() == 0


@pytest.mark.parametrize(
    ("lang", "official", "group"),
    [("ru", "Для служебного пользования", "Маршруты"), ("kk", "Қызмет бабында", "Маршруттар")],
)
def test_the_page_speaks_russian_and_kazakh(case, open_map, lang, official, group):
    opened = open_map(pm.explore(case.town, risk=case.risk, plan=case.plan, lang=lang))
    assert official.lower() in opened.page.locator(".pm-official").inner_text().lower()
    panel = opened.page.locator(".pm-panel").inner_text()
    assert group in panel
    assert "crew" not in panel
    assert opened.page.locator("html").get_attribute("lang") == lang
    assert opened.errors == []


def test_a_public_map_shows_counts_and_offers_nothing_else(case, open_map):
    events = make_events([(240, 240)] * 7 + [(240, 250)] * 30, ["crime"] * 7 + ["juvenile"] * 30)
    opened = open_map(pm.explore(case.town, events=events, audience="public"))
    assert opened.page.locator(".pm-count").all_inner_texts() == ["5"]
    opened.page.locator(".pm-count").click()
    assert "about 5" in popup(opened)
    assert "uvenile" not in opened.page.locator(".leaflet-popup-content").inner_text()
    assert opened.errors == []
    assert len(opened.requests) == 1


def test_tiles_of_the_web_are_asked_for_only_when_switched_on(case, open_map):
    options = MapOptions(tiles="https://tiles.example.org/{z}/{x}/{y}.png", tiles_credit="<b>T")
    opened = open_map(pm.explore(case.town, options=options))
    opened.page.wait_for_timeout(100)
    assert len(opened.requests) == 1
    opened.page.get_by_role("checkbox", name="From the web").check()
    opened.page.wait_for_timeout(100)
    assert len(opened.requests) > 1
    assert {url.split("/")[2] for url in opened.requests[1:]} == {"tiles.example.org"}


def test_layers_of_folium_still_work_on_the_map(case, open_map):
    m = pm.explore(case.town)
    lat, lon = at(case, (0, 0))
    folium.Marker([lat, lon], tooltip="here", popup=folium.Popup("<b>hello</b>")).add_to(m)
    folium.Marker([lat, lon], icon=folium.Icon(color="red", icon="info-sign")).add_to(m)
    folium.GeoJson(case.town.segments[["geometry"]].to_crs(4326), name="mine").add_to(m)
    folium.LayerControl(position="bottomleft").add_to(m)
    opened = open_map(m)
    icons = opened.page.locator("img.leaflet-marker-icon")
    assert icons.count() == 2
    assert icons.first.get_attribute("src").startswith("data:image/png")
    assert icons.first.evaluate("image => image.naturalWidth") > 0
    icons.first.dispatch_event("click")
    assert "hello" in popup(opened)
    assert len(opened.requests) == 1
    assert opened.errors == []


def test_two_explorations_share_one_map(case, open_map):
    m = pm.explore(case.town, risk=case.risk)
    assert pm.explore(case.town, plan=case.plan, m=m) is m
    opened = open_map(m)
    assert opened.page.locator(".pm-panel").count() == 2
    assert opened.page.locator(".leaflet-control-scale").count() == 1
    assert opened.errors == []


def test_a_crew_that_stays_in_its_depot_does_not_break_the_map(open_map):
    town = row_town()
    plan = make_plan(town, {"night 1": node_path(town, [(0, 0), (100, 0)])})
    routes = plan.routes.assign(length=0.0, prize=0.0)
    still = type(plan)(
        routes=routes,
        visits=plan.visits.iloc[:0],
        segments=plan.segments,
        stops=plan.stops,
        unserved=plan.unserved,
        provenance=plan.provenance,
    )
    opened = open_map(pm.explore(town, plan=still))
    opened.page.locator(".pm-open").first.click()
    assert "night · crew 1" in popup(opened)
    assert opened.errors == []


def test_injected_scripts_of_other_layers_are_stopped_by_the_policy(case, open_map):
    m = pm.explore(case.town)
    m.get_root().html.add_child(folium.Element("<script>window.hacked = 1</script>"))
    m.get_root().html.add_child(folium.Element("<img src=x onerror='window.hacked = 2'>"))
    m.get_root().html.add_child(folium.Element("<img src='http://127.0.0.1:9/x.png'>"))
    opened = open_map(m)
    opened.page.wait_for_timeout(200)
    assert opened.page.evaluate("window.hacked") is None
    assert [url.split("/")[-1] for url in opened.served] == ["map.html"]


def test_a_plain_folium_map_draws_the_layers_with_the_leaflet_it_loads(case, chromium, tmp_path):
    mine = folium.Map(tiles=None)
    pm.explore(case.town, risk=case.risk, plan=case.plan, m=mine).save(str(tmp_path / "map.html"))
    page = chromium.new_page()
    errors = []

    def answer(route):
        # Stands in for the web: Leaflet from the package, nothing else.
        body = asset("leaflet/leaflet.js") if route.request.url.endswith("leaflet.js") else ""
        route.fulfill(body=body)

    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("https://**/*", answer)
    page.goto((tmp_path / "map.html").as_uri())
    page.wait_for_selector("[data-patrolmap=ready]", timeout=20_000)
    assert page.locator(".pm-open").count() == 3
    assert errors == []
    page.close()
