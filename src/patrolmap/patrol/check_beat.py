"""How far apart the points of one route are, exactly: part of `check_plan`."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from patrolmap.patrol.beat import beat_metres
from patrolmap.patrol.check_stated import Asked, Breach
from patrolmap.patrol.plan import Plan

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SLACK = 0.01  # m


def check_beats(plan: Plan, steps: pd.DataFrame, shifts: Mapping[str, Asked]) -> Iterator[Breach]:
    """Check that from any point of a route its crew reaches any other in the minutes of its beat.

    Ways are those along the walkable streets of the plan's own table, which holds all around.
    """
    walked = steps[steps["row"].to_numpy() >= 0]
    for route_id, route in walked.groupby("route_id", sort=False):
        asked = shifts.get(str(route["shift"].iloc[0]))
        most = np.inf if asked is None else beat_metres(asked.rules)
        if most == np.inf:
            continue
        rows = np.unique(route["row"].to_numpy())
        apart = _apart(plan.segments, rows)
        worst = np.unravel_index(int(np.argmax(apart)), apart.shape)
        if not apart[worst] <= most + SLACK:
            one, other = plan.segments.index[rows[list(worst)]]
            what = f"{one} and {other} are up to {apart[worst]:.0f} m apart, {most:.0f} m allowed"
            yield (route_id, None, "beat", what)


def _apart(segments: pd.DataFrame, rows: Ints) -> Floats:
    """Return the metres between the farthest points of each two segments.

    From a point p along segment (a, b), the distances to the ends c and d of another are tents over
    p, and the farthest point between c and d is half of their sum and its length away: the sum of
    two tents is greatest at one of their tips.
    """
    node, index = np.unique(segments[["from_node", "to_node"]].to_numpy(), return_inverse=True)
    tail, head = index.reshape(-1, 2).T
    length = segments["length"].to_numpy()
    far = _between(tail, head, np.where(segments["walk"], length, np.inf), len(node),
                   np.unique(np.concatenate([tail[rows], head[rows]])))  # fmt: skip
    a, b, size = tail[rows][:, None], head[rows][:, None], length[rows][:, None]
    c, d, other = tail[rows][None, :], head[rows][None, :], length[rows][None, :]
    apart = np.zeros((len(rows), len(rows)))
    for target in (c, d):
        tip = np.clip((size + far(b, target) - far(a, target)) / 2, 0.0, size)
        to_c, to_d = (np.minimum(tip + far(a, end), size - tip + far(b, end)) for end in (c, d))
        apart = np.maximum(apart, (to_c + to_d + other) / 2)
    own = (size + far(a, b))[:, 0] / 2  # of two points of one street
    np.fill_diagonal(apart, own)
    return apart


def _between(
    tail: Ints, head: Ints, length: Floats, n_nodes: int, sources: Ints
) -> Callable[[Ints, Ints], Floats]:
    """Return a function that tells the distance from some nodes to any."""
    ends = np.concatenate([tail, head]), np.concatenate([head, tail])
    both = np.concatenate([length, length])
    order = np.lexsort((both, ends[1], ends[0]))
    one, other, both = ends[0][order], ends[1][order], both[order]
    first = np.ones(len(order), dtype=bool)  # of parallel streets the shortest
    first[1:] = (one[1:] != one[:-1]) | (other[1:] != other[:-1])
    first &= np.isfinite(both) & (one != other)
    graph = csr_array((both[first], (one[first], other[first])), shape=(n_nodes, n_nodes))
    table = dijkstra(graph, indices=sources)
    place = np.full(n_nodes, -1)
    place[sources] = np.arange(len(sources))

    def far(a: Ints, b: Ints) -> Floats:
        found: Floats = table[place[a], b]
        return found

    return far
