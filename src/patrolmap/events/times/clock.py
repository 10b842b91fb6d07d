"""Clock times, and the parts of a regular expression over a whole column."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from patrolmap.events._text import as_numbers, as_text

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CLOCK = (
    r"^(?P<H>\d{1,2})[:.](?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,]\d+)?)?\s*(?P<p>[AaPp]\.?[Mm]\.?)?$"
)


def read_clock(values: pd.Series) -> Ints:
    """Read a column of clock times as seconds since midnight, -1 where it holds none.

    Examples
    --------
    >>> read_clock(pd.Series(["20:30", "9:05 pm", "24:00", "", "late"])).tolist()
    [73800, 75900, 86400, -1, -1]
    >>> read_clock(pd.Series([0.5, 0.875])).tolist()  # Excel's parts of a day
    [43200, 75600]
    """
    text = as_text(values)
    parts = Parts(text, _CLOCK)
    hour = twelve_hours(parts.number("H"), parts.words("p"))
    minute, second = parts.number("M"), parts.number("S", empty=0)
    good = parts.matched & (hour >= 0) & (minute < 60) & (second < 60)
    good &= (hour < 24) | at_24(hour, minute, second, parts.words("p"))
    clock = np.where(good, hour * 3600 + minute * 60 + second, -1)
    odd = ~good & np.asarray(text.is_valid())
    if values.dtype.kind != "f" and not odd.any():  # the text 0.30 is half past midnight
        return clock
    share = as_numbers(values)
    with np.errstate(invalid="ignore"):
        part = (share >= 0) & (share < 1)
    sure = values.dtype.kind == "f" or odd[part].any()
    if sure and (share[part] > 0).any() and part.sum() == np.isfinite(share).sum():
        clock = np.where(part, np.round(np.where(part, share, 0) * 86_400).astype(np.int64), clock)
    return clock


class Parts:
    """Groups of one regular expression over a whole column."""

    def __init__(self, text: Any, pattern: str) -> None:
        import pyarrow.compute as pc

        found = pc.extract_regex(text, pattern)
        self.matched: Bools = np.asarray(pc.is_valid(found))
        self._found = found

    def words(self, group: str) -> Any:
        """Return the text of a group, "" where it is not there."""
        import pyarrow.compute as pc

        return pc.fill_null(pc.struct_field(self._found, group), "")

    def number(self, group: str, *, empty: int = -1) -> Ints:
        """Return the number of a group, `empty` where it is not there."""
        import pyarrow.compute as pc

        words = self.words(group)
        blank = pc.equal(words, "")
        digits = pc.if_else(blank, pa.scalar(str(empty), type=words.type), words)
        return np.asarray(pc.cast(digits, pa.int64()))


def twelve_hours(hour: Ints, half: Any) -> Ints:
    """Turn am and pm into 24 hours; an hour that a twelve-hour clock lacks becomes -2."""
    import pyarrow.compute as pc

    letter = pc.utf8_lower(pc.utf8_slice_codeunits(half, 0, 1))
    am, pm = np.asarray(pc.equal(letter, "a")), np.asarray(pc.equal(letter, "p"))
    turned = np.where(am | pm, hour % 12 + 12 * pm, hour)
    return np.asarray(np.where((am | pm) & ((hour < 1) | (hour > 12)), -2, turned))


def at_24(hour: Ints, minute: Ints, second: Ints, half: Any) -> Bools:
    """Tell 24:00, the end of a day (ISO 8601), from hours that no clock has."""
    import pyarrow.compute as pc

    plain = np.asarray(pc.equal(half, ""))
    return np.asarray(plain & (hour == 24) & (minute == 0) & (second == 0))
