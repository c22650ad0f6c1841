"""Somebody turns the throttling of failed sign-ins off."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch, put

SERVER = seeds.flexible_server_id(name="throttling")
SINGLE = seeds.single_server_id(name="throttling")

SCENARIO = Scenario(
    policy="postgres-connection-throttling-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="throttling", properties={"version": "15"}),
        seeds.parameter(server=SERVER, name="connection_throttle.enable", value="on"),
    ),
    drift=(patch(f"{SERVER}/configurations/connection_throttle.enable", {"properties": {"value": "off"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="single-server",
        policy="postgres-connection-throttling-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="throttling"),
            seeds.parameter(server=SINGLE, name="connection_throttling", value="on"),
        ),
        drift=(put(f"{SINGLE}/configurations/connection_throttling", {"properties": {"value": "off"}}),),
        outcome=Outcome.REVERTED,
    ),
)
