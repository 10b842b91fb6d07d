"""Steps taken out of lines, and nodes put into others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.streets.lines.splice import Moves, lines_near, redraw
from patrolmap.streets.lines.table import Lines


def lines_through(*spots):
    """Draw a line through each list of points."""
    xy = np.array([point for line in spots for point in line], dtype=float)
    return Lines(
        way=np.arange(len(spots)),
        start=np.cumsum([0, *(len(line) for line in spots)]),
        vertex=np.arange(len(xy)),
        node_id=np.arange(len(xy)) + 100,
        x=xy[:, 0].copy(),
        y=xy[:, 1].copy(),
        crossing=np.zeros(len(xy), dtype=bool),
        tags=pd.DataFrame({"walk": [True] * len(spots)}),
    )


def moves(*rows):
    node, low, high, share = np.array(rows, dtype=float).reshape(-1, 4).T
    return Moves(node=node.astype(int), low=low.astype(int), high=high.astype(int), share=share)


def vertices(redrawn):
    return [part.tolist() for part in np.split(redrawn.lines.vertex, redrawn.lines.start[1:-1])]


def spliced(lines, *rows, out=(), giving_way=False):
    return redraw(
        lines,
        out=np.array(out, dtype=np.int64),
        moves=moves(*rows),
        giving_way=np.arange(len(lines.way)) > 0 if giving_way else np.zeros(len(lines.way), bool),
    )


def test_a_line_falls_apart_where_a_step_is_taken_out():
    line = lines_through([(0, 0), (10, 0), (20, 0), (30, 0)])
    found = spliced(line, out=[1])
    assert vertices(found) == [[0, 1], [2, 3]]
    assert found.origin.tolist() == [0, 0]


def test_a_line_of_which_every_step_is_taken_out_goes():
    two = lines_through([(0, 0), (10, 0)], [(0, 5), (10, 5)])
    assert spliced(two, out=[0]).origin.tolist() == [1]


def test_moved_nodes_stand_on_the_piece_and_split_every_line_over_it():
    lines = lines_through([(0, 0), (100, 0)], [(50, 30), (40, 5)], [(60, 30), (60, 5)])
    both_ways = lines.vertex.copy()
    found = spliced(lines, (3, 0, 1, 0.4), (5, 0, 1, 0.6))
    assert vertices(found) == [[0, 3, 5, 1], [2, 3], [4, 5]]
    assert (found.lines.x[3], found.lines.y[3]) == pytest.approx((40, 0))
    assert (lines.vertex == both_ways).all() and lines.y[3] == 5


def test_a_piece_drawn_backwards_takes_its_nodes_in_its_own_order():
    lines = lines_through([(0, 0), (100, 0)], [(50, 30), (40, 5)], [(60, 30), (60, 5)])
    lines.vertex[:2] = [1, 0]
    assert vertices(spliced(lines, (3, 0, 1, 0.4), (5, 0, 1, 0.6)))[0] == [1, 5, 3, 0]


@pytest.mark.parametrize(("share", "end"), [(0.003, 0), (0.997, 1)])
def test_a_node_moved_almost_to_an_end_of_the_piece_is_joined_to_it(share, end):
    lines = lines_through([(0, 0), (100, 0)], [(50, 30), (40, 5)])
    found = spliced(lines, (3, 0, 1, share))
    assert vertices(found) == [[0, 1], [2, end]]
    assert found.stand_in.tolist() == [0, 1, 2, end]


def test_a_line_whose_nodes_all_become_one_goes():
    lines = lines_through([(0, 0), (100, 0)], [(40, 6), (40.2, 5)])
    assert vertices(spliced(lines, (2, 0, 1, 0.4), (3, 0, 1, 0.402))) == [[0, 2, 1]]


@pytest.mark.parametrize("giving_way", [False, True])
def test_only_lines_that_give_way_lose_the_steps_that_come_to_lie_on_the_piece(giving_way):
    lines = lines_through([(0, 0), (100, 0)], [(40, 6), (60, 6), (60, 30)])
    found = spliced(lines, (2, 0, 1, 0.4), (3, 0, 1, 0.6), giving_way=giving_way)
    assert vertices(found)[0] == [0, 2, 3, 1]
    assert vertices(found)[1:] == [[3, 4] if giving_way else [2, 3, 4]]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[st.integers(-900, 900)] * 4), min_size=2, max_size=8), st.data())
def test_lines_that_meet_a_box_are_near_it(ends, data):
    lines = lines_through(*[[(a, b), (c, d)] for a, b, c, d in ends])
    west, south, width, height = data.draw(st.tuples(*[st.integers(0, 500)] * 4))
    box = np.array([[west], [south], [west + width], [south + height]], dtype=float)
    near = set(lines_near(lines, box).tolist())
    for i, (a, b, c, d) in enumerate(ends):
        meets = min(a, c) <= box[2, 0] and max(a, c) >= west
        meets &= min(b, d) <= box[3, 0] and max(b, d) >= south
        far = min(a, c) > box[2, 0] + 200 or max(a, c) < west - 200
        assert i in near if meets else not far or i not in near
