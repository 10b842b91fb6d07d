"""Rows that keep each crew's metres near its own depot."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, dijkstra, maximum_flow

from patrolmap.patrol.bounds.case import Bools, Case, Floats, Ints
from patrolmap.patrol.bounds.columns import Columns
from patrolmap.patrol.bounds.cuts import Row
from patrolmap.patrol.bounds.reduce import Small

RINGS = 12
WHOLE = 1_000_000_000  # all crews' millimetres in the flow's 32-bit units
MOST_CLASSES = 60
KM = 1e-6  # of a millimetre: rows in kilometres


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How far each class of crews is from each street; c classes, e streets.

    A crew that enters a set of streets at least d away from its start and its end leaves at least
    2d of its limit outside. So the metres walked in any set of streets are at most the sum, over
    the crews that can get there and back, of the limit less twice the least distance. The set
    whose row is broken most is a least cut of a flow from classes through rings around their
    depots to the streets (as in Hall's theorem).

    Attributes
    ----------
    away : (c, e) float64
        Twice the least distance between an end of the street and a start or end of the class,
        inf where it cannot be walked within the limit.
    counts : (e,) bool
        Streets whose metres count.
    """

    away: Floats
    counts: Bools
    length: Floats
    limit: Floats
    crews: Floats

    def within(self, columns: Columns) -> Floats:
        """Return the most units of each unknown: none where no crew can be back in time."""
        out_of_reach = self.counts & ~np.isfinite(self.away).any(axis=0)
        return np.where(out_of_reach[columns.street], 0.0, columns.most)

    def broken(self, columns: Columns, x: Floats) -> list[Row]:
        """Return the row that an answer breaks most, or none."""
        walked = np.where(self.counts, columns.total(columns.times, x), 0.0) * self.length
        streets = np.flatnonzero(walked > 0)
        if len(streets) == 0:
            return []
        chosen = self._least_cut(streets, walked[streets])
        if len(chosen) == 0:
            return []
        room = self._room(chosen)
        if walked[chosen].sum() <= room * (1 + 1e-4):
            return []
        unknowns = columns.of(chosen)
        value = columns.times[unknowns] * self.length[columns.street[unknowns]] * KM
        return [(unknowns, value, room * KM)]

    def _room(self, streets: Ints) -> float:
        nearest = self.away[:, streets].min(axis=1)
        return float((np.maximum(self.limit - nearest, 0.0) * self.crews).sum())

    def _least_cut(self, streets: Ints, walked: Floats) -> Ints:
        classes = len(self.limit)
        ring = np.full((classes, len(streets)), -1, dtype=np.int64)
        near = np.isfinite(self.away[:, streets])
        share = np.where(near, self.away[:, streets], 0.0) / self.limit[:, None]
        ring[near] = np.minimum((share * RINGS).astype(np.int64), RINGS - 1)[near]
        kinds, kind = np.unique(ring, axis=1, return_inverse=True)
        kind = kind.ravel()
        unit = WHOLE / max(float((self.limit * self.crews).sum()), float(walked.sum()))
        asked = np.bincount(kind, walked, kinds.shape[1]) * unit
        # nodes: source, rings of each class from the depot outward, kinds of streets, sink
        first_kind = 1 + classes * RINGS
        sink = first_kind + len(asked)
        ringed = 1 + np.arange(classes * RINGS).reshape(classes, RINGS)
        left = self.limit[:, None] * (1 - np.arange(RINGS) / RINGS) * self.crews[:, None] * unit
        a, b = np.nonzero(kinds >= 0)
        inward = np.concatenate([np.zeros((classes, 1), dtype=np.int64), ringed[:, :-1]], axis=1)
        tail = np.concatenate([inward.ravel(), ringed[a, kinds[a, b]],
                               first_kind + np.arange(len(asked))])  # fmt: skip
        head = np.concatenate([ringed.ravel(), first_kind + b, np.full(len(asked), sink)])
        room = np.concatenate([left.ravel(), np.full(len(a), float(WHOLE)), asked])
        graph = csr_array((room.astype(np.int32), (tail, head)), shape=(sink + 1, sink + 1))
        spare = graph - maximum_flow(graph, 0, sink).flow
        spare.data[spare.data < 0] = 0
        spare = csr_array(spare)
        spare.eliminate_zeros()
        fed = np.zeros(sink + 1, dtype=bool)
        fed[breadth_first_order(spare, 0, return_predecessors=False)] = True
        return streets[~fed[first_kind + kind]]


def make_reach(case: Case, small: Small) -> Reach | None:
    """Measure how far crews are from streets; None where there are too many classes to tell."""
    if len(case.limit) > MOST_CLASSES:
        return None
    if case.out is None or case.back is None:
        out, back = _distances(case, small)
        counts = np.ones(len(small.length), dtype=bool)
    else:
        out, back = case.out[:, small.nodes], case.back[:, small.nodes]
        counts = small.segment >= 0
    tail, head = small.tail, small.head
    one_way = np.minimum(out[:, tail] + back[:, head], out[:, head] + back[:, tail])
    trip = one_way + small.length
    nearest = np.minimum(np.minimum(out[:, tail], out[:, head]),
                         np.minimum(back[:, tail], back[:, head]))  # fmt: skip
    return Reach(
        away=np.where(trip <= case.limit[:, None], 2 * nearest, np.inf),
        counts=counts,
        length=small.length.astype(np.float64),
        limit=case.limit.astype(np.float64),
        crews=case.crews.astype(np.float64),
    )


def _distances(case: Case, small: Small) -> tuple[Floats, Floats]:
    """Return millimetres from starts and to ends, by any street."""
    n = len(small.nodes)
    tail = np.concatenate([small.tail, small.head])
    head = np.concatenate([small.head, small.tail])
    length = np.concatenate([small.length, small.length]).astype(np.float64)
    order = np.lexsort((length, head, tail))
    tail, head, length = tail[order], head[order], length[order]
    shortest = np.ones(len(order), dtype=bool)  # of parallel streets
    shortest[1:] = (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    graph = csr_array((length[shortest], (tail[shortest], head[shortest])), shape=(n, n))
    places, at = np.unique(np.concatenate([case.start, case.end]), return_inverse=True)
    far = dijkstra(graph, indices=np.searchsorted(small.nodes, places))[at]
    return far[: len(case.start)], far[len(case.start) :]
