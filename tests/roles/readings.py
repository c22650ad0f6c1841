"""Readings of servers for tests of the checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from shared.model import ComplianceState, Finding, PublicAccess, ServerSnapshot, Target, TargetKind
from shared.model.kinds import ServerState
from shared.model.parts import Administrator, ServerParameter, SignIn
from shared.model.resource_id import ResourceId
from shared.roles import find
from shared.roles.reading import Inside, Setting

NOW: Final = datetime(2026, 11, 30, 12, tzinfo=UTC)
ID: Final = ResourceId(
    "/subscriptions/8d1f2c3b-0000-4000-8000-000000000001/resourceGroups/shop/providers/"
    "Microsoft.DBforPostgreSQL/flexibleServers/orders"
)


def azure(**fields: Any) -> ServerSnapshot:
    """What ARM says: one parameter, one administrator."""
    base = ServerSnapshot(
        kind=TargetKind.FLEXIBLE_SERVER,
        id=ID,
        read_at=NOW,
        location="canadacentral",
        state=ServerState.READY,
        state_text="Ready",
        public_access=PublicAccess.DISABLED,
        administrator_login="pgadmin",
        administrators=(Administrator(object_id="1", name="dba@contoso.com"),),
        parameters=(ServerParameter(name="log_statement", value="ddl"),),
        sign_in=SignIn(entra=True, passwords=True),
    )
    return replace(base, **fields)


def inside(**fields: Any) -> Inside:
    """A server of which everything was read, and in which nothing is."""
    base = Inside(
        target=Target(kind=TargetKind.FLEXIBLE_SERVER, id=ID),
        read_at=NOW,
        version=160004,
        reader="auditor",
        passwords={},
        entra=(),
        sessions=(),
        sees_all_sessions=True,
        settings=(Setting(name="log_statement", value="ddl"),),
        azure=azure(),
    )
    return replace(base, **fields)


def judged(check_id: str, reading: Inside) -> Finding:
    check = find(check_id)
    assert check is not None
    found: Finding = check.evaluate(reading)
    return found


def sql(found: Finding) -> list[str]:
    return list(found.evidence.get("whatToDo", []))


WRONG: Final = ComplianceState.NON_COMPLIANT
RIGHT: Final = ComplianceState.COMPLIANT
UNKNOWN: Final = ComplianceState.UNKNOWN
