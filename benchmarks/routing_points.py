"""How near team orienteering on points comes to the references of Chao, Golden and Wasil."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from patrolmap.patrol import solve_orienteering

TOP = Path(__file__).resolve().parents[1].parent / "shared" / "bench" / "top"


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


class Instance(NamedTuple):
    """One instance; all crews start at the first point and end at the last."""

    durations: npt.NDArray[np.float64]
    prizes: npt.NDArray[np.float64]
    crews: int
    limit: float


def read_instance(path: Path) -> Instance:
    """Read a file as FORMAT.txt says."""
    lines = path.read_text(encoding="utf-8").splitlines()
    crews, limit = int(lines[1].split()[1]), float(lines[2].split()[1])
    table = np.array([line.split() for line in lines[3:] if line.strip()], dtype=np.float64)
    apart = table[:, None, :2] - table[None, :, :2]
    return Instance(np.hypot(apart[..., 0], apart[..., 1]), table[:, 2], crews, limit)


def solve(instance: Instance, *, seconds: float, seed: int) -> Any:
    """Solve an instance with our engine in CPU seconds."""
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
) -> pd.DataFrame:
    """Solve instances and return a row each: prize, reference, signed gap, bound, CPU seconds.

    Left out are instances whose crews cannot reach their end at all (p4.3.a and the like).

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
    """
    table = pd.read_csv(top / "reference_values.csv", usecols=range(5))  # notes hold commas
    references = table.set_index("instance")["reference"]
    names = [n for n in references.index if n.startswith(tuple(families))]
    warm = read_instance(top / f"{references.index[-1]}.txt")
    for _ in range(3):
        solve(warm, seconds=0.1, seed=0)  # compiles the kernels
    rows = []
    for name in names:
        if wanted is not None and not wanted(name):
            continue
        instance = read_instance(top / f"{name}.txt")
        cpu = time.process_time()
        if instance.durations[0, -1] > instance.limit:  # no crew gets across: refused, worth 0
            continue
        found = solve(instance, seconds=seconds, seed=seed)
        used = time.process_time() - cpu
        _verify(instance, found.routes, found.prize)
        reference = references[name]
        gap = 100 * (reference - found.prize) / reference if reference else -float(found.prize)
        rows.append(
            {
                "instance": name,
                "prize": found.prize,
                "reference": reference,
                "gap_%": round(gap, 4),
                "bound": round(found.upper_bound, 1),
                "iterations": found.iterations,
                "cpu_s": round(used, 2),
            }
        )
    return pd.DataFrame(rows)


def _verify(instance: Instance, routes: Sequence[npt.NDArray[np.int64]], prize: float) -> None:
    """Recompute lengths and prize, apart from the engine."""
    visited = np.concatenate([route[1:-1] for route in routes])
    longest = max(float(instance.durations[route[:-1], route[1:]].sum()) for route in routes)
    if len(set(visited.tolist())) < len(visited) or longest > instance.limit * (1 + 1e-9):
        raise SystemExit("routes share a point or are too long")
    if prize != instance.prizes[visited].sum():
        raise SystemExit("the prize is not that of the routes")


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean and the worst gap and the hits by family."""
    gap = rows["gap_%"]
    by = gap.groupby(rows["instance"].str[:4])
    table = by.agg(["count", "mean", "max"]).assign(hits=by.apply(lambda g: int((g <= 0).sum())))
    table.loc["all"] = [len(gap), gap.mean(), gap.max(), int((gap <= 0).sum())]
    return table


if __name__ == "__main__":
    found = point_rows(sys.argv[2:] or ("p4",), seconds=float(sys.argv[1]))
    print(found.to_string())
    print(summary(found).to_string())
