"""Events made for maps: where they are wanted, one a minute, on the tables' contract."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from towns import CENTRE, CRS, Corner

TEXTS = ("kind", "category", "article", "severity", "time_precision", "place")
FIRST = pd.Timestamp("2026-03-01 22:05", tz="Asia/Almaty")


def make_events(
    corners: Sequence[Corner], kinds: Sequence[str], **columns: Any
) -> gpd.GeoDataFrame:
    """Make an event at each corner (metres from a town's centre); `columns` overrides columns."""
    n = len(corners)
    when = FIRST + pd.to_timedelta(range(n), unit="min")
    table = pd.DataFrame(
        {
            "kind": list(kinds), "category": "theft", "article": "188-3", "severity": "grave",
            "harm": 7.0, "occurred_from": when, "occurred_to": when, "time_precision": "minute",
            "place": "042", "police_initiated": False,
        } | columns,
        index=pd.Index([f"e-{i}" for i in range(n)], name="event_id", dtype="str"),
    )  # fmt: skip
    x, y = [c[0] + CENTRE[0] for c in corners], [c[1] + CENTRE[1] for c in corners]
    table = table.astype(dict.fromkeys(TEXTS, "str"))
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=CRS)


def make_places(corners: Sequence[Corner], kinds: Sequence[str], names: Sequence[Any]) -> Any:
    """Make a place at each corner, with its name in one language."""
    nothing = pd.Series([None] * len(corners), dtype="str").array
    table = pd.DataFrame(
        {"kind": list(kinds), "name": list(names)}, dtype="str",
        index=pd.Index([f"node/{i}" for i in range(len(corners))], name="place_id", dtype="str"),
    ).assign(**dict.fromkeys(("name_kk", "name_ru", "name_en"), nothing))  # fmt: skip
    x, y = [c[0] + CENTRE[0] for c in corners], [c[1] + CENTRE[1] for c in corners]
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=CRS)
