"""A night in a grid town that several tests take apart."""

import numpy as np
import pandas as pd
import pytest

from crews import depot_at, shift_at
from patrolmap.patrol import MaxIterations, Plan, plan_patrols
from patrolmap.streets import StreetNetwork
from towns import grid_town


@pytest.fixture(scope="session")
def grid() -> StreetNetwork:
    return grid_town(6, 6)


@pytest.fixture(scope="session")
def grid_risk(grid: StreetNetwork) -> pd.Series:
    values = np.random.default_rng(4).pareto(1.2, len(grid.segments))
    return pd.Series(values, index=grid.segments.index, name="risk")


@pytest.fixture(scope="session")
def night_plan(grid: StreetNetwork, grid_risk: pd.Series) -> Plan:
    """Two crews from one depot and one that walks from it to another."""
    two = shift_at(grid, (200.0, 200.0), minutes=40, crews=2)
    across = shift_at(
        grid,
        (200.0, 200.0),
        minutes=30,
        name="across",
        start="2026-11-22 22:30+05:00",
        end_depot=depot_at(grid, (500.0, 500.0), name="gate"),
        service="national_guard",
    )
    return plan_patrols(grid, grid_risk, [two, across], stop=MaxIterations(200))
