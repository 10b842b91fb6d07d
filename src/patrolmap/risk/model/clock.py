"""Time behind the risk: the periods that maps cover, forgetting, moments and windows."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Period = tuple[pd.Timestamp, pd.Timestamp]

_DAY = pd.Timedelta(days=1)
# A map covers less than the others where it would miss this many events at either end, which
# chance leaves out once in e**10, and more than a month and a tenth of the whole.
_MISSED = 10.0
_GAP = (31.0, 0.1)


def aware(value: Any, *, what: str) -> pd.Timestamp:
    """Return a moment as an aware Timestamp, or raise `OptionError` naming `what`."""
    try:
        moment = pd.Timestamp(value)
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"{what}={value!r} is not a time; wanted one like '2026-11-22 20:00+05:00'."
        ) from error
    if moment is pd.NaT:
        raise OptionError(f"{what} is missing; wanted a time like '2026-11-22 20:00+05:00'.")
    if moment.tzinfo is None:
        raise OptionError(
            f"{what}={value!r} has no time zone; write it with one, "
            "like '2026-11-22 20:00+05:00', or use .tz_localize('Asia/Almaty')."
        )
    return moment


def period(start: Any, end: Any, *, what: str = "") -> Period:
    """Return an aware, non-empty half-open period, or raise `OptionError`."""
    first, last = aware(start, what=f"{what}start"), aware(end, what=f"{what}end")
    if last <= first:
        raise OptionError(
            f"{what}end {last.isoformat()} is not after {what}start {first.isoformat()}; "
            "give the earlier moment first."
        )
    return first, last


def moments(events: pd.DataFrame) -> pd.Series:
    """Return the middle of the interval each event happened in; NaT where nothing is known."""
    first = events["occurred_from"].fillna(events["occurred_to"])
    return first + (events["occurred_to"].fillna(first) - first) / 2


def own_period(events: pd.DataFrame) -> Period:
    """Return the whole local days from the first event to the last.

    Whole days, because then every clock hour was watched equally long.
    """
    middle = moments(events)
    if middle.isna().all():
        raise OptionError(
            "no event has a time, so the period they cover is unknown; "
            "give it as observed=(start, end)."
        )
    vague = events["time_precision"] == "unknown"
    first = events["occurred_from"].mask(vague, middle).fillna(middle)
    last = events["occurred_to"].mask(vague, middle).fillna(middle)
    last = last.where(last > first, first + pd.Timedelta(minutes=1))  # half-open: holds the last
    zone = first.dt.tz
    return (
        _on_wall(first.min().tz_localize(None).floor("D"), zone),
        _on_wall(last.max().tz_localize(None).ceil("D"), zone),
    )


def _on_wall(midnight: pd.Timestamp, zone: tzinfo) -> pd.Timestamp:
    """Return a local midnight; where the clock jumps over it, the day starts at 01:00."""
    return midnight.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)


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
    whole = None if observed is None or stated else _two(observed)
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


def forgetting(
    middle: pd.Series,
    observed: Period,
    half_life: pd.Timedelta | None,
) -> tuple[Floats, float]:
    """Weigh events by age, and measure the observed period in the same weight.

    Returns
    -------
    decay : (n_events,) float64
        r = 2 ** (-(observed end - t) / half-life), 1 without one; for events without a time the
        mean over the period, W / days.
    exposure : float
        W, the integral of the same decay over the observed period, in days.
    """
    days = (observed[1] - observed[0]) / _DAY
    if half_life is None:
        return np.ones(len(middle)), days
    half = half_life / _DAY
    exposure = half / np.log(2) * -np.expm1(-np.log(2) * days / half)
    age = ((observed[1] - middle) / _DAY).to_numpy(dtype=np.float64, na_value=np.nan)
    decay = np.exp2(-age / half)
    return np.where(np.isnan(age), exposure / days, decay), float(exposure)
