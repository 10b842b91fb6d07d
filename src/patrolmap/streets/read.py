"""`read_streets`: any local source of streets in, one `StreetNetwork` out."""

import logging
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from patrolmap._crs import metric_crs, to_lonlat
from patrolmap.errors import OptionError
from patrolmap.streets.assemble import assemble
from patrolmap.streets.boundary import Boundary, read_boundary
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.osm import credit_of, read_ways
from patrolmap.streets.sources import check_form, find_file
from patrolmap.streets.table import check_lines, read_table, table_lines
from patrolmap.streets.topology import Lines

_log = logging.getLogger(__name__)


def read_streets(
    source: str | Path | gpd.GeoDataFrame,
    *,
    boundary: Boundary | None = None,
    max_segment_length: float = 200.0,
    crs: Any = None,
) -> StreetNetwork:
    """Read a street network for walking and driving from a local file or table.

    Ways are split wherever they share a node; pieces that meet at a node of degree two and agree
    in name, kind, lighting and modes become one segment; a longer one is cut into
    ``ceil(length / max_segment_length)`` equal pieces. Which ways count is declared in
    `patrolmap.streets.rules`.

    Parameters
    ----------
    source
        An OSM extract (`.osm.pbf`, `.osm`, `.osm.gz`, `.osm.bz2`), or a table of lines: a
        GeoPackage, GeoParquet, Shapefile or GeoJSON file, or a GeoDataFrame. A table may carry node
        ids (`u`, `v` or `from_node`, `to_node`; osmnx edges do): edges of one street in both
        directions become one segment. Without them, lines meet where their ends agree to 0.1 m.
        A `highway` column brings the rules for OSM tags to bear; `walk`, `drive_forward` and
        `drive_backward` columns overrule them. Nothing is ever fetched from the web.
    boundary
        Polygon of the place asked for: shapely in degrees, a GeoDataFrame or GeoSeries in any CRS,
        or the path of a polygon file. Segments whose middle lies in it have ``inside=True``; those
        up to 500 m outside are kept for walking through and for density, others dropped.
    max_segment_length
        Metres; `math.inf` leaves streets whole.
    crs
        Metric CRS of the result; by default the UTM zone of the boundary's middle, else of the
        streets' middle.

    Returns
    -------
    StreetNetwork
        `walk` holds only in the largest connected part of the walking graph, and the drive columns
        in that of the driving graph; segments in neither are dropped. `.report` has the lengths.

    Raises
    ------
    SourceNotFoundError
        If the file is not there; lists what lies near.
    SourceFormatError
        If it is empty, cut short, of another format than its name says, or holds no street.
    CRSError
        If a table has no CRS, or coordinates lie outside the world.
    SchemaError
        If the node ids of a table contradict its lines.
    OptionError
        If an option is out of range, or the boundary misses the streets.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import LineString
    >>> lines = gpd.GeoDataFrame(
    ...     {"name": ["Abai", "Abai", "Satpaev"]},
    ...     geometry=[
    ...         LineString([(656_000, 4_790_000), (656_120, 4_790_000)]),
    ...         LineString([(656_120, 4_790_000), (656_300, 4_790_000)]),
    ...         LineString([(656_300, 4_790_000), (656_300, 4_790_090)]),
    ...     ],
    ...     crs=32643,
    ... )
    >>> streets = read_streets(lines)
    >>> streets.segments[["name", "length"]].values.tolist()
    [['Abai', 150.0], ['Abai', 150.0], ['Satpaev', 90.0]]
    """
    _check_length(max_segment_length)
    area = None if boundary is None else read_boundary(boundary)
    lines, metric, report, credit = _read_lines(source, area, crs)
    segments, nodes, repairs = assemble(
        lines, crs=metric, boundary=area, max_segment_length=max_segment_length
    )
    network = StreetNetwork(
        segments=segments, nodes=nodes, attribution=credit, report=report | repairs
    )
    _log.info("read %r", network)
    return network


def _check_length(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not value > 0:
        raise OptionError(
            f"max_segment_length={value!r}; wanted metres above 0 (math.inf leaves streets whole)."
        )


def _read_lines(
    source: Any, area: gpd.GeoSeries | None, crs: Any
) -> tuple[Lines, CRS, dict[str, float], str]:
    """Read the source, choose the CRS by where it lies, project; say whom it is owed to."""
    if isinstance(source, gpd.GeoDataFrame):
        return *_from_table(source, area, crs, what="the table of streets"), ""
    if not isinstance(source, str | Path):
        raise OptionError(
            f"source is a {type(source).__name__}; wanted the path of an OSM file or of a table of "
            "lines, or a GeoDataFrame of lines."
        )
    path = find_file(source, what="an OSM extract or a table of streets")
    if check_form(path) == "table":
        return *_from_table(read_table(path), area, crs, what=str(path)), ""
    found = read_ways(path)
    metric = _choose_crs(crs, area, float(np.median(found.lon)), float(np.median(found.lat)))
    lines, report = found.project(metric)
    return lines, metric, report, credit_of(path)


def _from_table(
    table: gpd.GeoDataFrame, area: gpd.GeoSeries | None, crs: Any, *, what: str
) -> tuple[Lines, CRS, dict[str, float]]:
    rows = check_lines(table, what=what)
    x, y = np.median(shapely.get_coordinates(rows.geometry.to_numpy()), axis=0)
    lon, lat = to_lonlat(rows.crs, x, y)
    metric = _choose_crs(crs, area, float(lon), float(lat))
    lines, report = table_lines(rows, crs=metric, what=what)
    report["rows without geometry"] = float(len(table) - len(rows))
    return lines, metric, report


def _choose_crs(crs: Any, area: gpd.GeoSeries | None, lon: float, lat: float) -> CRS:
    if area is not None:
        middle = area.iloc[0].representative_point()
        lon, lat = middle.x, middle.y
    return metric_crs(crs, lon=lon, lat=lat)
