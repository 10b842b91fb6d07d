"""Events and options that several calls take, checked, and words that several reports use."""

import math
import re
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.schema import EVENTS, validate
from patrolmap.streets.network import StreetNetwork


def check_events(events: Any) -> None:
    """Raise unless `events` are a table as `read_events` makes it, with a CRS."""
    if not isinstance(events, gpd.GeoDataFrame):
        raise SchemaError(
            f"events are a {type(events).__name__}; wanted a GeoDataFrame as read_events makes it."
        )
    validate(events, EVENTS)
    if events.crs is None:
        raise CRSError("the events have no CRS; state it with events.set_crs(...).")


def segment_values(risk: Any, streets: StreetNetwork) -> npt.NDArray[np.float64]:
    """Return the risk of each segment in the order of the streets, 0 where it has none.

    Parameters
    ----------
    risk
        Series by segment_id, or a table of which each row is summed.

    Raises
    ------
    SchemaError
        If it is neither, is of other streets, or is not finite and 0 or more everywhere.
    """
    if not isinstance(risk, (pd.Series, pd.DataFrame)):
        raise SchemaError(
            f"risk is a {type(risk).__name__}; wanted a Series by segment_id, or a table "
            "segment_id x time bins."
        )
    streets.require_own(risk)
    if not risk.index.is_unique:
        twice = risk.index[risk.index.duplicated()][:3].tolist()
        raise SchemaError(f"risk has segment ids more than once, e.g. {twice}; sum them first.")
    total = risk.sum(axis=1, skipna=False) if isinstance(risk, pd.DataFrame) else risk
    if not pd.api.types.is_numeric_dtype(total.dtype):
        raise SchemaError(f"risk holds {total.dtype}; wanted numbers.")
    bad = ~(np.isfinite(total) & (total >= 0))
    if bad.any():
        raise SchemaError(
            f"risk is negative, missing or infinite on {int(bad.sum())} segments, e.g. "
            f"{risk.index[bad][:3].tolist()}; wanted 0 or more on each."
        )
    values: npt.NDArray[np.float64] = total.reindex(
        streets.segments.index, fill_value=0.0
    ).to_numpy(np.float64)
    return values


def is_number(value: object) -> bool:
    """Say whether a value is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return math.isfinite(value)


def metres(value: Any, *, name: str) -> float:
    """Return a finite number of metres above 0, or raise `OptionError`."""
    if not is_number(value) or not value > 0:
        raise OptionError(f"{name}={value!r}; wanted a finite number of metres above 0.")
    return float(value)


def duration(text: Any, *, name: str) -> pd.Timedelta:
    """Return a length of time above 0, or raise `OptionError`."""
    wanted = 'wanted a length of time above 0 with its unit, such as "30D"'
    if not isinstance(text, (str, pd.Timedelta)) or re.fullmatch(r"[\d.\s]*", str(text)):
        raise OptionError(f"{name}={text!r}; {wanted}.")  # pandas takes bare numbers as ns
    try:
        length = pd.Timedelta(text)
    except ValueError as error:
        raise OptionError(f"{name}={text!r} is not a length of time; {wanted}.") from error
    if length is pd.NaT or length <= pd.Timedelta(0):
        raise OptionError(f"{name}={text!r}; {wanted}.")
    return length


def check_flag(name: str, value: Any) -> None:
    """Raise `OptionError` unless an option is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise OptionError(f"{name}={value!r}; wanted True or False.")


def count_events(n: int) -> str:
    """Write a number of events.

    Examples
    --------
    >>> count_events(1), count_events(2000)
    ('1 event', '2,000 events')
    """
    return "1 event" if n == 1 else f"{n:,} events"
