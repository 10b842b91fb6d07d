"""What rules cost: plans with each rule of `PatrolRules` beside the plan without it.

    python benchmarks/patrol.py rules            # print
    python benchmarks/patrol.py porto            # a hundred crews that stand, see patrol_porto.py
    python benchmarks/patrol.py all --write      # and put the tables into docs/measured.md

Price of each rule: Helsinki's extract, which has lamps (60 % of its walkable length tagged) and
parks; eight crews, four from each of two depots, on foot from 20:00 to 22:00. Risk is drawn as for
the benchmark instances (clustered hot spots of Pareto weight, log-normal segments), and the riskier
half of all segments keeps its risk, so that eight crews do not exhaust it; it counts once. Each
rule alone, otherwise the defaults; prize in percent of the plan without rules, of crews by car in
percent of the same crews who stay in their cars; every plan must pass `check_plan`. What stays earn
is prize too, so that `dwell` may come to more than 100.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely

import measure
import patrol_porto
import patrolmap as pm

HEADING = "## What each rule costs"
START, HOURS, CREWS = "2026-11-22 20:00+02:00", "2h", 4  # crews of each depot
HOT, SPREAD, KEPT = 30, 150.0, 0.5  # hot spots, m, share of segments that keep their risk
SEED = 20261122
GUARD = replace(pm.PatrolRules.preset("kz_order_164"), repeat_share=0.0)


@dataclass(frozen=True, kw_only=True)
class Priced:
    """One rule: what it is called, and what it makes of the usual rules and shifts."""

    name: str
    rules: dict[str, Any] = field(default_factory=dict)
    sectors: bool = False
    visits: int = 0  # streets that each shift must visit, those of least risk within its reach
    services: bool = False
    mode: Literal["walk", "drive"] = "walk"


def main() -> None:
    """Measure, print, and write the section where asked to."""
    options = argparse.ArgumentParser(description="What each rule costs.")
    options.add_argument("what", nargs="?", choices=["rules", "porto", "all"], default="all")
    options.add_argument("--iterations", type=int, default=10_000, help="of each plan")
    options.add_argument("--seeds", type=int, default=3, help="plans of each rule, averaged")
    options.add_argument("--seconds", type=float, default=38.0, help="of Porto's plan")
    options.add_argument("--longer", type=float, default=300.0, help="of the plan beside it")
    options.add_argument("--write", action="store_true", help="into docs/measured.md")
    given = options.parse_args()
    if given.what in ("rules", "all"):
        told(HEADING, rules_section(given), rules_command(given), write=given.write)
    if given.what in ("porto", "all"):
        text = patrol_porto.porto(given.seconds, given.longer, seed=0)
        command = f"python benchmarks/patrol.py porto --seconds {given.seconds:g}"
        command += f" --longer {given.longer:g} --write"
        told(patrol_porto.HEADING, text, command, write=given.write)


def told(heading: str, text: str, command: str, *, write: bool) -> None:
    """Print a section; put it into the docs where asked to."""
    print(f"{heading}\n\n{text}\n", flush=True)
    if write:
        measure.write_section(heading, command, text)


def rules_command(given: argparse.Namespace) -> str:
    """Return the command that measures the price of each rule again."""
    options = f"--iterations {given.iterations} --seeds {given.seeds}"
    return f"python benchmarks/patrol.py rules {options} --write"


def rules_section(given: argparse.Namespace) -> str:
    """Measure the price of each rule."""
    streets = pm.read_streets(
        measure.ROOT.parent / "shared" / "data" / "helsinki" / "helsinki.osm.pbf"
    )
    return price_of_rules(streets, given.iterations, given.seeds)


def price_of_rules(streets: pm.StreetNetwork, iterations: int, seeds: int) -> str:
    """Return the table: each rule, the prize with it, and the time that crews use."""
    risk = drawn_risk(streets)
    rows = list(rule_rows(streets, risk, iterations, seeds))
    segments = streets.segments
    tagged = segments.loc[segments["lit"] != "unknown", "length"].sum() / segments["length"].sum()
    head = ["rule, alone", "prize, % of no rule", "seeds", "metres, %", "breaches"]
    return "\n\n".join(
        [
            f"Helsinki: {len(segments):,} segments, {segments['length'].sum() / 1000:.0f} km, "
            f"{tagged:.0%} with a lighting tag; {2 * CREWS} crews, {HOURS} from 20:00, "
            f"{iterations:,} iterations a plan, {seeds} seeds.",
            measure.table(head, rows),
        ]
    )


def rule_rows(
    streets: pm.StreetNetwork, risk: pd.Series, iterations: int, seeds: int
) -> Iterator[list[str]]:
    """Yield a row of text for each rule; of each mode, the plan without any comes first."""
    usual: dict[str, tuple[float, float]] = {}
    for priced in priced_rules(streets):
        shifts = crews(streets, priced, risk)
        rules = pm.PatrolRules(**{"repeat_share": 0.0, **priced.rules})
        prizes, lengths, breaches = [], [], 0
        for seed in range(seeds):
            plan = pm.plan_patrols(
                streets, risk, shifts, rules=rules, stop=pm.MaxIterations(iterations), seed=seed
            )
            prizes.append(plan.provenance.prize)
            lengths.append(plan.routes["length"].sum())
            breaches += len(pm.check_plan(plan, streets, risk=risk))
        usual.setdefault(priced.mode, (float(np.mean(prizes)), float(np.mean(lengths))))
        prize, length = usual[priced.mode]
        share = 100 * np.array(prizes) / prize
        yield [
            priced.name,
            f"{share.mean():.1f}",
            f"{share.min():.1f}-{share.max():.1f}",
            f"{100 * np.mean(lengths) / length:.0f}",
            str(breaches),
        ]


def priced_rules(streets: pm.StreetNetwork) -> list[Priced]:
    """Return the rules whose price is told."""
    lon, lat = middle(streets)
    square = shapely.box(lon - 0.0045, lat - 0.00225, lon + 0.0045, lat + 0.00225)  # 500 m
    return [
        Priced(name="none"),
        Priced(name='`unlit="avoid"`, as tagged', rules={"unlit": "avoid"}),
        Priced(
            name='`unlit="avoid"`, by class', rules={"unlit": "avoid", "unknown_lit": "by_class"}
        ),
        Priced(
            name='`unlit="slow"` at half the pace, by class',
            rules={"unlit": "slow", "unknown_lit": "by_class"},
        ),
        Priced(
            name='`unlit="forbid"`, by class', rules={"unlit": "forbid", "unknown_lit": "by_class"}
        ),
        Priced(
            name='`unlit="forbid"`, untagged streets dark',
            rules={"unlit": "forbid", "unknown_lit": "unlit"},
        ),
        Priced(name='`no_parks_after="21:00"`', rules={"no_parks_after": "21:00"}),
        Priced(name='`no_parks_after="20:00"`', rules={"no_parks_after": "20:00"}),
        Priced(name="`no_go`: 500 m x 500 m in the middle", rules={"no_go": [square]}),
        Priced(name="sectors: each depot its half of the town", sectors=True),
        Priced(name="`turn_cost=5`, `u_turn_cost=10`", rules={"turn_cost": 5, "u_turn_cost": 10}),
        Priced(name="`turn_cost=10`, `u_turn_cost=20`", rules={"turn_cost": 10, "u_turn_cost": 20}),
        Priced(name="`corner_passes=3`", rules={"corner_passes": 3}),
        Priced(name="`corner_passes=2`", rules={"corner_passes": 2}),
        Priced(name="`crew_distance=100`", rules={"crew_distance": 100}),
        Priced(name='`beat="10min"`', rules={"beat": "10min"}),
        Priced(name='`beat="5min"`', rules={"beat": "5min"}),
        Priced(name="`pair_apart=0`: stated, it moves nobody", rules={"pair_apart": 0}),
        Priced(name="`Shift.must_visit`: 4 streets without risk a shift", visits=4),
        Priced(name="services: the eastern crews by `kz_order_164`", services=True),
        *standing(streets),
        *driving(),
    ]


def standing(streets: pm.StreetNetwork) -> list[Priced]:
    """Return the rules of time, and all of them together with some of the ground."""
    lon, lat = middle(streets)
    point = pm.Depot("middle", lon=lon, lat=lat)
    at_points = {"report_every": "30min", "report_at": point, "report_slack": "10min"}
    night = {"briefing": "10min", "handover": "5min", "break_length": "20min",
             "report_every": "1h", "dwell": "10min"}  # fmt: skip
    return [
        Priced(name='`briefing="15min"`', rules={"briefing": "15min"}),
        Priced(name='`handover="10min"`', rules={"handover": "10min"}),
        Priced(name='`break_length="30min"`, at the depots', rules={"break_length": "30min"}),
        Priced(
            name='`break_length="30min"`, all in the middle',
            rules={"break_length": "30min", "break_at": point},
        ),
        Priced(name='`report_every="30min"`, by radio', rules={"report_every": "30min"}),
        Priced(name='`report_every="30min"`, in the middle', rules=at_points),
        Priced(name='`dwell="10min"`', rules={"dwell": "10min"}),
        Priced(name='`repeat_share=0.5`, `repeat_after="1h"`',
               rules={"repeat_share": 0.5, "repeat_after": "1h"}),
        Priced(name="a night: briefing, handover, break, reports, dwell", rules=night),
        Priced(
            name="the same, dark streets slow, parks closed, turns, 3 passes of a corner",
            rules={
                **night, "unlit": "slow", "unknown_lit": "by_class", "no_parks_after": "21:00",
                "turn_cost": 5, "u_turn_cost": 10, "corner_passes": 3,
            },
        ),
    ]  # fmt: skip


def driving() -> list[Priced]:
    """Return the rules of crews by car."""
    car = pm.PatrolRules.preset("car")
    stays: dict[str, Any] = {"speed": car.speed}
    gets_out = stays | {"excursion": car.excursion}
    return [
        Priced(name="none, by car", rules=stays, mode="drive"),
        Priced(name="by car: `excursion=300`", rules=gets_out, mode="drive"),
        Priced(
            name='by car: `excursion=300`, `car_stop=("5min", "15min")`',
            rules=gets_out | {"car_stop": ("5min", "15min")}, mode="drive",
        ),
    ]  # fmt: skip


def drawn_risk(streets: pm.StreetNetwork) -> pd.Series:
    """Draw risk: hot spots of Pareto weight, log-normal segments, the riskier half kept."""
    random = np.random.default_rng(SEED)
    middles = shapely.get_coordinates(shapely.centroid(streets.segments.geometry.array))
    centres = middles[random.choice(len(middles), HOT, replace=False)]
    weights = 1 + random.pareto(1.2, HOT)
    squared = ((middles[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    density = (weights * np.exp(-squared / (2 * SPREAD**2))).sum(axis=1)
    risk = density * random.lognormal(0.0, 0.8, len(middles)) * streets.segments["length"]
    risk = risk.where(risk >= risk.quantile(1 - KEPT), 0.0)
    return (100 * risk / risk.sum()).rename("risk")


def middle(streets: pm.StreetNetwork) -> tuple[float, float]:
    """Return the median place of the nodes, in degrees."""
    points = streets.nodes.to_crs(4326).geometry
    return float(points.x.median()), float(points.y.median())


def crews(streets: pm.StreetNetwork, priced: Priced, risk: pd.Series) -> list[pm.Shift]:
    """Return the crews of a western and an eastern depot, each in its half of the town or not."""
    points = streets.nodes.to_crs(4326).geometry
    lon, lat = middle(streets)
    west, south, east, north = points.total_bounds + np.array([-1, -1, 1, 1]) * 0.01
    halves = {
        "west": shapely.box(west, south, lon, north),
        "east": shapely.box(lon, south, east, north),
    }
    return [
        pm.Shift(
            depot=pm.Depot(name, lon=float(points.x.quantile(share)), lat=lat), start=START,
            duration=HOURS, crews=CREWS, name=name, mode=priced.mode,
            sector=halves[name] if priced.sectors else None,
            rules=GUARD if priced.services and name == "east" else None,
            must_visit=idle(streets, risk, halves[name], priced.visits),
        )
        for name, share in (("west", 0.3), ("east", 0.7))
    ]  # fmt: skip


def idle(
    streets: pm.StreetNetwork, risk: pd.Series, half: shapely.Polygon, count: int
) -> tuple[str, ...]:
    """Return streets of a half of the town that have no risk, of its largest part, drawn once."""
    if count == 0:
        return ()
    centre = streets.segments.geometry.centroid.to_crs(4326)
    lon, lat = middle(streets)
    near = centre.within(half) & centre.within(shapely.Point(lon, lat).buffer(0.01))
    open_to = streets.segments.index[near & streets.segments["walk"] & (risk == 0)]
    return tuple(np.random.default_rng(SEED).choice(open_to, count, replace=False).tolist())


if __name__ == "__main__":
    main()
