"""Hotspots with the events behind them: significant gatherings, clusters, and what is told."""

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

import patrolmap as pm
from patrolmap.errors import OptionError, SchemaError
from patrolmap.risk import HotspotRules, hotspots
from patrolmap.schema import EVENT_KINDS, HOTSPOTS
from patrolmap.streets.network import StreetNetwork
from scattered import START, scatter, table
from towns import grid_town, row_town

GRID = grid_town(9, 9)
PLANTED = {"h-4-3": 25, "h-4-4": 30, "v-4-4": 25, "v-3-4": 20}
QUICK = HotspotRules(n_simulations=99, reach=0, distance=60)
YEAR = (START, START + pd.Timedelta(days=364))
METHODS = ["top", "gi", "moran", "clusters"]


def flat(streets=GRID) -> pd.Series:
    return pd.Series(1.0, index=streets.segments.index)


def counted(events, streets=GRID) -> pd.Series:
    ids = pm.snap_events(events, streets)["segment_id"]
    return ids.value_counts().reindex(streets.segments.index, fill_value=0).astype(float)


def members(found):
    return [i for ids in found["segment_ids"] for i in ids]


def find(method, events, streets=GRID, **options):
    risk = counted(events, streets) if method == "top" else flat(streets)
    options = {"rules": QUICK, "coverage": 0.08} | options
    return hotspots(risk, streets, events=events, method=method, **options)


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_hotspot_is_found_by_every_method_and_is_sure(method):
    found = find(method, scatter(GRID, 300, planted=PLANTED))
    hot = found[[bool(set(ids) & set(PLANTED)) for ids in found["segment_ids"]]]
    assert len(set(members(hot)) & set(PLANTED)) >= 3
    assert hot["p_value"].min() == 0.01
    assert hot["pai"].max() >= 1
    assert found.columns.tolist() == HOTSPOTS.names
    assert found["length_share"].sum() <= 0.08 + 1e-9
    assert found.attrs["method"] == method


@pytest.mark.parametrize("method", ["gi", "moran", "clusters"])
def test_uniform_events_make_no_hotspots(method):
    tables = [find(method, scatter(GRID, 400, seed=seed)) for seed in range(8)]
    assert sum(len(found) > 0 for found in tables) <= 2
    none = next(found for found in tables if len(found) == 0)
    assert none.columns.tolist() == HOTSPOTS.names
    assert none.crs == GRID.crs
    pm.explore(GRID, risk=flat(), hotspots=none)


def test_the_best_of_uniform_events_is_seldom_called_sure():
    """The chance takes into account that the top streets were picked for their events."""
    p = [find("top", scatter(GRID, 400, seed=s))["p_value"].min() for s in range(30)]
    assert np.mean(np.array(p) <= 0.1) <= 0.25
    assert np.median(p) > 0.2


def test_dense_streets_alone_are_no_hotspot():
    """A quarter of short blocks holds most junctions and, by length, its share of events."""
    streets = grid_town(8, 8, block=20.0)
    far = grid_town(8, 8, block=200.0).segments
    far.index = "far-" + far.index
    far.geometry = far.translate(141.0, 0.0)
    far[["from_node", "to_node"]] += 1000
    nodes = grid_town(8, 8, block=200.0).nodes
    nodes.index = nodes.index + 1000
    nodes.geometry = nodes.translate(141.0, 0.0)
    both = StreetNetwork(
        segments=pd.concat([streets.segments, far]), nodes=pd.concat([streets.nodes, nodes])
    )
    events = scatter(both, 1500, seed=2)
    for method in ("gi", "moran", "clusters"):
        assert len(find(method, events, both, rules=HotspotRules(n_simulations=19))) == 0
    centre = pd.Series(np.where(both.segments.index.str.startswith("far"), 0.0, 1.0),
                       index=both.segments.index)  # fmt: skip
    found = hotspots(centre, both, events=events, rules=QUICK, coverage=0.2)
    assert found.loc[1, "n_events"] > 80
    assert found.loc[1, "p_value"] > 0.1


def test_facts_are_counted_from_the_events_on_it():
    events = scatter(GRID, 200, planted=PLANTED)
    events["kind"] = np.resize(["crime", "accident", "call"], len(events))
    found = find("top", events)
    row = counted(events)
    kinds = events["kind"].groupby(pm.snap_events(events, GRID)["segment_id"]).value_counts()
    for spot in found.itertuples():
        assert spot.n_events == row[spot.segment_ids].sum()
        for kind in EVENT_KINDS:
            mine = [kinds.get((i, kind), 0) for i in spot.segment_ids]
            assert getattr(spot, f"n_{kind}") == sum(mine)
    assert found["pai"].tolist() == pytest.approx(found["risk_share"] / found["length_share"])
    assert found.attrs["report"]["used"] == len(events)
    assert "drawn from" in found.attrs["notes"][-1]


def on(streets, segment, times, **options):
    spot = streets.segments.geometry[segment].interpolate(50)
    return table([spot] * len(times), times, streets, **options)


def test_peak_hours_are_the_four_hours_with_most_events_over_midnight_too():
    streets = row_town(3)
    hours = [22, 23, 23, 0, 1, 1, 1, 12, 15]
    events = on(streets, "s0", [START + pd.Timedelta(hours=h) for h in hours])
    risk = pd.Series([1.0, 0, 0], index=streets.segments.index)
    found = hotspots(risk, streets, events=events, rules=QUICK)
    assert found.loc[1, "peak_hours"] == "22:00-02:00"
    assert found.loc[1, "peak_share"] == pytest.approx(7 / 9)
    days = on(streets, "s0", [START] * 5, precision="day", width="1D")
    nothing = hotspots(risk, streets, events=days, rules=QUICK)
    assert nothing["peak_hours"].isna().all()
    assert nothing["peak_share"].isna().all()
    assert nothing.loc[1, "n_events"] == 5


def test_the_trend_is_against_that_of_all_events():
    streets = row_town(4)
    early, late = START + pd.Timedelta(days=30), START + pd.Timedelta(days=300)
    everywhere = [(early, 40), (late, 80)]  # the city doubles
    spots = {"s0": [(early, 10), (late, 20)], "s2": [(early, 10), (late, 60)]}
    parts = [on(streets, "s3", [t] * n) for t, n in everywhere]
    parts += [on(streets, s, [t] * n) for s, of in spots.items() for t, n in of]
    events = pd.concat(parts)
    events.index = pd.Index([f"crime:{i}" for i in range(len(events))], name="event_id")
    risk = pd.Series([2.0, 0, 1, 0], index=streets.segments.index)
    found = hotspots(risk, streets, events=events, coverage=1, observed=YEAR, rules=QUICK)
    share = 160 / 220
    steady, grown = found.loc[1], found.loc[2]
    assert steady["trend"] == pytest.approx(20.5 / 10.5 / (share / (1 - share)))
    assert grown["trend"] == pytest.approx(60.5 / 10.5 / (share / (1 - share)))
    low, high = stats.binom.cdf(60, 70, share), stats.binom.sf(59, 70, share)
    assert grown["trend_p"] == pytest.approx(2 * min(low, high))
    assert grown["trend_p"] < 0.05 < steady["trend_p"]


def test_without_events_their_facts_are_missing_and_the_rest_stands():
    risk = counted(scatter(GRID, 300, planted=PLANTED))
    found, told = hotspots(risk, GRID), hotspots(risk, GRID, events=scatter(GRID, 50), rules=QUICK)
    assert found["n_events"].isna().all()
    assert found["p_value"].isna().all()
    same = ["name", "length", "risk", "pai", "segment_ids"]
    pd.testing.assert_frame_equal(pd.DataFrame(found[same]), pd.DataFrame(told[same]))
    nobody = hotspots(risk, GRID, events=scatter(GRID, 5).iloc[:0], rules=QUICK)
    assert nobody["n_events"].eq(0).all()
    assert nobody["p_value"].isna().all()


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_events_changes_nothing(method):
    events = scatter(GRID, 300, planted=PLANTED)
    one, two = find(method, events), find(method, events.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))


def test_coverage_keeps_the_surest_and_says_so():
    events = scatter(GRID, 300, planted=PLANTED)
    for method in ("gi", "clusters"):
        wide, narrow = find(method, events, coverage=1), find(method, events, coverage=0.02)
        assert set(members(narrow)) < set(members(wide)) or method == "clusters"
        if method == "gi":
            assert narrow["length_share"].sum() <= 0.02
            assert any("coverage allows no more" in note for note in narrow.attrs["notes"])
        assert not any("coverage" in note for note in wide.attrs["notes"])
    whole = find("clusters", events, coverage=0.001)
    assert any("alone" in note and "coverage" in note for note in whole.attrs["notes"])


def test_hotspots_carry_no_ids_of_events():
    found = find("gi", scatter(GRID, 300, planted=PLANTED))
    assert "crime:" not in found.to_json() + str(found.attrs)


@pytest.mark.parametrize("method", ["gi", "moran", "clusters"])
def test_a_method_that_needs_events_says_so(method):
    with pytest.raises(OptionError, match="events="):
        hotspots(flat(), GRID, method=method)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "kde"}, r"wanted one of \['top', 'gi', 'moran', 'clusters'\]"),
        ({"rules": {"alpha": 0.1}}, "wanted a HotspotRules"),
        ({"observed": ("2025-01-01", "2025-02-01")}, "no time zone"),
        ({"coverage": True}, "coverage=True"),
    ],
)
def test_an_option_out_of_range_is_named(given, said):
    with pytest.raises(OptionError, match=said):
        hotspots(flat(), GRID, **{"events": scatter(GRID, 9)} | given)
    with pytest.raises(OptionError, match="give the events too"):
        hotspots(flat(), GRID, observed=YEAR)
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame"):
        hotspots(flat(), GRID, events=[1, 2])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alpha": 0}, "alpha=0"),
        ({"reach": -5}, "reach=-5"),
        ({"algorithm": "optics"}, "dbscan"),
        ({"distance": 0}, "distance=0"),
        ({"min_events": 1}, "min_events=1"),
        ({"n_simulations": 3}, "n_simulations=3"),
        ({"n_permutations": 3}, "n_permutations=3"),
        ({"seed": 0.5}, "seed=0.5"),
        ({"max_snap": np.inf}, "max_snap=inf"),
        ({"police_initiated": "yes"}, "True or False"),
    ],
)
def test_a_rule_out_of_range_is_named(given, said):
    with pytest.raises(OptionError, match=said):
        HotspotRules(**given)


def test_events_far_from_streets_or_of_polices_own_work_are_told():
    events = scatter(GRID, 60)
    events["police_initiated"] = np.arange(60) < 7
    points = events.geometry.to_numpy().copy()
    points[50:] = shapely.points(shapely.get_coordinates(points[50:]) + 1e4)
    events = events.set_geometry(points, crs=events.crs)
    report = hotspots(flat(), GRID, events=events, rules=QUICK).attrs["report"]
    assert report["found by police's own work"] == 7
    assert report["far from any street"] == 10
    assert report["used"] == 43
    both = HotspotRules(police_initiated=True, n_simulations=19)
    assert hotspots(flat(), GRID, events=events, rules=both).attrs["report"]["used"] == 50
