"""A PostgreSQL server with PostGIS on loopback, made for the tests and gone after them."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path("/usr/lib/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")
OWNER = "postgres"  # the server refuses to run as root


@dataclass(frozen=True)
class Server:
    """Where the server listens, and who may ask it."""

    port: int
    folder: Path
    user: str
    password: str

    def url(self, *, password: str | None = None, query: str = "") -> str:
        """Return the address; without a password it is to come from elsewhere."""
        secret = f":{password}" if password else ""
        return f"postgresql://{self.user}{secret}@127.0.0.1:{self.port}/maps{query}"


def missing() -> str | None:
    """Say what the tests of databases lack on this machine."""
    if _programs() is None:
        return f"PostgreSQL is absent: no {PROGRAMS}/*/bin/initdb"
    if not list(EXTENSIONS.glob("*/extension/postgis.control")):
        return f"PostGIS is absent: no {EXTENSIONS}/*/extension/postgis.control"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "setpriv is absent: PostgreSQL does not run as root"
    return None


@contextmanager
def running() -> Iterator[Server]:
    """Start a server with an empty database `maps`; stop it and remove all that it wrote."""
    programs = _programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="patrolmap-postgres-"))
    data, key = folder / "data", folder / "key"
    password = secrets.token_hex(12)
    key.write_text(password)
    if os.geteuid() == 0:
        for path in (folder, key):
            shutil.chown(path, OWNER, OWNER)
    started = False
    try:
        _run(programs / "initdb", "-D", data, "-U", OWNER, "--auth-local=trust", "-E", "UTF8",
             "--auth-host=scram-sha-256", "--pwfile", key, "--no-locale", "--no-sync")  # fmt: skip
        port = _free_port()
        options = (
            f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} "
            "-c fsync=off -c shared_buffers=32MB -c max_connections=20"
        )
        _run(programs / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", options,
             "start")  # fmt: skip
        started = True
        _run(programs / "psql", "-h", folder, "-p", str(port), "-U", OWNER, "-q",
             "-c", "CREATE DATABASE maps")  # fmt: skip
        yield Server(port=port, folder=folder, user=OWNER, password=password)
    finally:
        if started:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    if os.geteuid() == 0:
        words = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups", "--", *words]
    done = subprocess.run(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
