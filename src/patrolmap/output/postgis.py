"""A plan's tables in a PostGIS database, all in one transaction."""

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from patrolmap._database import connect, without_secrets
from patrolmap.errors import OptionError
from patrolmap.output.tables import placed_tables
from patrolmap.patrol.plan import Plan
from patrolmap.schema import require_type

_TYPES = {"b": "boolean", "i": "bigint", "u": "bigint", "f": "double precision"}


def write_postgis(
    plan: Plan, url: str, *, schema: str = "patrolmap", replace: bool = False
) -> list[str]:
    """Write the tables of a plan into a PostGIS database: all of them, or none.

    The tables are routes, visits, segments, stops and unserved, each with a geometry in the plan's
    CRS, times with their zone, and an index on places. They are for official use only: see to it
    who may read the schema.

    Parameters
    ----------
    plan
        Any plan whose CRS has an EPSG code.
    url
        `postgresql://user@host:5432/database`; the password comes from PGPASSWORD or ~/.pgpass.
        No message shows it where it is in the address all the same.
    schema
        Where the tables go; made if it is missing.
    replace
        Whether tables of these names that are there already are dropped first.

    Returns
    -------
    list of str
        The tables written, as schema.table.

    Raises
    ------
    OptionError
        If psycopg is not installed, the address cannot be read, the CRS has no EPSG code, tables
        are there and `replace` is False, or the database refuses them.
    ServiceError
        If the database cannot be reached.
    """
    require_type(plan, Plan, name="plan")
    code = plan.segments.crs.to_epsg()
    if code is None:
        raise OptionError("the plan's CRS has no EPSG code, which PostGIS wants; project it first.")
    if not schema or len(schema.encode()) > 63:
        raise OptionError(f"schema={schema!r}; wanted a name of 1 to 63 bytes.")
    connection, given = connect(url, doing="writing to")
    import psycopg

    fault: str | None = None
    with connection:
        try:
            with connection.transaction():
                written = _write_all(connection, placed_tables(plan), schema, code, replace)
        except psycopg.Error as error:
            fault = without_secrets(given, error)
    if fault is not None:
        raise OptionError(f"the database refuses the plan's tables: {fault}.")
    return written


def _write_all(
    connection: Any, tables: dict[str, gpd.GeoDataFrame], schema: str, code: int, replace: bool
) -> list[str]:
    from psycopg.sql import SQL, Identifier

    connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(schema)))
    written = []
    for name, table in tables.items():
        place = Identifier(schema, name)
        if replace:
            connection.execute(SQL("DROP TABLE IF EXISTS {}").format(place))
        _write_one(connection, place, table, code)
        connection.execute(SQL("CREATE INDEX ON {} USING gist (geometry)").format(place))
        written.append(f"{schema}.{name}")
    return written


def _write_one(connection: Any, place: Any, table: gpd.GeoDataFrame, code: int) -> None:
    """Create one table and copy its rows; names are quoted, values never part of a statement."""
    from psycopg.sql import SQL, Identifier

    columns = [
        SQL("{} {}").format(Identifier(str(name)), SQL(_type_of(table[name], code)))
        for name in table.columns
    ]
    connection.execute(SQL("CREATE TABLE {} ({})").format(place, SQL(", ").join(columns)))
    values = pd.DataFrame(table).assign(
        geometry=shapely.to_wkb(shapely.set_srid(table.geometry.to_numpy(), code), hex=True,
                                include_srid=True)
    )  # fmt: skip
    rows = values.astype("object").where(values.notna(), None)
    with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(place)) as copy:
        for row in rows.itertuples(index=False, name=None):
            copy.write_row([_plain(cell) for cell in row])


def _type_of(column: pd.Series, code: int) -> str:
    if column.name == "geometry":
        return f"geometry(Geometry, {code})"
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return "timestamptz"
    return _TYPES.get(column.dtype.kind, "text")


def _plain(cell: Any) -> Any:
    """Return what psycopg writes; a text has no NUL there."""
    if isinstance(cell, pd.Timestamp):
        return cell.to_pydatetime()
    return cell.replace("\x00", "") if isinstance(cell, str) else cell
