"""Near repeats: found where planted, not where times are dealt anew; counts by brute force."""

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk import near_repeat
from patrolmap.schema import NEAR_REPEAT
from patrolmap.streets.snap import snap_events
from scattered import START, scatter, table
from towns import grid_town

GRID = grid_town(12, 12)
BANDS = {"distances": [100, 200, 300], "days": [7, 14, 28], "n_permutations": 199}


def planted(seed: int = 0):
    """Follow 80 of 400 events by another within 60 m and 5 days."""
    rng = np.random.default_rng(seed)
    events = scatter(GRID, 400, seed=seed)
    first = events.iloc[:80]
    angle, far = rng.uniform(0, 6.28, 80), rng.uniform(5, 60, 80)
    xy = shapely.get_coordinates(first.geometry.to_numpy())
    points = shapely.points(xy + np.column_stack([np.cos(angle), np.sin(angle)]) * far[:, None])
    times = first["occurred_from"] + pd.to_timedelta(rng.integers(1, 5 * 1440, 80), unit="m")
    more = table(points, times.array, GRID)
    more.index = pd.Index([f"crime:r{i}" for i in range(80)], name="event_id", dtype="str")
    return pd.concat([events, more])


def dealt(events, seed=1):
    order = np.random.default_rng(seed).permutation(len(events))
    times = {c: events[c].array[order] for c in ("occurred_from", "occurred_to")}
    return events.assign(**times)


def brute(distance, minute, distances, days):
    out = np.zeros((len(distances) + 1, len(days)), dtype=int)
    for i in range(len(minute)):
        for j in range(i + 1, len(minute)):
            band = 0 if distance[i, j] == 0 else 1 + np.searchsorted(distances, distance[i, j],
                                                                     side="right")  # fmt: skip
            soon = np.searchsorted(np.array(days) * 1440, abs(minute[i] - minute[j]), side="right")
            if band <= len(distances) and soon < len(days):
                out[band, soon] += 1
    return out


def minutes(events):
    return ((events["occurred_from"] - START) // pd.Timedelta(minutes=1)).to_numpy()


def test_pairs_are_those_of_brute_force_and_expected_is_the_product_of_margins():
    events = planted()
    events = pd.concat([events, events.iloc[:20].set_index(events.index[:20] + "x").assign(
        occurred_from=events["occurred_from"].array[20:40])])  # fmt: skip
    events["occurred_to"] = events["occurred_from"]
    found = near_repeat(events, **BANDS)
    xy = np.rint(shapely.get_coordinates(events.geometry.to_numpy()) * 1000) / 1000
    distance = np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1))
    wanted = brute(distance, minutes(events), BANDS["distances"], BANDS["days"])
    assert found["observed"].tolist() == wanted.ravel().tolist()
    wide = brute(distance, np.zeros(len(events)), BANDS["distances"], [1])[:, 0]
    upper = np.triu_indices(len(events), 1)
    apart = np.abs(minutes(events)[:, None] - minutes(events)[None, :])[upper]
    soon = [
        ((apart >= a * 1440) & (apart < b * 1440)).sum() for a, b in ((0, 7), (7, 14), (14, 28))
    ]
    assert found["expected"].to_numpy() == pytest.approx(
        np.outer(wide, soon).ravel() / len(upper[0])
    )
    assert found["ratio"].to_numpy() == pytest.approx(wanted.ravel() / found["expected"])
    assert found.columns.tolist() == NEAR_REPEAT.names
    assert found.index[0] == ("same place", "0-7 days")
    assert found.index[-1] == ("200-300 m", "14-28 days")


def test_pairs_along_the_streets_are_those_of_shortest_ways():
    events = scatter(GRID, 90, seed=4)
    found = near_repeat(events, streets=GRID, **BANDS)
    at = snap_events(events, GRID)
    graph = nx.Graph()
    for row in GRID.segments.itertuples():
        here = at[at["segment_id"] == row.Index].sort_values("offset")
        stops = [(0, row.from_node), *((round(o * 1000), i) for i, o in here["offset"].items())]
        stops.append((round(row.length * 1000), row.to_node))
        for (low, one), (high, two) in itertools.pairwise(stops):
            graph.add_edge(one, two, weight=high - low)
    ways = dict(nx.all_pairs_dijkstra_path_length(graph))
    distance = np.array([[ways[i][j] for j in at.index] for i in at.index]) / 1000
    wanted = brute(distance, minutes(events), BANDS["distances"], BANDS["days"])
    assert found["observed"].tolist() == wanted.ravel().tolist()
    assert found.attrs["streets"] == GRID.fingerprint


@pytest.mark.parametrize("streets", [None, GRID])
def test_a_planted_near_repeat_is_found_and_one_dealt_anew_is_not(streets):
    found = near_repeat(planted(), streets=streets, **BANDS)
    near = found.loc[("0-100 m", "0-7 days")]
    assert near["ratio"] > 1.5
    assert near["p_value"] == 1 / 200
    assert found["p_value"].drop(index=("0-100 m", "0-7 days")).min() > 0.01
    again = near_repeat(dealt(planted()), streets=streets, **BANDS)
    assert again.loc[("0-100 m", "0-7 days"), "p_value"] > 0.05


def test_p_is_uniform_where_times_have_nothing_to_do_with_places():
    p = [
        near_repeat(scatter(GRID, 200, seed=s), distances=[150], days=[14], n_permutations=99)
        .loc[("0-150 m", "0-14 days"), "p_value"] for s in range(60)
    ]  # fmt: skip
    assert np.mean(np.array(p) <= 0.1) < 0.25
    assert 0.35 < np.mean(p) < 0.65


def test_events_at_one_place_are_a_band_of_their_own():
    spot = GRID.segments.geometry.iloc[0].interpolate(30)
    times = START + pd.to_timedelta(np.arange(40) * 3, unit="D")
    events = pd.concat([scatter(GRID, 100), table([spot] * 40, times, GRID)])
    events.index = pd.Index([f"crime:{i}" for i in range(140)], name="event_id", dtype="str")
    found = near_repeat(events, distances=[50], days=[7, 14], n_permutations=19)
    assert found.loc["same place", "observed"].tolist() == [39 + 38, 37 + 36]
    along = near_repeat(events, streets=GRID, distances=[50], days=[7, 14], n_permutations=19)
    assert along.loc["same place", "observed"].tolist() == [39 + 38, 37 + 36]


def test_neither_order_nor_place_nor_clock_changes_a_bit():
    events = planted()
    one = near_repeat(events, **BANDS)
    pd.testing.assert_frame_equal(one, near_repeat(events.iloc[::-1], **BANDS))
    moved = events.set_geometry(events.translate(1000, -2000))
    later = {c: events[c] + pd.Timedelta(days=77) for c in ("occurred_from", "occurred_to")}
    two = near_repeat(moved.assign(**later), **BANDS)
    assert one["observed"].tolist() == two["observed"].tolist()
    assert one["p_value"].tolist() == pytest.approx(two["p_value"].tolist(), abs=0.2)
    other = near_repeat(events, **BANDS, seed=1)
    assert one["expected"].tolist() == other["expected"].tolist()


def test_events_whose_time_or_place_tells_nothing_are_left_out_and_counted():
    events = scatter(GRID, 50)
    events["occurred_to"] += pd.to_timedelta(np.where(np.arange(50) < 4, 30, 0), unit="D")
    events.geometry = events.geometry.where(np.arange(50) != 10, shapely.Point())
    events["police_initiated"] = np.arange(50) == 20
    report = near_repeat(events, n_permutations=19).attrs["report"]
    assert report["known to no band of time"] == 4
    assert report["without a place"] == 1
    assert report["found by police's own work"] == 1
    assert report["used"] == 44


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"distances": []}, "distances="),
        ({"distances": [0, 100]}, "distances="),
        ({"distances": [200, 100]}, "ascending"),
        ({"distances": 100}, "wanted numbers"),
        ({"distances": [1e6]}, "at most 20,000"),
        ({"days": [7, float("nan")]}, "days="),
        ({"days": ["week"]}, "wanted numbers"),
        ({"n_permutations": 5}, "n_permutations=5"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"police_initiated": None}, "True or False"),
        ({"streets": "porto.osm.pbf"}, "wanted a StreetNetwork"),
    ],
)
def test_an_option_out_of_range_is_named(given, said):
    with pytest.raises(OptionError, match=said):
        near_repeat(scatter(GRID, 20), **given)


def test_degrees_and_too_few_events_are_refused():
    with pytest.raises(CRSError, match="degrees"):
        near_repeat(scatter(GRID, 20).to_crs(4326))
    near_repeat(scatter(GRID, 20).to_crs(4326), streets=GRID, n_permutations=19)
    with pytest.raises(SchemaError, match="at least 3"):
        near_repeat(scatter(GRID, 2))
