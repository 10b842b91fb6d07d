"""Measure planar density beside its peers: rows of a table, and each run in its own process.

    python benchmarks/density_planar.py --peers peers/bin/python

Events lie uniformly in 20 x 20 km, the raster has 1,000 x 1,000 cells of 20 m, kernels reach 500 m.
Ours is the call on a GeoDataFrame, all checks included; a peer's is its call on an array. Each runs
in a process of its own, on all cores where it can; ours after a first call on ten events, the
median of `--runs` calls, a peer's a single call. The error is the greatest of 400 cells against
adding up all events, as a share of the highest cell.

Peers run in a Python that has them: pip install libkdv KDEpy scikit-learn scipy. What takes minutes
(scikit-learn with a million events, scipy) is run with `--slow` only.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import measure

HERE = Path(__file__)
SIDE, CELLS, REACH = 20_000.0, 1_000, 500.0
CELL = SIDE / CELLS
SIZES = (10_000, 100_000, 1_000_000)
HEAD = ("events", "who", "kernel", "time", "ours is faster by", "error", "peak memory")
Row = tuple[str, ...]
Told = dict[str, Any]


def main() -> None:
    """Print the rows, or run one of the measurements in this process."""
    if len(sys.argv) > 2 and sys.argv[1] in RUNS:
        print(json.dumps(RUNS[sys.argv[1]](*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, help="a Python that has the peers; see above")
    parser.add_argument("--runs", type=int, default=5, help="how often ours is measured")
    parser.add_argument("--slow", action="store_true", help="run what takes minutes too")
    print(f"Measured on {measure.machine()}.\n")
    for line in (HEAD, ("---",) * len(HEAD), *rows(parser.parse_args())):
        print(f"| {' | '.join(line)} |", flush=True)


def rows(given: argparse.Namespace) -> list[Row]:
    """Measure all; `given` has peers (a Python, or None), runs and slow."""
    found = []
    for n in SIZES:
        best = child("ours", n, "epanechnikov", "exact", given.runs)
        found.append(_row(n, "patrolmap, exact", "epanechnikov", best))
        for kernel, method in (
            *(("quartic", "exact"), ("uniform", "exact"), ("gaussian", "exact")),
            *(("triangular", "exact"), ("epanechnikov", "fft")),
        ):
            told = child("ours", n, kernel, method, given.runs)
            found.append(_row(n, f"patrolmap, {method}", kernel, told))
        if given.peers is not None:
            for peer, most in (("libkdv", SIZES[-1]), ("kdepy", SIZES[-1]), ("sklearn", 100_000)):
                if n <= most or given.slow:
                    told = child(peer, n, python=given.peers)
                    found.append(_row(n, NAMES[peer], "epanechnikov", told, best))
            if given.slow and n == SIZES[0]:
                ours = child("ours", n, "gaussian", "exact", given.runs)
                told = child("scipy", n, python=given.peers)
                found.append(_row(n, NAMES["scipy"], "gaussian, endless", told, ours))
    return [*found, *first_calls()]


def first_calls() -> list[Row]:
    """Measure the first call of a process: kernels on disk, and kernels to be compiled."""
    with tempfile.TemporaryDirectory() as cache:
        command: list[str | Path] = [sys.executable, HERE, "first", "10"]
        cold = measure.run(command, cache=Path(cache)).told
        warm = measure.run(command, cache=Path(cache)).told
    return [
        (
            "10",
            f"patrolmap, first call, {what}",
            "epanechnikov",
            f"{t['seconds']:.2f} s",
            "",
            "",
            "",
        )
        for what, t in (("kernels on disk", warm), ("compiling", cold))
    ]


def child(name: str, *arguments: object, python: Path | str = sys.executable) -> Told:
    """Run one measurement in a process of its own."""
    told: Told = measure.run([python, HERE, name, *map(str, arguments)]).told
    return told


def _row(n: int, who: str, kernel: str, told: Told, ours: Told | None = None) -> Row:
    seconds = told["seconds"]
    times = "" if ours is None else f"{seconds / ours['seconds']:,.1f} times"
    shown = f"{1_000 * seconds:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"
    memory = f"{told['memory']:,.0f} MB"
    return (f"{n:,}", who, kernel, shown, times, f"{told['error']:.0e}", memory)


# what runs in a process of its own


def events(n: int) -> Any:
    """Return coordinates, all of them between the first and last centres: FFTKDE wants it so."""
    return np.random.default_rng(6).uniform(CELL, SIDE - CELL, size=(n, 2))


def error(xy: Any, found: Any, x: Any, y: Any, kernel: str = "epanechnikov") -> float:
    """Return the greatest error of 400 cells, whose values `found` are per square metre.

    A peer's own scale does not count: values are matched at the cell where both are highest.
    """
    profiles: dict[str, Callable[[Any], Any]] = {
        "epanechnikov": lambda u: 1 - u**2,
        "quartic": lambda u: (1 - u**2) ** 2,
        "uniform": lambda u: u * 0 + 1,
        "triangular": lambda u: 1 - u,
        "gaussian": lambda u: np.exp(-4.5 * u**2),
    }
    profile = profiles[kernel]
    cells = np.random.default_rng(7).integers(0, len(found), 400)
    cells[0] = int(np.argmax(found))
    wanted = np.empty(400)
    for i, cell in enumerate(cells):
        square = (xy[:, 0] - x[cell]) ** 2 + (xy[:, 1] - y[cell]) ** 2
        near = square <= REACH**2
        wanted[i] = profile(np.sqrt(square[near]) / REACH).sum()
    got = found[cells] * (wanted.sum() / found[cells].sum())
    return float(np.abs(got - wanted).max() / wanted[0])


def centres() -> Any:
    """Return x and y of all centres, the northernmost row first."""
    middle = (np.arange(CELLS) + 0.5) * CELL
    x, y = np.meshgrid(middle, middle[::-1])
    return x.ravel(), y.ravel()


def ours(n: str, kernel: str, method: str, runs: str) -> Told:
    """Call `planar_kde` on a GeoDataFrame."""
    import geopandas as gpd

    import patrolmap as pm

    xy = events(int(n))
    west, south = 500_000.0, 4_790_000.0
    points = gpd.points_from_xy(xy[:, 0] + west, xy[:, 1] + south)
    table = gpd.GeoDataFrame(geometry=points, crs=32643)
    options: dict[str, Any] = {
        "bandwidth": REACH, "cell_size": CELL, "kernel": kernel, "method": method,
        "extent": (west, south, west + SIDE, south + SIDE),
    }  # fmt: skip
    pm.planar_kde(table.iloc[:10], **options)
    seconds = []
    for _ in range(int(runs)):
        began = time.perf_counter()
        raster = pm.planar_kde(table, **options)
        seconds.append(time.perf_counter() - began)
    memory = measure.peak_mb()
    x, y = centres()
    off = error(xy, raster.values.ravel(), x, y, kernel)
    return {"seconds": statistics.median(seconds), "memory": memory, "error": off}


def first(n: str) -> Told:
    """Call `planar_kde` for the first time in a process, on few events; imports are counted."""
    import geopandas as gpd

    x, y = events(int(n)).T
    points = gpd.points_from_xy(x + 500_000, y + 4_790_000)
    table = gpd.GeoDataFrame(geometry=points, crs=32643)
    began = time.perf_counter()
    import patrolmap as pm

    pm.planar_kde(table, bandwidth=REACH, kernel="epanechnikov")
    return {"seconds": time.perf_counter() - began}


def libkdv(n: str) -> Told:
    """Call libkdv, which asks for its own kind of table, with half the reach as its bandwidth."""
    import importlib

    import pandas as pd

    module: Any = importlib.import_module("libkdv.kdv")
    # It knows a DataFrame by the text of its type, which pandas 3 writes otherwise.
    module.is_pandas_df = lambda table: isinstance(table, pd.DataFrame)
    xy = events(int(n))
    table = pd.DataFrame(xy, columns=["x", "y"])
    began = time.perf_counter()
    found = module.kdv(
        table, GPS=False, bandwidth=REACH / 2, row_pixels=CELLS, col_pixels=CELLS, num_threads=2
    ).compute()
    seconds, memory = time.perf_counter() - began, measure.peak_mb()
    found = found[["x", "y", "val"]].dropna().to_numpy()
    off = error(xy, found[:, 2], found[:, 0], found[:, 1])
    return {"seconds": seconds, "memory": memory, "error": off}


def kdepy(n: str) -> Told:
    """Call KDEpy's FFTKDE, whose bandwidth is the kernel's standard deviation along a line."""
    from KDEpy import FFTKDE

    xy = events(int(n))
    middle = (np.arange(CELLS) + 0.5) * CELL
    grid = np.stack(np.meshgrid(middle, middle, indexing="ij"), -1).reshape(-1, 2)
    began = time.perf_counter()
    found = FFTKDE(kernel="epa", norm=2, bw=REACH / 5**0.5).fit(xy).evaluate(grid)
    seconds, memory = time.perf_counter() - began, measure.peak_mb()
    off = error(xy, found, grid[:, 0], grid[:, 1])
    return {"seconds": seconds, "memory": memory, "error": off}


def sklearn(n: str) -> Told:
    """Call scikit-learn's KernelDensity, asked for no less than it can do by itself."""
    from sklearn.neighbors import KernelDensity

    xy = events(int(n))
    x, y = centres()
    began = time.perf_counter()
    model = KernelDensity(kernel="epanechnikov", bandwidth=REACH).fit(xy)
    found = np.exp(model.score_samples(np.column_stack([x, y])))
    seconds, memory = time.perf_counter() - began, measure.peak_mb()
    return {"seconds": seconds, "memory": memory, "error": error(xy, found, x, y)}


def scipy(n: str) -> Told:
    """Call scipy's gaussian_kde, whose kernel never ends; ours ends at three of its deviations."""
    from scipy.stats import gaussian_kde

    xy = events(int(n))
    x, y = centres()
    began = time.perf_counter()
    model = gaussian_kde(xy.T, bw_method=REACH / 3 / xy.std())
    found = model(np.vstack([x, y]))
    seconds, memory = time.perf_counter() - began, measure.peak_mb()
    return {"seconds": seconds, "memory": memory, "error": error(xy, found, x, y, "gaussian")}


NAMES = {
    "libkdv": "libkdv",
    "kdepy": "KDEpy FFTKDE",
    "sklearn": "scikit-learn KernelDensity",
    "scipy": "scipy gaussian_kde",
}
RUNS: dict[str, Callable[..., Told]] = {
    run.__name__: run for run in (ours, first, libkdv, kdepy, sklearn, scipy)
}

if __name__ == "__main__":
    main()
