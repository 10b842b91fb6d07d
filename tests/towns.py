"""Small named towns for tests: a few streets each, drawn by their corners in metres."""

from collections.abc import Mapping, Sequence
from math import cos, pi, sin

import geopandas as gpd
import pandas as pd
from shapely.geometry import LineString, Point

from patrolmap.streets.network import StreetNetwork

CRS = "EPSG:32643"
CENTRE = (656_000.0, 4_790_000.0)  # Almaty in UTM 43N: towns stand on real ground
Corner = tuple[float, float]


def town(streets: Mapping[str, Sequence[Corner]], **columns: object) -> StreetNetwork:
    """Build a town: segment id -> its corners in metres from the town's centre.

    Segments meet where their first or last corners are equal. `columns` overrides a column for
    all segments, or by a mapping segment id -> value for some.
    """
    corners = sorted({c for line in streets.values() for c in (line[0], line[-1])})
    node_of = {corner: number for number, corner in enumerate(corners, start=1)}

    def place(corner: Corner) -> Corner:
        return (corner[0] + CENTRE[0], corner[1] + CENTRE[1])

    nothing = pd.Series([None] * len(streets), dtype="str").array
    rows = pd.DataFrame(
        {
            "from_node": [node_of[line[0]] for line in streets.values()],
            "to_node": [node_of[line[-1]] for line in streets.values()],
            "walk": True,
            "drive_forward": True,
            "drive_backward": True,
            "inside": True,
            "street_id": list(streets),
            "name": [f"{segment_id} street" for segment_id in streets],
            **dict.fromkeys(("name_kk", "name_ru", "name_en"), nothing),
            "highway": "residential",
            "lit": "unknown",
            **dict.fromkeys(("surface", "sidewalk"), nothing),
            "bridge": False,
            "tunnel": False,
            "crossings": 0,
            "area": nothing,
        },
        index=pd.Index(list(streets), name="segment_id", dtype="str"),
    )
    for name, value in columns.items():
        if isinstance(value, Mapping):
            rows[name] = [value.get(i, rows.loc[i, name]) for i in rows.index]
        else:
            rows[name] = value
    geometry = [LineString([place(c) for c in line]) for line in streets.values()]
    segments = gpd.GeoDataFrame(rows, geometry=geometry, crs=CRS)
    segments.insert(2, "length", segments.geometry.length.round(3))
    nodes = gpd.GeoDataFrame(
        index=pd.Index(list(node_of.values()), name="node_id"),
        geometry=[Point(place(c)) for c in node_of],
        crs=CRS,
    )
    return StreetNetwork(segments=segments, nodes=nodes)


def grid_town(columns: int = 5, rows: int = 5, block: float = 100.0) -> StreetNetwork:
    """Build a town of square blocks; ids say where a segment lies: `h-row-column`, `v-...`."""
    streets: dict[str, list[Corner]] = {}
    for r in range(rows):
        for c in range(columns):
            here = (c * block, r * block)
            if c + 1 < columns:
                streets[f"h-{r}-{c}"] = [here, ((c + 1) * block, r * block)]
            if r + 1 < rows:
                streets[f"v-{r}-{c}"] = [here, (c * block, (r + 1) * block)]
    return town(streets)


def row_town(pieces: int = 4, block: float = 100.0) -> StreetNetwork:
    """Build one street of equal pieces `s0`, `s1`, ... with dead ends."""
    return town({f"s{i}": [(i * block, 0.0), ((i + 1) * block, 0.0)] for i in range(pieces)})


def star_town(arms: int = 4, length: float = 200.0) -> StreetNetwork:
    """Build dead-end arms `a0`, `a1`, ... around one square."""
    turns = [2 * pi * i / arms for i in range(arms)]
    return town(
        {f"a{i}": [(0.0, 0.0), (length * cos(t), length * sin(t))] for i, t in enumerate(turns)}
    )


def loop_town() -> StreetNetwork:
    """Build the awkward cases in one place: a loop, two parallel streets, a dead end."""
    return town(
        {
            "main": [(0, 0), (100, 0)],
            "bow": [(0, 0), (50, 60), (100, 0)],
            "tail": [(100, 0), (180, 0)],
            "ring": [(0, 0), (-60, 40), (-60, -40), (0, 0)],
        }
    )


def lonlat(network: StreetNetwork, corner: Corner) -> tuple[float, float]:
    """Return a corner of a town in degrees, for depots."""
    point = gpd.GeoSeries([Point(corner[0] + CENTRE[0], corner[1] + CENTRE[1])], crs=network.crs)
    there = point.to_crs(4326).iloc[0]
    return there.x, there.y
