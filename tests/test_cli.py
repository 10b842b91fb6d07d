"""The command line as a tired person, and cron, meet it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import patrolmap as pm
from offices import spoil
from patrolmap.cli import app

runner = CliRunner()


def run(*words: object) -> tuple[int, str, str]:
    result = runner.invoke(app, [str(word) for word in words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def quick(home: Path) -> Path:
    return spoil(home, "max_runtime = 5", "max_iterations = 20")


def test_help_names_every_command() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(word in out for word in ("demo", "plan", "check", "offline"))


def test_plan_under_cron_prints_nothing_and_writes_everything(quick: Path, tmp_path: Path) -> None:
    code, out, err = run("plan", quick, "--night", "2026-11-06", "--out", tmp_path / "routes")
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "routes" / "map.html").is_file()


def test_plan_says_what_it_did_when_asked(quick: Path, tmp_path: Path) -> None:
    out_dir = tmp_path / "routes"
    code, out, _ = run("plan", quick, "--night", "2026-11-06", "--out", out_dir, "--verbose")
    assert code == 0
    assert "5 crews cover" in out
    assert str(out_dir / "map.html") in out


def test_bad_input_is_exit_code_2_and_one_clear_message(quick: Path, tmp_path: Path) -> None:
    (quick.parent / "crimes.csv").write_text("", encoding="utf-8")
    code, out, err = run("plan", quick, "--night", "2026-11-06", "--out", tmp_path / "routes")
    assert (code, out) == (2, "")
    assert "crimes.csv" in err and "empty" in err
    assert "Traceback" not in err
    assert not (tmp_path / "routes").exists()


def test_a_shift_too_short_to_leave_the_depot_is_exit_code_3(quick: Path, tmp_path: Path) -> None:
    config = spoil(quick.parent, 'duration = "5h"', 'duration = "2s"')
    code, _, err = run("plan", config, "--night", "2026-11-06", "--out", tmp_path / "routes")
    assert code == 3
    assert "night" in err and "more time" in err


def test_a_depot_in_a_lake_is_named(quick: Path, tmp_path: Path) -> None:
    config = spoil(quick.parent, "lon = 76.865475", "lon = 77.5")
    code, _, err = run("plan", config, "--night", "2026-11-06", "--out", tmp_path / "routes")
    assert code == 2
    assert "Алмалы" in err and "from the nearest street" in err


def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    quick: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run("plan", quick, "--out", tmp_path / "file" / "routes")
    assert code == 2
    assert "is a file; wanted a folder" in err


def test_rejects_into_a_folder_is_exit_code_2(
    district: pm.datasets.SampleDistrict, tmp_path: Path
) -> None:
    code, _, err = run("check", district.crimes, "--rejects", tmp_path)
    assert code == 2
    assert "is a folder; wanted the name of a file" in err


def test_a_wrong_date_is_named(quick: Path, tmp_path: Path) -> None:
    code, _, err = run("plan", quick, "--night", "tomorrow", "--out", tmp_path / "routes")
    assert code == 2
    assert "'tomorrow'; wanted a date such as 2026-11-22" in err


def test_check_says_what_is_kept_and_dropped_and_keeps_the_rejects(
    district: pm.datasets.SampleDistrict, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    code, out, _ = run("check", district.crimes, "--rejects", rejects)
    assert code == 0
    assert "5,017 rows, 5,000 kept, 17 dropped" in out
    assert len(rejects.read_text(encoding="utf-8").splitlines()) == 18


def test_check_of_a_missing_file_is_exit_code_2(tmp_path: Path) -> None:
    code, _, err = run("check", tmp_path / "crime.csv")
    assert code == 2
    assert "crime.csv" in err


def test_check_of_a_wrong_column_names_it(district: pm.datasets.SampleDistrict) -> None:
    code, _, err = run("check", district.crimes, "--column", "occurred_from=When")
    assert code == 2
    assert "When" in err


def test_demo_writes_the_sample_night_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: Path
) -> None:
    config = pm.NightlyConfig.from_file(quick)
    monkeypatch.setattr(pm.NightlyConfig, "from_file", classmethod(lambda cls, path: config))
    code, out, _ = run("demo", "--out", tmp_path / "demo")
    assert code == 0
    for name in ("map.html", "cards.pdf", "tracks"):
        assert str(tmp_path / "demo" / name) in out
        assert (tmp_path / "demo" / name).exists()
