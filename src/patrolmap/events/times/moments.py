"""Columns of dates as moments on the wall clock: every usual form, a whole column at once."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from patrolmap.errors import OptionError, SchemaError
from patrolmap.events._text import as_numbers, as_text
from patrolmap.events.times.clock import Parts, at_24, twelve_hours
from patrolmap.events.times.months import in_digits

Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

UNKNOWN, MONTH, DAY, PERIOD, HOUR, MINUTE = range(6)
NAIVE = np.iinfo(np.int64).min  # offset of a moment that states none
YEARS = (1900, 2200)
PIVOT = 69  # two-digit years: 69 and later are 19xx, as in POSIX
TYPOS = 0.01  # share of dates against the order of all others that count as slips, not as an order
FULL = 2**31 - 1  # what a 32-bit column holds where milliseconds did not fit
EXCEL = (18_264, 73_051)  # Excel's serial days of 1950-2099, counted from 1899-12-30
# 20240131203000, 20240131, 202401: how many digits, the least and the most.
DIGITS = ((14, 19_000_101_000_000, 22_000_101_000_000), (8, 19_000_101, 22_000_101),
          (6, 190_001, 220_013))  # fmt: skip
EXCEL_START = np.datetime64("1899-12-30", "s")

_DATE = (
    r"^(?P<a>\d{1,4})(?P<sep>[./-])(?P<b>\d{1,2})(?:[./-](?P<c>\d{1,4}))?"
    r"(?:(?:T|\s*,\s*|\s+)(?P<H>\d{1,2})(?:[:.](?P<M>\d{2})(?:[:.](?P<S>\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(?P<p>[AaPp]\.?[Mm]\.?)?\s*(?P<z>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?)?$"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """Moments as they are written.

    Attributes
    ----------
    wall : (n,) datetime64[s]
        Wall clock; NaT where nothing could be read.
    offset : (n,) int64
        Seconds ahead of UTC that the source states, or `NAIVE`.
    level : (n,) int8
        How fine: UNKNOWN, MONTH, DAY, PERIOD, HOUR or MINUTE.
    notes : tuple of str
    late : (n,) bool, optional
        Written as 24:00: midnight at the end of its day, never an unknown hour.
    """

    wall: Times
    offset: Ints
    level: npt.NDArray[np.int8]
    notes: tuple[str, ...] = field(default=())
    late: Bools | None = None

    def midnight(self) -> Bools:
        """Tell the moments that are written as 00:00 sharp."""
        sharp = (self.level >= HOUR) & (self.wall == _floor(self.wall))
        return np.asarray(sharp if self.late is None else sharp & ~self.late)

    def days_where(self, mask: Bools) -> "Moments":
        """Return the moments with those of `mask` known by their day only."""
        return replace(
            self,
            wall=np.where(mask, _floor(self.wall), self.wall),
            offset=np.where(mask, NAIVE, self.offset),
            level=np.where(mask, np.int8(DAY), self.level),
        )


def read_moments(values: pd.Series, *, time_format: str | None, local_epoch: bool) -> Moments:
    """Read a column of dates or times.

    Parameters
    ----------
    values
        Text, dates, datetimes, epoch seconds or milliseconds, Excel's serial days, or numbers
        like 20240131 and 202401.
    time_format
        A strptime format, where the form is not to be guessed.
    local_epoch
        Whether epoch numbers, and times stated in UTC, hold the local wall clock as if it were
        UTC.

    Raises
    ------
    SchemaError
        If 03/04/2020 could be read day first or month first and nothing in the column decides.
    OptionError
        If `time_format` is no format.
    """
    found = parse_moments(values, time_format=time_format, local_epoch=local_epoch)
    return days_if_all_midnight(found)


def parse_moments(values: pd.Series, *, time_format: str | None, local_epoch: bool) -> Moments:
    """Read a column as `read_moments` does, but take 00:00 throughout at its word."""
    if isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind == "M":
        found = _from_datetimes(values, local_epoch)
    elif time_format is not None:
        found = _from_format(values, time_format)
    elif pd.api.types.is_numeric_dtype(values.dtype):
        found = _from_numbers(values, local_epoch)
    else:
        found = _from_text(values, local_epoch)
    return _within_years(found)


def _from_datetimes(values: pd.Series, local_epoch: bool = False) -> Moments:
    if local_epoch and isinstance(values.dtype, pd.DatetimeTZDtype):
        found = _from_datetimes(values.dt.tz_convert("UTC").dt.tz_localize(None))
        return replace(found, notes=(f"{values.name!r} holds the local wall clock as UTC",))
    aware = isinstance(values.dtype, pd.DatetimeTZDtype)
    wall = (values.dt.tz_localize(None) if aware else values).to_numpy().astype("M8[s]")
    known = ~np.isnat(wall)
    offset = np.full(len(wall), NAIVE, dtype=np.int64)
    if aware:
        utc = values.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[s]")
        offset[known] = (wall[known] - utc[known]).astype(np.int64)
    return Moments(wall=wall, offset=offset, level=np.where(known, MINUTE, UNKNOWN).astype(np.int8))


def _from_format(values: pd.Series, time_format: str) -> Moments:
    text = pd.Series(as_text(values).to_pandas()).astype("str")
    zoned = "%z" in time_format or "%Z" in time_format
    try:
        read = pd.to_datetime(text, format=time_format, errors="coerce", utc=zoned, exact=True)
    except (ValueError, TypeError) as error:
        raise OptionError(
            f"time_format={time_format!r} cannot be used: {error}. Wanted a strptime format, "
            "e.g. '%d.%m.%Y %H:%M'."
        ) from error
    found = _from_datetimes(read)
    finest = next(
        (level for level, codes in ((MINUTE, "MTXcRs"), (HOUR, "HI"), (DAY, "djxDF"))
         if any(f"%{code}" in time_format for code in codes)),
        MONTH,
    )  # fmt: skip
    return replace(found, level=np.where(found.level == UNKNOWN, UNKNOWN, finest).astype(np.int8))


def _from_numbers(values: pd.Series, local_epoch: bool) -> Moments:
    numbers = as_numbers(values)
    size = np.where(np.isfinite(numbers), np.minimum(np.abs(numbers), 1e18), 0)
    known = size > 0
    typical = float(np.median(size[known])) if known.any() else 0.0
    whole = known & (numbers == np.floor(numbers))
    for digits, low, high in DIGITS:
        months = (size % 100 >= 1) & (size % 100 <= 12) & (size >= low) & (size < high)
        if low <= typical < high and (digits != 6 or months[known].all()):
            text = pd.Series(pd.array(np.where(whole, numbers, np.nan), dtype="Int64"))
            cut = r"^(\d{4})(\d\d)" + (r"(\d\d)$" if digits == 8 else "$")
            join = r"\1-\2-\3" if digits == 8 else r"\1-\2"
            text = text.astype("str").str.replace(cut, join, regex=True)
            return _from_text(text.rename(values.name), False)
    if EXCEL[0] <= typical < EXCEL[1]:
        return _from_excel(values.name, numbers)
    overflow = numbers == FULL
    known &= ~overflow
    typical = float(np.median(size[known])) if known.any() else 0.0
    scale = 1000 if typical >= 1e11 else 1
    known &= (size < 1e14) & (typical >= 1e8)
    seconds = np.zeros(len(numbers), dtype=np.int64)
    seconds[known] = np.floor(numbers[known] / scale).astype(np.int64)
    wall = seconds.astype("M8[s]")
    wall[~known] = np.datetime64("NaT")
    how = "local wall clock stored as UTC" if local_epoch else "UTC"
    unit = "milliseconds" if scale == 1000 else "seconds"
    notes = [f"{values.name!r} holds epoch {unit}, read as {how}"] if known.any() else []
    if overflow.any():
        notes.append(f"{int(overflow.sum()):,} rows of {values.name!r} hold {FULL}, the most that "
                     "a 32-bit column can: their time is lost")  # fmt: skip
    return Moments(
        wall=wall,
        offset=np.where(known & (not local_epoch), 0, NAIVE).astype(np.int64),
        level=np.where(known, MINUTE, UNKNOWN).astype(np.int8),
        notes=tuple(notes),
    )


def _from_excel(name: Any, numbers: npt.NDArray[np.float64]) -> Moments:
    """Read Excel's serial days: 45443.854166 is 2024-05-31 20:30, whole numbers are days."""
    with np.errstate(invalid="ignore"):
        known = (numbers >= EXCEL[0]) & (numbers < EXCEL[1])
    seconds = np.round(np.where(known, numbers, 0) * 86_400).astype(np.int64)
    wall = EXCEL_START + seconds.astype("m8[s]")
    wall[~known] = np.datetime64("NaT")
    return Moments(
        wall=wall,
        offset=np.full(len(wall), NAIVE, dtype=np.int64),
        level=np.where(known, MINUTE, UNKNOWN).astype(np.int8),
        notes=(f"{name!r} holds numbers like {numbers[known][0]:g}, read as Excel's serial days",),
    )


def _from_text(values: pd.Series, local_epoch: bool) -> Moments:
    import pyarrow.compute as pc

    text = as_text(values)
    digits = pc.match_substring_regex(text, r"^-?\d{8,13}(?:\.0*)?$|^\d{5}(?:[.,]\d+)?$|^\d{6}$")
    if pc.sum(digits).as_py() and pc.sum(digits).as_py() * 2 > len(text) - text.null_count:
        kept = pc.if_else(digits, text, pa.scalar(None, type=text.type))
        dotted = pc.replace_substring(kept, ",", ".")
        numbers = np.asarray(pc.fill_null(pc.cast(dotted, pa.float64()), float("nan")))
        return _from_numbers(pd.Series(numbers, name=values.name), local_epoch)
    parts = Parts(text, _DATE)
    odd = ~parts.matched & np.asarray(text.is_valid())
    if odd.any() and (plain := in_digits(text.filter(pa.array(odd)))).null_count < len(plain):
        told = pc.coalesce(plain, text.filter(pa.array(odd)))
        text = pc.replace_with_mask(text, pa.array(odd), told)
        parts = Parts(text, _DATE)
    year, month, day, notes = _order(parts, values.name, text)
    hour = twelve_hours(parts.number("H"), parts.words("p"))
    minute, second = parts.number("M"), parts.number("S", empty=0)
    last = _days_in_month(year, month)
    good = parts.matched & (month >= 1) & (month <= 12) & (day >= 1) & (day <= last)
    late = good & at_24(hour, minute, second, parts.words("p"))
    good &= ((hour < 24) | late) & (minute < 60) & (second < 60) & (hour > -2) & (year > 0)
    offset = _offsets(parts.words("z"))
    if local_epoch:
        offset = np.where(offset == 0, NAIVE, offset)
    good &= (offset == NAIVE) | (np.abs(offset) <= 15 * 3600)
    good &= (parts.number("c") >= 0) | (hour < 0)  # a month has no hour
    wall = _wall(year, month, day, good)
    clock = np.maximum(hour, 0) * 3600 + np.maximum(minute, 0) * 60 + second
    wall = np.where(good, wall + clock.astype("m8[s]"), np.datetime64("NaT", "s"))
    level = np.select([~good, hour < 0, minute < 0], [UNKNOWN, DAY, HOUR], MINUTE)
    level = np.where(good & (parts.number("c") < 0), MONTH, level)
    return Moments(
        wall=wall, offset=np.where(good, offset, NAIVE), level=level.astype(np.int8), notes=notes,
        late=late & good if late.any() else None,
    )  # fmt: skip


def _order(parts: Parts, name: Any, text: Any) -> tuple[Ints, Ints, Ints, tuple[str, ...]]:
    """Tell year, month and day apart, the order of the column decided by all of it."""
    import pyarrow.compute as pc

    a, b, c = parts.number("a"), parts.number("b"), parts.number("c")
    long_a = np.asarray(pc.greater(pc.utf8_length(parts.words("a")), 2))
    long_c = np.asarray(pc.utf8_length(parts.words("c")))
    dotted = np.asarray(pc.equal(parts.words("sep"), "."))
    year_first = long_a & (np.asarray(pc.utf8_length(parts.words("a"))) == 4) & (long_c <= 2)
    year_last = ~long_a & ((long_c == 4) | (long_c == 2))
    open_order = parts.matched & year_last & ~dotted
    day_first, notes = _day_first(a[open_order], b[open_order], open_order, name, text)
    flipped = open_order & (not day_first)
    two_digits = year_last & (long_c == 2)
    century = np.where(c >= PIVOT, 1900, 2000)
    last_year = np.where(two_digits, c + century, c)
    year = np.select([year_first, year_last], [a, last_year], -1)
    month = np.where(year_first, b, np.where(flipped, a, b))
    day = np.where(year_first, np.where(c < 0, 1, c), np.where(flipped, b, a))
    if (two_digits & parts.matched).any():
        notes = (*notes, f"two-digit years in {name!r}: {PIVOT}-99 read as 19xx, the rest as 20xx")
    return year, month, day, notes


def _day_first(a: Ints, b: Ints, at: Bools, name: Any, text: Any) -> tuple[bool, tuple[str, ...]]:
    """Decide from a whole column whether the day or the month stands first."""
    if len(a) == 0:
        return True, ()
    for_day = int(((a > 12) & (a <= 31) & (b <= 12)).sum())
    for_month = int(((b > 12) & (b <= 31) & (a <= 12)).sum())
    decided = for_day + for_month
    slips = min(for_day, for_month)
    if (decided == 0 and (a != b).any()) or (decided and slips > TYPOS * decided):
        example = text[int(np.flatnonzero(at)[0])].as_py()
        why = "no day in it is above 12" if decided == 0 else (
            f"{for_day:,} rows can only be day first and {for_month:,} only month first"
        )  # fmt: skip
        raise SchemaError(
            f"dates in the column {name!r}, e.g. {example!r}, can be read day first or month "
            f"first: {why}. Say which with time_format=, e.g. '%d/%m/%Y' or '%m/%d/%Y'."
        )
    first = for_day >= for_month
    return first, (f"dates in {name!r} read {'day' if first else 'month'} first",)


def _offsets(zones: Any) -> Ints:
    import pyarrow.compute as pc

    codes = pc.dictionary_encode(zones)
    names = codes.dictionary.to_pylist()
    table = np.array([_offset(name) for name in names] or [NAIVE], dtype=np.int64)
    return np.asarray(table[np.asarray(codes.indices)])


def _offset(zone: str) -> int:
    if zone == "":
        return int(NAIVE)
    if zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


def _floor(wall: Times) -> Times:
    """Return the midnight before each moment."""
    return np.asarray(wall.astype("M8[D]").astype("M8[s]"))


def _wall(year: Ints, month: Ints, day: Ints, good: Bools) -> Times:
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    days = months.astype("M8[D]") + np.where(good, day - 1, 0).astype("m8[D]")
    return np.asarray(days.astype("M8[s]"))


def _days_in_month(year: Ints, month: Ints) -> Ints:
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.asarray(lengths[np.clip(month, 0, 12)] + leap)


def _within_years(found: Moments) -> Moments:
    low, high = (np.datetime64(f"{year}-01-01", "s") for year in YEARS)
    outside = ~((found.wall >= low) & (found.wall < high))
    return replace(
        found,
        wall=np.where(outside, np.datetime64("NaT", "s"), found.wall),
        offset=np.where(outside, NAIVE, found.offset),
        level=np.where(outside, np.int8(UNKNOWN), found.level),
    )


def days_if_all_midnight(found: Moments) -> Moments:
    """A column that says 00:00 throughout holds days, whatever its type says."""
    timed = found.level >= HOUR
    return found.days_where(timed) if timed.any() and found.midnight()[timed].all() else found
