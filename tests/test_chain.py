"""The whole chain on the sample district: from three maps to walked routes."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from shapely.geometry import LineString

import patrolmap as pm

WINDOW = ("2026-11-22 20:00+05:00", "2026-11-23 02:00+05:00")
KINDS = {"crime": "crimes.csv", "accident": "accidents.geojson", "juvenile": "juveniles.gpkg"}


@pytest.fixture(scope="module")
def events(district_reports: dict[str, pm.EventsReport]) -> gpd.GeoDataFrame:
    return pm.combine_events([report.events for report in district_reports.values()])


def plan_of(streets: pm.StreetNetwork, events: gpd.GeoDataFrame, **options: Any) -> pm.Plan:
    night = pm.Shift(
        depot=pm.Depot("Алмалы", lon=76.865475, lat=43.238822),
        start="2026-11-06 20:00+05:00",
        duration="3h",
        crews=2,
        rules="foot_night",
    )
    model = pm.NetworkKDE(bandwidth=300, half_life="60D").fit(events, streets)
    risk = model.predict(night.start, night.end)
    return pm.plan_patrols(streets, risk, [night], stop=pm.MaxIterations(400), seed=1, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_every_planted_bad_row_is_reported_for_its_own_reason(
    kind: str, district_reports: dict[str, pm.EventsReport], planted: dict[str, Any]
) -> None:
    about = planted["files"][KINDS[kind]]
    wanted = sorted((bad["row"], bad["reason"]) for bad in about["bad_rows"])
    report = district_reports[kind]
    assert sorted(report.rejects[["row", "reason"]].itertuples(index=False, name=None)) == wanted
    assert (report.rows, report.kept) == (about["rows"], about["good"])


def test_nothing_personal_survives_reading(events: gpd.GeoDataFrame) -> None:
    assert list(events.columns) == pm.schema.EVENTS.names


@pytest.mark.parametrize("kind", KINDS)
def test_planted_hot_spots_are_found_on_their_own_map(
    kind: str,
    district_reports: dict[str, pm.EventsReport],
    district_streets: pm.StreetNetwork,
    planted: dict[str, Any],
) -> None:
    """Each planted line touches a hotspot of the densest 5 % of street length."""
    model = pm.NetworkKDE(bandwidth=100).fit(district_reports[kind].events, district_streets)
    risk = model.predict("2026-11-06 00:00+05:00", "2026-11-07 00:00+05:00")
    found = pm.hotspots(risk, district_streets, coverage=0.05)
    lines = gpd.GeoSeries(
        [LineString(spot["line"]) for spot in planted["hot_spots"] if spot["kind"] == kind],
        crs=4326,
    ).to_crs(district_streets.crs)
    assert len(lines) >= 4
    near = found.geometry.union_all().buffer(20)
    missed = [i for i, line in enumerate(lines) if line.intersection(near).length < line.length / 2]
    assert missed == []


def test_events_that_stand_on_two_maps_count_once_and_the_kinds_still_add_up(
    district_reports: dict[str, pm.EventsReport], district_streets: pm.StreetNetwork
) -> None:
    """Put forty crimes on the map of juveniles too, five metres off and without their articles."""
    crimes, juveniles = (district_reports[kind].events for kind in ("crime", "juvenile"))
    told = crimes[crimes["category"].isin(["theft", "robbery"])]
    told = told[told["time_precision"] == "minute"].iloc[::50][:40]
    again = told.set_geometry(told.translate(3, 4)).assign(kind="juvenile", article=None)
    again = again.astype({"article": "str"}).set_index("juvenile:" + told.index)
    events = pm.combine_events([crimes, pd.concat([juveniles, again])])

    assert events.attrs["report"]["counted_once"] == {"juvenile, not crime": 40}
    assert len(events) == len(crimes) + len(juveniles)
    assert not events.index.isin(told.index).any()
    assert events.loc[again.index, "article"].tolist() == told["article"].tolist()
    model = pm.NetworkKDE().fit(events, district_streets)
    night = pd.Timestamp("2026-11-06 20:00", tz="Asia/Almaty")
    by_kind = model.predict_by_kind(night, night + pd.Timedelta("6h"))
    total = model.predict(night, night + pd.Timedelta("6h"))
    assert sorted(by_kind.columns) == ["crime", "juvenile"]
    assert by_kind.sum(axis=1).to_numpy() == pytest.approx(total.to_numpy())


def test_hot_spots_hold_many_times_their_share_of_events(
    events: gpd.GeoDataFrame, district_streets: pm.StreetNetwork
) -> None:
    """Fit on the first year, count the events of the second in the hotspots of the first."""
    split = pd.Timestamp("2025-11-01", tz="Asia/Almaty")
    early, late = events[events["occurred_from"] < split], events[events["occurred_from"] >= split]
    risk = (
        pm.NetworkKDE(bandwidth=100)
        .fit(early, district_streets)
        .predict(split, split + pd.Timedelta("365D"))
    )
    found = pm.hotspots(risk, district_streets, coverage=0.05)
    places = pm.snap_events(late, district_streets)
    hot = {segment for ids in found["segment_ids"] for segment in ids}
    share = places["segment_id"].isin(hot).mean()
    assert share > 4 * 0.05


def test_the_five_lines_of_the_readme_give_a_plan_that_checks(
    events: gpd.GeoDataFrame, district_streets: pm.StreetNetwork, tmp_path: Path
) -> None:
    plan = plan_of(district_streets, events)
    assert pm.check_plan(plan, district_streets).empty
    assert len(plan.routes) == 2
    page = pm.explore(district_streets, plan=plan)
    page.save(str(tmp_path / "map.html"))
    assert (tmp_path / "map.html").stat().st_size > 100_000


def test_the_first_lines_of_the_page_on_risk_run_on_the_sample(
    district: pm.datasets.SampleDistrict, district_streets: pm.StreetNetwork
) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "risk.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {"pm": pm, "streets": district_streets}
    files = {"crimes": "crime", "accidents": "accident", "juveniles": "juvenile"}
    for name, kind in files.items():
        source = getattr(district, name)
        names[name] = pm.check_events(source, kind=kind, tz="Asia/Almaty", harm="kz").events
    exec(page.split("```python\n")[1].split("```")[0], names)
    assert len(names["hot"]) > 0
    assert names["child"].predict(*WINDOW).attrs["unit"] == "weighted harm-days"


def test_nobody_walks_the_motorway(
    events: gpd.GeoDataFrame, district_streets: pm.StreetNetwork
) -> None:
    plan = plan_of(district_streets, events)
    walked = plan.segments.loc[plan.visits["segment_id"].unique(), "highway"]
    assert not walked.str.startswith("motorway").any()
    assert district_streets.segments["highway"].str.startswith("motorway").any()


def test_the_same_seed_and_iterations_give_the_same_plan(
    events: gpd.GeoDataFrame, district_streets: pm.StreetNetwork
) -> None:
    first, again = plan_of(district_streets, events), plan_of(district_streets, events)
    for name in ("routes", "visits", "segments", "stops", "unserved"):
        assert_frame_equal(pd.DataFrame(getattr(first, name)), pd.DataFrame(getattr(again, name)))


def test_unlit_streets_earn_nothing_at_night(
    events: gpd.GeoDataFrame, district_streets: pm.StreetNetwork
) -> None:
    plan = plan_of(district_streets, events)
    lit = plan.segments["lit"].reindex(plan.visits["segment_id"]).to_numpy()
    assert (plan.visits.loc[lit == "no", "prize"] == 0).all()
    assert any("unlit" in note for note in plan.provenance.notes)


def test_a_map_ends_where_registration_lags_behind(
    events: gpd.GeoDataFrame, district_reports: dict[str, pm.EventsReport],
    district_streets: pm.StreetNetwork,
) -> None:  # fmt: skip
    lag = district_reports["crime"].lag
    assert lag is not None
    assert lag.complete_until is not None
    assert events.attrs["complete_until"]["crime"] == lag.complete_until.isoformat()
    model = pm.NetworkKDE().fit(events, district_streets)
    assert model.periods_["crime"][1] == lag.complete_until
    assert any("the crime map is taken to end" in note for note in model.notes_)
