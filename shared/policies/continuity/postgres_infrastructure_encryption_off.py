"""PostgreSQL single server without the second layer of encryption at rest.

*What it finds.* A single server whose ``infrastructureEncryption`` is Disabled. Flexible servers do not have
the setting. Off unless ``policies.yaml`` names the policy.

*Why it matters.* Where two independent layers of encryption are asked for, one broken algorithm or one leaked
key leaves the data readable without it.

*What the change does.* None is made: it can be chosen only when a single server is created, and the service
is retired. A person moves the data to a flexible server.

*What it may break.* Moving to another server changes its name and address for every client.

*References.* Infrastructure double encryption in Azure Database for PostgreSQL single server.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity
from shared.posture.controls import AZURE_POLICY, CHECKOV, CIS_2_1, CIS_3_0, MCSB
from shared.posture.findings import Judged, compliant, drifted, finding
from shared.posture.policy import SERVER_ALONE, SINGLE_SERVERS, Policy
from shared.posture.server_findings import switched, unsaid
from shared.posture.server_steps import NEW_SERVER

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
            drift = "infrastructureEncryption=Disabled"
            return drifted(reason, fingerprint=drift, what_to_do=_REMEDY, evidence=NEW_SERVER)
        case None:
            return unsaid(server, "infrastructureEncryption")


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL single server has no infrastructure encryption",
    kind=Kind.SETTING,
    targets=SINGLE_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(
        *(CIS_2_1.P_4_3_8, CIS_3_0.P_5_2_8, AZURE_POLICY.INFRASTRUCTURE_ENCRYPTION_SINGLE, MCSB.DP_4),
        CHECKOV.CKV_AZURE_130,
    ),
    evaluate=evaluate,
    opt_in=True,
    no_command="it is chosen when a single server is created, and no single server is created any more",
    ends_on_new_server=True,
    why="One broken layer of encryption is enough to read the data from a stolen disk.",
)
