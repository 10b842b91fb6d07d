"""The true best a crew can do in a tiny town: every walk within its budget, one by one."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.patrol import PatrolRules, Shift
from patrolmap.streets import StreetNetwork

History = frozenset[tuple[int, int, int, int]]  # segment, time bin, passes paid, ms when ready


class Town:
    """A town as plain dictionaries, for one shift on foot."""

    def __init__(self, town: StreetNetwork, risk: pd.Series | pd.DataFrame, shift: Shift) -> None:
        rules = shift.rules if isinstance(shift.rules, PatrolRules) else PatrolRules()
        table = risk if isinstance(risk, pd.DataFrame) else risk.to_frame(shift.start)
        self.rules = rules
        self.opens = [(start - shift.start).total_seconds() * 1000 for start in table.columns]
        self.budget = int(shift.seconds * rules.speed * 1000)
        end = shift.end_depot or shift.depot
        self.start = town.nearest_node(shift.depot.lon, shift.depot.lat)[0]
        self.end = town.nearest_node(end.lon, end.lat)[0]
        self.arcs: dict[int, list[tuple[int, int, int]]] = {node: [] for node in town.nodes.index}
        self.prize: dict[tuple[int, int], float] = {}
        for row, segment in enumerate(town.segments.itertuples()):
            mm = round(segment.length * 1000)
            if segment.walk:
                self.arcs[segment.from_node].append((row, segment.to_node, mm))
                self.arcs[segment.to_node].append((row, segment.from_node, mm))
            pays = segment.inside and not (rules.unlit == "avoid" and segment.lit == "no")
            for b, value in enumerate(table.loc[segment.Index]):
                self.prize[row, b] = float(value) if pays else 0.0
        self.home = self._home()

    def _home(self) -> Mapping[int, float]:
        """Return millimetres to the end depot, by repeated relaxation."""
        far = dict.fromkeys(self.arcs, np.inf) | {self.end: 0.0}
        for _ in self.arcs:
            for node, arcs in self.arcs.items():
                far[node] = min([far[node], *(mm + far[other] for _, other, mm in arcs)])
        return far

    def pass_at(self, row: int, walked: int, history: History) -> tuple[float, History]:
        """Return what walking a segment from here on earns, and what is known afterwards."""
        now = int(walked / self.rules.speed)
        b = max(0, sum(opens <= now for opens in self.opens) - 1)
        paid = next(((n, ready) for r, k, n, ready in history if (r, k) == (row, b)), (0, 0))
        if self.prize[row, b] == 0 or (paid[0] and now < paid[1]):
            return 0.0, history
        share = self.rules.share_of_pass(paid[0], np.inf)
        if share == 0:
            return 0.0, history
        others = {known for known in history if known[:2] != (row, b)}
        ready = now + round(self.rules.repeat_seconds * 1000)
        if self.rules.repeat_share == 0:
            ready = 0  # never again: when does not matter
        return share * self.prize[row, b], frozenset(others | {(row, b, paid[0] + 1, ready)})


def best_prize(town: StreetNetwork, risk: Any, shift: Shift) -> float:
    """Return the most that one crew can collect, over all walks within its budget."""
    place = Town(town, risk, shift)

    @cache
    def best(node: int, walked: int, history: History) -> float:
        top = 0.0 if node == place.end else -np.inf
        for row, other, mm in place.arcs[node]:
            if walked + mm + place.home[other] <= place.budget:
                prize, known = place.pass_at(row, walked, history)
                top = max(top, prize + best(other, walked + mm, _forget(known, walked + mm, place)))
        return top

    return best(place.start, 0, frozenset())


def _forget(history: History, walked: int, place: Town) -> History:
    """Drop when a segment is ready again where that is past, so that equal futures are one."""
    now = int(walked / place.rules.speed)
    return frozenset((r, b, n, ready if ready > now else 0) for r, b, n, ready in history)


def best_two(town: StreetNetwork, risk: pd.Series, shifts: tuple[Shift, Shift]) -> float:
    """Return the most that two crews can collect together where a repeat pass earns nothing."""
    sets = [covered(Town(town, risk, shift)) for shift in shifts]
    prizes = risk.reindex(town.segments.index).to_numpy()
    return max(float(prizes[list(a | b)].sum()) for a in sets[0] for b in sets[1])


def covered(place: Town) -> set[frozenset[int]]:
    """Return every set of segments that one walk can pass."""
    seen: set[tuple[int, int, frozenset[int]]] = set()
    todo = [(place.start, 0, frozenset[int]())]
    while todo:
        state = todo.pop()
        if state in seen:
            continue
        seen.add(state)
        node, walked, passed = state
        for row, other, mm in place.arcs[node]:
            if walked + mm + place.home[other] <= place.budget:
                todo.append((other, walked + mm, passed | {row}))
    return {passed for node, _, passed in seen if node == place.end}
