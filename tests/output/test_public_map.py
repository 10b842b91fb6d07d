"""The map that anyone may see: counts in cells and nothing else, tested by changing the rest."""

import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import patrolmap as pm
from pages import ints, page_of, points
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.payload import open_payload
from plans import make_plan, node_path
from towns import CENTRE, grid_town

TOWN = grid_town(8, 8, block=200.0)
SPOT = ((CENTRE[0] // 500) * 500 + 250, (CENTRE[1] // 500) * 500 + 250)  # the middle of a cell


def make_events(counts, *, seed=1, spread=200.0):
    """Make events around cell middles: (kind, cells east, cells north) -> how many."""
    draw = np.random.default_rng(seed)
    rows = [key for key, n in counts.items() for _ in range(n)]
    n = len(rows)
    when = pd.DatetimeIndex(["2026-03-01 12:34"] * n, tz="Asia/Almaty") + pd.to_timedelta(
        draw.integers(0, 200_000, n), unit="min"
    )
    table = pd.DataFrame(
        {
            "kind": [kind for kind, _, _ in rows], "category": "theft", "article": "188-3",
            "severity": "grave", "harm": 7.0, "occurred_from": when, "occurred_to": when,
            "time_precision": "minute", "place": "042", "police_initiated": False,
        },
        index=pd.Index([f"secret-{i}" for i in range(n)], name="event_id", dtype="str"),
    )  # fmt: skip
    text = ["kind", "category", "article", "severity", "time_precision", "place"]
    table = table.astype(dict.fromkeys(text, "str"))
    x = [SPOT[0] + 500 * east + draw.uniform(-spread, spread) for _, east, _ in rows]
    y = [SPOT[1] + 500 * north + draw.uniform(-spread, spread) for _, _, north in rows]
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=TOWN.crs)


COUNTS = {("crime", 0, 0): 12, ("crime", 1, 0): 4, ("accident", 0, 0): 5, ("accident", 1, 1): 8}


@pytest.fixture(scope="module")
def public():
    return page_of(pm.explore(TOWN, events=make_events(COUNTS), audience="public"))


def plan_over(corners):
    return make_plan(TOWN, {"night 1": node_path(TOWN, corners)})


def test_routes_risk_places_and_density_change_no_byte_of_it(public):
    events = make_events(COUNTS)
    spread = pm.planar_kde(events, bandwidth=200)
    for k, corners in enumerate(([(0, 0), (200, 0)], [(0, 0), (0, 200), (0, 0)])):
        risk = pd.Series(1.0 + k, index=TOWN.segments.index)
        risk.iloc[0] = 9.0
        m = pm.explore(
            TOWN, events=events, audience="public", plan=plan_over(corners), risk=risk,
            hotspots=pm.hotspots(risk, TOWN, coverage=0.2), density=spread,
        )  # fmt: skip
        assert page_of(m) == public


def test_juvenile_events_change_no_byte_of_it(public):
    more = {**COUNTS, ("juvenile", 0, 0): 30, ("juvenile", 3, 3): 9, ("juvenile", 1, 0): 1}
    assert page_of(pm.explore(TOWN, events=make_events(more), audience="public")) == public
    assert "uvenile" not in json.dumps(open_payload(TOWN, make_events(more)))


def test_positions_times_and_traits_within_a_cell_change_no_byte_of_it(public):
    moved = make_events(COUNTS, seed=7, spread=240.0)
    moved["category"] = pd.array(["robbery"] * len(moved), dtype="str")
    moved["article"] = moved["article"].str.replace("188", "191")
    moved = moved.sample(frac=1, random_state=1).set_axis([f"other-{i}" for i in range(len(moved))])
    moved.index.name = "event_id"
    assert page_of(pm.explore(TOWN, events=moved, audience="public")) == public


def test_a_count_within_the_same_rounding_changes_no_byte_of_it(public):
    near = {**COUNTS, ("crime", 0, 0): 11, ("crime", 1, 0): 0, ("accident", 0, 0): 7}
    assert page_of(pm.explore(TOWN, events=make_events(near), audience="public")) == public
    far = {**COUNTS, ("crime", 0, 0): 13}
    assert page_of(pm.explore(TOWN, events=make_events(far), audience="public")) != public


def test_no_attribute_of_a_single_event_is_in_the_file(public):
    data = re.search(r'type="application/json"[^>]*>(.*?)</script>', public, re.S)[1]
    for secret in ("secret-", "188", "grave", "theft", "042", "2026", "12:34", "minute"):
        assert secret not in data, secret
    assert '"plan"' not in data
    assert '"events"' not in data


def test_cells_hold_rounded_counts_none_below_the_minimum():
    cells = open_payload(TOWN, make_events(COUNTS))["cells"]
    assert {kind: ints(packed) for kind, packed in cells["counts"].items()} == {
        "crime": [10, 0], "accident": [5, 10],
    }  # fmt: skip
    assert len(points(cells["corners"])) == 8
    rough = MapOptions(cell_size=2000, minimum=20, rounding=1)
    one = open_payload(TOWN, make_events({("crime", 0, 0): 19}), options=rough)["cells"]
    assert one["counts"] == {}
    assert one["corners"] == ""


def test_the_edges_of_cells_do_not_follow_the_events():
    one = open_payload(TOWN, make_events({("crime", 0, 0): 9}))["cells"]["corners"]
    two = open_payload(TOWN, make_events({("crime", 0, 0): 9, ("crime", -3, -2): 4}))["cells"]
    assert two["corners"] == one


def test_lighting_of_streets_is_not_in_it(public):
    dark = type(TOWN)(segments=TOWN.segments.assign(lit="no"), nodes=TOWN.nodes)
    assert page_of(pm.explore(dark, events=make_events(COUNTS), audience="public")) == public


def test_what_is_not_known_here_is_refused():
    with pytest.raises(pm.errors.OptionError, match=r"audience='press'; wanted one of"):
        pm.explore(TOWN, audience="press")
    with pytest.raises(pm.errors.OptionError, match=r"lang='de'; wanted one of"):
        pm.explore(TOWN, lang="de")
    with pytest.raises(pm.errors.OptionError, match="options is a dict"):
        pm.explore(TOWN, options={"minimum": 1})
    # One event, or those of one house, are nobody's business.
    for bad in ({"cell_size": 50}, {"minimum": 1}, {"minimum": 2}, {"rounding": 2.5},
                {"rounding": 0}, {"cell_size": True}):  # fmt: skip
        with pytest.raises(pm.errors.OptionError, match="wanted"):
            MapOptions(**bad)
