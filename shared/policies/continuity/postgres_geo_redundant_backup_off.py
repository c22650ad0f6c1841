"""PostgreSQL server whose backups stay in its own region.

*What it finds.* A server whose ``geoRedundantBackup`` is Disabled: on a flexible server in ``backup``, on a
single server in ``storageProfile``. A flexible server's read replica is passed over: no backups are taken of
it. Off unless ``policies.yaml`` names the policy: it costs as much storage again.

*Why it matters.* When a region is lost, so are the server and every backup of it.

*What the change does.* None is made: it can be chosen only when the server is created. A person restores into
a new server that has it, or keeps a replica or exports in another region.

*What it may break.* A new server has another name and address; some regions offer no pair to copy to.

*References.* Backup and restore in Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import AZURE_POLICY, MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Policy
from shared.posture.server_findings import is_replica, switched, unsaid
from shared.posture.server_steps import NEW_SERVER, az_restore, restore_options

ID: Final = "postgres-geo-redundant-backup-off"
SEVERITY: Final = Severity.MEDIUM


def evaluate(server: ServerSnapshot) -> Finding:
    facts = {
        "geoRedundantBackup": switched(server.backup.geo_redundant),
        "replicationRole": server.replication.role or None,
    }
    return finding(ID, SEVERITY, server, _judge(server), facts)


def _judge(server: ServerSnapshot) -> Judged:
    if server.kind is TargetKind.FLEXIBLE_SERVER and is_replica(server):
        return beside_the_point("no backups are taken of a read replica")
    match server.backup.geo_redundant:
        case True:
            return compliant("backups are copied to another region")
        case False:
            return drifted(
                "backups stay in the region of the server",
                fingerprint="geoRedundantBackup=Disabled",
                what_to_do=_remedy(server),
                evidence=NEW_SERVER,
            )
        case None:
            return unsaid(server, "geoRedundantBackup")


def _remedy(server: ServerSnapshot) -> str:
    if server.kind is TargetKind.SINGLE_SERVER:
        return "migrate to a flexible server that is created with geo-redundant backup"
    return az_restore(server.id, restore_options(server, geo=True, key=False))


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Backups of a PostgreSQL server stay in its region",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(AZURE_POLICY.GEO_BACKUP_FLEXIBLE, AZURE_POLICY.GEO_BACKUP_SINGLE, MCSB.BR_1, MCSB.BR_2),
    evaluate=evaluate,
    opt_in=True,
    ends_on_new_server=True,
    why="The loss of one region takes the database and every backup of it.",
)
