"""Write the event tables in three formats, the depots, the config, and what was planted."""

import csv
import json
from pathlib import Path
from typing import Any

from .ground import to_degrees

Row = dict[str, Any]


def write_csv(path: Path, rows: list[Row]) -> None:
    """Write rows as UTF-8 CSV; what is not known stays empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_geojson(path: Path, rows: list[Row]) -> None:
    """Write rows as GeoJSON, a feature a line, the place as geometry."""
    lines = []
    for row in rows:
        own = {name: value for name, value in row.items() if name not in ("longitude", "latitude")}
        place = (
            None
            if row["longitude"] is None
            else {"type": "Point", "coordinates": [row["longitude"], row["latitude"]]}
        )
        feature = {"type": "Feature", "properties": own, "geometry": place}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    body = ",\n".join(lines)
    path.write_text(
        '{"type":"FeatureCollection","features":[\n' + body + "\n]}\n", encoding="utf-8"
    )


def write_gpkg(path: Path, rows: list[Row], layer: str) -> None:
    """Write rows as a GeoPackage layer in EPSG:4326, stamped with a fixed date."""
    import geopandas as gpd
    import pandas as pd
    import pyogrio
    from shapely import Point

    table = pd.DataFrame(rows).drop(columns=["longitude", "latitude"])
    places = [
        None if row["longitude"] is None else Point(row["longitude"], row["latitude"])
        for row in rows
    ]
    frame = gpd.GeoDataFrame(table, geometry=places, crs=4326)
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-11-01T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", geometry_type="Point")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_depots(path: Path, depots: dict[str, tuple[float, float]]) -> None:
    """Write name, lon, lat of each depot."""
    rows: list[Row] = []
    for name, at in depots.items():
        lon, lat = _degrees(at)
        rows.append({"name": name, "lon": lon, "lat": lat})
    write_csv(path, rows)


def write_config(path: Path, depots: dict[str, tuple[float, float]]) -> None:
    """Write the config that `patrolmap plan` reads."""
    tables = []
    for name, at in depots.items():
        lon, lat = _degrees(at)
        tables.append(f'[[depots]]\nname = "{name}"\nlon = {lon}\nlat = {lat}\n')
    day, night, *_ = depots
    text = CONFIG.replace("DEPOTS", "\n".join(tables)).replace("DAY", day).replace("NIGHT", night)
    path.write_text(text, encoding="utf-8")


def _degrees(at: tuple[float, float]) -> tuple[float, float]:
    import numpy as np

    lon, lat = to_degrees(np.array(at), digits=6)
    return float(lon), float(lat)


def write_json(path: Path, content: object) -> None:
    """Write JSON to be read by people too."""
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


CONFIG = """\
# A night of the sample district: patrolmap plan district.toml --night 2026-11-22 --out routes/
# Paths are relative to this file; clock times are in tz.
tz = "Asia/Almaty"

[streets]
source = "district.osm.pbf"
boundary = "boundary.geojson"

[[events]]
source = "crimes.csv"
kind = "crime"

[[events]]
source = "accidents.geojson"
kind = "accident"

[[events]]
source = "juveniles.gpkg"
kind = "juvenile"

[risk]
bandwidth = "auto"  # or metres along the streets
half_life = "180D"

DEPOTS
[[shifts]]
name = "day"
depot = "DAY"
start = "14:00"
duration = "4h"
crews = 2

[[shifts]]
name = "night"
depot = "NIGHT"
start = "20:00"
duration = "5h"
crews = 3
rules = "foot_night"

[solve]
max_runtime = 5
seed = 1
"""
