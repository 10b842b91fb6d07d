"""Files of every supported kind, opened as a `Source`; what is wrong with a file is said here."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from patrolmap.errors import OptionError, SourceFormatError, SourceNotFoundError
from patrolmap.events._columns import listing
from patrolmap.events.sources.delimited import read_csv
from patrolmap.events.sources.encoding import opened
from patrolmap.events.sources.excel import read_excel
from patrolmap.events.sources.header import language
from patrolmap.events.sources.packed import unpacked
from patrolmap.events.sources.source import Source, from_file, from_table, join_sources
from patrolmap.events.sources.vector import read_geopackage, read_json, read_parquet, read_shapefile

TEXT = (".csv", ".tsv", ".txt")
SHEETS = (".xlsx", ".xlsm")
JSON = (".geojson", ".json")
LAYERS = (".gpkg",)
SHAPES = (".shp",)
PARQUET = (".parquet", ".geoparquet")
PACKED_TEXT = tuple(f"{suffix}.gz" for suffix in TEXT)
PLAIN = (*TEXT, *SHEETS, *JSON, *LAYERS, *SHAPES, *PARQUET)
SUFFIXES = (*PLAIN, *PACKED_TEXT, ".zip")

# First bytes of a file -> what it is.
MAGIC = {
    b"PK\x03\x04": "a zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file, or one locked with a password",
    b"\x1f\x8b": "a gzip file",
    b"SQLite format 3\x00": "a GeoPackage",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF file",
    b"\x00\x00\x27\x0a": "a shapefile",
}
MENDS = {
    "a zip file": "rename it to .zip",
    "an Excel file": "rename it to .xlsx",
    "an old Excel file, or one locked with a password": "open it in Excel and save it as .xlsx, "
    "without a password",
    "a gzip file": "rename it to .csv.gz if it holds text, or unpack it",
    "a GeoPackage": "rename it to .gpkg",
    "a Parquet file": "rename it to .parquet",
    "a PDF file": "ask for the table itself, as CSV",
    "a shapefile": "rename it to .shp",
}
EXPECTED = {
    **dict.fromkeys(SHEETS, "an Excel file"),
    **dict.fromkeys(LAYERS, "a GeoPackage"),
    **dict.fromkeys(SHAPES, "a shapefile"),
    **dict.fromkeys(PARQUET, "a Parquet file"),
    **dict.fromkeys(PACKED_TEXT, "a gzip file"),
    ".zip": "a zip file",
}
# Spreadsheets of other makes -> what they are.
FOREIGN = {".xls": "an old Excel file", ".xlsb": "a binary Excel file", ".ods": "an ODF sheet"}


def open_source(
    source: Any, *, layer: str | None = None, header: Sequence[str] | None = None
) -> Source:
    """Open a path, a list of paths, a DataFrame or a GeoDataFrame.

    Parameters
    ----------
    source
        A list holds the pages of one layer, or the files of one table.
    layer
        Layer of a GeoPackage, sheet of an Excel file.
    header
        Names of the columns of text or a sheet without a header line.

    Raises
    ------
    SourceNotFoundError
        If there is no such file; near names in its folder are listed.
    SourceFormatError
        If the file is empty, cut short, or not what its name says, or rows are missing from it.
    SchemaError, OptionError
        If a table has no rows, or `layer` names what is not there.
    """
    if isinstance(source, pd.DataFrame):
        if layer is not None:
            raise OptionError(f"layer={layer!r} goes with a file of layers; the source is a table.")
        return from_table(source, "the table")
    paths = list(source) if isinstance(source, list | tuple) else [source]
    for path in paths:
        _require_path(path)
    if not paths:
        raise OptionError("source is an empty list; wanted at least one path.")
    parts = [_open(Path(path), layer, header) for path in paths]
    name = parts[0].name if len(parts) == 1 else f"{parts[0].name} and {len(parts) - 1} more"
    opened_source = parts[0] if len(parts) == 1 else join_sources(parts, name)
    if opened_source.exceeded:
        raise SourceFormatError(
            f"{name} is not all: the service stopped at its limit (exceededTransferLimit) and no "
            "last page is here. Give all pages as a list in their order, [page_1, page_2, ...], or "
            "ask the service for the rest."
        )
    if opened_source.total == 0:
        raise SourceFormatError(f"{name} holds no rows; export it again with its rows.")
    tongue = language(opened_source.table.columns)
    notes = (*opened_source.notes, *((f"column names in {tongue}",) if tongue else ()))
    return replace(opened_source, notes=notes)


def _require_path(path: Any) -> None:
    if isinstance(path, str) and "://" in path:
        scheme = path.split("://")[0][:20]  # the rest may hold a password
        raise OptionError(
            f"source starts with {scheme!r}://; wanted a path, postgresql:// with query=, or the "
            "https:// address of a layer of a map service."
        )
    if not isinstance(path, str | PathLike):
        raise OptionError(
            f"source is {type(path).__name__}; wanted a path, a list of paths, a DataFrame or a "
            "GeoDataFrame."
        )


def _open(path: Path, layer: str | None, header: Sequence[str] | None) -> Source:
    head = check_file(path, SUFFIXES)
    suffix = suffix_of(path)
    if suffix == ".zip":
        with unpacked(path, PLAIN) as inner:
            found = _open(inner, layer, header)
        return replace(found, name=path.name, notes=(f"{inner.name} in a zip", *found.notes))
    if layer is not None and suffix not in (*LAYERS, *SHEETS):
        raise OptionError(
            f"layer={layer!r} names a layer of a GeoPackage or a sheet of an Excel file; "
            f"{path.name} has neither."
        )
    if suffix in (*TEXT, *PACKED_TEXT):
        return read_csv(path, path.name, header=header)
    if suffix in SHEETS:
        return read_excel(path, layer, header=header)
    if suffix in JSON:
        return read_json(path, head)
    if suffix in SHAPES:
        return read_shapefile(path)
    if suffix in PARQUET:
        return from_file(read_parquet(path), path.name)
    return read_geopackage(path, layer)


def check_file(path: Path, suffixes: tuple[str, ...]) -> bytes:
    """Check that a file is there and is what its name says; return its first bytes."""
    if path.is_dir():
        raise SourceFormatError(
            f"{path} is a folder; wanted a file, e.g. {path / ('events' + suffixes[0])}, or a "
            "list of files."
        )
    if not path.is_file():
        raise SourceNotFoundError(f"{path} is not there.{_near(path)}")
    with path.open("rb") as file:
        head = file.read(65536)
    if suffix_of(path) not in suffixes:
        raise SourceFormatError(
            f"{path.name} {_foreign(path, head)}; wanted one of {', '.join(suffixes)}. "
            "Save it as one of these (a spreadsheet: as .xlsx, or as CSV in UTF-8)."
        )
    if not head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise SourceFormatError(f"{path.name} is empty; export it again.")
    _check_magic(head, path)
    if suffix_of(path) in PACKED_TEXT:
        with opened(path) as file:
            head = file.read(65536)
        if not head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
            raise SourceFormatError(f"{path.name} is empty; export it again.")
        _check_page(head, path)
    return head


def suffix_of(path: Path) -> str:
    """Return how a name ends, `.csv.gz` taken as one.

    Examples
    --------
    >>> suffix_of(Path("crimes.2024.CSV.gz")), suffix_of(Path("crimes.2024.xlsx"))
    ('.csv.gz', '.xlsx')
    """
    ends = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(ends) if ends[1:] == [".gz"] else "".join(ends[-1:])


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" Neither is the folder {folder}; check the path."
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    near = get_close_matches(path.name, names, n=3, cutoff=0.5)
    if near:
        return f" Did you mean {listing(near)}?"
    usable = [name for name in names if suffix_of(Path(name)) in SUFFIXES]
    return f" In {folder} there is {listing(usable, most=8)}." if usable else " Check the path."


def _check_magic(head: bytes, path: Path) -> None:
    wanted = EXPECTED.get(suffix_of(path))
    found = _magic(head)
    boxes = ("a zip file", "an Excel file")  # an Excel file is a zip with certain files in it
    if found != wanted and not (found in boxes and wanted in boxes):
        if found is None:
            raise SourceFormatError(f"{path.name} is not {wanted}; export it again.")
        raise SourceFormatError(f"{path.name} is really {found}; {MENDS[found]}.")
    _check_page(head, path)


def _magic(head: bytes) -> str | None:
    found = next((what for start, what in MAGIC.items() if head.startswith(start)), None)
    if found == "a zip file" and (b"[Content_Types].xml" in head or b"xl/" in head):
        return "an Excel file"
    return found


def _check_page(head: bytes, path: Path) -> None:
    if _is_web_page(head):
        raise SourceFormatError(
            f"{path.name} is a web page, not data: a login or error page was saved in its place. "
            "Download it again."
        )


def _is_web_page(head: bytes) -> bool:
    opening = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    return opening.startswith(
        (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<script", b"<table", b"<meta")
    )


def _foreign(path: Path, head: bytes) -> str:
    """Say what a file is that cannot be read."""
    suffix = path.suffix.lower()
    if suffix not in FOREIGN:
        return f"ends in {path.suffix!r}"
    found = _magic(head)
    if suffix == ".xls" and found != MAGIC[b"\xd0\xcf\x11\xe0"]:
        # Programs on the web give this name to what Excel opens too.
        found = found or ("a web page with a table" if _is_web_page(head) else "plain text")
        return f"ends in '.xls' but is really {found}"
    return f"is {FOREIGN[suffix]}"
