"""PostgreSQL flexible server that does not accept Microsoft Entra sign-in.

*What it finds.* A flexible server with ``authConfig.activeDirectoryAuth`` Disabled. Where the field is absent
it is not known.

*Why it matters.* Passwords of database roles are shared, do not expire with the person who knows them, and
pass by conditional access and multifactor sign-in. With Microsoft Entra every session is somebody's.

*What the change does.* None is made: the roles that sign in with Entra must be created first. A person turns
Entra sign-in on, names an administrator, maps the roles, and may then turn passwords off.

*What it may break.* Nothing by turning it on: passwords stay accepted until they are turned off.

*References.* Microsoft Entra authentication with Azure Database for PostgreSQL; CIS Microsoft Azure Database
Services 2.0.0 6.2; Azure Policy fa498b91-8a7e-4710-9578-da944c68d1fe; MCSB IM-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import (
    Aspect,
    Finding,
    Json,
    Kind,
    Safety,
    ServerSnapshot,
    Severity,
)
from shared.posture.policy import Control, Policy
from shared.posture.server_findings import (
    FLEXIBLE_SERVERS,
    Judged,
    az,
    compliant,
    drifted,
    finding,
    switched,
    unsaid,
)

ID: Final = "postgres-entra-sign-in-off"
SEVERITY: Final = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    match server.sign_in.entra:
        case True:
            return compliant("Microsoft Entra sign-in is on")
        case False:
            return drifted(
                "Microsoft Entra sign-in is off: only passwords are accepted",
                fingerprint="activeDirectoryAuth=Disabled",
                what_to_do=az(server, "update", "--microsoft-entra-auth Enabled"),
            )
        case None:
            return unsaid(server, "authConfig.activeDirectoryAuth")


def _facts(server: ServerSnapshot) -> Mapping[str, Json]:
    return {
        "activeDirectoryAuth": switched(server.sign_in.entra),
        "passwordAuth": switched(server.sign_in.passwords),
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server does not accept Microsoft Entra sign-in",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER}),
    permissions=("Microsoft.DBforPostgreSQL/flexibleServers/read",),
    controls=(
        Control(
            framework="CIS Microsoft Azure Database Services",
            version="2.0.0",
            id="6.2",
            title="PostgreSQL servers use Microsoft Entra authentication only",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="fa498b91-8a7e-4710-9578-da944c68d1fe",
            title=(
                "[Preview]: Azure PostgreSQL flexible server should have Microsoft Entra Only "
                "Authentication enabled"
            ),
        ),
        Control(
            framework="MCSB",
            version="v1",
            id="IM-1",
            title="Use centralized identity and authentication system",
        ),
    ),
    evaluate=evaluate,
    why="Without Microsoft Entra a password that leaks, or that a leaver still knows, opens the database.",
)
