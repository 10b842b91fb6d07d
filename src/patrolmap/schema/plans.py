"""The tables of a plan."""

from patrolmap.schema.contract import Column, Table, ids
from patrolmap.schema.streets import SEGMENTS
from patrolmap.schema.words import ACTIVITIES, GROUND_KINDS, MODES

ROUTES = Table(
    name="routes",
    index=(ids("route_id", "str", "shift name and crew number"),),
    columns=(
        Column(name="shift", kind="str", meaning="name of the shift"),
        Column(name="crew", kind="int", meaning="number of the crew in its shift, from 1"),
        Column(name="depot", kind="str", meaning="where the route starts"),
        Column(name="end_depot", kind="str", meaning="where the route ends"),
        Column(name="service", kind="str", meaning="who walks it, e.g. police, national_guard"),
        Column(name="mode", kind="str", meaning="how the crew moves", allowed=MODES),
        Column(name="start", kind="time", meaning="clock at the depot's door"),
        Column(name="end", kind="time", meaning="clock back at the end depot"),
        Column(name="length", kind="float", unit="m", minimum=0, meaning="every metre walked"),
        Column(name="duration", kind="float", unit="s", minimum=0, meaning="end minus start"),
        Column(
            name="prize", kind="float", unit="risk", minimum=0, meaning="risk its passes collect"
        ),
        Column(
            name="geometry", kind="geometry", unit="m", meaning="all that is walked, as one line"
        ),
    ),
)

VISITS = Table(
    name="visits",
    index=(
        ids("route_id", "str", "the route it belongs to"),
        ids("step", "int", "order in the route, from 0"),
    ),
    columns=(
        Column(name="activity", kind="str", meaning="what the crew does", allowed=ACTIVITIES),
        Column(
            name="segment_id", kind="str", nullable=True, meaning="segment; none while standing"
        ),
        Column(name="forward", kind="bool", meaning="walked along the segment's geometry"),
        Column(name="from_node", kind="int", meaning="node where the step starts"),
        Column(name="to_node", kind="int", meaning="node where the step ends"),
        Column(name="place", kind="str", nullable=True, meaning="street or place name"),
        Column(name="arrive", kind="time", meaning="clock when the step begins"),
        Column(name="depart", kind="time", meaning="clock when the step ends"),
        Column(name="length", kind="float", unit="m", minimum=0, meaning="metres of the step"),
        Column(
            name="pass_number",
            kind="int",
            minimum=0,
            meaning="which pass of this segment it is, by any crew, in clock order, within the "
            "time bin; 0 while standing",
        ),
        Column(
            name="prize", kind="float", unit="risk", minimum=0, meaning="risk the pass collects"
        ),
        Column(name="reason", kind="str", nullable=True, meaning="why the crew is here, in words"),
    ),
)

PLAN_SEGMENTS = Table(
    name="plan segments",
    index=SEGMENTS.index,
    columns=(
        *(column for column in SEGMENTS.columns if column.name != "geometry"),
        Column(
            name="risk",
            kind="float",
            unit="risk",
            minimum=0,
            meaning="prize of the first pass (all time bins together); `risk_crime` and so on "
            "stand beside it where given",
        ),
        SEGMENTS.columns[-1],
    ),
)

STOPS = Table(
    name="stops",
    index=(ids("stop_id", "int", "running number"),),
    columns=(
        Column(name="kind", kind="str", meaning="depot or post"),
        Column(name="name", kind="str", meaning="its name"),
        Column(name="node_id", kind="int", meaning="node it stands at"),
        Column(name="geometry", kind="geometry", unit="m", meaning="where it really is"),
    ),
)

PLAN_GROUNDS = Table(
    name="plan grounds",
    index=(ids("ground_id", "int", "running number"),),
    columns=(
        Column(name="kind", kind="str", meaning="what it is", allowed=GROUND_KINDS),
        Column(name="geometry", kind="geometry", unit="m", meaning="polygon, cut to the streets"),
    ),
)

UNSERVED = Table(
    name="unserved",
    index=SEGMENTS.index,
    columns=(
        Column(name="name", kind="str", nullable=True, meaning="street name"),
        Column(name="length", kind="float", unit="m", minimum=0, meaning="its length"),
        Column(name="risk", kind="float", unit="risk", minimum=0, meaning="risk nobody passes"),
        Column(
            name="why",
            kind="str",
            meaning="out of reach, no time left, unlit, park closed, or no-go area",
        ),
    ),
)
