"""Drawn routes on real streets: exact lines come back whole, lines 10 m off nearly so."""

import numpy as np
import pandas as pd
import pytest
import shapely

import patrolmap as pm
from shared import shared_file

ZONE = "America/Los_Angeles"


@pytest.mark.shared
def test_a_plan_of_portland_comes_back_whole_and_from_lines_10_m_off_to_98_per_cent() -> None:
    streets = pm.read_streets(shared_file("portland/portland-central.osm.pbf"))
    calls = pm.check_events(
        shared_file("portland/nij_calls_2016-08_2016-09.parquet"), preset="portland_nij", tz=ZONE
    ).events
    model = pm.NetworkKDE(police_initiated=True).fit(calls, streets)
    start = pd.Timestamp("2016-10-01 20:00", tz=ZONE)
    risk = model.predict(start, start + pd.Timedelta("4h"))
    depots = [pm.Depot("west", lon=-122.675, lat=45.52), pm.Depot("east", lon=-122.65, lat=45.53)]
    shifts = [
        pm.Shift(depot=depot, start=start, duration="4h", crews=2, name=depot.name)
        for depot in depots
    ]
    plan = pm.plan_patrols(streets, risk, shifts, stop=pm.MaxIterations(300), seed=1)
    exact = pm.score_routes(plan.routes, streets, risk, shifts)
    assert pm.check_plan(exact, streets, risk=risk).empty
    assert exact.visits["segment_id"].equals(plan.visits["segment_id"])
    assert exact.provenance.prize == pytest.approx(plan.provenance.prize)

    random = np.random.default_rng(1)

    def moved(line: shapely.LineString) -> shapely.LineString:
        """Move every corner by 10 m, each in a direction of its own."""
        turn = random.uniform(0, 2 * np.pi, len(line.coords))
        return shapely.LineString(
            np.array(line.coords) + 10 * np.column_stack([np.cos(turn), np.sin(turn)])
        )

    loose = plan.routes.set_geometry([moved(line) for line in plan.routes.geometry])
    again = pm.score_routes(loose.set_crs(streets.crs), streets, risk, shifts)
    assert again.provenance.prize >= 0.98 * plan.provenance.prize
    rules = set(pm.check_plan(again, streets, risk=risk)["rule"])
    assert rules <= {"duration"}
