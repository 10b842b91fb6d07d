"""One night from a config file: clear refusals, whole results, nobody's files lost."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

import patrolmap as pm
from patrolmap import nightly
from patrolmap.config import SolvePart
from patrolmap.errors import OptionError

NIGHT = dt.date(2026, 11, 6)


@pytest.fixture(scope="module")
def quick(district: pm.datasets.SampleDistrict) -> pm.NightlyConfig:
    config = pm.NightlyConfig.from_file(district.config)
    return config.model_copy(update={"solve": SolvePart(max_iterations=50, seed=1)})


@pytest.fixture(scope="module")
def result(quick: pm.NightlyConfig) -> pm.NightlyResult:
    return pm.run_nightly(quick, night=NIGHT)


def test_a_run_returns_tables_and_touches_no_disk(
    result: pm.NightlyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(result.plan.routes) == 5
    assert pm.check_plan(result.plan, result.streets).empty
    assert list(result.risk_by_kind.columns) == ["accident", "crime", "juvenile"] or set(
        result.risk_by_kind.columns
    ) == {"crime", "accident", "juvenile"}
    assert result.risk_by_kind.sum(axis=1).to_numpy() == pytest.approx(result.risk.to_numpy())


def test_the_results_are_one_folder_with_all_that_people_need(
    result: pm.NightlyResult, tmp_path: Path
) -> None:
    written = result.write(tmp_path / "routes")
    assert {path.name for path in (tmp_path / "routes").iterdir()} == {
        "map.html", "cards.pdf", "tracks", "plan.gpkg", "risk.gpkg", "summary.txt", "rejects",
        "manifest.json",
    }  # fmt: skip
    assert len(list(written["tracks"].glob("*.gpx"))) == 5
    assert pm.check_plan(pm.Plan.read(written["plan"])).empty
    segments = gpd.read_file(written["risk"], layer="segments").set_index("segment_id")
    assert segments["risk"].sum() == pytest.approx(result.risk.sum())
    rejects = pd.read_csv(written["rejects"] / "1-crime.csv")
    assert len(rejects) == 17
    assert "dropped 4 no geometry" in written["summary"].read_text(encoding="utf-8")


def test_an_earlier_run_is_replaced_whole(
    quick: pm.NightlyConfig, result: pm.NightlyResult, tmp_path: Path
) -> None:
    out = tmp_path / "routes"
    result.write(out)
    fewer = pm.run_nightly(quick.model_copy(update={"shifts": quick.shifts[1:]}), night=NIGHT)
    fewer.write(out)
    assert len(list((out / "tracks").iterdir())) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["routes"]


def test_a_file_that_somebody_added_to_the_results_is_never_deleted(
    result: pm.NightlyResult, tmp_path: Path
) -> None:
    out = tmp_path / "routes"
    result.write(out)
    (out / "tracks" / "mine.txt").write_text("notes of the shift")
    with pytest.raises(OptionError, match=r"tracks/mine.txt.*nothing of yours is lost"):
        result.write(out)
    assert (out / "tracks" / "mine.txt").read_text() == "notes of the shift"


def test_a_folder_that_cannot_be_made_is_refused(result: pm.NightlyResult, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match="is a file; wanted a folder"):
        result.write(tmp_path / "file" / "routes")


def test_a_folder_with_files_of_somebody_is_never_touched(
    result: pm.NightlyResult, tmp_path: Path
) -> None:
    (tmp_path / "diary.txt").write_text("mine")
    with pytest.raises(OptionError, match="nothing of yours is lost"):
        result.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]


def test_a_failure_half_way_leaves_last_nights_result(
    result: pm.NightlyResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "routes"
    result.write(out)
    before = (out / "map.html").read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(nightly, "write_gpx", full)
    with pytest.raises(OSError, match="No space"):
        result.write(out)
    assert (out / "map.html").read_bytes() == before
    assert json.loads((out / "manifest.json").read_text())["night"] == "2026-11-06"
    assert [path.name for path in tmp_path.iterdir()] == ["routes"]


def test_results_can_be_read_by_whom_the_folder_lets(
    result: pm.NightlyResult, tmp_path: Path
) -> None:
    old = os.umask(0o022)
    try:
        result.write(tmp_path / "routes")
    finally:
        os.umask(old)
    assert (tmp_path / "routes").stat().st_mode & 0o777 == 0o755


def test_a_past_night_is_planned_without_what_came_after(quick: pm.NightlyConfig) -> None:
    early = pm.run_nightly(quick, night=dt.date(2025, 6, 1))
    assert any("outside the observed" in note for note in early.plan.provenance.notes)


def test_a_night_before_all_events_is_refused(quick: pm.NightlyConfig) -> None:
    with pytest.raises(OptionError, match=r"no event happened before 01\.01\.2020.*later night"):
        pm.run_nightly(quick, night=dt.date(2020, 1, 1))


def test_events_of_the_nights_own_date_are_not_used(quick: pm.NightlyConfig) -> None:
    """Cutting everything from the night's date on out of the files changes nothing."""
    night = dt.date(2025, 6, 1)
    cut = pd.Timestamp(night, tz="Asia/Almaty")
    result = pm.run_nightly(quick, night=night)
    assert any((report.events["occurred_from"] >= cut).any() for report in result.reports)
    before = [r.events[r.events["occurred_from"] < cut] for r in result.reports]
    events = pm.combine_events(before)
    observed = (events["occurred_from"].min().normalize(), cut)
    model = quick.risk.model.fit(events, result.streets, observed=observed)
    by_kind = nightly.risk_of_shifts(model, quick.shifts_of(night))[1]
    assert result.risk_by_kind.to_numpy() == pytest.approx(by_kind.to_numpy())


def test_shifts_of_one_time_give_one_risk(quick: pm.NightlyConfig) -> None:
    only_night = quick.model_copy(update={"shifts": quick.shifts[1:]})
    plan = pm.run_nightly(only_night, night=NIGHT).plan
    assert len(plan.provenance.bins) == 1
    assert set(plan.routes["shift"]) == {"night"}
