"""The report: a text for people, a file of rejects that is safe to open."""

import csv
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from patrolmap.errors import OptionError, SourceNotFoundError
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
    assert "  5  unreadable date: row 3 (text of 17 letters), row 4 (+1), row 5 (-1), ...\n" in text
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
        "text of 17 letters", "'+1", "'-1", "text of 7 letters", "text of 7 letters", "nothing",
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


class Tags(HTMLParser):
    """What a page is made of: its elements, its text, whatever could load or run something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text.append(data)


HOSTILE = "<img src=x onerror=alert(1)>\"'&<script>alert(1)</script>"


@pytest.fixture
def hostile(crimes, tmp_path) -> EventsReport:
    table = crimes(date={2: HOSTILE}).rename(columns={"date": f"date {HOSTILE}"})
    path = tmp_path / "it is <b>bold & 'so'.csv"
    table.to_csv(path, index=False)
    columns = {"date": f"date {HOSTILE}"}
    return check_events(path, kind="crime", tz="Asia/Almaty", columns=columns)


def test_the_page_shows_hostile_text_as_text(hostile):
    tags = Tags(hostile.to_html())
    assert tags.names <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "br", "small",
        "table", "tr", "th", "td", "ul", "li",
    }  # fmt: skip
    assert tags.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    text = "".join(tags.text)
    assert "<img src=x onerror=alert(1)>" in text and "it is <b>bold & 'so'.csv" in text


def test_the_page_loads_nothing_and_lets_nothing_run(report):
    page = report.to_html()
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|//|url\(|@import|<script", page)
    assert "25 rows" in page and "unreadable date" in page and "Nothing." not in page


def test_text_page_and_json_tell_the_same(report):
    told = report.to_dict()
    assert json.loads(report.to_json()) == told
    assert (told["rows"], told["kept"]) == (25, 19)
    assert {one["reason"]: one["rows"] for one in told["dropped"]} == dict(report.dropped)
    for shown in (report.summary(), report.to_html()):
        for one in told["dropped"]:
            assert one["reason"] in shown
        assert all(str(case["row"]) in shown for case in told["dropped"][0]["examples"])
    assert str(report) == report.summary()
    assert repr(report) == "EventsReport('the table': 25 rows, 6 dropped)"


def test_the_keys_of_the_json_are_those_that_the_docs_name(report):
    told = report.to_dict()
    assert list(told) == [
        "form", "source", "kind", "rows", "kept", "dropped", "time", "lag", "place", "category",
        "severity", "harm", "police_initiated", "notes",
    ]  # fmt: skip
    assert all(key in EventsReport.to_dict.__doc__ for key in told)
    assert set(told["dropped"][0]) == {"reason", "rows", "mend", "examples"}
    assert set(told["dropped"][0]["examples"][0]) == {"row", "given", "wanted"}
    assert set(told["time"]) == {"first", "last", "tz", "precision"}
    assert set(told["place"]) == {"west", "south", "east", "north", "crs"}


def test_the_json_says_nothing_of_a_single_event_but_the_rejects_short_cells(crimes):
    secret = "case 4417 of Ivan Ivanov, born 1990"
    table = crimes(date={3: "x" * 500}).assign(fio=secret, UD=secret, comment=secret)
    report = check_events(table, kind="crime", tz="Asia/Almaty")
    text = report.to_json()
    assert "Ivan" not in text and "4417" not in text and "1990" not in text
    assert "x" * 61 not in text
    ids = [str(number) for number in table["id"]]
    assert not any(f'"{one}"' in text or f"crime:{one}" in text for one in ids)


def test_counts_in_the_json_add_up_to_the_events_kept(crimes):
    table = crimes().assign(severity=["grave"] * 5 + [None] * 20, harm=[30.0] * 10 + [None] * 15)
    told = check_events(table, kind="crime", tz="Asia/Almaty").to_dict()
    for counts in (told["time"]["precision"], told["category"], told["severity"]):
        assert sum(counts.values()) == told["kept"]
    assert told["severity"] == {"grave": 5, "not told": 20}
    assert told["harm"] == {"known": 10, "unknown": 15, "days": 300.0}


def test_the_lag_is_told_and_nan_is_null(crimes):
    days = pd.Series(pd.to_datetime(crimes()["date"]))
    on_time = check_events(
        crimes().assign(registered=(days + pd.Timedelta("2D")).dt.strftime("%Y-%m-%d")),
        kind="crime", tz="Asia/Almaty",
    ).to_dict()  # fmt: skip
    assert on_time["lag"]["median"] == 2 and "2" in on_time["lag"]["text"]
    before = check_events(crimes().assign(registered="2000-01-01"), kind="crime", tz="Asia/Almaty")
    assert before.to_dict()["lag"]["median"] is None
    assert json.loads(before.to_json())["lag"]["negative"] == 25
    assert check_events(crimes(), kind="crime", tz="Asia/Almaty").to_dict()["lag"] is None


def test_events_without_any_time_have_a_report(crimes):
    report = check_events(crimes().drop(columns="date"), kind="crime", tz="Asia/Almaty")
    told = report.to_dict()
    assert (told["time"]["first"], told["time"]["precision"]) == (None, {"unknown": 25})
    assert "from  " not in report.summary() and "unknown" in report.to_html()


def test_a_report_is_saved_whole_and_replaces_an_earlier_one(report, tmp_path, crimes):
    folder = report.save(tmp_path / "checked")
    names = {"report.txt", "report.html", "report.json", "rejects.csv"}
    assert {entry.name for entry in folder.iterdir()} == names
    assert (folder / "report.txt").read_text(encoding="utf-8") == report.summary() + "\n"
    check_events(crimes(), kind="crime", tz="Asia/Almaty").save(folder)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["kept"] == 25
    assert [entry.name for entry in tmp_path.iterdir()] == ["checked"]


@pytest.mark.parametrize("name", ["diary.txt", "report.txt", "report.json"])
def test_a_folder_with_files_of_somebody_is_never_touched(report, tmp_path, name):
    (tmp_path / name).write_text('{"mine": 1}')
    with pytest.raises(OptionError, match=f"{name}; choose a new or empty folder"):
        report.save(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_file_in_the_place_of_the_folder_is_named(report, tmp_path):
    (tmp_path / "checked").write_text("")
    with pytest.raises(OptionError, match="checked is a file; wanted a folder"):
        report.save(tmp_path / "checked")


def test_a_full_disk_leaves_the_earlier_report(report, tmp_path, monkeypatch):
    folder = report.save(tmp_path / "checked")
    before = (folder / "report.json").read_bytes()

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        report.save(folder)
    assert (folder / "report.json").read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["checked"]


def test_harm_beyond_all_numbers_is_null_in_the_json(crimes):
    report = check_events(crimes().assign(harm=1.7e308), kind="crime", tz="Asia/Almaty")
    assert json.loads(report.to_json())["harm"] == {"known": 25, "unknown": 0, "days": None}
    assert "too many to add up" in report.summary()
