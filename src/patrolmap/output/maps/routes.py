"""Routes for the page: where each crew is when, its legs, and the stops it makes."""

import math
from collections.abc import Callable, Iterator

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap.errors import NetworkMismatchError
from patrolmap.output._legs import MOVING, Step, legs, steps_by_route
from patrolmap.output._named import named_in
from patrolmap.output._notes import told_note
from patrolmap.output._style import crew_colours, lanes
from patrolmap.output._text import one_line, span
from patrolmap.output._words import words
from patrolmap.output.cards.rows import on_foot
from patrolmap.output.maps.packing import Names, Payload, degrees, digits
from patrolmap.output.maps.risk import shares_by_kind, unit_words
from patrolmap.patrol.plan import Plan
from patrolmap.schema import EVENT_KINDS
from patrolmap.streets.network import StreetNetwork

_SECOND, _MINUTE = pd.Timedelta("1s"), pd.Timedelta("1min")
_MAJOR = pd.Timedelta("15min")  # at least this far apart stand the stops seen from far away


def plan_payload(streets: StreetNetwork, plan: Plan, names: Names, lang: str) -> Payload:
    """Return routes with their steps in time, their legs and the depots.

    Raises
    ------
    NetworkMismatchError
        If the plan was made on another street network.
    """
    require_plan_of(streets, plan)
    stops = plan.stops.to_crs(streets.crs)
    places = degrees(streets.crs, [(p.x, p.y) for p in stops.geometry])
    routes = plan.routes
    return {
        "routes": _routes(streets, named_in(plan, lang), names, lang),
        "stops": [
            {"kind": one_line(stop.kind), "name": one_line(stop.name), "at": place}
            for stop, place in zip(stops.itertuples(), places, strict=True)
        ],
        "window": span(routes["start"].min(), routes["end"].max(), lang) if len(routes) else "",
        "clock": _clock(plan),
        "length": float(routes["length"].sum()),
        "passed": float(plan.share_passed().sum()),
        "unit": unit_words(plan.provenance.unit),
        "notes": [told_note(note, lang) for note in plan.provenance.notes],
    }


def require_plan_of(streets: StreetNetwork, plan: Plan) -> None:
    """Raise `NetworkMismatchError` unless the plan was made on these streets."""
    made_on = plan.provenance.fingerprint
    used = plan.visits["segment_id"].dropna().unique()
    foreign = [segment for segment in used if segment not in streets.segments.index]
    if foreign or (made_on and made_on != streets.fingerprint):
        raise NetworkMismatchError(
            f"this plan was made on another street network ({made_on or 'unknown'}, here "
            f"{streets.fingerprint}); show it on the streets it was planned on."
            + (f" Unknown segments: {foreign[:3]}." if foreign else "")
        )


def plan_shares(streets: StreetNetwork, plan: Plan) -> dict[str, str]:
    """Return what share of the risk of each segment comes from which map, if the plan knows."""
    kinds = {f"risk_{kind}": kind for kind in EVENT_KINDS if f"risk_{kind}" in plan.segments}
    if len(kinds) < 2:
        return {}
    table = plan.segments[list(kinds)].rename(columns=kinds)
    whole = plan.segments["risk"].reindex(streets.segments.index, fill_value=0.0)
    return shares_by_kind(streets, table, whole.to_numpy(np.float64))


def _clock(plan: Plan) -> Payload:
    """Return how the wall's clock goes from the first start to the last end.

    `changes` are pairs of seconds since the start and since the first midnight on the wall: one
    pair, and one more where the clocks are set forward or back in between.
    """
    if not len(plan.routes):
        return {"day": "", "seconds": 0, "changes": [[0, 0]]}
    start, end = plan.routes["start"].min(), plan.routes["end"].max()
    midnight = start.tz_localize(None).normalize()
    moments = pd.date_range(start, end, freq="15min")
    wall = ((moments.tz_localize(None) - midnight) // _SECOND).to_numpy()
    run = ((moments - start) // _SECOND).to_numpy()
    moved = np.concatenate([[True], np.diff(wall - run) != 0])
    return {
        "day": f"{midnight:%Y-%m-%d}",
        "seconds": int((end - start) // _SECOND),
        "changes": np.column_stack([run, wall])[moved].tolist(),
    }


def _moves(steps: list[Step], start: pd.Timestamp) -> Payload:
    """Return each step's start and end (s since the plan's start), and what it walks or does."""
    walked = iter(range(len(steps)))
    return {
        "from": [int((s.arrive - start) // _SECOND) for s in steps],
        "to": [int((s.depart - start) // _SECOND) for s in steps],
        "walk": [next(walked) if s.segment_id is not None else -1 for s in steps],
        "activity": [s.activity for s in steps],
    }


def _routes(streets: StreetNetwork, plan: Plan, names: Names, lang: str) -> list[Payload]:
    walks = steps_by_route(plan)
    told = legs(plan, walks)
    colours = crew_colours(plan.routes.index)
    lane = lanes({r: {s.segment_id for s in steps if s.segment_id} for r, steps in walks.items()})
    at = {segment: i for i, segment in enumerate(streets.segments.index)}
    passed = plan.share_passed()
    given = plan.visits["reason"]
    in_words = {reason: told_note(reason, lang) for reason in given.dropna().unique()}
    reasons = dict(zip(plan.visits.index, given.map(in_words), strict=True))
    start = plan.routes["start"].min()
    out = []
    for row in plan.routes.itertuples():
        colour, second = colours[row.Index]
        walked = [s for s in walks[row.Index] if s.segment_id is not None]
        out.append(
            {
                "id": one_line(row.Index), "shift": one_line(row.shift), "crew": int(row.crew),
                "depot": one_line(row.depot), "endDepot": one_line(row.end_depot),
                "service": one_line(row.service), "mode": one_line(row.mode),
                "window": span(row.start, row.end, lang), "length": round(float(row.length), 1),
                "onFoot": round(sum(s.length for s in walked if s.activity == "walk"), 1),
                "prize": digits(row.prize), "passed": float(passed[row.Index]),
                "colour": colour, "second": second,
                "lane": lane[row.Index],
                "segments": [at[s.segment_id] for s in walked],
                "forward": "".join("+" if s.forward else "-" for s in walked),
                "times": [_minute(s.arrive) for s in walked],
                "reasons": [names(reasons[(row.Index, s.step)]) for s in walked],
                "moves": _moves(walks[row.Index], start),
                "legs": _legs_of(told, row.Index, names, lang, by_car=row.mode == "drive"),
            }
        )  # fmt: skip
    return out


def _legs_of(
    told: gpd.GeoDataFrame, route_id: str, names: Names, lang: str, *, by_car: bool
) -> Payload:
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
    say, clocks = words(lang, "map").gettext, (mine["arrive"], mine["depart"])
    return {
        "at": degrees(told.crs, starts),
        "time": [_minute(moment) for moment in mine["arrive"]],
        "place": [names(place) for place in _told_places(mine, say, by_car=by_car)],
        "stands": [int(activity not in MOVING) for activity in mine["activity"]],
        "minutes": [round((b - a) / _MINUTE) for a, b in zip(*clocks, strict=True)],
        "activity": mine["activity"].tolist(),
        "turn": mine["turn"].tolist(),
        "length": [math.floor(v + 0.5) for v in mine["length"]],
        "major": [int(flag) for flag in major],
    }


def _told_places(
    mine: gpd.GeoDataFrame, say: Callable[[str], str], *, by_car: bool
) -> Iterator[str]:
    """Yield where each leg leads; on foot from a car it says so."""
    before = ""
    for activity, place in zip(mine["activity"], mine["place"], strict=True):
        told = say(place)
        if by_car and activity == "walk":
            told = on_foot(told, lambda text, **holes: say(text).format(**holes),
                           parks=before != "walk")  # fmt: skip
        yield told
        before = activity


def _minute(moment: pd.Timestamp) -> int:
    """Return the minute of the day, so that the page need know nothing of time zones."""
    return int(moment.hour) * 60 + int(moment.minute)
