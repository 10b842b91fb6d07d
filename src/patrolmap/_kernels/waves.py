"""Equal-split kernels on a street network for all events at once, by waves that run along arcs.

Every event sends a wave both ways. What leaves a node along an arc after distance r is a column of
numbers, one for each bin r = 0, h, 2h, ... of distance walked since the event; the waves of all
events add up in it. So the time depends on the streets, and not on how many events there are.

At a node with n arms whatever comes in is scattered: `out = alpha * (sum of all in) + beta * in`
(the same arm's), with alpha = 1 / (n - 1), beta = -alpha for the discontinuous kernel and
alpha = 2 / n, beta = -1 for the continuous one (Okabe & Sugihara 2012, *Spatial Analysis along
Networks*, ch. 9, doi 10.1002/9781119967101). Between nodes it is delayed by the arc's length, which
is no whole number of bins: bins are read in between by Lagrange's cubic, as fractional delays are
in acoustics (Laakso, Välimäki, Karjalainen & Laine 1996, doi 10.1109/79.482137). Its weights sum to
1 and keep the first three moments, so that neither mass nor distance is lost however many short
arcs a wave runs through; an arc shorter than two bins has room for a parabola only.

What an arc shorter than a bin passes on arrives in the same bin. Nodes joined by such arcs make a
crowd; a crowd is swept until next to nothing is on its way, and the rest waits for the next bin.
Within a bin, nodes (crowds) are independent of each other, so threads never change a result.
"""

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.compiling import inlined, kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PAD = 3  # empty bins in front, so that the cubic may reach before the first
_SWEEPS = 30
_LEFT = 1e-5  # share of what entered a crowd's short arcs that may wait for the next bin
_SIXTH = 1.0 / 6.0


@inlined
def _weights(f, k):  # type: ignore[no-untyped-def]
    """Weigh bins k - 1 to k + 2 for a place f in [0, 1) after bin k; none before bin 1."""
    g, e = 1.0 - f, 2.0 - f
    if k >= 2:
        q = 1.0 + f
        return -_SIXTH * f * g * e, 0.5 * q * g * e, 0.5 * q * f * e, -_SIXTH * q * f * g
    return 0.0, 0.5 * g * e, f * e, -0.5 * f * g


@kernel(
    "Tuple((int64[::1], float64[::1], int64[::1], float64[::1]))(int64[::1], float64[::1], "
    "int64[::1], float64[::1], float64[::1], int64[:, ::1], float64[::1], float64, "
    "float64[:, ::1])"
)
def by_segment(segment, offset, column, weight, length, ends, share, at_node, start):  # type: ignore[no-untyped-def]
    """Sort events by segment, stably, without those at nodes, which set out from there.

    Parameters
    ----------
    segment, offset, column, weight : (n_events,)
        Row of the segment, metres from its start, and what each counts in which column.
    length, ends : (n_segments,) float64, (n_segments, 2) int64
        Metres, and the nodes where segments start and end.
    share : (n_nodes,) float64
        What an event of weight 1 at a node starts each of its arms with.
    at_node : float64
        Metres from a node within which an event counts as on it; below 0 none does.
    start : (n_nodes, n_columns) float64
        Takes those.

    Returns
    -------
    indptr : (n_segments + 1,) int64
        CSR: the other events by segment.
    offset, column, weight
        Theirs.
    """
    indptr = np.zeros(length.size + 1, np.int64)
    for e in range(segment.size):
        i = segment[e]
        near = min(offset[e], length[i] - offset[e])
        if near > at_node:
            indptr[i + 1] += 1
    for i in range(length.size):
        indptr[i + 1] += indptr[i]
    free = indptr[:-1].copy()
    where = np.empty(indptr[-1])
    what = np.empty(indptr[-1])
    to = np.empty(indptr[-1], np.int64)
    for e in range(segment.size):
        i = segment[e]
        near = min(offset[e], length[i] - offset[e])
        if near > at_node:
            at = free[i]
            free[i] += 1
            where[at] = min(max(offset[e], 0.0), length[i])
            what[at] = weight[e]
            to[at] = column[e]
        else:
            node = ends[i, 0] if 2.0 * offset[e] <= length[i] else ends[i, 1]
            start[node, column[e]] += weight[e] * share[node]
    return indptr, where, to, what


@kernel(
    "void(int64, int64, int64[::1], float64[::1], int64[::1], float64[::1], int64[:, ::1], "
    "float64[::1], float64, float64[:, :, ::1])"
)
def deposit(first, last, indptr, offset, column, weight, arc_of, length, h, bins):  # type: ignore[no-untyped-def]
    """Let the two waves of each event come in at the ends of its segment.

    Until a bin is done, an arc holds there what events on its segment bring in against it; the
    step through the bin then puts what leaves in its place. Events are from `by_segment`; segments
    `first` to `last`, half-open.
    """
    n_bins = bins.shape[0] - PAD - 1
    here = np.zeros((n_bins + 4, bins.shape[2]))
    for i in range(first, last):
        if indptr[i] == indptr[i + 1]:
            continue
        for side in range(2):
            most = -1
            for e in range(indptr[i], indptr[i + 1]):
                r = (length[i] - offset[e] if side == 0 else offset[e]) / h
                if r < n_bins + 1:
                    k = int(r)
                    most = max(most, k + 2)
                    w0, w1, w2, w3 = _weights(r - k, k + 1 if k > 0 else 0)
                    if k > 0:
                        here[k - 1, column[e]] += weight[e] * w0
                    here[k, column[e]] += weight[e] * w1
                    here[k + 1, column[e]] += weight[e] * w2
                    here[k + 2, column[e]] += weight[e] * w3
            arc = arc_of[i, 1 - side]
            for k in range(most + 1):
                for c in range(bins.shape[2]):
                    if k < n_bins:
                        bins[k + PAD, arc, c] += here[k, c]
                    here[k, c] = 0.0


@inlined
def _sweep(  # type: ignore[no-untyped-def]
    first, last, ahead, at, indptr, back, delay, part, alpha, beta, bins, waiting, stayed, came
):
    """Pass on what arrives within the bin it left in, until next to nothing is on its way.

    `waiting[b]` is what arrives against arc b. Nodes are taken up and down in turn.
    """
    columns = bins.shape[2]
    keep = len(stayed) > 0
    entered = 0.0
    for b in range(indptr[first], indptr[last]):
        if delay[b] < 0:
            share = (1.0 - part[b]) * (2.0 - part[b]) / 2.0
            for c in range(columns):
                waiting[b, c] = share * bins[at, back[b], c]
                entered += abs(waiting[b, c])
    if entered == 0.0:
        return
    for sweep in range(_SWEEPS):
        for i in range(last - first):
            node = first + i if sweep % 2 == 0 else last - 1 - i
            low, high = np.int64(indptr[node]), np.int64(indptr[node + 1])
            for c in range(columns):
                total = 0.0
                for b in range(low, high):
                    came[b - low, c] = waiting[b, c]
                    total += waiting[b, c]
                    waiting[b, c] = 0.0
                for b in range(low, high):
                    y = alpha[node] * total + beta[node] * came[b - low, c]
                    bins[at, b, c] += y
                    if keep:
                        stayed[b, c] += ahead * (y - came[b - low, c])
                    a = np.int64(back[b])
                    if delay[a] < 0:
                        waiting[a, c] += (1.0 - part[a]) * (2.0 - part[a]) / 2.0 * y
        left = 0.0
        for b in range(indptr[first], indptr[last]):
            for c in range(columns):
                left += abs(waiting[b, c])
        if left <= _LEFT * entered:
            break
    for b in range(indptr[first], indptr[last]):
        for c in range(columns):
            bins[at + 1, b, c] += waiting[b, c]
            waiting[b, c] = 0.0


@inlined
def _scatter(  # type: ignore[no-untyped-def]
    first, last, at, ahead, indptr, back, delay, part, alpha, beta, start, bins, stayed, came
):
    """Let what comes in at some nodes in one bin leave again, but for arrivals within the bin."""
    columns = bins.shape[2]
    total = np.empty(columns)
    for node in range(first, last):
        low, high = np.int64(indptr[node]), np.int64(indptr[node + 1])
        total[:] = 0.0
        for b in range(low, high):
            tap = at - np.int64(delay[b])
            w0, w1, w2, w3 = _weights(part[b], delay[b] + 1)
            if delay[b] < 0:
                w1 = 0.0  # arrives within the bin: `_sweep` sees to it
            a, i = np.int64(back[b]), b - low
            for c in range(columns):
                came[i, c] = bins[at, b, c]
            if tap >= PAD:
                for c in range(columns):
                    came[i, c] += (
                        w0 * bins[tap, a, c]
                        + w1 * bins[tap - 1, a, c]
                        + w2 * bins[tap - 2, a, c]
                        + w3 * bins[tap - 3, a, c]
                    )
            for c in range(columns):
                total[c] += came[i, c]
        for b in range(low, high):
            for c in range(columns):
                y = alpha[node] * total[c] + beta[node] * came[b - low, c]
                if at == PAD:
                    y += start[node, c]
                bins[at, b, c] = y
                stayed[b, c] += ahead * (y - came[b - low, c])


@inlined
def _scatter_one(  # type: ignore[no-untyped-def]
    first, last, at, ahead, indptr, back, delay, part, alpha, beta, start, bins, stayed, came
):
    """Do what `_scatter` does for one column: three times as fast as loops of one turn."""
    here = bins[at, :, 0]
    keep = len(stayed) > 0
    for node in range(first, last):
        low, high = np.int64(indptr[node]), np.int64(indptr[node + 1])
        total = 0.0
        for b in range(low, high):
            x = here[b]
            tap = at - np.int64(delay[b])
            if tap >= PAD:
                w0, w1, w2, w3 = _weights(part[b], delay[b] + 1)
                if delay[b] < 0:
                    w1 = 0.0
                a = np.int64(back[b])
                x += (
                    w0 * bins[tap, a, 0]
                    + w1 * bins[tap - 1, a, 0]
                    + w2 * bins[tap - 2, a, 0]
                    + w3 * bins[tap - 3, a, 0]
                )
            came[b - low, 0] = x
            total += x
        total *= alpha[node]
        if at == PAD:
            total += start[node, 0]
        for b in range(low, high):
            x = came[b - low, 0]
            here[b] = total + beta[node] * x
            if keep:
                stayed[b, 0] += ahead * (here[b] - x)


@kernel(
    "void(int64, int64, int64, int64, int32[::1], int32[::1], int32[::1], float64[::1], "
    "int64[:, ::1], float64[::1], float64[::1], float64[::1], float64[:, ::1], "
    "float64[:, :, ::1], float64[:, ::1], float64[:, ::1])"
)
def step(  # type: ignore[no-untyped-def]
    first_bin, last_bin, first, last, indptr, back, delay, part, crowds, alpha, beta, ahead, start,
    bins, waiting, stayed,
):  # fmt: skip
    """Take the nodes from `first` to `last` through some bins.

    Parameters
    ----------
    first_bin, last_bin, first, last : int64
        Half-open ranges; no crowd may lie across the border of the nodes.
    indptr, back : (n_nodes + 1,), (n_arcs,) int32
        Arcs out of each node as CSR, and the arc that runs the other way along the same segment.
    delay, part : (n_arcs,) int32, float64
        Bins that arc `back[b]` is long, less one, and what is left over (0 to 1).
    crowds : (n_crowds, 2) int64
        Ranges of nodes joined by arcs shorter than a bin, ascending.
    alpha, beta : (n_nodes,) float64
        How a node scatters.
    ahead : (n_bins,) float64
        Share of a wave that lies ahead of it at each bin: 1/2 minus the kernel's integral so far.
    start : (n_nodes, n_columns) float64
        What sets out from a node along each of its arms at distance 0.
    bins : (PAD + n_bins + 1, n_arcs, n_columns) float64
        From `deposit`; becomes what leaves along each arc after each distance.
    waiting, stayed : (n_arcs, n_columns) float64
        Zeros. `stayed` becomes what the waves leave on each arc; of one column it may have no rows,
        if that is not wanted.
    """
    widest = 0
    for node in range(first, last):
        widest = max(widest, indptr[node + 1] - indptr[node])
    came = np.empty((widest, bins.shape[2]))
    begin = np.searchsorted(crowds[:, 0], first)
    for j in range(first_bin, last_bin):
        at = j + PAD
        if bins.shape[2] == 1:
            _scatter_one(first, last, at, ahead[j], indptr, back, delay, part, alpha, beta, start,
                         bins, stayed, came)  # fmt: skip
        else:
            _scatter(first, last, at, ahead[j], indptr, back, delay, part, alpha, beta, start,
                     bins, stayed, came)  # fmt: skip
        for i in range(begin, len(crowds)):
            if crowds[i, 0] >= last:
                break
            _sweep(
                crowds[i, 0], crowds[i, 1], ahead[j], at, indptr, back, delay, part, alpha, beta,
                bins, waiting, stayed, came,
            )  # fmt: skip
