"""The nearest piece by a grid of cells, against looking at all of them."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.streets.lines.grid import cells_of_boxes, cells_of_points, nearest_pieces

NUMBERS = st.integers(-150, 150).map(float)


@settings(deadline=None, max_examples=150)
@given(
    points=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8),
    pieces=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=8),
    reach=st.sampled_from([5.0, 20.0, 60.0]),
)
def test_the_nearest_piece_in_reach_is_found(points, pieces, reach):
    xy, ends = np.array(points), np.array(pieces).reshape(-1, 4)
    piece, share, distance = nearest_pieces(xy, ends, reach)
    lines = shapely.linestrings(ends.reshape(-1, 2, 2)) if pieces else np.empty(0, dtype=object)
    away = shapely.distance(shapely.points(xy)[:, None], lines[None, :])
    for i in range(len(xy)):
        least = away[i].min(initial=np.inf)
        if abs(least - reach) < 1e-9:
            continue  # in reach or not by the last bit
        if least > reach:
            assert piece[i] == -1
            assert np.isnan(share[i])
            continue
        assert abs(distance[i] - least) < 1e-9
        assert abs(away[i, piece[i]] - least) < 1e-9
        at = ends[piece[i], :2] + share[i] * (ends[piece[i], 2:] - ends[piece[i], :2])
        assert abs(np.hypot(*(xy[i] - at)) - least) < 1e-9


def test_pieces_that_share_an_end_tie_and_the_first_is_taken():
    ends = np.array([[10.0, 0, 20, 0], [10.0, 0, 10, 10]])
    piece, _, distance = nearest_pieces(np.array([[4.0, -3.0]]), ends, 20.0)
    assert (piece.tolist(), distance.round(9).tolist()) == ([0], [6.708203932])


def test_a_point_stands_in_a_cell_of_the_box_around_it():
    points = np.array([[-0.5, 0.5], [99.9, -0.1], [250.0, 1e6]])
    boxes = np.column_stack([points - 30, points + 30])
    box, cell = cells_of_boxes(boxes, 50.0)
    for i, key in enumerate(cells_of_points(*points.T, 50.0)):
        assert key in cell[box == i]
