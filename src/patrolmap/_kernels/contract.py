"""Nodes taken out of a street graph, the ways between those that stay as long as before."""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel
from patrolmap._kernels.paths import UNREACHABLE

MOST_NEIGHBOURS = 3  # of a node that goes: its neighbours get at most six ways for its four


@inner("i8(i4[:,::1],i8[::1],i8,i8)")
def _slot(beside, size, a, b):  # type: ignore[no-untyped-def]
    """Return where node a keeps its neighbour b, -1 where it has none such."""
    for k in range(size[a]):
        if beside[a, k] == b:
            return k
    return -1


@inner("void(i4[:,::1],i8[::1],i4[:,:,::1],i4[:,:,::1],i8,i8,i8,i8,i8)")
def _offer(beside, size, far, label, a, b, way, length, name):  # type: ignore[no-untyped-def]
    """Keep at a the arc to b (way 0) or from b (way 1), if none is shorter."""
    k = _slot(beside, size, a, b)
    if k < 0:
        k = size[a]
        size[a] += 1
        beside[a, k] = b
        far[a, k, 0] = far[a, k, 1] = UNREACHABLE
        label[a, k, 0] = label[a, k, 1] = -1
    if length < far[a, k, way] or (length == far[a, k, way] and label[a, k, way] < 0):
        far[a, k, way] = length
        label[a, k, way] = name


@inner("void(i4[:,::1],i8[::1],i4[:,:,::1],i4[:,:,::1],i8,i8)")
def _forget(beside, size, far, label, a, b):  # type: ignore[no-untyped-def]
    """Take neighbour b from node a."""
    k, last = _slot(beside, size, a, b), size[a] - 1
    beside[a, k] = beside[a, last]
    for way in range(2):
        far[a, k, way], label[a, k, way] = far[a, last, way], label[a, last, way]
    size[a] = last


@inner("b1(i4[:,::1],i8[::1],i4[:,:,::1],i4[:,:,::1],i8)")
def _take_out(beside, size, far, label, node):  # type: ignore[no-untyped-def]
    """Join the neighbours of a node and take it out; return whether they had room for it."""
    n = size[node]
    for i in range(n):
        a, more = beside[node, i], 0
        for j in range(n):
            more += j != i and _slot(beside, size, a, beside[node, j]) < 0
        if size[a] - 1 + more > beside.shape[1] - 1:
            return False
    for i in range(n):
        a = beside[node, i]
        for j in range(n):
            length = np.int64(far[node, i, 1]) + far[node, j, 0]
            if i != j and length < UNREACHABLE:
                _offer(beside, size, far, label, a, beside[node, j], 0, length, -1)
                _offer(beside, size, far, label, beside[node, j], a, 1, length, -1)
    for i in range(n):
        _forget(beside, size, far, label, beside[node, i], node)
    size[node] = 0
    return True


@kernel("UniTuple(i8[::1],5)(i8[::1],i8[::1],i8[::1],i8[::1],b1[::1],i8)")
def eliminate(indptr, head, length, label, keep, room):  # type: ignore[no-untyped-def]
    """Take out nodes that are not to `keep` and have few neighbours.

    Parameters
    ----------
    indptr, head, length, label : (n + 1,) int64, (n_arcs,) int64
        CSR arcs: where to, how long, a name.
    keep : (n,) bool
    room : int64
        Most neighbours that a node may get.

    Returns
    -------
    indptr, head, length, label
        CSR arcs of the nodes left; the label is -1 where an arc stands for several.
    row : (n,) int64
        The new row of each node, -1 = gone.
    """
    n = len(indptr) - 1
    beside, size = np.empty((n, room), dtype=np.int32), np.zeros(n, dtype=np.int64)
    far, name = np.empty((n, room, 2), dtype=np.int32), np.empty((n, room, 2), dtype=np.int32)
    for a in range(n):
        for arc in range(indptr[a], indptr[a + 1]):
            b = head[arc]
            if a != b and length[arc] < UNREACHABLE:
                _offer(beside, size, far, name, a, b, 0, length[arc], label[arc])
                _offer(beside, size, far, name, b, a, 1, length[arc], label[arc])
    gone, queued = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    stack = np.empty(n, dtype=np.int64)
    for most in range(1, MOST_NEIGHBOURS + 1):  # the least first: they make room for others
        top = 0
        for a in range(n):
            queued[a] = not keep[a] and not gone[a] and size[a] <= most
            if queued[a]:
                stack[top] = a
                top += 1
        while top > 0:
            top -= 1
            a = stack[top]
            queued[a] = False
            if size[a] > most:
                continue
            n_touched = size[a]
            if not _take_out(beside, size, far, name, a):
                continue
            gone[a] = True
            for k in range(n_touched):
                b = np.int64(beside[a, k])
                if not keep[b] and not gone[b] and not queued[b] and size[b] <= most:
                    queued[b] = True
                    stack[top] = b
                    top += 1
    row, count, arcs = np.full(n, -1, dtype=np.int64), 0, 0
    for a in range(n):
        if not gone[a]:
            row[a] = count
            count += 1
            arcs += size[a]
    starts = np.zeros(count + 1, dtype=np.int64)
    heads, lengths = np.empty(arcs, dtype=np.int64), np.empty(arcs, dtype=np.int64)
    names, at = np.empty(arcs, dtype=np.int64), 0
    for a in range(n):
        if gone[a]:
            continue
        for k in range(size[a]):
            if far[a, k, 0] < UNREACHABLE:
                heads[at], lengths[at] = row[beside[a, k]], far[a, k, 0]
                names[at] = name[a, k, 0]
                at += 1
        starts[row[a] + 1] = at
    return starts, heads[:at].copy(), lengths[:at].copy(), names[:at].copy(), row
