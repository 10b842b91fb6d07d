"""Sheets as offices keep them: titles above, formulas inside, the table in one of several."""

import datetime as dt
import io
import re
import zipfile

import openpyxl
import pandas as pd
import pytest

from patrolmap.errors import OptionError, SchemaError, SourceFormatError
from patrolmap.events import check_events
from patrolmap.events.sources.excel import read_excel


def check(path, **options):
    return check_events(path, **({"kind": "crime", "tz": "Asia/Almaty"} | options))


@pytest.fixture
def book(tmp_path):
    """Return a maker of Excel files: `book(crimes=[[...], ...], notes=[...])`."""

    def make(name="a.xlsx", **sheets):
        made = openpyxl.Workbook()
        made.remove(made.active)
        for title, rows in sheets.items():
            sheet = made.create_sheet(title)
            for row in rows:
                sheet.append(row)
        path = tmp_path / name
        made.save(path)
        return path

    return make


def rows_of(table):
    return [list(table.columns), *table.to_numpy(dtype=object).tolist()]


def test_a_sheet_reads_as_the_same_rows_in_text_do(crimes, book, tmp_path):
    table = crimes()
    report = check(book(crimes=rows_of(table)))
    assert report.events.equals(check(table).events)
    assert "sheet 'crimes'" in report.notes
    assert report.source == "a.xlsx"


def test_dates_as_cells_keep_their_hour_and_days_stay_days(crimes, book):
    table = crimes()
    moments = pd.to_datetime(table["date"])
    timed = table.assign(date=moments.dt.to_pydatetime())
    report = check(book(timed=rows_of(timed)))
    assert (report.events["time_precision"] == "minute").all()
    assert report.events["occurred_from"].tolist() == check(table).events["occurred_from"].tolist()
    days = check(book(days=rows_of(table.assign(date=moments.dt.date))))
    assert (days.events["time_precision"] == "day").all()


def test_dates_that_excel_took_for_dates_and_those_it_did_not_read_alike(crimes, book):
    table = crimes()
    days = pd.to_datetime(table["date"]).dt.date
    mixed = [day if day.day <= 12 else day.strftime("%d.%m.%Y") for day in days]
    report = check(book(mixed=rows_of(table.assign(date=mixed))))
    assert (report.events["time_precision"] == "day").all()
    assert report.events["occurred_from"].dt.date.tolist() == days.tolist()


def test_times_in_a_column_of_their_own_join_their_day(book):
    head = ["date", "time", "lon", "lat"]
    path = book(a=[head, [dt.date(2024, 5, 1), dt.time(20, 30), 76.9, 43.2]])
    assert str(check(path).events["occurred_from"].iloc[0]) == "2024-05-01 20:30:00+05:00"


def test_titles_above_the_header_are_skipped_and_said(crimes, book):
    table = crimes()
    above = [["Сведения о преступлениях"], [], ["за май", None, "2024 год"]]
    numbering = [list(range(1, 6))]
    rows = rows_of(table)
    report = check(book(a=[*above, rows[0], *numbering, *rows[1:]]))
    assert (report.rows, report.kept) == (25, 25)
    assert "header in row 4: 3 rows of titles above it are left out" in report.notes
    assert "a row that numbers the columns is left out" in report.notes


def test_blank_rows_do_not_count_and_row_numbers_stay_those_of_the_sheet(crimes, book):
    rows = rows_of(crimes(lon={5: 0.0}, lat={5: 0.0}))
    path = book(a=[*rows[:3], [], *rows[3:], [None, None], []])
    report = check(path)
    assert (report.rows, dict(report.dropped)) == (25, {"zero coordinates": 1})
    assert report.rejects["row"].tolist() == [7]  # the sheet's row 8, below its header


def test_several_sheets_with_tables_are_asked_about(crimes, book):
    rows = rows_of(crimes())
    path = book(crimes=rows, juvenile=rows[:6], legend=[["what this is"]], empty=[])
    with pytest.raises(SchemaError, match=r"tables in 2 sheets: 'crimes', 'juvenile'; say which"):
        check(path)
    assert check(path, layer="juvenile").kept == 5
    with pytest.raises(OptionError, match=r"layer='crime' is not in a.xlsx; it has 'crimes'"):
        check(path, layer="crime")
    with pytest.raises(SourceFormatError, match=r"'legend' of a.xlsx holds no table"):
        check(path, layer="legend")


def test_hidden_sheets_are_read_by_name_only(crimes, book):
    rows = rows_of(crimes())
    path = book(shown=rows, hidden=rows[:6])
    made = openpyxl.load_workbook(path)
    made["hidden"].sheet_state = "veryHidden"
    made.save(path)
    assert check(path).kept == 25
    assert check(path, layer="hidden").kept == 5
    made["shown"].sheet_state = "hidden"
    made.create_sheet("page")
    made.save(path)
    with pytest.raises(SourceFormatError, match=r"no table.*read by name only: 'shown', 'hidden'"):
        check(path)


def test_formulas_give_the_values_saved_with_them(crimes, book):
    """What Excel writes: a formula and its value. Errors of formulas say nothing."""
    rows = rows_of(crimes())
    path = book(a=rows)
    text = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(text, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data, count = re.subn(rb'(<c r="D2"[^>]*>)<v>', rb"\1<f>1+1</f><v>", data)
                assert count == 1
            new.writestr(name, data)
    path.write_bytes(text.getvalue())
    assert check(path).kept == 25


def test_formulas_never_reckoned_are_said(crimes, book):
    table = crimes().assign(category="=A2", lat="=1+1")
    with pytest.raises(SchemaError, match=r"no row of a.xlsx can be used"):
        check(book(a=rows_of(table)))
    notes = read_excel(book(a=rows_of(table)), None).notes
    assert any("'category', 'lat' hold formulas that were never reckoned" in n for n in notes)


def test_errors_of_formulas_say_nothing(crimes, book):
    rows = rows_of(crimes())
    rows[3][3] = "#N/A"
    rows[4][4] = "#REF!"
    assert dict(check(book(a=rows)).dropped) == {"no geometry": 2}


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "<script>alert(1)</script>", "\u202ex" * 9])
def test_hostile_text_does_not_come_along(crimes, book, text):
    rows = rows_of(crimes())
    path = book(a=rows)
    made = openpyxl.load_workbook(path)
    sheet = made["a"]
    for number, cell in enumerate(["secret", *[text] * 25], start=1):
        sheet.cell(number, 6, cell).data_type = "s"
    sheet["C3"].value = text
    sheet["C3"].data_type = "s"
    sheet["C3"].comment = openpyxl.comments.Comment(text, "x")
    sheet.column_dimensions["F"].hidden = True
    made.save(path)
    report = check(path)
    assert report.kept == 25
    assert text not in report.events.to_csv() + report.summary()


def test_a_wrong_extent_hides_no_rows(crimes, book):
    """Some programs write that a sheet is A1:A1 large."""
    path = book(a=rows_of(crimes()))
    text = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(text, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                assert b'<dimension ref="A1:E26"' in data
                data = data.replace(b'<dimension ref="A1:E26"', b'<dimension ref="A1:A1"')
            new.writestr(name, data)
    path.write_bytes(text.getvalue())
    assert check(path).kept == 25


def test_a_sheet_without_a_header_is_named_by_place(book):
    path = book(a=[[dt.datetime(2024, 5, 1, 10), 76.9, 43.2], ["2024-05-02 11:00", 76.9, 43.3]])
    report = check(path, columns={"date": "column 1", "lon": "column 2", "lat": "column 3"})
    assert report.kept == 2
    source = read_excel(path, None, header=["when", "lon", "lat"])
    assert list(source.table.columns) == ["when", "lon", "lat"]


@pytest.mark.parametrize("spoil", [lambda d: d[:200], lambda d: d[: len(d) // 2]])
def test_a_spoilt_file_is_an_error(crimes, book, spoil):
    path = book(a=rows_of(crimes()))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SourceFormatError, match="cut short"):
        check(path)


@pytest.mark.parametrize("lost", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "Content_Types"])
def test_a_file_that_lacks_a_part_or_holds_bombs_is_an_error(crimes, book, lost):
    path = book(a=rows_of(crimes()))
    bomb = (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
            + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"&a;" * 10)
                       for n in range(12)) + b"]><x>&a11;</x>")  # fmt: skip
    for cure in (None, bomb):
        text = io.BytesIO()
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(text, "w") as new:
            for name in old.namelist():
                if lost not in name:
                    new.writestr(name, old.read(name))
                elif cure is not None:
                    new.writestr(name, cure)
        spoilt = path.with_name("b.xlsx")
        spoilt.write_bytes(text.getvalue())
        with pytest.raises(SourceFormatError, match=r"b\.xlsx"):
            check(spoilt)
