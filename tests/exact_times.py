"""The true best of one crew that also stands: every walk, stay, wait and break, one by one."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from exact import History, Town, _forget
from patrolmap.patrol import Shift
from patrolmap.streets import StreetNetwork

Stays = frozenset[tuple[int, int, int]]  # corner, stays paid, mm when it pays again


def corners(town: StreetNetwork, risk: pd.Series, shift: Shift) -> dict[int, float]:
    """Return what a first stay earns at each corner where it does, the riskiest first."""
    rules = shift.rules
    worth = {}
    for node in town.nodes.index:
        mine = town.segments[(town.segments["from_node"] == node)
                             | (town.segments["to_node"] == node)]  # fmt: skip
        worth[node] = sum(rules.share_of_dwell(0, 0, s.length) * risk[s.Index]
                          for s in mine.itertuples() if s.walk)  # fmt: skip
    found: dict[int, float] = {}
    taken: set[str] = set()
    for node in sorted(worth, key=lambda n: (-worth[n], n)):
        mine = {s.Index for s in town.segments.itertuples()
                if node in (s.from_node, s.to_node) and risk[s.Index] > 0}  # fmt: skip
        if worth[node] > 0 and not mine & taken:
            found[node] = worth[node]
            taken |= mine
    return found


def best_with_standing(
    town: StreetNetwork,
    risk: pd.Series,
    shift: Shift,
    *,
    window: tuple[float, float] | None = None,
    rest: float = 0.0,
    must: tuple[str, ...] = (),
) -> float:
    """Return the most that one crew can collect; `window` (s) is when the break of `rest` s lies.

    Briefing and handover only take time; the break is at the start or the end depot.
    """
    place, rules = Town(town, risk, shift), shift.rules
    speed = rules.speed * 1000
    begin = round(rules.seconds_of("briefing") * speed)
    limit = place.budget - round(rules.seconds_of("handover") * speed)
    spots = corners(town, risk, shift) if rules.dwell is not None else {}
    stay, again = rules.seconds_of("dwell") * speed, rules.seconds_of("dwell_after") * speed
    rows = {town.segments.index.get_loc(one) for one in must}

    @cache
    def best(node: int, now: int, history: History, stays: Stays, rested: bool,
             left: frozenset[int]) -> float:  # fmt: skip
        done = node == place.end and (rested or window is None) and not left
        top = 0.0 if done else -np.inf
        for row, other, mm in place.arcs[node]:
            if now + mm + place.home[other] <= limit:
                prize, known = place.pass_at(row, now, history)
                known = _forget(known, now + mm, place)
                top = max(top, prize + best(other, now + mm, known, stays, rested, left - {row}))
        if node in spots and now + stay + place.home[node] <= limit:
            count, ready = next(((n, r) for at, n, r in stays if at == node), (0, 0))
            if now >= ready and (count == 0 or rules.repeat_share > 0):
                others = frozenset(s for s in stays if s[0] != node)
                worth = spots[node] * rules.repeat_share**count
                then = others | {(node, count + 1, round(now + again))}
                top = max(top, worth + best(node, round(now + stay), history, then, rested, left))
        if window is not None and not rested and node in (place.start, place.end):
            start = max(now, round(window[0] * speed))
            end = start + round(rest * speed)
            if end <= window[1] * speed and end + place.home[node] <= limit:
                top = max(top, best(node, end, history, stays, True, left))
        return top

    return best(place.start, begin, frozenset(), frozenset(), False, frozenset(rows))


def best_of(town: StreetNetwork, risk: pd.Series, shift: Shift, **options: Any) -> float:
    """Return the same, with the break as the shift's rules ask for it."""
    rules = shift.rules
    if rules.break_length is not None:
        options["window"] = tuple(share * shift.seconds for share in rules.break_window)
        options["rest"] = rules.seconds_of("break_length")
    return best_with_standing(town, risk, shift, **options)
