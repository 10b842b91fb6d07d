"""Density at places of events without what lies there itself, at many bandwidths in one search.

Every pair of places is met once, at its distance d. Kernels are polynomials of u = d / B, so that
what a pair gives at all bandwidths is kept as moments: w d**p is added to the first bandwidth not
below d, and the sums over bandwidths up to B, each times its coefficient over B**p, are the density
at B. Targets are independent, so threads never change a result.

Along streets the equal-split kernels (Okabe & Sugihara 2012, doi 10.1002/9781119967101) branch at
every junction; branches that arrive by the same arc at about the same distance go on as one, at
their mean distance. Buckets of distance grow with it, so a kernel is off by a few thousandths of
what it gives at that distance; its mass is kept.
"""

import numpy as np

from patrolmap._kernels.compiling import inlined, inner, kernel
from patrolmap._kernels.paths import _drop_top, _push

_TINY = 1e-7  # share of an event below which a branch is forgotten


@inlined
def _add(moments, bandwidths, distance, weight, step):  # type: ignore[no-untyped-def]
    """Add a weight at a distance (m, at most the largest bandwidth) to the moments of its bin."""
    k = 0
    while bandwidths[k] < distance:
        k += 1
    u = distance / bandwidths[-1]
    if step == 2:
        u *= u
    for p in range(moments.shape[1]):
        moments[k, p] += weight
        weight *= u


@inner("void(float64[:, ::1], float64[::1], float64[::1], int64, float64[::1])")
def _densities(moments, bandwidths, powers, step, out):  # type: ignore[no-untyped-def]
    """Turn moments by bin into sums of k(d / B) by bandwidth, and clear them."""
    for p in range(powers.size):
        total = 0.0
        for k in range(bandwidths.size):
            total += moments[k, p]
            moments[k, p] = 0.0
            out[k] += powers[p] * total * (bandwidths[-1] / bandwidths[k]) ** (p * step)


@kernel(
    "void(int64[::1], float64[:, ::1], float64[::1], int64[::1], int64, int64, float64, "
    "float64[::1], float64[::1], int64, float64[:, ::1])"
)
def planar_sums(  # type: ignore[no-untyped-def]
    targets, xy, weight, start, columns, rows, cell, bandwidths, powers, step, sums
):
    """Sum w k(d / B) over all other places around some of them.

    Parameters
    ----------
    targets : (n_targets,) int64
        Rows of places.
    xy, weight : (n, 2), (n,) float64
        Places in the order of the cells they lie in, from the south-west corner (0, 0) in metres.
    start : (columns * rows + 1,) int64
        Where each cell's places begin.
    columns, rows, cell
        The grid, and a cell's side in metres.
    bandwidths, powers : float64
        Metres, ascending; coefficients of u**(step * p).
    step : int64
    sums : (n_targets, n_bandwidths) float64
        Zeros; written.
    """
    moments = np.zeros((bandwidths.size, powers.size))
    reach = bandwidths[-1]
    for t in range(targets.size):
        own = targets[t]
        x, y = xy[own, 0], xy[own, 1]
        c0, c1 = max(int((x - reach) / cell), 0), min(int((x + reach) / cell), columns - 1)
        r0, r1 = max(int((y - reach) / cell), 0), min(int((y + reach) / cell), rows - 1)
        for r in range(r0, r1 + 1):
            for j in range(start[r * columns + c0], start[r * columns + c1 + 1]):
                dx, dy = xy[j, 0] - x, xy[j, 1] - y
                square = dx * dx + dy * dy
                if j != own and square <= reach * reach:
                    _add(moments, bandwidths, min(np.sqrt(square), reach), weight[j], step)
        _densities(moments, bandwidths, powers, step, sums[t])


@inlined
def _pass(  # type: ignore[no-untyped-def]
    moments, bandwidths, step, segment, whole, at, forward, share, indptr, offset, weight, own
):
    """Count the places on a segment that a branch enters at a distance, in the order it meets."""
    low, high = indptr[segment], indptr[segment + 1]
    for i in range(high - low):
        j = low + i if forward else high - 1 - i
        distance = at + (offset[j] if forward else whole - offset[j])
        if distance > bandwidths[-1]:
            break
        if distance >= 0.0 and j != own:
            _add(moments, bandwidths, distance, share * weight[j], step)


@inner("Tuple((int64[:, ::1], float64[:, ::1]))(int64[:, ::1], float64[:, ::1])")
def _room(entries, numbers):  # type: ignore[no-untyped-def]
    """Return copies of the list of branches, twice as long."""
    more, longer = np.empty((2 * len(entries), 2), np.int64), np.empty((2 * len(numbers), 2))
    for i in range(len(entries)):  # a slice's assignment takes the compiler two seconds
        for j in range(2):
            more[i, j], longer[i, j] = entries[i, j], numbers[i, j]
    return more, longer


@kernel(
    "void(int64[::1], int64[::1], int64[::1], int64[::1], boolean[::1], int64[::1], int64[:, ::1],"
    "int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1],"
    "int64, int64[::1], int64, float64[:, ::1])"
)
def split_sums(  # type: ignore[no-untyped-def]
    targets,
    indptr,
    head,
    segment,
    forward,
    length,
    arc_of,
    place_indptr,
    place_segment,
    offset,
    weight,
    node_weight,
    bandwidths,
    powers,
    step,
    bucket_of,
    n_buckets,
    sums,
):
    """Sum w k(d / B) times the share that arrives, over all branches from all other places.

    Parameters
    ----------
    targets : (n_targets,) int64
        Rows of places; a node i is -1 - i.
    indptr, head, segment, forward, length
        Arcs of the walk graph (`patrolmap.streets.Graph`; mm).
    arc_of : (n_segments, 2) int64
        The arc along each segment's geometry, and the one against it.
    place_indptr : (n_segments + 1,) int64
        Places within each segment, in the order of their offsets.
    place_segment, offset, weight : (n_places,)
        Their segment, metres from its start, weight.
    node_weight : (n_nodes,) float64
        What lies on the nodes themselves.
    bandwidths, powers, step, sums
        As in `planar_sums`.
    bucket_of : (whole metres of the largest bandwidth + 2,) int64
        Bucket of each distance, never falling.
    n_buckets : int64
    """
    reach = bandwidths[-1]
    moments = np.zeros((bandwidths.size, powers.size))
    top = np.full(n_buckets, -1, np.int64)
    entries, numbers = np.empty((1024, 2), np.int64), np.empty((1024, 2))  # arc, next; at, share
    arrived = np.zeros((len(head), 2))  # by arc: share, share * distance
    touched = np.empty(len(head), np.int64)
    most = 2
    for node in range(len(indptr) - 1):
        most = max(most, indptr[node + 1] - indptr[node])
    first = np.empty(most, np.int64)

    for t in range(targets.size):
        place = targets[t]
        used = 0
        if place >= 0:
            n_first, share = 2, 1.0
            first[0], first[1] = arc_of[place_segment[place], 0], arc_of[place_segment[place], 1]
        else:
            source = -1 - place
            n_first = indptr[source + 1] - indptr[source]
            share = 2.0 / n_first
            for i in range(n_first):
                first[i] = indptr[source] + i
        for i in range(n_first):
            arc = first[i]
            whole = length[arc] * 0.001
            at = 0.0
            if place >= 0:
                at = -offset[place] if forward[arc] else offset[place] - whole
            _pass(
                moments, bandwidths, step, segment[arc], whole, at, forward[arc], share,
                place_indptr, offset, weight, place,
            )  # fmt: skip
            if at + whole < reach:
                if used == len(entries):
                    entries, numbers = _room(entries, numbers)
                bucket = bucket_of[int(at + whole)]
                entries[used, 0], entries[used, 1] = arc, top[bucket]
                numbers[used, 0], numbers[used, 1] = at + whole, share
                top[bucket] = used
                used += 1
        for bucket in range(n_buckets):
            while top[bucket] >= 0:  # short segments arrive in the bucket they left
                entry, n_touched = top[bucket], 0
                top[bucket] = -1
                while entry >= 0:
                    arc = entries[entry, 0]
                    if arrived[arc, 0] == 0.0:
                        touched[n_touched] = arc
                        n_touched += 1
                    arrived[arc, 0] += numbers[entry, 1]
                    arrived[arc, 1] += numbers[entry, 0] * numbers[entry, 1]
                    entry = entries[entry, 1]
                for i in range(n_touched):
                    arc = touched[i]
                    share = arrived[arc, 0]
                    at = arrived[arc, 1] / share
                    arrived[arc, 0] = arrived[arc, 1] = 0.0
                    node = head[arc]
                    low, high = indptr[node], indptr[node + 1]
                    degree = high - low
                    if node_weight[node] > 0.0 and node != -1 - place:
                        _add(
                            moments, bandwidths, at, share * 2.0 / degree * node_weight[node], step
                        )
                    part = share / max(degree - 1, 1)
                    if part < _TINY:
                        continue
                    for onward in range(low, high):
                        back = segment[onward] == segment[arc] and forward[onward] != forward[arc]
                        if back and degree > 1:
                            continue
                        whole = length[onward] * 0.001
                        _pass(
                            moments, bandwidths, step, segment[onward], whole, at, forward[onward],
                            part, place_indptr, offset, weight, place,
                        )  # fmt: skip
                        if at + whole >= reach:
                            continue
                        if used == len(entries):
                            entries, numbers = _room(entries, numbers)
                        to = max(bucket_of[int(at + whole)], bucket)  # a mean is rounded
                        entries[used, 0], entries[used, 1] = onward, top[to]
                        numbers[used, 0], numbers[used, 1] = at + whole, part
                        top[to] = used
                        used += 1
        _densities(moments, bandwidths, powers, step, sums[t])


@inner("void(float64[:, ::1], float64[::1], float64, float64, int64)")
def _add_length(moments, bandwidths, near, far, step):  # type: ignore[no-untyped-def]
    """Add a metre for each metre of street that lies from `near` to `far` from the target."""
    k = 0
    while near < far and k < bandwidths.size:
        if bandwidths[k] > near:
            end = min(far, bandwidths[k])
            u, v = near / bandwidths[-1], end / bandwidths[-1]
            low, high = u, v
            for p in range(moments.shape[1]):
                moments[k, p] += (high - low) / (p * step + 1) * bandwidths[-1]
                for _ in range(step):
                    low, high = low * u, high * v
            near = end
        k += 1


@inner(
    "void(float64[:, ::1], float64[:, ::1], float64[::1], int64, int64[::1], float64[::1],"
    "float64[::1], int64, int64, float64, float64, float64, float64)"
)
def _on_segment(  # type: ignore[no-untyped-def]
    moments, lengths, bandwidths, step, indptr, offset, weight, place, segment, whole, start, end,
    along,
):  # fmt: skip
    """Count places and metres of a segment whose ends lie at two distances from the target.

    `along` is the target's own offset where it lies on the segment, or below 0.
    """
    reach = bandwidths[-1]
    for j in range(indptr[segment], indptr[segment + 1]):
        distance = min(start + offset[j], end + whole - offset[j])
        if along >= 0.0:
            distance = min(distance, abs(offset[j] - along))
        if distance <= reach and j != place:
            _add(moments, bandwidths, distance, weight[j], step)
    if along < 0.0:
        turn = min(max((whole + end - start) * 0.5, 0.0), whole)
        if start < reach:
            _add_length(lengths, bandwidths, start, start + turn, step)
        if end < reach:
            _add_length(lengths, bandwidths, end, end + whole - turn, step)
        return
    turn = min((along + end + whole) * 0.5, whole)
    _add_length(lengths, bandwidths, 0.0, turn - along, step)
    if end < reach:
        _add_length(lengths, bandwidths, end, end + whole - turn, step)
    turn = min((start + along) * 0.5, along)  # how far from the target
    _add_length(lengths, bandwidths, 0.0, turn, step)
    if start < reach:
        _add_length(lengths, bandwidths, start, start + along - turn, step)


@kernel(
    "void(int64[::1], int64[::1], int64[::1], int64[::1], boolean[::1], int64[::1], int64[:, ::1],"
    "int64[::1], int64[::1], float64[::1], float64[::1], float64[::1], float64[::1], float64[::1],"
    "int64, float64[:, ::1], float64[:, ::1])"
)
def shortest_sums(  # type: ignore[no-untyped-def]
    targets,
    indptr,
    head,
    segment,
    forward,
    length,
    arc_of,
    place_indptr,
    place_segment,
    offset,
    weight,
    node_weight,
    bandwidths,
    powers,
    step,
    sums,
    mass,
):
    """Sum w k(d / B) over all other places by shortest distance; and k(d / B) over all streets.

    Parameters as in `split_sums`; `mass` (n_targets, n_bandwidths) float64 takes the integral of
    k(d / B) over the streets around each target, in metres.
    """
    reach = bandwidths[-1]
    limit = np.int64(reach * 1000.0)
    moments = np.zeros((bandwidths.size, powers.size))
    lengths = np.zeros((bandwidths.size, powers.size))
    distance = np.full(len(indptr) - 1, -1, np.int64)
    touched = np.empty(len(indptr) - 1, np.int64)
    keys, items = np.empty(len(head) + 2, np.int64), np.empty(len(head) + 2, np.int64)
    for t in range(targets.size):
        place = targets[t]
        own = -1 if place < 0 else place_segment[place]
        size, n_touched = 0, 0
        along = np.int64(0)
        if place < 0:
            size = _push(keys, items, size, np.int64(0), -1 - place)
        else:
            along = np.int64(round(offset[place] * 1000.0))
            whole = length[arc_of[own, 0]]
            size = _push(keys, items, size, along, head[arc_of[own, 1]])
            size = _push(keys, items, size, whole - along, head[arc_of[own, 0]])
        while size > 0:
            reached, node = keys[0], items[0]
            size = _drop_top(keys, items, size)
            if distance[node] >= 0 or reached > limit:
                continue
            distance[node] = reached
            touched[n_touched] = node
            n_touched += 1
            if node_weight[node] > 0.0 and node != -1 - place:
                _add(moments, bandwidths, reached * 0.001, node_weight[node], step)
            for arc in range(indptr[node], indptr[node + 1]):
                if distance[head[arc]] < 0 and reached + length[arc] <= limit:
                    size = _push(keys, items, size, reached + length[arc], head[arc])
        if own >= 0 and n_touched == 0:  # a street longer than the reach
            whole = length[arc_of[own, 0]] * 0.001
            _on_segment(
                moments, lengths, bandwidths, step, place_indptr, offset, weight, place, own,
                whole, np.inf, np.inf, along * 0.001,
            )  # fmt: skip
        for i in range(n_touched):
            node = touched[i]
            for arc in range(indptr[node], indptr[node + 1]):
                other = distance[head[arc]]
                if other >= 0 and not forward[arc]:
                    continue  # met from its other end
                here = distance[node] * 0.001
                there = other * 0.001 if other >= 0 else np.inf
                _on_segment(
                    moments, lengths, bandwidths, step, place_indptr, offset, weight, place,
                    segment[arc], length[arc] * 0.001, here if forward[arc] else there,
                    there if forward[arc] else here, along * 0.001 if segment[arc] == own else -1.0,
                )  # fmt: skip
        for i in range(n_touched):
            distance[touched[i]] = -1
        _densities(moments, bandwidths, powers, step, sums[t])
        _densities(lengths, bandwidths, powers, step, mass[t])
