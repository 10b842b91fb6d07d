"""Mix bad rows of each usual kind among the good ones, and remember which they are."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from math import cos, pi, sin
from typing import Any

import numpy as np

from .ground import DEGREE_LAT, DEGREE_LON
from .when import EPOCH, wall_ms

Row = dict[str, Any]
Spoiler = Callable[[Row, np.random.Generator], Row]

FUTURE = 2031
AWAY = 40_000.0  # metres


def no_geometry(row: Row, rng: np.random.Generator) -> Row:
    """Leave the place out."""
    return row | {"longitude": None, "latitude": None}


def swapped(row: Row, rng: np.random.Generator) -> Row:
    """Write latitude for longitude."""
    return row | {"longitude": row["latitude"], "latitude": row["longitude"]}


def in_the_future(row: Row, rng: np.random.Generator) -> Row:
    """Put every date of the row into a year to come."""
    key = "dat_sover" if "dat_sover" in row else "rta_date"
    moment = (EPOCH + timedelta(milliseconds=row[key])).replace(
        year=FUTURE, day=min(28, (EPOCH + timedelta(milliseconds=row[key])).day)
    )
    late: Row = {key: wall_ms(moment)}
    if key == "dat_sover":
        late |= {
            "dat_sover_str": moment.strftime("%d.%m.%Y %H:%M"),
            "dat_vozb_str": (moment + timedelta(days=2)).strftime("%d.%m.%Y"),
        }
    return row | late


def far_away(row: Row, rng: np.random.Generator) -> Row:
    """Move the point 40 km in a direction drawn by lot."""
    turn = float(rng.uniform(0, 2 * pi))
    return row | {
        "longitude": round(row["longitude"] + AWAY * cos(turn) / DEGREE_LON, 6),
        "latitude": round(row["latitude"] + AWAY * sin(turn) / DEGREE_LAT, 6),
    }


# Reason, in the words of the reader's report -> how a row is spoilt.
SPOILERS: dict[str, Spoiler] = {
    "no geometry": no_geometry,
    "latitude and longitude swapped": swapped,
    "date in the future": in_the_future,
    "far away": far_away,
}


def extra_rows(counts: Mapping[str, int]) -> int:
    """Return how many rows to make beyond the good ones; a duplicate needs none of its own."""
    return sum(count for reason, count in counts.items() if reason != "duplicate")


def spoil(
    rows: list[Row], counts: Mapping[str, int], rng: np.random.Generator
) -> tuple[list[Row], list[dict[str, Any]]]:
    """Return all rows with the bad ones among them, and row number and reason of each bad one."""
    chosen = rng.choice(len(rows), size=extra_rows(counts), replace=False).tolist()
    reason_of: dict[int, str] = {}
    for reason in SPOILERS:
        for _ in range(counts[reason]):
            reason_of[chosen.pop()] = reason
    mixed: list[tuple[float, Row, str | None]] = [
        (at, SPOILERS[reason_of[at]](row, rng) if at in reason_of else row, reason_of.get(at))
        for at, row in enumerate(rows)
    ]
    good = [at for at in range(len(rows) * 3 // 4) if at not in reason_of]
    for at in rng.choice(good, size=counts["duplicate"], replace=False).tolist():
        later = at + 1.5 + int(rng.integers(len(rows) // 5))
        mixed.append((later, dict(rows[at]), "duplicate"))
    mixed.sort(key=lambda item: item[0])
    bad = [
        {"row": number, "reason": reason, "objectid": row["objectid"]}
        for number, (_, row, reason) in enumerate(mixed, start=1)
        if reason is not None
    ]
    return [row for _, row, _ in mixed], bad
