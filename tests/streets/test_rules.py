"""The walk and drive filters, rule by rule."""

import pytest

from patrolmap.streets import rules

WALK_CASES = [
    ({"highway": "construction", "foot": "yes"}, "what is not a street in use", False),
    ({"highway": "proposed"}, "what is not a street in use", False),
    ({"highway": "abandoned"}, "what is not a street in use", False),
    ({"highway": "raceway"}, "what is not a street in use", False),
    ({"highway": "corridor"}, "what is not a street in use", False),
    ({"highway": "platform"}, "what is not a street in use", False),
    ({"highway": "motorway", "foot": "yes"}, "motorways, whatever else is tagged", False),
    ({"highway": "motorway_link", "sidewalk": "both"}, "motorways, whatever else is tagged", False),
    ({"highway": "cycleway", "foot": "designated"}, "open to walkers by tag", True),
    (
        {"highway": "service", "access": "private", "foot": "permissive"},
        "open to walkers by tag",
        True,
    ),
    ({"highway": "trunk", "foot": "yes"}, "open to walkers by tag", True),
    ({"highway": "residential", "foot": "no"}, "closed to walkers by tag", False),
    ({"highway": "residential", "foot": "use_sidepath"}, "closed to walkers by tag", False),
    ({"highway": "residential", "access": "no"}, "closed to all", False),
    ({"highway": "service", "access": "private"}, "closed to all", False),
    ({"highway": "primary", "motorroad": "yes"}, "roads signed like motorways", False),
    ({"highway": "trunk", "sidewalk": "separate"}, "trunk roads with a sidewalk", True),
    ({"highway": "trunk_link", "sidewalk:left": "yes"}, "trunk roads with a sidewalk", True),
    ({"highway": "trunk", "sidewalk": "no"}, "trunk roads without one", False),
    ({"highway": "trunk_link"}, "trunk roads without one", False),
    ({"highway": "service", "service": "parking_aisle"}, "streets and service ways", True),
    ({"highway": "service", "service": "driveway"}, "streets and service ways", True),
    ({"highway": "primary"}, "streets and service ways", True),
    ({"highway": "steps"}, "ways made for walking", True),
    ({"highway": "pedestrian", "area": "yes"}, "ways made for walking", True),
    ({"highway": "cycleway"}, None, False),
    ({"highway": "cycleway", "foot": "no"}, "closed to walkers by tag", False),
    ({"highway": "elevator"}, None, False),
    ({}, None, False),
]

DRIVE_CASES = [
    ({"highway": "construction"}, "what is not a street in use", False),
    ({"highway": "service", "area": "yes"}, "drawn as an area", False),
    ({"highway": "steps", "motor_vehicle": "yes"}, "steps and footpaths", False),
    ({"highway": "service", "motor_vehicle": "no", "motorcar": "yes"}, "open to cars by tag", True),
    ({"highway": "residential", "motorcar": "no"}, "closed to cars by tag", False),
    ({"highway": "pedestrian", "motor_vehicle": "destination"}, "open to motors by tag", True),
    ({"highway": "residential", "motor_vehicle": "no"}, "closed to motors by tag", False),
    ({"highway": "service", "access": "private"}, "closed to vehicles or to all", False),
    ({"highway": "road", "vehicle": "no"}, "closed to vehicles or to all", False),
    (
        {"highway": "service", "service": "parking_aisle"},
        "parking aisles and emergency access",
        False,
    ),
    ({"highway": "service", "service": "driveway"}, "roads", True),
    ({"highway": "motorway"}, "roads", True),
    ({"highway": "track"}, None, False),
    ({"highway": "pedestrian"}, None, False),
]


@pytest.mark.parametrize(("tags", "name", "admits"), WALK_CASES)
def test_each_walk_rule_decides_the_ways_it_names(tags, name, admits):
    rule = rules.decide(rules.WALK_RULES, tags)
    assert (rule and rule.name) == name
    assert rules.may_walk(tags) is admits


@pytest.mark.parametrize(("tags", "name", "admits"), DRIVE_CASES)
def test_each_drive_rule_decides_the_ways_it_names(tags, name, admits):
    rule = rules.decide(rules.DRIVE_RULES, tags)
    assert (rule and rule.name) == name
    assert any(rules.may_drive(tags)) is admits


@pytest.mark.parametrize(
    ("table", "cases"), [(rules.WALK_RULES, WALK_CASES), (rules.DRIVE_RULES, DRIVE_CASES)]
)
def test_every_rule_has_a_case_that_it_decides(table, cases):
    assert {rule.name for rule in table} <= {name for _, name, _ in cases}


@pytest.mark.parametrize(
    ("tags", "ways"),
    [
        ({}, (True, True)),
        ({"oneway": "yes"}, (True, False)),
        ({"oneway": "-1"}, (False, True)),
        ({"oneway": "reversible"}, (True, True)),
        ({"oneway:foot": "yes"}, (True, True)),
        ({"junction": "roundabout"}, (True, False)),
        ({"junction": "roundabout", "oneway": "no"}, (True, True)),
        ({"highway": "motorway"}, (True, False)),
    ],
)
def test_one_way_streets_bind_cars(tags, ways):
    tags = {"highway": "residential", **tags}
    assert rules.may_drive(tags) == ways
    assert rules.may_walk(tags) is (tags["highway"] != "motorway")


@pytest.mark.parametrize(
    ("value", "lit"),
    [("yes", "yes"), ("24/7", "yes"), ("no", "no"), (None, "unknown"), ("<b>yes</b>", "unknown")],
)
def test_lighting_is_taken_as_tagged(value, lit):
    assert rules.as_lit(value) == lit


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("unclassified;tertiary", "tertiary"),
        ("['residential', 'motorway']", "motorway"),
        ('["service"]', "service"),
        ("[residential, service]", "residential"),
        ("[", "["),
        ("helicopter", "helicopter"),
    ],
)
def test_a_street_of_several_kinds_counts_as_the_largest(value, kind):
    assert rules.main_kind(value) == kind
