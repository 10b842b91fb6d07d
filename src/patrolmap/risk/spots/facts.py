"""What the events say of each hotspot: how many of which kind, when, whether more, how sure."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.events.hours import clock_weights
from patrolmap.risk.moments import moments
from patrolmap.risk.spots.chance import binomial_tails
from patrolmap.risk.spots.pieces import beside
from patrolmap.risk.spots.placed import Placed
from patrolmap.schema import EVENT_KINDS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PEAK = 4  # clock hours in a row
FACTS = (
    *("n_events", *(f"n_{kind}" for kind in EVENT_KINDS)),
    *("peak_hours", "peak_share", "trend", "trend_p", "p_value"),
)


def no_facts(n: int) -> pd.DataFrame:
    """Return the columns of `facts` without values, where no events were given."""
    table = pd.DataFrame(index=range(n), columns=list(FACTS))
    kinds = {name: "Int64" if name.startswith("n_") else "float64" for name in FACTS}
    return table.astype(kinds | {"peak_hours": "str"})


def facts(
    placed: Placed, rows: Ints, group: Ints, *, n_simulations: int, seed: int
) -> pd.DataFrame:
    """Describe each group of segments by the events on it; one row a group, by its number."""
    n = int(group.max()) + 1 if len(group) else 0
    table = no_facts(n)
    if n == 0:
        return table
    of_segment = np.full(len(placed.counted), -1, dtype=np.int64)
    of_segment[rows] = group
    at = of_segment[placed.row]
    on = np.flatnonzero(at >= 0)
    kind = pd.Index(EVENT_KINDS).get_indexer(placed.events["kind"])
    count = np.bincount(at[on] * len(EVENT_KINDS) + kind[on], minlength=n * len(EVENT_KINDS))
    by_kind = count.reshape(n, len(EVENT_KINDS))
    table["n_events"] = by_kind.sum(axis=1).astype(np.int64)
    for name, column in zip(EVENT_KINDS, by_kind.T, strict=True):
        table[f"n_{name}"] = column.astype(np.int64)
    hours, share = _peaks(placed, at, n)
    table["peak_hours"] = pd.array(hours, dtype="str")
    table["peak_share"] = share
    table["trend"], table["trend_p"] = _trends(placed, at, n)
    table["p_value"] = _chances(placed, rows, group, by_kind.sum(axis=1), n_simulations, seed)
    return table.astype({name: "Int64" for name in FACTS if name.startswith("n_")})


def _peaks(placed: Placed, at: Ints, n: int) -> tuple[list[str | None], Floats]:
    """Find the four clock hours with most events, of those that tell their hour within a day."""
    events = placed.events
    width = (events["occurred_to"] - events["occurred_from"]).fillna(pd.Timedelta(0))
    tells = events["time_precision"].isin(["minute", "hour", "period"])
    tells &= events["occurred_from"].notna() & (width < pd.Timedelta(days=1))
    some = np.flatnonzero((at >= 0) & tells.to_numpy())
    total = np.zeros((n, 24))
    if len(some):
        np.add.at(total, at[some], clock_weights(events.iloc[some]))
    wrapped = np.concatenate([total, total[:, : PEAK - 1]], axis=1)
    sums = np.lib.stride_tricks.sliding_window_view(wrapped, PEAK, axis=1).sum(axis=2)
    sums = np.round(sums, 6)  # equal sums in another order are equal: the earliest hours win
    best, whole = sums.argmax(axis=1), total.sum(axis=1)
    known = whole > 0
    words = [
        f"{h:02d}:00-{(h + PEAK) % 24:02d}:00" if k else None
        for h, k in zip(best.tolist(), known, strict=True)
    ]
    share = np.full(n, np.nan)
    share[known] = np.minimum(sums.max(axis=1)[known] / whole[known], 1.0)
    return words, share


def _trends(placed: Placed, at: Ints, n: int) -> tuple[Floats, Floats]:
    """Compare the later half of the period with the earlier, against the same of all events.

    Half an event is added to each count, so that none is divided by. p is two-sided, binomial:
    each of the hotspot's events comes late with the share of all events that do.
    """
    ratio, p = np.full(n, np.nan), np.full(n, np.nan)
    middle = moments(placed.events)
    known = middle.notna().to_numpy()
    if placed.observed is None or not known.any():
        return ratio, p
    start, end = placed.observed
    late = (middle >= start + (end - start) / 2).to_numpy()
    share = float(late[known].mean())
    if not 0 < share < 1:
        return ratio, p
    on = known & (at >= 0)
    both = np.bincount(at[on], minlength=n).astype(np.float64)
    after = np.bincount(at[on & late], minlength=n).astype(np.float64)
    some = both > 0
    odds = (after + 0.5) / (both - after + 0.5)
    ratio[some] = (odds / (share / (1 - share)))[some]
    lower, upper = binomial_tails(after[some], both[some], share)
    p[some] = np.minimum(2 * np.minimum(lower, upper), 1.0)
    return ratio, p


def _chances(
    placed: Placed, rows: Ints, group: Ints, count: Ints, n_simulations: int, seed: int
) -> Floats:
    """Hold each group against the strongest of as many events thrown on the same streets.

    Strength is Kulldorff's log likelihood ratio of its events given its share of the length. In
    each simulation the segments with the most events per metre are taken, up to the length of all
    groups together, and joined as groups are: so the selection is tested along with the group.
    """
    from patrolmap._kernels.chance import excesses, strongest_by_chance

    segments = np.flatnonzero(placed.counted)
    length = placed.length
    total, whole = len(placed.row), float(length[segments].sum())
    metres = np.bincount(group, weights=length[rows])
    if total == 0:
        return np.full(len(metres), np.nan)
    strength = excesses(count.astype(np.float64), total * metres / whole, float(total))
    nodes = np.column_stack([end[segments] for end in placed.streets.ends])
    ends = np.unique(nodes, return_inverse=True)[1].reshape(nodes.shape).astype(np.int64)
    side = np.column_stack(beside(placed.streets.segments.iloc[segments], _own(len(segments))))
    best = strongest_by_chance(
        length[segments], np.ascontiguousarray(ends), np.ascontiguousarray(side), total,
        float(length[rows].sum()) + 1e-3, n_simulations, seed,
    )  # fmt: skip
    above = len(best) - np.searchsorted(np.sort(best), strength, side="left")
    p: Floats = (1 + above) / (1 + n_simulations)
    return p


def _own(n: int) -> Ints:
    return np.arange(n, dtype=np.int64)
