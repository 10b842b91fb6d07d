"""Where events happen: at planted hot spots, and along streets near what draws people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import Point

from .ground import Floats, to_degrees, to_ground
from .hot import HotSpot
from .places import BARS, BAZAAR_AT, STOPS, Edge, boundary
from .town import OFF_LIMITS


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How events lie along a street: metres off it, and how much they gather at junctions.

    `gather` is the parameter of a symmetric beta distribution: 1 is even, less gathers at the ends.
    """

    near: float = 3.0
    far: float = 12.0
    gather: float = 1.0


OFF_STREET = Manner()
ON_ROAD = Manner(near=1.0, far=6.0, gather=0.4)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Streets within the boundary, with how much each draws crimes."""

    edges: list[Edge]
    pull: Floats
    address: list[str]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one event is put: degrees, its street, and the hot spot it belongs to."""

    lonlat: tuple[float, float]
    edge: Edge
    address: str
    hot: int | None = None


def prepare(streets: Sequence[Edge], hot: Sequence[HotSpot], rng: np.random.Generator) -> Ground:
    """Weigh the streets inside the boundary that no hot spot stands on."""
    taken = {id(edge) for spot in hot for edge in spot.edges}
    limit = boundary().buffer(-40)
    inside = [
        e
        for e in streets
        if e.kind not in OFF_LIMITS
        and id(e) not in taken
        and e.tags.get("access") is None
        and limit.contains(e.shape)
    ]
    middles = np.array([e.shape.interpolate(0.5, normalized=True).coords[0] for e in inside])
    length = np.array([e.shape.length for e in inside])
    pull = length * rng.gamma(1.6, 1 / 1.6, len(inside))
    for attractors, height, reach in (
        (BARS, 2.5, 90.0),
        (STOPS, 1.5, 70.0),
        ([BAZAAR_AT], 4.0, 160.0),
    ):
        at = to_ground(np.array(attractors, dtype=np.float64))
        gap = np.hypot(*(middles[:, None, :] - at[None, :, :]).transpose(2, 0, 1)).min(axis=1)
        pull *= 1 + height * np.exp(-gap / reach)
    quiet = np.array(
        [0.35 if e.kind in ("footway", "pedestrian", "steps") else 1.0 for e in inside]
    )
    return Ground(edges=inside, pull=pull * quiet, address=_addresses(inside, streets))


def _addresses(inside: Sequence[Edge], streets: Sequence[Edge]) -> list[str]:
    """Return the street of each edge as records write it: its own name, or the nearest one."""
    named = [e for e in streets if "name" in e.tags and e.kind not in OFF_LIMITS]
    tree = shapely.STRtree([e.shape for e in named])
    out = []
    for edge in inside:
        own = edge if "name" in edge.tags else named[int(tree.nearest(edge.shape))]
        out.append(plain_street(own.tags))
    return out


def plain_street(tags: dict[str, str]) -> str:
    """Write a street's name as the service does: Russian, capitals, without its kind."""
    words = tags.get("name:ru", tags.get("name", "")).split()
    return " ".join(w for w in words if w not in ("улица", "проспект", "проезд")).upper()


def on_background(
    ground: Ground,
    count: int,
    rng: np.random.Generator,
    *,
    manner: Manner = OFF_STREET,
    weight: Callable[[Edge], float] | None = None,
) -> list[Place]:
    """Put events along streets, the more the stronger their pull."""
    pull = ground.pull
    if weight is not None:
        pull = pull * np.array([weight(edge) for edge in ground.edges])
    drawn = rng.choice(len(ground.edges), size=count, p=pull / pull.sum())
    return [
        Place(
            lonlat=_beside(ground.edges[k], rng, manner),
            edge=ground.edges[k],
            address=ground.address[k],
        )
        for k in drawn.tolist()
    ]


def on_hot(
    hot: Sequence[HotSpot],
    count: int,
    rng: np.random.Generator,
    *,
    manner: Manner = OFF_STREET,
) -> list[Place]:
    """Put events on hot spots, shared out by their weights."""
    weight = np.array([spot.plan.weight for spot in hot])
    drawn = rng.choice(len(hot), size=count, p=weight / weight.sum())
    out = []
    for k in drawn.tolist():
        length = np.array([e.shape.length for e in hot[k].edges])
        edge = hot[k].edges[int(rng.choice(len(length), p=length / length.sum()))]
        out.append(
            Place(
                lonlat=_beside(edge, rng, manner),
                edge=edge,
                hot=k,
                address=plain_street(edge.tags),
            )
        )
    return out


def _beside(edge: Edge, rng: np.random.Generator, manner: Manner) -> tuple[float, float]:
    """Draw a point along an edge and step off it to one side."""
    line = edge.shape
    at = (0.04 + 0.92 * float(rng.beta(manner.gather, manner.gather))) * line.length
    a, b = line.interpolate(max(at - 0.5, 0)), line.interpolate(min(at + 0.5, line.length))
    way = np.array([b.x - a.x, b.y - a.y])
    way /= np.hypot(*way)
    off = float(rng.uniform(manner.near, manner.far)) * float(rng.choice([-1, 1]))
    middle: Point = line.interpolate(at)
    ground = np.array([middle.x - way[1] * off, middle.y + way[0] * off])
    lon, lat = to_degrees(ground, digits=6)
    return (float(lon), float(lat))
