"""Finished networks kept on disk: one file a network, found again by what it was made from.

A file is one line of text that holds the checksum of the rest, then a plain npz: the columns as
arrays, texts as words and codes, lines as one run of coordinates, and a header in JSON. Nothing of
it can run code. A file that is damaged, foreign or of another version counts as not there.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from pyproj import CRS

from patrolmap import __version__
from patrolmap._files import replacing
from patrolmap.errors import OptionError
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.pause import without_collector

_log = logging.getLogger(__name__)
Arrays = dict[str, npt.NDArray[Any]]

_FORMAT = b"patrolmap streets 1 sha256 "
_BESIDE = {".shp": (".dbf", ".shx", ".prj", ".cpg"), ".gpkg": (".gpkg-wal",)}
_KINDS = "biuf"  # numpy kinds kept as they stand


def read_cached(
    path: Path, options: Mapping[str, Any], folder: str | Path, read: Callable[[], StreetNetwork]
) -> StreetNetwork:
    """Return the network of a file from the cache, or read it and keep it there.

    Trouble with the cache is logged as a warning and never stands in the way of the network.

    Examples
    --------
    >>> import tempfile, patrolmap as pm
    >>> district = pm.datasets.sample()
    >>> folder = Path(tempfile.mkdtemp(), "cache")
    >>> def read():
    ...     print("reading")
    ...     return pm.read_streets(district.streets)
    >>> one = read_cached(district.streets, {"crs": None}, folder, read)
    reading
    >>> read_cached(district.streets, {"crs": None}, folder, read) == one
    True
    """
    folder = _folder(folder)
    before = _stamps(path)
    key = cache_key(path, options)
    network = load(folder, key)
    if network is None:
        network = read()
        if _stamps(path) == before:  # else the key speaks of another content than was read
            save(folder, key, network)
    else:
        _log.info("took %r from %s", network, folder)
    return network


def cache_key(path: Path | None, options: Mapping[str, Any]) -> str:
    """Hash all that a network depends on: the file's content, the options, the reader itself.

    Parameters
    ----------
    path
        A file, hashed in pieces; with a Shapefile go its companions, with a GeoPackage its log.
        None where the options say it all, as for a download.
    options
        Numbers, texts, None, CRSs, shapely geometries or tables of them (in any CRS).

    Returns
    -------
    str
        40 hexadecimal digits. The reader's part is a hash of its own source and of the versions
        of what it computes with: no change of a rule is ever answered with an old network.

    Raises
    ------
    OptionError
        If an option is of no such kind.
    """
    digest = hashlib.sha256(_reader_version().encode())
    told = {name: _plain(value, name) for name, value in sorted(options.items())}
    digest.update(json.dumps(told).encode())
    for file in _files(path) if path is not None else []:
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()[:40]


@without_collector()
def load(folder: Path, key: str) -> StreetNetwork | None:
    """Return a network saved under a key, equal in every column, or None.

    Examples
    --------
    >>> import tempfile
    >>> load(Path(tempfile.mkdtemp()), "0" * 40) is None
    True
    """
    path = _path(folder, key)
    try:
        with path.open("rb") as file:
            _check(file)
            with np.load(file, allow_pickle=False) as parts:
                arrays = {name: parts[name] for name in parts.files}
        return _unpack(arrays, key)
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever is wrong with it, the source is there to be read
        _log.warning("cached streets %s cannot be used, reading the source: %s", path, error)
        return None


def save(folder: Path, key: str, network: StreetNetwork) -> None:
    """Write a network under a key; where that cannot be done, warn and go on.

    The file appears whole: of several processes that save one key at once, the last one stays.

    Examples
    --------
    >>> import tempfile, patrolmap as pm
    >>> streets = pm.read_streets(pm.datasets.sample().streets)
    >>> folder = Path(tempfile.mkdtemp())
    >>> save(folder, "0" * 40, streets)
    >>> load(folder, "0" * 40) == streets
    True
    """
    path = _path(folder, key)
    try:
        arrays = _pack(network, key)
        with replacing(path) as draft, draft.open("w+b") as file:
            head = _FORMAT + b"0" * 64 + b"\n"
            file.write(head)
            np.savez(file, allow_pickle=False, **arrays)
            file.seek(len(head))
            found = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(len(_FORMAT))
            file.write(found.encode())
    except (OSError, ValueError, TypeError) as error:
        _log.warning("streets could not be kept in the cache %s: %s", path, error)


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.streets"


def _folder(given: Any) -> Path:
    if not isinstance(given, str | Path):
        raise OptionError(f"cache_dir is a {type(given).__name__}; wanted the path of a folder.")
    return Path(given).expanduser()


def _files(path: Path) -> list[Path]:
    """Return a source file and what belongs to it."""
    beside = _BESIDE.get(path.suffix.lower(), ())
    stem = path.stem.lower()
    more = (p for p in path.parent.iterdir() if p.stem.lower() == stem) if beside else ()
    return [path, *sorted(p for p in more if p.suffix.lower() in beside)]


def _stamps(path: Path) -> list[tuple[str, int, int]]:
    told = [(file.name, file.stat()) for file in _files(path)]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in told]


def _reader_version() -> str:
    """Hash the source of all that reads streets, and name what it computes with."""
    package = Path(__file__).parents[1]
    own = [package / "_crs.py", *(package / "schema").glob("*.py")]
    own += [*(package / "streets").rglob("*.py"), *(package / "_kernels").glob("*.py")]
    digest = hashlib.sha256()
    for file in sorted(own):
        name = file.relative_to(package).as_posix()
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    # The version in memory too: a notebook older than an update must not answer for the new code.
    built = [np.__version__, pd.__version__, shapely.geos_version_string, pyproj.proj_version_str]
    return " ".join([digest.hexdigest(), __version__, *built])


def _plain(value: Any, name: str) -> Any:
    """Write an option as JSON takes it, equal where it means the same."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | np.number):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, CRS):
        return value.to_wkt()
    if isinstance(value, shapely.Geometry):
        return shapely.to_wkb(value, hex=True)
    if isinstance(value, gpd.GeoSeries | gpd.GeoDataFrame):
        shapes = [_plain(shape, name) for shape in value.geometry]
        return [_plain(value.crs, name), shapes]
    raise OptionError(f"{name} is a {type(value).__name__}, which no cache key can hold.")


def _check(file: BufferedReader) -> None:
    """Raise ValueError unless the file is of this form and its content bears out its checksum."""
    head = file.readline(len(_FORMAT) + 65)
    if not head.startswith(_FORMAT):
        raise ValueError(f"it begins with {head[:27]!r}; wanted {_FORMAT!r}")
    start = file.tell()
    if head != _FORMAT + hashlib.file_digest(file, "sha256").hexdigest().encode() + b"\n":
        raise ValueError("its content does not bear out its checksum; it is damaged or cut short")
    file.seek(start)


def _pack(network: StreetNetwork, key: str) -> Arrays:
    arrays: Arrays = {}
    tables = {}
    for name, table in (("segments", network.segments), ("nodes", network.nodes)):
        tables[name] = {
            "index": table.index.name,
            "columns": list(table.columns),
            "geometry": table.geometry.name,
            "attrs": table.attrs,
        }
        arrays |= dict(_columns(table, name))
    header = {
        "key": key,
        "crs": network.crs.srs,
        "attribution": network.attribution,
        "report": dict(network.report),
        "grounds": network.grounds["kind"].tolist(),
        "tables": tables,
    }
    shapes = [shapely.to_wkb(shape) for shape in network.grounds.geometry]
    arrays["grounds.ends"] = np.cumsum([0, *map(len, shapes)], dtype=np.int64)
    arrays["grounds.wkb"] = np.frombuffer(b"".join(shapes), dtype=np.uint8)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    return arrays


def _columns(table: gpd.GeoDataFrame, name: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays of a table, named by table, place of the column (index last) and part."""
    shape = table.geometry.name
    for i, column in enumerate([*(table[c] for c in table.columns), table.index]):
        at = f"{name}.{i}"
        if i < len(table.columns) and table.columns[i] == shape:
            kind, xy, offsets = shapely.to_ragged_array(column.to_numpy())
            yield f"{at}.xy", xy
            for offset in offsets:
                yield f"{at}.{kind.name.lower()}", offset
        elif isinstance(column.dtype, pd.StringDtype):
            yield from _texts(column.array, at)
        elif isinstance(column.dtype, np.dtype) and column.dtype.kind in _KINDS:
            yield at, column.to_numpy()
        else:
            raise TypeError(f"{name} holds a column of {column.dtype}, for which there is no form")


def _texts(values: Any, at: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the words of a column one after another, where each begins, and who says which."""
    import pyarrow as pa

    text = pa.array(values, type=pa.large_string(), from_pandas=True)
    if isinstance(text, pa.ChunkedArray):
        text = text.combine_chunks()
    coded = text.dictionary_encode()
    words = [word.encode() for word in coded.dictionary.to_pylist()]
    yield f"{at}.codes", coded.indices.fill_null(-1).to_numpy()
    yield f"{at}.begins", np.cumsum([0, *map(len, words)], dtype=np.int64)
    yield f"{at}.words", np.frombuffer(b"".join(words), dtype=np.uint8)


def _unpack(arrays: Arrays, key: str) -> StreetNetwork:
    header = json.loads(arrays["header"].tobytes())
    if header["key"] != key:
        raise ValueError(f"it was saved under the key {header['key']}")
    crs = CRS.from_user_input(header["crs"])
    segments, nodes = (_table(arrays, name, header, crs) for name in ("segments", "nodes"))
    return StreetNetwork(
        segments=segments,
        nodes=nodes,
        grounds=_grounds(arrays, header["grounds"], crs),
        attribution=header["attribution"],
        report=header["report"],
    )


def _grounds(arrays: Arrays, kinds: list[str], crs: CRS) -> gpd.GeoDataFrame:
    content, ends = arrays["grounds.wkb"].tobytes(), arrays["grounds.ends"].tolist()
    shapes = [shapely.from_wkb(content[a:b]) for a, b in pairwise(ends)]
    return gpd.GeoDataFrame({"kind": pd.array(kinds, dtype="str")}, geometry=shapes, crs=crs)


def _table(arrays: Arrays, name: str, header: dict[str, Any], crs: CRS) -> gpd.GeoDataFrame:
    told = header["tables"][name]
    columns = [_column(arrays, f"{name}.{i}", crs) for i in range(len(told["columns"]) + 1)]
    data = dict(zip(told["columns"], columns, strict=False))
    index = pd.Index(columns[-1], name=told["index"])
    table = gpd.GeoDataFrame(data, index=index, geometry=told["geometry"], crs=crs)
    table.attrs = told["attrs"]
    return table


def _column(arrays: Arrays, at: str, crs: CRS) -> Any:
    if at in arrays:
        return arrays[at]
    if f"{at}.codes" in arrays:
        return _read_texts(*(arrays[f"{at}.{part}"] for part in ("codes", "begins", "words")))
    xy = arrays[f"{at}.xy"]
    offsets = arrays.get(f"{at}.linestring")
    shapes = shapely.points(xy) if offsets is None else _lines(xy, offsets)
    return gpd.array.GeometryArray(shapes, crs=crs)


def _lines(xy: npt.NDArray[np.float64], offsets: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    if offsets[-1] != len(xy):
        raise ValueError(f"its lines want {offsets[-1]} vertices, and it has {len(xy)}")
    lines: npt.NDArray[np.object_] = shapely.linestrings(
        xy, indices=np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    )
    return lines


def _read_texts(
    codes: npt.NDArray[np.int32], begins: npt.NDArray[np.int64], words: npt.NDArray[np.uint8]
) -> Any:
    import pyarrow as pa

    known = pa.LargeStringArray.from_buffers(
        len(begins) - 1, pa.py_buffer(begins), pa.py_buffer(words)
    )
    known.validate(full=True)
    who = pa.array(codes, mask=codes < 0)
    text = pa.DictionaryArray.from_arrays(who, known).dictionary_decode()
    return pd.StringDtype(na_value=np.nan).__from_arrow__(text)
