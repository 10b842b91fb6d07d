"""The sample is made again: the same rows always, the same bytes where versions agree."""

import csv
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import osmium
import pyogrio
import pytest
import shapely

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "data" / "sample"
FILES = [
    "accidents.geojson", "boundary.geojson", "crimes.csv", "depots.csv", "district.osm.pbf",
    "district.toml", "juveniles.gpkg", "planted.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def remade(tmp_path_factory) -> Path:
    """Run the script as a newcomer would."""
    out = tmp_path_factory.mktemp("sample") / "new" / "folder"
    command = [sys.executable, str(ROOT / "tools" / "make_sample.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def recorded() -> dict[str, str]:
    return json.loads((COMMITTED / "planted.json").read_text(encoding="utf-8"))["versions"]


def here() -> dict[str, str]:
    special = {
        "GEOS": ".".join(map(str, shapely.geos_version)),
        "GDAL": pyogrio.__gdal_version_string__,
    }
    return {name: special.get(name) or version(name) for name in recorded()}


def test_the_script_writes_exactly_the_files_of_the_sample(remade):
    assert sorted(path.name for path in remade.iterdir()) == FILES
    assert sorted(p.name for p in COMMITTED.iterdir()) == sorted([*FILES, "README.md"])


def test_the_versions_that_decide_the_bytes_are_recorded(remade):
    made = json.loads((remade / "planted.json").read_text(encoding="utf-8"))["versions"]
    assert {"osmium", "pyogrio", "GDAL", "numpy"} <= set(made)
    assert made == here()


@pytest.mark.parametrize("name", FILES)
def test_remaking_gives_the_same_bytes_under_the_recorded_versions(remade, name):
    if here() != recorded():
        pytest.skip(f"made with {recorded()}, here {here()}: only rows are compared")
    assert (remade / name).read_bytes() == (COMMITTED / name).read_bytes(), (
        f"{name}: other bytes than committed under the same versions; if make_sample.py was "
        "changed on purpose, run it and commit data/sample"
    )


@pytest.mark.parametrize("name", FILES)
def test_remaking_gives_the_same_rows_under_any_versions(remade, name):
    why = f"{name}: other rows than committed (made with {recorded()}, here {here()})"
    assert content(remade / name) == content(COMMITTED / name), why


def test_the_extract_is_in_order_of_ids_and_every_way_has_its_nodes():
    nodes, ways = [], []
    for thing in osmium.FileProcessor(COMMITTED / "district.osm.pbf"):
        if thing.is_node():
            nodes.append(thing.id)
        else:
            ways.append((thing.id, [node.ref for node in thing.nodes]))
    assert nodes == sorted(set(nodes))
    assert min(nodes) > 0
    assert [way for way, _ in ways] == sorted({way for way, _ in ways})
    known = set(nodes)
    assert all(ref in known for _, refs in ways for ref in refs)
    assert all(len(refs) > 1 for _, refs in ways)


def test_the_map_has_the_places_that_make_a_district():
    found: dict[str, int] = {}
    for thing in osmium.FileProcessor(COMMITTED / "district.osm.pbf"):
        for key in ("amenity", "leisure", "waterway", "highway"):
            if key in thing.tags:
                value = f"{key}={thing.tags[key]}"
                found[value] = found.get(value, 0) + 1
        for key in ("bridge", "tunnel"):
            found[key] = found.get(key, 0) + (key in thing.tags)
    assert found["amenity=police"] == 3
    assert found["amenity=school"] == 6
    assert found["amenity=marketplace"] == found["leisure=park"] == found["waterway=river"] == 1
    assert found["amenity=bar"] + found["amenity=pub"] > 10
    assert found["highway=bus_stop"] > 20
    assert found["amenity=kindergarten"] > 3
    assert found["bridge"] > 5
    assert found["tunnel"] == 1


def osm_row(thing: osmium.osm.OSMObject) -> tuple[object, ...]:
    """Return what a node or way says: kind, id, tags, and its place or its nodes."""
    if thing.is_node():
        return ("n", thing.id, dict(thing.tags), thing.location.x, thing.location.y)
    return ("w", thing.id, dict(thing.tags), [node.ref for node in thing.nodes])


def content(path: Path) -> object:
    """Read a file as rows, without what a library's version decides."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))
    if path.suffix == ".pbf":
        return [osm_row(thing) for thing in osmium.FileProcessor(path)]
    if path.suffix == ".gpkg":
        return gpd.read_file(path, layer="juveniles").to_wkt().fillna("").to_dict("list")
    if path.suffix == ".toml":
        return path.read_text(encoding="utf-8")
    found = json.loads(path.read_text(encoding="utf-8"))
    found.pop("versions", None)
    return found
