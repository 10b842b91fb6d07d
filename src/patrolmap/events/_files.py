"""Files of every supported kind, opened as a `Source`; what is wrong with a file is said here."""

import warnings
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from patrolmap.errors import OptionError, SchemaError, SourceFormatError, SourceNotFoundError
from patrolmap.events._columns import listing
from patrolmap.events._csv import read_csv
from patrolmap.events._source import Source, from_table

TEXT = (".csv", ".tsv", ".txt")
JSON = (".geojson", ".json")
LAYERS = (".gpkg",)
PARQUET = (".parquet", ".geoparquet")
SUFFIXES = (*TEXT, *JSON, *LAYERS, *PARQUET)

# First bytes of a file -> what it is.
MAGIC = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x1f\x8b": "a gzip file",
    b"SQLite format 3\x00": "a GeoPackage",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF file",
}
MENDS = {
    "a zip or Excel file": "unpack it, or save the sheet as CSV in UTF-8",
    "an old Excel file": "save the sheet as CSV in UTF-8",
    "a gzip file": "unpack it",
    "a GeoPackage": "rename it to .gpkg",
    "a Parquet file": "rename it to .parquet",
    "a PDF file": "ask for the table itself, as CSV",
}
EXPECTED = {".gpkg": "a GeoPackage", ".parquet": "a Parquet file", ".geoparquet": "a Parquet file"}


def open_source(source: Any, *, layer: str | None) -> Source:
    """Open a path, a DataFrame or a GeoDataFrame.

    Raises
    ------
    SourceNotFoundError
        If there is no such file; near names in its folder are listed.
    SourceFormatError
        If the file is empty, cut short, or not what its name says.
    SchemaError, OptionError
        If a table has no rows, or `layer` names what is not there.
    """
    if isinstance(source, pd.DataFrame):
        if layer is not None:
            raise OptionError(f"layer={layer!r} goes with a GeoPackage; the source is a table.")
        return from_table(source, "the table")
    if not isinstance(source, str | PathLike):
        raise OptionError(
            f"source is {type(source).__name__}; wanted a path, a DataFrame or a GeoDataFrame."
        )
    path = Path(source)
    suffix = path.suffix.lower()
    head = check_file(path, SUFFIXES)
    if layer is not None and suffix not in LAYERS:
        raise OptionError(f"layer={layer!r} goes with a GeoPackage; {path.name} has no layers.")
    if suffix in TEXT:
        return read_csv(path.read_bytes(), path.name)
    if suffix in PARQUET:
        return _sourced(read_parquet(path), path.name, ())
    if suffix in JSON:
        _check_json(head, path.name)
    return _read_layer(path, _pick_layer(path, layer) if suffix in LAYERS else None)


def check_file(path: Path, suffixes: tuple[str, ...]) -> bytes:
    """Check that a file is there and is what its name says; return its first bytes."""
    if path.is_dir():
        raise SourceFormatError(
            f"{path} is a folder; wanted one file, e.g. {path / ('events' + suffixes[0])}."
        )
    if not path.is_file():
        raise SourceNotFoundError(f"{path} is not there.{_near(path)}")
    if path.suffix.lower() not in suffixes:
        raise SourceFormatError(
            f"{path.name} ends in {path.suffix!r}; wanted one of {', '.join(suffixes)}. "
            "Save it as one of these (a spreadsheet: as CSV in UTF-8)."
        )
    with path.open("rb") as file:
        head = file.read(65536)
    if not head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise SourceFormatError(f"{path.name} is empty; export it again.")
    _check_magic(head, path)
    return head


def read_vector(path: Path, layer: str | None = None) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:
    """Read a layer with GDAL; return it and what GDAL had to say."""
    import pyogrio
    from pyogrio import errors

    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            frame = pyogrio.read_dataframe(path, layer=layer, datetime_as_string=True)
    except (errors.DataSourceError, errors.DataLayerError, errors.FieldError,
            errors.GeometryError, errors.FeatureError, ValueError) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {reason}. Export it again."
        ) from error
    notes = tuple(dict.fromkeys(f"GDAL says: {str(w.message)[:150]}" for w in said))[:3]
    return frame, notes


def read_parquet(path: Path) -> pd.DataFrame:
    """Read Parquet or GeoParquet."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        geo = b"geo" in (parquet.read_schema(path).metadata or {})
        return gpd.read_parquet(path) if geo else pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {reason}. Export it again."
        ) from error


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f" Neither is the folder {folder}; check the path."
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    near = get_close_matches(path.name, names, n=3, cutoff=0.5)
    if near:
        return f" Did you mean {listing(near)}?"
    usable = [name for name in names if Path(name).suffix.lower() in SUFFIXES]
    return f" In {folder} there is {listing(usable, most=8)}." if usable else " Check the path."


def _check_magic(head: bytes, path: Path) -> None:
    suffix = path.suffix.lower()
    found = next((what for start, what in MAGIC.items() if head.startswith(start)), None)
    if found != EXPECTED.get(suffix):
        if found is None:
            raise SourceFormatError(f"{path.name} is not {EXPECTED[suffix]}; export it again.")
        raise SourceFormatError(f"{path.name} is really {found}; {MENDS[found]}.")
    opening = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:15].lower()
    if opening.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<script")):
        raise SourceFormatError(
            f"{path.name} is a web page, not data: a login or error page was saved in its place. "
            "Download it again."
        )


def _check_json(head: bytes, name: str) -> None:
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        raise SourceFormatError(f"{name} is not JSON; wanted a GeoJSON FeatureCollection.")
    if b'"Feature' not in head and (b'"attributes"' in head or b'"rings"' in head):
        raise SourceFormatError(
            f"{name} is Esri JSON, which is not read yet; ask the service for f=geojson."
        )


def _pick_layer(path: Path, layer: str | None) -> str:
    import pyogrio
    from pyogrio import errors

    try:
        layers = pyogrio.list_layers(path)
    except (errors.DataSourceError, ValueError) as error:
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {error}. Export it again."
        ) from error
    names = [str(name) for name in layers[:, 0]]
    if layer is not None:
        if layer not in names:
            raise OptionError(f"layer={layer!r} is not in {path.name}; it has {listing(names)}.")
        return layer
    points = [str(name) for name, kind in layers if kind and "Point" in str(kind)]
    candidates = points or names
    if len(candidates) != 1:
        raise SchemaError(
            f"{path.name} has {len(names)} layers: {listing(names)}; say which with layer=."
        )
    return candidates[0]


def _read_layer(path: Path, layer: str | None) -> Source:
    frame, notes = read_vector(path, layer)
    if layer is not None:
        notes = (f"layer {layer!r}", *notes)
    return _sourced(frame, path.name, notes)


def _sourced(frame: pd.DataFrame, name: str, notes: tuple[str, ...]) -> Source:
    if len(frame) == 0:
        raise SourceFormatError(f"{name} holds no rows; export it again with its rows.")
    return from_table(frame, name, notes)
