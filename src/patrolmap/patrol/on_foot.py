"""Crews by car who get out: where they may walk, and what they could do at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._kernels.paths import distances_from
from patrolmap.errors import OptionError
from patrolmap.patrol.access import paces, unlit_segments, usable_segments
from patrolmap.patrol.arcs import tails
from patrolmap.patrol.rules_ground import AT_CAR
from patrolmap.streets.network import Graph, StreetNetwork

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Group, Problem
    from patrolmap.patrol.rules import PatrolRules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class OnFoot:
    """Where crews of one kind may walk; n segments.

    Attributes
    ----------
    graph : Graph
        Both ways; lengths are millimetres. Only what lies near enough to where cars may stand.
    earns : (n,) bool
    ms : (n,) int64
        Milliseconds that a pass takes.
    rules : PatrolRules
    """

    graph: Graph
    earns: Bools
    ms: Ints
    rules: PatrolRules


@dataclass(frozen=True, kw_only=True)
class Excursion:
    """A stop of a car whose crew walks a loop; k steps.

    Attributes
    ----------
    kind, node : int
        Which crews may make it, and where the car stands.
    segment, forward, ms : (k,)
        What they walk, which way, and how long each step takes.
    stop : int
        Milliseconds of the whole stop, those at the car counted.
    worth : (n_bins,) float64
        What its streets earn that no car drives on.
    """

    kind: int
    node: int
    segment: Ints
    forward: Bools
    ms: Ints
    stop: int
    worth: Floats

    def mm(self, speed: float) -> int:
        """Return the millimetres that a crew would drive meanwhile, at so many a second."""
        return int(np.ceil(self.stop * speed / 1000 - 1e-6))


@dataclass(frozen=True, kw_only=True)
class Excursions:
    """Who may get out, and the stops that are worth planning.

    Attributes
    ----------
    kinds : tuple of OnFoot
    kind_of : tuple of int
        Row of the kind of each crew, -1 for those who do not get out.
    trips : tuple of Excursion
        No street that earns is in two of them; chosen only for a search.
    within : (n_segments,) bool, optional
        Streets that some excursion could reach.
    """

    kinds: tuple[OnFoot, ...] = ()
    kind_of: tuple[int, ...] = ()
    trips: tuple[Excursion, ...] = ()
    within: Bools | None = None


NONE = Excursions()


def excursions_of(
    streets: StreetNetwork,
    groups: Sequence[Group],
    crews: Sequence[Crew],
    clock: pd.Timestamp,
) -> Excursions:
    """Return where the crews of a plan may walk from their cars, no stops chosen yet.

    Raises
    ------
    OptionError
        If such a crew is to stay at risky corners for less or more than a stop may take.
    """
    kinds: list[OnFoot] = []
    known: dict[tuple[int, PatrolRules, bytes], int] = {}
    kind_of = []
    for crew in crews:
        rules = crew.rules
        if rules.excursion is None or crew.shift.mode == "walk":
            kind_of.append(-1)
            continue
        _require_dwell(crew)
        if crew.budget < rules.stop_seconds[0] * crew.speed:
            kind_of.append(-1)  # no time for any stop
            continue
        open_to = usable_segments(streets, crew.shift, rules, clock)
        key = (crew.group, rules, np.packbits(open_to).tobytes())
        if key not in known:
            known[key] = len(kinds)
            kinds.append(_on_foot(streets, groups[crew.group].graph, rules, open_to))
        kind_of.append(known[key])
    if not kinds:
        return NONE
    return Excursions(kinds=tuple(kinds), kind_of=tuple(kind_of))


def _on_foot(streets: StreetNetwork, driven: Graph, rules: PatrolRules, open_to: Bools) -> OnFoot:
    segments = streets.segments
    graph = streets.graph("walk", usable=open_to & _near_cars(streets, driven, rules, open_to))
    earns = np.zeros(len(segments), dtype=bool)
    earns[graph.segment] = True
    if rules.unlit == "avoid":
        earns &= ~unlit_segments(segments, rules)
    ms = np.ceil(streets.length_mm / (rules.foot_speed * paces(segments, rules)))
    return OnFoot(graph=graph, earns=earns, ms=ms.astype(np.int64), rules=rules)


def _near_cars(streets: StreetNetwork, driven: Graph, rules: PatrolRules, open_to: Bools) -> Bools:
    """Return the streets of which no point is too far from where the nearest car could stand."""
    graph, most = streets.graph("walk", usable=open_to), int(float(rules.excursion or 0.0) * 1000)
    cars = np.unique(np.concatenate([tails(driven), driven.head]))
    away = distances_from(  # from one more node, which is where each car stands
        np.append(graph.indptr, graph.indptr[-1] + len(cars)), np.append(graph.head, cars),
        np.append(graph.length, np.zeros_like(cars)), np.int64(graph.n_nodes), np.int64(most),
    )[:-1]  # fmt: skip
    first, last = (away[end] for end in streets.ends)
    near: Bools = (first >= 0) & (last >= 0) & (first + last + streets.length_mm <= 2 * most)
    return near


def _require_dwell(crew: Crew) -> None:
    rules = crew.rules
    least, most = rules.stop_seconds
    if rules.dwell is not None and not least <= rules.seconds_of("dwell") <= most:
        raise OptionError(
            f"shift {crew.shift.name!r}: dwell={rules.dwell!r}, and a stop of a crew by car takes "
            f"car_stop={rules.car_stop}; wanted a stay within, another car_stop, or excursion=None."
        )


def trip_ways(excursions: Excursions, group: Group, crew: Crew, kind: int) -> Floats:
    """Return the millimetres that each excursion takes a crew, inf where it makes none."""
    node = np.array([trip.node for trip in excursions.trips], dtype=np.int64)
    stop = [float(t.mm(crew.speed)) if t.kind == kind else np.inf for t in excursions.trips]
    return np.asarray(group.out(crew.start)[node] + group.back(crew.end)[node] + stop)


def on_foot_anywhere(problem: Problem) -> Problem:
    """Return the problem in which crews leave their cars and find them again wherever they like.

    Every walk with excursions is one of that problem: each pass on foot takes its time and its part
    of the minute at the car, and no other time, from any corner to any other. So a bound of it
    holds for the problem itself.
    """
    excursions = problem.standing.excursions
    if not excursions.kinds:
        return problem
    groups: list[Group] = list(problem.groups)
    crews = []
    known: dict[tuple[int, int], int] = {}
    for crew, kind in zip(problem.crews, excursions.kind_of, strict=True):
        key = (crew.group, kind)
        if kind >= 0 and key not in known:
            known[key] = len(groups)
            groups.append(_joined(problem, groups[crew.group], crew, excursions.kinds[kind]))
        crews.append(replace(crew, group=known[key]) if kind >= 0 else crew)
    used = sorted({crew.group for crew in crews})
    return replace(
        problem,
        groups=tuple(groups[g] for g in used),
        crews=tuple(replace(crew, group=used.index(crew.group)) for crew in crews),
        standing=replace(problem.standing, excursions=NONE),
    )


def _joined(problem: Problem, group: Group, crew: Crew, foot: OnFoot) -> Group:
    """Return the group whose crews drive or walk each street, whichever takes less."""
    n = len(group.earns)
    most = foot.rules.stop_seconds[1]
    stands = most / (most - AT_CAR)  # the least that a car stands for each second on foot
    pace = foot.rules.foot_speed * paces(problem.streets.segments, foot.rules)
    rate = crew.rules.speed / pace * stands
    walked = np.floor(problem.streets.length_mm * rate * (1 - 1e-12)).astype(np.int64)
    driven, on_foot = (np.isin(np.arange(n), g.segment) for g in (group.graph, foot.graph))
    mm = np.where(driven & on_foot, np.minimum(group.mm, walked), group.mm)
    mm = np.maximum(np.where(on_foot & ~driven, walked, mm), 1)
    graph = _union(group.graph, foot.graph, mm)
    return replace(
        group, graph=graph, planned=graph, mm=mm, planned_mm=mm, earns=group.earns | foot.earns,
        _far={},
    )  # fmt: skip


def _union(one: Graph, other: Graph, mm: Ints) -> Graph:
    tail = np.concatenate([tails(one), tails(other)])
    head, segment = (
        np.concatenate([getattr(one, name), getattr(other, name)]) for name in ("head", "segment")
    )
    forward = np.concatenate([one.forward, other.forward])
    order = np.lexsort((forward, segment, tail))
    tail, head, segment, forward = (a[order] for a in (tail, head, segment, forward))
    new = np.ones(len(tail), dtype=bool)
    new[1:] = (
        (segment[1:] != segment[:-1]) | (forward[1:] != forward[:-1]) | (tail[1:] != tail[:-1])
    )
    indptr = np.zeros(one.n_nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tail[new], minlength=one.n_nodes), out=indptr[1:])
    return Graph(
        indptr=indptr, head=head[new], segment=segment[new], forward=forward[new],
        length=mm[segment[new]],
    )  # fmt: skip
