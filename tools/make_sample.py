"""Make the synthetic sample district in data/sample: the same rows every time.

    python tools/make_sample.py [--out data/sample]

Under the versions recorded in planted.json the bytes are the same too.
"""

import argparse
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

from sample import events, files, places, where
from sample.ground import to_ground
from sample.hot import HotSpot, plant
from sample.osm import write_boundary, write_pbf
from sample.spoil import extra_rows, spoil
from sample.town import Town, build

SEED = 197_599
GOOD = {"crimes.csv": 5000, "accidents.geojson": 800, "juveniles.gpkg": 300}
KIND = {"crimes.csv": "crime", "accidents.geojson": "accident", "juveniles.gpkg": "juvenile"}
SHARE = {"crimes.csv": 0.35, "accidents.geojson": 0.40, "juveniles.gpkg": 0.40}
BAD = {
    "crimes.csv": {"no geometry": 4, "latitude and longitude swapped": 3,
                   "date in the future": 3, "far away": 3, "duplicate": 4},
    "accidents.geojson": {"no geometry": 3, "latitude and longitude swapped": 2,
                          "date in the future": 2, "far away": 3, "duplicate": 3},
    "juveniles.gpkg": {"no geometry": 2, "latitude and longitude swapped": 2,
                       "date in the future": 2, "far away": 2, "duplicate": 3},
}  # fmt: skip

Rows = list[dict[str, Any]]


def main() -> None:
    """Read the command line and make the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    home = Path(__file__).resolve().parents[1] / "data" / "sample"
    parser.add_argument("--out", type=Path, default=home)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    make(out)
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size / 1000:8,.0f} kB  {path}")


def make(out: Path) -> None:
    """Write every file of the sample into a folder."""
    town = build(np.random.default_rng(SEED))
    streets = places.edges(town)
    depots = places.depots(streets)
    write_pbf(out / "district.osm.pbf", town, places.spots(streets))
    write_boundary(out / "boundary.geojson")
    files.write_depots(out / "depots.csv", depots)
    files.write_config(out / "district.toml", depots)
    planted = write_events(out, town, streets)
    files.write_json(out / "planted.json", planted)


def write_events(out: Path, town: Town, streets: list[places.Edge]) -> dict[str, Any]:
    """Write the three event files; return what planted.json says."""
    hot = plant(streets)
    ground = where.prepare(streets, hot, np.random.default_rng([SEED, 1]))
    about: dict[str, Any] = {}
    found: list[dict[str, object]] = []
    for number, (name, write) in enumerate(_writers().items(), start=2):
        rng = np.random.default_rng([SEED, number])
        own = [spot for spot in hot if spot.plan.kind == KIND[name]]
        count = GOOD[name] + extra_rows(BAD[name])
        rows, tally = _draw(name, town, ground, own, count, rng)
        rows, bad = spoil(rows, BAD[name], rng)
        write(out / name, rows)
        about[name] = {
            "kind": KIND[name],
            "rows": len(rows),
            "good": GOOD[name],
            "bad": BAD[name],
            "bad_rows": bad,
        }
        found += [spot.describe(n / count, n) for spot, n in zip(own, tally, strict=True)]
    return {
        "about": "Synthetic. What tools/make_sample.py planted: rows counted from 1, and hot "
        "spots with all their events, those spoilt afterwards included.",
        "versions": versions(),
        "files": about,
        "hot_spots": found,
    }


def _draw(
    name: str,
    town: Town,
    ground: where.Ground,
    own: list[HotSpot],
    count: int,
    rng: np.random.Generator,
) -> tuple[Rows, list[int]]:
    if name == "crimes.csv":
        return events.crimes(ground, own, count, SHARE[name], rng)
    if name == "accidents.geojson":
        return events.accidents(ground, own, count, SHARE[name], rng)
    centres = np.array(
        [
            area.shape.centroid.coords[0]
            for area in town.areas
            if area.tags.get("amenity") == "school"
        ]
    )
    schools = [(float(x), float(y)) for x, y in to_ground(centres)]
    return events.juveniles(ground, own, schools, count, SHARE[name], rng)


def _writers() -> dict[str, Callable[[Path, Rows], None]]:
    return {
        "crimes.csv": files.write_csv,
        "accidents.geojson": files.write_geojson,
        "juveniles.gpkg": lambda path, rows: files.write_gpkg(path, rows, "juveniles"),
    }


def versions() -> dict[str, str]:
    """Return the versions that decide the bytes."""
    return {
        **{name: version(name) for name in ("numpy", "scipy", "shapely", "osmium", "pyogrio")},
        "GEOS": ".".join(map(str, shapely.geos_version)),
        "GDAL": pyogrio.__gdal_version_string__,
    }


if __name__ == "__main__":
    main()
