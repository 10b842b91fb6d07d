"""The three event tables in the style of the national services, before any row is spoilt."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely

from .ground import to_ground
from .hot import HotSpot
from .places import KINDERGARTENS, STOPS, Edge
from .when import clock, days, wall_ms
from .where import ON_ROAD, Ground, Place, on_background, on_hot

Row = dict[str, Any]

CITY, DISTRICT = "1975", "197599"  # 197599 is no district's code
HOUR_UNKNOWN = 0.12  # share of crimes written with 00:00
# Article part -> (crime_code, hard_code).
ARTICLES = {
    "ст.106 ч.1": ("1060", "3"),
    "ст.107 ч.1": ("1070", "1"),
    "ст.107 ч.2": ("1070", "2"),
    "ст.188 ч.1": ("1880", "2"),
    "ст.188 ч.2": ("1880", "2"),
    "ст.188 ч.3": ("1880", "3"),
    "ст.190 ч.1": ("1900", "1"),
    "ст.190 ч.2": ("1900", "2"),
    "ст.191 ч.1": ("1910", "2"),
    "ст.191 ч.2": ("1910", "3"),
    "ст.192 ч.1": ("1920", "3"),
    "ст.192 ч.2": ("1920", "3"),
    "ст.200 ч.1": ("2000", "1"),
    "ст.200 ч.2": ("2000", "2"),
    "ст.202 ч.1": ("2020", "1"),
    "ст.293 ч.1": ("2930", "1"),
    "ст.293 ч.2": ("2930", "3"),
    "ст.294 ч.2": ("2940", "2"),
}
# Mood -> article parts and their weights.
MIXES: dict[str, dict[str, float]] = {
    "market": {
        "ст.188 ч.1": 55,
        "ст.188 ч.2": 28,
        "ст.190 ч.1": 8,
        "ст.191 ч.1": 5,
        "ст.293 ч.1": 4,
    },
    "crowd": {
        "ст.188 ч.1": 40,
        "ст.188 ч.2": 28,
        "ст.191 ч.1": 14,
        "ст.191 ч.2": 6,
        "ст.192 ч.1": 3,
        "ст.293 ч.1": 6,
        "ст.107 ч.1": 3,
    },
    "day": {
        "ст.188 ч.1": 42,
        "ст.188 ч.2": 30,
        "ст.188 ч.3": 9,
        "ст.190 ч.1": 7,
        "ст.190 ч.2": 5,
        "ст.191 ч.1": 4,
        "ст.202 ч.1": 3,
    },
    "evening": {
        "ст.188 ч.1": 20,
        "ст.188 ч.2": 10,
        "ст.191 ч.1": 24,
        "ст.191 ч.2": 12,
        "ст.192 ч.1": 8,
        "ст.192 ч.2": 3,
        "ст.293 ч.1": 16,
        "ст.107 ч.1": 4,
        "ст.106 ч.1": 3,
    },
    "night": {
        "ст.293 ч.1": 22,
        "ст.293 ч.2": 8,
        "ст.107 ч.1": 10,
        "ст.107 ч.2": 6,
        "ст.106 ч.1": 9,
        "ст.191 ч.1": 12,
        "ст.191 ч.2": 9,
        "ст.192 ч.1": 5,
        "ст.192 ч.2": 4,
        "ст.188 ч.2": 15,
    },
    "cars": {"ст.188 ч.2": 38, "ст.188 ч.3": 46, "ст.200 ч.1": 9, "ст.200 ч.2": 7},
    "school": {
        "ст.188 ч.1": 34,
        "ст.188 ч.2": 12,
        "ст.191 ч.1": 16,
        "ст.191 ч.2": 6,
        "ст.293 ч.1": 18,
        "ст.294 ч.2": 14,
    },
}
BACKGROUND = {"day": 0.42, "crowd": 0.2, "evening": 0.14, "night": 0.12, "cars": 0.12}


def crimes(
    ground: Ground, hot: list[HotSpot], count: int, share: float, rng: np.random.Generator
) -> tuple[list[Row], list[int]]:
    """Return crime rows by date, and how many stand on each hot spot."""
    planted = round(count * share)
    places = on_hot(hot, planted, rng) + on_background(ground, count - planted, rng)
    moods = list(BACKGROUND)
    chance = np.array(list(BACKGROUND.values()))
    rows = []
    for number, (day, at) in enumerate(_dated(places, rng, summer=0.18)):
        mood = hot[at.hot].plan.mood if at.hot is not None else str(rng.choice(moods, p=chance))
        rows.append(
            _crime(8_900_001 + 3 * number, day, mood, at, rng)
            | {"longitude": at.lonlat[0], "latitude": at.lonlat[1]}
        )
    return rows, _tally(places, hot)


def juveniles(
    ground: Ground,
    hot: list[HotSpot],
    schools: list[tuple[float, float]],
    count: int,
    share: float,
    rng: np.random.Generator,
) -> tuple[list[Row], list[int]]:
    """Return juvenile offences by date: near schools, in yards and the park, after lessons."""
    planted = round(count * share)
    near = shapely.MultiPoint(
        [*schools, *map(tuple, to_ground(np.array(list(KINDERGARTENS), dtype=np.float64)).tolist())]
    )

    def weight(edge: Edge) -> float:
        gap = edge.shape.distance(near)
        own = 2.5 if edge.kind in ("service", "living_street", "footway", "pedestrian") else 1.0
        return own * float(0.15 + np.exp(-gap / 150))

    places = on_hot(hot, planted, rng) + on_background(ground, count - planted, rng, weight=weight)
    rows = []
    for number, (day, at) in enumerate(_dated(places, rng, summer=0.1)):
        rows.append(
            _crime(6_100_001 + 7 * number, day, "school", at, rng)
            | {"longitude": at.lonlat[0], "latitude": at.lonlat[1]}
        )
    return rows, _tally(places, hot)


def accidents(
    ground: Ground, hot: list[HotSpot], count: int, share: float, rng: np.random.Generator
) -> tuple[list[Row], list[int]]:
    """Return road accidents by date: on big streets, most near their junctions."""
    planted = round(count * share)
    stops = shapely.MultiPoint([tuple(p) for p in to_ground(np.array(STOPS, dtype=float)).tolist()])
    classes = {"primary": 6.0, "secondary": 4.0, "tertiary": 2.0, "residential": 0.3}

    def weight(edge: Edge) -> float:
        return classes.get(edge.kind, 0.0) * float(
            0.4 + 2 * np.exp(-edge.shape.distance(stops) / 60)
        )

    places = on_hot(hot, planted, rng, manner=ON_ROAD) + on_background(
        ground, count - planted, rng, manner=ON_ROAD, weight=weight
    )
    rows = []
    for number, (day, at) in enumerate(_dated(places, rng, summer=0.08)):
        rows.append(
            _accident(410_001 + 2 * number, day, at, rng)
            | {"longitude": at.lonlat[0], "latitude": at.lonlat[1]}
        )
    return rows, _tally(places, hot)


def _dated(
    places: list[Place], rng: np.random.Generator, *, summer: float
) -> list[tuple[datetime, Place]]:
    """Give the places dates, in order of date, hot and background mixed."""
    mixed = [places[k] for k in rng.permutation(len(places)).tolist()]
    return list(zip(days(len(mixed), rng, summer=summer), mixed, strict=True))


def _tally(places: list[Place], hot: list[HotSpot]) -> list[int]:
    return [sum(place.hot == k for place in places) for k in range(len(hot))]


def _crime(objectid: int, day: datetime, mood: str, at: Place, rng: np.random.Generator) -> Row:
    mix = MIXES[mood]
    chance = np.array(list(mix.values()))
    stat = str(rng.choice(list(mix), p=chance / chance.sum()))
    code, hard = ARTICLES[stat]
    hour, minute = (0, 0) if rng.random() < HOUR_UNKNOWN else clock(mood, rng)
    moment = day + timedelta(hours=hour, minutes=minute)
    registered = day + timedelta(days=int(rng.exponential(4.0)))
    return {
        "objectid": objectid,
        "crime_code": code,
        "stat": stat,
        "hard_code": hard,
        "dat_sover_str": moment.strftime("%d.%m.%Y %H:%M"),
        "dat_sover": wall_ms(moment),
        "dat_vozb_str": registered.strftime("%d.%m.%Y"),
        "reg_code": DISTRICT,
        "city_code": CITY,
        "fe1r29p1_id": _place_code(at.edge, mood),
        "fz1r18p5": at.address,
        "fz1r18p6": str(int(rng.integers(1, 190))),
        "ud": f"99{int(rng.integers(10**12, 10**13))}",
    }


def _place_code(edge: Edge, mood: str) -> str:
    """Return the service's code of the place: market, yard, park, car park, street."""
    if mood == "market":
        return "002"
    if mood == "cars":
        return "016"
    if edge.kind in ("service", "living_street"):
        return "007"
    return "008" if edge.kind in ("footway", "pedestrian") else "001"


def _accident(objectid: int, day: datetime, at: Place, rng: np.random.Generator) -> Row:
    hour, minute = clock("traffic", rng)
    kind = str(
        rng.choice(
            ["Столкновение", "Наезд на пешехода", "Наезд на препятствие", "Наезд на велосипедиста"],
            p=[0.5, 0.36, 0.09, 0.05],
        )
    )
    light = "день" if 8 <= hour < 18 else "сумерки" if hour in (7, 18, 19) else "ночь"
    return {
        "objectid": objectid,
        "rta_date": wall_ms(day),
        "fd1r05p1": f"{hour:02d}:{minute:02d}",
        "fd1r07p2": light,
        "fd1r06p1": at.address,
        "fd1r06p2": f"{DISTRICT} Улги",
        "fd1r13p1": int(rng.choice([0, 1, 2, 3], p=[0.12, 0.66, 0.17, 0.05])),
        "fd1r13p2": int(rng.random() < 0.03),
        "type_dtp": kind,
        "area_code": CITY,
    }
