"""Where events gather: Getis-Ord Gi* and local Moran of counts on the street graph."""

from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.risk.options import check_flag
from patrolmap.risk.spots.chance import as_many, false_discovery
from patrolmap.risk.spots.placed import Placed, check_number, place_events
from patrolmap.schema import LOCAL_STATISTICS, require_type, validate
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["gi", "moran"]

ENOUGH = 20  # permuted sums as large as the observed after which no more are drawn


class Local(NamedTuple):
    """The statistic of the segments that count; `rows` are theirs in the streets."""

    rows: Ints
    n_events: Ints
    expected: Floats
    around: Ints
    expected_around: Floats
    statistic: Floats
    p: Floats
    q: Floats


def local_statistics(
    events: gpd.GeoDataFrame,
    streets: StreetNetwork,
    *,
    method: Method = "gi",
    alpha: float = 0.05,
    reach: float = 150.0,
    n_permutations: int = 9_999,
    seed: int = 0,
    max_snap: float = 50.0,
    police_initiated: bool = False,
    observed: Any = None,
) -> pd.DataFrame:
    """Test each segment for more events on it and its neighbours than its streets' length explains.

    Both statistics are of counts, never of a smoothed density, of which everything is significant.
    Longer segments catch more events, and counts per metre of short ones are all noise, so what is
    compared is each count against what its length would catch, with lambda = events / metres:

        x_j = (c_j - lambda l_j) / sqrt(lambda l_j),   w_ij = sqrt(l_j) for the neighbours j of i,

    so that sum_j w_ij x_j is, but for a constant, the events around i beyond those expected, and
    all x_j vary alike where chance alone is at work.

    - "gi": Getis-Ord Gi* (Ord & Getis 1995), i being a neighbour of itself. The statistic is its
      z score. p is the chance of as many events around i as there are, or more, from the negative
      binomial distribution that has the mean and the variance of z (Poisson, where counts vary no
      more than chance makes them): of counts as low as a street's, the normal distribution calls
      dozens of segments hot where 6,000 events lie at random on 12,000 segments.
    - "moran": local Moran (Anselin 1995), i left out and weights adding up to 1 ("row
      standardised"); the statistic is z_i sum_j w_ij z_j. p is by conditional permutation: others'
      values put on the neighbours of i. Asked only where i itself has more than expected, so a hot
      segment has hot neighbours ("high-high"). Draws stop at 20 as large (Besag & Clifford 1991).
      p is never below 1 / (1 + n_permutations), so that of m segments asked at least
      m / (1 + n_permutations) / alpha must be hot for any to be called so.

    Parameters
    ----------
    events
        As `read_events` returns them.
    streets
        Walkable segments inside the boundary count.
    method
        "gi" or "moran".
    alpha
        Rate of false discoveries among the segments called hot (Benjamini & Hochberg 1995).
    reach
        Segments are neighbours where their nearest ends lie at most this many metres apart along
        the streets; 0: where they share a node (too few, where segments are short).
    n_permutations
        Draws at most, for "moran".
    seed
        Of the draws.
    max_snap
        Metres from a walkable street beyond which an event is left out.
    police_initiated
        Whether offences that police found by their own work count.
    observed
        Period (start, end) to count events of; default all.

    Returns
    -------
    DataFrame
        `patrolmap.schema.LOCAL_STATISTICS`, a row for each segment that counts; `attrs` hold
        method, alpha, fingerprint, and the report of what became of the events.

    Raises
    ------
    OptionError, SchemaError, CRSError
        If an option is out of range, or events break their contract or have no CRS.

    References
    ----------
    Ord, J. K. & Getis, A. (1995). Local spatial autocorrelation statistics. Geographical Analysis
    27(4), 286-306. doi:10.1111/j.1538-4632.1995.tb00912.x
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27(2),
    93-115. doi:10.1111/j.1538-4632.1995.tb00338.x
    Assunção, R. M. & Reis, E. A. (1999). A new proposal to adjust Moran's I for population density.
    Statistics in Medicine 18(16), 2147-2162 (counts against what is expected).

    Examples
    --------
    >>> import patrolmap as pm
    >>> sample = pm.datasets.sample()
    >>> streets = pm.read_streets(sample.streets)
    >>> events = pm.check_events(sample.crimes, kind="crime", tz="Asia/Almaty").events
    >>> found = local_statistics(events, streets)
    >>> bool(found["hot"].any()), found.attrs["report"]["used"] <= len(events)
    (True, True)
    """
    require_type(streets, StreetNetwork, name="streets")
    check_local(method, alpha, reach, n_permutations, seed)
    check_flag("police_initiated", police_initiated)
    placed = place_events(
        events, streets, max_snap=max_snap, police_initiated=police_initiated, observed=observed
    )
    found = local_test(placed, method, reach=reach, n_permutations=n_permutations, seed=seed)
    table = pd.DataFrame(
        {
            "n_events": found.n_events,
            "expected": found.expected,
            "n_around": found.around,
            "expected_around": found.expected_around,
            "statistic": found.statistic,
            "p_value": found.p,
            "q_value": found.q,
            "hot": found.q <= alpha,
        },
        index=streets.segments.index[found.rows],
    )
    validate(table, LOCAL_STATISTICS)
    table.attrs = {
        "method": method,
        "alpha": float(alpha),
        "fingerprint": streets.fingerprint,
        "report": placed.report,
    }
    return table


def check_local(method: Any, alpha: Any, reach: Any, n_permutations: Any, seed: Any) -> None:
    """Check the options of the local statistics."""
    if method not in ("gi", "moran"):
        raise OptionError(f"method={method!r}; wanted 'gi' or 'moran'.")
    check_number("alpha", alpha, "a rate above 0 and below 1, such as 0.05", above=0, most=0.999999)
    check_number("reach", reach, "metres from 0 to 5,000", least=0, most=5000)
    check_number(
        "n_permutations", n_permutations, "a whole number from 99 up", least=99, whole=True
    )
    check_number("seed", seed, "a whole number from 0 up", least=0, most=2**63 - 1, whole=True)


def local_test(
    placed: Placed, method: str, *, reach: float, n_permutations: int, seed: int
) -> Local:
    """Compute the statistic of every segment that counts, its p and its q."""
    rows = np.flatnonzero(placed.counted).astype(np.int64)
    count, length = placed.counts[rows], placed.length[rows]
    near = neighbours(placed.streets, rows, reach)
    total = int(count.sum())
    rate = total / length.sum() if len(rows) else 0.0
    expected = rate * length
    around, expected_around = near @ count, near @ expected
    if total == 0 or len(rows) < 3:  # nothing to compare
        nothing = np.zeros(len(rows))
        p = np.ones(len(rows))
        return Local(rows, count, expected, around, expected_around, nothing, p, p)
    x = (count - expected) / np.sqrt(expected)
    if method == "gi":
        statistic, p = _getis_ord(near, length, x, around, expected_around, rate)
    else:
        statistic, p = _moran(near, length, x, n_permutations, seed)
    return Local(rows, count, expected, around, expected_around, statistic, p, false_discovery(p))


def neighbours(streets: StreetNetwork, rows: Ints, reach: float) -> Any:
    """Return the neighbours of segments, themselves too, as a sparse 0-1 matrix (int64)."""
    from scipy.sparse import csr_array

    tail, head = (end[rows] for end in streets.ends)
    n, n_nodes = len(rows), len(streets.nodes)
    both = np.concatenate([np.arange(n), np.arange(n)])
    at = csr_array((np.ones(2 * n, np.int64), (both, np.concatenate([tail, head]))), (n, n_nodes))
    if reach > 0:
        from patrolmap._kernels.near import balls

        graph = streets.graph("walk")
        sources = np.unique(np.concatenate([tail, head]))
        start, node, _ = balls(
            graph.indptr, graph.head, graph.length, sources, np.int64(reach * 1000)
        )
        indptr = np.zeros(n_nodes + 1, np.int64)
        indptr[sources + 1] = np.diff(start)
        ball = csr_array(
            (np.ones(len(node), np.int64), node, np.cumsum(indptr)), (n_nodes, n_nodes)
        )
        near = at @ ball @ at.T
    else:
        near = at @ at.T
    near.data[:] = 1
    near.sort_indices()
    return near


def _getis_ord(
    near: Any, length: Floats, x: Floats, around: Ints, expected: Floats, rate: float
) -> tuple[Floats, Floats]:
    """Return z of Gi*, and the chance of as many events around each segment or more."""
    n = len(x)
    root = np.sqrt(length)
    mean = x.mean()
    variance = float((x * x).mean() - mean * mean)
    weight, square = near @ root, near @ length
    spread = variance * np.maximum(n * square - weight * weight, 0.0) / (n - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(spread > 0, (near @ (root * x) - mean * weight) / np.sqrt(spread), 0.0)
    # The same in events: sum_j w x = (events around - expected) / sqrt(rate).
    return z, as_many(around, expected + np.sqrt(rate) * mean * weight, rate * spread)


def _moran(
    near: Any, length: Floats, x: Floats, n_permutations: int, seed: int
) -> tuple[Floats, Floats]:
    """Return local Moran, and p by conditional permutation where x is above its mean."""
    from scipy.sparse import csr_array

    from patrolmap._kernels.chance import lag_tails

    z = (x - x.mean()) / max(float(x.std()), 1e-300)
    pairs = near.tocoo()
    i, j = pairs.coords
    apart = i != j
    i, j = i[apart], j[apart]
    root = np.sqrt(length)
    whole = np.bincount(i, weights=root[j], minlength=len(x))
    graph = csr_array((root[j] / whole[i], (i, j)), shape=near.shape)
    graph.sort_indices()
    statistic = z * (graph @ z) * (len(x) - 1) / len(x)
    rows = np.flatnonzero((x > 0) & (z > 0)).astype(np.int64)
    p = np.full(len(x), np.nan)
    arrays = (graph.indptr.astype(np.int64), graph.indices.astype(np.int64), graph.data)
    p[rows] = lag_tails(z, arrays, rows, n_permutations, ENOUGH, seed)
    return statistic, p
