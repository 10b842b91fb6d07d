"""A plan goes to a file and comes back equal, or says why it cannot."""

import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from geopandas.testing import assert_geodataframe_equal
from pandas.testing import assert_frame_equal
from shapely.geometry import box

from crews import ONE_PASS, START, flat_risk, shift_at
from hostile import HOSTILE, hostile_plan, hostile_town
from patrolmap.errors import OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.patrol import Depot, MaxIterations, Plan, Shift, check_plan, plan_patrols
from patrolmap.streets import StreetNetwork
from towns import CENTRE, lonlat, row_town, star_town

STOP = MaxIterations(10)


def assert_comes_back_equal(plan: Plan, folder: Path) -> Plan:
    back = Plan.read(plan.to_file(folder / "plan.gpkg"))
    for name in ("routes", "segments", "stops", "grounds"):
        if getattr(plan, name) is None:
            assert getattr(back, name) is None
        else:
            assert_geodataframe_equal(getattr(plan, name), getattr(back, name))
    for name in ("visits", "unserved"):
        assert_frame_equal(getattr(plan, name), getattr(back, name))
    assert back.provenance == plan.provenance
    return back


def test_a_plan_comes_back_equal_and_still_checks(
    night_plan: Plan, grid: StreetNetwork, tmp_path: Path
) -> None:
    back = assert_comes_back_equal(night_plan, tmp_path)
    assert check_plan(back, grid).empty
    assert back.summary() == night_plan.summary()


@pytest.mark.parametrize(
    ("start", "zone"),
    [
        (pd.Timestamp("2026-11-22 20:00", tz="Asia/Almaty"), "Asia/Almaty"),
        (pd.Timestamp("2026-10-25 00:30", tz="Europe/Berlin"), "Europe/Berlin"),  # clocks go back
        ("2026-11-22 20:00+05:00", "UTC+05:00"),
        ("2026-11-22 20:00-03:30", "UTC-03:30"),
        ("2026-11-22 20:00Z", "UTC"),
        (pd.Timestamp("2026-11-22 20:00", tz="UTC"), "UTC"),
    ],
)
def test_the_clock_comes_back_in_its_zone(start: Any, zone: str, tmp_path: Path) -> None:
    place = row_town(3)
    shift = shift_at(place, start=start, minutes=200, rules=ONE_PASS)
    plan = plan_patrols(place, flat_risk(place), [shift], stop=STOP)
    back = assert_comes_back_equal(plan, tmp_path)
    assert back.provenance.timezone == zone
    assert str(back.routes["start"].dt.tz) == zone


def test_time_bins_maps_sectors_and_notes_come_back(tmp_path: Path) -> None:
    place = row_town(4)
    starts = pd.to_datetime([START, "2026-11-22 20:10+05:00"])
    risk = pd.DataFrame(1.0, index=place.segments.index, columns=starts)
    risk.attrs["notes"] = ("every hour counts alike",)
    kinds = pd.DataFrame({"crime": 0.5, "juvenile": 0.5}, index=place.segments.index)
    west, south = lonlat(place, (-20.0, -20.0))
    east, north = lonlat(place, (320.0, 20.0))
    shift = shift_at(place, sector=box(west, south, east, north), rules="foot_night")
    plan = plan_patrols(place, risk, [shift], risk_by_kind=kinds, stop=STOP)
    back = assert_comes_back_equal(plan, tmp_path)
    assert {"risk_bin_1", "risk_crime"} <= set(back.segments.columns)
    assert back.provenance.notes[0] == "every hour counts alike"
    assert back.provenance.shifts["night"]["sector"].startswith("POLYGON")
    assert check_plan(back, place, risk=risk).empty


def test_parks_and_water_around_the_streets_come_back_cut_to_them(tmp_path: Path) -> None:
    place = row_town(3)
    x, y = CENTRE
    pond = box(x + 110, y - 5, x + 120, y + 5)
    park = box(x + 50, y - 900, x + 900, y + 900).difference(pond)
    far = box(x + 5000, y, x + 5100, y + 100)
    kinds = pd.array(["park", "water", "water"], dtype="str")
    grounds = gpd.GeoDataFrame({"kind": kinds}, geometry=[park, pond, far], crs=place.crs)
    green = replace(place, grounds=grounds)
    plan = plan_patrols(green, flat_risk(place), [shift_at(place)], stop=STOP)
    back = assert_comes_back_equal(plan, tmp_path)
    assert back.grounds is not None
    assert back.grounds["kind"].tolist() == ["park", "water"]
    west, south, east, north = plan.segments.total_bounds
    seen = box(west - 50, south - 50, east + 50, north + 50)
    assert back.grounds.within(seen).all()
    assert back.grounds.area.tolist() == pytest.approx([park.intersection(seen).area, 100.0])
    assert plan_patrols(place, flat_risk(place), [shift_at(place)], stop=STOP).grounds is None


def test_kazakh_names_come_back(tmp_path: Path) -> None:
    place = star_town(3)
    segments = place.segments.copy()
    segments["name"] = ["Қабанбай батыр көшесі", None, "улица Әуезова «Түн»"]
    segments["name_kk"] = pd.Series(["Қабанбай батыр", None, None], dtype="str").array
    named = StreetNetwork(segments=segments, nodes=place.nodes)
    lon, lat = lonlat(place, (0.0, 0.0))
    depot = Depot("Алатау бөлімі; 'үйі'", lon=lon, lat=lat)
    shift = Shift(depot=depot, start=START, duration="30min", name="Түнгі ауысым №1")
    plan = plan_patrols(named, flat_risk(named), [shift], stop=STOP)
    back = assert_comes_back_equal(plan, tmp_path)
    assert back.routes.index.tolist() == ["Түнгі ауысым №1-1"]
    assert back.segments["name"].isna().tolist() == [False, True, False]


def test_hostile_text_in_every_column_comes_back_as_it_was(tmp_path: Path) -> None:
    plan = hostile_plan(hostile_town(row_town(2)), [(0, 0), (100, 0), (200, 0)])
    back = Plan.read(plan.to_file(tmp_path / "plan.gpkg"))
    assert back.provenance == plan.provenance
    for name in ("routes", "visits", "segments", "stops", "unserved"):
        texts, ours = (pd.DataFrame(getattr(p, name).select_dtypes("str")) for p in (back, plan))
        assert_frame_equal(texts, ours)
        assert texts.empty or (texts == HOSTILE).to_numpy().any()


@pytest.mark.parametrize("risk", [0.0, 1.0])
def test_a_plan_without_walks_or_without_anything_unserved_comes_back(
    risk: float, tmp_path: Path
) -> None:
    place = row_town(2)
    shift = shift_at(place, rules=ONE_PASS)
    plan = plan_patrols(place, flat_risk(place, risk), [shift], stop=STOP)
    assert plan.unserved.empty
    assert plan.visits.empty == (risk == 0)
    assert_comes_back_equal(plan, tmp_path)


def test_a_plan_replaces_an_older_file_whole(night_plan: Plan, tmp_path: Path) -> None:
    other = row_town(2)
    small = plan_patrols(other, flat_risk(other), [shift_at(other)], stop=STOP)
    target = tmp_path / "new folder" / "plan.gpkg"
    night_plan.to_file(target)
    small.to_file(target)
    assert len(Plan.read(target).routes) == 1
    assert [path.name for path in target.parent.iterdir()] == ["plan.gpkg"]


def test_a_failure_half_way_leaves_the_old_file(
    night_plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = night_plan.to_file(tmp_path / "plan.gpkg")
    before = target.read_bytes()
    write = pyogrio.write_dataframe

    def fill_the_disk(table: Any, path: Path, *, layer: str, **options: Any) -> None:
        if layer == "stops":
            raise OSError("disk full")
        write(table, path, layer=layer, **options)

    monkeypatch.setattr(pyogrio, "write_dataframe", fill_the_disk)
    with pytest.raises(OSError, match="disk full"):
        night_plan.to_file(target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["plan.gpkg"]


@pytest.mark.parametrize("name", ["plan.json", "plan", "plan.gpkg.zip"])
def test_another_suffix_is_refused(night_plan: Plan, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match=r"kept in a GeoPackage; wanted NAME\.gpkg"):
        night_plan.to_file(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"plan\.gpkg: no such file"):
        Plan.read(tmp_path / "plan.gpkg")


def some_bytes(path: Path, plan: Plan) -> None:
    path.write_bytes(b"not a database")


def an_empty_file(path: Path, plan: Plan) -> None:
    path.touch()


def another_geopackage(path: Path, plan: Plan) -> None:
    gpd.GeoDataFrame(geometry=[], crs=32643).to_file(path, layer="streets")


def a_layer_is_missing(path: Path, plan: Plan) -> None:
    plan.to_file(path)
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE visits")
        db.execute("DELETE FROM gpkg_contents WHERE table_name = 'visits'")
    db.close()


def provenance(path: Path, plan: Plan, text: str) -> None:
    plan.to_file(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE provenance SET provenance = ?", (text,))
    db.close()


def garbled_provenance(path: Path, plan: Plan) -> None:
    provenance(path, plan, "{oops")


def provenance_of_a_later_version(path: Path, plan: Plan) -> None:
    provenance(path, plan, json.dumps(asdict(plan.provenance) | {"mood": "good"}))


def provenance_in_a_zone_that_is_none(path: Path, plan: Plan) -> None:
    provenance(path, plan, json.dumps(asdict(plan.provenance) | {"timezone": "Mars/Base"}))


def provenance_that_is_a_list(path: Path, plan: Plan) -> None:
    provenance(path, plan, "[1, 2]")


@pytest.mark.parametrize(
    "write",
    [
        some_bytes,
        an_empty_file,
        another_geopackage,
        a_layer_is_missing,
        garbled_provenance,
        provenance_of_a_later_version,
        provenance_in_a_zone_that_is_none,
        provenance_that_is_a_list,
    ],
)
def test_a_file_that_is_no_plan_is_named(write: Any, night_plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.gpkg"
    write(path, night_plan)
    with pytest.raises(SourceFormatError, match=r"plan\.gpkg: not a plan's GeoPackage"):
        Plan.read(path)


def test_a_plan_by_hand_keeps_its_extra_columns(night_plan: Plan, tmp_path: Path) -> None:
    marked = replace(night_plan, routes=night_plan.routes.assign(colour="red"))
    back = Plan.read(marked.to_file(tmp_path / "plan.gpkg"))
    assert back.routes["colour"].tolist() == ["red"] * 3
