"""Reading OSM files (PBF, XML, compressed XML) into arrays with pyosmium."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS

from patrolmap._crs import lonlat_to
from patrolmap.errors import CRSError, SourceFormatError
from patrolmap.streets import rules
from patrolmap.streets.topology import FLAGS, TEXTS, Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_TEXT_KEYS = ("name", "name:kk", "name:ru", "lit")


class _Ways:
    """Ways that may be walked or driven, as they come from the file."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.refs: list[list[int]] = []
        self.rows: list[tuple[Any, ...]] = []
        self.seen = 0

    def take(self, way: Any, verdict: tuple[Any, ...]) -> None:
        get = way.tags.get
        highway, *flags = verdict
        self.ids.append(way.id)
        self.refs.append([node.ref for node in way.nodes])
        name, kk, ru, lit = [get(key) for key in _TEXT_KEYS]
        self.rows.append((name, kk, ru, highway, rules.as_lit(lit), *flags))


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


class OsmLines:
    """Usable ways of an OSM file in degrees, not yet projected."""

    def __init__(self, path: Path) -> None:
        with osm_errors(path):
            ways = _read_ways(path)
        if not ways.seen:
            raise SourceFormatError(
                f"{path} holds no way with a highway tag; wanted an extract with streets."
            )
        if not ways.ids:
            raise SourceFormatError(
                f"{path}: none of its {ways.seen} highway ways may be walked or driven."
            )
        self._ways = ways
        with osm_errors(path):
            self._place_nodes(path)
        if not len(self.node_id):
            raise SourceFormatError(
                f"{path} holds ways but none of their nodes; export it with the nodes of its ways."
            )

    def _place_nodes(self, path: Path) -> None:
        refs = np.fromiter(chain.from_iterable(self._ways.refs), dtype=np.int64)
        wanted, vertex = np.unique(refs, return_inverse=True)
        there, lon, lat = node_places(path, wanted)
        row = np.cumsum(there) - 1
        self.node_id, self.lon, self.lat = wanted[there], lon[there], lat[there]
        self._vertex = np.where(there[vertex], row[vertex], -1)

    def project(self, crs: CRS) -> tuple[Lines, dict[str, float]]:
        """Return the lines in metres, ways cut where the file lacks their nodes."""
        ways = self._ways
        x, y = lonlat_to(crs, self.lon, self.lat)
        way = np.repeat(np.arange(len(ways.ids)), [len(refs) for refs in ways.refs])
        there = self._vertex >= 0
        begins = np.ones(len(way), dtype=bool)
        begins[1:] = (np.diff(way) != 0) | ~there[:-1]
        begins, way, vertex = begins[there], way[there], self._vertex[there]
        start = np.flatnonzero(begins)
        tags = pd.DataFrame(ways.rows, columns=[*TEXTS, *FLAGS])
        tags = tags.astype(dict.fromkeys(TEXTS, "str"))
        lines = Lines(
            way=np.array(ways.ids, dtype=np.int64)[way[start]],
            start=np.append(start, len(vertex)).astype(np.int64),
            vertex=vertex,
            node_id=self.node_id,
            x=x,
            y=y,
            tags=tags.iloc[way[start]].reset_index(drop=True),
        )
        cut = np.repeat(np.arange(len(ways.ids)), [len(refs) for refs in ways.refs])[~there]
        return lines, {
            "ways read": float(ways.seen),
            "ways left out by the walk and drive rules": float(ways.seen - len(ways.ids)),
            "ways cut where the file lacks their nodes": float(len(np.unique(cut))),
        }


def _read_ways(path: Path) -> _Ways:
    import osmium

    ways = _Ways()
    verdicts: dict[tuple[str | None, ...], tuple[Any, ...]] = {}
    keys = rules.RULE_KEYS
    source = osmium.FileProcessor(osm_file(path), osmium.osm.WAY)
    for way in source.with_filter(osmium.filter.KeyFilter("highway")):
        ways.seen += 1
        get = way.tags.get
        values = tuple([get(key) for key in keys])
        verdict = verdicts.get(values)
        if verdict is None:
            verdict = verdicts[values] = judge(dict(zip(keys, values, strict=True)))
        if verdict[1] or verdict[2] or verdict[3]:
            ways.take(way, verdict)
    return ways


def judge(tags: dict[str, str | None]) -> tuple[str, bool, bool, bool]:
    """Return the main highway kind of a way; may it be walked, driven along, driven against."""
    kind = rules.main_kind(tags["highway"] or "")
    tags = {**tags, "highway": kind}
    return kind, rules.may_walk(tags), *rules.may_drive(tags)


def node_places(path: Path, wanted: Ints) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
    """Look up nodes in an OSM file: which are there, and their longitudes and latitudes.

    Raises
    ------
    CRSError
        If a wanted node stands outside the world.
    """
    import osmium

    index = osmium.index.create_map("flex_mem")
    osmium.apply(
        osmium.io.Reader(osm_file(path), osmium.osm.NODE), osmium.NodeLocationsForWays(index)
    )
    places: dict[int, Any] = {}
    if len(wanted) and wanted[0] < 0:  # pyosmium's index takes no negative ids (JOSM drafts)
        negative = set(wanted[wanted < 0].tolist())
        for node in osmium.FileProcessor(osm_file(path), osmium.osm.NODE):
            if node.id < 0 and node.id in negative:
                places[node.id] = osmium.osm.Location(node.lon, node.lat)
    lon = np.full(len(wanted), np.nan)
    lat = np.full(len(wanted), np.nan)
    for i, node_id in enumerate(wanted.tolist()):
        try:
            place = index.get(node_id) if node_id >= 0 else places[node_id]
        except KeyError:
            continue
        lon[i], lat[i] = place.x, place.y
    lon, lat = lon / 1e7, lat / 1e7
    bad = np.flatnonzero((np.abs(lon) > 180) | (np.abs(lat) > 90))
    if len(bad):
        at = bad[0]
        raise CRSError(
            f"{path}: node {wanted[at]} stands at lon={lon[at]:g}, lat={lat[at]:g}, outside the "
            f"world ({len(bad)} such nodes); wanted degrees. Correct or delete them in the file."
        )
    return ~np.isnan(lon), lon, lat


def credit_of(path: Path) -> str:
    """Return what the licence of a file in OSM's format asks to be said on every map.

    The bundled sample is drawn by a script and owes nobody anything; its header says so.
    """
    import osmium

    with osmium.io.Reader(osm_file(path)) as reader:
        generator = reader.header().get("generator")
    return "" if generator.startswith("patrolmap ") else "© OpenStreetMap contributors (ODbL)"
