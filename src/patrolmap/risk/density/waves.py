"""Equal-split network kernels by waves: density at lixels, and expected events by segment."""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from patrolmap.risk.density.ground import DeadEnd, Ground, Method, lay_out
from patrolmap.risk.density.kernels import GAUSSIAN_SIGMAS, Kernel, kernel_named
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 32  # steps a wave takes over the bandwidth, at least
_WIDEST = 20.0  # m: a step, at most
FARTHEST = 10_000.0
"""Metres: the largest bandwidth."""

# Within a metre of a node an event counts as on it: coordinates are no better than that, and to
# which of the streets there it was snapped is chance, while the discontinuous kernel would halve on
# that street alone (spNetwork does the same).
AT_NODE = 1.0
_MANY = 20_000  # arcs that are worth a second thread
_COLUMNS = 8  # waves that run beside each other
_MOST = 60_000_000  # numbers that they may hold together


def spread_waves(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    column: Ints,
    weight: Floats,
    *,
    n_columns: int,
    bandwidth: float,
    kernel: str = "quartic",
    method: Method = "esd",
    dead_end: DeadEnd = "reflect",
) -> Floats:
    """Spread weighted events over whole segments.

    Parameters
    ----------
    streets
        Network the events were snapped to, for walking.
    segment, offset : (n_events,) int64, float64
        Row of the (walkable) segment in `streets.segments`, and metres from its start.
    column, weight : (n_events,) int64, float64
        Which column of the result each event belongs to, and how much it weighs there.
    n_columns
        How many columns there are.
    bandwidth
        In metres along the streets: how far the kernel reaches.
    kernel
        A name of `patrolmap.risk.density.kernels.KERNELS`.
    method
        "esd": at a junction a branch splits equally over the streets ahead. "esc": it goes on at
        2 / n along each of the n - 1 streets ahead and 2 / n - 1 (below 0) back, which makes the
        density continuous.
    dead_end
        "reflect": a branch turns back at a dead end. "absorb": it leaves there.

    Returns
    -------
    (n_segments, n_columns) float64
        Expected weighted events on each segment: the kernel's integral along it. With dead ends
        reflecting, columns sum to their events' weights.

    Notes
    -----
    Time is O(bins * arcs * columns) whatever the number of events, plus O(events). A segment is off
    by about 1e-4 of an event at most, with the uniform kernel, which jumps at its rim, by 4e-3 (see
    `patrolmap._kernels.waves`). By "esd", what would come out below 0 by that error is 0.

    Examples
    --------
    >>> import numpy as np, patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> one = spread_waves(streets, np.array([0]), np.array([10.0]), np.array([0]), np.array([1.0]),
    ...                    n_columns=1, bandwidth=300)
    >>> one.shape == (len(streets.segments), 1), round(float(one.sum()), 9)
    (True, 1.0)
    """
    wave = wave_of(bandwidth, kernel)
    ground = lay_out(streets, wave.step, method, dead_end)
    out = np.zeros((len(ground.arc_of), n_columns))
    at_once = max(1, min(_COLUMNS, _MOST // (wave.n_bins * max(1, len(ground.back)))))
    for first in range(0, n_columns, at_once):
        wide = min(at_once, n_columns - first)
        mine = (first <= column) & (column < first + wide)
        events = (segment[mine], offset[mine], column[mine] - first, weight[mine])
        apart = _apart(ground, *events, wide, method, dead_end)
        _, stayed = _run(ground, wave, apart, wide)
        mass = out[:, first : first + wide]
        home = np.repeat(np.arange(len(mass)), np.diff(apart.indptr))
        for c in range(wide):
            mine = apart.column == c
            mass[:, c] = np.bincount(home[mine], apart.weight[mine], len(mass))
            mass[:, c] += np.bincount(ground.segment, stayed[:, c], len(mass))
    return _not_below_0(out) if method == "esd" else out


def lixel_waves(
    streets: StreetNetwork,
    lixels: Ints,
    segment: Ints,
    offset: Floats,
    weight: Floats,
    *,
    bandwidth: float,
    kernel: str = "quartic",
    method: Method = "esd",
    dead_end: DeadEnd = "reflect",
) -> Floats:
    """Sum the kernels of weighted events at the centres of lixels.

    Parameters
    ----------
    streets, segment, offset, weight, bandwidth, kernel, method, dead_end
        As in `spread_waves`.
    lixels : (n_segments + 1,) int64
        CSR: each segment in so many equal pieces.

    Returns
    -------
    (n_lixels,) float64
        Weighted events per metre; 0 where one may not walk.

    Notes
    -----
    Off by, as a share of the kernel's height ("esd" / "esc", at the fewest bins): quartic 2e-4 /
    4e-4, triangular 2.2e-3 / 3.4e-3, Epanechnikov 4.5e-3 / 6.8e-3, Gaussian 4.6e-3 / 6e-3; uniform
    0.4 / 0.5 within a few bins of its rim, where it jumps.

    Examples
    --------
    >>> import numpy as np, patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> pieces = np.ceil(streets.segments["length"].to_numpy() / 10).astype(int)
    >>> lixels = np.concatenate([[0], np.cumsum(pieces)])
    >>> one = lixel_waves(streets, lixels, np.array([0]), np.array([10.0]), np.array([1.0]),
    ...                   bandwidth=300)
    >>> size = np.repeat(streets.segments["length"].to_numpy() / pieces, pieces)
    >>> bool(abs((one * size).sum() - 1) < 1e-3)
    True
    """
    from patrolmap._kernels import lixels as kernels

    wave = wave_of(bandwidth, kernel, widest=_widest_lixel(streets, lixels))
    ground = lay_out(streets, wave.step, method, dead_end)
    column = np.zeros(len(segment), dtype=np.int64)
    apart = _apart(ground, segment, offset, column, weight, 1, method, dead_end)
    bins, _ = _run(ground, wave, apart, 1, keep=False)
    density = np.zeros((2, int(lixels[-1])))
    powers, n_arcs = wave.density, len(ground.back)
    flat = bins.reshape(len(bins), n_arcs)

    def along(first: int, last: int) -> None:
        kernels.along_arcs(
            first, last, ground.segment, ground.forward, ground.length, lixels, flat, wave.step,
            wave.bandwidth, powers, density,
        )  # fmt: skip

    def home(first: int, last: int) -> None:
        kernels.at_home(
            first, last, apart.indptr, apart.offset, apart.weight, ground.length, lixels,
            wave.bandwidth, powers, density,
        )  # fmt: skip

    _in_threads(along, np.arange(n_arcs + 1))
    _in_threads(home, apart.indptr)
    total: Floats = density.sum(axis=0)
    return np.maximum(total, 0.0) if method == "esd" else total


class Wave(NamedTuple):
    """A kernel over its bandwidth, in bins.

    Attributes
    ----------
    bandwidth, step : float
        Metres.
    n_bins : int
    density : (6,) float64
        What `along_arcs` takes: per metre at u = r / bandwidth.
    ahead : (n_bins,) float64
        What `step` takes: 1/2 minus the integral of one side up to each bin.
    """

    bandwidth: float
    step: float
    n_bins: int
    density: Floats
    ahead: Floats


def _widest_lixel(streets: StreetNetwork, lixels: Ints) -> float:
    pieces = np.diff(lixels)
    return float((streets.length_mm[pieces > 0] / 1000 / pieces[pieces > 0]).max(initial=0.1))


def wave_of(bandwidth: float, kernel: str, *, widest: float = _WIDEST, least: int = BINS) -> Wave:
    """Cut a kernel into bins of at most so many metres, and not too few of them."""
    shape = kernel_named(kernel)
    n_bins = max(least, math.ceil(bandwidth / min(widest, _WIDEST) - 1e-9))
    density = np.zeros(6)
    if shape.powers:
        density[: len(shape.powers)] = shape.powers
    else:
        density[0], density[5] = 1.0, -(GAUSSIAN_SIGMAS**2) / 2
    density[:5] *= shape.line / bandwidth
    u = np.arange(n_bins) / n_bins
    return Wave(bandwidth, bandwidth / n_bins, n_bins, density, 0.5 - _integral(shape, u))


def _integral(kernel: Kernel, u: Floats) -> Floats:
    """Integrate one side of a kernel along a line from 0 to u."""
    if kernel.powers:
        integral = np.polynomial.polynomial.polyint(kernel.powers)
        inner = kernel.line * np.polynomial.polynomial.polyval(u, integral)
        return np.asarray(inner, dtype=np.float64)
    from scipy.special import erf

    flat: Floats = erf(u * GAUSSIAN_SIGMAS / math.sqrt(2)) / erf(GAUSSIAN_SIGMAS / math.sqrt(2))
    return flat / 2


class _Apart(NamedTuple):
    """Events by segment (CSR), without those at nodes, which stand in `start`."""

    indptr: Ints
    offset: Floats
    column: Ints
    weight: Floats
    start: Floats


def _apart(
    ground: Ground,
    segment: Ints,
    offset: Floats,
    column: Ints,
    weight: Floats,
    n_columns: int,
    method: Method,
    dead_end: DeadEnd,
) -> _Apart:
    """Part events that count as on a node from the others, and sort those by segment."""
    from patrolmap._kernels.waves import by_segment

    arms = np.diff(ground.indptr)
    share = 2 / np.maximum(arms, 1)
    if dead_end == "absorb":
        share[arms == 1] = 1.0  # the half that would turn back leaves
    start = np.zeros((len(arms), n_columns))
    at_node = AT_NODE if method == "esd" else -1.0
    # what comes out of a table cannot be written to, which the kernel's signature wants
    indptr, offset, column, weight = by_segment(
        np.require(segment, np.int64, ["C", "W"]),
        np.require(offset, np.float64, ["C", "W"]),
        np.require(column, np.int64, ["C", "W"]),
        np.require(weight, np.float64, ["C", "W"]),
        ground.length, ground.ends, share, at_node, start,
    )  # fmt: skip
    return _Apart(indptr, offset, column, weight, start)


def _run(
    ground: Ground, wave: Wave, events: _Apart, n_columns: int, *, keep: bool = True
) -> tuple[Floats, Floats]:
    """Deposit events and let their waves run; return what leaves along arcs, and what stays."""
    from patrolmap._kernels import waves

    n_arcs = len(ground.back)
    bins = np.zeros((waves.PAD + wave.n_bins + 1, n_arcs, n_columns))
    waiting, stayed = np.zeros((n_arcs, n_columns)), np.zeros((n_arcs if keep else 0, n_columns))

    def deposit(first: int, last: int) -> None:
        waves.deposit(
            first, last, events.indptr, events.offset, events.column, events.weight,
            ground.arc_of, ground.length, wave.step, bins,
        )  # fmt: skip

    def step(first: int, last: int, first_bin: int, last_bin: int) -> None:
        waves.step(
            first_bin, last_bin, first, last, ground.indptr, ground.back, ground.delay,
            ground.part, ground.crowds, ground.alpha, ground.beta, wave.ahead, events.start, bins,
            waiting, stayed,
        )  # fmt: skip

    _in_threads(deposit, events.indptr)
    if _threads(n_arcs) == 1:
        step(0, len(ground.alpha), 0, wave.n_bins)
        return bins, stayed
    cuts = _cuts(ground.indptr, _threads(n_arcs), ground.crowds)
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        for j in range(wave.n_bins):  # all arcs of a bin before any of the next
            parts = [pool.submit(step, a, b, j, j + 1) for a, b in pairwise(cuts)]
            for part in parts:
                part.result()
    return bins, stayed


def _threads(work: int) -> int:
    return 1 if work < _MANY else os.cpu_count() or 1


def _cuts(done: npt.NDArray[np.integer], parts: int, whole: Ints | None = None) -> list[int]:
    """Cut rows into parts of about as much work, never within a range of `whole`."""
    cuts = np.searchsorted(done, np.linspace(0, done[-1], parts + 1))
    cuts[0], cuts[-1] = 0, len(done) - 1
    if whole is not None and len(whole):
        at = np.searchsorted(whole[:, 0], cuts, side="left") - 1
        inside = (at >= 0) & (cuts < whole[at, 1])
        cuts = np.where(inside, whole[at, 1], cuts)
    return sorted({int(cut) for cut in cuts})


def _in_threads(do: Callable[[int, int], None], done: npt.NDArray[np.integer]) -> None:
    """Call `do(first, last)` for rows cut into a part for each thread."""
    threads = _threads(int(done[-1]))
    if threads == 1:
        do(0, len(done) - 1)
        return
    cuts = _cuts(done, threads)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(do, cuts[:-1], cuts[1:]))


def _not_below_0(mass: Floats) -> Floats:
    """Lift to 0 what is below it by the error of the bins; columns keep their sums."""
    total = mass.sum(axis=0)
    above = np.maximum(mass, 0.0)
    now = above.sum(axis=0)
    scaled: Floats = above * np.divide(total, now, out=np.ones_like(total), where=now > 0)
    return scaled
