"""Places of the same OSM file that say something about risk: schools, bars, police posts."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from patrolmap._crs import WGS84, utm_crs
from patrolmap.errors import OptionError
from patrolmap.streets.osm import osm_errors, osm_file
from patrolmap.streets.sources import check_form, find_file

# Kind of place -> OSM key and values; a thing of several kinds counts as the first of them.
PLACE_KINDS = MappingProxyType(
    {
        "police": ("amenity", ("police",)),
        "school": ("amenity", ("school",)),
        "kindergarten": ("amenity", ("kindergarten",)),
        "bus_stop": ("highway", ("bus_stop",)),
        "bar": ("amenity", ("bar", "pub", "nightclub", "biergarten")),
        "alcohol": ("shop", ("alcohol", "wine")),
        "marketplace": ("amenity", ("marketplace",)),
        "park": ("leisure", ("park",)),
    }
)


def read_places(source: str | Path, kinds: Iterable[str] | None = None) -> gpd.GeoDataFrame:
    """Read points of interest from an OSM file, all kinds in one go.

    Parameters
    ----------
    source
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    kinds
        Any of police, school, kindergarten, bus_stop, bar, alcohol, marketplace, park; all by
        default.

    Returns
    -------
    GeoDataFrame
        Index place_id (`node/1`, `way/2`, `relation/3`); columns kind, name, geometry: points in
        the local UTM zone; an area stands as a point inside it.

    Raises
    ------
    OptionError
        If a kind is unknown; lists those that are.
    SourceNotFoundError, SourceFormatError
        If the file is missing, no OSM file, or damaged.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> xml = '''<osm version="0.6"><node id="7" lon="76.95" lat="43.24">
    ... <tag k="amenity" v="school"/><tag k="name" v="Gymnasium 25"/></node></osm>'''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "town.osm")
    ...     _ = path.write_text(xml)
    ...     read_places(path, ["school"])[["kind", "name"]]
                kind          name
    place_id
    node/7    school  Gymnasium 25
    """
    wanted = _check_kinds(kinds)
    path = find_file(source, what="an OSM extract")
    check_form(path, allowed=("osm",))
    with osm_errors(path):
        rows, shapes = _collect(path, wanted)
        anywhere = shapes or _first_node(path)
    points = shapely.point_on_surface(np.array(shapes, dtype=object))
    places = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=["place_id", "kind", "name"], dtype="str"),
        geometry=points,
        crs=WGS84,
    ).set_index("place_id")
    middle = np.median(shapely.get_coordinates(shapely.centroid(anywhere)), axis=0)
    return places.to_crs(utm_crs(*middle.tolist()))


def _check_kinds(kinds: Iterable[str] | None) -> list[str]:
    if kinds is None:
        return list(PLACE_KINDS)
    asked = [kinds] if isinstance(kinds, str) else list(kinds)
    unknown = [kind for kind in asked if kind not in PLACE_KINDS]
    if unknown or not asked:
        raise OptionError(f"kinds={asked}; wanted some of {list(PLACE_KINDS)}.")
    return [kind for kind in PLACE_KINDS if kind in asked]


_Rows = list[tuple[str, str, str | None]]


def _collect(path: Path, kinds: list[str]) -> tuple[_Rows, list[Any]]:
    """Read nodes, and areas assembled from closed ways and multipolygons."""
    import osmium

    try:
        return _scan(osm_file(path), kinds)
    except RuntimeError as error:
        if "out of order" not in str(error):
            raise
    # Some editors save what is new behind what is old; areas are assembled from ids in order.
    reader = osmium.MergeInputReader()
    with tempfile.TemporaryDirectory() as folder:
        name = path.name.lower()
        given, ordered = Path(folder, name), Path(folder, f"ordered-{name}")
        shutil.copyfile(path, given)  # the reader tells the form by a name in small letters
        reader.add_file(str(given))
        writer = osmium.SimpleWriter(str(ordered))
        try:
            reader.apply(writer, simplify=False)
        finally:
            writer.close()
        return _scan(osm_file(ordered), kinds)


def _scan(file: Any, kinds: list[str]) -> tuple[_Rows, list[Any]]:
    import osmium

    pairs = [(PLACE_KINDS[kind][0], value) for kind in kinds for value in PLACE_KINDS[kind][1]]
    fits = osmium.filter.TagFilter(*pairs)
    draw = osmium.geom.WKBFactory()
    rows: _Rows = []
    shapes: list[Any] = []
    for thing in osmium.FileProcessor(file).with_areas(fits).with_filter(fits):
        if thing.is_node():
            place_id, shape = f"node/{thing.id}", draw.create_point(thing)
        elif thing.is_area():
            kind_of = "way" if thing.from_way() else "relation"
            place_id, shape = f"{kind_of}/{thing.orig_id()}", draw.create_multipolygon(thing)
        else:
            continue  # a closed way comes again as an area
        get = thing.tags.get
        kind = next(k for k in kinds if get(PLACE_KINDS[k][0]) in PLACE_KINDS[k][1])
        rows.append((place_id, kind, get("name")))
        shapes.append(shapely.from_wkb(shape))
    return rows, shapes


def _first_node(path: Path) -> list[Any]:
    """Return any place of the file, which sets the zone of an empty table."""
    import osmium

    for node in osmium.FileProcessor(osm_file(path), osmium.osm.NODE):
        return [shapely.Point(node.lon, node.lat)]
    return [shapely.Point(0, 0)]
