"""A headless Chromium for maps, and the towns they show."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from patrolmap.patrol.plan import Plan
from patrolmap.streets.network import StreetNetwork
from plans import make_plan, node_path
from towns import grid_town

CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
]


@dataclass
class Case:
    """A grid town with risk and a plan of three crews."""

    town: StreetNetwork
    risk: pd.Series
    plan: Plan


@pytest.fixture(scope="session")
def case() -> Case:
    town = grid_town(6, 6)
    values = np.random.default_rng(1).gamma(0.5, 0.02, len(town.segments))
    risk = pd.Series(values, index=town.segments.index, name="risk")
    risk.attrs = {
        "unit": "count",
        "fingerprint": town.fingerprint,
        "start": "2026-11-22T20:00:00+05:00",
        "end": "2026-11-23T02:00:00+05:00",
    }
    corners = {
        "night 1": [(200, 200), (300, 200), (400, 200), (400, 300), (300, 300), (300, 200)],
        "night 2": [(200, 200), (200, 100), (100, 100), (100, 200), (200, 200)],
        "night 3": [(200, 200), (300, 200), (300, 100), (300, 200), (200, 200)],
    }
    paths = {route: node_path(town, places) for route, places in corners.items()}
    plan = make_plan(
        town, paths, risk=risk, dwell={"night 1": {3: 720.0}}, depot="Central", reason="on the way"
    )
    return Case(town, risk, plan)


@dataclass
class Opened:
    """A page in the browser and what it said and asked for."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    served: list[str] = field(default_factory=list)

    def map_(self, script: str) -> Any:
        """Run a script in which `map` is the Leaflet map."""
        find = "const map = window[document.querySelector('.folium-map').id];"
        return self.page.evaluate(f"(() => {{ {find} {script} }})()")

    def settle(self) -> None:
        """Wait until no tile waits to be painted."""
        while not self.page.evaluate("() => patrolmap.idle()"):
            self.page.wait_for_timeout(15)

    def colours(self) -> Counter[str]:
        """Count the colours of all pixels on the screen, as #rrggbb."""
        self.settle()
        self.page.wait_for_timeout(50)
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        found = picture.getcolors(picture.width * picture.height)
        return Counter({"#{:02x}{:02x}{:02x}".format(*rgb): n for n, rgb in found})

    def picture(self) -> np.ndarray[Any, Any]:
        """Return what is on the screen, (rows, columns, 3)."""
        self.settle()
        self.page.wait_for_timeout(50)
        shot = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        return np.asarray(shot).astype(int)

    def pixels_of(self, places: Any) -> np.ndarray[Any, Any]:
        """Return where places (longitude, latitude) lie on the screen: (n, 2), column and row."""
        asked = [[float(lat), float(lon)] for lon, lat in places]
        found = self.map_(
            "const r = map.getContainer().getBoundingClientRect();"
            f"return {asked}.map(p => map.latLngToContainerPoint(p))"
            ".map(p => [r.left + p.x, r.top + p.y]);"
        )
        return np.rint(found).astype(int)

    def click_at(self, lat: float, lon: float, zoom: float = 18) -> None:
        """Look at a place and click on it."""
        self.map_(f"map.closePopup(); map.setView([{lat}, {lon}], {zoom}, {{animate: false}});")
        at = self.map_(
            f"const p = map.latLngToContainerPoint([{lat}, {lon}]);"
            "const r = map.getContainer().getBoundingClientRect();"
            "return [r.left + p.x, r.top + p.y];"
        )
        self.page.mouse.click(*at)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    missing = []
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing.append("playwright is not installed")
    if not Path(CHROMIUM).exists():
        missing.append(f"{CHROMIUM} is not there")
    if missing:
        pytest.skip(f"browser tests need a browser: {'; '.join(missing)}")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def blank(chromium: Any) -> list[Any]:
    """Pages to use again: a new one takes as long as a map."""
    return []


@pytest.fixture
def open_map(chromium: Any, blank: list[Any], tmp_path: Path) -> Iterator[Callable[[Any], Opened]]:
    """Save a map, open the file and wait until it is drawn."""
    pages = []

    def opened(m: Any) -> Opened:
        file = tmp_path / "map.html"
        m.save(str(file))
        page = blank.pop() if blank else chromium.new_page(viewport={"width": 1200, "height": 800})
        out = Opened(page)
        heard = {
            "pageerror": lambda error: out.errors.append(str(error)),
            "console": lambda m: out.errors.append(m.text) if m.type == "error" else None,
            "request": lambda request: out.requests.append(request.url),
            "requestfinished": lambda request: out.served.append(request.url),
        }
        for name, hear in heard.items():
            page.on(name, hear)
        pages.append((page, heard))
        page.mouse.move(0, 0)
        page.goto(file.as_uri())
        page.wait_for_selector("[data-patrolmap=ready]", timeout=20_000)
        return out

    yield opened
    for page, heard in pages:
        for name, hear in heard.items():
            page.remove_listener(name, hear)
        page.goto("about:blank")
        blank.append(page)
