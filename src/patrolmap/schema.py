"""Column contracts: every public table, its columns, types, units and meaning, declared once.

`validate` checks a table against its contract at the border of a stage; a table that breaks it goes
to pandera, which finds every row at fault;
`to_markdown` writes the same contract as the table in the docs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from patrolmap.errors import OptionError, SchemaError

Kind = Literal["str", "int", "float", "bool", "time", "geometry", "list"]

EVENT_KINDS = ("crime", "accident", "juvenile", "call")
CATEGORIES = (
    *("violence", "sexual", "domestic", "robbery", "burglary", "theft", "vehicle", "fraud"),
    *("extortion", "damage", "arson", "disorder", "weapons", "drugs", "traffic"),
    *("accident_pedestrian", "accident_vehicle", "accident_other", "other", "unknown"),
)
SEVERITIES = (
    *("misdemeanour", "minor", "medium", "grave", "especially_grave"),
    *("damage", "injury", "fatal"),
)
TIME_PRECISIONS = ("minute", "hour", "period", "day", "month", "unknown")
LIT_VALUES = ("yes", "no", "unknown")
SIDEWALK_VALUES = ("both", "one", "separate", "no")
AREA_VALUES = ("park", "square")
PLACE_KINDS = (
    *("police", "school", "kindergarten", "bus_stop", "bar", "alcohol", "marketplace", "park"),
    *("crossing", "street_lamp", "camera"),
)
MODES = ("walk", "drive")
ACTIVITIES = ("walk", "drive", "dwell", "wait", "break", "report", "briefing", "handover")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: its name, kind of value, unit and meaning."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    nullable: bool = False
    allowed: tuple[str, ...] | None = None
    minimum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """The contract of one table: index levels first, then columns in order."""

    name: str
    index: tuple[Column, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns, the index left out."""
        return [column.name for column in self.columns]


def _ids(name: str, kind: Kind, meaning: str) -> Column:
    return Column(name=name, kind=kind, meaning=meaning)


EVENTS = Table(
    name="events",
    index=(_ids("event_id", "str", "the map's kind, then the source's id or its row"),),
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

SEGMENTS = Table(
    name="segments",
    index=(_ids("segment_id", "str", "stable id of an undirected street piece between junctions"),),
    columns=(
        Column(name="from_node", kind="int", meaning="node where the geometry starts"),
        Column(name="to_node", kind="int", meaning="node where the geometry ends"),
        Column(name="length", kind="float", unit="m", minimum=0.001, meaning="to the millimetre"),
        Column(name="walk", kind="bool", meaning="may be walked, and is reached by walking"),
        Column(name="drive_forward", kind="bool", meaning="may be driven along the geometry"),
        Column(name="drive_backward", kind="bool", meaning="may be driven against the geometry"),
        Column(
            name="inside",
            kind="bool",
            meaning="lies in the boundary asked for; those outside "
            "are kept for walking through and for density, and carry no prize",
        ),
        Column(
            name="street_id",
            kind="str",
            meaning="one for all segments of a street, its two carriageways included: the id of "
            "its first stretch between junctions",
        ),
        Column(name="name", kind="str", nullable=True, meaning="street name as tagged"),
        Column(name="name_kk", kind="str", nullable=True, meaning="street name in Kazakh"),
        Column(name="name_ru", kind="str", nullable=True, meaning="street name in Russian"),
        Column(name="name_en", kind="str", nullable=True, meaning="street name in English"),
        Column(name="highway", kind="str", meaning="OSM class; `unclassified` where not given"),
        Column(name="lit", kind="str", meaning="street lighting as tagged", allowed=LIT_VALUES),
        Column(
            name="surface",
            kind="str",
            nullable=True,
            meaning="surface as tagged, on most of the stretch between two junctions",
        ),
        Column(
            name="sidewalk",
            kind="str",
            nullable=True,
            meaning="sidewalk as tagged on most of the stretch: on both sides, one, drawn "
            "separately, or none",
            allowed=SIDEWALK_VALUES,
        ),
        Column(name="bridge", kind="bool", meaning="is a bridge"),
        Column(name="tunnel", kind="bool", meaning="is a tunnel, or runs under a building"),
        Column(
            name="crossings",
            kind="int",
            minimum=0,
            meaning="marked pedestrian crossings on it, those at its ends included",
        ),
        Column(
            name="area",
            kind="str",
            nullable=True,
            meaning="the park or square its middle lies in",
            allowed=AREA_VALUES,
        ),
        Column(name="geometry", kind="geometry", unit="m", meaning="line, `from_node` first"),
    ),
)

NODES = Table(
    name="nodes",
    index=(_ids("node_id", "int", "OSM id; negative where a long segment was split"),),
    columns=(Column(name="geometry", kind="geometry", unit="m", meaning="point"),),
)

_NAMES = (
    Column(name="name", kind="str", nullable=True, meaning="name as tagged"),
    Column(name="name_kk", kind="str", nullable=True, meaning="name in Kazakh"),
    Column(name="name_ru", kind="str", nullable=True, meaning="name in Russian"),
    Column(name="name_en", kind="str", nullable=True, meaning="name in English"),
)

PLACES = Table(
    name="places",
    index=(_ids("place_id", "str", "OSM id: `node/1`, `way/2`, `relation/3`"),),
    columns=(
        Column(name="kind", kind="str", meaning="kind of place", allowed=PLACE_KINDS),
        *_NAMES,
        Column(
            name="geometry", kind="geometry", unit="m", meaning="point, of an area one inside it"
        ),
    ),
)

DISTRICTS = Table(
    name="districts",
    index=(_ids("district_id", "str", "OSM id: `relation/3072216`, or `way/2`"),),
    columns=(
        *_NAMES,
        Column(
            name="admin_level",
            kind="int",
            nullable=True,
            minimum=1,
            meaning="OSM level: 2 a country, larger numbers smaller areas; none where not tagged",
        ),
        Column(name="geometry", kind="geometry", unit="m", meaning="multi-polygon"),
    ),
)

ROUTES = Table(
    name="routes",
    index=(_ids("route_id", "str", "shift name and crew number"),),
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
        _ids("route_id", "str", "the route it belongs to"),
        _ids("step", "int", "order in the route, from 0"),
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
    index=(_ids("stop_id", "int", "running number"),),
    columns=(
        Column(name="kind", kind="str", meaning="depot or post"),
        Column(name="name", kind="str", meaning="its name"),
        Column(name="node_id", kind="int", meaning="node it stands at"),
        Column(name="geometry", kind="geometry", unit="m", meaning="where it really is"),
    ),
)

UNSERVED = Table(
    name="unserved",
    index=SEGMENTS.index,
    columns=(
        Column(name="name", kind="str", nullable=True, meaning="street name"),
        Column(name="length", kind="float", unit="m", minimum=0, meaning="its length"),
        Column(name="risk", kind="float", unit="risk", minimum=0, meaning="risk nobody passes"),
        Column(name="why", kind="str", meaning="out of reach, no time left, or unlit"),
    ),
)

HOTSPOTS = Table(
    name="hotspots",
    index=(_ids("hotspot_id", "int", "running number from 1, the most risk first"),),
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
        Column(name="n_segments", kind="int", minimum=1, meaning="how many segments it holds"),
        Column(name="segment_ids", kind="list", meaning="their ids, in the order of the streets"),
        Column(name="geometry", kind="geometry", unit="m", meaning="its segments, one multi-line"),
    ),
)

TABLES = (
    *(EVENTS, SEGMENTS, NODES, PLACES, DISTRICTS),
    *(ROUTES, VISITS, PLAN_SEGMENTS, STOPS, UNSERVED, HOTSPOTS),
)


def require_type(value: object, wanted: type, *, name: str) -> None:
    """Raise `OptionError` unless a value given to a public function is of the type it needs."""
    if not isinstance(value, wanted):
        raise OptionError(f"{name} is a {type(value).__name__}; wanted a {wanted.__name__}.")


def validate(table: pd.DataFrame, contract: Table) -> None:
    """Check a table against its contract.

    Parameters
    ----------
    table
        Any DataFrame or GeoDataFrame; columns beyond the contract are not looked at.
    contract
        One of the tables declared in this module.

    Raises
    ------
    SchemaError
        Naming the column, what it held and what was wanted, for the first few failing rows.
    """
    if not all(_holds(table, column) for column in contract.columns):
        _validate_with_pandera(table, contract)
    levels = list(table.index.names)
    wanted = [column.name for column in contract.index]
    if levels != wanted:
        raise SchemaError(f"{contract.name}: the index is {levels}, wanted {wanted}.")
    if not table.index.is_unique:
        twice = table.index[table.index.duplicated()][:3].tolist()
        raise SchemaError(f"{contract.name}: ids stand more than once, e.g. {twice}.")


def _holds(table: pd.DataFrame, column: Column) -> bool:
    """Say whether a column keeps its contract; to ask pandera takes 0.3 s, mostly to load it."""
    if column.name not in table:
        return False
    values = table[column.name]
    there = values.dropna()
    return bool(
        _IS_KIND[column.kind](values)
        and (column.nullable or len(there) == len(values))
        and (column.allowed is None or there.isin(column.allowed).all())
        and (column.minimum is None or (there >= column.minimum).all())
    )


def _validate_with_pandera(table: pd.DataFrame, contract: Table) -> None:
    """Check the columns with pandera, which says of every rule where it is broken."""
    import pandera.errors
    import pandera.pandas as pa

    rules = pa.DataFrameSchema(
        {
            column.name: pa.Column(checks=_checks(column), nullable=column.nullable, required=True)
            for column in contract.columns
        }
    )
    plain = pd.DataFrame({name: table[name].array for name in contract.names if name in table})
    try:
        rules.validate(plain, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise SchemaError(_explain(error.failure_cases, contract)) from error


def to_markdown(contract: Table) -> str:
    """Write a contract as a Markdown table for the docs.

    Examples
    --------
    >>> print(to_markdown(NODES))
    | column | kind | unit | meaning |
    |---|---|---|---|
    | **node_id** | int |  | OSM id; negative where a long segment was split |
    | geometry | geometry | m | point |
    """
    rows = ["| column | kind | unit | meaning |", "|---|---|---|---|"]
    for column in (*contract.index, *contract.columns):
        name = f"**{column.name}**" if column in contract.index else column.name
        allowed = f" ({', '.join(column.allowed)})" if column.allowed else ""
        rows.append(f"| {name} | {column.kind} | {column.unit} | {column.meaning}{allowed} |")
    return "\n".join(rows)


_IS_KIND: dict[Kind, Callable[[pd.Series], bool]] = {
    "str": lambda s: pd.api.types.is_string_dtype(s.dtype) or s.isna().all(),
    "int": lambda s: pd.api.types.is_integer_dtype(s.dtype),
    "float": lambda s: pd.api.types.is_float_dtype(s.dtype),
    "bool": lambda s: pd.api.types.is_bool_dtype(s.dtype),
    "time": lambda s: isinstance(s.dtype, pd.DatetimeTZDtype),
    "geometry": lambda s: s.dtype.name == "geometry",
    "list": lambda s: all(isinstance(value, list) for value in s),
}


def _checks(column: Column) -> list[Any]:
    import pandera.pandas as pa

    checks = [pa.Check(_IS_KIND[column.kind], name=f"wanted {column.kind}", ignore_na=False)]
    if column.allowed is not None:
        checks.append(pa.Check.isin(column.allowed, name=f"wanted one of {list(column.allowed)}"))
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum, name=f"wanted at least {column.minimum:g}"))
    return checks


def _explain(failures: pd.DataFrame, contract: Table) -> str:
    """Put pandera's failure table into one sentence per broken rule."""
    lines = []
    for (column, check), cases in failures.groupby(["column", "check"], dropna=False, sort=False):
        given = cases["failure_case"].head(3).tolist()
        rows = cases["index"].dropna().head(3).tolist()
        where = f" (rows {rows})" if rows else ""
        if check == "column_in_dataframe":
            lines.append(f"{contract.name}: no column {given[0]!r}; wanted {contract.names}.")
        else:
            lines.append(f"{contract.name}: column {column!r}: {check}, given {given}{where}.")
    return "\n".join(lines)
