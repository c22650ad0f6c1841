"""Somebody turns the entries about connections off; on version 18 somebody takes parts away."""

from local.simulator import seeds
from shared.model import Outcome, TargetKind
from tests.catalogue.scenario import Scenario, patch, put

SERVER = seeds.flexible_server_id(name="connections")
LATEST = seeds.flexible_server_id(name="connections-18")
SINGLE = seeds.single_server_id(name="connections")

SCENARIO = Scenario(
    policy="postgres-log-connections-off",
    kind=TargetKind.FLEXIBLE_SERVER,
    resource=SERVER,
    seed=(
        seeds.flexible_server(name="connections"),
        seeds.parameter(server=SERVER, name="log_connections", value="on"),
    ),
    drift=(patch(f"{SERVER}/configurations/log_connections", {"properties": {"value": "off"}}),),
    outcome=Outcome.REVERTED,
    part="Microsoft.DBforPostgreSQL/flexibleServers/configurations/read",
)

ALSO = (
    Scenario(
        name="version-18",
        policy="postgres-log-connections-off",
        kind=TargetKind.FLEXIBLE_SERVER,
        resource=LATEST,
        seed=(
            seeds.flexible_server(name="connections-18", properties={"version": "18"}),
            seeds.parameter(
                server=LATEST,
                name="log_connections",
                value="receipt,authentication,authorization,setup_durations",
            ),
        ),
        drift=(
            patch(f"{LATEST}/configurations/log_connections", {"properties": {"value": "setup_durations"}}),
        ),
        outcome=Outcome.REVERTED,
    ),
    Scenario(
        name="single-server",
        policy="postgres-log-connections-off",
        kind=TargetKind.SINGLE_SERVER,
        resource=SINGLE,
        seed=(
            seeds.single_server(name="connections"),
            seeds.parameter(server=SINGLE, name="log_connections", value="on"),
        ),
        drift=(put(f"{SINGLE}/configurations/log_connections", {"properties": {"value": "off"}}),),
        outcome=Outcome.REVERTED,
    ),
)
