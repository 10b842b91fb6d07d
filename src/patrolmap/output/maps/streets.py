"""The base map: streets with their names in the reader's language, and places along them."""

import geopandas as gpd
import numpy as np
import pandas as pd

from patrolmap._crs import to_lonlat
from patrolmap.output._named import names_in
from patrolmap.output._text import one_line
from patrolmap.output.maps.packing import Names, Payload, pack_ints, pack_lines, pack_points
from patrolmap.patrol.plan import Plan
from patrolmap.schema import PLACES, validate
from patrolmap.streets.network import StreetNetwork


def street_payload(streets: StreetNetwork, names: Names, lang: str, *, lighting: bool) -> Payload:
    """Return lines, names, classes, lengths (dm), parks and, if asked for, lighting."""
    rows = streets.segments
    codes, kinds = pd.factorize(rows["highway"])
    called = names_in(rows, lang)
    area = rows["area"].map({"park": "p", "square": "s"}).fillna("-")
    return {
        **pack_lines(rows.geometry.to_numpy(), streets.crs),
        "name": pack_ints([names(name) for name in called]),
        "class": pack_ints(codes),
        "classes": [one_line(kind) for kind in kinds],
        "length": pack_ints(np.rint(rows["length"].to_numpy() * 10)),
        "lit": "".join(rows["lit"].str[0]) if lighting else "",
        "area": "".join(area),
    }


def bounds(streets: StreetNetwork, plan: Plan | None) -> list[list[float]]:
    """Return the corners to look at first: of the routes, else of the streets inside."""
    x0, y0, x1, y1 = ground(streets, plan)
    lon, lat = to_lonlat(streets.crs, [x0, x1], [y0, y1])
    return [[round(float(lat[k]), 6), round(float(lon[k]), 6)] for k in (0, 1)]


def ground(streets: StreetNetwork, plan: Plan | None) -> tuple[float, float, float, float]:
    """Return the box of the routes, else of the streets inside, in the streets' CRS."""
    lines = streets.segments.geometry[streets.segments["inside"]]
    if plan is not None and len(plan.routes):
        lines = plan.routes.geometry.to_crs(streets.crs)
    elif not len(lines):
        lines = streets.segments.geometry
    x0, y0, x1, y1 = map(float, lines.total_bounds)
    return x0, y0, x1, y1


def place_payload(places: gpd.GeoDataFrame, names: Names, lang: str) -> Payload:
    """Return places by kind, each with its name in the reader's language where it has one.

    Raises
    ------
    SchemaError
        If it is no table of places.
    """
    kept = places_shown(places)
    codes, kinds = pd.factorize(kept["kind"], sort=True)
    first = kept["name"]
    for other in ("name_ru", "name_kk", "name_en"):
        first = first.fillna(kept[other])
    called = kept[f"name_{lang}"].fillna(first)
    points = kept.geometry
    return {
        "points": pack_points(points.x, points.y, kept.crs, what="places"),
        "kind": pack_ints(codes),
        "kinds": [one_line(kind) for kind in kinds],
        "name": pack_ints([names(name) for name in called]),
    }


def places_shown(places: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the places that stand somewhere.

    Raises
    ------
    SchemaError
        If it is no table of places.
    """
    validate(places, PLACES)
    return places[~(places.geometry.is_empty | places.geometry.isna()).to_numpy()]
