"""Density clusters of events by their distance along the streets, as sets of segments."""

from typing import Any

import numpy as np
import numpy.typing as npt

from patrolmap.errors import OptionError
from patrolmap.risk.spots.near_repeat import street_places
from patrolmap.risk.spots.pieces import number_linked
from patrolmap.risk.spots.placed import Placed
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MOST_PAIRS = 30_000_000  # 24 bytes each, as a symmetric matrix
_MOST_COPIES = 2_000_000  # pairs of repeated events: scikit-learn takes some 200 bytes each
_SAMPLE = 500
_FEWEST = 5


def cluster_segments(
    placed: Placed, *, algorithm: str, distance: float, min_events: int | None, alpha: float
) -> tuple[Ints, Ints, int]:
    """Cluster the events by density, and lay each cluster out as segments.

    Parameters
    ----------
    placed
        Events on their streets.
    algorithm
        "dbscan" (Ester et al. 1996) or "hdbscan" (Campello et al. 2013), by scikit-learn, on the
        distances along the streets.
    distance
        Metres within which events are near one another.
    min_events
        Events that must lie within `distance` of one, itself too, for a dense place, and the
        fewest of a cluster; None: as many as come together anywhere with a chance of about
        `alpha`, if all were thrown uniformly on the streets.

    Returns
    -------
    rows, label : (n,) int64
        Segments and the cluster of each: those that hold its events, and those between them.
    min_events : int
        As given, or as chosen.
    """
    limit = round(distance * 1000) + 1
    least = min_events or _unlikely(placed, limit, alpha)
    nothing = np.zeros(0, dtype=np.int64)
    if len(placed.row) < max(least, 2):
        return nothing, nothing, least
    place, pairs = street_places(placed.streets, placed.row, placed.offset, limit, most=_MOST_PAIRS)
    size = np.bincount(place)
    first = np.repeat(np.arange(len(size)), np.diff(pairs[0]))
    second, apart = pairs[1].astype(np.int64), pairs[2] / 1000.0
    if algorithm == "dbscan":
        label = _dbscan(first, second, apart, size, distance, least)
    else:
        label = _hdbscan(first, second, apart, size, least)
    some = np.zeros(len(size), dtype=np.int64)
    some[place] = np.arange(len(place))
    where, offset = placed.row[some], placed.offset[some]
    rows, owner = _owners(where, label, size)
    between, theirs = _between(placed, rows, owner, where, offset, label, first, second, apart)
    return np.concatenate([rows, between]), np.concatenate([owner, theirs]), least


def _unlikely(placed: Placed, limit: int, alpha: float) -> int:
    """Return how many events near one another chance makes nowhere, on the densest streets."""
    from scipy.special import pdtrc

    total = len(placed.row)
    if total == 0:
        return _FEWEST
    rate = total / placed.length[placed.counted].sum()
    mean = rate * _most_street(placed.streets, limit)
    k = np.arange(1, int(mean + 20 * np.sqrt(mean) + 50))
    return max(_FEWEST, int(k[np.argmax(pdtrc(k - 1, mean) <= alpha / total)]) + 1)


def _most_street(streets: StreetNetwork, limit: int) -> float:
    """Return the most metres of street within the limit (mm) of any of some nodes."""
    from patrolmap._kernels.near import balls

    graph = streets.graph("walk")
    usable = np.flatnonzero(np.diff(graph.indptr) > 0)
    sources = usable[:: max(1, len(usable) // _SAMPLE)].astype(np.int64)
    start, node, reached = balls(graph.indptr, graph.head, graph.length, sources, np.int64(limit))
    source = np.repeat(np.arange(len(sources)), np.diff(start))
    degree = np.diff(graph.indptr)[node]
    arc = np.repeat(graph.indptr[node] - np.cumsum(degree) + degree, degree)
    arc += np.arange(len(arc))
    covered = np.minimum(graph.length[arc], limit - np.repeat(reached.astype(np.int64), degree))
    key, at = np.unique(
        np.repeat(source, degree) * len(streets.segments) + graph.segment[arc], return_inverse=True
    )
    metres = np.minimum(
        np.bincount(at, weights=covered), streets.length_mm[key % len(streets.segments)]
    )
    return float(np.bincount(key // len(streets.segments), weights=metres).max(initial=1)) / 1000


def _matrix(first: Ints, second: Ints, apart: Floats, n: int) -> Any:
    """Return distances as a symmetric sparse matrix; zeros off the diagonal as 0.1 mm."""
    from scipy.sparse import coo_array, csr_matrix

    value, own = np.maximum(apart, 1e-4), np.arange(n)
    i, j = np.concatenate([first, second, own]), np.concatenate([second, first, own])
    # explicit zeros stay on the diagonal: each is its own neighbour
    matrix = csr_matrix(coo_array((np.concatenate([value, value, np.zeros(n)]), (i, j)), (n, n)))
    matrix.sort_indices()
    return matrix


def _dbscan(
    first: Ints, second: Ints, apart: Floats, size: Ints, distance: float, least: int
) -> Ints:
    from sklearn.cluster import DBSCAN

    model = DBSCAN(eps=distance, min_samples=least, metric="precomputed")
    fitted = model.fit(_matrix(first, second, apart, len(size)), sample_weight=size)
    return np.asarray(fitted.labels_, dtype=np.int64)


def _hdbscan(first: Ints, second: Ints, apart: Floats, size: Ints, least: int) -> Ints:
    """Cluster each connected part by itself, as scikit-learn asks; places keep all their events."""
    from sklearn.cluster import HDBSCAN

    n = len(size)
    keep = np.ones(n, dtype=bool)
    while True:  # drop what has too few near it, until all that is left has enough
        inside = keep[first] & keep[second]
        i, j = first[inside], second[inside]
        near = np.bincount(i, weights=size[j], minlength=n)
        near += np.bincount(j, weights=size[i], minlength=n) + size
        thin = keep & (near < least)
        if not thin.any():
            break
        keep &= ~thin
    part = np.where(keep, number_linked(n, i, j), -1)
    label, labels = np.full(n, -1, dtype=np.int64), 0
    order = np.argsort(part[i], kind="stable")
    begin = np.searchsorted(part[i][order], np.arange(part.max(initial=-1) + 2))
    for number in np.unique(part[keep]):
        places = np.flatnonzero(part == number)
        if size[places].sum() < least:
            continue
        mine = order[begin[number] : begin[number + 1]]
        who, matrix = _each_event(places, i[mine], j[mine], apart[inside][mine], size, least)
        model = HDBSCAN(
            min_cluster_size=max(least, 2), min_samples=least, metric="precomputed",
            allow_single_cluster=True, copy=True,
        )  # fmt: skip
        found = np.asarray(model.fit(matrix).labels_, dtype=np.int64)
        label[places[who]] = np.where(found >= 0, found + labels, -1)
        labels += int(found.max(initial=-1)) + 1
    return label


def _each_event(
    places: Ints, i: Ints, j: Ints, apart: Floats, size: Ints, least: int
) -> tuple[Ints, Any]:
    """Repeat each place by its events: HDBSCAN knows no weights."""
    a, b = np.searchsorted(places, i), np.searchsorted(places, j)
    own = np.arange(len(places))
    a, b = np.concatenate([a, own]), np.concatenate([b, own])
    n = _capped(size[places], a, b, least)
    who = np.repeat(own, n)
    start = np.cumsum(n) - n
    apart = np.concatenate([apart, np.zeros(len(n))])
    count = n[a] * n[b]
    of = np.repeat(np.arange(len(a)), count)
    step = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    one, two = start[a[of]] + step // n[b[of]], start[b[of]] + step % n[b[of]]
    once = one < two  # of one place; of two, the first stands earlier anyway
    return who, _matrix(one[once], two[once], apart[of[once]], len(who))


def _capped(n: Ints, a: Ints, b: Ints, least: int) -> Ints:
    """Cut the highest piles of events down until pairs of them fit, if they do not.

    Never below `least`: a pile so high is as dense as can be, and a cluster of its own, so only
    what clusters weigh against each other changes.
    """
    most = int(n.max())
    pairs = float(n[a].astype(np.float64) @ n[b])
    while pairs > _MOST_COPIES and most > least:
        most = max(least, int(most * 0.9))
        n = np.minimum(n, most)
        pairs = float(n[a].astype(np.float64) @ n[b])
    if pairs > _MOST_PAIRS:
        raise OptionError(
            f"{pairs:,.0f} pairs of events lie near one another, too many for HDBSCAN (at most "
            f"{_MOST_PAIRS:,}); give a shorter distance, or algorithm='dbscan'."
        )
    return n


def _owners(where: Ints, label: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Give each segment with clustered events to the cluster with most of them there."""
    some = label >= 0
    n = int(label.max(initial=0)) + 1
    key, at = np.unique(where[some] * n + label[some], return_inverse=True)
    count = np.bincount(at, weights=size[some], minlength=len(key))
    order = np.lexsort((key % n, -count, key // n))
    segment = key[order] // n
    best = order[np.concatenate([[True], segment[1:] != segment[:-1]])[: len(segment)]]
    return key[best] // n, key[best] % n


def _between(
    placed: Placed, rows: Ints, owner: Ints, where: Ints, offset: Ints, label: Ints,
    first: Ints, second: Ints, apart: Floats,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Find the segments that join the pieces of each cluster by the shortest ways."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    streets, n_nodes = placed.streets, len(placed.streets.nodes)
    own = np.full(len(placed.counted), -1, dtype=np.int64)
    own[rows] = owner
    ends = np.column_stack(streets.ends)
    nodes, at = np.unique(ends[rows] + (owner * n_nodes)[:, None], return_inverse=True)
    at = at.reshape(-1, 2)
    piece_of_node = number_linked(len(nodes), at[:, 0], at[:, 1])
    piece = np.full(len(placed.counted), -1, dtype=np.int64)
    piece[rows] = piece_of_node[at[:, 0]]
    same = (label[first] >= 0) & (label[first] == label[second])
    same &= (own[where[first]] == label[first]) & (own[where[second]] == label[second])
    same &= piece[where[first]] != piece[where[second]]
    i, j, far = first[same], second[same], apart[same]
    a, b = piece[where[i]], piece[where[j]]
    a, b = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((far, b, a))
    i, j, far, a, b = (values[order] for values in (i, j, far, a, b))
    new = np.ones(len(a), dtype=bool)
    new[1:] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
    i, j, far, a, b = (values[new] for values in (i, j, far, a, b))
    if len(a) == 0:
        return a, a
    n = len(nodes)
    tree = minimum_spanning_tree(coo_array((far + 1.0, (a, b)), (n, n)).tocsr()).tocoo()
    link = np.searchsorted(a * n + b, np.sort(tree.row.astype(np.int64) * n + tree.col))
    walked, of = _walks(streets, where[i[link]], offset[i[link]], where[j[link]], offset[j[link]])
    theirs = label[i[link]][of]
    free = placed.counted[walked] & (own[walked] < 0)
    key = np.unique(walked[free] * (int(label.max()) + 1) + theirs[free])
    segment = key // (int(label.max()) + 1)
    once = np.concatenate([[True], segment[1:] != segment[:-1]])[: len(segment)]
    return segment[once], (key % (int(label.max()) + 1))[once]


def _walks(
    streets: StreetNetwork, one: Ints, at_one: Ints, two: Ints, at_two: Ints
) -> tuple[Ints, Ints]:
    """Return the segments of the shortest ways between places on two segments, and whose way."""
    from patrolmap._kernels.paths import path_arcs

    graph, ends, length = streets.graph("walk"), np.column_stack(streets.ends), streets.length_mm
    sources = ends[one][:, [0, 0, 1, 1]].ravel()
    targets = ends[two][:, [0, 1, 0, 1]].ravel()
    start = np.column_stack([at_one, at_one, length[one] - at_one, length[one] - at_one]).ravel()
    rest = np.column_stack([at_two, length[two] - at_two] * 2).ravel()
    tail = np.repeat(np.arange(graph.n_nodes), np.diff(graph.indptr))
    arcs, begins, whole = path_arcs(graph.indptr, graph.head, tail, graph.length, sources, targets)
    whole = np.where(whole < 0, np.iinfo(np.int64).max // 4, whole) + start + rest
    best = np.arange(len(one)) * 4 + whole.reshape(-1, 4).argmin(axis=1)
    steps = np.diff(begins)[best]
    take = np.repeat(begins[best] - np.cumsum(steps) + steps, steps) + np.arange(steps.sum())
    return graph.segment[arcs[take]], np.repeat(np.arange(len(one)), steps)
