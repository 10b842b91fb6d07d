"""What many tests share: the sample district, read once."""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

import patrolmap as pm
from offices import open_office

TZ = "Asia/Almaty"
LONGEST = (  # files whose tests take longest; begun first, no worker is left alone with one
    "test_cities.py", "test_nightly.py", "test_fuzz.py", "test_cards.py", "test_chain.py",
    "test_browser.py", "test_cli.py", "test_local.py", "test_plan_patrols.py",
    "03_night_patrol.ipynb",
)  # fmt: skip
INSTALLED_IN_CI = ("browser", "postgis")  # markers of tests for whose needs .ci/run provides


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip for want of a program into a failure where CI should have installed it."""
    report = yield
    wants = any(item.get_closest_marker(name) for name in INSTALLED_IN_CI)
    if report.skipped and wants and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def district() -> pm.datasets.SampleDistrict:
    return pm.datasets.sample()


@pytest.fixture(scope="session")
def planted(district: pm.datasets.SampleDistrict) -> dict[str, Any]:
    return json.loads(district.planted.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def district_streets(district: pm.datasets.SampleDistrict) -> pm.StreetNetwork:
    return pm.read_streets(district.streets, boundary=district.boundary)


@pytest.fixture(scope="session")
def district_reports(district: pm.datasets.SampleDistrict) -> dict[str, pm.EventsReport]:
    maps = {
        "crime": district.crimes,
        "accident": district.accidents,
        "juvenile": district.juveniles,
    }
    return {kind: pm.check_events(path, kind=kind, tz=TZ) for kind, path in maps.items()}


@pytest.fixture
def home(district: pm.datasets.SampleDistrict, tmp_path: Path) -> Path:
    """An office of its own, with the sample's files and config."""
    return open_office(district.config, tmp_path / "office")
