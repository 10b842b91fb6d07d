"""Measure the simple network kernel, and choosing a bandwidth; `rows` is what `density.py` shows.

    python benchmarks/density_simple.py              # all, each in a process of its own
    python benchmarks/density_simple.py density grid 1000000

Times are the least of some runs: of the densities alone (quartic, 500 m, lixels of at most 20 m;
events are snapped and lixels cut before), and of the whole choice of a bandwidth from snapped
events or points. The peer is what one writes with scipy: distances from both ends of each event's
segment by `scipy.sparse.csgraph.dijkstra(limit=)`, then numpy over the lixels in reach. PyNKDV, the
published engine, has no library for Linux in the package index; on one machine its C++ took 87 s
for 10,000 and 164 s for 1,000,000 events on the same grid (see docs).
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import density_network as network
import measure

Told = dict[str, Any]
Row = tuple[str, ...]


def density(name: str, count: str, runs: int = 5) -> Told:
    """Time one density of so many events; `first` is the first call in this process."""
    import numpy as np

    from patrolmap.risk.density.kernels import KERNELS
    from patrolmap.risk.density.lixels import Lixels

    streets = network.streets_of(name)
    lixels = Lixels.cut(streets, network.LIXEL)
    segment, offset = network.events_on(streets, int(count))
    weight = np.ones(len(segment))
    streets.graph("walk")
    took = []
    began = time.perf_counter()
    from patrolmap.risk.density.simple import simple_density

    for _ in range(runs + 1):
        cpu = time.process_time()
        simple_density(
            streets, segment, offset, weight, bandwidth=network.BANDWIDTH,
            kernel=KERNELS["quartic"], lixel_indptr=lixels.indptr,
        )  # fmt: skip
        took.append((time.perf_counter() - began, time.process_time() - cpu))
        began = time.perf_counter()
    wall, cpu = (min(column) for column in zip(*took[1:], strict=True))
    return {
        "seconds": wall, "cpu": cpu, "first": took[0][0], "memory": measure.peak_mb(),
        "segments": len(streets.segments), "lixels": len(lixels),
    }  # fmt: skip


def scipy(count: str) -> Told:
    """Time scipy's way on the grid, and hold ours against it."""
    import numpy as np

    from patrolmap.risk.density.kernels import KERNELS
    from patrolmap.risk.density.lixels import Lixels
    from patrolmap.risk.density.simple import simple_density

    streets = network.streets_of("grid")
    lixels = Lixels.cut(streets, network.LIXEL)
    segment, offset = network.events_on(streets, int(count))
    options: dict[str, Any] = {
        "bandwidth": network.BANDWIDTH, "kernel": KERNELS["quartic"],
        "lixel_indptr": lixels.indptr,
    }  # fmt: skip
    simple_density(streets, segment, offset, np.ones(len(segment)), **options)
    began = time.perf_counter()
    ours = simple_density(streets, segment, offset, np.ones(len(segment)), **options)
    middle = time.perf_counter()
    theirs = _by_scipy(streets, lixels.indptr, segment, offset)
    return {
        "ours": middle - began, "theirs": time.perf_counter() - middle,
        "differ": float(np.abs(ours - theirs).max() / theirs.max()),
    }  # fmt: skip


def _by_scipy(streets: Any, indptr: Any, segment: Any, offset: Any) -> Any:
    """Add events up one by one over the lixels that scipy's distances reach."""
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    tail, head = streets.ends
    length, reach = streets.length_mm / 1000, network.BANDWIDTH
    row = np.repeat(np.arange(len(length)), np.diff(indptr))
    pieces = np.diff(indptr)[row]
    at = (np.arange(len(row)) - indptr[row] + 0.5) * length[row] / pieces
    shape = (len(streets.nodes), len(streets.nodes))
    graph = csr_array((length, (tail, head)), shape=shape)
    out = np.zeros(len(row))
    order = np.argsort(segment, kind="stable")
    for some in np.array_split(order, max(len(order) // 100, 1)):
        from_tail = dijkstra(graph, directed=False, indices=tail[segment[some]], limit=reach)
        from_head = dijkstra(graph, directed=False, indices=head[segment[some]], limit=reach)
        for i, event in enumerate(some):
            x, s = segment[event], offset[event]
            node = np.minimum(from_tail[i] + s, from_head[i] + length[x] - s)
            near = np.flatnonzero((node[tail] <= reach) | (node[head] <= reach))
            near = np.union1d(near, x)
            mine = np.concatenate([np.arange(indptr[j], indptr[j + 1]) for j in near])
            j = row[mine]
            d = np.minimum(node[tail[j]] + at[mine], node[head[j]] + length[j] - at[mine])
            d = np.where(j == x, np.minimum(d, np.abs(at[mine] - s)), d)
            out[mine] += 15 / 16 / reach * np.maximum(1 - (d / reach) ** 2, 0) ** 2
    return out


def bandwidth(where: str, count: str, runs: int = 3) -> Told:
    """Time the choice of a bandwidth on Porto: "esd" or "simple" on streets, or in the "plane"."""
    import numpy as np

    from patrolmap.risk.density.bandwidth import network_selection, planar_selection
    from patrolmap.risk.density.kernels import KERNELS

    streets = network.streets_of("porto")
    segment, offset = network.events_on(streets, int(count))
    weight, kernel = np.ones(len(segment)), KERNELS["quartic"]
    streets.graph("walk")
    lines = streets.segments.geometry.iloc[segment]
    points = lines.interpolate(offset).get_coordinates().to_numpy()
    took = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        if where == "plane":
            found = planar_selection(points, weight, kernel=kernel)
        else:
            method = cast(Literal["esd", "simple"], where)
            found = network_selection(
                streets, segment, offset, weight, kernel=kernel, method=method
            )
        took.append(time.perf_counter() - began)
    return {
        "seconds": min(took[1:]), "notes": found.notes[0], "grid": len(found.curve),
        "memory": measure.peak_mb(),
    }  # fmt: skip


def child(*arguments: object) -> Told:
    """Run one measurement in a process of its own."""
    told: Told = measure.run([sys.executable, Path(__file__), *map(str, arguments)]).told
    return told


def rows() -> list[Row]:
    """Return rows for the table: work, time, what else to know."""
    out: list[Row] = []
    each = {}
    for name in ("grid", "porto"):
        for count in (10_000, 100_000, 1_000_000):
            child("density", name, count)
            told = child("density", name, count)
            each[name] = told["seconds"] / told["segments"]
            what = f"simple, {count:,} events, {name} ({told['segments']:,} segments)"
            more = f"{told['memory']:,.0f} MB, first call {told['first'] - told['seconds']:+.2f} s"
            out.append((what, f"{told['seconds'] * 1000:,.0f} ms", more))
    ratio = each["porto"] / each["grid"]
    out.append(("simple, Porto's time per segment over the grid's", f"{ratio:.1f}", ""))
    told = child("scipy", 10_000)
    times = f"{told['theirs'] / told['ours']:,.0f} times as long; differs by {told['differ']:.0e}"
    out.append(("scipy's way, 10,000 events, grid", f"{told['theirs']:.1f} s", times))
    for where in ("esd", "simple", "plane"):
        told = child("bandwidth", where, 100_000)
        what = f"bandwidth chosen out of {told['grid']}, {where}, Porto, 100,000 events"
        out.append((what, f"{told['seconds']:.1f} s", told["notes"]))
    return out


def main() -> None:
    """Measure one thing and say it as JSON, or print all rows."""
    given = sys.argv[1:]
    work: dict[str, Callable[..., Told]] = {
        "density": density, "scipy": scipy, "bandwidth": bandwidth,
    }  # fmt: skip
    if given and given[0] in work:
        print(json.dumps(work[given[0]](*given[1:])))
        return
    print(f"Measured on {measure.machine()}.")
    for row in rows():
        print(" | ".join(row), flush=True)


if __name__ == "__main__":
    main()
