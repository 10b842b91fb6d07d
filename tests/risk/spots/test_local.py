"""Gi* and local Moran: as esda has them, true to their rate of false discoveries, and useful."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk import local_statistics
from patrolmap.risk.spots.chance import as_many, binomial_tails, false_discovery
from patrolmap.risk.spots.local import local_test, neighbours
from patrolmap.risk.spots.placed import place_events
from patrolmap.schema import LOCAL_STATISTICS
from patrolmap.streets.network import StreetNetwork
from scattered import scatter
from towns import grid_town, loop_town, row_town, town

GRID = grid_town(9, 9)
PLANTED = {"h-4-3": 25, "h-4-4": 30, "v-4-4": 25, "v-3-4": 20}


def uneven(seed: int = 0, side: int = 12) -> StreetNetwork:
    """Build a grid whose blocks are from 8 to 190 m."""
    rng = np.random.default_rng(seed)
    x, y = (np.concatenate([[0], np.cumsum(rng.uniform(8, 190, side))]).round(1) for _ in "xy")
    streets = {}
    for r in range(side + 1):
        for c in range(side + 1):
            here = (float(x[c]), float(y[r]))
            if c < side:
                streets[f"h-{r}-{c}"] = [here, (float(x[c + 1]), float(y[r]))]
            if r < side:
                streets[f"v-{r}-{c}"] = [here, (float(x[c]), float(y[r + 1]))]
    return town(streets)


UNEVEN = uneven()


def touching(streets: StreetNetwork) -> np.ndarray:
    ends = streets.segments[["from_node", "to_node"]].to_numpy()
    return np.array([[bool(set(a) & set(b)) for b in ends] for a in ends])


def test_neighbours_share_a_node_or_lie_within_reach_along_the_streets():
    rows = np.arange(len(GRID.segments))
    assert (neighbours(GRID, rows, 0.0).toarray() == touching(GRID)).all()
    near = neighbours(GRID, rows, 100.0).toarray().astype(bool)
    twice = (touching(GRID).astype(int) @ touching(GRID).astype(int)) > 0
    assert (near == twice).all()  # an end is one block of 100 m away: neighbours of neighbours
    some = np.array([0, 3, 10])
    assert (neighbours(GRID, some, 0.0).toarray() == touching(GRID)[np.ix_(some, some)]).all()
    assert (neighbours(loop_town(), np.arange(4), 0.0).toarray() <= 1).all()


def test_gi_on_streets_of_one_length_is_esdas():
    from esda.getisord import G_Local
    from libpysal.graph import Graph

    events = scatter(GRID, 400, planted=PLANTED)
    found = local_statistics(events, GRID, reach=0)
    near = sparse.coo_array(touching(GRID).astype(float))
    theirs = G_Local(
        found["n_events"].to_numpy(dtype=float), Graph.from_sparse(near), transform="B",
        permutations=0, star=True,
    )  # fmt: skip
    assert found["statistic"].to_numpy() == pytest.approx(theirs.Zs)


def test_gi_on_any_streets_is_ord_and_getis_formula():
    events = scatter(UNEVEN, 500, seed=3)
    found = local_statistics(events, UNEVEN, reach=0)
    count, length = found["n_events"].to_numpy(), UNEVEN.segments["length"].to_numpy()
    expected = count.sum() * length / length.sum()
    assert found["expected"].to_numpy() == pytest.approx(expected)
    x, w = (count - expected) / np.sqrt(expected), touching(UNEVEN) * np.sqrt(length)
    n, s = len(x), x.std()
    top = w @ x - x.mean() * w.sum(axis=1)
    below = s * np.sqrt((n * (w**2).sum(axis=1) - w.sum(axis=1) ** 2) / (n - 1))
    assert found["statistic"].to_numpy() == pytest.approx(top / below)
    around = touching(UNEVEN) @ count
    assert found["n_around"].tolist() == around.tolist()
    assert found["expected_around"].to_numpy() == pytest.approx(touching(UNEVEN) @ expected)


def test_moran_is_esdas_and_so_is_its_p():
    from esda.moran import Moran_Local
    from libpysal.graph import Graph

    events = scatter(UNEVEN, 500, planted={"h-4-3": 15, "h-4-4": 15}, seed=3)
    found = local_statistics(events, UNEVEN, method="moran", reach=0, n_permutations=9999)
    count, length = found["n_events"].to_numpy(), UNEVEN.segments["length"].to_numpy()
    x = (count - found["expected"]) / np.sqrt(found["expected"])
    w = touching(UNEVEN) * np.sqrt(length)
    np.fill_diagonal(w, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # one-sided p, which we want
        theirs = Moran_Local(
            x.to_numpy(), Graph.from_sparse(sparse.coo_array(w)), transformation="r",
            permutations=4999, seed=1,
        )  # fmt: skip
    assert found["statistic"].to_numpy() == pytest.approx(theirs.Is)
    high = (found["p_value"].notna() & (found["p_value"] < 0.4)).to_numpy() & (theirs.Is > 0)
    assert high.sum() > 15
    # ours stop at 20 as large: 1 / sqrt(20) of relative error
    ratio = found["p_value"].to_numpy()[high] / theirs.p_sim[high]
    assert abs(np.log(ratio)).mean() < 0.3
    assert np.median(ratio) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("method", ["gi", "moran"])
def test_a_planted_gathering_is_found_and_little_else(method):
    found = local_statistics(scatter(GRID, 300, planted=PLANTED), GRID, method=method, reach=0)
    hot = set(found.index[found["hot"]])
    assert hot & set(PLANTED)
    if method == "gi":
        assert set(PLANTED) <= hot
    near = touching(GRID)[[GRID.segments.index.get_loc(i) for i in PLANTED]].any(axis=0)
    assert hot <= set(GRID.segments.index[near])


@pytest.mark.parametrize("method", ["gi", "moran"])
@pytest.mark.parametrize("n", [60, 600])
def test_uniform_events_are_hot_nowhere_as_often_as_alpha_promises(method, n):
    """Blocks from 8 to 190 m, 0.2 and 2 events a street: 20 tries, few false alarms."""
    alarms = [
        local_statistics(
            scatter(UNEVEN, n, seed=seed), UNEVEN, method=method, reach=reach, n_permutations=999
        )["hot"].any()
        for seed in range(20) for reach in (0.0, 150.0)
    ]  # fmt: skip
    assert sum(alarms) <= 4  # with a rate of 0.05, more come in 3 of 1,000 runs


def test_the_normal_distribution_would_call_chance_hot():
    """Why p is not taken from z: of few events, gatherings by chance have z of 5."""
    streets = uneven(1, 30)
    normal, ours = 0, 0
    for seed in range(6):
        found = local_statistics(scatter(streets, 150, seed=seed), streets, reach=0)
        q = false_discovery(stats.norm.sf(found["statistic"].to_numpy()))
        normal, ours = normal + (q <= 0.05).sum(), ours + found["hot"].sum()
    assert normal > 20
    assert ours == 0


def test_neither_order_nor_direction_nor_place_changes_a_bit():
    events = scatter(UNEVEN, 400, planted={"h-4-3": 15})
    for method in ("gi", "moran"):
        one = local_statistics(events, UNEVEN, method=method, n_permutations=999)
        two = local_statistics(events.iloc[::-1], UNEVEN, method=method, n_permutations=999)
        pd.testing.assert_frame_equal(one, two)
    turned = UNEVEN.segments.copy()
    turned[["from_node", "to_node"]] = turned[["to_node", "from_node"]].to_numpy()
    turned["geometry"] = turned.geometry.reverse()
    backwards = StreetNetwork(segments=turned, nodes=UNEVEN.nodes)
    for method in ("gi", "moran"):
        pd.testing.assert_frame_equal(
            local_statistics(events, UNEVEN, method=method, n_permutations=999),
            local_statistics(events, backwards, method=method, n_permutations=999),
        )


def test_only_streets_that_count_are_tested_and_what_became_of_events_is_said():
    segments = GRID.segments.assign(inside=~GRID.segments.index.str.startswith("h-0"))
    streets = StreetNetwork(segments=segments, nodes=GRID.nodes)
    events = scatter(GRID, 200, planted={"h-0-1": 7})
    events["police_initiated"] = [True] * 5 + [False] * (len(events) - 5)
    events.geometry = events.geometry.mask(events.index == "crime:9", events.translate(0, 9e4))
    found = local_statistics(events, streets, observed=("2025-01-01 00:00+05:00",
                                                         "2025-07-01 00:00+05:00"))  # fmt: skip
    assert not found.index.str.startswith("h-0").any()
    assert found.columns.tolist() == LOCAL_STATISTICS.names
    report = found.attrs["report"]
    assert report["found by police's own work"] == 5
    assert report["outside the boundary"] >= 1
    assert report["used"] == found["n_events"].sum()
    assert report["events"] == sum(n for name, n in report.items() if name != "events")
    assert found.attrs["fingerprint"] == streets.fingerprint


def test_no_events_or_no_neighbours_give_no_hot_street():
    none = local_statistics(scatter(GRID, 3).iloc[:0], GRID)
    assert not none["hot"].any()
    assert none["n_events"].sum() == 0
    apart = town({f"s{i}": [(i * 500.0, 0.0), (i * 500.0 + 90, 0.0)] for i in range(5)})
    alone = local_statistics(scatter(apart, 50), apart, method="moran", reach=0)
    assert (alone["statistic"] == 0).all()
    assert not alone["hot"].any()
    local_statistics(scatter(row_town(1), 50), row_town(1))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"method": "kde"}, "wanted 'gi' or 'moran'"),
        ({"alpha": 0}, "alpha=0"),
        ({"alpha": 1.0}, "alpha=1.0"),
        ({"reach": -1}, "reach=-1"),
        ({"reach": float("nan")}, "reach=nan"),
        ({"n_permutations": 9}, "n_permutations=9"),
        ({"n_permutations": 1e3}, "whole number"),
        ({"seed": -1}, "seed=-1"),
        ({"max_snap": 0}, "max_distance=0"),
        ({"police_initiated": "no"}, "True or False"),
        ({"observed": "2025"}, "two moments"),
        ({"observed": ("2025-02-01 00:00+05:00", "2025-01-01 00:00+05:00")}, "not after"),
    ],
)
def test_an_option_out_of_range_is_named(given, said):
    with pytest.raises(OptionError, match=said):
        local_statistics(scatter(GRID, 20), GRID, **given)


def test_events_that_are_none_are_refused():
    events = scatter(GRID, 20)
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame"):
        local_statistics(pd.DataFrame(events), GRID)
    with pytest.raises(SchemaError, match="kind"):
        local_statistics(events.drop(columns="kind"), GRID)
    with pytest.raises(CRSError, match="no CRS"):
        local_statistics(events.set_crs(None, allow_override=True), GRID)


def test_tails_are_those_of_scipy():
    k, n = np.array([0.0, 3, 7, 7]), np.array([5.0, 9, 7, 20])
    lower, upper = binomial_tails(k, n, 0.3)
    assert lower == pytest.approx(stats.binom.cdf(k, n, 0.3))
    assert upper == pytest.approx(stats.binom.sf(k - 1, n, 0.3))
    count, mean = np.array([0, 2, 5]), np.array([1.0, 1.5, 2.0])
    assert as_many(count, mean, mean) == pytest.approx(stats.poisson.sf(count - 1, mean))
    wide = stats.nbinom.sf(count - 1, mean, 0.5)  # variance twice the mean
    assert as_many(count, mean, 2 * mean) == pytest.approx(wide)


def test_false_discoveries_are_counted_as_scipy_does():
    p = np.random.default_rng(1).uniform(0, 1, 50) ** 3
    assert false_discovery(p) == pytest.approx(stats.false_discovery_control(p))


def test_p_of_gi_holds_where_counts_vary_more_than_chance_makes_them():
    """Streets of gamma rates: the null of Gi* (values permuted) is true, Poisson is not."""
    rng = np.random.default_rng(2)
    streets = uneven(1, 20)
    placed = place_events(scatter(streets, 10), streets, max_snap=50, police_initiated=False)
    length = placed.length
    shares = []
    for _ in range(20):
        count = rng.poisson(rng.gamma(length / 60, 1.5))
        fake = type(placed)(
            events=placed.events, row=np.repeat(np.arange(len(count)), count),
            offset=placed.offset, streets=streets, counted=placed.counted,
            observed=None, report={},
        )  # fmt: skip
        found = local_test(fake, "gi", reach=0, n_permutations=99, seed=0)
        shares.append((found.p <= 0.01).mean())
    assert np.mean(shares) == pytest.approx(0.01, abs=0.006)
