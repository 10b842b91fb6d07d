"""Tables for other programs: whole, placed, and nothing in them that a spreadsheet would run."""

import csv
import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import patrolmap as pm
from hostile import HOSTILE, hostile_plan, hostile_town
from patrolmap.errors import OptionError
from patrolmap.output.tables import _harmless
from towns import grid_town

NAMES = ["routes", "visits", "segments", "stops", "unserved"]


@pytest.fixture
def hostile():
    """A plan with a formula in every column of text that a file could bring in."""
    plan = hostile_plan(hostile_town(grid_town(2, 2)), [(0, 0), (100, 0)])
    return replace(plan, routes=plan.routes.assign(**{"+1+1": "@SUM(A1)"}))


def cells(path, **options):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, **options))


@pytest.mark.parametrize("format", ["csv", "excel", "geojson", "parquet"])
def test_every_table_is_a_file(case, tmp_path, format):
    files = pm.write_tables(case.plan, tmp_path / "tables", format=format)
    assert list(files) == NAMES
    ending = {"excel": "csv"}.get(format, format)
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == sorted(
        f"{name}.{ending}" for name in NAMES
    )
    again = pm.write_tables(case.plan, tmp_path / "again", format=format)
    assert all(files[name].read_bytes() == again[name].read_bytes() for name in NAMES)


def test_csv_holds_what_the_plan_holds(case, tmp_path):
    files = pm.write_tables(case.plan, tmp_path)
    visits = pd.read_csv(files["visits"])
    assert visits["length"].tolist() == case.plan.visits["length"].tolist()
    assert visits["arrive"][0] == "2026-11-22T20:00:00+05:00"
    assert visits["step"].tolist() == case.plan.visits.index.get_level_values("step").tolist()
    shapes = gpd.GeoSeries.from_wkt(visits["geometry"], crs=4326).to_crs(case.town.crs)
    assert np.allclose(shapes.length, case.plan.visits["length"], rtol=0.01)
    stands = visits["activity"] == "dwell"
    assert (shapes[stands].geom_type == "Point").all()
    assert (shapes[~stands].geom_type == "LineString").all()
    assert files["routes"].read_bytes()[:3] != b"\xef\xbb\xbf"


def test_excel_gets_semicolons_decimal_commas_and_a_byte_order_mark(case, tmp_path):
    files = pm.write_tables(case.plan, tmp_path, format="excel")
    assert files["visits"].read_bytes().startswith(b"\xef\xbb\xbf")
    head, first, *_ = cells(files["visits"], delimiter=";")
    row = dict(zip(head, first, strict=True))
    assert row["length"] == "100,0"
    assert row["arrive"] == "2026-11-22 20:00:00"
    back = pd.read_csv(files["visits"], sep=";", decimal=",", encoding="utf-8-sig")
    assert back["length"].tolist() == case.plan.visits["length"].tolist()
    assert back["prize"].to_numpy() == pytest.approx(case.plan.visits["prize"].to_numpy())


def test_geojson_is_in_degrees_with_times_in_their_zone(case, tmp_path):
    files = pm.write_tables(case.plan, tmp_path, format="geojson")
    document = json.loads(files["visits"].read_text("utf-8"))
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    first = document["features"][0]
    lon, lat = first["geometry"]["coordinates"][0]
    assert (lon, lat) == pytest.approx((76.92, 43.25), abs=0.1)
    assert first["properties"]["arrive"] == "2026-11-22T20:00:00+05:00"
    assert len(document["features"]) == len(case.plan.visits)


def test_geoparquet_keeps_types_zone_and_crs(case, tmp_path):
    files = pm.write_tables(case.plan, tmp_path, format="parquet")
    visits = gpd.read_parquet(files["visits"]).set_index(["route_id", "step"])
    assert visits.crs == case.town.crs
    assert (visits["arrive"] == case.plan.visits["arrive"]).all()
    assert visits["arrive"].dt.tz is not None
    segments = gpd.read_parquet(files["segments"]).set_index("segment_id")
    assert shapely.equals(segments.geometry, case.plan.segments.geometry).all()


@pytest.mark.parametrize("format", ["csv", "excel"])
def test_no_cell_of_any_column_is_a_formula_and_every_text_can_still_be_read(
    hostile, tmp_path, format
):
    files = pm.write_tables(hostile, tmp_path, format=format)
    separator = ";" if format == "excel" else ","
    found = 0
    for name, file in files.items():
        rows = cells(file, delimiter=separator)
        assert {len(row) for row in rows} == {len(rows[0])}, name
        for row in rows:
            for cell in row:
                begins = cell.lstrip()[:1]
                number = cell.replace(",", ".").lstrip("-").replace(".", "", 1).isdigit()
                assert begins not in "=+-@\t\r" or cell == "" or number, (name, cell)
                found += cell == f"'{HOSTILE}"
    assert found > 20
    assert "'+1+1" in cells(files["routes"], delimiter=separator)[0]


@given(st.text(max_size=8))
@settings(deadline=None, max_examples=200)
def test_a_text_either_stays_or_gets_an_apostrophe(text):
    out = _harmless(text)
    assert out in (text, f"'{text}")
    assert not out.lstrip().startswith(("=", "+", "-", "@"))
    assert _harmless(f"\ufeff \u202e={text}").startswith("'")


def test_hostile_text_is_plain_text_in_geojson(hostile, tmp_path):
    document = json.loads(
        pm.write_tables(hostile, tmp_path, format="geojson")["routes"].read_text("utf-8")
    )
    assert document["features"][0]["properties"]["depot"] == HOSTILE


def test_a_plan_without_routes_has_empty_tables(case, tmp_path):
    empty = replace(case.plan, routes=case.plan.routes.iloc[:0], visits=case.plan.visits.iloc[:0])
    for format in ("csv", "excel", "geojson", "parquet"):
        files = pm.write_tables(empty, tmp_path / format, format=format)
        assert files["visits"].stat().st_size > 0
    assert len(cells(tmp_path / "csv" / "routes.csv")) == 1


def test_wrong_options_are_refused(case, tmp_path):
    with pytest.raises(OptionError, match="wanted one of"):
        pm.write_tables(case.plan, tmp_path, format="xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="is a file; wanted a folder"):
        pm.write_tables(case.plan, tmp_path / "file")
    with pytest.raises(OptionError, match="plan is a str"):
        pm.write_tables("plan", tmp_path)
