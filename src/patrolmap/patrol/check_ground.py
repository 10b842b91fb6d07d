"""Light, parks, areas, turns and corners, from a plan's own tables: part of `check_plan`."""

import itertools
from collections.abc import Iterator, Mapping

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.patrol.access import (
    no_go_segments,
    paces,
    park_hours,
    park_segments,
    unlit_segments,
)
from patrolmap.patrol.check_stated import Asked, Breach
from patrolmap.patrol.plan import Plan
from patrolmap.patrol.rules import PatrolRules
from patrolmap.patrol.tracks import EVERY, by_duty, too_near, track_of
from patrolmap.patrol.turns import turn_seconds

Bools = npt.NDArray[np.bool_]

CLOCK = 0.002  # s: the tables keep whole milliseconds


def check_ground(plan: Plan, steps: pd.DataFrame, shifts: Mapping[str, Asked]) -> Iterator[Breach]:
    """Check every walked step against the rules of where its crew may go, and how it turns.

    `steps` are the visits in order, with columns row (of the plan's segments, -1 = none), shift,
    on_foot (on an excursion from a car) and spent (s).
    """
    zone = plan.routes["start"].dt.tz
    walked = steps[steps["row"].to_numpy() >= 0]
    for name, asked in shifts.items():
        mine = walked[(walked["shift"] == name).to_numpy()]
        if mine.empty:
            continue
        segments = plan.segments.iloc[mine["row"].to_numpy()]
        yield from _light(mine, segments, asked)
        yield from _parks(mine, segments, asked, zone)
        yield from _areas(mine, segments, asked)
        for _, route in mine.groupby("route_id", sort=False):
            out = route["on_foot"].to_numpy()  # on an excursion: no turns, no corners to count
            yield from _pace(plan, route[~out], asked)
            yield from _pace(plan, route[out], asked, on_foot=True)
            yield from _corners(route[~out], asked)


def check_distances(
    plan: Plan, steps: pd.DataFrame, shifts: Mapping[str, Asked]
) -> Iterator[Breach]:
    """Check that crews on the move keep their distance; see `patrolmap.patrol.tracks.too_near`."""
    if all(asked.rules.crew_distance == 0 for asked in shifts.values()):
        return
    tracks = []
    for route_id, every in steps.groupby("route_id", sort=False):
        moving = (every["row"].to_numpy() >= 0) & ~every["on_foot"].to_numpy()
        route = every[moving]
        if route.empty:
            continue
        lines = np.asarray(plan.segments.geometry.array[route["row"].to_numpy()])
        clock = [route[name].dt.as_unit("ms").astype("int64").to_numpy()
                 for name in ("arrive", "depart")]  # fmt: skip
        asked = shifts.get(str(route["shift"].iloc[0]))
        metres = 0.0 if asked is None else asked.rules.crew_distance
        duty = by_duty(PatrolRules() if asked is None else asked.rules, every["activity"])
        stands = np.cumsum(moving)[duty]
        track = track_of(lines, route["forward"].to_numpy(), clock[0], clock[1], stands)
        tracks.append((route_id, metres, track))
    for (one, least, track), (other, more, second) in itertools.combinations(tracks, 2):
        rows = too_near(track, second, max(least, more))
        if len(rows):
            moment = pd.Timestamp(int(track.look[rows[0]]) * EVERY, unit="ms", tz="UTC")
            clock_time = moment.tz_convert(plan.routes["start"].dt.tz)
            what = f"is less than {max(least, more):g} m from {other} at {clock_time:%H:%M:%S}"
            yield (one, None, "distance", what)


def _say(
    steps: pd.DataFrame, wrong: npt.NDArray[np.bool_], rule: str, what: str
) -> Iterator[Breach]:
    for step in steps[wrong].itertuples():
        yield (step.route_id, step.step, rule, f"{step.segment_id} {what}")


def _light(mine: pd.DataFrame, segments: gpd.GeoDataFrame, asked: Asked) -> Iterator[Breach]:
    if asked.rules.unlit == "forbid":
        dark = unlit_segments(segments, asked.rules)
        yield from _say(mine, dark, "unlit", "is unlit, and forbidden to its crew")


def _parks(
    mine: pd.DataFrame, segments: gpd.GeoDataFrame, asked: Asked, zone: object
) -> Iterator[Breach]:
    park = park_segments(segments)
    start = asked.start.tz_convert(zone)
    last = max(mine["depart"].max(), start + pd.Timedelta(seconds=asked.seconds))
    for shut, again in park_hours(asked.rules, start, last):
        during = (mine["arrive"] < again) & (mine["depart"] > shut)
        what = f"is in a park, closed from {shut:%H:%M} to {again:%H:%M}"
        yield from _say(mine, park & during.to_numpy(), "parks", what)


def _areas(mine: pd.DataFrame, segments: gpd.GeoDataFrame, asked: Asked) -> Iterator[Breach]:
    if asked.rules.no_go:
        inside = no_go_segments(segments.reset_index(drop=True), asked.rules)
        yield from _say(mine, inside, "no_go", "lies in a no-go area")


def _pace(
    plan: Plan, route: pd.DataFrame, asked: Asked, *, on_foot: bool = False
) -> Iterator[Breach]:
    """Check that slow streets and turns were given their time."""
    rules, segments = asked.rules, plan.segments.iloc[route["row"].to_numpy()]
    usual = route["length"].to_numpy() / (rules.foot_speed if on_foot else rules.speed)
    needed = usual / paces(segments, rules)
    slow = ~(needed <= route["spent"].to_numpy() + CLOCK) & (usual < needed)
    yield from _say(
        route, slow, "unlit", f"is unlit, and walked faster than at {rules.unlit_pace:g}"
    )
    if on_foot:
        return
    lost = turn_seconds(
        rules,
        segments["street_id"].to_numpy(),
        route["row"].to_numpy(),
        route["forward"].to_numpy(),
    )
    quick = ~(needed + lost <= route["spent"].to_numpy() + CLOCK) & (lost > 0)
    yield from _say(route, quick, "turn", "is entered by a turn that was given no time")


def _corners(route: pd.DataFrame, asked: Asked) -> Iterator[Breach]:
    most = asked.rules.corner_passes
    if most is None or route.empty:
        return
    times = route["to_node"].value_counts()
    for node, count in times[times > most].items():
        what = f"comes by node {node} {count} times, at most {most} are allowed"
        yield (route["route_id"].iloc[0], None, "corner", what)
