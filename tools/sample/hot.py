"""Hot spots planted at known streets: where they are, and what happens there."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import LineString, Point

from .ground import Floats, to_degrees, to_ground
from .osm import node_id
from .places import Edge


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A hot spot as wished: near a point of the board, on streets of these classes.

    `weight` is its part among the planted events of its kind; `mood` says when and what.
    """

    name: str
    kind: str
    board: tuple[float, float]
    classes: tuple[str, ...]
    weight: float
    length: float = 150.0
    mood: str = "day"


@dataclass(frozen=True, kw_only=True)
class HotSpot:
    """A hot spot as planted: a walk along one street, junction to junction."""

    plan: Plan
    edges: list[Edge]

    @property
    def nodes(self) -> list[int]:
        """Rows of all nodes along it, bends included."""
        rows = list(self.edges[0].nodes)
        for edge in self.edges[1:]:
            rows += edge.nodes[1:]
        return rows

    @property
    def points(self) -> Floats:
        """Its line on the ground (m)."""
        return np.concatenate([self.edges[0].points, *(e.points[1:] for e in self.edges[1:])])

    def describe(self, share: float, events: int) -> dict[str, object]:
        """Return what planted.json says about it."""
        street = self.edges[0].tags
        return {
            "name": self.plan.name,
            "kind": self.plan.kind,
            "street": street.get("name"),
            "highway": street["highway"],
            "mood": self.plan.mood,
            "share": round(share, 4),
            "events": events,
            "length_m": round(LineString(self.points).length, 1),
            "osm_nodes": [node_id(row) for row in self.nodes],
            "line": to_degrees(self.points).tolist(),
        }


BIG, MIDDLE, SMALL = ("primary",), ("secondary",), ("residential",)
YARD = ("service", "living_street")
PLANS = [
    Plan(
        name="bazaar rows",
        kind="crime",
        board=(-440, -220),
        classes=("pedestrian",),
        weight=0.17,
        mood="market",
    ),
    Plan(
        name="bar street",
        kind="crime",
        board=(-150, 140),
        classes=SMALL,
        weight=0.16,
        length=190,
        mood="night",
    ),
    Plan(
        name="bus stops at Abai and Manas",
        kind="crime",
        board=(140, 505),
        classes=BIG,
        weight=0.13,
        mood="crowd",
    ),
    Plan(
        name="park's south gate",
        kind="crime",
        board=(340, -150),
        classes=("tertiary",),
        weight=0.09,
        mood="evening",
    ),
    Plan(
        name="car thefts in the north estate",
        kind="crime",
        board=(560, 900),
        classes=YARD,
        weight=0.09,
        mood="cars",
    ),
    Plan(
        name="kiosks on Raiymbek",
        kind="crime",
        board=(470, -650),
        classes=BIG,
        weight=0.10,
        mood="crowd",
    ),
    Plan(
        name="ring quarter",
        kind="crime",
        board=(-760, -960),
        classes=SMALL,
        weight=0.07,
        mood="night",
    ),
    Plan(
        name="dark embankment",
        kind="crime",
        board=(925, -350),
        classes=("footway",),
        weight=0.07,
        mood="evening",
    ),
    Plan(
        name="shops on Tole Bi",
        kind="crime",
        board=(-130, 1125),
        classes=MIDDLE,
        weight=0.08,
        mood="crowd",
    ),
    Plan(
        name="burglaries in the west",
        kind="crime",
        board=(-1240, 90),
        classes=SMALL,
        weight=0.04,
        mood="cars",
    ),
    Plan(
        name="Abai and Altynsarin",
        kind="accident",
        board=(-520, 535),
        classes=BIG,
        weight=0.26,
        length=120,
    ),
    Plan(
        name="Raiymbek and Manas",
        kind="accident",
        board=(20, -650),
        classes=BIG,
        weight=0.22,
        length=120,
    ),
    Plan(
        name="Tole Bi and Satpaev",
        kind="accident",
        board=(600, 1108),
        classes=MIDDLE,
        weight=0.18,
        length=120,
    ),
    Plan(
        name="school crossing on Kurmangazy",
        kind="accident",
        board=(450, 815),
        classes=("tertiary",),
        weight=0.18,
        length=120,
    ),
    Plan(
        name="Seifullin and Raiymbek",
        kind="accident",
        board=(1310, -600),
        classes=MIDDLE,
        weight=0.16,
        length=120,
    ),
    Plan(
        name="yard behind school 151", kind="juvenile", board=(-330, 960), classes=YARD, weight=0.26
    ),
    Plan(
        name="park square",
        kind="juvenile",
        board=(375, 110),
        classes=("pedestrian",),
        length=110,
        weight=0.28,
    ),
    Plan(
        name="yard behind school 96", kind="juvenile", board=(330, -1100), classes=YARD, weight=0.24
    ),
    Plan(name="promenade", kind="juvenile", board=(1030, 360), classes=("footway",), weight=0.22),
]


def plant(streets: list[Edge]) -> list[HotSpot]:
    """Find the streets of all hot spots; no street serves two."""
    taken: set[int] = set()
    found = []
    for plan in PLANS:
        spot = _plant_one(plan, streets, taken)
        taken |= {id(edge) for edge in spot.edges}
        found.append(spot)
    return found


def _plant_one(plan: Plan, streets: list[Edge], taken: set[int]) -> HotSpot:
    usable = {
        at
        for at, edge in enumerate(streets)
        if edge.kind in plan.classes
        and not {"access", "bridge", "footway"} & set(edge.tags)
        and id(edge) not in taken
        and 12 < edge.shape.length < 260
    }
    goal = Point(to_ground(np.array(plan.board, dtype=np.float64)))
    starts = [at for at in sorted(usable) if 25 < streets[at].shape.length < 210]
    gaps = shapely.distance(np.array([streets[at].shape for at in starts]), goal)
    first = last = starts[int(gaps.argmin())]
    length = streets[first].shape.length
    # Edges of one way stand in a row: walk on along it while the street goes on.
    while length < 0.75 * plan.length and last + 1 in usable and _goes_on(streets, last):
        last += 1
        length += streets[last].shape.length
    while length < 0.75 * plan.length and first - 1 in usable and _goes_on(streets, first - 1):
        first -= 1
        length += streets[first].shape.length
    return HotSpot(plan=plan, edges=streets[first : last + 1])


def _goes_on(streets: list[Edge], at: int) -> bool:
    """Say whether the next edge is the same street's next piece."""
    here, after = streets[at], streets[at + 1]
    return here.nodes[-1] == after.nodes[0] and here.tags == after.tags
