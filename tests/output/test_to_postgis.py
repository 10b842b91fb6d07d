"""A plan's tables in a database: all or none, typed, and no secret told."""

from dataclasses import replace

import pytest

import patrolmap as pm
import postgres
from patrolmap.errors import OptionError, ServiceError


@pytest.fixture(scope="module")
def server():
    import psycopg

    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.running() as found:
        with psycopg.connect(found.url(password=found.password), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        yield found


def ask(server, query):
    import psycopg

    with psycopg.connect(server.url(password=server.password)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.postgis
def test_tables_arrive_typed_and_placed(case, server):
    url = server.url(password=server.password)
    written = pm.write_postgis(case.plan, url, schema="night")
    assert written == [f"night.{n}" for n in ("routes", "visits", "segments", "stops", "unserved")]
    rows = ask(server, "SELECT route_id, step, arrive, length, ST_Length(geometry), "
                       "ST_SRID(geometry) FROM night.visits ORDER BY route_id, step")  # fmt: skip
    assert [row[:2] for row in rows] == case.plan.visits.index.tolist()
    assert [row[2] for row in rows] == case.plan.visits["arrive"].tolist()
    assert [row[4] for row in rows] == pytest.approx([row[3] for row in rows])
    assert {row[5] for row in rows} == {case.town.crs.to_epsg()}
    ((count,),) = ask(server, "SELECT count(*) FROM night.segments WHERE walk AND name_kk IS NULL")
    assert count == len(case.plan.segments)


@pytest.mark.postgis
def test_what_is_there_stays_unless_it_is_to_be_replaced(case, server):
    url = server.url(password=server.password)
    pm.write_postgis(case.plan, url, schema="kept")
    fewer = replace(case.plan, unserved=case.plan.unserved.iloc[:1])
    with pytest.raises(OptionError, match=r'refuses.*"routes" already exists'):
        pm.write_postgis(fewer, url, schema="kept")
    count = "SELECT count(*) FROM kept.unserved"
    assert ask(server, count) == [(len(case.plan.unserved),)]
    pm.write_postgis(fewer, url, schema="kept", replace=True)
    assert ask(server, count) == [(1,)]


@pytest.mark.postgis
def test_hostile_names_are_names_and_hostile_text_is_text(case, server):
    bad = 'x"; DROP SCHEMA public CASCADE; --'
    stops = case.plan.stops.assign(name="'); DROP TABLE x; --\x00\t\\N")
    routes = case.plan.routes.assign(**{bad: "\\."})
    plan = replace(case.plan, stops=stops, routes=routes)
    pm.write_postgis(plan, server.url(password=server.password), schema=bad)
    quoted = '"x""; DROP SCHEMA public CASCADE; --"'
    assert ask(server, f"SELECT name FROM {quoted}.stops") == [("'); DROP TABLE x; --\t\\N",)]
    assert ask(server, f"SELECT {quoted} FROM {quoted}.routes")[0] == ("\\.",)


@pytest.mark.postgis
def test_a_wrong_password_is_not_told(case, server):
    with pytest.raises(ServiceError) as caught:
        pm.write_postgis(case.plan, server.url(password="hunter2-wrong"))
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("url", ["plan.gpkg", "postgresql://u:hunter2@h:port:/x y=%%", None])
def test_an_address_that_is_none_is_refused_without_being_shown(case, url):
    pytest.importorskip("psycopg")
    with pytest.raises(OptionError, match="cannot be read") as caught:
        pm.write_postgis(case.plan, url)
    assert "hunter2" not in str(caught.value)


def test_nobody_there_is_told(case):
    pytest.importorskip("psycopg")
    with pytest.raises(ServiceError, match="cannot be reached"):
        pm.write_postgis(case.plan, "postgresql://u:hunter2@127.0.0.1:1/maps")
    with pytest.raises(OptionError, match="wanted a name"):
        pm.write_postgis(case.plan, "postgresql://u@127.0.0.1:1/maps", schema="")
