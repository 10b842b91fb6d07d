"""The picture for papers: the map's layers, words and rules by matplotlib."""

import io
import re
from importlib import resources

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from matplotlib import colors as mcolors
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image
from shapely.geometry import box

import patrolmap as pm
from happenings import make_events, make_places
from patrolmap.errors import NetworkMismatchError, OptionError
from patrolmap.output import _style
from patrolmap.output._words import word_table
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.page import asset
from patrolmap.output.maps.payload import Shown, official_payload
from patrolmap.patrol.styles import CREW_COLOURS, GROUND_COLOURS, RISK_RAMP
from plans import make_plan, node_path
from towns import CENTRE, grid_town


@pytest.fixture
def ax():
    return Figure(figsize=(7, 5), dpi=100, layout="constrained").subplots()


def png(ax):
    out = io.BytesIO()
    ax.figure.savefig(out, format="png", dpi=100, metadata={"Software": None})
    return out.getvalue()


def share_of(ax, colour, box=None):
    """Share of the picture's pixels, or of a box in metres from the centre, in one colour."""
    picture = np.asarray(Image.open(io.BytesIO(png(ax))).convert("RGB")).astype(int)
    if box is not None:
        corners = ax.transData.transform(np.reshape(box, (2, 2)) + CENTRE)
        (x0, y0), (x1, y1) = np.rint(corners).astype(int)
        picture = picture[len(picture) - y1 : len(picture) - y0, x0:x1]
    near = np.abs(picture - np.array(mcolors.to_rgb(colour)) * 255).max(axis=2) <= 3
    return near.mean()


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def said(ax):
    return [text.get_text() for text in ax.texts] + [ax.get_title(loc="left")]


def test_the_axes_given_are_drawn_on_and_returned(case, ax):
    assert pm.plot(case.town, risk=case.risk, plan=case.plan, ax=ax) is ax
    assert ax.get_aspect() == 1
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    routes = case.plan.routes.total_bounds
    assert x0 < routes[0] < routes[2] < x1
    assert y0 < routes[1] < routes[3] < y1
    with pytest.raises(OptionError, match="ax is a Figure; wanted matplotlib axes"):
        pm.plot(case.town, ax=Figure())


def test_without_axes_a_figure_of_the_towns_shape_is_made(case):
    ax = pm.plot(grid_town(12, 4))
    width, height = ax.figure.get_size_inches()
    assert plt.fignum_exists(ax.figure.number)
    assert width > 1.4 * height
    with_legend, without = pm.plot(case.town, risk=case.risk), pm.plot(case.town)
    widths = [one.figure.get_size_inches()[0] for one in (with_legend, without)]
    assert widths[0] > widths[1] + 2
    boxes = [one.get_window_extent().bounds[2:] for one in (with_legend, without)]
    assert boxes[0] == pytest.approx(boxes[1], rel=1e-6)
    for one in (ax, with_legend, without):
        plt.close(one.figure)


def test_what_the_first_figure_sets_for_a_notebook_stays_set(case, monkeypatch):
    figure = plt.figure

    def first(*args, **kwargs):  # as the backend of notebooks does
        plt.rcParams["interactive"] = True
        return figure(*args, **kwargs)

    monkeypatch.setattr(plt, "figure", first)
    with plt.rc_context({"interactive": False}):
        ax = pm.plot(case.town)
        assert plt.isinteractive()
    plt.close(ax.figure)


def test_each_layer_shows_its_colours_where_it_lies(case, ax):
    town = case.town
    risk = pd.Series(0.0, index=town.segments.index)
    risk["h-5-0"] = 5.0  # at the upper left
    way = [(x, 0) for x in range(0, 600, 100)] + [(500, y) for y in range(100, 600, 100)]
    plan = make_plan(town, {"night 1": node_path(town, way)})
    events = make_events([(250.0 + k, 250.0) for k in range(30)], ["crime"] * 30)
    places = make_places([(400, 450)], ["police"], ["Post"])
    pm.plot(town, risk=risk, plan=plan, events=events, places=places, ax=ax)
    upper_left, lower = [(-20, 470), (120, 530)], [(0, -20), (500, 20)]
    crime = _style.KIND_COLOURS["crime"]
    assert share_of(ax, RISK_RAMP[-1], upper_left) > 0.05
    assert share_of(ax, RISK_RAMP[-1], lower) == 0
    assert share_of(ax, CREW_COLOURS[0], lower) > 0.04
    assert share_of(ax, CREW_COLOURS[0], upper_left) == 0
    assert share_of(ax, crime, [(240, 240), (290, 260)]) > 0.02
    assert share_of(ax, crime, upper_left) == 0
    assert share_of(ax, _style.PLACE_COLOURS["police"], [(390, 440), (410, 460)]) > 0.02
    roads = share_of(ax, _style.ROADS[2][1], [(0, 0), (500, 500)])
    assert 0 < roads < 0.3  # thin, so most of their pixels are mixed


def test_parks_and_water_lie_under_the_streets_with_their_islands_left_out(case, ax):
    (x, y), town = CENTRE, case.town
    lake = box(x + 110, y + 110, x + 190, y + 190).difference(
        box(x + 140, y + 140, x + 160, y + 160)
    )
    kinds = pd.array(["water"], dtype="str")
    grounds = gpd.GeoDataFrame({"kind": kinds}, geometry=[lake], crs=town.crs)
    pm.plot(type(town)(segments=town.segments, nodes=town.nodes, grounds=grounds), ax=ax)
    water = GROUND_COLOURS["water"]
    assert share_of(ax, water, [(115, 115), (135, 185)]) > 0.9
    assert share_of(ax, _style.PAPER, [(145, 145), (155, 155)]) > 0.9
    assert share_of(ax, water, [(300, 300), (400, 400)]) == 0


def test_density_and_hot_spots_lie_under_the_streets_they_colour(case):
    spots = pm.hotspots(case.risk, case.town, coverage=0.1)
    events = make_events([(250.0, 250.0)] * 40, ["crime"] * 40)
    density = pm.planar_kde(events, bandwidth=80, cell_size=20)
    figure = Figure(figsize=(7, 5), dpi=100)
    ax = pm.plot(case.town, hotspots=spots, density=density, ax=figure.subplots())
    above, below = (np.array(mcolors.to_rgb(c)) for c in (_style.DENSITY_RAMP[-1], _style.PAPER))
    blend = 0.7 * above + 0.3 * below
    assert share_of(ax, blend, [(230, 230), (270, 270)]) > 0.2
    assert share_of(ax, blend, [(0, 400), (100, 500)]) == 0
    assert f"{len(spots)} hot spot" in " ".join(words(ax))
    assert "H1" in said(ax)


def test_the_legend_says_units_and_the_classes_of_the_map(case, ax):
    pm.plot(case.town, risk=case.risk, ax=ax)
    rows = official_payload(case.town, Shown(risk=case.risk))["risk"]["legend"]
    head, *classes = [text for text in words(ax) if text]
    assert head == "Risk by street"
    assert classes[0].startswith("Expected events per km")
    assert len(classes) - classes.index(next(c for c in classes if "more" in c)) == len(rows)
    assert f"{rows[-1]['low']:g} or more" in classes


def test_scale_north_credit_and_official_use_are_said(case, ax):
    town = type(case.town)(segments=case.town.segments, nodes=case.town.nodes,
                           attribution="© somebody")  # fmt: skip
    pm.plot(town, ax=ax)
    text = said(ax)
    assert {"N", "© somebody", "For official use only"} <= set(text)
    assert any(re.fullmatch(r"\d+ m", each) for each in text)
    public = pm.plot(town, audience="public", ax=Figure().subplots())
    assert "For official use only" not in said(public)
    assert "© somebody" in said(public)


@pytest.mark.parametrize(
    ("lang", "routes", "official"),
    [("ru", "Маршруты", "Для служебного пользования"), ("kk", "Маршруттар", "Қызмет бабында")],
)
def test_the_picture_speaks_russian_and_kazakh(case, ax, lang, routes, official):
    events = make_events([(10, 10)], ["juvenile"])
    pm.plot(case.town, risk=case.risk, plan=case.plan, events=events, lang=lang, ax=ax)
    assert routes in words(ax)
    assert official in " ".join(said(ax))
    assert not re.search(r"[a-z]{4,}", " ".join(words(ax)).replace("night", ""))


def test_every_text_of_the_picture_has_a_translation():
    files = resources.files("patrolmap.output.figure").iterdir()
    code = "".join(file.read_text("utf-8") for file in files if file.name.endswith(".py"))
    said = set(re.findall(r'say(?:\.count)?\(\s*"([^"]+)"', code))
    said |= {"Density of events", "Hot spots", "Places", "Streets"}  # titles, from a table
    assert len(said) > 15
    for lang in ("kk", "ru"):
        known = word_table(lang, "map").keys() | word_table(lang, "cards").keys()
        assert not {text for text in said if not any(text in one for one in known)}


def test_routes_are_numbered_as_in_the_legend_and_stands_have_a_mark(case, ax):
    pm.plot(case.town, plan=case.plan, ax=ax)
    assert {"1", "2", "3", "Central"} <= set(said(ax))
    assert "2. night · crew 2, 400 m" in words(ax)
    assert "Dwell, 1" in words(ax)
    assert "3 crews" in ax.get_title(loc="left")


def test_a_long_shift_name_is_cut_but_crew_and_length_stay(case, ax):
    way = node_path(case.town, [(0, 0), (100, 0)])
    pm.plot(case.town, plan=make_plan(case.town, {"r": way}, shift="Long name " * 20), ax=ax)
    (row,) = [text for text in words(ax) if text.startswith("1. ")]
    assert row.endswith("… · crew 1, 100 m")


def test_text_from_records_is_text_and_no_formula(case, ax):
    bad = "$x_1^2$ \\frac{ ${a}"
    town = type(case.town)(segments=case.town.segments.assign(name=bad), nodes=case.town.nodes,
                           attribution=bad)  # fmt: skip
    way = node_path(town, [(0, 0), (100, 0)])
    pm.plot(town, plan=make_plan(town, {"r": way}, depot=bad, shift=bad), ax=ax)
    assert said(ax).count(bad) >= 2
    assert png(ax)


def public(town, **layers):
    return png(pm.plot(town, audience="public", ax=Figure(figsize=(5, 4)).subplots(), **layers))


def test_a_public_picture_shows_counts_and_no_byte_follows_anything_else(case):
    middle = (CENTRE[0] // 500 + 1) * 500 - CENTRE[0] - 250
    town = grid_town(8, 8, block=200.0)
    spots = [(middle + k, middle + 10) for k in range(-15, 15)]
    counted = make_events(spots, ["crime"] * 30)
    plain = public(town, events=counted)
    moved = make_events([(x + 30, y - 40) for x, y in spots], ["crime"] * 30, article="7")
    more = make_events([*spots, *spots], ["crime"] * 30 + ["juvenile"] * 30)
    risk = pd.Series(1.0, index=town.segments.index)
    plan = make_plan(town, {"r": node_path(town, [(0, 0), (200, 0)])})
    assert public(town, events=moved) == plain
    assert public(town, events=more) == plain
    assert public(town, events=counted, risk=risk, plan=plan, places="never read") == plain
    assert public(town, events=make_events(spots * 2, ["crime"] * 60)) != plain
    few = pm.plot(town, audience="public", events=make_events(spots[:4], ["crime"] * 4),
                  options=MapOptions(minimum=5), ax=Figure().subplots())  # fmt: skip
    assert "5" not in said(few)


def test_what_belongs_to_other_streets_is_refused(case, ax):
    other = grid_town(3, 3)
    with pytest.raises(NetworkMismatchError):
        pm.plot(other, plan=case.plan, ax=ax)
    with pytest.raises(NetworkMismatchError):
        pm.plot(other, risk=case.risk, ax=ax)
    with pytest.raises(OptionError, match="density is a str"):
        pm.plot(other, density="x", ax=ax)
    with pytest.raises(OptionError, match=r"lang='de'"):
        pm.plot(other, lang="de", ax=ax)


def test_inputs_are_not_changed(case, ax):
    before = case.town.segments.copy(), case.plan.visits.copy(), case.risk.copy()
    pm.plot(case.town, risk=case.risk, plan=case.plan, ax=ax)
    pd.testing.assert_frame_equal(pd.DataFrame(case.town.segments), pd.DataFrame(before[0]))
    pd.testing.assert_frame_equal(case.plan.visits, before[1])
    pd.testing.assert_series_equal(case.risk, before[2])


def test_the_colours_are_those_of_the_map():
    script = "".join(map(asset, ("streets.js", "legend.js")))
    lines = [*(road[1] for road in _style.ROADS), _style.PARK_PATH[0], _style.TUBE, _style.CARD]
    areas = [*GROUND_COLOURS.values(), *_style.PLACE_COLOURS.values(), _style.OTHER_PLACE]
    colours = [*lines, *areas]
    assert [colour for colour in colours if colour not in script] == []
    assert _style.PAPER in asset("patrolmap.css")
    for kind, colour in _style.PLACE_COLOURS.items():
        assert f'{kind}: "{colour}"' in script


def test_a_crowded_picture_keeps_its_letters_as_letters_in_a_pdf(case, ax, tmp_path):
    pm.plot(case.town, risk=case.risk, plan=case.plan, ax=ax)
    ax.figure.savefig(tmp_path / "map.pdf")
    assert (tmp_path / "map.pdf").read_bytes().startswith(b"%PDF")
