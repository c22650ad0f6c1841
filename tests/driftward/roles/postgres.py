"""A PostgreSQL server of the tests' own: Debian's package, in a folder of its own, on a port that was free.

PostgreSQL refuses to run as root, so as root it runs as the package's user. Nothing of it is left behind.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from shared.model.values import value
from tests.driftward.roles.certificates import AUTHORITY, CERTIFICATE, KEY, write_certificates

_USERS: Final = ("postgres", "nobody")
SUPERUSER: Final = "azuresu"
"""As on the service: the first role is nobody's but Azure's."""
_QUIET: Final = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "4MB", "max_connections": "20"}
_SAID: Final = {"log_statement": "ddl"}


class NoServer(RuntimeError):
    """There is no PostgreSQL on this machine."""


@value
class Postgres:
    """One that runs."""

    folder: Path
    port: int
    address: str
    """Where it listens beside 127.0.0.1; ``""`` where this machine has no other address."""

    def dsn(self, user: str = SUPERUSER, database: str = "postgres", host: str = "127.0.0.1") -> str:
        return f"host={host} port={self.port} user={user} dbname={database}"

    @property
    def authority(self) -> Path:
        return self.folder / AUTHORITY

    def run(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.dsn(database=database), autocommit=True) as made:
            for statement in statements:
                made.execute(statement.encode())

    def dump(self) -> str:
        """Everything that the server holds, roles and rights included, as SQL."""
        command = [str(program("pg_dumpall")), "--dbname", self.dsn(), "--restrict-key", "tests"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:  # a client without that option
            done = subprocess.run(command[:3], capture_output=True, text=True, check=True)
        return done.stdout


def program(name: str) -> Path:
    """One of PostgreSQL's programs, where Debian has them. Raises ``NoServer``."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda one: int(one.parts[4]))
    where = found[-1] if found else shutil.which(name)
    if where is None:
        raise NoServer(f"{name} is not here: apt-get install postgresql")
    return Path(where)


@contextmanager
def running() -> Iterator[Postgres]:
    """Raises ``NoServer`` where there is none to run."""
    initdb, user = program("initdb"), _user()
    folder = Path(tempfile.mkdtemp(prefix="driftward-postgres-"))
    try:
        write_certificates(folder)
        if user is not None:
            for path in (folder, *folder.iterdir()):
                os.chown(path, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
        made = [str(initdb), "--pgdata", str(folder / "data"), "--username", SUPERUSER, "--auth", "trust"]
        _as(user, [*made, "--encoding", "UTF8", "--locale", "C", "--no-sync"])
        with _started(folder, user) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _started(folder: Path, user: str | None) -> Iterator[Postgres]:
    address, control = _own_address(), [str(program("pg_ctl")), "--pgdata", str(folder / "data"), "--wait"]
    listening = ",".join(filter(None, ("127.0.0.1", address)))
    with (folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all all trust\n")
    port = _free_port()
    said = {
        **_QUIET,
        **_SAID,
        "port": str(port),
        "listen_addresses": listening,
        "unix_socket_directories": str(folder),
        "ssl": "on",
        "ssl_cert_file": str(folder / CERTIFICATE),
        "ssl_key_file": str(folder / KEY),
    }
    options = " ".join(f"-c {name}='{given}'" for name, given in said.items())
    _as(user, [*control, "--log", str(folder / "log"), "--timeout", "600", "--options", options, "start"])
    try:
        yield Postgres(folder=folder, port=port, address=address)
    finally:
        _as(user, [*control, "--mode", "immediate", "stop"])


def _as(user: str | None, command: list[str]) -> None:
    done = subprocess.run(
        command,
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr}")


def _user() -> str | None:
    """None where we are not root ourselves."""
    if os.getuid() != 0:
        return None
    known = {one.pw_name for one in pwd.getpwall()}
    return next(name for name in _USERS if name in known)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _own_address() -> str:
    """By which this machine would go out; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        address: str = asked.getsockname()[0]
        return "" if address.startswith("127.") else address
