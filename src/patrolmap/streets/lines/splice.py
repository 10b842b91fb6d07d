"""Taking steps out of lines and putting nodes into others, in whole arrays.

A step is the straight way from one vertex of a line to the next; it is named by the place of its
first vertex in `Lines.vertex`. A piece is a step of a street, named by its two node rows.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from patrolmap.streets.lines.grid import ranges
from patrolmap.streets.lines.table import Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_NEAR = 0.5  # m: nodes this close along a street are one, so that no sliver is left between them
_CELL = 100.0  # m


@dataclass(frozen=True, kw_only=True)
class Moves:
    """Nodes to be put onto pieces of streets.

    Attributes
    ----------
    node : (n,) int64
        Rows of the nodes, each once; none is a vertex of a street.
    low, high : (n,) int64
        Rows of the ends of the piece each goes onto, `low < high`.
    share : (n,) float64
        How far along the piece from `low`, 0 to 1.
    """

    node: Ints
    low: Ints
    high: Ints
    share: Floats


@dataclass(frozen=True, kw_only=True)
class Redrawn:
    """Lines after a splice.

    Attributes
    ----------
    lines : Lines
    origin : (n_lines,) int64
        Row of the line each comes from.
    stand_in : (n_nodes,) int64
        Row of the node that now stands for each node: itself, or the one it was joined to.
    """

    lines: Lines
    origin: Ints
    stand_in: Ints


@dataclass(frozen=True, kw_only=True)
class _Inserted:
    """New vertices of pieces, in order along each from its low end."""

    node: Ints
    key: Ints  # the piece each lies on
    low: Ints
    high: Ints


def steps_of(lines: Lines, which: Bools) -> Ints:
    """Return the steps of some of the lines, in order.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = Lines(
    ...     way=np.array([7, 8]), start=np.array([0, 2, 5]), vertex=np.array([0, 1, 1, 2, 0]),
    ...     node_id=np.array([1, 2, 3]), x=np.zeros(3), y=np.zeros(3),
    ...     crossing=np.zeros(3, bool), tags=pd.DataFrame({"walk": [True, False]}),
    ... )
    >>> steps_of(lines, np.array([False, True])).tolist()
    [2, 3]
    """
    count = np.diff(lines.start)[which]
    return ranges(lines.start[:-1][which], np.maximum(count - 1, 0))


def take_lines(lines: Lines, rows: Ints) -> Lines:
    """Return some of the lines, in the order asked for, with the same nodes.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = Lines(
    ...     way=np.array([7, 8]), start=np.array([0, 2, 5]), vertex=np.array([0, 1, 1, 2, 0]),
    ...     node_id=np.array([1, 2, 3]), x=np.zeros(3), y=np.zeros(3),
    ...     crossing=np.zeros(3, bool), tags=pd.DataFrame({"walk": [True, False]}),
    ... )
    >>> take_lines(lines, np.array([1])).vertex.tolist()
    [1, 2, 0]
    """
    size = np.diff(lines.start)[rows]
    return replace(
        lines,
        way=lines.way[rows],
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        vertex=lines.vertex[ranges(lines.start[rows], size)],
        tags=lines.tags.iloc[rows].reset_index(drop=True),
    )


def lines_near(lines: Lines, boxes: Floats) -> Ints:
    """Return the rows of all lines whose bounds come near a box, and of some a cell farther off.

    Parameters
    ----------
    lines : Lines
    boxes : (4, n) float64
        West, south, east, north; n > 0.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = Lines(
    ...     way=np.array([7, 8]), start=np.array([0, 2, 4]), vertex=np.array([0, 1, 2, 3]),
    ...     node_id=np.arange(4), x=np.array([0.0, 50, 900, 990]), y=np.zeros(4),
    ...     crossing=np.zeros(4, bool), tags=pd.DataFrame({"walk": [True, True]}),
    ... )
    >>> lines_near(lines, np.array([[20.0], [-5], [30], [5]])).tolist()
    [0]
    """
    rows = np.flatnonzero(np.diff(lines.start))
    x, y, begin = lines.x[lines.vertex], lines.y[lines.vertex], lines.start[rows]
    least, most = np.minimum.reduceat, np.maximum.reduceat
    bounds = np.stack([least(x, begin), least(y, begin), most(x, begin), most(y, begin)])
    west, south = boxes[:2].min(axis=1)
    width, height = boxes[2].max() - west, boxes[3].max() - south
    cell = max(_CELL, float(np.sqrt(width * height / 1e6)), max(width, height) / 1e6)
    shape = (int(height // cell) + 2, int(width // cell) + 2)

    def cells(box: Floats) -> Ints:
        origin, size = np.array([[west], [south]] * 2), np.array([[shape[1]], [shape[0]]] * 2)
        found: Ints = np.clip(np.floor((box - origin) / cell), -1, size - 1).astype(np.int64)
        return found

    # Which cells are covered: corners marked, summed. How many of them in a box: summed again.
    c0, r0, c1, r1 = cells(boxes)
    mark = np.zeros(shape, dtype=np.int64)
    for row, column, sign in ((r0, c0, 1), (r0, c1 + 1, -1), (r1 + 1, c0, -1), (r1 + 1, c1 + 1, 1)):
        np.add.at(mark, (row, column), sign)
    covered = np.zeros((shape[0] + 1, shape[1] + 1), dtype=np.int64)
    covered[1:, 1:] = (mark.cumsum(0).cumsum(1) > 0).cumsum(0).cumsum(1)
    c0, r0, c1, r1 = cells(bounds)
    c0, r0, c1, r1 = np.maximum(c0, 0), np.maximum(r0, 0), c1 + 1, r1 + 1
    near: Ints = rows[covered[r1, c1] - covered[r0, c1] - covered[r1, c0] + covered[r0, c0] > 0]
    return near


def merge_lines(lines: Lines, rows: Ints, redrawn: Redrawn) -> Lines:
    """Return the lines with those of some rows replaced by what was redrawn of them."""
    rest = np.ones(len(lines.way), dtype=bool)
    rest[rows] = False
    new = redrawn.lines
    origin = np.concatenate([np.flatnonzero(rest), rows[redrawn.origin]])
    begin = np.concatenate([lines.start[:-1][rest], new.start[:-1] + len(lines.vertex)])
    size = np.concatenate([np.diff(lines.start)[rest], np.diff(new.start)])
    order = np.argsort(origin, kind="stable")
    size = size[order]
    return replace(
        new,
        way=lines.way[origin[order]],
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        vertex=np.concatenate([lines.vertex, new.vertex])[ranges(begin[order], size)],
        tags=lines.tags.iloc[origin[order]].reset_index(drop=True),
    )


def redraw(lines: Lines, *, out: Ints, moves: Moves, giving_way: Bools) -> Redrawn:
    """Take steps out of lines, move nodes onto pieces of streets, and draw what is left.

    Moved nodes keep their ids and become vertices of every line over their piece. One within half
    a metre of an end of the piece is joined to that end; of several within half a metre of one
    another along it, the smallest id stands for all.

    Parameters
    ----------
    lines : Lines
    out : int64 array
        Steps taken out.
    moves : Moves
    giving_way : (n_lines,) bool
        Lines of which a step that comes to lie on a piece is taken out too.
    """
    stand_in, x, y, new = _place(lines, moves)
    line = np.repeat(np.arange(len(lines.way)), np.diff(lines.start))
    joined = np.zeros(len(line), dtype=bool)
    joined[:-1] = line[:-1] == line[1:]
    joined[out] = False
    at, node = _insert(lines.vertex, np.flatnonzero(joined), new, len(lines.node_id))
    own = np.ones(len(at), dtype=bool)
    own[1:] = at[1:] != at[:-1]
    node[own] = stand_in[lines.vertex]
    begins = own.copy()
    begins[own] = ~np.concatenate([[False], joined[:-1]])
    kept = begins.copy()
    kept[1:] |= node[1:] != node[:-1]
    node, begins, line = node[kept], begins[kept], line[at[kept]]
    begins[1:] |= giving_way[line[1:]] & _lies_on_piece(node, new, stand_in, moves)
    first = np.flatnonzero(begins)
    size = np.diff(np.append(first, len(node)))
    first, size = first[size > 1], size[size > 1]
    redrawn = replace(
        lines,
        way=lines.way[line[first]],
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        vertex=node[ranges(first, size)],
        x=x,
        y=y,
        tags=lines.tags.iloc[line[first]].reset_index(drop=True),
    )
    return Redrawn(lines=redrawn, origin=line[first], stand_in=stand_in)


def _place(lines: Lines, moves: Moves) -> tuple[Ints, Floats, Floats, _Inserted]:
    """Decide where each moved node goes: to an end of its piece, to another, or its own place."""
    low, high = moves.low, moves.high
    dx, dy = lines.x[high] - lines.x[low], lines.y[high] - lines.y[low]
    length = np.hypot(dx, dy)
    along = moves.share * length
    to_low = (along < _NEAR) & (along <= length - along)
    to_high = (length - along < _NEAR) & ~to_low
    stand_in = np.arange(len(lines.node_id))
    stand_in[moves.node[to_low]] = low[to_low]
    stand_in[moves.node[to_high]] = high[to_high]

    between = np.flatnonzero(~to_low & ~to_high)
    between = between[np.lexsort(tuple(a[between] for a in (moves.node, along, high, low)))]
    node, piece = moves.node[between], low[between] * len(lines.node_id) + high[between]
    fresh = np.ones(len(between), dtype=bool)
    fresh[1:] = (np.diff(piece) != 0) | (np.diff(along[between]) >= _NEAR)
    first = np.flatnonzero(fresh)
    smallest = np.minimum.reduceat(node, first) if len(first) else node
    smallest = np.repeat(smallest, np.diff(np.append(first, len(node))))
    stand_in[node] = smallest
    own = node == smallest
    at = between[own]
    x, y = lines.x.copy(), lines.y.copy()
    x[node[own]] = lines.x[low[at]] + moves.share[at] * dx[at]
    y[node[own]] = lines.y[low[at]] + moves.share[at] * dy[at]
    return stand_in, x, y, _Inserted(node=node[own], key=piece[own], low=low[at], high=high[at])


def _insert(vertex: Ints, steps: Ints, new: _Inserted, n_nodes: int) -> tuple[Ints, Ints]:
    """Return places in `vertex` with those of new nodes after them, and the new nodes there."""
    a, b = vertex[steps], vertex[steps + 1]
    key = np.minimum(a, b) * n_nodes + np.maximum(a, b)
    first = np.searchsorted(new.key, key)
    count = np.searchsorted(new.key, key, side="right") - first
    some = np.flatnonzero(count)
    which = ranges(first[some], count[some])
    turned = np.repeat((a > b)[some], count[some])
    at = np.concatenate([np.arange(len(vertex)), np.repeat(steps[some], count[some])])
    rank = np.full(len(at), -len(new.key) - 1)
    rank[len(vertex) :] = np.where(turned, -which, which)
    node = np.concatenate([vertex, new.node[which]])
    order = np.lexsort((rank, at))
    return at[order], node[order]


def _lies_on_piece(node: Ints, new: _Inserted, stand_in: Ints, moves: Moves) -> Bools:
    """Say which steps between neighbours in `node` have come to lie on a piece of a street."""
    n_nodes = len(stand_in)
    row = np.full(n_nodes, -1, dtype=np.int64)
    row[new.node] = np.arange(len(new.node))
    a, b = node[:-1], node[1:]
    i, j = row[a], row[b]
    on = (i >= 0) & (j >= 0)
    if len(new.node):
        on &= new.key[i] == new.key[j]
        on |= (i >= 0) & ((new.low[i] == b) | (new.high[i] == b))
        on |= (j >= 0) & ((new.low[j] == a) | (new.high[j] == a))
    joined = moves.node[stand_in[moves.node] != moves.node]
    target = np.zeros(n_nodes, dtype=bool)
    target[stand_in[joined]] = True
    between = np.flatnonzero((target[a] | target[b]) & (i < 0) & (j < 0))
    pieces = np.sort(moves.low * n_nodes + moves.high)
    key = np.minimum(a, b)[between] * n_nodes + np.maximum(a, b)[between]
    on[between[np.isin(key, pieces)]] = True
    return on
