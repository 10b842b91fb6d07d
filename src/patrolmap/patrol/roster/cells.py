"""Single cells of a roster: clock times, spans of them, durations, coordinates, text."""

import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from patrolmap.events._text import FORMULA, MISSING, short

DEGREE = 111_200.0  # m of latitude
LONGEST = 24 * 3600  # s of a shift: more is a slip in a date
NAME = 80  # letters of a name that are kept
LONG = 200  # letters of a cell that holds a place or time; more is something else

_CLOCK = r"(\d{1,2})(?:[:.\-](\d{2}))?(?:[:.]\d{2}(?:\.0+)?)?"
_BARE = re.compile(rf"^{_CLOCK}\s*(?:ч|час|часов|сағ|сағат|h)?\.?$", re.IGNORECASE)
_DASH = r"(?:[-–—−]|\bto\b|\buntil\b|\bдо\b|\bпо\b)"
_SPAN = re.compile(
    rf"^(?:from\s+|с\s+)?(\d{{1,2}}(?:[:.]\d{{2}}(?:[:.]\d{{2}})?)?)\s*(?:ч\.?)?\s*{_DASH}\s*"
    r"(\d{1,2}(?:[:.]\d{2}(?:[:.]\d{2})?)?)\s*(?:ч\.?|час\w*|сағ\w*)?$",
    re.IGNORECASE,
)
_HALVES = re.compile(r"^(.*\d)\s+(?:[-–—−]|to|until|до|по)\s+(\d.*)$", re.IGNORECASE)
_LASTS = re.compile(
    r"^(?:(\d+(?:[.,]\d+)?)\s*(?:h|hr|hrs|hours?|ч|час\w*|сағ\w*)\.?)?\s*"
    r"(?:(\d+)\s*(?:m|min|mins|minutes?|м|мин\w*)\.?)?$",
    re.IGNORECASE,
)
_NUMBER = r"[+-]?\d{1,3}[.,]\d{2,}"  # a house number has no decimals
_PLACE = re.compile(
    rf"^(?P<name>.*?)[\s(\[,;:]*(?<![\d.,])(?P<lat>{_NUMBER})°?\s*[,;\s]\s*"
    rf"(?P<lon>{_NUMBER})°?[)\]]?$",
    re.DOTALL,
)


class BadCellError(Exception):
    """A cell that cannot be used: what it held and what was wanted."""

    def __init__(self, given: object, wanted: str) -> None:
        super().__init__(wanted)
        self.given = short(given)
        self.wanted = wanted


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """Degrees that a cell states, and the name before them, if any."""

    name: str | None
    lat: float
    lon: float


def said(value: Any) -> Any:
    """Return a cell, or None where it says nothing."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    if isinstance(value, str):
        value = " ".join(value.split())
        return None if value.casefold() in MISSING else value
    return value


def text(value: Any) -> str:
    """Return a cell as a name: one line, without control characters, whole numbers plain.

    Raises
    ------
    BadCellError
        If it begins as a formula does.

    Examples
    --------
    >>> text(7.0), text("Пост\\n\\x1b[2J№ 3")
    ('7', 'Пост [2J№ 3')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = short(value, most=NAME)
    if name.startswith(FORMULA):
        raise BadCellError(value, "a name; this begins as a formula does")
    return name


def clock(value: Any) -> int | None:
    """Return seconds since midnight of a clock time, None where it is none.

    Examples
    --------
    >>> [clock(cell) for cell in ("20:30", "8.05", "7", "24:00", 0.875, "25:00", "22.11.2026")]
    [73800, 29100, 25200, 86400, 75600, None, None]
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if 0 <= value < 1:  # Excel's part of a day
            return round(value * 86_400)
        return int(value) * 3600 if value == int(value) and 0 <= value <= 24 else None
    found = _BARE.match(str(value))
    if found is None:
        return None
    hour, minute = int(found[1]), int(found[2] or 0)
    if hour > 24 or minute > 59 or (hour == 24 and minute > 0):
        return None
    return hour * 3600 + minute * 60


def halves(value: Any) -> tuple[str, str] | None:
    """Cut a cell that holds a start and an end, None where it holds one moment.

    Examples
    --------
    >>> halves("20:00-02:00"), halves("с 20.00 до 2"), halves("20-00")
    (('20:00', '02:00'), ('20.00', '2'), ('20', '00'))
    >>> halves("22.11.2026 20:00 - 23.11.2026 02:00")
    ('22.11.2026 20:00', '23.11.2026 02:00')
    >>> halves("2026-11-22") is None
    True
    """
    if not isinstance(value, str) or len(value) > LONG:
        return None
    found = _SPAN.match(value) or _HALVES.match(value)
    return None if found is None else (found[1].strip(), found[2].strip())


def seconds(value: Any) -> int:
    """Return how long a shift lasts: "6h", "6 ч 30 мин", "8,5" (hours), "06:30".

    Raises
    ------
    BadCellError
        If it is no duration, or longer than a day.

    Examples
    --------
    >>> [seconds(cell) for cell in ("6h", "6 ч 30 мин", "8,5", "06:30", 12, 0.25, "90 min")]
    [21600, 23400, 30600, 23400, 43200, 21600, 5400]
    """
    found = _seconds(value)
    if found is None or not 0 < found <= LONGEST:
        raise BadCellError(value, "a duration up to 24 hours, e.g. 8h or 06:30")
    return found


def _seconds(value: Any) -> int | None:
    if isinstance(value, pd.Timedelta):
        return round(float(value.total_seconds()))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value != value or abs(value) > 1e6:
            return None
        return round(value * (86_400 if 0 < value < 1 and not isinstance(value, int) else 3600))
    written = str(value)
    if re.fullmatch(r"\d{1,2}(?:[.,]\d+)?", written):
        return round(float(written.replace(",", ".")) * 3600)
    if re.fullmatch(r"\d{1,2}:\d{2}(?::\d{2})?", written):
        hours, minutes = (int(part) for part in written.split(":")[:2])
        return hours * 3600 + minutes * 60 if minutes < 60 else None
    found = _LASTS.match(written)
    if found is None or not any(found.groups()):
        return None
    hours_said = float((found[1] or "0").replace(",", "."))
    return round(hours_said * 3600) + int(found[2] or 0) * 60


def coordinates(value: Any) -> Coordinates | None:
    """Return the "lat, lon" that a cell ends in, None where it holds none.

    Raises
    ------
    BadCellError
        If they are no place on earth.

    Examples
    --------
    >>> coordinates("Alatau (43.27, 76.85)")
    Coordinates(name='Alatau', lat=43.27, lon=76.85)
    >>> coordinates("43,27; 76,85").lat, coordinates("Пост № 3")
    (43.27, None)
    """
    found = _PLACE.match(value) if isinstance(value, str) and len(value) <= LONG else None
    if found is None:
        return None
    lat, lon = (float(found[part].replace(",", ".")) for part in ("lat", "lon"))
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise BadCellError(value, "latitude, longitude in degrees, e.g. 43.27, 76.85")
    return Coordinates(name=found["name"].strip(" ,;:([-") or None, lat=lat, lon=lon)
