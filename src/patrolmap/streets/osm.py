"""Reading OSM files (PBF, XML, compressed XML) into arrays.

pyosmium does the reading. Asking it for one tag or node of one way costs a microsecond, and a city
has millions, so ways go through its own text form (OPL, one line a way), written in C++ with the
places of their nodes and taken apart here a block at a time.
"""

import errno
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS

from patrolmap._crs import lonlat_to
from patrolmap.errors import CRSError, SourceFormatError
from patrolmap.streets import rules
from patrolmap.streets.topology import MOSTLY, TAGS, Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north in degrees

_NAME_KEYS = {"name": "name", "name_kk": "name:kk", "name_ru": "name:ru", "name_en": "name:en"}
_BLOCK = 1 << 25  # bytes of text taken apart at once
_ESCAPED = re.compile(r"%([0-9a-f]+)%")


@contextmanager
def osm_errors(path: Path) -> Iterator[None]:
    """Say what is wrong with an OSM file that pyosmium cannot read to its end."""
    try:
        yield
    except RuntimeError as error:
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


def credit_of(path: Path) -> str:
    """Return what the licence of a file in OSM's format asks to be said on every map.

    The bundled sample is drawn by a script and owes nobody anything; its header says so.
    """
    import osmium

    with osmium.io.Reader(osm_file(path)) as reader:
        generator = reader.header().get("generator")
    return "" if generator.startswith("patrolmap ") else "© OpenStreetMap contributors (ODbL)"


class NodePlaces:
    """Where the nodes of an OSM file stand, and which are marked pedestrian crossings."""

    def __init__(self, path: Path) -> None:
        import osmium

        self._path = path
        self._index = osmium.index.create_map("flex_mem")
        marked = _Marked()
        osmium.apply(
            osmium.io.Reader(osm_file(path), osmium.osm.NODE),
            osmium.NodeLocationsForWays(self._index),
            osmium.filter.TagFilter(("highway", "crossing")),
            marked,
        )
        self.crossings = np.array(marked.ids, dtype=np.int64)
        self._drafts: dict[int, Any] | None = None

    def find(self, wanted: Ints) -> tuple[Floats, Floats]:
        """Return longitudes and latitudes in degrees, NaN where the file lacks a node.

        Raises
        ------
        CRSError
            If a wanted node stands outside the world.
        """
        get = self._index.get
        known = wanted[np.searchsorted(wanted, 0) :].tolist() if len(wanted) else []
        found: list[Any] = [self._draft(i) for i in wanted[: len(wanted) - len(known)].tolist()]
        try:
            found += map(get, known)
        except KeyError:
            del found[len(wanted) - len(known) :]
            found += [_found(get, node_id) for node_id in known]
        lon = np.array([np.nan if place is None else place.x for place in found]) / 1e7
        lat = np.array([np.nan if place is None else place.y for place in found]) / 1e7
        bad = np.flatnonzero((np.abs(lon) > 180) | (np.abs(lat) > 90))
        if len(bad):
            at = bad[0]
            raise CRSError(
                f"{self._path}: node {wanted[at]} stands at lon={lon[at]:g}, lat={lat[at]:g}, "
                f"outside the world ({len(bad)} such nodes); wanted degrees. Correct or delete "
                "them in the file."
            )
        return lon, lat

    def _draft(self, node_id: int) -> Any:
        """Find a node with a negative id (a JOSM draft), which pyosmium's index does not take."""
        import osmium

        if self._drafts is None:
            nodes = osmium.FileProcessor(osm_file(self._path), osmium.osm.NODE)
            self._drafts = {n.id: osmium.osm.Location(n.lon, n.lat) for n in nodes if n.id < 0}
        return self._drafts.get(node_id)


class _Marked:
    """Takes the ids of nodes that come through a filter."""

    def __init__(self) -> None:
        self.ids: list[int] = []

    def node(self, node: Any) -> None:
        self.ids.append(node.id)


def _found(get: Any, node_id: int) -> Any:
    try:
        return get(node_id)
    except KeyError:
        return None


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


def read_ways(path: Path, *, box: Box | None = None) -> OsmWays:
    """Read the ways of an OSM file that may be walked or driven, and that reach into a box.

    Raises
    ------
    SourceFormatError
        If the file cannot be read to its end, or holds no usable way or none of their nodes.
    CRSError
        If a node stands outside the world.
    """
    with osm_errors(path):
        places = NodePlaces(path)
    taken = _Taken(places, box)
    with osm_errors(path), _as_text(path) as text:
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


@contextmanager
def _as_text(path: Path) -> Iterator[TextIO]:
    """Yield the highway ways of an OSM file as lines `w1 Tkey=value,key=value Nn1,n2,n3`."""
    import osmium

    with tempfile.TemporaryDirectory() as folder:
        _check_space(path, Path(folder))
        target = Path(folder, "ways.opl")
        writer = osmium.SimpleWriter(osmium.io.File(str(target), "opl,add_metadata=none"))
        try:
            reader = osmium.io.Reader(osm_file(path), osmium.osm.WAY)
            osmium.apply(reader, osmium.filter.KeyFilter("highway"), writer)
        finally:
            writer.close()
        with target.open(encoding="utf-8", newline="\n") as text:
            yield text


def _check_space(path: Path, folder: Path) -> None:
    """Refuse before libosmium's writer finds the disk full, which ends the whole process."""
    size = path.stat().st_size
    wanted = size * (40 if path.name.lower().endswith(("gz", "bz2")) else 8)
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise OSError(
            errno.ENOSPC,
            f"reading {path} wants {wanted / 1e6:,.0f} MB of room for temporary files in "
            f"{folder.parent}, which has {free / 1e6:,.0f} MB; make room, or set TMPDIR to a "
            "folder that has it",
        )


class _Taken:
    """Gathers usable ways block by block; of a country, only what reaches into the box stays."""

    def __init__(self, places: NodePlaces, box: Box | None) -> None:
        self._places = places
        self._box = box
        self._known: dict[tuple[str | None, ...], int] = {}
        self._judged: list[rules.Judged] = []
        self._ways: list[Ints] = []  # rows way id, row of its judgement, number of nodes
        self._refs: list[Ints] = []
        self._names: list[list[str | None]] = []
        self.seen = 0
        self.usable = 0

    def take(self, block: str) -> None:
        """Add the ways of some lines of text."""
        ways, names, nodes = [], [], []
        for line in block.split("\n"):
            head, tagged, between = line.split(" ")
            tags = dict([pair.split("=") for pair in tagged[1:].split(",")])
            code = self._judge(tags)
            which = self._judged[code]
            if which.walk or which.drive_forward or which.drive_backward:
                ways.append((int(head[1:]), code, between.count("n")))
                names.append([_plain(tags.get(key)) for key in _NAME_KEYS.values()])
                nodes.append(between[2:])
            self.seen += 1
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
            self._judged.append(rules.judge(plain))
        return code

    def _keep(self, ways: Ints, refs: Ints, names: list[list[str | None]]) -> None:
        if self._box is not None and len(refs):
            row = np.repeat(np.arange(len(ways)), ways[:, 2])
            wanted, vertex = np.unique(refs, return_inverse=True)
            lon, lat = self._places.find(wanted)
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
        node_id = np.unique(refs)
        lon, lat = self._places.find(node_id)
        there = ~np.isnan(lon)
        tags = pd.DataFrame(self._judged, columns=list(rules.Judged._fields))
        texts = ["highway", "lit", "role", *MOSTLY]
        tags = tags.astype(dict.fromkeys(texts, "str")).iloc[code].reset_index(drop=True)
        names = zip(*self._names, strict=True) if self._names else [()] * len(_NAME_KEYS)
        for key, values in zip(_NAME_KEYS, names, strict=True):
            tags[key] = pd.array(values, dtype="str")
        return OsmWays(
            way=way,
            start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
            ref=refs,
            node_id=node_id[there],
            lon=lon[there],
            lat=lat[there],
            crossings=self._places.crossings,
            tags=tags[TAGS],
            seen=self.seen,
        )


def _plain(value: str | None) -> str | None:
    """Undo OPL's way of writing spaces, commas and the like as %20%, %2c%."""
    if value is None or "%" not in value:
        return value
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
