"""Network kernel density on lixels: weighted events per metre of street."""

import logging
from typing import Any, Literal, NamedTuple, get_args

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import NetworkMismatchError, OptionError, SchemaError
from patrolmap.risk.density.kernels import kernel_named
from patrolmap.risk.density.lixels import Lixels
from patrolmap.risk.density.simple import simple_density
from patrolmap.risk.density.snapped import Snapped, place, weigh
from patrolmap.risk.density.waves import FARTHEST, lixel_waves
from patrolmap.risk.options import check_flag, count_events, metres
from patrolmap.schema import require_type
from patrolmap.streets.network import StreetNetwork

_log = logging.getLogger(__name__)
Floats = npt.NDArray[np.float64]
Method = Literal["esd", "esc", "simple"]
DeadEnd = Literal["reflect", "absorb"]

CLASSES = 5
"""Bandwidths that `adaptive=True` uses."""
MOST_ADAPTED = 3.0
"""They are at most so many times wider or narrower than the one given."""


def network_kde(
    events: pd.DataFrame,
    streets: StreetNetwork,
    *,
    bandwidth: float | Literal["auto"] = "auto",
    lixel_length: float | Lixels = 20.0,
    kernel: str = "quartic",
    method: Method = "esd",
    dead_end: DeadEnd = "reflect",
    weights: Any = None,
    adaptive: bool = False,
    at: Any = None,
    half_life: str | None = None,
    max_snap: float = 50.0,
) -> gpd.GeoDataFrame:
    """Estimate the density of events along the streets, at the centres of lixels.

    Parameters
    ----------
    events
        Points in any CRS, or what `snap_events` (for walking) made of them: columns segment_id and
        offset.
    streets
        Only segments that may be walked count.
    bandwidth
        Metres along the streets that an event reaches. "auto" takes what `select_bandwidth` finds.
    lixel_length
        Metres: segments are cut into equal pieces that are no longer. `Lixels` cut before keep
        their lines from call to call, whose cutting takes longer than the density.
    kernel
        "quartic", "epanechnikov", "triangular", "uniform" or "gaussian" (cut off at the bandwidth,
        which is 3 sigma).
    method
        How a branch goes on at a junction of n streets. "esd" splits it equally over the n - 1
        ahead; "esc" continues with 2 / n along each and 2 / n - 1, which is below 0, back, so that
        the density is continuous (Okabe & Sugihara 2012, ch. 9); "simple" gives every branch the
        whole kernel of the shortest distance.
    dead_end
        Whether a branch turns back at a dead end ("reflect") or leaves there ("absorb"). The simple
        kernel always ends there.
    weights : (n_events,) numbers, a Series by event, or a column's name, optional
        What each event counts, 0 or more; default 1 each.
    adaptive
        Let the bandwidth follow the density: b_i = b sqrt(g / f(x_i)), where f is the density at
        the fixed bandwidth, g its geometric mean over the events (Abramson 1982), within
        `MOST_ADAPTED` times b either way, in `CLASSES` classes of as many events each.
    at, half_life
        Count only what happened before `at`, an event that is `half_life` old by half. Either
        alone: `at` alone forgets nothing, `half_life` alone counts age from the last event. Needs
        the events' times, as `read_events` makes them.
    max_snap
        Metres from a walkable street beyond which an event is left out.

    Returns
    -------
    GeoDataFrame
        As `patrolmap.schema.LIXELS`, in the CRS of the streets: segment_id, start, end, density
        (weighted events per metre at the middle), geometry. By "esc" density may be below 0: keep
        it in sums, clip it in drawings only.

        `attrs`: unit, bandwidth (with adaptive a list), kernel, method, dead_end, lixel_length,
        total (weight of the events used), n_lixels (rows of the whole table), fingerprint (of the
        streets), scores (score by bandwidth where it was chosen), notes.

    Raises
    ------
    SchemaError
        If there are no events, none in the time asked for, none near a street, one that is no
        point, or a weight is missing or below 0.
    CRSError
        If the events have no CRS.
    OptionError
        If an option is out of range, or the bandwidth is below the lixel length.
    NetworkMismatchError
        If events were snapped to other streets, or lixels cut from others.

    Notes
    -----
    An event of weight w gives w K(d / b) / b, K integrating to 1 along a line. By "esd" and "esc",
    dead ends reflecting, it keeps its weight: density times length over all lixels sums to `total`,
    to the error of taking the middle for the mean (1e-3 at lixels of a 30th of the bandwidth,
    falling with the square of their length). The simple kernel inflates it at every junction.
    By "esd" an event within a metre of a junction starts each of its n streets at 2 / n. Near the
    edge of the streets the density lacks the events beyond: read streets for at least a bandwidth
    around, and events too. A bandwidth over the network's size fills all of it, by "esd" nearly
    evenly; in networks of several pieces no event reaches another piece.

    Time is O(streets * bandwidth) + O(events) by "esd" and "esc": see `patrolmap._kernels.waves`.

    References
    ----------
    Okabe & Sugihara (2012), *Spatial Analysis along Networks*, doi 10.1002/9781119967101;
    McSwiggan, Baddeley & Nair (2017), doi 10.1111/sjos.12255; Abramson (1982), doi
    10.1214/aos/1176345986.

    Examples
    --------
    >>> import geopandas as gpd, patrolmap as pm
    >>> from shapely import LineString, Point
    >>> line = LineString([(500_000, 4_790_000), (500_100, 4_790_000)])
    >>> streets = pm.read_streets(gpd.GeoDataFrame(geometry=[line], crs=32643), crs=32643)
    >>> events = gpd.GeoDataFrame(geometry=[Point(500_030, 4_790_004)], crs=32643)
    >>> lixels = network_kde(events, streets, bandwidth=60)
    >>> lixels[["start", "end", "density"]].round(4)
              start    end  density
    lixel_id
    0           0.0   20.0   0.0172
    1          20.0   40.0   0.0156
    2          40.0   60.0   0.0123
    3          60.0   80.0   0.0048
    4          80.0  100.0   0.0000
    >>> round(float((lixels["density"] * (lixels["end"] - lixels["start"])).sum()), 2)
    1.0
    """
    wanted = _Wanted.checked(kernel, method, dead_end, adaptive)
    lixels = _lixels(streets, lixel_length)
    weight, kept, notes = weigh(events, weights, at, half_life)
    placed = place(events if kept.all() else events[kept], streets, max_snap)
    there = placed.segment >= 0
    if not there.any():
        raise SchemaError(
            f"all {len(there):,} events lie farther than {max_snap:g} m from any walkable street, "
            "or have no place; check the CRS of the events, or give streets around them."
        )
    if not there.all():
        far = count_events(int((~there).sum()))
        notes.append(f"{far} without a walkable street within {max_snap:g} m left out")
    events_at = Snapped(placed.segment[there], placed.offset[there], weight[kept][there])
    if not events_at.weight.any():
        raise SchemaError("all events near the streets weigh 0; there is nothing to spread.")
    base, scores, told = _bandwidth(events_at, streets, bandwidth, wanted, lixels.lixel_length)
    density, used = _density(events_at, lixels, base, wanted)
    table = lixels.table()
    table.insert(3, "density", density)
    table.attrs = {
        "unit": "events per metre" if weights is None and half_life is None
        else "weighted events per metre",
        "bandwidth": used,
        "kernel": kernel,
        "method": method,
        "dead_end": dead_end,
        "lixel_length": lixels.lixel_length,
        "total": float(events_at.weight.sum()),
        "n_lixels": len(table),
        "fingerprint": streets.fingerprint,
        "scores": scores,
        "notes": (*notes, *told),
    }  # fmt: skip
    return table


def to_segments(lixels: gpd.GeoDataFrame, streets: StreetNetwork) -> pd.Series:
    """Add up the density of lixels to expected weighted events per segment.

    Parameters
    ----------
    lixels
        What `network_kde` made, whole; its rows in any order.
    streets
        The streets it was made on.

    Returns
    -------
    Series
        "risk" on the index of `streets.segments`: density times length over each segment's lixels,
        0 where one may not walk. By "esd" and "esc" with dead ends reflecting, what taking the
        middles for the means misses is made up for by one factor, so that the risk sums to the
        events' weight. `attrs`: unit ("count" or "weighted count"), fingerprint, method.

    Raises
    ------
    SchemaError
        If the table is not one of `network_kde`, or only a part of one.
    NetworkMismatchError
        If it was made on other streets.

    Examples
    --------
    >>> import geopandas as gpd, patrolmap as pm
    >>> from shapely import LineString, Point
    >>> lines = [LineString([(0, 0), (90, 0)]), LineString([(90, 0), (90, 90)])]
    >>> moved = gpd.GeoSeries(lines, crs=32643).translate(500_000, 4_790_000)
    >>> streets = pm.read_streets(moved.to_frame("geometry"), max_segment_length=90, crs=32643)
    >>> events = gpd.GeoDataFrame(geometry=[Point(500_060, 4_790_000)], crs=32643)
    >>> to_segments(network_kde(events, streets, bandwidth=60), streets).round(2).tolist()
    [0.9, 0.1]
    """
    require_type(streets, StreetNetwork, name="streets")
    about = getattr(lixels, "attrs", {})
    if not {"fingerprint", "method", "total", "n_lixels"} <= set(about) or "density" not in lixels:
        raise SchemaError("wanted the whole table that network_kde made, with its attrs.")
    if about["fingerprint"] != streets.fingerprint:
        raise NetworkMismatchError(
            f"this density was estimated on another street network ({about['fingerprint']}, here "
            f"{streets.fingerprint}); estimate it on these streets."
        )
    if len(lixels) != about["n_lixels"] or not lixels.index.is_unique:
        raise SchemaError(
            f"the table has {len(lixels):,} lixels, {lixels.index.nunique():,} of them different, "
            f"and network_kde made {about['n_lixels']:,}; give the whole table and choose among "
            "the segments that come out."
        )
    row = streets.segments.index.get_indexer(lixels["segment_id"])
    held = lixels["density"].to_numpy() * (lixels["end"] - lixels["start"]).to_numpy()
    mass = np.bincount(row, held, len(streets.segments)).astype(np.float64)
    if about["method"] != "simple" and about["dead_end"] == "reflect" and mass.sum() > 0:
        mass *= about["total"] / mass.sum()
    risk = pd.Series(mass, index=streets.segments.index, name="risk")
    risk.attrs = {
        "unit": "count" if about["unit"] == "events per metre" else "weighted count",
        "fingerprint": streets.fingerprint,
        "method": about["method"],
    }
    return risk


class _Wanted(NamedTuple):
    """Options, checked."""

    kernel: str
    method: Method
    dead_end: DeadEnd
    adaptive: bool

    @classmethod
    def checked(cls, kernel: str, method: Method, dead_end: DeadEnd, adaptive: bool) -> "_Wanted":
        kernel_named(kernel)
        for name, value, allowed in (
            ("method", method, get_args(Method)),
            ("dead_end", dead_end, get_args(DeadEnd)),
        ):
            if value not in allowed:
                raise OptionError(f"{name}={value!r}; wanted one of {list(allowed)}.")
        check_flag("adaptive", adaptive)
        if method == "simple" and dead_end == "absorb":
            raise OptionError(
                'dead_end="absorb" with method="simple": the simple kernel ends at dead ends '
                'anyway; leave dead_end out, or take method="esd".'
            )
        return cls(kernel, method, dead_end, bool(adaptive))


def _lixels(streets: StreetNetwork, lixel_length: float | Lixels) -> Lixels:
    require_type(streets, StreetNetwork, name="streets")
    if not isinstance(lixel_length, Lixels):
        return Lixels.cut(streets, lixel_length)
    if lixel_length.streets is not streets and lixel_length.streets != streets:
        raise NetworkMismatchError("these lixels were cut from other streets; cut them from these.")
    return lixel_length


def _bandwidth(
    events: Snapped, streets: StreetNetwork, bandwidth: Any, wanted: _Wanted, lixel_length: float
) -> tuple[float, dict[float, float] | None, tuple[str, ...]]:
    """Return the bandwidth, and of its choice the scores and what to say about it."""
    scores = None
    notes: tuple[str, ...] = ()
    if isinstance(bandwidth, str) and bandwidth == "auto":
        from patrolmap.risk.density.bandwidth import network_selection

        found = network_selection(
            streets, *events, kernel=kernel_named(wanted.kernel), method=wanted.method
        )
        scores = found.curve["score"].to_dict()
        bandwidth, notes = found.at_least(lixel_length, "lixel_length")
        _log.info("bandwidth %g m chosen", bandwidth)
    elif isinstance(bandwidth, str):
        raise OptionError(f'bandwidth={bandwidth!r}; wanted metres, or "auto".')
    base = metres(bandwidth, name="bandwidth")
    if base > FARTHEST:
        raise OptionError(f"bandwidth={base:g} m; wanted {FARTHEST:g} m or less.")
    if base < lixel_length:
        raise OptionError(
            f"bandwidth={base:g} m is below lixel_length={lixel_length:g} m, so that events would "
            f"fall between the centres of lixels; give lixel_length={base / 10:g}, or at most "
            f"{base:g}."
        )
    return base, scores, notes


def _density(
    events: Snapped, lixels: Lixels, base: float, wanted: _Wanted
) -> tuple[Floats, float | list[float]]:
    """Return the density at each lixel, and the bandwidths used."""
    fixed = _sum(events, lixels, base, wanted)
    if not wanted.adaptive:
        return fixed, base
    pilot = fixed[lixels.at(events.segment, events.offset)]
    if not (pilot > 0).any():
        return fixed, [base]
    logs = np.log(np.maximum(pilot, pilot[pilot > 0].min()))
    factor = np.exp((np.average(logs, weights=events.weight) - logs) / 2)
    narrowest = max(base / MOST_ADAPTED, lixels.lixel_length)
    reach = np.clip(base * factor, narrowest, min(base * MOST_ADAPTED, FARTHEST))
    total = np.zeros(len(lixels))
    used = []
    # Equal bandwidths stay together, so that the order of the events changes nothing.
    for part in np.unique(pd.Series(reach).rank(pct=True).mul(CLASSES).apply(np.ceil)):
        mine = np.ceil(pd.Series(reach).rank(pct=True).to_numpy() * CLASSES) == part
        used.append(float(np.exp(np.log(reach[mine]).mean())))
        total += _sum(Snapped(*(values[mine] for values in events)), lixels, used[-1], wanted)
    return total, used


def _sum(events: Snapped, lixels: Lixels, bandwidth: float, wanted: _Wanted) -> Floats:
    if wanted.method == "simple":
        return simple_density(
            lixels.streets, *events, bandwidth=bandwidth, kernel=kernel_named(wanted.kernel),
            lixel_indptr=lixels.indptr,
        )  # fmt: skip
    return lixel_waves(
        lixels.streets, lixels.indptr, *events, bandwidth=bandwidth, kernel=wanted.kernel,
        method=wanted.method, dead_end=wanted.dead_end,
    )  # fmt: skip
