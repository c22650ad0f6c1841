"""PostgreSQL server that cannot use its encryption key, or soon will not.

*What it finds.* A server whose state is Inaccessible, or a flexible server with a customer's key whose
``primaryEncryptionKeyStatus`` or ``geoBackupEncryptionKeyStatus`` is Invalid. It reads the server alone.
Azure raises no resource event when a key is withdrawn: only the sweep finds it.

*Why it matters.* A key that is disabled, expired, deleted or behind a closed network takes the server offline
within the hour: no connections, no backups, and no way back before the key is usable again.

*What the change does.* None is made: what happened to the key may be somebody's decision. A person enables or
restores the key, or gives the server's identity its roles and the vault its network access back.

*What it may break.* Giving access back makes the data readable again, also where somebody withdrew it on
purpose.

*References.* Data encryption in Azure Database for PostgreSQL (server is inaccessible).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import MCSB
from shared.posture.findings import Facts, Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Policy, RaisedBy
from shared.posture.server_findings import unsaid

ID: Final = "postgres-encryption-key-unreachable"
SEVERITY: Final = Severity.HIGH
_REMEDY: Final = (
    "in the key vault: see that the key is enabled and not expired, that the identity of the server has the "
    "role Key Vault Crypto Service Encryption User, and that the vault's network lets trusted services in; "
    "then in the portal: the server, Data encryption, revalidate the key"
)


def evaluate(server: ServerSnapshot) -> Finding:
    return finding(ID, SEVERITY, server, _judge(server), _facts(server))


def _judge(server: ServerSnapshot) -> Judged:
    if not server.state_text:
        return unsaid(server, "its state")
    if server.state_text.lower() == "inaccessible":
        reason = "the server is Inaccessible: Azure cannot use its encryption key"
        return drifted(reason, fingerprint="state=inaccessible", what_to_do=_REMEDY)
    if server.encryption.customer_key is False:
        return beside_the_point("the service's own key encrypts the data")
    if server.kind is TargetKind.SINGLE_SERVER:
        return compliant(f"the server is {server.state_text}: its key can be used")
    if server.encryption.customer_key is None:
        return unsaid(server, "dataEncryption.type")
    return _judge_keys(server)


def _judge_keys(server: ServerSnapshot) -> Judged:
    states = _key_states(server)
    invalid = [name for name, state in states.items() if state.lower() == "invalid"]
    if invalid:
        return drifted(
            f"{' and '.join(invalid)}: Invalid; the server becomes Inaccessible",
            fingerprint=f"invalid: {','.join(invalid)}",
            what_to_do=_REMEDY,
        )
    for name, state in states.items():
        if state.lower() != "valid":
            return unsaid(server, f"dataEncryption.{name}", state)
    return compliant("the customer's key can be used")


def _key_states(server: ServerSnapshot) -> Mapping[str, str]:
    """What Azure says of each key that there is, by its field."""
    encryption = server.encryption
    backup = {"geoBackupEncryptionKeyStatus": encryption.backup_key_state} if encryption.backup_key else {}
    return {"primaryEncryptionKeyStatus": encryption.key_state, **backup}


def _facts(server: ServerSnapshot) -> Facts:
    encryption = server.encryption
    return {
        "state": server.state_text,
        "primaryKeyURI": encryption.key or None,
        "primaryEncryptionKeyStatus": encryption.key_state or None,
        "geoBackupKeyURI": encryption.backup_key or None,
        "geoBackupEncryptionKeyStatus": encryption.backup_key_state or None,
    }


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="A PostgreSQL server cannot use its encryption key",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(MCSB.DP_6,),
    evaluate=evaluate,
    raised_by=RaisedBy.SWEEP,
    no_command="what keeps the key from being used (it is disabled, expired, deleted; a role is missing; the "
    "vault's network is closed) is known in its vault alone, which is not read",
    why="The database goes or is offline, and no backup is taken, until the key can be used again.",
)
