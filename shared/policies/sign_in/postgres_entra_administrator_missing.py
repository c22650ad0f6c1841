"""PostgreSQL server without a Microsoft Entra administrator.

*What it finds.* A flexible server that accepts Microsoft Entra sign-in and has no Entra administrator, or a
single server that has none. Where Entra sign-in is off there is nothing to find, and nobody is asked.

*Why it matters.* Only an Entra administrator can create the roles that sign in with Entra. Without one, Entra
sign-in is on and unusable, and everybody goes on sharing passwords.

*What the change does.* None is made: who administers a database is for its owner to say. A person names a
group rather than a user, so that access follows the group's membership.

*What it may break.* Nothing: an administrator is added, nobody is taken away.

*References.* Manage Microsoft Entra roles in Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Aspect, Finding, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.findings import Facts, Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, Policy
from shared.posture.server_findings import switched, unread, unsaid
from shared.posture.server_steps import administrator_steps, single_rest

ID: Final = "postgres-entra-administrator-missing"
SEVERITY: Final = Severity.MEDIUM
_SINGLE: Final = {
    "administratorType": "ActiveDirectory",
    "login": "<name of a group>",
    "sid": "<its object id>",
    "tenantId": "<id of its tenant>",
}


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    if server.sign_in.entra is False:
        return beside_the_point("Microsoft Entra sign-in is off")
    if server.administrators is None:
        return unread(server, Aspect.ADMINISTRATORS)
    if server.administrators:
        return compliant(f"Microsoft Entra administrators: {len(server.administrators)}")
    if server.kind is TargetKind.FLEXIBLE_SERVER and server.sign_in.entra is None:
        return unsaid(server, "whether Microsoft Entra sign-in is on, and it has no Entra administrator")
    return drifted(
        "there is no Microsoft Entra administrator",
        fingerprint="administrators=none",
        what_to_do=_remedy(server),
    )


def _remedy(server: ServerSnapshot) -> str | tuple[str, ...]:
    if server.kind is TargetKind.SINGLE_SERVER:
        return single_rest(server, "put", "/administrators/activeDirectory", {"properties": _SINGLE})
    return administrator_steps(server)


def _facts(server: ServerSnapshot) -> Facts:
    found = sorted(server.administrators or (), key=lambda one: one.object_id.lower())
    return {
        "activeDirectoryAuth": switched(server.sign_in.entra),
        "administrators": [
            {"objectId": one.object_id, "principalName": one.name, "principalType": one.type} for one in found
        ],
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server has no Microsoft Entra administrator",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=frozenset({Aspect.SERVER, Aspect.ADMINISTRATORS}),
    controls=(AZURE_POLICY.ENTRA_ADMINISTRATOR_FLEXIBLE, AZURE_POLICY.ENTRA_ADMINISTRATOR_SINGLE, MCSB.IM_1),
    evaluate=evaluate,
    why="Without an Entra administrator nobody can move off shared passwords, whatever the server accepts.",
)
