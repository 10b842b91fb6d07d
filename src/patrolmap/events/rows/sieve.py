"""Which rows fall through, why, and what they held: one reason a row, the first that applies."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Said = Callable[[Ints], Sequence[str]]

LEFT_OUT = "left out by the preset"
NOT_ASKED = "outside start= and end="
ON_PURPOSE = (LEFT_OUT, NOT_ASKED)  # no fault of the row

# Reason -> how to mend it. The order is the order of the checks.
MENDS = {
    "broken line": "quote cells that hold the separator or a line break",
    LEFT_OUT: "nothing to mend: the preset reads only some of the rows",
    "no geometry": "geocode these rows, or leave them out",
    "unreadable coordinates": "write coordinates as plain numbers",
    "geometry is not a point": "turn shapes into points, e.g. by their representative point",
    "zero coordinates": "0, 0 stands for an unknown place: geocode these rows",
    "degrees among metres": "project these rows as the others are, or give all of them in degrees",
    "metres among degrees": "turn these rows into degrees as the others are",
    "latitude and longitude swapped": "exchange the two coordinates of these rows",
    "easting and northing swapped": "exchange the two coordinates of these rows",
    "coordinates outside the world": "wanted longitude within ±180 and latitude within ±90 degrees",
    "unreadable date": "write dates as 2024-01-31 20:30, or say their form with time_format=",
    "ends before it starts": "exchange the two ends of the interval",
    "date in the future": "correct the year, or state the moment of the export with now=",
    NOT_ASKED: "nothing to mend: the service can be asked for whole days only",
    "outside the boundary": "nothing to mend if the boundary is right",
    "far away": "correct these coordinates, or give boundary= to say what belongs to the area",
    "duplicate": "nothing to mend: the first copy is kept",
    "event id used twice": "give each event an id of its own; the first row with it is kept",
}


class Sieve:
    """Rows still alive, and the record of those that fell."""

    def __init__(self, size: int) -> None:
        self.alive: Bools = np.ones(size, dtype=bool)
        self._fallen: list[pd.DataFrame] = []

    def drop(self, mask: Bools, reason: str, *, given: Said, wanted: str) -> None:
        """Let the rows of `mask` that are still alive fall for this reason."""
        at = np.flatnonzero(mask & self.alive)
        if len(at) == 0:
            return
        self.alive[at] = False
        self._fallen.append(
            pd.DataFrame({"at": at, "reason": reason, "given": list(given(at)), "wanted": wanted})
        )

    def rejects(self, rows: Ints, event_id: pd.Series, broken: pd.DataFrame) -> pd.DataFrame:
        """Return the fallen rows by their number in the source, those cut at reading included."""
        parts = [broken.assign(event_id=None)] if len(broken) else []
        for part in self._fallen:
            at = part.pop("at").to_numpy()
            parts.append(part.assign(row=rows[at], event_id=event_id.iloc[at].array))
        columns = ["row", "reason", "given", "wanted", "event_id"]
        if not parts:
            empty: dict[str, Any] = {name: pd.Series(dtype="str") for name in columns}
            return pd.DataFrame(empty | {"row": pd.Series(dtype="int64")})
        table = pd.concat([part[columns] for part in parts], ignore_index=True)
        table = table.astype({"row": "int64", **dict.fromkeys(columns[1:], "str")})
        return table.sort_values("row", kind="stable", ignore_index=True)
