"""Alatau district of Almaty as it was mapped in 2012: day and night crews of its police posts.

    python examples/almaty.py --data ../shared/data --out out/almaty

Streets and places are real; **the events are drawn, not recorded** (`draw_events.py`, by a seed):
around the district's schools, stops and markets and along its main streets, each map with hours of
its own, so that here the night's risk differs from the day's. Crews leave from the police posts
that the extract has in the district or within 500 m of it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd

import patrolmap as pm
from _common import Result, main, plan_day
from draw_events import draw_events

ALATAU = 3072216  # osm_id of the district's relation
NEAR = 500.0  # m around the district that its streets are kept for
DRAWING = 2012  # seed of the events: the same district whatever the plan's seed


def build(data: Path, *, stop: Any, seed: int = 1) -> Result:
    """Read the district, draw its events, plan a crew by day and two by night from each post."""
    extract = data / "almaty" / "almaty-2012.osm.pbf"
    districts = gpd.read_file(data / "almaty" / "districts.geojson")
    district = districts[districts["osm_id"] == ALATAU]
    streets = pm.read_streets(extract, boundary=district)
    places = pm.read_places(extract).to_crs(streets.crs)
    places = places[places.distance(district.to_crs(streets.crs).geometry.iloc[0]) <= NEAR]
    reports = []
    for kind, table in draw_events(streets, places, seed=DRAWING).items():
        report = pm.check_events(table, kind=kind, tz="Asia/Almaty")
        reports.append(replace(report, source=f"invented events (seed {DRAWING})"))
    return plan_day(streets, reports, shifts_of(places), stop=stop, seed=seed)


def shifts_of(places: gpd.GeoDataFrame) -> list[pm.Shift]:
    """Return a day and a night shift for every police post."""
    posts = places[places["kind"] == "police"].to_crs(4326).sort_index()
    shifts = []
    for number, (name, point) in enumerate(zip(posts["name"], posts.geometry, strict=True), 1):
        short = f"Post {number}"
        post = pm.Depot(name if isinstance(name, str) else short, lon=point.x, lat=point.y)
        shifts += [
            pm.Shift(
                name=f"{short} day", depot=post, start="2012-03-16 09:00+06:00", duration="8h",
            ),
            pm.Shift(
                name=f"{short} night", depot=post, start="2012-03-16 20:00+06:00", duration="6h",
                crews=2, rules="foot_night",
            ),
        ]  # fmt: skip
    return shifts


if __name__ == "__main__":
    main(build, city="almaty")
