"""From walks to the tables of a plan."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from shapely.geometry import LineString, Point

from patrolmap._crs import lonlat_to
from patrolmap.patrol.beat import beat_metres
from patrolmap.patrol.notes import closed_to_all
from patrolmap.patrol.problem import Floats, Ints, Problem
from patrolmap.patrol.shifts import Depot
from patrolmap.patrol.walks import Walks
from patrolmap.schema import PLAN_SEGMENTS, STOPS, UNSERVED
from patrolmap.streets.lines.avenues import street_names

LEAST_SHARE = 0.05  # of a segment's risk, for a map to be named as a reason
AROUND = 250.0  # m of streets kept around the routes, so that a plan's map stands alone

HEM = 50.0  # m beyond those streets that parks and water are kept


@dataclass(frozen=True, kw_only=True)
class PlanTables:
    """The tables of a plan."""

    routes: gpd.GeoDataFrame
    visits: pd.DataFrame
    segments: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame
    unserved: pd.DataFrame
    grounds: gpd.GeoDataFrame | None


def plan_tables(problem: Problem, walks: Walks, risk_by_kind: pd.DataFrame | None) -> PlanTables:
    """Build every table of a plan from its walks."""
    names = street_names(problem.streets.segments)
    visits = _visits(problem, walks, names, risk_by_kind)
    routes = _routes(problem, walks, visits)
    segments = _segments(problem, walks, routes, risk_by_kind)
    return PlanTables(
        routes=routes,
        visits=visits,
        segments=segments,
        stops=_stops(problem),
        unserved=_unserved(problem, walks, names),
        grounds=_grounds(problem.streets.grounds, segments),
    )


def _clock(problem: Problem, milliseconds: Ints) -> pd.DatetimeIndex:
    """Return moments on the plan's clock as aware times, to the millisecond."""
    zero = problem.clock.tz_convert("UTC").tz_localize(None).to_datetime64()
    moments = zero.astype("datetime64[ms]") + milliseconds.astype("timedelta64[ms]")
    utc = pd.DatetimeIndex(moments).tz_localize("UTC")
    return utc.tz_convert(problem.clock.tz)


def _visits(
    problem: Problem, walks: Walks, street: pd.Series, risk_by_kind: pd.DataFrame | None
) -> pd.DataFrame:
    segments, nodes = problem.streets.segments, problem.streets.nodes.index.to_numpy()
    names = np.array([crew.route_id for crew in problem.crews], dtype=object)
    ids = segments.index.to_numpy(dtype=object)
    step = pd.Series(walks.crew).groupby(walks.crew).cumcount().to_numpy()
    return pd.DataFrame(
        {
            "activity": pd.array(walks.activity, dtype="str"),
            "segment_id": pd.array(np.where(walks.moving, ids[walks.segment], None), dtype="str"),
            "forward": walks.forward,
            "from_node": nodes[walks.from_node],
            "to_node": nodes[walks.to_node],
            "place": pd.array(_places(problem, walks, street), dtype="str"),
            "arrive": _clock(problem, walks.arrive),
            "depart": _clock(problem, walks.depart),
            "length": walks.millimetres(problem) / 1000,
            "pass_number": walks.pass_number,
            "prize": walks.prize,
            "reason": pd.array(_reasons(problem, walks, risk_by_kind), dtype="str"),
        },
        index=pd.MultiIndex.from_arrays(
            [pd.array(names[walks.crew], dtype="str"), step], names=["route_id", "step"]
        ),
    )


def _reasons(problem: Problem, walks: Walks, risk_by_kind: pd.DataFrame | None) -> list[str]:
    """Say in words why each step is made."""
    shares = None if risk_by_kind is None else _kinds(problem, risk_by_kind)
    by_car = [crew.shift.mode == "drive" for crew in problem.crews]
    rows = zip(
        walks.crew, walks.segment, walks.pass_number, walks.prize, walks.wanted, walks.activity,
        strict=True,
    )  # fmt: skip
    out, before, last = [], "", -1
    for crew, segment, number, prize, wanted, activity in rows:
        before, last = before if crew == last else "", crew
        if segment < 0:
            at_car = activity == "wait" and before == "walk" and by_car[crew]
            why = "the rest of the stop, at the car" if at_car else _WHY[activity]
            out.append(f"risk {prize:.3g} around" if prize > 0 else why)
            before = activity
            continue
        before = activity
        if prize == 0:
            out.append("on the way" if number == 1 or not wanted else "passed not long ago")
            continue
        text = f"risk {prize:.3g}" + ("" if number == 1 else f", pass {number}")
        if shares is not None:
            of_map = zip(shares.columns, shares.to_numpy()[segment], strict=True)
            parts = [f"{kind} {part:.0%}" for kind, part in of_map if part >= LEAST_SHARE]
            text += f" ({', '.join(parts)})" if parts else ""
        out.append(text)
    return out


_WHY = {
    "dwell": "stayed here not long ago",
    "wait": "too early for what comes next",
    "break": "break",
    "report": "time to report",
    "briefing": "before leaving",
    "handover": "end of the shift",
}


def _places(problem: Problem, walks: Walks, street: pd.Series) -> npt.NDArray[np.object_]:
    """Return the street walked, or the place stood at; missing where it has no name.

    A corner where a crew stays is called by the streets that meet there.
    """
    names = street.to_numpy(dtype=object)
    streets, spots = names[walks.segment], problem.standing
    stood = walks.place.copy()
    stood[walks.place == ""] = None
    for i in np.flatnonzero(walks.spot >= 0).tolist():
        at = int(walks.spot[i])
        meeting = names[spots.ends[spots.of[at] : spots.of[at + 1]]]
        known = list(dict.fromkeys(name for name in meeting if isinstance(name, str) and name))
        stood[i] = " / ".join(known[:2]) or None
    out: npt.NDArray[np.object_] = np.where(walks.moving, streets, stood)
    return out


def _kinds(problem: Problem, risk_by_kind: pd.DataFrame) -> pd.DataFrame:
    """Return the share of each map in every segment's risk."""
    own = risk_by_kind.reindex(problem.streets.segments.index).fillna(0.0)
    total = own.sum(axis=1).replace(0.0, np.nan)
    return own.div(total, axis=0).fillna(0.0)


def _routes(problem: Problem, walks: Walks, visits: pd.DataFrame) -> gpd.GeoDataFrame:
    rows = []
    for i, crew in enumerate(problem.crews):
        mine = walks.crew == i
        start = _clock(problem, np.rint([crew.begin * 1000]))[0]
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
                "length": float(walks.millimetres(problem)[mine].sum()) / 1000,
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
    mine = (walks.crew == i) & walks.moving
    parts: list[Floats] = []
    for segment, forward in zip(walks.segment[mine], walks.forward[mine], strict=True):
        corners = shapely.get_coordinates(geometry[segment])
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
    beats = [beat_metres(crew.rules) for crew in problem.crews]
    trips = [(crew.rules.excursion or 0.0) / 2 for crew in problem.crews]
    around = max([AROUND, *trips, *(metres / 2 for metres in beats if metres < np.inf)])
    west, south, east, north = routes.total_bounds + around * np.array([-1, -1, 1, 1])
    keep = np.zeros(len(all_segments), dtype=bool)
    keep[all_segments.sindex.query(shapely.box(west, south, east, north))] = True
    keep[walks.segment[walks.moving]] = True
    table = all_segments[keep].copy()
    table["risk"] = problem.prize.sum(axis=1)[keep]
    more = {}
    if problem.prize.shape[1] > 1:
        more = {f"risk_bin_{b}": problem.prize[keep, b] for b in range(problem.prize.shape[1])}
    if risk_by_kind is not None:
        by_kind = risk_by_kind.reindex(table.index).fillna(0.0)
        inside = table["inside"].to_numpy()
        more |= {f"risk_{kind}": by_kind[kind].to_numpy() * inside for kind in by_kind.columns}
    *first, geometry = PLAN_SEGMENTS.names
    return table.assign(**more)[[*first, *more, geometry]]


def _grounds(grounds: gpd.GeoDataFrame, segments: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Return the parks and water that a map of a plan's segments shows; None without any."""
    if not len(grounds) or not len(segments):
        return None
    west, south, east, north = segments.total_bounds + HEM * np.array([-1, -1, 1, 1])
    shapes = shapely.clip_by_rect(grounds.geometry.to_numpy(), west, south, east, north)
    parts, row = shapely.get_parts(shapes, return_index=True)
    area = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    if not area.any():
        return None
    kinds = grounds["kind"].to_numpy(dtype=object)[row[area]]
    number = pd.RangeIndex(int(area.sum()), name="ground_id")
    return gpd.GeoDataFrame(
        {"kind": pd.array(kinds, dtype="str")}, geometry=parts[area], crs=grounds.crs, index=number
    )


def _stops(problem: Problem) -> gpd.GeoDataFrame:
    """Return each depot once, where it really stands, with the node crews leave from."""
    both = [
        pair
        for crew in problem.crews
        for pair in (
            (crew.shift.depot, crew.start),
            (crew.shift.end_depot or crew.shift.depot, crew.end),
        )
    ]
    seen = list(dict.fromkeys(both))
    posts = [post for post in _posts(problem) if post not in seen]
    where = [depot for depot, _ in (*seen, *posts)]
    x, y = lonlat_to(problem.streets.crs, [d.lon for d in where], [d.lat for d in where])
    ids = problem.streets.nodes.index
    return gpd.GeoDataFrame(
        {
            "kind": pd.array(["depot"] * len(seen) + ["post"] * len(posts), dtype="str"),
            "name": pd.array(
                [depot.name for depot, _ in seen] + [post.name for post, _ in posts], dtype="str"
            ),
            "node_id": [int(ids[node]) for _, node in (*seen, *posts)],
        },
        geometry=[Point(*xy) for xy in zip(x, y, strict=True)],
        crs=problem.streets.crs,
        index=pd.RangeIndex(len(seen) + len(posts), name="stop_id"),
    )[STOPS.names]


def _posts(problem: Problem) -> list[tuple[Depot, int]]:
    """Return the other places that crews come to, and their nodes."""
    found: dict[tuple[Depot, int], None] = {}
    for duty in problem.standing.duties:
        crew = problem.crews[duty.crews[0]]
        rules = crew.rules
        given = {
            "break_length": rules.break_at, "report_every": rules.report_at,
            "must_visit": [(d.name, d.lon, d.lat) for d in crew.shift.must_visit
                           if isinstance(d, Depot)],
        }[duty.rule]  # fmt: skip
        node_of = {name: node for name, node, _ in duty.places if node >= 0}
        for name, lon, lat in given:
            if name in node_of:
                found[Depot(name, lon=lon, lat=lat), node_of[name]] = None
    return list(found)


def _unserved(problem: Problem, walks: Walks, street: pd.Series) -> pd.DataFrame:
    """Return the risky segments nobody passes, the riskiest first, and why."""
    risk = problem.prize.sum(axis=1)
    missed = risk > 0
    missed[walks.segment[walks.moving]] = False
    rows = np.flatnonzero(missed)
    rows = rows[np.argsort(-risk[rows], kind="stable")]
    table = problem.streets.segments.iloc[rows]
    return pd.DataFrame(
        {
            "name": street.iloc[rows],
            "length": table["length"],
            "risk": risk[rows],
            "why": pd.array(_why(problem)[rows], dtype="str"),
        },
        index=table.index,
    )[UNSERVED.names]


def _why(problem: Problem) -> np.ndarray:
    """Return for each segment why nobody may have passed it."""
    within = np.logical_or.reduce(problem.reachable)[: len(problem.prize)]
    if problem.standing.excursions.within is not None:
        within = within | problem.standing.excursions.within
    rule = closed_to_all(problem)
    why = np.where(rule != "", rule, "out of reach")
    return np.where(within, "no time left", why).astype(object)
