"""A roster as offices keep it becomes shifts; what cannot be used is told by row and column."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import OptionError, RejectedRowsWarning, SchemaError, SourceNotFoundError
from patrolmap.patrol import MaxIterations, Shift, check_shifts, plan_patrols, read_shifts
from towns import grid_town, lonlat

TZ = "Asia/Almaty"
DAY = "2026-11-22"
HERE = "43.27, 76.85"


@pytest.fixture
def places() -> gpd.GeoDataFrame:
    """Two posts, a school that bears the name of one of them, and two bars of one name."""
    rows = [
        ("node/1", "police", "Опорный пункт полиции №5", None, 76.85, 43.27),
        ("node/2", "police", "Алатау", "Алатау ауданы", 76.90, 43.25),
        ("node/3", "school", "Алатау", None, 76.95, 43.20),
        ("node/4", "bar", "Bar", None, 76.86, 43.26),
        ("node/5", "bar", "Bar", None, 76.94, 43.24),
    ]
    table = pd.DataFrame(rows, columns=["place_id", "kind", "name", "name_kk", "lon", "lat"])
    points = gpd.points_from_xy(table.pop("lon"), table.pop("lat"))
    return gpd.GeoDataFrame(table.set_index("place_id"), geometry=points, crs=4326).to_crs(32643)


def roster(**columns: Any) -> pd.DataFrame:
    base: dict[str, Any] = {"depot": HERE, "start": "20:00", "duration": "6h"}
    table = base | columns
    size = max((len(v) for v in table.values() if isinstance(v, list)), default=1)
    return pd.DataFrame({k: v if isinstance(v, list) else [v] * size for k, v in table.items()})


def read(table: pd.DataFrame, **options: Any) -> list[Shift]:
    return read_shifts(table, **({"tz": TZ, "date": DAY} | options))


def one(**columns: Any) -> Shift:
    (shift,) = read(roster(**columns))
    return shift


def fault(**columns: Any) -> tuple[str, str, str]:
    """Return column, given, wanted of the only bad row, beside a good one."""
    good = roster()
    bad = roster(**columns)
    report = check_shifts(pd.concat([good, bad], ignore_index=True), tz=TZ, date=DAY)
    assert (report.rows, report.kept) == (2, 1)
    (reject,) = report.rejects.itertuples()
    assert reject.row == 2
    return reject.column, reject.given, reject.wanted


@pytest.mark.parametrize(
    "names",
    [
        ("Crew", "Service", "Mode", "Date", "Start", "End", "Depot", "Handover place"),
        ("№ наряда", "Служба", "Вид наряда", "Дата", "Начало смены", "Окончание", "Пост",
         "Место сдачи"),
        ("Жасақ", "Қызмет", "Түрі", "Күні", "Басталуы", "Аяқталуы", "Бекет", "Тапсыру орны"),
    ],
    ids=["en", "ru", "kk"],
)  # fmt: skip
def test_headers_in_english_russian_and_kazakh_are_understood(names: tuple[str, ...]) -> None:
    row = ["7", "Нацгвардия", "пеший", "22.11.2026", "20:00", "02:00", "Алатау (43.27, 76.85)",
           "Самал (43.28, 76.86)"]  # fmt: skip
    (shift,) = read_shifts(pd.DataFrame([row], columns=list(names)), tz=TZ)
    assert shift.name == "7"
    assert (shift.service, shift.mode, shift.duration) == ("national_guard", "walk", "6h")
    assert shift.start.isoformat() == "2026-11-22T20:00:00+05:00"
    assert shift.depot.name == "Алатау"
    assert shift.end_depot is not None
    assert (shift.end_depot.name, shift.end_depot.lat) == ("Самал", 43.28)


@pytest.mark.parametrize(
    ("cell", "hours"),
    [("20:00-02:00", 6), ("20.00 – 02.00", 6), ("с 20:00 до 08:00", 12), ("20-02", 6),
     ("08:00-08:00", 24), ("22.11.2026 20:00 - 23.11.2026 04:30", 8.5)],
)  # fmt: skip
def test_a_span_of_clock_times_may_pass_midnight(cell: str, hours: float) -> None:
    (shift,) = read(pd.DataFrame({"Пост": [HERE], "Время смены": [cell]}))
    assert shift.seconds == hours * 3600
    assert shift.start.date() == date(2026, 11, 22)


def test_a_span_may_stand_in_the_column_of_starts() -> None:
    (shift,) = read(pd.DataFrame({"Пост": [HERE], "Начало": ["20:00-02:00"]}))
    assert shift.end.isoformat() == "2026-11-23T02:00:00+05:00"


def test_clock_times_take_the_date_of_their_row_before_the_one_asked_for() -> None:
    shifts = read(roster(date=["24.11.2026", None], crew=["a", "b"]))
    assert [shift.start.day for shift in shifts] == [24, 22]


def test_a_start_may_state_date_and_zone_itself() -> None:
    (shift,) = read_shifts(roster(start="2026-11-22T20:00+05:00"))
    assert shift.start == pd.Timestamp("2026-11-22 15:00Z")


def test_an_end_and_a_duration_that_contradict_each_other_are_told() -> None:
    assert one(end="02:00").duration == "6h"
    column, _, wanted = fault(end="04:00")
    assert column == "duration"
    assert "end says 8 h, duration says 6 h" in wanted


def test_a_place_is_found_by_any_of_its_names(places: gpd.GeoDataFrame) -> None:
    depots = ["опорный пункт полиции № 5", "АЛАТАУ", "Алатау ауданы"]
    shifts = read(roster(depot=depots), places=places)
    assert [round(shift.depot.lon, 3) for shift in shifts] == [76.85, 76.90, 76.90]


def test_a_name_that_no_place_bears_lists_those_near_it(places: gpd.GeoDataFrame) -> None:
    report = check_shifts(roster(depot=[HERE, "Опорный пункт 5"]), places=places, tz=TZ, date=DAY)
    (wanted,) = report.rejects["wanted"]
    assert "near names: 'Опорный пункт полиции №5'" in wanted


def test_a_name_of_two_places_apart_asks_for_coordinates(places: gpd.GeoDataFrame) -> None:
    report = check_shifts(roster(depot=[HERE, "Bar"]), places=places, tz=TZ, date=DAY)
    assert "2 have this name (node/4, node/5)" in report.rejects["wanted"].iloc[0]


def test_swapped_coordinates_are_told_where_places_are_known(places: gpd.GeoDataFrame) -> None:
    report = check_shifts(roster(depot=[HERE, "76.85, 43.27"]), places=places, tz=TZ, date=DAY)
    assert "these look like longitude, latitude" in report.rejects["wanted"].iloc[0]


def test_a_depot_named_in_one_row_is_known_in_the_others() -> None:
    table = roster(depot=["Пост 5", "пост №5 (43.27, 76.85)"], end_depot=["Пост №5", None])
    (shift,) = read(table)
    assert shift.crews == 2
    assert shift.end_depot is None  # the depot itself


def test_one_name_for_two_places_is_told() -> None:
    table = roster(depot=["A (43.27, 76.85)", "A (43.30, 76.85)"])
    report = check_shifts(table, tz=TZ, date=DAY)
    assert report.said() == [
        "row 2: depot is A at 43.3, 76.85; wanted one place a name; it stands at 43.27, 76.85 "
        "elsewhere"
    ]


def test_latitude_and_longitude_may_be_columns_of_their_own() -> None:
    shift = one(depot="Пост 5", lat=43.27, lon=76.85)
    assert (shift.depot.name, shift.depot.lat, shift.depot.lon) == ("Пост 5", 43.27, 76.85)


@pytest.mark.parametrize(
    ("columns", "column", "wanted"),
    [
        ({"start": "25:00"}, "start", "a clock time"),
        ({"start": ""}, "start", "when the shift starts"),
        ({"duration": "soon"}, "duration", "a duration up to 24 hours"),
        ({"duration": None}, "start", "an end beside it, or a duration"),
        ({"duration": "40h"}, "duration", "a duration up to 24 hours"),
        ({"depot": None}, "depot", "a place"),
        ({"depot": "the old mill"}, "depot", "places= to look the name up in"),
        ({"depot": "95.27, 76.85"}, "depot", "latitude, longitude in degrees"),
        ({"mode": "на коне"}, "mode", "on foot or by car"),
        ({"crews": "2.5"}, "crews", "a whole number of crews"),
        ({"crews": 0}, "crews", "a whole number of crews"),
        ({"rules": "lazy"}, "rules", "a preset: car, foot_day, foot_night"),
        ({"date": "the day after"}, "date", "a date"),
        ({"crew": "=cmd|'/c calc'!A1"}, "crew", "begins as a formula does"),
        ({"depot": "=1+1 (43.27, 76.85)"}, "depot", "begins as a formula does"),
    ],
)
def test_a_bad_cell_is_told_by_row_and_column_and_the_rest_is_kept(
    columns: dict[str, Any], column: str, wanted: str
) -> None:
    said = fault(**columns)
    assert said[0] == column
    assert wanted in said[2]


def test_hostile_text_loses_what_a_terminal_obeys() -> None:
    assert one(crew="n\x1b[2J1\u202e").name == "n [2J1"


def test_a_clock_that_is_skipped_in_spring_is_told() -> None:
    table = roster(start=["02:30", "20:00"], crew=["a", "b"])
    report = check_shifts(table, tz="Europe/Berlin", date="2026-03-29")
    assert "the clock of Europe/Berlin skips it" in report.rejects["wanted"].iloc[0]


def test_bad_rows_are_warned_of_once_and_strict_raises() -> None:
    table = roster(crews=[1, "many"])
    with pytest.warns(RejectedRowsWarning, match=r"1 of 2 rows .*row 2: crews is many"):
        assert len(read(table)) == 1
    with pytest.raises(SchemaError, match="read with strict=False"):
        read(table, strict=True)


def test_like_rows_become_crews_and_labels_stay_shifts_of_their_own() -> None:
    (shift,) = read(roster(crews=[2, 1, None]))
    assert (shift.name, shift.crews) == (f"{HERE} 20:00", 4)
    names = [shift.name for shift in read(roster(crew=[1, 2, "3"]))]
    assert names == ["1", "2", "3"]


def test_names_that_clash_get_depot_or_day() -> None:
    shifts = read(
        roster(
            crew=["1", "1", "1"],
            date=["22.11.2026", "22.11.2026", "23.11.2026"],
            depot=["A (43.27, 76.85)", "B (43.28, 76.85)", "B (43.28, 76.85)"],
        )
    )
    assert [shift.name for shift in shifts] == ["1 A", "1 B 22.11", "1 B 23.11"]


def test_a_crew_written_twice_is_told() -> None:
    report = check_shifts(roster(crew=["1", "1"]), tz=TZ, date=DAY)
    assert report.said() == ["row 2: crew is 1; wanted one row; row 1 says the same"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_csv_of_any_usual_make_is_read(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "наряды.csv"
    rows = [["Наряд", "Время", "Пост"], ["1-2", "20:00-02:00", f'"Алатау ({HERE})"']]
    path.write_text("\n".join(separator.join(row) for row in rows), encoding=encoding)
    (shift,) = read_shifts(path, tz=TZ, date=DAY)
    assert (shift.name, shift.depot.name, shift.duration) == ("1-2", "Алатау", "6h")


def test_excel_cells_of_every_type_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["РАССТАНОВКА НАРЯДОВ"])
    sheet.append(["№ наряда", "Дата", "Начало", "Продолжительность", "Кол-во нарядов", "Пост"])
    sheet.append([1, datetime(2026, 11, 22), time(20, 0), 6, 2, HERE])
    sheet.append([2, datetime(2026, 11, 23), time(8, 30), "8,5", 1, HERE])
    book.create_sheet("примечания").append(["нет"])
    path = tmp_path / "roster.xlsx"
    book.save(path)
    shifts = read_shifts(path, tz=TZ)
    assert [shift.name for shift in shifts] == ["1", "2"]
    assert [f"{shift.start:%d %H:%M}" for shift in shifts] == ["22 20:00", "23 08:30"]
    assert [(shift.duration, shift.crews) for shift in shifts] == [("6h", 2), ("510min", 1)]


def test_the_sheet_may_be_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, hour in (("день", "08:00"), ("ночь", "20:00")):
        sheet = book.create_sheet(title)
        sheet.append(["Пост", "Начало", "Длительность"])
        sheet.append([HERE, hour, "12 ч"])
    path = tmp_path / "roster.xlsx"
    book.save(path)
    (shift,) = read_shifts(path, tz=TZ, date=DAY, layer="ночь")
    assert shift.start.hour == 20
    with pytest.raises(SchemaError, match="say which with layer="):
        read_shifts(path, tz=TZ, date=DAY)


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        (roster(), {"date": None}, OptionError, "without a date; say its day with date="),
        (roster(), {"tz": None}, OptionError, "states no zone; say it with tz="),
        (roster(), {"tz": "Asia/Almati"}, OptionError, "Did you mean Asia/Almaty"),
        (roster(), {"date": "tonight-ish"}, OptionError, "date='tonight-ish' is no day"),
        (roster(), {"columns": {"boss": "x"}}, OptionError, "names the role 'boss'"),
        (roster(), {"columns": {"crew": "x"}}, SchemaError, "which the roster lacks"),
        (roster(), {"places": [1]}, SchemaError, "wanted what read_places returns"),
        (roster().drop(columns="depot"), {}, SchemaError, "no column says where crews start"),
        (roster().drop(columns="start"), {}, SchemaError, "no column says when shifts start"),
        (roster(depot="mill"), {}, SchemaError, "no row of the table can be used: row 1: depot"),
        (roster(start="03/04/2026 20:00"), {}, SchemaError, "Write dates as 2026-11-22"),
        ("absent.csv", {}, SourceNotFoundError, "is not there"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_roster_is_refused_with_the_mend(
    table: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(table, **options)


def test_a_roster_that_was_read_can_be_planned() -> None:
    town = grid_town(4, 4)
    lon, lat = lonlat(town, (0.0, 0.0))
    shifts = read(roster(depot=f"{lat:.6f}, {lon:.6f}", duration="30 мин", crews=2))
    risk = pd.Series(1.0, index=town.segments.index)
    plan = plan_patrols(town, risk, shifts, stop=MaxIterations(5))
    assert len(plan.routes) == 2


def test_the_report_says_what_was_read_and_what_was_not() -> None:
    report = check_shifts(roster(crews=[1, "x"], note="abc"), tz=TZ, date=DAY)
    text = report.summary()
    assert text.startswith("the table: 2 rows, 1 kept, 1 dropped; 1 shifts of 1 crews")
    assert "row 2: crews is x; wanted a whole number" in text
    assert "depot from 'depot'" in text
    assert "not used" in text
    assert repr(report) == "ShiftsReport('the table': 2 rows, 1 dropped)"


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([HERE, "A (43.27, 76.85)", "mill", "", "=1"]) | st.text(max_size=8),
            st.sampled_from(["20:00", "20:00-02:00", "24:00", "8"]) | st.text(max_size=8),
            st.sampled_from(["6h", "90 мин", "8,5", "0", None]) | st.text(max_size=6),
            st.sampled_from(["1", "2", None]) | st.text(max_size=4),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_every_row_becomes_a_shift_or_a_reject(rows: list[tuple[Any, ...]]) -> None:
    table = pd.DataFrame([(HERE, "20:00", "6h", "good"), *rows], dtype=object)
    table.columns = ["depot", "start", "duration", "crew"]
    try:
        report = check_shifts(table, tz=TZ, date=DAY)
    except SchemaError as error:
        assert "Write dates as" in str(error)
        return
    assert report.kept + len(report.rejects) == report.rows == len(table)
    assert report.rejects["row"].is_monotonic_increasing
    assert len({shift.name for shift in report.shifts}) == len(report.shifts)
    assert 1 <= len(report.shifts) <= report.kept
