"""Sheets of an Excel file as tables: the sheet and its header are found, formulas are not run."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd

from patrolmap.errors import OptionError, SchemaError, SourceFormatError
from patrolmap.events._columns import headers, listing
from patrolmap.events._text import short
from patrolmap.events.sources.header import (
    LOOK,
    find_header,
    is_numbering,
    name_columns,
    no_header_note,
)
from patrolmap.events.sources.source import Source

FAULTS = frozenset(
    ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA")
)
MOST_BYTES = 1 << 32  # of a sheet, unpacked: more is no export of events but a trap
UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, IndexError,
              AttributeError, ParseError, OSError, NotImplementedError, RuntimeError)  # fmt: skip

Row = tuple[Any, ...]


def read_excel(path: Path, layer: str | None, *, header: Sequence[str] | None = None) -> Source:
    """Read the sheet that is asked for, or the only visible one that holds a table.

    Titles above the header are skipped. Formulas give the values that were saved with them.

    Parameters
    ----------
    path
        An .xlsx or .xlsm file; macros are not run.
    layer
        Name of the sheet.
    header
        Names of the columns of a sheet without a header; used if it has as many.

    Raises
    ------
    SourceFormatError
        If it is no sound Excel file, or holds no table.
    OptionError, SchemaError
        If there is no such sheet, or several hold tables and none is named.
    """
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _check_size(path)
        return _read(path, layer, header)
    except (*UNREADABLE, InvalidFileException) as error:
        if isinstance(error, OptionError | SchemaError | SourceFormatError):
            raise
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {type(error).__name__}: "
            f"{short(error, most=100)}. Open it in Excel and save it again."
        ) from error


def _read(path: Path, layer: str | None, header: Sequence[str] | None) -> Source:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with _book(path, values=True) as book:
            sheets = {sheet.title: sheet for sheet in book.worksheets}
            if layer is not None and layer not in sheets:
                raise OptionError(
                    f"layer={layer!r} is not in {path.name}; it has {listing(sheets)}."
                )
            title = layer or _pick_sheet(sheets, path.name)
            source = _read_sheet(sheets[title], path.name, header)
        notes = _uncounted(path, title, source.table)
    notes += list(dict.fromkeys(f"openpyxl says: {short(w.message, most=120)}" for w in said))[:3]
    return replace(source, notes=(*source.notes, *notes))


@contextmanager
def _book(path: Path, *, values: bool) -> Iterator[Any]:
    """Open a file with the values of its formulas, or with the formulas."""
    from openpyxl import load_workbook

    with path.open("rb") as file:
        book = load_workbook(file, read_only=True, data_only=values, keep_links=False)
        try:
            yield book
        finally:
            book.close()


def _pick_sheet(sheets: dict[str, Any], name: str) -> str:
    """Return the only visible sheet with a table."""
    tables = [
        title for title, sheet in sheets.items()
        if sheet.sheet_state == "visible" and _top(sheet) is not None
    ]  # fmt: skip
    if len(tables) > 1:
        raise SchemaError(
            f"{name} has tables in {len(tables)} sheets: {listing(tables)}; say which with layer=."
        )
    if not tables:
        hidden = [title for title, sheet in sheets.items() if sheet.sheet_state != "visible"]
        also = f" Hidden sheets are read by name only: {listing(hidden)}." if hidden else ""
        raise SourceFormatError(
            f"{name} holds no table: no sheet has a header with rows below it.{also}"
        )
    return tables[0]


def _top(sheet: Any) -> tuple[int, list[str]] | None:
    """Return where the header stands in a sheet and its cells, None where there is no table."""
    sheet.reset_dimensions()  # some programs write a wrong extent, which hides rows
    rows = [[_text(cell) for cell in row] for row in
            sheet.iter_rows(max_row=LOOK, values_only=True)]  # fmt: skip
    at = find_header(rows)
    if at is None or sum(bool(cell) for cell in rows[at]) < 2:
        return None
    alone = not any(any(row) for row in rows[at + 1 :])
    _, named = name_columns(rows[at], None)
    return None if alone and named else (at, rows[at])


def _read_sheet(sheet: Any, name: str, header: Sequence[str] | None) -> Source:
    found = _top(sheet)
    if found is None:
        raise SourceFormatError(
            f"the sheet {sheet.title!r} of {name} holds no table: no header with rows below it."
        )
    at, cells = found
    while cells and not cells[-1]:
        cells.pop()
    names, named = name_columns(cells, header)
    notes = [f"sheet {sheet.title!r}"]
    if not named:
        notes.append(no_header_note(names, header))
    elif at:
        above = "the title above it is" if at == 1 else f"{at} rows of titles above it are"
        notes.append(f"header in row {at + 1}: {above} left out")
    first = at + 1 if named else at
    body, rows = _body(sheet, first, len(names))
    if body and named and is_numbering([_text(cell) for cell in body[0]]):
        body, rows = body[1:], rows[1:]
        notes.append("a row that numbers the columns is left out")
    if not body:
        raise SourceFormatError(
            f"the sheet {sheet.title!r} of {name} has a header and no rows; its columns are "
            f"{headers(names)}."
        )
    table = pd.DataFrame(
        {column: _column([row[i] for row in body]) for i, column in enumerate(names)}
    )
    return Source(table=table, rows=np.array(rows, dtype=np.int64), name=name, notes=tuple(notes))


def _body(sheet: Any, first: int, width: int) -> tuple[list[Row], list[int]]:
    """Return the rows below the header that hold anything, and their numbers from there."""
    body, rows = [], []
    empty = (None,) * width
    for number, row in enumerate(sheet.iter_rows(min_row=first + 1, values_only=True), start=1):
        cells = (*row[:width], *empty[len(row) :])
        if cells != empty:
            body.append(cells)
            rows.append(number)
    return body, rows


def _column(values: list[Any]) -> Any:
    """Give a column its type: times, numbers or text; errors of formulas say nothing."""
    values = [None if isinstance(v, str) and v.strip() in FAULTS else v for v in values]
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {datetime, date}:
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object))).dt.as_unit("us")
    if kinds and kinds <= {int, float}:
        return pd.Series(pd.to_numeric(pd.Series(values, dtype=object)))
    # Cells that Excel took for dates amid those it did not: by day, unless one has an hour.
    timed = any(isinstance(value, datetime) and value.time() != time() for value in values)
    return pd.Series([_written(value, timed) for value in values], dtype="str")


def _written(value: Any, timed: bool) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds") if timed else value.date().isoformat()
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8").strip()


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
            raise SourceFormatError(
                f"{path.name} would unpack to more than 4 GB; save the sheet as CSV in UTF-8."
            )


def _uncounted(path: Path, title: str, table: pd.DataFrame) -> list[str]:
    """Say which columns hold formulas whose values were never saved with them."""
    blank = [i for i, column in enumerate(table.columns) if table[column].isna().all()]
    if not blank:
        return []
    hits: set[int] = set()
    with _book(path, values=False) as book:
        sheet = book[title]
        sheet.reset_dimensions()
        for row in sheet.iter_rows(max_row=2 * LOOK, values_only=True):
            hits |= {i for i in blank if i < len(row) and str(row[i]).startswith("=")}
    names = listing(table.columns[i] for i in sorted(hits))
    said = f"{names} hold formulas that were never reckoned: open the file in Excel and save it"
    return [said] if hits else []
