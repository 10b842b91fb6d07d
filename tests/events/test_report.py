"""The report: a text for people, a file of rejects that is safe to open."""

import csv

import pandas as pd
import pytest

from patrolmap.errors import SourceNotFoundError
from patrolmap.events import EventsReport, check_events


@pytest.fixture
def report(crimes) -> EventsReport:
    table = crimes(
        date={2: "=cmd|'/c calc'!A0", 3: "+1", 4: "-1", 5: "@SUM(1)", 6: "\x1b[2Jgone"},
        lon={7: None},
    )
    return check_events(table, kind="crime", tz="Asia/Almaty")


def test_the_counts_add_up(report):
    assert report.rows == report.kept + sum(report.dropped.values()) == 25
    assert len(report.rejects) == 6
    assert report.rejects["row"].tolist() == [3, 4, 5, 6, 7, 8]


def test_the_summary_says_counts_reasons_mends_and_what_was_inferred(report):
    text = report.summary()
    assert text.startswith("the table: 25 rows, 19 kept, 6 dropped\n")
    assert "  5  unreadable date: row 3 (=cmd|'/c calc'!A0), row 4 (+1), row 5 (-1), ...\n" in text
    assert "     write dates as 2024-01-31 20:30" in text
    assert "  1  no geometry: row 8 (nothing)\n" in text
    assert "  time      to the minute 19\n" in text
    assert "id from 'id'" in text and "date from 'date'" in text
    assert max(map(len, text.splitlines())) < 160


def test_no_control_character_reaches_a_terminal(crimes):
    table = crimes(date={0: "\x1b[2J\x07gone"}, category={1: "\x1b]0;title\x07x", 2: "a\u202eb"})
    table = table.rename(columns={"category": "category"}).assign(**{"\x1b[31mcolumn": 1})
    text = check_events(table, kind="crime", tz="Asia/Almaty").summary()
    assert all(c.isprintable() for c in text.replace("\n", ""))


def test_a_clean_source_has_nothing_under_dropped(crimes):
    report = check_events(crimes(), kind="crime", tz="Asia/Almaty")
    assert report.dropped == {} and report.rejects.empty
    assert "Dropped" not in report.summary()
    assert list(report.rejects.columns) == ["row", "reason", "given", "wanted", "event_id"]


def test_rejects_are_safe_to_open_in_a_spreadsheet(report, tmp_path):
    path = report.write_rejects(tmp_path / "rejects.csv")
    raw = path.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8").splitlines()))
    assert [row["given"] for row in rows] == [
        "'=cmd|'/c calc'!A0", "'+1", "'-1", "'@SUM(1)", "[2Jgone", "nothing",
    ]  # fmt: skip
    assert [row["row"] for row in rows] == ["3", "4", "5", "6", "7", "8"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_rejects_are_written_whole_or_not_at_all(report, tmp_path, monkeypatch):
    path = tmp_path / "rejects.csv"
    path.write_text("before")

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        report.write_rejects(path)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["rejects.csv"]


def test_rejects_into_a_missing_folder_are_an_error(report, tmp_path):
    with pytest.raises(SourceNotFoundError, match="make the folder first"):
        report.write_rejects(tmp_path / "nowhere" / "rejects.csv")
