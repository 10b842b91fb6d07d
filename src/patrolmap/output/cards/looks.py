"""What to look for: the riskiest streets of a route and its stops, with past events there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from shapely.geometry import Point

from patrolmap._crs import point_coordinates
from patrolmap.output._events import placed_events
from patrolmap.output._legs import Step
from patrolmap.output._text import clock
from patrolmap.output.cards.wording import Words
from patrolmap.patrol.plan import Plan
from patrolmap.schema import EVENT_KINDS

MOST = 6  # places to watch, unless the crew stays at more corners
_LETTERS = "ABCDEFGH"
_NEAR = 50.0  # m from a street, as snap_events has it
_ROUND = 150.0  # m round a stop
_FEWEST = 5  # events with a known hour, before hours are told
_WINDOW = 3  # hours
_CLOCKED = ("minute", "hour")
_PLURALS = {"crime": "crimes", "accident": "accidents", "juvenile": "juvenile offences",
            "call": "calls"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Look:
    """A place of a route to watch."""

    letter: str
    place: str
    times: tuple[str, ...]  # clock of the passes
    what: str
    point: tuple[float, float]
    lines: tuple[Any, ...]  # shapes of the street walked; none for a stop


@dataclass(frozen=True, kw_only=True)
class Past:
    """Past events near the streets of a plan: no ids, no places of their own, no persons."""

    segment: pd.Series  # segment_id of each, missing where none is near
    x: Any
    y: Any
    word: pd.Series  # what happened
    hour: pd.Series  # 0 to 23 on the plan's clock, missing where not known


def past_events(events: Any, plan: Plan) -> Past:
    """Keep of events where, what and at which hour they were.

    Raises
    ------
    SchemaError, CRSError
        If it is no event table, or has no CRS.
    """
    table = placed_events(events).to_crs(plan.segments.crs)
    x, y = point_coordinates(table.geometry)
    modes = ["walk", "drive_forward", "drive_backward"]
    usable = plan.segments[plan.segments[modes].any(axis=1)]
    at, segment = usable.sindex.nearest(table.geometry, return_all=False, max_distance=_NEAR)
    near = pd.Series(None, index=range(len(table)), dtype="str")
    near.iloc[at] = usable.index.to_numpy()[segment]
    zone = plan.routes["start"].dt.tz
    known = table["time_precision"].isin(_CLOCKED).to_numpy()
    hour = table["occurred_from"].dt.tz_convert(zone).dt.hour.reset_index(drop=True).where(known)
    vague = table["category"].isin(["unknown", "other"])
    word = table["category"].where(~vague, table["kind"].map(_PLURALS)).reset_index(drop=True)
    return Past(segment=near, x=x, y=y, word=word, hour=hour)


def looks_of(plan: Plan, steps: Sequence[Step], past: Past | None, say: Words) -> list[Look]:
    """Return what one crew is to watch: the places where it dwells, then its riskiest streets.

    With events, what happened there and in which three hours most; else the maps that the risk
    comes from, where the plan knows them. Nothing where neither is known.
    """
    stands = _stands(steps, past, say)[: len(_LETTERS)]
    found = stands + _streets(plan, steps, past, say, most=max(MOST - len(stands), 0))
    return [Look(letter=letter, **facts) for letter, facts in zip(_LETTERS, found, strict=False)]


def _stands(steps: Sequence[Step], past: Past | None, say: Words) -> list[dict[str, Any]]:
    if past is None:
        return []
    stops: dict[tuple[float, float], list[Step]] = {}
    for step in steps:
        if step.activity == "dwell":
            stops.setdefault((float(step.line[0][0]), float(step.line[0][1])), []).append(step)
    out = []
    for (x, y), stands in stops.items():
        what = _told(past, np.hypot(past.x - x, past.y - y) <= _ROUND, say)
        if what:
            out.append(
                {"place": say.place(stands[0].stop or "on the route"), "times": _times(stands),
                 "what": what, "point": (x, y), "lines": ()}
            )  # fmt: skip
    return out


def _streets(
    plan: Plan, steps: Sequence[Step], past: Past | None, say: Words, *, most: int
) -> list[dict[str, Any]]:
    walked: dict[str, list[Step]] = {}
    for step in steps:
        if step.segment_id is not None:
            walked.setdefault(step.street_id, []).append(step)
    risk = plan.segments["risk"]
    ids = {street: list({s.segment_id for s in mine}) for street, mine in walked.items()}
    total = {street: float(risk.loc[mine].sum()) for street, mine in ids.items()}
    out: list[dict[str, Any]] = []
    for street in sorted((s for s in total if total[s] > 0), key=lambda s: (-total[s], s)):
        if len(out) == most:
            break
        what = _what(plan, ids[street], past, say)
        if not what:
            continue
        mine = walked[street]
        hottest = max(mine, key=lambda s: (risk.loc[s.segment_id] / max(s.length, 1.0), -s.step))
        middle = plan.segments.geometry.loc[hottest.segment_id].interpolate(0.5, normalized=True)
        name = mine[0].street or f"unnamed {mine[0].kind}"
        out.append(
            {"place": say.place(name), "times": _times(mine), "what": what,
             "point": _xy(middle), "lines": tuple({s.segment_id: s.line for s in mine}.values())}
        )  # fmt: skip
    return out


def _what(plan: Plan, ids: list[str | None], past: Past | None, say: Words) -> str:
    if past is not None:
        return _told(past, past.segment.isin(ids).to_numpy(), say)
    kinds = {k: f"risk_{k}" for k in EVENT_KINDS if f"risk_{k}" in plan.segments}
    sums = {kind: float(plan.segments.loc[ids, column].sum()) for kind, column in kinds.items()}
    whole = sum(sums.values())
    if whole <= 0:
        return ""
    told = sorted((k for k in sums if sums[k] / whole >= 0.05), key=lambda k: -sums[k])
    return ", ".join(f"{say(_PLURALS[k])} {say.share(sums[k] / whole, 0)}" for k in told)


def _told(past: Past, here: Any, say: Words) -> str:
    """Say what happened and in which hours most of it."""
    counts = past.word[here].value_counts()
    if counts.empty:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{say.word(str(word))}: {say.number(n)}" for word, n in ordered[:3]]
    rest = sum(n for _, n in ordered[3:])
    if rest:
        parts.append(f"{say('other')}: {say.number(rest)}")
    return "; ".join(parts) + _hours(past.hour[here].dropna(), say)


def _hours(hours: pd.Series, say: Words) -> str:
    if len(hours) < _FEWEST:
        return ""
    by_hour = np.bincount(hours.to_numpy(np.int64), minlength=24)
    windows = sum(np.roll(by_hour, -k) for k in range(_WINDOW))
    first = int(np.argmax(windows))
    window = f"{first:02d}–{(first + _WINDOW) % 24:02d}"
    return " · " + say("most at {hours} h", hours=window)


def _times(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return when the crew comes: passes within ten minutes are one."""
    out: list[str] = []
    last = None
    for step in steps:
        if last is None or step.arrive - last > pd.Timedelta("10min"):
            out.append(clock(step.arrive))
        last = step.depart
    return tuple(out)


def _xy(point: Point) -> tuple[float, float]:
    return float(point.x), float(point.y)
