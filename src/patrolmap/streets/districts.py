"""Administrative boundaries of an OSM extract: as one table, or one of them by its name or id."""

import difflib
import logging
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from patrolmap._crs import WGS84, utm_crs
from patrolmap.errors import OptionError
from patrolmap.schema import DISTRICTS, validate
from patrolmap.streets.sources.formats import check_form, find_file
from patrolmap.streets.sources.osm import Thing, osm_errors
from patrolmap.streets.sources.things import any_place, draw_areas, find_things

_log = logging.getLogger(__name__)

_NAMES = {"name": "name", "name_kk": "name:kk", "name_ru": "name:ru", "name_en": "name:en"}
_LANGUAGE = re.compile(r"name:[a-z]{2,3}([-_][A-Za-z]+)*")  # name:kk, name:kk-Arab; not name:prefix
_SHOWN = 10  # how many boundaries a message lists


def read_districts(
    source: str | Path, *, admin_level: int | Iterable[int] | None = None
) -> gpd.GeoDataFrame:
    """Read the administrative boundaries of an OSM file as one table.

    Parameters
    ----------
    source
        `.osm.pbf`, `.osm`, `.osm.gz` or `.osm.bz2`.
    admin_level
        OSM's level of the boundaries wanted, or several: 2 is a country, larger numbers are smaller
        areas, and which one has the districts of a city differs by country. All by default, those
        without a level too.

    Returns
    -------
    GeoDataFrame
        Index district_id (`relation/3072216`, `way/2`), in that order; columns as in
        `patrolmap.schema.DISTRICTS`: multi-polygons in the UTM zone of their middle. A boundary
        whose ways or nodes the file lacks, or that does not close, is left out, counted in a
        warning of the log, and told in ``attrs["incomplete"]``, a list of sentences.

    Raises
    ------
    OptionError
        If `admin_level` is no level.
    SourceNotFoundError, SourceFormatError
        If the file is missing, no OSM file, or damaged.
    CRSError
        If a boundary reaches outside the world.

    Notes
    -----
    A closed way that is a part of a boundary relation stands for itself only if it has a name that
    none of these relations has.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> corners = [(76.9, 43.2), (77.0, 43.2), (77.0, 43.3), (76.9, 43.3)]
    >>> nodes = "".join(
    ...     f'<node id="{i}" lon="{lon}" lat="{lat}"/>'
    ...     for i, (lon, lat) in enumerate(corners, start=1)
    ... )
    >>> way = '<way id="5">' + "".join(f'<nd ref="{i}"/>' for i in (1, 2, 3, 4, 1)) + '</way>'
    >>> tags = {"type": "boundary", "boundary": "administrative", "admin_level": "6",
    ...         "name": "Almaly", "name:ru": "Алмалинский район"}
    >>> relation = '<relation id="7"><member type="way" ref="5" role="outer"/>' + "".join(
    ...     f'<tag k="{k}" v="{v}"/>' for k, v in tags.items()) + "</relation>"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "town.osm")
    ...     _ = path.write_text(f'<osm version="0.6">{nodes}{way}{relation}</osm>', "utf-8")
    ...     read_districts(path)[["name", "name_ru", "admin_level"]]
                   name            name_ru  admin_level
    district_id
    relation/7   Almaly  Алмалинский район            6
    """
    levels = _check_levels(admin_level)
    path = find_file(source, what="an OSM extract")
    check_form(path, allowed=("osm",))
    with osm_errors(path):
        every = find_boundaries(path)
        wanted = [b for b in every if levels is None or level_of(b.tags) in levels]
        shapes, left_out = draw_areas(path, wanted)
        kept = [boundary for boundary in wanted if boundary.id in shapes]
        middle = None if kept else any_place(path)
    table = _table(kept, shapes, middle)
    table.attrs["incomplete"] = [
        f"{say_boundary(b)}: {left_out[b.id]}" for b in wanted if b.id in left_out
    ]
    if left_out:
        _log.warning(
            "%s: left out %d of %d administrative boundaries, of which it does not hold all: %s",
            path,
            len(left_out),
            len(wanted),
            _listed(table.attrs["incomplete"]),
        )
    if not wanted:
        _log.warning("%s holds no administrative boundary asked for; %s", path, _say_levels(every))
    validate(table, DISTRICTS)
    return table


def read_district(path: Path, asked: int | str) -> gpd.GeoSeries:
    """Return one administrative boundary of an OSM file, in degrees.

    Parameters
    ----------
    path
        An OSM file.
    asked
        Relation id, an id as `relation/3072216`, or a name in any language, in any case.

    Raises
    ------
    OptionError
        If there is none such (lists names that are near), several, or not all of it.
    SourceFormatError
        If the file is damaged.
    """
    with osm_errors(path):
        every = find_boundaries(path)
        found = _matching(every, asked)
        shapes, left_out = draw_areas(path, found if len(found) == 1 else [])
    if not found:
        raise OptionError(_say_none(every, asked, path))
    if len(found) > 1:
        raise OptionError(
            f"boundary={asked!r} names {len(found)} administrative boundaries of {path}: "
            f"{_listed([say_boundary(b) for b in found])}. Pass the id of the one you mean, for "
            f'example boundary="{found[0].id}".'
        )
    if left_out:
        raise OptionError(
            f"boundary={asked!r}: {path} holds only a part of {say_boundary(found[0])}: "
            f"{left_out[found[0].id]}. Take an extract that holds all of it, or pass a polygon."
        )
    return gpd.GeoSeries([shapes[found[0].id]], crs=WGS84)


def find_boundaries(path: Path) -> list[Thing]:
    """Find the boundaries of an OSM file that stand for a place, not for a line of another."""
    found = [b for b in find_things(path, ("boundary", "administrative")) if b.form != "node"]
    used_by: dict[int, set[str]] = defaultdict(set)
    for boundary in found:
        if boundary.form == "relation":
            for way in boundary.parts:
                used_by[way] |= names_of(boundary.tags)

    def stands(boundary: Thing) -> bool:
        if boundary.form == "relation" or boundary.number not in used_by:
            return True
        return bool(names_of(boundary.tags) - used_by[boundary.number])

    return [boundary for boundary in found if stands(boundary)]


def names_of(tags: Mapping[str, str]) -> set[str]:
    """Return all names in all languages, written alike.

    Examples
    --------
    >>> sorted(names_of({"name": "Almaly", "name:ru": "Алмалинский  Район", "name:prefix": "x"}))
    ['almaly', 'алмалинский район']
    """
    return {
        alike(value)
        for key, value in tags.items()
        if value.strip() and (key in ("name", "int_name") or _LANGUAGE.fullmatch(key))
    }


def alike(name: str) -> str:
    """Write names that only case, white space or the form of letters part in one way.

    Examples
    --------
    >>> alike("  АЛАТАУСКИЙ  район ")
    'алатауский район'
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def level_of(tags: Mapping[str, str]) -> int | None:
    """Return the admin_level of a boundary; of several (`6;8`) the first, None where none is said.

    Examples
    --------
    >>> level_of({"admin_level": "6"}), level_of({"admin_level": "6;8"}), level_of({})
    (6, 6, None)
    """
    found = re.match(r"\s*([1-9]\d?)\s*(;|$)", tags.get("admin_level", ""), re.ASCII)
    return int(found[1]) if found else None


def say_boundary(boundary: Thing) -> str:
    """Name a boundary in a message: `Алатау ауданы (relation/3072216, admin_level 6)`."""
    level = level_of(boundary.tags)
    told = "no admin_level" if level is None else f"admin_level {level}"
    return f"{boundary.tags.get('name') or 'without a name'} ({boundary.id}, {told})"


def _check_levels(asked: Any) -> set[int] | None:
    if asked is None:
        return None
    try:
        levels = [asked] if isinstance(asked, str) or not np.iterable(asked) else list(asked)
        if levels and all(
            isinstance(level, int | np.integer) and not isinstance(level, bool) and level > 0
            for level in levels
        ):
            return {int(level) for level in levels}
    except TypeError:
        pass
    raise OptionError(
        f"admin_level={asked!r}; wanted a whole number above 0, several of them, or None for all."
    )


def _table(
    boundaries: list[Thing], shapes: Mapping[str, Any], middle: tuple[float, float] | None
) -> gpd.GeoDataFrame:
    drawn = np.array([shapes[b.id] for b in boundaries], dtype=object)
    if middle is None:
        middle = np.median(shapely.get_coordinates(shapely.centroid(drawn)), axis=0).tolist()
    columns = {
        column: pd.array([b.tags.get(key) or None for b in boundaries], dtype="str")
        for column, key in _NAMES.items()
    }
    columns["admin_level"] = pd.array([level_of(b.tags) for b in boundaries], dtype="Int64")
    ids = pd.Index([b.id for b in boundaries], name="district_id", dtype="str")
    table = gpd.GeoDataFrame(columns, index=ids, geometry=drawn, crs=WGS84)
    return table.to_crs(utm_crs(*middle))


def _matching(boundaries: list[Thing], asked: int | str) -> list[Thing]:
    if isinstance(asked, int):
        asked = f"relation/{asked}"
    by_id = [b for b in boundaries if b.id == asked.strip().lower()]
    return by_id or [b for b in boundaries if alike(asked) in names_of(b.tags)]


def _say_none(boundaries: list[Thing], asked: int | str, path: Path) -> str:
    if not boundaries:
        return (
            f"boundary={asked!r} is looked up among the administrative boundaries of {path}, and "
            "it holds none; pass a polygon, or the path of a polygon file."
        )
    near = _near(boundaries, asked) if isinstance(asked, str) else []
    return (
        f"boundary={asked!r}: {path} holds no administrative boundary of that name or id"
        + (f"; near it are {_listed([say_boundary(b) for b in near])}" if near else "")
        + f". It has {len(boundaries)}: read_districts({str(path)!r}) shows them. Or pass a "
        "polygon, or the path of a polygon file that is there."
    )


def _near(boundaries: list[Thing], asked: str) -> list[Thing]:
    """Return boundaries with a name spelt much like the one asked for, or that holds it."""
    by_name: dict[str, list[Thing]] = defaultdict(list)
    for boundary in boundaries:
        for name in names_of(boundary.tags):
            by_name[name].append(boundary)
    wanted = alike(asked)
    close = difflib.get_close_matches(wanted, by_name, n=5, cutoff=0.6)
    close += [name for name in sorted(by_name) if wanted and wanted in name]
    return list({b.id: b for name in close for b in by_name[name]}.values())


def _say_levels(boundaries: list[Thing]) -> str:
    levels = Counter(level_of(b.tags) for b in boundaries)
    if not levels:
        return "it holds none at all"
    ordered = sorted(levels.items(), key=lambda pair: pair[0] or 99)
    return "it has " + ", ".join(
        f"{count} of {f'admin_level {level}' if level else 'no admin_level'}"
        for level, count in ordered
    )


def _listed(sentences: list[str]) -> str:
    more = len(sentences) - _SHOWN
    return "; ".join(sentences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
