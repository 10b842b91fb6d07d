"""Route cards: every crew, every leg, printable letters, the same bytes again."""

import re
import subprocess

import numpy as np
import pandas as pd
import pytest

import patrolmap as pm
from patrolmap.errors import OptionError
from patrolmap.output._cardmap import arrows, beside, nice
from patrolmap.output._legs import legs
from patrolmap.output._page import measure, printable, shorten
from plans import make_plan, node_path
from towns import grid_town

pymupdf = pytest.importorskip("pymupdf", reason="reading PDFs needs pymupdf")


def read(file):
    with pymupdf.open(file) as document:
        return [page.get_text() for page in document], document.metadata


def winding_plan(town, steps):
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
    return make_plan(town, {"night 1": node_path(town, corners)})


def test_the_book_has_a_summary_and_a_card_for_each_crew(case, tmp_path):
    file = pm.write_cards(case.plan, tmp_path / "out" / "cards.pdf")
    pages, about = read(file)
    assert file == tmp_path / "out" / "cards.pdf"
    assert len(pages) == 4
    assert all("FOR OFFICIAL USE ONLY" in page for page in pages)
    for crew in (1, 2, 3):
        assert f"night · crew {crew}" in pages[0]
        assert f"night · crew {crew}" in pages[crew]
    for words in ("Central", "20:00", "on foot", "Share of risk", "Notes", "h-2-2 street"):
        assert words in pages[1]
    assert "12 min" in pages[1]
    assert about["creationDate"] == ""


def test_equal_plans_make_equal_bytes(case, tmp_path):
    one = pm.write_cards(case.plan, tmp_path / "a.pdf").read_bytes()
    assert pm.write_cards(case.plan, tmp_path / "b.pdf").read_bytes() == one


def test_legs_that_do_not_fit_follow_on_further_pages_and_none_is_lost(tmp_path):
    town = grid_town(6, 6)
    plan = winding_plan(town, 160)
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    told = legs(plan)
    text = "\n".join(pages[1:])
    assert len(pages) > 2
    assert "page 2 of" in text
    listed = re.findall(r"^(\d+)\s+(\d\d:\d\d)$", text, re.M)
    assert listed == [(str(i), f"{m:%H:%M}") for i, m in enumerate(told["arrive"], start=1)]


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
    monkeypatch.setattr("patrolmap.output.cards._card", lambda *a: 1 / 0)
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
    pages, _ = read(pm.write_cards(plan, tmp_path / "cards.pdf"))
    assert len(pages) == 34
    assert "night · crew 32" in pages[1]
    assert pd.Series(pages[2:]).str.contains("Share of risk").all()
