"""Addresses of PostgreSQL databases: how to connect, and no message that shows a password."""

import re
from typing import TYPE_CHECKING, Any

from patrolmap.errors import OptionError, ServiceError

if TYPE_CHECKING:
    import psycopg

_ADDRESS = re.compile(r"\s*postgres(ql)?(\+\w+)?://")
# How long to wait; the address may say otherwise (?connect_timeout=...).
_PATIENCE = {
    "connect_timeout": 4, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
    "application_name": "patrolmap",
}  # fmt: skip


def is_database(source: Any) -> bool:
    """Tell whether a text is the address of a PostgreSQL database.

    Examples
    --------
    >>> is_database("postgresql://host/maps"), is_database("maps.csv")
    (True, False)
    """
    return isinstance(source, str) and _ADDRESS.match(source) is not None


def connect(url: str, *, doing: str) -> tuple["psycopg.Connection[Any]", dict[str, Any]]:
    """Connect to a database; return the connection, and what its address says.

    Parameters
    ----------
    url
        postgresql://user@host:port/database; a password stands in it, in PGPASSWORD or in
        ~/.pgpass.
    doing
        What the connection is for, to say in a message: "reading from", "writing to".

    Raises
    ------
    OptionError
        If psycopg is not installed, or the address is none.
    ServiceError
        If the server cannot be reached, or refuses.
    """
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise OptionError(
            f"{doing} a database needs psycopg: pip install 'patrolmap[postgis]'."
        ) from error
    given: dict[str, Any] | None = None
    if is_database(url):
        try:
            given = conninfo_to_dict(_ADDRESS.sub("postgresql://", url, count=1))
        except psycopg.Error:  # what libpq says of it would show the password
            given = None
    if given is None:
        raise OptionError(
            "the address of the database cannot be read; wanted "
            "postgresql://user@host:5432/database, with special letters as %40 and the like."
        )
    params: dict[str, Any] = {**_PATIENCE, **given, "client_encoding": "utf-8"}
    fault = None
    try:
        connection = psycopg.connect(**params)
    except psycopg.Error as error:
        fault = without_secrets(given, error)
    if fault is not None:  # outside of `except`, which would carry the address along
        raise ServiceError(
            f"{database_name(given)} cannot be reached: {fault}. Check host, port, user and "
            "password (PGPASSWORD or ~/.pgpass)."
        )
    return connection, given


def database_name(given: dict[str, Any]) -> str:
    """Name a database by what its address says.

    Examples
    --------
    >>> database_name({"dbname": "maps", "host": "db.example.kz"})
    'maps at db.example.kz'
    """
    return f"{given.get('dbname') or 'the database'} at {given.get('host') or 'this machine'}"


def without_secrets(given: dict[str, Any], error: Exception) -> str:
    """Return the beginning of an error in one line, without the passwords of an address.

    Examples
    --------
    >>> without_secrets({"password": "hush"}, ValueError("user a\\npassword hush refused."))
    'user a password *** refused'
    """
    text = " ".join(str(error).split())
    for key in ("password", "sslpassword"):
        if given.get(key):
            text = text.replace(str(given[key]), "***")
    return text[:200].rstrip(". ")
