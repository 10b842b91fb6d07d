"""Column contracts: every public table, its columns, types, units and meaning, declared once."""

from patrolmap.schema.checks import require_type, to_markdown, validate
from patrolmap.schema.contract import Column, Kind, Table
from patrolmap.schema.events import EVENTS
from patrolmap.schema.plans import PLAN_GROUNDS, PLAN_SEGMENTS, ROUTES, STOPS, UNSERVED, VISITS
from patrolmap.schema.risk import (
    CONTOURS,
    HOTSPOTS,
    LIXELS,
    LOCAL_STATISTICS,
    NEAR_REPEAT,
    SEGMENT_TRENDS,
)
from patrolmap.schema.streets import DISTRICTS, NODES, PLACES, SEGMENTS
from patrolmap.schema.words import (
    ACTIVITIES,
    AREA_VALUES,
    CATEGORIES,
    EVENT_KINDS,
    GROUND_KINDS,
    LIT_VALUES,
    MODES,
    PLACE_KINDS,
    SEVERITIES,
    SIDEWALK_VALUES,
    TIME_PRECISIONS,
    TREND_CLASSES,
)

TABLES = (
    *(EVENTS, SEGMENTS, NODES, PLACES, DISTRICTS),
    *(ROUTES, VISITS, PLAN_SEGMENTS, STOPS, UNSERVED, PLAN_GROUNDS, HOTSPOTS),
    *(LOCAL_STATISTICS, SEGMENT_TRENDS, NEAR_REPEAT),
    *(CONTOURS, LIXELS),
)

__all__ = [
    "ACTIVITIES",
    "AREA_VALUES",
    "CATEGORIES",
    "CONTOURS",
    "DISTRICTS",
    "EVENTS",
    "EVENT_KINDS",
    "GROUND_KINDS",
    "HOTSPOTS",
    "LIT_VALUES",
    "LIXELS",
    "LOCAL_STATISTICS",
    "MODES",
    "NEAR_REPEAT",
    "NODES",
    "PLACES",
    "PLACE_KINDS",
    "PLAN_GROUNDS",
    "PLAN_SEGMENTS",
    "ROUTES",
    "SEGMENTS",
    "SEGMENT_TRENDS",
    "SEVERITIES",
    "SIDEWALK_VALUES",
    "STOPS",
    "TABLES",
    "TIME_PRECISIONS",
    "TREND_CLASSES",
    "UNSERVED",
    "VISITS",
    "Column",
    "Kind",
    "Table",
    "require_type",
    "to_markdown",
    "validate",
]
