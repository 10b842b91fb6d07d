"""A plan's tables for other programs: CSV, GeoJSON, GeoParquet, PostGIS."""

import csv
from pathlib import Path
from typing import Any, Literal, get_args

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely
from shapely.geometry import LineString, Point

from patrolmap._files import replacing
from patrolmap.errors import OptionError
from patrolmap.events._text import FORMULA, UNSEEN
from patrolmap.output._legs import steps_by_route
from patrolmap.patrol.plan import Plan
from patrolmap.schema import require_type

TableFormat = Literal["csv", "excel", "geojson", "parquet"]
_ENDINGS = {"csv": "csv", "excel": "csv", "geojson": "geojson", "parquet": "parquet"}
_FORMULA = (*FORMULA, "＝", "＋", "－", "＠")
_GRID = 1e-6  # degrees


def write_tables(plan: Plan, folder: str | Path, *, format: TableFormat = "csv") -> dict[str, Path]:
    """Write the tables of a plan, one file each, for other programs.

    The tables are routes, visits, segments, stops and unserved, each with its place: a visit as
    the line walked or the point where the crew stands. They are for official use only. A plan that
    is to be read again is kept with `Plan.to_file` instead.

    Parameters
    ----------
    plan
        Any plan.
    folder
        Where to write; made if it is missing. Each file is replaced in one step.
    format
        "csv": commas, UTF-8, times in ISO 8601, places as well-known text in degrees.
        "excel": CSV as Excel opens it where commas are decimal signs (Kazakhstan, Russia, most of
        Europe): semicolons, decimal commas, a byte order mark, times by the wall's clock.
        "geojson": RFC 7946, in degrees. "parquet": GeoParquet, in the plan's CRS.

        In both kinds of CSV a text that a spreadsheet would run as a formula gets an apostrophe
        before it, ids and heads of columns too.

    Returns
    -------
    dict
        Name of the table -> its file.

    Raises
    ------
    OptionError
        If `folder` is a file or `format` none of these.
    SchemaError
        If the plan's tables do not belong together.

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd, pandas as pd, patrolmap as pm
    >>> from shapely import LinearRing
    >>> block = LinearRing([(656000, 4790000), (656200, 4790000), (656200, 4790200)])
    >>> streets = pm.read_streets(gpd.GeoDataFrame({"name": ["=1+1"]}, geometry=[block], crs=32643))
    >>> depot = pm.Depot("Abay", lon=76.9217, lat=43.2466)
    >>> shift = pm.Shift(depot=depot, start="2026-11-22 20:00+05:00", duration="1h", name="night")
    >>> risk = pd.Series(1.0, index=streets.segments.index)
    >>> plan = pm.plan_patrols(streets, risk, [shift], stop=pm.MaxIterations(5))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_tables(plan, folder)
    ...     visits = pd.read_csv(files["visits"])
    >>> visits["place"].unique().tolist(), visits["geometry"][0][:12]
    (["'=1+1"], 'LINESTRING (')
    """
    require_type(plan, Plan, name="plan")
    if format not in get_args(TableFormat):
        raise OptionError(f"format={format!r}; wanted one of {list(get_args(TableFormat))}.")
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise OptionError(f"{target} is a file; wanted a folder for the tables.")
    write = {"csv": _csv, "excel": _excel, "geojson": _geojson, "parquet": _parquet}[format]
    written = {}
    for name, table in placed_tables(plan).items():
        written[name] = target / f"{name}.{_ENDINGS[format]}"
        with replacing(written[name]) as draft:
            write(table, draft)
    return written


def placed_tables(plan: Plan) -> dict[str, gpd.GeoDataFrame]:
    """Return a plan's tables with their index as columns and a geometry each, in its CRS."""
    crs = plan.segments.crs
    lines = {
        (route_id, step.step): LineString(step.line) if len(step.line) > 1 else Point(step.line[0])
        for route_id, steps in steps_by_route(plan).items()
        for step in steps
    }
    walked = [lines[key] for key in plan.visits.index]
    missed = plan.segments.geometry.reindex(plan.unserved.index).to_numpy()
    return {
        "routes": plan.routes.reset_index(),
        "visits": gpd.GeoDataFrame(plan.visits.reset_index(), geometry=walked, crs=crs),
        "segments": plan.segments.reset_index(),
        "stops": plan.stops.reset_index(),
        "unserved": gpd.GeoDataFrame(plan.unserved.reset_index(), geometry=missed, crs=crs),
    }


def _csv(table: gpd.GeoDataFrame, path: Path) -> None:
    flat = _safe(_in_words(table))
    flat.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def _excel(table: gpd.GeoDataFrame, path: Path) -> None:
    plain = table.copy()
    for column in plain.select_dtypes("datetimetz"):
        plain[column] = plain[column].dt.strftime("%Y-%m-%d %H:%M:%S")
    # Excel takes 0,5 for a number and leaves 1.5 to be read as the first of May.
    _safe(_in_words(plain)).to_csv(
        path, index=False, sep=";", decimal=",", lineterminator="\r\n", encoding="utf-8-sig",
        quoting=csv.QUOTE_MINIMAL,
    )  # fmt: skip


def _geojson(table: gpd.GeoDataFrame, path: Path) -> None:
    plain = table.copy()
    for column in plain.select_dtypes("datetimetz"):
        plain[column] = _iso(plain[column])
    plain = plain.to_crs(4326)
    pyogrio.write_dataframe(plain, path, driver="GeoJSON", RFC7946="YES", WRITE_NAME="NO")


def _parquet(table: gpd.GeoDataFrame, path: Path) -> None:
    table.to_parquet(path, index=False)


def _in_words(table: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a table whose places are well-known text in degrees and whose times ISO 8601."""
    degrees = shapely.set_precision(table.geometry.to_crs(4326).to_numpy(), _GRID)
    flat = pd.DataFrame(table.drop(columns="geometry"))
    for column in flat.select_dtypes("datetimetz"):
        flat[column] = _iso(flat[column])
    return flat.assign(geometry=shapely.to_wkt(degrees, rounding_precision=6, trim=True))


def _iso(times: pd.Series) -> pd.Series:
    return times.map(lambda moment: moment.isoformat(timespec="seconds"), na_action="ignore")


def _safe(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before each text that a spreadsheet would run as a formula."""
    out = table.rename(columns=_harmless)
    for column in out.columns:
        if not pd.api.types.is_numeric_dtype(out[column].dtype):
            out[column] = out[column].map(_harmless, na_action="ignore")
    return out


def _harmless(value: Any) -> Any:
    # Spaces and unseen signs before it do not keep a spreadsheet from seeing it.
    if not isinstance(value, str):
        return value
    begins = UNSEEN.sub(" ", value).lstrip()
    return f"'{value}" if value.startswith(_FORMULA) or begins.startswith(_FORMULA) else value
