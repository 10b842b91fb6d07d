"""Which OSM ways may be walked and driven: two declared tables of rules, read from the top.

The first rule that fits a way decides; a way that no rule fits is out. Where OSM leaves room:

- Parking aisles and driveways are walkable, as in osmnx's walk filter: yards are reached by them.
- Unlike osmnx, cycleways and private ways with foot=yes/designated/permissive are in, ways with
  sidewalk=separate are in, and corridors inside buildings are out.
- A way drawn as an area (area=yes) is walked along its outline and never driven.
- oneway binds cars only; oneway:foot is not looked at.
- Streets whose direction changes by the hour (oneway=reversible) count as two-way.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

Tags = Mapping[str, str | None]
_SIDEWALKS = {
    **dict.fromkeys(("both", "yes"), "both"),
    **dict.fromkeys(("left", "right"), "one"),
    **dict.fromkeys(("no", "none"), "no"),
    "separate": "separate",
}
_NOT = (None, "no", "false", "0", "0.0", "F")  # the last ones in tables of other programs
# One entry of a Python list written out as text: quoted either way, or bare.
_LISTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,'"]+)""")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Ordered from the largest: a way tagged with several kinds counts as the first of them here.
KINDS = (
    *("motorway", "motorway_link", "trunk", "trunk_link", "primary", "primary_link"),
    *("secondary", "secondary_link", "tertiary", "tertiary_link", "unclassified", "residential"),
    *("living_street", "road", "unsurfaced", "service", "pedestrian", "track", "bridleway"),
    *("cycleway", "footway", "path", "trail", "steps", "crossing", "access_ramp"),
)
MOTORWAYS = _set("motorway motorway_link")
TRUNKS = _set("trunk trunk_link")
ROADS = _set(
    "primary primary_link secondary secondary_link tertiary tertiary_link unclassified "
    "residential living_street road unsurfaced service"
)
FOOTWAYS = _set("pedestrian footway path trail steps crossing access_ramp track bridleway")
NOT_STREETS = _set(
    "construction proposed planned abandoned disused demolished razed no raceway corridor "
    "platform bus_stop rest_area services escape bus_guideway via_ferrata"
)
FOOT_ALLOWED = _set("yes designated permissive official public")
FOOT_REFUSED = _set("no private use_sidepath")
SIDEWALK_KEYS = ("sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right")
SIDEWALK_THERE = _set("both left right yes separate")
CAR_ALLOWED = _set("yes permissive designated official public destination customers")
CAR_REFUSED = _set("no private agricultural forestry agricultural;forestry military")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of a filter: admits or refuses the ways it fits.

    Attributes
    ----------
    name : str
        What it says, in words.
    admits : bool
    keys, values
        It fits a way where any of these keys has any of these values.
    kinds : optional
        It looks only at ways of these highway kinds.
    """

    name: str
    admits: bool
    keys: tuple[str, ...]
    values: frozenset[str]
    kinds: frozenset[str] | None = None

    def fits(self, tags: Tags) -> bool:
        """Say whether this rule speaks about a way with these tags."""
        if self.kinds is not None and tags.get("highway") not in self.kinds:
            return False
        for key in self.keys:  # noqa: SIM110 - any() takes twice as long, and a city asks often
            if tags.get(key) in self.values:
                return True
        return False


def _rule(
    name: str, verdict: str, keys: str, values: Iterable[str], kinds: frozenset[str] | None = None
) -> Rule:
    return Rule(
        name=name,
        admits=verdict == "in",
        keys=tuple(keys.split()),
        values=frozenset(values),
        kinds=kinds,
    )


WALK_RULES = (
    _rule("what is not a street in use", "out", "highway", NOT_STREETS),
    _rule("motorways, whatever else is tagged", "out", "highway", MOTORWAYS),
    _rule("open to walkers by tag", "in", "foot", FOOT_ALLOWED),
    _rule("closed to walkers by tag", "out", "foot", FOOT_REFUSED),
    _rule("closed to all", "out", "access", _set("no private")),
    _rule("roads signed like motorways", "out", "motorroad", _set("yes")),
    _rule("trunk roads with a sidewalk", "in", " ".join(SIDEWALK_KEYS), SIDEWALK_THERE, TRUNKS),
    _rule("trunk roads without one", "out", "highway", TRUNKS),
    _rule("streets and service ways", "in", "highway", ROADS),
    _rule("ways made for walking", "in", "highway", FOOTWAYS),
)

DRIVE_RULES = (
    _rule("what is not a street in use", "out", "highway", NOT_STREETS),
    _rule("drawn as an area", "out", "area", _set("yes")),
    _rule("steps and footpaths", "out", "highway", _set("steps footway path trail crossing")),
    _rule("open to cars by tag", "in", "motorcar", CAR_ALLOWED),
    _rule("closed to cars by tag", "out", "motorcar", CAR_REFUSED),
    _rule("open to motors by tag", "in", "motor_vehicle", CAR_ALLOWED),
    _rule("closed to motors by tag", "out", "motor_vehicle", CAR_REFUSED),
    _rule("closed to vehicles or to all", "out", "vehicle access", CAR_REFUSED),
    _rule(
        "parking aisles and emergency access",
        "out",
        "service",
        _set("parking_aisle parking emergency_access private"),
    ),
    _rule("roads", "in", "highway", MOTORWAYS | TRUNKS | ROADS),
)

ALONGSIDE_KEYS = ("footway", "path", "cycleway", "is_sidepath")
ONEWAY_KEYS = ("oneway", "junction")
RULE_KEYS = tuple(
    dict.fromkeys(
        ["highway", *ONEWAY_KEYS, *(k for r in (*WALK_RULES, *DRIVE_RULES) for k in r.keys)]
    )
)
JUDGED_KEYS = (*RULE_KEYS, *ALONGSIDE_KEYS, "lit", "surface", "bridge", "tunnel", "layer")

GROUNDS = {"square": ("place", "square"), "park": ("leisure", "park")}
"""Areas that a segment may lie in, by the tag that makes them one; the first one wins."""
WATERS = (("natural", "water"), ("waterway", "riverbank"))
"""What makes an area water; a map shows it, and nothing else is made of it."""


class Judged(NamedTuple):
    """All that the tags of a way but its names say of it."""

    highway: str
    lit: str
    bridge: bool
    tunnel: bool
    surface: str | None
    sidewalk: str | None
    area: str | None
    walk: bool
    drive_forward: bool
    drive_backward: bool
    role: str
    layer: int


def judge(tags: Tags) -> Judged:
    """Read the tags of a way; a half-motorway counts as motorway.

    Examples
    --------
    >>> judge({"highway": "footway", "footway": "sidewalk", "lit": "24/7"}).role
    'sidewalk'
    """
    return _judge(tuple([(key, tags[key]) for key in JUDGED_KEYS if key in tags]))


@lru_cache(maxsize=10_000)  # a city's ways and areas have few sets of such tags
def _judge(told: tuple[tuple[str, str | None], ...]) -> Judged:
    tags = dict(told)
    kind = main_kind(tags.get("highway") or "")
    tags["highway"] = kind
    forward, backward = may_drive(tags)
    return Judged(
        highway=kind,
        lit=as_lit(tags.get("lit")),
        bridge=tags.get("bridge") not in _NOT,
        tunnel=tags.get("tunnel") not in _NOT,
        surface=tags.get("surface") or None,
        sidewalk=as_sidewalk(tags),
        area=None,  # the tag says that a way is one, not in which it lies
        walk=may_walk(tags),
        drive_forward=forward,
        drive_backward=backward,
        role="" if forward or backward else as_role(tags),
        layer=as_layer(tags.get("layer")),
    )


def decide(rules: Iterable[Rule], tags: Tags) -> Rule | None:
    """Return the first rule that fits a way, or None.

    Examples
    --------
    >>> decide(WALK_RULES, {"highway": "cycleway", "foot": "yes"}).name
    'open to walkers by tag'
    """
    for rule in rules:
        if rule.fits(tags):
            return rule
    return None


def may_walk(tags: Tags) -> bool:
    """Say whether a way may be walked, both ways.

    Examples
    --------
    >>> may_walk({"highway": "trunk"}), may_walk({"highway": "trunk", "sidewalk": "left"})
    (False, True)
    """
    rule = decide(WALK_RULES, tags)
    return rule is not None and rule.admits


def may_drive(tags: Tags) -> tuple[bool, bool]:
    """Say whether a way may be driven along its drawing, and against it.

    Examples
    --------
    >>> may_drive({"highway": "residential", "oneway": "-1"})
    (False, True)
    """
    rule = decide(DRIVE_RULES, tags)
    if rule is None or not rule.admits:
        return False, False
    oneway = tags.get("oneway")
    if oneway in ("yes", "true", "1"):
        return True, False
    if oneway in ("-1", "reverse"):
        return False, True
    implied = tags.get("junction") in ("roundabout", "circular") or (
        tags.get("highway") == "motorway"
    )
    return True, oneway is not None or not implied


def as_lit(value: str | None) -> str:
    """Turn an OSM `lit` value into yes, no or unknown: as tagged, nothing guessed.

    Examples
    --------
    >>> as_lit("24/7"), as_lit("no"), as_lit(None)
    ('yes', 'no', 'unknown')
    """
    if value in ("yes", "24/7", "automatic", "limited", "sunset-sunrise", "dusk-dawn", "interval"):
        return "yes"
    return "no" if value in ("no", "disused") else "unknown"


def as_sidewalk(tags: Tags) -> str | None:
    """Say where a street's sidewalks are: both, one, separate (drawn as ways of their own) or no.

    Examples
    --------
    >>> as_sidewalk({"sidewalk": "left"}), as_sidewalk({"sidewalk:both": "separate"})
    ('one', 'separate')
    """
    whole = tags.get("sidewalk") or tags.get("sidewalk:both")
    if whole is not None:
        return _SIDEWALKS.get(whole)
    sides = {tags.get("sidewalk:left"), tags.get("sidewalk:right")} - {None}
    if "separate" in sides:
        return "separate"
    there = sum(tags.get(f"sidewalk:{side}") == "yes" for side in ("left", "right"))
    return ("no" if sides == {"no"} else None, "one", "both")[there]


def as_role(tags: Tags) -> str:
    """Tell ways that only run along or over a street: `sidewalk`, `crossing`, or empty.

    Examples
    --------
    >>> as_role({"highway": "cycleway", "is_sidepath": "yes"}), as_role({"highway": "path"})
    ('sidewalk', '')
    """
    said = {tags.get(key) for key in ("footway", "path", "cycleway")}
    if said & {"crossing", "traffic_island"}:
        return "crossing"
    return "sidewalk" if "sidewalk" in said or tags.get("is_sidepath") == "yes" else ""


def as_layer(value: str | None) -> int:
    """Return the layer of a way, 0 where none is tagged.

    Examples
    --------
    >>> as_layer("-1"), as_layer("1;2"), as_layer("upper"), as_layer(None)
    (-1, 1, 0, 0)
    """
    found = re.match(r"\s*([+-]?\d{1,2})(?!\d)", value or "")
    return int(found[1]) if found else 0


def split_values(value: str) -> list[str]:
    """Take apart several values in one tag: `a;b` as in OSM, `['a', 'b']` as in saved tables.

    Examples
    --------
    >>> split_values("unclassified;tertiary"), split_values("['trunk', 'motorway']")
    (['unclassified', 'tertiary'], ['trunk', 'motorway'])
    """
    text = value.strip()
    if text.startswith("[") and text.endswith("]"):
        return ["".join(groups) for groups in _LISTED.findall(text[1:-1])] or [text]
    return [part.strip() for part in text.split(";") if part.strip()] or [text]


def main_kind(value: str) -> str:
    """Return the largest highway kind of a tag, so that a half-motorway counts as motorway.

    Examples
    --------
    >>> main_kind("residential"), main_kind("['trunk', 'motorway']")
    ('residential', 'motorway')
    """
    if value in KINDS:
        return value
    parts = split_values(value)
    known = [part for part in parts if part in KINDS]
    return min(known, key=KINDS.index) if known else parts[0]
