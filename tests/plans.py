"""Plans built by hand from walks over a town's nodes: all tables, no solver."""

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point

from patrolmap.patrol.plan import Plan, Provenance
from patrolmap.streets.network import StreetNetwork

START = pd.Timestamp("2026-11-22 20:00+05:00")
SPEED = 1.25  # m/s


def make_plan(
    town: StreetNetwork,
    node_paths: Mapping[str, Sequence[int]],
    *,
    dwell: Mapping[str, Mapping[int, float]] | None = None,
    start: pd.Timestamp = START,
    shift: str = "night",
    depot: str = "Depot",
    risk: pd.Series | None = None,
    reason: str | None = None,
) -> Plan:
    """Walk each route over its nodes; `dwell` route -> {position in its path: seconds to stand}."""
    risk = _values(town, risk)
    clocks = {route: _walk(town, path, (dwell or {}).get(route, {}), start)
              for route, path in node_paths.items()}  # fmt: skip
    visits = _visits(town, clocks, risk, reason)
    routes = _routes(town, node_paths, visits, shift, depot)
    segments = town.segments.copy()
    segments.insert(len(segments.columns) - 1, "risk", risk)
    walked = visits["segment_id"].dropna().unique()
    left = segments[(risk > 0) & ~segments.index.isin(walked)]
    return Plan(
        routes=routes,
        visits=visits,
        segments=segments,
        stops=_stops(town, node_paths, depot),
        unserved=pd.DataFrame(left[["name", "length", "risk"]]).assign(
            why=pd.Series("no time left", index=left.index, dtype="str")
        ),
        provenance=Provenance(
            seed=1,
            rules={shift: {}},
            durations={shift: float(routes["duration"].max())},
            bins=(start.isoformat(),),
            prize=float(visits["prize"].sum()),
            upper_bound=float(risk.sum()),
            gap=0.0,
            total_risk=float(risk.sum()),
            fingerprint=town.fingerprint,
        ),
    )


def node_path(town: StreetNetwork, corners: Sequence[tuple[float, float]]) -> list[int]:
    """Return the node ids at corners given in metres from the town's centre."""
    from towns import CENTRE

    ids = []
    for x, y in corners:
        away = town.nodes.distance(Point(x + CENTRE[0], y + CENTRE[1]))
        assert away.min() < 1, f"no node at {(x, y)}"
        ids.append(int(away.idxmin()))
    return ids


def _values(town: StreetNetwork, risk: pd.Series | None) -> pd.Series:
    if risk is None:
        risk = pd.Series(1.0, index=town.segments.index)
    return risk.reindex(town.segments.index, fill_value=0.0)


def _walk(
    town: StreetNetwork, path: Sequence[int], stand: Mapping[int, float], start: pd.Timestamp
) -> list[dict[str, Any]]:
    by_ends: dict[tuple[int, int], tuple[str, bool]] = {}
    for row in town.segments.itertuples():
        by_ends.setdefault((row.from_node, row.to_node), (row.Index, True))
        by_ends.setdefault((row.to_node, row.from_node), (row.Index, False))
    now, out = start, []
    for position, node in enumerate(path):
        if position in stand:
            later = now + pd.Timedelta(seconds=stand[position])
            out.append(_step("dwell", None, True, (node, node), (now, later), 0.0))
            now = later
        if position + 1 < len(path):
            segment, forward = by_ends[(node, path[position + 1])]
            length = float(town.segments.loc[segment, "length"])
            later = now + pd.Timedelta(seconds=round(length / SPEED))
            ends = (node, path[position + 1])
            out.append(_step("walk", segment, forward, ends, (now, later), length))
            now = later
    return out


def _step(
    activity: str,
    segment: str | None,
    forward: bool,
    ends: tuple[int, int],
    clock: tuple[pd.Timestamp, pd.Timestamp],
    length: float,
) -> dict[str, Any]:
    return {
        "activity": activity,
        "segment_id": segment,
        "forward": forward,
        "from_node": ends[0],
        "to_node": ends[1],
        "arrive": clock[0],
        "depart": clock[1],
        "length": length,
    }


def _visits(
    town: StreetNetwork, clocks: Mapping[str, list[dict[str, Any]]], risk: pd.Series,
    reason: str | None,
) -> pd.DataFrame:  # fmt: skip
    rows = [{"route_id": r, "step": i} | step for r, steps in clocks.items()
            for i, step in enumerate(steps)]  # fmt: skip
    table = pd.DataFrame(rows).set_index(["route_id", "step"])
    order = table.sort_values("arrive", kind="stable")
    passes = order.groupby("segment_id").cumcount() + 1
    table["pass_number"] = passes.where(order["segment_id"].notna(), 0).astype("int64")
    first = table["pass_number"] == 1
    prize = table["segment_id"].map(risk).where(first, 0.0)
    names = table["segment_id"].map(town.segments["name"])
    table.insert(5, "place", names.astype("str").where(names.notna(), None))
    table["prize"] = prize.astype(float)
    table["reason"] = pd.Series([reason] * len(table), index=table.index, dtype="str")
    table["segment_id"] = table["segment_id"].astype("str")
    return table


def _routes(
    town: StreetNetwork, node_paths: Mapping[str, Sequence[int]], visits: pd.DataFrame, shift: str,
    depot: str,
) -> gpd.GeoDataFrame:  # fmt: skip
    lines, rows = [], []
    for crew, route in enumerate(node_paths, start=1):
        steps = visits.loc[route]
        points: list[Any] = []
        for step in steps.itertuples():
            if isinstance(step.segment_id, str):
                coords = list(town.segments.geometry.loc[step.segment_id].coords)
                points += coords if step.forward else coords[::-1]
        lines.append(LineString(np.array(points)))
        start, end = steps["arrive"].iloc[0], steps["depart"].iloc[-1]
        rows.append({
            "shift": shift, "crew": crew, "depot": depot, "end_depot": depot, "service": "police",
            "mode": "walk", "start": start, "end": end, "length": float(steps["length"].sum()),
            "duration": (end - start).total_seconds(), "prize": float(steps["prize"].sum()),
        })  # fmt: skip
    index = pd.Index(list(node_paths), name="route_id", dtype="str")
    return gpd.GeoDataFrame(pd.DataFrame(rows, index=index), geometry=lines, crs=town.crs)


def _stops(
    town: StreetNetwork, node_paths: Mapping[str, Sequence[int]], depot: str
) -> gpd.GeoDataFrame:
    nodes = sorted({path[0] for path in node_paths.values()})
    return gpd.GeoDataFrame(
        {"kind": "depot", "name": depot, "node_id": nodes},
        index=pd.RangeIndex(len(nodes), name="stop_id"),
        geometry=list(town.nodes.geometry.loc[nodes]),
        crs=town.crs,
    )
