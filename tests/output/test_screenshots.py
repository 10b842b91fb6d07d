"""What a screen shows of each main layer, compared with where the layer lies: place by place."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from shapely.geometry import box

import patrolmap as pm
from happenings import make_events, make_places
from patrolmap._crs import to_lonlat
from patrolmap.output import _style
from patrolmap.output.maps.payload import Shown, official_payload, open_payload
from patrolmap.patrol.styles import CREW_COLOURS, GROUND_COLOURS
from plans import make_plan, node_path
from towns import CENTRE, grid_town

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def town():
    return grid_town(6, 6)


SWITCH = """(shown) => document.querySelectorAll("fieldset.pm-group").forEach((group) => {
  const name = group.querySelector(".pm-heading").textContent.trim();
  group.querySelectorAll(".pm-row:not(.pm-heading) input").forEach((input) => {
    const row = input.closest(".pm-row").textContent.trim(), names = row.startsWith("Street names");
    const on = !names && (shown.includes(name) || shown.some((one) => row.startsWith(one)));
    if (input.checked !== on) { input.click(); }
  });
})"""


def look(opened, town, *shown, zoom=17, middle=(250, 250)):
    """Switch on these groups or rows only, without names, and look at the town."""
    opened.page.evaluate(SWITCH, list(shown))
    opened.page.evaluate("document.querySelectorAll('.pm-panel').forEach(e => e.remove())")
    ((lon, lat),) = degrees(town, [middle])
    opened.map_(f"map.setView([{lat}, {lon}], {zoom}, {{animate: false}});")


def degrees(town, corners):
    """Corners in metres from the town's centre as longitudes and latitudes."""
    x, y = (np.array(corners, dtype=float) + CENTRE).T
    return np.column_stack(to_lonlat(town.crs, x, y))


def middles(town, east=0.0, north=0.0, *, share=0.5):
    """Places in the middle of each segment, or at another share of it, or metres beside it."""
    at = town.segments.geometry.interpolate(share, normalized=True)
    return degrees(town, np.column_stack([at.x + east, at.y + north]) - CENTRE)


def colours_at(opened, places):
    """Colours of the screen at places, of those that nothing of the page covers."""
    picture, at = opened.picture(), opened.pixels_of(places)
    rows, columns = picture.shape[:2]
    seen = (at[:, 0] >= 0) & (at[:, 0] < columns) & (at[:, 1] >= 0) & (at[:, 1] < rows)
    out = np.full((len(at), 3), -1)
    out[seen] = picture[at[seen, 1], at[seen, 0]]
    return out


def alike(colours, wanted, away=12):
    """Which of some colours are another, or one each of others."""
    targets = np.array([to_rgb(w) for w in ([wanted] if isinstance(wanted, str) else wanted)]) * 255
    return np.abs(colours - targets).max(axis=1) <= away


def test_each_street_has_the_colour_of_its_class_of_risk(case, town, open_map):
    opened = open_map(pm.explore(town, risk=case.risk))
    look(opened, town, "Risk by street")
    risk = official_payload(town, Shown(risk=case.risk))["risk"]
    wanted = [risk["legend"][int(code)]["colour"] for code in risk["class"]]
    assert len(set(wanted)) >= 5
    assert alike(colours_at(opened, middles(town)), wanted).mean() > 0.9
    assert alike(colours_at(opened, middles(town, 30, 30)), _style.PAPER, 3).mean() > 0.9


def test_streets_are_grey_without_risk_and_paper_without_streets(town, open_map):
    opened = open_map(pm.explore(town))
    look(opened, town, "All streets")
    assert alike(colours_at(opened, middles(town)), _style.ROADS[2][1]).mean() > 0.9
    opened = open_map(pm.explore(town))
    look(opened, town)
    assert alike(colours_at(opened, middles(town)), _style.PAPER, 3).mean() > 0.9


def test_parks_and_water_lie_under_the_streets_with_their_islands_left_out(town, open_map):
    x, y = CENTRE
    lake = box(x + 110, y + 110, x + 190, y + 190).difference(
        box(x + 140, y + 140, x + 160, y + 160)
    )
    park = box(x + 210, y + 210, x + 390, y + 290)
    kinds = pd.array(["water", "park"], dtype="str")
    grounds = gpd.GeoDataFrame({"kind": kinds}, geometry=[lake, park], crs=town.crs)
    green = type(town)(segments=town.segments, nodes=town.nodes, grounds=grounds)
    for audience in ("official", "public"):
        opened = open_map(pm.explore(green, audience=audience))
        look(opened, town, "Parks and water", "All streets")
        seen = colours_at(opened, degrees(town, [(125, 125), (150, 150), (250, 250), (300, 250)]))
        water, land = GROUND_COLOURS["water"], GROUND_COLOURS["park"]
        assert alike(seen, [water, _style.PAPER, land, _style.ROADS[2][1]], 6).all()
        opened = open_map(pm.explore(green, audience=audience))
        look(opened, town, "All streets")
        bare = colours_at(opened, degrees(town, [(125, 125), (250, 250)]))
        assert alike(bare, _style.PAPER, 3).all()


def test_hot_spots_are_tubes_round_their_streets(case, town, open_map):
    spots = pm.hotspots(case.risk, town, coverage=0.1)
    opened = open_map(pm.explore(town, hotspots=spots))
    look(opened, town, "Hot spots")
    ids = {i for ids in spots["segment_ids"] for i in ids}
    hot = town.segments.index.isin(ids)
    inside = alike(colours_at(opened, middles(town, share=0.25)), _style.CARD, 3)
    assert inside[hot].mean() > 0.8  # badges stand in the middle
    assert inside[~hot].mean() < 0.05


def test_routes_run_to_the_right_of_their_streets_in_their_crews_colours(town, open_map):
    east = [(x, 300) for x in range(100, 500, 100)]
    plan = make_plan(town, {"night 1": node_path(town, east)})
    opened = open_map(pm.explore(town, plan=plan))
    look(opened, town, "Routes", zoom=18)
    along = np.arange(120, 380, 3.0)
    seen = {}
    for side in (-1, 1):  # south is the right of a walk to the east
        strips = [[(x, 300 + side * away) for x in along] for away in (1.0, 2.0, 3.0, 4.0, 5.0)]
        hits = [alike(colours_at(opened, degrees(town, s)), CREW_COLOURS[0]) for s in strips]
        seen[side] = np.any(hits, axis=0).mean()
    assert seen[-1] > 0.6  # numbers cover some
    assert seen[1] < 0.3
    assert not alike(colours_at(opened, middles(town, 50, 50)), CREW_COLOURS[0]).any()


def test_events_and_places_are_dots_where_they_are(town, open_map):
    spots = [(x, y) for x in range(130, 400, 60) for y in range(130, 400, 60)]
    kinds = ["crime", "accident", "juvenile"]
    kind = [kinds[k % 3] for k in range(len(spots))]
    wanted = [_style.KIND_COLOURS[k] for k in kind]
    m = pm.explore(town, events=make_events(spots, kind))
    opened = open_map(m)
    look(opened, town, "Recorded events", zoom=18)
    assert alike(colours_at(opened, degrees(town, spots)), wanted, 40).mean() > 0.9
    opened = open_map(m)
    look(opened, town, zoom=18)
    assert not alike(colours_at(opened, degrees(town, spots)), wanted, 40).any()
    corners = [(160, 160), (340, 340)]
    places = make_places(corners, ["police", "school"], [None, None])
    opened = open_map(pm.explore(town, places=places))
    look(opened, town, "Places", zoom=18)
    both = [_style.PLACE_COLOURS["police"], _style.PLACE_COLOURS["school"]]
    assert alike(colours_at(opened, degrees(town, corners)), both, 30).all()


def test_density_is_darkest_where_events_lie_and_clear_far_away(town, open_map):
    events = make_events([(250.0, 250.0)] * 50, ["crime"] * 50)
    density = pm.planar_kde(events, bandwidth=120, cell_size=20)
    opened = open_map(pm.explore(town, density=density))
    look(opened, town, "Density")
    ring = degrees(town, [(250 + r, 255) for r in (0, 60, 100, 200)])
    middle, near, hem, far = colours_at(opened, ring).sum(axis=1)
    assert middle < near < hem < far
    assert alike(colours_at(opened, ring[3:]), _style.PAPER, 3).all()


def test_the_public_map_shades_its_cells(town, open_map):
    x, y = ((c // 500 + 1) * 500 - c for c in CENTRE)  # a corner of a cell
    spots = [(x + 40 + k, y + 40 + k) for k in range(60)]
    events = make_events(spots, ["crime"] * 60)
    opened = open_map(pm.explore(town, events=events, audience="public"))
    look(opened, town, "Crimes", zoom=15, middle=(x, y))
    legend = open_payload(town, events)["cells"]["legend"]
    colour = [row["colour"] for row in legend if row["low"] <= 60][-1]
    above, below = np.array(to_rgb(colour)), np.array(to_rgb(_style.PAPER))
    blend = 0.72 * above + 0.28 * below
    within = degrees(town, [(x + 20 + 11 * k, y + 430) for k in range(40)])
    beyond = degrees(town, [(x - 20 - 11 * k, y + 430) for k in range(20)])
    assert alike(colours_at(opened, within), [blend], 14).mean() > 0.7
    assert not alike(colours_at(opened, beyond), [blend], 14).any()


def test_unlit_streets_are_dotted_and_lit_ones_not(town, open_map):
    lit = np.where(np.arange(len(town.segments)) % 3 == 0, "no", "yes")
    segments = town.segments.assign(lit=pd.array(lit, dtype="str"))
    opened = open_map(pm.explore(type(town)(segments=segments, nodes=town.nodes)))
    look(opened, town, "Unlit streets")
    for state, lowest, highest in (("no", 0.1, 0.8), ("yes", 0.0, 0.01)):
        lines = town.segments.geometry[lit == state]
        at = [line.interpolate(k) for line in lines for k in np.arange(20, 80, 1.0)]
        corners = [(p.x - CENTRE[0], p.y - CENTRE[1]) for p in at]
        share = alike(colours_at(opened, degrees(town, corners)), "#57534e", 40).mean()
        assert lowest <= share <= highest, (state, share)
