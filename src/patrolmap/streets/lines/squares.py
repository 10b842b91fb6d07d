"""Walking across squares: straight lines between the entrances instead of the outline.

An entrance is a node of the outline (or of a hole) where another walkable line leaves the square,
or where squares touch. Two entrances that see each other inside the square are joined by a straight
line, others by the shortest way round the corners between them. Not all of them: pairs are taken
from the nearest to the farthest, and one is joined only where walking what is there already, lines
of the file included, is a detour (a greedy spanner), so that no tangle of nearly equal diagonals
arises. A detour is more than `DETOUR` times the shortest way and more than `TRIFLE` m longer.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from patrolmap._crs import lonlat_to
from patrolmap.streets.lines.outlines import (
    Rings,
    Spots,
    Walks,
    draw_steps,
    find_spots,
    find_walks,
    lay_out,
    look_across,
)
from patrolmap.streets.lines.table import Lines
from patrolmap.streets.sources.areas import Squares

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DETOUR = 1.3
TRIFLE = 10.0  # m
_MOST = 200  # entrances of one square that are joined, and entrances and corners looked at


def cross_squares(lines: Lines, squares: Squares, *, crs: CRS) -> tuple[Lines, dict[str, float]]:
    """Put lines across squares in the place of their outlines, and say how many were crossed.

    Lines drawn by a square's own way are taken out. A square with fewer than two entrances keeps
    its outline as a line, so that what happens on it has a place. From each entrance to each other
    the walk is at most `DETOUR` times the shortest way across the square. Squares with more than
    200 entrances and corners keep their outline too, with straight lines where it is a detour.

    Parameters
    ----------
    lines
        All lines of the source, in metres.
    squares
        As `read_areas` gives them.
    crs
        The CRS of `lines`.

    Examples
    --------
    Four streets end at the corners of a square: both diagonals are walked, and the sides.

    >>> import pandas as pd
    >>> from patrolmap.streets.lines.table import TAGS
    >>> utm = CRS.from_epsg(32643)
    >>> row = {"highway": "footway", "lit": "yes", "bridge": False, "tunnel": False, "walk": True,
    ...        "drive_forward": False, "drive_backward": False, "role": "", "layer": 0}
    >>> tags = pd.DataFrame([row] * 4).reindex(columns=TAGS)
    >>> lon, lat = np.array([75, 75.001, 75.001, 75.0]), np.array([43, 43, 43.001, 43.001])
    >>> x, y = lonlat_to(utm, np.append(lon, lon + 0.01), np.append(lat, lat + 0.01))
    >>> streets = Lines(way=np.arange(4), start=np.arange(0, 10, 2),
    ...     vertex=np.array([0, 4, 1, 5, 2, 6, 3, 7]), node_id=np.arange(8), x=x, y=y,
    ...     crossing=np.zeros(8, dtype=bool), tags=tags)
    >>> plaza = Squares(osm_id=np.array([9]), from_way=np.array([True]), tags=tags[:1],
    ...     square=np.array([0]), polygon=np.array([0]), start=np.array([0, 4]),
    ...     ref=np.arange(4), lon=lon, lat=lat)
    >>> crossed, report = cross_squares(streets, plaza, crs=utm)
    >>> sorted(crossed.vertex[crossed.start[4]:].reshape(-1, 2).tolist())
    [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    >>> report
    {'squares crossed': 1.0, 'squares kept as outlines': 0.0}
    """
    if not len(squares.osm_id):
        return lines, {"squares crossed": 0.0, "squares kept as outlines": 0.0}
    lines = _with_nodes(_without_outlines(lines, squares), squares, crs)
    rings = lay_out(squares, lines)
    walks = find_walks(lines, rings)
    spots = find_spots(rings, walks, len(lines.node_id))
    number = np.bincount(spots.polygon[spots.entrance], minlength=len(rings.square))
    crossed = (number >= 2) & (number <= _MOST) & shapely.is_valid(rings.shape)
    views = _look(rings, spots, lines, crossed)
    links, owner, hemmed = _cross(rings, spots, views, walks, lines)
    kept = np.concatenate([np.flatnonzero(~crossed), hemmed])
    outlines = np.isin(rings.polygon[rings.start[:-1]], kept) & _matters(rings, spots)
    return _add(lines, squares, rings, links, owner, np.flatnonzero(outlines)), {
        "squares crossed": float(crossed.sum()),
        "squares kept as outlines": float((~crossed).sum()),
    }


def _without_outlines(lines: Lines, squares: Squares) -> Lines:
    """Take out the lines that the squares' own ways have drawn."""
    own = np.isin(lines.way, squares.osm_id[squares.from_way], kind="sort")
    if not own.any():
        return lines
    size = np.diff(lines.start)
    return replace(
        lines,
        way=lines.way[~own],
        start=np.concatenate([[0], np.cumsum(size[~own])]).astype(np.int64),
        vertex=lines.vertex[np.repeat(~own, size)],
        tags=lines.tags[~own].reset_index(drop=True),
    )


def _with_nodes(lines: Lines, squares: Squares, crs: CRS) -> Lines:
    """Add the nodes of squares that no line has."""
    ref, first = np.unique(squares.ref, return_index=True)
    at = np.searchsorted(lines.node_id, ref)
    known = at < len(lines.node_id)
    known[known] = lines.node_id[at[known]] == ref[known]
    at, ref, first = at[~known], ref[~known], first[~known]
    x, y = lonlat_to(crs, squares.lon[first], squares.lat[first])
    moved = np.arange(len(lines.node_id)) + np.searchsorted(ref, lines.node_id)
    return replace(
        lines,
        vertex=moved[lines.vertex],
        node_id=np.insert(lines.node_id, at, ref),
        x=np.insert(lines.x, at, x),
        y=np.insert(lines.y, at, y),
        crossing=np.insert(lines.crossing, at, False),
    )


@dataclass(frozen=True, kw_only=True)
class _Views:
    """What sees what inside the polygons that are to be crossed."""

    pairs: Ints  # (n, 2) spots: all pairs of entrances of one polygon
    steps: Ints  # (m, 2) spots: straight lines between entrances, and to corners where needed
    crowded: Ints  # polygons with too many spots to look round every corner


def _look(rings: Rings, spots: Spots, lines: Lines, crossed: Bools) -> _Views:
    """Find which entrances see each other, and, where some do not, the corners between."""
    count = len(crossed)
    number = np.bincount(spots.polygon[spots.entrance], minlength=count)
    corner = spots.corner & ~spots.entrance
    corners = np.bincount(spots.polygon[corner], minlength=count)
    pairs = _pairs(spots, spots.entrance & crossed[spots.polygon])
    seen = _see(rings, spots, lines, pairs)
    hidden = np.zeros(count, dtype=bool)
    hidden[spots.polygon[pairs[~seen, 0]]] = True
    crowded = hidden & (number + corners > _MOST)
    hidden &= ~crowded
    more = _pairs(spots, (spots.entrance | corner) & hidden[spots.polygon])
    more = more[~spots.entrance[more].all(axis=1)]
    for one, other in ((0, 1), (1, 0)):
        more = more[_bends(rings, spots, lines, more[:, one], more[:, other])]
    more = more[_see(rings, spots, lines, more)]
    return _Views(
        pairs=pairs, steps=np.vstack([pairs[seen], more]), crowded=np.flatnonzero(crowded)
    )


def _pairs(spots: Spots, which: Bools) -> Ints:
    """Return all pairs of some spots of one polygon, (n, 2)."""
    spot = np.flatnonzero(which)
    polygon = spots.polygon[spot]
    last = np.searchsorted(polygon, polygon, side="right")
    partners = last - np.arange(len(spot)) - 1
    one = np.repeat(np.arange(len(spot)), partners)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(partners) - partners, partners)
    return np.column_stack([spot[one], spot[other]])


def _sides(
    rings: Rings, spots: Spots, lines: Lines, here: Ints, there: Ints
) -> tuple[Floats, Floats]:
    """Say on which side (left above 0) of the line from here to there here's neighbours stand."""
    vertex = spots.vertex[here]
    x, y = lines.x[rings.node], lines.y[rings.node]
    dx, dy = lines.x[spots.node[there]] - x[vertex], lines.y[spots.node[there]] - y[vertex]
    before, after = (
        dx * (y[near] - y[vertex]) - dy * (x[near] - x[vertex])
        for near in (rings.before[vertex], rings.after[vertex])
    )
    return before, after


def _bends(rings: Rings, spots: Spots, lines: Lines, here: Ints, there: Ints) -> Bools:
    """Say whether a shortest way from there may go on round the spot here.

    It bends only round a corner whose two sides lie on one side of it.
    """
    before, after = _sides(rings, spots, lines, here, there)
    return spots.entrance[here] | ~spots.simple[here] | (before * after >= 0)


def _opens(rings: Rings, spots: Spots, lines: Lines, here: Ints, there: Ints) -> Bools:
    """Say whether the line from here to there sets off into the square, not away from it."""
    before, after = _sides(rings, spots, lines, here, there)
    left = rings.left[spots.vertex[here]]
    before, after = np.where(left, before, -before), np.where(left, after, -after)
    # Seen from here, the square lies between the side after (turning left) and the side before.
    into = np.where(spots.corner[here], (after <= 0) | (before >= 0), (after <= 0) & (before >= 0))
    return ~spots.simple[here] | into


def _see(rings: Rings, spots: Spots, lines: Lines, ends: Ints) -> Bools:
    """Say whether the straight line between two spots lies inside their polygon."""
    polygon = spots.polygon[ends[:, 0]]
    bent = np.bincount(spots.polygon, weights=spots.corner, minlength=len(rings.square)) > 0
    seen = ~bent[polygon]  # in a convex polygon all see all
    one_vertex, other_node = spots.vertex[ends[:, 0]], spots.node[ends[:, 1]]
    for beside in (rings.before, rings.after):  # and the ends of an edge each other
        seen |= rings.node[beside[one_vertex]] == other_node
    doubtful = np.flatnonzero(~seen)
    for one, other in ((0, 1), (1, 0)):
        here, there = ends[doubtful, one], ends[doubtful, other]
        doubtful = doubtful[_opens(rings, spots, lines, here, there)]
    nodes = spots.node[ends[doubtful]]
    blocked, unsure = look_across(rings, lines, nodes, polygon[doubtful])
    unsure |= ~spots.simple[ends[doubtful]].all(axis=1)
    seen[doubtful] = ~blocked & ~unsure
    ask = np.flatnonzero(unsure & ~blocked)
    drawn = draw_steps(lines, nodes[ask])
    seen[doubtful[ask]] = shapely.covers(rings.shape[polygon[doubtful[ask]]], drawn)
    return seen


def _cross(
    rings: Rings, spots: Spots, views: _Views, walks: Walks, lines: Lines
) -> tuple[Ints, Ints, Ints]:
    """Choose the lines across: their ends (n, 2) as node rows, and their polygons.

    Returns too which crossed polygons must keep their outline: the crowded ones, where it stands
    for the ways round corners, and those whose entrances do not all reach each other (two nodes on
    one place can do that).
    """
    n = len(lines.node_id)
    key = spots.polygon * n + spots.node
    border = np.isin(rings.polygon, views.crowded)
    along = np.column_stack([rings.node, rings.node[rings.after]])[border]
    there = np.vstack(
        [
            walks.polygon[:, None] * n + walks.ends[walks.step],
            rings.polygon[border, None] * n + along,
        ]
    )
    pairs = key[views.pairs]
    walked, _ = _measure(pairs, there, lines, wanted=None)
    apart, trails = _measure(pairs, key[views.steps], lines, wanted=walked)
    hemmed = np.union1d(views.crowded, spots.polygon[views.pairs[np.isinf(apart), 0]])
    chosen: list[tuple[int, int]] = []
    polygon = spots.polygon[views.pairs[:, 0]]
    cuts = np.flatnonzero(np.diff(polygon, prepend=-1, append=-1))
    begins = np.searchsorted(trails.pair, cuts)
    for (a, b), (i, j) in zip(pairwise(cuts.tolist()), pairwise(begins.tolist()), strict=True):
        if j > i:
            chosen += _choose(pairs[a:b], walked[a:b], apart[a:b], trails.some(i, j, first=a))
    links = np.array(chosen, dtype=np.int64).reshape(-1, 2)
    return np.sort(links % n, axis=1), links[:, 0] // n, hemmed


@dataclass(frozen=True, kw_only=True)
class _Trails:
    """Shortest ways of some pairs, step by step, in order of the pairs."""

    pair: Ints
    ends: Ints  # (n, 2) keys
    length: Floats

    def some(self, begin: int, end: int, *, first: int) -> "_Trails":
        """Return the steps begin:end, their pairs counted from `first`."""
        return _Trails(
            pair=self.pair[begin:end] - first,
            ends=self.ends[begin:end],
            length=self.length[begin:end],
        )


def _measure(
    pairs: Ints, steps: Ints, lines: Lines, *, wanted: Floats | None
) -> tuple[Floats, _Trails]:
    """Measure the shortest way of each pair over the steps; keys are polygon * nodes + node.

    Polygons do not touch each other here, so one search starts from one entrance of each of them
    at once. The trails are of the pairs for which what is `wanted` (m) would be a detour.
    """
    keys, row = np.unique(np.concatenate([pairs.ravel(), steps.ravel()]), return_inverse=True)
    node = keys % len(lines.node_id)
    one, other = row[: pairs.size].reshape(-1, 2).T
    tail, head = row[pairs.size :].reshape(-1, 2).T
    length = np.hypot(
        lines.x[node[tail]] - lines.x[node[head]], lines.y[node[tail]] - lines.y[node[head]]
    )
    weight, both = np.tile(length, 2), (np.append(tail, head), np.append(head, tail))
    graph = coo_array((weight, both), shape=(len(keys), len(keys))).tocsr()
    far = np.full(len(pairs), np.inf)
    found = [np.empty((0, 3), dtype=np.int64)]
    turns = _turns(pairs[:, 0], pairs[:, 0] // len(lines.node_id))
    for turn in range(turns.max(initial=-1) + 1):
        of = np.flatnonzero(turns == turn)
        reached, before, _ = dijkstra(
            graph, indices=np.unique(one[of]), min_only=True, return_predecessors=True
        )
        far[of] = reached[other[of]]
        if wanted is not None:
            missed = of[np.isfinite(far[of]) & (wanted[of] > _longest(far[of]))]
            here = other[missed]
            while len(missed):
                found.append(np.column_stack([missed, before[here], here]))
                here = before[here]
                missed, here = missed[here != one[missed]], here[here != one[missed]]
    trail = np.concatenate(found)
    trail = trail[np.argsort(trail[:, 0], kind="stable")]
    ends = trail[:, 1:]
    x, y = lines.x[node[ends]], lines.y[node[ends]]
    steps_of = np.hypot(x[:, 0] - x[:, 1], y[:, 0] - y[:, 1])
    return far, _Trails(pair=trail[:, 0], ends=keys[ends], length=steps_of)


def _turns(source: Ints, polygon: Ints) -> Ints:
    """Count the sources of each polygon, from 0; both arrays are sorted."""
    fresh = np.diff(source, prepend=-1) != 0
    number = np.cumsum(fresh) - 1
    begins = np.diff(polygon, prepend=-1) != 0
    out: Ints = number - number[np.flatnonzero(begins)][np.cumsum(begins) - 1]
    return out


def _longest(shortest: Floats) -> Floats:
    """Return the longest walks that are no detour."""
    out: Floats = np.maximum(DETOUR * shortest, shortest + TRIFLE) + 1e-6
    return out


def _choose(pairs: Ints, walked: Floats, apart: Floats, trails: _Trails) -> list[tuple[int, int]]:
    """Choose lines across one polygon: a greedy spanner of its entrances."""
    if len(pairs) == 1:
        return [(a, b) for a, b in trails.ends.tolist()]
    keys = np.unique(np.append(pairs, trails.ends))
    row = np.searchsorted(keys, pairs)
    reach = np.full((len(keys), len(keys)), np.inf)
    np.fill_diagonal(reach, 0.0)
    reach[row[:, 0], row[:, 1]] = reach[row[:, 1], row[:, 0]] = walked
    tail, head = np.searchsorted(keys, trails.ends).T.tolist()
    steps = list(zip(tail, head, trails.length.tolist(), strict=True))
    begins = np.flatnonzero(np.diff(trails.pair, prepend=-1))
    lacking = trails.pair[begins]
    begin, end = begins.tolist(), [*begins[1:].tolist(), len(steps)]
    ends, longest = row[lacking].tolist(), _longest(apart[lacking]).tolist()
    chosen = []
    for at in np.lexsort((lacking, np.round(apart[lacking], 6))).tolist():
        if reach.item(*ends[at]) <= longest[at]:
            continue
        for a, b, length in steps[begin[at] : end[at]]:
            if reach.item(a, b) > length + 1e-6:
                chosen.append((int(keys[a]), int(keys[b])))
                through = np.add.outer(reach[a], length + reach[b])
                np.minimum(reach, through, out=reach)
                np.minimum(reach, through.T, out=reach)
    return chosen


def _matters(rings: Rings, spots: Spots) -> Bools:
    """Say which rings are outer ones or have an entrance: a loop round a hole leads nowhere."""
    begin = rings.start[:-1]
    outer = np.diff(rings.polygon[begin], prepend=-1) != 0
    entered = np.bincount(rings.ring, weights=spots.entrance[spots.of_vertex], minlength=len(begin))
    out: Bools = outer | (entered > 0)
    return out


def _add(
    lines: Lines, squares: Squares, rings: Rings, links: Ints, owner: Ints, outlines: Ints
) -> Lines:
    """Add the lines across, and the rings that stay as lines."""
    size = np.diff(rings.start)[outlines] + 1
    vertices = [links.ravel()]
    for begin, end in zip(rings.start[outlines], rings.start[outlines + 1], strict=True):
        vertices += [rings.node[begin:end], rings.node[begin : begin + 1]]
    square = rings.square[np.concatenate([owner, rings.polygon[rings.start[outlines]]])]
    sizes = np.concatenate([np.full(len(links), 2), size])
    return replace(
        lines,
        way=np.concatenate([lines.way, squares.osm_id[square]]),
        start=np.concatenate([lines.start, lines.start[-1] + np.cumsum(sizes)]),
        vertex=np.concatenate([lines.vertex, *vertices]),
        tags=pd.concat([lines.tags, squares.tags.iloc[square]], ignore_index=True),
    )
