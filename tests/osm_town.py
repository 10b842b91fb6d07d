"""Tiny OSM files for tests: nodes by their metres from the town's centre, ways by their nodes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import osmium
import pyproj
from osmium.osm import mutable

from patrolmap._crs import to_lonlat
from towns import CENTRE, CRS

Corner = tuple[float, float]
WayRow = tuple[int, Sequence[int], Mapping[str, str]]

STREET = {"highway": "residential"}


def write_town(
    path: Path,
    nodes: Mapping[int, Corner],
    ways: Iterable[WayRow],
    *,
    node_tags: Mapping[int, Mapping[str, str]] | None = None,
    areas: Iterable[tuple[int, Sequence[int], Mapping[str, str]]] = (),
) -> Path:
    """Write a town as an OSM file; ways may name nodes that the file lacks.

    `areas` are multipolygon relations: id, ids of the outer ways, tags.
    """
    tags = node_tags or {}
    writer = osmium.SimpleWriter(str(path), overwrite=True)
    try:
        for node_id, corner in sorted(nodes.items()):
            writer.add_node(
                mutable.Node(id=node_id, location=degrees(corner), tags=tags.get(node_id, {}))
            )
        for way_id, refs, way_tags in ways:
            writer.add_way(mutable.Way(id=way_id, nodes=list(refs), tags=way_tags))
        for relation_id, members, relation_tags in areas:
            writer.add_relation(
                mutable.Relation(
                    id=relation_id,
                    members=[("w", way_id, "outer") for way_id in members],
                    tags={"type": "multipolygon", **relation_tags},
                )
            )
    finally:
        writer.close()
    return path


def degrees(corner: Corner) -> tuple[float, float]:
    """Turn metres from the town's centre into longitude and latitude."""
    crs = pyproj.CRS.from_user_input(CRS)
    lon, lat = to_lonlat(crs, [corner[0] + CENTRE[0]], [corner[1] + CENTRE[1]])
    return float(lon[0]), float(lat[0])
