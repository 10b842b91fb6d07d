"""Small files of events, mangled in every way we could think of: a seed makes one file.

Sound tables are drawn first; their cells, columns, text, JSON and bytes are spoilt after that,
each by chance. The same seed makes the same file, byte for byte.
"""

import datetime as dt
import decimal
import functools
import gzip
import io
import json
import random
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from mangle_tables import NASTY, Row, draw_table

POOL = 16  # sound files of each binary kind; writing one takes longer than reading it
ENCODINGS = (
    *("utf-8",) * 12, "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp866", "koi8-r",
    "latin-1", "utf-32", "gb18030", "kz1048",
)  # fmt: skip
SEPARATORS = (",", ",", ",", ";", ";", "\t", "|", " ", "::", "\x1f")
ENDS = ("\n", "\n", "\r\n", "\r", "\n\r", "\u2028", "\x85")
PRESETS = {
    "kz_crime": "crime", "kz_accident": "accident", "kz_juvenile": "juvenile", "kz_calls": "call",
    "chicago": "crime", "uk_police": "crime", "portland_nij": "call", "san_francisco": "crime",
    "nyc": "crime", "madison": "accident", "pittsburgh": "crime",
}  # fmt: skip
KINDS = ("crime", "crime", "accident", "juvenile", "call")


@dataclass(frozen=True, kw_only=True)
class Mangled:
    """One file, or table, and how it is to be read."""

    name: str
    data: Any
    options: dict[str, Any] = field(default_factory=dict)


def mangle(seed: int) -> Mangled:
    """Make the file of a seed."""
    rng = random.Random(seed)
    make: Callable[[random.Random], tuple[str, Any]] = rng.choice(MAKERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        name, data = make(rng)
    if isinstance(data, bytes) and rng.random() < 0.2:
        data = _spoil_bytes(rng, data)
    if isinstance(data, bytes) and rng.random() < 0.02:
        name = "mislabelled" + rng.choice(SUFFIXES)
    return Mangled(name=name, data=data, options=_options(rng))


def _options(rng: random.Random) -> dict[str, Any]:
    preset = rng.choice(list(PRESETS)) if rng.random() < 0.12 else None
    kind = PRESETS[preset] if preset and rng.random() < 0.95 else rng.choice(KINDS)
    zone = "Asia/Almaty" if rng.random() < 0.9 else rng.choice(("America/New_York", "UTC", None))
    options: dict[str, Any] = {"kind": kind, "preset": preset, "tz": zone}
    rare: dict[str, tuple[Any, ...]] = {
        "source_crs": (4326, 32642, 32643, "EPSG:28413", "EPSG:2913", "nonsense"),
        "time_format": ("%Y-%m-%d", "%d.%m.%Y %H:%M", "%m/%d/%y", "%Q", ""),
        "harm": ("kz", "equal"),
        "columns": ({"date": "date"}, {"lon": "x", "lat": "y"}, {"category": None}, {"x": "lon"},
                    {"occurred_from": "id"}, {"registered": "date"}),
        "layer": ("events", "Sheet"),
        "now": ("2021-01-01",),
    }  # fmt: skip
    for option, values in rare.items():
        if rng.random() < (0.04 if option != "layer" else 0.01):
            options[option] = rng.choice(values)
    return {option: value for option, value in options.items() if value is not None}


# Text --------------------------------------------------------------------------------------------


def _csv(rng: random.Random) -> tuple[str, bytes]:
    names, rows = draw_table(rng)
    separator, end = rng.choice(SEPARATORS), rng.choice(ENDS)
    quoted = rng.choice((False, False, True))

    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        needs = any(sign in text for sign in (separator, '"', "\n", "\r"))
        careful = needs and rng.random() < 0.8
        return '"' + text.replace('"', '""') + '"' if quoted or careful else text

    lines = [separator.join(cell(value) for value in row) for row in (names, *rows)]
    if rng.random() < 0.1:
        lines.insert(0, rng.choice(("Отчёт за май", "", "sep=;", "#", '"', "1;2;3;4;5")))
    if rng.random() < 0.1:
        lines = [line + rng.choice(ENDS) for line in lines]
        text = "".join(lines)
    else:
        text = end.join(lines) + rng.choice((end, ""))
    text = _spoil_text(rng, text) if rng.random() < 0.25 else text
    data = text.encode(
        rng.choice(ENCODINGS), rng.choice(("replace", "ignore", "xmlcharrefreplace"))
    )
    if rng.random() < 0.06:
        return "events.csv.gz", gzip.compress(data, mtime=0)
    return "events" + rng.choice((".csv", ".csv", ".csv", ".tsv", ".txt")), data


INSERTED = (
    '"', "\x00", ",", ";", "\r", "\n\n", "\t", "\ufeff", "'", "\\", "😀", '"' * 3, ",," * 50,
    "\n" * 99, "x" * 70_000,
)  # fmt: skip


def _spoil_text(rng: random.Random, text: str) -> str:
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(INSERTED) + text[at:]
    return text


def _spoil_bytes(rng: random.Random, data: bytes) -> bytes:
    """Flip, cut, repeat, exchange or add bytes."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 40))):
        if not out:
            break
        at, size = rng.randrange(len(out)), rng.choice((1, 2, 7, 64, 1000))
        what = rng.randrange(6)
        if what == 0:
            out[at] = rng.randrange(256)
        elif what == 1:
            del out[at : at + size]
        elif what == 2:
            out[at:at] = out[at : at + size]
        elif what == 3:
            out[at : at + size] = rng.randbytes(size)
        elif what == 4:
            out[at : at + size] = bytes(size)
        else:
            del out[at:]
    return bytes(out)


# JSON --------------------------------------------------------------------------------------------


def _geojson(rng: random.Random) -> tuple[str, bytes]:
    names, rows = draw_table(rng)
    features = [
        {"type": "Feature", "properties": _named(names, row), "geometry": _geometry(rng)}
        for row in rows
    ]
    page: Any = {"type": "FeatureCollection", "features": features}
    if rng.random() < 0.2:
        page["crs"] = {
            "type": "name",
            "properties": {"name": rng.choice(("EPSG:32643", "urn:x", 7))},
        }
    if rng.random() < 0.05:
        page["exceededTransferLimit"] = True
    return rng.choice(("events.geojson", "events.json")), _dumped(rng, page)


def _esri(rng: random.Random) -> tuple[str, bytes]:
    names, rows = draw_table(rng)
    features = []
    for row in rows:
        x, y = rng.uniform(70, 77), rng.uniform(42, 44)
        features.append({"attributes": _named(names, row), "geometry": {"x": x, "y": y}})
    wkid = rng.choice((4326, 4326, 32642, 102100, 0, -1, 10**30, "4326", None, [1]))
    page: Any = {"fields": [{"name": name} for name in names], "features": features,
                 "spatialReference": {"wkid": wkid}}  # fmt: skip
    if rng.random() < 0.1:
        page = rng.choice(([page, page], features, features[0], {"error": {"code": 400}}, [[page]]))
    return "events.json", _dumped(rng, page)


def _named(names: list[str], row: Row) -> dict[str, Any]:
    return dict(zip(names, row, strict=False))


def _geometry(rng: random.Random) -> Any:
    x, y = rng.uniform(76.8, 77), rng.uniform(43.2, 43.3)
    odd: tuple[Any, ...] = (
        None, {}, {"type": "Point"}, {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": [str(x), str(y)]}, {"type": "Point", "coordinates": [x]},
        {"type": "Point", "coordinates": [[x, y]]}, {"type": "Point", "coordinates": [x, y, 1, 2]},
        {"type": "MultiPoint", "coordinates": [[x, y]]}, {"type": "Polygon", "coordinates": [[]]},
        {"type": "LineString", "coordinates": [[x, y], [x, y]]}, {"type": "Punkt"}, "POINT (1 2)",
        {"type": "GeometryCollection", "geometries": []},
        {"type": "Point", "coordinates": [1e400, 0]}, {"type": "Point", "coordinates": [y, x]},
        {"type": "Point", "coordinates": [0, 0]},
    )  # fmt: skip
    return {"type": "Point", "coordinates": [x, y]} if rng.random() < 0.9 else rng.choice(odd)


def _dumped(rng: random.Random, page: Any) -> bytes:
    for _ in range(rng.choice((0, 0, 0, 1, 1, 3))):
        page = _spoil_json(rng, page)
    text = json.dumps(page, ensure_ascii=rng.random() < 0.3, default=str)
    if rng.random() < 0.05:
        odd = ("[" * 3000 + text, '{"a":' * 3000 + text, text * 2, text[:-1] + ",]}",
               "\ufeff" + text, text.replace(":", ": 1" + "0" * 5000 + ",", 1))  # fmt: skip
        text = rng.choice(odd)
    return text.encode(rng.choice(("utf-8",) * 8 + ("utf-16", "cp1251", "utf-8-sig")), "replace")


def _spoil_json(rng: random.Random, node: Any, depth: int = 0) -> Any:
    """Replace one node of a tree of JSON by another."""
    if depth > 6 or rng.random() < 0.15 or not isinstance(node, dict | list) or not node:
        return rng.choice((*NASTY, [], {}, [[]], {"a": {}}, [1, "a", None], {"features": []}))
    if isinstance(node, dict):
        key = rng.choice(list(node))
        if rng.random() < 0.2:
            return {name: value for name, value in node.items() if name != key}
        return {**node, key: _spoil_json(rng, node[key], depth + 1)}
    at = rng.randrange(len(node))
    return [*node[:at], _spoil_json(rng, node[at], depth + 1), *node[at + 1 :]]


# Binary files and tables in memory ---------------------------------------------------------------


def draw_frame(rng: random.Random) -> Any:
    """Draw a table as pandas or geopandas hold it, its columns of odd types now and then."""
    names, rows = draw_table(rng)
    width = len(names)
    rows = [(row + [None] * width)[:width] for row in rows]
    columns = pd.Index([str(name) for name in names], dtype=object)  # lone surrogates too
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    for at in range(width):
        if rng.random() < 0.5:
            frame.isetitem(at, _odd_column(rng, frame.iloc[:, at]))
    if rng.random() < 0.4:
        points: list[Any] = [shapely.Point(rng.uniform(76, 77), rng.uniform(43, 44)) for _ in rows]
        if rng.random() < 0.3:
            points[rng.randrange(len(points))] = rng.choice(
                (None, shapely.Point(), shapely.LineString([(0, 0), (1, 1)]),
                 shapely.Point(1e308, 0), shapely.Point(float("nan"), 1),
                 shapely.MultiPoint([(76.9, 43.2)]))
            )  # fmt: skip
        crs = rng.choice((4326, 4326, None, 32643))
        frame = frame.loc[:, ~frame.columns.duplicated()].drop(columns="geometry", errors="ignore")
        return gpd.GeoDataFrame(frame, geometry=points, crs=crs)
    return frame


def _odd_column(rng: random.Random, values: pd.Series) -> Any:
    """Return a column as another type, where it can be one."""
    casts: tuple[Callable[[], Any], ...] = (
        lambda: pd.to_numeric(values), lambda: pd.to_datetime(values, format="mixed"),
        lambda: pd.to_datetime(values, format="mixed", utc=True), lambda: values.astype("str"),
        lambda: values.astype("category"), lambda: values.astype("Int64"),
        lambda: values.astype(bool), lambda: values.astype("string[pyarrow]"),
        lambda: values.astype(complex),
        lambda: [[value] for value in values], lambda: [{"a": value} for value in values],
        lambda: [str(value).encode("utf-16", "replace") for value in values],
        lambda: pd.to_timedelta(np.arange(len(values)), unit="h"), lambda: values.astype("float32"),
        lambda: [decimal.Decimal(n) for n in range(len(values))],
        lambda: pd.period_range("2020-01", periods=len(values), freq="M"),
        lambda: [dt.time(12, 30)] * len(values), lambda: [dt.date(2020, 1, 31)] * len(values),
    )  # fmt: skip
    try:
        return rng.choice(casts)()
    except Exception:  # a cast that this column cannot have
        return values


def _frame(rng: random.Random) -> tuple[str, Any]:
    frame = draw_frame(rng)
    if rng.random() < 0.2:
        frame.index = rng.choice(
            (pd.Index(["a"] * len(frame)), pd.Index(range(len(frame)), name="id"))
        )
    if rng.random() < 0.03 and type(frame) is pd.DataFrame:
        frame.columns = pd.MultiIndex.from_tuples([(name, "a") for name in frame.columns])
    return "table", frame


@functools.cache
def _pool(kind: str, number: int) -> bytes:
    """Write one sound file of a binary kind, always the same."""
    rng = random.Random(number)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2024-01-01T00:00:00.000Z"})
    for _ in range(99):
        frame = draw_frame(rng)
        geo = isinstance(frame, gpd.GeoDataFrame)
        if geo != (kind in ("gpkg", "shp", "geoparquet")):
            continue
        try:
            return _written(kind, frame)
        except Exception:  # what this kind of file cannot hold
            continue
    raise RuntimeError(f"no {kind} could be written from {number}")


def _written(kind: str, frame: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"events.{kind}")
        if kind == "xlsx":
            return _still(frame)
        if kind in ("parquet", "geoparquet"):
            frame.to_parquet(path)
            return path.read_bytes()
        if kind == "gpkg":
            pyogrio.write_dataframe(frame, path, layer="events", driver="GPKG")
            return path.read_bytes()
        pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile", encoding="utf-8")
        return _zipped({part.name: part.read_bytes() for part in sorted(Path(folder).iterdir())})


def _still(frame: Any) -> bytes:
    """Write an Excel file that does not tell when it was written."""
    book = io.BytesIO()
    frame.to_excel(book, index=False)
    with zipfile.ZipFile(book) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts.pop("docProps/core.xml", None)
    return _zipped(parts)


def _zipped(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in parts.items():
            packed.writestr(
                zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def _binary(kind: str) -> Callable[[random.Random], tuple[str, bytes]]:
    names = {"shp": "events.zip", "geoparquet": "events.parquet"}

    def make(rng: random.Random) -> tuple[str, bytes]:
        data = _pool(kind, rng.randrange(POOL))
        spoilt = kind == "xlsx" and rng.random() < 0.6
        return names.get(kind, f"events.{kind}"), _spoil_parts(rng, data) if spoilt else data

    return make


def _spoil_parts(rng: random.Random, data: bytes) -> bytes:
    """Spoil what is inside a zip: bytes spoilt outside are found by its checksums alone."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    name = rng.choice(sorted(parts))
    if rng.random() < 0.1:
        del parts[name]
    else:
        parts[name] = _spoil_bytes(rng, parts[name])
    return _zipped(parts)


def _packed_csv(rng: random.Random) -> tuple[str, bytes]:
    name, data = _csv(rng)
    more = {"readme.md": b"hello", "../up.csv": data, "b.csv": data, "__MACOSX/a.csv": b"x"}
    extra = rng.choice(list(more)) if rng.random() < 0.3 else None
    return "events.zip", _zipped({name: data} | ({extra: more[extra]} if extra else {}))


MAKERS: tuple[Callable[[random.Random], tuple[str, Any]], ...] = (
    *(_csv,) * 12, *(_geojson,) * 4, *(_esri,) * 5, *(_frame,) * 4, _packed_csv,
    *(_binary("parquet"),) * 2, _binary("geoparquet"), *(_binary("xlsx"),) * 3, _binary("gpkg"),
    _binary("gpkg"), _binary("shp"),
)  # fmt: skip
SUFFIXES = (
    ".csv",
    ".geojson",
    ".json",
    ".gpkg",
    ".parquet",
    ".xlsx",
    ".zip",
    ".shp",
    ".csv.gz",
    ".xls",
    "",
)
