"""When parks are open to the crews of a problem, for the search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.patrol.access import park_hours, park_segments

if TYPE_CHECKING:
    from patrolmap.patrol.problem import Crew, Problem

Floats = npt.NDArray[np.float64]


def shut_hours(problem: Problem, crew: Crew) -> list[tuple[int, int]]:
    """Return the milliseconds of the plan's clock between which a crew finds parks closed.

    The clock hours of the rules are those of the plan's own time zone.
    """
    zone, zero = problem.clock.tz, problem.clock
    start, end = (moment.tz_convert(zone) for moment in (crew.shift.start, crew.shift.end))
    return [
        (_milliseconds(a - zero), _milliseconds(b - zero))
        for a, b in park_hours(crew.rules, start, end)
    ]


def _milliseconds(span: pd.Timedelta) -> int:
    seconds: float = span.total_seconds()
    return round(seconds * 1000)


def park_windows(problem: Problem) -> tuple[Floats, Floats] | None:
    """Return from and up to when a search plans passes of each segment; None where at any time.

    For a way of a park, that is the longest time in which no crew finds it closed, if such a time
    is the same for all; else what holds for the crew with the most of it: who comes when its own
    rules close the park is then sent elsewhere after the search.
    """
    spans = [_longest(problem, crew) for crew in problem.crews]
    if all(span == (-np.inf, np.inf) for span in spans):
        return None
    park = park_segments(problem.streets.segments)
    opens = np.where(park, min(span[0] for span in spans), -np.inf)
    closes = np.where(park, max(span[1] for span in spans), np.inf)
    walk = max(
        (group.mm[park].max(initial=0) / crew.speed)
        for crew, group in ((crew, problem.groups[crew.group]) for crew in problem.crews)
    )
    return opens, np.where(park & np.isfinite(closes), np.maximum(closes - walk, opens), closes)


def _longest(problem: Problem, crew: Crew) -> tuple[float, float]:
    """Return the longest stretch of a crew's shift in which parks are open, in seconds."""
    shut = [(a / 1000, b / 1000) for a, b in shut_hours(problem, crew)]
    if not shut:
        return -np.inf, np.inf
    edges = [crew.begin, *(t for pair in shut for t in pair), crew.begin + crew.shift.seconds]
    spans = list(zip(edges[::2], edges[1::2], strict=True))
    first, last = max(spans, key=lambda span: span[1] - span[0])
    return first, max(first, last)
