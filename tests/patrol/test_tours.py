"""The tours and walks that the yardstick compares with keep to streets, shifts and depots."""

import itertools

import numpy as np
import pytest

import tours
from crews import shift_at
from patrolmap.streets import StreetNetwork
from towns import CENTRE, grid_town


@pytest.fixture(scope="module")
def streets() -> StreetNetwork:
    return grid_town(8, 8)


def test_two_opt_takes_the_crossing_out_of_a_tour() -> None:
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], dtype=float)
    way = np.hypot(*(corners[:, None] - corners[None]).transpose(2, 0, 1))
    order = tours.two_opt(way, [0, 2, 1, 3])
    assert sum(way[a, b] for a, b in itertools.pairwise([*order, order[0]])) == 4


def test_stops_are_left_out_until_a_tour_fits() -> None:
    """Of four places on one road, the last of the tour goes, or the one far away."""
    place = np.array([0.0, 5000.0, 40_000.0, 8000.0])
    way = np.abs(place[:, None] - place[None])
    events = np.array([0.0, 9, 9, 9])
    plain = tours.fitting(way, [0, 1, 2, 3], events, choose=False)
    chosen = tours.fitting(way, [0, 1, 2, 3], events, choose=True)
    assert (sorted(plain), sorted(chosen)) == ([0, 1], [0, 1, 3])


def test_a_tour_walks_from_its_depot_past_its_centres_and_back(streets: StreetNetwork) -> None:
    shifts = [shift_at(streets, minutes=240, crews=2)]
    centres = tours.Centres(
        xy=np.array([[700.0, 0.0], [0.0, 700.0]]) + CENTRE, events=np.array([3.0, 2.0])
    )
    walked = tours.tour(streets, shifts, centres)
    assert streets.segments.loc[walked, "length"].sum() == pytest.approx(2 * 1400)


def test_a_random_walk_uses_its_time_and_is_home_for_its_end(streets: StreetNetwork) -> None:
    walked = tours.random_walks(streets, [shift_at(streets, minutes=240)], seed=1)
    length = streets.segments.loc[walked, "length"].sum()
    assert tours.BUDGET - 300 < length <= tours.BUDGET
    ends = streets.segments.loc[[walked[0], walked[-1]], ["from_node", "to_node"]]
    assert (ends == 1).any(axis=1).all()  # node 1 is the depot's corner
