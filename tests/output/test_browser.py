"""The map in a real browser without internet: it draws, answers clicks, and runs no text."""

import folium
import pandas as pd
import pytest

import patrolmap as pm
from patrolmap.output._offline import asset
from plans import make_plan, node_path
from towns import grid_town, lonlat, row_town

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
    "</script>${window.hacked=1}`\"'\\{{7*7}}{% raw %}<!--"
)


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


def test_a_map_with_routes_says_that_it_is_for_official_use_only(full, case, open_map):
    assert "official use only" in full.page.locator(".pm-official").inner_text().lower()
    without = open_map(pm.explore(case.town, risk=case.risk))
    assert without.page.locator(".pm-official").count() == 0


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
    town = grid_town(3, 3)
    town = type(town)(
        segments=town.segments.assign(name=HOSTILE, highway=HOSTILE, name_ru=HOSTILE),
        nodes=town.nodes,
    )
    risk = pd.Series(1.0, index=town.segments.index)
    risk.attrs = {"unit": HOSTILE}
    path = node_path(town, [(100, 100), (200, 100), (100, 100)])
    plan = make_plan(
        town,
        {HOSTILE: path},
        shift=HOSTILE,
        depot=HOSTILE,
        reason=HOSTILE,
        dwell={HOSTILE: {1: 60.0}},
    )
    visits = plan.visits.copy()
    visits["place"] = pd.array([HOSTILE] * len(visits), dtype="str")
    routes = plan.routes.assign(service=HOSTILE)
    object.__setattr__(plan, "visits", visits)
    object.__setattr__(plan, "routes", routes)
    spots = pm.hotspots(risk, town, coverage=0.3)
    opened = open_map(pm.explore(town, risk=risk, hotspots=spots, plan=plan))
    lon, lat = lonlat(town, (150, 100))
    opened.click_at(lat, lon)
    assert HOSTILE in popup(opened)
    opened.page.locator(".pm-open").first.click()
    opened.page.locator(".pm-depot").first.click()
    opened.map_("map.setZoom(18, {animate: false});")
    for mark in (".pm-stop", ".pm-spot"):
        opened.page.locator(mark).first.dispatch_event("click")
    opened.page.mouse.move(500, 400)
    opened.page.wait_for_timeout(300)
    assert HOSTILE in opened.page.locator(".pm-panel").inner_text()
    assert opened.page.evaluate("window.hacked") is None
    assert opened.errors == []


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
