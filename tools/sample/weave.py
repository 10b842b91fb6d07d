"""Weave drawn lines into OSM ways: shared nodes where they meet, loose ends trimmed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import LineString, Point

Floats = npt.NDArray[np.float64]
Tags = dict[str, str]

MERGE = 7.0  # junctions nearer than this are one junction (m)
OVERSHOOT = 15.0  # a loose end shorter than this is a drawing overshoot, not a dead end (m)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line as drawn: corners in metres, tags, and how it meets others.

    `rank` says whose junctions win where several fall together (0 is a motorway). A line that
    stands `apart` runs over or under the others and meets them only at its ends.
    """

    points: Floats
    tags: Tags = field(default_factory=dict)
    rank: int = 5
    apart: bool = False

    @property
    def shape(self) -> LineString:
        """The line as shapely knows it."""
        return LineString(self.points)


@dataclass(frozen=True, kw_only=True)
class Woven:
    """Nodes (n, 2) in metres; ways as lists of node rows, with their tags."""

    nodes: Floats
    ways: list[list[int]]
    tags: list[Tags]


def weave(lines: Sequence[Line]) -> Woven:
    """Return ways that share a node wherever two lines meet; lines that meet nothing go."""
    shapes = np.array([line.shape for line in lines], dtype=object)
    meetings, members = _meetings(lines, shapes)
    places, cluster = _merge(lines, meetings, members)
    met: list[dict[int, float]] = [{} for _ in lines]
    for at, (meeting, pair) in enumerate(zip(meetings, members, strict=True)):
        for i in pair:
            where = float(shapes[i].project(Point(meeting)))
            met[i].setdefault(int(cluster[at]), where)
    keys: dict[tuple[float, float], int] = {}
    ways, tags = [], []
    for line, shape, junctions in zip(lines, shapes, met, strict=True):
        corners = _corners(line, shape, junctions, places)
        if len(corners) > 1:
            ways.append([keys.setdefault(_key(corner), len(keys)) for corner in corners])
            tags.append(line.tags)
    return _largest(Woven(nodes=np.array(list(keys), dtype=np.float64), ways=ways, tags=tags))


def _key(corner: Floats) -> tuple[float, float]:
    return (round(float(corner[0]), 2), round(float(corner[1]), 2))


def _meetings(
    lines: Sequence[Line], shapes: npt.NDArray[np.object_]
) -> tuple[Floats, list[tuple[int, int]]]:
    """Return where pairs of lines meet, and which pair it is."""
    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=1.0)
    points: list[tuple[float, float]] = []
    members: list[tuple[int, int]] = []
    for i, j in sorted({(int(min(a, b)), int(max(a, b))) for a, b in near.T if a != b}):
        found = _touching_ends(shapes[i], shapes[j])
        if not (lines[i].apart or lines[j].apart):
            crossing = shapely.get_coordinates(shapely.intersection(shapes[i], shapes[j]))
            found += [(float(x), float(y)) for x, y in crossing]
        points += found
        members += [(i, j)] * len(found)
    return np.array(points, dtype=np.float64).reshape(-1, 2), members


def _touching_ends(a: LineString, b: LineString) -> list[tuple[float, float]]:
    """Return ends of either line that stand within a metre of the other."""
    ends = [(p, b) for p in (a.coords[0], a.coords[-1])] + [
        (p, a) for p in (b.coords[0], b.coords[-1])
    ]
    return [(p[0], p[1]) for p, other in ends if other.distance(Point(p)) < 1.0]


def _merge(
    lines: Sequence[Line], meetings: Floats, members: Sequence[tuple[int, int]]
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return one place per group of near meetings, and the group of each meeting."""
    pairs = cKDTree(meetings).query_pairs(MERGE, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=[len(meetings)] * 2)
    count, cluster = connected_components(links, directed=False)
    weight = np.array([lines[i].rank + lines[j].rank for i, j in members])
    places = np.zeros((count, 2))
    for at in np.argsort(-weight, kind="stable"):  # the lowest rank comes last and wins
        places[cluster[at]] = meetings[at]
    return places, cluster.astype(np.int64)


def _corners(
    line: Line, shape: LineString, junctions: dict[int, float], places: Floats
) -> list[Floats]:
    """Return the line's corners with its junctions among them and loose ends trimmed."""
    if not junctions:
        return []
    closed = bool(np.allclose(line.points[0], line.points[-1]))
    stations = np.array(sorted(junctions.values()))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line.points, axis=0).T))])
    row = [(where, places[at]) for at, where in junctions.items()]
    for station, corner in zip(along, line.points, strict=True):
        trimmed = not closed and _is_overshoot(station, stations, along[-1])
        if np.abs(stations - station).min() > 4.0 and not trimmed:
            row.append((float(station), corner))
    row.sort(key=lambda item: item[0])
    corners = [row[0][1]]
    corners += [b for (_, a), (_, b) in pairwise(row) if _key(a) != _key(b)]
    if closed and _key(corners[0]) != _key(corners[-1]):
        corners.append(corners[0])
    return corners


def _is_overshoot(station: float, stations: Floats, total: float) -> bool:
    """Say whether a corner lies beyond the last junction on a piece too short to be a street."""
    before = station < stations[0] and stations[0] < OVERSHOOT
    after = station > stations[-1] and total - stations[-1] < OVERSHOOT
    return bool(before or after)


def _largest(woven: Woven) -> Woven:
    """Keep the ways of the largest piece that hangs together, and the nodes they use."""
    tails = np.array([way[k] for way in woven.ways for k in range(len(way) - 1)])
    heads = np.array([way[k + 1] for way in woven.ways for k in range(len(way) - 1)])
    size = len(woven.nodes)
    graph = coo_array((np.ones(len(tails)), (tails, heads)), shape=(size, size))
    _, piece = connected_components(graph, directed=False)
    main = np.bincount(piece).argmax()
    kept = [k for k, way in enumerate(woven.ways) if piece[way[0]] == main]
    used = sorted({node for k in kept for node in woven.ways[k]})
    row = {node: at for at, node in enumerate(used)}
    return Woven(
        nodes=woven.nodes[used],
        ways=[[row[node] for node in woven.ways[k]] for k in kept],
        tags=[woven.tags[k] for k in kept],
    )
