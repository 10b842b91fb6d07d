"""`read_streets`: any local source of streets in, one `StreetNetwork` out."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from patrolmap._crs import metric_crs, to_lonlat
from patrolmap.errors import OptionError
from patrolmap.streets.boundary import (
    Boundary,
    boundary_box,
    choose_crs,
    is_district,
    missed,
    read_boundary,
)
from patrolmap.streets.cache import read_cached
from patrolmap.streets.lines.assemble import Options, assemble
from patrolmap.streets.lines.table import Lines
from patrolmap.streets.network import StreetNetwork
from patrolmap.streets.pause import without_collector
from patrolmap.streets.sources.areas import Areas, read_areas, shown_grounds
from patrolmap.streets.sources.formats import check_form, find_file
from patrolmap.streets.sources.graph_rows import read_graphml
from patrolmap.streets.sources.osm import Nodes
from patrolmap.streets.sources.table import check_lines, read_table, table_lines
from patrolmap.streets.sources.ways import read_ways

_log = logging.getLogger(__name__)
# Of a country, ways within this many metres of the boundary are read: the 500 m that are kept, and
# 5 km more, so that streets which reach in keep the ids that their far junctions give them.
_MARGIN = 5500.0


def read_streets(
    source: str | Path | gpd.GeoDataFrame,
    *,
    boundary: Boundary | None = None,
    sidewalks: str = "merge",
    max_segment_length: float = 200.0,
    crs: Any = None,
    cache_dir: str | Path | None = None,
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
        GeoPackage, GeoParquet, Shapefile or GeoJSON file, or a GeoDataFrame; or a graph saved as
        `.graphml`, see `StreetNetwork.from_networkx`. A table may carry node ids (`u`, `v` or
        `from_node`, `to_node`; osmnx edges do): edges of one street in both directions become one
        segment. Without them, lines meet where their ends agree to 0.1 m. A `highway` column brings
        the rules for OSM tags to bear; `walk`, `drive_forward` and `drive_backward` columns
        overrule them. Nothing is ever fetched from the web.
    boundary
        Polygon of the place asked for: shapely in degrees, a GeoDataFrame or GeoSeries in any CRS,
        the path of a polygon file, or an administrative boundary inside the same extract by its
        name in any language or its relation id (see `read_districts`). Segments whose middle lies
        in it have ``inside=True``; those up to 500 m outside are kept for walking through and for
        density, others dropped.
    sidewalks
        "merge" folds sidewalks and crossings drawn as ways of their own (`footway=sidewalk` and the
        like) into the walkable street they run along, within 20 m: the street keeps its crossings,
        and paths that met the sidewalk meet the street. "keep" leaves every line.
    max_segment_length
        Metres; `math.inf` leaves streets whole.
    crs
        Metric CRS of the result, true to 2 % where the streets lie; by default the UTM zone of the
        boundary's middle, else of the streets' middle.
    cache_dir
        Folder in which networks read from files are kept, made where absent: the next reading of
        the same content with the same options takes a tenth of the time and gives the same. A file
        of it that is damaged, and a folder that cannot be written, are a logged warning; files may
        be deleted at any time. A table in memory is never kept.

    Returns
    -------
    StreetNetwork
        `walk` holds only in the largest connected part of the walking graph (that with the most
        length inside the boundary, where there is one), and the drive columns in that of the
        driving graph; segments in neither are dropped. `.report` has the lengths.

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
    area = None if boundary is None or is_district(boundary) else read_boundary(boundary)
    options = Options(boundary=area, sidewalks=sidewalks, max_segment_length=max_segment_length)
    wanted_crs = None if crs is None else metric_crs(crs, lon=0, lat=0)
    if isinstance(source, gpd.GeoDataFrame):
        return _from_table(source, options, wanted_crs, what="the table of streets")
    if not isinstance(source, str | Path):
        raise OptionError(
            f"source is a {type(source).__name__}; wanted the path of an OSM file or of a table of "
            "lines, or a GeoDataFrame of lines (a networkx graph is for "
            "StreetNetwork.from_networkx)."
        )
    path = find_file(source, what="an OSM extract or a table of streets")
    district = boundary if area is None else None

    def read() -> StreetNetwork:
        return _from_file(path, options, wanted_crs, district)

    if cache_dir is None:
        return read()
    asked = vars(options) | {"crs": wanted_crs, "boundary": boundary if area is None else area}
    return read_cached(path, asked, cache_dir, read)


@without_collector()
def _from_file(path: Path, options: Options, crs: CRS | None, district: Any) -> StreetNetwork:
    form = check_form(path)
    if district is not None:
        options = replace(options, boundary=read_boundary(district, source=path))
    if form == "graph":
        return StreetNetwork.from_networkx(read_graphml(path), crs=crs, **vars(options))
    if form == "table":
        return _from_table(read_table(path), options, crs, what=str(path))
    area = options.boundary
    box = None if area is None else boundary_box(area, _MARGIN)
    nodes = Nodes(path)
    ways = read_ways(path, box=box, nodes=nodes)
    if area is not None and not len(ways.way):
        raise missed(area, nodes.corners())
    metric = choose_crs(crs, area, lon=float(np.median(ways.lon)), lat=float(np.median(ways.lat)))
    with ThreadPoolExecutor(1) as aside:  # PROJ lets other work go on meanwhile
        projected = aside.submit(ways.project, metric)
        areas = read_areas(path, [*ways.closed, *nodes.relations], nodes=nodes, box=box)
    lines, report = projected.result()
    return _network(lines, options, metric, report, areas=areas, credit=nodes.credit)


def _network(
    lines: Lines,
    options: Options,
    crs: CRS,
    report: dict[str, float],
    *,
    areas: Areas | None = None,
    credit: str = "",
) -> StreetNetwork:
    segments, nodes, repairs = assemble(lines, options, crs=crs, areas=areas)
    parts: dict[str, Any] = {} if areas is None else {"grounds": shown_grounds(areas, segments)}
    network = StreetNetwork(
        segments=segments, nodes=nodes, attribution=credit, report=report | repairs, **parts
    )
    _log.info("read %r", network)
    return network


def _from_table(
    table: gpd.GeoDataFrame, options: Options, crs: CRS | None, *, what: str
) -> StreetNetwork:
    rows = check_lines(table, what=what)
    x, y = np.median(shapely.get_coordinates(rows.geometry.to_numpy()), axis=0)
    lon, lat = to_lonlat(rows.crs, x, y)
    metric = choose_crs(crs, options.boundary, lon=float(lon), lat=float(lat))
    lines, report = table_lines(rows, crs=metric, what=what)
    report["rows without geometry"] = float(len(table) - len(rows))
    return _network(lines, options, metric, report)
