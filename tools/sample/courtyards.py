"""Fill blocks with courtyards: driveways, gates, footpaths, schools."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
import shapely.ops
from shapely import LineString, Point, Polygon

from .ground import Floats
from .weave import Line, Tags

CORNER = 26.0  # no drive opens nearer to a junction than this (m)
REACH = 4.0


@dataclass(frozen=True, kw_only=True)
class Yard:
    """What one block got: lines, and a school's ground where it has one."""

    lines: list[Line]
    ground: Polygon | None = None


def courtyard(
    block: Polygon,
    openings: Sequence[Floats],
    rng: np.random.Generator,
    *,
    school: bool = False,
    private: bool = False,
) -> Yard:
    """Draw a courtyard in a block.

    `openings` are places on the block's edge where a drive may leave a street.
    """
    inner = _largest(block.buffer(-27).buffer(-9).buffer(9))
    if len(openings) < 2 or inner.area < 1500:
        return Yard(lines=_through(block, openings, rng) if len(openings) > 1 else [])
    ring = shapely.get_coordinates(shapely.segmentize(inner.exterior.simplify(1.5), 45))
    gates = _far_apart(openings, 4, rng)
    tags = _drive_tags(rng, private=private)
    around = [Line(points=ring, tags=tags, rank=8), *(_link(g, inner, tags) for g in gates[:2])]
    if school or inner.area > 14_000:
        walk = {"highway": "footway"} | ({"lit": "no"} if rng.random() < 0.3 else {})
        paths = [] if private else [_link(gate, inner, walk) for gate in gates[2:3]]
        lanes = _lanes(inner, tags if private else walk, tags, rng)
        return Yard(lines=around + lanes + paths, ground=_school(ring, lanes) if school else None)
    draw = rng.random()
    if private or draw < 0.3:
        return Yard(lines=around)
    if draw < 0.65:
        return Yard(lines=_horseshoe(ring, inner, gates, tags, rng))
    if draw < 0.85:
        return Yard(lines=[_spur(gates[0], inner, tags)])
    return Yard(lines=_through(block, openings, rng))


def _largest(shape: Polygon) -> Polygon:
    """Return the largest part of a shape that shrinking may have torn."""
    return max(shapely.get_parts(shape), key=lambda part: part.area, default=Polygon())


def _school(ring: Floats, lanes: list[Line]) -> Polygon:
    """Return the ground of a school: the widest piece of the yard between its lanes."""
    cuts = [LineString(ring), *(line.shape for line in lanes)]
    piece = max(shapely.ops.polygonize(shapely.unary_union(cuts)), key=lambda part: part.area)
    return _largest(piece.buffer(-14).buffer(5))


def _lanes(inner: Polygon, walk: Tags, drive: Tags, rng: np.random.Generator) -> list[Line]:
    """Draw lanes across a wide yard, between its houses, by turns to drive and to walk."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(inner))[:4]
    sides = np.diff(corners[:3], axis=0)
    if np.hypot(*sides[0]) < np.hypot(*sides[1]):
        corners = np.roll(corners, -1, axis=0)
    long, short = corners[1] - corners[0], corners[3] - corners[0]
    count = max(2, round(float(np.hypot(*long)) / rng.uniform(68, 105)))
    lines = []
    for k in range(1, count):
        at = corners[0] + long * (k / count + rng.uniform(-0.03, 0.03))
        across = LineString([at - short * 0.1, at + short * 1.1])
        inside = shapely.intersection(across, inner.buffer(REACH))
        tags = walk if k % 2 else drive
        lines += [
            Line(points=np.array(part.coords), tags=tags, rank=9)
            for part in shapely.get_parts(inside)
        ]
    return lines


def _drive_tags(rng: np.random.Generator, *, private: bool) -> Tags:
    if private:
        return {"highway": "service", "access": "private", "lit": "yes"}
    tags = {"highway": "living_street" if rng.random() < 0.3 else "service"}
    draw = rng.random()
    if draw < 0.12:
        tags["lit"] = "yes"
    elif draw < 0.3:
        tags["lit"] = "no"
    return tags


def _far_apart(openings: Sequence[Floats], count: int, rng: np.random.Generator) -> list[Floats]:
    """Choose openings far from each other: the first by lot, then always the farthest."""
    left = np.array(openings)
    chosen = [left[int(rng.integers(len(left)))]]
    while len(chosen) < min(count, len(left)):
        gap = np.min([np.hypot(*(left - place).T) for place in chosen], axis=0)
        if gap.max() < 30:
            break
        chosen.append(left[int(gap.argmax())])
    return chosen


def _link(gate: Floats, inner: Polygon, tags: Tags) -> Line:
    """Draw a straight drive from a street to the ring, a little past both."""
    ring = inner.exterior
    end = ring.interpolate(ring.project(Point(gate)))
    return Line(points=_stretched(gate, np.array([end.x, end.y])), tags=tags, rank=8)


def _stretched(a: Floats, b: Floats, by: float = REACH) -> Floats:
    way = (b - a) / max(float(np.hypot(*(b - a))), 1e-9)
    return np.array([a - way * by, b + way * by])


def _horseshoe(
    ring: Floats, inner: Polygon, gates: Sequence[Floats], tags: Tags, rng: np.random.Generator
) -> list[Line]:
    """Draw most of the ring and one drive to it: a yard that is left as it was entered."""
    line = LineString(ring)
    start = line.project(Point(gates[0])) - 0.25 * line.length
    if start < 0:
        start += line.length
    share = rng.uniform(0.5, 0.7) * line.length
    twice = LineString(np.concatenate([ring, ring[1:]]))
    part = np.array(shapely.ops.substring(twice, start, start + share).coords)
    return [Line(points=part, tags=tags, rank=8), _link(gates[0], inner, tags)]


def _through(block: Polygon, openings: Sequence[Floats], rng: np.random.Generator) -> list[Line]:
    """Draw a footpath straight through a block the narrow way, near its middle."""
    middle = np.array([block.centroid.x, block.centroid.y])
    places = np.array(openings)
    facing = [int(np.hypot(*(places - (2 * middle - place)).T).argmin()) for place in places]
    length = np.hypot(*(places - places[facing]).T)
    miss = np.hypot(*((places + places[facing]) / 2 - middle).T)
    best = int((length + 3 * miss).argmin())
    a, b = places[best], places[facing[best]]
    if np.hypot(*(b - a)) < 30:
        return []
    ends = _stretched(a, b)
    tags = {"highway": "footway"} | ({"lit": "no"} if rng.random() < 0.4 else {})
    bow = (a + b) / 2 + rng.uniform(-5, 5, 2)
    return [Line(points=np.array([ends[0], bow, ends[1]]), tags=tags, rank=9)]


def _spur(gate: Floats, inner: Polygon, tags: Tags) -> Line:
    """Draw a drive that ends in the yard."""
    ring = inner.exterior
    door = ring.interpolate(ring.project(Point(gate)))
    end = gate + (np.array([door.x, door.y]) - gate) * 2.0
    return Line(points=np.array([_stretched(gate, end)[0], end]), tags=tags, rank=8)


def openings(block: Polygon, streets: shapely.STRtree, junctions: shapely.STRtree) -> list[Floats]:
    """Return places along a block's edge that lie on a street, away from its junctions."""
    edge = block.exterior
    places = [edge.interpolate(at) for at in np.arange(5.0, edge.length, 11.0)]
    good = []
    for place in places:
        on_street = streets.query(place, predicate="dwithin", distance=0.5)
        at_corner = junctions.query(place, predicate="dwithin", distance=CORNER)
        if len(on_street) and not len(at_corner):
            good.append(np.array([place.x, place.y]))
    return good
