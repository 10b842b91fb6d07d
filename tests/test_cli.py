"""The command line as a tired person, and cron, meet it."""

import json
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


def test_check_prints_json_that_another_program_can_read(
    district: pm.datasets.SampleDistrict,
) -> None:
    code, out, _ = run("check", district.crimes, "--format", "json")
    told = json.loads(out)
    assert (code, told["rows"], told["kept"], told["time"]["tz"]) == (0, 5017, 5000, "Asia/Almaty")


def test_check_prints_a_page(district: pm.datasets.SampleDistrict) -> None:
    code, out, _ = run("check", district.crimes, "--format", "html")
    assert code == 0
    assert out.startswith("<!DOCTYPE html>") and out.endswith("</html>\n")


def test_check_saves_the_report_in_every_form_with_the_rejects(
    district: pm.datasets.SampleDistrict, tmp_path: Path
) -> None:
    for _ in range(2):  # the second replaces the first
        code, out, err = run("check", district.crimes, "--out", tmp_path / "checked")
        assert code == 0
        assert f"saved in {tmp_path / 'checked'}" in out
    code, out, err = run(
        "check", district.crimes, "--out", tmp_path / "checked", "--format", "json"
    )
    assert json.loads(out)["kept"] == 5000 and "saved in" in err
    assert {path.name for path in (tmp_path / "checked").iterdir()} == {
        "report.txt", "report.html", "report.json", "rejects.csv",
    }  # fmt: skip


def test_check_tells_a_wrong_folder_before_the_work(
    district: pm.datasets.SampleDistrict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the file was read")

    (tmp_path / "diary.txt").write_text("mine")
    monkeypatch.setattr("patrolmap.events.check_events", never)
    code, _, err = run("check", district.crimes, "--out", tmp_path)
    assert code == 2 and "diary.txt" in err


@pytest.mark.parametrize("option", ["--out", "--rejects"])
def test_check_tells_a_place_below_a_file_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    path = tmp_path / "b.csv"
    path.write_text("date,lon,lat\n2024-05-01 20:30,76.9,43.2\n", encoding="utf-8")
    monkeypatch.setattr("patrolmap.events.check_events", None)
    code, out, err = run("check", path, option, path / "x" / "y")
    assert (code, out) == (2, "")
    assert "b.csv is a file" in err if option == "--out" else "is not there" in err


def test_check_takes_the_options_that_its_mends_name_and_says_which_zone_it_took(
    tmp_path: Path,
) -> None:
    path = tmp_path / "b.csv"
    path.write_text(
        "date,type,lon,lat\n2024-05-01 20:30,Theft,76.9,43.2\n2024-05-09 20:30,Theft,76.9,43.2\n",
        encoding="utf-8",
    )
    words = ("--now", "2024-05-05", "--crs", "EPSG:32642", "--harm", "kz")
    code, out, err = run("check", path, *words)
    assert code == 0
    assert "1  date in the future" in out and "result in EPSG:32642" in out
    assert "harm      182 days" in out
    assert "clock times are those of Asia/Almaty" in err
    assert "clock times" not in run("check", path, "--tz", "Asia/Almaty")[2]


def test_check_strict_is_exit_code_3_where_rows_were_dropped_and_still_reports(
    district: pm.datasets.SampleDistrict, tmp_path: Path
) -> None:
    code, out, _ = run("check", district.crimes, "--strict", "--out", tmp_path / "checked")
    assert code == 3
    assert "17 dropped" in out and (tmp_path / "checked" / "report.html").is_file()
    clean = tmp_path / "clean.csv"
    clean.write_text("date,lon,lat\n2024-05-01 20:30,76.9,43.2\n", encoding="utf-8")
    assert run("check", clean, "--strict")[0] == 0


def test_check_strict_forgives_what_the_preset_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "crimes.csv"
    path.write_text(
        "objectid,stat,dat_sover,discontinued,x,y\n"
        "1,ст.188 ч.3,1581193800000,0,76.9,43.2\n2,ст.188 ч.3,1581193800000,1,76.91,43.2\n",
        encoding="utf-8",
    )
    code, out, _ = run("check", path, "--preset", "kz_crime", "--source-crs", "EPSG:4326",
                       "--strict")  # fmt: skip
    assert code == 0
    assert "1  left out by the preset" in out


def test_check_takes_kind_and_zone_from_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("дата,время,lon,lat\n31.05.2024,20:30,76.9,43.2\n", encoding="utf-8")
    code, out, _ = run("check", path, "--preset", "kz_calls", "--format", "json")
    told = json.loads(out)
    assert (code, told["kind"], told["time"]["first"]) == (0, "call", "2024-05-31T20:30+05:00")


def test_check_of_several_pages_reads_them_as_one_map(tmp_path: Path) -> None:
    pages = []
    for number in range(2):
        page = tmp_path / f"page-{number}.csv"
        page.write_text(f"id,date,lon,lat\n{number},2024-05-0{number + 1},76.9,43.2\n")
        pages.append(page)
    code, out, _ = run("check", *pages)
    assert code == 0 and "2 rows, 2 kept, 0 dropped" in out


def test_check_of_an_address_out_of_reach_is_exit_code_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patrolmap.events.service.transport._sleep", lambda seconds: None)
    address = "http://127.0.0.1:9/arcgis/rest/services/crime/FeatureServer/1"
    code, out, err = run("check", address, "--preset", "kz_crime", "--where", "discontinued=0")
    assert (code, out) == (2, "")
    assert "127.0.0.1:9" in err


@pytest.mark.parametrize("option", ["--column", "--columns"])
def test_columns_are_named_by_role(tmp_path: Path, option: str) -> None:
    path = tmp_path / "crimes.csv"
    path.write_text("Принят,lon,lat\n2024-05-01 20:30,76.9,43.2\n", encoding="utf-8")
    code, out, _ = run("check", path, option, "occurred_from=Принят")
    assert code == 0 and "2024-05-01 20:30" in out
    code, _, err = run("check", path, option, "Принят")
    assert code == 2 and "wanted ROLE=COLUMN" in err


def test_the_help_of_check_has_examples_and_exit_codes() -> None:
    code, out, _ = run("check", "--help")
    assert code == 0
    for word in ("--preset kz_crime", "--strict", "Exit code", "rows were dropped", "PGPASSWORD"):
        assert word in " ".join(out.split()), word
