"""How much of the prize team orienteering on real streets collects, beside the best walks known.

Instances, best walks and stored bounds: ../shared/bench/streets. Every result is verified apart
from the engine: walks hold together on the graph, keep their limits, and the prize is recomputed.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from patrolmap.patrol import MaxRuntime, bound, solve_arc_orienteering

STREETS = Path(__file__).resolve().parents[1].parent / "shared" / "bench" / "streets"
CPU_SECONDS = {  # as the targets say; the largest is measured by the wall
    "heidelberg_376_1": 5.0,
    "heidelberg_376_1_long": 5.0,
    "porto_553_1": 5.0,
    "heidelberg_4705_1": 15.0,
    "heidelberg_10745_2": 30.0,
    "heidelberg_10745_4": 30.0,
    "porto_7733_4": 30.0,
    "porto_20970_8": 30.0,
}
WALL_SECONDS = 25.0  # of all others, bound and preparation included
GREEDY_UP_TO = 12_000  # segments, for the peer: each step of it searches the whole graph

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Instance(NamedTuple):
    """One instance: all crews walk from their depot and back."""

    tail: Ints
    head: Ints
    length: Floats
    prize: Floats
    depots: Ints
    limits: Floats


class CpuTime:
    """Stop after so many CPU seconds of this process; begins anew after each bound."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.process_time()

    def done(self, *, iterations: int, seconds: float) -> float:
        """Return the share of the time that has gone."""
        return (time.process_time() - self._began) / self._seconds

    @contextmanager
    def not_counting_the_bound(self) -> Iterator[None]:
        """Begin to count when the bound is there."""

        def bound_first(*args: Any, **options: Any) -> float:
            found = whole(*args, **{**options, "seconds": np.inf})
            self._began = time.process_time()
            return found

        whole = bound.arc_upper_bound
        with mock.patch.object(bound, "arc_upper_bound", bound_first):
            yield


def read_instance(name: str, streets: Path = STREETS) -> Instance:
    """Read an instance by its name in cases.csv."""
    with np.load(streets / f"{name}.npz") as case:
        depots = case["depot_of_crew"].astype(np.int64)
        return Instance(
            case["from_node"].astype(np.int64),
            case["to_node"].astype(np.int64),
            case["length"].astype(np.float64),
            case["prize"].astype(np.float64),
            depots,
            np.broadcast_to(case["max_length"], depots.shape).astype(np.float64),
        )


def solve(instance: Instance, *, stop: Any, seed: int) -> Any:
    """Solve an instance with our engine."""
    return solve_arc_orienteering(
        instance.tail,
        instance.head,
        instance.length,
        instance.prize,
        starts=instance.depots,
        ends=instance.depots,
        limits=instance.limits,
        stop=stop,
        seed=seed,
    )


def street_rows(
    names: Sequence[str] | None = None, *, seed: int = 0, streets: Path = STREETS
) -> pd.DataFrame:
    """Solve instances and return a row each: prizes, bounds, signed gaps, time.

    Parameters
    ----------
    names
        Instances as in cases.csv; default all.
    seed
        Of the search.
    streets
        Folder of the instances.
    """
    cases = pd.read_csv(streets / "cases.csv").set_index("case")
    solve(read_instance(cases.index[0], streets), stop=MaxRuntime(1.0), seed=0)  # compiles
    return pd.DataFrame(
        [_row(name, cases.loc[name], seed, streets) for name in names or cases.index]
    )


def _row(name: str, case: pd.Series, seed: int, streets: Path) -> dict[str, object]:
    instance = read_instance(name, streets)
    wall = time.perf_counter()
    if name in CPU_SECONDS:
        stop = CpuTime(CPU_SECONDS[name])
        with stop.not_counting_the_bound():
            found = solve(instance, stop=stop, seed=seed)
        cpu = stop.done(iterations=0, seconds=0.0) * CPU_SECONDS[name]
    else:
        cpu = time.process_time()
        found = solve(instance, stop=MaxRuntime(WALL_SECONDS), seed=seed)
        cpu = time.process_time() - cpu
    wall = time.perf_counter() - wall
    prize = verified_prize(instance, found.routes, found.segments)
    if not np.isclose(prize, found.prize, rtol=1e-9):
        raise SystemExit(f"{name}: the prize stated is {found.prize}, that of the walks {prize}")
    stored, best = case["upper_bound"], case["best_found"]
    few = len(instance.tail) <= GREEDY_UP_TO
    return {
        "case": name,
        "prize": round(prize, 2),
        "best_found": best,
        "better_%": round(100 * (prize / best - 1), 2),
        "stored_bound": stored,
        "gap_%": round(100 * (1 - prize / stored), 2),
        "our_bound": round(found.upper_bound, 2),
        "our_gap_%": round(100 * found.gap, 2),
        "greedy": round(greedy_prize(instance), 2) if few else None,
        "iterations": found.iterations,
        "cpu_s": round(cpu, 1),
        "wall_s": round(wall, 1),
    }


def verified_prize(instance: Instance, routes: Sequence[Ints], segments: Sequence[Ints]) -> float:
    """Return what walks collect; refuse walks that jump, are too long or leave their depot."""
    passed = np.zeros(len(instance.tail), dtype=bool)
    crews = zip(routes, segments, instance.depots, instance.limits, strict=True)
    for nodes, walked, depot, limit in crews:
        ends = np.sort(np.column_stack([instance.tail[walked], instance.head[walked]]), axis=1)
        steps = np.sort(np.column_stack([nodes[:-1], nodes[1:]]), axis=1)
        if nodes[0] != depot or nodes[-1] != depot or not np.array_equal(ends, steps):
            raise SystemExit("a walk does not hold together, or not at its depot")
        if instance.length[walked].sum() > limit * (1 + 1e-9):
            raise SystemExit("a walk is too long")
        passed[walked] = True
    return float(instance.prize[passed].sum())


def greedy_prize(instance: Instance) -> float:
    """Return what the plain peer collects: each crew always on to the best prize per metre."""
    m, n = len(instance.tail), int(max(instance.tail.max(), instance.head.max())) + 1
    order = np.argsort(-instance.length, kind="stable")  # of parallel streets the shortest stays
    table = {}
    for a, b, metres in zip(
        instance.tail[order], instance.head[order], instance.length[order], strict=True
    ):
        table[min(a, b), max(a, b)] = metres
    ends = np.array(list(table), dtype=np.int64)
    graph = csr_matrix((list(table.values()), (ends[:, 0], ends[:, 1])), shape=(n, n))
    left = np.where(instance.prize > 0, instance.prize, 0.0)
    reached = np.zeros(m, dtype=bool)
    for depot, limit in zip(instance.depots, instance.limits, strict=True):
        home = dijkstra(graph, directed=False, indices=depot)
        here, room = int(depot), float(limit)
        while True:
            far, before = dijkstra(
                graph, directed=False, indices=here, limit=room, return_predecessors=True
            )
            ways = np.stack([far[instance.tail], far[instance.head]]) + instance.length
            back = np.stack([home[instance.head], home[instance.tail]])
            worth = np.where(ways + back <= room, left / ways, 0.0)
            side, best = np.unravel_index(int(np.argmax(worth)), worth.shape)
            if worth[side, best] <= 0:
                break
            room -= ways[side, best]
            first, last = (
                (instance.tail, instance.head) if side == 0 else (instance.head, instance.tail)
            )
            passed = _steps(before, here, int(first[best]))
            on_way = {(min(a, b), max(a, b)) for a, b in passed}
            for row in np.flatnonzero(left > 0):
                a, b = instance.tail[row], instance.head[row]
                key = (min(a, b), max(a, b))
                if key in on_way and instance.length[row] == table[key]:
                    left[row], reached[row] = 0.0, True
            left[best], reached[best] = 0.0, True
            here = int(last[best])
    return float(instance.prize[reached].sum())


def _steps(before: Ints, start: int, goal: int) -> list[tuple[int, int]]:
    """Return the steps of the way that a table of predecessors tells."""
    steps = []
    while goal != start:
        steps.append((int(before[goal]), goal))
        goal = int(before[goal])
    return steps


if __name__ == "__main__":
    pd.set_option("display.width", 200)
    print(street_rows(sys.argv[1:] or None).to_string(index=False))
