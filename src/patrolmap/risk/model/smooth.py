"""One way to each network kernel: weighted events to what each segment gets of them."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from patrolmap.risk.density.kernels import kernel_named
from patrolmap.risk.density.simple import simple_density
from patrolmap.risk.density.waves import spread_waves
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["esd", "esc", "simple"]

_PIECE = 20.0  # m, and a fifth of the bandwidth, at most


def smooth(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    column: Ints,
    weight: Floats,
    *,
    n_columns: int,
    bandwidth: float,
    kernel: str,
    method: Method,
) -> Floats:
    """Return (n_segments, n_columns): columns sum to their events' weights.

    Parameters as in `spread_waves`; the order of the events changes no bit. By the simple kernel
    columns sum to more, as every branch gets an event whole.
    """
    order = np.lexsort((weight, column, offset, segment))
    events = segment[order], offset[order], column[order], weight[order]
    if method == "simple":
        return _simple(streets, *events, n_columns, bandwidth, kernel)
    return spread_waves(
        streets, *events, n_columns=n_columns, bandwidth=bandwidth, kernel=kernel, method=method
    )


def _simple(
    streets: StreetNetwork,
    segment: Ints,
    offset: Floats,
    column: Ints,
    weight: Floats,
    n_columns: int,
    bandwidth: float,
    kernel: str,
) -> Floats:
    """Sum densities at the middle of pieces that no kernel falls between."""
    length = streets.segments["length"].to_numpy(dtype=np.float64)
    pieces = np.maximum(np.ceil(length / min(_PIECE, bandwidth / 5)), 1).astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(pieces)])
    out = np.zeros((len(length), n_columns))
    for c in range(n_columns):
        of = column == c
        density = simple_density(
            streets, segment[of], offset[of], weight[of],
            bandwidth=bandwidth, kernel=kernel_named(kernel), lixel_indptr=indptr,
        )  # fmt: skip
        out[:, c] = np.add.reduceat(density, indptr[:-1]) * length / pieces
    return out
