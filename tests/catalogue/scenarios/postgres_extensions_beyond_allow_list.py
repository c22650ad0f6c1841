"""Somebody allows an extension that is not on the list."""

from local.simulator import seeds
from shared.model import Outcome, Reason, TargetKind
from tests.catalogue.scenario import Scenario, patch

SERVER = seeds.flexible_server_id(name="extensions")

SCENARIO = Scenario(
    policy="postgres-extensions-beyond-allow-list",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="extensions"),
        seeds.parameter(server=SERVER, name="azure.extensions", value="pgcrypto"),
    ),
    drift=(patch(f"{SERVER}/configurations/azure.extensions", {"properties": {"value": "pgcrypto,dblink"}}),),
    outcome=Outcome.ALERTED,
    reason=Reason.NO_PLAN,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
    settings="""
policies:
  postgres-extensions-beyond-allow-list:
    parameters: {allowed: [pgcrypto]}
""",
)
