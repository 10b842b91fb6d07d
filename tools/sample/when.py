"""When events happen: seasons, a mild trend, weekdays, and hours by mood."""

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FIRST_DAY = datetime(2024, 11, 1)  # all here is the wall clock of Asia/Almaty
DAYS = 730  # to 2026-10-31
EPOCH = datetime(1970, 1, 1)

# Mood -> bumps of (hour of the peak, hours wide, weight).
MOODS: dict[str, list[tuple[float, float, float]]] = {
    "day": [(13.0, 4.0, 1.0), (19.0, 3.0, 0.6)],
    "market": [(11.5, 2.5, 1.0), (16.0, 2.0, 0.7)],
    "crowd": [(8.5, 1.2, 0.6), (18.5, 2.2, 1.0), (13.0, 3.0, 0.4)],
    "evening": [(20.5, 2.0, 1.0), (23.0, 1.5, 0.5)],
    "night": [(23.0, 2.0, 1.0), (2.0, 2.0, 0.8)],
    "cars": [(3.0, 2.5, 1.0), (22.0, 2.5, 0.5)],
    "school": [(14.5, 1.6, 1.0), (18.0, 2.0, 0.8), (21.0, 1.3, 0.5)],
    "traffic": [(8.4, 1.1, 1.0), (18.4, 1.7, 1.2), (13.0, 3.0, 0.6), (22.5, 2.0, 0.3)],
}


def days(count: int, rng: np.random.Generator, *, summer: float) -> list[datetime]:
    """Draw dates over two years, in order; `summer` is how much July stands above the mean."""
    day = np.arange(DAYS)
    date = [FIRST_DAY + timedelta(days=int(d)) for d in day]
    year_day = np.array([d.timetuple().tm_yday for d in date])
    season = 1 + summer * np.cos(2 * np.pi * (year_day - 196) / 365.25)
    trend = 1 + 0.1 * day / DAYS
    weekday = np.array([0.95, 0.94, 0.96, 1.0, 1.12, 1.1, 0.93])[[d.weekday() for d in date]]
    weight = season * trend * weekday
    drawn = rng.choice(DAYS, size=count, p=weight / weight.sum())
    return [date[int(d)] for d in np.sort(drawn)]


def clock(mood: str, rng: np.random.Generator) -> tuple[int, int]:
    """Draw hour and minute; people report round minutes, and never 00:00 (it means unknown)."""
    hours = np.arange(24)
    weight = np.full(24, 0.04)
    for peak, wide, height in MOODS[mood]:
        gap = np.abs((hours + 0.5 - peak + 12) % 24 - 12)
        weight += height * np.exp(-0.5 * (gap / wide) ** 2)
    hour = int(rng.choice(24, p=weight / weight.sum()))
    step = int(rng.choice([60, 30, 10, 5, 1], p=[0.28, 0.24, 0.22, 0.14, 0.12]))
    minute = int(rng.integers(60 // step)) * step
    return (hour, minute) if (hour, minute) != (0, 0) else (0, 5)


def wall_ms(moment: datetime) -> int:
    """Return epoch milliseconds of the local wall clock taken as if it were UTC."""
    return round((moment - EPOCH).total_seconds()) * 1000
