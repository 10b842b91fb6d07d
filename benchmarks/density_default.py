"""What the default risk is worth beside raw counts: hits of the next period on the top 5 %.

    python benchmarks/density_default.py

A map is fitted on one month or year; streets are ranked by risk per metre, and the events of the
next month or year that lie on the top 5 % of the walkable street length are counted. Raw counts
per metre rank by the same events alone. The interval is of the difference, from 1,000 draws of the
later events by blocks of 500 m with replacement: events near each other stand and fall together.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from shapely.geometry import box

import measure
import patrolmap as pm

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

COVERAGE = 0.05
BLOCK = 500.0  # m
DRAWS = 1000
CENTRE = box(-122.710, 45.491, -122.631, 45.545)  # where the extract of Portland has every street


class Row(NamedTuple):
    """One comparison, in per cent of the later events.

    Attributes
    ----------
    what : str
    events, later : int
        Events learned from, and those scored.
    counts, risk : float
        On the top 5 % by raw counts per metre, and by the default risk.
    low, high : float
        95 % of the draws of risk - counts.
    bandwidth, strength : float
        What the model chose.
    """

    what: str
    events: int
    later: int
    counts: float
    risk: float
    low: float
    high: float
    bandwidth: float
    strength: float


def main() -> None:
    """Print the table."""
    rows = default_rows(measure.ROOT.parent / "shared" / "data")
    print(table(rows))


def default_rows(data: Path) -> list[Row]:
    """Measure Portland (its centre, and all of the extract) and ten years of Pittsburgh."""
    return [*portland(data), *pittsburgh(data)]


def portland(data: Path) -> Iterator[Row]:
    """Rank by the calls of August, score those of September."""
    source = data / "portland" / "portland-central.osm.pbf"
    calls = pm.check_events(
        data / "portland" / "nij_calls_2016-08_2016-09.parquet", kind="call",
        tz="America/Los_Angeles",
    ).events  # fmt: skip
    september = pd.Timestamp("2016-09-01", tz="America/Los_Angeles")
    august, later = (
        calls[calls["occurred_from"] < september], calls[calls["occurred_from"] >= september],
    )  # fmt: skip
    for name, boundary in (("Portland, centre", CENTRE), ("Portland, all of the extract", None)):
        streets = pm.read_streets(source, boundary=boundary)
        yield compare(f"{name}: August, September 2016", august, later, streets)


def pittsburgh(data: Path) -> Iterator[Row]:
    """Rank by the offences of each year from 1990 to 1999, score those of the next."""
    streets = pm.read_streets(data / "pittsburgh" / "pittsburgh_osm_edges.parquet")
    offences = pm.check_events(
        data / "pittsburgh" / "CrimeLatLonXY.csv", kind="crime", tz="America/New_York",
        columns={"date": "Date", "category": "Offense", "lon": "Long", "lat": "Lat"},
        time_format="%m/%d/%y",
    ).events  # fmt: skip
    year = offences["occurred_from"].dt.year
    for first in range(1990, 2000):
        yield compare(
            f"Pittsburgh: {first}, {first + 1}", offences[year == first],
            offences[year == first + 1], streets,
        )  # fmt: skip


def compare(
    what: str, events: gpd.GeoDataFrame, later: gpd.GeoDataFrame, streets: pm.StreetNetwork
) -> Row:
    """Rank by both, score both on the same later events."""
    (kind,) = events["kind"].unique()
    model = pm.NetworkKDE(police_initiated=True).fit(events, streets)
    start = model.observed_[1]
    risk = model.predict(start, start + pd.Timedelta("7D")).to_numpy()
    rows = streets.segments.index.get_indexer(model.events_["segment_id"])
    counts = np.bincount(rows, minlength=len(risk)).astype(np.float64)
    places = pm.snap_events(later, streets)
    found = places["segment_id"].notna().to_numpy()
    on = streets.segments.index.get_indexer(places["segment_id"][found])
    inside = streets.segments["inside"].to_numpy()
    on, later = on[inside[on]], later[found][inside[on]].to_crs(streets.crs)
    hit = {name: hits(values, streets, on) for name, values in (("n", counts), ("r", risk))}
    low, high = interval(hit["r"] - hit["n"], later)
    return Row(
        what=what, events=len(rows), later=len(on), counts=100 * hit["n"].mean(),
        risk=100 * hit["r"].mean(), low=low, high=high, bandwidth=model.bandwidth_[kind],
        strength=model.strength_[kind],
    )  # fmt: skip


def hits(values: Floats, streets: pm.StreetNetwork, on: Ints) -> Floats:
    """Return 1 for each event on the top of the streets, 0 off it, a part on the last segment."""
    length = streets.segments["length"].to_numpy()
    counted = (streets.segments["walk"] & streets.segments["inside"]).to_numpy()
    rows = np.flatnonzero(counted)
    order = rows[np.argsort(-(values / length)[rows], kind="stable")]
    total = np.cumsum(length[order])
    budget = COVERAGE * length[counted].sum()
    share = np.zeros(len(length))
    share[order] = np.clip((budget - (total - length[order])) / length[order], 0.0, 1.0)
    return share[on]


def interval(difference: Floats, later: gpd.GeoDataFrame) -> tuple[float, float]:
    """Draw blocks of events with replacement; return 95 % of the mean differences, in per cent."""
    x, y = later.geometry.x.to_numpy() // BLOCK, later.geometry.y.to_numpy() // BLOCK
    block = pd.MultiIndex.from_arrays([x, y]).factorize()[0]
    total, size = np.bincount(block, difference), np.bincount(block)
    drawn = np.random.default_rng(1).integers(0, len(size), (DRAWS, len(size)))
    means = 100 * total[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def table(rows: list[Row]) -> str:
    """Write the rows as Markdown."""
    lines = [
        "| fitted on, scored on | events | scored | counts | default risk | difference (95 %) "
        "| bandwidth | K |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        gain = row.risk - row.counts
        lines.append(
            f"| {row.what} | {row.events:,} | {row.later:,} | {row.counts:.2f} % "
            f"| {row.risk:.2f} % | {gain:+.2f} ({row.low:+.2f} to {row.high:+.2f}) "
            f"| {row.bandwidth:g} m | {row.strength:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
