"""Risk as numbers: what each segment is worth in each time bin."""

import itertools

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import OptionError
from patrolmap.streets.network import StreetNetwork

Floats = npt.NDArray[np.float64]

MOST_RISK = 1e100


def prizes_of(
    streets: StreetNetwork, risk: pd.Series | pd.DataFrame, clock: pd.Timestamp
) -> tuple[tuple[pd.Timestamp, ...], Floats]:
    """Return the time bins and the prize of every segment in each, 0 outside the boundary."""
    if not isinstance(risk, pd.Series | pd.DataFrame):
        raise OptionError(
            f"risk is a {type(risk).__name__}; wanted a Series indexed by segment_id, or a "
            "DataFrame with one column per time bin."
        )
    if not risk.index.is_unique:
        twice = risk.index[risk.index.duplicated()][:3].tolist()
        raise OptionError(f"risk names segments more than once, e.g. {twice}; wanted one row each.")
    streets.require_own(risk)
    if isinstance(risk, pd.Series):
        starts: tuple[pd.Timestamp, ...] = (clock,)
        table = risk.to_frame()
    else:
        starts, table = _bin_starts(risk), risk
    return starts, _values(streets, table) * streets.segments["inside"].to_numpy()[:, None]


def _bin_starts(risk: pd.DataFrame) -> tuple[pd.Timestamp, ...]:
    starts = tuple(risk.columns)
    aware = all(isinstance(start, pd.Timestamp) and start.tz is not None for start in starts)
    if not (starts and aware and all(a < b for a, b in itertools.pairwise(starts))):
        raise OptionError(
            "risk as a DataFrame needs one column per time bin, named by the aware Timestamp "
            f"it starts at, in order; given {list(risk.columns)[:3]}."
        )
    return starts


def _values(streets: StreetNetwork, table: pd.DataFrame) -> Floats:
    """Return risk as numbers in the streets' order; what the table lacks is 0."""
    try:
        values = table.reindex(streets.segments.index, fill_value=0.0).to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OptionError(f"risk is not made of numbers ({error}); wanted numbers >= 0.") from error
    wrong = ~(np.isfinite(values) & (values >= 0)).all(axis=1)
    if wrong.any():
        bad = streets.segments.index[wrong]
        raise OptionError(
            f"risk is negative or not a number on {len(bad)} segments, e.g. {bad[:3].tolist()}; "
            "wanted numbers >= 0 (fill gaps with 0)."
        )
    if not values.sum() <= MOST_RISK:
        raise OptionError(
            f"risk adds up to {values.sum():.3g}; wanted at most {MOST_RISK:g}, in any unit."
        )
    out: Floats = values
    return out
