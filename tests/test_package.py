"""The package as it is installed: light to import, whole, and with one version."""

import builtins
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import typing
import zipfile
from pathlib import Path

import pytest

import patrolmap as pm
from patrolmap import errors
from towns import row_town

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "folium", "geopandas", "matplotlib", "networkx", "numba", "numpy", "osmium", "osmnx", "pandas",
    "pandera", "pyarrow", "pydantic", "pyogrio", "pyproj", "scipy", "shapely", "sklearn", "typer",
}  # fmt: skip


def python(code: str, **env: str) -> str:
    """Run code in a process of its own; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | env,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_patrolmap_loads_nothing_heavy() -> None:
    loaded = python("import patrolmap, sys; print(*sys.modules)").split()
    assert "patrolmap" in loaded
    assert HEAVY.isdisjoint(loaded)


def test_every_public_name_is_there_and_documented() -> None:
    assert {"read_events", "read_streets", "NetworkKDE", "plan_patrols", "explore"} <= {*pm.__all__}
    undocumented = [name for name in pm.__all__ if not getattr(pm, name).__doc__]
    assert undocumented == []


def test_a_public_name_stays_itself_when_a_module_of_its_name_is_loaded_first() -> None:
    code = "import patrolmap.risk.spots.hotspots, patrolmap as pm; print(callable(pm.hotspots))"
    assert python(code).strip() == "True"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="read_event"):
        pm.read_event  # noqa: B018


@pytest.mark.parametrize("name", [n for n in pm.errors.__all__ if n.endswith("Error")])
def test_every_error_is_a_patrolmap_error_and_a_builtin(name: str) -> None:
    error = getattr(pm.errors, name)
    assert issubclass(error, pm.errors.PatrolmapError)
    families = {base for base in error.__mro__ if base.__module__ == builtins.__name__}
    common = {Exception, BaseException, object}
    assert error is pm.errors.PatrolmapError or families > common


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert importlib.metadata.version("patrolmap") == pm.__version__
    assert f"## [{pm.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_constraints_pin_every_dependency_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {plain(name) for name in pins}
    assert {plain(re.split(r"[<>=!~ \[]", text)[0]) for text in wanted} <= pinned
    assert "patrolmap" not in pinned


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "py.typed", "__init__.pyi", "_sample/district.osm.pbf", "_sample/district.toml",
        "output/assets/patrolmap.js", "output/assets/leaflet/leaflet.js",
        "output/assets/leaflet/LICENSE", "output/locale/kk/map.po",
    ):  # fmt: skip
        assert f"patrolmap/{needed}" in names
    assert {name.split("/")[0] for name in names} == {
        "patrolmap", f"patrolmap-{pm.__version__}.dist-info",
    }  # fmt: skip
    assert not [name for name in names if name.endswith((".pyc", ".nbi", ".nbc"))]


def test_the_sample_is_found_in_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import patrolmap as pm; print(pm.datasets.sample().streets)"
    found = Path(python(code, PYTHONPATH=str(tmp_path)).strip())
    assert found == tmp_path / "patrolmap" / "_sample" / "district.osm.pbf"


def test_wrong_types_at_the_doors_are_named() -> None:
    streets = row_town()
    for call in (
        lambda: pm.plan_patrols("almaty.osm.pbf", None, []),
        lambda: pm.plan_patrols(streets, streets.segments["length"], ["night"]),
        lambda: pm.plan_patrols(streets, streets.segments["length"], None),
        lambda: pm.explore("almaty.osm.pbf"),
        lambda: pm.run_nightly(None, night="2026-11-06"),
    ):
        with pytest.raises(errors.OptionError, match="wanted"):
            call()


def test_the_types_of_public_functions_can_be_asked_for() -> None:
    for name in ("plan_patrols", "read_events", "read_streets", "run_nightly", "check_plan"):
        assert "return" in typing.get_type_hints(getattr(pm, name))
