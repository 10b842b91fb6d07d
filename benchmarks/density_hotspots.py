"""Measure hotspots and their statistics on Porto, with esda beside them on the same graph.

    python benchmarks/density_hotspots.py [--data ../shared/data] [--events 100000]

Events are made up (seeded): half of them around 30 places. Each figure is the least of three runs
in one process, after a first call that compiles; wall seconds, with those of the processor beside.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import measure
import patrolmap as pm
from patrolmap.risk.spots.local import neighbours
from patrolmap.risk.spots.placed import place_events

Row = tuple[str, ...]
HEAD: Row = ("work", "who", "wall", "processor", "found")
NEAR = 50_000  # events of the Knox test


def main() -> None:
    """Print the rows as a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=measure.ROOT.parent / "shared" / "data")
    parser.add_argument("--events", type=int, default=100_000)
    given = parser.parse_args()
    print(measure.machine())
    for row in (HEAD, ("---",) * len(HEAD), *hotspot_rows(given.data, given.events)):
        print("| " + " | ".join(row) + " |")


def hotspot_rows(data: Path, n: int = 100_000) -> list[Row]:
    """Measure everything; one row a piece of work and who did it."""
    streets = pm.read_streets(data / "porto" / "porto.osm.pbf")
    events = make_events(streets, n)
    risk = pd.Series(1.0, index=streets.segments.index)
    few = events.iloc[:NEAR]

    def found_by(method: Any) -> Row:
        return _row(
            f"`hotspots`, {method}, {n:,} events",
            lambda: pm.hotspots(risk, streets, events=events, method=method),
            lambda found: f"{len(found):,} hotspots",
        )

    def tested_by(method: Any) -> Row:
        return _row(
            f"`local_statistics`, {method}, neighbours share a node",
            lambda: pm.local_statistics(events, streets, method=method, reach=0),
            lambda found: f"{int(found['hot'].sum()):,} segments hot",
        )

    def trends(step: str) -> Row:
        return _row(
            f"`segment_trends`, bins of {step}, {n:,} events",
            lambda: pm.segment_trends(events, streets, bin=step),
            lambda found: f"{int(found['p_value'].notna().sum()):,} segments tested",
        )

    def repeats(where: str, along: pm.StreetNetwork | None) -> Row:
        return _row(
            f"`near_repeat`, {where}, to 400 m, 999 permutations, {len(few):,} events",
            lambda: pm.near_repeat(few, streets=along),
            lambda found: f"{int(found['observed'].sum()):,} pairs within 28 days",
        )

    rows = [found_by(method) for method in ("top", "gi", "moran", "clusters")]
    rows += [tested_by(method) for method in ("gi", "moran")]
    rows += _esda(streets, events)
    rows += [trends(step) for step in ("4W", "1W")]
    rows += [repeats("straight", None), repeats("along the streets", streets)]
    return rows


def _esda(streets: pm.StreetNetwork, events: gpd.GeoDataFrame) -> list[Row]:
    """Measure esda on the graph and the values that `local_statistics` makes."""
    import esda
    from libpysal.graph import Graph
    from scipy.sparse import coo_array

    placed = place_events(events, streets, max_snap=50, police_initiated=False)
    rows = np.flatnonzero(placed.counted)
    near = coo_array(neighbours(streets, rows, 0.0).astype(float))
    count = placed.counts[rows].astype(float)
    out = [
        _row(
            "Gi* of the same counts, without p of permutations",
            lambda: esda.G_Local(
                count, Graph.from_sparse(near), transform="B", permutations=0, star=True
            ),
            lambda found: f"{int((found.p_norm < 0.05).sum()):,} below 0.05, uncorrected",
            who="esda",
            runs=1,
        )
    ]
    off = near.row != near.col
    links = coo_array((near.data[off], (near.row[off], near.col[off])), shape=near.shape)
    out.append(
        _row(
            "local Moran of the same counts, 999 permutations each",
            lambda: esda.Moran_Local(
                count, Graph.from_sparse(links), permutations=999, seed=1, keep_simulations=False
            ),
            lambda found: f"{int((found.p_sim <= 0.001).sum()):,} at 0.001, uncorrected",
            who="esda",
            runs=1,
        )
    )
    return out


def make_events(streets: pm.StreetNetwork, n: int) -> gpd.GeoDataFrame:
    """Make up a year of events on the streets, half of them around 30 places."""
    rng = np.random.default_rng(6)
    segments = streets.segments
    counted = (segments["walk"] & segments["inside"]).to_numpy()
    length = segments["length"].to_numpy() * counted
    lines = segments.geometry.to_numpy()
    middle = shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))
    weight = np.zeros(len(segments))
    for place in rng.choice(len(segments), 30):
        far = np.hypot(*(middle - middle[place]).T)
        weight += np.exp(-(far**2) / (2 * 250**2))
    weight *= length
    share = 0.5 * length / length.sum() + 0.5 * weight / weight.sum()
    row = rng.choice(len(segments), n, p=share)
    points = shapely.line_interpolate_point(lines[row], rng.random(n), normalized=True)
    moment = pd.Timestamp("2025-01-01", tz="Europe/Lisbon") + pd.to_timedelta(
        rng.integers(0, 364 * 1440, n), unit="m"
    )
    nothing = pd.array([None] * n, dtype="str")
    return gpd.GeoDataFrame(
        {
            "kind": "crime", "category": "other", "article": nothing, "severity": nothing,
            "harm": np.nan, "occurred_from": moment, "occurred_to": moment,
            "time_precision": "minute", "place": nothing, "police_initiated": False,
        },
        geometry=points,
        index=pd.Index([f"crime:{i}" for i in range(n)], name="event_id", dtype="str"),
        crs=streets.crs,
    )  # fmt: skip


def _row(
    work: str,
    call: Callable[[], Any],
    words: Callable[[Any], str],
    *,
    who: str = "patrolmap",
    runs: int = 3,
) -> Row:
    """Measure one piece of work, and say what it found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = call() if runs > 1 else None  # compiles
        wall, processor = np.inf, np.inf
        for _ in range(runs):
            began, used = time.perf_counter(), time.process_time()
            found = call()
            wall = min(wall, time.perf_counter() - began)
            processor = min(processor, time.process_time() - used)
    return work, who, f"{wall:.2f} s", f"{processor:.2f} s", words(found)


if __name__ == "__main__":
    main()
