"""Equal-split kernels by waves against an enumeration of all paths, and what must never change."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from paths_of_events import Paths, epanechnikov, gaussian, quartic, quartic_integral
from patrolmap.risk.density import waves
from patrolmap.risk.density.lixels import Lixels
from patrolmap.risk.density.waves import lixel_waves, spread_waves, wave_of
from patrolmap.streets import StreetNetwork, read_streets
from towns import grid_town, loop_town, row_town, star_town, town

HEIDELBERG = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "heidelberg"
METHODS = ("esd", "esc")
TOWNS = {
    "loop": (loop_town(), "bow"),
    "ring itself": (loop_town(), "ring"),
    "star of six": (star_town(6, 90.0), "a0"),
    "grid": (grid_town(3, 3), "h-1-1"),
    "row": (row_town(), "s1"),
    "stub": (row_town(1, 37.0), "s0"),
    "lone ring": (town({"ring": [(0, 0), (50, 0), (50, 50), (0, 0)]}), "ring"),
    "pair": (town({"one": [(0, 0), (90, 0)], "two": [(0, 0), (40, 40), (90, 0)]}), "two"),
    "crumbs": (
        town(
            {f"c{i}": [(i * 7.0, 0), (i * 7.0 + 7, 0)] for i in range(6)}
            | {"long": [(42, 0), (142, 0)], "side": [(14, 0), (14, 90)], "bit": [(14, 0), (16, 2)]}
            | {"up": [(0, 0), (0, 5)], "over": [(0, 5), (7, 0)]}
        ),
        "long",
    ),
}


def on(streets: StreetNetwork, segment_id: str, offset: float) -> tuple[np.ndarray, np.ndarray]:
    row = streets.segments.index.get_loc(segment_id)
    return np.array([row]), np.array([offset])


def mass_of(streets: StreetNetwork, segment_id: str, offset: float, **options) -> np.ndarray:
    place = on(streets, segment_id, offset)
    one = (np.zeros(1, dtype=np.int64), np.ones(1))
    return spread_waves(streets, *place, *one, n_columns=1, **options)[:, 0]


def density_of(streets, lixels, segment_id, offset, **options) -> np.ndarray:
    return lixel_waves(
        streets, lixels.indptr, *on(streets, segment_id, offset), np.ones(1), **options
    )


def by_paths(streets, lixels, segment_id, offset, k=quartic, **options) -> np.ndarray:
    (row,), _ = on(streets, segment_id, offset)
    paths = Paths(streets, **options)
    middle = lixels.start + lixels.length / 2
    return np.array(
        [paths.density(row, offset, i, at, k) for i, at in zip(lixels.segment, middle, strict=True)]
    )


@pytest.mark.parametrize("dead_end", ["reflect", "absorb"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("where", [0.0, 0.11, 0.5, 0.93])
@pytest.mark.parametrize("name", TOWNS)
def test_density_and_mass_equal_the_sum_over_all_paths(name, where, method, dead_end):
    streets, segment_id = TOWNS[name]
    offset = where * streets.segments["length"][segment_id]
    options = {"bandwidth": 130.0, "method": method, "dead_end": dead_end}
    lixels = Lixels.cut(streets, 10)
    found = density_of(streets, lixels, segment_id, offset, **options)
    expected = by_paths(streets, lixels, segment_id, offset, **options)
    assert np.abs(found - expected).max() < 1e-3 * quartic(0) / 130
    (row,), _ = on(streets, segment_id, offset)
    mass = mass_of(streets, segment_id, offset, **options)
    np.testing.assert_allclose(
        mass, Paths(streets, **options).mass(row, offset, quartic_integral), atol=3e-4
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["crumbs", "loop", "grid"])
def test_more_bins_bring_the_sum_over_all_paths_nearer_by_the_square_at_least(
    name, method, monkeypatch
):
    streets, segment_id = TOWNS[name]
    lixels = Lixels.cut(streets, 10)
    options = {"bandwidth": 130.0, "method": method}
    expected = by_paths(streets, lixels, segment_id, 23.4, **options)
    off = []
    for n in (16, 128):
        monkeypatch.setattr(waves, "wave_of", partial(wave_of, least=n))
        found = density_of(streets, lixels, segment_id, 23.4, **options)
        off.append(np.abs(found - expected) @ lixels.length)
    assert off[0] < 2e-3
    assert off[1] < off[0] / 64


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kernel", "k", "error"),
    [
        ("gaussian", gaussian, 0.003),
        ("epanechnikov", epanechnikov, 0.005),
        ("triangular", lambda u: 1 - u, 0.005),
    ],
)
def test_other_kernels_equal_the_sum_over_all_paths_too(kernel, k, error, method):
    streets = loop_town()
    lixels = Lixels.cut(streets, 10)
    options = {"bandwidth": 130.0, "method": method}
    found = density_of(streets, lixels, "bow", 40.0, kernel=kernel, **options)
    expected = by_paths(streets, lixels, "bow", 40.0, k, **options)
    assert np.abs(found - expected).max() < error * k(0.0) / 130


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("kernel", "k", "error"),
    [
        ("quartic", quartic, 1e-4),
        ("gaussian", gaussian, 1e-4),
        ("epanechnikov", epanechnikov, 1e-4),
        ("triangular", lambda u: 1 - u, 1e-4),
        ("uniform", lambda u: 0.5, 4e-3),
    ],
)
def test_whole_segments_hold_what_all_paths_bring_by_every_kernel(kernel, k, error, method):
    streets, segment_id = TOWNS["loop"]
    lixels = Lixels.cut(streets, 1)
    options = {"bandwidth": 130.0, "method": method}
    density = by_paths(streets, lixels, segment_id, 11.0, k, **options)
    expected = np.bincount(lixels.segment, density * lixels.length, len(streets.segments))
    found = mass_of(streets, segment_id, 11.0, kernel=kernel, **options)
    assert np.abs(found - expected).max() < error


@pytest.mark.parametrize("method", METHODS)
def test_the_uniform_kernel_is_flat_and_ends_within_a_few_bins_of_the_bandwidth(method):
    streets = row_town(4, 200.0)
    lixels = Lixels.cut(streets, 5)
    found = density_of(
        streets, lixels, "s1", 150.0, bandwidth=260.0, method=method, kernel="uniform"
    )
    away = np.abs(lixels.segment * 200 + lixels.start + lixels.length / 2 - 350)
    assert found[away < 230] == pytest.approx(1 / 520, rel=1e-9)
    assert found[away > 290] == pytest.approx(0, abs=1e-12)


def test_esc_is_continuous_across_a_junction_and_esd_is_not():
    streets = star_town(5)
    lixels = Lixels.cut(streets, 0.5)
    at_square = lixels.indptr[:-1]
    esc = density_of(streets, lixels, "a0", 60.0, bandwidth=200.0, method="esc")[at_square]
    esd = density_of(streets, lixels, "a0", 60.0, bandwidth=200.0, method="esd")[at_square]
    assert np.ptp(esc) < 0.02 * esc.max()
    assert esd[0] == pytest.approx(4 * esd[1], rel=0.02)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", TOWNS)
def test_an_event_keeps_its_mass_where_dead_ends_reflect(name, method):
    streets, segment_id = TOWNS[name]
    mass = mass_of(streets, segment_id, 13.0, bandwidth=500.0, method=method)
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    assert method == "esc" or (mass >= 0).all()


def test_dead_ends_that_absorb_lose_what_walks_out():
    kept = mass_of(row_town(1, 100.0), "s0", 50.0, bandwidth=200.0, dead_end="absorb")
    assert kept[0] == pytest.approx(2 * quartic_integral(0.25), abs=1e-5)


def test_pieces_of_a_network_keep_to_themselves():
    streets = town({"here": [(0, 0), (80, 0)], "there": [(0, 50), (80, 50)]})
    mass = mass_of(streets, "here", 10.0, bandwidth=300.0)
    assert mass.tolist() == pytest.approx([1, 0], abs=1e-12)


def test_a_bandwidth_far_beyond_the_network_fills_it_evenly():
    streets = row_town(1, 40.0)
    lixels = Lixels.cut(streets, 5)
    found = density_of(streets, lixels, "s0", 3.0, bandwidth=5000.0)
    assert found == pytest.approx(np.full(8, 1 / 40), rel=1e-3)


def test_streets_that_may_not_be_walked_get_nothing():
    streets = grid_town(3, 3)
    lines = {
        i: [(x - 656_000, y - 4_790_000) for x, y in g.coords]
        for i, g in streets.segments.geometry.items()
    }
    closed = town(lines, walk={"h-1-0": False})
    mass = mass_of(closed, "h-0-0", 50.0, bandwidth=300.0)
    assert mass[closed.segments.index.get_loc("h-1-0")] == 0
    assert mass.sum() == pytest.approx(1, abs=1e-12)


def test_columns_beside_each_other_are_each_what_they_are_alone():
    streets = loop_town()
    rng = np.random.default_rng(1)
    segment = rng.integers(0, 4, 60)
    offset = rng.random(60) * (streets.length_mm / 1000)[segment]
    column, weight = rng.integers(0, 19, 60), rng.random(60)
    both = {"bandwidth": 200.0, "method": "esc"}
    together = spread_waves(streets, segment, offset, column, weight, n_columns=19, **both)
    for c in (0, 7, 8, 18):
        mine = column == c
        nothing = np.zeros(mine.sum(), dtype=np.int64)
        alone = spread_waves(
            streets, segment[mine], offset[mine], nothing, weight[mine], n_columns=1, **both
        )
        np.testing.assert_allclose(together[:, c], alone[:, 0], atol=1e-12)
    assert together.sum(axis=0) == pytest.approx(np.bincount(column, weight, 19), abs=1e-9)


def test_threads_change_no_bit_of_it(monkeypatch):
    streets = grid_town(12, 12, 23.0)
    lixels = Lixels.cut(streets, 10)
    rng = np.random.default_rng(1)
    segment = rng.integers(0, len(streets.segments), 500)
    offset = rng.random(500) * 23
    alone = lixel_waves(streets, lixels.indptr, segment, offset, np.ones(500), bandwidth=300.0)
    monkeypatch.setattr(waves, "_threads", lambda work: 3)
    shared = lixel_waves(streets, lixels.indptr, segment, offset, np.ones(500), bandwidth=300.0)
    np.testing.assert_array_equal(alone, shared)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), min_size=1, max_size=8),
    st.sampled_from(METHODS),
    st.sets(st.sampled_from(["main", "bow", "ring"])),
    st.randoms(use_true_random=False),
)
def test_order_of_events_and_direction_of_segments_change_nothing(places, method, turned, random):
    there = loop_town()
    lines = {
        i: [(x - 656_000, y - 4_790_000) for x, y in g.coords]
        for i, g in there.segments.geometry.items()
    }
    back = town({i: line[::-1] if i in turned else line for i, line in lines.items()})
    ids, whole = there.segments.index, there.length_mm / 1000
    segment = np.array([row for row, _ in places])
    offset = np.array([share for _, share in places]) * whole[segment]
    mirrored = np.where(ids[segment].isin(turned), whole[segment] - offset, offset)
    order = np.array(random.sample(range(len(places)), len(places)))
    one = np.zeros(len(places), dtype=np.int64)
    options = {"n_columns": 1, "bandwidth": 210.0, "method": method}
    first = spread_waves(there, segment, offset, one, np.ones(len(one)), **options)
    second = spread_waves(back, segment[order], mirrored[order], one, np.ones(len(one)), **options)
    np.testing.assert_allclose(first, second, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_splitting_a_segment_changes_only_the_error_of_the_bins(method):
    whole = town({"main": [(0, 0), (100, 0)], "bow": [(0, 0), (50, 60), (100, 0)]})
    split = town(
        {"a": [(0, 0), (37, 0)], "b": [(37, 0), (100, 0)], "bow": [(0, 0), (50, 60), (100, 0)]}
    )
    one = mass_of(whole, "bow", 50.0, bandwidth=300.0, method=method)
    two = mass_of(split, "bow", 50.0, bandwidth=300.0, method=method)
    assert [one[0], one[1]] == pytest.approx([two[0] + two[1], two[2]], abs=2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_turning_the_map_changes_only_the_last_digits(method):
    streets = loop_town()
    turned = StreetNetwork(
        segments=streets.segments.assign(
            geometry=streets.segments.rotate(33, origin=(656_000, 4_790_000))
        ),
        nodes=streets.nodes.assign(geometry=streets.nodes.rotate(33, origin=(656_000, 4_790_000))),
    )
    one = mass_of(streets, "bow", 50.0, bandwidth=300.0, method=method)
    two = mass_of(turned, "bow", 50.0, bandwidth=300.0, method=method)
    np.testing.assert_allclose(one, two, atol=1e-12)


@pytest.fixture(scope="module")
def crop() -> tuple[StreetNetwork, np.ndarray]:
    """Streets within 700 m of a place in Heidelberg with many short pieces, and rows of those."""
    if not HEIDELBERG.exists():
        pytest.skip("needs ../shared/data/heidelberg")
    whole = read_streets(HEIDELBERG / "heidelberg.osm.pbf")
    table = whole.segments[whole.segments["walk"]]
    middle = shapely.get_coordinates(shapely.centroid(table.geometry.to_numpy()))
    short = middle[table["length"].to_numpy() < 12]
    crowd = np.array([(np.hypot(*(short - place).T) < 100).sum() for place in short])
    away = np.hypot(*(middle - short[crowd.argmax()]).T)
    near = table[away < 700]
    ends = pd.unique(near[["from_node", "to_node"]].to_numpy().ravel())
    streets = StreetNetwork(segments=near, nodes=whole.nodes.loc[ends])
    inner = np.flatnonzero((away[away < 700] < 150) & (near["length"] < 12))
    return streets, np.random.default_rng(2).choice(inner, 6, replace=False)


@pytest.mark.shared
@pytest.mark.parametrize("method", METHODS)
def test_on_real_streets_lixels_keep_the_mass_by_the_square_of_their_length(crop, method):
    streets, chosen = crop
    length = streets.length_mm / 1000
    assert (length < 20).mean() > 0.25
    worst = []
    for lixel_length in (40, 10, 2.5):
        lixels = Lixels.cut(streets, lixel_length)
        off = []
        for row in chosen:
            density = lixel_waves(
                streets, lixels.indptr, np.array([row]), np.array([length[row] / 3]), np.ones(1),
                bandwidth=200.0, method=method,
            )  # fmt: skip
            off.append(abs(density @ lixels.length - 1))
        worst.append(max(off))
    assert worst[1] < 1e-3
    assert worst[2] < worst[0] / 16**1.5  # 16 by the square, twice; real shapes wobble


@pytest.mark.shared
def test_on_real_streets_full_of_short_pieces_masses_equal_those_of_all_paths(crop):
    streets, chosen = crop
    length = streets.length_mm / 1000
    for row in chosen:
        paths = Paths(streets, bandwidth=60.0, method="esd", least=1e-5)
        expected = paths.mass(int(row), length[row] / 3, quartic_integral)
        found = mass_of(streets, streets.segments.index[row], length[row] / 3, bandwidth=60.0)
        cut = 1 - expected.sum()  # paths of next to no share that the oracle leaves out
        assert cut < 0.02
        assert np.abs(found - expected).sum() < 1e-4 + cut


@pytest.mark.shared
@pytest.mark.parametrize("method", METHODS)
def test_on_real_streets_full_of_short_pieces_the_usual_bins_do_as_well_as_finer_ones(
    crop, method, monkeypatch
):
    streets, chosen = crop
    places = (chosen, (streets.length_mm / 3000)[chosen], np.arange(len(chosen)))
    options = {"n_columns": len(chosen), "bandwidth": 200.0, "method": method}
    usual = spread_waves(streets, *places, np.ones(len(chosen)), **options)
    monkeypatch.setattr(waves, "wave_of", partial(wave_of, least=256))
    finer = spread_waves(streets, *places, np.ones(len(chosen)), **options)
    assert np.abs(usual - finer).max() < 5e-4
    assert np.abs(usual - finer).sum(axis=0).max() / 2 < 3e-3
