"""Legs: a walk told street by street, with clock and turn."""

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import SchemaError
from patrolmap.output._legs import legs, path, side, steps_by_route, turn
from plans import SPEED, START, make_plan, node_path
from towns import grid_town, loop_town, star_town, town


def tell(place, corners, **options):
    plan = make_plan(place, {"r": node_path(place, corners)}, **options)
    return legs(plan)


def streets(**columns):
    """A main street of two pieces, a side street going north, a far end."""
    return town(
        {
            "m0": [(0, 0), (100, 0)],
            "m1": [(100, 0), (200, 0)],
            "n0": [(100, 0), (100, 100)],
            "n1": [(100, 100), (100, 200)],
        },
        name={"m0": "Abay", "m1": "Abay", "n0": "Dostyk", "n1": "Dostyk"},
        **columns,
    )


def test_pieces_of_one_street_make_one_leg_with_its_length_and_clock():
    told = tell(streets(), [(0, 0), (100, 0), (200, 0)])
    assert told[["place", "length", "turn"]].to_numpy().tolist() == [["Abay", 200.0, "start"]]
    assert told["arrive"].iloc[0] == START
    assert told["depart"].iloc[0] == START + pd.Timedelta(seconds=200 / SPEED)
    assert told.index.tolist() == [("r", 1)]


def test_a_new_street_begins_a_new_leg_with_its_turn():
    told = tell(streets(), [(0, 0), (100, 0), (100, 100), (100, 200)])
    assert told["place"].tolist() == ["Abay", "Dostyk"]
    assert told["turn"].tolist() == ["start", "left"]
    told = tell(streets(), [(200, 0), (100, 0), (100, 100)])
    assert told["turn"].tolist() == ["start", "right"]


def test_turning_back_on_the_same_street_begins_a_new_leg():
    told = tell(streets(), [(0, 0), (100, 0), (200, 0), (100, 0), (100, 100)])
    assert told["place"].tolist() == ["Abay", "Abay", "Dostyk"]
    assert told["turn"].tolist() == ["start", "back", "right"]


def test_standing_is_a_leg_of_its_own_named_after_the_street_the_crew_came_by():
    corners = [(0, 0), (100, 0), (200, 0)]
    told = tell(streets(), corners, dwell={"r": {1: 600.0}})
    assert told["activity"].tolist() == ["walk", "dwell", "walk"]
    assert told["place"].tolist() == ["Abay", "Abay", "Abay"]
    assert told["depart"].iloc[1] - told["arrive"].iloc[1] == pd.Timedelta("10min")
    assert told["length"].iloc[1] == 0
    assert told.geometry.iloc[1].geom_type == "Point"
    assert told["turn"].iloc[2] == "straight"


def test_a_stand_at_a_corner_hides_no_turn():
    corners = [(0, 0), (100, 0), (100, 100)]
    told = tell(streets(), corners, dwell={"r": {0: 60.0, 1: 600.0}})
    assert told["activity"].tolist() == ["dwell", "walk", "dwell", "walk"]
    assert told["turn"].tolist() == ["start", "start", "straight", "left"]
    assert told["place"].tolist() == ["Depot", "Abay", "Abay", "Dostyk"]
    back = tell(streets(), [(0, 0), (100, 0), (0, 0)], dwell={"r": {1: 600.0}})
    assert back["turn"].tolist() == ["start", "straight", "back"]


def test_a_crossing_of_a_few_metres_belongs_to_the_leg_before():
    place = town(
        {
            "a": [(0, 0), (100, 0)],
            "cross": [(100, 0), (112, 0)],
            "b": [(112, 0), (200, 0)],
            "c": [(200, 0), (200, 100)],
        },
        name={"a": "Abay", "b": "Abay", "c": "Dostyk", "cross": None},
        highway={"cross": "footway"},
    )
    told = tell(place, [(0, 0), (100, 0), (112, 0), (200, 0), (200, 100)])
    assert told["place"].tolist() == ["Abay", "Dostyk"]
    assert told["length"].tolist() == [200.0, 100.0]


def avenue(**columns):
    """Two carriageways of Abay 45 m apart with a nameless way across, and a yard at its end."""
    options = {
        "name": dict.fromkeys(("s0", "s1", "n0", "n1"), "Abay")
        | dict.fromkeys(("across", "yard"), None),
        "street_id": dict.fromkeys(("s0", "s1", "n0", "n1"), "s0"),
        "highway": {"across": "footway", "yard": "service"},
    }
    corners = {"s0": [(0, 0), (100, 0)], "s1": [(100, 0), (200, 0)], "n0": [(0, 45), (100, 45)],
               "n1": [(100, 45), (200, 45)], "across": [(100, 0), (100, 45)],
               "yard": [(100, 45), (100, 65)]}  # fmt: skip
    return town(corners, **options | columns)


def test_crossing_an_avenue_to_its_other_carriageway_stays_one_leg():
    told = tell(avenue(), [(0, 0), (100, 0), (100, 45), (200, 45)])
    assert told[["place", "length"]].to_numpy().tolist() == [["Abay", 245.0]]
    named = avenue(name=dict.fromkeys(("s0", "s1", "n0", "n1"), "Abay") | {"across": "Dostyk"})
    told = tell(named, [(0, 0), (100, 0), (100, 45), (200, 45)])
    assert told["place"].tolist() == ["Abay", "Dostyk", "Abay"]


def test_walking_back_on_the_other_carriageway_is_told_with_the_way_across():
    told = tell(avenue(), [(0, 0), (100, 0), (100, 45), (0, 45)])
    assert told["place"].tolist() == ["Abay", "unnamed footway", "Abay"]
    assert told["turn"].tolist() == ["start", "left", "left"]


def test_the_way_into_a_yard_and_back_is_told():
    told = tell(avenue(), [(0, 45), (100, 45), (100, 65), (100, 45), (200, 45)])
    assert told["place"].tolist() == ["Abay", "unnamed driveway", "Abay"]


def test_a_nameless_carriageway_is_told_by_the_name_of_its_street():
    nameless = avenue(name={"s0": "Abay", "s1": None, "n0": "Abay", "n1": "Abay", "yard": None})
    told = tell(nameless, [(0, 0), (100, 0), (200, 0)])
    assert told[["place", "length"]].to_numpy().tolist() == [["Abay", 200.0]]


def test_a_street_that_spells_its_name_two_ways_is_one_leg():
    spelled = avenue(name={"s0": "ул. Абая", "s1": "ул.Абая"})
    told = tell(spelled, [(0, 0), (100, 0), (200, 0)])
    assert told["place"].tolist() == ["ул. Абая"]
    two = avenue(name={"s0": "ул. Абая", "s1": "ул.Абая"}, street_id={})
    assert len(tell(two, [(0, 0), (100, 0), (200, 0)])) == 2


def test_ways_without_a_name_part_at_corners_after_a_hundred_metres():
    place = grid_town(4, 4)
    nameless = type(place)(
        segments=place.segments.assign(name=None, highway="residential").astype({"name": "str"}),
        nodes=place.nodes,
    )
    told = tell(nameless, [(0, 0), (100, 0), (200, 0), (200, 100), (300, 100)])
    assert told["place"].unique().tolist() == ["unnamed street"]
    assert told["turn"].tolist() == ["start", "left", "right"]
    paths = tell(
        type(place)(
            segments=nameless.segments.assign(highway="footway"),
            nodes=place.nodes,
        ),
        [(0, 0), (100, 0)],
    )
    assert paths["place"].tolist() == ["unnamed footway"]


def test_two_ways_round_a_block_between_the_same_corners_are_told_apart():
    place = loop_town()
    told = tell(place, [(0, 0), (100, 0), (180, 0)])
    assert told["place"].tolist() == ["main street", "tail street"]


@pytest.mark.parametrize("bearing", range(0, 360, 30))
def test_turns_do_not_depend_on_the_compass(bearing):
    angle = np.radians(bearing)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    come = np.array([[-50.0, 0.0], [0.0, 0.0]]) @ spin.T
    for degrees, wanted in ((0, "straight"), (90, "left"), (-90, "right"), (180, "back")):
        way = np.radians(degrees)
        go = np.array([[0.0, 0.0], [50 * np.cos(way), 50 * np.sin(way)]]) @ spin.T
        assert turn(come, go) == wanted
    assert side(come, np.array([[0.0, 0.0], [-50.0, 5.0]]) @ spin.T) == "left"


def test_the_direction_at_a_corner_is_that_of_the_metres_next_to_it():
    bent = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 40.0]])  # ends going north
    assert turn(bent, np.array([[100.0, 40.0], [100.0, 90.0]])) == "straight"
    assert turn(bent, np.array([[100.0, 40.0], [50.0, 40.0]])) == "left"


def test_legs_cover_every_metre_and_every_second_of_the_route(case):
    told = legs(case.plan)
    for route_id, row in case.plan.routes.iterrows():
        mine = told.loc[route_id]
        assert mine["length"].sum() == pytest.approx(row["length"])
        assert mine["arrive"].iloc[0] == row["start"]
        assert mine["depart"].iloc[-1] == row["end"]
        assert (mine["arrive"].iloc[1:].to_numpy() == mine["depart"].iloc[:-1].to_numpy()).all()
        assert (mine["first_step"].iloc[1:] == mine["last_step"].to_numpy()[:-1] + 1).all()


def test_a_walk_has_every_vertex_with_times_that_run_evenly_along_it():
    place = loop_town()
    route = [node_path(place, [corner])[0] for corner in [(0, 0), (100, 0), (180, 0)]]
    plan = make_plan(place, {"r": route}, dwell={"r": {1: 100.0}})
    points, times = path(steps_by_route(plan)["r"])
    seconds = (times - START.tz_convert("UTC")).total_seconds().to_numpy()
    assert points.shape == (4, 2)  # the corner stands twice: the crew waits there
    assert seconds.tolist() == [0, 80, 180, 244]
    assert np.hypot(*(points[2] - points[1])) < 1e-9


def test_a_walk_against_the_drawing_of_a_bent_street_keeps_its_shape():
    place = town({"bow": [(0, 0), (30, 40), (60, 40), (90, 0)]})
    plan = make_plan(place, {"r": node_path(place, [(90, 0), (0, 0)])})
    points, times = path(steps_by_route(plan)["r"])
    assert np.allclose(points, np.array(place.segments.geometry.iloc[0].coords)[::-1])
    assert times.is_monotonic_increasing


def test_a_visit_of_a_segment_that_the_plan_lacks_is_named():
    place = star_town()
    plan = make_plan(place, {"r": node_path(place, [(0, 0), (200, 0)])})
    walked = plan.visits["segment_id"].iloc[0]
    object.__setattr__(plan, "segments", plan.segments.drop(index=walked))
    with pytest.raises(SchemaError, match=f"its segments table lacks, e.g. .*{walked}"):
        legs(plan)


def test_a_plan_without_routes_has_no_legs(case):
    empty = type(case.plan)(
        routes=case.plan.routes.iloc[:0],
        visits=case.plan.visits.iloc[:0],
        segments=case.plan.segments,
        stops=case.plan.stops,
        unserved=case.plan.unserved,
        provenance=case.plan.provenance,
    )
    assert legs(empty).empty
    assert legs(empty).index.names == ["route_id", "leg"]
