"""What each mode can reach: its largest connected part, whole where a boundary cuts through it."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def keep_connected(
    segments: gpd.GeoDataFrame, near: Bools, report: dict[str, float]
) -> tuple[gpd.GeoDataFrame, Bools]:
    """Leave each mode its largest connected part near the boundary; say which segments it uses.

    A street inside the boundary whose only way out leads far around stays, with the shortest way
    that joins it to the rest; `report` is told the lengths kept and dropped (m).

    Parameters
    ----------
    segments
        All that was read, with `inside`.
    near : (n_segments,) bool
        Within the margin around the boundary.
    report
        Added to.
    """
    walk = segments["walk"].to_numpy()
    forward, backward = (segments[f"drive_{way}"].to_numpy() for way in ("forward", "backward"))
    drive = forward | backward
    ends = segments[["from_node", "to_node"]].to_numpy()
    at = pd.factorize(ends.ravel())[0].astype(np.int64).reshape(ends.shape)
    walked, driven = (_reached(segments, at, usable, near) for usable in (walk, drive))
    kept = walked | driven
    report["length dropped, beyond 500 m of the boundary (m)"] = metres(segments, ~near & ~kept)
    report["length kept beyond it, to join what lies inside (m)"] = metres(segments, ~near & kept)
    for word, usable, reached in (("walkable", walk, walked), ("drivable", drive, driven)):
        lost = usable & near & ~reached
        report[f"{word} length kept (m)"] = metres(segments, reached)
        report[f"{word} length dropped, not connected (m)"] = metres(segments, lost)
    changed = segments.assign(
        walk=walked, drive_forward=forward & driven, drive_backward=backward & driven
    )
    return changed, kept


def metres(segments: pd.DataFrame, which: Bools) -> float:
    """Return the length of some segments, to the millimetre."""
    return round(float(segments["length"].to_numpy()[which].sum()), 3)


def _reached(segments: gpd.GeoDataFrame, at: Ints, usable: Bools, near: Bools) -> Bools:
    """Say which segments one mode keeps; `at` (n, 2) are their ends as small numbers."""
    out = np.zeros(len(usable), dtype=bool)
    rows = np.flatnonzero(usable)
    if not len(rows):
        return out
    at = at[rows]
    millimetres = np.rint(segments["length"].to_numpy()[rows] * 1000).astype(np.int64)
    wanted = millimetres * segments["inside"].to_numpy()[rows]
    label = _labels(at)
    main = label == _greatest(label, wanted, millimetres)
    rows, at, millimetres, wanted = rows[main], at[main], millimetres[main], wanted[main]
    here = near[rows]
    if here.all():
        out[rows] = True
        return out
    label = _labels(at[here])
    first = _greatest(label, wanted[here], millimetres[here])
    inside = np.bincount(label, weights=wanted[here]) > 0
    inside[first] = True
    out[rows[here][inside[label]]] = True
    apart = np.flatnonzero(inside)
    if len(apart) > 1:
        groups = [np.unique(at[here][label == one]) for one in apart if one != first]
        links = _links(at, millimetres, np.unique(at[here][label == first]), groups)
        out[rows[links]] = True
    return out


def _labels(ends: Ints) -> Ints:
    """Number the connected part that each segment lies in; `ends` are small numbers."""
    tail, head = ends.T
    n = int(ends.max(initial=-1)) + 1
    graph = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(n, n))
    label: Ints = connected_components(graph, directed=False)[1][tail].astype(np.int64)
    return label


def _greatest(label: Ints, wanted: Ints, millimetres: Ints) -> int:
    """Return the part with the most length inside the boundary, then with the most at all.

    Of a village by a town, the village is wanted.
    """
    inside = np.bincount(label, weights=wanted)
    whole = np.bincount(label, weights=millimetres)
    return int(np.lexsort((-np.arange(len(whole)), whole, inside))[-1])


def _links(ends: Ints, millimetres: Ints, home: Ints, groups: list[Ints]) -> Ints:
    """Return the rows of the shortest ways from the nodes of `home` to each group of nodes."""
    low, high = ends.min(axis=1), ends.max(axis=1)
    order = np.lexsort((millimetres, high, low))
    fresh = (np.diff(low[order], prepend=-1) != 0) | (np.diff(high[order], prepend=-1) != 0)
    one = order[fresh & (low[order] != high[order])]  # the shortest of parallels, no loops
    n = int(ends.max()) + 1
    graph = csr_array((millimetres[one].astype(np.float64), (low[one], high[one])), shape=(n, n))
    row_of = dict(zip(zip(low[one].tolist(), high[one].tolist(), strict=True), one, strict=True))
    distance, before, _ = dijkstra(
        graph, directed=False, indices=home, min_only=True, return_predecessors=True
    )
    links = []
    for group in groups:
        node = int(group[np.argmin(distance[group])])
        while before[node] >= 0:
            previous = int(before[node])
            links.append(row_of[min(node, previous), max(node, previous)])
            node = previous
    return np.array(links, dtype=np.int64)
