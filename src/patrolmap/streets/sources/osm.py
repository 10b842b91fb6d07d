"""Reading OSM files (PBF, XML, compressed XML): what is wrong with one, and where its nodes stand.

pyosmium does the reading. Asking it for one node costs a microsecond, and a city has millions, so
they come through its own table of places.
"""

import errno
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from patrolmap._crs import WGS84
from patrolmap.errors import CRSError, PatrolmapError, SourceFormatError
from patrolmap.streets import rules

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]  # west, south, east, north in degrees
Place = tuple[float, float]  # longitude and latitude in degrees

# What may be a square to be walked across, a park or square that segments lie in, or water.
AREA_TAGS = (
    ("area", "yes"),
    *rules.GROUNDS.values(),
    *rules.WATERS,
    *(("highway", kind) for kind in sorted(rules.KINDS)),
)
OSM_CREDIT = "© OpenStreetMap contributors (ODbL)"  # what its licence asks every map to say
_PLACE = np.dtype([("id", "<u8"), ("x", "<i4"), ("y", "<i4")])  # in libosmium's sparse tables
_PACKED, _PACKED_XML = 12, 60  # temporary bytes for a byte of PBF or plain XML, and of packed XML


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


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A node, closed way or area relation as the file has it.

    Attributes
    ----------
    form : str
        node, way or relation.
    number : int
        OSM id.
    version : int
    tags : mapping
    place : longitude and latitude, of nodes only
    parts : tuple of int
        Ids of the nodes of a way, of the ways of a relation.
    """

    form: str
    number: int
    tags: Mapping[str, str]
    version: int = 0
    place: Place | None = None
    parts: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """What it is called outside: `node/1`, `way/2`, `relation/3`."""
        return f"{self.form}/{self.number}"


def relation_thing(relation: Any) -> Thing | None:
    """Return a relation that is an area, None of any other."""
    tags = dict(relation.tags)
    if tags.get("type") not in ("multipolygon", "boundary"):
        return None
    ways = dict.fromkeys(member.ref for member in relation.members if member.type == "w")
    return Thing(
        form="relation",
        number=relation.id,
        version=relation.version,
        tags=tags,
        parts=tuple(ways),
    )


class Nodes:
    """Where the nodes of an OSM file stand, which are marked crossings, and whom they are owed to.

    Relations that may be squares or parks are found in the same reading.

    libosmium writes its table of places to a file, which numpy then reads at once: the nodes of a
    country cost 16 bytes each and no loop.
    """

    def __init__(self, path: Path) -> None:
        import osmium

        self._path = path
        marked = _Marked()
        with osm_errors(path), scratch(path) as folder:
            table = folder / "nodes"
            index = osmium.index.create_map(f"sparse_file_array,{table}")
            reader = osmium.io.Reader(osm_file(path), osmium.osm.NODE | osmium.osm.RELATION)
            generator = reader.header().get("generator")
            osmium.apply(
                reader,
                osmium.NodeLocationsForWays(index),
                osmium.filter.TagFilter(("highway", "crossing"), *AREA_TAGS),
                marked,
            )
            rows = np.fromfile(table, _PLACE, index.used_memory() // _PLACE.itemsize)
            del index  # a file still mapped cannot be deleted on Windows
        self.crossings = np.array(marked.ids, dtype=np.int64)
        self.relations = marked.relations
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
    """Takes what comes through a filter: the ids of crossings, and area relations."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.relations: list[Thing] = []

    def node(self, node: Any) -> None:
        if node.tags.get("highway") == "crossing":
            self.ids.append(node.id)

    def relation(self, relation: Any) -> None:
        thing = relation_thing(relation)
        if thing is not None:
            self.relations.append(thing)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
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
