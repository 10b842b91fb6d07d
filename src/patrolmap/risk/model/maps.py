"""One map of a fitted estimator: its events on their streets, and what it learned of itself."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrolmap.errors import OptionError
from patrolmap.risk.model.learn import Learned, learn
from patrolmap.risk.model.shrink import blend, unevenness
from patrolmap.risk.model.smooth import Method, smooth
from patrolmap.risk.model.spread import count
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Map:
    """The events of one kind.

    Attributes
    ----------
    streets : StreetNetwork
    rows : (n,) int64
        Rows of its events among those of all maps.
    segment, offset, worth : (n,) int64, float64, float64
        Row of each event's segment, metres from its start, weight times decay.
    exposure : float
        W, in days.
    kernel, method : str
    learned : Learned
    scale : float
        What makes the density's mass the number of events, for a kernel that does not keep it.
    """

    streets: StreetNetwork
    rows: Ints
    segment: Ints
    offset: Floats
    worth: Floats
    exposure: float
    kernel: str
    method: Method
    learned: Learned
    scale: float

    def expect(self, share: Floats) -> Floats:
        """Return what to expect in each bin, given the share of each event in it: (n, n_bins).

        What falls below 0 (by the continuous kernel) is 0, and the bin's others are scaled, so that
        it keeps its sum.
        """
        shape = (len(self.streets.segments), share.shape[1])
        event, column = np.nonzero(share * self.worth[:, None])
        if len(event) == 0:
            return np.zeros(shape)
        weight = self.worth[event] * share[event, column] / self.exposure
        mass = smooth(
            self.streets, self.segment[event], self.offset[event], column, weight,
            n_columns=shape[1], bandwidth=self.learned.bandwidth, kernel=self.kernel,
            method=self.method,
        )  # fmt: skip
        counts = count(self.segment[event], column, weight, shape)
        strength = self.learned.strength * unevenness(self.worth)
        return _not_below_0(blend(counts, self.scale * mass, strength))


def _not_below_0(table: Floats) -> Floats:
    if not (table < 0).any():
        return table
    above = np.maximum(table, 0.0)
    total, now = table.sum(axis=0), above.sum(axis=0)
    scaled: Floats = above * np.divide(total, now, out=np.zeros_like(now), where=now > 0)
    return scaled


def add_up(parts: Floats, whole: Floats) -> Floats:
    """Scale the rows of `parts` (n, n_bins), 0 or more, so that they add up to `whole` (n,).

    Parts are lifted to 0 each by itself, and so may miss the whole a little. A row of nothing is
    shared out as the bins are altogether.

    Examples
    --------
    >>> add_up(np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 0.0]]), np.array([6.0, 1.0, 0.0]))
    array([[2. , 4. ],
           [0.5, 0.5],
           [0. , 0. ]])
    """
    total, bins = parts.sum(axis=1), parts.sum(axis=0)
    usual = np.divide(bins, bins.sum(), out=np.full_like(bins, 1 / len(bins)), where=bins.sum() > 0)
    share = np.tile(usual, (len(parts), 1))
    np.divide(parts, total[:, None], out=share, where=total[:, None] > 0)
    out: Floats = share * whole[:, None]
    return out


def learn_map(
    streets: StreetNetwork,
    kind: str,
    rows: Ints,
    segment: Ints,
    offset: Floats,
    worth: Floats,
    *,
    exposure: float,
    bandwidth: float | None,
    kernel: str,
    method: Method,
    shrink: bool,
) -> Map:
    """Choose bandwidth and the worth of counts for one map, from the events that weigh anything.

    `segment`, `offset` and `worth` are of the events of all maps, `rows` says which are its own;
    `bandwidth` is None where it is to be chosen.
    """
    rows = rows[worth[rows] > 0]
    segment, offset, worth = segment[rows], offset[rows], worth[rows]
    learned = learn(
        streets, kind, segment, offset,
        bandwidth=bandwidth, kernel=kernel, method=method, shrink=shrink,
    )  # fmt: skip
    scale = 1.0
    if method == "simple" and len(rows):
        column = np.zeros(len(rows), dtype=np.int64)
        even = worth / worth.max()  # a half-life may leave so little that it would come out as 0
        mass = smooth(
            streets, segment, offset, column, even,
            n_columns=1, bandwidth=learned.bandwidth, kernel=kernel, method=method,
        )  # fmt: skip
        if not mass.sum() > 0:
            raise OptionError(
                f"bandwidth={learned.bandwidth:g} m reaches no street from the {kind} map's "
                "events; wanted a wider one."
            )
        scale = float(even.sum() / mass.sum())
    return Map(
        streets=streets, rows=rows, segment=segment, offset=offset, worth=worth,
        exposure=exposure, kernel=kernel, method=method, learned=learned, scale=scale,
    )  # fmt: skip
