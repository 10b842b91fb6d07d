"""The tables that streets and what stands beside them are read into."""

from patrolmap.schema.contract import Column, Table, ids
from patrolmap.schema.words import AREA_VALUES, LIT_VALUES, PLACE_KINDS, SIDEWALK_VALUES

SEGMENTS = Table(
    name="segments",
    index=(ids("segment_id", "str", "stable id of an undirected street piece between junctions"),),
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
    index=(ids("node_id", "int", "OSM id; negative where a long segment was split"),),
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
    index=(ids("place_id", "str", "OSM id: `node/1`, `way/2`, `relation/3`"),),
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
    index=(ids("district_id", "str", "OSM id: `relation/3072216`, or `way/2`"),),
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
