"""What chance alone would make: random numbers, permuted neighbours, events thrown on streets.

Numbers come from splitmix64 (Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195), a stream for
each seed and piece of work, so that threads change no result.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from patrolmap._kernels.compiling import inlined, inner, kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


@inlined
def _mixed(state):  # type: ignore[no-untyped-def]
    z = (state ^ (state >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@inlined
def stream(seed, number):  # type: ignore[no-untyped-def]
    """Return the state of stream `number` (uint64) of a seed (uint64)."""
    return _mixed(_mixed(seed + _STEP) ^ (number * _STEP))


@inlined
def draw(state, below):  # type: ignore[no-untyped-def]
    """Return the next state, and a whole number from 0 to below - 1 (uint64 below 2 ** 32)."""
    state = state + _STEP
    return state, np.int64(((_mixed(state) >> _S32) * below) >> _S32)


def lag_tails(
    value: Floats,
    graph: tuple[Ints, Ints, Floats],
    rows: Ints,
    n_permutations: int,
    enough: int,
    seed: int,
) -> Floats:
    """Say how often others' values, put on a row's neighbours, add up to as much as theirs.

    Parameters
    ----------
    value : (n,) float64
    graph : tuple
        CSR `indptr`, `other`, `weight` without a row's link to itself.
    rows : (m,) int64
        The rows to ask about.
    n_permutations, enough : int
        Draws at most; and at how many as large as the observed to stop.
    seed : int

    Returns
    -------
    (m,) float64
        p by sequential sampling (Besag & Clifford 1991, doi 10.1093/biomet/78.2.301): `enough` / l
        where the l-th draw was the last needed, else (1 + as large) / (1 + n_permutations).
    """
    indptr, other, weight = graph
    p = np.ones(len(rows))
    parts = np.array_split(np.arange(len(rows)), 8 * (os.cpu_count() or 1))

    def run(part: Ints) -> None:
        _tails(
            value, indptr, other, weight, rows, part, np.int64(n_permutations), np.int64(enough),
            np.uint64(seed), p,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(run, parts))
    return p


@kernel(
    "void(float64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64[::1], int64, "
    "int64, uint64, float64[::1])"
)
def _tails(value, indptr, other, weight, rows, part, most, enough, seed, p):  # type: ignore[no-untyped-def]
    taken = np.zeros(len(value), np.int64)  # the draw that took it last
    turn = 0
    for at in part:
        i = rows[at]
        begin, end = indptr[i], indptr[i + 1]
        if end == begin:
            continue
        observed = 0.0
        for k in range(begin, end):
            observed += weight[k] * value[other[k]]
        observed -= 1e-9 * max(abs(observed), 1.0)  # equal sums in another order count as equal
        state = stream(seed, np.uint64(i))
        large, drawn = 0, 0
        while drawn < most and large < enough:
            turn += 1
            drawn += 1
            taken[i] = turn
            lag = 0.0
            for k in range(begin, end):
                state, j = draw(state, np.uint64(len(value)))
                while taken[j] == turn:
                    state, j = draw(state, np.uint64(len(value)))
                taken[j] = turn
                lag += weight[k] * value[j]
            large += lag >= observed
        p[at] = large / drawn if large == enough else (large + 1) / (most + 1)


@inlined
def excess(count, expected, total):  # type: ignore[no-untyped-def]
    """Return Kulldorff's log likelihood ratio of `count` events where `expected` were due."""
    if count <= expected:
        return 0.0
    inside = count * np.log(count / expected)
    if count >= total:
        return inside
    return inside + (total - count) * np.log((total - count) / (total - expected))


@kernel("float64[::1](float64[::1], float64[::1], float64)")
def excesses(count, expected, total):  # type: ignore[no-untyped-def]
    """Return `excess` of each, by the very arithmetic of the simulations."""
    out = np.empty(len(count))
    for i in range(len(count)):
        out[i] = excess(count[i], expected[i], total)
    return out


def strongest_by_chance(
    length: Floats, ends: Ints, beside: Ints, n_events: int, budget: float, n: int, seed: int
) -> Floats:
    """Throw events on streets n times; return the excess of the strongest hotspot each time.

    Parameters
    ----------
    length : (n_segments,) float64
        Events fall uniformly on it.
    ends : (n_segments, 2) int64
        Nodes, numbered from 0.
    beside : (m, 2) int64
        Segments that hang together although they share no node.
    n_events : int
    budget : float
        The segments with the most events per metre are taken while their length fits this.
    n, seed : int

    Returns
    -------
    (n,) float64
        Kulldorff's log likelihood ratio of the best connected piece of those taken.
    """
    total = float(length.sum())
    share = np.cumsum(length) / total
    # where to start looking for a number of [0, 1): the segment its cell begins in
    guide = np.searchsorted(share, np.arange(len(length)) / len(length), side="right")
    best = np.zeros(n)
    threads = os.cpu_count() or 1
    nodes = int(ends.max()) + 1

    def run(first: int) -> None:
        _throw(
            length, share, guide, ends, beside, np.int64(nodes), np.int64(n_events), total,
            float(budget),
            np.int64(first), np.int64(threads), np.uint64(seed), best,
        )  # fmt: skip

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, range(threads)))
    return best


@inner("int64(int64[::1], int64)")
def _root(above, i):  # type: ignore[no-untyped-def]
    while above[i] != i:
        above[i] = above[above[i]]
        i = above[i]
    return i


@kernel(
    "void(float64[::1], float64[::1], int64[::1], int64[:, ::1], int64[:, ::1], int64, int64, "
    "float64, float64, int64, int64, uint64, float64[::1])"
)
def _throw(  # type: ignore[no-untyped-def]
    length, share, guide, ends, beside, n_nodes, n_events, total, budget, first, stride, seed, best
):
    n = len(length)
    count, chosen = np.zeros(n), np.zeros(n, np.bool_)
    hit, thin = np.empty(min(n, n_events), np.int64), np.empty(min(n, n_events))
    above = np.arange(n_nodes)
    events, metres = np.zeros(n_nodes), np.zeros(n_nodes)
    for turn in range(first, len(best), stride):
        state = stream(seed, np.uint64(turn))
        n_hit = 0
        for _ in range(n_events):
            state = state + _STEP
            u = np.float64(_mixed(state) >> np.uint64(11)) * 2.0**-53
            i = guide[np.int64(u * n)]
            while share[i] <= u and i < n - 1:
                i += 1
            if count[i] == 0.0:
                hit[n_hit] = i
                n_hit += 1
            count[i] += 1.0
        for k in range(n_hit):
            thin[k] = -count[hit[k]] / length[hit[k]]
        order = np.argsort(thin[:n_hit])
        taken, used = 0, 0.0
        while taken < n_hit and (used + length[hit[order[taken]]] <= budget or taken == 0):
            i = hit[order[taken]]
            used += length[i]
            chosen[i] = True
            above[_root(above, ends[i, 0])] = _root(above, ends[i, 1])
            taken += 1
        for k in range(len(beside)):
            if chosen[beside[k, 0]] and chosen[beside[k, 1]]:
                one, two = ends[beside[k, 0], 0], ends[beside[k, 1], 0]
                above[_root(above, one)] = _root(above, two)
        for k in range(taken):
            i = hit[order[k]]
            root = _root(above, ends[i, 0])
            events[root] += count[i]
            metres[root] += length[i]
        for k in range(taken):
            i = hit[order[k]]
            root = _root(above, ends[i, 0])
            expected = n_events * metres[root] / total
            best[turn] = max(best[turn], excess(events[root], expected, float(n_events)))
        for k in range(taken):
            i = hit[order[k]]
            chosen[i] = False
            for node in (ends[i, 0], ends[i, 1], _root(above, ends[i, 0])):
                events[node], metres[node] = 0.0, 0.0
        for k in range(taken):
            for node in ends[hit[order[k]]]:
                above[node] = node
        for k in range(n_hit):
            count[hit[k]] = 0.0
