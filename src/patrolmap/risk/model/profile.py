"""What a patrol is sent out for, as risk: maps, categories and harm weighed in one estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Self

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events.programmes import Programme, programme_weights, read_programme
from patrolmap.risk.model.estimator import Moment, NetworkKDE, Observed
from patrolmap.risk.model.options import check_weights
from patrolmap.risk.options import check_events, check_flag, count_events
from patrolmap.schema import CATEGORIES, EVENT_KINDS
from patrolmap.streets.network import StreetNetwork

_ALIKE = 1e-6  # shares of hours add up to 1 with single precision


@dataclass(kw_only=True)
class RiskProfile:
    """Estimate risk for a purpose: each event weighs what the patrol cares for it.

    An event's weight is the product of the programme's weight, that of its kind, that of its
    category, and its harm in days where asked for. Where and when events happen is then told by
    the estimator, map by map, from the events that weigh anything.

    Parameters
    ----------
    programme
        What the patrol is sent out for: a name ("street_safety"), a TOML file, or a `Programme`
        (`patrolmap.events.read_programme`); None weighs all events alike. It decides itself what
        becomes of offences that police found by their own work.
    kinds, categories
        Kind or category -> weight; one not named weighs 1.
    harm
        Whether to multiply by the event's harm in days (once, also where the programme does): an
        event without harm counts with the median of the others.
    estimator
        A `NetworkKDE` whose options hold; its own `weights` must be None. It is not changed.

    Attributes
    ----------
    model_ : NetworkKDE
        The estimator, fitted on the events that weigh something.
    weights_ : Series
        Weight of each event given, in `attrs["unit"]`.

    Raises
    ------
    OptionError
        If an option is out of its range.

    Examples
    --------
    >>> import patrolmap as pm
    >>> district = pm.datasets.sample()
    >>> crimes = pm.check_events(district.crimes, kind="crime", tz="Asia/Almaty").events
    >>> streets = pm.read_streets(district.streets)
    >>> profile = RiskProfile(categories={"theft": 0.5}).fit(crimes, streets)
    >>> night = "2026-11-22 20:00+05:00", "2026-11-23 02:00+05:00"
    >>> risk = profile.predict(*night)
    >>> risk.attrs["unit"], bool((risk >= 0).all())
    ('weighted count', True)
    >>> profile.predict_by_hour(*night).shape[1]
    6
    """

    programme: str | PathLike[str] | Programme | None = None
    kinds: Mapping[str, float] | None = None
    categories: Mapping[str, float] | None = None
    harm: bool = False
    estimator: NetworkKDE = field(default_factory=NetworkKDE)

    def __post_init__(self) -> None:
        self._check()

    def fit(
        self,
        events: gpd.GeoDataFrame,
        streets: StreetNetwork,
        *,
        observed: Observed | None = None,
    ) -> Self:
        """Weigh the events and fit the estimator; parameters as in `NetworkKDE.fit`.

        Raises
        ------
        SchemaError
            If no event weighs anything, or harm is asked for and none is known; and as
            `NetworkKDE.fit` does.
        """
        programme = self._check()
        check_events(events)
        if len(events) == 0:
            raise SchemaError(
                "there are no events; check the report of read_events for what it dropped."
            )
        self.weights_ = _weights(events, self, programme)
        counts = self.weights_.to_numpy() > 0
        if not counts.any():
            kinds = sorted(events["kind"].astype("str").unique())
            raise SchemaError(
                f"none of the {len(events):,} events weighs anything (kinds: {', '.join(kinds)}): "
                f"{'the programme ' + repr(programme.name) if programme else 'kinds, categories'} "
                "leaves all of them out."
            )
        model = replace(self.estimator)
        if programme is not None:  # its weights say so already, event by event
            model.police_initiated = True
        left = int((~counts).sum())
        notes = tuple(self.weights_.attrs["notes"])
        notes += (f"{count_events(left)} of no weight left out",) if left else ()
        self.model_ = model._fit(
            events, streets, observed=observed, weight=self.weights_,
            unit=self.weights_.attrs["unit"], notes=notes,
        )  # fmt: skip
        return self

    def predict(self, start: Moment, end: Moment) -> pd.Series:
        """Return the risk per segment in [start, end), as `NetworkKDE.predict` does."""
        return self._fitted().predict(start, end)

    def predict_by_kind(self, start: Moment, end: Moment) -> pd.DataFrame:
        """Return the risk per segment, a column per map; rows add up to `predict`."""
        return self._fitted().predict_by_kind(start, end)

    def predict_by_hour(
        self, start: Moment, end: Moment, *, edges: Sequence[Moment] | None = None
    ) -> pd.DataFrame:
        """Return the risk per segment, a column per hour; rows add up to `predict`."""
        return self._fitted().predict_by_hour(start, end, edges=edges)

    def predict_by_kind_and_hour(
        self, start: Moment, end: Moment, *, edges: Sequence[Moment] | None = None
    ) -> pd.DataFrame:
        """Return the risk per segment, columns (kind, start)."""
        return self._fitted().predict_by_kind_and_hour(start, end, edges=edges)

    def _fitted(self) -> NetworkKDE:
        if not hasattr(self, "model_"):
            raise OptionError(
                f"this {type(self).__name__} knows no events yet; "
                "call .fit(events, streets) before predict."
            )
        return self.model_

    def _check(self) -> Programme | None:
        """Check every option; return the programme, read."""
        check_flag("harm", self.harm)
        check_weights("kinds", self.kinds, EVENT_KINDS, "kind")
        check_weights("categories", self.categories, CATEGORIES, "category")
        if not isinstance(self.estimator, NetworkKDE):
            raise OptionError(
                f"estimator is a {type(self.estimator).__name__}; wanted a NetworkKDE."
            )
        if self.estimator.weights is not None:
            raise OptionError("the estimator has weights of its own; give them as kinds= here.")
        if self.programme is None or isinstance(self.programme, Programme):
            return self.programme
        return read_programme(self.programme)


def _weights(
    events: gpd.GeoDataFrame, profile: RiskProfile, programme: Programme | None
) -> pd.Series:
    """Weigh each event, and say in what unit."""
    weight, plain = np.ones(len(events)), np.ones(len(events))  # with harm, and before it
    notes: tuple[str, ...] = ()
    days = profile.harm
    if programme is not None:
        given = programme_weights(events, programme)
        weight, notes = given.to_numpy(dtype=np.float64), given.attrs["notes"]
        without = programme_weights(events, replace(programme, harm=False))
        plain = without.to_numpy(dtype=np.float64)
        days = profile.harm and not programme.harm
    for column, by in (("kind", profile.kinds), ("category", profile.categories)):
        if by:
            factor = events[column].astype("str").map(by).fillna(1.0).to_numpy(dtype=np.float64)
            weight, plain = weight * factor, plain * factor
    if days:
        weight, said = _times_harm(weight, events)
        notes += said
    in_days = profile.harm or (programme is not None and programme.harm)
    alike = not ((plain != 0) & (abs(plain - 1) > _ALIKE)).any()
    unit = ("" if alike else "weighted ") + ("harm-days" if in_days else "count")
    out = pd.Series(weight, index=events.index, name="weight")
    out.attrs = {"unit": unit, "notes": notes}
    return out


def _times_harm(weight: Any, events: gpd.GeoDataFrame) -> tuple[Any, tuple[str, ...]]:
    harm = events["harm"].to_numpy(dtype=np.float64)
    counted = weight > 0
    known = counted & np.isfinite(harm)
    if counted.any() and not known.any():
        raise SchemaError(
            "harm=True, and no event that counts has any; read the events with harm='kz', or with "
            "a table of your own."
        )
    lost = counted & ~known
    if not lost.any():
        return np.where(counted, weight * harm, 0.0), ()
    middle = float(np.median(harm[known]))
    note = f"{count_events(int(lost.sum()))} without harm: counted with the median, {middle:g} days"
    return np.where(counted, weight * np.where(known, harm, middle), 0.0), (note,)
