"""Areas of an OSM file: squares to be walked across, and the parks and squares segments lie in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap._crs import lonlat_to
from patrolmap.streets import rules
from patrolmap.streets.lines.table import MOSTLY, TAGS
from patrolmap.streets.sources.osm import Box, Nodes, Thing, osm_errors
from patrolmap.streets.sources.things import nodes_of_ways
from patrolmap.streets.sources.ways import NAME_KEYS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Objects = npt.NDArray[np.object_]
Ring = tuple[int, ...]  # node ids, the first not repeated at the end

# Walkable areas that are no squares: yards, turning places and car parks drawn as areas.
_SQUARE_KINDS = rules.FOOTWAYS | {"living_street"}
_LEAST_WIDTH = 5.0  # m, on average: what is narrower is a sidewalk drawn as an area
_ON_BORDER = 0.1  # m
_TRUE_TO, _SEEN_AROUND, _LEAST_SEEN = 2.0, 500.0, 100.0  # m, m, m²: of grounds on a map


@dataclass(frozen=True, kw_only=True)
class Squares:
    """Walkable areas as rings of nodes, in degrees, in order of id: ways first, then relations.

    Attributes
    ----------
    osm_id : (n_squares,) int64
        Id of the closed way or of the multipolygon relation.
    from_way : (n_squares,) bool
    tags : DataFrame
        One row a square, as `Lines.tags`.
    square : (n_rings,) int64
        Row of the square each ring belongs to.
    polygon : (n_rings,) int64
        Number of the polygon each ring belongs to; its first ring is the outer one.
    start : (n_rings + 1,) int64
        Vertices of ring i are `start[i]:start[i + 1]`; the first is not repeated at the end.
    ref, lon, lat : (n_vertices,)
        Node ids, and where they stand.
    """

    osm_id: Ints
    from_way: npt.NDArray[np.bool_]
    tags: pd.DataFrame
    square: Ints
    polygon: Ints
    start: Ints
    ref: Ints
    lon: Floats
    lat: Floats


@dataclass(frozen=True, kw_only=True)
class Areas:
    """What an OSM file draws as areas and a patrol should know.

    Attributes
    ----------
    squares : Squares
        Highway areas that may be walked.
    grounds : (n,) shapely polygons in degrees
        Parks, squares and water.
    kinds : (n,) str
        `square`, `park` or `water`, of each ground.
    left_out : int
        Areas that the file holds only a part of, or whose outline crosses itself; water, which
        often goes on beyond an extract, is not counted.
    """

    squares: Squares
    grounds: Objects
    kinds: Objects
    left_out: int


class _Area(NamedTuple):
    """A closed way or a relation, as found; its outline comes later."""

    osm_id: int
    from_way: bool
    version: int
    names: tuple[str | None, ...]
    square: rules.Judged | None  # None where it is no street, or closed to walkers
    ground: str | None
    parts: tuple[int, ...]  # nodes of a way (first and last equal), ways of a relation
    polygons: Sequence[Sequence[Ring]] = ()  # of each the outer ring, then the inner ones


@dataclass(frozen=True)
class _Places:
    """Where the nodes of all areas stand, ascending by id; NaN where the file lacks one."""

    ids: Ints
    lon: Floats
    lat: Floats

    def rows(self, refs: Iterable[int]) -> Ints:
        return np.searchsorted(self.ids, np.fromiter(refs, dtype=np.int64))


def read_areas(
    path: Path, things: Iterable[Thing], *, nodes: Nodes, box: Box | None = None
) -> Areas:
    """Draw squares that may be walked across, parks and squares of an OSM file.

    A square is a closed highway way with ``area=yes``, or a multipolygon relation with a highway
    tag, that the rules let walkers into; a ground is a park (``leisure=park``), a place tagged
    ``place=square``, a square made for walkers, or water.

    Parameters
    ----------
    path
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    things
        Its closed ways and relations with `AREA_TAGS`, as `Nodes` and `read_ways` come by them or
        `find_things` finds them; others do no harm.
    nodes
        The places of the file's nodes.
    box
        West, south, east, north in degrees: areas that do not reach into it are left out.

    Raises
    ------
    SourceFormatError
        If the file cannot be read to its end.
    CRSError
        If a node of an area stands outside the world.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from patrolmap.streets.sources.osm import AREA_TAGS
    >>> from patrolmap.streets.sources.things import find_things
    >>> xml = '''<osm version="0.6"><node id="1" lon="76.95" lat="43.24"/>
    ... <node id="2" lon="76.951" lat="43.24"/><node id="3" lon="76.95" lat="43.241"/>
    ... <way id="9"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>
    ... <tag k="highway" v="pedestrian"/><tag k="area" v="yes"/></way></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "town.osm")
    ...     _ = path.write_text(xml)
    ...     areas = read_areas(path, find_things(path, *AREA_TAGS), nodes=Nodes(path))
    >>> areas.squares.ref.tolist(), areas.kinds.tolist()
    ([1, 2, 3], ['square'])
    """
    with osm_errors(path):
        found = _newest([area for thing in things if (area := _judge(thing))])
        ways = [area for area in found if area.from_way]
        relations = [area for area in found if not area.from_way]
        nodes_of = nodes_of_ways(path, {way for area in relations for way in area.parts})
        wanted = {
            ref for refs in (*nodes_of.values(), *(way.parts for way in ways)) for ref in refs
        }
        ids = np.sort(np.fromiter(wanted, dtype=np.int64, count=len(wanted)))
        places = _Places(ids, *nodes.find(ids))
        ways = [way._replace(polygons=[[_open(way.parts)]]) for way in ways]
        areas = [*ways, *_join(relations, nodes_of, places)]
    return _gather(areas, places, box)


def place_in_areas(segments: gpd.GeoDataFrame, areas: Areas) -> Objects:
    """Say of each segment whether its middle lies in a square or a park, or in neither (None).

    A square wins over a park. On the very border, footways lie in it and streets for cars beside
    it; areas narrower than 5 m on average are sidewalks, not squares.

    Examples
    --------
    >>> from shapely import LineString, box
    >>> park = Areas(squares=None, grounds=np.array([box(75, 0.0001, 75.1, 0.1)]),
    ...     kinds=np.array(["park"], dtype=object), left_out=0)
    >>> table = gpd.GeoDataFrame({"drive_forward": [False] * 2, "drive_backward": [False] * 2},
    ...     geometry=[LineString([(500_500, y), (500_600, y)]) for y in (50, 0)], crs=32643)
    >>> place_in_areas(table, park).tolist()
    ['park', None]
    """
    out = np.full(len(segments), None, dtype=object)
    if not len(areas.grounds) or segments.empty:
        return out
    entered = np.isin(areas.kinds.astype(str), list(rules.GROUNDS))
    grounds, kinds = _projected(areas.grounds[entered], segments.crs), areas.kinds[entered]
    wide = 2 * shapely.area(grounds) >= _LEAST_WIDTH * shapely.length(grounds)
    grounds, kinds = grounds[wide], kinds[wide]
    lines = segments.geometry.to_numpy()
    tree = shapely.STRtree(grounds)
    row = np.unique(tree.query(lines)[0])
    middle = shapely.line_interpolate_point(lines[row], 0.5, normalized=True)
    at, ground = tree.query(middle, predicate="dwithin", distance=_ON_BORDER)
    driven = (segments["drive_forward"] | segments["drive_backward"]).to_numpy()[row[at]]
    beside = driven.copy()
    border = shapely.boundary(grounds[ground[driven]])
    beside[driven] = shapely.dwithin(border, middle[at[driven]], _ON_BORDER)
    for kind in reversed(rules.GROUNDS):  # what wins comes last
        out[row[at[~beside & (kinds[ground] == kind)]]] = kind
    return out


def shown_grounds(areas: Areas, segments: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return parks and water around the segments, for maps: true to 2 m, in the segments' CRS.

    Examples
    --------
    >>> from shapely import LineString, box
    >>> lake = Areas(squares=None, grounds=np.array([box(75, 0, 76, 1)]),
    ...     kinds=np.array(["water"], dtype=object), left_out=0)
    >>> table = gpd.GeoDataFrame(geometry=[LineString([(500_500, 50), (500_600, 50)])], crs=32643)
    >>> shown_grounds(lake, table).total_bounds.tolist()
    [500000.0, 0.0, 501100.0, 550.0]
    """
    wanted = np.isin(areas.kinds.astype(str), ("park", "water"))
    shapes = shapely.simplify(_projected(areas.grounds[wanted], segments.crs), _TRUE_TO)
    west, south, east, north = segments.total_bounds + np.array([-1, -1, 1, 1]) * _SEEN_AROUND
    shapes = shapely.clip_by_rect(shapes, west, south, east, north)
    parts, row = shapely.get_parts(shapes, return_index=True)
    whole = (shapely.get_type_id(parts) == 3) & (shapely.area(parts) >= _LEAST_SEEN)
    kinds = pd.array(areas.kinds[wanted][row][whole], dtype="str")
    return gpd.GeoDataFrame({"kind": kinds}, geometry=parts[whole], crs=segments.crs)


def _projected(shapes: Objects, crs: CRS) -> Objects:
    """Take shapes from degrees to metres."""
    drawn: Objects = shapely.transform(
        shapes, lambda xy: np.column_stack(lonlat_to(crs, xy[:, 0], xy[:, 1]))
    )
    return drawn


def _newest(found: Iterable[_Area]) -> list[_Area]:
    """Return areas in order of id; of several with one id the newest version counts."""
    newest: dict[tuple[bool, int], _Area] = {}
    for area in found:
        key = (not area.from_way, area.osm_id)
        old = newest.get(key)
        # never the order in the file
        if old is None or (area.version, repr(area)) > (old.version, repr(old)):
            newest[key] = area
    return [area for _, area in sorted(newest.items())]


def _open(refs: Sequence[int]) -> Ring:
    """Return the nodes of a ring, none twice in a row."""
    return tuple([ref for ref, after in pairwise(refs) if ref != after])


def _judge(thing: Thing) -> _Area | None:
    """Judge an area as ways are judged; nobody drives there, and none is part of a street."""
    tags, square = thing.tags, None
    if thing.form == "relation" and tags["type"] == "multipolygon":
        tags = {**tags, "area": "yes"}
    elif thing.form != "way" or tags.get("area") == "no":
        return None
    if tags.get("area") == "yes" and "highway" in tags:
        judged = rules.judge(tags)
        if judged.walk:
            square = judged._replace(drive_forward=False, drive_backward=False, role="")
    ground = next((kind for kind, (k, v) in rules.GROUNDS.items() if tags.get(k) == v), None)
    if ground is None and any(tags.get(k) == v for k, v in rules.WATERS):
        ground = "water"
    if ground is None and square is not None and square.highway in _SQUARE_KINDS:
        ground = "square"
    if square is None and ground is None:
        return None
    return _Area(
        osm_id=thing.number,
        from_way=thing.form == "way",
        version=thing.version,
        names=tuple(map(tags.get, NAME_KEYS.values())),
        square=square,
        ground=ground,
        parts=thing.parts,
    )


def _join(
    relations: list[_Area], nodes_of: Mapping[int, tuple[int, ...]], places: _Places
) -> list[_Area]:
    """Let libosmium join ways into rings: it is given them in OSM's text form (OPL), renumbered.

    What lacks a way or a node, or does not close, comes without polygons.
    """
    import osmium

    polygons: list[list[list[Ring]]] = [[] for _ in relations]
    text: list[str] = []
    used: set[int] = set()
    count = 1
    for number, relation in enumerate(relations, start=1):
        ways = [places.rows(nodes_of.get(way_id, ())) for way_id in relation.parts]
        if any(not len(way) or np.isnan(places.lon[way]).any() for way in ways):
            continue
        members = range(count, count + len(ways))
        count += len(ways)
        text += [
            f"w{member} N" + ",".join([f"n{row + 1}" for row in way.tolist()])
            for member, way in zip(members, ways, strict=True)
        ]
        text.append(f"r{number} Ttype=multipolygon M" + ",".join(f"w{m}@" for m in members))
        used.update(*(way.tolist() for way in ways))
    if not used:
        return relations
    stand = [f"n{row + 1} x{places.lon[row]:.7f} y{places.lat[row]:.7f}" for row in sorted(used)]
    text.sort(key=lambda line: "nwr".index(line[0]))
    buffer = osmium.io.FileBuffer("\n".join([*stand, *text, ""]).encode(), "opl")
    for area in osmium.FileProcessor(buffer).with_areas():
        if area.is_area() and not area.from_way():
            for outer in area.outer_rings():
                rings = [outer, *area.inner_rings(outer)]
                refs = [[int(places.ids[node.ref - 1]) for node in ring] for ring in rings]
                polygons[area.orig_id() - 1].append([_open(ring) for ring in refs])
    return [r._replace(polygons=p) for r, p in zip(relations, polygons, strict=True)]


def _gather(areas: list[_Area], places: _Places, box: Box | None) -> Areas:
    """Leave out what is incomplete, crosses itself or lies outside the box; sort out the rest."""
    lacking = set(places.ids[np.isnan(places.lon)].tolist())
    whole = [
        area
        for area in areas
        if area.polygons
        and all(len(ring) > 2 and lacking.isdisjoint(ring) for p in area.polygons for ring in p)
    ]
    rings = _Rings(whole, places)
    drawn = rings.draw()
    near = np.ones(len(whole), dtype=bool)
    if box is not None:
        west, south, east, north = shapely.bounds(drawn).T
        near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    valid = shapely.is_valid(drawn)
    walked = np.array([area.square is not None for area in whole], dtype=bool)
    kinds = np.array([area.ground for area in whole], dtype=object)
    grounds = near & (kinds != None)  # noqa: E711  row by row
    drawn[~valid] = shapely.make_valid(drawn[~valid], method="structure", keep_collapsed=False)
    return Areas(
        squares=rings.squares(np.flatnonzero(near & walked & valid)),
        grounds=drawn[grounds],
        kinds=kinds[grounds],
        left_out=_dry(areas) - _dry(whole) + int((near & walked & ~valid).sum()),
    )


def _dry(areas: list[_Area]) -> int:
    return sum(area.ground != "water" for area in areas)


class _Rings:
    """The rings of areas as arrays; areas are row numbers."""

    def __init__(self, areas: list[_Area], places: _Places) -> None:
        polygons = [(row, polygon) for row, area in enumerate(areas) for polygon in area.polygons]
        rings = [(row, n, ring) for n, (row, p) in enumerate(polygons) for ring in p]
        self._areas = areas
        self._area = np.array([row for row, _, _ in rings], dtype=np.int64)
        self._polygon = np.array([number for _, number, _ in rings], dtype=np.int64)
        self._size = np.array([len(ring) for _, _, ring in rings], dtype=np.int64)
        self._ref = np.array([ref for _, _, ring in rings for ref in ring], dtype=np.int64)
        at = places.rows(self._ref)
        self._lon, self._lat = places.lon[at], places.lat[at]

    def draw(self) -> Objects:
        """Return a shapely MultiPolygon of each area."""
        if not self._areas:
            return np.empty(0, dtype=object)
        xy = np.column_stack([self._lon, self._lat])
        lines = shapely.linearrings(xy, indices=np.repeat(np.arange(len(self._size)), self._size))
        polygons = shapely.polygons(lines, indices=self._polygon)
        begins = np.diff(self._polygon, prepend=-1) != 0
        drawn: Objects = shapely.multipolygons(polygons, indices=self._area[begins])
        return drawn

    def squares(self, which: Ints) -> Squares:
        """Return some areas as squares."""
        areas = [self._areas[row] for row in which.tolist()]
        new = np.full(len(self._areas), -1, dtype=np.int64)
        new[which] = np.arange(len(which))
        ring = np.flatnonzero(new[self._area] >= 0)
        vertex = np.repeat(new[self._area], self._size) >= 0
        return Squares(
            osm_id=np.array([area.osm_id for area in areas], dtype=np.int64),
            from_way=np.array([area.from_way for area in areas], dtype=bool),
            tags=_tags(areas),
            square=new[self._area[ring]],
            polygon=self._polygon[ring],
            start=np.concatenate([[0], np.cumsum(self._size[ring])]).astype(np.int64),
            ref=self._ref[vertex],
            lon=self._lon[vertex],
            lat=self._lat[vertex],
        )


def _tags(areas: list[_Area]) -> pd.DataFrame:
    out = pd.DataFrame([area.square for area in areas], columns=list(rules.Judged._fields))
    out = out.astype(dict.fromkeys(["highway", "lit", "role", *MOSTLY], "str"))
    for row, name in enumerate(NAME_KEYS):
        out[name] = pd.array([area.names[row] for area in areas], dtype="str")
    return out[TAGS]
