"""Places of the same OSM file that say something about risk: schools, bars, police posts."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from patrolmap._crs import WGS84, utm_crs
from patrolmap.errors import OptionError
from patrolmap.schema import PLACES, validate
from patrolmap.streets.sources.formats import check_form, find_file
from patrolmap.streets.sources.osm import osm_errors
from patrolmap.streets.sources.things import any_place, draw_areas, find_things

_log = logging.getLogger(__name__)

# Kind of place -> OSM keys and their values; a thing of several kinds counts as the first of them.
PLACE_TAGS: Mapping[str, dict[str, tuple[str, ...]]] = MappingProxyType(
    {
        "police": {"amenity": ("police",), "police": ("checkpoint",)},
        "school": {"amenity": ("school",)},
        "kindergarten": {"amenity": ("kindergarten",)},
        "bus_stop": {"highway": ("bus_stop",)},
        "bar": {"amenity": ("bar", "pub", "nightclub", "biergarten")},
        "alcohol": {"shop": ("alcohol", "wine", "beverages")},
        "marketplace": {"amenity": ("marketplace",)},
        "park": {"leisure": ("park",)},
        "crossing": {"highway": ("crossing",)},
        "street_lamp": {"highway": ("street_lamp",)},
        "camera": {"man_made": ("surveillance",)},
    }
)
_NAMES = {"name": "name", "name_kk": "name:kk", "name_ru": "name:ru", "name_en": "name:en"}


def read_places(source: str | Path, kinds: Iterable[str] | None = None) -> gpd.GeoDataFrame:
    """Read points of interest from an OSM file, all kinds in one go.

    Parameters
    ----------
    source
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    kinds
        Any of police, school, kindergarten, bus_stop, bar, alcohol, marketplace, park, crossing,
        street_lamp, camera; all by default. A thing of several kinds counts as the first of them
        asked for. Which tags make a kind stands in `patrolmap.streets.places.PLACE_TAGS`.

    Returns
    -------
    GeoDataFrame
        Index place_id (`node/1`, `way/2`, `relation/3`), in that order; columns as in
        `patrolmap.schema.PLACES`: points in the local UTM zone, of an area a point inside it.
        Ways that are no area (a crossing drawn as a line) are left out. ``attrs["incomplete"]``
        lists areas that cannot be drawn, as the extract's edge cuts them or they do not close.

    Raises
    ------
    OptionError
        If a kind is unknown; lists those that are.
    SourceNotFoundError, SourceFormatError
        If the file is missing, no OSM file, or damaged.
    CRSError
        If a place stands outside the world.

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
    pairs = [(k, v) for kind in wanted for k, values in PLACE_TAGS[kind].items() for v in values]
    with osm_errors(path):
        things = find_things(path, *pairs)
        areas, left_out = draw_areas(path, things)
        kept = [thing for thing in things if thing.id not in left_out]
        middle = None if kept else any_place(path)
    shapes = [areas.get(thing.id) or shapely.Point(thing.place) for thing in kept]
    points = shapely.point_on_surface(np.array(shapes, dtype=object))
    rows = [
        (t.id, _kind_of(t.tags, wanted), *[t.tags.get(n) or None for n in _NAMES.values()])
        for t in kept
    ]
    places = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=["place_id", "kind", *_NAMES], dtype="str"),
        geometry=points,
        crs=WGS84,
    ).set_index("place_id")
    places = places.to_crs(
        utm_crs(*(middle or np.median(shapely.get_coordinates(points), axis=0).tolist()))
    )
    places.attrs["incomplete"] = sorted(left_out)
    if left_out:
        _log.info("left out %d places that %s holds only a part of", len(left_out), path)
    validate(places, PLACES)
    return places


def _check_kinds(kinds: Any) -> list[str]:
    if kinds is None:
        return list(PLACE_TAGS)
    asked = list(kinds) if isinstance(kinds, Iterable) and not isinstance(kinds, str) else [kinds]
    unknown = [kind for kind in asked if kind not in PLACE_TAGS]
    if unknown or not asked:
        raise OptionError(f"kinds={asked}; wanted some of {list(PLACE_TAGS)}.")
    return [kind for kind in PLACE_TAGS if kind in asked]


def _kind_of(tags: Mapping[str, str], kinds: list[str]) -> str:
    return next(
        kind
        for kind in kinds
        if any(tags.get(key) in values for key, values in PLACE_TAGS[kind].items())
    )
