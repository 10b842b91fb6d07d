"""Folding separately drawn sidewalks and crossings into the streets they run along.

Sidewalks drawn as lines of their own split a street's risk over three parallel lines and send a
crew down each. A chain of them between two junctions is folded where all of it lies close to a
street that can be walked; what else meets it is put onto the street, so that no junction is lost,
and a chain whose ends would then be far apart on foot stays, so that no connection is lost.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from patrolmap.streets.lines.chains import (
    ALLOWANCE,
    CROSSING,
    DETOUR,
    LINK,
    SIDEWALK,
    TIE,
    Town,
    other_ends,
    survey,
)
from patrolmap.streets.lines.detours import spare_links
from patrolmap.streets.lines.splice import Moves, Redrawn, merge_lines, redraw, steps_of
from patrolmap.streets.lines.table import Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_REPORT = (
    "sidewalk length folded into streets (m)",
    "sidewalk length kept, no street alongside (m)",
    "sidewalk length kept, no other way near (m)",
    "crossing length folded (m)",
    "crossing length kept (m)",
    "length of footpaths that only joined these folded (m)",
    "junctions moved from sidewalks onto streets",
)


def fold_sidewalks(lines: Lines, *, reach: float = 20.0) -> tuple[Lines, dict[str, float]]:
    """Fold separately drawn sidewalks and crossings into the streets they run along.

    Parameters
    ----------
    lines : Lines
        Those whose `role` is `sidewalk` or `crossing` are looked at, from one junction with
        another walkable line to the next. Streets, pedestrian streets and service ways on the same
        level take them in (footpaths, cycleways, tracks and steps do not).
    reach : float
        Metres: all of a chain must lie this close to streets, and one longer than twice this must
        run along them for half its length.

    Returns
    -------
    lines : Lines
        Without the folded chains. What else met them stays where a way of about the straight
        length leads on to the street (a short piece of the folded lines itself, where there is
        one); else its end is moved onto the street and becomes a vertex there, under its own id.
        Where a crossing met a street, a crossing is marked.
    report : dict
        Lengths folded and kept, in metres, and how many junctions were moved.

    Notes
    -----
    A chain stays where walking from one of its ends to the other without it would take more than
    1.5 times its length and 60 m: a footway under a railway, a refuge between two carriageways.
    The result does not depend on the order of lines. Time is about that of one search over twice
    a chain's length for every chain.

    Examples
    --------
    >>> import pandas as pd
    >>> lines = Lines(
    ...     way=np.array([10, 11]), start=np.array([0, 2, 4]), vertex=np.array([0, 1, 2, 3]),
    ...     node_id=np.array([1, 2, 3, 4]),
    ...     x=np.array([0.0, 90, 0, 90]), y=np.array([0.0, 0, 6, 6]), crossing=np.zeros(4, bool),
    ...     tags=pd.DataFrame({
    ...         "highway": ["residential", "footway"], "role": ["", "sidewalk"], "walk": True,
    ...         "drive_forward": [True, False], "drive_backward": [True, False],
    ...         "bridge": False, "tunnel": False, "layer": 0,
    ...     }),
    ... )
    >>> folded, report = fold_sidewalks(lines)
    >>> folded.way.tolist(), report["sidewalk length folded into streets (m)"]
    ([10], 90.0)
    """
    found = survey(lines, reach=reach)
    if found is None:
        return lines, dict.fromkeys(_REPORT, 0.0)
    town, rows, fits = found
    folded, standing = _tie(town, fits)
    folded &= _spared(town, folded, standing)
    moves = _moves(town, folded, ~standing & (_kept_steps(town, folded) > 0))
    redrawn = _redraw(town, folded, moves)
    crossing = redrawn.lines.crossing.copy()
    met = (town.chains.kind == CROSSING)[town.tip_chain] & town.on_street[town.tip_node]
    crossing[town.tip_node[met]] = True
    out = replace(merge_lines(lines, rows, redrawn), crossing=crossing)
    return out, _report(town, fits, folded, moves)


def _kept_steps(town: Town, folded: Bools) -> Ints:
    """Return by how many steps that stay one can walk off each node."""
    chain = np.tile(town.chains.chain, 2)
    kept = town.chains.ends[~folded[chain]]
    return town.others + np.bincount(kept, minlength=len(town.others))


def _tie(town: Town, folded: Bools) -> tuple[Bools, Bools]:
    """Leave what meets folded chains in place where a short drawn way leads on to the street.

    That is a kept line (if what meets is not that line alone, which would then lead nowhere), or
    else the shortest of the folded chains themselves, which then stays. Returns the chains still
    folded, and the nodes that stand.
    """
    chain, node, other_end = town.tip_chain, town.tip_node, other_ends(town)
    kept = _kept_steps(town, folded)
    asking = folded[chain] & (~town.on_street & (kept > 0))[node]
    far = np.full(len(kept), -np.inf)
    np.maximum.at(far, node[asking], town.distance[asking] + TIE)
    standing = (kept > 1) & (_walk_to_street(town, folded, far.max()) <= far)
    may = asking & ~standing[node] & town.on_street[other_end] & (town.drawn[chain] <= far[node])
    best = np.flatnonzero(may)
    best = best[np.lexsort((other_end[best], town.drawn[chain[best]], node[best]))]
    best = best[np.diff(node[best], prepend=-1) != 0]
    folded = folded.copy()
    folded[chain[best]] = False
    standing[node[best]] = True
    return folded, standing | town.fixed


def _walk_to_street(town: Town, folded: Bools, limit: float) -> Floats:
    """Return how far each node is from a street along kept lines that are none; inf if farther."""
    lines = town.lines
    out = np.full(len(lines.node_id), np.inf)
    at = np.concatenate([town.paths, town.chains.at[~folded[town.chains.chain]]])
    a, b = lines.vertex[at], lines.vertex[at + 1]
    nodes, row = np.unique(np.concatenate([a, b]), return_inverse=True)
    sources = np.flatnonzero(town.on_street[nodes])
    if limit <= 0 or not len(sources):
        return out
    # Two lines over one step would be added up; a step of no length would be none.
    length = np.maximum(np.hypot(lines.x[a] - lines.x[b], lines.y[a] - lines.y[b]), 1e-6)
    row = row.reshape(2, -1)
    low, high = row.min(axis=0), row.max(axis=0)
    order = np.lexsort((high, low))
    order = order[np.append(True, (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0))]
    graph = coo_array((length[order], (low[order], high[order])), shape=(len(nodes),) * 2).tocsr()
    out[nodes] = dijkstra(graph, directed=False, indices=sources, min_only=True, limit=limit)
    return out


def _moves(town: Town, folded: Bools, which: Bools) -> Moves:
    """Put nodes at the ends of folded chains onto the nearest piece."""
    which = which & ~town.on_street
    tips = np.flatnonzero(folded[town.tip_chain] & which[town.tip_node])
    node, piece = town.tip_node[tips], town.piece[tips]
    order = np.lexsort((piece, town.distance[tips], node))
    order = order[np.diff(node[order], prepend=-1) != 0]
    piece = piece[order]
    return Moves(
        node=node[order],
        low=town.pieces.low[piece],
        high=town.pieces.high[piece],
        share=town.share[tips[order]],
    )


def _redraw(town: Town, folded: Bools, moves: Moves) -> Redrawn:
    out = town.chains.at[folded[town.chains.chain]]
    return redraw(town.lines, out=out, moves=moves, giving_way=town.giving_way)


def _spared(town: Town, folded: Bools, standing: Bools) -> Bools:
    """Say which folded chains can be spared: the walk from end to end stays short without them.

    The shortest are asked first; one that cannot be spared is there for the others.
    """
    # All ends are put onto streets here, so that what holds for each chain holds for rows of them.
    redrawn = _redraw(town, folded, _moves(town, folded, ~standing))
    ends = redrawn.stand_in[town.tip_node].reshape(-1, 2)
    chain = town.tip_chain[::2]
    ask = np.flatnonzero(folded[chain] & (ends[:, 0] != ends[:, 1]))
    ask = ask[np.argsort(np.rint(town.length[chain[ask]] * 1000), kind="stable")]
    chain, own = chain[ask], town.length[chain[ask]]
    lines = redrawn.lines
    at = steps_of(lines, lines.tags["walk"].to_numpy(dtype=bool))
    steps = np.column_stack([lines.vertex[at], lines.vertex[at + 1]])
    spared = np.ones(len(folded), dtype=bool)
    spared[chain] = spare_links(steps, lines.x, lines.y, ends[ask], own, DETOUR * own + ALLOWANCE)
    return spared


def _report(town: Town, fits: Bools, folded: Bools, moves: Moves) -> dict[str, float]:
    sidewalk, crossing, link = (town.chains.kind == k for k in (SIDEWALK, CROSSING, LINK))
    told = (
        sidewalk & folded,
        sidewalk & ~fits,
        sidewalk & fits & ~folded,
        crossing & folded,
        crossing & ~folded,
        link & folded,
    )
    lengths = [round(float(town.drawn[which].sum()), 3) for which in told]
    return dict(zip(_REPORT, [*lengths, float(len(moves.node))], strict=True))
