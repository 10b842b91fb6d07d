"""Portland, Oregon: ten foot crews of Saturday 1 October 2016, from two months of calls.

    python examples/portland.py --data ../shared/data --out out/portland

Calls for service of August and September 2016 make three maps, parted by their own groups:

- accident: group TRAFFIC, cases that begin with ACCIDENT (hazards and drunk drivers are not);
- juvenile: cases that begin with SCHOOL INCIDENT, the nearest public thing to offences by minors;
- crime: the other cases of the groups PERSON CRIME, PROPERTY CRIME, DISORDER and SUSPICIOUS;
  NON CRIMINAL/ADMIN (welfare checks, lost property) is nobody's patrol and stays out.

They have dates without hours, so every hour counts alike, and the summary says so. The calls cover
all Portland, the streets its centre: what lies outside AREA is counted as rejected. The extract
holds streets only, no police stations; crews leave from Central Precinct and two known places.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from shapely.geometry import box

import patrolmap as pm
from _common import Result, main, plan_day

AREA = box(-122.710, 45.491, -122.631, 45.545)  # where the extract has every street
DEPOTS = {
    "Central": pm.Depot("Central Precinct", lon=-122.6763, lat=45.5152),
    "Lloyd": pm.Depot("Lloyd Center", lon=-122.6549, lat=45.5303),
    "Hawthorne": pm.Depot("Hawthorne & SE 20th", lon=-122.6455, lat=45.5121),
}
NIGHT_CREWS = {"Central": 2, "Lloyd": 1, "Hawthorne": 1}


def build(data: Path, *, stop: Any, seed: int = 1) -> Result:
    """Read the maps and the streets, plan six crews by day and four by night."""
    streets = pm.read_streets(data / "portland" / "portland-central.osm.pbf", boundary=AREA)
    reports = read_maps(data / "portland" / "nij_calls_2016-08_2016-09.parquet")
    day = [
        pm.Shift(
            name=f"{name} day", depot=depot, start="2016-10-01 08:00-07:00", duration="8h", crews=2
        )
        for name, depot in DEPOTS.items()
    ]
    night = [
        pm.Shift(
            name=f"{name} night", depot=depot, start="2016-10-01 20:00-07:00", duration="6h",
            crews=NIGHT_CREWS[name], rules="foot_night",
        )
        for name, depot in DEPOTS.items()
    ]  # fmt: skip
    return plan_day(streets, reports, day + night, stop=stop, seed=seed)


def read_maps(path: Path) -> list[pm.EventsReport]:
    """Part the calls into three maps and read each."""
    calls = pd.read_parquet(path)
    accident = (calls["CALL_GROUP"] == "TRAFFIC") & calls["CASE_DESC"].str.startswith("ACCIDENT")
    juvenile = calls["CASE_DESC"].str.startswith("SCHOOL INCIDENT")
    crime = ~calls["CALL_GROUP"].isin(["TRAFFIC", "NON CRIMINAL/ADMIN"]) & ~juvenile
    reports = []
    for kind, rows, cases in (
        ("crime", crime, "PERSON and PROPERTY CRIME, DISORDER, SUSPICIOUS"),
        ("accident", accident, "TRAFFIC: ACCIDENT"),
        ("juvenile", juvenile, "SCHOOL INCIDENT"),
    ):
        report = pm.check_events(
            calls[rows], kind=kind, tz="America/Los_Angeles", boundary=AREA,
            columns={"category": "CASE_DESC"},
        )  # fmt: skip
        reports.append(replace(report, source=f"{path.name} ({cases})"))
    return reports


if __name__ == "__main__":
    main(build, city="portland")
