"""A category is one of a short list; what is told by nothing is "other", and said."""

import pandas as pd
import pytest

from patrolmap.events import check_events, read_events
from patrolmap.events._preset import load_preset
from patrolmap.events.rows.category import find_article, split_article, tell_category
from patrolmap.schema import CATEGORIES

ALMATY = "Asia/Almaty"
GENERIC = load_preset("generic")


def check(table, **options):
    return check_events(table, **({"kind": "crime", "tz": ALMATY} | options))


def kinds(texts, column="type", **options):
    """Return the report of rows with these texts, each at a place of its own."""
    size = len(texts)
    table = pd.DataFrame({column: texts, "date": "2024-05-01 10:00",
                          "lon": [76.9 + n / 1e4 for n in range(size)], "lat": 43.2})  # fmt: skip
    return check(table, **options)


@pytest.mark.parametrize(
    ("given", "category", "article"),
    [
        ("ст.188 ч.3", "theft", "188-3"),
        ("ст. 188-1 ч.2", "theft", "188-1-2"),
        ("ст.188-1", "theft", "188-1-0"),
        ("Ст.192", "robbery", "192"),
        ("статья 106, часть 1", "violence", "106-1"),
        ("ст.293 ч.2 п.1", "disorder", "293-2"),
        ("ст.24 ч.3, ст.188 ч.2", "theft", "188-2"),
        ("188-бап 3-бөлік", "theft", "188-3"),
        ("345-1-бап 2-бөлігі", "traffic", "345-1-2"),
        ("ст.401 ч.2", "other", "401-2"),
        ("ASSAULT  WITH\tWEAPON", "violence", None),
        ("theft from motor vehicle", "theft", None),
        ("Theft of Vehicle", "vehicle", None),
        ("THEFT OF CREDIT CARD", "theft", None),
        ("cartheft", "vehicle", None),
        ("Угон автомобиля", "vehicle", None),
        ("Грабёж", "robbery", None),
        ("Сбыт наркотических средств", "drugs", None),
        ("Алаяқтық", "fraud", None),
        ("human trafficking", "other", None),
        ("GRAPE JUICE", "other", None),
        ("accident_pedestrian", "accident_pedestrian", None),
        ("\x1b[31mred", "other", None),
        ("", "unknown", None),
        (None, "unknown", None),
    ],
)
def test_a_text_tells_a_category_and_an_article(crimes, given, category, article):
    event = check(crimes(category={0: given})).events.iloc[0]
    assert event["category"] == category
    assert event["article"] == article if article else pd.isna(event["article"])


@pytest.mark.parametrize(
    ("code", "category", "article"),
    [("1880", "theft", "188"), (1880, "theft", "188"), ("0990", "violence", "99"),
     (990, "violence", "99"), ("1411", "other", "141-1-0"), ("3451", "traffic", "345-1-0")],
)  # fmt: skip
def test_codes_of_the_crime_service_are_articles_times_ten(crimes, code, category, article):
    table = crimes().rename(columns={"category": "CRIME_CODE"}).assign(CRIME_CODE=code)
    events = check(table).events
    assert set(events["category"]) == {category}
    assert set(events["article"]) == {article}


def test_a_second_column_of_articles_fills_what_the_first_leaves_open():
    table = pd.DataFrame({"stat": ["ст.188 ч.3", None, None], "crime_code": ["1880", "1910", None],
                          "lon": [76.9, 76.91, 76.92], "lat": 43.2})  # fmt: skip
    events = check(table).events
    assert events["article"].fillna("-").tolist() == ["188-3", "191", "-"]
    assert events["category"].tolist() == ["theft", "robbery", "unknown"]


@pytest.mark.parametrize("whole", ["188-3", "188", "345-1-2", "188-1-0", "99-1"])
def test_an_article_reads_back_as_it_was_written(whole):
    assert find_article(whole, role="article", column="article", preset=GENERIC) == whole


def test_an_article_of_a_foreign_column_is_written_as_lawyers_do():
    assert find_article("188-1", role="article", column="статья", preset=GENERIC) == "188-1-0"
    assert find_article("188 ч.1", role="article", column="статья", preset=GENERIC) == "188-1"


def test_an_article_parts_into_its_number_and_its_part():
    assert split_article("188") == ("188", None)
    assert split_article("345-1-2") == ("345-1", 2)
    assert split_article("188-1-0") == ("188-1", None)


def test_every_article_of_the_penalties_table_has_a_category():
    from patrolmap.events import harm_table

    known = {split_article(a)[0] for a in harm_table()["article"].dropna()}
    assert known <= set(GENERIC.articles)


def test_pieces_of_text_must_all_be_there_and_a_forbidden_one_must_not():
    words = (("vehicle", ("car+theft+!from",)), ("theft", (" theft ",)))
    assert tell_category("Theft of a CAR", words) == "vehicle"
    assert tell_category("theft, from car", words) == "theft"
    assert tell_category("thefts", words) == "other"


def test_what_is_other_is_counted_and_its_common_texts_are_said():
    report = kinds(["Lost dog"] * 5 + ["ст.217-2"] + ["Cat"] * 2 + ["Theft"])
    assert report.events["category"].value_counts().to_dict() == {"other": 8, "theft": 1}
    (note,) = [n for n in report.notes if "'other'" in n]
    assert note.startswith("8 rows told by no code, article or word are 'other': ")
    assert note.endswith("'lost dog' 5, article 217-2-0 1 and 1 more")


@pytest.mark.parametrize("text", ["case 202400077", "born 2010-02-01", "on 1.2.24", "Ivan Petrov"])
def test_a_text_that_could_name_somebody_is_never_said(text):
    count = 1 if text == "Ivan Petrov" else 9
    report = kinds([text] * count + ["Theft"] * 9)
    assert "other" in set(report.events["category"])
    shown = report.summary() + report.events.to_csv()
    assert text.lower() not in shown.lower()


def test_a_common_hostile_text_is_said_in_one_short_line():
    report = kinds(["\x1b[2J<script>alert(1)</script>\n" + "b" * 50] * 5)
    (note,) = [n for n in report.notes if "'other'" in n]
    assert note.isprintable() and len(note) < 120


def test_a_column_of_stories_is_no_category_and_nothing_of_it_is_said():
    texts = [f"statement of a witness {chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(400)]
    report = kinds(texts * 3)
    assert set(report.events["category"]) == {"other"}
    assert "witness" not in report.summary()


def test_a_date_in_a_text_does_not_hide_its_category():
    assert kinds(["theft of 01.02.2010"]).events["category"].tolist() == ["theft"]


def test_every_category_that_presets_speak_of_is_on_the_list():
    words = {word for word, _ in GENERIC.words} | set(GENERIC.articles.values())
    assert words <= set(CATEGORIES)


def test_reading_events_again_keeps_what_is_known_of_offences(crimes):
    table = crimes(category={0: "ст.188 ч.3", 1: "ст.296 ч.1", 2: "Lost dog"})
    table["FE1R29P1_ID"], table["HARD_CODE"] = "039", "2"
    once = read_events(table, kind="crime", tz=ALMATY, harm="kz")
    again = read_events(once, kind="crime", tz=ALMATY)
    pd.testing.assert_frame_equal(pd.DataFrame(once), pd.DataFrame(again), check_dtype=False)
