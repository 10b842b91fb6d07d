"""Measure the map of a whole city: its size, when it is ready, how smoothly it pans.

    python benchmarks/maps.py [--data ../shared/data] [--events 200000] [--write]

Porto as it is read, with risk and events drawn by a seed (half of them around 300 places), opened
in headless Chromium without a network. Panning is a mouse that drags the map, at the scale of the
whole city and at that of a street; a frame is the time between two pictures.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

import measure
import patrolmap as pm

HEADING = "## Maps"
CHROMIUM = "/usr/bin/chromium"
ARGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND")  # fmt: skip
SIZE: Any = {"width": 1300, "height": 850}
DAY = pd.Timestamp("2026-11-22", tz="Europe/Lisbon")
_FIND = "const map = window[document.querySelector('.folium-map').id];"
_WATCH = """() => { window.gaps = []; let last = performance.now(); window.watching = true;
  const frame = (now) => { window.gaps.push(now - last); last = now;
    if (window.watching) { requestAnimationFrame(frame); } };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(frame); }); }"""


def main() -> None:
    """Measure and print as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=measure.ROOT.parent / "shared" / "data")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--write", action="store_true", help=f"replace {HEADING} in the docs")
    given = parser.parse_args()
    streets = pm.read_streets(given.data / "porto" / "porto.osm.pbf")
    events = make_events(streets, given.events)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "map.html"
        rows = [*write_map(streets, events, file), *in_browser(file)]
    about = (
        f"Measured on {measure.machine()}. Porto: {len(streets.segments):,} segments with risk, "
        f"{len(events):,} events drawn by a seed; headless Chromium without a graphics card."
    )
    text = f"{about}\n\n{measure.table(('', 'measured', 'wanted'), rows)}"
    print(text)
    if given.write:
        measure.write_section(HEADING, "python benchmarks/maps.py", text)


def make_events(streets: pm.StreetNetwork, n: int) -> gpd.GeoDataFrame:
    """Draw events along the streets, half of them around 300 places."""
    draw = np.random.default_rng(9)
    lines = streets.segments.geometry
    row = draw.integers(0, len(lines), n)
    near = draw.integers(0, len(lines), 300)
    row[: n // 2] = near[draw.integers(0, 300, n // 2)]
    at = lines.iloc[row].interpolate(draw.random(n), normalized=True)
    spread = np.where(np.arange(n) < n // 2, 150.0, 10.0)
    x, y = at.x + draw.normal(0, spread), at.y + draw.normal(0, spread)
    kinds = draw.choice(["crime", "accident", "juvenile"], n, p=[0.8, 0.15, 0.05])
    when = DAY - pd.to_timedelta(draw.integers(0, 730 * 1440, n), unit="min")
    text = pd.Series([None] * n, dtype="str").array
    table = pd.DataFrame(
        {
            "kind": pd.array(kinds, dtype="str"),
            "category": pd.array(draw.choice(["theft", "robbery", "damage"], n), dtype="str"),
            "article": text, "severity": text, "harm": np.nan, "occurred_from": when,
            "occurred_to": when, "time_precision": pd.array(["minute"] * n, dtype="str"),
            "place": text, "police_initiated": False,
        },
        index=pd.Index([f"e-{i}" for i in range(n)], name="event_id", dtype="str"),
    )  # fmt: skip
    return gpd.GeoDataFrame(
        table, geometry=gpd.points_from_xy(x.to_numpy(), y.to_numpy()), crs=streets.crs
    )


def write_map(
    streets: pm.StreetNetwork, events: gpd.GeoDataFrame, file: Path
) -> list[tuple[str, str, str]]:
    """Write the map and tell how long it took and how large it is."""
    values = np.random.default_rng(8).gamma(0.3, 0.02, len(streets.segments))
    risk = pd.Series(values, index=streets.segments.index, name="risk")
    began = time.perf_counter()
    pm.explore(streets, risk=risk, events=events).save(str(file))
    seconds = time.perf_counter() - began
    return [
        ("written in", f"{seconds:.1f} s", ""),
        ("file", f"{file.stat().st_size / 1e6:.1f} MB", "12 MB"),
    ]


def in_browser(file: Path) -> list[tuple[str, str, str]]:
    """Open the map five times, then drag it about."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        ready, drawn = zip(*(opened(browser, file) for _ in range(5)), strict=True)
        page = browser.new_page(viewport=SIZE)
        open_page(page, file)
        for box in page.locator(".pm-heading input").all():
            if not box.is_checked():
                box.check()  # events too
        rows = [pan(page, name, zoom) for name, zoom in
                (("the whole city", 12), ("a district", 14), ("a street", 17))]  # fmt: skip
        browser.close()
    return [
        ("ready (median of 5)", f"{np.median(ready):.1f} s", "3 s"),
        ("all tiles in view painted", f"{np.median(drawn):.1f} s", ""),
        *rows,
    ]


def open_page(page: Any, file: Path) -> float:
    """Open the file and return the seconds until the map answers."""
    began = time.perf_counter()
    page.goto(file.as_uri())
    page.wait_for_selector("[data-patrolmap=ready]", timeout=60_000)
    return time.perf_counter() - began


def wait_painted(page: Any) -> None:
    """Wait until no tile waits; the page's policy forbids playwright's own way of polling."""
    while not page.evaluate("() => patrolmap.idle()"):
        page.wait_for_timeout(10)


def opened(browser: Any, file: Path) -> tuple[float, float]:
    """Open the file in a new page: seconds until it is ready, and until all is painted."""
    page = browser.new_page(viewport=SIZE)
    began = time.perf_counter()
    ready = open_page(page, file)
    wait_painted(page)
    drawn = time.perf_counter() - began
    page.close()
    return ready, drawn


def pan(page: Any, name: str, zoom: int) -> tuple[str, str, str]:
    """Drag the map to and fro and tell the share of frames under 50 ms."""
    page.evaluate(f"() => {{ {_FIND} map.setZoom({zoom}, {{animate: false}}); }}")
    wait_painted(page)
    page.wait_for_timeout(500)
    centre = f"() => {{ {_FIND} const c = map.getCenter(); return [c.lat, c.lng]; }}"
    before, farthest = np.array(page.evaluate(centre)), 0.0
    page.evaluate(_WATCH)
    for turn in range(4):
        x, y = (900, 600) if turn % 2 == 0 else (300, 250)
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(1, 41):
            way = step / 40 * (-1 if turn % 2 == 0 else 1)
            page.mouse.move(x + 550 * way, y + 300 * way)
            page.wait_for_timeout(16)
        page.mouse.up()
        page.wait_for_timeout(200)
        farthest = max(farthest, float(np.abs(page.evaluate(centre) - before).max()))
    if farthest * 2**zoom < 1:  # degrees that 500 pixels make are some 350 / 2**zoom
        raise RuntimeError(f"the map did not move at zoom {zoom}")
    gaps = np.array(page.evaluate("() => { window.watching = false; return window.gaps; }"))
    under, slow = (gaps < 50).mean(), np.percentile(gaps, 95)
    told = f"{under:.1%} of {len(gaps)} (95th percentile {slow:.0f} ms)"
    return f"frames under 50 ms, panning {name}", told, "95 %"


if __name__ == "__main__":
    main()
