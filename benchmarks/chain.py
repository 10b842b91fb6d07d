"""Measure the whole chain on a real city, from files to a map on disk; cold, then warm.

    python benchmarks/chain.py portland            # or pittsburgh, almaty
    python benchmarks/chain.py import demo         # start of the package; the bundled sample
    python benchmarks/chain.py all

Cold is the first run with nothing compiled (an empty numba cache), warm the next one; each run is
a process of its own, and its wall seconds count Python's start, all imports and the map's writing.
Peak memory is the process's greatest resident size. The routes take `--seconds` (10). Beside their
prize stands that of greedy walks (`baselines.py`) on the same streets, risk and shifts.

Targets, on 2 cores, warm: Portland to its map under 30 s and 1.5 GB; `import patrolmap` under
0.3 s; the demo under 20 s.
"""

import argparse
import importlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import measure
from baselines import greedy_one_pass

CITIES = ("portland", "pittsburgh", "almaty")
BIG_SECONDS, BIG_MB = 30.0, 1500.0


def main() -> None:
    """Measure what is asked for and print it as tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="+", choices=[*CITIES, "import", "demo", "all"])
    parser.add_argument("--data", type=Path, default=measure.ROOT.parent / "shared" / "data")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for the routes")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        print(json.dumps(run_city(given.what[0], given.data, given.seconds, given.child)))
        return
    what = [*CITIES, "import", "demo"] if "all" in given.what else given.what
    print(measure.machine())
    for name in what:
        print()
        if name in CITIES:
            measure_city(name, given.data.resolve(), given.seconds)
        elif name == "import":
            measure_import()
        else:
            measure_demo()


def run_city(city: str, data: Path, seconds: float, out: Path) -> dict[str, Any]:
    """Run one city in this process with a clock on every stage."""
    began = time.perf_counter()
    sys.path.insert(0, str(measure.ROOT / "examples"))
    import patrolmap as pm

    stages = measure.Stages()
    for name, stage in {
        "read_streets": "streets", "read_places": "places", "check_events": "events",
        "combine_events": "events",
    }.items():  # fmt: skip
        stages.watch(pm, name, stage)
    stages.watch(pm.NetworkKDE, "fit", "risk")
    stages.watch(pm.NetworkKDE, "predict_by_kind", "risk")
    stages.watch(pm, "hotspots", "hotspots")
    stages.watch(pm, "plan_patrols", "routes")
    example = importlib.import_module(city)
    result = example.build(data, stop=pm.MaxRuntime(seconds), seed=1)

    def save_map() -> None:
        pm.explore(
            result.streets, risk=result.risk, hotspots=result.hotspots, plan=result.plan
        ).save(str(out / "map.html"))

    stages.timed("map", save_map)()
    to_map, cpu, memory = time.perf_counter() - began, time.process_time(), measure.peak_mb()
    stages.timed("cards", pm.write_cards)(result.plan, out / "cards.pdf")
    stages.timed("tracks", pm.write_gpx)(result.plan, out / "tracks")
    stages.timed("plan file", result.plan.to_file)(out / "plan.gpkg")
    breaches = stages.timed("check", pm.check_plan)(result.plan, result.streets)
    told = result.plan.provenance
    greedy = greedy_one_pass(result.streets, result.risk_by_start, result.shifts)
    return {
        "stages": stages.seconds,
        "to_map": to_map,
        "cpu": cpu,
        "memory": memory,
        "memory_after": measure.peak_mb(),
        "segments": len(result.streets.segments),
        "events": sum(report.kept for report in result.reports),
        "crews": len(result.plan.routes),
        "iterations": told.iterations,
        "prize": told.prize,
        "greedy": greedy.prize,
        "total_risk": told.total_risk,
        "gap": told.gap,
        "breaches": len(breaches),
    }


def measure_city(city: str, data: Path, seconds: float) -> None:
    """Print one city's stages, cold and warm."""
    command: list[str | Path] = [
        sys.executable, Path(__file__), city, "--data", data, "--seconds", str(seconds), "--child",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        told = []
        for run in ("cold", "warm"):
            out = Path(folder, run)
            out.mkdir()
            told.append(measure.run([*command, out], cache=Path(folder, "numba")).told)
    cold, warm = told
    print(
        f"{city}: {warm['segments']:,} segments, {warm['events']:,} events, {warm['crews']} crews, "
        f"MaxRuntime({seconds:g})"
    )
    print(f"  {'seconds':24}{'cold':>8}{'warm':>8}")
    for stage in warm["stages"]:
        print(f"  {stage:24}{cold['stages'][stage]:8.2f}{warm['stages'][stage]:8.2f}")
    print(f"  {'files to map, in all':24}{cold['to_map']:8.2f}{warm['to_map']:8.2f}")
    print(f"  {'processor, all cores':24}{cold['cpu']:8.2f}{warm['cpu']:8.2f}")
    print(f"  {'peak MB to the map':24}{cold['memory']:8.0f}{warm['memory']:8.0f}")
    print(f"  {'peak MB, all written':24}{cold['memory_after']:8.0f}{warm['memory_after']:8.0f}")
    print(f"  {'iterations':24}{cold['iterations']:8,}{warm['iterations']:8,}")
    for name in ("prize", "greedy", "total_risk", "gap"):
        print(f"  {name.replace('_', ' '):24}{cold[name]:8.3g}{warm[name]:8.3g}")
    print(f"  {'breaches of rules':24}{cold['breaches']:8}{warm['breaches']:8}")
    if city == "portland":
        met = warm["to_map"] < BIG_SECONDS and warm["memory"] < BIG_MB
        print(f"  under {BIG_SECONDS:g} s and {BIG_MB:g} MB when warm: {'yes' if met else 'NO'}")


def measure_import() -> None:
    """Print how long Python takes to start, import patrolmap and exit."""
    took = {}
    for name, code in {"import patrolmap": "import patrolmap", "Python alone": "pass"}.items():
        took[name] = [measure.run([sys.executable, "-c", code]).seconds for _ in range(5)]
        low, middle, high = min(took[name]), statistics.median(took[name]), max(took[name])
        print(f"{name:18} {low:.3f} .. {middle:.3f} .. {high:.3f} s (least, median, most of 5)")


def measure_demo() -> None:
    """Print how long the bundled sample takes, first with nothing compiled and then again."""
    command = Path(sys.executable).with_name("patrolmap")
    with tempfile.TemporaryDirectory() as folder:
        for run in ("first", "again"):
            ran = measure.run(
                [command, "demo", "--out", Path(folder, run)], cache=Path(folder, "numba")
            )
            print(f"patrolmap demo, {run:6} {ran.seconds:6.1f} s")


if __name__ == "__main__":
    main()
