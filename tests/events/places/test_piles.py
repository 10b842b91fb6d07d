"""Many events on one point are said, with a place that names no building, and not dropped."""

import numpy as np

from patrolmap.events import check_events


def check(table, **options):
    return check_events(table, **({"kind": "crime", "tz": "Asia/Almaty"} | options))


def said(report, words):
    return [note for note in report.notes if words in note]


def test_piles_are_reported_with_their_share_and_not_dropped(crimes):
    table = crimes(rows=200)
    table.loc[:39, ["lon", "lat"]] = [76.92861234, 43.25671234]
    table.loc[40:64, ["lon", "lat"]] = [76.91, 43.24]
    table.loc[65:83, ["lon", "lat"]] = [76.915, 43.245]  # 19: no pile
    report = check(table)
    assert report.kept == 200
    (note,) = said(report, "piled on one point")
    assert "40 (20%) at 76.929, 43.257, 25 (12%) at 76.910, 43.240;" in note


def test_only_the_three_largest_piles_are_named(crimes):
    table = crimes(rows=120)
    table["lon"] = 76.9 + np.arange(120) // 24 / 100
    table["lat"] = 43.25
    (note,) = said(check(table), "piled on one point")
    assert note.count(" at ") == 3 and "and 2 more points" in note


def test_a_pile_of_few_in_a_large_table_is_not_named(crimes):
    table = crimes(rows=3000)
    table["lon"], table["lat"] = 76.9 + np.arange(3000) / 1e5, 43.25
    table.loc[:28, ["lon", "lat"]] = [76.95, 43.255]
    assert not said(check(table, columns={"date": None}), "piled on one point")
    assert said(check(table[:2800], columns={"date": None}), "29 (1%) at 76.950")
