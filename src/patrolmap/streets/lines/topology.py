"""From lines that share nodes to segments between junctions, with ids that stay.

All of it is array work: a link is one straight step between two neighbouring nodes of a line; a
node is a junction unless exactly two links with equal attributes meet there; a street is the chain
of links between two junctions; a segment is a street, or an equal piece of a long one.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TEXTS = ["name", "name_kk", "name_ru", "name_en", "highway", "lit"]
BUILT = ["bridge", "tunnel"]
SAME = [*TEXTS, *BUILT]  # pieces that agree in these are one street
MOSTLY = ["surface", "sidewalk", "area"]  # told of a street by most of its length
FLAGS = ["walk", "drive_forward", "drive_backward"]
TAGS = [*SAME, *MOSTLY, *FLAGS, "role", "layer"]
_NONE = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Streets as a source draws them: lines over shared nodes, in metres.

    Attributes
    ----------
    way : (n_lines,) int64
        Id of the way a line comes from; orders parallels and chooses among duplicates.
    start : (n_lines + 1,) int64
        Vertices of line i are `vertex[start[i]:start[i + 1]]`.
    vertex : (n_vertices,) int64
        Row of each vertex in `node_id`, `x` and `y`.
    node_id : (n_nodes,) int64
        Ascending, so that the order of rows is the order of ids.
    x, y : (n_nodes,) float64
        Metres.
    crossing : (n_nodes,) bool
        Whether a pedestrian crossing is marked there.
    tags : DataFrame
        One row a line, columns `TAGS`: `SAME`, `MOSTLY` and `FLAGS` as in the segments; `role`
        (`sidewalk`, `crossing` or empty) and `layer` (int) tell which lines run along a street.
    """

    way: Ints
    start: Ints
    vertex: Ints
    node_id: Ints
    x: Floats
    y: Floats
    crossing: Bools
    tags: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Links:
    """Straight steps, each once, from the smaller node row to the larger."""

    ends: Ints  # (2 * n,): rows of the smaller ends, then of the larger ends
    line: Ints
    walk: Bools
    leave: Bools  # (2 * n,): may a car enter the link at this end
    arrive: Bools  # (2 * n,): may a car leave the link at this end


@dataclass(frozen=True, kw_only=True)
class _Streets:
    """Chains of links between junctions, in the order of their ids; steps in walking order."""

    first: Ints  # (n + 1,): steps of street i are first[i]:first[i + 1]
    step: Ints  # half-link each step leaves by
    tail: Ints  # node rows of the two ends of each step
    head: Ints
    way: Ints  # (n,) smallest way id


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """Streets cut into segments, in order along each street."""

    steps: Floats  # length of each step of the streets
    length: Floats  # (n_streets,)
    count: Ints  # (n_streets,) parts of each
    street: Ints  # (n_parts,) street each part belongs to
    ids: list[str]  # (n_streets,)
    names: pd.Index  # (n_parts,)
    ends: Ints  # (n_parts, 2) node rows of its street's two ends
    new: Ints  # parts that begin at a new node
    new_id: Ints
    new_xy: Floats


def build_segments(
    lines: Lines, *, crs: CRS, max_segment_length: float
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[str, float]]:
    """Build the tables of segments and nodes, and say what was repaired.

    Ids are `u-v` (the two end nodes, smaller first), `:2`, `:3` for later parallels (by smallest
    way id, then smallest node id between), `/1`, `/2` for the pieces of a street longer than
    `max_segment_length` (m), counted from u.
    """
    links, report = _make_links(lines)
    streets = _trace(links, lines)
    parts = _cut(streets, lines, max_segment_length)
    segments, nodes = _tables(streets, parts, links, lines, crs)
    whole = segments["length"] > 0
    report["zero-length pieces dropped"] += float((~whole).sum())
    return segments[whole], nodes, report


def _make_links(lines: Lines) -> tuple[_Links, dict[str, float]]:
    count = np.diff(lines.start)
    line = np.repeat(np.arange(len(count)), np.maximum(count - 1, 0))
    at = np.delete(np.arange(len(lines.vertex)), lines.start[1:][count > 0] - 1)
    a, b = lines.vertex[at], lines.vertex[at + 1]
    a, b, zero = _join_coincident(a, b, lines)
    real = a != b
    a, b, line = a[real], b[real], line[real]
    flags = {name: lines.tags[name].to_numpy(dtype=bool)[line] for name in FLAGS}
    turned = a > b
    low, high = np.minimum(a, b), np.maximum(a, b)
    forward = np.where(turned, flags["drive_backward"], flags["drive_forward"])
    backward = np.where(turned, flags["drive_forward"], flags["drive_backward"])

    # A link drawn twice (duplicate ways, outlines over streets) is one; the oldest way names it.
    order = np.lexsort((line, lines.way[line], high, low))
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    first = np.flatnonzero(fresh)
    again = order[~fresh]
    doubled = np.hypot(lines.x[a[again]] - lines.x[b[again]], lines.y[a[again]] - lines.y[b[again]])

    def either(flag: Bools) -> Bools:
        return np.logical_or.reduceat(flag[order], first) if len(first) else flag

    forward, backward = either(forward), either(backward)
    one = order[first]
    links = _Links(
        ends=np.concatenate([low[one], high[one]]),
        line=line[one],
        walk=either(flags["walk"]),
        leave=np.concatenate([forward, backward]),
        arrive=np.concatenate([backward, forward]),
    )
    return links, {
        "duplicate length dropped (m)": float(doubled.sum()),
        "zero-length pieces dropped": float(zero),
    }


def _join_coincident(a: Ints, b: Ints, lines: Lines) -> tuple[Ints, Ints, int]:
    """Make one node of nodes that a step of no length joins; the smallest id stands."""
    zero = (lines.x[a] == lines.x[b]) & (lines.y[a] == lines.y[b]) & (a != b)
    if not zero.any():
        return a, b, 0
    n = len(lines.node_id)
    pairs = coo_array((np.ones(zero.sum()), (a[zero], b[zero])), shape=(n, n))
    label = connected_components(pairs, directed=False)[1]
    smallest = np.full(label.max() + 1, n, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(n))
    stand_in = smallest[label]
    return stand_in[a], stand_in[b], int(zero.sum())


def _partners(links: _Links, code: Ints, n_nodes: int) -> Ints:
    """Pair the two half-links that run on through a node; -1 where a half-link meets a junction.

    Half-link h < n stands for the smaller end of link h, h + n for its larger end.
    """
    n = len(links.line)
    order = np.argsort(links.ends, kind="stable")
    degree = np.bincount(links.ends, minlength=n_nodes)
    begin = np.cumsum(degree) - degree
    two = np.flatnonzero(degree == 2)
    one, other = order[begin[two]], order[begin[two] + 1]
    runs_on = (
        (code[links.line[one % n]] == code[links.line[other % n]])
        & (links.walk[one % n] == links.walk[other % n])
        & (links.arrive[one] == links.leave[other])
        & (links.leave[one] == links.arrive[other])
    )
    passing = np.zeros(n_nodes, dtype=bool)
    passing[two[runs_on]] = True
    passing[_ring_starts(links, passing, n_nodes)] = False
    kept = passing[two]
    partner = np.full(2 * n, -1, dtype=np.int64)
    partner[one[kept]], partner[other[kept]] = other[kept], one[kept]
    return partner


def _ring_starts(links: _Links, passing: Bools, n_nodes: int) -> Ints:
    """Return the smallest node of every ring that touches no junction."""
    n = len(links.line)
    ones = np.ones(n, dtype=np.int8)
    graph = coo_array((ones, (links.ends[:n], links.ends[n:])), shape=(n_nodes, n_nodes))
    count, label = connected_components(graph, directed=False)
    has_junction = np.zeros(count, dtype=bool)
    has_junction[label[~passing]] = True
    inside = np.flatnonzero(~has_junction[label])
    return inside[np.unique(label[inside], return_index=True)[1]]


def _trace(links: _Links, lines: Lines) -> _Streets:
    """Follow links through passing nodes: pointer doubling, so no step-by-step loop."""
    n = len(links.line)
    code = lines.tags.groupby(SAME, dropna=False, sort=False).ngroup().to_numpy()
    partner = _partners(links, code, len(lines.node_id))
    half = np.arange(2 * n)
    far = (half + n) % (2 * n)
    last = np.where(partner[far] >= 0, partner[far], half)
    left = (last != half).astype(np.int64)  # steps left until the street's last link
    while not np.array_equal(jump := last[last], last):
        left += left[last]
        last = jump

    begins = np.flatnonzero(partner < 0)
    ends_by = last[begins]
    u, v = links.ends[begins], links.ends[far[ends_by]]
    second, before = links.ends[far[begins]], links.ends[ends_by]
    canonical = (u < v) | ((u == v) & (second < before))  # a street is found from both its ends
    begins, ends_by = begins[canonical], ends_by[canonical]
    street_of = np.full(2 * n, -1, dtype=np.int64)
    street_of[ends_by] = np.arange(len(begins))
    street = street_of[last]
    found = np.flatnonzero(street >= 0)

    size = left[begins] + 1
    first = np.cumsum(size) - size
    members = np.empty(len(found), dtype=np.int64)
    members[(first + size - 1)[street[found]] - left[found]] = found
    tail = links.ends[members]
    between = tail.copy()
    between[first] = _NONE
    way = np.minimum.reduceat(lines.way[links.line[members % n]], first)
    rank = np.lexsort((np.minimum.reduceat(between, first), way, v[canonical], u[canonical]))
    take = ranges(first[rank], size[rank])
    step = members[take]
    return _Streets(
        first=np.concatenate([[0], np.cumsum(size[rank])]).astype(np.int64),
        step=step,
        tail=links.ends[step],
        head=links.ends[far[step]],
        way=way[rank],
    )


def ranges(begin: Ints, size: Ints) -> Ints:
    """Return begin[0], begin[0] + 1, ..., then the next range, all in one array.

    Examples
    --------
    >>> ranges(np.array([5, 2]), np.array([2, 3])).tolist()
    [5, 6, 2, 3, 4]
    """
    done = np.cumsum(size) - size
    return np.repeat(begin - done, size) + np.arange(size.sum())


def _street_ids(u: Ints, v: Ints) -> list[str]:
    """Name streets that are sorted by their ends, parallels in order of age."""
    same = np.zeros(len(u), dtype=bool)
    same[1:] = (np.diff(u) == 0) & (np.diff(v) == 0)
    run = np.flatnonzero(~same)
    ordinal = np.arange(len(u)) - np.repeat(run, np.diff(np.append(run, len(u)))) + 1
    return [
        f"{a}-{b}" if k == 1 else f"{a}-{b}:{k}"
        for a, b, k in zip(u.tolist(), v.tolist(), ordinal.tolist(), strict=True)
    ]


def _cut(streets: _Streets, lines: Lines, longest: float) -> _Parts:
    """Decide where long streets are cut, and name parts and new nodes."""
    first = streets.first
    steps = np.hypot(
        lines.x[streets.head] - lines.x[streets.tail], lines.y[streets.head] - lines.y[streets.tail]
    )
    length = np.add.reduceat(steps, first[:-1]) if len(steps) else steps
    # In whole millimetres, so that a street of exactly the limit is not cut by rounding.
    count = np.maximum(np.ceil(np.rint(length * 1000) / (longest * 1000) - 1e-9), 1).astype(int)
    street = np.repeat(np.arange(len(count)), count)
    part = np.arange(len(street)) - np.repeat(np.cumsum(count) - count, count)
    new = np.flatnonzero(part > 0)
    u, v = streets.tail[first[:-1]], streets.head[first[1:] - 1]
    ids = _street_ids(lines.node_id[u], lines.node_id[v])
    names = [
        f"{ids[s]}/{k + 1}" if n > 1 else ids[s]
        for s, k, n in zip(street.tolist(), part.tolist(), count[street].tolist(), strict=True)
    ]
    keys = [f"{ids[s]}/{part[i]}/{count[s]}" for i, s in zip(new, street[new], strict=True)]
    taken = set(lines.node_id[np.concatenate([u, v])].tolist())
    at = length[street[new]] * part[new] / count[street[new]]
    return _Parts(
        steps=steps,
        length=length,
        count=count,
        street=street,
        ids=ids,
        names=pd.Index(names, name="segment_id", dtype="str"),
        ends=np.column_stack([u, v])[street],
        new=new,
        new_id=_new_node_ids(keys, taken),
        new_xy=_points_along(streets, lines, steps, street[new], at),
    )


def _tables(
    streets: _Streets, parts: _Parts, links: _Links, lines: Lines, crs: CRS
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Put segments and nodes into tables."""
    n = len(links.line)
    from_node, to_node = lines.node_id[parts.ends].T.copy()
    from_node[parts.new], to_node[parts.new - 1] = parts.new_id, parts.new_id
    origin = streets.step[streets.first[:-1]][parts.street]
    told = lines.tags[SAME].iloc[links.line[origin % n]]
    mostly = {name: _longest(lines.tags[name], links, streets, parts) for name in MOSTLY}
    geometry, crossings = _draw(streets, lines, parts)
    segments = gpd.GeoDataFrame(
        {
            "from_node": from_node,
            "to_node": to_node,
            "length": np.round(shapely.length(geometry), 3),
            "walk": links.walk[origin % n],
            "drive_forward": links.leave[origin],
            "drive_backward": links.arrive[origin],
            "street_id": pd.array([parts.ids[s] for s in parts.street.tolist()], dtype="str"),
            **{name: told[name].array for name in SAME},
            **mostly,
            "crossings": crossings,
        },
        index=parts.names,
        geometry=geometry,
        crs=crs,
    )
    rows = np.unique(parts.ends)
    xy = np.vstack([np.column_stack([lines.x[rows], lines.y[rows]]), parts.new_xy])
    nodes = gpd.GeoDataFrame(
        index=pd.Index(np.concatenate([lines.node_id[rows], parts.new_id]), name="node_id"),
        geometry=shapely.points(xy),
        crs=crs,
    )
    return segments, nodes


def _longest(column: pd.Series, links: _Links, streets: _Streets, parts: _Parts) -> Any:
    """Return, for each part, the value that most of its street's length is tagged with."""
    code, values = pd.factorize(column, use_na_sentinel=False)
    code = code[links.line[streets.step % len(links.line)]]
    first = streets.first[:-1]
    chosen = code[first]
    size = np.diff(streets.first)
    mixed = np.minimum.reduceat(code, first) != np.maximum.reduceat(code, first)
    step = np.flatnonzero(np.repeat(mixed, size))
    street = np.repeat(np.arange(len(size)), size)[step]
    found, which = np.unique(street * len(values) + code[step], return_inverse=True)
    length = np.bincount(which, weights=parts.steps[step])
    order = np.lexsort((found, length, found // len(values)))
    last = order[np.flatnonzero(np.diff(found[order] // len(values), append=-1))]
    chosen[found[last] // len(values)] = found[last] % len(values)
    return pd.array(values.take(chosen), dtype="str").take(parts.street)


def _points_along(
    streets: _Streets, lines: Lines, steps: Floats, street: Ints, distance: Floats
) -> Floats:
    """Return (n, 2) points at a distance (m) from the start of their streets."""
    reached = np.cumsum(steps) - steps
    begin = streets.first[street]
    at = np.searchsorted(reached, reached[begin] + distance, side="right") - 1
    at = np.clip(at, begin, streets.first[street + 1] - 1)
    share = (distance - (reached[at] - reached[begin])) / steps[at]
    tail, head = streets.tail[at], streets.head[at]
    x = lines.x[tail] + share * (lines.x[head] - lines.x[tail])
    y = lines.y[tail] + share * (lines.y[head] - lines.y[tail])
    return np.column_stack([x, y])


def _draw(streets: _Streets, lines: Lines, parts: _Parts) -> tuple[npt.NDArray[np.object_], Ints]:
    """Draw every part: the street's own vertices, with each cut ending one part, beginning one.

    Counts the marked crossings on each part too.
    """
    size, count = np.diff(streets.first), parts.count
    street = np.repeat(np.arange(len(size)), size)
    reached = np.cumsum(parts.steps) - parts.steps
    reached -= reached[streets.first[:-1]][street]
    whole = parts.length[street] / count[street]
    place = reached / whole
    part = np.clip(np.floor(place + 1e-9).astype(int), 0, count[street] - 1)
    begin = np.cumsum(count) - count
    # A vertex within a micrometre of a cut gives way to the cut.
    own = (reached == 0) | (np.abs(place - np.rint(place)) * whole > 1e-6)
    end = streets.head[streets.first[1:] - 1]
    new, vertices = parts.new, streets.tail[own]
    # In the order in which they stand on a part, so that a stable sort by parts keeps it.
    piece = np.concatenate([new, (begin[street] + part)[own], begin + count - 1, new - 1])
    xy = np.vstack(
        [
            parts.new_xy,
            np.column_stack([lines.x[vertices], lines.y[vertices]]),
            np.column_stack([lines.x[end], lines.y[end]]),
            parts.new_xy,
        ]
    )
    order = np.argsort(piece, kind="stable")
    drawn: npt.NDArray[np.object_] = shapely.linestrings(xy[order], indices=piece[order])
    on = np.concatenate([(begin[street] + part)[own], begin + count - 1])
    marked = lines.crossing[np.concatenate([vertices, end])]
    return drawn, np.bincount(on[marked], minlength=len(parts.street))


def _new_node_ids(keys: list[str], taken: set[int]) -> Ints:
    """Make a negative id of each key: 52 bits of its hash, another try where one is taken."""
    out = np.empty(len(keys), dtype=np.int64)
    for i, key in enumerate(keys):
        attempt = 0
        while True:
            text = key if attempt == 0 else f"{key}#{attempt}"
            digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
            # 52 bits stay exact as a float, for spreadsheets and browsers
            new = -1 - (int.from_bytes(digest, "big") >> 12)
            if new not in taken:
                break
            attempt += 1
        taken.add(new)
        out[i] = new
    return out
