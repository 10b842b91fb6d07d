"""The public density on lixels: options, attributes, and what is refused."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point

import patrolmap as pm
from patrolmap.errors import CRSError, NetworkMismatchError, OptionError, SchemaError
from patrolmap.risk.density.lixel_kde import CLASSES, MOST_ADAPTED, network_kde, to_segments
from patrolmap.risk.density.lixels import Lixels
from patrolmap.schema import LIXELS, validate
from patrolmap.streets import StreetNetwork, snap_events
from towns import CENTRE, CRS, grid_town, row_town, town


def points(*places: tuple[float, float], crs: object = CRS) -> gpd.GeoDataFrame:
    shapes = [Point(x + CENTRE[0], y + CENTRE[1]) for x, y in places]
    return gpd.GeoDataFrame(geometry=shapes, crs=crs)


def total(lixels: gpd.GeoDataFrame) -> float:
    return float((lixels["density"] * (lixels["end"] - lixels["start"])).sum())


SOME = points((30, 4), (30, 4), (130, -3), (210, 100), (395, 395))


@pytest.mark.parametrize("method", ["esd", "esc"])
def test_density_times_length_gives_back_the_events_and_the_table_keeps_its_contract(method):
    streets = grid_town()
    found = network_kde(SOME, streets, bandwidth=200, lixel_length=10, method=method)
    validate(found, LIXELS)
    assert list(found.columns) == LIXELS.names
    assert found.crs == streets.crs
    assert total(found) == pytest.approx(5, abs=5e-3)
    assert found.attrs["total"] == 5
    assert found.attrs["bandwidth"] == 200
    assert found.attrs["unit"] == "events per metre"
    assert found.attrs["fingerprint"] == streets.fingerprint


def test_it_is_a_public_name():
    import patrolmap.risk.model.estimator  # noqa: F401 - a module of that name must not hide it

    assert pm.network_kde is network_kde


def test_an_event_on_a_long_street_has_the_kernel_itself_around_it():
    found = network_kde(points((250, 0)), row_town(1, 500.0), bandwidth=100, lixel_length=5)
    u = (found["start"] + 2.5 - 250).abs() / 100
    expected = np.where(u < 1, 15 / 16 * (1 - u**2) ** 2 / 100, 0)
    np.testing.assert_allclose(found["density"], expected, atol=1e-6)


def test_snapped_events_give_the_same_as_the_events():
    streets = grid_town()
    direct = network_kde(SOME, streets, bandwidth=150)
    snapped = network_kde(snap_events(SOME, streets), streets, bandwidth=150)
    np.testing.assert_array_equal(direct["density"], snapped["density"])


def test_events_in_degrees_are_brought_to_the_streets():
    streets = grid_town()
    direct = network_kde(SOME, streets, bandwidth=150)
    degrees = network_kde(SOME.to_crs(4326), streets, bandwidth=150)
    np.testing.assert_allclose(direct["density"], degrees["density"], atol=1e-7)


def test_weights_count_and_may_be_a_column_a_series_or_an_array():
    streets = grid_town()
    weight = np.array([1.0, 2.0, 0.0, 3.0, 0.5])
    by_array = network_kde(SOME, streets, bandwidth=150, weights=weight)
    by_column = network_kde(SOME.assign(harm=weight), streets, bandwidth=150, weights="harm")
    by_series = network_kde(
        SOME, streets, bandwidth=150, weights=pd.Series(weight, index=SOME.index)[::-1]
    )
    assert total(by_array) == pytest.approx(6.5, abs=0.05)
    assert by_array.attrs["unit"] == "weighted events per metre"
    np.testing.assert_array_equal(by_array["density"], by_column["density"])
    np.testing.assert_array_equal(by_array["density"], by_series["density"])


def test_lixels_cut_before_give_the_same_and_belong_to_their_streets():
    streets = grid_town()
    lixels = Lixels.cut(streets, 20)
    one = network_kde(SOME, streets, bandwidth=150, lixel_length=lixels)
    two = network_kde(SOME, streets, bandwidth=150, lixel_length=20)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))
    with pytest.raises(NetworkMismatchError, match="other streets"):
        network_kde(SOME, grid_town(4, 4), bandwidth=150, lixel_length=lixels)


def test_the_simple_kernel_gives_every_branch_the_whole():
    streets = grid_town()
    event = points((150, 0))
    simple = network_kde(event, streets, bandwidth=150, lixel_length=10, method="simple")
    split = network_kde(event, streets, bandwidth=150, lixel_length=10)
    own = (simple["segment_id"] == "h-0-1").to_numpy()
    np.testing.assert_allclose(simple["density"][own], split["density"][own], atol=1e-6)
    assert total(simple) > 1.2 > total(split)


def test_the_bandwidth_is_chosen_by_the_events_by_default():
    streets = grid_town(6, 6)
    rng = np.random.default_rng(1)
    near = points(*((x, 0) for x in 200 + rng.normal(0, 25, 60)), *((x, 300) for x in (20, 480)))
    found = network_kde(near, streets)
    scores = found.attrs["scores"]
    assert found.attrs["bandwidth"] == max(scores, key=scores.get)
    assert 50 <= found.attrs["bandwidth"] <= 300


def test_what_must_be_known_of_the_bandwidth_chosen_is_said():
    even = points(*((x, 0) for x in range(150, 6000, 450)), (3000, 5000))
    found = network_kde(even, row_town(60))
    assert found.attrs["bandwidth"] == 1000
    assert found.attrs["notes"] == (
        "1 event without a walkable street within 50 m left out",
        "13 events at 13 places",
        "the best is the largest bandwidth tried: try others beyond it",
    )
    near = points(*[(50, 0)] * 30, *[(250, 100)] * 30)
    found = network_kde(near, grid_town(), lixel_length=90)
    assert found.attrs["bandwidth"] == 90
    assert "the bandwidth chosen, 50 m, is raised to lixel_length, 90 m" in found.attrs["notes"]
    assert network_kde(near, grid_town(), bandwidth=90).attrs["notes"] == ()


def test_an_adaptive_bandwidth_is_narrow_where_events_crowd_and_wide_where_they_are_rare():
    streets = grid_town(8, 8)
    rng = np.random.default_rng(1)
    crowd = [(x, 0) for x in 120 + rng.normal(0, 10, 40)]
    events = points(*crowd, (650, 600), (600, 450), (400, 650), (700, 250), (100, 700))
    fixed = network_kde(events, streets, bandwidth=150)
    adaptive = network_kde(events, streets, bandwidth=150, adaptive=True)
    used = adaptive.attrs["bandwidth"]
    assert len(used) <= CLASSES
    assert min(used) < 150 < max(used) <= 150 * MOST_ADAPTED
    assert adaptive["density"].max() > 1.1 * fixed["density"].max()
    assert total(adaptive) == pytest.approx(45, rel=5e-3)


def test_the_order_of_events_changes_nothing_of_an_adaptive_density():
    streets = grid_town(8, 8)
    rng = np.random.default_rng(1)
    events = points(*rng.uniform(0, 700, (60, 2)).round())
    one = network_kde(events, streets, bandwidth=150, adaptive=True, max_snap=60)
    two = network_kde(events.sample(frac=1, random_state=3), streets, bandwidth=150,
                      adaptive=True, max_snap=60)  # fmt: skip
    np.testing.assert_allclose(one["density"], two["density"], atol=1e-12)


TIMES = [("crime", (50, 0), "2026-01-01 12:00", "minute"),
         ("crime", (50, 100), "2026-01-31 12:00", "minute"),
         ("crime", (50, 200), "2026-03-02 12:00", "minute"),
         ("crime", (50, 300), None, "unknown")]  # fmt: skip


def test_an_event_as_old_as_the_half_life_counts_half_and_later_ones_not_at_all(incidents):
    found = network_kde(
        incidents(TIMES), grid_town(), bandwidth=40, lixel_length=5,
        at="2026-01-31 12:01+05:00", half_life="30D",
    )  # fmt: skip
    mass = to_segments(found, grid_town())
    assert mass["h-0-0"] == pytest.approx(0.5, rel=1e-3)
    assert mass["h-1-0"] == pytest.approx(1, rel=1e-3)
    assert mass.sum() == pytest.approx(1.5, rel=1e-3)
    assert found.attrs["unit"] == "weighted events per metre"
    assert found.attrs["notes"] == (
        "1 event without a date left out",
        "1 event at or after 2026-01-31T12:01:00+05:00 left out",
    )


def test_a_moment_alone_forgets_nothing_and_a_half_life_alone_looks_back_from_the_last(incidents):
    streets = grid_town()
    options = {"bandwidth": 40, "lixel_length": 5}
    alone = network_kde(incidents(TIMES), streets, at="2026-03-01 00:00+05:00", **options)
    assert total(alone) == pytest.approx(2, rel=1e-3)
    last = network_kde(incidents(TIMES), streets, half_life="30D", **options)
    assert total(last) == pytest.approx(1 + 1 / 2 + 1 / 4, rel=1e-3)


def test_segments_add_up_to_the_events_and_know_their_streets():
    streets = grid_town()
    for method in ("esd", "esc"):
        found = network_kde(SOME, streets, bandwidth=100, lixel_length=30, method=method)
        risk = to_segments(found, streets)
        assert risk.sum() == pytest.approx(5, abs=1e-9)
        assert risk.name == "risk"
        assert risk.index.equals(streets.segments.index)
        streets.require_own(risk)
    with pytest.raises(NetworkMismatchError, match="another street network"):
        to_segments(found, grid_town(4, 4))
    with pytest.raises(SchemaError, match="whole table"):
        to_segments(found.drop(columns="density"), streets)


@pytest.mark.parametrize("method", ["esd", "simple"])
def test_part_of_a_table_is_refused_and_the_whole_taken_in_any_order(method):
    streets = grid_town()
    found = network_kde(SOME, streets, bandwidth=150, method=method)
    part = found[found["density"] > found["density"].quantile(0.9)]
    with pytest.raises(SchemaError, match=f"has {len(part)} lixels.*made {len(found)}; give the"):
        to_segments(part, streets)
    twice = found.iloc[[0, *range(len(found) - 1)]]
    with pytest.raises(SchemaError, match=f"{len(found) - 1} of them different"):
        to_segments(twice, streets)
    turned = to_segments(found.iloc[::-1], streets)
    pd.testing.assert_series_equal(turned, to_segments(found, streets))


def test_what_esc_puts_below_0_stays_so_in_the_table_and_esd_has_nothing_there():
    six = {f"a{i}": [(0, 0), (90 * np.cos(i), 90 * np.sin(i))] for i in range(6)}
    found = network_kde(points((80, 0)), town(six), bandwidth=150, method="esc", lixel_length=5)
    assert found["density"].min() < 0
    split = network_kde(points((80, 0)), town(six), bandwidth=150, lixel_length=5)
    assert split["density"].min() >= 0


def test_a_network_of_one_segment_and_one_in_pieces_work():
    one = network_kde(points((5, 0)), row_town(1, 17.0), bandwidth=300, lixel_length=5)
    assert total(one) == pytest.approx(1, abs=1e-3)
    pieces = town({"here": [(0, 0), (80, 0)], "there": [(0, 90), (80, 90)]})
    two = network_kde(points((5, 0)), pieces, bandwidth=300, lixel_length=5)
    assert two.groupby("segment_id")["density"].max()["there"] == 0


def test_a_bandwidth_over_the_size_of_the_network_fills_it():
    found = network_kde(points((5, 0)), row_town(2, 50.0), bandwidth=2000, lixel_length=10)
    assert found["density"].to_numpy() == pytest.approx(np.full(10, 1 / 100), rel=1e-2)


def test_events_off_the_network_are_left_out_and_said_or_refused():
    far = points((30, 0), (30, 5000))
    found = network_kde(far, grid_town(), bandwidth=100)
    assert found.attrs["notes"] == ("1 event without a walkable street within 50 m left out",)
    with pytest.raises(SchemaError, match="all 1 events lie farther than 50 m"):
        network_kde(far.iloc[1:], grid_town(), bandwidth=100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bandwidth": 0}, "bandwidth=0"),
        ({"bandwidth": -5}, "bandwidth=-5"),
        ({"bandwidth": float("nan")}, "bandwidth=nan"),
        ({"bandwidth": "wide"}, "bandwidth='wide'"),
        ({"bandwidth": 20_000}, "10000 m or less"),
        ({"bandwidth": 10}, "below lixel_length=20 m"),
        ({"lixel_length": 0}, "lixel_length=0"),
        ({"kernel": "cosine"}, "kernel='cosine'"),
        ({"method": "nkde"}, "method='nkde'"),
        ({"dead_end": "bounce"}, "dead_end='bounce'"),
        ({"method": "simple", "dead_end": "absorb"}, "leave dead_end out"),
        ({"adaptive": 3}, "adaptive=3"),
        ({"max_snap": -1}, "max_snap=-1"),
    ],
)
def test_an_option_out_of_range_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        network_kde(SOME, grid_town(), **{"bandwidth": 100, **options})


@pytest.mark.parametrize("weight", [np.nan, -1.0, np.inf])
def test_weights_that_are_missing_or_below_0_are_refused(weight):
    with pytest.raises(SchemaError, match="missing, infinite or below 0"):
        network_kde(SOME, grid_town(), bandwidth=100, weights=[1, 1, weight, 1, 1])


def test_events_that_cannot_be_placed_are_refused_with_the_mend(incidents):
    streets = grid_town()
    with pytest.raises(SchemaError, match="there are no events"):
        network_kde(SOME.iloc[:0], streets, bandwidth=100)
    with pytest.raises(CRSError, match="set_crs"):
        network_kde(SOME.set_crs(None, allow_override=True), streets, bandwidth=100)
    with pytest.raises(SchemaError, match="neither geometry nor"):
        network_kde(pd.DataFrame({"x": [1.0]}), streets, bandwidth=100)
    with pytest.raises(SchemaError, match="wanted points"):
        network_kde(SOME.set_geometry(SOME.buffer(3)), streets, bandwidth=100)
    with pytest.raises(SchemaError, match="wanted a GeoDataFrame"):
        network_kde([1, 2], streets, bandwidth=100)
    with pytest.raises(SchemaError, match="none of the 4 events happened before"):
        network_kde(incidents(TIMES), streets, bandwidth=100, at="2025-01-01 00:00+05:00")
    with pytest.raises(SchemaError, match="occurred_from"):
        network_kde(SOME, streets, bandwidth=100, half_life="30D")
    with pytest.raises(OptionError, match="half_life=30"):
        network_kde(incidents(TIMES), streets, bandwidth=100, half_life=30)
    with pytest.raises(OptionError, match="StreetNetwork"):
        network_kde(SOME, SOME, bandwidth=100)


def test_positions_of_other_streets_are_refused():
    streets = grid_town()
    there = pd.DataFrame({"segment_id": ["h-0-0", "x"], "offset": [1.0, 2.0]})
    with pytest.raises(NetworkMismatchError, match="such as 'x'"):
        network_kde(there, streets, bandwidth=100)
    beyond = pd.DataFrame({"segment_id": ["h-0-0"], "offset": [100.5]})
    with pytest.raises(NetworkMismatchError, match="beyond their segment's end"):
        network_kde(beyond, streets, bandwidth=100)


def test_streets_in_degrees_never_get_that_far():
    streets = grid_town()
    with pytest.raises(CRSError, match="degrees"):
        StreetNetwork(segments=streets.segments.to_crs(4326), nodes=streets.nodes.to_crs(4326))
