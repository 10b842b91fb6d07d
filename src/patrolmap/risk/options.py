"""Events and options that several calls take, checked, and words that several reports use."""

import math
import re
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.schema import EVENTS, validate


def check_events(events: Any) -> None:
    """Raise unless `events` are a table as `read_events` makes it, with a CRS."""
    if not isinstance(events, gpd.GeoDataFrame):
        raise SchemaError(
            f"events are a {type(events).__name__}; wanted a GeoDataFrame as read_events makes it."
        )
    validate(events, EVENTS)
    if events.crs is None:
        raise CRSError("the events have no CRS; state it with events.set_crs(...).")


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
