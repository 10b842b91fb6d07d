"""Times that are coarse by nature: thirds of a day, and months written as two numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from patrolmap.errors import SchemaError
from patrolmap.events._shown import shown
from patrolmap.events._text import as_numbers
from patrolmap.events.times.moments import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    NAIVE,
    PERIOD,
    UNKNOWN,
    YEARS,
    Moments,
    read_moments,
)

THIRD = 8 * 3600  # seconds
AGREE = 0.9  # share of known hours that must lie in the third their row states
PLACEHOLDER = 0.9  # share of first thirds among unknown hours from which 1 only repeats 00:00


def narrow(began: Moments, values: pd.Series, *, named: bool) -> tuple[Moments, str]:
    """Narrow days to the third of the day that a column states: 1, 2 or 3.

    The legend of the crime map's TIME_PERIOD was not found; its samples fit 00-08, 08-16 and
    16-24. So the column must agree with the hours that are known. Where it says 1 for nearly all
    unknown hours it was itself made from their 00:00, and its ones say nothing.

    Raises
    ------
    SchemaError
        If the column was named but holds no 1, 2 or 3.
    """
    third = as_numbers(values)
    stated = np.isin(third, (1, 2, 3))
    if not stated.any():
        if named:
            held = next((v for v in values.tolist() if not pd.isna(v)), None)
            raise SchemaError(
                f"the column {values.name!r} was named for 'period' but holds no third of a day "
                f"(e.g. {shown(held)!r}); wanted 1 (00-08), 2 (08-16) or 3 (16-24)."
            )
        return began, f"{values.name!r} holds no thirds of a day: left aside"
    day = began.wall.astype("M8[D]").astype("M8[s]")
    known = stated & (began.level >= HOUR)
    hour = (began.wall - day).astype(np.int64)[known] // THIRD + 1
    agree = int((hour == third[known]).sum())
    if agree < AGREE * known.sum():
        return began, (
            f"{values.name!r} is no third of the day: {agree:,} of {int(known.sum()):,} known "
            "hours agree with it; left aside"
        )
    open_day = stated & (began.level == DAY)
    if not open_day.any():
        return began, f"{values.name!r} is not needed: no row it could narrow lacks its hour"
    ones = open_day & (third == 1)
    said = "1, 2, 3 read as 00-08, 08-16, 16-24 h: inferred, no legend was found"
    if ones.sum() > PLACEHOLDER * open_day.sum():
        open_day &= third != 1
        said += f"; {int(ones.sum()):,} ones beside 00:00 only repeat it and are left aside"
    wall = np.where(open_day, day + ((np.where(stated, third, 1) - 1) * THIRD).astype("m8[s]"),
                    began.wall)  # fmt: skip
    narrowed = replace(began, wall=wall, level=np.where(open_day, np.int8(PERIOD), began.level))
    return narrowed, f"hours of {int(open_day.sum()):,} days from {values.name!r}, {said}"


def read_months(month: pd.Series, year: pd.Series | None) -> Moments | None:
    """Read months from a column like 2024-05, or from a year and a number of 1 to 12.

    Returns
    -------
    Moments or None
        None where the columns hold no months.

    Examples
    --------
    >>> read_months(pd.Series([5, 6, 13]), pd.Series([2024] * 3)).wall.astype("M8[M]").tolist()
    [datetime.date(2024, 5, 1), datetime.date(2024, 6, 1), None]
    >>> read_months(pd.Series([5, 6]), None) is None
    True
    """
    filled = int(month.notna().sum())
    if year is not None:
        years, months = as_numbers(year), as_numbers(month)
        with np.errstate(invalid="ignore"):
            good = (years >= YEARS[0]) & (years < YEARS[1]) & (months >= 1) & (months <= 12)
            good &= (years % 1 == 0) & (months % 1 == 0)
        if 2 * good.sum() > filled:
            return _months(np.where(good, years, 1970), np.where(good, months, 1), good)
    try:
        found = read_moments(month, time_format=None, local_epoch=False)
    except SchemaError:
        return None
    return found if 2 * int((found.level == MONTH).sum()) > filled else None


def _months(year: Any, month: Any, good: Any) -> Moments:
    wall = ((year - 1970) * 12 + month - 1).astype(np.int64).astype("M8[M]").astype("M8[s]")
    wall[~good] = np.datetime64("NaT")
    return Moments(
        wall=wall,
        offset=np.full(len(wall), NAIVE, dtype=np.int64),
        level=np.where(good, MONTH, UNKNOWN).astype(np.int8),
    )


def length_level(length: Any, whole_days: Any) -> Any:
    """Return the precision that the length of an interval in seconds stands for."""
    hour = 3600
    short_day = (length < 24 * hour) & ~(whole_days & (length >= 23 * hour))
    steps = [length <= 0, length <= hour, short_day, length <= 25 * hour,
             length <= (31 * 24 + 1) * hour]  # fmt: skip
    return np.select(steps, [MINUTE, HOUR, PERIOD, DAY, MONTH], UNKNOWN)
