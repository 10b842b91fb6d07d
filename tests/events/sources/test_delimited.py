"""Delimited text in every dress: what was written is what is read, and what was found is said."""

import csv
import gzip
import io
import random

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from patrolmap.errors import SourceFormatError
from patrolmap.events import check_events
from patrolmap.events.sources import delimited
from patrolmap.events.sources import encoding as encodings
from patrolmap.events.sources.delimited import read_csv

FEW = settings(max_examples=60, deadline=None,
               suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
TITLES = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16", "cp1251": "Windows-1251",
}  # fmt: skip
RUSSIAN = "Кража имущества, совершённая ночью на улице возле дома, разбой. ГРАБЕЖ"
KAZAKH = "Түнгі уақытта көшеде жасалған ұрлық пен тонау, Қылмыстық құқық бұзушылық, ӘЙЕЛДЕР"


def check(path, **options):
    return check_events(path, **({"kind": "crime", "tz": "Asia/Almaty"} | options))


def written(tmp_path, text, encoding="utf-8", name="a.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def notes(path):
    return " | ".join(read_csv(path, path.name).notes)


# Any text where the encoding is stated or sure, words where it is told by its letters.
MARKS = [" ", ",", ";", "\t", "|", "\n", '"', "\u00a0", "№", "7"]
letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cn", "Zl", "Zp"))
anything = st.text(st.one_of(letters, st.sampled_from(MARKS)), max_size=12)
words = st.lists(st.sampled_from(["Кража", "улица", "ТОЛЕ БИ", *MARKS]), max_size=5).map("".join)
dressed = st.one_of(
    *(
        st.tuples(encodings, st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=6))
        for encodings, cell in (
            (st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]), anything),
            (st.sampled_from(["cp1251", "utf-16-le", "utf-16-be"]), words),
        )
    )
)


@FEW
@given(
    dressed=dressed,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ends=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.booleans(),
)
def test_what_is_written_is_what_is_read(tmp_path, dressed, separator, quoting, ends, last):
    """Whatever the cells hold: separators, quotes, line breaks, letters of any alphabet."""
    encoding, rows = dressed
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if ends == "\r" else quoting  # csv leaves a bare \n unquoted there
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=ends)
    # The header tells the encoding: a language that the file is full of.
    writer.writerows([("Дата происшествия", "улица", "квартира"), *rows])
    whole = text.getvalue() if last else text.getvalue().removesuffix(ends)
    path = written(tmp_path, whole, encoding)
    source = read_csv(path, path.name)
    assert list(source.table.columns) == ["Дата происшествия", "улица", "квартира"]
    assert source.table.to_numpy().tolist() == [list(row) for row in rows]
    assert source.rows.tolist() == list(range(1, len(rows) + 1))
    assert len(source.broken) == 0
    assert source.notes[0].startswith(f"text in {TITLES[encoding]}, cells separated by")
    broken = any("\n" in cell for row in rows for cell in row)
    assert any("line breaks" in note for note in source.notes) == broken


@FEW
@given(
    numbers=st.lists(
        st.floats(-1e7, 1e7, allow_subnormal=False).map(lambda x: round(x, 6)),
        min_size=1, max_size=8,
    ),
    separator=st.sampled_from([";", "\t", "|", ","]),
    grouped=st.sampled_from(["", " ", "\u00a0"]),
    decimal=st.sampled_from([",", "."]),
    encoding=st.sampled_from(["utf-8", "utf-16", "cp1251"]),
)  # fmt: skip
def test_numbers_come_back_with_decimal_comma_and_grouped_thousands(
    tmp_path, numbers, separator, grouped, decimal, encoding
):
    from patrolmap.events._text import as_numbers

    def number(value):
        return f"{value:,.6f}".replace(",", "G").replace(".", decimal).replace("G", grouped)

    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([("Дата", "широта"), *(("x", number(value)) for value in numbers)])
    path = written(tmp_path, text.getvalue(), encoding)
    source = read_csv(path, path.name)
    assert as_numbers(source.table["широта"]).tolist() == pytest.approx(numbers, abs=1e-9)
    assert any("decimal comma in 'широта'" in note for note in source.notes) == (decimal == ",")


@FEW
@example(seed=62367, block=100, encoding="utf-16")  # the first piece ended in a row's last comma
@given(
    seed=st.integers(0, 10**6), block=st.sampled_from([64, 100, 1000]),
    encoding=st.sampled_from(["utf-8", "cp1251", "utf-16"]),
)  # fmt: skip
def test_pieces_of_any_size_give_the_same_rows(tmp_path, seed, block, encoding):
    """Rows broken, quoted over lines and longer than a piece keep their numbers."""
    chance = random.Random(seed)
    row = ["Абая,1", '"дом\n5",x', "a,b,c", "", '"' + "ё\n" * 70 + '",y', "один"]
    text = "улица,дом\n" + "".join(f"{chance.choice(row)}\n" for _ in range(40)) + "к,1\n"
    path = written(tmp_path, text, encoding)
    whole = read_csv(path, path.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "BLOCK", block)
        patch.setattr(encodings, "PIECE", block // 3)
        pieces = read_csv(path, path.name)
    assert pieces.table.equals(whole.table)
    assert pieces.broken.equals(whole.broken)
    assert pieces.rows.tolist() == whole.rows.tolist()
    assert pieces.notes == whole.notes


@pytest.mark.parametrize("encoding", ["cp1251", "koi8_r", "cp866", "kz1048"])
@pytest.mark.parametrize("text", [RUSSIAN, RUSSIAN.upper(), RUSSIAN.lower()])
def test_old_cyrillic_encodings_are_told_apart(tmp_path, encoding, text):
    path = written(tmp_path, f"дата;текст\n01.05.2024;{text!r}\n", encoding)
    source = read_csv(path, path.name)
    assert list(source.table.columns) == ["дата", "текст"]
    assert source.table["текст"][0] == repr(text)


def test_kazakh_in_its_own_encoding_is_told(tmp_path):
    path = written(tmp_path, f"күні;мәтін\n01.05.2024;{KAZAKH!r}\n", "kz1048")
    source = read_csv(path, path.name)
    assert source.table["мәтін"][0] == repr(KAZAKH)
    assert source.notes[0].startswith("text in KZ-1048")


def test_accents_amid_latin_words_are_windows_1252(tmp_path):
    path = written(tmp_path, "date,arrondissement\n2024-05-01,Montréal-Nord\n", "cp1252")
    source = read_csv(path, path.name)
    assert source.table["arrondissement"][0] == "Montréal-Nord"
    assert source.notes[0].startswith("text in Windows-1252")


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8"])
def test_letters_that_come_late_are_decoded_too(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(delimited, "SAMPLE", 64)
    text = "date,type\n" + "2024-05-01,theft\n" * 400 + "2024-05-01,Кража чужого имущества\n"
    path = written(tmp_path, text, encoding)
    source = read_csv(path, path.name)
    assert source.table["type"].iloc[-1] == "Кража чужого имущества"
    assert source.notes[0].startswith(f"text in {TITLES[encoding]}")


def test_a_few_broken_characters_do_not_spoil_the_encoding(tmp_path):
    data = ("дата,вид\n" + "2024-05-01,Кража имущества\n" * 9).encode()
    path = tmp_path / "a.csv"
    path.write_bytes(data + b"2024-05-01,\xd0" + "ража\n".encode())
    source = read_csv(path, path.name)
    assert source.table["вид"].tolist()[0::9] == ["Кража имущества", "\ufffdража"]
    assert "1 broken characters are replaced by \ufffd" in source.notes


def test_utf_16_cut_in_the_middle_of_a_letter_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("дата,вид\n1,ab".encode("utf-16")[:-1])
    with pytest.raises(SourceFormatError, match="is not text in UTF-16 throughout"):
        read_csv(path, path.name)


def test_packed_text_reads_as_it_is(crimes, tmp_path):
    text = crimes().to_csv(index=False)
    plain = check(written(tmp_path, text))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text.encode("cp1251")))
    packed = check(path)
    assert packed.source == "a.csv.gz"
    assert packed.events.equals(plain.events)


@pytest.mark.parametrize(
    ("above", "separator"),
    [
        ("Отчёт за май 2024 года\n", ";"),
        ("Отчёт за январь, 2024\n\nГород: Алматы\n", ";"),
        ("sep=;\n", ";"),
        ("Отчёт;;;;\n;;;;\n", ";"),
        ("Report\n", ","),
    ],
)
def test_titles_above_the_header_are_left_out_and_said(crimes, tmp_path, above, separator):
    table = crimes()
    path = written(tmp_path, above + table.to_csv(index=False, sep=separator))
    report = check(path)
    assert report.kept == 25
    assert report.events.index.equals(check(table).events.index)
    assert any("of titles above the header" in n and "left out" in n for n in report.notes)


def test_a_row_that_numbers_the_columns_is_left_out(crimes, tmp_path):
    head, body = crimes().to_csv(index=False).split("\n", 1)
    report = check(written(tmp_path, f"{head}\n1,2,3,4,5\n{body}"))
    assert (report.rows, report.kept) == (25, 25)
    assert "a row that numbers the columns is left out" in report.notes


def test_rows_without_a_header_are_named_by_their_place(tmp_path):
    path = written(tmp_path, "2024-05-01,76.9,43.2,theft\n2024-05-02,76.91,43.21,robbery\n")
    roles = {"date": "column 1", "lon": "column 2", "lat": "column 3", "category": "column 4"}
    report = check(path, columns=roles)
    assert report.events["category"].tolist() == ["theft", "robbery"]
    assert any("no header line: columns are called 'column 1' to 'column 4'" in n
               for n in report.notes)  # fmt: skip
    source = read_csv(path, path.name, header=["day", "lon", "lat", "what"])
    assert list(source.table.columns) == ["day", "lon", "lat", "what"]
    other = read_csv(path, path.name, header=["day", "lon", "lat"])
    assert other.table.columns[0] == "column 1"


@pytest.mark.parametrize(
    ("header", "language"),
    [("Күні;Бойлық;Ендік;Санат", "Kazakh"), ("Дата;Долгота;Широта;Статья", "Russian"),
     ("Date;Longitude;Latitude;Type", "English")],
)  # fmt: skip
def test_headers_of_three_languages_read_and_the_language_is_said(tmp_path, header, language):
    path = written(tmp_path, header + "\n01.05.2024;76,9;43,2;ст.188 ч.1\n")
    report = check(path)
    assert report.kept == 1
    assert report.events["article"].tolist() == ["188-1"]
    assert f"column names in {language}" in report.notes
    assert any("decimal comma in" in note for note in report.notes)


def test_decimal_commas_and_quoted_line_breaks_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(
        'date;type;lon;lat\n01.05.2024;"petty\ntheft";76,91;43,25\n02.05.2024;Robbery;76,9;43,3\n'
    )
    report = check(path)
    assert report.kept == 2
    place = report.events.to_crs(4326).geometry.iloc[0]
    assert (place.x, place.y) == pytest.approx((76.91, 43.25))
    assert report.events["category"].tolist() == ["theft", "robbery"]
    assert any("3 lines make 2 rows: cells hold line breaks" in n for n in report.notes)


def test_headers_padded_or_standing_twice_read(tmp_path):
    path = written(tmp_path, ' Date ,"  Lon",lat  ,note,note\n2024-05-01,76.9,43.2,a,b\n')
    assert check(path).kept == 1


def test_a_quote_left_open_is_said(tmp_path):
    rows = "".join(f"2024-05-{day:02d},76.9,43.2,x\n" for day in range(1, 10))
    text = 'date,lon,lat,type\n2024-04-30,76.9,43.2,y\n2024-04-29,76.9,43.2,"left\n' + rows
    report = check(written(tmp_path, text))
    assert any("a quote is left open" in note for note in report.notes)


def test_a_quote_left_open_in_the_first_cell_is_counted_and_said(tmp_path):
    rows = "".join(f"2024-05-{day:02d},76.9,43.2,x\n" for day in range(1, 10))
    text = 'date,lon,lat,type\n2024-04-30,76.9,43.2,y\n"2024-04-29,76.9,43.2,left\n' + rows
    report = check(written(tmp_path, text))
    assert dict(report.dropped) == {"broken line": 1}
    assert any("11 lines make 2 rows" in note and "a quote is left open" in note
               for note in report.notes)  # fmt: skip


def test_a_cell_longer_than_a_block_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 1 << 12)
    long = "ё" * 20_000
    path = written(tmp_path, f"date,lon,lat,note\n2024-05-01,76.9,43.2,{long}\n")
    assert read_csv(path, path.name).table["note"][0] == long


def test_blank_lines_make_no_rows_and_no_note(tmp_path):
    path = written(tmp_path, "date,lon,lat\n\n2024-05-01,76.9,43.2\n\n\n2024-05-02,76.9,43.2\n\n")
    assert check(path).rows == 2
    assert "lines make" not in notes(path)


def test_a_million_cells_are_not_held_twice(tmp_path):
    """What is decoded goes straight to the parser: Python never holds the text whole."""
    import tracemalloc

    line = "ст.188 ч.3;Кража чужого имущества;76,912345;43,251234\n"
    path = written(tmp_path, "статья;вид;долгота;широта\n" + line * 300_000, "cp1251")
    read_csv(path, path.name)
    tracemalloc.start()
    table = read_csv(path, path.name).table
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(table) == 300_000
    assert peak < 20e6 < 1.3 * path.stat().st_size


def test_a_table_of_text_only_is_read_as_text(tmp_path):
    path = written(tmp_path, "a,b\n1,NULL\n,x\n")
    assert read_csv(path, path.name).table.to_dict("list") == {"a": ["1", ""], "b": ["NULL", "x"]}
    assert all(isinstance(t, pd.StringDtype) for t in read_csv(path, "a").table.dtypes)


@pytest.mark.parametrize("sep", [";", ","])
def test_a_separator_at_the_end_of_rows_alone_is_no_column_and_is_said(tmp_path, sep):
    rows = [["id", "date", "type", "lon", "lat"]] + [
        [str(n), f"{n + 1:02d}.05.2024 12:30", "Theft", f"76.9{n}", "43.25"] for n in range(9)
    ]
    text = sep.join(rows[0]) + "\n" + "".join(sep.join(row) + sep + "\n" for row in rows[1:])
    report = check(written(tmp_path, text))
    assert report.kept == 9
    assert "9 rows end in a separator that the header lacks: left out" in report.notes
    more = "".join(sep.join(row) + sep + "\n" for row in rows[1:] * 5)
    odd = more + sep.join(rows[1]) + sep + "more\n" + sep.join(rows[1]) + "\n"
    source = read_csv(written(tmp_path, sep.join(rows[0]) + "\n" + odd), "a.csv")
    assert source.table.columns.tolist() == rows[0] and len(source.table) == 45
    assert source.broken["row"].tolist() == [46, 47]
    assert source.broken["given"].tolist() == ["6 cells", "5 cells"]
    assert set(source.broken["wanted"]) == {"5 cells"} and source.rows[-1] == 45


def test_a_packed_file_that_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "LEAST", 1 << 20)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"date,lon,lat\n" + b"2024-05-01,76.9,43.2\n" * 400_000))
    with pytest.raises(SourceFormatError, match=r"a\.csv\.gz unpacks to more than 200 times"):
        check(path)
