"""A server loses its copies elsewhere. Azure lets that happen only with a new server of the same name."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, delete, patch, put

SERVER = seeds.flexible_server_id(name="geo")

SINGLE = seeds.single_server_id(name="geo")

SCENARIO = Scenario(
    policy="postgres-geo-redundant-backup-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(
            name="geo", properties={"backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Enabled"}}
        ),
    ),
    drift=(delete(SERVER), put(SERVER, seeds.flexible_server(name="geo"))),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-geo-redundant-backup-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(
                name="geo",
                properties={"storageProfile": {"backupRetentionDays": 7, "geoRedundantBackup": "Enabled"}},
            ),
        ),
        drift=(patch(SINGLE, {"properties": {"storageProfile": {"geoRedundantBackup": "Disabled"}}}),),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
