"""The table of events."""

from patrolmap.schema.contract import Column, Table, ids
from patrolmap.schema.words import CATEGORIES, EVENT_KINDS, SEVERITIES, TIME_PRECISIONS

EVENTS = Table(
    name="events",
    index=(ids("event_id", "str", "the map's kind, then the source's id or its row"),),
    columns=(
        Column(name="kind", kind="str", meaning="which map it comes from", allowed=EVENT_KINDS),
        Column(
            name="category",
            kind="str",
            meaning="kind of offence or accident, as a short word",
            allowed=CATEGORIES,
        ),
        Column(
            name="article",
            kind="str",
            nullable=True,
            meaning="article of the Criminal Code, with its part: `188-3`, `345-1-2`; part 0 "
            "where that of `345-1` is not told",
        ),
        Column(
            name="severity",
            kind="str",
            nullable=True,
            meaning="how grave: of an offence as the code's categories, of an accident by its "
            "worst outcome",
            allowed=SEVERITIES,
        ),
        Column(
            name="harm",
            kind="float",
            unit="days",
            nullable=True,
            minimum=0,
            meaning="weight in days of imprisonment; missing where nothing tells it",
        ),
        Column(
            name="occurred_from",
            kind="time",
            nullable=True,
            meaning="earliest moment it may have happened; NaT where nothing is known",
        ),
        Column(
            name="occurred_to",
            kind="time",
            nullable=True,
            meaning="end of the interval it happened in (half-open); equals `occurred_from` "
            "to the minute; NaT too where the source states ends, but not this one",
        ),
        Column(
            name="time_precision",
            kind="str",
            meaning="how well the time is known; `period`: some hours of a day",
            allowed=TIME_PRECISIONS,
        ),
        Column(
            name="place",
            kind="str",
            nullable=True,
            meaning="code of the kind of place, as the source lists it",
        ),
        Column(
            name="police_initiated",
            kind="bool",
            meaning="found by the police's own work (drugs and the like), not reported to them",
        ),
        Column(name="geometry", kind="geometry", unit="m", meaning="point in a metric CRS"),
    ),
)
