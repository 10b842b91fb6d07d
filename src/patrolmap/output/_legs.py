"""Legs: what a crew reads. Runs of steps along one street, numbered, with clock and turn."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from shapely.geometry import LineString, Point

from patrolmap.errors import SchemaError
from patrolmap.output._text import one_line
from patrolmap.patrol.plan import Plan
from patrolmap.streets.lines.avenues import street_names

Line = npt.NDArray[np.float64]

MOVING = ("walk", "drive")
AT_CAR = "at the car"  # where a crew waits after an excursion on foot
COLUMNS = [
    "activity", "place", "arrive", "depart", "length", "turn", "first_step", "last_step",
    "geometry",
]  # fmt: skip
_LOOK = 15.0  # m of street that count for the direction at a corner
_STRAIGHT, _BACK = 35.0, 160.0  # degrees
_NAMELESS, _TOO_SHORT, _LINK = 100.0, 30.0, 60.0  # m
_STREETS = ("unclassified", "residential", "living street", "primary", "secondary", "tertiary",
            "road", "motorway", "trunk", "busway")  # fmt: skip
_WAYS = ("footway", "path", "steps", "track", "cycleway")
_KIND_WORDS = {"service": "driveway", "pedestrian": "walkway", "trail": "path",
               "bridleway": "path"} | dict.fromkeys(_STREETS, "street")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Step:
    """One visit with its place on the ground, in the direction of travel."""

    step: int
    activity: str
    street: str  # name of the street walked; empty where it has none
    street_id: str  # one for all segments of the street; empty while standing
    kind: str  # kind of way walked, as a word
    stop: str  # where the crew stands; empty while moving
    segment_id: str | None
    forward: bool
    arrive: pd.Timestamp
    depart: pd.Timestamp
    length: float
    line: Line  # (n, 2), n = 1 while standing


Walks = dict[str, list[Step]]


@dataclass(frozen=True, kw_only=True)
class _Leg:
    steps: tuple[Step, ...]
    main: tuple[Step, ...]  # those on the leg's own street
    turn: str


def legs(plan: Plan, walks: Walks | None = None) -> gpd.GeoDataFrame:
    """Tell each route as numbered legs; `walks` saves joining the plan's tables once more.

    A leg is a run of steps along one street, both carriageways of an avenue included; it ends where
    the street changes, where the crew turns back and where it stands. On ways without a name it
    ends at the first corner after 100 m. Bits under 30 m between two streets, such as a crossing,
    belong to the leg before, and so do nameless ways under 60 m that lead from a street back onto
    it and straight on, such as the way across to an avenue's other carriageway. A leg is driven or
    walked; after a walk from the car, the turn is that from the street the car came by.

    Returns
    -------
    GeoDataFrame
        Index (route_id, leg), legs counted from 1. activity; place (street, or the place where the
        crew stands); arrive, depart; length (m); turn into the leg: start, straight, left, right
        or back; first_step, last_step of `plan.visits`; geometry (line, or point while standing)
        in the plan's CRS.

    Raises
    ------
    SchemaError
        If the visits walk a segment, or stand at a node, that the plan's segments lack.
    """
    rows: list[tuple[Any, ...]] = []
    keys: list[tuple[str, int]] = []
    for route_id, steps in (walks or steps_by_route(plan)).items():
        for number, leg in enumerate(_split(steps), start=1):
            first, last = leg.steps[0], leg.steps[-1]
            keys.append((route_id, number))
            metres = _length(leg.steps)
            rows.append(
                (first.activity, _place(leg), first.arrive, last.depart, metres, leg.turn,
                 first.step, last.step, _shape(leg.steps))
            )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.index = pd.MultiIndex.from_frame(pd.DataFrame(keys, columns=["route_id", "leg"]))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=plan.segments.crs)


def steps_by_route(plan: Plan) -> Walks:
    """Join visits with the streets they walk: route_id -> its steps in order.

    Raises
    ------
    SchemaError
        If the visits walk a segment, or stand at a node, that the plan's segments lack.
    """
    visits = plan.visits
    walked = visits["segment_id"].dropna()
    unknown = walked[~walked.isin(plan.segments.index)].unique()
    if len(unknown):
        raise SchemaError(
            f"the plan's visits walk {len(unknown)} segments that its segments table lacks, e.g. "
            f"{list(unknown[:3])}; the plan is not whole."
        )
    ground, by_car = _Ground(plan), (plan.routes["mode"] == "drive").to_dict()
    out: Walks = {str(route_id): [] for route_id in plan.routes.index}
    ordered = visits.reset_index().sort_values(["route_id", "step"], kind="stable")
    for row in ordered.itertuples(index=False):
        if row.route_id not in out:
            raise SchemaError(f"the plan's visits name route {row.route_id!r}, its routes do not.")
        mine = out[row.route_id]
        before = (mine[-1].street or mine[-1].stop) if mine else ""
        if row.activity == "wait" and mine and mine[-1].activity == "walk" and by_car[row.route_id]:
            before = AT_CAR
        mine.append(ground.step(row, before))
    return out


def path(steps: list[Step]) -> tuple[Line, pd.DatetimeIndex]:
    """Return every vertex of a walk, (n, 2), and the moment the crew is there, in UTC.

    Times run evenly along each step, from its `arrive` to its `depart`. A vertex where two steps
    meet stands once, unless time passes there.
    """
    if not steps:
        return np.empty((0, 2)), pd.DatetimeIndex([], tz="UTC")
    lines = [s.line if len(s.line) > 1 else np.repeat(s.line, 2, axis=0) for s in steps]
    points = np.concatenate(lines)
    moments = np.concatenate([_times(s, line) for s, line in zip(steps, lines, strict=True)])
    same = np.hypot(*np.diff(points, axis=0).T) < 0.01  # m
    new = np.concatenate([[True], ~(same & (np.diff(moments) == 0))])
    return points[new], pd.DatetimeIndex(moments[new], tz="UTC")


def _times(step: Step, line: Line) -> npt.NDArray[np.int64]:
    """Return nanoseconds since 1970, one a vertex."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    part = along / along[-1] if along[-1] > 0 else np.linspace(0, 1, len(along))
    begin, end = step.arrive.value, step.depart.value
    later: npt.NDArray[np.int64] = begin + np.rint(part * (end - begin)).astype(np.int64)
    return later


class _Ground:
    """Where segments and nodes of a plan are."""

    def __init__(self, plan: Plan) -> None:
        rows = plan.segments
        self.row_of = {segment: i for i, segment in enumerate(rows.index)}
        self.lines = rows.geometry.to_numpy()
        self.names = street_names(rows).to_numpy()
        self.streets = rows["street_id"].to_numpy()
        self.classes = rows["highway"].to_numpy()
        self.stop_at = {int(s.node_id): one_line(s.name) for s in plan.stops.itertuples()}
        self.node: dict[int, tuple[float, float]] = {
            int(stop.node_id): (stop.geometry.x, stop.geometry.y)
            for stop in plan.stops.itertuples()
        }
        ends = zip(rows["from_node"], rows["to_node"], self.lines, strict=True)
        for start, end, line in ends:
            self.node[int(start)] = line.coords[0][:2]
            self.node[int(end)] = line.coords[-1][:2]

    def step(self, row: Any, before: str) -> Step:
        """Place one row of the visits table; `before` is the street that the crew comes from."""
        walking = isinstance(row.segment_id, str)
        given = one_line(row.place) if isinstance(row.place, str) else ""
        way = self._way(row) if walking else ("", "", "", self._standing(row))
        street, street_id, kind, line = way
        return Step(
            step=int(row.step),
            activity=row.activity,
            street=(given or street) if walking else "",
            street_id=street_id,
            kind=kind,
            stop="" if walking else given or self.stop_at.get(int(row.from_node), before),
            segment_id=row.segment_id if walking else None,
            forward=bool(row.forward),
            arrive=row.arrive,
            depart=row.depart,
            length=float(row.length),
            line=line,
        )

    def _way(self, row: Any) -> tuple[str, str, str, Line]:
        at = self.row_of[row.segment_id]
        line = np.asarray(self.lines[at].coords)[:, :2]
        name = one_line(self.names[at]) if isinstance(self.names[at], str) else ""
        kind = one_line(self.classes[at]).removesuffix("_link").replace("_", " ")
        word = _KIND_WORDS.get(kind, kind if kind in _WAYS else "walkway")
        return name, self.streets[at], word, line if row.forward else line[::-1]

    def _standing(self, row: Any) -> Line:
        if int(row.from_node) not in self.node:
            raise SchemaError(
                f"route {row.route_id!r} stands at node {row.from_node} at step {row.step}, where "
                "no segment and no stop of the plan lies; the plan is not whole."
            )
        return np.array([self.node[int(row.from_node)]])


def turn(before: Line, after: Line) -> str:
    """Say how a walk turns from one line into the next: straight, left, right or back.

    The direction of each is that of the 15 m next to the corner.

    Examples
    --------
    >>> east, north = np.array([[0.0, 0.0], [50.0, 0.0]]), np.array([[50.0, 0.0], [50.0, 9.0]])
    >>> turn(east, north), turn(north, east[::-1]), turn(east, east[::-1])
    ('left', 'left', 'back')
    """
    angle = abs(_angle(before, after))
    if angle <= _STRAIGHT:
        return "straight"
    return "back" if angle >= _BACK else side(before, after)


def side(before: Line, after: Line) -> str:
    """Say to which side a walk turns from one line into the next, left or right."""
    return "left" if _angle(before, after) > 0 else "right"


def _angle(before: Line, after: Line) -> float:
    """Return the turn in degrees, to the left above 0."""
    ax, ay = _direction(before[::-1]) * -1
    bx, by = _direction(after)
    return math.degrees(math.atan2(ax * by - ay * bx, ax * bx + ay * by))


def _direction(line: Line) -> Line:
    """Return the way from the start of a line to the point that lies `_LOOK` metres along it."""
    pieces = np.hypot(*np.diff(line, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(pieces)])
    look = min(_LOOK, along[-1])
    there = np.array([np.interp(look, along, line[:, k]) for k in (0, 1)])
    way: Line = there - line[0]
    return way


def _split(steps: list[Step]) -> Iterator[_Leg]:
    """Cut the steps of one route into legs."""
    leg: _Leg | None = None
    moved: dict[str, Step] = {}  # the last one walked or driven: a stand in between hides no turn
    runs = list(_runs(steps))
    for run, after in zip_longest(runs, runs[1:]):
        if leg is None:
            leg = _Leg(steps=run, main=run, turn="start")
        elif _swallows(leg, run, after):
            leg = replace(leg, steps=leg.steps + run)
        elif _goes_on(leg, run):
            leg = replace(leg, steps=leg.steps + run, main=leg.main + run)
        else:
            yield leg
            leg = _Leg(steps=run, main=run, turn=_corner(moved.get(run[0].activity), run))
        last = leg.main[-1]
        if last.activity in MOVING:
            moved[last.activity] = last
            if last.activity == "drive":  # who gets out then turns from where the car came
                moved["walk"] = last
    if leg is not None:
        yield leg


def _runs(steps: list[Step]) -> Iterator[tuple[Step, ...]]:
    """Group steps on one street; without a name, about `_NAMELESS` metres up to a corner."""
    run: list[Step] = []
    for step in steps:
        if run and _breaks(run, step):
            yield tuple(run)
            run = []
        run.append(step)
    if run:
        yield tuple(run)


def _breaks(run: list[Step], step: Step) -> bool:
    last = run[-1]
    if (last.activity, last.stop) != (step.activity, step.stop) or not _one_street(last, step):
        return True
    if step.activity not in MOVING:
        return not np.array_equal(last.line, step.line)
    corner = _turn_between(last, step)
    if step.street:
        return corner == "back"
    return corner != "straight" and _length(run) >= _NAMELESS


def _one_street(last: Step, step: Step) -> bool:
    """Whether both steps are on one street, or both on none; its parts may spell its name apart."""
    named = bool(last.street) and bool(step.street)
    return last.street == step.street or (named and last.street_id == step.street_id)


def _swallows(leg: _Leg, run: tuple[Step, ...], after: tuple[Step, ...] | None) -> bool:
    """Whether a run is too short to be told: a crossing, the few metres to the next street."""
    if leg.main[-1].activity not in MOVING or run[0].activity != leg.main[-1].activity:
        return False
    length = _length(run)
    return length < _TOO_SHORT or (length < _LINK and _leads_across(leg, run, after))


def _leads_across(leg: _Leg, run: tuple[Step, ...], after: tuple[Step, ...] | None) -> bool:
    """Whether a nameless run leads from a street back onto it farther on: no yard and back."""
    if run[0].street or after is None or not _goes_on(leg, after):
        return False
    gained = np.hypot(*(run[-1].line[-1] - run[0].line[0])) > _length(run) / 2
    return bool(gained) and _turn_between(leg.main[-1], after[0]) == "straight"


def _goes_on(leg: _Leg, run: tuple[Step, ...]) -> bool:
    last, first = leg.main[-1], run[0]
    same = bool(first.street) and last.activity == first.activity and _one_street(last, first)
    return same and _turn_between(last, first) != "back"


def _corner(moved: Step | None, run: tuple[Step, ...]) -> str:
    """Return the turn into a run, seen from the leg walked before and not from bits between."""
    if run[0].activity not in MOVING:
        return "straight"
    return "start" if moved is None else _turn_between(moved, run[0])


def _turn_between(last: Step, step: Step) -> str:
    if last.segment_id == step.segment_id and last.forward != step.forward:
        return "back"
    found = turn(last.line, step.line)
    if found == "back" and not _one_street(last, step):
        return side(last.line, step.line)  # hard round a corner, into another street
    return found


def _length(steps: Iterable[Step]) -> float:
    return math.fsum(step.length for step in steps)


def _place(leg: _Leg) -> str:
    """Name a leg: its street, or the kind of way it mostly runs on."""
    first = leg.main[0]
    if first.street or first.activity not in MOVING:
        return first.street or first.stop or "on the route"
    metres: dict[str, float] = {}
    for step in leg.main:
        metres[step.kind] = metres.get(step.kind, 0.0) + step.length
    return f"unnamed {max(metres, key=lambda kind: metres[kind])}"


def _shape(steps: tuple[Step, ...]) -> LineString | Point:
    points = np.concatenate([s.line for s in steps])
    new = np.concatenate([[True], np.any(np.diff(points, axis=0) != 0, axis=1)])
    kept = points[new]
    return LineString(kept) if len(kept) > 1 else Point(kept[0])
