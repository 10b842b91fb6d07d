"""Draw docs/images/map.png, the picture in the README, from the demo's map.

    make demo && .venv/bin/python tools/make_picture.py demo/map.html

Needs a Chromium or Chrome on this machine; it is started without a network.
"""

import argparse
import shutil
import sys
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "map.png"
SIZE = (1400, 900)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
           "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip


def draw(page: Path, picture: Path) -> None:
    """Open a map in a headless browser and keep what it shows."""
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"no browser found; wanted one of {', '.join(BROWSERS)} on the PATH.")
    picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=OFFLINE)
        tab = window.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector(".leaflet-container canvas", state="attached")
        tab.wait_for_timeout(500)  # the canvas is drawn in the frames that follow
        tab.screenshot(path=picture)
        window.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("map", type=Path, help="the map to draw, e.g. demo/map.html")
    parser.add_argument("--out", type=Path, default=PICTURE, help="where to (default %(default)s)")
    args = parser.parse_args()
    if not args.map.is_file():
        sys.exit(f"{args.map} is not there; make it first: make demo")
    draw(args.map, args.out)
    print(args.out)
