"""Somebody takes the role statements out of the audit."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="audit")

SCENARIO = Scenario(
    policy="postgres-pgaudit-not-set",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="audit"),
        seeds.parameter(server=SERVER, name="shared_preload_libraries", value="pg_cron,pgaudit"),
        seeds.parameter(server=SERVER, name="pgaudit.log", value="ddl,misc,role"),
    ),
    drift=(patch(f"{SERVER}/configurations/pgaudit.log", {"properties": {"value": "ddl"}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="library-taken-out",
        policy="postgres-pgaudit-not-set",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=SERVER,
        seed=SCENARIO.seed,
        drift=(
            patch(f"{SERVER}/configurations/shared_preload_libraries", {"properties": {"value": "pg_cron"}}),
        ),
        outcome=Outcome.ALERTED,
        reason=Reason.NO_PLAN,
    ),
)
