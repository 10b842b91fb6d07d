"""Routes drawn by hand become a plan that is compared with a planned one."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, Point

from crews import assert_good, depot_at, flat_risk, shift_at
from patrolmap.errors import CRSError, OptionError, SchemaError, SourceFormatError
from patrolmap.output import write_gpx
from patrolmap.patrol import MaxIterations, PatrolRules, Plan, Shift, plan_patrols, score_routes
from patrolmap.streets import StreetNetwork
from towns import CENTRE, Corner, grid_town, loop_town, row_town, town


def drawn(*corners: Corner) -> LineString:
    return LineString([(x + CENTRE[0], y + CENTRE[1]) for x, y in corners])


def lines(*shapes: Any, **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs="EPSG:32643")


def walked(plan: Plan, route: str = "night-1") -> list[str]:
    if route not in plan.visits.index.get_level_values("route_id"):
        return []
    return plan.visits.loc[route, "segment_id"].tolist()


def notes(plan: Plan) -> str:
    return "\n".join(plan.provenance.notes)


def score(streets: StreetNetwork, *shapes: Any, shift: Shift | None = None, **options: Any) -> Plan:
    """Score lines on flat risk, and check the plan."""
    risk = flat_risk(streets)
    plan = score_routes(lines(*shapes), streets, risk, [shift or shift_at(streets)], **options)
    assert_good(plan, streets, risk)
    return plan


def test_a_line_drawn_25_m_off_follows_its_streets() -> None:
    plan = score(grid_town(4, 4), drawn((20, 25), (222, 25), (215, 110)))
    assert walked(plan)[:3] == ["h-0-0", "h-0-1", "v-0-2"]


def test_a_line_with_few_corners_keeps_to_the_bend_between_them() -> None:
    plan = score(loop_town(), drawn((0, 0), (50, 55), (100, 0), (180, 0)))
    assert walked(plan)[:2] == ["bow", "tail"]


def test_of_two_parallel_streets_the_one_drawn_is_walked() -> None:
    streets = town(
        {
            "west": [(0, 0), (0, 40)],
            "south": [(0, 0), (300, 0)],
            "north": [(0, 40), (300, 40)],
            "east": [(300, 0), (300, 40)],
        }
    )
    south = score(streets, drawn((0, 12), (150, 10), (290, 14)))
    north = score(streets, drawn((5, 0), (5, 30), (150, 29), (290, 28)))
    assert walked(south)[0] == "south"
    assert walked(north)[:2] == ["west", "north"]


def test_a_street_walked_out_and_back_is_passed_twice() -> None:
    plan = score(row_town(3), drawn((0, 0), (300, 4), (0, -4)))
    assert walked(plan) == ["s0", "s1", "s2", "s2", "s1", "s0"]


def test_a_loop_and_a_crossing_of_its_own_way_are_followed() -> None:
    eight = drawn((0, 0), (100, 0), (100, 200), (200, 200), (200, 100), (0, 100), (0, 0))
    plan = score(grid_town(4, 4), eight)
    assert walked(plan) == [
        "h-0-0", "v-0-1", "v-1-1", "h-2-1", "v-1-2", "h-1-1", "h-1-0", "v-0-0",
    ]  # fmt: skip


def test_a_ring_from_one_corner_back_to_it_is_walked_round() -> None:
    streets = loop_town()
    plan = score(streets, drawn((0, 0), (-60, 40), (-60, -40), (0, 0)))
    assert walked(plan) == ["ring"]


def test_a_segment_counts_from_half_its_length() -> None:
    streets = row_town(3)
    assert walked(score(streets, drawn((0, 0), (140, 0)))) == ["s0", "s0"]
    assert walked(score(streets, drawn((0, 0), (160, 0)))) == ["s0", "s1", "s1", "s0"]


def test_the_way_from_the_depot_and_back_is_added_and_told() -> None:
    plan = score(grid_town(6, 6), drawn((300, 300), (500, 300)))
    assert plan.routes["length"].iloc[0] == pytest.approx(600 + 200 + 800)
    assert "the way from the depot to the line (600 m) and from it to the end depot (800 m)" in (
        notes(plan)
    )


def test_a_closed_line_that_passes_the_depot_begins_there() -> None:
    streets = grid_town(4, 4)
    block = drawn((100, 100), (200, 100), (200, 0), (0, 0), (0, 100), (100, 100))
    plan = score(streets, block)
    assert plan.routes["length"].iloc[0] == pytest.approx(600)
    assert "the drawn loop begins where it passes the depot" in notes(plan)


def test_what_is_drawn_off_the_streets_is_told_and_bridged() -> None:
    plan = score(row_town(4), drawn((0, 0), (100, 0), (150, 150), (300, 150), (300, 0), (400, 0)))
    assert walked(plan)[:4] == ["s0", "s1", "s2", "s3"]
    assert "is farther than 50 m from any street" in notes(plan)
    assert "a gap in the drawing is bridged by the shortest way" in notes(plan)


def test_pieces_of_a_route_are_walked_in_their_order() -> None:
    streets, depot = grid_town(6, 6), (0.0, 0.0)
    pieces = lines(drawn((0, 0), (200, 0)), drawn((500, 500), (400, 500)), route_id=["night-1"] * 2)
    plan = score_routes(pieces, streets, flat_risk(streets), shift_at(streets, depot, minutes=60))
    ids = walked(plan)
    assert ids[:2] == ["h-0-0", "h-0-1"]
    assert "h-5-4" in ids
    assert "a gap in the drawing is bridged by the shortest way, 800 m in all" in notes(plan)


def test_an_overrun_is_told_in_the_plan_and_found_by_the_checker() -> None:
    streets = row_town(10)
    risk = flat_risk(streets)
    shift = shift_at(streets, minutes=20)  # 1,500 m
    plan = score_routes(lines(drawn((0, 0), (1000, 0), (0, 0))), streets, risk, [shift])
    from patrolmap.patrol import check_plan

    assert set(check_plan(plan, streets, risk=risk)["rule"]) == {"duration"}
    assert "overruns its shift by 7 min: 2.0 km at 1.25 m/s take 27 min of 20 min" in notes(plan)


def test_a_route_beyond_its_sector_is_scored_and_found_by_the_checker() -> None:
    from patrolmap.patrol import check_plan

    streets = row_town(4)
    risk = flat_risk(streets)
    area = gpd.GeoSeries([drawn((-10, 0), (210, 0)).buffer(20)], crs=streets.crs).to_crs(4326)
    shift = shift_at(streets, sector=area.iloc[0])
    plan = score_routes(lines(drawn((0, 0), (400, 0))), streets, risk, [shift])
    breaches = check_plan(plan, streets, risk=risk)
    assert set(breaches["rule"]) == {"sector"}
    assert plan.provenance.prize == pytest.approx(4)


def test_one_way_streets_hold_for_cars() -> None:
    streets = town(
        {
            "there": [(0, 0), (200, 0)],
            "up": [(200, 0), (200, 40)],
            "back": [(0, 40), (200, 40)],
            "down": [(0, 40), (0, 0)],
        },
        drive_backward={"there": False},
    )
    shift = shift_at(streets, (200.0, 0.0), mode="drive")
    plan = score(streets, drawn((200, 0), (0, 0)), shift=shift)
    assert walked(plan)[:3] == ["up", "back", "down"]


def test_rules_and_repeats_are_those_of_a_plan() -> None:
    streets = row_town(1)
    rules = PatrolRules(repeat_share=0.5, repeat_after="1min")
    plan = score(streets, drawn((0, 0), (100, 0), (0, 0)), rules=rules)
    assert plan.visits["prize"].tolist() == [1.0, 0.5]


def test_lines_go_to_the_crews_whose_names_they_bear() -> None:
    streets = grid_town(4, 4)
    shifts = [shift_at(streets, crews=2), shift_at(streets, name="day")]
    east, north = drawn((0, 0), (300, 0)), drawn((0, 0), (0, 300))
    table = lines(north, east, route=["day", "night · crew 2"])
    plan = score_routes(table, streets, flat_risk(streets), shifts)
    assert_good(plan, streets, flat_risk(streets))
    assert walked(plan, "day-1")[0] == "v-0-0"
    assert walked(plan, "night-2")[0] == "h-0-0"
    assert walked(plan, "night-1") == []
    assert "no line is drawn for night-1" in notes(plan)


def test_lines_without_names_go_to_the_crews_in_their_order() -> None:
    streets = grid_town(4, 4)
    east, north = drawn((0, 0), (300, 0)), drawn((0, 0), (0, 300))
    plan = score_routes(lines(east, north), streets, flat_risk(streets), shift_at(streets, crews=2))
    assert [walked(plan, f"night-{n}")[0] for n in (1, 2)] == ["h-0-0", "v-0-0"]
    assert "taken by the crews in their order" in notes(plan)


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        (lines(drawn((0, 0), (9, 9)), drawn((0, 0), (9, 9))), {}, OptionError, "for 3 crews"),
        (
            lines(drawn((0, 0), (9, 9)), drawn((0, 0), (9, 9)), name=["night-1", "nigth-2"]),
            {}, OptionError, "is named 'nigth-2', as no crew is; wanted one of 'night-",
        ),
        (lines(*[drawn((9e4, 0), (9e4, 9))] * 3), {}, SchemaError, "lies within 50 m of a street"),
        (lines(*[Point(0, 0)] * 3), {}, SchemaError, "row 1 of the table is a Point"),
        (lines(drawn((0, 0), (9, 9))).set_crs(None, allow_override=True), {}, CRSError, "no CRS"),
        (lines(), {}, SourceFormatError, "lines holds no line"),
        (7, {}, OptionError, "lines is a int; wanted a path"),
        (lines(drawn((0, 0), (9, 9))), {"reach": -1}, OptionError, "reach=-1; wanted metres"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused_with_the_mend(
    table: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    streets = grid_town(4, 4)
    with pytest.raises(error, match=message):
        score_routes(table, streets, flat_risk(streets), shift_at(streets, crews=3), **options)


@pytest.mark.parametrize("shifts", [["night"], None, []])
def test_shifts_that_are_none_are_refused(shifts: Any) -> None:
    streets = grid_town(3, 3)
    with pytest.raises(OptionError, match="wanted"):
        score_routes(lines(drawn((0, 0), (9, 9))), streets, flat_risk(streets), shifts)


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "shp"])
def test_files_of_lines_are_read(tmp_path: Path, suffix: str) -> None:
    streets = grid_town(4, 4)
    both = MultiLineString([drawn((0, 0), (200, 0)), drawn((200, 0), (200, 200))])
    path = tmp_path / f"routes.{suffix}"
    lines(both, name=["night-1"]).to_crs(4326).to_file(path)
    plan = score_routes(path, streets, flat_risk(streets), shift_at(streets))
    assert walked(plan)[:4] == ["h-0-0", "h-0-1", "v-0-2", "v-1-2"]


def test_gpx_that_declares_entities_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gpx"
    path.write_text('<?xml version="1.0"?><!DOCTYPE g [<!ENTITY a SYSTEM "/etc/passwd">]><gpx/>')
    streets = grid_town(3, 3)
    with pytest.raises(SourceFormatError, match="declares XML entities"):
        score_routes(path, streets, flat_risk(streets), shift_at(streets))
    path.write_text("<gpx><trk>")
    with pytest.raises(SourceFormatError, match="no sound GPX file"):
        score_routes(path, streets, flat_risk(streets), shift_at(streets))


def test_the_inputs_are_left_as_they_were() -> None:
    streets = grid_town(3, 3)
    table = lines(drawn((0, 0), (200, 0)))
    before = table.copy(deep=True)
    score_routes(table, streets, flat_risk(streets), shift_at(streets))
    assert table.equals(before)


def scattered_town(random: np.random.Generator) -> StreetNetwork:
    """A grid with moved corners, bent streets, gaps, dead ends and diagonals."""
    size = 6
    spot = {
        (c, r): (0.0, 0.0) if (c, r) == (0, 0) else (
            c * 90 + random.uniform(-30, 30), r * 90 + random.uniform(-30, 30)
        )
        for c in range(size) for r in range(size)
    }  # fmt: skip
    streets: dict[str, list[Corner]] = {}
    for c, r in spot:
        for name, other in (("e", (c + 1, r)), ("n", (c, r + 1)), ("d", (c + 1, r + 1))):
            kept = random.random() < (0.15 if name == "d" else 0.75) or (c, r) == (0, 0)
            if other not in spot or not kept:
                continue
            (x, y), (u, v) = spot[c, r], spot[other]
            bend = ((x + u) / 2 + random.normal(0, 6), (y + v) / 2 + random.normal(0, 6))
            streets[f"{name}-{c}-{r}"] = [(x, y), bend, (u, v)]
    return town(streets)


def same_walks(one: Plan, other: Plan) -> bool:
    fields = ["segment_id", "forward", "arrive", "prize"]
    return one.visits[fields].equals(other.visits[fields])


def test_a_plan_scored_from_its_own_gpx_file_or_lines_comes_back(
    grid: StreetNetwork, grid_risk: pd.Series, night_plan: Plan, tmp_path: Path
) -> None:
    two = shift_at(grid, (200.0, 200.0), minutes=40, crews=2)
    across = shift_at(
        grid, (200.0, 200.0), minutes=30, name="across", start="2026-11-22 22:30+05:00",
        end_depot=depot_at(grid, (500.0, 500.0), name="gate"), service="national_guard",
    )  # fmt: skip
    for given_lines in (
        night_plan.routes,
        write_gpx(night_plan, tmp_path),
        night_plan.to_file(tmp_path / "plan.gpkg"),
    ):
        again = score_routes(given_lines, grid, grid_risk, [two, across])
        assert_good(again, grid, grid_risk)
        assert same_walks(again, night_plan)
        assert again.provenance.prize == pytest.approx(night_plan.provenance.prize)


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    crews=st.integers(1, 2),
    minutes=st.integers(10, 50),
    share=st.sampled_from([0.0, 0.5]),
)
def test_any_plan_of_a_random_town_comes_back_with_the_same_prize(
    seed: int, crews: int, minutes: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    streets = scattered_town(random)
    risk = pd.Series(random.pareto(1.5, len(streets.segments)), index=streets.segments.index)
    rules = PatrolRules(repeat_share=share, repeat_after="5min")
    shift = shift_at(streets, minutes=minutes, crews=crews, rules=rules)
    plan = plan_patrols(streets, risk, [shift], stop=MaxIterations(20), seed=1)
    again = score_routes(plan.routes, streets, risk, [shift])
    assert_good(again, streets, risk)
    assert again.provenance.prize == pytest.approx(plan.provenance.prize)


@settings(deadline=None, max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    corners=st.lists(st.tuples(st.floats(-300, 800), st.floats(-300, 800)), min_size=2, max_size=8),
)
def test_any_scribble_is_a_checked_plan_or_lies_nowhere_near_a_street(
    seed: int, corners: list[Corner]
) -> None:
    streets = grid_town(5, 5)
    risk = pd.Series(
        np.random.default_rng(seed).random(len(streets.segments)), index=streets.segments.index
    )
    shift = shift_at(streets, minutes=600)
    try:
        plan = score_routes(lines(drawn(*corners)), streets, risk, [shift])
    except (SchemaError, SourceFormatError) as error:
        line = drawn(*corners)
        assert line.length == 0 or streets.segments.distance(line).min() > 30, error
        return
    assert_good(plan, streets, risk)
