"""Equal-split discontinuous kernel on a street network, exact to the segment, without lixels.

The kernel (Okabe & Sugihara 2012, *Spatial Analysis along Networks*, ch. 9, `K_y^(II)`; doi
10.1002/9781119967101) runs from an event along the streets in both directions. At a node where
n arc ends meet it splits equally over the n - 1 others, at a dead end it turns back; an event
that stands on a node starts every arm at 2 / n. So its integral over the network is 1.

Kernels are polynomials of u = d / B, and so is their integral from the event outwards, C(d): for
the quartic, 15/16 (u - 2 u³ / 3 + u⁵ / 5). So what falls on one segment needs no steps along it: a
branch of share s that enters it at distance d leaves s (C(d + length) - C(d)) there. Several
bandwidths share one walk.
"""

import numpy as np

from patrolmap._kernels.compiling import inner, kernel


@inner("float64(float64, float64[::1], int64)")
def _cumulative(u, integral, step):  # type: ignore[no-untyped-def]
    """Integrate the kernel from the event to `u` bandwidths away on one side: 0 to 1/2."""
    u = min(max(u, 0.0), 1.0)
    v = u * u if step == 2 else u
    total = integral[-1]
    for p in range(integral.size - 2, -1, -1):
        total = total * v + integral[p]
    return u * total


@inner(
    "int64(float64[:, ::1], int64[::1], int64, int64, float64, float64, float64, float64[::1], "
    "float64[::1], int64)"
)
def _leave(  # type: ignore[no-untyped-def]
    share_on, touched, n_touched, segment, share, at, leaving, bandwidths, integral, step
):
    """Add what a branch leaves on a segment between two distances, at each bandwidth.

    Returns how many segments have got something.
    """
    for b in range(bandwidths.size - 1, -1, -1):
        if at >= bandwidths[b]:
            break
        given = _cumulative(leaving / bandwidths[b], integral, step)
        here = share * (given - _cumulative(at / bandwidths[b], integral, step))
        if here > 0.0:
            if share_on[segment, -1] == 0.0:
                touched[n_touched] = segment
                n_touched += 1
                share_on[segment, -1] = 1e-300  # marks it, also where only narrower ones give
            share_on[segment, b] += here
    return n_touched


@inner("Tuple((int64[::1], float64[:, ::1]))(int64[::1], float64[:, ::1], int64)")
def _with_room(stack_arc, stack_branch, needed):  # type: ignore[no-untyped-def]
    """Return a copy of the stack with room for `needed` entries, and as many again."""
    size = stack_arc.size
    arcs, branches = np.empty(2 * needed, np.int64), np.empty((2 * needed, 2))
    for i in range(size):
        arcs[i] = stack_arc[i]
        branches[i, 0], branches[i, 1] = stack_branch[i, 0], stack_branch[i, 1]
    return arcs, branches


@inner(
    "Tuple((int64, int64[::1], float64[:, ::1]))(int64[::1], int64[::1], int64[::1], int64, int64, "
    "float64, int64[::1], float64[:, ::1])"
)
def _start(indptr, head, length, along, against, offset, arcs, branches):  # type: ignore[no-untyped-def]
    """Put the first branches of an event on the stack: both ways, or all arms of its node."""
    whole = length[along] * 0.001
    if 0.0 < offset < whole:  # the segment is entered before the event, at a distance below 0
        arcs[0], branches[0, 0], branches[0, 1] = along, -offset, 1.0
        arcs[1], branches[1, 0], branches[1, 1] = against, offset - whole, 1.0
        return 2, arcs, branches
    node = head[against] if offset <= 0.0 else head[along]
    degree = indptr[node + 1] - indptr[node]
    if degree > arcs.size:
        arcs, branches = _with_room(arcs, branches, degree)
    for i in range(degree):
        arcs[i], branches[i, 0], branches[i, 1] = indptr[node] + i, 0.0, 2.0 / degree
    return degree, arcs, branches


@kernel(
    "Tuple((float64[:, :, ::1], float64[:, :, ::1], float64[::1]))(int64[::1], int64[::1], "
    "int64[::1], boolean[::1], int64[::1], int64[:, ::1], int64[::1], float64[::1], int64[::1], "
    "int64[::1], float64[::1], int64[::1], int64, float64[::1], float64[::1], int64, float64)"
)
def spread(  # type: ignore[no-untyped-def]
    indptr,
    head,
    segment,
    forward,
    length,
    arc_of,
    pile_segment,
    pile_offset,
    pile_indptr,
    column,
    weight,
    home,
    n_columns,
    bandwidths,
    integral,
    step,
    tolerance,
):
    """Sum the kernels of piles of events over whole segments, walking depth first.

    Parameters
    ----------
    indptr, head, segment, forward, length
        Arcs of the walk graph, both ways along each segment (`patrolmap.streets.Graph`; mm).
    arc_of : (n_segments, 2) int64
        The arc along each segment's geometry, and the one against it.
    pile_segment, pile_offset : (n_piles,) int64, float64
        Where events lie: segment row, and metres from its start (0 and its full length are nodes).
    pile_indptr, column, weight, home
        CSR: pile i puts `weight[j]` into `column[j]` for j in its range; the events are counted
        on segment `home[j]` (of a pile on a node, any of its arms).
    n_columns : int64
    bandwidths : (n_bandwidths,) float64
        Metres, ascending.
    integral, step : float64, int64
        The kernel's integral on one side: u * sum(integral[p] * u**(step * p)), 1/2 at u = 1.
    tolerance : float64
        A branch with less than this share of its event still to give, at the widest bandwidth,
        leaves it at once on the segment it is about to enter. Nothing is lost; it lies at most B
        minus the distance walked too near. 0 walks every branch to its end.

    Returns
    -------
    mass : (n_bandwidths, n_segments, n_columns) float64
        Sums to the weights given, for each bandwidth.
    own : (n_bandwidths, n_segments, n_columns) float64
        The part of `mass` that a segment has from the events counted on it.
    early : (n_piles,) float64
        Share of each pile left early because of the tolerance, at the widest bandwidth: no set of
        segments gets a share of the pile that is off by more than this.
    """
    n_b = bandwidths.size
    mass = np.zeros((n_b, arc_of.shape[0], n_columns))
    own = np.zeros((n_b, arc_of.shape[0], n_columns))
    early = np.zeros(pile_segment.size)
    share_on = np.zeros((arc_of.shape[0], n_b))
    touched = np.empty(arc_of.shape[0], np.int64)
    arcs, branches = np.empty(256, np.int64), np.empty((256, 2))  # the stack: distance, share

    for pile in range(pile_segment.size):
        along, against = arc_of[pile_segment[pile], 0], arc_of[pile_segment[pile], 1]
        size, arcs, branches = _start(
            indptr, head, length, along, against, pile_offset[pile], arcs, branches
        )
        n_touched = 0
        while size > 0:
            size -= 1
            arc, at, share = arcs[size], branches[size, 0], branches[size, 1]
            leaving = at + length[arc] * 0.001
            n_touched = _leave(
                share_on, touched, n_touched, segment[arc], share, at, leaving, bandwidths,
                integral, step,
            )  # fmt: skip
            if leaving >= bandwidths[-1]:
                continue
            first, last = indptr[head[arc]], indptr[head[arc] + 1]
            dead_end = last - first == 1
            if not dead_end:
                share /= last - first - 1
            rest = share * (0.5 - _cumulative(leaving / bandwidths[-1], integral, step))
            if size + last - first > arcs.size:
                arcs, branches = _with_room(arcs, branches, size + last - first)
            for onward in range(first, last):
                # Only a dead end sends a branch back along the arc end it came by.
                back = segment[onward] == segment[arc] and forward[onward] != forward[arc]
                if back and not dead_end:
                    continue
                if rest >= tolerance:
                    arcs[size], branches[size, 0], branches[size, 1] = onward, leaving, share
                    size += 1
                else:
                    early[pile] += rest
                    n_touched = _leave(
                        share_on, touched, n_touched, segment[onward], share, leaving, np.inf,
                        bandwidths, integral, step,
                    )  # fmt: skip

        for j in range(pile_indptr[pile], pile_indptr[pile + 1]):
            for b in range(n_b):
                for i in range(n_touched):
                    mass[b, touched[i], column[j]] += weight[j] * share_on[touched[i], b]
                own[b, home[j], column[j]] += weight[j] * share_on[home[j], b]
        for i in range(n_touched):
            for b in range(n_b):
                share_on[touched[i], b] = 0.0
    return mass, own, early
