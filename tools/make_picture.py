"""Draw docs/images/map.png, the picture in the README, from the map of the sample district.

    python tools/make_picture.py                # plans the sample's night first
    python tools/make_picture.py demo/map.html  # draws a map that is there

Needs a Chromium or Chrome on this machine; it is started without a network.
"""

import argparse
import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "map.png"
SIZE = (1280, 800)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFFLINE = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
           "--host-resolver-rules=MAP * ~NOTFOUND"]  # fmt: skip


def plan_sample(folder: Path) -> Path:
    """Plan the night of `make demo`; return its map."""
    import patrolmap as pm
    from patrolmap.cli import DEMO_NIGHT

    config = pm.NightlyConfig.from_file(pm.datasets.sample().config)
    pm.run_nightly(config, night=DEMO_NIGHT).write(folder)
    return folder / "map.html"


def draw(page: Path, picture: Path) -> None:
    """Open a map in a headless browser and keep what it shows."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    from patrolmap.output._style import KIND_COLOURS

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"no browser found; wanted one of {', '.join(BROWSERS)} on the PATH.")
    with sync_playwright() as playwright:
        window = playwright.chromium.launch(executable_path=browser, args=OFFLINE)
        tab = window.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        tab.goto(page.resolve().as_uri())
        tab.wait_for_selector("[data-patrolmap=ready]")
        while not tab.evaluate("() => patrolmap.idle()"):  # until all tiles are painted
            tab.wait_for_timeout(50)
        tab.wait_for_timeout(300)
        shot = tab.screenshot()
        window.close()
    picture.parent.mkdir(parents=True, exist_ok=True)
    # The most frequent colours stay as they are, and the legend's: a third of the bytes.
    drawn = Image.open(io.BytesIO(shot)).convert("RGB")
    found: Any = drawn.getcolors(drawn.width * drawn.height)
    palette = Image.new("P", (1, 1))
    legend = [*bytes.fromhex("".join(KIND_COLOURS.values()).replace("#", ""))]
    frequent = [part for _, rgb in sorted(found, reverse=True) for part in rgb]
    palette.putpalette([*legend, *frequent][: 3 * 256])
    small = drawn.quantize(palette=palette, dither=Image.Dither.NONE)
    small.save(picture, optimize=True)


def main() -> None:
    """Draw the picture and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("map", type=Path, nargs="?", help="the map to draw; default the sample's")
    parser.add_argument("--out", type=Path, default=PICTURE, help="where to (default %(default)s)")
    args = parser.parse_args()
    if args.map is not None and not args.map.is_file():
        sys.exit(f"{args.map} is not there; make it first: make demo")
    with tempfile.TemporaryDirectory() as folder:
        page = args.map or plan_sample(Path(folder) / "night")
        draw(page, args.out)
    print(f"{args.out}: {args.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
