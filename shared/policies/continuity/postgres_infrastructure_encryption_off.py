"""PostgreSQL single server without the second layer of encryption at rest.

*What it finds.* A single server whose ``infrastructureEncryption`` is Disabled. Flexible servers do not have
the setting. Off unless ``policies.yaml`` names the policy.

*Why it matters.* Where two independent layers of encryption are asked for, one broken algorithm or one leaked
key leaves the data readable without it.

*What the change does.* None is made: it can be chosen only when a single server is created, and the service
is retired. A person moves the data to a flexible server.

*What it may break.* Moving to another server changes its name and address for every client.

*References.* Infrastructure double encryption in Azure Database for PostgreSQL single server; CIS Microsoft
Azure Foundations 2.1.0 4.3.8; Azure Policy 24fba194-95d6-48c0-aea7-f65bf859c598; MCSB DP-4.
"""

from __future__ import annotations

from typing import Final

from shared.model import (
    Aspect,
    Finding,
    Kind,
    Safety,
    ServerSnapshot,
    Severity,
)
from shared.posture.policy import Control, Policy
from shared.posture.server_findings import (
    SINGLE_SERVERS,
    Judged,
    compliant,
    drifted,
    finding,
    switched,
    unsaid,
)

ID: Final = "postgres-infrastructure-encryption-off"
SEVERITY: Final = Severity.LOW
_REMEDY: Final = "migrate to a flexible server: in the portal of that server, Migration, Create"


def evaluate(server: ServerSnapshot) -> Finding:
    facts = {"infrastructureEncryption": switched(server.encryption.infrastructure)}
    return finding(ID, SEVERITY, server, _judge(server), facts)


def _judge(server: ServerSnapshot) -> Judged:
    match server.encryption.infrastructure:
        case True:
            return compliant("infrastructure encryption is on")
        case False:
            reason = "infrastructure encryption is off: data at rest has one layer of encryption"
            return drifted(reason, fingerprint="infrastructureEncryption=Disabled", what_to_do=_REMEDY)
        case None:
            return unsaid(server, "infrastructureEncryption")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL single server has no infrastructure encryption",
    kind=Kind.SETTING,
    targets=SINGLE_SERVERS,
    severity=SEVERITY,
    safety=Safety.MANUAL,
    reads=frozenset({Aspect.SERVER}),
    permissions=("Microsoft.DBforPostgreSQL/servers/read",),
    controls=(
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="2.1.0",
            id="4.3.8",
            title="Infrastructure double encryption is on",
        ),
        Control(
            framework="CIS Microsoft Azure Foundations",
            version="3.0.0",
            id="5.2.8",
            title="Infrastructure double encryption is on",
        ),
        Control(
            framework="Azure Policy",
            version="built-in",
            id="24fba194-95d6-48c0-aea7-f65bf859c598",
            title="Infrastructure encryption should be enabled for Azure Database for PostgreSQL servers",
        ),
        Control(framework="MCSB", version="v1", id="DP-4", title="Enable data at rest encryption by default"),
        Control(
            framework="Checkov",
            version="rules",
            id="CKV_AZURE_130",
            title="A PostgreSQL server has infrastructure encryption",
        ),
    ),
    evaluate=evaluate,
    opt_in=True,
    why="One broken layer of encryption is enough to read the data from a stolen disk.",
)
