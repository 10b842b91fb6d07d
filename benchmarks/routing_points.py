"""Measure team orienteering on points: Chao's instances, ours beside PyVRP and OR-Tools.

    python benchmarks/routing_points.py p4 --seconds 10 --peers peers/bin/python
    python benchmarks/routing_points.py p1 p2 --seconds 1

Seconds are CPU seconds of each search, of all its threads; compiling and reading are not counted.
A gap is signed: routes better than the reference count as better. Where no crew gets to its end at
all (p4.3.a and the like) all is refused, which is the reference's 0. Peers run on twelve large
instances, p4.{2,3,4}.{h,l,p,t}; each figure is a single run.

Peers run in a Python that has them: pip install pyvrp ortools.
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

import measure

HERE = Path(__file__)
TOP = HERE.resolve().parents[1].parent / "shared" / "bench" / "top"
LARGE = tuple(f"p4.{crews}.{letter}" for crews in (2, 3, 4) for letter in "hlpt")
PEERS = {"pyvrp": "PyVRP", "ortools": "OR-Tools"}
HEAD = ("instances", "who", "count", "CPU seconds", "mean gap", "worst gap", "hit")
FINE = 10_000  # peers count in whole units; a unit of prize outweighs every way
HEAVY = 1_000_000
Told = dict[str, Any]


class CpuTime:
    """Stop after so many CPU seconds of this process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began: float | None = None

    def done(self, *, iterations: int, seconds: float) -> float:
        """Return the share of the time that has gone; it begins to run when first asked."""
        now = time.process_time()
        self._began = now if self._began is None else self._began
        return (now - self._began) / self._seconds

    def __call__(self, best: object = None) -> bool:
        """Return whether it is time to stop, as peers ask."""
        return self.done(iterations=0, seconds=0.0) >= 1


class Instance(NamedTuple):
    """One instance; all crews start at the first point and end at the last."""

    durations: npt.NDArray[np.float64]
    prizes: npt.NDArray[np.float64]
    crews: int
    limit: float


def main() -> None:
    """Print the rows, or run one peer on one instance in this process."""
    if len(sys.argv) > 2 and sys.argv[1] in RUNS:
        print(json.dumps(RUNS[sys.argv[1]](Path(sys.argv[2]), float(sys.argv[3]))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("families", nargs="*", default=["p4"], help="p1, p2, p4, p4.2 ...")
    parser.add_argument("--seconds", type=float, default=10.0, help="CPU seconds an instance")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--peers", type=Path, help="a Python that has the peers; see above")
    given = parser.parse_args()
    print(f"Measured on {measure.machine()}.\n")
    ours = point_rows(given.families, seconds=given.seconds, seed=given.seed, show=True)
    rows = summary(ours, seconds=given.seconds)
    if given.peers is not None:
        rows += peer_summary(ours, seconds=given.seconds, seed=given.seed, python=given.peers)
    print(f"\n{measure.table(HEAD, rows)}")


def read_instance(path: Path) -> Instance:
    """Read a file as FORMAT.txt says."""
    lines = path.read_text(encoding="utf-8").splitlines()
    crews, limit = int(lines[1].split()[1]), float(lines[2].split()[1])
    table = np.array([line.split() for line in lines[3:] if line.strip()], dtype=np.float64)
    apart = table[:, None, :2] - table[None, :, :2]
    return Instance(np.hypot(apart[..., 0], apart[..., 1]), table[:, 2], crews, limit)


def references(top: Path = TOP) -> pd.Series:
    """Return the best values known, by instance."""
    table = pd.read_csv(top / "reference_values.csv", usecols=range(5))  # notes hold commas
    return table.set_index("instance")["reference"]


def solve(instance: Instance, *, seconds: float, seed: int) -> Any:
    """Solve an instance with our engine in CPU seconds."""
    from patrolmap.patrol import solve_orienteering

    last = len(instance.prizes) - 1
    return solve_orienteering(
        instance.durations,
        instance.prizes,
        starts=[0] * instance.crews,
        ends=[last] * instance.crews,
        limits=[instance.limit] * instance.crews,
        stop=CpuTime(seconds),
        seed=seed,
    )


def point_rows(
    families: Sequence[str] = ("p4",),
    *,
    seconds: float,
    seed: int = 0,
    top: Path = TOP,
    wanted: Callable[[str], bool] | None = None,
    show: bool = False,
) -> pd.DataFrame:
    """Solve instances and return a row each: prize, reference, signed gap, bound, CPU seconds.

    Parameters
    ----------
    families
        First parts of names: "p4", "p4.2".
    seconds
        CPU seconds of each search; compiling and reading not counted.
    seed
        Of the search.
    top
        Folder of the instances.
    wanted
        Says which of them by name; default all.
    show
        Print each as it is done.
    """
    known = references(top)
    names = [n for n in known.index if n.startswith(tuple(families)) and (not wanted or wanted(n))]
    warm = read_instance(top / f"{known.index[-1]}.txt")
    for _ in range(3):
        solve(warm, seconds=0.1, seed=0)  # compiles the kernels
    rows = []
    for name in names:
        row = {"instance": name, "reference": known[name], **_solved(name, top, seconds, seed)}
        row["gap_%"] = round(gap(row["prize"], known[name]), 4) + 0.0
        rows.append(row)
        if show:
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return pd.DataFrame(rows)


def _solved(name: str, top: Path, seconds: float, seed: int) -> Told:
    """Solve one and verify it."""
    from patrolmap.errors import InfeasibleError

    instance = read_instance(top / f"{name}.txt")
    cpu = time.process_time()
    try:
        found = solve(instance, seconds=seconds, seed=seed)
    except InfeasibleError:
        if instance.durations[0, -1] <= instance.limit:
            raise
        return {"prize": 0.0, "bound": 0.0, "iterations": 0, "cpu_s": 0.0}
    used = time.process_time() - cpu
    _verify(instance, found.routes, found.prize)
    return {
        "prize": found.prize,
        "bound": round(found.upper_bound, 1),
        "iterations": found.iterations,
        "cpu_s": round(used, 2),
    }


def gap(prize: float, reference: float) -> float:
    """Return how far below the reference a prize is, in per cent of it."""
    return 100 * (reference - prize) / reference if reference else -prize


def _verify(instance: Instance, routes: Sequence[Any], prize: float) -> None:
    """Recompute lengths and prize, apart from the engine."""
    ways = [np.asarray(route, dtype=np.int64) for route in routes]
    visited = np.concatenate([way[1:-1] for way in ways])
    longest = max(float(instance.durations[way[:-1], way[1:]].sum()) for way in ways)
    if len(set(visited.tolist())) < len(visited) or longest > instance.limit * (1 + 1e-9):
        raise SystemExit("routes share a point or are too long")
    if prize != instance.prizes[visited].sum():
        raise SystemExit("the prize is not that of the routes")


def summary(rows: pd.DataFrame, *, seconds: float) -> list[tuple[str, ...]]:
    """Return a row by family, and of all."""
    family = rows["instance"].str.rpartition(".")[0]
    parts = [(str(name), part) for name, part in rows.groupby(family)]
    return [_line(name, "patrolmap", part, seconds) for name, part in [*parts, ("all", rows)]]


def peer_summary(
    ours: pd.DataFrame, *, seconds: float, seed: int, python: Path
) -> list[tuple[str, ...]]:
    """Run the peers on the large instances, and return a row for each of them and one of ours."""
    large = ours[ours["instance"].isin(LARGE)]
    if len(large) < len(LARGE):
        large = point_rows(("p4",), seconds=seconds, seed=seed, wanted=LARGE.__contains__)
    name = "p4.{2,3,4}.{h,l,p,t}"
    lines = [_line(name, "patrolmap", large, seconds)]
    for peer, who in PEERS.items():
        lines.append(_line(name, who, peer_rows(peer, seconds=seconds, python=python), seconds))
    return lines


def peer_rows(
    peer: str, *, seconds: float, python: Path, names: Sequence[str] = LARGE
) -> pd.DataFrame:
    """Run a peer on instances, each in a process of its own, and verify what it says."""
    known, rows = references(), []
    for name in names:
        path = TOP / f"{name}.txt"
        told: Told = measure.run([python, HERE, peer, path, str(seconds)]).told
        _verify(read_instance(path), told["routes"], told["prize"])
        row = {"instance": name, "who": peer, "prize": told["prize"], "cpu_s": told["cpu_s"]}
        row["gap_%"] = round(gap(told["prize"], known[name]), 4)
        rows.append(row)
        print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    return pd.DataFrame(rows)


def _line(name: str, who: str, rows: pd.DataFrame, seconds: float) -> tuple[str, ...]:
    gaps = rows["gap_%"]
    hit = f"{int((gaps <= 0).sum())} of {len(gaps)}"
    shown = (f"{gaps.mean():.3f} %", f"{gaps.max():.2f} %", hit)
    return (name, who, str(len(gaps)), f"{seconds:g}", *shown)


# what runs in a process of its own, in the peers' Python


def pyvrp(path: Path, seconds: float) -> Told:
    """Let PyVRP choose clients by their prizes; ways are whole units, rounded up."""
    made: Any = importlib.import_module("pyvrp")
    instance = read_instance(path)
    way = np.ceil(instance.durations * FINE - 1e-6).astype(np.int64)
    n = len(way)
    model = made.Model()
    places = [model.add_location(0, 0) for _ in range(n)]
    start, end = model.add_depot(places[0]), model.add_depot(places[-1])
    for v in range(1, n - 1):
        model.add_client(places[v], prize=int(instance.prizes[v]) * HEAVY, required=False)
    model.add_vehicle_type(
        instance.crews, start_depot=start, end_depot=end, max_distance=int(instance.limit * FINE)
    )
    for i in range(n):
        for j in range(n):
            if i != j:
                model.add_edge(places[i], places[j], int(way[i, j]))
    cpu = time.process_time()
    result = model.solve(stop=CpuTime(seconds), seed=0, display=False, collect_stats=False)
    cpu = time.process_time() - cpu
    routes = [
        [0, *(visit + 1 for visit in _visits(route)), n - 1] for route in result.best.routes()
    ]
    return _told(instance, routes if result.is_feasible() else [], cpu)


def _visits(route: Any) -> list[int]:
    """Return the clients of a route of PyVRP, counted from 0."""
    return [int(activity.idx) for activity in route if activity.is_client()]


def ortools(path: Path, seconds: float) -> Told:
    """Let OR-Tools drop points at the loss of their prizes: guided local search."""
    solver = "ortools.constraint_solver."
    pywrapcp: Any = importlib.import_module(f"{solver}pywrapcp")
    enums: Any = importlib.import_module(f"{solver}routing_enums_pb2")
    instance = read_instance(path)
    way = np.ceil(instance.durations * FINE - 1e-6).astype(np.int64).tolist()
    n, crews = len(way), instance.crews
    manager = pywrapcp.RoutingIndexManager(n, crews, [0] * crews, [n - 1] * crews)
    routing = pywrapcp.RoutingModel(manager)
    index = manager.IndexToNode
    transit = routing.RegisterTransitMatrix(way)
    routing.SetArcCostEvaluatorOfAllVehicles(transit)
    routing.AddDimension(transit, 0, int(instance.limit * FINE), True, "way")
    for v in range(1, n - 1):
        routing.AddDisjunction([manager.NodeToIndex(v)], int(instance.prizes[v]) * HEAVY)
    stop = CpuTime(seconds)
    routing.AddSearchMonitor(routing.solver().CustomLimit(stop))
    options = pywrapcp.DefaultRoutingSearchParameters()
    options.first_solution_strategy = enums.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    options.local_search_metaheuristic = enums.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    options.time_limit.FromSeconds(int(20 * seconds))  # of wall time: the CPU's ends it first
    cpu = time.process_time()
    found = routing.SolveWithParameters(options)
    cpu = time.process_time() - cpu
    routes = []
    for crew in range(crews if found else 0):
        at, route = routing.Start(crew), []
        while not routing.IsEnd(at):
            route.append(index(at))
            at = found.Value(routing.NextVar(at))
        routes.append([*route, n - 1])
    return _told(instance, routes, cpu)


def _told(instance: Instance, routes: list[list[int]], cpu: float) -> Told:
    prize = float(sum(instance.prizes[v] for route in routes for v in route[1:-1]))
    empty = [[0, len(instance.prizes) - 1]]
    return {"prize": prize, "routes": routes or empty, "cpu_s": round(cpu, 2)}


RUNS: dict[str, Callable[[Path, float], Told]] = {"pyvrp": pyvrp, "ortools": ortools}

if __name__ == "__main__":
    main()
