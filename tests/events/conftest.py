"""Tables of events for tests: twenty-five good crimes in Almaty, to be spoilt one by one."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def crimes() -> Callable[..., pd.DataFrame]:
    """Return a maker of good crimes: `crimes(lon={3: 0.0}, lat={3: 0.0})` spoils row 4."""

    def make(rows: int = 25, **changes: dict[int, object]) -> pd.DataFrame:
        number = np.arange(rows)
        moments = pd.Timestamp("2024-05-01 12:30") + pd.to_timedelta(number * 37, unit="h")
        table = pd.DataFrame(
            {
                "id": number + 100,
                "date": moments.strftime("%Y-%m-%d %H:%M"),
                "category": np.resize(["Theft", "Robbery", "Disorder"], rows),
                "lon": 76.90 + number % 5 / 500,
                "lat": 43.25 + number // 5 / 500,
            }
        )
        for name, cells in changes.items():
            column = table[name].astype(object)
            for row, value in cells.items():
                column[row] = value
            table[name] = column.infer_objects()
        return table

    return make
