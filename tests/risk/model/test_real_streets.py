"""The estimate on real streets: short footways, loops and all."""

import time
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import RejectedRowsWarning
from patrolmap.events.read import read_events
from patrolmap.risk import NetworkKDE, hotspots
from patrolmap.streets import StreetNetwork, read_streets
from shared import shared_file

HOUR = ("2016-10-03 20:00-07:00", "2016-10-03 21:00-07:00")
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "portland"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/portland"),
]


@pytest.fixture(scope="module")
def portland() -> tuple[gpd.GeoDataFrame, StreetNetwork]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RejectedRowsWarning)
        calls = read_events(
            DATA / "nij_calls_2016-08_2016-09.parquet", kind="call", tz="America/Los_Angeles"
        )
    return calls, read_streets(DATA / "portland-central.osm.pbf")


def test_as_many_calls_a_week_are_expected_as_there_were(portland):
    calls, streets = portland
    model = NetworkKDE(bandwidth=300).fit(calls, streets)
    assert [str(t.date()) for t in model.observed_] == ["2016-08-01", "2016-10-01"]
    risk = model.predict("2016-10-03 00:00-07:00", "2016-10-31 00:00-07:00")  # four weeks
    assert risk.sum() == pytest.approx(len(model.events_) * 28 / 61)
    assert (risk >= 0).all()


@pytest.mark.parametrize("city", ["portland", "pittsburgh"])
def test_the_default_risk_finds_at_least_as_many_later_events_as_raw_counts(city):
    import density_default

    shared_file(f"{city}")
    rows = list(getattr(density_default, city)(DATA.parent))
    assert len(rows) == {"portland": 2, "pittsburgh": 10}[city]
    for row in rows:
        assert row.risk >= row.counts, row


def test_a_default_fit_takes_a_second_or_so_and_a_prediction_less(portland):
    calls, streets = portland
    NetworkKDE().fit(calls, streets).predict(*HOUR)  # compiles
    before = time.process_time()
    risk = NetworkKDE().fit(calls, streets).predict(*HOUR)
    assert time.process_time() - before < 5
    assert risk.sum() > 0


def test_hot_streets_hold_far_more_than_their_share_of_the_calls_that_follow(portland):
    calls, streets = portland
    september = pd.Timestamp("2016-09-01", tz="America/Los_Angeles")
    before = calls["occurred_from"] < september
    august = NetworkKDE(bandwidth=300).fit(calls[before], streets)
    found = hotspots(august.predict("2016-09-01 00:00-07:00", "2016-10-01 00:00-07:00"), streets)
    later = NetworkKDE(bandwidth=300).fit(calls[~before], streets).events_["segment_id"]
    hot = np.concatenate(found["segment_ids"].to_list())
    assert found["length_share"].sum() <= 0.05
    assert later.isin(hot).mean() > 3 * 0.05
