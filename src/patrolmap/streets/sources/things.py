"""Tagged things of an OSM file and their shapes: nodes, and areas of closed ways and relations.

Areas are assembled by libosmium, which knows how rings of many ways touch and nest. It is given
not the file but only what the wanted areas are made of, numbered anew: so a country costs little
memory, and ids that are out of order, negative (drafts) or stand twice do not stop it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from patrolmap.errors import CRSError
from patrolmap.streets.sources.osm import Nodes, Place, Thing, osm_file, relation_thing

_FILTERED = 1 << 32


def find_things(path: Path, *tags: tuple[str, str]) -> list[Thing]:
    """Find nodes, closed ways and area relations that carry any of these tags, in order of id.

    Of several with one id the newest version counts (history files are not understood beyond
    that); ways that do not close are lines, and left out. Call it within `osm_errors`.

    Raises
    ------
    CRSError
        If such a node stands outside the world.
    """
    import osmium

    fits = osmium.filter.TagFilter(*tags)
    newest: dict[tuple[int, int], tuple[Any, Thing | None]] = {}
    for found in osmium.FileProcessor(osm_file(path)).with_filter(fits):
        thing = _take(found, path)
        key = ("nwr".index(found.type_str()), found.id)
        rank = (found.version, repr(thing))  # never the order in the file
        if key not in newest or rank > newest[key][0]:
            newest[key] = (rank, thing)
    return [thing for _, (_, thing) in sorted(newest.items()) if thing is not None]


def _take(found: Any, path: Path) -> Thing | None:
    tags = dict(found.tags)
    if found.is_node():
        place = _place_of(found, path)
        return Thing(form="node", number=found.id, version=found.version, tags=tags, place=place)
    if found.is_way():
        if not found.is_closed() or len(found.nodes) < 4 or tags.get("area") == "no":
            return None
        parts = _nodes(found)
        return Thing(form="way", number=found.id, version=found.version, tags=tags, parts=parts)
    return relation_thing(found)


def _nodes(way: Any) -> tuple[int, ...]:
    return tuple([node.ref for node in way.nodes])


def _place_of(node: Any, path: Path) -> Place:
    lon, lat = node.location.x / 1e7, node.location.y / 1e7
    if abs(lon) > 180 or abs(lat) > 90:
        raise CRSError(
            f"{path}: node {node.id} stands at lon={lon:g}, lat={lat:g}, outside the world; wanted "
            "degrees. Correct or delete it in the file."
        )
    return lon, lat


def draw_areas(path: Path, things: Iterable[Thing]) -> tuple[dict[str, Any], dict[str, str]]:
    """Draw closed ways and relations as shapely MultiPolygons in degrees.

    Call it within `osm_errors`.

    Returns
    -------
    shapes : dict
        By the thing's id.
    left_out : dict
        Why the others cannot be drawn, by id: the file lacks some of their ways or nodes, or what
        it has does not close.

    Raises
    ------
    CRSError
        If a node of theirs stands outside the world.
    """
    areas = [thing for thing in things if thing.form != "node"]
    nodes_of = nodes_of_ways(path, {ref for t in areas if t.form == "relation" for ref in t.parts})
    nodes_of |= {thing.number: thing.parts for thing in areas if thing.form == "way"}
    left_out = {}
    ways_of = {}
    for thing in areas:
        ways = (thing.number,) if thing.form == "way" else thing.parts
        if ways and nodes_of.keys() >= set(ways):
            ways_of[thing.id] = ways
        else:
            there = sum(way in nodes_of for way in ways)
            left_out[thing.id] = f"{there} of its {len(ways)} ways are in the file"
    used = {way for ways in ways_of.values() for way in ways}
    places = _places(path, {node for way in used for node in nodes_of[way]})
    for thing_id, ways in list(ways_of.items()):
        nodes = {node for way in ways for node in nodes_of[way]}
        there = sum(node in places for node in nodes)
        if there < len(nodes):
            left_out[thing_id] = f"{there} of its {len(nodes)} nodes are in the file"
            del ways_of[thing_id]
    shapes = _assemble(ways_of, nodes_of, places)
    left_out |= dict.fromkeys(
        ways_of.keys() - shapes.keys(), "its outline does not close or crosses itself"
    )
    return shapes, left_out


def nodes_of_ways(path: Path, wanted: set[int]) -> dict[int, tuple[int, ...]]:
    """Return the nodes of the wanted ways; of several with one id the newest version counts."""
    import osmium

    if not wanted:
        return {}
    ways = osmium.FileProcessor(osm_file(path), osmium.osm.WAY)
    # The filter holds a bit for every id up to the largest: under 200 MB for OSM's ways (1.5 GB for
    # its nodes, so not for them). Negative or huge ids are of drafts, which are small.
    if min(wanted) >= 0 and max(wanted) < _FILTERED:
        ways.with_filter(osmium.filter.IdFilter(wanted))
    newest: dict[int, tuple[int, tuple[int, ...]]] = {}
    for way in ways:
        if way.id in wanted:
            found = (way.version, _nodes(way))
            newest[way.id] = max(newest.get(way.id, found), found)
    return {way_id: nodes for way_id, (_, nodes) in newest.items()}


def _places(path: Path, wanted: set[int]) -> dict[int, Place]:
    """Return where the wanted nodes stand; those that the file lacks are left out."""
    if not wanted:
        return {}
    ids = np.sort(np.fromiter(wanted, dtype=np.int64, count=len(wanted)))
    lon, lat = Nodes(path).find(ids)
    there = ~np.isnan(lon)
    place = zip(lon[there].tolist(), lat[there].tolist(), strict=True)
    return dict(zip(ids[there].tolist(), place, strict=True))


def _assemble(
    ways_of: Mapping[str, tuple[int, ...]],
    nodes_of: Mapping[int, tuple[int, ...]],
    places: Mapping[int, Place],
) -> dict[str, Any]:
    """Let libosmium join ways into areas: one relation a thing, in OSM's text form (OPL)."""
    import osmium

    new_node = {node: f"n{row}" for row, node in enumerate(places, start=1)}
    used = dict.fromkeys(way for ways in ways_of.values() for way in ways)
    new_way = {way: f"w{row}" for row, way in enumerate(used, start=1)}
    text = [f"{new_node[node]} x{lon:.7f} y{lat:.7f}" for node, (lon, lat) in places.items()]
    for way, new in new_way.items():
        text.append(f"{new} N" + ",".join([new_node[node] for node in nodes_of[way]]))
    for row, ways in enumerate(ways_of.values(), start=1):
        members = ",".join([f"{new_way[way]}@" for way in ways])
        text.append(f"r{row} Ttype=multipolygon,area=yes M{members}")
    buffer = osmium.io.FileBuffer("\n".join([*text, ""]).encode(), "opl")
    draw = osmium.geom.WKBFactory()
    ids = list(ways_of)
    areas = osmium.FileProcessor(buffer).with_areas().with_filter(osmium.filter.KeyFilter("area"))
    return {
        ids[area.orig_id() - 1]: shapely.from_wkb(draw.create_multipolygon(area))
        for area in areas
        if area.is_area() and area.num_rings()[0] > 0
    }


def any_place(path: Path) -> Place:
    """Return the place of any node of the file, which sets the zone of an empty table."""
    import osmium

    for node in osmium.FileProcessor(osm_file(path), osmium.osm.NODE):
        return _place_of(node, path)
    return 0.0, 0.0
