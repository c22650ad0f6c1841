"""Reads a server: rows become values, one query after another, and a query that is refused costs its part
alone.

Everything is asked in one read-only transaction for each database, so that its parts fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeAlias, TypeVar

from driftward.roles import queries
from driftward.roles.connecting import CannotSignIn, Way, connected
from shared.model.snapshots import ServerSnapshot
from shared.model.targets import Target
from shared.model.values import value
from shared.roles.reading import (
    Database,
    EntraRole,
    Inside,
    Membership,
    Override,
    Part,
    Role,
    Schema,
    Session,
    Setting,
)

if TYPE_CHECKING:
    from psycopg import Connection

T = TypeVar("T")
Rows: TypeAlias = list[tuple[Any, ...]]

SERVICE_ROLES: Final = ["azuresu", "azure_pg_admin", "replication"]
"""Those that the service brings (Azure Database for PostgreSQL, server concepts)."""
SERVICE_DATABASES: Final = ["azure_maintenance", "azure_sys"]


@value
class Asked:
    """What is known before anybody signs in."""

    target: Target
    now: datetime
    azure: ServerSnapshot | None = None
    why_no_azure: str = ""
    administrators: frozenset[str] = frozenset()


class OddRows(Exception):
    """A function of the service's has another shape than is documented."""


class _Reader:
    """One connection, and what could not be read by it."""

    def __init__(self, made: Connection[tuple[Any, ...]]) -> None:
        self._made = made
        self.unread: dict[Part, str] = {}

    def rows(self, query: LiteralString, *arguments: Any) -> Rows:
        """Raises ``psycopg.Error``, and the transaction goes on."""
        with self._made.transaction():
            return self._made.execute(query, arguments or None).fetchall()

    def part(self, part: Part, read: Callable[[], T]) -> T | None:
        """What is read; None with the reason where the server refuses it."""
        from psycopg import DatabaseError, OperationalError, errors

        try:
            return read()
        except OperationalError as error:
            if not isinstance(error, errors.QueryCanceled):
                raise
            self.unread[part] = _said(error)
        except (DatabaseError, OddRows) as error:
            self.unread[part] = _said(error)
        return None

    def called(self, name: str, arguments: int) -> str | None:
        """The schema of a function of the service's; None where there is none that may be called."""
        found = self.rows(queries.FUNCTION, name, arguments)
        return str(found[0][0]) if found else None

    def calling(self, schema: str, call: LiteralString) -> list[dict[str, Any]]:
        """Rows by the names of their columns, in lower case: nothing says their order."""
        from psycopg.sql import SQL, Identifier

        with self._made.transaction():
            done = self._made.execute(SQL("SELECT * FROM {}." + call).format(Identifier(schema)))
            names = [column.name.lower() for column in done.description or ()]
            return [dict(zip(names, row, strict=True)) for row in done.fetchall()]


def _said(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def read_inside(way: Way, asked: Asked) -> Inside:
    """Everything. Raises ``CannotSignIn`` where the server lets nobody in or is lost meanwhile."""
    from psycopg import Error

    try:
        with closing(connected(way)) as made:
            reader = _Reader(made)
            databases = reader.rows(queries.DATABASES, SERVICE_DATABASES)
            inside = _whole(reader, asked)
        listed = tuple(_database(row, way) for row in databases)
    except (Error, UnicodeDecodeError) as error:
        raise CannotSignIn(f"{way.where}: {_said(error)}") from None
    return replace(inside, databases=listed)


def _whole(reader: _Reader, asked: Asked) -> Inside:
    version, who, sees_all = reader.rows(queries.WHO)[0]
    sessions = reader.part(Part.SESSIONS, lambda: _sessions(reader))
    settings = reader.part(Part.SETTINGS, lambda: _settings(reader))
    passwords = reader.part(Part.PASSWORDS, lambda: _passwords(reader))
    entra = reader.part(Part.ENTRA, lambda: _entra(reader))
    unread = {Part.AZURE: asked.why_no_azure} if asked.azure is None else {}
    return Inside(
        target=asked.target,
        read_at=asked.now,
        version=version,
        reader=who,
        roles=tuple(_role(row) for row in reader.rows(queries.ROLES, SERVICE_ROLES)),
        memberships=tuple(_membership(row) for row in reader.rows(queries.MEMBERSHIPS)),
        passwords=passwords,
        entra=entra,
        sessions=sessions,
        sees_all_sessions=sees_all,
        settings=settings,
        overrides=tuple(_overrides(reader.rows(queries.OVERRIDES))),
        azure=asked.azure,
        administrators=asked.administrators,
        unread={**unread, **reader.unread},
    )


# --- rows as values --------------------------------------------------------------------------------


def _role(row: tuple[Any, ...]) -> Role:
    name, ours, superuser, creates, replicates, bypasses, logs_in, expires, holds = row
    return Role(
        name=name,
        ours=ours,
        superuser=superuser,
        creates_roles=creates,
        replicates=replicates,
        bypasses_row_security=bypasses,
        logs_in=logs_in,
        expires=expires,
        holds=holds,
    )


def _membership(row: tuple[Any, ...]) -> Membership:
    role, member, grantor = row
    return Membership(role=role, member=member, grantor=grantor)


def _sessions(reader: _Reader) -> tuple[Session, ...]:
    rows = reader.rows(queries.SESSIONS, SERVICE_ROLES)
    return tuple(Session(role=a, database=b, address=c, encrypted=d) for a, b, c, d in rows)


def _settings(reader: _Reader) -> tuple[Setting, ...]:
    rows = reader.rows(queries.SETTINGS)
    return tuple(Setting(name=a, value=b, unit=c, pending_restart=d) for a, b, c, d in rows)


def _overrides(rows: Iterable[tuple[Any, ...]]) -> Iterator[Override]:
    for role, database, pair in rows:
        name, _, said = pair.partition("=")
        yield Override(role=role, database=database, name=name, value=said)


def _passwords(reader: _Reader) -> dict[str, str]:
    """By the service's function where it is there, else from the catalogue, which only superusers read."""
    schema = reader.called("azure_roles_authtype", 0)
    if schema is None:
        return dict(reader.rows(queries.STORED))
    rows = reader.calling(schema, "azure_roles_authtype()")
    return {_name(row): str(_cell(row, "authtype") or "").upper() for row in rows}


def _entra(reader: _Reader) -> tuple[EntraRole, ...]:
    """By the service's function, which is in the database ``postgres``, else by the labels that it reads."""
    schema = reader.called("pgaadauth_list_principals", 1)
    if schema is None:
        return tuple(EntraRole(name=a, is_admin=b) for a, b in reader.rows(queries.LABELS))
    rows = reader.calling(schema, "pgaadauth_list_principals(false)")
    return tuple(EntraRole(name=_name(row), is_admin=_is_on(row.get("isadmin"))) for row in rows)


def _name(row: dict[str, Any]) -> str:
    """The documentation spells the column in both ways."""
    return str(_cell(row, "rolename", "rolname"))


def _cell(row: dict[str, Any], *names: str) -> Any:
    """What the first of these columns holds. Raises ``OddRows`` where there is none."""
    for name in names:
        if name in row:
            return row[name]
    raise OddRows(f"a function of the service's answers without a column {names[0]}")


def _is_on(said: object) -> bool:
    return str(said).lower() in {"1", "t", "true"}


def _database(row: tuple[Any, ...], way: Way) -> Database:
    name, ours, opens, public = row
    base = Database(name=name, ours=ours, public=tuple(public))
    return _opened(base, way.to(name), opens=opens) if ours else base


def _opened(base: Database, way: Way, *, opens: bool) -> Database:
    """With its schemas, which only a connection to the database itself shows."""
    from psycopg import Error

    if not opens:
        return replace(base, unread="the reading role may not connect to it")
    try:
        with closing(connected(way)) as made:
            rows = _Reader(made).rows(queries.SCHEMAS, SERVICE_ROLES)
    except (CannotSignIn, Error, UnicodeDecodeError) as error:
        return replace(base, unread=_said(error))
    return replace(base, schemas=tuple(Schema(name=a, ours=b, public=tuple(c)) for a, b, c in rows))
