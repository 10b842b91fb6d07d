"""A source as it was found: its cells, geometry and CRS, before any meaning is given to them."""

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS

from patrolmap.errors import SchemaError

BROKEN = ("row", "reason", "given", "wanted")


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """What a file or table holds.

    Attributes
    ----------
    table : DataFrame
        Its columns as they stand, geometry apart.
    rows : (n,) int64
        Number of each row in the source, from 1.
    name : str
        How messages call it.
    geometry : (n,) object, optional
        Shapely geometry of each row.
    crs : CRS, optional
        What the source states.
    broken : DataFrame
        Rows that could not be cut into cells.
    notes : tuple of str
    """

    table: pd.DataFrame
    rows: npt.NDArray[np.int64]
    name: str
    geometry: npt.NDArray[np.object_] | None = None
    crs: CRS | None = None
    broken: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(BROKEN)))
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many rows the source has, broken ones counted."""
        return len(self.table) + len(self.broken)


def from_table(frame: pd.DataFrame, name: str, notes: tuple[str, ...] = ()) -> Source:
    """Take a DataFrame or GeoDataFrame as a source; named index levels become columns."""
    if frame.columns.nlevels > 1:
        raise SchemaError(f"{name} has {frame.columns.nlevels} levels of column names; wanted one.")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].unique().tolist()
        raise SchemaError(f"{name} has columns named alike: {twice[:5]}; rename them.")
    geometry, crs = _geometry(frame)
    table = pd.DataFrame({c: frame[c].array for c in frame.columns if not _is_shape(frame[c])})
    levels = frame.index.to_frame(index=False)
    for level in levels.columns:
        if frame.index.names != [None] and level in frame.index.names and level not in table:
            table[level] = levels[level].array
    if len(frame) == 0:
        raise SchemaError(f"{name} has no rows; nothing to read.")
    table.columns = [str(column) for column in table.columns]
    rows = np.arange(1, len(frame) + 1, dtype=np.int64)
    table.index = pd.RangeIndex(len(frame))
    return Source(table=table, rows=rows, name=name, geometry=geometry, crs=crs, notes=notes)


def _is_shape(column: Any) -> bool:
    return bool(column.dtype.name == "geometry")


def _geometry(frame: pd.DataFrame) -> tuple[npt.NDArray[np.object_] | None, CRS | None]:
    active = getattr(frame, "active_geometry_name", None)
    if not isinstance(frame, gpd.GeoDataFrame) or active is None:
        return None, None
    return np.asarray(frame.geometry.array, dtype=object), frame.crs
