"""Networks as networkx graphs in osmnx's schema, and any such graph as lines.

A graph of ours keeps all that the tables hold, so that it can be turned back as it was. Any other
is a table of lines whose edges are rows; the rules decide from its tags who may use them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap import __version__
from patrolmap._crs import to_lonlat
from patrolmap.errors import CRSError, SchemaError
from patrolmap.schema import NODES, SEGMENTS
from patrolmap.streets.boundary import choose_crs, read_boundary
from patrolmap.streets.lines.assemble import Options, assemble
from patrolmap.streets.lines.table import FLAGS, Lines
from patrolmap.streets.sources.graph_rows import (
    DRIVE,
    ENDS,
    SHARED,
    check_graph,
    read_edges,
    read_nodes,
)
from patrolmap.streets.sources.osm import OSM_CREDIT
from patrolmap.streets.sources.table import check_lines, table_lines

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def to_graph(
    segments: gpd.GeoDataFrame,
    nodes: gpd.GeoDataFrame,
    *,
    attribution: str,
    report: Mapping[str, float],
    fingerprint: str,
) -> Any:
    """Build the graph of a network; what each attribute means, `to_networkx` says."""
    import networkx as nx

    graph = nx.MultiDiGraph(
        crs=segments.crs,
        created_with=f"patrolmap {__version__}",
        simplified=True,
        attribution=attribution,
        fingerprint=fingerprint,
        report=json.dumps({name: float(value) for name, value in report.items()}),
        network_crs=segments.crs.srs,
    )
    walk, along, against = (segments[name].to_numpy(dtype=bool) for name in FLAGS)
    there = walk | along | ~against  # one that nobody may use is drawn once, not lost
    back = walk | against
    count = (
        pd.Series(segments[ENDS].to_numpy().ravel())
        .value_counts()
        .reindex(nodes.index, fill_value=0)
    )
    x, y = shapely.get_coordinates(nodes.geometry.to_numpy()).T.tolist()
    graph.add_nodes_from(
        (node, {"x": i, "y": j, "street_count": n})
        for node, i, j, n in zip(nodes.index.tolist(), x, y, count.tolist(), strict=True)
    )
    told = list(_edge_records(segments))
    graph.add_edges_from(_edges(segments, told, there, oneway=there != back))
    graph.add_edges_from(_edges(segments, told, back, oneway=there != back, turned=True))
    return graph


def _edge_records(segments: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    """Yield what both edges of a segment say; an empty cell says nothing, as in osmnx."""
    columns = {
        "osmid": _numbers(segments.index),
        "segment_id": segments.index.tolist(),
        "row": range(len(segments)),
        **{name: _plain(segments[name]) for name in SHARED},
    }
    for values in zip(*columns.values(), strict=True):
        yield {k: v for k, v in zip(columns, values, strict=True) if v is not None}


def _edges(
    segments: gpd.GeoDataFrame,
    told: list[dict[str, Any]],
    which: Bools,
    *,
    oneway: Bools,
    turned: bool = False,
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the edges that run along (or, `turned`, against) some segments."""
    rows = np.flatnonzero(which)
    step = -1 if turned else 1
    tail, head = (segments[name].to_numpy()[rows].tolist() for name in ENDS[::step])
    along, against = (segments[name].to_numpy()[rows].tolist() for name in DRIVE[::step])
    geometry = segments.geometry.to_numpy()[rows]
    shapes = shapely.reverse(geometry) if turned else geometry
    one = oneway[rows].tolist()
    parts = zip(rows.tolist(), tail, head, along, against, one, shapes, strict=True)
    for row, u, v, forward, backward, single, shape in parts:
        own = {
            "oneway": single,
            "reversed": turned,
            "drive": forward,
            "drive_forward": forward,
            "drive_backward": backward,
            "geometry": shape,
        }
        yield u, v, told[row] | own


def _numbers(ids: pd.Index) -> list[int]:
    """Give each segment id a number of its own; below zero, where OSM has no ways."""
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in ids)
    return [-1 - (int.from_bytes(digest, "big") >> 12) for digest in digests]


def _plain(column: pd.Series) -> list[Any]:
    """Return a column as Python values, None where it is empty."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf":
        return column.tolist()  # type: ignore[no-any-return]
    return [None if pd.isna(value) else value for value in column.tolist()]


def own_parts(graph: Any) -> dict[str, Any] | None:
    """Return the parts of the network that `to_graph` made a graph of, None for other graphs.

    Of a graph that was changed since, they are what it says now: the fingerprint tells.
    """
    check_graph(graph)
    told = graph.graph
    if not {"fingerprint", "report", "network_crs"} <= told.keys():
        return None
    try:
        crs = CRS.from_user_input(told["network_crs"])
        if CRS.from_user_input(told["crs"]) != crs:
            return None
        points, _ = read_nodes(graph)
        segments = _own_segments(read_edges(graph, points), crs)
        report = {str(name): float(v) for name, v in json.loads(told["report"]).items()}
    except (CRSError, SchemaError, KeyError, TypeError, ValueError):
        return None
    nodes = gpd.GeoDataFrame(
        index=pd.Index(points.index, name=NODES.index[0].name),
        geometry=shapely.points(points[["x", "y"]].to_numpy()),
        crs=crs,
    )
    attribution = str(told.get("attribution") or "")
    return {"segments": segments, "nodes": nodes, "attribution": attribution, "report": report}


def _own_segments(edges: pd.DataFrame, crs: CRS) -> gpd.GeoDataFrame:
    """Turn edges of our own making back into segments, in their order."""
    turned = edges["reversed"].map(_truth).to_numpy(dtype=bool)
    rows = edges["row"].map(int).to_numpy()
    order = np.lexsort((turned, rows))
    first = order[np.diff(rows[order], prepend=-1) > 0]
    if not np.array_equal(rows[first], np.arange(len(first))):
        raise ValueError("segments are missing")
    edges, turned = edges.iloc[first], turned[first]
    pairs = ((ENDS, ["u", "v"]), (DRIVE, DRIVE))
    columns: dict[str, Any] = {}
    for names, of_edge in pairs:
        for name, ahead, behind in zip(names, of_edge, of_edge[::-1], strict=True):
            columns[name] = np.where(turned, edges[behind], edges[ahead])
    geometry = edges["geometry"].to_numpy()
    columns["geometry"] = np.where(turned, shapely.reverse(geometry), geometry)
    for name in SHARED:
        columns[name] = edges[name].tolist() if name in edges else [None] * len(edges)
    cast: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "bool": _truth}
    for column in SEGMENTS.columns:
        if column.kind in cast:
            columns[column.name] = list(map(cast[column.kind], columns[column.name]))
        elif column.kind == "str":
            texts = [value if value is None else str(value) for value in columns[column.name]]
            columns[column.name] = pd.array(texts, dtype="str")
    index = pd.Index(edges["segment_id"].map(str), name=SEGMENTS.index[0].name, dtype="str")
    ordered = {name: columns[name] for name in SEGMENTS.names}
    return gpd.GeoDataFrame(ordered, index=index, geometry="geometry", crs=crs)


def _truth(value: Any) -> bool:
    return {"True": True, "False": False}[str(value)]


def read_graph(graph: Any, *, boundary: Any, crs: Any, **options: Any) -> dict[str, Any]:
    """Return the parts of the network that any graph makes, as `StreetNetwork.from_networkx`."""
    area = None if boundary is None else read_boundary(boundary)
    wanted = Options(boundary=area, **options)
    lines, metric, report, credit = graph_lines(graph, crs=crs, area=area)
    segments, nodes, repairs = assemble(lines, wanted, crs=metric)
    return {
        "segments": segments,
        "nodes": nodes,
        "attribution": credit,
        "report": report | repairs,
    }


def graph_lines(
    graph: Any, *, crs: Any, area: gpd.GeoSeries | None, what: str = "the graph"
) -> tuple[Lines, CRS, dict[str, float], str]:
    """Turn any graph in osmnx's schema into lines over shared nodes, and say whom it is owed to.

    Raises
    ------
    OptionError, SchemaError, CRSError, SourceFormatError
        If it is no graph, its nodes stand nowhere, it has no CRS, or no edge may be used.
    """
    check_graph(graph, what=what)
    if graph.graph.get("crs") in (None, ""):
        raise CRSError(f"{what} has no CRS; state it as graph.graph['crs'] = 'EPSG:4326'.")
    try:
        given = CRS.from_user_input(graph.graph["crs"])
    except Exception as error:  # pyproj raises its own family of errors
        raise CRSError(
            f"{what}: crs={graph.graph['crs']!r} is no coordinate system that PROJ knows: {error}"
        ) from error
    points, crossing = read_nodes(graph, what)
    edges = read_edges(graph, points, what)
    if {"segment_id", "row"} <= set(edges):  # its own order keeps the ids of parallels
        edges["osmid"] = edges["row"]
    rows = check_lines(gpd.GeoDataFrame(edges, geometry="geometry", crs=given), what=what)
    x, y = np.median(shapely.get_coordinates(rows.geometry.to_numpy()), axis=0)
    lon, lat = to_lonlat(rows.crs, x, y)
    metric = choose_crs(crs, area, lon=float(lon), lat=float(lat))
    lines, report = table_lines(rows, crs=metric, what=what)
    made_with = str(graph.graph.get("created_with", ""))
    credit = graph.graph.get("attribution") or (OSM_CREDIT if "OSMnx" in made_with else "")
    marked = points.index.to_numpy()[crossing]
    lines = replace(lines, crossing=np.isin(lines.node_id, marked))
    return lines, metric, report, str(credit)
