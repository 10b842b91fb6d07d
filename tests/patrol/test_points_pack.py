"""Of all routes that a search has met, the best that go together are chosen."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from patrolmap._kernels.points import Pool
from patrolmap.patrol.points_pack import pack_routes


def pool_of(routes, kinds):
    """Return a pool of routes (kind, points, prize) for crews of some kinds."""
    places = len(routes) + 1  # one stays free
    order, size = np.zeros((places, 4), dtype=np.int32), np.zeros(places, dtype=np.int64)
    for row, (_, points, _) in enumerate(routes):
        order[row, : len(points)], size[row] = sorted(points), len(points)
    return Pool(
        prize=np.array([prize for *_, prize in routes] + [0], dtype=np.int64),
        plan=np.zeros(places, dtype=np.int64),
        kind=np.array([kind for kind, *_ in routes] + [0], dtype=np.int64),
        order=order,
        size=size,
        kinds=np.array(kinds, dtype=np.int64),
        key=np.zeros(100, dtype=np.uint64),
    )


def best_by_trying_all(routes, kinds):
    """Return the most that disjoint routes, one a crew or none, are worth."""
    best = 0
    choices = [[None, *(r for r in routes if r[0] == kind)] for kind in kinds]
    for chosen in itertools.product(*choices):
        taken = [route for route in chosen if route is not None]
        points = [point for _, points, _ in taken for point in points]
        if len(points) == len(set(points)):
            best = max(best, sum(prize for *_, prize in taken))
    return best


def test_two_middling_routes_beat_the_richest_one_that_crosses_both():
    routes = [(0, {1, 2, 70}, 9), (0, {1, 3}, 7), (0, {70, 4}, 6)]
    assert pack_routes(pool_of(routes, [0, 0]), 9).tolist() == [1, 2]


def test_a_crew_walks_only_routes_of_its_own_kind():
    routes = [(0, {1}, 5), (0, {2}, 4), (1, {3}, 1)]
    assert pack_routes(pool_of(routes, [0, 1]), 0).tolist() == [0, 2]


def test_a_crew_without_a_route_stays_at_home():
    assert pack_routes(pool_of([(0, {1}, 5)], [0, 0]), 4).tolist() == [0, -1]


def test_what_is_no_better_is_not_chosen():
    assert pack_routes(pool_of([(0, {1}, 5)], [0]), 5) is None
    assert pack_routes(pool_of([], [0]), 0) is None


def test_without_time_nothing_is_chosen():
    assert pack_routes(pool_of([(0, {1}, 5)], [0]), 0, seconds=0.0) is None


@given(
    routes=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sets(st.integers(0, 80), min_size=1, max_size=4),
            st.integers(1, 9),
        ),
        min_size=1,
        max_size=8,
    ),
    kinds=st.sampled_from([[0], [0, 0], [0, 1], [0, 0, 1]]),
    least=st.integers(0, 15),
)
def test_it_is_the_best_choice_or_none_is_better(routes, kinds, least):
    chosen, best = pack_routes(pool_of(routes, kinds), least), best_by_trying_all(routes, kinds)
    if best <= least:
        assert chosen is None
        return
    taken = [routes[row] for row in chosen.tolist() if row >= 0]
    points = [point for _, points, _ in taken for point in points]
    assert len(points) == len(set(points))
    assert all(kind == routes[row][0] for kind, row in zip(kinds, chosen, strict=True) if row >= 0)
    assert sum(prize for *_, prize in taken) == best
