"""When the events of several maps happen: clock hours by event, weekdays and months by map."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.events.hours import clock_weights, hour_profile
from patrolmap.risk.model.shrink import ENOUGH
from patrolmap.risk.model.week import in_window, month_factors, week_factors, weigh_window
from patrolmap.risk.moments import Period, aware, forgetting, moments

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

YEAR = 365  # days of a map that tell its months


@dataclass(frozen=True, kw_only=True, eq=False)
class Times:
    """When events happen, and how old they are.

    Attributes
    ----------
    zone : tzinfo
        Whose clock counts.
    clock : (n, 24) float32
        Share of each event in each clock hour: 96 bytes an event.
    decay : (n,) float64
        Weight by age, over the factor of its month.
    weeks, months : dict
        Kind -> (7, 24) and (12,) factors.
    exposure : dict
        Kind -> the integral of the decay over its period, in days.
    vague : int
        Events whose hour is not known.
    notes : tuple of str
    """

    zone: tzinfo
    clock: npt.NDArray[np.float32]
    decay: Floats
    weeks: Mapping[str, Floats]
    months: Mapping[str, Floats]
    exposure: dict[str, float]
    vague: int
    notes: tuple[str, ...]

    def share(self, kind: str, rows: Ints, start: pd.Timestamp, end: pd.Timestamp) -> Floats:
        """Return how often [start, end) holds each of some events of one kind."""
        if len(rows) == 0:
            return np.zeros(0)
        window = weigh_window(start, end, self.zone, self.weeks[kind], self.months[kind])
        return in_window(self.clock[rows], window)


def read_times(
    events: pd.DataFrame,
    covered: Mapping[str, Period],
    half_life: pd.Timedelta | None,
    *,
    season: bool,
) -> Times:
    """Read when events happen.

    Parameters
    ----------
    events
        Within the periods that their maps cover.
    covered
        Kind -> period.
    half_life, season
        As in `NetworkKDE`.

    Raises
    ------
    OptionError
        If months should differ, and no map covers a year.
    """
    middle, kind = moments(events), events["kind"].astype("str").to_numpy()
    profile = hour_profile(events, by="kind")
    told = profile.attrs["report"]
    decay, notes = np.ones(len(events)), []
    exposure, weeks, months = {}, {}, {}
    for name in (str(column) for column in profile.columns):
        of = kind == name
        start, end = covered[name]
        decay[of], exposure[name] = forgetting(middle[of], (start, end), half_life)
        weeks[name], months[name] = np.ones((7, 24)), np.ones(12)
        if of.sum() >= ENOUGH:
            weeks[name] = week_factors(profile[name], (start, end))
        if season and (of.sum() < ENOUGH or (end - start).days < YEAR):
            notes.append(f"the {name} map covers no year, or has few events: its months are alike")
        elif season:
            months[name] = month_factors(middle[of], (start, end))
            month = middle[of].dt.month.fillna(0).to_numpy(dtype=np.int64)
            decay[of] /= np.append(months[name], 1.0)[month - 1]
    if season and len(notes) == len(weeks):
        raise OptionError(
            "season=True needs a map that covers a year; the longest here covers "
            f"{max((end - start).days for start, end in covered.values()):,} days."
        )
    return Times(
        zone=next(iter(covered.values()))[0].tz,
        clock=clock_weights(events),
        decay=decay, weeks=weeks, months=months, exposure=exposure, notes=tuple(notes),
        vague=sum(int(told[name]) for name in ("days", "capped", "unknown")),
    )  # fmt: skip


def bin_starts(
    first: pd.Timestamp, last: pd.Timestamp, zone: tzinfo, edges: Sequence[Any] | None
) -> list[pd.Timestamp]:
    """Return the starts of time bins in [first, last): at `edges`, else at full local hours.

    All are moments of `zone`, whatever the offsets of those given.

    Examples
    --------
    >>> window = pd.to_datetime(["2026-11-22 20:30+05:00", "2026-11-22 23:00+05:00"])
    >>> [f"{start:%H:%M}" for start in bin_starts(*window, window.tz, None)]
    ['20:30', '21:00', '22:00']
    """
    first, last = first.tz_convert(zone), last.tz_convert(zone)
    if edges is None:
        wall = first.tz_localize(None)
        hours = pd.date_range(first - (wall - wall.floor("h")), last, freq="1h", inclusive="left")
        return [first, *hours[hours > first]]
    if isinstance(edges, str) or not isinstance(edges, Iterable):
        raise OptionError(
            f"edges={edges!r}; wanted a list of moments such as ['2026-11-23 00:00+05:00']."
        )
    inner = sorted({aware(edge, what="edges").tz_convert(zone) for edge in edges} - {first})
    for edge in inner:
        if not first < edge < last:
            raise OptionError(
                f"edges hold {edge.isoformat()}, which is not within {first.isoformat()} to "
                f"{last.isoformat()}."
            )
    return [first, *inner]
