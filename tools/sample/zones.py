"""Fill the faces between avenues: street grids, rings, a park, a bazaar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin

import numpy as np
import shapely
from shapely import LineString, Point, Polygon
from shapely.affinity import rotate

from .ground import Floats, smooth
from .weave import Line, Tags

REACH = 5.0  # small streets are drawn this far past the face's edge, then trimmed where they meet


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A face of streets two ways: spacing in metres, angle in degrees from the drawing board.

    `partial` is the share of streets that do not run all the way through.
    """

    du: float = 150.0
    dv: float = 190.0
    angle: float = 0.0
    partial: float = 0.35
    oneway: bool = False
    lit: tuple[float, float] = (0.45, 0.15)  # share lit, share unlit; the rest is untagged
    yards: float = 0.8  # share of its blocks that have a courtyard
    numbered: bool = False  # streets have numbers for names


def grid(face: Polygon, style: Grid, names: Iterator[Tags], rng: np.random.Generator) -> list[Line]:
    """Draw streets two ways across a face, a little uneven, some of them not all the way."""
    centre = face.centroid
    turned = rotate(face, -style.angle, origin=centre)
    west, south, east, north = turned.bounds
    ups = _positions(west, east, style.du, rng)
    acrosses = _positions(south, north, style.dv, rng)
    lines: list[Line] = []
    for own, other, upright in ((ups, acrosses, True), (acrosses, ups, False)):
        for number, where in enumerate(own):
            ends = (south, north) if upright else (west, east)
            start, stop = _reach(ends, other, style.partial, rng)
            drawn = _wobbly(where, start, stop, upright, rng)
            whole = rotate(drawn, style.angle, origin=centre)
            tags = _street_tags(style, rng) | next(names)
            turn = -1 if style.oneway and number % 2 else 1  # one-way streets run by turns
            lines += [Line(points=p[::turn], tags=tags, rank=6) for p in _clip(whole, face)]
    return lines


def _positions(low: float, high: float, spacing: float, rng: np.random.Generator) -> list[float]:
    count = round((high - low) / spacing)
    if count < 2:
        return []
    step = (high - low) / count
    return [float(low + step * (k + rng.uniform(-0.11, 0.11))) for k in range(1, count)]


def _reach(
    ends: tuple[float, float], other: Sequence[float], partial: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return where a street starts and stops: face to face, or short at a crossing street."""
    low, high = ends[0] - 20, ends[1] + 20
    if len(other) == 0 or rng.random() > partial:
        return low, high
    cut = float(other[int(rng.integers(len(other)))])
    past = float(rng.choice([REACH, REACH, 55.0]))  # sometimes a dead end beyond the crossing
    return (low, cut + past) if rng.random() < 0.5 else (cut - past, high)


def _wobbly(
    where: float, start: float, stop: float, upright: bool, rng: np.random.Generator
) -> LineString:
    along = np.linspace(start, stop, max(2, round((stop - start) / 45) + 1))
    phase = rng.uniform(0, 2 * pi)
    side = where + rng.uniform(1.0, 5.0) * np.sin(along / rng.uniform(70, 140) + phase)
    return LineString(np.stack([side, along] if upright else [along, side], axis=1))


def _street_tags(style: Grid, rng: np.random.Generator) -> Tags:
    tags = {"highway": "residential"}
    draw = rng.random()
    if draw < style.lit[0]:
        tags["lit"] = "yes"
    elif draw < sum(style.lit):
        tags["lit"] = "no"
    if style.oneway:
        tags["oneway"] = "yes"
    if rng.random() < 0.3:
        tags["surface"] = "asphalt"
    return tags


def _clip(line: LineString, face: Polygon) -> list[Floats]:
    pieces = shapely.get_parts(shapely.intersection(line, face.buffer(REACH)))
    return [np.array(p.coords) for p in pieces if p.geom_type == "LineString" and p.length > 60]


def rings(face: Polygon, names: Iterator[Tags], rng: np.random.Generator) -> list[Line]:
    """Draw a quarter of ring streets round a green, with spokes to the avenues."""
    centre = face.centroid
    spread = min(face.exterior.distance(centre), 300.0)
    lines = []
    for share, gap in ((0.4, 0.0), (0.86, 36.0)):
        radius = share * spread
        turn = np.radians(np.linspace(gap / 2, 360 - gap / 2, 49) + 100)
        corners = np.stack([centre.x + radius * np.cos(turn), centre.y + radius * np.sin(turn)], 1)
        lines.append(
            Line(
                points=corners, rank=6, tags={"highway": "residential", "lit": "yes"} | next(names)
            )
        )
    offset = rng.uniform(0, 20)
    for k in range(8):
        angle = radians(offset + 45 * k)
        way = np.array([cos(angle), sin(angle)])
        start = 0.4 * spread if k % 2 == 0 else 0.86 * spread
        far = LineString(
            [
                np.array([centre.x, centre.y]) + way * (start - REACH),
                np.array([centre.x, centre.y]) + way * 700,
            ]
        )
        pieces = _clip(far, face)
        if pieces:
            street = {"highway": "residential"} | next(names)
            lines.append(Line(points=pieces[0], rank=6, tags=street))
    for k in range(4):
        angle = radians(offset + 22 + 90 * k)
        way = np.array([cos(angle), sin(angle)])
        points = np.array([centre.x, centre.y]) + np.outer([0, 0.4 * spread + REACH], way)
        lines.append(Line(points=points, rank=8, tags={"highway": "footway", "lit": "yes"}))
    return lines


def park(face: Polygon, rng: np.random.Generator) -> tuple[list[Line], Polygon, Polygon]:
    """Draw a park: paths, the park's outline, and a pond."""
    green = face.buffer(-14).buffer(-22).buffer(22)
    centre = green.representative_point()
    outer = shapely.segmentize(green.buffer(-12).exterior.simplify(3), 40)
    dark, bright = {"highway": "footway", "lit": "no"}, {"highway": "footway", "lit": "yes"}
    lines = [Line(points=shapely.get_coordinates(outer), tags=dark, rank=8)]
    square = _ellipse(centre, 34, 34)
    lines.append(
        Line(
            points=square,
            rank=7,
            tags={
                "highway": "pedestrian",
                "lit": "yes",
                "name": "Орталық алаң",
                "name:kk": "Орталық алаң",
                "name:ru": "Центральная площадь",
            },
        )
    )
    lines.append(Line(points=_ellipse(centre, 125, 95, turn=25), tags=dark, rank=8))
    for k, degrees in enumerate(np.arange(0, 360, 45) + rng.uniform(-7, 7, 8)):
        way = np.array([cos(radians(degrees)), sin(radians(degrees))])
        side = np.array([-way[1], way[0]])
        start = np.array([centre.x, centre.y]) + way * 30
        bow = rng.uniform(-35, 35) if k % 2 else 0.0
        drawn = smooth([start, start + way * 180 + side * bow, start + way * 420])
        pieces = [p for p in _clip(LineString(drawn), face) if np.allclose(p[0], start)]
        if pieces:
            lines.append(Line(points=pieces[0], tags=dark if k % 2 else bright, rank=7))
    pond = Polygon(_ellipse(Point(centre.x + 58, centre.y + 92), 62, 34, turn=-12))
    pond = pond.intersection(green.buffer(-30))
    lines.append(
        Line(
            points=shapely.get_coordinates(
                shapely.segmentize(pond.buffer(9).exterior.simplify(2), 25)
            ),
            tags=dark,
            rank=8,
        )
    )
    return lines, green, pond


def _ellipse(centre: Point, a: float, b: float, *, turn: float = 0.0) -> Floats:
    angle = np.linspace(0, 2 * pi, 33)
    flat = np.stack([a * np.cos(angle), b * np.sin(angle)], axis=1)
    c, s = cos(radians(turn)), sin(radians(turn))
    turned: Floats = flat @ np.array([[c, s], [-s, c]])
    turned += np.array([centre.x, centre.y])
    return turned


def bazaar(block: Polygon) -> tuple[list[Line], Polygon]:
    """Draw the trading rows of a bazaar in a block, and its outline."""
    ground = block.buffer(-16).buffer(-8).buffer(8)
    west, south, east, north = ground.bounds
    lines = []
    row = {
        "highway": "pedestrian",
        "lit": "yes",
        "name": "Базар қатары",
        "name:kk": "Базар қатары",
        "name:ru": "Торговый ряд",
    }
    for share in (0.2, 0.4, 0.6, 0.8):
        u = west + share * (east - west)
        lines += [
            Line(points=p, tags=row, rank=7)
            for p in _clip(LineString([(u, south - 40), (u + 4, north + 40)]), block)
        ]
    for share in (0.33, 0.7):
        v = south + share * (north - south)
        lines += [
            Line(points=p, tags=row, rank=7)
            for p in _clip(LineString([(west - 40, v), (east + 40, v + 5)]), block)
        ]
    return lines, ground
