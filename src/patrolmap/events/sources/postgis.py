"""Rows that a query of a PostgreSQL database answers with: read only, streamed, no secrets told."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError

from patrolmap._database import connect, database_name
from patrolmap.errors import (
    OptionError,
    PatrolmapError,
    SchemaError,
    ServiceError,
    SourceFormatError,
)
from patrolmap.events._columns import listing
from patrolmap.events._text import short
from patrolmap.events.sources.delimited import parse_cells
from patrolmap.events.sources.encoding import Encoding, Utf8Stream
from patrolmap.events.sources.header import unique
from patrolmap.events.sources.source import Source

if TYPE_CHECKING:
    import psycopg

# How long a query may take; the address may say otherwise (?options=...).
MILLISECONDS = 10 * 60 * 1000
# Set in the transaction, not on connecting: a pool of connections refuses options.
SETTINGS = "SET LOCAL DateStyle = ISO; SET LOCAL TimeZone = UTC"
SHAPES = ("geometry", "geography")
PIECE = 100_000  # geometries turned at a time

# Errors whose message tells of the query, the server or the rights, never of what a row holds.
TOLD = re.compile("42...|25006|3[DF]000|28...|53...|57...|0A000|08P01")
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def check_address(url: str) -> None:
    """Raise if the address of a database carries a password, for where addresses are kept.

    Raises
    ------
    OptionError
        Without showing the address.

    Examples
    --------
    >>> check_address("postgresql://analyst@db.example.kz/maps")
    >>> check_address("postgresql://analyst:12345@db.example.kz/maps")
    Traceback (most recent call last):
    patrolmap.errors.OptionError: the address of the database carries a password; ...
    """
    plain, _, options = url.partition("?")
    keys = [key.lower() for key, _ in parse_qsl(options, keep_blank_values=True)]
    if re.search("//[^@]*:[^@]*@", plain) or {"password", "sslpassword"} & set(keys):
        raise OptionError(
            "the address of the database carries a password; leave it out, and put it into the "
            "environment variable PGPASSWORD or into ~/.pgpass."
        )


def read_database(url: str, query: str | None) -> Source:
    """Read what a query answers with; a column of PostGIS geometry gives the places.

    The transaction is read only. A password stands in the address, in PGPASSWORD or in ~/.pgpass;
    no message shows it.

    Parameters
    ----------
    url
        postgresql://user@host:port/database
    query
        One SELECT, WITH, TABLE or VALUES.

    Raises
    ------
    OptionError
        If psycopg is not installed, the address is none, or the query is missing, none that
        reads, several, or wrong.
    ServiceError
        If the server cannot be reached, refuses, or breaks off.
    SourceFormatError, SchemaError
        If no row answers, or geometry is not to be told.
    """
    statement = check_query(query)
    with _connected(url) as (connection, name, limited):
        settings = (
            SETTINGS if limited else f"{SETTINGS}; SET LOCAL statement_timeout = {MILLISECONDS}"
        )
        found = _ask(connection, settings, statement, name)
    if isinstance(found, Exception):
        raise found  # here, so that no error that quotes a row hangs on it
    return found


def _ask(connection: Any, settings: str, statement: str, name: str) -> Source | PatrolmapError:
    """Return the rows that a query answers with, or the error to raise."""
    import psycopg

    try:
        connection.execute(settings.encode())
        columns, kinds = _describe(connection, statement)
        if not columns:
            return OptionError(f"the query of {name} answers with no columns.")
        with connection.cursor() as cursor:
            copy = f"COPY (\n{statement}\n) TO STDOUT (FORMAT csv, NULL '\\N')"
            with cursor.copy(copy.encode()) as rows:
                stream = Utf8Stream(cast(BinaryIO, _Rows(rows)), Encoding(codec="utf-8"))
                table, _, _ = parse_cells(stream, unique(columns), ",", name, null=r"\N")
        if len(table) == 0:
            return SourceFormatError(f"the query of {name} has no rows to answer with.")
        shaped = [c for c, kind in zip(table.columns, kinds, strict=True) if kind]
        shapes = _shapes(table, shaped, name) if shaped else None
        crs = None if shapes is None else _crs(connection, shapes, name)
    except psycopg.Error as error:
        return _explain(error, name)
    return Source(
        table=table.drop(columns=shaped), rows=np.arange(1, len(table) + 1, dtype=np.int64),
        name=name, geometry=shapes, crs=crs,
        notes=("rows of a query, read only", *(f"geometry from {c!r}" for c in shaped)),
    )  # fmt: skip


def check_query(query: str | None) -> str:
    """Return a query without what ends it.

    Raises
    ------
    OptionError
        If it is missing, or does not begin as one that reads.

    Examples
    --------
    >>> check_query("select * from crimes; ")
    'select * from crimes'
    """
    if not isinstance(query, str) or not query.strip():
        raise OptionError(
            "a database wants query=, e.g. query='SELECT id, happened, article, geom FROM crimes'."
        )
    bare = _COMMENTS.sub(" ", query).strip()
    if not re.match(r"\(*\s*(select|with|table|values)\b", bare, re.IGNORECASE):
        raise OptionError(
            f"query starts with {short(bare, most=20)!r}; wanted one SELECT (or WITH): "
            "nothing but reading is done."
        )
    return query.strip().rstrip("; \n\t\r")


class _Rows(RawIOBase):
    """The rows of a COPY as a file."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._rows = iter(rows)

    def read(self, size: int = -1) -> bytes:
        parts, length = [], 0
        for row in self._rows:
            parts.append(row)
            length += len(row)
            if 0 <= size <= length:
                break
        return b"".join(parts)


@contextmanager
def _connected(url: str) -> Iterator[tuple["psycopg.Connection[Any]", str, bool]]:
    """Connect, read only; yield the connection, the database's name, whether it states a limit."""
    connection, given = connect(url, doing="reading from")
    try:
        connection.read_only = True
        yield connection, database_name(given), "statement_timeout" in str(given.get("options"))
    finally:
        connection.close()


def _explain(error: "psycopg.Error", name: str) -> PatrolmapError:
    """Turn an error of the server into ours; what rows hold is not told."""
    state = error.sqlstate or ""
    said = error.diag.message_primary if TOLD.fullmatch(state) else None
    what = short(said or type(error).__name__, most=160)
    if state == "25006":
        return OptionError(f"the query of {name} would change it; only reading is done.")
    if state == "57014":
        return ServiceError(
            f"the query of {name} took too long and was stopped: {what}. Narrow it, or allow more "
            "with ?options=-c%20statement_timeout%3D1h in the address."
        )
    if state == "08P01" or (state and state[:2] not in ("08", "53", "57", "58", "XX")):
        where = f" at letter {p}" if (p := error.diag.statement_position) else ""
        return OptionError(f"the query of {name} is refused ({state}): {what}{where}.")
    return ServiceError(f"{name} broke off while reading: {what}. Try again later.")


def _describe(connection: Any, statement: str) -> tuple[list[str], list[str | None]]:
    """Return the columns of a query, and which are geometry, without running it.

    A prepared statement is one statement: what follows a semicolon is refused here.
    """
    found = connection.execute(
        b"SELECT oid, typname FROM pg_type WHERE typname = ANY(%s)", [list(SHAPES)]
    )
    shapes = dict(found.fetchall())
    probe = f"SELECT * FROM (\n{statement}\n) AS patrolmap_probe LIMIT 0"  # noqa: S608 (the user's own query)
    with connection.cursor() as cursor:
        cursor.execute(probe.encode(), prepare=True)
        described = cursor.description or []
    return [c.name for c in described], [shapes.get(c.type_code) for c in described]


def _shapes(table: pd.DataFrame, shaped: list[str], name: str) -> Any:
    """Return the geometry of each row; what is none is missing."""
    if len(shaped) > 1:
        raise SchemaError(
            f"the query of {name} has {len(shaped)} columns of geometry: {listing(shaped)}; "
            "select one."
        )
    cells = table[shaped[0]]
    out = np.full(len(cells), None, dtype=object)
    for start in range(0, len(cells), PIECE):
        piece = cells.iloc[start : start + PIECE].to_numpy(dtype=object, na_value=None)
        out[start : start + PIECE] = shapely.from_wkb(piece, on_invalid="ignore")
    return out


def _crs(connection: Any, shapes: Any, name: str) -> CRS | None:
    """Return the CRS that the geometries state by their SRID."""
    srids = np.unique(shapely.get_srid(shapes[~shapely.is_missing(shapes)]))
    if len(srids) > 1:
        raise SchemaError(
            f"the geometries of {name} are in {len(srids)} systems, SRID "
            f"{', '.join(map(str, srids[:5].tolist()))}; bring them into one with "
            "ST_Transform(geom, 4326) in the query."
        )
    if len(srids) == 0 or int(srids[0]) <= 0:
        return None
    found = connection.execute(
        b"SELECT auth_name, auth_srid, srtext FROM spatial_ref_sys WHERE srid = %s",
        [int(srids[0])],
    ).fetchone()
    for given in (found and f"{found[0]}:{found[1]}", found and found[2], int(srids[0])):
        try:
            return CRS.from_user_input(given)
        except ProjError:
            continue
    return None
