"""Cuts that a fractional walk breaks: too little of it leads somewhere, or an odd lot of it.

Both searches push flow from a node until it is enough or no way is left; then the nodes reached
are a least cut. Flow is pushed nearest first (Edmonds & Karp 1972, doi 10.1145/321694.321699) and
only as far as it matters, so most pushes look at a few streets.
"""

import numpy as np
from numba import njit

LEAST = 1e-9  # capacity below which an arc counts as full


@njit(cache=True, nogil=True)
def _with_room(values, size):  # type: ignore[no-untyped-def]
    if size <= len(values):
        return values
    more = np.empty(2 * size, dtype=np.int64)
    more[: len(values)] = values
    return more


@njit(cache=True, nogil=True)
def _push(indptr, head, twin, room, flow, sinks, source, wanted, arrived_by, seen, stamp, queue):  # type: ignore[no-untyped-def]
    """Push up to `wanted` from a node to any sink; leaves `flow` as it was.

    Returns what was pushed, how many nodes of `queue` the last look reached, and the last stamp.
    """
    pushed, size, used = 0.0, 0, 0
    touched = np.empty(256, dtype=np.int64)
    while pushed < wanted:
        stamp += 1
        seen[source] = stamp
        queue[0] = source
        size, at, found = 1, 0, -1
        while at < size and found < 0:
            node = queue[at]
            at += 1
            for arc in range(indptr[node], indptr[node + 1]):
                other = head[arc]
                if seen[other] != stamp and room[arc] - flow[arc] > LEAST:
                    seen[other] = stamp
                    arrived_by[other] = arc
                    if sinks[other]:
                        found = other
                        break
                    queue[size] = other
                    size += 1
        if found < 0:
            break
        least, node = wanted - pushed, found
        while node != source:
            arc = arrived_by[node]
            least = min(least, room[arc] - flow[arc])
            node = head[twin[arc]]
        node = found
        while node != source:
            arc = arrived_by[node]
            flow[arc] += least
            flow[twin[arc]] -= least
            touched = _with_room(touched, used + 1)
            touched[used] = arc
            used += 1
            node = head[twin[arc]]
        pushed += least
    for i in range(used):
        flow[touched[i]] = flow[twin[touched[i]]] = 0.0
    return pushed, size, stamp


@njit(cache=True, nogil=True)
def loose_parts(indptr, head, twin, room, sinks, nodes, wanted, tolerance):  # type: ignore[no-untyped-def]
    """Find sets of nodes whose cut is smaller than the flow that one of their nodes needs.

    Parameters
    ----------
    indptr, head, twin, room
        An undirected graph as arcs both ways: where each leads, its other direction, its capacity.
    sinks : (n,) bool
        Nodes that flow may end at.
    nodes : (k,)
        Nodes to look at, the one that needs most first: what reaches a sink becomes one.
    wanted : (n,)
        The flow that each node needs.

    Returns
    -------
    sets, starts, of_node
        Sets of nodes end to end, where each starts, and the node that needs more than its cut.
    """
    n = len(indptr) - 1
    flow = np.zeros(len(head))
    arrived_by, seen = np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    queue, stamp = np.empty(n, dtype=np.int64), np.int64(0)
    sinks = sinks.copy()
    sets, starts = np.empty(1024, dtype=np.int64), np.zeros(len(nodes) + 1, dtype=np.int64)
    of_node = np.empty(len(nodes), dtype=np.int64)
    found = 0
    for node in nodes:
        if sinks[node]:
            continue
        pushed, size, stamp = _push(
            indptr, head, twin, room, flow, sinks, node, wanted[node], arrived_by, seen, stamp,
            queue,
        )  # fmt: skip
        sinks[node] = True
        if pushed < wanted[node] - tolerance:
            begin = starts[found]
            sets = _with_room(sets, begin + size)
            sets[begin : begin + size] = queue[:size]
            of_node[found] = node
            found += 1
            starts[found] = begin + size
    return sets[: starts[found]], starts[: found + 1], of_node[:found]


@njit(cache=True, nogil=True)
def odd_cuts(indptr, head, twin, segment, p, odd, tolerance):  # type: ignore[no-untyped-def]
    """Find sets of nodes whose cut breaks a parity (co-circuit) inequality.

    For a cut C and an odd part F of it (even, where the set holds an odd number of ends of walks):
    p(F) - p(C - F) <= |F| - 1. With `min(p, 1 - p)` as capacities, a broken one is a cut below 1
    of the right parity, and such a cut is found in a tree of least cuts (Padberg & Rao 1982, doi
    10.1287/moor.7.1.67; the tree: Gusfield 1990, doi 10.1137/0219009), built part by part of the
    graph and only up to 1.

    Parameters
    ----------
    segment : (n_arcs,)
        Row of `p` of each arc.
    p : (n_segments,)
        How odd the number of traversals is, 0 to 1.
    odd : (n,) bool
        Whether an odd number of segments with p > 1/2 and of ends of walks meet at a node.

    Returns
    -------
    sets, starts
        Sets of nodes end to end, and where each starts.
    """
    n = len(indptr) - 1
    room = np.empty(len(head))
    for arc in range(len(head)):
        room[arc] = min(p[segment[arc]], 1 - p[segment[arc]])
    flow = np.zeros(len(head))
    arrived_by, seen = np.empty(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    queue, stamp = np.empty(n, dtype=np.int64), np.int64(0)
    above = np.full(n, -1, dtype=np.int64)  # in the tree of cuts
    sinks, inside = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    sets, starts = np.empty(1024, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    part = np.empty(n, dtype=np.int64)
    found = 0
    for root in range(n):
        if above[root] >= 0:
            continue
        size, at = 1, 0
        part[0], above[root] = root, root
        while at < size:
            node = part[at]
            at += 1
            for arc in range(indptr[node], indptr[node + 1]):
                if above[head[arc]] < 0 and room[arc] > LEAST:
                    above[head[arc]] = root
                    part[size] = head[arc]
                    size += 1
        for k in range(size):
            if k == 0:  # the whole part: its cut is free
                pushed, inner = 0.0, part[:size].copy()
            else:
                node, top = part[k], above[part[k]]
                sinks[top] = True
                pushed, reached, stamp = _push(
                    indptr, head, twin, room, flow, sinks, node, 1.0, arrived_by, seen, stamp,
                    queue,
                )  # fmt: skip
                sinks[top] = False
                if pushed >= 1 - tolerance:
                    continue
                inner = queue[:reached].copy()
                for other in inner:
                    if other != node and above[other] == top:
                        above[other] = node
            pushed += _to_turn_odd(indptr, head, segment, p, odd, inner, inside)
            if pushed < 1 - tolerance:
                begin = starts[found]
                sets = _with_room(sets, begin + len(inner))
                sets[begin : begin + len(inner)] = inner
                found += 1
                starts[found] = begin + len(inner)
    return sets[: starts[found]], starts[: found + 1]


@njit(cache=True, nogil=True)
def _to_turn_odd(indptr, head, segment, p, odd, inner, inside):  # type: ignore[no-untyped-def]
    """Return what it costs to make the cut of a set odd: nothing, or its least certain segment."""
    is_odd, least = False, 2.0
    for node in inner:
        inside[node] = True
        is_odd ^= odd[node]
    if not is_odd:
        for node in inner:
            for arc in range(indptr[node], indptr[node + 1]):
                if not inside[head[arc]]:
                    least = min(least, abs(1 - 2 * p[segment[arc]]))
    for node in inner:
        inside[node] = False
    return 0.0 if is_odd else least
