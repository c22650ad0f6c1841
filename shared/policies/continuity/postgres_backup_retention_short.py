"""PostgreSQL server whose backups are kept for too few days.

*What it finds.* A server whose ``backupRetentionDays`` is below ``days``. Azure keeps 7 to 35 days and never
fewer than 7, so the default finds nothing: a scope that wants longer says so. A flexible server's read
replica is passed over: no backups are taken of it.

*Why it matters.* What was deleted or encrypted is often noticed weeks later; then the last good backup must
still be there.

*What the change does.* None is made: longer retention is paid for by the gigabyte. A person sets it; it is in
force at once, and grows from the backups that are there now.

*What it may break.* Nothing; the backup storage grows.

*References.* Backup and restore in Azure Database for PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from shared.model import Finding, Json, Kind, ServerSnapshot, Severity, TargetKind
from shared.posture.controls import MCSB
from shared.posture.findings import Judged, beside_the_point, compliant, drifted, finding
from shared.posture.policy import ALL_SERVERS, SERVER_ALONE, Parameter, Policy
from shared.posture.server_findings import az, is_replica, unsaid
from shared.posture.server_steps import single_rest

ID: Final = "postgres-backup-retention-short"
SEVERITY: Final = Severity.MEDIUM
LEAST: Final = 7
MOST: Final = 35


def evaluate(server: ServerSnapshot, *, days: int) -> Finding:
    facts = {
        "backupRetentionDays": server.backup.retention_days,
        "requiredDays": days,
        "replicationRole": server.replication.role or None,
    }
    return finding(ID, SEVERITY, server, _judge(server, days), facts)


def _judge(server: ServerSnapshot, days: int) -> Judged:
    if server.kind is TargetKind.FLEXIBLE_SERVER and is_replica(server):
        return beside_the_point("no backups are taken of a read replica")
    kept = server.backup.retention_days
    if kept is None:
        return unsaid(server, "backupRetentionDays")
    if kept >= days:
        return compliant(f"backups are kept for {kept} days")
    return drifted(
        f"backups are kept for {kept} days, wanted are {days}",
        fingerprint=f"backupRetentionDays={kept}",
        what_to_do=_remedy(server, days),
    )


def _remedy(server: ServerSnapshot, days: int) -> str:
    if server.kind is TargetKind.SINGLE_SERVER:
        body = {"properties": {"storageProfile": {"backupRetentionDays": days}}}
        return single_rest(server, "patch", "", body)
    return az(server, "update", f"--backup-retention {days}")


def _wrong_days(days: Json) -> str | None:
    whole = isinstance(days, int) and not isinstance(days, bool)
    return None if whole and LEAST <= days <= MOST else f"a whole number of days, from {LEAST} to {MOST}"


POLICY: Policy[ServerSnapshot] = Policy(
    id=ID,
    title="Backups of a PostgreSQL server are kept for too few days",
    kind=Kind.SETTING,
    targets=ALL_SERVERS,
    severity=SEVERITY,
    reads=SERVER_ALONE,
    controls=(MCSB.BR_1,),
    evaluate=evaluate,
    parameters=(
        Parameter(
            name="days",
            default=LEAST,
            description="For how many days backups must be kept, from 7 to 35.",
            check=_wrong_days,
            example=14,
        ),
    ),
    why="What somebody deletes and nobody notices within the retention cannot be brought back.",
)
