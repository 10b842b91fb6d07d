"""Esri JSON into columns and geometry: what map services send, and pages saved from them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import SourceFormatError
from patrolmap.events.sources.esri import parse_features, read_crs

KZ = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "kz"


def page(*rows, **more):
    return {"features": [{"attributes": a, "geometry": g} for a, g in rows], **more}


def test_dates_stay_whole_numbers_where_some_are_missing():
    found = parse_features(page(({"d": 1581193800000}, None), ({"d": None}, None)), "p")
    assert found.table["d"].dtype == "Int64"
    assert found.table["d"].iloc[0] == 1581193800000
    assert parse_features(page(({"d": 1}, None), ({"d": 2}, None)), "p").table["d"].dtype == "int64"


def test_points_keep_their_coordinates_and_rows_without_any_stay():
    found = parse_features(
        page(
            ({"n": 1}, {"x": 76.9, "y": 43.2, "z": 700}),
            ({"n": 2}, None),
            ({"n": 3}, {"x": "NaN", "y": "NaN"}),
            ({"n": 4}, {"x": None, "y": None}),
        ),
        "p",
    )
    assert found.table["n"].tolist() == [1, 2, 3, 4]
    assert [shape is None for shape in found.geometry] == [False, True, True, True]
    np.testing.assert_array_equal(found.x, [76.9, np.nan, np.nan, np.nan])


def test_shapes_that_are_no_points_are_told_from_points():
    ring = [[0, 0], [0, 1], [1, 1], [0, 0]]
    found = parse_features(
        page(
            ({}, {"rings": [ring]}),
            ({}, {"paths": [[[0, 0], [1, 1]]]}),
            ({}, {"points": [[76.9, 43.2]]}),
            ({}, {"curvePaths": [[[0, 0]]]}),
        ),
        "p",
    )
    kinds = [shape and shape.geom_type for shape in found.geometry]
    assert kinds == ["Polygon", "MultiLineString", "MultiPoint", None]


def test_fields_that_only_some_rows_have_become_columns():
    found = parse_features(page(({"a": 1}, None), ({"b": "x"}, None)), "p")
    assert found.table.columns.tolist() == ["a", "b"]
    assert found.table["a"].isna().tolist() == [False, True]


def test_a_page_without_rows_keeps_its_fields():
    found = parse_features({"features": [], "fields": [{"name": "stat", "type": "x"}]}, "p")
    assert found.table.columns.tolist() == ["stat"] and len(found.table) == 0


@pytest.mark.parametrize("more", [{"exceededTransferLimit": True},
                                  {"properties": {"exceededTransferLimit": True}}])  # fmt: skip
def test_a_page_that_is_not_all_says_so(more):
    assert parse_features(page(({"a": 1}, None), **more), "p").exceeded
    assert not parse_features(page(({"a": 1}, None)), "p").exceeded


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ({"wkid": 4326}, "EPSG:4326"),
        ({"wkid": 32642, "latestWkid": 32642}, "EPSG:32642"),
        ({"wkid": 102100, "latestWkid": 3857}, "EPSG:3857"),
        ({"wkid": 102100}, "ESRI:102100"),
        ({"wkid": 999999}, None),
        ({"wkid": "x", "wkt": "nonsense"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_system_of_coordinates_is_what_the_page_states(reference, name):
    found = read_crs(reference)
    assert (found and found.to_string()) == name


@pytest.mark.shared
@pytest.mark.skipif(not KZ.is_dir(), reason="the real samples stand in ../shared")
def test_the_sample_of_the_national_service_reads():
    payload = json.loads((KZ / "crime_feature_old_service.json").read_text("utf-8"))
    found = parse_features(payload, "sample")
    assert found.table["STAT"].tolist() == ["ст.188 ч.3"]
    assert found.table["DAT_SOVER"].tolist() == [1581193800000]
    assert found.x.tolist() == [687592.9563999996]


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.just("\ud800"), st.lists(st.integers(), max_size=2),
)  # fmt: skip
shapes = st.one_of(
    st.none(), scalars,
    st.dictionaries(st.sampled_from(["x", "y", "rings", "points", "paths"]), scalars, max_size=3),
)  # fmt: skip
features = st.one_of(
    scalars,
    st.fixed_dictionaries(
        {"attributes": st.one_of(scalars, st.dictionaries(st.text(max_size=3), scalars))},
        optional={"geometry": shapes},
    ),
)
payloads = st.one_of(
    scalars,
    features,
    st.fixed_dictionaries(
        {"features": st.one_of(scalars, st.lists(features, max_size=4))},
        optional={"fields": scalars, "spatialReference": st.one_of(scalars, st.dictionaries(
            st.sampled_from(["wkid", "latestWkid", "wkt"]), scalars)), "properties": scalars},
    ),
)  # fmt: skip


@given(payloads)
@settings(max_examples=200, deadline=None)
def test_whatever_comes_is_a_table_or_an_error_with_a_name(payload):
    try:
        found = parse_features(payload, "p")
    except SourceFormatError as error:
        assert "p " in str(error)
    else:
        assert len(found.table) == len(found.x) == len(found.geometry)


def test_a_reference_of_half_letters_is_none():
    assert read_crs({"wkt": "\ud800"}) is None
