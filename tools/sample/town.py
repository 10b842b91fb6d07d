"""Put the district together: bones, zones, courtyards, and what crosses over or under."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import shapely
import shapely.ops
from shapely import LineString, Point, Polygon

from . import names
from .courtyards import courtyard, openings
from .layout import FRAME, Bones, bones
from .weave import Line, Tags, Woven, weave
from .zones import Grid, bazaar, grid, park, rings

PRIVATE = Grid(du=95, dv=175, partial=0.3, lit=(0.15, 0.3), yards=0.05, numbered=True)
BLOCKS = Grid(du=165, dv=150, partial=0.25, yards=0.75)
ESTATE = Grid(du=270, dv=230, partial=0.0, lit=(0.6, 0.1), yards=1.0)
CENTRE = Grid(du=135, dv=120, partial=0.12, oneway=True, lit=(0.8, 0.05), yards=0.55)
# What fills the face at a point of the drawing board; faces not named here get plain blocks.
GRIDS: list[tuple[float, float, Grid]] = [
    (-1388, 1389, replace(PRIVATE, angle=32)),
    (-898, 1381, replace(PRIVATE, angle=32)),
    (-1392, 978, replace(PRIVATE, angle=14)),
    (-604, 1264, replace(PRIVATE, angle=40)),
    (-1394, 687, replace(PRIVATE, angle=4)),
    (-845, 833, replace(BLOCKS, angle=24)),
    (-1394, 36, replace(PRIVATE, du=88, dv=165, angle=-11)),
    (-1367, -476, PRIVATE),
    (-1394, -972, replace(PRIVATE, du=85, dv=160, angle=9)),
    (-1398, -1406, replace(PRIVATE, angle=-5)),
    (-853, -1403, replace(PRIVATE, dv=150, angle=6)),
    (-256, -1410, replace(ESTATE, du=200)),
    (333, -1412, replace(ESTATE, du=200)),
    (1119, -1415, replace(PRIVATE, angle=-7)),
    (1429, -1440, PRIVATE),
    (1428, -980, replace(PRIVATE, du=85, angle=-14)),
    (1125, -1050, replace(PRIVATE, angle=11)),
    (1427, -404, replace(PRIVATE, angle=8)),
    (1434, 176, replace(PRIVATE, angle=-9, dv=140)),
    (1435, 818, PRIVATE),
    (-256, 1347, ESTATE),
    (192, 1351, ESTATE),
    (485, 1341, ESTATE),
    (782, 1333, ESTATE),
    (-257, -800, ESTATE),
    (-257, -1100, ESTATE),
    (334, -813, ESTATE),
    (333, -1101, ESTATE),
    (-250, 981, ESTATE),
    (197, 960, ESTATE),
    (480, 965, ESTATE),
    (792, 959, ESTATE),
    (335, -400, replace(BLOCKS, partial=0.1)),
    (-278, 300, CENTRE),
    (-257, -202, CENTRE),
]
RING_QUARTER, PARK = Point(-850, -966), Point(335, 100)
BAZAAR = Point(-330, -230)
SCHOOLS = {  # block at a point of the board: the school's number
    Point(-420, 960): "151",
    Point(480, 965): "73",
    Point(-400, -800): "128",
    Point(440, -1100): "96",
    Point(-1000, 330): "39",
    Point(1180, -500): "184",
}
GATED = (Point(720, -790), Point(-990, -520), Point(790, 1330))

Shares = list[tuple[Polygon, float]]  # faces, and the share of their blocks with a courtyard

OFF_LIMITS = ("motorway", "motorway_link", "trunk")


@dataclass(frozen=True, kw_only=True)
class Area:
    """A polygon of the map that is no street: a park, a school's ground."""

    shape: Polygon
    tags: Tags


@dataclass(frozen=True, kw_only=True)
class Town:
    """Streets, areas and the river, on the drawing board."""

    streets: Woven
    areas: list[Area]
    river: LineString


def build(rng: np.random.Generator) -> Town:
    """Draw the whole district."""
    skeleton = bones()
    lines, areas, yards = _fill(skeleton, rng)
    lines = skeleton.lines + lines
    drawn, grounds = _yards(weave(lines), skeleton, yards, rng)
    lines += drawn
    lines += _across(skeleton, lines)
    water = {"natural": "water", "water": "river"}
    areas += [*grounds, Area(shape=skeleton.water, tags=water)]
    return Town(streets=weave(lines), areas=areas, river=skeleton.river)


def _fill(skeleton: Bones, rng: np.random.Generator) -> tuple[list[Line], list[Area], Shares]:
    """Fill the faces between the avenues; return with each the share of courtyards in it."""
    lines: list[Line] = []
    areas: list[Area] = []
    yards: Shares = []
    words, numbers = names.words(), names.numbers()
    shapes = [line.shape for line in skeleton.lines if not line.apart]
    for face in _faces(shapes + skeleton.fences):
        if face.contains(RING_QUARTER):
            lines += rings(face, words, rng)
            yards.append((face, 1.0))
        elif face.contains(PARK):
            drawn, green, pond = park(face, rng)
            lines += drawn
            areas += _green(green, pond)
        elif face.area > 25_000 and not skeleton.corridor.contains(face.representative_point()):
            style = next((g for u, v, g in GRIDS if face.contains(Point(u, v))), BLOCKS)
            lines += grid(face, style, numbers if style.numbered else words, rng)
            yards.append((face, style.yards))
    return lines, areas, yards


def _green(green: Polygon, pond: Polygon) -> list[Area]:
    park_name = {
        "name": "Алмалы бақ",
        "name:kk": "Алмалы бақ",
        "name:ru": "парк «Яблоневый сад»",
        "name:en": "Apple Orchard Park",
    }
    return [
        Area(shape=green, tags={"leisure": "park"} | park_name),
        Area(shape=pond, tags={"natural": "water", "water": "pond"}),
    ]


def _faces(shapes: list[LineString]) -> list[Polygon]:
    """Return the faces between lines that have some width and lie in the extract."""
    faces = shapely.ops.polygonize(shapely.unary_union(shapes))
    return [f for f in faces if not f.buffer(-15).is_empty and FRAME.buffer(5).contains(f)]


def _yards(
    woven: Woven, skeleton: Bones, yards: Shares, rng: np.random.Generator
) -> tuple[list[Line], list[Area]]:
    """Fill the blocks between streets; return lines, and the grounds of schools and bazaar."""
    shapes = [LineString(woven.nodes[way]) for way in woven.ways]
    junctions = shapely.STRtree(shapely.points(woven.nodes[crossings(woven.ways)]))
    streets = shapely.STRtree(
        [
            shape
            for shape, tags in zip(shapes, woven.tags, strict=True)
            if tags["highway"] not in (*OFF_LIMITS, "footway")
        ]
    )
    lines: list[Line] = []
    areas: list[Area] = []
    for block in _faces(shapes):
        share = next((y for f, y in yards if f.contains(block.representative_point())), 0.0)
        if block.contains(BAZAAR):
            drawn, ground = bazaar(block)
            areas.append(Area(shape=ground, tags=_bazaar_tags()))
            lines += drawn
            continue
        number = next((no for at, no in SCHOOLS.items() if block.contains(at)), None)
        private = any(block.contains(at) for at in GATED)
        chosen = rng.random() < share or number is not None or private
        if chosen and 6000 < block.area < 120_000 and skeleton.water.disjoint(block):
            yard = courtyard(
                block,
                openings(block, streets, junctions),
                rng,
                school=number is not None,
                private=private,
            )
            lines += yard.lines
            if yard.ground is not None and number is not None:
                areas.append(Area(shape=yard.ground, tags=_school_tags(number)))
    return lines, areas


def crossings(ways: list[list[int]]) -> list[int]:
    """Return nodes where streets meet or end: all that are not merely passed by one way."""
    arms: Counter[int] = Counter()
    for way in ways:
        arms.update(way)
        arms.update(way[1:-1])
    return sorted(node for node, count in arms.items() if count != 2)


def _bazaar_tags() -> Tags:
    return {
        "amenity": "marketplace",
        "name": "Көк базар",
        "name:kk": "Көк базар",
        "name:ru": "Зелёный базар",
        "name:en": "Green Bazaar",
    }


def _school_tags(number: str) -> Tags:
    return {
        "amenity": "school",
        "name": f"№ {number} мектеп",
        "name:kk": f"№ {number} мектеп",
        "name:ru": f"Школа № {number}",
        "name:en": f"School No. {number}",
    }


def _across(skeleton: Bones, lines: list[Line]) -> list[Line]:
    """Draw what lets walkers across: steps to the water, footbridges, an underpass, crossings."""
    walk = {"highway": "footway", "lit": "yes"}
    over, under = {"bridge": "yes", "layer": "1"}, {"tunnel": "yes", "layer": "-1"}
    found = [
        *_to_water(skeleton.river),
        _over_water(skeleton.river, walk | over),
        *_joined(lines, (-1290, 745), (-1300, 850), walk | over, rank=7),
        *_joined(lines, (85, 62), (-30, 60), walk | under, rank=7),
    ]
    abai = [line for line in lines if line.tags.get("dual_carriageway")]
    for u in (-1390, -990, -700, -300, 190, 330, 820, 1180):
        pair = [(near.x, near.y) for near in _nearest_on(abai, (u, 510.0), (u, 545.0))]
        mark = {"highway": "footway", "footway": "crossing", "crossing": "traffic_signals"}
        found.append(Line(points=np.array(pair), tags=mark, rank=9))
    return found


def _to_water(river: LineString) -> list[Line]:
    """Draw steps from the west bank's street down to the promenade, and ramps on the east."""
    lines = []
    for v in (-1330, -1010, -780, -420, -280, 0, 150, 400, 690, 960, 1280):
        middle = river.interpolate(river.project(Point(955, v)))
        for street, promenade, kind in ((52.0, 23.0, "steps"), (-56.0, -24.0, "footway")):
            top = _on(river.offset_curve(street), middle)
            foot = _on(river.offset_curve(promenade), middle)
            lines.append(
                Line(
                    points=np.array([top, foot]),
                    rank=8,
                    tags={"highway": kind, "lit": "yes" if kind == "steps" else "no"},
                )
            )
    return lines


def _over_water(river: LineString, tags: Tags) -> Line:
    """Draw a footbridge between the promenades."""
    middle = river.interpolate(river.project(Point(1040, 150)))
    ends = [_on(river.offset_curve(promenade), middle) for promenade in (23.0, -24.0)]
    return Line(points=np.array(ends), tags=tags, rank=7, apart=True)


def _on(line: LineString, place: Point) -> tuple[float, float]:
    point = line.interpolate(line.project(place))
    return (point.x, point.y)


def _nearest_on(lines: list[Line], *places: tuple[float, float]) -> list[Point]:
    """Return for each place the nearest point of any line."""
    tree = shapely.STRtree([line.shape for line in lines])
    out = []
    for place in places:
        shape = tree.geometries[tree.nearest(Point(place))]
        out.append(shape.interpolate(shape.project(Point(place))))
    return out


def _joined(
    lines: list[Line], a: tuple[float, float], b: tuple[float, float], tags: Tags, *, rank: int
) -> list[Line]:
    """Draw a path over or under everything between the lines nearest to two places."""
    usable = [x for x in lines if x.tags["highway"] not in OFF_LIMITS and "bridge" not in x.tags]
    ends = [np.array(p.coords[0]) for p in _nearest_on(usable, a, b)]
    return [Line(points=np.array(ends), tags=tags, rank=rank, apart=True)]
