"""Delimited text of any usual make into one table of text: encoding and separator are found."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from patrolmap.errors import SourceFormatError
from patrolmap.events._columns import headers, listing
from patrolmap.events._text import empties, short
from patrolmap.events.sources.encoding import (
    SAMPLE,
    Encoding,
    Utf8Stream,
    count_ends,
    find_encoding,
    opened,
    second_guess,
)
from patrolmap.events.sources.header import (
    LOOK,
    find_header,
    is_data,
    is_numbering,
    name_columns,
    no_header_note,
    unique,
)
from patrolmap.events.sources.source import BROKEN, Source

Ints = npt.NDArray[np.int64]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
BLOCK = 1 << 24  # bytes parsed at a time: a longer cell asks for the whole file at once
COMMA_SAMPLE = 500  # rows from which a decimal comma is told


def read_csv(path: Path, name: str, *, header: Sequence[str] | None = None) -> Source:
    """Read delimited text: CSV with any line ends, separated by comma, semicolon, tab or bar.

    Rows with too many or too few cells are set aside in `Source.broken`, not lost. The file is
    decoded and parsed piece by piece.

    Parameters
    ----------
    path
        A file, packed with gzip if its name ends in .gz.
    name
        How messages call it.
    header
        Names of the columns of a file without a header line; used if it has as many.

    Raises
    ------
    SourceFormatError
        If the bytes are no text, or hold no row below the header.
    """
    with opened(path) as file:
        first = file.read(SAMPLE)
    encoding = find_encoding(first, name)
    try:
        return _read_whole_if_folded(path, name, encoding, header)
    except UnicodeDecodeError as error:
        if encoding.codec == "utf-8":
            # Letters beyond ASCII came late, and are not in the encoding of the beginning.
            encoding = second_guess(error.object, before=first)
    try:
        return _read_whole_if_folded(path, name, encoding, header)
    except UnicodeDecodeError as error:
        raise SourceFormatError(
            f"{name} is not text in {encoding.title} throughout; save it as CSV in UTF-8."
        ) from error


@dataclass(frozen=True, kw_only=True)
class _Top:
    """What stands above the rows: names, the separator, and where the rows begin.

    `trailing` says that rows, unlike the header, end in a separator.
    """

    names: list[str]
    separator: str
    end: int
    notes: tuple[str, ...]
    trailing: bool = False


class _FoldedError(Exception):
    """A row is longer than a block: a cell holds many lines, or a quote is left open."""


def _read_whole_if_folded(
    path: Path, name: str, encoding: Encoding, header: Sequence[str] | None
) -> Source:
    try:
        return _read(path, name, encoding, header, whole=False)
    except _FoldedError:
        return _read(path, name, encoding, header, whole=True)


def _read(
    path: Path, name: str, encoding: Encoding, header: Sequence[str] | None, *, whole: bool
) -> Source:
    with opened(path) as file:
        stream = Utf8Stream(file, encoding)
        start = stream.first(SAMPLE)
        text = start.decode("utf-8", "ignore")  # a letter may be cut in two at the end
        lead = len(text) - len(text.lstrip("\r\n\ufeff"))
        top = _read_top(text[lead:], name, header)
        rest = start[len(text[: lead + top.end].encode("utf-8")) :]
        stream.unread(rest)
        names = unique([*top.names, "after the last"]) if top.trailing else top.names
        table, broken, folded = parse_cells(stream, names, top.separator, name, whole=whole)
        total = len(table) + len(broken)
    if total == 0:
        raise SourceFormatError(
            f"{name} has a header and no rows; its columns are {headers(top.names)}. "
            "Export it again with its rows."
        )
    notes = [f"text in {encoding.title}, cells separated by {SEPARATORS[top.separator]}"]
    if stream.replaced:
        notes.append(f"{stream.replaced:,} broken characters are replaced by \ufffd")
    notes += top.notes
    if stream.lines > total and (inside := folded + _breaks(table)):
        notes.append(
            f"{total + inside:,} lines make {total:,} rows: cells hold line breaks, or a quote is "
            "left open"
        )
    rows = np.setdiff1d(np.arange(1, total + 1), broken["row"].to_numpy(), assume_unique=True)
    if top.trailing:
        table, rows, broken = _cut_last(table, rows, broken)
        notes.append(f"{len(table):,} rows end in a separator that the header lacks: left out")
    notes += _decimal_commas(table)
    return Source(table=table, rows=rows, broken=broken, name=name, notes=tuple(notes))


def parse_cells(
    stream: Utf8Stream, names: list[str], separator: str, name: str, *,
    null: str | None = None, whole: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame, int]:  # fmt: skip
    """Cut UTF-8 text into cells; return rows, broken rows, and the line breaks in broken ones.

    Parameters
    ----------
    stream
        Text without its header, as UTF-8.
    names, separator
        Names of the columns, and what stands between cells.
    name
        How messages call it.
    null
        Unquoted cell that says nothing.
    whole
        Parse all at once, whatever memory that takes, instead of block by block.

    Raises
    ------
    SourceFormatError
        If a cell or the whole is beyond what can be parsed.
    """
    from pyarrow import csv as arrow_csv

    broken: list[tuple[int, str, str, str]] = []
    folded = 0

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        nonlocal folded
        broken.append((row.number, "broken line", _cells(row.actual_columns), _cells(len(names))))
        folded += count_ends(row.text.strip().encode())
        return "skip"

    data = pa.BufferReader(stream.read()) if whole else pa.PythonFile(stream, mode="r")
    block = min(data.size() + 64, 2**31 - 1) if whole else BLOCK
    try:
        table = arrow_csv.read_csv(
            data,
            # One thread: only so are rows numbered, and quoted line breaks safe.
            read_options=arrow_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=block
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=null is not None,
                null_values=[] if null is None else [null],
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowCapacityError, pa.ArrowKeyError) as error:
        if "straddl" in str(error) and not whole:
            raise _FoldedError from error
        if "Empty CSV" in str(error):
            return pd.DataFrame(columns=names, dtype="str"), pd.DataFrame(columns=list(BROKEN)), 0
        raise SourceFormatError(
            f"{name} cannot be read as delimited text: {short(error, most=200)}. "
            "Look for a quote left open."
        ) from error
    return table.combine_chunks().to_pandas(), pd.DataFrame(broken, columns=list(BROKEN)), folded


def _read_top(text: str, name: str, header: Sequence[str] | None) -> _Top:
    """Find the separator and the header, below titles if there are any."""
    ends = _record_ends(text)
    records = [text[a:b].strip("\r\n") for a, b in zip([0, *ends], ends, strict=False)]
    separator = _separator(records[0])
    cells = _cut(records[0], separator)
    at = 0
    if found := _below_titles(records, separator):
        separator, at = found
        cells = _cut(records[at], separator)
    if not any(cell.strip() for cell in cells):
        raise SourceFormatError(f"{name} has no header line; wanted the names of the columns.")
    names, named = name_columns(cells, header)
    lines = "a line of titles above the header is" if at == 1 else (
        f"{at} lines of titles above the header are")  # fmt: skip
    notes = [f"{lines} left out"] if at else []
    if not named:
        return _Top(names=names, separator=separator, end=ends[at - 1] if at else 0,
                    notes=(*notes, no_header_note(names, header)))  # fmt: skip
    if at + 1 < len(records) and is_numbering(_cut(records[at + 1], separator)):
        at += 1
        notes.append("a row that numbers the columns is left out")
    below = [_cut(record, separator) for record in records[at + 1 :] if record]
    trailing = bool(below) and all(
        len(row) == len(names) + 1 and not row[-1].strip() for row in below
    )
    return _Top(names=names, separator=separator, end=ends[at], notes=tuple(notes),
                trailing=trailing)  # fmt: skip


def _cut_last(
    table: pd.DataFrame, rows: Ints, broken: pd.DataFrame
) -> tuple[pd.DataFrame, Ints, pd.DataFrame]:
    """Leave out a last cell beyond the header; a row that fills it is broken."""
    filled = ~empties(table[table.columns[-1]])
    width = len(table.columns)
    odd = pd.DataFrame({"row": rows[filled], "reason": "broken line", "given": _cells(width),
                        "wanted": _cells(width - 1)}, columns=list(BROKEN))  # fmt: skip
    broken = broken.assign(wanted=_cells(width - 1))
    broken = pd.concat([broken, odd], ignore_index=True).sort_values("row", ignore_index=True)
    kept = table.loc[~filled].iloc[:, :-1].reset_index(drop=True)
    return kept, rows[~filled], broken if len(broken) else pd.DataFrame(columns=list(BROKEN))


def _record_ends(text: str) -> list[int]:
    """Return where the first records end; line breaks in quotes end none."""
    ends = []
    for found in re.finditer(r'"[^"]*"|\r\n|\r|\n', text):
        if not found.group().startswith('"'):
            ends.append(found.end())
            if len(ends) > LOOK:
                return ends
    return [*ends, len(text)] if not ends or ends[-1] < len(text) else ends


def _separator(record: str) -> str:
    bare = re.sub(r'"[^"]*"', "", record)
    return max(SEPARATORS, key=bare.count)


def _cut(record: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([record], delimiter=separator), [])
    except csv.Error:  # a cell longer than csv allows
        return record.split(separator)


def _below_titles(records: list[str], separator: str) -> tuple[str, int] | None:
    """Return the separator and the place of a header below titles, None where there are none.

    That is so if few rows are as wide as the first one, but most are as wide as a later one.
    """
    first = [_cut(record, separator) for record in records]
    if len(first[0]) > 1 and find_header(first) == 0 and _agree(records, separator, 0) >= 0.5:
        return None
    best: tuple[int, str, int] | None = None
    for other in SEPARATORS:
        rows = [_cut(record, other) for record in records]
        at = find_header(rows)
        if at is None or at == 0 or len(rows[at]) < 2 or is_data(rows[at]):
            continue
        if _agree(records, other, at) >= 0.8 and (best is None or len(rows[at]) > best[0]):
            best = (len(rows[at]), other, at)
    return None if best is None else best[1:]


def _agree(records: list[str], separator: str, at: int) -> float:
    """Return the share of rows below that have as many cells as the one at this place."""
    width = len(_cut(records[at], separator))
    below = [record for record in records[at + 1 :] if record]
    same = sum(len(_cut(record, separator)) == width for record in below)
    return same / len(below) if below else 0.0


def _decimal_commas(table: pd.DataFrame) -> list[str]:
    """Say which columns write numbers with a decimal comma."""
    sample = table.iloc[:COMMA_SAMPLE]
    hits = []
    for column in sample.columns:
        filled = sample[column].str.strip().replace("", None).dropna()
        if len(filled) and filled.str.fullmatch(r"[+-]?[\d \u00a0\u202f]+,\d+").mean() >= 0.8:
            hits.append(column)
    return [f"decimal comma in {listing(hits, most=8)}"] if hits else []


def _breaks(table: pd.DataFrame) -> int:
    """Count line breaks inside cells."""
    import pyarrow.compute as pc

    count = 0
    for column in table.columns:
        cells = pa.array(table[column], type=pa.large_string(), from_pandas=True)
        for end, sign in (("\n", 1), ("\r", 1), ("\r\n", -1)):
            count += sign * int(pc.sum(pc.count_substring(cells, end)).as_py() or 0)
    return count


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"
