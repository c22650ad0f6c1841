"""PostgreSQL server whose data is encrypted with the service's key instead of a customer's.

*What it finds.* A flexible server whose ``dataEncryption.type`` is not AzureKeyVault, or a single server
whose ``byokEnforcement`` is Disabled. Off unless ``policies.yaml`` names the policy: data at rest is always
encrypted, and a key of one's own is asked for by few.

*Why it matters.* Where a regulation or a contract asks for it, only a key of one's own can be withdrawn,
rotated and audited by its owner.

*What the change does.* None is made: how a flexible server is encrypted is settled when it is created. A
person restores or copies the data into a new server that is created with the key and an identity that may use
it.

*What it may break.* A customer's key is one more thing that the server cannot run without: a key that expires
or is deleted makes it inaccessible.

*References.* Data encryption in Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import AZURE_POLICY, CIS_DATABASES_2_0, MCSB
from shared.posture.findings import NOTHING, Facts, Judged, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Policy
from shared.posture.server_findings import unsaid
from shared.posture.server_steps import NEW_SERVER, key_steps, single_rest

ID: Final = "postgres-customer-managed-key-missing"
SEVERITY: Final = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    match server.encryption.customer_key:
        case True:
            return compliant("a customer's key encrypts the data")
        case False:
            return drifted(
                "the service's own key encrypts the data, no customer's",
                fingerprint="customerKey=none",
                what_to_do=_remedy(server),
                evidence=NEW_SERVER if server.kind is TargetKind.FLEXIBLE_SERVER else NOTHING,
            )
        case None:
            flexible = server.kind is TargetKind.FLEXIBLE_SERVER
            return unsaid(server, "dataEncryption.type" if flexible else "byokEnforcement")


def _remedy(server: ServerSnapshot) -> str | tuple[str, ...]:
    """A single server takes a key later; a flexible one only at its creation."""
    if server.kind is TargetKind.SINGLE_SERVER:
        key = {"properties": {"serverKeyType": "AzureKeyVault", "uri": "<id of a key>"}}
        return single_rest(server, "put", "/keys/<name of the key: vault_key_version>", key)
    return key_steps(server)


def _facts(server: ServerSnapshot) -> Facts:
    encryption = server.encryption
    return {"customerManagedKey": encryption.customer_key, "primaryKeyURI": encryption.key or None}


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server is not encrypted with a customer's key",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(
        *(CIS_DATABASES_2_0.P_6_1, AZURE_POLICY.CUSTOMER_KEY_FLEXIBLE, AZURE_POLICY.CUSTOMER_KEY_SINGLE),
        MCSB.DP_5,
    ),
    evaluate=evaluate,
    opt_in=True,
    ends_on_new_server=True,
    why="Whoever must be able to withdraw the key to this data cannot: it is in the service's hands alone.",
)
