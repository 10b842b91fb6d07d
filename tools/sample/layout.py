"""The bones of the district: avenues, river, motorway, and the faces between them."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
import shapely.ops
from shapely import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from . import names
from .ground import Floats, densify, smooth
from .weave import Line, Tags

EDGE = 1540.0  # the extract ends this far from the centre (m)
FRAME = box(-EDGE, -EDGE, EDGE, EDGE)
LIT = {"lit": "yes"}


@dataclass(frozen=True, kw_only=True)
class Bones:
    """Big lines of the district, and what no small street may be drawn across."""

    lines: list[Line]
    fences: list[LineString]  # edges of the motorway's corridor: no streets, but faces end there
    river: LineString
    water: Polygon
    motorway: LineString
    corridor: Polygon


def bones() -> Bones:
    """Draw the avenues, bridges where they cross water or motorway, and the motorway."""
    river, motorway = _river(), _motorway()
    water = river.buffer(15).intersection(FRAME)
    corridor = motorway.buffer(40).intersection(FRAME)
    lines: list[Line] = []
    for line in _avenues() + _banks(river):
        lines += _bridged(line, water.buffer(4), motorway.buffer(17)) if line.rank < 5 else [line]
    lines += _motorway_lines(motorway) + _ramps(motorway)
    fences = [LineString(motorway.offset_curve(40)), LineString(FRAME.exterior)]
    return Bones(
        lines=lines, fences=fences, river=river, water=water, motorway=motorway, corridor=corridor
    )


# Street -> class, and corners on the drawing board. Streets that end at another are drawn a little
# past it; weaving trims them.
E = EDGE + 10
BIG = {"highway": "primary", "lanes": "4"} | LIT
MIDDLE = {"highway": "secondary", "lanes": "4"} | LIT
SMALL = {"highway": "tertiary"} | LIT
AVENUES: dict[str, tuple[Tags, list[tuple[float, float]]]] = {
    "auezov": (MIDDLE, [(-1150, -E), (-1130, -500), (-1145, 400), (-1120, E)]),
    "altynsarin": (BIG, [(-560, -E), (-565, 0), (-550, 800), (-560, E)]),
    "manas": (BIG, [(50, -E), (45, -300), (60, 600), (40, E)]),
    "satpaev": (MIDDLE, [(615, -E), (625, -200), (610, 700), (640, E)]),
    "seifullin": (MIDDLE, [(1310, -E), (1300, -300), (1330, 500), (1300, E)]),
    "tole_bi": (MIDDLE, [(-E, 1110), (-300, 1130), (600, 1105), (E, 1150)]),
    "zhandosov": (
        MIDDLE,
        [(500, 530), (400, 430), (150, 300), (-100, 205), (-800, -150), (-E, -500)],
    ),
    "kurmangazy": (SMALL, [(-565, 815), (0, 825), (700, 812), (1335, 835)]),
    "bogenbai": (SMALL, [(38, -150), (620, -135), (1000, -160), (E, -140)]),
    "zhambyl": (SMALL, [(-576, -345), (-200, -330), (58, -350)]),
    "raiymbek": (BIG, [(-E, -655), (-500, -640), (300, -660), (1000, -630), (E, -660)]),
    "baitursynuly": (SMALL, [(-850, 528), (-845, -100), (-855, -656)]),
    "makatayev": (SMALL, [(-574, -940), (0, -955), (620, -940), (1312, -955)]),
    "shevchenko": (SMALL, [(335, E), (345, 1000), (330, 522)]),
}
RANK = {"primary": 2, "secondary": 3, "tertiary": 4}
ABAI = [(-E, 500), (-700, 535), (0, 515), (700, 530), (E, 505)]
TRUNK = [(-E, -1330), (-900, -1215), (-100, -1290), (700, -1230), (E, -1330)]


def _avenues() -> list[Line]:
    """Draw the avenues, Abai's two carriageways, and the trunk road that has no sidewalk."""
    lines = [
        Line(
            points=densify(smooth(corners)),
            tags=tags | names.avenue(key),
            rank=RANK[tags["highway"]],
        )
        for key, (tags, corners) in AVENUES.items()
    ]
    trunk = {"highway": "trunk", "sidewalk": "no", "lanes": "6"} | LIT | names.avenue("farabi")
    lines.append(Line(points=densify(smooth(TRUNK)), rank=1, tags=trunk))
    abai = LineString(smooth(ABAI))
    tags = BIG | {"oneway": "yes", "dual_carriageway": "yes"} | names.avenue("abai")
    for side, direction in ((8.0, -1), (-8.0, 1)):  # traffic keeps to the right
        corners = np.array(abai.offset_curve(side).coords)[::direction]
        lines.append(Line(points=densify(corners), rank=2, tags=tags))
    return lines


def _river() -> LineString:
    v = np.linspace(-EDGE - 20, EDGE + 20, 90)
    u = 955 + 95 * np.sin((v + 250) / 520) + 32 * np.sin(v / 190 + 1.0)
    return LineString(np.stack([u, v], axis=1))


def _banks(river: LineString) -> list[Line]:
    """Draw a street on either bank and a promenade by the water."""
    street = {"highway": "residential"} | names.avenue("bank")
    walk = {"highway": "footway", "surface": "paving_stones"}
    dark = walk | {"lit": "no"}
    rows = [(52.0, street | LIT), (-56.0, street), (23.0, walk | LIT), (-24.0, dark)]
    lines = []
    for offset, tags in rows:
        corners = shapely.segmentize(river.offset_curve(offset).simplify(2.0), 60)
        lines.append(Line(points=shapely.get_coordinates(corners), tags=tags, rank=5))
    return lines


def _motorway() -> LineString:
    corners = [(-1720, 760), (-1330, 800), (-960, 1000), (-640, 1330), (-430, 1720)]
    return shapely.intersection(LineString(smooth(corners, rounds=4)), FRAME.buffer(10))


def _motorway_lines(middle: LineString) -> list[Line]:
    tags = {
        "highway": "motorway",
        "oneway": "yes",
        "lanes": "3",
        "maxspeed": "90",
        **LIT,
        **names.avenue("bypass"),
    }
    lines = []
    under = LineString(middle).buffer(1)
    crossing = shapely.union_all(
        [line.shape.buffer(14) for line in _avenues() if line.shape.intersects(under)]
    )
    for side, direction in ((9.0, -1), (-9.0, 1)):
        corners = np.array(middle.offset_curve(side).coords)[::direction]
        lines += _split(
            Line(points=corners, tags=tags, rank=0, apart=True),
            crossing,
            {"bridge": "yes", "layer": "1"},
        )
    frontage = {"highway": "residential", "lit": "yes", **names.avenue("zhambyl")}
    frontage |= {
        "name": "Айналма жол бойы",
        "name:kk": "Айналма жол бойы",
        "name:ru": "проезд вдоль Обхода",
        "name:en": "Bypass side street",
    }
    corners = np.array(middle.offset_curve(-46).coords)
    lines.append(Line(points=densify(corners), tags=frontage, rank=4))
    return lines


def _ramps(middle: LineString) -> list[Line]:
    """Draw the slip roads between the motorway and Tole Bi street."""
    tags = {"highway": "motorway_link", "oneway": "yes", **LIT}
    tole_bi = next(line.shape for line in _avenues() if line.tags["name"].startswith("Төле"))
    meeting = middle.intersection(tole_bi)
    at, across = middle.project(meeting), tole_bi.project(meeting)
    rows = []
    for side, along, over, leaving in (
        (-9.0, -210, 75, True),
        (-9.0, 190, 85, False),
        (9.0, 200, -80, True),
        (9.0, -200, -75, False),
    ):
        lane = middle.offset_curve(side)
        start = lane.interpolate(lane.project(middle.interpolate(at + along)))
        bend = lane.interpolate(lane.project(middle.interpolate(at + along * 0.45)))
        end = tole_bi.interpolate(across + over)
        out = np.array([[bend.x, bend.y]]) + np.sign(side) * _left(middle, at) * 16
        corners = smooth([(start.x, start.y), tuple(out[0]), (end.x, end.y)])
        rows.append(
            Line(points=corners if leaving else corners[::-1], tags=tags, rank=1, apart=True)
        )
    return rows


def _left(line: LineString, at: float) -> Floats:
    a, b = line.interpolate(at - 1), line.interpolate(at + 1)
    way = np.array([b.x - a.x, b.y - a.y]) / np.hypot(b.x - a.x, b.y - a.y)
    return np.array([-way[1], way[0]])


def _bridged(line: Line, water: BaseGeometry, motorway: BaseGeometry) -> list[Line]:
    """Cut a street where it crosses the river (it becomes a bridge) or passes the motorway."""
    pieces = _split(line, water, {"bridge": "yes", "layer": "1"})
    return [
        part
        for piece in pieces
        for part in ([piece] if "bridge" in piece.tags else _split(piece, motorway, {"lit": "yes"}))
    ]


def _split(line: Line, crossing: BaseGeometry, extra: Tags) -> list[Line]:
    """Cut a line at the edges of an area; the pieces within it get more tags."""
    inside = shapely.intersection(line.shape, crossing)
    if inside.is_empty:
        return [line]
    stations = [0.0, line.shape.length]
    for part in shapely.get_parts(inside):
        ends = (part.coords[0], part.coords[-1])
        stations += [line.shape.project(Point(end)) for end in ends]
    pieces = []
    ordered = sorted(set(stations))
    for a, b in pairwise(ordered):
        if b - a < 0.5:
            continue
        part = shapely.ops.substring(line.shape, a, b)
        within = crossing.contains(part.interpolate(0.5, normalized=True))
        pieces.append(
            Line(
                points=np.array(part.coords),
                rank=line.rank,
                apart=line.apart,
                tags=line.tags | (extra if within else {}),
            )
        )
    return pieces
