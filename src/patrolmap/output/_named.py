"""Street names in the reader's language, for maps, cards and tracks."""

from dataclasses import replace

import pandas as pd

from patrolmap.patrol.plan import Plan
from patrolmap.streets.lines.avenues import street_names


def names_in(segments: pd.DataFrame, lang: str) -> pd.Series:
    """Return street names in a language where they have one, else as on the signs."""
    own = segments[f"name_{lang}"].astype("str")
    return street_names(segments.assign(name=own.fillna(segments["name"])))


def named_in(plan: Plan, lang: str) -> Plan:
    """Return the plan with its streets named in the reader's language, where they have one."""
    own, visits = plan.segments[f"name_{lang}"].astype("str"), plan.visits
    place = visits["segment_id"].map(own).astype("str").fillna(visits["place"])
    segments = plan.segments.assign(name=names_in(plan.segments, lang))
    return replace(plan, segments=segments, visits=visits.assign(place=place))
