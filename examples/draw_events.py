"""Draw events for a district that has no published ones: seeded, and plainly invented.

Each event falls on a street drawn by weight, at a random point of it, some metres to the side. A
street weighs its length times `1 + main + sum over places of pull * exp(-(distance / reach)^2)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

import patrolmap as pm

MAIN_STREETS = ("primary", "secondary", "tertiary")
FIRST_DAY, DAYS = pd.Timestamp("2011-03-15"), 366
SIDE = 8.0  # m: doors and kerbs stand beside the middle of the street

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one map is drawn."""

    events: int
    categories: Mapping[str, float]  # category -> share
    hours: str  # weight of each clock hour from midnight, one digit each
    pull: Mapping[str, float]  # kind of place -> how much it draws
    main: float = 0.0  # how much more a metre of a main street draws
    reach: float = 200.0  # m


RECIPES = {
    "crime": Recipe(
        events=2400,
        categories={"theft": 0.6, "robbery": 0.15, "hooliganism": 0.15, "fraud": 0.1},
        hours="875311122334445556678999",
        pull={"marketplace": 40, "bus_stop": 12, "bar": 20, "school": 4},
        main=2.0,
    ),
    "accident": Recipe(
        events=700,
        categories={"collision": 0.6, "pedestrian": 0.4},
        hours="211112479965556679986543",
        pull={"bus_stop": 4, "school": 3},
        main=15.0,
    ),
    "juvenile": Recipe(
        events=240,
        categories={"theft": 0.5, "hooliganism": 0.3, "out at night": 0.2},
        hours="310000012223367776667864",
        pull={"school": 40, "park": 20, "bus_stop": 6},
    ),
}


def draw_events(
    streets: pm.StreetNetwork, places: gpd.GeoDataFrame, *, seed: int
) -> dict[str, pd.DataFrame]:
    """Return kind -> a table as a service would export it: date, category, lon, lat."""
    random = np.random.default_rng(seed)
    return {kind: _draw(recipe, streets, places, random) for kind, recipe in RECIPES.items()}


def _draw(
    recipe: Recipe,
    streets: pm.StreetNetwork,
    places: gpd.GeoDataFrame,
    random: np.random.Generator,
) -> pd.DataFrame:
    n = recipe.events
    usable = streets.segments[streets.segments["walk"] & streets.segments["inside"]]
    weight = usable["length"].to_numpy() * _attraction(recipe, usable, places)
    lines = usable.geometry.iloc[random.choice(len(usable), n, p=weight / weight.sum())]
    points = lines.interpolate(random.random(n), normalized=True).reset_index(drop=True)
    points = gpd.points_from_xy(
        points.x + random.normal(0, SIDE, n), points.y + random.normal(0, SIDE, n), crs=streets.crs
    ).to_crs(4326)
    share = np.array(list(recipe.categories.values()))
    hour = np.array([int(digit) for digit in recipe.hours], dtype=np.float64)
    minutes = random.choice(24, n, p=hour / hour.sum()) * 60 + random.integers(0, 60, n)
    moments = FIRST_DAY + pd.to_timedelta(random.integers(0, DAYS, n), unit="D")
    return pd.DataFrame(
        {
            "date": (moments + pd.to_timedelta(minutes, unit="min")).strftime("%d.%m.%Y %H:%M"),
            "category": random.choice(list(recipe.categories), n, p=share / share.sum()),
            "lon": points.x,
            "lat": points.y,
        }
    )


def _attraction(recipe: Recipe, usable: gpd.GeoDataFrame, places: gpd.GeoDataFrame) -> Floats:
    """Return how much a metre of each street draws; a quiet one 1."""
    middle = usable.geometry.interpolate(0.5, normalized=True)
    draws: Floats = 1.0 + recipe.main * usable["highway"].isin(MAIN_STREETS).to_numpy(
        dtype=np.float64
    )
    for kind, pull in recipe.pull.items():
        for place in places.geometry[places["kind"] == kind]:
            draws += pull * np.exp(-((middle.distance(place).to_numpy() / recipe.reach) ** 2))
    return draws
