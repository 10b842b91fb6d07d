"""What a map tells of itself: its bandwidth, and how much its own counts are worth."""

import logging
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import SchemaError
from patrolmap.risk.density.kernels import kernel_named
from patrolmap.risk.model.shrink import ENOUGH, Prior, fit_prior
from patrolmap.risk.model.spread import spread_events
from patrolmap.risk.options import count_events
from patrolmap.streets.network import StreetNetwork

_log = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["esd", "esc", "simple"]

BANDWIDTHS = (100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 650.0, 800.0, 1000.0)
FALLBACK = 300.0
MOST_PLACES = 30_000  # events that choose a bandwidth: of more, every so-many-th
# The choice needs the density to a per cent only, and this is four times faster.
_TOLERANCE = 1e-3


class Learned(NamedTuple):
    """The bandwidth of one map and the worth of its counts.

    Attributes
    ----------
    bandwidth : float
        Metres.
    strength : float
        K of `shrink.blend`; infinite where counts are left alone.
    curve : Series or None
        Log-likelihood of the counts per event by bandwidth, less that of the best.
    note : str
        What a reader must know; empty where nothing.
    """

    bandwidth: float
    strength: float
    curve: pd.Series | None
    note: str = ""


def learn(
    streets: StreetNetwork,
    kind: str,
    segment: Ints,
    offset: Floats,
    *,
    bandwidth: float | None,
    kernel: str,
    method: Method,
    shrink: bool,
) -> Learned:
    """Choose the bandwidth (where it is None) and K together, by the likelihood of the counts.

    Each segment's count is judged by the density of the other segments' events, spread by the
    discontinuous kernel whatever the method. Without `shrink` the bandwidth is that under which
    the other places predict each place best (`select_bandwidth`).
    """
    if len(segment) == 0:
        return Learned(FALLBACK if bandwidth is None else bandwidth, np.inf, None)
    if not shrink and bandwidth is not None:
        return Learned(bandwidth, np.inf, None)
    if len(segment) < ENOUGH:
        chosen = FALLBACK if bandwidth is None else bandwidth
        note = (
            f"the {kind} map has {count_events(len(segment))} only: they are smoothed over "
            f"{chosen:g} m, and tell nothing of the days of the week"
        )
        return Learned(chosen, np.inf, None, note)
    if not shrink:
        return _places_only(streets, kind, segment, offset, kernel, method)
    grid = BANDWIDTHS if bandwidth is None else (bandwidth,)
    # of so-many-th events only the bandwidth is chosen: K is that of all of them
    every = 1 if len(grid) == 1 else max(1, -(-len(segment) // MOST_PLACES))
    priors = _priors(streets, segment, offset, grid, kernel, every)
    if len(grid) == 1:
        return Learned(grid[0], priors[0].strength, None)
    curve = pd.Series(
        [prior.log_likelihood / len(segment[::every]) for prior in priors],
        index=pd.Index(grid, name="bandwidth"),
    )
    best = int(np.argmax(curve))
    strength = priors[best].strength
    if every > 1:
        strength = _priors(streets, segment, offset, (grid[best],), kernel, every=1)[0].strength
    note = ""
    if best == len(grid) - 1:
        note = (
            f"the {kind} map would be smoothed over {grid[best]:g} m or more: far apart its events "
            "tell as much of each other as near by"
        )
    _log.info("%s: bandwidth %g m, counts worth %.2f", kind, grid[best], 1 / (1 + strength))
    return Learned(grid[best], strength, curve - curve.max(), note)


def _priors(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    grid: tuple[float, ...],
    kernel: str,
    every: int,
) -> list[Prior]:
    if every > 1:
        order = np.lexsort((offset, segment))[::every]
        segment, offset = segment[order], offset[order]
    spread = spread_events(
        streets, segment, offset, np.zeros(len(segment), dtype=np.int64), np.ones(len(segment)),
        n_columns=1, bandwidths=grid, kernel=kernel, tolerance=_TOLERANCE,
    )  # fmt: skip
    walkable = streets.segments["walk"].to_numpy()
    length = np.where(walkable, streets.length_mm, 0).astype(np.float64)
    around = np.maximum(spread.mass - spread.own, 0.0)
    return [fit_prior(spread.counts[:, 0], around[b, :, 0], length) for b in range(len(grid))]


def _places_only(
    streets: StreetNetwork,
    kind: str,
    segment: Ints,
    offset: Floats,
    kernel: str,
    method: Method,
) -> Learned:
    """Choose the bandwidth of a density that stands alone."""
    from patrolmap.risk.density.bandwidth import network_selection

    weight, shape = np.ones(len(segment)), kernel_named(kernel)
    try:
        found = network_selection(streets, segment, offset, weight, kernel=shape, method=method)
    except SchemaError:  # fewer than two places
        note = (
            f"the {kind} map's events all lie at one place, which tells nothing of a bandwidth: "
            f"they are smoothed over {FALLBACK:g} m"
        )
        return Learned(FALLBACK, np.inf, None, note)
    curve = found.curve["score"] - found.curve["score"].max()
    return Learned(found.best, np.inf, curve)
