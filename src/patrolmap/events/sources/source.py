"""A source as it was found: its cells, geometry and CRS, before any meaning is given to them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import CRS

from patrolmap.errors import SchemaError
from patrolmap.events._columns import headers

MOST_PARTS = 5  # files of a list that notes name
IDS = ("objectid", "fid", "oid")  # columns by which a service puts its pages in order
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
    exceeded : bool
        Whether it says of itself that it is not all: a page of a service that has more rows.
    between : pair of Timestamp or None
        Only events from the first and before the second were asked for, though more may stand here.
    notes : tuple of str
    """

    table: pd.DataFrame
    rows: npt.NDArray[np.int64]
    name: str
    geometry: npt.NDArray[np.object_] | None = None
    crs: CRS | None = None
    broken: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(BROKEN)))
    exceeded: bool = False
    between: tuple[pd.Timestamp | None, pd.Timestamp | None] = (None, None)
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many rows the source has, broken ones counted."""
        return len(self.table) + len(self.broken)


def from_table(
    frame: pd.DataFrame, name: str, notes: tuple[str, ...] = (), *, exceeded: bool = False
) -> Source:
    """Take a DataFrame or GeoDataFrame as a source; named index levels become columns."""
    if frame.columns.nlevels > 1:
        raise SchemaError(f"{name} has {frame.columns.nlevels} levels of column names; wanted one.")
    columns = [str(_mended(str(column))) for column in frame.columns]
    twice = [column for column, number in Counter(columns).items() if number > 1]
    if twice:
        raise SchemaError(f"{name} has columns named alike: {twice[:5]}; rename them.")
    geometry, crs = _geometry(frame)
    series = {column: frame.iloc[:, at] for at, column in enumerate(columns)}
    cells = {column: each.array for column, each in series.items() if not _is_shape(each)}
    try:
        table = pd.DataFrame(cells)
    except UnicodeEncodeError:  # half a letter, as of a name of a file that was no UTF-8
        table = pd.DataFrame({c: [_mended(v) for v in values] for c, values in cells.items()})
    levels = frame.index.to_frame(index=False)
    for level in levels.columns:
        told = str(_mended(str(level)))
        if frame.index.names != [None] and level in frame.index.names and told not in table:
            table[told] = levels[level].array
    if len(frame) == 0:
        raise SchemaError(f"{name} has no rows; nothing to read.")
    rows = np.arange(1, len(frame) + 1, dtype=np.int64)
    table.index = pd.RangeIndex(len(frame))
    return Source(
        table=table, rows=rows, name=name, geometry=geometry, crs=crs, exceeded=exceeded,
        notes=notes,
    )  # fmt: skip


def from_file(
    frame: pd.DataFrame, name: str, notes: tuple[str, ...] = (), *, exceeded: bool = False
) -> Source:
    """Take what a file holds as a source; a page without rows is one, too."""
    if len(frame):
        return from_table(frame, name, notes, exceeded=exceeded)
    table = pd.DataFrame(columns=[str(column) for column in frame.columns if column != "geometry"])
    return Source(table=table, rows=np.empty(0, dtype=np.int64), name=name, exceeded=exceeded)


def join_sources(parts: Sequence[Source], name: str) -> Source:
    """Put the pages of one layer, or the files of one table, one below the other.

    A column that a page lacks is empty there; a service leaves out what no row of a page has.
    They are not all if the last of them says that more rows follow.

    Raises
    ------
    SchemaError
        If two of them are not of one layer: other columns, another CRS, geometry in one only.
    """
    full = [part for part in parts if part.total] or list(parts[:1])
    first = full[0]
    for part in full[1:]:
        _require_alike(first, part)
    starts = np.cumsum([0, *(max([part.total, *part.rows.tolist()[-1:]]) for part in full)])
    table = pd.concat([part.table for part in full], ignore_index=True)
    shapes = [part.geometry for part in full if part.geometry is not None]
    said = [
        f"rows from {start + 1:,} on are those of {part.name}"
        for part, start in zip(full, starts[:-1].tolist(), strict=True)
    ]
    if len(said) > MOST_PARTS:
        said = [*said[:MOST_PARTS], f"and so on, {len(full)} in all"]
    lacking = [c for c in table.columns if any(c not in part.table.columns for part in full)]
    said += [f"columns that stand in some only: {headers(lacking[:8])}"] if lacking else []
    if more := sum(part.exceeded for part in parts):
        said.append(
            f"{more:,} of {len(parts):,} pages say that more rows follow: right for pages of one "
            "question, but rows are missing if each has a question of its own"
        )
    broken = [p.broken.assign(row=p.broken["row"] + s) for p, s in zip(full, starts, strict=False)]
    return Source(
        table=table,
        rows=np.concatenate([p.rows + s for p, s in zip(full, starts, strict=False)]),
        name=name,
        geometry=np.concatenate(shapes) if shapes else None,
        crs=first.crs,
        broken=pd.concat(broken, ignore_index=True),
        exceeded=_lacks_end(parts),
        notes=(*dict.fromkeys(note for part in full for note in part.notes), *said),
    )


def _lacks_end(parts: Sequence[Source]) -> bool:
    """Tell whether more rows follow the last page, as it is given or as the ids say."""
    if all(part.exceeded for part in parts) or not parts[-1].exceeded:
        return parts[-1].exceeded
    highest = [_highest_id(part) for part in parts]
    return None in highest or parts[int(np.argmax(np.array(highest, dtype=float)))].exceeded


def _highest_id(part: Source) -> int | None:
    columns = [name for name in part.table if name.lower() in IDS]
    ids = part.table[columns[0]] if columns else pd.Series(dtype=object)
    return int(ids.max()) if len(ids) and ids.dtype.kind in "iu" else None


def _require_alike(first: Source, part: Source) -> None:
    mend = "Read them apart, and put the tables together with combine_events."
    ours, theirs = set(first.table.columns), set(part.table.columns)
    if 2 * len(ours & theirs) < len(ours | theirs):
        other = headers(sorted(ours ^ theirs)[:6])
        raise SchemaError(
            f"{part.name} has other columns than {first.name} ({other}): no pages of one layer. "
            f"{mend}"
        )
    if (first.geometry is None) != (part.geometry is None) or first.crs != part.crs:
        raise SchemaError(
            f"{part.name} is in {_crs_of(part)} and {first.name} in {_crs_of(first)}: no pages of "
            f"one layer. {mend}"
        )


def _crs_of(part: Source) -> str:
    if part.geometry is None:
        return "no geometry"
    return str(part.crs.to_string())[:40] if part.crs is not None else "no CRS that it states"


def _is_shape(column: Any) -> bool:
    return bool(column.dtype.name == "geometry")


def _mended(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _geometry(frame: pd.DataFrame) -> tuple[npt.NDArray[np.object_] | None, CRS | None]:
    active = getattr(frame, "active_geometry_name", None)
    if not isinstance(frame, gpd.GeoDataFrame) or active is None:
        return None, None
    return np.asarray(frame.geometry.array, dtype=object), frame.crs
