"""Which links of a network can be spared, because the walk without them stays short."""

import math
from collections import defaultdict
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ROUNDING = 1e-6  # m


def spare_links(
    steps: Ints, x: Floats, y: Floats, links: Ints, lengths: Floats, limits: Floats
) -> Bools:
    """Say, link by link, whether a walk of at most its limit (m) replaces it.

    No walk uses a link that has not been asked for yet, nor one that could be spared.

    Parameters
    ----------
    steps : (n, 2) int64
        Nodes that straight steps join, walked both ways.
    x, y : (n_nodes,) float64
        Metres.
    links : (m, 2) int64
        The nodes that each link joins, in the order of asking.
    lengths, limits : (m,) float64
        Of each link in metres; no link is shorter than the straight line between its ends.

    Notes
    -----
    Each is a search towards its target (A*, Hart, Nilsson & Raphael 1968, doi
    10.1109/TSSC.1968.300136): the straight line is never longer than the walk.

    Examples
    --------
    Of a triangle's three sides, the third is a detour of the first two.

    >>> x, y = np.array([0.0, 3, 3]), np.array([0.0, 0, 4])
    >>> sides, third = np.array([[0, 1], [1, 2]]), np.array([[0, 2]])
    >>> [spare_links(sides, x, y, third, np.array([5.0]), np.array([m])) for m in (7.0, 6.9)]
    [array([ True]), array([False])]
    """
    used = np.zeros(len(x), dtype=bool)  # of a city's nodes, few
    used[steps] = used[links] = True
    row_of = np.cumsum(used) - 1
    town = _Town(row_of[steps], x[used], y[used])
    spared = np.zeros(len(links), dtype=bool)
    asked = zip(row_of[links].tolist(), lengths.tolist(), limits.tolist(), strict=True)
    for row, ((source, target), length, limit) in enumerate(asked):
        spared[row] = town.reaches(source, target, limit + _ROUNDING)
        if not spared[row]:
            town.kept[source].append((target, length))
            town.kept[target].append((source, length))
    return spared


class _Town:
    """Steps as lists, which a search in Python reads fastest, and the links kept so far."""

    def __init__(self, steps: Ints, x: Floats, y: Floats) -> None:
        tail, head = np.append(steps[:, 0], steps[:, 1]), np.append(steps[:, 1], steps[:, 0])
        order = np.argsort(tail, kind="stable")
        tail, head = tail[order], head[order]
        self.first = np.searchsorted(tail, np.arange(len(x) + 1)).tolist()
        self.onward = head.tolist()
        self.length = np.hypot(x[tail] - x[head], y[tail] - y[head]).tolist()
        self.x, self.y = x.tolist(), y.tolist()
        self.kept: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)

    def reaches(self, source: int, target: int, limit: float) -> bool:
        """Say whether a walk of at most `limit` leads from source to target."""
        x, y, onward, length = self.x, self.y, self.onward, self.length
        to_x, to_y = x[target], y[target]
        best = {source: 0.0}
        queue = [(0.0, 0.0, source)]
        while queue:
            _, walked, node = heappop(queue)
            if node == target:
                return True
            if walked > best[node]:
                continue
            steps = range(self.first[node], self.first[node + 1])
            for other, far in [*((onward[i], length[i]) for i in steps), *self.kept.get(node, ())]:
                there = walked + far
                if there < best.get(other, math.inf):
                    least = there + math.hypot(x[other] - to_x, y[other] - to_y)
                    if least <= limit:
                        best[other] = there
                        heappush(queue, (least, there, other))
        return False
