"""Somebody keeps backups for the least number of days."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="retention")

SINGLE = seeds.single_server_id(name="retention")

SCENARIO = Scenario(
    policy="postgres-backup-retention-short",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(
            name="retention",
            properties={"backup": {"backupRetentionDays": 21, "geoRedundantBackup": "Disabled"}},
        ),
    ),
    drift=(patch(SERVER, {"properties": {"backup": {"backupRetentionDays": 7}}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    settings="policies: {postgres-backup-retention-short: {parameters: {days: 14}}}",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-backup-retention-short",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(
                name="retention",
                properties={"storageProfile": {"backupRetentionDays": 21, "geoRedundantBackup": "Disabled"}},
            ),
        ),
        drift=(patch(SINGLE, {"properties": {"storageProfile": {"backupRetentionDays": 7}}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
        settings="policies: {postgres-backup-retention-short: {parameters: {days: 14}}}",
    ),
)
