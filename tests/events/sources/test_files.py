"""Files as offices really save them, and what is said about those that cannot be read."""

import gzip
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet
from shapely.geometry import box

from patrolmap.errors import (
    OptionError,
    PatrolmapError,
    SchemaError,
    SourceFormatError,
    SourceNotFoundError,
)
from patrolmap.events import check_events

ALMATY = "Asia/Almaty"


def check(path, **options):
    return check_events(path, **({"kind": "crime", "tz": ALMATY} | options))


def points(table):
    shapes = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
    return gpd.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=shapes)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_a_csv_of_any_make_reads_alike(crimes, tmp_path, ends, separator, encoding):
    path = tmp_path / "crimes.csv"
    table = crimes().assign(category="Кража со взломом")
    text = table.to_csv(index=False, sep=separator, lineterminator=ends)
    path.write_bytes(text.encode(encoding))
    report = check(path)
    assert (report.rows, report.kept) == (25, 25)
    assert set(report.events["category"]) == {"burglary"}
    assert any("cells separated by" in note for note in report.notes)
    expected = check(table).events.geometry
    assert report.events.geometry.distance(expected).max() < 1e-6


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.gpkg", "a.parquet", "a.geoparquet"])
def test_every_kind_of_file_reads_alike(crimes, tmp_path, name):
    table = crimes()
    frame, path = points(table), tmp_path / name
    if "parquet" in name:
        frame.to_parquet(path)
    else:
        frame.to_file(path, driver="GPKG" if name.endswith("gpkg") else "GeoJSON")
    report = check(path)
    expected = check(table).events
    assert report.source == name
    assert report.events.index.tolist() == expected.index.tolist()
    assert report.events.geometry.distance(expected.geometry).max() < 0.01
    for column in ("category", "occurred_from", "time_precision"):
        assert report.events[column].tolist() == expected[column].tolist()


def test_geoparquet_with_a_spoilt_crs_is_a_named_error(crimes, tmp_path):
    path = tmp_path / "a.parquet"
    points(crimes()).to_parquet(path)
    table = parquet.read_table(path)
    spoilt = table.schema.metadata[b"geo"].replace(b"GeographicCRS", b"GeographicCRZ")
    parquet.write_table(table.replace_schema_metadata({b"geo": spoilt}), path)
    with pytest.raises(SourceFormatError, match="cannot be read"):
        check(path)


@pytest.mark.parametrize("name", ["", "/", ".", "..", "a/"])
def test_a_member_of_a_zip_that_has_no_name_is_no_file(crimes, tmp_path, name):
    class Member(zipfile.ZipInfo):
        def is_dir(self):  # which fails without a name
            return False

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", crimes().to_csv(index=False))
        archive.writestr(Member(name), b"")
    assert check(tmp_path / "a.zip").kept == 25


def test_plain_parquet_reads_by_its_columns(crimes, tmp_path):
    crimes().to_parquet(tmp_path / "a.parquet")
    assert check(tmp_path / "a.parquet").kept == 25


def test_null_geometry_in_a_geojson_is_counted(crimes, tmp_path):
    frame = points(crimes())
    frame.loc[3, "geometry"] = None
    frame.to_file(tmp_path / "a.geojson")
    report = check(tmp_path / "a.geojson")
    assert dict(report.dropped) == {"no geometry": 1}
    assert report.rejects["row"].tolist() == [4]


def test_rows_with_too_many_or_too_few_cells_are_counted_not_lost(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("date,lon,lat\n2024-05-01,76.9,43.2\n\n2024-05-02,76,9,43,2\n2024-05-03\n"
                    "2024-05-04,76.9,43.3\n")  # fmt: skip
    report = check(path)
    assert (report.rows, report.kept, dict(report.dropped)) == (4, 2, {"broken line": 2})
    assert report.rejects["row"].tolist() == [2, 3]
    assert report.rejects["given"].tolist() == ["5 cells", "1 cell"]
    assert report.events.index.tolist() == ["crime:row 1", "crime:row 4"]


def test_a_file_of_broken_rows_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("date,lon,lat\n1;2;3\n4;5;6\n")
    with pytest.raises(SchemaError, match=r"every row of a.csv is broken: row 1 has 1 cell"):
        check(path)


def test_a_missing_file_names_near_ones(crimes, tmp_path):
    crimes().to_csv(tmp_path / "crimes_2024.csv")
    with pytest.raises(SourceNotFoundError, match=r"Did you mean 'crimes_2024.csv'"):
        check(tmp_path / "crime_2024.csv")
    with pytest.raises(SourceNotFoundError, match=r"there is 'crimes_2024.csv'"):
        check(tmp_path / "zzz.gpkg")
    with pytest.raises(SourceNotFoundError, match="Neither is the folder"):
        check(tmp_path / "nowhere" / "a.csv")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \r\n\r\n", "is empty"),
        ("a.geojson", b"", "is empty"),
        ("a.csv", b"date,lon,lat\n", "a header and no rows"),
        ("a.csv", b",,\n1,2,3\n", "no header line"),
        ("a.csv", b"<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
        ("a.geojson", b"\n <html>403</html>", "web page"),
        ("a.gpkg", b"<html></html>", "is not a GeoPackage"),
        ("a.csv", b"PK\x03\x04rest", "really a zip file; rename it to .zip"),
        ("a.csv", b"PK\x03\x04[Content_Types].xml", "really an Excel file; rename it to .xlsx"),
        ("a.csv", b"\x1f\x8brest", "really a gzip file; rename it to .csv.gz"),
        ("a.csv", b"SQLite format 3\x00rest", "really a GeoPackage; rename it"),
        ("a.geojson", b"PAR1", "really a Parquet file"),
        ("a.csv", b"date,lon,lat\x00\n1,2\x00,3\n", "is not text"),
        ("a.parquet", b"date,lon,lat\n1,2,3\n", "is not a Parquet file"),
        ("a.parquet", b"PAR1cut short", "cut short"),
        ("a.gpkg", b"SQLite format 3\x00cut short", "cut short"),
        ("a.geojson", b"date,lon,lat\n", "is not JSON"),
        ("a.geojson", b'{"hello": 1}', "holds no features but 'hello'; wanted GeoJSON or"),
        ("a.geojson", b'{"hello": 1', "cut short"),
        ("a.geojson", b"[" * 65_000, "cut short"),
        ("a.json", b'{"error":{"code":498,"message":"Bad token."}}', "error 498: Bad token"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[]}', "no rows"),
        ("a.json", b'{"features":[{"attributes":3}]}', "no sound Esri JSON"),
        ("a.shp", b"date,lon,lat\n", "is not a shapefile"),
        ("a.csv.gz", b"date,lon,lat\n", "is not a gzip file"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00cut short", "cannot be unpacked"),
        ("a.csv.gz", gzip.compress(b" ", mtime=0), "is empty"),
        ("a.csv.gz", gzip.compress(b"<html>", mtime=0), "web page"),
        ("a.csv.gz", gzip.compress(b"date,lon,lat\n" * 99, mtime=0)[:-12], "cannot be unpacked"),
        ("a.zip", b"PK\x03\x04cut short", "cannot be unpacked"),
        ("a.xls", b"\xd0\xcf\x11\xe0rest", "is an old Excel file; wanted .*as .xlsx, or as CSV"),
        ("a.xls", b"<table><tr>", "ends in '.xls' but is really a web page with a table"),
        ("a.xls", b"date;lon;lat", "ends in '.xls' but is really plain text"),
        ("a.ods", b"PK\x03\x04", "is an ODF sheet; wanted one of .csv"),
        ("a", b"date", "ends in ''"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_it_should_be_is_an_error(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceFormatError, match=words):
        check(path)


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.99])
def test_truncated_json_is_an_error(crimes, tmp_path, cut):
    path = tmp_path / "a.geojson"
    points(crimes()).to_file(path)
    text = path.read_text()
    path.write_text(text[: int(len(text) * cut)])
    with pytest.raises(SourceFormatError, match="cut short"):
        check(path)


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(SourceFormatError, match=r"is a folder; wanted a file, .* or a list of"):
        check(tmp_path)


def test_layers_of_a_geopackage_are_named(crimes, tmp_path):
    path, frame = tmp_path / "a.gpkg", points(crimes())
    frame.to_file(path, layer="crimes")
    frame.iloc[:5].to_file(path, layer="juvenile")
    with pytest.raises(SchemaError, match=r"'crimes', 'juvenile'; say which with layer="):
        check(path)
    with pytest.raises(OptionError, match=r"layer='crime' is not in a.gpkg"):
        check(path, layer="crime")
    report = check(path, layer="juvenile")
    assert report.kept == 5
    assert "layer 'juvenile'" in report.notes


def test_the_one_layer_of_points_is_taken(crimes, tmp_path):
    path, frame = tmp_path / "a.gpkg", points(crimes())
    frame.to_file(path, layer="crimes")
    frame.assign(geometry=[box(76, 43, 77, 44)] * 25).to_file(path, layer="areas")
    assert "layer 'crimes'" in check(path).notes


@pytest.mark.parametrize("name", ["a.csv", None])
def test_a_layer_of_what_has_none_is_an_error(crimes, tmp_path, name):
    source = crimes()
    if name:
        source.to_csv(tmp_path / name)
        source = tmp_path / name
    with pytest.raises(OptionError, match="layer="):
        check(source, layer="x")


def test_columns_of_lists_do_not_hinder(crimes):
    table = crimes().drop(columns="id").assign(tags=[["a"]] * 25)
    table["category"] = table["category"].astype("category")
    assert dict(check(pd.concat([table, table.iloc[:1]])).dropped) == {"duplicate": 1}


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([True, False, None]),
        pd.Series([1 + 2j, 0, 3]),
        pd.Series([b"76.9", "76.9", "\ud800"]),
        pd.Series([[1], {}, ()]),
        pd.array([1, None, 3], dtype="Int64"),
        pd.Categorical([76.9, None, 76.9]),
        pd.to_timedelta([1, 2, None], unit="D"),
        pd.period_range("2024-01", periods=3, freq="M"),
        np.array([1e300, -1e300, 76.9]),
    ],
)
@pytest.mark.parametrize("column", ["id", "date", "time", "category", "lon"])
def test_odd_types_in_any_column_give_a_table_or_a_named_error(crimes, cells, column):
    table = crimes(rows=3)
    table[column] = cells
    try:
        report = check(table)
    except PatrolmapError:
        return
    assert report.rows == report.kept + sum(report.dropped.values())
