"""Outlines of squares as arrays: their rings, the walks inside them, entrances and corners."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patrolmap.streets.lines.grid import cells_of_boxes, cells_of_points, ranges
from patrolmap.streets.lines.table import Lines
from patrolmap.streets.sources.areas import Squares

Ints = npt.NDArray[np.int64]
Sides = npt.NDArray[np.int8]
Bools = npt.NDArray[np.bool_]
Objects = npt.NDArray[np.object_]

_CELL = 100.0  # m
_ROUNDING = 1e-6  # m


@dataclass(frozen=True, kw_only=True)
class Rings:
    """Outlines as rings of vertices; each polygon numbers its outer ring first."""

    node: Ints  # (n_vertices,) row in the table of nodes
    before: Ints  # neighbours of each vertex on its ring, as vertices
    after: Ints
    polygon: Ints  # polygon each vertex belongs to
    ring: Ints  # ring each vertex belongs to, ascending
    start: Ints  # (n_rings + 1,)
    square: Ints  # (n_polygons,) row of the square
    shape: Objects  # (n_polygons,) shapely polygons in metres
    left: Bools  # whether the square lies to the left of this vertex's ring
    reflex: Bools  # whether a walker on the square may have to turn round this vertex


@dataclass(frozen=True, kw_only=True)
class Spots:
    """Nodes of outlines, once for each polygon, in order of polygon and node."""

    of_vertex: Ints  # (n_vertices,) the spot each vertex of the rings is
    polygon: Ints
    node: Ints
    vertex: Ints  # its first vertex
    corner: Bools
    simple: Bools  # whether it has that one vertex only
    entrance: Bools


@dataclass(frozen=True, kw_only=True)
class Walks:
    """Steps of walkable lines near squares, each once, and those inside each polygon."""

    ends: Ints  # (n, 2) node rows
    step: Ints  # pairs: this step lies inside or along the border of ...
    polygon: Ints  # ... this polygon


def lay_out(squares: Squares, lines: Lines) -> Rings:
    """Draw the polygons in metres; of two with one outer ring the later, a relation, counts."""
    size = np.diff(squares.start)
    outer = np.diff(squares.polygon, prepend=-1) != 0
    latest = {}
    for number in np.flatnonzero(outer).tolist():
        refs = squares.ref[squares.start[number] : squares.start[number + 1]]
        latest[tuple(sorted(refs.tolist()))] = squares.polygon[number]
    kept = np.isin(squares.polygon, list(latest.values()))
    node = np.searchsorted(lines.node_id, squares.ref[np.repeat(kept, size)])
    size, outer, square = size[kept], outer[kept], squares.square[kept]
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    ring: Ints = np.repeat(np.arange(len(size)), size)
    polygon = np.cumsum(outer) - 1
    after = np.arange(1, len(node) + 1)
    after[start[1:] - 1] = start[:-1]
    before = np.arange(-1, len(node) - 1)
    before[start[:-1]] = start[1:] - 1
    x, y = lines.x[node], lines.y[node]
    dx, dy = x[after] - x, y[after] - y
    turn = dx[before] * dy - dy[before] * dx
    x0, y0 = x[start[:-1]][ring], y[start[:-1]][ring]
    twice = (x - x0) * (y[after] - y0) - (x[after] - x0) * (y - y0)
    area = np.add.reduceat(twice, start[:-1]) if len(size) else twice
    left = np.where(outer, area, -area)[ring] > 0
    drawn = shapely.linearrings(np.column_stack([x, y]), indices=ring) if len(node) else []
    return Rings(
        node=node,
        before=before,
        after=after,
        polygon=polygon[ring],
        ring=ring,
        start=start,
        square=square[outer],
        shape=shapely.polygons(drawn, indices=polygon) if len(node) else np.empty(0, dtype=object),
        left=left,
        reflex=np.where(left, turn < 0, turn > 0),
    )


def find_walks(lines: Lines, rings: Rings) -> Walks:
    """Find the walkable steps that touch an outline, and those that lie inside a polygon."""
    count = np.diff(lines.start)
    walk = np.repeat(lines.tags["walk"].to_numpy(dtype=bool), count)
    walk[lines.start[1:][count > 0] - 1] = False
    at = np.flatnonzero(walk)
    touched = np.zeros(len(lines.node_id), dtype=bool)
    touched[rings.node] = True
    near = _near(lines, rings)
    if not len(at) or not len(rings.node):
        return Walks(ends=np.empty((0, 2), np.int64), step=at[:0], polygon=at[:0])
    a, b = lines.vertex[at], lines.vertex[at + 1]
    some = (touched[a] | touched[b] | (near[a] & near[b])) & (a != b)
    ends = np.sort(np.column_stack([a[some], b[some]]), axis=1)
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    ends = ends[(np.diff(ends, axis=0, prepend=-1) != 0).any(axis=1)]
    steps = draw_steps(lines, ends)
    step, polygon = shapely.STRtree(rings.shape).query(steps)
    inner, outer = shapely.bounds(steps)[step], shapely.bounds(rings.shape)[polygon]
    within = (inner[:, :2] >= outer[:, :2]).all(axis=1) & (inner[:, 2:] <= outer[:, 2:]).all(axis=1)
    step, polygon = step[within], polygon[within]
    shapely.prepare(rings.shape)
    covered = shapely.covers(rings.shape[polygon], steps[step])
    return Walks(ends=ends, step=step[covered], polygon=polygon[covered])


def _near(lines: Lines, rings: Rings) -> Bools:
    """Say which nodes stand in a cell of a coarse grid that a polygon reaches into."""
    if not len(rings.node):
        return np.zeros(len(lines.node_id), dtype=bool)
    cells = np.sort(cells_of_boxes(shapely.bounds(rings.shape), _CELL)[1])
    place = cells_of_points(lines.x, lines.y, _CELL)
    at = np.minimum(np.searchsorted(cells, place), len(cells) - 1)
    found: Bools = cells[at] == place
    return found


def look_across(rings: Rings, lines: Lines, ends: Ints, polygon: Ints) -> tuple[Bools, Bools]:
    """Say which straight lines between nodes cross an edge of their polygon, and which may.

    A line of the second kind touches one, or comes within `_ROUNDING` of it; lines of neither kind
    have nothing of the outline between their ends.
    """
    first = np.searchsorted(rings.polygon, polygon)
    count = np.searchsorted(rings.polygon, polygon, side="right") - first
    line = np.repeat(np.arange(len(ends)), count)
    vertex = ranges(first, count)
    off = _sides(lines, ends[:, 0], ends[:, 1], rings.node[vertex], line)
    # Most edges have both ends on one side of the line: only the others are looked at closely.
    place = np.cumsum(count) - count - first
    after = rings.after[vertex] + place[line]
    near = np.flatnonzero(off * off[after] <= 0)
    line, off_c, off_d = line[near], off[near], off[after[near]]
    (a, b), c, d = ends[line].T, rings.node[vertex[near]], rings.node[rings.after[vertex[near]]]
    off_a, off_b = (_sides(lines, c, d, node, np.arange(len(c))) for node in (a, b))
    apart = off_c * off_d < 0
    # An edge that begins at an end of the line meets it there alone, unless it runs along it.
    joined = ((c == a) | (c == b)) & (off_d != 0) | ((d == a) | (d == b)) & (off_c != 0)
    blocked, unsure = np.zeros((2, len(ends)), dtype=bool)
    blocked[line[apart & (off_a * off_b < 0)]] = True
    unsure[line[~joined & (~apart | (off_a * off_b == 0))]] = True
    return blocked, unsure


def _sides(lines: Lines, start: Ints, end: Ints, node: Ints, line: Ints) -> Sides:
    """Say on which side of its line each node lies, -1 or 1; 0 within `_ROUNDING` of it."""
    x, y = lines.x, lines.y
    dx, dy = x[end] - x[start], y[end] - y[start]
    least = _ROUNDING * np.hypot(dx, dy)
    off = dx[line] * (y[node] - y[start][line]) - dy[line] * (x[node] - x[start][line])
    least = least[line]
    return (off > least).astype(np.int8) - (off < -least).astype(np.int8)


def draw_steps(lines: Lines, ends: Ints) -> Objects:
    """Draw straight lines between pairs of nodes."""
    xy = np.stack([lines.x[ends], lines.y[ends]], axis=-1)
    drawn: Objects = shapely.linestrings(xy) if len(ends) else np.empty(0, dtype=object)
    return drawn


def find_spots(rings: Rings, walks: Walks, n_nodes: int) -> Spots:
    """List the nodes of each polygon, and tell entrances and corners among them."""
    key, vertex, spot = np.unique(
        rings.polygon * n_nodes + rings.node, return_index=True, return_inverse=True
    )
    polygon, node = key // n_nodes, key % n_nodes
    ends = walks.ends[walks.step]
    inside = (walks.polygon[:, None] * n_nodes + ends).ravel()
    at = np.minimum(np.searchsorted(key, inside), max(len(key) - 1, 0))
    at = at[key[at] == inside] if len(key) else at
    covered = np.bincount(at, minlength=len(key))
    degree = np.bincount(walks.ends.ravel(), minlength=n_nodes)[node]
    # A line that only runs through, along the outline or inside, is joined where it comes and goes.
    entrance = (degree > covered) | ~np.isin(covered, (0, 2))
    entrance |= np.isin(node, _shared(rings, polygon, node))
    entrance[_lonely(key, entrance, inside.reshape(-1, 2))] = True
    return Spots(
        of_vertex=spot,
        polygon=polygon,
        node=node,
        vertex=vertex,
        corner=np.bincount(spot, weights=rings.reflex, minlength=len(key)) > 0,
        simple=np.bincount(spot, minlength=len(key)) == 1,
        entrance=entrance,
    )


def _shared(rings: Rings, polygon: Ints, node: Ints) -> Ints:
    """Return nodes where walkers pass between polygons that touch.

    Of a stretch of border that the same polygons share, its two ends; of a whole ring, four nodes.
    """
    twice = np.bincount(node)[node] > 1
    parties: dict[int, tuple[int, ...]] = {}
    for n, p in zip(node[twice].tolist(), polygon[twice].tolist(), strict=True):
        parties[n] = (*parties.get(n, ()), p)
    codes = {party: code for code, party in enumerate(sorted(set(parties.values())))}
    code = np.full(len(rings.node), -1, dtype=np.int64)
    shared = np.flatnonzero(np.isin(rings.node, list(parties)))
    code[shared] = [codes[parties[n]] for n in rings.node[shared].tolist()]
    differs = (code != code[rings.before]) | (code != code[rings.after])
    found = [rings.node[(code >= 0) & differs]]
    begin = rings.start[:-1]
    whole = (code[begin] >= 0) & (np.add.reduceat(differs, begin) == 0) if len(begin) else begin
    for ring in np.flatnonzero(whole).tolist():
        round_it = rings.node[rings.start[ring] : rings.start[ring + 1]]
        round_it = np.roll(round_it, -int(np.argmin(round_it)))
        if round_it[1] > round_it[-1]:  # whichever way it is drawn
            round_it = np.roll(round_it[::-1], 1)
        found.append(round_it[np.arange(4) * len(round_it) // 4])
    return np.concatenate(found)


def _lonely(key: Ints, entrance: Bools, inside: Ints) -> Ints:
    """Return a spot of each walk inside a polygon that touches the outline but at no entrance."""
    if not len(inside):
        return key[:0]
    nodes, row = np.unique(inside, return_inverse=True)
    tail, head = row.reshape(inside.shape).T
    graph = coo_array((np.ones(len(tail)), (tail, head)), shape=(len(nodes), len(nodes)))
    label = connected_components(graph, directed=False)[1]
    at = np.minimum(np.searchsorted(nodes, key), len(nodes) - 1)
    on = np.flatnonzero(nodes[at] == key)
    part = label[at[on]]
    entered = np.zeros(label.max() + 1, dtype=bool)
    entered[part[entrance[on]]] = True
    part[entered[part]] = -1
    first = np.unique(part, return_index=True)
    smallest: Ints = on[first[1][first[0] >= 0]]
    return smallest
