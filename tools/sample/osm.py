"""Write the town as an OSM extract, and its boundary as GeoJSON."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from .ground import Floats, densify, to_degrees, to_ground
from .places import Spot, boundary, boundary_names
from .town import Town
from .weave import Tags

FIRST_NODE, FIRST_WAY = 11_200_000_001, 1_210_000_001
STAMP = datetime(2026, 11, 1, tzinfo=UTC)  # fixed, so that the bytes are


def node_id(row: int) -> int:
    """Return the OSM id of a street node by its row."""
    return FIRST_NODE + row


def write_pbf(path: Path, town: Town, spots: list[Spot]) -> None:
    """Write nodes, then ways, in the order of their ids."""
    places = [to_degrees(to_ground(town.streets.nodes))]
    ways = list(zip(town.streets.ways, town.streets.tags, strict=True))
    outlines: list[tuple[Floats, Tags]] = [
        (densify(shapely.get_coordinates(area.shape.exterior), 40), area.tags)
        for area in town.areas
    ]
    flow = shapely.get_coordinates(town.river)[::-1]  # from the mountains down to the plain
    outlines.append(
        (
            flow,
            {
                "waterway": "river",
                "name": "Қарасу",
                "name:kk": "Қарасу өзені",
                "name:ru": "река Карасу",
                "name:en": "Karasu",
            },
        )
    )
    count = len(places[0])
    for corners, tags in outlines:
        closed = bool(np.allclose(corners[0], corners[-1]))
        own = corners[:-1] if closed else corners
        rows = list(range(count, count + len(own)))
        ways.append((rows + rows[:1] if closed else rows, tags))
        places.append(to_degrees(to_ground(own)))
        count += len(own)
    places.append(to_degrees(np.array([spot.at for spot in spots])))
    node_tags = {count + k: spot.tags for k, spot in enumerate(spots)}
    _write(path, np.concatenate(places), node_tags, ways)


def _write(
    path: Path, places: Floats, node_tags: Mapping[int, Tags], ways: list[tuple[list[int], Tags]]
) -> None:
    header = osmium.io.Header()
    header.set("generator", "patrolmap make_sample")
    corners = [
        osmium.osm.Location(float(lon), float(lat))
        for lon, lat in (places.min(axis=0), places.max(axis=0))
    ]
    header.add_box(osmium.osm.Box(*corners))
    common: dict[str, Any] = {"version": 1, "timestamp": STAMP}
    with osmium.SimpleWriter(str(path), header=header, overwrite=True) as writer:
        for row, (lon, lat) in enumerate(places):
            writer.add_node(
                osmium.osm.mutable.Node(
                    id=node_id(row),
                    location=(float(lon), float(lat)),
                    tags=dict(sorted(node_tags.get(row, {}).items())),
                    **common,
                )
            )
        for number, (rows, tags) in enumerate(ways):
            writer.add_way(
                osmium.osm.mutable.Way(
                    id=FIRST_WAY + number,
                    nodes=[node_id(row) for row in rows],
                    tags=dict(sorted(tags.items())),
                    **common,
                )
            )


def write_boundary(path: Path) -> None:
    """Write the district's boundary as one GeoJSON feature."""
    corners = to_degrees(np.array(boundary().exterior.coords), digits=6).tolist()
    feature = {
        "type": "Feature",
        "properties": {"name": boundary_names()["name"]} | boundary_names(),
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }
    collection = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(collection, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
