"""What a plan has to beat: walks that a careful person might draw by hand, without a search."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

import patrolmap as pm
from patrolmap.streets.network import Graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Step = tuple[int, int, int]  # rows of the segment, of the node it starts at, of the one it ends at

LOOK = 1000.0  # m ahead that a crew looks first; farther only where nothing is left there


@dataclass(frozen=True, kw_only=True)
class Greedy:
    """The walks of a baseline and what they are worth.

    Attributes
    ----------
    prize : float
        What all passes collect, by `PatrolRules.share_of_pass` in clock order: comparable with
        `plan.provenance.prize`.
    walks : DataFrame
        One row a step: crew (from 0, in the order of the shifts), segment_id, from_node, to_node,
        arrive, depart (s after the first shift's start), prize.
    """

    prize: float
    walks: pd.DataFrame


def greedy_one_pass(
    streets: pm.StreetNetwork, risk: pd.Series | pd.DataFrame, shifts: Sequence[pm.Shift]
) -> Greedy:
    """Let one crew after another walk to the next best segment that nobody passes yet.

    Of the segments with risk that no step so far passes in this time bin, a crew takes the one with
    the most risk per metre of the way to it and along it, as long as it can still be back in time;
    what lies on the way counts as passed too. Nothing is changed afterwards and no second pass is
    planned (those that happen are paid). For shifts on foot, without sectors.

    Parameters
    ----------
    streets, risk, shifts
        As `plan_patrols` takes them; a time bin is a column named by its start.
    """
    town = _Town(streets, risk, shifts)
    left_over = town.prize.copy()
    walks = []
    crews = [(shift, _rules(shift)) for shift in shifts for _ in range(shift.crews)]
    for number, (shift, rules) in enumerate(crews):
        walks.append(_walk(town, shift, rules, left_over).assign(crew=number))
    table = pd.concat(walks, ignore_index=True)
    table["prize"] = _score(town, table, [rules for _, rules in crews])
    return Greedy(prize=float(table["prize"].sum()), walks=table)


class _Town:
    """The walking graph as scipy takes it, and the prizes by segment and time bin."""

    def __init__(
        self,
        streets: pm.StreetNetwork,
        risk: pd.Series | pd.DataFrame,
        shifts: Sequence[pm.Shift],
    ) -> None:
        self.streets = streets
        self.clock = min(shift.start for shift in shifts)
        if isinstance(risk, pd.Series):
            risk = risk.to_frame(self.clock)
        self._bins = np.array([(start - self.clock).total_seconds() for start in risk.columns])
        values = risk.reindex(streets.segments.index, fill_value=0.0).to_numpy(dtype=np.float64)
        counts = (streets.segments["inside"] & streets.segments["walk"]).to_numpy()
        self.prize = values * counts[:, None]
        self.unlit = (streets.segments["lit"] == "no").to_numpy()
        self.length = streets.length_mm / 1000
        self.ends = streets.ends
        self._link(streets.graph("walk"))

    def _link(self, arcs: Graph) -> None:
        """Keep the shortest arc between each pair of nodes: scipy would add parallel ones up."""
        tail = np.repeat(np.arange(arcs.n_nodes), np.diff(arcs.indptr))
        order = np.lexsort((arcs.length, arcs.head, tail))
        pair = np.column_stack([tail, arcs.head])[order]
        kept = order[np.append(True, (np.diff(pair, axis=0) != 0).any(axis=1))]
        self._indptr = np.searchsorted(tail[kept], np.arange(arcs.n_nodes + 1))
        self._head, self._segment = arcs.head[kept], arcs.segment[kept]
        self._graph = csr_array(
            (arcs.length[kept] / 1000, self._head, self._indptr),
            shape=(arcs.n_nodes, arcs.n_nodes),
        )

    def bin_at(self, seconds: float) -> int:
        return max(0, int(np.searchsorted(self._bins, seconds, side="right")) - 1)

    def node(self, depot: pm.Depot) -> int:
        node_id, _ = self.streets.nearest_node(depot.lon, depot.lat)
        return int(self.streets.nodes.index.get_loc(node_id))

    def distances(self, node: int, limit: float = np.inf) -> tuple[Floats, Ints]:
        """Return metres to every node, and the node before it on the way."""
        found: tuple[Floats, Ints] = dijkstra(
            self._graph, indices=node, limit=limit, return_predecessors=True
        )
        return found

    def way(self, before: Ints, source: int, target: int) -> list[Step]:
        """Return the steps from `source` to `target`."""
        steps: list[Step] = []
        node = target
        while node != source:
            last = int(before[node])
            row = slice(self._indptr[last], self._indptr[last + 1])
            arc = row.start + int(np.flatnonzero(self._head[row] == node)[0])
            steps.append((int(self._segment[arc]), last, node))
            node = last
        return steps[::-1]


def _rules(shift: pm.Shift) -> pm.PatrolRules:
    return shift.rules if isinstance(shift.rules, pm.PatrolRules) else pm.PatrolRules()


def _walk(town: _Town, shift: pm.Shift, rules: pm.PatrolRules, left_over: Floats) -> pd.DataFrame:
    """Walk one crew; `left_over` loses the prize of what it passes."""
    here, end = town.node(shift.depot), town.node(shift.end_depot or shift.depot)
    home, way_home = town.distances(end)
    begin, budget = (shift.start - town.clock).total_seconds(), shift.seconds * rules.speed
    earns = ~town.unlit if rules.unlit == "avoid" else np.ones(len(town.unlit), dtype=bool)
    rows, walked = [], 0.0
    more = True
    while more:
        prize = left_over[:, town.bin_at(begin + walked / rules.speed)] * earns
        steps = _next(town, here, budget - walked, home, prize)
        more = bool(steps)
        if not more:  # the way from the end depot, turned round
            back = town.way(way_home, end, here)
            steps = [(segment, stop, start) for segment, start, stop in reversed(back)]
        for segment, start, here in steps:
            arrive = begin + walked / rules.speed
            left_over[segment, town.bin_at(arrive)] = 0.0
            walked += town.length[segment]
            rows.append((segment, start, here, arrive, begin + walked / rules.speed))
    names = ["segment_id", "from_node", "to_node", "arrive", "depart"]
    walk = pd.DataFrame(rows, columns=names)
    walk["segment_id"] = town.streets.segments.index[walk["segment_id"].astype("int64")]
    for name in ("from_node", "to_node"):
        walk[name] = town.streets.nodes.index[walk[name].astype("int64")]
    return walk


def _next(town: _Town, here: int, left: float, home: Floats, prize: Floats) -> list[Step]:
    """Return the way to and along the best segment from `here`; empty where none fits."""
    rows = np.flatnonzero(prize > 0)
    sides = [town.ends, town.ends[::-1]]
    look = LOOK
    while len(rows):
        there, before = town.distances(here, look)
        worth = np.empty((2, len(rows)))
        for side, (enter, leave) in enumerate(sides):
            cost = there[enter[rows]] + town.length[rows]
            fits = cost + home[leave[rows]] <= left
            worth[side] = np.where(fits, prize[rows] / cost, 0.0)
        way_in, best = divmod(int(np.argmax(worth)), len(rows))
        if worth[way_in, best] > 0:
            row = int(rows[best])
            first, last = (int(ends[row]) for ends in sides[way_in])
            return [*town.way(before, here, first), (row, first, last)]
        if look >= left:
            break
        look *= 4
    return []


def _score(town: _Town, walks: pd.DataFrame, rules: Sequence[pm.PatrolRules]) -> Floats:
    """Return what each step collects, all crews in clock order."""
    rows = town.streets.segments.index.get_indexer(walks["segment_id"])
    arrive, crew = walks["arrive"].to_numpy(), walks["crew"].to_numpy()
    paid: dict[tuple[int, int], tuple[int, float]] = {}
    prize = np.zeros(len(walks))
    for step in np.lexsort((crew, arrive)).tolist():
        row, own = int(rows[step]), rules[crew[step]]
        if own.unlit == "avoid" and town.unlit[row]:
            continue
        key = (row, town.bin_at(arrive[step]))
        times, last = paid.get(key, (0, arrive[step]))
        share = own.share_of_pass(times, arrive[step] - last)
        if share > 0:
            prize[step] = share * town.prize[key]
            paid[key] = (times + 1, arrive[step])
    return prize
