"""PostgreSQL flexible server that does not accept Microsoft Entra sign-in.

*What it finds.* A flexible server with ``authConfig.activeDirectoryAuth`` Disabled. Where the field is absent
it is not known.

*Why it matters.* Passwords of database roles are shared, do not expire with the person who knows them, and
pass by conditional access and multifactor sign-in. With Microsoft Entra every session is somebody's.

*What the change does.* None is made: the roles that sign in with Entra must be created first. A person turns
Entra sign-in on, names an administrator, maps the roles, and may then turn passwords off.

*What it may break.* Nothing by turning it on: passwords stay accepted until they are turned off.

*References.* Microsoft Entra authentication with Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, CIS_DATABASES_2_0, MCSB
from shared.posture.findings import Judged, compliant, drifted, finding
from shared.posture.policy import FLEXIBLE_SERVERS, SERVER_ALONE, Policy
from shared.posture.server_findings import sign_in_facts, unsaid
from shared.posture.server_steps import entra_steps

ID: Final = "postgres-entra-sign-in-off"
SEVERITY: Final = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), sign_in_facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    match server.sign_in.entra:
        case True:
            return compliant("Microsoft Entra sign-in is on")
        case False:
            return drifted(
                "Microsoft Entra sign-in is off: only passwords are accepted",
                fingerprint="activeDirectoryAuth=Disabled",
                what_to_do=entra_steps(server),
            )
        case None:
            return unsaid(server, "authConfig.activeDirectoryAuth")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server does not accept Microsoft Entra sign-in",
    kind=Kind.SETTING,
    targets=FLEXIBLE_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(CIS_DATABASES_2_0.P_6_2, AZURE_POLICY.ENTRA_ONLY_FLEXIBLE, MCSB.IM_1),
    evaluate=evaluate,
    why="Without Microsoft Entra a password that leaks, or that a leaver still knows, opens the database.",
)
