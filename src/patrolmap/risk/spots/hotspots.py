"""Hotspots: the streets that stand out, as connected pieces with a name and what is known of them.

Four ways to choose the streets: the most risk per metre ("top"), significant gatherings of events
("gi", "moran"), density clusters of events ("clusters").
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk.options import check_flag, segment_values
from patrolmap.risk.spots.facts import FACTS, facts, no_facts
from patrolmap.risk.spots.pieces import connect, pieces_table
from patrolmap.risk.spots.placed import Placed, check_number, place_events
from patrolmap.schema import HOTSPOTS, require_type, validate
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["top", "gi", "moran", "clusters"]

METHODS = ("top", "gi", "moran", "clusters")
ALGORITHMS = ("dbscan", "hdbscan")
SAME_DATA = (
    "scored on the data they were drawn from: shares, counts and trend flatter the hotspots; "
    "judge them on later events"
)


@dataclass(frozen=True, kw_only=True)
class HotspotRules:
    """How hotspots are found in events; what only one method needs is left alone by others.

    Attributes
    ----------
    alpha : float
        Rate of false discoveries among the segments of "gi" and "moran"; and the chance that
        "clusters" chooses `min_events` by.
    reach : float
        "gi", "moran": segments are neighbours where their nearest ends lie at most so many metres
        apart along the streets; 0: where they share a node.
    n_permutations : int
        "moran": draws at most, see `local_statistics`.
    algorithm : str
        "clusters": "dbscan" or "hdbscan".
    distance : float
        "clusters": metres along the streets within which events are near one another.
    min_events : int, optional
        "clusters": events that must lie within `distance` of one, itself too, for a dense place,
        and the fewest of a cluster. None: so many as uniformly thrown events bring together
        anywhere, on the densest streets, with a chance of about `alpha`.
    n_simulations : int
        Times events are thrown on the streets for `p_value`.
    seed : int
        Of draws and simulations.
    max_snap : float
        Metres from a walkable street beyond which an event is left out.
    police_initiated : bool
        Whether offences that police found by their own work count.

    Raises
    ------
    OptionError
        If one is out of its range.
    """

    alpha: float = 0.05
    reach: float = 150.0
    n_permutations: int = 9_999
    algorithm: str = "dbscan"
    distance: float = 150.0
    min_events: int | None = None
    n_simulations: int = 199
    seed: int = 0
    max_snap: float = 50.0
    police_initiated: bool = False

    def __post_init__(self) -> None:
        from patrolmap.risk.spots.local import check_local

        check_local("gi", self.alpha, self.reach, self.n_permutations, self.seed)
        if self.algorithm not in ALGORITHMS:
            raise OptionError(f"algorithm={self.algorithm!r}; wanted one of {list(ALGORITHMS)}.")
        check_number("distance", self.distance, "metres from 1 to 5,000", least=1, most=5000)
        if self.min_events is not None:
            check_number("min_events", self.min_events, "a whole number from 2 up", least=2,
                         whole=True)  # fmt: skip
        check_number(
            "n_simulations", self.n_simulations, "a whole number from 19 to 99,999", least=19,
            most=99_999, whole=True,
        )  # fmt: skip
        check_number("max_snap", self.max_snap, "a finite number of metres above 0", above=0)
        check_flag("police_initiated", self.police_initiated)


def hotspots(
    risk: pd.Series,
    streets: StreetNetwork,
    *,
    events: gpd.GeoDataFrame | None = None,
    coverage: float = 0.05,
    method: Method = "top",
    observed: Any = None,
    rules: HotspotRules | None = None,
) -> gpd.GeoDataFrame:
    """Select the streets that stand out, at most a share of all street length, as hotspots.

    Walkable segments inside the boundary are selected

    - "top": in the order of risk per metre, as long as their length fits; segments without any
      risk never;
    - "gi", "moran": where more events gather than the street length explains, by `local_statistics`
      with false discoveries controlled; the surest first, if not all fit;
    - "clusters": where events lie densely along the streets, by scikit-learn's DBSCAN or HDBSCAN
      on network distances; whole clusters, those with the most events per metre first.

    What fits is `coverage` of the walkable length inside the boundary, and in any case the first.
    Selected segments that share a node make one hotspot (of clusters: of one cluster), and so do
    those of one street (`street_id`) side by side: the middle of one within 40 m of the other, as
    on the two carriageways of an avenue.

    Parameters
    ----------
    risk
        By segment_id, as `NetworkKDE.predict` returns it; segments it lacks have none.
    streets
        The network it was estimated on.
    events
        The events behind it, as `read_events` returns them: "gi", "moran" and "clusters" choose by
        them, and every method describes its hotspots by them.
    coverage
        Share of the walkable length inside the boundary to select at most, above 0 and up to 1.
    method
        "top", "gi", "moran" or "clusters".
    observed
        With events: the period (start, end) to count them in; default their own.
    rules
        Finer settings, see `HotspotRules`.

    Returns
    -------
    GeoDataFrame
        One row a hotspot, the most risk first (`patrolmap.schema.HOTSPOTS`), in the streets' CRS;
        none where nothing is significant. Facts of events are missing without them; no ids of
        events are kept. `attrs` hold coverage, method, unit, fingerprint and notes; with events
        also report (what became of them) and period.

    Raises
    ------
    OptionError
        If an option is out of its range, or a method needs events and has none.
    SchemaError, CRSError
        If `risk` is not a Series of finite numbers, 0 or more, or is 0 everywhere inside; or
        events break their contract.
    NetworkMismatchError
        If it belongs to another street network.

    Notes
    -----
    `p_value` guards against streets that are merely dense, and against the choice itself: as many
    events are thrown uniformly on the street length, again and again; each time the segments with
    the most of them per metre are taken, up to the length of all hotspots together, and joined; p
    is the share of times (with one added to both) in which the strongest piece anywhere is at
    least as strong as the hotspot, by Kulldorff's (1997) likelihood ratio of its events. Shares,
    counts and trend are scored on the data the hotspots were drawn from, and flatter them.

    References
    ----------
    Kulldorff, M. (1997). A spatial scan statistic. Communications in Statistics - Theory and
    Methods 26(6), 1481-1496. doi:10.1080/03610929708831995
    Chainey, S., Tompson, L. & Uhlig, S. (2008). The utility of hotspot mapping for predicting
    spatial patterns of crime. Security Journal 21, 4-28 (the index `pai`).
    doi:10.1057/palgrave.sj.8350066

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LineString
    >>> lines = [LineString([(0, 0), (100, 0)]), LineString([(100, 0), (100, 100)])]
    >>> table = gpd.GeoDataFrame({"name": ["Abay", "Dostyk"]}, geometry=lines, crs=32643)
    >>> streets = pm.read_streets(table, crs=32643)
    >>> risk = pd.Series([1.0, 3.0], index=streets.segments.sort_values("name").index)
    >>> hotspots(risk, streets, coverage=0.5)[["name", "length", "risk_share", "density", "pai"]]
                  name  length  risk_share  density  pai
    hotspot_id
    1           Dostyk   100.0        0.75     30.0  1.5
    """
    rules = _check(coverage, method, events, observed, rules)
    require_type(streets, StreetNetwork, name="streets")
    if not isinstance(risk, pd.Series):
        raise SchemaError(
            f"risk is a {type(risk).__name__}; wanted a Series by segment_id "
            "(of a table by time or kind, its sum: risk.sum(axis=1))."
        )
    values = segment_values(risk, streets)
    segments = streets.segments
    length = segments["length"].to_numpy()
    counted = (segments["walk"] & segments["inside"]).to_numpy()
    total_risk, total_length = math.fsum(values[counted]), math.fsum(length[counted])
    if not total_risk > 0:
        raise SchemaError(
            "the risk is 0 on every walkable segment inside the boundary, so nothing is hot; "
            "check that events, window and boundary are of one place and time."
        )
    placed = None if events is None else place_events(
        events, streets, max_snap=rules.max_snap, police_initiated=rules.police_initiated,
        observed=observed,
    )  # fmt: skip
    budget = coverage * total_length
    notes: list[str] = []
    if method == "top" or placed is None:
        rows, label = _top(values, length, counted, segments.index, budget), None
        _say_beyond(notes, "street", length[rows].sum(), budget)
    elif method == "clusters":
        rows, label = _clusters(placed, rules, budget, notes)
    else:
        rows, label = _significant(placed, method, rules, budget, notes)
    out = _table(streets, rows, connect(streets, rows, label), values, placed, rules)
    out.insert(3, "risk_share", out["risk"] / total_risk)
    out.insert(4, "length_share", out["length"] / total_length)
    out.insert(6, "pai", out["risk_share"] / out["length_share"])
    validate(out, HOTSPOTS)
    out.attrs = {
        "coverage": float(coverage),
        "method": method,
        "unit": risk.attrs.get("unit", "count"),
        "fingerprint": streets.fingerprint,
        "notes": (*notes, SAME_DATA),
    }
    if placed is not None:
        span = placed.observed
        out.attrs["report"] = placed.report
        out.attrs["period"] = None if span is None else [moment.isoformat() for moment in span]
    return out


def _table(
    streets: StreetNetwork, rows: Ints, group: Ints, risk: Floats, placed: Placed | None,
    rules: HotspotRules,
) -> gpd.GeoDataFrame:  # fmt: skip
    """Put each group into one row with all that is known of it, the most risk first."""
    out = pieces_table(streets, rows, group, risk)
    told = no_facts(len(out)) if placed is None else facts(
        placed, rows, group, n_simulations=rules.n_simulations, seed=rules.seed
    )  # fmt: skip
    out.insert(3, "density", out["risk"] / out["length"] * 1000)
    for place, name in enumerate(FACTS, start=5):
        out.insert(place, name, told[name].array)
    out = out.sort_values("risk", ascending=False, kind="stable")
    out.index = pd.RangeIndex(1, len(out) + 1, name="hotspot_id")
    return out


def _check(coverage: Any, method: Any, events: Any, observed: Any, rules: Any) -> HotspotRules:
    if isinstance(coverage, bool) or not (
        isinstance(coverage, (int, float, np.number)) and 0 < coverage <= 1
    ):
        raise OptionError(
            f"coverage={coverage!r}; wanted a share of the street length above 0 and at most 1, "
            "such as 0.05."
        )
    if method not in METHODS:
        raise OptionError(f"method={method!r}; wanted one of {list(METHODS)}.")
    if events is None and method != "top":
        raise OptionError(
            f"method={method!r} tests counts of events, and a smooth risk has none: give the "
            "events, events=..., or use method='top'."
        )
    if events is None and observed is not None:
        raise OptionError("observed= says when events were counted; give the events too, events=.")
    if rules is not None:
        require_type(rules, HotspotRules, name="rules")
    return rules or HotspotRules()


def _top(
    risk: Floats, length: Floats, counted: npt.NDArray[np.bool_], ids: pd.Index, budget: float
) -> Ints:
    """Return the rows of the riskiest segments per metre that fit the length, in row order."""
    candidates = np.flatnonzero(counted & (risk > 0))
    by_id = candidates[np.argsort(ids[candidates].to_numpy(dtype=object), kind="stable")]
    order = by_id[np.argsort(-risk[by_id] / length[by_id], kind="stable")]
    return np.sort(order[: _fitting(length[order], budget)])


def _fitting(length: Floats, budget: float) -> int:
    """Return how many of the first fit the length, at least one of any."""
    # A millimetre of slack: sums of lengths in another order may differ in the last bit.
    return max(int((np.cumsum(length) <= budget + 1e-3).sum()), min(len(length), 1))


def _significant(
    placed: Placed, method: str, rules: HotspotRules, budget: float, notes: list[str]
) -> tuple[Ints, None]:
    """Return the rows of significant segments, the surest that fit."""
    from patrolmap.risk.spots.local import local_test

    found = local_test(
        placed, method, reach=rules.reach, n_permutations=rules.n_permutations, seed=rules.seed
    )
    hot = np.flatnonzero(found.q <= rules.alpha)
    rows = found.rows[hot]
    ids = placed.streets.segments.index[rows].to_numpy(dtype=object)
    excess = found.around[hot] / found.expected_around[hot]
    order = np.lexsort((pd.factorize(ids, sort=True)[0], -excess, found.p[hot]))
    length = placed.length[rows]
    taken = order[: _fitting(length[order], budget)]
    _say_cut(notes, "significant street", length.sum(), length[taken].sum(), budget)
    return np.sort(rows[taken]), None


def _clusters(
    placed: Placed, rules: HotspotRules, budget: float, notes: list[str]
) -> tuple[Ints, Ints]:
    """Return the rows of clusters and which each belongs to, the densest that fit."""
    from patrolmap.risk.spots.clusters import cluster_segments

    rows, label, least = cluster_segments(
        placed, algorithm=rules.algorithm, distance=float(rules.distance),
        min_events=rules.min_events, alpha=rules.alpha,
    )  # fmt: skip
    notes.append(f"clusters of at least {least} events within {rules.distance:g} m of one")
    if len(rows) == 0:
        return rows, label
    length = placed.length[rows]
    metres = np.bincount(label, weights=length).astype(np.float64)
    events = np.bincount(label, weights=placed.counts[rows])
    first = np.full(len(metres), len(placed.counted))
    np.minimum.at(first, label, rows)
    order = np.lexsort((first, -events / np.maximum(metres, 1e-9)))
    order = order[metres[order] > 0]
    taken = np.isin(label, order[: _fitting(metres[order], budget)])
    _say_cut(notes, "cluster", length.sum(), length[taken].sum(), budget)
    rows, label = rows[taken], label[taken]
    by_row = np.argsort(rows, kind="stable")
    return rows[by_row], label[by_row]


def _say_cut(notes: list[str], what: str, whole: float, kept: float, budget: float) -> None:
    _say_beyond(notes, what, kept, budget)
    if kept <= budget + 1e-3 and kept < whole - 1e-6:
        notes.append(
            f"{whole / 1000:,.1f} km in {what}s found, the strongest {kept / 1000:,.1f} km kept: "
            "coverage allows no more"
        )


def _say_beyond(notes: list[str], what: str, kept: float, budget: float) -> None:
    if kept > budget + 1e-3:
        notes.append(
            f"the strongest {what} alone, {_km(kept)}, takes more than coverage allows "
            f"({_km(budget)})"
        )


def _km(metres: float) -> str:
    return f"{metres / 1000:,.1f} km" if metres >= 1000 else f"{metres:,.3g} m"
