"""What the map's page needs to know, as one JSON value: tables in, plain numbers and text out."""

import math
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from patrolmap._crs import to_lonlat
from patrolmap.errors import NetworkMismatchError, SchemaError
from patrolmap.output._legs import legs, steps_by_route
from patrolmap.output._style import RISK_RAMP, crew_colours, lanes
from patrolmap.output._text import one_line, span
from patrolmap.patrol.plan import Plan
from patrolmap.schema import EVENT_KINDS, HOTSPOTS, validate
from patrolmap.streets.lines.avenues import street_names
from patrolmap.streets.network import StreetNetwork

Payload = dict[str, Any]
Floats = npt.NDArray[np.float64]

_DECIMALS = 6  # of a degree: 0.1 m
_ABOVE = (0.5, 0.75, 0.9, 0.95, 0.99)  # shares of street length where the risk classes part
_MAJOR = pd.Timedelta("15min")  # at least this far apart stand the stops seen from far away


def build_payload(
    streets: StreetNetwork,
    risk: pd.Series | pd.DataFrame | None,
    hotspots: gpd.GeoDataFrame | None,
    plan: Plan | None,
) -> Payload:
    """Check that the tables belong together and put them into one value for the page.

    Raises
    ------
    NetworkMismatchError
        If risk, hotspots or plan belong to another street network.
    SchemaError
        If risk is not numbers of 0 or more, or a table breaks its contract.
    """
    names = _Names()
    out: Payload = {
        "streets": _streets(streets, names),
        "bounds": _bounds(streets, plan),
        "credit": one_line(streets.attribution),
        "risk": None if risk is None else _risk(streets, risk),
        "hotspots": [] if hotspots is None else _hotspots(streets, hotspots),
        "plan": None if plan is None else _plan(streets, plan, names),
    }
    out["names"] = names.texts
    return out


class _Names:
    """Texts that stand often, once each; -1 is no text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._at: dict[str, int] = {}

    def __call__(self, value: object) -> int:
        text = one_line(value) if isinstance(value, str) else ""
        if not text:
            return -1
        if text not in self._at:
            self._at[text] = len(self.texts)
            self.texts.append(text)
        return self._at[text]


def encode_lines(lines: npt.NDArray[np.object_], crs: Any) -> dict[str, Any]:
    """Pack lines as text: differences of latitude and longitude in 1e-6 degrees, 5 bits a letter.

    The letters are those of Google's polyline format; each line goes on from where the one before
    it ended, and `counts` says how many points each has.
    """
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    lon, lat = to_lonlat(crs, xy[:, 0], xy[:, 1])
    degrees = np.column_stack([lat, lon])
    if not np.isfinite(degrees).all():
        raise SchemaError("some streets have no place on earth; check the CRS of the segments.")
    whole = np.rint(degrees * 10**_DECIMALS).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel()
    folded = (steps << 1) ^ (steps >> 63)
    size = np.maximum(1, np.ceil(np.log2(folded + 1) / 5).astype(np.int64))
    first = np.repeat(np.cumsum(size) - size, size)
    place = np.arange(size.sum()) - first
    letters = (np.repeat(folded, size) >> (5 * place)) & 31
    letters[place < np.repeat(size, size) - 1] |= 32
    counts = np.bincount(owner, minlength=len(lines))
    return {"points": (letters + 63).astype(np.uint8).tobytes().decode("ascii"),
            "counts": counts.tolist()}  # fmt: skip


def _streets(streets: StreetNetwork, names: _Names) -> Payload:
    rows = streets.segments
    codes, classes = pd.factorize(rows["highway"])
    return {
        **encode_lines(rows.geometry.to_numpy(), streets.crs),
        "name": [names(name) for name in street_names(rows)],
        "class": codes.tolist(),
        "classes": [one_line(name) for name in classes],
        "length": np.rint(rows["length"].to_numpy()).astype(int).tolist(),
        "lit": "".join(rows["lit"].str[0]),
    }


def _bounds(streets: StreetNetwork, plan: Plan | None) -> list[list[float]]:
    """Return the corners to look at first: of the routes, else of the streets inside."""
    lines = streets.segments.geometry[streets.segments["inside"]]
    if plan is not None and len(plan.routes):
        lines = plan.routes.geometry.to_crs(streets.crs)
    elif not len(lines):
        lines = streets.segments.geometry
    x0, y0, x1, y1 = lines.total_bounds
    lon, lat = to_lonlat(streets.crs, [x0, x1], [y0, y1])
    return [[round(float(lat[k]), _DECIMALS), round(float(lon[k]), _DECIMALS)] for k in (0, 1)]


def _risk(streets: StreetNetwork, risk: pd.Series | pd.DataFrame) -> Payload:
    values = _risk_values(streets, risk)
    rows = streets.segments
    per_km = values / rows["length"].to_numpy() * 1000
    counted = (rows["inside"] & rows["walk"]).to_numpy() & (values > 0)
    code, legend = risk_classes(per_km, rows["length"].to_numpy(), counted)
    rank = pd.Series(per_km[counted]).rank(method="min", ascending=False).astype(int)
    ranks = np.zeros(len(values), dtype=int)
    ranks[counted] = rank.to_numpy()
    return {
        "value": [float(f"{v:.4g}") for v in values],
        "class": code.tolist(),
        "rank": ranks.tolist(),
        "ranked": int(counted.sum()),
        "legend": legend,
        "unit": _unit(risk.attrs.get("unit", "count")),
        "window": _window(risk.attrs),
    }


def _risk_values(streets: StreetNetwork, risk: pd.Series | pd.DataFrame) -> Floats:
    if not isinstance(risk, (pd.Series, pd.DataFrame)):
        raise SchemaError(
            f"risk is a {type(risk).__name__}; wanted a Series by segment_id, or a table "
            "segment_id x time bins."
        )
    streets.require_own(risk)
    if not risk.index.is_unique:
        twice = risk.index[risk.index.duplicated()][:3].tolist()
        raise SchemaError(f"risk has segment ids more than once, e.g. {twice}; sum them first.")
    total = risk.sum(axis=1, skipna=False) if isinstance(risk, pd.DataFrame) else risk
    if not pd.api.types.is_numeric_dtype(total.dtype):
        raise SchemaError(f"risk holds {total.dtype}; wanted numbers.")
    values: Floats = total.reindex(streets.segments.index, fill_value=0.0).to_numpy(np.float64)
    bad = ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise SchemaError(
            f"risk is negative, missing or infinite on {int(bad.sum())} segments, e.g. "
            f"{streets.segments.index[bad][:3].tolist()}; wanted 0 or more on each."
        )
    return values


def risk_classes(
    per_km: Floats, length: Floats, counted: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], list[Payload]]:
    """Part segments into classes by risk per km: the riskiest 1, 5, 10, 25, 50 % of the length.

    Breaks are rounded to two digits before use, so that the legend says exactly what is drawn;
    classes that end up empty are left out.

    Returns
    -------
    code : (n,) int
        Row of the legend, from 0 for the least risk; -1 where nothing is drawn.
    legend : list
        low, high (per km; high None at the top), colour, share (of the counted length).
    """
    code = np.full(len(per_km), -1, dtype=np.int64)
    if not counted.any():
        return code, []
    value, weight = per_km[counted], length[counted]
    order = np.argsort(value, kind="stable")
    below = np.cumsum(weight[order]) / weight.sum()
    at = np.minimum(np.searchsorted(below, _ABOVE, side="right"), len(order) - 1)
    breaks = np.unique([float(f"{v:.2g}") for v in value[order][at]])
    found = np.searchsorted(breaks, value, side="right")
    used, code[counted] = np.unique(found, return_inverse=True)
    edges = [0.0, *breaks.tolist()]
    colours = [RISK_RAMP[len(RISK_RAMP) - len(used) + i] for i in range(len(used))]
    legend = [
        {
            "low": edges[row],
            "high": edges[used[i + 1]] if i + 1 < len(used) else None,
            "colour": colours[i],
            "share": round(float(weight[found == row].sum() / weight.sum()), 4),
        }
        for i, row in enumerate(used)
    ]
    return code, legend


def _unit(unit: object) -> str:
    words = {"count": "events", "weighted count": "weighted events"}
    return words.get(str(unit), one_line(unit))


def _window(attrs: dict[Any, Any]) -> str:
    """Say which hours the risk is for: one window, or several where shifts leave gaps."""
    windows = attrs.get("windows")
    if windows is None and "start" in attrs and "end" in attrs:
        windows = [[attrs["start"], attrs["end"]]]
    return " and ".join(span(pd.Timestamp(a), pd.Timestamp(b)) for a, b in windows or [])


def _hotspots(streets: StreetNetwork, table: gpd.GeoDataFrame) -> list[Payload]:
    validate(table, HOTSPOTS)
    at = {segment: i for i, segment in enumerate(streets.segments.index)}
    missing = [s for ids in table["segment_ids"] for s in ids if s not in at]
    theirs = table.attrs.get("fingerprint")
    if missing or (theirs is not None and theirs != streets.fingerprint):
        raise NetworkMismatchError(
            "these hotspots were found on another street network; find them on these streets "
            f"with hotspots(risk, streets). Unknown segments: {missing[:3]}."
        )
    rows = list(table.itertuples())
    labels = [_middle(row.geometry) for row in rows]
    points = _degrees(streets.crs, labels)
    return [
        {
            "number": int(row.Index),
            "name": one_line(row.name),
            "length": round(float(row.length)),
            "risk": float(f"{row.risk:.4g}"),
            "riskShare": round(float(row.risk_share), 4),
            "lengthShare": round(float(row.length_share), 5),
            "segments": [at[segment] for segment in row.segment_ids],
            "at": place,
            **_events_of(row),
        }
        for row, place in zip(rows, points, strict=True)
    ]


def _events_of(row: Any) -> Payload:
    """Say what the events tell of a hotspot; nothing where none were given."""
    if pd.isna(row.n_events):
        return {}
    kinds = {kind: int(getattr(row, f"n_{kind}")) for kind in EVENT_KINDS}
    told: Payload = {"events": int(row.n_events), "kinds": {k: n for k, n in kinds.items() if n}}
    if not pd.isna(row.peak_hours):
        told |= {"peak": one_line(row.peak_hours), "peakShare": round(float(row.peak_share), 3)}
    if not pd.isna(row.trend):
        told |= {"trend": float(f"{row.trend:.3g}"), "trendChance": float(f"{row.trend_p:.2g}")}
    if not pd.isna(row.p_value):
        told["chance"] = float(f"{row.p_value:.2g}")
    return told


def _middle(lines: shapely.Geometry) -> tuple[float, float]:
    """Return the point of a hotspot's streets that is nearest to their centre."""
    spot = shapely.line_interpolate_point(lines, shapely.line_locate_point(lines, lines.centroid))
    return spot.x, spot.y


def _degrees(crs: Any, points: list[tuple[float, float]]) -> list[list[float]]:
    if not points:
        return []
    xy = np.array(points, dtype=np.float64)
    lon, lat = to_lonlat(crs, xy[:, 0], xy[:, 1])
    return np.round(np.column_stack([lat, lon]), _DECIMALS).tolist()  # type: ignore[no-any-return]


def _plan(streets: StreetNetwork, plan: Plan, names: _Names) -> Payload:
    made_on = plan.provenance.fingerprint
    used = plan.visits["segment_id"].dropna().unique()
    foreign = [segment for segment in used if segment not in streets.segments.index]
    if foreign or (made_on and made_on != streets.fingerprint):
        raise NetworkMismatchError(
            f"this plan was made on another street network ({made_on or 'unknown'}, here "
            f"{streets.fingerprint}); show it on the streets it was planned on."
            + (f" Unknown segments: {foreign[:3]}." if foreign else "")
        )
    stops = plan.stops.to_crs(streets.crs)
    places = _degrees(streets.crs, [(p.x, p.y) for p in stops.geometry])
    routes = plan.routes
    return {
        "routes": _routes(streets, plan, names),
        "stops": [
            {"kind": one_line(stop.kind), "name": one_line(stop.name), "at": place}
            for stop, place in zip(stops.itertuples(), places, strict=True)
        ],
        "window": span(routes["start"].min(), routes["end"].max()) if len(routes) else "",
        "length": float(routes["length"].sum()),
        "passed": float(plan.share_passed().sum()),
        "unit": _unit(plan.provenance.unit),
        "notes": [one_line(note) for note in plan.provenance.notes],
    }


def _routes(streets: StreetNetwork, plan: Plan, names: _Names) -> list[Payload]:
    walks = steps_by_route(plan)
    told = legs(plan, walks)
    colours = crew_colours(plan.routes.index)
    lane = lanes({r: {s.segment_id for s in steps if s.segment_id} for r, steps in walks.items()})
    at = {segment: i for i, segment in enumerate(streets.segments.index)}
    passed = plan.share_passed()
    reasons = dict(zip(plan.visits.index, plan.visits["reason"], strict=True))
    out = []
    for row in plan.routes.itertuples():
        colour, second = colours[row.Index]
        walked = [s for s in walks[row.Index] if s.segment_id is not None]
        out.append(
            {
                "id": one_line(row.Index), "shift": one_line(row.shift), "crew": int(row.crew),
                "depot": one_line(row.depot), "endDepot": one_line(row.end_depot),
                "service": one_line(row.service), "mode": one_line(row.mode),
                "window": span(row.start, row.end), "length": round(float(row.length), 1),
                "prize": float(f"{row.prize:.4g}"), "passed": float(passed[row.Index]),
                "colour": colour, "second": second,
                "lane": lane[row.Index],
                "segments": [at[s.segment_id] for s in walked],
                "forward": "".join("+" if s.forward else "-" for s in walked),
                "times": [_minute(s.arrive) for s in walked],
                "reasons": [names(reasons[(row.Index, s.step)]) for s in walked],
                "legs": _legs_of(told, row.Index, names),
            }
        )  # fmt: skip
    return out


def _legs_of(told: gpd.GeoDataFrame, route_id: str, names: _Names) -> Payload:
    """Put the legs of one route into columns; `major` marks those seen from far away."""
    if route_id not in told.index.get_level_values("route_id"):
        mine = told.iloc[:0]
    else:
        mine = told.loc[[route_id]]
    starts = [tuple(g.coords[0][:2]) for g in mine.geometry]
    major, last = [], None
    for moment in mine["arrive"]:
        major.append(last is None or moment - last >= _MAJOR)
        last = moment if major[-1] else last
    return {
        "at": _degrees(told.crs, starts),
        "time": [_minute(moment) for moment in mine["arrive"]],
        "place": [names(place) for place in mine["place"]],
        "activity": mine["activity"].tolist(),
        "turn": mine["turn"].tolist(),
        "length": [math.floor(v + 0.5) for v in mine["length"]],
        "major": [int(flag) for flag in major],
    }


def _minute(moment: pd.Timestamp) -> int:
    """Return the minute of the day, so that the page need know nothing of time zones."""
    return int(moment.hour) * 60 + int(moment.minute)
