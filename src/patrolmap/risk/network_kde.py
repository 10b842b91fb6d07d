"""Network kernel density: expected events per street segment in a window of time."""

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk._clock import (
    ANY_HOUR,
    SLOTS,
    forgetting,
    moments,
    own_period,
    period,
    slot_days,
    slots,
)
from patrolmap.risk._spread import spread_events
from patrolmap.schema import EVENT_KINDS, EVENTS, require_type, validate
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.snap import snap_events

_log = logging.getLogger(__name__)

Moment = Any  # a Timestamp, datetime or text with a time zone


@dataclass(kw_only=True)
class NetworkKDE:
    """Estimate risk along the streets with an equal-split network kernel.

    Each event is spread along the walkable streets around it by the equal-split discontinuous
    kernel with a quartic profile (Okabe & Sugihara 2012, doi 10.1002/9781119967101, ch. 9): at a
    junction it splits equally over the streets ahead, at a dead end it turns back, and all of it
    is kept. It falls on whole segments exactly; there are no lixels. An event within 1 m of a
    junction counts alike for all streets there.

    Expected weighted events of one kind on a segment in [start, end) are
    `sum_e w_kind * m_e * r_e * c_e / W` with

    - `m_e` the share of event e that its kernel puts on the segment;
    - `r_e = 2 ** (-(observed_end - t_e) / half_life)`, 1 without a half-life, where t_e is the
      middle of the interval it happened in; for events without any time the mean, W / days;
    - `W` the integral of the same decay over the observed period, in days;
    - `c_e` how many days' worth of e's clock slot lie in the window: for an event known to the
      hour, the hours of the window in the same local clock hour; else the window's hours / 24.

    So any 24 hours count each event once, and a night sees the events of nights. This takes the
    observed period to be whole days or long: each clock hour watched equally.

    Parameters
    ----------
    bandwidth
        Metres along the streets that an event reaches.
    half_life
        Age at which an event counts half, such as "60D"; None counts all alike.
    weights
        Kind -> weight of one event; a kind not named weighs 1.
    max_snap
        Metres from a walkable street beyond which an event is left out.
    police_initiated
        Whether offences that police found by their own work (drugs and the like) count: where
        they lie says where police looked. They are left out by default.

    Attributes
    ----------
    network_ : StreetNetwork
        The streets it was fitted on.
    events_ : DataFrame
        The events used, by event_id: kind, segment_id, offset (m), slot (local clock hour, or 24
        where unknown), decay (r_e), weight (w_kind).
    positions_ : DataFrame
        Where `snap_events` put each event of the observed period.
    kinds_ : list of str
        Kinds of the events given, used or not; the columns of `predict_by_kind`.
    rates_ : DataFrame
        Expected weighted events per segment and day's worth of a clock slot; columns (kind, slot).
    observed_ : tuple of Timestamp
        The period the events cover, half-open, in their time zone.
    exposure_ : float
        W, in days.
    early_ : float
        Share of the weight that may lie nearer to its event than it should, because branches
        with less than 0.01 % of an event are not followed further.
    notes_ : tuple of str
        What a reader must know about the events.

    Raises
    ------
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LineString, Point
    >>> lines = [LineString([(0, 0), (100, 0)]), LineString([(100, 0), (100, 200)])]
    >>> table = gpd.GeoDataFrame({"name": ["Abay", "Dostyk"]}, geometry=lines, crs=32643)
    >>> streets = pm.read_streets(table, crs=32643)
    >>> night = pd.Timestamp("2026-11-21 23:10", tz="Asia/Almaty")
    >>> events = gpd.GeoDataFrame(
    ...     {"kind": ["crime"], "category": ["theft"], "occurred_from": [night],
    ...      "occurred_to": [night], "time_precision": ["minute"], "article": ["188-1"],
    ...      "severity": ["minor"], "harm": [45.0], "place": ["039"], "police_initiated": [False]},
    ...     index=pd.Index(["crime:1"], name="event_id"), geometry=[Point(50, 2)], crs=32643)
    >>> model = NetworkKDE(bandwidth=200).fit(events, streets)
    >>> risk = model.predict("2026-11-22 20:00+05:00", "2026-11-23 02:00+05:00")
    >>> [round(float(x), 3) for x in sorted(risk)], risk.attrs["unit"]
    ([0.291, 0.709], 'count')
    >>> float(model.predict("2026-11-23 10:00+05:00", "2026-11-23 18:00+05:00").sum())
    0.0
    """

    bandwidth: float = 300.0
    half_life: str | None = None
    weights: Mapping[str, float] | None = None
    max_snap: float = 50.0
    police_initiated: bool = False

    def __post_init__(self) -> None:
        self._check()

    def fit(
        self,
        events: gpd.GeoDataFrame,
        streets: StreetNetwork,
        *,
        observed: tuple[Moment, Moment] | None = None,
    ) -> Self:
        """Spread the events over the streets.

        Parameters
        ----------
        events
            Table as `read_events` and `combine_events` make it (`patrolmap.schema.EVENTS`), in
            any CRS.
        streets
            Its walkable segments carry the risk, those outside the boundary too.
        observed
            The period the data covers, half-open, both ends with a time zone; events outside it
            are left out. Default: the whole local days from the first event to the last.

        Raises
        ------
        OptionError
            If an option is out of its range, or `observed` is naive, empty or the wrong way round.
        SchemaError
            If `events` breaks its contract, or none of them is in the period and near a street.
        CRSError
            If `events` has no CRS.
        """
        half_life = self._check()
        _check_events(events)
        self.kinds_ = [kind for kind in EVENT_KINDS if (events["kind"] == kind).any()]
        events, found = self._reported(events)
        require_type(streets, StreetNetwork, name="streets")
        zone = events["occurred_from"].dt.tz
        start, end = own_period(events) if observed is None else _observed(observed)
        self.observed_ = (start.tz_convert(zone), end.tz_convert(zone))

        middle = moments(events)
        used = (middle.isna() | ((middle >= start) & (middle < end))).to_numpy()
        outside = int((~used).sum())
        if outside == len(events):
            raise SchemaError(
                f"none of the {len(events):,} events lies in the observed period "
                f"{start.isoformat()} to {end.isoformat()}; give observed= the period they cover."
            )
        self.positions_ = snap_events(events[used], streets, max_distance=self.max_snap)
        snapped = self.positions_["segment_id"].notna().to_numpy()
        if not snapped.any():
            raise SchemaError(
                f"all {len(snapped):,} events lie farther than {self.max_snap:g} m from any "
                "walkable street; check that events and streets are of one place, or raise "
                "max_snap."
            )
        decay, self.exposure_ = forgetting(middle[used], self.observed_, half_life)
        self.events_ = self._used_events(events[used], decay, snapped)
        self.network_ = streets
        self._spread()
        self.notes_ = (*found, *_notes(self.events_, middle[used][snapped], outside, snapped, self))
        _log.info(
            "%d events spread over %d segments; %.2g of the weight left early",
            len(self.events_), len(streets.segments), self.early_,
        )  # fmt: skip
        return self

    def predict(self, start: Moment, end: Moment) -> pd.Series:
        """Return the expected weighted events per segment in [start, end).

        Parameters
        ----------
        start, end
            With a time zone; clock hours are counted in the events' own zone.

        Returns
        -------
        Series
            Named "risk", index segment_id of all segments in the order of the streets; `attrs`
            hold unit, fingerprint, start, end, notes as plain values.

        Raises
        ------
        OptionError
            If called before `fit`, or with a window that is naive or empty.
        """
        by_kind = self.predict_by_kind(start, end)
        risk = by_kind.sum(axis=1).rename("risk")
        risk.attrs = by_kind.attrs
        return risk

    def predict_by_kind(self, start: Moment, end: Moment) -> pd.DataFrame:
        """Return the expected weighted events per segment in [start, end), a column per kind.

        Rows add up to `predict(start, end)`, which see.
        """
        if not hasattr(self, "rates_"):
            raise OptionError(
                "this NetworkKDE knows no events yet; call .fit(events, streets) before predict."
            )
        first, last = period(start, end)
        days = slot_days(first, last, self.observed_[0].tz)
        rates = self.rates_
        out = pd.DataFrame(index=rates.index)
        for kind in self.kinds_:
            total = np.zeros(len(rates))
            for column in rates.columns[rates.columns.get_level_values("kind") == kind]:
                total += rates[column].to_numpy() * days[column[1]]  # a fixed order of sums
            out[kind] = total
        out.columns.name = "kind"
        out.attrs = {
            "unit": "count" if self.weights is None else "weighted count",
            "fingerprint": self.network_.fingerprint,
            "start": first.isoformat(),
            "end": last.isoformat(),
            "notes": self.notes_,
        }
        return out

    def _check(self) -> pd.Timedelta | None:
        """Check every option; return the half-life."""
        if not isinstance(self.police_initiated, bool | np.bool_):
            raise OptionError(f"police_initiated={self.police_initiated!r}; wanted True or False.")
        for name in ("bandwidth", "max_snap"):
            value = getattr(self, name)
            if not _is_number(value) or not value > 0:
                raise OptionError(f"{name}={value!r}; wanted a finite number of metres above 0.")
        for kind, weight in (self.weights or {}).items():
            if kind not in EVENT_KINDS:
                raise OptionError(
                    f"weights name the kind {kind!r}; wanted kinds out of {list(EVENT_KINDS)}."
                )
            if not _is_number(weight) or weight < 0:
                raise OptionError(
                    f"weights[{kind!r}]={weight!r}; wanted a finite number, 0 or more."
                )
        return _half_life(self.half_life)

    def _reported(self, events: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
        """Leave out what police found by their own work, unless it is asked for."""
        found = events["police_initiated"].to_numpy(dtype=bool)
        if self.police_initiated or not found.any():
            return events, ()
        if found.all():
            raise SchemaError(
                f"all {len(events):,} events were found by police's own work, which says where "
                "they looked; pass police_initiated=True to count them all the same."
            )
        return events[~found], (f"{_events(int(found.sum()))} found by police's own work left out",)

    def _used_events(
        self, events: gpd.GeoDataFrame, decay: np.ndarray[Any, Any], snapped: np.ndarray[Any, Any]
    ) -> pd.DataFrame:
        table = pd.DataFrame(
            {
                "kind": events["kind"].astype("str"),
                "segment_id": self.positions_["segment_id"],
                "offset": self.positions_["offset"],
                "slot": slots(events),
                "decay": decay,
            }
        )
        weights = dict.fromkeys(EVENT_KINDS, 1.0) | dict(self.weights or {})
        table["weight"] = table["kind"].map(weights).astype(np.float64)
        return table[snapped]

    def _spread(self) -> None:
        """Fill `rates_` and `early_` from `events_`."""
        table, segments = self.events_, self.network_.segments
        kind = pd.Index(EVENT_KINDS).get_indexer(table["kind"])
        code, column = np.unique(kind * SLOTS + table["slot"].to_numpy(), return_inverse=True)
        rates, self.early_ = spread_events(
            self.network_,
            segments.index.get_indexer(table["segment_id"]).astype(np.int64),
            table["offset"].to_numpy(dtype=np.float64),
            column.astype(np.int64),
            (table["weight"] * table["decay"]).to_numpy() / self.exposure_,
            n_columns=len(code),
            bandwidth=float(self.bandwidth),
        )
        names = [(EVENT_KINDS[c // SLOTS], int(c % SLOTS)) for c in code]
        self.rates_ = pd.DataFrame(
            rates,
            index=segments.index,
            columns=pd.MultiIndex.from_tuples(names, names=["kind", "slot"]),
        )


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return math.isfinite(value)


def _half_life(text: str | None) -> pd.Timedelta | None:
    if text is None:
        return None
    wanted = 'wanted an age above 0 with its unit, such as "60D"'
    if not isinstance(text, (str, pd.Timedelta)) or re.fullmatch(r"[\d.\s]*", str(text)):
        raise OptionError(f"half_life={text!r}; {wanted}.")  # pandas takes bare numbers as ns
    try:
        age = pd.Timedelta(text)
    except ValueError as error:
        raise OptionError(f"half_life={text!r} is not a length of time; {wanted}.") from error
    if age is pd.NaT or age <= pd.Timedelta(0):
        raise OptionError(f"half_life={text!r}; {wanted}.")
    return age


def _check_events(events: gpd.GeoDataFrame) -> None:
    if not isinstance(events, gpd.GeoDataFrame):
        raise SchemaError(
            f"events are a {type(events).__name__}; wanted a GeoDataFrame as read_events makes it."
        )
    if len(events) == 0:
        raise SchemaError(
            "there are no events; check the report of read_events for what it dropped."
        )
    validate(events, EVENTS)
    if events.crs is None:
        raise CRSError("the events have no CRS; state it with events.set_crs(...).")


def _observed(observed: tuple[Moment, Moment]) -> tuple[pd.Timestamp, pd.Timestamp]:
    if not isinstance(observed, (tuple, list)) or len(observed) != 2:
        raise OptionError(f"observed={observed!r}; wanted two moments, (start, end).")
    return period(*observed, what="observed ")


def _notes(
    used: pd.DataFrame,
    middle: pd.Series,
    outside: int,
    snapped: np.ndarray[Any, Any],
    model: NetworkKDE,
) -> tuple[str, ...]:
    """Say what a reader must know about the events."""
    notes = []
    if vague := int((used["slot"] == ANY_HOUR).sum()):
        notes.append(
            f"the hour is unknown for {vague:,} of {len(used):,} events: "
            "every hour counts alike for them"
        )
    if (timeless := int(middle.isna().sum())) and model.half_life is not None:
        notes.append(f"{_events(timeless)} without a date: counted with the mean weight")
    if far := int((~snapped).sum()):
        share = f"{100 * far / len(snapped):.1f} %"
        verbs = ("lies", "is") if far == 1 else ("lie", "are")
        notes.append(
            f"{_events(far)} ({share}) {verbs[0]} farther than {model.max_snap:g} m from any "
            f"walkable street and {verbs[1]} left out"
        )
    if outside:
        notes.append(f"{_events(outside)} outside the observed period left out")
    days = (model.observed_[1] - model.observed_[0]) / pd.Timedelta("1D")
    spans = middle.groupby(used["kind"].to_numpy()).agg(["min", "max"]).dropna()
    for kind, span in spans.iterrows():
        missing = max(span["min"] - model.observed_[0], model.observed_[1] - span["max"])
        if missing > pd.Timedelta(days=max(31.0, 0.1 * days)):
            notes.append(
                f"the {kind} map has events only from {span['min']:%d.%m.%Y} to "
                f"{span['max']:%d.%m.%Y}, but counts as watched for all {days:,.0f} days: "
                "its risk may be too low"
            )
    return tuple(notes)


def _events(n: int) -> str:
    return "1 event" if n == 1 else f"{n:,} events"
