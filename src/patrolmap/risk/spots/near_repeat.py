"""Near repeats: whether events follow one another nearby, and soon, more than chance would."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap._crs import point_coordinates, require_metres
from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk.moments import moments
from patrolmap.risk.options import check_flag
from patrolmap.risk.spots.placed import Placed, check_number, place_events, select_events
from patrolmap.schema import NEAR_REPEAT, require_type, validate
from patrolmap.streets.network import StreetNetwork

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MOST_PAIRS = 200_000_000
SAME_PLACE = "same place"


def near_repeat(
    events: gpd.GeoDataFrame,
    *,
    distances: Sequence[float] = (100.0, 200.0, 300.0, 400.0),
    days: Sequence[float] = (7, 14, 21, 28),
    streets: StreetNetwork | None = None,
    n_permutations: int = 999,
    seed: int = 0,
    max_snap: float = 50.0,
    police_initiated: bool = False,
    observed: Any = None,
) -> pd.DataFrame:
    """Test whether events near one another in space are near in time too (Knox).

    All pairs of events are counted by their distance and by the time between them, and the counts
    held against those with the times dealt out anew: places and times stay what they are, only
    who had which changes. So neither hot places nor busy weeks make a near repeat by themselves.

    Give one kind and one category at a time: of burglaries a repeat means something, of everything
    together little. Events that stand at geomasked or block coordinates repeat "at one place"
    without doing so.

    Parameters
    ----------
    events
        As `read_events` returns them. Each stands at the middle of its interval; one without a
        time, or with an interval longer than the first of `days`, is left out and counted.
    distances
        Upper limits of the bands of distance in metres, ascending: by default from 0 to below
        100, from 100 to below 200, and so on. The same place (to the millimetre) is a band of its
        own before them.
    days
        Upper limits of the bands of time in days, ascending, likewise from 0.
    streets
        Measure along these streets, from the nearest point of each event's street; default
        straight.
    n_permutations, seed
        How many times to deal, and the seed of it.
    max_snap
        With `streets`: metres from a walkable street beyond which an event is left out.
    police_initiated
        Whether offences that police found by their own work count.
    observed
        Period (start, end) to take events of; default all.

    Returns
    -------
    DataFrame
        `patrolmap.schema.NEAR_REPEAT`: a row for each band of distance and of time, with the
        pairs observed, those expected (pairs of the distance x pairs of the time / all pairs,
        which is exactly the mean over all deals), their ratio, and
        p = (1 + deals with as many or more) / (1 + n_permutations), one-sided, for each band by
        itself. `attrs` hold the report of the events, n_permutations, seed, and `streets`.

    Raises
    ------
    OptionError
        If bands do not ascend, an option is out of range, or there are too many pairs.
    SchemaError, CRSError
        If events break their contract, lack a metric CRS, or fewer than 3 have place and time.

    Notes
    -----
    Pairs come from a grid (or bounded searches along the streets) and are listed once, by distinct
    places; a permutation then costs one pass over them, 64 permutations side by side: O(n + pairs)
    each, with 9 bytes a pair of places.

    References
    ----------
    Knox, E. G. (1964). The detection of space-time interactions. Applied Statistics 13(1), 25-30.
    doi:10.2307/2985220
    Ratcliffe, J. H. & Rengert, G. F. (2008). Near-repeat patterns in Philadelphia shootings.
    Security Journal 21(1-2), 58-76. doi:10.1057/palgrave.sj.8350068

    Examples
    --------
    >>> import patrolmap as pm
    >>> sample = pm.datasets.sample()
    >>> events = pm.check_events(sample.crimes, kind="crime", tz="Asia/Almaty").events
    >>> found = near_repeat(events, distances=[100, 200], days=[7, 14], n_permutations=99)
    >>> found["observed"].unstack().shape
    (3, 2)
    """
    metres, hours = _bands("distances", distances, 20_000.0), _bands("days", days, 3660.0)
    check_number(
        "n_permutations", n_permutations, "a whole number from 19 to 99,999", least=19,
        most=99_999, whole=True,
    )  # fmt: skip
    check_number("seed", seed, "a whole number from 0 up", least=0, most=2**63 - 1, whole=True)
    check_flag("police_initiated", police_initiated)
    limit = round(metres[-1] * 1000)
    longest = pd.Timedelta(days=hours[0])
    if streets is None:
        kept, _, report = select_events(
            events, police_initiated=police_initiated, observed=observed
        )
        require_metres(kept.crs, what="the events table")
        places, minute = _in_plane(kept, limit, longest, report)
    else:
        require_type(streets, StreetNetwork, name="streets")
        placed = place_events(
            events, streets, max_snap=max_snap, police_initiated=police_initiated, observed=observed
        )
        report = placed.report
        places, minute = _along(placed, limit, longest, report)
    table = _knox(places, minute, metres, hours, n_permutations, seed)
    validate(table, NEAR_REPEAT)
    table.attrs = {
        "n_permutations": int(n_permutations),
        "seed": int(seed),
        "streets": None if streets is None else streets.fingerprint,
        "report": report,
    }
    return table


class _Places(NamedTuple):
    """Events place by place, and which places are near one another (CSR, mm)."""

    start: Ints
    indptr: Ints
    other: npt.NDArray[np.int32]
    distance: npt.NDArray[np.int32]


def _bands(name: str, given: Any, most: float) -> Floats:
    try:
        limits = np.asarray([float(value) for value in given], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name}={given!r}; wanted numbers such as [100, 200, 300].") from error
    fits = 0 < len(limits) <= 100 and np.isfinite(limits).all() and limits[0] >= 0.001
    if not (fits and (np.diff(limits) >= 0.001).all() and limits[-1] <= most):
        raise OptionError(
            f"{name}={given!r}; wanted upper limits of bands above 0 and at most {most:,.0f}, "
            "ascending."
        )
    return limits


def _dated(
    events: gpd.GeoDataFrame, longest: pd.Timedelta, there: Any, report: dict[str, int]
) -> tuple[npt.NDArray[np.bool_], Ints]:
    """Say which events have a place and a time that tells, and return their minutes from 0."""
    middle = moments(events)
    width = (events["occurred_to"] - events["occurred_from"]).fillna(pd.Timedelta(0))
    known = middle.notna().to_numpy()
    vague = known & (width > longest).to_numpy()
    used = known & ~vague & there
    report |= {
        "without a place": int((~there).sum()),
        "without a time": int((~known & there).sum()),
        "known to no band of time": int((vague & there).sum()),
        "used": int(used.sum()),
    }
    if used.sum() < 3:
        raise SchemaError(
            f"{int(used.sum())} of {len(events):,} events have a place and a time known to "
            f"{longest}; pairs need at least 3."
        )
    utc = middle[used].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[m]")
    minute = utc.astype(np.int64)
    minute -= minute.min()
    if minute.max() >= 2**31:
        raise SchemaError("the events span more than 4,000 years; check their times.")
    return used, minute


def _in_plane(
    events: gpd.GeoDataFrame, limit: int, longest: pd.Timedelta, report: dict[str, int]
) -> tuple[_Places, Ints]:
    from patrolmap._kernels.near import near_in_plane

    xy = np.column_stack(point_coordinates(events.geometry))
    used, minute = _dated(events, longest, np.isfinite(xy).all(axis=1), report)
    place, of = np.unique(np.rint(xy[used] * 1000).astype(np.int64), axis=0, return_inverse=True)
    order, (indptr, other, distance) = near_in_plane(place, limit, _MOST_PAIRS)
    _few_enough(indptr)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return _by_place(rank[of.reshape(-1)], minute, indptr, other, distance)


def _along(
    placed: Placed, limit: int, longest: pd.Timedelta, report: dict[str, int]
) -> tuple[_Places, Ints]:
    used, minute = _dated(placed.events, longest, np.ones(len(placed.row), dtype=bool), report)
    of, pairs = street_places(placed.streets, placed.row[used], placed.offset[used], limit)
    return _by_place(of, minute, *pairs)


def street_places(
    streets: StreetNetwork, row: Ints, offset: Ints, limit: int, *, most: int = _MOST_PAIRS
) -> tuple[Ints, tuple[Ints, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
    """Return the place of each event, and which places are less than `limit` mm apart.

    Places are numbered by segment and offset; an end of a segment is another place on each of the
    segments that meet there, at distance 0.
    """
    from patrolmap._kernels.near import near_on_streets

    n = len(streets.segments)
    key, of = np.unique(row * 1_000_000_000 + offset, return_inverse=True)
    start = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(key // 1_000_000_000, minlength=n), out=start[1:])
    graph = streets.graph("walk")
    pairs = near_on_streets(
        graph.indptr, graph.head, graph.segment, graph.length,
        np.column_stack(streets.ends), streets.length_mm, start, key % 1_000_000_000,
        np.int64(limit), np.int64(most),
    )  # fmt: skip
    _few_enough(pairs[0])
    return of.astype(np.int64), pairs


def _few_enough(indptr: Ints) -> None:
    if indptr[-1] < 0:
        raise OptionError(
            f"more than {_MOST_PAIRS:,} pairs of places lie within the largest distance; "
            "give shorter distances, or fewer events (one kind, one district)."
        )


def _by_place(
    of: Ints, minute: Ints, indptr: Ints, other: Any, distance: Any
) -> tuple[_Places, Ints]:
    """Order events by place, and by time within, so that their order in the table is forgotten."""
    order = np.lexsort((minute, of))
    start = np.zeros(len(indptr), dtype=np.int64)
    np.cumsum(np.bincount(of, minlength=len(indptr) - 1), out=start[1:])
    return _Places(start, indptr, other, distance), minute[order]


def _knox(
    places: _Places, minute: Ints, metres: Floats, days: Floats, n_permutations: int, seed: int
) -> pd.DataFrame:
    from patrolmap._kernels.knox import count_pairs

    limits = np.rint(metres * 1000).astype(np.int64)
    band = np.searchsorted(limits, places.distance, side="right").astype(np.int8)
    band[places.distance == 0] = -1  # on streets: one place at the end of two segments
    edges = np.ceil(days * 1440 - 1e-9).astype(np.int64)
    edges = np.minimum(edges, 2**31 - 1)
    counts = count_pairs(
        minute, places.start, (places.indptr, places.other, band), edges, len(metres),
        n_permutations, seed,
    )  # fmt: skip
    observed, dealt = counts[0], counts[1:]
    size = np.diff(places.start)
    both = np.repeat(size, np.diff(places.indptr)) * size[places.other]
    apart = np.bincount(band.astype(np.int64) + 1, weights=both, minlength=len(metres) + 1)
    apart[0] += (size * (size - 1) // 2).sum()
    n = len(minute)
    expected = np.outer(apart, _pairs_in_time(minute, edges)) / (n * (n - 1) / 2)
    p = (1 + (dealt >= observed).sum(axis=0)) / (1 + n_permutations)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(expected > 0, observed / expected, np.nan)
    near, soon = _labels([0.0, *metres], "m"), _labels([0.0, *days], "days")
    index = pd.MultiIndex.from_product([[SAME_PLACE, *near], soon], names=["distance", "days"])
    columns = {
        "distance_from": np.repeat([0.0, 0.0, *metres[:-1]], len(days)),
        "distance_to": np.repeat([0.0, *metres], len(days)),
        "days_from": np.tile([0.0, *days[:-1]], len(metres) + 1),
        "days_to": np.tile(days, len(metres) + 1),
        "observed": observed.ravel(),
        "expected": expected.ravel(),
        "ratio": ratio.ravel(),
        "p_value": p.ravel(),
    }
    return pd.DataFrame(columns, index=index)


def _labels(limits: Sequence[float], unit: str) -> list[str]:
    return [f"{low:g}-{high:g} {unit}" for low, high in pairwise(limits)]


def _pairs_in_time(minute: Ints, edges: Ints) -> Floats:
    """Count all pairs of events by band of time."""
    when = np.sort(minute)
    ranks = np.arange(len(when))
    below = [int((ranks - np.searchsorted(when, when - e, side="right")).sum()) for e in edges]
    return np.diff(np.array(below, dtype=np.float64), prepend=0.0)
