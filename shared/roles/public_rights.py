"""What PUBLIC may do: every role, those that are made tomorrow as well.

PostgreSQL itself grants CONNECT and TEMPORARY on a new database to PUBLIC, up to version 14 also CREATE on
the schema ``public`` (PostgreSQL manual, 5.8 and the release notes of 15). USAGE on ``public`` alone lets
nobody do anything, and is not told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from shared.model import Severity
from shared.posture.controls import MCSB
from shared.posture.findings import Judged
from shared.posture.policy import AnyPolicy
from shared.roles.names import connect, identifier
from shared.roles.reading import Database, Inside, Schema
from shared.roles.telling import Case, beside_unread, check, told

_CREATE: Final = "CREATE"
_CONNECT: Final = "CONNECT"
_PUBLIC: Final = "public"


def on_databases(inside: Inside) -> Judged:
    cases = (_on_database(one) for one in inside.databases if one.ours and one.public)
    return told(cases, "PUBLIC has rights on databases: {}", "PUBLIC has no rights on databases")


def _on_database(one: Database) -> Case:
    rights = ", ".join(sorted(one.public))
    warned = "-- first GRANT CONNECT on it to every role that connects: others are refused from then on"
    revoked = f"REVOKE {rights} ON DATABASE {identifier(one.name)} FROM PUBLIC;"
    return Case(
        name=one.name,
        detail=rights,
        sql=(warned, revoked) if _CONNECT in one.public else (revoked,),
        severity=None if _CREATE in one.public else Severity.LOW,
    )


def on_schemas(inside: Inside) -> Judged:
    ours = [one for one in inside.databases if one.ours]
    cases = (case for one in ours for case in _on_schemas(one))
    judged = told(cases, "PUBLIC has rights on schemas: {}", "PUBLIC has no rights on schemas")
    return beside_unread(judged, [_unread(one) for one in ours if one.schemas is None])


def _unread(one: Database) -> str:
    return f"the schemas of {identifier(one.name)} ({one.unread or 'they were not read'})"


def _on_schemas(database: Database) -> Iterator[Case]:
    for one in database.schemas or ():
        rights = ", ".join(_wrong_ones(one))
        if rights:
            yield Case(
                name=one.name,
                detail=f"in database {identifier(database.name)}: {rights}",
                sql=(
                    *connect(database.name),
                    f"REVOKE {rights} ON SCHEMA {identifier(one.name)} FROM PUBLIC;",
                ),
                severity=None if _CREATE in one.public else Severity.LOW,
            )


def _wrong_ones(one: Schema) -> list[str]:
    """Of a schema that comes with the server, or ``public``, USAGE is as it should be."""
    harmless = not one.ours or one.name == _PUBLIC
    return [right for right in sorted(one.public) if right == _CREATE or not harmless]


CHECKS: Final[tuple[AnyPolicy, ...]] = (
    check(
        "postgres-public-rights-on-schema",
        "Every role of a PostgreSQL server has rights on a schema",
        Severity.HIGH,
        on_schemas,
        "Who may create in a schema that others search can have their code run with others' rights.",
        (MCSB.PA_7,),
    ),
    check(
        "postgres-public-rights-on-database",
        "Every role of a PostgreSQL server has rights on a database",
        Severity.MEDIUM,
        on_databases,
        "A role that was made for one database gets into the others.",
        (MCSB.PA_7,),
    ),
)
