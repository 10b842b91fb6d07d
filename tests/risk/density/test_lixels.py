"""Segments cut into lixels."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely.ops import substring

from patrolmap.errors import OptionError
from patrolmap.risk.density.lixels import Lixels
from patrolmap.streets import StreetNetwork
from towns import grid_town, loop_town, row_town, town


@pytest.mark.parametrize("lixel_length", [7.0, 20.0, 33.3, 1000.0])
def test_lixels_are_equal_pieces_of_their_segment_and_none_is_longer_than_asked(lixel_length):
    streets = loop_town()
    lixels = Lixels.cut(streets, lixel_length)
    length = streets.segments["length"].to_numpy()
    pieces = np.diff(lixels.indptr)
    assert pieces.tolist() == np.ceil(length / lixel_length).tolist()
    assert lixels.length.max() <= lixel_length
    np.testing.assert_allclose(np.bincount(lixels.segment, lixels.length), length, atol=1e-9)


@pytest.mark.parametrize("lixel_length", [7.0, 25.0, 50.0, 1000.0])
def test_lines_of_lixels_are_what_shapely_cuts_out_of_the_segment(lixel_length):
    streets = loop_town()
    table = Lixels.cut(streets, lixel_length).table()
    for row in table.itertuples():
        line = streets.segments.geometry[row.segment_id]
        expected = substring(line, row.start, row.end)
        assert shapely.hausdorff_distance(row.geometry, expected) < 2e-3
    for segment_id, lines in table.groupby("segment_id").geometry:
        whole = shapely.line_merge(shapely.union_all(lines.to_numpy()))
        assert whole.length == pytest.approx(streets.segments.geometry[segment_id].length)


def test_a_corner_right_at_a_cut_is_in_both_lixels_once():
    table = Lixels.cut(town({"bent": [(0, 0), (50, 0), (50, 50)]}), 50).table()
    assert shapely.get_num_coordinates(table.geometry).tolist() == [2, 2]


def test_streets_that_may_not_be_walked_have_no_lixels():
    lixels = Lixels.cut(
        town({"a": [(0, 0), (90, 0)], "b": [(90, 0), (90, 90)]}, walk={"a": False}), 20
    )
    assert np.diff(lixels.indptr).tolist() == [0, 5]
    assert set(lixels.table()["segment_id"]) == {"b"}


def test_a_place_is_held_by_the_lixel_around_it():
    lixels = Lixels.cut(row_town(2, 100.0), 20)
    at = lixels.at(np.array([0, 0, 0, 1, 1]), np.array([0.0, 19.9, 100.0, 0.0, 50.0]))
    assert at.tolist() == [0, 0, 4, 5, 7]


def test_the_table_carries_the_coordinate_system_and_a_running_number():
    streets = grid_town(2, 2)
    table = Lixels.cut(streets, 30).table()
    assert isinstance(table, gpd.GeoDataFrame)
    assert table.crs == streets.crs
    assert table.index.name == "lixel_id"
    assert table.index.tolist() == list(range(16))


def test_streets_without_any_segment_to_walk_make_an_empty_table():
    streets = town({"a": [(0, 0), (90, 0)]}, walk=False)
    assert len(Lixels.cut(streets, 20).table()) == 0


@pytest.mark.parametrize("length", [0, -5, 0.01, float("nan"), float("inf"), "20", True, None])
def test_a_lixel_length_that_makes_no_sense_is_refused(length):
    with pytest.raises(OptionError, match="lixel_length="):
        Lixels.cut(row_town(), length)


def test_only_a_street_network_can_be_cut():
    with pytest.raises(OptionError, match="StreetNetwork"):
        Lixels.cut(StreetNetwork, 20)
