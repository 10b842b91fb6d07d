"""Streets that emerge, persist or fade: a Mann-Kendall test of each segment's counts over time."""

import re
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk.moments import moments
from patrolmap.risk.options import check_flag
from patrolmap.risk.spots.chance import binomial_tails, false_discovery
from patrolmap.risk.spots.placed import Placed, check_number, place_events
from patrolmap.schema import SEGMENT_TRENDS, require_type, validate
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PERSISTENT = 2 / 3  # share of the bins with events from which a hot street without trend persists
FEWEST_BINS = 6
_ROWS = 20_000  # segments at a time: keeps the working memory near 100 MB


def segment_trends(
    events: gpd.GeoDataFrame,
    streets: StreetNetwork,
    *,
    bin: str = "4W",
    alpha: float = 0.05,
    min_events: int = 5,
    observed: Any = None,
    max_snap: float = 50.0,
    police_initiated: bool = False,
) -> pd.DataFrame:
    """Class each segment by how its events develop: emerging, persistent, fading.

    The counts of a segment in T bins of time are tested by Mann and Kendall: S is how many pairs
    of bins rise less how many fall, tau = S / sqrt(T (T - 1) / 2 * pairs that differ), p two-sided
    from the normal distribution with the variance for ties and a correction for continuity.
    q holds the rate of false discoveries over the segments tested: those with at least
    `min_events` events, as their number says nothing of when they came.

    - emerging, fading: q at most alpha, and S above or below 0;
    - persistent: neither, events in at least two thirds of the bins, and more of them than the
      street's length explains (binomial, of all events; q at most alpha);
    - sporadic: any other with events; none: without.

    Where all the city rises, streets rise with it: `attrs["all"]` tells tau and p of all events.

    Parameters
    ----------
    events
        As `read_events` returns them; each counts in the bin of the middle of its interval.
    streets
        Walkable segments inside the boundary count.
    bin
        Length of the bins in whole days or weeks ("28D", "4W"), counted back from the end of
        the observed period; or "month", for calendar months. Days are local ones. What is left
        over at the start (and in part of a month) is not used.
    alpha
        Rate of false discoveries.
    min_events
        Segments with fewer are not tested for a trend.
    observed
        The period (start, end) that the data covers; default the days from the first event to the
        last. Give it: bins before the first event belong to it too.
    max_snap
        Metres from a walkable street beyond which an event is left out.
    police_initiated
        Whether offences that police found by their own work count.

    Returns
    -------
    DataFrame
        `patrolmap.schema.SEGMENT_TRENDS`, a row for each segment that counts. `attrs` hold the
        bins (T + 1 moments), alpha, fingerprint, `all`, and a report of the events.

    Raises
    ------
    OptionError
        If an option is out of range, or the period holds fewer than 6 bins.
    SchemaError, CRSError
        If events break their contract, have no CRS, or none has a time.

    References
    ----------
    Mann, H. B. (1945). Nonparametric tests against trend. Econometrica 13(3), 245-259.
    doi:10.2307/1907187
    Kendall, M. G. (1975). Rank Correlation Methods, 4th ed. Griffin, London.

    Examples
    --------
    >>> import patrolmap as pm
    >>> sample = pm.datasets.sample()
    >>> streets = pm.read_streets(sample.streets)
    >>> events = pm.check_events(sample.crimes, kind="crime", tz="Asia/Almaty").events
    >>> found = segment_trends(events, streets, bin="month")
    >>> sorted(found["trend"].unique())
    ['none', 'persistent', 'sporadic']
    """
    require_type(streets, StreetNetwork, name="streets")
    step = _step(bin)
    check_number("alpha", alpha, "a rate above 0 and below 1, such as 0.05", above=0, most=0.999999)
    check_number("min_events", min_events, "a whole number from 1 up", least=1, whole=True)
    check_flag("police_initiated", police_initiated)
    placed = place_events(
        events, streets, max_snap=max_snap, police_initiated=police_initiated, observed=observed
    )
    edges = _edges(placed, step, bin)
    at, rows, report = _binned(placed, edges)
    n_bins = len(edges) - 1
    segments = np.flatnonzero(placed.counted)
    place = np.full(len(placed.counted), -1, dtype=np.int64)
    place[segments] = np.arange(len(segments))
    cell, size = np.unique(place[rows] * n_bins + at, return_counts=True)
    owner = cell // n_bins
    total = np.bincount(owner, weights=size, minlength=len(segments)).astype(np.int64)
    active = np.bincount(owner, minlength=len(segments))
    tau, p = np.full(len(segments), np.nan), np.full(len(segments), np.nan)
    tested = np.flatnonzero(total >= min_events)
    for part in np.array_split(tested, 1 + len(tested) // _ROWS):
        counts = np.zeros((len(part), n_bins), dtype=np.int64)
        mine = np.flatnonzero(np.isin(owner, part))
        counts[np.searchsorted(part, owner[mine]), cell[mine] % n_bins] = size[mine]
        tau[part], p[part] = mann_kendall(counts)
    q = false_discovery(p)
    table = pd.DataFrame(
        {
            "n_events": total,
            "active_bins": active.astype(np.int64),
            "tau": tau,
            "p_value": p,
            "q_value": q,
            "trend": _classes(total, active / n_bins, tau, q, placed, alpha),
        },
        index=streets.segments.index[segments],
    )
    validate(table, SEGMENT_TRENDS)
    (tau_all,), (p_all,) = mann_kendall(np.bincount(at, minlength=n_bins)[None, :])
    table.attrs = {
        "bins": [moment.isoformat() for moment in edges],
        "alpha": float(alpha),
        "fingerprint": streets.fingerprint,
        "all": {"tau": float(tau_all), "p_value": float(p_all)},
        "report": report,
    }
    return table


def mann_kendall(counts: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Test each row of counts (n, T) for a trend; return tau-b and p, (n,) each.

    A row whose counts are all alike has tau 0 and p 1.

    Examples
    --------
    >>> tau, p = mann_kendall(np.array([[1, 2, 3, 4, 5, 6], [2, 2, 2, 2, 2, 2]]))
    >>> tau.tolist(), p.round(4).tolist()
    ([1.0, 0.0], [0.0085, 1.0])
    """
    from scipy.special import ndtr

    n, t = counts.shape
    s = np.zeros(n, dtype=np.int64)
    equal = np.zeros((n, t), dtype=np.int64)  # how many other bins hold the same count
    for lag in range(1, t):
        later, earlier = counts[:, lag:], counts[:, :-lag]
        s += (later > earlier).sum(axis=1) - (later < earlier).sum(axis=1)
        same = later == earlier
        equal[:, lag:] += same
        equal[:, :-lag] += same
    # Each of the m bins of a tie adds 1 / m of the tie's m (m - 1) (2 m + 5).
    ties = (equal * (2 * equal + 7)).sum(axis=1)
    variance = (t * (t - 1) * (2 * t + 5) - ties) / 18
    pairs = t * (t - 1) / 2
    unlike = pairs - equal.sum(axis=1) / 2
    varies = unlike > 0
    tau, p = np.zeros(n), np.ones(n)
    tau[varies] = s[varies] / np.sqrt(pairs * unlike[varies])
    z = np.maximum(np.abs(s[varies]) - 1, 0) / np.sqrt(variance[varies])
    p[varies] = 2 * ndtr(-z)
    return tau, p


def _step(text: Any) -> pd.Timedelta | None:
    """Return the length of the bins, None for calendar months."""
    if text == "month":
        return None
    wanted = "wanted whole days or weeks, such as '4W' or '28D', or 'month'"
    if not isinstance(text, (str, pd.Timedelta)) or re.fullmatch(r"[\d.\s]*", str(text)):
        raise OptionError(f"bin={text!r}; {wanted}.")
    try:
        step = pd.Timedelta(text)
    except ValueError as error:
        raise OptionError(f"bin={text!r} is not a length of time; {wanted}.") from error
    if step is pd.NaT or step <= pd.Timedelta(0) or step % pd.Timedelta(days=1):
        raise OptionError(f"bin={text!r}; {wanted}.")
    return step


def _edges(placed: Placed, step: pd.Timedelta | None, given: Any) -> pd.DatetimeIndex:
    """Return the borders of the bins in local wall time (naive)."""
    if placed.observed is None:
        raise SchemaError("no event has a time, so there are no trends in them.")
    zone = placed.events["occurred_from"].dt.tz
    start, end = (moment.tz_convert(zone).tz_localize(None) for moment in placed.observed)
    if step is None:
        edges = pd.date_range(start, end, freq="MS")
        edges = edges[edges.normalize() == edges] if len(edges) else edges
    else:
        n = int((end - start) // step)
        edges = pd.DatetimeIndex([end - k * step for k in range(n, -1, -1)])
    if len(edges) - 1 < FEWEST_BINS:
        raise OptionError(
            f"the observed period {start} to {end} holds {max(len(edges) - 1, 0)} whole bins of "
            f"{given!r}; a trend needs at least {FEWEST_BINS}: give a shorter bin= or more events."
        )
    return edges


def _binned(placed: Placed, edges: pd.DatetimeIndex) -> tuple[Ints, Ints, dict[str, int]]:
    """Return the bin and segment of each event that has one, and say of the others why not."""
    events = placed.events
    middle = moments(events).dt.tz_localize(None)
    width = (events["occurred_to"] - events["occurred_from"]).fillna(pd.Timedelta(0))
    known = middle.notna().to_numpy()
    vague = known & (width > (edges[1:] - edges[:-1]).max()).to_numpy()
    at = np.full(len(events), -1, dtype=np.int64)
    fine = known & ~vague
    at[fine] = np.searchsorted(edges.to_numpy(), middle.to_numpy()[fine], side="right") - 1
    fine &= (at >= 0) & (at < len(edges) - 1)
    report = placed.report | {
        "without a time": int((~known).sum()),
        "known to no bin": int(vague.sum()),
        "before the first bin or after the last": int((known & ~vague & ~fine).sum()),
        "used": int(fine.sum()),
    }
    return at[fine], placed.row[fine], report


def _classes(
    total: Ints, active: Floats, tau: Floats, q: Floats, placed: Placed, alpha: float
) -> npt.NDArray[np.object_]:
    length = placed.length[placed.counted]
    count, some = total.astype(np.float64), total > 0
    _, chance = binomial_tails(count, np.full(len(count), count.sum()), length / length.sum())
    hot = false_discovery(chance) <= alpha
    clear = np.nan_to_num(q, nan=1.0) <= alpha
    steady = hot & (active >= PERSISTENT)
    return np.select(
        [clear & (tau > 0), clear & (tau < 0), steady, some],
        ["emerging", "fading", "persistent", "sporadic"],
        default="none",
    ).astype(object)
