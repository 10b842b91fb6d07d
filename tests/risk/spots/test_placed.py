"""Events for counting: the period they cover."""

import pandas as pd

from patrolmap.risk.spots.placed import select_events


def test_events_cover_their_period_though_police_found_most_of_them(incidents):
    days = pd.date_range("2026-01-01 12:00", "2026-11-20", freq="D").strftime("%Y-%m-%d %H:%M")
    events = incidents([("crime", (50, 0), day, "minute") for day in days])
    events["police_initiated"] = [True] * (len(events) - 5) + [False] * 5
    kept, span, _ = select_events(events, police_initiated=False, observed=None)
    assert len(kept) == 5
    assert span == select_events(events, police_initiated=True, observed=None)[1]
