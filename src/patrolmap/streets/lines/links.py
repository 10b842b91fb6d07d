"""From lines that share nodes to links, and from links to streets between junctions.

All of it is array work: a link is one straight step between two neighbouring nodes of a line; a
node is a junction unless exactly two links with equal attributes meet there; a street is the chain
of links between two junctions.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from patrolmap.streets.lines.grid import ranges
from patrolmap.streets.lines.table import FLAGS, SAME, Lines

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NONE = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Links:
    """Straight steps, each once, from the smaller node row to the larger."""

    ends: Ints  # (2 * n,): rows of the smaller ends, then of the larger ends
    line: Ints
    walk: Bools
    leave: Bools  # (2 * n,): may a car enter the link at this end
    arrive: Bools  # (2 * n,): may a car leave the link at this end


@dataclass(frozen=True, kw_only=True)
class Streets:
    """Chains of links between junctions, in the order of their ids; steps in walking order."""

    first: Ints  # (n + 1,): steps of street i are first[i]:first[i + 1]
    step: Ints  # half-link each step leaves by
    tail: Ints  # node rows of the two ends of each step
    head: Ints
    way: Ints  # (n,) smallest way id


def make_links(lines: Lines) -> tuple[Links, dict[str, float]]:
    """Take lines apart into links, and say what was drawn twice or has no length."""
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
    ends = low * len(lines.node_id) + high
    order, fresh = _sort_few_ties(ends, line, lines.way[line])
    one, again = order[fresh], order[~fresh]
    group = (np.cumsum(fresh) - 1)[~fresh]
    doubled = np.hypot(lines.x[a[again]] - lines.x[b[again]], lines.y[a[again]] - lines.y[b[again]])

    def either(flag: Bools) -> Bools:
        out = flag[one]
        out[group[flag[again]]] = True
        return out

    forward, backward = either(forward), either(backward)
    links = Links(
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


def _sort_few_ties(key: Ints, *ties: Ints) -> tuple[Ints, Bools]:
    """Sort by one number, the few that share it by `ties`, the last one first (as np.lexsort).

    Returns the order, and which come first with their number.
    """
    order = np.argsort(key, kind="stable")  # ids come in runs, which merging makes use of
    fresh = np.diff(key[order], prepend=-1) != 0
    tied = np.flatnonzero(~fresh | ~np.append(fresh[1:], True))
    some = order[tied]
    order[tied] = some[np.lexsort((*(tie[some] for tie in ties), key[some]))]
    return order, fresh


def _join_coincident(a: Ints, b: Ints, lines: Lines) -> tuple[Ints, Ints, int]:
    """Make one node of nodes that a step of no length joins; the smallest id stands."""
    zero = np.flatnonzero((lines.x[a] == lines.x[b]) & (a != b))
    zero = zero[lines.y[a[zero]] == lines.y[b[zero]]]
    if not len(zero):
        return a, b, 0
    n = len(lines.node_id)
    pairs = coo_array((np.ones(len(zero)), (a[zero], b[zero])), shape=(n, n))
    label = connected_components(pairs, directed=False)[1]
    smallest = np.full(label.max() + 1, n, dtype=np.int64)
    np.minimum.at(smallest, label, np.arange(n))
    stand_in = smallest[label]
    return stand_in[a], stand_in[b], len(zero)


def _partners(links: Links, code: Ints, n_nodes: int) -> Ints:
    """Pair the two half-links that run on through a node; -1 where a half-link meets a junction.

    Half-link h < n stands for the smaller end of link h, h + n for its larger end.
    """
    n = len(links.line)
    half = np.arange(2 * n)
    two = np.flatnonzero(np.bincount(links.ends, minlength=n_nodes) == 2)
    any_half = np.empty(n_nodes, dtype=np.int64)
    any_half[links.ends] = half
    both = np.bincount(links.ends, weights=half, minlength=n_nodes)  # whole numbers: exact
    one = any_half[two]
    other = both[two].astype(np.int64) - one
    runs_on = (
        (code[links.line[one % n]] == code[links.line[other % n]])
        & (links.walk[one % n] == links.walk[other % n])
        & (links.arrive[one] == links.leave[other])
        & (links.leave[one] == links.arrive[other])
    )
    partner = np.full(2 * n, -1, dtype=np.int64)
    partner[one[runs_on]], partner[other[runs_on]] = other[runs_on], one[runs_on]
    return partner


def _follow(onward: Ints, begins: Ints, last: Ints, left: Ints) -> Ints:
    """Find the last half-link of each street, and how many steps are left to it.

    Pointer doubling, so no step-by-step loop. Returns those that have none: they go round and round
    in rings that touch no junction, while of all others some come to their end in every round.
    """
    on = onward[begins] >= 0
    last[begins] = np.where(on, onward[begins], begins)
    left[begins] = on
    under_way = begins
    while len(under_way):
        here = last[under_way]
        jump = last[here]
        on = jump != here
        if on.all():
            break
        under_way, here = under_way[on], here[on]
        left[under_way] += left[here]
        last[under_way] = jump[on]
    return begins[onward[last[begins]] >= 0]


def _at_ring_starts(ring: Ints, links: Links) -> Ints:
    """Return the half-links at the smallest node of each ring, of the half-links of all rings."""
    n = len(links.line)
    link = ring[ring < n]
    node, row = np.unique(links.ends[np.append(link, link + n)], return_inverse=True)
    graph = coo_array((np.ones(len(link)), row.reshape(2, -1)), shape=(len(node), len(node)))
    label = connected_components(graph, directed=False)[1]
    starts = node[np.unique(label, return_index=True)[1]]
    return ring[np.isin(links.ends[ring], starts)]


def _alike(tags: pd.DataFrame) -> Ints:
    """Number lines so that those which agree in all of `SAME` share a number."""
    code = np.zeros(len(tags), dtype=np.int64)
    for name in SAME:
        value, values = pd.factorize(tags[name], use_na_sentinel=False)
        if len(values) > 1:
            code = pd.factorize(code * len(values) + value)[0].astype(np.int64)
    return code


def trace_streets(links: Links, lines: Lines) -> Streets:
    """Follow links through passing nodes; a ring without a junction starts at its smallest."""
    n = len(links.line)
    partner = _partners(links, _alike(lines.tags), len(lines.node_id))
    half = np.arange(2 * n)
    far = np.concatenate([half[n:], half[:n]])
    last, left = np.empty((2, 2 * n), dtype=np.int64)
    ring = _follow(partner[far], half, last, left)
    if len(ring):
        partner[_at_ring_starts(ring, links)] = -1
        _follow(partner[far], ring, last, left)

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
    ends = u[canonical] * len(lines.node_id) + v[canonical]
    rank, _ = _sort_few_ties(ends, np.minimum.reduceat(between, first), way)
    take = ranges(first[rank], size[rank])
    step = members[take]
    return Streets(
        first=np.concatenate([[0], np.cumsum(size[rank])]).astype(np.int64),
        step=step,
        tail=links.ends[step],
        head=links.ends[far[step]],
        way=way[rank],
    )
