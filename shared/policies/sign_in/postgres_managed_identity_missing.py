"""PostgreSQL server without a managed identity.

*What it finds.* A server whose ``identity.type`` is None, or that has no ``identity`` at all: Azure leaves
the field out where there is none. Off unless ``policies.yaml`` names the policy.

*Why it matters.* What the server does for itself (use a customer's key, look up Entra groups, write to
storage with an extension) needs an identity that nobody holds the secret of. Without one those are done with
keys and passwords in connection strings, or not at all.

*What the change does.* None is made: an identity is worth what it may do, and that is granted elsewhere. A
person assigns one and gives it the roles that it needs.

*What it may break.* Nothing: an identity without roles may do nothing.

*References.* Managed identities in Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Policy
from shared.posture.server_findings import az, plainly, unsaid
from shared.posture.shell import SINGLE_API, rest

ID: Final = "postgres-managed-identity-missing"
SEVERITY: Final = Severity.LOW
_KINDS: Final = frozenset({"systemassigned", "userassigned"})


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), {"identity": server.identity or None})


def _judge(server: ServerSnapshot) -> Judged:
    kinds = plainly(server.identity.split(","))
    if kinds <= {"", "none"}:
        return drifted(
            "the server has no managed identity", fingerprint="identity=None", what_to_do=_remedy(server)
        )
    if kinds <= _KINDS:
        return compliant(f"the server has a managed identity: {server.identity}")
    return unsaid(server, "identity.type", server.identity)


def _remedy(server: ServerSnapshot) -> str:
    if server.kind is TargetKind.SINGLE_SERVER:
        return rest("patch", server.id, "", SINGLE_API, {"identity": {"type": "SystemAssigned"}})
    return az(server, "identity update", "--system-assigned Enabled", name="--server-name")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server has no managed identity",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(MCSB.IM_3,),
    evaluate=evaluate,
    opt_in=True,
    why="Without an identity of its own the server reaches keys and storage with secrets that can be copied.",
)
