"""Network kernel density: expected events per street segment in a window of time."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk.model.clock import periods
from patrolmap.risk.model.maps import add_up, learn_map
from patrolmap.risk.model.options import check_options
from patrolmap.risk.model.sift import (
    observed_events,
    reported_events,
    said_below,
    said_faded,
    said_far,
    said_hours,
    said_outside,
    said_undated,
)
from patrolmap.risk.model.times import bin_starts, read_times
from patrolmap.risk.moments import Period, period
from patrolmap.risk.options import check_events
from patrolmap.schema import EVENT_KINDS, require_type
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.snap import snap_events

_log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Moment = Any  # a Timestamp, datetime or text with a time zone
Observed = tuple[Moment, Moment] | Mapping[str, tuple[Moment, Moment]]


@dataclass(kw_only=True)
class NetworkKDE:
    """Estimate risk along the streets: a segment's own events, and those around it.

    Each map (kind) is smoothed with an equal-split network kernel: an event runs both ways along
    the walkable streets, splits at junctions and is used up after `bandwidth` metres (Okabe &
    Sugihara 2012, doi 10.1002/9781119967101, ch. 9). By default the bandwidth is chosen by the
    data, and a segment's own count n is not smoothed away: with the mass m that the kernel puts on
    the segment, n + K m counts instead, over 1 + K (`patrolmap.risk.model.shrink`). Bandwidth and K
    are those under which the other segments' events predict each segment's count best. All of an
    event is kept.

    Expected weighted events of one kind on a segment in [start, end) are `sum_e w_e r_e s_e c_e /
    W` with

    - `w_e` the weight of the event;
    - `s_e` the share of event e that lies on the segment: of its own segment
      `(1 + K m_e) / (1 + K)`, of others `K m_e / (1 + K)`, with the kernel's share m_e;
    - `r_e = 2 ** (-(period's end - t_e) / half_life)`, 1 without a half-life, where t_e is the
      middle of the interval it happened in; for events without any time the mean, W / days;
    - `W` the integral of the same decay over the period that the map covers, in days;
    - `c_e` how often the window holds the event's clock hours: the event is shared out over the
      24 hours (`patrolmap.events.hours`: exact, by the interval, or by the habit of its category),
      and each hour of the window counts with the factor of its weekday for the kind, the mean of
      which over a week is 1.

    So any seven days count each event 7 / W times, a night sees the events of nights, and a
    Saturday night is not a Tuesday's. Where an event falls on the week says much of its kind and,
    with so few events a segment, nothing of the place: hours are the event's own, weekdays and
    seasons the kind's.

    Parameters
    ----------
    bandwidth
        Metres along the streets that an event reaches, or "auto": of 100 to 1,000 m those that
        fit the map, kind by kind; 300 m for a map of fewer than 30 events.
    kernel
        A name of `patrolmap.risk.density.kernels.KERNELS`.
    method
        "esd" (equal split discontinuous), "esc" (continuous: smoother over junctions; where it
        falls below 0 near them, the risk is 0) or "simple" (by the shortest path). Maps are scaled
        to keep their number of events.
    half_life
        Age at which an event counts half, such as "60D"; None counts all alike.
    weights
        Kind -> weight of one event; a kind not named weighs 1.
    shrink
        Whether a segment's own count is held beside the smooth density. Without, "auto" takes the
        bandwidth of `select_bandwidth`.
    season
        Whether months of the year differ, each kind by itself; needs a year of events.
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
        The events used, by event_id: kind, segment_id, offset (m), decay (r_e), weight (w_e).
    positions_ : DataFrame
        Where `snap_events` put each event of the observed period.
    kinds_ : list of str
        Kinds of the events given, used or not; the columns of `predict_by_kind`.
    bandwidth_ : dict
        Kind -> metres.
    strength_ : dict
        Kind -> K; infinite where counts have no weight of their own. A half-life and uneven weights
        make counts less sure: `predict` multiplies K by `shrink.unevenness` of the events' w r.
    bandwidth_curve_ : DataFrame
        By bandwidth, a column per kind: log-likelihood per event below that of the best; empty
        where bandwidths were given.
    observed_ : tuple of Timestamp
        From the first period's start to the last one's end, in the events' time zone.
    periods_ : dict
        Kind -> the period it covers, half-open.
    exposure_ : dict
        Kind -> W, in days.
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
    >>> risk = model.predict("2026-11-16 00:00+05:00", "2026-11-23 00:00+05:00")
    >>> [round(float(x), 2) for x in sorted(risk)], risk.attrs["unit"]
    ([2.04, 4.96], 'count')
    >>> float(model.predict("2026-11-23 10:00+05:00", "2026-11-23 18:00+05:00").sum())
    0.0
    """

    bandwidth: float | Literal["auto"] = "auto"
    kernel: str = "quartic"
    method: Literal["esd", "esc", "simple"] = "esd"
    half_life: str | None = None
    weights: Mapping[str, float] | None = None
    shrink: bool = True
    season: bool = False
    max_snap: float = 50.0
    police_initiated: bool = False

    def __post_init__(self) -> None:
        check_options(self)

    def fit(
        self,
        events: gpd.GeoDataFrame,
        streets: StreetNetwork,
        *,
        observed: Observed | None = None,
    ) -> Self:
        """Learn from events where and when they happen.

        Parameters
        ----------
        events
            Table as `read_events` and `combine_events` make it (`patrolmap.schema.EVENTS`), in
            any CRS.
        streets
            Its walkable segments carry the risk, those outside the boundary too.
        observed
            The period the data covers, half-open, both ends with a time zone; events outside it
            are left out. A map whose events fill clearly less of it is taken to cover only that
            (notes say so). By kind, as a mapping, it is taken as given. Default: the whole local
            days from the first event to the last, or to the day from which on registration lags
            behind, where the events tell it.

        Raises
        ------
        OptionError
            If an option is out of its range, or `observed` is naive, empty or the wrong way round.
        SchemaError
            If `events` breaks its contract, or none of them is in the period and near a street.
        CRSError
            If `events` has no CRS.
        """
        return self._fit(events, streets, observed=observed, weight=None, unit=None)

    def _fit(
        self,
        events: gpd.GeoDataFrame,
        streets: StreetNetwork,
        *,
        observed: Observed | None,
        weight: pd.Series | None,
        unit: str | None,
        notes: tuple[str, ...] = (),
    ) -> Self:
        """Fit with a weight for each event (0 leaves it out), or by kind where it is None."""
        half_life = check_options(self)
        check_events(events)
        if len(events) == 0:
            raise SchemaError(
                "there are no events; check the report of read_events for what it dropped."
            )
        require_type(streets, StreetNetwork, name="streets")
        self.kinds_ = [kind for kind in EVENT_KINDS if kind in set(events["kind"].astype("str"))]
        self.unit_ = unit or ("count" if self.weights is None else "weighted count")
        whole = events  # a map covers its period whatever of it is left out
        events = events if weight is None else events[weight.to_numpy() > 0]
        events, found = reported_events(events, self.police_initiated)
        if weight is None:
            by_kind = dict.fromkeys(EVENT_KINDS, 1.0) | dict(self.weights or {})
            weight = events["kind"].astype("str").map(by_kind)
        self.network_ = streets
        self.periods_, said = periods(whole, observed)
        events, outside = observed_events(events, self.periods_)
        self.observed_ = (
            min(start for start, _ in self.periods_.values()),
            max(end for _, end in self.periods_.values()),
        )
        events = self._place(events, streets)
        self._weigh(events, weight.reindex(events.index), half_life)
        faded = said_faded(self.events_["decay"], self.half_life)
        self._learn()
        learned = (one.learned.note for one in self._maps.values() if one.learned.note)
        self.notes_ = (
            *notes, *found, *said, *said_hours(self._times.vague, len(events)),
            *said_undated(events, half_life), *faded, *said_far(self.positions_, self.max_snap),
            *said_outside(outside), *self._times.notes, *learned, *said_below(self.method),
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
        risk = by_kind.sum(axis=1, skipna=False).rename("risk")
        risk.attrs = by_kind.attrs
        return risk

    def predict_by_kind(self, start: Moment, end: Moment) -> pd.DataFrame:
        """Return the expected weighted events per segment in [start, end), a column per kind.

        Rows add up to `predict(start, end)`, which see.
        """
        first, last = period(start, end)
        out = pd.DataFrame(
            {kind: table[:, 0] for kind, table in self._expect([(first, last)]).items()},
            index=self.network_.segments.index,
        )
        out.columns.name = "kind"
        out.attrs = self._attrs(first, last)
        return out

    def predict_by_hour(
        self, start: Moment, end: Moment, *, edges: Sequence[Moment] | None = None
    ) -> pd.DataFrame:
        """Return the expected weighted events per segment by time bins of [start, end).

        Parameters
        ----------
        start, end
            As in `predict`.
        edges
            Moments within the window at which bins begin, after the first; default every full
            local hour.

        Returns
        -------
        DataFrame
            Columns are the starts of the bins, in the events' zone, as `plan_patrols` takes them.
            Rows add up to `predict(start, end)`; to that end each row is scaled, by what was
            lifted to 0 in it.
        """
        by_kind = self.predict_by_kind_and_hour(start, end, edges=edges)
        out = by_kind.T.groupby(level="start").sum(skipna=False).T
        out.attrs = by_kind.attrs
        return out

    def predict_by_kind_and_hour(
        self, start: Moment, end: Moment, *, edges: Sequence[Moment] | None = None
    ) -> pd.DataFrame:
        """Return `predict_by_hour` kind by kind: columns (kind, start)."""
        first, last = period(start, end)
        self._require_fit()
        starts = bin_starts(first, last, self.observed_[0].tz, edges)
        bins = list(zip(starts, [*starts[1:], last], strict=True))
        tables = self._expect(bins)
        out = pd.DataFrame(
            np.hstack(list(tables.values())),
            index=self.network_.segments.index,
            columns=pd.MultiIndex.from_product([list(tables), starts], names=["kind", "start"]),
        )
        out.attrs = self._attrs(first, last)
        return out

    def _expect(self, bins: list[Period]) -> dict[str, Floats]:
        """Return what to expect by kind: (n_segments, n_bins)."""
        self._require_fit()
        out = {}
        for kind, one in self._maps.items():
            whole = [] if len(bins) == 1 else [(bins[0][0], bins[-1][1])]
            shares = [self._times.share(kind, one.rows, *window) for window in [*bins, *whole]]
            expected = one.expect(np.column_stack(shares))
            out[kind] = add_up(expected[:, :-1], expected[:, -1]) if whole else expected
        return out

    def _require_fit(self) -> None:
        if not hasattr(self, "notes_"):
            raise OptionError(
                f"this {type(self).__name__} knows no events yet; "
                "call .fit(events, streets) before predict."
            )

    def _attrs(self, first: pd.Timestamp, last: pd.Timestamp) -> dict[str, Any]:
        return {
            "unit": self.unit_,
            "fingerprint": self.network_.fingerprint,
            "start": first.isoformat(),
            "end": last.isoformat(),
            "notes": self.notes_,
        }

    def _place(self, events: gpd.GeoDataFrame, streets: StreetNetwork) -> gpd.GeoDataFrame:
        """Snap the events; fill `positions_`; return those near a street."""
        self.positions_ = snap_events(events, streets, max_distance=self.max_snap)
        snapped = self.positions_["segment_id"].notna().to_numpy()
        if not snapped.any():
            raise SchemaError(
                f"all {len(snapped):,} events lie farther than {self.max_snap:g} m from any "
                "walkable street; check that events and streets are of one place, or raise "
                "max_snap."
            )
        return events[snapped]

    def _weigh(
        self, events: gpd.GeoDataFrame, weight: pd.Series, half_life: pd.Timedelta | None
    ) -> None:
        """Fill `events_`, and what tells when each happens."""
        self._times = read_times(events, self.periods_, half_life, season=bool(self.season))
        self.exposure_ = self._times.exposure
        place = self.positions_.loc[events.index, ["segment_id", "offset"]]
        self.events_ = pd.DataFrame({"kind": events["kind"].astype("str")})
        self.events_[["segment_id", "offset"]] = place
        self.events_["decay"] = self._times.decay
        self.events_["weight"] = weight.to_numpy(dtype=np.float64)

    def _learn(self) -> None:
        """Choose bandwidths and the worth of counts, kind by kind."""
        table = self.events_
        segment = self.network_.segments.index.get_indexer(table["segment_id"]).astype(np.int64)
        offset = table["offset"].to_numpy(dtype=np.float64)
        worth = (table["decay"] * table["weight"]).to_numpy()
        self._maps = {
            kind: learn_map(
                self.network_, kind, np.flatnonzero((table["kind"] == kind).to_numpy()),
                segment, offset, worth, exposure=self.exposure_.get(kind, 1.0),
                bandwidth=None if isinstance(self.bandwidth, str) else float(self.bandwidth),
                kernel=self.kernel, method=self.method, shrink=bool(self.shrink),
            )
            for kind in self.kinds_
        }  # fmt: skip
        found = {kind: one.learned for kind, one in self._maps.items()}
        self.bandwidth_ = {kind: learned.bandwidth for kind, learned in found.items()}
        self.strength_ = {kind: learned.strength for kind, learned in found.items()}
        curves = {k: learned.curve for k, learned in found.items() if learned.curve is not None}
        self.bandwidth_curve_ = pd.DataFrame(curves, dtype=np.float64).rename_axis("bandwidth")
