"""Text that would run, or mislead, if taken for more than text; and tables full of it."""

from dataclasses import replace
from typing import Any

import pandas as pd

from patrolmap.output._text import one_line
from patrolmap.patrol.plan import Plan
from patrolmap.schema import PLAN_SEGMENTS, ROUTES, SEGMENTS, STOPS, UNSERVED, VISITS, Table
from patrolmap.streets.network import StreetNetwork
from plans import make_plan, node_path

HOSTILE = (
    "=cmd|' /C calc'!A0;\"<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
    "</script></style></title></textarea>--></p>${window.hacked=1}`\"'\\{{7*7}}{% raw %}<!--]]>&lt;"
    "javascript:window.hacked=1 \u2028window.hacked=1\u2029\u202e1=dekcah.wodniw\u202c"
)
SHOWN = one_line(HOSTILE)
KEYS = ("segment_id", "street_id")  # what tables are joined by


def filled(table: Any, contract: Table, text: str = HOSTILE) -> Any:
    """Return a table with the text in every column of free text that its contract has."""
    free = [c.name for c in contract.columns
            if c.kind == "str" and c.allowed is None and c.name not in KEYS]  # fmt: skip
    assert free
    return table.assign(**{name: pd.array([text] * len(table), dtype="str") for name in free})


def hostile_town(town: StreetNetwork, text: str = HOSTILE) -> StreetNetwork:
    """Return a town whose streets, and whom they are owed to, are called so."""
    return replace(town, segments=filled(town.segments, SEGMENTS, text), attribution=text)


def hostile_plan(town: StreetNetwork, corners: Any, *, text: str = HOSTILE, **options: Any) -> Plan:
    """Return a plan of one crew with the text in every column and every word about it."""
    plan = make_plan(town, {text: node_path(town, corners)}, **options)
    about = replace(plan.provenance, notes=(text,), unit=text, attribution=text)
    return replace(
        plan,
        routes=filled(plan.routes, ROUTES, text),
        visits=filled(plan.visits, VISITS, text),
        segments=filled(plan.segments, PLAN_SEGMENTS, text),
        stops=filled(plan.stops, STOPS, text),
        unserved=filled(plan.unserved, UNSERVED, text),
        provenance=about,
    )
