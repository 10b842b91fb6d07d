"""From walks to the tables of a plan."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point

from patrolmap._crs import lonlat_to
from patrolmap.patrol.candidates import reachable
from patrolmap.patrol.problem import Crew, Problem
from patrolmap.patrol.walks import Walks
from patrolmap.schema import PLAN_SEGMENTS, STOPS, UNSERVED

AROUND = 250.0  # m of streets kept around the routes, so that a plan's map stands alone


@dataclass(frozen=True, kw_only=True)
class PlanTables:
    """The five tables of a plan."""

    routes: gpd.GeoDataFrame
    visits: pd.DataFrame
    segments: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame
    unserved: pd.DataFrame


def plan_tables(problem: Problem, walks: Walks, risk_by_kind: pd.DataFrame | None) -> PlanTables:
    """Build every table of a plan from its walks."""
    visits = _visits(problem, walks, risk_by_kind)
    routes = _routes(problem, walks, visits)
    return PlanTables(
        routes=routes,
        visits=visits,
        segments=_segments(problem, walks, routes, risk_by_kind),
        stops=_stops(problem),
        unserved=_unserved(problem, walks),
    )


def _clock(problem: Problem, seconds: object) -> pd.DatetimeIndex:
    """Return moments on the plan's clock as aware times, to the millisecond."""
    whole = np.rint(np.asarray(seconds, dtype=np.float64) * 1000).astype("timedelta64[ms]")
    zero = problem.clock.tz_convert("UTC").tz_localize(None).to_datetime64()
    utc = pd.DatetimeIndex(zero.astype("datetime64[ms]") + whole).tz_localize("UTC")
    return utc.tz_convert(problem.clock.tz)


def _visits(problem: Problem, walks: Walks, risk_by_kind: pd.DataFrame | None) -> pd.DataFrame:
    segments, nodes = problem.streets.segments, problem.streets.nodes.index.to_numpy()
    names = np.array([crew.route_id for crew in problem.crews], dtype=object)
    activity = np.array([_activity(crew) for crew in problem.crews], dtype=object)
    step = pd.Series(walks.crew).groupby(walks.crew).cumcount().to_numpy()
    return pd.DataFrame(
        {
            "activity": pd.array(activity[walks.crew], dtype="str"),
            "segment_id": segments.index.to_numpy()[walks.segment],
            "forward": walks.forward,
            "from_node": nodes[walks.from_node],
            "to_node": nodes[walks.to_node],
            "place": segments["name"].array[walks.segment],
            "arrive": _clock(problem, walks.arrive),
            "depart": _clock(problem, walks.depart),
            "length": problem.streets.length_mm[walks.segment] / 1000,
            "pass_number": walks.pass_number,
            "prize": walks.prize,
            "reason": pd.array(_reasons(problem, walks, risk_by_kind), dtype="str"),
        },
        index=pd.MultiIndex.from_arrays(
            [pd.array(names[walks.crew], dtype="str"), step], names=["route_id", "step"]
        ),
    )


def _activity(crew: Crew) -> str:
    return crew.shift.mode


def _reasons(problem: Problem, walks: Walks, risk_by_kind: pd.DataFrame | None) -> list[str]:
    """Say in words why each step is made."""
    shares = None
    if risk_by_kind is not None:
        own = risk_by_kind.reindex(problem.streets.segments.index).fillna(0.0)
        total = own.sum(axis=1).replace(0.0, np.nan)
        shares = own.div(total, axis=0).fillna(0.0)
    out = []
    for segment, number, prize, wanted in zip(
        walks.segment.tolist(), walks.pass_number.tolist(), walks.prize.tolist(),
        walks.wanted.tolist(), strict=True,
    ):
        if prize == 0:
            out.append("on the way" if number == 1 or not wanted else "passed not long ago")
            continue
        text = f"risk {prize:.3g}" + ("" if number == 1 else f", pass {number}")
        if shares is not None:
            row = shares.iloc[segment]
            parts = [f"{kind} {part:.0%}" for kind, part in row.items() if part >= 0.05]
            text += f" ({', '.join(parts)})" if parts else ""
        out.append(text)
    return out


def _routes(problem: Problem, walks: Walks, visits: pd.DataFrame) -> gpd.GeoDataFrame:
    rows = []
    for i, crew in enumerate(problem.crews):
        mine = walks.crew == i
        start = _clock(problem, [crew.begin])[0]
        end = visits["depart"][mine].iloc[-1] if mine.any() else start
        rows.append(
            {
                "route_id": crew.route_id,
                "shift": crew.shift.name,
                "crew": crew.number,
                "depot": crew.shift.depot.name,
                "end_depot": (crew.shift.end_depot or crew.shift.depot).name,
                "service": crew.shift.service,
                "mode": crew.shift.mode,
                "start": start,
                "end": end,
                "length": float(problem.streets.length_mm[walks.segment[mine]].sum()) / 1000,
                "duration": (end - start).total_seconds(),
                "prize": float(walks.prize[mine].sum()),
                "geometry": _line(problem, walks, i),
            }
        )
    table = gpd.GeoDataFrame(rows, crs=problem.streets.crs).set_index("route_id")
    for name in ("start", "end"):
        table[name] = table[name].astype(visits["arrive"].dtype)
    return table


def _line(problem: Problem, walks: Walks, i: int) -> LineString:
    """Join every metre that one crew walks into one line."""
    geometry = problem.streets.segments.geometry.array
    mine = walks.crew == i
    parts = []
    for segment, forward in zip(walks.segment[mine], walks.forward[mine], strict=True):
        corners = np.asarray(geometry[segment].coords)[:, :2]
        corners = corners if forward else corners[::-1]
        parts.append(corners[1:] if parts else corners)
    if not parts:
        here = problem.streets.nodes.geometry.iloc[problem.crews[i].start]
        return LineString([here, here])
    return LineString(np.concatenate(parts))


def _segments(
    problem: Problem, walks: Walks, routes: gpd.GeoDataFrame, risk_by_kind: pd.DataFrame | None
) -> gpd.GeoDataFrame:
    """Return the segments that the routes use, those around them, and their risk."""
    all_segments = problem.streets.segments
    west, south, east, north = routes.total_bounds + np.array([-AROUND, -AROUND, AROUND, AROUND])
    keep = np.zeros(len(all_segments), dtype=bool)
    keep[all_segments.sindex.query(_box(west, south, east, north))] = True
    keep[walks.segment] = True
    table = all_segments[keep].copy()
    table["risk"] = problem.prize.sum(axis=1)[keep]
    names = PLAN_SEGMENTS.names
    if problem.prize.shape[1] > 1:
        for b in range(problem.prize.shape[1]):
            table[f"risk_bin_{b}"] = problem.prize[keep, b]
            names = [*names[:-1], f"risk_bin_{b}", names[-1]]
    if risk_by_kind is not None:
        by_kind = risk_by_kind.reindex(all_segments.index).fillna(0.0)[keep]
        for kind in by_kind.columns:
            table[f"risk_{kind}"] = by_kind[kind].to_numpy()
            names = [*names[:-1], f"risk_{kind}", names[-1]]
    return table[names]


def _box(west: float, south: float, east: float, north: float) -> object:
    from shapely.geometry import box

    return box(west, south, east, north)


def _stops(problem: Problem) -> gpd.GeoDataFrame:
    """Return each depot once, where it really stands, with the node crews leave from."""
    seen = {}
    for crew in problem.crews:
        ends = ((crew.shift.depot, crew.start), (crew.shift.end_depot or crew.shift.depot, crew.end))
        for depot, node in ends:
            seen.setdefault((depot, node), None)
    x, y = lonlat_to(problem.streets.crs, [d.lon for d, _ in seen], [d.lat for d, _ in seen])
    ids = problem.streets.nodes.index
    return gpd.GeoDataFrame(
        {
            "kind": pd.array(["depot"] * len(seen), dtype="str"),
            "name": pd.array([depot.name for depot, _ in seen], dtype="str"),
            "node_id": [int(ids[node]) for _, node in seen],
        },
        geometry=[Point(*xy) for xy in zip(x, y, strict=True)],
        crs=problem.streets.crs,
        index=pd.RangeIndex(len(seen), name="stop_id"),
    )[STOPS.names]


def _unserved(problem: Problem, walks: Walks) -> pd.DataFrame:
    """Return the risky segments nobody passes, the riskiest first, and why."""
    risk = problem.prize.sum(axis=1)
    missed = risk > 0
    missed[walks.segment] = False
    rows = np.flatnonzero(missed)
    rows = rows[np.argsort(-risk[rows], kind="stable")]
    within = np.logical_or.reduce(reachable(problem))
    table = problem.streets.segments.iloc[rows]
    return pd.DataFrame(
        {
            "name": table["name"],
            "length": table["length"],
            "risk": risk[rows],
            "why": pd.array(
                np.where(within[rows], "no time left", "out of reach").astype(object), dtype="str"
            ),
        },
        index=table.index,
    )[UNSERVED.names]
