"""Route cards: every crew, every leg, printable letters, the same bytes again."""

import base64
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

import patrolmap as pm
from hostile import HOSTILE, SHOWN, hostile_plan, hostile_town
from patrolmap.errors import OptionError, SchemaError
from patrolmap.output._cardmap import CardMap, arrows, beside, nice
from patrolmap.output._legs import legs
from patrolmap.output._named import named_in
from patrolmap.output._page import book, measure, printable, shorten
from patrolmap.output._words import word_table
from patrolmap.output.cards.content import told_in
from patrolmap.output.cards.drawing import route_map
from patrolmap.output.cards.layout import SETTINGS
from patrolmap.output.cards.looks import _PLURALS
from patrolmap.output.cards.rows import Row, fitted, squeezed, text_of
from patrolmap.output.cards.summary import summary_pages
from patrolmap.output.cards.wording import TURNS, Words
from patrolmap.schema import ACTIVITIES, GROUND_KINDS
from patrolmap.schema.words import CATEGORIES
from plans import make_plan, node_path
from towns import CENTRE, grid_town, row_town

pymupdf = pytest.importorskip("pymupdf", reason="reading PDFs needs pymupdf")


def read(file):
    with pymupdf.open(file) as document:
        return [page.get_text() for page in document], document.metadata


def winding_plan(town, steps, **options):
    """A walk that turns at nearly every corner."""
    random = np.random.default_rng(3)
    here, corners = (0, 0), [(0, 0)]
    while len(corners) < steps:
        ways = [(1, 0), (0, 1), (-1, 0), (0, -1)]
        dx, dy = ways[random.integers(4)]
        there = (here[0] + dx, here[1] + dy)
        if all(0 <= v < 6 for v in there):
            here = there
            corners.append((here[0] * 100, here[1] * 100))
    return make_plan(town, {"night 1": node_path(town, corners)}, **options)


def with_activities(plan, activities):
    """Give the stands of a plan, in order, other activities."""
    visits = plan.visits.copy()
    stands = visits.index[visits["segment_id"].isna()]
    visits["activity"] = visits["activity"].astype("object")
    for key, activity in zip(stands, activities, strict=True):
        visits.loc[key, "activity"] = activity
    return replace(plan, visits=visits.astype({"activity": "str"}))


def events_at(places, town, hours, category="theft", kind="crime"):
    """Events at given places, one at each hour of a day in the zone of the tests' plans."""
    n = len(hours)
    day = pd.Timestamp("2026-10-01", tz="UTC+05:00")
    when = pd.DatetimeIndex([day + pd.Timedelta(hours=h) for h in hours], tz=day.tz).as_unit("ms")
    xy = np.array(places) + np.array(CENTRE)
    ids = [f"{kind}:secret-{hours[-1]}-{i}" for i in range(n)]
    table = pd.DataFrame(
        {
            "kind": kind, "category": category, "article": None, "severity": None,
            "harm": np.nan, "occurred_from": when, "occurred_to": when,
            "time_precision": "minute", "place": None, "police_initiated": False,
        },
        index=pd.Index(ids, name="event_id", dtype="str"),
    ).astype(dict.fromkeys(("kind", "category", "article", "severity", "time_precision",
                            "place"), "str"))  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(*xy.T), crs=town.crs)


def test_the_book_has_a_summary_and_a_card_for_each_crew(case, tmp_path):
    file = pm.write_cards(case.plan, tmp_path / "out" / "cards.pdf")
    pages, about = read(file)
    assert file == tmp_path / "out" / "cards.pdf"
    assert len(pages) == 4
    assert all(page.count("FOR OFFICIAL USE ONLY") == 2 for page in pages)
    for crew in (1, 2, 3):
        assert f"night · crew {crew}" in pages[0]
        assert f"night · crew {crew}" in pages[crew]
    for words in ("Central", "20:00", "on foot", "Share of risk", "Notes", "h-2-2 street", "112",
                  "Report every hour"):  # fmt: skip
        assert words in pages[1]
    assert "12 min" in pages[1]
    assert re.search(r"dwell: [hv]-\d-\d street", pages[1])
    assert about["creationDate"] == ""
    assert "Risk that nobody passes" in pages[0]
    assert "no time left" in pages[0]


@pytest.mark.parametrize("suffix", ["pdf", "html"])
def test_equal_plans_make_equal_bytes(case, tmp_path, suffix):
    one = pm.write_cards(case.plan, tmp_path / f"a.{suffix}").read_bytes()
    assert pm.write_cards(case.plan, tmp_path / f"b.{suffix}").read_bytes() == one


@pytest.mark.parametrize("steps", [10, 60, 160, 330])
def test_a_crew_has_one_page_and_no_street_or_turn_is_lost(tmp_path, steps):
    town = grid_town(6, 6)
    plan = winding_plan(town, steps)
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    told = legs(plan)
    assert len(pages) == 2
    text = " ".join(pages[1].split())
    assert f"{len(told)} legs" in text
    (card,) = told_in(plan, Words("en")).cards
    pairs = [pair for row in card.layout.rows for pair in row.names]
    assert pairs == list(zip(told["turn"], told["place"], strict=True))
    assert sum(row.legs for row in card.layout.rows) == len(told)
    assert sum(row.length for row in card.layout.rows) == pytest.approx(told["length"].sum())
    listed = re.findall(r"(?<!\S)(\d+) (\d\d:\d\d) [●↑←→↩■]", text)
    assert listed == [(str(i), f"{row.arrive:%H:%M}") for i, row in card.layout.numbered]
    assert "…" not in text


def test_a_shift_too_long_for_a_page_goes_on_overleaf(tmp_path):
    town = grid_town(6, 6)
    long = "a street with quite a long name of its own, number {}"
    names = [long.format(i) for i in range(len(town.segments))]
    town = type(town)(segments=town.segments.assign(name=names), nodes=town.nodes)
    plan = winding_plan(town, 700)
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    assert len(pages) == 3
    assert "continued" in pages[2]
    (card,) = told_in(plan, Words("en")).cards
    assert sum(row.legs for row in card.layout.rows) == len(legs(plan))
    assert len(card.layout.rows) == 3 * card.layout.setting.per_half
    assert f"{len(card.layout.rows)} " in pages[2]


def test_ways_without_a_name_become_rings_where_a_page_has_no_room_for_their_kinds(tmp_path):
    town = grid_town(6, 6)
    named = np.arange(len(town.segments)) % 2 == 0
    names = np.where(named, town.segments["name"] + " No. 1", None)
    kinds = pd.array(np.where(named, "residential", "pedestrian"), dtype="str")
    segments = town.segments.assign(name=pd.array(names, dtype="str"), highway=kinds)
    plan = winding_plan(type(town)(segments=segments, nodes=town.nodes), 260)
    told = legs(plan)
    for lang in ("en", "kk", "ru"):
        (card,) = told_in(plan, Words(lang)).cards
        assert not card.layout.overleaf
        assert [pair for row in card.layout.rows for pair in row.names] == list(
            zip(told["turn"], told["place"], strict=True)
        )
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf", lang="kk"))
    assert len(pages) == 2
    assert "…" not in pages[1]
    assert re.search(r"○ (←|→|↑)", pages[1])
    assert "○ атауы жоқ жол" in pages[1]
    short = winding_plan(type(town)(segments=segments, nodes=town.nodes), 30)
    assert not told_in(short, Words("kk")).cards[0].layout.rings(Words("kk"))


@pytest.mark.parametrize("highway", ["corridor", "trail", "busway", "motorway_link", "=cmd"])
def test_every_kind_of_way_without_a_name_has_its_word(highway):
    town = grid_town(2, 2)
    bare = town.segments.assign(name=None, highway=highway).astype({"name": "str"})
    plan = make_plan(type(town)(segments=bare, nodes=town.nodes), {"night 1": [1, 2]})
    (place,) = legs(plan)["place"]
    assert place.removeprefix("unnamed ") in {
        *("street", "driveway", "walkway", "footway", "path", "steps", "track", "cycleway")
    }
    for lang in ("kk", "ru"):
        say = Words(lang)
        assert not re.search("[a-z]", say.place(place) + say.short(place))


def test_there_and_back_along_a_street_is_one_line(tmp_path):
    town = row_town(3)
    plan = make_plan(town, {"night 1": node_path(town, [(0, 0), (100, 0), (200, 0), (100, 0)])})
    (card,) = told_in(plan, Words("en")).cards
    assert [text_of(row, Words("en")).endswith("↩") for row in card.layout.rows] == [
        row.legs == 2 for row in card.layout.rows
    ]
    assert sum(row.legs for row in card.layout.rows) == len(legs(plan))


def test_a_crew_that_only_stands_has_a_card(tmp_path):
    town = grid_town(3, 3)
    paths = {"night 1": node_path(town, [(0, 0), (100, 0)]), "night 2": node_path(town, [(0, 0)])}
    plan = make_plan(town, paths, dwell={"night 2": {0: 900}})
    assert plan.routes.loc["night 2", "length"] == 0
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    assert len(pages) == 3
    assert "15 min" in pages[2]


@pytest.mark.parametrize("lang", ["en", "kk", "ru"])
def test_every_stand_keeps_its_line_and_its_name(tmp_path, lang):
    town = grid_town(6, 6)
    stands = ("briefing", "dwell", "report", "break", "wait", "report", "handover")
    where = dict(zip((0, 30, 60, 90, 130, 170, 199), (300, 720, 0, 1200, 60, 120, 60), strict=True))
    plan = winding_plan(town, 200, dwell={"night 1": where})
    pages, _ = read(
        pm.write_cards(with_activities(plan, stands), tmp_path / "cards.pdf", lang=lang)
    )
    assert len(pages) == 2
    say = Words(lang)
    lines = re.findall(r"\d\d:\d\d\s*■\s*(.+)", pages[1])
    assert [line.split(":")[0] for line in lines] == [say(word) for word in stands]
    assert say("{n} min", n=20) in pages[1]
    assert f"{say('report')} 2" in " ".join(pages[1].split())


def test_cards_say_what_happened_where_the_crew_walks_and_when_most(case, tmp_path):
    at = [(250, 201)] * 6 + [(250, 203)] * 2
    hours = (21, 21, 22, 22, 22, 23, 5, 11)
    past = events_at(at, case.town, hours, category=["theft"] * 5 + ["robbery"] * 3)
    far = events_at([(9000, 9000)], case.town, (3,), category="arson")
    pages, _ = read(
        pm.write_cards(case.plan, tmp_path / "cards.pdf", events=pd.concat([past, far]))
    )
    assert "What to look for" in pages[1]
    assert "theft: 5; robbery: 3 · most at 21–00 h" in pages[1]
    assert "arson" not in "".join(pages)
    assert "secret" not in "".join(pages)
    assert "What to look for" not in pages[2]
    stand = events_at([(400, 390)] * 2, case.town, (1, 2), category="other", kind="accident")
    pages, _ = read(pm.write_cards(case.plan, tmp_path / "cards.pdf", events=stand, lang="ru"))
    assert "ДТП: 2" in pages[1]


def test_every_corner_where_a_crew_dwells_is_told_under_a_letter_of_its_own(tmp_path):
    town = grid_town(6, 6)
    stays = dict.fromkeys((3, 9, 16, 24, 31, 40, 52), 720.0)
    plan = winding_plan(town, 60, dwell={"night 1": stays})
    corners = plan.segments.geometry.get_coordinates().drop_duplicates() - np.array(CENTRE)
    hours = np.resize((21, 22, 22, 3), len(corners))
    past = events_at(corners.to_numpy(), town, hours)
    (card,) = told_in(plan, Words("en"), events=past).cards
    stands = [row for row in card.layout.rows if not row.moving]
    letters = {look.letter: look.point for look in card.looks if not look.lines}
    assert len(letters) == len({row.point for row in stands}) >= 6
    assert all(letters[row.letter] == row.point for row in stands)
    assert all(re.match(r"theft: \d+ · most at 2\d–\d\d h", look.what) for look in card.looks)
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf", events=past))
    assert len(pages) == 2
    for row in stands:
        assert f"dwell {row.letter}: " in pages[1]


def test_the_names_of_a_corner_are_cut_short_before_they_are_cut_off():
    moment = pd.Timestamp("2026-11-22 20:00+05:00")
    name = "Жасыл көшесі / Бейбітшілік даңғылы"
    row = Row(activity="dwell", arrive=moment, depart=moment, turn="left", length=0.0, legs=1,
              names=(("left", name),), point=(0.0, 0.0))  # fmt: skip
    say = Words("kk")
    narrow, wide = SETTINGS[-1], SETTINGS[0]
    assert narrow.text_of(row, say).endswith("Жасыл к. / Бейбітшілік даң.")
    assert wide.text_of(row, say).endswith("Жасыл көшесі / Бейбітшілік даңғылы")


def test_without_events_cards_tell_which_map_the_risk_comes_from(case, tmp_path):
    segments = case.plan.segments.assign(
        risk_crime=0.75 * case.plan.segments["risk"],
        risk_accident=0.25 * case.plan.segments["risk"],
    )
    pages, _ = read(pm.write_cards(replace(case.plan, segments=segments), tmp_path / "c.pdf"))
    assert "crimes 75 %, accidents 25 %" in pages[1]


def test_cards_of_no_events_and_of_a_table_of_something_else(case, tmp_path):
    none = events_at(np.empty((0, 2)), case.town, ())
    pages, _ = read(pm.write_cards(case.plan, tmp_path / "cards.pdf", events=none))
    assert "What to look for" not in pages[1]
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame as read_events"):
        pm.write_cards(case.plan, tmp_path / "cards.pdf", events=pd.DataFrame())


def test_lines_for_emergencies_may_be_the_callers(case, tmp_path):
    notes = ["Duty desk 8 727 000 00 00", "<b>102</b>"]
    pages, _ = read(pm.write_cards(case.plan, tmp_path / "cards.pdf", emergency=notes))
    assert all(note in pages[1] for note in notes)
    assert "112" not in pages[1]
    with pytest.raises(OptionError, match="wanted a list of lines"):
        pm.write_cards(case.plan, tmp_path / "cards.pdf", emergency="102")


def test_six_lines_of_ones_own_all_print_beside_what_pairs_must_do(case, tmp_path):
    stated = case.plan.provenance
    rules = {name: {**own, "pair_apart": 0} for name, own in stated.rules.items()}
    plan = replace(case.plan, provenance=replace(stated, rules=rules))
    notes = [f"Duty desk {n}" for n in range(6)]
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf", emergency=notes))
    assert all(note in pages[1] for note in [*notes, "The crew stays together."])


def test_a_service_without_a_word_in_any_language_is_told_as_it_is():
    assert Words("ru").word("horse_guard") == "horse guard"
    assert Words("ru")("") == ""


@pytest.mark.parametrize(
    ("lang", "apart", "said"),
    [
        ("en", 0, "The crew stays together."),
        ("ru", 0.0, "Наряд не разделяется."),
        ("kk", 0, "Наряд бөлінбейді."),
        ("en", 100.0, "Stay within 100 m of each other."),
        ("ru", 100, "Держаться не дальше 100 м друг от друга."),
    ],
)
def test_a_card_says_how_far_apart_a_crew_may_be_where_its_rules_do(case, lang, apart, said):
    stated = case.plan.provenance
    rules = {name: {**own, "pair_apart": apart} for name, own in stated.rules.items()}
    plan = replace(case.plan, provenance=replace(stated, rules=rules))
    for own in (None, ["Duty desk 102"]):
        lines = [card.emergency for card in told_in(plan, Words(lang), emergency=own).cards]
        assert all(one.count(said) == 1 for one in lines)
        assert len(lines) == len(plan.routes)
        assert not any("together" in line and line != said for one in lines for line in one)
    usual = [card.emergency for card in told_in(case.plan, Words("en")).cards]
    assert all("At night stay together" in one[-1] and said not in one for one in usual)


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("kk", ("ҚЫЗМЕТ БАБЫНДА", "1-наряд", "Шығу орны", "2026 ж. 22 қар., жс", "солға")),
        ("ru", ("ДЛЯ СЛУЖЕБНОГО", "наряд 1", "Отправной пункт", "вс, 22 нояб. 2026 г.", "налево")),
    ],
)
def test_cards_speak_kazakh_and_russian(case, tmp_path, lang, words):
    for suffix in ("pdf", "html"):
        file = pm.write_cards(case.plan, tmp_path / f"cards.{suffix}", lang=lang)
        text = file.read_text("utf-8") if suffix == "html" else "".join(read(file)[0])
        for word in words:
            assert word.lower() in text.lower()
        assert not re.search(r"on foot|Share of risk|straight|unnamed|crew \d", text)
    told = told_in(case.plan, Words(lang)).cards[0].told
    assert told.startswith("6 участков") if lang == "ru" else told.startswith("6 бөлік")


def test_streets_are_named_in_the_language_of_the_cards(tmp_path):
    town = grid_town(2, 2)
    named = town.segments.assign(name="Abay", name_kk="Абай даңғылы")
    town = type(town)(segments=named.astype({"name_kk": "str"}), nodes=town.nodes)
    plan = make_plan(town, {"night 1": [1, 2]})
    assert "Абай даңғылы" in read(pm.write_cards(plan, tmp_path / "k.pdf", lang="kk"))[0][1]
    assert "Абай" not in read(pm.write_cards(plan, tmp_path / "r.pdf", lang="ru"))[0][1]


def test_a_corner_is_called_by_its_streets_in_the_readers_language_and_a_post_by_its_name(case):
    segments = case.plan.segments.assign(name_ru="улица " + case.plan.segments.index)
    visits, stand = case.plan.visits.copy(), case.plan.visits["activity"] == "dwell"
    for place, told in (
        ("h-2-2 street / h-2-3 street", "улица h-2-2 / улица h-2-3"),
        ("h-2-2 street / a passage", "улица h-2-2 / a passage"),
        ("Central", "Central"),
    ):
        visits.loc[stand, "place"] = place
        plan = replace(case.plan, segments=segments.astype({"name_ru": "str"}), visits=visits)
        card = told_in(plan, Words("ru")).cards[0]
        assert [row.names[0][1] for row in card.layout.rows if not row.moving] == [told]


def test_a_street_named_in_the_readers_language_on_some_segments_only_is_so_called_at_corners(case):
    segments = case.plan.segments
    twice = segments.assign(name="Abay")
    own = [None] * (len(twice) - 1) + ["Абай к."]
    visits = case.plan.visits.assign(place="Abay / Other")
    plan = replace(case.plan, segments=twice.assign(name_kk=pd.array(own, "str")), visits=visits)
    stands = named_in(plan, "kk").visits.query("segment_id.isna()")
    assert set(stands["place"]) == {"Абай к. / Other"}


def test_every_text_of_the_cards_is_translated():
    said = set()
    for file in resources.files("patrolmap.output.cards").iterdir():
        if file.name.endswith(".py"):
            text = file.read_text("utf-8")
            said |= set(re.findall(r'say\(\s*"([^"]+)"', text))
            said |= set(re.findall(r'say\.count\(\s*"([^"]+)"', text))
    said |= set(TURNS) | set(_PLURALS.values()) | {"out of reach", "no time left", "unlit"}
    said |= {word.replace("_", " ") for word in (*ACTIVITIES, *CATEGORIES, *GROUND_KINDS)}
    assert len(said) > 80
    for lang in ("kk", "ru"):
        own, shared = word_table(lang, "cards"), word_table(lang, "map")
        assert not said - own.keys() - shared.keys()
        for text, form in own.items():
            for one in form if isinstance(form, list) else [form]:
                assert set(re.findall(r"\{\w+\}", one)) == set(re.findall(r"\{\w+\}", text)), text


def test_the_page_runs_nothing_and_shows_hostile_text_as_text(tmp_path):
    town = hostile_town(grid_town(2, 2))
    plan = hostile_plan(town, [(0, 0), (100, 0), (100, 100)], dwell={HOSTILE: {1: 600.0}})
    past = events_at([(50, 1)] * 6, town, (20, 21, 21, 22, 3, 4))
    for file in ("cards.pdf", "cards.html"):
        pm.write_cards(plan, tmp_path / file, emergency=[HOSTILE], events=past)
    printed = "".join("".join(pages) for pages in read(tmp_path / "cards.pdf")[0]).replace(
        "\n", " "
    )
    assert "=cmd|' /C calc'!A0;\"<script>" in printed
    assert "\u202e" not in printed
    page = (tmp_path / "cards.html").read_text("utf-8")
    seen = Seen()
    seen.feed(page)
    plain = (
        "html head meta title style body section header div h1 h2 p b i br span table tr td th img"
    )
    assert seen.tags <= {*plain.split(), "footer"}
    assert not [name for name in seen.attributes if name.startswith("on")]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in seen.sources)
    told = " ".join("".join(seen.text).split())
    # Shift, depot (at its stand too), streets, service, a note, why, whom to call, whom they are
    # owed to.
    assert told.count(SHOWN) >= 12
    assert "default-src 'none'" in page
    for source in seen.sources:
        picture = base64.b64decode(source.split(",")[1]).decode()
        assert "<script" not in picture
        assert "onerror" not in picture


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.sources, self.text = set(), set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text.append(data)


@pytest.mark.browser
def test_a_page_too_long_prints_every_row_overleaf_as_the_pdf_does(chromium, tmp_path):
    town = grid_town(6, 6)
    names = [f"a street with quite a long name of its own, number {i}" for i in range(60)]
    town = type(town)(segments=town.segments.assign(name=names), nodes=town.nodes)
    plan = winding_plan(town, 700)
    (card,) = told_in(plan, Words("en")).cards
    file = pm.write_cards(plan, tmp_path / "cards.html")
    pages = printed(chromium, file, tmp_path)
    assert len(pages) == 3
    listed = re.findall(r"(?<!\S)(\d+)\s(\d\d:\d\d)\s[●↑←→↩■]", "\n".join(pages[1:]))
    assert listed == [(str(i), f"{row.arrive:%H:%M}") for i, row in card.layout.numbered]


def printed(chromium, file, folder):
    """Print a page of cards to PDF; return its pages' texts, each under its black band."""
    page = chromium.new_page()
    page.goto(file.as_uri())
    page.pdf(path=str(folder / "printed.pdf"), prefer_css_page_size=True)
    page.close()
    with pymupdf.open(folder / "printed.pdf") as document:
        assert [sheet.get_pixmap(dpi=36).pixel(20, 3) for sheet in document] == [(0, 0, 0)] * len(
            document
        )
        return [sheet.get_text() for sheet in document]


@pytest.mark.browser
def test_the_page_prints_one_sheet_a_card_and_asks_for_nothing(chromium, tmp_path):
    town = grid_town(6, 6)
    plan = winding_plan(town, 330)
    file = pm.write_cards(plan, tmp_path / "cards.html", lang="kk")
    page, heard = chromium.new_page(), []
    page.on("console", lambda message: heard.append(message.text))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(file.as_uri())
    cut = page.evaluate(
        "() => [...document.querySelectorAll('.half')].filter("
        "e => e.scrollHeight > e.clientHeight + 1).length"
    )
    page.close()
    assert len(printed(chromium, file, tmp_path)) == 2
    assert cut == 0
    assert [url for url in heard if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize(("lang", "wanted"), [("de", "wanted one of"), (None, "wanted one of")])
def test_a_language_without_words_is_refused(case, tmp_path, lang, wanted):
    with pytest.raises(OptionError, match=wanted):
        pm.write_cards(case.plan, tmp_path / "cards.pdf", lang=lang)


@pytest.mark.parametrize("name", ["cards", "cards.docx", "cards.pdf.zip"])
def test_another_kind_of_file_is_refused(case, tmp_path, name):
    with pytest.raises(OptionError, match="written as PDF or HTML"):
        pm.write_cards(case.plan, tmp_path / name)


def test_numbers_find_room_beside_their_place_and_keep_apart():
    from matplotlib.figure import Figure

    sketch = CardMap(Figure().add_axes((0, 0, 1, 1)), (100, 100), (0.0, 0.0, 880.0, 880.0))
    assert all(sketch.number(n, 440, 440) for n in range(6))
    places = np.array(sketch.taken)
    apart = np.hypot(*(places[:, None, :2] - places[None, :, :2]).T)
    np.fill_diagonal(apart, np.inf)
    assert (apart >= 2 * places[0, 2] * 0.99).all()
    assert tuple(places[0, :2]) == (440, 440)
    assert not all(sketch.number(n, 440, 440) for n in range(30))


@given(st.lists(st.integers(5, 400), min_size=1, max_size=60), st.integers(1, 60))
@settings(deadline=None, max_examples=25)
def test_rows_that_are_put_together_keep_order_length_and_legs(lengths, most):
    moment = pd.Timestamp("2026-11-22 20:00+05:00")
    rows = [
        Row(activity="walk" if n % 7 else "report", arrive=moment, depart=moment, turn="left",
            names=(("left", f"street {i}"),), length=float(n), legs=1, point=(0.0, 0.0))
        for i, n in enumerate(lengths)
    ]  # fmt: skip
    say = Words("en")
    for room in (20, 60):
        out = fitted(rows, most, room, len, say)
        assert [pair for row in out for pair in row.names] == [p for r in rows for p in r.names]
        assert sum(r.length for r in out) == sum(lengths)
        assert all(row.legs == 1 for row in out if not row.moving)
        assert all(len(text_of(row, say, short=True)) <= room for row in out if row.legs > 1)
    moves = sum(row.moving for row in rows)
    assert len(squeezed(rows, most)) >= min(most, len(rows) - max(moves - 1, 0))


def test_kazakh_letters_print_and_signs_the_font_lacks_are_marked(tmp_path):
    name = "Әл ҒҚҢӨҰҮҺІ даңғылы"
    town = grid_town(2, 2)
    town = type(town)(segments=town.segments.assign(name=name), nodes=town.nodes)
    plan = make_plan(town, {"night 1": [1, 2]}, depot="Депо 警")
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    assert name in pages[1]
    assert "Депо" in pages[1]
    assert printable("Депо 警") == "Депо \N{REPLACEMENT CHARACTER}"


def test_signs_of_formulas_and_markup_print_as_they_are(tmp_path):
    name = r"$\frac{1}{0}$ <b>&`${x}"
    town = grid_town(2, 2)
    town = type(town)(segments=town.segments.assign(name=name), nodes=town.nodes)
    plan = make_plan(town, {"night 1": [1, 2]}, depot="$a$", shift="_^$")
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    assert name in pages[1]
    assert "_^$ · crew 1" in pages[1]


def test_a_plan_without_routes_is_a_summary_that_says_so(case, tmp_path):
    empty = type(case.plan)(
        routes=case.plan.routes.iloc[:0],
        visits=case.plan.visits.iloc[:0],
        segments=case.plan.segments,
        stops=case.plan.stops,
        unserved=case.plan.unserved,
        provenance=case.plan.provenance,
    )
    pages, _ = read(pm.write_cards(empty, tmp_path / "cards.pdf"))
    assert len(pages) == 1
    assert "no routes" in pages[0]


def test_a_folder_in_place_of_the_file_is_refused(case, tmp_path):
    with pytest.raises(OptionError, match="is a folder"):
        pm.write_cards(case.plan, tmp_path)


def test_a_failure_leaves_the_old_book_and_nothing_else(case, tmp_path, monkeypatch):
    file = tmp_path / "cards.pdf"
    file.write_text("old")
    monkeypatch.setattr("patrolmap.output.cards.write.card_pages", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pm.write_cards(case.plan, file)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_the_callers_matplotlib_settings_stay(case, tmp_path):
    import matplotlib

    before = dict(matplotlib.rcParams)
    pm.write_cards(case.plan, tmp_path / "cards.pdf")
    assert dict(matplotlib.rcParams) == before


def test_the_map_on_a_card_is_black_on_white_with_the_route_on_it(case, tmp_path):
    pm.write_cards(case.plan, tmp_path / "cards.pdf")
    with pymupdf.open(tmp_path / "cards.pdf") as document:
        drawn = document[1].get_drawings()
    heavy = [d for d in drawn if d["type"] == "s" and (d["width"] or 0) > 1.2]
    assert any(d["color"] == (0.0, 0.0, 0.0) for d in heavy)


def test_parks_are_stippled_and_water_ruled_on_the_cards_maps(case, tmp_path):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    pond, park = box(300, 300, 500, 500), box(100, 100, 700, 700)
    kinds = pd.array(["water", "park"], dtype="str")
    grounds = gpd.GeoDataFrame({"kind": kinds}, geometry=[pond, park], crs=32643)
    figure = Figure(figsize=(4, 4), dpi=100)
    sketch = CardMap(figure.add_axes((0, 0, 1, 1)), (100, 100), (0.0, 0.0, 880.0, 880.0))
    assert sketch.grounds(grounds) == {"park", "water"}
    assert sketch.grounds(None) == set()
    FigureCanvasAgg(figure).draw()
    (x0, y0, x1, y1), shade = sketch.view, np.asarray(figure.canvas.buffer_rgba())[..., 0]

    def part(shape):
        west, south, east, north = shape.buffer(-10).bounds
        columns = [int((x - x0) / (x1 - x0) * 400) for x in (west, east)]
        rows = [int((y1 - y) / (y1 - y0) * 400) for y in (north, south)]
        return shade[slice(*rows), slice(*columns)]

    lake, green, bare = part(pond), part(box(520, 110, 690, 690)), part(box(710, 0, 880, 880))
    assert (bare == 255).all()
    assert lake.std(axis=1).max() < 3 < lake.std(axis=0).min()  # lines across
    assert green.std(axis=1).max() > 3 < green.std(axis=0).max()  # dots
    for picture in (lake, green):
        assert 150 < picture.min() < 210 < picture.mean()  # quieter than streets and numbers
    there = gpd.GeoDataFrame(
        {"kind": kinds[:1]}, geometry=[case.plan.segments.union_all().envelope], crs=32643
    ).rename_axis("ground_id")
    pages, _ = read(
        pm.write_cards(replace(case.plan, grounds=there), tmp_path / "c.pdf", lang="kk")
    )
    assert all("\nсу\n" in page and "саябақ" not in page for page in pages)


def test_streets_around_are_named_on_the_map_and_no_name_covers_the_route(case):
    from matplotlib.figure import Figure

    say = Words("kk")
    named = case.plan.segments.assign(name_kk="Ұзын " + case.plan.segments.index + " көшесі")
    told = told_in(replace(case.plan, segments=named.astype({"name_kk": "str"})), say)
    card = told.cards[0]
    ax = Figure(figsize=(4, 4)).add_axes((0, 0, 1, 1))
    route_map(ax, (100.0, 100.0), told, card, say)
    names = [text for text in ax.texts if text.get_text().startswith("Ұзын")]
    assert len(names) > 5
    assert all(text.get_text().endswith(" к.") for text in names)
    route = LineString(card.line)
    for text in names:
        assert route.distance(Point(text.get_position())) > 5
    walked = {name for row in card.layout.rows for _, name in row.names}
    assert not walked & {text.get_text().replace(" к.", " көшесі") for text in names}


def test_no_number_covers_the_scale_bar_and_the_signs_beside_it():
    from matplotlib.figure import Figure

    sketch = CardMap(Figure().add_axes((0, 0, 1, 1)), (100, 100), (0.0, 0.0, 880.0, 880.0))
    sketch.furniture(signs={"park": "park", "water": "water"})
    x0, y0 = sketch.view[:2]
    for away in range(3, 50, 3):
        sketch.number(7, x0 + away * sketch.metres, y0 + 3 * sketch.metres)
    ours = [t for t in sketch.ax.texts if t.get_text() == "7"]
    bar = max(line.get_xdata()[-1] for line in sketch.ax.lines[:2])
    shown = [t.get_position()[0] for t in ours if t.get_position()[1] < y0 + 4 * sketch.metres]
    signs = max(t.get_position()[0] for t in sketch.ax.texts if t.get_text() != "7")
    assert all(x > max(bar, signs) for x in shown)
    assert ours


def test_words_are_cut_to_fit_and_measured_as_they_print():
    assert shorten("Abay", 50, 8) == "Abay"
    cut = shorten("A very long street name that goes on and on", 20, 8)
    assert cut.endswith("…")
    assert 15 < measure(cut, 8) <= 20
    assert measure("10", 10) == pytest.approx(2 * 0.636 * 10 / 72 * 25.4, rel=0.01)
    assert printable("a\x00\nb") == "a b"


def test_a_line_moves_to_the_right_of_its_direction():
    east = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    assert beside(east, 1.0).tolist() == [[0, -1], [11, -1], [11, 10]]
    back = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 0.0]])
    assert beside(back, 1.0).tolist() == [[0, -1], [10, -1], [10, 1], [0, 1]]
    assert len(beside(np.zeros((3, 2)), 1.0)) == 1


def test_arrow_heads_point_along_the_line():
    heads = arrows(np.array([[0.0, 0.0], [100.0, 0.0]]), every=20.0, size=2.0)
    assert [head[:, 0].max() for head in heads] == [12, 32, 52, 72, 92]
    assert all(head[0, 1] == 0 for head in heads)


@pytest.mark.parametrize(("metres", "wanted"), [(999, 500), (1000, 1000), (260, 200), (19, 10)])
def test_scale_bars_have_round_lengths(metres, wanted):
    assert nice(metres) == wanted


@pytest.mark.skipif(
    subprocess.run(["which", "pdftoppm"], capture_output=True, check=False).returncode != 0,
    reason="pdftoppm is not there",
)
def test_another_reader_opens_the_book(case, tmp_path):
    pm.write_cards(case.plan, tmp_path / "cards.pdf")
    run = subprocess.run(
        ["pdftoppm", "-r", "20", "-png", tmp_path / "cards.pdf", tmp_path / "page"],
        capture_output=True,
        check=True,
    )
    assert run.stderr == b""
    assert len(list(tmp_path.glob("page-*.png"))) == 4


def test_more_crews_than_fit_one_table_go_on_to_a_second_page(tmp_path):
    town = grid_town(3, 3)
    plan = make_plan(town, {f"night {i}": [1, 2] for i in range(1, 33)})
    told = told_in(plan, Words("en"))
    assert len(told.cards) == 32
    with book(tmp_path / "summary.pdf", "", "") as pdf:
        for page in summary_pages(told, Words("en")):
            pdf.savefig(page.finish())
    (first, second), _ = read(tmp_path / "summary.pdf")
    assert "night · crew 28" in first
    assert "night · crew 32" not in first
    assert "night · crew 32" in second
