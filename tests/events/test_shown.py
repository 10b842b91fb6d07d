"""What people wrote about people never leaves through a message, a report or an id."""

import logging
import warnings

import numpy as np
import pandas as pd
import pytest

from patrolmap.errors import PatrolmapError
from patrolmap.events import check_events, read_events
from patrolmap.events._shown import shown

ALMATY = "Asia/Almaty"
SECRET = "Иванов Иван 85011"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("32.13.2024 20:30", "32.13.2024 20:30"), ("2024-02-30T25:00Z", "2024-02-30T25:00Z"),
        ("8:75 p.m.", "8:75 p.m."), ("31 ноября 2024 г.", "31 ноября 2024 г."),
        ("76°56'12\"E", "76°56'12\"E"), ("43,25 с.ш.", "43,25 с.ш."), (-1.5, "-1.5"),
        (None, "nothing"), ("76.9453123456789", "76.9453123456789"),
        (SECRET, "text of 17 letters"), ("x" * 900, "text of 900 letters"),
        ("q", "text of 1 letter"),
        ("850115300123", "number of 12 digits"), ("850115 300123", "number of 12 digits"),
        ("+7 (701) 123-45-67", "number of 11 digits"), (247510000030000, "number of 15 digits"),
    ],
)  # fmt: skip
def test_a_cell_is_shown_only_if_it_holds_a_number_or_a_date(cell, text):
    assert shown(cell) == text


def shifted(rows=30):
    """Return good rows, some with a person where a date or a coordinate should be."""
    table = pd.DataFrame({
        "id": np.arange(rows), "дата": [f"{1 + day % 28:02d}.05.2024 12:30" for day in range(rows)],
        "категория": "Кража", "долгота": (76.9 + np.arange(rows) / 1000).astype(str),
        "широта": "43.25", "resolution": "open",
    })  # fmt: skip
    table.loc[1, "дата"] = SECRET
    table.loc[2, "долгота"] = SECRET
    table.loc[3, "дата"] = table.loc[4, "долгота"] = "850115300123"
    table.loc[5, "resolution"] = SECRET
    return table


def test_a_shifted_row_names_nobody_but_can_be_found(tmp_path, caplog):
    path = tmp_path / "crimes.csv"
    shifted().to_csv(path, index=False)
    preset = tmp_path / "mine.toml"
    preset.write_text('kind = "crime"\n[keep]\nresolution = ["open"]\n')
    options = {"preset": str(preset), "tz": ALMATY}
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        report = check_events(path, **options)
        read_events(path, **options)
    with pytest.raises(PatrolmapError) as error:
        read_events(path, **options, strict=True)
    report.save(tmp_path / "out")
    texts = [file.read_text("utf-8") for file in sorted((tmp_path / "out").iterdir())]
    texts += [caplog.text, str(error.value), *(str(one.message) for one in heard)]
    texts += [report.events.reset_index().to_csv()]
    assert len(heard) == 1
    assert not any(bit in text for text in texts for bit in ("Иван", "8501"))
    found = report.rejects.set_index("row")
    assert found.loc[2, ["reason", "given"]].tolist() == ["unreadable date", "text of 17 letters"]
    assert found.loc[3, "given"].startswith("text of 17 letters, 43.25")
    assert found.loc[4, "given"] == "number of 12 digits"
    assert found.loc[5, "given"].startswith("number of 12 digits")
    assert found.loc[6, "given"] == "text of 17 letters"


@pytest.mark.parametrize("columns", [{"time": "who"}, {"period": "who"}, {"registered": "who"},
                                     {"lon": "who"}, {"date": "who"}])  # fmt: skip
def test_a_column_named_wrongly_names_nobody(columns):
    table = shifted().drop(columns="долгота") if "lon" in columns else shifted()
    table["who"] = SECRET
    with pytest.raises(PatrolmapError) as error:
        read_events(table, kind="crime", tz=ALMATY, columns=columns)
    assert "Иван" not in str(error.value)


def test_times_without_a_zone_name_nobody():
    table = shifted().iloc[1:]
    with pytest.raises(PatrolmapError, match="state no zone") as error:
        read_events(table, kind="crime")
    assert "Иван" not in str(error.value) and "03.05.2024" in str(error.value)


@pytest.mark.parametrize("digits", [10, 11, 12, 15])
def test_numbers_that_could_be_a_person_or_a_case_are_hashed_as_ids(digits):
    table = shifted().iloc[6:].assign(id=10 ** (digits - 1) + np.arange(24))
    events = read_events(table, kind="crime", tz=ALMATY)
    plain = events.index.str.fullmatch(r"crime:\d+")
    assert plain.all() if digits < 11 else not plain.any()
    assert events.index.is_unique
    again = read_events(events, kind="crime", tz=ALMATY)
    assert again.index.equals(events.index)


def test_an_id_written_plain_by_an_older_version_is_hashed_on_reading_again():
    events = read_events(shifted().iloc[6:], kind="crime", tz=ALMATY)
    old = events.set_axis([f"crime:8501153{n:05d}" for n in range(24)]).rename_axis("event_id")
    assert not read_events(old, kind="crime", tz=ALMATY).index.str.contains("8501153").any()


@pytest.mark.parametrize("text", ["Иванов Иван Иванович", "Иванов", "Иванов5", "ул. Абая 5",
                                  "01.02.1990", "8501153", "Abay 5"])  # fmt: skip
def test_text_in_the_column_of_places_is_left_out_however_often_it_stands(text):
    report = check_events(shifted().iloc[6:].assign(place=text), kind="crime", tz=ALMATY)
    assert report.events["place"].isna().all()
    assert any("24 cells of 'place' are no codes and are left out" in n for n in report.notes)


@pytest.mark.parametrize("code", ["021", "7", "A-7", "П12", "12а", "3.1", "FE001"])
def test_codes_of_places_stay(code):
    events = read_events(shifted().iloc[6:].assign(place=code), kind="crime", tz=ALMATY)
    assert set(events["place"]) == {code}


def test_words_of_places_stay_where_the_preset_lists_them(tmp_path):
    preset = tmp_path / "mine.toml"
    preset.write_text('kind = "crime"\n[codes.place]\n"улица" = "001"\n"рынок" = "рынок"\n')
    table = shifted().iloc[6:9].assign(place=["Улица", "рынок", "Иванов"])
    events = read_events(table, preset=str(preset), tz=ALMATY)
    assert events["place"].fillna("-").tolist() == ["001", "рынок", "-"]


@pytest.mark.parametrize("options", [{"kind": "crime"}, {"kind": "crime", "columns": {"date": "a"}},
                                     {"preset": "chicago"}])  # fmt: skip
def test_a_file_without_a_header_does_not_name_its_first_row(tmp_path, options):
    path = tmp_path / "list.csv"
    path.write_text("".join(f"Иванов Иван,кража,дом,сумма {n}\n" for n in range(20)), "utf-8")
    with pytest.raises(PatrolmapError, match=r"4 columns of unknown names \(not shown") as error:
        check_events(path, tz=ALMATY, **options)
    assert "Иван" not in str(error.value) and "сумма" not in str(error.value)


def test_a_header_with_a_known_name_is_shown_whole():
    with pytest.raises(PatrolmapError, match=r"it has 'date', 'Кто', 'Где'"):
        check_events(pd.DataFrame({"date": ["2024-05-01"], "Кто": "", "Где": ""}), kind="crime",
                     tz=ALMATY)  # fmt: skip
