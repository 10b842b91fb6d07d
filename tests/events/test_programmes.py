"""Programmes: events weighed for what a patrol is sent out for."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import ConfigError, OptionError, SchemaError, SourceNotFoundError
from patrolmap.events import combine_events, programme_weights, read_events, read_programme
from patrolmap.events.programmes import FOLDER

NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
DOCS = Path(__file__).resolve().parents[2] / "docs" / "presets.md"


def events(kind="crime", harm="kz", dates="2024-05-01 23:30", **columns):
    size = len(next(iter(columns.values())))
    table = pd.DataFrame(columns | {"date": dates, "lon": np.linspace(76.9, 76.92, size),
                                    "lat": 43.2})  # fmt: skip
    return read_events(table, kind=kind, tz="Asia/Almaty", harm=harm)


def write(folder, text):
    path = folder / "my.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_programmes_that_are_promised_are_there():
    promised = {"street_safety", "burglary", "child_safety", "domestic_violence", "drugs",
                "road_safety", "night"}  # fmt: skip
    assert promised <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_programme_weighs_every_table(name):
    tables = [events(type=["Theft", "Robbery", "Drugs", "x"]),
              events(kind="accident", type=["pedestrian hit", "crash"]),
              events(kind="juvenile", type=["Theft", "Battery"])]  # fmt: skip
    table = combine_events(tables)
    before = table.copy()
    weight = programme_weights(table, name)
    assert weight.index.equals(table.index) and weight.name == "weight"
    assert (weight >= 0).all() and np.isfinite(weight).all()
    assert weight.attrs["programme"] == name
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(table))


def test_burglary_counts_break_ins_and_thefts_from_homes():
    table = events(type=["Burglary", "ст.188 ч.1", "ст.188 ч.1", "Fraud"],
                   FE1R29P1_ID=["001", "021", "001", "021"])  # fmt: skip
    assert programme_weights(table, "burglary").tolist() == [1, 1, 0, 0]


def test_street_safety_weighs_by_harm_and_says_so():
    weight = programme_weights(events(type=["Robbery", "Theft", "Fraud"]), "street_safety")
    assert weight.tolist() == [1095, 0.5 * 182.5, 0]
    assert weight.attrs["unit"] == "days"


def test_road_safety_counts_pedestrians_twice():
    table = events(kind="accident", type=["pedestrian hit", "crash"], injured=[1, 1], killed=[0, 0])
    assert programme_weights(table, "road_safety").tolist() == [12.5, 6.25]


def test_what_police_found_themselves_counts_only_for_a_programme_that_says_so():
    table = events(type=["Drugs", "Theft"])
    assert programme_weights(table, "drugs").tolist() == [1, 0]
    weight = programme_weights(table, "night")
    assert weight.tolist() == [0, 1]
    assert weight.attrs["notes"] == ("1 events found by police themselves weigh 0",)


def test_the_first_rule_that_fits_decides(tmp_path):
    path = write(tmp_path, 'title = "x"\n[[rule]]\ncategory = ["theft"]\nweight = 0.25\n'
                           '[[rule]]\nkind = ["crime"]\n')  # fmt: skip
    assert programme_weights(events(type=["Theft", "Fraud"]), path).tolist() == [0.25, 1]


@pytest.mark.parametrize(
    ("wanted", "weights"),
    [(["188"], [1, 1, 0, 0]), (["188-3"], [1, 0, 0, 0]), (["345-1-0"], [0, 0, 1, 0]),
     (["345-1-2", "99"], [0, 0, 1, 1])],
)  # fmt: skip
def test_an_article_without_a_part_stands_for_all_its_parts(tmp_path, wanted, weights):
    path = write(tmp_path, f'title = "x"\n[[rule]]\narticle = {wanted}\n')
    table = events(type=["ст.188 ч.3", "ст.188", "ст.345-1 ч.2", "ст.99 ч.1"])
    assert programme_weights(table, path).tolist() == weights


@pytest.mark.parametrize(
    ("when", "share"),
    [("2024-05-01 23:30", 1), ("2024-05-01 05:59", 1), ("2024-05-01 06:00", 0),
     ("2024-05-01 12:00", 0), ("2024-05-01 22:00", 1), ("2024-05-01 22", 1),
     ("2024-05-01", 8 / 24), ("2024-05", 8 / 24)],
)  # fmt: skip
def test_hours_weigh_the_share_of_an_event_in_them(tmp_path, when, share):
    path = write(tmp_path, 'title = "x"\n[[rule]]\nhours = [22, 6]\n')
    table = events(type=["Theft"], dates=when)
    assert programme_weights(table, path).tolist() == pytest.approx([share])


def test_hours_by_day_do_not_turn_round_midnight(tmp_path):
    path = write(tmp_path, 'title = "x"\n[[rule]]\nhours = [8, 20]\n')
    table = events(type=["Theft"] * 2, dates=["2024-05-01 08:00", "2024-05-01 20:00"])
    assert programme_weights(table, path).tolist() == [1, 0]


def test_an_interval_lies_in_the_hours_by_its_part(tmp_path):
    path = write(tmp_path, 'title = "x"\n[[rule]]\nhours = [22, 6]\n')
    table = pd.DataFrame({"date_start": ["2024-05-01 19:00"], "date_end": ["2024-05-01 23:00"],
                          "lon": 76.9, "lat": 43.2})  # fmt: skip
    table = read_events(table, kind="crime", tz="Asia/Almaty")
    assert table["time_precision"].tolist() == ["period"]
    assert programme_weights(table, path).tolist() == pytest.approx([0.25])


def test_an_event_without_harm_counts_with_the_median_of_the_others(tmp_path):
    path = write(tmp_path, 'title = "x"\nharm = true\n[[rule]]\n')
    weight = programme_weights(events(type=["Theft", "Robbery", "Dog"]), path)
    assert weight.tolist() == [182.5, 1095, 638.75]
    assert "1 events without harm count with the median, 638.75 days" in weight.attrs["notes"]


def test_a_programme_of_harm_needs_harm():
    with pytest.raises(SchemaError, match=r"weighs by harm.*harm='kz'"):
        programme_weights(events(type=["Theft"], harm=None), "street_safety")


def test_a_table_that_is_none_of_events_is_an_error():
    with pytest.raises(SchemaError, match="events"):
        programme_weights(pd.DataFrame({"kind": ["crime"]}), "night")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "is no TOML file"),
        ('title = "x"', "rule: .*required"),
        ('title = "x"\nrule = []', "rule: "),
        ('titel = "x"\n[[rule]]', "no key 'titel'; did you mean 'title'"),
        ('title = "x"\n[[rule]]\nkinds = ["crime"]', "key 'rule.0.kinds'; did you mean 'kind'"),
        ('title = "x"\n[[rule]]\nzzz = 1', "'rule.0.zzz'; wanted one of 'weight', 'kind'"),
        ('title = "x"\n[[rule]]\nkind = ["crimes"]', "rule 1: kind 'crimes'; wanted one of"),
        ('title = "x"\n[[rule]]\n[[rule]]\ncategory = ["thefts"]', "rule 2: category 'thefts'"),
        ('title = "x"\n[[rule]]\nseverity = ["bad"]', "severity 'bad'"),
        ('title = "x"\n[[rule]]\nweight = -1', "rule.0.weight.*given -1"),
        ('title = "x"\n[[rule]]\nweight = nan', "rule.0.weight"),
        ('title = "x"\n[[rule]]\nhours = [22]', "rule.0.hours"),
        ('title = "x"\n[[rule]]\nhours = [22, 30]', "wanted two hours of 0 to 24"),
        ('title = "x"\n[[rule]]\nhours = [0, 24]', "all day or none"),
        ('title = "x"\n[[rule]]\narticle = ["ст.188"]', "article 'ст.188'; wanted e.g. '188'"),
    ],
)
def test_a_file_that_is_wrong_says_its_key_and_the_mend(tmp_path, text, words):
    with pytest.raises(ConfigError, match=words) as error:
        read_programme(write(tmp_path, text))
    assert "my.toml" in str(error.value)


def test_a_programme_that_is_not_there_names_near_ones(tmp_path):
    with pytest.raises(
        OptionError, match=r"programme='burglery' is none\. Did you mean 'burglary'"
    ):
        read_programme("burglery")
    with pytest.raises(SourceNotFoundError, match="a TOML file of a programme"):
        read_programme(tmp_path / "none.toml")
    with pytest.raises(OptionError, match="programme is int; wanted a name"):
        programme_weights(events(type=["Theft"]), 5)


def test_the_programme_in_the_docs_reads(tmp_path):
    blocks = re.findall(r"^```toml\n(# programme.*?)^```", DOCS.read_text("utf-8"), re.M | re.S)
    assert blocks
    for block in blocks:
        assert read_programme(write(tmp_path, block)).rules
