"""The best walk of a tiny town under the rules of the ground, by trying every walk."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from hypothesis import strategies as st

from patrolmap.patrol import Depot, PatrolRules, Shift
from patrolmap.streets import StreetNetwork
from towns import town

Floats = npt.NDArray[np.float64]

DARK = {"track", "path", "trail", "bridleway", "unsurfaced", "motorway", "motorway_link"}


def best_ruled(place: StreetNetwork, risk: pd.Series, shift: Shift) -> float:
    """Return the most that one crew collects, each segment once; -inf where no walk keeps all."""
    rules = shift.rules
    assert isinstance(rules, PatrolRules)
    assert rules.repeat_share == 0
    areas = [shapely.from_wkt(text) for text in rules.no_go]
    lines = place.segments.to_crs(4326).geometry
    arcs: dict[int, list[tuple[int, int, bool]]] = {node: [] for node in place.nodes.index}
    prize, seconds, park, street = [], [], [], []
    for row, segment in enumerate(place.segments.itertuples()):
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
        _nearest(place, [node for node, ways in arcs.items() if ways], depot)
        for depot in (shift.depot, shift.end_depot or shift.depot)
    )
    shut = np.inf
    if rules.no_parks_after is not None:
        hour, minute = map(int, rules.no_parks_after.split(":"))
        shut = (shift.start.replace(hour=hour, minute=minute) - shift.start).total_seconds()
    most = rules.corner_passes or 10**6

    reach = np.inf if rules.beat is None else pd.Timedelta(rules.beat).total_seconds() * 5 / 3.6
    apart = farthest(place.segments) if reach < np.inf else np.zeros(0)

    def compact(passed: frozenset[int]) -> bool:
        return all(apart[i, j] <= reach for i in passed for j in passed) if len(apart) else True

    def best(
        node: int, clock: float, last: tuple[int, bool] | None, passed: frozenset[int],
        corners: tuple[int, ...],
    ) -> float:  # fmt: skip
        top = sum(prize[row] for row in passed) if node == end and compact(passed) else -np.inf
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


def _nearest(place: StreetNetwork, nodes: list[int], depot: Depot) -> int:
    """Return the node nearest to a depot that some street leads from."""
    here = gpd.GeoSeries([shapely.Point(depot.lon, depot.lat)], crs=4326).to_crs(place.crs).iloc[0]
    return min(nodes, key=lambda node: place.nodes.geometry[node].distance(here), default=-1)


def farthest(segments: pd.DataFrame, pieces: int = 100) -> Floats:
    """Measure between points every so often along each street, over all its ways."""
    nodes = sorted({*segments["from_node"], *segments["to_node"]})
    far = pd.DataFrame(np.inf, index=nodes, columns=nodes)
    for node in nodes:
        far.loc[node, node] = 0.0
    for row in segments.itertuples():
        if row.length < far.loc[row.from_node, row.to_node]:
            far.loc[row.from_node, row.to_node] = far.loc[row.to_node, row.from_node] = row.length
    for k in nodes:
        far = np.minimum(far, far[[k]].to_numpy() + far.loc[[k]].to_numpy())
    out = np.zeros((len(segments), len(segments)))
    for i, one in enumerate(segments.itertuples()):
        for j, other in enumerate(segments.itertuples()):
            p = np.linspace(0, one.length, pieces)[:, None]
            q = np.linspace(0, other.length, pieces)[None, :]
            ways = [
                (p if a == "from_node" else one.length - p)
                + far.loc[getattr(one, a), getattr(other, b)]
                + (q if b == "from_node" else other.length - q)
                for a in ("from_node", "to_node")
                for b in ("from_node", "to_node")
            ]
            if i == j:
                ways.append(np.abs(p - q))
            out[i, j] = np.minimum.reduce(ways).max()
    return out


@st.composite
def ruled_towns(draw: st.DrawFn) -> tuple[StreetNetwork, pd.Series]:
    """A few streets between five corners; some dark, some in a park."""
    corner = st.tuples(st.sampled_from([0.0, 70.0, 110.0]), st.sampled_from([0.0, 90.0]))
    lines = draw(st.lists(st.tuples(corner, corner), min_size=2, max_size=6))
    streets = {}
    for i, (a, b) in enumerate(lines):
        middle = ((a[0] + b[0]) / 2 + 15.0 * (i + 1), (a[1] + b[1]) / 2 + 10.0 * (i + 1))
        streets[f"s{i}"] = [a, middle, b] if a != b else [a, middle, (a[0] - 9.0, a[1] + 20 + i), b]

    def some(values: list[Any]) -> dict[str, Any]:
        return {name: draw(st.sampled_from(values)) for name in streets}

    place = town(
        streets, lit=some(["yes", "no", "unknown"]), area=some([None, "park"]),
        highway=some(["residential", "footway", "track"]), street_id=some(["A", "B", "C"]),
    )  # fmt: skip
    return place, pd.Series(some([0.0, 1.0, 7.0]))
