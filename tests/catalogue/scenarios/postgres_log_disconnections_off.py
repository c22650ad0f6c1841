"""Somebody turns the entries at the end of sessions off."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch, put

SERVER = seeds.flexible_server_id(name="disconnections")
SINGLE = seeds.single_server_id(name="disconnections")

SCENARIO = Scenario(
    policy="postgres-log-disconnections-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="disconnections"),
        seeds.parameter(server=SERVER, name="log_disconnections", value="on"),
    ),
    drift=(patch(f"{SERVER}/configurations/log_disconnections", {"properties": {"value": "off"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-log-disconnections-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="disconnections"),
            seeds.parameter(server=SINGLE, name="log_disconnections", value="on"),
        ),
        drift=(put(f"{SINGLE}/configurations/log_disconnections", {"properties": {"value": "off"}}),),
        outcome=Outcome.REVERTED,
    ),
)
