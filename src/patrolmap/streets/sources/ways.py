"""Ways of an OSM file that may be walked or driven, and closed ones that may be areas.

Asking pyosmium for one tag or node of one way costs a microsecond, and a city has millions, so ways
go through its own text form (OPL, one line a way), written in C++ and taken apart here a block at a
time.
"""

import ctypes
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyproj import CRS

from patrolmap._crs import lonlat_to
from patrolmap.errors import SourceFormatError
from patrolmap.streets import rules
from patrolmap.streets.lines.table import MOSTLY, TAGS, Lines
from patrolmap.streets.sources import opl
from patrolmap.streets.sources.osm import Box, Nodes, Thing, osm_errors, osm_file, scratch

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NAME_KEYS = {"name": "name", "name_kk": "name:kk", "name_ru": "name:ru", "name_en": "name:en"}
_BLOCK = 1 << 25  # bytes of text taken apart at once


@dataclass(frozen=True, kw_only=True)
class OsmWays:
    """Usable ways of an OSM file in degrees, not yet projected.

    Attributes
    ----------
    way : (n_ways,) int64
        OSM ids.
    start : (n_ways + 1,) int64
        Vertices of way i are `vertex[start[i]:start[i + 1]]`.
    vertex : (n_vertices,) int64
        Row of each vertex in `node_id`; -1 where the file lacks the node.
    node_id, lon, lat : (n_nodes,)
        The nodes that the file has, ascending by id.
    crossings : int64 array
        Ids of marked pedestrian crossings, ascending.
    tags : DataFrame
        One row a way, as `Lines.tags`.
    seen : int
        How many highway ways were read, usable or not.
    closed : list of Thing
        Closed ways that may be squares or parks.
    """

    way: Ints
    start: Ints
    vertex: Ints
    node_id: Ints
    lon: Floats
    lat: Floats
    crossings: Ints
    tags: pd.DataFrame
    seen: int
    closed: list[Thing]

    def project(self, crs: CRS) -> tuple[Lines, dict[str, float]]:
        """Return the lines in metres, ways cut where the file lacks their nodes."""
        x, y = lonlat_to(crs, self.lon, self.lat)
        there = self.vertex >= 0
        way = np.repeat(np.arange(len(self.way)), np.diff(self.start))
        begins = np.ones(len(way), dtype=bool)
        begins[1:] = (np.diff(way) != 0) | ~there[:-1]
        cut = np.unique(way[~there])
        begins, way, vertex = begins[there], way[there], self.vertex[there]
        start = np.flatnonzero(begins)
        drawn, tags = way[start], self.tags
        if len(drawn) != len(tags) or len(cut):
            tags = tags.iloc[drawn].reset_index(drop=True)
        lines = Lines(
            way=self.way[drawn],
            start=np.append(start, len(vertex)).astype(np.int64),
            vertex=vertex,
            node_id=self.node_id,
            x=x,
            y=y,
            crossing=np.isin(self.node_id, self.crossings),
            tags=tags,
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
    with osm_errors(path), scratch(path) as folder:
        with _write_text(path, folder).open("rb") as text:
            while block := text.read(_BLOCK):
                taken.take(block + text.readline())
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
    """Write the ways of an OSM file that matter as lines `w1 v2 dV Tkey=value Nn1,n2`."""
    import osmium

    keys = ["highway", *(key for key, _ in (*rules.GROUNDS.values(), *rules.WATERS))]
    target = folder / "ways.opl"
    writer = osmium.SimpleWriter(osmium.io.File(str(target), "opl,add_metadata=version"))
    try:
        reader = osmium.io.Reader(osm_file(path), osmium.osm.WAY)
        osmium.apply(reader, osmium.filter.KeyFilter(*keys), writer)
        writer.close()
    except Exception as error:
        # libosmium ends the whole process when a writer that failed is taken down (text that is no
        # UTF-8, a full disk): so it stays.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(writer))
        raise RuntimeError(str(error)) from error
    return target


class _Taken:
    """Gathers usable ways block by block; of a country, only what reaches into the box stays."""

    def __init__(self, nodes: Nodes, box: Box | None) -> None:
        self._nodes = nodes
        self._box = box
        self._known: dict[tuple[str, ...], int] = {}
        self._judged: list[rules.Judged] = []
        self._usable: list[bool] = []
        self._ways: list[Ints] = []  # rows way id, row of its judgement, number of nodes
        self._refs: list[Ints] = []
        self._names: list[opl.Texts] = []  # rows way, columns as `NAME_KEYS`
        self.closed: list[Thing] = []
        self.seen = 0
        self.usable = 0

    def take(self, block: bytes) -> None:
        """Add the ways of some whole lines of text."""
        text = opl.split_lines(block)
        pairs = opl.split_tags(text.tags)
        code = self._judge(pairs)
        usable = np.array(self._usable, dtype=bool)[code]
        row = np.flatnonzero(usable)
        nodes = text.nodes.take(pa.array(row)).to_pylist()
        number = opl.whole_numbers(text.number.take(pa.array(row)).to_pylist())
        names = np.column_stack([opl.values_of(pairs, key) for key in NAME_KEYS.values()])
        street = opl.having(pairs, "highway=")
        self.seen += int(street.sum())
        self.usable += len(row)
        ways = np.column_stack([number, code[row], opl.count_nodes(nodes)])
        self._keep(ways, opl.whole_numbers(nodes), names[row])
        ground = opl.having(pairs, *map("=".join, (*rules.GROUNDS.values(), *rules.WATERS)))
        self._close(text, np.flatnonzero(ground | (street & opl.having(pairs, "area=yes"))))

    def _close(self, text: opl.TextWays, rows: Ints) -> None:
        """Take those of some ways that are closed, whole, with all their tags."""
        cells = (column.take(pa.array(rows)).to_pylist() for column in text)
        for number, version, tags, nodes in zip(*cells, strict=True):
            parts = opl.whole_numbers([nodes]).tolist()
            if len(parts) > 3 and parts[0] == parts[-1]:
                pairs = tags[1:].decode().split(",")
                thing = Thing(
                    form="way",
                    number=int(number[1:]),
                    version=int(version[1:]),
                    tags=dict(map(opl.tag, pairs)),
                    parts=tuple(parts),
                )
                self.closed.append(thing)

    def _judge(self, pairs: opl.Pairs) -> Ints:
        """Return for each way the row of what the rules say of it; few sets of tags are new."""
        group, tagged = opl.alike(pairs, rules.JUDGED_KEYS)
        code = np.empty(len(tagged), dtype=np.int64)
        for row, tags in enumerate(tagged):
            if tags not in self._known:
                self._known[tags] = len(self._judged)
                judged = rules.judge(dict(map(opl.tag, tags)))
                self._judged.append(judged)
                self._usable.append(judged.walk or judged.drive_forward or judged.drive_backward)
            code[row] = self._known[tags]
        return code[group]

    def _keep(self, ways: Ints, refs: Ints, names: opl.Texts) -> None:
        if self._box is not None and len(refs):
            row = np.repeat(np.arange(len(ways)), ways[:, 2])
            wanted, vertex = np.unique(refs, return_inverse=True)
            lon, lat = self._nodes.find(wanted)
            west, south, east, north = self._box
            within = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
            near = np.bincount(row, weights=within[vertex], minlength=len(ways)) > 0
            ways, refs, names = ways[near], refs[near[row]], names[near]
        self._ways.append(ways)
        self._refs.append(refs)
        self._names.append(names)

    def ways(self) -> OsmWays:
        """Return all that was taken."""
        way, code, size = np.concatenate(self._ways or [np.empty((0, 3), np.int64)]).T
        refs = np.concatenate(self._refs or [np.empty(0, np.int64)])
        # With the index, numpy merges instead of hashing: ids come in runs.
        node_id, _, vertex = np.unique(refs, return_index=True, return_inverse=True)
        lon, lat = self._nodes.find(node_id)
        there = ~np.isnan(lon)
        if not there.all():
            vertex = np.where(there, np.cumsum(there) - 1, -1)[vertex]
        tags = pd.DataFrame(self._judged, columns=list(rules.Judged._fields))
        texts = ["highway", "lit", "role", *MOSTLY]
        tags = tags.astype(dict.fromkeys(texts, "str")).iloc[code].reset_index(drop=True)
        names = np.concatenate(self._names or [np.empty((0, len(NAME_KEYS)), dtype=object)])
        for name, values in zip(NAME_KEYS, names.T, strict=True):
            row, found = pd.factorize(values)
            told = pd.array([*(opl.plain(value) or None for value in found), None], dtype="str")
            tags[name] = told.take(row)  # -1, nothing, takes the last
        return OsmWays(
            way=way,
            start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
            vertex=vertex,
            node_id=node_id[there],
            lon=lon[there],
            lat=lat[there],
            crossings=self._nodes.crossings,
            tags=tags[TAGS],
            seen=self.seen,
            closed=self.closed,
        )
