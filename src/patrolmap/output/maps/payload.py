"""What the map's page needs to know, as one JSON value: tables in, plain numbers and text out."""

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.output._text import one_line
from patrolmap.output._words import word_table
from patrolmap.output.maps.density import density_payload
from patrolmap.output.maps.events import event_payload
from patrolmap.output.maps.options import MapOptions
from patrolmap.output.maps.packing import Names, Payload
from patrolmap.output.maps.public import public_payload
from patrolmap.output.maps.risk import risk_payload
from patrolmap.output.maps.routes import plan_payload, plan_shares
from patrolmap.output.maps.spots import hotspot_payload
from patrolmap.output.maps.streets import bounds, ground_payload, place_payload, street_payload
from patrolmap.patrol.plan import Plan
from patrolmap.streets.network import StreetNetwork


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a map is to show; None where there is nothing of it."""

    risk: pd.Series | pd.DataFrame | None = None
    density: Any = None
    hotspots: gpd.GeoDataFrame | None = None
    events: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    plan: Plan | None = None


def official_payload(
    streets: StreetNetwork, shown: Shown, lang: str = "en", options: MapOptions | None = None
) -> Payload:
    """Check that the tables belong together and put them into one value for the page.

    Raises
    ------
    NetworkMismatchError
        If risk, hotspots or plan belong to another street network.
    SchemaError
        If risk is not numbers of 0 or more, or a table breaks its contract.
    """
    names = Names()
    s, plan = shown, shown.plan
    out = _page(streets, names, lang, options or MapOptions(), official=True)
    out |= {
        "audience": "official",
        "risk": None if s.risk is None else risk_payload(streets, s.risk, lang),
        "density": None if s.density is None else density_payload(s.density),
        "hotspots": [] if s.hotspots is None else hotspot_payload(streets, s.hotspots, lang),
        "events": None if s.events is None else event_payload(s.events, streets, lang),
        "places": None if s.places is None else place_payload(s.places, names, lang),
        "plan": None if plan is None else plan_payload(streets, plan, names, lang),
    }
    if plan is not None:
        out["bounds"] = bounds(streets, plan)
    if out["risk"] and not out["risk"]["kinds"] and plan is not None:
        out["risk"]["kinds"] = plan_shares(streets, plan)
    return out


def open_payload(
    streets: StreetNetwork, events: Any, lang: str = "en", options: MapOptions | None = None
) -> Payload:
    """Return what may be shown to anyone: the streets, and counts of events in cells."""
    names, chosen = Names(), options or MapOptions()
    cells = None if events is None else public_payload(events, streets, chosen)
    return _page(streets, names, lang, chosen) | {"audience": "public", "cells": cells}


def _page(
    streets: StreetNetwork, names: Names, lang: str, options: MapOptions, *, official: bool = False
) -> Payload:
    return {
        "lang": lang,
        "words": word_table(lang, "map"),
        "streets": street_payload(streets, names, lang, lighting=official),
        "grounds": ground_payload(streets),
        "bounds": bounds(streets, None),
        "credit": one_line(streets.attribution),
        "tiles": {"url": options.tiles, "credit": one_line(options.tiles_credit)},
        "names": names.texts,
    }
