"""Pittsburgh, Pennsylvania: twelve foot crews of the six police zones, Saturday 5 May 2001.

    python examples/pittsburgh.py --data ../shared/data --out out/pittsburgh

Streets are a GeoParquet table that osmnx saved (a drive network: paths and stairs are missing, and
motorways are not walked). The 27,218 offences of 1990 to 2000 have dates without hours; their file
is an old CSV whose columns and dates are named here rather than guessed. The few with later dates
lie outside the observed period. Crews leave from the six zone stations, two from each.
"""

from pathlib import Path
from typing import Any

import patrolmap as pm
from _common import Result, main, plan_day

STATIONS = [
    pm.Depot("Zone 1", lon=-80.0174, lat=40.4608),  # Brighton Rd
    pm.Depot("Zone 2", lon=-79.9785, lat=40.4440),  # Centre Ave
    pm.Depot("Zone 3", lon=-79.9937, lat=40.4214),  # Warrington Ave
    pm.Depot("Zone 4", lon=-79.9200, lat=40.4405),  # Northumberland St
    pm.Depot("Zone 5", lon=-79.9087, lat=40.4766),  # Washington Blvd
    pm.Depot("Zone 6", lon=-80.0325, lat=40.4415),  # Main St
]


def build(data: Path, *, stop: Any, seed: int = 1) -> Result:
    """Read the offences and the streets, plan two crews for each station."""
    streets = pm.read_streets(data / "pittsburgh" / "pittsburgh_osm_edges.parquet")
    offences = pm.check_events(
        data / "pittsburgh" / "CrimeLatLonXY.csv",
        kind="crime",
        tz="America/New_York",
        columns={"date": "Date", "category": "Offense", "lon": "Long", "lat": "Lat"},
        time_format="%m/%d/%y",
    )
    shifts = [
        pm.Shift(
            depot=station, start="2001-05-05 14:00-04:00", duration="8h", crews=2,
            name=station.name,
        )
        for station in STATIONS
    ]  # fmt: skip
    observed = ("1990-01-01 00:00-05:00", "2001-01-01 00:00-05:00")
    return plan_day(streets, [offences], shifts, observed=observed, stop=stop, seed=seed)


if __name__ == "__main__":
    main(build, city="pittsburgh")
