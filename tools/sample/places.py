"""What stands beside the streets: boundary, depots, police posts, bars, bus stops."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, Point, Polygon

from . import names
from .ground import Floats, densify, to_ground
from .town import OFF_LIMITS, Town, crossings
from .weave import Tags

# The boundary's corners on the drawing board: a little inside the extract on all sides.
BOUNDARY = [
    (-1385, -1290),
    (-600, -1335),
    (640, -1380),
    (1330, -1345),
    (1395, -300),
    (1370, 660),
    (1400, 1330),
    (620, 1400),
    (-560, 1370),
    (-700, 1330),
    (-1395, 1345),
    (-1370, 500),
]
DEPOTS = {"Базар": (-470, -345), "Алмалы": (340, 1010), "Жағалау": (1010, -640)}
BARS = [
    (-190, 150),
    (-150, 170),
    (-120, 120),
    (-230, 120),
    (-80, 160),
    (-260, 190),
    (-60, 90),
    (300, 830),
    (640, 840),
    (-820, -640),
    (900, -645),
    (1180, 520),
    (-560, 1120),
]
BAZAAR_AT = (-440, -235)
KINDERGARTENS = {
    (-160, 930): "12",
    (190, 1010): "47",
    (200, -850): "88",
    (-180, -1080): "5",
    (-960, 180): "63",
    (820, 250): "21",
}
STOPS = [
    (-1140, 540),
    (-570, 545),
    (150, 505),
    (640, 545),
    (1310, 515),
    (-1130, -640),
    (-550, -655),
    (80, -640),
    (600, -665),
    (1290, -640),
    (-540, 1130),
    (70, 1110),
    (620, 1120),
    (1290, 1125),
    (-540, 100),
    (60, -120),
    (620, 60),
    (-1140, -120),
    (330, -150),
    (-160, 1125),
    (370, 540),
    (-280, -655),
    (340, -650),
    (-860, -655),
]


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A street between two junctions, on the ground: what events are put on."""

    nodes: list[int]
    points: Floats
    tags: Tags

    @property
    def shape(self) -> LineString:
        """The edge as shapely knows it."""
        return LineString(self.points)

    @property
    def kind(self) -> str:
        """Its highway class."""
        return self.tags["highway"]


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A point of the map with its tags; metres on the ground."""

    at: tuple[float, float]
    tags: Tags


def boundary() -> Polygon:
    """Return the district's boundary on the ground."""
    corners = densify(np.array([*BOUNDARY, BOUNDARY[0]], dtype=np.float64), 300.0)
    return Polygon(to_ground(corners))


def edges(town: Town) -> list[Edge]:
    """Return every street cut at its junctions, on the ground."""
    ground = to_ground(town.streets.nodes)
    ends = set(crossings(town.streets.ways))
    found = []
    for way, tags in zip(town.streets.ways, town.streets.tags, strict=True):
        cuts = [0, *(k for k in range(1, len(way) - 1) if way[k] in ends), len(way) - 1]
        for a, b in pairwise(cuts):
            nodes = way[a : b + 1]
            found.append(Edge(nodes=nodes, points=ground[nodes], tags=tags))
    return found


def beside(streets: list[Edge], board: tuple[float, float], away: float) -> tuple[float, float]:
    """Return a ground point beside the walkable street nearest to a point of the board."""
    goal = Point(to_ground(np.array(board, dtype=np.float64)))
    open_to_all = [
        e.shape
        for e in streets
        if e.kind not in (*OFF_LIMITS, "service") and e.tags.get("access") is None
    ]
    tree = shapely.STRtree(open_to_all)
    line = tree.geometries[tree.nearest(goal)]
    side = line.offset_curve(away)
    place = side.interpolate(side.project(goal))
    return (place.x, place.y)


def depots(streets: list[Edge]) -> dict[str, tuple[float, float]]:
    """Return where each depot stands, on the ground."""
    return {name: beside(streets, board, 9.0) for name, board in DEPOTS.items()}


def spots(streets: list[Edge]) -> list[Spot]:
    """Return the points of the map: police posts at the depots, bars, bus stops, kindergartens."""
    found = []
    for number, (name, at) in enumerate(depots(streets).items(), start=1):
        kk, ru = f"№ {number} полиция бекеті «{name}»", f"Участковый пункт полиции № {number}"
        found.append(
            Spot(at=at, tags={"amenity": "police", "name": kk, "name:kk": kk, "name:ru": ru})
        )
    for number, board in enumerate(BARS, start=1):
        tags = {"amenity": "bar" if number % 3 else "pub", "name": f"Бар {number}"}
        found.append(Spot(at=beside(streets, board, 8.0), tags=tags))
    stop = {"highway": "bus_stop", "public_transport": "platform"}
    found += [Spot(at=beside(streets, board, 6.0), tags=stop) for board in STOPS]
    for board, no in KINDERGARTENS.items():
        kk, ru = f"№ {no} балабақша", f"Детский сад № {no}"
        ground = to_ground(np.array(board, dtype=np.float64))
        found.append(
            Spot(
                at=(float(ground[0]), float(ground[1])),
                tags={"amenity": "kindergarten", "name": kk, "name:kk": kk, "name:ru": ru},
            )
        )
    return found


def boundary_names() -> Tags:
    """Return the district's names."""
    return {
        "name": names.DISTRICT_KK,
        "name:kk": names.DISTRICT_KK,
        "name:ru": names.DISTRICT_RU,
        "name:en": names.DISTRICT_EN,
    }
