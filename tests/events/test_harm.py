"""Harm in days: by article, by category, by people hurt, and by a table of one's own."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import OptionError, SchemaError, SourceFormatError, SourceNotFoundError
from patrolmap.events import harm_table, read_events
from patrolmap.schema import CATEGORIES
from shared import shared_file

ALMATY = "Asia/Almaty"


def read(harm="kz", kind="crime", **columns):
    size = len(next(iter(columns.values())))
    table = pd.DataFrame(columns | {"lon": np.linspace(76.9, 76.92, size), "lat": 43.2})
    return read_events(table, kind=kind, harm=harm)


def test_the_table_holds_every_part_once_and_no_zero():
    table = harm_table()
    assert table["article"].notna().sum() == 79
    assert not table.duplicated(["article", "category", "outcome"]).any()
    assert (table["days"] > 0).all()
    assert (harm_table(rule="midpoint")["days"] >= table["days"]).all()


@pytest.mark.shared
def test_the_table_follows_from_the_facts_by_the_rule_written_down():
    with shared_file("kz/criminal-code-penalties.csv").open(encoding="utf-8") as file:
        facts = list(csv.DictReader(file))
    least = harm_table().set_index("article")["days"]
    middle = harm_table(rule="midpoint").set_index("article")["days"]
    unstated = 0
    for row in facts:
        name = row["article"] + (f"-{row['part']}" if row["part"] else "")
        low, high = (float(row[f"{end}_imprisonment_years"]) * 365 for end in ("min", "max"))
        unstated += low == 0
        if high == 0:
            low, high = 6.25, float(row["max_arrest_days"])
        low = low or 182.5
        assert least[name] == low
        assert middle[name] == pytest.approx((low + high) / 2)
    assert unstated == 32 and len(facts) == 79


def test_graver_offences_weigh_more():
    days = harm_table().set_index("article")["days"]
    assert days["99-1"] > days["106-1"] > days["188-3"] > days["188-1"] > days["187-1"]


def test_an_offence_weighs_its_article_part():
    events = read(type=["ст.188 ч.3", "ст.345-1 ч.4", "ст.108", "ст.115 ч.1"])
    assert events["harm"].tolist() == [730, 2555, 6.25, 6.25]


def test_without_a_part_an_offence_weighs_the_least_part_of_its_severity():
    events = read(crime_code=["1880", "1880", "1880", "1881"], hard_code=["3", "2", None, None])
    assert events["harm"].tolist() == [730, 182.5, 182.5, 182.5]


def test_a_part_that_the_table_lacks_has_no_harm():
    assert read(type=["ст.188 ч.9", "ст.217 ч.1"])["harm"].isna().all()


def test_without_an_article_an_offence_weighs_its_category():
    events = read(type=["Burglary", "Drug possession", "Lost dog"])
    assert events["harm"].fillna(-1).tolist() == [730, -1, -1]


def test_accidents_weigh_the_people_hurt():
    events = read(
        kind="accident", killed=[0, 0, 0, 1, 1, 2, None], injured=[0, 1, 3, 0, 2, 1, None],
        type=["crash"] * 7,
    )  # fmt: skip
    assert events["harm"].fillna(-1).tolist() == [1, 6.25, 18.75, 182.5, 195, 1831.25, -1]


def test_an_accident_whose_people_are_not_told_weighs_its_severity_or_one_pedestrian():
    events = read(kind="accident", type=["pedestrian hit", "crash", "crash"],
                  severity=[None, "fatal", None])  # fmt: skip
    assert events["harm"].fillna(-1).tolist() == [6.25, 182.5, -1]


def test_equal_weights_are_one_each():
    assert read("equal", type=["ст.99 ч.1", "Lost dog"])["harm"].tolist() == [1, 1]


def test_without_harm_nothing_is_weighed_but_what_the_source_states():
    assert read(None, type=["ст.99 ч.1"])["harm"].isna().all()
    stated = pd.DataFrame({"harm": [3, -1, None], "lon": [76.9, 76.91, 76.92], "lat": 43.2})
    assert read_events(stated, kind="crime")["harm"].fillna(0).tolist() == [3, 0, 0]


def test_a_table_of_ones_own_weighs_from_a_file_or_a_frame(tmp_path):
    own = pd.DataFrame(
        {"article": ["188-3", None], "category": [None, "robbery"], "days": [5, 7.5]}
    )
    own.to_csv(tmp_path / "own.csv", index=False)
    for harm in (own, tmp_path / "own.csv", str(tmp_path / "own.csv")):
        events = read(harm, type=["ст.188 ч.3", "Robbery", "ст.188 ч.2", "Theft"])
        assert events["harm"].fillna(-1).tolist() == [5, 7.5, -1, -1]


def test_the_midpoint_is_a_table_too():
    events = read(harm_table(rule="midpoint"), type=["ст.188 ч.3"])
    assert events["harm"].tolist() == [1642.5]


def test_the_report_says_where_harm_comes_from():
    from patrolmap.events import check_events

    table = pd.DataFrame({"type": ["ст.188 ч.3", "Burglary", "Dog", "ст.191"], "lat": 43.2,
                          "lon": [76.9, 76.91, 76.92, 76.93]})  # fmt: skip
    notes = check_events(table, kind="crime", harm="kz").notes
    assert (
        "harm in days by the table 'kz': 1 from the article, 1 from the least part of the article, "
        "1 from the category"
    ) in notes
    assert "harm is missing for 1 events" in notes
    assert "severity of 1 events from their article" in notes


@pytest.mark.parametrize(
    ("harm", "error", "words"),
    [
        ("kzz", OptionError, "harm='kzz' is none. Did you mean 'kz'"),
        (7, OptionError, "harm table is int"),
        ("none.csv", SourceNotFoundError, "is not there"),
        (pd.DataFrame({"days": [1]}), SchemaError, "wanted days .* and one of article"),
        (pd.DataFrame({"article": ["188-1"]}), SchemaError, "wanted days"),
        (pd.DataFrame({"article": ["188-1"], "days": ["much"]}), SchemaError, "row 1 has no n"),
        (pd.DataFrame({"article": ["188-1"], "days": [-1]}), SchemaError, "0 or more"),
        (pd.DataFrame({"article": ["ст.188"], "days": [1]}), SchemaError, "written as 188-3"),
        (pd.DataFrame({"category": ["thefts"], "days": [1]}), SchemaError, "has a category"),
        (pd.DataFrame({"outcome": ["dead"], "days": [1]}), SchemaError, "has a outcome"),
        (pd.DataFrame({"category": ["theft"] * 2, "days": 1}), SchemaError, "row 2 stands twice"),
        (pd.DataFrame({"article": [None], "days": [1]}), SchemaError, "fills none or several"),
    ],
)  # fmt: skip
def test_a_table_that_is_wrong_is_an_error(harm, error, words):
    with pytest.raises(error, match=words):
        read(harm, type=["Theft"])


def test_a_file_that_is_no_table_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00\xd8")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(SourceFormatError, match="no CSV"):
            harm_table(tmp_path / name)
    with pytest.raises(OptionError, match="rule='mean'"):
        harm_table(rule="mean")
    (tmp_path / "c.csv").write_text("article,days\n188-1,1\n")
    with pytest.raises(OptionError, match="one column of days"):
        harm_table(tmp_path / "c.csv", rule="midpoint")


def test_the_docs_say_the_same_days_as_the_table():
    page = (Path(__file__).resolve().parents[2] / "docs" / "presets.md").read_text("utf-8")
    table = harm_table().dropna(subset=["category"]).set_index("category")
    rows = dict(re.findall(r"^\| (\w+) \| [\d-]+ \| ([\d.]+) \|", page, re.M))
    assert {word: float(days) for word, days in rows.items()} == table["days"].to_dict()
    assert set(rows) <= set(CATEGORIES)


@pytest.mark.parametrize(("killed", "injured", "days"),
                         [(0, 0, 1), (0, None, None), (None, 0, None), (None, None, None),
                          (1, None, 182.5), (None, 2, 12.5), (0, 1, 6.25)])  # fmt: skip
def test_nobody_was_hurt_only_where_both_numbers_say_so(killed, injured, days):
    events = read(kind="accident", killed=[killed, 0], injured=[injured, 1], date=["", ""])
    assert events["harm"].fillna(-1).iloc[0] == (-1 if days is None else days)


def test_a_row_of_a_table_that_cannot_be_is_shown_as_it_was_written():
    table = pd.DataFrame({"article": ["188-1", "188-1"], "days": [1.0, 2.5]})
    with pytest.raises(SchemaError, match=r"row 2 stands twice: article 188-1, days 2.5\.$"):
        read(harm=table, type=["ст.188 ч.1"])
