"""Reading OSM files (PBF, XML, compressed XML) into arrays.

pyosmium does the reading. Asking it for one tag or node of one way costs a microsecond, and a city
has millions, so ways go through its own text form (OPL, one line a way), written in C++ and taken
apart here a block at a time, and nodes through its own table of places.
"""

import ctypes
import errno
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap._crs import WGS84, lonlat_to
from patrolmap.errors import CRSError, PatrolmapError, SourceFormatError
from patrolmap.streets import rules
from patrolmap.streets.lines.topology import MOSTLY, TAGS, Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north in degrees

_NAMES = ("name", "name_kk", "name_ru", "name_en")
_NO_ID = np.iinfo(np.int64).min
OSM_CREDIT = "© OpenStreetMap contributors (ODbL)"  # what its licence asks every map to say
_PLACE = np.dtype([("id", "<u8"), ("x", "<i4"), ("y", "<i4")])  # in libosmium's sparse tables
_PACKED, _PACKED_XML = 12, 60  # temporary bytes for a byte of PBF or plain XML, and of packed XML
_BLOCK = 1 << 25  # bytes of text taken apart at once
_ESCAPED = re.compile(r"%([0-9a-f]+)%")


@contextmanager
def osm_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with an OSM file that pyosmium cannot read to its end."""
    import osmium

    try:
        yield
    except PatrolmapError:
        raise
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise SourceFormatError(
            f"{path} ({path.stat().st_size:,} bytes) cannot be read to its end as OSM: {error}; "
            "it is cut short or damaged; fetch or export it again."
        ) from error


def osm_file(path: Path) -> Any:
    """Return the file as pyosmium takes it, its form told by its name in any case."""
    import osmium

    name = path.name.lower()
    form = "pbf" if name.endswith("pbf") else name[name.rindex(".osm") + 1 :]
    return osmium.io.File(str(path), form)


class Nodes:
    """Where the nodes of an OSM file stand, which are marked crossings, and whom they are owed to.

    libosmium writes its table of places to a file, which numpy then reads at once: the nodes of a
    country cost 16 bytes each and no loop.
    """

    def __init__(self, path: Path) -> None:
        import osmium

        self._path = path
        marked = _Marked()
        with osm_errors(path), _scratch(path) as folder:
            table = folder / "nodes"
            index = osmium.index.create_map(f"sparse_file_array,{table}")
            reader = osmium.io.Reader(osm_file(path), osmium.osm.NODE)
            generator = reader.header().get("generator")
            osmium.apply(
                reader,
                osmium.NodeLocationsForWays(index),
                osmium.filter.TagFilter(("highway", "crossing")),
                marked,
            )
            rows = np.fromfile(table, _PLACE, index.used_memory() // _PLACE.itemsize)
            del index  # a file still mapped cannot be deleted on Windows
        self.crossings = np.array(marked.ids, dtype=np.int64)
        # The bundled sample is drawn by a script and owes nobody anything; its header says so.
        self.credit = "" if generator.startswith("patrolmap ") else OSM_CREDIT
        ids = rows["id"].astype(np.int64)
        if (ids[1:] < ids[:-1]).any():
            order = np.argsort(ids, kind="stable")
            ids, rows = ids[order], rows[order]
        self._ids, self._rows = ids, rows

    def corners(self) -> gpd.GeoSeries:
        """Return the corners of what the nodes span, in degrees."""
        x, y = self._rows["x"], self._rows["y"]
        ends = [[x.min(), y.min()], [x.max(), y.max()]] if len(x) else np.empty((0, 2))
        return gpd.GeoSeries(shapely.points(np.array(ends) / 1e7), crs=WGS84)

    def find(self, wanted: Ints) -> tuple[Floats, Floats]:
        """Return longitudes and latitudes in degrees, NaN where the file lacks a node.

        Raises
        ------
        CRSError
            If a wanted node stands outside the world.
        """
        at = (
            np.searchsorted(self._ids, wanted, side="right") - 1
        )  # of several, the last in the file
        there = at >= 0
        there[there] = self._ids[at[there]] == wanted[there]
        lon, lat = np.full((2, len(wanted)), np.nan)
        for degrees, axis in ((lon, "x"), (lat, "y")):
            degrees[there] = self._rows[axis][at[there]] / 1e7
        if len(wanted) and wanted.min() < 0:
            self._find_drafts(wanted, lon, lat)
        bad = np.flatnonzero((np.abs(lon) > 180) | (np.abs(lat) > 90))
        if len(bad):
            at = bad[0]
            raise CRSError(
                f"{self._path}: node {wanted[at]} stands at lon={lon[at]:g}, lat={lat[at]:g}, "
                f"outside the world ({len(bad)} such nodes); wanted degrees. Correct or delete "
                "them in the file."
            )
        return lon, lat

    def _find_drafts(self, wanted: Ints, lon: Floats, lat: Floats) -> None:
        """Fill in nodes with negative ids (JOSM drafts), which libosmium's table does not take."""
        import osmium

        rows = {node_id: row for row, node_id in enumerate(wanted.tolist()) if node_id < 0}
        for node in osmium.FileProcessor(osm_file(self._path), osmium.osm.NODE):
            if node.id in rows:
                place = osmium.osm.Location(node.lon, node.lat)
                lon[rows[node.id]], lat[rows[node.id]] = place.x / 1e7, place.y / 1e7


class _Marked:
    """Takes the ids of nodes that come through a filter."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def node(self, node: Any) -> None:
        self.ids.append(node.id)


@dataclass(frozen=True, kw_only=True)
class OsmWays:
    """Usable ways of an OSM file in degrees, not yet projected.

    Attributes
    ----------
    way : (n_ways,) int64
        OSM ids.
    start : (n_ways + 1,) int64
        Vertices of way i are `ref[start[i]:start[i + 1]]`.
    ref : (n_vertices,) int64
        Node ids, those that the file lacks too.
    node_id, lon, lat : (n_nodes,)
        The nodes that the file has, ascending by id.
    crossings : int64 array
        Ids of marked pedestrian crossings, ascending.
    tags : DataFrame
        One row a way, as `Lines.tags`.
    seen : int
        How many highway ways were read, usable or not.
    """

    way: Ints
    start: Ints
    ref: Ints
    node_id: Ints
    lon: Floats
    lat: Floats
    crossings: Ints
    tags: pd.DataFrame
    seen: int

    def project(self, crs: CRS) -> tuple[Lines, dict[str, float]]:
        """Return the lines in metres, ways cut where the file lacks their nodes."""
        x, y = lonlat_to(crs, self.lon, self.lat)
        vertex = np.searchsorted(self.node_id, self.ref)
        vertex[vertex == len(self.node_id)] = 0
        there = self.node_id[vertex] == self.ref
        way = np.repeat(np.arange(len(self.way)), np.diff(self.start))
        begins = np.ones(len(way), dtype=bool)
        begins[1:] = (np.diff(way) != 0) | ~there[:-1]
        cut = np.unique(way[~there])
        begins, way, vertex = begins[there], way[there], vertex[there]
        start = np.flatnonzero(begins)
        lines = Lines(
            way=self.way[way[start]],
            start=np.append(start, len(vertex)).astype(np.int64),
            vertex=vertex,
            node_id=self.node_id,
            x=x,
            y=y,
            crossing=np.isin(self.node_id, self.crossings),
            tags=self.tags.iloc[way[start]].reset_index(drop=True),
        )
        return lines, {
            "ways read": float(self.seen),
            "ways left out by the walk and drive rules": float(self.seen - len(self.way)),
            "ways cut where the file lacks their nodes": float(len(cut)),
        }


def read_ways(path: Path, *, box: Box | None = None, nodes: Nodes | None = None) -> OsmWays:
    """Read the ways of an OSM file that may be walked or driven, and that reach into a box.

    `nodes` are the places of the file's nodes, where the caller has read them already.

    Raises
    ------
    SourceFormatError
        If the file cannot be read to its end, or holds no usable way or none of their nodes.
    CRSError
        If a node stands outside the world.
    """
    taken = _Taken(nodes or Nodes(path), box)
    with osm_errors(path), _scratch(path) as folder:
        with _write_text(path, folder).open(encoding="utf-8", newline="\n") as text:
            while lines := text.readlines(_BLOCK):
                taken.take("".join(lines).rstrip("\n"))
        ways = taken.ways()
    if not ways.seen:
        raise SourceFormatError(
            f"{path} holds no way with a highway tag; wanted an extract with streets."
        )
    if not taken.usable:
        raise SourceFormatError(
            f"{path}: none of its {ways.seen} highway ways may be walked or driven."
        )
    if len(ways.way) and not len(ways.node_id):
        raise SourceFormatError(
            f"{path} holds ways but none of their nodes; export it with the nodes of its ways."
        )
    return ways


def _write_text(path: Path, folder: Path) -> Path:
    """Write the highway ways of an OSM file as lines `w1 Tkey=value,key=value Nn1,n2,n3`."""
    import osmium

    target = folder / "ways.opl"
    writer = osmium.SimpleWriter(osmium.io.File(str(target), "opl,add_metadata=none"))
    try:
        reader = osmium.io.Reader(osm_file(path), osmium.osm.WAY)
        osmium.apply(reader, osmium.filter.KeyFilter("highway"), writer)
        writer.close()
    except Exception as error:
        # libosmium ends the whole process when a writer that failed is taken down (text that is no
        # UTF-8, a full disk): so it stays.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer))
        raise RuntimeError(str(error)) from error
    return target


@contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """Yield a temporary folder, and refuse before libosmium finds the disk full and aborts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        packed = path.name.lower().endswith(("gz", "bz2"))
        wanted = path.stat().st_size * (_PACKED_XML if packed else _PACKED)
        free = shutil.disk_usage(folder).free
        if free < wanted:
            raise OSError(
                errno.ENOSPC,
                f"reading {path} wants {wanted / 1e6:,.0f} MB for temporary files in "
                f"{folder.parent}, which has {free / 1e6:,.0f} MB; make room, or set TMPDIR to a "
                "folder that has it",
            )
        yield folder


class _Taken:
    """Gathers usable ways block by block; of a country, only what reaches into the box stays."""

    def __init__(self, nodes: Nodes, box: Box | None) -> None:
        self._nodes = nodes
        self._box = box
        self._known: dict[tuple[str | None, ...], int] = {}
        self._judged: list[rules.Judged] = []
        self._usable: list[bool] = []
        self._ways: list[Ints] = []  # rows way id, row of its judgement, number of nodes
        self._refs: list[Ints] = []
        self._names: list[tuple[str | None, ...]] = []
        self.seen = 0
        self.usable = 0

    def take(self, block: str) -> None:
        """Add the ways of some lines of text."""
        ways: list[tuple[int, int, int]] = []
        nodes: list[str] = []
        names: list[tuple[str | None, ...]] = []
        lines = block.split("\n")
        for line in lines:
            head, tagged, between = line.split(" ")
            tags = dict([pair.split("=") for pair in tagged[1:].split(",")])
            code = self._judge(tags)
            if self._usable[code]:
                ways.append((int(head[1:]), code, between.count("n")))
                nodes.append(between[2:])
                get = tags.get
                names.append((get("name"), get("name:kk"), get("name:ru"), get("name:en")))
        self.seen += len(lines)
        self.usable += len(ways)
        text = ",".join(filter(None, nodes)).replace("n", "")
        refs = np.fromstring(text, dtype=np.int64, sep=",") if text else np.empty(0, np.int64)
        self._keep(np.array(ways, dtype=np.int64).reshape(-1, 3), refs, names)

    def _judge(self, tags: dict[str, str]) -> int:
        """Return the row of what the rules say of these tags; few combinations are ever new."""
        values = tuple(map(tags.get, rules.JUDGED_KEYS))
        code = self._known.get(values)
        if code is None:
            plain = {key: _plain(v) for key, v in zip(rules.JUDGED_KEYS, values, strict=True)}
            code = self._known[values] = len(self._judged)
            judged = rules.judge(plain)
            self._judged.append(judged)
            self._usable.append(judged.walk or judged.drive_forward or judged.drive_backward)
        return code

    def _keep(self, ways: Ints, refs: Ints, names: list[tuple[str | None, ...]]) -> None:
        if self._box is not None and len(refs):
            row = np.repeat(np.arange(len(ways)), ways[:, 2])
            wanted, vertex = np.unique(refs, return_inverse=True)
            lon, lat = self._nodes.find(wanted)
            west, south, east, north = self._box
            within = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
            near = np.bincount(row, weights=within[vertex], minlength=len(ways)) > 0
            ways, refs = ways[near], refs[near[row]]
            names = [name for name, kept in zip(names, near.tolist(), strict=True) if kept]
        self._ways.append(ways)
        self._refs.append(refs)
        self._names += names

    def ways(self) -> OsmWays:
        """Return all that was taken."""
        way, code, size = np.concatenate(self._ways or [np.empty((0, 3), np.int64)]).T
        refs = np.concatenate(self._refs or [np.empty(0, np.int64)])
        node_id = np.sort(refs)  # np.unique hashes whole numbers, which takes eight times as long
        node_id = node_id[np.diff(node_id, prepend=_NO_ID) != 0]
        lon, lat = self._nodes.find(node_id)
        there = ~np.isnan(lon)
        tags = pd.DataFrame(self._judged, columns=list(rules.Judged._fields))
        texts = ["highway", "lit", "role", *MOSTLY]
        tags = tags.astype(dict.fromkeys(texts, "str")).iloc[code].reset_index(drop=True)
        names = zip(*self._names, strict=True) if self._names else [()] * len(_NAMES)
        for name, values in zip(_NAMES, names, strict=True):
            plain = {value: _plain(value) or None for value in set(values)}
            tags[name] = pd.array([plain[value] for value in values], dtype="str")
        return OsmWays(
            way=way,
            start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
            ref=refs,
            node_id=node_id[there],
            lon=lon[there],
            lat=lat[there],
            crossings=self._nodes.crossings,
            tags=tags[TAGS],
            seen=self.seen,
        )


def _plain(value: str | None) -> str | None:
    """Undo OPL's way of writing spaces, commas and the like as %20%, %2c%."""
    if value is None or "%" not in value:
        return value
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
