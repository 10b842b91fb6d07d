"""Small cases by sets of points, and shortest ways over any points."""

import numpy as np

from patrolmap._kernels.compiling import kernel


@kernel(error_model="numpy")
def shortest(way, start):  # type: ignore[no-untyped-def]
    """Return the shortest durations from a point over any others: Dijkstra on a full matrix."""
    n = len(way)
    far = np.full(n, np.inf)
    done = np.zeros(n, dtype=np.bool_)
    far[start] = 0.0
    for _ in range(n):
        at = -1
        for v in range(n):
            if not done[v] and (at < 0 or far[v] < far[at]):
                at = v
        done[at] = True
        for v in range(n):
            far[v] = min(far[v], far[at] + way[at, v])
    return far


@kernel(error_model="numpy")
def reach_sets(way, opens, closes, start, end, latest, rows):  # type: ignore[no-untyped-def]
    """Tell for every set of points when a route of one crew may leave it: Held & Karp 1962.

    `early[s, k]` is the earliest service at the last of the points `rows`, k, after all others of
    the set s (a bit each), inf = never; `fits[s]` is whether the crew is at its end in time.
    """
    m = len(rows)
    slack = 1 + 1e-12
    early = np.full((1 << m, m), np.inf)
    fits = np.zeros(1 << m, dtype=np.bool_)
    fits[0] = True
    for s in range(1, 1 << m):
        for k in range(m):
            v = rows[k]
            if not (s >> k) & 1 or v in (start, end):
                continue
            rest = s & ~(1 << k)
            least = opens[start] + way[start, v] if rest == 0 else np.inf
            for j in range(m):
                if (rest >> j) & 1:
                    least = min(least, early[rest, j] + way[rows[j], v])
            least = max(least, opens[v])
            if least <= closes[v] * slack:
                early[s, k] = least
                if least + way[v, end] <= latest * slack:
                    fits[s] = True
    return early, fits


@kernel(error_model="numpy")
def share_sets(within):  # type: ignore[no-untyped-def]
    """Tell for every set of points which part each crew takes, so that together they take it all.

    `within[c, s]` is whether crew c has a route over s and perhaps more. Returns (c, 2^m) parts of
    the sets that the crews up to c can take together, -1 = they cannot.
    """
    crews, sets = within.shape
    part = np.full((crews, sets), -1, dtype=np.int64)
    for s in range(sets):
        part[0, s] = s if within[0, s] else -1
    for c in range(1, crews):
        for s in range(sets):
            t = s
            while True:  # every part of s, itself first
                if within[c, t] and part[c - 1, s & ~t] >= 0:
                    part[c, s] = t
                    break
                if t == 0:
                    break
                t = (t - 1) & s
    return part
