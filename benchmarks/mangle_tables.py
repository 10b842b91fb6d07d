"""Small tables of events as they are drawn at random, and spoilt: cells, columns, rows."""

import datetime as dt
import random
from collections.abc import Callable
from typing import Any

Row = list[Any]
Cell = Callable[[random.Random, dt.datetime, int], Any]

# Cells that a table of events should not have, but one day has.
NASTY: tuple[Any, ...] = (
    None, "", " ", "-", "nan", "NaN", "null", "NULL", "#REF!", "n/a", "\x00", "a\x00b", "\ufeff",
    "\u202eexe", "\ud800", "\x1b[31m", "😀" * 9, "é" * 300, "=1+1", "@SUM(A1)", '"', '""', "'",
    "a\nb", "a\r\nb", "a,b;c\td", "<script>alert(1)</script>", "../../etc/passwd", "%s%n", "{}",
    0, -0.0, 1, -1, 0.5, 1e308, -1e308, 1e-320, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64,
    10**40,
    "1e309", "-1e309", "inf", "-inf", "9" * 400, "1" + "0" * 5000, "0x1F", "1_000", "١٢٣", "1,5",
    "1.234.567,89", "76,9;43,2", "76.9 E", "43°15'N", float("nan"), float("inf"), float("-inf"),
    True, False, "31.02.2020", "00.00.0000", "99.99.9999", "2020-13-45", "0000-00-00 00:00",
    "2020-01-01T25:61:61", "2020-02-30T00:00:00Z", "2020-01-01T00:00:00+99:99", "9999-12-31 23:59",
    "0001-01-01", "-2020-01-01", "1/2/3", "01/02/20", "20200101", "202001", "24:00", "99:99",
    "12:60 PM", "00:00", "1581193800000", 1581193800000, -1581193800000, 1e20, 43861, 43861.9,
    "Jan 5 2020", "вчера", "ст.188 ч.3", "ст.99999 ч.99", "188-бап 2-бөлік", "1880", 1880, "ст.",
    "POINT (76.9 43.2)",
)  # fmt: skip


def draw_table(rng: random.Random) -> tuple[list[str], list[Row]]:
    """Draw a sound table of events, then spoil it now and then."""
    columns = rng.choice(SHAPES)
    start = dt.datetime(2020, 1, 1) + dt.timedelta(hours=rng.randrange(20_000))
    rows = [
        [cell(rng, start + dt.timedelta(hours=7 * n), n) for cell in columns.values()]
        for n in range(rng.choice((1, 2, 3, 8, 8, 20, 30)))
    ]
    names = list(columns)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        rng.choice(SPOILERS)(rng, names, rows)
    return names, rows


def _date(form: str) -> Cell:
    return lambda rng, moment, n: moment.strftime(form)


def _epoch(rng: random.Random, moment: dt.datetime, n: int) -> int:
    return int(moment.replace(tzinfo=dt.UTC).timestamp() * 1000)


def _one_of(*values: Any) -> Cell:
    return lambda rng, moment, n: rng.choice(values)


def _near(centre: float, spread: float = 0.05, form: str = "{:.6f}") -> Cell:
    def cell(rng: random.Random, moment: dt.datetime, n: int) -> Any:
        value = rng.uniform(centre - spread, centre + spread)
        return form.format(value).replace(".", ",") if form == "{:.5f}" else round(value, 6)

    return cell


def _number(rng: random.Random, moment: dt.datetime, n: int) -> int:
    return n + 1


SHAPES: tuple[dict[str, Cell], ...] = (
    {"id": _number, "date": _date("%Y-%m-%d %H:%M"), "category": _one_of("Theft", "Robbery"),
     "lon": _near(76.9), "lat": _near(43.25)},
    {"OBJECTID": _number, "YR": _one_of(2020), "PERIOD": _one_of(1, 2, 12),
     "CRIME_CODE": _one_of("1880", "1411"), "TIME_PERIOD": _one_of(1, 2, 3),
     "HARD_CODE": _one_of("1", "2"), "UD": _one_of("12345"), "DAT_SOVER": _epoch,
     "STAT": _one_of("ст.188 ч.3", "ст.191 ч.1"), "DAT_SOVER_STR": _date("%d.%m.%Y %H:%M"),
     "DAT_VOZB_STR": _date("%d.%m.%Y"), "TRANSGRESSION": _one_of("5", "6"),
     "FE1R29P1_ID": _one_of("001", "103"), "x": _near(220_000, 9e3), "y": _near(4_799_000, 9e3)},
    {"Дата": _date("%d.%m.%Y"), "Время": _date("%H:%M"), "Статья": _one_of("ст.188 ч.3", "кража"),
     "долгота": _near(76.9, form="{:.5f}"), "широта": _near(43.25, form="{:.5f}")},
    {"rta_date": _epoch, "fd1r05p1": _date("%H:%M"), "fd1r13p1": _one_of(0, 1, 2),
     "fd1r13p2": _one_of(0, 1), "rta_type": _one_of(0, 1, 2), "lon": _near(76.9),
     "lat": _near(43.25)},
    {"uid": _number, "offense_type": _one_of("motor vehicle theft"),
     "date_start": _date("%Y-%m-%d %H:%M:%S"), "date_end": _date("%Y-%m-%d"),
     "longitude": _near(-73.9), "latitude": _near(40.7)},
    {"year": _one_of(2019, 2020), "month": _one_of(1, 2, 3), "type": _one_of("Burglary"),
     "x_coordinate": _near(7_650_000, 9e3), "y_coordinate": _near(680_000, 9e3)},
    {"Month": _date("%Y-%m"), "Crime type": _one_of("Burglary"), "Longitude": _near(-0.1),
     "Latitude": _near(51.5)},
    {"Dates": _date("%m/%d/%y"), "Offense": _one_of("ROBBERY"), "X": _near(-122.4),
     "Y": _near(37.77)},
)  # fmt: skip


RENAMED = (
    "lon", "lat", "x", "y", "date", "time", "id", "category", "geometry", "fid", "index",
    "event_id", "registered", "harm", "severity", "killed", "year", "month", "a\nb",
)  # fmt: skip


def _nasty(rng: random.Random) -> Any:
    return rng.choice(NASTY)


def _spoil_cells(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    for _ in range(rng.choice((1, 3, len(rows)))):
        row = rng.choice(rows)
        if row:
            row[rng.randrange(len(row))] = _nasty(rng)


def _spoil_column(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    at, same = rng.randrange(len(names)), rng.random() < 0.5
    value = _nasty(rng)
    for row in rows:
        if at < len(row):
            row[at] = value if same else _nasty(rng)


def _swap_columns(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    one, other = rng.randrange(len(names)), rng.randrange(len(names))
    names[one], names[other] = names[other], names[one]


def _drop_column(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    if len(names) > 1:
        at = rng.randrange(len(names))
        for row in (names, *rows):
            del row[at : at + 1]


def _rename_column(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    new = rng.choice((*RENAMED, str(_nasty(rng))))
    names[rng.randrange(len(names))] = new


def _add_column(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    names.append(rng.choice(("date", "lon", "harm", "comment", "registered", "killed", "severity")))
    for row in rows:
        row.append(_nasty(rng))


def _ragged(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    row = rng.choice(rows)
    row[:] = row[: rng.randrange(len(row) + 1)] if rng.random() < 0.5 else row * rng.choice((2, 9))


def _repeat_rows(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    rows.extend([list(rng.choice(rows)) for _ in range(rng.choice((1, 10)))])


def _no_rows(rng: random.Random, names: list[str], rows: list[Row]) -> None:
    if rng.random() < 0.2:
        rows[1:] = []
        rows[0][:] = []


SPOILERS = (
    *(_spoil_cells,) * 5, _spoil_column, _spoil_column, _swap_columns, _drop_column, _rename_column,
    _add_column, _ragged, _repeat_rows, _no_rows,
)  # fmt: skip
