"""From lines to the two tables of a network: segments, where they lie, what hangs together."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from patrolmap.errors import OptionError, SourceFormatError
from patrolmap.schema import SEGMENTS
from patrolmap.streets.boundary import place_segments
from patrolmap.streets.lines.avenues import join_streets
from patrolmap.streets.lines.connect import keep_connected, metres
from patrolmap.streets.lines.sidewalks import fold_sidewalks
from patrolmap.streets.lines.squares import cross_squares
from patrolmap.streets.lines.table import Lines
from patrolmap.streets.lines.topology import build_segments
from patrolmap.streets.sources.areas import Areas, place_in_areas

SIDEWALK_WAYS = ("merge", "keep")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What every source of streets takes, checked.

    Attributes
    ----------
    boundary : GeoSeries, optional
        One polygon in degrees.
    sidewalks : "merge" or "keep"
    max_segment_length : float
        Metres.

    Raises
    ------
    OptionError
        If one is out of its range.
    """

    boundary: gpd.GeoSeries | None
    sidewalks: str
    max_segment_length: float

    def __post_init__(self) -> None:
        if self.sidewalks not in SIDEWALK_WAYS:
            raise OptionError(f"sidewalks={self.sidewalks!r}; wanted one of {list(SIDEWALK_WAYS)}.")
        longest = self.max_segment_length
        number = isinstance(longest, int | float | np.number) and not isinstance(longest, bool)
        if not number or not longest > 0:
            raise OptionError(
                f"max_segment_length={longest!r}; wanted metres above 0 (math.inf leaves streets "
                "whole)."
            )


def assemble(
    lines: Lines, options: Options, *, crs: CRS, areas: Areas | None = None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, dict[str, float]]:
    """Build the tables of segments and nodes, and report what was repaired, kept and dropped.

    Squares of `areas` are crossed before sidewalks are folded away: a sidewalk is often what leads
    to a square.

    Raises
    ------
    SourceFormatError
        If no street has any length.
    OptionError
        If the boundary misses the streets.
    """
    done: dict[str, float] = {}
    if areas is not None:
        lines, crossed = cross_squares(lines, areas.squares, crs=crs)
        done |= crossed | {"areas left out, not whole in the file": float(areas.left_out)}
    if options.sidewalks == "merge":
        lines, folded = fold_sidewalks(lines)
        done |= folded
    longest = options.max_segment_length
    segments, nodes, report = build_segments(lines, crs=crs, max_segment_length=longest)
    report = done | report
    if segments.empty:
        raise SourceFormatError(
            "no street of any length: none of the usable ways has two nodes apart."
        )
    with ThreadPoolExecutor(1) as aside:  # searches for neighbours let other work go on
        # Of all of them: before the boundary cuts streets short.
        joined = aside.submit(join_streets, segments)
        if options.boundary is None:
            near = inside = np.ones(len(segments), dtype=bool)
        else:
            near, inside = place_segments(segments, options.boundary, crs=crs)
        # Before roads that hang together with no other lose their cars: they look like footways.
        within = segments["area"] if areas is None else place_in_areas(segments, areas)
        segments = segments.assign(inside=inside, area=pd.array(within, dtype="str"))
        segments, kept = keep_connected(segments, near, report)
    segments["street_id"] = joined.result()
    report["length outside the boundary, kept to walk through (m)"] = metres(
        segments, kept & ~inside
    )
    segments = segments[SEGMENTS.names][kept]
    used = nodes.index.isin(segments[["from_node", "to_node"]].to_numpy().ravel())
    return segments, nodes[used], report
