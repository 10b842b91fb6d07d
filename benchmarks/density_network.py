"""Measure equal-split kernel density along streets; `rows` is what `density.py` puts in its table.

    python benchmarks/density_network.py             # all, each in a process of its own
    python benchmarks/density_network.py density grid esd 1000000
    python benchmarks/density_network.py density tiles esc 10000000 2

Every figure is the least of some runs on lixels cut before: `density` is the time of the densities
alone (events are snapped, lixels are cut), `table` that of `network_kde` with its table of lines.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import measure

DATA = measure.ROOT.parent / "shared"
PORTO = DATA / "data" / "porto" / "porto.osm.pbf"
LIXEL, BANDWIDTH = 20.0, 500.0
Told = dict[str, Any]


def grid() -> Any:
    """Return the jittered grid of 46,788 segments as a street network."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    from patrolmap.streets import StreetNetwork

    given = np.load(DATA / "bench" / "grid" / "grid_46800.npz")
    xy = given["node_xy"] + [500_000, 5_000_000]
    ends = np.column_stack([given["from_node"], given["to_node"]]).astype(np.int64)
    n = len(ends)
    nothing = pd.Series([None] * n, dtype="str").array
    index = pd.Index([f"g{i}" for i in range(n)], name="segment_id", dtype="str")
    rows = pd.DataFrame(
        {
            "from_node": ends[:, 0],
            "to_node": ends[:, 1],
            "length": np.round(given["length"], 3),
            **dict.fromkeys(("walk", "drive_forward", "drive_backward", "inside"), True),
            "street_id": index.array,
            **dict.fromkeys(("name", "name_kk", "name_ru", "name_en"), nothing),
            "highway": "residential",
            "lit": "unknown",
            **dict.fromkeys(("surface", "sidewalk", "area"), nothing),
            **dict.fromkeys(("bridge", "tunnel"), False),
            "crossings": 0,
        },
        index=index,
    )
    lines = shapely.linestrings(xy[ends].reshape(-1, 2), indices=np.repeat(np.arange(n), 2))
    nodes = gpd.GeoDataFrame(
        index=pd.RangeIndex(len(xy), name="node_id"), geometry=shapely.points(xy), crs=32632
    )
    return StreetNetwork(segments=gpd.GeoDataFrame(rows, geometry=lines, crs=32632), nodes=nodes)


def streets_of(name: str) -> Any:
    """Return the grid, or a city as read by default."""
    if name == "grid":
        return grid()
    from patrolmap.streets import read_streets

    whole = read_streets(PORTO if name in ("porto", "tiles") else name)
    return tiles(whole, 5) if name == "tiles" else whole


def tiles(streets: Any, copies: int) -> Any:
    """Lay copies of a city side by side, 100 km apart."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import shapely

    from patrolmap.streets import StreetNetwork

    apart = int(streets.nodes.index.max()) - int(streets.nodes.index.min()) + 1
    segments, nodes = [], []
    for i in range(copies):
        moved = streets.segments.copy()
        moved.index = moved.index + f"@{i}"
        moved[["from_node", "to_node"]] += i * apart
        place = streets.nodes.copy()
        place.index = place.index + i * apart
        for part in (moved, place):
            part.geometry = shapely.transform(
                part.geometry.to_numpy(), lambda xy, east=i * 100_000.0: np.add(xy, (east, 0.0))
            )
        segments.append(moved)
        nodes.append(place)
    both = [gpd.GeoDataFrame(pd.concat(parts), crs=streets.crs) for parts in (segments, nodes)]
    both[1].index.name = "node_id"
    return StreetNetwork(segments=both[0].rename_axis("segment_id"), nodes=both[1])


def events_on(streets: Any, count: int) -> tuple[Any, Any]:
    """Scatter snapped events evenly over the walkable streets: rows of segments, offsets."""
    import numpy as np

    rng = np.random.default_rng(1)
    walked = np.where(streets.segments["walk"], streets.length_mm / 1000, 0.0)
    segment = rng.choice(len(walked), count, p=walked / walked.sum())
    return segment, rng.random(count) * walked[segment]


def density(name: str, method: Any, count: str, runs: int = 5) -> Told:
    """Time one density of so many events; `first` is the first call in this process."""
    import numpy as np

    from patrolmap.risk.density.lixels import Lixels

    streets = streets_of(name)
    lixels = Lixels.cut(streets, LIXEL)
    segment, offset = events_on(streets, int(count))
    weight = np.ones(len(segment))
    streets.graph("walk")
    took = []
    began = time.perf_counter()
    from patrolmap.risk.density.waves import lixel_waves

    for _ in range(runs + 1):
        cpu = time.process_time()
        found = lixel_waves(
            streets, lixels.indptr, segment, offset, weight, bandwidth=BANDWIDTH, method=method
        )
        took.append((time.perf_counter() - began, time.process_time() - cpu))
        began = time.perf_counter()
    wall, cpu = (min(column) for column in zip(*took[1:], strict=True))
    return {
        "seconds": wall, "cpu": cpu, "first": took[0][0], "memory": measure.peak_mb(),
        "segments": len(streets.segments), "lixels": len(lixels),
        "mass": float(found @ lixels.length / len(segment)),
    }  # fmt: skip


def table(name: str, method: Any, count: str, runs: int = 3) -> Told:
    """Time `network_kde` from snapped events to its table of lixels."""
    import pandas as pd

    from patrolmap.risk.density.lixel_kde import network_kde
    from patrolmap.risk.density.lixels import Lixels

    streets = streets_of(name)
    segment, offset = events_on(streets, int(count))
    snapped = pd.DataFrame(
        {"segment_id": streets.segments.index.take(segment).array, "offset": offset}
    )
    lixels = Lixels.cut(streets, LIXEL)
    network_kde(snapped, streets, bandwidth=BANDWIDTH, lixel_length=lixels, method=method)
    again, whole = [], []
    for _ in range(runs):
        began = time.perf_counter()
        network_kde(snapped, streets, bandwidth=BANDWIDTH, lixel_length=lixels, method=method)
        again.append(time.perf_counter() - began)
        began = time.perf_counter()
        network_kde(snapped, streets, bandwidth=BANDWIDTH, lixel_length=LIXEL, method=method)
        whole.append(time.perf_counter() - began)
    return {"seconds": min(whole), "again": min(again), "memory": measure.peak_mb()}


def child(*arguments: object) -> Told:
    """Run one measurement in a process of its own."""
    told: Told = measure.run([sys.executable, Path(__file__), *map(str, arguments)]).told
    return told


def rows() -> list[tuple[str, ...]]:
    """Return rows for the table: work, time, what else to know."""
    out: list[tuple[str, ...]] = []
    per_segment = {}
    for name in ("grid", "porto"):
        for method, count in (("esd", 10_000), ("esd", 1_000_000), ("esc", 1_000_000)):
            child("density", name, method, count)
            told = child("density", name, method, count)
            per_segment[name] = told["seconds"] / told["segments"]
            what = f"{method}, {count:,} events, {name} ({told['segments']:,} segments)"
            more = f"{told['memory']:,.0f} MB, first call {told['first'] - told['seconds']:+.2f} s"
            out.append((what, f"{told['seconds'] * 1000:,.0f} ms", more))
    ratio = per_segment["porto"] / per_segment["grid"]
    out.append(("esc, Porto's time per segment over the grid's", f"{ratio:.1f}", ""))
    told = child("table", "grid", "esd", 1_000_000)
    out.append(("`network_kde`, grid, esd, 1,000,000 snapped events, lines cut before",
                f"{told['again'] * 1000:,.0f} ms", f"{told['memory']:,.0f} MB"))  # fmt: skip
    out.append(("the same, lines cut too", f"{told['seconds'] * 1000:,.0f} ms", ""))
    told = child("density", "tiles", "esc", 10_000_000, 2)
    what = f"esc, 10,000,000 events, {told['segments']:,} segments (Porto five times)"
    out.append((what, f"{told['seconds']:.1f} s", f"{told['memory'] / 1000:.1f} GB"))
    return out


def main() -> None:
    """Measure one thing and say it as JSON, or print all rows."""
    given = sys.argv[1:]
    if given and given[0] in ("density", "table"):
        work = density if given[0] == "density" else table
        name, method, count, *runs = given[1:]
        print(json.dumps(work(name, method, count, *map(int, runs))))
        return
    print(f"Measured on {measure.machine()}.")
    for row in rows():
        print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main()
