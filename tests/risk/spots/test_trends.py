"""Trends of segments: Mann and Kendall's numbers, and the class a planted street gets."""

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk import segment_trends
from patrolmap.risk.spots.trends import mann_kendall
from patrolmap.schema import SEGMENT_TRENDS
from scattered import START, scatter, table
from towns import grid_town

GRID = grid_town(6, 6)
WEEKS = 52
YEAR = (START.isoformat(), (START + pd.Timedelta(days=364)).isoformat())


def slow(counts):
    """Compute S, tau-b and p by the book, pair by pair."""
    t = len(counts)
    pairs = [(i, j) for i in range(t) for j in range(i + 1, t)]
    s = sum(int(np.sign(counts[j] - counts[i])) for i, j in pairs)
    ties = [counts.count(value) for value in set(counts)]
    variance = (t * (t - 1) * (2 * t + 5) - sum(m * (m - 1) * (2 * m + 5) for m in ties)) / 18
    unlike = sum(counts[i] != counts[j] for i, j in pairs)
    if unlike == 0:
        return 0.0, 1.0
    z = max(abs(s) - 1, 0) / np.sqrt(variance)
    return s / np.sqrt(len(pairs) * unlike), 2 * stats.norm.sf(z)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.integers(0, 4), min_size=9, max_size=9), min_size=1, max_size=5))
def test_tau_and_p_are_those_of_the_book(rows):
    tau, p = mann_kendall(np.array(rows))
    for counts, one, other in zip(rows, tau, p, strict=True):
        assert (one, other) == pytest.approx(slow(counts))
        if len(set(counts)) > 1:
            assert one == pytest.approx(stats.kendalltau(range(9), counts).statistic)


def planted(rates: dict[str, np.ndarray], seed: int = 0, *, noise: int = 500):
    """Give streets a number of events in each week, over uniform noise."""
    rng = np.random.default_rng(seed)
    points, times = [], []
    for name, rate in rates.items():
        for week, n in enumerate(rng.poisson(rate)):
            share = rng.uniform(0.1, 0.9, n)
            line = GRID.segments.geometry[name]
            points += list(shapely.line_interpolate_point(line, share, normalized=True))
            times += list(START + pd.to_timedelta(week * 7 + rng.uniform(0, 7, n), unit="D"))
    events = scatter(GRID, noise, seed=seed)
    more = table(points, times, GRID)
    more.index = pd.Index([f"crime:p{i}" for i in range(len(more))], name="event_id", dtype="str")
    return pd.concat([events, more])


WEEK = np.arange(WEEKS)
RATES = {
    "h-1-1": 8 * WEEK / WEEKS, "h-3-3": np.full(WEEKS, 2.0), "v-2-4": 8 * (1 - WEEK / WEEKS),
}  # fmt: skip


@pytest.mark.parametrize("bin", ["4W", "28D", "1W", "month"])
def test_planted_streets_get_their_class(bin):
    found = segment_trends(planted(RATES), GRID, bin=bin, observed=YEAR)
    assert found.columns.tolist() == SEGMENT_TRENDS.names
    assert found.loc[list(RATES), "trend"].tolist() == ["emerging", "persistent", "fading"]
    assert found["trend"].isin(["emerging", "fading", "persistent"]).sum() == 3
    assert found.loc["h-1-1", "tau"] > 0 > found.loc["v-2-4", "tau"]


def test_uniform_events_have_no_trends():
    alarms = [
        segment_trends(scatter(GRID, 600, seed=s), GRID, observed=YEAR)["trend"]
        .isin(["emerging", "fading"]).any()
        for s in range(20)
    ]  # fmt: skip
    assert sum(alarms) <= 4


def test_counts_bins_and_reports_add_up():
    events = scatter(GRID, 300)
    events["occurred_to"] = events["occurred_from"].where(
        np.arange(300) != 7, events["occurred_from"] + pd.Timedelta(days=90)
    )
    lost = events["occurred_from"].mask(np.arange(300) < 3)
    events = events.assign(
        occurred_from=lost, occurred_to=events["occurred_to"].where(lost.notna())
    )
    found = segment_trends(events, GRID, bin="3W", observed=YEAR)
    report = found.attrs["report"]
    assert len(found.attrs["bins"]) == 18  # 17 bins of 3 weeks, a week of the year over
    assert found.attrs["bins"][-1] == "2025-12-31T00:00:00"
    assert (report["without a time"], report["known to no bin"]) == (3, 1)
    assert report["used"] == found["n_events"].sum()
    assert report["events"] == sum(n for name, n in report.items() if name != "events")
    assert found.loc[found["n_events"] == 0, "trend"].eq("none").all()
    assert found.loc[found["n_events"] < 5, "p_value"].isna().all()
    assert found.loc[found["n_events"] >= 5, "p_value"].notna().all()


def test_counts_of_a_segment_are_tested_in_the_order_of_time():
    events = planted({"h-1-1": 3 * WEEK / WEEKS}, noise=0)
    found = segment_trends(events, GRID, bin="1W", observed=YEAR, min_events=1)
    week = (events["occurred_from"] - START) // pd.Timedelta(days=7)
    counts = np.bincount(week, minlength=WEEKS)
    tau, p = slow(counts.tolist())
    assert found.loc["h-1-1", ["tau", "p_value"]].tolist() == pytest.approx([tau, p])
    assert found.loc["h-1-1", "active_bins"] == (counts > 0).sum()
    assert found.attrs["all"] == pytest.approx({"tau": tau, "p_value": p})


def test_the_order_of_events_changes_nothing():
    events = planted(RATES)
    one, two = (segment_trends(e, GRID, observed=YEAR) for e in (events, events.iloc[::-1]))
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bin": "28"}, "whole days or weeks"),
        ({"bin": "5h"}, "whole days or weeks"),
        ({"bin": "often"}, "whole days or weeks"),
        ({"bin": "-4W"}, "whole days or weeks"),
        ({"bin": "26W"}, "holds 2 whole bins"),
        ({"alpha": 2}, "alpha=2"),
        ({"min_events": 0}, "min_events=0"),
        ({"police_initiated": 1}, "True or False"),
    ],
)
def test_an_option_out_of_range_is_named(given, said):
    with pytest.raises(OptionError, match=said):
        segment_trends(scatter(GRID, 30), GRID, **{"observed": YEAR} | given)


def test_events_without_times_have_no_trends():
    events = scatter(GRID, 30)
    nothing = events["occurred_from"].where(np.zeros(30, dtype=bool))
    events = events.assign(occurred_from=nothing, occurred_to=nothing)
    with pytest.raises(SchemaError, match="no event has a time"):
        segment_trends(events, GRID)
