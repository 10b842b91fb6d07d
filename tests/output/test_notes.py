"""Notes and reasons of a plan in Kazakh and Russian: every sentence that the package can say."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from shapely.geometry import box

import patrolmap as pm
from crews import shift_at
from pages import payload_of
from patrolmap.errors import InfeasibleError
from patrolmap.output._notes import told_note
from patrolmap.output._words import word_table
from patrolmap.patrol import PatrolRules
from patrolmap.patrol.relax import reason_of
from patrolmap.patrol.tables import _WHY
from patrolmap.patrol.time_out import seconds_out
from plans import make_plan, node_path
from towns import grid_town

PACKAGE = Path(pm.__file__).parent
SAID_BY = [
    *(PACKAGE / "risk" / "model" / f"{name}.py"
      for name in ("clock", "times", "sift", "learn", "profile")),
    *(PACKAGE / "events" / f"{name}.py" for name in ("programmes",)),
    *(PACKAGE / "patrol" / f"{name}.py" for name in ("solve", "notes", "relax", "drawn/score")),
]  # fmt: skip
SAMPLES = {  # what stands in a hole, by what its expression speaks of
    "count_events": "12 events", "kind": "crime", "name": "crime", "until": "29.10.2026",
    "first": "01.11.2024", "last": "31.10.2026", "verbs[0]": "lie", "verbs[1]": "are",
    "how": "every hour counts alike for them", "me": "night 1", "route_id": "night 1",
    "many": "2 gaps in the drawing are", "shift.mode": "'walk'", "_span": "4 h 12 min",
    "_UNLIT": "unlit streets are walked slowly", "_UNKNOWN": "count as unlit",
    "told": "; 5% are unlit so", "no_parks_after": "22:00", "parks_open": "06:00",
    "'s' if": "s", "demand": "must_visit", "rule": "must_visit", "error.shift": "'night'",
    "one.shift": "'night'", "why": "no way to get there", "reason_of": "no way to get there",
}  # fmt: skip


def sentences(file):
    """Texts that a module puts among its notes, their holes filled with samples."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        values = []
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "append":
            if getattr(node.func.value, "id", "") == "notes":
                values = node.args
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "note", "notes",
        ):  # fmt: skip
            values = [node.value]
        elif isinstance(node, ast.FunctionDef) and re.search("note|said|light", node.name):
            values = [r.value for r in ast.walk(node) if isinstance(r, ast.Return) and r.value]
        for value in values:
            yield from texts(value)


def texts(node):
    if isinstance(node, ast.JoinedStr):
        yield "".join(map(filled, node.values))
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.count(" ") > 3:
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from texts(child)


def filled(part):
    if isinstance(part, ast.Constant):
        return part.value
    told = ast.unparse(part.value)
    if told == "error":
        return "no way to get there"
    for word, sample in SAMPLES.items():
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", told):
            return sample
    form = "" if part.format_spec is None else ast.unparse(part.format_spec)
    return "41%" if "%" in form else "12"


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_every_note_the_package_writes_is_translated(lang):
    said = [text for file in SAID_BY if file.exists() for text in sentences(file)]
    assert len(said) > 20
    assert [text for text in said if told_note(text, lang) == text] == []


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_every_reason_to_stand_is_translated(lang):
    reasons = [*_WHY.values(), "risk 0.12 around"]
    assert not [reason for reason in reasons if told_note(reason, lang) == reason]


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_the_reasons_of_a_real_plan_are_translated(lang):
    town = grid_town(4, 4)
    risk = pd.Series(1.0, index=town.segments.index)
    lon, lat = town.nodes.geometry.to_crs(4326).iloc[0].coords[0]
    shift = pm.Shift(depot=pm.Depot("d", lon=lon, lat=lat), start="2026-11-22 20:00+05:00",
                     duration="4h", rules=pm.PatrolRules(repeat_after="30min"))  # fmt: skip
    by_kind = pd.DataFrame({"crime": risk * 0.6, "accident": risk * 0.4})
    plan = pm.plan_patrols(town, risk, [shift], risk_by_kind=by_kind, stop=pm.MaxIterations(5))
    reasons = plan.visits["reason"].dropna().unique()
    assert any("pass 2" in reason for reason in reasons)
    assert not [reason for reason in reasons if re.search("[a-z]{3}", told_note(reason, lang))]


def relaxed_plans():
    """Yield plans of demands of many kinds that cannot be met."""
    town = grid_town(4, 4)
    lon, lat = town.nodes.geometry.to_crs(4326).iloc[0].coords[0]
    far_lon, far_lat = town.nodes.geometry.to_crs(4326).iloc[-1].coords[0]
    here, far = pm.Depot("d", lon=lon, lat=lat), pm.Depot("far", lon=far_lon, lat=far_lat)
    away = box(far_lon - 1e-3, far_lat - 1e-3, far_lon + 1e-3, far_lat + 1e-3)
    everywhere = box(lon - 1, lat - 1, lon + 1, lat + 1)
    rest = {"break_length": "2min", "break_at": far}
    for rules, options in [
        ({}, {"must_visit": (str(town.segments.index[-1]),), "duration": "5min"}),
        ({"no_go": away}, {"must_visit": (str(town.segments.index[-1]),)}),
        ({**rest, "break_window": (0.0, 0.2)}, {"duration": "20min"}),
        ({**rest, "beat": "3min"}, {}),
        ({"report_every": "9min", "report_at": (far,), "report_slack": "1min"}, {}),
        ({"no_go": everywhere}, {}),
        ({"beat": "3min"}, {"end_depot": far}),
        ({"break_length": "50min"}, {"duration": "40min"}),
        ({"briefing": "30min"}, {"duration": "30min"}),
        ({"corner_passes": 1, "break_length": "2min", "break_at": far}, {}),
        ({"turn_cost": 300, "break_length": "2min", "break_at": far}, {}),
        ({"crew_distance": 90}, {"crews": 3, "must_visit": (far,), "end_depot": far}),
        ({}, {"sector": away}),
    ]:
        asked = {"depot": here, "start": "2026-11-22 20:00+05:00", "duration": "40min"} | options
        shift = pm.Shift(**asked, name="night", rules=pm.PatrolRules(**rules))
        risk = pd.Series(1.0, index=town.segments.index)
        yield pm.plan_patrols(town, risk, [shift], stop=pm.MaxIterations(5), relax=True)


def test_what_was_relaxed_is_told_to_its_last_word_in_the_readers_language():
    seen = set()
    for plan in relaxed_plans():
        notes = [note for note in plan.provenance.notes if note.startswith("relaxed")]
        for note in notes:
            assert "; " not in note, note  # the mend is for who asks, not for who reads the plan
            for lang in ("kk", "ru"):
                said = told_note(note, lang)
                left = re.sub(
                    r"beat='\w+'|[a-z]+(_[a-z]+)+|night|lon|lat|[a-z]+-\d-\d|far|beat|briefing|unlit|sector|walk|u_turn",
                    "",
                    said,
                )
                assert not re.search("[a-z]{3}", left), said
        seen |= {note.split()[1] for note in notes}
    assert len(seen) >= 7, seen


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_translations_have_the_holes_of_their_sentences(lang):
    for text, said in word_table(lang, "notes").items():
        forms = said if isinstance(said, list) else [said]
        for form in forms:
            assert set(re.findall(r"\{\w+\}", form)) == set(re.findall(r"\{\w+\}", text)), text


def test_both_languages_know_the_same_sentences():
    assert word_table("kk", "notes").keys() == word_table("ru", "notes").keys()


def test_map_and_cards_say_notes_in_the_readers_language(tmp_path):
    town = grid_town(3, 3)
    plan = make_plan(town, {"r": node_path(town, [(0, 0), (100, 0)])}, reason="on the way")
    notes = ("30 events outside the observed period left out", "<b>by hand</b> ${x}")
    plan = replace(plan, provenance=replace(plan.provenance, notes=notes))
    page = pm.write_cards(plan, tmp_path / "cards.html", lang="ru").read_text("utf-8")
    assert "вне периода наблюдения, не учтено: 30 событий" in page
    assert "<b>by hand" not in page
    shown = payload_of(pm.explore(town, plan=plan, lang="kk"))
    assert shown["plan"]["notes"] == [
        "бақылау кезеңінен тыс, есепке алынбады: 30 оқиға", "<b>by hand</b> ${x}"
    ]  # fmt: skip
    assert "жол-жөнекей" in shown["names"]
    english = pm.write_cards(plan, tmp_path / "en.html").read_text("utf-8")
    assert notes[0] in english


@pytest.mark.parametrize("name", ["O'Neill", "St. Mary", 'the "old" gate', "a; b"])
def test_names_with_quotes_and_stops_do_not_keep_a_note_from_being_told(name):
    error = InfeasibleError(
        f"shift {name!r}: depot {name!r} (lon=76.9, lat=43.2) is 900 m from the nearest street of "
        f"shift {name!r} (mode drive). Move it."
    )
    note = f"relaxed sector of shift {name!r}: {reason_of(error)}"
    told = told_note(note, "ru")
    assert told.startswith("смягчено sector")
    assert "900 м" in told
    assert "Move" not in told
    assert "nearest" not in told


@pytest.mark.parametrize("given", ["1h30min", "90m", "90 minutes", "PT1H30M"])
def test_durations_of_notes_are_told_however_they_were_given(given):
    rules = PatrolRules(break_length="30min", briefing="1h", handover="1h")
    shift = shift_at(grid_town(3, 3), minutes=1, duration=given, rules=rules)
    with pytest.raises(InfeasibleError) as caught:
        seconds_out(shift, rules)
    told = told_note(f"relaxed briefing of shift 'night': {reason_of(caught.value)}", "ru")
    assert "из 1 ч 30 мин" in told.replace("\N{NO-BREAK SPACE}", " ")
