"""Reading a table of lines (GeoPackage, GeoParquet, Shapefile, GeoJSON, GeoDataFrame)."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from patrolmap._crs import to_lonlat
from patrolmap.errors import CRSError, SchemaError, SourceFormatError
from patrolmap.schema import AREA_VALUES, SIDEWALK_VALUES
from patrolmap.streets import rules
from patrolmap.streets.lines.table import FLAGS, MOSTLY, TAGS, Lines

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_END_COLUMNS = (("u", "v"), ("from_node", "to_node"))
_NAME_COLUMNS = {
    "name": ("name",),
    "name_kk": ("name_kk", "name:kk"),
    "name_ru": ("name_ru", "name:ru"),
    "name_en": ("name_en", "name:en"),
}
_BETWEEN = 1 << 62  # vertices between the ends of a line are nobody else's: ids above all others
_GRID = 10  # nodes without ids stand on a grid of 0.1 m


def read_table(path: Path) -> gpd.GeoDataFrame:
    """Read the one table of a file, whatever its form.

    Raises
    ------
    SourceFormatError
        If the file cannot be read, or holds several tables.
    """
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            return gpd.read_parquet(path)
        layers = gpd.list_layers(path)
        drawn = layers.loc[layers["geometry_type"].notna(), "name"].tolist()
        if len(drawn) == 1:
            return _whole_names(gpd.read_file(path, layer=drawn[0]), path)
    except Exception as error:  # GDAL, Arrow and geopandas raise families of their own
        raise SourceFormatError(
            f"{path} cannot be read as a table of geometries: {error}"
        ) from error
    raise SourceFormatError(
        f"{path} holds {len(drawn)} tables with geometry ({drawn}); wanted one. Read the one you "
        "mean with geopandas.read_file(path, layer=...) and pass that."
    )


def _whole_names(table: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    """Undo a Shapefile's cutting of column names to 10 letters, of columns that are looked at."""
    if path.suffix.lower() != ".shp":
        return table
    known = {name[:10]: name for name in (*rules.JUDGED_KEYS, *FLAGS) if len(name) > 10}
    return table.rename(columns={k: v for k, v in known.items() if v not in table})


def check_lines(table: gpd.GeoDataFrame, *, what: str) -> gpd.GeoDataFrame:
    """Return the rows that hold a line, node ids as columns, or say what stands in the way.

    Raises
    ------
    CRSError
        If the table has no CRS, or its coordinates lie outside the world.
    SourceFormatError
        If it holds no line, or anything but lines.
    SchemaError
        If it has no geometry column.
    """
    if table.active_geometry_name is None:
        raise SchemaError(f"{what} has no geometry column; wanted lines, see set_geometry(...).")
    if table.crs is None:
        raise CRSError(
            f"{what} has no CRS; state it with set_crs(...), e.g. set_crs(4326) for degrees."
        )
    shape = table.geometry
    there = table[~(shape.isna() | shape.is_empty)]
    if there.empty:
        raise SourceFormatError(f"{what} holds no geometry at all in its {len(table)} rows.")
    kinds = there.geom_type
    wrong = ~kinds.isin(["LineString", "MultiLineString", "LinearRing"])
    if wrong.any():
        row, kind = wrong.idxmax(), kinds[wrong].iloc[0]
        raise SourceFormatError(
            f"{what}: row {row!r} is a {kind} ({int(wrong.sum())} of {len(there)} rows are not "
            "lines); wanted streets as LineString or MultiLineString."
        )
    _check_world(there, what)
    if {"u", "v"} <= set(there.index.names) - set(there.columns):  # as osmnx edges have them
        there = there.reset_index()
    return there


def _check_world(table: gpd.GeoDataFrame, what: str) -> None:
    west, south, east, north = table.total_bounds
    if not table.crs.is_geographic:
        corners = to_lonlat(table.crs, [west, east], [south, north])
        (west, east), (south, north) = corners
    sound = np.isfinite([west, south, east, north]).all()
    if not sound or west < -180 or east > 180 or south < -90 or north > 90:
        raise CRSError(
            f"{what}: coordinates reach outside the world (bounds {table.total_bounds.round(3)} in "
            f"{table.crs.name}); is that the right CRS? State the true one with "
            "set_crs(..., allow_override=True)."
        )


def table_lines(table: gpd.GeoDataFrame, *, crs: CRS, what: str) -> tuple[Lines, dict[str, float]]:
    """Turn checked rows into lines over shared nodes, in metres."""
    rows = _as_osm(table.to_crs(crs).reset_index(drop=True))
    ends = next((pair for pair in _END_COLUMNS if set(pair) <= set(rows.columns)), None)
    tags = _tags(rows)
    kept = tags[FLAGS].any(axis=1).to_numpy()
    if not kept.any():
        raise SourceFormatError(f"{what}: none of its {len(rows)} lines may be walked or driven.")
    way = _way_ids(rows)
    geometry, part_of = shapely.get_parts(rows.geometry.to_numpy()[kept], return_index=True)
    row = np.flatnonzero(kept)[part_of]
    if ends and (repeated := pd.Series(row).duplicated()).any():
        at = row[repeated.to_numpy().argmax()]
        raise SchemaError(
            f"{what}: row {at} is a line in several parts, so {ends[0]} and {ends[1]} cannot "
            "be the ends of each; draw one line a row, or drop both columns."
        )
    geometry = shapely.force_2d(geometry)
    first, last = _end_points(geometry)
    if ends:
        u, v = (_whole(rows[name], what)[row] for name in ends)
    else:
        u, v = _grid_ids(first), _grid_ids(last)
    lines, doubled = _share(geometry, u, v, way[row], tags.iloc[row], what if ends else None)
    return lines, {
        "lines read": float(len(rows)),
        "lines left out by the walk and drive rules": float((~kept).sum()),
        "lines drawn twice, taken as one": float(doubled),
    }


def _share(
    geometry: npt.NDArray[np.object_],
    u: Ints,
    v: Ints,
    way: Ints,
    tags: pd.DataFrame,
    named: str | None,
) -> tuple[Lines, int]:
    """Let lines share their end nodes; the result does not depend on the order of rows."""
    xy, line = shapely.get_coordinates(geometry, return_index=True)
    size = np.bincount(line, minlength=len(geometry))
    begin = np.cumsum(size) - size
    turned = (u > v) | ((u == v) & _later(xy[begin + 1], xy[begin + size - 2]))
    geometry = np.where(turned, shapely.reverse(geometry), geometry)
    tags = tags.reset_index(drop=True)
    flipped = tags[["drive_backward", "drive_forward"]].to_numpy()
    drive = np.where(turned[:, None], flipped, tags[["drive_forward", "drive_backward"]].to_numpy())
    tags[["drive_forward", "drive_backward"]] = drive
    u, v = np.minimum(u, v), np.maximum(u, v)

    # Edges of one street in two directions, and doubles, are one line that either may drive.
    drawn = shapely.to_wkb(shapely.set_precision(geometry, 0.1, mode="pointwise"))
    keys = pd.DataFrame({"u": u, "v": v, "way": way, "drawn": drawn})
    order = (
        keys.assign(exact=shapely.to_wkb(geometry))
        .sort_values(["u", "v", "way", "drawn", "exact"], kind="stable")
        .index.to_numpy()
    )
    group = keys.groupby(["u", "v", "drawn"], sort=False).ngroup().to_numpy()
    flags = tags[FLAGS].groupby(group).any()
    one = order[~pd.Series(group[order]).duplicated().to_numpy()]
    tags = tags.iloc[one].reset_index(drop=True)
    tags[FLAGS] = flags.loc[group[one]].to_numpy()
    return _lines(geometry[one], u[one], v[one], way[one], tags, named), len(order) - len(one)


def _lines(
    geometry: npt.NDArray[np.object_],
    u: Ints,
    v: Ints,
    way: Ints,
    tags: pd.DataFrame,
    named: str | None,
) -> Lines:
    xy, line = shapely.get_coordinates(geometry, return_index=True)
    size = np.bincount(line)
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    ids = _BETWEEN + np.arange(len(xy), dtype=np.int64)
    ids[start[:-1]], ids[start[1:] - 1] = u, v
    order = np.lexsort((xy[:, 1], xy[:, 0], ids))  # a node stands at its first place in this order
    node_id, at = np.unique(ids[order], return_index=True)
    place = xy[order][at]
    vertex = np.searchsorted(node_id, ids)
    if named is not None:
        _check_ends(xy, place[vertex], node_id[vertex], named)
    return Lines(
        way=way,
        start=start,
        vertex=vertex,
        node_id=node_id,
        x=place[:, 0],
        y=place[:, 1],
        crossing=np.zeros(len(node_id), dtype=bool),
        tags=tags,
    )


def _check_ends(xy: Floats, place: Floats, node_id: Ints, what: str) -> None:
    apart = np.hypot(*(xy - place).T)
    if (apart > 1.0).any():
        at = int(np.argmax(apart))
        raise SchemaError(
            f"{what}: lines that meet at node {node_id[at]} by their ids end {apart[at]:,.1f} m "
            "apart; wanted each line drawn from its first node to its second, within 1 m."
        )


def _later(one: Floats, other: Floats) -> npt.NDArray[np.bool_]:
    """Say where a point comes after another, by x and then y."""
    later: npt.NDArray[np.bool_] = (one[:, 0] > other[:, 0]) | (
        (one[:, 0] == other[:, 0]) & (one[:, 1] > other[:, 1])
    )
    return later


def _end_points(geometry: npt.NDArray[np.object_]) -> tuple[Floats, Floats]:
    first = shapely.get_coordinates(shapely.get_point(geometry, 0))
    return first, shapely.get_coordinates(shapely.get_point(geometry, -1))


def _grid_ids(xy: Floats) -> Ints:
    """Make node ids of places: x and y in units of 0.1 m, 31 bits each."""
    cell = np.rint(xy * _GRID).astype(np.int64) + (1 << 30)
    return (cell[:, 0] << 31) | cell[:, 1]


def _whole(column: pd.Series, what: str) -> Ints:
    numbers = pd.to_numeric(column, errors="coerce")
    bad = numbers.isna() | (numbers % 1 != 0)
    if bad.any():
        raise SchemaError(
            f"{what}: column {column.name!r} holds {column[bad].iloc[0]!r} in row {bad.idxmax()}; "
            "wanted whole numbers as node ids, or no such column."
        )
    whole: Ints = numbers.to_numpy(dtype=np.int64)
    return whole


def _way_ids(rows: pd.DataFrame) -> Ints:
    """Return the smallest OSM way id of each row, 0 where none is given."""
    if "osmid" not in rows:
        return np.zeros(len(rows), dtype=np.int64)
    out = []
    for value in rows["osmid"]:
        parts = value if isinstance(value, list | tuple | np.ndarray) else _parts(value)
        numbers = [int(p) for p in parts if str(p).lstrip("-").isdigit()]
        out.append(min(numbers, default=0))
    return np.array(out, dtype=np.int64)


def _parts(value: Any) -> list[str]:
    return [] if pd.isna(value) else rules.split_values(str(value).removesuffix(".0"))


def _text(value: Any) -> str | None:
    """Return a cell as an OSM value: yes/no for booleans, None where empty."""
    if isinstance(value, list | tuple | np.ndarray):
        return str([str(part) for part in value]) if len(value) else None
    if value is None or pd.isna(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return {"True": "yes", "False": "no"}.get(str(value), str(value).strip() or None)


def _values(rows: pd.DataFrame, column: str) -> list[str | None]:
    return [_text(v) for v in rows[column]] if column in rows else [None] * len(rows)


def _join_names(value: str | None) -> str | None:
    """Write several names of one street, as osmnx lists them, as `Abai / Tole bi`."""
    if value is None or not value.startswith("["):
        return value
    return " / ".join(rules.split_values(value))


def _as_osm(rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the columns of Geofabrik's street tables (fclass; oneway F, T, B) their OSM names."""
    if "fclass" not in rows or "highway" in rows:
        return rows
    named = rows.assign(highway=rows["fclass"].replace("unknown", "unclassified"))
    if "oneway" in named:
        named["oneway"] = named["oneway"].map({"F": "yes", "T": "-1", "B": "no"})
    return named


def _tags(rows: pd.DataFrame) -> pd.DataFrame:
    """Read the tags of the rules, or the table's own columns where it says the same outright."""
    out = pd.DataFrame(_judged(rows), columns=list(rules.Judged._fields))
    out = out.astype({"highway": "str", "lit": "str", "role": "str"})
    for name in FLAGS:
        if name in rows:
            out[name] = [_text(value) in ("yes", "true", "1", "1.0") for value in rows[name]]
    if "sidewalk" in rows:  # a table saved here says `one` or `both`, a tag says on which side
        given = rows["sidewalk"].where(rows["sidewalk"].isin(SIDEWALK_VALUES))
        out["sidewalk"] = given.astype("str").fillna(out["sidewalk"].astype("str"))
    if "area" in rows:
        out["area"] = rows["area"].where(rows["area"].isin(AREA_VALUES)).astype("str")
    for name, columns in _NAME_COLUMNS.items():
        values = _values(rows, next((c for c in columns if c in rows), ""))
        out[name] = pd.Series([_join_names(value) for value in values], dtype="str")
    return out.astype(dict.fromkeys(MOSTLY, "str"))[TAGS]


def _judged(rows: pd.DataFrame) -> list[rules.Judged]:
    there = [key for key in rules.JUDGED_KEYS if key in rows]
    known: dict[tuple[str | None, ...], rules.Judged] = {}
    columns = [_values(rows, key) for key in there]
    out = []
    for values in zip(*columns, strict=True) if there else [()] * len(rows):
        if values not in known:
            tags = dict(zip(there, values, strict=True))
            # A table without highway kinds holds streets: only its other tags can close them.
            tags["highway"] = tags.get("highway") or "unclassified"
            known[values] = rules.judge(tags)
        out.append(known[values])
    return out
