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
    named = names_in(plan.segments, lang)
    # Corners are called by their streets; depots and posts keep their names.
    known = pd.Series(named.to_numpy(), index=street_names(plan.segments)).dropna()
    # A street may have the name on some of its segments only: those come first.
    known = known.iloc[own[named.notna()].isna().to_numpy().argsort(kind="stable")]
    known = known[known.index.notna() & ~known.index.duplicated()].to_dict()
    corners = visits["place"][visits["segment_id"].isna()].dropna().unique()
    said = {
        corner: " / ".join(known.get(street, street) for street in corner.split(" / "))
        for corner in set(corners) - set(plan.stops["name"])
    }
    place = visits["segment_id"].map(own).astype("str").fillna(visits["place"].replace(said))
    return replace(plan, segments=plan.segments.assign(name=named),
                   visits=visits.assign(place=place.astype("str")))  # fmt: skip
