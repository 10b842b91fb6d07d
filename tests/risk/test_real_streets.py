"""The estimate on real streets: short footways, loops and all."""

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

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "portland"
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


def test_61_days_of_calls_are_expected_again_in_61_days(portland):
    calls, streets = portland
    model = NetworkKDE(bandwidth=300).fit(calls, streets)
    assert [str(t.date()) for t in model.observed_] == ["2016-08-01", "2016-10-01"]
    risk = model.predict(
        "2016-10-01 00:00-07:00", "2016-12-01 00:00-08:00"
    )  # 61 days, one hour more
    assert risk.sum() == pytest.approx(len(model.events_) * (1 + 1 / 24 / 61))
    assert (risk >= 0).all()
    assert model.early_ < 0.03


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
