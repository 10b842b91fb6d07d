"""Words of the map in Kazakh and Russian: all there, with their holes and plural forms."""

import re
from importlib import resources

import pandas as pd
import pytest

from patrolmap.output._text import day, span
from patrolmap.output._words import LANGUAGES, word_table, words
from patrolmap.schema import ACTIVITIES, EVENT_KINDS, PLACE_KINDS
from patrolmap.schema.words import CATEGORIES, SEVERITIES

ASSETS = resources.files("patrolmap.output") / "assets"
TRANSLATED = [lang for lang in LANGUAGES if lang != "en"]


def said_by_the_scripts():
    """Texts in quotes that the scripts hand to pm.t and pm.n."""
    out = set()
    for file in ASSETS.iterdir():
        if file.name.endswith(".js"):
            text = file.read_text("utf-8")
            out |= set(re.findall(r'pm\.[tn]\(\s*"((?:[^"\\])+)"', text))
            out |= set(re.findall(r'pm\.day\([^"]*?"([^"]+)"', text))
            out |= set(re.findall(r'"(\{km\} [^"]*)"', text))
    return out


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_text_of_the_page_has_a_translation(lang):
    table, said = word_table(lang, "map"), said_by_the_scripts()
    assert len(said) > 60
    assert not said - table.keys()


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_word_of_the_tables_has_a_translation(lang):
    listed = (*EVENT_KINDS, *CATEGORIES, *SEVERITIES, *PLACE_KINDS, *ACTIVITIES)
    table = word_table(lang, "map")
    assert not {word.replace("_", " ") for word in listed} - table.keys()


@pytest.mark.parametrize("domain", ["map", "cards", "notes"])
def test_no_kazakh_ending_is_glued_to_a_number_it_may_not_fit(domain):
    ending = re.compile(r"\}[- ]?([кғқг][аеыі]|[дтн][ае]н?|[дтн][ыі][ңн]|[мбп]ен)(?!\w)")
    assert ending.search("{n}-ден төмен")
    assert ending.search("{n}-ке дейін")
    assert ending.search("{from} мен {to}")
    for text, said in word_table("kk", domain).items():
        for form in said if isinstance(said, list) else [said]:
            assert not ending.search(form), (text, form)


@pytest.mark.parametrize("lang", TRANSLATED)
def test_every_kind_of_street_is_told_in_the_readers_language(lang):
    kinds = ("residential", "service", "footway", "pedestrian", "living_street", "unclassified",
             "primary", "secondary", "tertiary", "trunk", "motorway", "path", "steps", "track",
             "cycleway", "road", "busway", "corridor", "platform", "bridleway",
             "trail", "elevator")  # fmt: skip
    assert not {kind.replace("_", " ") for kind in kinds} - word_table(lang, "map").keys()


@pytest.mark.parametrize("lang", TRANSLATED)
def test_translations_have_the_holes_of_their_texts(lang):
    for text, said in word_table(lang, "map").items():
        for form in said if isinstance(said, list) else [said]:
            assert set(re.findall(r"\{\w+\}", form)) == set(re.findall(r"\{\w+\}", text)), text


@pytest.mark.parametrize("lang", TRANSLATED)
def test_the_pages_dates_read_as_those_of_the_cards(lang):
    moment, say = pd.Timestamp("2026-11-22"), words(lang, "map").gettext
    pattern = say("{weekday} {day} {month} {year}")
    page = pattern.format(weekday=say("Sun"), day=22, month=say("Nov"), year=2026)
    assert page == day(moment, lang)
    assert day(moment, lang) in span(moment, moment + pd.Timedelta("3h"), lang)


def test_russian_counts_have_three_forms_and_kazakh_one_word():
    russian, kazakh = words("ru", "map"), words("kk", "map")
    said = [russian.ngettext("{n} hot spot", "{n} hot spots", n) for n in (1, 3, 5, 11, 21)]
    assert [text.split()[1] for text in said] == ["очаг", "очага", "очагов", "очагов", "очаг"]
    assert {kazakh.ngettext("{n} crew", "{n} crews", n) for n in (1, 7)} == {"{n} наряд"}
