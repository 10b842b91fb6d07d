"""Delimited text of any usual make into one table of text: encoding and separator are found."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa

from patrolmap.errors import SourceFormatError
from patrolmap.events._columns import listing
from patrolmap.events._source import BROKEN, Source

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def read_csv(data: bytes, name: str) -> Source:
    """Read delimited text: CSV with any line ends, separated by comma, semicolon, tab or bar.

    Rows with too many or too few cells are set aside in `Source.broken`, not lost.

    Raises
    ------
    SourceFormatError
        If the bytes are no text, or hold no row below the header.
    """
    text, encoding = decode(data, name)
    header, body, separator = _split_header(text, name)
    if not body.strip():
        raise SourceFormatError(
            f"{name} has a header and no rows; its columns are {listing(header)}. "
            "Export it again with its rows."
        )
    names = _unique(header)
    table, broken = _parse(body.encode("utf-8"), names, separator, name)
    total = len(table) + len(broken)
    rows = np.setdiff1d(np.arange(1, total + 1), broken["row"].to_numpy(), assume_unique=True)
    notes = [f"text in {encoding}, cells separated by {SEPARATORS[separator]}"]
    lines = _lines(body, at_least=total)
    if lines > total:
        notes.append(
            f"{lines:,} lines make {total:,} rows: cells hold line breaks, or a quote is left open"
        )
    return Source(table=table, rows=rows, broken=broken, name=name, notes=tuple(notes))


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Turn bytes into text: a byte-order mark decides, else UTF-8, else Windows-1251.

    Examples
    --------
    >>> decode("дата".encode("cp1251"), "a.csv")
    ('дата', 'Windows-1251')
    """
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    tries = [(codec, codec.upper()) for mark, codec in marks.items() if data.startswith(mark)]
    if not tries and b"\x00" not in data[:4096]:
        tries = [("utf-8", "UTF-8"), ("cp1251", "Windows-1251")]
    for codec, title in tries:
        try:
            return data.decode(codec), title.removesuffix("-SIG")
        except UnicodeError:
            continue
    raise SourceFormatError(
        f"{name} is not text in UTF-8, UTF-16 or Windows-1251; save it as CSV in UTF-8."
    )


def _split_header(text: str, name: str) -> tuple[list[str], str, str]:
    """Return the header's cells, the text below it, and the separator."""
    text = text.lstrip("\r\n\ufeff")
    at = 0
    for quoted in re.finditer(r'"[^"]*"|\r\n|\r|\n', text):
        if not quoted.group().startswith('"'):
            at = quoted.end()
            break
    else:
        at = len(text)
    line, body = text[:at].strip("\r\n"), text[at:]
    bare = re.sub(r'"[^"]*"', "", line)
    separator = max(SEPARATORS, key=bare.count)
    try:
        cells = next(csv.reader(io.StringIO(line, newline=""), delimiter=separator), [])
    except csv.Error as error:
        raise SourceFormatError(f"the header of {name} cannot be read: {error}.") from error
    if not any(cell.strip() for cell in cells):
        raise SourceFormatError(f"{name} has no header line; wanted the names of the columns.")
    return [" ".join(cell.split()) for cell in cells], body, separator


def _unique(names: list[str]) -> list[str]:
    """Number the names that stand twice, so that each is a column of its own."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out if len(set(out)) == len(out) else [f"{n} #{i}" for i, n in enumerate(out, 1)]


def _parse(
    body: bytes, names: list[str], separator: str, name: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from pyarrow import csv as arrow_csv

    broken: list[tuple[int, str, str, str]] = []

    def set_aside(row: arrow_csv.InvalidRow) -> str:
        broken.append((row.number, "broken line", _cells(row.actual_columns), _cells(len(names))))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(body),
            # One block in one thread: only so are rows numbered and quoted line breaks safe.
            read_options=arrow_csv.ReadOptions(
                column_names=names, use_threads=False, block_size=min(len(body) + 64, 2**31 - 1)
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, invalid_row_handler=set_aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowCapacityError, pa.ArrowKeyError) as error:
        raise SourceFormatError(
            f"{name} cannot be read as delimited text: {error}. Look for a quote left open."
        ) from error
    return table.to_pandas(), pd.DataFrame(broken, columns=list(BROKEN))


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"


def _lines(body: str, *, at_least: int) -> int:
    """Count lines that are not blank; where there is no need to look closely, only line ends."""
    body = body.rstrip("\r\n")
    count = body.count("\n") + body.count("\r") - body.count("\r\n") + 1
    if count <= at_least:
        return count
    return sum(1 for line in re.split(r"[\r\n]+", body) if line)
