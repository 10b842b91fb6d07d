"""Events from a map service: every row once, in both dialects, or an error that says why not."""

import json
import logging
import random
import socket
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from arcgis_server import NEW, OLD, FakeLayer, crimes, serve
from patrolmap.errors import OptionError, PatrolmapError, SchemaError, ServiceError
from patrolmap.events import check_events
from patrolmap.events.service import transport
from patrolmap.events.service.client import read_service
from patrolmap.events.service.transport import Patience, check_url

ALMATY = "Asia/Almaty"
HASTY = Patience(connect=1, read=1, answer=5, total=30)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Take proxies and tokens of the machine away, and write waits down instead of waiting."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in (transport.TOKEN, transport.TOKEN_HOST):
        monkeypatch.delenv(name, raising=False)
    waited = []
    monkeypatch.setattr(transport, "_sleep", waited.append)
    return waited


def check(url, **options):
    return check_events(url, **({"kind": "crime", "tz": ALMATY} | options))


def numbers(source):
    """Places of the rows in `crimes(...)`, by their object ids."""
    column = next(name for name in source.table if name.lower() == "objectid")
    return ((source.table[column].to_numpy() - 3) // 7).tolist()


# Whole ------------------------------------------------------------------------------------------


def test_many_pages_of_the_new_service_come_whole():
    with serve(FakeLayer(crimes(12_345))) as server:
        report = check(server.url())
        pages = [(asked["resultOffset"], asked["orderByFields"]) for asked in server.queries()]
    assert (report.rows, report.kept) == (12_345, 12_345)
    assert pages == [(str(at), "objectid ASC") for at in (0, 5000, 10_000)]
    events = report.events
    assert events.index[0] == "crime:3"
    assert events["occurred_from"].iloc[0] == pd.Timestamp("2024-01-01 00:30", tz=ALMATY)
    place = events.to_crs(4326).geometry.iloc[101]
    assert (place.x, place.y) == pytest.approx((76.802, 43.201))
    assert report.source == f"{server.host}{NEW}"


def test_the_old_service_comes_whole_past_its_limit_without_paging():
    rows = crimes(2345, upper=True)
    layer = FakeLayer(rows, wkid=32642, limit=1000, paging=False)
    with serve({OLD: layer}) as server:
        report = check(server.url(OLD))
        assert not any("resultOffset" in asked for asked in server.queries())
        assert len(server.queries()) == 3
    assert report.kept == 2345
    assert any("EPSG:32642 (as it states)" in note for note in report.notes)
    place = report.events.to_crs(4326).geometry.iloc[100]
    assert (place.x, place.y) == pytest.approx((76.8, 43.201))


def test_names_and_case_numbers_are_never_asked_for():
    with serve(FakeLayer(crimes(30))) as server:
        source = read_service(server.url(), patience=HASTY)
        assert {asked["outFields"] for asked in server.queries()} == {"objectid,stat,dat_sover"}
    assert source.table.columns.tolist() == ["objectid", "stat", "dat_sover"]
    with serve(FakeLayer(crimes(30), everything=True)) as server:  # and dropped where they come
        source = read_service(server.url(), patience=HASTY)
    assert source.table.columns.tolist() == ["objectid", "stat", "dat_sover"]


def test_a_preset_says_which_fields_are_asked_for(tmp_path):
    preset = tmp_path / "mine.toml"
    preset.write_text(
        '[columns]\ncategory = "stat"\noccurred_from = "dat_sover"\n[drop]\ndiscontinued = ["1"]\n'
    )
    with serve(FakeLayer(crimes(30))) as server:
        assert check(server.url(), preset=preset).kept == 30
        assert server.queries()[0]["outFields"] == "objectid,stat,dat_sover,discontinued"
        preset.write_text('[columns]\noccurred_from = "rta_date"\n')
        with pytest.raises(SchemaError, match=r"'rta_date'.*it has 'objectid', 'stat'"):
            check(server.url(), preset=preset)


def test_rows_without_geometry_are_rows():
    rows = crimes(50)
    rows[7] |= {"lon": None, "lat": None}
    with serve(FakeLayer(rows, limit=20)) as server:
        report = check(server.url())
    assert (report.rows, dict(report.dropped)) == (50, {"no geometry": 1})
    assert report.rejects["row"].tolist() == [8]


def test_a_column_empty_on_one_page_keeps_the_type_of_the_others():
    rows = [row | {"dat_sover": None if n < 10 else row["dat_sover"]}
            for n, row in enumerate(crimes(30))]  # fmt: skip
    with serve(FakeLayer(rows, limit=10)) as server:
        source = read_service(server.url(), patience=HASTY)
    assert source.table["dat_sover"].dtype == "Int64"
    assert source.table["dat_sover"].isna().tolist() == [True] * 10 + [False] * 20


def test_a_layer_that_states_no_crs_is_asked_for_degrees():
    layer = FakeLayer(crimes(30), wkid=32643, about={"extent": None})
    with serve(layer) as server:
        report = check(server.url())
        assert server.queries()[0]["outSR"] == "4326"
    assert report.events.to_crs(4326).geometry.x.iloc[0] == pytest.approx(76.8)


def test_progress_goes_by_pages():
    seen = []
    with serve(FakeLayer(crimes(100), limit=25)) as server:
        check(server.url(), progress=lambda share, step: seen.append((share, step)))
    shares = [share for share, _ in seen]
    assert shares == sorted(shares) and {0.125, 0.25, 0.375, 0.5} <= set(shares)
    assert seen[-1] == (1.0, "done")


# Which rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("upper", [False, True])
def test_where_and_dates_choose_rows_by_the_local_clock(upper):
    layer = FakeLayer(crimes(3000, upper=upper), limit=700, paging=not upper)
    with serve(layer) as server:
        report = check(
            server.url(), where="city_code='1975'", start="2024-02-01", end=date(2024, 3, 1)
        )
        clause = server.queries()[0]["where"]
    name = "DAT_SOVER" if upper else "dat_sover"
    assert f"{name} >= TIMESTAMP '2024-02-01 00:00:00'" in clause
    assert f"{name} < TIMESTAMP '2024-03-01 00:00:00'" in clause
    began = report.events["occurred_from"].dt.tz_localize(None)
    wall = pd.Timestamp("2024-01-01 00:30") + pd.to_timedelta(np.arange(3000) * 37, unit="min")
    wanted = (wall >= "2024-02-01") & (wall < "2024-03-01") & (np.arange(3000) % 2 == 1)
    assert began.tolist() == wall[wanted].tolist()


def test_an_aware_moment_is_asked_for_on_the_local_clock():
    with serve(FakeLayer(crimes(300))) as server:
        check(server.url(), start="2024-01-02 00:00+00:00")
        assert "TIMESTAMP '2024-01-02 06:00:00'" in server.queries()[0]["where"]


def test_a_field_of_true_moments_is_asked_for_in_the_clock_of_the_service():
    rows = [{k.replace("dat_sover", "date_start"): v for k, v in r.items()} for r in crimes(300)]
    layer = FakeLayer(rows)
    layer.kinds["date_start"] = "esriFieldTypeDate"
    clock = {"timeZone": "Central Asia Standard Time", "timeZoneIANA": "Asia/Almaty"}
    for about, asked in (
        ({}, "2024-01-01 18:00:00"),
        ({"dateFieldsTimeReference": clock}, "2024-01-02 00:00:00"),
        ({"dateFieldsTimeReference": {"timeZone": "Nowhere"}}, "2023-12-31 18:00:00"),
    ):
        layer.about = about
        with serve(layer) as server:
            check(server.url(), start="2024-01-02")
            assert f"date_start >= TIMESTAMP '{asked}'" in server.queries()[0]["where"]


def test_the_box_of_the_boundary_is_asked_for_and_the_boundary_cut_exactly():
    area = box(76.85, 43.20, 76.90, 43.203)
    with serve(FakeLayer(crimes(2000), limit=300)) as server:
        report = check(server.url(), boundary=area)
        sent = {asked["geometryType"] for asked in server.queries()}
    assert sent == {"esriGeometryEnvelope"}
    assert report.rows < 2000
    assert report.kept == sum(
        76.85 <= r["lon"] <= 76.90 and 43.20 <= r["lat"] <= 43.203 for r in crimes(2000)
    )
    assert any("box of the boundary" in note for note in report.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"where": "  "}, "where='  '; wanted a condition"),
        ({"start": "soon"}, "start='soon' is no moment"),
        ({"start": 20240101}, "start=20240101 is no moment"),
        ({"start": "2024-02-01", "end": "2024-01-01"}, "is not before"),
        ({"start": "2024-01-01 00:00Z", "tz": None}, "needs tz="),
        ({"columns": {"date": "rta_date"}}, "'rta_date', which the source lacks.*'dat_sover'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(options, said):
    with serve(FakeLayer(crimes(30))) as server, pytest.raises(PatrolmapError, match=said):
        check(server.url(), **options)


def test_dates_need_a_field_of_dates():
    rows = [{k: v for k, v in r.items() if k != "dat_sover"} | {"dat_sover_str": "01.02.2024"}
            for r in crimes(30)]  # fmt: skip
    with serve(FakeLayer(rows)) as server, pytest.raises(SchemaError, match="no field known"):
        check(server.url(), start="2024-01-01")


def test_no_row_as_asked_is_an_error_that_repeats_the_question():
    with serve(FakeLayer(crimes(30))) as server, pytest.raises(SchemaError, match=r"no row.*1976"):
        check(server.url(), where="city_code='1976'")


def test_a_question_goes_with_a_service_only(tmp_path):
    with pytest.raises(OptionError, match="where='a=1' goes with the address of a map service"):
        check(pd.DataFrame({"a": [1]}), where="a=1")


def test_a_long_question_is_posted():
    condition = " or ".join(f"objectid = {n}" for n in range(300))
    with serve(FakeLayer(crimes(300))) as server:
        report = check(server.url(), where=condition)
        verbs = [verb for verb, _, _ in server.asked]
    assert verbs == ["GET", "POST", "POST", "POST"]
    assert report.rows == 43


# Nothing lost -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trait",
    [{"shuffled": True}, {"same_page": True}, {"silent": 90}, {"silent": 90, "paging": False},
     {"shuffled": True, "paging": False, "silent": 64}, {"shuffled": True, "silent": 30}],
    ids=str,
)  # fmt: skip
def test_rows_that_a_careless_server_leaves_out_are_fetched_by_id(trait):
    random.seed(5)
    with serve(FakeLayer(crimes(500), limit=200, **trait)) as server:
        source = read_service(server.url(), patience=HASTY)
    assert numbers(source) == list(range(500))


def test_a_row_that_comes_twice_counts_once_and_is_said():
    random.seed(5)
    with serve(FakeLayer(crimes(1000), limit=200, shuffled=True)) as server:
        source = read_service(server.url(), patience=HASTY)
    assert any("came twice" in note for note in source.notes)


def test_rows_listed_and_never_sent_are_an_error():
    layer = FakeLayer(crimes(1000), limit=200, hidden=frozenset({3, 10, 703}))
    for paging in (True, False):
        with (
            serve(replace(layer, paging=paging)) as server,
            pytest.raises(ServiceError, match=r"sent 997 of 1,000 rows .*other 3.*objectid 3\b"),
        ):
            read_service(server.url(), patience=HASTY)


def test_rows_deleted_while_reading_are_said():
    with serve(FakeLayer(crimes(1000), limit=200, dying=[3, 10, 703])) as server:
        source = read_service(server.url(), patience=HASTY)
    assert len(source.table) == 997
    assert "3 rows were deleted from the service while it was read" in source.notes


def test_a_layer_without_object_ids_comes_in_one_page_or_not_at_all():
    about = {"objectIdField": None}
    layer = FakeLayer(crimes(100), about=about)
    layer.kinds["objectid"] = "esriFieldTypeInteger"
    with serve(layer) as server:
        assert len(read_service(server.url(), patience=HASTY).table) == 100
    for change in ({"limit": 60}, {"silent": 60}):
        layer = FakeLayer(crimes(100), about=about, **change)
        layer.kinds["objectid"] = "esriFieldTypeInteger"
        with serve(layer) as server, pytest.raises(ServiceError, match="sends 60 at a time"):
            read_service(server.url(), patience=HASTY)


FLAWS = st.sampled_from(["none", "none", "none", "busy", "later", "truncated", "failed", "reset"])


@given(
    rows=st.integers(1, 40),
    limit=st.integers(1, 25),
    paging=st.booleans(),
    silent=st.integers(0, 9),
    shuffled=st.booleans(),
    faults=st.lists(FLAWS, max_size=30),
)
@settings(max_examples=60, deadline=None)
def test_every_row_comes_once_or_an_error_has_a_name(rows, limit, paging, silent, shuffled, faults):
    layer = FakeLayer(crimes(rows), limit=limit, paging=paging, silent=silent, shuffled=shuffled)
    with serve(layer) as server:
        server.faults.extend(faults)
        try:
            source = read_service(server.url(), patience=replace(HASTY, tries=4))
        except ServiceError as error:
            assert any(fault != "none" for fault in faults)
            assert server.host in str(error)
        else:
            assert numbers(source) == list(range(rows))


# What a server may say: words that mean something, in places where they do not.
WORDS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**20), st.floats(), st.text(max_size=3),
    st.sampled_from(["objectid", "esriFieldTypeOID", "esriFieldTypeDate", "dat_sover", "Table",
                     "esriGeometryPoint", "UTC", "Query"]),
)  # fmt: skip
NAMES = st.sampled_from(
    ["fields", "name", "type", "geometryType", "objectIdField", "maxRecordCount", "capabilities",
     "advancedQueryCapabilities", "supportsPagination", "extent", "spatialReference", "wkid",
     "dateFieldsTimeReference", "timeZone", "layers", "id", "error", "code", "message", "details",
     "count", "objectIds", "features", "attributes", "geometry", "x", "y", "objectid",
     "exceededTransferLimit"]
)  # fmt: skip
SAID = st.recursive(
    WORDS, lambda s: st.lists(s, max_size=3) | st.dictionaries(NAMES, s, max_size=5), max_leaves=12
)
PAGES = st.lists(
    st.fixed_dictionaries(
        {"attributes": st.fixed_dictionaries({"objectid": st.sampled_from([3, 10, 3.0, "3", None]),
                                              "dat_sover": WORDS}),
         "geometry": SAID}
    ) | SAID, max_size=3,
).map(lambda features: {"features": features})  # fmt: skip
FIELDS = [
    {"name": "objectid", "type": "esriFieldTypeOID"},
    {"name": "dat_sover", "type": "esriFieldTypeDate"},
]
PLAIN = {"fields": FIELDS, "geometryType": "esriGeometryPoint", "maxRecordCount": 2}


@given(about=st.dictionaries(NAMES, SAID, max_size=4), said=st.lists(SAID | PAGES, max_size=8))
@settings(max_examples=150, deadline=None)
def test_whatever_a_server_says_is_rows_or_an_error_with_a_name(about, said):
    answers = iter([PLAIN | about, {"count": 2}, {"objectIds": [3, 10]}, *said, *[{}] * 99])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "_sleep", lambda seconds: None)
        patch.setattr(
            transport.Client, "_fetch",
            lambda self, path, params: (200, "OK", {}, json.dumps(next(answers)).encode()),
        )  # fmt: skip
        try:
            source = read_service("https://host/MapServer/1", start="2024-01-01", patience=HASTY)
        except PatrolmapError as error:
            assert "host" in str(error) or "start=" in str(error)
        else:
            assert source.table["objectid"].tolist() == [3, 10]


# Faults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["busy", "later", "truncated", "failed", "reset", "drip"])
@pytest.mark.parametrize("before", range(0, 6, 2))
def test_a_passing_fault_is_waited_out(fault, before, waits):
    hasty = replace(HASTY, answer=0.3)
    with serve(FakeLayer(crimes(500), limit=100)) as server:
        server.faults.extend(["none"] * before + [fault, fault])
        source = read_service(server.url(), patience=hasty)
    assert numbers(source) == list(range(500))
    assert len(waits) == 2
    if fault == "later":
        assert waits == [7, 7]
    else:
        assert 0.25 <= waits[0] < 0.75 and 0.5 <= waits[1] < 1.5


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("busy", r"failed on page 3, from row 201 \(200 of 500 rows had arrived\), 5 tries.*503"),
        ("later", "429"),
        ("truncated", "cut short"),
        ("failed", "error 500: Error performing query operation"),
        ("reset", "IncompleteRead|Protocol"),
        ("drip", "no whole answer within"),
    ],
)
def test_a_lasting_fault_ends_the_reading_and_names_the_page(fault, said):
    with serve(FakeLayer(crimes(500), limit=100)) as server:
        server.faults.extend(["none"] * 5 + [fault] * 99)
        with pytest.raises(ServiceError, match=said):
            read_service(server.url(), patience=replace(HASTY, answer=0.2))
        assert len(server.asked) == 5 + 5


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("html", r"page 3.*with a web page, not data \(Sign in Please sign in to the office"),
        ("denied", f"denies page 3.*403 Forbidden .Forbidden.; no token.*set {transport.TOKEN}"),
        ("much_later", "asks to wait 86,400 s"),
        ("away", r"another server \(localhost.example.test\)"),
        ("deep", "too deep|cut short"),
        ("echo", r"refused page 3.*bad token  in  \[31m request"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_data_is_named_at_once(fault, said):
    with serve(FakeLayer(crimes(500), limit=100)) as server:
        server.faults.extend(["none"] * 5 + [fault] * 9)
        with pytest.raises(ServiceError, match=said) as error:
            read_service(server.url(), patience=HASTY)
    assert "\x1b" not in str(error.value) and "<" not in str(error.value)


def test_a_redirect_on_the_same_host_is_followed_a_few_times():
    with serve(FakeLayer(crimes(50))) as server:
        server.faults.extend(["aside", "none", "aside", "aside", "none"])
        assert len(read_service(server.url(), patience=HASTY).table) == 50
        server.faults.extend(["aside"] * 20)
        with pytest.raises(ServiceError, match="from one address to the next"):
            read_service(server.url(), patience=HASTY)


def test_failures_are_counted_over_all_of_a_reading():
    with serve(FakeLayer(crimes(500), limit=10)) as server:
        server.faults.extend(["busy", "none"] * 50)
        with pytest.raises(ServiceError, match="7 tries in all"):
            read_service(server.url(), patience=replace(HASTY, failures=7))


def test_a_reading_ends_in_time():
    with serve(FakeLayer(crimes(500), limit=100)) as server:
        server.faults.extend(["none"] * 4 + ["later"] * 9)
        with pytest.raises(ServiceError, match=r"within 5 s; it stood at page 2"):
            read_service(server.url(), patience=replace(HASTY, total=5))


def test_an_answer_of_any_size_is_not_swallowed():
    with (
        serve(FakeLayer(crimes(500))) as server,
        pytest.raises(ServiceError, match="sends more than 20,000 bytes"),
    ):
        read_service(server.url(), patience=replace(HASTY, largest=20_000))


def test_nobody_at_the_address_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServiceError, match=rf"127.0.0.1:{port} failed on the desc.*refused"):
        read_service(f"http://127.0.0.1:{port}/x/MapServer/1", patience=HASTY)


def test_a_field_announced_and_not_sent_is_named():
    with (
        serve(FakeLayer(crimes(50), dropped="stat")) as server,
        pytest.raises(ServiceError, match=r"announces the field 'stat'.*it sends 'objectid'"),
    ):
        check(server.url())


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"layers": [{"id": 0, "name": "areas"}, {"id": 5, "name": "crimes"}]}, "'5 crimes'"),
        ({"type": "Group Layer", "name": "all"}, "'all', group layer, which has no fields"),
        ({"type": "Raster Layer"}, "raster layer"),
        ({"fields": [], "geometryType": "esriGeometryPolygon", "name": "a"}, "'a', polygon, not p"),
        ({"fields": [{"name": "a"}], "type": "Table"}, "a table without points"),
        ({"fields": [], "geometryType": "esriGeometryPoint", "capabilities": "Map"}, "queried"),
        ({"hello": 1}, "no layer of a map service"),
        ([1], "JSON list"),
    ],
    ids=str,
)
def test_what_is_no_layer_of_points_is_named(about, said):
    with serve({NEW: about}) as server, pytest.raises(ServiceError, match=said):
        check(server.url())


def test_a_missing_service_is_named():
    with serve({}) as server, pytest.raises(ServiceError, match=r"404 Not Found.*right address"):
        check(server.url())


# Addresses, tokens, proxies ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://", "https:///MapServer/1", "http://[::1/x", "http://host:port/MapServer/1",
     "https://ivan:s3cret@host/MapServer/1", "https://host/MapServer/1?token=s3cret",
     "https://host/MapServer/1/query?where=s3cret", "https://host/a b", "https://host/x#s3cret"],
)  # fmt: skip
def test_an_unfit_address_is_refused_and_not_repeated(url):
    with pytest.raises(OptionError) as error:
        check(url)
    assert "s3cret" not in str(error.value) and "ivan" not in str(error.value)


def test_what_a_browser_adds_to_an_address_is_dropped():
    plain = "https://host/arcgis/rest/services/a/MapServer/5"
    for more in ("", "/", "?f=json", "/?f=pjson", "/query", "/query/"):
        assert check_url(f" {plain}{more} ") == plain


def test_a_path_never_goes_online(tmp_path):
    from pathlib import Path

    with pytest.raises(OptionError, match="pass it as text"):
        check(Path("https://host/MapServer/5"))


@pytest.mark.parametrize("url", ["ftp://ivan:s3cret@host/a.csv", "file:///etc/passwd"])
def test_other_kinds_of_addresses_are_refused(url):
    with pytest.raises(OptionError, match=r"starts with .f.*wanted a path") as error:
        check(url)
    assert "s3cret" not in str(error.value)


def test_a_token_is_sent_and_never_shown(monkeypatch, caplog):
    secret = "s3cret+token/"
    monkeypatch.setenv(transport.TOKEN, secret)
    caplog.set_level(logging.DEBUG)
    with serve(FakeLayer(crimes(300), limit=100), token=secret) as server:
        report = check(server.url())
        assert report.kept == 300
        assert all(verb == "POST" and asked["token"] == secret for verb, _, asked in server.asked)
        assert not any("token" in path for _, path, _ in server.asked)
        server.faults.extend(["none", "busy", "echo"])
        with pytest.raises(ServiceError, match=r"bad token \*\*\* in") as error:
            check(server.url())
    told = [str(error.value), repr(error.value.__cause__), report.summary(), caplog.text]
    assert caplog.text
    assert not any("s3cret" in text for text in told)


def test_a_service_that_wants_a_token_says_how_to_give_one(monkeypatch):
    with serve(FakeLayer(crimes(3)), token="x") as server:
        with pytest.raises(ServiceError, match=rf"499: Token Required.*set {transport.TOKEN}"):
            check(server.url())
        monkeypatch.setenv(transport.TOKEN, "x")
        monkeypatch.setenv(transport.TOKEN_HOST, "gis.example.kz")
        with pytest.raises(ServiceError, match=f"kept back: {transport.TOKEN_HOST} names another"):
            check(server.url())
        assert not any("token" in asked for _, _, asked in server.asked)
        monkeypatch.setenv(transport.TOKEN_HOST, "127.0.0.1")
        assert check(server.url()).kept == 3


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv(transport.TOKEN, "s3cret")  # http: it would be shown to the proxy
    with serve(FakeLayer(crimes(300), limit=100)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        report = check(f"http://gis.example.test{NEW}")
        paths = [path for _, path, _ in proxy.asked]
        assert not any("token" in asked for _, _, asked in proxy.asked)
    assert report.kept == 300
    assert all(path.startswith("http://gis.example.test/") for path in paths)
    assert any("kept back" in note for note in report.notes)


def test_the_clock_by_which_dates_are_asked_for_is_said():
    with serve(FakeLayer(crimes(30))) as server:
        source = read_service(server.url(), start="2024-01-01", tz=ZoneInfo(ALMATY), patience=HASTY)
    assert "start= and end= by 'dat_sover', in the local clock" in source.notes
