"""Planar density: right at every cell, the same however it is asked, and clear about bad input."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from patrolmap.errors import CRSError, OptionError, SchemaError
from patrolmap.risk import planar_kde
from patrolmap.risk.density.bandwidth import select_bandwidth
from patrolmap.risk.density.kernels import KERNELS
from towns import CENTRE, CRS

KERNEL = pytest.mark.parametrize("kernel", KERNELS)
SQUARE = (CENTRE[0], CENTRE[1], CENTRE[0] + 2_000, CENTRE[1] + 2_000)
BLOCK = shapely.box(*SQUARE)


def events_at(xy, **columns):
    index = pd.Index([f"crime:{i}" for i in range(len(xy))], name="event_id", dtype="str")
    points = gpd.points_from_xy(*(np.asarray(xy, dtype=float) + CENTRE).T)
    return gpd.GeoDataFrame(columns, geometry=points, index=index, crs=CRS)


def town(n=200, *, seed=0, low=0, high=2_000):
    return np.random.default_rng(seed).uniform(low, high, size=(n, 2)).round(2)


def added_up(density, xy, kernel, reach, weight):
    """Return what the raster should hold, event by event."""
    rows, columns = density.values.shape
    cell, west, north = density.cell_size, density.bounds[0], density.bounds[3]
    x, y = west + (np.arange(columns) + 0.5) * cell, north - (np.arange(rows) + 0.5) * cell
    shape, out = KERNELS[kernel], np.zeros((rows, columns))
    for (ex, ey), b, w in zip(xy + np.array(CENTRE), reach, weight, strict=True):
        u = np.hypot(x[None, :] - ex, y[:, None] - ey) / b
        k = (
            sum(p * u**i for i, p in enumerate(shape.powers))
            if shape.powers
            else np.exp(-4.5 * u**2)
        )
        out += np.where(u <= 1, w * shape.disc / b**2 * k, 0)
    return out


def off(found, wanted):
    return np.abs(found - wanted).max() / wanted.max()


@KERNEL
def test_every_cell_holds_the_density_at_its_centre(kernel):
    xy = town()
    weight = np.linspace(0, 3, len(xy))
    found = planar_kde(
        events_at(xy), bandwidth=170, cell_size=25, kernel=kernel, weights=weight
    )  # fmt: skip
    assert off(found.values, added_up(found, xy, kernel, [170] * len(xy), weight)) < 1e-11
    assert found.attrs["unit"] == "weighted events per m²"
    assert found.attrs["n_events"] == len(xy)


@KERNEL
@pytest.mark.parametrize("method", ["exact", "fft"])
def test_a_raster_that_holds_all_events_adds_up_to_them(kernel, method):
    found = planar_kde(
        events_at(town(1_000)), bandwidth=300, cell_size=10, kernel=kernel, method=method
    )
    assert found.total == pytest.approx(1_000, rel=2e-4)
    assert found.attrs["unit"] == "events per m²"
    assert found.values.min() == 0


@pytest.mark.parametrize(("kernel", "most"), [("quartic", 2e-3), ("gaussian", 1e-2)])
def test_by_fourier_transform_it_comes_close(kernel, most):
    events, options = events_at(town(3_000)), {"bandwidth": 250, "cell_size": 10, "kernel": kernel}
    exact, fast = planar_kde(events, **options), planar_kde(events, **options, method="fft")
    assert fast.transform == exact.transform
    assert 0 < off(fast.values, exact.values) < most


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1_000), st.sampled_from(list(KERNELS)), st.booleans(), st.integers(-40, 40))
def test_neither_order_nor_place_nor_turning_the_map_changes_anything(seed, kernel, adaptive, far):
    xy = town(60, seed=seed)
    options = {"bandwidth": 203.5, "cell_size": 25, "kernel": kernel, "adaptive": adaptive}
    found = planar_kde(events_at(xy), **options).values
    mixed = planar_kde(events_at(xy[np.random.default_rng(seed).permutation(60)]), **options)
    assert off(mixed.values, found) < 1e-11
    moved = planar_kde(events_at(xy + np.array([25 * far, -50 * far])), **options)
    assert off(moved.values, found) < 1e-9  # adaptive bandwidths follow what rounding there is
    turned = planar_kde(events_at(np.column_stack([-xy[:, 1], xy[:, 0]])), **options)
    assert off(turned.values, np.rot90(found)) < 1e-9


def test_doubled_weights_double_the_density_and_a_double_event_weighs_twice():
    xy = town(50)
    options = {"bandwidth": 200, "cell_size": 20, "adaptive": True}
    once = planar_kde(events_at(xy), **options)
    twice = planar_kde(events_at(xy), weights=np.full(50, 2.0), **options)
    assert off(twice.values, 2 * once.values) < 1e-9
    again = planar_kde(events_at(np.vstack([xy, xy])), **options)
    assert off(again.values, 2 * once.values) < 1e-9


def test_weights_are_matched_by_id_by_column_or_by_order():
    events = events_at(town(30), harm=np.arange(30.0))
    options = {"bandwidth": 300, "cell_size": 50}
    wanted = planar_kde(events, weights=np.arange(30.0), **options).values
    by_id = events["harm"].sample(frac=1, random_state=1)
    for weights in ("harm", events["harm"], by_id, list(range(30))):
        assert off(planar_kde(events, weights=weights, **options).values, wanted) < 1e-12


def test_rasters_of_the_same_cells_lie_on_each_other_or_where_they_are_asked_to():
    one = planar_kde(events_at(town(20)), bandwidth=300, cell_size=40)
    other = planar_kde(events_at(town(20, seed=1)), bandwidth=110, cell_size=40)
    for a, b in zip(one.bounds, other.bounds, strict=True):
        assert ((a - b) / 40).is_integer()
    extent = (CENTRE[0] + 105, CENTRE[1] + 5, CENTRE[0] + 1_105, CENTRE[1] + 405)
    part = planar_kde(events_at(town(500)), bandwidth=300, cell_size=50, extent=extent)
    assert part.bounds == extent
    assert part.values.shape == (8, 20)
    whole = added_up(part, town(500), "quartic", [300] * 500, np.ones(500))
    assert off(part.values, whole) < 1e-11
    assert "too far from the extent" in part.attrs["notes"][0]


# adaptive


def test_an_adaptive_bandwidth_is_narrow_where_events_are_dense():
    dense, sparse = np.random.default_rng(0).normal(0, 60, (400, 2)), town(100, low=800, high=4_000)
    xy = np.vstack([dense, sparse])
    fixed = planar_kde(events_at(xy), bandwidth=300, cell_size=20)
    found = planar_kde(events_at(xy), bandwidth=300, cell_size=20, adaptive=True)
    assert found.attrs["narrowest"] < 300 < found.attrs["widest"] <= 900
    assert found.values.max() > 1.5 * fixed.values.max()
    assert found.total == pytest.approx(500, rel=1e-3)


def test_adaptive_bandwidths_are_abramsons():
    xy = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0], [900.0, 5.0]])
    found = planar_kde(events_at(xy), bandwidth=400, cell_size=4, adaptive=True)
    u = np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1)) / 400
    pilot = np.where(u <= 1, (1 - u**2) ** 2, 0).sum(axis=1)
    reach = 400 * np.sqrt(np.exp(np.log(pilot).mean()) / pilot)
    assert found.attrs["narrowest"] == pytest.approx(reach.min(), rel=1e-3)
    assert found.attrs["widest"] == pytest.approx(reach.max(), rel=1e-3)
    assert off(found.values, added_up(found, xy, "quartic", reach, np.ones(5))) < 5e-3


def test_an_adaptive_bandwidth_stays_between_a_third_and_three_times_and_above_a_cell():
    xy = np.vstack([np.zeros((300, 2)), town(300, low=3_000, high=60_000)])
    found = planar_kde(events_at(xy), bandwidth=300, cell_size=30, adaptive=True)
    assert (found.attrs["narrowest"], found.attrs["widest"]) == (100, 900)
    coarse = planar_kde(events_at(xy), bandwidth=300, cell_size=150, adaptive=True)
    assert coarse.attrs["narrowest"] == 150


def test_an_adaptive_bandwidth_needs_the_exact_method():
    with pytest.raises(OptionError, match="exact"):
        planar_kde(events_at(town(5)), bandwidth=300, adaptive=True, method="fft")


# edges


@KERNEL
def test_over_an_area_nothing_is_lost_at_its_border(kernel):
    options = {"bandwidth": 400, "cell_size": 20, "kernel": kernel}
    events = events_at(town(3_000))
    plain = planar_kde(events, extent=SQUARE, **options)
    found = planar_kde(events, area=BLOCK, **options)
    assert found.transform == plain.transform
    assert plain.total < 0.93 * 3_000
    assert found.total == pytest.approx(3_000, rel=1e-3)
    assert found.attrs["area"] is True


@KERNEL
@pytest.mark.parametrize("method", ["exact", "fft"])
def test_an_event_on_a_straight_border_counts_twice_inside(kernel, method):
    options = {"bandwidth": 400, "cell_size": 20, "kernel": kernel, "method": method}
    events = events_at([[1_000.0, 0.0]])
    found = planar_kde(events, area=BLOCK, **options).values
    plain = planar_kde(events, extent=SQUARE, **options).values
    np.testing.assert_allclose(found, 2 * plain, rtol=3e-2, atol=1e-12)


def test_adaptive_and_weighted_it_still_adds_up_over_an_area():
    found = planar_kde(
        events_at(town(2_000)), bandwidth=300, cell_size=20, area=BLOCK, adaptive=True,
        weights=np.linspace(0, 2, 2_000),
    )  # fmt: skip
    assert found.total == pytest.approx(2_000, rel=3e-3)


def test_cells_outside_the_area_are_unknown_and_events_there_left_out():
    ring = BLOCK.difference(shapely.box(*(np.array(SQUARE) + np.array([600, 600, -600, -600]))))
    xy = np.vstack([town(300), [[5_000, 5_000]]])
    found = planar_kde(events_at(xy), bandwidth=200, cell_size=25, area=ring)
    x, y = np.meshgrid(
        SQUARE[0] + (np.arange(80) + 0.5) * 25, SQUARE[3] - (np.arange(80) + 0.5) * 25
    )
    np.testing.assert_array_equal(np.isfinite(found.values), shapely.contains_xy(ring, x, y))
    inside = shapely.intersects_xy(ring, *(xy + CENTRE).T).sum()
    assert found.attrs["n_events"] == inside
    assert found.attrs["notes"] == (f"{301 - inside} events outside the area left out",)
    assert found.total == pytest.approx(inside, rel=1e-2)


def test_an_area_may_be_a_table_in_another_crs():
    events, options = events_at(town(300)), {"bandwidth": 300, "cell_size": 50}
    wanted = planar_kde(events, area=BLOCK, **options)
    halves = [shapely.box(*SQUARE[:2], CENTRE[0] + 900, SQUARE[3])]
    halves.append(BLOCK.difference(halves[0]))
    table = gpd.GeoDataFrame(geometry=halves, crs=CRS)
    assert off(planar_kde(events, area=table, **options).values, wanted.values) < 1e-12
    degrees = planar_kde(events, area=table.geometry.to_crs(4326), **options)
    assert degrees.total == pytest.approx(wanted.total, rel=1e-2)


@pytest.mark.parametrize(
    ("area", "error", "says"),
    [
        (shapely.Point(0, 0), OptionError, "Point"),
        ("city", OptionError, "str"),
        (shapely.Polygon(), OptionError, "empty"),
        (shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)]), OptionError, "not valid"),
        (shapely.box(0, 0, 10, 10), SchemaError, "none of the 20 events"),
        (gpd.GeoSeries([BLOCK]), CRSError, "area has no CRS"),
    ],
)
def test_an_area_that_is_none_is_refused(area, error, says):
    with pytest.raises(error, match=says):
        planar_kde(events_at(town(20)), bandwidth=300, area=area)


# time


def timed(xy, days):
    moment = pd.to_datetime(days, unit="D", origin="2026-01-01").tz_localize("Asia/Almaty")
    return events_at(xy, occurred_from=moment, occurred_to=moment)


AT = "2026-02-01 00:00+05:00"  # day 31


@KERNEL
def test_an_event_counts_by_its_age_and_not_at_all_before_it_happened(kernel):
    xy, days = town(5), [1.0, 10.5, 30.0, 31.0, 40.0]
    options = {"bandwidth": 300, "cell_size": 25, "kernel": kernel}
    found = planar_kde(timed(xy, days), at=AT, time_bandwidth="21D", **options)
    share = np.array([20.5, 1.0]) / 21
    shape = KERNELS[kernel]
    k = (
        sum(p * share**i for i, p in enumerate(shape.powers))
        if shape.powers
        else np.exp(-4.5 * share**2)
    )
    wanted = added_up(found, xy[1:3], kernel, [300, 300], 2 * shape.line * k / 21)
    assert off(found.values, wanted) < 1e-11
    assert found.attrs["unit"] == "events per m² per day"
    assert found.attrs["n_events"] == 2
    assert found.attrs["notes"] == ("3 of 5 events outside the time left out",)


@KERNEL
def test_over_all_days_an_event_adds_up_to_one(kernel):
    events = timed([[0.0, 0.0]], [3.25])
    total = sum(
        planar_kde(
            events, bandwidth=300, cell_size=20, kernel=kernel, at=at, time_bandwidth="60D"
        ).total
        for at in pd.date_range("2026-01-05", periods=59, tz="Asia/Almaty")
    )
    assert total == pytest.approx(1, rel=2e-2)


def test_events_without_a_date_are_left_out_and_counted():
    events = timed(town(4), [20, 21, np.nan, 22])
    found = planar_kde(events, bandwidth=300, at=AT, time_bandwidth="30D")
    assert found.attrs["notes"] == (
        "1 of 4 events outside the time left out, 1 of them without a date",
    )


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"at": AT}, OptionError, "belong together"),
        ({"time_bandwidth": "30D"}, OptionError, "belong together"),
        ({"at": "2026-02-01", "time_bandwidth": "30D"}, OptionError, "no time zone"),
        ({"at": "soon", "time_bandwidth": "30D"}, OptionError, "not a time"),
        ({"at": AT, "time_bandwidth": 30}, OptionError, "with its unit"),
        ({"at": AT, "time_bandwidth": "0D"}, OptionError, "above 0"),
        ({"at": AT, "time_bandwidth": "a while"}, OptionError, "not a length of time"),
        ({"at": "2020-01-01 00:00+05:00", "time_bandwidth": "30D"}, SchemaError, "none of the 2"),
    ],
)
def test_a_time_that_is_none_is_refused(options, error, says):
    with pytest.raises(error, match=says):
        planar_kde(timed(town(2), [1, 2]), bandwidth=300, **options)


def test_times_are_needed_to_ask_for_a_moment():
    with pytest.raises(SchemaError, match="occurred_from"):
        planar_kde(events_at(town(2)), bandwidth=300, at=AT, time_bandwidth="30D")


# bandwidth


def test_by_default_the_events_choose_their_bandwidth():
    xy = np.random.default_rng(1).normal(0, 300, size=(200, 2))
    found = planar_kde(events_at(xy), cell_size=20)
    chosen = select_bandwidth(events_at(xy))
    assert found.attrs["bandwidth"] == chosen.best
    pd.testing.assert_frame_equal(found.attrs["selection"].curve, chosen.curve)


def test_what_must_be_known_of_the_bandwidth_chosen_is_said():
    even = np.stack(np.meshgrid(range(8), range(8)), axis=-1).reshape(-1, 2) * 900.0
    found = planar_kde(events_at(even), cell_size=100)
    assert found.attrs["bandwidth"] == 2_000
    assert found.attrs["notes"] == (
        "64 events at 64 places",
        "the best is the largest bandwidth tried: try others beyond it",
    )


def test_a_bandwidth_chosen_below_a_cell_is_raised_to_it_and_that_is_said():
    xy = np.repeat([[0.0, 0.0], [900.0, 900.0]], 50, axis=0)
    found = planar_kde(events_at(xy), cell_size=200)
    assert found.attrs["selection"].best == 50
    assert found.attrs["bandwidth"] == 200
    said = "the bandwidth chosen, 50 m, is raised to cell_size, 200 m"
    assert found.attrs["notes"][-1] == said


@pytest.mark.parametrize("bandwidth", [0, -5, math.nan, math.inf, "300 m", None, True])
def test_a_bandwidth_that_is_none_is_refused(bandwidth):
    with pytest.raises(OptionError, match="bandwidth="):
        planar_kde(events_at(town(5)), bandwidth=bandwidth)


def test_a_bandwidth_below_a_cell_is_refused():
    with pytest.raises(OptionError, match="give cell_size=6, or at most 30"):
        planar_kde(events_at(town(5)), bandwidth=30, cell_size=50)


@pytest.mark.parametrize("where", [{"extent": SQUARE}, {"area": BLOCK}])
def test_a_bandwidth_beyond_the_extent_is_refused(where):
    with pytest.raises(OptionError, match="2,828 m from corner to corner"):
        planar_kde(events_at(town(5)), bandwidth=3_000, **where)


# bad input


def test_a_raster_too_large_for_memory_is_refused_with_its_size():
    with pytest.raises(OptionError, match=r"201,022 rows and .* 323\.5 GB.*cell_size=0\.13 "):
        planar_kde(events_at(town(500)), bandwidth=10, cell_size=0.01)


@pytest.mark.parametrize("cell_size", [0, -1, math.nan, "20", None])
def test_a_cell_size_that_is_none_is_refused(cell_size):
    with pytest.raises(OptionError, match="cell_size="):
        planar_kde(events_at(town(5)), bandwidth=300, cell_size=cell_size)


@pytest.mark.parametrize(
    "extent", [(0, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (0, 0, 1, math.inf), "all", (0, 0, "a", 1)]
)
def test_an_extent_that_is_none_is_refused(extent):
    with pytest.raises(OptionError, match="extent="):
        planar_kde(events_at(town(5)), bandwidth=300, extent=extent)


def test_an_extent_that_no_event_reaches_is_refused():
    with pytest.raises(SchemaError, match="none of the 5 events"):
        planar_kde(events_at(town(5)), bandwidth=300, extent=(0, 0, 5_000, 5_000))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kernel": "cosine"}, "kernel="),
        ({"method": "fast"}, "method="),
        ({"adaptive": 2}, "adapt"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options, says):
    with pytest.raises(OptionError, match=says):
        planar_kde(events_at(town(5)), bandwidth=300, **options)


def test_degrees_false_metres_and_no_crs_are_refused():
    events = events_at(town(5))
    with pytest.raises(CRSError, match="degrees"):
        planar_kde(events.to_crs(4326), bandwidth=300)
    with pytest.raises(CRSError, match=r"measures 0\.73 m"):
        planar_kde(events.to_crs(3857), bandwidth=300)
    with pytest.raises(CRSError, match="no CRS"):
        planar_kde(events.set_crs(None, allow_override=True), bandwidth=300)
    with pytest.raises(CRSError, match="UTM zone 33N measures"):
        planar_kde(events.to_crs(32633), bandwidth=300)
    with pytest.raises(CRSError, match="no place in"):
        planar_kde(events.set_geometry(events.translate(1e9), crs=CRS), bandwidth=300)
    other_metres = planar_kde(events.to_crs(28413), bandwidth=300)  # Pulkovo 1942, zone 13
    assert other_metres.total == pytest.approx(5, rel=1e-2)


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1, 2, math.nan, 4, 5], "1 of 5 weights are missing.*'crime:2'"),
        ([1, 2, -3, 4, 5], "below 0"),
        ([1, 2, math.inf, 4, 5], "infinite"),
        ([1, 2], r"shape \(2,\)"),
        (7, r"shape \(\)"),
        (list("abcde"), "not all numbers"),
        ([0] * 5, "all weights are 0"),
        ("harm", "no column"),
        (pd.Series([1.0], index=["crime:0"]), "lack 4 of 5"),
        (pd.Series(1.0, index=["crime:0"] * 5), "more than once"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, says):
    with pytest.raises(SchemaError, match=says):
        planar_kde(events_at(town(5)), bandwidth=300, weights=weights)


def test_events_that_are_none_are_refused():
    events = events_at(town(5))
    with pytest.raises(SchemaError, match="no events"):
        planar_kde(events.iloc[:0], bandwidth=300)
    with pytest.raises(SchemaError, match="a list"):
        planar_kde([1, 2], bandwidth=300)
    with pytest.raises(SchemaError, match="no geometry"):
        planar_kde(gpd.GeoDataFrame({"a": [1]}), bandwidth=300)
    for shape in (shapely.Point(), None, BLOCK):
        bad = events.set_geometry([*events.geometry[:4], shape], crs=CRS)
        with pytest.raises(SchemaError, match=r"1 of 5 events.*'crime:4'"):
            planar_kde(bad, bandwidth=300)


def test_one_event_is_enough_and_the_input_stays_as_it_was():
    events = events_at([[3.0, 4.0]], harm=[2.0])
    before = events.copy(deep=True)
    found = planar_kde(events, bandwidth=200, cell_size=10, weights="harm", adaptive=True)
    assert found.total == pytest.approx(2, rel=1e-3)
    pd.testing.assert_frame_equal(events, before)
