"""The best of one crew under rules of time and of the ground at once, by trying every walk."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from exact import History, Town, _forget
from exact_rules import DARK
from patrolmap.patrol import Shift
from patrolmap.streets import StreetNetwork

Stays = frozenset[tuple[int, int, int, int]]  # corner, time bin, stays paid, mm when it pays again
Last = tuple[int, bool] | None  # the segment walked last, and whether along


class Ruled:
    """A town as one crew may use it; times are millimetres at its usual speed."""

    def __init__(self, town: StreetNetwork, risk: pd.Series | pd.DataFrame, shift: Shift) -> None:
        self.rules, self.shift = shift.rules, shift
        self.place = Town(town, risk, shift)
        self.speed = self.rules.speed * 1000
        self.begin = round(self.rules.seconds_of("briefing") * self.speed)
        self.limit = self.place.budget - round(self.rules.seconds_of("handover") * self.speed)
        self.street = town.segments["street_id"].tolist()
        self.ends = town.segments[["from_node", "to_node"]].to_numpy().tolist()
        self.metres = town.segments["length"].tolist()
        self.park = [
            area == "park" and kind == "footway"
            for area, kind in zip(town.segments["area"], town.segments["highway"], strict=True)
        ]
        self._close(town)
        self.spots = set(self._corners()) if self.rules.dwell is not None else set()

    def _close(self, town: StreetNetwork) -> None:
        """Take away what the rules close, slow down what is dark, and pay for what is left."""
        rules, place = self.rules, self.place
        lines = town.segments.to_crs(4326).geometry
        areas = [shapely.from_wkt(text) for text in rules.no_go]
        sector = self.shift.sector
        if sector is not None:
            sector = gpd.GeoSeries([sector], crs=4326).to_crs(town.crs).iloc[0].buffer(1.0)
        closed, mm = set(), {}
        for row, segment in enumerate(town.segments.itertuples()):
            dark = segment.lit == "no" or (
                segment.lit == "unknown"
                and (rules.unknown_lit == "unlit"
                     or (rules.unknown_lit == "by_class" and segment.highway in DARK))
            )  # fmt: skip
            pace = rules.unlit_pace if dark and rules.unlit == "slow" else 1.0
            mm[row] = int(np.ceil(round(segment.length * 1000) / pace))
            outside = sector is not None and not segment.geometry.within(sector)
            no_go = any(lines.iloc[row].intersects(area) for area in areas)
            if outside or no_go or (dark and rules.unlit == "forbid"):
                closed.add(row)
            for b in range(len(place.opens)):
                if row in closed or (dark and rules.unlit == "avoid"):
                    place.prize[row, b] = 0.0
        place.arcs = {
            node: [(row, other, mm[row]) for row, other, _ in arcs if row not in closed]
            for node, arcs in place.arcs.items()
        }
        place.home = place._home()

    def _corners(self) -> Iterator[int]:
        """Yield the corners where staying earns, the riskiest first, no street at two of them."""
        mine = {
            node: [
                row for row, ends in enumerate(self.ends) if node in ends and self._most(row) > 0
            ]
            for node in self.place.arcs
        }
        worth = {
            node: sum(self._most(row) * min(1.0, self.rules.dwell_reach / self.metres[row])
                      for row in rows)
            for node, rows in mine.items()
        }  # fmt: skip
        taken: set[int] = set()
        for node in sorted(worth, key=lambda node: (-worth[node], node)):
            if worth[node] > 0 and not taken & set(mine[node]):
                taken |= set(mine[node])
                yield node

    def _most(self, row: int) -> float:
        return sum(self.place.prize[row, b] for b in range(len(self.place.opens)))

    def steps(self, node: int, now: int, last: Last) -> Iterator[tuple[int, int, int, Last]]:
        """Yield (segment, next corner, when there, as walked) for each way on."""
        rules = self.rules
        for row, other, mm in self.place.arcs[node]:
            for ahead in (True, False):
                if (self.ends[row] if ahead else self.ends[row][::-1]) != [node, other]:
                    continue
                turn = 0.0
                if last is not None and last[0] == row and last[1] != ahead:
                    turn = rules.u_turn_cost
                elif last is not None and self.street[last[0]] != self.street[row]:
                    turn = rules.turn_cost
                yield row, other, now + mm + int(np.ceil(turn * self.speed)), (row, ahead)

    def bin_at(self, now: int) -> int:
        """Return the time bin of a moment."""
        return max(0, sum(opens <= int(now / self.rules.speed) for opens in self.place.opens) - 1)

    def stay(self, node: int, now: int, stays: Stays) -> tuple[float, Stays] | None:
        """Return what a stay from now on earns, and the stays known then; None where nothing."""
        rules, b = self.rules, self.bin_at(now)
        count, ready = next(((n, r) for at, k, n, r in stays if (at, k) == (node, b)), (0, 0))
        if now < ready:
            return None
        worth = sum(
            rules.share_of_dwell(count, np.inf, self.metres[row]) * self.place.prize[row, b]
            for row, ends in enumerate(self.ends) if node in ends
        )  # fmt: skip
        if worth <= 0:
            return None
        again = round(now + rules.seconds_of("dwell_after") * self.speed)
        others = frozenset(s for s in stays if s[:2] != (node, b))
        return worth, others | {(node, b, count + 1, again)}


def best_both(town: StreetNetwork, risk: Any, shift: Shift, break_at: int | None = None) -> float:
    """Return the most that one crew can collect; -inf where nothing keeps all its rules.

    The break is at the start or the end depot, or at the node `break_at`.
    """
    ruled, rules = Ruled(town, risk, shift), shift.rules
    place, speed = ruled.place, ruled.speed
    rest = rules.seconds_of("break_length") * speed
    window = [share * shift.seconds * speed for share in rules.break_window]
    rests = {place.start, place.end} if break_at is None else {break_at}
    long = round(rules.seconds_of("dwell") * speed)
    shut = np.inf
    if rules.no_parks_after is not None:
        hour, minute = map(int, rules.no_parks_after.split(":"))
        moment = shift.start.replace(hour=hour, minute=minute)
        shut = (moment - shift.start).total_seconds() * speed

    @cache
    def best(
        node: int, now: int, history: History, stays: Stays, rested: bool, last: Last
    ) -> float:
        top = 0.0 if node == place.end and rested else -np.inf
        for row, other, then, walked in ruled.steps(node, now, last):
            if then + place.home[other] > ruled.limit or (ruled.park[row] and then > shut):
                continue
            # a pass begins with its turn: that is when the plan's tables let it arrive
            prize, known = place.pass_at(row, now, history)
            known = _forget(known, then, place)
            top = max(top, prize + best(other, then, known, stays, rested, walked))
        if node in ruled.spots and now + long + place.home[node] <= ruled.limit:
            earned = ruled.stay(node, now, stays)
            if earned is not None:
                then = round(now + long)
                top = max(top, earned[0] + best(node, then, history, earned[1], rested, last))
        if not rested and node in rests:
            end = round(max(now, window[0]) + rest)
            if end <= window[1] and end + place.home[node] <= ruled.limit:
                top = max(top, best(node, end, history, stays, True, last))
        return top

    return best(place.start, ruled.begin, frozenset(), frozenset(), rest == 0, None)
