"""Esri JSON, as map services send it and as it is saved: features into columns and geometry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError

from patrolmap.errors import SourceFormatError
from patrolmap.events._columns import listing
from patrolmap.events._text import short

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """One answer of a service, or one saved page.

    Attributes
    ----------
    table : DataFrame
        A column a field. Dates stay epoch milliseconds and codes of a domain stay codes: what
        they mean is for the roles and presets to say.
    x, y : (n,) float64
        Coordinates of points, NaN where there is none.
    geometry : (n,) object
        Shapely geometry, None where a row has none.
    crs : CRS or None
        What the answer states.
    exceeded : bool
        Whether more rows exist than were sent (`exceededTransferLimit`).
    """

    table: pd.DataFrame
    x: Floats
    y: Floats
    geometry: Shapes
    crs: CRS | None
    exceeded: bool


def parse_features(payload: Any, name: str) -> Features:
    """Turn Esri JSON into columns and geometry: a feature set, a list of features, or one feature.

    Parameters
    ----------
    payload
        What `json.loads` made of it.
    name
        How messages call it.

    Raises
    ------
    SourceFormatError
        If it is no Esri JSON, or a feature in it is none.

    Examples
    --------
    >>> page = {"features": [{"attributes": {"STAT": "ст.188 ч.3", "YR": 2020},
    ...                       "geometry": {"x": 76.9, "y": 43.2}},
    ...                      {"attributes": {"STAT": "ст.191", "YR": None}}],
    ...         "spatialReference": {"wkid": 4326}, "exceededTransferLimit": True}
    >>> found = parse_features(page, "page.json")
    >>> found.table["STAT"].tolist(), found.x.tolist(), found.exceeded
    (['ст.188 ч.3', 'ст.191'], [76.9, nan], True)
    """
    page = _as_set(payload, name)
    features = page["features"]
    try:
        cells = [feature["attributes"] for feature in features]
        shapes = [feature.get("geometry") for feature in features]
        table = _columns(cells, page.get("fields"))
        x, y, geometry = _geometry(shapes)
    except (LookupError, TypeError, AttributeError, ValueError, shapely.GEOSException) as error:
        raise SourceFormatError(
            f"{name} is no sound Esri JSON: a feature in it lacks attributes, or its geometry is "
            f"none ({type(error).__name__}: {short(error, most=80)}). Export it again."
        ) from error
    return Features(
        table=table, x=x, y=y, geometry=geometry, crs=read_crs(page.get("spatialReference")),
        exceeded=is_exceeded(page),
    )  # fmt: skip


def is_exceeded(page: Mapping[str, Any]) -> bool:
    """Tell whether an answer says that it is not all; GeoJSON puts the word into `properties`."""
    properties = page.get("properties")
    inner = properties if isinstance(properties, Mapping) else {}
    return any(part.get("exceededTransferLimit") in (True, "true") for part in (page, inner))


def read_crs(reference: Any) -> CRS | None:
    """Return the CRS of a `spatialReference`, None where it states none that PROJ knows.

    Examples
    --------
    >>> read_crs({"wkid": 102100, "latestWkid": 3857}).to_string()
    'EPSG:3857'
    >>> read_crs({"wkid": 102100}).to_string()
    'ESRI:102100'
    """
    if not isinstance(reference, Mapping):
        return None
    for key in ("latestWkid", "wkid"):
        for authority in ("EPSG", "ESRI"):
            try:
                return CRS.from_authority(authority, int(reference[key]))
            except (KeyError, TypeError, ValueError, OverflowError, ProjError):
                continue
    try:
        return CRS.from_wkt(str(reference["wkt"]))
    except (KeyError, ValueError, ProjError):  # ValueError: half letters, which PROJ cannot take
        return None


def _as_set(payload: Any, name: str) -> Mapping[str, Any]:
    if isinstance(payload, list):
        payload = {"features": payload}
    if not isinstance(payload, Mapping):
        raise SourceFormatError(f"{name} is no Esri JSON; wanted an object with features.")
    if isinstance(payload.get("attributes"), Mapping):
        # A feature by itself may carry its reference inside the geometry.
        shape = payload.get("geometry")
        inner = shape.get("spatialReference") if isinstance(shape, Mapping) else None
        return {"spatialReference": inner, "features": [payload]}
    if not isinstance(payload.get("features"), list):
        raise SourceFormatError(
            f"{name} is no Esri JSON; wanted 'features', it has {listing(payload, most=8)}."
        )
    return payload


def _columns(cells: Sequence[Mapping[str, Any]], fields: Any) -> pd.DataFrame:
    """Return a column for each field that a row has; of a page without rows, those it announces."""
    names = [*dict.fromkeys(name for row in cells for name in row)]
    if not cells and isinstance(fields, list):
        names = [str(given["name"]) for given in fields]
    columns = {name: _column([row.get(name) for row in cells]) for name in names}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(cells)))


def _column(values: list[Any]) -> Any:
    """Give values a type of their own; whole numbers stay whole where some are missing."""
    try:
        found = pa.array(values, from_pandas=True)
    except (pa.ArrowException, UnicodeError, OverflowError):  # mixed, or no text that can be
        return pd.Series(values, dtype=object)
    if pa.types.is_integer(found.type):
        gaps = np.array(found.is_null())
        whole = np.array(found.fill_null(0), dtype=np.int64)
        return pd.arrays.IntegerArray(whole, gaps) if gaps.any() else whole
    if pa.types.is_floating(found.type):
        return np.array(found.fill_null(np.nan), dtype=np.float64)
    if pa.types.is_string(found.type):
        return pd.Series(found.to_pandas()).astype("str")
    return pd.Series(values, dtype=object)


def _geometry(shapes: Sequence[Any]) -> tuple[Floats, Floats, Shapes]:
    """Return coordinates and geometry; a point whose coordinates are "NaN" is none."""
    x, y = (
        np.array([shape.get(axis) if shape else None for shape in shapes], dtype=np.float64)
        for axis in "xy"
    )
    geometry = np.full(len(shapes), None, dtype=object)
    there = np.isfinite(x) & np.isfinite(y)
    geometry[there] = shapely.points(x[there], y[there])
    for at in np.flatnonzero(~there).tolist():
        if shapes[at]:
            geometry[at] = _shape(shapes[at])
    return x, y, geometry


def _shape(given: Mapping[str, Any]) -> Any:
    """Return a geometry that is no point, to be told from one; curves and the like are none."""
    if given.get("points"):
        return shapely.MultiPoint([point[:2] for point in given["points"]])
    if given.get("rings"):
        shell, *holes = ([point[:2] for point in ring] for ring in given["rings"])
        return shapely.Polygon(shell, holes)
    if given.get("paths"):
        return shapely.MultiLineString([[point[:2] for point in path] for path in given["paths"]])
    return None
