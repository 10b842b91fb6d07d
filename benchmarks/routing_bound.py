"""How tight the proved bounds are on the street instances of ../shared/bench, and at what cost."""

import time
from pathlib import Path

import numpy as np
import pandas as pd

from patrolmap.patrol.bound import Effort, arc_upper_bound

STREETS = Path(__file__).resolve().parents[1].parent / "shared" / "bench" / "streets"
TIGHT = ("heidelberg_376_1", "heidelberg_376_1_long", "porto_553_1")  # small enough to branch
SECONDS = 60.0  # of wall time, for each


def bound_rows(
    names: list[str] | None = None, *, seconds: float = SECONDS, streets: Path = STREETS
) -> pd.DataFrame:
    """Bound instances and return a row each: our bound, the stored one, gaps, CPU seconds.

    Parameters
    ----------
    names
        Instances as in cases.csv; default all.
    seconds
        Of wall time for each; most take far less.
    streets
        Folder of the instances.
    """
    cases = pd.read_csv(streets / "cases.csv").set_index("case")
    _bound(streets, cases.index[0], "tight", 5.0)  # compiles the kernels
    rows = []
    for name in names or cases.index:
        for effort in ("fast", "tight") if name in TIGHT else ("fast",):
            cpu, wall = time.process_time(), time.perf_counter()
            bound = _bound(streets, name, effort, seconds)
            stored, best = cases.loc[name, "upper_bound"], cases.loc[name, "best_found"]
            rows.append(
                {
                    "case": name,
                    "effort": effort,
                    "bound": round(bound, 3),
                    "stored_bound": stored,
                    "best_found": best,
                    "gap_%": round(100 * (bound - best) / bound, 3),
                    "cpu_s": round(time.process_time() - cpu, 2),
                    "wall_s": round(time.perf_counter() - wall, 2),
                }
            )
    return pd.DataFrame(rows)


def _bound(streets: Path, name: str, effort: Effort, seconds: float) -> float:
    with np.load(streets / f"{name}.npz") as case:
        depots = case["depot_of_crew"].astype(np.int64)
        return arc_upper_bound(
            case["from_node"],
            case["to_node"],
            np.rint(case["length"] * 1000),
            case["prize"],
            starts=depots,
            ends=depots,
            limits_mm=np.rint(case["max_length"] * 1000).astype(np.int64),
            seconds=seconds,
            effort=effort,
        )


if __name__ == "__main__":
    import sys

    print(bound_rows(sys.argv[1:] or None).to_string(index=False))
