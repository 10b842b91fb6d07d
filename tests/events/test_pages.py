"""Pages that services send and people save, shapefiles with their parts, zips, lists of files."""

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest

from patrolmap.errors import CRSError, OptionError, SchemaError, SourceFormatError
from patrolmap.events import check_events

KZ = Path(__file__).resolve().parents[3] / "shared" / "data" / "kz"
needs_real = pytest.mark.skipif(not KZ.is_dir(), reason=f"real records are absent: {KZ}")


def check(path, **options):
    return check_events(path, **({"kind": "crime", "tz": "Asia/Almaty"} | options))


def points(table):
    shapes = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
    return gpd.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=shapes)


def esri(table, **rest):
    rows = table.to_dict("records")
    return {
        "spatialReference": {"wkid": 4326},
        "features": [
            {"attributes": row, "geometry": {"x": row.pop("lon"), "y": row.pop("lat")}}
            for row in rows
        ],
    } | rest


def saved(path, payload, encoding="utf-8"):
    path.write_bytes(json.dumps(payload, ensure_ascii=False).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("style", ["page", "features", "pages"])
def test_a_saved_page_of_esri_json_reads_as_its_rows_do(crimes, tmp_path, encoding, style):
    table = crimes().assign(category="Кража")
    payload = esri(table)
    if style == "features":
        payload = payload["features"]
    elif style == "pages":
        payload = [esri(table.iloc[:9], exceededTransferLimit=True), esri(table.iloc[9:])]
    report = check(saved(tmp_path / "page.json", payload, encoding))
    expected = check(table)
    assert report.events.index.equals(expected.events.index)
    assert report.events["category"].tolist() == expected.events["category"].tolist()
    assert report.events.geometry.distance(expected.events.geometry).max() < 1e-6


def test_geojson_in_utf_16_reads_too(crimes, tmp_path):
    payload = json.loads(points(crimes()).to_json())
    path = saved(tmp_path / "a.geojson", payload, "utf-16")
    assert check(path).kept == 25


def geojson(table, inner=True, **rest):
    payload = json.loads(points(table).to_json())
    exceeded = rest.pop("exceededTransferLimit", None)
    if exceeded is not None:
        payload |= {"properties": {"exceededTransferLimit": exceeded}} if inner else {
            "exceededTransferLimit": exceeded}  # fmt: skip
    return payload


@pytest.mark.parametrize(
    "page", [esri, geojson, lambda t, **r: geojson(t, inner=False, **r)], ids=["esri", "geo", "top"]
)  # fmt: skip
def test_a_page_that_says_there_is_more_is_never_read_as_all(crimes, tmp_path, page):
    table = crimes()
    cuts = [(0, 10, True), (10, 20, True), (20, 25, None)]
    paths = []
    for number, (start, stop, more) in enumerate(cuts):
        rest = {} if more is None else {"exceededTransferLimit": more}
        name = tmp_path / f"page{number}.json"
        paths.append(saved(name, page(table.iloc[start:stop], **rest)))
    with pytest.raises(SourceFormatError, match=r"page0.json is not all: .*exceededTransferLimit"):
        check(paths[0])
    with pytest.raises(SourceFormatError, match=r"page0.json and 1 more is not all"):
        check(paths[:2])
    assert check(paths[2]).kept == 5
    report = check(paths)
    assert (report.source, report.rows, report.kept) == ("page0.json and 2 more", 25, 25)
    assert report.events.index.equals(check(table).events.index)
    assert "rows from 21 on are those of page2.json" in report.notes


def test_how_many_pages_say_that_more_rows_follow_is_said(crimes, tmp_path):
    table = crimes()
    cuts = [table.iloc[:10], table.iloc[10:20], table.iloc[20:]]
    paths = [
        saved(tmp_path / f"{at}.json", esri(cut, exceededTransferLimit=at < 2))
        for at, cut in enumerate(cuts)
    ]
    words = "2 of 3 pages say that more rows follow"
    assert [note for note in check(paths).notes if words in note]


@pytest.mark.parametrize("numbered", [True, False])
def test_a_page_given_last_that_says_there_is_more_is_refused_unless_ids_tell_another_end(
    crimes, tmp_path, numbered
):
    table = crimes().rename(columns={"id": "OBJECTID"} if numbered else {})
    first = saved(tmp_path / "1.json", esri(table.iloc[:10], exceededTransferLimit=True))
    second = saved(tmp_path / "2.json", esri(table.iloc[10:20], exceededTransferLimit=True))
    last = saved(tmp_path / "10.json", esri(table.iloc[20:]))
    if numbered:  # as the names are sorted
        assert check([first, last, second]).kept == 25
        with pytest.raises(SourceFormatError, match="is not all"):
            check([first, saved(tmp_path / "0.json", esri(table.iloc[:5])), second])
    else:
        with pytest.raises(SourceFormatError, match=r"is not all.*in their order"):
            check([first, last, second])


def test_text_in_a_cell_does_not_pass_for_the_mark_of_a_page(crimes, tmp_path):
    table = crimes().assign(note='"exceededTransferLimit": true')
    assert check(saved(tmp_path / "a.geojson", geojson(table))).kept == 25


def test_an_empty_last_page_ends_the_list(crimes, tmp_path):
    table = crimes()
    first = saved(tmp_path / "1.json", esri(table, exceededTransferLimit=True))
    last = saved(tmp_path / "2.json", esri(table.iloc[:0]))
    empty = saved(tmp_path / "3.geojson", {"type": "FeatureCollection", "features": []})
    assert check([first, last]).kept == 25
    assert check([first, empty]).kept == 25
    with pytest.raises(SourceFormatError, match="holds no rows"):
        check([last, empty])


def test_pages_that_overlap_count_each_row_once(crimes, tmp_path):
    table = crimes()
    paths = [
        saved(tmp_path / "1.json", esri(table.iloc[:15])),
        saved(tmp_path / "2.json", esri(table.iloc[10:])),
    ]
    report = check(paths)
    assert (report.kept, dict(report.dropped)) == (25, {"duplicate": 5})
    assert report.rejects["row"].tolist() == [16, 17, 18, 19, 20]


def test_monthly_files_read_as_one_table_and_keep_count_of_broken_rows(crimes, tmp_path):
    table = crimes()
    one, other = tmp_path / "may.csv", tmp_path / "june.csv"
    table.iloc[:10].to_csv(one, index=False)
    one.write_text(one.read_text() + "1,2\n")
    table.iloc[10:].to_csv(other, index=False)
    other.write_text(other.read_text() + "1,2\n")
    report = check([one, other])
    assert (report.rows, report.kept, dict(report.dropped)) == (27, 25, {"broken line": 2})
    assert report.rejects["row"].tolist() == [11, 27]


def test_files_of_different_layers_are_not_put_together(crimes, tmp_path):
    table = crimes()
    crime = saved(tmp_path / "1.json", esri(table))
    metres = saved(tmp_path / "2.json", esri(table, spatialReference={"wkid": 32643}))
    other = saved(tmp_path / "3.json", esri(table.add_prefix("x_").rename(
        columns={"x_lon": "lon", "x_lat": "lat"})))  # fmt: skip
    with pytest.raises(SchemaError, match=r"2.json is in EPSG:32643 and 1.json in EPSG:4326"):
        check([crime, metres])
    with pytest.raises(SchemaError, match=r"3.json has other columns than 1.json \('category'"):
        check([crime, other])
    with pytest.raises(OptionError, match="empty list"):
        check([])
    with pytest.raises(OptionError, match="source is int"):
        check([crime, 3])


def test_a_mistyped_address_is_no_path_and_is_not_repeated():
    with pytest.raises(OptionError, match=r"source starts with 'ftp'://; wanted a path") as caught:
        check("ftp://anna:secret@host/a.csv")
    assert "secret" not in str(caught.value)


@pytest.fixture
def shapefile(crimes, tmp_path):
    """Return a maker of shapefiles in a folder of their own."""

    def make(encoding="cp1251", **changes):
        folder = tmp_path / "shp"
        folder.mkdir(exist_ok=True)
        table = crimes().assign(category="Кража имущества", **changes)
        points(table).to_file(folder / "crimes.shp", encoding=encoding)
        return folder / "crimes.shp"

    return make


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8"])
@pytest.mark.parametrize("stated", [True, False])
def test_a_shapefile_reads_with_its_letters_stated_or_not(shapefile, encoding, stated):
    path = shapefile(encoding)
    if not stated:
        path.with_suffix(".cpg").unlink()
    report = check(path)
    assert report.kept == 25
    assert set(report.events["category"]) == {"theft"}
    assert any("EPSG:4326 (as it states)" in note for note in report.notes)
    assert any("there is no crimes.cpg" in note for note in report.notes) == (not stated)


def test_missing_parts_of_a_shapefile_are_named(shapefile):
    path = shapefile()
    path.with_suffix(".prj").unlink()
    report = check(path)
    assert report.kept == 25
    assert "no crimes.prj: the CRS is not stated" in report.notes
    assert any("they look like degrees" in note for note in report.notes)
    path.with_suffix(".dbf").unlink()
    with pytest.raises(SourceFormatError, match=r"comes without crimes.dbf \(the columns\); a sha"):
        check(path)
    path.with_suffix(".shx").unlink()
    with pytest.raises(SourceFormatError, match=r"without crimes.shx \(.*\) and crimes.dbf"):
        check(path)


def test_a_shapefile_in_metres_without_its_system_is_asked_about(shapefile):
    path = shapefile()
    gpd.read_file(path).to_crs(32643).to_file(path)
    path.with_suffix(".prj").unlink()
    with pytest.raises(CRSError, match="source_crs="):
        check(path)
    assert check(path, source_crs=32643).kept == 25


def test_a_shapefile_whose_system_is_spoilt_is_an_error(shapefile):
    path = shapefile()
    system = path.with_suffix(".prj")
    earth = system.read_bytes()
    for spoilt in (b"\xff\xfe\x00\x8a", b"{", earth.replace(b"6378137.0", b"3396190.0")):
        system.write_bytes(spoilt)
        try:
            report = check(path)
        except (CRSError, SourceFormatError) as error:
            assert "crimes.shp" in str(error) or "cannot be brought" in str(error)
        else:
            assert any("EPSG:4326" in note for note in report.notes)


def zipped(path, *files, names=None, folder=""):
    with zipfile.ZipFile(path, "w") as archive:
        for number, file in enumerate(files):
            archive.write(file, folder + (names[number] if names else file.name))
    return path


def test_a_zip_with_one_file_reads_as_the_file(shapefile, crimes, tmp_path):
    shape = shapefile()
    parts = sorted(shape.parent.iterdir())
    report = check(zipped(tmp_path / "a.zip", *parts, folder="maps/May/"))
    assert (report.source, report.kept) == ("a.zip", 25)
    assert "crimes.shp in a zip" in report.notes
    table, readme = tmp_path / "c.csv", tmp_path / "readme.md"
    crimes().to_csv(table, index=False)
    readme.write_text("hello")
    clutter = zipped(tmp_path / "b.zip", table, readme, table,
                     names=["c.csv", "readme.md", "__MACOSX/._c.csv"])  # fmt: skip
    assert check(clutter).kept == 25
    with pytest.raises(SourceFormatError, match=r"2 such files: 'a.csv', 'b.csv'. Unpack it"):
        check(zipped(tmp_path / "d.zip", table, table, names=["a.csv", "b.csv"]))
    with pytest.raises(SourceFormatError, match=r"none: 'readme.md'"):
        check(zipped(tmp_path / "e.zip", readme))


def test_a_zip_writes_nothing_outside_and_says_so_where_it_is_locked(crimes, tmp_path):
    table = tmp_path / "in" / "c.csv"
    table.parent.mkdir()
    crimes().to_csv(table, index=False)
    before = sorted(p.name for p in tmp_path.parent.iterdir())
    assert check(zipped(tmp_path / "a.zip", table, names=["../../evil.csv"])).kept == 25
    assert sorted(p.name for p in tmp_path.parent.iterdir()) == before
    path = zipped(tmp_path / "b.zip", table)
    data = bytearray(path.read_bytes())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        data[data.index(start) + (6 if start[2] == 3 else 8)] |= 1  # the flag of a password
    path.write_bytes(data)
    with pytest.raises(SourceFormatError, match=r"cannot be unpacked: .*encrypted"):
        check(path)


@pytest.mark.parametrize(
    ("options"), [{"preset": "kz_crime", "kind": None, "tz": None}, {"source_crs": 32642}]
)
@pytest.mark.shared
@needs_real
def test_a_bare_feature_of_the_old_service_lands_in_taraz(options):
    report = check(KZ / "crime_feature_old_service.json", **options)
    event = report.events.iloc[0]
    assert (event["category"], event["article"], event["place"]) == ("theft", "188-3", "039")
    assert str(event["occurred_from"]) == "2020-02-08 20:30:00+06:00"
    place = report.events.to_crs(4326).geometry.iloc[0]
    assert (place.x, place.y) == pytest.approx((71.295, 42.825), abs=0.001)


@pytest.mark.shared
@needs_real
def test_a_row_written_without_its_header_reads_with_the_preset():
    report = check(KZ / "features_row.csv", preset="kz_crime")
    event = report.events.iloc[0]
    assert report.events.index.tolist() == ["crime:2813740"]
    assert (event["article"], event["time_precision"]) == ("188-1", "day")
    place = report.events.to_crs(4326).geometry.iloc[0]
    assert (place.x, place.y) == pytest.approx((65.46, 44.872), abs=0.001)  # Kyzylorda
    assert any("no header line: its 29 columns are named" in note for note in report.notes)
    roles = {"x": "column 28", "y": "column 29", "date": "column 14", "category": "column 12"}
    by_place = check(KZ / "features_row.csv", columns=roles, source_crs=32642)
    assert by_place.events["article"].tolist() == ["188-1"]


@pytest.mark.shared
@needs_real
def test_a_template_of_a_question_is_no_answer():
    with pytest.raises(SourceFormatError, match=r"holds no features but 'post_data_with_yr"):
        check(KZ / "get_crimes_post_data.json")
