"""Databases as offices run them: read only, no secrets told, every failure with a name."""

import logging
import socket
import sys
import time
import tracemalloc
from collections.abc import Iterator

import pytest

import postgres
from patrolmap.errors import OptionError, PatrolmapError, SchemaError, ServiceError
from patrolmap.events import check_events, read_events

pytestmark = [
    pytest.mark.postgis,
    pytest.mark.skipif(postgres.missing() is not None, reason=str(postgres.missing())),
]
TABLE = """
CREATE EXTENSION IF NOT EXISTS postgis;
CREATE TABLE crimes (
    id integer PRIMARY KEY, happened timestamptz, day date, stat text, suspect text,
    lon double precision, lat double precision, geom geometry(Point, 32643), other geometry
);
INSERT INTO crimes
SELECT n, timestamptz '2024-05-01 12:30+06' + n * interval '37 hours', date '2024-05-01' + n,
       'ст.188 ч.' || (1 + n % 3), 'Иванов, "Ваня"' || chr(10) || n,
       76.90 + (n % 5) / 500.0, 43.25 + (n / 5) / 500.0,
       ST_Transform(ST_SetSRID(ST_MakePoint(76.90 + (n % 5) / 500.0, 43.25 + (n / 5) / 500.0),
                               4326), 32643), NULL
FROM generate_series(0, 24) AS n;
CREATE FUNCTION tell(who text) RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the suspect is %', who; END $$;
CREATE FUNCTION spoil() RETURNS int LANGUAGE plpgsql AS
    $$ BEGIN DELETE FROM crimes; RETURN 1; END $$;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    import psycopg

    with postgres.running() as found:
        with psycopg.connect(found.url(password=found.password), autocommit=True) as connection:
            connection.execute(TABLE.encode())
        yield found


@pytest.fixture
def url(server, monkeypatch) -> str:
    monkeypatch.setenv("PGPASSWORD", server.password)
    return server.url()


def check(url, query, **options):
    return check_events(url, query=query, kind="crime", tz="Asia/Almaty", **options)


def count(server) -> int:
    import psycopg

    with psycopg.connect(server.url(password=server.password)) as connection:
        return connection.execute(b"SELECT count(*) FROM crimes").fetchone()[0]


def test_geometry_comes_with_its_system_and_times_with_their_zone(url):
    report = check(url, "SELECT id, happened AS occurred_from, stat, geom FROM crimes ORDER BY id;")
    assert (report.rows, report.kept) == (25, 25)
    assert report.source == "maps at 127.0.0.1"
    assert report.events.index[3] == "crime:3"
    assert str(report.events["occurred_from"].iloc[0]) == "2024-05-01 11:30:00+05:00"
    assert (report.events["time_precision"] == "minute").all()
    assert report.events["article"].iloc[0] == "188-1"
    place = report.events.geometry.to_crs(4326).iloc[7]
    assert (place.x, place.y) == pytest.approx((76.904, 43.252), abs=1e-7)
    assert any("geometry from 'geom'" in note for note in report.notes)
    assert any("EPSG:32643 (as it states)" in note for note in report.notes)


def test_a_table_without_geometry_reads_by_its_columns(url):
    report = check(url, "-- by day\nWITH c AS (TABLE crimes) SELECT id, day AS date, stat, lon, "
                        "lat FROM c -- all of them")  # fmt: skip
    assert report.kept == 25
    assert (report.events["time_precision"] == "day").all()


def test_a_geography_and_a_null_geometry_read(url):
    report = check(url, "SELECT id, day AS date, CASE WHEN id <> 4 THEN "
                        "ST_Transform(geom, 4326)::geography END AS geom FROM crimes")  # fmt: skip
    assert dict(report.dropped) == {"no geometry": 1}
    assert any("EPSG:4326 (as it states)" in note for note in report.notes)


def test_names_and_free_text_do_not_come_along_even_where_the_query_asks_for_them(url):
    report = check(url, "SELECT id, happened AS occurred_from, suspect, geom FROM crimes")
    assert report.kept == 25
    assert "Иванов" not in report.events.to_csv() + report.summary()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (None, "wants query="),
        ("  ", "wants query="),
        ("DELETE FROM crimes", "starts with 'DELETE FROM crimes'; wanted one SELECT"),
        ("/* x */ drop table crimes", "starts with 'drop table crimes'"),
        ("SELECT 1; DROP TABLE crimes", r"refused \(42601\)"),
        ("SELECT 1; COMMIT; DROP TABLE crimes", r"refused \(42601\)"),
        ("SELECT 1) AS a; COMMIT; DROP TABLE crimes; SELECT * FROM (SELECT 1", r"\(42601\)"),
        ("SELECT 1) TO STDOUT; COMMIT; DROP TABLE crimes; COPY (SELECT 1", r"\(42601\)"),
        ("WITH gone AS (DELETE FROM crimes RETURNING *) SELECT * FROM gone", r"\(0A000\)"),
        (
            "SELECT set_config('transaction_read_only', 'off', false), spoil()",
            "is refused|change it",
        ),
        ("SELECT spoil() AS id, day, geom FROM crimes", "would change it"),
        ("SELECT * FROM crime", 'relation "crime" does not exist'),
        ("SELECT idd FROM crimes", 'column "idd" does not exist at letter'),
        ("SELECT FROM crimes", "no columns"),
        ("SELECT $1", r"\(08P01\): bind message"),
    ],
)
def test_a_query_that_does_more_than_read_or_is_wrong_is_refused(server, url, query, words):
    with pytest.raises(OptionError, match=words):
        check(url, query)
    assert count(server) == 25


def test_two_columns_of_geometry_are_asked_about(url):
    with pytest.raises(SchemaError, match=r"2 columns of geometry: 'geom', 'other'; select one"):
        check(url, "SELECT id, day, geom, other FROM crimes")


def test_geometries_of_several_systems_are_an_error(url):
    with pytest.raises(SchemaError, match=r"2 systems, SRID 4326, 32643; bring them into one"):
        check(url, "SELECT id, day, CASE WHEN id > 3 THEN geom::geometry ELSE "
                   "ST_Transform(geom, 4326) END AS geom FROM crimes")  # fmt: skip


def test_a_query_without_rows_is_an_error(url):
    with pytest.raises(PatrolmapError, match="has no rows to answer with"):
        check(url, "SELECT id, day, geom FROM crimes WHERE false")


@pytest.mark.parametrize(
    "query",
    ["SELECT suspect::int AS id, geom FROM crimes", "SELECT tell(suspect), geom FROM crimes"],
)
def test_errors_do_not_tell_what_rows_hold(url, query):
    with pytest.raises(OptionError) as caught:
        check(url, query)
    assert "Иванов" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None


def test_a_query_that_takes_too_long_is_stopped(url):
    slow = url + "?options=-c%20statement_timeout%3D200"
    with pytest.raises(ServiceError, match=r"took too long and was stopped.*statement timeout"):
        check(slow, "SELECT pg_sleep(20)")


def test_a_server_that_is_not_there_is_told_within_ten_seconds():
    with socket.socket() as listener:  # takes calls, never answers
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        silent = listener.getsockname()[1]
        for port in (silent, 1):
            began = time.monotonic()
            with pytest.raises(ServiceError, match=r"maps at 127.0.0.1 cannot be reached"):
                check(f"postgresql://anna@127.0.0.1:{port}/maps", "SELECT 1")
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("secret", ["s3cret-pass", "p%40ss%2Fw%25rd"])
def test_a_password_is_never_told(server, secret, monkeypatch, caplog):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    caplog.set_level(logging.DEBUG)
    plain = secret.replace("%40", "@").replace("%2F", "/").replace("%25", "%")
    faults = [
        server.url(password=secret),
        server.url(password=secret, query="?sslmode=require"),
        server.url(password=secret, query="?nonsense=1"),
        f"postgresql://anna:{secret}@127.0.0.1:port/maps",
        f"postgresql://anna:{secret}@[::1/maps",
        f"postgres+psycopg://anna:{secret}@127.0.0.1:1/maps",
        f"postgresq://anna:{secret}@127.0.0.1:1/maps",
        f"postgresql://127.0.0.1:{server.port}/maps?user=anna&password={secret}",
    ]
    for url in faults:
        with pytest.raises(PatrolmapError) as caught:
            check_events(url, query="SELECT 1", kind="crime", tz="Asia/Almaty")
        error = caught.value
        while error is not None:
            assert plain not in str(error) and secret not in str(error)
            error = error.__cause__ or error.__context__
    assert plain not in caplog.text and secret not in caplog.text


def test_the_password_may_stand_in_the_address_or_in_a_file(server, tmp_path, monkeypatch):
    query = "SELECT id, day AS date, geom FROM crimes"
    report = check(server.url(password=server.password), query)
    assert report.kept == 25
    assert server.password not in report.summary() + repr(report)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    keys = tmp_path / "pgpass"
    keys.write_text(f"127.0.0.1:{server.port}:maps:{server.user}:{server.password}\n")
    keys.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(keys))
    assert len(read_events(server.url(), query=query, kind="crime", tz="Asia/Almaty")) == 25


def test_a_query_needs_a_database_and_a_database_has_no_layers(url, tmp_path):
    with pytest.raises(OptionError, match=r"query='SELECT 1' goes with the address of a database"):
        check(tmp_path / "a.csv", "SELECT 1")
    with pytest.raises(OptionError, match=r"layer='x' goes with a file of layers"):
        check(url, "SELECT 1", layer="x")


def test_a_missing_driver_is_told_with_what_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OptionError, match=r"pip install 'patrolmap\[postgis\]'"):
        check("postgresql://127.0.0.1:1/maps", "SELECT 1")


def test_rows_are_streamed_not_gathered(url):
    """What Python holds at once stays far below what the server sends."""
    query = ("SELECT n AS id, timestamptz '2020-01-01' + n * interval '1 minute' AS occurred_from, "
             "repeat('x', 400) AS stat, 76.9 + (n % 1000) / 1e4 AS lon, 43.25 AS lat "
             "FROM generate_series(1, 100000) AS n")  # fmt: skip
    tracemalloc.start()
    report = check(url, query)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.kept == 100_000
    assert peak < 80e6  # 45 MB are sent
