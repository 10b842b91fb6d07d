"""OSM files that are not as they should be: each a named error or a repair that is told."""

import itertools
import logging
import math
import subprocess
import sys
from pathlib import Path

import osmium
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osmium.osm import mutable

from osm_town import STREET, degrees, write_town
from patrolmap.errors import (
    CRSError,
    OptionError,
    PatrolmapError,
    SourceFormatError,
    SourceNotFoundError,
)
from patrolmap.streets import read_districts, read_places, read_streets

READERS = [read_streets, read_places, read_districts]
NODES = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (100, 100), 5: (100, -100)}
WAYS = [
    (10, [1, 2, 3], {**STREET, "name": "Абай"}),
    (11, [4, 2, 5], STREET),
    (12, [1, 2, 4, 1], {"amenity": "school"}),
]
DISTRICT = {"type": "boundary", "boundary": "administrative", "name": "Алмалы", "admin_level": "6"}
AREAS = [(30, [12], DISTRICT)]
FORMS = ["osm", "osm.gz", "osm.bz2", "osm.pbf"]
fixture_ok = [HealthCheck.function_scoped_fixture]


def write(tmp_path, form="osm.pbf"):
    return write_town(tmp_path / f"town.{form}", NODES, WAYS, areas=AREAS)


def write_rows(path, nodes, ways):
    """Write nodes and ways in the order given, ids repeated or not."""
    writer = osmium.SimpleWriter(str(path), overwrite=True)
    try:
        for number, corner, version in nodes:
            writer.add_node(mutable.Node(id=number, location=degrees(corner), version=version))
        for number, refs, tags, version in ways:
            writer.add_way(mutable.Way(id=number, nodes=refs, tags=tags, version=version))
    finally:
        writer.close()
    return path


def write_xml(path, *lines):
    path.write_text('<osm version="0.6">' + "".join(lines) + "</osm>", encoding="utf-8")
    return path


ROAD = '<way id="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="path"/></way>'
NODE_1 = '<node id="1" lat="43.25" lon="76.9"/>'


# Files cut short, damaged, or something else ------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [1, 9, 40, -120, -60, -12, -2])
def test_streets_of_a_file_cut_short_are_refused(tmp_path, form, kept):
    path = write(tmp_path, form)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SourceFormatError, match=path.name):
        read_streets(path)


@pytest.mark.parametrize("reader", [read_places, read_districts])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kept", [1, 40, -60, -2])
def test_places_and_districts_of_a_file_cut_short_are_refused(tmp_path, form, kept, reader):
    path = write(tmp_path, form)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SourceFormatError, match=path.name):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=8, suppress_health_check=fixture_ok)
@given(at=st.integers(0, 10_000), byte=st.integers(1, 255))
def test_a_file_with_one_wrong_byte_is_read_or_refused_by_name(tmp_path, form, reader, at, byte):
    path = write(tmp_path, form)
    damaged = bytearray(path.read_bytes())
    damaged[at % len(damaged)] ^= byte
    path.write_bytes(damaged)
    try:
        reader(path)
    except PatrolmapError as error:
        assert path.name in str(error)


@pytest.mark.parametrize("reader", [read_places, read_districts])
@pytest.mark.parametrize("form", FORMS)
def test_a_web_page_or_another_form_behind_the_name_is_recognised(tmp_path, form, reader):
    path = tmp_path / f"town.{form}"
    path.write_text("<html><body>429 Too Many Requests</body></html>")
    with pytest.raises(SourceFormatError, match="error page"):
        reader(path)
    other = write_town(tmp_path / ("x.osm" if form == "osm.pbf" else "x.osm.pbf"), NODES, WAYS)
    other.rename(path)
    with pytest.raises(SourceFormatError, match="give it a name that ends in"):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", ["osm", "osm.pbf"])
def test_two_files_joined_into_one_are_refused(tmp_path, form, reader):
    path = write(tmp_path, form)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(SourceFormatError, match="cannot be read to its end"):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "content",
    [
        "<gpx version='1.1'></gpx>",
        "<osm version='0.5'></osm>",
        "<osm version='0.6'><node id='x' lat='43' lon='76'/></osm>",
        "<osm version='0.6'><node id='1' lat='43,25' lon='76.9'/></osm>",
        "<osm version='0.6'><node id='1' lat='NaN' lon='76.9'/></osm>",
        "<osm version='0.6'><node id='1' lat='4790000' lon='656000'/></osm>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]><osm version='0.6'><node id='1' lat='4' lon='7'/></osm>",
        "<osm version='0.6'><node id='1' lat='43' lon='76'>",
    ],
)
def test_xml_that_is_no_sound_osm_is_refused(tmp_path, content, reader):
    path = tmp_path / "town.osm"
    path.write_text(content)
    with pytest.raises(SourceFormatError, match=r"town\.osm .* cannot be read to its end as OSM"):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_text_that_is_no_utf_8_is_refused(tmp_path, reader):
    path = write_xml(tmp_path / "town.osm", NODE_1, ROAD.replace("path", "ab"))
    path.write_bytes(path.read_bytes().replace(b'v="ab"', '"Абай"'.encode("cp1251")))
    with pytest.raises(SourceFormatError, match="cannot be read to its end"):
        reader(path)


def test_a_pbf_whose_names_are_no_utf_8_is_refused_and_the_process_goes_on(tmp_path):
    plain = tmp_path / "plain.osm.pbf"
    writer = osmium.SimpleWriter(osmium.io.File(str(plain), "pbf,pbf_compression=none"))
    osmium.apply(osmium.io.Reader(str(write(tmp_path))), writer)
    writer.close()
    name = "Абай".encode()
    damaged = plain.read_bytes().replace(name, "Абайная".encode("cp1251") + b"\xe0")
    assert damaged != plain.read_bytes()
    plain.write_bytes(damaged)
    code = (
        "import sys\nfrom patrolmap.errors import SourceFormatError\n"
        "from patrolmap.streets import read_streets\n"
        "try:\n    read_streets(sys.argv[1])\n"
        "except SourceFormatError as error:\n    print('refused:', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(plain)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "refused:" in done.stdout
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("source", [None, 7, b"town.osm.pbf"])
def test_what_is_no_path_is_refused(reader, source):
    with pytest.raises(OptionError, match="source is a"):
        reader(source)


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_is_no_file(tmp_path, reader):
    (tmp_path / "town.osm.pbf").mkdir()
    with pytest.raises(SourceFormatError, match="is a folder"):
        reader(tmp_path / "town.osm.pbf")


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch, reader):
    path = write(tmp_path)

    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)  # root may read all files, whatever their mode
    with pytest.raises(SourceFormatError, match="cannot be opened: Permission denied"):
        reader(path)


@pytest.mark.parametrize("reader", READERS)
def test_a_link_that_leads_nowhere_is_not_there(tmp_path, reader):
    path = tmp_path / "town.osm.pbf"
    path.symlink_to(tmp_path / "gone.osm.pbf")
    with pytest.raises(SourceNotFoundError):
        reader(path)


# Ways and nodes -----------------------------------------------------------------------------------


def test_ways_of_one_node_or_none_are_no_streets_and_harm_nothing(tmp_path):
    ways = [*WAYS, (13, [1], STREET), (14, [], STREET), (15, [3, 3], STREET)]
    streets = read_streets(write_town(tmp_path / "town.osm.pbf", NODES, ways))
    assert streets == read_streets(write_town(tmp_path / "other.osm.pbf", NODES, WAYS))
    with pytest.raises(SourceFormatError):
        read_streets(write_town(tmp_path / "one.osm.pbf", NODES, [(13, [1], STREET)]))
    with pytest.raises(SourceFormatError):
        read_streets(write_town(tmp_path / "none.osm.pbf", NODES, [(14, [], STREET)]))


@pytest.mark.parametrize("reader", [read_places, read_districts])
def test_a_file_without_ways_has_no_places_or_districts(tmp_path, reader):
    assert len(reader(write_town(tmp_path / "town.osm.pbf", NODES, []))) == 0


@pytest.mark.parametrize("reader", [read_places, read_districts])
def test_a_file_with_nothing_in_it_gives_an_empty_table(tmp_path, reader):
    assert len(reader(write_xml(tmp_path / "town.osm"))) == 0
    with pytest.raises(SourceFormatError, match="no way with a highway tag"):
        read_streets(tmp_path / "town.osm")


def test_two_ways_with_one_id_are_both_streets(tmp_path):
    nodes = [(number, corner, 1) for number, corner in NODES.items()]
    ways = [(10, [1, 2], STREET, 1), (10, [2, 3], STREET, 1), (10, [2, 3], STREET, 1)]
    streets = read_streets(write_rows(tmp_path / "town.osm.pbf", nodes, ways))
    assert streets.segments["length"].round().to_dict() == {"1-3": 200}
    assert streets.report["duplicate length dropped (m)"] == pytest.approx(100, abs=0.1)


def test_of_two_nodes_with_one_id_the_later_counts(tmp_path):
    nodes = [(1, (0, 0), 1), (2, (100, 700), 1), (2, (100, 0), 2), (3, (200, 0), 1)]
    path = write_rows(tmp_path / "town.osm.pbf", nodes, [(10, [1, 2, 3], STREET, 1)])
    assert read_streets(path).segments["length"].round().to_dict() == {"1-3": 200}


def test_of_two_things_with_one_id_the_newest_version_counts_in_any_order(tmp_path):
    nodes = [(number, corner, 1) for number, corner in NODES.items()]
    old = (12, [1, 2, 4, 1], {"amenity": "school", "name": "old"}, 2)
    new = (12, [1, 2, 4, 1], {"amenity": "bar", "name": "new"}, 10)
    for name, ways in (("one", [old, new]), ("other", [new, old])):
        places = read_places(write_rows(tmp_path / f"{name}.osm.pbf", nodes, ways))
        assert places["name"].to_dict() == {"way/12": "new"}


BIG = 2**53


@pytest.mark.parametrize("ids", [(BIG - 1, BIG + 1, BIG + 2), (-3, -2, 7), (0, 1, 2)])
def test_huge_negative_and_zero_ids_are_read(tmp_path, ids):
    a, b, c = ids
    nodes = {a: (0, 0), b: (90, 0), c: (90, 90)}
    ways = [(a, [a, b, c], STREET), (c, [a, b, c, a], {"leisure": "park"})]
    path = write_town(tmp_path / "town.osm.pbf", nodes, ways)
    assert read_streets(path).segments.index.tolist() == [f"{a}-{c}"]
    assert read_streets(path).segments["length"].iloc[0] == pytest.approx(180, abs=0.1)
    assert read_places(path).index.tolist() == [f"way/{c}"]


def test_a_street_of_very_many_nodes_is_one_street(tmp_path):
    count = 5_000
    nodes = {i: (i / 10, 50 * math.sin(i / 500)) for i in range(1, count + 1)}
    ways = [(9, list(range(1, count + 1)), STREET)]
    streets = read_streets(
        write_town(tmp_path / "town.osm.pbf", nodes, ways), max_segment_length=math.inf
    )
    drawn = sum(math.dist(nodes[i], nodes[i + 1]) for i in range(1, count))
    assert streets.segments["length"].tolist() == [pytest.approx(drawn, rel=0.01)]


@pytest.mark.parametrize("place", ['lat="95" lon="76.9"', 'lat="43.2" lon="180.5"'])
def test_coordinates_outside_the_world_are_named_by_every_reader(tmp_path, place):
    park = '<way id="2"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/>'
    tags = '<tag k="leisure" v="park"/><tag k="boundary" v="administrative"/></way>'
    node_3 = '<node id="3" lat="43.26" lon="76.9"/>'
    path = write_xml(
        tmp_path / "town.osm", NODE_1, f'<node id="2" {place}/>', node_3, ROAD, park, tags
    )
    for reader in READERS:
        with pytest.raises(CRSError, match="node 2 stands at"):
            reader(path)


# Names --------------------------------------------------------------------------------------------

NASTY = [
    "line\nbreak", "tab\there", "a,b", "a=b", "100%", "%20%", "%%", "%2c%", "it's \"so\"",
    "\u2028para\u2029", "\x85next", "\u00a0", "👮🏽", "=cmd|' /C calc'!A0", "@SUM(1)", "<script>",
    "&amp;", " lead and trail ", "n1,n2", "w1 Thighway=path Nn1", "\\", "Ұлы Дала көшесі",
    "x" * 255, "\u200b", "\ufeff",
]  # fmt: skip


@pytest.mark.parametrize("form", ["osm", "osm.pbf"])
def test_names_come_through_whatever_signs_they_hold(tmp_path, form):
    nodes = {i: (100.0 * i, 0) for i in range(1, len(NASTY) + 2)}
    ways = [
        (i, [i, i + 1], {**STREET, "name": name, "name:kk": name, "name:ru": name, "name:en": name})
        for i, name in enumerate(NASTY, start=1)
    ]
    path = write_town(tmp_path / f"town.{form}", nodes, ways)
    segments = read_streets(path).segments.sort_values("from_node")
    for column in ("name", "name_kk", "name_ru", "name_en"):
        assert segments[column].tolist() == NASTY
    tags = {i: {"amenity": "bar", "name": name} for i, name in enumerate(NASTY, start=1)}
    path = write_town(tmp_path / f"bars.{form}", nodes, ways, node_tags=tags)
    assert read_places(path)["name"].tolist() == NASTY


# All that OSM's files can hold: no surrogates, none of the control signs that XML forbids. The last
# plane of Unicode, for private use, is written wrong by libosmium (2.23).
OSM_TEXT = st.text(
    st.characters(
        max_codepoint=0xFFFFF,
        exclude_categories=("Cs",),
        exclude_characters=[chr(i) for i in range(32)],
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=40, suppress_health_check=fixture_ok)
@given(names=st.lists(OSM_TEXT, min_size=1, max_size=5), value=OSM_TEXT)
def test_any_name_comes_back_as_it_was_written(tmp_path, names, value):
    nodes = {i: (100.0 * i, 0) for i in range(1, len(names) + 3)}
    ways = [
        (i, [i, i + 1], {**STREET, "name": name, "lit": value}) for i, name in enumerate(names, 1)
    ]
    ways.append((99, [len(names) + 1, len(names) + 2], {"highway": "steps", "surface": value}))
    path = write_town(tmp_path / "town.osm.pbf", nodes, ways)
    segments = read_streets(path, max_segment_length=math.inf).segments.sort_values("from_node")
    steps = segments["highway"] == "steps"
    told = [None if name == "" else name for name, _ in itertools.groupby(names)]
    assert segments.loc[~steps, "name"].astype(object).replace({math.nan: None}).tolist() == told
    surface = segments.loc[steps, "surface"]
    assert surface.isna().all() if value == "" else surface.tolist() == [value]


def test_tags_with_empty_values_say_nothing_but_do_not_stop_the_reading(tmp_path):
    ways = [
        (
            10,
            [1, 2],
            {**STREET, "lit": "", "oneway": "", "name": "", "sidewalk": "", "layer": "", "": "x"},
        ),
        (11, [2, 3], {"highway": ""}),
        (12, [2, 4], {**STREET, "foot": "", "access": ""}),
    ]
    path = write_town(tmp_path / "town.osm.pbf", NODES, ways)
    segments = read_streets(path, max_segment_length=math.inf).segments
    assert segments.index.tolist() == ["1-4"]
    assert segments["lit"].tolist() == ["unknown"]
    assert segments["name"].isna().all()
    assert segments[["drive_forward", "drive_backward"]].to_numpy().all()
    assert read_places(path).empty


# Random files -------------------------------------------------------------------------------------


@st.composite
def random_rows(draw):
    """Draw a town with all that is wrong in one: gaps, repeats, rings, drafts."""
    numbers = draw(st.lists(st.integers(-5, 12), min_size=3, max_size=9, unique=True))
    spot = st.tuples(st.integers(0, 6), st.integers(0, 6))
    spots = draw(st.lists(spot, min_size=len(numbers), max_size=len(numbers), unique=True))
    nodes = {n: (90.0 * x + 5 * y, 80.0 * y) for n, (x, y) in zip(numbers, spots, strict=True)}
    known = st.sampled_from(sorted(nodes))
    refs = st.lists(known | st.just(77), max_size=6)
    kinds = st.sampled_from([STREET, {"highway": "steps"}, {"leisure": "park"}, {}])
    rows = draw(st.lists(st.tuples(st.integers(1, 6), refs, kinds), min_size=1, max_size=8))
    return nodes, rows


@pytest.mark.parametrize("form", ["osm", "osm.pbf"])
@settings(deadline=None, max_examples=25, suppress_health_check=fixture_ok)
@given(town=random_rows())
def test_a_random_broken_town_keeps_every_link_that_both_nodes_are_there_for(tmp_path, form, town):
    nodes, rows = town
    path = write_rows(
        tmp_path / f"town.{form}",
        [(number, nodes[number], 1) for number in sorted(nodes)],
        [(number, refs, tags, 1) for number, refs, tags in rows],
    )
    logging.disable(logging.WARNING)
    try:
        for reader in (read_places, read_districts):
            assert reader(path).geometry.is_valid.all()
    finally:
        logging.disable(logging.NOTSET)
    links = {
        frozenset(pair)
        for _, refs, tags in rows
        if "highway" in tags
        for pair in itertools.pairwise(refs)
        if set(pair) <= nodes.keys() and pair[0] != pair[1]
    }
    if not links:
        with pytest.raises(SourceFormatError):
            read_streets(path)
        return
    streets = read_streets(path)
    drawn = sum(math.dist(*(nodes[n] for n in link)) for link in links)
    kept = streets.report["walkable length kept (m)"]
    lost = streets.report["walkable length dropped, not connected (m)"]
    assert kept + lost == pytest.approx(drawn, abs=0.03 * len(links))
    ends = streets.segments[["from_node", "to_node"]].to_numpy()
    for column, which in ((0, 0), (1, -1)):
        points = shapely.get_point(streets.segments.geometry.to_numpy(), which)
        at = streets.nodes.geometry.loc[ends[:, column]].to_numpy()
        assert shapely.distance(points, at).max() < 1e-6
