"""Tables as short text for a page: lines, whole numbers, small floats, names once each."""

import base64
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from patrolmap._crs import to_lonlat
from patrolmap.errors import SchemaError
from patrolmap.output._text import one_line

Payload = dict[str, Any]
Floats = npt.NDArray[np.float64]

_DECIMALS = 6  # of a degree: 0.1 m


class Names:
    """Texts that stand often, once each; 0 is no text, 1 the first.

    Examples
    --------
    >>> names = Names()
    >>> [names(text) for text in ("Abay", None, "Dostyk", "Abay")], names.texts
    ([1, 0, 2, 1], ['Abay', 'Dostyk'])
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._at: dict[str, int] = {}

    def __call__(self, value: object) -> int:
        """Return the number of a text."""
        text = one_line(value) if isinstance(value, str) else ""
        if not text:
            return 0
        if text not in self._at:
            self.texts.append(text)
            self._at[text] = len(self.texts)
        return self._at[text]


def pack_ints(values: Any) -> str:
    """Write whole numbers of 0 or more as text: 5 bits a letter, the lowest first.

    The letters are those of Google's polyline format: 63 to 94 end a number, those 32 above say
    that it goes on.

    Examples
    --------
    >>> pack_ints([0, 5, 40])
    '?Dg@'
    """
    numbers = np.asarray(values, dtype=np.int64)
    size = np.ones(len(numbers), dtype=np.int64)
    rest = numbers >> 5
    while rest.any():
        size += rest > 0
        rest >>= 5
    first = np.repeat(np.cumsum(size) - size, size)
    place = np.arange(size.sum()) - first
    letters = (np.repeat(numbers, size) >> (5 * place)) & 31
    letters[place < np.repeat(size, size) - 1] |= 32
    return str((letters + 63).astype(np.uint8).tobytes(), "ascii")


def pack_signed(values: Any) -> str:
    """Write whole numbers of either sign: 0, -1, 1, -2, ... as 0, 1, 2, 3, ..."""
    numbers = np.asarray(values, dtype=np.int64)
    return pack_ints((numbers << 1) ^ (numbers >> 63))


def pack_bytes(values: Any, kind: str) -> str:
    """Write numbers as the bytes of a little-endian array, in base64: "f4" or "u1"."""
    return base64.b64encode(np.asarray(values).astype(f"<{kind}").tobytes()).decode("ascii")


def pack_points(x: Any, y: Any, crs: Any, *, what: str) -> str:
    """Write points as differences of latitude and longitude in 1e-6 degrees.

    Raises
    ------
    SchemaError
        If one has no place on earth.
    """
    lon, lat = to_lonlat(crs, np.asarray(x), np.asarray(y))
    degrees = np.column_stack([lat, lon])
    if not np.isfinite(degrees).all():
        raise SchemaError(f"some {what} have no place on earth; check the CRS of the {what}.")
    whole = np.rint(degrees * 10**_DECIMALS).astype(np.int64)
    return pack_signed(np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel())


def pack_lines(lines: npt.NDArray[np.object_], crs: Any) -> Payload:
    """Write lines: `points` of all, each line going on from the one before; `counts` of each."""
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    counts = np.bincount(owner, minlength=len(lines))
    points = pack_points(xy[:, 0], xy[:, 1], crs, what="segments")
    return {"points": points, "counts": pack_ints(counts)}


def degrees(crs: Any, points: npt.ArrayLike) -> list[list[float]]:
    """Return few points as [latitude, longitude]."""
    xy = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not len(xy):
        return []
    lon, lat = to_lonlat(crs, xy[:, 0], xy[:, 1])
    return np.round(np.column_stack([lat, lon]), _DECIMALS).tolist()  # type: ignore[no-any-return]


def digits(value: float, n: int = 4) -> float:
    """Round to a number of significant digits.

    Examples
    --------
    >>> digits(1234.567), digits(0.00012345, 2)
    (1235.0, 0.00012)
    """
    return float(f"{value:.{n}g}")
