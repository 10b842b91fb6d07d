"""The plan: every route of the shifts asked for, as tables that stand alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.errors import SourceFormatError, SourceNotFoundError
from patrolmap.schema import (
    PLAN_SEGMENTS,
    ROUTES,
    STOPS,
    UNSERVED,
    VISITS,
    Table,
    validate,
)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How a plan came to be: enough to check it and to make it again.

    Attributes
    ----------
    seed : int
    rules : mapping
        Shift name -> its rules, as plain values.
    bins : tuple of str
        Start of each time bin of the risk (ISO 8601); one entry where risk was a Series.
    prize, upper_bound, gap : float
        Risk collected; a proved bound on what any plan could collect; (bound - prize) / bound.
    total_risk : float
        Risk of all segments inside the boundary, first passes only.
    unit : str
        What one unit of risk is: "count" or "harm-days".
    iterations : int
    runtime : float
        Seconds the solver took.
    fingerprint : str
        The street network it was planned on.
    notes : tuple of str
        What a reader must know, e.g. that the events had no hours.
    versions : mapping
        Package name -> version.
    """

    seed: int
    rules: dict[str, dict[str, Any]]
    bins: tuple[str, ...]
    prize: float
    upper_bound: float
    gap: float
    total_risk: float
    unit: str = "count"
    iterations: int = 0
    runtime: float = 0.0
    fingerprint: str = ""
    timezone: str = "UTC"
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


_TABLES: dict[str, Table] = {
    "routes": ROUTES,
    "visits": VISITS,
    "segments": PLAN_SEGMENTS,
    "stops": STOPS,
    "unserved": UNSERVED,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """All routes of the shifts asked for; maps, cards, the checker need nothing else.

    Attributes
    ----------
    routes : GeoDataFrame
        One row a crew (`patrolmap.schema.ROUTES`).
    visits : DataFrame
        One row a step, in order (`VISITS`); consecutive steps meet at a node.
    segments : GeoDataFrame
        All that the routes use and what lies around (`PLAN_SEGMENTS`), with its risk.
    stops : GeoDataFrame
        Depots (`STOPS`).
    unserved : DataFrame
        Risky segments nobody passes, and why (`UNSERVED`).
    provenance : Provenance
    """

    routes: gpd.GeoDataFrame
    visits: pd.DataFrame
    segments: gpd.GeoDataFrame
    stops: gpd.GeoDataFrame
    unserved: pd.DataFrame
    provenance: Provenance

    def __post_init__(self) -> None:
        for name, contract in _TABLES.items():
            validate(getattr(self, name), contract)
