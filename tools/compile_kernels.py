"""Compile all kernels, as many processes at once as there are parts: `tools/compile_kernels.py`.

What runs next finds them on disk. Tests in several processes would else compile the same kernels
side by side.
"""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

import patrolmap as pm
from patrolmap import _kernels
from patrolmap.patrol import solve_orienteering


def all_modules() -> None:
    """Compile kernels whose arguments are known, which importing them does."""
    for module in pkgutil.walk_packages(_kernels.__path__, f"{_kernels.__name__}."):
        importlib.import_module(module.name)


def streets_without_duties() -> None:
    """Compile the search over streets."""
    plan()


def streets_with_duties() -> None:
    """Compile the search over streets for crews that must be somewhere at some time."""
    plan(briefing="5min", break_length="5min")


def points() -> None:
    """Compile the search over points."""
    apart = np.ones((12, 12)) - np.eye(12)
    solve_orienteering(apart, np.ones(12), starts=[0, 0], ends=[0, 0], limits=[4.0, 4.0],
                       stop=pm.MaxIterations(100))  # fmt: skip


def plan(**rules: object) -> None:
    """Plan a short shift in the sample district."""
    streets = pm.read_streets(pm.datasets.sample().streets)
    depot = pm.Depot("post", lon=76.8605, lat=43.2305)
    shift = pm.Shift(name="night", depot=depot, start="2026-11-22 20:00+05:00", duration="30min")
    risk = pd.Series(1.0, index=streets.segments.index, name="risk")
    settings = pm.PatrolRules(**rules)  # type: ignore[arg-type]
    pm.plan_patrols(streets, risk, [shift], rules=settings, stop=pm.MaxIterations(10))


PARTS: tuple[tuple[Callable[[], None], ...], ...] = (
    (streets_without_duties, all_modules),
    (streets_with_duties, points),
)


def main() -> int:
    """Compile each part in a process of its own, or the one numbered; return how many failed."""
    if sys.argv[1:]:
        for compile_part in PARTS[int(sys.argv[1])]:
            compile_part()
        return 0
    running = [subprocess.Popen([sys.executable, __file__, str(i)]) for i in range(len(PARTS))]
    return sum(process.wait() != 0 for process in running)


if __name__ == "__main__":
    sys.exit(main())
