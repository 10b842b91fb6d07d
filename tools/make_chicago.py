"""Draw the density of the 116 crimes around Chicago's university by each network kernel.

    python tools/make_chicago.py [--data ../shared/data/chicago_uni] [--out docs/images]

The data (spatstat.data's `chicago`; Ang, Baddeley & Nair 2012, doi
10.1111/j.1467-9469.2011.00752.x) are in feet of a local system; they are laid into UTM zone 16 near
Hyde Park, in metres.
"""

import argparse
from pathlib import Path
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import patrolmap as pm
from patrolmap.risk import Lixels, to_segments

ROOT = Path(__file__).resolve().parents[1]
FOOT = 0.3048
CORNER = (448_000.0, 4_627_000.0)
CRS = "EPSG:32616"
BANDWIDTH = 60.0
METHODS: tuple[Literal["esd", "esc", "simple"], ...] = ("esd", "esc", "simple")
NAMES = {
    "esd": "esd: split equally ahead",
    "esc": "esc: continuous at junctions",
    "simple": "simple: all of it along every branch",
}


def read(data: Path) -> tuple[gpd.GeoDataFrame, pm.StreetNetwork]:
    """Read crimes and streets."""
    segments = pd.read_csv(data / "chicago_segments.csv")
    ends = segments[["x0", "y0", "x1", "y1"]].to_numpy().reshape(-1, 2) * FOOT + CORNER
    lines = shapely.linestrings(ends, indices=np.repeat(np.arange(len(segments)), 2))
    streets = pm.read_streets(gpd.GeoDataFrame(geometry=lines, crs=CRS), sidewalks="keep")
    crimes = pd.read_csv(data / "chicago_points.csv")
    x, y = (crimes[["x", "y"]].to_numpy() * FOOT + CORNER).T
    return gpd.GeoDataFrame(crimes[["marks"]], geometry=gpd.points_from_xy(x, y), crs=CRS), streets


def estimate(crimes: gpd.GeoDataFrame, streets: pm.StreetNetwork) -> dict[str, gpd.GeoDataFrame]:
    """Estimate the density by each method, on lixels of 5 m."""
    lixels = Lixels.cut(streets, 5)
    return {
        method: pm.network_kde(
            crimes, streets, bandwidth=BANDWIDTH, lixel_length=lixels, method=method
        )
        for method in METHODS
    }


def draw(crimes: gpd.GeoDataFrame, found: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Draw the three side by side, on the scale of the first."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.collections import LineCollection

    top = float(found["esd"]["density"].quantile(0.999))  # the simple kernel goes far beyond
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    drawn: Any = None
    box = found["esd"].total_bounds
    for ax, (method, table) in zip(axes, found.items(), strict=True):
        lines = [shapely.get_coordinates(line) for line in table.geometry]
        drawn = LineCollection(lines, array=table["density"].clip(lower=0), cmap="magma_r",
                               clim=(0, top), linewidths=2.2)  # fmt: skip
        ax.add_collection(drawn)
        ax.plot(crimes.geometry.x, crimes.geometry.y, ".", color="0.45", markersize=1.6)
        ax.set_aspect("equal")
        ax.set_axis_off()
        ax.set(xlim=box[[0, 2]], ylim=box[[1, 3]])
        ax.set_title(NAMES[method], fontsize=9)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.01, extend="max")
    bar.set_label("crimes per metre of street", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.savefig(path, dpi=90, pil_kwargs={"optimize": True})
    plt.close(figure)


def main() -> None:
    """Draw the picture and say what it shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/chicago_uni")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    crimes, streets = read(given.data)
    found = estimate(crimes, streets)
    draw(crimes, found, given.out / "chicago.png")
    print(f"{len(crimes)} crimes, {streets}")
    for method, table in found.items():
        mass = (table["density"] * (table["end"] - table["start"])).sum()
        risk = to_segments(table, streets)
        low, high = table["density"].min(), table["density"].max()
        print(
            f"{method}: density times length {mass:.2f}, from {low:.6f} to {high:.4f} per metre, "
            f"most on a segment {risk.max():.2f}"
        )


if __name__ == "__main__":
    main()
