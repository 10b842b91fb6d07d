"""Shares of cells that an area covers."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.risk.density.window import Window, covered

WINDOW = Window(0.0, 50.0, 5, 6, 10.0)


def along_middle_lines(area, window):
    out = np.zeros((window.rows, window.columns))
    for row in range(window.rows):
        y = window.north - (row + 0.5) * window.cell
        for column in range(window.columns):
            x = window.west + column * window.cell
            line = shapely.LineString([(x, y), (x + window.cell, y)])
            out[row, column] = line.intersection(area).length / window.cell
    return out


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.floats(-20, 80), st.floats(-20, 80)), min_size=3, max_size=9),
    st.floats(0, 15),
)
def test_shares_are_measured_along_the_middle_line_of_each_cell(corners, hole):
    area = (
        shapely.MultiPoint(corners)
        .convex_hull.buffer(1)
        .difference(shapely.Point(corners[0]).buffer(hole))
    )
    if not area.is_empty:
        np.testing.assert_allclose(
            covered(area, WINDOW), along_middle_lines(area, WINDOW), atol=1e-6
        )


@pytest.mark.parametrize(
    "area", [shapely.box(-10, -10, 100, 100), shapely.box(0, 0, 60, 50), shapely.box(7, 13, 44, 41)]
)
def test_a_rectangle_is_covered_as_far_as_it_goes(area):
    np.testing.assert_allclose(covered(area, WINDOW), along_middle_lines(area, WINDOW), atol=1e-12)


def test_an_area_elsewhere_covers_nothing():
    for box in [(100, 0, 110, 50), (-50, 0, -40, 50), (0, 60, 60, 70), (0, -30, 60, -20)]:
        assert not covered(shapely.box(*box), WINDOW).any()
