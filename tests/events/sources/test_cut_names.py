"""Names of columns that a shapefile cuts to ten bytes are read as what they were."""

import warnings

import geopandas as gpd
import pandas as pd
import pytest

from patrolmap.errors import SchemaError
from patrolmap.events import check_events


def check(source, **options):
    return check_events(source, **({"kind": "crime", "tz": "Asia/Almaty"} | options))


def shapefile(table, path, **options):
    shapes = gpd.points_from_xy(table.pop("lon"), table.pop("lat"), crs=4326)
    with warnings.catch_warnings(action="ignore"):  # it says that names are cut
        gpd.GeoDataFrame(table, geometry=shapes).to_file(path, **options)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
@pytest.mark.parametrize("names", [("date_occurred", "offense_type"),
                                   ("дата_совершения", "вид_преступления")])  # fmt: skip
def test_a_shapefile_is_read_by_names_that_it_cut(crimes, tmp_path, encoding, names):
    table = crimes()
    renamed = table.rename(columns=dict(zip(("date", "category"), names, strict=True)))
    path = shapefile(renamed, tmp_path / "a.shp", encoding=encoding)
    report = check(path)
    expected = check(table).events
    assert report.events["category"].tolist() == expected["category"].tolist()
    assert report.events["occurred_from"].tolist() == expected["occurred_from"].tolist()
    assert any(f"as {names[1]!r}" in note for note in report.notes)


def test_codes_and_filters_of_a_preset_hold_for_cut_names(crimes):
    table = crimes().drop(columns="category").assign(
        STAT="ст.188 ч.1", TRANSGRESS=[6, 5] * 12 + [6], DISCONTINU=[0] * 24 + [1])  # fmt: skip
    report = check(table, preset="kz_crime", columns={"occurred_from": "date"})
    assert dict(report.dropped) == {"left out by the preset": 1}
    assert report.events["severity"].eq("misdemeanour").sum() == 12


def test_a_cut_name_that_may_be_several_or_is_named_by_the_caller_stays_as_it_is(crimes):
    table = crimes().assign(number_of_=3, date_regis="x")
    notes = check(table.drop(columns="date_regis")).notes
    assert not any("cut short" in note for note in notes)
    with pytest.raises(SchemaError, match=r"date_regis"):
        check(crimes().assign(date_regis="x"), columns={"time": "date_regis"})


def test_a_whole_name_beside_its_cut_one_is_the_column(crimes):
    table = crimes().rename(columns={"date": "date_occurred"}).assign(date_occur="x")
    report = check(table)
    assert report.kept == 25 and not any("cut short" in note for note in report.notes)
    assert pd.notna(report.events["occurred_from"]).all()
