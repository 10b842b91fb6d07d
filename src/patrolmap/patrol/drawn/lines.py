"""Drawn lines from files and tables: projected, in order, each with the labels it bears."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio
import pyogrio.errors
import shapely
from pyproj import CRS

from patrolmap._crs import WGS84
from patrolmap.errors import CRSError, OptionError, SchemaError, SourceFormatError
from patrolmap.events._columns import listing, plain_name
from patrolmap.events._text import short
from patrolmap.events.sources.files import check_file, suffix_of

Floats = npt.NDArray[np.float64]

GPX = (".gpx",)
TABLES = (".geojson", ".json", ".gpkg", ".shp")
# Columns that may say whose line it is, the best first.
LABELS = ("route_id", "route", "crew", "name", "label", "маршрут", "наряд", "экипаж", "название",
          "жасақ", "атауы", "бағыт")  # fmt: skip
_GPX_MOST = 200_000_000  # bytes: more is no track of a patrol


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """One line as it was drawn.

    Attributes
    ----------
    xy : (n, 2) float64
        Metres, at least two points.
    labels : tuple of str
        What it is called, the surest first: a cell, a track's name, its file's.
    where : str
        How messages call it.
    """

    xy: Floats
    labels: tuple[str, ...]
    where: str


def read_lines(source: Any, crs: CRS, *, layer: str | None = None) -> list[Drawn]:
    """Read lines from a path, a list of paths, or a GeoDataFrame, and project them.

    Raises
    ------
    SourceNotFoundError, SourceFormatError
        If there is no such file, or it holds no lines.
    SchemaError
        If a geometry is no line.
    CRSError
        If a table has no CRS.
    OptionError
        If `source` is none of these.
    """
    if isinstance(source, gpd.GeoDataFrame | gpd.GeoSeries):
        frame = source if isinstance(source, gpd.GeoDataFrame) else source.to_frame("geometry")
        lines = list(_of_table(frame, "the table", crs))
    elif isinstance(source, str | PathLike):
        lines = list(_of_file(Path(source), crs, layer))
    elif isinstance(source, Iterable):
        lines = [line for one in source for line in read_lines(one, crs, layer=layer)]
    else:
        raise OptionError(
            f"lines is a {type(source).__name__}; wanted a path (GPX, GeoJSON, GeoPackage, "
            "Shapefile), a list of them, or a GeoDataFrame of lines."
        )
    if not lines:
        raise SourceFormatError("lines holds no line; wanted at least one drawn route.")
    return lines


def _of_file(path: Path, crs: CRS, layer: str | None) -> Iterator[Drawn]:
    if path.suffix.lower() in GPX:
        yield from _of_gpx(path, crs)
        return
    check_file(path, (*TABLES, *GPX))
    if layer is None and suffix_of(path) == ".gpkg":
        layer = _only_layer(path)
    try:
        frame = pyogrio.read_dataframe(path, **({} if layer is None else {"layer": layer}))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise SourceFormatError(
            f"{path.name} cannot be read: {short(error, most=120)}. Export the lines again."
        ) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise SourceFormatError(f"{path.name} holds no lines; export them with their geometry.")
    yield from _of_table(frame, path.name, crs, stem=path.stem)


def _only_layer(path: Path) -> str | None:
    """Return the layer that holds lines; of a plan's file, its routes."""
    try:
        layers = pyogrio.list_layers(path)
    except pyogrio.errors.DataSourceError:
        return None  # told when it is read
    lines = [str(name) for name, kind in layers if kind is not None and "Line" in str(kind)]
    if "routes" in lines:
        return "routes"
    if len(lines) > 1:
        raise SchemaError(
            f"{path.name} has lines in {len(lines)} layers: {listing(lines)}; say which with "
            "layer=."
        )
    return lines[0] if lines else None


def _of_table(frame: gpd.GeoDataFrame, name: str, crs: CRS, *, stem: str = "") -> Iterator[Drawn]:
    if frame.crs is None:
        raise CRSError(f"{name} has no CRS; state it with set_crs(...), e.g. set_crs(4326).")
    shapes = frame.geometry.to_crs(crs).to_numpy()
    labels = [_labels(frame, row) for row in range(len(frame))]
    for row, shape in enumerate(shapes):
        if shape is None or shape.is_empty:
            continue
        if shape.geom_type not in ("LineString", "MultiLineString", "LinearRing"):
            raise SchemaError(
                f"row {row + 1} of {name} is a {shape.geom_type}; wanted lines (a polygon: its "
                "boundary)."
            )
        alone = (stem,) if stem and len(frame) == 1 else ()
        yield from _parts(shape, (*labels[row], *alone), f"row {row + 1} of {name}")


def _parts(shape: Any, labels: tuple[str, ...], where: str) -> Iterator[Drawn]:
    for part in shapely.get_parts(shape):
        xy = shapely.get_coordinates(part)
        if not np.isfinite(xy).all():
            raise CRSError(f"{where} has points outside the world; correct its CRS.")
        if len(xy) >= 2:
            yield Drawn(xy=np.ascontiguousarray(xy), labels=labels, where=where)


def _labels(frame: gpd.GeoDataFrame, row: int) -> tuple[str, ...]:
    """Return what a row's cells call its line: shift and crew together, else a name."""
    by_name = {plain_name(column): column for column in frame.columns}
    if frame.index.name is not None:
        by_name.setdefault(plain_name(frame.index.name), None)

    def cell(name: str) -> str | None:
        column = by_name[name]
        value = frame.index[row] if column is None else frame[column].iloc[row]
        value = int(value) if isinstance(value, float) and value.is_integer() else value
        told = short(value, most=200)
        return None if told == "nothing" else told

    found = [cell(name) for name in LABELS if name in by_name]
    if {"shift", "crew"} <= set(by_name) and "route_id" not in by_name:
        found.insert(0, f"{cell('shift')}-{cell('crew')}")
    return tuple(label for label in found if label is not None)


def _of_gpx(path: Path, crs: CRS) -> Iterator[Drawn]:
    """Read tracks and routes; waypoints, times and extensions are left out."""
    import gpxpy
    import gpxpy.gpx

    _require_gpx(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        _require_plain(text, path)
        gpx = gpxpy.parse(text)
    except (gpxpy.gpx.GPXException, UnicodeDecodeError) as error:
        raise SourceFormatError(
            f"{path.name} is no sound GPX file: {short(error, most=120)}. Export it again."
        ) from error
    tracks = [(track.name, [part.points for part in track.segments]) for track in gpx.tracks]
    routes = [(route.name, [route.points]) for route in gpx.routes]
    alone = len(tracks) + len(routes) == 1
    for number, (name, parts) in enumerate([*tracks, *routes], start=1):
        labels = ([short(name, most=200)] if name else []) + ([path.stem] if alone else [])
        for points in parts:
            if len(points) < 2:
                continue
            degrees = shapely.linestrings([(p.longitude, p.latitude) for p in points])
            (shape,) = gpd.GeoSeries([degrees], crs=WGS84).to_crs(crs)
            yield from _parts(shape, tuple(labels), f"track {number} of {path.name}")


def _require_gpx(path: Path) -> None:
    if path.is_file() and path.stat().st_size > _GPX_MOST:
        raise SourceFormatError(f"{path.name} is larger than 200 MB; wanted tracks of patrols.")
    if not path.is_file() or path.stat().st_size == 0:
        check_file(path, GPX)


def _require_plain(text: str, path: Path) -> None:
    """Refuse XML that declares entities: they may read other files, or swell without end."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise SourceFormatError(f"{path.name} declares XML entities, which no GPX file needs.")
