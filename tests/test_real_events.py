"""The table of real files in the docs is what reading them gives."""

import runpy
from pathlib import Path

import pytest

from shared import DATA, shared_file

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("kz/crime_feature_old_service.json", "portland/nij_burglary_2012-03_2016-02.csv")

pytestmark = pytest.mark.shared


def bare(line: str) -> str:
    """Leave out the last cell of a row: seconds."""
    return line.rsplit(" | ", 1)[0]


@pytest.mark.parametrize("path", SMALL)
def test_the_page_of_real_events_is_what_reading_them_gives(path: str) -> None:
    shared_file(path)
    make = runpy.run_path(str(ROOT / "tools" / "make_events_table.py"))
    (real,) = (one for one in make["FILES"] if one.path == path)
    page = (ROOT / "docs" / "real_events.md").read_text(encoding="utf-8")
    head, _, line = make["table"]((real,))
    lines = page.splitlines()
    assert head in lines
    assert bare(line) in map(bare, lines), "run: make docs-events"


def test_every_file_of_events_in_shared_stands_in_the_page() -> None:
    shared_file("README.md")
    make = runpy.run_path(str(ROOT / "tools" / "make_events_table.py"))
    listed = {one.path for one in make["FILES"]}
    events = {"chicago_uni/chicago_points.csv", "kz/features_row.csv", *SMALL}
    for folder in ("madison", "nyc", "san_francisco"):
        events |= {f"{folder}/{path.name}" for path in (DATA / folder).glob("*.parquet")}
    for pattern in ("pittsburgh/*.csv", "portland/nij_*", "montreal/*events*.csv"):
        events |= {path.relative_to(DATA).as_posix() for path in DATA.glob(pattern)}
    assert events <= listed
