"""What `streets.py` measures, one function a process: `python streets_runs.py read FILE`.

Each says what it found as one line of JSON; `read_pyrosm` runs in a Python without patrolmap.
"""

import importlib
import inspect
import json
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure

Told = dict[str, Any]
SAMPLE = measure.ROOT / "data" / "sample" / "district.osm.pbf"
APART = 20_000_000_000  # added to the ids of each tile: above any of OSM's


def now() -> float:
    """Read the clock."""
    return time.perf_counter()


def ready(*, kernels: bool = True) -> Any:
    """Import patrolmap and all that its calls import when first used."""
    import patrolmap as pm

    if kernels:
        import patrolmap._kernels.paths
        import patrolmap._kernels.snap
    pm.read_streets(pm.datasets.sample().streets)
    return pm


def options_for(function: Any, **wanted: Any) -> Told:
    """Return those options that a function has."""
    has = inspect.signature(function).parameters
    return {name: value for name, value in wanted.items() if name in has}


def read(path: str, sidewalks: str, *boundary: str) -> Told:
    """Read a file to a walking graph."""
    pm = ready(kernels=False)
    began = now()
    district = boundary[0] if boundary else None
    streets = pm.read_streets(path, sidewalks=sidewalks, boundary=district)
    graph = streets.graph("walk")
    seconds = now() - began
    what = f"{len(streets.segments):,} segments, {len(graph.head):,} arcs"
    return {"seconds": seconds, "memory": measure.peak_mb(), "what": what}


def read_osmnx(path: str) -> Told:
    """Read XML with osmnx."""
    import osmnx

    began = now()
    graph = osmnx.graph_from_xml(path)
    seconds = now() - began
    what = f"{len(graph):,} nodes, {graph.number_of_edges():,} edges"
    return {"seconds": seconds, "memory": measure.peak_mb(), "what": what}


def read_pyrosm(path: str) -> Told:
    """Read a PBF with pyrosm, to tables and then to igraph."""
    import warnings

    pyrosm, _ = (importlib.import_module(name) for name in ("pyrosm", "igraph"))
    warnings.simplefilter("ignore")
    pyrosm.OSM(str(SAMPLE)).get_network("walking", nodes=True)
    began = now()
    osm = pyrosm.OSM(path)
    nodes, edges = osm.get_network("walking", nodes=True)
    tables = now() - began
    graph = osm.to_graph(nodes, edges, graph_type="igraph")
    seconds = now() - began
    what = f"{graph.vcount():,} nodes, {graph.ecount():,} edges; {tables:.2f} s to tables"
    return {"seconds": seconds, "memory": measure.peak_mb(), "what": what}


def as_xml(path: str, target: str) -> Told:
    """Write a PBF as XML."""
    import osmium

    with osmium.SimpleWriter(target, overwrite=True) as writer:
        osmium.apply(osmium.io.Reader(path), writer)
    return {}


def read_cached(path: str, folder: str) -> Told:
    """Read a file through the cache: from it, where an earlier run left it."""
    pm = ready(kernels=False)
    began = now()
    streets = pm.read_streets(path, cache_dir=folder)
    seconds = now() - began
    what = f"{len(streets.segments):,} segments"
    return {"seconds": seconds, "memory": measure.peak_mb(), "what": what}


def compare_lengths(path: str) -> Told:
    """Add up the ways that each walk filter admits, in km, and what differs by rule."""
    import numpy as np

    pm = ready()
    from patrolmap.streets import rules

    theirs = _osmnx_walks()
    km, difference = {"ours": 0.0, "theirs": 0.0}, defaultdict[str, float](float)
    tags, lengths = _ways(path)
    for way, metres in zip(tags, lengths, strict=True):
        kind = rules.main_kind(way["highway"])
        rule = rules.decide(rules.WALK_RULES, {**way, "highway": kind})
        mine, their = rule is not None and rule.admits, theirs(way)
        km["ours"] += mine * metres / 1000
        km["theirs"] += their * metres / 1000
        if mine != their:
            name = f"{rule.name}" if rule else "no rule admits them"
            what = f"{'in' if mine else 'out'} here: {name} ({kind})"
            difference[what] += (mine - their) * metres / 1000
    largest = sorted(difference.items(), key=lambda item: -abs(item[1]))
    shown, rest = largest[:12], largest[12:]
    if rest:
        shown.append((f"{len(rest)} smaller differences", float(np.sum([v for _, v in rest]))))
    streets = pm.read_streets(path, **options_for(pm.read_streets, sidewalks="keep"))
    dropped = streets.report["walkable length dropped, not connected (m)"] / 1000
    kept = streets.report["walkable length kept (m)"] / 1000
    network = [("our network with what is not connected", kept + dropped), ("our network", kept)]
    return km | {"differences": shown, "network": network}


def _osmnx_walks() -> Callable[[Told], bool]:
    """Return osmnx's walk filter, an Overpass expression, as a predicate of tags."""
    from osmnx import _overpass

    text = _overpass._get_network_filter("walk")
    parts = re.findall(r'\["([^"]+)"(?:!~"([^"]*)")?\]', text)
    assert "".join(f'["{k}"!~"{v}"]' if v else f'["{k}"]' for k, v in parts) == text

    def walks(tags: Told) -> bool:
        there = all(key in tags for key, pattern in parts if not pattern)
        return there and not any(p and k in tags and re.search(p, tags[k]) for k, p in parts)

    return walks


def _ways(path: str) -> tuple[list[Told], Any]:
    """Return the tags and lengths (m) of all ways that have a highway tag."""
    import numpy as np
    import osmium

    from patrolmap._crs import lonlat_to, utm_crs

    tags: list[Told] = []
    places, of = [], []
    ways = osmium.FileProcessor(path).with_locations().with_filter(
        osmium.filter.EntityFilter(osmium.osm.WAY)
    ).with_filter(osmium.filter.KeyFilter("highway"))  # fmt: skip
    for way in ways:
        here = [(n.location.lon, n.location.lat) for n in way.nodes if n.location.valid()]
        places += here
        of += [len(tags)] * len(here)
        tags.append({tag.k: tag.v for tag in way.tags})
    lon, lat = np.array(places).T
    x, y = lonlat_to(utm_crs(float(np.median(lon)), float(np.median(lat))), lon, lat)
    way_of = np.array(of)
    step = np.where(np.diff(way_of) == 0, np.hypot(np.diff(x), np.diff(y)), 0.0)
    return tags, np.bincount(way_of[1:], weights=step, minlength=len(tags)).tolist()


def snap(path: str, count: str) -> Told:
    """Snap events scattered around corners of streets; check 10,000 against GEOS."""
    import geopandas as gpd
    import numpy as np
    import shapely

    pm = ready()
    streets = pm.read_streets(path)
    walked = streets.segments.geometry[streets.segments["walk"]]
    rng = np.random.default_rng(1)
    corners = shapely.get_coordinates(walked.to_numpy())
    xy = corners[rng.integers(0, len(corners), int(count))] + rng.normal(0, 25, (int(count), 2))
    points = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs=streets.crs).to_crs(4326)
    events = points.to_frame("geometry")
    pm.snap_events(events.iloc[:10], streets)
    began = now()
    snapped = pm.snap_events(events, streets)
    seconds = now() - began
    peak = measure.peak_mb()
    some = rng.choice(int(count), 10_000, replace=False)
    there = points.iloc[some].to_crs(streets.crs)
    _, nearest = walked.sindex.nearest(there, return_all=False, return_distance=True)
    found = snapped.iloc[some]
    hit = found["segment_id"].notna().to_numpy()
    own = shapely.distance(there[hit], walked.loc[found["segment_id"][hit]].to_numpy())
    differ = int((hit != (nearest <= 50)).sum() + (np.abs(own - nearest[hit]) > 1e-6).sum())
    what = f"{len(streets.segments):,} segments; {hit.mean():.1%} within 50 m"
    return {
        "seconds": seconds, "memory": peak, "what": what, "differ": differ, "checked": len(some),
    }  # fmt: skip


def distances(path: str, count: str, limit: str) -> Told:
    """Measure distances between random nodes, and the same with scipy."""
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    pm = ready()
    streets = pm.read_streets(path)
    graph = streets.graph("walk")
    usable = np.flatnonzero(np.diff(graph.indptr))
    a, b = np.random.default_rng(1).choice(usable, (2, int(count)), replace=False)
    ids = streets.nodes.index
    pm.distance_matrix(streets, ids[a[:2]], ids[b[:2]])
    began = now()
    ours = pm.distance_matrix(streets, ids[a], ids[b], limit=float(limit))
    seconds = now() - began
    peak = measure.peak_mb()
    tail = np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))
    arcs = pd.DataFrame({"a": tail, "b": graph.head, "mm": graph.length})
    arcs = arcs.groupby(["a", "b"], as_index=False)["mm"].min()  # scipy adds parallels up
    shape = (graph.n_nodes, graph.n_nodes)
    matrix = coo_array((arcs["mm"].astype(float), (arcs["a"], arcs["b"])), shape=shape).tocsr()
    scipy_seconds, differ = 0.0, 0
    for part in range(0, len(a), 100):  # all rows at once would fill the memory
        began = now()
        found = dijkstra(matrix, indices=a[part : part + 100], limit=float(limit) * 1000)
        scipy_seconds += now() - began
        differ += int((found[:, b] / 1000 != ours.to_numpy()[part : part + 100]).sum())
    return {"seconds": seconds, "memory": peak, "scipy": scipy_seconds, "differ": differ}


def tile(path: str, target: str, count: str) -> Told:
    """Lay copies of a city side by side, each a district, with a road from each to the next."""
    import osmium
    from osmium.osm import NODE, RELATION, WAY, mutable

    number = int(count)
    corners = _corners(path, number)
    hub, lon, lat = _hub(path)
    draft = Path(target).with_suffix(".draft.pbf")
    with osmium.SimpleWriter(str(draft), overwrite=True) as writer:
        for i, (east, north) in enumerate(corners):
            for node in osmium.FileProcessor(path, NODE):
                place = (node.lon + east, node.lat + north)
                writer.add_node(node.replace(id=node.id + i * APART, location=place))
            for k, (dx, dy) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1)), start=1):
                place = (lon + east + dx * 0.02, lat + north + dy * 0.015)
                writer.add_node(mutable.Node(id=(i + 1) * APART - 10 + k, location=place))
        for i in range(number):
            for way in osmium.FileProcessor(path, WAY):
                refs = [node.ref + i * APART for node in way.nodes]
                writer.add_way(way.replace(id=way.id + i * APART, nodes=refs))
            fence = [(i + 1) * APART - 10 + k for k in (1, 2, 3, 4, 1)]
            writer.add_way(mutable.Way(id=(i + 1) * APART - 2, nodes=fence))
            if i + 1 < number:
                road, ends = {"highway": "primary"}, [hub + i * APART, hub + (i + 1) * APART]
                writer.add_way(mutable.Way(id=(i + 1) * APART - 1, nodes=ends, tags=road))
        for i in range(number):
            for relation in osmium.FileProcessor(path, RELATION):
                members = [(m.type, m.ref + i * APART, m.role) for m in relation.members]
                moved = relation.replace(id=relation.id + i * APART, members=members)
                writer.add_relation(moved)
            tags = {"type": "boundary", "boundary": "administrative", "admin_level": "9"}
            members = [("w", (i + 1) * APART - 2, "outer")]
            district = mutable.Relation(
                id=(i + 1) * APART - 1, members=members, tags={**tags, "name": f"District {i}"}
            )
            writer.add_relation(district)
    draft.replace(target)
    return {}


def _corners(path: str, number: int) -> list[tuple[float, float]]:
    """Return shifts in degrees that lay cities side by side, in a square."""
    import numpy as np
    import osmium

    lon, lat = np.array([(n.lon, n.lat) for n in osmium.FileProcessor(path, osmium.osm.NODE)]).T
    wide, high = float(np.ptp(lon)) + 0.05, float(np.ptp(lat)) + 0.05
    columns = int(number**0.5 + 0.999)
    return [((i % columns) * wide, -(i // columns) * high) for i in range(number)]


def _hub(path: str) -> tuple[int, float, float]:
    """Return a node in the middle of a city, on a street that is certainly walked and driven."""
    import numpy as np
    import osmium

    found = []
    streets = osmium.FileProcessor(path).with_locations().with_filter(
        osmium.filter.EntityFilter(osmium.osm.WAY)
    ).with_filter(osmium.filter.TagFilter(("highway", "residential")))  # fmt: skip
    for way in streets:
        if "access" not in way.tags and "foot" not in way.tags:
            node = way.nodes[0]
            found.append((node.ref, node.location.lon, node.location.lat))
    places = np.array([place[1:] for place in found])
    best = int(np.argmin(np.abs(places - np.median(places, axis=0)).sum(axis=1)))
    return found[best]


def plan(path: str) -> Told:
    """Read a large network and plan four crews on it."""
    import numpy as np
    import pandas as pd
    import psutil

    pm = ready()
    own = psutil.Process()
    began, before = now(), own.memory_info().rss
    streets = pm.read_streets(path)
    seconds, peak = now() - began, measure.peak_mb()
    held = (own.memory_info().rss - before) / 1e6
    rng = np.random.default_rng(1)
    risk = pd.Series(rng.random(len(streets.segments)), index=streets.segments.index, name="risk")
    usable = np.flatnonzero(np.diff(streets.graph("walk").indptr))
    place = streets.nodes.geometry.iloc[[usable[len(usable) // 2]]].to_crs(4326).iloc[0]
    shift = pm.Shift(
        depot=pm.Depot("hub", lon=place.x, lat=place.y),
        start="2026-11-22 20:00+00:00", duration="6h", crews=4,
    )  # fmt: skip
    began, start, seen = now(), own.memory_info().rss, [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            seen.append(own.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxRuntime(20), seed=1)
    done.set()
    plan_seconds, grown = now() - began, (max(seen) - start) / 1e6
    what = f"{len(streets.segments):,} segments, {len(plan.routes)} crews"
    return {
        "seconds": seconds, "memory": peak, "held": held, "what": what,
        "plan_seconds": plan_seconds, "plan_memory": grown,
    }  # fmt: skip


RUNS: dict[str, Callable[..., Told]] = {
    function.__name__: function
    for function in (
        read, read_osmnx, read_pyrosm, as_xml, read_cached, compare_lengths, snap, distances,
        tile, plan,
    )
}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(RUNS[sys.argv[1]](*sys.argv[2:])))
