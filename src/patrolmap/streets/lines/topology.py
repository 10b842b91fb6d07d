"""From lines that share nodes to segments between junctions, with ids that stay.

A segment is a street, or an equal piece of a long one.
"""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from pyproj import CRS

from patrolmap.streets.lines.links import Links, Streets, make_links, trace_streets
from patrolmap.streets.lines.table import MOSTLY, SAME, Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """Streets cut into segments, in order along each street."""

    steps: Floats  # length of each step of the streets
    length: Floats  # (n_streets,)
    count: Ints  # (n_streets,) parts of each
    street: Ints  # (n_parts,) street each part belongs to
    ids: pa.Array  # (n_streets,) text
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
    links, report = make_links(lines)
    streets = trace_streets(links, lines)
    parts = _cut(streets, lines, max_segment_length)
    segments, nodes = _tables(streets, parts, links, lines, crs)
    whole = segments["length"] > 0
    report["zero-length pieces dropped"] += float((~whole).sum())
    return segments if whole.all() else segments[whole], nodes, report


def _among_parallels(u: Ints, v: Ints) -> Ints:
    """Count streets with the same ends, from 1; they are sorted by their ends."""
    run = np.flatnonzero((np.diff(u, prepend=-1) != 0) | (np.diff(v, prepend=-1) != 0))
    return np.arange(len(u)) - np.repeat(run, np.diff(np.append(run, len(u)))) + 1


def _street_ids(u: Ints, v: Ints, ordinal: Ints) -> pa.Array:
    """Name streets by their two ends, and parallels by their number."""
    return _numbered(_joined(pa.array(u), pa.array(v), "-"), ":", ordinal, ordinal > 1)


def _joined(a: Any, b: Any, mark: str) -> pa.Array:
    """Write pairs with a mark between."""
    text = pa.large_string()
    return pc.binary_join_element_wise(pc.cast(a, text), pc.cast(b, text), pa.scalar(mark, text))


def _numbered(names: pa.Array, mark: str, number: Ints, which: Bools) -> pa.Array:
    """Put a number behind some of the names."""
    mask = pa.array(which)
    numbered = _joined(names.filter(mask), pa.array(number[which]), mark)
    return pc.replace_with_mask(names, mask, numbered)


def _cut(streets: Streets, lines: Lines, longest: float) -> _Parts:
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
    ordinal = _among_parallels(u, v)
    ids = _street_ids(lines.node_id[u], lines.node_id[v], ordinal)
    names = _numbered(ids.take(pa.array(street)), "/", part + 1, count[street] > 1)
    cut = np.column_stack([lines.node_id[u], lines.node_id[v], ordinal])[street[new]]
    told = np.column_stack([cut, part[new], count[street[new]]])
    at = length[street[new]] * part[new] / count[street[new]]
    return _Parts(
        steps=steps,
        length=length,
        count=count,
        street=street,
        ids=ids,
        names=pd.Index(pd.array(names, dtype="str"), name="segment_id"),
        ends=np.column_stack([u, v])[street],
        new=new,
        new_id=_new_node_ids(told, lines.node_id[np.concatenate([u, v])]),
        new_xy=_points_along(streets, lines, steps, street[new], at),
    )


def _tables(
    streets: Streets, parts: _Parts, links: Links, lines: Lines, crs: CRS
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
            "street_id": pd.array(parts.ids.take(pa.array(parts.street)), dtype="str"),
            **{name: told[name].array for name in SAME},
            **mostly,
            "crossings": crossings,
        },
        index=parts.names,
        geometry=geometry,
        crs=crs,
    )
    used = np.zeros(len(lines.node_id), dtype=bool)
    used[parts.ends] = True
    rows = np.flatnonzero(used)
    xy = np.vstack([np.column_stack([lines.x[rows], lines.y[rows]]), parts.new_xy])
    nodes = gpd.GeoDataFrame(
        index=pd.Index(np.concatenate([lines.node_id[rows], parts.new_id]), name="node_id"),
        geometry=shapely.points(xy),
        crs=crs,
    )
    return segments, nodes


def _longest(column: pd.Series, links: Links, streets: Streets, parts: _Parts) -> Any:
    """Return, for each part, the value that most of its street's length is tagged with."""
    code, values = pd.factorize(column, use_na_sentinel=False)
    if len(values) == 1:
        return pd.array(values, dtype="str").take(np.zeros(len(parts.street), dtype=np.int64))
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
    streets: Streets, lines: Lines, steps: Floats, street: Ints, distance: Floats
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


def _draw(streets: Streets, lines: Lines, parts: _Parts) -> tuple[npt.NDArray[np.object_], Ints]:
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


def _new_node_ids(told: Ints, taken: Ints) -> Ints:
    """Make a negative id of what is told of each new node: 52 bits of a hash of its numbers.

    Where two share one, or it is taken, the later is hashed once more. 52 bits stay exact as a
    float, for spreadsheets and browsers. The mixing is that of SplitMix64 (Steele et al. 2014, doi
    10.1145/2660193.2660195).
    """
    mixed = np.zeros(len(told), dtype=np.uint64)
    for column in told.T:
        mixed = _mix(mixed ^ column.astype(np.uint64))
    while True:
        out = -1 - (mixed >> np.uint64(12)).astype(np.int64)
        again = np.ones(len(out), dtype=bool)
        again[np.unique(out, return_index=True)[1]] = False
        again |= np.isin(out, taken[taken < 0])
        if not again.any():
            return out
        mixed[again] = _mix(mixed[again])


def _mix(number: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    number = number + np.uint64(0x9E3779B97F4A7C15)
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))
