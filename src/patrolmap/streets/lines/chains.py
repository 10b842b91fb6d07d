"""Sidewalks and crossings drawn as lines of their own: what lies where, and along which street.

Chains of them run from one junction to the next; each is looked at in small steps for the street
that is nearest on its own level.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patrolmap.streets import rules
from patrolmap.streets.lines.grid import nearest_pieces, ranges
from patrolmap.streets.lines.splice import lines_near, steps_of, take_lines
from patrolmap.streets.lines.table import Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEITHER, SIDEWALK, CROSSING, LINK = -1, 0, 1, 2
STREETS = rules.ROADS | rules.TRUNKS | {"pedestrian"}  # sidewalks may be folded into these
TIE = 10.0  # m that a drawn way to the street may be longer than the straight one
DETOUR, ALLOWANCE = 1.5, 60.0  # a walk may become half as long again and 60 m longer
_STEP = 8.0  # m between the points of a sidewalk that are looked at
_ALONG = 0.7  # cosine: within 45 degrees of the street counts as running along it


@dataclass(frozen=True, kw_only=True)
class Chains:
    """Chains of steps of sidewalks, crossings and links between junctions.

    A link is a footpath that meets a sidewalk or crossing: where it only leads on from there to
    the street, or over the kerb to another of them, it has no end left once they are folded.

    Step i runs from node `ends[i]` to `ends[i + n]`, smaller row first; half-step h is the end of
    step h % n at `ends[h]`. Steps are in the order of their ends, whatever the order of the lines.
    """

    at: Ints  # (n,) place of each step in `Lines.vertex`
    ends: Ints  # (2 * n,)
    chain: Ints  # (n,)
    tip: Ints  # half-steps at the two ends of each chain, chain by chain; rings have none
    kind: Ints  # (n_chains,) `SIDEWALK`, `CROSSING` or `LINK`
    level: Ints  # (n_chains,)

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Steps of streets that sidewalks may be folded into, each once, ordered by level and ends."""

    low: Ints
    high: Ints
    level: Ints
    xy: Floats  # (n, 4): ends x1, y1, x2, y2


@dataclass(frozen=True, kw_only=True)
class Town:
    """All that decides about folding: the lines around sidewalks, and where they stand."""

    lines: Lines
    chains: Chains
    pieces: Pieces
    paths: Ints  # steps of walkable lines that are neither streets nor in chains
    others: Ints  # (n_nodes,) by how many steps of lines not in chains one can walk off
    on_street: Bools  # (n_nodes,)
    giving_way: Bools  # (n_lines,) a step of it that comes to lie on a street is left out
    fixed: Bools  # (n_nodes,) cars drive over it, on no such street
    tip_chain: Ints  # for each of `chains.tip`: its chain,
    tip_node: Ints  # its node,
    piece: Ints  # the nearest piece on its level (-1: none in reach),
    share: Floats  # how far along that,
    distance: Floats  # and how far off
    length: Floats  # (n_chains,) m, with the ends put onto the street,
    drawn: Floats  # and as drawn


def survey(lines: Lines, *, reach: float) -> tuple[Town, Ints, Bools] | None:
    """Look at every chain: which streets lie near its ends, and does it run along streets.

    Returns the lines that matter with all that was found, the rows they have in `lines`, and
    which chains run along streets within `reach` (m); None where there is no chain.
    """
    role, walk = lines.tags["role"].to_numpy(), lines.tags["walk"].to_numpy(dtype=bool)
    kind = np.where(walk & (role == "sidewalk"), SIDEWALK, NEITHER)
    kind[walk & (role == "crossing")] = CROSSING
    if (kind == NEITHER).all():
        return None
    kind[_links(lines, kind)] = LINK
    chains = _trace(lines, kind)
    if not len(chains.at):
        return None
    rows = lines_near(lines, _boxes(lines, chains, reach))
    near = take_lines(lines, rows)
    place = ranges(lines.start[rows], np.diff(near.start))
    chains = replace(chains, at=np.searchsorted(place, chains.at))
    town, fits = _look(near, kind[rows], chains, reach)
    return town, rows, fits & ((chains.kind != LINK) | _only_joins(town, fits, reach))


def _boxes(lines: Lines, chains: Chains, reach: float) -> Floats:
    """Return a box for each step that holds all walks which may stand in for its chain."""
    x, y = lines.x[chains.ends].reshape(2, -1), lines.y[chains.ends].reshape(2, -1)
    length = np.bincount(chains.chain, weights=np.hypot(x[0] - x[1], y[0] - y[1]))
    margin = (2 * reach + (DETOUR * (length + 2 * reach) + ALLOWANCE) / 2)[chains.chain]
    corners = [x.min(axis=0), y.min(axis=0), x.max(axis=0), y.max(axis=0)]
    return np.stack(corners) + np.array([[-1], [-1], [1], [1]]) * margin


def _look(near: Lines, kind: Ints, chains: Chains, reach: float) -> tuple[Town, Bools]:
    """Find the streets near the ends of chains, and which chains run along streets."""
    walk, drive = near.tags["walk"].to_numpy(dtype=bool), _drivable(near)
    street = _street_lines(near, kind)
    pieces = _pieces(near, street)
    walk = walk & (kind == NEITHER)
    on_street = np.zeros(len(near.node_id), dtype=bool)
    on_street[pieces.low] = on_street[pieces.high] = True
    other = steps_of(near, walk)
    other = other[near.vertex[other] != near.vertex[other + 1]]
    x, y = near.x[chains.ends], near.y[chains.ends]
    n = len(chains.at)
    steps = np.hypot(x[:n] - x[n:], y[:n] - y[n:])
    drawn = np.bincount(chains.chain, weights=steps).astype(np.float64)
    tip_chain = chains.chain[chains.tip % n]
    ends = np.column_stack([x[chains.tip], y[chains.tip]])
    piece, share, distance = _nearest(pieces, ends, chains.level[tip_chain], reach)
    there = piece >= 0
    x1, y1, x2, y2 = pieces.xy[piece[there]].T
    x[chains.tip[there]] = x1 + share[there] * (x2 - x1)
    y[chains.tip[there]] = y1 + share[there] * (y2 - y1)
    fits, length = _runs_along(chains, pieces, x, y, reach)
    town = Town(
        lines=near,
        chains=chains,
        pieces=pieces,
        paths=steps_of(near, walk & ~street),
        others=np.bincount(near.vertex[np.append(other, other + 1)], minlength=len(near.node_id)),
        on_street=on_street,
        giving_way=~street & ~drive,
        fixed=_nodes_of(near, drive & ~street),
        tip_chain=tip_chain,
        tip_node=chains.ends[chains.tip],
        piece=piece,
        share=share,
        distance=distance,
        length=length,
        drawn=drawn,
    )
    return town, fits


def _only_joins(town: Town, fits: Bools, reach: float) -> Bools:
    """Say which links only lead from what may go straight to a street, or to more that may go."""
    going = np.zeros(len(town.on_street), dtype=bool)
    going[town.tip_node[(fits & (town.chains.kind != LINK))[town.tip_chain]]] = True
    going &= ~town.on_street
    drawn, other_end = town.drawn[town.tip_chain], other_ends(town)
    joins = town.on_street[other_end] & (drawn <= town.distance + TIE)
    joins |= going[other_end] & (drawn <= reach)
    out = np.zeros(len(town.chains), dtype=bool)
    out[town.tip_chain[joins & going[town.tip_node]]] = True
    return out


def other_ends(town: Town) -> Ints:
    """Return the node at the other end of the chain of each tip."""
    return town.tip_node.reshape(-1, 2)[:, ::-1].ravel()


def _street_lines(lines: Lines, kind: Ints) -> Bools:
    """Say which lines sidewalks may be folded into."""
    walk = lines.tags["walk"].to_numpy(dtype=bool)
    street: Bools = walk & (kind == NEITHER)
    street &= lines.tags["highway"].isin(STREETS).to_numpy(dtype=bool)
    return street


def _drivable(lines: Lines) -> Bools:
    drive: Bools = lines.tags[["drive_forward", "drive_backward"]].to_numpy(dtype=bool).any(axis=1)
    return drive


def _nodes_of(lines: Lines, which: Bools) -> Bools:
    """Say which nodes steps of some of the lines end at."""
    on, at = np.zeros(len(lines.node_id), dtype=bool), steps_of(lines, which)
    on[lines.vertex[at]] = on[lines.vertex[at + 1]] = True
    return on


def _links(lines: Lines, kind: Ints) -> Ints:
    """Return the rows of footpaths that meet a sidewalk or crossing."""
    walk = lines.tags["walk"].to_numpy(dtype=bool)
    foot = walk & (kind == NEITHER) & ~_street_lines(lines, kind) & ~_drivable(lines)
    rows, size = np.flatnonzero(foot), np.diff(lines.start)[foot]
    vertex, line = lines.vertex[ranges(lines.start[rows], size)], np.repeat(rows, size)
    met = line[_nodes_of(lines, kind != NEITHER)[vertex]]
    once: Ints = met[np.diff(met, prepend=-1) != 0]
    return once


def _trace(lines: Lines, kind: Ints) -> Chains:
    """Join steps of one kind and level into chains, cut wherever another walkable line is met."""
    candidate = kind != NEITHER
    at = steps_of(lines, candidate)
    line = np.searchsorted(lines.start, at, side="right") - 1
    a, b = lines.vertex[at], lines.vertex[at + 1]
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((lines.way[line], high, low))
    order = order[(a != b)[order]]
    at, line, ends = at[order], line[order], np.concatenate([low[order], high[order]])

    n, n_nodes = len(at), len(lines.node_id)
    walk = lines.tags["walk"].to_numpy(dtype=bool)
    passing = np.bincount(ends, minlength=n_nodes) == 2
    passing &= ~_nodes_of(lines, walk & ~candidate)
    kind, level = kind[line], _levels(lines)[line]
    half = np.argsort(ends, kind="stable")
    half = half[passing[ends[half]]]
    one, other = half[0::2], half[1::2]
    same = (kind[one % n] == kind[other % n]) & (level[one % n] == level[other % n])
    passing[ends[one[~same]]] = False
    graph = coo_array((np.ones(same.sum()), (one[same] % n, other[same] % n)), shape=(n, n))
    chain = connected_components(graph, directed=False)[1].astype(np.int64)
    first = np.unique(chain, return_index=True)[1]
    tip = np.flatnonzero(~passing[ends])
    return Chains(
        at=at,
        ends=ends,
        chain=chain,
        tip=tip[np.argsort(chain[tip % n], kind="stable")],
        kind=kind[first],
        level=level[first],
    )


def _levels(lines: Lines) -> Ints:
    """Return the layer of each line; bridges and tunnels without one lie above and below."""
    tags = lines.tags
    built = tags["bridge"].to_numpy(dtype=np.int64) - tags["tunnel"].to_numpy(dtype=np.int64)
    layer = tags["layer"].to_numpy(dtype=np.int64)
    level: Ints = np.where(layer == 0, built, layer)
    return level


def _pieces(lines: Lines, street: Bools) -> Pieces:
    at = steps_of(lines, street)
    level = _levels(lines)[np.searchsorted(lines.start, at, side="right") - 1]
    a, b = lines.vertex[at], lines.vertex[at + 1]
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((high, low, level))
    order = order[(a != b)[order]]
    low, high, level = low[order], high[order], level[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(low) != 0) | (np.diff(high) != 0) | (np.diff(level) != 0)
    low, high = low[fresh], high[fresh]
    xy = np.column_stack([lines.x[low], lines.y[low], lines.x[high], lines.y[high]])
    return Pieces(low=low, high=high, level=level[fresh], xy=xy)


def _nearest(pieces: Pieces, xy: Floats, level: Ints, reach: float) -> tuple[Ints, Floats, Floats]:
    """Find the nearest piece on each point's own level; -1 and NaN where none is in reach."""
    piece = np.full(len(xy), -1, dtype=np.int64)
    share, distance = np.full(len(xy), np.nan), np.full(len(xy), np.nan)
    for one in sorted(set(level.tolist())):
        first, last = np.searchsorted(pieces.level, [one, one + 1])
        if first == last:
            continue
        which = np.flatnonzero(level == one)
        found, share[which], distance[which] = nearest_pieces(
            xy[which], pieces.xy[first:last], reach
        )
        piece[which] = np.where(found >= 0, found + first, -1)
    return piece, share, distance


def _runs_along(
    chains: Chains, pieces: Pieces, x: Floats, y: Floats, reach: float
) -> tuple[Bools, Floats]:
    """Say which chains lie close to streets all along, and return their lengths.

    `x`, `y` are where half-steps stand once the ends of chains are put onto the street, so that a
    chain is judged the same before and after.
    """
    n = len(chains.at)
    dx, dy = x[n:] - x[:n], y[n:] - y[:n]
    length = np.hypot(dx, dy)
    parts = np.maximum(np.ceil(length / _STEP), 1).astype(np.int64)
    step = np.repeat(np.arange(n), parts)
    t = (ranges(np.zeros(n, dtype=np.int64), parts) + 0.5) / parts[step]
    between = np.column_stack([x[:n][step] + t * dx[step], y[:n][step] + t * dy[step]])
    xy = np.vstack([np.column_stack([x, y]), between])
    chain = chains.chain[np.concatenate([np.arange(2 * n) % n, step])]
    piece = _nearest(pieces, xy, chains.level[chain], reach)[0]
    total = np.bincount(chains.chain, weights=length).astype(np.float64)
    fits = np.bincount(chain, weights=piece < 0) == 0

    piece = piece[2 * n :]
    x1, y1, x2, y2 = pieces.xy[piece].T if len(pieces.xy) else np.zeros((4, len(piece)))
    dot = np.abs(dx[step] * (x2 - x1) + dy[step] * (y2 - y1))
    along = dot >= _ALONG * length[step] * np.hypot(x2 - x1, y2 - y1)
    weight = length[step] / parts[step] * along
    runs = np.bincount(chains.chain[step], weights=weight) >= 0.5 * total
    return fits & (runs | (chains.kind != SIDEWALK) | (total <= 2 * reach)), total
