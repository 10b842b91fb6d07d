"""The periods that the maps of the kinds of events cover."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.risk.moments import Period, aware, moments, own_period, period

_DAY = pd.Timedelta(days=1)
# A map covers less than the others where it would miss this many events at either end, which
# chance leaves out once in e**10, and more than a month and a tenth of the whole.
_MISSED = 10.0
_GAP = (31.0, 0.1)


def periods(
    events: pd.DataFrame, observed: Any = None
) -> tuple[dict[str, Period], tuple[str, ...]]:
    """Return the period that each map covers, in the events' zone, and what to say about it.

    Parameters
    ----------
    events
        Of one or several kinds; `attrs["complete_until"]` may say, kind by kind, from which day on
        fewer than 95 % of the events are registered yet (`patrolmap.events.EventsReport.lag`).
    observed
        Two moments: the period of all maps, but for those whose own is clearly shorter. A mapping
        kind -> two moments: just these, for the kinds it names. None: the whole local days from
        the first event to the last, or to the day from which on registration lags behind.
    """
    stated = dict(observed) if isinstance(observed, Mapping) else {}
    zone = events["occurred_from"].dt.tz
    kinds = [str(kind) for kind in events["kind"].unique()]
    for kind in stated:
        if kind not in kinds:
            raise OptionError(f"observed names the kind {kind!r}; the events are {sorted(kinds)}.")
    notes: list[str] = []
    whole = None if observed is None or isinstance(observed, Mapping) else _two(observed)
    own = {kind: _dated(events[events["kind"] == kind]) for kind in kinds}
    ends = [] if whole or stated else [_complete(events, kind, own[kind], notes) for kind in kinds]
    if whole is None:
        known = [span for span in own.values() if span is not None]
        if not known and len(stated) < len(kinds):
            own_period(events)  # says what is missing
        whole = _hull(known) if known else _two(next(iter(stated.values())))
    out = {}
    for number, kind in enumerate(kinds):
        first, last = whole
        span = own[kind]
        if kind in stated:
            first, last = _two(stated[kind])
        elif span is not None:
            first, last = _shorter(events[events["kind"] == kind], kind, (first, last), notes)
            last = min(last, ends[number] or last) if ends else last
        out[kind] = (first.tz_convert(zone), last.tz_convert(zone))
    return out, tuple(notes)


def _two(observed: Any) -> Period:
    if not isinstance(observed, (tuple, list)) or len(observed) != 2:
        raise OptionError(
            f"observed={observed!r}; wanted two moments, (start, end), or these by kind."
        )
    return period(*observed, what="observed ")


def _dated(events: pd.DataFrame) -> Period | None:
    return None if moments(events).isna().all() else own_period(events)


def _hull(spans: list[Period]) -> Period:
    return min(first for first, _ in spans), max(last for _, last in spans)


def _complete(
    events: pd.DataFrame, kind: str, own: Period | None, notes: list[str]
) -> pd.Timestamp | None:
    """Return the day from which on a map is not complete yet, where that leaves enough of it."""
    told = events.attrs.get("complete_until", {}).get(kind)
    if told is None or own is None:
        return None
    until = aware(told, what="complete_until")
    if not own[0] < until < own[1]:
        return None
    middle = moments(events[events["kind"] == kind])
    if not (middle < until).any():
        return None
    notes.append(
        f"the {kind} map is taken to end on {until:%d.%m.%Y}: of later events fewer than 95 % are "
        "registered yet"
    )
    return until


def _shorter(events: pd.DataFrame, kind: str, whole: Period, notes: list[str]) -> Period:
    """Return the period of one map: the whole one, or its own where that is clearly shorter."""
    middle = moments(events)
    inside = events[((middle >= whole[0]) & (middle < whole[1])).to_numpy()]
    if inside.empty:
        return whole
    first, last = own_period(inside)
    days = (whole[1] - whole[0]) / _DAY
    rate = len(inside) / max((last - first) / _DAY, 1.0)
    gaps = (first - whole[0]) / _DAY, (whole[1] - last) / _DAY
    large = [gap > max(_GAP[0], _GAP[1] * days) and gap * rate > _MISSED for gap in gaps]
    if not any(large):
        return whole
    first, last = first if large[0] else whole[0], last if large[1] else whole[1]
    notes.append(
        f"the {kind} map has events only from {first:%d.%m.%Y} to {last - _DAY:%d.%m.%Y}: that is "
        "taken as the period it covers"
    )
    return first, last
