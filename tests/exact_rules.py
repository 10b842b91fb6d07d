"""The best walk of a tiny town under the rules of the ground, by trying every walk."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from patrolmap.patrol import Depot, PatrolRules, Shift
from patrolmap.streets import StreetNetwork

DARK = {"track", "path", "trail", "bridleway", "unsurfaced", "motorway", "motorway_link"}


def best_ruled(town: StreetNetwork, risk: pd.Series, shift: Shift) -> float:
    """Return the most that one crew collects, each segment once; -inf where no walk keeps all."""
    rules = shift.rules
    assert isinstance(rules, PatrolRules)
    assert rules.repeat_share == 0
    areas = [shapely.from_wkt(text) for text in rules.no_go]
    lines = town.segments.to_crs(4326).geometry
    arcs: dict[int, list[tuple[int, int, bool]]] = {node: [] for node in town.nodes.index}
    prize, seconds, park, street = [], [], [], []
    for row, segment in enumerate(town.segments.itertuples()):
        dark = segment.lit == "no" or (
            segment.lit == "unknown"
            and (
                rules.unknown_lit == "unlit"
                or (rules.unknown_lit == "by_class" and segment.highway in DARK)
            )
        )
        pace = rules.unlit_pace if dark and rules.unlit == "slow" else 1.0
        seconds.append(segment.length / (rules.speed * pace))
        prize.append(0.0 if dark and rules.unlit == "avoid" else float(risk[segment.Index]))
        park.append(segment.area == "park" and segment.highway == "footway")
        street.append(segment.street_id)
        closed = any(lines.iloc[row].intersects(area) for area in areas)
        if not (closed or (dark and rules.unlit == "forbid")):
            arcs[segment.from_node].append((row, segment.to_node, True))
            arcs[segment.to_node].append((row, segment.from_node, False))
    start, end = (
        _nearest(town, [node for node, ways in arcs.items() if ways], depot)
        for depot in (shift.depot, shift.end_depot or shift.depot)
    )
    shut = np.inf
    if rules.no_parks_after is not None:
        hour, minute = map(int, rules.no_parks_after.split(":"))
        shut = (shift.start.replace(hour=hour, minute=minute) - shift.start).total_seconds()
    most = rules.corner_passes or 10**6

    def best(
        node: int, clock: float, last: tuple[int, bool] | None, passed: frozenset[int],
        corners: tuple[int, ...],
    ) -> float:  # fmt: skip
        top = sum(prize[row] for row in passed) if node == end else -np.inf
        for row, other, ahead in arcs.get(node, []):
            turn = 0.0
            if last is not None and last[0] == row and last[1] != ahead:
                turn = rules.u_turn_cost
            elif last is not None and street[last[0]] != street[row]:
                turn = rules.turn_cost
            after = clock + turn + seconds[row]
            if after > shift.seconds + 1e-6 or (park[row] and after > shut + 1e-6):
                continue
            if corners.count(other) + 1 <= most:
                known = (*corners, other)
                top = max(top, best(other, after, (row, ahead), passed | {row}, known))
        return top

    return best(start, 0.0, None, frozenset(), ())


def _nearest(town: StreetNetwork, nodes: list[int], depot: Depot) -> int:
    """Return the node nearest to a depot that some street leads from."""
    here = gpd.GeoSeries([shapely.Point(depot.lon, depot.lat)], crs=4326).to_crs(town.crs).iloc[0]
    return min(nodes, key=lambda node: town.nodes.geometry[node].distance(here), default=-1)
