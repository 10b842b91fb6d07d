"""The tables that tell of risk: hotspots, statistics of segments, contours, lixels."""

from patrolmap.schema.contract import Column, Table, ids
from patrolmap.schema.streets import SEGMENTS
from patrolmap.schema.words import EVENT_KINDS, TREND_CLASSES

HOTSPOTS = Table(
    name="hotspots",
    index=(ids("hotspot_id", "int", "running number from 1, the most risk first"),),
    columns=(
        Column(name="name", kind="str", meaning="its one or two streets with the most risk"),
        Column(name="length", kind="float", unit="m", minimum=0, meaning="length of its segments"),
        Column(name="risk", kind="float", unit="risk", minimum=0, meaning="risk of its segments"),
        Column(
            name="risk_share",
            kind="float",
            minimum=0,
            meaning="share of the risk of all walkable segments inside the boundary",
        ),
        Column(name="length_share", kind="float", minimum=0, meaning="share of their length"),
        Column(name="density", kind="float", unit="risk/km", minimum=0, meaning="risk per km"),
        Column(
            name="pai",
            kind="float",
            minimum=0,
            meaning="`risk_share` / `length_share`: how many times the risk of an average street",
        ),
        Column(name="n_segments", kind="int", minimum=1, meaning="how many segments it holds"),
        Column(
            name="n_events",
            kind="int",
            nullable=True,
            minimum=0,
            meaning="events on its segments; missing, as all below, where no events were given",
        ),
        *(
            Column(
                name=f"n_{kind}", kind="int", nullable=True, minimum=0, meaning=f"of kind `{kind}`"
            )
            for kind in EVENT_KINDS
        ),
        Column(
            name="peak_hours",
            kind="str",
            nullable=True,
            meaning="the four clock hours in a row with most of its events: `22:00-02:00`",
        ),
        Column(
            name="peak_share",
            kind="float",
            nullable=True,
            minimum=0,
            meaning="share of its events in them (of those whose hours are known)",
        ),
        Column(
            name="trend",
            kind="float",
            nullable=True,
            minimum=0,
            meaning="its events in the later half of the observed period to those in the earlier, "
            "over the same ratio of all events: 1 is like everywhere, 2 twice the growth",
        ),
        Column(
            name="trend_p",
            kind="float",
            nullable=True,
            minimum=0,
            meaning="chance of a trend as far from 1, if it went as everywhere (binomial)",
        ),
        Column(
            name="p_value",
            kind="float",
            nullable=True,
            minimum=0,
            meaning="chance that as many events thrown uniformly on these streets make a hotspot "
            "as strong anywhere (Monte Carlo)",
        ),
        Column(name="segment_ids", kind="list", meaning="their ids, in the order of the streets"),
        Column(name="geometry", kind="geometry", unit="m", meaning="its segments, one multi-line"),
    ),
)

_TESTED = (
    Column(name="p_value", kind="float", nullable=True, minimum=0, meaning="missing: not tested"),
    Column(
        name="q_value",
        kind="float",
        nullable=True,
        minimum=0,
        meaning="rate of false discoveries at which it passes (Benjamini-Hochberg)",
    ),
)

LOCAL_STATISTICS = Table(
    name="local statistics",
    index=SEGMENTS.index,
    columns=(
        Column(name="n_events", kind="int", minimum=0, meaning="events on the segment"),
        Column(
            name="expected",
            kind="float",
            unit="events",
            minimum=0,
            meaning="by its share of the street length",
        ),
        Column(name="n_around", kind="int", minimum=0, meaning="events on it and its neighbours"),
        Column(
            name="expected_around",
            kind="float",
            unit="events",
            minimum=0,
            meaning="by their share of the street length",
        ),
        Column(name="statistic", kind="float", meaning="z of Gi*, or local Moran"),
        *_TESTED,
        Column(name="hot", kind="bool", meaning="`q_value` is at most alpha"),
    ),
)

SEGMENT_TRENDS = Table(
    name="segment trends",
    index=SEGMENTS.index,
    columns=(
        Column(name="n_events", kind="int", minimum=0, meaning="events in all bins"),
        Column(name="active_bins", kind="int", minimum=0, meaning="bins with events"),
        Column(
            name="tau",
            kind="float",
            nullable=True,
            minimum=-1,
            meaning="Kendall's tau-b of counts and time; missing: not tested",
        ),
        *_TESTED,
        Column(name="trend", kind="str", meaning="its class", allowed=TREND_CLASSES),
    ),
)

NEAR_REPEAT = Table(
    name="near repeat",
    index=(
        ids("distance", "str", "band of distance, `same place` first"),
        ids("days", "str", "band of time"),
    ),
    columns=(
        Column(name="distance_from", kind="float", unit="m", minimum=0, meaning="at least"),
        Column(name="distance_to", kind="float", unit="m", minimum=0, meaning="less than"),
        Column(name="days_from", kind="float", unit="days", minimum=0, meaning="at least"),
        Column(name="days_to", kind="float", unit="days", minimum=0, meaning="less than"),
        Column(name="observed", kind="int", minimum=0, meaning="pairs of events so far apart"),
        Column(name="expected", kind="float", minimum=0, meaning="mean over all deals of times"),
        Column(name="ratio", kind="float", nullable=True, minimum=0, meaning="observed / expected"),
        Column(
            name="p_value",
            kind="float",
            minimum=0,
            meaning="chance of as many pairs or more, if times had nothing to do with places",
        ),
    ),
)

CONTOURS = Table(
    name="contours",
    index=(ids("contour_id", "int", "running number from 1, the smallest area first"),),
    columns=(
        Column(name="share", kind="float", minimum=0, meaning="share of all that was asked for"),
        Column(
            name="held",
            kind="float",
            minimum=0,
            meaning="share that the cells with their centres inside hold: `share` or a little more",
        ),
        Column(
            name="density", kind="float", unit="1/m²", minimum=0, meaning="density at the border"
        ),
        Column(name="area", kind="float", unit="m²", minimum=0, meaning="area enclosed"),
        Column(name="geometry", kind="geometry", unit="m", meaning="multi-polygon, with its holes"),
    ),
)

LIXELS = Table(
    name="lixels",
    index=(ids("lixel_id", "int", "running number, along the segments in their order"),),
    columns=(
        Column(name="segment_id", kind="str", meaning="the segment it is a piece of"),
        Column(name="start", kind="float", unit="m", minimum=0, meaning="from the segment's start"),
        Column(name="end", kind="float", unit="m", minimum=0, meaning="from the segment's start"),
        Column(
            name="density",
            kind="float",
            unit="1/m",
            meaning="weighted events per metre at its middle; may be below 0 by the method `esc`",
        ),
        Column(name="geometry", kind="geometry", unit="m", meaning="line"),
    ),
)
