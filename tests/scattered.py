"""Events scattered over test towns: uniformly, in planted places, at planted times."""

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from patrolmap.streets.network import StreetNetwork

TZ = "Asia/Almaty"
START = pd.Timestamp("2025-01-01", tz=TZ)


def table(
    points: object, times: object, streets: StreetNetwork, *, kind: object = "crime",
    precision: str = "minute", width: str = "0D",
) -> gpd.GeoDataFrame:  # fmt: skip
    """Build events at points and times (aware)."""
    points = np.asarray(points)
    nothing = pd.array([None] * len(points), dtype="str")
    when = pd.Series(times).astype(f"datetime64[us, {TZ}]")
    return gpd.GeoDataFrame(
        {
            "kind": kind,
            "category": "other",
            "article": nothing,
            "severity": nothing,
            "harm": float("nan"),
            "occurred_from": when.array,
            "occurred_to": (when + pd.Timedelta(width)).array,
            "time_precision": precision,
            "place": nothing,
            "police_initiated": False,
        },
        geometry=points,
        index=pd.Index([f"crime:{i}" for i in range(len(points))], name="event_id", dtype="str"),
        crs=streets.crs,
    )


def scatter(
    streets: StreetNetwork, n: int, *, planted: Mapping[str, int] | None = None, seed: int = 0,
    days: int = 364,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Throw n events uniformly on street length and time, and some more on named segments."""
    rng = np.random.default_rng(seed)
    length = streets.segments["length"].to_numpy()
    row = rng.choice(len(length), n, p=length / length.sum())
    more = [np.full(k, streets.segments.index.get_loc(i)) for i, k in (planted or {}).items()]
    row = np.concatenate([row, *more]).astype(int)
    lines = streets.segments.geometry.to_numpy()[row]
    points = shapely.line_interpolate_point(lines, rng.uniform(0.02, 0.98, len(row)) * length[row])
    minutes = rng.integers(0, days * 1440, len(row))
    return table(points, START + pd.to_timedelta(minutes, unit="m"), streets)
