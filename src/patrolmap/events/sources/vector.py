"""Layers that GDAL reads, Parquet, and pages of JSON as map services send and people save them."""

import json
import mmap
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj.exceptions import CRSError as ProjError

from patrolmap.errors import OptionError, SchemaError, SourceFormatError
from patrolmap.events._columns import listing
from patrolmap.events._text import short
from patrolmap.events.sources.encoding import find_encoding
from patrolmap.events.sources.esri import parse_features
from patrolmap.events.sources.source import Source, from_file, join_sources

PARTS = {".shx": "where each shape begins", ".dbf": "the columns"}
MORE = re.compile(rb'"exceededTransferLimit"\s*:\s*"?true')


def read_vector(
    path: Path | bytes, layer: str | None = None, *, name: str | None = None,
    encoding: str | None = None,
) -> tuple[gpd.GeoDataFrame, tuple[str, ...]]:  # fmt: skip
    """Read a layer with GDAL; return it and what GDAL had to say."""
    import pyogrio
    from pyogrio import errors

    title = name or Path(str(path)).name
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            frame = pyogrio.read_dataframe(
                path, layer=layer, datetime_as_string=True, encoding=encoding
            )
    except (*_faults(errors), ProjError, ValueError, UnboundLocalError) as error:
        # UnboundLocalError: how pyogrio 0.13 fails on a .prj that is no text.
        reason = short(error, most=200)
        raise SourceFormatError(
            f"{title} cannot be read, it may be cut short: {reason}. Export it again."
        ) from error
    notes = tuple(dict.fromkeys(f"GDAL says: {str(w.message)[:150]}" for w in said))[:3]
    return frame, notes


def _faults(errors: Any) -> tuple[type[Exception], ...]:
    """Return what GDAL's bindings raise of themselves."""
    return (errors.DataSourceError, errors.DataLayerError, errors.FieldError,
            errors.GeometryError, errors.FeatureError)  # fmt: skip


def read_parquet(path: Path) -> pd.DataFrame:
    """Read Parquet or GeoParquet."""
    import pyarrow as pa
    from pyarrow import parquet

    spoilt = (pa.ArrowException, ProjError, shapely.errors.ShapelyError)
    try:
        geo = b"geo" in (parquet.read_schema(path).metadata or {})
        return gpd.read_parquet(path) if geo else pd.read_parquet(path)
    except (*spoilt, OSError, ValueError, KeyError, TypeError) as error:
        reason = short(error, most=200)
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {reason}. Export it again."
        ) from error


def read_geopackage(path: Path, layer: str | None) -> Source:
    """Read the layer that is asked for, or the only one of points."""
    layer = _pick_layer(path, layer)
    frame, notes = read_vector(path, layer)
    return from_file(frame, path.name, (f"layer {layer!r}", *notes))


def read_shapefile(path: Path) -> Source:
    """Read a shapefile with the files that stand beside it.

    Raises
    ------
    SourceFormatError
        If one of them is missing.
    """
    beside = {part.suffix.lower(): part for part in path.parent.glob(f"{_literal(path.stem)}.*")}
    missing = {suffix: what for suffix, what in PARTS.items() if suffix not in beside}
    if missing:
        lost = " and ".join(f"{path.stem}{s} ({what})" for s, what in missing.items())
        raise SourceFormatError(
            f"{path.name} comes without {lost}; a shapefile is several files: copy all that are "
            f"called {path.stem}, .shp, .shx, .dbf and .prj, or the zip that holds them."
        )
    encoding = None if ".cpg" in beside else _dbf_encoding(beside[".dbf"])
    try:
        frame, notes = read_vector(path, encoding=encoding and encoding[0])
    except SourceFormatError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        with _with_whole_letters(beside) as copy:
            frame, notes = read_vector(copy, name=path.name, encoding=encoding and encoding[0])
    if encoding:
        notes += (f"text in {encoding[1]}, as it reads best: there is no {path.stem}.cpg",)
    if ".prj" not in beside:
        notes += (f"no {path.stem}.prj: the CRS is not stated",)
        frame = gpd.GeoDataFrame(frame).set_crs(None, allow_override=True)
    return from_file(frame, path.name, notes)


@contextmanager
def _with_whole_letters(beside: Mapping[str, Path]) -> Iterator[Path]:
    """Yield a copy of a shapefile in whose names of columns no last letter is cut in two."""
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
            if suffix in beside:
                shutil.copyfile(beside[suffix], Path(folder) / f"copy{suffix}")
        with (Path(folder) / "copy.dbf").open("r+b") as file:
            head = bytearray(file.read(int.from_bytes(file.read(32)[8:10], "little") - 32))
            for at in range(0, len(head) - 31, 32):  # a column: its name in 11 bytes, and more
                name = bytes(head[at : at + 11]).split(b"\x00")[0]
                whole = name.decode("utf-8", "ignore").encode()
                head[at : at + 11] = whole.ljust(11, b"\x00")
            file.seek(32)
            file.write(head)
        yield Path(folder) / "copy.shp"


def read_json(path: Path, head: bytes) -> Source:
    """Read GeoJSON, or Esri JSON: a page that a map service sent, a list of pages, one feature.

    Raises
    ------
    SourceFormatError
        If it is neither, or a service's error saved in place of data.
    """
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[", b"\xff\xfe", b"\xfe\xff")):
        raise SourceFormatError(f"{path.name} is not JSON; wanted GeoJSON or Esri JSON.")
    if b'"Feature' in head:
        return _read_geojson(path)
    data = path.read_bytes()
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {short(error, most=80)}. "
            "Export it again."
        ) from error
    if isinstance(payload, Mapping) and str(payload.get("type")).startswith("Feature"):
        return _read_geojson(path, json.dumps(payload).encode())
    if isinstance(payload, list) and payload and all(_is_page(part) for part in payload):
        parts = [_read_esri(part, f"page {n}") for n, part in enumerate(payload, start=1)]
        return join_sources(parts, path.name)
    return _read_esri(payload, path.name)


def _read_geojson(path: Path, data: bytes | None = None) -> Source:
    frame, notes = read_vector(data or path, name=path.name)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        exceeded = MORE.search(view) is not None
    return from_file(frame, path.name, notes, exceeded=exceeded)


def _read_esri(payload: Any, name: str) -> Source:
    if isinstance(payload, Mapping):
        if isinstance(fault := payload.get("error"), Mapping):
            raise SourceFormatError(
                f"{name} holds no data but the service's error {short(fault.get('code'))}: "
                f"{short(fault.get('message'), most=100)}. Ask the service again."
            )
        if not _is_page(payload) and "attributes" not in payload:
            raise SourceFormatError(
                f"{name} holds no features but {listing(payload, most=5)}; wanted GeoJSON or a "
                "page of Esri JSON."
            )
    page = parse_features(payload, name)
    return Source(
        table=page.table, rows=np.arange(1, len(page.table) + 1, dtype=np.int64), name=name,
        geometry=page.geometry, crs=page.crs, exceeded=page.exceeded, notes=("Esri JSON",),
    )  # fmt: skip


def _is_page(payload: Any) -> bool:
    return isinstance(payload, Mapping) and isinstance(payload.get("features"), list)


def _pick_layer(path: Path, layer: str | None) -> str:
    import pyogrio
    from pyogrio import errors

    try:
        layers = pyogrio.list_layers(path)
    except (errors.DataSourceError, ValueError) as error:
        raise SourceFormatError(
            f"{path.name} cannot be read, it may be cut short: {short(error, most=200)}. "
            "Export it again."
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


def _literal(stem: str) -> str:
    """Write a name so that `glob` takes it letter by letter."""
    return re.sub(r"([*?[])", r"[\1]", stem)


def _dbf_encoding(path: Path) -> tuple[str, str] | None:
    """Tell the encoding of a table of columns that states none, or states it wrongly."""
    with path.open("rb") as file:
        head = file.read(32)
        file.seek(int.from_bytes(head[8:10], "little"))
        sample = file.read(1 << 20).replace(b"\x00", b" ")
    if sample.isascii():
        return None
    encoding = find_encoding(sample, path.name)
    return encoding.codec, encoding.title
