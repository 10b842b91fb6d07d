"""Hand-made event tables on the test towns."""

from collections.abc import Callable, Sequence

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import Point

from towns import CENTRE, CRS

TZ = "Asia/Almaty"
Incident = tuple[str, tuple[float, float], str | None, str]


def incidents(rows: Sequence[Incident], *, tz: str = TZ) -> gpd.GeoDataFrame:
    """Build events from (kind, metres from the town's centre, local time, precision) rows."""
    start = pd.Series([pd.NaT if r[2] is None else pd.Timestamp(r[2]) for r in rows])
    start = start.astype("datetime64[us]").dt.tz_localize(tz)
    wide = {
        "day": pd.Timedelta(days=1),
        "hour": pd.Timedelta(hours=1),
        "month": pd.Timedelta(days=30),
    }
    width = pd.Series([wide.get(r[3], pd.Timedelta(0)) for r in rows], dtype="timedelta64[us]")
    nothing = pd.array([None] * len(rows), dtype="str")
    index = pd.Index([f"{r[0]}:{i}" for i, r in enumerate(rows)], name="event_id", dtype="str")
    return gpd.GeoDataFrame(
        {
            "kind": [r[0] for r in rows],
            "category": "other",
            "article": nothing,
            "severity": nothing,
            "harm": float("nan"),
            "occurred_from": start.array,
            "occurred_to": (start + width).array,
            "time_precision": [r[3] for r in rows],
            "place": nothing,
            "police_initiated": False,
        },
        geometry=[Point(x + CENTRE[0], y + CENTRE[1]) for _, (x, y), _, _ in rows],
        index=index,
        crs=CRS,
    )


@pytest.fixture(scope="session", name="incidents")
def incidents_fixture() -> Callable[..., gpd.GeoDataFrame]:
    return incidents
