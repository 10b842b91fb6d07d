"""The cache of finished networks: equal to the fresh one, or not used at all."""

import io
import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_town import STREET, write_town
from patrolmap.errors import CRSError, OptionError, SourceNotFoundError
from patrolmap.streets import StreetNetwork, cache, read_streets
from towns import CENTRE, CRS, loop_town

KEY = "0" * 40
OPTIONS = {"boundary": None, "max_segment_length": 200.0, "crs": None}


def odd_town() -> StreetNetwork:
    """Loops and parallels, names of all kinds, a report, attrs, an empty column."""
    town = loop_town()
    names = {"main": "Абай даңғылы", "bow": 'a "b"\n,;\x00', "tail": "", "ring": None}
    segments = town.segments.assign(
        name=[names[i] for i in town.segments.index],
        length=town.segments["length"] + 0.001,
        drive_backward=[True, False, True, False],
    ).astype({"name": "str"})
    segments.attrs = {"drawn": [1, "two"]}
    grounds = gpd.GeoDataFrame(
        {"kind": pd.array(["park", "water"], dtype="str")},
        geometry=[shapely.box(0, 0, 9, 9), shapely.box(1, 1, 8, 8) - shapely.box(2, 2, 3, 3)],
        crs=town.crs,
    )
    return StreetNetwork(
        segments=segments,
        nodes=town.nodes,
        grounds=grounds,
        attribution="© nobody",
        report={"length (m)": 0.1 + 0.2, "n": 3.0},
    )


def assert_equal_in_all(one: StreetNetwork, other: StreetNetwork) -> None:
    for name in ("segments", "nodes", "grounds"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert_geodataframe_equal(mine, theirs, check_dtype=True, check_index_type="exact")
        assert mine.dtypes.astype(str).equals(theirs.dtypes.astype(str))
        assert (mine.index.name, mine.index.dtype) == (theirs.index.name, theirs.index.dtype)
        assert mine.geometry.to_wkb().equals(theirs.geometry.to_wkb())  # to the last bit
        assert mine.attrs == theirs.attrs
        assert mine.crs == theirs.crs
    assert (one.attribution, one.report) == (other.attribution, other.report)
    assert one.fingerprint == other.fingerprint
    assert repr(one) == repr(other)


def small_file(folder: Path, name: str = "town.osm.pbf") -> Path:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 90.0)}
    return write_town(folder / name, nodes, [(7, [1, 2, 3], STREET)])


def test_a_cached_network_is_the_fresh_one_in_every_column(tmp_path: Path) -> None:
    town = odd_town()
    cache.save(tmp_path, KEY, town)
    found = cache.load(tmp_path, KEY)
    assert found is not None
    assert_equal_in_all(found, town)
    found.segments.loc["main", "length"] = 1.0  # a table of one's own, not a view of the file
    assert_equal_in_all(cache.load(tmp_path, KEY), town)


@pytest.mark.shared
def test_a_city_comes_back_from_the_cache_as_it_was_read(
    heidelberg: StreetNetwork, tmp_path: Path
) -> None:
    cache.save(tmp_path, KEY, heidelberg)
    assert_equal_in_all(cache.load(tmp_path, KEY), heidelberg)


def test_nothing_is_pickled(tmp_path: Path) -> None:
    cache.save(tmp_path, KEY, odd_town())
    (file,) = tmp_path.iterdir()
    _, _, content = file.read_bytes().partition(b"\n")
    with np.load(io.BytesIO(content), allow_pickle=False) as parts:
        assert all(parts[name].dtype != object for name in parts.files)
        assert json.loads(parts["header"].tobytes())["attribution"] == "© nobody"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, StreetNetwork]:
    folder = tmp_path_factory.mktemp("cache")
    town = odd_town()
    cache.save(folder, KEY, town)
    (file,) = folder.iterdir()
    return file, file.read_bytes(), town


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_anywhere_is_seen_and_never_believed(saved, data: st.DataObject) -> None:
    file, whole, town = saved
    harm = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    at = data.draw(st.integers(0, len(whole) - 1))
    if harm == "flip":
        broken = bytearray(whole)
        broken[at] ^= 1 << data.draw(st.integers(0, 7))
        content = bytes(broken)
    elif harm == "cut":
        content = whole[:at]
    else:
        content = whole[:at] + data.draw(st.binary(min_size=1, max_size=9)) + whole[at:]
    file.write_bytes(content)
    found = cache.load(file.parent, KEY)
    if found is not None:
        assert_equal_in_all(found, town)
    else:
        assert content != whole
    file.write_bytes(whole)


def sealed(content: bytes) -> bytes:
    """Give content the head and checksum of a cache file, as one who tampers would."""
    import hashlib

    return cache._FORMAT + hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def changed(whole: bytes, **arrays: object) -> bytes:
    """Return a cache file with some arrays changed and its checksum made good."""
    with np.load(io.BytesIO(whole.partition(b"\n")[2]), allow_pickle=False) as parts:
        told = {name: parts[name] for name in parts.files}
    for name, change in arrays.items():
        told[name] = change(told[name])
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, **told)
    return sealed(out.getvalue())


def name_of(saved, column: str) -> str:
    _, _, town = saved
    return f"segments.{list(town.segments.columns).index(column)}"


def test_what_was_tampered_with_is_read_anew(saved, caplog: pytest.LogCaptureFixture) -> None:
    file, whole, _ = saved
    length, name, shape = (name_of(saved, c) for c in ("length", "name", "geometry"))
    crafted = {
        "rubbish": sealed(b"PK\x03\x04 and then nothing"),
        "an older form": whole.replace(b"streets 1 ", b"streets 0 ", 1),
        "negative lengths": changed(whole, **{length: lambda a: -a}),
        "a column too short": changed(whole, **{length: lambda a: a[:-1]}),
        "an object array": changed(whole, **{length: lambda a: np.array([{}, 1], dtype=object)}),
        "lines that run over": changed(whole, **{f"{shape}.linestring": lambda a: a + 5}),
        "words that run over": changed(whole, **{f"{name}.begins": lambda a: a * 1000}),
        "a word that is not there": changed(whole, **{f"{name}.codes": lambda a: a + 99}),
        "words that are no text": changed(whole, **{f"{name}.words": lambda a: a * 0 + 255}),
        "a header that is no JSON": changed(whole, header=lambda a: a[:-2]),
    }
    for what, content in crafted.items():
        file.write_bytes(content)
        caplog.clear()
        assert cache.load(file.parent, KEY) is None, what
        assert "cannot be used, reading the source" in caplog.text, what
    file.write_bytes(whole)
    assert cache.load(file.parent, KEY) is not None


def test_a_network_saved_under_another_key_is_not_taken(saved) -> None:
    file, _, _ = saved
    shutil.copy(file, file.with_name(f"{'1' * 40}.streets"))
    assert cache.load(file.parent, "1" * 40) is None


def test_a_folder_that_cannot_be_written_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = small_file(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    network = cache.read_cached(source, OPTIONS, blocked, lambda: read_streets(source))
    assert network == read_streets(source)
    assert "could not be kept in the cache" in caplog.text
    assert blocked.read_text() == "in the way"


def test_the_second_reading_comes_from_the_cache(tmp_path: Path) -> None:
    source = small_file(tmp_path)
    reads = []

    def read() -> StreetNetwork:
        reads.append(1)
        return read_streets(source)

    one, two = (cache.read_cached(source, OPTIONS, tmp_path / "c", read) for _ in range(2))
    assert len(reads) == 1
    assert_equal_in_all(one, two)
    (kept,) = (tmp_path / "c").iterdir()
    kept.write_bytes(b"damaged")
    assert_equal_in_all(cache.read_cached(source, OPTIONS, tmp_path / "c", read), one)
    assert len(reads) == 2
    cache.read_cached(source, OPTIONS, tmp_path / "c", read)
    assert len(reads) == 2  # the damaged file was replaced


def test_a_file_that_changes_while_it_is_read_is_not_kept(tmp_path: Path) -> None:
    source = small_file(tmp_path)

    def read() -> StreetNetwork:
        network = read_streets(source)
        small_file(tmp_path / "new").replace(source)
        return network

    (tmp_path / "new").mkdir()
    cache.read_cached(source, OPTIONS, tmp_path / "c", read)
    assert not (tmp_path / "c").exists()


def test_the_key_follows_content_and_options_and_nothing_else(tmp_path: Path) -> None:
    source = small_file(tmp_path)
    key = cache.cache_key(source, OPTIONS)
    assert cache.cache_key(source, dict(reversed(OPTIONS.items()))) == key
    copied = shutil.copy(source, tmp_path / "copy.osm.pbf")
    assert cache.cache_key(Path(copied), {**OPTIONS, "max_segment_length": 200}) == key
    square = shapely.box(76.9, 43.2, 76.95, 43.25)
    other = [
        {"max_segment_length": 100.0},
        {"max_segment_length": np.inf},
        {"crs": pyproj.CRS(CRS)},
        {"crs": pyproj.CRS(32642)},
        {"boundary": square},
        {"boundary": square.buffer(0.001)},
        {"boundary": gpd.GeoSeries([square], crs=4326)},
        {"boundary": "Алатау ауданы"},
        {"sidewalks": "keep"},
        {"sidewalks": "merge"},
    ]
    keys = [cache.cache_key(source, {**OPTIONS, **options}) for options in other]
    assert len({key, *keys}) == 1 + len(keys)
    content = bytearray(source.read_bytes())
    content[-1] ^= 1
    source.write_bytes(content)
    assert cache.cache_key(source, OPTIONS) != key


def test_the_key_follows_the_reader_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = small_file(tmp_path)
    key = cache.cache_key(source, OPTIONS)
    package = tmp_path / "patrolmap"
    shutil.copytree(Path(cache.__file__).parents[1], package)
    monkeypatch.setattr(cache, "__file__", str(package / "streets" / "cache.py"))
    assert cache.cache_key(source, OPTIONS) == key
    rules = package / "streets" / "rules.py"
    rules.write_text(rules.read_text(encoding="utf-8") + "\n# another rule\n", encoding="utf-8")
    assert cache.cache_key(source, OPTIONS) != key


def test_a_shapefile_changes_with_its_companions(tmp_path: Path) -> None:
    lines = gpd.GeoDataFrame(
        {"name": ["Abai"]},
        geometry=[shapely.LineString([CENTRE, (CENTRE[0] + 100, CENTRE[1])])],
        crs=CRS,
    )
    source = tmp_path / "roads.shp"
    lines.to_file(source)
    key = cache.cache_key(source, OPTIONS)
    (tmp_path / "others.dbf").write_bytes(b"not mine")
    assert cache.cache_key(source, OPTIONS) == key
    lines.assign(name="Dostyk").to_file(source)
    assert cache.cache_key(source, OPTIONS) != key


def test_an_option_that_no_key_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="lit is a object, which no cache key can hold"):
        cache.cache_key(small_file(tmp_path), {"lit": object()})
    with pytest.raises(OptionError, match="cache_dir is a int; wanted the path of a folder"):
        cache.read_cached(small_file(tmp_path), {}, 3, loop_town)  # type: ignore[arg-type]


WORKER = """
import logging, sys
from pathlib import Path
from patrolmap.streets import cache, read_streets

logging.disable(logging.NOTSET)
logging.basicConfig(level=logging.WARNING)
streets = read_streets(sys.argv[1])
folder = Path(sys.argv[2])
for _ in range(40):
    cache.save(folder, "0" * 40, streets)
    assert cache.load(folder, "0" * 40) == streets
"""


def test_two_processes_may_save_and_load_one_key_at_once(tmp_path: Path) -> None:
    source = small_file(tmp_path)
    command = [sys.executable, "-c", WORKER, str(source), str(tmp_path / "c")]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said == ["", ""]
    assert [file.name for file in (tmp_path / "c").iterdir()] == [f"{KEY}.streets"]


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def test_reading_again_takes_the_network_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = small_file(tmp_path)
    square = shapely.box(76.9, 43.23, 77.0, 43.25)
    fresh = [
        read_streets(source, **options, cache_dir=tmp_path / "c")
        for options in ({}, {"max_segment_length": 50}, {"crs": 32642}, {"boundary": square})
    ]
    assert len([*(tmp_path / "c").iterdir()]) == 4
    assert_equal_in_all(fresh[0], read_streets(source))
    assert_equal_in_all(fresh[3], read_streets(source, boundary=square))
    monkeypatch.setattr("patrolmap.streets.read.assemble", None)  # nothing is read any more
    again = [
        read_streets(str(source), **options, cache_dir=tmp_path / "c")
        for options in ({}, {"max_segment_length": 50.0}, {"crs": "EPSG:32642"})
    ]
    again.append(
        read_streets(source, boundary=gpd.GeoSeries([square], crs=4326), cache_dir=tmp_path / "c")
    )
    for one, other in zip(fresh, again, strict=True):
        assert_equal_in_all(one, other)


def test_a_cache_changes_no_error(tmp_path: Path) -> None:
    source = small_file(tmp_path)
    for options, error in (
        ({"crs": 4326}, CRSError),
        ({"boundary": shapely.box(0, 0, 1, 1)}, OptionError),
        ({"boundary": 3.5}, OptionError),
    ):
        with pytest.raises(error) as plain:
            read_streets(source, **options)
        for _ in range(2):
            with pytest.raises(error) as cached:
                read_streets(source, **options, cache_dir=tmp_path / "c")
            assert str(cached.value) == str(plain.value)
    with pytest.raises(SourceNotFoundError, match="there is no file"):
        read_streets(tmp_path / "none.osm.pbf", cache_dir=tmp_path / "c")


def test_a_table_in_memory_is_not_kept(tmp_path: Path) -> None:
    table = loop_town().segments.reset_index(drop=True)
    assert len(read_streets(table, cache_dir=tmp_path / "c").segments)
    assert not (tmp_path / "c").exists()
