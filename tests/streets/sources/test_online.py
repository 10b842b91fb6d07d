"""`download_streets` against servers on loopback: what comes back, and every way it can fail."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import osmnx as ox
import pytest
import shapely

from osm_town import STREET, degrees, write_town
from patrolmap.errors import CRSError, OptionError, PatrolmapError, ServiceError, SourceFormatError
from patrolmap.streets import StreetNetwork, download_streets, read_streets

NODES = {
    1: (0, 0), 2: (400, 0), 3: (1100, 0), 4: (400, 300), 5: (200, 0), 6: (400, 150),
    7: (0, 300), 8: (0, 8), 9: (390, 8), 10: (800, -200), 11: (1500, 0), 12: (1900, 0),
}  # fmt: skip
WAYS = [
    (10, [1, 5, 2], {**STREET, "name": "Abai", "name:kk": "Абай", "lit": "yes"}),
    (11, [2, 3], {**STREET, "oneway": "-1", "surface": "asphalt"}),
    (12, [2, 6, 4], {"highway": "living_street", "sidewalk:left": "yes", "bridge": "yes"}),
    (13, [4, 7, 1], {"highway": "cycleway", "foot": "designated"}),
    (14, [1, 8, 9, 2], {"highway": "footway", "footway": "sidewalk"}),
    (15, [2, 10], {"highway": "motorway"}),
    (16, [3, 11, 12], STREET),
]  # fmt: skip
CROSSINGS = {5: {"highway": "crossing"}}
DISTRICT = (-50, -50, 700, 350)


def square(west, south, east, north):
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return shapely.Polygon([degrees(corner) for corner in corners])


def overpass_answer():
    """All nodes and ways of the town, as Overpass writes them; of a village far off, nothing."""
    elements = []
    for number, corner in NODES.items():
        lon, lat = (round(value, 7) for value in degrees(corner))
        tags = {"tags": CROSSINGS[number]} if number in CROSSINGS else {}
        elements.append({"type": "node", "id": number, "lon": lon, "lat": lat, **tags})
    elements += [{"type": "way", "id": i, "nodes": refs, "tags": t} for i, refs, t in WAYS]
    return {"elements": elements}


def place_answer(name):
    """The district of the town, a lamp post, or nothing."""
    known = {"Alatau": square(*DISTRICT), "lamp post": shapely.Point(degrees((0, 0)))}
    if name not in known:
        return []
    shape = known[name]
    west, south, east, north = map(str, shape.bounds)
    box = [south, north, west, east]
    told = {"lat": south, "lon": west, "importance": 0.5, "boundingbox": box, "name": name}
    return [{**told, "geojson": shapely.geometry.mapping(shape)}]


class Servers(BaseHTTPRequestHandler):
    """A fake Overpass and a fake Nominatim in one; what it was asked stands in `server.asked`."""

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/status":
            self.answer("OK")
        else:
            name = parse_qs(url.query)["q"][0]
            self.server.asked.append(name)
            self.answer(place_answer(name))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(parse_qs(body)["data"][0])
        self.answer(overpass_answer() if self.server.says is None else self.server.says)

    def answer(self, said, status=200):
        if isinstance(said, tuple):
            status, said = said
        body = said if isinstance(said, str) else json.dumps(said)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def web():
    with ThreadingHTTPServer(("127.0.0.1", 0), Servers) as server:
        server.asked, server.says = [], None
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server
        server.shutdown()


@pytest.fixture
def download(web, monkeypatch, tmp_path):
    """Call download_streets on the fake servers; check that it leaves no trace."""
    monkeypatch.setattr(time, "sleep", lambda _: None)  # osmnx rests a second before Nominatim
    monkeypatch.chdir(tmp_path)
    before = dict(vars(ox.settings))
    lookup = socket.getaddrinfo

    def call(where, **options):
        servers = {"overpass_url": web.url, "nominatim_url": web.url}
        return download_streets(where, **{**servers, **options})

    yield call
    assert dict(vars(ox.settings)) == before
    assert socket.getaddrinfo is lookup
    assert [path.name for path in tmp_path.iterdir() if path.name != "kept"] == []


@pytest.fixture
def expected(tmp_path_factory):
    """What reading makes of the town as a file."""
    path = tmp_path_factory.mktemp("town") / "town.osm.pbf"
    write_town(path, NODES, WAYS, node_tags=CROSSINGS)
    return read_streets(path, boundary=square(*DISTRICT), crs="EPSG:32643")


def same(one, other):
    """Say whether two networks agree in every column, their lines to a tenth of a millimetre."""
    left, right = one.segments, other.segments
    assert left.drop(columns="geometry").equals(right.drop(columns="geometry"))
    return bool(shapely.equals_exact(left.geometry, right.geometry, tolerance=1e-4).all())


# What comes back -------------------------------------------------------------------------------


def test_a_polygon_gives_the_streets_that_its_extract_gives(download, expected):
    streets = download(square(*DISTRICT))
    assert streets == expected
    assert same(streets, expected)
    assert streets.attribution == "© OpenStreetMap contributors (ODbL)"
    assert streets.segments["inside"].sum() < len(streets.segments)


def test_a_name_is_looked_up_and_a_box_is_four_numbers(download, web, expected):
    assert download("Alatau") == expected
    assert web.asked[0] == "Alatau"
    assert "Alatau" not in web.asked[1]
    assert download(square(*DISTRICT).bounds).segments["inside"].any()


def test_a_table_of_polygons_may_stand_in_any_crs(download, expected):
    shape = gpd.GeoSeries([square(*DISTRICT)], crs=4326)
    assert download(shape) == expected
    streets = download(gpd.GeoDataFrame(geometry=shape).to_crs(32643), crs=32642)
    assert streets.crs.to_epsg() == 32642


def test_options_mean_what_they_mean_for_files(download):
    whole = download(square(*DISTRICT), max_segment_length=5000)
    kept = download(square(*DISTRICT), max_segment_length=5000, sidewalks="keep")
    assert whole.segments["length"].max() > 690
    assert whole.segments["length"].sum() < kept.segments["length"].sum() - 300


def test_what_was_downloaded_is_kept_where_asked_and_answered_offline(download, web, tmp_path):
    folder = tmp_path / "kept"
    streets = download("Alatau", cache_dir=folder)
    web.says = (504, "busy")
    asked = len(web.asked)
    assert download("Alatau", cache_dir=folder) == streets
    assert len(web.asked) == asked
    with pytest.raises(ServiceError):
        download("Alatau", cache_dir=folder, max_segment_length=100)


def test_a_server_is_found_alive_without_the_hooks_of_another_download(download, monkeypatch):
    seen = []

    def note(answer, *rest, **more):
        seen.append(answer.url)

    monkeypatch.setitem(ox.settings.requests_kwargs, "hooks", {"response": note})
    download(square(*DISTRICT))
    assert seen
    assert not any(url.endswith("/status") for url in seen)


def test_two_threads_may_download_at_once(download, expected):
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(download, [square(*DISTRICT), "Alatau"])
    assert one == other == expected


def test_settings_and_hooks_of_the_user_hold_and_stay(download, web, monkeypatch):
    seen = []
    mine = {"hooks": {"response": lambda answer, **_: seen.append(answer.url)}}
    monkeypatch.setattr(ox.settings, "requests_kwargs", mine)
    monkeypatch.setattr(ox.settings, "all_oneway", False)
    download(square(*DISTRICT))
    assert f"{web.url}/interpreter" in seen
    assert ox.settings.requests_kwargs is mine
    monkeypatch.undo()


# Servers that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "error", "told"),
    [
        ((429, "slow down"), ServiceError, "too busy to answer .429"),
        ((504, "<html>timeout</html>"), ServiceError, "too busy to answer .504"),
        ((400, "<html><b>Error</b>: parse error</html>"), ServiceError, "'Error : parse error'"),
        ("<html><script>x</script>Log in to WiFi</html>", ServiceError, "'Log in to WiFi'"),
        ('{"elements": [', ServiceError, "broke off"),
        ({"version": 0.6}, ServiceError, "other data than wanted"),
        ({"elements": [], "remark": "runtime error: timed out"}, ServiceError, "timed out"),
        ({"elements": []}, SourceFormatError, "no street network at lon 76"),
    ],
)
def test_a_server_that_sends_no_streets_is_an_error_at_once(download, web, says, error, told):
    web.says = says
    start = time.monotonic()
    with pytest.raises(error, match=told):
        download(square(*DISTRICT))
    assert time.monotonic() - start < 3
    assert len(web.asked) == 1


@pytest.mark.parametrize(("name", "told"), [("Atlantis", "no place"), ("lamp post", "point")])
def test_a_place_without_boundary_asks_for_a_box(download, name, told):
    with pytest.raises(OptionError, match=f"{told}.*pass a box"):
        download(name)


def test_a_server_that_refuses_is_named_with_what_to_do_instead(download):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    start = time.monotonic()
    with pytest.raises(ServiceError, match=rf"127\.0\.0\.1:{free} .*refused.*read_streets") as told:
        download(square(*DISTRICT), overpass_url=f"http://127.0.0.1:{free}")
    assert time.monotonic() - start < 5
    assert isinstance(told.value, PatrolmapError)
    assert isinstance(told.value, ConnectionError)


def test_a_server_that_never_answers_is_given_up(download):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        with pytest.raises(ServiceError, match=r"no answer within 0\.3 s"):
            download(square(*DISTRICT), overpass_url=url, timeout=0.3)
        assert time.monotonic() - start < 2


def test_a_name_that_nobody_resolves_is_given_up_in_time(download, monkeypatch):
    stuck = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: stuck.wait(5))
    start = time.monotonic()
    with pytest.raises(ServiceError, match=r"overpass\.example is out of reach: no answer"):
        download(square(*DISTRICT), overpass_url="http://overpass.example", timeout=0.3)
    assert time.monotonic() - start < 2
    stuck.set()
    monkeypatch.undo()


# Questions that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "error", "told"),
    [
        ("", OptionError, "is no place"),
        ("streets.osm.pbf", OptionError, "Files are for read_streets"),
        ((43.2, 76.8, 43.3), OptionError, "where is a tuple"),
        ((76.9, 43.3, 76.8, 43.2), OptionError, "west, south, east, north"),
        ((76.8, 43.2, "east", 43.3), OptionError, "west, south, east, north"),
        ((60.0, 40.0, 80.0, 50.0), OptionError, "km², too much to ask"),
        (7, OptionError, "where is a int"),
        (shapely.Point(76.9, 43.2), SourceFormatError, "wanted polygons"),
        (gpd.GeoSeries([shapely.box(76, 43, 77, 44)]), CRSError, "no CRS"),
    ],
)
def test_a_place_that_is_none_is_refused_before_anything_is_sent(download, web, where, error, told):
    with pytest.raises(error, match=told):
        download(where)
    assert web.asked == []


@pytest.mark.parametrize(
    "options",
    [
        {"overpass_url": "ftp://127.0.0.1/api"},
        {"overpass_url": "overpass-api.de"},
        {"nominatim_url": "http://127.0.0.1/?q="},
        {"nominatim_url": None},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"sidewalks": "fold"},
        {"max_segment_length": -1},
        {"crs": 4326},
        {"cache_dir": 7},
    ],
)
def test_an_option_out_of_range_is_told_before_anything_is_sent(download, web, options):
    with pytest.raises((OptionError, CRSError)):
        download(square(*DISTRICT), **options)
    assert web.asked == []


def test_a_downloaded_network_goes_to_osmnx_and_back(download):
    streets = download(square(*DISTRICT))
    assert StreetNetwork.from_networkx(streets.to_networkx()) == streets
